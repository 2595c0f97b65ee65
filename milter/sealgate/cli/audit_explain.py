"""`sealgate audit explain`: the story of one message, by the id that a reply carries or by the MTA's queue id.

A queue id is used again over the years, so all messages that had it are told, the newest last.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import click

from sealgate.adapters import profilestore
from sealgate.adapters.auditfiles import Line, stream
from sealgate.app.ports import PortError
from sealgate.audit.looking import CONTINUED, Found, event_of, joined, text_at
from sealgate.cli import EX_USAGE, Stop
from sealgate.cli.audit_asking import Record, columns, reading, record_options, record_or_stop
from sealgate.cli.audit_hidden import values_of
from sealgate.cli.audit_story import Context, story
from sealgate.cli.telling import Event, harmless, row, unharmed
from sealgate.mail.reply import printable

_ID: Final = re.compile(r"[0-9A-HJKMNP-TV-Z]{16}")  # as the gate makes them
_ADVICE: Final = (
    "An id is the 16 letters and digits behind `refusal` in a reply; a queue id is written as in the MTA's log. "
    "Without either: sealgate audit find --rcpt ADDR, or audit match FILE.eml. Lines past keep_lines are gone."
)
_MOST: Final = 1_000  # messages that had one queue id


@click.command("explain")
@click.argument("reference", metavar="ID|QUEUEID")
@click.option("--json", "as_json", is_flag=True, help="The lines as they are.")
@record_options
@click.pass_context
def command(ctx: click.Context, /, reference: str, as_json: bool, **said: Any) -> None:
    """Tell the story of a message: who, what was found where, by which law, what was answered, signed, changed.

    ID is what a refusal says behind `refusal`, and what log and record carry. Exit 1 if no line has it.

    \b
    sealgate audit explain 06B3K2QJX8M4T7ZR
    sealgate audit explain 4TstWIRE
    """
    if "@" in reference:
        raise Stop(EX_USAGE, "that looks like a Message-ID: sealgate audit find --message-id ID")
    record = record_or_stop(said)
    gathered = _Gathered(reference)
    with reading("looking") as bar:
        for line in stream(record.files(), progress=bar):
            gathered.take(line)
    if not gathered.told:
        _say_why_not(gathered, record, reference)
        ctx.exit(1)
    if as_json:
        for line in gathered.lines():
            click.echo(unharmed(line.octets))
        return
    messages = gathered.messages()
    if len(messages) > 1:
        click.echo(f"{len(messages)} messages had this queue id; the newest is the last:\n")
    for number, (found, later) in enumerate(messages):
        click.echo(("\n" * bool(number)) + _told(found, later, record))


def _told(found: Found[Line], later: tuple[Event, ...], record: Record) -> str:
    event = harmless(found.event)
    place = f"{found.lines[0].path.name}:{found.lines[0].number}"
    if len(found.lines) > 1:
        place += f" to {found.lines[-1].number}"
    context = Context(place, tuple(map(harmless, later)), harmless_values(found.event, record), _kept(event, record))
    return story(event, context, width=columns())


def harmless_values(event: Event, record: Record) -> Any:
    """What stands behind the hashes; the story prints it through `printable`."""
    return values_of(record.state, event)


def _kept(event: Event, record: Record) -> str:
    digest = text_at(event, "profile")
    if record.state is None or not re.fullmatch("[0-9a-f]{64}", digest):
        return ""
    try:
        is_kept = digest in profilestore.kept(record.state)
    except PortError:
        return "whether it is kept cannot be read by you"
    return "kept" if is_kept else "not kept"


@dataclass(slots=True)
class _Gathered:
    """Takes lines in their order, and keeps what speaks of the message, in as little as that needs."""

    reference: str
    told: list[Found[Line]] = field(default_factory=list)
    counts: list[Event] = field(default_factory=list)  # of refusals among which it may be
    _ids: set[str] = field(default_factory=set)
    _needles: list[bytes] = field(default_factory=list)
    _is_open: bool = False  # the line before is ours, and may be continued
    _more: list[Line] = field(default_factory=list)  # by these so far

    def __post_init__(self) -> None:
        self._needles = [self.reference.encode("ascii", "replace")]

    def take(self, line: Line) -> None:
        octets = line.octets
        if self._is_open and CONTINUED in octets:
            self._more.append(line)
            return
        self._settle()
        if b'"kind":"refusals"' in octets:
            self._count(octets)
            return
        if not any(needle in octets for needle in self._needles) or len(self.told) >= _MOST:
            return
        event = event_of(octets)
        if self.reference in (event.get("id"), event.get("queue_id")) or event.get("id") in self._ids:
            self.told.append(Found(event, (line,)))
            self._is_open = event.get("kind") == "decision"
            reference = event.get("id")
            if isinstance(reference, str) and reference not in self._ids:
                self._ids.add(reference)  # its corrections come later, and do not have the queue id
                self._needles.append(reference.encode("ascii", "replace"))

    def _settle(self) -> None:
        """Put together what the last decision is continued by, once it is known to be all."""
        self._is_open = False
        if self._more:
            last = self.told[-1]
            event = joined([last.event, *(event_of(line.octets) for line in self._more)])
            self.told[-1] = Found(event, (*last.lines, *self._more))
            self._more = []

    def _count(self, octets: bytes) -> None:
        if not _ID.fullmatch(self.reference) or len(self.counts) >= _MOST:
            return
        event = event_of(octets)
        if text_at(event, "first") <= self.reference <= text_at(event, "last"):
            self.counts.append(event)

    def lines(self) -> Iterator[Line]:
        self._settle()
        for found in self.told:
            yield from found.lines

    def messages(self) -> list[tuple[Found[Line], tuple[Event, ...]]]:
        """Each decision with what came of it later; what has no decision stands for itself. Newest last."""
        self._settle()
        decisions = [found for found in self.told if found.event.get("kind") == "decision"]
        others = [found for found in self.told if found.event.get("kind") != "decision"]
        known = {found.event.get("id") for found in decisions}
        messages = [
            (found, tuple(one.event for one in others if one.event.get("id") == found.event.get("id")))
            for found in decisions
        ]
        messages += [(found, ()) for found in others if found.event.get("id") not in known]
        return sorted(messages, key=lambda one: text_at(one[0].event, "t") or text_at(one[0].event, "w"))


def _say_why_not(gathered: _Gathered, record: Record, reference: str) -> None:
    click.echo(f"sealgate: {record.path} and its older files have no line of {printable(reference)}", err=True)
    if not gathered.counts:
        click.echo(_ADVICE, err=True)
    if gathered.counts:
        click.echo("A client without a login is only counted when it is refused. It is one of these:")
        for event in gathered.counts:
            click.echo(row(harmless(event), width=columns(), is_dated=True))
