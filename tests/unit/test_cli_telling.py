"""Audit lines on a terminal: whatever a line holds, it drives nothing and stops nothing."""

import json

import pytest

from sealgate.cli.telling import parsed, row, story, unharmed

ESCAPE = "\x1b]0;owned\x07\x7f\x9b31m\u202e"


def is_plain(text: str) -> bool:
    return all(" " <= c <= "~" or c == "\n" for c in text.replace("\x1b[2m", "").replace("\x1b[0m", ""))


@pytest.mark.parametrize(
    "event",
    [
        {"kind": ESCAPE, "t": ESCAPE},
        {"kind": "decision", "verdict": ESCAPE},
        {"kind": "decision"},
        {"kind": "decision", "verdict": [], "auth": 1},
        {ESCAPE: {ESCAPE: [ESCAPE]}},
    ],
    ids=range(5),
)
def test_a_line_that_is_not_ours_is_shown_and_drives_nothing(event: object) -> None:
    read = parsed(json.dumps(event).encode())
    assert is_plain(row(read))
    assert is_plain(story(read))


def test_a_line_that_nests_without_end_is_unreadable() -> None:
    assert parsed(b"[" * 100_000)["kind"] == "unreadable"


def test_a_raw_line_keeps_its_words_and_loses_what_a_terminal_obeys() -> None:
    assert unharmed(b'{"a": "b \x1b]0;x\x07"}\n') == '{"a": "b ?]0;x?"}'
