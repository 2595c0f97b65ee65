"""The writer process: the one place that writes the audit file, for all workers.

One thread, one loop: what is readable now makes one batch, with one write and one sync, and then all of it is answered.
While the disk works, the next batch gathers. The frames are described in `adapters.writer`.

Promises: an answer `ok` leaves only after the sync. On SIGTERM whatever was wholly received is written and answered;
each connection then gets `bye`, and whoever reads that asks the next writer, which waits for the lock on the file and
then serves the same listening socket. So a change of writers loses no event and doubles none.

`adapters.writer.QUESTION` asks how the last write went: it is answered at once, and nothing is written.

What can fail: a client that sends no JSON map, or more than `MAX_FRAME`, loses its connection; a disk that fails makes
every answer an error until it works again; a file that another process holds for too long, or that is no audit file,
ends the process.
"""

import errno
import json
import os
import selectors
import signal
import socket
import time
from collections.abc import Iterator
from typing import Any, Final, NoReturn

from sealgate.adapters.journal import JournalFile, timestamp
from sealgate.adapters.writer import LENGTH, MAX_FRAME, QUESTION
from sealgate.app.ports import PortError

TICK: Final = 1.0  # seconds between two looks whether the supervisor lives
MEMORY: Final = 30.0  # seconds for which a write that failed is told to who asks how we are
_CHUNK: Final = 1 << 18
_ACCEPTS: Final = 64  # a turn, so that a storm of connections does not keep events waiting


def run_writer(
    listener: socket.socket,
    path: str | os.PathLike[str],
    host: str = "",
    *,
    parent: int = 0,
    wait: float = 30.0,
    linger: float = 10.0,
) -> None:
    """Write the audit file at `path` for whoever connects, until SIGTERM; the caller then ends the process.

    To be called in the main thread of a process of its own. SIGINT, SIGHUP, SIGUSR1 and SIGUSR2 are ignored: a
    terminal or a service manager sends them to all processes, and the supervisor alone answers them.

    Args:
        listener: a listening Unix stream socket, which may be shared with other processes. It is closed at the end.
        path: the audit file.
        host: what the file's own records name as this host; empty: the host's name.
        parent: the supervisor's process id; 0: the parent at the time of the call. Once the parent is another one,
            the writer ends when no connection has been open for `linger` seconds.
        wait: seconds to wait for a predecessor to let the file go.
        linger: seconds, see `parent`.

    Raises:
        PortError: the file cannot be had.
    """
    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # while waiting for the lock nothing is held and nothing is owed
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2):
        signal.signal(number, signal.SIG_IGN)
    journal = JournalFile(os.fspath(path), wait=wait, mark={"host": host or socket.gethostname()})
    try:
        _Writer(listener, journal, parent or os.getppid(), linger).run()
    finally:
        journal.close()


class _Connection:
    """One client: its socket, what it sent that is not a whole frame yet, and whether it still makes sense."""

    __slots__ = ("buffer", "is_sound", "socket")

    def __init__(self, accepted: socket.socket) -> None:
        self.socket = accepted
        self.buffer = bytearray()
        self.is_sound = True


