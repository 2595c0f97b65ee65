"""Readiness of the real daemon, asked over HTTP and by `sealgate status`: never healthy but unsigned."""

import contextlib
import json
import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

import dns.flags
import dns.message
import dns.rrset
import pytest

from sealgate.seal.keys import generate, load, public_record
from tests.drivers.cases import profile_text
from tests.drivers.test_daemon import send, wait_for
from tests.lab.command import sealgate
from tests.lab.gate import Gate
from tests.lab.ports import free_ports

pytestmark = pytest.mark.daemon
pytest.importorskip("milter", reason="pymilter is not installed")

# Without the domain that has no key on purpose of other tests.
PROFILE = profile_text("enforce").replace("  keyless.test:\n    sign: yes\n", "").replace(", alice@keyless.test", "")
RSA, ED = "rsa._domainkey.example.test", "ed._domainkey.example.test"


class NameServer:
    """A name server on a port of its own; silent while `records` is None."""

    def __init__(self) -> None:
        self.records: dict[str, str] | None = {}
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def _serve(self) -> None:
        while True:
            try:
                octets, client = self._socket.recvfrom(4096)
            except OSError:
                return
            if self.records is None:
                continue
            query = dns.message.from_wire(octets)
            answer = dns.message.make_response(query)
            answer.flags |= dns.flags.AA | dns.flags.RA
            name = query.question[0].name
            if text := self.records.get(name.to_text(omit_final_dot=True)):
                strings = " ".join(f'"{text[i : i + 255]}"' for i in range(0, len(text), 255))
                answer.answer.append(dns.rrset.from_text(name, 60, "IN", "TXT", strings))
            self._socket.sendto(answer.to_wire(), client)


class Probed:
    """A gate, its name server and its pages."""

    def __init__(self, gate: Gate, zone: NameServer, port: int) -> None:
        self.gate, self.zone, self.port = gate, zone, port

    def get(self, path: str, *, accept: str = "*/*", method: str = "GET", timeout: float = 5) -> tuple[int, str]:
        with socket.create_connection(("127.0.0.1", self.port), timeout=timeout) as wire:
            wire.sendall(f"{method} {path} HTTP/1.1\r\nHost: x\r\nAccept: {accept}\r\n\r\n".encode())
            answer = b"".join(iter(lambda: wire.recv(65536), b""))
        head, _, body = answer.decode().partition("\r\n\r\n")
        return int(head.split()[1]), body

    def ready(self) -> dict[str, Any]:
        """What /readyz says to a machine."""
        status, body = self.get("/readyz", accept="application/json")
        found: dict[str, Any] = json.loads(body)
        assert status == (200 if found["ready"] else 503)
        return found

    def wait_until_ready(self) -> None:
        """Wait until nothing speaks against readiness, and say what does where that takes too long."""
        deadline = time.monotonic() + 20
        while found := self.ready()["reasons"]:
            assert time.monotonic() < deadline, f"{found}\n{self.gate.log()[-3000:]}"
            time.sleep(0.05)

    def answers(self, path: str) -> int:
        """The status of a page; 0 where nobody answers."""
        try:
            return self.get(path, timeout=1)[0]
        except OSError:
            return 0

    def status(self, *more: str) -> tuple[int, str]:
        """`sealgate status`."""
        done = sealgate("status", "--settings", self.gate.settings_path, *more)
        return done.returncode, done.stdout + done.stderr

    def health_pid(self) -> int:
        return int(json.loads((self.gate.folder / "run" / "health.json").read_text())["pid"])


@pytest.fixture
def probed(folder: Path) -> Iterator[Probed]:
    (port,) = free_ports(1)
    with NameServer() as zone:
        settings = f"http: inet:{port}@127.0.0.1\ndns_servers: ['127.0.0.1:{zone.port}']\n"
        gate = Gate(folder, PROFILE, settings=settings)
        with published(gate, zone):
            made = Probed(gate, zone, port)
            wait_for(lambda: made.answers("/livez") == 200)  # it starts after the workers
            yield made


@contextlib.contextmanager
def published(gate: Gate, zone: NameServer) -> Iterator[None]:
    """Start the gate, with its keys in the zone before it looks: nothing is answered until then."""
    zone.records = None
    with gate:
        zone.records = dict(gate.records)
        yield


