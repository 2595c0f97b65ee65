"""Signatures verified by code that did not make them: dkimpy.

`verify` is a second opinion on our own signatures. `verify_field` judges any one of a stranger's message, whose times
it does not mind; what dkimpy could be made to spend hours on is kept from it. dkimpy verifies Ed25519 only with PyNaCl;
where that is missing, `cryptography` and our reading of the field do it, which still finds a key that does not belong
to its record. Nothing is asked of the DNS: the caller brings the record. What a verifier has to say against a message
is returned in words; what a library raises beside that leaves `verify` as it is, and `verify_field` as a reason.
"""

import re
from typing import Final

import dkim
from dkim.util import parse_tag_value

from sealgate.mail.headers import Field, Headers, parse_block
from sealgate.profile.model import Form, KeyType
from sealgate.seal.diagnose import diagnose
from sealgate.seal.public_key import public_key
from sealgate.seal.published import read_record
from sealgate.seal.sign import FIELD_NAME
from sealgate.seal.signature import SignatureRefused, read_signature

try:
    import nacl.signing  # noqa: F401 - dkimpy's own condition
except ImportError:
    HAS_NACL = False
else:
    HAS_NACL = True
_NO: Final = "the signature does not fit the key's own public record"
_MAX_FIELDS: Final = 2_000  # fields of signed names, and names; dkimpy looks through all of them for each name
_LONG_BLANKS: Final = b" " * 256  # dkimpy's search for blanks at line ends takes the square of a run's length
_RUN: Final = re.compile(rb"  +")


def verify(message: bytes, name: str, record: str) -> str:
    """Say why the first signature of a message does not verify, or return an empty string.

    Args:
        message: with CRLF line ends, the signature first, and no field of that name that is not ours.
        name: the DNS name of the key; a signature that names another one does not verify.
        record: the key record that stands at `name`.
    """
    if "k=ed25519" in record and not HAS_NACL:
        return verify_ed25519(message, name, record)

    def lookup(asked: bytes, timeout: int = 5) -> bytes:
        del timeout
        return record.encode() if asked.decode("ascii", "replace").rstrip(".").lower() == name.lower() else b""

    try:
        return "" if dkim.DKIM(message, minkey=1024).verify(idx=0, dnsfunc=lookup) else _NO
    except dkim.DKIMException as error:
        return f"dkimpy: {error}"


def verify_ed25519(message: bytes, name: str, record: str) -> str:
    """`verify` for Ed25519 (RFC 8463) without dkimpy."""
    head, _, body = message.partition(b"\r\n\r\n")
    headers = parse_block(head.split(b"\r\n"))
    field = next(iter(headers.every(FIELD_NAME.lower().encode())), None)
    if field is None:
        return "there is no signature"
    try:
        found = read_signature(field.value)
    except SignatureRefused as error:
        return str(error)
    if found.algorithm is not KeyType.ED25519_SHA256 or found.record_name != name.lower():
        return f"the signature names another key: {found.record_name}"
    return _verify_without_nacl(field, headers, body, record.encode())


def verify_field(field: Field, headers: Headers, body: bytes, record: bytes) -> str:
    """Say why one signature of a message does not verify, or return an empty string; its times are not minded.

    Args:
        field: the signature; `read_signature` must have accepted it.
        headers: all fields of the message, it among them.
        body: with CRLF line ends.
        record: a key record that `public_key` has accepted for this signature.

    Raises:
        SignatureRefused: the signature is none.
    """
    signature = read_signature(field.value)
    wanted = signature.counts()
    signed = [(f.name.rstrip(b" \t"), f.value + b"\r\n") for f in headers if f.key in wanted]
    if len(signed) > _MAX_FIELDS:
        return f"the message has more than {_MAX_FIELDS} fields of the signed names"
    if signature.algorithm is KeyType.ED25519_SHA256 and not HAS_NACL:
        return _verify_without_nacl(field, headers, body, record)
    mail = dkim.DKIM(minkey=1024)
    mail.headers = signed
    mail.body = _short_blanks(body) if signature.body_form is Form.RELAXED else body

    def lookup(asked: bytes, timeout: int = 5) -> bytes:
        del asked, timeout
        return record

    try:
        names = [name.lower() for name in signature.names]
        tags = parse_tag_value(field.value)
        own = (field.name.rstrip(b" \t"), field.value + b"\r\n")
        return "" if mail.verify_sig(tags, names, own, lookup) else "dkimpy: the signature does not fit"
    except dkim.DKIMException as error:
        return f"dkimpy: {error}"
    except Exception as error:  # a stranger's octets within another's parser: whatever it is, it did not verify
        return f"dkimpy: {type(error).__name__}"


def _verify_without_nacl(field: Field, headers: Headers, body: bytes, record: bytes) -> str:
    signature = read_signature(field.value)
    try:
        key = public_key(read_record(record), signature)
    except ValueError as error:  # RecordError and KeyUnusable
        return str(error)
    return "" if diagnose(signature, field, headers, body, key).fits else _NO


def _short_blanks(body: bytes) -> bytes:
    """The same body to relaxed form (RFC 6376 3.4.4), without long runs of blanks."""
    spaced = body.replace(b"\t", b" ")
    return _RUN.sub(b" ", spaced) if _LONG_BLANKS in spaced else body
