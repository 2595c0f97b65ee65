"""Messages through somebody's submission service, octet by octet.

`Relay` opens one connection, logs in, and sends many messages on it; a connection that was dropped is opened again.
Nothing is encoded, repaired or completed on the way: what a shape says is what the relay gets. `UnreachableError` says
that there is no relay, no TLS or no login, or that the relay asked to be left alone (421). Every wait has an end.
"""

import base64
import contextlib
import smtplib
import socket
import ssl
from dataclasses import dataclass
from typing import Final, Self

from sealgate.attack.shape import Mail

TIMEOUT: Final = 60.0  # seconds for one reply; a relay's own checks may take their 30
# Postfix answers ever later after 10 errors on a connection and hangs up after 20 (smtpd_soft_error_limit).
REFUSALS_PER_CONNECTION: Final = 9
_EXTENSIONS: Final = {b"SMTPUTF8": "smtputf8", b"BODY=8BITMIME": "8bitmime", b"AUTH=": "auth"}


class UnreachableError(Exception):
    """The relay cannot be used; `str()` says why, for a person."""


@dataclass(frozen=True, slots=True)
class Login:
    """How to log in: `mechanism` is GSSAPI, PLAIN, LOGIN or NONE; GSSAPI asks for the service smtp@`host`."""

    mechanism: str
    user: str = ""
    password: str = ""
    host: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """The reply that decided about a message: its code, and its text on one line. Code 0: it was not sent."""

    code: int
    text: str


class Relay:
    """One submission service, for one `with` block.

    Attributes:
        name: what the relay calls itself in its answer to EHLO.
    """

    def __init__(self, host: str, port: int, login: Login, context: ssl.SSLContext | None) -> None:
        """Describe the relay; nothing is opened before `with`.

        Args:
            host: its name or address.
            port: 465 means TLS from the first octet (RFC 8314 3.3), any other STARTTLS.
            login: how to log in.
            context: for TLS; None: no TLS.
        """
        self.name = host
        self._host, self._port, self._login, self._context = host, port, login, context
        self._smtp: smtplib.SMTP | None = None
        self._refusals = 0

    def __enter__(self) -> Self:
        """Open the connection.

        Raises:
            UnreachableError: no connection, TLS or login.
        """
        self._open()
        return self

    def __exit__(self, *_: object) -> None:
        self._close()

    def send(self, mail: Mail, recipient: str) -> Answer:
        """Send one message and return the reply that decided; try once more where the connection was dropped.

        Raises:
            UnreachableError: the relay is gone, or asked twice to be left alone.
        """
        if self._refusals >= REFUSALS_PER_CONNECTION:
            self._close()
        for attempt in range(2):
            smtp = self._smtp or self._open()
            if lacking := [
                name for word, name in _EXTENSIONS.items() if word in mail.sender and not smtp.has_extn(name)
            ]:
                return Answer(0, f"the relay does not offer {lacking[0].upper()}")
            try:
                answer = _transaction(smtp, mail, recipient)
            except (smtplib.SMTPException, OSError) as error:
                self._close()
                if attempt:
                    raise UnreachableError(f"the relay hung up in the midst of a message: {error}") from error
                continue
            self._refusals += answer.code >= 400
            if answer.code != 421:  # RFC 5321 3.8: the relay closes the connection
                return answer
            self._close()
        raise UnreachableError(f"the relay asked to be left alone: {answer.code} {answer.text}")

    def _open(self) -> smtplib.SMTP:
        try:
            smtp = self._greeted()
            self._authenticate(smtp)
        except smtplib.SMTPResponseException as error:
            raise UnreachableError(f"{error.smtp_code} {_one_line(error.smtp_error)}") from error
        except ssl.SSLCertVerificationError as error:
            hint = "--ca FILE names the authority to trust"
            raise UnreachableError(f"{self._host}:{self._port}: {error.verify_message or error}; {hint}") from error
        except (smtplib.SMTPException, OSError, ValueError) as error:  # ValueError: a password that is not ASCII
            raise UnreachableError(f"{self._host}:{self._port}: {error}") from error
        self._smtp, self._refusals = smtp, 0
        if smtp.ehlo_resp:
            self.name = (smtp.ehlo_resp.split() or [b""])[0].decode("ascii", "replace") or self._host
        return smtp

    def _greeted(self) -> smtplib.SMTP:
        us = socket.gethostname()  # smtplib would ask DNS, and wait
        if self._context is not None and self._port == 465:
            smtp: smtplib.SMTP = smtplib.SMTP_SSL(self._host, self._port, us, timeout=TIMEOUT, context=self._context)
        else:
            smtp = smtplib.SMTP(self._host, self._port, us, timeout=TIMEOUT)
        code, text = smtp.ehlo()
        if code != 250:
            raise smtplib.SMTPResponseException(code, text)
        if self._context is not None and self._port != 465:
            smtp.starttls(context=self._context)
            smtp.ehlo()
        return smtp

    def _authenticate(self, smtp: smtplib.SMTP) -> None:
        login = self._login
        if login.mechanism == "GSSAPI":
            _log_in_by_ticket(smtp, login.host or self._host)
        elif login.mechanism != "NONE":
            smtp.user, smtp.password = login.user, login.password
            smtp.auth(login.mechanism, smtp.auth_plain if login.mechanism == "PLAIN" else smtp.auth_login)

    def _close(self) -> None:
        smtp, self._smtp, self._refusals = self._smtp, None, 0
        if smtp is not None:
            with contextlib.suppress(smtplib.SMTPException, OSError):
                smtp.quit()
            smtp.close()


