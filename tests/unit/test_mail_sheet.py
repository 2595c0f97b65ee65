"""Style sheets: which rules hold for whom, in what order, and what conditions make of them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealgate.mail.selector import selector_of
from sealgate.mail.sheet import MAX_SELECTORS, medium, read_sheet
from sealgate.mail.visible import View, read_html


def view_of(css: str, html: str) -> View:
    return read_html(f"<style>{css}</style>{html}".encode(), "utf-8")


@pytest.mark.parametrize(
    ("css", "html"),
    [
        (".x{display:none}", "<p class='a x'>no</p>"),
        ("#x{display:none}", "<p id=x>no</p>"),
        ("P{display:none}", "<p>no</p>"),
        ("p.x.y{display:none}", "<p class='y x'>no</p>"),
        ("b, .x ,i{display:none}", "<p class=x>no</p>"),
        (".o .x{display:none}", "<div class=o><div><p class=x>no</p></div></div>"),
        ("div>p{display:none}", "<div><p>no</p></div>"),
        ("body div > .m p{display:none}", "<div><section class=m><b><p>no</p></b></section></div>"),
        ("*{display:none!important}p{display:block}", "<p>no</p>"),
        ("[class=x]{display:none}", "<p class=x>no</p>"),
        ("p[class~='x']{display:none}", "<p class='y x'>no</p>"),
        ("a[href^=no]{display:none}", "<a href=nothing>no</a>"),
        ("/* p{} */ .x{/*;*/display:none}", "<p class=x>no</p>"),
        ("<!-- .x{display:none} -->", "<p class=x>no</p>"),
        ("@media screen{.x{display:none}}", "<p class=x>no</p>"),
        ("@import 'y.css'; .x{display:none}", "<p class=x>no</p>"),
        (".x{display:none", "<p class=x>no</p>"),
        (".x{display:none!important}", "<p class=x style='display:block'>no</p>"),
        ("p.x{display:none} p{display:block}", "<p class=x>no</p>"),
        (".x{font-size:0}", "<div class=x>no</div>"),
        (".x{color:#fff}", "<div class=x>no</div>"),
        (".x{display:none}}.y{color:red}", "<p class=x>no</p>"),
        ("@font-face{src:url(x)} .x{display:none}", "<p class=x>no</p>"),
    ],
)
def test_hidden_by_a_sheet(css: str, html: str) -> None:
    assert view_of(css, f"a {html} b").text.split() == ["a", "b"]
    assert not view_of(css, html).is_doubtful


@pytest.mark.parametrize(
    ("css", "html"),
    [
        (".X{display:none}", "<p class=x>yes</p>"),
        (".o>.x{display:none}", "<div class=o><div><p class=x>yes</p></div></div>"),
        (".o .x{display:none}", "<div class=o></div><p class=x>yes</p>"),
        (".o>.p .x{display:none}", "<div class=o><b><div class=p><p class=x>yes</p></div></b></div>"),
        (".x:hover{display:none}", "<p class=x>yes</p>"),
        (".x::before{display:none}", "<p class=x>yes</p>"),
        ("i + .x{display:none}", "<p class=x>yes</p>"),
        ("@media print{.x{display:none}}", "<p class=x>yes</p>"),
        ("@media (max-width:600px){.x{display:none}}", "<p class=x>yes</p>"),
        ("@keyframes k{from{display:none}}", "<p class=x>yes</p>"),
        (".x{display:none}", "<p class=x style='display:block'>yes</p>"),
        (".x{display:none} p.x{display:block}", "<p class=x>yes</p>"),
        (".x{display:none} .x{display:block}", "<p class=x>yes</p>"),
        ("#y{display:block} .x{display:none}", "<p id=y class=x>yes</p>"),
        ("a[href$=no]{display:none}", "<a href=yes>yes</a>"),
        ("body{display:none}", "yes"),
        (".x{content:'}.x{display:none}'}", "<p class=x>yes</p>"),
    ],
)
def test_shown_for_all_the_sheet_says(css: str, html: str) -> None:
    view = view_of(css, html)
    assert (view.text, view.is_doubtful) == ("yes", False)


@pytest.mark.parametrize(
    "css",
    [
        "@media (max-width:600px){.m{display:block!important}}",
        "@media only screen and (max-width:480px){table .n{} .m{display:block !important;max-height:none !important}}",
        "@media screen{@media (orientation:portrait){.m{display:block!important}}}",
        "@supports (x:y){div.m{display:block!important}}",
    ],
)
def test_the_variant_for_telephones_is_seen_and_makes_the_view_doubtful(css: str) -> None:
    html = "<p>wide</p><div class=m style='display:none'><p>narrow <a href=u>out</a></p></div>"
    view = view_of(css, html)
    assert view.text == "wide\nnarrow out"
    assert view.is_doubtful
    assert [link.href for link in view.links] == ["u"]


def test_a_condition_that_does_not_show_leaves_it_hidden() -> None:
    view = view_of("@media (max-width:600px){.m{display:block}}", "a<div class=m style='display:none'>no</div>")
    assert (view.text, view.is_doubtful) == ("a", False)


def test_a_sheet_in_the_body_and_of_a_medium() -> None:
    assert read_html(b"<p class=x>no</p><style>.x{display:none}</style>", "utf-8").text == ""
    assert read_html(b"<style media=print>.x{display:none}</style><p class=x>yes", "utf-8").text == "yes"
    doubtful = b"<style media='(max-width:1px)'>.x{display:block!important}</style><p class=x style=display:none>yes"
    assert read_html(doubtful, "utf-8").is_doubtful


def test_a_sheet_does_not_leak_into_the_next_message() -> None:
    assert view_of("p{display:none}", "<p>no</p>").text == ""
    assert view_of("p{color:red}", "<p>yes</p>").text == "yes"
    assert read_html(b"<p>yes</p>", "utf-8").text == "yes"


def test_links_of_one_form_have_each_their_target() -> None:
    """What a tag says is kept but for target and alternative text."""
    html = "".join(f"<a class=x href='u{n}' title='t'><img src=p{n} alt='n{n}'></a>" for n in range(3))
    view = view_of(".x{color:red}", html)
    assert [(link.href, link.text) for link in view.links] == [("u0", "n0"), ("u1", "n1"), ("u2", "n2")]


@pytest.mark.parametrize(
    "tag",
    [
        "<a title=' href=' href='u'>",
        "<a title='x href=' href='u'>",
        "<a x\"='v' title=' href=' z\"='w' href='u'>",
        "<a href='u' title=' href='>",
        "<a title='\" href=\"v\"' href='u'>",
    ],
)
def test_a_value_that_looks_like_a_target_is_none(tag: str) -> None:
    assert [link.href for link in view_of("", f"{tag}x</a>").links] == ["u"]


@pytest.mark.parametrize(
    ("query", "held"),
    [
        ("", "all"),
        ("Only  Screen", "all"),
        ("print", "none"),
        ("print, screen", "all"),
        ("print,(max-width:1px)", "some"),
        ("screen and (x)", "some"),
        ("not all", "some"),
    ],
)
def test_media(query: str, held: str) -> None:
    assert medium(query) == held


def test_specificity() -> None:
    """Selectors 4, 17."""
    found = selector_of("div#a > .b.c[d] e")
    assert found is not None
    assert found[2] == (1, 3, 2)
    assert found[1] == (False, True)
    assert selector_of("a:hover") is None
    assert selector_of("a ~ b") is None
    assert selector_of("") is None


def test_too_many_rules_make_the_view_doubtful() -> None:
    assert read_sheet("".join(f".c{n}{{color:red}}" for n in range(MAX_SELECTORS + 1))).is_cut
    assert not read_sheet("".join(f".c{n}{{color:red}}" for n in range(MAX_SELECTORS))).is_cut


@given(
    st.lists(
        st.sampled_from(
            [
                "{",
                "}",
                ";",
                ":",
                "@media ",
                "@x",
                "(",
                ")",
                "[",
                "]",
                '"',
                "'",
                "/*",
                "*/",
                "\\",
                ".a",
                "#b",
                "p",
                ">",
                " ",
                ",",
                "display:none",
                "color:red",
                "!important",
                "screen",
                "<!--",
                "*",
            ]
        ),
        max_size=30,
    ).map("".join)
)
def test_no_sheet_makes_it_raise(css: str) -> None:
    view_of(css, "<p class=a id=b>x<a href=u>y</a></p>")
