"""Which line of the record a copy of a message belongs to: a complaint's, or one out of a mailbox.

Our own signature in the copy says most: the hash of the body as it was sealed (`bh=`), the domain, the selector and the
second of `t=`. So the line is found also where body or Message-ID were changed on the way. Then come the body as it is
now, the Message-ID, the queue id in a Received field, and, weakest, author and date. `ranked` weighs the lines of a
whole record in one pass and keeps the best few, `line_of` takes the best of a sealed message; `audit.differences` says
what is not as it was. Pure; the copy and the lines may be anybody's, nothing here raises on them, and memory is that of
a few lines.
"""

import heapq
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, Final, Generic

from sealgate.audit.looking import Found, L, event_of, groups_of, joined, longest_literal, text_at
from sealgate.audit.personal import VEILED
from sealgate.mail.address import AddressError, parse_mailboxes
from sealgate.mail.headers import Headers, decoded, unfolded
from sealgate.seal.signature import Signature, SignatureRefused, read_signature

Event = dict[str, Any]
BEST: Final = 5  # lines that are kept
MAX_SIGNATURES: Final = 20
_MAX_RECEIVED: Final = 50
_DAYS: Final = 2  # around the copy's Date in which a line is looked for by its author
_QUEUE_ID: Final = re.compile(rb"\bid[ \t]+([0-9A-Za-z]{6,24})\b")


@dataclass(frozen=True, slots=True)
class Traces:
    """What a copy says of its line.

    Attributes:
        body_sha256: of its relaxed body as it is now, in hex.
        signatures: those that can be read, the uppermost first.
        message_id: as the record has it; empty: none.
        queue_ids: out of its Received fields.
        authors: addresses of From in lower case.
        date: of its Date field; None where that cannot be read.
    """

    body_sha256: str
    signatures: tuple[Signature, ...] = ()
    message_id: str = ""
    queue_ids: frozenset[str] = frozenset()
    authors: tuple[str, ...] = ()
    date: datetime | None = None

    def needles(self) -> tuple[tuple[bytes, ...], ...]:
        """Octets in lower case of which one stands in a line that is surely of this message."""
        found = {self.body_sha256, *(signature.body_hash.hex() for signature in self.signatures)}
        found |= {f'"t":"{second.lower()}' for second in map(second_of, self.signatures) if second}
        message_id = longest_literal(self.message_id)
        return (tuple(one.encode() for one in sorted(found)) + ((message_id,) if len(message_id) > 5 else ()),)

    def weak_needles(self) -> tuple[tuple[bytes, ...], ...]:
        """Of the lines of the author in the days around the date; none where either is not known."""
        authors = tuple(plain for author in self.authors if len(plain := longest_literal(author)) > 3)
        if not authors or self.date is None:
            return ()
        try:
            days = [self.date + timedelta(days=by) for by in range(-_DAYS, _DAYS + 1)]
        except OverflowError:
            return ()
        return authors, tuple(f'"t":"{day:%Y-%m-%d}'.encode() for day in days)


@dataclass(frozen=True, slots=True)
class Evidence:
    """Why a line may be the copy's.

    Attributes:
        has_body: the body is, octet for octet in relaxed form, the one that was recorded.
        sealed: a signature in the copy is of the recorded body (`bh=`) and has a recorded domain and selector.
        same_second: such a signature was made in the second of the line.
        has_message_id, has_queue_id, has_author: they are the same.
        seconds: between the copy's Date and the line; None: not known.
    """

    has_body: bool = False
    sealed: bool = False
    same_second: bool = False
    has_message_id: bool = False
    has_queue_id: bool = False
    has_author: bool = False
    seconds: int | None = None

    @property
    def points(self) -> int:
        """How much they weigh; a newsletter's body, author and second may be those of a thousand messages."""
        return (
            5 * self.has_message_id + 4 * (self.has_body or self.sealed) + 3 * self.has_queue_id
            + 3 * self.same_second + self.has_author
        )  # fmt: skip

    @property
    def is_strong(self) -> bool:
        """Whether more than author and date speak for it."""
        return self.points > 2

    @property
    def is_of_content(self) -> bool:
        """Whether the message itself speaks for it, and not only when and under which name it was queued."""
        return self.has_body or self.sealed or self.has_message_id

    def told(self) -> tuple[str, ...]:
        """In words, the strongest first."""
        found = []
        if self.sealed:
            found.append("our signature in the copy is of this body" + (", of this second" * self.same_second))
        elif self.same_second:
            found.append("our signature in the copy was made in this second")
        if self.has_body:
            found.append("the body is the recorded one")
        if self.has_message_id:
            found.append("the Message-ID is the same")
        if self.has_queue_id:
            found.append("a Received field names its queue id")
        if self.has_author:
            apart = "" if self.seconds is None else f", {self.seconds // 60} minutes from its Date"
            found.append(f"the author is the same{apart}")
        return tuple(found)


@dataclass(frozen=True, slots=True)
class Candidate(Generic[L]):
    """A line that may be the copy's, and why."""

    found: Found[L]
    evidence: Evidence


