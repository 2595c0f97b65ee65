"""The page `/metrics`, and the figures of `sealgate status`, made in the health process.

What workers and writer have counted is summed up from their files; what they cannot say of themselves is taken from the
supervisor's status file, from the judgement of readiness, and from /proc, when somebody asks. A page is kept for
`KEEP` seconds, so that many clients cost no more than one. What cannot be read is left out: a page with a gap tells
more than none.
"""

import os
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from sealgate import __version__
from sealgate.adapters.prometheus import WHY_NOT
from sealgate.app import metrics
from sealgate.app.metrics import Metric
from sealgate.app.observing import SIGNED
from sealgate.app.ports import PortError
from sealgate.daemon.children import HEALTH, READER, WORKER, WRITER
from sealgate.daemon.measuring import counted_in, sums
from sealgate.daemon.pages import Page

if not WHY_NOT:
    from sealgate.adapters.prometheus import page

KEEP: Final = 1.0  # seconds
MOST_KEYS: Final = 200
_PAGE_OCTETS: Final = os.sysconf("SC_PAGE_SIZE")
_PUBLISHED: Final = ("ok", "testing")
_UNKNOWN: Final = ("unknown", "unasked")
Shown = tuple[Metric, tuple[str, ...], float]


class MetricsPage:
    """Makes the page.

    Args:
        audit_log: the audit file, for what is free on its disk.
    """

    def __init__(self, audit_log: Path) -> None:
        self._audit_log = audit_log
        self._made: tuple[float, Page] | None = None

    def answer(self, status: Mapping[str, Any], health: Mapping[str, Any]) -> Page:
        """The page, at most `KEEP` seconds old.

        Args:
            status: what the supervisor says (`daemon.status`).
            health: what the health process found.
        """
        now = time.monotonic()
        if self._made is None or not 0 <= now - self._made[0] < KEEP:
            self._made = (now, self._page(status, health))
        return self._made[1]

    def _page(self, status: Mapping[str, Any], health: Mapping[str, Any]) -> Page:
        try:
            counted = sums()
        except PortError as error:
            return Page(500, f"the counts cannot be read: {error}\n".encode("utf-8", "replace"))
        shown = [*_of_supervisor(status), *_of_health(health), *_of_processes(status), *_free(self._audit_log)]
        accepted = counted.by(metrics.ACCEPTED, "seal")
        if total := sum(accepted.values()):
            shown.append((metrics.UNSIGNED_RATIO, (), (total - accepted.get(SIGNED, 0.0)) / total))
        return Page(200, page.rendered(counted, shown), page.CONTENT_TYPE)


def figures() -> dict[str, Any]:
    """What a person wants to know of the counts; empty where nothing is counted, or it cannot be read."""
    if counted_in() is None:
        return {}
    try:
        found = sums()
    except PortError:
        return {}
    accepted = {name: int(value) for name, value in found.by(metrics.ACCEPTED, "seal").items()}
    return {
        "messages": {name: int(value) for name, value in found.by(metrics.MESSAGES, "verdict").items()},
        "signed": accepted.pop(SIGNED, 0),
        "unsigned": accepted,
        "faults": int(found.total(metrics.FAULTS)),
        "connections": int(found.total(metrics.CONNECTIONS)),
        "transactions": int(found.total(metrics.TRANSACTIONS)),
        "writer": {
            "lines": int(found.total(metrics.WRITER_LINES)),
            "waiting": int(found.total(metrics.WRITER_WAITING)),
            "errors": int(found.total(metrics.WRITER_ERRORS)),
            "last_error": found.total(metrics.WRITER_ERROR_AT),
        },
    }


def _of_supervisor(status: Mapping[str, Any]) -> Iterator[Shown]:
    """What the status file says; nothing where another version wrote it."""
    yield metrics.BUILD, (__version__,), 1
    try:
        found = list(_read(status))
    except (KeyError, TypeError, ValueError):
        return
    yield from found


def _read(status: Mapping[str, Any]) -> Iterator[Shown]:
    yield metrics.PROFILE, (str(status["profile"]),), 1
    yield metrics.ENFORCING, (), float(status["mode"] == "enforce")
    yield metrics.START, (), float(status["born"])
    yield metrics.WANTED, (), float(status["wanted"])
    unwell = {name: len(status[name]) for name in ("starting", "behind", "silent", "draining")}
    well = len(set(status["workers"]) - set(status["starting"]) - set(status["behind"]) - set(status["silent"]))
    for state, count in {"serving": well, **unwell}.items():
        yield metrics.WORKERS, (state,), float(count)
    failed = int(status["reloads_failed"])
    yield metrics.RELOADS, ("done",), float(status["reloads"] - failed)
    yield metrics.RELOADS, ("failed",), float(failed)
    yield metrics.RELOAD_OK, (), float(not status["problems"])
    yield metrics.RELOAD_AT, (), float(status["loaded_at"])
    for kind in (WORKER, WRITER, READER, HEALTH):
        yield metrics.DEATHS, (kind,), float(status["deaths"].get(kind, 0))


def _of_health(health: Mapping[str, Any]) -> Iterator[Shown]:
    """What the judgement says; `health` is what this very process made."""
    yield metrics.READY, (), float(bool(health.get("ready")))
    yield metrics.REASONS, (), float(len(health.get("reasons", ())))
    yield metrics.WARNINGS, (), float(len(health.get("warnings", ())))
    yield metrics.KEYLESS, (), float(len(health.get("keyless", ())))
    for key in health.get("keys", ())[:MOST_KEYS]:
        yield metrics.KEY_VERIFIES, (key["name"],), float(bool(key["verifies"]))
        if key["dns"] not in _UNKNOWN:
            yield metrics.KEY_PUBLISHED, (key["name"],), float(key["dns"] in _PUBLISHED)


def _of_processes(status: Mapping[str, Any]) -> Iterator[Shown]:
    processes = status.get("processes")
    groups: dict[str, Any] = {"supervisor": [status.get("pid")], **(processes if isinstance(processes, dict) else {})}
    for kind in ("supervisor", WORKER, WRITER, READER, HEALTH):
        for number, pid in enumerate(groups.get(kind, ())):
            labels = (kind, str(number))
            for metric, value in _seen(pid):
                yield metric, labels, value


def _seen(pid: object) -> Iterable[tuple[Metric, float]]:
    """What /proc tells of a process; nothing where it has ended."""
    folder = Path("/proc") / str(pid)
    try:
        resident = int((folder / "statm").read_bytes().split()[1]) * _PAGE_OCTETS
        limits = (folder / "limits").read_bytes().splitlines()
        limit = next(line.split()[3] for line in limits if line.startswith(b"Max open files"))
        is_limited = limit.isdigit()
        found = [(metrics.MEMORY, float(resident)), (metrics.DESCRIPTORS, float(len(os.listdir(folder / "fd"))))]
        return [*found, (metrics.DESCRIPTOR_LIMIT, float(limit) if is_limited else float("inf"))]
    except (OSError, ValueError, IndexError, StopIteration):
        return ()


def _free(audit_log: Path) -> Iterator[Shown]:
    try:
        disk = os.statvfs(audit_log.parent)
    except OSError:
        return
    yield metrics.AUDIT_FREE, (), float(disk.f_bavail * disk.f_frsize)
