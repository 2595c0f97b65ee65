"""Does a delivered message speak for the victim? Read as leniently as any reader, filter or archive might.

`carries_victim` knows nothing of the gate's own parsers: it tries many readings of each field that names an author or
claims a relay's authority, and is content only where none of them shows anybody but the sender. It errs on the side of
suspicion; the honest shapes keep it from being suspicious of everything. Never raises.
"""

import base64
import binascii
import quopri
import re
import unicodedata
from collections.abc import Iterator
from typing import Final

from sealgate.attack.shape import Cast

AUTHOR: Final = frozenset({"from", "sender", "resentfrom", "resentsender"})
RELAYS_ONLY: Final = frozenset({"returnpath", "receivedspf", "xmailboxline"})
_WORD: Final = re.compile(r"=\?([^?\s]+?)\?([bBqQ])\?(.*?)\?=", re.DOTALL)
_UNENDED: Final = re.compile(r"=\?([^?\s]+?)\?([bBqQ])\?([^?\s]+)(?=\s|\Z)")
_LINE_ENDS: Final = re.compile("\r\n|[\n\r\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")
_ADDRESS: Final = re.compile(r"[^\s<>\"(),:;\[\]]+@[^\s<>\"(),:;\[\]]+")
_DOMAIN: Final = re.compile(r"@\s*([^\s<>\"(),:;@\[\]]+)")
_COMMENT: Final = re.compile(r"\([^()]*\)")
# Drawn alike: what UTS 39 lists for the letters that the shapes use, typed in by hand.
_TWINS: Final = str.maketrans("асеіорѕхуАВСЕНКМОРТ", "aceiopsxyABCEHKMOPT")


def carries_victim(delivered_header: bytes, cast: Cast, *, reply_to: bool = False) -> str:
    """Say what in this header block speaks for somebody else than the sender, or nothing.

    Args:
        delivered_header: the fields up to the empty line.
        cast: who is who.
        reply_to: whether Reply-To is an author's field too.
    """
    authors = 0
    for name, value in _fields(delivered_header):
        key = _key(name)
        if key in AUTHOR or (reply_to and key == "replyto"):
            authors += key == "from"
            if fault := _foreign_author(value, cast):
                return f"{name!r}: {fault}"
        if fault := _claims_us(key, value, cast) or _hides_a_field(value, cast):
            return f"{name!r}: {fault}"
    return "" if authors == 1 else f"{authors} From fields"


def header_of(message: bytes) -> bytes:
    """The header block of a message with CRLF or LF line ends."""
    return re.split(rb"\r?\n\r?\n", message, maxsplit=1)[0]


def _fields(block: bytes) -> Iterator[tuple[str, bytes]]:
    for field in re.split(rb"\r?\n(?![ \t])", block):
        name, _, value = field.partition(b":")
        yield name.decode("latin-1"), value


def _key(name: str) -> str:
    """The name without anything that some reader may drop from it."""
    return re.sub(r"[^a-z]", "", name.lower())


def _foreign_author(value: bytes, cast: Cast) -> str:
    own = {cast.own.lower(), cast.own_idn.lower()} | {
        cast.words()[key].decode().lower() for key in (b"{own_idn_a}", b"{own_upper}")
    }
    seen = False
    for text in _readings(value):
        for address in _ADDRESS.findall(text):
            seen = True
            if _without_subaddress(address.strip("'.").lower(), cast) not in own:
                return f"shows the address {address!r}"
        for domain in _DOMAIN.findall(text):
            if not any(address.endswith(f"@{domain.strip(chr(39) + '.').lower()}") for address in own):
                return f"shows the domain {domain!r}"
        if fault := _names_victim(text, cast):
            return fault
    return "" if seen else "shows no address"


def _without_subaddress(address: str, cast: Cast) -> str:
    local, _, domain = address.partition("@")
    return f"{local.partition(cast.delimiter)[0]}@{domain}"


def _names_victim(text: str, cast: Cast) -> str:
    for look in _looks(text):
        squeezed = re.sub(r"\s", "", look)
        if cast.victim.lower() in squeezed:
            return f"shows the victim's address in {look!r}"
        if re.search(rf"(?<![a-z0-9]){re.escape(cast.victim.partition('@')[0])}(?![a-z0-9])", look):
            return f"shows the victim's local part in {look!r}"
        letters = re.sub(r"[^a-z]", "", look)
        for name in (cast.victim_name, " ".join(reversed(cast.victim_name.split())), cast.brand):
            if re.sub(r"[^a-z]", "", name.lower()) in letters:
                return f"shows the protected name {name!r} in {look!r}"
    return ""


