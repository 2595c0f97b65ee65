"""The words of a postal address made comparable: case, accents, punctuation, abbreviations and units do not matter.

`words_of` gives the words of any text in the form that two spellings of one address share (USPS Publication 28, and the
like of other countries); `registered` finds an address of the profile by them. Both raise nothing and take time linear
in the text.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final
from unicodedata import normalize

from sealgate.profile.model import PostalAddress

MAX_EXCERPT: Final = 200  # characters of an excerpt
_GAP: Final = 4  # words that may stand between two words of a registered address ("8th floor" is three)
_FEWEST: Final = 3  # words of an address that can be told from chance
_SLACK: Final = 8  # and in all
_TAIL: Final = 3_000
_KEPT_PIECE: Final = 800  # characters of a piece that is remembered: what stands around a rare number
_END: Final = 60_000  # characters of a text in which an address without a rare number is looked for

_MARKS = re.compile(r"[\u0300-\u036f]+")
# "M.G. Road" is "MG Road", "NW16XE" is "NW1 6XE", "111 36" is "11136"; figures of other scripts are figures.
_INITIALS = re.compile(r"\b([^\W\d_])\.(?=[^\W\d_]\b)")
_GB_CODE = re.compile(r"\b([a-z]{1,2}\d[a-z\d]?)(\d[a-z]{2})\b")
_PARTED = re.compile(r"\b(\d{3}) (\d{2,3})\b")
_ODD_FIGURE = re.compile("[\u0660-\u0669\u06f0-\u06f9\u0966-\u096f\uff10-\uff19]")
_FIGURES: Final = {zero + n: str(n) for zero in (0x660, 0x6F0, 0x966, 0xFF10) for n in range(10)}
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
    "floor fl|fort ft|mount mt|north n|south s|east e|west w|ouest o|est e|nord n|sud s|calle c|avda ave|ulica ul|"
    "улица ул|northeast ne|northwest nw|southeast se|southwest sw|rua r|"
    "p o box pobox|po box pobox|post office box pobox|d c dc|u s a usa|u k uk|united states of america usa|"
    "united states usa|united kingdom uk"
)
SHORT: Final = dict(pair.rpartition(" ")[::2] for pair in _SHORTER.split("|"))
# USPS Publication 28: a unit may be written as Suite, Ste, Unit, PMB or `#`; the number is what counts.
_DROPPED: Final = frozenset(
    ("suite", "ste", "unit", "apt", "apartment", "room", "rm", "pmb", "no", "nr", "ul", "ул", "дом", "д")
)
_PHRASES: Final = tuple((f" {long} ", f" {short} ") for long, short in SHORT.items() if " " in long)
_COUNTRY_LAST: Final = frozenset(
    ("usa", "us", "uk", "canada", "germany", "deutschland", "france", "australia", "spain", "espana", "portugal",
     "italy", "italia", "austria", "osterreich", "switzerland", "schweiz", "suisse", "netherlands", "nederland",
     "belgium", "belgie", "belgique", "denmark", "danmark", "sweden", "sverige", "norway", "norge", "finland", "suomi",
     "poland", "polska", "ireland", "brazil", "brasil", "mexico", "india", "japan", "singapore", "israel", "россия")
)  # fmt: skip
_BLANK = re.compile(r"[\s,;\u3001\uff0c]+")
_PIECE = re.compile(r"[,;|\n·•–]| - ")


def words_of(text: str) -> list[str]:
    """The words of `text`, abbreviated and folded, without the words that only name a unit."""
    folded = text.casefold()
    if not folded.isascii():
        folded = _MARKS.sub("", normalize("NFKD", folded)).translate(_FIGURES)
    folded = _GB_CODE.sub(r"\1 \2", _INITIALS.sub(r"\1", folded) if "." in folded else folded)
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
        wanted = _wanted(address.text)
        number = max((word for word in wanted[0] if word.isdecimal()), key=len, default="")
        # Most addresses have a number that is rare in a text: only what stands around it has to be compared.
        reach = min(240, len(address.text) + 100)
        pieces = _around(text, number, reach) if len(number) > 2 else _ends(text)
        for low, piece, anchor in pieces:
            if (address.text in piece and len(wanted[0]) >= _FEWEST) or _stands(wanted, piece):
                return _located(piece, low, anchor, address)
    return _in_other_figures(text, addresses)


def _in_other_figures(text: str, addresses: tuple[PostalAddress, ...]) -> Place | None:
    """The same where a text writes its figures in another script: "١٢" for 12."""
    low = max(0, len(text) - _TAIL)
    tail = "" if text.isascii() else text[low:]
    if not addresses or not _ODD_FIGURE.search(tail):
        return None
    found = registered(tail.translate(_FIGURES), addresses)
    if found is None:
        return None
    begin, end = low + found.start, low + found.end
    return replace(found, start=begin, end=end, text=_excerpt(text[begin:end]))


def _around(text: str, number: str, reach: int) -> Iterator[tuple[int, str, int]]:
    """What stands around the last few places of `number`: where it begins, it, and where the number is in it."""
    spellings = (number, f"{number[:3]} {number[3:]}") if len(number) in (5, 6) else (number,)
    for spelling in spellings:
        place = len(text)
        for _ in range(8):
            place = text.rfind(spelling, 0, place)
            if place < 0:
                break
            low = max(0, place - reach)
            yield low, text[low : place + reach], place - low


def _located(piece: str, low: int, anchor: int, address: PostalAddress) -> Place:
    """Where about in `piece` the address stands: from its first word to its last one, as far as they are written so.

    `anchor` is where its number stands, -1 where it has no telling one: what is farther off than the address is long
    is not it.
    """
    first, last = (_kept_span if len(piece) <= _KEPT_PIECE else _span)(piece, anchor, address.text)
    return Place(low + first, low + last, _excerpt(piece[first:last]), address)


def _span(piece: str, anchor: int, address: str) -> tuple[int, int]:
    """`_located`, in `piece`."""
    reach = len(address) + 40
    floor, ceiling = (max(0, anchor - reach), anchor + reach) if anchor >= 0 else (0, len(piece))
    folded, raw = piece.lower(), [word.strip(".:#()") for word in _BLANK.split(address.lower())]
    named = [word for word in raw if len(word) > 2 and folded.find(word, floor, ceiling) >= 0]
    ends = [(folded.rfind(word, floor, ceiling) + len(word), n) for n, word in enumerate(named) if _has_figure(word)]
    last, number = max(ends, default=(min(ceiling, len(piece)), len(named)))
    for word in named[number + 1 :]:  # the town behind the postcode
        place = folded.find(word, last, min(last + 40, ceiling))
        last = place + len(word) if place >= 0 else last
    return _begin(folded, named, floor, last), last


_kept_span = lru_cache(maxsize=256)(_span)  # a footer is the same in each message of a campaign


def _begin(folded: str, named: list[str], floor: int, last: int) -> int:
    """Where the first word of an address stands as a word of its own, the last such place before `last`."""
    for word in named:
        place = last
        for _ in range(4):
            place = folded.rfind(word, floor, place)
            if place < 0:
                break
            if not place or folded[place - 1] in " \n,;:|(" or folded[place - 1] > "\u2000":
                return place
    return floor


def _excerpt(text: str) -> str:
    return " ".join(text.split())[:MAX_EXCERPT]


def _stands(wanted: tuple[tuple[str, ...], ...], piece: str) -> bool:
    words = words_of(piece)
    return any(_runs(sought, words) for sought in wanted)


def _runs(sought: tuple[str, ...], words: list[str]) -> bool:
    """Whether the words stand in order with small gaps. `starts` maps where a run has come to, to where it began."""
    if len(sought) < _FEWEST:
        return False
    index: dict[str, list[int]] = {}
    before = ""
    for place, word in enumerate(words):
        index.setdefault(word, []).append(place)
        if word.isdecimal() and len(before) == 3 and before.isdecimal() and len(word) in (2, 3):
            index.setdefault(before + word, []).append(place)
        before = word
    if not index.keys() >= set(sought):
        return False
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
def _wanted(text: str) -> tuple[tuple[str, ...], ...]:
    """The words to be found; and those without the name in front of the street, which may stand elsewhere."""
    pieces = _PIECE.split(text)
    named = len(pieces) > 2 and not _has_figure(pieces[0]) and _has_figure(pieces[1]) and _LETTERS.search(pieces[1])
    return tuple(_sought(one) for one in ((text, text[len(pieces[0]) + 1 :]) if named else (text,)))


_LETTERS = re.compile(r"[^\W\d_]{3}")


def _has_figure(text: str) -> bool:
    return any(c.isdigit() for c in text)


def _sought(text: str) -> tuple[str, ...]:
    words = words_of(_PARTED.sub(r"\1\2", _PLUS4.sub(r"\1", text)))
    while len(words) > 4 and words[-1] in _COUNTRY_LAST:
        words.pop()
    return tuple(words)


def _ends(text: str) -> list[tuple[int, str, int]]:
    """The end of a text, a short piece of it first, where it begins, and that no number stands out in it."""
    reaches = (_TAIL, _END)[: 1 + (len(text) > _TAIL)]
    return [(max(0, len(text) - reach), text[-reach:], -1) for reach in reaches]
