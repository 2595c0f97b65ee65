"""The strict address parser: what is refused, what ordinary people write, and properties of both."""

import contextlib
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealgate.mail.address import Address, AddressError, normal_domain, parse_address, parse_mailbox, parse_path

LEGITIMATE = [
    (b"alice@example.test", "", "alice@example.test"),
    (b" alice@example.test ", "", "alice@example.test"),
    (b"Alice <alice@example.test>", "Alice", "alice@example.test"),
    (b'"Example, Alice" <alice@example.test>', "Example, Alice", "alice@example.test"),
    (b"J. R. Alice <alice@example.test>", "J. R. Alice", "alice@example.test"),
    (b"O'Alice <o'alice@example.test>", "O'Alice", "o'alice@example.test"),
    (b"Alice (Sales) <alice@example.test>", "Alice (Sales)", "alice@example.test"),
    (b"alice@example.test (Alice)", "Alice", "alice@example.test"),
    (b"<alice@example.test>", "", "alice@example.test"),
    (b"Alice\r\n <alice@example.test>", "Alice", "alice@example.test"),
    (b"=?utf-8?q?Bj=C3=B6rn?= <bjorn@example.test>", "Björn", "bjorn@example.test"),
    (b"=?utf-8?b?QmrDtnJu?=\r\n =?utf-8?q?_A=2E?= <bjorn@example.test>", "Björn A.", "bjorn@example.test"),
    ("Björn <björn@example.test>".encode(), "Björn", "björn@example.test"),
    ("Bob 👩\u200d💻 <bob@example.test>".encode(), "Bob 👩\u200d💻", "bob@example.test"),
    ("Jörg <joerg@bücher.example>".encode(), "Jörg", "joerg@xn--bcher-kva.example"),
    (b"news+tag@Example.TEST", "", "news+tag@example.test"),
    (b'"bob@x.org via RT" <rt@example.test>', "bob@x.org via RT", "rt@example.test"),
]

HOSTILE = {
    "two mailboxes": b"mallory@example.test, dean@example.test",
    "two mailboxes in brackets": b"<mallory@example.test> <dean@example.test>",
    "group": b"Group: dean@example.test;",
    "empty group": b"undisclosed:;",
    "route": b"<@mallory.test:dean@example.test>",
    "two @": b"dean@example.test@mallory.test",
    "two @ in brackets": b"<mallory@mallory.test@example.test>",
    "unquoted address as name": b"dean@example.test <mallory@mallory.test>",
    "percent": b"dean%example.test@mallory.test",
    "bang": b"example.test!dean@mallory.test",
    "quoted local part": b'"dean@example.test"@mallory.test',
    "quoted local part in brackets": b'<"dean"@example.test>',
    "encoded-word in the address": b"=?utf-8?q?dean=40example.test?=@mallory.test",
    "comment before the address": b"(a@b.test)dean@example.test,",
    "comment in the domain": b"dean@example.test(.mallory.test)x",
    "address in a comment": b"mallory@mallory.test (dean@example.test)",
    "nested comment": b"mallory@mallory.test ((x))",
    "open comment": b"mallory@mallory.test (",
    "open quote": b'"Dean <dean@example.test>',
    "open bracket": b"Dean <dean@example.test",
    "stray bracket": b"dean@example.test>",
    "empty brackets": b"dean@example.test <>",
    "text after": b"<mallory@mallory.test> dean",
    "NUL": b"mallory@mallory.test\0ceo@example.test",
    "bare CR": b"mallory@mallory.test\rceo",
    "vertical tab": b"Dean\x0b <mallory@mallory.test>",
    "NEL": "Dean\x85 <mallory@mallory.test>".encode(),
    "U+2028": "Dean\u2028 <mallory@mallory.test>".encode(),
    "right-to-left override": "\u202etset.elpmaxe@oec <mallory@mallory.test>".encode(),
    "zero width space": "Ce\u200bo <mallory@mallory.test>".encode(),
    "soft hyphen in the address": "c\u00adeo@example.test".encode(),
    "joiner in the address": "c\u200deo@example.test".encode(),
    "full-width @": "dean＠example.test <mallory@mallory.test>".encode(),
    "full-width dot": "dean@example．test".encode(),
    "ideographic dot": "dean@example。test".encode(),
    "full-width letters": "ｃeo@example.test".encode(),
    "overlong UTF-8": b"dean\xc1\x80example.test",
    "Latin-1": b"Bj\xf6rn <bjorn@example.test>",
    "literal": b"dean@[192.0.2.1]",
    "trailing dot": b"dean@example.test.",
    "no domain": b"dean",
    "empty": b"",
    "line break in an encoded name": b"=?utf-8?q?Dean=0D=0AX=3A?= <mallory@mallory.test>",
    "dots": b"c..eo@example.test",
    "blank in brackets": b"< dean@example.test >",
    "backslash in a comment": b"mallory@mallory.test (\\)",
    "space in the domain": b"dean@example.test mallory.test",
}


