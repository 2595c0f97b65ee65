"""Which children there should be, and how each kind is started: one writer, readers, workers, one health process.

`settle` starts them all and tells those of an earlier program to go; `keep_up` replaces whoever died, at once or, where
a child died soon after its start, a moment later. Who does not serve the MTA closes its listener: a connection must not
be left waiting at a door that nobody answers. Nothing here waits.
"""

import contextlib
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

from sealgate.adapters.systemd import watchdog_seconds
from sealgate.app.ports import READER_CPU_SECONDS
from sealgate.app.runtime import Runtime
from sealgate.daemon.channel import Channel
from sealgate.daemon.children import HEALTH, READER, TELL_SECONDS, WORKER, WRITER, Child, Family
from sealgate.daemon.doors import Doors
from sealgate.daemon.handover import Handover, adopt
from sealgate.daemon.probing import PROBE_EVERY, Prober
from sealgate.daemon.reading import run_reader
from sealgate.daemon.worker import run_worker
from sealgate.daemon.writing import Keeping, run_writer
from sealgate.profile.settings import Settings

PAUSE: Final = 1.0  # seconds before a child that died at once is started again
HEALTH_SILENCE: Final = 60.0  # seconds after which a health process is frozen and killed
WORKER_BEAT: Final = 5.0  # seconds after which a worker that said nothing is asked whether it lives
WORKER_SILENCE: Final = 60.0  # seconds without an answer after which it is frozen and killed
DRAIN_SLACK: Final = 60.0  # seconds beyond `drain_max` after which a worker that leaves is killed


