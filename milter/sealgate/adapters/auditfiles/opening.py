"""The files of a record by name, and one of them opened, packed with gzip or not."""

import gzip
import os
import re
import zlib
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
        OSError: the folder cannot be read.
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
    return tuple(path.parent / name for *_, name in sorted(found))


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


def opened(path: Path) -> Open:
    """Open a file, packed or not.

    Raises:
        OSError: it cannot be opened.
    """
    file = path.open("rb")
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
