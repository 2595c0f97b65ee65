"""kill -9 at random under load: whatever the client heard 250 for has its line, and the files are whole afterwards.

The writer, a worker or the whole gate dies while mail goes through the milter socket, and the file is renamed in
between, as logrotate does. In short form the same through a real Postfix.
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
from tests.drivers.writers import events_in, octets_of, wait_for
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
                        self.heard[f"m{thread}-{number}"] = send(f"m{thread}-{number}")
            except (OSError, WireError):
                self.broken += 1
                time.sleep(0.02)

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
        for pid in self._children():
            with contextlib.suppress(OSError):
                if any(one.resolve() == self.gate.audit_log for one in Path(f"/proc/{pid}/fd").iterdir()):
                    os.kill(pid, signal.SIGKILL)
                    return

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
        for pid in self._children():
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

    def _children(self) -> list[int]:
        pid = self.gate.pid
        return [int(n) for n in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]

    def report(self) -> Report:
        """What `verify` says of all files together, with the audit key."""
        key = Key.parse((self.folder / "state" / "audit.pub").read_text())
        return verify(octets_of(*self.older, self.gate.audit_log), key=key)


def strike(victim: Victim, traffic: Traffic, kills: int, dice: random.Random) -> dict[str, int]:
    """Kill so often, and count what was done."""
    done = {"kill_writer": 0, "kill_worker": 0, "kill_gate": 0, "rotate": 0}
    while sum(done.values()) - done["rotate"] < kills:
        time.sleep(dice.uniform(0.0, 0.6))
        what = dice.choices(list(done), (10, 6, 3, 4))[0]
        getattr(victim, what)()
        done[what] += 1
        if what == "kill_gate":
            count = len(traffic.heard)
            wait_for(lambda count=count: len(traffic.heard) > count, 30)
    return done


def judge(victim: Victim, traffic: Traffic) -> Report:
    """Nothing that was answered with 250 lacks its line, and every file is whole."""
    count = len(traffic.accepted)
    wait_for(lambda: len(traffic.accepted) > count + 10, 30)
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


def run(folder: Path, kills: int, seed: int) -> str:
    victim = Victim(folder)
    try:
        traffic = Traffic(4, lambda _: by_wire(victim))
        try:
            done = strike(victim, traffic, kills, random.Random(seed))
            report = judge(victim, traffic)
        finally:
            traffic.end()
    finally:
        victim.gate.stop()
    codes = {code: list(traffic.heard.values()).count(code) for code in set(traffic.heard.values())}
    torn = sum(remark.kind == "recovered" for remark in report.remarks)
    return f"{done}; answers {codes}, {traffic.broken} broken connections; {report.lines} lines, {torn} torn ends"


@pytest.mark.daemon
def test_each_250_has_its_line_whatever_is_killed(folder: Path) -> None:
    seed = random.randrange(1 << 32)
    print(f"seed {seed}: {run(folder, 30, seed)}")


@pytest.mark.daemon
@pytest.mark.nightly
def test_each_250_has_its_line_over_a_thousand_kills(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    seed = random.randrange(1 << 32)
    said = run(folder, 1_000, seed)
    with capsys.disabled():
        print(f"\nseed {seed}: {said}")


@pytest.mark.relay
def test_each_250_of_postfix_has_its_line_whatever_is_killed(
    folder: Path, realm: Realm, tmp_path_factory: pytest.TempPathFactory
) -> None:
    if why := why_unavailable():
        pytest.skip(why)
    submission, plain, sink = free_ports(3)
    victim = Victim(folder)
    dice = random.Random()
    try:
        with Relay(
            tmp_path_factory.mktemp("relay"), realm, victim.gate.address,
            submission_port=submission, plain_port=plain, sink_port=sink,
        ) as relay:  # fmt: skip

            @contextlib.contextmanager
            def by_postfix(_: int) -> Iterator[Send]:
                ticket = realm.ticket("alice")
                yield lambda name: submit(
                    relay.submission_port, ticket, "alice@example.test", ["reader@example.org"], letter(name),
                    realm_environment=realm.environment,
                ).code  # fmt: skip

            traffic = Traffic(3, by_postfix)
            try:
                wait_for(lambda: len(traffic.accepted) > 3, 30)
                for what in ("kill_writer", "kill_worker", "kill_gate", "rotate", "kill_writer", "kill_gate"):
                    time.sleep(dice.uniform(0.2, 0.8))
                    getattr(victim, what)()
                judge(victim, traffic)
            finally:
                traffic.end()
            for name in sorted(traffic.accepted)[-5:]:
                assert relay.sink.wait_for(name).data
    finally:
        victim.gate.stop()
