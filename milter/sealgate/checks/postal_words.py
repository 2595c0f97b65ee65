"""The words of a postal address made comparable: case, accents, punctuation, abbreviations and units do not matter.

`words_of` gives the words of any text in the form that two spellings of one address share (USPS Publication 28, and the
like of other countries); `registered` finds an address of the profile by them. Both raise nothing and take time linear
in the text.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Final
from unicodedata import normalize

from sealgate.profile.model import PostalAddress

MAX_EXCERPT: Final = 200  # characters of an excerpt
_GAP: Final = 4  # words that may stand between two words of a registered address ("8th floor" is three)
_SLACK: Final = 8  # and in all
_END: Final = 60_000  # characters of a text in which an address without a rare number is looked for

_MARKS = re.compile(r"[\u0300-\u036f]+")
_PLUS4 = re.compile(r"\b(\d{5})-\d{4}\b")
# Digits and letters part (`L1G6Z8` is `L1G 6Z8`, `Box712` is `Box 712`); scripts without blanks go by the character.
_WORD = re.compile(r"\d+|[\u3040-\u30ff\u3400-\u9fff]|[^\W\d_\u3040-\u30ff\u3400-\u9fff]+")
_SHORTER: Final = (
    "alabama al|alaska ak|arizona az|arkansas ar|california ca|colorado co|connecticut ct|delaware de|florida fl|"
    "georgia ga|hawaii hi|idaho id|illinois il|indiana in|iowa ia|kansas ks|kentucky ky|louisiana la|maine me|"
    "maryland md|massachusetts ma|michigan mi|minnesota mn|mississippi ms|missouri mo|montana mt|nebraska ne|nevada nv|"
    "new hampshire nh|new jersey nj|new mexico nm|new york ny|north carolina nc|north dakota nd|ohio oh|oklahoma ok|"
    "oregon or|pennsylvania pa|rhode island ri|south carolina sc|south dakota sd|tennessee tn|texas tx|utah ut|"
    "vermont vt|virginia va|washington wa|west virginia wv|wisconsin wi|wyoming wy|district of columbia dc|"
    "puerto rico pr|ontario on|quebec qc|british columbia bc|alberta ab|manitoba mb|saskatchewan sk|nova scotia ns|"
    "new brunswick nb|newfoundland nl|new south wales nsw|victoria vic|queensland qld|tasmania tas|"
    "street st|saint st|strasse str|straat str|avenue ave|av ave|avenida ave|road rd|boulevard blvd|bd blvd|drive dr|"
    "lane ln|court ct|place pl|square sq|parkway pkwy|highway hwy|terrace ter|circle cir|trail trl|building bldg|"
    "floor fl|fort ft|mount mt|north n|south s|east e|west w|northeast ne|northwest nw|southeast se|southwest sw|rua r|"
    "p o box pobox|po box pobox|post office box pobox|d c dc|u s a usa|u k uk|united states of america usa|"
    "united states usa|united kingdom uk"
)
SHORT: Final = dict(pair.rpartition(" ")[::2] for pair in _SHORTER.split("|"))
# USPS Publication 28: a unit may be written as Suite, Ste, Unit, PMB or `#`; the number is what counts.
_DROPPED: Final = frozenset(("suite", "ste", "unit", "apt", "apartment", "room", "rm", "pmb", "no", "nr"))
_PHRASES: Final = tuple((f" {long} ", f" {short} ") for long, short in SHORT.items() if " " in long)
_COUNTRY_LAST: Final = frozenset(("usa", "us", "uk", "canada", "germany", "deutschland", "france", "australia"))


def words_of(text: str) -> list[str]:
    """The words of `text`, abbreviated and folded, without the words that only name a unit."""
    folded = text.casefold()
    if not folded.isascii():
        folded = _MARKS.sub("", normalize("NFKD", folded))
    joined = f" {' '.join(_WORD.findall(folded.replace('strasse', 'str')))} "
    for long, short in _PHRASES:
        if long in joined:
            joined = joined.replace(long, short)
    return [SHORT.get(word, word) for word in joined.split() if word not in _DROPPED]


@dataclass(frozen=True, slots=True)
class Place:
    """An address in a text.

    Attributes:
        start, end: where it stands.
        text: its words, at most 200 characters, blanks folded.
        address: the registered one it is, or `None` where it was only recognised.
        is_foreign: whether it is announced as somebody else's: a recipient's, a venue's.
    """

    start: int
    end: int
    text: str
    address: PostalAddress | None = None
    is_foreign: bool = False


def registered(text: str, addresses: tuple[PostalAddress, ...]) -> Place | None:
    """Return where the first of `addresses` whose words stand in `text` as one run does, or `None`.

    The order of the words counts; up to four foreign words may stand between two of them (a floor, a department), and
    eight in all. A country at the end of the registered address may be missing.
    """
    for address in addresses:
        sought = _wanted(address.text)
        number = max((word for word in sought if word.isdecimal()), key=len, default="")
        # Most addresses have a number that is rare in a text: only what stands around it has to be compared.
        reach = min(240, len(address.text) + 100)
        pieces = _around(text, number, reach) if len(number) > 2 else _ends(text)
        for low, piece in pieces:
            if _runs(sought, words_of(piece)):
                return _located(piece, low, address)
    return None


def _around(text: str, number: str, reach: int) -> Iterator[tuple[int, str]]:
    """What stands around the last few places of `number`, and where it begins."""
    place = len(text)
    for _ in range(8):
        place = text.rfind(number, 0, place)
        if place < 0:
            return
        low = max(0, place - reach)
        yield low, text[low : place + reach]


def _located(piece: str, low: int, address: PostalAddress) -> Place:
    """Where about in `piece` the address stands: from its first word to its last one, as far as they are written so."""
    folded, raw = piece.lower(), [word.strip(".,;:#()").lower() for word in address.text.split()]
    named = [word for word in raw if len(word) > 2 and word in folded]
    last = max((folded.rfind(word) + len(word) for word in named if any(c.isdigit() for c in word)), default=len(piece))
    first = max(0, folded.rfind(named[0], 0, last) if named else 0)
    return Place(low + first, low + last, " ".join(piece[first:last].split())[:MAX_EXCERPT], address)


def _runs(sought: tuple[str, ...], words: list[str]) -> bool:
    """Whether the words stand in order with small gaps. `starts` maps where a run has come to, to where it began."""
    if len(sought) < 3 or not set(sought) <= set(words):
        return False
    index: dict[str, list[int]] = {}
    for place, word in enumerate(words):
        index.setdefault(word, []).append(place)
    starts = {place: place for place in index[sought[0]]}
    for word in sought[1:]:
        came: dict[int, int] = {}
        for place in index[word]:
            began = max((starts[p] for p in range(place - _GAP - 1, place) if p in starts), default=-1)
            if began >= 0:
                came[place] = began
        starts = came
    return any(end - began < len(sought) + _SLACK for end, began in starts.items())


@lru_cache(maxsize=512)
def _wanted(text: str) -> tuple[str, ...]:
    words = words_of(_PLUS4.sub(r"\1", text))
    while len(words) > 4 and words[-1] in _COUNTRY_LAST:
        words.pop()
    return tuple(words)


def _ends(text: str) -> list[tuple[int, str]]:
    """The end of a text, a short piece of it first, and where it begins."""
    return [(max(0, len(text) - reach), text[-reach:]) for reach in (3_000, _END)[: 1 + (len(text) > 3_000)]]
