"""What is signed: which mail, by which keys, which fields in which order."""

from pathlib import Path
from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealgate.mail.address import Address
from sealgate.mail.headers import Field, Headers
from sealgate.profile.model import Domain, Profile
from sealgate.seal.keys import load
from sealgate.seal.plan import (
    OVERSIGNED,
    OVERSIGNED_COMMERCIAL,
    SIGNED,
    NoKey,
    SealPlan,
    Signer,
    Skipped,
    plan,
    signed_names,
)

FOLDER = Path(__file__).parent / "keys"
RSA = load((FOLDER / "rsa2048.pem").read_bytes(), "example.com", "r1")
ED25519 = load((FOLDER / "ed25519.pem").read_bytes(), "example.com", "e1")
DOMAINS = {
    "example.com": Domain("example.com", sign=True),
    "quiet.example": Domain("quiet.example", sign=False),
    "bare.example": Domain("bare.example", sign=True),
}
PROFILE = Profile(seal=True, domains=MappingProxyType(DOMAINS))
AUTHOR = Address("alice", "example.com")
KEYS = {"example.com": (RSA, ED25519), "quiet.example": (RSA,)}


def block(*names: str) -> Headers:
    return Headers(tuple(Field(name.encode(), b" x") for name in names))


def h(headers: Headers, *, commercial: bool = False) -> str:
    return b":".join(signed_names(headers, commercial=commercial)).decode()


@pytest.mark.parametrize(
    ("author_domain", "profile", "answer"),
    [
        ("example.com", Profile(domains=PROFILE.domains), Skipped("seal-off")),
        ("", Profile(), Skipped("seal-off")),
        ("", PROFILE, Skipped("no-author-domain")),
        ("elsewhere.example", PROFILE, Skipped("foreign-author")),
        ("sub.example.com", PROFILE, Skipped("subdomain-not-signed")),
        ("quiet.example", PROFILE, Skipped("domain-says-no")),
        ("bare.example", PROFILE, NoKey("bare.example")),
    ],
)
def test_mail_that_is_not_sealed_says_why(author_domain: str, profile: Profile, answer: Skipped | NoKey) -> None:
    author = Address("a", author_domain) if author_domain else None
    assert plan(block("From"), author, profile, KEYS) == answer


def test_no_keys_under_a_domain_is_no_key() -> None:
    assert plan(block("From"), AUTHOR, PROFILE, {"example.com": ()}) == NoKey("example.com")


def test_every_key_of_the_domain_signs() -> None:
    seal = plan(block("From"), AUTHOR, PROFILE, KEYS)
    assert isinstance(seal, SealPlan)
    assert seal.signers == (Signer(RSA), Signer(ED25519))
    assert (seal.domain, seal.selectors) == ("example.com", ("r1", "e1"))


def test_names_keep_the_order_and_case_of_the_message_and_oversigned_ones_come_again() -> None:
    """RFC 6376 5.4.2 and 8.15."""
    headers = block("Received", "subject", "FROM", "X-Own", "References", "To ", "Feedback-ID")
    assert h(headers) == (
        "subject:FROM:References:To:Feedback-ID"
        ":FROM:To:Cc:subject:Date:Message-ID:Reply-To:MIME-Version:Content-Type:Content-Transfer-Encoding"
    )


def test_commercial_mail_guards_the_way_out() -> None:
    """RFC 8058 4: both fields in h=, and one more of each cannot be added."""
    headers = block("From", "List-Unsubscribe", "List-Unsubscribe-Post")
    assert h(headers).startswith("From:List-Unsubscribe:List-Unsubscribe-Post:From:To:")
    assert h(headers).count("List-Unsubscribe") == 2
    assert h(headers, commercial=True).endswith(":Content-Transfer-Encoding:List-Unsubscribe:List-Unsubscribe-Post")


def test_covers_is_lower_case_and_names_the_absent_too() -> None:
    seal = SealPlan((Signer(RSA),), signed_names(block("FROM", "List-Unsubscribe"), commercial=False))
    assert seal.covers == {name.decode().lower() for name in OVERSIGNED} | {"list-unsubscribe"}


NEVER = [
    "Return-Path",
    "Received",
    "Bcc",
    "Resent-Bcc",
    "DKIM-Signature",
    "Authentication-Results",
    "ARC-Seal",
    "X-Own",
]
NAMES = st.lists(st.sampled_from([*(n.decode() for n in SIGNED), *NEVER, "fROM", "sUBJECT ", "tO\t"]), max_size=20)


@given(NAMES, st.booleans())
def test_each_name_is_mentioned_as_often_as_it_must(names: list[str], commercial: bool) -> None:
    headers = block(*names)
    mentioned = [name.lower() for name in signed_names(headers, commercial=commercial)]
    once_more = {n.lower() for n in (*OVERSIGNED, *(OVERSIGNED_COMMERCIAL if commercial else ()))}
    for name in SIGNED:
        assert mentioned.count(name.lower()) == len(headers.every(name.lower())) + (name.lower() in once_more)
    assert set(mentioned) <= {name.lower() for name in SIGNED}
    assert not set(mentioned) & {name.lower().encode() for name in NEVER}
    assert all(name.strip() == name for name in mentioned)


def test_the_list_holds_what_rfc_6376_5_4_1_and_rfc_8058_ask_for() -> None:
    asked = (
        "From Reply-To Subject Date To Cc Resent-Date Resent-From Resent-To Resent-Cc In-Reply-To References List-Id "
        "List-Help List-Unsubscribe List-Subscribe List-Post List-Owner List-Archive List-Unsubscribe-Post"
    )
    assert {name.encode() for name in asked.split()} <= set(SIGNED)
    assert len({name.lower() for name in SIGNED}) == len(SIGNED)
