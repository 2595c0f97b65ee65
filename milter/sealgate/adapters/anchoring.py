"""Ways out of this host for a signed checkpoint: the end of a file, the system's log, the input of a command.

A checkpoint proves something to others only where the root of this host cannot reach it. So each way says plainly
whether the checkpoint went out: the file is synced, the system's log must have taken the datagram (syslog(3) would not
tell), the command must end well within its time.

What can fail: all of that, as `PortError`.
"""

import os
import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import Final

from sealgate.app.ports import PortError

SYSLOG: Final = "/dev/log"
TAG: Final = "sealgate"
_AUTH_NOTICE: Final = 4 * 8 + 5  # RFC 5424 6.2.1: facility 4, severity 5
_TAIL: Final = 1 << 16


def append_to(path: Path, note: str) -> bool:
    """Put a checkpoint at the end of a file, which is made if it is not there; whether it was not there yet.

    Raises:
        PortError: it cannot be written.
    """
    octets = note.encode()
    try:
        fd = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o644)
        try:
            size = os.lseek(fd, 0, os.SEEK_END)
            end = os.pread(fd, _TAIL, max(0, size - _TAIL))
            if octets in end:
                return False
            before = b"" if end.endswith(b"\n") or not end else b"\n"
            left = memoryview(before + octets)
            while left:
                left = left[os.write(fd, left) :]
            os.fsync(fd)
        finally:
            os.close(fd)
    except OSError as error:
        raise PortError(f"{path}: {error.strerror}") from error
    return True


def to_syslog(text: str, address: str = SYSLOG) -> None:
    """Give one line to the system's log, as facility auth and severity notice.

    Raises:
        PortError: nobody takes it.
    """
    # The form that local daemons know (RFC 3164 4.1.2, without the host's name).
    line = f"<{_AUTH_NOTICE}>{time.strftime('%b %e %H:%M:%S')} {TAG}[{os.getpid()}]: {text}"
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as log:
            log.settimeout(5.0)
            log.connect(address)
            log.send(line.encode())
    except OSError as error:
        raise PortError(f"the system's log ({address}): {error.strerror or error}") from error


def to_command(command: str, note: str, deadline: float) -> int:
    """Run a command of the shell with a checkpoint on its standard input; return its exit status.

    Args:
        command: as /bin/sh understands it.
        note: the checkpoint.
        deadline: seconds; whatever it has started in its process group is then ended.

    Raises:
        PortError: it cannot be run, or did not end in time.
    """
    try:
        with subprocess.Popen(["/bin/sh", "-c", command], stdin=subprocess.PIPE, start_new_session=True) as process:
            try:
                process.communicate(note.encode(), timeout=deadline)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                raise PortError(f"the command did not end within {deadline:g} seconds") from None
            except BaseException:
                os.killpg(process.pid, signal.SIGKILL)
                raise
    except OSError as error:
        raise PortError(f"the command: {error.strerror}") from error
    status = process.returncode
    return status if status >= 0 else 128 - status  # as shells tell of a signal
