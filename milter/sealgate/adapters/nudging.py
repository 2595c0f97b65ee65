"""A way around threads that libmilter's pool forgets: connections of the worker to itself, on which a word is said.

Debian's libmilter is built with a pool of threads. Where several connections have something to say in the same moment,
it gives them to fewer threads than there are connections, since it counts a thread as idle until that has woken up. The
rest wait until one of these threads is done, or until something else happens; where the callbacks wait (for a slow
disk, or for the rest of a packet that never comes), that may be for ever. A nudge is such a something: the pool starts
a thread for it, and that thread then serves whoever was left behind. It is a packet of macros, which libmilter keeps
without calling anybody; no answer comes.

Nothing is raised. Where libmilter has no pool a nudge does nothing.
"""

import socket
import struct
import time
from typing import Final

ENOUGH: Final = 3  # connections
_PAUSE: Final = 0.002  # seconds between two nudges, however many callbacks wait
_WORD: Final = b"DCj\0localhost\0"  # SMFIC_MACRO: {j} as of CONNECT
_PACKET: Final = struct.pack("!I", len(_WORD)) + _WORD


class Nudge:
    """Wakes libmilter's pool. Any thread may call it, at any time; before `use` that does nothing.

    A word may itself be given to a thread that is not idle. So there are several connections, used in turn.
    """

    __slots__ = ("_connections", "_count", "_has_ended", "_last")

    def __init__(self) -> None:
        self._connections: tuple[socket.socket, ...] = ()
        self._count = 0
        self._last = 0.0
        self._has_ended = False

    @property
    def is_lacking(self) -> bool:
        """Whether another connection is of use."""
        return len(self._connections) < ENOUGH and not self._has_ended

    def use(self, connection: socket.socket | None) -> None:
        """Say it on this connection to libmilter of this very process too; None: there is none."""
        if connection is not None:
            connection.setblocking(False)
            self._connections = (*self._connections, connection)

    def end(self) -> None:
        """Hang up, and say nothing any more."""
        connections, self._connections, self._has_ended = self._connections, (), True
        for connection in connections:
            connection.close()

    def __call__(self) -> None:
        """Say the word, unless it was said a moment ago."""
        now = time.monotonic()
        connections = self._connections
        if not connections or now - self._last < _PAUSE:
            return
        self._last = now
        self._count += 1
        connection = connections[self._count % len(connections)]
        try:
            sent = connection.send(_PACKET)
        except BlockingIOError:  # thousands of words wait there already
            return
        except OSError:
            sent = 0
        if sent != len(_PACKET):  # it is closed, or out of step, and of no use any more
            self._connections = tuple([one for one in self._connections if one is not connection])
            connection.close()
