"""The live audit file renamed, older ones packed with gzip, and those removed whose lines have had their time.

`planned` only looks; `rename`, `pack` and `remove` do one step each, and what one of them leaves behind when it is
killed is put right by the next run. A file is packed under another name, synced, put in place and only then is the
unpacked one removed; its time of change stays, as the writer finds the chain's end by it. The writer itself needs
no word of all this: it sees that its file has another name before it writes the next batch.

Only a file that the writer has certainly left is packed, so never the newest of the renamed ones. Only the oldest
files are removed, in an unbroken row, so that what is left is one piece of the chain.

What can fail: whatever a disk does (`OSError`), or another run at the same time (`PortError`).
"""

import fcntl
import gzip
import os
import re
import shutil
import stat
import tempfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from io import BufferedReader
from pathlib import Path
from typing import Final

from sealgate.app.ports import PortError

DAY: Final = timedelta(days=1)
_DATED: Final = re.compile(r"-([0-9]{8})(?:-([0-9]{6}))?(?:-[0-9]{1,9})?(?:\.gz)?")
_WRITTEN: Final = re.compile(rb'"w":"([0-9TZ:.-]{20,30})"')
_SEQUENCE: Final = re.compile(rb'"seq":([0-9]{1,18}),')
_FIRST: Final = 64 * 1024
_BLOCK: Final = 1 << 20
_LONGEST: Final = 8 << 20  # octets of a line
_LEVEL: Final = 6


@dataclass(frozen=True, slots=True)
class Expired:
    """A file that is to be removed: which lines were in it, and its octets."""

    path: Path
    first: int
    last: int
    octets: int


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be done.

    Attributes:
        rename: the live file's new name; None: it stays.
        why: why it is renamed, or why not.
        pack: files that will be packed, oldest first.
        remove: files that will be removed, oldest first.
    """

    rename: Path | None
    why: str
    pack: tuple[Path, ...] = ()
    remove: tuple[Expired, ...] = ()


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Be the only one that rotates in a folder; what a killed run left half-packed is removed.

    Raises:
        PortError: another one does.
        OSError: the folder cannot be used.
    """
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise PortError(f"{folder}: another `audit rotate` is at work there") from error
        for left in folder.glob(".*.packing-*"):
            with suppress(OSError):
                left.unlink()
        yield
    finally:
        os.close(fd)


def why_rename(live: Path, now: datetime, *, size: int, is_forced: bool) -> str:
    """Why the live file is to be renamed now; empty: it is not.

    A file with its first line alone, which the writer makes by itself, stays: nothing has come.

    Raises:
        OSError: it cannot be read.
    """
    try:
        with live.open("rb") as file:
            octets = os.fstat(file.fileno()).st_size
            first, _, rest = file.read(_FIRST).partition(b"\n")
    except FileNotFoundError:
        return ""
    if not first or (not rest and not is_decision(first)):
        return ""
    if is_forced:
        return "asked for"
    if octets > size:
        return f"larger than {size} octets"
    began = _moment(first)
    return "older than a day" if began is not None and now - began > DAY else ""


def is_decision(line: bytes) -> bool:
    """Whether a line is more than the one that begins a new file."""
    return b'"kind":"checkpoint"' not in line and b'"kind":"rotated"' not in line


def new_name(live: Path, files: Sequence[Path], now: datetime) -> Path:
    """A name by the time in UTC that sorts behind those there are, also where the clock was set back."""
    newest = max((moment for path in files if (moment := _named(live, path)) is not None), default=None)
    moment = now.replace(microsecond=0)
    if newest is not None and moment <= newest:
        moment = newest + timedelta(seconds=1)
    return live.with_name(f"{live.name}-{moment:%Y%m%d-%H%M%S}")


def packable(live: Path, files: Sequence[Path], renamed: Path | None) -> tuple[Path, ...]:
    """The files that the writer has left and that are not packed; ours only, not those of logrotate's numbers.

    Args:
        live: the live file.
        files: all files, oldest first, as they are now.
        renamed: the new name that the live file is to get.
    """
    old = [path for path in files if path != live]
    left = old if renamed is not None else old[:-1]
    return tuple(path for path in left if path.suffix != ".gz" and _DATED.fullmatch(path.name.removeprefix(live.name)))


