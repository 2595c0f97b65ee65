"""`sealgate audit replay`: a message that somebody kept, judged again by the profile of its day, or by another one.

The gate keeps no messages, but every version of the profile. Who has the message (from an archive, a complaint, the
hold queue) can show that the recorded verdict follows from the rules of that day, or what another profile would say.
"""

import json
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Final

import click

from sealgate.adapters import profilestore
from sealgate.adapters.auditfiles import Line, stream
from sealgate.app.intake import Intake
from sealgate.app.ports import PortError
from sealgate.audit.looking import event_of, groups_of, joined, recipients, text_at
from sealgate.audit.matching import ranked, traces_of
from sealgate.cli import EX_CONFIG, EX_DATAERR, EX_USAGE, Stop
from sealgate.cli.audit_asking import Record, reading, record_options, record_or_stop
from sealgate.cli.audit_hidden import values_of
from sealgate.cli.audit_replayed import Side, as_document, is_same, side_of, side_of_line, told
from sealgate.mail.filed import Filed, read_filed
from sealgate.mail.headers import Field, unfolded
from sealgate.mail.message import Envelope, Session
from sealgate.mail.reply import printable
from sealgate.profile.model import Form, Profile
from sealgate.screening import Screener, ScreeningError
from sealgate.screening.mailfiles import items
from sealgate.seal.signature import SignatureRefused, read_signature
from sealgate.wiring import Ingredients, SenderRows, build

Event = dict[str, Any]
_DIGEST: Final = re.compile("[0-9a-f]{4,64}")
_LIMITS: Final = "judged offline: no DNS or Kerberos was asked, no limit counted, and no listener has rules of its own"


