"""What a reader sees: the text in reading order, what is hidden, and the links with their places."""

import os
import time
from collections.abc import Sequence
from email import message_from_bytes
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sealgate.mail.visible import Link, View, is_heavy, read_html, read_plain

CORPUS = Path(os.environ.get("SEALGATE_CORPUS") or Path(__file__).resolve().parents[3] / "shared" / "corpus")


def text_of(html: str) -> str:
    return read_html(html.encode(), "utf-8").text


def links_of(html: str) -> list[tuple[str, str]]:
    return [(link.text, link.href) for link in read_html(html.encode(), "utf-8").links]


def offsets_are_right(view: View) -> bool:
    places = [view.text[link.offset : link.offset + len(link.text)] == link.text for link in view.links]
    in_order = [link.offset for link in view.links] == sorted(link.offset for link in view.links)
    return all(places) and in_order and are_apart(view.quotes, view) and are_apart(looks_of(view), view)


def are_apart(runs: Sequence[tuple[int, int]], view: View) -> bool:
    """Whether runs lie inside the text, are not empty, and come one after the other."""
    flat = [place for run in runs for place in run]
    inside = all(0 <= begin < end <= len(view.text) for begin, end in runs)
    return inside and flat == sorted(flat)


def looks_of(view: View) -> list[tuple[int, int]]:
    return [(look.start, look.end) for look in view.looks]


