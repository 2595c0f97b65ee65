"""The MTA's side of the milter protocol (version 6), as Postfix 3.7 speaks it, for tests.

`Wire` is one connection to a filter: `with Wire("unix:/path") as wire: wire.negotiate(); wire.connect(...)`, then one
call a step, or `transact` for a whole message. It offers all actions and steps, honours what the filter negotiates
(steps left out, steps without an answer, leading blanks, lists of macros) and keeps the lists in `asked`. As in
Postfix, naming one list empties all the others, from HEADER on cleanup speaks, which knows fewer macros, and the queue
id exists from the first accepted recipient on. `Transaction.delivered` is the message with the filter's edits, as
cleanup would queue it. A filter that hangs up, keeps silent or breaks the protocol raises `WireError`.
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
_CLEANUP_KNOWS: Final = re.compile(r"[ijv_]|auth_.*|client_(?:addr|name|port|ptr)|daemon_(?:addr|port)")
_CLEANUP_STEPS: Final = frozenset({"header", "eoh", "body", "end"})

_FIELD: Final = re.compile(rb"([!-9;-~]+)([ \t]*):(.*)", re.DOTALL)
_DROPPED: Final = frozenset({b"bcc", b"content-length", b"resent-bcc", b"return-path"})  # message_drop_headers
_EDITS: Final = {
    b"h": "add",
    b"i": "insert",
    b"m": "change",
    b"q": "quarantine",
    b"b": "body",
    b"+": "add-rcpt",
    b"2": "add-rcpt",
    b"-": "delete-rcpt",
    b"e": "change-from",
}

_Macros = Mapping[str, str] | None  # names with or without braces


class WireError(Exception):
    """The filter hung up, kept silent too long, or said what the protocol does not allow."""


@dataclass(frozen=True, slots=True)
class Reply:
    """The filter's answer to one step and what the SMTP client would hear of it."""

    action: str  # continue accept reject tempfail discard replycode shutdown
    code: str = "250"
    text: str = ""  # without the code; lines of a longer reply are joined by LF

    @property
    def is_refusal(self) -> bool:
        """Whether the client hears 4xx or 5xx."""
        return self.code[0] in "45"


@dataclass(frozen=True, slots=True)
class Edit:
    """One change asked for at end of message: add, insert, change, delete, quarantine, body or an envelope's."""

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


@dataclass(frozen=True, slots=True)
class Copy:
    """A message as cleanup queues it: fields as (name, blanks before the colon, value), folds as LF, body as CRLF."""

    fields: tuple[tuple[bytes, bytes, bytes], ...]
    body: bytes
    has_body: bool  # whether an empty line ends the header block
    received: bytes = b""

    @classmethod
    def read(cls, message: bytes, received: bytes = b"") -> Self:
        """Read octets as Postfix does: what is no field ends the header block, some fields are dropped or cut."""
        lines = message.replace(b"\r\n", b"\n").removesuffix(b"\n").split(b"\n")
        blocks: list[bytes] = []
        at = 0
        for at, line in enumerate([*lines, b""]):
            if line[:1] in (b" ", b"\t") and blocks:
                blocks[-1] += b"\n" + line
            elif at == 0 and line.startswith(b"From "):
                blocks.append(b"X-Mailbox-Line: " + line)
            elif _FIELD.match(line):
                blocks.append(line)
            else:
                break
        rest = lines[at:]
        if rest and not rest[0]:
            rest = rest[1:]
        matches = [_FIELD.fullmatch(block[:MAX_HEADER].partition(b"\0")[0].replace(b"\r", b" ")) for block in blocks]
        fields = tuple((m[1], m[2], m[3]) for m in matches if m and m[1].lower() not in _DROPPED)
        return cls(fields, b"".join(line + b"\r\n" for line in rest), at < len(lines), received)

    def edited(self, edits: Sequence[Edit], space: bytes) -> bytes:
        """Return the queued message with the edits made; `space` goes between the colon and an edit's value."""
        own = [(b"", self.received)] if self.received else []  # nameless: change and delete never find it
        fields = own + [(name.lower(), name + gap + b":" + value) for name, gap, value in self.fields]
        body = [edit.value for edit in edits if edit.kind == "body"]
        for edit in edits:
            line = (edit.name.lower(), edit.name + b":" + space + edit.value)
            found = [at for at, (name, _) in enumerate(fields) if name == edit.name.lower() and name]
            at = found[edit.index - 1] if 0 < edit.index <= len(found) else None
            if edit.kind == "insert":
                fields.insert(edit.index, line)  # counts all lines, the MTA's own too; too large an index appends
            elif edit.kind == "add" or (edit.kind == "change" and at is None):
                fields.append(line)
            elif edit.kind == "change" and at is not None:
                fields[at] = line
            elif edit.kind == "delete" and at is not None:
                del fields[at]
        # cleanup_out_header: a line that does not begin with a blank gets a tab, so no edit can smuggle a field in.
        head = b"".join(re.sub(rb"\r?\n([ \t]?)", _fold, text) + b"\r\n" for _, text in fields)
        return head + (b"\r\n" if self.has_body or body else b"") + (b"".join(body) or self.body)


