"""Where the time of one message goes: by stage, in microseconds, in one thread that serves no socket.

    make bench BENCH=stages
    make bench BENCH='stages --messages 2000 --size 0.5 --write'

The callbacks of the gate are called as libmilter calls them, with newsletters that differ as those of a campaign do:
recipient, name and opt-out token. Each stage is charged what it takes itself, without the stages inside it. Of each
the median is told and the best tenth: where others use the machine too, only the second says something. Stages are
timed by the clock, since to ask the kernel for a thread's own time so often costs a third of the work. Even so the
stages come to more than the whole, which is measured again without them, by processor time, in the last row.

The journal is a function that renders the line and forgets it: what the writer process and the way to it cost,
`tests.bench.writer` says. `--write` puts the table into doc/performance.md.
"""

import argparse
import functools
import hashlib
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import milter

from sealgate.adapters import log as logs
from sealgate.adapters import pymilter
from sealgate.adapters.writer import packed
from sealgate.app import intake, screen
from sealgate.audit.chain import canonical, cut
from sealgate.checks import canspam
from sealgate.seal import sign
from sealgate.wiring import build, read_profile
from tests.bench import messages
from tests.drivers.cases import EPOCHS, profile_text
from tests.lab.gate import make_keys
from tests.lab.inline import InlineReader

PAGE: Final = Path(__file__).parents[2] / "doc" / "performance.md"
_MARKS: Final = ("<!-- stages: begin -->", "<!-- stages: end -->")
_WARM: Final = 50  # messages before any is measured
# What is charged apart: where the name is looked up when it is called, the name, and what the table calls it.
_STAGES: Final[tuple[tuple[Any, str, str], ...]] = (
    (pymilter, "at_mail", "MAIL: judged"),
    (intake.Splitter, "feed", "body: parts"),
    (intake.LineScan, "feed", "body: lines"),
    (intake.RelaxedBody, "feed", "body: hash"),
    (intake.Intake, "finish", "end: message frozen"),
    (screen, "_plan", "end: seal planned"),
    (screen, "refold", "end: long fields"),
    (screen, "gather", "end: text and HTML read"),
    (canspam, "sights", "end: elements, each part"),
    (canspam, "read_elements", "end: elements, doubts"),
    (screen.identity, "check_end", "end: senders bound"),
    (screen.trace, "check_end", "end: trace fields"),
    (screen.canspam, "check", "end: elements, findings"),
    (screen.oneclick, "check", "end: one-click"),
    (screen.classify, "check", "end: purpose"),
    (screen.subject, "check", "end: subject, tags"),
    (screen.listfields, "check", "end: list fields"),
    (screen.hygiene, "check_end", "end: form"),
    (screen.transit, "check_end", "end: transit"),
    (screen, "_decide", "end: decided"),
    (screen, "sign", "end: signed, less RSA"),
    (sign, "_raw_signature", "end: RSA-2048"),
    (screen, "_event", "end: event"),
    (screen, "transaction", "end: event"),
    (screen, "answer", "end: event"),
    (screen, "_elements", "end: event"),
    (screen, "_sealed", "end: event, field digests"),
    (screen, "_content", "end: event"),
    (pymilter, "recorded", "end: recipients hidden"),
    (pymilter.Gate, "_tell", "end: log"),
)
_APART: Final = ("end: RSA-2048", "end: text and HTML read")  # what the sum at the foot leaves out


