"""Form: field names that are none, and what the MIME splitter named."""

from base64 import b64encode

import pytest

from sealgate.checks.caller import Caller
from sealgate.checks.finding import Finding
from sealgate.checks.hygiene import check_end
from sealgate.mail.headers import Field, Headers
from sealgate.mail.message import Envelope, Message, Session
from sealgate.mail.mime import AMBIGUOUS, OVER_LIMITS, Body
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


def finding_of(*fields: tuple[bytes, bytes], body: Body | None = None) -> Finding:
    """The one finding that a message of these fields meets."""
    headers = Headers(tuple(Field(*field) for field in fields))
    (found,) = check_end(Message("X", 0.0, Session("s", "", 1), Envelope(b"<>"), headers, body or Body(0)), CALLER)
    return found


def test_a_finding_names_the_field_and_the_octets_for_the_log() -> None:
    odd = finding_of((b"From", b" a@b"), (b"Fr\xa0m", b" c@d"), (b"T o", b" e@f"))
    assert (odd.detail, odd.where) == ("Fr?m", "header")
    octets = finding_of((b"X-A", b" fine"), (b"Subject", b" a\xe2\x80\xa8b"), (b"X-B", b" a\0b"))
    assert (octets.detail, octets.where) == ("Subject holds e2 80 a8", "Subject")
    word = finding_of((b"Comments", b" =?utf-8?q?Hello=0D=0AFrom:_c?="))
    assert (word.detail, word.where) == ("Comments holds a line break in an encoded-word", "Comments")


@pytest.mark.parametrize("octet", [*range(0x20), 0x7F])
def test_every_control_character_but_tab_is_found(octet: int) -> None:
    """A line feed alone is the fold that MTAs make of CR LF."""
    for value in (b" a%cb", b" a%c", b"%cb", b" a%c b"):
        expected = [] if octet in b"\t\n" else ["form.hidden-line"]
        assert judged((b"Subject", value % octet)) == expected


def test_a_carriage_return_is_part_of_a_fold_only_before_a_line_feed() -> None:
    assert judged((b"Subject", b" a\r\n b\r\n\tc")) == []
    assert judged((b"Subject", b" a\r b\r\n c")) == ["form.hidden-line"]
    assert judged((b"Subject", b" a\r\n b\rc")) == ["form.hidden-line"]


@pytest.mark.parametrize("c", [*"\r\n\v\f\x1c\x1d\x1e\x85\u2028\u2029"])
def test_every_line_break_that_an_encoded_word_can_bring_is_found_before_a_field_only(c: str) -> None:
    def word(text: str) -> bytes:
        return b" =?utf-8?b?" + b64encode(text.encode()) + b"?="

    name = "".join(map(chr, range(0x21, 0x7F))).replace(":", "")[:70]  # the longest name that is looked for
    for field in ("From: a@b", "\t From \t: a@b", "x:", f"{name}:", "~!:", "9;:"):
        assert judged((b"Subject", word(f"Hello{c}{field}"))) == ["form.hidden-line"]
    for harmless in ("From a@b", "From a: b", ": b", "", "From\xa0:"):
        assert judged((b"Subject", word(f"Hello{c}{harmless}"))) == []
    assert judged((b"Subject", word("Hello From: a@b"))) == []


@pytest.mark.parametrize("octet", range(0x100))
def test_a_field_name_is_of_printable_ascii_without_the_colon(octet: int) -> None:
    """RFC 5322 3.6.8; a blank may follow."""
    is_plain = 0x21 <= octet <= 0x7E and octet != 0x3A
    assert codes(b"X%cX" % octet) == ([] if is_plain else ["form.field-name"])
    assert codes(b"%c" % octet) == ([] if is_plain else ["form.field-name"])
    assert codes(b"X%c" % octet) == ([] if is_plain or octet in b" \t" else ["form.field-name"])


def test_defects_of_the_body_are_told_by_name_and_held_against_forwarders_too() -> None:
    ambiguous, over = sorted(AMBIGUOUS)[:2], sorted(OVER_LIMITS)[:1]
    found = finding_of(body=Body(0, defects=(ambiguous[0], "unheard-of", ambiguous[1])))
    assert (found.rule.code, found.detail, found.where) == ("mime.ambiguous", ", ".join(ambiguous), "body")
    message = Message("X", 0.0, Session("s", "", 1), Envelope(b"<>"), Headers(()), Body(0, defects=(*over, *ambiguous)))
    assert [f.rule.code for f in check_end(message, LISTS)] == ["mime.ambiguous", "form.over-limits"]
