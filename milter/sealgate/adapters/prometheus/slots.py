"""Slots: which process writes which files of numbers, and which of them are of the living.

A slot is a number behind a word (`worker-0`), held by a lock that the kernel drops when its process ends, however it
ends. Whoever starts takes the lowest free one and goes on counting where the one before it stopped; what that one said
of its present (gauges) is taken away first. Files are filled with zeros before they are mapped: a mapped hole in a file
on a full disk is no error but the death of the process (SIGBUS, mmap(2)).

What can fail: the folder is gone or full: `PortError`, and the process does its work without counting.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

from prometheus_client.multiprocess import mark_process_dead

from sealgate.app.ports import PortError

VARIABLE: Final = "PROMETHEUS_MULTIPROC_DIR"  # where the library looks for its folder
MOST: Final = 1_024  # slots of a word: workers that serve and workers that drain
# Octets to begin with. The library would double them; labels from closed lists do not come to that.
_SIZES: Final = {"counter": 640 << 10, "histogram": 64 << 10, "gauge_livesum": 16 << 10, "gauge_max": 16 << 10}


class Slot:
    """A slot that this process holds to its end.

    Attributes:
        name: such as `worker-0`; part of the files' names.
        number: its number.
    """

    def __init__(self, name: str, number: int, lock: int) -> None:
        self.name = name
        self.number = number
        self._lock = lock

    def release(self) -> None:
        """Let somebody else have it."""
        os.close(self._lock)


def claim(folder: Path, word: str, sizes: tuple[str, ...]) -> Slot:
    """Take the lowest free slot of a word, with files for these kinds of numbers.

    Raises:
        PortError: none can be had.
    """
    try:
        for number in range(MOST):
            name = f"{word}-{number}"
            lock = _locked(folder / f"{name}.lock")
            if lock < 0:
                continue
            try:
                mark_process_dead(name, str(folder))
                for kind in sizes:
                    _fill(folder / f"{kind}_{name}.db", _SIZES[kind])
            except BaseException:
                os.close(lock)
                raise
            return Slot(name, number, lock)
    except OSError as error:
        raise PortError(f"{folder}: {error.strerror}") from error
    raise PortError(f"{folder}: all slots are taken")


def sweep(folder: Path) -> None:
    """Take away what the dead said of their present. Who takes a slot meanwhile takes the next one, at worst.

    Raises:
        PortError: the folder cannot be read.
    """
    try:
        for name in _names(folder):
            lock = _locked(folder / f"{name}.lock")
            if lock >= 0:
                try:
                    mark_process_dead(name, str(folder))
                finally:
                    os.close(lock)
    except OSError as error:
        raise PortError(f"{folder}: {error.strerror}") from error


def _names(folder: Path) -> Iterator[str]:
    """Slots that have something to say of the present, be they held or not."""
    for path in folder.glob("gauge_live*.db"):
        yield path.stem.rpartition("_")[2]


def _locked(path: Path) -> int:
    """A descriptor that holds the lock, or -1 where another process has it."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return -1
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def _fill(path: Path, octets: int) -> None:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        os.posix_fallocate(descriptor, 0, octets)
    except OSError:
        if not os.fstat(descriptor).st_size:
            with suppress(OSError):
                path.unlink()
        raise
    finally:
        os.close(descriptor)
