"""The text parts of a message body, found while its octets arrive.

A `Splitter` is fed the body in chunks of any size and keeps only what a reader is shown as text: inline `text/plain`
and `text/html` parts, under caps. Everything else is counted and forgotten at once, so memory stays within the limits
however large the body is; time is linear in its size. A forwarded message (`message/rfc822`) is not entered: it is not
the sender's own text.

Delimiter lines are compared whole (RFC 2046 5.1.1), inside all levels that are open. Nothing is repaired: what two
readers could understand differently is named in `Body.defects`, and so is what a limit cut. Nothing here raises.
"""

from dataclasses import dataclass, field
from typing import Final

from sealgate.mail.delimiter import NEVER, Delimiters, Level, Line
from sealgate.mail.headers import Headers
from sealgate.mail.mimefield import Defect, Entity, read_block, read_headers
from sealgate.mail.transfer import decode_base64, decode_quoted_printable

# The harmless ones (`Defect.UNCLOSED`, `Defect.TEXT_AFTER_END`) are in neither set: every reader shows the same parts.
OVER_LIMITS: Final = frozenset(
    code.value for code in (Defect.TOO_DEEP, Defect.TOO_MANY_PARTS, Defect.LONG_PART_HEADER, Defect.TEXT_CUT)
)
AMBIGUOUS: Final = (
    frozenset(code.value for code in Defect if code not in (Defect.UNCLOSED, Defect.TEXT_AFTER_END)) - OVER_LIMITS
)


