"""Goes the way of the MTA's daemons to the gate's socket: each folder, then a real connection and a negotiation.

The connection is made by a forked child that becomes the MTA's account, with its groups, in its chroot, where this
process may do that (root); else as the account that asks. The child speaks the first packet of the milter protocol
(SMFIC_OPTNEG, version 6) and sends its report through a pipe; one that does not end in time is killed. Nothing raises
for what is found; the child touches no Python state but its own. Not for a process that has threads.
"""

import contextlib
import grp
import json
import os
import pwd
import select
import signal
import socket
import stat
import struct
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sealgate.doctor.host import Step, Tried
from sealgate.profile.settings import Socket

SECONDS: Final = 5.0
VERSION: Final = 6
ACTIONS: Final = 0x1FF  # SMFIF_*: all that version 6 knows
STEPS: Final = 0x1FFFFF  # SMFIP_*: all that version 6 knows
LEADING_SPACE: Final = 0x100000  # SMFIP_HDR_LEADSPC
CHANGES: Final = 0x01 | 0x10 | 0x20  # SMFIF_ADDHDRS, SMFIF_CHGHDRS, SMFIF_QUARANTINE
MAX_PACKET: Final = 4096
_QUIT: Final = struct.pack("!IB", 1, ord("Q"))
_OPTNEG: Final = struct.pack("!IBIII", 13, ord("O"), VERSION, ACTIONS, STEPS)


@dataclass(frozen=True, slots=True)
class Who:
    """An account with all its groups."""

    name: str
    uid: int
    gid: int
    groups: frozenset[int]


def account(name: str) -> Who | None:
    """Look an account up; `None`: this host has none of that name."""
    try:
        found = pwd.getpwnam(name)
    except (KeyError, ValueError):
        return None
    groups = os.getgrouplist(name, found.pw_gid)
    return Who(name, found.pw_uid, found.pw_gid, frozenset(groups))


def walk(path: str, who: Who | None) -> tuple[Step, ...]:
    """Look at each folder on the way to a socket, from the top, and at the socket; ends where there is nothing."""
    steps: list[Step] = []
    places = [*reversed(Path(path).parents), Path(path)]
    for place in places:
        step = _step(place, who, is_last=place == places[-1])
        steps.append(step)
        if step.kind not in ("folder",):
            break
    return tuple(steps)


def _step(place: Path, who: Who | None, *, is_last: bool) -> Step:
    try:
        found = place.stat()
    except (FileNotFoundError, NotADirectoryError):
        return Step(str(place), "missing")
    except OSError:
        return Step(str(place), "unseen")
    mode = stat.S_IMODE(found.st_mode)
    owner, group = _name(found.st_uid, found.st_gid)
    if is_last and stat.S_ISSOCK(found.st_mode):
        return Step(str(place), "socket", mode, owner, group, _may(found, who, 0o6))
    if stat.S_ISDIR(found.st_mode) and not is_last:
        return Step(str(place), "folder", mode, owner, group, _may(found, who, 0o1))
    return Step(str(place), "other", mode, owner, group)


def _may(found: os.stat_result, who: Who | None, wanted: int) -> bool | None:
    """Whether an account has these permission bits (path_resolution(7)): only the first class that fits counts."""
    if who is None:
        return None
    if who.uid == 0:
        return True
    shift = 6 if found.st_uid == who.uid else 3 if found.st_gid in who.groups else 0
    return found.st_mode >> shift & wanted == wanted


def _name(uid: int, gid: int) -> tuple[str, str]:
    owner, group = str(uid), str(gid)
    with contextlib.suppress(KeyError):
        owner = pwd.getpwuid(uid).pw_name
    with contextlib.suppress(KeyError):
        group = grp.getgrgid(gid).gr_name
    return owner, group


# -- the connection ----------------------------------------------------------------------------------------------------


def try_connection(where: Socket, who: Who | None, root: str = "", seconds: float = SECONDS) -> Tried:
    """Connect and negotiate as the MTA would.

    Args:
        where: the socket; a path as seen from inside `root`.
        who: whom to become; `None`: nobody.
        root: the chroot; empty: none.
        seconds: for all of it.
    """
    becomes = who is not None and os.geteuid() == 0
    named = who.name if becomes and who is not None else f"uid {os.geteuid()}"
    label = f"{named} in the chroot {root}" if root and becomes else named
    if root and not becomes:
        where = Socket("unix", f"{root}{where.path}") if where.family == "unix" else where
        root = ""
    read_end, write_end = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(read_end)
        _report(write_end, where, who if becomes else None, root, seconds)
    os.close(write_end)
    try:
        return Tried(label, _told(read_end, seconds + 1))
    finally:
        os.close(read_end)
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


def _told(read_end: int, seconds: float) -> str:
    """What the child reports; its end without a word is told as such."""
    said, deadline = b"", time.monotonic() + seconds
    while (left := deadline - time.monotonic()) > 0:
        if not select.select([read_end], [], [], left)[0]:
            break
        if not (part := os.read(read_end, MAX_PACKET)):
            try:
                return str(json.loads(said))
            except ValueError:
                return "the attempt ended without a word"
        said += part
    return f"no answer within {seconds:g} s"


def _report(write_end: int, where: Socket, who: Who | None, root: str, seconds: float) -> None:
    """In the child: become the account, try, report, end."""
    error = "?"
    try:
        if root:
            os.chroot(root)
            os.chdir("/")
        if who is not None:
            os.setgid(who.gid)
            os.setgroups(sorted(who.groups))
            os.setuid(who.uid)
        error = negotiate(where, seconds)
    except BaseException as unexpected:
        error = f"{type(unexpected).__name__}: {unexpected}"
    finally:
        with contextlib.suppress(OSError):
            os.write(write_end, json.dumps(error).encode())
        os._exit(0)


def negotiate(where: Socket, seconds: float) -> str:
    """Connect and exchange SMFIC_OPTNEG; return what is wrong, or nothing."""
    deadline = time.monotonic() + seconds
    try:
        with _dial(where, seconds) as peer:
            peer.sendall(_OPTNEG)
            size, command = struct.unpack("!IB", _exactly(peer, 5, deadline))
            if command != ord("O") or size < 13:
                return "what answers does not speak the milter protocol"
            rest = _exactly(peer, min(size, MAX_PACKET) - 1, deadline)
            with contextlib.suppress(OSError):
                peer.sendall(_QUIT)
    except EOFError:
        return "something accepted the connection and closed it: no milter, or one that refuses this MTA"
    except TimeoutError:
        return f"no answer within {seconds:g} s"
    except OSError as error:
        return f"{error.strerror or error}"
    version, actions, steps = struct.unpack_from("!III", rest)
    if version < VERSION or actions & CHANGES != CHANGES or not steps & LEADING_SPACE:
        return f"a milter answers that is not sealgate (version {version}, actions {actions:#x}, steps {steps:#x})"
    return ""


def _dial(where: Socket, seconds: float) -> socket.socket:
    if where.family != "unix":
        return socket.create_connection((where.host, where.port), seconds)
    peer = socket.socket(socket.AF_UNIX)
    try:
        peer.settimeout(seconds)
        peer.connect(where.path)
    except BaseException:
        peer.close()
        raise
    return peer


def _exactly(peer: socket.socket, size: int, deadline: float) -> bytes:
    said = b""
    while len(said) < size:
        if (left := deadline - time.monotonic()) <= 0:
            raise TimeoutError
        peer.settimeout(left)
        if not (part := peer.recv(size - len(said))):
            raise EOFError
        said += part
    return said
