"""An SMTP client that logs in with a Kerberos ticket and sends a message as it is.

`submit` does a whole submission and says where it ended; `Client` gives the single steps, for several messages on one
connection. Octets are sent untouched but for line ends (made CRLF) and dot-stuffing (RFC 5321 4.5.2), 8-bit ones too.
A refusal is an `Answer`, not an exception; a broken connection is smtplib's `SMTPServerDisconnected`, and a ticket that
cannot be used is gssapi's `GSSError`. The server's certificate is not checked: this is for a lab on the loopback.

libkrb5 finds krb5.conf by the process's environment only. During a login, and only then, KRB5_CONFIG is set for the
whole process; a lock lets one login run at a time. The ticket is given by its file, never by KRB5CCNAME.
"""

import base64
import contextlib
import os
import re
import smtplib
import ssl
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Self

import gssapi

from tests.lab.postfix import HOSTNAME

Stage = Literal["connect", "auth", "mail", "rcpt", "data"]

_environment_lock = threading.Lock()
# RFC 4752 3.1: the client asks for mutual authentication and integrity.
_FLAGS = (
    gssapi.RequirementFlag.mutual_authentication
    | gssapi.RequirementFlag.integrity
    | gssapi.RequirementFlag.out_of_sequence_detection
)
_QUEUED = re.compile(r"queued as (\S+)")


@dataclass(frozen=True, slots=True)
class Answer:
    """A reply of the server.

    Attributes:
        stage: the step that it answers; `connect` stands for greeting, EHLO and STARTTLS.
        code: the reply code, such as 250.
        text: the rest, enhanced status code included; lines are parted by LF.
        queue_id: the queue ID, once the message is queued, or an empty string.
        refused: the recipients that were refused although others were accepted, with code and text.
    """

    stage: Stage
    code: int
    text: str
    queue_id: str = ""
    refused: tuple[tuple[str, int, str], ...] = ()

    @property
    def accepted(self) -> bool:
        """Whether the step succeeded (2xx, or 3xx where the server waits for more)."""
        return 200 <= self.code < 400


def submit(
    port: int,
    ccache: Path | None,
    sender: str,
    recipients: Sequence[str],
    message: bytes,
    *,
    tls: bool = True,
    realm_environment: Mapping[str, str],
    hostname: str = HOSTNAME,
) -> Answer:
    """Send one message on a connection of its own and return the answer that decided.

    Args:
        port: TCP port on 127.0.0.1.
        ccache: credentials cache to log in with, or None for no login.
        sender: envelope sender; an empty string is sent as `MAIL FROM:<>`.
        recipients: envelope recipients; those refused do not stop the others.
        message: the message, LF or CRLF line ends.
        tls: whether to use STARTTLS.
        realm_environment: `Realm.environment`; may be empty without a ccache.
        hostname: the service logged in to is `smtp@hostname`.

    Raises:
        smtplib.SMTPException: the connection broke.
        gssapi.exceptions.GSSError: the ticket cannot be used.
    """
    with Client(port, tls=tls, realm_environment=realm_environment, hostname=hostname) as client:
        if not client.opening.accepted:
            return client.opening
        if ccache is not None and not (answer := client.login(ccache)).accepted:
            return answer
        return client.send(sender, recipients, message)


