"""Postal addresses in visible text (16 CFR 316.2(p): street address, P.O. box or private mailbox).

`registered` says which of the sender's registered addresses stands in a text; it compares words, so case, punctuation,
line breaks and the usual abbreviations do not matter. `recognise` is the fallback for senders who registered none: it
starts from what looks like a postcode and asks whether a street, a house number or a box stands beside it. It knows
the habits of some twenty countries and no directory: an address that it shows may not exist, and one without a
postcode is mostly missed. Both look at the end of the text first and take time linear in the text's length.
"""

import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import pairwise
from typing import Final
from unicodedata import normalize

from sealgate.profile.model import PostalAddress

MAX_EXCERPT: Final = 200  # characters of an excerpt
_REACHES: Final = (700, 3_000, 60_000)  # how much of the end is looked at, each step only where the one before failed
_GAP: Final = 4  # words that may stand between two words of a registered address ("8th floor" is three)
_SLACK: Final = 8  # and in all

# -- comparing words ---------------------------------------------------------------------------------------------------
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
_SHORT: Final = dict(pair.rpartition(" ")[::2] for pair in _SHORTER.split("|"))
# USPS Publication 28: a unit may be written as Suite, Ste, Unit, PMB or `#`; the number is what counts.
_DROPPED: Final = frozenset(("suite", "ste", "unit", "apt", "apartment", "room", "rm", "pmb", "no", "nr"))
_PHRASES: Final = tuple((f" {long} ", f" {short} ") for long, short in _SHORT.items() if " " in long)
_COUNTRY_LAST: Final = frozenset(("usa", "us", "uk", "canada", "germany", "deutschland", "france", "australia"))


def registered(text: str, addresses: tuple[PostalAddress, ...]) -> PostalAddress | None:
    """Return the first of `addresses` whose words stand in `text` as one run, or `None`.

    The order of the words counts; up to four foreign words may stand between two of them (a floor, a department), and
    eight in all. A country at the end of the registered address may be missing.
    """
    for address in addresses:
        sought = _wanted(address.text)
        number = max((word for word in sought if word.isdecimal()), key=len, default="")
        # Most addresses have a number that is rare in a text: only what stands around it has to be compared.
        pieces = _around(text, number) if len(number) > 2 else _tails(text)
        if any(_runs(sought, _words(piece)) for piece in pieces):
            return address
    return None


def _around(text: str, number: str) -> Iterator[str]:
    """What stands around the last few places of `number`."""
    place = len(text)
    for _ in range(8):
        place = text.rfind(number, 0, place)
        if place < 0:
            return
        yield text[max(0, place - 240) : place + 240]


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
    words = _words(_PLUS4.sub(r"\1", text))
    while len(words) > 4 and words[-1] in _COUNTRY_LAST:
        words.pop()
    return tuple(words)


def _words(text: str) -> list[str]:
    folded = text.casefold()
    if not folded.isascii():
        folded = _MARKS.sub("", normalize("NFKD", folded))
    joined = f" {' '.join(_WORD.findall(folded.replace('strasse', 'str')))} "
    for long, short in _PHRASES:
        if long in joined:
            joined = joined.replace(long, short)
    return [_SHORT.get(word, word) for word in joined.split() if word not in _DROPPED]


def _tails(text: str) -> list[str]:
    """The ends of a text in growing lengths, each once."""
    reaches = [reach for before, reach in pairwise((0, *_REACHES)) if before < len(text)]
    return [text[-reach:] for reach in reaches]


