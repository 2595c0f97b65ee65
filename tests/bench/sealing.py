"""The signing path, measured: against dkimpy, against OpenDKIM, and step by step.

    python -m tests.bench sealing [--rounds 3] [--seconds 0.5] [--json | --write]

All contenders of a table run in turn, round after round; a figure is the median of the rounds, a ratio the median of
the ratios round by round, so that others who use the machine disturb it little. Four contenders are processes of their
own that sign by function calls (see `signers`); OpenDKIM and the whole gate serve the milter protocol, as in `ratio`.
What is not installed is left out and named. `--write` puts the tables into doc/performance.md. A contender that fails,
or a message that is not accepted and signed, ends the program with status 1.
"""

import argparse
import contextlib
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from tests.bench import bodies, messages, page, ratio, signers
from tests.bench.ratio import BenchError, OpenDkim, Served, StartGate

BEGIN: Final = "<!-- signing: begin -->"
END: Final = "<!-- signing: end -->"
SIZES: Final = ("0.5", "20", "5000")
THREADS: Final = (1, 4, 8)
MILTERS: Final = ("OpenDKIM", "gate")
CONTENDERS: Final = (*(kind.name for kind in signers.KINDS), *MILTERS)
REFERENCE: Final = "prose"  # the ordinary text that hostile ones are held against
Table = tuple[str, tuple[str, ...], list[list[str]]]  # title, column heads, rows
Run = Callable[[str, int, int], tuple[float, float]]  # size, threads, count -> seconds, processor seconds
Case = dict[str, list[tuple[float, float]]]  # by contender and round: messages a second, processor ms a message


@contextlib.contextmanager
def _contenders(start_gate: StartGate | None) -> Iterator[tuple[dict[str, Run], dict[str, str]]]:
    """Start all; yield how each is measured, and its versions or why it is missing."""
    runs: dict[str, Run] = {}
    said: dict[str, str] = {}
    with contextlib.ExitStack() as stack:
        for kind in signers.KINDS:
            if not kind.python.exists():
                said[kind.name] = f"left out: there is no {kind.python.relative_to(signers.ROOT)}"
                continue
            signer = stack.enter_context(signers.Signer(kind))
            runs[kind.name], said[kind.name] = signer.measure, signer.versions
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
        folder.chmod(0o755)
        for size in SIZES:
            messages.write(folder / size, size)
        for name in MILTERS:
            (folder / name).mkdir()
        served: dict[str, Served] = {}
        try:
            dkim = stack.enter_context(OpenDkim(folder / "OpenDKIM"))
            served["OpenDKIM"] = Served(dkim.socket, dkim.pid)
        except BenchError as error:
            said["OpenDKIM"] = f"left out: {error}"
        if start_gate is not None:
            served["gate"] = stack.enter_context(start_gate(folder / "gate"))
        for name, at in served.items():
            runs[name] = _milter(at, folder)
        yield runs, said


def _milter(served: Served, folder: Path) -> Run:
    base = 0

    def run(size: str, threads: int, count: int) -> tuple[float, float]:
        nonlocal base
        said = ratio.measure(served, folder / size, count, threads, base)
        base += count
        return count / ratio.judged(said, count).rate, said["cpu_seconds"]

    return run


def speeds(runs: dict[str, Run], rounds: int, seconds: float) -> dict[str, Case]:
    """What each contender did, by case ("20 KB, 4")."""
    found: dict[str, Case] = {}
    for size in SIZES:
        for threads in THREADS:
            counts = {name: _count(run, size, threads, seconds) for name, run in runs.items()}
            case: Case = {name: [] for name in runs}
            for _ in range(rounds):
                for name, run in runs.items():
                    took, cpu = run(size, threads, counts[name])
                    case[name].append((counts[name] / took, cpu / counts[name] * 1e3))
            found[_case(size, threads)] = case
    return found


def _count(run: Run, size: str, threads: int, seconds: float) -> int:
    """How many messages take about so many seconds."""
    run(size, threads, threads)
    return max(threads, int(seconds * threads / run(size, threads, threads)[0]))


def _case(size: str, threads: int) -> str:
    return f"{float(size):,g} KB, {threads}"


def ratio_of(case: Case, ours: str, theirs: str, *, by_cpu: bool = False) -> str:
    """How many times as fast, by the clock or by processor time: the median of the rounds."""
    if ours not in case or theirs not in case:
        return "-"
    pairs = zip(case[ours], case[theirs], strict=True)
    return f"{statistics.median(b[1] / max(a[1], 1e-3) if by_cpu else a[0] / b[0] for a, b in pairs):.1f}"


