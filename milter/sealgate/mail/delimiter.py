"""The multiparts that are open at some point of a body, and the search for their delimiter lines.

A delimiter line is "--", the boundary, "--" where it closes, and blanks (RFC 2046 5.1.1), compared whole, on every
level that is open (RFC 2046 5.1.2). Lines that begin like one and go on are counted as doubtful: some readers take them
for one. Each level remembers where its delimiter comes next, so a buffer is searched once a level however many lines
match. Nothing here raises.
"""

import sys
from dataclasses import dataclass
from typing import Final

NEVER: Final = sys.maxsize
_LONGEST: Final = 1000  # octets of a line with its line ends (RFC 5322 2.1.1); a longer one is no delimiter


@dataclass(slots=True)
class Level:
    """A multipart that is open."""

    mark: bytes  # "--" and the boundary
    path: str
    default: str  # type of a part that declares none
    children: int = 0
    closed: bool = False
    coming: int = -1  # index of the line feed before the next delimiter; too small: not known


@dataclass(frozen=True, slots=True)
class Line:
    """A delimiter line: the index of the line feed before it and after it, and the number of its level.

    Without a level it is one that is not complete yet, or none at all (`start` is NEVER).
    """

    start: int
    end: int = -1
    level: int = -1
    closes: bool = False


class Delimiters:
    """The levels, outermost first, and what the search remembers.

    `doubts` counts doubtful lines, once each; `doubted` is the line feed before the last one, in octets
    of the whole body.
    """

    __slots__ = ("_limit", "doubted", "doubts", "levels")

    def __init__(self, doubts_limit: int) -> None:
        self.levels: list[Level] = []
        self.doubts = 0
        self._limit = doubts_limit
        self.doubted = -1

    def restart(self) -> None:
        """Forget all indexes: the buffer is another one."""
        for level in self.levels:
            level.coming = -1

    def next_line(self, buffer: bytes, at: int, base: int, *, last: bool, reach: int = NEVER) -> Line:
        """Find the next delimiter line.

        Args:
            buffer: a piece of the body.
            at: where to begin, at the line feed before the first line.
            base: octets of the body before the buffer.
            last: whether nothing follows the buffer.
            reach: the index before which lines are judged. What follows the header of a part may be a delimiter of that
                part itself, so nothing behind it is judged before it was read.
        """
        while self.doubts <= self._limit:
            start = self._soonest(buffer, at)
            if start == NEVER or start >= reach:
                return Line(start)
            end = buffer.find(b"\n", start + 1, start + _LONGEST)
            if end < 0 and len(buffer) - start < _LONGEST:
                if not last:
                    return Line(start)
                end = len(buffer)
            text = buffer[start + 1 : end].rstrip(b" \t\r") if end >= 0 else b""  # RFC 2046 5.1.1: transport-padding
            for number in reversed(range(len(self.levels))):
                mark = self.levels[number].mark
                if text in (mark, mark + b"--"):
                    return Line(start, end, number, text != mark)
            self._doubt(buffer, start, base)
        return Line(NEVER)

    def _soonest(self, buffer: bytes, at: int) -> int:
        soonest = NEVER
        for level in self.levels:
            if level.coming < at:
                self._seek(level, buffer, at)
            soonest = min(soonest, level.coming)
        return soonest

    def _seek(self, level: Level, buffer: bytes, at: int) -> None:
        found = buffer.find(b"\n" + level.mark, at)
        level.coming = found if found >= 0 else NEVER

    def _doubt(self, buffer: bytes, start: int, base: int) -> None:
        """Go past a doubtful line."""
        for level in self.levels:
            if level.coming == start:
                self._seek(level, buffer, start + 1)
        if base + start > self.doubted:  # a header that is not complete is gone through again with the next chunk
            self.doubted = base + start
            self.doubts += 1
