"""Postal addresses in visible text (16 CFR 316.2(p): street address, P.O. box or private mailbox).

`registered` says which of the sender's registered addresses stands in a text; it compares words, so case, punctuation,
line breaks and the usual abbreviations do not matter. `recognise` is the fallback for senders who registered none: it
starts from what looks like a postcode, or a country, and asks whether a street, a house number or a box stands beside
it, and prefers what stands by the sender's name, the copyright or the opt-out. It knows no directory: an address that
it shows may not exist, or be somebody else's. Both look at the end of the text first and take linear time.
"""

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Final

from sealgate.checks import postal_forms as forms
from sealgate.checks.postal_fakes import is_fake
from sealgate.checks.postal_words import MAX_EXCERPT, SHORT, Place, registered

__all__ = ["MAX_EXCERPT", "Place", "recognise", "registered"]

_REACHES: Final = (700, 3_000, 60_000)  # how much of the end is looked at, each step only where the one before failed
_CHOICE: Final = 4  # addresses that are compared for the better place
_CODES: Final = 120  # numbers like postcodes that are looked at in one piece, the last ones
_BEFORE: Final = 130  # characters before a postcode that may belong to the address


def _tails(text: str) -> list[tuple[int, str]]:
    """The ends of a text in growing lengths, each once, and where they begin."""
    reaches = [reach for before, reach in pairwise((0, *_REACHES)) if before < len(text)]
    return [(max(0, len(text) - reach), text[-reach:]) for reach in reaches]


# -- recognising -------------------------------------------------------------------------------------------------------
def recognise(text: str) -> Place | None:
    """Return the best that looks like a postal address in `text`, or `None`.

    Of the last few, the one beside the sender's name, a copyright or an opt-out wins, as addresses stand in footers;
    one that is announced as somebody else's comes last. Unfilled template tags, sample streets and ZIP codes that do
    not belong to the state beside them are no addresses.
    """
    foreign = None
    for low, end in _tails(text):
        found = _best(end, low)
        if found is not None and not found.is_foreign:
            return found
        foreign = foreign or found
    low = max(0, len(text) - 1_500)
    found = _without_code(text[low:], low)
    return found if found is not None and not found.is_foreign else foreign or found


def _best(text: str, low: int) -> Place | None:
    first = foreign = None
    for count, place in enumerate(_candidates(text, low)):
        if place.is_foreign:
            foreign = foreign or place
            continue
        begin, end = place.start - low, place.end - low
        around = text[max(0, begin - 150) : end + 250].lower()
        if any(cue in around for cue in forms.NEAR_FOOT):
            return place
        first = first or place
        if count >= _CHOICE:
            break
    return first or foreign


def _candidates(text: str, low: int) -> Iterator[Place]:
    """Addresses around postcodes, the last one first."""
    judged = 0
    for spot in reversed(list(forms.SPOT.finditer(text))):
        code = forms.CODE.search(text, max(0, spot.start() - 5), spot.end() + 8)
        judged += code is not None
        if judged > _CODES:
            return
        begins = _begins(text, code) if code else None
        found = _placed(text, low, *begins) if begins else None
        if found:
            yield found


def _begins(text: str, code: re.Match[str]) -> tuple[int, int] | None:
    """Where the address around a postcode begins and ends, or `None` if nothing makes it one."""
    start, end = code.span()
    low = max(0, start - _BEFORE)
    before, kind = text[low:start], code.lastgroup
    if kind in ("gb", "ca", "ie", "ar"):
        evidence = _sure(before)
    elif kind == "jp":
        return (start, min(len(text), end + 60))
    elif kind == "jr":
        evidence = before.rfind("-", 0, -1) if "-" in before else None
        evidence = None if evidence is None else max(0, before.rfind("\n", 0, evidence))
    elif kind in ("nl", "prefixed"):
        evidence = _numbered_last(before)
        evidence = _street(before) if evidence is None else evidence
        if evidence is None and kind == "prefixed" and _street(text[end : end + 60], follows=True) is not None:
            return (start, min(len(text), end + 60))
    else:
        return _around_number(text, low, code)
    return None if evidence is None else (low + evidence, end)


def _around_number(text: str, low: int, code: re.Match[str]) -> tuple[int, int] | None:
    """The same for a bare number: the region must stand beside it, or a city and a numbered street."""
    start, end = code.span()
    before, after, digits = text[low:start], text[end : end + 60], code["any"]
    bare = before.rstrip(" ,./|·-\n(")
    if len(digits) in (5, 10) and forms.SURE_STATE.search(bare) and not _is_zip(before, digits):
        return None  # a made-up pair
    if _is_zip(before, digits) or (len(digits) == 4 and _is_australian(before, after)):
        evidence = _sure(before)
        return None if evidence is None else (low + evidence, end)
    named = forms.CITY_AFTER.match(after)
    is_year = forms.YEAR.fullmatch(digits) is not None
    if forms.TOWN_AFTER.match(after):
        evidence = _named_before(before)
        if evidence is not None:
            return (low + evidence, end + len(after.partition("\n")[0].partition("|")[0]))
    if is_year or not (named or forms.CITY_BEFORE.search(before)):
        return None
    evidence = _street(before)
    if evidence is None and len(digits.replace(" ", "")) == 6:  # India and others: a plot and a locality
        evidence = _after_commas(forms.UNIT, before)
    if evidence is None and forms.COUNTRY_AFTER.match(after):
        evidence = _after_commas(forms.NAMED_PLACE, before)
    if evidence is not None:
        return (low + evidence, end + len(after.partition("\n")[0].partition("|")[0]))
    if named and _street(text[end : end + 75], follows=True) is not None:  # others write code and city first
        return (start, min(len(text), end + 75))
    return None


