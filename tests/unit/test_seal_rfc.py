"""The signatures printed in RFC 6376 A.2 and RFC 8463 A.3, made anew octet for octet by our canonical forms and keys.

Their tags, order and spelling are not ours, so the field is written out here; what is hashed and how it is signed is
what `sign` does. The keys are those printed in RFC 6376 C and RFC 8463 A.1; both RSA keys have 1024 bits, which
`load` refuses (RFC 8301 3.2).
"""

import base64
import re
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from sealgate.mail.headers import Field, Headers
from sealgate.profile.model import Form, KeyType
from sealgate.seal.canonical import RelaxedBody, SimpleBody, relaxed_field, simple_field
from sealgate.seal.keys import KeyRefused, SigningKey, load, public_record
from sealgate.seal.sign import _raw_signature, selected_fields
from tests.lab.verify import dkimpy_verdict

FOLDER = Path(__file__).parent / "keys"
RFC_6376 = (FOLDER / "rfc6376-c.pem").read_bytes()
RFC_8463 = (FOLDER / "rfc8463-a1.pem").read_bytes()
SEED = base64.b64decode("nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=")

FIELDS = (
    Field(b"From", b" Joe SixPack <joe@football.example.com>"),
    Field(b"To", b" Suzie Q <suzie@shopping.example.net>"),
    Field(b"Subject", b" Is dinner ready?"),
    Field(b"Date", b" Fri, 11 Jul 2003 21:00:37 -0700 (PDT)"),
    Field(b"Message-ID", b" <20030712040037.46341.5F8J@football.example.com>"),
)
RECEIVED = Field(
    b"Received",
    b" from client1.football.example.com  [192.0.2.1]\r\n      by submitserver.example.com with SUBMISSION;\r\n"
    b"      Fri, 11 Jul 2003 21:01:54 -0700 (PDT)",
)
BODY = b"Hi.\r\n\r\nWe lost the game. Are you hungry yet?\r\n\r\nJoe.\r\n"
TWO_BLANKS = BODY.replace(b". Are", b".  Are")  # as RFC 8463 has it
BODY_HASH = "2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8="

# RFC 6376 A.2: c=simple/simple, with a semicolon at the end.
FIELD_6376 = """ v=1; a=rsa-sha256; s=brisbane; d=example.com;
      c=simple/simple; q=dns/txt; i=joe@football.example.com;
      h=Received : From : To : Subject : Date : Message-ID;
      bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;
      b=AuUoFEfDxTDkHlLXSZEpZj79LICEps6eda7W3deTVFOk4yAUoqOB
      4nujc7YopdG5dWLSdNg6xNAZpOPr+kHxt1IrE+NahM6L/LbvaHut
      KVdkLLkpVaVVQPzeRDI009SO2Il5Lu7rDNH6mZckBdrIx0orEtZV
      4bmp/YzhwvcubU4=;"""
# RFC 8463 A.3
FIELD_RSA = """ v=1; a=rsa-sha256; c=relaxed/relaxed;
 d=football.example.com; i=@football.example.com;
 q=dns/txt; s=test; t=1528637909; h=from : to : subject :
 date : message-id : from : subject : date;
 bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;
 b=F45dVWDfMbQDGHJFlXUNB2HKfbCeLRyhDXgFpEL8GwpsRe0IeIixNTe3
 DhCVlUrSjV4BwcVcOF6+FF3Zo9Rpo1tFOeS9mPYQTnGdaSGsgeefOsk2Jz
 dA+L10TeYt9BgDfQNZtKdN1WO//KgIqXP7OdEFE4LjFYNcUxZQ4FADY+8="""
FIELD_ED25519 = """ v=1; a=ed25519-sha256; c=relaxed/relaxed;
 d=football.example.com; i=@football.example.com;
 q=dns/txt; s=brisbane; t=1528637909; h=from : to :
 subject : date : message-id : from : subject : date;
 bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;
 b=/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11Bus
 Fa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw=="""


def rsa(pem: bytes, domain: str, selector: str) -> SigningKey:
    private = load_pem_private_key(pem, None)
    return SigningKey(domain, selector, KeyType.RSA_SHA256, private)  # type: ignore[arg-type]