def _fold(match: re.Match[bytes]) -> bytes:
    return b"\r\n" + (match[1] or b"\t")


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
        self._of_all: Reply | None = None  # decided for the whole connection: no more steps
        self._of_this: Reply | None = None  # accepted or discarded before the end: no more steps for this message
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
            end = data.index(b"\0", at + 4)
            self.asked[STAGES[stage]] = tuple(re.split(r"[ ,\t\r\n]+", data[at + 4 : end].decode().strip()))
            at = end + 1

    def connect(
        self, host: str = "client.example.test", address: str = "192.0.2.7", port: int = 40000, macros: _Macros = None
    ) -> Reply:
        """Report a client; port 0 is local submission, as cleanup emulates it: there the queue id is known already."""
        known = {
            "j": "mail.example.test",
            "v": "Postfix 3.7.11",
            "_": f"{host} [{address}]",
            "daemon_addr": "127.0.0.1",
        }
        known |= {"client_name": host, "client_addr": address, "client_port": str(port)}
        known |= {"i": "4TstLOCAL"} if port == 0 else {}
        self._connection_macros = known | {"daemon_name": known["j"]} | _named(macros)
        family = b"6" if ":" in address else b"4"
        client = host.encode() + b"\0" + family + struct.pack("!H", port) + address.encode() + b"\0"
        return self._connection_step("connect", client)

    def helo(self, name: str = "client.example.test", macros: _Macros = None) -> Reply:
        """Report HELO or EHLO."""
        self._connection_macros |= _named(macros)
        return self._connection_step("helo", name.encode() + b"\0")

    def mail(self, arg: str, macros: _Macros = None) -> Reply:
        """Begin a transaction; `arg` as the client said it, ESMTP parameters after it."""
        self._of_this = None
        self._transaction_macros = _address_macros("mail", arg) | _named(macros)
        return self._step("mail", _arguments(arg))

    def rcpt(self, arg: str, macros: _Macros = None) -> Reply:
        """Report one recipient. After the first that is accepted there is a queue id."""
        reply = self._step("rcpt", _arguments(arg), _address_macros("rcpt", arg) | _named(macros))
        if not reply.is_refusal and "i" not in self._transaction_macros:
            self._queued += 1
            self._transaction_macros["i"] = self._connection_macros.get("i", f"4Tst{self._queued:06d}")
        return reply

    def data(self) -> Reply:
        """Report DATA."""
        return self._step("data")

    def unknown(self, command: str) -> Reply:
        """Report an SMTP command that the MTA does not know."""
        return self._step("unknown", command.encode() + b"\0")

    def header(self, name: bytes, value: bytes) -> Reply:
        """Send one field; `value` is all after the colon. Without HDR_LEADSPC one leading space is taken off."""
        value = value.replace(b"\r\n", b"\n")
        if not self.steps & HDR_LEADSPC:
            value = value.removeprefix(b" ")
        return self._step("header", name + b"\0" + value + b"\0")

    def eoh(self) -> Reply:
        """Report the end of the header block."""
        return self._step("eoh")

    def body(self, chunks: bytes | Iterable[bytes]) -> Reply:
        """Send the body: octets are cut as Postfix cuts them, given chunks go as they are (at most 65,535 each)."""
        if isinstance(chunks, bytes):
            chunks = [chunks[at : at + CHUNK] for at in range(0, len(chunks), CHUNK)]
        for chunk in chunks:
            if (reply := self._step("body", chunk)).action != "continue":
                return reply
        return _CONTINUE

    def end(self, macros: _Macros = None) -> End:
        """End the message; return the answer and the edits."""
        edits: list[Edit] = []
        reply = self._step("end", b"", _named(macros), edits)
        self._transaction_macros, self._of_this = {}, None
        return End(reply, tuple(edits))

    def abort(self) -> None:
        """Give up the message, as on RSET; the connection goes on. Postfix says it after each message."""
        self._transaction_macros, self._of_this, self._skipped = {}, None, ""
        if self._of_all is None:
            self._put(b"A")
            self._flush()

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
        stage, reply, refused = "mail", self.mail(sender, macros), []
        for recipient in recipients if reply.action == "continue" else ():
            answer = self.rcpt(recipient)
            if answer.is_refusal:
                refused.append((recipient, answer))
            if answer.action in ("accept", "discard") or len(refused) == len(recipients):
                stage, reply = "rcpt", answer
                break
        copy = Copy.read(message, self._received)
        end = End(reply)
        if reply.action == "continue":
            stage, end = self._content(copy, end_macros)
        self.abort()
        is_out = not end.reply.is_refusal and end.reply.action != "discard"
        delivered = copy.edited(end.edits, b"" if self.steps & HDR_LEADSPC else b" ") if is_out else b""
        return Transaction(stage, end.reply.code, end.reply.text, end.edits, delivered, tuple(refused))

    def _content(self, copy: Copy, end_macros: _Macros) -> tuple[str, End]:
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
        if reply.action != "continue":
            return "body", End(reply)
        return "end", self.end(end_macros)

    # -- packets ------------------------------------------------------------------------------------------------------

    def _connection_step(self, step: str, payload: bytes) -> Reply:
        """At CONNECT and HELO whatever is not `continue` holds for the connection; DISCARD is not allowed there."""
        reply = self._step(step, payload)
        if reply.action == "discard":
            self._of_this = None
            return _CONTINUE
        if reply.action != "continue":
            self._of_all, self._of_this = reply, None
        return reply

    def _step(self, step: str, payload: bytes = b"", macros: _Macros = None, edits: list[Edit] | None = None) -> Reply:
        """Send one step with its macros and wait for the answer, unless this step is not sent or not answered."""
        octet, unwanted, unanswered = _STEPS[step]
        if (decided := self._of_all or self._of_this) is not None:
            return decided
        if self._skipped == step:
            return _CONTINUE
        self._skipped = ""
        self._put(b"D", octet + self._macros(step, macros or {}))  # sent even where the step itself is not
        if self.steps & unwanted:
            return _CONTINUE
        self._put(octet, payload)
        if self.steps & unanswered:
            return _CONTINUE
        reply = self._answer(edits)
        if reply.action == "skip":
            self._skipped = step
            return _CONTINUE
        if reply.action in ("accept", "discard"):
            self._of_this = reply
        elif reply.action == "shutdown":
            self._of_all = reply
        return reply

    def _macros(self, step: str, given: Mapping[str, str]) -> bytes:
        stage = _LIST_OF.get(step, step)
        names = self.asked.get(stage, ()) if self.asked else _DEFAULT_MACROS.get(stage, ())
        known = self._connection_macros | self._transaction_macros
        if step in _CLEANUP_STEPS:
            known = {name: value for name, value in known.items() if _CLEANUP_KNOWS.fullmatch(name)}
            known["daemon_name"] = known.get("j", "")
        known |= given
        pairs = ((name, known.get(name.strip("{}"))) for name in names)
        return b"".join(f"{name}\0{value}\0".encode() for name, value in pairs if value is not None)

    def _answer(self, edits: list[Edit] | None) -> Reply:
        while True:
            octet, data = self._packet()
            if octet == b"y":
                return _replycode(data)
            if octet in _ANSWERS and not data:
                return _ANSWERS[octet]
            if octet in _EDITS and edits is not None:
                edits.append(_edit(octet, data))
            elif octet != b"p":  # p: still at work
                raise WireError(f"unexpected answer {octet!r} {data[:80]!r}")

    def _put(self, octet: bytes, data: bytes = b"") -> None:
        self._unsent += struct.pack("!I", 1 + len(data)) + octet + data

    def _flush(self) -> None:
        try:
            self._socket.sendall(self._unsent)
        except OSError as error:
            raise WireError(f"the filter hung up: {error}") from error
        finally:
            self._unsent.clear()

    def _packet(self) -> tuple[bytes, bytes]:
        self._flush()
        try:
            head = self._answers.read(4)
            data = self._answers.read(struct.unpack("!I", head)[0]) if len(head) == 4 else b""
        except OSError as error:
            raise WireError(f"no answer: {error}") from error
        if not data:
            raise WireError("the filter hung up")
        return data[:1], data[1:]


