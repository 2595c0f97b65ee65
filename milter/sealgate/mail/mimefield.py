"""What the MIME fields of one entity say: type, charset, boundary, transfer encoding, disposition.

Each function reads the Content-* fields of one entity (the message or a part) and gives one `Entity`. None raises.
Where two readers could understand the fields differently, the reading is the one named beside the `Defect` that is
added; whether that is refused is for the caller. Time is linear in the size of the fields.
"""

import enum
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from types import MappingProxyType
from typing import Final

from sealgate.mail.headers import Headers, unfolded


class Defect(enum.StrEnum):
    """What can be wrong with a MIME structure. The values stand in `Body.defects`, in the audit line and in reports."""

    # Fields that can be read in more than one way
    DUPLICATE_TYPE = "duplicate-content-type"  # two Content-Type fields; the first one is used
    DUPLICATE_ENCODING = "duplicate-transfer-encoding"
    DUPLICATE_DISPOSITION = "duplicate-content-disposition"
    DUPLICATE_PARAMETER = "duplicate-parameter"  # boundary or charset given twice; the first one is used
    BAD_TYPE = "bad-content-type"  # no type/subtype; read as text/plain (RFC 2045 5.2)
    ODD_PARAMETER = "odd-parameter"  # no name=value, comments, text after a quoted string, open quote, RFC 2231 charset
    NUL_IN_FIELD = "nul-in-field"
    UNKNOWN_ENCODING = "unknown-transfer-encoding"  # content is left as it is (RFC 2045 6.4)
    ENCODED_MULTIPART = "encoded-multipart"  # base64 or quoted-printable on a multipart (RFC 2045 6.4); not decoded
    MISSING_BOUNDARY = "missing-boundary"  # on a multipart, which is not entered then
    ODD_BOUNDARY = "odd-boundary"  # octets outside RFC 2046 5.1.1, a blank at the end, or an RFC 2047 word
    CONTINUED_BOUNDARY = "continued-boundary"  # boundary*0=, boundary*1= (RFC 2231 3), which many readers do not join
    LONG_BOUNDARY = "long-boundary"  # above 70 octets (RFC 2046 5.1.1), which is not entered
    # Structures that can be read in more than one way
    BOUNDARY_REUSED = "boundary-reused"  # an inner multipart with an outer one's delimiter; not entered
    NO_PARTS = "no-parts"  # a multipart whose delimiter never comes
    DELIMITER_TAIL = "text-after-delimiter"  # a line that goes on after a delimiter; not taken for one
    DELIMITER_AFTER_END = "delimiter-after-end"  # a part begins after the closing delimiter; not shown by most readers
    UNCLOSED_INNER = "unclosed-inner-multipart"  # ended by an outer delimiter instead of its own
    JUNK_IN_PART_HEADER = "junk-in-part-header"  # a line that is no field: text without the blank line before it
    JUNK_IN_BASE64 = "junk-in-base64"  # octets outside the alphabet, padding in the middle, or digits missing
    # Cut by a limit of ours
    TOO_DEEP = "too-deep"
    TOO_MANY_PARTS = "too-many-parts"
    LONG_PART_HEADER = "long-part-header"
    TEXT_CUT = "text-cut"  # a text part, or all of them together, longer than what is kept
    # Harmless, and common in good mail
    UNCLOSED = "unclosed-multipart"  # the body ends without the last closing delimiter
    TEXT_AFTER_END = "text-after-end"  # not blank after the closing delimiter: footers of mailing lists


@dataclass(frozen=True, slots=True)
class Entity:
    """The reading of the fields of one entity.

    Attributes:
        kind: `type/subtype` in lower case.
        charset: lower case, `us-ascii` where nothing was said.
        boundary: of a multipart, empty where it cannot be entered.
        encoding: of the transfer, lower case, `7bit` where nothing was said.
        is_attachment: whether Content-Disposition says that it is not shown (RFC 2183 2.2, 2.8).
        defects: what was odd.
    """

    kind: str
    charset: str = "us-ascii"
    boundary: bytes = b""
    encoding: str = "7bit"
    is_attachment: bool = False
    defects: tuple[Defect, ...] = ()


