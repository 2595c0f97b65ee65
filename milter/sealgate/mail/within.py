"""Addresses inside a display name.

Most readers show the name and hide the address beside it, so whatever in a name could be taken for an address, by a
person or by a program that makes links of them, is found here, however it is dressed: full-width letters, odd blanks,
invisible characters, `(at)`, bullets for dots, encoded-words that were encoded twice. Found is more than would be
valid, and sometimes a thing that was no address (`Tom @ Booking.com`): what follows from it is for the checks to say.
Linear and capped: the first 2,000 characters, 20 addresses. Nothing here raises.
"""

import re
import unicodedata
from dataclasses import dataclass
from typing import Final

from sealgate.mail.domain import AddressError, normal_domain
from sealgate.mail.glyphs import drawn
from sealgate.mail.headers import decoded
from sealgate.mail.lookalikes import DOTS, DRESSED, HYPHENS, RINGED_A, is_accent

MAX_NAME: Final = 2_000  # characters of a name that are looked at
MAX_FOUND: Final = 20
MAX_DECODED: Final = 3  # how often encoded-words are decoded again

# RFC 2047 2, but with blanks in the text, as several readers decode it.
_ENCODED_WORD = re.compile(r"=\?([^?\s]{1,40})\?([bBqQ])\?([^?]{0,600})\?=")
_SPELT_AT = re.compile(r" ?[(\[{<] ?(?:at|a|@|\u2c6d) ?[)\]}>] ?|(?<=\w)([-_*|/~])at\1(?=\w)", re.IGNORECASE)
_MAY_BE_SPELT = re.compile(r"[(\[{<_*|/~-]")
_MAY_HOLD_AT = re.compile(r"[@=(\[{<_*|/~-]")  # an @, spelt or encoded, has one of these around it
_SPELT_DOT = re.compile(r" ?[(\[{<] ?(?:dot|punkt|point|\.) ?[)\]}>] ?", re.IGNORECASE)
_SEVERAL_AT = re.compile(r"@(?: ?@)+")
_QUOTING = str.maketrans("", "", '"\\\u201c\u201d\u201e')
# Two Arabic formulas that come to 18 and 8 characters are left out: no others come to more than 6.
_TWINS = {**DOTS, **HYPHENS, **DRESSED, 0xFDFA: " ", 0xFDFB: " "}
_MAX_FOLDED: Final = 6 * MAX_NAME
# An a in a ring may be an @ or an a: until that is tried, it is a letter that has no other form and is in no name.
_EITHER: Final = "\u2c6d"
_RINGED = str.maketrans(dict.fromkeys(RINGED_A, _EITHER))
_AT = re.compile(f"[@{_EITHER}]")

