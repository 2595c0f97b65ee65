"""The audit file itself: one writer, lines on disk before anyone is told so, a chain that outlives crash and rotation.

Promises: what `append` returned for is on disk, once, in order, linked to what stood before it. What the file holds
beyond that is never taken away: octets of a line that a crash or a full disk cut short stay, and a record names them.

Only one process can hold a file: it holds a lock on `PATH.lock`, beside it. The lock is not on the file itself, because
rotation puts another file in its place, perhaps just while an old and a new writer hand over.

What can fail: all that a disk can do to a write. `append` then raises `PortError`, the file counts as in trouble, and
later calls try to open it again; the first that succeeds leaves a `gap` record. Rotation by renaming is found before
each batch, and the chain goes on in the new file. Rotation by copying and cutting is found too and is a `gap`: lines
that were written between its two steps are lost, so do not use it. A file that was renamed while no writer ran begins
a new chain at 1.
"""

import errno
import fcntl
import os
import stat
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, NoReturn

from sealgate.app.ports import PortError
from sealgate.audit.chain import Tail, digest, link, read_tail
from sealgate.audit.verifier import FILE_KINDS, START, Head

WINDOW = 4 << 20
"""Octets of the file's end that are read when it is opened."""

_MODE = 0o640
_FLAGS = os.O_RDWR | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY
_POLL = 0.02


class LockTimeout(PortError):  # noqa: N818  # it is one of the answers of a port, all named alike
    """Another process holds the file and did not let go in time."""


def timestamp() -> str:
    """Return the wall time as RFC 3339 in UTC, to the microsecond."""
    return datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


