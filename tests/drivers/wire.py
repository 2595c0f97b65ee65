"""The MTA's side of the milter protocol (version 6), as Postfix 3.7 speaks it, for tests.

`Wire` is one connection to a filter: `with Wire("unix:/path") as wire: wire.negotiate(); wire.connect(...)`, then one
call a step, or `transact` for a whole message. It offers all actions and steps, honours what the filter negotiates
(steps left out, steps without an answer, leading blanks, lists of macros) and keeps the lists in `asked`. As in Postfix,
naming any list empties all the others, headers from HEADER on come from cleanup with its fewer macros, and the queue id
exists from the first accepted recipient on. `Transaction.delivered` is the message with the filter's edits, as cleanup
would queue it. A filter that hangs up, times out or breaks the protocol raises `WireError`; nothing here judges it.
"""

import re
import socket
import struct
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Self

VERSION: Final = 6
ACTIONS: Final = 0x1FF  # SMFIF_*: all that version 6 knows
STEPS: Final = 0x1FFFFF  # SMFIP_*: all that version 6 knows
HDR_LEADSPC: Final = 0x100000
CHUNK: Final = 65535  # octets of body in one packet (MILTER_CHUNK_SIZE)
MAX_HEADER: Final = 60_000  # octets of one field: cleanup cuts there while milters are on

# By step: the command's octet, the bit "do not send it", the bit "I shall not answer".
_STEPS: Final = {
    "connect": (b"C", 0x1, 0x1000),
    "helo": (b"H", 0x2, 0x2000),
    "mail": (b"M", 0x4, 0x4000),
    "rcpt": (b"R", 0x8, 0x8000),
    "data": (b"T", 0x200, 0x10000),
    "unknown": (b"U", 0x100, 0x20000),
    "header": (b"L", 0x20, 0x80),
    "eoh": (b"N", 0x40, 0x40000),
    "body": (b"B", 0x10, 0x80000),
    "end": (b"E", 0, 0),
}
# Lists of macros: the stage's number in the negotiation (SMFIM_*), and what Postfix sends when nobody asks.
STAGES: Final = ("connect", "helo", "mail", "rcpt", "data", "end", "eoh")
_DEFAULT_MACROS: Final = {
    "connect": ("j", "{daemon_name}", "{daemon_addr}", "v", "_"),
    "helo": ("{tls_version}", "{cipher}", "{cipher_bits}", "{cert_subject}", "{cert_issuer}"),
    "mail": ("i", "{auth_type}", "{auth_authen}", "{auth_author}", "{mail_addr}", "{mail_host}", "{mail_mailer}"),
    "rcpt": ("i", "{rcpt_addr}", "{rcpt_host}", "{rcpt_mailer}"),
    "data": ("i",),
    "eoh": ("i",),
    "end": ("i",),
}
_LIST_OF: Final = {"header": "eoh", "body": "end"}  # steps that use another step's list
# From HEADER on cleanup answers, which knows these only; its {daemon_name} is the global one ($myhostname).
_CLEANUP_KNOWS: Final = re.compile(r"i|j|v|_|\{(?:auth_.*|client_(?:addr|name|port|ptr)|daemon_(?:addr|port))\}")
_CLEANUP_STEPS: Final = frozenset({"header", "eoh", "body", "end"})

_FIELD: Final = re.compile(rb"([!-9;-~]+)([ \t]*):(.*)", re.DOTALL)
_DROPPED: Final = frozenset({b"bcc", b"content-length", b"resent-bcc", b"return-path"})  # message_drop_headers
_EDITS: Final = {b"h": "add", b"i": "insert", b"m": "change", b"q": "quarantine", b"b": "body"}
_EDITS |= {b"+": "add-rcpt", b"2": "add-rcpt", b"-": "delete-rcpt", b"e": "change-from"}


class WireError(Exception):
    """The filter hung up, kept silent too long, or said what the protocol does not allow."""


@dataclass(frozen=True, slots=True)
class Reply:
    """The filter's answer to one step and what the SMTP client would hear of it."""

    action: str  # continue accept reject tempfail discard replycode
    code: str = "250"
    text: str = ""  # without the code; lines of a longer reply are joined by LF

    @property
    def is_refusal(self) -> bool:
        """Whether the client hears 4xx or 5xx."""
        return self.code[0] in "45"


