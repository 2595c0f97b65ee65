"""Loopback ports for servers that are started and thrown away.

`free_ports` promises ports that nothing was bound to a moment ago, by TCP or UDP, that differ from each other, and
that no other process of the tests is given as long as this one lives: many run at once. Nothing else is likely to take
one before the server that it was meant for: they lie below those that the kernel hands out for connections. If it
happens, that server fails to start and says so.
"""

import contextlib
import random
import socket
from pathlib import Path
from typing import Final

_LOWEST: Final = 15_000
_RANGE: Final = Path("/proc/sys/net/ipv4/ip_local_port_range")
_held: Final[dict[int, socket.socket]] = {}  # until the process ends; no child that is started by exec inherits them


def free_ports(n: int) -> list[int]:
    """Return `n` different ports of 127.0.0.1 that are free now, and ours alone among the tests; else RuntimeError."""
    ephemeral = int(_RANGE.read_text().split()[0]) if _RANGE.exists() else 0
    end = ephemeral if ephemeral > _LOWEST + 1_000 else 60_000
    ports: list[int] = []
    for port in random.sample(range(_LOWEST, end), end - _LOWEST):
        if len(ports) == n:
            return ports
        if _is_free(port) and _reserve(port):
            ports.append(port)
    raise RuntimeError(f"no {n} ports of 127.0.0.1 are free")


def answers(port: int, seconds: float = 0.2) -> bool:
    """Whether something accepts TCP connections on this port of 127.0.0.1."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=seconds):
            return True
    except OSError:
        return False


def _is_free(port: int) -> bool:
    try:
        for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
            with socket.socket(socket.AF_INET, kind) as tried:
                tried.bind(("127.0.0.1", port))
    except OSError:
        return False
    return True


def _reserve(port: int) -> bool:
    """Take a name in the abstract namespace: one process alone can have it, and the kernel takes it back at its end."""
    if port in _held:
        return False
    with contextlib.ExitStack() as mine:
        name = mine.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM))
        try:
            name.bind(f"\0sealgate-test-port-{port}")
        except OSError:
            return False
        mine.pop_all()
        _held[port] = name
        return True
