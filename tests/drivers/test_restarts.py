"""Restarts, reloads, the watchdog and socket activation, under load and against the clock: no message is deferred.

`Load` sends at a steady rate, each message on a connection of its own as Postfix does, and keeps every answer;
`Manager` is the service manager's end of the notify socket and sees which process speaks. The long forms run by night.
"""

import contextlib
import os
import signal
import socket
import struct
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import pytest

from sealgate.audit.verifier import verify
from tests.drivers.cases import Case, profile_text
from tests.drivers.socket import transact
from tests.drivers.test_daemon import FORGED, LETTER, opened, send, wait_for
from tests.drivers.wire import Wire, WireError
from tests.lab.gate import Gate
from tests.lab.ports import free_ports
from tests.lab.realm import Realm
from tests.lab.relay import Relay, reachable_folder, why_unavailable

pytestmark = pytest.mark.daemon
pytest.importorskip("milter", reason="pymilter is not installed")

RATE = 100  # messages a second
LOGIN = {"auth_type": "GSSAPI", "auth_authen": "alice@EXAMPLE.TEST"}
# A program that passes a socket on as systemd does: descriptor 3, and the process id of whom it is for.
AS_SYSTEMD = """
import os, sys
os.dup2(int(sys.argv[1]), 3)
os.set_inheritable(3, True)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS="1", LISTEN_FDNAMES=sys.argv[2])
os.execv(sys.argv[3], sys.argv[3:])
"""


class Load:
    """Messages at a steady rate, for one `with` block; `answers` has each one's code, or what went wrong.

    Args:
        gate: whom they are sent to.
        rate: messages a second; 0: as many as can be.
        case: the message.
        at_least: how many there are at the end, whatever the block takes.
        senders: how many may be under way at a time.
    """

    def __init__(self, gate: Gate, rate: float, case: Case = LETTER, *, at_least: int = 0, senders: int = 8) -> None:
        self.answers: list[str] = []
        self.seconds: list[float] = []
        self._gate, self._case, self._at_least = gate, case, at_least
        self._every = senders / rate if rate else 0.0
        self._is_over = threading.Event()
        self._threads = [threading.Thread(target=self._send, args=(n / senders,)) for n in range(senders)]

    def __enter__(self) -> Self:
        self._began = time.monotonic()
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        wait_for(lambda: len(self.answers) >= self._at_least or self._is_lost(), 900)
        self._is_over.set()
        for thread in self._threads:
            thread.join()
        self._took = time.monotonic() - self._began

    def __str__(self) -> str:
        slow = sorted(self.seconds)
        return (
            f"{len(slow)} messages in {self._took:.1f} s ({len(slow) / self._took:.0f} a second), "
            f"median {slow[len(slow) // 2] * 1000:.0f} ms, p99 {slow[len(slow) * 99 // 100] * 1000:.0f} ms, "
            f"slowest {slow[-1] * 1000:.0f} ms, answers {dict(Counter(self.answers))}"
        )

    def _is_lost(self) -> bool:
        return not any(thread.is_alive() for thread in self._threads)

    def _send(self, phase: float) -> None:
        due = time.monotonic() + phase * self._every
        while not self._is_over.is_set():
            time.sleep(max(0.0, due - time.monotonic()))
            began = time.monotonic()
            due = max(due + self._every, began - 1)  # what could not be sent within a second is not made up for
            try:
                answer = send(self._gate, self._case).code
            except (OSError, WireError) as error:
                answer = f"lost: {error}"
            self.answers.append(answer)
            self.seconds.append(time.monotonic() - began)