# -- recognising -------------------------------------------------------------------------------------------------------
_SPOT = re.compile(r"[0-9〒][0-9A-Z]{1,5}")  # in every postcode; cheap to find, unlike the next
_CODE = re.compile(
    r"""(?<![\w/=&?.@+%$€£#-])(?:
      (?P<gb>(?:A[BL]|B[ABDHLNRST]?|C[ABFHMORTVW]|D[ADEGHLNTY]|E[CHNX]?|F[KY]|G[LUY]?|H[ADGPRSUX]|I[GMPV]|JE|K[ATWY]|
         L[ADELNSU]?|M[EKL]?|N[EGNPRW]?|O[LX]|P[AEHLOR]|R[GHM]|S[AEGKLMNOPRSTWY]?|T[ADFNQRSW]|UB|W[ACDFNRSV]?|YO|ZE)
         \d[A-Z\d]?[ ]?\d[A-Z]{2})
    | (?P<ca>[A-CEGHJ-NPR-TVXY]\d[A-Z][ -]?\d[A-Z]\d)
    | (?P<ie>(?:[AC-FHKNPRTV-Y]\d{2}|D6W)[ ]?(?=[A-Z]*\d)[\dAC-FHKNPRTV-Y]{4}|KY\d-\d{4})
    | (?P<jp>〒[ ]?\d{3}-?\d{4})
    | (?P<nl>[1-9]\d{3}[ ]?(?!AM|PM|[KMGT]B|TV)[A-Z]{2})
    | (?:[A-Z]{1,3}-)?(?P<any>\d{5}-\d{3,4}|\d{4}-\d{3}|\d{2}-\d{3}|\d{3}[ ]\d{2,3}|\d{4,6})
    )(?![\w/@=&%]|-\d|[.,:]\d)""",
    re.VERBOSE,
)
# First digit of a ZIP code and the states it is given to (USPS Publication 65): a mismatch is a made-up address.
_ZIP: Final = (
    "ct ma me nh nj ny pr ri vt|de ny pa|dc md nc sc va wv|al fl ga ms tn|in ky mi oh|ia mn mt nd sd wi|il ks mo ne|"
    "ar la ok tx|az co id nm nv ut wy tx|ak ca hi or wa"
)
_STATE_BEFORE = re.compile(r"([A-Za-z]+)(?:[ .]+([A-Za-z]+))?$")
_AU_STATE = re.compile(r"\b(?:NSW|VIC|QLD|WA|SA|TAS|ACT|NT|New South Wales|Victoria|Queensland|Tasmania)\b")
_BOX = re.compile(
    r"\bP\.? ?O\.? ?Box ?\d|\bPost Office Box ?\d|\b(?:GPO|Postal) Box ?\d|\bLocked Bag \d|\bPrivate Bag|\bPMB ?#?\d|"
    r"\bRPO\b|\bPostfach|\bPostbus \d|\bB\.?P\.? \d|\bC\.?P\.? \d|\bCS \d|\bApartado|\bCaixa Postal|\bCasella Postale|"
    r"\bBoks \d|\bBox \d",
    re.IGNORECASE,
)
_STREET = re.compile(
    r"\b(?:street|st|road|rd|avenue|ave|av|boulevard|blvd|bd|drive|dr|lane|ln|way|court|ct|place|pl|plaza|square|sq|"
    r"parkway|pkwy|highway|hwy|terrace|crescent|circle|close|broadway|embankment|floor|flr|suite|ste|level|tower|house|"
    r"building|bldg|estate|park|quay|wharf|nagar|marg|sector|phase|plot|layout|"
    r"rue|quai|chemin|impasse|allée|cours|passage|faubourg|route|calle|avenida|paseo|carretera|"
    r"rua|r\.|alameda|travessa|rodovia|praça|estrada|largo|via|viale|piazza|corso|ul|ulica|aleja|al|náměstí|"
    r"улица|ул|проспект|utca|út|strada|cad|caddesi|sok|sokak|mah)\b"
    r"|(?:str\.|straße|strasse|weg|platz|allee|gasse|damm|ring|ufer|straat|laan|plein|gracht|kade|dijk|singel|"
    r"gatan|vägen|gade|vej|veien|gata|katu)(?!\w)",
    re.IGNORECASE,
)
_HOUSE_FIRST = re.compile(r"(?<![\w.,/(+-])\d{1,6}(?:-\d{1,4})?[A-Za-z]?,? (?:[NSEW]{1,2}\.? )?[A-Z][a-z]")
_HOUSE_LAST = re.compile(r"[^\W\d_]{3,}\.?,? (?:n[ro°º]\.? ?)?\d{1,5} ?[A-Za-z]?(?:-\d{1,4})?$")
_YEAR = re.compile(r"(?:19|20)\d\d\b")
_CITY_AFTER = re.compile(r"[ ,|/–\N{MIDDLE DOT}\n-]{1,4}[^\W\d_a-z]")
_CITY_BEFORE = re.compile(r"[^\W\d_]{3,}[ ,.–-]{1,3}$")
_NO_CODES: Final = (
    "ireland|united arab emirates|u.a.e|uae|hong kong|antigua and barbuda|bahamas|panama|belize|qatar|ghana"
)
_COUNTRIES: Final = (
    "cyprus|malta|gibraltar|estonia|latvia|lithuania|luxembourg|singapore|israel|south africa|new zealand|germany|"
    "deutschland|netherlands|nederland|belgium|france|spain|españa|portugal|italy|italia|austria|österreich|switzerland|"
    "schweiz|denmark|danmark|sweden|sverige|norway|norge|finland|poland|polska|brazil|brasil|mexico|méxico|argentina|"
    "chile|colombia|india|china|japan|korea|taiwan|thailand|vietnam|philippines|indonesia|malaysia|australia|canada|"
    "united kingdom|united states|usa|saudi arabia|turkey|türkiye"
)
_NAMED = re.compile(r"\b[A-Z]\w+ (?:Industrial Estate|Business Park|Science Park|House|Tower|Building|Centre|Plaza)\b")
_BR_STREET = re.compile(r"\b(?:Rua|R\.|Av\.|Avenida|Alameda|Rodovia|Travessa|Praça|Estrada) [A-Z]")
_BR_STATE = re.compile(
    r"[/,–-] ?(?:AC|AL|AP|AM|BA|CE|DF|ES|GO|MA|MG|MS|MT|PA|PB|PE|PI|PR|RJ|RN|RO|RR|RS|SC|SE|SP|TO)\b", re.IGNORECASE
)
_FAKE = re.compile(
    r"\{\{|\{%|\*\||\|\*|%%|\$\{|%\{|<%|\[\[|\{[A-Za-z_]|\[[A-Za-z_ ]*(?:address|street|city|zip)|any ?(?:town|city)|"
    r"\blorem\b|\byour (?:street|address|city|company)|\b(?:example|sample|fake|test) (?:street|st|road|rd|ave|city)\b|"
    r"\bstreet name\b|\bcompany address\b|\bN/A\b|\bx{3,}\b",
    re.IGNORECASE,
)


