"""Which lines of the record somebody wants to see, and the lines that belong together.

A decision with many recipients goes on in lines of kind `recipients` right behind it; `search` puts them together
before it asks what is wanted. Most lines are left out by octets they do not hold, before any JSON is read. Pure; lines
may be anybody's, and nothing here raises on them. Memory is that of one decision.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final, Generic, Protocol, TypeVar

from sealgate.audit.personal import domain_of, plain_address

Event = dict[str, Any]
CLASSES: Final = ("commercial", "other")

CONTINUED: Final = b'"kind":"recipients"'
"""Octets of a line that continues the decision before it."""

_LITERAL: Final = re.compile(r"[ !#-\[\]-~]+")  # what JSON writes as it is
_RUN: Final = re.compile(r"[^\s<>,;:\"()]+")
_ADDRESS: Final = r"[^\s<>,;:\"()@]{1,320}"
_SURE: Final = 400  # characters of a value that are never cut off in the record
_MAX_PARTS: Final = 1_000_000


class HasOctets(Protocol):
    """A line, whatever else is known of it."""

    @property
    def octets(self) -> bytes:
        """Without the newline."""


L = TypeVar("L", bound=HasOctets)


@dataclass(frozen=True, slots=True)
class Found(Generic[L]):
    """What a line says, with the recipients of all its lines, and those lines, the decision first."""

    event: Event
    lines: tuple[L, ...]


def anything(_: bytes) -> bool:
    """What `Wanted.glance` says where nothing is known better."""
    return True


def nobody(_: Event) -> bool:
    """What `Wanted.hidden` says where nothing is known of what stands behind hashes."""
    return False


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is looked for: one of the values of each kind, in all kinds. Empty kinds say nothing.

    Attributes:
        recipients: canonical addresses (`personal.plain_address`).
        hidden: says whether a decision has one of these recipients behind a hash.
        glance: says of the octets of a line whether it may be wanted; asked where no line continues it.
        senders: addresses, in the envelope or in From.
        domains: of the sender or of a recipient, or signing; with a leading dot all below it too.
        principals: with a realm, or without one: of any realm. Or the name of an identity.
        rules: a code, or its beginning up to a point: `canspam`.
        since, until: RFC 3339 in UTC; `until` itself is not meant any more.
    """

    recipients: tuple[str, ...] = ()
    hidden: Callable[[Event], bool] = nobody
    glance: Callable[[bytes], bool] = anything
    message_ids: tuple[str, ...] = ()
    principals: tuple[str, ...] = ()
    senders: tuple[str, ...] = ()
    domains: tuple[str, ...] = ()
    verdicts: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    queue_ids: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    since: str = ""
    until: str = ""

    @property
    def is_anything(self) -> bool:
        """Whether every line is wanted."""
        return self == Wanted()

    def needles(self) -> tuple[tuple[bytes, ...], ...]:
        """Octets in lower case: of each group, one at least stands in whatever is wanted."""
        groups = (
            tuple(f'"d":"{domain_of(one)}"' for one in self.recipients) + self.recipients,
            tuple(one.strip("<> ") for one in self.message_ids),
            self.principals,
            self.senders,
            tuple(one.lstrip(".") for one in self.domains),
            tuple(f'"verdict":"{one}"' for one in self.verdicts),
            tuple(one.rstrip(".*") for one in self.rules),
            tuple(f'"queue_id":"{one}"' for one in self.queue_ids),
        )
        found = (tuple(longest_literal(one) for one in group) for group in groups)
        return tuple(group for group in found if group and all(group))

    def fits(self, event: Event) -> bool:
        """Whether this is wanted."""
        moment = str(event.get("t", ""))
        if (self.since and moment < self.since) or (self.until and moment >= self.until):
            return False
        return all(
            not wanted or judge(event, wanted)
            for wanted, judge in (
                (self.verdicts, lambda e, w: e.get("verdict") in w),
                (self.queue_ids, lambda e, w: e.get("queue_id") in w),
                (self.rules, _has_rule),
                (self.principals, _is_of),
                (self.message_ids, _has_message_id),
                (self.senders, _is_from),
                (self.domains, _has_domain),
                (self.classes, lambda e, w: class_of(e) in w),
                (self.recipients, self._is_to),
            )
        )

    def _is_to(self, event: Event, wanted: tuple[str, ...]) -> bool:
        return not set(wanted).isdisjoint(clear_recipients(event)) or self.hidden(event)


def event_of(octets: bytes) -> Event:
    """What a line says; empty where it is no JSON object."""
    try:
        event = json.loads(octets)
    except (ValueError, RecursionError):
        return {}
    return event if isinstance(event, dict) else {}


def search(lines: Iterable[L], wanted: Wanted) -> Iterator[Found[L]]:
    """Give what is wanted, in the order of the lines."""
    for group in groups_of(lines, wanted.needles()):
        if len(group) == 1 and not wanted.glance(group[0].octets):
            continue
        event = joined([event_of(line.octets) for line in group])
        if event and wanted.fits(event):
            yield Found(event, group)


