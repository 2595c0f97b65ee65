#!/usr/bin/env python3
"""Proves that audit files of sealgate are whole: nothing changed, dropped, put in, swapped, cut or rewritten.

    python3 verifier.py audit.jsonl.2 audit.jsonl.1 audit.jsonl --key audit.pub --checkpoint kept-elsewhere

This one file is all an auditor needs, with Python 3.11 and nothing else. Files are given oldest first. Each line holds
the hash of the line before (`prev`), so the lines form a chain; from time to time a line of kind `checkpoint` holds the
root of a Merkle tree over all lines so far (RFC 9162 2.1), in a note signed with Ed25519 (the formats are C2SP's
signed-note and tlog-checkpoint). The chain shows every change that was made without writing all later lines anew; the
signature shows those made by somebody without the audit key; a checkpoint that was kept elsewhere (`--checkpoint`)
shows those made by anybody, and lines cut off the end.

What no file can show: that lines behind the last checkpoint kept elsewhere are those that were written, where somebody
held the audit key; and that what a line says was true.

Memory does not grow with the files. Hostile lines never make it raise. It is longer than a module should be, because it
must work alone.
"""

import argparse
import base64
import binascii
import gzip
import hashlib
import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import IO, Any, Final, NoReturn, TypeGuard

VOID_CAP: Final = 8 << 20
"""Octets that a `recovered` or `gap` record may explain; `verify` stops looking for one after as many."""

FILE_KINDS: Final = ("recovered", "gap")
"""The kinds of lines that speak of the file itself; no event from elsewhere may bear them."""

CHECKPOINT: Final = "checkpoint"
_ALGORITHM: Final = b"\x01"  # C2SP signed-note: Ed25519
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
            ValueError: it is none, or not of Ed25519.
        """
        name, number, encoded = (*text.strip().split("+", 2), "", "")[:3]
        raw = _base64(encoded)
        if not name or len(raw) != 33 or raw[:1] != _ALGORITHM:
            raise ValueError("this is no verifier key: NAME+HEX+BASE64 with 32 octets of Ed25519")
        key = cls(name, raw[1:])
        if key.number.hex() != number:
            raise ValueError("the number of the verifier key does not belong to it")
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
        body, blank, rest = text.partition("\n\n")
        lines = body.split("\n")
        if not blank or len(lines) < 3 or not lines[0] or not lines[1].isascii() or not lines[1].isdigit():
            raise ValueError("this is no signed checkpoint")
        root = _base64(lines[2])
        if len(root) != 32 or len(lines[1]) > 18 or lines[1] != str(int(lines[1])):
            raise ValueError("this is no signed checkpoint")
        signatures = []
        for line in rest.split("\n")[:20]:
            dash, name, encoded = (*line.split(" "), "", "")[:3]
            raw = _base64(encoded)
            if dash == "\u2014" and len(raw) > 4:
                signatures.append((name, raw[:4], raw[4:]))
        return cls(lines[0], int(lines[1]), root, (body + "\n").encode(), tuple(signatures))

    def is_signed_by(self, key: Key, signed: "Signed") -> bool:
        """Whether one of the signatures is that key's, over this very text."""
        return any(
            name == key.name and number == key.number and signed(key.public, self.text, signature)
            for name, number, signature in self.signatures
        )


