"""The audit file and those that rotation made of it, read as one stream while the writer goes on and logrotate may run.

`files_of` lists them, oldest first; `stream` gives their lines, packed with gzip or not, and leaves out whole files
that a time cannot be in; `Tail` follows the live file over rotations. Memory is that of a block and a line, however
large the files are. What a file holds behind its last newline is no line yet, and is not given.

What can fail: whatever a file system answers, a damaged or removed file among it (`OSError`).
"""

import gzip
import os
import re
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice, pairwise
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple, cast

MAX_LINE: Final = 4 << 20
"""Octets of a line; what is longer is none of ours and is passed over."""

_BLOCK: Final = 1 << 20
_BACKWARDS: Final = 64 << 20  # octets that are looked through for the last lines
_STEP: Final = 256 * 1024
_FIRST: Final = 64 * 1024  # octets in which a first line's time is looked for
_MARGIN: Final = timedelta(days=1)  # by which a clock may have been set while a file was written
_NUMBERED: Final = re.compile(r"\.([0-9]{1,9})(\.gz)?")
_DATED: Final = re.compile(r"-([0-9]{8}[0-9-]{0,20})(\.gz)?")
_WRITTEN: Final = re.compile(rb'"w":"([0-9TZ:.-]{20,30})"')
_SEQUENCE: Final = re.compile(rb'"seq":([0-9]{1,18}),')


class Line(NamedTuple):
    """One line without its newline, and where it stands: `number` counts from 1 in its file."""

    path: Path
    number: int
    octets: bytes


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
        with _opened(path) as file:
            return cls(path, _inode(file), os.fstat(file.fileno()).st_size, _beginning(file))

    @property
    def moment(self) -> str:
        """When its first line was written; empty: that cannot be told."""
        return _moment(self.begins)

    def opened(self) -> BinaryIO:
        """Open it by whatever name it has now."""
        for path in (self.path, *self._others()):
            try:
                file = _opened(path)
            except FileNotFoundError:
                continue
            # A packed file is another one with the same content, and a removed one's inode is soon another's.
            is_same = _beginning(file).startswith(self.begins) if self.begins else _inode(file) == self.inode
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
    return (datetime.fromisoformat(moment) + by).isoformat().replace("+00:00", "Z") if moment else ""


def _inode(file: BinaryIO) -> int:
    return os.fstat(file.fileno()).st_ino


def _opened(path: Path) -> BinaryIO:
    file = path.open("rb")
    is_packed = file.peek(2)[:2] == b"\x1f\x8b"  # RFC 1952 2.3.1
    return cast(BinaryIO, _Packed(file)) if is_packed else file


class _Packed(gzip.GzipFile):
    """A packed file that closes the one it is read from."""

    def __init__(self, raw: BinaryIO) -> None:
        super().__init__(fileobj=raw, mode="rb")
        self.raw = raw

    def close(self) -> None:
        super().close()
        self.raw.close()


def _place(file: BinaryIO) -> int:
    """Octets on the disk that were read."""
    return file.raw.tell() if isinstance(file, _Packed) else file.tell()


def _beginning(file: BinaryIO) -> bytes:
    """The first line, or what there is of it."""
    try:
        return file.read(_FIRST).partition(b"\n")[0]
    except (EOFError, zlib.error) as error:
        raise _damaged(file, error) from error


def _damaged(file: BinaryIO, error: Exception) -> OSError:
    return OSError(5, f"it is damaged: {error}", str(file.name))


def _lines(file: BinaryIO) -> Iterator[bytes]:
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
        raise _damaged(file, error) from error


# -- the live file -----------------------------------------------------------------------------------------------------