class TestText:
    @pytest.mark.parametrize(
        ("html", "text"),
        [
            ("<p>one</p><p>two</p>", "one\ntwo"),
            ("un<b>sub</b><i>scribe</i>", "unsubscribe"),
            ("a<div>b</div>c", "a\nb\nc"),
            ("a<span><p>b</span>c", "a\nbc"),
            ("a<br>b<BR/>c<hr>d", "a\nb\nc\nd"),
            ("<ul>a<li>b<li>c</ul>d", "a\nb\nc\nd"),
            ("<table><tr><td>Springfield<td>IL<td>62701<tr><td>USA</table>x", "Springfield IL 62701\nUSA\nx"),
            ("<table><tr><td>in</td></tr>out</table>", "out\nin"),  # HTML 13.2.6.1: foster parenting
            ("  a \n\t b&nbsp;&nbsp; c\xa0 ", "a b c"),
            ("a<!-- un -->b<!-->c", "abc"),
            ("<pre>a\n  b</pre>", "a b"),
            ("a<br><a href=x> b</a>", "a\nb"),
            ("a <a href=x><br>b</a>", "a\nb"),
            ("&lt;b&gt; &amp;amp; &eacute;", "<b> &amp; é"),
            ("<xmp><b>raw</b></xmp>z", "<b>raw</b>\nz"),
            ("<select><option>one<option>two</select>", "one\ntwo"),
            ("<svg><text>drawn</text></svg>", "drawn"),
            ("", ""),
            ("<p> <p>", ""),
        ],
    )
    def test_blocks_part_words_and_inline_elements_do_not(self, html: str, text: str) -> None:
        assert text_of(html) == text

    @pytest.mark.parametrize(
        "html",
        [
            "<html><body>offer</body></html> footer",
            "<html><body>offer</body><p>footer</p></html>",
            "<html><body>offer</html></body></html><br>footer",
            "offer<p style='font-size:0'><span style='font-size:14px'>footer</span></p>",
            "offer<noscript><p>footer</p></noscript>",
            "<head><noscript><p>offer</p></noscript></head>footer",
            "<head><p>offer<p>footer</head>",
            "offer<details><summary>footer</summary></details>",
            "offer<div style='display:block;xdisplay:none;display-none:1'>footer</div>",
            "offer<div style='display:none;display:block'>footer</div>",
            "offer<div style='display:none;display:block!important;display:none'>footer</div>",
            "offer<div style='mso-hide:all; text-decoration:none'>footer</div>",
            "offer<div title='display:none hidden'>footer</div>",
            "<html hidden><body hidden style=display:none>offer footer",
            "offer<div style='transform:scale(0.9) translate(-10px,0);zoom:1'>footer",
            "offer<div style='filter:opacity(80%);clip-path:inset(5px)'>footer",
        ],
    )
    def test_shown(self, html: str) -> None:
        assert text_of(html).split() == ["offer", "footer"]

    @pytest.mark.parametrize(
        "html",
        [
            "<style>no{}</style>",
            "<script>no</script>",
            "<SCRIPT>'<p>'</SCRIPT>",
            "<template><p>no</p></template>",
            "<head><title>no</title></head>",
            "<p><title>no</title>",
            "<svg><title>no</title></svg>",
            "<iframe>no</iframe><noembed>no</noembed><noframes>no</noframes>",
            "<p hidden>no</p>",
            "<p HIDDEN=until-found>no<b>no</b></p>",
            "<div style='display:none'>no<p>no</p></div>",
            "<div style='color:red; DISPLAY :\tNone !important'>no</div>",
            "<div style='display:none!important;display:block'>no</div>",
            "<div style='/*x*/display/**/:/*;*/none'>no</div>",
            "<div style='visibility:hidden'>no</div>",
            "<div style=visibility:Collapse>no</div>",
            "<div style='display:n&#111;ne;'>no</div>",
            "<div style='display:none'><div hidden>no</div>no</div>",
            "<div style='transform:scale(0)'>no</div>",
            "<div style='transform: scaleY( 0 )'>no</div>",
            "<div style='transform:rotate(1deg) translate(-9999px, 0)'>no</div>",
            "<div style='clip-path:inset(100%)'>no</div>",
            "<div style='filter:opacity(0)'>no</div>",
            "<div style='zoom:0'>no</div>",
        ],
    )
    def test_hidden(self, html: str) -> None:
        assert text_of(f"a {html} b").split() == ["a", "b"]

    @pytest.mark.parametrize(
        "character",
        [
            *("\u200b", "\u200c", "\u200d", "\u2060", "\u00ad", "\u034f", "\ufe0f", "\ufeff", "\U000e0101", "\u200e"),
            *("\u202e", "\u180e", "&shy;", "&zwnj;", "&#8203;", "\x01", "\x03", "\x1b", "\x7f", "\x84"),
        ],
    )
    def test_invisible_characters_are_deleted(self, character: str) -> None:
        """Else `B(ZWNJ)lvd` is no street; a blank in their place would part the word."""
        assert text_of(f"B{character}lvd") == "Blvd"

    def test_many_invisible_characters_are_deleted_too(self) -> None:
        fillers = "".join(map(chr, range(0x200B, 0x2010))) + "\u034f\u00ad\ufeff\u2060\u2061\u2062\u2063"
        assert text_of(f"ä{fillers}b") == "äb"
        assert read_plain(f"ä{fillers}b".encode(), "utf-8").text == "äb"


