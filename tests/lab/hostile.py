"""Messages made to cost a filter time, memory or its life: each is small to send and lawful to nobody.

`HOSTILE` names them. A `Bomb` is header fields and a body, built when it is asked for, as some are megabytes; who it
is from, and under which login, is for whoever sends it. Values are as the milter protocol hands them over: folds as
LF and blank. Where a bomb brings its own From or Content-Type, no other is put beside it.
"""

import base64
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

Fields = tuple[tuple[bytes, bytes], ...]
HTML: Final[Fields] = ((b"Content-Type", b" text/html; charset=utf-8"),)
PLAIN: Final[Fields] = ((b"Content-Type", b" text/plain; charset=utf-8"),)
QUOTED: Final[Fields] = ((b"Content-Transfer-Encoding", b" quoted-printable"),)
BASE64: Final[Fields] = ((b"Content-Transfer-Encoding", b" base64"),)


@dataclass(frozen=True, slots=True)
class Bomb:
    """One hostile message.

    Attributes:
        fields: header fields, name and value, without From, Subject, Date and Message-ID unless one is the weapon.
        body: with CRLF line ends where it has any.
    """

    fields: Fields
    body: bytes = b""

    def whole(self, author: bytes) -> Fields:
        """All header fields of a message of `author`."""
        names = {name.lower() for name, _ in self.fields}
        usual = (
            (b"From", b" " + author),
            (b"Subject", b" News"),
            (b"Date", b" Sat, 21 Nov 2026 09:00:00 +0000"),
            (b"Message-ID", b" <bomb@example.test>"),
            (b"MIME-Version", b" 1.0"),
        )
        return (*((name, value) for name, value in usual if name.lower() not in names), *self.fields)


def _html(body: bytes) -> Callable[[], Bomb]:
    return lambda: Bomb(HTML, body)


def _plain(body: bytes) -> Callable[[], Bomb]:
    return lambda: Bomb(PLAIN, body)


def _field(name: bytes, value: bytes) -> Callable[[], Bomb]:
    return lambda: Bomb(((name, value),), b"x\r\n")


def _multipart(boundary: bytes, body: bytes) -> Bomb:
    return Bomb(((b"Content-Type", b' multipart/mixed; boundary="' + boundary + b'"'),), body)


def _nested(depth: int) -> Bomb:
    """Multiparts within each other."""
    return _multipart(
        b"b0",
        b"".join(b'--b%d\r\nContent-Type: multipart/mixed; boundary="b%d"\r\n\r\n' % (n, n + 1) for n in range(depth))
        + b"--b%d\r\n\r\nx\r\n" % depth,
    )


def _attached(depth: int) -> Bomb:
    """Messages within each other."""
    inner = b"Content-Type: message/rfc822\r\n\r\n"
    return Bomb(((b"Content-Type", b" message/rfc822"),), inner * depth + b"From: a@b.test\r\n\r\nx\r\n")


def _sibling_levels() -> Bomb:
    """Twenty open levels with boundaries that begin alike, and lines that begin like all of them."""
    marks = [b"b" * (n + 1) for n in range(20)]
    heads = [
        b'--%s\r\nContent-Type: multipart/mixed; boundary="%s"\r\n\r\n' % (outer, inner)
        for outer, inner in pairwise(marks)
    ]
    return _multipart(marks[0], b"".join(heads) + (b"--" + b"b" * 69 + b"x\r\n") * 40_000)


def _text_parts(count: int, content: bytes, subtype: bytes = b"html") -> Bomb:
    head = b"--b\r\nContent-Type: text/" + subtype + b"; charset=utf-8\r\n\r\n"
    return _multipart(b"b", b"".join(head + content + b"%d\r\n" % n for n in range(count)) + b"--b--\r\n")


