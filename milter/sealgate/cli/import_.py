"""`sealgate import`: what a site has already, turned into files of ours."""

import json
from pathlib import Path
from typing import Final

import click

from sealgate.adapters import files
from sealgate.app.ports import PortError
from sealgate.cli import EX_DATAERR, EX_USAGE, Stop
from sealgate.cli.import_opendkim import opendkim
from sealgate.cli.loading import progress, show
from sealgate.mail.reply import printable
from sealgate.profile.inversion import MapInverter, Owner, inverted_rules
from sealgate.profile.model import SenderFile, SenderFormat
from sealgate.profile.nodes import Problems
from sealgate.profile.principal import parse_principal
from sealgate.profile.sender_rows import entries, listed
from sealgate.profile.sender_rules import RuleTable
from sealgate.profile.senders import LoginTable, draft_sender_table

_LONG: Final = 5_000  # rows


@click.group("import")
def command() -> None:
    """Turn what a site has already into files of ours."""


command.add_command(opendkim)


@command.command("sender-login-maps")
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--format", "form", type=click.Choice(["texthash", "regexp"]), default="texthash", show_default=True,
    help="texthash: the text that postmap reads, whatever it makes of it. regexp: regexp_table(5).",
)  # fmt: skip
@click.option("--realm", required=True, help="The Kerberos realm of logins without one.")
@click.option(
    "--as", "target", type=click.Choice(["logins", "profile"]), default="logins", show_default=True,
    help="A file for `senders: {file: ...}`, or `identities:` to paste into the profile.",
)  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="One JSON object a principal.")
@click.pass_context
def sender_login_maps(ctx: click.Context, file: Path, form: str, realm: str, target: str, as_json: bool) -> None:
    """Turn Postfix's smtpd_sender_login_maps FILE around: by address into by principal.

    Rows that cannot be turned around without giving somebody more than before are left out and named on standard
    error. Exit 0; 1 where something was left out; 65 where nothing could be used.

    \b
    sealgate import sender-login-maps /etc/postfix/sender_logins --realm EXAMPLE.TEST > /etc/sealgate/senders
    sealgate import sender-login-maps logins.regexp --format regexp --realm EXAMPLE.TEST --as profile
    """
    try:
        parse_principal(f"user@{realm}")
    except ValueError as error:
        raise Stop(EX_USAGE, f"--realm {realm}: {error}") from error
    if realm != realm.upper():
        hint = f"if yours is {realm.upper()}, say so: principals of another spelling are other people"
        warning = f"warning: --realm {printable(realm)} is not in capitals, as Kerberos realms are; {printable(hint)}"
        click.echo(click.style(warning, fg="yellow"), err=True)
    try:
        text = files.read_policy(file)
    except PortError as error:
        raise Stop(EX_DATAERR, str(error)) from error
    problems = Problems(str(file))
    owners = _owners(text, SenderFile(str(file), SenderFormat(form), realm), problems)
    for line in _as_json(owners) if as_json else _as_profile(owners) if target == "profile" else _as_logins(owners):
        click.echo(line)
    found = listed(problems)
    show(found)
    if not owners:
        raise Stop(EX_DATAERR, f"{file}: no row could be used")
    ctx.exit(1 if any(p.is_error or p.message.startswith("left out") for p in found) else 0)


def _owners(text: str, source: SenderFile, problems: Problems) -> tuple[Owner, ...]:
    table = draft_sender_table(text, source, problems, fold_realms=frozenset())
    if isinstance(table, RuleTable):
        return inverted_rules(table, problems)
    assert not isinstance(table, LoginTable), "the option offers no such format"  # noqa: S101 - narrows a type
    rows = list(entries(table.rows))
    inverter = MapInverter(rows, problems)
    for row in progress(rows, "turning rows around", least=_LONG):
        inverter.take(row)
    return inverter.owners()


def _as_logins(owners: tuple[Owner, ...]) -> list[str]:
    return [f"{owner.principal}  {', '.join(pattern for pattern, _ in owner.patterns)}" for owner in owners]


def _as_json(owners: tuple[Owner, ...]) -> list[str]:
    return [
        json.dumps(
            {"principal": o.principal, "senders": [p for p, _ in o.patterns], "lines": [n for _, n in o.patterns]}
        )
        for o in owners
    ]


def _as_profile(owners: tuple[Owner, ...]) -> list[str]:
    """A fragment of YAML; every text of the map in double quotes, which JSON's are."""
    lines = ["identities:"]
    for owner in owners:
        lines += [
            f"  {json.dumps(owner.principal, ensure_ascii=False)}:",
            f"    principals: [{json.dumps(owner.principal, ensure_ascii=False)}]",
            *(["    kind: service"] if "/" in owner.principal else []),
            f"    senders: {json.dumps([pattern for pattern, _ in owner.patterns], ensure_ascii=False)}",
        ]
    return lines
