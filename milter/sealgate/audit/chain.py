"""The chain of audit lines: how an event becomes a line that names the one before it, and how a file is proven whole.

A line is one JSON object in ASCII without blanks. Its `seq` counts from 1, its `prev` is the SHA-256 of the line
before, without that line's newline. So a line that is changed, dropped, swapped or put in between is found by whoever
reads the file, with no key and no help from the host. What a chain alone cannot show: lines cut off its end, and a file
rewritten from some line to its end; for both, keep a `Head` somewhere else and compare.

Two kinds of lines speak of the file itself, and `verify` understands them:

- `recovered`: a writer died within a line. What stands between this record and the last whole line (`octets` of them,
  with the digest `sha256`) is no part of the chain; it goes on from that line.
- `gap`: the file did not do as told: a write or a sync failed, it was cut, or another hand wrote to it. `octets` and
  `sha256` as above; `synced` is the last line that was acknowledged. Lines between that one and the gap were never
  acknowledged, so their mail was deferred, whatever they say.

Pure and streaming: memory does not grow with the file. Hostile lines never make `verify` raise.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NoReturn, TypeGuard

MAX_DEPTH = 32
"""How deep maps and lists of an event may nest."""

VOID_CAP = 8 << 20
"""Octets that a `recovered` or `gap` record may explain; `verify` stops looking for one after as many."""

RESERVED = frozenset({"seq", "prev"})
"""The names that `link` alone gives."""

FILE_KINDS = ("recovered", "gap")
"""The kinds of lines that speak of the file itself; no event from elsewhere may bear them."""


@dataclass(frozen=True, slots=True)
class Head:
    """A place in the chain: a line's sequence number, and the digest of its octets."""

    seq: int
    digest: str


START = Head(0, "0" * 64)
"""What stands before the first line of a chain."""


@dataclass(frozen=True, slots=True)
class Tail:
    """A file's end: its last whole line (None: there is none), what stands after it, whether a newline ends it all."""

    head: Head | None
    rest: bytes
    is_closed: bool

    @property
    def void(self) -> bytes:
        """What a record must name for `verify` to pass over it: the rest, without the newline that ends it."""
        return self.rest.removesuffix(b"\n")


@dataclass(frozen=True, slots=True)
class Break:
    """The first line that does not follow from the lines before it. `line` counts from 1."""

    line: int
    what: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.what}"


@dataclass(frozen=True, slots=True)
class Note:
    """A `recovered` or `gap` record that was met. `missing` counts acknowledged lines that are not there."""

    line: int
    kind: str
    why: str
    octets: int
    missing: int


@dataclass(frozen=True, slots=True)
class Report:
    """What `verify` saw. `head` is the last line that holds: compare it with one kept elsewhere to find a cut end."""

    lines: int
    head: Head
    notes: tuple[Note, ...]
    broken: Break | None

    @property
    def is_whole(self) -> bool:
        """No line is wrong, and none that was acknowledged is missing before the head."""
        return self.broken is None and not any(note.missing for note in self.notes)


def canonical(event: Mapping[str, Any]) -> bytes:
    r"""Render an event as the one JSON text that stands for it: sorted names, ASCII only, no blanks, no newline.

    The order of names and the short escapes (`\n`, `\"`) are those of RFC 8785, sections 3.2.3 and 3.2.2.2. Unlike
    there, whatever is not printable ASCII is escaped as `\uXXXX`, DEL and lone surrogates too, so that a line can
    neither be split nor dress up. Integers keep all their digits; beyond 2**53 a reader in another language may round
    them (RFC 8785, appendix D).

    Raises:
        TypeError: a value is not str, int, bool, None, list, tuple or a mapping (a float is not: it has many
            spellings), or a name is not str.
        ValueError: nested deeper than `MAX_DEPTH`, or an integer of thousands of digits.
    """
    text = _SORTING.encode(event) if _is_plain(event, 1) else _ENCODER.encode(_ordered(event))
    # JSON lets DEL stand as it is (RFC 8259 section 7); it can only stand within a string here.
    return text.replace("\x7f", "\\u007f").encode("ascii")


def digest(line: bytes) -> str:
    """Return the SHA-256 of a line without its newline, as 64 hex digits."""
    return hashlib.sha256(line).hexdigest()


def link(event: Mapping[str, Any], seq: int, previous: str) -> bytes:
    """Render an event as line number `seq`, after the line whose digest is `previous`; without newline.

    Raises:
        TypeError: see `canonical`.
        ValueError: see `canonical`; or the event brings a name in `RESERVED`.
    """
    taken = RESERVED & event.keys()
    if taken:
        raise ValueError(f"an event cannot bring its own {' and '.join(sorted(taken))}")
    return canonical({**event, "seq": seq, "prev": previous})


def parse(line: bytes) -> dict[str, Any] | None:
    """Return what a whole line says, or None where it is not exactly what `link` would have written."""
    try:
        event = _DECODER.decode(line.decode("ascii"))
        if not isinstance(event, dict) or canonical(event) != line:
            return None
    except (ValueError, TypeError, RecursionError):
        return None
    seq, prev = event.get("seq"), event.get("prev")
    return event if _is_count(seq) and seq > 0 and _is_digest(prev) else None


def read_tail(data: bytes, *, is_cut: bool) -> Tail:
    """Find the last whole line in a file's last octets. `is_cut`: they may begin within a line."""
    lines = data.split(b"\n")
    for index in range(len(lines) - 1, -1 if not is_cut else 0, -1):
        event = parse(lines[index])
        if event is not None:
            return Tail(Head(event["seq"], digest(lines[index])), b"\n".join(lines[index + 1 :]), not lines[-1])
    return Tail(None, data, not lines[-1])


