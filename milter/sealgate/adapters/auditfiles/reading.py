"""The lines of all files of a record as one stream, whatever rotation does meanwhile."""

import gzip
import os
import re
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Final, NamedTuple

from sealgate.adapters.auditfiles.opening import MAX_LINE, Open, Packed, beginning, damaged, files_of, inode, opened

_BLOCK: Final = 1 << 20
_MARGIN: Final = timedelta(days=1)  # by which a clock may have been set while a file was written
_WRITTEN: Final = re.compile(rb'"w":"([0-9TZ:.-]{20,30})"')


class Line(NamedTuple):
    """One line without its newline, and where it stands: `number` counts from 1 in its file."""

    path: Path
    number: int
    octets: bytes


def stream(
    paths: Sequence[Path], *, since: str = "", until: str = "", progress: Callable[[int, int], None] = lambda *_: None
) -> Iterator[Line]:
    """Give the lines of files, in their order, as the files were named at the first call.

    Args:
        paths: oldest first, all in one folder. One that is renamed or packed meanwhile is found again.
        since: RFC 3339 in UTC; files that hold only what was written a day or more before are not opened.
        until: likewise for what was written a day or more later. Lines themselves are not compared.
        progress: told the octets on the disk that were read of late, and how many there are to read in all.

    Raises:
        OSError: a file cannot be read to its end, or was removed.
    """
    chosen = _chosen([_Rotated.of(path) for path in paths], since, until)
    total = sum(one.octets for one in chosen)
    for one in chosen:
        with one.opened() as file:
            at = 0
            for number, line in enumerate(_lines(file), 1):
                if not number & 255:
                    before, at = at, _place(file)
                    progress(at - before, total)
                yield Line(one.path, number, line)
            progress(max(0, one.octets - at), total)


@dataclass(frozen=True, slots=True)
class _Rotated:
    """A file as it was when it was listed."""

    path: Path
    inode: int
    octets: int
    begins: bytes

    @classmethod
    def of(cls, path: Path) -> "_Rotated":
        with opened(path) as file:
            return cls(path, inode(file), os.fstat(file.fileno()).st_size, beginning(file))

    @property
    def moment(self) -> str:
        """When its first line was written; empty: that cannot be told."""
        return _moment(self.begins)

    def opened(self) -> Open:
        """Open it by whatever name it has now."""
        for path in (self.path, *self._others()):
            try:
                file = opened(path)
            except FileNotFoundError:
                continue
            # A packed file is another one with the same content, and a removed one's inode is soon another's.
            is_same = beginning(file).startswith(self.begins) if self.begins else inode(file) == self.inode
            if is_same:
                file.seek(0)
                return file
            file.close()
        raise FileNotFoundError(2, "it was removed while the files before it were read", str(self.path))

    def _others(self) -> Iterator[Path]:
        stem = re.split(r"\.[0-9]+(?:\.gz)?$|-[0-9]{8}[0-9-]*(?:\.gz)?$", self.path.name)[0]
        yield from reversed(files_of(self.path.with_name(stem)))


def _chosen(files: Sequence[_Rotated], since: str, until: str) -> tuple[_Rotated, ...]:
    """Leave out the empty ones and those of another time."""
    there = [one for one in files if one.octets]
    low, high = _shifted(since, -_MARGIN), _shifted(until, _MARGIN)
    kept = [one for one, after in pairwise(there) if not (low and after.moment and after.moment < low)] + there[-1:]
    return tuple(one for one in kept if not (high and one.moment > high))


def _shifted(moment: str, by: timedelta) -> str:
    with suppress(OverflowError):
        return (datetime.fromisoformat(moment) + by).isoformat().replace("+00:00", "Z") if moment else ""
    return ""


def _place(file: Open) -> int:
    """Octets on the disk that were read."""
    return file.raw.tell() if isinstance(file, Packed) else file.tell()


def _lines(file: Open) -> Iterator[bytes]:
    rest, is_torn = b"", False
    try:
        while block := file.read(_BLOCK):
            whole = (rest + block).split(b"\n") if rest else block.split(b"\n")
            rest = whole.pop()
            if is_torn and whole:
                whole[0], is_torn = b"", False
            yield from whole
            if len(rest) > MAX_LINE:
                rest, is_torn = b"", True
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise damaged(file, error) from error


def _moment(line: bytes) -> str:
    found = _WRITTEN.search(line)
    return found[1].decode("ascii") if found else ""
