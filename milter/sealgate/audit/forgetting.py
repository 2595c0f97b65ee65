"""What of a line of salts and values stays when something is to be forgotten, and how old such a line is.

The lines are those of `adapters.personal`:
`{"epoch":…,"fields":salt,"id":…,"rcpt":[[salt,address],…],"subject":[salt,text]}`. A recipient who is taken out of one
takes along the salt of the digests of its header fields, in which the address may stand too, and leaves the others of
the same message as they were, each with a salt of its own, so what is known of them can still be proven. A line that a
crash cut short belongs to no decision that was acknowledged, and goes whenever its file is written anew. Pure; lines
may hold anything, and nothing here raises on them.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from sealgate.audit.chain import canonical
from sealgate.audit.personal import plain_address

_CROCKFORD: Final = {letter: value for value, letter in enumerate("0123456789ABCDEFGHJKMNPQRSTVWXYZ")}
_REFERENCE: Final = 16  # characters of five bits
_RANDOM_BITS: Final = 32


@dataclass(frozen=True, slots=True)
class Kept:
    """What stays of a line.

    Attributes:
        line: without newline; empty: nothing.
        values: how many salts with their values went.
    """

    line: bytes
    values: int = 0


Forgetting = Callable[[bytes], Kept]


def epoch_bounds(epoch: str) -> tuple[datetime, datetime]:
    """The first moment of a quarter such as `2026q4`, and that of the next one."""
    year, quarter = int(epoch[:4]), int(epoch[5])
    begin = datetime(max(year, 1), 3 * quarter - 2, 1, tzinfo=UTC)
    return begin, (begin + timedelta(days=93)).replace(day=1)


def moment_of_id(reference: str) -> datetime | None:
    """When a decision was made, by its id (48 bits of milliseconds, 32 random ones); None where it is no id."""
    if len(reference) != _REFERENCE or not _CROCKFORD.keys() >= set(reference):
        return None
    number = 0
    for letter in reference:
        number = number << 5 | _CROCKFORD[letter]
    try:
        return datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=number >> _RANDOM_BITS)
    except OverflowError:
        return None


def without_address(address: str) -> Forgetting:
    """Forget one recipient, wherever it stands.

    Args:
        address: in any spelling that `audit.personal.plain_address` makes the same.
    """
    plain = plain_address(address)
    needle = canonical({"a": plain})[len('{"a":') : -1]

    def kept(line: bytes) -> Kept:
        if needle not in line:
            return Kept(line) if _is_whole(line) else Kept(b"")
        event = _read(line)
        if event is None:
            return Kept(b"")
        recipients = event.get("rcpt")
        pairs = recipients if isinstance(recipients, list) else []
        rest = [pair for pair in pairs if not (isinstance(pair, list) and len(pair) == 2 and pair[1] == plain)]
        if len(rest) == len(pairs):
            return Kept(line)  # it is the text of a subject
        # With the salt of the header's digests the address could still be guessed: To and Cc name it too.
        less = {name: value for name, value in event.items() if name not in ("rcpt", "fields")}
        less |= {"rcpt": rest} if rest else {}
        return Kept(_written(less), len(pairs) - len(rest))

    return kept


def without_older(before: datetime) -> Forgetting:
    """Forget everything of decisions made before a moment; where an id tells no time, the line stays."""

    def kept(line: bytes) -> Kept:
        event = _read(line)
        if event is None:
            return Kept(b"")
        moment = moment_of_id(str(event.get("id")))
        return Kept(line) if moment is None or moment >= before else Kept(b"", count_values(event))

    return kept


def without_anything(line: bytes) -> Kept:
    """Forget all."""
    return Kept(b"", count_values(_read(line) or {}))


def count_values(event: dict[str, Any]) -> int:
    """How many values stand in a line."""
    recipients = event.get("rcpt")
    return (len(recipients) if isinstance(recipients, list) else 0) + ("subject" in event)


def _read(line: bytes) -> dict[str, Any] | None:
    try:
        event = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return event if isinstance(event, dict) else None


def _is_whole(line: bytes) -> bool:
    """Whether a line is one of ours; a piece of an address may stand in what is not."""
    return line.startswith(b'{"epoch":') and line.endswith((b"]]}", b'"]}')) and _read(line) is not None


def _written(event: dict[str, Any]) -> bytes:
    """Render what is left; empty where no value is."""
    return canonical(event) if count_values(event) else b""
