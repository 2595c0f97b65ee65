"""`sealgate audit report`: a month of the record added up for counsel, as HTML, Markdown, CSV or text."""

import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import click

from sealgate.adapters.auditfiles import stream
from sealgate.audit.moments import moment_of
from sealgate.audit.record import moment
from sealgate.audit.report import document
from sealgate.audit.tally import Tally
from sealgate.cli import EX_CANTCREAT, EX_USAGE, Stop
from sealgate.cli.audit_asking import Record, reading
from sealgate.cli.audit_report_page import page
from sealgate.cli.audit_report_text import as_csv, markdown, text
from sealgate.cli.loading import settings_option, settings_or_stop

_FORMATS: Final = {"html": page, "md": markdown, "csv": as_csv, "text": text}


@click.command("report")
@settings_option
@click.option("--log", "log_path", type=click.Path(path_type=Path), help="Another audit file, with its rotated ones.")
@click.option("--month", help="A month such as 2026-10; the one before this, where no time is given.")
@click.option("--since", help="2026-11-21, 2026-11-21T09:00Z, 2h, 3d, yesterday. Days are UTC.")
@click.option("--until", help="Likewise; a day that is named here is meant with all of it.")
@click.option("--format", "form", type=click.Choice(sorted(_FORMATS)), default="text", show_default=True)
@click.option("--output", "-o", type=click.Path(path_type=Path, dir_okay=False), help="Write it there, with mode 0640.")
@click.option(
    "--top", type=click.IntRange(1, 1000), default=20, show_default=True, help="Rows of senders and networks."
)
def command(
    settings_path: Path,
    log_path: Path | None,
    month: str | None,
    since: str | None,
    until: str | None,
    form: str,
    output: Path | None,
    top: int,
) -> None:
    """Add up a month for counsel: volumes, refusals and their law, commercial mail, signatures, all that casts doubt.

    The lines are added up, not verified: run `sealgate audit verify` too, and keep its answer with the report.

    \b
    sealgate audit report --month 2026-10 --format html --output october.html
    sealgate audit report --since 2026-11-01 --until 2026-11-14
    """
    begin, end = span(month, since, until, datetime.now(UTC))
    path = log_path or Path(settings_or_stop(settings_path).audit_log)
    tally = Tally(begin, end)
    for line in lines(path, begin, end, "adding up"):
        tally.take(line)
    rendered = _FORMATS[form](document(tally, moment(time.time()), top))
    if output is None:
        click.echo(rendered.encode("utf-8", "replace"), nl=False)
    else:
        _write(output, rendered.encode("utf-8", "replace"))


def span(month: str | None, since: str | None, until: str | None, now: datetime) -> tuple[str, str]:
    """The span that is asked for, RFC 3339; its end is not meant any more.

    Raises:
        Stop: it is no time, or both a month and a span.
    """
    if month is not None and (since or until):
        raise Stop(EX_USAGE, "say either --month or --since and --until")
    if since or until:
        begin, end = moments(since, until, now)
        if begin and end and begin >= end:
            raise Stop(EX_USAGE, "--since is not before --until")
        return begin, end
    try:
        first = datetime.strptime(month, "%Y-%m") if month else datetime(now.year, now.month, 1)
        if month is None:  # the month before
            first = datetime(now.year - (now.month == 1), (now.month - 2) % 12 + 1, 1)
        following = datetime(first.year + first.month // 12, first.month % 12 + 1, 1)
    except ValueError as error:
        raise Stop(EX_USAGE, f"--month {month!r} is no month: write 2026-10") from error
    return (f"{first:%Y-%m-%d}T00:00:00.000000Z", f"{following:%Y-%m-%d}T00:00:00.000000Z")


def moments(since: str | None, until: str | None, now: datetime) -> tuple[str, str]:
    """Two times as they were said; empty where they were not.

    Raises:
        Stop: one is no time.
    """
    found = []
    for option, said in (("--since", since), ("--until", until)):
        try:
            found.append(moment_of(said, now, is_end=option == "--until") if said else "")
        except ValueError as error:
            raise Stop(EX_USAGE, f"{option} {said!r}: {error}") from error
    return found[0], found[1]


def lines(path: Path, since: str, until: str, doing: str) -> Iterator[bytes]:
    """The lines of a record and of what rotation made of it, with a bar where somebody watches.

    Raises:
        Stop: it is not there, or cannot be read to its end.
    """
    paths = Record(path, None).files()
    with reading(doing) as bar:
        for line in stream(paths, since=since, until=until, progress=bar):
            yield line.octets


def _write(path: Path, octets: bytes) -> None:
    """Put the report in place as a whole."""
    made = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        fd = os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o640)
        try:
            with os.fdopen(fd, "wb") as file:
                file.write(octets)
            made.replace(path)
        finally:
            made.unlink(missing_ok=True)
    except OSError as error:
        raise Stop(EX_CANTCREAT, f"{path}: {error.strerror}") from error
