"""The audit chain: one spelling for each event, and no change to a line goes unseen."""

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

from sealgate.audit.chain import MAX_DEPTH, canonical, digest, link
from sealgate.audit.verifier import START, VOID_CAP, Head, parse, verify

TEXT = st.text(st.characters(), max_size=12)  # lone surrogates included
VALUE = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)
EVENT = st.dictionaries(TEXT.filter(lambda name: name not in ("seq", "prev", "kind")), VALUE, max_size=4)


def chained(events: list[dict[str, Any]], head: Head = START) -> list[bytes]:
    lines = []
    for event in events:
        lines.append(link(event, head.seq + 1, head.digest))
        head = Head(head.seq + 1, digest(lines[-1]))
    return lines


def head_of(lines: list[bytes]) -> Head:
    return Head(json.loads(lines[-1])["seq"], digest(lines[-1])) if lines else START


def closing(kind: str, after: Head, octets: bytes, **more: Any) -> bytes:
    fields = {"kind": kind, "why": "test", "octets": len(octets), "sha256": digest(octets), **more}
    return link(fields, after.seq + 1, after.digest)


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


@pytest.mark.parametrize("name", ["seq", "prev"])
def test_an_event_cannot_bring_its_own_place(name):
    with pytest.raises(ValueError, match=name):
        link({name: 1}, 1, START.digest)


def test_a_line_names_the_one_before_as_sha256sum_would():
    first, second = chained([{"a": 1}, {"b": 2}])
    assert first == b'{"a":1,"prev":"' + b"0" * 64 + b'","seq":1}'
    assert json.loads(second)["prev"] == hashlib.sha256(first).hexdigest()


@given(st.lists(EVENT, max_size=6), st.booleans())
def test_an_untouched_chain_is_whole(events, with_newlines):
    lines = chained(events)
    report = verify([line + b"\n" for line in lines] if with_newlines else lines)
    assert report.is_whole
    assert (report.lines, report.notes, report.head) == (len(lines), (), head_of(lines))


def _touch(lines: list[bytes], data: st.DataObject) -> tuple[list[bytes], int]:
    """Change a chain somewhere; return it and the first line (from 1) that is no more what or where it was."""
    at = data.draw(st.integers(0, len(lines) - 1))
    how = data.draw(st.sampled_from(["octet", "reword", "drop", "swap", "copy", "foreign", "newline"]))
    lines = list(lines)
    if how == "octet":
        place = data.draw(st.integers(0, len(lines[at]) - 1))
        octet = data.draw(st.integers(0, 255).filter(lambda value: value != lines[at][place]))
        lines[at] = lines[at][:place] + bytes([octet]) + lines[at][place + 1 :]
    elif how == "reword":
        event = json.loads(lines[at])
        lines[at] = canonical({**event, "verdict": "reject"})
    elif how == "drop":
        del lines[at]
    elif how == "swap":
        other = data.draw(st.integers(0, len(lines) - 1).filter(lambda value: value != at))
        lines[at], lines[other] = lines[other], lines[at]
        at = min(at, other)
    elif how == "copy":
        lines.insert(at + 1, lines[at])
        at += 1
    elif how == "foreign":
        lines.insert(at, link({"x": 1}, at + 1, digest(lines[at - 1]) if at else START.digest))
    else:
        place = data.draw(st.integers(1, len(lines[at]) - 1))
        lines[at : at + 1] = [lines[at][:place], lines[at][place:]]
    return lines, at + 1


@given(st.lists(EVENT, min_size=2, max_size=6), st.data())
def test_a_changed_dropped_swapped_or_inserted_line_is_always_seen(events, data):
    before = chained(events)
    after, first = _touch(before, data)
    report = verify(after)
    if report.broken is None:  # only the end was touched: there the chain needs a head kept elsewhere
        assert first >= len(before)
        assert report.head != head_of(before)
    else:
        assert first <= report.broken.line <= first + 1
        assert report.broken.what
        assert not report.is_whole