class JournalFile:
    """The open audit file. Not for several threads.

    Args:
        path: the file; made with mode 0640 if it is not there.
        wait: seconds to wait for another holder.
        mark: fields that the file's own records (`recovered`, `gap`, `rotated`) bear beside their own.
        pause: seconds after a failure in which `append` fails without trying.

    Raises:
        LockTimeout: another process holds it.
        PortError: it cannot be opened, is not a regular file, or is not an audit file.
    """

    def __init__(
        self, path: str, *, wait: float = 10.0, mark: Mapping[str, Any] | None = None, pause: float = 0.25
    ) -> None:
        self._path = path
        self._mark = dict(mark or {})
        self._pause = pause
        self._not_before = 0.0
        self._fd = -1
        self._size = 0
        # The last line that was acknowledged; None until the file's end has been read and is known to be sound.
        self._synced: Head | None = None
        self._trouble = ""
        self._lock = _take_lock(f"{path}.lock", wait)
        try:
            self._begin()
        except BaseException:
            self._shut()
            raise

    @property
    def head(self) -> Head:
        """The last line that is certain to be on disk."""
        return self._synced or START

    def append(self, events: Sequence[Mapping[str, Any]]) -> list[int]:
        """Put events on disk with one write and one sync; return their sequence numbers.

        Raises:
            TypeError: an event has no canonical form (see `audit.chain.canonical`); nothing was written.
            ValueError: the same, or it brings a name or kind that is the file's own; nothing was written.
            PortError: it is not certain that all of them are on disk.
        """
        if any(event.get("kind") in FILE_KINDS for event in events):
            raise ValueError(f"the kinds {' and '.join(FILE_KINDS)} are the file's own")
        self._settle()
        head, lines, numbers = self.head, [], []
        for event in events:
            line = link(event, head.seq + 1, head.digest)
            head = Head(head.seq + 1, digest(line))
            lines.append(line + b"\n")
            numbers.append(head.seq)
        if lines:
            self._put(b"".join(lines), head)
        return numbers

    def close(self) -> None:
        """Let the file and its lock go. Where it was renamed meanwhile, the new file first gets a `rotated` record.

        Without that record the next writer would find an empty file and begin a new chain.
        """
        if self._fd >= 0 and not self._trouble:
            with suppress(PortError):
                before = os.fstat(self._fd).st_ino
                self._settle()
                if os.fstat(self._fd).st_ino != before:
                    self.append([{**self._mark, "kind": "rotated", "w": timestamp()}])
        self._shut()

    def _begin(self) -> None:
        """Find the chain's end in a file of which nothing is known yet."""
        try:
            tail = self._reopen()
        except OSError as error:
            raise PortError(f"the audit file {self._path}: {error.strerror}") from error
        # Pieces of first lines, each cut short by a full disk, are ours; whole lines of another kind are not.
        is_ours = b"\n" not in tail.rest or all(line[:1] in (b"", b"{") for line in tail.rest.split(b"\n"))
        if tail.head is None and not is_ours:
            raise PortError(f"the audit file {self._path} ends with nothing that this program has written")
        if tail.is_closed and not tail.rest:
            self._synced = tail.head or START
            return
        self._trouble = "the writer before this one ended within a line"
        with suppress(PortError):  # a full disk at the start is answered as later: each append says so
            self._mend()

    def _settle(self) -> None:
        """See that the file is the one at the path, ends where we left it, and can be written."""
        if not self._trouble:
            try:
                self._look()
            except OSError as error:
                self._fail(error)
        if self._trouble:
            self._mend()

    def _look(self) -> None:
        held = os.fstat(self._fd)
        try:
            there = os.stat(self._path, follow_symlinks=False)
        except FileNotFoundError:
            there = None
        if there is None or (there.st_dev, there.st_ino) != (held.st_dev, held.st_ino):
            self._reopen()
            if self._size:
                self._trouble = "another file, which is not empty, was put in its place"
        elif held.st_size < self._size:
            self._trouble = f"it was cut from {self._size} octets to {held.st_size}"
        elif held.st_size > self._size:
            self._trouble = f"another hand wrote {held.st_size - self._size} octets to it"

    def _mend(self) -> None:
        """Open the file again and leave a record of what is wrong with it; that write is the proof that it works."""
        if time.monotonic() < self._not_before:
            raise PortError(f"the audit file: {self._trouble}")
        try:
            tail = self._reopen()
            known = self._synced
            head = tail.head or START
            # What we acknowledged and the file no longer has is not forgotten: the numbers go on, and `verify` counts.
            if known is not None and head.seq <= known.seq:
                head = known
            record: dict[str, Any] = {
                **self._mark,
                "kind": "recovered" if known is None else "gap",
                "why": self._trouble,
                "octets": len(tail.void),
                "sha256": digest(tail.void),
                "w": timestamp(),
            }
            if known is not None:
                record["synced"] = {"seq": known.seq, "digest": known.digest}
            line = link(record, head.seq + 1, head.digest)
        except OSError as error:
            self._fail(error)
        self._put(line + b"\n" if tail.is_closed else b"\n" + line + b"\n", Head(head.seq + 1, digest(line)))

    def _reopen(self) -> Tail:
        """Open what is at the path now, in place of what was open before, and read its end."""
        fd = _open_file(self._path)
        if self._fd >= 0:
            os.close(self._fd)
        self._fd = fd
        self._size = os.fstat(fd).st_size
        start = max(0, self._size - WINDOW)
        return read_tail(_read(fd, start, self._size), is_cut=start > 0)

    def _put(self, octets: bytes, head: Head) -> None:
        """Write and sync; only then is `head` the end of the chain."""
        try:
            left = memoryview(octets)
            while left:
                left = left[os.write(self._fd, left) :]
            os.fdatasync(self._fd)
        except OSError as error:
            # After a failed sync the kernel may have dropped the pages, and a second sync on them would lie.
            self._fail(error)
        self._size += len(octets)
        self._synced = head
        self._trouble = ""

    def _fail(self, error: OSError) -> NoReturn:
        self._trouble = error.strerror or str(error)
        self._not_before = time.monotonic() + self._pause
        raise PortError(f"the audit file: {self._trouble}") from error

    def _shut(self) -> None:
        for fd in (self._fd, self._lock):
            if fd >= 0:
                os.close(fd)
        self._fd = self._lock = -1


def _read(fd: int, start: int, end: int) -> bytes:
    """Read from `start` to `end`, or to where the file has been cut meanwhile."""
    pieces = []
    while start < end and (piece := os.pread(fd, end - start, start)):
        pieces.append(piece)
        start += len(piece)
    return b"".join(pieces)


def _open_file(path: str) -> int:
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
            return _open_existing(path)
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


def _sync_folder(path: str) -> None:
    """Make a new name last: a synced file without a name is lost all the same."""
    folder = os.open(os.path.dirname(path) or ".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _take_lock(path: str, wait: float) -> int:
    try:
        fd = _open_file(path)
    except OSError as error:
        raise PortError(f"{path}: {error.strerror}") from error
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
