"""`sealgate mode`: the switch at 3 a.m. Thrown for a while, recorded, and back by itself."""

import json
import os
import pwd
import re
import signal
import time
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import click

from sealgate.app.ports import PortError
from sealgate.app.runtime import Override
from sealgate.cli import EX_CANTCREAT, EX_UNAVAILABLE, EX_USAGE, Stop
from sealgate.cli.loading import settings_option, settings_or_stop
from sealgate.wiring import now, write_override

_UNITS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400}
MAX_SECONDS: Final = 7 * 86400  # a switch that lasts longer belongs into the profile
PATIENCE: Final = 15.0  # seconds until the daemon must have said that it took the switch


@click.command("mode")
@click.argument("mode", type=click.Choice(["report", "enforce", "profile"]))
@click.option("--for", "span", default="2h", show_default=True, help="How long: 30m, 2h, 1d; a week at most.")
@click.option("--why", default="", help="A word for the record.")
@settings_option
def command(mode: str, span: str, why: str, settings_path: Path) -> None:
    """Switch to report (refuse nothing, keep judging and recording) or enforce for a while; profile takes it back.

    \b
    sealgate mode report --for 2h --why "half the staff cannot send, INC-4711"
    sealgate mode profile
    """
    settings = settings_or_stop(settings_path)
    seconds = _seconds(span)
    until = now() + seconds
    by = f"{_name()} (uid {os.getuid()})"
    override = None if mode == "profile" else Override(mode == "enforce", until, by, why)
    state, runtime = Path(settings.state), Path(settings.runtime)
    before = _status(runtime)
    try:
        write_override(state, override)
    except PortError as error:
        raise Stop(EX_CANTCREAT, str(error)) from error
    if before is None:
        raise Stop(EX_UNAVAILABLE, "the daemon is not running; it will start in this mode until the time is up")
    try:
        os.kill(before["pid"], signal.SIGHUP)
    except OSError as error:
        raise Stop(EX_UNAVAILABLE, f"the daemon (pid {before['pid']}) could not be told: {error.strerror}") from error
    after = _await(runtime, before["reloads"])
    if after["problems"]:
        raise Stop(EX_UNAVAILABLE, f"the daemon kept what it had: {'; '.join(after['problems'])}")
    end = f" until {datetime.fromtimestamp(until).astimezone():%Y-%m-%d %H:%M %Z}" if override else ""
    click.echo(f"mode {after['mode']}{end}")


def _name() -> str:
    """Who we are to the system: the environment (`LOGNAME`, `USER`) is the caller's own word."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return "?"


def _seconds(span: str) -> int:
    match = re.fullmatch(r"([0-9]{1,6})([smhd])", span)
    seconds = int(match[1]) * _UNITS[match[2]] if match else 0
    if not 0 < seconds <= MAX_SECONDS:
        raise Stop(EX_USAGE, f"--for {span}: write 30m, 2h or 1d, a week at most")
    return seconds


def _status(runtime: Path) -> dict[str, Any] | None:
    try:
        status: dict[str, Any] = json.loads((runtime / "status.json").read_text())
        os.kill(status["pid"], 0)
    except PermissionError:
        return status
    except (OSError, ValueError, KeyError):
        return None
    return status


def _await(runtime: Path, reloads: int) -> dict[str, Any]:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        status = _status(runtime)
        if status is not None and status["reloads"] > reloads:
            return status
        time.sleep(0.05)
    raise Stop(EX_UNAVAILABLE, f"the daemon did not take the switch within {PATIENCE:.0f} seconds; see its log")
