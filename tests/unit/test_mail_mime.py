"""The MIME splitter: which parts a reader is shown, what is named as a defect, and what it costs."""

import base64
import email
import email.policy
import os
import time
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sealgate.mail.headers import Headers, parse_block
from sealgate.mail.mime import AMBIGUOUS, OVER_LIMITS, Body, Defect, Limits, Splitter, TextPart

CORPUS = Path(os.environ.get("SEALGATE_CORPUS") or Path(__file__).resolve().parents[3] / "shared" / "corpus")


DEFAULTS = Limits()


def headers_of(*lines: str) -> Headers:
    return parse_block([line.encode("utf-8", "surrogateescape") for line in lines])


def split(headers: Headers, body: bytes, size: int = 65_535, limits: Limits = DEFAULTS) -> Body:
    splitter = Splitter(headers, limits)
    for at in range(0, len(body), size):
        splitter.feed(body[at : at + size])
    return splitter.finish()


def multipart(*parts: str, kind: str = "mixed", end: str = "--b--\n") -> Body:
    """Split a multipart with the boundary `b` whose parts are given with their headers."""
    text = "".join(f"--b\n{part}\n" for part in parts) + end
    return split(headers_of(f"Content-Type: multipart/{kind}; boundary=b"), text.replace("\n", "\r\n").encode())


def shown(body: Body) -> list[tuple[str, str, bytes]]:
    return [(part.path, part.subtype, part.content) for part in body.parts]


class TestParts:
    def test_a_message_without_a_content_type_is_plain_text(self) -> None:
        """RFC 2045 5.2."""
        body = split(headers_of("Subject: x"), b"hello\r\n")
        assert body.parts == (TextPart("1", "plain", "us-ascii", b"hello\r\n"),)
        assert body.defects == ()
        assert body.size == 7

    def test_alternatives_are_both_kept_in_order(self) -> None:
        body = multipart(
            "Content-Type: text/plain; charset=UTF-8\n\nplain",
            'Content-Type: TEXT/HTML; CHARSET="Windows-1252"\n\n<p>html',
            kind="alternative",
        )
        assert shown(body) == [("1", "plain", b"plain"), ("2", "html", b"<p>html")]
        assert [part.charset for part in body.parts] == ["utf-8", "windows-1252"]
        assert body.defects == ()

    def test_paths_are_section_numbers_of_imap(self) -> None:
        """RFC 3501 6.4.5."""
        inner = "Content-Type: multipart/x; boundary=c\n\n--c\n\none\n--c\nContent-Type: text/html\n\ntwo\n--c--\n"
        body = multipart("\nzero", inner, "\nlast")
        assert [part.path for part in body.parts] == ["1", "2.1", "2.2", "3"]
        assert body.defects == ()

    def test_lines_may_end_in_a_bare_line_feed(self) -> None:
        body = split(headers_of("Content-Type: multipart/mixed; boundary=b"), b"--b\n\none\n--b\n\ntwo\n--b--\n")
        assert shown(body) == [("1", "plain", b"one"), ("2", "plain", b"two")]

    def test_the_line_end_before_a_delimiter_belongs_to_the_delimiter(self) -> None:
        """RFC 2046 5.1.1."""
        assert multipart("\nx\n").parts[0].content == b"x\r\n"
        assert multipart("\nx").parts[0].content == b"x"
        assert multipart("\n").parts[0].content == b""
        assert multipart("").parts[0].content == b""

    def test_a_part_may_end_in_its_header(self) -> None:
        body = multipart("Content-Type: text/html", "\nx")
        assert shown(body) == [("1", "html", b""), ("2", "plain", b"x")]

    def test_preamble_and_epilogue_are_not_shown(self) -> None:
        body = split(
            headers_of("Content-Type: multipart/mixed; boundary=b"), b"pre\r\n--b\r\n\r\nx\r\n--b--\r\nfooter\r\n"
        )
        assert shown(body) == [("1", "plain", b"x")]
        assert body.defects == ("text-after-end",)

    def test_blanks_may_follow_a_delimiter(self) -> None:
        """RFC 2046 5.1.1, transport-padding."""
        body = split(headers_of("Content-Type: multipart/mixed; boundary=b"), b"--b \t\r\n\r\nx\r\n--b-- \r\n")
        assert shown(body) == [("1", "plain", b"x")]
        assert body.defects == ()

    @pytest.mark.parametrize(
        ("disposition", "kept"),
        [
            ("inline", True),
            ("INLINE; filename=a.txt", True),
            ("attachment", False),
            ("Attachment; filename=a.txt", False),
            ("something-else", False),  # RFC 2183 2.8
        ],
    )
    def test_attachments_are_counted_only(self, disposition: str, kept: bool) -> None:
        body = multipart(f"Content-Type: text/plain\nContent-Disposition: {disposition}\n\nx")
        assert len(body.parts) == kept
        assert body.others == (not kept)

    def test_a_forwarded_message_is_not_entered(self) -> None:
        body = multipart("\nmine", "Content-Type: message/rfc822\n\nSubject: theirs\n\nUnsubscribe here")
        assert shown(body) == [("1", "plain", b"mine")]
        assert (body.nested, body.others) == (1, 0)

    def test_parts_of_a_digest_are_messages_unless_they_say_otherwise(self) -> None:
        """RFC 2046 5.1.5."""
        body = multipart("\nFrom: a@b.test\n\nx", "Content-Type: text/plain\n\ny", kind="digest")
        assert shown(body) == [("2", "plain", b"y")]
        assert body.nested == 1

    def test_an_image_alone_is_no_text(self) -> None:
        body = split(headers_of("Content-Type: image/png"), b"\x89PNG")
        assert (body.parts, body.others, body.size) == ((), 1, 4)

    def test_a_boundary_may_be_longer_than_the_one_around_it(self) -> None:
        """Mailers number them: `b` outside, `b-1` inside."""
        body = multipart("Content-Type: multipart/alternative; boundary=b-1\n\n--b-1\n\nx\n--b-1--")
        assert shown(body) == [("1.1", "plain", b"x")]
        assert body.defects == ()


