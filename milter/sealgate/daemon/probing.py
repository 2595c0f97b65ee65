"""The gate tries its own door: a thread that connects where the MTA connects and speaks the milter protocol.

A probe is OPTNEG, CONNECT and QUIT: each of the first two is answered by Python code in a worker, so an answer proves
that the listener is open, that a worker accepts, and that it is not stuck. No message is begun: nothing is counted as
mail, and nothing recorded. `Prober` says when it was last answered; the watchdog of systemd and readiness live on that.
Whatever goes wrong becomes a word in `fault`; the thread raises nothing.
"""

import contextlib
import socket
import struct
import threading
import time
from typing import Any, Final

from sealgate.profile.settings import Socket

PROBE_EVERY: Final = 5.0  # seconds between two probes, where no watchdog wants more
PROBE_SECONDS: Final = 10.0  # for the whole of one; a busy gate may take its time
# All actions and steps of version 6 but SMFIP_NR_* and SMFIP_NO*: the gate must answer each step.
_VERSION, _ACTIONS, _STEPS = 6, 0x1FF, 0x100000  # SMFIP_HDR_LEADSPC
_CONNECT: Final = b"localhost\0U"  # of a client of unknown family (SMFIA_UNKNOWN)
_LARGEST: Final = 64 * 1024  # octets of an answer


class ProbeError(Exception):
    """Nobody answered as a milter does; `str()` says what was the matter."""


class NotAllowedError(Exception):
    """This account may not connect there: nothing is known of whether somebody answers."""


def probe(where: Socket, seconds: float = PROBE_SECONDS) -> None:
    """Connect and speak as an MTA does, up to CONNECT.

    Args:
        where: the MTA's socket.
        seconds: that the whole may take.

    Raises:
        ProbeError: nobody listens, answers in time, or answers as the protocol demands.
        NotAllowedError: the socket's mode shuts this account out.
    """
    deadline = time.monotonic() + seconds
    try:
        with _dialled(where, seconds) as wire:
            _send(wire, b"O", struct.pack("!III", _VERSION, _ACTIONS, _STEPS))
            if _answer(wire, deadline) != b"O":
                raise ProbeError("no milter answers there")
            _send(wire, b"C", _CONNECT)
            if _answer(wire, deadline) not in (b"c", b"a"):  # continue; accept: its listeners pass
                raise ProbeError("the gate refuses a connection")
            with contextlib.suppress(OSError):
                _send(wire, b"Q")
    except PermissionError as error:
        raise NotAllowedError(f"this account may not connect to {where}") from error
    except TimeoutError as error:
        raise ProbeError(f"no answer within {seconds:g} s") from error
    except OSError as error:
        raise ProbeError(error.strerror or str(error)) from error


class Prober:
    """Probes in a thread of its own. The attributes are replaced whole, and read by anybody.

    Args:
        where: the MTA's socket.
        every: seconds between two probes.

    Attributes:
        answered: when a probe was last answered, by the monotonic clock; the start counts as an answer.
        count: how many were answered, or could not be tried for want of rights.
        fault: why the last one was not answered.
        warning: why it could not be tried.
    """

    def __init__(self, where: Socket, every: float) -> None:
        self.where = where
        self.answered = time.monotonic()
        self.count = 0
        self.fault = self.warning = ""
        self._every = every

    def start(self) -> None:
        """Probe until the process ends."""
        threading.Thread(target=self._run, name="prober", daemon=True).start()

    def unanswered_for(self) -> float:
        """Seconds since the last answer; 0.0 where the last probe was answered."""
        return time.monotonic() - self.answered if self.fault else 0.0

    def _run(self) -> Any:
        while True:
            self.once()
            time.sleep(self._every)

    def once(self) -> None:
        """Probe once and keep what came of it."""
        warning = ""
        try:
            probe(self.where)
        except NotAllowedError as error:
            warning = str(error)  # the MTA may be let in all the same: the gate must not be ended for that
        except Exception as error:  # whatever it is must be seen
            self.fault = str(error) or repr(error)
            return
        self.fault, self.warning = "", warning
        self.answered = time.monotonic()
        self.count += 1


def _dialled(where: Socket, seconds: float) -> socket.socket:
    if where.family != "unix":
        return socket.create_connection((where.host, where.port), timeout=seconds)
    wire = socket.socket(socket.AF_UNIX)
    try:
        wire.settimeout(seconds)
        wire.connect(where.path)
    except BaseException:
        wire.close()
        raise
    return wire


def _send(wire: socket.socket, command: bytes, data: bytes = b"") -> None:
    wire.sendall(struct.pack("!I", 1 + len(data)) + command + data)


def _answer(wire: socket.socket, deadline: float) -> bytes:
    """Read one packet and return its command."""
    (length,) = struct.unpack("!I", _exactly(wire, 4, deadline))
    if not 0 < length <= _LARGEST:
        raise ProbeError("no milter answers there")
    return _exactly(wire, length, deadline)[:1]


def _exactly(wire: socket.socket, count: int, deadline: float) -> bytes:
    parts = b""
    while len(parts) < count:
        left = deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        wire.settimeout(left)
        part = wire.recv(count - len(parts))
        if not part:
            raise ProbeError("the gate hung up")
        parts += part
    return parts
