"""The writer process: the one place that writes the audit file, for all workers.

One thread, one loop: what is readable now makes one batch, with one write and one sync, and then all of it is answered.
While the disk works, the next batch gathers. The frames are described in `adapters.writer`.

Promises: with the durability `before-verdict` an answer leaves only after the sync; with `interval` the sync comes
within a second, with `none` when the kernel likes. Refusals of clients without a login are only counted, and leave as
lines of kind `refusals` once a minute. On SIGTERM whatever was wholly received is written and answered;
each connection then gets `bye`, and whoever reads that asks the next writer, which waits for the lock on the file and
then serves the same listening socket. So a change of writers loses no event and doubles none.

An empty event is a question how the last write went: it is answered at once, and nothing is written.

What can fail: a client that sends no frame of ours, or more than `MAX_FRAME`, loses its connection; a disk that
fails makes every answer an error until it works again; a file that another process holds for too long, or that is no
audit file, ends the process.
"""

import errno
import os
import selectors
import signal
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

from sealgate.adapters import auditkey
from sealgate.adapters.journal import JournalFile, timestamp
from sealgate.adapters.personal import SideFiles
from sealgate.adapters.writer import LENGTH, MAX_FRAME, read_refusal, unpacked
from sealgate.app.ports import PortError
from sealgate.audit.chain import Cut, cut
from sealgate.audit.counting import Refusals

TICK: Final = 1.0  # seconds between two looks whether the supervisor lives
MEMORY: Final = 30.0  # seconds for which a write that failed is told to who asks how we are
CLOCK_STEP: Final = 2.0  # seconds by which the wall clock may differ from what has passed
_CHUNK: Final = 1 << 18
_ACCEPTS: Final = 64  # a turn, so that a storm of connections does not keep events waiting


@dataclass(frozen=True, slots=True)
class Keeping:
    """How a writer keeps its file.

    Attributes:
        path: the audit file.
        state: the folder of the audit key, the newest checkpoint and the personal values; None: neither of them.
        durability: `before-verdict`, `interval` or `none`.
        host: what the file's own records name as this host; empty: the host's name.
    """

    path: str
    state: Path | None = None
    durability: str = "before-verdict"
    host: str = ""


