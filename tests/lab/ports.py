"""Loopback ports for servers that are started and thrown away.

`free_ports` promises ports that nothing was bound to a moment ago and that differ from each other. It cannot reserve
them: another program may take one before the server that it was meant for binds it. Then that server fails to start
and says so.
"""

import contextlib
import socket


def free_ports(n: int) -> list[int]:
    """Return `n` different TCP ports of 127.0.0.1 that are free now; all are bound at once, then released."""
    with contextlib.ExitStack() as held:
        sockets = [held.enter_context(socket.socket(socket.AF_INET, socket.SOCK_STREAM)) for _ in range(n)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [int(each.getsockname()[1]) for each in sockets]


def answers(port: int, seconds: float = 0.2) -> bool:
    """Whether something accepts TCP connections on this port of 127.0.0.1."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=seconds):
            return True
    except OSError:
        return False