def recognise(text: str) -> str | None:
    """Return what looks like a postal address in `text`, at most 200 characters with blanks folded, or `None`.

    The last match in the text wins, as addresses stand in footers. Unfilled template tags, sample streets and ZIP
    codes that do not belong to the state beside them are no addresses.
    """
    for end in _tails(text):
        for spot in reversed(list(_SPOT.finditer(end))):
            code = _CODE.search(end, max(0, spot.start() - 5), spot.end() + 8)
            begins = _begins(end, code) if code else None
            found = _excerpt(end, *begins) if begins else None
            if found:
                return found
    return _without_code(text[-1_500:])


def _begins(text: str, code: re.Match[str]) -> tuple[int, int] | None:
    """Where the address around a postcode begins and ends, or `None` if nothing makes it one."""
    start, end = code.span()
    low = max(0, start - 130)
    before, kind = text[low:start], code.lastgroup
    match kind:
        case "gb" | "ca" | "ie":
            evidence = _place(before)
        case "jp":
            return (start, min(len(text), end + 60))
        case "nl":
            evidence = _numbered_last(before)
        case _:
            return _around_number(text, low, code)
    return None if evidence is None else (low + evidence, end)


def _around_number(text: str, low: int, code: re.Match[str]) -> tuple[int, int] | None:
    """The same for a bare number: the region must stand beside it, or a city and a numbered street."""
    start, end = code.span()
    before, after, digits = text[low:start], text[end : end + 40], code["any"]
    if _is_zip(before, digits) or (len(digits) == 4 and (_AU_STATE.search(before[-18:]) or _AU_STATE.match(after[1:]))):
        evidence = _place(before)
        return None if evidence is None else (low + evidence, end)
    if _YEAR.fullmatch(digits) or not (_CITY_AFTER.match(after) or _CITY_BEFORE.search(before)):
        return None
    evidence = _street(before[-110:])
    if evidence is not None:
        return (max(low, start - 110) + evidence, end + len(after.partition("\n")[0]))
    if _street(text[end : end + 70]) is not None:  # Poland, Brazil and others also write code and city first
        return (start, min(len(text), end + 70))
    return None


