"""Disks that fail under the real writer: full, sick, not to be written, copied and cut. Nothing acknowledged is lost.

A disk of 20 MB is a file that is mounted, or a tmpfs. It is made sick in two ways: calls of the writer are answered
with an error in the kernel's place (strace), or the file that is mounted may no longer be written, so that each block
really fails and the kernel forgets it. What of this can not be had here (root, strace) is skipped, and says so.
"""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from sealgate.adapters.writer import WriterClient
from sealgate.app.ports import PortError
from sealgate.audit.verifier import Key, Note, verify
from tests.drivers.cases import profile_text
from tests.drivers.socket import transact
from tests.drivers.test_daemon import LETTER, opened
from tests.drivers.writers import Bench, Load, bench_in, children_of, octets_of, wait_for, writer_of
from tests.lab.gate import Gate

pytestmark = pytest.mark.daemon
CAN_TRACE = (
    bool(shutil.which("strace")) and not subprocess.run(["strace", "-qqo/dev/null", "true"], check=False).returncode
)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    (tmp_path / "state").mkdir()
    with bench_in(tmp_path, state=tmp_path / "state") as made:
        yield made


@pytest.fixture(params=["ext4", "tmpfs"])
def disk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path]:
    """A file system of 20 MB."""
    place = tmp_path / "disk"
    place.mkdir()
    image = tmp_path / "image"
    how = ["-t", "tmpfs", "-o", "size=20m", "tmpfs"]
    if request.param != "tmpfs":
        image.write_bytes(bytes(20 << 20))  # no hole: the file below never needs room of its own
        if not shutil.which("mkfs.ext4", path="/usr/sbin:/sbin:/usr/bin"):
            pytest.skip("mkfs.ext4 is not installed")
        journal = "has_journal" if request.param == "ext4" else "^has_journal"
        subprocess.run(["/sbin/mkfs.ext4", "-q", "-m", "0", "-O", journal, str(image)], check=True)
        how = ["-o", "loop", str(image)]
    done = subprocess.run(["mount", *how, str(place)], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"nothing can be mounted here: {done.stderr.strip()}")
    yield place
    for _ in range(100):
        if not subprocess.run(["umount", str(place)], capture_output=True, check=False).returncode:
            return
        time.sleep(0.1)
    subprocess.run(["umount", "-l", str(place)], check=False)


def fill(place: Path, name: str = "filler") -> Path:
    """Leave no room at all."""
    filler = place / name
    with filler.open("ab", buffering=0) as file:
        for size in (1 << 20, 1 << 12, 1 << 9, 1):
            try:
                while True:
                    file.write(bytes(size))
            except OSError:
                continue
    return filler


def sound(bench: Bench, *loads: Load, older: tuple[Path, ...] = ()) -> None:
    """Every line that was acknowledged is there once, and the file is whole by chain, tree and key."""
    decisions = [event for event in bench.events(*older) if event["kind"] == "decision"]
    seen = {event["id"]: event["seq"] for event in decisions}
    assert len(seen) == len(decisions)
    for load in loads:
        assert load.acknowledged.items() <= seen.items()
    assert bench.state is not None
    key = Key.parse((bench.state / "audit.pub").read_text())
    report = verify(octets_of(*older, bench.path), key=key)
    assert report.is_whole, report
    assert report.frontier is not None
    assert report.frontier.size == report.head.seq


def test_a_full_disk_takes_the_lines_in_flight_and_recovers_by_itself(tmp_path, disk):
    (tmp_path / "state").mkdir()
    with bench_in(tmp_path, files=disk, state=tmp_path / "state") as bench:
        writer = bench.start()
        client = WriterClient(bench.address, 10.0)
        load = Load(client, threads=8, fill=2_000)
        wait_for(lambda: len(load.acknowledged) > 200)
        filler = fill(disk)
        wait_for(lambda: len(load.failed) > 20)
        assert any("full" in reason or "No space" in reason for reason in load.reasons), load.reasons
        wait_for(lambda: any(event["kind"] == "full" for event in bench.events()))
        full_at = next(event["seq"] for event in bench.events() if event["kind"] == "full")
        # What was in flight when the disk was full was written, from the reserve: nobody failed before that line.
        assert full_at > 1
        with pytest.raises(PortError, match=r"full|No space"):
            client.ask()
        failed = len(load.failed)
        filler.unlink()
        count = len(load.acknowledged)
        wait_for(lambda: len(load.acknowledged) > count + 200)
        load.end()
        assert len(load.failed) > failed - 1
        client.ask()
        writer.send_signal(signal.SIGTERM)
        assert writer.wait(10) == 0
        sound(bench, load)
        assert [event["over"] for event in bench.events() if event["kind"] == "full"] == [False, True]
        assert not [event for event in bench.events() if event["kind"] == "gap"]
        assert not disk.joinpath("audit.jsonl.reserve").exists()


