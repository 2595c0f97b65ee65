"""Room on the disk that is kept for the lines in flight when everything else is full.

`PATH.reserve` is a file of real blocks. When a write finds no space, the file is given up, and what was under way can
be finished. It is made again once there is room for it and as much again, so that a disk at its limit does not make the
gate flutter. Nothing here raises.
"""

import os
import stat
from contextlib import suppress
from typing import Final

OCTETS: Final = 1 << 20
"""What is kept: hundreds of lines, and more than all connections of a worker have in flight."""


class Reserve:
    """The room beside one file."""

    def __init__(self, path: str, octets: int = OCTETS) -> None:
        self._path = f"{path}.reserve"
        self._octets = octets
        self.is_held = False

    def take(self) -> bool:
        """Keep the room; whether it is kept."""
        if self.is_held:
            return True
        try:
            self.is_held = self._made()
        except OSError:
            self.is_held = False
        if not self.is_held:
            self.give_up()
        return self.is_held

    def give_up(self) -> bool:
        """Free the room; whether there was any."""
        was_held, self.is_held = self.is_held, False
        with suppress(OSError):
            os.unlink(self._path)
        return was_held

    def _made(self) -> bool:
        # One that a killed writer left is taken over.
        fd = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK, 0o600)
        try:
            status, space = os.fstat(fd), os.fstatvfs(fd)
            if not stat.S_ISREG(status.st_mode):
                return False
            if status.st_blocks * 512 < self._octets:
                if space.f_bavail * space.f_frsize < 2 * self._octets:
                    return False
                os.posix_fallocate(fd, 0, self._octets)
        finally:
            os.close(fd)
        return True
