"""What looks alike beyond UTS 39: a small table of our own, with the reason for each entry.

UTS 39 lists characters that cannot be told apart in identifiers. Names are read with more good will: small capitals,
letters on black squares and flags are letters to everybody, a bar or a bullet is whatever stands between words, and a
trade mark sign behind a name is no part of it. The table beside it, `confusables`, is generated; this one is by hand.
Values only; nothing here raises.
"""

import unicodedata
from types import MappingProxyType
from typing import Final

from sealgate.mail.confusables import PROTOTYPES

_ALPHABET: Final = "abcdefghijklmnopqrstuvwxyz"
# Letters as symbols, in the order of the alphabet: UTS 39 has no entry for them, and NFKD does not decompose them.
_DRESSED_RUNS: Final = (
    0x1F150,  # negative circled
    0x1F170,  # negative squared
    0x1F1E6,  # regional indicators: drawn as letters where a pair is no flag, and everywhere on Windows
)
DRESSED: Final = MappingProxyType(
    {first + index: letter for first in _DRESSED_RUNS for index, letter in enumerate(_ALPHABET)}
)
# Small capitals are phonetic letters to Unicode and capitals to a reader. Those that UTS 39 sets beside a plain letter
# are not repeated. Cyrillic ka, ve, en, em and te, Greek kappa and tau, and small Cherokee have these as prototypes.
_SMALL_CAPITALS: Final = {
    "\u1d00": "a", "\u0299": "b", "\u1d05": "d", "\u1d07": "e", "\ua730": "f", "\u0262": "g", "\u029c": "h",
    "\u1d0a": "j", "\u0138": "k", "\u029f": "l", "\u028d": "m", "\u0274": "n", "\u1d18": "p", "\ua7af": "q",
    "\u0280": "r", "\u1d1b": "t",
}  # fmt: skip
# Applied to skeletons.
LETTERS: Final = MappingProxyType(
    {**DRESSED, **{ord(small): letter for small, letter in _SMALL_CAPITALS.items()}}
)  # code point: the letter that is read
# NFKD asks what a letter means, and these are drawn like another: the lunate sigmas like c, the long s like f.
DRAWN_OTHERWISE: Final = MappingProxyType({0x03F9: "C", 0x03F2: "c", 0x017F: "f"})
# Bars are drawn like l, and stand between words: the ASCII one, the wide and the half-wide, dental and lateral clicks,
# paseq, double lines, divides, parallel, the power-on symbol.
_BARS: Final = "|\uff5c\uffe8\u01c0\u01c1\u05c0\u2016\u2223\u2225\u23fd"
# What may be read as a letter and may as well part words: flags and letters on squares are ornaments, too.
PARTING: Final = MappingProxyType({**dict.fromkeys(map(ord, _BARS), " "), **dict.fromkeys(DRESSED, " ")})
# Dots between the labels of a domain: what UTS 39 draws like a full stop or a middle dot, and a few more raised ones
# (middle dot, Greek ano teleia, Urdu full stop, raised dot, ring operator, white bullet, ideographic and Coptic ones).
DOTS: Final = MappingProxyType(
    {code: "." for code, target in PROTOTYPES.items() if target in (".", "\u00b7")}
    | dict.fromkeys(map(ord, "\u00b7\u0387\u06d4\u2e33\u2218\u25e6\u3002\uff61\u2cf9"), ".")
)
# Hyphens and dashes within a label; NFKC folds only some of them.
HYPHENS: Final = MappingProxyType(
    dict.fromkeys(map(ord, "\u2010\u2011\u2012\u2013\u2014\u2212\u2043\u02d7\u058a"), "-")
)
# An a in a ring is written for an @ where that cannot be typed; it may as well be a letter.
RINGED_A: Final = "\u24d0\u24b6\U0001f150"
_SIGNS: Final = "\u2120\u2122\U0001f16a\U0001f16b\U0001f16c"  # SM, TM and the marks of Canada


def is_raised(c: str) -> bool:
    """Whether a character behind a word is a footnote or a mark of trade: raised, lowered, or a digit in a ring."""
    if c.isascii():
        return False
    kind = unicodedata.category(c)
    return kind == "No" or (c in _SIGNS) or unicodedata.decomposition(c).startswith(("<super>", "<sub>"))


def is_sign(c: str) -> bool:
    """Whether it is one that nobody writes for a letter within a name: a raised digit, a mark of trade."""
    return not c.isascii() and (c in _SIGNS or unicodedata.category(c) == "No")


def is_accent(mark: str) -> bool:
    """Whether a mark is an accent, a point or an enclosure, by its combining class (UAX 44 5.7.4).

    Vowel signs (0), nuktas (7), voicing (8), viramas (9) and the fixed classes of Thai and its kin (84 to 132) are not.
    """
    kind = unicodedata.category(mark)
    combining = unicodedata.combining(mark)
    return kind == "Me" or (kind[0] == "M" and (combining == 1 or 10 <= combining <= 36 or combining >= 200))
