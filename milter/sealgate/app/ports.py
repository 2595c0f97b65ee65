"""What the use cases need from the world, as protocols.

Each adapter that fills one closes over its own errors: what leaves a port is a `PortError` or a value, nothing else.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from sealgate.mail.visible import View


class PortError(Exception):
    """The world did not answer. The message is deferred (451), never refused and never let through."""


class UnreadableError(PortError):
    """The world answered that this content is beyond its limits: a property of the message, not a fault of ours."""


class Journal(Protocol):
    """The audit file."""

    def append(
        self, event: dict[str, Any], *, more: Sequence[dict[str, Any]] = (), side: Sequence[dict[str, Any]] = ()
    ) -> int:
        """Put one event on disk; return its sequence number, or 0 where it is only counted.

        Args:
            event: what becomes the line.
            more: events whose lines must stand right behind it, on disk together with it.
            side: values for the files that can be erased, each with its `epoch`.

        Raises:
            PortError: it is not certain that the line is on disk.
        """


READER_CPU_SECONDS: Final = 1.0
"""Processor time that the reader process spends on all HTML of one message."""


@dataclass(slots=True)
class Budget:
    """What is left of the processor time that one message may use in the reader process.

    Processor time and not the clock's, so that no sender is blamed for a host that is slow.
    """

    seconds: float = READER_CPU_SECONDS


class Reader(Protocol):
    """The process that reads HTML too heavy or too odd to be read inside a worker."""

    def read(self, html: bytes, charset: str, budget: Budget | None = None) -> View:
        """Return what a reader sees, and take what that cost out of the budget.

        Raises:
            UnreadableError: the reader died on it, or it ran out of memory or processor time.
            PortError: the reader did not answer in time or cannot be reached: our fault, so the message is deferred.
        """


@dataclass(frozen=True, slots=True)
class Txt:
    """The TXT records of a name: each one's strings joined. Empty: the name or the records do not exist (an answer)."""

    records: tuple[bytes, ...]
    is_secure: bool = False  # the resolver vouches for it by DNSSEC (AD bit, RFC 4035 3.2.3)
    seconds: int = 0  # how long the answer may be kept (its TTL; RFC 2308's for a negative one), capped


class Dns(Protocol):
    """The domain name system, as far as DKIM asks it."""

    def txt(self, name: str) -> Txt:
        """Return the TXT records of a name, aliases followed.

        Raises:
            PortError: no answer in time, or none that can be relied on (SERVFAIL, refused).
        """
