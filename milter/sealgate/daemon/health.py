"""The health process: tries the keys in the background, judges readiness, and says so to whoever asks.

Forked by the supervisor like a worker, with a control channel of its own: `R` brings a profile that was put in force
(its digest, then the ingredients), `H` tells the supervisor how we are, at each change and every `BEAT` seconds, `W`
that a worker has answered at the MTA's socket: the watchdog is fed by that. The end of the channel ends the process. It
holds no mail and no listener of the MTA. One thread examines, which may wait for the DNS or the audit writer, another
connects as the MTA does (`probing`); the main thread serves the pages and never waits. The judgement stands in
`health.json` in the runtime folder, replaced whole; a file older than `status.STALE_SECONDS` says nothing any more.

A port for the pages that cannot be had is said in log and file, and tried again: mail does not depend on it.
"""

import contextlib
import json
import os
import selectors
import signal
import threading
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, NoReturn

from sealgate.adapters import files
from sealgate.adapters import log as logs
from sealgate.adapters.writer import WriterClient
from sealgate.app.examining import Examined, KeyHealth
from sealgate.app.ports import PortError
from sealgate.app.readiness import GRACE_SECONDS, Readiness, Staff, judge
from sealgate.app.runtime import Runtime
from sealgate.daemon.channel import Channel
from sealgate.daemon.examiner import Examiner, resolver
from sealgate.daemon.listening import ListenError, listen
from sealgate.daemon.measuring import counted_in
from sealgate.daemon.metrics_page import MetricsPage, figures
from sealgate.daemon.pages import Page, Pages, Request, Route
from sealgate.daemon.pending import REMEDY
from sealgate.daemon.probing import Prober
from sealgate.daemon.status import HEALTH_FILE, read_staff, read_status
from sealgate.profile.settings import Settings

TICK: Final = 1.0  # seconds between two looks at what the supervisor says
BEAT: Final = 5.0  # seconds between two signs of life
UNANSWERED_SECONDS: Final = 25.0  # without an answer at the MTA's socket, after which the gate is not ready
REPEAT_SECONDS: Final = 300.0  # after which the log says again that the gate is not ready


def run_health(
    channel: Channel, runtime: Runtime, settings: Settings, writer: Path, born: float, prober: Prober
) -> NoReturn:
    """Examine and answer until the channel ends. Called in a fresh child without other threads.

    Args:
        channel: this process' end of the control channel.
        runtime: the profile in force.
        settings: for paths, DNS servers and where to serve.
        writer: the audit writer's socket.
        born: the mark of the supervisor that started us, as in its status file.
        prober: tries the MTA's socket.
    """
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2):
        signal.signal(number, signal.SIG_IGN)
    log = logs.operational(settings.log_level).bind(health=os.getpid())
    examiner = Examiner(runtime, resolver(settings, log), WriterClient(str(writer), settings.deadline_seconds))
    threading.Thread(target=examiner.run, name="examiner", daemon=True).start()
    prober.start()
    _Health(channel, examiner, prober, settings, born, log).run()
    os._exit(0)


