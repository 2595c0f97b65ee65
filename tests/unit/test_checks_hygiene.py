"""Form: field names that are none, and what the MIME splitter named."""

import pytest

from sealgate.checks.hygiene import check_end
from sealgate.mail.headers import Field, Headers
from sealgate.mail.message import Envelope, Message, Session
from sealgate.mail.mime import Body


def codes(*names: bytes) -> list[str]:
    headers = Headers(tuple(Field(name, b" x") for name in names))
    return [f.rule.code for f in check_end(Message("X", 0.0, Session("s", "", 1), Envelope(b"<>"), headers, Body(0)))]


@pytest.mark.parametrize("name", [b"Fr\x00om", b"From\x0b", b"From\xa0", b"\x7fFrom", b"Fr om", b" From", b"", b"From\r"])
def test_a_name_with_other_characters_is_one_field_to_some_readers_only(name: bytes) -> None:
    assert codes(b"From", name) == ["form.field-name"]


def test_any_printable_name_and_blanks_before_the_colon_pass() -> None:
    """RFC 5322 3.6.8; blanks there are 4.5's obsolete form, which every reader takes for the field."""
    assert codes(b"From ", b"X-Odd'(name)!", b"to\t") == []
