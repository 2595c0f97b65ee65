r"""Rows of a sender file: cut out of the operator's text, and kept as one string of octets that is searched in place.

Text is cut as postmap(1) cuts it: a row begins in the first column, a line that begins with a blank continues it, and
empty lines and lines whose first sign is `#` are no part of anything. What was read is kept as sorted lines
`key TAB line TAB ,value,value, [TAB key as written] LF`: a table of 200,000 rows is 15 MB in one object, needs no work
in the process that receives it, and is searched by halving. Values never hold blanks, commas or control characters.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from sealgate.profile.model import Place, Problem
from sealgate.profile.nodes import Problems

MAX_LISTED: Final = 100  # problems of one file; more are counted
_BLANKS: Final = " \t\r\v\f"
_TOKEN = re.compile(rf"[^{_BLANKS},]+")
_FIRST = re.compile(rf"[^{_BLANKS}]+")


class Token(NamedTuple):
    """A word of a row and where it stands."""

    text: str
    place: Place


class RawRow(NamedTuple):
    """A row as written: its first line, and the lines that continue it, with their numbers."""

    line: int
    text: str
    more: tuple[tuple[int, str], ...] = ()

    @property
    def place(self) -> Place:
        """Where it begins."""
        return Place(self.line, 1)

    def words(self) -> tuple[Token, tuple[Token, ...]]:
        """The key, up to the first blank, and the words behind it, which blanks and commas set apart."""
        match = _FIRST.match(self.text)
        end = match.end() if match else 0
        key = Token(self.text[:end], self.place)
        parts = ((self.line, self.text, end), *((number, text, 0) for number, text in self.more))
        rest = (Token(m[0], Place(n, m.start() + 1)) for n, text, at in parts for m in _TOKEN.finditer(text, at))
        return key, tuple(rest)

    def joined(self) -> str:
        """The whole row on one line."""
        return "".join((self.text, *(text for _, text in self.more))).rstrip(_BLANKS)

    def at(self, offset: int) -> Place:
        """The place of a character of `joined`."""
        line, text = self.line, self.text
        for number, following in self.more:
            if offset < len(text):
                break
            offset -= len(text)
            line, text = number, following
        return Place(line, offset + 1)


def raw_rows(text: str, problems: Problems) -> Iterator[RawRow]:
    """Cut a text into rows. A continuation that continues nothing is an error."""
    row: RawRow | None = None
    for number, written in enumerate(text.split("\n"), 1):
        head = written[:1]
        if head > " " and head != "#":
            if row is not None:
                yield row
            row = RawRow(number, written)
            continue
        rest = written.strip(_BLANKS)
        if not rest or rest[0] == "#":
            continue
        if row is not None:
            row = row._replace(more=(*row.more, (number, written)))
        else:
            problems.error(Place(number, 1), "a line that begins with a blank continues a row, and there is none yet")
    if row is not None:
        yield row


def listed(problems: Problems) -> tuple[Problem, ...]:
    """The problems in the order of the file; of many the first hundred, errors before warnings, and a count."""
    found = problems.listed()
    if len(found) <= MAX_LISTED:
        return found
    kept = sorted(found, key=lambda p: (not p.is_error, p.line == 0, p.line, p.column))[:MAX_LISTED]
    count = len(found) + max(0, problems.unlisted - 1) - MAX_LISTED
    more = Problem(problems.file, 0, 0, f"{count} more problems are not listed", is_error=problems.errors > 0)
    return (*sorted(kept, key=lambda p: (p.line, p.column)), more)


def packed(key: str, line: int, values: str, written: str = "") -> str:
    """One row of a table. `values` are joined by commas."""
    return f"{key}\t{line}\t,{values},\t{written}\n" if written else f"{key}\t{line}\t,{values},\n"


def joined(rows: list[str]) -> bytes:
    """Rows as a table. Code points sort as their UTF-8 does, and TAB sorts before whatever a key may hold."""
    rows.sort()
    return "".join(rows).encode()


def twice(rows: list[str]) -> Iterator[tuple[str, int, int]]:
    """Keys that stand more than once in sorted rows, each with the first line and another one."""
    before = ""
    for index, row in enumerate(rows):
        key = row[: row.index("\t")]
        if key == before:
            lines = sorted((_line(rows[index - 1]), _line(row)))
            yield key, lines[0], lines[1]
        before = key


def _line(row: str) -> int:
    return int(row.split("\t", 2)[1])


class Entry(NamedTuple):
    """A row of a table: its key, its line, its values between commas (`,a,b,`), and the key as written or empty."""

    key: str
    line: int
    values: str
    written: str

    def split(self) -> tuple[str, ...]:
        """The values, one by one."""
        return tuple(self.values.strip(",").split(","))


def find(table: bytes, key: str) -> Entry | None:
    """The row of `key`, or None. Halves the table some twenty times; a row is looked at as a whole or not at all."""
    wanted = key.encode()
    low, high = 0, len(table)
    while low < high:
        start = table.rfind(b"\n", low, (low + high) // 2) + 1 or low
        end = table.index(b"\n", start)
        found = table[start : table.index(b"\t", start, end)]
        if found == wanted:
            return _entry(table[start:end])
        if found < wanted:
            low = end + 1
        else:
            high = start
    return None


def entries(table: bytes) -> Iterator[Entry]:
    """All rows, sorted by key."""
    start = 0
    while start < len(table):
        end = table.index(b"\n", start)
        yield _entry(table[start:end])
        start = end + 1


def holding(table: bytes, values: Iterable[str], *, exact_case: bool) -> Iterator[Entry]:
    """The rows that hold one of `values`, each once, in the order of the table; reads all of it, in milliseconds.

    Without `exact_case` letters beyond ASCII match whatever their case: such rows are more than were asked for.
    """
    searched = table if exact_case else table.lower()  # octet by octet: places stay what they are
    starts: set[int] = set()
    for value in values:
        needle = f",{value},".encode()
        if not exact_case:
            needle = needle.lower()
            if not value.isascii():
                needle = f"@{value.rpartition('@')[2]},".encode()
        at = searched.find(needle)
        while at >= 0:
            starts.add(table.rfind(b"\n", 0, at) + 1)
            at = searched.find(needle, at + 1)
    for start in sorted(starts):
        yield _entry(table[start : table.index(b"\n", start)])


def _entry(row: bytes) -> Entry:
    key, line, values, *written = row.decode().split("\t")
    return Entry(key, int(line), values, written[0] if written else "")
