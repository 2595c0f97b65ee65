"""The comparison as text: a table for the terminal, one for the README, JSON, and one line a shape.

Pure functions of the measured rows. `into_readme` replaces what stands between the two markers of a README and raises
ValueError where they are missing; nothing else can fail.
"""

from dataclasses import dataclass
from typing import Any, Final

from sealgate.attack.shape import Needs
from tests.compare.measure import Outcome, Result, Row

BEGIN: Final = "<!-- compare -->"
END: Final = "<!-- /compare -->"
_SETTINGS: Final = "(`protected`, `reply_to`, `identity.display-foreign`)"
# Column: heading, whether of the hostile shapes, and the outcomes that it counts.
COLUMNS: Final = (
    ("refused", True, (Outcome.REFUSED,)),
    ("deferred", True, (Outcome.DEFERRED, Outcome.HELD)),
    ("harmless", True, (Outcome.HARMLESS,)),
    ("out unsigned", True, (Outcome.UNSIGNED,)),
    ("out signed", True, (Outcome.SIGNED,)),
    ("signed", False, (Outcome.SIGNED,)),
    ("unsigned", False, (Outcome.UNSIGNED,)),
    ("refused", False, (Outcome.REFUSED, Outcome.DEFERRED, Outcome.HELD)),
)


@dataclass(frozen=True, slots=True)
class Report:
    """All rows, the packages that were not there, and what the run stood on."""

    rows: tuple[Row, ...]
    missing: tuple[str, ...]
    month: str  # such as 2026-11
    system: str  # such as Debian GNU/Linux 12 (bookworm)
    postfix: str  # its version

    @property
    def shapes(self) -> tuple[int, int]:
        """How many hostile and how many honest shapes were sent."""
        hostile = sum(r.shape.is_hostile for r in self.rows[0].results)
        return hostile, len(self.rows[0].results) - hostile

    @property
    def with_settings(self) -> int:
        """How many of the hostile shapes go against a setting that only sealgate has."""
        return sum(r.shape.is_hostile and r.shape.needs is not Needs.NOTHING for r in self.rows[0].results)


def figures(row: Row) -> tuple[int, ...]:
    """The numbers of one gate, in the order of `COLUMNS`."""
    return tuple(row.count(is_hostile, *outcomes) for _, is_hostile, outcomes in COLUMNS)


def faults(row: Row) -> tuple[Result, ...]:
    """The shapes that came out wrong: hostile ones that left as they were, honest ones that did not leave."""
    out = (Outcome.UNSIGNED, Outcome.SIGNED)
    return tuple(r for r in row.results if (r.outcome in out) is r.shape.is_hostile)


def table(report: Report) -> str:
    """The table for the terminal."""
    hostile, honest = report.shapes
    width = max(len(row.kind.title) for row in report.rows) + 2
    heads = "".join(f"{heading:>14}" for heading, _, _ in COLUMNS)
    lines = [
        f"{'':{width}}{'':24}{f'of {hostile} hostile shapes':>70}{f'of {honest} honest shapes':>42}",
        f"{'gate':{width}}{'version':24}{heads}",
    ]
    for row in report.rows:
        numbers = "".join(f"{number:>14}" for number in figures(row))
        lines.append(f"{row.kind.title:{width}}{row.version:24}{numbers}")
    lines += [f"{package}: not installed, left out" for package in report.missing]
    return "\n".join(lines)


def markdown(report: Report) -> str:
    """The table for the README, with the line that says what it was measured on."""
    hostile, honest = report.shapes
    heads = [f"{'hostile' if is_hostile else 'honest'}: {heading}" for heading, is_hostile, _ in COLUMNS]
    lines = [
        f"Measured {report.month} on {report.system} with Postfix {report.postfix}: {hostile} hostile shapes,",
        f"of which {report.with_settings} go against a setting that only sealgate has {_SETTINGS},",
        f"and {honest} honest ones.",
        "",
        f"| gate | version | {' | '.join(heads)} |",
        f"|---|---|{'---:|' * len(COLUMNS)}",
    ]
    for row in report.rows:
        lines.append(f"| {row.kind.title} | {row.version} | {' | '.join(map(str, figures(row)))} |")
    return "\n".join(lines)


def into_readme(readme: str, report: Report) -> str:
    """Return the README with its table replaced.

    Raises:
        ValueError: the markers are not there, once each and in order.
    """
    if readme.count(BEGIN) != 1 or readme.count(END) != 1 or readme.index(BEGIN) > readme.index(END):
        raise ValueError(f"the README must hold {BEGIN} and {END} once each, in this order")
    return f"{readme.partition(BEGIN)[0]}{BEGIN}\n{markdown(report)}\n{END}{readme.partition(END)[2]}"


def by_shape(report: Report) -> str:
    """One line a shape: what each gate did with it."""
    codes = [row.kind.code for row in report.rows]
    lines = ["".join([f"{'shape':34}{'':9}", *(f"{code:>16}" for code in codes)])]
    for results in zip(*(row.results for row in report.rows), strict=True):
        shape = results[0].shape
        nature = "hostile" if shape.is_hostile else "honest"
        lines.append("".join([f"{shape.code:34}{nature:9}", *(f"{result.outcome:>16}" for result in results)]))
    return "\n".join(lines)


def as_json(report: Report) -> dict[str, Any]:
    """Everything, for programs."""
    hostile, honest = report.shapes
    return {
        "month": report.month,
        "system": report.system,
        "postfix": report.postfix,
        "hostile": hostile,
        "honest": honest,
        "missing": list(report.missing),
        "gates": [_gate(row) for row in report.rows],
    }


def _gate(row: Row) -> dict[str, Any]:
    return {
        "gate": row.kind.code,
        "title": row.kind.title,
        "version": row.version,
        "seconds": round(row.seconds, 1),
        "counts": {
            nature: {str(outcome): row.count(is_hostile, outcome) for outcome in Outcome}
            for nature, is_hostile in (("hostile", True), ("honest", False))
        },
        "shapes": [
            {
                "shape": result.shape.code,
                "family": result.shape.family,
                "hostile": result.shape.is_hostile,
                "outcome": str(result.outcome),
                "answer": result.answer,
            }
            for result in row.results
        ],
    }
