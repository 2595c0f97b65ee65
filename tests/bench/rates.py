"""How many messages a second, against OpenDKIM and dkimpy-milter, by size of message and number of connections.

`measured` starts every contender on a Unix socket and drives `load.c` against each in turn; `over_tcp` does the same on
TCP, one connection, where an unwise filter waits 40 ms a message for the other side's delayed acknowledgement. In each
case the messages differ in recipient, name and opt-out token, as those of a campaign do, but for the case that says
otherwise. A peer that is not installed is left out, and named in `Found.absent`.
"""

import contextlib
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tests.bench import contenders, messages, ratio
from tests.bench.contenders import Absent
from tests.bench.ratio import OpenDkim, Run, Served
from tests.lab.ports import free_ports

GATE: Final = "gate"
BOTH: Final = "gate, RSA and Ed25519"
ALONE: Final = "gate, one worker"
OPENDKIM: Final = "OpenDKIM"
DKIMPY: Final = "dkimpy-milter"
# Messages of a round, of those asked for: a round of a slow filter shall take no longer than the others'.
_WEIGHTS: Final = {GATE: 1.0, BOTH: 0.25, ALONE: 0.25, OPENDKIM: 1.0, DKIMPY: 0.1}
_PEERS: Final = (GATE, OPENDKIM, DKIMPY)


@dataclass(frozen=True, slots=True)
class Case:
    """One row of the matrix.

    Attributes:
        size: a key of `messages.SIZES`.
        connections: milter connections at a time.
        share: of the messages asked for.
        who: the contenders.
        differs: whether messages differ in recipient, name and token; else in the envelope alone.
    """

    size: str
    connections: int
    share: float
    who: tuple[str, ...] = _PEERS
    differs: bool = True

    @property
    def name(self) -> str:
        """As the tables call it."""
        plural = "s" if self.connections > 1 else ""
        text = f"{self.size} KB, {self.connections} connection{plural}"
        return text if self.differs else f"{text}, one text for all"


WHOLE: Final = Case("20", 8, 1.0, (GATE, OPENDKIM, DKIMPY, BOTH, ALONE))
SAME: Final = Case("20", 8, 0.2, differs=False)
SMALL: Final = Case("0.5", 8, 0.4, (GATE, OPENDKIM, DKIMPY, BOTH))
TCP: Final = Case("20", 1, 0.1, (GATE, OPENDKIM))
TCP_NAME: Final = f"TCP, {TCP.name}"
_SHARES: Final = {"0.5": 0.2, "20": 0.05, "200": 0.03}


def cases(*, full: bool) -> tuple[Case, ...]:
    """What is measured on Unix sockets: the claims, then the matrix of sizes and connections, or a cross of it."""
    claimed = (WHOLE, SAME, SMALL)
    known = {case.name for case in claimed}
    matrix = [Case(size, connections, _SHARES[size]) for size in _SHARES for connections in (1, 4, 8, 32)]
    wanted = [case for case in matrix if full or case.size == "20" or (case.size == "200" and case.connections == 8)]
    return (*claimed, *(case for case in wanted if case.name not in known))


@dataclass(frozen=True, slots=True)
class Found:
    """What a part of the bench brought: runs by case and contender, single figures, and who was absent and why."""

    runs: dict[str, dict[str, list[Run]]] = field(default_factory=dict)
    figures: dict[str, float] = field(default_factory=dict)
    absent: dict[str, str] = field(default_factory=dict)


def measured(folder: Path, count: int, rounds: int, *, full: bool = False) -> Found:
    """Measure all cases on Unix sockets.

    Args:
        folder: for sockets, keys and records; every account can enter it.
        count: messages a round of the first case; the others take their share of it.
        rounds: how often.
        full: the whole matrix.

    Raises:
        BenchError: a contender does not start, or did not sign all.
    """
    found = Found()
    with _started(folder, found) as served:
        for case in cases(full=full):
            found.runs[case.name] = run(case, served, folder, count, rounds)
    return found


def run(case: Case, served: dict[str, Served], folder: Path, count: int, rounds: int) -> dict[str, list[Run]]:
    """Measure one case; contenders that are not served are left out."""
    template = folder / f"template-{case.size}-{case.differs}"
    template.write_bytes(messages.newsletter(case.size) if case.differs else messages.filled(case.size, 7))
    filters = {name: served[name] for name in case.who if name in served}
    counts = {name: max(int(count * case.share * _WEIGHTS[name]), 2 * case.connections, 10) for name in filters}
    return ratio.compare(filters, template, counts, case.connections, rounds)


@contextlib.contextmanager
def _started(folder: Path, found: Found) -> Iterator[dict[str, Served]]:
    with contextlib.ExitStack() as stack:
        (folder / "opendkim").mkdir()
        dkim = stack.enter_context(OpenDkim(folder / "opendkim"))
        served = {OPENDKIM: Served(dkim.socket, dkim.pid)}
        try:
            served[DKIMPY] = stack.enter_context(contenders.dkimpy_milter(folder / "dkimpy"))
        except Absent as error:
            found.absent[DKIMPY] = str(error)
        served[GATE] = stack.enter_context(contenders.gate(folder / "gate"))
        served[BOTH] = stack.enter_context(contenders.gate(folder / "both", both_keys=True))
        served[ALONE] = stack.enter_context(contenders.gate(folder / "alone", workers=1))
        yield served


def over_tcp(folder: Path, count: int, rounds: int) -> Found:
    """Measure one connection over TCP. OpenDKIM takes 40 ms and more for a message there, so it is sent few."""
    ours, theirs = free_ports(2)
    (folder / "opendkim-tcp").mkdir()
    with (
        OpenDkim(folder / "opendkim-tcp", port=theirs) as dkim,
        contenders.gate(folder / "gate-tcp", port=ours) as gate,
    ):
        template = folder / "template-tcp"
        messages.write(template, TCP.size)
        filters = {GATE: gate, OPENDKIM: Served(dkim.socket, dkim.pid)}
        asked = max(int(count * TCP.share), 20)
        runs = ratio.compare(filters, template, {GATE: asked, OPENDKIM: min(asked, 25)}, TCP.connections, rounds)
    return Found({TCP_NAME: runs})


def cpu_times(runs: Sequence[Run], others: Sequence[Run]) -> float | None:
    """How many times the processor time a message: the median of the rounds; None where one was not measured."""
    pairs = [a.cpu_ms / b.cpu_ms for a, b in zip(runs, others, strict=True) if b.cpu_ms]
    return statistics.median(pairs) if pairs else None
