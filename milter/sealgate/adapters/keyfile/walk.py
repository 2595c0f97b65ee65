"""The way down to a key, one descriptor a step; see the package for what it promises.

Whatever goes wrong leaves as a `PortError` that says what mends it.
"""

import os
import shlex
import stat
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from sealgate.adapters.keyfile.account import ENTER, READ, Access, Account, group_name, user_name, user_told
from sealgate.app.ports import PortError

MAX_KEY: Final = 64 * 1024  # octets; RSA with 4096 bits takes 3.3 KB
MAX_LINKS: Final = 40  # what Linux follows, path_resolution(7)
_DATA_LINK: Final = "..data"  # kubelet's link to the Secret in force (kubernetes, pkg/volume/util/atomic_writer.go)
_KINDS: Final = {stat.S_IFREG: "regular file", stat.S_IFDIR: "directory", stat.S_IFIFO: "FIFO", stat.S_IFSOCK: "socket"}
_LOOK: Final = os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC  # O_PATH: a device or a FIFO is looked at, and not opened
# O_NONBLOCK: should it be a FIFO by the time it is opened, nobody waits for a writer.
_READ: Final = os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC
_NAME_IT: Final = "name the file that holds the key"


def read_key(path: Path, account: Account | None = None) -> bytes:
    """Read a private key that only `account`, its groups and root can read, and only `account` and root can replace.

    Args:
        path: where the profile says it lies.
        account: whom it is for; by default the account of this process.

    Raises:
        PortError: missing (its cause is then a FileNotFoundError), unreadable, no regular file, larger than `MAX_KEY`,
            or not safe; the text says what mends it.
    """
    walk = _Walk(path, account or Account.of_process())
    try:
        return walk.read()
    except (OSError, ValueError) as error:  # ValueError: no path at all, such as one with NUL in it
        raise PortError(f"{_quoted(str(path))}: {getattr(error, 'strerror', None) or error}") from error
    finally:
        walk.close()


def command_to_own(path: str, account: Account) -> str:
    """The command that gives a key to `account` alone."""
    return f"chown {user_name(account.uid)} {_quoted(path)} && chmod 0600 {_quoted(path)}"


