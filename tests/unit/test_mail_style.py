"""Declarations, colours and what is inherited: whether a text is seen, small or faint."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealgate.mail.colour import BLACK, WHITE, colour_of, contrast, legacy_colour, over
from sealgate.mail.drawn import PAGE, within
from sealgate.mail.style import declared, size_of, style_of
from sealgate.mail.visible import View, read_html


def view_of(html: str) -> View:
    return read_html(html.encode(), "utf-8")


def looks_of(html: str) -> list[tuple[str, float, float]]:
    view = view_of(html)
    return [(view.text[look.start : look.end], look.size, look.contrast) for look in view.looks]


@pytest.mark.parametrize(
    ("value", "colour"),
    [
        ("#fff", WHITE),
        ("#FFFFFF".lower(), WHITE),
        ("white", WHITE),
        ("#00000000", (0, 0, 0, 0.0)),
        ("transparent", (0, 0, 0, 0.0)),
        ("rgb(1, 2, 3)", (1, 2, 3, 1.0)),
        ("rgb(100% 0% 0% / 50%)", (255, 0, 0, 0.5)),
        ("rgba(0,0,0,.5)", (0, 0, 0, 0.5)),
        ("hsl(120, 100%, 50%)", (0, 255, 0, 1.0)),
        ("#ggg", None),
        ("#12345", None),
        ("currentcolor", None),
        ("rgb(1,2)", None),
    ],
)
def test_colours(value: str, colour: object) -> None:
    assert colour_of(value) == colour


def test_colours_of_attributes_need_no_sign() -> None:
    assert legacy_colour(" FF0000 ") == (255, 0, 0, 1.0)
    assert legacy_colour("Navy") == (0, 0, 128, 1.0)
    assert legacy_colour("chucknorris") is None


def test_contrast_is_that_of_the_guidelines() -> None:
    """WCAG 2.1: black on white is 21, a colour on itself 1, #777 on white just misses 4.5."""
    assert contrast(BLACK, WHITE) == 21
    assert contrast(WHITE, WHITE) == 1
    assert contrast((0x77, 0x77, 0x77, 1.0), WHITE) == pytest.approx(4.48, abs=0.01)
    assert over((0, 0, 0, 0.5), WHITE) == (128, 128, 128, 1.0)


@pytest.mark.parametrize(
    ("value", "size"),
    [
        ("12px", (12, False)),
        ("12pt", (16, False)),
        ("1.5em", (1.5, True)),
        ("50%", (0.5, True)),
        ("0", (0, False)),
        ("xx-small", (9, False)),
        ("-3px", None),
        ("calc(1px)", None),
        ("1e9px", None),
    ],
)
def test_sizes(value: str, size: object) -> None:
    assert size_of(value) == size


@pytest.mark.parametrize(
    "css",
    [
        "display:none",
        "color:red;display : NONE ! important ; display:block",
        "display:none;display:nonsense",  # CSS Syntax 3: what is no value is dropped
        "display/**/:/*;*/none",
        "d\\69splay:n\\6f ne",
        "opacity:0",
        "opacity:0.0%",
        "max-height:0;overflow:hidden",
        "height:0px;overflow-y:hidden",
        "position:absolute;left:-9999px",
        "position:fixed; top:-1000px",
        "text-indent:-9999px",
        "font-family:';x';display:none",
    ],
)
def test_gone(css: str) -> None:
    weak, strong = declared(css)
    style = style_of({**weak, **strong})
    assert style is not None
    assert style.is_gone
    assert view_of(f'a <div style="{css}">no <a href=x>no</a></div> b').text.split() == ["a", "b"]


@pytest.mark.parametrize(
    "css",
    [
        "mso-hide:all",
        "font-family:';display:none;'",
        "background:url(x;display:none)",
        "max-height:0",
        "overflow:hidden;width:0.5%",
        "left:-9999px",
        "text-indent:-20px",
        "opacity:.9",
        "display:none;display:block",
        "display:block!important;display:none",
        "-webkit-text-size-adjust:none",
    ],
)
def test_not_gone(css: str) -> None:
    assert view_of(f'a <div style="{css}">yes</div> b').text.split() == ["a", "yes", "b"]


def test_cells_and_inline_elements_have_no_height_to_cut_by() -> None:
    """CSS 2.2: 10.5 and 17.5.3."""
    css = "height:0;overflow:hidden"
    assert view_of(f"<table><td style='{css}'>yes</table>").text == "yes"
    assert view_of(f"<span style='{css}'>yes</span>").text == "yes"
    assert view_of(f"<span style='{css};display:block'>no</span>").text == ""


