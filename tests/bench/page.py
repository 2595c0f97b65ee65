"""Tables as the bench shows them: for a terminal, for Markdown, and between the marks of doc/performance.md.

Pure but for `put`, which rewrites what stands between two marks of the page and leaves the rest as it is; a page
without the marks is left alone and is a `BenchError`.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from tests.bench.ratio import HERE, BenchError

PAGE: Final = HERE.parents[1] / "doc" / "performance.md"


def put(text: str, begin: str, end: str, page: Path = PAGE) -> None:
    """Put text between the marks of the page.

    Raises:
        BenchError: the page has no such marks.
    """
    before, found, rest = page.read_text().partition(begin)
    _, ended, after = rest.partition(end)
    if not found or not ended:
        raise BenchError(f"{page} has no place for the tables: {begin} … {end}")
    page.write_text(f"{before}{begin}\n{text}\n{end}{after}")


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """A table in Markdown: the first column to the left, the others to the right."""
    return [line(heads), line(["---"] + ["---:"] * (len(heads) - 1)), *map(line, rows)]


def line(cells: Sequence[str]) -> str:
    """A line of a table in Markdown."""
    return f"| {' | '.join(cells)} |"


def columns(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """A table for a terminal: the first column to the left, the others to the right, each as wide as it must be."""
    widths = [max(len(row[i]) for row in (heads, *rows)) for i in range(len(heads))]
    lined = [
        [cells[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(cells[1:], widths[1:], strict=True))]
        for cells in (heads, *rows)
    ]
    return ["  ".join(cells).rstrip() for cells in lined]
