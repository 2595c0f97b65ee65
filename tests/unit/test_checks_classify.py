"""The primary-purpose test: subject and beginning weigh most, a transaction first keeps a message transactional."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealgate.checks.classify import Guess, check, classify
from sealgate.checks.facts import Facts, Known, Unknown
from sealgate.mail.headers import Field, Headers
from sealgate.mail.message import Envelope, Message, Session
from sealgate.mail.mime import Body, TextPart
from sealgate.mail.visible import Link, View
from sealgate.profile.model import Identity, Kind, MailClass

OFFER = "Autumn sale: 30% off all lamps, today only. Shop now and save up to $40 with this coupon. Free shipping.\n"
ORDER = "Your order 48110 has shipped. Tracking number 1Z00. Out for delivery on Monday. View your invoice.\n"
FILLER = "The lamp is made of steel and stands on three legs of different length in any room. " * 8


@pytest.mark.parametrize(
    ("subject", "text"),
    [
        ("Save 30% this weekend", OFFER),
        ("Only today", OFFER + FILLER),
        ("Nur heute: 20 % Rabatt", "Jetzt kaufen und sparen. Angebote ab 9,99 €."),
        ("Só hoje: 40% de desconto", "Aproveite as ofertas. Compre agora por R$ 19,90."),
        ("Soldes d'hiver", "Profitez de nos offres : remise de 20 %."),
        ("\U0001d5e6\U0001d5ee\U0001d5f9\U0001d5f2 \U0001d5e2\U0001d5f3\U0001d5f3\U0001d5f2\U0001d5ff", "Buy now"),
    ],
)
def test_advertisements_are_commercial(subject: str, text: str) -> None:
    assert classify(subject, (View(text),)).is_commercial


@pytest.mark.parametrize(
    ("subject", "text"),
    [
        ("Your order has shipped", ORDER),
        ("Your order has shipped", ORDER + FILLER + OFFER),  # recommendations below an order
        ("Verify your email", "Your verification code is 114 902."),
        ("Password reset", "Reset your password here."),
        ("Lunch on Thursday?", "Shall we meet at noon? I will be in the office. Kim"),
        ("Re: sale of the old printer", "On Mon Kim wrote:\n> is it still for sale?\nYes. Free on Friday?"),
        ("Minutes", "Please find the minutes attached."),
        ("", ""),
    ],
)
def test_transactions_and_letters_are_not(subject: str, text: str) -> None:
    assert not classify(subject, (View(text),)).is_commercial


def test_an_offer_above_an_order_counts_more_than_below() -> None:
    above, below = classify("News", (View(OFFER + FILLER + ORDER),)), classify("News", (View(ORDER + FILLER + OFFER),))
    assert above.score > below.score
    assert above.is_commercial
    assert not below.is_commercial


def test_a_footer_that_denies_is_no_evidence() -> None:
    plain = classify("Save 30%", (View(OFFER),))
    assert classify("Save 30%", (View(OFFER + "This is not a marketing email."),)) == plain


def test_no_view_leaves_the_subject() -> None:
    assert classify("Sale: save 50% today only", ()).is_commercial
    assert classify("", ()) == Guess(False, 0.0, ())


def test_reasons_say_what_was_counted() -> None:
    reasons = classify("Save 30%", (View("Hello"),)).reasons
    assert any("subject offer" in reason and "save" in reason for reason in reasons)


def message(subject: bytes) -> Message:
    body = Body(0, (TextPart("1", "plain", "utf-8", b""),))
    headers = Headers((Field(b"Subject", subject),))
    return Message("r1", 0.0, Session("smtp", "", 0), Envelope(b"<a@corp.example>"), headers, body)


def identity(mail_class: MailClass) -> Identity:
    return Identity("x", Kind.SERVICE, mail_class)


def test_only_the_class_auto_is_guessed_at() -> None:
    facts = Facts((Known(View(OFFER)),))
    for mail_class in MailClass:
        codes = [f.rule.code for f in check(message(b" Save 30%"), facts, identity(mail_class))]
        assert codes == (["canspam.looks-commercial"] if mail_class is MailClass.AUTO else [])
    assert check(message(b" Save 30%"), facts, None) == ()


def test_an_unread_part_leaves_the_subject() -> None:
    auto = identity(MailClass.AUTO)
    assert check(message(b" Sale: save 50% today only"), Facts((Unknown("dead"),)), auto)
    assert check(message(b" Minutes"), Facts((Unknown("dead"),)), auto) == ()


def test_nothing_of_the_sender_breaks_the_detail() -> None:
    facts = Facts((Known(View(OFFER + "Grátis \u202e")),))
    (finding,) = check(message(b" =?utf-8?q?Gr=C3=A1tis=0Asale?="), facts, identity(MailClass.AUTO))
    assert finding.detail.isascii()
    assert finding.detail.isprintable()


@given(st.text(max_size=120), st.text(max_size=600))
def test_no_text_raises(subject: str, text: str) -> None:
    classify(subject, (View(text),))


@pytest.mark.parametrize("piece", ["sale ", "> ", "$1 ", "1%", "re: ", "\ufdfa"])
def test_time_is_bounded_in_hostile_text(piece: str) -> None:
    text = piece * 200_000
    links = tuple(Link("a", "https://corp.example", n) for n in range(10_000))
    before = time.process_time()
    classify(text, (View(text, links),))
    assert time.process_time() - before < 2.0
