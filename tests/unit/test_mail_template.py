"""Views from templates: the same as reading, for whatever stands in the places, or no template at all."""

import time

import pytest
from hypothesis import HealthCheck, event, example, given, settings
from hypothesis import strategies as st

from sealgate.mail.template import MAX_VALUE, Template
from sealgate.mail.template_proof import MAX_PLACES, prove
from sealgate.mail.template_sample import MAX_WORDS, Sample
from sealgate.mail.visible import HEAVY_ATTRIBUTES, HEAVY_OCTETS, is_heavy, read_html

GAP = "\ue000"
VALUES = (
    *("Anna", "Mary Ann", "O'Brien-Smith", "x", "77", "7", "12.50", "john.smith@example.test", "Jürgen", "李", "a;b#c"),
    *(
        "amp",
        "lt",
        "nbsp",
        "nbsp;",
        "#160;",
        "ampx",
        "script",
        "style",
        "a",
        "hidden",
        "none",
        "HTML",
        "CDATA",
        "CDATA[",
    ),
    *(
        "javascript",
        "javascript:x",
        "From",
        "From: a",
        "- wrote:",
        "wrote:",
        ">",
        "&lt;",
        "<b>",
        "-->",
        "--!>",
        "a--!-b",
        "-",
    ),
    *(
        "--",
        "=",
        "==",
        "a==",
        "=a",
        '"',
        "'",
        "`",
        "",
        " ",
        " a",
        "a ",
        "a  b",
        "a\nb",
        "\t",
        "/",
        "/>",
        "?",
        "!--",
        "doctype",
    ),
    *(
        "\u200b",
        "a\u200bb",
        "\xa0",
        "\u3164",
        "\ufeffx",
        "\x01",
        "\x02x",
        "\x85",
        "\x00",
        "０",
        "é",
        "\u0301",
        "\u202ex",
    ),
    *(
        "display:none",
        "font-size:0",
        "1",
        "0",
        "utf-7",
        "text/html",
        "qz",
        "QzPlace",
        "QzPlace000zQ",
        "x" * 301,
        "y" * 300,
    ),
)


def filled(pieces: list[str], values: list[str]) -> bytes:
    return "".join([a + b for a, b in zip(pieces, [*values, ""], strict=True)]).encode("utf-8", "replace")


def proven(html: str, charset: str = "utf-8", codec: str = "utf-8") -> Template | None:
    """A template of the pieces between the gaps, whatever their borders."""
    pieces = html.split(GAP)
    constants = tuple(piece.encode(codec) for piece in pieces)
    part = b"5k".join(constants)
    return prove(constants, charset, part, read_html(part, charset))


def agrees(template: Template, html: str, values: list[str], charset: str = "utf-8") -> bool:
    """Whether the template says what reading says, where it says something. Return whether it did."""
    part = filled(html.split(GAP), values)
    view = template.read(part)
    assert view is None or view == read_html(part, charset), (html, values)
    assert view is None or not is_heavy(part)
    return view is not None


