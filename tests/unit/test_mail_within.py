"""Addresses inside display names, however they are dressed, and names that only look a little like it."""

import pytest

from sealgate.mail.address import addresses_within
from sealgate.mail.within import MAX_FOUND

DRESSED = [
    "ceo@corp.example",
    "CEO@Corp.Example",
    "The boss <ceo@corp.example>",
    "ceo @ corp . example",
    "ceo @corp.example",
    "ceo@corp. example",
    "ceo＠corp.example",
    "ceo﹫corp.example",
    "ceo (at) corp.example",
    "ceo[AT]corp(dot)example",
    "ceo（at）corp．example",
    "c\u200beo@corp\u00ad.ex\u2060ample",
    "ceo\u00a0@\u2003corp\u3000.\u2800example",
    "ｃｅｏ@ｃｏｒｐ.example",
    "𝐜𝐞𝐨@corp.example",
    "ceo@corp。example",
    "ceo@corp｡example",
    "ceo@corp\u2024example",
    "ceo\\@corp\\.example",
    '"ceo"@corp.example',
    "“ceo@corp.example”",
    "'ceo@corp.example'",
    "ceo@@corp.example",
    "mailto:ceo@corp.example?subject=x",
    "=?utf-8?q?ceo=40corp.example?=",
    "=?utf-8?b?Y2VvQGNvcnAuZXhhbXBsZQ==?=",
    "=?utf-8?q?=3D=3Futf-8=3Fq=3Fceo=3D40corp.example=3F=3D?=",
    "=?utf-8?q?ceo=40?= =?utf-8?q?corp.example?=",
    "=?utf-8?q?The boss ceo=40corp.example?=",
    "ceo@corp.example.",
    "ceo\r\n@corp.example",
    "ceo\t@\tcorp.example",
    "(ceo@corp.example) via Tickets",
]
ORDINARY = [
    "",
    "Alice",
    "Tom @ Work",
    "R&D @ Example",
    "R&D@Example",
    "J. R. Alice",
    "Tom @ St. Gallen",
    "2 coffees @ 3.50",
    "Team @ 10.30",
    "Alice (@alice.social)",
    "山田＠営業部",
    "Bob @ Example Inc.",
    "AT&T (at) home",
    "Example, Inc. (Sales dept.)",
    "@",
    "@.@.",
]


@pytest.mark.parametrize("name", DRESSED)
def test_an_address_is_found_however_it_is_dressed(name: str) -> None:
    assert addresses_within(name) == ("ceo@corp.example",)


@pytest.mark.parametrize("name", ORDINARY)
def test_an_ordinary_name_holds_no_address(name: str) -> None:
    assert addresses_within(name) == ()


def test_a_domain_comes_as_a_labels_where_it_is_one() -> None:
    assert addresses_within("x@BÜCHER.example") == ("x@xn--bcher-kva.example",)
    assert addresses_within("x@cor_p.example") == ("x@cor_p.example",)
    assert addresses_within("x@сorp.example") == ("x@сorp.example",)  # a Cyrillic letter: no valid domain for us
    assert addresses_within("x@[192.0.2.1]") == ("x@[192.0.2.1]",)


def test_all_are_found_once_and_in_order() -> None:
    assert addresses_within("b@b.b <a@a.a> b@b.b c@c.c@d.d") == ("b@b.b", "a@a.a", "c@c.c", "c.c@d.d")
    assert len(addresses_within(" ".join(f"a{n}@b.c" for n in range(40)))) == MAX_FOUND
    assert addresses_within(" " * 2_000 + "a@b.c") == ()