class Client:
    """One SMTP connection, for a `with` block: greeting, EHLO and STARTTLS come by themselves, QUIT at the end.

    Attributes:
        opening: the answer to greeting, EHLO or STARTTLS: the first refusal, else the last of them.
    """

    def __init__(
        self,
        port: int,
        *,
        tls: bool = True,
        realm_environment: Mapping[str, str] | None = None,
        hostname: str = HOSTNAME,
        timeout: float = 60,
        certificate: Path | None = None,
        ciphers: str = "",
    ) -> None:
        """Describe the connection; nothing is opened before `with`.

        Args:
            port: TCP port on 127.0.0.1.
            tls: whether to use STARTTLS at once.
            realm_environment: `Realm.environment`, for a login by ticket.
            hostname: the service logged in to is `smtp@hostname`.
            timeout: seconds to wait for an answer.
            certificate: a PEM file with a key and its certificate, shown where the server asks for one.
            ciphers: OpenSSL's names of those to offer, under TLS 1.2; empty: what is usual.
        """
        self.opening = Answer("connect", 0, "")
        self._port = port
        self._tls = tls
        self._environment = dict(realm_environment or {})
        self._hostname = hostname
        self._timeout = timeout
        self._certificate = certificate
        self._ciphers = ciphers
        self._smtp = smtplib.SMTP()  # not connected yet

    def __enter__(self) -> Self:
        try:
            self.opening = self._open()
        except BaseException:
            self._smtp.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(smtplib.SMTPException, OSError):
            self._smtp.quit()
        self._smtp.close()

    def command(self, line: str, stage: Stage = "connect") -> Answer:
        """Send one command line as it is, without its CRLF, and return the reply."""
        return _answer(stage, self._smtp.docmd(line))

    def plain(self, user: str, password: str, identity: str = "") -> Answer:
        """Log in with AUTH PLAIN (RFC 4616)."""
        secret = "\0".join((identity, user, password)).encode()
        return _answer("auth", self._smtp.docmd("AUTH", f"PLAIN {_base64(secret)}"))

    def xclient(self, **attributes: str) -> Answer:
        """Say XCLIENT with these attributes (Postfix's XCLIENT_README); the server greets anew, and EHLO follows."""
        said = " ".join(f"{name.upper()}={value}" for name, value in attributes.items())
        answer = self.command(f"XCLIENT {said}")
        return _answer("connect", self._smtp.ehlo()) if answer.accepted else answer

    def drop(self) -> None:
        """Close the connection as a broken network does, without QUIT."""
        self._smtp.close()

    def write(self, octets: bytes) -> None:
        """Send octets as they are, and wait for no answer."""
        self._smtp.send(octets)

    def login(self, ccache: Path, identity: bytes = b"") -> Answer:
        """Log in with AUTH GSSAPI (RFC 4752), without a security layer.

        Args:
            ccache: the ticket.
            identity: whom to act as; empty: whoever the ticket names.
        """
        target = gssapi.Name(f"smtp@{self._hostname}", gssapi.NameType.hostbased_service)
        with _environment(self._environment):
            credentials = gssapi.Credentials(usage="initiate", store={"ccache": f"FILE:{ccache}"})
            context = gssapi.SecurityContext(
                name=target,
                creds=credentials,
                usage="initiate",
                flags=int(_FLAGS),
            )
            token = context.step() or b""
        reply = self._smtp.docmd("AUTH", f"GSSAPI {_base64(token)}")
        while reply[0] == 334 and not context.complete:
            with _environment(self._environment):  # the target's name is looked up again at each step
                token = context.step(base64.b64decode(reply[1])) or b""
            reply = self._smtp.docmd(_base64(token))
        if reply[0] == 334:
            offer = context.unwrap(base64.b64decode(reply[1])).message
            if not offer[0] & 1:  # RFC 4752 3.3: the first octet is the mask of layers, 1 is none
                return _answer("auth", self._smtp.docmd("*"))
            reply = self._smtp.docmd(_base64(context.wrap(b"\1\0\0\0" + identity, False).message))
        return _answer("auth", reply)

    def mail(self, sender: str, parameters: str = "") -> Answer:
        """Send MAIL FROM with these ESMTP parameters."""
        return self.command(f"MAIL FROM:<{sender}> {parameters}".rstrip(), "mail")

    def rcpt(self, recipient: str) -> Answer:
        """Send RCPT TO."""
        return self.command(f"RCPT TO:<{recipient}>", "rcpt")

    def data(self, wire: bytes) -> Answer:
        """Send DATA and these octets, which `wire_form` has made: neither changed nor completed here."""
        answer = self.command("DATA", "data")
        if answer.code != 354:
            return answer
        self._smtp.send(wire)
        return _answer("data", self._smtp.getreply())

    def send(self, sender: str, recipients: Sequence[str], message: bytes) -> Answer:
        """Send one message; stop at the first refusal that leaves nothing to do, and reset the transaction then.

        BODY=8BITMIME is said when the message has 8-bit octets, SMTPUTF8 when an address has.
        """
        parameters = [] if message.isascii() else ["BODY=8BITMIME"]
        if not "".join((sender, *recipients)).isascii():
            parameters.append("SMTPUTF8")
        answer = self.mail(sender, " ".join(parameters))
        refused: list[tuple[str, int, str]] = []
        if answer.accepted:
            for recipient in recipients:
                answer = self.rcpt(recipient)
                if not answer.accepted:
                    refused.append((recipient, answer.code, answer.text))
            if len(refused) < len(recipients):
                answer = self.data(wire_form(message))
            elif refused:
                answer = Answer("rcpt", refused[0][1], refused[0][2])
        if not answer.accepted:
            with contextlib.suppress(smtplib.SMTPException):
                self._smtp.rset()
        return Answer(answer.stage, answer.code, answer.text, answer.queue_id, tuple(refused))

    def _open(self) -> Answer:
        try:
            self._smtp = smtplib.SMTP("127.0.0.1", self._port, "client.example.test", timeout=self._timeout)
        except smtplib.SMTPConnectError as refusal:
            return _answer("connect", (refusal.smtp_code, refusal.smtp_error))
        self._smtp.command_encoding = "utf-8"  # RFC 6531 addresses
        answer = _answer("connect", self._smtp.ehlo())
        return self.starttls() if answer.accepted and self._tls else answer

    def starttls(self) -> Answer:
        """Begin TLS, and say EHLO again."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        if self._certificate is not None:
            context.load_cert_chain(self._certificate)
        if self._ciphers:
            context.maximum_version = ssl.TLSVersion.TLSv1_2  # TLS 1.3 has ciphers of its own that this cannot limit
            context.set_ciphers(self._ciphers)
        try:
            answer = _answer("connect", self._smtp.starttls(context=context))
        except smtplib.SMTPResponseException as refusal:
            return _answer("connect", (refusal.smtp_code, refusal.smtp_error))
        return _answer("connect", self._smtp.ehlo()) if answer.accepted else answer


def wire_form(message: bytes) -> bytes:
    """Return what follows DATA: line ends CRLF, dots stuffed, the final dot. A bare CR stays."""
    lines = re.sub(rb"\r?\n", b"\r\n", message)
    if lines and not lines.endswith(b"\r\n"):
        lines += b"\r\n"
    return re.sub(rb"(?m)^\.", b"..", lines) + b".\r\n"


@contextlib.contextmanager
def _environment(wanted: Mapping[str, str]) -> Iterator[None]:
    """Set variables for this process, one caller at a time, and put the old values back."""
    with _environment_lock:
        old = {name: os.environ.get(name) for name in wanted}
        os.environ.update(wanted)
        try:
            yield
        finally:
            for name, value in old.items():
                if value is None:
                    os.environ.pop(name, None)
                else:
                    os.environ[name] = value


def _answer(stage: Stage, reply: tuple[int, bytes | str]) -> Answer:
    text = reply[1] if isinstance(reply[1], str) else reply[1].decode(errors="replace")
    queued = _QUEUED.search(text)
    return Answer(stage, reply[0], text, queued.group(1) if queued else "")


def _base64(octets: bytes) -> str:
    return base64.b64encode(octets).decode("ascii")
