"""Profile and settings as files: read with care, written atomically.

A profile that others can write is a hole in the policy: it is refused, with the command that mends it. Private keys are
written here and read in `keyfile`, which asks more.
"""

import os
import stat
import tempfile
from pathlib import Path
from typing import Final

from sealgate.app.ports import PortError

MAX_FILE: Final = 64 * 1024 * 1024  # octets; 50,000 identities are about 10 MB, a file of 200,000 senders about 17 MB


class EncodingError(PortError):
    """A file that is not UTF-8.

    Attributes:
        line: of the first octet that is none, from 1.
        column: from 1, in characters.
    """

    def __init__(self, path: Path, data: bytes, start: int) -> None:
        before = data[:start].rpartition(b"\n")[2].decode("utf-8")
        self.line, self.column = data.count(b"\n", 0, start) + 1, len(before) + 1
        where = f"octet 0x{data[start]:02X} in line {self.line}, column {self.column}"
        super().__init__(f"{path} is not UTF-8: {where}; save the file as UTF-8")


def read_policy(path: Path) -> str:
    """Read a profile, a settings file or a file of senders.

    Raises:
        PortError: missing, unreadable, too large, not UTF-8, or writable by others than owner and group.
    """
    data, mode = _read(path)
    if mode & stat.S_IWOTH:
        raise PortError(f"{path} can be written by everybody: chmod o-w {path}")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise EncodingError(path, data, error.start) from error


def make_private_folder(path: Path, owner: tuple[int, int] | None = None) -> bool:
    """Make a folder that only its owner may enter, unless it exists; say whether it was made.

    Args:
        path: its parent must exist.
        owner: user and group to give it to; root alone can.

    Raises:
        PortError: it cannot be made.
    """
    try:
        path.mkdir(mode=0o700)
        if owner is not None:
            fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
            try:
                os.fchown(fd, *owner)
            finally:
                os.close(fd)
    except FileExistsError:
        return False
    except OSError as error:
        raise PortError(f"{path}: {error.strerror}") from error
    return True


def write_new(path: Path, data: bytes, mode: int = 0o600, owner: tuple[int, int] | None = None) -> None:
    """Create a file that did not exist, with its final mode from the first moment, for `owner` (user and group).

    Raises:
        PortError: it exists, or the folder cannot be written.
    """
    try:
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, mode)
        with os.fdopen(fd, "wb") as file:
            os.fchmod(fd, mode)  # whatever the umask took away
            if owner is not None:
                os.fchown(fd, *owner)
            file.write(data)
            file.flush()
            os.fsync(fd)
    except OSError as error:
        raise PortError(f"{path}: {error.strerror}") from error


def replace(path: Path, data: bytes, mode: int = 0o644) -> None:
    """Write a file so that readers see the old content or the new one, never half.

    Raises:
        PortError: the folder cannot be written.
    """
    try:
        fd, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        with os.fdopen(fd, "wb") as file:
            os.fchmod(fd, mode)
            file.write(data)
            file.flush()
            os.fsync(fd)
        os.replace(name, path)
    except OSError as error:
        raise PortError(f"{path}: {error.strerror}") from error


def _read(path: Path) -> tuple[bytes, int]:
    try:
        # Without O_NONBLOCK, opening a FIFO would wait for a writer.
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(fd, "rb") as file:
            status = os.fstat(fd)
            if not stat.S_ISREG(status.st_mode):
                raise PortError(f"{path} is not a regular file")
            data = file.read(MAX_FILE + 1)
    except (OSError, ValueError) as error:  # ValueError: no path at all, such as one with NUL in it
        raise PortError(f"{path}: {getattr(error, 'strerror', None) or error}") from error
    if len(data) > MAX_FILE:
        raise PortError(f"{path} is larger than {MAX_FILE} octets")
    return data, status.st_mode
