"""One text part of a commercial message, and what was found in it of each element.

`sights` judges every part on its own: the parts may be alternatives of one another, and each reader sees one. What is
quoted or forwarded from somebody else is not the sender's and is not looked at.
"""

from bisect import bisect_right
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

from sealgate.checks import optout, postal
from sealgate.checks.alternatives import is_unrelated, pairs
from sealgate.checks.conspicuous import BLANK_LINES, blank_before, hard_to_see
from sealgate.checks.facts import Facts, Known
from sealgate.checks.optout import OptOut, State
from sealgate.checks.postal import Place
from sealgate.mail.message import Message
from sealgate.mail.visible import View
from sealgate.profile.model import PostalAddress

MAX_PARTS: Final = 16  # text parts that are looked at, the last ones; real mail has two


@dataclass(frozen=True, slots=True)
class Sight:
    """What one part shows.

    Attributes:
        path, subtype: of the part.
        view: what a reader sees of it, quotations blanked out (offsets stay).
        place: the best postal address in it, or `None`.
        opt_out: the best opt-out in it.
        blank_until: where its text goes on after a screen of nothing, or -1.
        is_foreign: whether it has nothing to do with the HTML beside it, so that nobody is shown it.
    """

    path: str
    subtype: str
    view: View
    place: Place | None
    opt_out: OptOut
    blank_until: int = -1
    is_foreign: bool = False

    def concealed(self, start: int, end: int) -> str:
        """Why what stands there is hard to see, or an empty string."""
        return _concealed(self.view, self.blank_until, start, end)


def sights(message: Message, facts: Facts, addresses: tuple[PostalAddress, ...]) -> tuple[Sight, ...]:
    """Judge each part that was read, in the order of the message. `facts.views` stand in the order of its parts."""
    parts = message.body.parts
    found: list[Sight] = []
    places: dict[int, int] = {}
    is_answer = _is_answer(message)
    for number, (part, fact) in enumerate(zip(parts, facts.views, strict=False)):
        if isinstance(fact, Known) and number >= len(parts) - MAX_PARTS:
            view = _own(fact.value, is_answer=is_answer)
            blank = blank_before(part)
            place = postal.registered(view.text, addresses) or postal.recognise(view.text)
            opt_out = optout.find((view,), partial(_is_plain, view, blank))
            places[number] = len(found)
            found.append(Sight(part.path, part.subtype, view, place, opt_out, blank))
    for plain, html in pairs(parts):
        if plain in places and html in places and is_unrelated(found[places[plain]].view, found[places[html]].view):
            found[places[plain]] = replace(found[places[plain]], is_foreign=True)
    return tuple(found)


def _is_answer(message: Message) -> bool:
    """Whether a message says by its fields or its subject that it answers or forwards another one."""
    if any(message.headers.every(name) for name in (b"in-reply-to", b"references")):
        return True
    return message.headers.text(b"subject").partition(":")[0].strip().lower() in _ANSWERS


_ANSWERS: Final = frozenset(
    ("re", "fw", "fwd", "aw", "wg", "sv", "vs", "tr", "rv", "res", "enc", "r", "i", "antw", "doorst")
)


def _own(view: View, *, is_answer: bool) -> View:
    """The view without what it quotes: blanks of the same length, so that offsets stay.

    Lines with `>` that nobody is said to have written are bullets where the message answers nobody.
    """
    quotes = view.quotes if is_answer else tuple(quote for quote in view.quotes if view.text[quote[0]] != ">")
    if not quotes:
        return view
    pieces: list[str] = []
    at = 0
    for start, end in quotes:
        pieces += (view.text[at:start], "\n" * (end - max(at, start)))
        at = max(at, end)
    text = "".join((*pieces, view.text[at:])).rstrip("\n")
    begins = [start for start, _ in quotes]
    links = tuple(link for link in view.links if not _is_quoted(quotes, begins, link.offset))
    return replace(view, text=text, links=links)


def _is_quoted(quotes: tuple[tuple[int, int], ...], begins: list[int], offset: int) -> bool:
    place = bisect_right(begins, offset) - 1
    return place >= 0 and offset < quotes[place][1]


def _concealed(view: View, blank_until: int, start: int, end: int) -> str:
    if 0 <= blank_until <= start:
        return f"after {BLANK_LINES} blank lines and more"
    return hard_to_see(view, start, end)


def _is_plain(view: View, blank_until: int, found: OptOut) -> bool:
    return found.state is not State.LIVE or not _concealed(view, blank_until, found.start, found.end)
