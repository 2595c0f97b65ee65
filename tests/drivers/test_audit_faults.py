"""kill -9 at random under load: whatever the client heard 250 for has its line, and the files are whole afterwards.

The writer, a worker or the whole gate dies while mail goes through the milter socket, or through a real Postfix, and
the file is renamed in between, as logrotate does. In short form each time; by night a thousand times.
"""

import contextlib
import os
import random
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

pytest.importorskip("milter", reason="pymilter is not installed")

from sealgate.audit.verifier import Key, Report, verify
from tests.drivers.cases import all_cases, profile_text
from tests.drivers.wire import Wire, WireError
from tests.drivers.writers import children_of, events_in, octets_of, wait_for, writer_of
from tests.lab.gate import Gate
from tests.lab.ports import free_ports
from tests.lab.realm import Realm
from tests.lab.relay import Relay, why_unavailable
from tests.lab.submit import submit

LETTER = next(case for case in all_cases() if case.name == "personal-mail")
LOGIN = {"auth_type": "GSSAPI", "auth_authen": "alice@EXAMPLE.TEST"}
Send = Callable[[str], int]


def letter(name: str) -> bytes:
    """A letter of its own."""
    return LETTER.message.replace(b"<letter@", f"<{name}@".encode())


class Traffic:
    """Threads that send letters until told to stop; `heard` holds the reply of each, by name."""

    def __init__(self, threads: int, sender: Callable[[int], contextlib.AbstractContextManager[Send]]) -> None:
        self.heard: dict[str, int] = {}
        self.broken = 0
        self._sender = sender
        self._ends = threading.Event()
        self._threads = [threading.Thread(target=self._run, args=(n,)) for n in range(threads)]
        for thread in self._threads:
            thread.start()

    def _run(self, thread: int) -> None:
        number = 0
        while not self._ends.is_set():
            try:
                with self._sender(thread) as send:
                    while not self._ends.is_set():
                        number += 1
                        code = self.heard[f"m{thread}-{number}"] = send(f"m{thread}-{number}")
                        time.sleep(0.0 if code == 250 else 0.05)
            except (OSError, WireError):
                self.broken += 1
                time.sleep(0.05)

    @property
    def accepted(self) -> set[str]:
        """The names of the letters that were accepted."""
        return {f"<{name}@example.test>" for name, code in list(self.heard.items()) if code == 250}

    def end(self) -> None:
        """Let each thread finish its letter."""
        self._ends.set()
        for thread in self._threads:
            thread.join()


class Victim:
    """A gate that is killed in parts and as a whole, and whose file is rotated."""

    def __init__(self, folder: Path, socket: str | None = None) -> None:
        self.folder = folder
        self.older: list[Path] = []
        self._socket = socket
        self.gate = self._started()

    def _started(self) -> Gate:
        (self.folder / "run" / "status.json").unlink(missing_ok=True)
        gate = Gate(self.folder, profile_text("enforce"), socket=self._socket)
        gate.__enter__()
        return gate

    def kill_writer(self) -> None:
        """The process that has the file open."""
        if pid := writer_of(self.gate.pid, self.gate.audit_log):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def kill_worker(self) -> None:
        """One of the processes that the MTA talks to."""
        workers = self.gate.status().get("workers", [])
        if workers:
            with contextlib.suppress(ProcessLookupError):
                os.kill(random.choice(workers), signal.SIGKILL)

    def kill_gate(self) -> None:
        """Everything at once; then it is started again, as systemd would."""
        process = self.gate._process
        assert process is not None
        process.send_signal(signal.SIGSTOP)  # so that no child is missed
        for pid in children_of(process.pid):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        process.kill()
        process.wait()
        self.gate = self._started()

    def rotate(self) -> None:
        """As logrotate renames."""
        old = self.gate.audit_log.with_name(f"audit.jsonl-2026{len(self.older):04d}")
        with contextlib.suppress(FileNotFoundError):
            self.gate.audit_log.rename(old)
            self.older.append(old)

    def report(self) -> Report:
        """What `verify` says of all files together, with the audit key."""
        key = Key.parse((self.folder / "state" / "audit.pub").read_text())
        return verify(octets_of(*self.older, self.gate.audit_log), key=key)


def strike(victim: Victim, traffic: Traffic, kills: int, dice: random.Random, rest: float) -> dict[str, int]:
    """Kill so often, each part at least once, after `rest` seconds at most, and count what was done."""
    done = {"kill_writer": 0, "kill_worker": 0, "kill_gate": 0, "rotate": 0}
    due = dice.sample(list(done), len(done))
    while sum(done.values()) - done["rotate"] < kills:
        time.sleep(dice.uniform(0.0, rest))
        what = due.pop() if due else dice.choices(list(done), (10, 6, 3, 4))[0]
        getattr(victim, what)()
        done[what] += 1
        if what == "kill_gate":
            count = len(traffic.heard)
            wait_for(lambda count=count: len(traffic.heard) > count, 60)
    return done


