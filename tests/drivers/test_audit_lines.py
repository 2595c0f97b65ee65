"""Every line that a running gate writes in an eventful life is one that the schema documents."""

import os
import signal
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from tests.drivers.cases import all_cases, profile_text
from tests.drivers.test_daemon import FORGED, LETTER, send, wait_for
from tests.lab.command import sealgate
from tests.lab.gate import Gate
from tests.unit.test_audit_schema import faults

pytestmark = pytest.mark.daemon
pytest.importorskip("milter", reason="pymilter is not installed")

NEWSLETTER = next(case for case in all_cases() if case.name == "lawful-newsletter")
NOBODY = replace(LETTER, login=None)


def run(gate: Gate, *words: str) -> subprocess.CompletedProcess[str]:
    return sealgate(*words, "--settings", gate.settings_path)


def test_a_whole_life_is_recorded_as_documented(folder: Path) -> None:
    with Gate(folder, profile_text("enforce")) as own:
        for case in (LETTER, FORGED, NEWSLETTER, NOBODY):
            send(own, case)
        own.reload(profile_text("enforce") + "# another version\n")
        own.reload("nonsense: [")
        own.write_profile(profile_text("enforce"))
        assert run(own, "mode", "report", "--for", "1h", "--why", "\x1b]0;x\x07 <b>").returncode == 0
        send(own, FORGED)
        victim = own.status()["workers"][0]
        os.kill(victim, signal.SIGKILL)
        wait_for(lambda: own.events("worker-died"))
        before = own.status()["workers"]
        os.kill(own.pid, signal.SIGUSR2)
        wait_for(lambda: not set(own.status().get("workers", before)) & set(before), 30)
        report = run(own, "audit", "report", "--since", "1h")
        export = run(own, "audit", "export", "--format", "ecs", "--since", "1h")
        own.stop()
        lines = own.audit_log.read_bytes().split(b"\n")[:-1]
        kinds = {event["kind"] for event in own.events()} | {event["kind"] for event in own.events("checkpoint")}
    assert [fault for line in lines for fault in faults(line)] == []
    assert kinds >= {
        "start", "stop", "restart", "reload", "mode", "worker-died", "decision", "refusals", "checkpoint",
    }  # fmt: skip
    assert report.returncode == 0, report.stderr
    assert "worker-died" in report.stdout
    assert "\x1b" not in report.stdout
    assert export.returncode == 0, export.stderr
    assert len(export.stdout.splitlines()) >= 10
