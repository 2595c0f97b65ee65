"""The control channel between the supervisor and one worker: framed messages over a socket pair.

A frame is a kind (one letter) and a payload, behind a four-byte length. The supervisor sends `R` (new Runtime, packed),
`P` (say that you live), `D` (drain: serve what is open, then end) and `S` (stop: end within seconds); a worker sends
`A` (up, or new Runtime in force: the profile's digest; one for each it was given) and `B` (it lives) back. The health
process gets `R` too, with the digest in front, and sends `H` (a JSON list: why the gate is not ready, empty where it
is) and `W` (a worker has answered at the MTA's socket since the last `W`). The end of the channel tells either that its
supervisor is gone.
"""

import socket
import struct

_LENGTH = struct.Struct("!I")
_LIMIT = 256 * 1024 * 1024  # octets; 50,000 identities are about 10 MB, a file of 200,000 senders is about 18 MB


class Channel:
    """One end of a control channel. Blocking writes; reads after the socket became readable."""

    def __init__(self, end: socket.socket) -> None:
        self.socket = end

    def fileno(self) -> int:
        """The descriptor, for select."""
        return self.socket.fileno()

    def send(self, kind: bytes, payload: bytes = b"") -> None:
        """Send one frame. Raises OSError where the other end is gone."""
        self.socket.sendall(_LENGTH.pack(1 + len(payload)) + kind)
        if payload:
            self.socket.sendall(payload)  # apart: a copy of a large one for each worker would be felt

    def receive(self) -> tuple[bytes, bytes] | None:
        """Return the next frame as (kind, payload), or `None` where the other end is gone."""
        head = self._exactly(_LENGTH.size)
        if head is None:
            return None
        (length,) = _LENGTH.unpack(head)
        if not 1 <= length <= _LIMIT:
            return None
        kind, payload = self._exactly(1), self._exactly(length - 1)
        return None if kind is None or payload is None else (kind, payload)

    def close(self) -> None:
        """Close this end."""
        self.socket.close()

    def _exactly(self, count: int) -> bytes | None:
        parts: list[bytes] = []
        while count:
            try:
                part = self.socket.recv(min(count, 1 << 20))
            except OSError:
                return None
            if not part:
                return None
            parts.append(part)
            count -= len(part)
        return b"".join(parts)
