"""The public key of a key record, as far as one signature may use it.

`public_key` refuses what a verifier must refuse (RFC 6376 6.1.2, RFC 8301 3.2). `PublicKey.fits` says whether signed
octets belong to a signature; for RSA it first takes the signed hash out of the signature, so that many guesses at what
was signed cost a hash each. The record and the signature may be anybody's; the only exception is `KeyUnusable`.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256

from sealgate.profile.model import KeyType
from sealgate.seal.published import KINDS, KeyRecord
from sealgate.seal.signature import Signature

MIN_BITS: Final = 1_024  # RFC 8301 3.2: signatures with shorter RSA keys are not valid
MAX_BITS: Final = 8_192  # twice what every verifier must be able to check (RFC 8301 3.2)


class KeyUnusable(ValueError):  # noqa: N818 - says what the key is
    """The signature cannot be verified with this key, for the reason in `str()`, which quotes nothing of the record."""


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A key that a verifier may use. `bits` is the size of RSA's modulus; 256 for Ed25519."""

    kind: str
    bits: int
    key: RSAPublicKey | Ed25519PublicKey = field(repr=False)

    def fits(self, signature: bytes) -> Callable[[bytes], bool] | None:
        """What tells whether octets are those that were signed; None: the key did not make this signature at all.

        Only RSA shows that much: an Ed25519 signature that does not fit may be of another key or of other octets.
        """
        key = self.key
        if isinstance(key, RSAPublicKey):
            try:
                signed = key.recover_data_from_signature(signature, PKCS1v15(), SHA256())
            except (InvalidSignature, ValueError):
                return None
            return lambda octets: hashlib.sha256(octets).digest() == signed
        return lambda octets: _is_signed(key, signature, octets)


def public_key(record: KeyRecord, signature: Signature) -> PublicKey:
    """Return the key of a record for one signature.

    Raises:
        KeyUnusable: it is revoked, of another kind, for other uses, too short, or no key.
    """
    if not record.key:
        raise KeyUnusable("the key is revoked: its record has an empty p=")
    kind = KINDS[signature.algorithm]
    if record.kind != kind:
        raise KeyUnusable(f"the signature is made with {kind}, and the record holds a key of another kind")
    if record.hashes and "sha256" not in record.hashes:
        raise KeyUnusable("the record's h= does not allow SHA-256")
    if not {"*", "email"} & set(record.services):
        raise KeyUnusable("the record's s= does not allow mail")
    if "s" in record.flags and signature.identity.rpartition("@")[2].lower() != signature.domain:
        raise KeyUnusable("the record says t=s, and i= is at a host below d= (RFC 6376 3.6.1)")
    if signature.algorithm is KeyType.ED25519_SHA256:
        if len(record.key) != 32:
            raise KeyUnusable("p= is no Ed25519 key of 32 octets (RFC 8463 4.2)")
        return PublicKey(kind, 256, Ed25519PublicKey.from_public_bytes(record.key))
    return _rsa(record.key)


def _rsa(octets: bytes) -> PublicKey:
    if len(octets) > 2 * MAX_BITS // 8 + 100:
        raise KeyUnusable(f"the RSA key has more than {MAX_BITS} bits")
    try:
        key = serialization.load_der_public_key(octets)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise KeyUnusable("p= is no public RSA key: it was cut or damaged on its way") from error
    if not isinstance(key, RSAPublicKey):
        raise KeyUnusable("p= is no RSA key")
    if key.key_size < MIN_BITS:
        raise KeyUnusable(
            f"the RSA key has {key.key_size} bits, and fewer than {MIN_BITS} prove nothing (RFC 8301 3.2)"
        )
    if key.key_size > MAX_BITS:
        raise KeyUnusable(f"the RSA key has more than {MAX_BITS} bits")
    return PublicKey("rsa", key.key_size, key)


def _is_signed(key: Ed25519PublicKey, signature: bytes, octets: bytes) -> bool:
    try:
        key.verify(signature, hashlib.sha256(octets).digest())  # RFC 8463 3
    except InvalidSignature:
        return False
    return True
