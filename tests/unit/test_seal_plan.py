"""What is signed: which mail, by which keys, which fields in which order."""

from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealgate.mail.address import Address, parse_address
from sealgate.mail.headers import Field, Headers
from sealgate.profile.model import Auid, AuthorPattern, Domain, Form, Profile, SignatureRow
from sealgate.profile.parse import parse_profile
from sealgate.seal.keys import SigningKey, load
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


# -- rows of `signatures`, subdomains, i= -----------------------------------------------------------------------------

ROWS = """\
version: 1
seal: on
domains:
  example.com: {{sign: yes, keys: [{{selector: r1, file: /k}}, {{selector: e1, file: /k}}]}}
  below.example.com: {{sign: yes, subdomains: yes, keys: [{{selector: b1, file: /k}}]}}
  quiet.below.example.com: {{sign: no}}
  quiet.example: {{sign: no, keys: [{{selector: q1, file: /k}}]}}
  mailer.example:
    {{sign: yes, keys: [{{selector: m1, file: /k}}, {{selector: m2, file: /k}}, {{selector: m3, file: /k}}]}}
  still.example: {{sign: no, subdomains: yes}}
realms: {{EXAMPLE.COM: exact}}
identities:
  news: {{principals: [svc/news@EXAMPLE.COM], kind: service, senders: ["*"]}}
  lists: {{principals: [svc/lists@EXAMPLE.COM], kind: forwarder}}
signatures: [{rows}]
"""


def key(domain: str, selector: str) -> SigningKey:
    return load((FOLDER / "ed25519.pem").read_bytes(), domain, selector)


LOADED = {
    "example.com": (key("example.com", "r1"), key("example.com", "e1")),
    "below.example.com": (key("below.example.com", "b1"),),
    "quiet.example": (key("quiet.example", "q1"),),
    "mailer.example": (key("mailer.example", "m1"), key("mailer.example", "m2")),  # m3 is not loaded
}


def chosen(rows: str, author: str, name: str = "") -> list[str] | Skipped | NoKey:
    """Domain and selector of each signature, in order."""
    profile, problems = parse_profile(ROWS.format(rows=rows), "p", known_rules=frozenset())
    assert profile is not None, problems
    identity = next((i for i in profile.identities if i.name == name), None)
    made = plan(block("From"), parse_address(author.encode()), profile, LOADED, identity=identity)
    return [f"{s.key.domain}/{s.key.selector}" for s in made.signers] if isinstance(made, SealPlan) else made


OWN = ["example.com/r1", "example.com/e1"]
MAILER_1 = "{authors: '*', keys: mailer.example/m1}"


