"""The salts and values behind the hashes of the record, a file a calendar quarter, which can be erased.

`STATE/personal/2026q4.jsonl` holds one JSON object a line: the id of a decision, its recipients and its subject, each
with its salt (`audit.personal`). The writer process appends to it; whoever erases holds the lock of the folder
meanwhile and puts another file in its place, which the writer then finds. Mode 0600: here stands what the record hides.

What can fail: whatever a disk does (`PortError`).
"""

import fcntl
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from sealgate.app.ports import PortError
from sealgate.audit.personal import is_epoch

FOLDER: Final = "personal"
_LOCK: Final = ".lock"
_FLAGS: Final = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC


def file_of(state: Path, epoch: str) -> Path:
    """Where the values of a quarter are."""
    return state / FOLDER / f"{epoch}.jsonl"


def epochs_of(state: Path) -> tuple[str, ...]:
    """The quarters of which there are values, the oldest first."""
    with suppress(FileNotFoundError):
        names = (path.stem for path in (state / FOLDER).iterdir() if path.suffix == ".jsonl")
        return tuple(sorted(name for name in names if is_epoch(name)))
    return ()


@contextmanager
def held(state: Path, *, alone: bool) -> Iterator[None]:
    """Hold the lock of the folder: alone for erasing, with others for appending.

    Raises:
        PortError: the folder cannot be used.
    """
    folder = state / FOLDER
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        fd = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise PortError(f"{error.filename or folder}: {error.strerror}") from error
    try:
        fcntl.flock(fd, fcntl.LOCK_EX if alone else fcntl.LOCK_SH)
        yield
    finally:
        os.close(fd)


class SideFiles:
    """The files as the writer holds them open. Not for several threads."""

    def __init__(self, state: Path) -> None:
        self._state = state
        self._open: dict[str, tuple[int, int]] = {}  # epoch -> descriptor, inode
        self._unsynced: set[str] = set()

    def append(self, values: Sequence[tuple[str, bytes]]) -> None:
        """Append lines (without newline) to the files of their quarters; they are on disk after `sync`.

        Raises:
            PortError: not all of them could be written.
        """
        if not values:
            return
        with held(self._state, alone=False):
            try:
                for epoch in dict.fromkeys(epoch for epoch, _ in values):
                    self._write(epoch, b"".join(value + b"\n" for one, value in values if one == epoch))
            except OSError as error:
                raise PortError(f"the file of personal values: {error.strerror}") from error

    def sync(self) -> None:
        """Put on disk what was appended.

        Raises:
            PortError: it is not certain that it is there.
        """
        try:
            while self._unsynced:
                os.fdatasync(self._open[self._unsynced.pop()][0])
        except OSError as error:
            raise PortError(f"the file of personal values: {error.strerror}") from error

    def close(self) -> None:
        """Let the files go."""
        with suppress(PortError):
            self.sync()
        for fd, _ in self._open.values():
            os.close(fd)
        self._open = {}

    def _write(self, epoch: str, octets: bytes) -> None:
        if not is_epoch(epoch):
            raise PortError("the epoch of a personal value is no quarter")
        left = memoryview(octets)
        fd = self._descriptor(epoch)
        self._unsynced.add(epoch)
        while left:
            left = left[os.write(fd, left) :]

    def _descriptor(self, epoch: str) -> int:
        path = file_of(self._state, epoch)
        fd, inode = self._open.get(epoch, (-1, -1))
        if fd >= 0:
            with suppress(FileNotFoundError):
                if os.stat(path).st_ino == inode:
                    return fd
            os.close(fd)  # it was erased, or written anew without what was to be forgotten
            del self._open[epoch]
        fd = os.open(path, _FLAGS, 0o600)
        self._open[epoch] = fd, os.fstat(fd).st_ino
        return fd
