"""Names that look alike, by UTS 39 section 4.

`skeleton` brings every text to the characters it is drawn like: two texts with one skeleton cannot be told apart on a
screen. `bare` and `alike` compare names of people, where case, marks, punctuation and blanks are no difference either.
Linear and capped: only the first 2,000 characters are looked at. Nothing here raises. What two names mean is no concern
of this module: `Bob Chief` and `Robert Chief` differ.
"""

import re
import unicodedata
from collections.abc import Callable
from functools import lru_cache
from typing import Final

from sealgate.mail.confusables import IGNORABLE, PROTOTYPES
from sealgate.mail.lookalikes import DRAWN_OTHERWISE, LETTERS, PARTING, is_accent, is_raised, is_sign

MAX_TEXT: Final = 2_000  # characters; a run of combining marks costs normalisation its square
MAX_NAME: Final = 2_000  # characters of a name that is compared
_IGNORABLE: Final = re.compile("[" + "".join(f"{chr(first)}-{chr(last)}" for first, last in IGNORABLE) + "]+")
_APOSTROPHES: Final = "'`\u00b4\u2018\u2019"  # within a word: O'Alice is one word
_PIECE: Final = 50  # characters
_PIECES: Final = re.compile(rf"(?s).{{1,{_PIECE}}}(?![^\W_])|.{{{_PIECE}}}")
_CAMEL: Final = re.compile("(?<=[a-z])(?=[A-Z])")  # ChiefCEO


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
    return _unmarked(phrase(text))


def phrase(text: str) -> str:
    """`bare`, with what stood between the words as words of their own: `,` where a phrase ends, `&` for "and"."""
    text = text[:MAX_NAME]
    if len(text) <= _PIECE:
        return _phrase(text)
    # In pieces, since one character may come to 18: nothing must be pushed out of what is looked at.
    key = ""
    for match in _PIECES.finditer(text):
        is_within_word = text[match.end() - 1 : match.end() + 1].isalnum() and match.end() < len(text)
        key += _phrase(match[0]) + ("" if is_within_word else " ")
    return key.strip()


def _phrase(text: str) -> str:
    # Full-width letters are their own prototypes in part, so compatibility forms go first (NFKD).
    plain = skeleton(unicodedata.normalize("NFKD", text)).translate(LETTERS)
    plain = skeleton(plain.casefold())
    return " ".join(plain.translate({ord(c): _kept(c) for c in set(plain)}).split())


def readings(text: str) -> frozenset[str]:
    """The keys by which a name is to be compared: names look alike where their readings meet.

    A capital may look like another letter than its small one does (Greek Ν like N, ν like v). So a name is read as
    written and read without case first; only both together find a name in capitals and a capital from another script.
    An empty set for a text without a letter or digit.
    """
    return frozenset(key for key in map(_unmarked, phrases(text)) if key)


def phrases(text: str) -> frozenset[str]:
    """`readings`, as `phrase` writes them: two for most names, at most 24.

    There are more where a reader may take a character in two ways: a bar for an l or for what parts words, a raised
    sign for a letter or for a footnote, a lunate sigma for what it means or for the C that is drawn.
    """
    text = text[:MAX_NAME]
    ways = {text, text.translate(PARTING), _CAMEL.sub(" ", text)}
    if not text.isascii():
        ways |= {way.translate(DRAWN_OTHERWISE) for way in ways}
        ways |= {_without_raised(way, is_dropped) for way in ways for is_dropped in (is_raised, is_sign)}
    return frozenset(phrase(each) for way in ways for each in {way, way.casefold()})


def alike(one: str, other: str) -> bool:
    """Whether a reader may take one name for the other."""
    return not readings(one).isdisjoint(readings(other))


def domain_keys(text: str) -> frozenset[str]:
    """The keys of a domain as it is drawn, case and all, and without case: it looks like another where keys meet.

    Dots and dashes stay, accents do not. `exampIe.test`, with a capital I, is alike `example.test`.
    """
    return frozenset(_domain_key(each) for each in (text, text.lower()))


def _domain_key(text: str) -> str:
    folded = skeleton(skeleton(text).translate(LETTERS).casefold())
    if folded.isascii():
        return folded
    return "".join(c for c in unicodedata.normalize("NFD", folded) if not is_accent(c))


def _unmarked(key: str) -> str:
    return " ".join(word for word in key.split() if word not in (",", "&"))


@lru_cache(maxsize=4_096)
def _kept(c: str) -> str:
    """What a character of a skeleton adds to a key."""
    kind = unicodedata.category(c)
    if kind[0] in "LN":
        return "l" if c == "i" else c.casefold()
    if kind[0] == "M":
        return "" if is_accent(c) else c
    if c in _APOSTROPHES:
        return ""
    if c in "&+":
        return " & "
    return " " if c in "._" or kind[0] in "ZC" else " , "


def _without_raised(text: str, is_dropped: Callable[[str], bool]) -> str:
    """A text without raised signs at the ends of words."""
    kept: list[str] = []
    is_end = True
    for c in reversed(text):
        if is_end and is_dropped(c):
            continue
        is_end = not c.isalnum()
        kept.append(c)
    return "".join(reversed(kept))