@dataclass(frozen=True, slots=True)
class Limits:
    """Caps of one body. Sizes are octets before the transfer encoding is taken off."""

    part_octets: int = 1_000_000  # kept of one text part
    text_octets: int = 2_000_000  # kept of all text parts together
    parts: int = 500  # parts of all multiparts; after that nothing more is entered
    depth: int = 20  # multiparts inside each other
    boundary: int = 70  # RFC 2046 5.1.1
    part_header_octets: int = 65_536  # header of one part
    header_octets: int = 500_000  # headers of all parts together; after that nothing more is entered


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
        defects: what makes the structure ambiguous or was cut by a cap, as values of `Defect` in its order.
        nested: messages attached or forwarded whole, which were not entered.
        others: other parts that are no text for the reader, such as images and attachments.
    """

    size: int
    parts: tuple[TextPart, ...] = ()
    defects: tuple[str, ...] = ()
    nested: int = 0
    others: int = 0


@dataclass(slots=True)
class _Kept:
    """A text part as it arrives."""

    path: str
    entity: Entity
    pieces: list[bytes] = field(default_factory=list)
    size: int = 0
    truncated: bool = False


class Splitter:
    """Splits one body: `feed` it as it arrives, then `finish` once. Its answer does not depend on how it was cut."""

    __slots__ = (
        "_base", "_buffer", "_defects", "_delimiters", "_headers", "_in_header", "_kept", "_levels", "_limits",
        "_nested", "_others", "_parts", "_room", "_size", "_skip", "_stopped", "_texts",
    )  # fmt: skip

    def __init__(self, headers: Headers, limits: Limits = Limits()) -> None:
        self._limits = limits
        self._defects: set[Defect] = set()
        self._delimiters = Delimiters(limits.parts)
        self._levels = self._delimiters.levels
        self._texts: list[_Kept] = []
        self._kept: _Kept | None = None  # where content goes now
        self._room = limits.text_octets
        self._size = self._nested = self._others = self._parts = self._headers = 0
        self._base = 0  # octets that have left the buffer
        self._in_header = self._stopped = False
        self._skip = True  # the first octet of the buffer is the line feed before the content
        self._buffer = b"\n"  # so that a delimiter in the first line is found like any other
        self._enter(read_headers(headers, boundary_limit=limits.boundary), "")

    @property
    def held(self) -> int:
        """Octets kept so far."""
        return self._limits.text_octets - self._room + len(self._buffer)

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
        defects = tuple(code.value for code in Defect if code in self._defects) if self._defects else ()
        return Body(self._size, parts, defects, self._nested, self._others)

    def _name(self, defect: Defect) -> None:
        self._defects.add(defect)

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
            self._levels.append(Level(mark, path, default))

    def _scan(self, *, last: bool) -> None:
        """Go through the buffer as far as it can be judged, and keep the rest for the next time.

        Where a header or a content begins, `at` is the line feed before it: that may be part of a delimiter as well.
        """
        at = 0
        self._delimiters.restart()
        while not self._stopped:
            ends, begins = self._header_end(at) if self._in_header else (NEVER, NEVER)
            line = self._delimiters.next_line(self._buffer, at, self._base, last=last, reach=begins)
            if self._delimiters.doubts:
                self._name(Defect.DELIMITER_TAIL)
            if self._delimiters.doubts > self._limits.parts:
                if not self._in_header:  # what came before it counts, however the body was cut
                    self._pass_before(at, self._delimiters.doubted - self._base)
                self._stop()
            elif self._in_header:
                if line.level >= 0 and line.start < ends:
                    ends = begins = line.start
                elif ends == NEVER and last:
                    ends = begins = len(self._buffer)
                elif ends == NEVER or line.start < begins:
                    break  # the header, or a line in it that may be a delimiter, is not complete yet
                self._read_header(at, ends)
                at = begins
            elif line.level >= 0:
                self._pass_before(at, line.start)
                at = self._obey(line)
            else:
                tail = 0 if last else 1 + max(len(level.mark) for level in self._levels)
                at = self._pass(at, max(at, min(line.start - 1, len(self._buffer) - tail)))
                break
        self._base += at
        self._buffer = b"" if self._stopped else self._buffer[at:]

    def _header_end(self, at: int) -> tuple[int, int]:
        """Return where the header of a part that begins after `at` ends, and the line feed before its content."""
        limit = at + self._limits.part_header_octets
        with_cr = self._buffer.find(b"\n\r\n", at, limit)
        bare = self._buffer.find(b"\n\n", at, with_cr + 1 if with_cr >= 0 else limit)
        if bare >= 0:
            return bare, bare + 1
        if with_cr >= 0:
            return with_cr, with_cr + 2
        return (limit, limit) if len(self._buffer) > limit else (NEVER, NEVER)

    def _stop(self, why: Defect = Defect.TOO_MANY_PARTS) -> None:
        self._name(why)
        self._stopped = True
        self._kept = None

    def _obey(self, line: Line) -> int:
        """End what a delimiter line ends, begin what it begins; return where to go on."""
        inner = self._levels[line.level + 1 :]
        if any(not level.closed for level in inner):
            self._name(Defect.UNCLOSED_INNER)
        if any(not level.children for level in inner):
            self._name(Defect.NO_PARTS)
        del self._levels[line.level + 1 :]
        level = self._levels[-1]
        self._kept = None
        self._skip = True
        if line.closes:
            level.closed = True
        elif level.closed:
            self._name(Defect.DELIMITER_AFTER_END)
        elif self._parts >= self._limits.parts:
            self._stop()
        else:
            self._parts += 1
            level.children += 1
            self._in_header = True
        return line.end

    def _read_header(self, at: int, end: int) -> None:
        """Read the header of a part and begin its content."""
        self._in_header = False
        self._skip = True
        self._headers += end - at
        if self._headers > self._limits.header_octets:
            self._stop(Defect.LONG_PART_HEADER)
            return
        if end - at >= self._limits.part_header_octets:
            self._name(Defect.LONG_PART_HEADER)
            self._others += 1
            return
        level = self._levels[-1]
        block = self._buffer[at + 1 : end + 1]
        entity = read_block(block, default=level.default, boundary_limit=self._limits.boundary)
        self._enter(entity, f"{level.path}.{level.children}".lstrip("."))

    def _pass_before(self, at: int, start: int) -> None:
        """Hand on the content up to the line end before a line that begins behind the line feed at `start`."""
        has_cr = start > at and self._buffer[start - 1] == 0x0D
        self._pass(at, start - has_cr)

    def _pass(self, start: int, end: int) -> int:
        """Hand on the content from `start` to `end`; return `end`."""
        if start < end:
            start += self._skip
            self._skip = False
            if self._kept:
                self._keep(self._kept, self._buffer[start:end])
            elif self._levels[-1].closed and self._buffer[start:end].strip():
                self._name(Defect.TEXT_AFTER_END)
        return end

    def _keep(self, kept: _Kept, content: bytes) -> None:
        room = min(self._limits.part_octets - kept.size, self._room)
        if len(content) > room:
            kept.truncated = True
            self._name(Defect.TEXT_CUT)
            content = content[:room]
        if content:
            kept.pieces.append(content)
        kept.size += len(content)
        self._room -= len(content)

    def _decoded(self, kept: _Kept) -> TextPart:
        content = b"".join(kept.pieces)
        if kept.entity.encoding == "quoted-printable":
            content = decode_quoted_printable(content)
        elif kept.entity.encoding == "base64":
            content, is_clean = decode_base64(content, cut=kept.truncated)
            if not is_clean:
                self._name(Defect.JUNK_IN_BASE64)
        subtype = kept.entity.kind.removeprefix("text/")
        return TextPart(kept.path, subtype, kept.entity.charset, content, kept.truncated)
