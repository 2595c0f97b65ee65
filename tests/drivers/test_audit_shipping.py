"""The samples in conf/ at work: logrotate and rsyslog beside a writer under load. Not a line is lost, no mail waits."""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pytest
import yaml

from sealgate.adapters import auditkey
from sealgate.adapters.auditfiles import files_of
from sealgate.adapters.writer import WriterClient
from sealgate.audit.verifier import Report, lines_of, unpacked, verify
from sealgate.daemon.writing import Keeping, run_writer
from tests.lab.gate import ROOT

CONF = ROOT / "conf"
LOGROTATE = shutil.which("logrotate") or shutil.which("/usr/sbin/logrotate")
RSYSLOGD = shutil.which("rsyslogd") or shutil.which("/usr/sbin/rsyslogd")
PATIENCE = 30.0

pytestmark = pytest.mark.daemon
needs_logrotate = pytest.mark.skipif(LOGROTATE is None, reason="logrotate is not installed")
needs_rsyslog = pytest.mark.skipif(RSYSLOGD is None, reason="rsyslog is not installed")


class Bench:
    """A writer process and threads that give it lines."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in ("log", "state", "work"):
            (folder / name).mkdir()
        self.log = folder / "log" / "audit.jsonl"
        self.state = folder / "state"
        address = str(folder / "writer.sock")
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        listener.bind(address)
        listener.listen(128)
        keeping = Keeping(str(self.log), self.state, host="relay.example.test")
        self._writer = get_context("fork").Process(target=run_writer, args=(listener, keeping))
        self._writer.start()
        listener.close()
        self.client = WriterClient(address, 20.0)
        self.slowest = 0.0
        self._ids = iter(range(10**9))
        self._lock = threading.Lock()

    def put(self, count: int, octets: int = 600) -> None:
        """Write lines as fast as they are acknowledged, each of its own length; one in a hundred is very long."""
        for _ in range(count):
            with self._lock:
                number = next(self._ids)
            text = "x" * (100_000 if number % 100 == 7 else octets + number % 300)
            began = time.monotonic()
            self.client.append({"kind": "decision", "id": f"{number:08}", "text": text})
            self.slowest = max(self.slowest, time.monotonic() - began)

    def stop(self) -> None:
        if self._writer.is_alive():
            self._writer.terminate()
            self._writer.join(10)

    def whole(self) -> bytes:
        """Every octet of all files, oldest first."""
        return b"".join(octets_of(path) for path in files_of(self.log))

    def ids(self) -> list[str]:
        """Of the decisions, in their order in the files."""
        return [one["id"] for one in map(json.loads, self.whole().splitlines()) if one["kind"] == "decision"]

    def verified(self, content: bytes | None = None) -> Report:
        """What `verify` says of the files, or of a copy of them."""
        key = auditkey.public(self.state)
        if content is not None:
            return verify([("copy", content.splitlines())], key=key)
        return verify([(path.name, octets_of(path).splitlines()) for path in files_of(self.log)], key=key)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    found = Bench(tmp_path)
    yield found
    found.stop()


def octets_of(path: Path) -> bytes:
    with path.open("rb") as file:
        return b"".join(line + b"\n" for line in lines_of(unpacked(file)))


def wait_for(holds: Callable[[], bool], what: str) -> None:
    until = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < until, what
        time.sleep(0.05)


class Load:
    """Threads that write until told to end."""

    def __init__(self, bench: Bench, threads: int = 4) -> None:
        self._ends = threading.Event()
        self._bench = bench
        self._threads = [threading.Thread(target=self._run) for _ in range(threads)]
        for thread in self._threads:
            thread.start()

    def _run(self) -> None:
        while not self._ends.is_set():
            self._bench.put(1)

    def end(self) -> None:
        self._ends.set()
        for thread in self._threads:
            thread.join()


# -- logrotate ---------------------------------------------------------------------------------------------------------


class Rotation:
    """conf/logrotate with the paths of a test, run by the real logrotate."""

    def __init__(self, bench: Bench, change: Callable[[str], str] = lambda text: text) -> None:
        self._folder = bench.folder
        settings = bench.folder / "sealgate.yaml"
        profile = bench.folder / "profile.yaml"
        profile.write_text("version: 1\nmode: report\n")
        settings.write_text(
            f"audit_log: {bench.log}\nstate: {bench.state}\nruntime: {bench.folder}\nprofile: {profile}\n"
        )
        text = (CONF / "logrotate").read_text()
        assert "/var/log/sealgate/audit.jsonl {" in text
        assert "/usr/bin/sealgate" in text
        verb = f"env PYTHONPATH={ROOT}/milter {sys.executable} -m sealgate"
        text = text.replace("/usr/bin/sealgate audit rotate", f"{verb} audit rotate --settings {settings}")
        text = text.replace("/var/log/sealgate/audit.jsonl {", f"{bench.log} {{")
        text = text.replace("su sealgate sealgate", "su root root" if os.geteuid() == 0 else "")
        self.path = bench.folder / "logrotate.conf"
        self.path.write_text(change(text))
        self.path.chmod(0o644)

    def run(self) -> str:
        """Rotate now, whatever the size; the names are a second apart."""
        assert LOGROTATE is not None
        command = [LOGROTATE, "-f", "-v", "-s", str(self._folder / "work" / "logrotate.state"), str(self.path)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr
        assert "error" not in done.stderr, done.stderr
        return done.stderr


@needs_logrotate
def test_logrotate_under_load_loses_no_line_and_the_chain_is_whole(bench: Bench) -> None:
    rotation = Rotation(bench)
    load = Load(bench)
    for _ in range(3):
        time.sleep(1.1)
        rotation.run()
    time.sleep(0.3)
    load.end()
    bench.stop()
    names = [path.name for path in files_of(bench.log)]
    assert len(names) == 4
    assert all(re.fullmatch(r"audit\.jsonl-[0-9]{8}-[0-9]{6}\.gz", name) for name in names[:2]), names
    assert re.fullmatch(r"audit\.jsonl-[0-9]{8}-[0-9]{6}", names[2]), "the newest is not packed"
    ids = bench.ids()
    assert len(ids) > 200
    assert sorted(ids) == [f"{n:08}" for n in range(len(ids))], "each line once, none is missing"
    report = bench.verified()
    assert report.is_whole
    assert report.remarks == ()
    for path in files_of(bench.log)[1:]:
        first = json.loads(octets_of(path).partition(b"\n")[0])
        assert first["kind"] == "checkpoint"
        assert verify([(path.name, octets_of(path).splitlines())], None, key=auditkey.public(bench.state)).is_whole


@needs_logrotate
def test_copytruncate_is_seen_and_reported_for_ever(bench: Bench) -> None:
    """Why the sample says no to it: the two steps cannot be made one, and the gate says so in the record."""
    rotation = Rotation(bench, lambda text: text.replace("    nocopytruncate", "    copytruncate"))
    bench.put(20)
    rotation.run()
    bench.put(5)
    bench.stop()
    assert any(remark.kind == "gap" for remark in bench.verified().remarks)


@needs_logrotate
def test_the_sample_is_sound_for_the_installed_logrotate(bench: Bench) -> None:
    bench.put(5)
    said = Rotation(bench).run()
    assert "unknown option" not in said
    assert "running last action script" in said
    assert "deprecated" not in said


# -- rsyslog -----------------------------------------------------------------------------------------------------------


class Archive:
    """A TCP server that keeps what it reads, and can be told to read nothing."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.received = bytearray()
        self.reads = threading.Event()
        self.reads.set()
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._read, args=(connection,), daemon=True).start()

    def _read(self, connection: socket.socket) -> None:
        while self.reads.wait() and (octets := connection.recv(1 << 16)):
            self.received += octets

    def close(self) -> None:
        self._listener.close()


