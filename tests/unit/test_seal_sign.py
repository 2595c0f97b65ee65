"""Signatures, verified by others: dkimpy for RSA, and its canonical forms with OpenSSL for Ed25519.

(dkimpy itself verifies Ed25519 where PyNaCl is installed; then it is asked too.)
"""

import base64
import binascii
import hashlib
import re
from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path

import dkim
import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from dkim.canonicalization import Relaxed
from dkim.util import parse_tag_value
from hypothesis import given, settings
from hypothesis import strategies as st

from sealgate.mail.headers import Field, Headers
from sealgate.profile.model import Form
from sealgate.seal.canonical import RelaxedBody, relaxed_field
from sealgate.seal.keys import SigningKey, load, public_record
from sealgate.seal.plan import OVERSIGNED, OVERSIGNED_COMMERCIAL, SIGNED, SealPlan, Signer, signed_names
from sealgate.seal.sign import FIELD_NAME, selected_fields, sign

FOLDER = Path(__file__).parent / "keys"
RSA = load((FOLDER / "rsa2048.pem").read_bytes(), "example.com", "r1")
ED25519 = load((FOLDER / "ed25519.pem").read_bytes(), "example.com", "e1")
BOTH = (RSA, ED25519)
TIME = 1_760_000_000

NEWSLETTER = Headers(
    (
        Field(b"Received", b" from a by b; Thu, 9 Oct 2025 08:53:20 +0000"),
        Field(b"From", b" Garden Letters <letters@example.com>"),
        Field(b"Sender", b" letters@example.com"),
        Field(b"To", b" Ada <ada@reader.example>"),
        Field(b"To", b" Bob <bob@reader.example>"),
        Field(b"Cc", b" carol@reader.example"),
        Field(b"Reply-To", b" answers@example.com"),
        Field(b"Subject", b" Bulbs in autumn:\r\n\twhat to plant   now"),
        Field(b"Date", b" Thu, 09 Oct 2025 08:53:20 +0000"),
        Field(b"Message-ID", b" <autumn.1@example.com>"),
        Field(b"References", b" <summer.9@example.com>"),
        Field(b"MIME-Version", b" 1.0"),
        Field(b"Content-Type", b" text/plain; charset=utf-8"),
        Field(b"Content-Transfer-Encoding", b" 8bit"),
        Field(b"List-Id", b" <garden.example.com>"),
        Field(b"List-Unsubscribe", b" <https://example.com/u/abc>"),
        Field(b"List-Unsubscribe-Post", b" List-Unsubscribe=One-Click"),
        Field(b"Feedback-ID", b" autumn:garden:example"),
        Field(b"X-Mailer", b" none"),
    )
)
BODY = b"Tulips  and\tcrocuses \r\n\r\nYours, the gardeners\r\n\r\n"


def sealed(headers: Headers, body: bytes, keys: Iterable[SigningKey] = BOTH, *, commercial: bool = True) -> list[str]:
    keys = tuple(keys)
    seal = SealPlan(tuple(map(Signer, keys)), signed_names(headers, commercial=commercial))
    fields = sign(seal, headers, {Form.RELAXED: body_hash(body)}, TIME)
    assert [name for name, _ in fields] == ["DKIM-Signature"] * len(keys)
    return [value for _, value in fields]


def body_hash(body: bytes) -> bytes:
    hashed = RelaxedBody()
    hashed.feed(body)
    return hashed.digest()


def on_the_wire(values: Iterable[str], headers: Iterable[Field], body: bytes) -> bytes:
    """The message as the MTA sends it: signatures on top, their folds as CRLF and tab."""
    top = b"".join(b"DKIM-Signature: " + v.replace("\n", "\r\n").encode("ascii") + b"\r\n" for v in values)
    return top + b"".join(f.name + b":" + f.value + b"\r\n" for f in headers) + b"\r\n" + body


def verified_by_dkimpy(message: bytes, index: int, key: SigningKey) -> bool:
    asked = []

    def txt(name: bytes, timeout: int = 5) -> bytes:
        asked.append(name)
        return public_record(key).encode("ascii")

    try:
        valid = dkim.DKIM(message).verify(index, dnsfunc=txt)
    except dkim.ValidationError:
        return False
    assert asked == [f"{key.record_name}.".encode()]
    return bool(valid)


