"""The audit file: what was acknowledged stays, and whatever befalls the file leaves a record for `verify`."""

import fcntl
import hashlib
import json
import os
import resource
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sealgate.adapters.journal import LockTimeout
from sealgate.adapters.journal.end import WINDOW
from sealgate.app.ports import PortError
from sealgate.audit.chain import cut
from sealgate.audit.verifier import START, Head, verify
from tests.unit.journals import alone, events_in, file_limited, numbered, opened, report_of


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "audit.jsonl"


def test_lines_are_numbered_and_linked_over_batches_and_openings(path):
    with_first = opened(path)
    assert with_first.append(numbered(1, 2)) == 2
    assert with_first.append([]) == 2
    assert with_first.append(numbered(3)) == 3
    head = with_first.head
    with_first.close()
    again = opened(path)
    assert again.head == head
    assert again.append(numbered(4)) == 4
    report = report_of(path)
    assert (report.lines, report.head, report.is_whole) == (4, again.head, True)
    assert [event["n"] for event in events_in(path)] == [1, 2, 3, 4]
    again.close()


def test_the_file_is_0640_whatever_the_umask_is_and_keeps_a_mode_it_had(path):
    before = os.umask(0o077)
    try:
        opened(path).close()
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    path.chmod(0o600)
    opened(path).close()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize("kind", ["link", "dangling", "pipe", "folder", "foreign", "missing"])
def test_what_is_not_an_audit_file_is_refused_and_left_as_it_is(path, tmp_path, kind):
    other = tmp_path / "other"
    if kind == "link":
        other.write_bytes(b"")
        path.symlink_to(other)
    elif kind == "dangling":
        path.symlink_to(other)
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    elif kind == "foreign":
        path.write_bytes(b"root:x:0:0::/root:/bin/sh\n")
    else:
        path = tmp_path / "none" / "audit.jsonl"
    with pytest.raises(PortError):
        opened(path)
    if kind == "foreign":
        assert path.read_bytes() == b"root:x:0:0::/root:/bin/sh\n"
    assert kind != "dangling" or not other.exists()


def test_only_one_process_holds_it_and_the_next_waits_for_as_long_as_told(path):
    first = opened(path)
    began = time.monotonic()
    with pytest.raises(LockTimeout):
        opened(path, wait=0.2)
    assert 0.2 <= time.monotonic() - began < 3.0
    first.close()
    opened(path).close()


def test_a_waiting_opener_reads_the_end_only_when_it_holds_the_lock(path):
    script = (
        "import sys; from sealgate.adapters.journal import JournalFile; from sealgate.audit.chain import cut;"
        "print(JournalFile(sys.argv[1]).append([cut({})]))"
    )
    first = opened(path)
    how = {"stdout": subprocess.PIPE, "env": {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}}
    with subprocess.Popen([sys.executable, "-c", script, str(path)], **how) as waiting:
        time.sleep(0.3)
        first.append(numbered(1, 2, 3))
        first.close()
        assert waiting.communicate(timeout=10)[0] == b"4\n"
    assert report_of(path).is_whole


@pytest.mark.parametrize("torn", [b"{", b'{"n":4,"prev":"00', b"\0" * 700, b"x\n\ny", b"junk\n", b"\n"])
def test_a_torn_end_is_named_by_a_record_and_the_chain_goes_on(path, torn):
    journal = opened(path)
    journal.append(numbered(1, 2))
    journal.close()
    with path.open("ab") as file:
        file.write(torn)
    journal = opened(path)
    assert journal.append(numbered(3)) == 4
    journal.close()
    rest = torn.removesuffix(b"\n")
    record = next(event for event in events_in(path) if event.get("kind") == "recovered")
    assert (record["octets"], record["sha256"], record["host"]) == (
        len(rest), hashlib.sha256(rest).hexdigest(), "relay1",
    )  # fmt: skip
    report = report_of(path)
    assert report.is_whole
    assert report.head == journal.head
    assert [(note.kind, note.octets) for note in report.remarks] == [("recovered", len(rest))]
    assert rest in path.read_bytes()  # never taken away


