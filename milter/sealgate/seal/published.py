"""What the DNS says of a signing key: the key record read, and held against the private key.

`read_record` reads one TXT record as RFC 6376 3.6.1 and RFC 8463 have it; `compare` judges all TXT records of a key's
name, as a strict verifier would, and says in a sentence what is wrong and in another what to do. A record is whatever
the DNS handed out, so it may hold anything: reading is linear, nothing but `RecordError` is raised, and what is quoted
of it is printable ASCII.
"""

import base64
import binascii
import enum
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization

from sealgate.mail.reply import printable
from sealgate.profile.model import KeyType
from sealgate.seal.keys import SigningKey, public_octets

MAX_RECORD: Final = 16_384  # octets; an RSA key of 4096 bits takes about 750
_BLANK: Final = b" \t\r\n"  # FWS of RFC 6376 2.8 once strings are joined
_TAG: Final = re.compile(rb"[A-Za-z][A-Za-z0-9_]*")  # RFC 6376 3.2
_VALUE: Final = re.compile(rb"[\x21-\x3a\x3c-\x7e \t\r\n]*")
KINDS: Final = {KeyType.RSA_SHA256: "rsa", KeyType.ED25519_SHA256: "ed25519"}  # k= (RFC 6376 3.6.1, RFC 8463 4)
_ED25519_INFO: Final = bytes.fromhex("302a300506032b6570032100")  # SubjectPublicKeyInfo of RFC 8410, before the key
_LEAST_CUT: Final = 16  # octets of a key that must agree before a record is taken for the beginning of it


class RecordError(ValueError):
    """The record is no key record.

    Attributes:
        remedy: what to do about it; empty: publish the record anew.
    """

    def __init__(self, says: str, remedy: str = "") -> None:
        super().__init__(says)
        self.remedy = remedy


class State(enum.StrEnum):
    """What became of a key in the DNS."""

    OK = "ok"
    TESTING = "testing"  # usable, but verifiers are told not to rely on it
    MISSING = "missing"
    REVOKED = "revoked"
    OTHER_KEY = "other-key"
    SEVERAL = "several"
    MALFORMED = "malformed"
    WRONG_TYPE = "wrong-type"
    FLAGS = "flags"


@dataclass(frozen=True, slots=True)
class Published:
    """How a key stands in the DNS.

    Attributes:
        state: for a machine.
        says: for a person, a sentence without its full stop.
        remedy: what to do, likewise; empty where there is nothing to do.
    """

    state: State
    says: str
    remedy: str = ""

    @property
    def is_usable(self) -> bool:
        """Whether signatures of the key verify."""
        return self.state in (State.OK, State.TESTING)


@dataclass(frozen=True, slots=True)
class KeyRecord:
    """A key record's tags (RFC 6376 3.6.1), defaults filled in.

    Attributes:
        kind: `k=`.
        key: `p=` decoded; empty: the key is revoked.
        hashes: `h=`; empty: any.
        services: `s=`.
        flags: `t=`.
    """

    kind: str
    key: bytes
    hashes: tuple[str, ...] = ()
    services: tuple[str, ...] = ("*",)
    flags: tuple[str, ...] = ()


def read_record(record: bytes) -> KeyRecord:
    """Read one key record, strictly.

    Args:
        record: the strings of one TXT record, joined.

    Raises:
        RecordError: the record is none, or verifiers need not accept it.
    """
    if record.lstrip(_BLANK)[:6].lower() == b"v=spf1":
        raise RecordError(
            "it is an SPF record, put there or by a wildcard", "publish the key's record at this very name"
        )
    tags = _tags(record)
    # "If present, this tag MUST be the first" (RFC 6376 3.6.1), and other versions are to be discarded.
    if b"v" in tags and (next(iter(tags)) != b"v" or tags[b"v"] != b"DKIM1"):
        raise RecordError(f"its v= is not first, or not DKIM1: {_shown(record)}")
    if b"p" not in tags:
        raise RecordError(f"it has no p=, so it holds no key: {_shown(record)}")
    return KeyRecord(
        kind=_text(tags.get(b"k", b"rsa")),
        key=_decoded(tags[b"p"]),
        hashes=_words(tags.get(b"h", b"")),
        services=_words(tags.get(b"s", b"*")),
        flags=_words(tags.get(b"t", b"")),
    )


def compare(records: tuple[bytes, ...], key: SigningKey, *, names_subdomains: bool = False) -> Published:
    """Say whether verifiers that ask the DNS can check what `key` signs.

    Args:
        records: all TXT records of `key.record_name`, the strings of each joined.
        key: the private key.
        names_subdomains: whether its signatures say `i=` with a host below `d=`.
    """
    name = key.record_name
    if not records:
        return Published(
            State.MISSING, f"there is no TXT record at {name}", "publish it: `sealgate keys zone` prints it"
        )
    if len(records) > 1:
        return _several(records, key)
    try:
        record = read_record(records[0])
    except RecordError as error:
        remedy = error.remedy or "replace it by what `sealgate keys zone` prints"
        return Published(State.MALFORMED, f"the record at {name} cannot be used: {error}", remedy)
    if not record.key:
        remedy = "make a new key under a new selector; a revoked one stays distrusted where answers are kept"
        return Published(State.REVOKED, f"the key is revoked: the record at {name} has an empty p=", remedy)
    return _other_key(record, key) or _restricted(record, name, names_subdomains=names_subdomains)