class TestSizes:
    def test_a_wrapper_without_size_hides_what_sets_none_and_shows_what_does(self) -> None:
        """Layout tables of generators set `font-size:0` on each column."""
        html = "<div style='font-size:0px'>gap<p style='font-size:13px'>offer</p><b>gap</b><p>gap</p></div>end"
        assert view_of(html).text == "offer\nend"
        assert view_of(html).unseen == "gap\ngap\ngap"

    def test_shares_of_nothing_are_nothing(self) -> None:
        assert view_of("<div style='font-size:0'><p style='font-size:2em'>no</p>").text == ""

    def test_small_letters_are_a_look(self) -> None:
        assert looks_of("big <span style='font-size:6pt'>small</span> big") == [("small", 8.0, 21.0)]
        assert looks_of("<font size=1>ten <small>eight</small></font>") == [("eight", 8.33, 21.0)]
        assert looks_of("<div style='font-size:10px'><p style='font-size:80%'>eight") == [("eight", 8.0, 21.0)]

    def test_tiny_letters_are_unseen(self) -> None:
        view = view_of("a<span style='font-size:1px'>no</span>b")
        assert (view.text, view.unseen) == ("ab", "no")

    def test_a_picture_needs_no_size_of_letters(self) -> None:
        view = view_of("<div style='font-size:0'><a href=u><img src=x alt='Opt out'></a><a href=v>no</a></div>")
        assert [(link.text, link.href) for link in view.links] == [("Opt out", "u")]


class TestColours:
    @pytest.mark.parametrize(
        "html",
        [
            "<p style='color:#fff'>no</p>",
            "<font color=white>no</font>",
            "<font color=FEFEFE>no</font>",
            "<table bgcolor='#336699'><td style='color:#336699'>no</table>",
            "<div style='background:#000 none'><p>no</p></div>",
            "<p style='color:transparent'>no</p>",
            "<p style='color:rgba(0,0,0,0)'>no</p>",
            "<p style='color:rgba(0,0,0,.03);background:#fff'>no</p>",
            "<body bgcolor=black><p>no</p>",
            "<body text=white><p>no</p>",
        ],
    )
    def test_letters_like_their_ground_are_unseen(self, html: str) -> None:
        view = view_of(html)
        assert (view.text, view.unseen) == ("", "no")

    @pytest.mark.parametrize(
        "html",
        [
            "<table><td style='background:url(x.png)'><p style='color:#fff'>yes</p></table>",
            "<table background=x.png><td style='color:#fff'>yes</table>",
            "<div style='background-image:linear-gradient(red,blue)'><p style='color:#fff'>yes</p></div>",
            "<div style='background-color:#fff;background:navy'><p style='color:#fff'>yes</p></div>",
            "<div style='color:#fff;background:var(--x)'>yes</div>",
            "<p style='color:white'><a href=x style='color:red'>yes</a></p>",
            "<p style='color:white'><a href=x>yes</a></p>",  # links have a colour of the client's
            "<p style='color:white'><b style='color:black'>yes</b></p>",
            "<div style='background:#000'><div style='background:transparent;color:#fff'>yes</div></div>",
        ],
    )
    def test_letters_on_pictures_and_on_other_grounds_are_seen(self, html: str) -> None:
        assert view_of(html).text == "yes"
        assert view_of(html).looks == ()

    def test_faint_letters_are_a_look(self) -> None:
        assert looks_of("a <span style='color:#bbb'>faint</span> <span style='color:#bbb'>too</span> b") == [
            ("faint too", 0.0, 1.92)
        ]
        assert looks_of("<div style='background:#222'><p style='color:#444;font-size:8px'>x") == [("x", 8.0, 1.63)]

    def test_a_link_nobody_sees_is_none(self) -> None:
        view = view_of(
            "<a href=1 style='color:#fff'>no</a> <a href=2><b style='color:#fff'>no</b> yes</a><a href=3></a>"
        )
        assert [(link.text, link.href) for link in view.links] == [("yes", "2"), ("", "3")]


def test_what_is_hidden_by_visibility_may_hold_what_is_not() -> None:
    view = view_of("<p style='visibility:hidden'>no <b style='visibility:visible'>yes</b> no</p>")
    assert (view.text, view.unseen) == ("yes", "no\nno")


def test_the_hidden_attribute_is_the_weakest_of_styles() -> None:
    assert view_of("<p hidden>no</p><p hidden style='display:block'>yes</p>").text == "yes"


def test_the_same_style_is_one_object() -> None:
    styles = [style_of({"font-size": (8.0, False)}) for _ in range(2)]
    assert styles[0] is styles[1]
    assert styles[0] is not None
    assert within(PAGE, styles[0]) is within(PAGE, styles[0])


@given(st.text(alphabet="display:noe;color#f0()!important/*\\'\" px%-", max_size=80))
def test_no_declarations_make_it_raise(css: str) -> None:
    weak, strong = declared(css)
    style = style_of({**weak, **strong})
    if style is not None:
        within(PAGE, style)


@given(st.text(alphabet="rgbhsla(0123456789.,%/ )#tun+-", max_size=40))
def test_no_colour_makes_it_raise(value: str) -> None:
    colour = colour_of(value)
    assert colour is None or all(0 <= part <= 255 for part in colour)
    legacy_colour(value)