@given(st.lists(st.binary(max_size=60) | EVENT.map(lambda event: link(event, 1, START.digest)), max_size=8))
def test_no_line_makes_verify_raise(lines):
    report = verify(lines)
    assert report.lines == len(lines)


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"{}",
        b"[1]",
        b'{"a": 1}',
        b'{"a":1,"a":1,"prev":"' + b"0" * 64 + b'","seq":1}',
        b'{"prev":"' + b"0" * 63 + b'","seq":1}',
        b'{"prev":"' + b"0" * 64 + b'","seq":true}',
        b'{"prev":"' + b"0" * 64 + b'","seq":0}',
        b'{"prev":"' + b"0" * 64 + b'","seq":1.0}',
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b'{"a":' + b"9" * 10_000 + b"}",
    ],
)
def test_what_the_writer_would_not_have_written_is_no_line(line):
    assert parse(line) is None
    assert verify([line]).broken is not None


def test_rotated_files_are_one_run_of_lines_and_a_later_one_can_be_read_alone():
    lines = chained([{"n": n} for n in range(6)])
    assert verify(lines[3:]).broken is not None
    assert verify(lines[3:], start=None).is_whole
    assert verify(lines[3:], start=head_of(lines[:3])).is_whole


@given(
    st.lists(EVENT, max_size=3),
    st.binary(min_size=1, max_size=40).filter(lambda torn: not torn.endswith(b"\n")),
    st.lists(EVENT, max_size=3),
)
def test_a_recovered_line_is_explained_and_noted(events, torn, later):
    lines = chained(events)
    record = closing("recovered", head_of(lines), torn)
    whole = [*lines, *torn.split(b"\n"), record, *chained(later, head_of([record]))]
    report = verify(whole)
    assert report.is_whole
    assert report.head == head_of(whole)
    assert [(note.kind, note.octets, note.missing) for note in report.notes] == [("recovered", len(torn), 0)]


@pytest.mark.parametrize("said", [b"", b"to", b"tORN", b"torn more"])
def test_a_recovered_record_that_does_not_fit_its_octets_explains_nothing(said):
    lines = chained([{"a": 1}])
    report = verify([*lines, b"torn", closing("recovered", head_of(lines), said)])
    assert report.broken is not None
    assert report.broken.line == 2


def test_the_torn_octets_cannot_be_taken_out():
    lines = chained([{"a": 1}])
    report = verify([*lines, closing("recovered", head_of(lines), b"torn")])
    assert report.broken is not None
    assert report.broken.line == 2


def gap(after: Head, synced: Head, octets: bytes = b"") -> bytes:
    return closing("gap", after, octets, synced={"seq": synced.seq, "digest": synced.digest})


def test_lines_that_a_failed_sync_lost_are_noted_and_not_missed():
    lines = chained([{"n": n} for n in range(5)])
    record = gap(head_of(lines), head_of(lines[:3]))
    assert verify([*lines, record]).is_whole
    report = verify([*lines[:3], b"\0" * 99, record])
    assert report.is_whole
    assert [(note.line, note.octets) for note in report.notes] == [(5, 99)]


def test_lines_cut_off_under_the_writer_are_counted_as_missing():
    lines = chained([{"n": n} for n in range(5)])
    record = gap(head_of(lines), head_of(lines))
    report = verify([*lines[:2], record, *chained([{"later": 1}], head_of([record]))])
    assert report.broken is None
    assert [(note.line, note.missing) for note in report.notes] == [(3, 3)]
    assert not report.is_whole


def test_a_gap_does_not_hide_a_change_before_it():
    lines = chained([{"n": n} for n in range(5)])
    changed = canonical({**json.loads(lines[2]), "n": 99})
    for synced in (head_of(lines), head_of(lines[:4]), head_of(lines[:3])):
        report = verify([*lines[:2], changed, *lines[3:], gap(head_of(lines), synced)])
        assert report.broken is not None
        assert report.broken.line == 4


def test_verify_gives_up_where_nothing_can_explain_any_more():
    read = 0

    def endless():
        nonlocal read
        while True:
            read += 1
            yield b"x" * 65_536

    report = verify(endless())
    assert report.broken is not None
    assert report.broken.line == 1
    assert read <= VOID_CAP // 65_536 + 2
