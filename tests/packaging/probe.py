"""Runs as root inside the booted system, and writes what it saw to /results/result.json; judging is the test's.

It asks systemd and the kernel about the units, sends messages through the gates as Postfix would, reloads, replaces the
program, runs the periodic verbs, kills the supervisor and stops it. The standard library is all it needs.
"""

import base64
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, "/results")
from wire import Wire  # a copy of tests/drivers/wire.py lies there

RESULTS = Path("/results")
SEEN: dict[str, Any] = {}
LETTERS = json.loads((RESULTS / "letters.json").read_text())
GATE, TWO = "sealgate.service", "sealgate@two.service"
SOCKETS = {GATE: "unix:/run/sealgate/sealgate.sock", TWO: "unix:/var/spool/postfix/sealgate/two.sock"}


def systemctl(*arguments: str) -> int:
    done = subprocess.run(["systemctl", *arguments], capture_output=True, text=True, check=False)
    print("systemctl", *arguments, "->", done.returncode, done.stdout, done.stderr, flush=True)
    return done.returncode


def show(unit: str, *names: str) -> dict[str, str]:
    done = subprocess.run(
        ["systemctl", "show", unit, "-p", ",".join(names)], capture_output=True, text=True, check=True
    )
    return dict(line.split("=", 1) for line in done.stdout.splitlines())


def main_pid(unit: str) -> int:
    return int(show(unit, "MainPID")["MainPID"])


def status_of(pid: int) -> dict[str, str]:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    wanted = ("Uid", "Gid", "CapEff", "CapBnd", "CapPrm", "NoNewPrivs", "Seccomp")
    return {name: value.strip() for name, value in (line.split(":", 1) for line in lines) if name in wanted}


def send(unit: str, letter: str) -> str:
    """The code that the MTA gets."""
    case = LETTERS[letter]
    with Wire(SOCKETS[unit]) as wire:
        wire.negotiate()
        wire.connect("localhost", "127.0.0.1", 40000, {"daemon_name": "submission"})
        wire.helo()
        login = {"auth_type": case["sasl"][0], "auth_authen": case["sasl"][1]}
        message = base64.b64decode(case["message"])
        done = wire.transact(f"<{case['mail_from']}>", [f"<{case['rcpt']}>"], message, login, {"i": "4TstBOOT"})
    signatures = done.delivered.lower().count(b"dkim-signature:")
    return f"{done.code} {signatures}"


def until(holds: Callable[[], bool], seconds: float = 30.0) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            if holds():
                return True
        except (OSError, ValueError, subprocess.SubprocessError):
            pass
        time.sleep(0.05)
    return False


def within(unit: str, path: str) -> str:
    """What a process of the unit's namespaces and account meets that writes there."""
    pid = main_pid(unit)
    command = ["nsenter", f"--target={pid}", "--mount", "setpriv", "--reuid=sealgate", "--regid=sealgate",
               "--clear-groups", "sh", "-c", f"echo x > {path}"]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return "written" if done.returncode == 0 else done.stderr.strip().rpartition(": ")[2]


def look_at(unit: str) -> dict[str, Any]:
    began = time.monotonic()
    seen: dict[str, Any] = {"start": systemctl("start", unit), "seconds": round(time.monotonic() - began, 1)}
    seen |= show(unit, "ActiveState", "SubState", "Type", "StatusText")
    pid = main_pid(unit)
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    seen["processes"] = {number: status_of(int(number)) for number in (str(pid), *children)}
    seen["answers"] = {letter: send(unit, letter) for letter in LETTERS}
    return seen


def change(unit: str) -> dict[str, Any]:
    """Reload, and replace the program: the process keeps its number and mail goes on."""
    pid, status = main_pid(unit), Path("/run/sealgate/status.json")
    seen: dict[str, Any] = {"reload": systemctl("reload", unit)}
    seen["reloaded"] = until(lambda: json.loads(status.read_text())["reloads"] >= 1)
    seen["after reload"] = send(unit, "letter")
    children = Path(f"/proc/{pid}/task/{pid}/children")
    before = set(children.read_text().split())
    os.kill(pid, signal.SIGUSR2)
    seen["replaced"] = until(lambda: not before & set(children.read_text().split()) and main_pid(unit) == pid, 60)
    seen["after replacement"] = send(unit, "letter")
    return seen | show(unit, "ActiveState", "NRestarts")