def _several(records: tuple[bytes, ...], key: SigningKey) -> Published:
    """RFC 6376 3.6.2.2: several records at one name have no defined meaning; verifiers pick any."""
    ours = public_octets(key)
    kept = 0
    for record in records[:20]:
        try:
            kept += read_record(record).key == ours
        except RecordError:
            continue
    which = "one of them is this key" if kept == 1 else f"{kept} of them hold this key" if kept else "none is this key"
    says = f"there are {len(records)} TXT records at {key.record_name} where one may be (RFC 6376 3.6.2.2); {which}"
    return Published(State.SEVERAL, says, "leave the right one, delete the others; a wildcard's TXT record counts too")


def _other_key(record: KeyRecord, key: SigningKey) -> Published | None:
    """What is wrong with `k=` and `p=`; nothing where they are the key's."""
    name, kind, ours = key.record_name, KINDS[key.algorithm], public_octets(key)
    anew = "replace the record by what `sealgate keys zone` prints"
    if record.kind != kind:
        said = f"the record at {name} says k={printable(record.kind, 20)}, and this key is {kind}"
        return Published(State.WRONG_TYPE, said, f"{anew}; two kinds of key need two selectors")
    if record.key == ours:
        return None
    if kind == "ed25519" and record.key == _ED25519_INFO + ours:
        said = f"the record at {name} wraps the key as OpenSSL prints it; Ed25519 is published bare (RFC 8463 4.2)"
        return Published(State.MALFORMED, said, anew)
    if len(record.key) >= _LEAST_CUT and ours.startswith(record.key):
        said = f"the record at {name} ends within the key: {len(record.key)} of {len(ours)} octets are there"
        whole = "enter all strings of the record, not only the first 255 characters; `sealgate keys zone --one-string`"
        return Published(State.MALFORMED, said, f"{whole} prints it in one piece")
    if kind == "rsa" and record.key == public_octets(key, bare=True):
        said = f"the record at {name} holds the key as a bare RSAPublicKey, which many verifiers cannot read"
        return Published(State.MALFORMED, said, anew)
    if kind == "rsa" and not _is_rsa(record.key):
        return Published(State.MALFORMED, f"the p= at {name} is no RSA key: it was cut or damaged on its way", anew)
    said = f"the record at {name} holds another key than the file"
    return Published(State.OTHER_KEY, said, f"{anew}, or put the right key file in its place")


def _restricted(record: KeyRecord, name: str, *, names_subdomains: bool) -> Published:
    """What `h=`, `s=` and `t=` allow of a key that is ours."""
    if record.hashes and "sha256" not in record.hashes:
        said = f"the record at {name} allows other hashes only: h={printable(':'.join(record.hashes), 40)}"
        return Published(State.FLAGS, said, "take the h= out of it, or say h=sha256 (RFC 8301 3.1)")
    if not {"*", "email"} & set(record.services):
        said = f"the record at {name} is not for mail: s={printable(':'.join(record.services), 40)}"
        return Published(State.FLAGS, said, "take the s= out of it, or say s=email")
    if "s" in record.flags and names_subdomains:
        said = f"the record at {name} says t=s, which forbids i= of hosts below the domain, and the profile writes them"
        return Published(State.FLAGS, said, "take the s out of t=, or say `auid: none` for the domain in the profile")
    if "y" in record.flags:
        said = f"the record at {name} holds this key and says t=y: verifiers treat the mail as if it were unsigned"
        return Published(State.TESTING, said, "once signatures verify, take the y out of t=")
    return Published(State.OK, f"the record at {name} holds this key")


def _tags(record: bytes) -> Mapping[bytes, bytes]:
    """Read a tag list (RFC 6376 3.2): names and values in their order, blanks around them taken off."""
    if len(record) > MAX_RECORD:
        raise RecordError(f"it has {len(record)} octets, more than any key needs")
    if b"\\;" in record:
        raise RecordError("its semicolons have backslashes", "enter it without them: they belong in zone files only")
    if b'"' in record:
        raise RecordError("it has quotation marks in it", "enter the text between the quotes, joined to one line")
    tags: dict[bytes, bytes] = {}
    specs = record.split(b";")
    if not specs[-1].strip(_BLANK):
        specs.pop()
    for spec in specs:
        tag, equals, value = spec.partition(b"=")
        name, text = tag.strip(_BLANK), value.strip(_BLANK)
        if not equals or not _TAG.fullmatch(name) or not _VALUE.fullmatch(text):
            raise RecordError(f"it is no list of tags: {_shown(record)}")
        if name in tags:
            raise RecordError(f"it says {_text(name)}= twice: {_shown(record)}")
        tags[name] = text
    return tags


def _decoded(value: bytes) -> bytes:
    """Decode `p=`; blanks may stand anywhere in it (RFC 6376 3.2, base64string)."""
    packed = value.translate(None, _BLANK)
    if packed.startswith(b"-----BEGIN"):
        raise RecordError("its p= begins with the BEGIN line of a PEM file", "enter what stands between the two lines")
    try:
        return base64.b64decode(packed, validate=True)
    except (binascii.Error, ValueError) as error:
        raise RecordError(
            f"its p= is no base64, so it was cut or mistyped: it ends in {_shown(packed[-12:])}"
        ) from error


def _words(value: bytes) -> tuple[str, ...]:
    """A list with colons between its items, which may have blanks around them."""
    return tuple(_text(word.strip(_BLANK)) for word in value.split(b":") if word.strip(_BLANK))


def _is_rsa(octets: bytes) -> bool:
    """Whether a public RSA key can be read from it, wrapped or bare."""
    try:
        serialization.load_der_public_key(octets)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return False
    return True


def _text(octets: bytes) -> str:
    return octets.decode("ascii", "replace")


def _shown(octets: bytes) -> str:
    return printable(octets[:200].decode("ascii", "replace"), 60)
