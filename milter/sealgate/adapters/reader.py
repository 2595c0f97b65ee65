"""The workers' way to the reader process, which reads HTML that is too heavy or too odd for a worker.

Fills `app.ports.Reader`. One connection a request: it waits in the listening socket's backlog until the reader is free.
So the message that kills the reader is the only one that sees its death, and the others are read by the next reader.

What can fail: the reader dies on the HTML or refuses it, which says something of the message: `UnreadableError`. Or it
does not answer in time or cannot be reached, which says something of this host: `PortError`.

The frames: the request is two lengths of four octets (big-endian), a JSON header `{"charset": NAME}` of the first
length, and the HTML of the second. The reply is one length and JSON: `{"error": TEXT}`, or the fields of the view by
their names, where a link and a look are lists of their own fields, in order.
"""

import json
import socket
import struct
import time
from typing import Any

from sealgate.app.ports import PortError, UnreadableError
from sealgate.mail.visible import Link, Look, View

REQUEST = struct.Struct(">II")
REPLY = struct.Struct(">I")
MAX_HEADER = 1 << 10
MAX_HTML = 64 << 20
"""Octets of one part; more is refused before it is sent."""
MAX_REPLY = 256 << 20

_CHUNK = 1 << 18
_RETRY = 0.005


class ReaderClient:
    """A `Reader` over the reader's socket. Usable from any number of threads and after a fork: it keeps no connection.

    Args:
        address: the path of the socket.
        deadline: seconds for one `read`, with the wait for other messages' HTML.
    """

    def __init__(self, address: str, deadline: float = 2.0) -> None:
        self._address = address
        self._deadline = deadline

    def read(self, html: bytes, charset: str) -> View:
        """Return what a reader of the HTML sees.

        Raises:
            UnreadableError: the reader died on it or refused it.
            PortError: the reader cannot be reached, or did not answer in time.
        """
        header = json.dumps({"charset": charset[:80]}).encode()
        if len(html) > MAX_HTML:
            raise UnreadableError(f"the HTML has {len(html)} octets, more than {MAX_HTML}")
        until = time.monotonic() + self._deadline
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            try:
                _connect(connection, self._address, until)
            except OSError as error:
                raise PortError(f"the reader process cannot be reached: {_reason(error)}") from error
            try:
                _limit(connection, until)
                connection.sendall(REQUEST.pack(len(header), len(html)) + header + html)
                size = REPLY.unpack(_receive(connection, REPLY.size, until))[0]
                if size > MAX_REPLY:
                    raise ValueError(f"a reply of {size} octets")
                return _view(json.loads(_receive(connection, size, until)))
            except TimeoutError as error:
                raise PortError(f"the reader process gave up: {_reason(error)}") from error
            except (OSError, ValueError) as error:
                raise UnreadableError(f"the reader process gave up: {_reason(error)}") from error


def _view(reply: Any) -> View:
    """Make the value of a reply.

    Raises:
        ValueError: the reply is an error, or not of the form described above.
    """
    try:
        if "error" in reply:
            raise ValueError(str(reply["error"]))
        return View(
            reply["text"],
            tuple([Link(text, href, offset) for text, href, offset in reply["links"]]),
            tuple([Look(start, end, size, contrast) for start, end, size, contrast in reply["looks"]]),
            reply["alternatives"],
            reply["unseen"],
            tuple([(start, end) for start, end in reply["quotes"]]),
            reply["is_doubtful"],
        )
    except (TypeError, KeyError) as error:
        raise ValueError("no reply that makes sense") from error


def _connect(connection: socket.socket, address: str, until: float) -> None:
    while True:
        _limit(connection, until)
        try:
            return connection.connect(address)
        except BlockingIOError:  # unix(7): more wait for the reader than its backlog holds
            time.sleep(_RETRY)


def _receive(connection: socket.socket, size: int, until: float) -> bytes:
    octets = bytearray()
    while len(octets) < size:
        _limit(connection, until)
        piece = connection.recv(min(_CHUNK, size - len(octets)))
        if not piece:
            raise ConnectionResetError("it died")
        octets += piece
    return bytes(octets)


def _limit(connection: socket.socket, until: float) -> None:
    left = until - time.monotonic()
    if left <= 0:
        raise TimeoutError
    connection.settimeout(left)


def _reason(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, BrokenPipeError | ConnectionResetError):
        return "it died"
    return str(getattr(error, "strerror", None) or error)
