"""The audit line of a message that somebody holds in hand.

A message that has left carries what its line holds: the hash of its body in `bh=`, its Message-ID, the queue id in a
Received field, the second of its signature. `line_of` reads lines as they come, parses only those that hold one of
these, and gives the one that most of them point to. Pure; memory does not grow with the file; lines may be anybody's.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

_MAX_LINE: Final = 4 * 1024 * 1024  # octets


@dataclass(frozen=True, slots=True)
class Traces:
    """What a message says of its line.

    Attributes:
        body_hashes: SHA-256 of the relaxed body in hex, as its signatures have it.
        message_id: with its angle brackets; empty: none.
        queue_ids: from its Received fields.
        times: `t=` of its signatures, RFC 3339 in UTC to the second: `2026-01-31T12:00:00`.
    """

    body_hashes: frozenset[str] = frozenset()
    message_id: str = ""
    queue_ids: frozenset[str] = frozenset()
    times: frozenset[str] = frozenset()


def line_of(lines: Iterable[bytes], traces: Traces) -> dict[str, Any] | None:
    """Return the event of the sealed message that these traces point to, or None; among equals the latest."""
    needles = [hash_.encode("ascii", "replace") for hash_ in traces.body_hashes]
    if traces.message_id:
        needles.append(json.dumps(traces.message_id).encode("ascii"))
    if not needles:
        return None
    best: tuple[int, dict[str, Any] | None] = (1, None)
    for line in lines:
        if len(line) <= _MAX_LINE and any(needle in line for needle in needles):
            event = _parsed(line)
            points = _points(event, traces)
            if points >= best[0]:
                best = (points, event)
    return best[1]


def recorded_fields(event: dict[str, Any]) -> tuple[str, ...]:
    """The digests of the signed fields that a line holds, for `seal.diagnose.compare_fields`; none: it has none."""
    seal = event.get("seal")
    fields = seal.get("fields") if isinstance(seal, dict) else None
    return tuple(one for one in fields if isinstance(one, str)) if isinstance(fields, list) else ()


def _parsed(line: bytes) -> dict[str, Any]:
    try:
        event = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    return event if isinstance(event, dict) else {}


def _points(event: dict[str, Any], traces: Traces) -> int:
    """How much points to a line of a sealed message; a queue id or a second alone is no proof."""
    seal, header, message = (event.get(name) for name in ("seal", "header", "message"))
    if not isinstance(seal, dict) or not seal.get("signed"):
        return 0
    points = 0
    if isinstance(message, dict) and message.get("body_sha256") in traces.body_hashes:
        points += 4  # one newsletter's body may be a thousand messages'
    if traces.message_id and isinstance(header, dict) and header.get("message_id") == traces.message_id:
        points += 5
    if not points:
        return 0
    if event.get("queue_id") in traces.queue_ids:
        points += 2
    if str(event.get("t", ""))[:19] in traces.times:
        points += 2
    return points
