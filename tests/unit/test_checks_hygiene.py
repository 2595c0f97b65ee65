"""Form: field names that are none, and what the MIME splitter named."""

import pytest

from sealgate.checks.caller import Caller
from sealgate.checks.hygiene import check_end
from sealgate.mail.headers import Field, Headers
from sealgate.mail.message import Envelope, Message, Session
from sealgate.mail.mime import Body
from sealgate.profile.model import Identity, Kind, MailClass

CALLER = Caller(identity=Identity("alice", Kind.PERSON, MailClass.PERSONAL), via="login")
LISTS = Caller(identity=Identity("lists", Kind.FORWARDER, MailClass.AUTO), via="login")


def judged(*fields: tuple[bytes, bytes], caller: Caller = CALLER) -> list[str]:
    headers = Headers(tuple(Field(*field) for field in fields))
    message = Message("X", 0.0, Session("s", "", 1), Envelope(b"<>"), headers, Body(0))
    return [f.rule.code for f in check_end(message, caller)]


def codes(*names: bytes) -> list[str]:
    return judged(*((name, b" x") for name in names))


@pytest.mark.parametrize(
    "name", [b"Fr\x00om", b"From\x0b", b"From\xa0", b"\x7fFrom", b"Fr om", b" From", b"", b"From\r"]
)
def test_a_name_with_other_characters_is_one_field_to_some_readers_only(name: bytes) -> None:
    assert codes(b"From", name) == ["form.field-name"]


def test_any_printable_name_and_blanks_before_the_colon_pass() -> None:
    """RFC 5322 3.6.8; blanks there are 4.5's obsolete form, which every reader takes for the field."""
    assert codes(b"From ", b"X-Odd'(name)!", b"to\t") == []


@pytest.mark.parametrize(
    "value",
    [
        b" Hello\x0bFrom: ceo@example.test",
        b" a\x0cb",
        b" a\xc2\x85b",
        b" a\xe2\x80\xa8b",
        b" a\xe2\x80\xa9b",
        b" a\x00b",
        b" a\x1cb",
        b" a\rb",
        b" a\r",
        b" \x1b[1m",
        b" =?utf-8?q?Hello=0D=0AFrom:_ceo=40example.test?=",
        b" =?utf-8?b?SGkKRnJvbTogYw==?=",
    ],
)
def test_a_line_hidden_in_a_field_is_found(value: bytes) -> None:
    assert judged((b"Subject", value)) == ["form.hidden-line"]
    assert judged((b"Subject", value), caller=LISTS) == []


@pytest.mark.parametrize(
    "value",
    [
        b" Hello\r\n\tfolded",
        b" caf\xe9 \x85",
        b" \xe2\x80\xa6",
        b" =?utf-8?q?Hello=0A?=",
        b" =?utf-8?q?Re:_Hello?=",
        b"\ttab",
    ],
)
def test_folds_letters_of_any_charset_and_a_stray_encoded_newline_pass(value: bytes) -> None:
    assert judged((b"Subject", value)) == []