@pytest.mark.parametrize(
    ("rows", "author", "signatures"),
    [
        ("", "a@example.com", OWN),
        # Who is meant.
        ("{authors: a@example.com, keys: mailer.example/m1}", "A@Example.COM", ["mailer.example/m1"]),
        ("{authors: A@example.com, keys: mailer.example/m1}", "a@example.com", ["mailer.example/m1"]),
        ("{authors: a@example.com, keys: mailer.example/m1}", "b@example.com", OWN),
        ("{authors: '@example.com', keys: mailer.example/m1}", "b@example.com", ["mailer.example/m1"]),
        ("{authors: '@example.com', keys: mailer.example/m1}", "b@below.example.com", ["below.example.com/b1"]),
        ("{authors: '@.example.com', keys: mailer.example/m1}", "b@example.com", OWN),
        ("{authors: '@.example.com', keys: mailer.example/m1}", "b@below.example.com", ["mailer.example/m1"]),
        ("{authors: '@.example.com', keys: mailer.example/m1}", "b@a.b.example.com", ["mailer.example/m1"]),
        ("{authors: '@.example.com', keys: mailer.example/m1}", "b@anexample.com", Skipped("foreign-author")),
        (MAILER_1, "who@elsewhere.test", ["mailer.example/m1"]),
        ("{authors: [x@y.test, '@example.com'], keys: mailer.example/m1}", "b@example.com", ["mailer.example/m1"]),
        # What they add, in which order, and each once.
        (f"{MAILER_1}, {{authors: '*', keys: own}}", "a@example.com", ["mailer.example/m1", *OWN]),
        (f"{{authors: '*', keys: own}}, {MAILER_1}", "a@example.com", [*OWN, "mailer.example/m1"]),
        (f"{{authors: '@example.com', keys: own, last: yes}}, {MAILER_1}", "a@example.com", OWN),
        (f"{{authors: '@x.test', keys: own, last: yes}}, {MAILER_1}", "a@example.com", ["mailer.example/m1"]),
        ("{authors: '*', keys: [own, example.com]}, {authors: '*', keys: own}", "a@example.com", OWN),
        ("{authors: '*', keys: [example.com/e1, own]}", "a@example.com", ["example.com/e1", "example.com/r1"]),
        ("{authors: '*', keys: [mailer.example/m2, mailer.example/m1]}", "a@example.com",
         ["mailer.example/m2", "mailer.example/m1"]),
        # Where nothing of their own is to be had.
        ("{authors: '*', keys: own}", "who@elsewhere.test", Skipped("foreign-author")),
        (f"{{authors: '*', keys: own}}, {MAILER_1}", "who@elsewhere.test", ["mailer.example/m1"]),
        ("{authors: '*', keys: own}", "a@quiet.example", Skipped("domain-says-no")),
        (f"{{authors: '*', keys: own}}, {MAILER_1}", "a@quiet.example", ["mailer.example/m1"]),
        # A row may use the keys of a domain whose own authors are not signed for.
        ("{authors: '@example.com', keys: quiet.example}", "a@example.com", ["quiet.example/q1"]),
        # A key that is named and not loaded, whatever else is.
        ("{authors: '*', keys: [own, mailer.example/m3]}", "a@example.com", NoKey("mailer.example")),
        ("{authors: '*', keys: mailer.example}", "a@example.com", ["mailer.example/m1", "mailer.example/m2"]),
        # Hosts below: the nearest that says so; an entry of their own stops it.
        ("", "a@below.example.com", ["below.example.com/b1"]),
        ("", "a@x.below.example.com", ["below.example.com/b1"]),
        ("", "a@y.x.below.example.com", ["below.example.com/b1"]),
        ("", "a@quiet.below.example.com", Skipped("domain-says-no")),
        ("", "a@x.quiet.below.example.com", ["below.example.com/b1"]),
        ("", "a@x.still.example", Skipped("domain-says-no")),
        ("", "a@x.example.com", Skipped("subdomain-not-signed")),
        ("", "a@notbelow.example.com", Skipped("subdomain-not-signed")),
        ("{authors: '*', keys: own}", "a@x.below.example.com", ["below.example.com/b1"]),
    ],
)  # fmt: skip
def test_who_signs(rows: str, author: str, signatures: list[str] | Skipped | NoKey) -> None:
    assert chosen(rows, author) == signatures


@pytest.mark.parametrize(
    ("name", "author", "signatures"),
    [
        ("", "a@example.com", OWN),
        ("lists", "a@example.com", OWN),
        ("news", "a@example.com", ["mailer.example/m1", *OWN]),
        ("news", "b@example.com", [*OWN, "mailer.example/m1"]),
        ("news", "who@elsewhere.test", Skipped("foreign-author")),
    ],
)
def test_rows_by_identity_and_author(name: str, author: str, signatures: list[str] | Skipped) -> None:
    both = "{identities: news, authors: a@example.com, keys: mailer.example/m1}"
    wider = "{identities: news, authors: '@example.com', keys: mailer.example/m1}"
    rows = f"{both}, {{identities: [news], keys: own}}, {wider}"
    assert chosen(rows, author, name) == signatures


def test_what_a_forwarder_passes_on_is_signed_by_us_where_a_row_says_so() -> None:
    """Its authors are strangers: without a row it leaves unsigned."""
    assert chosen("", "ann@stranger.test", "lists") == Skipped("foreign-author")
    rows = "{identities: lists, keys: example.com/r1}"
    assert chosen(rows, "ann@stranger.test", "lists") == ["example.com/r1"]
    assert chosen(rows, "ann@stranger.test", "news") == Skipped("foreign-author")


