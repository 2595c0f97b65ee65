"""The audit file itself: one writer, lines on disk before anyone is told so, a chain that outlives crash and rotation.

Promises: what `append` returned for is on disk (or, with `sync=False`, will be with the next `sync`), once, in order,
linked to what stood before it. What the file holds beyond that is never taken away: octets of a line that a crash or a
full disk cut short stay, and a record names them.

Only one process can hold a file: it holds a lock on `PATH.lock`, beside it. The lock is not on the file itself, because
rotation puts another file in its place, perhaps just while an old and a new writer hand over.

A tree grows with the chain (`audit.verifier.Frontier`), and `checkpoint` lines hold its root: after so many lines,
after a minute, at the end, and as the first line of each new file, which can therefore be verified without the older
ones.

What can fail: all that a disk can do to a write. `append` then raises `PortError`, the file counts as in trouble, and
later calls try to open it again; the first that succeeds leaves a `gap` record. On a full disk the lines in flight
still find room (`reserve`), a `full` line says so, and `append` fails until there is space again. Rotation by renaming
is found before each batch, and the chain goes on in the new file. Rotation by copying and cutting is found too and is a
`gap`: lines that were written between its two steps are lost, so do not use it. A file that was renamed while no writer
ran begins a new chain at 1.

The module is longer than others: each of its states (sound, in trouble, full) bears on each of its steps.
"""

import errno
import hashlib
import os
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final, NoReturn

from sealgate.adapters.journal.opening import open_file, read_range, take_lock, timestamp
from sealgate.adapters.journal.reserve import Reserve
from sealgate.app.ports import PortError
from sealgate.audit.chain import Cut, Tail, cut, digest, read_tail
from sealgate.audit.verifier import CHECKPOINT, START, Frontier, Head, leaf_hash, verify

WINDOW: Final = 8 << 20
"""Octets of the file's end that are read when it is opened."""

CHECKPOINT_LINES: Final = 2_000  # so that a window holds one
CHECKPOINT_SECONDS: Final = 60.0


