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
from typing import Final

import idna

from sealgate.mail.headers import decoded, unfolded

MAX_LOCAL: Final = 64  # octets, RFC 5321 4.5.3.1.1
MAX_DOMAIN: Final = 253  # octets; RFC 5321 4.5.3.1.2 allows 255 on the wire, which leaves 253 in text
MAX_FIELD: Final = 2_000  # octets of a From value; two lines of 998 (RFC 5322 2.1.1)

# atext (RFC 5322 3.2.3) without "%", "!" (percent and bang paths) and "`"; RFC 6532 3.2 adds all beyond ASCII.
_LOCAL = re.compile(
    r"[A-Za-z0-9#$&'*+/=?^_{|}~\-\u0080-\U0010ffff]+(?:\.[A-Za-z0-9#$&'*+/=?^_{|}~\-\u0080-\U0010ffff]+)*"
)
_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_ATOM_RUN = re.compile(r'[^\s"(),:;<>@\[\]\\]+')
_JOINERS: Final = "\u200c\u200d"  # needed by several scripts and by emoji; harmless inside a name, never in an address
_OTHER_DOTS: Final = "\u3002\uff0e\uff61"  # RFC 3490 3.1 took them for dots, IDNA 2008 leaves it to the reader
# At signs that some readers fold to "@" (NFKC) or show so alike that nobody sees the difference.
_LOOKS_LIKE_AT: Final = "\uff20\ufe6b"


class AddressError(ValueError):
    """The text is not one plain address; `str()` says why in words for its writer."""


@dataclass(frozen=True, slots=True)
class Address:
    """`local@domain`: the local part as written, the domain in lower-case A-label form (RFC 5890)."""

    local: str
    domain: str

    def __str__(self) -> str:
        return f"{self.local}@{self.domain}"


@dataclass(frozen=True, slots=True)
class Mailbox:
    """One mailbox of an address field: the display name as a reader shows it (maybe empty) and the address."""

    name: str
    address: Address


def normal_domain(text: str) -> str:
    """Return a domain in lower-case A-label form, by IDNA 2008.

    Raises:
        AddressError: not a domain name; also a literal such as `[192.0.2.1]` and a trailing dot.
    """
    if len(text) > MAX_DOMAIN:
        raise AddressError("the domain is too long")
    if any(dot in text for dot in _OTHER_DOTS):
        raise AddressError("the domain holds a dot that is none in ASCII")
    lowered = text.lower()
    if not lowered.isascii() or "xn--" in lowered:
        try:
            # No UTS 46 mapping: full-width letters and dots are refused, not repaired.
            lowered = idna.encode(idna.decode(lowered), uts46=False).decode("ascii")
        except (idna.IDNAError, UnicodeError) as error:
            raise AddressError("the domain is not valid under IDNA 2008") from error
    if len(lowered) > MAX_DOMAIN or not all(_LABEL.fullmatch(label) for label in lowered.split(".")):
        raise AddressError("the domain is not a plain host name")
    return lowered


def parse_address(raw: bytes) -> Address:
    """Read one bare `local@domain`.

    Raises:
        AddressError: it is anything else.
    """
    return _address(_readable(raw))


def parse_path(raw: bytes) -> Address:
    """Read the argument of MAIL (RFC 5321 4.1.2): `<local@domain>`, or without brackets as local submission gives it.

    Raises:
        AddressError: it is anything else, the null path included.
    """
    text = _readable(raw)
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
    if len(value) > MAX_FIELD:
        raise AddressError("the field is too long")
    text = _readable(unfolded(value))
    if not text:
        raise AddressError("the field is empty")
    name, comment, spec = _split(text)
    address = _address(spec)
    shown = decoded(name.encode()) if name else comment
    _refuse_hidden(shown)
    return Mailbox(shown, address)


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
        if any(not (c.isascii() or c.isalnum() or unicodedata.category(c)[0] == "M") for c in local):
            raise AddressError("the part before the @ holds characters that are no letters, digits or marks")
    return Address(local, normal_domain(domain))