def test_a_gate_whose_keys_sign_and_are_published_is_ready(probed: Probed) -> None:
    probed.wait_until_ready()
    found = probed.ready()
    assert found["reasons"] == []
    assert [(k["name"], k["verifies"], k["dns"]) for k in found["keys"]] == [(RSA, True, "ok"), (ED, True, "ok")]
    assert found["unsigned"] == ["unsigned.test"]
    assert probed.get("/livez") == (200, "alive\n")
    assert probed.get("/readyz")[1].splitlines()[0] == "ready"
    assert f"{ED}: ed25519-sha256, verifies, DNS ok" in probed.get("/readyz?verbose")[1]
    assert probed.get("/readyz", method="HEAD") == (200, "")
    assert [probed.get(path)[0] for path in ("/", "/metrics/", "/readyz/", "/../etc/passwd")] == [404] * 4
    assert [probed.get("/readyz", method=m)[0] for m in ("POST", "DELETE", "OPTIONS")] == [405] * 3
    code, said = probed.status()
    assert (code, said.splitlines()[0]) == (0, "READY")
    assert "2 of 2 have it in force" in said
    assert said.count("signs and verifies; DNS: published") == 2


def test_the_health_process_keeps_no_listener_and_no_mail(probed: Probed) -> None:
    probed.wait_until_ready()
    send(probed.gate)
    held = {os.readlink(entry) for entry in Path(f"/proc/{probed.health_pid()}/fd").iterdir()}
    table = [line.split() for line in Path("/proc/net/unix").read_text().splitlines()[1:]]
    doors = {f"socket:[{row[6]}]" for row in table if row[3] == "00010000"}  # listening
    assert not held & doors
    assert not any("audit.jsonl" in name or "deleted" in name for name in held)


def test_another_key_in_the_dns_is_not_ready_until_it_is_mended(probed: Probed) -> None:
    probed.wait_until_ready()
    assert probed.zone.records is not None
    right = probed.zone.records[ED]
    probed.zone.records[ED] = public_record(load(generate("ed25519"), "example.test", "ed"))
    # A good answer is kept for its TTL; a process that starts asks at once.
    os.kill(probed.health_pid(), signal.SIGKILL)
    wait_for(lambda: probed.answers("/readyz") == 503 and probed.ready()["keys"])
    sentence = f"the record at {ED} holds another key than the file: every signature made with this key fails"
    assert sentence in probed.get("/readyz")[1]
    code, said = probed.status()
    assert (code, said.splitlines()[0]) == (1, "NOT READY")
    assert sentence in said
    assert "ANOTHER KEY IS PUBLISHED" in said
    assert '"not-ready"' in probed.gate.log()
    assert send(probed.gate).code[0] == "2"  # it is said, not enforced: mail is nobody's hostage
    probed.zone.records[ED] = right
    probed.gate.reload()  # asks anew what was bad
    probed.wait_until_ready()
    assert '"healthy"' in probed.gate.log().splitlines()[-1]


def test_a_missing_record_is_not_ready(folder: Path) -> None:
    (port,) = free_ports(1)
    with NameServer() as zone:
        settings = f"http: inet:{port}@127.0.0.1\ndns_servers: ['127.0.0.1:{zone.port}']\n"
        with Gate(folder, PROFILE, settings=settings) as gate:
            probed = Probed(gate, zone, port)
            assert probed.status("--wait", "1")[0] == 1
            assert [k["dns"] for k in probed.ready()["keys"]] == ["missing", "missing"]


def test_a_silent_dns_is_unknown_and_ready(folder: Path) -> None:
    (port,) = free_ports(1)
    with NameServer() as zone:
        zone.records = None
        settings = f"http: inet:{port}@127.0.0.1\ndns_servers: ['127.0.0.1:{zone.port}']\n"
        with Gate(folder, PROFILE, settings=settings) as gate:
            probed = Probed(gate, zone, port)
            code, said = probed.status("--wait", "20")
            assert (code, said.splitlines()[0]) == (0, "READY")
            assert said.count("not known whether the DNS publishes it") == 2
            assert [k["dns"] for k in probed.ready()["keys"]] == ["unknown", "unknown"]


def test_a_damaged_key_file_keeps_the_old_key_and_the_gate_stays_ready_and_says_so(probed: Probed) -> None:
    probed.wait_until_ready()
    (probed.gate.folder / "keys" / "example.test.rsa.pem").write_bytes(b"-----BEGIN PRIVATE KEY-----\ndamaged\n")
    probed.gate.reload()
    wait_for(lambda: any("still signs with the key it had read" in w for w in probed.ready()["warnings"]))
    assert probed.ready()["reasons"] == []
    assert len(send(probed.gate).edits) == 2
    code, said = probed.status("--wait", "5")
    assert (code, said.splitlines()[0]) == (0, "READY")
    assert [line for line in said.splitlines() if line.startswith("kept") and RSA in line]
    assert [e["key"] for e in probed.gate.events("key")] == [RSA]


