"""What the MTA told us of one transaction, frozen.

`Session` is what is known of the connection, `Envelope` what the client said in MAIL and RCPT, `Message` the whole
thing at end of data. Nothing here was judged yet. Empty strings mean "the MTA did not say": Postfix sends some macros
empty-but-present, so absent and empty are the same on purpose.
"""

from dataclasses import dataclass
from typing import Final

from sealgate.mail.headers import Headers
from sealgate.mail.lines import CLEAN, Lines
from sealgate.mail.mime import Body

_HERE: Final = ("", "127.0.0.1", "::1")


@dataclass(frozen=True, slots=True)
class Session:
    """The connection: listener, client, TLS, and the login in SASL's own words (not yet a principal)."""

    listener: str  # {daemon_name}; Postfix: milter_macro_daemon_name
    client_address: str  # IP address, or "" for a Unix socket
    client_port: int  # 0: local submission (pickup), which Postfix emulates as a connection
    client_name: str = ""
    helo: str = ""
    tls_version: str = ""  # "" without TLS
    cipher_bits: int = 0  # {cipher_bits}: the session key's effective length; 0 without TLS
    certificate_subject: str = ""  # {cert_subject}
    certificate_issuer: str = ""  # {cert_issuer}
    certificate_verify: str = ""  # {verify}: Sendmail's word on the chain; Postfix names only trusted certificates
    mta: str = ""  # macro v: "Postfix 3.7.11", or Sendmail's bare version such as "8.17.1"
    mta_host: str = ""  # macro j: what the MTA calls itself
    mta_masquerade: str = ""  # macro M: under which name Sendmail shows its senders; empty: none
    auth_mechanism: str = ""  # {auth_type}
    auth_name: str = ""  # {auth_authen}: whatever SASL made of the principal

    @property
    def is_sendmail(self) -> bool:
        """Whether the MTA is Sendmail, whose macro v is a version and no name."""
        return self.mta[:1].isdecimal() or self.mta.startswith("Sendmail")

    @property
    def is_local(self) -> bool:
        """Whether this is local submission: sendmail(1) through pickup, whose emulated client has port 0.

        A proxy that knows no port makes one of 0 as well (XCLIENT PORT=[UNAVAILABLE]); whoever comes from elsewhere or
        has logged in is a client.
        """
        return self.client_port == 0 and not self.auth_name and self.client_address in _HERE


@dataclass(frozen=True, slots=True)
class Envelope:
    """MAIL and RCPT as the client said them, brackets and all."""

    sender: bytes  # the MAIL argument: b"<a@b>", b"<>", or without brackets for local submission
    mail_addr: str = ""  # {mail_addr}: the MTA's own reading of it
    recipients: tuple[bytes, ...] = ()

    @property
    def is_null(self) -> bool:
        """Whether the reverse-path is null (RFC 5321 4.5.5): `<>`, or the empty string of an emulated session."""
        return self.sender.strip() in (b"<>", b"")


@dataclass(frozen=True, slots=True)
class Message:
    """One message at end of data: all that checks may look at, besides facts and the profile."""

    reference: str  # our own id of the transaction: in reply, log and record
    received_at: float  # seconds since the epoch, UTC: the only clock the core has
    session: Session
    envelope: Envelope
    headers: Headers
    body: Body
    queue_id: str = ""  # macro i; certain at end of message only
    lines: Lines = CLEAN  # what the lines of the body are like
