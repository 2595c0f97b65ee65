"""The words and phrases of `checks.purpose_words` in a text, found in one pass.

`folded` is the form in which texts and lists are compared; `signs` says what stands in a text, by kind. Letters of
other scripts that are drawn like Latin ones inside a Latin word, and styled letters, are read as what they look like.
The cost is that of splitting the text into words; nothing here raises. The caller caps the text.
"""

import re
from collections import Counter
from operator import attrgetter
from typing import Final, NamedTuple
from unicodedata import normalize

from sealgate.checks.purpose_other_words import OTHER_ROWS
from sealgate.checks.purpose_words import SELLING_ROWS, Sign

_BLANKED: Final = bytes(b for b in range(128) if not (chr(b).isalpha() or chr(b) in "%$#"))
_BLANKS: Final = bytes.maketrans(_BLANKED, b" " * len(_BLANKED))
# UTF-8 of U+0080 to U+00BF, U+2000 to U+2FFF, the blanks and brackets of CJK, and all beyond the basic plane.
_MARKS = re.compile(rb"\xc2.|\xe2..|\xe3\x80.|\xef\xbc[\x80-\xa0]|\xf0...", re.DOTALL)
_CURRENCIES: Final = "€£¥₹₽₺"
_GREEK_CYRILLIC: Final = tuple(bytes([lead]) for lead in range(0xCE, 0xD2))
_MIXED = re.compile("[a-z][\u0370-\u04ff]|[\u0370-\u04ff][a-z]")
_LOOKS: Final = str.maketrans("аеорсухѕіјԁһԛԝмтвкнοαινρτυκ", "aeopcyxsijdhqwmtbkhoaivptuk")
_CJK_LEADS: Final = bytes(range(0xE3, 0xEE))
_NO_CJK: Final = bytes(b for b in range(256) if b not in _CJK_LEADS)


class _Item(NamedTuple):
    """A word or phrase of the lists; `parts` are the words of a phrase, empty for a single word."""

    kind: str  # the value of its `Sign`
    words: str
    parts: frozenset[str]


def folded(text: str) -> str:
    """Lower case, one blank between words and none but them: the form in which words and phrases are compared."""
    return " ".join(_words(text))


def _words(text: str) -> list[str]:
    lower = text.lower()
    octets = lower.encode() if lower.isascii() else _beyond_ascii(lower)
    octets = octets.translate(_BLANKS)
    if b"%" in octets or b"$" in octets:
        octets = octets.replace(b"%", b" % ").replace(b"$", b" $ ")
    return octets.decode("utf-8", "replace").split()


def _beyond_ascii(lower: str) -> bytes:
    """Currencies as `$`, marks as blanks, letters that only look different as what they look like."""
    for symbol in _CURRENCIES:
        if symbol in lower:
            lower = lower.replace(symbol, " $ ")
    octets = lower.encode("utf-8", "replace")
    if b"\xf0\x9d" in octets or b"\xef\xbc" in octets or b"\xef\xbd" in octets:  # styled and full-width letters
        lower = normalize("NFKC", lower).lower()
        octets = lower.encode("utf-8", "replace")
    if any(lead in octets for lead in _GREEK_CYRILLIC) and _MIXED.search(lower):
        octets = " ".join([_latin(word) for word in lower.split()]).encode("utf-8", "replace")
    return _MARKS.sub(b" ", octets)


def _latin(word: str) -> str:
    return word.translate(_LOOKS) if _MIXED.search(word) else word


def _lexicon() -> tuple[dict[str, tuple[_Item, ...]], tuple[_Item, ...]]:
    """Items by the word under which they are looked up, and those of scripts without blanks."""
    kinds: dict[str, Sign] = {}
    for sign, text in (*SELLING_ROWS, *OTHER_ROWS):
        for item in re.split(r"[|\n]", text):
            if words := folded(item):
                kinds.setdefault(words, sign)
    often = Counter(word for words in kinds for word in words.split())
    keyed: dict[str, list[_Item]] = {}
    unspaced = []
    for words, sign in kinds.items():
        parts = frozenset(words.split())
        item = _Item(sign.value, words, parts if len(words.split()) > 1 else frozenset())
        if words[0] >= "\u3000":
            unspaced.append(item)
        else:  # under the word that the fewest items have, of two the longer one: that is met least
            keyed.setdefault(min(sorted(parts), key=lambda word: (often[word], -len(word))), []).append(item)
    return {key: tuple(found) for key, found in keyed.items()}, tuple(unspaced)


_by_words = attrgetter("words")
_KEYED, _UNSPACED = _lexicon()
_KEYS: Final = frozenset(_KEYED)


def signs(text: str) -> dict[str, list[str]]:
    """The words and phrases of each kind that stand in a text, each once, in order of the alphabet.

    What stands in a longer phrase says nothing by itself: "delivery" in "free delivery".
    """
    words = _words(text)
    present = frozenset(words)
    alone: list[_Item] = []
    phrases: list[_Item] = []
    joined = ""
    for word in _KEYS & present:
        for item in _KEYED[word]:
            if not item.parts:
                alone.append(item)
            elif item.parts <= present:  # one search through the text, and only where all of its words are there
                joined = joined or f" {' '.join(words)} "
                if f" {item.words} " in joined:
                    phrases.append(item)
    long = [phrase for phrase in phrases if len(phrase.parts) > 2]
    covered = {word for phrase in phrases for word in phrase.parts}
    found: dict[str, list[str]] = {}
    for item in sorted(
        [
            *[each for each in phrases if not any(each.parts < longer.parts for longer in long)],
            *[each for each in alone if each.words not in covered],
        ],
        key=_by_words,
    ):
        found.setdefault(item.kind, []).append(item.words)
    for item in () if text.isascii() else _unspaced(text):
        found.setdefault(item.kind, []).append(item.words)
    return found


def _unspaced(text: str) -> list[_Item]:
    """What stands in a text that sets no blanks between words."""
    if not text.encode("utf-8", "replace").translate(None, _NO_CJK):
        return []
    return [item for item in _UNSPACED if item.words in text]
