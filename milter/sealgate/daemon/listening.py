"""The listening sockets: the MTA's, the writer's and the reader's.

The supervisor opens them once; workers inherit them over fork and the next supervisor over exec, so no connection is
ever refused while a part of the gate is replaced.
"""

import contextlib
import os
import socket
import stat
from pathlib import Path
from typing import Final

import milter

from sealgate.profile.settings import Socket

PROBE: Final = 2.0  # seconds to find out whether somebody listens at a path
BACKLOG: Final = 1024  # connections of a storm after a restart wait here instead of being refused


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
    for descriptor in os.listdir("/proc/self/fd"):
        with contextlib.suppress(OSError), socket.socket(fileno=os.dup(int(descriptor))) as one:
            if not one.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN) and own_name(one) == name:
                return True
    return False


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
    found: set[int] = set()
    for name in os.listdir("/proc/self/fd"):
        with contextlib.suppress(OSError), socket.socket(fileno=os.dup(int(name))) as one:
            if one.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
                found.add(int(name))
    return found
