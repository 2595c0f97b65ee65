"""Checkpoints, and the end of the chain: the tree is known again after whatever befell the file."""

import gzip
import os
import time
from pathlib import Path

import pytest

from sealgate.adapters.journal import end, file
from sealgate.app.ports import PortError
from sealgate.audit.chain import cut, link
from sealgate.audit.note import quickly_signed
from sealgate.audit.verifier import START, Note, verify
from tests.unit.journals import KEY, agrees, events_in, kill, numbered, opened, proven, sealed


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "audit.jsonl"


def test_a_checkpoint_comes_after_so_many_lines_and_takes_no_second_sync(path, monkeypatch):
    monkeypatch.setattr(file, "CHECKPOINT_LINES", 5)
    syncs = []
    fdatasync = os.fdatasync
    monkeypatch.setattr(os, "fdatasync", lambda fd: syncs.append(fd) or fdatasync(fd))
    journal = sealed(path)
    assert [journal.append(numbered(n)) for n in range(7)] == [1, 2, 3, 4, 5, 7, 8]
    assert len(syncs) == 7
    assert [event["seq"] for event in events_in(path) if event.get("kind") == "checkpoint"] == [6]
    assert agrees(journal, proven(path))
    journal.close()
    report = proven(path)
    assert (report.is_whole, report.signed, report.unsealed) == (True, 2, 0)


def test_a_checkpoint_comes_before_a_window_is_full_of_long_lines(path, monkeypatch):
    monkeypatch.setattr(file, "CHECKPOINT_OCTETS", 10_000)
    journal = sealed(path)
    for n in range(9):
        journal.append([cut({"n": n, "fill": "x" * 2_500})])
    assert [event["seq"] for event in events_in(path) if event.get("kind") == "checkpoint"] == [5, 10]
    journal.close()


def test_a_checkpoint_comes_a_minute_after_the_last_where_there_were_lines(path, monkeypatch):
    now = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now)
    published: list[str] = []
    journal = sealed(path, publish=published.append)
    journal.append(numbered(1))
    now += 59
    journal.tick()
    assert published == []
    now += 1
    journal.tick()
    assert [Note.parse(note).size for note in published] == [1]
    for _ in range(3):  # the checkpoint itself wants no checkpoint
        now += 61
        journal.tick()
    assert (len(published), journal.head.seq) == (1, 2)
    journal.append(numbered(2))
    journal.tick()
    assert [Note.parse(note).size for note in published] == [1, 3]
    journal.close()
    assert proven(path).is_whole


def test_a_note_is_published_only_when_its_line_is_on_disk_and_again_where_that_failed(path, monkeypatch):
    monkeypatch.setattr(file, "CHECKPOINT_LINES", 2)
    said: list[str] = []
    fails = [True]

    def publish(note: str) -> None:
        on_disk = [event["note"] for event in events_in(path) if event.get("kind") == "checkpoint"]
        assert note in on_disk
        assert not journal._is_unsynced
        if fails.pop() if fails else False:
            raise PortError("the state folder is full")
        said.append(note)

    journal = sealed(path, publish=publish)
    journal.append(numbered(1, 2), sync=False)
    assert journal._is_unsynced
    with pytest.raises(PortError, match="state folder"):
        journal.tick()
    journal.append(numbered(3))  # a note that cannot be published holds up no line
    journal.tick()
    assert len(said) == 1
    journal.close()
    assert Note.parse(said[-1]).size == journal.head.seq - 1


@pytest.mark.parametrize("is_made", [False, True])
def test_a_new_file_begins_with_a_checkpoint_and_is_proven_alone(path, is_made):
    journal = sealed(path)
    journal.append(numbered(1, 2, 3))
    old = path.with_name("audit.jsonl-20261121")
    path.rename(old)
    if is_made:
        path.touch()
    journal.tick()  # found also where no mail comes
    assert events_in(path)[0]["kind"] == "checkpoint"
    journal.append(numbered(4))
    journal.close()
    assert proven(old, path).is_whole
    report = proven(path, start=None)
    assert (report.is_whole, report.first, report.signed) == (True, 4, 2)
    assert agrees(journal, report)


