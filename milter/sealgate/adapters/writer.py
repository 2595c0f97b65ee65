"""The workers' way to the writer process: an event goes out over a Unix socket, its sequence number comes back.

Fills `app.ports.Journal`. Promises: a number is returned only for a line that is on disk, and no event is sent twice
unless it is certain that the first one was not taken. Usable from any number of threads and after a fork: a socket
serves one request at a time, and never two processes. No thread is started, no timer runs.

What can fail: the writer is gone, says that the disk failed, or does not answer in time: `PortError`, at once where it
can be known at once. Where the connection ends between request and answer, the line may or may not be on disk.

The frames, both ways: four octets of length (big-endian), then that many octets of JSON. To the writer: the event in
its canonical form. From it: `{"ok": SEQ}`, `{"error": TEXT}`, or `{"bye": 1}`: what is unanswered was not taken and
never will be. `QUESTION` asks how the last write went; `{"ok": 0}`: well. Nothing is written for it.
"""

import json
import os
import socket
import struct
import time
from types import MappingProxyType
from typing import Any, Final

from sealgate.app.ports import PortError
from sealgate.audit.chain import canonical

LENGTH = struct.Struct(">I")
MAX_FRAME = 1 << 20
"""Octets of one event. A line of the record has a few thousand."""
QUESTION: Final = MappingProxyType({"ask": "state"})

_MAX_IDLE = 128
_RETRY = 0.005


class _NotTakenError(Exception):
    """The writer has certainly not read the request, and never will over this connection."""


class WriterClient:
    """A `Journal` over the writer's socket.

    Args:
        address: the path of the socket.
        deadline: seconds for one `append`, all told.
    """

    def __init__(self, address: str, deadline: float) -> None:
        self._address = address
        self._deadline = deadline
        # One value, replaced as a whole. A lock could be held by another thread at the fork, and then for ever.
        self._pool: tuple[int, list[socket.socket]] = (os.getpid(), [])

    def append(self, event: dict[str, Any]) -> int:
        """Put one event on disk; return its sequence number.

        Raises:
            PortError: it is not certain that the line is on disk, or the event has no canonical form.
        """
        try:
            octets = canonical(event)
        except (TypeError, ValueError) as error:
            raise PortError(f"the audit event cannot be written: {error}") from error
        if len(octets) > MAX_FRAME:
            raise PortError(f"the audit event has {len(octets)} octets, more than {MAX_FRAME}")
        frame = LENGTH.pack(len(octets)) + octets
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

    def close(self) -> None:
        """Let the idle connections go. The client stays usable."""
        idle = self._idle()
        while idle:
            idle.pop().close()

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
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            while True:
                _limit(connection, until)
                try:
                    connection.connect(self._address)
                except BlockingIOError:  # unix(7): more wait for the writer than its backlog holds
                    time.sleep(_RETRY)
                else:
                    return connection
        except OSError as error:
            connection.close()
            raise PortError(f"the audit writer cannot be reached: {_reason(error)}") from error

    def _ask(self, connection: socket.socket, frame: bytes, until: float, idle: list[socket.socket]) -> int:
        """Send one request and read its answer; keep the connection where it is still in step."""
        is_in_step = False
        try:
            answer = _exchange(connection, frame, until)
            if "bye" in answer:
                raise _NotTakenError("it is leaving")
            is_in_step = "ok" in answer or "error" in answer
        finally:
            if is_in_step and len(idle) < _MAX_IDLE:
                idle.append(connection)
            else:
                connection.close()
        seq = answer.get("ok")
        if not isinstance(seq, int):
            raise PortError(f"the audit writer: {answer.get('error', 'no answer that makes sense')}")
        return seq


def _exchange(connection: socket.socket, frame: bytes, until: float) -> dict[str, Any]:
    was_sent = False
    try:
        try:
            _limit(connection, until)
            connection.sendall(frame)
            was_sent = True
        except (BrokenPipeError, ConnectionResetError) as error:
            # A frame that was not sent whole is never taken, whatever has been said since.
            raise _NotTakenError(_reason(error)) from error
        size = LENGTH.unpack(_receive(connection, LENGTH.size, until))[0]
        answer = json.loads(_receive(connection, min(size, MAX_FRAME), until))
    except (OSError, ValueError) as error:
        certainty = "the line may or may not be on disk" if was_sent else "the event was not sent"
        raise PortError(f"the audit writer: {_reason(error)}; {certainty}") from error
    return answer if isinstance(answer, dict) else {}


def _receive(connection: socket.socket, size: int, until: float) -> bytes:
    octets = b""
    while len(octets) < size:
        _limit(connection, until)
        piece = connection.recv(size - len(octets))
        if not piece:
            raise ConnectionResetError("it ended before it answered")
        octets += piece
    return octets


def _limit(connection: socket.socket, until: float) -> None:
    left = until - time.monotonic()
    if left <= 0:
        raise TimeoutError("no answer in time")
    connection.settimeout(left)


def _reason(error: Exception) -> str:
    return "no answer in time" if isinstance(error, TimeoutError) else str(getattr(error, "strerror", None) or error)
