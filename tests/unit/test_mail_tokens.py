"""The pieces of an address field, one by one."""

import pytest

from sealgate.mail.tokens import tokens

BLANK = ("blank", " ")
COMMA = ("comma", ",")


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("", []),
        ("a b", [("word", "a"), BLANK, ("word", "b")]),
        ("\t a\t", [BLANK, BLANK, ("word", "a"), BLANK]),
        ("a.b@c,d", [("word", "a.b@c"), COMMA, ("word", "d")]),
        (",,", [COMMA, COMMA]),
        ("<a@b><c@d>", [("angle", "a@b"), ("angle", "c@d")]),
        ("<a(b<,>", [("angle", "a(b<,")]),
        ("(x y)(X,Z)", [("comment", "x y"), ("comment", "X,Z")]),
        ("()x", [("comment", ""), ("word", "x")]),
        ('"a, b"c', [("quoted", "a, b"), ("word", "c")]),
        ('""x', [("quoted", ""), ("word", "x")]),
        ('"a"b"c"', [("quoted", "a"), ("word", "b"), ("quoted", "c")]),
        (r'"a\"b\\c\d"xy', [("quoted", r'a"b\cd'), ("word", "xy")]),
        (r'"\"" "\\"', [("quoted", '"'), BLANK, ("quoted", "\\")]),
        ("Ünï\u3000x", [("word", "Ünï\u3000x")]),
    ],
)
def test_a_field_is_cut_into_its_pieces(text: str, pieces: list[tuple[str, str]]) -> None:
    assert list(tokens(text)) == pieces


@pytest.mark.parametrize(
    ("text", "before", "reason"),
    [
        ("a:b", 1, "a colon of the name"),
        (":", 0, "a colon of the name"),
        ("a;b", 1, "a semicolon of the name"),
        ("a>b", 1, "a > stands without its <"),
        ("a)b", 1, "a ) stands without its ("),
        ("[a]", 0, "a bracket or backslash"),
        ("a]", 1, "a bracket or backslash"),
        ("a\\b", 1, "a bracket or backslash"),
        ("<>x", 0, "there is nothing between < and >"),
        ("<", 0, "the closing > is missing"),
        (">a<b", 0, "a > stands without its <"),
        ("a <b", 2, "the closing > is missing"),
        ("(", 0, "the closing ) is missing"),
        ("a(b", 1, "the closing ) is missing"),
        ('"', 0, 'the closing " is missing'),
        ('"a', 0, 'the closing " is missing'),
        ('"a\\', 0, 'the closing " is missing'),
        ('"a\\"', 0, 'the closing " is missing'),
        *((f"(x{c}y)z", 0, "a comment holds brackets, quotes, a backslash or an @") for c in '(\\@<>"'),
        *((f"({c})z", 0, "a comment holds brackets, quotes, a backslash or an @") for c in '(\\@<>"'),
    ],
)
def test_what_no_strict_reader_takes_ends_the_pieces_with_a_reason(text: str, before: int, reason: str) -> None:
    *good, (kind, said) = tokens(text)
    assert len(good) == before
    assert kind == "bad"
    assert reason in said
    assert all(kind != "bad" for kind, _ in good)