def groups_of(lines: Iterable[L], needles: tuple[tuple[bytes, ...], ...]) -> Iterator[tuple[L, ...]]:
    """Give each line with those that continue it, unless a group of needles has none that stands in them."""
    held: list[L] = []
    lacking: list[tuple[bytes, ...]] = []  # of which nothing was met in what is held
    for line in lines:
        octets = line.octets
        if CONTINUED in octets and held and len(held) < _MAX_PARTS:
            held.append(line)
        else:
            if held and not lacking:
                yield tuple(held)
            held = [line]
            lacking = list(needles)
        if lacking:
            lower = octets.lower()
            lacking = [group for group in lacking if not _has_any(lower, group)]
    if held and not lacking:
        yield tuple(held)


def _has_any(lower: bytes, needles: tuple[bytes, ...]) -> bool:
    for needle in needles:  # noqa: SIM110  # `any` would cost more than the search
        if needle in lower:
            return True
    return False


def joined(events: list[Event]) -> Event:
    """A decision with the recipients of the lines behind it."""
    first = events[0]
    envelope = first.get("envelope")
    if len(events) == 1 or not isinstance(envelope, dict):
        return first
    rest = [one for event in events[1:] if event.get("of") == first.get("id") for one in _list(event.get("rcpt"))]
    return first | {"envelope": envelope | {"rcpt": [*_list(envelope.get("rcpt")), *rest]}}


def class_of(event: Event) -> str:
    """`commercial` where the law's demands were looked for in it, else `other`; empty where it is no decision."""
    if event.get("kind") != "decision":
        return ""
    return "commercial" if event.get("elements") else "other"


def clear_recipients(event: Event) -> Iterator[str]:
    """The canonical addresses of the recipients that are in clear."""
    for one in recipients(event):
        if isinstance(one, str):
            yield plain_address(one)


def recipients(event: Event) -> list[Any]:
    """The recipients as the line has them: text, or a map where they are hashed."""
    envelope = event.get("envelope")
    return _list(envelope.get("rcpt")) if isinstance(envelope, dict) else []


def text_at(event: Event, *names: str) -> str:
    """The text under these names, its beginning where it was cut, empty where there is none."""
    value: Any = event
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    if isinstance(value, dict):
        value = value.get("begins")
    return value if isinstance(value, str) else ""


# -- one kind each -----------------------------------------------------------------------------------------------------


def _has_rule(event: Event, wanted: tuple[str, ...]) -> bool:
    codes = [text_at(one, "rule") for one in _list(event.get("findings")) if isinstance(one, dict)]
    codes.append(text_at(event, "rule"))  # of counted refusals
    return any(code == one or code.startswith(f"{one.rstrip('.*')}.") for code in codes for one in wanted)


def _is_of(event: Event, wanted: tuple[str, ...]) -> bool:
    principal, identity = text_at(event, "auth", "principal").lower(), text_at(event, "auth", "identity").lower()
    named = {principal, principal.partition("@")[0], identity} - {""}
    return any(one.lower() in named for one in wanted)


def _has_message_id(event: Event, wanted: tuple[str, ...]) -> bool:
    has = text_at(event, "header", "message_id").strip("<> ")
    is_cut = not isinstance((event.get("header") or {}).get("message_id"), str) if has else False
    return bool(has) and any(one == has or (is_cut and one.startswith(has)) for one in (w.strip("<> ") for w in wanted))


def _is_from(event: Event, wanted: tuple[str, ...]) -> bool:
    if plain_address(text_at(event, "envelope", "from")) in wanted:
        return True
    shown = text_at(event, "header", "from").lower()
    return any(one in shown and one in _addresses(shown) for one in wanted)


def _addresses(text: str) -> set[str]:
    """What looks like an address; each character is looked at once, however long a run without `@` is."""
    runs = (run.split("@") for run in _RUN.findall(text))
    return {f"{local}@{domain}" for run in runs for local, domain in pairwise(run) if local and domain}


def _has_domain(event: Event, wanted: tuple[str, ...]) -> bool:
    signed = _list((event.get("seal") or {}).get("signed")) if isinstance(event.get("seal"), dict) else []
    has = {domain_of(text_at(event, "envelope", "from"))}
    has |= {one.rpartition("@")[2] for one in re.findall(f"@{_ADDRESS}", text_at(event, "header", "from").lower())}
    has |= {str(one).partition(" ")[0].removeprefix("d=") for one in signed}
    for one in recipients(event):
        has.add(text_at(one, "d") if isinstance(one, dict) else domain_of(str(one)))
    return any(
        one == name or (one[:1] == "." and (name.endswith(one) or name == one[1:])) for one in wanted for name in has
    )


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def longest_literal(text: str) -> bytes:
    """The longest piece of a text that stands in JSON as it is, in lower case; empty: there is none."""
    lower = text.lower()[:_SURE]
    if text[:1] == '"' and text.isascii():  # a name and its value, as we wrote them above
        return lower.encode("ascii")
    return max((found for found in _LITERAL.findall(lower)), key=len, default="").encode("ascii")