class TestLinks:
    @pytest.mark.parametrize(
        ("html", "links"),
        [
            ('<a href="https://x.test/?a=1&amp;b=2">Go</a>', [("Go", "https://x.test/?a=1&b=2")]),
            ("x <a href=y> un<b>sub</b> \n scribe </a> z", [("unsub scribe", "y")]),
            ("<a href=1>A</a><a href=2>B</a>", [("A", "1"), ("B", "2")]),
            ("<a href=1>A<a href=2>B", [("A", "1"), ("B", "2")]),
            ("<a href=1><p>A</p><p>B</p></a>", [("A\nB", "1")]),
            ("<a href=1><img alt='Opt out'></a>", [("Opt out", "1")]),
            ("<a href=1><img alt='Opt'>out<img></a>", [("Opt out", "1")]),
            ("<a href=1><img></a>", [("", "1")]),
            ("<a href>dead</a>", [("dead", "")]),
            ("<a name=x>no link</a>", []),
            ("<a href=' \n java\nscript:x\t '>s</a>", [("s", "javascript:x")]),
            ("<map><area href=1 alt=Field><area href=2><area alt=none></map>", [("Field", "1"), ("", "2")]),
            ("<a href=1 hidden>no</a><a href=2>yes</a>", [("yes", "2")]),
            ("<div style=display:none><a href=1>no</a></div><a href=2>yes</a>", [("yes", "2")]),
            ("<a href=1>on<span hidden>off</span></a>", [("on", "1")]),
            ("<a href=1><table><td><a href=2>in</a></table>out</a>", [("in\nout", "1"), ("in", "2")]),
            ("</html><a href=1>after</a>", [("after", "1")]),
            ("<script>'<a href=1>x</a>'</script><!-- <a href=2>y</a> -->", []),
        ],
    )
    def test_links_in_reading_order(self, html: str, links: list[tuple[str, str]]) -> None:
        assert links_of(html) == links
        assert offsets_are_right(read_html(html.encode(), "utf-8"))

    def test_a_link_knows_its_place(self) -> None:
        view = read_html(b"<p>To leave: <a href=u>click  here</a>.</p>", "utf-8")
        assert view == View("To leave: click here.", (Link("click here", "u", 10),))

    def test_links_side_by_side_are_two_words(self) -> None:
        """Menus are parted by style only."""
        assert text_of("<a href=1>Privacy</a><a href=2>Unsubscribe</a>") == "Privacy Unsubscribe"
        assert text_of("un<a href=1>sub</a>scribe") == "unsubscribe"

    def test_an_image_outside_a_link_says_nothing(self) -> None:
        assert text_of("a<img alt='12 Long Lane'>b") == "ab"

    @pytest.mark.parametrize(
        "forged", ["\x01", "\x02", "\x03", "&#1;", "&#x2;", "&#0003", "&#X00004;", "\x03x\x04", "&#4294967299;"]
    )
    def test_nobody_can_forge_a_mark(self, forged: str) -> None:
        """Links and hidden parts are marked by control characters while the tree is read."""
        view = read_html(f"a {forged} <a href=1>b</a> {forged} c <i title='{forged}'>d</i>".encode(), "utf-8")
        assert [(link.text, link.href) for link in view.links] == [("b", "1")]
        assert [word for word in view.text.split() if word in "abcd"] == ["a", "b", "c", "d"]


FOOT = "<p>Example Inc., P.O. Box 12, Springfield</p><a href='https://example.com/u'>Unsubscribe</a>"


