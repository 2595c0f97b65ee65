"""Addresses inside a display name.

Most readers show the name and hide the address beside it, so whatever in a name could be taken for an address, by a
person or by a program that makes links of them, is found here, however it is dressed: full-width letters, odd blanks,
invisible characters, `(at)`, encoded-words that were encoded twice. Found is more than would be valid, and sometimes a
thing that was no address (`Tom @ Booking.com`): what follows from it is for the checks to say. Linear and capped: the
first 2,000 characters, 20 addresses. Nothing here raises.
"""

import re
import unicodedata
from typing import Final

from sealgate.mail.domain import AddressError, normal_domain
from sealgate.mail.glyphs import drawn
from sealgate.mail.headers import decoded

MAX_NAME: Final = 2_000  # characters of a name that are looked at
MAX_FOUND: Final = 20
MAX_DECODED: Final = 3  # how often encoded-words are decoded again

# RFC 2047 2, but with blanks in the text, as several readers decode it.
_ENCODED_WORD = re.compile(r"=\?([^?\s]{1,40})\?([bBqQ])\?([^?]{0,600})\?=")
_SPELT_AT = re.compile(r" ?[(\[{<] ?(?:at|@) ?[)\]}>] ?", re.IGNORECASE)
_SPELT_DOT = re.compile(r" ?[(\[{<] ?(?:dot|punkt|point|\.) ?[)\]}>] ?", re.IGNORECASE)
_SEVERAL_AT = re.compile(r"@(?: ?@)+")
_QUOTING = str.maketrans("", "", '"\\\u201c\u201d\u201e')
_DOTS = str.maketrans("\u3002\u00b7\u30fb\uff65", "....")  # those that compatibility forms do not fold to a full stop

# atext (RFC 5322 3.2.3) without what parts words more often than it stands in a local part: / | { }
_LOCAL_BEFORE = re.compile(r"[\w.!#$%&'*+=?^`~-]+\Z")
_MAX_LOCAL: Final = 64
_LABEL = r"[^\W_][\w-]{0,62}"
# Where the @ stands alone, a full stop with a blank after it ends a sentence or an abbreviation (`Tom @ St. Gallen`).
_DOMAIN_TIGHT = re.compile(rf"{_LABEL}(?: ?\. ?{_LABEL}){{1,20}}")
_DOMAIN_APART = re.compile(rf"{_LABEL}(?:(?: \. ?|\.){_LABEL}){{1,20}}")
_LITERAL = re.compile(r"\[[0-9A-Fa-f:.]{3,40}\]|\[IPv6:[0-9A-Fa-f:.]{3,40}\]", re.IGNORECASE)


def addresses_within(text: str) -> tuple[str, ...]:
    """Find what could be taken for an address in a name.

    A name such as `Tom @ Work` has none: without a dot, what follows the @ is no domain.

    Args:
        text: the name as decoded, that is, as a reader shows it.

    Returns:
        `local@domain` in lower case, each once, in the order found; the domain as A-labels where it is valid.
    """
    plain = _plain(text[:MAX_NAME])
    found: dict[str, None] = {}
    domains: dict[str, str] = {"": ""}  # IDNA is slow: no domain is brought to A-labels twice
    at = plain.find("@")
    while at >= 0 and len(found) < MAX_FOUND:
        local, domain = _local(plain, at), _domain(plain, at).lower()
        if domain not in domains:
            domains[domain] = _normal(domain)
        if local and domain:
            found[f"{local}@{domains[domain]}".lower()] = None
        at = plain.find("@", at + 1)
    return tuple(found)


def _plain(text: str) -> str:
    """Undress a name: decoded to the end, compatibility forms folded, nothing invisible, no quotes, `(at)` as an @."""
    for _ in range(MAX_DECODED):
        if "=?" not in text:
            break
        text = _ENCODED_WORD.sub(_decode, decoded(text.encode("utf-8", "replace")))[:MAX_NAME]
    if not text.isascii():
        # What is not drawn goes first, as it may keep letters and marks from being composed, and again what came of it.
        text = unicodedata.normalize("NFKC", drawn(text)[:MAX_NAME])[: 2 * MAX_NAME]
    text = drawn(text.translate(_QUOTING).translate(_DOTS))
    if any(c in text for c in "([{<"):
        text = _SPELT_DOT.sub(".", _SPELT_AT.sub("@", text))
    return _SEVERAL_AT.sub("@", text)


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
