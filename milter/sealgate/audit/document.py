"""A report as values: sections with sentences, tables and charts, for any format to render.

Everything in a cell is plain text or a whole number, perhaps of a sender; whoever renders escapes it.
"""

from dataclasses import dataclass

Cell = str | int


@dataclass(frozen=True, slots=True)
class Chart:
    """Numbers to be drawn; all of them also stand in the table of the section.

    Attributes:
        title: what it shows, in a sentence: it is also what a reader who sees no picture is told.
        series: names of the numbers of a bar, from the axis outwards.
        bars: label and numbers of each.
        colour: that of the first series, counted from 0; what means the same has one colour in all charts.
        is_over_time: bars stand side by side along time; else they lie one below the other.
    """

    title: str
    series: tuple[str, ...]
    bars: tuple[tuple[str, tuple[int, ...]], ...]
    colour: int = 0
    is_over_time: bool = True


@dataclass(frozen=True, slots=True)
class Table:
    """Rows below a head. Columns of numbers are those whose every cell is a number.

    Attributes:
        rest: what is left out, or how to read it.
    """

    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    rest: str = ""


@dataclass(frozen=True, slots=True)
class Section:
    """A heading, sentences, charts and tables."""

    title: str
    says: tuple[str, ...] = ()
    tables: tuple[Table, ...] = ()
    chart: Chart | None = None


@dataclass(frozen=True, slots=True)
class Document:
    """The whole report."""

    title: str
    about: tuple[tuple[str, str], ...]
    sections: tuple[Section, ...]
