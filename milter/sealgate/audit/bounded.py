"""Counting by name in bounded memory, and exactly: the first so many names each, all later ones together.

No count is an estimate: what has a row of its own is exact, and so is the sum of the rest. What may be missed is that a
name which came late is large.
"""

from dataclasses import dataclass
from typing import Any, Final

MAX_NAMES: Final = 20_000
MAX_SPANS: Final = 1_000
_MAX_NAME: Final = 256


class Counts:
    """Rows of numbers by name, exact for the first `limit` names.

    Attributes:
        rows: by name, as many numbers as `width`.
        rest: the sum of what came under later names.
    """

    __slots__ = ("limit", "rest", "rows", "width")

    def __init__(self, width: int = 1, limit: int = MAX_NAMES) -> None:
        self.rows: dict[Any, list[int]] = {}
        self.rest = [0] * width
        self.width = width
        self.limit = limit

    def add(self, name: Any, at: int = 0, count: int = 1) -> None:
        """Count under a name, in its column `at`."""
        row = self.rows.get(name)
        if row is None:
            if len(self.rows) >= self.limit:
                self.rest[at] += count
                return
            row = self.rows[name] = [0] * self.width
        row[at] += count

    @property
    def total(self) -> int:
        """The sum of everything."""
        return sum(map(sum, self.rows.values())) + sum(self.rest)

    def top(self, count: int) -> tuple[list[tuple[Any, list[int]]], list[int]]:
        """The largest rows by their sum, and the sum of all others."""
        ranked = sorted(self.rows.items(), key=lambda item: (-sum(item[1]), str(item[0])))
        rest = list(self.rest)
        for _, row in ranked[count:]:
            rest = [a + b for a, b in zip(rest, row, strict=True)]
        return ranked[:count], rest


@dataclass(slots=True)
class Span:
    """When something was first and last seen, and how often."""

    first: str
    last: str
    lines: int = 0


def seen(spans: dict[str, Span], name: Any, moment: str) -> None:
    """Stretch a name's span to a moment; what is no name is passed over, and so are new names beyond `MAX_SPANS`."""
    if not isinstance(name, str):
        return
    span = spans.get(name)
    if span is None:
        if len(spans) >= MAX_SPANS:
            return
        span = spans[name[:_MAX_NAME]] = Span(moment, moment)
    span.last = moment
    span.lines += 1
