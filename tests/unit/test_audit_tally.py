"""What a span adds up to: exact counts, bounded memory, and nothing that any line can do to it."""

import json
import tracemalloc
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealgate.app.runtime import Runtime
from sealgate.audit import bounded, tally
from sealgate.audit.bounded import Counts
from sealgate.audit.incidents import told
from sealgate.audit.report import document
from sealgate.audit.tally import Tally, peek
from tests.unit import recorded
from tests.unit.recorded import NOW, OTHERS, Event, chained


@pytest.fixture(scope="module")
def events(tmp_path_factory: pytest.TempPathFactory) -> list[Event]:
    known: dict[str, Runtime] = recorded.runtimes(tmp_path_factory.mktemp("tally"))
    return [*OTHERS, *(event for _, event in recorded.decisions(known))]


def tallied(lines: list[bytes], since: str = "", until: str = "") -> Tally:
    found = Tally(since, until)
    for line in lines:
        found.take(line)
    return found


def test_every_message_is_counted_once_everywhere(events: list[Event]) -> None:
    found = tallied(chained(events))
    judged = [event for event in events if event["kind"] == "decision"]
    verdicts = Counter(event["verdict"] for event in judged)
    assert (found.lines, found.unreadable, found.jumps) == (len(events), 0, 0)
    assert sum(found.classes.values()) == len(judged) > 50
    for at, verdict in enumerate(tally.VERDICTS):
        by_class = sum(count for (_, one), count in found.classes.items() if one == verdict)
        for counts in (found.days, found.identities, found.principals, found.listeners):
            assert by_class == verdicts[verdict] == sum(row[at] for row in counts.rows.values())
    commercial = [event for event in judged if event.get("elements")]
    assert found.commercial == [
        sum(event["verdict"] == "accept" for event in commercial),
        sum(event["verdict"] != "accept" for event in commercial),
    ]
    one_clicks = [row for (name, _), row in found.elements.rows.items() if name == "one-click"]
    assert sum(map(sum, one_clicks)) == len(commercial)
    signatures = sum(len(event["seal"]["signed"]) for event in judged if event.get("seal"))
    assert found.seals.total == signatures > 0
    assert found.counted.total == 41
    assert found.recipients == verdicts["accept"]


def test_a_rule_decides_or_is_only_met(events: list[Event]) -> None:
    base = next(event for event in events if event["kind"] == "decision" and event["verdict"] == "reject")
    finding = base["findings"][0] | {"rule": "identity.header-from", "mode": "enforce", "action": "reject"}
    twice = base | {"findings": [finding, finding | {"mode": "report", "rule": "canspam.no-label"}, finding]}
    found = tallied(chained([twice, twice | {"verdict": "accept", "would": "reject"}]))
    assert found.rules.rows == {"identity.header-from": [1, 0, 0, 1], "canspam.no-label": [0, 0, 0, 2]}
    assert found.would == {"reject": 1}


def test_only_the_span_is_counted_to_the_microsecond() -> None:
    moments = ["2026-09-30T23:59:59.999999Z", "2026-10-01T00:00:00.000000Z", "2026-10-31T23:59:59.999999Z",
               "2026-11-01T00:00:00.000000Z"]  # fmt: skip
    lines = chained([dict(OTHERS[4], t=moment) for moment in moments])
    found = tallied(lines, moments[1], moments[3])
    assert (found.lines, found.begins, found.ends, found.first, found.last) == (2, moments[1], moments[2], 2, 3)


def test_a_line_without_a_time_of_its_own_counts_by_when_it_was_written() -> None:
    fault = next(event for event in OTHERS if event["kind"] == "fault")
    (line,) = chained([{name: value for name, value in fault.items() if name != "t"}], "2026-10-05T00:00:00.000000Z")
    assert peek(line) == (1, "2026-10-05T00:00:00.000000Z")
    assert tallied([line], "2026-10-05", "2026-10-06").incidents[0].moment == "2026-10-05T00:00:00.000000Z"


def test_a_sender_cannot_choose_number_and_time_of_a_line(events: list[Event]) -> None:
    forged = ',"t":"2099-01-01T00:00:00.000000Z","seq":9,"w":"2099-01-01T00:00:00.000000Z"'
    decision = next(event for event in events if event["kind"] == "decision" and event["verdict"] == "accept")
    client = decision["client"] | {"helo": forged}
    header = decision["header"] | {"from": forged, "subject": {"length": 1, "salted": "0" * 32, "k": "2026q4"}}
    (line,) = chained([decision | {"client": client, "header": header, "listener": forged, "queue_id": forged}])
    assert peek(line) == (1, NOW)


