"""Every claim of speed and memory, measured in one run, side by side: `make bench`.

    python -m tests.bench [--messages 1500] [--rounds 5] [--full] [--only rates,tcp,postfix,memory] [--json] [--write]

The parts are `rates` (Unix sockets, against OpenDKIM and dkimpy-milter), `tcp`, `postfix` (end to end) and `memory`.
All contenders of a case take turns, round after round; figures are medians of the rounds, ratios medians of the ratios
round by round. The gate does its whole job throughout, the others sign. Targets that are missed are printed as such and
change no exit status; a contender that fails, or a message that was not accepted and signed, is no measurement and ends
the program with status 1. `--write` puts the tables into doc/performance.md, if all parts were measured.
"""

import argparse
import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from tests.bench import claims, memory, page, rates, ratio, relay
from tests.bench.contenders import Absent
from tests.bench.rates import OPENDKIM, Found
from tests.bench.ratio import BenchError

PARTS: Final = ("rates", "tcp", "postfix", "memory")
MARKS: Final = ("<!-- breadth: begin -->", "<!-- breadth: end -->")
CLAIM_HEADS: Final = ("claim", "target", "measured", "")
RUN_HEADS: Final = (
    "", "messages/s", ": OpenDKIM", "CPU, ms a message", "wait at the end, ms: p50", "p99", "generator, of a core",
)  # fmt: skip
IDLE: Final = 2000  # connections
_FULL_MEMORY: Final = 100_000  # messages


@dataclass(frozen=True, slots=True)
class Asked:
    """The command line."""

    messages: int
    rounds: int
    is_full: bool
    parts: tuple[str, ...]


def measured(asked: Asked, tell: Callable[[str], None]) -> Found:
    """Measure the parts that were asked for.

    Args:
        asked: what, and how much of it.
        tell: called with the name of each part and what it took.

    Raises:
        BenchError: see the parts.
    """
    whole = Found()
    works: dict[str, Callable[[Path], Found]] = {
        "rates": lambda folder: rates.measured(folder, asked.messages, asked.rounds, full=asked.is_full),
        "tcp": lambda folder: rates.over_tcp(folder, asked.messages, asked.rounds),
        "postfix": lambda folder: _end_to_end(folder, asked),
        "memory": lambda folder: _held(folder, asked),
    }
    for part in asked.parts:
        began = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="bench-") as name:
            folder = Path(name)
            folder.chmod(0o755)
            found = works[part](folder)
        whole.runs.update(found.runs)
        whole.figures.update(found.figures)
        whole.absent.update(found.absent)
        tell(f"{part}: {time.monotonic() - began:.0f} s")
    return whole


