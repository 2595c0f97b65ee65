"""How the audit file is opened: a regular file only, held by one process, under a name that outlives a crash.

What can fail: whatever a file system answers (`OSError`), another kind of file (`PortError`), another holder
(`LockTimeout`).
"""

import errno
import fcntl
import os
import stat
import time
from contextlib import suppress
from datetime import UTC, datetime
from typing import Final

from sealgate.app.ports import PortError

_MODE: Final = 0o640
_FLAGS: Final = os.O_RDWR | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY
_POLL: Final = 0.02


class LockTimeout(PortError):  # noqa: N818  # it is one of the answers of a port, all named alike
    """Another process holds the file and did not let go in time."""


def timestamp() -> str:
    """Return the wall time as RFC 3339 in UTC, to the microsecond."""
    return datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def read_range(fd: int, start: int, end: int) -> bytes:
    """Read from `start` to `end`, or to where the file has been cut meanwhile."""
    pieces = []
    while start < end and (piece := os.pread(fd, end - start, start)):
        pieces.append(piece)
        start += len(piece)
    return b"".join(pieces)


def open_file(path: str) -> int:
    """Open a regular file for reading and appending, and make it where it is not there.

    Raises:
        OSError: it cannot be opened or made.
        PortError: it is a symbolic link, a device, a pipe or the like.
    """
    for _ in range(10):  # it can be renamed away between the two calls
        with suppress(FileExistsError):
            fd = os.open(path, _FLAGS | os.O_CREAT | os.O_EXCL, _MODE)
            os.fchmod(fd, _MODE)  # whatever the umask is, auditors' group can read
            _sync_folder(path)
            return fd
        with suppress(FileNotFoundError):
            fd = _open_existing(path)
            _sync_folder(path)  # who rotates may have made it
            return fd
    raise FileNotFoundError(errno.ENOENT, "it comes and goes", path)


def _open_existing(path: str) -> int:
    try:
        fd = os.open(path, _FLAGS)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise PortError(f"{path} is a symbolic link") from error
        raise
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        os.close(fd)
        raise PortError(f"{path} is not a regular file")
    return fd


def settle(fd: int) -> None:
    """Put on disk what was written (fdatasync(2)), and make sure that it is.

    Where ext4 gives up its journal for an error of its own, a sync that comes just then is told that all is well though
    the file's new length is lost. A change of its times needs the journal, too, and fails from that moment on.

    Raises:
        OSError: it is not certain.
    """
    os.fdatasync(fd)
    os.utime(fd)


def _sync_folder(path: str) -> None:
    """Make a new name last: a synced file without a name is lost all the same."""
    folder = os.open(os.path.dirname(path) or ".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def take_lock(path: str, wait: float) -> int:
    """Hold a lock file for as long as the returned descriptor is open; wait so many seconds for another holder.

    Raises:
        LockTimeout: it did not let go.
        PortError: the file cannot be opened or locked.
    """
    try:
        fd = open_file(path)
    except OSError as error:
        raise PortError(f"{path}: {error.strerror}") from error
    with suppress(OSError):
        os.fchmod(fd, 0o600)  # who can read a file can lock it (flock(2)), an auditor for one, and keep the gate down
    until = time.monotonic() + wait
    while True:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            if time.monotonic() >= until:
                os.close(fd)
                raise LockTimeout(f"{path}: another process holds the audit file") from error
            time.sleep(_POLL)
        except OSError as error:
            os.close(fd)
            raise PortError(f"{path}: {error.strerror}") from error
        else:
            return fd
