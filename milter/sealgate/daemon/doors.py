"""The supervisor's listening sockets: opened at the start, or taken over from the supervisor before it.

A restart keeps every door open: what was inherited is used again, unless the settings moved it; a place that cannot be
had keeps the old one, because serving where the MTA still connects is better than serving nowhere.
"""

import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sealgate.daemon.handover import Handover, adopt
from sealgate.daemon.listening import ListenError, listen, listen_unix
from sealgate.profile.settings import Settings


@dataclass(frozen=True, slots=True)
class Doors:
    """The MTA's listener, the writer's, the reader's, and where the first one is, as the settings write it."""

    milter: socket.socket
    writing: socket.socket
    reading: socket.socket
    address: str

    @property
    def descriptors(self) -> tuple[int, int, int]:
        """For the next supervisor."""
        return self.milter.fileno(), self.writing.fileno(), self.reading.fileno()


def open_doors(settings: Settings, places: tuple[Path, Path], left: Handover | None, log: Any) -> Doors:
    """Open the listeners, or take over those of the supervisor before us.

    Args:
        settings: where the MTA connects.
        places: the sockets of the writer and of the reader.
        left: what that supervisor left.
        log: told where the old place had to be kept.

    Raises:
        ListenError: a socket could not be opened, and there is no old one.
    """
    milter, writing, reading = (adopt(d) for d in left.listeners) if left is not None else (None, None, None)
    inherited = (milter, writing, reading)
    if left is None or left.folder != str(places[0].parent):
        writing = reading = None
    writing = writing or listen_unix(places[0], 0o600)
    reading = reading or listen_unix(places[1], 0o600)
    address = str(settings.socket)
    if left is not None and milter is not None and left.address == address:
        opened = milter
    else:
        try:
            opened = listen(settings.socket, settings.socket_mode)
        except ListenError as error:
            if left is None or milter is None:
                raise
            log.error("not-moved", kept=left.address, error=str(error))
            opened, address = milter, left.address
    doors = Doors(opened, writing, reading, address)
    for one in inherited:
        if one is not None and one not in (doors.milter, doors.writing, doors.reading):
            one.close()
    return doors
