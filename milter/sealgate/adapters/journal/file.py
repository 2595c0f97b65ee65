"""The audit file itself: one writer, lines on disk before anyone is told so, a chain that outlives crash and rotation.

Promises: what `append` returned for is on disk (or, with `sync=False`, will be with the next `sync`), once, in order,
linked to what stood before it. What the file holds beyond that is never taken away: octets of a line that a crash or a
full disk cut short stay, and a record names them.

Only one process can hold a file: it holds a lock on `PATH.lock`, beside it. The lock is not on the file itself, because
rotation puts another file in its place, perhaps just while an old and a new writer hand over.

A tree grows with the chain (`audit.verifier.Frontier`), and `checkpoint` lines hold its root: after so many lines or
octets, after a minute, at the end, and as the first line of each new file, which can therefore be verified without the
older ones.

What can fail: all that a disk can do to a write. `append` then raises `PortError`, the file counts as in trouble, and
later calls try to open it again; the first that succeeds leaves a `gap` record. On a full disk the lines in flight
still find room (`reserve`), a `full` line says so, and `append` fails until there is space again. Rotation by renaming
is found before each batch, and the chain goes on in the new file, also where it was renamed while no writer ran.
Rotation by copying and cutting is found too and is a `gap`: lines that were written between its two steps are lost, so
do not use it.

The module is longer than others: each of its states (sound, in trouble, full) bears on each of its steps.
"""

import errno
import hashlib
import os
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final, NoReturn

from sealgate.adapters.journal.batch import Batch
from sealgate.adapters.journal.end import WINDOW, End, before, followed, found, joined
from sealgate.adapters.journal.opening import open_file, settle, take_lock
from sealgate.adapters.journal.reserve import Reserve
from sealgate.app.ports import PortError
from sealgate.audit.chain import Cut
from sealgate.audit.verifier import CHECKPOINT, START, Frontier, Head

CHECKPOINT_LINES: Final = 2_000
CHECKPOINT_OCTETS: Final = WINDOW // 2  # so that a window holds one
CHECKPOINT_SECONDS: Final = 60.0
LONGEST_PAUSE: Final = 16  # times the first one