def traces_of(headers: Headers, body_sha256: str) -> Traces:
    """Read what a copy says of its line."""
    signatures = []
    for field in headers.every(b"dkim-signature")[:MAX_SIGNATURES]:
        try:
            signatures.append(read_signature(field.value))
        except SignatureRefused:
            continue
    ids = headers.every(b"message-id")
    received = headers.every(b"received")[:_MAX_RECEIVED]
    return Traces(
        body_sha256,
        tuple(signatures),
        unfolded(ids[0].value).decode("utf-8", "surrogateescape") if ids else "",
        frozenset(one.decode("ascii") for field in received for one in _QUEUE_ID.findall(unfolded(field.value))),
        _authors(headers),
        _date(headers),
    )


def ranked(lines: Iterable[L], traces: Traces, *, is_weak: bool = False) -> tuple[tuple[Candidate[L], ...], int]:
    """Weigh lines; return the best, and how many weigh as much as the first of them.

    Args:
        lines: of the record, oldest first.
        traces: of the copy.
        is_weak: look by author and date alone, which is worth it where nothing else was found.
    """
    needles = traces.weak_needles() if is_weak else traces.needles()
    if not needles:
        return (), 0
    best: list[tuple[tuple[int, int, int, int], Candidate[L]]] = []
    top, ties = 0, 0
    for number, group in enumerate(groups_of(lines, needles)):
        event = joined([event_of(line.octets) for line in group])
        evidence = evidence_of(event, traces)
        if not evidence.points or not (is_weak or evidence.is_strong):
            continue
        if evidence.points > top:
            top, ties = evidence.points, 0
        ties += evidence.points == top
        accepted = event.get("verdict") == "accept"
        rank = (evidence.points, int(accepted), -(evidence.seconds or 0), number)
        if len(best) < BEST:
            heapq.heappush(best, (rank, Candidate(Found(event, group), evidence)))
        elif rank > best[0][0]:
            heapq.heapreplace(best, (rank, Candidate(Found(event, group), evidence)))
    return tuple(candidate for _, candidate in sorted(best, key=lambda one: one[0], reverse=True)), ties


def line_of(lines: Iterable[L], traces: Traces) -> Event | None:
    """Return what is recorded of a copy as it was sealed, or None; among lines that weigh the same, the latest.

    Lines of messages that left unsealed say nothing of what was signed and are passed over; so are those for which no
    more speaks than a queue id or a second.
    """
    best, _ = ranked(lines, traces)
    sealed = (one.found.event for one in best if one.evidence.is_of_content and _signed(one.found.event))
    return next(sealed, None)


def recorded_fields(event: Event) -> tuple[str, ...]:
    """The digests of the signed fields that a line holds, for `seal.diagnose.compare_fields`; none: it has none."""
    return tuple(one for one in _seal_list(event, "fields") if isinstance(one, str))


def veiled_fields(event: Event) -> tuple[str, ...]:
    """The names of the fields whose digests say nothing without key and salt (`personal.veil`)."""
    names = (one.partition(" ")[0] for one in recorded_fields(event) if f" {VEILED}" in one)
    return tuple(dict.fromkeys(names))


def evidence_of(event: Event, traces: Traces) -> Evidence:
    """Say what speaks for this line."""
    if event.get("kind") != "decision":
        return Evidence()
    recorded = text_at(event, "message", "body_sha256")
    second = text_at(event, "t")[:19]
    ours = [one for one in traces.signatures if f"d={one.domain} s={one.selector} " in f"{_signed(event)} "]
    shown = text_at(event, "header", "from").lower()
    message_id = text_at(event, "header", "message_id")
    return Evidence(
        has_body=bool(recorded) and recorded == traces.body_sha256,
        sealed=any(one.body_hash.hex() == recorded for one in ours),
        same_second=any(second_of(one) == second for one in ours),
        has_message_id=bool(message_id) and traces.message_id.startswith(message_id) and len(message_id) > 2,
        has_queue_id=text_at(event, "queue_id") in traces.queue_ids,
        has_author=any(author in shown for author in traces.authors),
        seconds=_apart(text_at(event, "t"), traces.date),
    )


def second_of(signature: Signature) -> str:
    """When it says that it was made, as the record writes it, to the second; empty where it does not say."""
    if signature.signed_at is None:
        return ""
    try:
        return datetime.fromtimestamp(signature.signed_at, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    except (OverflowError, ValueError, OSError):
        return ""


def _signed(event: Event) -> str:
    return " ".join(map(str, _seal_list(event, "signed")))


def _seal_list(event: Event, name: str) -> list[Any]:
    seal = event.get("seal")
    found = seal.get(name) if isinstance(seal, dict) else None
    return found if isinstance(found, list) else []


def _authors(headers: Headers) -> tuple[str, ...]:
    fields = headers.every(b"from")
    try:
        return tuple(str(box.address).lower() for box in parse_mailboxes(fields[0].value)) if fields else ()
    except AddressError:
        found = re.search(r"[^\s<>\"]{1,200}@[^\s<>\"]{1,200}", decoded(fields[0].value[:2_000]))
        return (found[0].lower(),) if found else ()


def _date(headers: Headers) -> datetime | None:
    fields = headers.every(b"date")
    try:
        found = parsedate_to_datetime(unfolded(fields[0].value)[:100].decode("ascii")) if fields else None
        return found and found.astimezone(UTC)
    except (ValueError, TypeError, OverflowError, IndexError):
        return None


def _apart(moment: str, date: datetime | None) -> int | None:
    try:
        return int(abs((datetime.fromisoformat(moment) - date).total_seconds())) if date is not None else None
    except (ValueError, TypeError):
        return None
