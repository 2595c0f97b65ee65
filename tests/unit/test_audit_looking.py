"""Which lines are wanted: filters, what is left out unread, and the lines that belong to one decision."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealgate.app.recording import LINE_RECIPIENTS
from sealgate.audit.chain import link
from sealgate.audit.looking import Event, Wanted, class_of, event_of, groups_of, search


@dataclass(frozen=True)
class Line:
    octets: bytes


def decision(number: int = 1, **more: Any) -> dict[str, Any]:
    return {
        "v": 1, "kind": "decision", "t": f"2026-11-21T09:00:{number:02}.000000Z", "id": f"ID{number}", "queue_id": "4Q",
        "stage": "end", "verdict": "accept", "findings": [],
        "auth": {"principal": "alice@EXAMPLE.TEST", "identity": "alice", "name": "alice", "via": "login"},
        "envelope": {"from": "<alice@example.test>", "rcpt": ["<Jane@Example.ORG>"], "rcpt_n": 1},
        "header": {"from": "Alice <alice@news.example.test>", "message_id": "<A%1@example.test>"},
        "elements": [], "seal": {"signed": ["d=seal.example.test s=a a=rsa-sha256"]},
    } | more  # fmt: skip


def lines(*events: dict[str, Any]) -> list[Line]:
    return [
        Line(link(event, number, "0" * 64, "2026-11-21T09:00:00.000000Z")) for number, event in enumerate(events, 1)
    ]


def ids(events: list[dict[str, Any]], wanted: Wanted) -> list[str]:
    return [found.event["id"] for found in search(lines(*events), wanted)]


HASHED = {"d": "example.org", "h": "0" * 32, "k": "2026q4"}
FINDING = {"rule": "canspam.no-opt-out", "mode": "report"}


@pytest.mark.parametrize(("wanted", "fits"), [
    (Wanted(recipients=("jane@example.org",)), True),
    (Wanted(recipients=("jane@example.or",)), False),
    (Wanted(recipients=("joe@example.org", "jane@example.org")), True),
    (Wanted(message_ids=("A%1@example.test",)), True),
    (Wanted(message_ids=("<A%1@example.test>",)), True),
    (Wanted(message_ids=("a%1@example.test",)), False),
    (Wanted(principals=("alice@EXAMPLE.TEST",)), True),
    (Wanted(principals=("Alice",)), True),
    (Wanted(principals=("ali",)), False),
    (Wanted(senders=("alice@example.test",)), True),
    (Wanted(senders=("alice@news.example.test",)), True),
    (Wanted(senders=("lice@news.example.test",)), False),
    (Wanted(domains=("example.test",)), True),
    (Wanted(domains=("example.org",)), True),
    (Wanted(domains=("seal.example.test",)), True),
    (Wanted(domains=(".example.test",)), True),
    (Wanted(domains=("test",)), False),
    (Wanted(verdicts=("accept",)), True),
    (Wanted(verdicts=("reject",)), False),
    (Wanted(verdicts=("reject", "accept")), True),
    (Wanted(rules=("canspam.no-opt-out",)), True),
    (Wanted(rules=("canspam",)), True),
    (Wanted(rules=("canspam.*",)), True),
    (Wanted(rules=("can",)), False),
    (Wanted(queue_ids=("4Q",)), True),
    (Wanted(queue_ids=("4q",)), False),
    (Wanted(classes=("other",)), True),
    (Wanted(classes=("commercial",)), False),
    (Wanted(since="2026-11-21T09:00:01.000000Z"), True),
    (Wanted(since="2026-11-21T09:00:02.000000Z"), False),
    (Wanted(until="2026-11-21T09:00:01.000000Z"), False),
    (Wanted(principals=("alice",), verdicts=("reject",)), False),
    (Wanted(principals=("alice",), verdicts=("accept",), rules=("canspam",), domains=("example.org",)), True),
])  # fmt: skip
def test_filters_of_one_kind_are_alternatives_and_all_kinds_must_hold(wanted: Wanted, fits: bool) -> None:
    assert ids([decision(findings=[FINDING])], wanted) == ["ID1"] * fits


@pytest.mark.parametrize(
    "wanted", [Wanted(domains=("example.org",)), Wanted(recipients=("jane@example.org",), hidden=bool)]
)
def test_hashed_recipients_are_known_by_their_domain_and_by_who_knows_more(wanted: Wanted) -> None:
    event = decision(envelope={"from": "<>", "rcpt": [HASHED], "rcpt_n": 1}, header={})
    assert ids([event], wanted) == ["ID1"]
    assert ids([event], Wanted(recipients=("jane@example.org",))) == []


def test_an_address_beyond_ascii_is_found() -> None:
    event = decision(envelope={"from": "<>", "rcpt": ['<Jürgen"@Exämple.org>'], "rcpt_n": 1})
    assert ids([event], Wanted(recipients=('jürgen"@exämple.org',))) == ["ID1"]


def test_a_message_id_that_was_cut_is_found_by_its_beginning() -> None:
    whole = f"<{'m' * 600}@example.test>"
    event = decision(header={"from": "", "message_id": {"begins": whole[:512], "length": len(whole), "sha256": "0"}})
    assert ids([event], Wanted(message_ids=(whole,))) == ["ID1"]
    assert ids([event], Wanted(message_ids=(whole.replace("m", "n", 1),))) == []


def continued(number: int, of: str, addresses: list[str]) -> dict[str, Any]:
    return {"v": 1, "kind": "recipients", "t": "2026-11-21T09:00:00Z", "of": of, "part": number, "rcpt": addresses}


def test_recipients_of_the_lines_behind_a_decision_are_its_own() -> None:
    many = [f"<r{n}@example.net>" for n in range(2 * LINE_RECIPIENTS + 1)]
    parts = [many[at : at + LINE_RECIPIENTS] for at in range(0, len(many), LINE_RECIPIENTS)]
    first = decision(envelope={"from": "<>", "rcpt": parts[0], "rcpt_n": len(many)})
    stream = [decision(7), first, *(continued(n, "ID1", part) for n, part in enumerate(parts[1:], 1)), decision(8)]
    (found,) = search(lines(*stream), Wanted(recipients=(f"r{len(many) - 1}@example.net",)))
    assert (found.event["id"], found.event["envelope"]["rcpt"], len(found.lines)) == ("ID1", many, 3)
    assert ids(stream, Wanted(domains=("example.net",), verdicts=("accept",))) == ["ID1"]
    assert ids(stream, Wanted(domains=("example.org",))) == ["ID7", "ID8"]


def test_a_line_that_continues_another_decision_is_not_taken_for_its_own() -> None:
    stream = [decision(1), continued(1, "OTHER", ["<x@example.net>"])]
    assert ids(stream, Wanted(recipients=("x@example.net",))) == []


def test_what_holds_no_needle_is_not_parsed() -> None:
    class Told(Exception):
        pass

    def refuse(_: Event) -> bool:
        raise Told

    wanted = Wanted(recipients=("jane@other.test",), hidden=refuse)
    assert ids([decision()] * 3, wanted) == []
    with pytest.raises(Told):
        ids([decision(envelope={"from": "<>", "rcpt": [HASHED | {"d": "other.test"}]})], wanted)


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)
NAMES = ("kind", "t", "id", "verdict", "findings", "auth", "envelope", "header", "elements", "seal", "queue_id", "rule")
EVENTS = st.fixed_dictionaries({}, optional=dict.fromkeys(NAMES, ANYTHING)) | ANYTHING
EVERY = Wanted(
    recipients=("a@b",), message_ids=("m",), principals=("p",), senders=("s@t",), domains=("d",), rules=("r",),
    verdicts=("accept",), queue_ids=("q",), classes=("other",), since="0", until="9",
)  # fmt: skip


@given(EVENTS)
def test_a_line_of_anybody_raises_nothing(event: Any) -> None:
    read = event_of(json.dumps(event).encode())
    for name in EVERY.__slots__:
        value = getattr(EVERY, name)
        if not callable(value):
            Wanted(**{name: value}).fits(read)
    class_of(read)
    assert event_of(b"[" * 100_000) == {}
    assert list(groups_of([Line(b"\xff"), Line(b"")], ())) == [(Line(b"\xff"),), (Line(b""),)]


def test_the_octets_looked_for_are_in_every_line_that_is_wanted() -> None:
    """Else a line would be left out unread that is meant."""
    kept: list[Callable[[], Wanted]] = [
        lambda: Wanted(recipients=("jane@example.org",)), lambda: Wanted(principals=("ALICE",)),
        lambda: Wanted(senders=("alice@news.example.test",)), lambda: Wanted(rules=("canspam.",)),
        lambda: Wanted(domains=(".example.test",)), lambda: Wanted(queue_ids=("4Q",)),
    ]  # fmt: skip
    for make in kept:
        assert ids([decision(findings=[FINDING])], make()) == ["ID1"], make()