def _claims_us(key: str, value: bytes, cast: Cast) -> str:
    text = value.decode("latin-1").lower()
    if key == "authenticationresults" and cast.authserv_id in text.partition(";")[0]:
        return "results in our name"
    if key.startswith("arc") and (cast.authserv_id in text or f"d={cast.own.rpartition('@')[2]}" in text):
        return "an ARC field in our name"
    if key in RELAYS_ONLY or key.startswith("xsealgate"):
        return "a relay's field"
    return ""


def _hides_a_field(value: bytes, cast: Cast) -> str:
    """Whether a program that decodes, or splits lines at more than CRLF, finds a further author in the value."""
    plain = re.sub(rb"\r?\n[ \t]", b" ", value)
    for text in _decoded(plain):
        for line in _LINE_ENDS.split(text)[1:]:
            name, colon, rest = line.partition(":")
            if colon and _key(name) in AUTHOR and _foreign_author(rest.encode("utf-8", "replace"), cast):
                return f"hides a {name.strip()!r} field"
    return ""


def _readings(value: bytes) -> list[str]:
    """The value as several programs decode it, unfolded."""
    return [re.sub(r"\s+", " ", text) for text in _decoded(re.sub(rb"\r?\n(?=[ \t])", b"", value))]


def _decoded(value: bytes) -> list[str]:
    utf8, latin = value.decode("utf-8", "replace"), value.decode("latin-1")
    found = dict.fromkeys([utf8, _lenient_utf8(value)] if utf8.isascii() or "\ufffd" not in utf8 else [utf8, latin])
    found |= dict.fromkeys([_lenient_utf8(value)])
    for text in list(found):
        once = _words_decoded(text)
        found |= dict.fromkeys([once, _words_decoded(once)])
    return list(found)


def _lenient_utf8(value: bytes) -> str:
    """UTF-8 with two octets for an ASCII character let through (RFC 3629 3 forbids it)."""
    cut = re.sub(rb"[\xc0\xc1][\x80-\xbf]", lambda m: bytes([(m[0][0] & 3) << 6 | m[0][1] & 0x3F]), value)
    return cut.decode("utf-8", "replace")


def _words_decoded(text: str) -> str:
    return _UNENDED.sub(_word, _WORD.sub(_word, re.sub(r"(\?=)\s+(=\?)", r"\1\2", text)))


def _word(match: re.Match[str]) -> str:
    charset, kind, payload = match.groups()
    data = payload.encode("utf-8", "replace")
    try:
        if kind in "bB":
            stripped = data.rstrip(b"=")
            raw = base64.b64decode(stripped + b"=" * (-len(stripped) % 4))
        else:
            raw = quopri.decodestring(data, header=True)
    except binascii.Error:
        raw = data
    try:
        return raw.decode(charset.partition("*")[0], "replace")
    except (LookupError, UnicodeError):
        return raw.decode("utf-8", "replace")


def _looks(text: str) -> Iterator[str]:
    """What an eye, or a careless program, may make of a text; all in lower case."""
    shown = "".join(c for c in text if unicodedata.category(c) not in ("Cf", "Cc") and c != "\u034f")
    folded = unicodedata.normalize("NFKC", shown).translate(_TWINS).lower()
    yield folded
    yield re.sub(r"[\"\\]", "", folded)
    yield re.sub(r"\s*[(\[]at[)\]]\s*", "@", folded)
    yield re.sub(r"\s*@\s*", "@", folded)
    bare, last = folded, ""
    while bare != last and len(bare) < 10_000:
        last, bare = bare, _COMMENT.sub("", bare)
    yield bare
    yield folded[::-1] if re.search("[\u202d\u202e\u2066-\u2068]", text) else folded
    yield "".join(chr(ord(c) & 0xFF) for c in text).lower()  # one octet a character
    yield re.sub(r"([\w.-]+)%([\w.-]+)", r"\1@\2", folded)
    yield re.sub(r"([\w.-]+)!([\w.-]+)", r"\2@\1", folded)