class TestTransferEncodings:
    def test_quoted_printable(self) -> None:
        body = multipart("Content-Transfer-Encoding: Quoted-Printable\n\nUn=\nsub=3Dscribe=E2=82=AC")
        assert body.parts[0].content == b"Unsub=scribe\xe2\x82\xac"

    @pytest.mark.parametrize("data", [b"", b"a", b"ab", b"abc", b"\0\xff" * 100])
    def test_base64(self, data: bytes) -> None:
        body = multipart(f"Content-Transfer-Encoding: base64\n\n{base64.encodebytes(data).decode()}")
        assert body.parts[0].content == data
        assert body.defects == ()

    @pytest.mark.parametrize(
        "junk", ["YWJj!ZGVm", "YWJj\n--\nmailing list footer", "YQ==YWJj", "YWJjZ", "YWJjZA", "YW=Jj"]
    )
    def test_junk_in_base64_is_ambiguous(self, junk: str) -> None:
        body = multipart(f"Content-Transfer-Encoding: base64\n\n{junk}")
        assert body.defects == ("junk-in-base64",)
        assert body.parts[0].content.startswith(b"a")

    def test_an_unknown_encoding_is_left_as_it_is(self) -> None:
        body = multipart("Content-Transfer-Encoding: x-rot13\n\nHafhofpevor")
        assert body.parts[0].content == b"Hafhofpevor"
        assert body.defects == ("unknown-transfer-encoding",)

    @pytest.mark.parametrize("name", ["7-bit", "8-bit", "8-BIT"])
    def test_a_usual_slip_of_the_pen_is_no_unknown_encoding(self, name: str) -> None:
        assert multipart(f"Content-Transfer-Encoding: {name}\n\nx").defects == ()


MIXED = "Content-Type: multipart/mixed; boundary=b"
BODY = "--b\n\nx\n--b--\n"


