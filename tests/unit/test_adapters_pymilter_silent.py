"""The callbacks against a context that keeps no promises: whatever goes wrong, the message is deferred."""

from typing import Any

import pytest

pytest.importorskip("milter", reason="pymilter is not installed")

import milter

from sealgate.adapters.log import operational
from sealgate.adapters.pymilter import Gate
from sealgate.app.ports import PortError
from sealgate.app.runtime import Runtime
from sealgate.profile.parse import parse_profile
from tests.drivers.cases import EPOCHS
from tests.lab.inline import InlineReader

PROFILE = """
version: 1
mode: enforce
listeners: {submission: judge}
logins:
  - {listener: submission, mechanism: GSSAPI, spelled: "{user}@EXAMPLE.TEST", principal: "{user}@EXAMPLE.TEST"}
domains: {example.test: {sign: no}}
identities: {alice: {principals: [alice@EXAMPLE.TEST], senders: [alice@example.test]}}
"""
SILENT = milter.P_NR_HELO | milter.P_NR_RCPT | milter.P_NR_DATA | milter.P_NR_HDR | milter.P_NR_EOH | milter.P_NR_BODY


class Context:
    """An MTA's connection as pymilter shows it."""

    def __init__(self) -> None:
        self.private: Any = None
        self.reply: tuple[str, ...] = ()
        self.macros: dict[str, str | Exception] = {
            "{daemon_name}": "submission",
            "{auth_type}": "GSSAPI",
            "{auth_authen}": "alice@EXAMPLE.TEST",
        }

    def getpriv(self) -> Any:
        return self.private

    def setpriv(self, value: Any) -> None:
        self.private = value

    def getsymval(self, name: str) -> str | None:
        value = self.macros.get(name)
        if isinstance(value, Exception):
            raise value
        return value

    def setreply(self, *reply: str) -> None:
        self.reply = reply

    def setsymlist(self, *_: object) -> None:
        pass


@pytest.fixture
def events() -> list[tuple[str, dict[str, Any]]]:
    return []


@pytest.fixture
def gate(events: list[tuple[str, dict[str, Any]]]) -> Gate:
    profile, problems = parse_profile(PROFILE, "p")
    assert profile is not None, problems

    def append(kind: str, **event: Any) -> int:
        events.append((kind, event))
        return len(events)

    return Gate(lambda: Runtime(profile, "d", epochs=EPOCHS), append, InlineReader(), operational("error"))


@pytest.fixture
def ctx(gate: Gate) -> Context:
    """A connection up to HELO, on which as few steps as possible are answered."""
    context = Context()
    assert gate._negotiate(context, [0x1FF, 0x1FFFFF, 0, 0]) == milter.CONTINUE
    assert gate._connect(context, "localhost", 2, ("127.0.0.1", 40000)) == milter.CONTINUE
    assert gate._helo(context, "client") == milter.NOREPLY
    return context


def letter(gate: Gate, ctx: Context, body: bytes = b"hello\r\n") -> list[int]:
    """All answers from MAIL to the end."""
    return [
        gate._mail(ctx, b"<alice@example.test>"),
        gate._rcpt(ctx, b"<bob@example.org>"),
        gate._data(ctx),
        gate._header(ctx, "From", b" alice@example.test"),
        gate._eoh(ctx),
        gate._body(ctx, body),
        gate._end(ctx),
    ]


GOOD = [milter.CONTINUE, *[milter.NOREPLY] * 5, milter.ACCEPT]


@pytest.mark.parametrize("step", ["header", "body"])
def test_a_fault_in_a_step_that_cannot_be_answered_defers_at_the_end(
    gate: Gate, ctx: Context, events: list[Any], monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """libmilter swallows an answer there, and the MTA would wait for the end's in vain."""

    def fail(*_: object) -> None:
        raise SystemExit("no")

    with monkeypatch.context() as patch:
        patch.setattr(f"sealgate.app.intake.Intake.{step}", fail)
        assert letter(gate, ctx) == [*GOOD[:-1], milter.TEMPFAIL]
    assert ctx.reply[:2] == ("451", "4.3.0")
    assert [(kind, event["step"]) for kind, event in events] == [("fault", step)]
    assert events[0][1]["id"] in ctx.reply[2]
    assert letter(gate, ctx) == GOOD  # and nothing of it is left
    assert [kind for kind, _ in events] == ["fault", "decision"]


def test_a_fault_is_forgotten_with_its_message(gate: Gate, ctx: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    gate._mail(ctx, b"<alice@example.test>")
    with monkeypatch.context() as patch:
        patch.setattr("sealgate.adapters.pymilter._under_way", lambda _: 1 / 0)
        assert gate._rcpt(ctx, b"<bob@example.org>") == milter.NOREPLY
    gate._abort(ctx)
    gate._abort(ctx)
    assert letter(gate, ctx) == GOOD


def test_a_log_and_a_record_that_fail_do_not_keep_a_fault_from_being_answered(
    gate: Gate, ctx: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise PortError("no")

    class Broken:
        debug = info = warning = error = staticmethod(fail)

    gate._mail(ctx, b"<alice@example.test>")
    monkeypatch.setattr(gate, "_append", fail)
    monkeypatch.setattr(gate, "_log", Broken())
    assert gate._end(ctx) == milter.TEMPFAIL
    assert ctx.reply[:2] == ("451", "4.3.0")


@pytest.mark.parametrize(
    ("macro", "rule"),
    [
        ("{mail_addr}", "identity.envelope-syntax"),
        ("{auth_authen}", "identity.unmapped-login"),
        ("{auth_type}", "identity.unmapped-login"),
    ],
)
def test_a_macro_that_is_no_utf8_is_judged_and_is_no_fault(
    gate: Gate, ctx: Context, events: list[Any], macro: str, rule: str
) -> None:
    """The client chose it, maybe before any login: nobody is to be woken for it."""
    ctx.macros[macro] = UnicodeDecodeError("utf-8", b"\xff", 0, 1, "no")
    assert gate._mail(ctx, b"<alice@example.test>") in (milter.REJECT, milter.TEMPFAIL)
    assert [(kind, event["findings"][0]["rule"]) for kind, event in events] == [("decision", rule)]


def test_a_connection_is_counted_once_and_until_its_end(gate: Gate, ctx: Context) -> None:
    assert gate.connections == 1
    gate._mail(ctx, b"<alice@example.test>")
    assert gate.is_busy()
    gate._close(ctx)
    gate._close(ctx)
    assert (gate.connections, gate.is_busy()) == (0, False)
