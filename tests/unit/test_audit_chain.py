"""The audit chain: one spelling for each event, and each line names the one before."""

import enum
import hashlib
import json
import re
import signal
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealgate.audit.chain import MAX_DEPTH, canonical, cut, digest, link
from sealgate.audit.verifier import START

W = "2026-11-21T02:14:38.123456Z"
TEXT = st.text(st.characters(), max_size=12)  # lone surrogates included
VALUE = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)
EVENT = st.dictionaries(TEXT.filter(lambda name: name not in ("seq", "prev", "w", "kind")), VALUE, max_size=4)


@given(EVENT)
def test_a_line_is_printable_ascii_and_says_the_same_as_the_event(event):
    line = canonical(event)
    assert re.fullmatch(rb"[\x20-\x7e]+", line)
    assert canonical(json.loads(line)) == line


@given(st.dictionaries(TEXT, st.integers(), min_size=2, max_size=6))
def test_names_stand_in_the_order_of_their_utf16_units(event):
    names = list(json.loads(canonical(event)))
    units = [name.encode("utf-16-be", "surrogatepass") for name in names]
    assert units == sorted(units)


def test_the_known_spelling():
    event = {
        "\ufb33": 1,
        "\U0001f600": (True, None),
        "a": 'x\n\x1b\x7f"\\\u2028\ud800\u00e9 {}',
        "A": {"z": -0, "b": 2**70},
    }
    assert canonical(event) == (
        rb'{"A":{"b":1180591620717411303424,"z":0},"a":"x\n\u001b\u007f\"\\\u2028\ud800\u00e9 {}",'
        rb'"\ud83d\ude00":[true,null],"\ufb33":1}'
    )


class Word(enum.StrEnum):
    ACCEPT = "accept"


def test_read_only_maps_tuples_and_enumerations_are_spelt_as_what_they_hold():
    event = MappingProxyType({"b": Word.ACCEPT, "a": (MappingProxyType({"d": 1, "c": signal.SIGTERM}),)})
    assert canonical(event) == b'{"a":[{"c":15,"d":1}],"b":"accept"}'
    assert canonical({"\u00e9": event, "z": [event]}) == canonical({"z": [dict(event)], "\u00e9": dict(event)})


@pytest.mark.parametrize("value", [1.0, float("nan"), b"x", {1: 2}, {None: 1}, {"a": [1.5]}, {1, 2}, object()])
def test_what_has_no_single_spelling_is_a_type_error(value):
    with pytest.raises(TypeError):
        canonical({"a": value})


def test_nesting_is_capped():
    value: Any = 1
    for _ in range(MAX_DEPTH - 1):
        value = [value]
    canonical({"a": value})
    with pytest.raises(ValueError, match="deeper"):
        canonical({"a": [value]})


@pytest.mark.parametrize("name", ["seq", "prev", "w"])
def test_an_event_cannot_bring_its_own_place(name):
    with pytest.raises(ValueError, match=name):
        link({name: 1}, 1, START.digest, W)


def test_a_line_names_the_one_before_by_the_hash_of_its_leaf():
    first = link({"a": 1}, 1, START.digest, W)
    assert first == b'{"a":1,"prev":"' + b"0" * 64 + b'","seq":1,"w":"' + W.encode() + b'"}'
    second = link({"b": 2}, 2, digest(first), W)
    assert json.loads(second)["prev"] == hashlib.sha256(b"\0" + first).hexdigest()


@given(EVENT)
def test_a_line_cut_and_joined_is_the_canonical_text_of_the_whole(event):
    place = {"prev": START.digest, "seq": 7, "w": W}
    assert cut(event).join(7, START.digest, W) == canonical({**event, **place})
