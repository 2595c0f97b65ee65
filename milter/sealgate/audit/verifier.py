"""Proves that audit files of sealgate are whole: nothing changed, dropped, put in, swapped, cut or rewritten.

    python3 verify.py audit.jsonl.2.gz audit.jsonl.1 audit.jsonl --key audit.pub --checkpoint kept-elsewhere

This one file is all an auditor needs, with Python 3.11 and nothing else. Files are given oldest first, packed with gzip
or not. Each line holds the hash of the line before (`prev`), so the lines form a chain; from time to time a line of
kind `checkpoint` holds the root of a Merkle tree over all lines so far (RFC 9162 2.1), in a note signed with Ed25519
(the formats are C2SP's signed-note and tlog-checkpoint).

- The chain alone shows every change that was made without writing all later lines anew. It does not show lines cut off
  the end, nor another content of the very last line.
- The public audit key (`--key`) also shows what was written anew by somebody without the private one, up to the last
  signed checkpoint; the few lines behind that are counted in the answer.
- A checkpoint that was kept elsewhere (`--checkpoint`) also shows what was written anew by anybody, and lines cut off
  the end: for all lines that it covers.

What no file can show: that lines behind the last checkpoint kept elsewhere are those that were written, where somebody
held the audit key; and that what a line says was true.

Memory does not grow with the files. Hostile lines never make it raise. It is longer than a module should be, because it
must work alone.
"""

import argparse
import base64
import hashlib
import json
import sys
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, NoReturn, TypeGuard

if TYPE_CHECKING:
    from io import BufferedReader

VOID_CAP: Final = 8 << 20
"""Octets that a `recovered` or `gap` record may explain; `verify` stops looking for one after as many."""

MAX_UNSEALED: Final = 20_000
MAX_UNSEALED_SECONDS: Final = 900
"""How many lines, over how long, may stand behind the last signed checkpoint: the writer makes one every minute."""

FILE_KINDS: Final = ("recovered", "gap")
"""The kinds of lines that speak of the file itself; no event from elsewhere may bear them."""

CHECKPOINT: Final = "checkpoint"
MAX_COUNT: Final = 2**63
_ALGORITHM: Final = b"\x01"  # C2SP signed-note: Ed25519
_DASH: Final = "\u2014 "
_BLOCK: Final = 1 << 18
_GZIP: Final = b"\x1f\x8b"  # RFC 1952 2.3.1
_GZIP_BITS: Final = 16 + zlib.MAX_WBITS
Signed = Callable[[bytes, bytes, bytes], bool]


# -- the tree ----------------------------------------------------------------------------------------------------------


def leaf_hash(line: bytes) -> bytes:
    """Return the hash of a line without its newline, as a leaf of the tree (RFC 9162 2.1.1)."""
    return hashlib.sha256(b"\0" + line).digest()


class Frontier:
    """A Merkle tree that only grows, as far as it must be remembered: the roots of its full subtrees.

    Attributes:
        size: how many leaves it has.
        peaks: the roots, that of the largest subtree first; as many as `size` has bits that are one.
    """

    __slots__ = ("peaks", "size")

    def __init__(self) -> None:
        self.size = 0
        self.peaks: list[bytes] = []

    @classmethod
    def of(cls, size: int, peaks: Iterable[bytes]) -> "Frontier":
        """Take one up again.

        Raises:
            ValueError: so many peaks do not belong to a tree of this size, or one is no hash.
        """
        made = cls()
        made.size, made.peaks = size, list(peaks)
        if size < 0 or len(made.peaks) != size.bit_count() or any(len(peak) != 32 for peak in made.peaks):
            raise ValueError(f"these are not the peaks of a tree of {size} leaves")
        return made

    def append(self, leaf: bytes) -> None:
        """Add the hash of the next leaf."""
        size, peaks = self.size, self.peaks
        while size & 1:
            leaf = hashlib.sha256(b"\1" + peaks.pop() + leaf).digest()
            size >>= 1
        peaks.append(leaf)
        self.size += 1

    def root(self) -> bytes:
        """Return the root of the whole tree (RFC 9162 2.1.1)."""
        if not self.peaks:
            return hashlib.sha256(b"").digest()
        root = self.peaks[-1]
        for peak in reversed(self.peaks[:-1]):
            root = hashlib.sha256(b"\1" + peak + root).digest()
        return root

    def copy(self) -> "Frontier":
        """Return one that can grow another way."""
        return Frontier.of(self.size, self.peaks)


