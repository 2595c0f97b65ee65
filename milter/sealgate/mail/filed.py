"""A message as a file holds it, brought to the form in which it travelled.

`read_filed` takes line ends of either kind and a mailbox's `From ` line, and ends the header where an MTA ends it. What
it had to assume is said in `notes`, because a signature is made over octets, not over what was meant. Linear; nothing
raises on any octets.
"""

import re
from dataclasses import dataclass
from typing import Final

from sealgate.mail.headers import Headers, parse_block

MAX_HEADER: Final = 4 * 1024 * 1024  # octets; MTAs stop long before
_LONE_LF: Final = re.compile(rb"(?<!\r)\n")
_FIELD: Final = re.compile(rb"[\x21-\x39\x3b-\x7e]+[ \t]*:")  # RFC 5322 2.2, with 4.5.3's blanks before the colon


@dataclass(frozen=True, slots=True)
class Filed:
    """A message out of a file.

    Attributes:
        headers: its fields, folds as CRLF and blanks.
        body: with CRLF line ends.
        notes: what was assumed, for a person.
    """

    headers: Headers
    body: bytes
    notes: tuple[str, ...] = ()


def read_filed(octets: bytes) -> Filed | None:
    """Return the message in these octets, or None where they do not begin with a header field."""
    notes: list[str] = []
    if b"\r\n" in octets and _LONE_LF.search(octets):
        notes.append("the file mixes CRLF and LF line ends; all were read as CRLF")
    data = octets.removeprefix(b"\xef\xbb\xbf").lstrip(b"\r\n").replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    if data.startswith((b"From ", b">From ")):
        data = data.partition(b"\r\n")[2]
    lines, at = _header(data)
    if not lines:
        return None
    if data[at : at + 2] == b"\r\n":
        at += 2
    elif data[at:]:
        notes.append(f"line {len(lines) + 1} is no header field; the body begins there, as MTAs read it")
    return Filed(parse_block(lines), data[at:], tuple(notes))


def _header(data: bytes) -> tuple[list[bytes], int]:
    """The lines of the header, and where it ends."""
    lines: list[bytes] = []
    at = 0
    while 0 <= at < min(len(data), MAX_HEADER):
        end = data.find(b"\r\n", at)
        line = data[at : end if end >= 0 else len(data)]
        is_fold = bool(lines) and line[:1] in (b" ", b"\t")
        if not is_fold and not _FIELD.match(line):
            break
        lines.append(line)
        at = end + 2 if end >= 0 else len(data)
    return lines, at
