"""What workers and the writer count.

`WorkerCounts` fills `app.observing.Observer`: counters are added to at once, so that a worker that is killed has
counted what it answered; times are gathered and leave with `tick`, which its main thread calls about once a second, or
earlier where there are many. `WriterCounts` gathers all it has until `tick`. Nothing raises: a fault of ours here is
said once in the log, and no message waits for it.
"""

import threading
import time
from collections import deque
from typing import Any, Final

from sealgate.adapters.prometheus.series import Files, Gauge, Histogram, Series
from sealgate.adapters.prometheus.slots import Slot
from sealgate.app import metrics
from sealgate.app.observing import SIGNED, STAGES, STEPS, UNSIGNED, DomainLabels, Timings, sighted
from sealgate.app.screen import Outcome
from sealgate.profile.model import Profile

MOST_GATHERED: Final = 256  # messages whose times are kept in memory
WORKER_FILES: Final = ("counter", "histogram", "gauge_livesum")
WRITER_FILES: Final = (*WORKER_FILES, "gauge_max")


class WorkerCounts:
    """The counts of one worker.

    Args:
        slot: whose files are written.
        log: told the first fault.
    """

    def __init__(self, slot: Slot, log: Any) -> None:
        files = Files(slot.name)
        self.slot = slot  # held as long as this process lives
        self._log = log
        self._labels = DomainLabels()
        self._messages = Series(files, metrics.MESSAGES)
        self._domains = Series(files, metrics.DOMAIN_MESSAGES)
        self._accepted = Series(files, metrics.ACCEPTED)
        self._signatures = Series(files, metrics.SIGNATURES)
        self._findings = Series(files, metrics.FINDINGS)
        self._spared = Series(files, metrics.SPARED)
        self._strangers = Series(files, metrics.UNAUTHENTICATED)
        self._faults = Series(files, metrics.FAULTS)
        self._stages = [Histogram(files, metrics.STAGE, (name,)) for name in STAGES]
        self._connections = Gauge(files, metrics.CONNECTIONS)
        self._transactions = Gauge(files, metrics.TRANSACTIONS)
        self._timings: deque[Timings] = deque()
        self._lock = threading.Lock()
        self._has_failed = False
        self._strangers.add(amount=0)  # a series that begins at 1 has no rate, and alerts look at rates
        for seal in (SIGNED, *UNSIGNED):
            self._accepted.add((seal,), 0)
        for step in STEPS:
            self._faults.add((step,), 0)

    def observe(self, outcome: Outcome, profile: Profile, timings: Timings) -> None:
        """Count a message that was recorded and is about to be answered."""
        try:
            seen = sighted(outcome, self._labels.of(profile))
            self._messages.add(seen.message)
            self._domains.add(seen.domain)
            if seen.seal:
                self._accepted.add((seen.seal,))
            for signature in seen.signatures:
                self._signatures.add(signature)
            for finding in seen.findings:
                self._findings.add(finding)
            if seen.would:
                self._spared.add((seen.would,))
            if seen.is_stranger:
                self._strangers.add()
            self._timings.append(timings)
            if len(self._timings) >= MOST_GATHERED:
                self._write_times()
        except Exception as error:
            self._failed(error)

    def observe_fault(self, step: str) -> None:
        """Count a fault of ours."""
        try:
            self._faults.add((step,))
        except Exception as error:
            self._failed(error)

    def tick(self, connections: int, transactions: int) -> None:
        """Write what was gathered, and how many connections and messages there are now."""
        try:
            self._write_times()
            self._connections.set(connections)
            self._transactions.set(transactions)
        except Exception as error:
            self._failed(error)

    def _write_times(self) -> None:
        with self._lock:
            gathered: list[Timings] = []
            while self._timings:
                gathered.append(self._timings.popleft())
            for stage, values in zip(self._stages, zip(*gathered, strict=True), strict=False):
                stage.write([value for value in values if value is not None])

    def _failed(self, error: Exception) -> None:
        if not self._has_failed:
            self._has_failed = True
            self._log.error("not-counted", error=repr(error))


class WriterCounts:
    """The counts of the writer process; its one thread calls all of it."""

    def __init__(self, slot: Slot, log: Any) -> None:
        files = Files(slot.name)
        self.slot = slot  # held as long as this process lives
        self._log = log
        self._lines = Series(files, metrics.WRITER_LINES)
        self._batch = Histogram(files, metrics.WRITER_BATCH)
        self._sync = Histogram(files, metrics.WRITER_SYNC)
        self._errors = Series(files, metrics.WRITER_ERRORS)
        self._waiting = Gauge(files, metrics.WRITER_WAITING)
        self._failing = Gauge(files, metrics.WRITER_FAILING)
        self._error_at = Gauge(files, metrics.WRITER_ERROR_AT, "max")
        self._batches: list[float] = []  # lines of each, whatever became of it
        self._seconds: list[float] = []  # of those that were written
        self._written = self._refused = 0
        self._has_failed = False
        self._lines.add(amount=0)
        self._errors.add(amount=0)

    def wrote(self, lines: int, seconds: float, *, is_written: bool) -> None:
        """A batch was written, or could not be."""
        self._batches.append(lines)
        if is_written:
            self._written += lines
            self._seconds.append(seconds)
        else:
            self._refused += 1
        if len(self._batches) >= MOST_GATHERED:
            self._guarded()

    def tick(self, *, is_failing: bool) -> None:
        """Write what was gathered."""
        self._guarded(is_failing)

    def _guarded(self, is_failing: bool | None = None) -> None:
        try:
            self._waiting.set(max(self._batches, default=0))
            self._write()
            if is_failing is not None:
                self._failing.set(int(is_failing))
        except Exception as error:
            if not self._has_failed:
                self._has_failed = True
                self._log.error("not-counted", error=repr(error))

    def _write(self) -> None:
        batches, seconds = self._batches, self._seconds
        written, refused = self._written, self._refused
        self._batches, self._seconds, self._written, self._refused = [], [], 0, 0
        self._batch.write(batches)
        self._sync.write(seconds)
        if written:
            self._lines.add(amount=written)
        if refused:
            self._errors.add(amount=refused)
            self._error_at.set(time.time())
