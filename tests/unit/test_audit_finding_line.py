"""The audit line of a message in hand."""

import json
from typing import Any

import pytest

from sealgate.audit.finding_line import Traces, line_of, recorded_fields

BODY, OTHER = "ab" * 32, "cd" * 32


def line(**over: Any) -> bytes:
    event: dict[str, Any] = {
        "kind": "decision", "t": "2026-11-21T10:00:00.123456Z", "id": "A1", "queue_id": "4Xyz", "seq": 7,
        "header": {"message_id": "<1@example.test>"}, "message": {"body_sha256": BODY},
        "seal": {"signed": ["d=example.test s=r1 a=rsa-sha256"], "fields": ["From 0123456789abcdef", 5, "Cc -"]},
    }  # fmt: skip
    return json.dumps(event | over, separators=(",", ":")).encode() + b"\n"


TRACES = Traces(frozenset({BODY}), "<1@example.test>", frozenset({"4Xyz"}), frozenset({"2026-11-21T10:00:00"}))


def test_the_line_is_found_by_any_strong_trace() -> None:
    lines = [
        line(header={"message_id": "<2@x>"}, message={"body_sha256": OTHER}),
        line(),
        b"",
        b"no json <1@example.test>",
    ]
    for traces in (TRACES, Traces(frozenset({BODY})), Traces(message_id="<1@example.test>")):
        found = line_of(lines, traces)
        assert found is not None
        assert found["id"] == "A1"
        assert recorded_fields(found) == ("From 0123456789abcdef", "Cc -")


def test_of_a_newsletter_s_thousand_lines_the_right_one_is_found() -> None:
    others = [
        line(id=f"N{i}", header={"message_id": f"<n{i}@x>"}, queue_id=f"Q{i}", t=f"2026-11-21T11:00:{i:02}Z")
        for i in range(60)
    ]
    for wanted in (
        TRACES,
        Traces(TRACES.body_hashes, "", TRACES.queue_ids),
        Traces(TRACES.body_hashes, times=TRACES.times),
    ):
        found = line_of([*others[:30], line(), *others[30:]], wanted)
        assert found is not None
        assert found["id"] == "A1"


def test_a_message_that_was_sent_again_has_its_last_line() -> None:
    found = line_of([line(id="OLD"), line(id="NEW")], TRACES)
    assert found is not None
    assert found["id"] == "NEW"


@pytest.mark.parametrize(
    "unfit",
    [
        line(seal={"signed": [], "skipped": "seal-off"}), line(seal=None), line(seal=[]), b"[1]\n", b"{" * 100_000,
        line(header={"message_id": "<2@x>"}, message={"body_sha256": OTHER}), line(header=5, message=[BODY]),
    ],
)  # fmt: skip
def test_what_is_no_line_of_it_is_not_taken(unfit: bytes) -> None:
    assert line_of([unfit], TRACES) is None


def test_a_message_without_traces_has_no_line() -> None:
    assert line_of([line()], Traces()) is None
    assert line_of([line()], Traces(queue_ids=TRACES.queue_ids, times=TRACES.times)) is None


@pytest.mark.parametrize("event", [{}, {"seal": None}, {"seal": {"fields": "From"}}, {"seal": {"fields": {"a": 1}}}])
def test_a_line_without_digests_has_none(event: dict[str, Any]) -> None:
    assert recorded_fields(event) == ()
