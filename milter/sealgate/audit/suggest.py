"""What a trial in report mode teaches: the identities and rights that would have let its mail pass.

Reads the events of the record and counts who was found using which address without a right to it. Nothing here decides
whether that was legitimate: a forger's tries are counted as well, so every proposal carries how often, how long and
from where, and a person accepts it or not. Only what reads as a principal and as an address is proposed; the rest is
counted, so that nobody takes silence for completeness.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from sealgate.mail.address import AddressError, parse_address
from sealgate.profile.model import Principal
from sealgate.profile.principal import parse_principal

# Findings that a right would have prevented; `about` is the address.
_RIGHTS: Final = frozenset(
    {"identity.envelope-sender", "identity.header-from", "identity.sender-field", "identity.resent-field"}
)
_UNKNOWN: Final = "identity.unknown-principal"
_SIGNS = re.compile(r"[{}*]")  # atext, and legal in Kerberos: in a profile they stand for others
MAX_CLIENTS: Final = 50  # networks remembered for one use


@dataclass(slots=True)
class Use:
    """One sender seen with one address it has no right to.

    Attributes:
        principal: None where the identity is known without a login (a network, a certificate, local submission).
        first, last: the times of the earliest and the latest message, as the record writes them.
        clients: how many different client addresses it came from, at most `MAX_CLIENTS` counted.
        places: where the address stood, with how often: `From`, `MAIL FROM`, `Sender`.
    """

    principal: Principal | None
    address: str
    identity: str
    messages: int = 0
    first: str = ""
    last: str = ""
    clients: set[str] = field(default_factory=set)
    places: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class Suggestion:
    """What may be added to the profile.

    Attributes:
        identities: principals that stand in no identity, each with its uses, most used first.
        sources: by identity that is known without a login, its uses: rights of that identity.
        rights: addresses that principals with an identity used, each with its uses: one delegation an address. Not a
            right of the identity: it may be everybody of a realm, and only this principal was seen.
        passed_over: uses that cannot be proposed, with how often: no principal, or no plain address.
        others: rules met that no right would have prevented, with how often.
        messages: decisions that were read.
    """

    identities: Mapping[Principal, tuple[Use, ...]]
    sources: Mapping[str, tuple[Use, ...]]
    rights: Mapping[str, tuple[Use, ...]]
    passed_over: Mapping[str, int]
    others: Mapping[str, int]
    messages: int


def suggest(events: Iterable[Mapping[str, Any]], *, least: int = 1) -> Suggestion:
    """Read decisions and propose.

    Args:
        events: of the record, any kind, in any order; what is malformed is passed over.
        least: uses by fewer messages are left out.
    """
    reading = _Reading()
    for event in events:
        if event.get("kind") == "decision":
            reading.take(event)
    return reading.result(least)


class _Reading:
    """The counts so far."""

    def __init__(self) -> None:
        self.uses: dict[tuple[str, str], Use] = {}
        self.passed_over: Counter[str] = Counter()
        self.others: Counter[str] = Counter()
        self.messages = 0

    def take(self, event: Mapping[str, Any]) -> None:
        self.messages += 1
        findings = [f for f in _list(event.get("findings")) if isinstance(f, dict)]
        codes = {str(f.get("rule")) for f in findings}
        met = [f for f in findings if f.get("rule") in _RIGHTS]
        self.others.update(codes - _RIGHTS - {_UNKNOWN})
        if _UNKNOWN in codes and not met:
            met = [{"about": _envelope(event), "where": "MAIL FROM"}]
        used = {(str(f.get("about")), str(f.get("where"))) for f in met}
        counted: set[str] = set()
        for text, where in sorted(used):
            use = self._use(event, text)
            if use is None:
                continue
            use.places[where] += 1
            if use.address not in counted:
                counted.add(use.address)
                _count(use, event)

    def _use(self, event: Mapping[str, Any], text: str) -> Use | None:
        auth = event.get("auth")
        auth = auth if isinstance(auth, dict) else {}
        identity = str(auth.get("identity") or "")
        principal: Principal | None = None
        try:
            principal = parse_principal(str(auth.get("principal") or ""))
        except ValueError:
            if not identity:
                self.passed_over["nobody: a client without a login, or a login that no row maps"] += 1
                return None
        try:
            address = parse_address(text.encode("utf-8", "surrogatepass"))
        except AddressError:
            self.passed_over["no plain address"] += 1
            return None
        if _SIGNS.search(f"{principal or ''}{address}"):
            self.passed_over["a name that the profile would read as a pattern"] += 1
            return None
        spelled = f"{address.local.lower()}@{address.domain}"
        who = str(principal) if principal else f"identity {identity}"
        return self.uses.setdefault((who, spelled), Use(principal, spelled, identity))

    def result(self, least: int) -> Suggestion:
        uses = sorted(
            (use for use in self.uses.values() if use.messages >= least),
            key=lambda use: (-use.messages, str(use.principal or ""), use.address),
        )
        by_address: dict[str, list[Use]] = {}
        identities: dict[Principal, list[Use]] = {}
        sources: dict[str, list[Use]] = {}
        for use in uses:
            if use.principal is None:
                sources.setdefault(use.identity, []).append(use)
            elif use.identity:
                by_address.setdefault(use.address, []).append(use)
            else:
                identities.setdefault(use.principal, []).append(use)
        return Suggestion(
            {principal: tuple(found) for principal, found in identities.items()},
            {name: tuple(found) for name, found in sources.items()},
            {address: tuple(found) for address, found in by_address.items()},
            dict(self.passed_over.most_common()),
            dict(self.others.most_common()),
            self.messages,
        )


def _count(use: Use, event: Mapping[str, Any]) -> None:
    use.messages += 1
    when = str(event.get("t") or "")
    use.first = min(use.first or when, when)
    use.last = max(use.last, when)
    client = event.get("client")
    if isinstance(client, dict) and len(use.clients) < MAX_CLIENTS:
        use.clients.add(str(client.get("ip")))


def _envelope(event: Mapping[str, Any]) -> str:
    envelope = event.get("envelope")
    sender = envelope.get("from") if isinstance(envelope, dict) else ""
    return sender.strip("<>") if isinstance(sender, str) else ""


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