def verified_ed25519(message: bytes, index: int, key: SigningKey) -> bool:
    """RFC 8463 4 with dkimpy's parser, canonical forms and choice of fields, and OpenSSL's mathematics."""
    headers, body = dkim.rfc822_parse(message)
    own = [(name, value) for name, value in headers if name.lower() == b"dkim-signature"][index]
    tags = parse_tag_value(own[1])
    assert tags[b"a"] == b"ed25519-sha256"
    if base64.b64decode(tags[b"bh"]) != hashlib.sha256(Relaxed.canonicalize_body(body)).digest():
        return False
    names = [name.strip().lower() for name in tags[b"h"].split(b":")]
    empty = (own[0], own[1][: own[1].rindex(b"b=") + 2])
    lines = [
        *dkim.select_headers(Relaxed.canonicalize_headers(headers), names),
        *((name, value.rstrip()) for name, value in Relaxed.canonicalize_headers([empty])),
    ]
    data = b"".join(name + b":" + value for name, value in lines)
    published = base64.b64decode(public_record(key).partition("p=")[2])
    try:
        signature = base64.b64decode(re.sub(rb"\s", b"", tags[b"b"]))
        Ed25519PublicKey.from_public_bytes(published).verify(signature, hashlib.sha256(data).digest())
    except (InvalidSignature, binascii.Error):
        return False
    return True


def verdicts(values: list[str], headers: Iterable[Field], body: bytes) -> tuple[bool, bool]:
    """What verifiers say of the RSA signature (first) and of the Ed25519 signature (second)."""
    message = on_the_wire(values, headers, body)
    curve = verified_ed25519(message, 1, ED25519)
    if find_spec("nacl"):
        assert verified_by_dkimpy(message, 1, ED25519) == curve
    return verified_by_dkimpy(message, 0, RSA), curve


VALUES = sealed(NEWSLETTER, BODY)


def test_the_example_of_rfc_8463() -> None:
    """RFC 8463 A.3, octet for octet: our canonical forms and RFC 8463 3 give the signature printed there."""
    fields = (
        Field(b"From", b" Joe SixPack <joe@football.example.com>"),
        Field(b"To", b" Suzie Q <suzie@shopping.example.net>"),
        Field(b"Subject", b" Is dinner ready?"),
        Field(b"Date", b" Fri, 11 Jul 2003 21:00:37 -0700 (PDT)"),
        Field(b"Message-ID", b" <20030712040037.46341.5F8J@football.example.com>"),
    )
    own = (
        b" v=1; a=ed25519-sha256; c=relaxed/relaxed;\r\n d=football.example.com; i=@football.example.com;\r\n"
        b" q=dns/txt; s=brisbane; t=1528637909; h=from : to :\r\n"
        b" subject : date : message-id : from : subject : date;\r\n"
        b" bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\r\n b="
    )
    names = b"from to subject date message-id from subject date".split()
    data = b"".join(selected_fields(names, Headers(fields))) + relaxed_field(b"DKIM-Signature", own)[:-2]
    private = Ed25519PrivateKey.from_private_bytes(base64.b64decode("nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A="))
    assert base64.b64encode(private.sign(hashlib.sha256(data).digest())) == (
        b"/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11BusFa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw=="
    )
    body = b"Hi.\r\n\r\nWe lost the game.  Are you hungry yet?\r\n\r\nJoe.\r\n"
    assert base64.b64encode(body_hash(body)) == b"2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8="


def test_both_signatures_are_verified() -> None:
    assert verdicts(VALUES, NEWSLETTER, BODY) == (True, True)


def test_what_relays_do_to_blanks_and_folds_does_no_harm() -> None:
    """RFC 6376 3.4.2 and 3.4.4."""
    fields = [Field(f.name.upper(), b"  " + f.value.replace(b" ", b"\r\n  ", 2) + b" \t") for f in NEWSLETTER]
    assert verdicts(VALUES, fields, BODY.replace(b" ", b"\t ") + b"\r\n\r\n") == (True, True)
    assert verdicts([v.replace("\n\t", "\n        ") for v in VALUES], NEWSLETTER, BODY) == (True, True)


def test_a_field_that_is_not_signed_may_change() -> None:
    fields = [f for f in NEWSLETTER if f.name not in (b"X-Mailer", b"Received")]
    assert verdicts(VALUES, [Field(b"Received", b" from x by y"), *fields], BODY) == (True, True)


@pytest.mark.parametrize("body", [b"", BODY[1:], BODY + b".", b"\r\n" + BODY, BODY.replace(b"and", b"or")])
def test_a_changed_body_is_seen(body: bytes) -> None:
    assert verdicts(VALUES, NEWSLETTER, body) == (False, False)


SIGNED_HERE = [i for i, f in enumerate(NEWSLETTER) if f.name in SIGNED]


