"""Address fields as Sendmail leaves them: examples seen with Sendmail 8.17, and properties that hold for all fields.

What the examples say of Sendmail is shown on a running one in tests/drivers/test_sendmail.py.
"""

import re
import time
from email.utils import getaddresses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealgate.mail.address import AddressError, parse_mailboxes
from sealgate.mail.headers import decoded
from sealgate.mail.settled import MAX_ITEM, settled

HOST = b"mail.example.test"


def of(value: bytes, name: bytes = b"To") -> bytes | None:
    done = settled(name, b" " + value, HOST)
    return None if done is None else done.removeprefix(b" ")


@pytest.mark.parametrize(
    "value",
    [
        b"a@example.org",
        b"<a@example.org>",
        b"Alice Smith <a@example.org>",
        b'"J. R. Alice" <a@example.org>',
        b'"Alice \\"Al\\" Smith" <a@example.org>',
        b"a@example.org (Alice)",
        b"(Alice) a@example.org",
        b"Alice (work) <a@example.org> (home)",
        b"a@example.org (a (nested) comment)",
        b"=?utf-8?B?SsO2cmc=?= =?utf-8?q?J=C3=B6?= <a@example.org>",
        "Jörg Á <a@example.org>".encode(),
        b"Friends: a@example.org, b@example.org;",
        b"undisclosed-recipients:;",
        b"undisclosed recipients: ;",
        b"Friends:a@example.org;, c@example.org",
        b'"the reader"@example.org',
        b"a@[192.0.2.1]",
        b"a%b@example.org",
        b"<>",
        b"",
    ],
)
def test_what_sendmail_leaves_is_left(value: bytes) -> None:
    assert of(value) == value


@pytest.mark.parametrize(
    ("value", "became"),
    [
        (b"J. R. Alice <a@example.org>", b'"J. R. Alice" <a@example.org>'),
        (b"O'Alice <a@example.org>", b'"O\'Alice" <a@example.org>'),
        (b"O'Alice<a@example.org>", b'"O\'Alice"<a@example.org>'),
        (b"Alice [x] <a@example.org>", b'"Alice [x]" <a@example.org>'),
        (b"a@b.test <a@example.org>", b'"a@b.test" <a@example.org>'),
        (b'Dr. "A" B. <a@example.org>', b'"Dr." "A" "B." <a@example.org>'),
        (b"Alice J. (work) <a@example.org>", b'"Alice J." (work) <a@example.org>'),
        (b"=?utf-8?q?J=C3=B6?= O'N <a@example.org>", b'=?utf-8?q?J=C3=B6?= "O\'N" <a@example.org>'),
        (b"=?utf-8?Q?J._R'?= <a@example.org>", b"=?utf-8?Q?J=2E_R=27?= <a@example.org>"),
        (b"a@example.org(x)", b"a@example.org (x)"),
        (b"(x)(y) a@example.org", b"a@example.org (x) (y)"),
        (b"A < a @ example.org >", b"A <a@example.org>"),
        (b"a @ example.org", b"a@example.org"),
        (b"a@example.org,b@example.org", b"a@example.org, b@example.org"),
        (b"a@example.org , ,b@example.org,", b"a@example.org, b@example.org"),
        (b"A.B : a@example.org ,b@example.org ;", b'"A.B": a@example.org, b@example.org;'),
        (b"a@MAIL.Example.Test", b"a@mail.example.test"),
        (b"reader", b"reader@mail.example.test"),
        (b"Reader <reader>", b"Reader <reader@mail.example.test>"),
    ],
)
def test_what_sendmail_changes_is_changed_before(value: bytes, became: bytes) -> None:
    assert of(value) == became
    assert of(became) == became


@pytest.mark.parametrize(
    "value",
    [
        b"a@localhost",
        b"a@mail",
        b"a@example.org.",
        b'"no end <a@example.org>',
        b"(no end <a@example.org>",
        b"no end <a@example.org",
        b"end> <a@example.org>",
        b"A <a@example.org> B",
        b"A <a@example.org> <b@example.org>",
        b"<@route.test:a@example.org>",
        b"A <a(c)@example.org>",
        b"a (c) @example.org",
        b"a@b@example.org",
        b"a b@example.org",
        b"A \\(x\\) <a@example.org>",
        b"A; B <a@example.org>",
        b"Friends: a@example.org",
        b"Friends: Others: a@example.org;",
        b"=?utf-8?Q?A,_B?= <a@example.org>",
        b"=?utf-8?B?SsO2.?= <a@example.org>",
        b"=?utf-8?Q?x?=@example.org",
        b"A\0B <a@example.org>",
        b"A\rB <a@example.org>",
        b"(only a comment)",
        b'"' + b"x" * 300 + b'" <a@example.org>',
    ],
)
def test_what_is_not_understood_is_left_to_be_said(value: bytes) -> None:
    assert of(value) is None


