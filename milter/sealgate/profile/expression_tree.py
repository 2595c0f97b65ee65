r"""POSIX extended regular expressions (XBD 9.4) as a tree.

Only what is fully understood is read; the rest is refused with its place: collating symbols, back-references, Perl's
additions, repeats of repeats, and whatever POSIX leaves undefined. Linear in time and capped in depth. Each node that
stands for one character carries its Python spelling.
"""

import re
import string
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, TypeAlias

MAX_DEPTH: Final = 20  # of parentheses
MAX_COUNT: Final = 255  # RE_DUP_MAX

OTHER: Final = 128  # stands for every character beyond ASCII
ALL: Final = frozenset(range(129))
_CLASSES: Final = {
    "alnum": string.ascii_letters + string.digits,
    "alpha": string.ascii_letters,
    "blank": " \t",
    "cntrl": "".join(map(chr, (*range(32), 127))),
    "digit": string.digits,
    "graph": "".join(map(chr, range(33, 127))),
    "lower": string.ascii_lowercase,
    "print": "".join(map(chr, range(32, 127))),
    "punct": string.punctuation,
    "space": " \t\n\r\v\f",
    "upper": string.ascii_uppercase,
    "xdigit": string.hexdigits,
}
_GNU: Final = {"w": r"[A-Za-z0-9_]", "W": r"[^A-Za-z0-9_]", "s": r"[ \t\n\r\v\f]", "S": r"[^ \t\n\r\v\f]"}


class ExpressionError(ValueError):
    """What is wrong, in words that a terminal may show, and where: `offset` counts characters from 0."""

    def __init__(self, message: str, offset: int, hint: str = "") -> None:
        super().__init__("".join(c if c.isprintable() else "\ufffd" for c in message))
        self.offset = offset
        self.hint = hint


@dataclass(frozen=True, slots=True)
class Chars:
    """One character out of a set."""

    members: frozenset[int]
    source: str


@dataclass(frozen=True, slots=True)
class Edge:
    """`^` or `$`."""

    source: str


@dataclass(frozen=True, slots=True)
class Sequence:
    """Parts that follow each other; at least one."""

    parts: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Group:
    """Parentheses with their branches; the whole expression is one, too."""

    branches: tuple[Sequence, ...]


@dataclass(frozen=True, slots=True)
class Repeat:
    """A part that comes several times. `offset`: where the repeat was written, for messages."""

    part: "Node"
    low: int
    high: int | None  # None: without end
    offset: int


Node: TypeAlias = Chars | Edge | Sequence | Group | Repeat