def _repeated(size: int, unit: bytes) -> bytes:
    return (unit * (size // len(unit) + 1))[:size]


def _lines(size: int, unit: bytes) -> bytes:
    """Text of so many octets whose lines an MTA would let pass."""
    line = _repeated(900, unit) + b"\r\n"
    return line * (size // len(line))


LEXBOR: Final = b"".join(b"<b %d>" % n for n in range(700)) + b"<p>" * 2_000
_STYLED: Final = b"<style>" + b"".join(b".a%d .b>.c{color:#%06x}" % (n, n) for n in range(2_000)) + b"</style>"

HOSTILE: Final[dict[str, Callable[[], Bomb]]] = {
    # markup
    "html: 20,000 open tags": _html(b"<a " * 20_000),
    "html: 20,000 open comments": _html(b"<!--" * 20_000),
    "html: unclosed formatting, 14 KB": _html(LEXBOR),
    "html: unclosed formatting below what is heavy": _html(b"".join(b"<b %d><p>" % n for n in range(495))),
    "html: unclosed formatting in 500 parts": lambda: _text_parts(480, b"".join(b"<b %d><p>" % n for n in range(480))),
    "html: unclosed formatting of 41 KB": _html(b"".join(b"<b %d>" % n for n in range(2_000)) + b"<p>" * 8_000),
    "html: 5 MB of <": _html(_lines(5_000_000, b"<")),
    "html: tables in tables": _html(b"<table><tr><td>" * 30_000),
    "html: 100,000 links": _html(b"<a href='https://a.example.test/u'>unsubscribe</a>\r\n" * 100_000),
    "html: 990 links": _html(b"<a href='https://a.example.test/unsubscribe?x=1'>unsubscribe\r\n" * 490),
    "html: links in links": _html(b"".join(b"<a href=%d><object>" % n for n in range(99)) + b"unsubscribe " * 5_000),
    "html: links in links, heavy": _html(
        b"".join(b"<a href=%d><object>" % n for n in range(9_000)) + b"unsubscribe " * 60_000
    ),
    "html: images in links": _html(b"<a href=x><img src=y alt='unsubscribe here'>" * 480),
    "html: entities": _html(b"&amp;nbsp;&#8203;&zwnj;" * 2_700),
    "html: 5 MB of entities": _html(_lines(5_000_000, b"&lt;&#x200b;&nbsp;&amp;")),
    "html: entities without an end": _html(b"&a" * 32_000),
    "html: attributes": _html(b"<p " + b"".join(b"a%d=b " % n for n in range(1_990)) + b">x"),
    "css: descendants": _html(_STYLED + b"<div class=b>" * 900 + b"<p class=c>x"),
    "css: braces": _html(b"<style>" + b"a{" * 30_000 + b"</style><p>x"),
    "css: comments": _html(b"<style>" + b"/*/" * 20_000 + b"</style><p>x"),
    "css: a style of 60 KB": _html(b"<p style='" + b"font-size:1px;" * 4_000 + b"'>x"),
    "css: 5 MB": _html(b"<style>" + b"".join(b".a%d{color:red}\r\n" % n for n in range(300_000)) + b"</style><p>x"),
    # header fields
    "From of 60,000 dots": _field(b"From", b" " + b"." * 59_900),
    "From of 8,000 addresses": _field(b"From", b" " + b",".join(b"%d@b" % n for n in range(8_000))),
    "To of 8,000 addresses": lambda: Bomb(
        tuple((b"To", b" " + b", ".join(b"a%d@b.test" % n for n in range(4_000))) for _ in range(2)), b"x\r\n"
    ),
    "From of 2,000 comments in each other": _field(b"From", b" " + b"(" * 2_000 + b")" * 2_000 + b"<a@b.test>"),
    "From of 20,000 open comments": _field(b"From", b" " + b"(" * 20_000),
    "From of encoded-words": _field(b"From", b" " + b"=?utf-8?q?=41?= " * 3_700 + b"<news@example.test>"),
    "From of open encoded-words": _field(b"From", b" " + b"=?a?q?" * 9_900),
    "From of quotes": _field(b"From", b' "' + b'\\"' * 29_900),
    "From of names": _field(b"From", b' "' + b"a@b.test " * 6_600 + b'" <news@example.test>'),
    "From of folds": _field(b"From", b" a\n" * 19_900 + b" <news@example.test>"),
    "Content-Type of 8,000 semicolons": _field(b"Content-Type", b" text/plain" + b";" * 8_000),
    "Content-Type of parameters": _field(b"Content-Type", b" text/html" + b'; a="\\"' * 7_400),
    "Content-Type of an open quote": _field(b"Content-Type", b' text/html; a="' + b"\\" * 59_000),
    "Content-Type of continuations": _field(
        b"Content-Type", b" multipart/mixed" + b"".join(b"; boundary*%d=a" % n for n in range(3_500))
    ),
    "Subject of encoded-words": _field(b"Subject", b" " + b"=?utf-8?b?UmU6IA==?= " * 2_800),
    "Subject of blanks": _field(b"Subject", b" " * 59_900 + b"x"),
    "Subject of Re:": _field(b"Subject", b" " + b"Re: " * 14_900),
    "List-Unsubscribe of brackets": _field(b"List-Unsubscribe", b" " + b"<https://a.test>," * 3_500),
    "List-Unsubscribe of open comments": _field(b"List-Unsubscribe", b" " + b"(<" * 29_900),
    "DKIM-Signature of tags": _field(b"DKIM-Signature", b" " + b"a=b;" * 14_900),
    "Received: 1,900 fields": lambda: Bomb(((b"Received", b" from (a) by b with c (" * 20),) * 1_900, b"x\r\n"),
    "From: 1,900 fields": lambda: Bomb(((b"From", b" news@example.test"),) * 1_900, b"x\r\n"),
    "Resent-From: 1,900 fields": lambda: Bomb(((b"Resent-From", b" a@b.test, " * 40),) * 1_900, b"x\r\n"),
    "header of 8 MB": lambda: Bomb(((b"X-Large", b" " + b"x" * 59_900),) * 140, b"x\r\n"),
    "header of 950 KB in names": lambda: Bomb(((b"Reply-To", b" " + b"a <a@b.test>, " * 4_200),) * 15, b"x\r\n"),
    "100,000 header fields": lambda: Bomb(tuple((b"X-%d" % n, b" y") for n in range(100_000)), b"x\r\n"),
    "To: 16 fields of brackets": lambda: Bomb(((b"To", b" " + b"<>" * 29_900),) * 16, b"x\r\n"),
    "References: 950 long fields": lambda: Bomb(((b"References", b" " + b"<a@b>" * 199),) * 950, b"x\r\n"),
    # structure
    "multipart in multipart, 1,000 deep": lambda: _nested(1_000),
    "message in message, 1,000 deep": lambda: _attached(1_000),
    "200,000 empty parts": lambda: _multipart(b"b", b"--b\r\n" * 200_000),
    "200,000 doubtful delimiters": lambda: _multipart(b"b", b"--bx\r\n" * 200_000),
    "boundaries that begin alike": _sibling_levels,
    "part headers without an end": lambda: _multipart(b"b", (b"--b\r\n" + b"X: y\r\n" * 10_800) * 100),
    "480 text parts": lambda: _text_parts(480, b"a word and https://a.test/ " * 150, b"plain"),
    "480 HTML parts": lambda: _text_parts(480, b"<p>a word and <a href=https://a.test/>it</a> " * 20),
    # encodings
    "base64 of 20 MB": lambda: Bomb(PLAIN + BASE64, base64.encodebytes(b"word " * 4_000_000)),
    "base64 of junk": lambda: Bomb(PLAIN + BASE64, _lines(5_000_000, b"=A-")),
    "quoted-printable of soft line ends": lambda: Bomb(PLAIN + QUOTED, b"=\r\n" * 1_600_000),
    "quoted-printable of HTML": lambda: Bomb(HTML + QUOTED, b"=3Cb=3E=\r\n" * 400_000),
    "UTF-16 text": lambda: Bomb(
        ((b"Content-Type", b" text/plain; charset=utf-16"), *BASE64),
        base64.encodebytes("unsubscribe \u200b\u0430".encode("utf-16") * 30_000),
    ),
    "ISO-2022-JP of escapes": lambda: Bomb(
        ((b"Content-Type", b" text/plain; charset=iso-2022-jp"),), _lines(2_000_000, b"\x1b$B!!\x1b(B")
    ),
    # lines
    "10 MB of line ends": _plain(b"\r\n" * 5_000_000),
    "10 MB of blanks": _plain(b" " * 10_000_000),
    "blanks and line ends": _plain(b" \r\n" * 2_000_000),
    "5 MB of bare CR": _plain(b"\r" * 5_000_000),
    "LF and NUL": _plain(b"\n\0" * 2_000_000),
}
# Text made for the expressions of the checks, plain on one line and as HTML.
_WORDS: Final = {
    "digits": b"1",
    "house numbers": b"12 Main St ",
    "post codes": b"IL 62701 ",
    "street after street": b"1 A St, ",
    "capitals": b"A",
    "initials": b"A. ",
    "commas": b", ",
    "colons": b":",
    "web addresses": b"http://",
    "mail addresses": b"a@",
    "unsubscribe": b"unsubscribe ",
    "to unsubscribe, click": b"to unsubscribe click here or ",
    "P.O. Box": b"P.O. Box ",
    "prices": b"$1.00 50% off ",
    "dashes": b"-",
    "quotes": b"> ",
    "who wrote": b"On 1 Jan x wrote: ",
    "dots": b".",
    "brackets": b"[({<",
    "underscores": b"_",
    "Chinese": "\u9000\u8ba2 ".encode(),
    "joiners": "a\u200b\u200d".encode(),
    "dotted capitals": "\u0130".encode(),
    "advertisement": b"this is an advertisement ",
    "preferences": b"manage your preferences ",
    "orders": b"your order 1234 has shipped ",
    "placeholders": b"{{address}} %%x%% [name] ",
}


def _texts() -> Iterator[tuple[str, Callable[[], Bomb]]]:
    for name, unit in _WORDS.items():
        yield f"text: {name}, one line", lambda unit=unit: Bomb(PLAIN, _repeated(5_000_000, unit))  # type: ignore[misc]
        yield f"text: {name}, HTML", lambda unit=unit: Bomb(HTML, _repeated(65_000, unit))  # type: ignore[misc]


HOSTILE.update(_texts())
