"""`sealgate audit` on the file of a running gate."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.drivers.cases import profile_text
from tests.drivers.test_daemon import FORGED, send
from tests.lab.command import sealgate
from tests.lab.gate import ROOT, Gate

pytestmark = pytest.mark.daemon
pytest.importorskip("milter", reason="pymilter is not installed")

ENVIRONMENT = os.environ | {"PYTHONPATH": str(ROOT / "milter")}


def verb(*arguments: str) -> subprocess.CompletedProcess[str]:
    return sealgate("audit", *arguments)


def test_one_id_leads_from_the_reply_to_log_record_and_story(folder: Path) -> None:
    with Gate(folder, profile_text("enforce")) as own:
        send(own)
        text = send(own, FORGED).text
        reference = text.rpartition("refusal ")[2]
        refused = own.events("decision")[-1]
        assert refused["id"] == reference
        assert reference in own.log()
        log = ("--log", str(own.audit_log))
        story = verb("explain", reference, *log)
        assert story.returncode == 0, story.stderr
        for part in ("alice@EXAMPLE.TEST", "identity.header-from", "15 USC 7704(a)(1)", "answered reject 550 5.7.1"):
            assert part in story.stdout
        assert json.loads(verb("explain", reference, "--json", *log).stdout) == refused
        assert "sealed   d=example.test" in verb("explain", "4TstWIRE", *log).stdout
        assert verb("explain", "NOTHING", *log).returncode == 1


def test_tail_is_readable_raw_and_live(folder: Path) -> None:
    with Gate(folder, profile_text("enforce")) as own:
        send(own)
        send(own, FORGED)
        log = ("--log", str(own.audit_log))
        rows = verb("tail", "--no-follow", *log).stdout.splitlines()
        assert "accept" in rows[-2]
        assert "identity.header-from" in rows[-1]
        assert "\x1b" not in "".join(rows), "colour only on a terminal"
        raw = verb("tail", "--no-follow", "--json", "-n", "2", *log).stdout
        assert raw.encode() == b"".join(own.audit_log.read_bytes().splitlines(keepends=True)[-2:])
        command = [sys.executable, "-m", "sealgate", "audit", "tail", "--json", "-n", "1", *log]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=ENVIRONMENT) as tail:
            assert tail.stdout is not None
            tail.stdout.readline()
            own.audit_log.rename(own.audit_log.with_suffix(".old"))  # as logrotate does
            send(own)
            line = next(line for line in tail.stdout if '"verdict"' in line)  # after the new file's own first line
            tail.terminate()
        assert json.loads(line)["verdict"] == "accept"
        assert own.events("decision")[-1]["seq"] == json.loads(line)["seq"]


def test_verify_finds_a_changed_line(folder: Path) -> None:
    with Gate(folder, profile_text("enforce")) as own:
        send(own)
        send(own, FORGED)
    assert verb("verify", "--log", str(own.audit_log)).returncode == 0
    changed = own.audit_log.read_bytes().replace(b'"verdict":"reject"', b'"verdict":"accept"')
    own.audit_log.write_bytes(changed)
    done = verb("verify", "--log", str(own.audit_log))
    assert done.returncode == 1
    assert "NOT WHOLE" in done.stdout