class TestPitfalls:
    """What real mail does, and simple readers get wrong."""

    def test_a_footer_after_the_end_of_the_page(self) -> None:
        view = read_html(f"<html><body><p>Offer</p></body></html>{FOOT}".encode(), "utf-8")
        assert "P.O. Box 12" in view.text
        assert [link.text for link in view.links] == ["Unsubscribe"]

    def test_a_footer_in_columns_without_size(self) -> None:
        """MJML and others set `font-size:0` on every column, and the size again inside."""
        column = f"<div style='font-size:0px'><div style='font-size:13px;line-height:1'>{FOOT}</div></div>"
        view = read_html(f"<table><tr><td style='font-size:0'>{column}</td></tr></table>".encode(), "utf-8")
        assert "P.O. Box 12" in view.text
        assert view.links
        assert not view.unseen

    def test_a_footer_for_telephones_only(self) -> None:
        css = "<style>@media only screen and (max-width:480px){.m{display:block!important}}</style>"
        view = read_html(f"{css}Offer<div class=m style='display:none'>{FOOT}</div>".encode(), "utf-8")
        assert view.links
        assert view.is_doubtful

    def test_a_mail_of_pictures_says_what_stands_for_them(self) -> None:
        html = "<img src=a alt='Sale&nbsp;&amp; more'><a href=u><img src=b alt='Shop now'></a><img src=c alt=''>"
        view = read_html(f"{html}<p hidden><img alt='no'></p><img alt='P.O. Box\n12' src=d>".encode(), "utf-8")
        assert view.alternatives == "Sale & more\nP.O. Box 12"
        assert view.text == "Shop now"

    def test_each_alternative_is_read_as_it_is(self) -> None:
        """Text and HTML disagree in real mail; what one lacks the other does not lend it."""
        assert "Unsubscribe" in read_html(FOOT.encode(), "utf-8").text
        assert "Unsubscribe" not in read_plain(b"See the HTML version.", "utf-8").text

    @pytest.mark.parametrize("character", ["\u200c", "\u00ad", "\u034f", "\ufe0f", "&zwnj;", "&shy;", "&amp;zwnj;"])
    def test_invisible_characters_within_words(self, character: str) -> None:
        assert text_of(f"12 B{character}lvd Rd") == "12 Blvd Rd"

    def test_confusable_letters_stay_as_they_are(self) -> None:
        """They are folded for matching, where the reader of the record should still see what was sent."""
        assert text_of("unsub\u0455cribe") == "unsub\u0455cribe"

    @pytest.mark.parametrize("text", ["<html><body>Hi &nbsp; you", "\n<!DOCTYPE HTML><p>Hi &nbsp; you"])
    def test_html_that_is_declared_plain_text_is_shown_as_text(self, text: str) -> None:
        view = read_plain(text.encode(), "utf-8")
        assert view.text.endswith("Hi you")
        assert "<" in view.text
        assert view.is_doubtful

    def test_references_that_were_encoded_twice(self) -> None:
        assert text_of("P.O.&amp;nbsp;Box&amp;#160;12") == "P.O. Box 12"
        assert read_plain(b"P.O.&nbsp;Box &amp; 12", "us-ascii").text == "P.O. Box &amp; 12"

    def test_a_preheader_is_unseen_and_its_links_are_none(self) -> None:
        style = "display:none;max-height:0;overflow:hidden;mso-hide:all"
        view = read_html(f"<div style='{style}'>Save <a href=u>now</a></div><p>Dear you</p>".encode(), "utf-8")
        assert view == View("Dear you", unseen="Save\nnow")

    def test_unseen_text_is_capped(self) -> None:
        view = read_html(b"<p hidden>" + b"word " * 3_000 + b"</p>" + b"<p hidden>more</p>" * 9 + b"x", "utf-8")
        assert view.text == "x"
        assert 4_900 < len(view.unseen) <= 5_000

    def test_a_forwarded_footer_is_not_the_senders(self) -> None:
        html = f"<p>Worth a look!</p><div class=gmail_quote>On Monday, Shop wrote:<blockquote>{FOOT}</blockquote></div>"
        view = read_html(html.encode(), "utf-8")
        ((begin, end),) = view.quotes
        assert view.text[:begin].strip() == "Worth a look!"
        assert view.text[begin:end].endswith("Unsubscribe")


class TestPlain:
    def test_blanks_fold_and_lines_stay(self) -> None:
        assert read_plain(b"Hi  there,\r\n\r\n\r\n one\xa0two \n", "latin-1").text == "Hi there,\none two"

    @pytest.mark.parametrize(
        ("text", "links"),
        [
            ("see https://x.test/a?b=c#d.", [("https://x.test/a?b=c#d",) * 2]),
            ("(http://x.test/), HTTPS://Y.test!", [("http://x.test/",) * 2, ("HTTPS://Y.test",) * 2]),
            ("<https://x.test/a>", [("https://x.test/a",) * 2]),
            ("Link:https://x.test:8080/", [("https://x.test:8080/",) * 2]),
            ("mailto:u@x.test?subject=unsubscribe", [("mailto:u@x.test?subject=unsubscribe",) * 2]),
            ("<mailto:u@x.test>", [("mailto:u@x.test",) * 2]),
            ("write to <u@x.test>", [("u@x.test", "mailto:u@x.test")]),
            ("u@x.test http: https:// http:x mailto: ftp://x 12:30", []),
        ],
    )
    def test_links(self, text: str, links: list[tuple[str, str]]) -> None:
        view = read_plain(text.encode(), "us-ascii")
        assert [(link.text, link.href) for link in view.links] == links
        assert offsets_are_right(view)


