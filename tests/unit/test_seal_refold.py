"""Long signed fields are folded before a blank, and nothing else of them changes."""

import time

from hypothesis import given
from hypothesis import strategies as st

from sealgate.mail.folding import folded, has_long_line
from sealgate.mail.headers import Field, Headers
from sealgate.seal.canonical import relaxed_field
from sealgate.seal.refold import refold

IDS = b" ".join(b"<message.%d@lists.example.test>" % i for i in range(60))


def test_a_long_field_is_folded_and_its_place_named() -> None:
    headers = Headers((Field(b"To", b" a@b"), Field(b"References", b" <x@y>"), Field(b"References ", b" " + IDS)))
    done = refold(headers, {b"references", b"to"})
    ((name, index, value),) = done.edits
    assert (name, index, done.stuck) == (b"References", 2, ())
    assert value.replace(b"\r\n", b"") == b" " + IDS
    assert done.headers.fields[:2] == headers.fields[:2]
    assert done.headers.fields[2] == Field(b"References", value)


def test_what_is_not_signed_or_short_is_left_alone() -> None:
    headers = Headers((Field(b"X-Long", b" " + IDS), Field(b"Subject", b" " + b"y" * 980)))
    assert refold(headers, {b"subject"}).headers is headers


def test_a_word_without_a_blank_cannot_be_folded() -> None:
    headers = Headers((Field(b"Subject", b" " + b"y" * 999),))
    assert refold(headers, {b"subject"}).stuck == (b"Subject",)


def test_what_is_no_utf_8_cannot_be_handed_back() -> None:
    """pymilter takes text only; an edit with other octets would be a fault, and the message deferred for ever."""
    headers = Headers((Field(b"Subject", b" caf\xe9" * 300), Field(b"To", " žluť".encode() * 300)))
    done = refold(headers, {b"subject", b"to"})
    assert done.stuck == (b"Subject",)
    assert [name for name, _, _ in done.edits] == [b"To"]
    assert done.headers.fields[0] == headers.fields[0]


TEXT = st.lists(st.sampled_from([b" ", b"\t", b"a", b"word" * 30, b"\r\n ", b"\r\n\t", b"x" * 500]), max_size=40)


@given(TEXT.map(b"".join))
def test_a_fold_changes_nothing_that_is_read_or_signed(value: bytes) -> None:
    done = folded(b"Subject", value)
    if done is None:
        assert has_long_line(b"Subject", value)
        return
    assert done.replace(b"\r\n", b"") == value.replace(b"\r\n", b"")
    assert relaxed_field(b"Subject", done) == relaxed_field(b"Subject", value)
    assert not has_long_line(b"Subject", done)
    if not has_long_line(b"Subject", value):
        assert done == value
    else:
        assert all(line.strip() for line in done.split(b"\r\n") if line not in value.split(b"\r\n"))


def test_among_many_of_one_name_each_has_its_own_place() -> None:
    long, short = Field(b"To", b" " + b"a@b.test, " * 120), Field(b"to", b" c@d.test")
    done = refold(Headers((short, long, Field(b"Cc", b" e@f.test"), long, short, long)), {b"to", b"cc"})
    assert [index for _, index, _ in done.edits] == [2, 3, 5]


def test_beyond_what_is_looked_at_long_fields_are_named() -> None:
    """Places to fold at are looked for comma by comma: a megabyte of brackets must not cost a second."""
    headers = Headers((Field(b"To", b" " + b"<>" * 29_900),) * 16)
    began = time.process_time()
    assert refold(headers, {b"to"}).stuck == (b"To",)
    assert time.process_time() - began < 1.0
    ordinary = Headers((Field(b"To", b" " + b"a@b.test, " * 5_900),) * 3)
    assert len(refold(ordinary, {b"to"}).edits) == 3
