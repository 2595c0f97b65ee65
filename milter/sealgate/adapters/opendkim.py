"""OpenDKIM itself, started on a socket of its own and asked what it would sign.

`OpenDkim` is a running `opendkim(8)` with a configuration that the caller wrote; `ask` hands it one message by the
milter protocol (version 6), the MTA's side of it, and returns the header fields that it would add. Nothing is sent
anywhere. `PortError` says why it cannot be asked: it is not installed, it refuses the configuration (with its own
words), it hangs up or keeps silent. Every wait has an end, and leaving the `with` block ends the process.
"""

import os
import shutil
import socket
import struct
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from sealgate.app.ports import PortError

PROGRAM: Final = "opendkim"
_PATH: Final = f"{os.defpath}:/usr/local/sbin:/usr/sbin:/sbin"  # Debian's users have no sbin in theirs
_PATIENCE: Final = 20.0  # seconds until it listens, or answers
_VERSION: Final = 6
_ACTIONS: Final = 0x1FF  # SMFIF_*: every edit there is
_STEPS: Final = 0x1FFFFF  # SMFIP_*: whatever it does not want to hear, or will not answer
_LEADSPC: Final = 0x100000
_CHUNK: Final = 65535  # octets of body in one packet (MILTER_CHUNK_SIZE)
_LARGEST: Final = 1 << 20  # octets of one answer
# By step: its command, the bit "do not send it", the bit "no answer comes".
_COMMANDS: Final = {
    "connect": (b"C", 0x1, 0x1000),
    "helo": (b"H", 0x2, 0x2000),
    "mail": (b"M", 0x4, 0x4000),
    "rcpt": (b"R", 0x8, 0x8000),
    "data": (b"T", 0x200, 0x10000),
    "header": (b"L", 0x20, 0x80),
    "eoh": (b"N", 0x40, 0x40000),
    "body": (b"B", 0x10, 0x80000),
    "end": (b"E", 0, 0),
}
_EDITS: Final = b"himqbe+2-"  # answers at the end that are followed by another one
_FINAL: Final = {b"a": "accept", b"c": "continue", b"d": "discard", b"r": "reject", b"t": "tempfail", b"y": "reply"}


class NotInstalledError(PortError):
    """There is no `opendkim` to ask."""