class Ledger:
    """Charges the time that goes by to the stage under way."""

    def __init__(self) -> None:
        self._open: list[str] = []
        self._since = 0.0
        self._spent: dict[str, float] = defaultdict(float)

    def enter(self, stage: str) -> None:
        """Begin a stage inside the one under way; `leave` ends it."""
        now = time.perf_counter()
        if self._open:
            self._spent[self._open[-1]] += now - self._since
        self._open.append(stage)
        self._since = time.perf_counter()  # what it takes to ask is nobody's

    def leave(self) -> None:
        now = time.perf_counter()
        self._spent[self._open.pop()] += now - self._since
        self._since = time.perf_counter()

    def take(self) -> dict[str, float]:
        """Return the seconds of each stage since the last time, and forget them."""
        spent, self._spent = dict(self._spent), defaultdict(float)
        return spent

    def charged(self, stage: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """The same function, charged to `stage`."""

        @functools.wraps(function)
        def call(*args: Any, **named: Any) -> Any:
            self.enter(stage)
            try:
                return function(*args, **named)
            finally:
                self.leave()

        return call


class _Unasked(Ledger):
    """A ledger that asks no clock, but when a message begins."""

    started = 0.0

    def enter(self, stage: str) -> None:
        pass

    def leave(self) -> None:
        pass

    def start(self) -> None:
        self.started = time.thread_time()


class _Context:
    """libmilter's context of one connection, as far as the gate asks."""

    def __init__(self) -> None:
        self._private: Any = None
        macros = {
            "{daemon_name}": "submission",
            "v": "Postfix 3.7.11",
            "i": "4Tst9k0JmXz1",
            "{auth_type}": "GSSAPI",
            "{auth_authen}": "svc/newsletter@EXAMPLE.TEST",
            "{mail_addr}": "news@example.test",
        }

        self.getsymval = macros.get

    def getpriv(self) -> Any:
        return self._private

    def setpriv(self, value: Any) -> None:
        self._private = value

    def addheader(self, *_: Any) -> None:
        pass

    def setreply(self, *reply: str) -> None:
        raise RuntimeError(f"refused: {reply}")


@contextmanager
def _charging(ledger: Ledger) -> Iterator[None]:
    """Charge the stages while the block runs."""
    before = [(owner, name, getattr(owner, name)) for owner, name, _ in _STAGES]
    for owner, name, stage in _STAGES:
        setattr(owner, name, ledger.charged(stage, getattr(owner, name)))
    try:
        yield
    finally:
        for owner, name, function in before:
            setattr(owner, name, function)


def _gate(ledger: Ledger, folder: Path) -> pymilter.Gate:
    """A gate with the enforcing profile of the case corpus, less its second key, and the log of a daemon."""
    make_keys(folder / "keys")
    lines = [line for line in profile_text("enforce").splitlines(keepends=True) if "selector: ed" not in line]
    place = folder / "profile.yaml"
    place.write_text("".join(lines).replace("{keys}", str(folder / "keys")))
    ingredients, problems = read_profile(place)
    if ingredients is None:
        raise RuntimeError(f"the profile cannot be read: {problems}")
    runtime = replace(build(ingredients), epochs=EPOCHS)

    def append(kind: str, *, more_lines: Any = (), side_values: Any = (), **event: Any) -> int:
        ledger.enter("end: line rendered")
        packed([cut({"kind": kind, **event}), *map(cut, more_lines)], [(v["epoch"], canonical(v)) for v in side_values])
        ledger.leave()
        return 1

    log = logs.operational("info", (folder / "log").open("w")).bind(worker=1)
    return pymilter.Gate(lambda: runtime, append, InlineReader(), log)


def _parts(template: str, number: int) -> tuple[list[tuple[str, bytes]], bytes]:
    """A message as libmilter hands it over: fields with folds as newline and blank, and the body."""
    token = hashlib.sha256(b"%d" % number).hexdigest()[: len(messages.TOKEN)]
    text = template.replace(messages.TOKEN, token).replace(messages.NUMBER, f"{number:010}")
    head, _, body = text.replace(messages.NAME, f"Reader{number % 100:02}").partition("\r\n\r\n")
    fields = (line.partition(":")[::2] for line in head.replace("\r\n ", "\n ").split("\r\n"))
    return [(name, value.encode()) for name, value in fields], body.encode()


def _serve(gate: pymilter.Gate, ledger: Ledger, ctx: Any, parts: tuple[list[tuple[str, bytes]], bytes]) -> None:
    """One transaction, as libmilter's callbacks come."""
    fields, body = parts
    ledger.enter("MAIL")
    gate._mail(ctx, b"<news@example.test>")
    ledger.leave()
    ledger.enter("RCPT, header fields")
    gate._rcpt(ctx, b"<reader@example.net>")
    for name, value in fields:
        gate._header(ctx, name, value)
    gate._eoh(ctx)
    ledger.leave()
    ledger.enter("body")
    for start in range(0, len(body), 65_535):
        gate._body(ctx, body[start : start + 65_535])
    ledger.leave()
    ledger.enter("end")
    answer = gate._end(ctx)
    ledger.leave()
    gate._abort(ctx)
    if answer != milter.ACCEPT:
        raise RuntimeError("a lawful newsletter was not accepted")


def measured(count: int, size: str) -> list[dict[str, float]]:
    """Seconds by stage of each of `count` messages of about `size` KB of body."""
    ledger = Ledger()
    with _charging(ledger):
        return [ledger.take() for _ in _served(ledger, count, size)][_WARM:]


def whole(count: int, size: str) -> list[float]:
    """Seconds of processor time of each of `count` messages, not taken apart."""
    ledger = _Unasked()
    return [time.thread_time() - ledger.started for _ in _served(ledger, count, size, ledger.start)][_WARM:]


def _served(ledger: Ledger, count: int, size: str, before: Callable[[], object] = bool) -> Iterator[int]:
    """Serve messages on one connection; yield after each. `before` is called when its turn comes."""
    template = messages.newsletter(size).decode()
    with tempfile.TemporaryDirectory() as folder:
        gate, ctx = _gate(ledger, Path(folder)), _Context()
        gate._opened(ctx, 0x7F << 10)  # type: ignore[arg-type]
        gate._connect(ctx, "client.example.test", 0, ("192.0.2.1", 40_000))
        gate._helo(ctx, "client.example.test")
        for number in range(count + _WARM):
            parts = _parts(template, number)
            ledger.take()
            before()
            _serve(gate, ledger, ctx, parts)
            yield number


def table(found: list[dict[str, float]], unasked: list[float]) -> str:
    """The ledger as a table in Markdown: microseconds by stage, in the order of a message; then the whole."""
    lines = ["| stage | median | best tenth |\n| --- | ---: | ---: |"]
    stages = dict.fromkeys(stage for each in found for stage in each)
    rest = [sum(t for stage, t in each.items() if stage not in _APART) for each in found]
    rows = [(stage, [each.get(stage, 0.0) for each in found]) for stage in sorted(stages, key=_order)]
    rows += [
        ("all but RSA and reading", rest),
        ("all", [sum(each.values()) for each in found]),
        ("all, not taken apart", unasked),
    ]
    for stage, took in rows:
        median, best = statistics.median(took) * 1e6, statistics.quantiles(took, n=10)[0] * 1e6
        lines.append(f"| {stage} | {median:,.0f} | {best:,.0f} |")
    return "\n".join(lines)


def _order(stage: str) -> tuple[int, int]:
    steps = ("MAIL", "RCPT", "body", "end")
    inner = [label for _, _, label in _STAGES]
    return next(i for i, s in enumerate(steps) if stage.startswith(s)), inner.index(stage) if stage in inner else -1


def main(arguments: list[str]) -> int:
    """Measure, print the table, and put it into the page where that is asked for."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench stages", description=__doc__.splitlines()[0])
    parser.add_argument("--messages", type=int, default=1_000)
    parser.add_argument("--size", choices=sorted(messages.SIZES), default="20", help="KB of body")
    parser.add_argument("--write", action="store_true", help=f"put the table into {PAGE.name}")
    asked = parser.parse_args(arguments)
    shown = table(measured(asked.messages, asked.size), whole(asked.messages, asked.size))
    print(shown)
    if asked.write:
        (begin, end), text = _MARKS, PAGE.read_text()
        before, after = text.partition(begin)[0], text.partition(end)[2]
        about = f"{asked.messages:,} newsletters of {asked.size} KB, microseconds:"
        PAGE.write_text(f"{before}{begin}\n{about}\n\n{shown}\n{end}{after}")
    return 0
