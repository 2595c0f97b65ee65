"""`sealgate audit`: read the record, for people and for machines."""

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final

import click

from sealgate.cli import EX_DATAERR, Stop, audit_anchor, audit_verify, suggesting
from sealgate.cli.loading import settings_option, settings_or_stop
from sealgate.cli.telling import parsed, row, story, unharmed
from sealgate.mail.reply import printable

_TAIL: Final = 256 * 1024  # octets looked at for the last lines
log_option = click.option("--log", "log_path", type=click.Path(path_type=Path), help="Another audit file.")


@click.group("audit")
def command() -> None:
    """Read the record."""


@command.command("tail")
@settings_option
@log_option
@click.option("--lines", "-n", default=10, show_default=True, help="How many old lines to begin with.")
@click.option("--follow/--no-follow", default=True, help="Wait for new lines.")
@click.option("--json", "as_json", is_flag=True, help="The lines as they are.")
def tail(settings_path: Path, log_path: Path | None, lines: int, follow: bool, as_json: bool) -> None:
    """Watch the gate decide.

    \b
    sealgate audit tail
    sealgate audit tail --json | jq 'select(.verdict == "reject")'
    """
    path = log_path or Path(settings_or_stop(settings_path).audit_log)
    try:
        for line in _lines(path, lines, follow=follow):
            click.echo(unharmed(line) if as_json else row(parsed(line)))
    except KeyboardInterrupt:
        pass
    except OSError as error:
        raise Stop(EX_DATAERR, f"{path}: {error.strerror}") from error


@command.command("explain")
@click.argument("reference")
@settings_option
@log_option
@click.option("--json", "as_json", is_flag=True, help="The matching lines as they are.")
def explain(reference: str, settings_path: Path, log_path: Path | None, as_json: bool) -> None:
    """Tell the story of one message, by the id of a refusal or by its queue id.

    \b
    sealgate audit explain 06B3K2QJX8M4T7ZR
    """
    path = log_path or Path(settings_or_stop(settings_path).audit_log)
    needle = reference.encode("ascii", "replace")
    is_found = False
    try:
        with path.open("rb") as file:
            for line in file:
                if needle not in line:
                    continue
                event = parsed(line)
                if reference in (event.get("id"), event.get("queue_id"), event.get("of")):
                    is_found = True
                    click.echo(unharmed(line) if as_json else story(event))
    except OSError as error:
        raise Stop(EX_DATAERR, f"{path}: {error.strerror}") from error
    if not is_found:
        raise Stop(1, f"{path} holds no line with id or queue id {printable(reference)}")


for _verb in (suggesting.command, audit_verify.command, audit_verify.single_file, audit_anchor.command):
    command.add_command(_verb)


def _lines(path: Path, count: int, *, follow: bool) -> Iterator[bytes]:
    """The last `count` whole lines, then new ones; a file that was renamed away is left for its successor."""
    file: BinaryIO = path.open("rb")
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - _TAIL))
    old = file.read().split(b"\n")
    rest = old.pop()  # what comes after the last newline is not whole yet
    yield from old[max(0, len(old) - count) :] if count else ()
    while follow:
        data = file.read(1 << 16)
        if data:
            *whole, rest = (rest + data).split(b"\n")
            yield from whole
            continue
        file = _successor(path, file)
        time.sleep(0.1)


def _successor(path: Path, file: BinaryIO) -> BinaryIO:
    try:
        if os.stat(path).st_ino != os.fstat(file.fileno()).st_ino:
            new = path.open("rb")
            file.close()
            return new
    except FileNotFoundError:
        pass
    return file
