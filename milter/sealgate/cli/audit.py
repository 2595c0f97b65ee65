"""`sealgate audit`: read the record, for people and for machines."""

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, Final

import click

from sealgate.audit.chain import verify
from sealgate.cli import EX_DATAERR, Stop
from sealgate.cli.loading import settings_option, settings_or_stop
from sealgate.mail.reply import printable

_COLOUR: Final = {"accept": "green", "reject": "red", "tempfail": "yellow", "quarantine": "magenta"}
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
            click.echo(line.decode("ascii", "replace") if as_json else _row(line))
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
                event = _parsed(line)
                if reference in (event.get("id"), event.get("queue_id"), event.get("of")):
                    is_found = True
                    click.echo(line.decode("ascii", "replace").rstrip("\n") if as_json else _story(event))
    except OSError as error:
        raise Stop(EX_DATAERR, f"{path}: {error.strerror}") from error
    if not is_found:
        raise Stop(1, f"{path} holds no line with id or queue id {printable(reference)}")


@command.command("verify")
@settings_option
@log_option
@click.pass_context
def check(ctx: click.Context, settings_path: Path, log_path: Path | None) -> None:
    """Follow the chain from the first line to the last; exit 1 at the first line that does not fit."""
    path = log_path or Path(settings_or_stop(settings_path).audit_log)
    try:
        with path.open("rb") as file:
            broken = list(verify(file))
    except OSError as error:
        raise Stop(EX_DATAERR, f"{path}: {error.strerror}") from error
    for one in broken[:20]:
        click.echo(f"{path}: {one}", err=True)
    if not broken:
        click.echo(f"{path}: every line fits the one before it")
    ctx.exit(1 if broken else 0)


def _lines(path: Path, count: int, *, follow: bool) -> Iterator[bytes]:
    """The last `count` whole lines, then new ones; a file that was renamed away is left for its successor."""
    file = path.open("rb")
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


def _parsed(line: bytes) -> dict[str, Any]:
    try:
        event = json.loads(line)
    except ValueError:
        return {"kind": "unreadable"}
    return event if isinstance(event, dict) else {"kind": "unreadable"}


def _row(line: bytes) -> str:
    """One line for a tired eye: time, verdict, who, from, to, why."""
    event = _parsed(line)
    clock = str(event.get("t", ""))[11:19]
    if event.get("kind") != "decision":
        rest = {k: v for k, v in event.items() if k not in ("kind", "t", "w", "v", "seq", "prev", "host", "software")}
        return click.style(f"{clock} {event.get('kind', '?'):<10} {printable(json.dumps(rest), 160)}", dim=True)
    word = event["verdict"]
    would = f" (would {event['would']})" if event["would"] != word else ""
    rules = ", ".join(dict.fromkeys(f["rule"] for f in event["findings"])) or _sealing(event)
    who = event["auth"]["principal"] or event["auth"]["identity"] or event["client"]["ip"]
    recipients = event["envelope"]["rcpt"]
    to = printable(recipients[0], 40) + (f" +{len(recipients) - 1}" if len(recipients) > 1 else "") if recipients else "-"
    head = click.style(f"{word:<10}", fg=_COLOUR.get(word), bold=True)
    sender = printable(_plain(event["envelope"]["from"]), 40)
    return f"{clock} {head} {printable(who, 40):<30} {sender} -> {to}  {rules}{would}  {event['id']}"


def _sealing(event: dict[str, Any]) -> str:
    seal = event.get("seal", {})
    return " ".join(s.split(" ")[0] for s in seal.get("signed", [])) or f"unsigned: {seal.get('skipped', '-')}"


def _plain(value: Any) -> str:
    return f"{value['begins']}... ({value['length']} characters)" if isinstance(value, dict) else str(value)


def _story(event: dict[str, Any]) -> str:
    """One message from login to answer, in sentences."""
    if event.get("kind") != "decision":
        return f"{event.get('t', '')}: {event.get('kind')}: {printable(json.dumps(event), 1000)}"
    auth, client, envelope = event["auth"], event["client"], event["envelope"]
    who = auth["principal"] or auth["identity"] or "nobody that was recognised"
    lines = [
        f"{event['t']} on {event['host']}, id {event['id']}, queue id {event.get('queue_id') or '-'}, {event['stage']} of "
        f"the transaction, profile {event['profile'][:12]} in {event['mode']} mode",
        f"  came     through {printable(_plain(event['listener']))} from {client['ip']} ({client['tls'] or 'no TLS'})",
        f"  proven   {printable(who)} by {auth['via'] or 'nothing'} {printable(_plain(auth['mechanism']))}".rstrip(),
        f"  sent as  {printable(_plain(envelope['from']))} to {len(envelope['rcpt'])} recipients",
    ]
    if "header" in event:
        header = event["header"]
        lines.append(f"  shows    From: {printable(_plain(header['from']))}, Message-ID {printable(_plain(header['message_id']))}")
    for element in event.get("elements", ()):
        lines.append(f"  found    {element['name']}: {element['state']} {printable(str(element['excerpt']), 160)}".rstrip())
    for finding in event["findings"]:
        lines.append(
            f"  {finding['mode']:<8} {finding['rule']} ({finding['cites']}): {printable(_plain(finding['detail']), 300)}"
        )
    for signature in event.get("seal", {}).get("signed", ()):
        lines.append(f"  sealed   {printable(signature)}")
    if event.get("seal", {}).get("skipped"):
        lines.append(f"  unsealed {event['seal']['skipped']}")
    would = f" (in enforce mode: {event['would']})" if event["would"] != event["verdict"] else ""
    lines.append(f"  answered {event['verdict']}{would} {printable(event['reply'], 512)}".rstrip())
    lines.append(f"  recorded line {event.get('seq', '?')} of the file")
    return "\n".join(lines)


