"""`sealgate audit find`: which messages went to this address, came from this principal, bore this Message-ID.

All files of the record are read in one stream, packed ones too. Recipients that the record hides are found through the
files that can be erased (`cli.audit_hidden`); where they were erased, that is said.
"""

import json
from dataclasses import replace
from typing import Any, Final

import click

from sealgate.adapters.auditfiles import stream
from sealgate.audit.looking import Wanted, search
from sealgate.cli import EX_DATAERR, EX_USAGE, Stop
from sealgate.cli.audit_asking import (
    Record,
    columns,
    filter_options,
    reading,
    record_options,
    record_or_stop,
    wanted_of,
)
from sealgate.cli.audit_hidden import HiddenRecipients
from sealgate.cli.telling import harmless, row, unharmed

_TIMES: Final = "2026-11-21, 2026-11-21T09:00Z, 2h, 3d, yesterday"


@click.command("find")
@click.option("--rcpt", "recipients", multiple=True, metavar="ADDR", help="A recipient, hashed or not.")
@click.option("--message-id", "message_ids", multiple=True, metavar="ID", help="With or without angle brackets.")
@click.option("--from", "senders", multiple=True, metavar="ADDR", help="The envelope's sender, or an address in From.")
@click.option("--since", metavar="T", help=f"{_TIMES} (UTC).")
@click.option("--until", metavar="T", help="Likewise; a whole day is meant with its end.")
@filter_options
@click.option("--json", "as_json", is_flag=True, help="The lines as they are.")
@record_options
@click.pass_context
def command(ctx: click.Context, /, as_json: bool, **said: Any) -> None:
    """Find messages in the record, the oldest first.

    Filters of one kind are alternatives, filters of different kinds must all hold.

    Exit 0; 1 if nothing was found; 65 if nothing was found and something could not be looked at.

    \b
    sealgate audit find --rcpt jane@example.org --since 2026-11-01
    sealgate audit find --message-id '<k3j9@example.test>'
    sealgate audit find --principal alice --since yesterday --verdict reject
    sealgate audit find --from news@example.test --since 2h --json | jq .id
    """
    wanted = wanted_of(said)
    if replace(wanted, since="", until="") == Wanted() and not (wanted.since or wanted.until):
        raise Stop(EX_USAGE, "say what to look for: --rcpt, --message-id, --principal, --from, --since ... (--help)")
    record = record_or_stop(said)
    hidden = _hidden(record, wanted)
    if hidden is not None:
        wanted = replace(wanted, hidden=hidden, glance=hidden.glance)
    count = _found(record, wanted, as_json=as_json)
    is_certain = hidden is None or _tell_of(hidden, wanted)
    if not count:
        click.echo("nothing found", err=True)
    ctx.exit(0 if count else 1 if is_certain else EX_DATAERR)


def _hidden(record: Record, wanted: Wanted) -> HiddenRecipients | None:
    if not wanted.recipients:
        return None
    with reading("looking behind the hashes") as bar:
        return HiddenRecipients(record.state, wanted.recipients, bar)


def _found(record: Record, wanted: Wanted, *, as_json: bool) -> int:
    count, paths, width = 0, record.files(), columns()
    with reading("searching") as bar:
        for found in search(stream(paths, since=wanted.since, until=wanted.until, progress=bar), wanted):
            bar.clear()
            count += 1
            if as_json:
                for line in found.lines:
                    click.echo(unharmed(line.octets))
            else:
                click.echo(row(harmless(found.event), width=width, is_dated=True))
    return count


def _tell_of(hidden: HiddenRecipients, wanted: Wanted) -> bool:
    """Say on standard error what could not be found any more; whether all could be looked at."""
    domains = " and ".join(json.dumps(one.rpartition("@")[2])[1:-1] for one in wanted.recipients)
    if hidden.unread:
        message = f"{_messages(hidden.unread)} to {domains} with hashed recipients could not be looked at"
        click.echo(f"sealgate: {message}: {hidden.fault}", err=True)
        return False
    if hidden.erased:
        until = f" (the last of them in {hidden.last_erased})" if hidden.last_erased else ""
        message = f"of {_messages(hidden.erased)} to {domains}{until} the hashed recipients were erased"
        click.echo(f"sealgate: {message}: whether that address was among them cannot be found any more", err=True)
    return True


def _messages(number: int) -> str:
    return f"{number} message{'s' * (number != 1)}"
