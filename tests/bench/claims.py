"""What is claimed of the gate's speed and memory: targets, and what was measured beside each, met or not.

`CLAIMS` is the list that report and page show. `judged` takes what the parts of the bench found and says of every claim
what was measured, `None` where a peer was missing or the part was left out; nothing is rounded before it is held
against its target. Pure: it measures nothing.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from tests.bench import rates, relay
from tests.bench.rates import ALONE, BOTH, DKIMPY, GATE, OPENDKIM, SAME, SMALL, TCP_NAME, WHOLE, Found
from tests.bench.ratio import Run, times
from tests.bench.relay import NOTHING


@dataclass(frozen=True, slots=True)
class Claim:
    """A claim.

    Attributes:
        says: what is compared or read.
        target: the figure to be reached; None: told, without a target.
        at_least: whether more is better.
        unit: behind the figure.
        digits: after the point.
        figure: how it is had from what was found; None where it was not measured.
    """

    says: str
    target: float | None
    at_least: bool
    unit: str
    digits: int
    figure: Callable[[Found], float | None]

    def wanted(self) -> str:
        """The target as a table shows it."""
        if self.target is None:
            return "-"
        return f"{'at least' if self.at_least else 'at most'} {self.target:,g} {self.unit}"

    def shown(self, figure: float | None) -> str:
        """What was measured as a table shows it."""
        return "not measured" if figure is None else f"{figure:,.{self.digits}f} {self.unit}"

    def verdict(self, figure: float | None) -> str:
        """`met`, `short`, or `-` where there is no target or no figure."""
        if self.target is None or figure is None:
            return "-"
        return "met" if (figure >= self.target if self.at_least else figure <= self.target) else "short"


def _times(says: str, case: str, ours: str, theirs: str, target: float | None) -> Claim:
    """The rate of one as so many times the other's."""

    def figure(found: Found) -> float | None:
        runs: dict[str, list[Run]] = found.runs.get(case, {})
        return times(runs, ours, theirs)

    return Claim(f"{case}: {says}", target, True, "x", 2, figure)


def _read(says: str, name: str, unit: str, target: float, digits: int = 1) -> Claim:
    return Claim(says, target, False, unit, digits, lambda found: found.figures.get(name))


def _two_workers(found: Found) -> float | None:
    runs = found.runs.get(WHOLE.name, {})
    return rates.cpu_times(runs.get(GATE, ()), runs.get(ALONE, ()))


CLAIMS: Final = (
    _times("the whole job : OpenDKIM's signature", WHOLE.name, GATE, OPENDKIM, 1.3),
    _times("the whole job : dkimpy-milter's signature", WHOLE.name, GATE, DKIMPY, None),
    _times("the whole job : OpenDKIM's signature", SAME.name, GATE, OPENDKIM, None),
    _times("the whole job : OpenDKIM's signature", SMALL.name, GATE, OPENDKIM, 2.0),
    _times("with RSA and Ed25519 : OpenDKIM with RSA alone", SMALL.name, BOTH, OPENDKIM, 1.0),
    _times("with RSA and Ed25519 : OpenDKIM with RSA alone", WHOLE.name, BOTH, OPENDKIM, 1.0),
    _times("the whole job : OpenDKIM's signature", TCP_NAME, GATE, OPENDKIM, 20.0),
    _times("with the gate : with OpenDKIM", relay.NAME, GATE, OPENDKIM, 1.0),
    _times("with the gate : with OpenDKIM", relay.SAME, GATE, OPENDKIM, None),
    _times("with the gate : with no milter", relay.NAME, GATE, NOTHING, None),
    _read("memory of a worker after all messages", "memory_mb", "MB", 60.0),
    _read("... growth for each 1,000 messages, second half", "memory_slope_kb", "KB", 1.0),
    _read("2,000 idle connections: more memory, all workers", "idle_mb", "MB", 40.0),
    Claim("processor time a message: two workers : one", 1.1, False, "x", 2, _two_workers),
)


def judged(found: Found) -> list[tuple[Claim, float | None]]:
    """Every claim, with what was measured."""
    return [(claim, claim.figure(found)) for claim in CLAIMS]
