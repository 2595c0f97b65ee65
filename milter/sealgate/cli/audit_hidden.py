"""What stands behind the hashes of the record, as far as the files that can be erased still have it.

`HiddenRecipients` goes once through `STATE/personal/*.jsonl` and then says of a decision whether one of some addresses
is behind its hashes; it counts the decisions of which that cannot be said any more. `values_of` gives all values of one
decision, proven by key and salt where the key of the quarter can be read. Both files are for root and the gate's own
account only; who may not read them is told so. Memory: eight octets a decision.
"""

import json
import re
from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from sealgate.adapters import epochs, personal
from sealgate.app.ports import PortError
from sealgate.audit.looking import Event, event_of, longest_literal, recipients, text_at
from sealgate.audit.personal import commitment, domain_of, is_epoch, veil

_ID: Final = re.compile(rb'"id":"([^"\\]{1,64})"')  # the first one is the decision's own
_CHUNK: Final = 100_000
_MAX_LINE: Final = 16 << 20
_ASK: Final = "run this as root or as the gate's own account"


@dataclass(slots=True)
class _Ids:
    """Many ids, each with a number, in little room: their hashes, of a seed that is another one in each process."""

    chunks: list["array[int]"] = field(default_factory=list)
    newest: list[int] = field(default_factory=list)

    def add(self, reference: str, number: int) -> None:
        self.newest.append(hash((reference, number)))
        if len(self.newest) == _CHUNK:
            self.settle()

    def settle(self) -> None:
        self.chunks.append(array("q", sorted(self.newest)))
        self.newest.clear()

    def has(self, reference: str, number: int) -> bool:
        wanted = hash((reference, number))
        for chunk in self.chunks:
            at = bisect_left(chunk, wanted)
            if at < len(chunk) and chunk[at] == wanted:
                return True
        return False


class HiddenRecipients:
    """Says whether one of some addresses is a hashed recipient of a decision.

    Args:
        state: the state folder; None: it is not known.
        addresses: canonical.
        progress: told the octets that were read, and how many there are.

    Attributes:
        fault: why the files cannot be read; empty: they could.
        erased: decisions to a domain of the addresses whose recipients are not in the files any more.
        last_erased: the latest quarter of these.
        unread: hashed decisions to these domains, where the files cannot be read.
    """

    def __init__(
        self, state: Path | None, addresses: Iterable[str], progress: Callable[[int, int], None] = lambda *_: None
    ) -> None:
        addresses = tuple(addresses)
        self._domains = {domain_of(address) for address in addresses}
        self._hashed = tuple(json.dumps({"d": domain})[1:-1].replace(" ", "").encode() for domain in self._domains)
        self._clear = tuple(longest_literal(address) for address in addresses)
        self._found, self._known = _Ids(), _Ids()
        self.fault = "" if state is not None else "the state folder is not known: say --state"
        self.erased = self.unread = 0
        self.last_erased = ""
        if state is not None:
            try:
                self._read(state, set(addresses), progress)
            except OSError as error:
                self.fault = f"{error.filename}: {error.strerror}; {_ASK}"
        self._found.settle()
        self._known.settle()

    def __call__(self, event: Event) -> bool:
        """Whether this decision went to one of them."""
        reference = text_at(event, "id")
        if self._found.has(reference, 0):
            return True
        quarters = [
            text_at(one, "k") for one in recipients(event) if isinstance(one, dict) and one.get("d") in self._domains
        ]
        if quarters and self.fault:
            self.unread += 1
        elif quarters and not self._known.has(reference, len(quarters)):
            self.erased += 1
            self.last_erased = max(self.last_erased, *filter(is_epoch, quarters), "")
        return False

    def glance(self, octets: bytes) -> bool:
        """Whether a line must be read: a recipient is one of them or in clear, or values of it were erased."""
        named = _ID.search(octets)
        if named is None or self.fault:
            return True
        reference = named[1].decode("ascii", "replace")
        if self._found.has(reference, 0):
            return True
        number = 0
        for needle in self._hashed:
            number += octets.count(needle)
        if number:
            return not self._known.has(reference, number)
        return any(needle in octets.lower() for needle in self._clear)

    def _read(self, state: Path, addresses: set[str], progress: Callable[[int, int], None]) -> None:
        paths = [personal.file_of(state, epoch) for epoch in personal.epochs_of(state)]
        total = sum(path.stat().st_size for path in paths)
        needles = [_needle(f"@{domain}" if domain else "") for domain in self._domains]
        for path in paths:
            with path.open("rb") as file:
                for line in _lines(file.readline, progress, total):
                    if not any(needle in line for needle in needles):
                        continue
                    side = event_of(line)
                    values = [value for _, value in _pairs(side, "rcpt") if domain_of(value) in self._domains]
                    self._known.add(text_at(side, "id"), len(values))  # fewer than the line has: some were erased
                    if not addresses.isdisjoint(values):
                        self._found.add(text_at(side, "id"), 0)


