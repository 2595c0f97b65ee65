"""The text parts of a message body, found while its octets arrive.

A `Splitter` is fed the body in chunks of any size and keeps only what a reader is shown as text: inline `text/plain`
and `text/html` parts, under caps. Everything else is counted and forgotten at once, so memory stays within the limits
however large the body is; time is linear in its size. A forwarded message (`message/rfc822`) is not entered: it is not
the sender's own text.

Delimiter lines are compared whole (RFC 2046 5.1.1), inside all levels that are open. Nothing is repaired: what two
readers could understand differently is named in `Body.defects`, and so is what a limit cut. Nothing here raises.
"""

import binascii
import re
import sys
from dataclasses import dataclass, field
from typing import Final

from sealgate.mail.headers import Headers
from sealgate.mail.mimefield import Defect, Entity, read_fields

# The harmless ones (`Defect.UNCLOSED`, `Defect.TEXT_AFTER_END`) are in neither set: every reader shows the same parts.
OVER_LIMITS: Final = frozenset(
    code.value for code in (Defect.TOO_DEEP, Defect.TOO_MANY_PARTS, Defect.LONG_PART_HEADER, Defect.TEXT_CUT)
)
AMBIGUOUS: Final = frozenset(
    code.value for code in Defect if code not in (Defect.UNCLOSED, Defect.TEXT_AFTER_END)
) - OVER_LIMITS


@dataclass(frozen=True, slots=True)
class Limits:
    """Caps of one body. Sizes are octets before the transfer encoding is taken off."""

    part_octets: int = 1_000_000  # kept of one text part
    text_octets: int = 2_000_000  # kept of all text parts together
    parts: int = 500  # parts of all multiparts; after that nothing more is entered
    depth: int = 20  # multiparts inside each other
    boundary: int = 70  # RFC 2046 5.1.1
    part_header_octets: int = 65_536  # header of one part


@dataclass(frozen=True, slots=True)
class TextPart:
    """One text part that a reader is shown: `text/plain` or `text/html`, decoded from its transfer encoding.

    Attributes:
        path: its place in the tree, such as `1`, `1.2` (IMAP's section numbers, RFC 3501 6.4.5).
        subtype: `plain` or `html`.
        charset: as declared, lower case, `us-ascii` where nothing was.
        content: octets after the transfer encoding was taken off, at most the cap.
        truncated: whether the cap cut it.
    """

    path: str
    subtype: str
    charset: str
    content: bytes
    truncated: bool = False


@dataclass(frozen=True, slots=True)
class Body:
    """What checks may know of a body.

    Attributes:
        size: octets of the whole body as it arrived.
        parts: the text parts, in order.
        defects: what makes the structure ambiguous or was cut by a cap, as the values of `Defect`, first seen first.
        nested: messages attached or forwarded whole, which were not entered.
        others: other parts that are no text for the reader, such as images and attachments.
    """

    size: int
    parts: tuple[TextPart, ...] = ()
    defects: tuple[str, ...] = ()
    nested: int = 0
    others: int = 0


@dataclass(slots=True)
class _Level:
    """A multipart that is open: its delimiter, and where that comes next in the buffer."""

    mark: bytes  # "--" and the boundary
    path: str
    default: str  # type of a part that declares none
    children: int = 0
    closed: bool = False
    coming: int = -1  # index of the line feed before the next delimiter; too small: not known yet


@dataclass(slots=True)
class _Kept:
    """A text part as it arrives."""

    path: str
    entity: Entity
    pieces: list[bytes] = field(default_factory=list)
    size: int = 0
    truncated: bool = False