class Household:
    """All children of one supervisor.

    Args:
        family: where they are kept.
        settings: how many, and what they need.
        places: the sockets of the writer and of the reader.
        born: the mark of this supervisor in its status file.
        log: told who died.
        runtime: gives the profile in force when a child is started.
    """

    def __init__(
        self,
        family: Family,
        settings: Settings,
        places: tuple[Path, Path],
        born: float,
        log: Any,
        runtime: Callable[[], Runtime],
    ) -> None:
        self.workers = settings.workers or os.cpu_count() or 1
        self._family = family
        self._settings = settings
        self._places = places
        self._born = born
        self._log = log
        self._runtime = runtime
        self._restart_at: dict[str, float] = {}

    def inherit(self, left: Handover | None) -> None:
        """Take in the children of the supervisor before us; all of them are to leave."""
        for pid, kind, descriptor in left.children if left is not None else ():
            channel = Channel(adopt(descriptor)) if descriptor >= 0 else None
            if channel is not None:
                channel.socket.settimeout(TELL_SECONDS)
            self._family.children[pid] = Child(pid, kind, channel, digest="-", leaving=True)

    def hand_over(self, doors: Doors) -> Handover:
        """What the next supervisor takes over: the listeners, and all children with their channels."""
        children = tuple(
            (c.pid, c.kind, c.channel.fileno() if c.channel is not None else -1) for c in self._family.children.values()
        )
        folder = str(self._places[0].parent)
        return Handover(str(doors.where), folder, doors.descriptors, children, doors.is_activated)

    def let_drain(self) -> None:
        """Tell the workers of an earlier program that they are not needed any more: once, as they read no more."""
        for child in self._family.of_kind(WORKER, leaving=True):
            if not child.is_told:
                child.is_told = True
                self._family.tell(child, b"D")

    def settle(self, doors: Doors) -> None:
        """Start everybody; workers of an earlier program stay until the new ones are up."""
        self._doors = doors
        # An old writer ends after its last line; the new one waits for its lock, and lines wait in the backlog.
        self._family.kill(WRITER, signal.SIGTERM)
        self._start_writer()
        old_readers = self._family.of_kind(READER)
        for _ in range(self._settings.readers):
            self._start_reader()
        for child in old_readers:
            with contextlib.suppress(ProcessLookupError):
                os.kill(child.pid, signal.SIGTERM)
        for _ in range(self.workers):
            self._start_worker()
        self._family.kill(HEALTH, signal.SIGTERM)  # it lets go of the port that the new one will serve
        self._start_health()

    def keep_up(self) -> None:
        """Start who is missing, and end workers and a health process that say nothing any more."""
        now = time.monotonic()
        for kind, (count, start) in {
            WORKER: (self.workers, self._start_worker),
            READER: (self._settings.readers, self._start_reader),
            WRITER: (1, self._start_writer),
            HEALTH: (1, self._start_health),
        }.items():
            missing = count - len(self._family.of_kind(kind, leaving=False))
            if missing > 0 and now >= self._restart_at.get(kind, 0.0):
                for _ in range(missing):
                    start()
        for child in self._family.of_kind(HEALTH, leaving=False):
            if now - child.heard > HEALTH_SILENCE:
                os.kill(child.pid, signal.SIGKILL)  # not reaped yet, so the pid is still its own
        for child in self._family.of_kind(WORKER, leaving=False):
            if child.asked and now - child.asked > WORKER_SILENCE:
                self._log.error("worker-frozen", pid=child.pid, silent=round(now - child.asked))
                os.kill(child.pid, signal.SIGKILL)
                child.asked = now
            elif child.digest and not child.asked and now - child.heard > WORKER_BEAT:
                child.asked = now
                self._family.tell(child, b"P")
        for child in self._family.of_kind(WORKER, leaving=True):
            # It ends by itself at `drain_max`; one that is frozen does not. `started`: when this program took it in.
            if child.is_told and now - child.started > self._settings.drain_max + DRAIN_SLACK:
                self._log.error("drain-frozen", pid=child.pid)
                os.kill(child.pid, signal.SIGKILL)
                child.started = now

    def bury(self) -> Iterator[tuple[Child, int]]:
        """Collect who ended, and yield each that was not told to, with its exit status."""
        for child, status in self._family.reap():
            if child.leaving:
                continue
            lived = time.monotonic() - child.started
            self._log.error("child-died", kind=child.kind, pid=child.pid, status=status, lived=round(lived, 1))
            # A reader that ran out of processor time died of one message; the next one must not wait for that.
            is_quick = lived < PAUSE * 2 and status != -signal.SIGPROF
            self._restart_at[child.kind] = time.monotonic() + (PAUSE if is_quick else 0.0)
            yield child, status

    def _start_writer(self) -> None:
        keeping = Keeping(self._settings.audit_log, Path(self._settings.state), self._settings.durability)

        def write(_: Channel | None) -> None:
            self._doors.milter.close()
            run_writer(self._doors.writing, keeping)

        self._family.start(WRITER, write)

    def _start_reader(self) -> None:
        def read(_: Channel | None) -> None:
            self._doors.milter.close()
            run_reader(self._doors.reading, self._settings.reader_memory_mb, READER_CPU_SECONDS)

        self._family.start(READER, read)

    def _start_worker(self) -> None:
        def serve(channel: Channel | None) -> None:
            if channel is not None:
                run_worker(self._doors.milter, channel, self._runtime(), self._settings, self._places)

        self._family.start(WORKER, serve, with_channel=True)

    def _start_health(self) -> None:
        # Here, once the workers are on their way: what it needs takes long to load. Not in the child: a program that
        # was replaced on disk meanwhile would be loaded in two halves.
        from sealgate.daemon.health import run_health  # noqa: PLC0415

        watched = watchdog_seconds()  # four probes before systemd's patience ends
        every = min(PROBE_EVERY, watched / 4) if watched else PROBE_EVERY

        def watch(channel: Channel | None) -> None:
            for door in (self._doors.milter, self._doors.writing, self._doors.reading):
                door.close()
            if channel is not None:
                prober = Prober(self._doors.where, every)
                run_health(channel, self._runtime(), self._settings, self._places[0], self._born, prober)

        self._family.start(HEALTH, watch, with_channel=True)
