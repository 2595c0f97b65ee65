"""The workers' way to the writer process: lines go out over a Unix socket, the number of the last one comes back.

Fills `app.ports.Journal`. Promises: a number is returned only for lines that are on disk (as far as `durability` wants
it), and nothing is sent twice unless it is certain that the first time it was not taken. Usable from any number of
threads and after a fork: a socket serves one request at a time, and never two processes. No thread is started, no timer
runs.

What can fail: the writer is gone, says that the disk failed, or does not answer in time: `PortError`, at once where it
can be known at once. Where the connection ends between request and answer, the lines may or may not be on disk.

The frames, both ways: four octets of length (big-endian), then that many octets. To the writer `packed` makes them; an
empty one asks how the last write went. From it: `+SEQ`, `-TEXT` for a failure, or `!`: what is unanswered was not taken
and never will be.
"""

import json
import os
import socket
import struct
import time
from collections.abc import Callable, Sequence
from typing import Any, Final

from sealgate.app.ports import PortError
from sealgate.audit.chain import OWN_KINDS, Cut, canonical, cut
from sealgate.audit.personal import is_epoch

LENGTH: Final = struct.Struct(">I")
MAX_FRAME: Final = 16 << 20
"""Octets of one request."""

MAX_LINE: Final = 4 << 20
"""Octets of one line, before it is linked: whoever looks for a file's end must find a whole line in what is read of it.

A line has a few thousand, and the hundred recipients that one line holds at most a few hundred thousand.
"""

COUNTED: Final = "refusal"
"""The kind of events that the writer only counts."""

_COUNTS: Final = struct.Struct(">HH")  # lines, side values
_CUT: Final = struct.Struct(">IIII")
_SIDE: Final = struct.Struct(">6sI")
_TIME: Final = struct.Struct("@ll")  # struct timeval
_MAX_IDLE: Final = 128
PATIENCE: Final = 0.01  # seconds between two looks at the clock while an answer is awaited
_MAX_ANSWER: Final = 4_096


def packed(lines: Sequence[Cut], side: Sequence[tuple[str, bytes]] = (), counted: bytes = b"") -> bytes:
    """Make the request for some lines and side values (epoch, octets), or for one counted refusal (JSON).

    Raises:
        PortError: there is more of it than a line or a frame can hold.
    """
    pieces = [_COUNTS.pack(len(lines), len(side))] if not counted else [_COUNTS.pack(0, 0), counted]
    for line in lines:
        sizes = len(line.before), len(line.after_prev), len(line.after_seq), len(line.after_w)
        if sum(sizes) > MAX_LINE:
            raise PortError(f"the audit event has {sum(sizes)} octets, more than {MAX_LINE}")
        pieces += (_CUT.pack(*sizes), line.before, line.after_prev, line.after_seq, line.after_w)
    for epoch, value in side:
        pieces += (_SIDE.pack(epoch.encode(), len(value)), value)
    octets = b"".join(pieces)
    if len(octets) > MAX_FRAME:
        raise PortError(f"the audit event has {len(octets)} octets with all its lines, more than {MAX_FRAME}")
    return LENGTH.pack(len(octets)) + octets


