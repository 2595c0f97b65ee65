"""The socket unit and the watchdog's lines of the service: accepted by systemd, and what the gate expects."""

import configparser
import shutil
import subprocess
from pathlib import Path

import pytest

from sealgate.daemon.activation import NAMES
from sealgate.daemon.household import HEALTH_SILENCE, WORKER_BEAT, WORKER_SILENCE
from sealgate.profile.settings import Settings, parse_socket

FOLDER = Path(__file__).resolve().parents[2] / "systemd"


def unit(name: str) -> configparser.ConfigParser:
    read = configparser.ConfigParser(strict=False, interpolation=None)
    read.optionxform = str  # type: ignore[assignment,method-assign]
    read.read(FOLDER / name)
    return read


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")
def test_systemd_finds_nothing_to_say(tmp_path: Path) -> None:
    for name in ("sealgate.service", "sealgate.socket"):
        # The program is not installed where tests run; everything else is judged as it stands.
        (tmp_path / name).write_text((FOLDER / name).read_text().replace("/usr/bin/sealgate", "/bin/true"))
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(tmp_path / "sealgate.socket")],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")


def test_the_socket_has_the_name_that_the_gate_looks_for_and_one_place() -> None:
    socket = unit("sealgate.socket")["Socket"]
    assert socket["FileDescriptorName"] in NAMES
    assert (FOLDER / "sealgate.socket").read_text().count("\nListenStream=") == 1
    assert "Accept" not in socket, "yes would start a gate for each connection"
    assert parse_socket(socket["ListenStream"]).family == "unix"
    assert int(socket["SocketMode"], 8) == Settings().socket_mode


def test_the_socket_lies_in_no_folder_that_goes_with_the_service() -> None:
    service = unit("sealgate.service")["Service"]
    assert not unit("sealgate.socket")["Socket"]["ListenStream"].startswith(f"/run/{service['RuntimeDirectory']}/")


def test_the_watchdog_waits_until_the_gate_has_tried_to_mend_itself() -> None:
    service = unit("sealgate.service")["Service"]
    assert int(service["WatchdogSec"]) > WORKER_BEAT + WORKER_SILENCE + 10
    assert int(service["WatchdogSec"]) > HEALTH_SILENCE + 10
    assert (service["Type"], service["NotifyAccess"]) == ("notify", "main")
    assert service["Restart"] in ("on-failure", "on-watchdog", "always")
