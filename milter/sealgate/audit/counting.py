"""Refusals of clients without a login, counted by network and minute: a scanner gets a line a minute, not thousands.

Pure; the clock is in the events and in the arguments. Memory is bounded: beyond `MAX_GROUPS` groups in a minute what is
new is counted together by listener, rule and verdict, and beyond twice as many together at all. Whatever an event
holds, `add` does not raise, and what comes out has a canonical form.
"""

from typing import Any, Final

MAX_GROUPS: Final = 1_000
OTHER: Final = "other"
_MAX_TEXT: Final = 256
Event = dict[str, Any]


class Refusals:
    """The counts of one minute, kept until they are written."""

    def __init__(self) -> None:
        self._groups: dict[tuple[str, ...], Event] = {}
        self._minute = ""

    def __len__(self) -> int:
        return len(self._groups)

    def add(self, event: Event, now: str) -> None:
        """Count one refusal.

        Args:
            event: of kind `refusal`, as `app.recording` makes it.
            now: RFC 3339.
        """
        if not self._groups:
            self._minute = now[:16]
        network, *shared = (_text(event, name) for name in ("network", "listener", "rule", "verdict"))
        key = (network, *shared)
        if key not in self._groups and len(self._groups) >= MAX_GROUPS:
            key = (OTHER, *shared)
        if key not in self._groups and len(self._groups) >= 2 * MAX_GROUPS:
            key = (OTHER,) * 4
        line = self._groups.get(key)
        if line is None:
            line = self._groups[key] = {
                "kind": "refusals", "from": _text(event, "t"), "network": key[0], "listener": key[1], "rule": key[2],
                "verdict": key[3], "count": 0, "first": _text(event, "id"),
            }  # fmt: skip
        line["count"] += 1
        line["until"], line["last"] = _text(event, "t"), _text(event, "id")

    def due(self, now: str) -> tuple[Event, ...]:
        """The lines of a minute that is over; they stay until `forget`."""
        return self.all() if self._groups and now[:16] != self._minute else ()

    def all(self) -> tuple[Event, ...]:
        """All lines there are."""
        return tuple(self._groups.values())

    def forget(self) -> None:
        """Begin anew: what was counted is written."""
        self._groups = {}


def _text(event: Event, name: str) -> str:
    value = event.get(name)
    return value[:_MAX_TEXT] if isinstance(value, str) else ""
