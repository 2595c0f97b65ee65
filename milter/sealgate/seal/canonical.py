"""The canonical forms of DKIM (RFC 6376 3.4): what is hashed instead of what was sent.

`relaxed_field` and `simple_field` give the form of one header field; `RelaxedBody` and `SimpleBody` hash a body while
its chunks arrive, cut anywhere, and hold back no more than three octets of it. Nothing in this module raises on any
octets, and all of it is linear in the size of its input.

Octets that no MTA should hand to a milter have no agreed canonical form, so a verifier may see them otherwise. Here a
lone CR or LF in a body is an ordinary octet, an LF in a header value belongs to a fold, and vertical tabs and form
feeds are no blanks (RFC 5234 B.1: WSP is space or tab). A body whose last line has no CRLF is read as if it had one,
because SMTP will add it.
"""

import hashlib
import re
from typing import Final

_BLANKS: Final = re.compile(rb"  +")
_TABS_AS_SPACES: Final = bytes.maketrans(b"\t", b" ")
_FEW_RUNS: Final = 1_024  # runs of blanks that a pattern takes up; indented HTML has as many in 64 KB
_SHORTENED: Final = (b"    ", b"  ", b"  ", b"  ")  # and what many runs are shortened by, for little each
_SLICE: Final = 65_536  # octets looked at in one go; libmilter's chunks are no larger (MILTER_CHUNK_SIZE 65535)
_EMPTY_LINES: Final = 4_096  # how many CRLFs are hashed in one go


def relaxed_field(name: bytes, value: bytes) -> bytes:
    """Return one header field in relaxed form, its CRLF included (RFC 6376 3.4.2).

    Args:
        name: the field name as sent, without the colon; blanks before the colon may still hang on it.
        value: everything after the colon, with folds as CRLF (or LF) and blanks.
    """
    if b"\n" in value:
        value = value.replace(b"\r\n", b"").replace(b"\n", b"")
    return name.rstrip(b" \t").lower() + b":" + _single_blanks(value).strip(b" ") + b"\r\n"


def simple_field(name: bytes, value: bytes) -> bytes:
    """Return one header field in simple form, its CRLF included (RFC 6376 3.4.1): octet for octet as it is sent.

    Args:
        name: the field name as sent, without the colon.
        value: everything after the colon, the blank behind it too, with folds as CRLF (or LF) and blanks.
    """
    if b"\n" in value:
        value = value.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    return name + b":" + value + b"\r\n"


class SimpleBody:
    """The SHA-256 hash of a body in simple form (RFC 6376 3.4.3), fed chunk by chunk; to be used as `RelaxedBody`."""

    __slots__ = ("_hash", "_held", "_lines")

    def __init__(self) -> None:
        self._hash = hashlib.sha256()
        self._held = b""  # a CR that may begin a CRLF: b"" or b"\r"
        self._lines = 0  # CRLFs that count only if something else follows them

    def feed(self, chunk: bytes) -> None:
        """Take the next octets of the body; chunks may be cut anywhere, and may be empty."""
        data = self._held + chunk if self._held else chunk
        self._held = b""
        if data.endswith(b"\r"):
            data, self._held = data[:-1], b"\r"
        content = _content_end(data)
        if content:
            self._put_lines(self._hash)
            self._lines = 0
            self._hash.update(data if content == len(data) else memoryview(data)[:content])
        self._lines += (len(data) - content) // 2

    def digest(self) -> bytes:
        """Return the 32 octets of the hash of what was fed so far; feeding may go on afterwards."""
        final = self._hash.copy()
        if self._held:  # no LF came, so it is an ordinary octet
            self._put_lines(final)
            final.update(self._held)
        final.update(b"\r\n")  # an empty body too is one CRLF: RFC 6376 3.4.3
        return final.digest()

    def _put_lines(self, into: "hashlib._Hash") -> None:
        lines = self._lines
        while lines:
            some = min(lines, _EMPTY_LINES)
            into.update(b"\r\n" * some)
            lines -= some


