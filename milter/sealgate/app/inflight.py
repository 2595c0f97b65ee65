"""What the messages under way hold in one worker, in octets, and where that ends.

Each message has caps of its own; a thousand connections at once have them a thousand times. So a worker keeps one
account of the text, header fields and recipients that are kept of all messages between MAIL and the answer. What would
go beyond its limit is answered 452 4.3.1 (RFC 5321 4.5.3.1.10 and 4.2.3, RFC 3463 3.4 X.3.1): at MAIL where the account
is full, at the end of the message where it fills up on the way; then what was kept of that message is dropped at once,
and the others go on. `Share.hold` raises `NoRoomError`, and nothing else is raised here.
"""

import threading
from typing import Final

MESSAGE_OCTETS: Final = 4_096  # of a message that has said nothing but MAIL, with its session and state
FIELD_OCTETS: Final = 200  # of a header field or a recipient, beside its own octets
STEP: Final = 16_384  # octets that may be kept before the account hears of them
REPORT_SECONDS: Final = 60.0  # between two words in the log
MEBIBYTE: Final = 1 << 20


class NoRoomError(Exception):
    """There is no room for what a message brings: it is answered 452, and what was kept of it is dropped."""


class InFlight:
    """The account of one worker. Any thread may use it.

    Args:
        limit: octets, of all messages together.

    Attributes:
        held: octets now.
        refused: messages that found no room, since the start.
    """

    __slots__ = ("_lock", "_reported", "_since", "held", "limit", "refused")

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.held = 0
        self.refused = 0
        self._reported = float("-inf")
        self._since = 0  # refusals at the last report
        self._lock = threading.Lock()

    def take(self, octets: int) -> bool:
        """Enter so many more octets; where that would go beyond the limit, enter nothing and say False."""
        with self._lock:
            if self.held + octets > self.limit:
                return False
            self.held += octets
            return True

    def give(self, octets: int) -> None:
        """Take so many octets out again."""
        with self._lock:
            self.held -= octets

    def refuse(self, now: float) -> int:
        """Count a message that found no room.

        Args:
            now: seconds that only grow.

        Returns:
            How many were refused since this was last said, where it is time to say it; else 0.
        """
        with self._lock:
            self.refused += 1
            if now - self._reported < REPORT_SECONDS:
                return 0
            count, self._reported, self._since = self.refused - self._since, now, self.refused
            return count


class Share:
    """What the message of one connection holds of the account. `release` may come any number of times.

    Used by one thread at a time.
    """

    __slots__ = ("_account", "octets", "told_at")

    def __init__(self, account: InFlight) -> None:
        self._account = account
        self.octets = 0
        self.told_at = STEP  # octets kept from which on the account must hear of them

    def hold(self, octets: int) -> None:
        """Enter that the message holds `octets` now.

        Raises:
            NoRoomError: there is no room for them; all that it held is given back.
        """
        if not self._account.take(octets - self.octets):
            self.release()
            raise NoRoomError
        self.octets = octets
        self.told_at = octets + STEP

    def release(self) -> None:
        """Give back all that the message held."""
        octets, self.octets, self.told_at = self.octets, 0, STEP
        if octets:
            self._account.give(octets)
