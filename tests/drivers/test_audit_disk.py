"""Disks that fail under the real writer: full, sick, not to be written, copied and cut. Nothing acknowledged is lost.

A disk of 20 MB is a file that is mounted (root), else a tmpfs; where neither can be had, the test says so and is
skipped.
"""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from sealgate.adapters.writer import WriterClient
from sealgate.app.ports import PortError
from sealgate.audit.verifier import Key, Note, verify
from tests.drivers.cases import profile_text
from tests.drivers.socket import transact
from tests.drivers.test_daemon import LETTER, opened
from tests.drivers.writers import Bench, Load, bench_in, octets_of, wait_for
from tests.lab.gate import Gate

pytestmark = pytest.mark.daemon


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
    if request.param == "ext4":
        with image.open("wb") as file:
            file.truncate(20 << 20)
        if not shutil.which("mkfs.ext4", path="/usr/sbin:/sbin:/usr/bin"):
            pytest.skip("mkfs.ext4 is not installed")
        subprocess.run(["/sbin/mkfs.ext4", "-q", "-m", "0", str(image)], check=True)
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


def sound(bench: Bench, *loads: Load) -> None:
    """Every line that was acknowledged is there once, and the file is whole by chain, tree and key."""
    seen = {event["id"]: event["seq"] for event in bench.events() if event["kind"] == "decision"}
    for load in loads:
        assert load.acknowledged.items() <= seen.items()
    assert bench.state is not None
    key = Key.parse((bench.state / "audit.pub").read_text())
    report = verify(octets_of(bench.path), key=key)
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
        wait_for(lambda: len(load.acknowledged) > count + 200, 20)
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
    wait_for(lambda: len(load.acknowledged) > count + 50, 20)
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


@pytest.mark.skipif(not shutil.which("strace"), reason="strace is not installed")
@pytest.mark.parametrize(
    "what", ["fdatasync:error=EIO:when=40..42", "write:error=EIO:when=60..62", "fdatasync:error=ENOSPC:when=50"]
)
def test_a_sync_that_fails_is_a_gap_and_no_acknowledgement(bench, what):
    call = what.partition(":")[0]
    under = ["strace", "-f", "-qq", "-o", "/dev/null", "-P", str(bench.path)]
    under += ["-e", f"trace={call}", "-e", f"inject={what}"]
    bench.start(under=under)
    load = Load(WriterClient(bench.address, 20.0), threads=4)
    wait_for(lambda: len(load.failed) > 0, 60)
    count = len(load.acknowledged)
    wait_for(lambda: len(load.acknowledged) > count + 50, 30)  # by itself
    load.end()
    assert any("Input/output" in reason or "No space" in reason for reason in load.reasons), load.reasons
    sound(bench, load)
    record = next(event for event in bench.events() if event["kind"] == "gap")
    assert record["synced"]["seq"] < record["seq"]


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
