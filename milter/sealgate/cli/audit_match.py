"""`sealgate audit match`: whether a copy, such as a complaint's, is ours, and what was changed on its way.

The line is found in the record (`audit.matching`); header, body and ways out of the copy are then held against it
(`audit.differences`). HTML of a stranger is read as the gate reads it: what is heavy, in a process with limits.
"""

import json
import sys
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any, Final

import click

from sealgate.adapters.auditfiles import Line, stream
from sealgate.app.gather import gather
from sealgate.app.intake import Intake
from sealgate.app.ports import PortError
from sealgate.audit.differences import differences
from sealgate.audit.looking import Event, Wanted
from sealgate.audit.matching import Candidate, Traces, ranked, traces_of
from sealgate.audit.personal import plain_address
from sealgate.audit.reported import reported
from sealgate.checks.facts import Facts, Unknown
from sealgate.cli import EX_DATAERR, Stop
from sealgate.cli.audit_asking import Record, columns, reading, record_options, record_or_stop, wanted_of
from sealgate.cli.audit_hidden import values_of
from sealgate.cli.audit_matched import Matched, as_document, told
from sealgate.mail.address import AddressError, parse_mailboxes
from sealgate.mail.filed import Filed, read_filed
from sealgate.mail.headers import Headers
from sealgate.mail.message import Envelope, Message, Session
from sealgate.profile.model import Form
from sealgate.screening.limited import LimitedReader
from sealgate.screening.mailfiles import items

_ADDRESSED: Final = (b"delivered-to", b"x-original-to", b"envelope-to", b"to", b"cc")
_MAX_ADDRESSED: Final = 200


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

    Exit 0 where there is a line and nothing that was recorded has changed; 1 where something has; 2 where no line of
    the record is of this message; 65 where FILE is none.

    \b
    sealgate audit match complaint.eml
    sealgate audit match complaint.eml --since 2026-10-01 --json
    """
    wanted, record = wanted_of(said), record_or_stop(said)
    copy = _copy(file)
    candidates, ties, is_weak = _candidates(copy.traces, record, wanted)
    matched = _matched(copy, candidates, ties, record, is_weak=is_weak)
    click.echo(json.dumps(as_document(matched)) if as_json else told(matched, width=columns()))
    ctx.exit(2 if not candidates else 0 if matched.differences and matched.differences.is_same else 1)


@dataclass(frozen=True, slots=True)
class _Copy:
    """The message in hand."""

    name: str
    filed: Filed
    message: Message
    facts: Facts
    body_sha256: str
    traces: Traces


def _copy(path: Path) -> _Copy:
    found = list(islice(items(path, sys.stdin.buffer), 2))
    if not found or found[0].fault:
        raise Stop(EX_DATAERR, f"{path}: {found[0].fault if found else 'it is empty'}")
    if len(found) > 1:
        raise Stop(EX_DATAERR, f"{path} holds several messages: put the one that is meant into a file of its own")
    filed = read_filed(found[0].octets)
    if filed is None:
        raise Stop(EX_DATAERR, f"{path}: it does not begin with a header field, so it is no message")
    inner = reported(filed)
    if inner is not None:
        notes = (*filed.notes, *inner.notes, "the file is a report: the message attached to it is the one looked for")
        filed = replace(inner, notes=notes)
    intake = Intake()
    for field in filed.headers:
        intake.header(field.name, field.value)
    intake.body(filed.body)
    session, envelope = Session("match", "", -1), Envelope(b"<>")
    message, hashes = intake.finish(reference="", received_at=0.0, session=session, envelope=envelope)
    body_sha256 = hashes[Form.RELAXED].hex()
    return _Copy(
        found[0].name, filed, message, _facts(message), body_sha256, traces_of(message.headers, body_sha256)
    )


def _facts(message: Message) -> Facts:
    reader = LimitedReader()
    try:
        return gather(message, reader, frozenset())
    except PortError as error:
        return Facts((Unknown(str(error)),) * len(message.body.parts))
    finally:
        reader.close()


def _candidates(
    traces: Traces, record: Record, wanted: Wanted
) -> tuple[tuple[Candidate[Line], ...], int, bool]:
    """The best lines, how many are as good, and whether author and date alone speak for them."""
    paths = record.files()
    for is_weak in (False, True):
        with reading("looking for its line" if not is_weak else "looking by author and date") as bar:
            lines = stream(paths, since=wanted.since, until=wanted.until, progress=bar)
            found, ties = ranked(lines, traces, is_weak=is_weak)
        if found:
            return found, ties, is_weak
    return (), 0, False


def _matched(
    copy: _Copy, candidates: tuple[Candidate[Line], ...], ties: int, record: Record, *, is_weak: bool
) -> Matched:
    if not candidates:
        return Matched(copy.name, copy.filed.notes, copy.traces)
    event = candidates[0].found.event
    found = differences(
        event, copy.message, copy.facts, copy.filed.body, copy.body_sha256, copy.traces.signatures
    )
    values = values_of(record.state, event)
    known, is_all = _known_recipients(event, values.by_hash or dict(enumerate_values(values.in_order)))
    addressed = _addressed(copy.message.headers)
    return Matched(
        copy.name, copy.filed.notes, copy.traces, candidates, ties, is_weak, found,
        tuple(one for one in addressed if one in known), is_all, values.subject,
    )  # fmt: skip