def _is_australian(before: str, after: str) -> bool:
    return bool(forms.AU_STATE.search(before[-20:]) or forms.AU_STATE.match(after[1:]))


def _is_zip(before: str, code: str) -> bool:
    """Whether a state that this ZIP code can be in stands before it (by its letters, or in full)."""
    if len(code) not in (5, 10) or code[:5] in ("00000", "99999"):
        return False
    tail = before[-26:].replace("D.C.", "DC").replace("Calif.", "CA").rstrip(" ,./|\N{MIDDLE DOT}-\n\r\t")
    found = forms.STATE_BEFORE.search(tail)
    if found is None:
        return False
    last = found[2] or found[1]
    state = last.lower() if len(last) == 2 and last.isupper() else ""
    for name in (f"{found[1]} {found[2]}".lower(), last.lower()):
        state = state or SHORT.get(name, "") * (len(name) > 3)
    return bool(state) and state in forms.ZIP_STATES[int(code[0])]


def _sure(before: str) -> int | None:
    """Where a box, a street or a building begins in the text before a postcode whose region is sure."""
    for scan in (forms.HOUSE_FIRST, forms.NAMED_PLACE):
        for house in scan.finditer(before):
            if not forms.YEAR.match(house[0]) and not forms.PROSE.search(before, house.end()):
                return house.start()
    return _street(before)


def _numbered_last(before: str) -> int | None:
    found = forms.HOUSE_LAST.search(before.rstrip(" ,|\N{MIDDLE DOT}\N{BULLET}-\n\r\t")) or forms.BOX.search(before)
    return found.start() if found else None


def _named_before(before: str) -> int | None:
    """A name and a number right before the postcode, as in "Unter den Linden 77, "."""
    found = forms.STREET_BEFORE_CODE.search(before)
    if found is None or forms.PROSE.search(found[0]):
        return None
    words = found[1].split()
    return None if not words or words[-1].lower().strip(".,") in forms.NO_STREET else found.start(1)


def _street(text: str, *, follows: bool = False) -> int | None:
    """Where a street with a number (or a box) begins that nothing like a sentence parts from the end of `text`.

    `follows` says that it comes after the postcode: it is then parted from the beginning of `text`.
    """
    for scan in (forms.STREET_AFTER_NUMBER, forms.STREET_BY_KIND, forms.STREET_BY_ENDING, forms.BOX):
        for found in scan.finditer(text):
            gap = text[: found.start()] if follows else text[found.end() :]
            if len(gap) < 70 and not forms.PROSE.search(gap) and not forms.PROSE.search(found[0]):
                return found.start()
    return None


def _after_commas(scan: re.Pattern[str], before: str) -> int | None:
    """Where a building or a unit begins that at least one more line of an address follows."""
    for found in scan.finditer(before):
        gap = before[found.end() :]
        if "," in gap and not forms.PROSE.search(gap):
            return found.start()
    return None


def _without_code(text: str, low: int) -> Place | None:
    """Countries that have no postcodes, or whose senders leave them out: a numbered street right before the country."""
    lower = text.lower()
    if len(lower) != len(text):
        return None
    found = forms.EAST_ASIA.search(text)
    if found:
        return _placed(text, low, *found.span())
    for country in forms.COUNTRIES:
        end = lower.rfind(country)
        if end < 0 or text[end - 1 : end].isalpha() or text[end + len(country) :][:1].isalpha():
            continue
        start = max(0, end - 110)
        begin = _before_country(text[start:end], country)
        place = None if begin is None else _placed(text, low, start + begin, end + len(country))
        if place is not None and not place.is_foreign:
            return place
    for street in forms.BR_STREET.finditer(text):
        state = forms.BR_STATE.search(text, street.end(), street.end() + 100)
        if state and any(c.isdigit() for c in text[street.end() : state.start()]):
            return _placed(text, low, street.start(), state.end())
    return None


def _before_country(before: str, country: str) -> int | None:
    """Where an address without a postcode begins in what stands before its country's name."""
    evidence = _street(before)
    if evidence is not None and any(mark in before[evidence:] for mark in ",\n"):
        return evidence
    for scan in (forms.NAME_AND_NUMBER, forms.HOUSE_FIRST, forms.NAMED_PLACE):
        if scan is forms.NAMED_PLACE and country not in forms.BUILDING_SUFFICES:
            continue
        for found in scan.finditer(before):
            rest = before[found.start() :]
            if forms.YEAR.match(rest):
                continue
            if rest.count(",") + rest.count("\n") > 1 and not forms.PROSE.search(rest):
                words = found[0].lower().split()
                if not forms.NO_STREET.intersection(words[-2:-1]):
                    return found.start()
    return None


def _placed(text: str, low: int, start: int, end: int) -> Place | None:
    if is_fake(text, max(0, start - 20), end + 20):
        return None
    start = max(text.rfind(blank, 0, start + 1) for blank in " \n") + 1
    excerpt = " ".join(text[start:end].split())[:MAX_EXCERPT]
    lead = text[max(0, start - 80) : start].lower()
    is_foreign = any(hint in lead for hint in forms.FOREIGN_HINTS) and bool(forms.FOREIGN.search(lead))
    is_foreign = is_foreign and not forms.OWN.search(lead)
    return Place(low + start, low + end, excerpt, None, is_foreign) if excerpt else None