def report(start_gate: StartGate | None, rounds: int, seconds: float) -> dict[str, Any]:
    """Measure everything."""
    loads = [os.getloadavg()[0]]
    began = time.monotonic()
    with _contenders(start_gate) as (runs, said):
        rates = speeds(runs, rounds, seconds)
    loads.append(os.getloadavg()[0])
    found = {
        "rates": rates,
        "steps": bodies.ledger(max(5, rounds)),
        "bodies": bodies.milliseconds((*bodies.ORDINARY, *bodies.HOSTILE), rounds),
        "headers": bodies.large_headers(max(5, rounds)),
        "memory": bodies.memory(),
    }
    loads.append(os.getloadavg()[0])
    surroundings = ratio.surroundings() if "OpenDKIM" in runs else {}
    surroundings |= {
        **said,
        "work": f"{rounds} rounds of {seconds:g} s, {time.monotonic() - began:.0f} s in all; one-minute load at begin,"
        f" after the contenders and at the end: {', '.join(f'{load:.1f}' for load in loads)}",
    }
    return {"surroundings": surroundings, **found}


def tables(found: dict[str, Any]) -> list[Table]:
    """The report as tables."""
    ours, ours_debian, dkimpy, dkimpy_debian = CONTENDERS[:4]
    pairs = ((ours, dkimpy), (ours_debian, dkimpy_debian), (ours, "OpenDKIM"), ("gate", "OpenDKIM"))
    rates, times, ratios = [], [], []
    for name, case in found["rates"].items():
        rates.append([name, *(_median(case, c, 0, "{:,.0f}") for c in CONTENDERS)])
        times.append([name, *(_median(case, c, 1, "{:,.2f}") for c in CONTENDERS)])
        by_cpu = (ratio_of(case, a, b, by_cpu=True) for a, b in pairs)
        ratios.append([name, *(f"{ratio_of(case, a, b)} ({by})" for (a, b), by in zip(pairs, by_cpu, strict=True))])
    ordinary = found["bodies"][REFERENCE]
    whole = tuple(ordinary)[-1]
    costs = [
        [name, *(f"{of[column]:.1f}" for column in bodies.COLUMNS), f"{of[whole] / ordinary[whole]:.2f}"]
        for name, of in found["bodies"].items()
    ]
    return [
        ("Messages a second", HEADS["rates"], rates),
        ("Processor time, ms a message", HEADS["times"], times),
        ("Times as fast by the clock (by processor time)", HEADS["ratios"], ratios),
        ("Steps for one newsletter of 20 KB", HEADS["steps"], _rows(found["steps"], "{:,.1f}")),
        ("Bodies of 5 MB, processor time in ms", HEADS["bodies"], costs),
        ("Large header blocks", HEADS["headers"], _rows(found["headers"], "{:,.1f}")),
        ("Memory for 5 MB of attachment", HEADS["memory"], _rows(found["memory"], "{:,.0f}")),
    ]


HEADS: Final = {
    "rates": ("body, threads", *CONTENDERS),
    "times": ("body, threads", *CONTENDERS),
    "ratios": (
        "body, threads", "path : dkimpy", "path : dkimpy, Debian's libraries", "path : OpenDKIM", "gate : OpenDKIM",
    ),
    "steps": ("step", "µs"),
    "bodies": ("text", *bodies.COLUMNS, f"whole, {REFERENCE} = 1"),
    "headers": ("header", "ms to the signature, less RSA"),
    "memory": ("measured by", "KB beyond what is kept"),
}  # fmt: skip


def rows() -> dict[str, tuple[str, ...]]:
    """What stands in the first column of each table, by its key in `HEADS`."""
    cases = tuple(_case(size, threads) for size in SIZES for threads in THREADS)
    texts = (*bodies.ORDINARY, *bodies.HOSTILE)
    steps = {"steps": bodies.STEPS, "headers": bodies.LARGE, "memory": ("tracemalloc", "rss")}
    return {"rates": cases, "times": cases, "ratios": cases, "bodies": texts, **steps}


def _median(case: Case, contender: str, which: int, form: str) -> str:
    return form.format(statistics.median(each[which] for each in case[contender])) if contender in case else "-"


def _rows(figures: dict[str, float], form: str) -> list[list[str]]:
    return [[name, form.format(figure)] for name, figure in figures.items()]


def markdown(found: dict[str, Any]) -> str:
    """The report as it stands in the page."""
    lines = [f"* {name}: {value}" for name, value in found["surroundings"].items()]
    for title, heads, body in tables(found):
        lines += ["", f"{title}:", "", *page.table(heads, body)]
    return "\n".join(lines)


def main(arguments: Sequence[str], start_gate: StartGate | None = None) -> int:
    """Measure and print; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench sealing", description="The signing path, measured.")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=0.5, help="of each contender, case and round")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of the tables")
    parser.add_argument("--write", action="store_true", help="put the tables into doc/performance.md")
    options = parser.parse_args(arguments)
    try:
        found = report(start_gate, options.rounds, options.seconds)
        if options.write:
            page.put(markdown(found), BEGIN, END)
    except BenchError as error:
        print(error, file=sys.stderr)
        return 1
    print(json.dumps(found) if options.json else markdown(found))
    return 0