def run_writer(
    listener: socket.socket, keeping: Keeping, *, parent: int = 0, wait: float = 30.0, linger: float = 10.0
) -> None:
    """Write the audit file for whoever connects, until SIGTERM; the caller then ends the process.

    To be called in the main thread of a process of its own. SIGINT, SIGHUP, SIGUSR1 and SIGUSR2 are ignored: a
    terminal or a service manager sends them to all processes, and the supervisor alone answers them.

    Args:
        listener: a listening Unix stream socket, which may be shared with other processes. It is closed at the end.
        keeping: the file, and how it is kept.
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
    host, state = keeping.host or socket.gethostname(), keeping.state
    marks: dict[str, Any] = {"mark": {"host": host}}
    if state is not None:
        key = auditkey.keep(state, host)
        marks |= {"note": key.signed, "publish": partial(auditkey.publish, state)}
    journal = JournalFile(keeping.path, wait=wait, **marks)
    side = SideFiles(state) if state is not None else None
    try:
        _Writer(listener, journal, side, keeping, parent or os.getppid(), linger).run()
    finally:
        journal.close()
        if side is not None:
            side.close()


class _Connection:
    """One client: its socket, what it sent that is not a whole frame yet, and whether it still makes sense."""

    __slots__ = ("buffer", "is_sound", "socket")

    def __init__(self, accepted: socket.socket) -> None:
        self.socket = accepted
        self.buffer = bytearray()
        self.is_sound = True


class _Writer:
    def __init__(
        self,
        listener: socket.socket,
        journal: JournalFile,
        side: SideFiles | None,
        keeping: Keeping,
        parent: int,
        linger: float,
    ) -> None:
        self._listener = listener
        self._journal = journal
        self._side = side
        self._durability = keeping.durability
        self._mark = {"v": 1, "host": keeping.host or socket.gethostname()}
        self._refusals = Refusals()
        self._clock = _Clock()
        self._ticked = time.monotonic()
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
        self._guarded(self._note_the_start)
        try:
            while not self._is_leaving and not self._is_forgotten():
                ready = self._poll.select(TICK)
                self._serve([key.fd for key, _ in ready])
                if not ready:
                    self._accept_from_now()
                if time.monotonic() - self._ticked >= TICK:
                    self._ticked = time.monotonic()
                    self._guarded(self._tick)
            self._part()
        finally:
            signal.set_wakeup_fd(-1)
            self._poll.close()
            awake.close()
            wakes.close()

    def _note_the_start(self) -> None:
        """Say so where the clock stands before the last line's time."""
        now, last = timestamp(), self._journal.last_moment
        if last > now:
            self._own({"kind": "clock", "why": "the last line is of a later time", "before": last})

    def _tick(self) -> None:
        """What is due about once a second."""
        if step := self._clock.step():
            self._own({"kind": "clock", "why": "the clock was set", "milliseconds": round(step * 1000)})
        self._own(*self._refusals.due(timestamp()))
        if self._durability == "interval":
            self._journal.sync()
        if self._side is not None:
            self._side.sync()
        self._journal.tick()

    def _own(self, *events: dict[str, Any]) -> None:
        """Write lines that nobody waits for."""
        if events:
            now = timestamp()
            self._journal.append([cut({**self._mark, "t": now, **event}) for event in events])

    def _guarded(self, work: Callable[[], None]) -> None:
        """Do what nobody waits for; where the disk fails, who asks how we are is told."""
        try:
            work()
        except PortError as error:
            self._fault, self._failed_at = str(error), time.monotonic()

    def _leave(self, *_: object) -> None:
        self._is_leaving = True

    def _is_forgotten(self) -> bool:
        """The supervisor is gone, and so is everyone who could still have an event for us."""
        if self._connections or os.getppid() == self._parent:
            self._last_use = time.monotonic()
        return time.monotonic() - self._last_use > self._linger

    def _serve(self, ready: list[int]) -> None:
        """Turn what is readable now into one batch, write it, answer it."""
        batch: list[_Request] = []
        for fd in ready:
            connection = self._connections.get(fd)
            if connection is not None:
                batch.extend(self._read(connection))
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

    def _read(self, connection: _Connection) -> Iterator["_Request"]:
        """Take what a client has sent, and give the requests that are whole and want something written."""
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
        try:
            for frame in _frames(connection.buffer):
                if not frame:
                    self._answer(connection, self._state())
                    continue
                lines, side, counted = unpacked(frame)
                if counted:
                    self._count(connection, counted)
                else:
                    yield _Request(connection, lines, side)
        except ValueError:
            connection.is_sound = False

    def _count(self, connection: _Connection, counted: bytes) -> None:
        """Count a refusal, and answer at once: nobody's mail hangs on it."""
        minute_before = self._refusals.add(read_refusal(counted), timestamp())
        self._guarded(lambda: self._own(*minute_before))
        self._answer(connection, b"+0")

    def _commit(self, batch: list["_Request"]) -> None:
        """Write what was asked for, in one batch, and answer."""
        if not batch:
            return
        try:
            if self._side is not None:
                self._side.append([value for request in batch for value in request.side])
            is_synced = self._durability == "before-verdict"
            numbers = iter(self._journal.append([line for request in batch for line in request.lines], sync=is_synced))
        except PortError as error:
            self._fault, self._failed_at = str(error), time.monotonic()
            for request in batch:
                self._answer(request.connection, b"-" + str(error).encode())
            return
        self._fault = ""
        for request in batch:
            last = 0
            for _ in request.lines:
                last = next(numbers)
            self._answer(request.connection, b"+%d" % last)

    def _state(self) -> bytes:
        """The answer to an empty frame: how the last write went. Old news are none: it may be mended."""
        is_news = self._fault and time.monotonic() - self._failed_at < MEMORY
        return b"-" + self._fault.encode() if is_news else b"+0"

    def _answer(self, connection: _Connection, answer: bytes) -> None:
        try:
            sent = connection.socket.send(LENGTH.pack(len(answer)) + answer)
        except OSError:
            sent = 0
        if sent != LENGTH.size + len(answer):  # it is gone, or does not read its answers
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
        self._guarded(lambda: self._own(*self._refusals.all()))
        for connection in list(self._connections.values()):
            self._answer(connection, b"!")
            self._drop(connection)


@dataclass(frozen=True, slots=True)
class _Request:
    """What one client wants written."""

    connection: _Connection
    lines: tuple[Cut, ...]
    side: tuple[tuple[str, bytes], ...]


class _Clock:
    """Sees when the wall clock is set. A clock that is only slowed or sped up (adjtime) moves less in a second."""

    def __init__(self) -> None:
        self._offset = self._now()

    def step(self) -> float:
        """Seconds by which it was set since the last call; 0.0 where it was not."""
        offset = self._now()
        step, self._offset = offset - self._offset, offset
        return step if abs(step) >= CLOCK_STEP else 0.0

    @staticmethod
    def _now() -> float:
        return time.time() - time.clock_gettime(time.CLOCK_BOOTTIME)  # which goes on while a machine sleeps


def _frames(buffer: bytearray) -> Iterator[bytes]:
    """Cut whole frames off the front of a buffer.

    Raises:
        ValueError: a frame is too long.
    """
    while len(buffer) >= LENGTH.size:
        end = LENGTH.size + LENGTH.unpack_from(buffer)[0]
        if end > LENGTH.size + MAX_FRAME:
            raise ValueError("a frame is too long")
        if len(buffer) < end:
            return
        octets = bytes(buffer[LENGTH.size : end])
        del buffer[:end]
        yield octets