CASES = [
    pytest.param(FIELD_6376, rsa(RFC_6376, "example.com", "brisbane"), (RECEIVED, *FIELDS), BODY, id="RFC 6376 A.2"),
    pytest.param(FIELD_RSA, rsa(RFC_8463, "football.example.com", "test"), FIELDS, TWO_BLANKS, id="RFC 8463 A.3 RSA"),
    pytest.param(
        FIELD_ED25519,
        SigningKey(
            "football.example.com", "brisbane", KeyType.ED25519_SHA256, Ed25519PrivateKey.from_private_bytes(SEED)
        ),
        FIELDS,
        TWO_BLANKS,
        id="RFC 8463 A.3 Ed25519",
    ),
]


@pytest.mark.parametrize(("printed", "key", "fields", "body"), CASES)
def test_the_printed_signature_is_made_anew(
    printed: str, key: SigningKey, fields: tuple[Field, ...], body: bytes
) -> None:
    value = printed.replace("\n", "\r\n").encode()
    form = Form.SIMPLE if b"c=simple" in value else Form.RELAXED
    hashed = SimpleBody() if form is Form.SIMPLE else RelaxedBody()
    hashed.feed(body)
    assert base64.b64encode(hashed.digest()).decode() == BODY_HASH

    names = re.split(rb"\s*:\s*", re.search(rb"\bh=([^;]*)", value)[1])  # type: ignore[index]
    signed = b"".join(selected_fields(names, Headers(fields), form))
    unsigned = re.sub(rb"(?s)\bb=[^;]*", b"b=", value)
    own = (simple_field if form is Form.SIMPLE else relaxed_field)(b"DKIM-Signature", unsigned).removesuffix(b"\r\n")
    signature = re.sub(r"\s", "", re.search(r"\bb=([^;]*)", printed)[1])  # type: ignore[index]
    assert base64.b64encode(_raw_signature(key, signed + own)).decode() == signature


@pytest.mark.parametrize(("printed", "key", "fields", "body"), CASES)
def test_dkimpy_verifies_the_printed_message_with_our_record(
    printed: str, key: SigningKey, fields: tuple[Field, ...], body: bytes
) -> None:
    head = b"DKIM-Signature:" + printed.replace("\n", "\r\n").encode() + b"\r\n"
    wire = head + b"".join(f.name + b":" + f.value + b"\r\n" for f in fields) + b"\r\n" + body
    assert dkimpy_verdict(wire, {key.record_name: public_record(key)}) == [True]


@pytest.mark.parametrize("pem", [RFC_6376, RFC_8463])
def test_keys_of_1024_bits_are_read_and_refused(pem: bytes) -> None:
    with pytest.raises(KeyRefused, match="1024 bits"):
        load(pem, "example.com", "s")


@pytest.mark.parametrize(
    ("key", "record"),
    [
        (  # RFC 6376 C
            rsa(RFC_6376, "example.com", "brisbane"),
            (
                "v=DKIM1; k=rsa; p="
                "MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDwIRP/UC3SBsEmGqZ9ZJW3/DkMoGeLnQg1fWn7/zYtIxN2SnFC"
                "jxOCKG9v3b4jYfcTNh5ijSsq631uBItLa7od+v/RtdC2UzJ1lWT947qR+Rcac2gbto/NMqJ0fzfVjH4OuKhitdY9tf6mcwGjaNBcWToI"
                "MmPSPDdQPNUYckcQ2QIDAQAB"
            ),
        ),
        (  # RFC 8463 A.2
            rsa(RFC_8463, "football.example.com", "test"),
            (
                "v=DKIM1; k=rsa; p="
                "MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDkHlOQoBTzWRiGs5V6NpP3idY6Wk08a5qhdR6wy5bdOKb2jLQi"
                "Y/J16JYi0Qvx/byYzCNb3W91y3FutACDfzwQ/BC/e/8uBsCR+yz1Lxj+PL6lHvqMKrM3rG4hstT5QjvHO9PzoxZyVYLzBfO2EeC3Ip3G"
                "+2kryOTIKT+l/K4w3QIDAQAB"
            ),
        ),
    ],
)
def test_the_printed_records(key: SigningKey, record: str) -> None:
    assert public_record(key) == record