def test_every_place_at_which_a_write_may_be_cut_is_recovered(path):
    journal = opened(path)
    journal.append(numbered(1))
    journal.append(numbered(2))
    journal.close()
    whole = path.read_bytes()
    first = whole.index(b"\n") + 1
    for place in range(1, len(whole)):
        path.write_bytes(whole[:place])
        journal = opened(path)
        journal.append(numbered(9))
        journal.close()
        report = report_of(path)
        assert report.is_whole, place
        assert report.head == journal.head
        # A line that only lacks its newline is whole, and stays; so does a file that ends between lines.
        assert journal.head.seq == (place >= first - 1) + (place >= len(whole) - 1) + (place != first) + 1


def test_of_a_long_file_only_the_end_is_read(path, monkeypatch):
    journal = opened(path)
    for n in range(12):
        journal.append([cut({"n": n, "fill": "x" * 900_000})])
    journal.close()
    read = []
    pread = os.pread
    monkeypatch.setattr(os, "pread", lambda fd, size, at: read.append(size) or pread(fd, size, at))
    journal = opened(path)
    assert journal.append(numbered(1)) == 13
    journal.close()
    assert sum(read) == WINDOW  # once: the file names its tree in its last octets
    assert report_of(path).is_whole


@pytest.mark.parametrize("is_made", [False, True])
def test_after_a_rename_the_chain_goes_on_in_the_new_file(path, is_made):
    journal = opened(path)
    journal.append(numbered(1, 2))
    old = path.with_suffix(".jsonl.1")
    path.rename(old)
    if is_made:  # logrotate's `create`
        path.touch()
    assert journal.append(numbered(3)) == 4
    journal.close()
    assert [event["n"] for event in events_in(old)] == [1, 2]
    report = report_of(old, path)
    assert (report.lines, report.head, report.remarks, report.is_whole) == (4, journal.head, (), True)
    assert report_of(path).broken is not None
    assert alone(path).is_whole
    assert events_in(path)[0]["kind"] == "rotated"


def test_a_rename_found_while_closing_leaves_the_next_writer_a_line_to_go_on_from(path):
    journal = opened(path)
    journal.append(numbered(1, 2))
    old = path.with_suffix(".jsonl.1")
    path.rename(old)
    journal.close()
    journal = opened(path)
    assert journal.append(numbered(4)) == 4
    journal.close()
    assert report_of(old, path).is_whole
    assert events_in(path)[0]["kind"] == "rotated"


def test_copying_and_cutting_leaves_a_gap_and_verify_counts_what_is_missing(path):
    journal = opened(path)
    journal.append(numbered(*range(5)))
    lines = path.read_bytes().splitlines(keepends=True)
    os.truncate(path, 0)
    assert journal.append(numbered(9)) == 7
    journal.close()
    after = path.read_bytes().splitlines(keepends=True)
    assert json.loads(after[0])["kind"] == "gap"
    assert verify(lines + after).is_whole
    report = verify(lines[:3] + after)
    assert report.broken is None
    assert not report.is_whole
    assert [(note.line, note.missing) for note in report.remarks] == [(4, 2)]


@pytest.mark.parametrize("foreign", [b"x", b"hello\n", b"{}\n{}\nx"])
def test_what_another_hand_writes_is_named_and_does_not_spoil_our_lines(path, foreign):
    journal = opened(path)
    journal.append(numbered(1))
    with path.open("ab") as file:
        file.write(foreign)
    assert journal.append(numbered(2)) == 3
    journal.close()
    report = report_of(path)
    assert report.broken is None
    assert [(note.kind, note.octets) for note in report.remarks] == [("gap", len(foreign.removesuffix(b"\n")))]
    assert "another hand" in report.remarks[0].why


