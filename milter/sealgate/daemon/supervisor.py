"""The supervisor: opens the listener, forks writer, readers, workers and the health process, and answers signals.

SIGHUP reloads the profile (a bad one keeps the old and says so), SIGUSR2 replaces the whole program without refusing a
connection, SIGTERM and SIGINT end it. The loop is single-threaded and sleeps in select; it never starts a thread,
because forking beside threads hangs children. It holds no mail.
"""

import json
import os
import select
import signal
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from sealgate.adapters import files
from sealgate.adapters import log as logs
from sealgate.adapters.systemd import notify, notify_reloading, watchdog_seconds
from sealgate.adapters.writer import WriterClient
from sealgate.app.ports import PortError
from sealgate.app.runtime import Override
from sealgate.audit.record import VERSION, moment
from sealgate.daemon.archive import equipped, keep_version, lacks_key
from sealgate.daemon.children import HEALTH, READER, WORKER, WRITER, Child, Family
from sealgate.daemon.doors import open_doors
from sealgate.daemon.handover import leave, take
from sealgate.daemon.household import HEALTH_SILENCE, WORKER_SILENCE, Household
from sealgate.daemon.measuring import clear, prepare
from sealgate.daemon.pending import REMEDY, changed_settings
from sealgate.daemon.reloading import NotReloaded, for_health, read_anew, told
from sealgate.daemon.replacing import become, why_not
from sealgate.daemon.status import HEALTH_FILE, PID_FILE, STATUS_FILE, Reloads, StatusFile
from sealgate.daemon.waking import WORDS, catch_signals, caught, held_back
from sealgate.daemon.worker import STOP_SECONDS
from sealgate.mail.reply import printable
from sealgate.profile.settings import Settings
from sealgate.wiring import Ingredients, build

TICK: Final = 1.0  # seconds between looks at what has no signal
WATCHDOG_LEAST: Final = HEALTH_SILENCE + WORKER_SILENCE / 2  # seconds: below, we could not mend it ourselves first
KEY_PAUSE: Final = 10.0  # seconds between two tries to make the key of a new quarter


@dataclass(frozen=True, slots=True)
class Plan:
    """What `serve` was asked to do: settings as read, where they came from, and the first profile."""

    settings: Settings
    settings_path: Path
    ingredients: Ingredients


