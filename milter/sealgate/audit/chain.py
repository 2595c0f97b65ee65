"""The chain of audit lines: how an event becomes a line that names the one before it, and how a file's end is found.

A line is one JSON object in ASCII without blanks. Its `seq` counts from 1, its `prev` is the hash of the line before,
without that line's newline. So a line that is changed, dropped, swapped or put in between is found by whoever reads the
file, with no key and no help from the host; `audit.verifier` reads it so.

Two kinds of lines speak of the file itself:

- `recovered`: a writer died within a line. What stands between this record and the last whole line (`octets` of them,
  with the digest `sha256`) is no part of the chain; it goes on from that line.
- `gap`: the file did not do as told: a write or a sync failed, it was cut, or another hand wrote to it. `octets` and
  `sha256` as above; `synced` is the last line that was acknowledged. Lines between that one and the gap were never
  acknowledged, so their mail was deferred, whatever they say.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sealgate.audit.verifier import CHECKPOINT, FILE_KINDS, Head, leaf_hash, parse

MAX_DEPTH = 32
"""How deep maps and lists of an event may nest."""

OWN_KINDS = frozenset({*FILE_KINDS, CHECKPOINT, "rotated", "full", "clock", "refusals"})
"""The kinds of lines that only the writer makes."""

RESERVED = frozenset({"prev", "seq", "w"})
"""The names that `join` alone gives: the line before, the number, and when the writer got it."""


@dataclass(frozen=True, slots=True)
class Tail:
    """A file's end: its last whole line (None: there is none), what stands after it, whether a newline ends it all.

    `moment` is when that line was written.
    """

    head: Head | None
    rest: bytes
    is_closed: bool
    moment: str = ""

    @property
    def void(self) -> bytes:
        """What a record must name for `verify` to pass over it: the rest, without the newline that ends it."""
        return self.rest.removesuffix(b"\n")


def canonical(event: Mapping[str, Any]) -> bytes:
    r"""Render an event as the one JSON text that stands for it: sorted names, ASCII only, no blanks, no newline.

    The order of names and the short escapes (`\n`, `\"`) are those of RFC 8785, sections 3.2.3 and 3.2.2.2. Unlike
    there, whatever is not printable ASCII is escaped as `\uXXXX`, DEL and lone surrogates too, so that a line can
    neither be split nor dress up. Integers keep all their digits; beyond 2**53 a reader in another language may round
    them (RFC 8785, appendix D).

    Raises:
        TypeError: a value is not str, int, bool, None, list, tuple or a mapping (a float is not: it has many
            spellings), or a name is not str.
        ValueError: nested deeper than `MAX_DEPTH`, or an integer of thousands of digits.
    """
    return _octets(_SORTING.encode(event) if _is_plain(event, 1) else _ENCODER.encode(_ordered(event)))


def digest(line: bytes) -> str:
    """Return the hash of a line without its newline as 64 hex digits: that of a leaf of the tree (RFC 9162 2.1.1)."""
    return leaf_hash(line).hex()


@dataclass(frozen=True, slots=True)
class Cut:
    """The canonical text of an event, cut where the names of `RESERVED` will stand, without the outer braces.

    Whoever has the event makes it; whoever writes the line then needs no JSON.
    """

    before: bytes
    after_prev: bytes
    after_seq: bytes
    after_w: bytes

    def join(self, seq: int, previous: str, moment: str) -> bytes:
        """Return the line: number `seq`, after the line whose digest is `previous`; without newline.

        Args:
            seq: its number, from 1.
            previous: 64 hex digits.
            moment: when the writer got it, RFC 3339.
        """
        return b'{%b"prev":"%b",%b"seq":%d,%b"w":"%b"%b}' % (
            self.before, previous.encode(), self.after_prev, seq, self.after_seq, moment.encode(), self.after_w,
        )  # fmt: skip


def cut(event: Mapping[str, Any]) -> Cut:
    """Render an event for `Cut.join`.

    Raises:
        TypeError: see `canonical`.
        ValueError: see `canonical`; or the event brings a name in `RESERVED`.
    """
    if not RESERVED.isdisjoint(event):
        raise ValueError(f"an event cannot bring its own {' and '.join(sorted(RESERVED & event.keys()))}")
    if _is_plain(event, 1):
        # Rendered once, with a number in the three places; where the event holds its digits too, that is seen.
        text = _SORTING.encode({**event, "prev": _PLACE, "seq": _PLACE, "w": _PLACE})
        pieces = _octets(text).split(_PLACE_OCTETS)
        if len(pieces) == 4:
            one, two, three, four = pieces
            return Cut(one[1 : -len(b'"prev":')], two[1 : -len(b'"seq":')], three[1 : -len(b'"w":')], four[:-1])
    parts: tuple[dict[str, Any], ...] = ({}, {}, {}, {})
    for name, value in event.items():
        parts[(name > "prev") + (name > "seq") + (name > "w")][name] = value
    before, after_prev, after_seq, after_w = (canonical(part)[1:-1] if part else b"" for part in parts)
    return Cut(
        before and before + b",", after_prev and after_prev + b",", after_seq and after_seq + b",",
        after_w and b"," + after_w,
    )  # fmt: skip


def link(event: Mapping[str, Any], seq: int, previous: str, moment: str) -> bytes:
    """Render an event as a line; see `Cut.join`.

    Raises:
        TypeError: see `canonical`.
        ValueError: see `cut`.
    """
    return cut(event).join(seq, previous, moment)


def read_tail(data: bytes, *, is_cut: bool) -> Tail:
    """Find the last whole line in a file's last octets. `is_cut`: they may begin within a line."""
    lines = data.split(b"\n")
    for index in range(len(lines) - 1, -1 if not is_cut else 0, -1):
        event = parse(lines[index])
        if event is not None:
            head, moment = Head(event["seq"], digest(lines[index])), str(event.get("w", ""))
            return Tail(head, b"\n".join(lines[index + 1 :]), not lines[-1], moment)
    return Tail(None, data, not lines[-1])


