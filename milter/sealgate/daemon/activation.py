"""Socket activation: the MTA's listener where systemd opened it, instead of one of our own.

`systemd/sealgate.socket` listens before the gate runs and while it is down, so a connection of the MTA waits instead of
being refused. The socket stays systemd's: its address and its mode stand in that unit, and it is not removed at the
end. It reaches libmilter as every listener does, over libmilter's own descriptor (`listening.lend_to_libmilter`), so it
needs no `fd:` of that library. What was passed and cannot be used is refused with `ListenError`: to open another socket
silently would leave the MTA at a door that nobody answers.
"""

import socket
from typing import Final

from sealgate.adapters.systemd import Passed, passed_sockets
from sealgate.app.ports import PortError
from sealgate.daemon.listening import ListenError
from sealgate.profile.settings import Socket

NAMES: Final = ("milter", "sealgate.socket")  # FileDescriptorName= of the MTA's socket, where several are passed


def take_listener() -> socket.socket | None:
    """Take the MTA's listener from systemd; `None` where it passed nothing. To be called once, by the main process.

    Raises:
        ListenError: something was passed that is no listening stream socket, or it is not clear which is the MTA's.
    """
    try:
        passed = passed_sockets()
    except PortError as error:
        raise ListenError(f"systemd's socket cannot be taken: {error}") from error
    if not passed:
        return None
    one = _chosen(passed)
    try:
        listener = socket.socket(fileno=one.descriptor)
        is_listening = listener.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
    except OSError as error:
        raise ListenError(f"descriptor {one.descriptor} ({one.name}) of systemd is no socket") from error
    if listener.type != socket.SOCK_STREAM or not is_listening:
        raise ListenError(
            f"the socket {one.name} of systemd does not listen for streams: it takes ListenStream= and Accept=no"
        )
    place_of(listener)  # one that the MTA cannot be told is refused now
    if listener.family != socket.AF_UNIX:
        # As for a socket of our own (`listening.listen`): accepted sockets inherit it.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    listener.setblocking(False)  # workers poll one listener; the losers of a race would hang in accept()
    return listener


def place_of(listener: socket.socket) -> Socket:
    """Where a listener of systemd's can be reached, in the words of the settings.

    Raises:
        ListenError: it has no name that the settings could spell.
    """
    name = listener.getsockname()
    if listener.family == socket.AF_UNIX and isinstance(name, str) and name.startswith("/"):
        return Socket("unix", name)
    if listener.family == socket.AF_INET:
        return Socket("inet", host=name[0], port=name[1])
    if listener.family == socket.AF_INET6:
        return Socket("inet6", host=name[0], port=name[1])
    raise ListenError("the socket of systemd has no path and no port: write ListenStream=/path or ListenStream=PORT")


def _chosen(passed: tuple[Passed, ...]) -> Passed:
    named = [one for one in passed if one.name in NAMES]
    if len(passed) == 1 or len(named) == 1:
        return (named or passed)[0]
    listed = ", ".join(one.name[:64] for one in passed)
    raise ListenError(
        f"systemd passed {len(passed)} sockets ({listed}): one of them must be the MTA's, "
        f"by FileDescriptorName={NAMES[0]} and one ListenStream= in its unit"
    )
