"""The daemon's promises: signals reach the supervisor, nothing is refused for our own fault, nothing leaves unrecorded.

Each test starts a gate of its own where it changes more than the profile.
"""

import contextlib
import json
import os
import signal
import socket
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from sealgate.audit.verifier import verify
from tests.drivers.cases import Case, all_cases, profile_text
from tests.drivers.socket import transact
from tests.drivers.wire import Transaction, Wire, WireError
from tests.lab.gate import ROOT, Gate
from tests.lab.ports import free_ports

pytestmark = pytest.mark.daemon
pytest.importorskip("milter", reason="pymilter is not installed")

LETTER = next(case for case in all_cases() if case.name == "personal-mail")
FORGED = next(case for case in all_cases() if case.name == "forged-from")


@pytest.fixture
def own(folder: Path) -> Iterator[Gate]:
    """A gate that the test may break."""
    with Gate(folder, profile_text("enforce")) as running:
        yield running


def opened(gate: Gate, listener: str = "submission") -> Wire:
    """A connection of an MTA, ready for MAIL."""
    wire = Wire(gate.socket)
    wire.negotiate()
    wire.connect("localhost", "127.0.0.1", 40000, {"daemon_name": listener})
    wire.helo()
    return wire


def send(gate: Gate, case: Case = LETTER) -> Transaction:
    """One message on a connection of its own."""
    with opened(gate) as wire:
        return transact(wire, case)


