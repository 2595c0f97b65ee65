"""Declared charsets: what the labels mean, and that no label does harm."""

import codecs
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealgate.mail import charset
from sealgate.mail.charset import codec_of, to_text, to_utf8


@pytest.mark.parametrize(
    ("label", "codec"),
    [
        ("UTF-8", "utf-8"),
        (' "utf8" ', "utf-8"),
        ("ISO_8859-1", "cp1252"),  # as the WHATWG Encoding Standard 4.2 says
        ("latin1", "cp1252"),
        ("KS_C_5601-1987", "cp949"),
        ("Shift_JIS", "cp932"),
        ("gb2312", "gb18030"),
        ("default", None),
        ("", None),
        ("utf-7", None),
        ("punycode", None),
        ("unicode_escape", None),
        ("rot13", None),
    ],
)
def test_labels(label: str, codec: str | None) -> None:
    assert codec_of(label) == codec


def test_every_codec_in_the_table_exists() -> None:
    for name in set(charset._CODECS.values()):
        assert codecs.lookup(name)


def test_a_label_loads_no_module() -> None:
    """Python's registry imports `encodings.<label>` for a label it does not know."""
    before = set(sys.modules)
    to_text(b"x", "rot_13")
    to_text(b"x", "uu_codec")
    assert {m for m in set(sys.modules) - before if m.startswith("encodings")} == set()


@given(st.binary(max_size=200), st.sampled_from(sorted(charset._CODECS)) | st.text(max_size=10))
def test_all_text_can_be_written_again(content: bytes, label: str) -> None:
    assert to_utf8(content, label).decode("utf-8").removeprefix("\ufeff") == to_text(content, label).removeprefix(
        "\ufeff"
    )


def test_octets_that_are_no_utf8_are_windows_1252_where_nothing_was_declared() -> None:
    assert to_text(b"\x93caf\xe9\x94", "us-ascii") == "“café”"
    assert to_text("café".encode(), "us-ascii") == "café"
    assert to_text(b"caf\xe9", "utf-8") == "caf\ufffd"
