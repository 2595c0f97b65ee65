"""Whose mail is guessed at, and the rule of 16 CFR 316.3(a)(2) for senders declared transactional."""

import pytest

from sealgate.checks.classify import check
from sealgate.checks.facts import Facts, Known, Unknown
from sealgate.mail.headers import Field, Headers
from sealgate.mail.message import Envelope, Message, Session
from sealgate.mail.mime import Body, TextPart
from sealgate.mail.visible import View
from sealgate.profile.model import Identity, Kind, MailClass

OFFER = "Autumn sale: 30% off all lamps, today only. Shop now and save up to $40 with this coupon. Free shipping.\n"
ORDER = "Your order 48110 has shipped. Tracking number 1Z00. Out for delivery on Monday. View your invoice.\n"
FILLER = "The lamp is made of steel and stands on three legs of different length in any room. " * 8


def message(subject: bytes) -> Message:
    body = Body(0, (TextPart("1", "plain", "utf-8", b""),))
    headers = Headers((Field(b"Subject", subject),))
    return Message("r1", 0.0, Session("smtp", "", 0), Envelope(b"<a@corp.example>"), headers, body)


def identity(mail_class: MailClass, kind: Kind = Kind.SERVICE) -> Identity:
    return Identity("x", kind, mail_class)


def found(subject: bytes, text: str, who: Identity | None) -> list[str]:
    return [f.rule.code for f in check(message(subject), Facts((Known(View(text)),)), who)]


@pytest.mark.parametrize(
    ("mail_class", "codes"),
    [
        (MailClass.AUTO, ["canspam.looks-commercial"]),
        (MailClass.TRANSACTIONAL, ["canspam.transactional-advertises"]),
        (MailClass.COMMERCIAL, []),  # declared: nothing to guess
        (MailClass.PERSONAL, []),
    ],
)
def test_what_an_advertisement_comes_to_depends_on_the_declared_class(mail_class: MailClass, codes: list[str]) -> None:
    assert found(b" Save 30%", OFFER, identity(mail_class)) == codes


@pytest.mark.parametrize("kind", [Kind.PERSON, Kind.FORWARDER])
@pytest.mark.parametrize("mail_class", list(MailClass))
def test_a_persons_and_a_forwarders_mail_is_never_looked_at(kind: Kind, mail_class: MailClass) -> None:
    assert found(b" Save 30%", OFFER, identity(mail_class, kind)) == []
    assert found(b" Save 30%", OFFER, None) == []


@pytest.mark.parametrize(
    ("subject", "text"),
    [
        (b" Your order has shipped", ORDER),
        (b" Your order has shipped", ORDER + FILLER + OFFER),  # recommendations below a confirmation
        (b" Your order has shipped", "Free delivery | Your orders\n" + ORDER + OFFER),
        (b" Receipt", "We received your payment of $30.00. Invoice 2201.\nTell a friend and save 10%."),
        (b" Your code", "Your verification code is 114902."),
        (b" Hello", "The library is closed on Monday."),
    ],
)
def test_a_transaction_first_keeps_it_transactional(subject: bytes, text: str) -> None:
    assert found(subject, text, identity(MailClass.TRANSACTIONAL)) == []


@pytest.mark.parametrize(
    ("subject", "text", "why"),
    [
        (b" 30% off everything: sale ends tonight", ORDER, "the subject reads like an advertisement"),
        (b" News for you", OFFER + FILLER + ORDER, "no transaction at the beginning"),
        (b" Your order", "Use this coupon: 20% off, shop now.\n" + ORDER, "an offer above the transaction ("),
    ],
)
def test_an_offer_first_makes_it_an_advertisement(subject: bytes, text: str, why: str) -> None:
    (finding,) = check(message(subject), Facts((Known(View(text)),)), identity(MailClass.TRANSACTIONAL))
    assert finding.rule.code == "canspam.transactional-advertises"
    assert finding.detail.startswith(why)


def test_an_unread_part_leaves_the_subject() -> None:
    auto, unread = identity(MailClass.AUTO), Facts((Unknown("dead"),))
    assert check(message(b" Sale: save 50% today only"), unread, auto)
    assert check(message(b" Minutes"), unread, auto) == ()


def test_the_detail_tells_score_and_reasons() -> None:
    (finding,) = check(message(b" Save 30%"), Facts((Known(View(OFFER)),)), identity(MailClass.AUTO))
    assert "commercial from 1.5" in finding.detail
    assert "beginning offer +2.1" in finding.detail


def test_nothing_of_the_sender_breaks_the_detail() -> None:
    facts = Facts((Known(View(OFFER + "Grátis \u202e")),))
    (finding,) = check(message(b" =?utf-8?q?Gr=C3=A1tis=0Asale?="), facts, identity(MailClass.AUTO))
    assert finding.detail.isascii()
    assert finding.detail.isprintable()