def _readable(raw: bytes) -> str:
    """Decode strictly and refuse every character that is not shown, or that changes how others are shown."""
    try:
        text = raw.decode("utf-8")  # strict: refuses overlong forms and surrogates
    except UnicodeDecodeError as error:
        raise AddressError("the field is not valid UTF-8") from error
    _refuse_hidden(text)
    return text


def _refuse_hidden(text: str) -> None:
    if text.isascii() and text.isprintable():
        return
    previous = ""
    for c in text:
        if c == "\t":
            continue
        # Cc: C0, C1, NEL. Cf: bidi and invisible. Zl, Zp: U+2028/9. Co, Cn, Cs: private, unassigned, surrogates.
        if unicodedata.category(c) in ("Cc", "Cf", "Zl", "Zp", "Co", "Cn", "Cs"):
            if not (c in _JOINERS and previous and not previous.isascii()):
                raise AddressError(f"the field holds the control or invisible character U+{ord(c):04X}")
        elif c in _LOOKS_LIKE_AT:
            raise AddressError("the field holds a character that looks like an @")
        previous = c


def _split(text: str) -> tuple[str, str, str]:
    """Take a mailbox apart into display name, trailing comment and addr-spec."""
    name: list[str] = []
    comments: list[str] = []
    spec = ""
    for kind, content in _tokens(text):
        if spec:
            if kind == "comment":
                comments.append(content)
            elif kind != "blank":
                raise AddressError("there is more after the address than a comment")
        elif kind == "angle":
            spec = content
        elif kind == "word" and "@" in content:
            if name:
                raise AddressError("an unquoted @ stands in the name, or the address lacks its < and >")
            spec = content
        elif kind == "comment":
            name.append(f"({content})")
        elif kind != "blank" or name:
            name.append(content)
    if not spec:
        raise AddressError("there is no address in the field")
    return "".join(name).strip(), " ".join(comments), spec


def _tokens(text: str) -> Iterator[tuple[str, str]]:
    """Cut a field into blanks, comments, quoted strings, `<...>` and words, in one pass from left to right."""
    i = 0
    while i < len(text):
        c = text[i]
        if c in " \t":
            i += 1
            yield "blank", " "
        elif c == "(":
            content, i = _comment(text, i)
            yield "comment", content
        elif c == '"':
            content, i = _quoted(text, i)
            yield "quoted", content
        elif c == "<":
            end = text.find(">", i)
            if end <= i + 1:
                raise AddressError("the closing > is missing" if end < 0 else "there is nothing between < and >")
            content, i = text[i + 1 : end], end + 1
            yield "angle", content
        else:
            content, i = _word(text, i)
            yield "word", content


def _word(text: str, start: int) -> tuple[str, int]:
    """Read atoms, dots and @ up to a blank or another special."""
    i = start
    while i < len(text):
        if text[i] == "@":
            i += 1
        elif match := _ATOM_RUN.match(text, i):
            i = match.end()
        else:
            break
    if i == start:
        raise AddressError(_SPECIALS.get(text[i], "a special character of the name is not in double quotes"))
    return text[start:i], i


_SPECIALS: Final = {
    ",": "the field names more than one mailbox, or a comma of the name is not in double quotes",
    ":": "groups are not accepted, and a colon of the name belongs in double quotes",
    ";": "groups are not accepted, and a semicolon of the name belongs in double quotes",
    ">": "a > stands without its <",
    ")": "a ) stands without its (",
}


def _quoted(text: str, start: int) -> tuple[str, int]:
    """Read a quoted-string (RFC 5322 3.2.4) and return its content."""
    out: list[str] = []
    i = start + 1
    while i < len(text):
        c = text[i]
        if c == '"':
            return "".join(out), i + 1
        if c == "\\":
            i += 1
            if i == len(text):
                break
            c = text[i]
        out.append(c)
        i += 1
    raise AddressError('the closing " is missing')


def _comment(text: str, start: int) -> tuple[str, int]:
    """Read a comment (RFC 5322 3.2.2) that holds nothing another parser could take for an address."""
    end = text.find(")", start)
    if end < 0:
        raise AddressError("the closing ) is missing")
    content = text[start + 1 : end]
    if any(c in content for c in '(\\@<>"'):
        raise AddressError("a comment holds brackets, quotes or an @")
    return content, end + 1