def wait_for(holds: object, seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not holds():  # type: ignore[operator]
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


def test_negotiation_asks_for_what_the_gate_needs(own: Gate) -> None:
    with opened(own) as wire:
        assert "{daemon_name}" in wire.asked["connect"]
        assert {"{auth_type}", "{auth_authen}", "{mail_addr}"} <= set(wire.asked["mail"])


def test_an_mta_that_cannot_keep_blanks_is_not_served(own: Gate) -> None:
    with Wire(own.socket, steps=0) as wire, pytest.raises(WireError):
        wire.negotiate()
    assert "cannot take header edits or keep blanks" in own.log()


def test_hup_reloads_and_the_next_message_is_judged_by_the_new_profile(own: Gate) -> None:
    with opened(own) as wire:  # the connection was there before
        assert transact(wire, FORGED).code == "550"
        status = own.reload(profile_text("report"))
        assert status["mode"] == "report"
        assert transact(wire, FORGED).code[0] == "2"
    profiles = [event["profile"] for event in own.events("decision")]
    assert len(set(profiles)) == 2
    assert [e["result"] for e in own.events("reload")] == ["done"]


def test_a_bad_profile_keeps_the_old_one_and_says_so(own: Gate) -> None:
    before = own.status()["profile"]
    status = own.reload("version: 1\nmode: enforse\n")
    assert status["profile"] == before
    assert status["problems"]
    assert "enforse" in own.log()
    assert send(own, FORGED).code == "550"
    assert own.events("reload")[-1]["result"] == "failed"


def test_a_key_that_vanished_keeps_the_old_one(own: Gate) -> None:
    (own.folder / "keys" / "example.test.rsa.pem").unlink()
    status = own.reload()
    assert (status["problems"], [k.partition(":")[0] for k in status["kept"]]) == ([], ["rsa._domainkey.example.test"])
    assert [e["key"] for e in own.events("key")] == ["rsa._domainkey.example.test"]
    assert "key-kept" in own.log()
    assert len(send(own).edits) == 2


def test_term_ends_cleanly_and_leaves_nothing_behind(own: Gate) -> None:
    send(own)
    workers = own.status()["workers"]
    assert own.stop() == 0
    assert not Path(own.socket.removeprefix("unix:")).exists()
    assert list((own.folder / "run").iterdir()) in ([], [own.folder / "run" / "audit.lock"])
    for pid in workers:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
    assert [event["kind"] for event in own.events()] == ["start", "decision", "stop"]
    with own.audit_log.open("rb") as file:
        assert verify(file).is_whole


def test_a_worker_that_dies_is_replaced(own: Gate) -> None:
    victim = own.status()["workers"][0]
    os.kill(victim, signal.SIGKILL)
    wait_for(lambda: victim not in own.status()["workers"] and len(own.status()["workers"]) == 2)
    assert send(own).code[0] == "2"
    assert own.events("worker-died")[0]["pid"] == victim


def test_a_writer_that_dies_is_replaced_and_nothing_passes_unrecorded(own: Gate) -> None:
    writer = next(
        int(pid)
        for pid in subprocess.run(
            ["pgrep", "-P", str(own.pid)], capture_output=True, text=True, check=True
        ).stdout.split()
        if int(pid) not in own.status()["workers"] and _has_open(int(pid), own.audit_log)
    )
    os.kill(writer, signal.SIGKILL)
    answers = [send(own) for _ in range(5)]
    assert {a.code[0] for a in answers} <= {"2", "4"}
    wait_for(lambda: send(own).code[0] == "2")
    accepted = sum(a.code[0] == "2" for a in answers)
    assert len(own.events("decision")) >= accepted + 1
    with own.audit_log.open("rb") as file:
        assert verify(file).broken is None


def test_what_cannot_be_recorded_is_deferred(folder: Path) -> None:
    """A record that is not on disk means 451, and mail flows again by itself when it can be written."""
    place = folder / "log"
    place.mkdir()
    with Gate(folder, profile_text("enforce")) as own:
        assert send(own).code[0] == "2"
        moved = own.audit_log.with_suffix(".away")
        own.audit_log.rename(moved)
        own.audit_log.mkdir()  # now nothing can be appended there, not even by root
        answer = send(own)
        assert (answer.code, answer.text[:5]) == ("451", "4.3.0")
        assert "refusal" in answer.text
        own.audit_log.rmdir()
        wait_for(lambda: send(own).code[0] == "2")


def test_restart_refuses_nothing_and_idle_sessions_live_on(own: Gate) -> None:
    """SIGUSR2 under load: same process, new workers, no deferral; a session opened before it ends in its own time."""
    codes: list[str] = []
    stop = threading.Event()

    def load() -> None:
        while not stop.is_set():
            codes.append(send(own).code)

    before = own.status()["workers"]
    with opened(own) as idle:
        threads = [threading.Thread(target=load) for _ in range(3)]
        for thread in threads:
            thread.start()
        for round_ in range(2):
            old = own.status()["workers"]
            time.sleep(0.3)
            os.kill(own.pid, signal.SIGUSR2)
            wait_for(lambda old=old: not set(own.status().get("workers", old)) & set(old), 20)
            assert round_ >= 0
        time.sleep(0.3)
        stop.set()
        for thread in threads:
            thread.join()
        assert transact(idle, LETTER).code[0] == "2"
        assert set(codes) == {"250"}, f"{len(codes)} messages, log:\n{own.log()[-3000:]}"
        assert len(codes) > 20
    wait_for(lambda: not any(_lives(pid) for pid in before))
    assert len(own.events("decision")) == len(codes) + 1
    with own.audit_log.open("rb") as file:
        assert verify(file).is_whole


def test_workers_drain_when_the_supervisor_is_gone(own: Gate) -> None:
    workers = own.status()["workers"]
    with opened(own) as wire:
        os.kill(own.pid, signal.SIGKILL)
        time.sleep(0.5)
        assert any(_lives(pid) for pid in workers)
        assert transact(wire, LETTER).code[0] in "24"
    wait_for(lambda: not any(_lives(pid) for pid in workers))


def test_the_mode_switch_is_recorded_and_runs_out(own: Gate) -> None:
    verb = [sys.executable, "-m", "sealgate", "mode", "--settings", str(own.settings_path)]
    environment = os.environ | {"PYTHONPATH": str(ROOT / "milter")}
    done = subprocess.run(
        [*verb, "report", "--for", "3s", "--why", "test"], capture_output=True, text=True, env=environment, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert send(own, FORGED).code[0] == "2"
    wait_for(lambda: send(own, FORGED).code == "550")
    wait_for(lambda: len(own.events("mode")) == 2)
    first, second = own.events("mode")
    assert (first["mode"], first["why"], second["mode"]) == ("report", "test", "enforce")


def test_an_unnamed_listener_is_one_line_to_paste(own: Gate) -> None:
    with opened(own, "smtps") as wire:
        reply = wire.mail("<alice@example.test>", {"auth_type": "GSSAPI", "auth_authen": "alice@EXAMPLE.TEST"})
    assert reply.code == "451"
    lines = [json.loads(line) for line in own.log().splitlines() if "listener.unnamed" in line]
    assert len(lines) == 1
    assert "listeners: {smtps: judge}" in lines[0]["findings"][0]


def test_nothing_of_one_message_reaches_the_next(own: Gate) -> None:
    """Several messages on a connection, RSET between, abort twice: each is judged alone."""
    with opened(own) as wire:
        assert transact(wire, LETTER).code[0] == "2"
        wire.mail("<alice@example.test>", {"auth_type": "GSSAPI", "auth_authen": "alice@EXAMPLE.TEST"})
        wire.rcpt("<leak@example.org>")
        wire.abort()
        wire.abort()
        assert wire.mail("<alice@example.test>").code == "550"  # the login was of the transaction before
        assert transact(wire, LETTER).code[0] == "2"
    recipients = [event["envelope"]["rcpt"] for event in own.events("decision")]
    assert not any("leak" in r for rs in recipients for r in rs)


def test_junk_on_the_socket_harms_nobody(own: Gate) -> None:
    path = own.socket.removeprefix("unix:")
    for junk in (b"GET / HTTP/1.0\r\n\r\n", b"\xff\xff\xff\xff", b"\0\0\0\x05O", os.urandom(65536), b""):
        with socket.socket(socket.AF_UNIX) as raw:
            raw.connect(path)
            with contextlib.suppress(OSError):
                raw.sendall(junk)
        assert send(own).code[0] == "2", junk[:40]


def test_the_gate_serves_tcp_too(folder: Path) -> None:
    (port,) = free_ports(1)
    with Gate(folder, profile_text("enforce"), socket=f"inet:{port}@127.0.0.1") as own:
        with opened(own) as wire:
            # Edits and verdict come as two packets: what must not wait is our side, so the client's may not either.
            wire._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            answers, took = [], []
            for _ in range(20):
                start = time.monotonic()
                answers.append(transact(wire, LETTER))
                took.append(time.monotonic() - start)
        assert {a.code[0] for a in answers} == {"2"}
        assert statistics.median(took) < 0.040, "a delayed acknowledgement a message: TCP_NODELAY is off"


def test_a_second_gate_on_the_same_socket_is_refused(own: Gate) -> None:
    run = subprocess.run(
        [sys.executable, "-m", "sealgate", "serve", "--settings", str(own.settings_path)],
        capture_output=True, text=True, env=os.environ | {"PYTHONPATH": str(ROOT / "milter")}, timeout=20, check=False,
    )  # fmt: skip
    assert run.returncode == 69
    assert "listens on" in run.stderr
    assert send(own).code[0] == "2"


@pytest.mark.parametrize("delay", [0.0, 0.3, 0.6, 0.9, 1.2])
def test_a_signal_during_a_restart_is_obeyed_after_it(own: Gate, delay: float) -> None:
    """Nobody catches it between exec and the first line of the new program: it would end the gate, or be lost."""
    for number in (signal.SIGHUP, signal.SIGUSR2, signal.SIGTERM):
        before = own.log().count('"ready"')
        os.kill(own.pid, signal.SIGUSR2)
        time.sleep(delay)
        os.kill(own.pid, number)
        if number == signal.SIGTERM:
            process = own._process
            assert process is not None
            assert process.wait(15) == 0
            return
        if number == signal.SIGHUP:
            wait_for(lambda: own.events("reload"))
        wait_for(lambda before=before: own.log().count('"ready"') > before)
        assert send(own).code[0] == "2"


def test_a_restart_may_move_the_socket_and_drops_nobody(own: Gate) -> None:
    with opened(own) as idle:
        own.settings_path.write_text(own.settings_path.read_text().replace("gate.sock", "moved.sock"))
        os.kill(own.pid, signal.SIGUSR2)
        wait_for(lambda: own.log().count('"ready"') == 2)
        assert transact(idle, LETTER).code[0] == "2"
        own.socket = own.socket.replace("gate.sock", "moved.sock")
        assert send(own).code[0] == "2"


def test_a_restart_to_a_socket_that_cannot_be_had_keeps_the_old_one(own: Gate) -> None:
    text = own.settings_path.read_text()
    own.settings_path.write_text(text.replace("gate.sock", "missing/gate.sock"))
    os.kill(own.pid, signal.SIGUSR2)
    wait_for(lambda: own.log().count('"ready"') == 2)
    assert "not-moved" in own.log()
    assert send(own).code[0] == "2"


def test_a_restart_that_would_not_come_up_is_refused(own: Gate) -> None:
    (own.folder / "state" / "mode.json").write_text("junk")
    os.kill(own.pid, signal.SIGUSR2)
    wait_for(lambda: "restart-refused" in own.log())
    assert send(own).code[0] == "2"


def test_a_draining_worker_opens_no_door_of_its_own(own: Gate) -> None:
    """An abstract socket, or a port, has no mode: every local user could have a message sealed there."""
    before = own.status()["workers"]
    with opened(own):
        os.kill(own.pid, signal.SIGUSR2)
        wait_for(lambda: set(own.status().get("draining", ())) & set(before), 20)
        time.sleep(0.5)
        assert any(_lives(pid) for pid in before)
        doors = {name for pid in before if _lives(pid) for name in _listens(pid)}
    assert not [door for door in doors if door.startswith("@") or (Path(door).exists() and "sealgate" not in door)]


def test_a_connection_that_has_said_nothing_yet_is_drained_too(own: Gate) -> None:
    before = own.status()["workers"]
    with Wire(own.socket) as wire:  # accepted, and slow to speak
        time.sleep(0.3)
        os.kill(own.pid, signal.SIGUSR2)
        wait_for(lambda: not set(own.status().get("workers", before)) & set(before), 20)
        time.sleep(1)
        wire.negotiate()
        wire.connect("localhost", "127.0.0.1", 40000, {"daemon_name": "submission"})
        wire.helo()
        assert transact(wire, LETTER).code[0] == "2"


def test_a_frozen_worker_does_not_freeze_the_supervisor(own: Gate) -> None:
    frozen = own.status()["workers"][0]
    os.kill(frozen, signal.SIGSTOP)
    own.write_profile(profile_text("report") + "\n" + "# more than a socket takes at once\n" * 50_000)
    os.kill(own.pid, signal.SIGHUP)
    wait_for(lambda: not _lives(frozen), 20)
    wait_for(lambda: frozen not in own.status()["workers"] and len(own.status()["workers"]) == 2, 20)
    assert own.status()["mode"] == "report"
    assert own.stop() == 0


def test_a_switch_that_ran_out_beside_a_broken_profile_is_said_once(own: Gate) -> None:
    switch = {"enforce": False, "until": time.time() + 1, "by": "x", "why": ""}
    (own.folder / "state" / "mode.json").write_text(json.dumps(switch))
    own.reload()
    own.write_profile("junk")
    wait_for(lambda: own.events("reload"))
    time.sleep(2.5)
    assert [event["result"] for event in own.events("reload")] == ["failed"]
    assert send(own, FORGED).code == "550"


def test_no_socket_is_left_open_where_nobody_serves(own: Gate) -> None:
    """The supervisor is gone and its workers drain: an MTA must be refused soon, not left waiting."""
    with opened(own):
        os.kill(own.pid, signal.SIGKILL)
        time.sleep(1)
        with socket.socket(socket.AF_UNIX) as late:
            late.settimeout(8)  # libmilter looks up from its poll(2) every five seconds
            with contextlib.suppress(ConnectionRefusedError, ConnectionResetError, BrokenPipeError):
                late.connect(own.socket.removeprefix("unix:"))
                assert late.recv(1) == b"", "somebody answered"


def test_a_log_that_nobody_reads_holds_up_no_mail(folder: Path) -> None:
    reads, writes = os.pipe()
    with Gate(folder, profile_text("enforce"), log=writes) as own:
        os.close(writes)
        for _ in range(300):
            assert send(own).code[0] == "2"
        os.close(reads)  # and now its reader is gone
        assert send(own).code[0] == "2"
        own.reload()
        assert send(own).code[0] == "2"


def test_a_worker_whose_libmilter_ended_is_replaced(own: Gate) -> None:
    """libmilter ends where accept() failed ten times; the process must not stay and look alive."""
    victim = own.status()["workers"][0]
    for _ in range(20):  # whichever thread takes it: Python's handler, or libmilter's sigwait
        with contextlib.suppress(ProcessLookupError):
            os.kill(victim, signal.SIGTERM)
        time.sleep(0.01)
    wait_for(lambda: not _lives(victim), 20)
    wait_for(lambda: victim not in own.status()["workers"] and len(own.status()["workers"]) == 2)
    assert send(own).code[0] == "2"


def _listens(pid: int) -> set[str]:
    """The names of the Unix sockets that a process listens on; one without a name is "", which nobody can reach."""
    table = [line.split() for line in Path("/proc/net/unix").read_text().splitlines()[1:]]
    names = {row[6]: row[7] if len(row) > 7 else "" for row in table if row[3] == "00010000"}
    folder = Path(f"/proc/{pid}/fd")
    inodes = {os.readlink(entry).removeprefix("socket:[").rstrip("]") for entry in folder.iterdir()}
    return {names[inode] for inode in inodes & set(names)}


def _has_open(pid: int, path: Path) -> bool:
    folder = Path(f"/proc/{pid}/fd")
    return any(os.readlink(entry) == str(path) for entry in folder.iterdir())


def _lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