def expired(files: Sequence[Path], before: datetime) -> tuple[Expired, ...]:
    """The oldest files, in a row, all of whose lines were written before a moment.

    Every line is looked at: where a clock was wrong for a while, its lines alone remove nothing.

    Args:
        files: all files, oldest first; the last one is never removed.
        before: with a zone.

    Raises:
        OSError: a file cannot be read.
    """
    found = []
    for path in files[:-1]:
        moment = _moment(_first(path))
        if moment is None or moment >= before:
            break
        one, latest = _read_through(path)
        if latest is None or latest >= before:
            break
        found.append(one)
    return tuple(found)


def rename(live: Path, to: Path) -> None:
    """Give the live file its new name.

    Raises:
        OSError: that cannot be done.
    """
    if to.exists():
        raise FileExistsError(17, "there is one already", str(to))
    live.rename(to)
    _sync(live.parent)


def pack(path: Path) -> Path:
    """Put `PATH.gz` in the place of a file, with its owner, mode and time of change; return it.

    Raises:
        OSError: that cannot be done; the file is there as before.
    """
    packed = path.with_name(f"{path.name}.gz")
    with path.open("rb") as old:
        status = os.fstat(old.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise OSError(22, "it is no regular file", str(path))
        fd, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.packing-")
        made = Path(name)
        try:
            with os.fdopen(fd, "wb") as raw:
                with gzip.GzipFile("", "wb", _LEVEL, raw, 0) as new:
                    shutil.copyfileobj(old, new, _BLOCK)
                raw.flush()
                if (status.st_uid, status.st_gid) != (os.geteuid(), os.getegid()):
                    os.fchown(fd, status.st_uid, status.st_gid)
                os.fchmod(fd, status.st_mode & 0o777)
                os.utime(fd, ns=(status.st_atime_ns, status.st_mtime_ns))
                os.fsync(fd)
            if path.stat().st_size != status.st_size or not _same(path, made):
                raise OSError(11, "it changed while it was packed", str(path))
            made.replace(packed)
        except BaseException:
            made.unlink(missing_ok=True)
            raise
    _sync(path.parent)
    path.unlink()
    _sync(path.parent)
    return packed


def remove(path: Path) -> None:
    """Remove a file.

    Raises:
        OSError: that cannot be done.
    """
    path.unlink(missing_ok=True)
    _sync(path.parent)


def _same(path: Path, packed: Path) -> bool:
    """Whether a packed file gives the other back: after this the other one goes."""
    with path.open("rb") as old, gzip.open(packed, "rb") as new:
        while (one := old.read(_BLOCK)) == new.read(len(one) or 1):
            if not one:
                return True
    return False


def _named(live: Path, path: Path) -> datetime | None:
    found = _DATED.fullmatch(path.name.removeprefix(live.name))
    try:
        return datetime.strptime(f"{found[1]}{found[2] or '000000'}+0000", "%Y%m%d%H%M%S%z") if found else None
    except ValueError:
        return None


def _opened(path: Path) -> BufferedReader | gzip.GzipFile:
    return gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb")


def _first(path: Path) -> bytes:
    try:
        with _opened(path) as file:
            return file.read(_FIRST).partition(b"\n")[0]
    except (EOFError, zlib.error) as error:
        raise OSError(5, f"it is damaged: {error}", str(path)) from error


def _read_through(path: Path) -> tuple[Expired, datetime | None]:
    """Which lines a file holds, and the latest time that one of them bears."""
    latest, first, last, rest = b"", b"", b"", b""
    try:
        with _opened(path) as file:
            while block := file.read(_BLOCK):
                lines = (rest + block).split(b"\n")
                rest = lines.pop()[-_LONGEST:]
                numbered = [line for line in lines if _SEQUENCE.search(line)]
                latest = max([latest, *(found for line in numbered for found in _WRITTEN.findall(line))])
                if numbered:
                    first, last = first or numbered[0], numbered[-1]
    except (EOFError, zlib.error) as error:
        raise OSError(5, f"it is damaged: {error}", str(path)) from error
    return Expired(path, _number(first), _number(last), path.stat().st_size), _moment(b'"w":"%b"' % latest)


def _moment(line: bytes) -> datetime | None:
    found = _WRITTEN.search(line)
    try:
        return datetime.fromisoformat(found[1].decode("ascii")).astimezone(UTC) if found else None
    except ValueError:
        return None


def _number(line: bytes) -> int:
    found = _SEQUENCE.search(line)
    return int(found[1]) if found else 0


def _sync(folder: Path) -> None:
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
