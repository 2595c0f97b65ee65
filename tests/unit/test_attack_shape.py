"""A shape becomes mail: templates filled in, missing fields added, octets framed for DATA and nothing else changed."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealgate.attack.shape import Cast, Mail, Shape

CAST = Cast("alice@example.test", "ceo@example.test", "me@example.test")


def made(header: bytes, **other: bytes) -> Mail:
    shape = Shape("x", "y", "z", True, header, **other)
    return shape.mail(CAST, "1@example.test", "today", "attack x 1")


def test_names_in_braces_are_filled_in_and_other_braces_stay() -> None:
    mail = made(b"From: {own} {x} {}\r\n", sender=b"<{victim}> AUTH={own}", body=b"{victim_local}\r\n")
    assert mail.sender == b"<ceo@example.test> AUTH=alice@example.test"
    assert mail.content.startswith(b"From: alice@example.test {x} {}\r\n")
    assert b"\r\n\r\nceo\r\n" in mail.content


def test_missing_fields_are_added_and_those_at_play_are_not() -> None:
    content = made(b"From: {own}\r\nSUBJECT : mine\r\nTomato: x\r\n").content
    head = content.partition(b"\r\n\r\n")[0]
    assert re.findall(rb"(?m)^([\w-]+)", head) == [b"From", b"SUBJECT", b"Tomato", b"To", b"Date", b"Message-ID"]


def test_the_subject_stands_in_the_text_too_where_no_broken_header_block_can_hide_it() -> None:
    assert made(b"no field\r\n").content.endswith(b"\r\nattack x 1\r\n")


@pytest.mark.parametrize(
    ("content", "framed"),
    [
        (b".\r\n", b"..\r\n.\r\n"),
        (b"a\r\n.b\r\n..c", b"a\r\n..b\r\n...c\r\n.\r\n"),
        (b"a\n.b\r.c\r\n", b"a\n.b\r.c\r\n.\r\n"),  # a bare CR or LF is not ours to call a line end
    ],
)
def test_dots_are_doubled_after_crlf_only(content: bytes, framed: bytes) -> None:
    assert Mail(b"", content).framed == framed


@given(st.lists(st.sampled_from([b"\r\n", b".", b"a", b"\n", b"\r", b"\0", b"\xff"]), max_size=30).map(b"".join))
def test_a_receiver_gets_the_octets_back(content: bytes) -> None:
    framed = Mail(b"", content).framed
    assert framed.endswith(b"\r\n.\r\n") or framed == b".\r\n" or content == b""
    body = framed.removesuffix(b".\r\n")
    undone = re.sub(rb"(\A|\r\n)\.", rb"\1", body)
    assert undone == (content if content.endswith(b"\r\n") else content + b"\r\n")
    assert b"\r\n.\r\n" not in body, "the message cannot end early"
