"""Patterns of OpenDKIM's SigningTable in our words: said exactly, or named."""

import re

import pytest

from sealgate.mail.address import Address
from sealgate.profile.model import AuthorPattern
from sealgate.profile.opendkim_authors import Authors, NeverError, UnsayableError, author_of

ADDRESSES = [
    f"{local}@{domain}"
    for local in ("u", "v", "u+x")
    for domain in ("a.test", "x.a.test", "y.x.a.test", "ba.test", "b.test", "test")
]


def meant(text: str, address: str) -> bool:
    """Whether our own `signatures:` would take the pattern for the address."""
    local, _, domain = text.rpartition("@")
    pattern = AuthorPattern("", "*") if text == "*" else AuthorPattern(local, domain)
    return pattern.matches(Address(*address.split("@")))


@pytest.mark.parametrize(
    ("pattern", "ours"),
    [
        ("*", "*"), ("*@*", "*"), ("*@a.test", "@a.test"), ("*@A.test", "@a.test"), ("*@*.a.test", "@.a.test"),
        ("*.a.test", "@.a.test"), ("u@a.test", "u@a.test"), ("U+x@a.test", "u+x@a.test"),
    ],
)  # fmt: skip
def test_wildcards_mean_the_same_addresses_as_the_expression_made_of_them(pattern: str, ours: str) -> None:
    assert str(author_of(pattern, wildcards=True)) == ours
    made = re.escape(pattern).replace(r"\*", ".*")
    for address in ADDRESSES:
        assert bool(re.fullmatch(made, address, re.IGNORECASE)) == meant(ours, address), address


@pytest.mark.parametrize(
    ("pattern", "ours"),
    [
        ("*", "*"), ("a.test", "@a.test"), (".a.test", "@.a.test"), ("u@a.test", "u@a.test"),
        ("bücher.test", "@xn--bcher-kva.test"),
    ],
)  # fmt: skip
def test_keys_of_a_plain_table(pattern: str, ours: str) -> None:
    assert str(author_of(pattern, wildcards=False)) == ours


@pytest.mark.parametrize("pattern", ["u@*", "u@.a.test", "a_b.test"])
def test_what_a_plain_table_has_and_we_have_not(pattern: str) -> None:
    with pytest.raises(UnsayableError) as caught:
        author_of(pattern, wildcards=False)
    assert len(caught.value.args) == 2


@pytest.mark.parametrize(
    "pattern",
    ["*a.test", "*@*a.test", "u@*", "u@*.a.test", "u*@a.test", "*@a.*", "(u|v)@a.test", "u?@a.test", "[uv]@a.test"],
)
def test_what_wildcards_can_and_we_cannot(pattern: str) -> None:
    with pytest.raises(UnsayableError) as caught:
        author_of(pattern, wildcards=True)
    assert len(caught.value.args) == 2


@pytest.mark.parametrize(
    ("pattern", "wildcards"),
    [("@a.test", False), ("*.a.test", False), ("u*@a.test", False), ("a.test", True), ("@a.test", True)],
)
def test_what_fits_nothing_there_either(pattern: str, wildcards: bool) -> None:
    with pytest.raises(NeverError):
        author_of(pattern, wildcards=wildcards)


def test_wider_patterns_mean_every_author_of_the_narrower_and_none_is_missing() -> None:
    known = [Authors("", "*")] + [
        Authors(local, domain, below)
        for domain in ("test", "a.test", "x.a.test", "b.test")
        for local, below in (("u", False), ("", False), ("", True))
    ]
    for one in known:
        mine = {address for address in ADDRESSES if meant(str(one), address)}
        for other in known:
            theirs = {address for address in ADDRESSES if meant(str(other), address)}
            if other in one.wider():
                assert mine <= theirs
            else:
                assert not (mine and mine < theirs), (one, other)
    assert Authors("u", "x.a.test").wider() == (
        Authors("", "x.a.test"),
        Authors("", "a.test", below=True),
        Authors("", "test", below=True),
        Authors("", "*"),
    )


def test_an_author_at_a_domain() -> None:
    assert Authors("", "a.test", below=True).admits("x.a.test")
    assert not Authors("", "a.test", below=True).admits("a.test")
    assert Authors("u", "a.test").admits("a.test")
    assert Authors("", "*").admits("a.test")
