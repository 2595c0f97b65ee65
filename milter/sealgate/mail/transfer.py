"""Transfer encodings taken off: base64 and quoted-printable (RFC 2045 6). Linear, in C, and never raising."""

import binascii
import re
from typing import Final

_BASE64 = re.compile(rb"[0-9A-Za-z+/]*={0,2}")
_NOT_BASE64: Final = bytes(c for c in range(256) if not _BASE64.fullmatch(bytes((c,))) or c == ord("="))


def decode_quoted_printable(content: bytes) -> bytes:
    """Take quoted-printable off (RFC 2045 6.7). What is no proper escape stays as it is."""
    return binascii.a2b_qp(content)


def decode_base64(content: bytes, *, cut: bool = False) -> tuple[bytes, bool]:
    """Take base64 off (RFC 2045 6.8): the octets, and whether all of `content` was base64 that is read in one way.

    Blanks and line ends are no junk; other octets are left out, and reading stops at the padding. `cut` says that
    the end is missing.
    """
    digits = content.translate(None, b"\r\n\t ")
    is_clean = _BASE64.fullmatch(digits) is not None and (cut or len(digits) % 4 == 0)
    if not is_clean:
        digits = digits.partition(b"=")[0].translate(None, _NOT_BASE64)
    digits = digits.rstrip(b"=")
    if len(digits) % 4 == 1:
        digits = digits[:-1]  # six bits alone are no octet
    return binascii.a2b_base64(digits + b"=" * (-len(digits) % 4)), is_clean