@dataclass(frozen=True, slots=True)
class Edit:
    """One change asked for at end of message: kind is add, insert, change, delete, quarantine, body or an envelope's."""

    kind: str
    name: bytes = b""
    value: bytes = b""  # the field's value, the quarantine's reason, the body, or the envelope argument
    index: int = 0  # insert: 0 is the top line; change and delete: 1 is the first of that name


@dataclass(frozen=True, slots=True)
class End:
    """The answer at end of message, with the edits in the order in which they came."""

    reply: Reply
    edits: tuple[Edit, ...] = ()


@dataclass(frozen=True, slots=True)
class Transaction:
    """What became of one message: `stage` is the step that decided, `delivered` is empty unless it goes out."""

    stage: str
    code: str
    text: str
    edits: tuple[Edit, ...] = ()
    delivered: bytes = b""
    refused: tuple[tuple[str, Reply], ...] = ()  # recipients refused one by one


_CONTINUE: Final = Reply("continue")
_ANSWERS: Final = {
    b"c": _CONTINUE,
    b"s": Reply("skip"),
    b"a": Reply("accept"),
    b"d": Reply("discard"),
    b"r": Reply("reject", "550", "5.7.1 Command rejected"),
    b"t": Reply("tempfail", "451", "4.7.1 Service unavailable - try again later"),
    b"4": Reply("shutdown", "421", "4.7.0 Server closing connection"),
}


