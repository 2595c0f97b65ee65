"""Placeholder of the MIME splitter's values; the splitter itself follows."""

from dataclasses import dataclass


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
        defects: what makes the structure ambiguous or was cut by a cap, as short codes (`duplicate-content-type`).
    """

    size: int
    parts: tuple[TextPart, ...] = ()
    defects: tuple[str, ...] = ()