class TestDefects:
    @pytest.mark.parametrize(
        ("defect", "fields", "body"),
        [
            ("duplicate-content-type", ["Content-Type: text/plain", "content-type : text/html"], "x"),
            ("duplicate-transfer-encoding", ["Content-Transfer-Encoding: 7bit"] * 2, "x"),
            ("duplicate-content-disposition", ["Content-Disposition: inline", "Content-Disposition: attachment"], "x"),
            ("duplicate-parameter", ["Content-Type: multipart/mixed; boundary=b; boundary=c"], BODY),
            ("duplicate-parameter", ["Content-Type: multipart/mixed; boundary=b; Boundary*0=c"], BODY),
            ("duplicate-parameter", ["Content-Type: text/plain; charset=utf-8; charset=utf-7"], "x"),
            ("bad-content-type", ["Content-Type: text"], "x"),
            ("bad-content-type", ["Content-Type: (text/plain) text/html"], "x"),
            ("bad-content-type", ["Content-Type:"], "x"),
            ("odd-parameter", ["Content-Type: text/html (comment); charset=utf-8"], "x"),
            ("odd-parameter", ['Content-Type: multipart/mixed; boundary="b" c'], BODY),
            ("odd-parameter", ['Content-Type: text/plain; charset="utf-8'], "x"),
            ("odd-parameter", ["Content-Type: text/plain; charset*=utf-8''x"], "x"),
            ("odd-parameter", ["Content-Type: text/plain; charset*0=u; charset*2=8"], "x"),
            ("odd-parameter", ["Content-Type: text/plain" + ";" * 1000 + "charset=utf-8"], "x"),
            ("nul-in-field", ["Content-Type: text/plain; x=\0"], "x"),
            ("unknown-transfer-encoding", ["Content-Transfer-Encoding: base64 (or not)"], "x"),
            ("encoded-multipart", [MIXED, "Content-Transfer-Encoding: base64"], BODY),
            ("missing-boundary", ["Content-Type: multipart/mixed"], BODY),
            ("missing-boundary", ['Content-Type: multipart/mixed; boundary="  "'], BODY),
            ("odd-boundary", ['Content-Type: multipart/mixed; boundary="b "'], BODY),
            ("odd-boundary", ['Content-Type: multipart/mixed; boundary="b\\@"'], BODY.replace("b", "b@")),
            ("odd-boundary", ['Content-Type: multipart/mixed; boundary="=?utf-8?q?b?="'], "--=?utf-8?q?b?=\n\nx"),
            ("continued-boundary", ["Content-Type: multipart/mixed; boundary*0=b; boundary*1=c"], "--bc\n\nx\n--bc--"),
            ("long-boundary", [f"Content-Type: multipart/mixed; boundary={'b' * 71}"], f"--{'b' * 71}\n\nx"),
            ("boundary-reused", [MIXED], "--b\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\nx\n--b--\n"),
            ("boundary-reused", [MIXED], '--b\nContent-Type: multipart/mixed; boundary="b--"\n\n--b--\n\nx\n--b--\n'),
            ("no-parts", [MIXED], "no delimiter here"),
            ("no-parts", [MIXED], "--b--\n"),
            ("no-parts", [MIXED], "--b\nContent-Type: multipart/mixed; boundary=c\n\nnothing\n--b--\n"),
            ("text-after-delimiter", [MIXED], "--b\n\nx\n--b junk\ny\n--b--\n"),
            ("text-after-delimiter", [MIXED], "--b\n\nx\n--b---\ny\n--b--\n"),
            ("text-after-delimiter", [MIXED], "--b\n\nx\n--b" + " " * 2000 + "\ny\n--b--\n"),
            ("delimiter-after-end", [MIXED], "--b\n\nx\n--b--\n--b\n\ny\n--b--\n"),
            ("unclosed-inner-multipart", [MIXED], "--b\nContent-Type: multipart/x; boundary=c\n\n--c\n\nx\n--b--\n"),
            ("junk-in-part-header", [MIXED], "--b\nContent-Type: text/html\nno field\n\nx\n--b--\n"),
            ("junk-in-part-header", [MIXED], "--b\n text without a blank line\n\nx\n--b--\n"),
            ("junk-in-base64", ["Content-Transfer-Encoding: base64"], "%%%%"),
        ],
    )
    def test_what_can_be_read_in_two_ways_is_named(self, defect: str, fields: list[str], body: str) -> None:
        found = split(headers_of(*fields), body.encode()).defects
        assert defect in found
        assert defect in AMBIGUOUS

    @pytest.mark.parametrize(
        "field",
        [
            "Content-Type: multipart/mixed; boundary=----=_Part_1",
            'Content-Type: multipart/mixed;\r\n\tboundary="----=_Part_1"; type="text/html";',
            'Content-Type: Multipart/Mixed ; x="a;boundary=c\\"" ; BOUNDARY = ----=_Part_1',
            "Content-Type: multipart/mixed; name*0=a; name*1=b; name=c; name=d; boundary=----=_Part_1",
        ],
    )
    def test_good_parameters_are_read_without_a_word(self, field: str) -> None:
        body = split(headers_of(field), b"------=_Part_1\r\n\r\nx\r\n------=_Part_1--\r\n")
        assert shown(body) == [("1", "plain", b"x")]
        assert body.defects == ()

    def test_a_continued_charset_is_joined(self) -> None:
        """RFC 2231 3."""
        body = split(headers_of("Content-Type: text/plain; charset*1=8; charset*0=utf-"), b"x")
        assert (body.parts[0].charset, body.defects) == ("utf-8", ())

    def test_the_first_of_two_types_is_used(self) -> None:
        body = split(headers_of("Content-Type: text/html", "Content-Type: text/plain"), b"x")
        assert body.parts[0].subtype == "html"

    def test_a_blank_at_the_end_of_a_boundary_is_no_part_of_it(self) -> None:
        """RFC 2046 5.1.1."""
        body = split(headers_of('Content-Type: multipart/mixed; boundary="b "'), b"--b\n\nx\n--b--")
        assert shown(body) == [("1", "plain", b"x")]

    def test_a_part_after_the_end_is_not_shown(self) -> None:
        assert shown(multipart("\nx", end="--b--\n--b\n\ny\n--b--\n")) == [("1", "plain", b"x")]

    def test_the_last_delimiter_may_be_missing(self) -> None:
        """Common in good mail, and every reader shows the same."""
        body = multipart("\nx", end="")
        assert body.parts[0].content.rstrip() == b"x"
        assert body.defects == ("unclosed-multipart",)

    def test_each_defect_is_in_one_set_or_known_to_be_harmless(self) -> None:
        assert not AMBIGUOUS & OVER_LIMITS
        assert {d.value for d in Defect} - AMBIGUOUS - OVER_LIMITS == {"unclosed-multipart", "text-after-end"}


