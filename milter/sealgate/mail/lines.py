"""What the lines of a body are like, as far as an MTA changes them after a milter has seen them.

An MTA breaks lines that are too long for SMTP (RFC 5321 4.5.3.1.6), turns or drops line ends that are none, and may
encode octets beyond ASCII where the next hop takes no others (RFC 6152 3). `LineScan` is fed the body in chunks of any
size and holds two numbers; its cost is far below that of a hash. Nothing here raises.
"""

from dataclasses import dataclass
from typing import Final

MAX_LINE: Final = 998  # octets without CRLF: RFC 5322 2.1.1, RFC 5321 4.5.3.1.6


@dataclass(frozen=True, slots=True)
class Lines:
    """What was seen.

    Attributes:
        is_long: a line has more than 998 octets before its CRLF.
        is_bare: a CR or LF stands alone (RFC 5321 2.3.8).
        has_nul: an octet is zero (RFC 5322 3.5 allows 1 to 127).
        is_eight_bit: an octet is above 127.
    """

    is_long: bool = False
    is_bare: bool = False
    has_nul: bool = False
    is_eight_bit: bool = False


CLEAN: Final = Lines()


class LineScan:
    """Collects `Lines` of one body."""

    __slots__ = ("_ends_in_cr", "_has_nul", "_is_bare", "_is_eight_bit", "_is_long", "_open")

    def __init__(self) -> None:
        self._open = 0  # octets since the last LF, the CR before a chunk's end among them
        self._ends_in_cr = False
        self._is_long = self._is_bare = self._has_nul = self._is_eight_bit = False

    def feed(self, chunk: bytes) -> None:
        """Take the next octets of the body."""
        if not chunk:
            return
        self._is_eight_bit = self._is_eight_bit or not chunk.isascii()
        self._has_nul = self._has_nul or b"\0" in chunk
        if not self._is_bare:
            # Pairs are counted, those across the border of two chunks by hand.
            pairs, across = chunk.count(b"\r\n"), self._ends_in_cr and chunk[0] == 0x0A
            ends_in_cr = chunk.endswith(b"\r")
            lone_before = self._ends_in_cr and not across
            self._is_bare = (
                lone_before or chunk.count(b"\r") - ends_in_cr != pairs or chunk.count(b"\n") - bool(across) != pairs
            )
            self._ends_in_cr = ends_in_cr
        if not self._is_long:
            self._measure(chunk)

    def finish(self) -> Lines:
        """Say what was seen; the end of the body is a line end too."""
        is_bare = self._is_bare or self._ends_in_cr
        is_long = self._is_long or self._open > MAX_LINE
        return Lines(is_long, is_bare, self._has_nul, self._is_eight_bit)

    def _measure(self, chunk: bytes) -> None:
        """Leap from line end to line end, over as many short lines as fit in one long one."""
        start, room, size = 0, MAX_LINE + 2 - self._open, len(chunk)
        # The last line end within the room of one longest line: all lines before it are short enough.
        while (end := chunk.rfind(b"\n", start, start + room)) >= 0:
            start, room, self._open = end + 1, MAX_LINE + 2, 0
        self._open += size - start
        self._is_long = size - start >= room