class Manager:
    """systemd's end of the notify socket; says who sent what."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "notify"
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(self.path))
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        self.senders: set[int] = set()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def hear(self, seconds: float, until: str = "") -> list[str]:
        """All lines of so many seconds, or up to the one that begins with `until`."""
        heard: list[str] = []
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            self._socket.settimeout(left)
            try:
                said, control, _, _ = self._socket.recvmsg(4096, socket.CMSG_SPACE(12))
            except TimeoutError:
                break
            self.senders.add(struct.unpack("iII", control[0][2])[0])
            heard += said.decode().split("\n")
            if until and any(line.startswith(until) for line in heard):
                return heard
        assert not until, f"{until} was not said within {seconds} s, but {heard}"
        return heard


@pytest.fixture
def own(folder: Path) -> Iterator[Gate]:
    """A gate that the test may break."""
    with Gate(folder, profile_text("enforce")) as running:
        yield running


@pytest.fixture
def manager(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Manager]:
    """A service manager that gates started by this test talk to, with a watchdog of four seconds."""
    with Manager(folder) as made:
        monkeypatch.setenv("NOTIFY_SOCKET", str(made.path))
        monkeypatch.setenv("WATCHDOG_USEC", "4000000")
        yield made


def restart(gate: Gate) -> None:
    """Replace the program, and wait until the new workers serve."""
    before = gate.status()
    os.kill(gate.pid, signal.SIGUSR2)
    gate.wait_until(
        lambda now: now.get("born", before["born"]) != before["born"]
        and now["workers"] and not now["starting"] and not set(now["workers"]) & set(before["workers"]),
        "restart",
    )  # fmt: skip


def assert_whole(gate: Gate) -> None:
    with gate.audit_log.open("rb") as file:
        assert verify(file).is_whole


# -- restarts ---------------------------------------------------------------------------------------------------------


def test_ten_restarts_under_load_defer_nothing_and_lose_no_connection(own: Gate) -> None:
    """With two connections open across all ten: one that is idle, one in the middle of a message."""
    with opened(own) as idle, opened(own) as begun:
        assert begun.mail("<alice@example.test>", LOGIN).action == "continue"
        assert not begun.rcpt("<friend@example.org>").is_refusal
        first = own.status()["workers"]
        with Load(own, RATE) as load:
            for _ in range(10):
                restart(own)
                time.sleep(0.2)
        print(load)  # the figures of a run with -s
        assert set(load.answers) == {"250"}, f"{load}\n{own.log()[-3000:]}"
        assert len(load.answers) > 100
        assert transact(idle, LETTER).code == "250"
        _finish(begun)
    assert own.log().count('"ready"') == 11
    assert len(own.events("decision")) == len(load.answers) + 2
    wait_for(lambda: not set(own.status()["draining"]) & set(first))
    assert not own.events("worker-died")
    assert_whole(own)


def _finish(wire: Wire) -> None:
    """The rest of a message whose MAIL and RCPT were before the restarts."""
    head, _, body = LETTER.wire.partition(b"\r\n\r\n")
    assert not wire.data().is_refusal
    for line in head.replace(b"\r\n ", b" ").replace(b"\r\n\t", b" ").split(b"\r\n"):
        name, _, value = line.partition(b":")
        wire.header(name, value)
    wire.eoh()
    wire.body(body)
    assert wire.end({"i": "4TstWIRE"}).reply.code == "250"


@pytest.mark.relay
def test_an_smtp_session_that_idles_across_restarts_of_the_gate_is_served(realm: Realm, tmp_path: Path) -> None:
    """Postfix holds its milter connection for the whole session, before a login, after it, and after RCPT."""
    pytest.importorskip("gssapi", reason="gssapi is not installed")
    from tests.lab.submit import Client, submit, wire_form  # noqa: PLC0415

    if why := why_unavailable():
        pytest.skip(why)
    submission, plain, sink = free_ports(3)
    with contextlib.ExitStack() as stack:
        gate = stack.enter_context(Gate(stack.enter_context(reachable_folder()), profile_text("enforce")))
        ports = {"submission_port": submission, "plain_port": plain, "sink_port": sink}
        stack.enter_context(Relay(tmp_path, realm, gate.address, **ports))
        alice, world = realm.ticket("alice"), dict(realm.environment)
        greeted, logged_in, begun = (stack.enter_context(Client(submission, realm_environment=world)) for _ in range(3))
        assert logged_in.login(alice).accepted
        assert begun.login(alice).accepted
        assert begun.mail(LETTER.mail_from).accepted
        assert begun.rcpt(LETTER.rcpt).accepted
        codes: list[int] = []
        is_over = threading.Event()

        def sessions() -> None:
            letter = (LETTER.mail_from, [LETTER.rcpt], LETTER.message)
            while not is_over.is_set():
                codes.append(submit(submission, alice, *letter, realm_environment=world).code)

        threads = [threading.Thread(target=sessions) for _ in range(2)]
        for thread in threads:
            thread.start()
        for _ in range(3):
            restart(gate)
        is_over.set()
        for thread in threads:
            thread.join()
        assert set(codes) == {250}, gate.log()[-3000:]
        assert begun.data(wire_form(LETTER.message)).code == 250
        assert logged_in.send(LETTER.mail_from, [LETTER.rcpt], LETTER.message).code == 250
        assert greeted.login(alice).accepted
        assert greeted.send(LETTER.mail_from, [LETTER.rcpt], LETTER.message).code == 250
        print(f"{len(codes)} SMTP sessions beside three restarts")
        assert len(gate.events("decision")) == len(codes) + 3


def test_a_drain_ends_at_drain_max(folder: Path) -> None:
    with Gate(folder, profile_text("enforce"), settings="drain_max: 3\n") as own, opened(own) as idle:
        before = own.status()["workers"]
        began = time.monotonic()
        restart(own)
        assert transact(idle, LETTER).code == "250"  # while it drains
        wait_for(lambda: not own.status()["draining"], 20)
        assert time.monotonic() - began > 3
        with pytest.raises(WireError):
            transact(idle, LETTER)  # the MTA hears a broken connection, and defers
        assert not set(before) & set(own.status()["workers"])
        assert send(own).code == "250"
        assert not own.events("worker-died")  # it was told to


@pytest.mark.nightly
def test_workers_that_hang_are_replaced_recorded_and_their_connections_closed(folder: Path) -> None:
    """One that serves, after a minute of silence; one that drains, a minute after `drain_max`."""
    with Gate(folder, profile_text("enforce"), settings="drain_max: 1\n", workers=1) as own:
        with opened(own) as held:
            (drains,) = own.status()["workers"]
            restart(own)
            os.kill(drains, signal.SIGSTOP)
            (serves,) = own.status()["workers"]
            with opened(own) as hung:
                os.kill(serves, signal.SIGSTOP)
                wait_for(lambda: serves not in own.status()["workers"] and own.status()["workers"], 90)
                with pytest.raises(WireError):
                    transact(hung, LETTER)
            assert send(own).code == "250"
            wait_for(lambda: not own.status()["draining"], 60)
            with pytest.raises(WireError):
                transact(held, LETTER)
        assert [event["pid"] for event in own.events("worker-died")] == [serves]
        assert '"worker-frozen"' in own.log()
        assert '"drain-frozen"' in own.log()


# -- reloads ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("reloads", "messages"), [(50, 1_000), pytest.param(1_000, 10_000, marks=pytest.mark.nightly)])
def test_each_line_carries_the_profile_that_judged_it(own: Gate, reloads: int, messages: int) -> None:
    """Two profiles in turns, of which one refuses the message: hash and verdict of every line must fit each other.

    A worker that drains meanwhile keeps its connection, however many reloads pass it by.
    """
    texts = {"reject": profile_text("enforce"), "accept": profile_text("report")}
    with opened(own) as idle:
        restart(own)
        hashes: dict[str, str] = {}
        with Load(own, 0, FORGED, at_least=messages, senders=4) as load:
            for turn in range(reloads):
                action = ("accept", "reject")[turn % 2]
                status = own.reload(texts[action])
                assert hashes.setdefault(action, status["profile"]) == status["profile"]
                # Spread over the messages, and not before them all.
                share = messages * (turn + 1) // reloads
                wait_for(lambda share=share: len(load.answers) >= share or load._is_lost())  # type: ignore[misc]
        print(f"{reloads} reloads: {load}")
        assert transact(idle, LETTER).code == "250"  # judged by the last one that was in force when it drained
    assert set(load.answers) == {"550", "250"}, load
    lines = own.events("decision")[:-1]
    assert len(lines) == len(load.answers) >= messages
    seen = Counter((line["profile"], line["verdict"]) for line in lines)
    assert set(seen) == {(digest, action) for action, digest in hashes.items()}, seen
    assert min(seen.values()) > messages // 10
    assert Counter(load.answers) == {"550": seen[hashes["reject"], "reject"], "250": seen[hashes["accept"], "accept"]}
    assert own.status()["reloads"] == reloads
    assert [event["result"] for event in own.events("reload")] == ["done"] * reloads
    assert_whole(own)


def test_a_reload_names_the_settings_that_take_a_restart(own: Gate) -> None:
    own.settings_path.write_text(own.settings_path.read_text().replace("workers: 2", "workers: 1") + "drain_max: 60\n")
    status = own.reload()
    wanted = ["workers: 2 is in force, 1 is asked for", "drain_max: 900 is in force, 60 is asked for"]
    assert (sorted(status["waiting"]), len(status["workers"])) == (sorted(wanted), 2)
    assert "settings-wait" in own.log()
    page = own.folder / "run" / "health.json"
    wait_for(lambda: "wait for a restart (systemctl kill -s SIGUSR2 sealgate)" in page.read_text())
    restart(own)
    assert (own.status()["waiting"], len(own.status()["workers"])) == ([], 1)


# -- the service manager ----------------------------------------------------------------------------------------------


def test_the_watchdog_is_fed_while_a_worker_answers_and_not_when_none_does(folder: Path, manager: Manager) -> None:
    with Gate(folder, profile_text("enforce")) as own:
        manager.hear(20, until="WATCHDOG=1")
        workers = own.status()["workers"]
        os.kill(workers[0], signal.SIGSTOP)
        try:
            manager.hear(2)  # a probe may be lost with the one that stopped
            manager.hear(15, until="WATCHDOG=1")  # the other one answers
            os.kill(workers[1], signal.SIGSTOP)
            manager.hear(2.5)  # what was answered before that is told within a second
            assert not [line for line in manager.hear(6) if line == "WATCHDOG=1"]
        finally:
            for pid in workers:
                os.kill(pid, signal.SIGCONT)
        manager.hear(25, until="WATCHDOG=1")
        assert send(own).code == "250"
        restart(own)
        manager.hear(15, until="WATCHDOG=1")
        assert manager.senders == {own.pid}, "NotifyAccess=main hears the main process alone"
        assert len(own.events("decision")) == 1, "a probe is no message"


def test_a_socket_that_somebody_removed_starves_the_watchdog(folder: Path, manager: Manager) -> None:
    """All workers are well, and no MTA reaches them any more."""
    with Gate(folder, profile_text("enforce")) as own:
        manager.hear(20, until="WATCHDOG=1")
        (folder / "gate.sock").rename(folder / "away.sock")
        manager.hear(2.5)
        assert not [line for line in manager.hear(4) if line == "WATCHDOG=1"]
        (folder / "away.sock").rename(folder / "gate.sock")
        manager.hear(15, until="WATCHDOG=1")
        assert own.status()["silent"] == []


def test_a_gate_that_nobody_watches_feeds_no_watchdog(
    folder: Path, manager: Manager, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WATCHDOG_PID", "1")  # another process is watched
    with Gate(folder, profile_text("enforce")):
        assert not [line for line in manager.hear(8) if line == "WATCHDOG=1"]


def test_each_reload_and_restart_is_told_from_its_beginning_to_its_end(folder: Path, manager: Manager) -> None:
    with Gate(folder, profile_text("enforce")) as own:
        manager.hear(20, until="READY=1")
        manager.hear(1)
        moments: list[int] = []
        for change in (
            lambda: own.reload(profile_text("report")),
            lambda: own.reload("version: 1\nmode: enforse\n"),  # refused, and at an end all the same
            lambda: own.reload(profile_text("enforce")),
            lambda: restart(own),
        ):
            change()
            said = [line for line in manager.hear(20, until="READY=1") if not line.startswith(("STATUS", "WATCHDOG"))]
            assert (said[0], said[-1]) == ("RELOADING=1", "READY=1"), said
            moments.append(int(said[1].removeprefix("MONOTONIC_USEC=")))
            manager.hear(0.5)
        assert moments == sorted(moments)
        assert abs(time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000 - moments[-1]) < 60_000_000
        own.stop()
        assert "STOPPING=1" in manager.hear(1)


# -- socket activation ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Activated:
    """systemd's listening socket, and a gate that was started with it."""

    listener: socket.socket
    gate: Gate


