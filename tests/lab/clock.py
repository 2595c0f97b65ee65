"""A wall clock that a test may set, for a program and its children, without touching the clock of the host.

`SteppedClock(folder)` compiles `clock.c`, which is loaded into the program before libc; `environment` is what the
program must be started with, `set` moves its clock by so many seconds from the true one. Clocks that only grow stay
as they are. Needs a C compiler: `ClockUnavailable` where there is none.
"""

import shutil
import struct
import subprocess
from pathlib import Path
from typing import Final

_SOURCE: Final = Path(__file__).with_name("clock.c")


class ClockUnavailable(RuntimeError):
    """There is no C compiler, or it does not compile."""


class SteppedClock:
    """One clock. `folder` is to be the test's own.

    Attributes:
        environment: what is added to the environment of the program.
    """

    def __init__(self, folder: Path) -> None:
        compiler = shutil.which("cc")
        if compiler is None:
            raise ClockUnavailable("no C compiler is installed")
        self._offset, library = folder / "offset", folder / "clock.so"
        self.set(0)
        command = [compiler, "-O2", "-Wall", "-Wextra", "-shared", "-fPIC", "-o", str(library), str(_SOURCE)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise ClockUnavailable(f"clock.c does not compile: {done.stderr}")
        self.environment = {"LD_PRELOAD": str(library), "STEPPED_CLOCK": str(self._offset)}

    def set(self, seconds: int) -> None:
        """Have the clock differ from the true one by so many seconds, at once."""
        mode = "r+b" if self._offset.exists() else "wb"  # the file is mapped: it is never cut
        with self._offset.open(mode) as file:
            file.write(struct.pack("=q", seconds))
