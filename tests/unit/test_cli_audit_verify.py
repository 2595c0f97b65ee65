"""`sealgate audit verify`, `verifier` and `anchor`, as a shell sees them; and the one file alone, on other Pythons."""

import gzip
import json
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import pytest

from sealgate.adapters import anchoring, auditkey
from sealgate.audit import verifier
from sealgate.audit.note import AuditKey
from sealgate.audit.verifier import Note, parse, told, verify
from sealgate.daemon.writing import Keeping, run_writer
from tests.lab.command import sealgate
from tests.unit.test_audit_verifier import Written, decision

PYTHONS = [sys.executable, *(path for path in ["/usr/bin/python3"] if shutil.which(path))]


@dataclass(frozen=True)
class Host:
    """A host with three audit files, the oldest packed, and what its state folder holds."""

    folder: Path
    key: AuditKey
    written: Written

    @property
    def log(self) -> Path:
        return self.folder / "audit.jsonl"

    @property
    def files(self) -> list[Path]:
        return [self.folder / name for name in ("audit.jsonl.2.gz", "audit.jsonl.1", "audit.jsonl")]

    def elsewhere(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.write_text(text)
        return path


@pytest.fixture
def host(tmp_path: Path) -> Host:
    state = tmp_path / "state"
    state.mkdir()
    key = auditkey.keep(state, "relay1.example.test")
    written, pieces = Written(key), []
    for number in range(3):
        start = len(written.lines)
        if number:
            written.checkpoint()
        for n in range(20):
            written.add(decision(n))
        if number == 1:
            written.recovered(b'{"torn')
        pieces.append(b"".join(line + b"\n" for line in written.lines[start:]))
    auditkey.publish(state, written.checkpoint())
    pieces[2] += written.lines[-1] + b"\n"
    (tmp_path / "audit.jsonl.2.gz").write_bytes(gzip.compress(pieces[0]))
    (tmp_path / "audit.jsonl.1").write_bytes(pieces[1])
    (tmp_path / "audit.jsonl").write_bytes(pieces[2])
    (tmp_path / "sealgate.yaml").write_text(
        f"audit_log: {tmp_path}/audit.jsonl\nstate: {state}\nruntime: {tmp_path}/run\n"
    )
    (tmp_path / "run").mkdir()
    return Host(tmp_path, key, written)


Done = subprocess.CompletedProcess[str]


def audit(*arguments: object) -> Done:
    return sealgate("audit", *arguments)


def here(host: Host, verb: str, *arguments: object) -> Done:
    return audit(verb, "--settings", host.folder / "sealgate.yaml", *arguments)


# -- verify ------------------------------------------------------------------------------------------------------------


def test_all_files_of_the_host_are_held_against_its_key_and_newest_checkpoint(host: Host) -> None:
    done = here(host, "verify")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "key and checkpoint were taken from this host" in done.stdout
    assert "made of these very lines" in done.stdout
    assert done.stdout.splitlines()[-1] == "whole: 65 lines, 3 checkpoints"
    assert "audit.jsonl.1, line 23: recovered: test" in done.stdout
    found = json.loads(here(host, "verify", "--json").stdout)
    assert found["whole"] is True
    assert found["files"] == [str(path) for path in host.files]
    assert (found["lines"], found["first"], found["last"]) == (65, 1, 64)
    assert (found["signed"], found["checkpoint"], found["compared"]) == (3, 63, "same")
    assert found["key"] == host.key.public.text
    assert found["from_this_host"] == ["key", "checkpoint"]


def test_the_last_words_name_file_and_line(host: Host) -> None:
    path = host.files[1]
    path.write_bytes(path.read_bytes().replace(b'"n":7,', b'"n":8,'))
    done = here(host, "verify")
    assert done.returncode == 1
    assert done.stdout.splitlines()[-1].startswith(f"NOT WHOLE: {path}, line 10: its prev is not")
    found = json.loads(here(host, "verify", "--json").stdout)
    assert (found["broken"]["file"], found["broken"]["line"], found["whole"]) == (str(path), 10, False)


def test_a_cut_tail_shows_by_the_checkpoint_alone(host: Host) -> None:
    lines = host.log.read_bytes().splitlines(keepends=True)
    host.log.write_bytes(b"".join(lines[:-5]))
    done = here(host, "verify")
    assert done.returncode == 1
    assert "4 lines are cut off behind number 59" in done.stdout.splitlines()[-1]
    assert audit("verify", *host.files).returncode == 0
    done = audit("verify", "--log", host.log)
    assert done.returncode == 0
    assert "no checkpoint was given" in done.stdout


def test_what_was_kept_elsewhere_counts_and_nothing_of_this_host(host: Host) -> None:
    others = host.elsewhere("kept", "Subject: checkpoints\n\n" + "\n".join(host.written.notes))
    key = host.elsewhere("relay1.pub", host.key.public.text)
    done = audit("verify", *host.files, "--checkpoint", others, "--key", key)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "this host" not in done.stdout
    forged = Written(host.key)
    for number in range(70):
        forged.add(decision(number))
    forged.checkpoint()
    host.log.write_bytes(b"".join(line + b"\n" for line in forged.lines))
    done = audit("verify", host.log, "--checkpoint", others, "--key", key)
    assert done.returncode == 1
    assert "written anew" in done.stdout.splitlines()[-1]
    assert audit("verify", host.log, "--key", key).returncode == 0, "by whoever has the key"


def test_the_oldest_may_be_gone_unless_the_start_is_asked_for(host: Host) -> None:
    host.files[0].unlink()
    done = here(host, "verify")
    assert done.returncode == 0
    assert "the lines begin with number 21" in done.stdout
    assert here(host, "verify", "--from-start").returncode == 1


def test_the_end_of_a_line_that_is_being_written_is_waited_for(host: Host) -> None:
    octets = host.log.read_bytes()
    host.log.write_bytes(octets[:-10])

    def late() -> None:
        time.sleep(0.2)
        with host.log.open("ab") as file:
            file.write(octets[-10:])

    thread = threading.Thread(target=late)
    thread.start()
    done = here(host, "verify")
    thread.join()
    assert done.returncode == 0, done.stdout
    host.log.write_bytes(octets[:-10])
    assert here(host, "verify").returncode == 1


def test_what_cannot_be_read_has_a_status_of_its_own(host: Host) -> None:
    assert audit("verify", host.folder / "nothing").returncode == 66
    assert audit("verify", "--log", host.folder / "nothing").returncode == 66
    assert audit("verify", host.folder).returncode == 65
    assert audit("verify", host.log, "--key", host.folder / "nothing").returncode == 66
    assert audit("verify", host.log, "--key", host.log).returncode == 65
    assert audit("verify", host.log, "--checkpoint", host.log).returncode == 65
    assert audit("verify", "--settings", host.folder / "nothing").returncode == 78
    packed = host.files[0].read_bytes()
    for damaged in (packed[:-12], packed[:40] + b"\xff" * 10 + packed[50:]):
        host.files[0].write_bytes(damaged)
        done = here(host, "verify")
        assert done.returncode == 65, done.stdout
        assert str(host.files[0]) in done.stderr
    (host.folder / "state" / "checkpoint").write_text("torn")
    assert here(host, "verify").returncode == 65


# -- verifier ----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def single(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("auditor") / "verify.py"
    path.write_text(audit("verifier").stdout)
    return path


def alone(python: str, single: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [python, "-I", "-S", single.name, *map(str, arguments)],
        capture_output=True, text=True, cwd=single.parent, timeout=60, check=False,
    )  # fmt: skip


@pytest.mark.parametrize("python", PYTHONS)
def test_one_file_alone_gives_the_same_verdict(host: Host, single: Path, python: str) -> None:
    assert [path.name for path in single.parent.iterdir()] == ["verify.py"]
    key = host.elsewhere("relay1.pub", host.key.public.text)
    kept = host.elsewhere("kept", "".join(host.written.notes))
    touched = host.folder / "touched"
    octets = host.files[1].read_bytes()
    for changed in (octets, octets.replace(b'"n":7,', b'"n":8,'), octets[:-300], octets.replace(b"torn", b"lorn")):
        touched.write_bytes(changed)
        paths = [host.files[0], touched, host.files[2]]
        lines = [(str(path), _lines(path)) for path in paths]
        report = verify(lines, None, key=host.key.public, checkpoint=Note.newest(kept.open()))
        done = alone(python, single, *paths, "--key", key, "--checkpoint", kept)
        assert done.stdout.splitlines() == told(report)
        assert done.returncode == (0 if changed == octets else 1), done.stderr
        assert done.stdout.splitlines()[-1].startswith("whole" if changed == octets else "NOT WHOLE")
    (host.files[0]).write_bytes(host.files[0].read_bytes()[:-9])
    for wrong in (("nothing",), (host.files[0],), (host.log, "--key", host.log), (host.log, "--checkpoint", host.log)):
        done = alone(python, single, *wrong)
        assert done.returncode == 2
        assert done.stderr.startswith("verify: ")
        assert "Traceback" not in done.stderr
    assert [path.name for path in single.parent.iterdir()] == ["verify.py"]


def _lines(path: Path) -> Iterator[bytes]:
    octets = path.read_bytes()
    whole = (gzip.decompress(octets) if path.suffix == ".gz" else octets).split(b"\n")
    return iter(whole if whole[-1] else whole[:-1])


def test_the_file_uses_nothing_of_ours() -> None:
    text = Path(verifier.__file__).read_text()
    assert "import sealgate" not in text
    assert "from sealgate" not in text


# -- anchor ------------------------------------------------------------------------------------------------------------


def test_a_checkpoint_is_appended_once(host: Host) -> None:
    kept = host.folder / "elsewhere.txt"
    done = here(host, "anchor", "--to", kept)
    assert done.returncode == 0, done.stderr
    assert "the checkpoint of 63 lines" in done.stdout
    assert "not said in the record" in done.stderr
    again = here(host, "anchor", "--to", kept)
    assert (again.returncode, again.stderr) == (0, "")
    assert "nothing new" in again.stdout
    assert kept.read_text() == host.written.notes[-1]
    host.written.add(decision(1))
    auditkey.publish(host.folder / "state", host.written.checkpoint())
    with kept.open("a") as file:
        file.write("a line that somebody left open")
    assert here(host, "anchor", "--to", kept).returncode == 0
    assert Note.newest(kept.open()).size == 65
    assert kept.read_text().count("\u2014") == 2
    kept.unlink()
    assert "handed over" in here(host, "anchor", "--to", kept).stdout
    assert here(host, "anchor", "--to", host.folder / "no" / "where").returncode == 73


def test_a_command_gets_it_once_and_its_status_is_passed_on(host: Host) -> None:
    kept = host.folder / "elsewhere.txt"
    command = f"cat >> {kept}"
    assert here(host, "anchor", "--command", "cat > /dev/null; exit 7").returncode == 7
    assert here(host, "anchor", "--command", "kill -TERM $$").returncode == 143
    assert here(host, "anchor", "--command", "exec 0<&-; exit 3").returncode == 3
    for _ in range(2):
        assert here(host, "anchor", "--command", command).returncode == 0
    assert kept.read_text() == host.written.notes[-1]
    assert "nothing new" in here(host, "anchor", "--command", command).stdout
    assert "handed over" in here(host, "anchor", "--command", f"{command}.2").stdout


def test_a_command_that_hangs_is_ended_with_all_that_it_started(host: Host) -> None:
    begun = time.monotonic()
    done = here(host, "anchor", "--deadline", "0.5", "--command", f"sleep 30 & echo $! > {host.folder}/pid; wait")
    assert done.returncode == 69
    assert "0.5 seconds" in done.stderr
    assert time.monotonic() - begun < 20
    child = int((host.folder / "pid").read_text())
    deadline = time.monotonic() + 10
    while _is_running(child) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not _is_running(child)


def _is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_the_system_log_gets_one_line_of_auth_notice(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(anchoring, "SYSLOG", str(host.folder / "log"))
    assert here(host, "anchor", "--syslog").returncode == 69, "nobody listens"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as log:
        log.bind(str(host.folder / "log"))
        log.settimeout(5)
        assert here(host, "anchor", "--syslog").returncode == 0
        line = log.recv(4096).decode()
        assert "nothing new" in here(host, "anchor", "--syslog").stdout
        log.setblocking(False)
        with pytest.raises(BlockingIOError):
            log.recv(4096)
    assert line.startswith("<37>")
    assert "sealgate[" in line
    assert len(line) < 1024
    assert Note.newest([line]) == Note.parse(host.written.notes[-1])


def test_it_is_said_in_the_record_of_a_gate_that_runs(host: Host) -> None:
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(str(host.folder / "run" / "writer.sock"))
    listener.listen()
    keeping = Keeping(str(host.log), state=host.folder / "state", host="relay1.example.test")
    writer = get_context("fork").Process(target=run_writer, args=(listener, keeping))
    writer.start()
    listener.close()
    try:
        done = here(host, "anchor", "--to", host.folder / "kept")
        assert (done.returncode, done.stderr) == (0, "")
    finally:
        writer.terminate()
        writer.join(20)
    events = [parse(line) for line in host.log.read_bytes().splitlines()]
    anchored = next(event for event in events if event and event["kind"] == "anchored")
    assert (anchored["way"], anchored["place"], anchored["size"]) == ("file", str(host.folder / "kept"), 63)
    assert anchored["root"] == Note.parse(host.written.notes[-1]).root.hex()
    done = here(host, "verify", "--checkpoint", host.folder / "kept")
    assert done.returncode == 0, done.stdout


def test_what_is_not_ours_or_not_there_is_not_handed_out(host: Host) -> None:
    assert here(host, "anchor").returncode == 64
    assert here(host, "anchor", "--syslog", "--command", "true").returncode == 64
    other = Written()
    other.add(decision(1))
    auditkey.publish(host.folder / "state", other.checkpoint())
    done = here(host, "anchor", "--to", host.folder / "kept")
    assert done.returncode == 65
    assert "not signed by" in done.stderr
    (host.folder / "state" / "checkpoint").unlink()
    assert here(host, "anchor", "--to", host.folder / "kept").returncode == 65
    assert not (host.folder / "kept").exists()
