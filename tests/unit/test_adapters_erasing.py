"""A file written anew without some of its lines: nothing else is lost, whoever appends or dies meanwhile."""

import errno
import fcntl
import json
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealgate.adapters import erasing
from sealgate.adapters.personal import PATIENCE, SideFiles, file_of, held
from sealgate.app.ports import PortError
from sealgate.audit.chain import canonical
from sealgate.audit.forgetting import (
    epoch_bounds,
    moment_of_id,
    without_address,
    without_anything,
    without_older,
)
from sealgate.audit.personal import epoch_of, plain_address
from tests.unit.recorded_host import day, reference_at

EPOCH = "2026q4"


def side(reference: str, *addresses: str, subject: str = "") -> bytes:
    event: dict[str, object] = {"epoch": EPOCH, "id": reference}
    if addresses:
        event["rcpt"] = [[f"{n:032x}", address] for n, address in enumerate(addresses)]
    if subject:
        event["subject"] = ["f" * 32, subject]
    return canonical(event)


@contextmanager
def nobody() -> Iterator[None]:
    yield


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "personal").mkdir()
    return file_of(tmp_path, EPOCH)


# -- what stays of a line ----------------------------------------------------------------------------------------------


def test_of_a_message_to_three_one_goes_and_the_others_stay_as_they_were() -> None:
    line = side("A", "bob@x.test", "carol@x.test", "bob@x.test", subject="hello")
    kept = without_address("<Bob@X.test>")(line)
    assert kept.values == 2
    assert json.loads(kept.line) == {
        "epoch": EPOCH, "id": "A", "rcpt": [[f"{1:032x}", "carol@x.test"]], "subject": ["f" * 32, "hello"],
    }  # fmt: skip


def test_a_line_without_any_value_left_goes() -> None:
    assert without_address("bob@x.test")(side("A", "bob@x.test")).line == b""
    assert json.loads(without_address("bob@x.test")(side("A", "bob@x.test", subject="s")).line)["subject"]


@pytest.mark.parametrize("other", ["xbob@x.test", "bob@x.test.example", "bob@y.test", "bob"])
def test_another_address_that_looks_alike_stays(other: str) -> None:
    line = side("A", other)
    assert without_address("bob@x.test")(line).line is line


def test_an_address_that_is_a_subject_is_not_a_recipient() -> None:
    line = side("A", "carol@x.test", subject="bob@x.test")
    assert without_address("bob@x.test")(line).line is line


@pytest.mark.parametrize("address", ["bøb@exämple.test", '"b\\o b"@x.test', "b\x7f@x.test", "b\ud800@x.test", "b/b@x"])
def test_an_address_is_found_however_json_writes_it(address: str) -> None:
    assert without_address(address)(side("A", address, "c@x.test")).values == 1


@pytest.mark.parametrize(
    "torn", [b'{"epoch":"2026q4","id":"A","rcpt":[["00","bob@x.te', b"\0\0\0", b"[]", b'{"epoch":"2026q4"', b"[" * 9999]
)
def test_what_a_crash_cut_short_goes_because_it_may_hold_a_piece_of_the_address(torn: bytes) -> None:
    assert without_address("bob@x.test")(torn).line == b""
    assert without_older(day("2026-11-21"))(torn).line == b""


@given(st.binary(max_size=200))
def test_no_line_makes_it_raise(line: bytes) -> None:
    for forgetting in (without_address("a@b.test"), without_older(day("2026-11-21")), without_anything):
        assert forgetting(line).values >= 0


@given(st.lists(st.text(max_size=20), max_size=6), st.text(max_size=20))
def test_exactly_the_address_goes(addresses: list[str], wanted: str) -> None:
    line = side("A", *map(plain_address, addresses), subject="s")
    kept = without_address(wanted)(line)
    left = [value for _, value in json.loads(kept.line).get("rcpt", [])]
    assert left == [one for one in map(plain_address, addresses) if one != plain_address(wanted)]
    assert kept.values == len(addresses) - len(left)


def test_an_id_tells_its_time_to_the_millisecond() -> None:
    moment = day("2026-11-21") + timedelta(milliseconds=123)
    assert moment_of_id(reference_at(moment, 0xFFFFFFFF)) == moment


@pytest.mark.parametrize("reference", ["", "A", "I" * 16, "0" * 15, "Z" * 17, "é" * 16, "-"])
def test_what_is_no_id_tells_no_time_and_its_line_stays(reference: str) -> None:
    assert moment_of_id(reference) is None
    line = side(reference, "bob@x.test")
    assert without_older(day("2026-11-21"))(line).line == line


def test_the_largest_id_is_a_time_too_late_for_any_calendar() -> None:
    assert moment_of_id("Z" * 16) is None


def test_older_than_a_moment_is_before_it() -> None:
    moment = day("2026-11-21")
    line = side(reference_at(moment), "bob@x.test", "carol@x.test", subject="s")
    assert without_older(moment)(line).line == line
    assert without_older(moment + timedelta(milliseconds=1))(line) == without_anything(line)
    assert without_anything(line).values == 3


@pytest.mark.parametrize("epoch", ["2026q1", "2026q2", "2026q3", "2026q4"])
def test_a_quarter_begins_and_ends_where_its_days_say(epoch: str) -> None:
    begin, end = epoch_bounds(epoch)
    assert epoch_of(begin.isoformat()) == epoch
    assert epoch_of((end - timedelta(microseconds=1)).isoformat()) == epoch
    assert epoch_of((begin - timedelta(microseconds=1)).isoformat()) < epoch < epoch_of(end.isoformat())


