"""The writer process: the one place that writes the audit file, for all workers.

One thread, one loop: what is readable now makes one batch, with one write and one sync, and then all of it is answered.
While the disk works, the next batch gathers. The frames are described in `adapters.writer`.

Promises: with the durability `before-verdict` an answer leaves only after the sync; with `interval` the sync comes
within about a second, with `none` when the kernel likes, or with the next checkpoint. Refusals of clients without a
login are only counted, and leave as lines of kind `refusals` once a minute. On SIGTERM whatever was wholly received is
written and answered; each connection then gets `!`, and whoever reads that asks the next writer, which waits for the
lock on the file and then serves the same listening socket. So a change of writers loses no event and doubles none.

An empty frame is a question how the last write went: it is answered at once, and nothing is written.

What can fail: a client that sends no frame of ours loses its connection; a disk that fails makes every answer an error
until it works again; a file that another process holds for too long, or that is no audit file, ends the process.
"""

import errno
import gc
import os
import select
import signal
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Final

from sealgate.adapters import auditkey
from sealgate.adapters import log as logs
from sealgate.adapters.journal import JournalFile
from sealgate.adapters.personal import SideFiles
from sealgate.adapters.writer import LENGTH, MAX_FRAME, read_refusal, unpacked
from sealgate.app.ports import PortError
from sealgate.audit.chain import Cut
from sealgate.daemon.keeping import Keeper, Keeping
from sealgate.daemon.measuring import writer_counts

__all__ = ["Keeping", "run_writer"]

TICK: Final = 1.0  # seconds between two looks whether the supervisor lives
_CHUNK: Final = 1 << 18
_BATCH: Final = 1 << 22  # octets of requests that are written at once
_EVENTS: Final = 1_024
_GARBAGE: Final = 50_000  # objects between two searches for cycles; lines make none, and each search delays a batch
_ACCEPTS: Final = 64  # a turn, so that a storm of connections does not keep events waiting


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
    mark, state = {"host": keeping.name}, keeping.state
    counts = writer_counts(logs.operational("warning").bind(writer=os.getpid()))
    if state is None:
        keeper = Keeper(JournalFile(keeping.path, wait=wait, mark=mark), None, keeping, counts=counts)
    else:
        note, publish = auditkey.keep(state, keeping.name).signed, partial(auditkey.publish, state)
        covered = auditkey.covered(state)  # before the predecessor's last lines, which are then in the file
        journal = JournalFile(keeping.path, wait=wait, mark=mark, note=note, publish=publish)
        keeper = Keeper(journal, SideFiles(state), keeping, counts=counts, covered=covered)
    gc.freeze()  # the program itself need not be searched
    gc.set_threshold(_GARBAGE)
    try:
        _Writer(listener, keeper, parent or os.getppid(), linger).run()
    finally:
        keeper.close()


class _Connection:
    """One client: its socket, what it sent that is not a whole frame yet, and whether it still makes sense."""

    __slots__ = ("buffer", "is_sound", "socket")

    def __init__(self, accepted: socket.socket) -> None:
        self.socket = accepted
        self.buffer = bytearray()
        self.is_sound = True


@dataclass(slots=True)
class _Request:
    """What one client wants written."""

    connection: _Connection
    lines: tuple[Cut, ...]
    side: tuple[tuple[str, bytes], ...]


