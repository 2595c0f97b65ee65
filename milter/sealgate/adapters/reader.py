"""The workers' way to the reader process, which reads HTML that is too heavy or too odd for a worker.

Fills `app.ports.Reader`. One connection a request: it waits in the listening socket's backlog until the reader is free.
So the message that kills the reader is the only one that sees its death, and the others are read by the next reader.

What can fail: the reader dies on the HTML or refuses it, which says something of the message: `UnreadableError`. Or it
does not answer in time or cannot be reached, which says something of this host: `PortError`. Somebody else may kill a
reader too, such as a kernel without memory. So one that dies sooner than its limit of processor time would kill it is
not blamed on the message before the next reader has died of it as well.

The frames: the request is two lengths of four octets (big-endian), a JSON header `{"charset": NAME, "seconds": NUMBER}`
(what is left of the message's processor time, if that is known) of the first length, and the HTML of the second. The
reply is one length and JSON: `{"error": TEXT}`, or the fields of the view by their names, where a link and a look are
lists of their own fields, in order; `seconds` beside them is what it cost.
"""

import json
import math
import socket
import struct
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from sealgate.app.ports import Budget, PortError, UnreadableError
from sealgate.mail.visible import Link, Look, View

REQUEST = struct.Struct(">II")
REPLY = struct.Struct(">I")
MAX_HEADER = 1 << 10
MAX_HTML = 64 << 20
"""Octets of one part; more is refused before it is sent."""
MAX_REPLY = 8 << 20
"""Octets of a view as JSON. The text of a part of 1 MB takes a half; a worker that reads it holds up its other mail."""

_CHUNK = 1 << 18
_RETRY = 0.005
_PATIENCE = 0.01
_EARLY = 0.6
"""Part of the budget, in seconds by the clock, within which a death is not yet held against the message."""


class _DeadError(Exception):
    """The reader died."""


class ReaderClient:
    """A `Reader` over the reader's socket. Usable from any number of threads and after a fork: it keeps no connection.

    Args:
        address: the path of the socket.
        deadline: seconds for one `read`, with the wait for other messages' HTML.
        while_waiting: called again and again by whoever waits long for an answer.
    """

    def __init__(self, address: str, deadline: float = 2.0, while_waiting: Callable[[], object] = bool) -> None:
        self._address = address
        self._deadline = deadline
        self._while_waiting = while_waiting

    def read(self, html: bytes, charset: str, budget: Budget | None = None) -> View:
        """Return what a reader of the HTML sees, and take what that cost out of the budget.

        Raises:
            UnreadableError: the reader died on it or refused it.
            PortError: the reader cannot be reached, or did not answer in time.
        """
        if len(html) > MAX_HTML:
            raise UnreadableError(f"the HTML has {len(html)} octets, more than {MAX_HTML}")
        request = _request(html, charset, budget)
        began = time.monotonic()
        try:
            return self._ask(request, budget, began + self._deadline)
        except _DeadError as death:
            # Without a budget nobody here knows when its limit would have killed it.
            if budget is not None and time.monotonic() - began < _EARLY * budget.seconds:
                with suppress(_DeadError, PortError):
                    return self._ask(request, budget, began + self._deadline)
            raise UnreadableError(f"the reader process gave up: {death}") from death

    def _ask(self, request: bytes, budget: Budget | None, until: float) -> View:
        try:
            connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        except OSError as error:  # no descriptor is left
            raise PortError(f"the reader process cannot be reached: {_reason(error)}") from error
        with connection:
            try:
                _connect(connection, self._address, until)
            except OSError as error:
                raise PortError(f"the reader process cannot be reached: {_reason(error)}") from error
            try:
                _limit(connection, until)
                connection.sendall(request)
                size = REPLY.unpack(self._receive(connection, REPLY.size, until))[0]
                if size > MAX_REPLY:
                    raise ValueError(f"a reply of {size} octets")
                reply = json.loads(self._receive(connection, size, until))
                view = _view(reply)
                if budget is not None:
                    budget.seconds -= _seconds(reply)
                return view
            except TimeoutError as error:
                raise PortError(f"the reader process gave up: {_reason(error)}") from error
            except (BrokenPipeError, ConnectionResetError) as error:
                raise _DeadError(_reason(error)) from error
            except (OSError, ValueError) as error:
                raise UnreadableError(f"the reader process gave up: {_reason(error)}") from error

    def _receive(self, connection: socket.socket, size: int, until: float) -> bytes:
        octets = bytearray()
        while len(octets) < size:
            _limit(connection, until, _PATIENCE)
            try:
                piece = connection.recv(min(_CHUNK, size - len(octets)))
            except TimeoutError:
                self._while_waiting()
                continue
            if not piece:
                raise ConnectionResetError("it died")
            octets += piece
        return bytes(octets)


def _request(html: bytes, charset: str, budget: Budget | None) -> bytes:
    left = {} if budget is None else {"seconds": budget.seconds}
    header = json.dumps({"charset": charset[:80], **left}).encode()
    return REQUEST.pack(len(header), len(html)) + header + html


def _seconds(reply: Any) -> float:
    """What the answer cost; a reader of an earlier version, at a restart, does not say."""
    seconds = reply.get("seconds", 0.0)
    return float(seconds) if isinstance(seconds, int | float) else 0.0


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


def _limit(connection: socket.socket, until: float, most: float = math.inf) -> None:
    left = until - time.monotonic()
    if left <= 0:
        raise TimeoutError
    connection.settimeout(min(left, most))


def _reason(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, BrokenPipeError | ConnectionResetError):
        return "it died"
    return str(getattr(error, "strerror", None) or error)
