"""What one supervisor leaves to the next over exec: descriptors and pids, in one environment variable.

The process stays the same (systemd's main PID), the listeners stay open, the old workers stay children. Whatever a
future version cannot read here it ignores: then it starts as if nothing had been left, and the old workers drain when
their channels close.
"""

import json
import os
import socket
from dataclasses import dataclass
from typing import Final

VARIABLE: Final = "SEALGATE_HANDOVER"
VERSION: Final = 1


@dataclass(frozen=True, slots=True)
class Handover:
    """Descriptors of the listeners, and the children with their channels.

    Attributes:
        address: the settings' text of the MTA's socket: where it changed, the old listener is not used again.
        folder: where the inner sockets are, likewise.
        is_activated: whether the MTA's listener is systemd's; a program that did not know wrote nothing of it.
    """

    address: str
    folder: str
    listeners: tuple[int, int, int]  # the MTA's, the writer's, the reader's
    children: tuple[tuple[int, str, int], ...]  # pid, kind, channel descriptor or -1
    is_activated: bool = False


def leave(handover: Handover) -> None:
    """Put it into the environment and let the descriptors live through exec."""
    for descriptor in (*handover.listeners, *(c for _, _, c in handover.children if c >= 0)):
        os.set_inheritable(descriptor, True)
    os.environ[VARIABLE] = json.dumps(
        {
            "v": VERSION,
            "address": handover.address,
            "folder": handover.folder,
            "listeners": handover.listeners,
            "children": handover.children,
            "activated": handover.is_activated,
        }
    )


def withdraw(handover: Handover) -> None:
    """Undo `leave` after an exec that failed."""
    os.environ.pop(VARIABLE, None)
    for descriptor in (*handover.listeners, *(c for _, _, c in handover.children if c >= 0)):
        os.set_inheritable(descriptor, False)


def take() -> Handover | None:
    """Read and remove what was left; `None` where nothing usable was."""
    text = os.environ.pop(VARIABLE, "")
    if not text:
        return None
    try:
        raw = json.loads(text)
        if raw["v"] != VERSION:
            return None
        first, second, third = (int(d) for d in raw["listeners"])
        children = tuple((int(p), str(k), int(c)) for p, k, c in raw["children"])
        address, folder, is_activated = str(raw["address"]), str(raw["folder"]), raw.get("activated") is True
        handover = Handover(address, folder, (first, second, third), children, is_activated)
        for descriptor in (*handover.listeners, *(c for _, _, c in children if c >= 0)):
            os.set_inheritable(descriptor, False)
    except (ValueError, KeyError, TypeError, OSError):
        return None
    return handover


def adopt(descriptor: int) -> socket.socket:
    """Make a socket object of an inherited descriptor."""
    return socket.socket(fileno=descriptor)
