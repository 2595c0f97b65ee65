"""The message that another one encloses: what a complaint (RFC 5965) or a message forwarded as an attachment holds.

One level is looked at, the first part of kind `message/rfc822` is taken, and the parts are cut by the boundary alone:
whoever asks wants to compare what is inside, not to judge the outside. Linear; nothing raises on any octets.
"""

from dataclasses import replace
from typing import Final

from sealgate.mail.filed import Filed, read_filed
from sealgate.mail.mimefield import read_block, read_headers
from sealgate.mail.transfer import decode_base64, decode_quoted_printable

_MAX_PARTS: Final = 100
_MESSAGES: Final = ("message/rfc822", "message/global")


def is_report(filed: Filed) -> bool:
    """Whether the message as a whole reports on another one (RFC 6522)."""
    return read_headers(filed.headers).kind == "multipart/report"


def enclosed(filed: Filed) -> Filed | None:
    """Return the first message attached to this one, or None."""
    boundary = read_headers(filed.headers).boundary
    if not boundary:
        return None
    pieces = (b"\r\n" + filed.body).split(b"\r\n--" + boundary, _MAX_PARTS)[1:]
    for piece in pieces:
        head, _, content = piece.partition(b"\r\n")[2].partition(b"\r\n\r\n")
        entity = read_block(head + b"\r\n")
        if piece[:2] != b"--" and entity.kind in _MESSAGES:
            inner = read_filed(_decoded(content, entity.encoding))
            if inner is not None:
                note = "the message is the one that is attached to the one in the file"
                return replace(inner, notes=(*inner.notes, note))
    return None


def _decoded(content: bytes, encoding: str) -> bytes:
    """RFC 2046 5.2.1 allows no encoding here, and programs use it."""
    if encoding == "base64":
        return decode_base64(content)[0]
    return decode_quoted_printable(content) if encoding == "quoted-printable" else content