def judge(victim: Victim, traffic: Traffic) -> Report:
    """Nothing that was answered with 250 lacks its line, and every file is whole."""
    count = len(traffic.accepted)
    wait_for(lambda: len(traffic.accepted) > count + 10, 60)
    traffic.end()
    assert victim.gate.stop() == 0
    report = victim.report()
    assert report.is_whole, report
    assert report.unsealed == 0
    files = (*victim.older, victim.gate.audit_log)
    assert victim.gate.audit_log.exists()
    lines = events_in(*files)
    recorded = {e["header"]["message_id"] for e in lines if e["kind"] == "decision" and e["verdict"] == "accept"}
    assert traffic.accepted <= recorded
    files = tuple(path for path in files if path.stat().st_size)
    for path, later in zip(files, (*files[1:], files[-1]), strict=True):
        # What a killed writer left at a file's end is explained by the first line of the next one.
        is_explained = later != path and any(event.get("octets") for event in events_in(later)[:1])
        assert is_explained or verify(octets_of(path), None).is_whole, path
    return report


@contextlib.contextmanager
def by_wire(victim: Victim) -> Iterator[Send]:
    with Wire(victim.gate.socket, timeout=20) as wire:
        wire.negotiate()
        wire.connect("client.example.test", "192.0.2.7", 40000, {"daemon_name": "submission"})
        wire.helo()
        yield lambda name: int(
            wire.transact("<alice@example.test>", ["<reader@example.org>"], letter(name), LOGIN, {"i": "4Tst"}).code
        )


def run(victim: Victim, traffic: Traffic, kills: int, rest: float = 0.6) -> str:
    """Kill, judge, and say what happened."""
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    try:
        wait_for(lambda: len(traffic.accepted) > 3, 60)
        done = strike(victim, traffic, kills, random.Random(seed), rest)
        report = judge(victim, traffic)
    finally:
        traffic.end()
    codes = {code: list(traffic.heard.values()).count(code) for code in set(traffic.heard.values())}
    torn = sum(remark.kind == "recovered" for remark in report.remarks)
    return (
        f"seed {seed}: {done}; answers {codes}, {traffic.broken} broken connections; {report.lines} lines, "
        f"{torn} torn ends"
    )


@pytest.fixture
def victim(folder: Path) -> Iterator[Victim]:
    """A gate with two workers."""
    made = Victim(folder)
    try:
        yield made
    finally:
        made.gate.stop()


@pytest.fixture
def own_relay(victim: Victim, realm: Realm, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Relay]:
    """A Postfix before that gate."""
    if why := why_unavailable():
        pytest.skip(why)
    submission, plain, sink = free_ports(3)
    with Relay(
        tmp_path_factory.mktemp("relay"), realm, victim.gate.address,
        submission_port=submission, plain_port=plain, sink_port=sink,
    ) as relay:  # fmt: skip
        yield relay


def by_postfix(relay: Relay, realm: Realm) -> Iterator[Send]:
    ticket = realm.ticket("alice")
    yield lambda name: submit(
        relay.submission_port, ticket, "alice@example.test", ["reader@example.org"], letter(name),
        realm_environment=realm.environment,
    ).code  # fmt: skip


def through_postfix(victim: Victim, relay: Relay, realm: Realm, kills: int, rest: float) -> str:
    """The same with three clients of a real Postfix; what it accepted goes on."""
    traffic = Traffic(3, lambda _: contextlib.contextmanager(by_postfix)(relay, realm))
    said = run(victim, traffic, kills, rest)
    for name in sorted(traffic.accepted)[-5:]:
        assert relay.sink.wait_for(name).data
    return said


@pytest.mark.daemon
def test_each_250_has_its_line_whatever_is_killed(victim: Victim) -> None:
    print(run(victim, Traffic(4, lambda _: by_wire(victim)), 15, 0.3))


@pytest.mark.daemon
@pytest.mark.nightly
def test_each_250_has_its_line_over_nine_hundred_kills(victim: Victim, capsys: pytest.CaptureFixture[str]) -> None:
    said = run(victim, Traffic(4, lambda _: by_wire(victim)), 900)
    with capsys.disabled():
        print(f"\n{said}")


@pytest.mark.relay
def test_each_250_of_postfix_has_its_line_whatever_is_killed(victim: Victim, own_relay: Relay, realm: Realm) -> None:
    print(through_postfix(victim, own_relay, realm, 5, 0.6))


@pytest.mark.relay
@pytest.mark.nightly
def test_each_250_of_postfix_has_its_line_over_a_hundred_kills(
    victim: Victim, own_relay: Relay, realm: Realm, capsys: pytest.CaptureFixture[str]
) -> None:
    said = through_postfix(victim, own_relay, realm, 100, 0.6)
    with capsys.disabled():
        print(f"\n{said}")