class _Writer:
    def __init__(self, listener: socket.socket, keeper: Keeper, parent: int, linger: float) -> None:
        self._listener = listener
        self._keeper = keeper
        self._parent = parent
        self._linger = linger
        self._connections: dict[int, _Connection] = {}
        self._chunk = bytearray(_CHUNK)
        self._view = memoryview(self._chunk)
        self._poll = select.epoll()
        self._is_accepting = False
        self._is_leaving = False
        self._ticked = self._last_use = time.monotonic()

    def run(self) -> None:
        self._listener.setblocking(False)
        awake, wakes = socket.socketpair()
        awake.setblocking(False)
        wakes.setblocking(False)
        # Without this the wait would go on after the handler has run (PEP 475).
        signal.set_wakeup_fd(wakes.fileno())
        signal.signal(signal.SIGTERM, self._leave)
        self._poll.register(awake.fileno(), select.EPOLLIN)
        self._accept_from_now()
        self._keeper.start()
        try:
            while not self._is_leaving and not self._is_forgotten():
                ready = self._poll.poll(TICK, _EVENTS)
                self._serve([fd for fd, _ in ready])
                if time.monotonic() - self._ticked >= TICK:
                    self._ticked = time.monotonic()
                    self._accept_from_now()
                    self._keeper.tick()
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
        batch: list[_Request] = []
        octets = 0
        for fd in ready:
            connection = self._connections.get(fd)
            if connection is not None:
                for frame in self._read(connection):
                    self._take(connection, frame, batch)
                    octets += len(frame)
                if octets > _BATCH:
                    self._commit(batch)
                    batch, octets = [], 0
        self._commit(batch)
        for fd in ready:
            connection = self._connections.get(fd)
            if connection is not None and not connection.is_sound:
                self._drop(connection)
        if self._is_accepting and self._listener.fileno() in ready:
            self._accept()

    def _accept_from_now(self) -> None:
        if not self._is_accepting:
            self._poll.register(self._listener.fileno(), select.EPOLLIN)
            self._is_accepting = True

    def _accept_no_more(self) -> None:
        if self._is_accepting:
            self._poll.unregister(self._listener.fileno())
            self._is_accepting = False

    def _accept(self) -> None:
        for _ in range(_ACCEPTS):
            try:
                accepted, _address = self._listener.accept()
            except OSError as error:
                # No descriptor is free: the loop would spin, as the listener stays readable.
                if error.errno in (errno.EMFILE, errno.ENFILE):
                    self._accept_no_more()
                return
            accepted.setblocking(False)
            self._connections[accepted.fileno()] = _Connection(accepted)
            self._poll.register(accepted.fileno(), select.EPOLLIN)

    def _read(self, connection: _Connection) -> Iterator[bytes]:
        """Take what a client has sent, and give the frames that are whole."""
        try:
            size = connection.socket.recv_into(self._chunk)
        except BlockingIOError:
            return
        except OSError:
            size = 0
        if not size:
            connection.is_sound = False
        elif not connection.buffer and size >= LENGTH.size and LENGTH.unpack_from(self._chunk)[0] == size - LENGTH.size:
            yield bytes(self._view[LENGTH.size : size])  # as a rule one frame, and the whole of it
        else:
            connection.buffer += self._view[:size]
            try:
                yield from _frames(connection.buffer)
            except ValueError:
                connection.is_sound = False

    def _take(self, connection: _Connection, frame: bytes, batch: list[_Request]) -> None:
        """Answer a frame that wants nothing written, and put what must be written into the batch."""
        try:
            if not frame:
                fault = self._keeper.fault
                self._answer(connection, _failure(fault) if fault else b"+0")
                return
            lines, side, counted = unpacked(frame)
            if lines or side:
                batch.append(_Request(connection, lines, side))
                return
            # A refusal is counted and answered at once: nobody's mail hangs on it.
            self._keeper.count(read_refusal(counted))
            self._answer(connection, b"+0")
        except ValueError:
            connection.is_sound = False

    def _commit(self, batch: list[_Request]) -> None:
        """Write what was asked for, in one batch, and answer."""
        if not batch:
            return
        lines = [line for request in batch for line in request.lines]
        try:
            number = self._keeper.write(lines, [value for request in batch for value in request.side]) - len(lines)
        except PortError as error:
            for request in batch:
                self._answer(request.connection, _failure(str(error)))
            return
        for request in batch:
            number += len(request.lines)
            self._answer(request.connection, b"+%d" % number)

    def _answer(self, connection: _Connection, answer: bytes) -> None:
        try:
            sent = connection.socket.send(LENGTH.pack(len(answer)) + answer)
        except OSError:
            sent = 0
        if sent != LENGTH.size + len(answer):  # it is gone, or does not read its answers
            connection.is_sound = False

    def _drop(self, connection: _Connection) -> None:
        del self._connections[connection.socket.fileno()]
        connection.socket.close()  # epoll forgets it: nobody else has the descriptor
        if not self._is_leaving:
            self._accept_from_now()  # a descriptor is free again

    def _part(self) -> None:
        """Write and answer what is here, and send everyone to the next writer. The backlog waits for it too."""
        self._is_leaving = True
        self._accept_no_more()
        self._listener.close()
        self._serve(list(self._connections))
        self._keeper.part()
        for connection in list(self._connections.values()):
            self._answer(connection, b"!")
            self._drop(connection)


def _failure(text: str) -> bytes:
    return b"-" + text.encode("utf-8", "replace")


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
