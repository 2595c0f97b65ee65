"""Where the chain ends in an audit file: its last line, the tree over all lines, what stands behind that is no line.

Two ways to find it. At the start nothing is known: the last whole line counts, and whatever a crash left behind it is
void. After trouble the last acknowledged line is known: only what plainly follows from it counts.

What counts is what the disk has, not what the kernel remembers of a write that failed.

Only the last octets of a file are read, as far as they tell of the tree; as a rule they do, because a checkpoint is
written long before a window is full. What can fail: reading (`OSError`); no content makes it raise.
"""

import gzip
import os
import re
import stat
import zlib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Final

from sealgate.adapters.journal.opening import read_range
from sealgate.audit.chain import Tail, digest, read_tail
from sealgate.audit.verifier import START, Frontier, Head, leaf_hash, parse, verify

WINDOW: Final = 8 << 20
"""Octets of a file's end that are read."""

_TELLS: Final = b'"peaks":['  # of a tree; within a string a quote has a backslash before it
_OLDER: Final = re.compile(r"[.-][0-9][0-9-]{0,30}(?:\.gz)?")


@dataclass(frozen=True, slots=True)
class End:
    """Where a chain ends.

    Attributes:
        head: its last line; None: there is none in what was read.
        frontier: the tree over all lines up to the head; None: not known.
        void: what stands behind the head and is no line, without the newline that ends it; None: nothing.
        is_closed: whether the file ends with a newline, or is empty.
        moment: when the head was written.
    """

    head: Head | None
    frontier: Frontier | None
    void: bytes | None
    is_closed: bool
    moment: str = ""


def found(fd: int) -> End:
    """Find the end in a file of which nothing is known."""
    data, start = _read_back(fd)
    tail = _without_hole(data, read_tail(data, is_cut=start > 0), is_cut=start > 0)
    frontier = Frontier() if tail.head is None and not start else _grown(fd, data, start, tail.head)
    return End(tail.head, frontier, _void(tail.rest), tail.is_closed, tail.moment)


def followed(fd: int, known: Head, frontier: Frontier | None) -> End:
    """Find the end in a file that held the line `known`, with the tree up to it, and may have more or less now."""
    data, start = _read_back(fd)
    lines = data.split(b"\n")
    last = next((i for i in range(len(lines) - 1, -1, -1) if lines[i] and digest(lines[i]) == known.digest), None)
    if last is None:  # it is in an older file, or gone; perhaps what was written after it is here
        last = next((i - 1 for i, line in enumerate(lines) if _follows(line, known)), None)
    if last is None:
        # What was acknowledged and the file no longer has is not forgotten: the numbers go on, and `verify` counts.
        tail = read_tail(data, is_cut=start > 0)
        return End(known, frontier, _void(tail.rest), tail.is_closed)
    after = lines[last + 1 :]
    head, grown, count = _linked(after, known, frontier)
    # A record of an earlier attempt to mend the file may explain what stands here, as `verify` will see it.
    report = verify(after, known, is_thorough=True)
    if report.head.seq > head.seq:
        head, grown = report.head, report.frontier
        count = next(i for i in range(len(after), 0, -1) if digest(after[i - 1]) == head.digest)
    return End(head, grown, _void(b"\n".join(after[count:])), not lines[-1])


def _read_back(fd: int) -> tuple[bytes, int]:
    """The last octets of a file as the disk has them, and where they begin.

    After a sync that failed the kernel still shows what was written, takes it for clean, and never writes it again: a
    chain that went on from there would have a hole after the next start. So the cache is written and dropped first.
    """
    size = os.fstat(fd).st_size
    start = max(0, size - WINDOW)
    with suppress(OSError):  # what fails here is dropped, too, and then it is not read
        os.fsync(fd)
    os.posix_fadvise(fd, start, 0, os.POSIX_FADV_DONTNEED)
    return read_range(fd, start, size), start


def _linked(lines: list[bytes], head: Head, frontier: Frontier | None) -> tuple[Head, Frontier | None, int]:
    """Follow the links as far as they go; return how far, the tree there, and how many lines that was."""
    tree = frontier.copy() if frontier is not None else None
    for count, line in enumerate(lines):
        if not _follows(line, head):
            return head, tree, count
        leaf = leaf_hash(line)
        head = Head(head.seq + 1, leaf.hex())
        if tree is not None:
            tree.append(leaf)
    return head, tree, len(lines)


def _void(rest: bytes) -> bytes | None:
    return rest.removesuffix(b"\n") if rest else None


