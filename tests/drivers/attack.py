"""The attack shapes through the three drivers: the core, the milter socket, a real Postfix with a Kerberos login.

Each gives one `Result` a shape: what the client heard, and the copy that left. Unlike the cases, the shapes are sent as
one client sends many messages: one connection, one login.
"""

import smtplib
import time
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass

from sealgate.app.intake import Intake
from sealgate.app.runtime import Runtime
from sealgate.app.screen import at_end, at_mail
from sealgate.attack.shape import Cast, Mail, Shape
from sealgate.mail.message import Envelope, Session
from tests.drivers.core import NOW, REFERENCE
from tests.drivers.socket import RECEIVED
from tests.drivers.wire import Copy, Edit, Wire, _address_macros, _arguments
from tests.lab.inline import InlineReader
from tests.lab.realm import Realm
from tests.lab.relay import Relay
from tests.lab.submit import Client

PATIENCE = 30.0  # seconds until all copies have come
DATE = "Mon, 02 Nov 2026 10:00:00 +0000"
LOGIN = {"auth_type": "GSSAPI", "auth_authen": "alice@EXAMPLE.TEST"}


def cast_of(shape: Shape) -> Cast:
    """The people of the lab; a recipient of its own lets each copy be found, whatever became of its header."""
    return Cast("alice@example.test", "ceo@example.test", f"{shape.code}@elsewhere.test")


def mail_of(shape: Shape) -> Mail:
    """The shape as alice sends it."""
    return shape.mail(cast_of(shape), f"{shape.code}.1@example.test", DATE)


@dataclass(frozen=True)
class Result:
    """What came of a shape: the reply, and where it left the envelope sender and the octets."""

    code: int
    text: str = ""
    sender: str = ""
    delivered: bytes = b""

    @property
    def is_out(self) -> bool:
        return self.code < 300


def by_core(shape: Shape, runtime: Runtime) -> Result:
    """Judge a shape in this process, its header read as Postfix reads it."""
    mail = mail_of(shape)
    argument = mail.sender.decode("utf-8", "surrogateescape")
    session = Session("submission", "127.0.0.1", 40_000, auth_mechanism="GSSAPI", auth_name=LOGIN["auth_authen"])
    envelope = Envelope(
        _arguments(argument).partition(b"\0")[0],
        _address_macros("mail", argument)["mail_addr"],
        (f"<{cast_of(shape).recipient}>".encode(),),
    )
    first = at_mail(session, envelope, runtime, REFERENCE, NOW)
    if not first.verdict.is_accepted:
        return Result(550, str(first.verdict.reply))
    copy = Copy.read(mail.content)
    intake = Intake()
    for name, _, value in copy.fields:
        intake.header(name, value.replace(b"\n", b"\r\n"))
    intake.body(copy.body)
    message, digest = intake.finish(reference=REFERENCE, received_at=NOW, session=session, envelope=envelope)
    outcome = at_end(message, digest, runtime, InlineReader(), first.caller, over_limit=False)
    if not outcome.verdict.is_accepted:
        return Result(550, str(outcome.verdict.reply))
    edits = [Edit("delete", name, b"", index) for name, index in outcome.verdict.removals]
    edits += [Edit("insert", name.encode(), value.encode()) for name, value in outcome.inserts]
    return Result(250, "", argument.partition(">")[0].lstrip("<"), copy.edited(edits, b" "))


def by_socket(shapes: Iterable[Shape], socket: str) -> dict[str, Result]:
    """Send shapes over one milter connection."""
    results: dict[str, Result] = {}
    with Wire(socket, received=RECEIVED) as wire:
        wire.negotiate()
        wire.connect("localhost", "127.0.0.1", 40_000, {"daemon_name": "submission"})
        wire.helo()
        for shape in shapes:
            mail = mail_of(shape)
            sender = mail.sender.decode("utf-8", "surrogateescape")
            rcpt = f"<{cast_of(shape).recipient}>"
            answer = wire.transact(sender, [rcpt], mail.content, LOGIN, {"i": "4TstWIRE"})
            envelope = sender.partition(">")[0].lstrip("<")
            results[shape.code] = Result(int(answer.code), answer.text, envelope, answer.delivered)
    return results


def by_postfix(shapes: Iterable[Shape], relay: Relay, realm: Realm) -> dict[str, Result]:
    """Send shapes through Postfix, logged in once, and fetch the copies that left."""
    heard: dict[str, tuple[int, str]] = {}
    with ExitStack() as stack:
        client = _opened(stack, relay, realm)
        for shape in shapes:
            try:
                heard[shape.code] = _send(client, shape)
            except smtplib.SMTPServerDisconnected:
                client = _opened(stack, relay, realm)
                heard[shape.code] = _send(client, shape)
    copies = _copies(relay, {code for code, (answer, _) in heard.items() if answer < 300})
    return {code: Result(answer, text, *copies.get(code, ("", b""))) for code, (answer, text) in heard.items()}


def _opened(stack: ExitStack, relay: Relay, realm: Realm) -> Client:
    client = stack.enter_context(Client(relay.submission_port, realm_environment=realm.environment))
    answer = client.login(realm.ticket("alice"))
    assert answer.code == 235, answer
    return client


def _send(client: Client, shape: Shape) -> tuple[int, str]:
    """Send as raw octets: smtplib would refuse, encode or repair some of these."""
    mail = mail_of(shape)
    sender = mail.sender
    if not mail.content.isascii() and b"BODY=" not in sender:
        sender += b" BODY=8BITMIME"
    for line in (b"MAIL FROM:" + sender, f"RCPT TO:<{cast_of(shape).recipient}>".encode(), b"DATA"):
        code, text = _command(client, line + b"\r\n")
        if code >= 400:
            _command(client, b"RSET\r\n")
            return code, text
    return _command(client, mail.framed)


def _command(client: Client, octets: bytes) -> tuple[int, str]:
    client._smtp.send(octets)
    code, text = client._smtp.getreply()
    return code, text.decode(errors="replace")


def _copies(relay: Relay, codes: set[str]) -> dict[str, tuple[str, bytes]]:
    """Wait for all copies; one that does not come in time is missing from what is returned."""
    found: dict[str, tuple[str, bytes]] = {}

    def all_came() -> bool:
        found.update({d.recipients[0].partition("@")[0]: (d.sender, d.data) for d in relay.sink.messages})
        return codes <= set(found)

    deadline = time.monotonic() + PATIENCE
    while not all_came() and time.monotonic() < deadline:
        time.sleep(0.05)
    return found