class Shipper:
    """conf/rsyslog.conf with the paths of a test, run by the real rsyslogd in a folder of its own."""

    def __init__(self, bench: Bench, archive: Archive) -> None:
        text = (CONF / "rsyslog.conf").read_text()
        for old, new in (
            ("/var/log/sealgate/", f"{bench.folder}/log/"),
            ("log.example.test", "127.0.0.1"),
            ("6514", str(archive.port)),
            ('resumeInterval="10"', 'resumeInterval="1"'),
            ('maxMessageSize="4m"', f'maxMessageSize="4m" workDirectory="{bench.folder}/work"'),
        ):
            assert old in text
            text = text.replace(old, new)
        self._conf = bench.folder / "rsyslog.conf"
        self._conf.write_text(text)
        self._pid = bench.folder / "rsyslogd.pid"
        self._process: subprocess.Popen[bytes] | None = None

    def check(self) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(RSYSLOGD), "-N1", "-f", str(self._conf)], capture_output=True, text=True, timeout=30, check=False
        )

    def start(self) -> None:
        command = [str(RSYSLOGD), "-n", "-f", str(self._conf), "-i", str(self._pid)]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def stop(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@pytest.fixture
def archive() -> Iterator[Archive]:
    found = Archive()
    yield found
    found.close()


@pytest.fixture
def shipper(bench: Bench, archive: Archive) -> Iterator[Shipper]:
    found = Shipper(bench, archive)
    yield found
    archive.reads.set()
    found.stop()


@needs_rsyslog
def test_the_sample_is_sound_for_the_installed_rsyslog(shipper: Shipper) -> None:
    done = shipper.check()
    assert done.returncode == 0, done.stderr
    assert "error" not in done.stderr.lower(), done.stderr


@needs_rsyslog
@needs_logrotate
def test_rsyslog_ships_a_thousand_lines_over_renames_and_the_copy_verifies(
    bench: Bench, archive: Archive, shipper: Shipper
) -> None:
    rotation = Rotation(bench)
    bench.put(10)
    shipper.start()
    wait_for(lambda: archive.received.count(b"\n") >= 10, "rsyslog ships nothing")
    for _ in range(3):
        bench.put(330)
        rotation.run()
        time.sleep(1.1)
    bench.put(10)
    shipper.stop()
    shipper.start()  # it goes on where it was
    bench.put(10)
    bench.stop()
    wait_for(lambda: len(archive.received) >= len(bench.whole()), "not all of it was shipped")
    time.sleep(0.5)
    copy = bytes(archive.received)
    assert copy == bench.whole(), "octet for octet"
    assert copy.count(b"\n") > 1000
    report = bench.verified(copy)
    assert report.is_whole
    assert report.first == 1


@needs_rsyslog
def test_a_target_that_reads_nothing_delays_no_message(bench: Bench, archive: Archive, shipper: Shipper) -> None:
    bench.put(5)
    shipper.start()
    wait_for(lambda: archive.received.count(b"\n") >= 5, "rsyslog ships nothing")
    archive.reads.clear()
    bench.slowest = 0.0
    bench.put(1000, 3000)
    assert bench.slowest < 2.0, "a busy disk may take a moment, a target that does not read must take none"
    shipped = archive.received.count(b"\n")
    assert shipped < 1000
    bench.stop()
    archive.reads.set()
    wait_for(lambda: len(archive.received) >= len(bench.whole()), "what waited was not shipped")
    assert bytes(archive.received) == bench.whole()


# -- the others --------------------------------------------------------------------------------------------------------


def test_the_sample_for_vector_reads_our_file_and_ships_lines_as_they_are() -> None:
    """Vector is in no package here: what can be tested is that this is YAML that says what it should."""
    document: dict[str, Any] = yaml.safe_load((CONF / "vector.yaml").read_text())
    source, sink = document["sources"]["sealgate"], document["sinks"]["archive"]
    assert source["include"][0] == "/var/log/sealgate/audit.jsonl"
    assert source["max_line_bytes"] >= 4 << 20
    assert sink["inputs"] == ["sealgate"]
    assert sink["encoding"] == {"codec": "text"}
    assert sink["buffer"]["type"] == "disk"
    assert "Not tested" in (CONF / "vector.yaml").read_text()


def test_the_sample_for_fluent_bit_has_its_form() -> None:
    """As with Vector: sections in brackets, a name and its value on each line below."""
    sections: list[tuple[str, dict[str, str]]] = []
    for line in (CONF / "fluent-bit.conf").read_text().splitlines():
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        if section := re.fullmatch(r"\[([A-Z]+)\]", line):
            sections.append((section[1], {}))
            continue
        entry = re.fullmatch(r" {4}([A-Za-z_.]+) +(\S.*)", line)
        assert entry, line
        assert entry[1] not in sections[-1][1]
        sections[-1][1][entry[1]] = entry[2]
    assert [name for name, _ in sections] == ["SERVICE", "INPUT", "OUTPUT"]
    assert sections[1][1]["Path"] == "/var/log/sealgate/audit.jsonl"
    assert sections[1][1]["storage.type"] == "filesystem"
    assert sections[1][1]["Tag"] == sections[2][1]["Match"]
    assert "Not tested" in (CONF / "fluent-bit.conf").read_text()


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")
@pytest.mark.parametrize("name", ["journald.service"])
def test_the_units_are_sound(tmp_path: Path, name: str) -> None:
    for path in (*CONF.glob("*.service"), *CONF.glob("*.timer"), *(ROOT / "systemd").glob("*.service")):
        text = path.read_text().replace("/usr/bin/sealgate", "/bin/true")
        (tmp_path / path.name).write_text(text)
    command = ["systemd-analyze", "verify", "--man=no", str(tmp_path / name)]
    environment = os.environ | {"SYSTEMD_UNIT_PATH": f"{tmp_path}:"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=60, check=False)
    assert str(tmp_path) not in done.stderr, done.stderr
    assert name not in done.stderr, done.stderr
