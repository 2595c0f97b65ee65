"""The DKIM-Signature field, read as RFC 6376 has it, and hostile ones."""

import base64
import re
import time
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealgate.profile.model import Form, KeyType
from sealgate.seal.signature import MAX_NAMES, MAX_OCTETS, SignatureRefused, glimpse, read_signature
from tests.unit.signed_mail import signed, taken_apart

HASH = base64.b64encode(b"\x01" * 32).decode()
TAGS = {
    "v": "1", "a": "rsa-sha256", "c": "relaxed/simple", "d": "Example.TEST", "s": "R1", "i": "alice@eu.example.test",
    "t": "1000", "x": "2000", "l": "7", "h": "From:To : Subject:from", "bh": HASH, "b": "YWJj\r\n\tZGVm",
}  # fmt: skip


def value(**tags: str | None) -> bytes:
    """The field with some tags set otherwise; None takes one out."""
    every = TAGS | tags
    return b" " + "; ".join(f"{k}={v}" for k, v in every.items() if v is not None).encode("latin-1")


def test_every_tag_is_read() -> None:
    read = read_signature(value())
    assert (read.algorithm, read.header_form, read.body_form) == (KeyType.RSA_SHA256, Form.RELAXED, Form.SIMPLE)
    assert (read.domain, read.selector, read.identity) == ("example.test", "r1", "alice@eu.example.test")
    assert (read.signed_at, read.expires_at, read.length) == (1000, 2000, 7)
    assert read.names == (b"From", b"To", b"Subject", b"from")
    assert read.counts() == {b"from": 2, b"to": 1, b"subject": 1}
    assert (read.body_hash, read.octets) == (b"\x01" * 32, b"abcdef")
    assert read.record_name == "r1._domainkey.example.test"


def test_what_is_left_out_has_the_rfc_s_meaning() -> None:
    read = read_signature(value(c=None, i=None, t=None, x=None, l=None))
    assert (read.header_form, read.body_form, read.identity) == (Form.SIMPLE, Form.SIMPLE, "@example.test")
    assert (read.signed_at, read.expires_at, read.length) == (None, None, None)
    assert read_signature(value(c="relaxed")).body_form is Form.SIMPLE


@pytest.mark.parametrize("spelled", ["b=YWJj ;", "b = YWJj\r\n ;", "\r\n b=YW\r\n\tJj;"])
def test_b_is_emptied_with_the_blanks_around_it_and_nothing_else(spelled: str) -> None:
    """RFC 6376 3.7; `bh=` and a `b=` within another tag are not it."""
    whole = value(b=None).replace(b"bh=", b"z=b=3D;bh=") + b";" + spelled.encode() + b" q=dns/txt"
    read = read_signature(whole)
    name = spelled[: spelled.index("=") + 1].encode()
    assert read.unsigned == value(b=None).replace(b"bh=", b"z=b=3D;bh=") + b";" + name + b"; q=dns/txt"
    assert read.octets == b"abc"


