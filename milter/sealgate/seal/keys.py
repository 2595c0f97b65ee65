"""Signing keys: read, made, and published.

A `SigningKey` is a private key that was parsed and judged once, with the domain and selector it signs for; verifiers
that follow RFC 8301 and RFC 8463 can use every key that `load` lets through. `public_record` and its companions write
the TXT record that must be in the DNS before the first signature leaves. No files are read here: the caller brings the
PEM text. The only failure is `KeyRefused`, whose text never holds key material and says what to do instead.
"""

import base64
import re
from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key

from sealgate.mail.address import AddressError, normal_domain
from sealgate.profile.model import KeyType

MIN_RSA_BITS: Final = 2048  # RFC 8301 3.2: signers SHOULD use 2048 or more; the large mailbox providers ask for it
MAX_RSA_BITS: Final = 4096  # RFC 8301 3.2: what every verifier must be able to check
MAX_TXT_STRING: Final = 255  # octets, RFC 1035 3.3.14

# RFC 6376 3.1: labels with dots between them; underscores are no host names but harmless in the DNS, and in use.
_SELECTOR: Final = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?")
MAX_SELECTOR: Final = 63  # octets; leaves room for `._domainkey.` and the domain in 253 octets in all but odd cases

PrivateKey: TypeAlias = RSAPrivateKey | Ed25519PrivateKey