def restart(unit: str) -> dict[str, Any]:
    """What becomes of a supervisor that was killed."""
    pid = main_pid(unit)
    os.kill(pid, signal.SIGKILL)
    came = until(lambda: main_pid(unit) not in (0, pid) and show(unit, "ActiveState")["ActiveState"] == "active")
    return {"came back": came, "answer": send(unit, "letter") if came else ""}


def watch() -> dict[str, Any]:
    """A supervisor that says nothing for longer than it may is replaced; one that lives is not."""
    folder = Path("/run/systemd/system/sealgate.service.d")
    folder.mkdir(parents=True)
    (folder / "watchdog.conf").write_text("[Service]\nWatchdogSec=3\n")
    systemctl("daemon-reload")
    systemctl("restart", GATE)
    pid = main_pid(GATE)
    time.sleep(7)
    seen: dict[str, Any] = {"lives": main_pid(GATE) == pid}
    os.kill(pid, signal.SIGSTOP)
    seen["replaced"] = until(lambda: main_pid(GATE) not in (0, pid))
    return seen


def main() -> None:
    SEEN[GATE] = look_at(GATE)
    SEEN[TWO] = look_at(TWO)
    socket = os.stat("/var/spool/postfix/sealgate/two.sock")
    SEEN["socket"] = {"mode": oct(socket.st_mode & 0o7777), "gid": socket.st_gid}
    SEEN["writes"] = {
        path: within(GATE, path)
        for path in ("/etc/sealgate/x", "/usr/x", "/home/x", "/root/x", "/var/lib/x", "/var/lib/sealgate/probe",
                     "/var/log/sealgate/probe", "/run/sealgate/probe", "/proc/sys/kernel/x", "/sys/x")
    }  # fmt: skip
    SEEN["mounts"] = {
        name: oct(os.stat(name).st_mode & 0o7777)
        for name in ("/var/lib/sealgate", "/var/log/sealgate", "/run/sealgate")
    }
    SEEN["changed"] = change(GATE)
    systemctl("restart", TWO)  # a writer that ends makes a checkpoint, as the other's has when its program was replaced
    until(Path("/var/lib/sealgate/checkpoint").exists, 10)
    for verb in ("rotate", "anchor", "verify"):
        for unit in (f"sealgate-{verb}.service", f"sealgate-{verb}@two.service"):
            SEEN[unit] = {"status": systemctl("start", unit)} | show(unit, "Result", "ExecMainStatus")
    SEEN["anchored"] = {
        name: Path(f"/var/log/{name}/audit.jsonl").read_text().count('"kind":"anchored"')
        for name in ("sealgate", "sealgate-two")
    }
    SEEN["timers"] = {
        timer: systemctl("start", timer)
        for timer in ("sealgate-rotate.timer", "sealgate-anchor@two.timer", "sealgate-verify.timer")
    }
    SEEN["restart"] = restart(TWO)
    if LETTERS and (RESULTS / "watchdog").exists():
        SEEN["watchdog"] = watch()
    SEEN["stop"] = {unit: systemctl("stop", unit) for unit in (GATE, TWO)} | show(GATE, "Result", "ActiveState")
    SEEN["left"] = {name: Path(name).exists() for name in ("/run/sealgate", "/var/log/sealgate/audit.jsonl")}
    SEEN["decisions"] = Path("/var/log/sealgate/audit.jsonl").read_text().count('"kind":"decision"')


try:
    main()
finally:
    with (RESULTS / "journal").open("wb") as journal:
        subprocess.run(["journalctl", "--no-pager", "-o", "short-monotonic"], stdout=journal, check=False)
    (RESULTS / "result.json").write_text(json.dumps(SEEN, indent=1))