# atext (RFC 5322 3.2.3) without what parts words more often than it stands in a local part: / | { }
_LOCAL_BEFORE = re.compile(r"[\w.!#$%&'*+=?^`~-]+\Z")
_MAX_LOCAL: Final = 64
_LABEL = r"[^\W_][\w-]{0,62}"
# Where the @ stands alone, a full stop with a blank after it ends a sentence or an abbreviation (`Tom @ St. Gallen`).
_DOMAIN_TIGHT = re.compile(rf"{_LABEL}(?: ?\. ?{_LABEL}){{1,20}}")
_DOMAIN_APART = re.compile(rf"{_LABEL}(?:(?: \. ?|\.){_LABEL}){{1,20}}")
_MAX_TAIL: Final = 300
_LEADING_SIGNS = re.compile(r"\A[\W_]+")
_SPACED_DOT = re.compile(r" ?\. ?")
_LITERAL = re.compile(r"\[[0-9A-Fa-f:.]{3,40}\]|\[IPv6:[0-9A-Fa-f:.]{3,40}\]", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Shown:
    """What stands around one @ of a name, as far as it can be read.

    Attributes:
        local: what could be a local part, lower case, or empty.
        domain: what could be a domain, as A-labels where it is valid, lower case, or empty.
        drawn: the domain as it is drawn, case and all; without one, what follows the @ and any signs behind it, as
            long as no blank ends it, a dot with blanks around it counted in. At most 300 characters.
    """

    local: str
    domain: str
    drawn: str

    @property
    def address(self) -> str:
        """`local@domain`, or an empty string where one of them is missing."""
        return f"{self.local}@{self.domain}" if self.local and self.domain else ""


def addresses_within(text: str) -> tuple[str, ...]:
    """Find what could be taken for an address in a name.

    A name such as `Tom @ Work` has none: without a dot, what follows the @ is no domain.

    Args:
        text: the name as decoded, that is, as a reader shows it.

    Returns:
        `local@domain` in lower case, each once, in the order found; the domain as A-labels where it is valid.
    """
    return tuple(dict.fromkeys(each.address for each in shown_within(text) if each.address))


def shown_within(text: str) -> tuple[Shown, ...]:
    """Find every @ of a name behind which something with a dot in it follows, whatever stands before.

    Args:
        text: the name as decoded.

    Returns:
        Each once, at most 20, in the order found.
    """
    if text.isascii() and not _MAY_HOLD_AT.search(text):
        return ()
    found: dict[Shown, None] = {}
    domains: dict[str, str] = {"": ""}  # IDNA is slow: no domain is brought to A-labels twice
    plain = _plain(text[:MAX_NAME])
    letters = plain.replace(_EITHER, "a")
    end = max(plain.rfind("."), plain.rfind("]"))  # without these nothing that follows is a domain
    for match in _AT.finditer(plain, 0, end + 1):
        if shown := _around(letters, match.start(), domains):
            found[shown] = None
            if len(found) == MAX_FOUND:
                break
    return tuple(found)


def _around(plain: str, at: int, domains: dict[str, str]) -> Shown | None:
    local, drawn_domain = _local(plain, at).lower(), _domain(plain, at)
    domain = drawn_domain.lower()
    if domain not in domains:
        domains[domain] = _normal(domain)
    if local and domain:
        return Shown(local, domains[domain], drawn_domain)
    tail = _LEADING_SIGNS.sub("", plain[at + 1 : at + 1 + _MAX_TAIL]).partition("@")[0]
    tail = _SPACED_DOT.sub(".", tail).partition(" ")[0]
    return Shown(local, "", tail) if "." in tail.strip(".") else None


def _plain(text: str) -> str:
    """Undress a name: decoded to the end, compatibility forms folded, nothing invisible, no quotes, `(at)` as an @."""
    for _ in range(MAX_DECODED):
        if "=?" not in text:
            break
        text = _ENCODED_WORD.sub(_decode, decoded(text.encode("utf-8", "replace")))[:MAX_NAME]
    if not text.isascii():
        # What is not drawn goes first, as it may keep letters and marks from being composed, and again with quotes.
        text = _folded(drawn(text)[:MAX_NAME].translate(_RINGED))
    text = drawn(text.translate(_QUOTING))
    if _MAY_BE_SPELT.search(text):
        text = _SPELT_DOT.sub(".", _SPELT_AT.sub("@", text))
    return _SEVERAL_AT.sub("@", text)


def _folded(text: str) -> str:
    """Compatibility forms folded, dots and dashes made plain, and no marks but those that are part of a letter."""
    text = unicodedata.normalize("NFKC", text.translate(_TWINS))[:_MAX_FOLDED].translate(_TWINS)
    return "".join(c for c in text if c.isascii() or c.isalnum() or not is_accent(c))


def _decode(word: re.Match[str]) -> str:
    charset, encoding, payload = word.groups()
    joined = ("" if encoding in "bB" else "_").join(payload.split())
    return decoded(f"=?{charset}?{encoding}?{joined}?=".encode("utf-8", "replace"))


def _local(text: str, at: int) -> str:
    """What stands before the @ at this place, one blank allowed between."""
    end = at - 1 if text[at - 1 : at] == " " and at > 0 else at
    match = _LOCAL_BEFORE.search(text[max(0, end - _MAX_LOCAL) : end])
    return match[0].lstrip(".'`*").rstrip(".") if match else ""


def _domain(text: str, at: int) -> str:
    """The domain after the @ at this place, one blank allowed between, or an empty string."""
    start = at + 1
    is_apart = text[start : start + 1] == " "
    if is_apart:
        start += 1
    if match := _LITERAL.match(text, start):
        return match[0]
    match = (_DOMAIN_APART if is_apart else _DOMAIN_TIGHT).match(text, start)
    if not match:
        return ""
    domain = match[0].replace(" ", "").rstrip("-_")
    if not any(c.isalpha() for c in domain.rpartition(".")[2]):
        return ""  # a price or a time of day: `Coffee @ 3.50`
    return domain


def _normal(domain: str) -> str:
    try:
        return normal_domain(domain)
    except AddressError:
        return domain
