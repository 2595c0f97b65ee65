"""Where the chain ends in an audit file: its last line, the tree over all lines, what stands behind that is no line.

Two ways to find it. At the start nothing is known: the last whole line counts, and whatever a crash left behind it is
void. After trouble the last acknowledged line is known: only what plainly follows from it counts.

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
from dataclasses import dataclass
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
        void: what stands behind the head and is no line, without the newline that ends it.
        is_closed: whether the file ends with a newline, or is empty.
        moment: when the head was written.
    """

    head: Head | None
    frontier: Frontier | None
    void: bytes
    is_closed: bool
    moment: str = ""


def found(fd: int) -> End:
    """Find the end in a file of which nothing is known."""
    size = os.fstat(fd).st_size
    start = max(0, size - WINDOW)
    data = read_range(fd, start, size)
    tail = _without_hole(data, read_tail(data, is_cut=start > 0), is_cut=start > 0)
    frontier = Frontier() if tail.head is None and not start else _grown(fd, data, start, tail.head)
    return End(tail.head, frontier, tail.void, tail.is_closed, tail.moment)


def followed(fd: int, known: Head, frontier: Frontier | None) -> End:
    """Find the end in a file that held the line `known`, with the tree up to it, and may have more or less now."""
    size = os.fstat(fd).st_size
    start = max(0, size - WINDOW)
    data = read_range(fd, start, size)
    lines = data.split(b"\n")
    last = next((i for i in range(len(lines) - 1, -1, -1) if lines[i] and digest(lines[i]) == known.digest), None)
    if last is None:  # it is in an older file, or gone; perhaps what was written after it is here
        last = next((i - 1 for i, line in enumerate(lines) if _follows(line, known)), None)
    if last is None:
        # What was acknowledged and the file no longer has is not forgotten: the numbers go on, and `verify` counts.
        tail = read_tail(data, is_cut=start > 0)
        return End(known, frontier, tail.void, tail.is_closed)
    head, grown = known, frontier.copy() if frontier is not None else None
    for line in lines[last + 1 :]:
        if not _follows(line, head):
            break
        leaf = leaf_hash(line)
        head, last = Head(head.seq + 1, leaf.hex()), last + 1
        if grown is not None:
            grown.append(leaf)
    rest = b"\n".join(lines[last + 1 :])
    return End(head, grown, rest.removesuffix(b"\n"), not lines[-1])


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
    for _, one in sorted(older, reverse=True):
        with suppress(OSError, EOFError, zlib.error):
            end = _end_of(one)
            if end.head is not None:
                return end
    return None


def _end_of(path: str) -> End:
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            return End(None, None, b"", is_closed=True)
        if not path.endswith(".gz"):
            return found(fd)
        data, start = _unpacked_end(fd)
        tail = read_tail(data, is_cut=start > 0)
        return End(tail.head, _grown(-1, data, start, tail.head), tail.void, tail.is_closed, tail.moment)
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
    at = next((i for i in range(len(lines) - 1, -1, -1) if _TELLS in lines[i]), -1)
    reports = [verify(lines[max(0, at) :], None)] if at >= 0 or not start else []
    if not (reports and reports[0].head == head and reports[0].frontier is not None) and start and fd >= 0:
        reports.append(verify(_lines(fd), None))
    return next((report.frontier for report in reports if report.head == head), None)


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
    report = verify(lines[1 if is_cut else 0 :], None)
    if report.broken is None or report.head in (START, tail.head):
        return tail
    last = next((i for i in range(len(lines) - 1, -1, -1) if digest(lines[i]) == report.head.digest), -1)
    rest = b"\n".join(lines[last + 1 :])
    event = parse(lines[last]) if last >= 0 else None
    if event is None or b"\0" not in rest:
        return tail
    return Tail(report.head, rest, not lines[-1], str(event.get("w", "")))
