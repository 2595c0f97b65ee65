"""`sealgate screen`: what the gate would answer to these messages, offline, by the same core.

Compliance is best tested where mail is generated; this is the tool for it.
"""

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import click

from sealgate.app.intake import Intake
from sealgate.app.runtime import Runtime
from sealgate.app.screen import Outcome, at_end
from sealgate.checks.caller import of_principal
from sealgate.checks.finding import Action
from sealgate.cli import EX_DATAERR, EX_USAGE, Stop
from sealgate.cli.loading import profile_or_stop, progress, settings_option, settings_or_stop
from sealgate.mail.address import AddressError, parse_mailbox
from sealgate.mail.headers import parse_block
from sealgate.mail.message import Envelope, Session
from sealgate.mail.reply import printable
from sealgate.profile.model import Principal
from sealgate.profile.principal import parse_principal
from sealgate.wiring import InlineReader, build, enforcing, now

_COLOUR: Final = {Action.ACCEPT: "green", Action.REJECT: "red", Action.TEMPFAIL: "yellow", Action.QUARANTINE: "yellow"}
REFERENCE: Final = "0000000000000000"  # no transaction, no id


@dataclass(frozen=True, slots=True)
class Question:
    """As whom, from which envelope sender (`None`: the From address) and to whom the messages are sent."""

    principal: Principal
    sender: str | None
    recipients: tuple[str, ...]


@click.command("screen")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--as", "principal", required=True, help="The principal that would log in: user[/instance]@REALM.")
@click.option("--from", "sender", help="Envelope sender; an empty one means <>.  [default: the From address]")
@click.option("--rcpt", "recipients", multiple=True, help="Envelope recipient; may be given again.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a message.")
@click.option("--profile", "profile_path", type=click.Path(path_type=Path), help="Another profile than this host's.")
@settings_option
@click.pass_context
def command(
    ctx: click.Context,
    files: tuple[Path, ...],
    principal: str,
    sender: str | None,
    recipients: tuple[str, ...],
    as_json: bool,
    profile_path: Path | None,
    settings_path: Path,
) -> None:
    """Say what the gate would answer to messages in FILES (`-`: standard input).

    Exit 0, or 1 if any would be refused, deferred or held. Report mode is not minded: this asks what the rules say.

    \b
    sealgate screen letter.eml --as alice@EXAMPLE.TEST
    render newsletter | sealgate screen - --as svc/newsletter@EXAMPLE.TEST --json
    """
    path = profile_path or Path(settings_or_stop(settings_path).profile)
    runtime = enforcing(build(profile_or_stop(path)))
    try:
        question = Question(parse_principal(principal), sender, recipients)
    except ValueError as error:
        raise Stop(EX_USAGE, f"--as {principal}: {error}") from error
    is_refused = False
    for file in progress(files, "screening"):
        outcome = judge(_read(file), runtime, question)
        is_refused |= outcome.verdict.would is not Action.ACCEPT
        click.echo(json.dumps(_as_json(file, outcome)) if as_json else _as_text(file, outcome))
    ctx.exit(1 if is_refused else 0)


def judge(raw: bytes, runtime: Runtime, question: Question) -> Outcome:
    """Take one message as a file holds it through the gate's own core."""
    data = raw.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    head, _, body = data.partition(b"\r\n\r\n")
    headers = parse_block(head.split(b"\r\n"))
    intake = Intake()
    for field in headers:
        intake.header(field.name, field.value)
    intake.body(body)
    envelope = Envelope(
        _path(question.sender, headers.every(b"from")), "", tuple(f"<{r}>".encode() for r in question.recipients)
    )
    message, body_hash = intake.finish(
        reference=REFERENCE, received_at=now(), session=Session("screen", "", -1), envelope=envelope
    )
    caller = of_principal(question.principal, runtime.profile)
    return at_end(message, body_hash, runtime, InlineReader(), caller, over_limit=intake.is_over_limit)


def _path(sender: str | None, from_fields: tuple[Any, ...]) -> bytes:
    if sender is not None:
        return f"<{sender}>".encode()
    try:
        return f"<{parse_mailbox(from_fields[0].value).address}>".encode() if from_fields else b"<>"
    except AddressError:
        return b"<>"  # the From field is refused by its own rule


def _read(file: Path) -> bytes:
    try:
        return sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
    except OSError as error:
        raise Stop(EX_DATAERR, f"{file}: {error.strerror}") from error


def _as_json(file: Path, outcome: Outcome) -> dict[str, Any]:
    kept = ("verdict", "reply", "findings", "elements", "seal", "header", "message")
    return {"file": str(file)} | {key: outcome.event[key] for key in kept}


def _as_text(file: Path, outcome: Outcome) -> str:
    verdict = outcome.verdict
    word = click.style(f"{verdict.would:<10}", fg=_COLOUR[verdict.would], bold=True)
    lines = [f"{word} {file}"]
    if verdict.reply:
        lines.append(f"           {verdict.reply}".replace(f"; refusal {REFERENCE}", ""))
    for judged in verdict.judged:
        finding = judged.finding
        place = f" [{printable(finding.where)}]" if finding.where else ""
        lines.append(f"           {judged.mode:<7} {finding.rule.code}{place}: {printable(finding.detail, 300)}")
    for element in outcome.event["elements"]:
        excerpt = printable(str(element["excerpt"]), 100)
        lines.append(f"           found   {element['name']}: {element['state']} {excerpt}".rstrip())
    return "\n".join(lines)
