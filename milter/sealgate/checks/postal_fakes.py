"""Postal addresses that are none: template tags nobody filled in, samples, and what an empty merge leaves behind.

`is_fake` judges what was taken for an address; `unfilled` finds such places where no address is. Only what is plain is
said: a made-up street in a real town is taken for an address. Time is linear in the last 1,500 characters, which are
looked at.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

_REACH: Final = 1_500  # characters of the end of a text
_TAG: Final = r"\{\{\{?|\{%|\*\||%%|\$\{|[%#@!]\{|<%|\[\[|<<|\{|\[|%"
_NAME: Final = (
    r"(?:address|addr\b|street|postal|physical|city|zip|company_?loc|location|adresse|direccion|endereco|anschrift)"
)
_FAKE = re.compile(
    r"\{\{|\{%|\*\||\|\*|%%|\$\{|%\{|<%|\[\[|\{[A-Za-z_]|\[[A-Za-z_ ]*(?:address|street|city|zip)|any "
    r"?(?:town|city)\b|"
    r"\blorem\b|\byour (?:street|address|city|company)|\b(?:example|sample|fake|test) (?:street|st|road|rd|"
    r"ave|city)\b|"
    r"\bstreet name\b|\bcompany address\b|\bN/A\b|\bx{3,}\b|\b1234? (?:Fake|Fictional|Any) St|\b12345 "
    r"(?:Street|Main) |"
    r"\b123 (?:Main|Your) (?:St|Street|Rd|Road|Ave)\b",
    re.IGNORECASE,
)
_TAGGED = re.compile(rf"(?:{_TAG})[ \w.:|=-]{{0,40}}?{_NAME}", re.IGNORECASE)
_OPENERS: Final = ("{", "*|", "%%", "[", "<%", "<<")  # without one of them no tag is looked for
_SAMPLES: Final = (
    "company address", "street name", "anytown", "any town", "anycity", "123 main st", "123 main rd", "123 your st",
    "example street", "example road", "sample street", "sample road", "fake street", "lorem ipsum", "city, state",
)  # fmt: skip
_SAMPLE_HINTS: Final = ("any", "123 ", "ample ", "fake ", "street name", "lorem", "city, st")  # one is in each
_ASKING = re.compile(
    r"\b(?:your|enter|insert|add) (?:company |business |street |mailing |postal |physical )?(?:address|"
    r"street)(?: here)?"
    r"(?=[\s,.|\]]{0,4}(?:$|\n|[,|]))"
)
_EMPTY = re.compile(
    r"(?:^|\n|ddress: ?|ddress is: ?) ?, ?,|[^\W\d_], ?, ?,|[-–] ?[•|·] ?[-–], ?[-–]|(?:^|\n), [A-Z]{2}\b|"
    r"\bN/A, |, N/A\b"
)
_EMPTY_HINTS: Final = (", ,", ",,", "\n,", "N/A", "-,", "- ,", "–,")
_LEAD = re.compile(r"(?:mailing|postal|physical|street) address(?: is)?\s{0,2}:\s{0,2}", re.IGNORECASE)
_MIXED = re.compile(r"\b(?=[A-Z]{0,7}\d)[A-Z\d]{5,8}\b")
_REAL = re.compile(r"[A-Z]{1,2}\d[A-Z\d]?\d[A-Z]{2}|[A-Z]\d[A-Z]\d[A-Z]\d|[A-Z]\d\d[A-Z\d]{4}|[A-Z]?\d+[A-Z]*")


@dataclass(frozen=True, slots=True)
class Unfilled:
    """Where an address should stand and none does: the words, and what they are."""

    start: int
    end: int
    why: str


def is_fake(text: str, start: int, end: int) -> bool:
    """Whether what stands there is a sample or an unfilled template."""
    return _FAKE.search(text, start, end) is not None


def unfilled(text: str) -> Unfilled | None:
    """Return the last place at the end of `text` where an address was to be filled in, or `None`."""
    low = max(0, len(text) - _REACH)
    hole = _hole(text[low:])
    return hole and Unfilled(low + hole.start, low + hole.end, hole.why)


@lru_cache(maxsize=256)  # 1,500 characters each: the end of a text is asked for twice, and the same in a campaign
def _hole(end: str) -> Unfilled | None:
    lower = end.lower() if end.isascii() else end.replace("\u0130", "I").lower()
    for at, length, why in _holes(end, lower):
        line_end = end.find("\n", at + length)
        stop = at + length + 40 if line_end < 0 else min(line_end, at + length + 40)
        return Unfilled(at, min(stop, len(end)), why)
    return None


def _holes(end: str, lower: str) -> Iterator[tuple[int, int, str]]:
    """Where a hole begins, how long what shows it is, and what it is. Searches are run only where they can succeed."""
    if any(map(end.__contains__, _OPENERS)) or ("%" in end and "addr" in lower):
        yield from ((found.start(), len(found[0]), "unfilled template tag") for found in _TAGGED.finditer(end))
    for sample in _SAMPLES if any(map(lower.__contains__, _SAMPLE_HINTS)) else ():
        if sample in lower:
            yield lower.find(sample), len(sample), "sample"
    if "address" not in lower and not any(map(end.__contains__, _EMPTY_HINTS)):
        return
    yield from ((found.start(), len(found[0]), "sample") for found in _ASKING.finditer(lower))
    if any(hint in end for hint in _EMPTY_HINTS):
        yield from ((found.start(), len(found[0]), "empty fields") for found in _EMPTY.finditer(end))
    lead = _LEAD.search(end)
    word = _MIXED.search(end, lead.end(), lead.end() + 120) if lead else None
    if lead and word and not _REAL.fullmatch(word[0]) and len(_SWITCH.findall(word[0])) > 2:
        yield lead.end(), word.end() - lead.end(), "letters and figures that are no postcode"


_SWITCH = re.compile(r"(?<=\d)[A-Z]|(?<=[A-Z])\d")
