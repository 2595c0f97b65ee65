"""The live file followed over rotations: no line is missed, none is given twice."""

import os
import re
import zlib
from collections.abc import Callable, Iterator
from contextlib import nullcontext, suppress
from itertools import islice
from pathlib import Path
from typing import Final

from sealgate.adapters.auditfiles.opening import MAX_LINE, Open, Packed, beginning, damaged, files_of, inode, opened

_BACKWARDS: Final = 64 << 20  # octets that are looked through for the last lines
_STEP: Final = 256 * 1024
_SEQUENCE: Final = re.compile(rb'"seq":([0-9]{1,18}),')


class Tail:
    """The end of the live file, and what comes after it, over rotations. Close it.

    The writer goes on with a renamed file until it next writes, and begins the new one with a line of its own. So an
    old file is done only once there is something in the next one; it is then read to its end before the next.

    Raises:
        OSError: the file cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = opened(path)
        if isinstance(self._file, Packed):
            raise OSError(22, "it is packed, and nothing will come after it", str(path))
        self._rest = b""
        size = self._file.seek(0, os.SEEK_END)
        self._begin = size - _rest_of(self._file, size)
        self._last = next(map(_sequence, _backwards(self._file, self._begin, _BACKWARDS)), 0)
        self._file.seek(self._begin)

    def close(self) -> None:
        """Let the file go."""
        self._file.close()

    def last(self, count: int, is_wanted: Callable[[bytes], bool]) -> list[bytes]:
        """The last wanted lines that stand in the file now, or in older ones; to be called before `poll`."""
        found: list[bytes] = []
        older = [path for path in files_of(self._path) if path != self._path and not path.name.endswith(".gz")]
        room = _BACKWARDS
        for path in (None, *reversed(older)):
            with suppress(FileNotFoundError), path.open("rb") if path else nullcontext(self._file) as file:
                end = file.seek(0, os.SEEK_END) if path else self._begin
                wanted = filter(is_wanted, _backwards(file, end, room))
                found += islice(wanted, count - len(found))
                room -= end
            if room <= 0 or len(found) >= count:
                break
        self._file.seek(self._begin)
        return found[::-1]

    def poll(self) -> Iterator[bytes]:
        """The whole lines that have come since.

        Raises:
            OSError: a file cannot be read.
        """
        yield from self._new()
        while self._has_successor():
            yield from self._new()  # what was written between that look and this one
            self._rest = b""
            following = self._following()
            self._file.close()
            self._file = following
            yield from self._new()

    def _new(self) -> Iterator[bytes]:
        try:
            if not isinstance(self._file, Packed) and os.fstat(self._file.fileno()).st_size < self._file.tell():
                self._file.seek(0)  # it was cut
                self._rest = b""
            while data := self._file.read(_STEP):
                *whole, self._rest = (self._rest + data).split(b"\n")
                if len(self._rest) > MAX_LINE:
                    self._rest = b""
                if whole:
                    self._last = _sequence(whole[-1]) or self._last
                yield from whole
        except (EOFError, zlib.error) as error:
            raise damaged(self._file, error) from error

    def _has_successor(self) -> bool:
        try:
            there = os.stat(self._path)
        except FileNotFoundError:
            return False
        return there.st_ino != inode(self._file) and there.st_size > 0

    def _following(self) -> Open:
        """The file that goes on with the chain: the live one, or one between, where several rotations came at once."""
        for path in files_of(self._path):
            try:
                file = opened(path)
                if self._last and _sequence(beginning(file)) > self._last:
                    file.seek(0)
                    return file
                file.close()
            except OSError:  # it is just being renamed or packed
                continue
        return opened(self._path)


def _sequence(line: bytes) -> int:
    found = _SEQUENCE.search(line)
    return int(found[1]) if found else 0


def _rest_of(file: Open, end: int) -> int:
    """How many octets stand behind the last newline before `end`."""
    at, size = end, 0
    while at and size <= MAX_LINE:
        low = max(0, at - _STEP)
        file.seek(low)
        octets = file.read(at - low)
        newline = octets.rfind(b"\n")
        if newline >= 0:
            return size + len(octets) - newline - 1
        at, size = low, size + len(octets)
    return size


def _backwards(file: Open, end: int, room: int) -> Iterator[bytes]:
    """The whole lines before `end`, the last one first, within so many octets."""
    end -= _rest_of(file, end)
    low, rest = end, b""
    while low and end - low < room and len(rest) <= MAX_LINE:
        before, low = low, max(0, low - _STEP)
        file.seek(low)
        lines = (file.read(before - low) + rest).split(b"\n")
        rest = lines.pop(0) if low else b""
        yield from (line for line in reversed(lines) if line)
