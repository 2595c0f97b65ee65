"""`sealgate audit rotate`: the live file renamed, old ones packed, and what has had its time removed.

To be run hourly or daily by a timer, as the gate's user or as root. The gate is told nothing and loses no line.
"""

import json
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import click

from sealgate.adapters import rotating
from sealgate.adapters.auditfiles import files_of
from sealgate.adapters.rotating import Plan
from sealgate.app.ports import PortError
from sealgate.cli import EX_CANTCREAT, EX_CONFIG, EX_TEMPFAIL, EX_USAGE, Stop
from sealgate.cli.loading import settings_option, settings_or_stop
from sealgate.daemon import erasure
from sealgate.daemon.erasure import Forgotten
from sealgate.profile.model import Record
from sealgate.profile.settings import Settings

SLACK: Final = timedelta(days=7)  # a file of values is not written anew for less
_UNITS: Final = {"": 1, "k": 1 << 10, "M": 1 << 20, "G": 1 << 30}
_REASON: Final = "its time is over"


@dataclass(frozen=True, slots=True)
class _Done:
    """What was done, or would be."""

    plan: Plan
    gone: Forgotten
    hold: str = ""
    unknown: str = ""


@click.command("rotate")
@click.option("--now", "is_forced", is_flag=True, help="Rename the live file, however small and young it is.")
@click.option(
    "--size", "said_size", default="256M", show_default=True, help="Rename it beyond this size: 100k, 256M, 1G."
)
@click.option("--only-expired", is_flag=True, help="Rename and pack nothing: logrotate does that here.")
@click.option("--dry-run", "is_trial", is_flag=True, help="Say what would be done, and do nothing.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@settings_option
@click.pass_context
def command(
    ctx: click.Context,
    is_forced: bool,
    said_size: str,
    only_expired: bool,
    is_trial: bool,
    as_json: bool,
    settings_path: Path,
) -> None:
    """Rename the audit file when it is large or a day old, pack older ones, remove what has had its time.

    The new name is audit.jsonl-YYYYMMDD-HHMMSS in UTC. The newest renamed file is packed by a later run, when the gate
    has certainly left it. Removed are files whose lines are all older than `keep_lines` of the profile, and salts,
    values and keys older than `keep_personal` (as with `sealgate audit forget --before`, a week later at most). Under
    a legal hold nothing is removed. What was removed is said in the record.

    Exit status: 0 done or nothing to do, 73 a step failed, 75 another one is at work, 78 the profile cannot be read:
    files were renamed and packed, and nothing was removed, as nobody knows whether there is a hold.

    \b
    sealgate audit rotate
    sealgate audit rotate --now --dry-run
    sealgate audit rotate --only-expired      beside logrotate, see conf/logrotate
    """
    size = _size(said_size)
    settings = settings_or_stop(settings_path)
    live = Path(settings.audit_log)
    try:
        with rotating.alone(live.parent):
            plan = _renaming(live, size, is_forced=is_forced) if not only_expired else Plan(None, "--only-expired")
            if plan.rename is not None and not is_trial:
                rotating.rename(live, plan.rename)
            try:
                done = _removing(settings, live, plan, is_trial=is_trial)
            finally:  # a file that cannot be read any more keeps none from being packed
                _pack(plan.pack, is_trial=is_trial)
    except PortError as error:
        raise Stop(EX_TEMPFAIL, str(error)) from error
    except OSError as error:
        raise Stop(EX_CANTCREAT, f"{error.filename or live.parent}: {error.strerror or error}") from error
    for line in [json.dumps(_as_json(done, is_trial=is_trial))] if as_json else _told(done, is_trial=is_trial):
        click.echo(line)
    if done.unknown:
        click.echo(f"sealgate: nothing was removed, as nobody knows whether there is a hold: {done.unknown}", err=True)
        ctx.exit(EX_CONFIG)


def _size(text: str) -> int:
    match = re.fullmatch(r"([0-9]{1,12})([kMG]?)", text)
    if not match or not int(match[1]):
        raise Stop(EX_USAGE, f"--size {text[:40]!r}: write 100k, 256M or 1G")
    return int(match[1]) * _UNITS[match[2]]


def _renaming(live: Path, size: int, *, is_forced: bool) -> Plan:
    now = datetime.fromtimestamp(time.time(), UTC)
    files = files_of(live)
    why = rotating.why_rename(live, now, size=size, is_forced=is_forced)
    to = rotating.new_name(live, files, now) if why else None
    return Plan(to, why, rotating.packable(live, files, to))


def _pack(paths: tuple[Path, ...], *, is_trial: bool) -> None:
    for path in paths:
        if not is_trial and path.exists():  # else it was just removed
            rotating.pack(path)


def _removing(settings: Settings, live: Path, plan: Plan, *, is_trial: bool) -> _Done:
    """Remove what has had its time; what was removed is in the plan that comes back."""
    try:
        record, hold = erasure.record_of(settings), erasure.hold_of(settings)
    except PortError as error:
        return _Done(plan, Forgotten(), unknown=str(error))
    if hold:
        return _Done(plan, Forgotten(), hold=hold)
    now = datetime.fromtimestamp(time.time(), UTC)
    old = rotating.expired(files_of(live), now - timedelta(seconds=record.keep_lines))
    if old and not is_trial:
        for one in old:
            rotating.remove(one.path)
        names = [one.path.name for one in old]
        _say(settings, "lines", files=names, first_line=old[0].first, last_line=old[-1].last)
    try:
        gone = _aged(settings, record, now, is_trial=is_trial)
    except PortError as error:
        raise OSError(5, f"values that have had their time were not, or not all, erased: {error}") from error
    removed = {one.path for one in old}
    return _Done(Plan(plan.rename, plan.why, tuple(one for one in plan.pack if one not in removed), old), gone)


def _aged(settings: Settings, record: Record, now: datetime, *, is_trial: bool) -> Forgotten:
    before = now - timedelta(seconds=record.keep_personal)
    gone = erasure.forget_before(Path(settings.state), before, SLACK, is_trial=is_trial)
    if gone.is_anything and not is_trial:
        stamp = before.isoformat(timespec="microseconds").replace("+00:00", "Z")
        _say(settings, "before", values=gone.values, epochs=list(gone.epochs), keys=list(gone.keys), before=stamp)
    return gone


def _say(settings: Settings, what: str, **more: Any) -> None:
    why_not = erasure.tell(settings, what, _REASON, **more)
    if why_not:
        click.echo(f"sealgate: not said in the record, which only the running gate can write: {why_not}", err=True)


def _told(done: _Done, *, is_trial: bool) -> Iterator[str]:
    plan, would = done.plan, "would be " if is_trial else ""
    if plan.rename is not None:
        yield f"{would}renamed to {plan.rename.name}: {plan.why}"
    for path in plan.pack:
        yield f"{would}packed: {path.name}"
    for one in plan.remove:
        yield f"{would}removed: {one.path.name}, lines {one.first} to {one.last}, past keep_lines"
    if done.gone.is_anything:
        keys = f", and the key of {', '.join(done.gone.keys)}" if done.gone.keys else ""
        yield f"{would}erased: {done.gone.values} salts with their values, past keep_personal{keys}"
    if done.hold:
        yield f"nothing was removed: {done.hold}"
    elif plan.rename is None and not plan.pack and not plan.remove and not done.gone.is_anything:
        yield "nothing to do"


def _as_json(done: _Done, *, is_trial: bool) -> dict[str, Any]:
    plan = done.plan
    return {
        "dry_run": is_trial,
        "renamed": str(plan.rename) if plan.rename is not None else None,
        "why": plan.why,
        "packed": [str(path) for path in plan.pack],
        "removed": [{"file": str(one.path), "first": one.first, "last": one.last} for one in plan.remove],
        "values": done.gone.values,
        "epochs": list(done.gone.epochs),
        "keys": list(done.gone.keys),
        "hold": done.hold,
        "unknown": done.unknown,
    }
