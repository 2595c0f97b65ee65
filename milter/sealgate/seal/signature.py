"""A DKIM-Signature field as a receiver reads it (RFC 6376 3.2 and 3.5), strictly.

`read_signature` turns the value of one field into a `Signature`, or says in words why no verifier should take it. The
field is a stranger's: its size, its tags and its names are capped, each octet is looked at a fixed number of times, and
the only exception is `SignatureRefused`. `glimpse` gives what can be shown of a field that was refused.

Strict matters beyond the letter: what this module lets through holds no run of empty folds, no base64 that is none and
no number of a thousand digits, on which programs that read signatures are known to spend minutes.
"""

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from sealgate.profile.model import Form, KeyType

MAX_OCTETS: Final = 65_536  # of one field; Postfix passes headers of 60,000 to a milter
MAX_TAGS: Final = 100  # RFC 6376 knows 14
MAX_NAMES: Final = 1_000  # in h=
MAX_SIGNATURE: Final = 2_048  # octets of b=, as much as an RSA key of 16,384 bits makes

_TAG_NAME: Final = re.compile(rb"[A-Za-z][A-Za-z0-9_]{0,63}")
_NOT_A_VALUE: Final = re.compile(
    rb"[^\x20-\x3a\x3c-\x7e\t\r\n\x80-\xff]"
)  # RFC 6376 3.2: VALCHAR, and UTF-8 (RFC 8616)
_FIELD_NAME: Final = re.compile(rb"[\x21-\x39\x3c-\x7e]{1,200}")  # RFC 5322 2.2, without ";", which would end the tag
_LABEL: Final = rb"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_NAME: Final = re.compile(rb"(?:%b\.){0,126}%b" % (_LABEL, _LABEL))
_NUMBER: Final = re.compile(rb"[0-9]{1,12}")  # RFC 6376 3.5: a time beyond 12 digits is infinite
_LENGTH: Final = re.compile(rb"[0-9]{1,76}")  # RFC 6376 3.5
_BLANKS: Final = b" \t\r\n"
_NEEDED: Final = ("v", "a", "b", "bh", "d", "h", "s")
_SHA256: Final = 32  # octets


class SignatureRefused(ValueError):  # noqa: N818 - says what happened to the field
    """The field is no signature that a verifier may accept, for the reason in `str()`, which quotes nothing of it."""


@dataclass(frozen=True, slots=True)
class Signature:
    """One DKIM-Signature field.

    Attributes:
        algorithm: `a=`.
        header_form, body_form: `c=`.
        domain: `d=` in lower case.
        selector: `s=` in lower case.
        identity: `i=` as written; `@` and the domain where there is none.
        signed_at, expires_at: `t=` and `x=` in seconds since the epoch, UTC; None without the tag.
        length: `l=`, how many octets of the body are signed; None: all.
        names: `h=`, in its order and spelling.
        body_hash: `bh=`, 32 octets.
        octets: `b=`.
        unsigned: the value of the field with an empty `b=`, as it goes into the hash (RFC 6376 3.7).
    """

    algorithm: KeyType
    header_form: Form
    body_form: Form
    domain: str
    selector: str
    identity: str
    signed_at: int | None
    expires_at: int | None
    length: int | None
    names: tuple[bytes, ...]
    body_hash: bytes
    octets: bytes
    unsigned: bytes

    @property
    def record_name(self) -> str:
        """The DNS name of its key, without the last dot (RFC 6376 3.6.2.1)."""
        return f"{self.selector}._domainkey.{self.domain}"

    def counts(self) -> dict[bytes, int]:
        """How often each field is named in `h=`, by its name in lower case."""
        found: dict[bytes, int] = {}
        for name in self.names:
            found[name.lower()] = found.get(name.lower(), 0) + 1
        return found


def read_signature(value: bytes) -> Signature:
    """Read the value of a DKIM-Signature field, with folds as CRLF and blanks.

    Raises:
        SignatureRefused: it is malformed, of a kind that verifiers must not accept, or beyond the caps.
    """
    if len(value) > MAX_OCTETS:
        raise SignatureRefused(f"the field has more than {MAX_OCTETS:,} octets")
    tags, unsigned = _tags(value)
    for name in _NEEDED:
        if name not in tags:
            raise SignatureRefused(f"the tag {name}= is missing (RFC 6376 3.5)")
    if tags["v"] != b"1":
        raise SignatureRefused("v= is not 1 (RFC 6376 3.5)")
    if "q" in tags and b"dns/txt" not in [each.strip(_BLANKS).lower() for each in tags["q"].split(b":")]:
        raise SignatureRefused("q= does not name dns/txt, so nobody knows where the key is (RFC 6376 3.5)")
    algorithm = _algorithm(tags["a"])
    header_form, body_form = _forms(tags.get("c", b"simple/simple"))
    domain, selector = _dns_name(tags["d"], "d"), _dns_name(tags["s"], "s")
    if len(selector) + len(domain) + len("._domainkey.") > 253:
        raise SignatureRefused("s= and d= are too long for one DNS name (RFC 1035 2.3.4)")
    signed_at, expires_at = _times(tags)
    return Signature(
        algorithm, header_form, body_form, domain, selector,
        _identity(tags.get("i"), domain), signed_at, expires_at, _body_length(tags),
        _names(tags["h"]), _body_hash(tags["bh"]), _octets(tags["b"]), unsigned,
    )  # fmt: skip


