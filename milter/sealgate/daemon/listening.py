"""The listening sockets: the MTA's, the writer's and the reader's.

The supervisor opens them once; workers inherit them over fork and the next supervisor over exec, so no connection is
ever refused while a part of the gate is replaced.
"""

import contextlib
import os
import select
import socket
import stat
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import milter

from sealgate.profile.settings import Socket

TRIES: Final = 4  # to reach oneself behind a listener that several processes share
PROBE: Final = 2.0  # seconds to find out whether somebody listens at a path
BACKLOG: Final = 4096  # connections of a storm wait here: beyond it connect(2) fails at once at a Unix socket (EAGAIN)


class ListenError(Exception):
    """The socket could not be opened; `str()` says why and what to do."""


def listen(where: Socket, mode: int) -> socket.socket:
    """Open the socket that the MTA connects to, non-blocking.

    Raises:
        ListenError: somebody listens there already, the folder is missing, or something else stands at the path.
    """
    if where.family == "unix":
        return listen_unix(Path(where.path), mode)
    family = socket.AF_INET6 if where.family == "inet6" else socket.AF_INET
    opened = socket.socket(family, socket.SOCK_STREAM)
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    # Accepted sockets inherit it on Linux; without it, Nagle and delayed ACK cost 44 ms a message.
    opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    try:
        opened.bind((where.host, where.port))
    except OSError as error:
        opened.close()
        raise ListenError(f"cannot listen on {where.host} port {where.port}: {error.strerror}") from error
    return _ready(opened)


def listen_unix(path: Path, mode: int) -> socket.socket:
    """Open a Unix socket, taking away a stale one: a socket at which nobody answers, and nothing else.

    Raises:
        ListenError: as for `listen`.
    """
    opened = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        _clear(path)
        # Bound under a private name and mode first: there is no moment at which anybody may connect.
        staged = path.with_name(f".{path.name}.{os.getpid()}")
        with contextlib.suppress(FileNotFoundError):
            staged.unlink()
        opened.bind(str(staged))
        staged.chmod(mode)
        opened.listen(BACKLOG)
        staged.rename(path)
    except OSError as error:
        opened.close()
        raise ListenError(f"cannot listen on {path}: {error.strerror or error}") from error
    return _ready(opened)


def lend_to_libmilter(listener: socket.socket, folder: Path) -> int:
    """Make libmilter of this process serve `listener`, and return the descriptor it uses.

    libmilter opens a listener of its own at a private place, and the shared one is put over its descriptor. Debian's
    libmilter takes `fd:N` instead, the upstream one does not.
    """
    before = _listening_descriptors()
    if listener.family == socket.AF_UNIX:
        place = folder / f".libmilter.{os.getpid()}"
        milter.setconn(f"unix:{place}")
        milter.opensocket(True)
        place.unlink()
    else:
        six = listener.family == socket.AF_INET6
        milter.setconn("inet6:0@[::1]" if six else "inet:0@127.0.0.1")
        milter.opensocket(True)
    opened = _listening_descriptors() - before
    # The folder is ours alone, so nobody can have connected in between.
    if len(opened) != 1:
        raise ListenError(f"libmilter opened {len(opened)} listening sockets instead of one")
    descriptor = opened.pop()
    os.dup2(listener.fileno(), descriptor, inheritable=False)
    return descriptor


def dial_oneself(door: Any, family: int, seconds: float) -> socket.socket | None:
    """Connect to the shared listener until it is this very process that accepts, for `adapters.nudging`.

    Args:
        door: the listener's address.
        family: its address family.
        seconds: for one try; libmilter must be serving by now.

    Returns:
        The connection; None: another worker was faster each time, or nobody can connect.
    """
    for _ in range(TRIES):
        made = socket.socket(family, socket.SOCK_STREAM)
        try:
            made.settimeout(seconds)
            if family == socket.AF_UNIX:
                made.bind("")  # a name of its own to be known by, unix(7): autobind
            made.connect(door)
            until = time.monotonic() + seconds
            while time.monotonic() < until:
                if _has_peer(made.getsockname()):
                    return made
                time.sleep(0.002)
        except OSError:
            made.close()
            return None
        made.close()
    return None


def _has_peer(name: Any) -> bool:
    """Whether this process holds an accepted connection of the socket of that name."""
    for entry in os.listdir("/proc/self/fd"):
        try:
            one = socket.socket(fileno=int(entry))
        except OSError:
            continue
        try:
            if one.getpeername() == name:
                return True
        except OSError:
            continue
        finally:
            one.detach()
    return False


def close_off(descriptor: int, folder: Path) -> None:
    """Put a listener that nobody can reach over `descriptor`: libmilter accepts nothing more, its sessions go on.

    It has no name by the time it listens: an abstract name or a port of its own would be open to every local user.
    """
    place = folder / f".closed.{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as dead:
        dead.bind(str(place))
        place.unlink()
        dead.listen(1)
        dead.setblocking(False)
        os.dup2(dead.fileno(), descriptor, inheritable=False)


def has_accepted(name: object) -> bool:
    """Whether this process holds an open connection that came in through the listener of that `own_name`."""
    return any(not is_listening and own == name for _, is_listening, own in _sockets())


def unread(name: object) -> set[int]:
    """The descriptors of open connections that came in through the listener of that `own_name` and can be read."""
    poll = select.poll()
    for descriptor, is_listening, own in _sockets():
        if not is_listening and own == name:
            poll.register(descriptor, select.POLLIN)
    return {descriptor for descriptor, _ in poll.poll(0)}


def own_name(one: socket.socket) -> object:
    """What a listener shares with what it accepts: the path, or the port, as an address may be a wildcard there."""
    name = one.getsockname()
    return (one.family, name[1]) if isinstance(name, tuple) else name


def _ready(opened: socket.socket) -> socket.socket:
    opened.listen(BACKLOG)
    # Workers poll one listener; the losers of a race would hang in accept() and miss their end.
    opened.setblocking(False)
    return opened


def _clear(path: Path) -> None:
    try:
        found = path.lstat()
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(found.st_mode):
        raise ListenError(f"{path} exists and is not a socket; remove it or choose another path")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(PROBE)  # a full backlog would keep us waiting
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            return  # stale: the rename replaces it
        except OSError as error:
            raise ListenError(f"{path} is in the way: {error.strerror}") from error
    raise ListenError(f"somebody listens on {path} already; is another sealgate running?")


def _listening_descriptors() -> set[int]:
    return {descriptor for descriptor, is_listening, _ in _sockets() if is_listening}


def _sockets() -> Iterator[tuple[int, bool, object]]:
    """Each socket of this process: its descriptor, whether it listens, its name.

    Looked at under its own descriptor and never closed: a drain looks twenty times a second, and copies that are left
    behind, of what is no socket, would use up all descriptors within it.
    """
    for entry in os.listdir("/proc/self/fd"):
        try:
            one = socket.socket(fileno=int(entry))
        except OSError:  # a file, a pipe; or closed meanwhile
            continue
        try:
            yield int(entry), bool(one.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)), own_name(one)
        except OSError:  # of a family without a name
            continue
        finally:
            one.detach()