@pytest.mark.parametrize("i", SIGNED_HERE, ids=[NEWSLETTER.fields[i].name.decode() for i in SIGNED_HERE])
def test_a_signed_field_changed_removed_or_doubled_below_is_seen(i: int) -> None:
    fields = list(NEWSLETTER)
    one = fields[i]
    changed = [*fields[:i], Field(one.name, one.value + b"x"), *fields[i + 1 :]]
    removed = [*fields[:i], *fields[i + 1 :]]
    doubled = [*fields, Field(one.name, b" another")]
    for altered in (changed, removed, doubled):
        assert verdicts(VALUES, altered, BODY) == (False, False)


@pytest.mark.parametrize("name", [*OVERSIGNED, *OVERSIGNED_COMMERCIAL])
def test_no_oversigned_field_can_be_added_anywhere(name: bytes) -> None:
    """RFC 6376 8.15, whether the message has such a field or not."""
    added = Field(name, b" another")
    without = Headers(tuple(f for f in NEWSLETTER if f.name != name or name == b"From"))
    for headers in (NEWSLETTER, without):
        values = sealed(headers, BODY)
        assert verdicts(values, headers, BODY) == (True, True)
        for fields in ([added, *headers], [*headers, added]):
            assert verdicts(values, fields, BODY) == (False, False)


def test_two_fields_of_one_name_keep_their_order() -> None:
    """RFC 6376 5.4.2: the first mention is the lowest field."""
    fields = list(NEWSLETTER)
    fields[3], fields[4] = fields[4], fields[3]
    assert [f.name for f in fields[3:5]] == [b"To", b"To"]
    assert verdicts(VALUES, fields, BODY) == (False, False)
    headers = Headers((Field(b"To", b"a"), Field(b"TO ", b"b")))
    assert list(selected_fields([b"To", b"Cc", b"to", b"tO"], headers)) == [b"to:b\r\n", b"to:a\r\n"]


@pytest.mark.parametrize("value", VALUES, ids=["rsa", "ed25519"])
def test_the_value_has_these_tags_and_no_others(value: str) -> None:
    """RFC 6376 3.5; `l=` would let anybody append (RFC 6376 8.2)."""
    tags = parse_tag_value(value.encode("ascii"))
    assert list(tags) == [b"v", b"a", b"c", b"d", b"s", b"t", b"h", b"bh", b"b"]
    assert (tags[b"v"], tags[b"c"], tags[b"d"], tags[b"t"]) == (b"1", b"relaxed/relaxed", b"example.com", b"1760000000")
    assert b" " not in tags[b"h"]


@pytest.mark.parametrize("value", VALUES, ids=["rsa", "ed25519"])
def test_lines_are_short_and_folds_are_newline_and_tab(value: str) -> None:
    """RFC 5322 2.1.1 and 2.2.3: no line is empty or only blanks."""
    first, *rest = f"{FIELD_NAME}: {value}".split("\n")
    assert "\r" not in value
    assert len(first) <= 76
    for line in rest:
        assert re.fullmatch(r"\t\S.{0,74}", line)


@pytest.mark.parametrize(("domain", "selector"), [(".".join(["d" * 60] * 3), "s" * 40), ("a.example", "s" * 63)])
def test_long_names_are_folded_and_still_verified(domain: str, selector: str) -> None:
    pem = (FOLDER / "rsa2048.pem").read_bytes()
    key = load(pem, domain, selector)
    (value,) = sealed(NEWSLETTER, BODY, [key])
    assert max(len(line) for line in value.split("\n")) <= 76 or len(domain) > 70
    assert verified_by_dkimpy(on_the_wire([value], NEWSLETTER, BODY), 0, key)


def test_a_message_of_few_names_has_them_on_one_line() -> None:
    seal = SealPlan((Signer(ED25519),), (b"From", b"Date", b"Subject"))
    ((_, value),) = sign(seal, NEWSLETTER, {Form.RELAXED: body_hash(BODY)}, TIME)
    assert "\n\th=From:Date:Subject;\n" in value


@pytest.mark.parametrize(("digest", "timestamp"), [(b"", TIME), (b"x" * 31, TIME), (b"x" * 32, -1)])
def test_nonsense_is_not_signed(digest: bytes, timestamp: int) -> None:
    with pytest.raises(ValueError, match="32 octets"):
        sign(SealPlan(tuple(map(Signer, BOTH)), (b"From",)), NEWSLETTER, {Form.RELAXED: digest}, timestamp)