def _dial(endpoint: str, timeout: float) -> socket.socket:
    kind, _, where = endpoint.partition(":")
    if kind in ("unix", "local"):
        made = socket.socket(socket.AF_UNIX)
        made.settimeout(timeout)
        try:
            made.connect(where)
        except OSError:
            made.close()
            raise
        return made
    if "@" in where:
        port, _, host = where.partition("@")
    else:
        host, _, port = where.rpartition(":")
    return socket.create_connection((host.strip("[]"), int(port)), timeout)


def _named(macros: _Macros) -> dict[str, str]:
    return {name.strip("{}"): value for name, value in (macros or {}).items()}


def _arguments(arg: str) -> bytes:
    """Cut a MAIL or RCPT argument as Postfix does: the address, quoted blanks and all, then the ESMTP parameters."""
    match = re.match(r'\s*(<(?:"(?:\\.|[^"\\])*"|[^">])*>|\S*)(.*)', arg, re.DOTALL)
    words = [match[1], *match[2].split()] if match else [arg]
    return b"".join(word.encode("utf-8", "surrogateescape") + b"\0" for word in words)


def _address_macros(kind: str, arg: str) -> dict[str, str]:
    address = _arguments(arg).partition(b"\0")[0].decode("utf-8", "replace").strip("<> ").lower()
    return {f"{kind}_addr": address, f"{kind}_host": address.rpartition("@")[2], f"{kind}_mailer": "smtp"}


def _replycode(data: bytes) -> Reply:
    """Read an SMTP reply as Postfix does: `%%` is one `%`, a single one vanishes; no 4xx or 5xx is a broken filter."""
    text = re.sub(r"%(%?)", r"\1", data.rstrip(b"\0").decode("utf-8", "replace"))
    lines = text.split("\r\n")
    if any(not re.match(r"[45][0-9][0-9][ -]", line) or line[:3] != text[:3] for line in lines):
        raise WireError(f"malformed reply {data[:80]!r}")
    return Reply("replycode", text[:3], "\n".join(line[4:] for line in lines))


def _edit(octet: bytes, data: bytes) -> Edit:
    kind, index = _EDITS[octet], 0
    if kind in ("insert", "change"):
        index, data = max(struct.unpack_from("!I", data)[0], 1 if kind == "change" else 0), data[4:]
    if kind not in ("insert", "change", "add"):
        return Edit(kind, value=data if kind == "body" else data.rstrip(b"\0"))
    name, value = data.split(b"\0")[:2]
    return Edit("delete" if kind == "change" and not value else kind, name, value, index)