class KeyRefused(ValueError):  # noqa: N818 - says what happened to the key, as the log line does
    """The key cannot sign, for the reason in `str()`."""


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A private key with the domain (`d=`) and selector (`s=`) it signs for. Two are equal if they hold one object."""

    domain: str  # A-label form, lower case
    selector: str
    algorithm: KeyType
    private: PrivateKey = field(repr=False)

    @property
    def bits(self) -> int:
        """The size of the key as people name it: the modulus of RSA; 256 for Ed25519."""
        return self.private.key_size if isinstance(self.private, RSAPrivateKey) else 256

    @property
    def record_name(self) -> str:
        """The DNS name of its TXT record, without the last dot (RFC 6376 3.6.2.1)."""
        return f"{self.selector}._domainkey.{self.domain}"


def load(pem: bytes, domain: str, selector: str) -> SigningKey:
    """Read an unencrypted PEM private key: RSA (PKCS#1 or PKCS#8) or Ed25519 (PKCS#8).

    Args:
        pem: the text of the key file.
        domain: the signing domain in lower-case A-label form.
        selector: the selector, one or more DNS labels.

    Raises:
        KeyRefused: no key that may sign, or a domain or selector that cannot stand in a signature.
    """
    _refuse_bad_name(domain, selector)
    private = _private_key(pem)
    if isinstance(private, Ed25519PrivateKey):
        return SigningKey(domain, selector, KeyType.ED25519_SHA256, private)
    if not isinstance(private, RSAPrivateKey):
        kind = type(private).__name__.removeprefix("_").removesuffix("PrivateKey")
        raise KeyRefused(f"DKIM knows RSA and Ed25519 keys (RFC 8301, RFC 8463), and this is another kind: {kind}")
    if not MIN_RSA_BITS <= private.key_size <= MAX_RSA_BITS:
        raise KeyRefused(
            f"the RSA key has {private.key_size} bits; make one of {MIN_RSA_BITS} to {MAX_RSA_BITS} (RFC 8301 3.2)"
        )
    return SigningKey(domain, selector, KeyType.RSA_SHA256, private)


def generate(kind: Literal["rsa2048", "rsa4096", "ed25519"]) -> bytes:
    """Make a new private key and return it as unencrypted PKCS#8 PEM; the caller keeps it from other eyes.

    Raises:
        ValueError: `kind` is none of the three.
    """
    private: PrivateKey
    if kind in ("rsa2048", "rsa4096"):
        private = generate_private_key(public_exponent=65_537, key_size=int(kind.removeprefix("rsa")))
    elif kind == "ed25519":
        private = Ed25519PrivateKey.generate()
    else:
        raise ValueError(f"keys are rsa2048, rsa4096 or ed25519, not {kind!r}")
    return private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def public_octets(key: SigningKey, *, bare: bool = False) -> bytes:
    """Return the public half as `p=` holds it in base64: RSA wrapped in SubjectPublicKeyInfo, Ed25519 as 32 octets.

    Args:
        key: the private key.
        bare: an RSA key as RSAPublicKey, which RFC 6376 3.6.1 names and few publish.
    """
    public = key.private.public_key()
    if key.algorithm is KeyType.ED25519_SHA256:
        return public.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    # SubjectPublicKeyInfo is what RFC 6376 C shows and all verifiers expect.
    form = serialization.PublicFormat.PKCS1 if bare else serialization.PublicFormat.SubjectPublicKeyInfo
    return public.public_bytes(serialization.Encoding.DER, form)


def public_record(key: SigningKey) -> str:
    """Return the text of the key record to publish (RFC 6376 3.6.1; for Ed25519 RFC 8463 4.2)."""
    kind = "ed25519" if key.algorithm is KeyType.ED25519_SHA256 else "rsa"
    return f"v=DKIM1; k={kind}; p={base64.b64encode(public_octets(key)).decode('ascii')}"


def txt_strings(record: str) -> tuple[str, ...]:
    """Cut an ASCII record into strings of at most 255 octets (RFC 1035 3.3.14); verifiers join them again.

    Raises:
        ValueError: the record is not ASCII.
    """
    if not record.isascii():
        raise ValueError("a key record is ASCII (RFC 6376 3.6.1)")
    return tuple(record[i : i + MAX_TXT_STRING] for i in range(0, len(record), MAX_TXT_STRING)) or ("",)


def zone_line(selector: str, domain: str, record: str, ttl: int | None = None) -> str:
    """Return the TXT record for a zone file (RFC 1035 5.1), each string quoted on its own line, within parentheses.

    Args:
        selector: the key's.
        domain: the signing domain; the name is written out, so it means the same in every file.
        record: the text to publish.
        ttl: seconds; without one the zone's own holds.

    Raises:
        ValueError: the record is not ASCII.
    """
    strings = "\n\t".join(quoted_strings(record))
    lasting = "" if ttl is None else f" {ttl}"
    return f"{selector}._domainkey.{domain}.{lasting} IN TXT (\n\t{strings} )"


def quoted_strings(record: str) -> tuple[str, ...]:
    """The strings of a record as zone files and nsupdate(1) take them.

    Raises:
        ValueError: the record is not ASCII.
    """
    return tuple('"' + s.replace("\\", "\\\\").replace('"', '\\"') + '"' for s in txt_strings(record))


def _refuse_bad_name(domain: str, selector: str) -> None:
    """Keep out of `d=` and `s=` what would end the tag or the header line, or can have no DNS record."""
    try:
        is_normal = normal_domain(domain) == domain
    except AddressError as error:
        raise KeyRefused(f"the signing domain is no domain name: {error}") from error
    if not is_normal:
        raise KeyRefused(f"the signing domain {domain!r} is not in lower-case A-label form")
    labels = selector.split(".")
    if len(selector) > MAX_SELECTOR or not all(_SELECTOR.fullmatch(label) for label in labels):
        raise KeyRefused(f"the selector {selector!r} is not made of DNS labels (RFC 6376 3.1)")
    if len(f"{selector}._domainkey.{domain}") > 253:  # RFC 1035 2.3.4, in text
        raise KeyRefused(f"selector {selector!r} and domain {domain!r} are too long for one DNS name")


def _private_key(pem: bytes) -> object:
    """Parse a PEM text.

    Raises:
        KeyRefused: it holds no private key, or one under a passphrase.
    """
    if not pem.strip():
        raise KeyRefused("the key file is empty")
    if b"-----BEGIN" not in pem:
        raise KeyRefused("no PEM text; dkimpy's Ed25519 files hold a bare seed and must be turned into PKCS#8 PEM")
    if b"PRIVATE KEY-----" not in pem:
        raise KeyRefused("the PEM text holds a public key or a certificate, not a private key")
    try:
        return serialization.load_pem_private_key(pem, password=None)
    except TypeError as error:
        raise KeyRefused("the key is under a passphrase; a daemon has nobody to ask: store it without one") from error
    except (ValueError, UnsupportedAlgorithm) as error:
        raise KeyRefused("the PEM text cannot be read as a private key: it is damaged or of an unknown kind") from error