@dataclass(frozen=True, slots=True)
class Client:
    """Who brings the message.

    Attributes:
        macros: what the MTA tells at MAIL, such as `auth_type`, without braces.
    """

    name: str = "client.example.test"
    address: str = "192.0.2.7"
    port: int = 40000
    macros: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What it said of a message: `action` (accept, continue, tempfail, reject ...) and the fields to be added."""

    action: str
    added: tuple[tuple[bytes, bytes], ...] = ()


class OpenDkim:
    """A running OpenDKIM, for one `with` block.

    Args:
        configuration: the text of its opendkim.conf without Socket, which is set here.
    """

    def __init__(self, configuration: str) -> None:
        self._text = configuration
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        """Start it.

        Raises:
            NotInstalledError: there is none.
            PortError: it does not start with this configuration.
        """
        program = shutil.which(PROGRAM) or shutil.which(PROGRAM, path=_PATH)
        if program is None:
            raise NotInstalledError("opendkim is not installed (Debian: apt-get install opendkim)")
        self._folder = tempfile.TemporaryDirectory(prefix="sealgate-opendkim-", ignore_cleanup_errors=True)
        path = Path(self._folder.name)
        (path / "conf").write_text(self._text, encoding="utf-8", errors="surrogateescape")
        with (path / "said").open("wb") as said:
            self._process = subprocess.Popen(
                [program, "-f", "-x", str(path / "conf"), "-p", f"local:{path / 'socket'}"],
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
                start_new_session=True,  # Ctrl-C ends us, and we end it
            )
        try:
            self._wait()
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stop()

    def ask(
        self,
        client: Client,
        sender: bytes,
        recipients: Sequence[bytes],
        fields: Sequence[tuple[bytes, bytes]],
        body: bytes,
    ) -> Answer:
        """Hand over one message.

        Args:
            client: where it comes from.
            sender: the reverse path with its brackets.
            recipients: the forward paths with theirs; at least one.
            fields: names and values of the header, values as they follow the colon, folds as LF or CRLF.
            body: with CRLF line ends.

        Raises:
            PortError: it hung up, kept silent or broke the protocol.
        """
        try:
            with self._connected() as link:
                return _Talk(link).whole(client, sender, recipients, fields, body)
        except OSError as error:
            raise PortError(f"opendkim does not answer: {error.strerror or error}") from error

    def _connected(self) -> socket.socket:
        """A connection; the socket is there a moment before anybody listens at it.

        Raises:
            OSError: nobody does.
        """
        assert self._folder is not None, "outside its `with` block"  # noqa: S101 - a caller's mistake
        end = time.monotonic() + _PATIENCE
        while True:
            link = socket.socket(socket.AF_UNIX)
            try:
                link.settimeout(_PATIENCE)
                link.connect(f"{self._folder.name}/socket")
            except ConnectionRefusedError:
                link.close()
                if time.monotonic() > end or self._process is None or self._process.poll() is not None:
                    raise
                time.sleep(0.01)
            except BaseException:
                link.close()
                raise
            else:
                return link

    def _wait(self) -> None:
        assert self._folder is not None and self._process is not None  # noqa: S101, PT018 - just made
        end = time.monotonic() + _PATIENCE
        path = Path(self._folder.name)
        while not (path / "socket").exists():
            if self._process.poll() is not None or time.monotonic() > end:
                said = (path / "said").read_text(errors="replace").replace(f"{path}/conf", "the configuration")
                raise PortError(f"opendkim does not start: {' '.join(said.split())[-600:] or 'it says nothing'}")
            time.sleep(0.01)

    def _stop(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.kill()  # it has nothing to lose, and libmilter takes five seconds to end when asked to
            process.wait()
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None


class _Talk:
    """One connection, one message."""

    def __init__(self, link: socket.socket) -> None:
        self._link = link
        self._steps = 0

    def whole(
        self,
        client: Client,
        sender: bytes,
        recipients: Sequence[bytes],
        fields: Sequence[tuple[bytes, bytes]],
        body: bytes,
    ) -> Answer:
        self._negotiate()
        family = b"6" if ":" in client.address else b"4"
        address = client.address.encode()
        told = {"j": "mail.example.test", "daemon_name": "mail.example.test", "v": "Postfix", "i": "4ASKED"}
        told |= client.macros or {}
        name = client.name.encode()
        steps: list[tuple[str, bytes]] = [
            ("connect", name + b"\0" + family + struct.pack("!H", client.port) + address + b"\0"),
            ("helo", name + b"\0"),
            ("mail", sender + b"\0"),
            *(("rcpt", recipient + b"\0") for recipient in recipients),
            ("data", b""),
            *(("header", n + b"\0" + self._value(v) + b"\0") for n, v in fields),
            ("eoh", b""),
            *(("body", body[at : at + _CHUNK]) for at in range(0, len(body), _CHUNK)),
        ]
        for step, data in steps:
            action = self._say(step, data, told if step in ("connect", "mail", "rcpt", "data", "eoh") else {})
            if action == "skip":
                break  # enough of the body
            if action != "continue":
                return Answer(action)
        return self._end(told)

    def _value(self, value: bytes) -> bytes:
        value = value.replace(b"\r\n", b"\n").replace(b"\0", b"")
        return value if self._steps & _LEADSPC else value.removeprefix(b" ")

    def _negotiate(self) -> None:
        self._put(b"O", struct.pack("!III", _VERSION, _ACTIONS, _STEPS))
        command, data = self._packet()
        if command != b"O" or len(data) < 12:
            raise PortError("opendkim does not speak the milter protocol")
        self._steps = struct.unpack_from("!III", data)[2]

    def _say(self, step: str, data: bytes, macros: Mapping[str, str]) -> str:
        command, unwanted, unanswered = _COMMANDS[step]
        if self._steps & unwanted:
            return "continue"
        if macros:
            pairs = b"".join(_macro(name) + b"\0" + value.encode() + b"\0" for name, value in macros.items())
            self._put(b"D", command + pairs)
        self._put(command, data)
        if self._steps & unanswered:
            return "continue"
        answer, _ = self._packet()
        return "skip" if answer == b"s" else _FINAL.get(answer, "strange")

    def _end(self, macros: Mapping[str, str]) -> Answer:
        added: list[tuple[bytes, bytes]] = []
        self._put(b"D", b"E" + b"".join(_macro(n) + b"\0" + v.encode() + b"\0" for n, v in macros.items()))
        self._put(b"E", b"")
        while True:
            answer, data = self._packet()
            if answer in (b"h", b"i"):
                name, _, value = (data[4:] if answer == b"i" else data).partition(b"\0")
                added.append((name, value.rstrip(b"\0")))
            elif answer not in [bytes([octet]) for octet in _EDITS]:
                return Answer(_FINAL.get(answer, "strange"), tuple(added))

    def _put(self, command: bytes, data: bytes) -> None:
        self._link.sendall(struct.pack("!I", len(data) + 1) + command + data)

    def _packet(self) -> tuple[bytes, bytes]:
        """The next answer; "I am still at it" is none."""
        while True:
            (size,) = struct.unpack("!I", self._exactly(4))
            if not 0 < size <= _LARGEST:
                raise PortError("opendkim answers something that is not the milter protocol")
            data = self._exactly(size)
            if data[:1] != b"p":
                return data[:1], data[1:]

    def _exactly(self, size: int) -> bytes:
        found = b""
        while len(found) < size:
            piece = self._link.recv(size - len(found))
            if not piece:
                raise PortError("opendkim hung up in the midst of a message")
            found += piece
        return found


def _macro(name: str) -> bytes:
    return name.encode() if len(name) == 1 else b"{" + name.encode() + b"}"