@dataclass(frozen=True, slots=True)
class Values:
    """What stands behind the hashes of one decision.

    Attributes:
        by_hash: value by hash, each proven by key and salt.
        in_order: the values in the order of the recipients, where the key cannot be read to prove them.
        subject: empty: not known.
        is_proven: whether key and salt were there.
        why: why nothing is known; empty: something is, or nothing is hashed.
        veil: what veils the digests of header fields (`personal.veil`); None: key or salt is not there.
    """

    by_hash: Mapping[str, str] = field(default_factory=dict)
    in_order: tuple[str, ...] = ()
    subject: str = ""
    is_proven: bool = False
    why: str = ""
    veil: Callable[[str], str] | None = None

    def of(self, place: int, hashed: str) -> str:
        """The recipient at a place of the list, which has this hash; empty: not known."""
        return self.by_hash.get(hashed) or (self.in_order[place] if place < len(self.in_order) else "")


def values_of(state: Path | None, event: Event) -> Values:
    """Look up what a decision hides."""
    hashed = [one for one in recipients(event) if isinstance(one, dict)]
    subject = (event.get("header") or {}).get("subject") if isinstance(event.get("header"), dict) else None
    hidden = subject if isinstance(subject, dict) and "salted" in subject else {}
    epoch = text_at(hidden or (hashed[0] if hashed else {}), "k")
    if not epoch:
        return Values()
    if state is None or not is_epoch(epoch):
        return Values(why="the state folder is not known: say --state")
    try:
        side = _side_of(state, epoch, text_at(event, "id"))
    except FileNotFoundError:
        return Values(why=f"the values of {epoch} were erased")
    except OSError as error:
        return Values(why=f"{error.filename}: {error.strerror}; {_ASK}")
    if not side:
        return Values(why="its values were erased")
    pairs = list(_pairs(side, "rcpt"))
    title = next(iter(_pairs({"subject": [side.get("subject")]}, "subject")), ("", ""))
    try:
        key = epochs.read(state).get(epoch)
    except PortError:
        key = None
    if key is None:
        order = tuple(value for _, value in pairs) if len(pairs) == len(hashed) else ()
        return Values(in_order=order, subject=title[1])
    proven = {_committed(key, salt, value): value for salt, value in pairs}
    is_title = bool(hidden) and _committed(key, *title) == hidden.get("salted")
    veiling = _veil(key, side.get("fields"))
    return Values(proven, subject=title[1] if is_title else "", is_proven=True, veil=veiling)


def _side_of(state: Path, epoch: str, reference: str) -> dict[str, Any]:
    needle = json.dumps(reference).encode("ascii")
    with personal.file_of(state, epoch).open("rb") as file:
        for line in _lines(file.readline, lambda *_: None, 0):
            if needle in line and (side := event_of(line)).get("id") == reference:
                return side
    return {}


def _lines(readline: Callable[[int], bytes], progress: Callable[[int, int], None], total: int) -> Iterator[bytes]:
    read = 0
    while line := readline(_MAX_LINE):
        read += len(line)
        if read > 1 << 20:
            progress(read, total)
            read = 0
        yield line
    progress(read, total)


def _pairs(side: Mapping[str, Any], name: str) -> Iterator[tuple[str, str]]:
    """Salts and values."""
    listed = side.get(name)
    for one in listed if isinstance(listed, list) else ():
        if isinstance(one, list) and len(one) == 2 and isinstance(one[0], str) and isinstance(one[1], str):
            yield one[0], one[1]


def _committed(key: bytes, salt: str, value: str) -> str:
    try:
        return commitment(key, bytes.fromhex(salt), value)
    except ValueError:
        return ""


def _veil(key: bytes, salt: Any) -> Callable[[str], str] | None:
    try:
        return veil(key, bytes.fromhex(salt)) if isinstance(salt, str) else None
    except ValueError:
        return None


def _needle(text: str) -> bytes:
    return json.dumps(text)[1:-1].encode("ascii")