@dataclass(slots=True)
class _Walk:
    """One way down to one key. `directory` was reached and judged, `here` are its steps; `entry` is looked at next."""

    path: Path
    account: Account
    here: list[str] = field(default_factory=list)
    directory: int = -1
    entry: int = -1
    is_shared: bool = False  # others may write the directory, which is sticky
    is_secret: bool = False  # a mounted Secret of Kubernetes

    def close(self) -> None:
        for descriptor in (self.directory, self.entry):
            if descriptor >= 0:
                os.close(descriptor)

    def read(self) -> bytes:
        name = self._descend()
        found, step = os.fstat(self.entry), self._name(name)
        if not stat.S_ISREG(found.st_mode):
            raise self._refusal(step, f"is a {_kind(found)}, not a regular file", _NAME_IT)
        try:
            fd = os.open(name, _READ, dir_fd=self.directory)
        except PermissionError:
            raise self._unreadable(step, found) from None
        with os.fdopen(fd, "rb") as file:
            status = os.fstat(fd)
            if (status.st_dev, status.st_ino) != (found.st_dev, found.st_ino):
                raise self._refusal(step, "was replaced while it was read", "try again")
            self._judge_file(step, Access.of(fd, status))
            data = file.read(MAX_KEY + 1)
        if len(data) > MAX_KEY:
            raise self._refusal(step, f"is larger than {MAX_KEY} octets", _NAME_IT)
        return data

    def _descend(self) -> str:
        """Go down to the step that is no directory and no link; it is `entry` then. Return its name in `directory`."""
        left, links = deque(_steps(str(self.path if self.path.is_absolute() else Path.cwd() / self.path))), 0
        self._enter_root()
        while left:
            name = left.popleft()
            status = self._look_at(name)
            if stat.S_ISLNK(status.st_mode):
                links += 1
                if links > MAX_LINKS:
                    raise self._refusal(self._name(name), f"is link number {links}", _NAME_IT)
                target = os.readlink("", dir_fd=self.entry)
                self.is_secret |= name == _DATA_LINK
                if target.startswith("/"):
                    self._enter_root()
                left.extendleft(reversed(_steps(target)))
            elif stat.S_ISDIR(status.st_mode):
                self._enter(self._name(name), status)
            elif left:
                raise self._refusal(self._name(name), f"is a {_kind(status)}, not a directory", "mend the path")
            else:
                return name
        raise self._refusal(self._name(), "is a directory, not a regular file", _NAME_IT)

    def _look_at(self, name: str) -> os.stat_result:
        """Make an entry of the directory `entry`; where others may write there, it must be root's or ours."""
        step, previous, self.entry = self._name(name), self.entry, -1
        if previous >= 0:
            os.close(previous)
        try:
            self.entry = os.open(name, _LOOK, dir_fd=self.directory)
        except PermissionError:
            raise self._unreachable(os.fstat(self.directory)) from None
        except FileNotFoundError as error:
            missing = "" if step == str(self.path) else f" ({_quoted(step)} is missing)"
            raise PortError(f"{_quoted(str(self.path))}: {error.strerror}{missing}") from error
        status = os.fstat(self.entry)
        if self.is_shared and status.st_uid not in (0, self.account.uid):
            why = f"belongs to {user_told(status.st_uid)} and lies where others may write, so it could be any key"
            raise self._refusal(step, why, f"chown -h {user_name(self.account.uid)} {_quoted(step)}")
        return status

    def _enter_root(self) -> None:
        if self.entry >= 0:
            os.close(self.entry)
        self.entry = os.open("/", _LOOK | os.O_DIRECTORY)
        self._enter("/", os.fstat(self.entry))

    def _enter(self, step: str, status: os.stat_result) -> None:
        """Judge `entry` and make it the directory."""
        writers = _writers(status)
        if status.st_uid not in (0, self.account.uid):
            why = f"belongs to {user_told(status.st_uid)}, who could put another key in place"
            raise self._refusal(step, why, f"chown root {_quoted(step)}")
        if writers and not status.st_mode & stat.S_ISVTX:
            why = f"can be written by {_writers_told(status)}, who could put another key in place"
            raise self._refusal(step, why, f"chmod {writers}-w {_quoted(step)}")
        previous, self.directory, self.entry = self.directory, self.entry, -1
        if previous >= 0:
            os.close(previous)
        self.here, self.is_shared = _steps(step), bool(writers)
        # Of a descriptor with O_PATH an ACL can only be asked by its name in /proc.
        if not Access.of(f"/proc/self/fd/{self.directory}", status).lets(self.account, ENTER):
            raise self._unreachable(status)

    def _judge_file(self, step: str, access: Access) -> None:
        status, account = access.status, self.account
        mode = f"(mode {stat.S_IMODE(status.st_mode):04o})"
        if status.st_uid not in (0, account.uid):
            why = f"belongs to {user_told(status.st_uid)}, who can read and replace it"
            raise self._refusal(step, why, command_to_own(step, account))
        if _writers(status):
            raise self._refusal(step, f"can be written by {_writers_told(status)} {mode}", self._closed(step, status))
        if status.st_mode & stat.S_IROTH:
            raise self._refusal(step, f"can be read by others than its owner {mode}", self._closed(step, status))
        for uid, bits in access.users:
            if bits & READ and uid not in (0, account.uid):
                why = f"can be read by {user_told(uid)} through its ACL"
                raise self._refusal(step, why, f"setfacl -x u:{uid} {_quoted(step)}")
        for gid, bits in access.groups:
            if bits & READ and gid not in account.gids:
                why = f"can be read by group {group_name(gid)}, in which {account} is not {mode}"
                by_acl = f"setfacl -x g:{gid} {_quoted(step)}"
                raise self._refusal(step, why, self._closed(step, status) if gid == status.st_gid else by_acl)
        if not access.lets(account, READ):
            raise self._unreadable(step, status)

    def _closed(self, step: str, status: os.stat_result) -> str:
        """What takes from others what they need not have, and leaves the key readable for its account."""
        if self.is_secret:
            return "write `defaultMode: 0400` at the volume's `secret` in the pod"
        mode = 0o600 if status.st_mode & stat.S_IWUSR else 0o400
        if status.st_uid == self.account.uid:
            return f"chmod {mode:04o} {_quoted(step)}"
        if status.st_gid in self.account.gids:
            return f"chmod {mode | stat.S_IRGRP:04o} {_quoted(step)}"
        return command_to_own(step, self.account)

    def _unreadable(self, step: str, status: os.stat_result) -> PortError:
        mend = command_to_own(step, self.account)
        if self.is_secret:
            mend = f"write `fsGroup: {self.account.gid}` at the pod's `securityContext`"
        return self._refusal(step, f"cannot be read by {self.account}: {_owned(status)}", mend)

    def _unreachable(self, status: os.stat_result) -> PortError:
        step = self._name()
        mend = f"chmod {'u' if status.st_uid == self.account.uid else 'g'}+x {_quoted(step)}"
        if status.st_uid != self.account.uid and status.st_gid not in self.account.gids:
            mend = f"chgrp {group_name(self.account.gid)} {_quoted(step)} && {mend}"
        return self._refusal(step, f"does not let {self.account} through: {_owned(status)}", mend)

    def _name(self, name: str = "") -> str:
        """The path without links of an entry of `directory`, or of the directory itself."""
        return "/" + "/".join(self.here[:-1] if name == ".." else (*self.here, name) if name else self.here)

    def _refusal(self, step: str, why: str, mend: str) -> PortError:
        key = "" if step == str(self.path) else f"{_quoted(str(self.path))}: "
        return PortError(f"{key}{_quoted(step)} {why}: {mend}")


def _steps(path: str) -> list[str]:
    return [step for step in path.split("/") if step not in ("", ".")]


def _writers(status: os.stat_result) -> str:
    """Who beside the owner may write, as chmod(1) has it. With an ACL the group's bits are its mask: no fewer may."""
    return "g" * bool(status.st_mode & stat.S_IWGRP) + "o" * bool(status.st_mode & stat.S_IWOTH)


def _writers_told(status: os.stat_result) -> str:
    return "everybody" if status.st_mode & stat.S_IWOTH else f"group {group_name(status.st_gid)}"


def _owned(status: os.stat_result) -> str:
    mode = stat.S_IMODE(status.st_mode)
    return f"it belongs to {user_told(status.st_uid)} and group {group_name(status.st_gid)}, mode {mode:04o}"


def _kind(status: os.stat_result) -> str:
    return _KINDS.get(stat.S_IFMT(status.st_mode), "device")


def _quoted(path: str) -> str:
    """A path as a shell takes it; what a terminal would obey becomes `?`."""
    return "".join(c if c.isprintable() else "?" for c in shlex.quote(path))