@pytest.mark.parametrize(
    ("tags", "says"),
    [
        ({"v": "2"}, "v= is not 1"), ({"v": None}, "v= is missing"), ({"a": "rsa-sha1"}, "must not be accepted"),
        ({"a": "dsa-sha256"}, "no algorithm"), ({"c": "nofws"}, "c= names no"), ({"c": "relaxed/x"}, "c= names no"),
        ({"d": "exa mple.test"}, "d= is no DNS name"), ({"d": "a..b"}, "d= is no DNS name"), ({"d": ""}, "d= is"),
        ({"d": "b\u00fccher.example"}, "d= is no DNS name"), ({"s": "a" * 64}, "s= is no DNS name"),
        ({"d": ".".join(["d" * 60] * 4), "i": None, "s": "s" * 20}, "too long"),
        ({"i": "alice@evilexample.test"}, "i= is"),
        ({"i": "alice"}, "i= is no address"), ({"t": "-1"}, "t= is no time"), ({"t": "1" * 13}, "t= is no time"),
        ({"x": "999"}, "before it was made"), ({"x": "1000"}, "before it was made"), ({"l": "x"}, "l= is no number"),
        ({"l": "1" * 77}, "l= is no number"), ({"h": "To:Subject"}, "does not name From"), ({"h": ""}, "h= is no list"),
        ({"h": "From:a b"}, "h= is no list"), ({"h": "From::To"}, "h= is no list"), ({"bh": "YWJj"}, "no SHA-256"),
        ({"bh": "!"}, "bh= is no base64"), ({"b": ""}, "b= is empty"), ({"b": "YWJ"}, "b= is no base64"),
        ({"b": "A" * 1_000_000}, "more than"), ({"b": "A" * 5_000}, "b= has more than"), ({"q": "pigeon"}, "q="),
        ({"h": ":".join(["From"] * (MAX_NAMES + 1))}, "more than 1,000 fields"), ({"z": "\x1b[2J"}, "control"),
        ({"d": "exam\x00ple.test"}, "control"), ({"1": "x"}, "no list of tags"), ({"a b": "x"}, "no list of tags"),
    ],
)  # fmt: skip
def test_what_no_verifier_may_take_is_refused(tags: dict[str, str | None], says: str) -> None:
    with pytest.raises(SignatureRefused, match=re.escape(says)) as error:
        read_signature(value(**tags))
    assert str(error.value).isprintable()


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        (b"", "missing"), (b";", "list of tags"), (b"v=1; v=1", "twice"), (b"v=1;; a=x", "list of tags"),
        (b"v", "list of"),
        (b"v=1;" * 10_000, "more than 100 tags"), (b"x" * (MAX_OCTETS + 1), "more than 65,536"),
        (value().replace(b"; d=", b";\r\n \t\r\n d="), "fold of the field is empty"),
        # Blanks to dkimpy, which would take the square of their number over them.
        (value(z="x b=" + " \r\r\n" * 10_000 + " !"), "stands alone"), (value(z="a\n b"), "stands alone"),
    ],
)  # fmt: skip
def test_what_is_no_list_of_tags_is_refused(raw: bytes, says: str) -> None:
    with pytest.raises(SignatureRefused, match=says):
        read_signature(raw)


def test_a_semicolon_may_end_it_and_unknown_tags_are_passed_over() -> None:
    assert read_signature(value(r="y", zz="\u00e9") + b" ;\r\n ").domain == "example.test"


def test_what_dkimpy_writes_is_read() -> None:
    signature, own, _, key = taken_apart(signed(forms=(b"simple", b"relaxed")))
    assert (signature.header_form, signature.body_form, signature.domain) == (Form.SIMPLE, Form.RELAXED, "example.test")
    assert len(signature.octets) == 256
    assert (key.kind, key.bits) == ("rsa", 2048)
    assert own.value.startswith(signature.unsigned[:40])


def test_a_glimpse_shows_what_was_refused() -> None:
    assert dict(glimpse(b"v=1; a=rsa-sha1; d=x.test; d=y.test;s= r1 ;b")) == {"a": "rsa-sha1", "d": "x.test", "s": "r1"}
    assert glimpse(b"d=\xff\x1b")["d"] == "\ufffd\x1b"


@given(
    st.lists(
        st.sampled_from([b";", b"=", b" ", b"\r\n ", b"b", b"bh", b"h", b"v=1", b"\xff", b"From", b":"]), max_size=40
    )
)
def test_nothing_else_is_raised(pieces: list[bytes]) -> None:
    for raw in (b"".join(pieces), value() + b";" + b"".join(pieces)):
        glimpse(raw)
        with suppress(SignatureRefused):
            read_signature(raw)


@pytest.mark.parametrize("piece", [b" ", b"\r\n ", b";", b"=", b"b=", b"a", b"a.", b":", b"\t"])
def test_hostile_fields_take_no_time(piece: bytes) -> None:
    begin = time.process_time()
    raw = piece * (MAX_OCTETS // len(piece) - 200)
    for one in (raw, value(h="From:")[:-1] + raw, b"d=" + raw, value() + b"; b" + raw):
        with suppress(SignatureRefused):
            read_signature(one)
    assert time.process_time() - begin < 1
