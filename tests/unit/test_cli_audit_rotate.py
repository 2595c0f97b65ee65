"""`sealgate audit rotate`: files renamed, packed, removed, and what is left is one whole piece of the chain."""

import fcntl
import gzip
import json
import os
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from sealgate.adapters import epochs, rotating
from sealgate.adapters.auditfiles import files_of
from sealgate.adapters.journal import opening
from sealgate.audit.chain import cut
from sealgate.cli import EX_CANTCREAT, EX_CONFIG, EX_TEMPFAIL, EX_USAGE
from tests.unit.recorded_host import Host, day
from tests.unit.test_cli_audit_verify import Done, audit

BOB = "bob@example.net"
At = Callable[[str], None]


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(tmp_path)


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch) -> At:
    """Set the writer's clock."""

    def set_to(text: str) -> None:
        set_clock(monkeypatch, day(text) if text else datetime.now(UTC))

    return set_to


def set_clock(monkeypatch: pytest.MonkeyPatch, moment: datetime) -> None:
    """What the writer takes for now."""

    class Stopped(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> datetime:
            return moment.astimezone(tz)

    monkeypatch.setattr(opening, "datetime", Stopped)


def rotate(host: Host, *arguments: object) -> Done:
    return audit("rotate", "--settings", host.settings, *arguments)


def names(host: Host) -> list[str]:
    return [path.name for path in files_of(host.log)]


def lines(host: Host, count: int, text: str = "x" * 100) -> None:
    host.append(*({"kind": "decision", "id": str(n), "text": text} for n in range(count)))


def filed(host: Host, at: At, *days: str) -> None:
    """One renamed file for each day, and a live one behind them."""
    for one in days:
        at(one)
        lines(host, 3)
        host.log.rename(host.log.with_name(f"audit.jsonl-{one.replace('-', '')}-120000"))
    at("")
    lines(host, 1)


# -- renaming ----------------------------------------------------------------------------------------------------------


def test_a_large_file_is_renamed_and_the_chain_goes_on_with_a_checkpoint(host: Host) -> None:
    lines(host, 20)
    before = datetime.now(UTC) - timedelta(seconds=1)
    done = rotate(host, "--size", "1k")
    assert done.returncode == 0, done.stderr
    assert "larger than 1024 octets" in done.stdout
    (name,) = names(host)
    moment = datetime.strptime(f"{name}+0000", "audit.jsonl-%Y%m%d-%H%M%S%z")
    assert before <= moment <= datetime.now(UTC)
    lines(host, 3)
    assert names(host) == [name, "audit.jsonl"]
    assert json.loads(host.log.read_bytes().splitlines()[0])["kind"] == "checkpoint"
    assert host.report().is_whole
    assert host.report().first == 1


@pytest.mark.parametrize(("hours", "is_renamed"), [(23, False), (25, True)])
def test_a_file_is_renamed_when_its_first_line_is_older_than_a_day(
    host: Host, monkeypatch: pytest.MonkeyPatch, hours: int, is_renamed: bool
) -> None:
    set_clock(monkeypatch, datetime.now(UTC) - timedelta(hours=hours))
    lines(host, 2)
    monkeypatch.undo()
    lines(host, 2)
    assert ("older than a day" in rotate(host).stdout) is is_renamed
    assert host.log.exists() is not is_renamed


def test_a_small_and_young_file_stays_unless_it_is_asked_for(host: Host) -> None:
    lines(host, 2)
    assert rotate(host).stdout == "nothing to do\n"
    assert names(host) == ["audit.jsonl"]
    assert "asked for" in rotate(host, "--now").stdout


def test_a_file_to_which_nothing_came_but_its_first_line_stays(host: Host) -> None:
    lines(host, 2)
    rotate(host, "--now")
    host.journal().close()  # a gate that starts and stops
    assert host.log.stat().st_size
    assert rotate(host, "--now").stdout == "nothing to do\n"


@pytest.mark.parametrize("content", [None, b""])
def test_no_file_and_an_empty_one_are_nothing_to_do(host: Host, content: bytes | None) -> None:
    if content is not None:
        host.log.write_bytes(content)
    assert rotate(host, "--now").stdout == "nothing to do\n"


def test_a_new_name_sorts_last_also_where_the_clock_was_set_back(host: Host) -> None:
    lines(host, 2)
    later = host.log.with_name("audit.jsonl-29990101-000000")
    host.log.rename(later)
    lines(host, 2)
    rotate(host, "--now")
    lines(host, 2)
    assert names(host) == ["audit.jsonl-29990101-000000.gz", "audit.jsonl-29990101-000001", "audit.jsonl"]
    assert host.report().is_whole


# -- packing -----------------------------------------------------------------------------------------------------------


def test_older_files_are_packed_and_the_newest_renamed_one_is_not(host: Host, at: At) -> None:
    filed(host, at, "2026-11-17", "2026-11-18", "2026-11-19")
    whole = {path.name: path.read_bytes() for path in files_of(host.log)}
    times = {path.name: path.stat().st_mtime_ns for path in files_of(host.log)}
    done = rotate(host)
    assert done.stdout.count("packed: ") == 2
    assert names(host) == [
        "audit.jsonl-20261117-120000.gz", "audit.jsonl-20261118-120000.gz", "audit.jsonl-20261119-120000",
        "audit.jsonl",
    ]  # fmt: skip
    for path in files_of(host.log)[:2]:
        assert gzip.decompress(path.read_bytes()) == whole[path.stem]
        assert path.stat().st_mtime_ns == times[path.stem], "the writer finds the chain's end by it"
        assert path.stat().st_mode & 0o777 == 0o640
    assert host.report().is_whole
    assert not list(host.log.parent.glob(".*packing*"))


def test_with_a_rename_the_file_before_it_is_packed(host: Host, at: At) -> None:
    filed(host, at, "2026-11-19")
    lines(host, 3)
    rotate(host, "--now")
    assert names(host)[0] == "audit.jsonl-20261119-120000.gz"
    assert not names(host)[1].endswith(".gz")


def test_a_run_that_was_killed_between_two_steps_is_put_right_by_the_next(host: Host, at: At) -> None:
    filed(host, at, "2026-11-17", "2026-11-18")
    first = files_of(host.log)[0]
    whole = first.read_bytes()
    first.with_name(f"{first.name}.gz").write_bytes(gzip.compress(whole)[:50])  # placed, perhaps not whole
    left = first.with_name(f".{first.name}.packing-abc")
    left.write_bytes(b"half")
    rotate(host)
    assert not left.exists()
    assert gzip.decompress(first.with_name(f"{first.name}.gz").read_bytes()) == whole
    assert host.report().is_whole


def test_numbered_files_are_logrotates_business(host: Host, at: At) -> None:
    filed(host, at, "2026-11-17", "2026-11-18")
    one, two = files_of(host.log)[:2]
    two.rename(host.log.with_name("audit.jsonl.1"))
    one.rename(host.log.with_name("audit.jsonl.2"))
    assert rotate(host).stdout == "nothing to do\n"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_root_leaves_packed_files_to_the_gates_account(host: Host, at: At) -> None:
    filed(host, at, "2026-11-17", "2026-11-18")
    os.chown(files_of(host.log)[0], 12345, 12346)
    rotate(host)
    status = files_of(host.log)[0].stat()
    assert (status.st_uid, status.st_gid) == (12345, 12346)


def test_the_gate_that_starts_without_a_live_file_finds_the_end_among_packed_ones(host: Host, at: At) -> None:
    filed(host, at, "2026-11-17", "2026-11-18", "2026-11-19")
    lines(host, 2)
    rotate(host, "--now")
    assert not host.log.exists()
    lines(host, 2)
    report = host.report()
    assert report.is_whole
    assert report.lines == report.head.seq


# -- removing ----------------------------------------------------------------------------------------------------------


def test_files_all_of_whose_lines_have_had_their_time_are_removed_and_the_rest_is_whole(host: Host, at: At) -> None:
    filed(host, at, "2020-01-01", "2021-01-01", "2025-11-01", "2026-11-20")
    done = rotate(host)
    assert done.returncode == 0, done.stderr
    assert "removed: audit.jsonl-20200101-120000" in done.stdout
    assert names(host) == ["audit.jsonl-20251101-120000.gz", "audit.jsonl-20261120-120000", "audit.jsonl"]
    report = host.report()
    assert report.is_whole
    assert report.first > 1
    assert report.frontier is not None, "the first file begins with a checkpoint"
    assert audit("verify", "--settings", host.settings).returncode == 0


def test_a_file_whose_last_line_is_young_stays_however_old_its_first_is(
    host: Host, at: At, monkeypatch: pytest.MonkeyPatch
) -> None:
    at("2020-01-01")
    lines(host, 3)
    monkeypatch.undo()
    lines(host, 3)
    host.log.rename(host.log.with_name("audit.jsonl-20200101-120000"))
    lines(host, 1)
    assert "removed" not in rotate(host).stdout


def test_a_clock_that_was_wrong_for_a_moment_removes_nothing(host: Host, at: At) -> None:
    """First and last line bear a time of 1999, those between them of this year."""
    for one in ("1999-01-01", "2026-11-01", "1999-01-02"):
        at(one)
        lines(host, 3)
    host.log.rename(host.log.with_name("audit.jsonl-20261101-120000"))
    at("")
    lines(host, 3)
    assert rotate(host).stdout == "nothing to do\n"


def test_only_the_oldest_go_in_a_row(host: Host, at: At) -> None:
    for number, one in ((3, "2026-11-01"), (2, "2020-01-01"), (1, "2020-02-01")):
        at(one)
        lines(host, 3)
        host.log.rename(host.log.with_name(f"audit.jsonl.{number}"))
    at("")
    lines(host, 1)
    assert names(host)[0] == "audit.jsonl.3"
    assert rotate(host).stdout == "nothing to do\n"


def test_under_a_legal_hold_files_are_packed_and_nothing_is_removed(host: Host, at: At) -> None:
    host.send(day("2020-02-03"), BOB)
    filed(host, at, "2020-01-01", "2021-01-01")
    host.say(hold="yes")
    done = rotate(host)
    assert done.returncode == 0
    assert "nothing was removed: " in done.stdout
    assert "legal_hold: yes" in done.stdout
    assert len(names(host)) == 3
    assert host.values("2020q1")
    assert "packed" in done.stdout


def test_where_the_profile_cannot_be_read_nothing_is_removed_and_the_status_says_so(host: Host, at: At) -> None:
    filed(host, at, "2020-01-01", "2021-01-01")
    lines(host, 5)
    host.profile.write_text("version: 99\n")
    done = rotate(host, "--now")
    assert done.returncode == EX_CONFIG
    assert "nothing was removed" in done.stderr
    assert len(names(host)) == 3
    assert not host.log.exists(), "it was renamed all the same"


def test_values_and_keys_go_after_their_time_and_not_before(host: Host) -> None:
    now = datetime.now(UTC)
    old, young = host.send(now - timedelta(days=600), BOB), host.send(now - timedelta(days=30), BOB)
    done = rotate(host)
    assert done.returncode == 0, done.stderr
    assert "erased: 2 salts with their values, past keep_personal" in done.stdout
    assert not host.proves(old, BOB)
    assert host.proves(young, BOB)
    assert len(epochs.read(host.state)) == 1
    assert rotate(host).stdout == "nothing to do\n"


def test_a_part_of_a_quarter_goes_at_most_a_week_late(host: Host) -> None:
    """The file of a quarter may be large: it is not written anew each hour for the last hour's values."""
    limit = datetime.now(UTC) - timedelta(days=13 * 31)
    begin = rotating.DAY
    first, second = host.send(limit - 3 * begin, BOB), host.send(limit + begin, BOB)
    rotate(host)
    assert host.proves(first, BOB)
    late = host.send(limit - 8 * begin, BOB)
    is_one_quarter = len(epochs.read(host.state)) == 1
    rotate(host)
    assert host.proves(second, BOB)
    # The file's first line tells its age; the late one stands behind it where both are of one quarter.
    assert host.proves(late, BOB) is is_one_quarter


def test_what_is_removed_is_said_and_a_gate_that_does_not_run_cannot_record_it(host: Host, at: At) -> None:
    filed(host, at, "2020-01-01", "2021-01-01", "2026-11-20")
    assert "not said in the record" in rotate(host).stderr


# -- the run itself ----------------------------------------------------------------------------------------------------


def test_a_trial_does_nothing_and_says_what_would_be_done(host: Host, at: At) -> None:
    filed(host, at, "2020-01-01", "2021-01-01", "2026-11-20")
    host.send(day("2024-01-03"), BOB)
    before = {path: path.read_bytes() for path in sorted(host.folder.rglob("*")) if path.is_file()}
    plain, document = (
        rotate(host, "--now", "--dry-run"),
        json.loads(rotate(host, "--now", "--dry-run", "--json").stdout),
    )
    for word in ("would be renamed", "would be packed", "would be removed", "would be erased"):
        assert word in plain.stdout
    assert document["dry_run"]
    assert [Path(one["file"]).name for one in document["removed"]] == [
        "audit.jsonl-20200101-120000", "audit.jsonl-20210101-120000",
    ]  # fmt: skip
    assert [Path(one).name for one in document["packed"]] == ["audit.jsonl-20261120-120000"]
    assert document["removed"][0]["first"] == 1
    assert document["keys"] == ["2024q1"]
    after = {path: path.read_bytes() for path in sorted(host.folder.rglob("*")) if path.is_file()}
    assert after == before


def test_beside_logrotate_it_only_removes(host: Host, at: At) -> None:
    filed(host, at, "2020-01-01", "2021-01-01", "2026-11-20")
    lines(host, 3)
    done = rotate(host, "--now", "--only-expired")
    assert "removed" in done.stdout
    assert "packed" not in done.stdout
    assert "renamed" not in done.stdout


def test_two_at_once_do_not_meet(host: Host) -> None:
    lines(host, 2)
    fd = os.open(host.log.parent, os.O_RDONLY)
    fcntl.flock(fd, fcntl.LOCK_EX)
    done = rotate(host, "--now")
    os.close(fd)
    assert done.returncode == EX_TEMPFAIL
    assert "another" in done.stderr
    assert names(host) == ["audit.jsonl"]


def test_many_at_once_lose_nothing(host: Host, at: At) -> None:
    filed(host, at, *(f"2026-11-{n:02}" for n in range(1, 9)))
    count = len(host.lines())
    threads = [threading.Thread(target=_rotated, args=(host,)) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(host.lines()) == count
    assert host.report().is_whole


def _rotated(host: Host) -> None:
    try:
        with rotating.alone(host.log.parent):
            for path in rotating.packable(host.log, files_of(host.log), None):
                rotating.pack(path)
    except rotating.PortError:
        pass


def test_a_writer_under_load_loses_no_line_to_many_renames(host: Host) -> None:
    ends = threading.Event()
    written: list[str] = []

    def write() -> None:
        journal = host.journal()
        while not ends.is_set():
            journal.append([cut({"kind": "decision", "id": str(len(written))})])
            written.append(str(len(written)))
        journal.close()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for _ in range(5):
            until = time.monotonic() + 5
            while not host.log.exists() or host.log.read_bytes().count(b"\n") < 3:
                assert time.monotonic() < until
                time.sleep(0.01)
            with rotating.alone(host.log.parent):
                now = datetime.now(UTC)
                to = rotating.new_name(host.log, files_of(host.log), now)
                packable = rotating.packable(host.log, files_of(host.log), to)
                rotating.rename(host.log, to)
                for path in packable:
                    rotating.pack(path)
    finally:
        ends.set()
        writer.join()
    assert sum(name.endswith(".gz") for name in names(host)) == 4
    assert [line["id"] for line in host.lines() if line["kind"] == "decision"] == written
    report = host.report()
    assert report.is_whole
    assert report.remarks == ()


@pytest.mark.parametrize("size", ["", "0", "1T", "-5", "1.5M", "9" * 20])
def test_a_size_that_is_none_is_refused(host: Host, size: str) -> None:
    assert rotate(host, "--size", size).returncode == EX_USAGE


def test_a_folder_that_is_not_there_is_told(host: Host) -> None:
    host.log.parent.rmdir()
    done = rotate(host)
    assert done.returncode == EX_CANTCREAT
    assert str(host.log.parent) in done.stderr


def test_a_damaged_packed_file_is_told_and_stays(host: Host, at: At) -> None:
    filed(host, at, "2020-01-01", "2021-01-01", "2026-11-20")
    first = files_of(host.log)[0]
    first.with_name(f"{first.name}.gz").write_bytes(gzip.compress(first.read_bytes())[:60])
    first.unlink()
    done = rotate(host)
    assert done.returncode == EX_CANTCREAT
    assert "damaged" in done.stderr
    assert names(host)[1] == "audit.jsonl-20210101-120000.gz", "the others are packed all the same"
    assert first.with_name(f"{first.name}.gz").exists()
