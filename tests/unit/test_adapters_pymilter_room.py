"""What messages under way hold is bounded, and given back on every way out of a message."""

import json
from collections.abc import Iterator
from itertools import takewhile
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("milter", reason="pymilter is not installed")

import milter

from sealgate.adapters.pymilter import Gate
from sealgate.app.inflight import InFlight
from sealgate.app.ports import PortError
from sealgate.app.runtime import Runtime
from sealgate.audit.chain import link
from sealgate.profile.model import Profile
from sealgate.profile.parse import parse_profile
from tests.drivers.cases import EPOCHS
from tests.lab.inline import InlineReader
from tests.unit.test_adapters_pymilter_silent import PROFILE, SILENT, Context
from tests.unit.test_audit_schema import OF_KIND

LIMIT = 100_000
ROOM = 20_000  # of a chunk that fits


class Log:
    """Keeps what it was told."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, dict[str, Any]]] = []

    def info(self, event: str, **more: Any) -> None:
        self.lines.append((event, more))

    warning = error = info


class Bench:
    """A gate with little room, and what it recorded and said."""

    def __init__(self, limit: int = LIMIT) -> None:
        self.events: list[tuple[str, dict[str, Any]]] = []
        self.log = Log()
        self.room = InFlight(limit)
        self.is_full = False
        profile, _ = parse_profile(PROFILE, "p")
        self.profile: Profile = profile  # type: ignore[assignment]
        runtime = Runtime(self.profile, "d", epochs=EPOCHS)
        self.gate = Gate(lambda: runtime, self.append, InlineReader(), self.log, in_flight=self.room)

    def append(self, kind: str, **event: Any) -> int:
        if self.is_full:
            raise PortError("no space left")
        self.events.append((kind, event))
        return len(self.events)

    def opened(self, steps: int = 0x1FFFFF) -> Context:
        ctx = Context()
        assert self.gate._negotiate(ctx, [0x1FF, steps, 0, 0]) == milter.CONTINUE
        self.gate._connect(ctx, "localhost", 2, ("127.0.0.1", 4711))
        return ctx

    def begun(self, steps: int = 0x1FFFFF) -> Context:
        ctx = self.opened(steps)
        assert self.gate._mail(ctx, b"<alice@example.test>") == milter.CONTINUE
        self.gate._rcpt(ctx, b"<bob@example.test>")
        self.gate._header(ctx, "From", b" alice@example.test")
        return ctx


@pytest.fixture
def bench() -> Bench:
    return Bench()


def fill(bench: Bench) -> Context:
    """One message that leaves no room for another."""
    ctx = bench.begun()
    bench.gate._body(ctx, b"x" * (LIMIT - 6_000))
    assert bench.room.held > LIMIT - 4_096
    return ctx


def test_a_message_holds_what_it_keeps_and_nothing_when_it_is_answered(bench: Bench) -> None:
    ctx = bench.begun()
    before = bench.room.held
    bench.gate._body(ctx, b"x" * ROOM)
    assert before > 0
    assert bench.room.held >= before + ROOM
    assert bench.gate._end(ctx) == milter.ACCEPT
    assert bench.room.held == 0


def test_an_attachment_is_not_kept_and_takes_no_room(bench: Bench) -> None:
    ctx = bench.begun()
    bench.gate._header(ctx, "Content-Type", b" application/zip")
    for _ in range(100):
        bench.gate._body(ctx, b"x" * 65_535)
    assert bench.gate._end(ctx) == milter.ACCEPT


def test_where_there_is_no_room_mail_is_deferred_and_the_others_go_on(bench: Bench) -> None:
    first, second = fill(bench), bench.opened()
    assert bench.gate._mail(second, b"<alice@example.test>") == milter.TEMPFAIL
    assert second.reply[:2] == ("452", "4.3.1")
    (kind, event), *rest = bench.events
    assert (kind, event["step"], event["verdict"], rest) == ("fault", "mail", "tempfail", [])
    assert event["why"].startswith("452: no room")
    assert OF_KIND["fault"].is_valid(json.loads(link({"kind": kind, **event}, 1, "0" * 64, event["t"])))
    assert second.reply[2].endswith(event["id"])
    assert bench.gate._end(first) == milter.ACCEPT
    assert bench.gate._mail(second, b"<alice@example.test>") == milter.CONTINUE


def _headers(bench: Bench, ctx: Context) -> Iterator[int]:
    return (bench.gate._header(ctx, "X", b"y" * 10_000) for _ in range(12))


def _body(bench: Bench, ctx: Context) -> Iterator[int]:
    return (bench.gate._body(ctx, b"x" * 50_000) for _ in range(3))


def _recipients(bench: Bench, ctx: Context) -> Iterator[int]:
    return (bench.gate._rcpt(ctx, b"<b%d@example.test>" % n) for n in range(1_000))


@pytest.mark.parametrize("steps", [0x1FFFFF, 0x1FFFFF & ~SILENT], ids=["silent", "answering"])
@pytest.mark.parametrize("weapon", [_headers, _body, _recipients])
def test_a_message_that_grows_too_large_is_deferred_and_what_it_held_is_dropped_at_once(
    bench: Bench, weapon: Any, steps: int
) -> None:
    ctx = bench.begun(steps)
    answers = set(takewhile(lambda answer: answer != milter.TEMPFAIL, weapon(bench, ctx)))
    assert bench.room.held == 0
    assert ctx.private.transaction is None
    if steps & SILENT:
        assert answers == {milter.NOREPLY}
        assert bench.gate._end(ctx) == milter.TEMPFAIL
    assert ctx.reply[:2] == ("452", "4.3.1")
    assert [kind for kind, _ in bench.events][:1] == ["fault"]
    bench.gate._abort(ctx)
    assert bench.gate._mail(ctx, b"<alice@example.test>") == milter.CONTINUE


def test_a_hundred_thousand_recipients_have_an_end() -> None:
    bench = Bench(8 << 20)
    ctx = bench.begun()
    for number in range(100_000):
        bench.gate._rcpt(ctx, b"<b%d@example.test>" % number)
    assert bench.gate._end(ctx) == milter.TEMPFAIL
    assert (ctx.reply[0], bench.room.held) == ("452", 0)


def test_refusals_for_room_are_counted_and_said_once_a_minute(bench: Bench) -> None:
    fill(bench)
    for _ in range(5):
        assert bench.gate._mail(bench.opened(), b"<alice@example.test>") == milter.TEMPFAIL
    said = [more for event, more in bench.log.lines if event == "no-room"]
    assert (bench.room.refused, len(said), len(bench.events)) == (5, 1, 5)
    assert (said[0]["refused"], said[0]["limit"]) == (1, LIMIT)


def test_a_record_that_is_away_leaves_the_answer(bench: Bench) -> None:
    fill(bench)
    bench.is_full = True
    ctx = bench.opened()
    assert bench.gate._mail(ctx, b"<alice@example.test>") == milter.TEMPFAIL
    assert ctx.reply[0] == "452"


@pytest.mark.parametrize("way", ["abort twice", "close", "next mail", "fault at mail", "fault in between", "refused",
                                 "not recorded"])  # fmt: skip
def test_every_way_out_gives_the_room_back(bench: Bench, way: str) -> None:
    ctx = bench.begun()
    bench.gate._body(ctx, b"x" * ROOM)
    if way == "abort twice":
        bench.gate._abort(ctx)
        bench.gate._abort(ctx)
    elif way == "close":
        bench.gate._close(ctx)
    elif way == "next mail":
        bench.gate._mail(ctx, b"<alice@example.test>")
        assert 0 < bench.room.held < ROOM
        bench.gate._abort(ctx)
    elif way == "fault at mail":
        ctx.macros["{mail_addr}"] = RuntimeError("broken")
        assert bench.gate._mail(ctx, b"<alice@example.test>") == milter.TEMPFAIL
        assert ctx.reply[0] == "451"
    elif way == "fault in between":
        bench.gate._header(ctx, None, b"")  # type: ignore[arg-type]
        assert bench.room.held == 0
        assert bench.gate._end(ctx) == milter.TEMPFAIL
        assert ctx.reply[0] == "451"
    elif way == "refused":
        assert bench.gate._mail(ctx, b"<mallory@example.test>") == milter.REJECT
    else:
        bench.is_full = True
        assert bench.gate._end(ctx) == milter.TEMPFAIL
    assert bench.room.held == 0


STEPS = ("mail", "rcpt", "header", "body", "large body", "end", "abort", "broken header", "close")


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 2), st.sampled_from(STEPS)), max_size=40))
def test_no_order_of_steps_leaks_room_or_goes_beyond_it(steps: list[tuple[int, str]]) -> None:
    bench = Bench()
    contexts = [bench.opened() for _ in range(3)]
    for number, step in steps:
        ctx, gate = contexts[number], bench.gate
        if step == "mail":
            gate._mail(ctx, b"<alice@example.test>")
        elif step == "rcpt":
            gate._rcpt(ctx, b"<bob@example.test>")
        elif step == "header":
            gate._header(ctx, "From", b" alice@example.test")
        elif step == "broken header":
            gate._header(ctx, None, b"")  # type: ignore[arg-type]
        elif "body" in step:
            gate._body(ctx, b"x" * (60_000 if "large" in step else 1_000))
        elif step == "end":
            gate._end(ctx)
        elif step == "abort":
            gate._abort(ctx)
        else:
            gate._close(ctx)
            contexts[number] = bench.opened()
        assert 0 <= bench.room.held <= LIMIT
    for ctx in contexts:
        bench.gate._close(ctx)
    assert bench.room.held == 0
