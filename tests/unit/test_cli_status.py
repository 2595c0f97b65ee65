"""`sealgate status`: the answer first, what to do next, and silence never taken for health."""

import json
import os
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from sealgate.cli.status import _ago, command, look
from sealgate.daemon.status import STALE_SECONDS

DIGEST = "1a2b3c4d5e6f" + "0" * 52
NAME = "s2026._domainkey.example.test"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A runtime folder of a gate in good health; the gate is this process."""
    (tmp_path / "sealgate.yaml").write_text(f"runtime: {tmp_path}\n")
    write(tmp_path, "status")
    write(tmp_path, "health")
    return tmp_path


def write(folder: Path, which: str, **changes: Any) -> None:
    files = {
        "status": {
            "pid": os.getpid(), "born": 1.0, "version": "9.9", "profile": DIGEST, "mode": "enforce", "override": None,
            "seal": True, "reloads": 3, "last": "reload 3 done", "problems": [], "kept": [], "wanted": 2,
            "workers": [11, 12], "starting": [], "behind": [], "silent": [], "behind_since": 0.0, "draining": [],
        },
        "health": {
            "pid": 5, "supervisor": os.getpid(), "written": time.time(), "ready": True, "reasons": [], "warnings": [],
            "profile": DIGEST, "examined": time.time(), "keyless": [], "unsigned": ["plain.test"],
            "keys": [key()],
        },
    }  # fmt: skip
    (folder / f"{which}.json").write_text(json.dumps(files[which] | changes))


def key(**changes: Any) -> dict[str, Any]:
    usual = {
        "name": NAME, "algorithm": "rsa-sha256", "verifies": True, "fault": "", "used": True, "dns": "ok", "says": "",
        "remedy": "", "asked": time.time(), "answered": time.time() - 40, "secure": False,
    }  # fmt: skip
    return usual | changes


def run(folder: Path, *more: str, color: bool = False) -> Result:
    return CliRunner().invoke(command, ["--settings", str(folder / "sealgate.yaml"), *more], color=color)


def test_a_gate_in_good_health_says_ready_first_and_then_the_facts(folder: Path) -> None:
    done = run(folder)
    assert done.exit_code == 0
    assert done.output.splitlines() == [
        "READY",
        "",
        f"gate      pid {os.getpid()}, version 9.9",
        "profile   1a2b3c4d5e6f, reload 3 done",
        "mode      enforce",
        "workers   2 of 2 have it in force",
        f"keys      {NAME}  rsa-sha256  signs and verifies; DNS: published, 40 s ago",
        "unsigned  plain.test: `sign: no`",
        "pages     off",
        "tried     0 s ago",
    ]


def test_what_was_counted_is_shown_with_the_share_that_is_not_signed(folder: Path) -> None:
    figures = {
        "messages": {"reject": 3, "accept": 12_034}, "signed": 11_938,
        "unsigned": {"no-login": 0, "foreign-author": 96}, "faults": 0, "connections": 4, "transactions": 2,
        "writer": {"lines": 12_040, "waiting": 5, "errors": 0, "last_error": 0.0},
    }  # fmt: skip
    write(folder, "health", figures=figures)
    said = run(folder).output
    assert "messages  12,034 accept, 3 reject since the start; 2 under way\n" in said
    assert "          0.8% of 12,034 accepted not signed: 96 foreign-author\n" in said
    assert "writer    12,040 lines written, 5 waiting; no write failed\n" in said
    figures["faults"], figures["writer"] = 1, {"lines": 9, "waiting": 0, "errors": 2, "last_error": time.time() - 200}
    write(folder, "health", figures=figures | {"messages": {}, "signed": 0, "unsigned": {}})
    said = run(folder).output
    assert "messages  none since the start; 2 under way; 1 faults of the gate: see the log\n" in said
    assert "writer    9 lines written, 0 waiting; 2 writes failed, the last 3 min ago\n" in said
    assert "not signed" not in said


@pytest.mark.parametrize(
    "figures", [None, {}, [], "x", {"messages": 1}, {"messages": {}, "unsigned": [], "writer": {}}]
)
def test_figures_that_make_no_sense_are_left_out(folder: Path, figures: Any) -> None:
    write(folder, "health", figures=figures)
    done = run(folder)
    assert done.exit_code == 0
    assert "messages" not in done.output


def test_reasons_come_before_warnings_and_facts(folder: Path) -> None:
    bad = key(verifies=False, dns="other-key", secure=True, used=False)
    write(folder, "health", ready=False, reasons=["the key is wrong; load another"], warnings=["old"], keys=[bad])
    done = run(folder)
    assert done.exit_code == 1
    assert done.output.splitlines()[:3] == ["NOT READY", "  - the key is wrong; load another", "  - warning: old"]
    assert (
        f"{NAME}  rsa-sha256  DOES NOT VERIFY; DNS: ANOTHER KEY IS PUBLISHED, 40 s ago, DNSSEC; not used" in done.output
    )


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"written": time.time() - STALE_SECONDS - 60}, "silent"),
        ({"written": time.time() + 86_400}, "silent"),
        ({"supervisor": 1}, "has not said anything yet"),
        ({"profile": "f" * 64}, "have not been tried yet"),
        ({"written": "yesterday"}, "has not said anything yet"),
        ({"reasons": None}, "contradicts itself"),
        ({"ready": False}, "contradicts itself"),
        ({"warnings": None}, "has not said anything yet"),
    ],
)
def test_what_does_not_count_is_not_ready(folder: Path, changes: dict[str, Any], says: str) -> None:
    write(folder, "health", **changes)
    done = run(folder)
    assert (done.exit_code, done.output.splitlines()[0]) == (1, "NOT READY")
    assert says in done.output


@pytest.mark.parametrize("text", [None, "", "{", "[]", "null", '{"written": 1}'])
def test_a_health_file_that_makes_no_sense_is_not_ready(folder: Path, text: str | None) -> None:
    (folder / "health.json").unlink()
    if text is not None:
        (folder / "health.json").write_text(text)
    assert run(folder).exit_code == 1


def test_a_gate_that_is_not_there_is_69_and_says_where_to_look(folder: Path) -> None:
    gone = subprocess.Popen(["true"])
    gone.wait()
    write(folder, "status", pid=gone.pid)
    done = run(folder)
    assert done.exit_code == 69
    done = run(folder, "--json")
    assert (done.exit_code, json.loads(done.output)["running"]) == (69, False)
    (folder / "status.json").unlink()
    assert run(folder).exit_code == 69


def test_a_gate_that_starts_is_not_ready(folder: Path) -> None:
    (folder / "status.json").unlink()
    (folder / "sealgate.pid").write_text(f"{os.getpid()}\n")
    done = run(folder)
    assert done.exit_code == 1
    assert "starting" in done.output


def test_json_holds_the_judgement_and_both_files(folder: Path) -> None:
    found = json.loads(run(folder, "--json").output)
    assert (found["running"], found["ready"], found["reasons"]) == (True, True, [])
    assert found["status"]["profile"] == found["health"]["profile"] == DIGEST


def test_wait_ends_when_the_time_is_up_or_the_gate_is_ready(folder: Path) -> None:
    write(folder, "health", ready=False, reasons=["x"])
    start = time.monotonic()
    assert run(folder, "--wait", "0.5").exit_code == 1
    assert 0.4 < time.monotonic() - start < 3
    write(folder, "health")
    assert run(folder, "--wait", "60").exit_code == 0


def test_a_switched_mode_says_until_when_by_whom_and_why(folder: Path) -> None:
    over = {"until": 4_102_444_800.0, "by": "root (uid 0)", "why": "INC-4711\x1b[2J"}
    write(folder, "status", mode="report", override=over, seal=False)
    said = run(folder).output
    assert "mode      report until 2" in said
    assert "then as the profile says; by root (uid 0): INC-4711?[2J; seal off: nothing is signed" in said


def test_workers_that_are_behind_or_drain_and_kept_keys_are_shown(folder: Path) -> None:
    write(
        folder,
        "status",
        wanted=3,
        workers=[11, 12, 13],
        starting=[13],
        behind=[12],
        draining=[3, 4],
        kept=[f"{NAME}: it is damaged"],
    )
    said = run(folder).output
    assert "workers   1 of 3 have it in force, 1 starting, 1 behind, 2 draining" in said
    assert f"kept      {NAME}: it is damaged" in said


def test_colour_only_where_it_is_asked_for_and_nothing_of_a_file_reaches_the_terminal_raw(folder: Path) -> None:
    write(folder, "health", ready=False, reasons=["\x1b]0;owned\x07\n\u202e"])
    assert "\x1b" not in run(folder).output
    assert "\u202e" not in run(folder).output
    assert "\x1b[31m" in run(folder, color=True).output
    assert "\x1b]" not in run(folder, color=True).output


def test_a_file_that_may_not_be_read_says_so(folder: Path) -> None:
    if os.geteuid() == 0:
        pytest.skip("root may read everything")
    (folder / "status.json").chmod(0)
    done = run(folder)
    assert done.exit_code != 0
    assert "ask as root" in done.output


def test_looking_never_raises_on_other_versions(folder: Path) -> None:
    (folder / "status.json").write_text(json.dumps({"pid": os.getpid()}))
    assert look(folder, time.time()).exit_status == 1
    assert run(folder).exit_code == 1


@pytest.mark.parametrize(
    ("seconds", "said"), [(-3, "0 s ago"), (119, "119 s ago"), (120, "2 min ago"), (7200, "2 h ago"), (2e9, "never")]
)
def test_ages_are_short(seconds: float, said: str) -> None:
    assert _ago(seconds) == said