def test_a_disk_full_from_the_first_line_on_only_defers(tmp_path, disk):
    (tmp_path / "state").mkdir()
    with bench_in(tmp_path, files=disk, state=tmp_path / "state") as bench:
        (disk / "audit.jsonl.lock").touch()
        (disk / "audit.jsonl").touch()
        filler = fill(disk)
        bench.start()
        client = WriterClient(bench.address, 10.0)
        for _ in range(3):
            with pytest.raises(PortError):
                client.append({"kind": "decision", "id": "no"})
        filler.unlink()
        load = Load(client, threads=2)
        wait_for(lambda: len(load.acknowledged) > 10)
        load.end()
        wait_for((disk / "audit.jsonl.reserve").exists)
        bench.started[0].terminate()
        bench.started[0].wait(10)
        sound(bench, load)


@pytest.mark.skipif(os.geteuid() != 0, reason="an immutable file wants root")
def test_a_file_that_may_not_be_written_is_waited_for(bench):
    bench.start()
    client = WriterClient(bench.address, 10.0)
    load = Load(client, threads=4)
    wait_for(lambda: len(load.acknowledged) > 50)
    if subprocess.run(["chattr", "+i", str(bench.path)], capture_output=True, check=False).returncode:
        load.end()
        pytest.skip("this file system knows no immutable files")
    try:
        wait_for(lambda: len(load.failed) > 10)
    finally:
        subprocess.run(["chattr", "-i", str(bench.path)], check=True)
    count = len(load.acknowledged)
    wait_for(lambda: len(load.acknowledged) > count + 50)
    load.end()
    bench.started[0].terminate()
    bench.started[0].wait(10)
    sound(bench, load)


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting wants root")
@pytest.mark.parametrize("disk", ["ext4"], indirect=True)
def test_a_disk_that_the_kernel_made_read_only_acknowledges_nothing(tmp_path, disk):
    """ext4 does so after an error of its own; an operator then checks and mounts it anew."""
    subprocess.run(["mount", "-o", "remount,errors=remount-ro", str(disk)], check=True)
    source = subprocess.run(["findmnt", "-no", "SOURCE", str(disk)], capture_output=True, text=True, check=True)
    trigger = Path("/sys/fs/ext4") / Path(source.stdout.strip()).name / "trigger_fs_error"
    if not trigger.exists():
        pytest.skip("this kernel cannot be asked for an error of ext4")
    (tmp_path / "state").mkdir()
    with bench_in(tmp_path, files=disk, state=tmp_path / "state") as bench:
        writer = bench.start()
        load = Load(WriterClient(bench.address, 10.0), threads=4)
        wait_for(lambda: len(load.acknowledged) > 100)
        trigger.write_text("test")
        wait_for(lambda: len(load.failed) > 10)
        count = len(load.acknowledged)
        time.sleep(0.3)
        assert len(load.acknowledged) <= count + 4
        load.end()
        writer.terminate()
        writer.wait(10)
        subprocess.run(["umount", str(disk)], check=True)
        subprocess.run(["/sbin/fsck.ext4", "-fy", str(tmp_path / "image")], capture_output=True, check=False)
        subprocess.run(["mount", "-o", "loop", str(tmp_path / "image"), str(disk)], check=True)
        bench.start()
        again = Load(WriterClient(bench.address, 10.0), threads=4, each=20, name="again")
        again.wait()
        assert again.failed == []
        bench.started[1].terminate()
        bench.started[1].wait(10)
        sound(bench, load, again)