_NEVER: Final = sys.maxsize
_LINE: Final = 998  # octets; RFC 5322 2.1.1. A longer one is no delimiter line
_FIELD = re.compile(rb"^content-(type|transfer-encoding|disposition)[ \t]*:(.*(?:\n[ \t].*)*)", re.IGNORECASE | re.M)
_NO_FIELD = re.compile(rb"^(?![!-9;-~]+[ \t]*:|[ \t\r\n])|\A[ \t]", re.M)
_BASE64 = re.compile(rb"[0-9A-Za-z+/]*={0,2}")
_NOT_BASE64: Final = bytes(sorted(set(range(256)) - set(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")))


class Splitter:
    """Splits one body: `feed` it as it arrives, then `finish` once. Its answer does not depend on how it was cut."""

    __slots__ = (
        "_body", "_buffer", "_defects", "_in_header", "_kept", "_levels", "_limits", "_lines", "_nested", "_others",
        "_parts", "_room", "_size", "_skip", "_stopped", "_texts",
    )  # fmt: skip

    def __init__(self, headers: Headers, limits: Limits = Limits()) -> None:
        self._limits = limits
        self._defects: dict[str, None] = {}  # an ordered set
        self._levels: list[_Level] = []
        self._texts: list[_Kept] = []
        self._kept: _Kept | None = None  # where content goes now
        self._room = limits.text_octets
        self._size = self._nested = self._others = self._parts = self._lines = 0
        self._in_header = self._stopped = False
        self._skip = True  # the first octet of the buffer is the line feed before the content
        self._buffer = b"\n"  # so that a delimiter in the first line is found like any other
        fields = ([f.value for f in headers.every(b"content-" + name)] for name in _NAMES)
        self._enter(read_fields(*fields, boundary_limit=limits.boundary), "")

    def feed(self, chunk: bytes) -> None:
        """Take the next octets of the body."""
        self._size += len(chunk)
        if self._levels:
            if not self._stopped:
                self._buffer += chunk
                self._scan(last=False)
        elif self._kept:
            self._keep(self._kept, chunk)

    def finish(self) -> Body:
        """End the body and return what it held. Call it once, after the last `feed`."""
        if self._levels and not self._stopped:
            self._scan(last=True)
            if any(not level.children for level in self._levels):
                self._name(Defect.NO_PARTS)
            if any(not level.closed for level in self._levels):
                self._name(Defect.UNCLOSED)
        parts = tuple(self._decoded(kept) for kept in self._texts)
        return Body(self._size, parts, tuple(self._defects), self._nested, self._others)

    def _name(self, defect: Defect) -> None:
        self._defects[defect.value] = None

    def _enter(self, entity: Entity, path: str) -> None:
        """Begin the content of an entity."""
        self._kept = None
        for defect in entity.defects:
            self._name(defect)
        if entity.kind.startswith("multipart/"):
            self._open(entity, path)
        elif entity.kind in ("message/rfc822", "message/global"):
            self._nested += 1
        elif entity.kind in ("text/plain", "text/html") and not entity.is_attachment:
            self._kept = _Kept(path or "1", entity)
            self._texts.append(self._kept)
        else:
            self._others += 1

    def _open(self, entity: Entity, path: str) -> None:
        if not entity.boundary:
            return  # named by read_fields
        mark = b"--" + entity.boundary
        if len(self._levels) >= self._limits.depth:
            self._name(Defect.TOO_DEEP)
        elif any(mark in (one.mark, one.mark + b"--") or mark + b"--" == one.mark for one in self._levels):
            self._name(Defect.BOUNDARY_REUSED)
        else:
            default = "message/rfc822" if entity.kind == "multipart/digest" else "text/plain"  # RFC 2046 5.1.5
            self._levels.append(_Level(mark, path, default))

    def _scan(self, *, last: bool) -> None:
        """Go through the buffer as far as it can be judged, and keep the rest for the next time.

        `at` is always the line feed before the current line while a header or a content begins there: that line feed
        may belong to a delimiter too, as in an empty part.
        """
        at = 0
        for level in self._levels:
            level.coming = -1
        while not self._stopped:
            hit = self._next(at)
            if self._in_header:
                end = self._header_end(at, hit, last=last)
                if end is None:
                    break  # more is needed
                at = end
                if at < hit:
                    continue  # levels may have changed
            if hit == _NEVER:
                at = self._pass_tail(at, last=last)
                break
            end = self._buffer.find(b"\n", hit + 1, hit + _LINE)
            if end < 0 and not last and len(self._buffer) - hit < _LINE:
                at = self._pass(at, max(at, hit - 1))  # the octet before the line feed may be its CR
                break
            at = self._judge(at, hit, end if end >= 0 else min(len(self._buffer), hit + _LINE))
        self._buffer = b"" if self._stopped else self._buffer[at:]

    def _next(self, at: int) -> int:
        """Return where the next delimiter of any open level may stand: the index of the line feed before it."""
        nearest = _NEVER
        for level in self._levels:
            if level.coming < at:
                found = self._buffer.find(b"\n" + level.mark, at)
                level.coming = found if found >= 0 else _NEVER
            nearest = min(nearest, level.coming)
        return nearest
