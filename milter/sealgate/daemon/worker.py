"""One worker process: libmilter's threads behind the shared listener, and the control channel in the main thread.

`runmilter` in the main thread would swallow Python's signals and take SIGHUP for the end, so libmilter runs in a
thread and the main thread waits for the supervisor's word. A worker ends by draining: it stops accepting, serves the
connections it has, and leaves by `os._exit`, because `milter.stop()` cuts open sessions.
"""

import os
import select
import signal
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, NoReturn

import milter

from sealgate.adapters import log as logs
from sealgate.adapters.pymilter import Gate
from sealgate.adapters.reader import ReaderClient
from sealgate.adapters.writer import WriterClient
from sealgate.app.inflight import MEBIBYTE, InFlight
from sealgate.app.ports import READER_CPU_SECONDS
from sealgate.app.runtime import Runtime
from sealgate.daemon.channel import Channel
from sealgate.daemon.listening import close_off, has_accepted, lend_to_libmilter, own_name
from sealgate.daemon.measuring import worker_counts
from sealgate.profile.settings import Settings
from sealgate.wiring import build, unpack

STOP_SECONDS: Final = 4.0  # a stop lets transactions under way end for that long
BEAT: Final = 1.0  # seconds between two writings of what was counted
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
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the supervisor speaks for us
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    signal.signal(signal.SIGUSR2, signal.SIG_IGN)
    log = logs.operational(settings.log_level).bind(worker=os.getpid())
    holder = Holder(runtime)
    journal = WriterClient(str(places[0]), settings.deadline_seconds)
    # Four times what the reader may use of a processor: on a busy host too its limit is met before our patience ends.
    reader = ReaderClient(str(places[1]), min(4 * READER_CPU_SECONDS, settings.deadline_seconds))
    counts = worker_counts(log)
    room = InFlight(settings.in_flight_mb * MEBIBYTE)
    gate = Gate(holder.current, logs.audit(journal).info, reader, log, observer=counts, in_flight=room)
    gate.register()

    def beat() -> None:
        if counts is not None:
            counts.tick(gate.connections, gate.under_way())

    milter.settimeout(MTA_SILENCE)
    descriptor = lend_to_libmilter(listener, Path(settings.runtime))
    came_in_by = own_name(listener)
    listener.close()  # or an MTA could connect, while we drain, to a socket that nobody serves
    wake_read, wake_write = os.pipe()
    os.set_blocking(wake_write, False)
    threading.Thread(target=_serve, args=(log, wake_write), name="libmilter", daemon=True).start()
    signal.set_wakeup_fd(wake_write)
    signal.signal(signal.SIGTERM, lambda *_: None)  # seen through the wake-up descriptor
    channel.send(b"A", runtime.digest.encode())
    patience = _listen_to_supervisor(channel, wake_read, holder, settings, log, beat)
    close_off(descriptor, Path(settings.runtime))
    _drain(gate, came_in_by, patience, beat)
    log.info("worker-ends", open=gate.connections)
    os._exit(0)


def _serve(log: Any, wake: int) -> None:
    """Run libmilter. Where it gives up (ten failed accepts are enough) the worker must not stay and look alive."""
    try:
        milter.main()
    except Exception as error:
        log.error("libmilter-ended", error=repr(error))
    os.write(wake, bytes((signal.SIGTERM,)))


def _listen_to_supervisor(
    channel: Channel, wake: int, holder: Holder, settings: Settings, log: Any, beat: Callable[[], None]
) -> float:
    """Take new Runtimes until told to end; return for how many seconds open connections are served."""
    while True:
        beat()
        ready, _, _ = select.select([channel.fileno(), wake], [], [], BEAT)
        if not ready:
            continue
        if channel.fileno() not in ready:
            if signal.SIGTERM in os.read(wake, 64):
                return STOP_SECONDS
            continue
        frame = channel.receive()
        if frame is None:
            log.warning("supervisor-gone")
            return float(settings.drain_max)
        kind, payload = frame
        if kind == b"R":
            holder.runtime = build(unpack(payload))
            channel.send(b"A", holder.runtime.digest.encode())
        elif kind == b"P":
            channel.send(b"B")
        elif kind == b"D":
            return float(settings.drain_max)
        elif kind == b"S":
            return STOP_SECONDS


def _drain(gate: Gate, came_in_by: object, patience: float, beat: Callable[[], None]) -> None:
    deadline = time.monotonic() + patience
    time.sleep(0.2)  # libmilter may be between poll and accept
    # Sockets, not the gate's count: under load a connection waits for its first callback longer than one thinks.
    busy = gate.is_busy if patience <= STOP_SECONDS else lambda: has_accepted(came_in_by)
    while busy() and time.monotonic() < deadline:
        time.sleep(0.05)
        beat()
    time.sleep(0.05)  # the last answer is known here before libmilter has sent it