@pytest.mark.parametrize(
    "name", ["audit.jsonl.1", "audit.jsonl-20261121", "audit.jsonl-2026112104.gz", "audit.jsonl.1.gz"]
)
@pytest.mark.parametrize("torn", [b"", b"{torn", b"\n", b"{torn\n"])
@pytest.mark.parametrize("is_made", [False, True])
def test_a_file_renamed_while_no_writer_ran_is_gone_on_from(path, name, torn, is_made):
    journal = sealed(path)
    journal.append(numbered(1, 2, 3))
    kill(journal)
    with path.open("ab") as rest:
        rest.write(torn)
    old = path.with_name(name)
    content = path.read_bytes()
    old.write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    path.unlink()
    if is_made:
        path.touch()
    for older, number in (("audit.jsonl.2", 7), ("audit.jsonl.lock.1", 8), ("other.jsonl.1", 9), ("audit.jsonl.1x", 9)):
        stray = path.with_name(older)
        stray.write_bytes(link({"n": number}, number, "0" * 64, "2026") + b"\n")
        os.utime(stray, (1, 1) if number == 7 else None)
    journal = sealed(path)
    assert journal.append(numbered(4)) == 5
    journal.close()
    lines = [*content.splitlines(keepends=True), *path.read_bytes().splitlines(keepends=True)]
    report = verify(lines, key=KEY.public, signed=quickly_signed)
    assert report.is_whole
    assert [remark.kind for remark in report.remarks] == ["recovered"] * bool(torn)
    assert agrees(journal, report)
    assert proven(path, start=None).is_whole


def test_an_older_file_that_is_not_ours_or_is_damaged_is_passed_over(path):
    path.with_name("audit.jsonl.1.gz").write_bytes(b"\x1f\x8bnot gzip")
    path.with_name("audit.jsonl.2").write_bytes(b"another program's\n")
    path.with_name("audit.jsonl.3").symlink_to("/etc/passwd")
    os.mkfifo(path.with_name("audit.jsonl.4"))
    path.with_name("audit.jsonl.5").mkdir()
    journal = sealed(path)
    assert (journal.head, journal.append(numbered(1))) == (START, 1)
    journal.close()


def test_the_tree_is_known_again_after_any_end(path, monkeypatch):
    monkeypatch.setattr(file, "CHECKPOINT_LINES", 4)
    for round_ in range(12):
        journal = sealed(path)
        journal.append(numbered(*range(round_ % 5)))
        journal.append(numbered(round_))
        assert agrees(journal, proven(path))
        if round_ % 3 == 0:
            journal.close()
        else:
            kill(journal)
            with path.open("ab") as torn:
                torn.write(b"{torn" * (round_ % 3 - 1))
    sealed(path).close()
    assert proven(path).is_whole


def test_a_long_file_without_a_checkpoint_near_its_end_is_read_from_its_beginning(path, monkeypatch):
    monkeypatch.setattr(end, "WINDOW", 2_000)
    journal = opened(path)
    for n in range(50):
        journal.append(numbered(n))
    journal.close()
    journal = sealed(path)
    journal.append(numbered(50))
    assert agrees(journal, proven(path))
    journal.close()


def test_a_hole_that_a_power_failure_left_is_void_with_what_stands_behind_it(path):
    journal = sealed(path)
    journal.append(numbered(1, 2))
    whole = path.stat().st_size
    journal.append(numbered(*range(100, 140)))  # say nobody was told
    kill(journal)
    content = bytearray(path.read_bytes())
    content[whole : whole + 1_000] = bytes(1_000)
    path.write_bytes(content)
    journal = sealed(path)
    assert journal.append(numbered(3)) == 4
    journal.close()
    report = proven(path)
    assert report.is_whole
    assert agrees(journal, report)
    assert [(remark.kind, remark.octets) for remark in report.remarks] == [("recovered", len(content) - whole - 1)]


def test_a_line_that_was_changed_while_no_writer_ran_is_still_found(path):
    """What a power failure explains is zeros; a hand that edits lines leaves none."""
    journal = sealed(path)
    journal.append(numbered(*range(10, 20)))
    journal.close()
    path.write_bytes(path.read_bytes().replace(b'"n":12', b'"n":99'))
    journal = sealed(path)
    journal.append(numbered(20))
    journal.close()
    report = proven(path)
    assert report.broken is not None
    assert report.broken.line == 4
