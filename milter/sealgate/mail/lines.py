"""What the lines of a body are like, as far as an MTA changes them after a milter has seen them.

An MTA breaks lines that are too long for SMTP (RFC 5321 4.5.3.1.6), turns or drops line ends that are none, and may
encode octets beyond ASCII where the next hop takes no others (RFC 6152 3). `LineScan` is fed the body in chunks of any
size and holds two numbers; it costs about as much as a hash does. Nothing here raises.
"""

from dataclasses import dataclass
from typing import Final

MAX_LINE: Final = 998  # octets without CRLF: RFC 5322 2.1.1, RFC 5321 4.5.3.1.6
_MANY: Final = 4_096  # line ends of one chunk, beyond which counting them is cheaper than putting them in anew


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
            data = b"\r" + chunk if self._ends_in_cr else chunk
            self._ends_in_cr = data.endswith(b"\r")
            self._is_bare = _has_lone_end(data[:-1] if self._ends_in_cr else data)
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


def _has_lone_end(data: bytes) -> bool:
    """Whether a CR or LF in `data` stands alone.

    Take out each CR and put one before each LF: where all are pairs, nothing has changed. Octets between them are
    passed over at the speed of memchr; a search for pairs looks at each.
    """
    rest = data.replace(b"\r", b"", _MANY)
    if len(data) - len(rest) < _MANY:
        return rest.replace(b"\n", b"\r\n", _MANY) != data
    pairs = data.count(b"\r\n")
    return data.count(b"\r") != pairs or data.count(b"\n") != pairs