def test_another_file_in_its_place_gets_a_gap_and_our_numbers(path):
    journal = opened(path)
    journal.append(numbered(1, 2, 3))
    other = path.with_name("other")
    other.write_bytes(b"foreign\n")
    other.rename(path)
    assert journal.append(numbered(4)) == 5
    journal.close()
    assert [event.get("seq") for event in events_in(path)] == [4, 5]


@pytest.fixture
def file_limit():
    with file_limited() as limit:
        yield limit


@pytest.mark.parametrize("room", [0, 1, 50, 150, 151, 152, 400])
def test_a_full_disk_is_a_port_error_and_the_file_recovers_by_itself(path, file_limit, room):
    journal = opened(path)
    journal.append(numbered(1, 2))
    file_limit(path.stat().st_size + room)
    for _ in range(3):
        with pytest.raises(PortError):
            journal.append(numbered(*range(100, 110)))
    synced = journal.head
    file_limit(resource.RLIM_INFINITY)
    journal.append(numbered(3))
    head = journal.head
    journal.close()
    report = report_of(path)
    assert report.is_whole
    assert report.head == head
    assert report.remarks[-1].kind == "gap"
    assert synced == Head(2, synced.digest)
    assert [event["n"] for event in events_in(path) if event.get("n", 99) < 99] == [1, 2, 3]
    opened(path).close()


def test_a_disk_that_is_full_when_the_file_is_opened_fails_each_append_until_there_is_room(path, file_limit):
    journal = opened(path)
    journal.append(numbered(1))
    journal.close()
    with path.open("ab") as file:
        file.write(b"torn")
    file_limit(path.stat().st_size + 10)
    journal = opened(path)
    with pytest.raises(PortError):
        journal.append(numbered(2))
    file_limit(resource.RLIM_INFINITY)
    journal.append(numbered(2))
    journal.close()
    assert report_of(path).is_whole
    assert report_of(path).head == journal.head


def test_a_failed_sync_is_no_acknowledgement_and_the_lines_are_marked_as_doubtful(path, monkeypatch):
    journal = opened(path)
    journal.append(numbered(1))
    synced = journal.head
    fdatasync = os.fdatasync

    def fail(fd: int) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "fdatasync", fail)
    with pytest.raises(PortError, match="Input/output"):
        journal.append(numbered(2, 3))
    monkeypatch.setattr(os, "fdatasync", fdatasync)
    journal.append(numbered(4))
    journal.close()
    whole = path.read_bytes().splitlines()
    record = json.loads(whole[3])
    assert (record["kind"], record["synced"]) == ("gap", {"seq": synced.seq, "digest": synced.digest})
    assert verify(whole).is_whole
    # The kernel may have thrown away what it could not write, and the disk then holds old octets there.
    assert verify([whole[0], b"\0" * 999, *whole[3:]]).is_whole


def test_after_a_failure_it_pauses_rather_than_hammer_a_sick_disk(path, monkeypatch):
    journal = opened(path, pause=60.0)
    calls = []

    def fail(fd: int) -> None:
        calls.append(fd)
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "fdatasync", fail)
    for _ in range(5):
        with pytest.raises(PortError):
            journal.append(numbered(1))
    assert len(calls) == 1
    journal.close()


def test_short_writes_are_carried_on(path, monkeypatch):
    journal = opened(path)
    write = os.write
    monkeypatch.setattr(os, "write", lambda fd, octets: write(fd, octets[:7]))
    journal.append(numbered(1, 2))
    journal.close()
    report = report_of(path)
    assert (report.lines, report.head, report.is_whole) == (2, journal.head, True)


def test_a_refused_file_does_not_keep_the_lock(path):
    path.write_bytes(b"foreign\n")
    with pytest.raises(PortError):
        opened(path)
    with open(f"{path}.lock", "rb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_a_fresh_file_starts_the_chain(path):
    journal = opened(path)
    assert journal.head == START
    journal.close()
