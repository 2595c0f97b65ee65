"""What the supervisor says of itself: one JSON file in the runtime folder, replaced whole whenever it changes.

`sealgate status`, `sealgate mode` and the health process read it. It is first written when all workers are up, so that
whoever finds it finds a gate that serves; a reload is counted in it when all workers have acknowledged it, or when it
was refused. What can fail: the folder cannot be written, which the log says and which holds up no mail.
"""

import json
import os
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from sealgate import __version__
from sealgate.adapters import files
from sealgate.app.ports import PortError
from sealgate.app.readiness import Staff
from sealgate.app.runtime import Runtime
from sealgate.daemon.children import HEALTH, READER, WORKER, WRITER, Family

PID_FILE: Final = "sealgate.pid"  # written at once
STATUS_FILE: Final = "status.json"
HEALTH_FILE: Final = "health.json"  # the health process' own, which also holds the judgement
SILENT_SECONDS: Final = 10.0  # without an answer, after which a worker is said to be silent
STALE_SECONDS: Final = 20.0  # after which the health process' file says nothing any more


@dataclass(slots=True)
class Reloads:
    """How reloading went.

    Attributes:
        asked: reloads since the start.
        settled: those that all workers have acknowledged, or that were refused.
        failed: those of them that were refused.
        loaded: when the profile in force was read, in seconds since the epoch.
        last: the last one in words.
        problems: why it was refused; empty: it was not.
        kept: keys of the profile in force whose file cannot be used any more, with why.
        waiting: service settings that were changed since the start and take a restart.
    """

    asked: int = 0
    settled: int = 0
    failed: int = 0
    loaded: float = field(default_factory=time.time)
    last: str = "started"
    problems: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()
    waiting: tuple[str, ...] = ()


class StatusFile:
    """Writes the file.

    Args:
        folder: the runtime folder.
        wanted: worker processes there should be.
        born: what tells this program from the one it replaced, which had the same process id.
        log: told where the file cannot be written.
    """

    def __init__(self, folder: Path, wanted: int, born: float, log: Any) -> None:
        self._path = folder / STATUS_FILE
        self._wanted = wanted
        self._born = born
        self._log = log
        self._written: dict[str, Any] = {}
        self._behind_since = 0.0

    def write(self, runtime: Runtime, reloads: Reloads, family: Family) -> None:
        """Write what is the case now, unless it stands there already."""
        status = self._described(runtime, reloads, family)
        if status == self._written:
            return
        try:
            files.replace(self._path, json.dumps(status).encode())
        except PortError as error:
            self._log.error("status-not-written", error=str(error))
        self._written = status  # else a full disk would be complained of each second

    def _described(self, runtime: Runtime, reloads: Reloads, family: Family) -> dict[str, Any]:
        workers = family.of_kind(WORKER, leaving=False)
        behind = [c.pid for c in workers if c.digest not in ("", runtime.digest)]
        now, clock = time.time(), time.monotonic()
        silent = [c.pid for c in workers if c.asked and clock - c.asked > SILENT_SECONDS]
        self._behind_since = (self._behind_since or now) if behind else 0.0
        override = runtime.override if runtime.override is not None and now < runtime.override.until else None
        return {
            "pid": os.getpid(),
            "born": self._born,
            "version": __version__,
            "profile": runtime.digest,
            "mode": "enforce" if runtime.enforces_at(now) else "report",
            "override": {"until": override.until, "by": override.by, "why": override.why} if override else None,
            "seal": runtime.profile.seal,
            "reloads": reloads.settled,
            "reloads_failed": reloads.failed,
            "loaded_at": reloads.loaded,
            "last": reloads.last,
            "problems": list(reloads.problems),
            "kept": list(reloads.kept),
            "waiting": list(reloads.waiting),
            "wanted": self._wanted,
            "workers": [c.pid for c in workers],
            "starting": [c.pid for c in workers if not c.digest],
            "behind": behind,
            "silent": silent,
            "behind_since": self._behind_since,
            "draining": [c.pid for c in family.of_kind(WORKER, leaving=True)],
            "deaths": dict(family.deaths),
            "processes": {kind: [c.pid for c in family.of_kind(kind)] for kind in (WORKER, WRITER, READER, HEALTH)},
        }


def read_status(folder: Path) -> dict[str, Any]:
    """What the supervisor wrote into the runtime folder; empty where there is nothing that makes sense."""
    try:
        found = json.loads((folder / STATUS_FILE).read_bytes())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def read_staff(status: dict[str, Any], now: float, writer: str) -> Staff:
    """Turn the file into what readiness is judged by.

    Args:
        status: the file.
        now: seconds since the epoch.
        writer: why the audit writer does not answer.

    Raises:
        KeyError, TypeError: another version wrote it.
    """
    behind, starting = set(status["behind"]), set(status["starting"])
    silent = set(status["silent"]) - behind - starting
    return Staff(
        digest=str(status["profile"]),
        wanted=int(status["wanted"]),
        serving=len(set(status["workers"]) - starting - behind - silent),
        behind=len(behind),
        silent=len(silent),
        behind_for=now - status["behind_since"] if behind else 0.0,
        kept=tuple(status["kept"]),
        failed_reload="; ".join(status["problems"][:3]),
        writer=writer,
        seals=bool(status["seal"]),
    )
