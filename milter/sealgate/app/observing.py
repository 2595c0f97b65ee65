"""What is observed of a transaction: the port that counts, the stages that are timed, and what labels a message gets.

`sighted` turns an `Outcome` into a handful of words from closed lists: enums, codes of the catalogue, domains that the
profile names. Nothing that a message brought becomes a label, so that no sender can make a series. Nothing is raised
for what a sender wrote.
"""

from collections.abc import Callable, Mapping
from itertools import islice
from types import MappingProxyType
from typing import Any, Final, NamedTuple, Protocol

from sealgate.app.screen import Outcome
from sealgate.checks.caller import Caller
from sealgate.profile.model import Domain, Profile
from sealgate.seal.plan import SKIPS, SealPlan, Skipped

MAX_DOMAINS: Final = 100
"""Domains of a profile that are counted apart; a host of thousands would be a host of series."""

OTHER: Final = "other"
NO_IDENTITY: Final = "unknown"
NOBODY: Final = "none"
SIGNED: Final = "signed"
_MAX_NAME: Final = 253  # octets of a domain, RFC 1035 2.3.4
_NONE: Final[tuple[tuple[str, str], ...]] = ()

STAGES: Final = MappingProxyType(
    {
        "mail": "who is it, at MAIL",
        "intake": "body chunks hashed and split as they arrive, and the message frozen",
        "read": "seal planned, HTML and text read",
        "check": "the checks and the verdict",
        "seal": "signing",
        "record": "the audit line on disk",
        "whole": "all of it, and what is sent to the MTA; without the waiting for the client",
    }
)
"""The stages that are timed, in order."""


STEPS: Final = ("connect", "helo", "mail", "rcpt", "data", "header", "eoh", "body", "unknown", "end", "abort")
"""The steps of the protocol in which a fault can happen."""

UNSIGNED: Final = tuple(reason for reason in SKIPS if reason not in ("not-accepted", "no-key"))
"""Why a message that goes on may have no signature."""


class Timings(NamedTuple):
    """Seconds that a message took, by stage; `None` for a stage it did not come to."""

    mail: float
    intake: float | None
    read: float | None
    check: float | None
    seal: float | None
    record: float
    whole: float


class Observer(Protocol):
    """Counts what becomes of messages. Whatever happens inside, nothing is raised: mail does not depend on it."""

    def observe(self, outcome: Outcome, profile: Profile, timings: Timings) -> None:
        """A message was recorded and is about to be answered."""

    def observe_fault(self, step: str) -> None:
        """A callback failed, and the message is deferred."""


class Sighted(NamedTuple):
    """A message in words from closed lists.

    Attributes:
        message: verdict, class, identity.
        domain: domain, verdict.
        seal: whether and why not it is signed; empty where it did not go on.
        signatures: domain and algorithm of each.
        findings: rule and mode of each.
        would: what enforce mode had answered; empty where that is no other answer.
        is_stranger: whether a client without a login was refused.
    """

    message: tuple[str, str, str]
    domain: tuple[str, str]
    seal: str
    signatures: tuple[tuple[str, str], ...]
    findings: tuple[tuple[str, str], ...]
    would: str
    is_stranger: bool


def sighted(outcome: Outcome, domains: Callable[[str], str]) -> Sighted:
    """Say what is counted of an outcome.

    Args:
        outcome: one with an event: refused at MAIL, or ended.
        domains: gives the label of a domain (`DomainLabels`).
    """
    verdict, caller, event = outcome.verdict, outcome.caller, outcome.event
    action = verdict.action.value
    identity = caller.identity
    seal, signatures = "", _NONE
    if verdict.is_accepted:
        seal, signatures = _sealed(outcome, domains)
    return Sighted(
        (action, identity.mail_class.value if identity is not None else NO_IDENTITY, _identity(caller)),
        (domains(_author(event)), action),
        seal,
        signatures,
        tuple([(judged.finding.rule.code, judged.mode.value) for judged in verdict.judged]),
        verdict.would.value if verdict.would is not verdict.action else "",
        not verdict.is_accepted and not caller.via and not event["auth"]["name"],
    )


class DomainLabels:
    """Gives the label of a domain: itself where the profile names it, the domain above that speaks for it, or `other`.

    One for each worker; a profile that is put in force changes the list.
    """

    def __init__(self) -> None:
        self._profile: Profile | None = None
        self._named: Mapping[str, Domain] = {}
        self._ever: set[str] = set()

    def of(self, profile: Profile) -> Callable[[str], str]:
        """The labels of a profile."""
        if profile is not self._profile:
            named = dict(islice(profile.domains.items(), MAX_DOMAINS))
            # What was counted stays a series until the restart: names of one profile after another must not add up.
            kept = {name: domain for name, domain in named.items() if name in self._ever}
            room = max(0, 2 * MAX_DOMAINS - len(self._ever))
            self._named = kept | dict(islice(((n, d) for n, d in named.items() if n not in kept), room))
            self._ever.update(self._named)
            self._profile = profile
        return self._label

    def _label(self, domain: str) -> str:
        named = self._named
        if domain in named:
            return domain
        if not 0 < len(domain) <= _MAX_NAME:
            return OTHER
        above = domain.partition(".")[2]
        while above:
            if (found := named.get(above)) is not None:
                return above if found.subdomains else OTHER
            above = above.partition(".")[2]
        return OTHER


def _sealed(outcome: Outcome, domains: Callable[[str], str]) -> tuple[str, tuple[tuple[str, str], ...]]:
    seal = outcome.seal
    if isinstance(seal, SealPlan) and outcome.inserts:
        return SIGNED, tuple([(domains(s.key.domain), s.key.algorithm.value) for s in seal.signers])
    return seal.reason if isinstance(seal, Skipped) else OTHER, ()


def _identity(caller: Caller) -> str:
    if caller.identity is not None:
        return caller.identity.kind.value
    return NO_IDENTITY if caller.via else NOBODY


def _author(event: dict[str, Any]) -> str:
    """What stands behind the last `@` of From, or of MAIL FROM: only good for being looked up."""
    header = event.get("header")
    text = (header["from"] if header is not None else "") or event["envelope"]["from"]
    return text.rpartition("@")[2].partition(">")[0].strip().lower() if isinstance(text, str) else ""  # a long one: no
