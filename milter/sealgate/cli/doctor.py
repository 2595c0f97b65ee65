"""`sealgate doctor`: what is wrong between the MTA, the gate and this host, why it matters, and what to paste.

Reads main.cf and master.cf through postconf (or sendmail.cf), goes the way of the MTA's daemons to the socket, connects
and negotiates as they would, and asks our own verbs about profile, keys, DNS and daemon. Nothing is changed: `--fix`
prints the commands and leaves it to a person to run them.
"""

import json
from pathlib import Path

import click

from sealgate.cli import EX_CONFIG, EX_TEMPFAIL
from sealgate.cli.doctor_gathering import Asked, gather
from sealgate.cli.doctor_telling import as_json, commands, page
from sealgate.cli.loading import settings_option
from sealgate.doctor.catalogue import examine
from sealgate.doctor.finding import Level

_STATUS = ((Level.WRONG, EX_CONFIG), (Level.WARNING, 1), (Level.UNKNOWN, EX_TEMPFAIL))


@click.command("doctor")
@click.option("--mta", type=click.Choice(("postfix", "sendmail")), help="Which one.  [default: the one that is here]")
@click.option("--config", type=click.Path(path_type=Path), metavar="DIR", help="Of main.cf, or of sendmail.cf.")
@click.option("--fix", is_flag=True, help="Print what to paste and nothing else; nothing is run.")
@click.option("--json", "for_machine", is_flag=True, help="One JSON object a finding.")
@click.option("--quiet", is_flag=True, help="Leave out what is fine.")
@click.option("--no-dns", is_flag=True, help="Do not ask the DNS about the keys.")
@click.option("--server", "servers", multiple=True, metavar="ADDR[:PORT]", help="Ask this DNS server; may be repeated.")
@click.option(
    "--krb5-config", type=click.Path(path_type=Path), metavar="FILE", help="krb5.conf, if Postfix names none."
)
@click.option("--profile", "profile_path", type=click.Path(path_type=Path), help="A profile to judge instead.")
@settings_option
@click.pass_context
def command(
    ctx: click.Context,
    mta: str | None,
    config: Path | None,
    fix: bool,
    for_machine: bool,
    quiet: bool,
    no_dns: bool,
    servers: tuple[str, ...],
    krb5_config: Path | None,
    profile_path: Path | None,
    settings_path: Path,
) -> None:
    """Say what is wrong between the MTA, the gate and this host, and what to paste.

    Exit status 0: all is well. 1: warnings only. 75: something could not be found out. 78: something is wrong. 69: the
    MTA that was named is not here.

    \b
    sealgate doctor
    sealgate doctor --fix                            the commands, for a shell
    sealgate doctor --config /etc/postfix-submission
    sealgate doctor --mta sendmail --json | jq 'select(.level == "wrong")'
    """
    host = gather(Asked(mta or "", str(config or ""), str(krb5_config or ""), settings_path, profile_path, servers,
                        asks_dns=not no_dns))  # fmt: skip
    findings = examine(host)
    if fix:
        lines = commands(findings, host)
    elif for_machine:
        lines = (json.dumps(as_json(finding)) for finding in findings)
    else:
        lines = page(findings, host, with_fine=not quiet)
    for line in lines:
        click.echo(line)
    levels = {finding.level for finding in findings}
    ctx.exit(next((status for level, status in _STATUS if level in levels), 0))
