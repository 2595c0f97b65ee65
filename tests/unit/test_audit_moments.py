"""Times as a person says them."""

from contextlib import suppress
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealgate.audit.moments import moment_of

NOW = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)


@pytest.mark.parametrize(("said", "begin", "end"), [
    ("2026-11-20", "2026-11-20T00:00:00", "2026-11-21T00:00:00"),
    ("yesterday", "2026-11-20T00:00:00", "2026-11-21T00:00:00"),
    ("Today", "2026-11-21T00:00:00", "2026-11-22T00:00:00"),
    ("now", "2026-11-21T09:30:00", "2026-11-21T09:30:00"),
    ("2h", "2026-11-21T07:30:00", "2026-11-21T07:30:00"),
    ("90min", "2026-11-21T08:00:00", "2026-11-21T08:00:00"),
    ("3d", "2026-11-18T09:30:00", "2026-11-18T09:30:00"),
    ("2w", "2026-11-07T09:30:00", "2026-11-07T09:30:00"),
    ("2026-11-21T09:00Z", "2026-11-21T09:00:00", "2026-11-21T09:00:00"),
    ("2026-11-21T09:00+02:00", "2026-11-21T07:00:00", "2026-11-21T07:00:00"),
    ("2026-11-21 09:00", "2026-11-21T09:00:00", "2026-11-21T09:00:00"),
])  # fmt: skip
def test_a_time_is_read_in_utc_and_a_day_that_ends_a_span_is_meant_whole(said: str, begin: str, end: str) -> None:
    assert moment_of(said, NOW) == f"{begin}.000000Z"
    assert moment_of(said, NOW, is_end=True) == f"{end}.000000Z"


@pytest.mark.parametrize("said", ["", "soon", "2026-13-01", "2026-02-30", "h", "-2h", "9999-12-31", "2026"])
def test_what_is_no_time_says_how_to_write_one(said: str) -> None:
    with pytest.raises(ValueError, match=r"write 2026-11-21|no such time"):
        moment_of(said, NOW, is_end=True)


@given(st.text(max_size=30))
def test_nothing_but_a_value_error_comes_of_any_text(said: str) -> None:
    with suppress(ValueError):
        assert moment_of(said, NOW).endswith("Z")
