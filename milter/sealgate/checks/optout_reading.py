"""A text as `checks.optout` reads it: its end first, in lower case, look-alike letters folded, and what comes of it.

Offsets are those of the view's text. `places` looks for many phrases at a cost of one short search for most of them.
"""

import enum
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final
from unicodedata import normalize

from sealgate.mail.visible import View

MAX_EXCERPT: Final = 200  # characters of an excerpt
_TAIL: Final = 3_000
MOST: Final = 150_000  # characters of a text that are looked at, from its end
_OVERLAP: Final = 120  # characters of the tail that the rest is read with
_TRIES: Final = 6  # places of one phrase that are looked at


class State(enum.StrEnum):
    """What was found: a notice that can work, one that asks too much, only such as cannot work, or none."""

    LIVE = "live"
    BURDENED = "burdened"  # only by logging in, by letter or by telephone (16 CFR 316.5)
    DEAD = "dead"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class OptOut:
    """The best opt-out of a message.

    Attributes:
        state: LIVE where one can work.
        phrase: the words with what stands around them, at most 200 characters, blanks folded.
        href: the target of the link or the address to write to, as written; empty for a reply instruction.
        where: index of the view, -1 for none.
        why: for DEAD, what is wrong with the link; for BURDENED, and a LIVE one that seems to ask too much, what it is.
        begin: where `phrase` begins in the view's text.
        start, end: the words that name it, or their link, in the view's text.
        how: `link`, `address` (written out), `reply`, or empty.
        is_choice: whether nothing but a page of preferences was found (15 USC 7704(a)(3)(B)).
    """

    state: State
    phrase: str = ""
    href: str = ""
    where: int = -1
    why: str = ""
    begin: int = 0
    start: int = 0
    end: int = 0
    how: str = ""
    is_choice: bool = False


@dataclass(frozen=True, slots=True)
class Reading:
    """A piece of a view's text in lower case with the same offsets, `low` being where it begins."""

    view: View
    where: int
    low: int
    lower: str

    def words(self, start: int, end: int, state: State = State.NONE, *, how: str = "", why: str = "") -> OptOut:
        """The phrase from `start` to `end` with what stands around it, as far as whole words go."""
        text = self.view.text
        begin = max(0, start - 60)
        if begin:
            blanks = [at for at in (text.find(" ", begin, start), text.find("\n", begin, start)) if at >= 0]
            begin = min(blanks, default=start - 1) + 1
        excerpt = " ".join(text[begin : _whole(text, end, end + 100)].split())
        excerpt = excerpt[: _whole(excerpt, 0, MAX_EXCERPT)]
        return OptOut(state, excerpt, where=self.where, begin=begin, start=start, end=end, how=how, why=why)


def _whole(text: str, low: int, high: int) -> int:
    """The last place from `low` to `high` where no word is cut in two: half a mail address would tell whose it is."""
    if high >= len(text):
        return len(text)
    at = high
    while at > low and _in_word(text[at - 1]) and _in_word(text[at]):
        at -= 1
    return at if at > low else high


def _in_word(letter: str) -> bool:
    return letter < "\u3000" and not letter.isspace()  # beyond are scripts without blanks


def spans(views: tuple[View, ...]) -> Iterator[Reading]:
    """The pieces to be looked at, the likely ones first."""
    for is_end in (True, False):
        for where in range(len(views) - 1, -1, -1):  # the last alternative is the one mostly shown (RFC 2046 5.1.4)
            size = len(views[where].text)
            tail = max(0, size - _TAIL)
            low, high = (tail, size) if is_end else (max(0, size - MOST), tail and tail + _OVERLAP)
            if low < high:
                for lower in readings(lowered(views[where].text[low:high])):
                    yield Reading(views[where], where, low, lower)


Rows = tuple[tuple[str, bool, tuple[str, ...]], ...]


def places(lower: str, listed: Rows) -> Iterator[tuple[int, int]]:
    """The last few places of each phrase of `listed`."""
    is_ascii = lower.isascii()
    for start, plain, words in listed:
        if (is_ascii and not plain) or start not in lower:
            continue
        for phrase in words:
            place = len(lower)
            for _ in range(_TRIES):
                place = lower.rfind(phrase, 0, place)
                if place < 0:
                    break
                yield place, place + len(phrase)


def rows(words: tuple[str, ...]) -> Rows:
    """Phrases by how they begin, so that most need not be looked for: the beginning, whether it is ASCII, they."""
    begun: dict[str, list[str]] = {}
    for word in words:
        begun.setdefault(word[:4], []).append(word)
    return tuple((start, start.isascii(), tuple(found)) for start, found in begun.items())


# -- letters -----------------------------------------------------------------------------------------------------------
_ODD = re.compile("[\u0370-\u04ff\uff01-\uff5e\U0001d400-\U0001d7ff]")
_LOOKS = dict(zip("аеорсухѕіјԁһԛԝмтвкнοαινρτυκ", "aeopcyxsijdhqwmtbkhoaivptuk", strict=True))
_STYLED = {c: normalize("NFKC", chr(c)) for r in (range(0xFF01, 0xFF5F), range(0x1D400, 0x1D800)) for c in r}
_FOLD: Final = {ord(k): v for k, v in _LOOKS.items()} | {c: v.lower() for c, v in _STYLED.items() if len(v) == 1}


def lowered(text: str) -> str:
    """Lower case of the same length, line breaks as blanks and one kind of apostrophe."""
    return text.replace("\u0130", "I").lower().replace("\n", " ").replace("’", "'").replace("_", " ")


def readings(lower: str) -> Iterator[str]:
    """The text itself and, where letters of other scripts stand in it, the one with their Latin look-alikes."""
    yield lower
    if not lower.isascii() and _ODD.search(lower):
        yield lower.translate(_FOLD)
