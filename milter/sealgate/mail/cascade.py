"""The styles of the elements of a message: what of its sheet fits each, then what stands at the element itself.

Answers are kept at the sheet, which is the same from mail to mail of a campaign. Time is bounded whatever a sender
writes: the elements of a message together cost `MAX_STEPS` comparisons, and then `Cascade.is_cut` says that this was
all. Nothing here raises.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from operator import attrgetter
from typing import Any, Final

from sealgate.mail.element import Element, alternative_of, attributes_of, name_of, target_of
from sealgate.mail.sheet import Rule, Sheet
from sealgate.mail.style import Declared, Drawn, Style, doubtful, style_of

MAX_STEPS: Final = 100_000
_MAX_STARTS: Final = 500  # tags kept for one sheet
_VARIED: Final = frozenset({"<a ", "<im"})  # no two of them are the same
_MAX_KEPT: Final = 600  # characters of a tag that is kept

Known = tuple[int, Element, Style | None, str, str]
"""What is known of a start tag: the kind of its element, the element, its style, its target, its alternative text."""
Around = Sequence[tuple[str, Drawn, Element]]


@dataclass(slots=True, eq=False)
class Start:
    """What is known of a start tag: the element, its style, whether others around it may change that."""

    element: Element
    style: Style | None
    is_alone: bool


class Cascade:
    """The styles of the elements of one message (CSS Cascading 4, 6): its sheet, then what stands at the elements.

    Attributes:
        is_cut: not all of the sheet was read or compared.
    """

    __slots__ = ("_sheet", "_steps", "_within", "is_cut", "known")

    def __init__(self, sheet: Sheet) -> None:
        self._sheet = sheet
        self.known = sheet.known
        self._steps = MAX_STEPS
        self._within: dict[tuple[object, ...], Style | None] = {}
        self.is_cut = sheet.is_cut

    def start(self, tag: str, around: Around) -> Known:
        """Read a start tag. What is in `known` already need not be asked for.

        Args:
            tag: as written.
            around: the elements it stands in, third in each, the outermost first.
        """
        key, target, alternative = tag, "", ""
        if tag[:3] in _VARIED and '"=' not in tag and not self._sheet.has_targets:
            # What differs from one to the next is cut out. Every quotation mark begins or ends a value here.
            parts = tag.split('"')
            if parts[0] == "<a href=":
                target, parts[1] = parts[1], ""
            elif tag[1] == "a":
                target = _cut(parts, " href=")
            else:
                if parts[0] == "<img src=":
                    parts[1] = ""
                else:
                    _cut(parts, " src=")
                if parts[0] == "<img alt=":
                    alternative, parts[1] = parts[1], ""
                else:
                    alternative = _cut(parts, " alt=")
            key = '"'.join(parts)
        start = self._sheet.starts.get(key) or self._started(key, around)
        element = start.element
        style = start.style if start.is_alone else self._style_within(start, around)
        if key != tag:
            return element.kind, element, style, target_of(target), alternative_of(alternative)
        found = element.kind, element, style, element.target, element.alternative
        if start.is_alone and len(tag) <= _MAX_KEPT and not self.is_cut:
            _keep(self.known, tag, found)
        return found

    def _started(self, key: str, around: Around) -> Start:
        is_kept = len(key) <= _MAX_KEPT
        element = _element(key) if is_kept else Element(name_of(key), attributes_of(key))
        style, is_alone = self._style(element, around)
        start = Start(element, style, is_alone)
        if is_kept and not self.is_cut:
            _keep(self._sheet.starts, key, start)
        return start

    def _style(self, element: Element, around: Around) -> tuple[Style | None, bool]:
        """Return the style, and whether it is the same wherever the element stands."""
        fitting: list[Rule] = []
        is_alone = True
        for rule in chain.from_iterable(self._candidates(element)):
            self._steps -= 1
            if self._steps < 0:
                break
            if rule.parts[0].fits(element):
                is_alone = is_alone and len(rule.parts) == 1
                if len(rule.parts) == 1 or self._stands_in(rule, 1, around, len(around)):
                    fitting.append(rule)
        self.is_cut = self.is_cut or self._steps < 0
        return _cascaded(element, fitting), is_alone

    def _candidates(self, element: Element) -> list[tuple[Rule, ...]]:
        rules = self._sheet.rules
        name = element.attributes.get("id")
        keys = [f".{word}" for word in element.classes]
        keys += [element.name, "*"] if name is None else [f"#{name}", element.name, "*"]
        return [rules[key] for key in keys if key in rules]

    def _style_within(self, start: Start, around: Around) -> Style | None:
        """Return the style of an element that depends on those around it. Rows of a table stand in the same ones."""
        self._steps -= len(around) // 4
        chain_of = (start, *[element for _, _, element in around]) if self._steps > 0 else (start,)
        if chain_of not in self._within:
            self._within[chain_of] = self._style(start.element, around)[0]
        return self._within[chain_of]

    def _stands_in(self, rule: Rule, part: int, around: Around, below: int) -> bool:
        """Whether the compounds from `part` on fit elements above `below`."""
        if part == len(rule.parts):
            return True
        compound, is_child = rule.parts[part], rule.is_child[part - 1]
        tag, classes = compound.tag, compound.classes
        for at in range(below - 1, -1, -1):
            element = around[at][2]
            if (
                (not tag or tag == element.name)
                and (not classes or classes <= element.classes)
                and (compound.is_simple or compound.fits(element))
                and self._stands_in(rule, part + 1, around, at)
            ):
                return True
            if is_child or self._steps < 0:
                break
            self._steps -= 1
        return False


def _cascaded(element: Element, rules: list[Rule]) -> Style | None:
    hints, own = element.own
    if not rules:
        return style_of({**hints, **own[0], **own[1]}, element.name)
    rules.sort(key=attrgetter("weight"))
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


def _cut(parts: list[str], name: str) -> str:
    """Take the value of an attribute out of the parts between quotation marks: names are even, values odd."""
    if name not in parts:
        return ""
    at = parts.index(name) + 1
    if at % 2 == 0:  # a value that looks like the name comes first
        at = next((at for at in range(1, len(parts), 2) if parts[at - 1] == name), 0)
    if not at:
        return ""
    value, parts[at] = parts[at], ""
    return value


def _keep(kept: dict[str, Any], key: str, value: Any) -> None:
    if len(kept) >= _MAX_STARTS:
        kept.clear()
    kept[key] = value
