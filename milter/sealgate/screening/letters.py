"""A message in whatever form a program holds it, as the octets that would be sent.

A rendered HTML template is no message yet: `wrapped` puts the plainest header around it, and `is_template` tells such
text from a message (no header field begins with `<`). Nothing here raises for
what octets or text hold.
"""

import re
from email.message import Message as EmailMessage
from email.utils import formatdate
from html import unescape
from typing import Protocol, TypeAlias, runtime_checkable

_META = re.compile(rb"<meta[^<>]{0,200}?charset\s{0,9}=\s{0,9}[\"']?([A-Za-z0-9_.:-]{1,40})", re.IGNORECASE)
_TITLE = re.compile(r"<title[^<>]{0,200}>([^<]{1,500})</title", re.IGNORECASE)


@runtime_checkable
class Sendable(Protocol):
    """What mail libraries hold before they send, such as Django's EmailMessage."""

    def message(self) -> EmailMessage:
        """The message as it would be sent."""


Letter: TypeAlias = bytes | str | EmailMessage | Sendable


def octets_of(letter: Letter) -> bytes:
    """The octets of a message or of a template.

    Raises:
        ValueError: the `email` package cannot write this message.
    """
    if isinstance(letter, bytes | bytearray | memoryview):
        return bytes(letter)
    if isinstance(letter, str):
        try:
            return letter.encode("utf-8", "surrogateescape")  # as Python reads octets that are no UTF-8
        except UnicodeEncodeError:
            return letter.encode("utf-8", "replace")
    if not isinstance(letter, EmailMessage):
        letter = letter.message()
    try:
        return letter.as_bytes(policy=letter.policy.clone(linesep="\r\n"))
    except Exception as error:  # it raises whatever its parts raise, and documents none of it
        raise ValueError(f"the message cannot be written: {type(error).__name__}: {error}") from error


def is_template(octets: bytes) -> bool:
    """Whether this is an HTML document and no message."""
    return octets[:4096].lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<")


def wrapped(octets: bytes, author: str, subtype: str = "html") -> bytes:
    """Put a header around the text of a template: From, the title as Subject, and no field that it could not know."""
    charset = _charset(octets)
    head = octets[:65_536].decode("utf-8", "replace")
    found = _TITLE.search(head) if subtype == "html" else None
    subject = " ".join(unescape(found[1]).split())[:200] if found else "(a template)"
    header = (
        f"From: <{author}>\nTo: <reader@example.invalid>\nSubject: {subject}\n"
        f"Date: {formatdate()}\nMessage-ID: <template@sealgate.invalid>\nMIME-Version: 1.0\n"
        f"Content-Type: text/{subtype}; charset={charset}\nContent-Transfer-Encoding: 8bit\n\n"
    )
    return header.encode("utf-8", "replace") + octets


def _charset(octets: bytes) -> str:
    """UTF-8 where it is that; else what the document says of itself."""
    try:
        octets.decode("utf-8")
    except UnicodeDecodeError:
        found = _META.search(octets[:4096])
        return found[1].decode("ascii") if found else "windows-1252"
    return "utf-8"
