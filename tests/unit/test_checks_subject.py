"""Subjects that claim what is not so, the label of 16 CFR 316.4, and template tags nobody filled in."""

import time
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealgate.checks.facts import Facts, Known, Unknown
from sealgate.checks.subject import LABEL, check
from sealgate.mail.headers import Field, Headers
from sealgate.mail.message import Envelope, Message, Session
from sealgate.mail.mime import Body
from sealgate.mail.visible import View
from sealgate.profile.model import Identity, Kind, MailClass

SHOP = Identity("shop", Kind.SERVICE, MailClass.COMMERCIAL)
PORTAL = Identity("portal", Kind.SERVICE, MailClass.AUTO)
ORDERS = Identity("orders", Kind.SERVICE, MailClass.TRANSACTIONAL)
TEXT = "Our lamps are on sale. Shop now."


def message(
    subject: str, *fields: tuple[bytes, bytes], author: bytes = b" Shop <a@corp.example>", nested: int = 0
) -> Message:
    named = [(b"Subject", b" " + subject.encode()), (b"From", author), *fields]
    headers = Headers(tuple(Field(name, value) for name, value in named))
    return Message("r", 0.0, Session("smtp", "", 0), Envelope(b"<a@corp.example>"), headers, Body(0, nested=nested))


def codes(subject: str, text: str = TEXT, who: Identity | None = SHOP, *fields: tuple[bytes, bytes]) -> list[str]:
    return [f.rule.code for f in check(message(subject, *fields), Facts((Known(View(text)),)), who)]


# -- answers and forwards ----------------------------------------------------------------------------------------------
@pytest.mark.parametrize("subject", ["Re: lamps", "RE:lamps", "Fwd: lamps", "FW: lamps", "AW: Lampen", "Re[2]: lamps"])
def test_an_answer_to_nothing_deceives(subject: str) -> None:
    assert codes(subject) == ["canspam.deceptive-subject"]


@pytest.mark.parametrize("field", [b"In-Reply-To", b"References"])
def test_an_answer_to_a_message_is_one(field: bytes) -> None:
    assert codes("Re: lamps", TEXT, SHOP, (field, b" <b@corp.example>")) == []
    assert codes("Re: lamps", TEXT, SHOP, (field, b" ")) == ["canspam.deceptive-subject"]


def test_a_forward_of_a_message_is_one() -> None:
    facts = Facts((Known(View(TEXT)),))
    assert check(message("Fwd: lamps", nested=1), facts, SHOP) == ()
    assert check(message("Fwd: lamps"), Facts((Known(View(TEXT, quotes=((0, 5),))),)), SHOP) == ()


@pytest.mark.parametrize("subject", ["Refurbished lamps", "Ready: lamps", "Lamps, re: the cellar", "Award: best lamp"])
def test_words_that_begin_alike_are_no_answers(subject: str) -> None:
    assert codes(subject) == []


# -- orders, receipts, accounts ----------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "subject",
    [
        "Your order confirmation",
        "Your receipt",
        "Your invoice is attached",
        "Your package is waiting",
        "Action required: your account is on hold",
        "Security alert",
        "Ihre Bestellung",
        "Ihre Rechnung vom Mai",
        "Votre colis",
        "Seu pedido",
        "Su pedido",
        "Il tuo ordine",
        "Uw bestelling",
        "Din ordre",
        "Twoja paczka",
        "Ваш заказ",
    ],
)
def test_a_claim_that_the_body_does_not_hold_deceives(subject: str) -> None:
    assert codes(subject) == ["canspam.deceptive-subject"]


@pytest.mark.parametrize(
    ("subject", "text"),
    [
        ("Your order confirmation", "Thank you for your order. Order number 4410. Tracking number 88."),
        ("Your order", "Your order 20 441 120 is packed."),
        ("Your invoice", "Payment due on Monday. Your invoice is attached."),
        ("Security alert", "We noticed a new login from a new device."),
        ("10% off your order", TEXT),  # an offer, no claim that something happened
        ("Free shipping on your order", TEXT),
        ("Ihre Rechnung vom Mai", "Rechnungsnummer 4410, Zahlungseingang bestätigt."),
        ("Order your lamp today", TEXT),
        ("Invoices made easy", "Software for invoices. Try it now."),
    ],
)
def test_a_claim_that_is_borne_out_or_none_does_not(subject: str, text: str) -> None:
    assert codes(subject, text) == []


def test_nobody_says_what_an_unread_part_does_not_hold() -> None:
    assert check(message("Your order confirmation"), Facts((Unknown("heavy"),)), SHOP) == ()
    assert check(message("Your order confirmation"), Facts((Known(View(TEXT)), Unknown("heavy"))), SHOP) == ()


@pytest.mark.parametrize("who", [PORTAL, ORDERS, None])
def test_only_declared_commercial_mail_is_held_to_its_subject(who: Identity | None) -> None:
    assert codes("Re: your order confirmation", TEXT, who) == []