# -- the file ----------------------------------------------------------------------------------------------------------


def without(address: str) -> erasing.Keeping:
    forgetting = without_address(address)
    return lambda line: forgetting(line).line


def test_owner_mode_and_all_other_lines_stay(path: Path) -> None:
    path.write_bytes(b"".join(side(str(n), f"r{n % 3}@x.test") + b"\n" for n in range(3000)))
    path.chmod(0o640)
    erasing.rewrite(path, without("r1@x.test"), nobody)
    lines = path.read_bytes().splitlines()
    assert [json.loads(line)["id"] for line in lines] == [str(n) for n in range(3000) if n % 3 != 1]
    assert path.stat().st_mode & 0o777 == 0o640
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_root_leaves_the_file_to_the_gates_account(path: Path) -> None:
    path.write_bytes(side("A", "bob@x.test") + b"\n")
    os.chown(path, 12345, 12346)
    erasing.rewrite(path, without("bob@x.test"), nobody)
    assert (path.stat().st_uid, path.stat().st_gid) == (12345, 12346)


def test_a_last_line_without_its_end_is_judged_too(path: Path) -> None:
    path.write_bytes(side("A", "carol@x.test") + b"\n" + side("B", "bob@x.test")[:-9])
    erasing.rewrite(path, without("bob@x.test"), nobody)
    assert path.read_bytes() == side("A", "carol@x.test") + b"\n"


def test_the_writer_goes_on_meanwhile_and_not_one_line_of_it_is_lost(tmp_path: Path, path: Path) -> None:
    SideFiles(tmp_path).append([(EPOCH, side(f"old{n}", "carol@x.test", "bob@x.test")) for n in range(1000)])
    ends = threading.Event()
    written: list[str] = []

    def write() -> None:
        files = SideFiles(tmp_path)
        while not ends.is_set():
            reference = f"new{len(written)}"
            files.append([(EPOCH, side(reference, "dave@x.test"))])
            written.append(reference)
            time.sleep(0.0005)
        files.close()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        number = -1
        while number < 5 or len(written) < 50:
            number += 1
            with erasing.alone(path.parent):
                erasing.rewrite(path, without(f"bob{number or ''}@x.test"), partial(held, tmp_path, alone=True))
    finally:
        ends.set()
        writer.join()
    events = [json.loads(line) for line in path.read_bytes().splitlines()]
    assert [one["id"] for one in events if one["id"].startswith("new")] == written
    assert sum(one["id"].startswith("old") for one in events) == 1000
    assert b"bob@x.test" not in path.read_bytes()


def test_the_writer_is_kept_out_for_the_last_lines_only(tmp_path: Path, path: Path) -> None:
    """A file of 10 MB takes longer to write anew than a message may wait; the lock is held for a moment of it."""
    line = side("A" * 16, *(f"r{n}@x.test" for n in range(20)), "bob@x.test") + b"\n"
    path.write_bytes(line * (10_000_000 // len(line)))
    spans: list[float] = []

    @contextmanager
    def measured() -> Iterator[None]:
        with held(tmp_path, alone=True):
            began = time.monotonic()
            yield
            spans.append(time.monotonic() - began)

    began = time.monotonic()
    erasing.rewrite(path, without("bob@x.test"), measured)
    took = time.monotonic() - began
    assert spans[0] < max(0.1, took / 4)
    assert spans[0] < PATIENCE


def test_a_disk_that_is_full_leaves_the_file_as_it_was(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = side("A", "bob@x.test") + b"\n"
    path.write_bytes(before)

    def full(_fd: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(PortError, match="No space"):
        erasing.rewrite(path, without("bob@x.test"), nobody)
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path], "the copy holds personal values too"


def test_what_a_killed_eraser_left_is_removed_by_the_next(path: Path) -> None:
    path.write_bytes(side("A", "carol@x.test") + b"\n")
    left = path.with_name(f".{path.name}.anew-12345")
    left.write_bytes(side("B", "bob@x.test"))
    with erasing.alone(path.parent):
        assert list(path.parent.iterdir()) == [path]


def test_two_do_not_erase_at_once(path: Path) -> None:
    fd = os.open(path.parent, os.O_RDONLY)
    fcntl.flock(fd, fcntl.LOCK_EX)
    with pytest.raises(PortError, match="another process erases"), erasing.alone(path.parent, 0.1):
        pass
    os.close(fd)
    with erasing.alone(path.parent, 0.1):
        pass


def test_a_file_that_is_replaced_meanwhile_is_left_alone(path: Path) -> None:
    path.write_bytes(side("A", "bob@x.test") + b"\n")

    @contextmanager
    def replaced() -> Iterator[None]:
        other = path.with_name("other")
        other.write_bytes(b"other\n")
        other.replace(path)
        yield

    with pytest.raises(PortError, match="replaced"):
        erasing.rewrite(path, without("bob@x.test"), replaced)
    assert path.read_bytes() == b"other\n"


def test_what_is_not_there_is_a_port_error_or_nothing(tmp_path: Path, path: Path) -> None:
    assert list(erasing.each(path)) == []
    assert not erasing.remove(path, nobody)
    with pytest.raises(PortError):
        erasing.rewrite(path, without("bob@x.test"), nobody)
    with pytest.raises(PortError), erasing.alone(tmp_path / "none"):
        pass
