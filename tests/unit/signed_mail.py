"""Mail signed by dkimpy, which is of another origin than our signer, for the tests of what verifies."""

from pathlib import Path

import dkim
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from sealgate.mail.filed import Filed, read_filed
from sealgate.mail.headers import Field
from sealgate.seal.keys import load, public_record
from sealgate.seal.public_key import PublicKey, public_key
from sealgate.seal.published import read_record
from sealgate.seal.signature import Signature, read_signature

DOMAIN, SELECTOR = "example.test", "r1"
NAME = f"{SELECTOR}._domainkey.{DOMAIN}"
KEY = load((Path(__file__).parent / "keys" / "rsa2048.pem").read_bytes(), DOMAIN, SELECTOR)
RECORD = public_record(KEY).encode()
HEADER = (
    b"From: Alice Liddell <alice@example.test>\r\nTo: Bob <bob@example.net>,\r\n\tcarol@example.net\r\n"
    b"Subject: Tea at  four\r\nDate: Fri, 01 Jan 2027 16:00:00 +0000\r\nMessage-ID: <1@example.test>\r\n"
    b"MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n"
)
BODY = (
    b"Dear Bob,\r\n\r\nthere is  tea \r\nFrom four o'clock on.\r\n.hidden\r\n\r\n"
    b"Gr\xc3\xbc\xc3\x9fe\r\n-- \r\nAlice\r\n\r\n\r\n"
)
SIGNED = (
    b"from", b"to", b"cc", b"subject", b"date", b"message-id", b"reply-to", b"mime-version", b"content-type",
    b"content-transfer-encoding", b"from", b"subject",
)  # fmt: skip
FORMS = [(head, body) for head in (b"relaxed", b"simple") for body in (b"relaxed", b"simple")]


def pem_of(private: rsa.RSAPrivateKey) -> bytes:
    """The only form that dkimpy of all versions reads."""
    form = serialization.PrivateFormat.TraditionalOpenSSL
    return private.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())


PEM = pem_of(KEY.private)  # type: ignore[arg-type]


def signed(
    header: bytes = HEADER,
    body: bytes = BODY,
    forms: tuple[bytes, bytes] = (b"relaxed", b"relaxed"),
    names: tuple[bytes, ...] = SIGNED,
    **more: object,
) -> bytes:
    """A message with dkimpy's signature on top."""
    message = header + b"\r\n" + body
    options = {"include_headers": list(names), "canonicalize": forms, **more}
    return dkim.sign(message, SELECTOR.encode(), DOMAIN.encode(), PEM, **options) + message


def taken_apart(message: bytes) -> tuple[Signature, Field, Filed, PublicKey]:
    """What `diagnose` wants to know of a message whose first signature is made with our key."""
    filed = read_filed(message)
    assert filed is not None
    own = filed.headers.every(b"dkim-signature")[0]
    signature = read_signature(own.value)
    return signature, own, filed, public_key(read_record(RECORD), signature)