class Wire:
    """One connection to a filter. `received` is the MTA's own field: shown in `delivered`, counted by insert, not sent.

    Args:
        endpoint: `unix:/path`, `local:/path`, `inet:host:port` or `inet:port@host`.
        received: the MTA's own trace field without its line end, or nothing.
        actions: bits to offer (SMFIF_*), less than all for an MTA that cannot.
        steps: bits to offer (SMFIP_*).
        timeout: seconds to wait for any one answer.
    """

    def __init__(
        self, endpoint: str, *, received: bytes = b"", actions: int = ACTIONS, steps: int = STEPS, timeout: float = 30.0
    ) -> None:
        self._socket = _dial(endpoint, timeout)
        self._answers = self._socket.makefile("rb")
        self._unsent = bytearray()
        self._received = received
        self._offer = (actions, steps)
        self.actions = self.steps = 0  # as negotiated
        self.asked: dict[str, tuple[str, ...]] = {}  # macro names by stage, where the filter asked
        self._connection_macros: dict[str, str] = {}
        self._transaction_macros: dict[str, str] = {}
        self._verdict: Reply | None = None  # of the whole connection
        self._is_passed = False  # accepted before the end: no more steps for this message
        self._skipped = ""
        self._queued = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self.quit()

    # -- the steps ----------------------------------------------------------------------------------------------------

    def negotiate(self) -> None:
        """Offer what an MTA offers and keep what the filter wants in `actions`, `steps` and `asked`."""
        self._put(b"O", struct.pack("!III", VERSION, *self._offer))
        command, data = self._packet()
        if command != b"O" or len(data) < 12:
            raise WireError(f"no answer to the negotiation: {command!r} {data[:80]!r}")
        version, self.actions, self.steps = struct.unpack_from("!III", data)
        if version > VERSION or self.actions & ~self._offer[0]:
            raise WireError(f"the filter wants version {version}, actions {self.actions:#x}: more than was offered")
        at = 12
        while at < len(data):
            (stage,) = struct.unpack_from("!I", data, at)
            names, at = _string(data, at + 4)
            self.asked[STAGES[stage]] = tuple(re.split(r"[ \t\r\n,]+", names.decode().strip()))

    def connect(
        self, host: str = "client.example.test", address: str = "192.0.2.7", port: int = 40000, macros: _Macros = None
    ) -> Reply:
        """Report a client; port 0 is local submission, as pickup and cleanup emulate it."""
        self._connection_macros = _named(macros)
        family = b"6" if ":" in address else b"4"
        client = host.encode() + b"\0" + family + struct.pack("!H", port) + address.encode() + b"\0"
        return self._of_connection(self._step("connect", client, {}))

    def helo(self, name: str = "client.example.test", macros: _Macros = None) -> Reply:
        """Report HELO or EHLO."""
        self._connection_macros |= _named(macros)
        return self._of_connection(self._step("helo", name.encode() + b"\0", {}))

    def mail(self, arg: str, macros: _Macros = None) -> Reply:
        """Begin a transaction; `arg` as the client said it, ESMTP parameters after blanks."""
        self._is_passed = False
        self._transaction_macros = _address_macros("mail", arg) | _named(macros)
        return self._of_message(self._step("mail", _arguments(arg), {}))

    def rcpt(self, arg: str, macros: _Macros = None) -> Reply:
        """Report one recipient. After the first that is accepted there is a queue id."""
        reply = self._of_message(self._step("rcpt", _arguments(arg), _address_macros("rcpt", arg) | _named(macros)))
        if not reply.is_refusal and "i" not in self._transaction_macros:
            self._queued += 1
            self._transaction_macros["i"] = f"4Tst{self._queued:06d}"
        return reply

    def data(self) -> Reply:
        """Report DATA."""
        return self._of_message(self._step("data", b"", {}))

    def header(self, name: bytes, value: bytes) -> Reply:
        """Send one field; `value` is all after the colon. Without HDR_LEADSPC one leading space is taken off."""
        value = value.replace(b"\r\n", b"\n")
        if not self.steps & HDR_LEADSPC:
            value = value.removeprefix(b" ")
        return self._of_message(self._step("header", name + b"\0" + value + b"\0", {}))

    def eoh(self) -> Reply:
        """Report the end of the header block."""
        return self._of_message(self._step("eoh", b"", {}))

    def body(self, chunks: bytes | Iterable[bytes]) -> Reply:
        """Send the body: octets are cut as Postfix cuts them, given chunks go as they are (at most 65,535 each)."""
        reply = _CONTINUE
        if isinstance(chunks, bytes):
            chunks = [chunks[at : at + CHUNK] for at in range(0, len(chunks), CHUNK)]
        for chunk in chunks:
            reply = self._of_message(self._step("body", chunk, {}))
            if reply.action != "continue":
                break
        return reply

    def end(self, macros: _Macros = None) -> End:
        """End the message; return the answer and the edits."""
        edits: list[Edit] = []
        reply = self._of_message(self._step("end", b"", _named(macros), edits))
        self._transaction_macros, self._is_passed = {}, False
        return End(reply, tuple(edits))

    def abort(self) -> None:
        """Give up the message, as on RSET; the connection goes on."""
        if self._verdict is None:
            self._put(b"A")
            self._flush()
        self._transaction_macros, self._is_passed = {}, False

    def quit(self) -> None:
        """Say good-bye if the filter still listens, and close."""
        try:
            self._put(b"Q")
            self._flush()
        except WireError:
            pass  # it hung up first
        finally:
            self._answers.close()
            self._socket.close()

    def transact(
        self, sender: str, recipients: Sequence[str], message: bytes, macros: _Macros = None, end_macros: _Macros = None
    ) -> Transaction:
        """Send one message from MAIL to its end, as smtpd and cleanup do.

        Args:
            sender: the MAIL argument, such as `<news@example.test>`.
            recipients: the RCPT arguments; one that is refused is left out.
            message: raw octets, LF or CRLF line ends.
            macros: what is known in this transaction, such as the login.
            end_macros: what is known at the end only.
        """
        reply, stage, refused = self.mail(sender, macros), "mail", []
        if not reply.is_refusal:
            for recipient in recipients:
                answer = self.rcpt(recipient)
                if answer.is_refusal:
                    refused.append((recipient, answer))
                if answer.action in ("accept", "discard"):
                    reply, stage = answer, "rcpt"
            if recipients and len(refused) == len(recipients):
                reply, stage = refused[-1][1], "rcpt"
        copy = Copy.of(message, self._received)
        end = End(reply)
        if reply.action == "continue":
            stage, end = self._content(copy, end_macros)
        if stage != "end":
            self.abort()
        reply = end.reply
        is_out = not reply.is_refusal and reply.action != "discard"
        delivered = copy.edited(end.edits, b"" if self.steps & HDR_LEADSPC else b" ") if is_out else b""
        return Transaction(stage, reply.code, reply.text, end.edits, delivered, tuple(refused))

    def _content(self, copy: "Copy", end_macros: _Macros) -> tuple[str, End]:
        """Send DATA and the message until the filter decides; return where and what."""
        reply = self.data()
        if reply.action != "continue":
            return "data", End(reply)
        for name, _, value in copy.fields:
            reply = self.header(name, value)
            if reply.action != "continue":
                return "header", End(reply)
        reply = self.eoh()
        if reply.action != "continue":
            return "eoh", End(reply)
        reply = self.body(copy.body)
        if reply.action not in ("continue", "skip"):
            return "body", End(reply)
        return "end", self.end(end_macros)
