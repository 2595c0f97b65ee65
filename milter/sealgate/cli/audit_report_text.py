"""The report as plain text, Markdown and CSV. Whatever a cell holds, it stays a cell.

- Nothing that a terminal, a browser or an editor obeys is left: control characters, direction marks, lone surrogates.
- Markdown: every sign is escaped where it means something to it, HTML and bare addresses of pages too.
- CSV (RFC 4180): a cell that a spreadsheet would take for a formula gets an apostrophe in front; numbers stay numbers.
"""

import csv
import io
import re
from collections.abc import Iterator
from itertools import chain

from sealgate.audit.document import Cell, Document, Table

_MARKDOWN = re.compile(r"[\\`*_{}\[\]#!|~<>&^=$]|:(?![\s\d]|$)|(?<=www)\.", re.IGNORECASE)
_LIST = re.compile(r"^(?:(?=[-+])|\d{1,9}(?=[.)]))")  # what would begin one
_FORMULA = re.compile(r"\s*[=+\-@\t\r\uff1d\uff0b\uff0d\uff20]")


def plain(text: str, limit: int = 400) -> str:
    """A text without what is obeyed rather than shown; `?` in its place."""
    cut = text if len(text) <= limit else text[: limit - 3] + "..."
    return "".join(c if c.isprintable() else "?" for c in cut)


def shown(cell: Cell) -> str:
    """A cell for a reader: numbers with thousands apart."""
    return f"{cell:,}" if isinstance(cell, int) else plain(cell)


def text(report: Document) -> str:
    """The report for a terminal or a printer."""
    return "\n".join(_text(report)) + "\n"


def markdown(report: Document) -> str:
    """The report in Markdown with tables."""
    return "\n".join(_markdown(report)) + "\n"


def as_csv(report: Document) -> str:
    """The tables of the report one below the other, each row with its section and table in front."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    for name, value in report.about:
        writer.writerow(["About", "", _guarded(name), _guarded(value)])
    for section in report.sections:
        for says in section.says:
            writer.writerow([_guarded(section.title), "", _guarded(says)])
        for table in section.tables:
            front = [_guarded(section.title), _guarded(table.title)]
            for row in chain([table.head], table.rows, [(table.rest,)] if table.rest else []):
                writer.writerow([*front, *(_guarded(cell) for cell in row)])
    return out.getvalue()


def _guarded(cell: Cell) -> Cell:
    if isinstance(cell, int):
        return cell
    safe = plain(cell)
    return f"'{safe}" if _FORMULA.match(cell) else safe


def _text(report: Document) -> Iterator[str]:
    yield report.title
    yield "=" * len(report.title)
    yield from (f"{name:<16}{plain(value)}" for name, value in report.about)
    for section in report.sections:
        yield from ("", "", section.title, "-" * len(section.title))
        yield from (f"- {plain(says)}" for says in section.says)
        for table in section.tables:
            yield from ("", *([table.title] if table.title else []), *_columns(table))


def _columns(table: Table) -> Iterator[str]:
    if not table.rows:
        yield "  none"
        return
    rows = [tuple(shown(cell) for cell in row) for row in (table.head, *table.rows)]
    wide = [min(60, max(len(row[at]) for row in rows)) for at in range(len(table.head))]
    right = [all(isinstance(row[at], int) for row in table.rows) for at in range(len(table.head))]
    for row in rows:
        cells = (
            cell.rjust(width) if is_number else cell.ljust(width)
            for cell, width, is_number in zip(row, wide, right, strict=True)
        )
        yield "  " + "  ".join(cells).rstrip()
    if table.rest:
        yield f"  {plain(table.rest)}"


def _markdown(report: Document) -> Iterator[str]:
    yield f"# {_marked(report.title)}"
    yield ""
    yield from (f"- {_marked(name)}: {_marked(value)}" for name, value in report.about)
    for section in report.sections:
        yield from ("", f"## {_marked(section.title)}", "")
        yield from (f"- {_marked(says)}" for says in section.says)
        for table in section.tables:
            yield from ("", f"### {_marked(table.title)}", "") if table.title else ("",)
            if not table.rows:
                yield "none"
                continue
            numbers = [all(isinstance(row[at], int) for row in table.rows) for at in range(len(table.head))]
            yield f"| {' | '.join(_marked(name) for name in table.head)} |"
            yield f"|{'|'.join('---:' if is_number else '---' for is_number in numbers)}|"
            yield from (f"| {' | '.join(_marked(shown(cell)) for cell in row)} |" for row in table.rows)
            if table.rest:
                yield from ("", _marked(table.rest))


def _marked(value: str) -> str:
    """A text as it is, for Markdown: dates, times and brackets of statutes stay readable in the source too."""
    return _LIST.sub(r"\g<0>\\", _MARKDOWN.sub(r"\\\g<0>", plain(value).lstrip()))