def _end_to_end(folder: Path, asked: Asked) -> Found:
    count = 2000 if asked.is_full else max(asked.messages // 10, 50)
    try:
        return Found(relay.measured(folder, count, min(asked.rounds, 3)))
    except Absent as error:
        return Found(absent={"Postfix": str(error)})


def _held(folder: Path, asked: Asked) -> Found:
    count = _FULL_MEMORY if asked.is_full else 2 * asked.messages
    return Found(figures={**memory.grown(folder, count), **memory.idle(folder, IDLE)})


def claim_rows(found: Found) -> list[list[str]]:
    """The claims, one a row."""
    return [
        [claim.says, claim.wanted(), claim.shown(figure), claim.verdict(figure)]
        for claim, figure in claims.judged(found)
    ]


def run_rows(runs: dict[str, list[ratio.Run]]) -> list[list[str]]:
    """The contenders of one case, one a row."""
    rows = []
    for name, of in runs.items():
        figures = ratio.median(of)
        share = ratio.times(runs, name, OPENDKIM)
        waits = [_number(figures[which], 2) for which in ("end_p50_ms", "end_p99_ms")]
        generator = f"{figures['load_share']:.0%}" if figures["load_share"] else "-"
        rows.append(
            [
                name,
                f"{figures['rate']:,.0f}",
                "-" if share is None else f"{share:.2f}",
                _number(figures["cpu_ms"], 2),
                *waits,
                generator,
            ]
        )
    return rows


def _number(figure: float, digits: int) -> str:
    return f"{figure:,.{digits}f}" if figure else "-"


def about(found: Found, asked: Asked, seconds: float) -> dict[str, str]:
    """Machine, versions, date, and how the run was made."""
    load = " ".join(f"{each:.1f}" for each in os.getloadavg()[:2])
    said = ratio.surroundings() | {name: _packaged(name) for name in ("dkimpy-milter", "postfix")}
    said["work"] = (
        f"{asked.messages:,} messages a round, {asked.rounds} rounds{', the whole matrix' if asked.is_full else ''};"
        f" {seconds:.0f} s; load of the last one and five minutes at the end: {load}"
    )
    if count := found.figures.get("memory_messages"):
        said["memory"] = (
            f"{count:,.0f} messages of {memory.SIZE} KB to one worker: {found.figures['memory_first_mb']:.1f} MB after"
            f" a twentieth, {found.figures['memory_mb']:.1f} MB at the end"
        )
    for name, why in found.absent.items():
        said[name] = f"left out: {why}"
    return said


def _packaged(name: str) -> str:
    """The version of a Debian package, or that there is none."""
    command = ["dpkg-query", "-W", "-f", "${Version}", name]
    with contextlib.suppress(OSError):
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout or "not installed"
    return "unknown: not a Debian system"


def text(found: Found, said: dict[str, str]) -> str:
    """The report for a terminal."""
    lines = [f"{name:13} {value}" for name, value in said.items()]
    lines += ["", *page.columns(CLAIM_HEADS, claim_rows(found))]
    short = ("", "msg/s", ": ODKIM", "CPU ms", "p50 ms", "p99 ms", "load")
    for case, runs in found.runs.items():
        lines += ["", case, *page.columns(short, run_rows(runs))]
    lines += ["", "p50, p99: how long a client waits for the answer to its end of message. load: the generator's share"]
    lines.append("of a core. CPU: of the filter, without Postfix. All but the gate sign and do no more.")
    return "\n".join(lines)


def markdown(found: Found, said: dict[str, str]) -> str:
    """The report as it stands in the page."""
    lines = [f"* {name}: {value}" for name, value in said.items()]
    lines += ["", *page.table(CLAIM_HEADS, claim_rows(found))]
    for case, runs in found.runs.items():
        lines += ["", f"{case}:", "", *page.table(RUN_HEADS, run_rows(runs))]
    return "\n".join(lines)


def as_json(found: Found, said: dict[str, str]) -> dict[str, Any]:
    """The report for a machine: claims, medians and every run."""
    return {
        "surroundings": said,
        "claims": [
            {"claim": claim.says, "target": claim.target, "at_least": claim.at_least, "unit": claim.unit,
             "measured": figure, "verdict": claim.verdict(figure)}
            for claim, figure in claims.judged(found)
        ],
        "figures": found.figures,
        "absent": found.absent,
        "median": {case: {who: ratio.median(of) for who, of in runs.items()} for case, runs in found.runs.items()},
        "runs": {
            case: {who: [asdict(run) for run in of] for who, of in runs.items()} for case, runs in found.runs.items()
        },
    }  # fmt: skip


def main(arguments: Sequence[str]) -> int:
    """Measure and print; return the exit status."""
    options = _options().parse_args(arguments)
    parts = tuple(part for part in PARTS if part in options.only)
    if options.write and parts != PARTS:
        print("--write wants all parts in one run: leave out --only", file=sys.stderr)
        return 64
    asked = Asked(options.messages, options.rounds, options.full, parts)
    began = time.monotonic()
    try:
        found = measured(asked, lambda part: print(f"bench: {part}", file=sys.stderr, flush=True))
        said = about(found, asked, time.monotonic() - began)
        if options.write:
            page.put(markdown(found, said), *MARKS)
    except BenchError as error:
        print(error, file=sys.stderr)
        return 1
    with contextlib.suppress(BrokenPipeError):
        print(json.dumps(as_json(found, said)) if options.json else text(found, said))
    return 0


def _parts(argument: str) -> tuple[str, ...]:
    parts = tuple(argument.split(","))
    if unknown := [part for part in parts if part not in PARTS]:
        raise argparse.ArgumentTypeError(f"no such part: {', '.join(unknown)}; there are {', '.join(PARTS)}")
    return parts


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench", description="The gate beside OpenDKIM and dkimpy-milter; its memory."
    )
    parser.add_argument("--messages", type=int, default=1500, help="messages a round of the first case (1500)")
    parser.add_argument("--rounds", type=int, default=5, help="how often each contender takes its turn (5)")
    parser.add_argument(
        "--full", action="store_true", help="all sizes by all connections, 2,000 by Postfix, 100,000 for memory"
    )
    parser.add_argument("--only", type=_parts, default=PARTS, metavar="PART,...", help=f"of {', '.join(PARTS)}")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of the tables")
    parser.add_argument("--write", action="store_true", help="put the tables into doc/performance.md")
    return parser
