"""Whom a key is for, and what the mode and the ACL of a file give whom.

Nothing is opened here but `/proc` and the lists of users and groups; a user or group without a name is told by number.
"""

import grp
import os
import pwd
import stat
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Final

READ: Final = stat.S_IROTH
ENTER: Final = stat.S_IXOTH

# A POSIX ACL as the kernel hands it out (linux/posix_acl_xattr.h): a version, then entries of tag, permissions and id.
_ACL: Final = "system.posix_acl_access"
_ENTRY: Final = struct.Struct("<HHI")
_USER, _GROUP_OBJ, _GROUP, _MASK = 0x02, 0x04, 0x08, 0x10


@dataclass(frozen=True, slots=True)
class Account:
    """A user with its groups.

    Attributes:
        uid: the user.
        gid: its primary group.
        gids: all groups that can be told from others; the primary one is among them where it can.
    """

    uid: int
    gid: int
    gids: frozenset[int]

    @classmethod
    def of_process(cls) -> "Account":
        """The account that this process runs as."""
        # In a user namespace (PrivateUsers=yes) all groups that are not mapped look like one: such a one is not ours.
        gids = filter(_is_mapped, (os.getegid(), *os.getgroups()))
        return cls(os.geteuid(), os.getegid(), frozenset(gids))

    @classmethod
    def of_owner(cls, folder: Path) -> "Account":
        """The account that owns a folder; where the folder is missing, that of this process."""
        try:
            status = folder.stat()
        except OSError:
            return cls.of_process()
        if status.st_uid == os.geteuid():
            return cls.of_process()
        try:
            user = pwd.getpwuid(status.st_uid)
        except KeyError:
            return cls(status.st_uid, status.st_gid, frozenset((status.st_gid,)))
        return cls(user.pw_uid, user.pw_gid, frozenset((user.pw_gid, *os.getgrouplist(user.pw_name, user.pw_gid))))

    def __str__(self) -> str:
        return user_told(self.uid)


@dataclass(frozen=True, slots=True)
class Access:
    """Who has which permissions on a file, as bits of `READ` and `ENTER`, less what an ACL masks.

    Attributes:
        users: what an ACL gives users by name.
        groups: what the file's group has, and what an ACL gives groups by name.
    """

    status: os.stat_result
    users: tuple[tuple[int, int], ...]
    groups: tuple[tuple[int, int], ...]

    @classmethod
    def of(cls, file: int | str, status: os.stat_result) -> "Access":
        """Read the ACL of an open file, or of one by its path."""
        try:
            raw = os.getxattr(file, _ACL)
        except OSError:  # none, or none can be had: the mode alone names no fewer than may
            return cls(status, (), ((status.st_gid, status.st_mode >> 3 & 7),))
        entries = tuple(_ENTRY.iter_unpack(raw[4:]))
        mask = next((bits for tag, bits, _ in entries if tag == _MASK), 7)  # acl(5), ACCESS CHECK ALGORITHM
        users = ((number, bits & mask) for tag, bits, number in entries if tag == _USER)
        groups = ((number, bits & mask) for tag, bits, number in entries if tag == _GROUP)
        own = ((status.st_gid, bits & mask) for tag, bits, _ in entries if tag == _GROUP_OBJ)
        return cls(status, tuple(users), (*own, *groups))

    def lets(self, account: Account, bit: int) -> bool:
        """What the kernel would answer another account; our own is answered when it opens the file."""
        if account.uid in (0, os.geteuid()):
            return True
        if self.status.st_uid == account.uid:
            return bool(self.status.st_mode >> 6 & bit)
        for uid, bits in self.users:
            if uid == account.uid:
                return bool(bits & bit)
        ours = [bits for gid, bits in self.groups if gid in account.gids]
        return any(bits & bit for bits in ours) if ours else bool(self.status.st_mode & bit)


def other_readers(path: Path, account: Account) -> tuple[str, ...]:
    """Names of accounts that can read this key as members of one of our groups, beside root and `account`.

    For advice, never to refuse by: a directory service need not list its accounts, and who is in a group changes while
    the file stays as it is.
    """
    try:
        gids = {gid for gid, bits in Access.of(str(path), path.stat()).groups if bits & READ and gid in account.gids}
    except OSError:
        return ()
    if not gids:
        return ()
    named = (name for gid in gids for name in _members(gid))
    primary = (user.pw_name for user in pwd.getpwall() if user.pw_gid in gids)
    return tuple(name for name in dict.fromkeys((*named, *primary)) if name not in ("root", user_name(account.uid)))


def user_name(uid: int) -> str:
    """A user as commands take it."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def user_told(uid: int) -> str:
    """A user as a text tells it."""
    name = user_name(uid)
    return f"uid {uid}" if name == str(uid) else f"{name} (uid {uid})"


def group_name(gid: int) -> str:
    """A group as commands take it."""
    try:
        return grp.getgrgid(gid).gr_name
    except KeyError:
        return str(gid)


def _members(gid: int) -> list[str]:
    try:
        return grp.getgrgid(gid).gr_mem
    except KeyError:
        return []


def _is_mapped(gid: int) -> bool:
    """Whether a group has a number of its own in this user namespace (user_namespaces(7))."""
    try:
        rows = [tuple(map(int, line.split())) for line in Path("/proc/self/gid_map").read_text().splitlines()]
    except OSError:
        return True
    return any(first <= gid < first + count for first, _, count in rows)
