"""Long lines of header fields, folded where a blank allows it (RFC 5322 2.2.3), or else between two items of a list.

Who folds on the way breaks a signature: Postfix cuts lines over 998 octets without asking where. A fold before a blank
changes nothing in the relaxed form of a field (RFC 6376 3.4.2), nor in what a reader is shown. A fold behind a comma of
an address list, or between two message ids, puts a blank in: no reader minds, but a signature does, so it is made
before that. Pure, linear; nothing raises.
"""

import re
from collections.abc import Iterator
from typing import Final

from sealgate.mail.lines import MAX_LINE

FOLD_AT: Final = 900  # octets; some room below the limit, as a relay may still put a blank or a bracket in

_ADDRESS_LISTS: Final = frozenset((b"to", b"cc", b"reply-to", b"resent-to", b"resent-cc"))  # RFC 5322 3.6.3, 3.6.6
_ID_LISTS: Final = frozenset((b"references", b"in-reply-to"))  # RFC 5322 3.6.4
_MARKS: Final = re.compile(rb'[\\"(),<>]')
_NEXT_ID: Final = re.compile(rb"(?<=[>,])<")


def has_long_line(name: bytes, value: bytes) -> bool:
    """Whether a line of a field (folds as CRLF and blank) has more than 998 octets."""
    if len(name) + 1 + len(value) <= MAX_LINE:
        return False
    first, *rest = value.split(b"\r\n")
    return len(name) + 1 + len(first) > MAX_LINE or any(len(line) > MAX_LINE for line in rest)


def folded(name: bytes, value: bytes) -> bytes | None:
    """Return the value with each long line folded, or None where one has no place to fold at."""
    done = _before_blanks(name, value)
    if done is not None:
        return done
    key = name.rstrip(b" \t").lower()
    if key in _ADDRESS_LISTS:
        return _before_blanks(name, _between(name, value, _behind_commas(value)))
    if key in _ID_LISTS:
        return _before_blanks(name, _between(name, value, (found.start() for found in _NEXT_ID.finditer(value))))
    return None


def _before_blanks(name: bytes, value: bytes) -> bytes | None:
    """`folded` at blanks alone."""
    lines: list[bytes] = []
    for i, line in enumerate(value.split(b"\r\n")):
        taken = len(name) + 1 if i == 0 else 0
        while taken + len(line) > MAX_LINE:
            room = max(0, FOLD_AT - taken)
            # Not at the very first octet (an empty first line is a field without content to some parsers), and not
            # within trailing blanks (a line of blanks alone is obsolete: RFC 5322 4.2).
            end = len(line.rstrip(b" \t"))
            at = max(line.rfind(b" ", 1, room), line.rfind(b"\t", 1, room))
            if at < 0 or not line[:at].strip(b" \t"):
                begin = _blank_from(line, len(line) - len(line.lstrip(b" \t")))
                at = begin if begin <= MAX_LINE - taken else -1
            if at < 0 or at >= end:
                return None
            lines.append(line[:at])
            line, taken = line[at:], 0  # noqa: PLW2901 - what is left of it
        lines.append(line)
    return b"\r\n".join(lines)


def _blank_from(line: bytes, start: int) -> int:
    """The place of the first blank from `start` on, or behind the end."""
    found = [at for at in (line.find(b" ", start), line.find(b"\t", start)) if at >= 0]
    return min(found, default=len(line))


def _between(name: bytes, value: bytes, places: Iterator[int]) -> bytes:
    """Fold at the last of these places, in ascending order, that leaves a line short enough."""
    pieces: list[bytes] = []
    begin, taken = 0, len(name) + 1
    for end in (*places, len(value)):
        piece = value[begin:end]
        if begin and taken + len(piece) > FOLD_AT and piece[:1] not in (b" ", b"\t", b"\r", b""):
            pieces.append(b"\r\n ")
            taken = 1
        pieces.append(piece)
        last_fold = piece.rfind(b"\n")
        taken = taken + len(piece) if last_fold < 0 else len(piece) - last_fold - 1
        begin = end
    return b"".join(pieces)


def _behind_commas(value: bytes) -> Iterator[int]:
    """The places behind the commas that part the addresses of a list: in no quotes, comment or brackets."""
    is_quoted = is_bracketed = False
    depth = escaped = 0
    for found in _MARKS.finditer(value):
        mark, at = found[0], found.start()
        if at == escaped and at:
            continue
        if mark == b"\\":
            escaped = at + 1 if is_quoted or depth else 0  # RFC 5322 3.2.1: a quoted pair
        elif is_quoted:
            is_quoted = mark != b'"'
        elif mark in b"()":
            depth = depth + 1 if mark == b"(" else max(0, depth - 1)
        elif depth:
            continue
        elif mark == b'"':
            is_quoted = True
        elif mark in b"<>":
            is_bracketed = mark == b"<"
        elif not is_bracketed:
            yield at + 1
