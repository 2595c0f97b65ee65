"""`sealgate audit match`: whether a copy, such as a complaint's, is ours, and what was changed on its way.

The line is found in the record (`audit.matching`); header, body and ways out of the copy are then held against it
(`audit.differences`). HTML of a stranger is read as the gate reads it: what is heavy, in a process with limits.
"""

import json
import sys
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Final

import click

from sealgate.adapters.auditfiles import Line, stream
from sealgate.app.gather import gather
from sealgate.app.intake import Intake
from sealgate.app.ports import PortError
from sealgate.audit.differences import differences
from sealgate.audit.looking import Wanted, clear_recipients, recipients
from sealgate.audit.matching import Candidate, Traces, ranked, traces_of
from sealgate.audit.personal import plain_address
from sealgate.checks.facts import Facts, Unknown
from sealgate.cli import EX_DATAERR, Stop
from sealgate.cli.audit_asking import Record, columns, reading, record_options, record_or_stop, wanted_of
from sealgate.cli.audit_hidden import values_of
from sealgate.cli.audit_matched import Matched, as_document, told
from sealgate.mail.address import AddressError, parse_mailboxes
from sealgate.mail.enclosed import enclosed, is_report
from sealgate.mail.filed import Filed, read_filed
from sealgate.mail.headers import Headers
from sealgate.mail.message import Envelope, Message, Session
from sealgate.profile.model import Form
from sealgate.screening.limited import LimitedReader
from sealgate.screening.mailfiles import items

_ADDRESSED: Final = (b"delivered-to", b"x-original-to", b"envelope-to", b"to", b"cc")


@click.command("match")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--since", metavar="T", help="Look at the lines from then on: 2026-11-21, 3d, yesterday (UTC).")
@click.option("--until", metavar="T", help="Look at the lines up to then.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@record_options
@click.pass_context
def command(ctx: click.Context, /, file: Path, as_json: bool, **said: Any) -> None:
    """Find the line of the message in FILE, and say what is not as it was when we let it go.

    FILE is a message (.eml), a complaint that holds one (a feedback report, a message forwarded as an attachment), or
    `-` for standard input.

    Exit 0 where there is a line, changed or not (--json says); 1 where there is none; 65 where FILE is no message.

    \b
    sealgate audit match complaint.eml
    sealgate audit match complaint.eml --since 2026-10-01 --json
    """
    wanted, record = wanted_of(said), record_or_stop(said)
    matched = _matched(_copies(file), record, wanted)
    click.echo(json.dumps(as_document(matched)) if as_json else told(matched, width=columns()))
    ctx.exit(0 if matched.candidates else 1)


@dataclass(frozen=True, slots=True)
class _Copy:
    """The message in hand."""

    filed: Filed
    message: Message
    facts: Facts
    body_sha256: str
    traces: Traces


def _copies(path: Path) -> tuple[_Copy, ...]:
    """The message of a file and one attached to it, the likelier first."""
    found = list(islice(items(path, sys.stdin.buffer), 2))
    if not found or found[0].fault:
        raise Stop(EX_DATAERR, f"{path}: {found[0].fault if found else 'it is empty'}")
    if len(found) > 1:
        raise Stop(EX_DATAERR, f"{path} holds several messages: put the one that is meant into a file of its own")
    filed = read_filed(found[0].octets)
    if filed is None:
        raise Stop(EX_DATAERR, f"{path}: it does not begin with a header field, so it is no message")
    inner = enclosed(filed)
    both = (filed,) if inner is None else (inner, filed) if is_report(filed) else (filed, inner)
    return tuple(map(_copy, both))


def _copy(filed: Filed) -> _Copy:
    intake = Intake()
    for field in filed.headers:
        intake.header(field.name, field.value)
    intake.body(filed.body)
    message, hashes = intake.finish(
        reference="", received_at=0.0, session=Session("match", "", -1), envelope=Envelope(b"<>")
    )
    body_sha256 = hashes[Form.RELAXED].hex()
    return _Copy(filed, message, _facts(message), body_sha256, traces_of(message.headers, body_sha256))


def _facts(message: Message) -> Facts:
    reader = LimitedReader()
    try:
        return gather(message, reader, frozenset())
    except PortError as error:
        return Facts((Unknown(str(error)),) * len(message.body.parts))
    finally:
        reader.close()


def _matched(copies: tuple[_Copy, ...], record: Record, wanted: Wanted) -> Matched:
    paths = record.files()
    for is_weak in (False, True):  # author and date alone only where nothing better was found
        for copy in copies:
            with reading("looking by author and date" if is_weak else "looking for its line") as bar:
                lines = stream(paths, since=wanted.since, until=wanted.until, progress=bar)
                candidates, ties = ranked(lines, copy.traces, is_weak=is_weak)
            if candidates:
                return _compared(copy, candidates, ties, record)
    return Matched(copies[0].filed.notes, copies[0].traces)


def _compared(copy: _Copy, candidates: tuple[Candidate[Line], ...], ties: int, record: Record) -> Matched:
    event = candidates[0].found.event
    values = values_of(record.state, event)
    found = differences(
        event, copy.message, copy.facts, copy.filed.body, copy.body_sha256, copy.traces.signatures, values.veil
    )
    known = {*clear_recipients(event), *values.by_hash.values(), *values.in_order}
    return Matched(
        copy.filed.notes,
        copy.traces,
        candidates,
        ties,
        found,
        subject=values.subject,
        went_to=tuple(one for one in _addressed(copy.message.headers) if one in known),
        lacks_recipients=len(known) < len({str(one) for one in recipients(event)}),
    )


def _addressed(headers: Headers) -> tuple[str, ...]:
    """Whom the copy names as its readers, canonical."""
    found: dict[str, None] = {}
    for name in _ADDRESSED:
        for field in headers.every(name)[:20]:
            try:
                boxes = parse_mailboxes(field.value)
            except AddressError:
                continue
            found |= {plain_address(str(box.address)): None for box in boxes}
    return tuple(found)