def _transaction(smtp: smtplib.SMTP, mail: Mail, recipient: str) -> Answer:
    sender = mail.sender
    if not mail.content.isascii() and b"BODY=" not in sender and smtp.has_extn("8bitmime"):
        sender += b" BODY=8BITMIME"  # RFC 6152
    recipient_line = b"RCPT TO:<" + recipient.encode() + b">"
    for line, wanted in ((b"MAIL FROM:" + sender, 2), (recipient_line, 2), (b"DATA", 3)):
        answer = _said(smtp, line + b"\r\n", wanted)
        if answer.code >= 400:
            if answer.code != 421:
                _said(smtp, b"RSET\r\n", 2)
            return answer
    return _said(smtp, mail.framed, 2)


def _said(smtp: smtplib.SMTP, octets: bytes, wanted: int) -> Answer:
    """Send octets past smtplib's own notions of what may be sent; read a reply of the wanted class or a negative one.

    Raises:
        smtplib.SMTPException: the other side hung up, or does not speak SMTP.
    """
    smtp.send(octets)
    code, text = smtp.getreply()
    if code // 100 not in (wanted, 4, 5):
        raise smtplib.SMTPException(f"no reply of SMTP: {code} {_one_line(text)}")
    return Answer(code, _one_line(text))


def _log_in_by_ticket(smtp: smtplib.SMTP, host: str) -> None:
    """AUTH GSSAPI (RFC 4752) with the ticket of the default credentials cache, without a security layer."""
    try:
        import gssapi  # noqa: PLC0415 - optional: only this mechanism wants it
        from gssapi.raw.misc import GSSError  # noqa: PLC0415
    except ImportError as error:
        raise UnreachableError("GSSAPI needs the Python package gssapi (Debian: python3-gssapi)") from error
    flags = gssapi.RequirementFlag
    try:
        context = gssapi.SecurityContext(
            name=gssapi.Name(f"smtp@{host}", gssapi.NameType.hostbased_service),
            usage="initiate",
            flags=flags.mutual_authentication | flags.integrity,
        )
        code, text = smtp.docmd("AUTH", f"GSSAPI {_coded(context.step())}")
        while code == 334 and not context.complete:
            code, text = smtp.docmd(_coded(context.step(base64.b64decode(text)) or b""))
        if code == 334:  # the offer of layers; the first octet of the answer chooses none (RFC 4752 3.1)
            context.unwrap(base64.b64decode(text))
            code, text = smtp.docmd(_coded(context.wrap(b"\1\0\0\0", False).message))
    except (GSSError, ValueError) as error:
        hint = "run kinit, or say --gssapi-host if the service has another name"
        raise UnreachableError(f"no login with a ticket for smtp@{host}: {_one_line(str(error))}; {hint}") from error
    if code != 235:
        raise smtplib.SMTPAuthenticationError(code, text)


def _coded(token: bytes) -> str:
    return base64.b64encode(token).decode("ascii")


def _one_line(text: bytes | str) -> str:
    plain = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    return " ".join(plain.split())