def _is_zip(before: str, code: str) -> bool:
    """Whether a state that this ZIP code can be in stands before it (by its letters, or in full)."""
    if len(code) not in (5, 10) or code[:5] in ("00000", "99999"):
        return False
    found = _STATE_BEFORE.search(before[-26:].replace("D.C.", "DC").rstrip(" ,./|\N{MIDDLE DOT}-\n\r\t"))
    if found is None:
        return False
    last = found[2] or found[1]
    state = last.lower() if len(last) == 2 and last.isupper() else ""
    for name in (f"{found[1]} {found[2]}".lower(), last.lower()):
        state = state or _SHORT.get(name, "") * (len(name) > 3)
    return bool(state) and state in _ZIP.split("|")[int(code[0])].split()


def _place(before: str) -> int | None:
    """Where a box, a house number or a street begins in the text before a postcode whose region is sure."""
    for house in _HOUSE_FIRST.finditer(before):
        if not _YEAR.match(house[0]):
            return house.start()
    return _street(before)


def _numbered_last(before: str) -> int | None:
    found = _HOUSE_LAST.search(before.rstrip(" ,|\N{MIDDLE DOT}\N{BULLET}-\n\r\t")) or _BOX.search(before)
    return found.start() if found else None


def _street(before: str) -> int | None:
    """Where a street with a number (or a box) begins: a street word, and a digit close before or after it."""
    for word in _STREET.finditer(before):
        low = max(0, word.start() - 40)
        for digits in re.finditer(r"(?<![\w.])\d{1,5}(?!\d|[.,:]\d|%)", before[low : word.end() + 30]):
            return low + min(digits.start(), word.start() - low)
    found = _BOX.search(before)
    return found.start() if found else None


def _without_code(text: str) -> str | None:
    """Countries that have no postcodes, or whose senders leave them out: a numbered street right before the country."""
    lower = text.lower()
    for country in f"{_NO_CODES}|{_COUNTRIES}".split("|"):
        place = lower.rfind(country)
        if place >= 0 and len(lower) == len(text):
            low = max(0, place - 100)
            evidence = _street(text[low:place])
            named = _NAMED.search(text, low, place)
            if evidence is None and named and country in _NO_CODES and text.count(",", named.start(), place) > 1:
                evidence = named.start() - low
            found = None if evidence is None else _excerpt(text, low + evidence, place + len(country))
            if found and "," in found:
                return found
    for street in _BR_STREET.finditer(text):
        state = _BR_STATE.search(text, street.end(), street.end() + 100)
        if state and any(c.isdigit() for c in text[street.end() : state.start()]):
            return _excerpt(text, street.start(), state.end())
    return None


def _excerpt(text: str, start: int, end: int) -> str | None:
    if _FAKE.search(text, max(0, start - 20), end + 20):
        return None
    start = max(text.rfind(blank, 0, start + 1) for blank in " \n") + 1
    return " ".join(text[start:end].split())[:MAX_EXCERPT]
