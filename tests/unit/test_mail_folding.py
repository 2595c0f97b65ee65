"""Where a long line of a field is folded, and where it cannot be."""

import pytest

from sealgate.mail.folding import FOLD_AT, folded, has_long_line
from sealgate.mail.lines import MAX_LINE

NAME = b"References"  # with its colon 11 octets of the first line


@pytest.mark.parametrize(
    ("value", "is_long"),
    [
        (b" " + b"x" * 986, False),
        (b" " + b"x" * 987, True),
        (b" x\r\n " + b"y" * 997, False),
        (b" x\r\n " + b"y" * 998, True),
        (b" " + b"x" * 986 + b"\r\n " + b"y" * 997, False),
        (b" x\r\n y" * 500, False),
    ],
)
def test_998_octets_of_a_line_with_the_name_in_the_first(value: bytes, is_long: bool) -> None:
    assert has_long_line(NAME, value) is is_long
    assert (folded(NAME, value) == value) is not is_long


def test_it_is_folded_at_the_last_blank_that_leaves_room() -> None:
    words = b"".join(b" " + b"w" * 9 for _ in range(200))
    first, *rest = (folded(NAME, words) or b"").split(b"\r\n")
    assert FOLD_AT - 11 - 10 < len(first) <= FOLD_AT - 11
    assert all(line.startswith(b" w") and len(line) <= FOLD_AT for line in rest[:-1])


@pytest.mark.parametrize("blank", [b" ", b"\t", b"  ", b" \t "])
def test_a_fold_stands_before_the_blank_and_no_line_is_blank(blank: bytes) -> None:
    value = b" " + (b"x" * 90 + blank) * 30 + b"end"
    made = folded(NAME, value)
    assert made is not None
    assert made.replace(b"\r\n", b"") == value
    assert all(line[:1] in b" \t" and line.strip() for line in made.split(b"\r\n"))


@pytest.mark.parametrize(
    "value",
    [
        b" " + b"x" * 990,  # one word
        b" " + b"x" * 990 + b" y",  # its only blank comes too late
        b" a " + b"x" * 1_000,  # the second word is too long for a line of its own
        b" " + b"x" * 500 + b" " * 600,  # behind the blanks there is nothing
        b" " * 1_200,
        b"x" * 1_200,
    ],
)
def test_what_cannot_be_folded_is_told(value: bytes) -> None:
    assert folded(NAME, value) is None


def test_a_word_between_the_two_limits_has_a_line_of_its_own() -> None:
    """Longer than where folds are wished, and no longer than a line may be."""
    value = b" a " + b"x" * 950 + b" b " + b"y" * 996 + b" c"
    assert folded(NAME, value) == b" a\r\n " + b"x" * 950 + b"\r\n b\r\n " + b"y" * 996 + b"\r\n c"
    assert max(map(len, value.split())) <= MAX_LINE
