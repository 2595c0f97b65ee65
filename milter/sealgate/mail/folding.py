"""Long lines of header fields, folded where a blank allows it (RFC 5322 2.2.3).

Who folds on the way breaks a signature: Postfix cuts lines over 998 octets without asking where. A fold before a blank
changes nothing in the relaxed form of a field (RFC 6376 3.4.2), nor in what a reader is shown. Pure; nothing raises.
"""

from typing import Final

from sealgate.mail.lines import MAX_LINE

FOLD_AT: Final = 900  # octets; some room below the limit, as a relay may still put a blank or a bracket in


def has_long_line(name: bytes, value: bytes) -> bool:
    """Whether a line of a field (folds as CRLF and blank) has more than 998 octets."""
    if len(name) + 1 + len(value) <= MAX_LINE:
        return False
    first, *rest = value.split(b"\r\n")
    return len(name) + 1 + len(first) > MAX_LINE or any(len(line) > MAX_LINE for line in rest)


def folded(name: bytes, value: bytes) -> bytes | None:
    """Return the value with each long line folded before a blank, or None where one has no blank to fold at."""
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