@pytest.mark.skipif(os.geteuid() != 0, reason="an immutable folder wants root")
def test_a_folder_that_takes_no_new_file_after_a_rotation_is_waited_for(bench):
    writer = bench.start()
    load = Load(WriterClient(bench.address, 10.0), threads=4)
    wait_for(lambda: len(load.acknowledged) > 50)
    old = bench.path.with_name("audit.jsonl.1")
    writer.send_signal(signal.SIGSTOP)  # so that it makes none between the two
    bench.path.rename(old)
    done = subprocess.run(["chattr", "+i", str(bench.path.parent)], capture_output=True, check=False)
    writer.send_signal(signal.SIGCONT)
    if done.returncode:
        load.end()
        pytest.skip("this file system knows no immutable folders")
    try:
        wait_for(lambda: len(load.failed) > 10)
        assert not bench.path.exists()
    finally:
        subprocess.run(["chattr", "-i", str(bench.path.parent)], check=True)
    count = len(load.acknowledged)
    wait_for(lambda: len(load.acknowledged) > count + 50)
    load.end()
    writer.terminate()
    writer.wait(10)
    sound(bench, load, older=(old,))


@pytest.mark.skipif(not CAN_TRACE, reason="strace is not installed, or may trace nothing here")
@pytest.mark.parametrize(
    "what", ["fdatasync:error=EIO:when=40..42", "write:error=EIO:when=60..62", "fdatasync:error=ENOSPC:when=50"]
)
def test_a_sync_that_fails_is_a_gap_and_no_acknowledgement(bench, what):
    call = what.partition(":")[0]
    under = ["strace", "-f", "-qq", "-o", "/dev/null", "-P", str(bench.path)]
    under += ["-e", f"trace={call}", "-e", f"inject={what}"]
    bench.start(under=under)
    load = Load(WriterClient(bench.address, 20.0), threads=4)
    wait_for(lambda: len(load.failed) > 0)
    count = len(load.acknowledged)
    wait_for(lambda: len(load.acknowledged) > count + 50)  # by itself
    load.end()
    assert any("Input/output" in reason or "No space" in reason for reason in load.reasons), load.reasons
    sound(bench, load)
    record = next(event for event in bench.events() if event["kind"] == "gap")
    assert record["synced"]["seq"] < record["seq"]


@pytest.mark.skipif(not CAN_TRACE, reason="strace is not installed, or may trace nothing here")
def test_a_writer_that_is_killed_before_it_writes_has_acknowledged_nothing(bench):
    """Each write is put off, so that nearly every kill finds one that was asked for and not made."""
    under = ["strace", "-f", "-qq", "-o", "/dev/null", "-P", str(bench.path)]
    under += ["-e", "trace=write", "-e", "inject=write:delay_enter=30000"]
    tracer = bench.start(under=under)
    load = Load(WriterClient(bench.address, 20.0), threads=4)
    for _ in range(5):
        count = len(load.acknowledged)
        wait_for(lambda count=count: len(load.acknowledged) > count + 8)
        os.kill(children_of(tracer.pid)[0], signal.SIGKILL)
        tracer.wait(10)
        tracer = bench.start(under=under)
    count = len(load.acknowledged)
    wait_for(lambda: len(load.acknowledged) > count)
    load.end()
    assert load.failed != []
    sound(bench, load)


@contextmanager
def failing(image: Path, disk: Path) -> Iterator[None]:
    """Have each block fail that is written to the disk: ext4 takes no write for a file that is immutable."""
    if subprocess.run(["chattr", "+i", str(image)], capture_output=True, check=False).returncode:
        pytest.skip("this file system knows no immutable files")
    try:
        with suppress(OSError), (disk / "probe").open("wb") as probe:
            probe.write(bytes(1 << 16))
            os.fsync(probe.fileno())
            pytest.skip("this file system writes immutable files that are open")
        yield
    finally:
        subprocess.run(["chattr", "-i", str(image)], check=True)


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting wants root")
@pytest.mark.parametrize("disk", ["ext4 without a journal"], indirect=True)
@pytest.mark.parametrize("is_killed", [False, True], ids=["mended", "killed and started anew"])
def test_what_the_kernel_forgot_after_a_real_error_is_not_built_upon(tmp_path, disk, is_killed):
    """After a failed sync the cache shows lines that are not on the disk, and no later sync writes them."""
    (tmp_path / "state").mkdir()
    with bench_in(tmp_path, files=disk, state=tmp_path / "state") as bench:
        writer = bench.start()
        load = Load(WriterClient(bench.address, 10.0), threads=16, fill=6_000)  # a batch has many blocks
        wait_for(lambda: len(load.acknowledged) > 100)
        with failing(tmp_path / "image", disk):
            wait_for(lambda: len(load.failed) > 20)
            if is_killed:
                writer.kill()
                writer.wait()
        if is_killed:
            writer = bench.start()
        count = len(load.acknowledged)
        wait_for(lambda: len(load.acknowledged) > count + 50)
        load.end()
        assert any("Input/output" in reason for reason in load.reasons), load.reasons
        writer.terminate()
        writer.wait(10)
        subprocess.run(["umount", str(disk)], check=True)  # what was only in the cache is gone
        subprocess.run(["mount", "-o", "loop", str(tmp_path / "image"), str(disk)], check=True)
        sound(bench, load)
        assert is_killed or any(event["kind"] == "gap" for event in bench.events())


