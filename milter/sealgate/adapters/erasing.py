"""A file of lines written anew without some of them, while another process goes on appending to it.

Promises: the file is the old one or the new one, whole and on disk, whatever happens between; owner and mode stay. The
appending process is kept out only for the last few lines and the change of names, not while the bulk is copied: mail
waits for it. What a crash left half-written beside the file, which holds what was to be erased too, is removed by the
next run. What stays on the medium below the file system, in snapshots and in backups is out of reach.

What can fail: whatever a disk does, and another process that erases for longer than one waits (`PortError`).
"""

import fcntl
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from io import BufferedReader, BufferedWriter
from pathlib import Path
from typing import Final

from sealgate.app.ports import PortError

PATIENCE: Final = 10.0  # seconds to wait for another eraser
_NEAR: Final = 1 << 20  # octets that may be left to copy when the appending process is kept out
_ROUNDS: Final = 8
_POLL: Final = 0.05

Keeping = Callable[[bytes], bytes]
"""From a line without newline to what stays of it; empty: nothing."""


@contextmanager
def alone(folder: Path, patience: float = PATIENCE) -> Iterator[None]:
    """Be the only one that erases in a folder; those that append are not kept out. Leftovers of a crash are removed.

    Raises:
        PortError: another one does not come to its end in time, or the folder cannot be opened.
    """
    try:
        fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise PortError(f"{folder}: {error.strerror}") from error
    try:
        _lock(fd, folder, time.monotonic() + patience)
        for left in folder.glob(".*.anew-*"):
            with suppress(OSError):
                left.unlink()
        yield
    finally:
        os.close(fd)


def each(path: Path) -> Iterator[bytes]:
    """The lines of a file as it is now, without newline; nothing where there is no file.

    Raises:
        PortError: it cannot be read.
    """
    try:
        with path.open("rb") as file:
            for line in file:
                yield line.removesuffix(b"\n")
    except FileNotFoundError:
        return
    except OSError as error:
        raise PortError(f"{path}: {error.strerror}") from error


def rewrite(path: Path, keeping: Keeping, hold: Callable[[], AbstractContextManager[None]]) -> None:
    """Put a file in the place of `path` that holds only what stays of its lines. To be called within `alone`.

    Args:
        path: the file.
        keeping: says what stays of a line.
        hold: keeps those that append out while its block runs.

    Raises:
        PortError: it cannot be read or written; then the file is as it was.
    """
    made: Path | None = None
    try:
        with path.open("rb") as old:
            fd, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.anew-")
            made = Path(name)
            with os.fdopen(fd, "wb") as new:
                _like(old, fd)
                _copy_bulk(old, new, keeping)
                with hold():
                    if os.stat(path).st_ino != os.fstat(old.fileno()).st_ino:
                        raise PortError(f"{path} was replaced meanwhile: run this again")
                    _copy(old, new, keeping, is_end=True)
                    new.flush()
                    os.fsync(fd)
                    made.replace(path)
                    made = None
                    sync_folder(path.parent)
    except OSError as error:
        raise PortError(f"{error.filename or path}: {error.strerror}") from error
    finally:
        if made is not None:
            with suppress(OSError):
                made.unlink()


def remove(path: Path, hold: Callable[[], AbstractContextManager[None]]) -> bool:
    """Remove a file; whether there was one.

    Raises:
        PortError: it cannot be removed.
    """
    try:
        with hold():
            path.unlink()
            sync_folder(path.parent)
    except FileNotFoundError:
        return False
    except OSError as error:
        raise PortError(f"{path}: {error.strerror}") from error
    return True


def sync_folder(folder: Path) -> None:
    """Make a new name, or the end of one, last.

    Raises:
        OSError: it is not certain that it does.
    """
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def _lock(fd: int, folder: Path, until: float) -> None:
    while True:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= until:
                raise PortError(f"{folder}: another process erases there; run this again") from None
            time.sleep(_POLL)
        except OSError as error:
            raise PortError(f"{folder}: {error.strerror}") from error
        else:
            return


def _like(old: BufferedReader, fd: int) -> None:
    """Give the new file owner and mode of the old one: root erases, and the gate's user goes on writing."""
    status = os.fstat(old.fileno())
    if (status.st_uid, status.st_gid) != (os.geteuid(), os.getegid()):
        os.fchown(fd, status.st_uid, status.st_gid)
    os.fchmod(fd, status.st_mode & 0o777)


def _copy_bulk(old: BufferedReader, new: BufferedWriter, keeping: Keeping) -> None:
    """Copy until little is left, which grows while one copies."""
    for _ in range(_ROUNDS):
        _copy(old, new, keeping, is_end=False)
        new.flush()
        os.fsync(new.fileno())  # so that little is left to do while others wait
        if os.fstat(old.fileno()).st_size - old.tell() < _NEAR:
            return


def _copy(old: BufferedReader, new: BufferedWriter, keeping: Keeping, *, is_end: bool) -> None:
    place = old.tell()
    for line in iter(old.readline, b""):
        if not line.endswith(b"\n") and not is_end:
            break  # it is being written
        place += len(line)
        if kept := keeping(line.removesuffix(b"\n")):
            new.write(kept + b"\n")
    old.seek(place)
