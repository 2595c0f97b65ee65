"""Properties of the address parsers: what holds for every input."""

import contextlib
import random
import time
from collections.abc import Callable

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sealgate.mail.address import (
    AddressError,
    Mailbox,
    addresses_within,
    parse_address,
    parse_mailbox,
    parse_mailboxes,
    parse_path,
)
from sealgate.mail.glyphs import hidden_in
from sealgate.mail.skeleton import bare, readings, skeleton
from tests.unit.test_mail_address import LEGITIMATE

FIELDS = st.text(alphabet='ab@<>"(),:;\\. \t\r\n%!=?éа-_＠\u200b\u202e\ufe0f', max_size=60)
INSERTED = [
    "@", "<", ">", ",", '"', "\\", "(", ")", "(x)", "(dean@victim.test)", "<dean@victim.test>", "dean@victim.test",
    ",dean@victim.test", ", Dean <dean@victim.test>", "\r\nFrom: dean@victim.test", "\r\n From: dean@victim.test",
    '"dean@victim.test"', "\x00", "\r", "\n", "\x0b", "\x85", "\u2028", "\u202e", "\u200b",
    "=?utf-8?q?=40victim.test?=", "=?utf-8?q?dean=40victim.test?=", "%", "!", ":", ";", "@victim.test:",
    "\r\n ", "\t", "\u3164", "＠", "．",
]  # fmt: skip


@given(st.binary(max_size=300) | FIELDS.map(str.encode))
def test_no_octets_raise_anything_else(value: bytes) -> None:
    for read in (parse_mailbox, parse_mailboxes, parse_path, parse_address):
        with contextlib.suppress(AddressError):
            read(value)


@given(st.text(max_size=200) | FIELDS | st.text(alphabet="a.@ ([at])=?qbw\ud800\u0300＠。", max_size=80))
def test_no_text_raises_anything(text: str) -> None:
    for found in addresses_within(text):
        assert "@" in found
        assert found == found.lower()
    for read in (skeleton, bare, readings):
        read(text)


@given(FIELDS)
@example('"a\\"b" <a@b>')
def test_what_is_accepted_reads_the_same_again(value: str) -> None:
    """Written anew in the plainest form, it is the same name and address, and the field held one address alone."""
    try:
        box = parse_mailbox(value.encode())
    except AddressError:
        return
    assert hidden_in(box.name) == ""
    assert parse_address(str(box.address).encode()) == box.address
    quoted = box.name.replace("\\", "\\\\").replace('"', '\\"')
    again = parse_mailbox(f'"{quoted}" <{box.address}>'.encode())
    assert again.address == box.address
    if "=?" not in box.name:
        assert again == Mailbox(box.name, box.address)
    assert parse_mailboxes(value.encode()) == (box,)


@given(
    st.sampled_from([v for v, *_ in LEGITIMATE]),
    st.floats(0, 1),
    st.lists(st.sampled_from(INSERTED), min_size=1, max_size=2),
)
def test_nothing_inserted_changes_whose_address_it_is(value: bytes, where: float, inserted: list[str]) -> None:
    before = parse_mailbox(value).address
    text = value.decode()
    at = round(where * len(text))
    for piece in inserted:
        text = text[:at] + piece + text[at:]
    try:
        after = parse_mailbox(text.encode()).address
    except AddressError:
        return
    assert after == before


@given(st.lists(st.sampled_from([v for v, *_ in LEGITIMATE]), min_size=1, max_size=8))
def test_a_list_is_its_parts(values: list[bytes]) -> None:
    assert parse_mailboxes(b",".join(values)) == tuple(parse_mailbox(v) for v in values)


@given(
    st.text(max_size=60) | st.text(alphabet="a\u0300\u0315\u0338\u0622\ufe81\u1d6d6\u0f77mrn01IlO\u034f", max_size=60)
)
def test_the_skeleton_of_a_skeleton_is_itself(text: str) -> None:
    assert skeleton(skeleton(text)) == skeleton(text)


PUMPED = [
    "(", '"', "<", "@", "a,", "\\", "=?", ".", "a b ", "ö", "\u0315\u0300", "a@b,", "=?utf-8?q?x?= ", "\r\n ", "\n",
    "ceo (at) ", "a.", "\ufdfa", "a@b.", "=?a?q?", "()", '""', "<a>", " ", "\t", "ö@ö.", "\u0f77\u0f71@", "@ ", "[at]",
    "[ ", "()a@b,", "a@xn--bcher-kva.b,", "=?utf-8?q?=3D=3Fx=3F?=", "é.", "a@é.é.é.é,", "a\r\n b",
    "=?utf-8?b?w6Q=?=\r\n ",
]  # fmt: skip


def _milliseconds(read: Callable[[], object]) -> float:
    best = 1e9
    for _ in range(3):
        start = time.process_time()
        with contextlib.suppress(AddressError):
            read()
        best = min(best, time.process_time() - start)
    return best * 1e3


@pytest.mark.parametrize("size", [1_990, 15_990, 65_536], ids=["mailbox", "list", "64 KB"])
@pytest.mark.parametrize("piece", [*PUMPED, ""], ids=[*map(ascii, PUMPED), "random"])
def test_any_input_of_any_size_is_answered_at_once(piece: str, size: int) -> None:
    """The sizes are those just within each cap, and 64 KB."""
    octets = piece.encode() or random.Random(5322).randbytes(size)
    value = (octets * (size // len(octets)))[:size]
    text = value.decode("utf-8", "replace")
    for read in (parse_mailbox, parse_mailboxes, parse_path):
        assert _milliseconds(lambda read=read: read(value)) < 50, read
        assert _milliseconds(lambda read=read: read(value[: size - 10] + b" <a@b>")) < 50, read
    for look in (addresses_within, skeleton, bare, readings):
        assert _milliseconds(lambda look=look: look(text)) < 50, look