def _base64(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (ValueError, binascii.Error):
        return b""


# -- Ed25519 (RFC 8032 5.1), slow and short ----------------------------------------------------------------------------

_P: Final = 2**255 - 19
_ORDER: Final = 2**252 + 27742317777372353535851937790883648493
_D: Final = -121665 * pow(121666, -1, _P) % _P
_ROOT_OF_MINUS_ONE: Final = pow(2, (_P - 1) // 4, _P)
Point = tuple[int, int, int, int]


def ed25519_signed(public: bytes, text: bytes, signature: bytes) -> bool:
    """Whether a signature is a public key's over a text: 8 S B = 8 R + 8 k A (RFC 8032 5.1.7)."""
    a, r = _point(public), _point(signature[:32])
    s = int.from_bytes(signature[32:], "little")
    if len(signature) != 64 or a is None or r is None or s >= _ORDER:
        return False
    k = int.from_bytes(hashlib.sha512(signature[:32] + public + text).digest(), "little") % _ORDER
    left, right = _times(8 * s, _BASE), _times(8, _added(r, _times(k, a)))
    return (left[0] * right[2] - right[0] * left[2]) % _P == 0 and (left[1] * right[2] - right[1] * left[2]) % _P == 0


def _point(octets: bytes) -> Point | None:
    """A point from its 32 octets (RFC 8032 5.1.3), in extended coordinates."""
    number = int.from_bytes(octets, "little")
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
    a = (one[1] - one[0]) * (two[1] - two[0]) % _P
    b = (one[1] + one[0]) * (two[1] + two[0]) % _P
    c, d = 2 * one[3] * two[3] * _D % _P, 2 * one[2] * two[2] % _P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % _P, g * h % _P, f * g % _P, e * h % _P


def _times(number: int, point: Point) -> Point:
    found: Point = (0, 1, 1, 0)
    while number:
        if number & 1:
            found = _added(found, point)
        point = _added(point, point)
        number >>= 1
    return found


_BASE: Final = _point((4 * pow(5, -1, _P) % _P).to_bytes(32, "little")) or (0, 1, 1, 0)


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
        return f"{self.file}{', ' if self.file else ''}line {self.line}: {self.what}"


@dataclass(frozen=True, slots=True)
class Remark:
    """A `recovered` or `gap` record that was met. `missing` counts acknowledged lines that are not there."""

    line: int
    kind: str
    why: str
    octets: int
    missing: int
    file: str = ""

    def __str__(self) -> str:
        lost = f"; {self.missing} acknowledged lines are missing" if self.missing else ""
        return f"{self.file}{', ' if self.file else ''}line {self.line}: {self.kind}: {self.why}{lost}"


@dataclass(frozen=True, slots=True)
class Report:
    """What `verify` saw.

    Attributes:
        lines: how many there were.
        head: the last line that holds.
        remarks: what the files say of themselves.
        broken: the first line that does not hold.
        checkpoints: how many were met, and `signed` how many of them were proven by the key.
        frontier: the tree over all lines up to the head; None where it cannot be known.
        missing: lines that a checkpoint kept elsewhere covers and that are cut off the end.
        compared: what came of that checkpoint: empty, `same`, `shorter`, `other`, `before`, `unknown`, `unsigned`.
    """

    lines: int
    head: Head
    remarks: tuple[Remark, ...]
    broken: Break | None
    checkpoints: int = 0
    signed: int = 0
    frontier: Frontier | None = None
    missing: int = 0
    compared: str = ""

    @property
    def is_whole(self) -> bool:
        """No line is wrong, and none that was acknowledged is missing."""
        return (
            self.broken is None
            and not any(remark.missing for remark in self.remarks)
            and self.compared in ("", "same", "before")
        )


def verify(
    lines: Iterable[bytes] | Iterable[tuple[str, Iterable[bytes]]],
    start: Head | None = START,
    *,
    key: Key | None = None,
    checkpoint: Note | None = None,
    signed: Signed = ed25519_signed,
) -> Report:
    """Read lines (with or without their newline) and say where the chain breaks first, if it does.

    Args:
        lines: of one file as binary mode gives them, or of several, oldest first, as pairs of name and lines.
        start: the line before the first one; None takes the first line at its word, when older files are gone.
        key: the audit key; without it no signature is looked at.
        checkpoint: one that was kept elsewhere.
        signed: whether a signature (public key, text, signature) holds; a faster one may be put in its place.
    """
    walk = _Walk(start, key, checkpoint, signed)
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


@dataclass(slots=True)
class _Walk:
    """How far a run of lines has been proven, and what has been met since that no record has explained yet."""

    head: Head | None
    key: Key | None
    checkpoint: Note | None
    signed: Signed
    frontier: Frontier | None = None  # of as many leaves as the head's number; None: not known
    remarks: list[Remark] = field(default_factory=list)
    broken: Break | None = None
    void_octets: int = 0
    count: int = 0
    checkpoints: int = 0
    proven: int = 0
    compared: str = ""
    _file: str = ""
    _void: Any = None
    _last: bytes = b""  # the last line that was taken by its links alone
    _last_place: tuple[str, int] = ("", 0)

    def __post_init__(self) -> None:
        self._void = hashlib.sha256()
        if self.head == START:
            self.frontier = Frontier()
        if self.checkpoint is not None:
            is_signed = self.key is None or self.checkpoint.is_signed_by(self.key, self.signed)
            self.compared = "unknown" if is_signed else "unsigned"
            self._compare()

    def read(self, name: str, content: Iterable[bytes]) -> None:
        """Take the lines of one file. Where a line plainly follows, its links are all that is looked at."""
        self._file = name
        number = 0
        for number, raw in enumerate(content, 1):
            line = raw[:-1] if raw[-1:] == b"\n" else raw
            head, frontier = self.head, self.frontier
            if (
                head is not None
                and frontier is not None
                and self.broken is None
                and b'"prev":"%s",' % head.digest.encode() in line
                and b'"seq":%d,' % (head.seq + 1) in line
                and b'"kind":"' in line
                and not (b'"kind":"checkpoint"' in line or b'"kind":"gap"' in line or b'"kind":"recovered"' in line)
            ):
                leaf = hashlib.sha256(b"\0" + line).digest()
                frontier.append(leaf)
                self.head = Head(head.seq + 1, leaf.hex())
                self._last, self._last_place = line, (name, number)
                if self.compared == "unknown":
                    self._compare()
                continue
            self._take(number, line)
            if self.void_octets > VOID_CAP:
                break
        self.count += number

    def report(self) -> Report:
        # What follows proves each line but the last one, which is therefore read as a whole.
        if self.broken is None and self._last and parse(self._last) is None:
            name, number = self._last_place
            self.broken = Break(number, "this is not a line as the writer writes it", name)
        size = self.head.seq if self.head else 0
        missing = 0
        if self.compared == "unknown" and self.checkpoint is not None and self.checkpoint.size > size:
            self.compared, missing = "shorter", self.checkpoint.size - size
        return Report(
            self.count, self.head or START, tuple(self.remarks), self.broken,
            self.checkpoints, self.proven, self.frontier, missing, self.compared,
        )  # fmt: skip

    def _take(self, number: int, line: bytes) -> None:
        event = parse(line)
        if event is None:
            self._set_aside(number, line, "this is not a line as the writer writes it")
            return
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
        leaf = leaf_hash(line)
        if self.frontier is None or self.frontier.size != event["seq"] - 1:
            self.frontier = _frontier(event)  # a file that begins later, or lines that are gone
        if self.frontier is not None:
            self.frontier.append(leaf)
        self.head = Head(event["seq"], leaf.hex())
        if self.compared == "unknown":
            self._compare()

    def _compare(self) -> None:
        """Hold the tree against the checkpoint that was kept elsewhere, once it has that size."""
        note, size = self.checkpoint, self.head.seq if self.head else 0
        if note is None or self.compared != "unknown":
            return
        if size == note.size and self.frontier is not None:
            self.compared = "same" if self.frontier.root() == note.root else "other"
        elif size > note.size:
            self.compared = "before"  # older than the first line here

    def _fault(self, event: Mapping[str, Any]) -> str | None:
        """What keeps a line from following the head."""
        if self.head is None:
            return None
        if event["seq"] != self.head.seq + 1:
            return f"its seq is {event['seq']}, not {self.head.seq + 1}: lines were dropped, swapped or put in"
        if event["prev"] != self.head.digest:
            return "its prev is not the hash of the line before: one of the two was changed"
        return None

    def _checkpoint(self, event: Mapping[str, Any]) -> str | None:
        """Hold a checkpoint against the lines before it, and against its own signature."""
        claimed = _frontier(event)
        try:
            note = Note.parse(str(event.get("note")))
        except ValueError as error:
            return f"its note cannot be read: {error}"
        if claimed is None or note.size != claimed.size or note.root != claimed.root():
            return "the checkpoint contradicts itself"
        if self.frontier is not None and self.frontier.size == claimed.size and self.frontier.root() != note.root:
            return "the lines before the checkpoint are not those it was made of: they were written anew"
        self.checkpoints += 1
        if self.key is not None:
            if not note.is_signed_by(self.key, self.signed):
                return "the checkpoint is not signed by the audit key"
            self.proven += 1
        return None

    def _closing(self, number: int, event: Mapping[str, Any]) -> str | None:
        """Judge a record about the file itself; remark on it where it explains what stands before it."""
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
        text = why if isinstance(why, str) else ""
        self.remarks.append(Remark(number, event["kind"], text, octets or 0, missing, self._file))
        return None

    def _set_aside(self, number: int, line: bytes, fault: str) -> None:
        """Keep the measure of a line that does not hold until a record explains it; the first of them is the break."""
        if self.broken is None:
            self.broken = Break(number, fault, self._file)
        else:
            self._void.update(b"\n")
            self.void_octets += 1
        self._void.update(line)
        self.void_octets += len(line)


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


def _is_count(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _is_digest(value: object) -> TypeGuard[str]:
    return isinstance(value, str) and len(value) == 64 and not value.strip("0123456789abcdef")


def _no_float(text: str) -> NoReturn:
    raise ValueError(f"{text[:40]} is not an integer")


_DECODER: Final = json.JSONDecoder(parse_float=_no_float, parse_constant=_no_float)


# -- the command -------------------------------------------------------------------------------------------------------


def told(report: Report) -> list[str]:
    """Say what came of it, in sentences."""
    found = [str(remark) for remark in report.remarks]
    if report.broken is not None:
        found.append(f"BROKEN: {report.broken}")
    found += {
        "shorter": [f"CUT: {report.missing} lines that the checkpoint covers are missing at the end"],
        "other": ["REWRITTEN: the lines are not those that the checkpoint was made of"],
        "unsigned": ["the checkpoint that was kept elsewhere is not signed by this key"],
        "unknown": ["the checkpoint could not be compared: the lines before it are not whole here"],
        "before": ["the checkpoint is older than the first line here, so it proves nothing about these"],
        "same": ["the checkpoint that was kept elsewhere was made of these very lines"],
    }.get(report.compared, [])
    signed = f", {report.signed} of {report.checkpoints} checkpoints signed by the key" if report.signed else ""
    unsigned = f", {report.checkpoints} checkpoints" if report.checkpoints and not report.signed else ""
    found.append(f"{report.lines} lines{signed}{unsigned}: {'whole' if report.is_whole else 'NOT WHOLE'}")
    return found


def opened(path: str) -> IO[bytes]:
    """Open an audit file, packed with gzip or not.

    Raises:
        OSError: it cannot be read.
    """
    return gzip.open(path, "rb") if path.endswith(".gz") else open(path, "rb")  # type: ignore[return-value]


def _text(path: str) -> str:
    with open(path, encoding="utf-8") as file:
        return file.read()


def main(arguments: list[str]) -> int:
    """Run as a command; return 0 where all is whole, 1 where it is not, 2 where it could not be read."""
    parser = argparse.ArgumentParser(description="Prove that audit files are whole.")
    parser.add_argument("files", nargs="+", help="oldest first")
    parser.add_argument("--key", help="file with the public audit key, NAME+HEX+BASE64")
    parser.add_argument("--checkpoint", help="a signed checkpoint that was kept elsewhere")
    parser.add_argument("--from-start", action="store_true", help="the first file must begin with line 1")
    options = parser.parse_args(arguments)
    try:
        key = Key.parse(_text(options.key)) if options.key else None
        note = Note.parse(_text(options.checkpoint)) if options.checkpoint else None
        lines = ((path, opened(path)) for path in options.files)
        report = verify(lines, START if options.from_start else None, key=key, checkpoint=note)
    except (OSError, ValueError, EOFError) as error:
        print(f"verifier: {error}", file=sys.stderr)
        return 2
    for sentence in told(report):
        print(sentence)
    return 0 if report.is_whole else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
