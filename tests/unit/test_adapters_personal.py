"""The erasable files: each value on a line of its own, in its quarter, also behind a line that was cut short."""

import errno
import json
import os
import stat
import threading
import time
from pathlib import Path

import pytest

from sealgate.adapters.personal import SideFiles, epochs_of, file_of, held
from sealgate.app.ports import PortError


def value(number: int) -> bytes:
    return json.dumps({"id": f"ID{number}", "rcpt": [["ab", f"reader{number}@example.net"]]}).encode()


def numbers(path: Path) -> list[int]:
    found = []
    for line in path.read_bytes().split(b"\n"):
        try:
            found.append(int(json.loads(line)["id"][2:]))
        except (ValueError, TypeError, KeyError):
            continue
    return found


@pytest.fixture
def side(tmp_path: Path):
    made = SideFiles(tmp_path, patience=0.3)
    yield made
    made.close()


def test_values_go_to_the_files_of_their_quarters_which_nobody_else_can_read(tmp_path, side):
    side.append([("2026q4", value(1)), ("2027q1", value(2)), ("2026q4", value(3))])
    side.append([])
    side.sync()
    assert epochs_of(tmp_path) == ("2026q4", "2027q1")
    assert numbers(file_of(tmp_path, "2026q4")) == [1, 3]
    assert numbers(file_of(tmp_path, "2027q1")) == [2]
    assert stat.S_IMODE(file_of(tmp_path, "2026q4").stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "personal").stat().st_mode) == 0o700


@pytest.mark.parametrize("epoch", ["", "2026q5", "../../x", "2026q4.", "20264q"])
def test_what_is_no_quarter_names_no_file(tmp_path, side, epoch):
    with pytest.raises(PortError, match="quarter"):
        side.append([("2026q4", value(1)), (epoch, value(2))])
    assert not file_of(tmp_path, "2026q4").exists()


def test_a_file_that_was_put_in_its_place_gets_the_next_values(tmp_path, side):
    side.append([("2026q4", value(1)), ("2026q4", value(2))])
    path = file_of(tmp_path, "2026q4")
    with held(tmp_path, alone=True):
        rest = path.with_name("new")
        rest.write_bytes(value(2) + b"\n")
        rest.rename(path)
    side.append([("2026q4", value(3))])
    assert numbers(path) == [2, 3]
    path.unlink()
    side.append([("2026q4", value(4))])
    side.sync()
    assert numbers(path) == [4]


def test_appending_waits_for_an_eraser_but_not_for_ever(tmp_path, side):
    side.append([("2026q4", value(1))])
    begun, ends = threading.Event(), threading.Event()

    def erase() -> None:
        with held(tmp_path, alone=True):
            begun.set()
            ends.wait(10)

    eraser = threading.Thread(target=erase)
    eraser.start()
    begun.wait(10)
    began = time.monotonic()
    with pytest.raises(PortError, match="erases"):
        side.append([("2026q4", value(2))])
    assert 0.3 <= time.monotonic() - began < 3
    threading.Timer(0.1, ends.set).start()
    side.append([("2026q4", value(3))])
    eraser.join()
    assert numbers(file_of(tmp_path, "2026q4")) == [1, 3]


def test_an_eraser_waits_for_nobody_who_does_not_append(tmp_path, side):
    side.append([("2026q4", value(1))])
    with held(tmp_path, alone=True):
        pass


def test_a_line_that_was_cut_short_takes_no_other_with_it(tmp_path, side, monkeypatch):
    side.append([("2026q4", value(1))])
    write = os.write

    def full(fd: int, octets: bytes) -> int:
        if len(octets) < 20:
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(fd, octets[:10])

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(PortError, match="No space"):
        side.append([("2026q4", value(2))])
    monkeypatch.setattr(os, "write", write)
    side.append([("2026q4", value(3))])
    side.sync()
    killed = SideFiles(tmp_path)  # and so where a writer was killed within a line
    with file_of(tmp_path, "2026q4").open("ab") as end:
        end.write(b'{"id":')
    killed.append([("2026q4", value(4))])
    killed.close()
    assert numbers(file_of(tmp_path, "2026q4")) == [1, 3, 4]


def test_a_sync_that_fails_is_told_and_the_next_value_goes_to_a_file_opened_anew(tmp_path, side, monkeypatch):
    side.append([("2026q4", value(1))])

    def fail(fd: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fdatasync", fail)
        with pytest.raises(PortError, match="Input/output"):
            side.sync()
    side.sync()  # nothing is left to be synced
    side.append([("2026q4", value(2))])
    side.sync()
    assert numbers(file_of(tmp_path, "2026q4")) == [1, 2]


def test_erased_while_unsynced_and_not_makeable_again_is_an_error_and_no_more(tmp_path, side):
    side.append([("2026q4", value(1))])
    path = file_of(tmp_path, "2026q4")
    path.unlink()
    path.symlink_to("/etc/passwd")
    with pytest.raises(PortError):
        side.append([("2026q4", value(2))])
    side.sync()
    path.unlink()
    side.append([("2026q4", value(3))])
    assert numbers(path) == [3]


def test_one_call_each_for_lock_and_file_where_nothing_changed(side, monkeypatch):
    side.append([("2026q4", value(1))])
    opened = []
    monkeypatch.setattr(os, "open", lambda *how, **more: opened.append(how))
    for number in range(5):
        side.append([("2026q4", value(number))])
    assert opened == []


def test_a_state_folder_that_is_not_there_is_a_port_error(tmp_path):
    with pytest.raises(PortError, match="none"):
        SideFiles(tmp_path / "none").append([("2026q4", value(1))])
    assert epochs_of(tmp_path / "none") == ()