# -- 16 CFR 316.4 ------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("subject", "is_fine"),
    [
        ("SEXUALLY-EXPLICIT: offers", True),
        ("=?utf-8?q?SEXUALLY-EXPLICIT:_offers?=", True),
        ("SEXUALLY-EXPLICIT:offers", False),
        ("Sexually-Explicit: offers", False),
        ("SEXUALLY EXPLICIT: offers", False),
        ("New: SEXUALLY-EXPLICIT: offers", False),
        ("=?utf-8?b?U0VYVUFMTFnigJFFWFBMSUNJVDogb2ZmZXJz?=", False),  # with U+2011 for the hyphen
        ("offers", False),
        ("", False),
    ],
)
def test_the_label_is_nineteen_ascii_characters_at_the_very_beginning(subject: str, is_fine: bool) -> None:
    explicit = replace(SHOP, is_sexually_explicit=True)
    assert codes(subject, TEXT, explicit) == ([] if is_fine else ["canspam.sexually-explicit"])
    assert codes(subject) == []
    assert len(LABEL) == 19


def test_every_subject_field_bears_the_label() -> None:
    explicit = replace(SHOP, is_sexually_explicit=True)
    assert codes(f"{LABEL}x", TEXT, explicit, (b"Subject", b" x")) == ["canspam.sexually-explicit"]


# -- template tags -----------------------------------------------------------------------------------------------------
TAGS = [
    "{{first_name}}",
    "{{ contact.name | default: 'you' }}",
    "{{{unsubscribe}}}",
    "{% if x %}",
    "*|FNAME|*",
    "*|LIST:ADDRESS|*",
    "%%First_Name%%",
    "<%= name %>",
    "%recipient.first%",
    "%{link}",
    "%unsubscribe_url%",
    "[First Name]",
    "[FNAME]",
    "[Company Name]",
    "<<First Name>>",
]
LOOSE = ["${name}", "{first_name}", "{firstname}", "%FIRST_NAME%"]
UNFILLED = ["canspam.unfilled-template"]


@pytest.mark.parametrize("tag", TAGS + LOOSE)
@pytest.mark.parametrize("who", [SHOP, PORTAL, ORDERS])
def test_tags_in_subject_author_or_greeting_are_found(tag: str, who: Identity) -> None:
    facts = Facts((Known(View("Hi")),))
    assert codes(f"News for {tag}", "Hi", who) == UNFILLED
    assert codes("News", f"Dear {tag},\nHi", who) == UNFILLED
    (finding,) = check(message("News", author=f' "{tag}" <a@corp.example>'.encode()), facts, who)
    assert (finding.rule.code, finding.where) == (UNFILLED[0], "From")


@pytest.mark.parametrize("tag", TAGS)
def test_tags_anywhere_in_the_text_are_found(tag: str) -> None:
    assert codes("News", "word " * 200 + tag, PORTAL) == UNFILLED


@pytest.mark.parametrize("tag", LOOSE)
def test_what_code_has_as_well_counts_in_commercial_text_only(tag: str) -> None:
    assert codes("News", "word " * 200 + tag, SHOP) == UNFILLED
    assert codes("News", "word " * 200 + tag, PORTAL) == []


@pytest.mark.parametrize(
    "text", ["Hello ,\nyour lamp", "Dear  , your lamp", "Hallo ,", "Olá , tudo bem", "Word\nBonjour ,"]
)
def test_a_greeting_of_nobody_is_found(text: str) -> None:
    assert codes("News", text, ORDERS) == UNFILLED


@pytest.mark.parametrize(
    "text",
    [
        "Hello, your lamp",
        "Hello Kim, your lamp",
        '{"name": "lamp", "price": {"usd": 5}}',
        "p { margin: 0 } a { color: red }",
        "[Unsubscribe] [1] [sic] [email protected]",
        "100%% sure, 50 % of 20%",
        "for (x) { y_z(); }",
        "lamps {10% off}",
        "a << b >> c",
        "build ${{ matrix.os }} failed",
        "{} {{}} {{ }}",
        "5 < 10 %, 20 > 10 %>",
        "/cgi?x=%2Fname%20of",
        "[name=value]",
    ],
)
def test_other_brackets_and_signs_are_no_tags(text: str) -> None:
    assert codes("News", text) == []


@pytest.mark.parametrize(
    "who",
    [
        None,
        *(Identity("p", Kind.PERSON, c) for c in MailClass),
        *(Identity("f", Kind.FORWARDER, c) for c in MailClass),
        Identity("s", Kind.SERVICE, MailClass.PERSONAL),
    ],
)
def test_persons_and_forwarders_are_never_looked_at(who: Identity | None) -> None:
    assert codes("Re: your order {{name}}", "Hello ,", who) == []


def test_the_detail_is_printable() -> None:
    facts = Facts((Known(View("{{x\u202e\u0007é}}")),))
    (finding,) = check(message("News"), facts, SHOP)
    assert finding.detail.isascii()
    assert finding.detail.isprintable()


@given(st.text(max_size=80), st.text(alphabet="{}[]<>%*|$ axN_.\n,Hielo", max_size=300))
def test_no_text_raises(subject: str, text: str) -> None:
    codes("".join(c for c in subject if c.isprintable()), text)


@pytest.mark.parametrize(
    "piece", ["{{", "{{a", "*|A", "%%a", "<%=", "${a", "{a_", "%A_", "[first ", "<<", "Hello ", "re:", "1 "]
)
def test_time_is_bounded_in_hostile_text(piece: str) -> None:
    before = time.process_time()
    codes((piece * 300)[:900], piece * 100_000)
    assert time.process_time() - before < 1.0