def activated(folder: Path, listener: socket.socket, address: str, name: str = "milter") -> Gate:
    """A gate that gets `listener` as descriptor 3."""
    listener.listen(64)
    words = [sys.executable, "-c", AS_SYSTEMD, str(listener.fileno()), name]
    return Gate(folder, profile_text("enforce"), socket=address, launcher=words, pass_fds=[listener.fileno()])


@pytest.fixture
def systemds(folder: Path) -> Iterator[Activated]:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(folder / "gate.sock"))
        (folder / "gate.sock").chmod(0o600)
        with activated(folder, listener, f"unix:{folder}/gate.sock") as gate:
            yield Activated(listener, gate)


def test_a_socket_of_systemd_is_served_kept_over_restarts_and_never_removed(systemds: Activated) -> None:
    gate, path = systemds.gate, Path(systemds.gate.socket.removeprefix("unix:"))
    before = path.stat()
    assert send(gate).code == "250"
    with opened(gate) as idle, Load(gate, 20) as load:
        for _ in range(2):
            restart(gate)
        assert transact(idle, LETTER).code == "250"
    assert set(load.answers) == {"250"}, load
    assert gate.stop() == 0
    assert (path.stat().st_ino, path.stat().st_mode) == (before.st_ino, before.st_mode)
    with socket.socket(socket.AF_UNIX) as late:  # waits in systemd's backlog instead of being refused
        late.connect(str(path))
        with activated(gate.folder, systemds.listener, gate.socket) as again:
            late.settimeout(20)
            late.sendall(struct.pack("!IcIII", 13, b"O", 6, 0x1FF, 0x100000))
            assert late.recv(5)[4:] == b"O", again.log()[-2000:]


