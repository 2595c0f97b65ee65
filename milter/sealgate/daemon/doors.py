"""The supervisor's listening sockets: opened at the start, or taken over from the supervisor before it.

A restart keeps every door open: what was inherited is used again, unless the settings moved it; a place that cannot be
had keeps the old one, because serving where the MTA still connects is better than serving nowhere.
"""

import contextlib
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sealgate.daemon.activation import place_of, take_listener
from sealgate.daemon.handover import Handover, adopt
from sealgate.daemon.listening import ListenError, listen, listen_unix
from sealgate.profile.settings import Settings, Socket, parse_socket


@dataclass(frozen=True, slots=True)
class Doors:
    """The MTA's listener, the writer's, the reader's; where the first one is, and whether it is systemd's."""

    milter: socket.socket
    writing: socket.socket
    reading: socket.socket
    where: Socket
    is_activated: bool = False

    @property
    def descriptors(self) -> tuple[int, int, int]:
        """For the next supervisor."""
        return self.milter.fileno(), self.writing.fileno(), self.reading.fileno()

    def remove(self, http: Socket | None) -> None:
        """Take away the Unix sockets that are ours, at the end: the MTA's, unless systemd opened it, and the pages'."""
        for where in (None if self.is_activated else self.where, http):
            if where is not None and where.family == "unix":
                with contextlib.suppress(FileNotFoundError):
                    Path(where.path).unlink()


def open_doors(settings: Settings, places: tuple[Path, Path], left: Handover | None, log: Any) -> Doors:
    """Open the listeners, or take over those of the supervisor before us, or that of systemd.

    Args:
        settings: where the MTA connects, unless systemd listens for us.
        places: the sockets of the writer and of the reader.
        left: what that supervisor left.
        log: told where another place than that of the settings is served.

    Raises:
        ListenError: a socket could not be opened, and there is no old one; or systemd passed what cannot be used.
    """
    milter, writing, reading = (adopt(d) for d in left.listeners) if left is not None else (None, None, None)
    inherited = (milter, writing, reading)
    if left is None or left.folder != str(places[0].parent):
        writing = reading = None
    writing = writing or listen_unix(places[0], 0o600)
    reading = reading or listen_unix(places[1], 0o600)
    passed = take_listener() if left is None else milter if left.is_activated else None
    if passed is not None:
        opened, where = passed, place_of(passed)
        if where != settings.socket:  # what `sealgate check` says of the socket is said of the wrong one
            log.warning("socket-is-systemds", serves=str(where), settings=str(settings.socket))
    else:
        opened, where = _own(settings, milter, left, log)
    doors = Doors(opened, writing, reading, where, passed is not None)
    for one in inherited:
        if one is not None and one not in (doors.milter, doors.writing, doors.reading):
            one.close()
    return doors


def _own(
    settings: Settings, old: socket.socket | None, left: Handover | None, log: Any
) -> tuple[socket.socket, Socket]:
    """The listener that the settings ask for, and where it is; the old one where that cannot be had."""
    if left is None or old is None:
        return listen(settings.socket, settings.socket_mode), settings.socket
    if left.address == str(settings.socket):
        return old, settings.socket
    try:
        return listen(settings.socket, settings.socket_mode), settings.socket
    except ListenError as error:
        log.error("not-moved", kept=left.address, error=str(error))
        return old, parse_socket(left.address)