# -- documents ---------------------------------------------------------------------------------------------------------
TEXTS = st.sampled_from(
    [
        *(
            f"Dear {GAP},",
            GAP,
            f"no. {GAP} of 9",
            f"{GAP}{GAP}",
            f"on {GAP} x wrote:",
            f"> {GAP}",
            f"{GAP}: you",
            f"&{GAP};",
        ),
        *(
            f"&amp;{GAP};",
            f"&amp;#{GAP};",
            f"x &amp;nb{GAP}",
            "plain words",
            " ",
            "",
            "one\u200btwo",
            "From: x",
            "Subject: y",
        ),
        *(
            f"To: {GAP}",
            "- bullet",
            f"&am{GAP}",
            f"&#{GAP};",
            f"&#x{GAP}",
            f"a < {GAP}",
            f"a <{GAP}",
            f"</{GAP}>",
            "é ü",
            "a\xa0b",
        ),
        *(
            f"<!-- {GAP} -->",
            f"<!--{GAP}-->",
            f"<!--[if mso]><a href='{GAP}'>x</a><![endif]-->",
            f"<!{GAP}>",
            f"<?x {GAP}?>",
        ),
        *(
            f"<![CDATA[{GAP}]]>",
            f"<!-- - {GAP}>x-->",
            f"<!--{GAP}",
            f"]]{GAP}",
            "&nbsp;",
            "\n",
            "------ Original Message",
        ),
    ]
)
LEAVES = st.one_of(
    TEXTS,
    st.sampled_from(
        [
            *(
                "<br>",
                "<hr>",
                f"<img src='https://x.test/{GAP}.png'>",
                f"<img alt={GAP} src=y>",
                f"<img alt='A {GAP} b'>",
            ),
            *(f"<script>var a = '{GAP}'</script>", f"<style>.{GAP} {{display:none}}</style>", f"<title>{GAP}</title>"),
            *(f"<textarea>{GAP}</textarea>", f"<input type={GAP}>", f"<meta charset={GAP}>", f"<base href={GAP}>"),
            *(f"<style>a[href={GAP}] {{display:none}}</style>", "<style>a[href*=x] {font-size:1px}</style>"),
            *(f"<xmp>{GAP}</xmp>", f"<noscript>{GAP}</noscript>", f"<template>{GAP}</template>", f"<svg>{GAP}</svg>"),
            *(f"<{GAP}>", f"<t{GAP}>", f"<p {GAP}>", f"<p {GAP}=x>", f"<p title={GAP}>", "</p>", "</a>", "<a href=1>"),
            *(f"<select><option>{GAP}</select>", f"<iframe>{GAP}</iframe>", f"<area href={GAP} alt={GAP}>", "<table>"),
            *(
                "<p hidden>pre &nbsp;</p>",
                f"<p hidden>see {GAP}</p>",
                f"<map><area href='{GAP}'></map>",
                "<td>",
                "<div>",
            ),
            *(
                f"<p class='{GAP}'>c</p>",
                f"<p id='gmail_{GAP}'>c</p>",
                f"<p style='color:{GAP}'>c</p>",
                "<b>",
                "<font size=1>",
            ),
            *(
                f"<a name='{GAP}'>x</a>",
                f"<a title='{GAP}' href=x>x</a>",
                f"<a href=x href='{GAP}'>x</a>",
                f"<a ='{GAP}'>",
            ),
            *(
                f"<img src=x {GAP}>",
                f"<img srcset='{GAP}'>",
                f"<img src='{GAP}' '='x'>",
                f"<plaintext>{GAP}",
                f"<frameset>{GAP}",
            ),
            f"<p hidden>{'wide ' * 990}</p>",
            f"<p hidden>{'&nbsp;&zwnj;' * 720}{GAP}</p>",
            *(f"<div>{'<div>' * 9}", f"<a href='{GAP}'><div><div><p>"),
        ]
    ),
)
HREFS = st.sampled_from(
    [
        *(
            f"https://x.test/{GAP}",
            GAP,
            f"{GAP}:x",
            f"java{GAP}:x",
            f"?a=1&amp;b={GAP}",
            f"?a=1&b={GAP}",
            f"?a&am{GAP};",
        ),
        *(
            f"?a=&{GAP}",
            f"mailto:{GAP}@x.test?subject={GAP}",
            f"&lt{GAP}",
            f" {GAP} ",
            "https://x.test/",
            f"x?&quot;={GAP}",
        ),
    ]
)
WRAPS = st.sampled_from(
    [
        *(
            "<p>%s</p>",
            "<div>%s",
            "%s</div>",
            "<table><tr><td>%s</td></tr></table>",
            "<table>%s</table>",
            "<b>%s</b>",
            "<i>%s",
        ),
        *("<blockquote type=cite>%s</blockquote>", "<span class=gmail_quote>%s</span>", "<font size=1>%s</font>"),
        *(
            "<p hidden>%s</p>",
            "<span style='font-size:7px'>%s</span>",
            "<span style='color:#eee'>%s</span>",
            "<pre>\n%s</pre>",
        ),
        *(
            "<h1>%s</h1>",
            "<ul><li>%s<li></ul>",
            "<div style='display:none'>%s</div>",
            "<head>%s</head>",
            "<body>%s</body>",
        ),
        *(
            "<style>.h{display:none}</style>%s",
            "<i class=h>%s</i>",
            "<center>%s</center>",
            "<select>%s</select>",
            "<td>%s</td>",
        ),
    ]
)


def _linked(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(
        st.builds(lambda href, text: f'<a href="{href}">{text}</a>', HREFS, inner),
        st.builds(lambda href, text: f"<a href='{href}' class=h>{text}</a>", HREFS, inner),
        st.builds(lambda href, text: f"<a href={href.replace(' ', '')}>{text}", HREFS, inner),
        st.builds(lambda wrap, text: wrap.replace("%s", text), WRAPS, inner),
        st.lists(inner, min_size=2, max_size=5).map("".join),
    )


HTML = st.recursive(LEAVES, _linked, max_leaves=14)
SANE_TEXTS = st.sampled_from(
    [f"Dear {GAP},", GAP, f"{GAP}: you", "words", " ", "é\u200b", f"- {GAP}", f"<!-- {GAP} -->", "<br>"]
)
SANE = st.recursive(SANE_TEXTS, _linked, max_leaves=20)


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.one_of(HTML, SANE), st.data())
@example(f"<p>a <a href=x>{GAP}</a>", None)
def test_a_template_says_what_reading_says(html: str, data) -> None:
    template = proven(html)
    event(f"a template: {template is not None}")
    if template is None or data is None:
        return
    count = html.count(GAP)
    for _ in range(4):
        values = data.draw(st.lists(st.sampled_from(VALUES), min_size=count, max_size=count))
        event(f"used: {agrees(template, html, values)}")
    for value in VALUES:
        agrees(template, html, [value] * count)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.one_of(HTML, SANE), st.data())
