"""HTML that is heavy or odd, read in a process of its own under the limits of the gate's reader.

A few kilobytes of hostile HTML make any HTML5 parser build gigabytes. So the gate's own reader process is started when
the first such part comes, and again after it died; its death is the same finding that it is on the mail host. Where
there are no such limits (no Unix sockets or `resource`), the HTML is read in this process.
"""

import atexit
import os
import socket
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Final

from sealgate.adapters.reader import ReaderClient
from sealgate.app.ports import Budget, PortError
from sealgate.mail.visible import View, read_html

SECONDS: Final = 10.0  # for one part, with the start of the process
_PROGRAM: Final = (
    "import socket, sys; from sealgate.daemon.reading import run_reader; run_reader(socket.socket(fileno=%d))"
)


class LimitedReader:
    """A `Reader` whose process starts when it is needed. Close it, or leave that to the end of the program."""

    def __init__(self) -> None:
        self._child: subprocess.Popen[bytes] | None = None
        self._folder: tempfile.TemporaryDirectory[str] | None = None

    def read(self, html: bytes, charset: str, budget: Budget | None = None) -> View:
        """Return what a reader sees.

        Raises:
            UnreadableError: the process died on it.
            PortError: the process cannot be started, or does not answer.
        """
        if not hasattr(socket, "AF_UNIX") or os.name != "posix":
            return read_html(html, charset)
        return ReaderClient(self._address(), SECONDS).read(html, charset, budget)

    def close(self) -> None:
        """End the process."""
        atexit.unregister(self.close)
        if self._child is not None:
            self._child.terminate()
            with suppress(subprocess.TimeoutExpired):
                self._child.wait(2)
            self._child = None
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None

    def _address(self) -> str:
        """The socket of a process that lives."""
        if self._child is not None and self._child.poll() is None and self._folder is not None:
            return str(Path(self._folder.name, "reader"))
        self.close()
        atexit.register(self.close)
        try:
            self._folder = tempfile.TemporaryDirectory(prefix="sealgate-")
            address = str(Path(self._folder.name, "reader"))
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
                listener.bind(address)
                listener.listen()
                self._child = _started(listener.fileno())
        except OSError as error:
            raise PortError(f"no process can be started to read HTML in: {error.strerror}") from error
        return address


def _started(listener: int) -> subprocess.Popen[bytes]:
    """Start the reader; it sees that we are gone by itself."""
    here = str(Path(__file__).resolve().parents[2])
    paths = os.pathsep.join([here, *(path for path in sys.path if path)])
    return subprocess.Popen(  # its words would be noise: that it died is the answer
        [sys.executable, "-c", _PROGRAM % listener],
        pass_fds=(listener,),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=os.environ | {"PYTHONPATH": paths},
    )
