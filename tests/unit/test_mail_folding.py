"""Where a long line of a field is folded, and where it cannot be."""

import time

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


BOX = b'"Doe, J\\", (R" <j.doe@example.test>'


@pytest.mark.parametrize(
    ("name", "item", "comma"),
    [
        (b"To", b"reader@example.test", b","),
        (b"cc", BOX, b","),
        (b"Resent-To ", b"a@b(c,d\\),(e,f),g)", b","),
        (b"Reply-To", b"<@x.test,@y.test:a@b>", b","),
        (b"References", b"<1@lists.example.test>", b""),
        (b"In-Reply-To", b"<1@lists.example.test>", b","),
    ],
)
def test_a_list_without_blanks_is_folded_between_its_items(name: bytes, item: bytes, comma: bytes) -> None:
    item = item.replace(b" ", b"")
    value = b" " + comma.join([item] * 300)
    made = folded(name, value)
    assert made is not None
    assert not has_long_line(name, made)
    assert made.replace(b"\r\n ", b"") == value
    first, *rest = made.split(b"\r\n ")
    whole = {
        (comma.join([item] * many) + comma).removesuffix(b"," * is_last) for many in range(1, 60) for is_last in (0, 1)
    }
    assert {first[1:], *rest} <= whole
    assert min(map(len, rest[:-1])) > FOLD_AT - len(item) - 3


@pytest.mark.parametrize(
    ("name", "value"),
    [
        (b"Subject", b" a,b" * 400),  # its blanks will do
        (b"To", b"a@b,\r\n c@d,e@f," + b"g@h," * 300 + b"\r\n i@j"),
    ],
)
def test_folds_that_are_there_stay(name: bytes, value: bytes) -> None:
    made = folded(name, value)
    assert made is not None
    assert not has_long_line(name, made)
    assert made.replace(b"\r\n ", b" ").replace(b" ", b"") == value.replace(b"\r\n ", b" ").replace(b" ", b"")
    assert all(line.strip() for line in made.split(b"\r\n"))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        (b"Subject", b" " + b"a," * 600),  # a comma in a text is no place
        (b"To", b' "' + b"a," * 600 + b'" <a@b>'),
        (b"To", b" (" + b"a," * 600 + b") a@b"),
        (b"To", b" <" + b"@a," * 600 + b"@b:c@d>"),
        (b"To", b' "' + b'\\",' * 600),
        (b"References", b" <" + b"a" * 1_000 + b"><b@c>"),
    ],
)
def test_within_an_item_nothing_is_folded(name: bytes, value: bytes) -> None:
    assert folded(name, value) is None


@pytest.mark.parametrize("piece", [b",", b'"', b"(", b"\\", b'\\"', b"<", b"><", b'",(<'])
def test_lists_of_marks_take_little_time(piece: bytes) -> None:
    began = time.process_time()
    for name in (b"To", b"References"):
        folded(name, piece * (60_000 // len(piece)))
    assert time.process_time() - began < 1