def glimpse(value: bytes) -> Mapping[str, str]:
    """What the tags `d`, `s` and `a` of a field seem to say, for showing it; they are the stranger's words."""
    found: dict[str, str] = {}
    for spec in value[:4_096].split(b";")[:MAX_TAGS]:
        name, equals, text = spec.partition(b"=")
        tag = name.strip(_BLANKS)
        if equals and tag in (b"d", b"s", b"a"):
            found.setdefault(tag.decode("ascii"), text.strip(_BLANKS)[:253].decode("ascii", "replace"))
    return MappingProxyType(found)


def _tags(value: bytes) -> tuple[dict[str, bytes], bytes]:
    """The tags by name, and the value with an empty `b=`."""
    unfolded = value.replace(b"\r\n", b"")
    if b"\r" in unfolded or b"\n" in unfolded:
        raise SignatureRefused("a CR or LF stands alone in it (RFC 6376 2.8)")
    if any(not line.strip(b" \t") for line in value.split(b"\r\n")[1:-1]):
        raise SignatureRefused("a fold of the field is empty (RFC 6376 2.8)")
    specs = value.split(b";", MAX_TAGS + 1)
    if not specs[-1].strip(_BLANKS):
        specs.pop()  # the list may end in a semicolon: RFC 6376 3.2
    if len(specs) > MAX_TAGS:
        raise SignatureRefused(f"the field has more than {MAX_TAGS} tags")
    found: dict[str, bytes] = {}
    unsigned, at = value, 0
    for spec in specs:
        name, equals, text = spec.partition(b"=")
        tag = name.strip(_BLANKS)
        if not equals or not _TAG_NAME.fullmatch(tag):
            raise SignatureRefused("it is no list of tags: name=value; name=value (RFC 6376 3.2)")
        if _NOT_A_VALUE.search(text):
            raise SignatureRefused("a tag holds control characters (RFC 6376 3.2)")
        if tag.decode("ascii") in found:
            raise SignatureRefused("a tag stands in it twice (RFC 6376 3.2)")
        if tag == b"b":
            unsigned = value[: at + len(name) + 1] + value[at + len(spec) :]
        found[tag.decode("ascii")] = text.strip(_BLANKS)
        at += len(spec) + 1
    return found, unsigned


def _algorithm(text: bytes) -> KeyType:
    if text == b"rsa-sha1":
        raise SignatureRefused("a=rsa-sha1 must not be accepted by anybody (RFC 8301 3.1)")
    try:
        return KeyType(text.decode("ascii"))
    except ValueError as error:
        raise SignatureRefused("a= names no algorithm of DKIM: rsa-sha256 or ed25519-sha256") from error


def _forms(text: bytes) -> tuple[Form, Form]:
    head, _, body = text.partition(b"/")
    try:
        return Form(head.decode("ascii")), Form((body or b"simple").decode("ascii"))  # RFC 6376 3.5: simple is meant
    except ValueError as error:
        raise SignatureRefused("c= names no canonicalization: simple or relaxed, for header and body") from error


def _dns_name(text: bytes, tag: str) -> str:
    if len(text) > 253 or not _NAME.fullmatch(text):
        raise SignatureRefused(f"{tag}= is no DNS name in A-label form (RFC 6376 3.5)")
    return text.decode("ascii").lower()


def _identity(text: bytes | None, domain: str) -> str:
    if text is None:
        return f"@{domain}"
    shown = b"".join(text.split()).decode("utf-8", "replace")
    host = shown.rpartition("@")[2].lower()
    if "@" not in shown or (host != domain and not host.endswith(f".{domain}")):
        raise SignatureRefused("i= is no address at d= or at a host below it (RFC 6376 3.5)")
    return shown


def _times(tags: Mapping[str, bytes]) -> tuple[int | None, int | None]:
    for tag in ("t", "x"):
        if tag in tags and not _NUMBER.fullmatch(tags[tag]):
            raise SignatureRefused(f"{tag}= is no time in seconds (RFC 6376 3.5)")
    signed_at = int(tags["t"]) if "t" in tags else None
    expires_at = int(tags["x"]) if "x" in tags else None
    if signed_at is not None and expires_at is not None and expires_at <= signed_at:
        raise SignatureRefused("it expires (x=) before it was made (t=): RFC 6376 3.5")
    return signed_at, expires_at


def _body_length(tags: Mapping[str, bytes]) -> int | None:
    if "l" not in tags:
        return None
    if not _LENGTH.fullmatch(tags["l"]):
        raise SignatureRefused("l= is no number of octets (RFC 6376 3.5)")
    return int(tags["l"])


def _names(text: bytes) -> tuple[bytes, ...]:
    names = tuple(name.strip(_BLANKS) for name in text.split(b":", MAX_NAMES + 1))
    if len(names) > MAX_NAMES:
        raise SignatureRefused(f"h= names more than {MAX_NAMES:,} fields")
    if not all(map(_FIELD_NAME.fullmatch, names)):
        raise SignatureRefused("h= is no list of field names (RFC 6376 3.5)")
    if not any(name.lower() == b"from" for name in names):
        raise SignatureRefused("h= does not name From, so the author is not signed (RFC 6376 5.4)")
    return names


def _body_hash(text: bytes) -> bytes:
    octets = _base64(text, "bh")
    if len(octets) != _SHA256:
        raise SignatureRefused("bh= is no SHA-256 hash (RFC 6376 3.5)")
    return octets


def _octets(text: bytes) -> bytes:
    if len(text) > 2 * MAX_SIGNATURE:
        raise SignatureRefused(f"b= has more than {MAX_SIGNATURE:,} octets")
    octets = _base64(text, "b")
    if not octets:
        raise SignatureRefused("b= is empty (RFC 6376 3.5)")
    return octets


def _base64(text: bytes, tag: str) -> bytes:
    try:
        return base64.b64decode(b"".join(text.split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise SignatureRefused(f"{tag}= is no base64 (RFC 6376 3.5)") from error
