"""The end of what a reader sees of a part, as lines for a terminal, with the elements of the law marked in it.

Text that no reader is shown is counted and named, never shown: it would look as if it counted. Elements that stand
further up are shown where they stand. Nothing of a message can drive the terminal (`shown`).
"""

import textwrap
from collections.abc import Callable, Iterable, Iterator
from typing import Final

from sealgate.mail.visible import View
from sealgate.screening.result import ElementSeen, Looked, Screening

TAIL: Final = 600  # characters of the end that are shown
ABOUT: Final = 160  # characters on both sides of an element further up
Paint = Callable[[str, str], str]  # a text and what it is: `found`, `bad`, `dim`
_GUTTER: Final = "  | "
_SMALL: Final = 9.0  # pixels
_PALE: Final = 3.0  # contrast
_TOLD: Final = 3  # how many runs that are hard to see are named
_OPEN, _CLOSE = "\ue000", "\ue001"  # private use: `shown` lets none of a sender's through


def shown(text: str) -> str:
    """Text of a sender for a terminal: letters of all scripts stay, what a terminal obeys or hides becomes `?`."""
    return "".join(c if c.isprintable() else " " if c.isspace() else "?" for c in text)


def footers(screening: Screening, width: int, paint: Paint) -> Iterator[str]:
    """The lines of every part that was read."""
    for looked in screening.looked:
        view = looked.view
        if view is None:
            yield f"Part {looked.part} ({looked.kind}) could not be read: {shown(looked.why)}"
            continue
        yield f"The end of part {looked.part} ({looked.kind}) as a reader sees it:"
        marks = list(_marks(screening.elements, looked, view))
        for start, end in _pieces(view.text, marks):
            yield from _lines(view.text, start, end, marks, width, paint)
        if not view.text:
            yield f"{_GUTTER}{paint('(nothing)', 'bad')}"
        yield from _remarks(view, marks, width)


def span(element: ElementSeen, view: View) -> tuple[int, int]:
    """Where an element stands in a view; (-1, -1) where that is not known."""
    if element.offset < 0 or element.offset > len(view.text):
        return -1, -1
    words = element.excerpt.partition("...")[0].rstrip(" /:(<")  # what follows was left out
    end = element.offset + max(len(words), 1)
    if "..." in element.excerpt and view.text[element.offset : end].split() != words.split():
        stop = view.text.find("\n", element.offset)
        end = stop if stop > 0 else len(view.text)
    return element.offset, min(end, len(view.text))


def _marks(elements: Iterable[ElementSeen], looked: Looked, view: View) -> Iterator[tuple[int, int]]:
    for element in elements:
        if element.part == looked.part:
            start, end = span(element, view)
            if start >= 0:
                yield start, end


def _pieces(text: str, marks: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """The runs of text to show: around each mark, and the end; runs that touch are one."""
    wanted = [(max(0, start - ABOUT), min(len(text), end + ABOUT)) for start, end in marks]
    wanted.append((max(0, len(text) - TAIL), len(text)))
    pieces: list[tuple[int, int]] = []
    for start, end in sorted(wanted):
        first = text.rfind("\n", 0, start) + 1
        first = first if start - first < ABOUT else start
        if pieces and first <= pieces[-1][1]:
            pieces[-1] = (pieces[-1][0], max(end, pieces[-1][1]))
        else:
            pieces.append((first, end))
    return [piece for piece in pieces if piece[0] < piece[1]]


def _lines(text: str, start: int, end: int, marks: list[tuple[int, int]], width: int, paint: Paint) -> Iterator[str]:
    if start > 0:
        yield f"{_GUTTER}{paint(f'... {start:,} characters before', 'dim')}"
    pieces = []
    for line_start, line in _split(text, start, end):
        marked = list(shown(line))
        for low, high in marks:
            first, last = max(low - line_start, 0), min(high - line_start, len(line)) - 1
            if first <= last:
                marked[first] = _OPEN + marked[first]
                marked[last] += _CLOSE
        pieces.append("".join(marked))
    is_open = False
    for piece in pieces:
        for line in textwrap.wrap(piece, max(20, width - len(_GUTTER)), break_on_hyphens=False) or [""]:
            begins = is_open
            is_open = (line.rfind(_OPEN) > line.rfind(_CLOSE)) if (_OPEN in line or _CLOSE in line) else is_open
            yield _GUTTER + _painted(line, begins=begins, paint=paint)


def _split(text: str, start: int, end: int) -> Iterator[tuple[int, str]]:
    at = start
    for line in text[start:end].split("\n"):
        yield at, line
        at += len(line) + 1


def _painted(line: str, *, begins: bool, paint: Paint) -> str:
    """Turn the marks into paint; a mark that goes over several lines is painted on each."""
    line = (_OPEN if begins else "") + line
    out = []
    for index, piece in enumerate(line.split(_OPEN)):
        if not index:
            out.append(piece.replace(_CLOSE, ""))
            continue
        inside, closed, outside = piece.partition(_CLOSE)
        out.append(paint(inside, "found") + (outside.replace(_CLOSE, "") if closed else ""))
    return "".join(out)


def _remarks(view: View, marks: list[tuple[int, int]], width: int) -> Iterator[str]:
    """What of a part a reader does not see, or hardly."""
    said = []
    if view.unseen:
        runs = len([line for line in view.unseen.split("\n") if line])
        pieces = "1 piece" if runs == 1 else f"{runs} pieces"
        said.append(f"Left out, as no reader is shown it: {pieces} of text, {len(view.unseen):,} characters.")
    if view.alternatives:
        said.append(f"Pictures say instead: {shown(view.alternatives)[:120]}")
    hard = [look for look in view.looks if any(look.start < end and start < look.end for start, end in marks)]
    for look in sorted(hard, key=lambda one: one.start - one.end)[:_TOLD]:  # the longest first
        how = [f"{look.size:g} pixels high"] if 0 < look.size < _SMALL else []
        how += [f"of contrast {look.contrast:.1f}"] if 0 < look.contrast < _PALE else []
        if how:
            said.append(f'Hard to see: "{shown(view.text[look.start : look.end])[:60]}" is {" and ".join(how)}.')
    if len(hard) > _TOLD:
        said.append(f"Hard to see as well: {len(hard) - _TOLD} more.")
    if view.is_doubtful:
        said.append("A style sheet shows some of it to some readers only (media queries).")
    for text in said:
        yield from textwrap.wrap(text, width, initial_indent="  ", subsequent_indent="  ")
