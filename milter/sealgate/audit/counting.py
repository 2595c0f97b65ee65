"""Refusals of clients without a login, counted by network and minute: a scanner gets a line a minute, not thousands.

Pure; the clock is in the events and in the arguments. Memory is bounded: beyond `MAX_GROUPS` networks in a minute the
rest is counted together.
"""

from typing import Any, Final

MAX_GROUPS: Final = 1_000
OTHER: Final = "other"
Event = dict[str, Any]


class Refusals:
    """The counts of one minute."""

    def __init__(self) -> None:
        self._groups: dict[tuple[str, ...], Event] = {}
        self._minute = ""

    def __len__(self) -> int:
        return len(self._groups)

    def add(self, event: Event, now: str) -> tuple[Event, ...]:
        """Count one refusal; return the lines of the minute before, where a new one has begun.

        Args:
            event: of kind `refusal`, as `app.recording` makes it.
            now: RFC 3339.
        """
        done = self.due(now)
        self._minute = now[:16]
        shared = (str(event.get("listener")), str(event.get("rule")), str(event.get("verdict")))
        key = (str(event.get("network")), *shared)
        if key not in self._groups and len(self._groups) >= MAX_GROUPS:
            key = (OTHER, *shared)
        line = self._groups.setdefault(
            key,
            {
                "v": event.get("v"), "kind": "refusals", "t": event.get("t"), "host": event.get("host"),
                "minute": self._minute, "network": key[0], "listener": key[1], "rule": key[2], "verdict": key[3],
                "count": 0, "first": event.get("id"),
            },
        )  # fmt: skip
        line["count"] += 1
        line["last"] = event.get("id")
        return done

    def due(self, now: str) -> tuple[Event, ...]:
        """Hand over the lines of a minute that is over."""
        return self.all() if self._groups and now[:16] != self._minute else ()

    def all(self) -> tuple[Event, ...]:
        """Hand over all lines there are."""
        lines = tuple(self._groups.values())
        self._groups = {}
        return lines
