"""What a scan of a body says, at the borders of lines, of chunks and of its own short cuts."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealgate.mail.lines import MAX_LINE, Lines, LineScan


def scanned(*chunks: bytes) -> Lines:
    scan = LineScan()
    for chunk in chunks:
        scan.feed(chunk)
    return scan.finish()


@pytest.mark.parametrize("before", [b"", b"a\r\n", b"a" * 998 + b"\r\n", b"\r\n" * 3])
@pytest.mark.parametrize("after", [b"", b"\r\n", b"\r\nb", b"\r\nb\r\n"])
def test_998_octets_are_enough_wherever_the_body_is_cut(before: bytes, after: bytes) -> None:
    """RFC 5322 2.1.1: 998 octets without the CRLF."""
    for length, is_long in ((MAX_LINE - 1, False), (MAX_LINE, False), (MAX_LINE + 1, True), (2 * MAX_LINE, True)):
        body = before + b"x" * length + after
        assert scanned(body) == Lines(is_long=is_long)
        for cut in {0, 1, len(before), len(before) + length - 1, len(before) + length, len(body) - 1}:
            assert scanned(body[:cut], body[cut:]) == Lines(is_long=is_long), cut
            assert scanned(body[:cut], b"", body[cut : cut + 1], body[cut + 1 :]) == Lines(is_long=is_long), cut


def test_a_long_line_may_come_in_many_chunks() -> None:
    assert scanned(*[b"x" * 100] * 9, b"x" * 98) == Lines()
    assert scanned(*[b"x" * 100] * 9, b"x" * 99) == Lines(is_long=True)
    assert scanned(*[b"x"] * 998, b"\r", b"\n", *[b"y"] * 998, b"\r", b"\n") == Lines()


# About as many line ends as are counted in one go, with one that stands alone here or there.
@pytest.mark.parametrize("count", [0, 1, 4_095, 4_096, 4_097, 9_000])
@pytest.mark.parametrize("lone", [b"\r", b"\n", b"\r\r\n", b"\r\n\n", b"\n\r"])
def test_one_line_end_among_many_that_stands_alone(count: int, lone: bytes) -> None:
    pairs = b"a\r\n" * count
    assert not scanned(pairs).is_bare
    for body in (lone + pairs, pairs + lone, pairs + lone + pairs, pairs + b"a" + lone + b"a"):
        assert scanned(body).is_bare
        assert scanned(body[:-1], body[-1:]).is_bare
        assert scanned(body[: len(pairs) + 1], body[len(pairs) + 1 :]).is_bare


@pytest.mark.parametrize("lone", [b"\r", b"\n"])
def test_many_that_stand_alone(lone: bytes) -> None:
    assert scanned(lone * 10_000).is_bare
    assert scanned(b"a\r\n" * 5_000 + lone * 5_000).is_bare


PIECES = st.sampled_from([b"\r\n", b"\r", b"\n", b"x", b"y" * 499, b"z" * 998, b"\0", b"\x80"])


@given(st.lists(PIECES, max_size=10), st.data())
def test_chunks_change_nothing(pieces: list[bytes], data: st.DataObject) -> None:
    body = b"".join(pieces)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(body)), max_size=6)))
    assert scanned(*(body[a:b] for a, b in zip([0, *cuts], [*cuts, len(body)], strict=True))) == scanned(body)


@pytest.mark.parametrize("unit", [b"\r\n", b"\r", b"\n", b"x", b"x\r\n", b"\n\r", b"x" * 999 + b"\r\n"])
def test_hostile_bodies_take_linear_time(unit: bytes) -> None:
    """Ten megabytes in chunks of an MTA, and one in very small ones."""
    begin = time.process_time()
    scan = LineScan()
    chunk = (unit * 65_535)[:65_535]
    for _ in range(160):
        scan.feed(chunk)
    for at in range(0, 1_000_000, 50):
        scan.feed(chunk[at % 60_000 : at % 60_000 + 50])
    scan.finish()
    assert time.process_time() - begin < 5.0
