"""The salts and values behind the hashes of the record, a file a calendar quarter, which can be erased.

`STATE/personal/2026q4.jsonl` holds one JSON object a line: the id of a decision, its recipients and its subject, each
with its salt (`audit.personal`). The writer process appends to it; whoever erases holds the lock of the folder
meanwhile and puts another file in its place, which the writer then finds. Mode 0600: here stands what the record hides.

What can fail: whatever a disk does, and an eraser that holds the lock for longer than the writer can wait
(`PortError`). A line that a full disk or a crash cut short stays, on a line of its own; readers skip it.
"""

import fcntl
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from sealgate.app.ports import PortError
from sealgate.audit.personal import is_epoch

FOLDER: Final = "personal"
PATIENCE: Final = 2.0  # seconds that appending waits for an eraser; mail waits meanwhile
_POLL: Final = 0.01
_LOCK: Final = ".lock"
_FLAGS: Final = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK


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
    fd = _lock_of(state)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX if alone else fcntl.LOCK_SH)
        yield
    finally:
        os.close(fd)


def _lock_of(state: Path) -> int:
    folder = state / FOLDER
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        return os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise PortError(f"{error.filename or folder}: {error.strerror}") from error


class SideFiles:
    """The files as the writer holds them open. Not for several threads."""

    def __init__(self, state: Path, patience: float = PATIENCE) -> None:
        self._state = state
        self._patience = patience
        self._lock = -1
        self._open: dict[str, tuple[int, int]] = {}  # epoch -> descriptor, inode
        self._unsynced: set[str] = set()

    def append(self, values: Sequence[tuple[str, bytes]]) -> None:
        """Append lines (without newline) to the files of their quarters; they are on disk after `sync`.

        Raises:
            PortError: not all of them could be written.
        """
        if not values:
            return
        by_epoch: dict[str, list[bytes]] = {}
        for epoch, value in values:
            by_epoch.setdefault(epoch, []).append(value)
        if not all(map(is_epoch, by_epoch)):
            raise PortError("the epoch of a personal value is no quarter")
        try:
            self._hold()
            for epoch, lines in by_epoch.items():
                self._write(epoch, b"\n".join((*lines, b"")))
        except OSError as error:
            raise PortError(f"the file of personal values: {error.strerror}") from error
        finally:
            if self._lock >= 0:
                fcntl.flock(self._lock, fcntl.LOCK_UN)

    def sync(self) -> None:
        """Put on disk what was appended, and let go of what was erased: held open, it would still be there.

        Raises:
            PortError: it is not certain that it is there.
        """
        failed = ""
        while self._unsynced:
            epoch = self._unsynced.pop()
            try:
                fd = self._open[epoch][0]
                os.fdatasync(fd)
                os.utime(fd)  # fails where the file system has just given up, and the sync did not say so
            except OSError as error:
                self._let_go(epoch)
                failed = error.strerror or str(error)
        for epoch in tuple(self._open):
            if not self._is_current(epoch):
                self._let_go(epoch)
        if failed:
            raise PortError(f"the file of personal values: {failed}")

    def close(self) -> None:
        """Put everything on disk and let the files go."""
        with suppress(PortError):
            self.sync()
        for epoch in tuple(self._open):
            self._let_go(epoch)
        if self._lock >= 0:
            os.close(self._lock)
        self._lock = -1

    def _hold(self) -> None:
        """Keep erasers out."""
        if self._lock < 0:
            self._lock = _lock_of(self._state)
        until = time.monotonic() + self._patience
        while True:
            try:
                fcntl.flock(self._lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() >= until:
                    raise PortError("the files of personal values are held by somebody who erases") from None
                time.sleep(_POLL)
            else:
                return

    def _write(self, epoch: str, octets: bytes) -> None:
        left = memoryview(octets)
        fd = self._descriptor(epoch)
        self._unsynced.add(epoch)
        try:
            while left:
                left = left[os.write(fd, left) :]
        except OSError:
            with suppress(OSError):
                os.fdatasync(fd)
            self._let_go(epoch)  # opened again, it will begin a new line
            raise

    def _descriptor(self, epoch: str) -> int:
        path = file_of(self._state, epoch)
        if epoch in self._open:
            if self._is_current(epoch):
                return self._open[epoch][0]
            self._let_go(epoch)
        fd = os.open(path, _FLAGS, 0o600)
        status = os.fstat(fd)
        self._open[epoch] = fd, status.st_ino
        if not status.st_size:
            _sync_folder(path.parent)
        elif os.pread(fd, 1, status.st_size - 1) != b"\n":
            os.write(fd, b"\n")  # a line that was cut short must not take the next one with it
        return fd

    def _is_current(self, epoch: str) -> bool:
        """Whether an open file is the one of that name, not erased and not written anew without what was forgotten."""
        try:
            return os.stat(file_of(self._state, epoch), follow_symlinks=False).st_ino == self._open[epoch][1]
        except OSError:
            return False

    def _let_go(self, epoch: str) -> None:
        self._unsynced.discard(epoch)
        os.close(self._open.pop(epoch)[0])


def _sync_folder(folder: Path) -> None:
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