def test_what_is_learnt_from_parts_says_what_reading_says(html: str, data) -> None:
    count = html.count(GAP)
    some = st.lists(st.sampled_from(VALUES), min_size=count, max_size=count)
    parts = [filled(html.split(GAP), data.draw(some)) for _ in range(5)]
    sample = Sample.of(parts[0])
    for part in parts[1:]:
        met = sample.met(part) if sample is not None else None
        if met is None:
            return
        sample, constants = met
        template = prove(constants, "utf-8", part, read_html(part, "utf-8"))
        if template is not None:
            assert template.read(part) == read_html(part, "utf-8")
            for other in parts:
                assert template.read(other) in (None, read_html(other, "utf-8"))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text(max_size=12), min_size=3, max_size=3))
def test_any_letters_at_all(values: list[str]) -> None:
    html = f"<p>Dear {GAP}, <a href='https://x.test/{GAP}'>x</a> <i hidden>{GAP}</i> end"
    template = proven(html)
    assert template is not None
    agrees(template, html, values)


# -- what is taken, and what is not ------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "html",
    [
        f"<p>Dear {GAP},</p>",
        f"<a href='https://x.test/u?t={GAP}&n={GAP}'>Leave</a>",
        f"<a href=https://x.test/{GAP}>Leave, {GAP}!</a> now",
        f"<a href=x><img src='https://x.test/{GAP}.png' alt='For {GAP}'></a> x",
        f"<img src='https://x.test/{GAP}.png'> x",
        f"<title>For {GAP}</title><p>x",
        f"<div style='display:none'>{GAP}, we have news &nbsp;&zwnj;</div><p>x",
        f"<!-- {GAP} --><!DOCTYPE html><!-- {GAP} --><html><p>x<!-- {GAP} --></html><!-- {GAP} -->",
        f"<!--[if mso]><v:rect href='https://x.test/{GAP}'><![endif]--><p>x",
        f"<p>a<!-- {GAP}>b--><p>c",
        f"<blockquote type=cite>{GAP}</blockquote><p>x",
        f"<style>.h{{display:none}}</style><p class=h>{GAP}</p><p style='font-size:7px'>to {GAP}</p>x",
        f"<table><tr><td><a href='x'>a</a></td><td>{GAP}</td></tr>{GAP}</table>",
        f"<p>From: {GAP}<br>Subject: x<br>To: y<p>z",
    ],
)
def test_what_campaigns_do_gives_a_template_that_is_used(html: str) -> None:
    template = proven(html)
    assert template is not None
    count = html.count(GAP)
    assert all(agrees(template, html, [value] * count) for value in ("Anna", "77", "a.b-c_d", "y" * MAX_VALUE))
    assert not agrees(template, html, ["y" * (MAX_VALUE + 1)] * count)
    assert not agrees(template, html, [""] * count)
    latin = proven(html, "iso-8859-1")
    assert latin is not None
    for value in VALUES:
        agrees(template, html, [value] * count)
        agrees(latin, html, [value] * count, "iso-8859-1")


