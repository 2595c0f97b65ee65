"""`sealgate status`: is the gate healthy, and if not, what is to be done?

Reads what the supervisor (`status.json`) and the health process (`health.json`) wrote into the runtime folder; asks no
process anything, so it answers however busy they are. What the health process said counts while it is fresh, about the
profile in force and by the supervisor that runs: silence is never taken for health.
"""

import json
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import click

from sealgate.cli import EX_UNAVAILABLE, Stop
from sealgate.cli.loading import settings_option, settings_or_stop
from sealgate.daemon.status import HEALTH_FILE, PID_FILE, STALE_SECONDS, STATUS_FILE
from sealgate.mail.reply import printable

_LOOK: Final = 0.2  # seconds between two looks of --wait
_DNS: Final = {
    "ok": "published", "testing": "published, t=y", "unknown": "no answer", "unasked": "not asked yet",
    "missing": "NOT PUBLISHED", "revoked": "REVOKED", "other-key": "ANOTHER KEY IS PUBLISHED",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Seen:
    """What the files say, and what follows from it.

    Attributes:
        is_running: whether there is a supervisor.
        status, health: the two files; empty where they are missing or make no sense.
        reasons: why the gate is not ready; empty: it is.
        warnings: what is to be mended while it works.
    """

    is_running: bool
    status: dict[str, Any] = field(default_factory=dict)
    health: dict[str, Any] = field(default_factory=dict)
    reasons: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def exit_status(self) -> int:
        """0 ready, 1 not ready, 69 not running."""
        return EX_UNAVAILABLE if not self.is_running else 1 if self.reasons else 0


@click.command("status")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@click.option("--wait", "seconds", type=click.FloatRange(0, 3600), default=0.0, help="Seconds to wait for ready.")
@settings_option
@click.pass_context
def command(ctx: click.Context, as_json: bool, seconds: float, settings_path: Path) -> None:
    """Say whether the gate is ready: whether what passes now is signed, recorded and verifiable where it arrives.

    Exit status 0: ready. 1: it runs and is not ready. 69: it does not run.

    \b
    sealgate status
    sealgate status --wait 30 && echo safe to go on      after a start or a reload
    sealgate status --json | jq .reasons
    """
    settings = settings_or_stop(settings_path)
    folder = Path(settings.runtime)
    deadline = time.monotonic() + seconds
    while (seen := look(folder, time.time())).exit_status and time.monotonic() < deadline:
        time.sleep(_LOOK)
    if as_json:
        click.echo(json.dumps(_for_machines(seen)))
    elif not seen.is_running:
        raise Stop(EX_UNAVAILABLE, f"{seen.reasons[0]}: systemctl status sealgate, and the log, say why")
    else:
        pages = str(settings.http) if settings.http is not None else "off"
        for line in _lines(seen, pages, time.time()):
            click.echo(line)
    ctx.exit(seen.exit_status)


def look(folder: Path, now: float) -> Seen:
    """Read the files in the runtime folder and judge them.

    Args:
        folder: the runtime folder.
        now: seconds since the epoch.

    Raises:
        Stop: they may not be read by this account.
    """
    status, health = _read(folder / STATUS_FILE), _read(folder / HEALTH_FILE)
    pid = status.get("pid") or _pid(folder / PID_FILE)
    if not isinstance(pid, int) or not _lives(pid):
        return Seen(False, reasons=(f"the gate is not running ({folder} names no process that lives)",))
    if not status:
        return Seen(True, {"pid": pid}, health, ("the gate is starting: not all workers are up",))
    if distrust := _distrust(status, health, now):
        return Seen(True, status, health, (distrust,))
    return Seen(True, status, health, tuple(map(str, health["reasons"])), tuple(map(str, health["warnings"])))


def _distrust(status: dict[str, Any], health: dict[str, Any], now: float) -> str:
    """Why what the health process wrote does not count; empty: it does."""
    silent = "the health process of this gate has not said anything yet"
    try:
        age = now - float(health["written"])
        if health["supervisor"] != status["pid"]:
            return silent
        if not -STALE_SECONDS < age < STALE_SECONDS:
            return f"the health process is silent, what it wrote is {abs(age):.0f} s old: see the log for `child-died`"
        if health["ready"] is not (health["reasons"] == []):
            return "the health process contradicts itself: is another version of it running?"
        if health["profile"] != status["profile"] and not health["reasons"]:
            return "the keys of the profile in force have not been tried yet"
        return "" if isinstance(health["warnings"], list) else silent
    except (KeyError, TypeError, ValueError):
        return silent


def _read(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_bytes())
    except PermissionError as error:
        raise Stop(EX_UNAVAILABLE, f"{path} may not be read by uid {os.getuid()}: ask as root") from error
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _pid(path: Path) -> int:
    try:
        return int(path.read_bytes()[:20])
    except (OSError, ValueError):
        return 0


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except PermissionError:
        return True
    except (OSError, OverflowError):
        return False
    return pid > 0


def _for_machines(seen: Seen) -> dict[str, Any]:
    return {
        "running": seen.is_running,
        "ready": not seen.exit_status,
        "reasons": list(seen.reasons),
        "warnings": list(seen.warnings),
        "status": seen.status,
        "health": seen.health,
    }


def _lines(seen: Seen, pages: str, now: float) -> Iterator[str]:
    """The page for a person: the answer first, then what to do, then the facts."""
    if seen.reasons:
        yield click.style("NOT READY", fg="red", bold=True)
    else:
        yield click.style("READY", fg="green", bold=True)
    for text in seen.reasons:
        yield click.style(f"  - {_shown(text)}", fg="red")
    for text in seen.warnings:
        yield click.style(f"  - warning: {_shown(text)}", fg="yellow")
    yield ""
    status = seen.status
    yield f"{'gate':<9} pid {status.get('pid')}, version {_shown(str(status.get('version', '?')))}"
    if "profile" not in status:
        return
    yield f"{'profile':<9} {str(status['profile'])[:12]}, {_shown(str(status.get('last')))}"
    yield f"{'mode':<9} {_mode(status)}"
    yield f"{'workers':<9} {_workers(status)}"
    yield from _section("keys", [_key(key, now) for key in seen.health.get("keys", ())] or ["none"])
    yield from _section("unsigned", [f"{name}: `sign: no`" for name in seen.health.get("unsigned", ())])
    yield from _figures(seen.health.get("figures"), now)
    yield from _section("kept", [_shown(str(key)) for key in status.get("kept", ())])
    yield f"{'pages':<9} {pages}"
    yield f"{'tried':<9} {_ago(now - float(seen.health.get('examined') or 0))}"


def _figures(figures: Any, now: float) -> Iterator[str]:
    """What was counted since the start; nothing where that is nothing, or another version wrote it."""
    try:
        messages, unsigned, writer = figures["messages"], figures["unsigned"], figures["writer"]
        rows = [", ".join(f"{count:,} {_shown(name)}" for name, count in sorted(messages.items())) or "none"]
        rows[0] += f" since the start; {figures['transactions']} under way"
        rows[0] += f"; {figures['faults']:,} faults of the gate: see the log" if figures["faults"] else ""
        left = sum(unsigned.values())
        if accepted := figures["signed"] + left:
            why = ", ".join(f"{count:,} {_shown(name)}" for name, count in sorted(unsigned.items()) if count)
            rows.append(f"{left / accepted:.1%} of {accepted:,} accepted not signed" + (f": {why}" if why else ""))
        error = f"{writer['errors']:,} writes failed, the last {_ago(now - writer['last_error'])}"
        tail = error if writer["errors"] else "no write failed"
        line = f"{writer['lines']:,} lines written, {writer['waiting']} waiting; {tail}"
    except (KeyError, TypeError, ValueError, AttributeError):
        return
    yield from _section("messages", rows)
    yield f"{'writer':<9} {line}"


def _section(name: str, rows: list[str]) -> Iterator[str]:
    for number, row in enumerate(rows):
        yield f"{name if not number else '':<9} {row}"


def _mode(status: dict[str, Any]) -> str:
    seal = "" if status.get("seal") else "; seal off: nothing is signed"
    over = status.get("override")
    if not isinstance(over, dict):
        return f"{status.get('mode')}{seal}"
    end = f"{datetime.fromtimestamp(float(over['until'])).astimezone():%Y-%m-%d %H:%M %Z}"
    why = f": {_shown(str(over['why']))}" if over.get("why") else ""
    return f"{status.get('mode')} until {end}, then as the profile says; by {_shown(str(over.get('by')))}{why}{seal}"


def _workers(status: dict[str, Any]) -> str:
    kinds = ("starting", "behind", "silent", "draining")
    starting, behind, silent, draining = (len(status.get(name, ())) for name in kinds)
    text = f"{len(status.get('workers', ())) - starting - behind - silent} of {status.get('wanted')} have it in force"
    text += f", {silent} silent" if silent else ""
    text += f", {starting} starting" if starting else ""
    return text + (f", {behind} behind" if behind else "") + (f", {draining} draining" if draining else "")


def _key(key: dict[str, Any], now: float) -> str:
    signs = "signs and verifies" if key.get("verifies") else click.style("DOES NOT VERIFY", fg="red")
    word = str(key.get("dns"))
    dns = _DNS.get(word, f"UNUSABLE ({word})")
    if word not in ("ok", "testing", "unknown", "unasked"):
        dns = click.style(dns, fg="red")
    age = f", {_ago(now - float(key['answered']))}" if key.get("answered") else ""
    secure = ", DNSSEC" if key.get("secure") else ""
    unused = "; not used" if not key.get("used", True) else ""
    return f"{_shown(str(key.get('name')))}  {key.get('algorithm')}  {signs}; DNS: {dns}{age}{secure}{unused}"


def _ago(seconds: float) -> str:
    for name, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {name} ago" if seconds < 1e9 else "never"
    return f"{max(seconds, 0):.0f} s ago"


def _shown(text: str) -> str:
    return printable(text, 600)
