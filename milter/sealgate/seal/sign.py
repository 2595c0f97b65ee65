r"""The signatures: a plan, the header fields and the body hash become DKIM-Signature fields (RFC 6376 3.5, RFC 8463 3).

Always `c=relaxed/relaxed` and SHA-256 (RFC 8301 3.1), never `l=`, which would let anybody append to the body (RFC 6376
8.2). A value is folded with `"\n\t"`, the form in which a milter hands folds to its MTA, which writes them as CRLF and
tab; relaxed form makes both the same to a verifier. Lines stay within 76 octets unless a single domain or selector is
longer. The mathematics is OpenSSL's, through `cryptography`, which lets other threads run meanwhile. What can fail is
OpenSSL itself (any exception of `cryptography`); the caller must then not let the message go unsigned.
"""

import base64
import hashlib
from collections.abc import Iterable, Iterator
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256

from sealgate.mail.headers import Headers
from sealgate.seal.canonical import relaxed_field
from sealgate.seal.keys import SigningKey
from sealgate.seal.plan import SealPlan

FIELD_NAME: Final = "DKIM-Signature"
MAX_LINE: Final = 76  # octets with the tab; RFC 5322 2.1.1 asks for 78 without CRLF
_FOLD: Final = "\n\t"


def sign(plan: SealPlan, headers: Headers, body_hash: bytes, timestamp: int) -> tuple[tuple[str, str], ...]:
    """Sign a message with every key of the plan.

    Args:
        plan: made from these headers.
        headers: the header block as it will leave, without our signatures.
        body_hash: SHA-256 of the body in relaxed form (`RelaxedBody.digest`).
        timestamp: seconds since the epoch, UTC, for `t=`.

    Returns:
        `("DKIM-Signature", value)` for each key in the plan's order, each to be inserted above all other fields; the
        value has no blank in front.

    Raises:
        ValueError: `body_hash` is not 32 octets, or `timestamp` is negative.
    """
    if len(body_hash) != 32 or timestamp < 0:
        raise ValueError("a body hash has 32 octets and a time is not before 1970")
    signed = b"".join(selected_fields(plan.names, headers))
    return tuple((FIELD_NAME, _signature(key, plan, signed, body_hash, timestamp)) for key in plan.keys)


def selected_fields(names: Iterable[bytes], headers: Headers) -> Iterator[bytes]:
    """Yield the relaxed form of the field that each name of `h=` stands for.

    The first mention of a name is the lowest such field, the next the one above it; mentions beyond the last field
    stand for nothing (RFC 6376 5.4.2).
    """
    unused: dict[bytes, list[bytes]] = {}
    wanted = [name.lower() for name in names]
    for key in wanted:
        unused[key] = []
    for field in headers:
        if field.key in unused:
            unused[field.key].append(relaxed_field(field.name, field.value))
    for key in wanted:
        if unused[key]:
            yield unused[key].pop()


def _signature(key: SigningKey, plan: SealPlan, signed: bytes, body_hash: bytes, timestamp: int) -> str:
    """Return the value of one DKIM-Signature field."""
    unsigned = _tags(key, plan, body_hash, timestamp)
    # The field itself goes last into the hash, with an empty b= and without its CRLF (RFC 6376 3.7).
    own = relaxed_field(FIELD_NAME.encode("ascii"), unsigned.encode("ascii")).removesuffix(b"\r\n")
    return _folded(unsigned, base64.b64encode(_raw_signature(key, signed + own)).decode("ascii"))


def _raw_signature(key: SigningKey, data: bytes) -> bytes:
    if isinstance(key.private, Ed25519PrivateKey):
        return key.private.sign(hashlib.sha256(data).digest())  # RFC 8463 3: PureEdDSA over the hash
    return key.private.sign(data, PKCS1v15(), SHA256())  # RFC 6376 3.3.2


def _tags(key: SigningKey, plan: SealPlan, body_hash: bytes, timestamp: int) -> str:
    """Return the folded value up to and with `b=`."""
    head = [f"v=1; a={key.algorithm.value}; c=relaxed/relaxed;"]
    for tag in (f"d={plan.domain};", f"s={key.selector};", f"t={timestamp};"):
        if len(head[-1]) + len(tag) + 2 <= MAX_LINE - (len(FIELD_NAME) + 2 if len(head) == 1 else 0):
            head[-1] += f" {tag}"
        else:
            head.append(tag)
    names = [name.decode("ascii") for name in plan.names]
    line = "h="
    for i, name in enumerate(names):
        word = name + (":" if i + 1 < len(names) else ";")
        if len(line) + len(word) + 1 > MAX_LINE and line != "h=":
            head.append(line)
            line = ""
        line += word
    head.append(line)
    head.append(f"bh={base64.b64encode(body_hash).decode('ascii')};")
    head.append("b=")
    return _FOLD.join(head)


def _folded(value: str, signature: str) -> str:
    """Return `value`, which ends in `b=`, followed by the signature on lines of `MAX_LINE` octets."""
    first = MAX_LINE - len("\tb=")
    lines = [signature[:first]]
    lines += [signature[i : i + MAX_LINE - 1] for i in range(first, len(signature), MAX_LINE - 1)]
    return value + _FOLD.join(lines)