@pytest.mark.parametrize(
    "html",
    [
        f"<style>p {{ {GAP}:none }}</style><p>x",
        f"<style>.h{{display:none}}</style><p class='{GAP}'>x",
        f"<p id='{GAP}'>x",
        f"<p style='display:{GAP}'>x",
        f"<script>var x = '{GAP}'</script><p>x",
        f"<p>a &am{GAP}; b",
        f"<p>a &{GAP}; b",
        f"<p>a &amp;{GAP}; b",
        f"<p>a &amp;n<b>{GAP}</b>; b",
        f"<p>a &#{GAP}; b",
        f"<a href='?a=1&{GAP}=2'>x</a>",
        f"<{GAP}>x",
        f"<t{GAP}>x",
        f"x</{GAP}>x",
        f"<p {GAP}>x",
        f"<p {GAP}=1>x",
        f"<!{GAP}>x",
        f"<!DOCTYPE html PUBLIC '{GAP}'><p>a<table><td>x</table>",
        f"<svg><![{GAP}[<a href=1>x</a>]]></svg>",
        f"<meta charset='{GAP}'>x",
        f"<meta http-equiv='content-type' content='text/html; charset={GAP}'>x",
        f"<base href='{GAP}'>x",
        f"<table><tr><input type='{GAP}'></tr></table>x",
        f"<a name='{GAP}'>x</a>",
        f"<a href=1 href='{GAP}'>x</a>",
        f"<style>a[href*=none] {{display:none}}</style><a href='{GAP}'>x</a>",
        f"<style>img[alt=none] {{display:none}}</style><a href=1><img alt='{GAP}'></a>",
        f"<map><area href='{GAP}'></map>x",
        f"<svg><text>{GAP}</text></svg>x",
        f"<xmp>{GAP}</xmp>x",
        f"<template>{GAP}</template>x",
        f"<p hidden>{'word ' * 950}{GAP} {'word ' * 100}</p>x",
        f"<p hidden>{GAP}{'word ' * 990}</p>x",
        f"<p hidden>{GAP}{' ' * 4800}&nbsp;{' ' * 400}</p>x",  # cut amid blanks, or amid the reference
        f"<a href='{GAP}'>{'<div>' * 9}<a href=2>x</a>" + "<a href=3>x",
        f"<p>{GAP}</p><p>{GAP} QzPlace</p>",
        f"<p>{GAP}",  # nothing behind it says where it ends
        "<p>no place at all",
        f"<p>{GAP} <i>x</i>" * (MAX_PLACES + 1),
    ],
)
def test_what_a_value_may_change_gives_no_template(html: str) -> None:
    assert proven(html) is None


def test_a_scheme_is_a_part_of_the_target_and_no_more() -> None:
    html = f"<a href='{GAP}:x'>x</a>"
    template = proven(html)
    assert template is not None
    assert agrees(template, html, ["javascript"])
    assert agrees(template, html, ["java"])


def test_a_value_that_quotes_is_seen() -> None:
    html = f"<p>{GAP}: a@x.test<br>{GAP}: b<br>{GAP}: c<br>{GAP}</p>end"
    template = proven(html)
    assert template is not None
    assert agrees(template, html, ["From", "Subject", "To", "x"])
    part = filled(html.split(GAP), ["From", "Subject", "To", "x"])
    view = template.read(part)
    assert view is not None
    assert view.quotes
    assert agrees(template, html, ["Mr", "Subject", "To", "x"])


def test_a_single_letter_between_two_small_runs_is_read() -> None:
    """It would make one run of them, and two letters would not."""
    html = f"<font size=1>a</font>{GAP}<font size=1>b</font>end"
    template = proven("<p style='font-size:7px'>x</p>" + html)
    template = template or proven(html)
    assert template is None or not agrees(template, html, ["x"])
    small = f"<span style='font-size:7px'>a</span>{GAP}<span style='font-size:7px'>b</span>end"
    template = proven(small)
    assert template is not None
    assert not agrees(template, small, ["x"])
    assert agrees(template, small, ["xy"])


@pytest.mark.parametrize(
    ("charset", "codec", "taken"),
    [
        *(("utf-8", "utf-8", True), ("us-ascii", "utf-8", True), ("", "utf-8", True), ("iso-8859-1", "latin-1", True)),
        *(
            ("koi8-r", "koi8-r", True),
            ("x-unknown", "utf-8", True),
            ("utf-8", "latin-1", False),
            ("", "latin-1", False),
        ),
        *(("utf-16", "utf-16-le", False), ("utf-16le", "utf-16-le", False), ("hz", "ascii", False)),
        *(
            ("iso-2022-jp", "ascii", False),
            ("shift_jis", "ascii", True),
            ("shift_jis", "cp932", False),
            ("utf-7", "ascii", True),
        ),
    ],
)
def test_charsets(charset: str, codec: str, taken: bool) -> None:
    word = {"latin-1": "Größe", "koi8-r": "привет", "cp932": "表示", "utf-8": "Größe"}.get(codec, "size")
    html = f"<p>{word} {GAP} {word}</p><a href='{GAP}'>x</a>"
    template = proven(html, charset, codec)
    assert (template is not None) is taken
    if template is not None:
        for name in ("Anna", "Jürgen"):
            part = html.replace(f"'{GAP}'", "'u'").replace(GAP, name).encode(codec, "replace")
            assert template.read(part) in (None, read_html(part, charset))
            assert name != "Anna" or template.read(part) is not None


