"""Which characters a reader sees.

A name or address may hold nothing that is not drawn, or that changes how other characters are drawn: controls, bidi
controls, fillers, blanks that look like nothing. Some of these are at home in a few scripts and in emoji, where people
have them in their own names; there, and only there, they pass. Linear; nothing here raises.
"""

import re
import unicodedata
from typing import Final

from sealgate.mail.confusables import IGNORABLE

# Cc: C0, C1, NEL. Cf: bidi and invisible. Zl, Zp: U+2028/9. Co, Cn, Cs: private, unassigned, surrogates.
_HIDDEN_KINDS: Final = frozenset({"Cc", "Cf", "Zl", "Zp", "Co", "Cn", "Cs"})
# Not all that is not drawn is of these kinds: Hangul fillers are letters, variation selectors marks, and the blank of
# Braille is a symbol.
_HIDDEN: Final = re.compile("[\u2800" + "".join(f"{chr(first)}-{chr(last)}" for first, last in IGNORABLE) + "]")
_JOINERS: Final = "\u200c\u200d"
_PRESENTATION: Final = "\ufe0e\ufe0f"  # text or emoji style (UTS 51 1.4.3)
_KEYCAP: Final = "\u20e3"
_FLAG: Final = "\U0001f3f4"  # the black flag, which tags make into those of England, Scotland and Wales
# Letters that look alike live in these alphabets; a word of more than one of them is no word of any language.
_ALPHABETS: Final = frozenset({"LATIN", "CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE", "COPTIC"})


def hidden_in(text: str) -> str:
    """Return the first character that is not drawn and not at home where it stands, or an empty string.

    A tab passes; a line end does not.
    """
    if text.isascii() and text.isprintable():
        return ""
    before = ""
    for index, c in enumerate(text):
        is_plain = " " <= c <= "~" or c == "\t"
        if not is_plain and _is_hidden(c) and not _is_at_home(c, before, text[index + 1 : index + 2]):
            return c
        before = c
    return ""


def drawn(text: str) -> str:
    """Return `text` without all that is not drawn, each blank or line end as a plain blank, runs of them as one."""
    if text.isascii() and text.isprintable():
        return " ".join(text.split())
    kept = [
        " " if c == "\u2800" or c.isspace() else c
        for c in text
        if c.isspace() or c == "\u2800" or not _is_hidden(c) or _is_assigned_later(c)
    ]
    return " ".join("".join(kept).split())


def is_letterlike(text: str) -> bool:
    """Whether all beyond ASCII is letters, digits and marks that are drawn: what an address may hold."""
    return all(
        c.isascii() or ((c.isalnum() or unicodedata.category(c)[0] == "M") and not _HIDDEN.match(c)) for c in text
    )


def mixes_alphabets(word: str) -> bool:
    """Whether a word holds letters of two alphabets that look alike, such as Latin and Cyrillic."""
    if word.isascii():
        return False
    return len({unicodedata.name(c, "").partition(" ")[0] for c in word if c.isalpha()} & _ALPHABETS) > 1


def _is_hidden(c: str) -> bool:
    return unicodedata.category(c) in _HIDDEN_KINDS or _HIDDEN.match(c) is not None


def _is_at_home(c: str, before: str, after: str) -> bool:
    """Whether people write this hidden character in names, between these two."""
    if not before:
        return _is_assigned_later(c)
    kind, code = unicodedata.category(before)[0], ord(c)
    if c in _JOINERS:  # several scripts of Asia, and families of emoji
        return not before.isascii() and (kind in "LMS" or _is_assigned_later(before))
    if c in _PRESENTATION and (before in "0123456789#*" and after == _KEYCAP):
        return True
    if c in _PRESENTATION and not before.isascii() and (kind in "SP" or before == "\u2139"):
        return True
    if "\ufe00" <= c <= "\ufe0f" or 0xE0100 <= code <= 0xE01EF:  # forms of Chinese characters, used in Japanese names
        return kind == "L" and before >= "\u2e80"
    if "\u180b" <= c <= "\u180f":
        return "\u1800" <= before <= "\u18af"  # Mongolian
    if 0xE0020 <= code <= 0xE007F:
        return before == _FLAG or 0xE0020 <= ord(before) <= 0xE007E
    return _is_assigned_later(c)


def _is_assigned_later(c: str) -> bool:
    """Whether `c` is unassigned to this Python and can only be an emoji or a Chinese character of a newer Unicode."""
    code = ord(c)
    is_reserved = 0x1F000 <= code <= 0x1FAFF or 0x20000 <= code <= 0x3FFFD
    return is_reserved and code & 0xFFFE != 0xFFFE and unicodedata.category(c) == "Cn"