class TestLimits:
    def test_a_text_part_is_cut(self) -> None:
        body = split(headers_of(), b"x" * 11, size=3, limits=Limits(part_octets=10))
        assert body.parts == (TextPart("1", "plain", "us-ascii", b"x" * 10, truncated=True),)
        assert body.defects == ("text-cut",)
        assert body.size == 11

    def test_a_cut_part_of_base64_is_no_junk(self) -> None:
        body = split(headers_of("Content-Transfer-Encoding: base64"), b"YWJj" * 10, limits=Limits(part_octets=10))
        assert body.parts[0].content == b"abcabca"
        assert body.defects == ("text-cut",)

    def test_all_text_together_is_cut(self) -> None:
        body = split(headers_of(MIXED), b"--b\n\n12345\n--b\n\n67890\n--b--", limits=Limits(text_octets=8))
        assert [(p.content, p.truncated) for p in body.parts] == [(b"12345", False), (b"678", True)]
        assert body.defects == ("text-cut",)

    def test_parts_are_counted(self) -> None:
        body = split(headers_of(MIXED), b"--b\n\nx\n" * 4, limits=Limits(parts=3))
        assert len(body.parts) == 3
        assert body.defects == ("too-many-parts",)

    def test_depth_is_counted(self) -> None:
        text = "".join(f"--{'b' * i}\nContent-Type: multipart/mixed; boundary={'b' * (i + 1)}\n\n" for i in range(1, 6))
        assert "too-deep" in split(headers_of(MIXED), text.encode(), limits=Limits(depth=5)).defects
        assert "too-deep" not in split(headers_of(MIXED), text.encode(), limits=Limits(depth=6)).defects

    def test_a_part_header_has_an_end(self) -> None:
        text = b"--b\nX: " + b"y" * 100 + b"\n\nshown?\n--b\n\nshown\n--b--"
        body = split(headers_of(MIXED), text, limits=Limits(part_header_octets=50))
        assert shown(body) == [("2", "plain", b"shown")]
        assert body.defects == ("long-part-header",)

    def test_the_codes_of_limits(self) -> None:
        assert {"text-cut", "too-many-parts", "too-deep", "long-part-header"} == OVER_LIMITS

    def test_memory_does_not_grow_with_an_attachment(self) -> None:
        head = b"--b\r\nContent-Type: application/pdf\r\nContent-Transfer-Encoding: base64\r\n\r\n"
        chunk = base64.encodebytes(b"x" * 48_000).replace(b"\n", b"\r\n")[:65_535]
        splitter = Splitter(headers_of(MIXED))
        splitter.feed(head)
        tracemalloc.start()
        for _ in range(160):
            splitter.feed(chunk)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert splitter.finish().size > 10_000_000
        assert peak < 400_000

    @pytest.mark.parametrize(
        "text",
        [
            b"\n--bX" * 200_000,
            b"\n--" * 300_000,
            b"--b\n\n" * 200_000,
            b"--b\n" * 250_000,
            (b"--b\n" + b"--bX\n" * 13_000) * 15,
            (b"--b\nContent-Type: text/plain" + b";" * 60_000 + b"\n\n") * 15,
            (b"--b\nContent-Type: text/plain" + b';a="' * 15_000 + b"\n\n") * 15,
            (b'--b\nContent-Type: text/plain;a="' + b"\\" * 60_000 + b"\n\n") * 15,
            (b"--b\nContent-Type: text/plain;" + b"\n " * 30_000 + b"\n\n") * 15,
            (b"--b\n" + b"a" * 60_000 + b"\n\n") * 15,
            (b"--b\n" + b"Content-Type: a/b\n" * 3_000 + b"\n\n") * 15,
            b"".join(b"--b\nContent-Type: multipart/x; boundary=b%d\n\n--b%d\n\n" % (i, i) for i in range(20_000)),
        ],
        ids=range(12),
    )
    def test_a_megabyte_of_malice_takes_less_than_a_second(self, text: bytes) -> None:
        begin = time.process_time()
        split(headers_of(MIXED), text)
        assert time.process_time() - begin < 1.0