def _follows(line: bytes, head: Head) -> bool:
    if b'"prev":"%b"' % head.digest.encode() not in line:
        return False
    event = parse(line)
    return event is not None and (event["seq"], event["prev"]) == (head.seq + 1, head.digest)


def before(path: str) -> End | None:
    """Find the end in the newest of the files that were rotated away from `path`; None: there is none.

    Such are `PATH.1`, `PATH-20261121`, and either packed as `.gz`.
    """
    folder, name = os.path.split(path)
    older: list[tuple[int, str]] = []
    with suppress(OSError), os.scandir(folder or ".") as entries:
        older += (
            (entry.stat(follow_symlinks=False).st_mtime_ns, entry.path)
            for entry in entries
            if entry.name.startswith(name) and _OLDER.fullmatch(entry.name, len(name))
        )
    void: bytes | None = None
    for _, one in sorted(older, reverse=True):
        with suppress(OSError, EOFError, zlib.error):
            end = _end_of(one)
            if end.head is not None:
                return replace(end, void=joined(end.void, void))
            if end.void is not None and not end.is_closed and end.void[:1] in (b"{", b"\0"):
                void = joined(end.void, void)  # a first line that was cut short, before it was renamed
    return None


def joined(*voids: bytes | None) -> bytes | None:
    """What `verify` sets aside of several files, one after the other."""
    there = [void for void in voids if void is not None]
    return b"\n".join(there) if there else None


def _end_of(path: str) -> End:
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            return End(None, None, None, is_closed=True)
        if not path.endswith(".gz"):
            return found(fd)
        data, start = _unpacked_end(fd)
        tail = read_tail(data, is_cut=start > 0)
        frontier = _grown(-1, data, start, tail.head)
        return End(tail.head, frontier, _void(tail.rest), tail.is_closed, tail.moment)
    finally:
        os.close(fd)


def _unpacked_end(fd: int) -> tuple[bytes, int]:
    """The last octets of a packed file, and where they begin."""
    kept, start = b"", 0
    with os.fdopen(os.dup(fd), "rb") as packed, gzip.open(packed, "rb") as file:
        while piece := file.read(WINDOW):
            start += len(kept) + len(piece)
            kept = (kept + piece)[-WINDOW:]
            start -= len(kept)
    return kept, start


def _grown(fd: int, data: bytes, start: int, head: Head | None) -> Frontier | None:
    """The tree up to the head: from the last line that tells of one, else from the file's beginning."""
    lines = data.split(b"\n")[1 if start else 0 :]
    for at in range(len(lines) - 1, -1, -1):
        if _TELLS in lines[at] and (told := _told(lines[at])) is not None:
            reached, tree, _ = _linked(lines[at + 1 :], *told)
            if reached == head:
                return tree
            break
    report = verify(_lines(fd) if start and fd >= 0 else lines, None)
    return report.frontier if report.head == head else None


def _told(line: bytes) -> tuple[Head, Frontier] | None:
    """The place and the tree that a line speaks of, itself included."""
    event = parse(line)
    if event is None:
        return None
    try:
        tree = Frontier.of(event["seq"] - 1, map(bytes.fromhex, event["peaks"]))
    except (KeyError, TypeError, ValueError):
        return None
    leaf = leaf_hash(line)
    tree.append(leaf)
    return Head(event["seq"], leaf.hex()), tree


def _lines(fd: int) -> Iterator[bytes]:
    with os.fdopen(os.dup(fd), "rb") as file:
        file.seek(0)
        yield from file


def _without_hole(data: bytes, tail: Tail, *, is_cut: bool) -> Tail:
    """After a power failure lines that nobody acknowledged may stand behind a hole of zeros: they are void with it.

    No line holds a zero, so nothing of what was acknowledged, synced as it was, is taken for that.
    """
    if b"\0" not in data:
        return tail
    lines = data.split(b"\n")
    report = verify(lines[1 if is_cut else 0 :], None, is_thorough=True)
    if report.broken is None or report.head == tail.head:
        return tail
    if report.head == START:
        return tail if is_cut or b"\0" not in lines[0] else Tail(None, data, not lines[-1])
    last = next((i for i in range(len(lines) - 1, -1, -1) if digest(lines[i]) == report.head.digest), -1)
    rest = b"\n".join(lines[last + 1 :])
    event = parse(lines[last]) if last >= 0 else None
    if event is None or b"\0" not in rest:
        return tail
    return Tail(report.head, rest, not lines[-1], str(event.get("w", "")))
