"""What the writer does unasked: syncs as the operator wants them, refusals once a minute, a clock that was set."""

import errno
import os
import time
from pathlib import Path
from typing import Any

import pytest

from sealgate.adapters.journal import JournalFile
from sealgate.adapters.personal import SideFiles, file_of
from sealgate.app.ports import PortError
from sealgate.daemon.keeping import MEMORY, Keeper, Keeping
from tests.unit.journals import KEY, events_in, kill, numbered, proven

NINE = "2026-11-21T09:{:02d}:{:02d}.000000Z"


class Kept:
    """A keeper on files of its own, and how often each descriptor was synced."""

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch, durability: str = "before-verdict", **how: Any) -> None:
        self.path, self.state = folder / "audit.jsonl", folder
        self.synced: list[str] = []
        self.now = NINE.format(0, 0)
        self._sync = os.fdatasync
        patch.setattr(os, "fdatasync", self.sync)
        journal = JournalFile(str(self.path), pause=0.0, note=KEY.signed, **how)
        keeping = Keeping(str(self.path), folder, durability, "relay1")
        self.keeper = Keeper(journal, SideFiles(folder), keeping, lambda: self.now)
        self.synced.clear()

    def sync(self, fd: int) -> None:
        self.synced.append(Path(os.readlink(f"/proc/self/fd/{fd}")).name)
        self._sync(fd)

    def kinds(self) -> list[str]:
        return [event["kind"] for event in events_in(self.path)]


def refusal(number: int) -> dict[str, Any]:
    return {"kind": "refusal", "t": f"T{number}", "id": f"ID{number}", "network": "192.0.2.0/24", "listener": "smtp",
            "rule": "bind.login", "verdict": "reject"}  # fmt: skip


SIDE = (("2026q4", b'{"id":"ID"}'),)


@pytest.mark.parametrize(
    ("durability", "by_write", "by_tick"), [("before-verdict", 1, 0), ("interval", 0, 1), ("none", 0, 0)]
)
def test_each_durability_syncs_when_it_says(tmp_path, monkeypatch, durability, by_write, by_tick):
    kept = Kept(tmp_path, monkeypatch, durability)
    for n in range(3):
        kept.keeper.write(numbered(n), SIDE)
    assert kept.synced == ["audit.jsonl"] * 3 * by_write
    kept.synced.clear()
    kept.keeper.tick()
    assert sorted(kept.synced) == ["2026q4.jsonl"] + ["audit.jsonl"] * by_tick
    kept.synced.clear()
    kept.keeper.tick()
    assert kept.synced == []  # nothing was written since
    kept.keeper.write(numbered(3), ())
    kept.synced.clear()
    kept.keeper.close()
    assert kept.synced == ["audit.jsonl"]  # the last checkpoint, and all before it
    assert proven(kept.path).is_whole


def test_refusals_leave_as_one_line_when_their_minute_is_over(tmp_path, monkeypatch):
    kept = Kept(tmp_path, monkeypatch)
    for number in range(500):
        kept.keeper.count(refusal(number))
    kept.keeper.tick()
    assert kept.synced == []  # counted, and nothing written
    kept.now = NINE.format(1, 0)
    kept.keeper.tick()
    (line,) = events_in(kept.path)
    assert (line["kind"], line["count"], line["first"], line["last"]) == ("refusals", 500, "ID0", "ID499")
    assert (line["host"], line["v"], line["t"], line["from"], line["until"]) == ("relay1", 1, kept.now, "T0", "T499")
    kept.keeper.tick()
    kept.keeper.count(refusal(1))
    kept.keeper.part()  # at a handover nothing is kept back
    assert kept.kinds() == ["refusals", "refusals"]
    kept.keeper.part()
    kept.keeper.close()
    assert kept.kinds() == ["refusals", "refusals", "checkpoint"]


def test_refusals_wait_for_a_disk_that_works(tmp_path, monkeypatch):
    kept = Kept(tmp_path, monkeypatch)
    kept.keeper.count(refusal(1))
    with monkeypatch.context() as patch:
        patch.setattr(os, "write", failing)
        kept.now = NINE.format(1, 0)
        kept.keeper.tick()
        assert "Input/output" in kept.keeper.fault
    kept.keeper.count(refusal(2))
    kept.now = NINE.format(5, 0)
    kept.keeper.tick()
    assert [event["count"] for event in events_in(kept.path) if event["kind"] == "refusals"] == [2]
    kept.keeper.close()