def test_heavy_parts_are_left_to_the_reader_process() -> None:
    html = f"<p>{GAP} {'a=' * (HEAVY_ATTRIBUTES - 9)} <a href='{GAP}'>x</a>"
    template = proven(html)
    assert template is not None
    assert agrees(template, html, ["x", "a"])
    assert not agrees(template, html, ["x", "a" + "=" * 20])
    html = f"<p>{GAP} {'a' * (HEAVY_OCTETS - 100)}"
    template = proven(html)
    assert template is not None
    assert agrees(template, html, ["x"])
    assert not agrees(template, html, ["x" * 120])


def test_what_looks_alike_is_not_the_same_part() -> None:
    template = proven(f"<p>Dear {GAP},</p><b>end</b>")
    assert template is not None
    part = b"<p>Dear A,</p><b>end</b>"
    assert template.read(part) is not None
    others = (
        part + b" ",
        b" " + part,
        part[:-1],
        part + part,
        part + b" x,</p><b>end</b>",
        part.upper(),
        b"<p>Dear ",
        b"",
    )
    assert [other for other in others if template.read(other) is not None] == []


# -- learning ----------------------------------------------------------------------------------------------------------
def learnt(*parts: bytes) -> tuple[bytes, ...]:
    sample = Sample.of(parts[0])
    constants: tuple[bytes, ...] = ()
    for part in parts[1:]:
        assert sample is not None
        met = sample.met(part)
        if met is None:
            return ()
        sample, constants = met
    return constants


def test_what_differs_is_cut_out_in_whole_words() -> None:
    rest = b"<i>a</i><i>b</i>"
    first = b"<p>Dear Anna, <a href='https://x.test/u/abc-1?r=001'>Go</a>" + rest
    other = b"<p>Dear Anton, <a href='https://x.test/u/abd_2?r=002'>Go</a>" + rest
    assert learnt(first, other) == (b"<p>Dear ", b", <a href='https://x.test/u/", b"?", b"'>Go</a>" + rest)


def test_more_words_in_the_place_of_one() -> None:
    rest = b"<i>a</i><i>b</i>"
    names = (b"Anna", b"Mary Ann", b"Bo", b"O'Brien jr.", b"Anna")
    assert learnt(*[b"<p>Dear " + name + b", hello" + rest for name in names]) == (b"<p>Dear ", b", hello" + rest)
    assert learnt(b"<p>Dear, hi" + rest, b"<p>Dear Anna, hi" + rest) == (b"<p>", b", hi" + rest)
    assert learnt(b"<p>a a" + rest, b"<p>a" + rest)[0] == b"<p>"


def test_places_that_were_the_same_by_chance_are_found_later() -> None:
    rest = b"<i>a</i><i>b</i>"
    parts = [b"<p>%s got %s" % pair + rest for pair in ((b"A", b"1"), (b"A", b"2"), (b"B", b"2"))]
    assert learnt(*parts[:2]) == (b"<p>A got ", rest)
    assert learnt(*parts) == (b"<p>", b" got ", rest)


def test_parts_that_have_little_in_common_are_none_of_one_campaign() -> None:
    assert learnt(b"<p>a</p><p>b</p>", b"<b>c</b><b>d</b>") == ()
    assert learnt(b"<p>a</p>", b"<p>a</p><p>b</p>") == ()
    assert learnt(b"<p>a</p>", b"<p>a</p>") == (b"<p>a</p>",)


def test_a_sample_has_bounds_and_holds_no_words() -> None:
    assert Sample.of(b"a " * MAX_WORDS) is None
    sample = Sample.of(b"<p>Dear Anna")
    assert sample is not None
    assert all(isinstance(word, int) for segment in sample.segments for word in segment)


@pytest.mark.parametrize(
    ("first", "other"),
    [
        (b"<p>" * 999 + b"x" * 50_000, b"<p>" * 999 + b"y" * 50_000),
        (b"<p>" + b"a-" * 20_000, b"<p>" + b"b-" * 20_000),
        (b"<p>" + b"a " * 9_000, b"<p>" + b"b " * 9_000),
        (b"<" * 30_000 + b"1", b"<" * 30_000 + b"2"),
        (b"&a1 " * 900 + b"<i><b>", b"&a2 " * 900 + b"<i><b>"),
        (b"&" + b"a" * 50_000 + b"<b>1</b><b>" * 199, b"&" + b"a" * 50_000 + b"<b>2</b><b>" * 199),
    ],
)
def test_learning_is_linear(first: bytes, other: bytes) -> None:
    start = time.process_time()
    if constants := learnt(first, other):
        prove(constants, "utf-8", other, read_html(other, "utf-8"))
    assert time.process_time() - start < 1.0
