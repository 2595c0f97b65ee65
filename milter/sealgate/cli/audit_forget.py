"""`sealgate audit forget`: erase what the record hides, so that its hashes mean nothing any more; the chain stays."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import click

from sealgate.app.ports import PortError
from sealgate.audit.moments import moment_of
from sealgate.audit.personal import is_epoch, plain_address
from sealgate.cli import EX_CANTCREAT, EX_CONFIG, EX_USAGE, Stop
from sealgate.cli.loading import settings_option, settings_or_stop
from sealgate.daemon import erasure
from sealgate.daemon.erasure import Forgotten
from sealgate.mail.reply import printable
from sealgate.profile.model import Showing
from sealgate.profile.settings import Settings

MAX_REASON: Final = 500  # characters


@click.command("forget")
@click.option(
    "--epoch", default="", help="A calendar quarter that is over, such as 2025q1: its key and all its values."
)
@click.option("--rcpt", "recipient", default="", help="One recipient, in all quarters.")
@click.option("--before", default="", help="Everything older than this: 2025-10-01, 90d.")
@click.option("--reason", default="", help="Why, for the record; it must not hold the address.")
@click.option("--dry-run", "is_trial", is_flag=True, help="Say what would go, and change nothing.")
@settings_option
@click.pass_context
def command(
    ctx: click.Context, epoch: str, recipient: str, before: str, reason: str, is_trial: bool, settings_path: Path
) -> None:
    """Erase what stands behind the hashes of the record: keys, or salts and values. No line is changed.

    Once they are gone nobody can prove or find out any more what a hash stands for; `audit verify` still passes, and
    the other recipients of the same message can still be proven. --rcpt takes out recipients only: a subject in which
    the address stands goes with --before or --epoch. Backups and copies that were shipped elsewhere are not reached.

    While the profile says `record: {legal_hold: yes}` nothing is erased.

    Exit status: 0 done, 1 a legal hold forbids it, or the lines hold addresses in clear, 73 it could not be erased,
    78 the profile cannot be read, so nobody knows whether there is a hold.

    \b
    sealgate audit forget --rcpt bob@example.net --reason "request 2026-117"
    sealgate audit forget --epoch 2025q1 --dry-run
    sealgate audit forget --before 2025-10-01
    """
    if [bool(epoch), bool(recipient), bool(before)].count(True) != 1:
        raise Stop(EX_USAGE, "say one of --epoch QUARTER, --rcpt ADDRESS and --before TIME")
    moment = _read(epoch, recipient, before, reason)
    settings = settings_or_stop(settings_path)
    try:
        hold, record = erasure.hold_of(settings), erasure.record_of(settings)
    except PortError as error:
        raise Stop(EX_CONFIG, f"nothing was erased, as nobody knows whether there is a legal hold: {error}") from error
    if hold:
        raise Stop(1, f"nothing was erased: {hold}")
    state = Path(settings.state)
    ways: dict[str, Callable[[], Forgotten]] = {
        "epoch": lambda: erasure.forget_epoch(state, epoch, is_trial=is_trial),
        "recipient": lambda: erasure.forget_address(state, recipient, is_trial=is_trial),
        "before": lambda: erasure.forget_before(state, moment, is_trial=is_trial),
    }
    what = "epoch" if epoch else "recipient" if recipient else "before"
    try:
        gone = ways[what]()
    except PortError as error:
        raise Stop(EX_CANTCREAT, f"not erased, or not all of it; run this again: {error}") from error
    _tell(gone, is_trial=is_trial)
    if gone.is_anything and not is_trial:
        _record(settings, what, reason, gone, moment if before else None)
    if recipient:
        ctx.exit(_of_lines(record.recipients))


def _read(epoch: str, recipient: str, before: str, reason: str) -> datetime:
    """Check what was said; return the time of --before."""
    now = time.time()
    if epoch and not is_epoch(epoch):
        raise Stop(EX_USAGE, f"--epoch {printable(epoch, 40)}: write a quarter such as 2025q1")
    if epoch and not erasure.is_over(epoch, now):
        raise Stop(EX_USAGE, f"--epoch {epoch}: that quarter is not over, its key is in use; use --before or --rcpt")
    plain = plain_address(recipient)
    if recipient and "@" not in plain:
        raise Stop(EX_USAGE, f"--rcpt {printable(recipient, 100)}: write an address")
    if len(reason) > MAX_REASON:
        raise Stop(EX_USAGE, f"--reason: {MAX_REASON} characters at most")
    if plain and plain in reason.lower():
        raise Stop(EX_USAGE, "--reason holds the address: the record would keep what is to be forgotten")
    if not before:
        return datetime.fromtimestamp(now, UTC)
    try:
        found = datetime.fromisoformat(moment_of(before, datetime.fromtimestamp(now, UTC)))
    except ValueError as error:
        raise Stop(EX_USAGE, f"--before {printable(before, 40)}: {error}") from error
    if found.timestamp() > now:
        raise Stop(EX_USAGE, f"--before {printable(before, 40)}: that is yet to come")
    return found


def _tell(gone: Forgotten, *, is_trial: bool) -> None:
    if not gone.is_anything:
        click.echo("nothing of that is kept")
        return
    would = "would go" if is_trial else "gone"
    salts = "1 salt with its value" if gone.values == 1 else f"{gone.values} salts with their values"
    click.echo(f"{would}: {salts}, of {', '.join(gone.epochs) or 'no quarter'}")
    if gone.keys:
        click.echo(f"{would}: the key of {', '.join(gone.keys)}")
        if not is_trial:
            click.echo("a running gate may hold such a key in memory until its next reload", err=True)


def _record(settings: Settings, what: str, reason: str, gone: Forgotten, before: datetime | None) -> None:
    stamp = before.isoformat(timespec="microseconds").replace("+00:00", "Z") if before else ""
    why_not = erasure.tell(
        settings, what, reason, values=gone.values, epochs=list(gone.epochs), keys=list(gone.keys), before=stamp
    )
    if why_not:
        click.echo(f"sealgate: not said in the record, which only the running gate can write: {why_not}", err=True)


def _of_lines(recipients: Showing) -> int:
    """Say what the lines themselves still hold; return the exit status."""
    if recipients is Showing.CLEAR:
        click.echo(
            "sealgate: the profile says `recipients: clear`: the lines hold addresses in clear, and those cannot be "
            "erased without breaking the chain. They go with their files (keep_lines). `recipients: hashed` hides "
            "those of messages to come.",
            err=True,
        )
        return 1
    click.echo(
        "only recipients were looked for, not subjects. Lines of a time when the profile said `recipients: clear` hold "
        "the address in clear and stay as they are: sealgate audit find --rcpt shows them",
        err=True,
    )
    return 0