# Pieces that meet at every seam of the splitter.
PIECES = st.lists(
    st.sampled_from(
        (
            *(b"--b", b"--b--", b"--c", b"--c--", b"--bc", b"--", b"-", b"\n--b\n", b"\n--b--\n", b" " * 1001, b"x"),
            *(b"\n", b"\r\n", b"\r", b" ", b"\n\n", b"A: b\n", b"y" * 40, b"Content-Type: text/html\n"),
            b"Content-Type: multipart/mixed; boundary=c\n\n",
            b"Content-Type: multipart/mixed; boundary=bc\r\n\r\n",
            b"Content-Transfer-Encoding: base64\n",
        )
    ),
    max_size=40,
).map(b"".join)
SMALL = Limits(part_octets=60, text_octets=100, parts=6, depth=2, part_header_octets=70)


# A leaf is (subtype, encoding, content), a multipart is a list.
Tree = tuple[str, str, bytes] | list["Tree"]
LEAVES = st.tuples(
    st.sampled_from(["plain", "html"]), st.sampled_from(["base64", "quoted-printable"]), st.binary(max_size=90)
)
TREES = st.recursive(LEAVES, lambda inner: st.lists(inner, min_size=1, max_size=3), max_leaves=12)


def written(tree: "Tree", path: str = "") -> bytes:
    """Write a tree as a message, with the standard library's encoders."""
    if isinstance(tree, list):
        mark = f"=_{path}_".encode()
        parts = [b"--" + mark + b"\r\n" + written(one, f"{path}.{i}") + b"\r\n" for i, one in enumerate(tree, 1)]
        head = b'Content-Type: multipart/mixed; boundary="' + mark + b'"\r\n\r\n'
        return head + b"preamble\r\n" + b"".join(parts) + b"--" + mark + b"--"
    subtype, encoding, content = tree
    head = f"Content-Type: text/{subtype}\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n".encode()
    if encoding == "base64":
        return head + base64.encodebytes(content).replace(b"\n", b"\r\n")
    octets = [f"={octet:02X}".encode() for octet in content]
    return head + b"=\r\n".join(b"".join(octets[i : i + 20]) for i in range(0, len(octets), 20))