def failing(*_: Any) -> int:
    raise OSError(errno.EIO, "Input/output error")


def test_one_thing_that_fails_keeps_no_other_from_being_done(tmp_path, monkeypatch):
    said: list[str] = []

    def publish(_: str) -> None:
        said.append("tried")
        raise PortError("the state folder is full")

    kept = Kept(tmp_path, monkeypatch, "interval", publish=publish)
    kept.keeper.write(numbered(1), SIDE)
    monkeypatch.setattr("sealgate.adapters.journal.file.CHECKPOINT_LINES", 2)
    kept.keeper.write(numbered(2), SIDE)
    real = kept._sync

    def sync(fd: int) -> None:
        kept.synced.append(Path(os.readlink(f"/proc/self/fd/{fd}")).name)
        if kept.synced[-1] == "2026q4.jsonl":
            raise OSError(errno.EIO, "Input/output error")
        real(fd)

    monkeypatch.setattr(os, "fdatasync", sync)
    kept.keeper.tick()
    assert kept.synced == ["audit.jsonl", "2026q4.jsonl"]
    assert said == ["tried"]
    assert "state folder" in kept.keeper.fault
    kept.keeper.close()


def test_values_that_cannot_be_kept_let_no_line_be_written(tmp_path, monkeypatch):
    """The other way round a hash would stand in the record that nobody could ever prove."""
    kept = Kept(tmp_path, monkeypatch)
    file_of(tmp_path, "2026q4").parent.mkdir()
    file_of(tmp_path, "2026q4").mkdir()
    with pytest.raises(PortError, match="personal"):
        kept.keeper.write(numbered(1), SIDE)
    assert kept.kinds() == []
    assert kept.keeper.write(numbered(2), ()) == 1
    kept.keeper.close()


def test_a_fault_is_told_for_a_while_and_forgotten_when_a_write_went_well(tmp_path, monkeypatch):
    kept = Kept(tmp_path, monkeypatch)
    now = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now)
    with monkeypatch.context() as patch:
        patch.setattr(os, "write", failing)
        with pytest.raises(PortError):
            kept.keeper.write(numbered(1), ())
    assert "Input/output" in kept.keeper.fault
    now += MEMORY + 1
    assert kept.keeper.fault == ""
    with monkeypatch.context() as patch:
        patch.setattr(os, "write", failing)
        with pytest.raises(PortError):
            kept.keeper.write(numbered(1), ())
    assert kept.keeper.fault
    now += 1
    kept.keeper.write(numbered(1), ())
    assert kept.keeper.fault == ""
    kept.keeper.close()


@pytest.mark.parametrize(("step", "said"), [(3.0, [3000]), (-3600.0, [-3_600_000]), (1.5, []), (-0.5, []), (0.0, [])])
def test_a_clock_that_was_set_is_said_once(tmp_path, monkeypatch, step, said):
    kept = Kept(tmp_path, monkeypatch)
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() + step)
    kept.keeper.tick()
    kept.keeper.tick()
    lines = [event for event in events_in(kept.path) if event["kind"] == "clock"]
    assert [round(line["milliseconds"], -2) for line in lines] == said
    kept.keeper.close()


def test_a_clock_behind_the_last_line_is_said_at_the_start(tmp_path, monkeypatch):
    journal = JournalFile(str(tmp_path / "audit.jsonl"))
    journal.append(numbered(1))
    kill(journal)
    kept = Kept(tmp_path, monkeypatch)
    written = events_in(kept.path)[0]["w"]
    kept.now = "2020-01-01T00:00:00.000000Z"
    kept.keeper.start()
    assert [event.get("before") for event in events_in(kept.path) if event["kind"] == "clock"] == [written]
    kept.now = "2099-01-01T00:00:00.000000Z"
    kept.keeper.start()
    assert kept.kinds().count("clock") == 1
    kept.keeper.close()
