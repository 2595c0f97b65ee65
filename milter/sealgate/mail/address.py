"""Mail addresses, read strictly.

One parser for everything that names a sender. It accepts what it fully understands and refuses the rest with a reason
that a person can act on: no groups, routes, quoted local parts, encoded-words in an address, percent or bang paths,
nested comments, control or direction characters, second addresses hidden anywhere. That is narrower than RFC 5322 on
purpose: readers disagree on the rest, and what two readers show differently cannot be bound to one person.
Linear in time; the only exception that leaves this module is `AddressError`.
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from sealgate.mail.domain import AddressError, normal_domain
from sealgate.mail.glyphs import hidden_in, is_letterlike, mixes_alphabets
from sealgate.mail.headers import decoded_with_fault
from sealgate.mail.tokens import tokens
from sealgate.mail.within import addresses_within

# All that concerns addresses is imported from here.
__all__ = [
    "MAX_MAILBOXES",
    "Address",
    "AddressError",
    "Mailbox",
    "addresses_within",
    "normal_domain",
    "parse_address",
    "parse_mailbox",
    "parse_mailboxes",
    "parse_path",
]

MAX_LOCAL: Final = 64  # octets, RFC 5321 4.5.3.1.1
MAX_PATH: Final = 1_000  # octets of an address alone; A-labels come to fewer, U-labels (RFC 6531 3.3) to more than 256
MAX_FIELD: Final = 2_000  # octets of a From value; two lines of 998 (RFC 5322 2.1.1)
MAX_LIST_FIELD: Final = 16_000  # octets of a field that may name several mailboxes
MAX_MAILBOXES: Final = 100  # in one field
_KEPT: Final = 1_024  # readings of each kind that are remembered: a sender's addresses come with each of its messages
_KEPT_OCTETS: Final = 500  # of what was read; longer values are read each time

# atext (RFC 5322 3.2.3) without "%", "!" (percent and bang paths) and "`"; RFC 6532 3.2 adds all beyond ASCII.
_LOCAL = re.compile(
    r"[A-Za-z0-9#$&'*+/=?^_{|}~\-\u0080-\U0010ffff]+(?:\.[A-Za-z0-9#$&'*+/=?^_{|}~\-\u0080-\U0010ffff]+)*"
)
_FOLD = re.compile(rb"\r?\n(?=[ \t])")
_EMPTY_LINE = re.compile(rb"\n[ \t]*(?:\r?\n|\Z)")
_NOT_IN_COMMENTS = re.compile('[@<>"]')
# Left after decoding: unknown charset, no end, encoded twice. Some readers take even a blank or empty charset.
_UNREAD_WORD = re.compile(r"=\?[^?]*\?[bBqQ]\?")
# At signs that some readers fold to "@" (NFKC), or show so alike that nobody sees the difference. In a name they are
# harmless (Japanese writes them before a place of work) unless what follows could be a domain.
_AT_LIKE = re.compile(
    "[\uff20\ufe6b](?=[^.\u2024-\u2026\u3002\uff0e\uff61\ufe52]*[.\u2024-\u2026\u3002\uff0e\uff61\ufe52])"
)


@dataclass(frozen=True, slots=True)
class Address:
    """`local@domain`: the local part as written, the domain in lower-case A-label form (RFC 5890)."""

    local: str
    domain: str

    def __str__(self) -> str:
        return f"{self.local}@{self.domain}"


@dataclass(frozen=True, slots=True)
class Mailbox:
    """One mailbox of an address field.

    Attributes:
        name: the display name as a reader shows it, or the comments where there is no other name; maybe empty.
        address: whose it is.
        comment: what stands in comments behind the address of a named mailbox: some readers show it with the name.
    """

    name: str
    address: Address
    comment: str = ""


def parse_address(raw: bytes) -> Address:
    """Read one bare `local@domain`.

    Raises:
        AddressError: it is anything else.
    """
    return _kept_address(raw) if len(raw) <= _KEPT_OCTETS else _bare(raw)


def parse_path(raw: bytes) -> Address:
    """Read the argument of MAIL (RFC 5321 4.1.2): `<local@domain>`, or without brackets as local submission gives it.

    Raises:
        AddressError: it is anything else, the null path included.
    """
    return _kept_path(raw) if len(raw) <= _KEPT_OCTETS else _path(raw)


def _path(raw: bytes) -> Address:
    text = _alone(raw)
    if text[:1] == "<" and text[-1:] == ">":
        text = text[1:-1]
    if text[:1] == "@":
        raise AddressError("a source route stands before the address (RFC 5321 3.6.1 deprecates them)")
    return _address(text)


def parse_mailbox(value: bytes) -> Mailbox:
    """Read the value of a From or Sender field that must hold exactly one mailbox (RFC 5322 3.4).

    Accepted: `addr`, `addr (comment)`, `Name <addr>`, `"Name" <addr> (comment)`, with names as words, dots, quoted
    strings, RFC 2047 words or UTF-8.

    Raises:
        AddressError: it is anything else.
    """
    return _kept_mailbox(value) if len(value) <= _KEPT_OCTETS else _one(value)


def _one(value: bytes) -> Mailbox:
    box, more = _mailbox(tokens(_field(value, MAX_FIELD)))
    if more:
        raise AddressError("the field names more than one mailbox")
    return box


def parse_mailboxes(value: bytes) -> tuple[Mailbox, ...]:
    """Read the value of a field that may name several mailboxes, such as Reply-To: at least one, at most 100.

    Each is read as `parse_mailbox` reads it; there are no groups and no empty places between commas.

    Raises:
        AddressError: it is anything else.
    """
    return _kept_mailboxes(value) if len(value) <= _KEPT_OCTETS else _several(value)


def _several(value: bytes) -> tuple[Mailbox, ...]:
    pieces = tokens(_field(value, MAX_LIST_FIELD))
    found: list[Mailbox] = []
    more = True
    while more:
        if len(found) == MAX_MAILBOXES:
            raise AddressError(f"the field names more than {MAX_MAILBOXES} mailboxes")
        box, more = _mailbox(pieces)
        found.append(box)
    return tuple(found)


def _bare(raw: bytes) -> Address:
    return _address(_alone(raw))


# What cannot be read is not remembered, and raises anew each time.
_kept_address, _kept_path = lru_cache(maxsize=_KEPT)(_bare), lru_cache(maxsize=_KEPT)(_path)
_kept_mailbox, _kept_mailboxes = lru_cache(maxsize=_KEPT)(_one), lru_cache(maxsize=_KEPT)(_several)


def _address(text: str) -> Address:
    local, at, domain = text.rpartition("@")
    if not at:
        raise AddressError("the address has no @ and domain")
    if "@" in local:
        raise AddressError("the address has more than one @")
    if local[:1] == '"':
        raise AddressError("quoted local parts are not accepted")
    if "%" in local or "!" in local:
        raise AddressError("percent and bang paths are not accepted")
    if "=?" in local:
        raise AddressError("an encoded-word cannot be part of an address (RFC 2047 5)")
    if not _LOCAL.fullmatch(local) or len(local.encode()) > MAX_LOCAL:
        raise AddressError("the part before the @ is not a plain local part")
    if not local.isascii():
        if unicodedata.normalize("NFKC", local) != local:
            raise AddressError("the part before the @ holds characters that readers fold to others")
        if not is_letterlike(local):
            raise AddressError("the part before the @ holds characters that are no letters, digits or marks")
        if any(mixes_alphabets(word) for word in local.split(".")):
            raise AddressError("the part before the @ mixes alphabets that look alike")
    return Address(local, normal_domain(domain))


def _alone(raw: bytes) -> str:
    if len(raw) > MAX_PATH:
        raise AddressError("the address is too long")
    return _readable(raw)


def _field(value: bytes, limit: int) -> str:
    """Unfold a field value (RFC 5322 2.2.3) and decode it strictly."""
    if len(value) > limit:
        raise AddressError("the field is too long")
    if b"\n" in value:
        if _EMPTY_LINE.search(value):
            raise AddressError("a line of the field holds nothing but blanks")  # some take it for the header's end
        value = _FOLD.sub(b"", value)
    text = _readable(value.strip(b" \t"))
    if not text:
        raise AddressError("the field is empty")
    return text


def _readable(raw: bytes) -> str:
    """Decode strictly and refuse every character that is not shown, or that changes how others are shown."""
    try:
        text = raw.decode("utf-8")  # strict: refuses overlong forms and surrogates
    except UnicodeDecodeError as error:
        raise AddressError("the field is not valid UTF-8") from error
    _refuse_hidden(text)
    return text


def _refuse_hidden(text: str) -> None:
    if hidden := hidden_in(text):
        raise AddressError(f"the field holds the control or invisible character U+{ord(hidden):04X}")


def _mailbox(pieces: Iterator[tuple[str, str]]) -> tuple[Mailbox, bool]:
    """Read one mailbox, and whether a comma follows it."""
    words, before, spec, after, more = _split(pieces)
    address = _address(spec)
    if not words and not before and not after:
        return Mailbox("", address), more
    name = _shown(words)
    comment = _shown(" ".join(after if words else before + after))
    for text in (comment, _shown(" ".join(before)) if words else ""):
        if _NOT_IN_COMMENTS.search(text):
            raise AddressError("an encoded comment holds brackets, quotes or an @")
    if len(name) + len(comment) > MAX_FIELD:
        raise AddressError("the name is too long")
    return (Mailbox(name, address, comment) if words else Mailbox(comment, address)), more


def _shown(words: str) -> str:
    """A name or comment as a reader shows it; refused where readers show it differently."""
    if "=?" not in words and words.isascii():
        return words.strip(" \t")  # nothing to decode, and the field was looked through as a whole
    shown, fault = decoded_with_fault(words.encode())
    _refuse_hidden(shown)
    if "=?" in shown and _UNREAD_WORD.search(shown):
        raise AddressError("the name holds an encoded-word that cannot be read (RFC 2047 2)")
    if not shown.isascii() and _AT_LIKE.search(shown):
        raise AddressError("the name holds a character that looks like an @, and what could be a domain")
    if fault:
        raise AddressError(fault)
    return shown


def _split(pieces: Iterator[tuple[str, str]]) -> tuple[str, list[str], str, list[str], bool]:
    """Take a mailbox apart: display name, comments before the address, address, those behind it, whether more follows.

    The comments before are part of the name, too, if there is one.
    """
    name: list[str] = []
    comments: tuple[list[str], list[str]] = ([], [])  # before and behind the address
    spec = ""
    shown = 0  # how many pieces of the name stand before the address
    has_words = more = False
    for kind, content in pieces:
        if kind == "bad":
            raise AddressError(content)
        if kind == "comma":
            more = True
            break
        if kind == "comment":
            comments[spec != ""].append(content)
            name.append(f"({content})")
        elif kind == "blank":
            name.append(content)
        elif spec:
            raise AddressError("there is more after the address than a comment")
        elif kind == "angle":
            spec, shown = content, len(name)
        elif kind == "word" and "@" in content:
            if has_words:
                raise AddressError("an unquoted @ stands in the name, or the address lacks its < and >")
            spec = content
        elif not has_words and kind == "word" and content[0] == ".":
            raise AddressError("a name that begins with a dot belongs in double quotes")  # RFC 5322 4.1, obs-phrase
        else:
            has_words = True
            name.append(content)
    if not spec:
        raise AddressError(_NO_ADDRESS[has_words, more])
    return "".join(name[:shown]).strip() if has_words else "", comments[0], spec, comments[1], more


_NO_ADDRESS: Final = {  # by whether there are words, and whether a comma ended them
    (False, False): "there is no address in the field, or none after the last comma",
    (False, True): "there is no address before a comma",
    (True, False): "there is no address in the field, or none after the last comma",
    (True, True): "a comma of the name is not in double quotes, or an address is missing before a comma",
}