class Tail:
    """The end of the live file, and what comes after it, over rotations. Close it.

    The writer goes on with a renamed file until it next writes, and begins the new one with a line of its own. So an
    old file is done only once there is something in the next one; it is then read to its end before the next.

    Raises:
        OSError: the file cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = _opened(path)
        if isinstance(self._file, _Packed):
            raise OSError(22, "it is packed, and nothing will come after it", str(path))
        self._rest = b""
        size = self._file.seek(0, os.SEEK_END)
        self._begin = size - _rest_of(self._file, size)
        self._last = next(map(_sequence, _backwards(self._file, self._begin, _BACKWARDS)), 0)
        self._file.seek(self._begin)

    def close(self) -> None:
        """Let the file go."""
        self._file.close()

    def last(self, count: int, is_wanted: Callable[[bytes], bool]) -> list[bytes]:
        """The last wanted lines that stand in the file now, or in older ones; to be called before `poll`."""
        found: list[bytes] = []
        older = [path for path in files_of(self._path) if path != self._path and not path.name.endswith(".gz")]
        room = _BACKWARDS
        for path in (None, *reversed(older)):
            with suppress(FileNotFoundError), path.open("rb") if path else nullcontext(self._file) as file:
                end = file.seek(0, os.SEEK_END) if path else self._begin
                wanted = filter(is_wanted, _backwards(file, end, room))
                found += islice(wanted, count - len(found))
                room -= end
            if room <= 0 or len(found) >= count:
                break
        self._file.seek(self._begin)
        return found[::-1]

    def poll(self) -> Iterator[bytes]:
        """The whole lines that have come since.

        Raises:
            OSError: a file cannot be read.
        """
        yield from self._new()
        while self._has_successor():
            yield from self._new()  # what was written between that look and this one
            self._rest = b""
            following = self._following()
            self._file.close()
            self._file = following
            yield from self._new()

    def _new(self) -> Iterator[bytes]:
        try:
            if not isinstance(self._file, _Packed) and os.fstat(self._file.fileno()).st_size < self._file.tell():
                self._file.seek(0)  # it was cut
                self._rest = b""
            while data := self._file.read(_STEP):
                *whole, self._rest = (self._rest + data).split(b"\n")
                if len(self._rest) > MAX_LINE:
                    self._rest = b""
                if whole:
                    self._last = _sequence(whole[-1]) or self._last
                yield from whole
        except (EOFError, zlib.error) as error:
            raise _damaged(self._file, error) from error

    def _has_successor(self) -> bool:
        try:
            there = os.stat(self._path)
        except FileNotFoundError:
            return False
        return there.st_ino != _inode(self._file) and there.st_size > 0

    def _following(self) -> BinaryIO:
        """The file that goes on with the chain: the live one, or one between, where several rotations came at once."""
        for path in files_of(self._path):
            try:
                file = _opened(path)
                if self._last and _sequence(_beginning(file)) > self._last:
                    file.seek(0)
                    return file
                file.close()
            except OSError:  # it is just being renamed or packed
                continue
        return _opened(self._path)


def _moment(line: bytes) -> str:
    found = _WRITTEN.search(line)
    return found[1].decode("ascii") if found else ""


def _sequence(line: bytes) -> int:
    found = _SEQUENCE.search(line)
    return int(found[1]) if found else 0


def _rest_of(file: BinaryIO, end: int) -> int:
    """How many octets stand behind the last newline before `end`."""
    at, size = end, 0
    while at and size <= MAX_LINE:
        low = max(0, at - _STEP)
        file.seek(low)
        octets = file.read(at - low)
        newline = octets.rfind(b"\n")
        if newline >= 0:
            return size + len(octets) - newline - 1
        at, size = low, size + len(octets)
    return size


def _backwards(file: BinaryIO, end: int, room: int) -> Iterator[bytes]:
    """The whole lines before `end`, the last one first, within so many octets."""
    end -= _rest_of(file, end)
    low, rest = end, b""
    while low and end - low < room and len(rest) <= MAX_LINE:
        before, low = low, max(0, low - _STEP)
        file.seek(low)
        lines = (file.read(before - low) + rest).split(b"\n")
        rest = lines.pop(0) if low else b""
        yield from (line for line in reversed(lines) if line)
