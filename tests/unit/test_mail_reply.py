"""Replies can be sent as they are, whatever a sender wrote."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealgate.mail.reply import MAX_TEXT, Reply, printable


@pytest.mark.parametrize(
    ("code", "enhanced", "text"),
    [
        ("550", "4.7.1", "x"),
        ("250", "2.0.0", "x"),
        ("550", "5.7.1", ""),
        ("550", "5.7.1", "two\nlines"),
        ("550", "5.7.1", "50 % off"),
        ("550", "5.7.1", "Bj\u00f6rn"),
        ("550", "5.7.1", "x" * (MAX_TEXT + 1)),
        ("5500", "5.7.1", "x"),
    ],
)
def test_what_cannot_be_sent_cannot_be_made(code: str, enhanced: str, text: str) -> None:
    with pytest.raises(ValueError, match="repl"):
        Reply(code, enhanced, text)


@given(st.text(), st.integers(4, MAX_TEXT))
def test_printable_makes_anything_sendable(text: str, limit: int) -> None:
    shown = printable(text, limit)
    assert len(shown) <= limit
    assert not shown or Reply("550", "5.7.1", shown).text == shown
