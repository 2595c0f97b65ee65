"""How this process and those it forks take memory from the system: from one arena, and large pieces by themselves.

glibc gives each thread an arena of its own, up to eight a core, and what was once used there is kept: over 200,000
messages that made 45 MB a worker into 90. Under the interpreter's lock hardly two threads allocate at once, so that one
arena is enough. Where the C library is not glibc nothing is done. See mallopt(3).
"""

import contextlib
import ctypes
from typing import Final

M_MMAP_THRESHOLD: Final = -3
M_ARENA_MAX: Final = -8
LARGE: Final = 1 << 20  # octets; what is larger goes back to the system as soon as it is free


def save_memory() -> bool:
    """Limit the arenas of this process; call it before the first thread. Return whether the C library did so."""
    with contextlib.suppress(OSError, AttributeError):
        mallopt = ctypes.CDLL(None).mallopt
        # Setting the threshold also ends its growth with the largest piece that was ever freed.
        return bool(mallopt(M_ARENA_MAX, 1)) and bool(mallopt(M_MMAP_THRESHOLD, LARGE))
    return False