def test_a_domain_to_be_signed_without_a_key_is_not_ready(folder: Path) -> None:
    with Gate(folder, profile_text("enforce")) as gate:
        code, said = Probed(gate, NameServer(), 0).status("--wait", "2")
    assert code == 1
    assert "keyless.test: the profile wants its mail signed, and no key is loaded" in said


def test_a_health_process_that_is_killed_comes_back_and_livez_fails_until_then(probed: Probed) -> None:
    probed.wait_until_ready()
    time.sleep(2)  # one that lived so long is replaced at once; one that dies young has to wait
    for _ in range(2):
        before = probed.health_pid()
        os.kill(before, signal.SIGKILL)
        seen = []
        deadline = time.monotonic() + 10
        while (not seen or seen[-1] != 200) and time.monotonic() < deadline:
            seen.append(probed.answers("/livez"))
        assert (seen[0], seen[-1]) == (0, 200)
        wait_for(lambda before=before: probed.health_pid() != before)
    wait_for(lambda: probed.answers("/readyz") == 200)
    assert send(probed.gate).code[0] == "2"


def test_a_health_process_that_hangs_is_not_healthy(probed: Probed) -> None:
    probed.wait_until_ready()
    os.kill(probed.health_pid(), signal.SIGSTOP)
    assert probed.answers("/livez") == 0
    path = probed.gate.folder / "run" / "health.json"
    old = json.loads(path.read_text())
    path.write_text(json.dumps(old | {"written": old["written"] - 30}))  # rather than to wait for that long
    code, said = probed.status()
    assert code == 1
    assert "silent" in said


def test_the_health_process_ends_with_its_supervisor(probed: Probed) -> None:
    probed.wait_until_ready()
    os.kill(probed.gate.pid, signal.SIGKILL)
    wait_for(lambda: probed.answers("/livez") == 0)
    assert probed.gate._process is not None
    probed.gate._process.wait(5)
    assert probed.status()[0] == 69


def test_a_restart_and_reloads_keep_the_pages(probed: Probed) -> None:
    probed.wait_until_ready()
    before = probed.health_pid()
    os.kill(probed.gate.pid, signal.SIGUSR2)
    wait_for(lambda: probed.health_pid() != before, 20)
    assert probed.status("--wait", "10")[0] == 0
    wait_for(lambda: probed.answers("/readyz") == 200)
    status = probed.gate.reload(PROFILE.replace("mode: enforce", "mode: report"))
    wait_for(lambda: probed.ready()["profile"] == status["profile"])
    assert probed.ready()["reasons"] == []


def test_fifty_slow_clients_keep_nobody_out(probed: Probed) -> None:
    probed.wait_until_ready()
    with contextlib.ExitStack() as held:
        for i in range(200):
            slow = held.enter_context(socket.create_connection(("127.0.0.1", probed.port), timeout=5))
            slow.sendall(b"GET /readyz HTTP/1.1\r\nX: " + b"x" * i)
        started = time.monotonic()
        assert probed.get("/readyz")[0] == 200
        assert time.monotonic() - started < 2
        folder = Path(f"/proc/{probed.health_pid()}")
        assert len(list((folder / "fd").iterdir())) < 100
        assert len(list((folder / "task").iterdir())) <= 3  # who serves, examines and probes: none for a client
        wait_for(lambda: len(list((folder / "fd").iterdir())) < 20, 8)  # and their time is up soon


def test_a_hostile_request_gets_a_short_answer(probed: Probed) -> None:
    for octets, status in (
        (b"GET /readyz HTTP/1.1\r\nX: " + b"x" * 9000, b"431"),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", b"400"),
        (b"GET /readyz\r\n\r\n", b"400"),
        (b"GET http://evil/readyz HTTP/1.1\r\n\r\n", b"400"),
        (b"GET /\x80 HTTP/1.1\r\n\r\n", b"400"),
        (b"PUT /readyz HTTP/1.1\r\nContent-Length: 99999999\r\n\r\n", b"405"),
        (b"GET /livez HTTP/1.0\r\n\r\nGET /livez HTTP/1.0\r\n\r\n", b"200"),
    ):
        with socket.create_connection(("127.0.0.1", probed.port), timeout=5) as wire:
            wire.sendall(octets)
            answer = b""
            with contextlib.suppress(ConnectionResetError):
                answer = b"".join(iter(lambda wire=wire: wire.recv(4096), b""))
        assert answer.split()[1] == status, octets[:40]
        assert answer.count(b"HTTP/1.1 ") == 1
        assert probed.answers("/livez") == 200


