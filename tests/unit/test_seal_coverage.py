"""What a signature guards, and whether it is the author's."""

import pytest

from sealgate.mail.headers import Field, Headers
from sealgate.seal.coverage import Alignment, align, coverage, shared
from sealgate.seal.signature import Signature, read_signature
from tests.unit.test_seal_signature import value


def signature(names: str) -> Signature:
    return read_signature(value(h=names))


def headers(*names: str) -> Headers:
    return Headers(tuple(Field(name.encode(), b" x") for name in names))


def test_signed_unsigned_open_and_guarded_fields_are_told_apart() -> None:
    covers = coverage(
        signature("From:From:To:Subject:Cc:Date"), headers("From", "To", "Subject", "subject", "Reply-To", "X-Own")
    )
    assert covers.signed == 3  # From, To and one Subject
    assert covers.unsigned == ("Subject", "Reply-To")
    assert covers.guarded == ("From", "Cc", "Date")
    assert covers.open[:1] == ("To",)
    assert "Message-ID" in covers.open  # absent, and could be put in
    assert "List-Unsubscribe" not in covers.open  # no commercial mail, so nobody misses it


@pytest.mark.parametrize(
    ("names", "fields", "is_covered"),
    [
        ("From:List-Unsubscribe:List-Unsubscribe-Post", ("List-Unsubscribe", "List-Unsubscribe-Post"), True),
        ("From:list-unsubscribe", ("List-Unsubscribe", "List-Unsubscribe-Post"), False),
        ("From:List-Unsubscribe:List-Unsubscribe-Post", ("List-Unsubscribe-Post",), False),
        ("From:List-Unsubscribe:List-Unsubscribe-Post", ("List-Unsubscribe",) * 2 + ("List-Unsubscribe-Post",), False),
        ("From", ("List-Unsubscribe",), None),
    ],
)
def test_one_click_needs_both_fields_signed(names: str, fields: tuple[str, ...], is_covered: bool | None) -> None:
    """RFC 8058 4."""
    assert coverage(signature(names), headers("From", *fields)).has_one_click is is_covered


@pytest.mark.parametrize(
    ("domain", "authors", "organisation", "expected"),
    [
        ("example.test", ["example.test", "example.test"], "", Alignment.STRICT),
        ("example.test", ["eu.example.test"], "", Alignment.RELAXED),
        ("eu.example.test", ["example.test"], "", Alignment.RELAXED),
        ("a.example.test", ["b.example.test"], "", Alignment.SIBLING),
        ("a.example.test", ["b.example.test"], "example.test", Alignment.RELAXED),
        ("a.example.test", ["b.example.test"], "elsewhere.test", Alignment.SIBLING),
        ("evilexample.test", ["example.test"], "", Alignment.NONE),
        ("test", ["example.test"], "", Alignment.NONE),
        ("example.test", ["elsewhere.example"], "", Alignment.NONE),
        ("example.test", [], "", Alignment.UNKNOWN),
        ("example.test", ["example.test", "elsewhere.example"], "", Alignment.UNKNOWN),
    ],
)
def test_alignment(domain: str, authors: list[str], organisation: str, expected: Alignment) -> None:
    """RFC 7489 3.1.1."""
    found = align(domain, authors, organisation)
    assert found is expected
    assert found.is_aligned == (expected in (Alignment.STRICT, Alignment.RELAXED))


def test_what_two_domains_share() -> None:
    assert shared("a.example.test", "b.example.test") == "example.test"
    assert shared("a.test", "b.example") == ""
