"""Texts so dense in blanks or line ends that the quick ways through them are left: the answers stay the same."""

import hashlib
import random
import re

import pytest

from sealgate.mail.lines import LineScan
from sealgate.seal.canonical import RelaxedBody, relaxed_field
from sealgate.seal.sign import field_digests
from tests.bench import bodies, signers


def plainly(body: bytes) -> bytes:
    """RFC 6376 3.4.4 in one line, for bodies that end in one line end and not in empty lines."""
    return re.sub(rb"[ \t]+", b" ", body).replace(b" \r\n", b"\r\n")


def body_hash(body: bytes) -> bytes:
    hashed = RelaxedBody()
    for chunk in signers.cut(body):
        hashed.feed(chunk)
    return hashed.digest()


@pytest.mark.parametrize("name", [*bodies.ORDINARY, *bodies.HOSTILE])
def test_half_a_megabyte_of_each_text_of_the_bench(name: str) -> None:
    body = bodies.text(name)[:512_000] + b"x\r\n"
    assert body_hash(body) == hashlib.sha256(plainly(body)).digest()


@pytest.mark.parametrize("longest", [3, 5, 200])
@pytest.mark.parametrize("count", [1_023, 1_024, 4_000])
def test_runs_of_blanks_of_any_number_and_length(longest: int, count: int) -> None:
    pick = random.Random(longest * count)
    pieces = [b"x" + bytes(pick.choice(b" \t") for _ in range(pick.randint(1, longest))) for _ in range(count)]
    body = b"".join(pieces) + b"\r\n"
    assert body_hash(body) == hashlib.sha256(plainly(body)).digest()
    spaced = b"subject:" + re.sub(rb"[ \t]+", b" ", b"".join(pieces)).strip(b" ") + b"\r\n"
    assert relaxed_field(b"Subject", b" " + b"".join(pieces)) == spaced


@pytest.mark.parametrize("count", [4_094, 4_095, 4_096, 4_097, 20_000])
@pytest.mark.parametrize("size", [7, 4_096, 65_535, 10**6])
def test_line_ends_of_any_number(count: int, size: int) -> None:
    def is_bare(body: bytes) -> bool:
        scan = LineScan()
        for at in range(0, len(body), size):
            scan.feed(body[at : at + size])
        return scan.finish().is_bare

    lines = b"a\r\n" * count
    assert not is_bare(lines)
    for odd in (b"\r", b"\n", b"\n\r", b"\r\r\n\n"):
        for place in (0, len(lines) // 6 * 3, len(lines)):
            assert is_bare(lines[:place] + odd + lines[place:])
            assert is_bare(lines[:place] + b"b" + odd + b"c" + lines[place:])
    assert is_bare(b"a\n" * count)
    assert is_bare(b"a\r" * count)
    assert is_bare(b"a\rb\n" * count)


def test_a_record_names_as_many_fields_as_it_was_given() -> None:
    said = field_digests((b"To", b"Cc"), (b"to:a\r\n", b""))
    assert said == (f"To {hashlib.sha256(b'to:a' + bytes((13, 10))).hexdigest()[:16]}", "Cc -")
    with pytest.raises(ValueError, match="shorter"):
        field_digests((b"To", b"Cc"), (b"to:a\r\n",))