class _Writer:
    def __init__(self, listener: socket.socket, journal: JournalFile, parent: int, linger: float) -> None:
        self._listener = listener
        self._journal = journal
        self._parent = parent
        self._linger = linger
        self._connections: dict[int, _Connection] = {}
        self._is_leaving = False
        self._last_use = time.monotonic()
        self._poll = selectors.DefaultSelector()
        self._is_accepting = False
        self._fault = ""  # of the last write
        self._failed_at = 0.0

    def run(self) -> None:
        self._listener.setblocking(False)
        awake, wakes = socket.socketpair()
        awake.setblocking(False)
        wakes.setblocking(False)
        # Without this the wait would go on after the handler has run (PEP 475).
        signal.set_wakeup_fd(wakes.fileno())
        signal.signal(signal.SIGTERM, self._leave)
        self._poll.register(awake, selectors.EVENT_READ)
        self._accept_from_now()
        try:
            while not self._is_leaving and not self._is_forgotten():
                ready = self._poll.select(TICK)
                self._serve([key.fd for key, _ in ready])
                if not ready:
                    self._accept_from_now()
            self._part()
        finally:
            signal.set_wakeup_fd(-1)
            self._poll.close()
            awake.close()
            wakes.close()

    def _leave(self, *_: object) -> None:
        self._is_leaving = True

    def _is_forgotten(self) -> bool:
        """The supervisor is gone, and so is everyone who could still have an event for us."""
        if self._connections or os.getppid() == self._parent:
            self._last_use = time.monotonic()
        return time.monotonic() - self._last_use > self._linger

    def _serve(self, ready: list[int]) -> None:
        """Turn what is readable now into one batch, write it, answer it."""
        batch: list[tuple[_Connection, dict[str, Any]]] = []
        for fd in ready:
            connection = self._connections.get(fd)
            if connection is not None:
                batch.extend((connection, event) for event in self._read(connection))
        self._commit(batch)
        for fd in ready:
            connection = self._connections.get(fd)
            if connection is not None and not connection.is_sound:
                self._drop(connection)
        if self._is_accepting and self._listener.fileno() in ready:
            self._accept()

    def _accept_from_now(self) -> None:
        if not self._is_accepting:
            self._poll.register(self._listener, selectors.EVENT_READ)
            self._is_accepting = True

    def _accept(self) -> None:
        for _ in range(_ACCEPTS):
            try:
                accepted, _address = self._listener.accept()
            except OSError as error:
                # No descriptor is free: the loop would spin, as the listener stays readable.
                if error.errno in (errno.EMFILE, errno.ENFILE):
                    self._poll.unregister(self._listener)
                    self._is_accepting = False
                return
            accepted.setblocking(False)
            self._connections[accepted.fileno()] = _Connection(accepted)
            self._poll.register(accepted, selectors.EVENT_READ)

    def _read(self, connection: _Connection) -> Iterator[dict[str, Any]]:
        """Take what a client has sent, and give the events that are whole."""
        try:
            octets = connection.socket.recv(_CHUNK)
        except BlockingIOError:
            return
        except OSError:
            octets = b""
        if not octets:
            connection.is_sound = False
            return
        connection.buffer += octets
        now = timestamp()
        try:
            for event in _events(connection.buffer):
                if event == QUESTION:
                    self._answer(connection, self._state())
                    continue
                event["w"] = now
                yield event
        except ValueError:
            connection.is_sound = False

    def _commit(self, batch: list[tuple[_Connection, dict[str, Any]]]) -> None:
        if not batch:
            return
        try:
            numbers = self._journal.append([event for _, event in batch])
        except PortError as error:
            self._fault, self._failed_at = str(error), time.monotonic()
            for connection, _ in batch:
                self._answer(connection, {"error": str(error)})
        except (TypeError, ValueError) as error:
            # One event spoils a batch: the others are not to blame.
            if len(batch) == 1:
                self._answer(batch[0][0], {"error": f"the event cannot be written: {error}"})
            else:
                for one in batch:
                    self._commit([one])
        else:
            self._fault = ""
            for (connection, _), number in zip(batch, numbers, strict=True):
                self._answer(connection, {"ok": number})

    def _state(self) -> dict[str, Any]:
        """The answer to `QUESTION`: how the last write went, unless it is long ago: it may be mended since."""
        is_news = self._fault and time.monotonic() - self._failed_at < MEMORY
        return {"error": self._fault} if is_news else {"ok": 0}

    def _answer(self, connection: _Connection, answer: dict[str, Any]) -> None:
        octets = json.dumps(answer).encode()
        try:
            sent = connection.socket.send(LENGTH.pack(len(octets)) + octets)
        except OSError:
            sent = 0
        if sent != LENGTH.size + len(octets):  # it is gone, or does not read its answers
            connection.is_sound = False

    def _drop(self, connection: _Connection) -> None:
        self._poll.unregister(connection.socket)
        del self._connections[connection.socket.fileno()]
        connection.socket.close()
        if not self._is_leaving:
            self._accept_from_now()  # a descriptor is free again

    def _part(self) -> None:
        """Write and answer what is here, and send everyone to the next writer. The backlog waits for it too."""
        self._is_leaving = True
        if self._is_accepting:
            self._poll.unregister(self._listener)
            self._is_accepting = False
        self._listener.close()
        self._serve(list(self._connections))
        for connection in list(self._connections.values()):
            self._answer(connection, {"bye": 1})
            self._drop(connection)


def _events(buffer: bytearray) -> Iterator[dict[str, Any]]:
    """Cut whole frames off the front of a buffer.

    Raises:
        ValueError: a frame is too long, or is not a JSON map of our kind.
    """
    while len(buffer) >= LENGTH.size:
        end = LENGTH.size + LENGTH.unpack_from(buffer)[0]
        if end > LENGTH.size + MAX_FRAME:
            raise ValueError("a frame is too long")
        if len(buffer) < end:
            return
        octets = bytes(buffer[LENGTH.size : end])
        del buffer[:end]
        try:
            event = _DECODER.decode(octets.decode("ascii"))
        except RecursionError as error:
            raise ValueError("a frame nests too deeply") from error
        if not isinstance(event, dict):
            raise ValueError("a frame is not a map")
        yield event


def _no_float(text: str) -> NoReturn:
    raise ValueError(f"{text[:40]} is not an integer")


_DECODER: Final = json.JSONDecoder(parse_float=_no_float, parse_constant=_no_float)