def test_half_of_the_workers_gone_is_degraded_and_live(probed: Probed) -> None:
    probed.wait_until_ready()
    for _ in range(6):  # one that dies young is not replaced for a second
        os.kill(probed.gate.status()["workers"][-1], signal.SIGKILL)
        with contextlib.suppress(AssertionError):
            wait_for(lambda: any("degraded: 1 of 2" in w for w in probed.ready()["warnings"]), 2)
            break
    else:
        pytest.fail("nobody said that a worker was missing")
    assert probed.answers("/livez") == 200
    assert probed.ready()["reasons"] == []
    wait_for(lambda: probed.ready()["warnings"] == [])


def test_a_worker_that_does_not_take_the_profile_is_seen(probed: Probed) -> None:
    probed.wait_until_ready()
    frozen = probed.gate.status()["workers"][0]
    reloads = probed.gate.status()["reloads"]
    os.kill(frozen, signal.SIGSTOP)
    probed.gate.write_profile(PROFILE.replace("mode: enforce", "mode: report"))
    os.kill(probed.gate.pid, signal.SIGHUP)
    wait_for(lambda: probed.gate.status()["behind"] == [frozen])
    assert probed.gate.status()["reloads"] == reloads  # it is not done
    assert "1 of 2 have it in force, 1 behind" in probed.status()[1]
    os.kill(frozen, signal.SIGCONT)
    wait_for(lambda: probed.gate.status()["reloads"] == reloads + 1)
    assert probed.gate.status()["behind"] == []


def test_workers_that_answer_nothing_are_not_taken_for_healthy(probed: Probed) -> None:
    probed.wait_until_ready()
    frozen = probed.gate.status()["workers"]
    for pid in frozen:
        os.kill(pid, signal.SIGSTOP)
    try:
        wait_for(lambda: sorted(probed.gate.status()["silent"]) == sorted(frozen), 20)
        wait_for(lambda: "no worker has the profile in force" in str(probed.ready()["reasons"]))
        assert "2 of 2 workers silent" in str(probed.ready()["warnings"])
        assert "0 of 2 have it in force, 2 silent" in probed.status()[1]
    finally:
        for pid in frozen:
            os.kill(pid, signal.SIGCONT)
    wait_for(lambda: probed.gate.status()["silent"] == [])
    assert sorted(probed.gate.status()["workers"]) == sorted(frozen)


def test_a_writer_that_cannot_write_is_not_ready(probed: Probed) -> None:
    probed.wait_until_ready()
    log = probed.gate.audit_log
    log.rename(log.with_suffix(".away"))
    log.mkdir()
    assert send(probed.gate).code == "451"
    wait_for(lambda: any("nothing can be recorded" in r for r in probed.ready()["reasons"]), 10)
    log.rmdir()
    assert send(probed.gate).code[0] in "24"
    wait_for(lambda: send(probed.gate).code[0] == "2")
    probed.wait_until_ready()


def test_the_pages_may_be_on_a_unix_socket_and_are_gone_with_the_gate(folder: Path) -> None:
    place = folder / "pages.sock"
    with Gate(folder, PROFILE, settings=f"http: unix:{place}\n"):
        wait_for(place.exists)
        with socket.socket(socket.AF_UNIX) as wire:
            wire.connect(str(place))
            wire.sendall(b"GET /livez HTTP/1.1\r\n\r\n")
            assert wire.recv(100).startswith(b"HTTP/1.1 200")
    assert not place.exists()
    assert not (folder / "run" / "health.json").exists()


def test_a_port_that_cannot_be_had_holds_up_no_mail_and_is_said(folder: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with Gate(folder, PROFILE, settings=f"http: inet:{taken.getsockname()[1]}@127.0.0.1\n") as gate:
            assert send(gate).code[0] == "2"
            wait_for(lambda: "not-served" in gate.log(), 15)
            wait_for(lambda: "are not served" in Probed(gate, NameServer(), 0).status()[1])


def test_systemd_is_told_why_the_gate_is_not_ready_and_still_that_it_is_up(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(folder / "notify"))
        manager.settimeout(10)
        monkeypatch.setenv("NOTIFY_SOCKET", str(folder / "notify"))
        with Gate(folder, profile_text("enforce")):
            said = ""
            while "NOT READY: keyless.test" not in said:
                said += manager.recv(4096).decode() + "\n"
            assert "READY=1\n" in said