def _octets(text: str) -> bytes:
    # JSON lets DEL stand as it is (RFC 8259 section 7); it can only stand within a string here.
    return text.replace("\x7f", "\\u007f").encode("ascii")


def _is_plain(value: Any, depth: int) -> bool:
    """Whether the encoder's own sorting will do: dicts with ASCII names, whose order RFC 8785 section 3.2.3 shares.

    Each line passes here twice, so the usual event is looked through, not copied. Refuses as `canonical` does.
    """
    if depth > MAX_DEPTH:
        raise ValueError(f"an event nests deeper than {MAX_DEPTH}")
    is_plain, items = True, value
    if isinstance(value, dict) or isinstance(value, Mapping):  # noqa: SIM101  # the second question is slow
        is_plain = "".join(value).isascii() and isinstance(value, dict)  # TypeError where a name is not str
        items = value.values()
    elif isinstance(value, str | int):  # an enumeration's member, for one
        return True
    elif not isinstance(value, list | tuple):
        raise TypeError(f"an event cannot hold {type(value).__name__}")
    for item in items:
        if type(item) not in _ATOMS and not _is_plain(item, depth + 1):
            is_plain = False
    return is_plain


def _ordered(value: Any) -> Any:
    """Copy a value that `_is_plain` has let pass, with its names in the order of their UTF-16 units."""
    if isinstance(value, Mapping):
        return {name: _ordered(value[name]) for name in sorted(value, key=_utf16)}
    if isinstance(value, list | tuple):
        return [_ordered(item) for item in value]
    return value


def _utf16(name: str) -> bytes:
    return name.encode("utf-16-be", "surrogatepass")


_PLACE = 10**30
_PLACE_OCTETS = str(_PLACE).encode()
_ATOMS = frozenset({str, int, bool, type(None)})
_ENCODER, _SORTING = (
    json.JSONEncoder(check_circular=False, allow_nan=False, separators=(",", ":"), sort_keys=sorts)
    for sorts in (False, True)
)