def unpacked(octets: bytes) -> tuple[tuple[Cut, ...], tuple[tuple[str, bytes], ...], bytes]:
    """The inverse of `packed`, without the length in front.

    Raises:
        ValueError: it is none of ours.
    """
    try:
        lines, sides = _COUNTS.unpack_from(octets)
        at = _COUNTS.size
        if not lines and not sides:
            return (), (), octets[at:]
        cuts = []
        for _ in range(lines):
            a, b, c, d = _CUT.unpack_from(octets, at)
            at += _CUT.size
            if a + b + c + d > MAX_LINE or octets.find(b"\n", at, at + a + b + c + d) >= 0:
                raise ValueError("a frame holds what is no line")
            b, c, d = at + a + b, at + a + b + c, at + a + b + c + d
            cuts.append(Cut(octets[at : at + a], octets[at + a : b], octets[b:c], octets[c:d]))
            at = d
        values = []
        for _ in range(sides):
            epoch, size = _SIDE.unpack_from(octets, at)
            at += _SIDE.size
            name = epoch.decode("ascii")
            if octets.find(b"\n", at, at + size) >= 0 or not is_epoch(name):  # which would fail the whole batch
                raise ValueError("a frame holds what is no line")
            values.append((name, octets[at : at + size]))
            at += size
    except (struct.error, UnicodeDecodeError) as error:
        raise ValueError(f"a frame is not of our kind: {error}") from error
    if at != len(octets):
        raise ValueError("a frame is not of our kind: its lengths contradict each other")
    return tuple(cuts), tuple(values), b""


class _NotTakenError(Exception):
    """The writer has certainly not read the request, and never will over this connection."""