# -- notes -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Key:
    """A public audit key: the name under which it signs, and 32 octets."""

    name: str
    public: bytes

    @property
    def number(self) -> bytes:
        """The four octets that a signature names it by (C2SP signed-note)."""
        return hashlib.sha256(self.name.encode() + b"\n" + _ALGORITHM + self.public).digest()[:4]

    @property
    def text(self) -> str:
        """The one line in which it is handed on."""
        return f"{self.name}+{self.number.hex()}+{base64.b64encode(_ALGORITHM + self.public).decode()}"

    @classmethod
    def parse(cls, text: str) -> "Key":
        """Read such a line.

        Raises:
            ValueError: it is none, not of Ed25519, or one for which anybody can make signatures.
        """
        name, number, encoded = (*text.strip().split("+", 2), "", "")[:3]
        raw = _base64(encoded)
        if not is_name(name) or len(raw) != 33 or raw[:1] != _ALGORITHM:
            raise ValueError("this is no verifier key: NAME+HEX+BASE64 with 32 octets of Ed25519")
        key = cls(name, raw[1:])
        if key.number.hex() != number:
            raise ValueError("the number of the verifier key does not belong to it")
        if not is_sound(key.public):
            raise ValueError("the verifier key is no point of the curve, or one of the few that prove nothing")
        return key


@dataclass(frozen=True, slots=True)
class Note:
    """A checkpoint as it was signed.

    Attributes:
        text: what the signatures are over.
        signatures: name, number of the key, signature.
    """

    origin: str
    size: int
    root: bytes
    text: bytes
    signatures: tuple[tuple[str, bytes, bytes], ...]

    @classmethod
    def parse(cls, text: str) -> "Note":
        """Read a signed checkpoint.

        Raises:
            ValueError: it is none.
        """
        body, blank, rest = text.rpartition("\n\n")
        origin, size, encoded = (*body.split("\n"), "", "", "")[:3]
        root = _base64(encoded)
        is_size = size.isascii() and size.isdigit() and len(size) <= 18 and size == str(int(size))
        if not (blank and origin and is_size and len(root) == 32) or "\n\n" in body or not _is_text(text):
            raise ValueError("this is no signed checkpoint")
        signatures = []
        for line in rest.split("\n")[:64]:
            name, _, encoded = line.removeprefix(_DASH).partition(" ")
            raw = _base64(encoded)
            if line.startswith(_DASH) and is_name(name) and len(raw) > 4:
                signatures.append((name, raw[:4], raw[4:]))
        return cls(origin, int(size), root, f"{body}\n".encode(), tuple(signatures))

    @classmethod
    def newest(cls, lines: Iterable[str]) -> "Note":
        """Find the checkpoint of the largest tree in a text that may hold many, and other lines between them.

        A checkpoint may stand there as it was signed, or in one line as `one_line` gives it, behind anything.

        Raises:
            ValueError: there is none.
        """
        best: Note | None = None
        before: list[str] = []
        marks: list[str] = []  # the signatures of one note
        for raw in lines:
            line = raw.rstrip("\r\n")
            if line.startswith(_DASH):
                marks = [*marks[-63:], line]
                found = "\n".join((*before, *marks, ""))
            else:
                before, marks = [*before[-3:], line], []
                found = _unfolded(line)
            try:
                note = cls.parse(found) if found else None
            except ValueError:
                continue
            if note is not None and (best is None or note.size >= best.size):
                best = note
        if best is None:
            raise ValueError("this holds no signed checkpoint")
        return best

    def is_signed_by(self, key: Key, signed: "Signed") -> bool:
        """Whether it is a checkpoint of that key's log, and one of the signatures is the key's, over this very text."""
        return self.origin == key.name and any(
            name == key.name and number == key.number and signed(key.public, self.text, signature)
            for name, number, signature in self.signatures
        )


def one_line(note: str) -> str:
    """Put a signed checkpoint into one line for a log of lines: `checkpoint ORIGIN SIZE ROOT SIGNATURE`.

    Raises:
        ValueError: it is none, or has another form than ours.
    """
    read = Note.parse(note)
    folded = " ".join((CHECKPOINT, *note.split("\n")[:3], note.rstrip("\n").rpartition(" ")[2]))
    if "\n" in folded or Note.parse(_unfolded(folded)) != read:
        raise ValueError("this checkpoint does not fit into one line")
    return folded


def _unfolded(line: str) -> str:
    words = line.split(" ")
    if len(words) < 5 or words[-5] != CHECKPOINT:
        return ""
    origin, size, root, signature = words[-4:]
    return f"{origin}\n{size}\n{root}\n\n{_DASH}{origin} {signature}\n"


