"""Audit files for tests: opened without waiting, read back, verified, and a disk that is full when it shall be."""

import errno
import os
import resource
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from sealgate.adapters.journal import JournalFile
from sealgate.adapters.journal.reserve import OCTETS
from sealgate.audit.chain import Cut, cut
from sealgate.audit.note import generate, load, quickly_signed
from sealgate.audit.verifier import START, Head, Report, parse, verify

KEY = load(generate(), "relay1/sealgate")


def opened(path: Path, **how: Any) -> JournalFile:
    return JournalFile(str(path), **{"wait": 0.0, "pause": 0.0, "mark": {"host": "relay1"}, **how})


def lines_of(*paths: Path) -> Iterator[bytes]:
    for path in paths:
        with path.open("rb") as lines:
            yield from lines


def report_of(*paths: Path) -> Report:
    return verify(lines_of(*paths))


def alone(path: Path) -> Report:
    return verify(lines_of(path), None)


def events_in(*paths: Path) -> list[dict[str, Any]]:
    return [event for line in lines_of(*paths) if (event := parse(line.removesuffix(b"\n"))) is not None]


def numbered(*numbers: int) -> list[Cut]:
    return [cut({"kind": "decision", "n": n, "verdict": "accept"}) for n in numbers]


def sealed(path: Path, **how: Any) -> JournalFile:
    return opened(path, note=KEY.signed, **how)


def proven(*paths: Path, start: Head | None = START) -> Report:
    return verify(lines_of(*paths), start, key=KEY.public, signed=quickly_signed)


def agrees(journal: JournalFile, report: Report) -> bool:
    """Whether file and writer mean the same tree, and a leaf of it is a line."""
    tree = journal._frontier
    return (
        tree is not None
        and report.frontier is not None
        and (tree.size, tree.root()) == (report.frontier.size, report.frontier.root())
        and tree.size == journal._head.seq == report.head.seq
    )


def kill(journal: JournalFile) -> None:
    """Let a journal go as a killed process does."""
    os.close(journal._fd)
    os.close(journal._lock)


@contextmanager
def file_limited() -> Iterator[Callable[[int], None]]:
    """A limit on the size of files stands for a full disk: the write that meets it is cut short, the next one fails."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    yield lambda octets: resource.setrlimit(resource.RLIMIT_FSIZE, (octets, before[1]))
    resource.setrlimit(resource.RLIMIT_FSIZE, before)
    signal.signal(signal.SIGXFSZ, handler)


class Disk:
    """A file system of so many octets: writes beyond fail as a full disk fails them, and a removed file makes room."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, folder: Path, octets: int) -> None:
        self.folder, self.octets = folder, octets
        self._write = os.write
        monkeypatch.setattr(os, "write", self.write)
        monkeypatch.setattr(os, "posix_fallocate", self.fallocate)
        monkeypatch.setattr(os, "fstatvfs", self.fstatvfs)

    @property
    def room(self) -> int:
        files = [one.stat() for one in self.folder.iterdir()]
        return self.octets - sum(max(one.st_size, one.st_blocks * 512 * (one.st_size == OCTETS)) for one in files)

    def write(self, fd: int, octets: bytes) -> int:
        if self.room <= 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        return self._write(fd, octets[: self.room])

    def fallocate(self, fd: int, start: int, length: int) -> None:
        if self.room < length:
            raise OSError(errno.ENOSPC, "No space left on device")
        self._write(fd, bytes(length))

    def fstatvfs(self, fd: int) -> Any:
        return SimpleNamespace(f_bavail=max(0, self.room), f_frsize=1)
