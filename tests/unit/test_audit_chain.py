"""How an event becomes a line: one spelling for each, wherever it is cut; a file's end is found by its last line."""

import enum
import hashlib
import json
import re
import signal
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sealgate.audit.chain import MAX_DEPTH, OWN_KINDS, RESERVED, canonical, cut, digest, link, read_tail
from sealgate.audit.verifier import START, Head, parse

TEXT = st.text(st.characters(), max_size=12)  # lone surrogates included
VALUE = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)
EVENT = st.dictionaries(TEXT.filter(lambda name: name not in RESERVED), VALUE, max_size=6)
W = "2026-11-21T02:14:38.123456Z"


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


@pytest.mark.parametrize("render", [canonical, cut])
@pytest.mark.parametrize("value", [1.0, float("nan"), b"x", {1: 2}, {None: 1}, {"a": [1.5]}, {1, 2}, object()])
def test_what_has_no_single_spelling_is_a_type_error(value, render):
    with pytest.raises(TypeError):
        render({"a": value})
    with pytest.raises(TypeError):
        render({"\u00e9": value})
    with pytest.raises(TypeError):
        render({1: "a name"})


@pytest.mark.parametrize("render", [canonical, cut])
def test_nesting_is_capped(render):
    value: Any = 1
    for _ in range(MAX_DEPTH - 1):
        value = [value]
    render({"a": value})
    with pytest.raises(ValueError, match="deeper"):
        render({"a": [value]})


@pytest.mark.parametrize("name", sorted(RESERVED))
def test_an_event_cannot_bring_its_own_place(name):
    with pytest.raises(ValueError, match=name):
        cut({name: 1})


def test_a_line_names_the_one_before_by_a_hash_that_any_tool_can_make():
    first = link({"a": 1}, 1, START.digest, W)
    assert first == b'{"a":1,"prev":"' + b"0" * 64 + b'","seq":1,"w":"' + W.encode() + b'"}'
    assert digest(first) == hashlib.sha256(b"\0" + first).hexdigest()
    second = parse(link({"b": 2}, 2, digest(first), W))
    assert second is not None
    assert second["prev"] == hashlib.sha256(b"\0" + first).hexdigest()


# Names that stand next to those that a line gets, and the number that marks their places while it is cut.
AROUND = st.sampled_from(["kind", "pre", "prev2", "prez", "se", "seq0", "ses", "v", "w2", "x", "\x7f", "\ue000"])
PLACE = st.sampled_from([10**30, -(10**30), 10**31, "1" + "0" * 30, '"prev":1' + "0" * 30])


@given(st.dictionaries(AROUND | TEXT.filter(lambda name: name not in RESERVED), VALUE | PLACE, max_size=8))
@example({})
@example({"a": 10**30})
@example({"a": {"prev": 10**30, "seq": 10**30, "w": 10**30}})
@example({"zz": {"prev": "", "seq": 1}, "prev ": 1})
def test_a_line_made_of_pieces_is_the_canonical_text_of_the_whole(event):
    whole = canonical({**event, "prev": "ab" * 32, "seq": 70_000, "w": W})
    assert cut(event).join(70_000, "ab" * 32, W) == whole
    assert link(event, 70_000, "ab" * 32, W) == whole


def test_the_kinds_of_the_file_itself_are_the_writers():
    assert {"recovered", "gap", "checkpoint", "rotated", "full", "clock", "refusals"} <= OWN_KINDS
    assert not {"decision", "recipients", "refusal", "fault", "correction"} & OWN_KINDS


@given(st.lists(EVENT, max_size=3), st.binary(max_size=30).filter(lambda torn: b"{" not in torn), st.booleans())
def test_a_files_end_is_its_last_whole_line_and_what_stands_behind_it(events, torn, is_cut):
    data, head = b"", START
    for event in events:
        line = link(event, head.seq + 1, head.digest, W)
        data, head = data + line + b"\n", Head(head.seq + 1, digest(line))
    tail = read_tail((b'{"half of":' if is_cut else b"") + b"\n" * is_cut + data + torn, is_cut=is_cut)
    assert tail.head == (head if events else None)
    if events:
        assert (tail.rest, tail.moment) == (torn, W)
    assert tail.is_closed == (not torn or torn.endswith(b"\n"))
    assert tail.void == tail.rest.removesuffix(b"\n")


def test_a_piece_of_a_line_at_the_beginning_is_not_taken_for_a_line():
    line = link({"a": 1}, 9, "0" * 64, W)
    assert read_tail(line + b"\n", is_cut=True).head is None
    assert read_tail(line, is_cut=False).head == Head(9, digest(line))
