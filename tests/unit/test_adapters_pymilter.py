"""The milter adapter where a real MTA cannot lead it: faults of ours, and faults after the record was written.

The context stands in for libmilter's, which only libmilter can make; everything behind the callbacks is the real thing.
"""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

milter = pytest.importorskip("milter", reason="pymilter is not installed")

from sealgate.adapters.pymilter import Gate, new_reference  # noqa: E402
from sealgate.app.ports import PortError  # noqa: E402
from sealgate.app.runtime import Runtime  # noqa: E402
from sealgate.wiring import build, read_profile  # noqa: E402
from tests.drivers.cases import EPOCHS, all_cases, profile_text  # noqa: E402
from tests.lab.gate import make_keys  # noqa: E402
from tests.lab.inline import InlineReader  # noqa: E402


class Context:
    """What libmilter would offer a callback; `broken` names a call that fails."""

    def __init__(self, broken: str = "") -> None:
        self.broken = broken
        self.private: Any = None
        self.reply: tuple[str, ...] = ()
        self.added: list[str] = []
        self.macros = {
            "{daemon_name}": "submission",
            "{auth_type}": "GSSAPI",
            "{auth_authen}": "alice@EXAMPLE.TEST",
            "i": "4TstUNIT",
        }

    def _may_fail(self, call: str) -> None:
        if call == self.broken:
            raise milter.error(f"{call} failed")

    def getsymval(self, name: str) -> str | None:
        self._may_fail(f"getsymval {name}")
        return self.macros.get(name)

    def setsymlist(self, stage: int, names: str) -> None:
        pass

    def setpriv(self, value: Any) -> None:
        self.private = value

    def getpriv(self) -> Any:
        return self.private

    def setreply(self, *reply: str) -> None:
        self._may_fail("setreply")
        self.reply = reply

    def addheader(self, name: str, value: str, index: int) -> None:
        self._may_fail("addheader")
        self.added.append(name)

    def quarantine(self, reason: str) -> None:
        self._may_fail("quarantine")


class Record:
    """A journal in memory, which may refuse."""

    def __init__(self) -> None:
        self.events: list[tuple[str, dict[str, Any]]] = []
        self.is_full = False

    def append(self, kind: str, **event: Any) -> int:
        if self.is_full:
            raise PortError("no space left")
        self.events.append((kind, event))
        return len(self.events)


