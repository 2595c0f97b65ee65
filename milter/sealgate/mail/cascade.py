"""The styles of the elements of a message: what of its sheet fits each, then what stands at the element itself.

What an element stands in matters to a sheet only as far as its selectors ask: a `Context` is the set of their outer
parts that the elements around fit, so that all cells of a table have the same one. Answers are kept at the sheet,
which is the same from mail to mail of a campaign. Time is bounded whatever a sender writes: the elements of a message
together cost `MAX_STEPS` comparisons, and then `Cascade.is_cut` says that this was all. Nothing here raises.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from operator import attrgetter
from typing import Any, Final, TypeVar

from sealgate.mail.element import VOID_BOX, Element, alternative_of, attributes_of, name_of, target_of
from sealgate.mail.sheet import Rule, Sheet
from sealgate.mail.style import Declared, Style, doubtful, style_of

MAX_STEPS: Final = 100_000
_MAX_STARTS: Final = 500  # tags kept for one sheet
_MAX_PLACES: Final = 1_000  # and elements within contexts
_VARIED: Final = frozenset({"<a ", "<im"})  # no two of them are the same
_MAX_KEPT: Final = 600  # characters of a tag that is kept

T = TypeVar("T")


@dataclass(slots=True, eq=False)
class Start:
    """What is known of a start tag: the element, the rules that fit it anywhere, and those that fit within others."""

    element: Element
    style: Style | None
    rules: list[Rule]
    inner: list[Rule]


@dataclass(slots=True, eq=False)
class Context:
    """What an element stands in: outer parts of selectors, those of its parent that a child must follow apart.

    Attributes:
        around, above: numbers of parts; `above` counts for children only.
        within: the contexts of the elements in it, by element; styles: by start tag.
    """

    around: frozenset[int] = frozenset()
    above: frozenset[int] = frozenset()
    within: dict[Element, "Context"] = field(default_factory=dict)
    styles: dict[Start, Style | None] = field(default_factory=dict)


@dataclass(slots=True, eq=False)
class Kept:
    """What is kept of one sheet between messages."""

    known: dict[str, "Known"] = field(default_factory=dict)
    starts: dict[str, Start] = field(default_factory=dict)
    contexts: dict[tuple[frozenset[int], frozenset[int]], Context] = field(default_factory=dict)
    places: int = 0


Known = tuple[int, Element, Style | None, str, str]
"""What is known of a start tag: the kind of its element, the element, its style, its target, its alternative text."""


_COMMENT: Final[Known] = (VOID_BOX, Element("wbr", {}), None, "", "")  # nothing to see, and no end


class Cascade:
    """The styles of the elements of one message (CSS Cascading 4, 6).

    Attributes:
        known: start tags that are the same wherever they stand.
        root: what the outermost element stands in.
        has_contexts: whether `enter` is to be asked.
        is_cut: not all of the sheet was read or compared.
    """

    __slots__ = ("_kept", "_sheet", "_steps", "has_contexts", "is_cut", "known", "root")

    def __init__(self, sheet: Sheet) -> None:
        kept: Kept | None = sheet.kept.get("")
        if kept is None or kept.places > _MAX_PLACES:
            kept = sheet.kept[""] = Kept()
        self._sheet = sheet
        self._kept = kept
        self._steps = MAX_STEPS
        self.known = kept.known
        self.has_contexts = bool(sheet.outer)
        self.root = self._context(frozenset(), frozenset())
        self.is_cut = sheet.is_cut

    def start(self, tag: str, context: Context) -> Known:
        """Read a start tag, as written. What is in `known` already need not be asked for."""
        if tag[1] in "!?":
            return _COMMENT
        key, target, alternative = tag, "", ""
        if tag[:3] in _VARIED and '"=' not in tag and not self._sheet.has_targets:
            # What differs from one to the next is cut out. Every quotation mark begins or ends a value here.
            parts = tag.split('"')
            if tag[1] == "a":
                target = _cut(parts, "<a href=", " href=")
            else:
                _cut(parts, "<img src=", " src=")
                alternative = _cut(parts, "<img alt=", " alt=")
            key = '"'.join(parts)
        start = self._kept.starts.get(key) or self._started(key)
        element = start.element
        style = start.style if not start.inner else self._style_within(start, context)
        if key != tag:
            return element.kind, element, style, target_of(target), alternative_of(alternative)
        found = element.kind, element, style, element.target, element.alternative
        if not start.inner and len(tag) <= _MAX_KEPT and not self.is_cut:
            _keep(self.known, tag, found)
        return found

    def enter(self, context: Context, element: Element) -> Context:
        """Return what the children of an element stand in."""
        found = context.within.get(element)
        if found is None:
            around: set[int] = set(context.around)
            above: set[int] = set()
            for part in _of(self._sheet.outer, element):
                self._steps -= 1
                if self._steps < 0:
                    self.is_cut = True
                    return context
                is_placed = part.outer < 0 or part.outer in (context.above if part.is_child else context.around)
                if is_placed and part.compound.fits(element):
                    (above if part.is_above else around).add(part.number)
            found = self._context(frozenset(around), frozenset(above))
            if self._kept.places <= _MAX_PLACES:
                self._kept.places += 1
                context.within[element] = found
        return found

    def _context(self, around: frozenset[int], above: frozenset[int]) -> Context:
        found = self._kept.contexts.get((around, above))
        if found is None:
            found = Context(around, above)
            if self._kept.places <= _MAX_PLACES:
                self._kept.places += 1
                self._kept.contexts[around, above] = found
        return found

    def _started(self, key: str) -> Start:
        is_kept = len(key) <= _MAX_KEPT
        element = _element(key) if is_kept else Element(name_of(key), attributes_of(key))
        rules: list[Rule] = []
        inner: list[Rule] = []
        for rule in _of(self._sheet.rules, element):
            self._steps -= 1
            if self._steps < 0:
                self.is_cut = True
                break
            if rule.compound.fits(element):
                (rules if rule.outer < 0 else inner).append(rule)
        start = Start(element, _cascaded(element, rules), rules, inner)
        if is_kept and not self.is_cut:
            _keep(self._kept.starts, key, start)
        return start

    def _style_within(self, start: Start, context: Context) -> Style | None:
        """Return the style of an element that depends on those around it."""
        if start in context.styles:
            return context.styles[start]
        self._steps -= len(start.inner)
        if self._steps < 0:
            self.is_cut = True
            return start.style
        here = [rule for rule in start.inner if rule.outer in (context.above if rule.is_child else context.around)]
        style = _cascaded(start.element, start.rules + here) if here else start.style
        if self._kept.places <= _MAX_PLACES:
            self._kept.places += 1
            context.styles[start] = style
        return style


def _of(kept: Mapping[str, tuple[T, ...]], element: Element) -> Iterator[T]:
    """Pick what is kept for an element: under its id, its classes, its name, or for all."""
    for name in element.classes:
        yield from kept.get(f".{name}", ())
    if "id" in element.attributes:
        yield from kept.get(f"#{element.attributes['id']}", ())
    yield from kept.get(element.name, ())
    yield from kept.get("*", ())


def _cascaded(element: Element, rules: list[Rule]) -> Style | None:
    hints, own = element.own
    if not rules:
        return style_of({**hints, **own[0], **own[1]}, element.name) if hints or own[0] or own[1] else None
    rules = sorted(rules, key=attrgetter("weight"))
    style = _sum(element, hints, [rule.declared for rule in rules if not rule.is_for_some], own)
    if style is not None and any(rule.is_for_some for rule in rules):
        wider = _sum(element, hints, [rule.declared for rule in rules], own)
        if _hides(style) and not (wider is not None and _hides(wider)):
            return doubtful(wider)
    return style


def _sum(element: Element, hints: Mapping[str, Any], sheet: list[Declared], own: Declared) -> Style | None:
    values = dict(hints)
    for level in (0, 1):  # `!important` comes after all that is not
        for each in (*sheet, own):
            values.update(each[level])
    return style_of(values, element.name)


def _hides(style: Style) -> bool:
    return style.is_gone or style.is_visible is False or (style.size is not None and style.size[0] == 0)


@lru_cache(maxsize=4096)
def _element(tag: str) -> Element:
    return Element(name_of(tag), attributes_of(tag))


def _cut(parts: list[str], first: str, other: str) -> str:
    """Take the value of an attribute out of the parts between quotation marks: names are even, values odd."""
    if parts[0] == first:
        at = 1
    elif other not in parts:
        return ""
    else:
        at = parts.index(other) + 1
        if at % 2 == 0:  # a value that looks like the name comes first
            at = next((at for at in range(1, len(parts), 2) if parts[at - 1] == other), 0)
            if not at:
                return ""
    value, parts[at] = parts[at], ""
    return value


def _keep(kept: dict[str, T], key: str, value: T) -> None:
    if len(kept) >= _MAX_STARTS:
        kept.clear()
    kept[key] = value
