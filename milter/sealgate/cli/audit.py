"""`sealgate audit`: read the record, for people and for machines."""

import importlib
import time
from collections.abc import Iterator
from contextlib import closing
from types import MappingProxyType
from typing import Any, Final, NamedTuple

import click

from sealgate.adapters.auditfiles import Tail
from sealgate.audit.looking import CONTINUED, Wanted, event_of, groups_of, joined
from sealgate.cli.audit_asking import columns, filter_options, record_options, record_or_stop, unread, wanted_of
from sealgate.cli.telling import NOISE, harmless, row, unharmed

_VERBS: Final = MappingProxyType({
    "anchor": ("audit_anchor", "command"),
    "explain": ("audit_explain", "command"),
    "export": ("audit_export", "command"),
    "find": ("audit_find", "command"),
    "forget": ("audit_forget", "command"),
    "match": ("audit_match", "command"),
    "replay": ("audit_replay", "command"),
    "report": ("audit_report", "command"),
    "rotate": ("audit_rotate", "command"),
    "suggest": ("suggesting", "command"),
    "verifier": ("audit_verify", "single_file"),
    "verify": ("audit_verify", "command"),
})  # fmt: skip
_PAUSE: Final = 0.1


class _Verbs(click.Group):
    """Loads a verb's file when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted({*super().list_commands(ctx), *_VERBS})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _VERBS:
            return super().get_command(ctx, cmd_name)
        module, name = _VERBS[cmd_name]
        found: click.Command = getattr(importlib.import_module(f"sealgate.cli.{module}"), name)
        return found


@click.group("audit", cls=_Verbs)
def command() -> None:
    """Read the record: watch it, tell one message's story, search it, prove it.

    \b
    sealgate audit tail                         watch the gate decide
    sealgate audit explain 06B3K2QJX8M4T7ZR     what became of this message, and why?
    sealgate audit find --rcpt jane@example.org --since 2026-11-01
    sealgate audit match complaint.eml          was this copy changed?
    sealgate audit verify                       is the record whole?
    """


@command.command("tail")
@click.option("--lines", "-n", default=10, show_default=True, type=click.IntRange(0), help="Old lines to begin with.")
@click.option("--follow/--no-follow", default=True, help="Wait for new lines.")
@filter_options
@click.option("--all", "-a", "shows_all", is_flag=True, help="The lines that speak of the file itself too.")
@click.option("--json", "as_json", is_flag=True, help="The lines as they are, checkpoints and all.")
@record_options
def tail(lines: int, follow: bool, shows_all: bool, as_json: bool, **said: Any) -> None:
    """Watch the gate decide.

    Filters of one kind are alternatives, filters of different kinds must all hold. Times are UTC.

    \b
    sealgate audit tail
    sealgate audit tail --verdict reject --verdict tempfail
    sealgate audit tail --principal alice --domain example.org -n 50 --no-follow
    sealgate audit tail --json | jq 'select(.verdict == "reject")'
    """
    wanted = wanted_of(said)
    path = record_or_stop(said).path
    try:
        with closing(Tail(path)) as file:
            for group in _groups(file, wanted, lines, hides=not (shows_all or as_json), follow=follow):
                for told in map(unharmed, group) if as_json else [_row(group)]:
                    click.echo(told)
    except KeyboardInterrupt:
        pass
    except OSError as error:
        raise unread(error, path) from error


def _row(group: tuple[bytes, ...]) -> str:
    event = joined([event_of(line) for line in group]) or {"kind": "unreadable"}
    return row(harmless(event), width=columns())


class _Line(NamedTuple):
    octets: bytes


def _groups(file: Tail, wanted: Wanted, count: int, *, hides: bool, follow: bool) -> Iterator[tuple[bytes, ...]]:
    """The wanted lines, each decision with those that continue it."""

    def is_wanted(group: tuple[bytes, ...]) -> bool:
        if hides and any(kind in group[0] for kind in NOISE):
            return False
        return wanted.is_anything or wanted.fits(joined([event_of(line) for line in group]))

    older: list[tuple[bytes, ...]] = []
    held: list[bytes] = []  # what continues the decision that comes next, as it is read backwards

    def is_wanted_of_old(line: bytes) -> bool:
        if CONTINUED in line:
            held.append(line)
            return False
        group = (line, *reversed(held))
        held.clear()
        if is_wanted(group):
            older.append(group)
            return True
        return False

    file.last(count, is_wanted_of_old)
    yield from reversed(older)
    while follow:
        # A decision and the lines that continue it are written at once, and so are there at once.
        for group in groups_of(map(_Line, file.poll()), wanted.needles()):
            if is_wanted(octets := tuple(line.octets for line in group)):
                yield octets
        time.sleep(_PAUSE)
