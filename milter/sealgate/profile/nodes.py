"""YAML as a tree of places, strings, lists and mappings, and nothing else.

Built from PyYAML's event stream rather than from `safe_load`, so that every scalar stays the string that was written
(`no`, `010` and `1e3` mean what the field that reads them says), each node knows its line and column, and a mapping
with a repeated key is an error that names both places. Anchors, aliases, tags, merge keys and several documents are
errors: a policy that is shown to a regulator should say what it means where it stands.

Nothing here raises on any text. What is wrong is collected in a `Problems`, and reading goes on with a default, so
that one run names every problem. Size, depth and number of nodes are capped; events are read one at a time without
recursion, so a deeply nested file cannot exhaust the stack. The typed readers over this tree are in `fields`.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any, Final, TypeAlias

import yaml

from sealgate.profile.model import Place, Problem
from sealgate.profile.syntax import quote_hint, syntax_hint

MAX_TEXT: Final = 32 * 1024 * 1024  # characters
MAX_NODES: Final = 1_500_000  # 50,000 identities with everything in them need about 700,000
MAX_DEPTH: Final = 16  # our deepest field stands at 5
MAX_PROBLEMS: Final = 1_000  # more are counted, not listed

# libyaml where PyYAML was built with it: about ten times as fast; both give the same events.
_LOADER: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
# YAML 1.1 5.1 c-printable; checked here because the two loaders report it with different offsets.
_UNPRINTABLE = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
# What an escape in double quotes can still bring in; line feeds are the text reader's business.
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\u2028\u2029]")


@dataclass(frozen=True, slots=True)
class Scalar:
    """A string as written; `plain` says that it stood without quotes."""

    text: str
    plain: bool
    place: Place


@dataclass(frozen=True, slots=True)
class Listing:
    """A YAML sequence."""

    nodes: tuple["Node", ...]
    place: Place


@dataclass(frozen=True, slots=True)
class Table:
    """A YAML mapping: its pairs in order, every key once."""

    pairs: tuple[tuple[Scalar, "Node"], ...]
    place: Place


Node: TypeAlias = Scalar | Listing | Table


@dataclass(slots=True)
class Problems:
    """Collects what is wrong in one file."""

    file: str
    errors: int = 0  # how many errors so far, listed or not
    unlisted: int = 0
    collected: list[Problem] = field(default_factory=list)

    def error(self, place: Place, message: str, suggestion: str = "") -> None:
        """Add something for which the file cannot be used."""
        self.errors += 1
        self._add(place, message, suggestion, is_error=True)

    def warning(self, place: Place, message: str, suggestion: str = "") -> None:
        """Add something that is probably not meant; the file can be used."""
        self._add(place, message, suggestion, is_error=False)

    def _add(self, place: Place, message: str, suggestion: str, *, is_error: bool) -> None:
        if len(self.collected) >= MAX_PROBLEMS:
            self.unlisted += 1
            return
        self.collected.append(Problem(self.file, place.line, place.column, message, suggestion, is_error))

    def take(self, other: "Problems") -> None:
        """Add all that was collected apart."""
        self.errors += other.errors
        free = max(0, MAX_PROBLEMS - len(self.collected))
        self.collected += other.collected[:free]
        self.unlisted += other.unlisted + len(other.collected[free:])

    def at(self, place: Place) -> str:
        """Write `place` as `file:line:column`, for messages that name a second place."""
        return f"{self.file}:{place.line}:{place.column}"

    def line(self, place: Place) -> str:
        """Write `place` as `file:line`, as values of the profile carry it."""
        return f"{self.file}:{place.line}"

    def listed(self) -> tuple[Problem, ...]:
        """All problems in the order of the file, with a last one that counts those beyond the cap."""
        found = sorted(self.collected, key=lambda p: (p.line, p.column))
        if self.unlisted:
            found.append(
                Problem(self.file, 0, 0, f"{self.unlisted} more problems are not listed", is_error=self.errors > 0)
            )
        return tuple(found)


def place_of(line: str) -> Place:
    """Turn the `file:line` that values of the profile carry back into a place; (0, 0) where none is known."""
    number = line.rpartition(":")[2]
    return Place(int(number), 1) if number.isdecimal() else Place(0, 0)


def shown(value: str) -> str:
    """Quote what the operator wrote for a message: short, and harmless on a terminal."""
    cut = value if len(value) <= 60 else value[:57] + "..."
    if cut.isprintable():
        return f"`{cut}`"
    return "`" + "".join(c if c.isprintable() else "\ufffd" for c in cut) + "`"


def near(word: str, known: Iterable[str]) -> str:
    """Return a `did you mean` for `word` among the `known` words, or an empty string. Capped: difflib is quadratic."""
    if not word or len(word) > 60:
        return ""
    if hint := quote_hint(word):
        return hint
    candidates = [k for _, k in zip(range(500), known, strict=False)]
    close = get_close_matches(word, candidates, n=1, cutoff=0.6)
    return f"did you mean {shown(close[0])}?" if close else ""


def read_tree(text: str, problems: Problems) -> Node | None:
    """Read one YAML document.

    Returns:
        The root, or None where the file is empty or could not be read to its end (then `problems` says why).
    """
    if len(text) > MAX_TEXT:
        problems.error(Place(1, 1), f"the file is larger than {MAX_TEXT} characters")
        return None
    if bad := _UNPRINTABLE.search(text):
        line = text.count("\n", 0, bad.start()) + 1
        column = bad.start() - text.rfind("\n", 0, bad.start())
        problems.error(Place(line, column), f"character U+{ord(bad[0]):04X} may not stand in a YAML file")
        return None
    try:
        return _Builder(problems).build(yaml.parse(text, Loader=_LOADER))
    except yaml.MarkedYAMLError as error:
        _report_syntax(error, text, problems)
    except (yaml.YAMLError, ValueError, OverflowError, IndexError) as error:
        # PyYAML's own scanner lets ValueError and others out, such as for the escape "\Uffffffff".
        problems.error(Place(1, 1), f"this is not YAML: {shown(str(error))}")
    return None


def _place(mark: Any) -> Place:  # a Mark of one of the two loaders, or None
    return Place(mark.line + 1, mark.column + 1) if mark else Place(1, 1)


def _report_syntax(error: yaml.MarkedYAMLError, text: str, problems: Problems) -> None:
    mark = error.problem_mark or error.context_mark
    place = _place(mark)
    said = " ".join(part for part in (error.context, error.problem) if part)
    opened = _place(error.context_mark).line if error.context_mark else place.line
    hint = syntax_hint(text.splitlines(), place.line, place.column, said, opened)
    problems.error(place, f"this is not YAML: {said[:200]}", hint)


class _Stop(Exception):  # noqa: N818 - no error: the end of reading, already reported
    """A cap was met."""


@dataclass(slots=True)
class _Builder:
    """Puts nodes together from events, with a stack of its own instead of recursion."""

    problems: Problems
    _root: Node | None = None
    _count: int = 0
    _open: list[tuple[bool, Place, list[Node]]] = field(default_factory=list)  # is it a table, where, what so far

    def build(self, events: Iterator[yaml.Event]) -> Node | None:
        try:
            for event in events:
                self._take(event)
        except _Stop:
            return None
        return self._root

    def _take(self, event: yaml.Event) -> None:
        if isinstance(event, yaml.ScalarEvent):
            place = self._seen(event)
            value, faults = _CONTROL.subn("\ufffd", event.value)
            if faults:
                self.problems.error(place, "control characters may not stand in a value")
            self._put(Scalar(value, not event.style, place))
        elif isinstance(event, yaml.CollectionStartEvent):
            place = self._seen(event)
            if len(self._open) >= MAX_DEPTH:
                self.problems.error(place, f"nested more than {MAX_DEPTH} deep")
                raise _Stop
            self._open.append((isinstance(event, yaml.MappingStartEvent), place, []))
        elif isinstance(event, yaml.CollectionEndEvent):
            is_table, place, inside = self._open.pop()
            self._put(Table(self._pairs(inside), place) if is_table else Listing(tuple(inside), place))
        elif isinstance(event, yaml.AliasEvent):
            place = self._seen(event)
            self.problems.error(place, f"alias *{event.anchor}: aliases are not read", "write the value out")
            self._put(Scalar("", False, place))
        elif isinstance(event, yaml.DocumentStartEvent) and self._root is not None:
            place = _place(event.start_mark)
            self.problems.error(place, "a second document begins here", "keep everything in one, without `---`")
            raise _Stop

    def _seen(self, event: yaml.NodeEvent) -> Place:
        """Count a node and refuse what it must not carry."""
        place = _place(event.start_mark)
        self._count += 1
        if self._count > MAX_NODES:
            self.problems.error(place, f"the file holds more than {MAX_NODES} values")
            raise _Stop
        if event.anchor is not None and not isinstance(event, yaml.AliasEvent):
            self.problems.error(place, f"anchor &{event.anchor}: anchors are not read", "write the value out")
        tag = getattr(event, "tag", None)
        if tag is not None:
            self.problems.error(
                place, f"tag {shown(tag)}: tags are not read", "write the value alone, quoted if need be"
            )
        return place

    def _put(self, node: Node) -> None:
        if self._open:
            self._open[-1][2].append(node)
        elif self._root is None:
            self._root = node

    def _pairs(self, inside: list[Node]) -> tuple[tuple[Scalar, Node], ...]:
        found: dict[str, tuple[Scalar, Node]] = {}
        for key, value in zip(inside[::2], inside[1::2], strict=True):
            if not isinstance(key, Scalar):
                self.problems.error(key.place, "a key must be a plain text", "a text with { or [ needs double quotes")
            elif key.plain and key.text == "<<":
                self.problems.error(key.place, "merge keys (<<) are not read", "write the fields out")
            elif key.text in found:
                first = self.problems.at(found[key.text][0].place)
                self.problems.error(
                    key.place, f"key {shown(key.text)} was already given at {first}", "keep one of them"
                )
            else:
                found[key.text] = (key, value)
        return tuple(found.values())