@click.command("replay")
@click.argument("file", type=click.Path(path_type=Path))
@click.argument("reference", metavar="[ID|QUEUEID]", required=False, default="")
@click.option(
    "--profile", "profiles", multiple=True, metavar="DIGEST|FILE", help="Judge by this one; given twice: by both."
)
@click.option("--as", "principal", default="", help="The principal, where no line says it.")
@click.option("--identity", default="", help="Or the identity of the profile that sends.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@record_options
@click.pass_context
def command(
    ctx: click.Context,
    /,
    file: Path,
    reference: str,
    profiles: tuple[str, ...],
    principal: str,
    identity: str,
    as_json: bool,
    **said: Any,
) -> None:
    """Judge the message in FILE again, and show both verdicts side by side: then and now, and which findings differ.

    The line of the record is looked for by what the message itself says, or is the one of ID. Then: what that line
    says. Now: by the very version of the profile that it names, which the gate kept, or by --profile: the beginning of
    a digest, or a file. Who sent and to whom is taken from the line too. With two --profile no line is needed.

    Exit 0 where both say the same, 1 where they differ, 65 where FILE is no message or no line is found, 78 where a
    profile cannot be had.

    \b
    sealgate audit replay complaint.eml
    sealgate audit replay letter.eml 06B3K2QJX8M4T7ZR
    sealgate audit replay letter.eml --profile /etc/sealgate/profile.yaml
    sealgate audit replay letter.eml --profile 3fa1c0 --profile new.yaml --as alice@EXAMPLE.TEST
    """
    if principal and identity:
        raise Stop(EX_USAGE, "say --as or --identity, not both")
    if len(profiles) > 2 or (len(profiles) == 2 and reference):
        raise Stop(EX_USAGE, "two sides are compared: the line and one profile, or two profiles")
    name, filed = _message(file)
    record = _record(said, profiles, is_line_needed=len(profiles) < 2)
    if len(profiles) == 2:
        event: Event = {}
        cast = _Cast(principal, identity)
    else:
        event = _line(record, filed, reference)
        cast = _cast(event, record, principal, identity)
    octets, notes = _as_sent(filed, event)
    notes += (*cast.notes, _LIMITS)
    then, now = _sides(octets, event, cast, profiles, record)
    if as_json:
        click.echo(json.dumps(as_document(name, then, now, notes)))
    else:
        for line in told(name, then, now, (*_heading(event), *notes)):
            click.echo(line)
    ctx.exit(0 if is_same(then, now) else 1)


@dataclass(frozen=True, slots=True)
class _Cast:
    """Who sends, and to whom."""

    principal: str = ""
    identity: str = ""
    sender: str | None = None
    recipients: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def _message(path: Path) -> tuple[str, Filed]:
    found = list(islice(items(path, sys.stdin.buffer), 2))
    if len(found) != 1 or found[0].fault:
        raise Stop(EX_DATAERR, f"{path}: {found[0].fault or 'it holds several messages' if found else 'it is empty'}")
    filed = read_filed(found[0].octets)
    if filed is None:
        raise Stop(EX_DATAERR, f"{path}: it does not begin with a header field, so it is no message")
    return found[0].name, filed


def _record(said: dict[str, Any], profiles: tuple[str, ...], *, is_line_needed: bool) -> Record | None:
    """Where the record is; it is not asked for where nothing of it is needed."""
    if is_line_needed or any(not Path(one).exists() for one in profiles):
        return record_or_stop(said)
    return None


def _line(record: Record | None, filed: Filed, reference: str) -> Event:
    """The decision about this message.

    Raises:
        Stop: there is none.
    """
    files = record.files() if record is not None else ()
    with reading("looking") as bar:
        lines = stream(files, progress=bar)
        if not reference:
            best, ties = ranked(lines, traces_of(filed.headers, _body_of(filed)))
            if best and ties == 1:
                return best[0].found.event
            why = f"{ties} lines may be of this message" if best else "no line of the record is of this message"
            raise Stop(EX_DATAERR, f"{why}: say the id of the one that is meant, or two --profile")
        found: Event = {}
        for one in _decisions(lines, reference):
            if found and found.get("id") != one.get("id"):
                raise Stop(EX_DATAERR, f"several messages had the queue id {printable(reference)}: say an id")
            found = one
    if not found:
        raise Stop(EX_DATAERR, f"the record has no decision {printable(reference)}")
    return found


def _decisions(lines: Iterator[Line], reference: str) -> Iterator[Event]:
    for group in groups_of(lines, ((reference.lower().encode("ascii", "replace"),),)):
        event = joined([event_of(line.octets) for line in group])
        if event.get("kind") == "decision" and reference in (event.get("id"), event.get("queue_id")):
            yield event


def _cast(event: Event, record: Record | None, principal: str, identity: str) -> _Cast:
    """Who sent it by the line, or who is named instead."""
    notes: tuple[str, ...] = ()
    if not principal and not identity:
        principal = text_at(event, "auth", "principal")
        identity = "" if principal else text_at(event, "auth", "identity")
    given = recipients(event)
    values = values_of(record.state if record is not None else None, event)
    known = [one if isinstance(one, str) else values.of(place, text_at(one, "h")) for place, one in enumerate(given)]
    if not all(known):
        notes = (f"{known.count('')} of {len(known)} recipients are hidden, and not known any more: they are left out",)
    sender = text_at(event, "envelope", "from")
    return _Cast(principal, identity, _bare(sender), tuple(_bare(one) for one in known if one), notes)


def _as_sent(filed: Filed, event: Event) -> tuple[bytes, tuple[str, ...]]:
    """The message as the gate was handed it, as far as its line tells: without what was put on top of it since."""
    signed = (event.get("seal") or {}).get("signed") if isinstance(event.get("seal"), dict) else None
    ours = {str(one).partition(" a=")[0] for one in signed} if isinstance(signed, list) else set()
    fields = filed.headers.fields
    places = [place for place, field in enumerate(fields) if _signer(field) in ours] if ours else []
    kept = fields[places[-1] + 1 :] if places else fields
    notes: tuple[str, ...] = filed.notes
    if places:
        notes += (f"{len(fields) - len(kept)} fields on top, our signature the lowest of them, were left out",)
    recorded = text_at(event, "message", "body_sha256")
    if recorded and recorded != _body_of(filed):
        notes += ("THE BODY IS NOT THE RECORDED ONE: it is another message, or was changed since",)
    named, ids = text_at(event, "header", "message_id"), filed.headers.every(b"message-id")
    if named and not (ids and unfolded(ids[0].value).decode("utf-8", "surrogateescape").startswith(named)):
        notes += ("the Message-ID is not the recorded one",)
    head = b"".join(field.name + b":" + field.value + b"\r\n" for field in kept)
    return head + b"\r\n" + filed.body, notes


def _signer(field: Field) -> str:
    if field.key != b"dkim-signature":
        return ""
    try:
        found = read_signature(field.value)
    except SignatureRefused:
        return ""
    return f"d={found.domain} s={found.selector}"


def _body_of(filed: Filed) -> str:
    intake = Intake()
    intake.body(filed.body)
    _, hashes = intake.finish(
        reference="", received_at=0.0, session=Session("replay", "", -1), envelope=Envelope(b"<>")
    )
    return hashes[Form.RELAXED].hex()


def _sides(
    octets: bytes, event: Event, cast: _Cast, profiles: tuple[str, ...], record: Record | None
) -> tuple[Side, Side]:
    if len(profiles) == 2:
        one, two = (_judged(octets, cast, profile, record, "judged") for profile in profiles)
        return one, two
    profile = profiles[0] if profiles else text_at(event, "profile")
    if not profile:
        raise Stop(EX_CONFIG, "the line names no profile: say --profile")
    return side_of_line(event), _judged(octets, cast, profile, record, "judged again")


def _judged(octets: bytes, cast: _Cast, profile: str, record: Record | None, title: str) -> Side:
    name, found = _profile(profile, record)
    try:
        with Screener(found) as screener:
            screening = screener.screen(
                octets,
                principal=cast.principal,
                identity=cast.identity,
                sender=cast.sender,
                recipients=cast.recipients,
            )
    except ScreeningError as error:
        raise Stop(EX_CONFIG, f"by the profile {printable(name)}: {error}") from error
    return side_of(screening, title, name)


def _profile(profile: str, record: Record | None) -> tuple[str, Path | Profile]:
    """A profile by its file, or one that was kept, with its tables of senders.

    Raises:
        Stop: it cannot be had.
    """
    if not _DIGEST.fullmatch(profile) or Path(profile).exists():
        return profile, Path(profile)
    if record is None or record.state is None:
        raise Stop(EX_CONFIG, "the state folder is not known: say --state")
    try:
        digest = next((one for one in profilestore.kept(record.state) if one.startswith(profile)), profile)
        kept = profilestore.read(record.state, profile)
    except PortError as error:
        raise Stop(EX_CONFIG, str(error)) from error
    tables = tuple(SenderRows(t.path, t.format, t.realm, t.digest, t.data) for t in kept.tables)
    try:
        return digest, build(Ingredients(kept.file, kept.text, (), None, tables)).profile
    except ValueError as error:
        raise Stop(EX_CONFIG, f"this version of the program cannot read the profile {profile}: {error}") from error


def _heading(event: Event) -> Iterator[str]:
    if event:
        yield f"line {event.get('seq')}, id {text_at(event, 'id')}, {text_at(event, 't')}, {text_at(event, 'software')}"


def _bare(path: str) -> str:
    return path.strip().removeprefix("<").removesuffix(">")
