"""Hostile HTML through the running gate: the reader process takes the blow, everybody else goes on."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.drivers.cases import all_cases, profile_text
from tests.drivers.test_daemon import LETTER, send, wait_for
from tests.lab.gate import Gate

pytestmark = pytest.mark.daemon
pytest.importorskip("milter", reason="pymilter is not installed")

NEWSLETTER = next(case for case in all_cases() if case.name == "lawful-newsletter")
HEAD = b"Date: Sat, 21 Nov 2026 09:00:00 +0000\nMessage-ID: <heavy@example.test>\nContent-Type: text/html\n\n"
# Unclosed formatting elements are opened again in each paragraph: quadratic in memory and time.
BOMB = b"<p>" + b"".join(b"<b %d>" % n for n in range(3000)) + b"<p>x" * 8000


def test_a_bomb_of_a_commercial_sender_is_refused_and_of_a_person_recorded(folder: Path) -> None:
    with Gate(folder, profile_text("enforce")) as own:
        commercial = replace(NEWSLETTER, message=b"From: news@example.test\nSubject: x\n" + HEAD + BOMB)
        personal = replace(LETTER, message=b"From: alice@example.test\nSubject: x\n" + HEAD + BOMB)
        answer = send(own, commercial)
        assert (answer.code, "canspam.unread" in answer.text) == ("550", True), answer
        answer = send(own, personal)
        assert answer.code[0] == "2", answer
        wait_for(lambda: send(own, NEWSLETTER).code[0] == "2")
        assert own.status()["workers"], "no worker died of it"
        assert not own.events("worker-died")


def test_heavy_but_harmless_html_is_read_in_full(folder: Path) -> None:
    """A newsletter of 300 KB has its footer found by the reader process."""
    with Gate(folder, profile_text("enforce")) as own:
        rows = b"<tr><td>Chair</td><td><a href='https://www.example.test/c'>see</a></td></tr>\n" * 4000
        footer = (
            b"</table><p>Example Inc., 12 Main Street, Springfield, IL 62701</p>"
            b"<a href='https://www.example.test/u/1'>Unsubscribe</a>"
        )
        html = b"<table>" + rows + footer
        case = replace(NEWSLETTER, message=b"From: news@example.test\nSubject: x\n" + HEAD + html)
        assert send(own, case).code[0] == "2", own.log()[-2000:]