class _Health:
    """The main thread: what is known, judged, written, told and served."""

    def __init__(
        self, channel: Channel, examiner: Examiner, prober: Prober, settings: Settings, born: float, log: Any
    ) -> None:
        self._channel = channel
        self._examiner = examiner
        self._prober = prober
        self._answered = 0  # probes that the supervisor knows of
        self._settings = settings
        self._born = born
        self._log = log
        self._folder = Path(settings.runtime)
        self._parent = os.getppid()
        self._poll = selectors.DefaultSelector()
        self._metrics = MetricsPage(Path(settings.audit_log)) if counted_in() is not None else None
        self._pages = Pages(self._poll, self._routes())
        self._unheard = ""  # why the pages are not served
        self._state: dict[str, Any] = {}
        self._figures: dict[str, Any] = {}
        self._readiness: Readiness | None = None
        self._seen: Examined | None = None
        self._started = time.monotonic()
        self._beat_at = 0.0
        self._say_at = 0.0

    def run(self) -> None:
        """Serve until the supervisor is gone."""
        self._poll.register(self._channel.socket, selectors.EVENT_READ)
        self._poll.register(self._examiner.wake_read, selectors.EVENT_READ)
        look_at = 0.0
        while True:
            now = time.monotonic()
            if now >= look_at:
                self._tell_of_answers()
                self._look()
                look_at = time.monotonic() + TICK
            for key, _ in self._poll.select(max(0.0, look_at - time.monotonic())):
                if key.data is self._pages:
                    self._pages.handle(key.fd)
                elif key.fd == self._channel.fileno():
                    frame = self._channel.receive()
                    if frame is None:
                        return
                    if frame[0] == b"R":
                        self._examiner.take(frame[1])
                else:
                    with contextlib.suppress(BlockingIOError):
                        os.read(self._examiner.wake_read, 4096)
                    look_at = 0.0
            if os.getppid() != self._parent:
                return

    def _routes(self) -> Mapping[str, Route]:
        """Every page there is."""
        routes: dict[str, Route] = {"/livez": self._livez, "/readyz": self._readyz}
        metrics = self._metrics
        if metrics is not None:
            routes["/metrics"] = lambda _: metrics.answer(read_status(self._folder), self._state)
        return routes

    def _livez(self, request: Request) -> Page:
        del request  # whoever runs this lives, and so does the supervisor, else the channel had ended
        return Page(200, b"alive\n")

    def _readyz(self, request: Request) -> Page:
        readiness = self._readiness or judge(None, None, time.time())
        status = 200 if readiness.is_ready else 503
        if request.wants_json:
            return Page(status, json.dumps(self._state, indent=1).encode() + b"\n", "application/json")
        lines = ["ready" if readiness.is_ready else "not ready", *readiness.reasons]
        lines += [f"warning: {warning}" for warning in readiness.warnings]
        if "verbose" in request.query:
            lines += [_line(key) for key in self._state.get("keys", ())]
            lines += [f"{name}: not signed on purpose" for name in self._state.get("unsigned", ())]
        return Page(status, ("\n".join(lines) + "\n").encode("utf-8", "replace"))

    def _tell_of_answers(self) -> None:
        """Tell the supervisor that a worker answered as the MTA would hear it: its word for the watchdog."""
        if self._answered != self._prober.count:
            self._answered = self._prober.count
            with contextlib.suppress(OSError):
                self._channel.send(b"W")

    def _look(self) -> None:
        self._pages.expire()
        self._listen()
        found, before = self._examiner.found, self._readiness
        is_news = before is None or found is not self._seen
        self._seen = found
        self._readiness = self._judged(found)
        self._state = {
            "pid": os.getpid(),
            "supervisor": self._parent,
            "written": time.time(),
            "ready": self._readiness.is_ready,
            "reasons": list(self._readiness.reasons),
            "figures": self._figures,
            "warnings": [*self._readiness.warnings, *([self._unheard] if self._unheard else [])],
            "unanswered": round(self._prober.unanswered_for(), 1),
            **_examined(found),
        }
        if before is not None:
            now = self._readiness
            is_news = is_news or (before.is_ready, before.warnings) != (now.is_ready, now.warnings)
        if not is_news and time.monotonic() < self._beat_at:
            return
        self._beat_at = time.monotonic() + BEAT
        self._figures = self._state["figures"] = figures() if self._metrics is not None else {}
        self._say(is_change=before is None or before.is_ready is not self._readiness.is_ready)
        self._write()

    def _judged(self, found: Examined | None) -> Readiness:
        """Staff and keys, what the MTA's socket says, and settings that wait for a restart."""
        judged, silent = judge(self._staff(), found, time.time()), self._prober.unanswered_for()
        reasons, warnings = judged.reasons, judged.warnings
        if silent > UNANSWERED_SECONDS:
            said = f"nobody answers at the MTA's socket {self._prober.where} since {silent:.0f} seconds"
            reasons = (*reasons, f"{said}: {self._prober.fault}")
        if self._prober.warning:
            warnings = (*warnings, f"the MTA's socket is not tried: {self._prober.warning}")
        if waiting := read_status(self._folder).get("waiting"):
            listed = "; ".join(map(str, waiting))
            warnings = (*warnings, f"service settings were changed and wait for a restart ({REMEDY}): {listed}")
        return replace(judged, reasons=reasons, warnings=warnings)

    def _staff(self) -> Staff | None:
        """What the supervisor says; for a while what the program before it said, as its workers still serve."""
        try:
            status = read_status(self._folder)
            if status["born"] != self._born and time.monotonic() - self._started > GRACE_SECONDS:
                return None
            return read_staff(status, time.time(), self._examiner.writer_fault)
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def _say(self, *, is_change: bool) -> None:
        """To the log, loudly, and to the supervisor, who tells the service manager."""
        readiness = self._readiness or Readiness()
        now = time.monotonic()
        if readiness.is_ready and is_change:
            self._log.info("healthy", warnings=readiness.warnings)
        elif not readiness.is_ready and (is_change or now >= self._say_at) and self._examiner.found is not None:
            self._log.error("not-ready", reasons=readiness.reasons, warnings=readiness.warnings)
            self._say_at = now + REPEAT_SECONDS
        with contextlib.suppress(OSError):
            self._channel.send(b"H", json.dumps([*readiness.reasons[:3]]).encode())

    def _write(self) -> None:
        try:
            files.replace(self._folder / HEALTH_FILE, json.dumps(self._state).encode())
        except PortError as error:
            self._log.error("health-not-written", error=str(error))

    def _listen(self) -> None:
        """Serve the pages once the port can be had: the process before us may have it for a moment yet."""
        where = self._settings.http
        if where is None or self._pages.is_listening:
            return
        try:
            self._pages.serve(listen(where, self._settings.socket_mode))
        except ListenError as error:
            said = f"the pages about health are not served: {error}"
            if said != self._unheard and time.monotonic() - self._started > BEAT:
                self._unheard = said
                self._log.error("not-served", error=str(error))
        else:
            self._unheard = ""


def _examined(found: Examined | None) -> dict[str, Any]:
    if found is None:
        return {"profile": "", "examined": 0.0, "keys": [], "keyless": [], "unsigned": []}
    return {
        "profile": found.digest,
        "examined": found.at,
        "keys": [_key(key) for key in found.keys],
        "keyless": list(found.keyless),
        "unsigned": list(found.unsigned),
    }


def _key(key: KeyHealth) -> dict[str, Any]:
    published = key.answer.published
    return {
        "name": key.name,
        "algorithm": key.algorithm,
        "verifies": not key.fault,
        "fault": key.fault,
        "used": key.is_used,
        "dns": key.answer.word,
        "says": published.says if published is not None else key.answer.silence,
        "remedy": published.remedy if published is not None else "",
        "asked": key.answer.asked,
        "answered": key.answer.answered,
        "secure": key.answer.is_secure,
    }


def _line(key: dict[str, Any]) -> str:
    signs = "verifies" if key["verifies"] else "DOES NOT VERIFY"
    return f"{key['name']}: {key['algorithm']}, {signs}, DNS {key['dns']}"
