"""Scanners are counted: a line a minute and group, whatever they send, and no more than there is room for."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from sealgate.audit.chain import cut
from sealgate.audit.counting import MAX_GROUPS, OTHER, Refusals

T = "2026-11-21T09:00:{:02d}.000000Z"


def refusal(number: int = 0, network: str = "192.0.2.0/24", **more: Any) -> dict[str, Any]:
    return {
        "kind": "refusal", "v": 1, "t": T.format(number % 60), "host": "relay1", "id": f"ID{number}",
        "network": network, "listener": "smtp", "rule": "bind.login", "verdict": "reject", **more,
    }  # fmt: skip


def test_one_line_a_minute_says_how_many_from_when_to_when_and_which_was_the_last() -> None:
    counted = Refusals()
    for number in range(50):
        counted.add(refusal(number), T.format(number))
        assert counted.due(T.format(number)) == ()
    (line,) = counted.due("2026-11-21T09:01:00.000001Z")
    assert line == {
        "kind": "refusals", "from": T.format(0), "until": T.format(49), "network": "192.0.2.0/24", "listener": "smtp",
        "rule": "bind.login", "verdict": "reject", "count": 50, "first": "ID0", "last": "ID49",
    }  # fmt: skip


def test_what_cannot_be_written_yet_is_not_forgotten() -> None:
    counted = Refusals()
    counted.add(refusal(1), T.format(1))
    assert len(counted.due("2026-11-21T09:01:00Z")) == 1
    counted.add(refusal(2), "2026-11-21T09:01:01Z")  # the disk was full meanwhile
    (line,) = counted.due("2026-11-21T09:01:02Z")
    assert (line["count"], line["last"]) == (2, "ID2")
    counted.forget()
    assert (counted.due("2026-11-21T09:09:00Z"), counted.all(), len(counted)) == ((), (), 0)
    counted.add(refusal(3), "2026-11-21T09:09:59Z")
    assert counted.due("2026-11-21T09:09:59Z") == ()
    assert [line["count"] for line in counted.all()] == [1]


def test_network_listener_rule_and_verdict_are_told_apart() -> None:
    counted = Refusals()
    for more in (
        {},
        {"network": "2001:db8::/64"},
        {"listener": "submission"},
        {"rule": "x.y"},
        {"verdict": "tempfail"},
    ):
        for _ in range(2):
            counted.add(refusal(0, **more), T.format(0))
    assert [line["count"] for line in counted.all()] == [2] * 5


def test_beyond_so_many_networks_the_rest_is_one_group_for_each_rule() -> None:
    counted = Refusals()
    for number in range(MAX_GROUPS + 500):
        counted.add(refusal(number, f"10.{number // 256}.{number % 256}.0/24"), T.format(0))
        counted.add(refusal(number, f"11.{number // 256}.{number % 256}.0/24", rule="x.y"), T.format(0))
    lines = counted.all()
    assert len(lines) == MAX_GROUPS + 2
    assert {(line["rule"], line["count"]) for line in lines if line["network"] == OTHER} == {
        ("bind.login", 1_000), ("x.y", 1_000),
    }  # fmt: skip
    assert sum(line["count"] for line in lines) == 2 * (MAX_GROUPS + 500)


def test_memory_is_bounded_whatever_differs() -> None:
    counted = Refusals()
    for number in range(5 * MAX_GROUPS):
        counted.add(refusal(number, f"n{number}", listener=f"l{number}", rule=f"r{number}"), T.format(0))
    assert len(counted) == 2 * MAX_GROUPS + 1
    assert sum(line["count"] for line in counted.all()) == 5 * MAX_GROUPS


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=400),
    st.lists,
    max_leaves=4,
)


@given(
    st.lists(
        st.dictionaries(st.sampled_from([*refusal(), "kind"]) | st.text(max_size=3), ANYTHING, max_size=9), max_size=5
    )
)
def test_whatever_an_event_holds_its_line_can_be_written(events: list[dict[str, Any]]) -> None:
    counted = Refusals()
    for event in events:
        counted.add(event, T.format(0))
    lines = counted.all()
    assert sum(line["count"] for line in lines) == len(events)
    for line in lines:
        assert len(cut(line).before) < 10_000