# RFC 2045 5.1 tokens. An unquoted value may hold more than a token: boundary=----=_Part_1 is wrong and everywhere.
_TYPE = re.compile(rb"([!#-'*+\-.0-9A-Z^-~]+)[ \t]*/[ \t]*([!#-'*+\-.0-9A-Z^-~]+)[ \t]*")
_PARAMETER = re.compile(
    rb';[ \t]*(?:([!#-\'*+\-.0-9A-Z^-~]+)[ \t]*=[ \t]*(?:"((?:[^"\\]|\\.)*)"|([^\x00-\x20";()\\]+)))?[ \t]*', re.DOTALL
)
_FIELD = re.compile(rb"^(content-(?:type|transfer-encoding|disposition))[ \t]*:(.*(?:\n[ \t].*)*)", re.I | re.M)
_NO_FIELD = re.compile(rb"^(?![!-9;-~]+[ \t]*:|[ \t\r])[^\n]|\A[ \t]", re.M)
_QUOTED_PAIR = re.compile(rb"\\(.)", re.DOTALL)
_BOUNDARY = re.compile(rb"[0-9A-Za-z'()+_,\-./:=? ]*[0-9A-Za-z'()+_,\-./:=?]")  # RFC 2046 5.1.1 bchars
_ENCODED_WORD = re.compile(rb"=\?[^?]+\?[BbQq]\?")
_IDENTITY: Final = ("7bit", "8bit", "binary")  # RFC 2045 6.2
_MISSPELT: Final = MappingProxyType({"7-bit": "7bit", "8-bit": "8bit"})  # and every reader takes them so
_NAMES: Final = (b"content-type", b"content-transfer-encoding", b"content-disposition")
_DUPLICATES: Final = (Defect.DUPLICATE_TYPE, Defect.DUPLICATE_ENCODING, Defect.DUPLICATE_DISPOSITION)
_MAX_PARAMETERS: Final = 64  # of one field; what follows is odd
_OURS: Final = (b"boundary", b"charset")  # the parameters that decide what a reader sees
_KEPT: Final = 512  # readings that are remembered: the parts of a sender's messages have the same fields
_KEPT_OCTETS: Final = 500  # of what was read; longer fields are read each time


def read_headers(headers: Headers, *, boundary_limit: int = 70) -> Entity:
    """Read the MIME fields of a message."""
    values = tuple([tuple([field.value for field in headers.every(name)]) for name in _NAMES])
    if sum([len(value) for each in values for value in each]) > _KEPT_OCTETS:
        return read_fields(*values, boundary_limit=boundary_limit)
    return _kept_fields(values, boundary_limit)


@lru_cache(maxsize=_KEPT)
def _kept_fields(values: tuple[tuple[bytes, ...], ...], boundary_limit: int) -> Entity:
    return read_fields(*values, boundary_limit=boundary_limit)


def read_block(block: bytes, *, default: str = "text/plain", boundary_limit: int = 70) -> Entity:
    """Read the header of a part, given as its lines with their line ends. Fields not of MIME are passed over."""
    return (_kept_block if len(block) <= _KEPT_OCTETS else _read_block)(block, default, boundary_limit)


def _read_block(block: bytes, default: str, boundary_limit: int) -> Entity:
    entity = _sorted_out([(n.lower(), value) for n, value in _FIELD.findall(block)], default, boundary_limit)
    if not _NO_FIELD.search(block):
        return entity
    return replace(entity, defects=(*entity.defects, Defect.JUNK_IN_PART_HEADER))


_kept_block = lru_cache(maxsize=_KEPT)(_read_block)


def _sorted_out(fields: Sequence[tuple[bytes, bytes]], default: str, boundary_limit: int) -> Entity:
    types, encodings, dispositions = ([value for name, value in fields if name == n] for n in _NAMES)
    return read_fields(types, encodings, dispositions, default=default, boundary_limit=boundary_limit)