@pytest.mark.parametrize(("value", "name", "address"), LEGITIMATE)
def test_ordinary_mailboxes_are_read(value: bytes, name: str, address: str) -> None:
    box = parse_mailbox(value)
    assert (box.name, str(box.address)) == (name, address)


@pytest.mark.parametrize("value", HOSTILE.values(), ids=HOSTILE.keys())
def test_what_two_readers_show_differently_is_refused(value: bytes) -> None:
    with pytest.raises(AddressError):
        parse_mailbox(value)


def test_a_path_has_brackets_or_comes_from_local_submission() -> None:
    assert parse_path(b"<Alice@Example.TEST>") == Address("Alice", "example.test")
    assert parse_path(b"alice@example.test") == Address("alice", "example.test")
    for bad in (b"<>", b"", b"<@relay.test:alice@example.test>", b"<alice>", b"<alice@example.test", b"< a@b.test>"):
        with pytest.raises(AddressError):
            parse_path(bad)


def test_labels_of_both_forms_are_one_domain() -> None:
    assert normal_domain("BÜCHER.example") == normal_domain("xn--bcher-kva.example") == "xn--bcher-kva.example"
    for bad in ("xn--zzzzzz-.example", "-a.example", "a_b.example", "a" * 64 + ".example", ".".join(["abcdefg"] * 40)):
        with pytest.raises(AddressError):
            normal_domain(bad)


@given(st.binary(max_size=300))
def test_no_octets_raise_anything_else(value: bytes) -> None:
    for read in (parse_mailbox, parse_path, parse_address):
        with contextlib.suppress(AddressError):
            read(value)


@given(st.text(alphabet='ab@<>"(),:;\\. \t\r\n%!=?é\u202e', max_size=60))
def test_what_is_accepted_reads_the_same_again(value: str) -> None:
    try:
        box = parse_mailbox(value.encode())
    except AddressError:
        return
    assert parse_address(str(box.address).encode()) == box.address
    assert parse_mailbox(f'"x" <{box.address}>'.encode()).address == box.address


@given(
    st.sampled_from([v for v, _, _ in LEGITIMATE]),
    st.integers(0, 60),
    st.sampled_from(
        [b"<dean@victim.test>", b"dean@victim.test", b",dean@victim.test", b"@", b"<", b"\r\nFrom: dean@victim.test"]
    ),
)
def test_nothing_inserted_changes_whose_address_it_is(value: bytes, at: int, inserted: bytes) -> None:
    """Whatever is put into an accepted value, the domain stays the author's or the value is refused."""
    before = parse_mailbox(value).address
    changed = value[:at] + inserted + value[at:]
    try:
        after = parse_mailbox(changed).address
    except AddressError:
        return
    assert after == before or after.domain == before.domain or b"victim" not in after.domain.encode()


@pytest.mark.parametrize("piece", [b"(", b'"', b"<", b"@", b"a,", b"\\", b"=?", b".", b"a b ", b"\xc3\xb6"])
def test_64_kb_of_anything_is_answered_at_once(piece: bytes) -> None:
    start = time.perf_counter()
    with pytest.raises(AddressError):
        parse_mailbox(piece * (65_536 // len(piece)))
    assert time.perf_counter() - start < 0.05
