"""Lines that are written at once: how they are linked, and where the chain and its tree end behind them.

Nothing here touches a file; a batch that could not be written is dropped, and the chain ends where it did.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from sealgate.adapters.journal.opening import timestamp
from sealgate.audit.chain import Cut, cut
from sealgate.audit.verifier import Frontier, Head, leaf_hash


class Batch:
    """Lines that are written at once: their octets, and where the chain will end behind them."""

    __slots__ = ("frontier", "head", "moment", "octets", "pieces")

    def __init__(self, head: Head, frontier: Frontier | None) -> None:
        self.head = head
        self.frontier = frontier.copy() if frontier is not None else None
        self.moment = timestamp()
        self.octets = 0
        self.pieces: list[bytes] = []

    def add(self, lines: Iterable[Cut]) -> None:
        """Link lines to what is there."""
        seq, digest, moment, frontier = self.head.seq, self.head.digest, self.moment, self.frontier
        for line in lines:
            seq += 1
            text = line.join(seq, digest, moment)
            leaf = leaf_hash(text)
            digest = leaf.hex()
            if frontier is not None:
                frontier.append(leaf)
            self.pieces += (text, b"\n")
            self.octets += len(text) + 1
        self.head = Head(seq, digest)

    def record(self, mark: Mapping[str, Any], record: dict[str, Any]) -> Cut:
        """Make a record of the file's own, with the tree before it."""
        peaks = {"peaks": [peak.hex() for peak in self.frontier.peaks]} if self.frontier is not None else {}
        return cut({**mark, "v": 1, "t": self.moment, **peaks, **record})