def is_name(name: str) -> bool:
    """Whether a name can be a key's (C2SP signed-note: no space, no plus, no control character)."""
    return name != "" and "+" not in name and not any(c.isspace() or ord(c) < 32 for c in name) and _is_text(name)


def _is_text(text: str) -> bool:
    """Whether it can be UTF-8, and holds no control character but the line feed."""
    return not any(("\0" <= c < " " and c != "\n") or "\ud800" <= c <= "\udfff" for c in text)


def _base64(text: str) -> bytes:
    """The octets of base64 in its one spelling; none where it is not."""
    try:
        raw = base64.b64decode(text, validate=True)
    except ValueError:
        return b""
    return raw if base64.b64encode(raw).decode() == text else b""


# -- Ed25519 (RFC 8032 5.1), short and slow ----------------------------------------------------------------------------

_P: Final = 2**255 - 19
_ORDER: Final = 2**252 + 27742317777372353535851937790883648493
_D: Final = -121665 * pow(121666, -1, _P) % _P
_ROOT_OF_MINUS_ONE: Final = pow(2, (_P - 1) // 4, _P)
_NEUTRAL: Final = (0, 1, 1, 0)
Point = tuple[int, int, int, int]


def ed25519_signed(public: bytes, text: bytes, signature: bytes) -> bool:
    """Whether a signature is a public key's over a text: R = S B - k A, to the octet (RFC 8032 5.1.7).

    As in OpenSSL, and stricter: a public key that is not spelt in its one way is none.
    """
    a = _point(public)
    s = int.from_bytes(signature[32:64], "little")
    if len(signature) != 64 or a is None or s >= _ORDER:
        return False
    k = int.from_bytes(hashlib.sha512(signature[:32] + public + text).digest(), "little") % _ORDER
    x, y, z, _ = _added(_times(s, _BASE), _times(k, (_P - a[0], a[1], 1, _P - a[3])))
    inverse = pow(z, -1, _P)  # z is never 0: the addition is complete, D being no square
    x, y = x * inverse % _P, y * inverse % _P
    return (y | (x & 1) << 255).to_bytes(32, "little") == signature[:32]


def is_sound(public: bytes) -> bool:
    """Whether a public key is a point, and not of small order: under those anybody can sign."""
    point = _point(public)
    if point is None:
        return False
    for _ in range(3):
        point = _added(point, point)
    return point[0] % _P != 0 or (point[1] - point[2]) % _P != 0


def _point(octets: bytes) -> Point | None:
    """A point from its 32 octets (RFC 8032 5.1.3), in extended coordinates."""
    number = int.from_bytes(octets[:33], "little")
    y, sign = number & (1 << 255) - 1, number >> 255
    if len(octets) != 32 or y >= _P:
        return None
    square = (y * y - 1) * pow(_D * y * y + 1, -1, _P) % _P
    x = pow(square, (_P + 3) // 8, _P)
    if x * x % _P != square:
        x = x * _ROOT_OF_MINUS_ONE % _P
    if x * x % _P != square or (x == 0 and sign):
        return None
    x = _P - x if x & 1 != sign else x
    return x, y, 1, x * y % _P


def _added(one: Point, two: Point) -> Point:
    """The sum of two points (RFC 8032 5.1.4)."""
    a = (one[1] - one[0]) * (two[1] - two[0]) % _P
    b = (one[1] + one[0]) * (two[1] + two[0]) % _P
    c, d = 2 * one[3] * two[3] * _D % _P, 2 * one[2] * two[2] % _P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % _P, g * h % _P, f * g % _P, e * h % _P


def _times(number: int, point: Point) -> Point:
    """A multiple of a point, from a table that is made once a point: 64 hex digits, 64 additions."""
    found: Point = _NEUTRAL
    for digit, row in enumerate(_table(point)):
        found = _added(found, row[number >> 4 * digit & 15])
    return found


@lru_cache(maxsize=8)
def _table(point: Point) -> tuple[tuple[Point, ...], ...]:
    """Row i holds 0 to 15 times 16**i times the point."""
    rows = []
    for _ in range(64):
        row: list[Point] = [_NEUTRAL]
        for _ in range(15):
            row.append(_added(row[-1], point))
        rows.append(tuple(row))
        point = _added(row[-1], point)
    return tuple(rows)


_BASE: Final = _point((4 * pow(5, -1, _P) % _P).to_bytes(32, "little")) or _NEUTRAL


# -- the chain ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Head:
    """A place in the chain: a line's sequence number, and its leaf hash in hex."""

    seq: int
    digest: str


START: Final = Head(0, "0" * 64)
"""What stands before the first line of a chain."""


@dataclass(frozen=True, slots=True)
class Break:
    """The first line that does not follow from the lines before it. `line` counts from 1 in its file."""

    line: int
    what: str
    file: str = ""

    def __str__(self) -> str:
        return f"{_where(self.file, self.line)}: {self.what}"


@dataclass(frozen=True, slots=True)
class Remark:
    """A `recovered` or `gap` record that was met.

    Attributes:
        octets: how many stand before it that are no lines.
        missing: acknowledged lines that are not there.
        is_changed: those octets are not what the record says, or lines are gone with them; none was acknowledged.
    """

    line: int
    kind: str
    why: str
    octets: int
    missing: int
    file: str = ""
    is_changed: bool = False

    def __str__(self) -> str:
        lost = f"; {self.missing} acknowledged lines are missing" if self.missing else ""
        gone = "; what was written before it, and not acknowledged, is not there any more" if self.is_changed else ""
        void = f"; {self.octets} octets before it are no lines" if self.octets else ""
        return f"{_where(self.file, self.line)}: {self.kind}: {_shown(self.why)}{void}{lost}{gone}"


@dataclass(frozen=True, slots=True)
class Report:
    """What `verify` saw.

    Attributes:
        lines: how many there were.
        head: the last line that holds.
        remarks: what the files say of themselves.
        broken: the first line that does not hold.
        first: number of the first line; 1 where nothing older is gone, 0 where there is none.
        checkpoints: how many were met, and `signed` how many of them were proven by the key.
        frontier: the tree over all lines up to the head; None where it cannot be known.
        unsealed: with a key: lines behind the last checkpoint that it proves.
        is_overdue: there are more of them than the writer ever leaves, or over a longer time.
        missing: lines that a checkpoint kept elsewhere covers and that are cut off the end.
        compared: what came of that checkpoint: empty (none was given), `same`, `shorter` (lines are cut off), `other`
            (it is of other lines), `before` (it is older than the first line here), `unknown` (its place was not
            reached, or lines before it are not here), `unsigned` (not by the key).
    """

    lines: int
    head: Head
    remarks: tuple[Remark, ...]
    broken: Break | None
    first: int = 0
    checkpoints: int = 0
    signed: int = 0
    frontier: Frontier | None = None
    unsealed: int = 0
    is_overdue: bool = False
    missing: int = 0
    compared: str = ""

    @property
    def is_whole(self) -> bool:
        """No line is wrong, none that was acknowledged is missing, and what was given to prove it does."""
        return (
            self.broken is None
            and not any(remark.missing for remark in self.remarks)
            and not self.is_overdue
            and self.compared in ("", "same")
        )


def verify(
    lines: Iterable[bytes] | Iterable[tuple[str, Iterable[bytes]]],
    start: Head | None = START,
    *,
    key: Key | None = None,
    checkpoint: Note | None = None,
    signed: Signed = ed25519_signed,
    is_thorough: bool = False,
) -> Report:
    """Read lines (with or without their newline) and say where the chain breaks first, if it does.

    Args:
        lines: of one file as binary mode gives them, or of several, oldest first, as pairs of name and lines.
        start: the line before the first one; None takes the first line at its word, when older files are gone.
        key: the audit key; without it no signature is looked at.
        checkpoint: one that was kept elsewhere.
        signed: whether a signature (public key, text, signature) holds; a faster one may be put in its place.
        is_thorough: read each line as JSON, however plainly it follows. It takes ten times as long and proves no more:
            it names a line that the writer cannot have written where else the next one is named, or a key.
    """
    walk = _Walk(start, key, checkpoint, signed, is_thorough)
    for name, content in _named(lines):
        if walk.void_octets > VOID_CAP:
            break
        walk.read(name, content)
    return walk.report()


def _named(lines: Iterable[Any]) -> Iterator[tuple[str, Iterable[bytes]]]:
    whole = iter(lines)
    for first in whole:
        if isinstance(first, tuple):
            yield first
            yield from whole
        else:
            yield "", _joined(first, whole)


def _joined(first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from rest


# How a line of one of the kinds that must be read as a whole goes on behind `"kind":"`.
_SPECIAL: Final = tuple(f'{kind}"'.encode() for kind in (*FILE_KINDS, CHECKPOINT))
_NEVER: Final = b"\n"  # is in no line


@dataclass(slots=True)
class _Walk:
    """How far a run of lines has been proven, and what has been met since that no record has explained yet."""

    start: Head | None
    key: Key | None
    checkpoint: Note | None
    signed: Signed
    is_thorough: bool
    seq: int = -1  # of the last line that holds; -1: not known
    digest: str = ""
    frontier: Frontier | None = None  # of as many leaves as `seq` says; None: not known
    remarks: list[Remark] = field(default_factory=list)
    broken: Break | None = None
    void_octets: int = 0
    count: int = 0
    first: int = 0
    checkpoints: int = 0
    proven: int = 0
    sealed: int = 0  # number of the last checkpoint that proves the lines before it
    sealed_at: str = ""  # when that was written; before there is one, when the first line was
    moment: str = ""  # when the last line was written that was read as a whole
    compared: str = ""
    _file: str = ""
    _void: Any = None
    _due_prev: bytes = _NEVER  # how the next line spells what it names
    _due_seq: bytes = _NEVER
    _last: bytes = b""  # the last line, where it was taken by its links alone
    _last_prev: str = ""
    _last_place: tuple[str, int] = ("", 0)

    def __post_init__(self) -> None:
        self._void = hashlib.sha256()
        if self.checkpoint is not None:
            is_signed = self.key is None or self.checkpoint.is_signed_by(self.key, self.signed)
            self.compared = "unknown" if is_signed else "unsigned"
        if self.start is not None:
            self._begin_at(self.start)

    def _begin_at(self, head: Head) -> None:
        """Take a place in the chain as given."""
        self.seq, self.digest = head.seq, head.digest
        if head == START:
            self.frontier = Frontier()
            self._compare()

    def read(self, name: str, content: Iterable[bytes]) -> None:
        """Take the lines of one file."""
        self._file, number = name, 0
        for number, raw in enumerate(content, 1):
            line = raw[:-1] if raw.endswith(b"\n") else raw
            if not self._takes_quickly(line):
                self._take(number, line)
                if self.void_octets > VOID_CAP:
                    break
        self.count += number
        if number:
            self._last_place = (name, number)

    def report(self) -> Report:
        """Say what came of it."""
        self._read_last()
        size, missing = max(0, self.seq), 0
        if self.compared == "unknown" and self.broken is None and self.checkpoint is not None:
            missing = max(0, self.checkpoint.size - size)
            self.compared = "shorter" if missing else "unknown"
        unsealed = size - (self.sealed or self.first - 1) if self.key is not None and self.first else 0
        is_late = unsealed > MAX_UNSEALED or _seconds(self.sealed_at, self.moment) > MAX_UNSEALED_SECONDS
        return Report(
            self.count, Head(self.seq, self.digest) if self.seq >= 0 else START, tuple(self.remarks), self.broken,
            self.first, self.checkpoints, self.proven, self.frontier, unsealed, unsealed > 0 and is_late, missing,
            self.compared,
        )  # fmt: skip

    def _takes_quickly(self, line: bytes) -> bool:
        """Take a line that plainly follows by its links alone, without reading its JSON.

        What is looked for: the right `prev`, the right `seq` behind it, and a `kind` that asks for no more. In a line
        of the writer these texts can stand nowhere else: within a string each quote has a backslash before it.

        Can somebody be deceived by a line that has the texts in other places, or is no JSON? No. Each line that is
        taken names the hash of all octets of the one before, and the last one is read as a whole (`_read_last`); so
        where any octet differs from what was written, some later line differs too, up to the last one or to a
        checkpoint. Whoever writes all these anew can as well write good JSON, and is found by what finds that: the
        signature, or a checkpoint that was kept elsewhere; its root is made of all octets of all lines. A `kind` that
        hides a checkpoint from being read does what leaving that checkpoint out does.
        """
        at = line.rfind(self._due_prev)
        if at < 0 or line.find(self._due_seq, at) < 0:
            return False
        if not line.endswith(b"}") or line.find(b',"w":"', at) < 0:
            return False  # cut short: a record behind it says so
        kind = line.find(b'"kind":"', 0, at)
        if kind < 0 or line.startswith(_SPECIAL, kind + 8):
            return False
        leaf = hashlib.sha256(b"\0" + line).digest()
        if self.frontier is not None:
            self.frontier.append(leaf)
        self._last, self._last_prev = line, self.digest
        self._go_on(self.seq + 1, leaf.hex())
        return True

    def _read_last(self) -> None:
        """Read the last line as a whole, if that has not been done: what follows proves all lines but that one."""
        if self.broken is None and self._last:
            event, (name, number) = parse(self._last), self._last_place
            if event is None or (event["seq"], event["prev"]) != (self.seq, self._last_prev):
                self.broken = Break(number, _NO_LINE, name)
            else:
                self.moment = str(event.get("w", ""))

    def _take(self, number: int, line: bytes) -> None:
        """Read a line as a whole, and take it if it follows."""
        event = parse(line)
        if event is None:
            self._set_aside(number, line, _NO_LINE)
            return
        if self.seq < 0 and event["seq"] == 1:
            self._begin_at(START)
        closes = event.get("kind") in FILE_KINDS
        fault = self._closing(number, event) if closes else self._fault(event)
        if fault is None and event.get("kind") == CHECKPOINT:
            fault = self._checkpoint(event)
        if fault is not None or (self.broken is not None and not closes):
            self._set_aside(number, line, fault or "")
            return
        self._follow(event, line)
        self.broken, self.void_octets, self._void, self._last = None, 0, hashlib.sha256(), b""

    def _follow(self, event: Mapping[str, Any], line: bytes) -> None:
        seq = event["seq"]
        if self.frontier is None or self.frontier.size != seq - 1:
            self.frontier = _frontier(event)  # a file that begins later, or lines that are gone
        self.moment = str(event.get("w", ""))
        if not self.first:
            self.first, self.sealed_at = (self.seq + 1 if self.seq >= 0 else seq), self.moment
            if self.compared == "unknown" and self.checkpoint is not None and self.checkpoint.size < seq:
                self.compared = "before"
                self._compare(("before", "other"))
        leaf = leaf_hash(line)
        if self.frontier is not None:
            self.frontier.append(leaf)
        self._go_on(seq, leaf.hex())

    def _go_on(self, seq: int, digest: str) -> None:
        """Make a line the head."""
        self.seq, self.digest = seq, digest
        if not self.is_thorough:
            self._due_prev, self._due_seq = b',"prev":"%b",' % digest.encode(), b',"seq":%d,' % (seq + 1)
        if self.compared == "unknown":
            self._compare()

    def _compare(self, answers: tuple[str, str] = ("same", "other")) -> None:
        """Hold the tree against the checkpoint that was kept elsewhere, where both are of one size."""
        note, frontier = self.checkpoint, self.frontier
        if note is not None and frontier is not None and frontier.size == note.size and self.compared != "unsigned":
            self.compared = answers[frontier.root() != note.root]

    def _fault(self, event: Mapping[str, Any]) -> str | None:
        """What keeps a line from following the head."""
        if self.seq < 0:
            return None
        if event["seq"] != self.seq + 1:
            return f"its seq is {event['seq']}, not {self.seq + 1}: lines were dropped, swapped or put in"
        if event["prev"] != self.digest:
            return "its prev is not the hash of the line before: one of the two was changed"
        return None

    def _checkpoint(self, event: Mapping[str, Any]) -> str | None:
        """Hold a checkpoint against the lines before it, and against its own signature."""
        claimed = _frontier(event)
        try:
            note = Note.parse(str(event.get("note")))
        except ValueError:
            return "its note cannot be read"
        if claimed is None or note.size != claimed.size or note.root != claimed.root():
            return "the checkpoint contradicts itself"
        is_known = self.frontier is not None and self.frontier.size == claimed.size
        if is_known and self.frontier is not None and self.frontier.root() != note.root:
            return "the lines before the checkpoint are not those it was made of: they were written anew"
        if self.key is not None and not note.is_signed_by(self.key, self.signed):
            return f"the checkpoint is not signed by the audit key {self.key.name}"
        self.checkpoints += 1
        if self.key is not None:
            self.proven += 1
            # Where the tree before it is not known, it proves no line here: whoever wrote those can have copied it.
            if is_known and self.first:
                self.sealed, self.sealed_at = event["seq"], str(event.get("w", ""))
        return None

    def _closing(self, number: int, event: Mapping[str, Any]) -> str | None:
        """Judge a record about the file itself; remark on it where it explains what stands before it."""
        why, missing, is_changed = event.get("why"), 0, False
        explained = event.get("octets") == self.void_octets and event.get("sha256") == self._void.hexdigest()
        synced = _synced(event)
        fault = self._fault(event)
        covered = event.get("covered")
        if fault is None and explained:  # the record stands where it says
            missing = max(0, covered - event["seq"] + 1) if _is_count(covered) else 0
        elif self.seq < 0 and self.broken is None:
            pass  # the first line of all, taken at its word: what it speaks of is in an older file
        elif synced is not None and synced == Head(self.seq, self.digest) and event["seq"] > synced.seq:
            # The sync failed, and what had not been acknowledged has since gone from the disk, wholly or in part.
            is_changed = True
        elif explained and synced == Head(event["seq"] - 1, event["prev"]) and synced.seq > self.seq >= 0:
            missing = synced.seq - self.seq
        else:
            return fault or "it speaks of octets that are not before it, or are not what they were"
        text = why if isinstance(why, str) else ""
        self.remarks.append(
            Remark(number, event["kind"], text, self.void_octets, missing, self._file, is_changed=is_changed)
        )
        return None

    def _set_aside(self, number: int, line: bytes, fault: str) -> None:
        """Keep the measure of a line that does not hold until a record explains it; the first of them is the break."""
        if self.broken is None:
            self.broken = Break(number, fault, self._file)
            self._due_prev = _NEVER  # nothing follows plainly any more
        else:
            self._void.update(b"\n")
            self.void_octets += 1
        self._void.update(line)
        self.void_octets += len(line)


_NO_LINE: Final = "this is not a line as the writer writes it"


def parse(line: bytes) -> dict[str, Any] | None:
    """Return what a whole line says, or None where it is not exactly what the writer would have written."""
    try:
        event = _DECODER.decode(line.decode("ascii"))
        if not isinstance(event, dict) or _canonical(event) != line:
            return None
    except (ValueError, TypeError, RecursionError):
        return None
    seq, prev = event.get("seq"), event.get("prev")
    return event if _is_count(seq) and seq > 0 and _is_digest(prev) else None


def _canonical(event: Mapping[str, Any]) -> bytes:
    """The one JSON text of an event: RFC 8785, with everything beyond printable ASCII escaped."""
    text = json.dumps(_ordered(event), separators=(",", ":"), allow_nan=False)
    return text.replace("\x7f", "\\u007f").encode("ascii")


def _ordered(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            name: _ordered(value[name]) for name in sorted(value, key=lambda n: n.encode("utf-16-be", "surrogatepass"))
        }
    if isinstance(value, list):
        return [_ordered(item) for item in value]
    return value


def _frontier(event: Mapping[str, Any]) -> Frontier | None:
    """The tree that a line says to stand before it."""
    peaks = event.get("peaks")
    if not isinstance(peaks, list) or not all(_is_digest(peak) for peak in peaks):
        return None
    try:
        return Frontier.of(event["seq"] - 1, (bytes.fromhex(peak) for peak in peaks))
    except ValueError:
        return None


def _synced(event: Mapping[str, Any]) -> Head | None:
    synced = event.get("synced")
    if event["kind"] != "gap" or not isinstance(synced, dict):
        return None
    seq, sha = synced.get("seq"), synced.get("digest")
    return Head(seq, sha) if _is_count(seq) and _is_digest(sha) else None


def _seconds(one: str, two: str) -> float:
    """What lies between two moments of RFC 3339; for ever where one is none: the writer makes no such line."""
    try:
        return (datetime.fromisoformat(two) - datetime.fromisoformat(one)).total_seconds()
    except (ValueError, TypeError, OverflowError):
        return float("inf")


def _where(file: str, line: int) -> str:
    return f"{_shown(file)}, line {line}" if file else f"line {line}"


def _shown(text: str) -> str:
    """A text of anybody's for a terminal, which must not obey it."""
    return "".join(c if c.isprintable() else "?" for c in text[:300])


def _is_count(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < MAX_COUNT


def _is_digest(value: object) -> TypeGuard[str]:
    return isinstance(value, str) and len(value) == 64 and not value.strip("0123456789abcdef")


def _no_float(text: str) -> NoReturn:
    raise ValueError(f"{text[:40]} is not an integer")


_DECODER: Final = json.JSONDecoder(parse_float=_no_float, parse_constant=_no_float)


# -- the command -------------------------------------------------------------------------------------------------------


def told(report: Report) -> list[str]:
    """Say what came of it, in sentences; the last one is the verdict, with the first line that is wrong."""
    found = [str(remark) for remark in report.remarks]
    if report.first > 1:
        found.append(f"the lines begin with number {report.first}: nothing is said of older ones")
    if report.signed:
        found.append(f"the audit key has signed {report.signed} of {_several(report.checkpoints, 'checkpoint')}")
    if report.unsealed:
        found.append(f"behind the last signed checkpoint, not proven by the key: {_several(report.unsealed, 'line')}")
    if report.compared == "same":
        found.append("the checkpoint that was kept elsewhere was made of these very lines")
    faults = _faults(report)
    counted = f"{_several(report.lines, 'line')}, {_several(report.checkpoints, 'checkpoint')}"
    found.append(f"NOT WHOLE: {'; '.join(faults)} ({counted})" if faults else f"whole: {counted}")
    return found


def _several(number: int, name: str) -> str:
    return f"{number} {name}{'s' * (number != 1)}"


def _faults(report: Report) -> list[str]:
    missing = sum(remark.missing for remark in report.remarks)
    first = next((remark for remark in report.remarks if remark.missing), None)
    late = "the audit key proves too little: a signed checkpoint is missing behind number"
    found = [
        str(report.broken or ""),
        f"{missing} acknowledged lines are missing before {_where(first.file, first.line)}" if first else "",
        f"{late} {report.head.seq - report.unsealed}" if report.is_overdue else "",
        {
            "shorter": f"{report.missing} lines are cut off behind number {report.head.seq}, by the checkpoint",
            "other": "the lines were written anew: the checkpoint that was kept elsewhere was made of others",
            "unsigned": "the checkpoint that was kept elsewhere is not signed by the audit key",
            "unknown": "the checkpoint that was kept elsewhere could not be compared: the lines up to it are not whole",
            "before": "the checkpoint that was kept elsewhere covers none of these lines: give the older files too",
        }.get(report.compared, ""),
    ]
    return [fault for fault in found if fault]


def unpacked(file: "BufferedReader") -> Callable[[int], bytes]:
    """Return what reads the content of an open file, packed with gzip or not: as `read`, but perhaps less at a time.

    Raises:
        OSError: it cannot be read.
    """
    return _Unpacking(file).read if file.peek(2)[:2] == _GZIP else file.read


class _Unpacking:
    """What is packed with gzip, in large pieces: the library's own reader takes small ones, and half as long again."""

    def __init__(self, file: "BufferedReader") -> None:
        self._file = file
        self._packed = b""
        self._member = zlib.decompressobj(_GZIP_BITS)

    def read(self, size: int) -> bytes:
        """Return the next octets, at most `size`; none at the end.

        Raises:
            EOFError: a member is cut short.
            zlib.error: it is damaged.
        """
        while True:
            if self._member.eof:  # RFC 1952 2.2: members follow one another; gzip(1) lets zeros fill the rest
                self._packed = self._member.unused_data.lstrip(b"\0") or self._file.read(_BLOCK).lstrip(b"\0")
                if not self._packed:
                    return b""
                self._member = zlib.decompressobj(_GZIP_BITS)
            packed = self._packed or self._file.read(_BLOCK)
            octets = self._member.decompress(packed, size)
            self._packed = self._member.unconsumed_tail
            if octets:
                return octets
            if not packed and not self._member.eof:
                raise EOFError("what was packed with gzip is cut short")


def lines_of(read: Callable[[int], bytes]) -> Iterator[bytes]:
    """Cut what a file's `read` gives into lines without their newlines; a line that is far too long comes in pieces.

    Raises:
        OSError: it cannot be read to its end, also where what is packed is damaged.
    """
    rest = b""
    try:
        while block := read(_BLOCK):
            whole = (rest + block).split(b"\n")
            rest = whole.pop()
            yield from whole
            if len(rest) > VOID_CAP:
                yield rest
                rest = b""
    except (EOFError, zlib.error) as error:
        raise OSError(str(error)) from error
    if rest:
        yield rest


def _contents(paths: Iterable[str]) -> Iterator[tuple[str, Iterator[bytes]]]:
    for path in paths:
        with open(path, "rb") as file:
            yield path, lines_of(unpacked(file))


def main(arguments: list[str]) -> int:
    """Run as a command; return 0 where all is whole, 1 where it is not, 2 where it could not be read."""
    parser = argparse.ArgumentParser(description="Prove that audit files are whole.")
    parser.add_argument("files", nargs="+", help="audit files, oldest first, packed with gzip or not")
    parser.add_argument("--key", help="file with the public audit key, NAME+HEX+BASE64")
    parser.add_argument("--checkpoint", help="file with one or many checkpoints that were kept elsewhere")
    parser.add_argument("--from-start", action="store_true", help="the first file must begin with line 1")
    parser.add_argument("--thorough", action="store_true", help="read each line as JSON: slow, and proves no more")
    options = parser.parse_args(arguments)
    try:
        key = note = None
        if options.key:
            with open(options.key, encoding="utf-8") as file:
                key = Key.parse(file.read(1 << 16))
        if options.checkpoint:
            with open(options.checkpoint, encoding="utf-8", errors="replace") as file:
                note = Note.newest(file)
        start = START if options.from_start else None
        files = _contents(options.files)
        report = verify(files, start, key=key, checkpoint=note, is_thorough=options.thorough)
    except (OSError, ValueError) as error:
        print(f"verify: {_shown(str(error))}", file=sys.stderr)
        return 2
    for sentence in told(report):
        print(sentence)
    return 0 if report.is_whole else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
