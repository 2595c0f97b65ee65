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


@pytest.mark.parametrize("opening", ["(", "[", "{", "<", " ( ", " [", "{ "])
@pytest.mark.parametrize("closing", [")", "]", "}", ">", " ) ", "] ", " }"])
def test_an_at_or_a_dot_may_be_spelt_in_any_brackets(opening: str, closing: str) -> None:
    for at in ("at", "AT", "aT", "@"):
        assert addresses_within(f"ceo{opening}{at}{closing}corp.example") == ("ceo@corp.example",), at
    for dot in ("dot", "DOT", "punkt", "Point", "."):
        assert addresses_within(f"ceo@corp{opening}{dot}{closing}example") == ("ceo@corp.example",), dot


@pytest.mark.parametrize(
    "name",
    [
        "@team ceo@corp.example",
        "@ceo@corp.example",
        "ceo@ @ @corp.example",
        "ceo.@corp.example",
        ".ceo@corp.example",
        "*ceo@corp.example",
        "`ceo@corp.example",
        "'.ceo..@corp.example",
        "/ceo@corp.example",
        "{ceo@corp.example}",
        "a|ceo@corp.example",
        "a,ceo@corp.example",
        "a;ceo:ceo@corp.example",
        "ceo@corp.example-",
        "ceo@corp.example_",
        "ceo@corp.example-_, x",
        "ceo@corp.example/x",
        "ceo@corp\u00b7example",
        "ceo@corp\u30fbexample",
        "ceo@corp\uff65example",
        "\u201eceo\u201d@corp.example",
        "=?utf-8?b?Y2VvQGNv cnAuZXhhbXBsZQ==?=",
        "=?utf-8?B?Y2VvQGNv cnAuZXhhbXBsZQ==?=",
        "=?utf-8?Q?ceo=40 corp.example?=",
        "\ud800 =?utf-8?q?ceo=40corp.example?=",
        "\ud800 ceo@corp.example",
    ],
    ids=ascii,
)
def test_an_address_is_found_whatever_stands_around_it(name: str) -> None:
    assert addresses_within(name) == ("ceo@corp.example",)


@pytest.mark.parametrize("c", [*"!#$%&'*+=?^`~.-_09zZ\u00e9"])
def test_every_character_that_a_local_part_may_hold_is_part_of_it(c: str) -> None:
    assert addresses_within(f"a{c}b@corp.example") == (f"a{c}b@corp.example".lower(),)


def test_what_is_found_is_the_whole_address() -> None:
    for text in ("Xavier@corp.example", "ceoX@corp.example", "ceo@xcorp.exampleX", "ceo@corp-1.a_b.example", "a@1.b"):
        assert addresses_within(text) == (text.lower(),)
    assert addresses_within("x@stra\u00dfe.example") == ("x@xn--strae-oqa.example",)
    assert addresses_within("b" + "a" * 64 + "@corp.example") == ("a" * 64 + "@corp.example",)
    labels = ".".join("abcdefghijklmnopqrstu")
    assert addresses_within(f"ceo@{labels}") == (f"ceo@{labels}",)
    assert addresses_within(f"ceo@{labels}.v") == (f"ceo@{labels}",)
    assert addresses_within("ceo@" + "a" * 63 + ".example") == ("ceo@" + "a" * 63 + ".example",)
    assert addresses_within("ceo@" + "a" * 64 + ".example") == ()
    for literal in ("[::1]", "[1.2]", "[ipv6:2001:db8::1]", "[" + "a" * 40 + "]"):
        assert addresses_within(f"x@{literal} y") == (f"x@{literal}",), literal
    for odd in ("[]", "[1]", "[" + "a" * 41 + "]", "[x.y.z]", "[1.2.3"):
        assert addresses_within(f"x@{odd} y") == (), odd


def test_a_full_stop_before_a_blank_ends_a_sentence_only_where_the_at_stands_alone() -> None:
    assert addresses_within("ceo@corp. example") == ("ceo@corp.example",)
    assert addresses_within("ceo@corp .example") == ("ceo@corp.example",)
    assert addresses_within("ceo @ corp. Example") == ()
    for text in ("ceo @ corp.example", "ceo @ corp . example", "ceo @ corp .example"):
        assert addresses_within(text) == ("ceo@corp.example",)
    for text in ("x@host.b.3", "x@3.50", "Tom @corp", "@corp.example", "ceo@-corp.example", "ceo@_corp.example"):
        assert addresses_within(text) == (), text


def test_a_name_is_looked_at_to_its_cap_and_words_encoded_six_times_are_read() -> None:
    assert addresses_within("x" * 1_996 + " a@b") == ()
    assert addresses_within("x" * 1_994 + " a@b.c") == ("a@b.c",)
    assert addresses_within("x" * 1_994 + " a@b.cd") == ("a@b.c",)

    def wrapped(text: str, times: int) -> str:
        for _ in range(times):
            text = "=?utf-8?q?" + "".join(f"={ord(c):02X}" if c in "=?@ " else c for c in text) + "?="
        return text

    for times in range(7):  # each of the three goes takes two off
        assert addresses_within(wrapped("a@b.c", times)) == ("a@b.c",)


def test_quotes_within_a_local_part_and_literals_of_any_length_do_not_hide_an_address() -> None:
    for quote in '"\\\u201c\u201d\u201e':
        assert addresses_within(f"c{quote}eo@co{quote}rp.example") == ("ceo@corp.example",)
    for inside in ("::1", "::ffff:192.0.2.1", "a" * 40):
        assert addresses_within(f"x@[IPv6:{inside}]") == (f"x@[ipv6:{inside}]",)
    assert addresses_within("x@[IPv6:" + "a" * 41 + "]") == ()
