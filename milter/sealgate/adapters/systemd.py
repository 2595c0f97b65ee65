"""The service manager: what it is told, whether it watches us, and which sockets it opened for us.

These are sd_notify(3), sd_watchdog_enabled(3) and sd_listen_fds(3), without a library.
Everything comes by environment variables and one datagram socket; where nobody asked, nothing is said. What is said is
said by the main process alone, which is what `NotifyAccess=main` lets through.
"""

import contextlib
import os
import socket
import time
from dataclasses import dataclass
from typing import Final

from sealgate.app.ports import PortError

FIRST_DESCRIPTOR: Final = 3  # SD_LISTEN_FDS_START
_MOST_SOCKETS: Final = 64  # nobody means more; a number out of a broken variable must not make us try them all


@dataclass(frozen=True, slots=True)
class Passed:
    """A socket that the service manager opened: its descriptor here, and its `FileDescriptorName=`."""

    descriptor: int
    name: str


def notify(state: str) -> None:
    """Send `state` (such as `READY=1`) to the service manager, if there is one. Never raises."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return
    if address[0] == "@":
        address = "\0" + address[1:]  # abstract name space
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        sender.connect(address)
        sender.sendall(state.encode())


def notify_reloading() -> None:
    """Say that a reload, or the replacement of the program, begins; `READY=1` must follow. Never raises.

    The time is what `Type=notify-reload` tells this reload from an earlier one by; other types ignore it.
    """
    notify(f"RELOADING=1\nMONOTONIC_USEC={time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000}")


def watchdog_seconds() -> float:
    """Within how many seconds `WATCHDOG=1` is awaited from this process; 0.0: nobody waits for it."""
    text, whose = os.environ.get("WATCHDOG_USEC", ""), os.environ.get("WATCHDOG_PID", "")
    if whose not in ("", str(os.getpid())) or not (text.isascii() and text.isdigit()) or len(text) > 20:
        return 0.0
    return int(text) / 1_000_000


def passed_sockets() -> tuple[Passed, ...]:
    """Take the sockets that were passed to this process: once, as the variables are removed.

    Raises:
        PortError: they are said to be passed, and the number makes no sense.
    """
    whose, count, names = (os.environ.pop(f"LISTEN_{name}", "") for name in ("PID", "FDS", "FDNAMES"))
    if whose != str(os.getpid()):  # left over from the process that started us
        return ()
    if not (count.isascii() and count.isdigit() and len(count) < 4 and int(count) <= _MOST_SOCKETS):
        raise PortError(f"LISTEN_FDS is {count[:20]!r}: it must be the number of sockets passed")
    named = names.split(":") if names else []
    found: list[Passed] = []
    for at in range(int(count)):
        descriptor = FIRST_DESCRIPTOR + at
        try:
            os.set_inheritable(descriptor, False)
        except OSError as error:
            raise PortError(f"LISTEN_FDS is {count}, and descriptor {descriptor} is not open") from error
        found.append(Passed(descriptor, named[at] if at < len(named) else "unknown"))
    return tuple(found)