def test_without_the_relays_name_none_is_put_in() -> None:
    assert settled(b"To", b" reader", b"") is None


def test_a_list_is_folded_where_sendmail_folds_it() -> None:
    value = of(b",".join(b"r%d@example.org" % i for i in range(12)))
    assert value is not None
    lines = value.split(b"\r\n")
    assert lines[1].startswith(b"        r")
    assert len(b"To: " + lines[0]) - 1 <= 78  # the comma is not counted
    assert max(len(line) - 1 for line in lines) <= 78


WORDS = st.sampled_from([
    "Alice", "J.", "O'Neill", '"J. R."', '"a \\"b\\""', "=?utf-8?q?J=C3=B6?=", "=?utf-8?Q?a.b?=", "é", "[x]", "A@B",
    "-", " ", "\t", "\r\n ", "(work)", "(a (b) c)", "(J. R.)",
])  # fmt: skip
ADDRESSES = st.sampled_from([
    "a@example.org", "o'b@example.org", '"a b"@example.org', "a @ example.org", "a@MAIL.example.test", "é@example.org",
    "a+b@sub.example.org",
])  # fmt: skip
BOXES = st.one_of(
    ADDRESSES,
    st.builds(lambda words, address: f"{''.join(words)}<{address}>", st.lists(WORDS, max_size=5), ADDRESSES),
    st.builds(lambda address, word: f"{address} {word}", ADDRESSES, st.sampled_from(["(c)", "(J. R.)", ""])),
)
FIELDS = st.lists(BOXES, min_size=1, max_size=6).map(lambda boxes: (" " + ",".join(boxes)).encode())


def _read_by_another(value: bytes) -> list[str]:
    found = getaddresses([value.decode().replace("\r\n", "")])
    return [re.sub(r"\s", "", address).lower() for _, address in found]


@given(FIELDS)
def test_it_is_settled_at_once(value: bytes) -> None:
    once = settled(b"To", value, HOST)
    assert once is not None
    assert settled(b"To", once, HOST) == once


@given(FIELDS)
def test_addresses_and_names_stay(value: bytes) -> None:
    """By the gate's own strict reading, and by another one that takes more."""
    done = settled(b"To", value, HOST)
    assert done is not None
    if b"[x]" not in value and b"A@B" not in value:  # unquoted, the other reader takes them for addresses
        assert _read_by_another(done) == _read_by_another(value)
    try:
        before = parse_mailboxes(value)
    except AddressError:
        return
    after = parse_mailboxes(done)
    assert [box.address for box in after] == [box.address for box in before]
    names = [[" ".join(text.replace('"', "").split()) for text in (box.name, box.comment)] for box in before]
    assert [[" ".join(text.replace('"', "").split()) for text in (box.name, box.comment)] for box in after] == names


@given(st.binary(max_size=60), st.sampled_from([b"From", b"To", b"rEPLY-tO"]))
def test_no_octets_make_it_raise_and_what_it_gives_is_settled(value: bytes, name: bytes) -> None:
    done = settled(name, value, HOST)
    if done is not None:
        assert settled(name, done, HOST) == done
        assert b"\n" not in done.replace(b"\r\n ", b"") or not value.strip(b" \t\r\n")


@given(st.text(st.sampled_from("ab@.<>()[]\"'\\,:; \t=?"), max_size=40))
def test_the_marks_of_addresses_in_any_order(text: str) -> None:
    done = settled(b"To", text.encode(), HOST)
    assert done is None or settled(b"To", done, HOST) == done


@pytest.mark.parametrize(
    "piece", [b"(", b'"', b"<", b"a,", b"(a)", b'""', b'<"', b"a@", b"=?a?q?", b"\\", b"a ", b"((a)", b". "]
)
def test_its_time_grows_with_the_field(piece: bytes) -> None:
    started = time.process_time()
    settled(b"To", piece * (60_000 // len(piece)), HOST)
    settled(b"To", b"x " + piece * (59_000 // len(piece)) + b" <a@example.org>", HOST)
    assert time.process_time() - started < 1.5


def test_a_dot_in_an_encoded_word_is_shown_as_before() -> None:
    word = b"=?utf-8?Q?J._R=C3=B6sli's?="
    done = of(word + b" <a@example.org>")
    assert done is not None
    assert decoded(done) == decoded(word + b" <a@example.org>")


def test_the_longest_that_sendmail_keeps_whole() -> None:
    name = b"x" * (MAX_ITEM - len(b'"" <a@example.org>'))
    assert of(b'"' + name + b'" <a@example.org>') is not None
    assert of(b'"' + name + b'x" <a@example.org>') is None
