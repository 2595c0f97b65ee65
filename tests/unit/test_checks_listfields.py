"""The fields that lists and programs write are of the form their standards give; a fault is named by its field."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sealgate.checks.listfields import check
from sealgate.mail.headers import Field, Headers
from sealgate.mail.message import Envelope, Message, Session
from sealgate.mail.mime import Body
from sealgate.profile.model import Identity, Kind, MailClass

SERVICE = Identity("tickets", Kind.SERVICE, MailClass.TRANSACTIONAL)


def message(*fields: tuple[str, bytes]) -> Message:
    headers = Headers(tuple(Field(name.encode(), b" " + value) for name, value in fields))
    return Message("r1", 0.0, Session("s", "", 0), Envelope(b"<n@example.test>"), headers, Body(0))


def faults(name: str, *values: bytes, who: Identity = SERVICE) -> list[str]:
    found = check(message(*((name, value) for value in values)), who)
    assert all(f.rule.code == "list.form" and f.where.lower() == name.lower() for f in found)
    return [f.detail for f in found]


GOOD = {
    "List-Id": [
        b"<news.example.test>",
        b"Example News <news.example.test>",
        b'"News, weekly" <news.example.test> ',
        b"=?utf-8?q?Caf=C3=A9?=\r\n <news.example.test>",
        "Café <news.example.test>".encode(),
        b"A list <1234=x.550089.localhost>",
    ],
    "Feedback-ID": [b"c:b:a:example", b"campaign:example", b"::1.eu-1.abc=:example", b"example"],
    "Precedence": [b"bulk", b"List", b"junk"],
    "Auto-Submitted": [
        b"no",
        b"auto-generated",
        b"Auto-Replied",
        b'auto-notified; owner-email="a;b@example.test"',
        b"auto-generated (rejected; really); x=y",
    ],
    "List-Post": [b"<mailto:list@example.test>", b"NO", b"NO (posting is closed)"],
    "List-Help": [b"<https://www.example.test/help> (how to), <mailto:help@example.test>"],
    "List-Archive": [b"<https://www.example.test/archive>"],
    "List-Unsubscribe": [b"<mailto:leave@example.test>"],
}
BAD = {
    "List-Id": [
        b"news.example.test",
        b"<news>",
        b"<news..test>",
        b"<news@example.test>",
        b"<the news.example.test>",
        b"<news.example.test> more",
        b"News, weekly <news.example.test>",
        b"<a.test> <b.test>",
        b"<news.example.test",
        b"",
        b"<" + b"a." * 150 + b"test>",
    ],
    "Feedback-ID": [
        b"a:b:c:d:example",
        b"a:b:c:abcd",
        b"a:b:c:sixteencharacters",
        b"a b:example",
        b"a:b:c:",
        b"\xff:examp",
    ],
    "Precedence": [b"first-class", b"normal", b"bulk, list", b""],
    "Auto-Submitted": [
        b"yes",
        b"auto",
        b"auto-generated, no",
        b"auto-replied; reason",
        b"auto-replied; a b=c",
        b"no (never closed",
        b"no )",
        b"",
    ],
    "List-Post": [b"mailto:list@example.test", b"NOT", b"<mailto:list@example.test> please", b"NO thanks"],
    "List-Help": [b"https://www.example.test/help", b"", b"<>"],
    "List-Archive": [b"<https://www.example.test/archive"],
    "List-Unsubscribe": [b"write to us"],
}  # fmt: skip


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in GOOD.items() for value in values])
def test_what_is_of_its_form_has_no_finding(name: str, value: bytes) -> None:
    assert faults(name, value) == []


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in BAD.items() for value in values])
def test_what_is_not_is_one_finding_that_names_the_field(name: str, value: bytes) -> None:
    assert len(faults(name, value)) == 1


@pytest.mark.parametrize("name", sorted(GOOD))
def test_a_field_may_stand_once(name: str) -> None:
    """RFC 2919 2, RFC 2369 3; of Feedback-ID Gmail takes one."""
    (detail,) = faults(name, GOOD[name][0], GOOD[name][0])
    assert "2 fields" in detail


def test_each_field_has_a_finding_of_its_own() -> None:
    sent = message(("List-Id", b"x"), ("Precedence", b"x"), ("Auto-Submitted", b"no"), ("Subject", b"x"))
    assert [f.where for f in check(sent, SERVICE)] == ["List-Id", "Precedence"]


@pytest.mark.parametrize("kind", [Kind.PERSON, Kind.FORWARDER])
def test_people_and_forwarders_are_left_alone(kind: Kind) -> None:
    """Neither wrote the field: mail programs and foreign lists do."""
    assert faults("Precedence", b"x", who=Identity("a", kind, MailClass.PERSONAL)) == []
    assert check(message(("Precedence", b"x")), None) == ()


def test_the_opt_out_of_commercial_mail_is_judged_elsewhere() -> None:
    commercial = Identity("news", Kind.SERVICE, MailClass.COMMERCIAL)
    assert faults("List-Unsubscribe", b"write to us", who=commercial) == []
    assert len(faults("List-Post", b"write to us", who=commercial)) == 1


@settings(max_examples=settings().max_examples // 4)
@given(
    st.sampled_from(sorted(GOOD)),
    st.one_of(st.binary(max_size=80), st.text('<>(),;:="\\ab.@? \r\n\té', max_size=60).map(str.encode)),
)
def test_nothing_raises_and_every_answer_is_printable(name: str, value: bytes) -> None:
    assert all(detail.isascii() and detail.isprintable() for detail in faults(name, value))


@pytest.mark.parametrize("name", sorted(GOOD))
@pytest.mark.parametrize("piece", [b"(", b"<", b'"', b"a;", b"a:", b"=?", b"()", b"<a.b>"])
def test_time_does_not_grow_with_the_square(name: str, piece: bytes) -> None:
    start = time.process_time()
    for size in (60_000, 8_000, 1_999):
        faults(name, (piece * size)[:size])
    assert time.process_time() - start < 0.5