def test_copying_and_cutting_under_load_is_a_gap_that_verify_counts(bench, tmp_path):
    """logrotate's copytruncate loses what is written between its two steps; it does not go unseen."""
    bench.start()
    load = Load(WriterClient(bench.address, 10.0), threads=4, rest=0.001)
    wait_for(lambda: len(load.acknowledged) > 50)
    copy = tmp_path / "copy"
    shutil.copy(bench.path, copy)
    time.sleep(0.05)
    os.truncate(bench.path, 0)
    count = len(load.acknowledged)
    wait_for(lambda: len(load.acknowledged) > count + 50)
    load.end()
    lines = [*octets_of(copy, bench.path)]
    report = verify(lines)
    gap = next(remark for remark in report.remarks if remark.kind == "gap")
    kept = {event["id"] for event in [*bench.events(copy)] if event["kind"] == "decision"}
    assert report.broken is None, report
    assert gap.missing >= len(load.acknowledged.keys() - kept)
    assert gap.missing > 0


@pytest.mark.parametrize("disk", ["tmpfs"], indirect=True)
def test_the_gate_defers_while_the_disk_is_full_and_then_goes_on(folder: Path, disk: Path) -> None:
    pytest.importorskip("milter", reason="pymilter is not installed")
    gate = Gate(folder, profile_text("enforce"))
    gate.audit_log = disk / "audit.jsonl"
    with gate:
        with opened(gate) as wire:
            codes = [transact(wire, LETTER).code for _ in range(5)]
            assert codes == ["250"] * 5
            filler = fill(disk)
            codes += [transact(wire, LETTER).code for _ in range(10)]
            wait_for(lambda: codes.append(transact(wire, LETTER).code) or codes[-1] == "451")
            supervisor, workers = gate.pid, gate.status()["workers"]
            filler.unlink()
            wait_for(lambda: codes.append(transact(wire, LETTER).code) or codes[-1] == "250")
        assert set(codes) == {"250", "451"}
        assert (gate.pid, gate.status()["workers"]) == (supervisor, workers)  # nobody was restarted for it
        assert len([e for e in gate.events("decision") if e["verdict"] == "accept"]) >= codes.count("250")
        gate.stop()
        with gate.audit_log.open("rb") as file:
            report = verify(file, key=Key.parse((folder / "state" / "audit.pub").read_text()))
        assert report.is_whole
        assert report.unsealed == 0
        assert Note.parse((folder / "state" / "checkpoint").read_text()).size == report.head.seq - 1


@pytest.mark.skipif(not CAN_TRACE, reason="strace is not installed, or may trace nothing here")
def test_the_gate_defers_while_no_sync_succeeds_and_then_goes_on(folder: Path) -> None:
    pytest.importorskip("milter", reason="pymilter is not installed")
    with Gate(folder, profile_text("enforce")) as gate:
        supervisor, workers = gate.pid, gate.status()["workers"]
        with opened(gate) as wire:
            codes = [transact(wire, LETTER).code for _ in range(5)]
            assert codes == ["250"] * 5
            words = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", "inject=fsync,fdatasync:error=EIO"]
            strace = subprocess.Popen([*words, "-p", str(writer_of(supervisor, gate.audit_log))])
            try:
                wait_for(lambda: codes.append(transact(wire, LETTER).code) or codes[-1] == "451")
                while_sick = [transact(wire, LETTER).code for _ in range(10)]
            finally:
                strace.terminate()
                strace.wait(10)
            wait_for(lambda: codes.append(transact(wire, LETTER).code) or codes[-1] == "250")
        assert while_sick == ["451"] * 10
        assert (gate.pid, gate.status()["workers"]) == (supervisor, workers)
        assert [event["why"] for event in gate.events("gap")] == ["Input/output error"] * len(gate.events("gap")) != []
        assert len([e for e in gate.events("decision") if e["verdict"] == "accept"]) >= codes.count("250")
        gate.stop()
        with gate.audit_log.open("rb") as file:
            assert verify(file, key=Key.parse((folder / "state" / "audit.pub").read_text())).is_whole
