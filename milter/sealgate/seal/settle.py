"""A header block as it comes out of Sendmail, so that this is what is signed.

Sendmail writes address fields anew and adds Date and Message-ID behind its milters, and so breaks what they signed.
`settle` does both before: it gives the header block as it will leave, the edits that make it so, and the fields of
which that cannot be had. Nothing but these fields is touched. Pure; nothing raises.
"""

from collections import Counter
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Final

from sealgate.mail.headers import Field, Headers, unfolded
from sealgate.mail.settled import RECIPIENTS, SENDERS, settled

_ADDRESSES: Final = SENDERS | RECIPIENTS
MAX_SETTLED: Final = 200_000  # octets of all address fields of a message that are looked at
_LAST_SECOND: Final = 253_402_300_799  # of the year 9999


@dataclass(frozen=True, slots=True)
class Relay:
    """What Sendmail calls itself.

    Attributes:
        host: its full name, macro `j`: what it puts behind the addresses of recipients that have no domain.
        masquerade: the name that it puts there for senders, macro `M`; empty: `host`.
    """

    host: bytes = b""
    masquerade: bytes = b""

    def name_for(self, key: bytes) -> bytes:
        """The name for a field, given in lower case."""
        return (self.masquerade or self.host) if key in SENDERS else self.host


@dataclass(frozen=True, slots=True)
class Settled:
    """A header block that Sendmail leaves as it is, as far as that can be had.

    Attributes:
        headers: the block after the edits.
        edits: fields to write anew or, with a number beyond those of the name, to add: name as sent, index from 1 among
            those of that name, value with the blank behind the colon.
        unsettled: names of signed fields that Sendmail may still change.
        is_longer: whether there are fields that were not there, so that the seal must be planned anew.
    """

    headers: Headers
    edits: tuple[tuple[bytes, int, bytes], ...] = ()
    unsettled: tuple[bytes, ...] = ()
    is_longer: bool = False


def settle(
    headers: Headers, covers: AbstractSet[bytes], relay: Relay, now: float, message_id: bytes, *, to_the_octet: bool
) -> Settled:
    """Write the signed address fields as Sendmail would, and what it would add.

    Args:
        headers: as the milter was given them.
        covers: names of the signed fields, lower case, oversigned ones too.
        relay: the names that Sendmail uses.
        now: seconds since the epoch, for a Date.
        message_id: for a Message-ID, brackets included.
        to_the_octet: whether blanks and folds count too (the simple form of RFC 6376 3.4.1).
    """
    fields = list(headers)
    edits: list[tuple[bytes, int, bytes]] = []
    unsettled: list[bytes] = []
    seen: Counter[bytes] = Counter()
    room = MAX_SETTLED
    for i, (key, field) in enumerate(zip(headers.keys, headers, strict=True)):
        if key not in _ADDRESSES or key not in covers:
            continue
        seen[key] += 1
        room -= len(field.value)
        value = settled(field.name, field.value, relay.name_for(key)) if room >= 0 else None
        if value is None:
            unsettled.append(field.name.rstrip(b" \t"))
        elif value != field.value and (to_the_octet or _relaxed(value) != _relaxed(field.value)):
            name = field.name.rstrip(b" \t")  # as an MTA writes it back
            if not _can_be_written(value):
                unsettled.append(name)
                continue
            fields[i] = Field(name, value)
            edits.append((name, seen[key], value))
    added = _missing(fields, covers, edits, _date(now), message_id)
    return Settled(Headers(tuple(fields)), tuple(edits), tuple(dict.fromkeys(unsettled)), added)


def _missing(
    fields: list[Field], covers: AbstractSet[bytes], edits: list[tuple[bytes, int, bytes]], date: bytes, ident: bytes
) -> bool:
    """Put in Date and Message-ID, spelled as Sendmail does, where there is none; to it an empty one is none either."""
    is_longer = False
    for name, text in ((b"Date", date), (b"Message-Id", ident)):
        same = [i for i, field in enumerate(fields) if field.key == name.lower()]
        if name.lower() not in covers or len(same) > 1 or (same and unfolded(fields[same[0]].value)):
            continue
        if same:
            fields[same[0]] = Field(fields[same[0]].name.rstrip(b" \t"), b" " + text)
        else:
            fields.append(Field(name, b" " + text))
            is_longer = True
        edits.append((name, 1, b" " + text))
    return is_longer


def _date(now: float) -> bytes:
    """RFC 5322 3.3."""
    moment = datetime.fromtimestamp(min(max(int(now), 0), _LAST_SECOND), UTC)
    return format_datetime(moment).encode("ascii")


def _relaxed(value: bytes) -> bytes:
    """A value as the relaxed form has it (RFC 6376 3.4.2)."""
    return b" ".join(value.replace(b"\r\n", b"").split())


def _can_be_written(value: bytes) -> bool:
    """Whether the value can go back to the MTA: pymilter hands over text, and that as UTF-8 (RFC 6532 3.2)."""
    try:
        value.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
