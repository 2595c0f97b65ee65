"""Each spelling is another text that somebody reads as the first."""

import base64
import quopri
import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from sealgate.attack import disguise

PLAIN = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=40)


@given(PLAIN)
def test_each_disguise_is_taken_off_by_the_reader_it_is_meant_for(text: str) -> None:
    assert base64.b64decode(disguise.base64_text(text)).decode() == text
    assert quopri.decodestring(disguise.quoted_text(text), header=True).decode() == text
    assert base64.b64decode(disguise.two_octets(text)).decode("utf-16-be") == text
    assert disguise.seven_bit(text).decode("utf-7") == text
    assert unicodedata.normalize("NFKC", disguise.wide(text).decode()) == text
    assert unicodedata.normalize("NFKC", disguise.bold(text).decode()) == text
    assert disguise.soft(text).decode().replace("\u00ad", "") == text
    assert disguise.backwards(text).decode()[::-1] == text
    raised = quopri.decodestring(disguise.raised(text), header=True).decode()
    assert "".join(chr(ord(c) & 0xFF) for c in raised) == text


def test_what_is_drawn_alike_is_another_text() -> None:
    assert disguise.lookalike("ceo").decode() == "сео" != "ceo"
    assert disguise.lookalike("bdf.bg").decode() != "bdf.bg", "also where no letter has a twin"
    assert disguise.punycode("example.test") == b"xn--" + "ехаmрlе".encode("punycode") + b".test"


def test_overlong_is_no_utf8_and_a_careless_decoder_reads_it() -> None:
    octets = disguise.overlong("ceo@x")
    assert octets.decode("utf-8", "replace").strip("\ufffd") == ""
    assert bytes((a & 3) << 6 | b & 0x3F for a, b in zip(octets[::2], octets[1::2], strict=True)) == b"ceo@x"
