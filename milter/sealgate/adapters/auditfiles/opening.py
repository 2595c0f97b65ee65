"""The files of a record by name, and one of them opened, packed with gzip or not."""

import gzip
import os
import re
import stat
import zlib
from contextlib import suppress
from io import BufferedReader
from pathlib import Path
from typing import Final

MAX_LINE: Final = 4 << 20
"""Octets of a line; what is longer is none of ours and is passed over."""

_FIRST: Final = 64 * 1024  # octets in which a first line's time is looked for
_NUMBERED: Final = re.compile(r"\.([0-9]{1,9})(\.gz)?")
_DATED: Final = re.compile(r"-([0-9]{8}[0-9-]{0,20})(\.gz)?")


def files_of(path: Path) -> tuple[Path, ...]:
    """Return the files of a record, oldest first: `PATH.N[.gz]`, `PATH-YYYYMMDD...[.gz]`, then `PATH` if it is there.

    While logrotate packs a file, both forms of it are there; the packed one, which is not whole yet, is left out.

    Raises:
        OSError: the folder cannot be read, or something else than a file has such a name: a pipe would be waited for.
    """
    names = {name for name in os.listdir(path.parent) if name.startswith(path.name)}
    found: list[tuple[int, int, str, str]] = []
    for name in names:
        rest = name.removeprefix(path.name)
        if name.endswith(".gz") and name.removesuffix(".gz") in names:
            continue
        if numbered := _NUMBERED.fullmatch(rest):
            found.append((0, -int(numbered[1]), "", name))
        elif dated := _DATED.fullmatch(rest):
            found.append((1, 0, dated[1], name))
        elif not rest:
            found.append((2, 0, "", name))
    listed = tuple(path.parent / name for *_, name in sorted(found))
    for one in listed:
        with suppress(FileNotFoundError):  # renamed since; who opens it looks for it again
            _must_be_file(one, one.stat())
    return listed


def _must_be_file(path: Path, status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise OSError(22, "it is no regular file", str(path))


class Packed(gzip.GzipFile):
    """A packed file that closes the one it is read from."""

    def __init__(self, raw: BufferedReader) -> None:
        super().__init__(fileobj=raw, mode="rb")
        self.raw = raw

    def close(self) -> None:
        """Close both."""
        super().close()
        self.raw.close()


Open = BufferedReader | Packed


def _without_waiting(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK)


def opened(path: Path) -> Open:
    """Open a file, packed or not.

    Raises:
        OSError: it cannot be opened, or is no regular file.
    """
    file = open(path, "rb", opener=_without_waiting)  # noqa: SIM115  # the caller closes it
    try:
        _must_be_file(path, os.fstat(file.fileno()))
    except OSError:
        file.close()
        raise
    return Packed(file) if file.peek(2)[:2] == b"\x1f\x8b" else file  # RFC 1952 2.3.1


def inode(file: Open) -> int:
    """What stays the same when a file is renamed."""
    return os.fstat(file.fileno()).st_ino


def beginning(file: Open) -> bytes:
    """The first line with its newline, or what there is of it."""
    try:
        return b"".join(file.read(_FIRST).partition(b"\n")[:2])
    except (EOFError, zlib.error) as error:
        raise damaged(file, error) from error


def damaged(file: Open, error: Exception) -> OSError:
    """What to raise of a file that cannot be unpacked."""
    return OSError(5, f"it is damaged: {error}", str(file.name))