class WriterClient:
    """A `Journal` over the writer's socket.

    Args:
        address: the path of the socket.
        deadline: seconds for one `append`, all told.
        while_waiting: called again and again by whoever waits long for an answer.
    """

    def __init__(self, address: str, deadline: float, while_waiting: Callable[[], object] = bool) -> None:
        self._address = address
        self._deadline = deadline
        self._while_waiting = while_waiting
        # One value, replaced as a whole. A lock could be held by another thread at the fork, and then for ever.
        self._pool: tuple[int, list[socket.socket]] = (os.getpid(), [])

    def append(
        self, event: dict[str, Any], *, more: Sequence[dict[str, Any]] = (), side: Sequence[dict[str, Any]] = ()
    ) -> int:
        """Put one event on disk, with others right behind it; return the number of the last line, 0 if only counted.

        Raises:
            PortError: it is not certain that the lines are on disk, or an event has no canonical form.
        """
        if OWN_KINDS.intersection(str(one.get("kind")) for one in (event, *more)):
            raise PortError("the audit event is of a kind that only the writer makes")
        try:
            if event.get("kind") == COUNTED:
                frame = packed((), counted=canonical(event))
            else:
                values = [(_epoch(value), canonical(value)) for value in side]
                frame = packed([cut(event), *map(cut, more)], values)
        except (TypeError, ValueError, struct.error) as error:
            raise PortError(f"the audit event cannot be written: {error}") from error
        return self._sent(frame)

    def ask(self) -> None:
        """Ask how the writer does.

        Raises:
            PortError: it does not answer, or its last write failed.
        """
        self._sent(LENGTH.pack(0))

    def close(self) -> None:
        """Let the idle connections go. The client stays usable."""
        idle = self._idle()
        while idle:
            idle.pop().close()

    def _sent(self, frame: bytes) -> int:
        until = time.monotonic() + self._deadline
        idle = self._idle()
        try:
            # The last one used first. Where an old writer has left them all, one is tried in vain, not each.
            return self._ask(idle.pop(), frame, until, idle)
        except (IndexError, _NotTakenError):
            pass
        try:
            return self._ask(self._connect(until), frame, until, idle)
        except _NotTakenError as error:
            raise PortError(f"the audit writer did not take the event: {error}") from error

    def _idle(self) -> list[socket.socket]:
        """This process' own resting connections."""
        pid, idle = self._pool
        if pid != os.getpid():
            # Two processes on one connection would read each other's answers. Closing a copy harms no parent.
            for inherited in idle:
                inherited.close()
            idle = []
            self._pool = (os.getpid(), idle)
        return idle

    def _connect(self, until: float) -> socket.socket:
        try:
            connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        except OSError as error:  # no descriptor is left
            raise PortError(f"the audit writer cannot be reached: {_reason(error)}") from error
        try:
            _limit(connection, socket.SO_SNDTIMEO, until - time.monotonic())
            connection.connect(self._address)  # unix(7): waits where more wait for the writer than its backlog holds
            _limit(connection, socket.SO_SNDTIMEO, self._deadline)
            _limit(connection, socket.SO_RCVTIMEO, min(PATIENCE, self._deadline))
        except OSError as error:
            connection.close()
            raise PortError(f"the audit writer cannot be reached: {_reason(error)}") from error
        return connection

    def _ask(self, connection: socket.socket, frame: bytes, until: float, idle: list[socket.socket]) -> int:
        """Send one request and read its answer; keep the connection where it is still in step."""
        is_in_step = False
        try:
            answer, is_last = self._exchange(connection, frame, until)
            if answer == b"!":
                raise _NotTakenError("it is leaving")
            is_in_step = not is_last and answer[:1] in (b"+", b"-")
        finally:
            if is_in_step and len(idle) < _MAX_IDLE:
                idle.append(connection)
            else:
                connection.close()
        if answer[:1] == b"+" and answer[1:].isdigit():
            return int(answer[1:])
        text = answer[1:].decode("utf-8", "replace") if answer[:1] == b"-" else "no answer that makes sense"
        raise PortError(f"the audit writer: {text}")

    def _exchange(self, connection: socket.socket, frame: bytes, until: float) -> tuple[bytes, bool]:
        was_sent = False
        try:
            try:
                connection.sendall(frame)
                was_sent = True
            except (BrokenPipeError, ConnectionResetError) as error:
                # A frame that was not sent whole is never taken, whatever has been said since.
                raise _NotTakenError(_reason(error)) from error
            return self._receive(connection, until)
        except OSError as error:
            certainty = "the lines may or may not be on disk" if was_sent else "the event was not sent"
            raise PortError(f"the audit writer: {_reason(error)}; {certainty}") from error

    def _receive(self, connection: socket.socket, until: float) -> tuple[bytes, bool]:
        """Read one answer, and whether a good-bye came with it. As a rule it comes in one piece, and soon."""
        octets = self._piece(connection, until)
        while octets and (len(octets) < LENGTH.size or len(octets) < LENGTH.size + LENGTH.unpack_from(octets)[0]):
            piece = self._piece(connection, until)
            octets = octets + piece if piece and len(octets) <= _MAX_ANSWER else b""
        if not octets:
            raise ConnectionResetError("it ended before it answered")
        end = LENGTH.size + LENGTH.unpack_from(octets)[0]
        return octets[LENGTH.size : end], len(octets) > end

    def _piece(self, connection: socket.socket, until: float) -> bytes:
        """Read what there is. The kernel ends each wait after `PATIENCE`."""
        while True:
            try:
                return connection.recv(_MAX_ANSWER)
            except BlockingIOError:
                if time.monotonic() >= until:
                    raise
                self._while_waiting()


def _epoch(value: dict[str, Any]) -> str:
    epoch = value.get("epoch")
    if not isinstance(epoch, str) or not is_epoch(epoch):
        raise ValueError("a personal value does not name its quarter")
    return epoch


def read_refusal(octets: bytes) -> dict[str, Any]:
    """Read the JSON of a counted refusal.

    Raises:
        ValueError: it is no JSON map.
    """
    try:
        event = json.loads(octets.decode("ascii"))
    except RecursionError as error:
        raise ValueError("it nests too deeply") from error
    if not isinstance(event, dict):
        raise ValueError("it is not a map")
    return event


def _limit(connection: socket.socket, way: int, seconds: float) -> None:
    """Have the kernel end a wait: one call for each, where Python's own limit takes three (socket(7), SO_RCVTIMEO)."""
    if seconds <= 0:
        raise TimeoutError("no answer in time")
    connection.setsockopt(socket.SOL_SOCKET, way, _TIME.pack(int(seconds), int(seconds % 1 * 1e6) or 1))


def _reason(error: Exception) -> str:
    if isinstance(error, TimeoutError | BlockingIOError):
        return "no answer in time"
    return str(getattr(error, "strerror", None) or error)