class TestCharsets:
    @pytest.mark.parametrize(
        ("content", "charset", "text"),
        [
            ("Größe €".encode(), "utf-8", "Größe €"),
            ("Größe".encode(), "us-ascii", "Größe"),
            ("Größe".encode("latin-1"), "default", "Größe"),
            (b"\x93quoted\x94 \x80", "ISO-8859-1", "“quoted” €"),
            ("привет".encode("koi8-r"), "koi8-r", "привет"),
            ("你好".encode("gbk"), "gb2312", "你好"),
            ("ab".encode("utf-16"), "utf-16", "ab"),
            (b"\xef\xbb\xbf<title>no</title>x", "utf-8", "x"),
            (b"\xff\xfe", "utf-8", "\ufffd\ufffd"),
            (b"x", "punycode", "x"),
            (b"+2AA-", "utf-7", "+2AA-"),
            (b"x", "\0/../..", "x"),
        ],
    )
    def test_any_charset_is_read(self, content: bytes, charset: str, text: str) -> None:
        assert read_html(content, charset).text == text


HOSTILE = {
    "open tags": b"<a " * 21_000,
    "open comments": b"<!--" * 16_000,
    "formatting": b"".join(b"<b %d>" % i for i in range(1_000)),
    "formatting and blocks": b"".join(b"<b %d><p>x" % i for i in range(500)),
    "hidden formatting": b"".join(
        b"<b id=%d hidden style='display:none;visibility:hidden'><p>x" % i for i in range(500)
    ),
    "formatting in links": b"".join(b"<b %d><a href=x><p><img alt=y>" % i for i in range(250)),
    "nested": b"<div>" * 1_000,
    "nested links": b"<a href=x>" * 1_000,
    "tables in links": b"<table><tr><td><a href=x>" * 250,
    "attributes": b"<p " + b" ".join(b"a%d" % i for i in range(9_000)) + b">",
    "references": b"&#1" * 21_000,
    "zeros": b"&#" + b"0" * 64_000,
    "blanks": b" " * 65_000,
    "comment in style": b'<p style="display:none' + b"/*" * 32_000 + b'">',
    "blanks in style": b'<p style="display' + b" " * 64_000 + b'none">',
    "words in style": b'<p style="none ' + b" display" * 8_000 + b'">',
    "marks": b"<a href=x>" + b"\x01\x02\x03\x04\x05" * 13_000,
    "invisible": "\u200b".encode() * 21_000,
    "tags of Unicode": "".join(chr(0xE0000 + i % 4096) for i in range(16_000)).encode(),
    "colons": b"http:" * 13_000,
    "angles": b"<a@" * 21_000,
}


class TestCost:
    @pytest.mark.parametrize("name", HOSTILE)
    def test_64_kilobytes_take_less_than_half_a_second(self, name: str) -> None:
        for read in (read_html, read_plain):
            begin = time.process_time()
            assert offsets_are_right(read(HOSTILE[name], "utf-8"))
            assert time.process_time() - begin < 0.5 * SLOW, read

    def test_heavy_is_what_a_parser_may_choke_on(self) -> None:
        assert not is_heavy(b"<p a=b>" * 1_000)
        assert is_heavy(b"<p>" * 1_001)
        assert is_heavy(b"=" * 2_001)
        assert is_heavy(b"x" * 65_537)
        assert not is_heavy(b"x" * 65_536)


# A loaded machine must not fail the build; what these tests look for is seconds and minutes.
SLOW = 3