def read_fields(
    types: Sequence[bytes],
    encodings: Sequence[bytes] = (),
    dispositions: Sequence[bytes] = (),
    *,
    default: str = "text/plain",
    boundary_limit: int = 70,
) -> Entity:
    """Read the values of all Content-Type, Content-Transfer-Encoding and Content-Disposition fields of one entity.

    Args:
        types: values of every Content-Type field, in order; so for the other two.
        encodings: values of Content-Transfer-Encoding.
        dispositions: values of Content-Disposition.
        default: the type where none is declared (RFC 2045 5.2; message/rfc822 inside a digest, RFC 2046 5.1.5).
        boundary_limit: octets a boundary may have.
    """
    defects = [code for values, code in zip((types, encodings, dispositions), _DUPLICATES, strict=True) if values[1:]]
    if b"\0" in b"".join((*types, *encodings, *dispositions)):
        defects.append(Defect.NUL_IN_FIELD)
    kind, parameters = _typed(types[0], defects) if types else (default, {})
    encoding = unfolded(encodings[0]).lower().decode("ascii", "replace") if encodings else "7bit"
    encoding = _MISSPELT.get(encoding, encoding)
    is_multipart = kind.startswith("multipart/")
    if encoding not in (*_IDENTITY, "quoted-printable", "base64"):
        defects.append(Defect.UNKNOWN_ENCODING)
    elif is_multipart and encoding not in _IDENTITY:
        defects.append(Defect.ENCODED_MULTIPART)
    shown = dispositions[0].partition(b";")[0].strip(b" \t\r\n").lower() if dispositions else b"inline"
    return Entity(
        kind=kind,
        charset=parameters.get(b"charset", b"").decode("ascii", "replace").strip().lower() or "us-ascii",
        boundary=_checked(parameters, boundary_limit, defects) if is_multipart else b"",
        encoding=encoding,
        is_attachment=shown not in (b"inline", b""),
        defects=tuple(dict.fromkeys(defects)),
    )


def _typed(value: bytes, defects: list[Defect]) -> tuple[str, dict[bytes, bytes]]:
    """Read a Content-Type value: kind, and the parameters boundary and charset."""
    flat = unfolded(value)
    start = _TYPE.match(flat)
    if not start:
        defects.append(Defect.BAD_TYPE)
        return "text/plain", {}
    found: dict[bytes, bytes] = {}
    segments: dict[bytes, dict[bytes, bytes]] = {}
    at = start.end()
    for _ in range(_MAX_PARAMETERS):
        part = _PARAMETER.match(flat, at)
        if not part:
            break
        at = part.end()
        if not part[1]:
            continue  # an empty one, as a semicolon at the end leaves it
        name, star, section = part[1].lower().partition(b"*")
        if name not in _OURS:
            continue
        text = part[3] if part[2] is None else _QUOTED_PAIR.sub(rb"\1", part[2])
        into = segments.setdefault(name, {}) if star else found
        if (section if star else name) in into:
            defects.append(Defect.DUPLICATE_PARAMETER)
        into.setdefault(section if star else name, text)
    if at < len(flat):
        defects.append(Defect.ODD_PARAMETER)
    for name, numbered in segments.items():
        _join(name, numbered, found, defects)
    return b"/".join(start.groups()).lower().decode("ascii"), found


def _join(name: bytes, numbered: dict[bytes, bytes], found: dict[bytes, bytes], defects: list[Defect]) -> None:
    """Join RFC 2231 3 continuations where they are simple: 0, 1, 2 … in any order, nothing percent-encoded."""
    keys = [b"%d" % i for i in range(len(numbered))]
    if name in found:
        defects.append(Defect.DUPLICATE_PARAMETER)
    elif any(k not in numbered for k in keys):
        defects.append(Defect.ODD_PARAMETER)
    else:
        found[name] = b"".join(numbered[k] for k in keys)
        if name == b"boundary":
            defects.append(Defect.CONTINUED_BOUNDARY)


def _checked(parameters: dict[bytes, bytes], limit: int, defects: list[Defect]) -> bytes:
    """Return the boundary, or nothing where a multipart with it cannot be entered."""
    boundary = parameters.get(b"boundary", b"")
    if not boundary.strip():
        defects.append(Defect.MISSING_BOUNDARY)
        return b""
    if len(boundary) > limit:
        defects.append(Defect.LONG_BOUNDARY)
        return b""
    if not _BOUNDARY.fullmatch(boundary) or _ENCODED_WORD.match(boundary):
        defects.append(Defect.ODD_BOUNDARY)
    return boundary.rstrip(b" \t")
