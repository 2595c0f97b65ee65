"""A message as files hold it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealgate.mail.filed import Filed, read_filed

CRLF = b"From: a@b.c\r\nSubject: x\r\n\ty\r\n\r\nHi\r\n\r\nyou\r\n"


@pytest.mark.parametrize(
    "octets",
    [CRLF, CRLF.replace(b"\r\n", b"\n"), b"From x@y Thu Jan  1 00:00:00 2026\n" + CRLF.replace(b"\r\n", b"\n"),
     b"\xef\xbb\xbf" + CRLF, b"\r\n\r\n" + CRLF, b">From x\r\n" + CRLF],
)  # fmt: skip
def test_every_kind_of_file_gives_the_same_message(octets: bytes) -> None:
    filed = read_filed(octets)
    assert filed is not None
    assert [(f.name, f.value) for f in filed.headers] == [(b"From", b" a@b.c"), (b"Subject", b" x\r\n\ty")]
    assert (filed.body, filed.notes) == (b"Hi\r\n\r\nyou\r\n", ())


def test_a_body_may_be_missing_and_need_not_end_a_line() -> None:
    for octets, body in ((b"From: a", b""), (b"From: a\n", b""), (b"From: a\n\n", b""), (b"From: a\n\nx", b"x")):
        filed = read_filed(octets)
        assert filed is not None
        assert (filed.body, filed.notes) == (body, ())


def test_what_was_assumed_is_said() -> None:
    filed = read_filed(b"From: a\r\nTo: b\nsome text\r\n\r\nmore")
    assert filed is not None
    assert filed.body == b"some text\r\n\r\nmore"
    assert [note[:20] for note in filed.notes] == ["the file mixes CRLF ", "line 3 is no header "]


@pytest.mark.parametrize("octets", [b"", b"\r\n", b"<html>", b" From: a", b"From x", b"\xff\xfe: x", b": x"])
def test_what_is_no_message_is_none(octets: bytes) -> None:
    assert read_filed(octets) is None


@given(st.lists(st.sampled_from([b"From", b":", b" ", b"\r", b"\n", b"\xff", b"x", b"From "]), max_size=30))
def test_nothing_is_raised_and_no_lone_lf_is_left(pieces: list[bytes]) -> None:
    filed = read_filed(b"".join(pieces))
    if isinstance(filed, Filed):
        assert filed.body.count(b"\n") == filed.body.count(b"\r\n")
        assert filed.headers.fields