def test_a_domain_named_twice_by_row_and_as_own_signs_once() -> None:
    """Two equal signatures would cost time and say nothing."""
    assert chosen("{authors: '*', keys: [below.example.com, own, below.example.com/b1]}", "a@x.below.example.com") == [
        "below.example.com/b1"
    ]


def auid(author: str, *, kind: Auid, domain: str = "example.com") -> str:
    settings = Domain(domain, sign=True, subdomains=True, auid=kind)
    profile = Profile(seal=True, domains=MappingProxyType({domain: settings}))
    local, _, host = author.rpartition("@")
    made = plan(block("From"), Address(local, host), profile, {domain: (key(domain, "s"),)})
    assert isinstance(made, SealPlan)
    return made.signers[0].auid


@pytest.mark.parametrize(
    ("author", "kind", "value"),
    [
        ("alice@example.com", Auid.NONE, ""),
        ("alice@example.com", Auid.DOMAIN, "@example.com"),
        ("alice@lab.example.com", Auid.DOMAIN, "@lab.example.com"),
        ("alice@example.com", Auid.AUTHOR, "alice@example.com"),
        ("alice@lab.example.com", Auid.AUTHOR, "alice@lab.example.com"),
        # RFC 6376 2.11: what may not stand for itself is =XX; a local part that needs quotes is never an author's.
        ("bounce=x@example.com", Auid.AUTHOR, "bounce=3Dx@example.com"),
        ("a;b c\td@example.com", Auid.AUTHOR, "a=3Bb=20c=09d@example.com"),
        ("!#$%&'*+-/?^_`{|}~@example.com", Auid.AUTHOR, "!#$%&'*+-/?^_`{|}~@example.com"),
        # Beyond ASCII some verifiers could not read it (RFC 8616 4): the author's host stays.
        ("žofie@example.com", Auid.AUTHOR, "@example.com"),
    ],
)
def test_the_agent_in_its_own_encoding(author: str, kind: Auid, value: str) -> None:
    assert auid(author, kind=kind) == value


def test_a_foreign_author_is_never_named_as_agent() -> None:
    """RFC 6376 3.5: i= lies at or below d=."""
    rows = "{authors: '*', keys: [own, mailer.example/m1]}"
    text = ROWS.format(rows=rows).replace("{sign: yes,", "{sign: yes, auid: author,")
    profile, _ = parse_profile(text, "p", known_rules=frozenset())
    assert profile is not None
    made = plan(block("From"), Address("a", "example.com"), profile, LOADED)
    assert isinstance(made, SealPlan)
    assert [s.auid for s in made.signers] == ["a@example.com", "a@example.com", ""]


def test_each_signature_has_the_form_of_its_domain() -> None:
    text = ROWS.format(rows="{authors: '*', keys: [own, mailer.example/m1]}").replace(
        "{sign: yes, keys: [{selector: m1",
        "{canonicalization: simple/relaxed, timestamp: no, signature_ttl: 2h, sign: yes, keys: [{selector: m1",
    )
    profile, _ = parse_profile(text, "p", known_rules=frozenset())
    assert profile is not None
    made = plan(block("From"), Address("a", "example.com"), profile, LOADED)
    assert isinstance(made, SealPlan)
    assert made.signers[0] == Signer(LOADED["example.com"][0])
    assert made.signers[2] == Signer(
        LOADED["mailer.example"][0], Form.SIMPLE, Form.RELAXED, "", timestamp=False, ttl=7_200
    )
    assert profile.body_forms == {Form.RELAXED}
    assert replace(profile, domains={"a": Domain("a", sign=True, body_form=Form.SIMPLE)}).body_forms == set(Form)


def test_a_row_may_fix_the_auid_and_each_key_signs_once() -> None:
    rows = (
        SignatureRow(
            (("example.com", "r1"),), authors=(AuthorPattern("alice", "example.com"),), auid="desk@example.com"
        ),
        SignatureRow((("example.com", ""), ("own", "")), authors=(AuthorPattern("", "*"),)),
    )
    seal = plan(block("From"), AUTHOR, replace(PROFILE, signatures=rows), KEYS)
    assert isinstance(seal, SealPlan)
    assert [(signer.key, signer.auid) for signer in seal.signers] == [(RSA, "desk@example.com"), (ED25519, "")]