class JournalFile:
    """The open audit file. Not for several threads.

    Args:
        path: the file; made with mode 0640 if it is not there.
        wait: seconds to wait for another holder.
        mark: fields that the file's own records bear beside their own.
        pause: seconds after a failure in which `append` fails without trying.
        note: makes the signed checkpoint of a tree; without it no checkpoints are written.
        publish: is handed each note whose line is on disk.

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
        self._pause = pause
        self._note = note
        self._publish = publish
        self._not_before = 0.0
        self._fd = -1
        self._size = 0
        # The last line that was acknowledged; None until the file's end has been read and is known to be sound.
        self._synced: Head | None = None
        self._frontier: Frontier | None = None  # of as many leaves as `_synced` counts lines; None: not known
        self._since_checkpoint = 0
        self._checkpoint_at = time.monotonic()
        self._is_unsynced = False
        self._trouble = ""
        self._is_full = False
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
        """The last line that is certain to be written."""
        return self._synced or START

    def append(self, lines: Sequence[Cut], *, sync: bool = True) -> list[int]:
        """Put lines on disk with one write and one sync; return their sequence numbers.

        Args:
            lines: what `audit.chain.cut` made of events; never of its `OWN_KINDS`, which the caller sees to.
            sync: whether they must be on disk when this returns, or may wait for the next `sync`.

        Raises:
            PortError: it is not certain that all of them are on disk.
        """
        self._settle()
        if self._is_full:
            self._find_room()
        head, moment = self.head, timestamp()
        octets: list[bytes] = []
        frontier = self._frontier.copy() if self._frontier is not None else None
        for line in lines:
            text = line.join(head.seq + 1, head.digest, moment)
            leaf = leaf_hash(text)
            if frontier is not None:
                frontier.append(leaf)
            head = Head(head.seq + 1, leaf.hex())
            octets += (text, b"\n")
        if octets:
            self._put(b"".join(octets), head, frontier, sync=sync)
            self._since_checkpoint += len(lines)
            if self._since_checkpoint >= CHECKPOINT_LINES:
                self._checkpoint(sync=sync)
        return list(range(head.seq - len(lines) + 1, head.seq + 1))

    def tick(self) -> None:
        """Write the checkpoint of the minute, where it is due; to be called about every second.

        Raises:
            PortError: it could not be written; the next `append` will try to mend that.
        """
        if self._since_checkpoint and time.monotonic() - self._checkpoint_at >= CHECKPOINT_SECONDS:
            self._settle()
            self._checkpoint()

    def sync(self) -> None:
        """Put on disk what `append` wrote without waiting.

        Raises:
            PortError: it is not certain that it is on disk.
        """
        if self._is_unsynced:
            try:
                os.fdatasync(self._fd)
            except OSError as error:
                self._fail(error)
            self._is_unsynced = False

    def close(self) -> None:
        """Write a last checkpoint and let the file and its lock go.

        Where it was renamed meanwhile, the new file first gets a `rotated` record: without it the next writer would
        find an empty file and begin a new chain.
        """
        if self._fd >= 0 and not self._trouble:
            with suppress(PortError):
                before = os.fstat(self._fd).st_ino
                self._settle()
                if os.fstat(self._fd).st_ino != before and self._note is None:
                    self._own({"kind": "rotated"})
                elif self._since_checkpoint:
                    self._checkpoint()
        self._shut()

    # -- finding the chain's end -------------------------------------------------------------------------------------

    def _begin(self) -> None:
        """Find the chain's end in a file of which nothing is known yet."""
        try:
            tail = self._reopen()
            # Pieces of first lines, each cut short by a full disk, are ours; whole lines of another kind are not.
            is_ours = b"\n" not in tail.rest or all(line[:1] in (b"", b"{") for line in tail.rest.split(b"\n"))
            if tail.head is None and not is_ours:
                raise PortError(f"the audit file {self._path} ends with nothing that this program has written")
            self.last_moment = tail.moment
            self._frontier = self._grown(tail.head or START)
        except OSError as error:
            raise PortError(f"the audit file {self._path}: {error.strerror}") from error
        if tail.is_closed and not tail.rest:
            self._synced = tail.head or START
            return
        self._trouble = "the writer before this one ended within a line"
        with suppress(PortError):  # a full disk at the start is answered as later: each append says so
            self._mend()

    def _grown(self, head: Head) -> Frontier | None:
        """The tree up to the file's last line: from the last line that tells of one, else from the first."""
        if head == START:
            return Frontier()
        start = max(0, self._size - WINDOW)
        lines = read_range(self._fd, start, self._size).split(b"\n")[1 if start else 0 :]
        at = next((i for i in range(len(lines) - 1, -1, -1) if b'"peaks":[' in lines[i]), -1)
        if at >= 0:
            report = verify(lines[at:], None)
        else:
            with open(self._path, "rb") as file:
                report = verify(file, None if start else START)
        return report.frontier if report.head == head else None

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
            self.sync()
            self._reopen()
            if self._size:
                self._trouble = "another file, which is not empty, was put in its place"
            elif self.head.seq:
                self._checkpoint()  # the first line of the new file
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
            known, frontier = self._synced, self._frontier
            head = tail.head or START
            if known is not None and head.seq <= known.seq:
                # What we acknowledged and the file no longer has is not forgotten: the numbers go on, and `verify`
                # counts.
                head = known
            elif known is not None:
                frontier = self._grown(head)
        except OSError as error:
            self._fail(error)
        record: dict[str, Any] = {
            "kind": "recovered" if known is None else "gap",
            "why": self._trouble,
            "octets": len(tail.void),
            "sha256": hashlib.sha256(tail.void).hexdigest(),
        }
        if known is not None:
            record["synced"] = {"seq": known.seq, "digest": known.digest}
        before = self._synced, self._frontier
        self._synced, self._frontier = head, frontier
        try:
            self._own(record, after=b"" if tail.is_closed else b"\n")
        except PortError:
            self._synced, self._frontier = before
            raise

    def _reopen(self) -> Tail:
        """Open what is at the path now, in place of what was open before, and read its end."""
        fd = open_file(self._path)
        if self._fd >= 0:
            os.close(self._fd)
        self._fd = fd
        self._size = os.fstat(fd).st_size
        start = max(0, self._size - WINDOW)
        return read_tail(read_range(fd, start, self._size), is_cut=start > 0)

    # -- writing -----------------------------------------------------------------------------------------------------

    def _checkpoint(self, *, sync: bool = True) -> None:
        """Write a line with the root of all lines before it."""
        self._since_checkpoint, self._checkpoint_at = 0, time.monotonic()
        if self._note is None or self._frontier is None:
            return
        note = self._note(self._frontier)
        self._own(
            {
                "kind": CHECKPOINT,
                "size": self._frontier.size,
                "root": self._frontier.root().hex(),
                "note": note,
            },
            sync=sync,
        )
        if sync:
            self._publish(note)

    def _own(self, record: dict[str, Any], *, after: bytes = b"", sync: bool = True) -> None:
        """Write a record of the file's own, with the tree before it."""
        moment = timestamp()
        peaks = {"peaks": [peak.hex() for peak in self._frontier.peaks]} if self._frontier is not None else {}
        frontier = self._frontier.copy() if self._frontier is not None else None
        text = cut({**self._mark, "v": 1, "t": moment, **peaks, **record}).join(
            self.head.seq + 1, self.head.digest, moment
        )
        if frontier is not None:
            frontier.append(leaf_hash(text))
        self._put(after + text + b"\n", Head(self.head.seq + 1, digest(text)), frontier, sync=sync)

    def _put(self, octets: bytes, head: Head, frontier: Frontier | None, *, sync: bool) -> None:
        """Write and sync; only then is `head` the end of the chain."""
        was_full = self._is_full
        try:
            self._write(octets)
            if sync or self._is_full:
                os.fdatasync(self._fd)
        except OSError as error:
            # After a failed sync the kernel may have dropped the pages, and a second sync on them would lie.
            self._fail(error)
        self._is_unsynced = not sync
        self._size += len(octets)
        self._synced, self._frontier = head, frontier
        self._trouble = ""
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
        if not self._reserve.take():
            raise PortError("the audit file: the disk is full")
        self._is_full = False
        self._own({"kind": "full", "over": True})

    def _fail(self, error: OSError) -> NoReturn:
        self._trouble = error.strerror or str(error)
        self._not_before = time.monotonic() + self._pause
        raise PortError(f"the audit file: {self._trouble}") from error

    def _shut(self) -> None:
        self._reserve.give_up()
        for fd in (self._fd, self._lock):
            if fd >= 0:
                os.close(fd)
        self._fd = self._lock = -1