def test_missing_lines_are_seen() -> None:
    lines = chained([OTHERS[4]] * 6)
    found = tallied([*lines[:2], *lines[4:]])
    assert (found.jumps, [i.detail for i in found.incidents if i.kind == "jump"]) == (
        1, ["line 5 stands behind line 2"],
    )  # fmt: skip


def test_a_start_without_a_stop_is_remarked_on() -> None:
    start, restart, stop = OTHERS[4], OTHERS[5], OTHERS[6]
    taken_over = start | {"restarted": True}
    sound = tallied(chained([start, restart, taken_over, stop, start]))
    assert not [i for i in sound.incidents if tally.CRASHED in i.detail]
    crashed = tallied(chained([start, start]))
    assert [tally.CRASHED in i.detail for i in crashed.incidents] == [False, True]


def test_what_a_person_must_see_is_listed_one_by_one_and_said_in_words() -> None:
    found = tallied(chained(OTHERS))
    listed = {incident.kind for incident in found.incidents}
    assert listed == tally.SEEN_ONE_BY_ONE == {e["kind"] for e in OTHERS} - {
        "recipients", "refusals", "checkpoint", "rotated",
    }  # fmt: skip
    for event in OTHERS:
        sentence = told(event["kind"], event)
        assert "{" not in sentence
        if event["kind"] in listed:
            assert len(sentence) > 8, event
            assert "kind:" not in sentence


def test_events_beyond_the_cap_are_counted() -> None:
    fault = next(event for event in OTHERS if event["kind"] == "fault")
    found = tallied(chained([fault] * (tally.MAX_EVENTS + 5)))
    assert (len(found.incidents), found.unlisted["fault"], found.kinds["fault"]) == (
        tally.MAX_EVENTS, 5, tally.MAX_EVENTS + 5,
    )  # fmt: skip


def test_counts_are_exact_for_the_first_names_and_in_sum() -> None:
    counts = Counts(2, limit=3)
    for name in "abcabdaee":
        counts.add(name, at=name == "e")
    assert (counts.rows, counts.rest, counts.total) == ({"a": [3, 0], "b": [2, 0], "c": [1, 0]}, [1, 2], 9)
    assert counts.top(1) == ([("a", [3, 0])], [4, 2])


def test_memory_does_not_grow_with_lines_and_names(events: list[Event], monkeypatch: pytest.MonkeyPatch) -> None:
    decision = next(event for event in events if event["kind"] == "decision" and event.get("elements"))
    # The cap is for real realms; here it is small so that the test is quick.
    monkeypatch.setattr(bounded, "MAX_SPANS", 50)

    def run(found: Tally, begin: int, count: int) -> None:
        for n in range(begin, begin + count):
            auth = decision["auth"] | {"principal": f"user{n}@EXAMPLE.TEST", "identity": f"i{n}"}
            digest = f"{n:064x}"
            found.take(chained([decision | {"auth": auth, "profile": digest, "listener": f"l{n}"}])[0])

    found = Tally()
    for counts in (found.identities, found.principals, found.listeners):
        counts.limit = 100
    run(found, 0, 300)
    tracemalloc.start()
    run(found, 300, 600)
    grown, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert found.lines == 900
    assert found.principals.total == 900
    assert grown < 200_000


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)


@given(st.binary(max_size=200))
def test_no_octets_make_it_raise(octets: bytes) -> None:
    found = Tally()
    found.take(octets)
    assert found.lines + found.unreadable == 1


@given(st.data())
def test_no_line_of_another_form_makes_it_raise(events: list[Event], data: st.DataObject) -> None:
    event: Any = json.loads(json.dumps(data.draw(st.sampled_from(events))))
    places = list(_places(event))
    for _ in range(data.draw(st.integers(1, 3))):
        holder, name = data.draw(st.sampled_from(places))
        holder[name] = data.draw(VALUES)
    try:
        (line,) = chained([event])
    except (TypeError, ValueError, AttributeError):
        return
    found = tallied([line])
    assert found.lines + found.unreadable >= 1
    document(found, NOW)


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    if isinstance(value, dict):
        for name, one in value.items():
            yield value, name
            yield from _places(one)
    elif isinstance(value, list):
        for at, one in enumerate(value):
            yield value, at
            yield from _places(one)


def test_deep_nesting_is_no_line() -> None:
    found = tallied([b'{"a":' * 100_000])
    assert (found.lines, found.unreadable) == (0, 1)
