"""URIs in angle brackets (RFC 2369 2): read strictly, in one pass, and never raising."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sealgate.mail.bracketed import MAX_URIS, MAX_VALUE, Bracketed, bracketed

A, B = "https://a.test/1", "mailto:b@b.test"


@pytest.mark.parametrize(
    ("value", "uris"),
    [
        (f"<{A}>", (A,)),
        (f" <{A}>,\r\n\t<{B}>", (A, B)),
        (f"<{A}>,<{B}>", (A, B)),
        (f"(one click) <{A}> (by post (slowly \\) too)), <{B}>", (A, B)),
        (f"(a comma, and a > in it) <{A}>", (A,)),
        (f"<{A[:9]}\r\n {A[9:]}>", (A,)),  # a fold inside: blanks there do not count
        (f"<{A}>, , <{B}>,", (A, B)),  # RFC 822 lists may have empty places
    ],
)
def test_uris_are_read_in_their_order(value: str, uris: tuple[str, ...]) -> None:
    assert bracketed(value.encode()) == Bracketed(uris)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("", "empty"),
        ("(only a comment)", "empty"),
        (A, "no URI stands in angle brackets"),
        (f"<{A}> <{B}>", "no comma"),
        (f"<{A}> or write", "beside URIs"),
        (f"visit <{A}>", "beside URIs"),
        (f"<{A}", "closing > is missing"),
        ("<>", "nothing stands between"),
        (f"<<{A}>>", "a < stands inside"),
        (f"(never closed <{A}>", "comment is not closed"),
        (f"<{A}> (never closed", "comment is not closed"),
        ("=?us-ascii?Q?=3Chttps=3A//a.test/1=3E?=", "encoded-word"),
        ("<https://bücher.test/>", "beyond ASCII"),
        (f'"<{A}>"', "beside URIs"),
    ],
)
def test_anything_else_is_a_fault_in_words(value: str, words: str) -> None:
    assert words in bracketed(value.encode()).fault


def test_a_field_may_not_be_endless() -> None:
    assert bracketed(b"<" + b"a" * MAX_VALUE + b">").fault == "the field is too long"
    assert "more than" in bracketed(b",".join([b"<a:b>"] * (MAX_URIS + 1))).fault


@settings(max_examples=settings().max_examples // 4)
@given(st.one_of(st.binary(max_size=80), st.text('<>(),\\ "a:=?\r\n\t', max_size=60).map(str.encode)))
def test_nothing_raises_and_every_uri_stood_in_brackets(value: bytes) -> None:
    found = bracketed(value)
    assert found.fault or found.uris
    for uri in found.uris:
        assert uri
        assert not set(uri) & set("<> \t\r\n")


@pytest.mark.parametrize("piece", [b"<", b"(", b"()", b"<a:b>,", b"(<", b",", b"\\("])
def test_time_does_not_grow_with_the_square(piece: bytes) -> None:
    start = time.process_time()
    for _ in range(20):
        bracketed((piece * MAX_VALUE)[:MAX_VALUE])
    assert time.process_time() - start < 1.0