class Log:
    """A logger that keeps what it was told."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, dict[str, Any]]] = []

    def info(self, event: str, **more: Any) -> None:
        self.lines.append((event, more))

    warning = error = info


@pytest.fixture(scope="module")
def runtimes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Runtime]:
    folder = tmp_path_factory.mktemp("adapter")
    make_keys(folder / "keys")
    made: dict[str, Runtime] = {}
    for name in ("enforce", "strict"):
        path: Path = folder / f"{name}.yaml"
        path.write_text(profile_text(name).replace("{keys}", str(folder / "keys")))
        ingredients, _ = read_profile(path)
        assert ingredients is not None
        made[name] = replace(build(ingredients), epochs=EPOCHS)
    return made


def led_to_the_end(gate: Gate, ctx: Context, case_name: str = "personal-mail") -> int:
    """Lead a case through the callbacks, as libmilter would."""
    case = next(c for c in all_cases() if c.name == case_name)
    options = [0xFFFFFFFF, 0xFFFFFFFF, 0, 0]
    assert gate._negotiate(ctx, options) == milter.CONTINUE
    ctx.macros["{auth_authen}"] = case.login or ""
    gate._connect(ctx, "localhost", 2, ("127.0.0.1", 4711))
    answer = gate._mail(ctx, f"<{case.mail_from}>".encode())
    if answer != milter.CONTINUE:
        return answer
    gate._rcpt(ctx, f"<{case.rcpt}>".encode())
    head, _, body = case.message.partition(b"\n\n")
    for line in head.split(b"\n"):
        name, _, value = line.partition(b":")
        gate._header(ctx, name.decode(), value)
    gate._body(ctx, body.replace(b"\n", b"\r\n"))
    return gate._end(ctx)


@pytest.fixture
def parts(runtimes: dict[str, Runtime]) -> tuple[Gate, Record, Log]:
    record, log = Record(), Log()
    return Gate(lambda: runtimes["enforce"], record.append, InlineReader(), log), record, log


def test_an_accepted_message_is_sealed_recorded_and_answered(parts: tuple[Gate, Record, Log]) -> None:
    gate, record, log = parts
    ctx = Context()
    assert led_to_the_end(gate, ctx) == milter.ACCEPT
    assert ctx.added == ["DKIM-Signature", "DKIM-Signature"]
    assert [kind for kind, _ in record.events] == ["decision"]
    added = [f"4TstUNIT: DKIM-Signature field added (s={selector}, d=example.test)" for selector in ("rsa", "ed")]
    assert [event for event, _ in log.lines] == ["accept", *added]


def test_the_plain_line_of_a_message_without_a_queue_id_says_so(parts: tuple[Gate, Record, Log]) -> None:
    gate, _, log = parts
    ctx = Context()
    del ctx.macros["i"]
    assert led_to_the_end(gate, ctx) == milter.ACCEPT
    assert log.lines[-1][0] == "NOQUEUE: DKIM-Signature field added (s=ed, d=example.test)"


def test_a_client_on_a_connection_handed_on_is_counted_and_its_faults_are_kept(parts: tuple[Gate, Record, Log]) -> None:
    """After SMFIC_QUIT_NC comes CONNECT without a negotiation, and nothing is left of the client before."""
    gate, record, _ = parts
    ctx = Context()
    assert led_to_the_end(gate, ctx) == milter.ACCEPT
    gate._close(ctx)
    assert gate.connections == 0
    assert gate._connect(ctx, "localhost", 2, ("127.0.0.1", 4711)) == milter.CONTINUE
    assert (gate.connections, gate.is_busy()) == (1, False)
    assert gate._header(ctx, "From", b" alice@example.test") == milter.NOREPLY  # nothing is under way
    assert gate._end(ctx) == milter.TEMPFAIL
    assert [kind for kind, _ in record.events] == ["decision", "fault"]
    gate._close(ctx)
    assert gate.connections == 0


def test_what_cannot_be_recorded_is_deferred(parts: tuple[Gate, Record, Log]) -> None:
    gate, record, log = parts
    record.is_full = True
    ctx = Context()
    assert led_to_the_end(gate, ctx) == milter.TEMPFAIL
    assert ctx.reply[:2] == ("451", "4.3.0")
    assert "accept" not in [event for event, _ in log.lines]


def test_a_correction_is_owed_for_a_line_that_may_be_on_disk(parts: tuple[Gate, Record, Log]) -> None:
    """The journal did not answer, so the message was deferred: if its line is there, the next one says so."""
    gate, record, _ = parts
    record.is_full = True
    ctx = Context()
    led_to_the_end(gate, ctx)
    record.is_full = False
    assert led_to_the_end(gate, Context()) == milter.ACCEPT
    assert [kind for kind, _ in record.events] == ["correction", "decision"]
    assert record.events[0][1]["id"] == ctx.reply[2].rpartition(" ")[2]


def test_edits_that_cannot_be_sent_defer_and_nothing_says_accept(parts: tuple[Gate, Record, Log]) -> None:
    gate, record, _ = parts
    assert led_to_the_end(gate, Context("addheader")) == milter.TEMPFAIL
    assert [(kind, event["verdict"]) for kind, event in record.events] == [("fault", "tempfail")]


def test_a_fault_after_the_record_adds_a_correcting_line(runtimes: dict[str, Runtime]) -> None:
    record, log = Record(), Log()
    gate = Gate(lambda: runtimes["strict"], record.append, InlineReader(), log)
    assert led_to_the_end(gate, Context("quarantine"), "undeclared-advertisement-held") == milter.TEMPFAIL
    kinds = [kind for kind, _ in record.events]
    assert kinds[:2] == ["decision", "correction"]
    decision, correction = record.events[0][1], record.events[1][1]
    assert (decision["verdict"], correction["verdict"]) == ("quarantine", "tempfail")
    assert decision["id"] == correction["id"]


def test_a_reply_that_cannot_be_set_is_still_a_deferral(parts: tuple[Gate, Record, Log]) -> None:
    gate, record, _ = parts
    assert led_to_the_end(gate, Context("setreply"), "forged-from") == milter.TEMPFAIL
    assert [kind for kind, _ in record.events][:2] == ["decision", "correction"]


@pytest.mark.parametrize(
    "error", [SystemExit(0), KeyboardInterrupt(), MemoryError(), RecursionError(), ValueError("x")]
)
def test_whatever_escapes_a_callback_is_451(runtimes: dict[str, Runtime], error: BaseException) -> None:
    record, log = Record(), Log()

    def append(kind: str, **event: Any) -> int:
        if kind == "decision":
            raise error
        return record.append(kind, **event)

    gate = Gate(lambda: runtimes["enforce"], append, InlineReader(), log)
    ctx = Context()
    assert led_to_the_end(gate, ctx) == milter.TEMPFAIL
    reference = ctx.reply[2].rpartition(" ")[2]
    assert record.events[-1][1]["id"] == reference
    assert any(more.get("id") == reference for _, more in log.lines)


def test_a_macro_that_cannot_be_read_is_451(parts: tuple[Gate, Record, Log]) -> None:
    gate, _, _ = parts
    assert led_to_the_end(gate, Context("getsymval {auth_authen}")) == milter.TEMPFAIL


@pytest.mark.parametrize("begin", ["helo", "mail", "rcpt", "header", "end"])
def test_an_mta_that_begins_without_a_negotiation_is_deferred_and_named(
    parts: tuple[Gate, Record, Log], begin: str
) -> None:
    """libmilter calls all the same, without NEGOTIATE and CONNECT."""
    gate, record, _ = parts
    given = {"helo": ("x",), "mail": (b"<a@b.test>",), "rcpt": (b"<a@b.test>",), "header": ("From", b"a@b.test")}
    ctx = Context()
    assert getattr(gate, f"_{begin}")(ctx, *given.get(begin, ())) == milter.TEMPFAIL
    (event,) = [event for kind, event in record.events if kind == "fault"]
    assert "left the order of the protocol" in event["why"]
    assert gate._abort(ctx) == milter.CONTINUE
    assert gate._close(ctx) == milter.CONTINUE


def test_references_sort_by_time_and_differ() -> None:
    made = [new_reference(1_795_000_000.0 + n / 1000) for n in range(100)]
    assert made == sorted(made)
    assert len(set(made)) == 100
    assert all(len(one) == 16 for one in made)


def test_a_fault_after_the_record_at_mail_is_corrected_under_the_same_id(parts: tuple[Gate, Record, Log]) -> None:
    gate, record, _ = parts
    assert led_to_the_end(gate, Context("setreply"), "forged-envelope") == milter.TEMPFAIL
    assert [kind for kind, _ in record.events] == ["decision", "correction", "fault"]
    assert len({event["id"] for _, event in record.events}) == 1
