"""A disk that is full, sick, or cut under the writer: lines in flight are written, then none, then all again."""

import errno
import os
import resource
import time
from pathlib import Path

import pytest

from sealgate.adapters.journal.reserve import OCTETS
from sealgate.app.ports import PortError
from sealgate.audit.verifier import verify
from tests.unit.journals import (
    Disk,
    agrees,
    events_in,
    file_limited,
    numbered,
    opened,
    proven,
    report_of,
    sealed,
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "audit.jsonl"


@pytest.fixture
def file_limit():
    with file_limited() as limit:
        yield limit


@pytest.mark.parametrize("room", [0, 100, 300])
def test_a_file_renamed_while_the_disk_was_full_takes_its_pieces_along(path, file_limit, room):
    """An operator whose disk is full rotates: what was not acknowledged is explained by the new file's first line."""
    journal = sealed(path)
    journal.append(numbered(1, 2))
    file_limit(path.stat().st_size + room)
    with pytest.raises(PortError):
        journal.append(numbered(*range(100, 110)))
    old = path.with_name("audit.jsonl.1")
    path.rename(old)
    file_limit(resource.RLIM_INFINITY)
    journal.append(numbered(3))
    journal.close()
    report = proven(old, path)
    assert report.is_whole
    assert agrees(journal, report)
    assert proven(path, start=None).is_whole
    assert events_in(path)[0]["kind"] == "gap"
    assert events_in(path)[0]["synced"]["seq"] == 2


@pytest.mark.parametrize("left", [0, 1, 100, 200, 1_000])
def test_on_a_full_disk_the_lines_in_flight_are_written_and_no_others(path, tmp_path, monkeypatch, left):
    disk = Disk(monkeypatch, tmp_path, 4 * OCTETS)
    journal = sealed(path)
    filler = tmp_path / "filler"
    filler.write_bytes(bytes(disk.room - left))
    room = disk.room
    assert room == left
    last = journal.append(numbered(*range(20)))  # more than is left: from the reserve
    kinds = [event.get("kind") for event in events_in(path)]
    assert (last, kinds[-1], len(kinds)) == (20, "full", 21)
    size = path.stat().st_size
    for _ in range(5):
        with pytest.raises(PortError, match="full"):
            journal.append(numbered(99))
    with pytest.raises(PortError, match="full"):
        journal.tick()
    assert path.stat().st_size == size
    filler.write_bytes(bytes(disk.octets - size - OCTETS - 100))  # room for little more than the reserve
    with pytest.raises(PortError, match="full"):
        journal.append(numbered(99))
    filler.unlink()
    journal.tick()  # by itself
    assert journal.append(numbered(21)) == 23
    journal.close()
    assert [event["over"] for event in events_in(path) if event.get("kind") == "full"] == [False, True]
    report = proven(path)
    assert (report.is_whole, report.remarks) == (True, ())
    assert agrees(journal, report)


def test_while_the_disk_is_full_it_is_not_asked_for_room_by_each_message(path, tmp_path, monkeypatch):
    disk = Disk(monkeypatch, tmp_path, 4 * OCTETS)
    journal = sealed(path, pause=60.0)
    (tmp_path / "filler").write_bytes(bytes(disk.room - 10))
    journal.append(numbered(1))
    asked = []
    fstatvfs = os.fstatvfs
    monkeypatch.setattr(os, "fstatvfs", lambda fd: asked.append(fd) or fstatvfs(fd))
    for _ in range(5):
        with pytest.raises(PortError, match="full"):
            journal.append(numbered(99))
    assert len(asked) <= 1
    journal.close()


def test_without_room_for_a_reserve_at_the_start_it_is_taken_later(path, tmp_path, monkeypatch):
    disk = Disk(monkeypatch, tmp_path, 4 * OCTETS)
    filler = tmp_path / "filler"
    filler.write_bytes(bytes(disk.room - OCTETS))
    journal = sealed(path)
    assert not (tmp_path / "audit.jsonl.reserve").exists()
    journal.append(numbered(1))
    filler.unlink()
    journal.tick()
    assert (tmp_path / "audit.jsonl.reserve").stat().st_size == OCTETS
    journal.close()
    assert not (tmp_path / "audit.jsonl.reserve").exists()


def test_pauses_double_while_the_disk_stays_sick(path, monkeypatch):
    now, tried = time.monotonic(), []
    monkeypatch.setattr(time, "monotonic", lambda: now)
    journal = opened(path, pause=1.0)

    def fail(fd: int) -> None:
        tried.append(round(now - began))
        raise OSError(errno.EIO, "Input/output error")

    began = now
    fdatasync = os.fdatasync
    monkeypatch.setattr(os, "fdatasync", fail)
    for _ in range(80):
        with pytest.raises(PortError):
            journal.append(numbered(1))
        now += 1
    assert tried == [0, 1, 3, 7, 15, 31, 47, 63, 79]
    monkeypatch.setattr(os, "fdatasync", fdatasync)
    now += 16
    journal.append(numbered(2))
    journal.close()
    assert report_of(path).is_whole


def test_a_failed_sync_of_the_interval_is_not_tried_again_on_the_same_pages(path, monkeypatch):
    journal = sealed(path)
    journal.append(numbered(1), sync=False)
    fdatasync, failed = os.fdatasync, []

    def once(fd: int) -> None:
        if not failed:
            failed.append(fd)
            raise OSError(errno.EIO, "Input/output error")
        fdatasync(fd)

    monkeypatch.setattr(os, "fdatasync", once)
    with pytest.raises(PortError):
        journal.sync()
    journal.tick()
    kinds = [event.get("kind") for event in events_in(path)]
    assert kinds == ["decision", "gap"]
    journal.close()
    assert proven(path).is_whole


def test_a_sync_of_a_file_system_that_has_just_given_up_is_no_acknowledgement(path, monkeypatch):
    """ext4 says yes to it once more: what tells is the next step that needs its journal."""
    journal = sealed(path)
    utime, failed = os.utime, []

    def once(fd: int) -> None:
        if not failed:
            failed.append(fd)
            raise OSError(errno.EROFS, "Read-only file system")
        utime(fd)

    monkeypatch.setattr(os, "utime", once)
    with pytest.raises(PortError, match="Read-only"):
        journal.append(numbered(1))
    journal.tick()
    journal.close()
    assert proven(path).is_whole


def test_a_file_cut_between_the_look_and_the_write_is_no_acknowledgement(path, monkeypatch):
    journal = sealed(path)
    journal.append(numbered(1, 2, 3))
    copy = path.with_name("audit.jsonl.1")
    write = os.write

    def cut_first(fd: int, octets: bytes) -> int:
        monkeypatch.setattr(os, "write", write)
        copy.write_bytes(path.read_bytes())
        os.truncate(path, 0)
        return write(fd, octets)

    monkeypatch.setattr(os, "write", cut_first)
    with pytest.raises(PortError):
        journal.append(numbered(4))
    journal.append(numbered(5))
    journal.close()
    report = proven(copy, path)
    assert report.is_whole
    assert agrees(journal, report)


def test_a_foreign_chain_in_its_place_is_not_gone_on_from(path, tmp_path):
    journal = sealed(path)
    journal.append(numbered(1, 2, 3))
    own = path.read_bytes()
    other = sealed(tmp_path / "other.jsonl")
    other.append(numbered(*range(9)))
    other.close()
    (tmp_path / "other.jsonl").rename(path)
    journal.append(numbered(4))
    journal.close()
    record = next(event for event in events_in(path) if event.get("kind") == "gap")
    assert (record["seq"], record["synced"]["seq"]) == (4, 3)
    assert agrees(journal, verify([*own.splitlines(), *path.read_bytes().splitlines()[10:]]))
    assert proven(path).broken is not None