class JournalFile:
    """The open audit file. Not for several threads.

    Args:
        path: the file; made with mode 0640 if it is not there.
        wait: seconds to wait for another holder.
        mark: fields that the file's own records bear beside their own.
        pause: seconds after a failure in which `append` fails without trying; they double up to `LONGEST_PAUSE` times.
        note: makes the signed checkpoint of a tree; without it no checkpoints are written.
        publish: is handed the newest note whose line is on disk, at most once a `tick`.

    Raises:
        LockTimeout: another process holds it.
        PortError: it cannot be opened, is not a regular file, or is not an audit file.
    """

    def __init__(
        self,
        path: str,
        *,
        wait: float = 10.0,
        mark: Mapping[str, Any] | None = None,
        pause: float = 0.25,
        note: Callable[[Frontier], str] | None = None,
        publish: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._path = path
        self._mark = dict(mark or {})
        self._pause, self._times, self._not_before = pause, 1, 0.0
        self._note, self._publish, self._unpublished = note, publish, ""
        self._fd = -1
        self._size = 0
        self._head = START
        self._frontier: Frontier | None = Frontier()  # the tree up to the head; None: not known
        self._acknowledged = START  # differs from the head only where lines of a failed write are in the file
        self._lines = self._octets = 0  # since the last checkpoint
        self._checkpoint_at = time.monotonic()
        self._is_unsynced = False
        self._trouble, self._kind = "", "gap"  # what is wrong with the file, and the kind of record that will say so
        self._is_full = False
        self._left: bytes | None = None  # at the end of an older file, and no line: the next record speaks of it
        self._reserve = Reserve(path)
        self.last_moment = ""  # when the last line was written that was there at the start
        self._lock = take_lock(f"{path}.lock", wait)
        try:
            self._begin()
            self._reserve.take()
        except BaseException:
            self._shut()
            raise

    @property
    def head(self) -> Head:
        """The last line that was acknowledged."""
        return self._acknowledged

    def append(self, lines: Sequence[Cut], *, sync: bool = True) -> int:
        """Put lines on disk with one write and one sync; return the number of the last one.

        Args:
            lines: what `audit.chain.cut` made of events; never of its `OWN_KINDS`, which the caller sees to.
            sync: whether they must be on disk when this returns, or may wait for the next `sync`.

        Raises:
            PortError: it is not certain that all of them are on disk.
        """
        self._settle()
        if not lines:
            return self.head.seq
        batch = Batch(self._head, self._frontier)
        batch.add(lines)
        count, octets, note = self._lines + len(lines), self._octets + batch.octets, ""
        if count >= CHECKPOINT_LINES or octets >= CHECKPOINT_OCTETS:
            count, octets, note = 0, 0, self._seal(batch)
        self._put(batch, sync=sync)
        self._lines, self._octets = count, octets
        self._sealed(note)
        return batch.head.seq - bool(note)

    def tick(self) -> None:
        """Do what is due: to be called about every second.

        Raises:
            PortError: something of it could not be done; it will be tried again.
        """
        self._settle()
        self._reserve.take()
        if self._lines and time.monotonic() - self._checkpoint_at >= CHECKPOINT_SECONDS:
            self._checkpoint()
        if self._unpublished:
            self.sync()
            self._publish(self._unpublished)
            self._unpublished = ""

    def sync(self) -> None:
        """Put on disk what `append` wrote without waiting.

        Raises:
            PortError: it is not certain that it is on disk.
        """
        if self._is_unsynced:
            self._is_unsynced = False  # a second sync after one that failed would lie
            try:
                settle(self._fd)
            except OSError as error:
                self._fail(error)

    def close(self) -> None:
        """Write a last checkpoint and let the file and its lock go."""
        if self._fd >= 0:
            with suppress(PortError):
                self._settle()
                if self._lines:
                    self._checkpoint()
                self.tick()
            with suppress(PortError):
                self.sync()
        self._shut()

    # -- finding the chain's end -------------------------------------------------------------------------------------

    def _begin(self) -> None:
        """Find the chain's end in a file of which nothing is known yet."""
        try:
            self._reopen()
            end = found(self._fd)
            # Pieces of first lines, each cut short by a full disk, are ours; whole lines of another kind are not.
            pieces = (end.void or b"").split(b"\n")
            is_torn = len(pieces) == 1 and not end.is_closed
            is_ours = is_torn or all(piece[:1] in (b"", b"{", b"\0") for piece in pieces)
            if end.head is None and not is_ours:
                raise PortError(f"the audit file {self._path} ends with nothing that this program has written")
            older = before(self._path) if end.head is None else None
        except OSError as error:
            raise PortError(f"the audit file {self._path}: {error.strerror}") from error
        known = end if older is None else older
        self._head = self._acknowledged = known.head or START
        self._frontier = known.frontier
        self.last_moment = known.moment
        self._left = older.void if older is not None else None
        if (end.void, self._left) != (None, None) or not end.is_closed:
            self._trouble, self._kind = "the writer before this one ended within a line", "recovered"
        with suppress(PortError):  # a full disk at the start is answered as later: each append says so
            if self._trouble:
                self._mend()
            elif older is not None:
                self._open_new()

    def _settle(self) -> None:
        """See that the file is the one at the path, ends where we left it, and can be written."""
        if not self._trouble:
            try:
                self._look()
            except OSError as error:
                self._fail(error)
        if self._trouble:
            self._mend()
        if self._is_full and not self._trouble:
            self._find_room()
        if self._trouble or self._is_full:  # again, with the very line that said it was mended
            raise PortError(f"the audit file: {self._trouble or 'the disk is full'}")

    def _look(self) -> None:
        held = os.fstat(self._fd)
        try:
            there = os.stat(self._path, follow_symlinks=False)
        except FileNotFoundError:
            there = None
        if there is None or (there.st_dev, there.st_ino) != (held.st_dev, held.st_ino):
            self.sync()
            self._reopen()
            if self._size:
                self._trouble = "another file, which is not empty, was put in its place"
            else:
                self._open_new()
        elif held.st_size < self._size:
            self._trouble = f"it was cut from {self._size} octets to {held.st_size}"
        elif held.st_size > self._size:
            self._trouble = f"another hand wrote {held.st_size - self._size} octets to it"

    def _open_new(self) -> None:
        """Write the first line of a new file that goes on a chain: without it a later writer could not."""
        if self._head == START:
            return
        if self._note is not None and self._frontier is not None:
            self._checkpoint()
        else:
            self._own({"kind": "rotated"})

    def _mend(self) -> None:
        """Open the file again and leave a record of what is wrong with it; that write is the proof that it works."""
        if time.monotonic() < self._not_before:
            raise PortError(f"the audit file: {self._trouble}")
        try:
            self._leave()
            self._reopen()
            end = self._end()
        except OSError as error:
            self._fail(error)
        void = joined(self._left, end.void) or b""
        record: dict[str, Any] = {
            "kind": self._kind,
            "why": self._trouble,
            "octets": len(void),
            "sha256": hashlib.sha256(void).hexdigest(),
        }
        if self._kind == "gap":
            record["synced"] = {"seq": self.head.seq, "digest": self.head.digest}
        before_it = self._head, self._frontier
        self._head, self._frontier = end.head or START, end.frontier
        try:
            self._own(record, after=b"" if end.is_closed else b"\n")
        except PortError:
            self._head, self._frontier = before_it
            raise
        self._kind, self._left = "gap", None

    def _leave(self) -> None:
        """Where the file in trouble was renamed, what was not acknowledged in it is part of what comes before."""
        with suppress(OSError):
            held, is_moved = os.fstat(self._fd), True
            with suppress(FileNotFoundError):
                there = os.stat(self._path, follow_symlinks=False)
                is_moved = (there.st_dev, there.st_ino) != (held.st_dev, held.st_ino)
            if is_moved and held.st_nlink:
                end = self._end()
                self._head, self._frontier, self._left = end.head or START, end.frontier, joined(self._left, end.void)
                settle(self._fd)

    def _end(self) -> End:
        if self._kind == "gap":
            return followed(self._fd, self._head, self._frontier)
        end = found(self._fd)
        return end if end.head is not None else End(self._head, self._frontier, end.void, end.is_closed)

    def _reopen(self) -> None:
        """Open what is at the path now, in place of what was open before."""
        fd = open_file(self._path)
        if self._fd >= 0:
            os.close(self._fd)
        self._fd = fd
        self._size = os.fstat(fd).st_size

    # -- writing -----------------------------------------------------------------------------------------------------

    def _seal(self, batch: Batch) -> str:
        """Add a line with the root of all lines before it; return its note, empty where none can be made."""
        if self._note is None or batch.frontier is None:
            return ""
        tree, note = batch.frontier, self._note(batch.frontier)
        batch.add(
            [batch.record(self._mark, {"kind": CHECKPOINT, "size": tree.size, "root": tree.root().hex(), "note": note})]
        )
        return note

    def _sealed(self, note: str) -> None:
        """Remember that a checkpoint was written."""
        if note:
            self._checkpoint_at, self._unpublished = time.monotonic(), note

    def _checkpoint(self) -> None:
        batch = Batch(self._head, self._frontier)
        note = self._seal(batch)
        if note:
            self._put(batch, sync=True)
            self._sealed(note)
        self._lines = self._octets = 0

    def _own(self, record: dict[str, Any], *, after: bytes = b"") -> None:
        """Write a record of the file's own, with the tree before it."""
        batch = Batch(self._head, self._frontier)
        batch.add([batch.record(self._mark, record)])
        self._put(batch, sync=True, after=after)
        self._lines += 1

    def _put(self, batch: Batch, *, sync: bool, after: bytes = b"") -> None:
        """Write and sync; only then does the chain end with the batch."""
        was_full, octets = self._is_full, after + b"".join(batch.pieces)
        try:
            self._write(octets)
            if sync or self._is_full:
                settle(self._fd)
            self._is_unsynced = not (sync or self._is_full)
            if os.fstat(self._fd).st_size != self._size + len(octets):
                raise OSError(errno.EIO, "it was cut, or written to by another hand, while lines were written")
        except OSError as error:
            # After a failed sync the kernel may have dropped the pages, and a second sync on them would lie.
            self._fail(error)
        self._size += len(octets)
        self._head = self._acknowledged = batch.head
        self._frontier = batch.frontier
        self._trouble, self._times = "", 1
        if self._is_full and not was_full:
            with suppress(PortError):
                self._own({"kind": "full", "over": False})

    def _write(self, octets: bytes) -> None:
        left = memoryview(octets)
        while left:
            try:
                left = left[os.write(self._fd, left) :]
            except OSError as error:
                if error.errno not in (errno.ENOSPC, errno.EDQUOT) or not self._reserve.give_up():
                    raise
                self._is_full = True  # the lines in flight are still written; the next ones are not taken

    def _find_room(self) -> None:
        """Go on after a full disk, once there is room for the reserve and as much again."""
        if time.monotonic() >= self._not_before and not self._reserve.take():
            self._not_before = time.monotonic() + self._pause
        if not self._reserve.is_held:
            raise PortError("the audit file: the disk is full")
        self._is_full = False
        self._own({"kind": "full", "over": True})

    def _fail(self, error: OSError) -> NoReturn:
        self._trouble = error.strerror or str(error)
        self._not_before = time.monotonic() + self._pause * self._times
        self._times = min(2 * self._times, LONGEST_PAUSE)
        raise PortError(f"the audit file: {self._trouble}") from error

    def _shut(self) -> None:
        self._reserve.give_up()
        for fd in (self._fd, self._lock):
            if fd >= 0:
                os.close(fd)
        self._fd = self._lock = -1
