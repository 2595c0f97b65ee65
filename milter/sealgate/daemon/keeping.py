"""What the writer process keeps: the audit file, the personal values beside it, the counts of refusals, the clock.

`Keeper` knows no socket; the loop around it is in `daemon.writing`. Promises: `write` returns only for lines that are
as durable as the operator wants them; what is due without being asked (checkpoints, refusals of the last minute, syncs,
a clock that was set) is done by `tick`, each of it also where something else fails, and is tried again.

What can fail: disks. `write` raises `PortError`; everything else shows in `fault`.
"""

import hashlib
import socket
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

from sealgate.adapters.journal import JournalFile, timestamp
from sealgate.adapters.personal import SideFiles
from sealgate.app.ports import PortError
from sealgate.audit.chain import Cut, cut
from sealgate.audit.counting import Refusals

MEMORY: Final = 30.0  # seconds for which a write that failed is told to who asks how we are
CLOCK_STEP: Final = 2.0  # seconds by which the wall clock may differ from what has passed


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

    @property
    def name(self) -> str:
        """What the records name as this host."""
        return self.host or socket.gethostname()


class Counts(Protocol):
    """Counts what was written, for the metrics. Nothing is raised."""

    def wrote(self, lines: int, seconds: float, *, is_written: bool) -> None:
        """A batch was written and synced, or could not be."""

    def tick(self, *, is_failing: bool) -> None:
        """About a second is over."""


class Keeper:
    """Writes what it is given, and what is due.

    Args:
        journal: the open audit file; `close` closes it.
        side: the files of personal values, if there are any.
        keeping: the durability, and the name of the host.
        now: the wall clock as RFC 3339.
        counts: what is counted for the metrics, if anything.
        covered: how many lines the newest checkpoint covered before the file was opened.
    """

    def __init__(
        self,
        journal: JournalFile,
        side: SideFiles | None,
        keeping: Keeping,
        now: Callable[[], str] = timestamp,
        counts: Counts | None = None,
        covered: int = 0,
    ) -> None:
        self._journal = journal
        self._side = side
        self._is_synced = keeping.durability == "before-verdict"
        self._is_at_intervals = keeping.durability == "interval"
        self._mark = {"v": 1, "host": keeping.name}
        self._now = now
        self._counts = counts
        self._refusals = Refusals()
        self._clock = Clock()
        self._fault, self._failed_at = "", 0.0
        self._lost = covered if covered > journal.head.seq else 0

    def start(self) -> None:
        """Say so where lines are gone that a checkpoint covers, and where the clock stands before the last line's."""
        self._try(self._tell_of_lost)
        last = self._journal.last_moment
        if last > self._now():
            said = {"kind": "clock", "why": "the last line is of a later time", "before": last}
            self._try(lambda: self._own(said))

    def write(self, lines: Sequence[Cut], side: Sequence[tuple[str, bytes]]) -> int:
        """Write lines and personal values; return the number of the last line.

        Raises:
            PortError: it is not certain that all of them are as durable as they should be.
        """
        started = time.perf_counter()
        try:
            if side and self._side is not None:
                self._side.append(side)
            number = self._journal.append(lines, sync=self._is_synced)
        except PortError as error:
            self._failed(error)
            if self._counts is not None:
                self._counts.wrote(len(lines), time.perf_counter() - started, is_written=False)
            raise
        self._fault = ""
        if self._counts is not None:
            self._counts.wrote(len(lines), time.perf_counter() - started, is_written=True)
        return number

    def count(self, refusal: dict[str, Any]) -> None:
        """Count one refusal; its line comes when the minute is over."""
        self._refusals.add(refusal, self._now())

    @property
    def fault(self) -> str:
        """How the last write failed; empty where it did not. Old news are none: it may be mended."""
        return self._fault if time.monotonic() - self._failed_at < MEMORY else ""

    def tick(self) -> None:
        """Do what is due; to be called about once a second."""
        if step := self._clock.step():
            said = {"kind": "clock", "why": "the clock was set", "milliseconds": round(step * 1000)}
            self._try(lambda: self._own(said))
        self._try(lambda: self._tell(self._refusals.due(self._now())))
        if self._is_at_intervals:
            self._try(self._journal.sync)
        if self._side is not None:
            self._try(self._side.sync)
        self._try(self._tell_of_lost)
        self._try(self._journal.tick)
        if self._counts is not None:
            self._counts.tick(is_failing=bool(self.fault))

    def part(self) -> None:
        """Write what was counted so far: another writer will not know of it."""
        self._try(lambda: self._tell(self._refusals.all()))
        if self._counts is not None:
            self._counts.tick(is_failing=bool(self.fault))

    def close(self) -> None:
        """Let the files go."""
        if self._side is not None:
            self._side.close()
        self._journal.close()

    def _tell_of_lost(self) -> None:
        """Say so, before a new checkpoint replaces the one that shows it: a file was restored, cut or taken away."""
        head = self._journal.head
        if self._lost:
            self._own({
                "kind": "gap", "why": "the files lack lines that the newest checkpoint covers", "octets": 0,
                "sha256": hashlib.sha256(b"").hexdigest(), "covered": self._lost,
                "synced": {"seq": head.seq, "digest": head.digest},
            })  # fmt: skip
        self._lost = 0

    def _tell(self, refusals: Sequence[dict[str, Any]]) -> None:
        if refusals:
            self._own(*refusals)
            self._refusals.forget()

    def _own(self, *events: dict[str, Any]) -> None:
        """Write lines that nobody waits for."""
        moment = self._now()
        self._journal.append([cut({**self._mark, "t": moment, **event}) for event in events], sync=self._is_synced)

    def _try(self, work: Callable[[], None]) -> None:
        try:
            work()
        except PortError as error:
            self._failed(error)

    def _failed(self, error: PortError) -> None:
        self._fault, self._failed_at = str(error), time.monotonic()


class Clock:
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