def leaves(tree: "Tree", path: str = "") -> list[tuple[str, str, bytes]]:
    if isinstance(tree, list):
        return [leaf for i, one in enumerate(tree, 1) for leaf in leaves(one, f"{path}.{i}".lstrip("."))]
    return [(path or "1", tree[0], tree[2])]


class TestProperties:
    @given(PIECES, st.lists(st.integers(1, 60), min_size=1, max_size=10), st.sampled_from([Limits(), SMALL]))
    @example(b"--b\r\n\r\nx\r\n--b--\r\n", [1], Limits())
    @example(b"--b\n--b" + b" " * 1001, [1], SMALL)
    @example(b"--b\n" + b"--bX\n" * 5 + b"\nx", [1], SMALL)
    @example(b"--b\r\n\r\nx\r\n" + b"y\r\n--bX\r\n" * 8, [3], SMALL)  # the doubtful lines stand behind content
    def test_the_answer_does_not_depend_on_the_chunks(self, text: bytes, cuts: list[int], limits: Limits) -> None:
        headers = headers_of(MIXED)
        splitter = Splitter(headers, limits)
        at = turn = 0
        while at < len(text):
            step = cuts[turn % len(cuts)]
            splitter.feed(text[at : at + step])
            at += step
            turn += 1
        assert splitter.finish() == split(headers, text, size=len(text) + 1, limits=limits)

    @given(st.lists(st.binary(max_size=80), max_size=5), st.binary(max_size=400))
    def test_no_octets_make_it_raise(self, values: list[bytes], text: bytes) -> None:
        names = (b"Content-Type", b"Content-Transfer-Encoding", b"Content-Disposition", b"Content-Type: multipart/x;b")
        headers = parse_block([n + b":" + v for n, v in zip(names * 2, values, strict=False)])
        body = split(headers, text, size=7)
        assert body.size == len(text)
        assert set(body.defects) <= {d.value for d in Defect}

    @given(TREES, st.integers(1, 200))
    @settings(max_examples=settings().max_examples // 4)
    def test_a_well_made_tree_comes_back_whole(self, tree: "Tree", size: int) -> None:
        head, _, text = written(tree).partition(b"\r\n\r\n")
        body = split(parse_block(head.split(b"\r\n")), text, size)
        assert shown(body) == leaves(tree)
        assert body.defects == ()


@pytest.mark.skipif(not CORPUS.is_dir(), reason="no sample mail beside the repository")
def test_the_standard_library_sees_the_same_texts_in_real_mail() -> None:
    """Second opinion: Python's own parser, on mail that is not ambiguous."""
    compared = 0
    for path in sorted(CORPUS.glob("*.eml")):
        raw = path.read_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
        head, _, rest = raw.partition(b"\r\n\r\n")
        body = split(parse_block(head.split(b"\r\n")), rest)
        if AMBIGUOUS & set(body.defects):
            continue
        theirs = [
            (part.get_content_subtype(), part.get_payload(decode=True).strip())
            for part in email.message_from_bytes(raw, policy=email.policy.compat32).walk()
            if part.get_content_type() in ("text/plain", "text/html")
            and part.get_content_disposition() in (None, "inline")
        ]
        if body.nested == 0:
            assert [(p.subtype, p.content.strip()) for p in body.parts] == theirs, path.name
            compared += 1
    assert compared > 100
