"""The units: as strict as they say, sound for systemd, and the gate runs under them, by systemd itself."""

import base64
import configparser
import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.drivers.cases import all_cases
from tests.lab.gate import ROOT
from tests.packaging import booted, units

UNITS = sorted(path for kind in ("service", "socket", "timer") for path in units.SYSTEMD.glob(f"*.{kind}"))
SERVICES = [unit for unit in UNITS if unit.suffix == ".service"]
GATE, TWO = "sealgate.service", "sealgate@two.service"
MOST = {"sealgate.service": 1.5, "sealgate@.service": 1.5}  # as systemd-analyze counts; the others ask nobody anything
HERE = Path(__file__).parent

needs_systemd = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")


def named(unit: Path) -> str:
    return unit.name


def lines_of(unit: Path) -> list[str]:
    """The settings, without comments."""
    return [line for line in unit.read_text().splitlines() if line and not line.startswith("#")]


# -- on paper ----------------------------------------------------------------------------------------------------------


@needs_systemd
@pytest.mark.parametrize("unit", SERVICES, ids=named)
def test_the_exposure_stays_low(unit: Path) -> None:
    command = ["systemd-analyze", "security", "--offline=true", f"--threshold={MOST.get(unit.name, 0.5) * 10:.0f}"]
    done = subprocess.run([*command, str(unit)], capture_output=True, text=True, timeout=60, check=False)
    found = re.search(r"Overall exposure level for \S+: ([0-9.]+)", done.stdout)
    assert found, done.stderr
    assert float(found[1]) <= MOST.get(unit.name, 0.5), done.stdout
    assert done.returncode == 0


@needs_systemd
def test_systemd_has_nothing_to_say_of_any_unit(tmp_path: Path) -> None:
    """One call for all: it also follows what they name, such as a timer's service."""
    for unit in UNITS:
        # Verified is that a program is there: ours is not, before it is installed.
        (tmp_path / unit.name).write_text(unit.read_text().replace("/usr/bin/sealgate", "/bin/true"))
    paths = [str(tmp_path / unit.name.replace("@", "@x")) for unit in UNITS]
    for unit in UNITS:
        if "@" in unit.name:
            (tmp_path / unit.name.replace("@", "@x")).symlink_to(tmp_path / unit.name)
    command = ["systemd-analyze", "verify", "--man=no", "--recursive-errors=yes", *paths]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=60, check=False,
        env={"SYSTEMD_UNIT_PATH": f"{tmp_path}:", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"},
    )  # fmt: skip
    ours = [line for line in done.stderr.splitlines() if "sealgate" in line or str(tmp_path) in line]
    assert not ours, done.stderr


@pytest.mark.parametrize(
    "unit", [unit for unit in UNITS if "@" not in unit.name and unit.suffix != ".socket"], ids=named
)
def test_a_template_is_its_unit_for_another_name(unit: Path) -> None:
    template = lines_of(unit.with_name(unit.name.replace(".", "@.")))
    plain = [
        line.replace("sealgate-%i", "sealgate").replace(" --settings /etc/sealgate/%i.yaml", "")
        .replace(" (%i)", "").replace(" %i:", ":")
        for line in template
    ]  # fmt: skip
    assert plain == lines_of(unit)
    assert "%i" in "".join(template)


def test_the_folders_of_an_instance_are_not_within_those_of_the_gate() -> None:
    """RuntimeDirectory=sealgate/%i would go with /run/sealgate when the other gate stops."""
    for unit in UNITS:
        for line in lines_of(unit):
            if re.match(r"(Runtime|State|Logs)Directory=", line):
                assert "/" not in line, unit


@pytest.mark.parametrize("unit", UNITS, ids=named)
def test_each_unit_opens_with_a_paragraph_and_keeps_its_lines_short(unit: Path) -> None:
    text = unit.read_text()
    assert text.startswith("# ")
    assert max(map(len, text.splitlines())) <= 120


def test_what_the_gate_serves_is_what_the_unit_waits_for() -> None:
    unit = configparser.ConfigParser(strict=False, interpolation=None, allow_no_value=True)
    unit.optionxform = str  # type: ignore[assignment]
    unit.read_string((units.SYSTEMD / GATE).read_text())
    assert unit["Service"]["Type"] == "notify"
    assert "READY=1" in (ROOT / "milter/sealgate/daemon/supervisor.py").read_text()


# -- in the flesh ------------------------------------------------------------------------------------------------------


def letters() -> dict[str, dict[str, Any]]:
    """A letter, a forged one, and one whose HTML goes to the reader process."""
    found = {case.name: case for case in all_cases()}
    letter, forged = found["personal-mail"], found["forged-from"]
    head, _, _ = letter.message.partition(b"\n\n")
    rows = b"<p>" + b"<b>row</b> " * 15 + b"</p>\n"
    heavy = head + b"\nMIME-Version: 1.0\nContent-Type: text/html; charset=utf-8\n\n<html><body>" + rows * 800
    return {
        name: {
            "message": base64.b64encode(message).decode(), "sasl": case.sasl, "mail_from": case.mail_from,
            "rcpt": case.rcpt,
        }
        for name, case, message in (
            ("letter", letter, letter.message), ("forged", forged, forged.message), ("heavy", letter, heavy),
        )
    }  # fmt: skip


