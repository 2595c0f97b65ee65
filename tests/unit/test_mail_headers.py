"""Header fields: look-ups, readings of a value, and the block an MTA would read."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealgate.mail.headers import MAX_DECODED, Field, Headers, decoded, parse_block, unfolded


class TestLookUps:
    headers = Headers((Field(b"SUBJECT", b" one"), Field(b"From \t", b" a@b.test"), Field(b"subject", b" two")))

    def test_names_are_compared_without_case_and_trailing_blanks(self) -> None:
        """RFC 5322 1.2.2, 4.5: `From :` is From to every reader."""
        assert [f.value for f in self.headers.every(b"subject")] == [b" one", b" two"]
        assert self.headers.every(b"from")[0].name == b"From \t"
        assert self.headers.every(b"to") == ()

    def test_the_text_of_a_name_is_that_of_the_first_field(self) -> None:
        assert self.headers.text(b"subject") == "one"
        assert self.headers.text(b"to") == ""

    def test_fields_come_in_the_order_they_were_sent(self) -> None:
        assert [f.key for f in self.headers] == [b"subject", b"from", b"subject"]


class TestReadings:
    @pytest.mark.parametrize(
        ("value", "flat"),
        [
            (b" a\r\n b", b"a b"),
            (b"\ta\n\tb \r\n", b"a\tb"),
            (b"a\r\n  \r\n b", b"a   b"),
            (b"a\rb", b"a\rb"),
            (b"a\nb", b"a\nb"),  # no fold: a line feed alone is left for the caller to see
            (b"", b""),
        ],
    )
    def test_folds_are_taken_out(self, value: bytes, flat: bytes) -> None:
        """RFC 5322 2.2.3: the blank after the line end stays."""
        assert unfolded(value) == flat

    @pytest.mark.parametrize(
        ("value", "text"),
        [
            (b" plain", "plain"),
            (b" =?utf-8?q?Gr=C3=BC=C3=9Fe_an?= alle", "Grüße an alle"),
            (b" =?UTF-8?B?w6Q=?=\r\n =?utf-8*de?b?w7Y=?=", "äö"),  # RFC 2047 6.2, RFC 2231 5
            (b" =?utf-8?B?w6Q?=", "ä"),
            (b" =?iso-8859-1?q?=80?=", "€"),
            (b" a =?x-none?q?b?= c", "a =?x-none?q?b?= c"),
            (b" =?utf-7?q?+2AA-?=", "=?utf-7?q?+2AA-?="),
            (b" =?punycode?q?a-b?=", "=?punycode?q?a-b?="),
            (b" =?utf-8?b?w?=", "=?utf-8?b?w?="),
            (b" =?utf-8?x?w?=", "=?utf-8?x?w?="),
            ("ü".encode(), "ü"),
            (b"\xff", "\ufffd"),
            (b"=?utf-8?q?a?==?utf-8?q?b?=", "ab"),
        ],
    )
    def test_a_value_is_read_as_a_mail_reader_shows_it(self, value: bytes, text: str) -> None:
        assert decoded(value) == text

    def test_only_so_much_is_read(self) -> None:
        assert len(decoded(b"x" * (MAX_DECODED + 100))) == MAX_DECODED

    @given(
        st.binary(max_size=200)
        | st.lists(st.sampled_from([b"=?", b"?=", b"utf-8", b"?q?", b"?B?", b" ", b"a*", b"=C3", b"\r\n"])).map(
            b"".join
        )
    )
    def test_no_value_makes_it_raise(self, value: bytes) -> None:
        decoded(value).encode("utf-8")

    @pytest.mark.parametrize(
        "value",
        [
            *(b"=?" * 30_000, b"=?a" * 20_000, b"=?a?q?" * 10_000, b"=?" + b"*" * 60_000, b"?= " * 20_000),
            *(b"?=" + b" " * 60_000, b"=?utf-8?q?" + b"=" * 60_000, b"=?a*b" * 12_000, b"=?utf-8?q?a?=" * 4_600),
            b"\r\n " * 20_000,
        ],
        ids=range(10),
    )
    def test_reading_takes_linear_time(self, value: bytes) -> None:
        begin = time.process_time()
        decoded(value)
        assert time.process_time() - begin < 0.5


class TestBlock:
    def test_folds_belong_to_the_field_before(self) -> None:
        headers = parse_block([b"A: 1", b" 2", b"\t3", b"b:4", b"C :"])
        assert headers.fields == (Field(b"A", b" 1\r\n 2\r\n\t3"), Field(b"b", b"4"), Field(b"C ", b""))

    def test_what_is_no_field_is_dropped(self) -> None:
        assert parse_block([b"no field", b"A: 1", b"also none", b": nameless", b""]).fields == (Field(b"A", b" 1"),)

    def test_many_folds_take_linear_time(self) -> None:
        begin = time.process_time()
        headers = parse_block([b"A: 1", *([b" " + b"x" * 60] * 100_000)])
        assert time.process_time() - begin < 1.0
        assert len(headers.fields[0].value) == 2 + 100_000 * 63

    @given(st.lists(st.binary(max_size=30), max_size=10))
    def test_no_lines_make_it_raise(self, lines: list[bytes]) -> None:
        for field in parse_block(lines):
            assert field.name.strip()
            assert b":" not in field.name