def verify(lines: Iterable[bytes], start: Head | None = START) -> Report:
    """Read lines (with or without their newline) and say where the chain breaks first, if it does.

    Files that were rotated by renaming are read one after the other, oldest first, as one run of lines.

    Args:
        lines: as a file opened in binary mode gives them.
        start: the line before the first one; None takes the first line at its word, when older files are gone.
    """
    walk = _Walk(start)
    count = 0
    for count, raw in enumerate(lines, 1):
        walk.take(count, raw.removesuffix(b"\n"))
        if walk.void_octets > VOID_CAP:
            break
    return Report(count, walk.head or START, tuple(walk.notes), walk.broken)


class _Walk:
    """How far a run of lines has been proven, and what has been met since that no record has explained yet."""

    def __init__(self, start: Head | None) -> None:
        self.head = start
        self.notes: list[Note] = []
        self.broken: Break | None = None
        self.void_octets = 0
        self._void = hashlib.sha256()

    def take(self, number: int, line: bytes) -> None:
        event = parse(line)
        if event is None:
            self._set_aside(number, line, "this is not a line as the writer writes it")
            return
        closes = event.get("kind") in FILE_KINDS
        fault = self._closing(number, event) if closes else self._fault(event)
        if fault is not None or (self.broken is not None and not closes):
            self._set_aside(number, line, fault or "")
            return
        self.head = Head(event["seq"], digest(line))
        self.broken, self.void_octets, self._void = None, 0, hashlib.sha256()

    def _fault(self, event: Mapping[str, Any]) -> str | None:
        """What keeps a line from following the head."""
        if self.head is None:
            return None
        if event["seq"] != self.head.seq + 1:
            return f"its seq is {event['seq']}, not {self.head.seq + 1}: lines were dropped, swapped or put in"
        if event["prev"] != self.head.digest:
            return "its prev is not the digest of the line before: one of the two was changed"
        return None

    def _closing(self, number: int, event: Mapping[str, Any]) -> str | None:
        """Judge a record about the file itself; note it where it explains what stands before it."""
        octets, why, missing = event.get("octets"), event.get("why"), 0
        explained = octets == self.void_octets and event.get("sha256") == self._void.hexdigest()
        synced = _synced(event)
        fault = self._fault(event)
        if fault is None and explained:
            pass  # the record stands where it says
        elif synced is not None and self.head == synced and event["seq"] > synced.seq:
            # The sync failed, and what had not been acknowledged has since gone from the disk, wholly or in part.
            octets = self.void_octets
        elif synced is not None and self.head is not None and explained and synced.seq > self.head.seq:
            missing = synced.seq - self.head.seq
        else:
            return fault or "it speaks of octets that are not before it, or are not what they were"
        self.notes.append(Note(number, event["kind"], why if isinstance(why, str) else "", octets or 0, missing))
        return None

    def _set_aside(self, number: int, line: bytes, fault: str) -> None:
        """Keep the measure of a line that does not hold until a record explains it; the first of them is the break."""
        if self.broken is None:
            self.broken = Break(number, fault)
        else:
            self._void.update(b"\n")
            self.void_octets += 1
        self._void.update(line)
        self.void_octets += len(line)


def _synced(event: Mapping[str, Any]) -> Head | None:
    synced = event.get("synced")
    if event["kind"] != "gap" or not isinstance(synced, dict):
        return None
    seq, sha = synced.get("seq"), synced.get("digest")
    return Head(seq, sha) if _is_count(seq) and _is_digest(sha) else None


def _is_count(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _is_digest(value: object) -> TypeGuard[str]:
    return isinstance(value, str) and len(value) == 64 and not value.strip("0123456789abcdef")


def _is_plain(value: Any, depth: int) -> bool:
    """Whether the encoder's own sorting will do: dicts with ASCII names, whose order RFC 8785 section 3.2.3 shares.

    Each line passes here twice, so the usual event is looked through, not copied. Refuses as `canonical` does.
    """
    if depth > MAX_DEPTH:
        raise ValueError(f"an event nests deeper than {MAX_DEPTH}")
    is_plain, items = True, value
    if isinstance(value, dict) or isinstance(value, Mapping):  # noqa: SIM101  # the second question is slow
        is_plain = "".join(value).isascii() and isinstance(value, dict)  # TypeError where a name is not str
        items = value.values()
    elif isinstance(value, str | int):  # an enumeration's member, for one
        return True
    elif not isinstance(value, list | tuple):
        raise TypeError(f"an event cannot hold {type(value).__name__}")
    for item in items:
        if type(item) not in _ATOMS and not _is_plain(item, depth + 1):
            is_plain = False
    return is_plain


def _ordered(value: Any) -> Any:
    """Copy a value that `_is_plain` has let pass, with its names in the order of their UTF-16 units."""
    if isinstance(value, Mapping):
        return {name: _ordered(value[name]) for name in sorted(value, key=_utf16)}
    if isinstance(value, list | tuple):
        return [_ordered(item) for item in value]
    return value


def _utf16(name: str) -> bytes:
    return name.encode("utf-16-be", "surrogatepass")


def _no_float(text: str) -> NoReturn:
    raise ValueError(f"{text[:40]} is not an integer")


_ATOMS = frozenset({str, int, bool, type(None)})
_ENCODER, _SORTING = (
    json.JSONEncoder(check_circular=False, allow_nan=False, separators=(",", ":"), sort_keys=sorts)
    for sorts in (False, True)
)
_DECODER = json.JSONDecoder(parse_float=_no_float, parse_constant=_no_float)
