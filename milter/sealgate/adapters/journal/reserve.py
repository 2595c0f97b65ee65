"""Room on the disk that is kept for the lines in flight when everything else is full.

`PATH.reserve` is a file of real blocks. When a write finds no space, the file is given up, and what was under way can
be finished. It is made again once there is room for it and as much again.
"""

import os
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
        """Keep the room; whether it is kept. Never raises."""
        if self.is_held:
            return True
        try:
            fd = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        except OSError:
            return False
        try:
            if os.fstat(fd).st_size < self._octets:
                space = os.fstatvfs(fd)
                if space.f_bavail * space.f_frsize < 2 * self._octets:
                    return self._undone()
                os.posix_fallocate(fd, 0, self._octets)
        except OSError:
            return self._undone()
        finally:
            os.close(fd)
        self.is_held = True
        return True

    def give_up(self) -> bool:
        """Free the room; whether there was any."""
        was_held, self.is_held = self.is_held, False
        with suppress(OSError):
            os.unlink(self._path)
        return was_held

    def _undone(self) -> bool:
        with suppress(OSError):
            os.unlink(self._path)
        return False