# Any header block and body a relay may see. VT, FF and a lone CR at the end of a value are left out: dkimpy takes them
# for blanks (see the tests of the canonical forms).
TEXT = st.binary(max_size=12).map(lambda b: re.sub(rb"[\r\n\x0b\x0c]", b"", b))
FOLDED = st.lists(TEXT, min_size=1, max_size=3).map(b"\r\n\t ".join)
FIELD_NAMES = st.sampled_from([*SIGNED, b"FROM", b"sUBJECT", b"to", b"Received", b"X-Own", b"DKIM-Signature"])
FIELDS = st.lists(st.builds(Field, FIELD_NAMES, FOLDED.map(b" ".__add__)), max_size=12)
BODIES = st.lists(st.sampled_from([b" ", b"\t", b"\r\n", b"a", b"bc", b"\x00\xff"]), max_size=20).map(b"".join)


@settings(max_examples=settings().max_examples // 4)
@given(FIELDS, BODIES, st.booleans())
def test_any_message_is_signed_so_that_others_verify_it(fields: list[Field], body: bytes, commercial: bool) -> None:
    headers = Headers((Field(b"From", b" a@example.com"), *fields))
    body += b"\r\n"
    values = sealed(headers, body, commercial=commercial)
    assert verdicts(values, headers, body) == (True, True)
    assert max(len(line) for line in f"{FIELD_NAME}: {values[0]}".split("\n")) <= 76


GOLDEN_RSA = (
    "v=1; a=rsa-sha256; c=relaxed/relaxed; d=example.com; s=r1;\n"
    "\tt=1760000000;\n"
    "\th=From:Sender:To:To:Cc:Reply-To:Subject:Date:Message-ID:References:\n"
    "\tMIME-Version:Content-Type:Content-Transfer-Encoding:List-Id:\n"
    "\tList-Unsubscribe:List-Unsubscribe-Post:Feedback-ID:From:To:Cc:Subject:Date:\n"
    "\tMessage-ID:Reply-To:MIME-Version:Content-Type:Content-Transfer-Encoding:\n"
    "\tList-Unsubscribe:List-Unsubscribe-Post;\n"
    "\tbh=sixEDB5+bRrTIT4wZOayOM258LgzdsOnDZOyD3K07k0=;\n"
    "\tb=1DTlklw8FktKXSSUXmIUKN1QO76s0jH88WyItefq2OuRcfyfDOV0Qg4SSF+ZLStw6b2fR2ra1\n"
    "\trQQwKD4lDPPEID+MQHhvuYETAtjYM6/rjw3GxvEG/eAnfpmRTPoi2jf7AeK326/IP3mtwFHL1cg\n"
    "\tMHceDp1yOJvSQhiQ41BrhJ/31vF7rxMGzdaonyeksgZAfSdiI5GozonNA/0TxAVf/Q50uGOzT+t\n"
    "\tcE7S9RaVwUjRARpIPihYv2l6B0ap3AYiEBZ2o4fgCeo9JYf3FHqt8rfEAOUiLANey16cz+jrGpV\n"
    "\tIw73Yr034HcifrwdAv2MUTx8y6jAa3AQVfMVErTuJgLQ=="
)
GOLDEN_ED25519 = (
    "v=1; a=ed25519-sha256; c=relaxed/relaxed; d=example.com;\n"
    "\ts=e1; t=1760000000;\n"
    "\th=From:Sender:To:To:Cc:Reply-To:Subject:Date:Message-ID:References:\n"
    "\tMIME-Version:Content-Type:Content-Transfer-Encoding:List-Id:\n"
    "\tList-Unsubscribe:List-Unsubscribe-Post:Feedback-ID:From:To:Cc:Subject:Date:\n"
    "\tMessage-ID:Reply-To:MIME-Version:Content-Type:Content-Transfer-Encoding:\n"
    "\tList-Unsubscribe:List-Unsubscribe-Post;\n"
    "\tbh=sixEDB5+bRrTIT4wZOayOM258LgzdsOnDZOyD3K07k0=;\n"
    "\tb=1d6B7zG34sAfMGnUFfT9tvkLg23x3l3WQoD9qDEdl0eXRtMjr7wq66h1XNTnqgZ5eWlIsP1yP\n"
    "\tutKX+/qcwHADg=="
)


@pytest.mark.parametrize(("value", "golden"), [(VALUES[0], GOLDEN_RSA), (VALUES[1], GOLDEN_ED25519)])
def test_the_same_message_key_and_time_give_the_same_field(value: str, golden: str) -> None:
    """Both algorithms are deterministic: a change here is a change of what leaves."""
    assert value == golden
