"""Whatever befalls disk, file and process while lines are appended: what was acknowledged is in files that are whole.

A scripted disk stands between the writer and the file system: each write and each sync may fail or be cut short. The
power may fail too: then everything is gone that was not synced, or zeros stand in its place.
"""

import errno
import os
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, note, settings
from hypothesis import strategies as st

from sealgate.adapters.journal import JournalFile, file
from sealgate.app.ports import PortError
from sealgate.audit.verifier import parse
from tests.unit.journals import agrees, events_in, kill, lines_of, numbered, proven, sealed

FAULT = st.sampled_from(["", "", "", "", "short", errno.EIO, errno.ENOSPC, errno.EDQUOT])
STEP = st.one_of(
    st.tuples(st.just("append"), st.integers(0, 7), st.booleans()),
    st.tuples(st.just("append"), st.integers(1, 3), st.just(True)),
    st.sampled_from([("tick",), ("sync",), ("rename",), ("rename and create",), ("restart",), ("kill",), ("power",)]),
    st.tuples(st.just("kill within a line"), st.binary(max_size=20).map(lambda rest: b"{" + rest.replace(b"\n", b""))),
    st.tuples(st.just("faults"), st.lists(FAULT, max_size=8), st.lists(FAULT, max_size=4)),
)


class Script:
    """The disk, and the power: which writes and syncs fail, and what of each file is safe."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.writes: list[Any] = []
        self.syncs: list[Any] = []
        self.safe: dict[int, int] = {}  # inode -> octets that were synced
        self._write, self._sync = os.write, os.fdatasync
        patch.setattr(os, "write", self.write)
        patch.setattr(os, "fdatasync", self.sync)

    def write(self, fd: int, octets: bytes) -> int:
        fault = self.writes.pop(0) if self.writes else ""
        if fault == "short":
            return self._write(fd, octets[: max(1, len(octets) // 3)])
        if fault:
            raise OSError(fault, os.strerror(fault))
        return self._write(fd, octets)

    def sync(self, fd: int) -> None:
        fault = self.syncs.pop(0) if self.syncs else ""
        if fault and fault != "short":
            raise OSError(fault, os.strerror(fault))
        status = os.fstat(fd)
        self.safe[status.st_ino] = status.st_size

    def cut_power(self, path: Path, *, leaves_zeros: bool) -> None:
        size, safe = path.stat().st_size, self.safe.get(path.stat().st_ino, 0)
        if leaves_zeros and size > safe:
            with path.open("r+b") as end:
                end.seek(safe)
                end.write(bytes(min(64, size - safe)))
        else:
            os.truncate(path, safe)


class Run:
    def __init__(self, folder: Path, patch: pytest.MonkeyPatch) -> None:
        self.path = folder / "audit.jsonl"
        self.script = Script(patch)
        self.older: list[Path] = []
        self.acknowledged: dict[int, int] = {}  # n -> seq
        self.count = 0
        self.journal = self.opened()

    def opened(self) -> JournalFile:
        self.script.writes.clear()
        self.script.syncs.clear()
        return sealed(self.path)

    def do(self, name: str, *how: Any) -> None:
        note(f"{name} {how}")
        if name == "append":
            self.append(*how)
        elif name in ("tick", "sync"):
            with suppress(PortError):
                getattr(self.journal, name)()
        elif name.startswith("rename"):
            if self.path.exists():  # it need not be: trouble may have kept a new one from being made
                self.older.append(self.path.with_name(f"audit.jsonl-{len(self.older) + 10}"))
                self.path.rename(self.older[-1])
                os.utime(self.older[-1], (len(self.older), len(self.older)))
            if name.endswith("create"):
                self.path.touch()
        elif name == "restart":
            self.journal.close()
            self.journal = self.opened()
        elif name == "faults":
            self.script.writes[:], self.script.syncs[:] = how[0], how[1]
        else:
            self.end(name, *how)

    def append(self, count: int, is_synced: bool) -> None:
        numbers = range(self.count, self.count + count)
        self.count += count
        try:
            last = self.journal.append(numbered(*numbers), sync=is_synced)
            if not is_synced:
                self.journal.sync()
        except PortError:
            return
        self.acknowledged |= {n: last - count + 1 + at for at, n in enumerate(numbers)}

    def end(self, name: str, torn: bytes = b"") -> None:
        kill(self.journal)
        if torn and self.path.exists():
            with self.path.open("ab") as rest:
                rest.write(torn)
        if name == "power" and self.path.exists():
            self.script.cut_power(self.path, leaves_zeros=self.count % 2 == 0)
        self.journal = self.opened()

    def finish(self) -> None:
        self.script.writes.clear()
        self.script.syncs.clear()
        for _ in range(3):
            with suppress(PortError):
                self.journal.tick()
        self.append(1, True)
        paths = tuple(path for path in (*self.older, self.path) if path.stat().st_size)
        report = proven(*paths)
        assert report.broken is None, report
        assert report.is_whole, report
        assert agrees(self.journal, report)
        seen = {event["n"]: event["seq"] for event in events_in(*paths) if "n" in event}
        assert self.acknowledged.items() <= seen.items()
        assert len(self.acknowledged) >= 1
        self.journal.close()
        report = proven(*paths)
        assert (report.is_whole, report.unsealed) == (True, 0)
        for path, later in zip(paths, (*paths[1:], self.path), strict=True):
            # What stands at a file's end and is no line is explained by a record in the next one.
            is_explained = later != path and any(event.get("octets") for event in events_in(later)[:1])
            if parse(next(lines_of(path)).removesuffix(b"\n")) is not None and not is_explained:
                assert proven(path, start=None).is_whole, path


@settings(max_examples=settings().max_examples // 4)
@given(st.lists(STEP, max_size=14))
def test_what_was_acknowledged_is_in_files_that_are_whole(steps):
    with pytest.MonkeyPatch.context() as patch, tempfile.TemporaryDirectory() as folder:
        patch.setattr(file, "CHECKPOINT_LINES", 6)
        run = Run(Path(folder), patch)
        for name, *how in steps:
            run.do(name, *how)
        run.finish()