def test_a_socket_of_systemd_stays_when_the_settings_name_another(systemds: Activated) -> None:
    gate = systemds.gate
    gate.settings_path.write_text(gate.settings_path.read_text().replace("gate.sock", "moved.sock"))
    assert [each.partition(":")[0] for each in gate.reload()["waiting"]] == ["socket"]
    restart(gate)
    assert "socket-is-systemds" in gate.log()
    assert not (gate.folder / "moved.sock").exists()
    assert send(gate).code == "250"
    gate.stop()
    assert Path(gate.socket.removeprefix("unix:")).is_socket()


def test_the_watchdog_asks_at_the_socket_of_systemd(folder: Path, manager: Manager) -> None:
    """Over TCP, and where the settings name a place at which nobody listens."""
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        activated(folder, listener, f"unix:{folder}/nobody.sock", "sealgate.socket") as gate,
    ):
        manager.hear(20, until="WATCHDOG=1")
        gate.socket = f"inet:{listener.getsockname()[1]}@127.0.0.1"
        assert send(gate).code == "250"
        restart(gate)
        manager.hear(20, until="WATCHDOG=1")


def test_a_socket_that_cannot_be_used_is_refused_with_what_to_do(folder: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as wrong:
        wrong.bind(str(folder / "datagrams"))
        words = [sys.executable, "-c", AS_SYSTEMD, str(wrong.fileno()), "milter"]
        gate = Gate(folder, profile_text("enforce"), launcher=words, pass_fds=[wrong.fileno()])
        with pytest.raises(Exception, match="did not happen"), gate:
            pytest.fail("it serves")
    assert "does not listen for streams: it takes ListenStream= and Accept=no" in gate.log()
