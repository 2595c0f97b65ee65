"""`sealgate screen`: what the gate would answer to these messages, offline, by the same core.

Compliance is best tested where mail is generated; this is the tool for it. The work is `sealgate.screening`'s; here are
the options, the loop and the exit status.
"""

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from sealgate.cli import EX_CONFIG, EX_DATAERR, EX_USAGE, Stop
from sealgate.cli.loading import settings_option, settings_or_stop
from sealgate.cli.showing import Progress, Tally, as_json, full, row, unreadable, width_of
from sealgate.screening import Screener, Screening, ScreeningError
from sealgate.screening.mailfiles import Item, items, listed, total_octets


@dataclass(frozen=True, slots=True)
class Asked:
    """The options, by the names they have below."""

    files: tuple[Path, ...]
    principal: str
    identity: str
    sender: str | None
    recipients: tuple[str, ...]
    show: bool
    verbose: bool
    brief: bool
    as_json: bool
    profile_path: Path | None
    settings_path: Path


@click.command("screen")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--as", "principal", default="", help="The principal that would log in: user[/instance]@REALM.")
@click.option("--identity", default="", help="Or the identity of the profile that sends.  [default: by From]")
@click.option("--from", "sender", help="Envelope sender; an empty one means <>.  [default: the From address]")
@click.option("--rcpt", "recipients", multiple=True, help="Envelope recipient; may be given again.")
@click.option("--show", is_flag=True, help="Show the end of the visible text, with what was found marked in it.")
@click.option("-v", "--verbose", is_flag=True, help="Explain every message, not only those that would not leave.")
@click.option("-q", "--brief", is_flag=True, help="One line a message.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a message.")
@click.option("--profile", "profile_path", type=click.Path(path_type=Path), help="Another profile than this host's.")
@settings_option
@click.pass_context
def command(ctx: click.Context, /, **said: Any) -> None:
    """Say what the gate would answer to the mail in FILES, and why.

    FILES are messages (.eml), mailboxes (.mbox), rendered templates (.html, .txt), folders of these, or `-` for
    standard input. No key, MTA or daemon is needed, and report mode is not minded: this asks what the rules say.

    Exit 0; 1 if any message would be refused, deferred or held; 65 if none would and something could not be read.

    \b
    sealgate screen letter.eml --as alice@EXAMPLE.TEST
    sealgate screen spring.html --identity newsletter --show
    sealgate screen outbox/ sent.mbox --identity newsletter --json
    render newsletter | sealgate screen - --as svc/newsletter@EXAMPLE.TEST
    """
    asked = Asked(**said)
    if asked.principal and asked.identity:
        raise Stop(EX_USAGE, "say --as or --identity, not both")
    _survive_any_locale()
    path = asked.profile_path or Path(settings_or_stop(asked.settings_path).profile)
    try:
        screener = Screener(path)
    except ScreeningError as error:
        raise Stop(EX_CONFIG, f"{error}\n{_profile_hint(asked)}".rstrip()) from error
    with screener:
        try:
            screener.expects(principal=asked.principal, identity=asked.identity)
        except ScreeningError as error:
            raise Stop(EX_USAGE, str(error)) from error
        tally = _screened(screener, asked)
    if not asked.as_json and (tally.messages > 1 or tally.unreadable):
        click.echo(tally.summary())
    ctx.exit(1 if tally.stopped else EX_DATAERR if tally.unreadable else 0)


def _screened(screener: Screener, asked: Asked) -> Tally:
    files = listed(asked.files)
    tally = Tally()
    if not files:
        raise Stop(EX_DATAERR, f"no *.eml, *.mbox or *.html in {', '.join(map(str, asked.files))}")
    bar = Progress(total_octets(files), len(files))
    # One message alone is told in full; of many only what would not leave.
    first: tuple[Item, Screening] | None = None
    try:
        for item in _all(files, bar):
            said = item if item.fault else _judged(screener, item, asked)
            tally.add(said)
            bar.clear()
            if isinstance(said, Item):
                click.echo(unreadable(said), err=True)
            elif asked.as_json:
                click.echo(json.dumps(as_json(item.name, said)))
            elif tally.messages == 1:
                first = (item, said)
            else:
                _tell(first, asked, many=True)
                first = None
                _tell((item, said), asked, many=True)
            bar.draw(tally)
    finally:
        bar.clear()
    _tell(first, asked, many=tally.unreadable > 0)
    return tally


def _all(files: list[Path], bar: "Progress") -> Iterator[Item]:
    for file in files:
        before = 0
        for item in items(file, sys.stdin.buffer):
            bar.advance(item.read - before)
            before = item.read
            yield item


def _judged(screener: Screener, item: Item, asked: Asked) -> Screening | Item:
    try:
        return screener.screen(
            item.octets,
            principal=asked.principal,
            identity=asked.identity,
            sender=asked.sender,
            recipients=asked.recipients,
            subtype=item.subtype,
        )
    except ScreeningError as error:
        hint = "" if asked.principal or asked.identity else "; say --identity NAME or --as PRINCIPAL"
        return Item(item.name, fault=f"{error}{hint}")


def _tell(said: tuple[Item, Screening] | None, asked: Asked, *, many: bool) -> None:
    if said is None:
        return
    item, screening = said
    if asked.brief or (many and screening.is_lawful and not asked.verbose and not asked.show):
        click.echo(row(item.name, screening))
    else:
        click.echo(full(item.name, screening, width=width_of(), show=asked.show))


def _survive_any_locale() -> None:
    """A newsletter in Greek must not break the tool on a terminal that has no Greek."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")


def _profile_hint(asked: Asked) -> str:
    return "" if asked.profile_path else "Name the profile to judge by: --profile profile.yaml"