class Reader:
    """Reads one expression from left to right."""

    def __init__(self, text: str, ignores_case: bool) -> None:
        self.text = text
        self.at = 0
        self.groups = 0
        self._folds = ignores_case

    def whole(self) -> Group:
        """The tree. Raises ExpressionError."""
        found = self._branches(0)
        if self.at < len(self.text):
            raise ExpressionError("a ) stands without its (", self.at, r"write \) for the character")
        return found

    def _branches(self, depth: int) -> Group:
        if depth > MAX_DEPTH:
            raise ExpressionError(f"parentheses are more than {MAX_DEPTH} deep", self.at)
        branches = [self._sequence(depth)]
        while self._take("|"):
            branches.append(self._sequence(depth))
        return Group(tuple(branches))

    def _sequence(self, depth: int) -> Sequence:
        parts: list[Node] = []
        start = self.at
        while self.at < len(self.text) and self.text[self.at] not in "|)":
            parts.append(self._repeated(self._atom(depth)))
        if not parts:
            raise ExpressionError("nothing stands here between |, ( and )", start)
        return Sequence(tuple(parts))

    def _take(self, char: str) -> bool:
        if self.text.startswith(char, self.at):
            self.at += len(char)
            return True
        return False

    def _atom(self, depth: int) -> Node:
        offset, char = self.at, self.text[self.at]
        self.at += 1
        if char in "^$":
            return Edge("^" if char == "^" else r"\Z")
        if char == ".":
            return Chars(ALL, ".")
        if char == "(":
            if self.text.startswith("?", self.at):
                raise ExpressionError("(? is Perl's, and no POSIX expression", offset, "use plain parentheses")
            self.groups += 1
            group = self._branches(depth + 1)
            if not self._take(")"):
                raise ExpressionError("the closing ) is missing", offset)
            return group
        if char == "[":
            return self._bracket(offset)
        if char in "*+?{":
            raise ExpressionError(f"{char} repeats nothing", offset, f"write \\{char} for the character")
        return self._escaped(offset) if char == "\\" else self._literal(char)

    def _escaped(self, offset: int) -> Chars:
        char = self.text[self.at : self.at + 1]
        self.at += 1
        if char in _GNU:
            members = frozenset(c for c in range(128) if re.match(_GNU[char], chr(c)))
            return Chars(members | {OTHER} if char.isupper() else members, _GNU[char])
        if char.isdigit():
            raise ExpressionError(f"\\{char} refers back: such expressions can take for ever", offset)
        if not char or char in "<>`'" or char.isalnum() or char.isspace():
            hint = {"d": "write [0-9]", "b": "write out what stands beside it"}.get(char, "")
            raise ExpressionError(f"\\{char} means nothing in a POSIX expression", offset, hint)
        return self._literal(char)

    def _literal(self, char: str) -> Chars:
        return Chars(self._members([(char, char)]), re.escape(char))

    def _members(self, ranges: Iterable[tuple[str, str]]) -> frozenset[int]:
        found: set[int] = set()
        for low, high in ranges:
            found.update(range(ord(low), min(ord(high), 127) + 1))
            if ord(high) > 127:
                found.add(OTHER)
        if self._folds:
            found.update(ord(chr(c).swapcase()) for c in tuple(found) if c < 128 and chr(c).isalpha())
        return frozenset(found)

    def _bracket(self, offset: int) -> Chars:
        """Read `[...]` (XBD 9.3.5), where a backslash is a character like any other."""
        is_negated = self._take("^")
        ranges: list[tuple[str, str]] = []
        first = self.at
        while self.at == first or not self.text.startswith("]", self.at):
            if self.at >= len(self.text):
                raise ExpressionError("the closing ] is missing", offset)
            if self._take("[:"):
                ranges.extend(self._class(offset))
                continue
            low = self._bracket_char()
            high = low
            if self.text.startswith("-", self.at) and not self.text.startswith("-]", self.at):
                self.at += 1
                high = self._bracket_char()
            if low > high:
                raise ExpressionError(f"the range {low}-{high} runs backwards", offset)
            ranges.append((low, high))
        self.at += 1
        members = self._members(ranges)
        inside = "".join(re.escape(a) if a == b else f"{re.escape(a)}-{re.escape(b)}" for a, b in ranges)
        if is_negated:  # of what lies beyond ASCII, a set holds a part at most
            members = (ALL - members) | {OTHER}
        return Chars(members, f"[{'^' if is_negated else ''}{inside}]")

    def _bracket_char(self) -> str:
        char = self.text[self.at : self.at + 1]
        if not char:
            raise ExpressionError("the closing ] is missing", self.at)
        if char == "[" and self.text[self.at + 1 : self.at + 2] in (".", "=", ":"):
            raise ExpressionError("[. .] and [= =] are not read, and no class ends a range", self.at)
        self.at += 1
        return char

    def _class(self, offset: int) -> list[tuple[str, str]]:
        end = self.text.find(":]", self.at)
        name = self.text[self.at : end] if end >= 0 else ""
        if name not in _CLASSES:
            raise ExpressionError("no such character class", offset, f"there are {', '.join(_CLASSES)}")
        self.at = end + 2
        return [(c, c) for c in _CLASSES[name]]

    def _repeated(self, atom: Node) -> Node:
        offset = self.at
        char = self.text[self.at : self.at + 1]
        if not char or char not in "*+?{":
            return atom
        self.at += 1
        low, high = {"*": (0, None), "+": (1, None), "?": (0, 1)}.get(char) or self._interval(offset)
        if self.text[self.at : self.at + 1] in ("*", "+", "?", "{"):
            raise ExpressionError("a repeat of a repeat", offset, "POSIX knows no lazy or possessive repeats")
        if isinstance(atom, Edge):
            raise ExpressionError(f"{char} repeats nothing", offset)
        return Repeat(atom, low, high, offset)

    def _interval(self, offset: int) -> tuple[int, int | None]:
        match = re.compile(r"([0-9]{1,3})(?:(,)([0-9]{0,3}))?\}").match(self.text, self.at)
        if not match:
            raise ExpressionError("{ begins no {n}, {n,} or {n,m}", offset, r"write \{ for the character")
        self.at = match.end()
        low = int(match[1])
        high = low if not match[2] else int(match[3]) if match[3] else None
        if low > MAX_COUNT or (high is not None and not low <= high <= MAX_COUNT) or high == 0:
            raise ExpressionError(f"counts go from 1 to {MAX_COUNT}, the smaller one first", offset)
        return low, high
