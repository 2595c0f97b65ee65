r"""The signatures: a plan, the header fields and the body hash become DKIM-Signature fields (RFC 6376 3.5, RFC 8463 3).

Always SHA-256 (RFC 8301 3.1), never `l=`, which would let anybody append to the body (RFC 6376 8.2). A value is folded
with `"\n\t"`, the form in which a milter hands folds to its MTA, which writes them as CRLF and tab. Lines stay within
76 octets unless a single domain, selector or address is longer. The mathematics is OpenSSL's, through `cryptography`,
which lets other threads run meanwhile. What can fail is OpenSSL itself (any exception of `cryptography`); the caller
must then not let the message go unsigned.
"""

import base64
import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256

from sealgate.mail.headers import Field, Headers
from sealgate.profile.model import Form
from sealgate.seal.canonical import relaxed_field, simple_field
from sealgate.seal.keys import SigningKey
from sealgate.seal.plan import SealPlan, Signer

FIELD_NAME: Final = "DKIM-Signature"
MAX_LINE: Final = 76  # octets with the tab; RFC 5322 2.1.1 asks for 78 without CRLF
_FOLD: Final = "\n\t"


def sign(
    plan: SealPlan,
    headers: Headers,
    body_hashes: Mapping[Form, bytes],
    timestamp: int,
    *,
    relaxed: Sequence[bytes] | None = None,
) -> tuple[tuple[str, str], ...]:
    """Sign a message with every signer of the plan.

    Args:
        plan: made from these headers.
        headers: the header block as it will leave, without our signatures.
        body_hashes: SHA-256 of the body in each canonicalization that the plan uses.
        timestamp: seconds since the epoch, UTC, for `t=`.
        relaxed: `selections` of the plan's names in relaxed form, where the caller has them already.

    Returns:
        `("DKIM-Signature", value)` for each signer in the plan's order, each to be inserted above all other fields; the
        value has no blank in front, and the field that is inserted must have exactly one there.

    Raises:
        ValueError: a body hash is missing or has not 32 octets, or `timestamp` is negative.
    """
    if timestamp < 0 or any(len(body_hashes.get(s.body_form, b"")) != 32 for s in plan.signers):
        raise ValueError("a body hash has 32 octets and a time is not before 1970")
    selected = {signer.header_form: b"" for signer in plan.signers}
    for form in selected:
        known = relaxed if form is Form.RELAXED else None
        selected[form] = b"".join(known if known is not None else selections(plan.names, headers, form))
    return tuple(
        (FIELD_NAME, _signature(s, plan.names, selected[s.header_form], body_hashes[s.body_form], timestamp))
        for s in plan.signers
    )


def selected_fields(names: Iterable[bytes], headers: Headers, form: Form = Form.RELAXED) -> Iterator[bytes]:
    """Yield the canonical form of the field that each name of `h=` stands for; nothing for a name beyond the last.

    The first mention of a name is the lowest such field, the next the one above it; mentions beyond the last field
    stand for nothing (RFC 6376 5.4.2).
    """
    return (octets for octets in selections(names, headers, form) if octets)


def selections(names: Iterable[bytes], headers: Headers, form: Form = Form.RELAXED) -> Iterator[bytes]:
    """`selected_fields`, with an empty answer for each name that stands for nothing."""
    canonical = relaxed_field if form is Form.RELAXED else simple_field
    wanted = [name.lower() for name in names]
    unused: dict[bytes, list[Field]] = {key: [] for key in wanted}
    for key, field in zip(headers.keys, headers.fields, strict=True):
        if key in unused:
            unused[key].append(field)
    for key in wanted:
        if same := unused[key]:
            field = same.pop()
            yield canonical(field.name, field.value)
        else:
            yield b""


def field_digests(names: Iterable[bytes], relaxed: Iterable[bytes]) -> tuple[str, ...]:
    """What each name of `h=` stood for, for the record.

    Args:
        names: all names of `h=`, or the first of them.
        relaxed: `selections` of the same names in relaxed form.

    Returns:
        For each a name and, after a space, the first 16 hex digits of the SHA-256 of the field, or `-` where there was
        none to sign (oversigned).

    Raises:
        ValueError: there are not as many fields as names.
    """
    return tuple(
        f"{name.decode('ascii')} {hashlib.sha256(octets).hexdigest()[:16] if octets else '-'}"
        for name, octets in zip(names, relaxed, strict=True)
    )


def _signature(signer: Signer, names: tuple[bytes, ...], signed: bytes, body_hash: bytes, timestamp: int) -> str:
    """Return the value of one DKIM-Signature field."""
    unsigned = _tags(signer, names, body_hash, timestamp)
    # The field itself goes last into the hash, with an empty b= and without its CRLF (RFC 6376 3.7).
    canonical = relaxed_field if signer.header_form is Form.RELAXED else simple_field
    own = canonical(FIELD_NAME.encode("ascii"), b" " + unsigned.encode("ascii")).removesuffix(b"\r\n")
    return _folded(unsigned, base64.b64encode(_raw_signature(signer.key, signed + own)).decode("ascii"))


def _raw_signature(key: SigningKey, data: bytes) -> bytes:
    if isinstance(key.private, Ed25519PrivateKey):
        return key.private.sign(hashlib.sha256(data).digest())  # RFC 8463 3: PureEdDSA over the hash
    return key.private.sign(data, PKCS1v15(), SHA256())  # RFC 6376 3.3.2


def _tags(signer: Signer, names: tuple[bytes, ...], body_hash: bytes, timestamp: int) -> str:
    """Return the folded value up to and with `b=`."""
    key = signer.key
    head = [f"v=1; a={key.algorithm.value}; c={signer.header_form.value}/{signer.body_form.value};"]
    tags = [f"d={key.domain};", f"s={key.selector};"]
    if signer.auid:
        tags.append(f"i={signer.auid};")
    if signer.timestamp:
        tags.append(f"t={timestamp};")
    if signer.ttl:
        tags.append(f"x={timestamp + signer.ttl};")
    for tag in tags:
        if len(head[-1]) + len(tag) + 2 <= MAX_LINE - (len(FIELD_NAME) + 2 if len(head) == 1 else 0):
            head[-1] += f" {tag}"
        else:
            head.append(tag)
    head += _named(names)
    head.append(f"bh={base64.b64encode(body_hash).decode('ascii')};")
    head.append("b=")
    return _FOLD.join(head)


@lru_cache(maxsize=256)  # the fields of a sender's messages are the same; so are the names, as `plan` gives them
def _named(names: tuple[bytes, ...]) -> tuple[str, ...]:
    """The lines of `h=`."""
    lines = []
    line = "h="
    for i, name in enumerate(names):
        word = name.decode("ascii") + (":" if i + 1 < len(names) else ";")
        if len(line) + len(word) + 1 > MAX_LINE and line != "h=":
            lines.append(line)
            line = ""
        line += word
    return (*lines, line)


def _folded(value: str, signature: str) -> str:
    """Return `value`, which ends in `b=`, followed by the signature on lines of `MAX_LINE` octets."""
    first = MAX_LINE - len("\tb=")
    lines = [signature[:first]]
    lines += [signature[i : i + MAX_LINE - 1] for i in range(first, len(signature), MAX_LINE - 1)]
    return value + _FOLD.join(lines)
