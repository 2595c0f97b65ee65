"""What of an HTML document is shown, in reading order: one walk over its tags with the styles that hold at each.

The result is a raw text with marks and the list of events that the marks stand for; `flow` folds it. Unseen text and
the alternatives of pictures are gathered beside it. Nothing here raises; time is linear in the document, and in the
depth of what a style sheet's selectors look for (`sheet.MAX_STEPS`).
"""

from dataclasses import dataclass, field
from typing import Final

from sealgate.mail.cascade import Cascade, Context
from sealgate.mail.drawn import PAGE, Drawn, within
from sealgate.mail.element import BOX, BREAK, EVENT, NOWHERE, ODD, SPECIAL, Element
from sealgate.mail.sheet import NO_SHEET, read_sheet
from sealgate.mail.tree import Document, read_document

MAX_UNSEEN: Final = 5_000
"""Characters of unseen text, and of alternatives, that are kept."""

LINK, LINK_END, QUOTE, QUOTE_END, LOOK, PLAIN = range(6)
_LINK_CLOSES: Final = "L"  # what stands on the stack for the end of an element; never in a text
_QUOTE_CLOSES: Final = "Q"

_NOWHERE: Final = Drawn(
    is_gone=True, is_seen=False, is_plain=False
)  # what was never meant to be seen: not even unseen text

Look = tuple[float, float]


@dataclass(slots=True)
class Shown:
    """What the walk found.

    Attributes:
        text: the shown text as written in HTML, with `EVENT` and `BREAK` in it.
        events: what each `EVENT` is: a kind, and the look where one begins.
        targets: of the links, in order of their begin.
        pictures: for each link, whether it shows an image; faded: whether it holds text that nobody sees.
        unseen, alternatives: runs, as written in HTML.
        is_doubtful: whether some readers are shown what others are not.
        is_cut: whether that is so because a style sheet was too large.
    """

    text: str = ""
    events: list[tuple[int, Look | None]] = field(default_factory=list)
    targets: list[str] = field(default_factory=list)
    pictures: list[bool] = field(default_factory=list)
    faded: list[bool] = field(default_factory=list)
    unseen: list[str] = field(default_factory=list)
    alternatives: list[str] = field(default_factory=list)
    is_doubtful: bool = False
    is_cut: bool = False


def shown_of(source: bytes) -> Shown:
    """Read a document given as UTF-8."""
    shown = shown_in(read_document(source))
    return shown if shown is not None else _walked(read_document(source, is_odd=True), is_odd=True)[0]


def shown_in(document: Document) -> Shown | None:
    """Walk over a document; None where it holds an element for which it must be read as an odd one."""
    shown, is_whole = _walked(document)
    return shown if is_whole else None


def _walked(document: Document, *, is_odd: bool = False) -> tuple[Shown, bool]:
    walk = _Walk(document.css)
    is_whole = walk.over(document.pieces, is_odd=is_odd)
    walk.shown.text = "".join(walk.out)
    return walk.shown, is_whole


