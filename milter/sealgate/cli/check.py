"""`sealgate check`: every problem of settings, profile and keys at once, with the place and what to write instead.

It also holds the profile against the MTA of this host, where there is one: settings of Postfix, Dovecot and Kerberos
under which two people would arrive under one name, or mail would go past the gate, are warned of. What is not on this
host is not judged. With `--senders` one file of senders is checked, before it is put in place.
"""

from pathlib import Path

import click

from sealgate.adapters import files
from sealgate.adapters.mta import Looked, read_mta
from sealgate.app.ports import PortError
from sealgate.cli import EX_CONFIG, EX_USAGE, Stop
from sealgate.cli.loading import settings_option, show
from sealgate.profile.milters import judge_milters
from sealgate.profile.model import Profile, SenderFile, SenderFormat
from sealgate.profile.parse import draft_profile
from sealgate.profile.senders import rows_of
from sealgate.profile.settings import Settings
from sealgate.profile.spelling import judge_spelling
from sealgate.wiring import account_of, build, has_errors, read_profile, read_sender_file, read_settings

_SOME_FILE = click.Path(exists=True, path_type=Path)


@click.command("check")
@settings_option
@click.option("--profile", "profile_path", type=click.Path(path_type=Path), help="A profile to check instead.")
@click.option("--no-mta", is_flag=True, help="Leave the settings of the MTA on this host out of it.")
@click.option("--postfix-config", type=_SOME_FILE, metavar="DIR", help="Postfix's folder, where it is not its default.")
@click.option("--dovecot-config", type=_SOME_FILE, metavar="FILE", help="Dovecot's file, where it is not its default.")
@click.option("--krb5-config", type=_SOME_FILE, metavar="FILE", help="krb5.conf, where Postfix does not name one.")
@click.option("--senders", type=_SOME_FILE, metavar="FILE", help="Check this file of senders only.")
@click.option(
    "--format",
    "form",
    type=click.Choice([str(each) for each in SenderFormat]),
    help="How --senders FILE is written.  [default: as the profile says of that path, else logins]",
)
@click.option("--realm", help="The realm of its logins without one.  [default: as the profile says of that path]")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a problem.")
@click.pass_context
def command(
    ctx: click.Context,
    settings_path: Path,
    profile_path: Path | None,
    no_mta: bool,
    postfix_config: Path | None,
    dovecot_config: Path | None,
    krb5_config: Path | None,
    senders: Path | None,
    form: str | None,
    realm: str | None,
    as_json: bool,
) -> None:
    """Check settings, profile and keys, and how this host spells logins; exit 78 where anything forbids to use them.

    \b
    sealgate check
    sealgate check --profile profile.new && install profile.new /etc/sealgate/profile.yaml
    sealgate check --postfix-config /etc/postfix-submission
    sealgate check --senders senders.new --format texthash --realm EXAMPLE.TEST
    """
    settings, problems = read_settings(settings_path)
    path = profile_path or (Path(settings.profile) if settings is not None else None)
    if senders is not None:
        ctx.exit(_senders(senders, form, realm, _profile_as_far_as_it_can_be_read(path), as_json=as_json))
    if form or realm:
        raise Stop(EX_USAGE, "--format and --realm are for --senders FILE")
    ingredients = None
    if path is not None:
        ingredients, more = read_profile(path, account=account_of(settings))
        problems += more
    runtime = build(ingredients) if ingredients is not None else None
    looked: Looked | None = None
    if runtime is not None and not no_mta:
        looked = read_mta(*(str(each or "") for each in (postfix_config, dovecot_config, krb5_config)))
        problems += judge_spelling(looked.settings, runtime.profile)
        problems += judge_milters(looked.settings, runtime.profile, (settings or Settings()).socket)
    show(problems, as_json=as_json)
    if has_errors(problems) or runtime is None:
        ctx.exit(EX_CONFIG)
    if as_json:
        return
    if looked is not None:
        click.echo(str(looked))
    profile = runtime.profile
    mode, seal = "enforce" if profile.enforce else "report", "on" if profile.seal else "off"
    click.echo(
        f"{path}: in order; mode {mode}, seal {seal}, "
        f"{len(profile.identities)} identities, {len(profile.domains)} domains, "
        f"{sum(map(len, runtime.keys.values()))} keys; {runtime.digest[:12]}"
    )


def _profile_as_far_as_it_can_be_read(path: Path | None) -> Profile:
    try:
        return draft_profile(files.read_policy(path), str(path))[0] if path is not None else Profile()
    except PortError:
        return Profile()  # a file of senders can be checked where there is no profile yet


def _senders(path: Path, form: str | None, realm: str | None, profile: Profile, *, as_json: bool) -> int:
    """Check one file of senders, read as the options say, else as the profile says of its path."""
    known = [identity.sender_file for identity in profile.identities if identity.sender_file is not None]
    usual = next((each for each in known if each.path == str(path.absolute())), SenderFile(""))
    source = SenderFile(
        str(path), SenderFormat(form) if form else usual.format, usual.realm if realm is None else realm
    )
    table, problems = read_sender_file(source, profile)
    show(problems, as_json=as_json)
    if table is None:
        return EX_CONFIG
    if not as_json:
        of_realm = f", realm {source.realm}" if source.realm else ""
        click.echo(f"{path}: in order; {rows_of(table)} rows, read as {source.format}{of_realm}")
    return 0
