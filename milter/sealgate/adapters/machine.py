"""What the host itself says: room in a file system, and whether anything keeps the clock right.

Asks the kernel only (statvfs, adjtimex); nothing is changed, and what it does not say is `None`.
"""

import ctypes
import os
import platform
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from sealgate.doctor.ours import Clock, Room

_TIMEX_OCTETS: Final = 512  # struct timex is smaller on every architecture
_TIME_ERROR: Final = 5  # adjtimex(2): the clock is not synchronised


def room(folder: Path) -> Room | None:
    """How much an ordinary account may still write there; `None`: there is no such folder, or nobody may look."""
    try:
        found = os.statvfs(folder)
    except OSError:
        return None
    return Room(str(folder), found.f_bavail * found.f_frsize, found.f_blocks * found.f_frsize, found.f_favail,
                found.f_files)  # fmt: skip


def clock(now: float, files: Iterable[Path]) -> Clock:
    """What there is to judge the clock by.

    Args:
        now: seconds since the epoch.
        files: of ours, of which the newest counts; what is not there is passed over.
    """
    newest, newest_file = 0.0, ""
    for path in files:
        try:
            written = path.stat().st_mtime
        except OSError:
            continue
        if written > newest:
            newest, newest_file = written, str(path)
    return Clock(now, newest, newest_file, _is_kept())


def _is_kept() -> bool | None:
    """Whether the kernel holds its clock for synchronised; `None`: it does not say."""
    if platform.system() != "Linux":
        return None
    try:
        state = ctypes.CDLL(None, use_errno=True).adjtimex(ctypes.create_string_buffer(_TIMEX_OCTETS))
    except (OSError, AttributeError):
        return None
    return None if state < 0 else state != _TIME_ERROR