class _Walk:
    """The walk over a document's pieces."""

    __slots__ = ("cascade", "left", "look", "opened", "out", "shown", "stack")

    def __init__(self, css: str) -> None:
        self.cascade = Cascade(read_sheet(css) if css else NO_SHEET)
        self.shown = Shown()
        self.out: list[str] = []
        self.opened: list[int] = []  # links
        self.stack: list[tuple[str, Drawn, Context]] = []  # what ends an element, and what holds again behind it
        self.look: Look | None = None
        self.left = [MAX_UNSEEN, MAX_UNSEEN]  # characters of unseen text and of alternatives

    def over(self, pieces: list[str], *, is_odd: bool = False) -> bool:  # noqa: C901, PLR0912  # calls would cost more
        """Walk; return False at an element for which the document must be read as an odd one, if it was not."""
        push, pop, add = self.stack.append, self.stack.pop, self.out.append
        cascade = self.cascade
        known, start, has_contexts = cascade.known.get, cascade.start, cascade.has_contexts
        context, drawn, is_plain = cascade.root, PAGE, True
        add(pieces[0])
        for tag, text in zip(pieces[1::2], pieces[2::2], strict=True):
            if tag[1] == "/":
                if self.stack:
                    after, outer, context = pop()
                    if after:
                        add(after) if after is BREAK else self.close(after)
                    if outer is not drawn:
                        drawn = outer
                        is_plain = drawn.is_plain and self.look is None
            else:
                kind, element, style, target, alternative = known(tag) or start(tag, context)
                outer, after = drawn, element.after
                if style is not None:
                    drawn = within(outer, style)
                if drawn.is_gone or kind >= NOWHERE:
                    if kind == ODD and not is_odd:
                        return False
                    drawn = _NOWHERE if kind == NOWHERE else drawn
                    after = "" if drawn.is_gone else after
                else:
                    if element.before:
                        add(element.before)
                    if kind == SPECIAL:
                        after = self.open(element, drawn, target, alternative)
                if kind != BOX and element.is_void:
                    drawn = outer
                else:
                    push((after, outer, context))
                    if has_contexts:
                        context = cascade.enter(context, element)
                if kind or drawn is not outer:
                    is_plain = drawn.is_plain and self.look is None
            if text:
                if is_plain:
                    add(text)
                else:
                    self.say(text, drawn)
                    is_plain = drawn.is_plain and self.look is None
        self.shown.is_cut = cascade.is_cut
        self.shown.is_doubtful = self.shown.is_doubtful or cascade.is_cut
        return True

    def event(self, kind: int, look: Look | None = None) -> None:
        self.shown.events.append((kind, look))
        self.out.append(EVENT)

    def say(self, text: str, drawn: Drawn) -> None:
        """Take text that is not drawn as on an empty page, or comes behind such."""
        if drawn.is_doubtful:
            self.shown.is_doubtful = self.shown.is_doubtful or not text.isspace()
        if drawn.is_seen:
            if drawn.look == self.look:
                self.out.append(text)
                return
            if text.isspace():
                self.out.append(" ")
                return
            self.look = drawn.look
            self.event(PLAIN if drawn.look is None else LOOK, drawn.look)
            self.out.append(text)
            return
        if not drawn.is_gone:
            self.out.append(" ") if text[0].isspace() or text[-1].isspace() else None
        if drawn is _NOWHERE or text.isspace() or text == "&nbsp;":
            return
        if self.opened:
            self.shown.faded[self.opened[-1]] = True
        if self.left[0] > 0:
            self.shown.unseen.append(text[: self.left[0]])
            self.left[0] -= len(text)

    def open(self, element: Element, drawn: Drawn, target: str, alternative: str) -> str:
        """Note what begins with an element that is more than a box; return what is to be done at its end."""
        shown = self.shown
        after = element.after
        if element.is_quote_from_here:
            self.event(QUOTE)
        elif element.is_quote:
            self.event(QUOTE)
            after = _QUOTE_CLOSES + after
        is_picture = element.is_image and drawn.is_visible
        if element.is_link and (drawn.is_visible or element.name == "a"):
            self.event(LINK)
            self.opened.append(len(shown.targets))
            shown.targets.append(target)
            shown.pictures.append(element.name == "area")
            shown.faded.append(False)
            if element.name == "area":
                self.out.append(f" {alternative} ")
                self.close(_LINK_CLOSES)
            else:
                after = _LINK_CLOSES + after
        elif is_picture and self.opened:
            shown.pictures[self.opened[-1]] = True
            if alternative:
                self.picture(alternative)
        elif is_picture and alternative and self.left[1] > 0:
            shown.alternatives.append(alternative[: self.left[1]])
            self.left[1] -= len(alternative)
        return after

    def picture(self, alternative: str) -> None:
        """The name of a link that a picture bears; it is drawn plainly, or not at all."""
        if self.look is not None:
            self.look = None
            self.event(PLAIN)
        self.out.append(f" {alternative} ")

    def close(self, after: str) -> None:
        for mark in after:
            if mark == _LINK_CLOSES:
                number = self.opened.pop()
                self.event(LINK_END)
                if self.opened:  # a link inside another: what it shows, the other shows too
                    outer = self.opened[-1]
                    self.shown.pictures[outer] |= self.shown.pictures[number]
                    self.shown.faded[outer] |= self.shown.faded[number]
            elif mark == _QUOTE_CLOSES:
                self.event(QUOTE_END)
            else:
                self.out.append(mark)
