"""What CAN-SPAM demands in commercial mail: a postal address of the sender and a way to opt out.

`read_elements` looks for both, once, in what a reader sees; `check` turns what is missing into findings, and
`as_record` writes down what was found, which is what proves compliance later. Only mail of an identity that is declared
commercial is looked at. Any part that a reader is shown satisfies an element, text or HTML. Where a part could not be
read, or was cut by a limit, a missing element is said to be unread, not absent: the sender must not be told an untruth.
What cannot be seen at send time (whether the address exists, whether the link works for 30 days) is not promised.
"""

import re
from dataclasses import dataclass
from typing import Final, Literal

from sealgate.checks import optout, postal
from sealgate.checks.facts import Facts, Known
from sealgate.checks.finding import Finding
from sealgate.checks.rules import RULES
from sealgate.mail.message import Message
from sealgate.mail.reply import printable
from sealgate.mail.visible import View
from sealgate.profile.model import Identity, MailClass

PostalState = Literal["registered", "recognised", "absent", "unread"]
OptOutState = Literal["live", "dead", "absent", "unread"]

MAX_EXCERPT: Final = 200  # characters
_MAIL = re.compile(r"[\w.+=-]{1,64}@(?=[\w-])")
_URL = re.compile(r"(https?://[^/\s?#]{1,255})[/?#][^\s>\")]+", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Element:
    """One thing the law demands, and what was found of it.

    Attributes:
        name: `postal-address` or `opt-out`.
        state: a `PostalState` or an `OptOutState`.
        where: the path of the part it was found in, empty where nothing was.
        excerpt: the words themselves, at most 200 characters; addresses of recipients and link tokens are left out.
        target: for an opt-out, scheme and host of its link; for an address, the name of the registered one.
        why: what is wrong with it, or what could not be read.
    """

    name: str
    state: PostalState | OptOutState
    where: str = ""
    excerpt: str = ""
    target: str = ""
    why: str = ""


@dataclass(frozen=True, slots=True)
class Elements:
    """What was looked for in one message; both are `None` where the law demands nothing."""

    postal_address: Element | None = None
    opt_out: Element | None = None


def read_elements(message: Message, facts: Facts, identity: Identity | None) -> Elements:
    """Look for what the law demands of this message, in what a reader sees of it.

    `facts.views` stand in the order of `message.body.parts`.
    """
    if identity is None or identity.mail_class is not MailClass.COMMERCIAL:
        return Elements()
    parts = message.body.parts
    seen = [(part.path, fact.value) for part, fact in zip(parts, facts.views, strict=False) if isinstance(fact, Known)]
    return Elements(_postal(seen, identity, _unread(message, facts)), _opt_out(seen, _unread(message, facts)))


def check(elements: Elements, identity: Identity | None) -> tuple[Finding, ...]:
    """Turn what is missing, dead or unread into findings."""
    findings = []
    postal_address, opt_out = elements.postal_address, elements.opt_out
    if postal_address is not None:
        if postal_address.state == "absent":
            findings.append(_found("canspam.no-postal-address", "no postal address in any part that was read"))
        if postal_address.state == "recognised" and identity is not None and identity.postal_addresses:
            findings.append(_found("canspam.unregistered-address", postal_address.excerpt, postal_address.where))
    if opt_out is not None:
        if opt_out.state == "absent":
            seen = f": {opt_out.excerpt}" if opt_out.excerpt else ""
            detail = f"words without a link or instruction{seen}" if seen else "no opt-out in any part that was read"
            findings.append(_found("canspam.no-opt-out", detail, opt_out.where))
        if opt_out.state == "dead":
            detail = f"{opt_out.why} ({opt_out.target}): {opt_out.excerpt}"
            findings.append(_found("canspam.dead-opt-out", detail, opt_out.where))
    unread = [e for e in (postal_address, opt_out) if e is not None and e.state == "unread"]
    if unread:
        names = " and ".join(element.name for element in unread)
        findings.append(_found("canspam.unread", f"{names} not found in what could be read; {unread[0].why}"))
    return tuple(findings)


def as_record(elements: Elements) -> list[dict[str, str]]:
    """The elements for the audit line, one map each; an empty list where none was looked for."""
    return [
        {"name": e.name, "state": e.state, "where": e.where, "excerpt": e.excerpt, "target": e.target, "why": e.why}
        for e in (elements.postal_address, elements.opt_out)
        if e is not None
    ]


def _postal(seen: list[tuple[str, View]], identity: Identity, unread: str) -> Element:
    name = "postal-address"
    for path, view in seen:
        address = postal.registered(view.text, identity.postal_addresses)
        if address is not None:
            return Element(name, "registered", path, " ".join(address.text.split())[:MAX_EXCERPT], address.name)
    for path, view in seen:
        excerpt = postal.recognise(view.text)
        if excerpt is not None:
            return Element(name, "recognised", path, redacted(excerpt))
    return Element(name, "unread" if unread else "absent", why=unread)


def _opt_out(seen: list[tuple[str, View]], unread: str) -> Element:
    name = "opt-out"
    found = optout.find(tuple(view for _, view in seen))
    where = seen[found.where][0] if found.where >= 0 else ""
    excerpt = redacted(found.phrase)
    match found.state:
        case optout.State.LIVE:
            return Element(name, "live", where, excerpt, redacted(found.href.partition("?")[0]) or "reply")
        case optout.State.DEAD if not unread:
            return Element(name, "dead", where, excerpt, redacted(found.href.partition("?")[0]), found.why)
        case _:
            return Element(name, "unread" if unread else "absent", where, excerpt, why=unread)


def _unread(message: Message, facts: Facts) -> str:
    """Why a part was not, or not wholly, read; empty where all were."""
    for number, part in enumerate(message.body.parts):
        fact = facts.views[number] if number < len(facts.views) else None
        if not isinstance(fact, Known):
            return f"part {part.path}: {fact.why if fact is not None else 'no view'}"
        if part.truncated:
            return f"part {part.path}: longer than what is kept"
    return ""


def redacted(text: str) -> str:
    """Leave out who a message went to: local parts of mail addresses, and paths and queries of URLs (both hold tokens).

    At most 200 characters come back.
    """
    return _MAIL.sub("...@", _URL.sub(r"\1/...", text))[:MAX_EXCERPT]


def _found(code: str, detail: str, where: str = "") -> Finding:
    return Finding(RULES[code], printable(detail, 400), where)
