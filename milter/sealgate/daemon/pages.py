"""Pages over HTTP for probes: a few fixed paths, text or JSON, from one thread that never waits for a client.

Everything a client sends is hostile. A request head may have `MAX_HEAD` octets and must be whole, and its answer taken,
within `PATIENCE` seconds; bodies are not read; each connection carries one request. At most `MAX_CONNECTIONS` are open:
one more closes the oldest, so clients that say nothing keep nobody out who asks at once. Nothing is raised for what a
client does. A page is a function of the request: to add one, add a row to the routes.
"""

import contextlib
import re
import selectors
import socket
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

MAX_HEAD: Final = 8_192  # octets
MAX_CONNECTIONS: Final = 64
PATIENCE: Final = 5.0  # seconds from accept to the last octet of the answer
_ACCEPTS: Final = 64  # a turn, so that a storm of connections does not keep answers waiting
_CHUNK: Final = 16_384
_REQUEST: Final = re.compile(rb"([A-Z]{1,20}) (/[!->@-~]{0,200})(?:\?([!-~]{0,1000}))? HTTP/1\.[01]")
_PHRASES: Final = {
    200: "OK", 400: "Bad Request", 404: "Not Found", 405: "Method Not Allowed", 431: "Request Header Fields Too Large",
    500: "Internal Server Error", 503: "Service Unavailable",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Request:
    """What a page may depend on: the path, the words of the query, and whether JSON is asked for."""

    path: str
    query: frozenset[str] = frozenset()
    wants_json: bool = False


@dataclass(frozen=True, slots=True)
class Page:
    """An answer."""

    status: int
    body: bytes
    kind: str = "text/plain; charset=utf-8"


Route: TypeAlias = Callable[[Request], Page]


@dataclass(slots=True)
class _Connection:
    """One client. `answer` is what is still to be sent; None while its request is not whole."""

    socket: socket.socket
    until: float
    head: bytearray
    answer: bytes | None = None


class Pages:
    """Serves `routes` on a listening socket, inside somebody else's loop.

    Args:
        poll: the loop's selector; what is registered here has a `Pages` as its data.
        routes: page by path.
    """

    def __init__(self, poll: selectors.BaseSelector, routes: Mapping[str, Route]) -> None:
        self._poll = poll
        self._routes = routes
        self._listener: socket.socket | None = None
        self._connections: dict[int, _Connection] = {}  # oldest first

    @property
    def is_listening(self) -> bool:
        """Whether a socket is served."""
        return self._listener is not None

    def serve(self, listener: socket.socket) -> None:
        """Serve a listening, non-blocking socket from now on."""
        self._listener = listener
        self._poll.register(listener, selectors.EVENT_READ, self)

    def handle(self, descriptor: int) -> None:
        """Do what can be done about a descriptor that the selector says is ready."""
        if self._listener is not None and descriptor == self._listener.fileno():
            self._accept()
            return
        connection = self._connections.get(descriptor)
        if connection is None:  # closed earlier in this turn
            return
        try:
            if connection.answer is None:
                self._read(connection)
            if connection.answer is not None:
                self._write(connection)
        except BlockingIOError:
            return
        except OSError:
            self._close(descriptor)

    def expire(self) -> None:
        """Close the connections whose time is up."""
        now = time.monotonic()
        for descriptor in [d for d, c in self._connections.items() if c.until <= now]:
            self._close(descriptor)

    def _accept(self) -> None:
        for _ in range(_ACCEPTS):
            try:
                accepted, _address = self._listener.accept() if self._listener is not None else (None, None)
            except (
                OSError
            ):  # nobody waits any more; or no descriptor is free, and one will be when somebody's time is up
                return
            if accepted is None:
                return
            if len(self._connections) >= MAX_CONNECTIONS:
                self._close(next(iter(self._connections)))
            accepted.setblocking(False)
            self._connections[accepted.fileno()] = _Connection(accepted, time.monotonic() + PATIENCE, bytearray())
            self._poll.register(accepted, selectors.EVENT_READ, self)
            self.handle(accepted.fileno())  # a probe has mostly said all it has to say

    def _read(self, connection: _Connection) -> None:
        octets = connection.socket.recv(_CHUNK)
        if not octets:
            raise ConnectionResetError
        connection.head += octets
        end = connection.head.find(b"\r\n\r\n")
        if 0 <= end <= MAX_HEAD:
            connection.answer = self._answer(bytes(connection.head[:end]))
        elif len(connection.head) > MAX_HEAD:
            connection.answer = _packed(Page(431, b"too long\n"))

    def _write(self, connection: _Connection) -> None:
        answer = connection.answer or b""
        sent = connection.socket.send(answer[: 1 << 18])
        connection.answer = answer[sent:]
        if connection.answer:
            self._poll.modify(connection.socket, selectors.EVENT_WRITE, self)
            return
        with contextlib.suppress(OSError):
            connection.socket.shutdown(socket.SHUT_WR)
        self._close(connection.socket.fileno())

    def _answer(self, head: bytes) -> bytes:
        first, *fields = head.split(b"\r\n")
        found = _REQUEST.fullmatch(first)
        if found is None:
            return _packed(Page(400, b"no request that is understood here\n"))
        method, path, query = found[1], found[2].decode("ascii"), (found[3] or b"").decode("ascii")
        if method not in (b"GET", b"HEAD"):
            return _packed(Page(405, b"GET or HEAD\n"))
        route = self._routes.get(path)
        if route is None:
            return _packed(Page(404, b"no such page\n"), is_head=method == b"HEAD")
        accepts = [f.partition(b":")[2] for f in fields if f[:7].lower() == b"accept:"]
        wants_json = any(b"application/json" in value.lower() for value in accepts)
        request = Request(path, frozenset(part.partition("=")[0] for part in query.split("&")), wants_json)
        try:
            page = route(request)
        except Exception as error:  # a fault of a page is ours, and must not end the process that serves the others
            page = Page(500, f"internal fault: {error!r}\n".encode("ascii", "backslashreplace"))
        return _packed(page, is_head=method == b"HEAD")

    def _close(self, descriptor: int) -> None:
        connection = self._connections.pop(descriptor)
        self._poll.unregister(connection.socket)
        connection.socket.close()


def _packed(page: Page, *, is_head: bool = False) -> bytes:
    allow = "Allow: GET, HEAD\r\n" if page.status == 405 else ""
    head = (
        f"HTTP/1.1 {page.status} {_PHRASES[page.status]}\r\nContent-Type: {page.kind}\r\n"
        f"Content-Length: {len(page.body)}\r\nCache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n"
        f"{allow}Connection: close\r\n\r\n"
    )
    return head.encode("ascii") + (b"" if is_head else page.body)
