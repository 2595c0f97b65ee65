"""The page: numbers of all processes summed up, and beside them what is only seen from outside.

`summed` reads the files of a folder while others write them, without holding anybody up; `rendered` writes the text
format of Prometheus (0.0.4, which every version of it reads). What can fail: the folder is gone, or a file of another
version of the library is in it: `PortError`.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final, TypeAlias

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.multiprocess import MultiProcessCollector

from sealgate.adapters.prometheus.slots import sweep
from sealgate.app.metrics import METRICS, Metric
from sealgate.app.ports import PortError

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
Shown: TypeAlias = tuple[Metric, tuple[str, ...], float]
"""A metric, its label values, the value."""


class Sums:
    """What all processes have counted, at one moment."""

    def __init__(self, families: Iterable[Any] = ()) -> None:
        self.families: Mapping[str, Any] = {family.name: family for family in families}

    def by(self, metric: Metric, label: str) -> dict[str, float]:
        """The values of a counter by one label, summed over the others."""
        found: dict[str, float] = defaultdict(float)
        for sample in self._samples(metric):
            found[sample.labels.get(label, "")] += sample.value
        return dict(found)

    def total(self, metric: Metric) -> float:
        """The sum over all labels of a counter or gauge; 0 where nobody counted."""
        return float(sum(sample.value for sample in self._samples(metric)))

    def _samples(self, metric: Metric) -> Iterator[Any]:
        family = self.families.get(metric.family)
        return iter(family.samples if family is not None else ())


def summed(folder: Path) -> Sums:
    """Read what all processes have counted.

    Raises:
        PortError: it cannot be read.
    """
    sweep(folder)
    try:
        return Sums(MultiProcessCollector.merge([str(path) for path in folder.glob("*.db")]))
    except Exception as error:  # a file that makes no sense raises what it likes
        raise PortError(f"{folder}: {error!r}") from error


def rendered(sums: Sums, shown: Iterable[Shown]) -> bytes:
    """Write the page: every metric that has a value, in the order of the catalogue."""
    families = dict(sums.families)
    for metric, labels, value in shown:
        family = families.get(metric.family)
        if family is None:
            family = families[metric.family] = Family(metric.family, metric.help, metric.kind.value)
        family.add_sample(metric.name, dict(zip(metric.label_names, labels, strict=True)), value)
    registry = CollectorRegistry()
    registry.register(_Ready([families[m.family] for m in METRICS if m.family in families]))
    return generate_latest(registry)


class _Ready:
    """Families that are made already, as the library wants to have them."""

    def __init__(self, families: list[Any]) -> None:
        self._families = families

    def collect(self) -> list[Any]:
        """All of them."""
        return self._families