class Supervisor:
    """One run of the gate, from the first fork to the last child."""

    def __init__(self, plan: Plan) -> None:
        self.settings = plan.settings
        self._settings_path = plan.settings_path
        self.ingredients = equipped(plan.ingredients, Path(plan.settings.state), time.time())
        self.runtime = build(self.ingredients)
        self.log = logs.operational(self.settings.log_level).bind(supervisor=os.getpid())
        self.family = Family()
        self._folder = Path(self.settings.runtime)
        self._places = (self._folder / "writer.sock", self._folder / "reader.sock")
        self._journal = WriterClient(str(self._places[0]), self.settings.deadline_seconds)
        born = time.time()
        self._household = Household(self.family, self.settings, self._places, born, self.log, lambda: self.runtime)
        self._reloads = Reloads()
        self._status = StatusFile(self._folder, self._household.workers, born, self.log)
        self._unready: list[str] = []  # what the health process has against us
        self._is_ready = False
        self._ending = False
        self._ran_out: Override | None = None
        self._retry_key_at = 0.0

    # -- life --------------------------------------------------------------------------------------------------------

    def run(self) -> int:
        """Serve until told to end; return the exit status."""
        wake = catch_signals()
        left = take()
        self._doors = open_doors(self.settings, self._places, left, self.log)
        self._household.inherit(left)
        prepare(self._folder, self.log, goes_on=left is not None)
        self._household.settle(self._doors)
        if 0 < watchdog_seconds() < WATCHDOG_LEAST:
            self.log.warning("watchdog-short", seconds=watchdog_seconds(), at_least=WATCHDOG_LEAST)
        files.replace(self._folder / PID_FILE, f"{os.getpid()}\n".encode())
        self._record("start", pid=os.getpid(), restarted=left is not None, profile=self.runtime.digest)
        self._keep_version()
        while not self._ending:
            self._wait(wake, TICK)
            self._look_after()
        self._end(wake)
        return 0

    def _end(self, wake: int) -> None:
        """Let transactions under way end, write the last line, and leave nothing behind."""
        notify("STOPPING=1")
        for child in self.family.of_kind(WORKER):
            child.leaving = True
            self.family.tell(child, b"S")
        deadline = time.monotonic() + STOP_SECONDS + 2
        while self.family.of_kind(WORKER) and time.monotonic() < deadline:
            self._wait(wake, 0.1)
            self._log_ended()
        self.family.kill(WORKER, signal.SIGKILL)
        self.family.kill(HEALTH, signal.SIGKILL)
        self._record("stop", pid=os.getpid())
        self._journal.close()
        self.family.kill(READER, signal.SIGTERM)
        self.family.kill(WRITER, signal.SIGTERM)
        deadline = time.monotonic() + 5
        while self.family.children and time.monotonic() < deadline:
            self._wait(wake, 0.1)
            self._log_ended()
        for kind in (READER, WRITER):
            self.family.kill(kind, signal.SIGKILL)
        self._doors.remove(self.settings.http)
        for name in (*self._places, *(self._folder / file for file in (PID_FILE, STATUS_FILE, HEALTH_FILE))):
            name.unlink(missing_ok=True)
        clear(self._folder)
        self.log.info("ended")

    # -- signals and children ----------------------------------------------------------------------------------------

    def _wait(self, wake: int, seconds: float) -> None:
        channels = [c.channel.fileno() for c in self.family.children.values() if c.channel is not None]
        ready, _, _ = select.select([wake, *channels], [], [], seconds)
        numbers = caught(wake) if wake in ready else b""
        for child in list(self.family.children.values()):
            if child.channel is not None and child.channel.fileno() in ready:
                self._hear(child)
        if self._ending:
            return
        if signal.SIGTERM in numbers or signal.SIGINT in numbers:
            self._ending = True
            return
        if signal.SIGUSR2 in numbers:
            self._replace_program(wake, numbers)  # comes back only where it was refused
        if signal.SIGHUP in numbers:
            self._reload()

    def _hear(self, child: Child) -> None:
        frame = child.channel.receive() if child.channel is not None else None
        if frame is None:
            if child.channel is not None:
                child.channel.close()
            child.channel = None  # its death comes as SIGCHLD
            return
        child.heard, child.asked = time.monotonic(), 0.0
        if child.kind == HEALTH and frame[0] == b"W":
            # Ours alone to say (NotifyAccess=main), and said for a worker that answered: if either hangs, it is not.
            if watchdog_seconds():
                notify("WATCHDOG=1")
            return
        if child.kind == HEALTH:
            self._unready = [] if child.leaving else json.loads(frame[1])
            self._notify_status()
            return
        if frame[0] == b"B":
            return
        child.digest, child.owed = frame[1].decode(), child.owed - 1
        workers = self.family.of_kind(WORKER, leaving=False)
        if workers and all(w.digest == self.runtime.digest and w.owed == 0 for w in workers):
            self._everybody_is_up()

    def _everybody_is_up(self) -> None:
        """All workers have the profile in force: say so, and let those of an earlier program drain."""
        if not self._is_ready:
            self._is_ready = True
            self.log.info(
                "ready", workers=len(self.family.of_kind(WORKER, leaving=False)), listens=str(self._doors.where)
            )
        self._household.let_drain()
        self._reloads.settled = self._reloads.asked
        notify("READY=1")
        self._notify_status()
        self._status.write(self.runtime, self._reloads, self.family)

    def _look_after(self) -> None:
        self._log_ended()
        self._household.keep_up()
        if self._is_ready:
            self._status.write(self.runtime, self._reloads, self.family)
        override = self.runtime.override
        if override is not None and override is not self._ran_out and override.until <= time.time():
            self._ran_out = override  # once: a profile that cannot be read now will not be read each second
            self.log.warning("mode-ran-out", back_to="enforce" if self.runtime.profile.enforce else "report")
            self._reload()
        elif lacks_key(self.runtime, time.time()) and time.monotonic() >= self._retry_key_at:
            self._retry_key_at = time.monotonic() + KEY_PAUSE  # mail is deferred until there is one
            self._reload()

    def _log_ended(self) -> None:
        for child, status in self._household.bury():
            if child.kind == WORKER:
                self._record("worker-died", pid=child.pid, status=status)

    # -- reload and replacement --------------------------------------------------------------------------------------

    def _reload(self) -> None:
        """Parse, judge and load everything, then swap; whatever is wrong keeps the old."""
        self._reloads.asked += 1
        if self._is_ready:
            notify_reloading()
        self._reloads.waiting = changed_settings(self.settings, self._settings_path)
        if self._reloads.waiting:
            self.log.warning("settings-wait", changed=self._reloads.waiting, do=REMEDY)
        try:
            loaded = read_anew(self.settings, self.ingredients)
        except NotReloaded as refused:
            self._keep_old(refused.problems)
            return
        before = self.runtime
        self.ingredients, self.runtime = loaded.ingredients, loaded.runtime
        found = loaded.ingredients.pack()
        for child in self.family.of_kind(WORKER, leaving=False):
            child.digest = "-" if child.digest else ""  # it serves by the one before until it says otherwise
            child.owed += 1
            self.family.tell(child, b"R", found)
        for child in self.family.of_kind(HEALTH, leaving=False):
            self.family.tell(child, b"R", for_health(self.ingredients))
        self._reloads.last = f"reload {self._reloads.asked} done"
        self._reloads.problems, self._reloads.kept, self._reloads.loaded = (), loaded.ingredients.kept, time.time()
        self.log.info("reloaded", profile=self.runtime.digest, problems=[str(p) for p in loaded.problems])
        self._keep_version()
        for kind, event in told(before, loaded, time.time()):
            self._record(kind, **event)
            if kind == "key":
                self.log.error("key-kept", **event)

    def _keep_version(self) -> None:
        """Keep the profile itself beside the record that names it; mail does not wait for that."""
        try:
            keep_version(self.ingredients, Path(self.settings.state))
        except PortError as error:
            self.log.error("profile-not-kept", profile=self.runtime.digest, error=str(error))

    def _keep_old(self, problems: list[str]) -> None:
        self._reloads.settled = self._reloads.asked
        self._reloads.failed += 1
        self._reloads.last = f"reload {self._reloads.asked} failed, the old profile is in force"
        self._reloads.problems = tuple(problems)
        self.log.error("reload-failed", kept=self.runtime.digest, problems=problems)
        self._record("reload", result="failed", profile=self.runtime.digest, problems=problems[:20])
        self._resume()
        self._status.write(self.runtime, self._reloads, self.family)

    def _replace_program(self, wake: int, heard: bytes = b"") -> None:
        """Become the program that is on disk now, in this process, with listeners and workers inherited.

        `heard` are the signals that came together with the order to replace.
        """
        with held_back():
            if why := why_not(Path(self.settings.state), self._settings_path):
                self.log.error("restart-refused", why=why)
            else:
                self._execute(wake, heard)

    def _execute(self, wake: int, heard: bytes) -> None:
        self._log_ended()
        handover = self._household.hand_over(self._doors)
        self._record("restart", pid=os.getpid())
        self._journal.close()
        leave(handover)
        notify_reloading()
        self.log.info("restarting")
        unheeded = set(heard + caught(wake)) & set(WORDS) - {signal.SIGUSR2}
        for number in unheeded:  # the new program will obey
            os.kill(os.getpid(), number)
        self.log.error("restart-failed", error=become(handover, self._settings_path))
        self._resume()

    def _resume(self) -> None:
        """What was announced did not come about, and the gate serves as before."""
        if self._is_ready:
            notify("READY=1")
        self._notify_status()

    # -- what is said of it ------------------------------------------------------------------------------------------

    def _record(self, kind: str, **event: Any) -> None:
        """Append a line about ourselves; where that fails the log says so, mail is deferred by the workers anyway."""
        try:
            logs.audit(self._journal).info(
                kind, v=VERSION, t=moment(time.time()), host=self.runtime.host, software=self.runtime.software, **event
            )
        except PortError as error:
            self.log.error("not-recorded", kind=kind, error=str(error))

    def _notify_status(self) -> None:
        unready = printable(f"; NOT READY: {self._unready[0]}", 300) if self._unready else ""
        notify(f"STATUS=profile {self.runtime.digest[:12]}, {self._reloads.last}{unready}")
