"""Series of one process: each a number in a mapped file, found by its labels without a detour.

`Series` makes them by the library's value class for a slot, once for each combination of labels, and hands out what
adds to them. `Histogram` gathers observations and adds them to its buckets together, because a busy process has many
of them for one that somebody reads. Nothing here is thread-safe but `Series.add`, which the library's lock guards.
"""

import math
from bisect import bisect_left
from collections.abc import Iterable
from typing import Any

from prometheus_client.utils import floatToGoString
from prometheus_client.values import MultiProcessValue

from sealgate.app.metrics import Metric, MetricKind


class Files:
    """The files of a slot. One for each process; the folder is in the environment (`slots.VARIABLE`)."""

    def __init__(self, name: str) -> None:
        self._value = MultiProcessValue(lambda: name)

    def number(
        self, metric: Metric, labels: tuple[str, ...] = (), suffix: str = "", le: str = "", mode: str = ""
    ) -> Any:
        """A number that can be added to (`inc`) and set, as it stands in the file."""
        names, values = (*metric.label_names, "le") if le else metric.label_names, (*labels, le) if le else labels
        name = metric.name + suffix
        return self._value(metric.kind.value, metric.family, name, names, values, metric.help, multiprocess_mode=mode)


class Series:
    """A counter with its labels.

    Args:
        files: where the numbers are.
        metric: its description.
    """

    def __init__(self, files: Files, metric: Metric) -> None:
        self._files = files
        self._metric = metric
        self._adders: dict[tuple[str, ...], Any] = {}

    def add(self, labels: tuple[str, ...] = (), amount: float = 1) -> None:
        """Count."""
        adder = self._adders.get(labels)
        if adder is None:
            adder = self._adders.setdefault(labels, self._files.number(self._metric, labels).inc)
        adder(amount)


class Gauge:
    """A number that is set: summed over the living (`livesum`), or the largest of all that ever were (`max`)."""

    def __init__(self, files: Files, metric: Metric, mode: str = "livesum") -> None:
        self._number = files.number(metric, mode=mode)
        self.set = self._number.set


class Histogram:
    """Observations of one combination of labels, gathered until `write`."""

    def __init__(self, files: Files, metric: Metric, labels: tuple[str, ...] = ()) -> None:
        if metric.kind is not MetricKind.HISTOGRAM:
            raise TypeError(f"{metric.name} is no histogram")
        self._bounds = metric.buckets
        self._sum = files.number(metric, labels, "_sum")
        self._buckets = [
            files.number(metric, labels, "_bucket", le=floatToGoString(bound)) for bound in (*metric.buckets, math.inf)
        ]

    def write(self, values: Iterable[float]) -> None:
        """Add observations to the file."""
        counts: dict[int, int] = {}
        total = 0.0
        for value in values:
            at = bisect_left(self._bounds, value)  # a bound belongs to its bucket
            counts[at] = counts.get(at, 0) + 1
            total += value
        for at, count in counts.items():
            self._buckets[at].inc(count)
        if counts:
            self._sum.inc(total)
