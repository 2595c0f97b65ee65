"""The audit key, and the checkpoints it signs: C2SP's signed notes over the root of the tree of lines.

A checkpoint is text: an origin, the number of lines, the root in base64; behind an empty line the signature. It is
small enough to be mailed, printed or given to a witness, and whoever holds one can later prove that the lines it was
made of are unchanged (`audit.verifier`). The key is Ed25519 and of its own: it signs no mail.
"""

import base64
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from sealgate.audit.verifier import Frontier, Key, is_name


@dataclass(frozen=True, slots=True)
class AuditKey:
    """The private audit key with the name (origin) under which it signs."""

    origin: str
    private: Ed25519PrivateKey = field(repr=False)

    @property
    def public(self) -> Key:
        """Its public half."""
        raw = self.private.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
        return Key(self.origin, raw)

    def signed(self, frontier: Frontier) -> str:
        """Return the signed checkpoint of a tree."""
        text = f"{self.origin}\n{frontier.size}\n{base64.b64encode(frontier.root()).decode()}\n"
        signature = self.public.number + self.private.sign(text.encode())
        return f"{text}\n\u2014 {self.origin} {base64.b64encode(signature).decode()}\n"


def generate() -> bytes:
    """Make a new audit key and return it as unencrypted PKCS#8 PEM; the caller keeps it from other eyes."""
    return Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def load(pem: bytes, origin: str) -> AuditKey:
    """Read an audit key.

    Args:
        pem: the text of the file.
        origin: the name under which it signs, without spaces, `+` and control characters (C2SP signed-note).

    Raises:
        ValueError: it is no Ed25519 key, or the name cannot stand in a note.
    """
    if not is_name(origin):
        raise ValueError(f"{origin!r} cannot be the name of an audit key")
    try:
        private = serialization.load_pem_private_key(pem, password=None)
    except (TypeError, ValueError, UnsupportedAlgorithm) as error:
        raise ValueError("the audit key cannot be read") from error
    if not isinstance(private, Ed25519PrivateKey):
        raise ValueError("the audit key is not of Ed25519")
    return AuditKey(origin, private)


def quickly_signed(public: bytes, text: bytes, signature: bytes) -> bool:
    """As `verifier.ed25519_signed`, by OpenSSL: a hundred times as fast."""
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, text)
    except (InvalidSignature, ValueError):
        return False
    return True
