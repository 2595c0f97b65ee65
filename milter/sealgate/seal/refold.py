"""Signed fields whose lines are too long for SMTP, folded before they are signed (RFC 5322 2.1.1).

An MTA cuts a line of more than 998 octets after the milter has signed it. `refold` gives the header block as it should
leave, and the edits that make it so; what cannot be folded, or is beyond what is looked at, is named. Pure; nothing
raises.
"""

from collections import Counter
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Final

from sealgate.mail.folding import folded, has_long_line
from sealgate.mail.headers import Field, Headers
from sealgate.mail.lines import MAX_LINE

MAX_FOLDED: Final = 200_000  # octets of all fields of a message that are looked at for places to fold at


@dataclass(frozen=True, slots=True)
class Refolded:
    """A header block whose signed lines are short enough, as far as that can be had.

    Attributes:
        headers: the block after the edits.
        edits: fields to write anew: name as sent, index from 1 among those of that name, the folded value.
        stuck: names of signed fields with a long line that cannot be folded.
    """

    headers: Headers
    edits: tuple[tuple[bytes, int, bytes], ...] = ()
    stuck: tuple[bytes, ...] = ()


def refold(headers: Headers, covers: AbstractSet[bytes]) -> Refolded:
    """Fold the long lines of the fields whose names (lower case) are in `covers`."""
    # Whatever is below the limit as a whole has no line above it (`has_long_line`).
    long = [
        i
        for i, field in enumerate(headers)
        if len(field.name) + len(field.value) >= MAX_LINE
        and field.key in covers
        and has_long_line(field.name, field.value)
    ]
    if not long:
        return Refolded(headers)
    fields = list(headers)
    edits: list[tuple[bytes, int, bytes]] = []
    stuck: list[bytes] = []
    seen: Counter[bytes] = Counter()
    room, at = MAX_FOLDED, 0
    for i in long:
        field = fields[i]
        room -= len(field.value)
        value = folded(field.name, field.value) if room >= 0 and _can_be_written(field.value) else None
        seen.update(headers.keys[at : i + 1])
        at = i + 1
        name = field.name.rstrip(b" \t")  # as an MTA writes it back
        if value is None:
            stuck.append(name)
            continue
        fields[i] = Field(name, value)
        edits.append((name, seen[field.key], value))
    return Refolded(Headers(tuple(fields)), tuple(edits), tuple(dict.fromkeys(stuck)))


def _can_be_written(value: bytes) -> bool:
    """Whether the value can go back to the MTA: pymilter hands over text, and that as UTF-8 (RFC 6532 3.2)."""
    try:
        value.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
