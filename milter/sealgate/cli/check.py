"""`sealgate check`: every problem of settings, profile and keys at once, with the place and what to write instead.

It also holds the profile against the MTA of this host, where there is one: settings of Postfix, Dovecot and Kerberos
under which two people would arrive under one name are warned of. What is not on this host is not judged.
"""

from pathlib import Path

import click

from sealgate.adapters.mta import Looked, read_mta
from sealgate.cli import EX_CONFIG
from sealgate.cli.loading import settings_option, show
from sealgate.profile.spelling import judge_spelling
from sealgate.wiring import build, has_errors, read_profile, read_settings

_SOME_FILE = click.Path(exists=True, path_type=Path)


@click.command("check")
@settings_option
@click.option("--profile", "profile_path", type=click.Path(path_type=Path), help="A profile to check instead.")
@click.option("--no-mta", is_flag=True, help="Leave the settings of the MTA on this host out of it.")
@click.option("--postfix-config", type=_SOME_FILE, metavar="DIR", help="Postfix's folder, where it is not its default.")
@click.option("--dovecot-config", type=_SOME_FILE, metavar="FILE", help="Dovecot's file, where it is not its default.")
@click.option("--krb5-config", type=_SOME_FILE, metavar="FILE", help="krb5.conf, where Postfix does not name one.")
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
    as_json: bool,
) -> None:
    """Check settings, profile and keys, and how this host spells logins; exit 78 where anything forbids to use them.

    \b
    sealgate check
    sealgate check --profile profile.new && install profile.new /etc/sealgate/profile.yaml
    sealgate check --postfix-config /etc/postfix-submission
    """
    settings, problems = read_settings(settings_path)
    path = profile_path or (Path(settings.profile) if settings is not None else None)
    ingredients = None
    if path is not None:
        ingredients, more = read_profile(path)
        problems += more
    runtime = build(ingredients) if ingredients is not None else None
    looked: Looked | None = None
    if runtime is not None and not no_mta:
        looked = read_mta(*(str(each or "") for each in (postfix_config, dovecot_config, krb5_config)))
        problems += judge_spelling(looked.settings, runtime.profile)
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
