"""The supervisor: opens the listener, forks writer, readers and workers, and answers signals. It holds no mail.

SIGHUP reloads the profile (a bad one keeps the old and says so), SIGUSR2 replaces the whole program without refusing a
connection, SIGTERM and SIGINT end it. The loop is single-threaded and sleeps in select; it never starts a thread,
because forking beside threads hangs children.
"""

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from sealgate.adapters import files
from sealgate.adapters import log as logs
from sealgate.adapters.systemd import notify
from sealgate.adapters.writer import WriterClient
from sealgate.app.ports import PortError
from sealgate.app.runtime import Override
from sealgate.audit.record import VERSION, moment
from sealgate.daemon.channel import Channel
from sealgate.daemon.children import READER, TELL_SECONDS, WORKER, WRITER, Child, Family
from sealgate.daemon.handover import Handover, adopt, leave, take, withdraw
from sealgate.daemon.listening import ListenError, listen, listen_unix
from sealgate.daemon.reading import run_reader
from sealgate.daemon.worker import STOP_SECONDS, run_worker
from sealgate.daemon.writing import Keeping, run_writer
from sealgate.profile.settings import Settings
from sealgate.wiring import Ingredients, build, read_override, read_profile

TICK: Final = 1.0  # seconds between looks at what has no signal
PAUSE: Final = 1.0  # seconds before a child that died at once is started again
READER_CPU_SECONDS: Final = 1
PID_FILE: Final = "sealgate.pid"
STATUS_FILE: Final = "status.json"
_WORDS: Final = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR2)


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
        self.ingredients = plan.ingredients
        self.runtime = build(plan.ingredients)
        self.log = logs.operational(self.settings.log_level).bind(supervisor=os.getpid())
        self.family = Family()
        self._folder = Path(self.settings.runtime)
        self._places = (self._folder / "writer.sock", self._folder / "reader.sock")
        self._journal = WriterClient(str(self._places[0]), self.settings.deadline_seconds)
        self._restart_at: dict[str, float] = {}
        self._reloads = 0
        self._last_reload = "started"
        self._is_ready = False
        self._ending = False
        self._ran_out: Override | None = None

    # -- life --------------------------------------------------------------------------------------------------------

    def run(self) -> int:
        """Serve until told to end; return the exit status."""
        wake = self._catch_signals()
        left = take()
        self._open(left)
        self._start_children()
        files.replace(self._folder / PID_FILE, f"{os.getpid()}\n".encode())
        self._record("start", pid=os.getpid(), restarted=left is not None)
        while not self._ending:
            self._wait(wake, TICK)
            self._look_after()
        self._end(wake)
        return 0

    def _open(self, left: Handover | None) -> None:
        """Open the listeners, or take over those of the supervisor before us, with its children."""
        self._address = str(self.settings.socket)
        milter, writing, reading = (adopt(d) for d in left.listeners) if left is not None else (None, None, None)
        if left is not None and writing is not None and reading is not None and left.folder == str(self._folder):
            self._writing, self._reading = writing, reading
        else:
            self._writing = listen_unix(self._places[0], 0o600)
            self._reading = listen_unix(self._places[1], 0o600)
        if left is not None and milter is not None and left.address == self._address:
            self._milter = milter
        else:
            try:
                self._milter = listen(self.settings.socket, self.settings.socket_mode)
            except ListenError as error:
                if left is None or milter is None:
                    raise
                # Serving where the MTA still connects is better than serving nowhere.
                self.log.error("not-moved", kept=left.address, error=str(error))
                self._milter, self._address = milter, left.address
        for inherited in (milter, writing, reading):
            if inherited is not None and inherited not in (self._milter, self._writing, self._reading):
                inherited.close()
        for pid, kind, descriptor in left.children if left is not None else ():
            channel = Channel(adopt(descriptor)) if descriptor >= 0 else None
            if channel is not None:
                channel.socket.settimeout(TELL_SECONDS)
            self.family.children[pid] = Child(pid, kind, channel, digest="-", leaving=True)

    def _start_children(self) -> None:
        # An old writer ends after its last line; the new one waits for its lock, and lines wait in the backlog.
        self.family.kill(WRITER, signal.SIGTERM)
        self._start_writer()
        old_readers = self.family.of_kind(READER)
        for _ in range(self.settings.readers):
            self._start_reader()
        for child in old_readers:
            with contextlib.suppress(ProcessLookupError):
                os.kill(child.pid, signal.SIGTERM)
        for _ in range(self.settings.workers or os.cpu_count() or 1):
            self._start_worker()

    def _start_writer(self) -> None:
        keeping = Keeping(self.settings.audit_log, Path(self.settings.state), self.settings.durability)

        def write(_: Channel | None) -> None:
            self._milter.close()  # who does not serve the MTA must not keep its socket open
            run_writer(self._writing, keeping)

        self.family.start(WRITER, write)

    def _start_reader(self) -> None:
        memory = self.settings.reader_memory_mb

        def read(_: Channel | None) -> None:
            self._milter.close()
            run_reader(self._reading, memory, READER_CPU_SECONDS)

        self.family.start(READER, read)

    def _start_worker(self) -> None:
        def serve(channel: Channel | None) -> None:
            if channel is not None:
                run_worker(self._milter, channel, self.runtime, self.settings, self._places)

        self.family.start(WORKER, serve, with_channel=True)

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
        if self.settings.socket.family == "unix":
            with contextlib.suppress(FileNotFoundError):
                Path(self.settings.socket.path).unlink()
        for name in (*self._places, self._folder / PID_FILE, self._folder / STATUS_FILE):
            name.unlink(missing_ok=True)
        self.log.info("ended")

    # -- signals and children ----------------------------------------------------------------------------------------

    def _catch_signals(self) -> int:
        wake_read, wake_write = os.pipe()
        os.set_blocking(wake_read, False)
        os.set_blocking(wake_write, False)
        signal.set_wakeup_fd(wake_write)
        for number in (*_WORDS, signal.SIGCHLD):
            signal.signal(number, lambda *_: None)  # the wake-up descriptor says which
        # Those that came while this program replaced another one have waited until now.
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _WORDS)
        return wake_read

    def _wait(self, wake: int, seconds: float) -> None:
        channels = [c.channel.fileno() for c in self.family.children.values() if c.channel is not None]
        ready, _, _ = select.select([wake, *channels], [], [], seconds)
        numbers: bytes = b""
        with contextlib.suppress(BlockingIOError):
            numbers = os.read(wake, 4096) if wake in ready else b""
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
        child.digest = frame[1].decode()
        workers = self.family.of_kind(WORKER, leaving=False)
        if all(w.digest == self.runtime.digest for w in workers):
            self._everybody_is_up()

    def _everybody_is_up(self) -> None:
        """All workers have the profile in force: say so, and let those of an earlier program drain."""
        if not self._is_ready:
            self._is_ready = True
            self.log.info(
                "ready", workers=len(self.family.of_kind(WORKER, leaving=False)), listens=str(self.settings.socket)
            )
        for child in self.family.of_kind(WORKER, leaving=True):
            self.family.tell(child, b"D")
        notify(f"READY=1\nSTATUS=profile {self.runtime.digest[:12]}, {self._last_reload}")
        self._write_status()

    def _look_after(self) -> None:
        self._log_ended()
        moments = time.monotonic()
        wanted = {WORKER: self.settings.workers or os.cpu_count() or 1, READER: self.settings.readers, WRITER: 1}
        starters = {WORKER: self._start_worker, READER: self._start_reader, WRITER: self._start_writer}
        for kind, count in wanted.items():
            missing = count - len(self.family.of_kind(kind, leaving=False))
            if missing > 0 and moments >= self._restart_at.get(kind, 0.0):
                for _ in range(missing):
                    starters[kind]()
        override = self.runtime.override
        if override is not None and override is not self._ran_out and override.until <= time.time():
            self._ran_out = override  # once: a profile that cannot be read now will not be read each second
            self.log.warning("mode-ran-out", back_to="enforce" if self.runtime.profile.enforce else "report")
            self._reload()

    def _log_ended(self) -> None:
        for child, status in self.family.reap():
            if child.leaving:
                continue
            lived = time.monotonic() - child.started
            self.log.error("child-died", kind=child.kind, pid=child.pid, status=status, lived=round(lived, 1))
            # A reader that ran out of processor time died of one message; the next one must not wait for that.
            is_quick = lived < PAUSE * 2 and status != -signal.SIGPROF
            self._restart_at[child.kind] = time.monotonic() + (PAUSE if is_quick else 0.0)
            if child.kind == WORKER:
                self._record("worker-died", pid=child.pid, status=status)

    # -- reload and replacement --------------------------------------------------------------------------------------

    def _reload(self) -> None:
        """Parse, judge and load everything, then swap; whatever is wrong keeps the old."""
        self._reloads += 1
        try:
            override = read_override(Path(self.settings.state), time.time())
            found, problems = read_profile(Path(self.settings.profile), override=override)
            if found is None:
                self._keep_old([str(p) for p in problems if p.is_error])
                return
            runtime = build(found)
        except PortError as error:
            self._keep_old([str(error)])
            return
        except Exception as error:  # whatever a file can do to us, mail goes on
            self._keep_old([f"internal fault: {error!r}"])
            return
        before = self.runtime
        self.ingredients, self.runtime = found, runtime
        packed = found.pack()
        for child in self.family.of_kind(WORKER, leaving=False):
            child.digest = ""
            self.family.tell(child, b"R", packed)
        self._last_reload = f"reload {self._reloads} done"
        self.log.info("reloaded", profile=self.runtime.digest, problems=[str(p) for p in problems])
        if before.override != override:
            said = override or before.override
            self._record(
                "mode",
                mode="enforce" if self.runtime.enforces_at(time.time()) else "report",
                by=said.by if said else "",
                why=said.why if said else "",
                until=moment(override.until) if override else "",
            )
        else:
            self._record("reload", result="done", profile=self.runtime.digest, before=before.digest)

    def _keep_old(self, problems: list[str]) -> None:
        self._last_reload = f"reload {self._reloads} failed, the old profile is in force"
        self.log.error("reload-failed", kept=self.runtime.digest, problems=problems)
        self._record("reload", result="failed", profile=self.runtime.digest, problems=problems[:20])
        notify(f"STATUS={self._last_reload}")
        self._write_status(problems)

    def _replace_program(self, wake: int, heard: bytes = b"") -> None:
        """Become the program that is on disk now, in this process, with listeners and workers inherited.

        Signals are held back until the new program listens to them: one that came in between would be lost, or would
        end it, as nobody catches it yet. `heard` are those that came together with the order to replace.
        """
        signal.pthread_sigmask(signal.SIG_BLOCK, _WORDS)
        try:
            if why := self._why_not_replace():
                self.log.error("restart-refused", why=why)
            else:
                self._execute(wake, heard)
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _WORDS)

    def _why_not_replace(self) -> str:
        """What a new program would stumble over, or an empty string."""
        try:
            read_override(Path(self.settings.state), time.time())
            tried = subprocess.run(
                [sys.executable, "-m", "sealgate", "check", "--settings", str(self._settings_path)],
                capture_output=True, text=True, timeout=60, check=False,
            )  # fmt: skip
        except (PortError, OSError, subprocess.SubprocessError) as error:
            return str(error)
        return (tried.stdout + tried.stderr)[-2000:] or "check failed" if tried.returncode != 0 else ""

    def _execute(self, wake: int, heard: bytes) -> None:
        self._log_ended()
        children = tuple(
            (c.pid, c.kind, c.channel.fileno() if c.channel is not None else -1) for c in self.family.children.values()
        )
        listeners = (self._milter.fileno(), self._writing.fileno(), self._reading.fileno())
        handover = Handover(self._address, str(self._folder), listeners, children)
        self._record("restart", pid=os.getpid())
        self._journal.close()
        leave(handover)
        notify("RELOADING=1")
        self.log.info("restarting")
        with contextlib.suppress(BlockingIOError):
            heard += os.read(wake, 4096)
        for number in set(heard) & set(_WORDS) - {signal.SIGUSR2}:  # caught, and not obeyed: the new program will
            os.kill(os.getpid(), number)
        try:
            command = [sys.executable, "-m", "sealgate", "serve", "--settings", str(self._settings_path)]
            os.execv(sys.executable, command)
        except OSError as error:
            withdraw(handover)
            self.log.error("restart-failed", error=str(error))

    # -- what is said of it ------------------------------------------------------------------------------------------

    def _record(self, kind: str, **event: Any) -> None:
        """Append a line about ourselves; where that fails the log says so, mail is deferred by the workers anyway."""
        try:
            logs.audit(self._journal).info(
                kind, v=VERSION, t=moment(time.time()), host=self.runtime.host, software=self.runtime.software, **event
            )
        except PortError as error:
            self.log.error("not-recorded", kind=kind, error=str(error))

    def _write_status(self, problems: list[str] | None = None) -> None:
        status = {
            "pid": os.getpid(),
            "profile": self.runtime.digest,
            "mode": "enforce" if self.runtime.enforces_at(time.time()) else "report",
            "seal": self.runtime.profile.seal,
            "reloads": self._reloads,
            "last": self._last_reload,
            "problems": problems or [],
            "workers": [c.pid for c in self.family.of_kind(WORKER, leaving=False)],
            "draining": [c.pid for c in self.family.of_kind(WORKER, leaving=True)],
        }
        try:
            files.replace(self._folder / STATUS_FILE, json.dumps(status).encode())
        except PortError as error:
            self.log.error("status-not-written", error=str(error))