class RelaxedBody:
    """The SHA-256 hash of a body in relaxed form (RFC 6376 3.4.4), fed chunk by chunk.

    Holds one hash state; not to be shared by two messages, nor fed from two threads at once.
    """

    __slots__ = ("_empty_lines", "_has_content", "_hash", "_held")

    def __init__(self) -> None:
        self._hash = hashlib.sha256()
        self._has_content = False
        self._held = b""  # the end of what came, undecided without what follows: b"", b" ", b"\r" or b" \r"
        self._empty_lines = 0  # CRLFs that count only if something else follows them

    def feed(self, chunk: bytes) -> None:
        """Take the next octets of the body; chunks may be cut anywhere, and may be empty."""
        if len(chunk) <= _SLICE:
            self._feed(chunk)
            return
        for start in range(0, len(chunk), _SLICE):
            self._feed(chunk[start : start + _SLICE])

    def digest(self) -> bytes:
        """Return the 32 octets of the hash of what was fed so far; feeding may go on afterwards."""
        final = self._hash.copy()
        ends_in_cr = self._held.endswith(b"\r")  # no LF came, so it is an ordinary octet, and blanks before it stay
        if ends_in_cr:
            final.update(b"\r\n" * self._empty_lines + self._held)
        if self._has_content or ends_in_cr:
            final.update(b"\r\n")  # an empty body stays empty: RFC 6376 3.4.4
        return final.digest()

    def _feed(self, chunk: bytes) -> None:
        data = self._held + chunk if self._held else chunk
        data, self._held = _split_undecided(data)
        if b" " in data or b"\t" in data:  # base64, the bulk of large mail, has none
            data = _single_blanks(data).replace(b" \r\n", b"\r\n")
        content = _content_end(data)
        if content:
            self._put(data if content == len(data) else memoryview(data)[:content])
        self._empty_lines += (len(data) - content) // 2

    def _put(self, content: bytes | memoryview) -> None:
        """Hash the empty lines that turned out not to be the last ones, then `content`."""
        while self._empty_lines:
            lines = min(self._empty_lines, _EMPTY_LINES)
            self._hash.update(b"\r\n" * lines)
            self._empty_lines -= lines
        self._hash.update(content)
        self._has_content = True


def _single_blanks(data: bytes) -> bytes:
    """Turn each run of blanks into one space.

    A pattern is quick where runs are few, however long, and slow where text is made of them; a replacement of two by
    one is the other way round. Mixed, the worst text costs less than five times what prose costs.
    """
    if b"\t" in data:
        data = data.translate(_TABS_AS_SPACES)
    if b"  " not in data:
        return data
    data, runs = _BLANKS.subn(b" ", data, _FEW_RUNS)
    if runs < _FEW_RUNS:
        return data
    for blanks in _SHORTENED:
        if b"  " not in data:
            return data
        data = data.replace(blanks, b" ")
    return _BLANKS.sub(b" ", data)


def _split_undecided(data: bytes) -> tuple[bytes, bytes]:
    """Cut off the last blanks and CR, whose meaning depends on the next octets; the blanks come back as one space."""
    if data[-1:] not in (b" ", b"\t", b"\r"):
        return data, b""
    before = data[:-1] if data.endswith(b"\r") else data
    kept = before.rstrip(b" \t")
    return kept, (b" " if len(kept) < len(before) else b"") + data[len(before) :]


def _content_end(data: bytes) -> int:
    """Return where the CRLFs at the end of `data` begin."""
    if not data.endswith(b"\r\n"):
        return len(data)
    begin = len(data.rstrip(b"\r\n"))
    # Of the CRs and LFs there, only whole pairs are line ends: go back to the last place where they stop alternating.
    odd = max(data.rfind(b"\r\r", begin), data.rfind(b"\n\n", begin))
    start = odd + 1 if odd >= 0 else begin
    return start + 1 if data[start] == 0x0A else start
