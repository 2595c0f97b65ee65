"""An SMTP server that keeps every message it is given: the far end of the lab's relay.

`Sink` accepts all senders and recipients, speaks just enough ESMTP for Postfix's smtp(8) (RFC 5321, 8BITMIME of
RFC 6152, SMTPUTF8 of RFC 6531; no STARTTLS, no pipelining) and keeps the octets of each message as they were on the
wire, with only the dot-stuffing undone. It is for loopback and for tests: it has no limits and keeps all in memory.
"""

import re
import socketserver
import threading
import time
from dataclasses import dataclass
from types import TracebackType
from typing import Self

_PATH = re.compile(rb"(?i)(?:MAIL FROM|RCPT TO):\s*<([^>]*)>")


@dataclass(frozen=True, slots=True)
class Delivered:
    """One message as it arrived: envelope, MAIL FROM's parameters, and the octets between DATA and the final dot."""

    sender: str
    recipients: tuple[str, ...]
    data: bytes
    parameters: tuple[str, ...] = ()

    @property
    def message_id(self) -> str:
        """The Message-ID with its angle brackets, or an empty string."""
        head = re.split(rb"\r\n\r\n", self.data, maxsplit=1)[0]
        found = re.search(rb"(?im)^Message-ID:\s*(<[^>]*>)", head)
        return found.group(1).decode(errors="replace") if found else ""


class Sink:
    """The server; it listens from construction to `stop`, or for a `with` block."""

    def __init__(self, port: int = 0, extensions: tuple[str, ...] = ("8BITMIME", "SMTPUTF8")) -> None:
        """Listen on 127.0.0.1 and start serving.

        Args:
            port: TCP port, 0 for any free one.
            extensions: what EHLO offers; without 8BITMIME Postfix re-encodes 8-bit text on the way out.

        Raises:
            OSError: the port is taken.
        """
        self._kept: list[Delivered] = []
        self._news = threading.Condition()
        self._server = _Server(("127.0.0.1", port), self, extensions)
        self.port = int(self._server.server_address[1])
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, name=f"sink-{self.port}", daemon=True
        )
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def messages(self) -> list[Delivered]:
        """All messages so far, oldest first; a copy."""
        with self._news:
            return list(self._kept)

    def clear(self) -> None:
        """Forget all messages."""
        with self._news:
            self._kept.clear()

    def wait_for(self, message_id: str, seconds: float = 20) -> Delivered:
        """Wait for the message with this Message-ID (angle brackets may be left out) and return it.

        Raises:
            TimeoutError: it did not come; the text says which did.
        """
        wanted = message_id if message_id.startswith("<") else f"<{message_id}>"
        end = time.monotonic() + seconds
        with self._news:
            while True:
                for each in self._kept:
                    if each.message_id == wanted:
                        return each
                left = end - time.monotonic()
                if left <= 0:
                    came = ", ".join(each.message_id or "(none)" for each in self._kept) or "no message at all"
                    raise TimeoutError(f"{wanted} did not arrive in {seconds} s; arrived: {came}")
                self._news.wait(left)

    def keep(self, message: Delivered) -> None:
        """Add a message, and wake those who wait for it."""
        with self._news:
            self._kept.append(message)
            self._news.notify_all()

    def stop(self) -> None:
        """Stop listening; messages stay readable. A second call does nothing."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(10)


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False  # smtp(8) may hold a cached connection open

    def __init__(self, address: tuple[str, int], sink: Sink, extensions: tuple[str, ...]) -> None:
        self.sink = sink
        self.extensions = extensions
        super().__init__(address, _Session)


class _Session(socketserver.StreamRequestHandler):
    server: _Server
    disable_nagle_algorithm = True

    def handle(self) -> None:
        sender: str | None = None
        parameters: tuple[str, ...] = ()
        recipients: list[str] = []
        self._say("220 sink.example.test ESMTP")
        for line in iter(self.rfile.readline, b""):
            verb = line[:4].upper()
            if verb == b"EHLO":
                self._hello()
            elif verb == b"HELO":
                self._say("250 sink.example.test")
            elif verb in (b"MAIL", b"RCPT") and (path := _PATH.match(line)):
                address = path.group(1).decode(errors="surrogateescape")
                if verb == b"MAIL":
                    sender, recipients = address, []
                    parameters = tuple(line[path.end() :].decode("ascii", "replace").split())
                else:
                    recipients.append(address)
                self._say("250 2.1.0 Ok")
            elif verb == b"DATA" and sender is not None and recipients:
                self._say("354 End data with <CR><LF>.<CR><LF>")
                data = self._data()
                if data is None:
                    return
                self.server.sink.keep(Delivered(sender, tuple(recipients), data, parameters))
                sender, recipients = None, []
                self._say("250 2.0.0 Ok: kept")
            elif verb in (b"RSET", b"NOOP"):
                sender, recipients = (None, []) if verb == b"RSET" else (sender, recipients)
                self._say("250 2.0.0 Ok")
            elif verb == b"QUIT":
                self._say("221 2.0.0 Bye")
                return
            else:
                self._say("503 5.5.1 Not understood, or not now")

    def _hello(self) -> None:
        lines = ("sink.example.test", "ENHANCEDSTATUSCODES", *self.server.extensions)
        self._say(*(f"250{' ' if i == len(lines) - 1 else '-'}{line}" for i, line in enumerate(lines)))

    def _data(self) -> bytes | None:
        """Read to the final dot and undo the dot-stuffing (RFC 5321 4.5.2); None if the connection broke before it.

        A line starts after CRLF only: a dot after a bare LF is text, or one message could be read as two.
        """
        kept: list[bytes] = []
        fresh = True
        for line in iter(self.rfile.readline, b""):
            if fresh and line == b".\r\n":
                return b"".join(kept)
            kept.append(line[1:] if fresh and line.startswith(b".") else line)
            fresh = line.endswith(b"\r\n")
        return None

    def _say(self, *lines: str) -> None:
        self.wfile.write("".join(f"{line}\r\n" for line in lines).encode("ascii"))