FRAGMENTS = st.lists(
    st.sampled_from(
        (
            *(
                "<a href=x>",
                "</a>",
                "<b>",
                "</b>",
                "<p>",
                "</p>",
                "<td>",
                "<table>",
                "</table>",
                "<tr>",
                "<br>",
                "<div>",
            ),
            *(
                "<p hidden>",
                "<i style=display:none>",
                "<p style=font-size:7px>",
                "<b style='color:#fff'>",
                "<div style='color:#ccc;visibility:hidden'>",
                "<u style='visibility:visible;font-size:2em'>",
                "<blockquote type=cite>",
                "</blockquote>",
                "</div>",
                "<i id=appendonsend>",
                "<style>p>b,.x i{font-size:8px}a{display:none}</style>",
                "<p class=x>",
                "</i>",
                "<img alt='y z'>",
                "<area href=q alt=r>",
                "<select>",
                "<svg>",
            ),
            *(
                "<script>",
                "</script>",
                "<style>",
                "</style>",
                "<template>",
                "</template>",
                "<html hidden>",
                "<!--",
                "-->",
            ),
            *(
                " ",
                "\n",
                "x",
                "word",
                "&nbsp;",
                "\u200b",
                "\x01",
                "\x02",
                "&#3;",
                "&#x4;",
                "\x05",
                "é",
                "<form>",
                "<",
                ">",
                '"',
            ),
            *("<frameset>", "<noscript>", "<title>", "</html>", "<body hidden>", "<math>", "<annotation-xml>", "<li>"),
        )
    ),
    max_size=40,
).map("".join)


class TestProperties:
    @given(FRAGMENTS)
    @example("<a href=x>\x02\x02&#2;")
    def test_offsets_hold_for_any_markup(self, html: str) -> None:
        view = read_html(html.encode(), "utf-8")
        assert offsets_are_right(view)
        assert view.text == view.text.strip()
        assert not {"  ", " \n", "\n ", "\n\n", "\x01", "\x02", "\x03", "\x04", "\x05"} & {
            view.text[i : i + n] for i in range(len(view.text)) for n in (1, 2)
        }

    @given(
        st.binary(max_size=300),
        st.one_of(st.text(max_size=12), st.sampled_from(["utf-16", "hz", "iso-2022-jp", "big5"])),
    )
    def test_no_octets_and_no_charset_make_it_raise(self, content: bytes, charset: str) -> None:
        for read in (read_html, read_plain):
            view = read(content, charset)
            assert offsets_are_right(view)
            view.text.encode("utf-8")

    @given(st.text(alphabet="ab:/@.<>htps mailo\n\xa0\u200b", max_size=200))
    def test_offsets_hold_for_any_plain_text(self, text: str) -> None:
        assert offsets_are_right(read_plain(text.encode(), "utf-8"))

    @given(FRAGMENTS)
    def test_reading_twice_gives_the_same(self, html: str) -> None:
        """What is kept of tags and sheets between messages changes nothing."""
        octets = html.encode()
        first = read_html(octets, "utf-8")
        read_html(b"<style>b,p,a,i{font-size:0}</style>" + octets, "utf-8")
        assert read_html(octets + b"<!---->", "utf-8") == first

    @given(st.lists(st.text(alphabet="abc é<&", max_size=8), max_size=6))
    def test_escaped_text_comes_back(self, words: list[str]) -> None:
        html = "<p>".join(w.replace("&", "&amp;").replace("<", "&lt;") for w in words)
        assert text_of(html).split() == " ".join(words).split()


@pytest.mark.skipif(not CORPUS.is_dir(), reason="no sample mail beside the repository")
def test_real_mail_is_read() -> None:
    read = 0
    for path in sorted(CORPUS.glob("*.eml")):
        for part in message_from_bytes(path.read_bytes()).walk():
            if part.get_content_type() == "text/html":
                content = part.get_payload(decode=True)
                assert isinstance(content, bytes)
                view = read_html(content, str(part.get_param("charset", "us-ascii")))
                assert offsets_are_right(view), path.name
                assert view.text or view.links, path.name
                read += 1
    assert read > 50
