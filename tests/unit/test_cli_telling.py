"""Audit lines on a terminal: whatever a line holds, it drives nothing and stops nothing."""

import json
from typing import Any

import pytest
from click import unstyle

from sealgate.cli.audit_story import story
from sealgate.cli.telling import parsed, row, unharmed
from tests.unit.recorded import OTHERS

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


DECISION = {
    "kind": "decision", "t": "2026-11-02T10:00:00Z", "id": "06", "host": "h", "stage": "mail", "profile": "0" * 64,
    "mode": "enforce", "listener": "submission", "verdict": "reject", "would": "reject", "reply": "550 5.7.1 no",
    "client": {"ip": "192.0.2.7", "port": 5025, "tls": "TLSv1.3"},
    "auth": {"mechanism": "PLAIN", "name": "mallory@OTHER.TEST", "principal": "", "identity": "", "via": "login"},
    "envelope": {"from": "<a@b.test>", "rcpt": ["c@d.test"]},
    "findings": [{"rule": "identity.foreign-realm", "cites": "x", "mode": "enforce", "detail": "y"}],
}  # fmt: skip


def test_who_was_not_recognised_is_shown_by_the_name_of_the_login() -> None:
    assert "mallory@OTHER.TEST" in row(DECISION)
    long = DECISION | {"auth": DECISION["auth"] | {"name": {"begins": "x" * 500}}}  # type: ignore[operator]
    assert "xxxxxxx" in row(long)
    nobody = DECISION | {"auth": DECISION["auth"] | {"name": ""}}  # type: ignore[operator]
    assert "192.0.2.7" in row(nobody)


def test_a_failed_reload_says_what_stays_in_force_and_the_first_problem() -> None:
    problems = ["p.yaml:3:7: error: there is no rule `x`\n    did you mean `y`?", "p.yaml:9:1: error: other"]
    event = parsed(json.dumps({"kind": "reload", "t": "", "result": "failed", "problems": problems}).encode())
    told = row(event)
    assert "FAILED, the old profile stays in force: p.yaml:3:7: error: there is no rule `x`" in told
    assert "did you mean" not in told
    assert "other" not in told
    assert "FAILED" in row({"kind": "reload", "result": "failed"})
    assert "FAILED" not in row({"kind": "reload", "result": "done"})


@pytest.mark.parametrize("event", OTHERS, ids=lambda event: event["kind"])
def test_what_befell_the_gate_is_said_in_words(event: dict[str, Any]) -> None:
    told = unstyle(row(event, width=120))
    assert len(told) <= 120
    assert '"' not in told
    assert len(told.split()) > 3


def test_trouble_is_no_small_print() -> None:
    gap = next(event for event in OTHERS if event["kind"] == "gap")
    stop = next(event for event in OTHERS if event["kind"] == "stop")
    assert row(gap).startswith("\x1b[33m\x1b[1m")
    assert row(stop).startswith("\x1b[2m")


def test_mail_by_sendmail_came_through_local_submission() -> None:
    here = {"ip": "127.0.0.1", "port": 0, "tls": ""}
    local = DECISION | {"client": here, "auth": DECISION["auth"] | {"name": "", "via": ""}}  # type: ignore[operator]
    assert "through local submission" in story(local)
    assert "127.0.0.1" not in story(local)
    assert "through submission from 192.0.2.7" in story(DECISION)
