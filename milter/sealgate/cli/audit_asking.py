"""What the verbs that read the record have in common: which files, what is looked for, how far it is.

Filters of one kind are alternatives; filters of different kinds must all hold.
"""

import errno
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, TypeVar

import click

from sealgate.adapters.auditfiles import files_of
from sealgate.audit.looking import CLASSES, Wanted
from sealgate.audit.moments import moment_of
from sealgate.audit.personal import plain_address
from sealgate.cli import EX_DATAERR, EX_USAGE, UNWRITABLE, Stop
from sealgate.cli.loading import settings_option, settings_or_stop
from sealgate.mail.reply import printable
from sealgate.wiring import read_settings

F = TypeVar("F", bound=Callable[..., Any])

_LONG: Final = 20_000_000  # octets that take long enough for a bar
_VERDICTS: Final = ("accept", "reject", "tempfail", "quarantine")
_BAR: Final = 30  # columns


@dataclass(frozen=True, slots=True)
class Record:
    """Where the record is.

    Attributes:
        path: the live file.
        state: the folder of the files that can be erased, the keys of quarters and the profiles; None: not known.
    """

    path: Path
    state: Path | None

    def files(self) -> tuple[Path, ...]:
        """All files, oldest first.

        Raises:
            Stop: there is none.
        """
        try:
            found = files_of(self.path)
        except OSError as error:
            raise unread(error, self.path) from error
        if not found:
            raise Stop(EX_DATAERR, f"there is no audit file at {self.path}; name another one with --log")
        return found


def record_options(function: F) -> F:
    """Add the options that say where the record is: `settings_path`, `log_path`, `state_path`."""
    log = click.option("--log", "log_path", type=click.Path(path_type=Path), help="Another audit file.")
    state = click.option("--state", "state_path", type=click.Path(path_type=Path), help="Another state folder.")
    return settings_option(log(state(function)))


def record_or_stop(said: Mapping[str, Any]) -> Record:
    """Return where the record is. Settings are not needed where --log says it.

    Raises:
        Stop: the settings are needed and cannot be used.
    """
    settings_path: Path = said["settings_path"]
    log_path: Path | None = said["log_path"]
    state_path: Path | None = said["state_path"]
    if log_path is None:
        settings = settings_or_stop(settings_path)
        return Record(Path(settings.audit_log), state_path or Path(settings.state))
    found, _ = read_settings(settings_path)
    return Record(log_path, state_path or (Path(found.state) if found else None))


_FILTERS: Final = (
    click.option("--principal", "principals", multiple=True, metavar="P", help="alice@REALM, alice, or an identity."),
    click.option("--verdict", "verdicts", multiple=True, type=click.Choice(_VERDICTS), help="What was answered."),
    click.option("--rule", "rules", multiple=True, metavar="CODE", help="A rule that was met, or a family: canspam."),
    click.option("--domain", "domains", multiple=True, metavar="D", help="A sender's or recipient's; .D: all below."),
    click.option("--queue-id", "queue_ids", multiple=True, metavar="ID", help="The MTA's name of a message."),
    click.option("--class", "classes", multiple=True, type=click.Choice(CLASSES), help="Judged as commercial or not."),
)  # fmt: skip


def filter_options(function: F) -> F:
    """Add the filters that every verb has."""
    for option in reversed(_FILTERS):
        function = option(function)
    return function


def wanted_of(said: Mapping[str, Any]) -> Wanted:
    """Turn options into what is looked for.

    Raises:
        Stop: a time cannot be read.
    """
    now = datetime.now(UTC)
    return Wanted(
        recipients=tuple(plain_address(one) for one in said.get("recipients") or ()),
        message_ids=tuple(said.get("message_ids") or ()),
        principals=tuple(said.get("principals") or ()),
        senders=tuple(plain_address(one) for one in said.get("senders") or ()),
        verdicts=tuple(said.get("verdicts") or ()),
        queue_ids=tuple(said.get("queue_ids") or ()),
        classes=tuple(said.get("classes") or ()),
        since=_moment("--since", said.get("since"), now, is_end=False),
        until=_moment("--until", said.get("until"), now, is_end=True),
        domains=tuple(one.strip().lower() for one in said.get("domains") or ()),
        rules=tuple(one.strip().lower() for one in said.get("rules") or ()),
    )


def _moment(option: str, text: str | None, now: datetime, *, is_end: bool) -> str:
    try:
        return moment_of(text, now, is_end=is_end) if text else ""
    except ValueError as error:
        raise Stop(EX_USAGE, f"{option} {printable(text or '')}: {error}") from error


def columns() -> int:
    """How wide the terminal is; 0: standard output is none."""
    return max(40, shutil.get_terminal_size().columns) if sys.stdout.isatty() else 0


class Bar:
    """How far the reading is, on standard error, where somebody watches and it takes a while."""

    def __init__(self, label: str) -> None:
        self._label = label
        self._is_on = sys.stderr.isatty()
        self._read = 0
        self._drawn = ""
        self._next = time.monotonic() + 0.3

    def __call__(self, octets: int, total: int) -> None:
        """Count what was read of so many octets."""
        self._read += octets
        if not self._is_on or total < _LONG or time.monotonic() < self._next:
            return
        self._next = time.monotonic() + 0.1
        part = min(1.0, self._read / total)
        self._drawn = f"{self._label} [{'#' * int(part * _BAR):<{_BAR}}] {part:4.0%} of {total >> 20:,} MiB"
        click.echo(f"\r\x1b[K{self._drawn}", nl=False, err=True)

    def clear(self) -> None:
        """Take it away, before anything else is printed."""
        if self._drawn:
            click.echo("\r\x1b[K", nl=False, err=True)
            self._drawn = ""


def unread(error: OSError, path: Path, status: int = EX_DATAERR) -> Stop:
    """What to say, and what to do, where a file of the record cannot be read.

    Raises:
        OSError: it is no such file: what we say cannot be written out, of which `sealgate.cli` speaks.
    """
    if error.filename is None and error.errno in UNWRITABLE:
        raise error
    if error.errno == errno.ENOENT and Path(error.filename or path) in (path, path.parent):
        return Stop(status, f"there is no audit file at {path}; name another one with --log")
    is_denied = error.errno == errno.EACCES
    advice = "; run this as root, as the gate's own account, or in its group" * is_denied
    return Stop(status, f"{error.filename or path}: {error.strerror}{advice}")


@contextmanager
def reading(label: str) -> Iterator[Bar]:
    """A bar, and an exit status for what a disk can do.

    Raises:
        Stop: a file cannot be read.
    """
    bar = Bar(label)
    try:
        yield bar
    except OSError as error:
        raise unread(error, Path()) from error
    finally:
        bar.clear()