_PREPARE = """#!/bin/sh -eu
chown -R sealgate /etc/sealgate/keys
chmod 0700 /etc/sealgate/root-keys
mkdir -p /var/spool/postfix/sealgate
chown sealgate:mail /var/spool/postfix/sealgate
chmod 2750 /var/spool/postfix/sealgate
systemctl enable sealgate.service sealgate@two.service sealgate-rotate.timer sealgate-anchor@two.timer
"""


def answers_the_watchdog() -> bool:
    return any("WATCHDOG=1" in path.read_text() for path in (ROOT / "milter/sealgate").rglob("*.py"))


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """What the probe saw in one boot."""
    if why := booted.why_not() or units.why_not():
        pytest.skip(why)
    home = tmp_path_factory.mktemp("boot")
    stage, results = home / "stage", home / "results"
    for folder in (stage, results):
        folder.mkdir(mode=0o755)
    units.install(stage)
    units.configure(stage)
    shutil.copy(ROOT / "tests/drivers/wire.py", results)
    (results / "letters.json").write_text(json.dumps(letters()))
    (results / "prepare").write_text(_PREPARE)
    (results / "prepare").chmod(0o755)
    if answers_the_watchdog():
        (results / "watchdog").touch()
    found = booted.boot(home, (HERE / "probe.py").read_text())
    found["journal"] = (results / "journal").read_text()
    found["log"] = (results / "probe.log").read_text()
    yield found
    shutil.rmtree(home, ignore_errors=True)


pack = pytest.mark.packaging


@pack
@pytest.mark.parametrize("unit", [GATE, TWO])
def test_the_gate_comes_up_and_judges_mail(seen: dict[str, Any], unit: str) -> None:
    """The second has its keys as credentials of root's files, its socket in the queue, and dies of a forbidden call."""
    assert (seen[unit]["start"], seen[unit]["ActiveState"], seen[unit]["Type"]) == (0, "active", "notify"), seen
    assert seen[unit]["answers"] == {"letter": "250 2", "forged": "550 0", "heavy": "250 2"}
    assert "child-died" not in seen["journal"]


@pack
@pytest.mark.parametrize("unit", [GATE, TWO])
def test_no_process_of_it_has_any_right(seen: dict[str, Any], unit: str) -> None:
    processes = seen[unit]["processes"]
    assert len(processes) >= 5, "supervisor, writer, reader, two workers"
    for status in processes.values():
        assert status["NoNewPrivs"] == "1"
        assert status["Seccomp"] == "2"
        assert {status[name] for name in ("CapEff", "CapPrm", "CapBnd")} == {"0" * 16}
        assert "0" not in status["Uid"].split()


@pack
def test_it_writes_in_three_folders_only(seen: dict[str, Any]) -> None:
    ours = {"/var/lib/sealgate/probe", "/var/log/sealgate/probe", "/run/sealgate/probe"}
    assert {path for path, what in seen["writes"].items() if what == "written"} == ours
    assert seen["mounts"] == {"/var/lib/sealgate": "0o750", "/var/log/sealgate": "0o750", "/run/sealgate": "0o755"}


@pack
def test_the_socket_in_the_queue_is_the_mtas_group(seen: dict[str, Any]) -> None:
    import grp  # noqa: PLC0415 - not everywhere

    assert seen["socket"] == {"mode": "0o660", "gid": grp.getgrnam("mail").gr_gid}


@pack
def test_reload_and_replacement_go_through_systemd(seen: dict[str, Any]) -> None:
    assert seen["changed"] == {
        "reload": 0, "reloaded": True, "after reload": "250 2", "replaced": True, "after replacement": "250 2",
        "ActiveState": "active", "NRestarts": "0",
    }  # fmt: skip


@pack
@pytest.mark.parametrize("verb", ["rotate", "anchor", "verify"])
@pytest.mark.parametrize("instance", ["", "@two"])
def test_the_periodic_verbs_run_under_their_units(seen: dict[str, Any], verb: str, instance: str) -> None:
    found = seen[f"sealgate-{verb}{instance}.service"]
    assert found == {"status": 0, "Result": "success", "ExecMainStatus": "0"}, seen["journal"][-4000:]
    # A unit whose condition did not hold would have succeeded too.
    assert f"Finished sealgate-{verb}{instance}.service" in seen["journal"]
    assert len(re.findall(r"\bwhole: [0-9]+ lines", seen["journal"])) == 2
    assert seen["anchored"] == {"sealgate": 1, "sealgate-two": 1}
    assert set(seen["timers"].values()) == {0}


@pack
def test_a_killed_supervisor_comes_back(seen: dict[str, Any]) -> None:
    assert seen["restart"] == {"came back": True, "answer": "250 2"}


@pack
def test_the_watchdog_replaces_a_supervisor_that_hangs(seen: dict[str, Any]) -> None:
    if "watchdog" not in seen:
        pytest.skip("the supervisor does not answer the watchdog yet, so the unit must not be used with WatchdogSec=")
    assert seen["watchdog"] == {"lives": True, "replaced": True}


@pack
def test_it_stops_cleanly_and_keeps_the_record(seen: dict[str, Any]) -> None:
    assert seen["stop"] == {GATE: 0, TWO: 0, "Result": "success", "ActiveState": "inactive"}
    assert seen["left"] == {"/run/sealgate": False, "/var/log/sealgate/audit.jsonl": True}
    assert seen["decisions"] >= 5
