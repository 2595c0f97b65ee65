"""Style sheets, styles and quotes made to cost: what is read inside a worker must stay cheap for the worst input."""

import time

import pytest

from sealgate.mail.visible import View, is_heavy, read_html, read_plain

# A loaded machine must not fail the build; what these tests look for is seconds and minutes.
LIMIT = 1.5


def rules(count: int, selector: str) -> bytes:
    return b"<style>" + b"".join(selector.replace("N", str(n)).encode() + b"{color:red}" for n in range(count))


END = b"</style>"
BOMBS = {
    "rules of one class": rules(2_500, ".a") + END + b"<p class=a>x" * 900,
    "rules and elements of many classes": rules(2_500, ".aN")
    + END
    + b"".join(b"<p class='a%d a%d'>x" % (n, n + 1) for n in range(900)),
    "deep selectors": rules(600, ".a .b .c .d .e .f .g .h .i .j p") + END + b"<div class='a b c d e f g h i j'>" * 900,
    "children": rules(1_500, ".a>.a>.a>p") + END + b"<div class=a>" * 900 + b"<p>x",
    "one class on all": rules(1_000, ".x p.aN")
    + END
    + b"".join(b"<div class=x><p class=a%d>x" % n for n in range(450)),
    "universal": rules(3_000, "* * *") + END + b"<p>x" * 900,
    "attributes": rules(1_000, "[class~=aN]") + END + b"<p class='" + b"a " * 10_000 + b"'>x" + b"<p class=b>y" * 500,
    "long selector": b"<style>" + b".a" * 30_000 + b"{color:red}" + END + b"<p class=a>x",
    "long list": b"<style>" + b".a," * 18_000 + b".b{color:red}" + END + b"<p class=a>x" * 900,
    "nested media": b"<style>" + b"@media (x){" * 5_000 + b".a{display:none}" + END + b"<p class=a>x",
    "nested rules": b"<style>" + b"a{" * 30_000 + END + b"<p>x",
    "braces": b"<style>" + b"}{" * 30_000 + END + b"<p>x",
    "open strings": b"<style>" + b"'\"" * 30_000 + END + b"<p>x",
    "open brackets": b"<style>p" + b"[(" * 30_000 + b"{color:red}" + END + b"<p>x",
    "open comments": b"<style>" + b"/*/" * 20_000 + END + b"<p>x",
    "escapes": b"<p style='" + b"\\64 " * 15_000 + b"'>x",
    "a style of 60 KB": b"<p style='" + b"font-size:1px;" * 4_000 + b"display:none'>x",
    "a style without end": b"<p style='" + b'("' * 30_000 + b"'>x",
    "one long value": b"<p style='color:" + b"rgb(" * 15_000 + b"'>x",
    "a long background": b"<p style='background:" + b"a(b " * 15_000 + b"'>x",
    "a long font": b"<p style='font:" + b"1 " * 30_000 + b"'>x",
    "digits": b"<p style='font-size:" + b"1" * 60_000 + b"'>x",
    "larger and larger": b"<b style=font-size:1.1em>x" * 200,
    "each its own size": b"".join(b"<div style=font-size:%d.%dpx>x" % (n % 9, n) for n in range(999)),
    "unclosed with styles": b"".join(b"<b id=%d style='color:#%03x'><p>x" % (n, n) for n in range(200)) + b"<p>x" * 590,
    "unclosed in a sheet": b"<style>b{font-size:.9em}p b{color:red}</style>"
    + b"".join(b"<b id=%d><p>x" % n for n in range(200))
    + b"<p>x" * 590,
    "quotes": b"<blockquote type=cite>x" * 999,
    "faded links": b"<a href=x style=color:#fff>x" * 200,
    "values like names": b"<a " + b"title=' href=' " * 900 + b">x",
    "odd elements": b"<svg><style>" * 450 + b"<xmp>" * 90,
    "templates": b"<template>" * 990,
}
PLAIN = {
    "who wrote": b"On 1.1.2026, x wrote:\n" * 3_000,
    "marks": b"> x\ny\n" * 10_000,
    "heads": b"From: x\nTo: y\n" * 4_500,
    "dashes": b"-----\n" * 10_000,
    "one long line": b"-" * 64_000,
    "colons": b":\n" * 32_000,
    "a schrieb": b"x schrieb " * 6_000 + b":",
}


# Unclosed formatting elements are opened again in each block: these are for the reader process.
UNCLOSED = {
    "pairs": b"".join(b"<b id=%d><p>x" % n for n in range(450)),
    "in other letters": b"".join(b"<STRONG id=%d><P>x" % n for n in range(450)),
    "with a slash": b"".join(b"<i/id=%d><p>x" % n for n in range(450)),
    "links": b"".join(b"<div><a href=%d>x" % n for n in range(450)),
    "all kinds": b"".join(b"<%s id=%d><p>x" % (b"big code em font nobr s small strike tt u".split()[n % 10], n)
                          for n in range(450)),
}  # fmt: skip


@pytest.mark.parametrize("name", UNCLOSED)
def test_unclosed_formatting_is_heavy(name: str) -> None:
    assert is_heavy(UNCLOSED[name])


def test_formatting_with_its_ends_is_not_heavy() -> None:
    assert not is_heavy(b"<p><b>x</b><i>y</i></p>" * 160)


def test_an_end_for_nothing_hides_little() -> None:
    """Ends of what was never open make the rest look well formed, but they take the place of other tags."""
    most = 575
    html = b"</x>" * (most - 150 + 1) + b"".join(b"<b id=%d><p>" % n for n in range(most // 2))
    assert not is_heavy(html)
    began = time.process_time()
    read_html(html, "utf-8")
    assert time.process_time() - began < LIMIT / 3


def within_limit(html: bytes) -> View:
    begin = time.process_time()
    view = read_html(html, "utf-8")
    assert time.process_time() - begin < LIMIT
    return view


@pytest.mark.parametrize("name", BOMBS)
def test_what_a_worker_reads_is_cheap_at_its_worst(name: str) -> None:
    assert not is_heavy(BOMBS[name])
    within_limit(BOMBS[name])


@pytest.mark.parametrize("name", PLAIN)
def test_plain_text_is_cheap_at_its_worst(name: str) -> None:
    begin = time.process_time()
    read_plain(PLAIN[name], "utf-8")
    assert time.process_time() - begin < LIMIT


def test_ten_thousand_rules_for_a_thousand_elements() -> None:
    """For the reader process, which gives a message a second and a half."""
    sheet = rules(10_000, ".o .aN") + END
    html = sheet + b"<div class=o>" + b"".join(b"<p class=a%d>x" % (n * 10) for n in range(1_000))
    assert is_heavy(html)
    assert within_limit(html).is_doubtful


def test_cost_grows_with_the_input_and_not_faster() -> None:
    def cost(count: int) -> float:
        html = (
            rules(200, ".x p.aN")
            + END
            + b"".join(b"<div class=x%d><p style='top:%dpx'>x</p>" % (n, n) for n in range(count))
        )
        begin = time.process_time()
        read_html(html, "utf-8")
        return time.process_time() - begin

    cost(500)
    assert cost(8_000) < 6 * cost(4_000) + 0.1
