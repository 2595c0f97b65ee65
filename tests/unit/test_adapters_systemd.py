"""What the service manager passes and hears: sd_notify(3), sd_watchdog_enabled(3), sd_listen_fds(3)."""

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sealgate.adapters.systemd import notify, notify_reloading, passed_sockets, watchdog_seconds
from sealgate.app.ports import PortError


@pytest.mark.parametrize(
    ("usec", "whose", "seconds"),
    [
        ("120000000", "", 120.0),
        ("120000000", "ours", 120.0),
        ("120000000", "1", 0.0),  # another process is watched
        ("1500000", "", 1.5),
        ("", "", 0.0),
        ("-1", "", 0.0),
        ("1e9", "", 0.0),
        ("\u0663", "", 0.0),  # a digit, and none of ASCII
        ("9" * 400, "", 0.0),
    ],
)
def test_the_watchdog_waits_for_this_process_or_for_nobody(
    monkeypatch: pytest.MonkeyPatch, usec: str, whose: str, seconds: float
) -> None:
    monkeypatch.setenv("WATCHDOG_USEC", usec)
    monkeypatch.setenv("WATCHDOG_PID", str(os.getpid()) if whose == "ours" else whose)
    assert watchdog_seconds() == seconds


def test_a_reload_is_told_with_its_moment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "n"))
        manager.settimeout(5)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "n"))
        before = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
        notify_reloading()
        first, second = manager.recv(1000).decode().split("\n")
    assert first == "RELOADING=1"
    assert before <= int(second.removeprefix("MONOTONIC_USEC=")) <= before + 5_000_000


def test_a_manager_that_is_gone_is_no_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "nobody"))
    notify("READY=1")


def test_sockets_of_another_process_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LISTEN_PID", "1")
    monkeypatch.setenv("LISTEN_FDS", "1")
    assert passed_sockets() == ()
    assert not {"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"} & set(os.environ)


@pytest.mark.parametrize("count", ["", "x", "-1", "65", "1000", "1 "])
def test_a_number_that_makes_no_sense_is_said(monkeypatch: pytest.MonkeyPatch, count: str) -> None:
    monkeypatch.setenv("LISTEN_PID", str(os.getpid()))
    monkeypatch.setenv("LISTEN_FDS", count)
    with pytest.raises(PortError, match="number of sockets"):
        passed_sockets()


def test_a_descriptor_that_is_not_open_is_said() -> None:
    said = _as_systemd("import os; os.closerange(3, 9)", "1")
    assert "descriptor 3 is not open" in said


def test_the_names_go_with_the_descriptors_and_none_is_inherited() -> None:
    said = _as_systemd(
        "import os; [os.dup2(0, n) for n in (3, 4, 5)]", "3", "milter:pages",
        "print([(p.descriptor, p.name, os.get_inheritable(p.descriptor)) for p in passed_sockets()])",
    )  # fmt: skip
    assert said.strip() == "[(3, 'milter', False), (4, 'pages', False), (5, 'unknown', False)]"


def _as_systemd(before: str, count: str, names: str = "", then: str = "passed_sockets()") -> str:
    """What a process of its own says, whose descriptors from 3 on may be played with."""
    code = (
        f"{before}\nimport os\nos.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS={count!r}, "
        f"LISTEN_FDNAMES={names!r})\nfrom sealgate.adapters.systemd import passed_sockets\n{then}\n"
    )
    path = {"PYTHONPATH": ":".join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-c", code], stdin=subprocess.DEVNULL, capture_output=True, text=True, env=os.environ | path,
        check=False,
    )  # fmt: skip
    return done.stdout + done.stderr
