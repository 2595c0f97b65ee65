"""Names that look alike, by UTS 39 section 4.

`skeleton` brings every text to the characters it is drawn like: two texts with one skeleton cannot be told apart on a
screen. `bare` and `alike` compare names of people, where case, marks, punctuation and blanks are no difference either.
Linear and capped: only the first 2,000 characters are looked at. Nothing here raises. What two names mean is no concern
of this module: `Bob Chief` and `Robert Chief` differ.
"""

import re
import unicodedata
from typing import Final

from sealgate.mail.confusables import IGNORABLE, PROTOTYPES

MAX_TEXT: Final = 2_000  # characters; a run of combining marks costs normalisation its square
MAX_NAME: Final = 1_000  # characters of a name that is compared
_IGNORABLE: Final = re.compile("[" + "".join(f"{chr(first)}-{chr(last)}" for first, last in IGNORABLE) + "]+")
_APOSTROPHES: Final = "'`\u00b4\u2018\u2019"  # within a word: O'Alice is one word


def skeleton(text: str) -> str:
    """The skeleton of a text (UTS 39 4): decomposed, without what is not drawn, each character by its prototype.

    `rn` and `m`, `0` and `O`, `1`, `l` and `I`, Latin and Cyrillic `a` come out equal; upper and lower case do not.
    `skeleton(skeleton(text)) == skeleton(text)`.

    Args:
        text: any text; what is beyond 2,000 characters is not looked at.

    Returns:
        The skeleton, at most 2,000 characters: for comparing, not for showing.
    """
    text = text[:MAX_TEXT]
    if text.isascii():
        return text.translate(PROTOTYPES)[:MAX_TEXT]
    drawn = _IGNORABLE.sub("", unicodedata.normalize("NFD", text))[: 2 * MAX_TEXT]
    return unicodedata.normalize("NFD", drawn.translate(PROTOTYPES)[: 2 * MAX_TEXT])[:MAX_TEXT]


def bare(text: str) -> str:
    """A name without all that does not tell people apart: a key for comparing.

    The skeleton without compatibility forms, case, accents, signs and punctuation (which parts words, an apostrophe
    excepted), words parted by one blank: `CAROL  Chief`, `Carol.Chief`, `Cárol Chief ✔` and `CaroI Chief` are one.
    `i`, `l` and `1` are one letter. Vowel signs and the like, which make another word, stay.
    """
    # Full-width letters are their own prototypes in part, so compatibility forms go first (NFKD).
    return _words(skeleton(unicodedata.normalize("NFKD", text[:MAX_NAME])))


def readings(text: str) -> frozenset[str]:
    """The one or two keys by which a name is to be compared: names look alike where their readings meet.

    A capital may look like another letter than its small one does (Greek Ν like N, ν like v). So a name is read as
    written and read without case first; only both together find a name in capitals and a capital from another script.
    An empty set for a text without a letter or digit.
    """
    return frozenset(key for key in (bare(text), bare(text[:MAX_NAME].casefold())) if key)


def alike(one: str, other: str) -> bool:
    """Whether a reader may take one name for the other."""
    return not readings(one).isdisjoint(readings(other))


def _words(text: str) -> str:
    """The skeleton of the case-folded text, reduced to letters and digits in words parted by one blank."""
    kept: list[str] = []
    for c in skeleton(text.casefold()):
        kind = unicodedata.category(c)
        if kind[0] in "LN" or (kind[0] == "M" and not _is_accent(c, kind)):
            kept.append("l" if c == "i" else c.casefold())
        elif kind[0] != "M" and c not in _APOSTROPHES:
            kept.append(" ")
    return " ".join("".join(kept).split())


def _is_accent(mark: str, kind: str) -> bool:
    """Whether a mark is an accent, a point or an enclosure, by its combining class (UAX 44 5.7.4).

    Vowel signs (0), nuktas (7), voicing (8), viramas (9) and the fixed classes of Thai and its kin (84 to 132) are not.
    """
    combining = unicodedata.combining(mark)
    return kind == "Me" or combining == 1 or 10 <= combining <= 36 or combining >= 200
