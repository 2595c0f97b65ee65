"""The links of a plain text: found by one search, and the same as by looking at each colon, which takes long."""

import re
import time
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealgate.mail.visible import Link, _plain_links

URL = re.compile(r"[^\s<>\"\x00-\x20]+")
TOKENS = ["http", "https", "HtTpS", "mailto", "MAILTO", ":", "//", "/", " ", "a", "<", '"', ".", "s", "\n", "x", *"İſ"]


def one_by_one(text: str) -> Iterator[Link]:
    """What stands before and behind each colon, read as it is."""
    at = text.find(":")
    while at >= 0:
        head = text[max(0, at - 6) : at].lower()
        scheme = next((s for s in ("https", "http", "mailto") if head.endswith(s)), "")
        web = text.startswith("//", at + 1)
        if scheme and web == (scheme != "mailto") and (url := URL.match(text, at + 1)):
            start = at - len(scheme)
            shown = text[start : url.end()].rstrip(".,;:!?'*_)]}")
            if len(shown) > len(scheme) + 1 + 2 * web:
                yield Link(shown, shown, start)
            at = url.end() - 1
        at = text.find(":", at + 1)


@given(st.lists(st.sampled_from(TOKENS), max_size=16).map("".join))
def test_the_links_are_those_that_a_look_at_each_colon_finds(text: str) -> None:
    assert list(_plain_links(text)) == list(one_by_one(text))


@pytest.mark.parametrize("text", [":" * 1_000_000, "http:" * 200_000, "s:" * 500_000, "//:" * 300_000])
def test_a_million_colons_cost_little(text: str) -> None:
    began = time.process_time()
    assert len(list(_plain_links(text))) <= 1
    assert time.process_time() - began < 1.0
