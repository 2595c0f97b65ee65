"""One worker process: libmilter's threads behind the shared listener, and the control channel in the main thread.

`runmilter` in the main thread would swallow Python's signals and take SIGHUP for the end, so libmilter runs in a
thread and the main thread waits for the supervisor's word. A worker ends by draining: it stops accepting, serves the
connections it has, and leaves by `os._exit`, because `milter.stop()` cuts open sessions.
"""

import contextlib
import os
import select
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, NoReturn

import milter

from sealgate.adapters import log as logs
from sealgate.adapters.nudging import Nudge
from sealgate.adapters.pymilter import Gate
from sealgate.adapters.reader import ReaderClient
from sealgate.adapters.writer import WriterClient
from sealgate.app.inflight import MEBIBYTE, InFlight
from sealgate.app.ports import READER_CPU_SECONDS
from sealgate.app.runtime import Runtime
from sealgate.daemon.allocation import save_memory
from sealgate.daemon.channel import Channel
from sealgate.daemon.listening import close_off, dial_oneself, has_accepted, lend_to_libmilter, own_name, unread
from sealgate.daemon.measuring import worker_counts
from sealgate.profile.settings import Settings
from sealgate.wiring import build, unpack

STOP_SECONDS: Final = 4.0  # a stop lets transactions under way end for that long
BEAT: Final = 1.0  # seconds between two writings of what was counted
DIAL_SECONDS: Final = 0.05
STIR_SECONDS: Final = 0.02  # that a packet may wait to be read before somebody is woken for it
STIR_PAUSE: Final = 0.0025
# Each callback waits for Python's lock, and a message has dozens of them. Beside one hostile message that computes for
# a tenth of a second each would wait for 5 ms, which is Python's own value.
SWITCH_SECONDS: Final = 0.0005
MTA_SILENCE: Final = 7210  # seconds libmilter waits for the MTA; an SMTP session may idle for as long


class Holder:
    """The Runtime in force. Reading and replacing one reference is atomic; nothing else is shared."""

    def __init__(self, runtime: Runtime) -> None:
        self.runtime = runtime

    def current(self) -> Runtime:
        """The Runtime in force now."""
        return self.runtime


def run_worker(
    listener: socket.socket, channel: Channel, runtime: Runtime, settings: Settings, places: tuple[Path, Path]
) -> NoReturn:
    """Serve until told to end. Called in a fresh child without other threads.

    Args:
        listener: the MTA's socket, shared with the other workers.
        channel: this worker's end of the control channel.
        runtime: the first Runtime.
        settings: for deadlines and the log level.
        places: the sockets of the writer and of the reader.
    """
    save_memory()
    sys.setswitchinterval(SWITCH_SECONDS)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the supervisor speaks for us
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    signal.signal(signal.SIGUSR2, signal.SIG_IGN)
    log = logs.operational(settings.log_level).bind(worker=os.getpid())
    holder = Holder(runtime)
    nudge = Nudge()
    journal = WriterClient(str(places[0]), settings.deadline_seconds, nudge)
    # Four times what the reader may use of a processor: on a busy host too its limit is met before our patience ends.
    reader = ReaderClient(str(places[1]), min(4 * READER_CPU_SECONDS, settings.deadline_seconds), nudge)
    counts = worker_counts(log)
    room = InFlight(settings.in_flight_mb * MEBIBYTE)
    gate = Gate(holder.current, logs.audit(journal).info, reader, log, observer=counts, in_flight=room)
    gate.register()

    def beat() -> None:
        with contextlib.suppress(OSError):  # no descriptor is left to look around with
            # Each second, as another worker may have been faster.
            while nudge.is_lacking and (own := dial_oneself(door, family, DIAL_SECONDS)) is not None:
                nudge.use(own)
            _stir(nudge, came_in_by)
        if counts is not None:
            counts.tick(gate.connections, gate.under_way())

    milter.settimeout(MTA_SILENCE)
    descriptor = lend_to_libmilter(listener, Path(settings.runtime))
    came_in_by, family = own_name(listener), listener.family
    # A Unix socket was bound under another name, and renamed.
    door = settings.socket.path if family == socket.AF_UNIX else listener.getsockname()
    listener.close()  # or an MTA could connect, while we drain, to a socket that nobody serves
    wake_read, wake_write = os.pipe()
    os.set_blocking(wake_write, False)
    threading.Thread(target=_serve, args=(log, wake_write), name="libmilter", daemon=True).start()
    signal.set_wakeup_fd(wake_write)
    signal.signal(signal.SIGTERM, lambda *_: None)  # seen through the wake-up descriptor
    channel.send(b"A", runtime.digest.encode())
    is_stop = _listen_to_supervisor(channel, wake_read, holder, log, beat)
    nudge.end()  # or the drain would wait for it
    close_off(descriptor, Path(settings.runtime))
    # A stop lets messages end, a drain connections: those that idle too, as an MTA keeps them for a whole session.
    if is_stop:
        _drain(gate.is_busy, STOP_SECONDS, beat)
    else:
        # Sockets, not the gate's count: under load a connection waits for its first callback longer than one thinks.
        _drain(lambda: has_accepted(came_in_by), settings.drain_max, beat)
    log.info("worker-ends", open=gate.connections)
    os._exit(0)


def _stir(nudge: Nudge, came_in_by: object) -> None:
    """Nudge once for each connection whose packet nobody reads: a half packet of another may hold the thread for it."""
    nudge()
    waiting = unread(came_in_by)
    if waiting:
        time.sleep(STIR_SECONDS)
        for _ in waiting & unread(came_in_by):
            time.sleep(STIR_PAUSE)
            nudge()


def _serve(log: Any, wake: int) -> None:
    """Run libmilter. Where it gives up (ten failed accepts are enough) the worker must not stay and look alive."""
    try:
        milter.main()
    except Exception as error:
        log.error("libmilter-ended", error=repr(error))
    os.write(wake, bytes((signal.SIGTERM,)))


def _listen_to_supervisor(channel: Channel, wake: int, holder: Holder, log: Any, beat: Callable[[], None]) -> bool:
    """Take new Runtimes until told to end; return whether to stop (at once) rather than to drain."""
    while True:
        beat()
        ready, _, _ = select.select([channel.fileno(), wake], [], [], BEAT)
        if not ready:
            continue
        if channel.fileno() not in ready:
            if signal.SIGTERM in os.read(wake, 64):
                return True
            continue
        frame = channel.receive()
        if frame is None:
            log.warning("supervisor-gone")
            return False
        kind, payload = frame
        if kind == b"R":
            holder.runtime = build(unpack(payload))
            channel.send(b"A", holder.runtime.digest.encode())
        elif kind == b"P":
            channel.send(b"B")
        elif kind == b"D":
            return False
        elif kind == b"S":
            return True


def _drain(is_busy: Callable[[], bool], patience: float, beat: Callable[[], None]) -> None:
    """Wait until nothing is under way any more, or so many seconds."""
    deadline = time.monotonic() + patience
    time.sleep(0.2)  # libmilter may be between poll and accept
    while is_busy() and time.monotonic() < deadline:
        time.sleep(0.05)
        beat()
    time.sleep(0.05)  # the last answer is known here before libmilter has sent it
