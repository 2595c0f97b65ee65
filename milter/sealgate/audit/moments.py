"""Times as a person says them, as the record writes them: RFC 3339 in UTC with microseconds, which sort as text.

`2026-11-21`, `2026-11-21T09:00Z`, `2026-11-21 09:00`, `2h`, `3d`, `yesterday`, `today`, `now`. Without a
zone UTC is meant, as in the record. A day that ends a span is meant with all of it. Pure: the caller says what now is.
"""

import re
from datetime import UTC, datetime, timedelta
from typing import Final

_AGO: Final = re.compile(r"([0-9]{1,5}) ?(m|min|h|d|w)")
_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_UNITS: Final = {"m": "minutes", "min": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def moment_of(text: str, now: datetime, *, is_end: bool = False) -> str:
    """Return the time that `text` means.

    Args:
        text: what was said.
        now: with a zone.
        is_end: whether it ends a span: a whole day then means the day after, at 0:00.

    Raises:
        ValueError: it is no time.
    """
    said = text.strip()
    if ago := _AGO.fullmatch(said.lower()):
        return _written(now - timedelta(**{_UNITS[ago[2]]: int(ago[1])}))
    days = {"now": None, "today": 0, "yesterday": 1}
    if (word := said.lower()) in days:
        back = days[word]
        if back is None:
            return _written(now)
        return _day(now.astimezone(UTC) - timedelta(days=back), is_end=is_end)
    try:
        if _DAY.fullmatch(said):
            return _day(datetime.fromisoformat(said), is_end=is_end)
        found = datetime.fromisoformat(said)
        return _written(found if found.tzinfo else found.replace(tzinfo=UTC))
    except (ValueError, OverflowError) as error:
        raise ValueError("write 2026-11-21, 2026-11-21T09:00Z, 2h, 3d, today or yesterday (UTC)") from error


def _day(day: datetime, *, is_end: bool) -> str:
    begin = day.replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=UTC)
    return _written(begin + timedelta(days=1) if is_end else begin)


def _written(moment: datetime) -> str:
    try:
        return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
    except OverflowError as error:
        raise ValueError("there is no such time") from error
