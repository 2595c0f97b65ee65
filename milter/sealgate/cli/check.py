"""`sealgate check`: every problem of settings, profile and keys at once, with the place and what to write instead."""

from pathlib import Path

import click

from sealgate.cli import EX_CONFIG
from sealgate.cli.loading import settings_option, show
from sealgate.wiring import build, has_errors, read_profile, read_settings


@click.command("check")
@settings_option
@click.option("--profile", "profile_path", type=click.Path(path_type=Path), help="A profile to check instead.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a problem.")
@click.pass_context
def command(ctx: click.Context, settings_path: Path, profile_path: Path | None, as_json: bool) -> None:
    """Check settings, profile and keys; exit 78 where anything forbids to use them.

    \b
    sealgate check
    sealgate check --profile profile.new && install profile.new /etc/sealgate/profile.yaml
    """
    settings, problems = read_settings(settings_path)
    path = profile_path or (Path(settings.profile) if settings is not None else None)
    ingredients = None
    if path is not None:
        ingredients, more = read_profile(path)
        problems += more
    show(problems, as_json=as_json)
    if has_errors(problems) or ingredients is None:
        ctx.exit(EX_CONFIG)
    if not as_json:
        runtime = build(ingredients)
        profile = runtime.profile
        mode, seal = "enforce" if profile.enforce else "report", "on" if profile.seal else "off"
        click.echo(
            f"{path}: in order; mode {mode}, seal {seal}, "
            f"{len(profile.identities)} identities, {len(profile.domains)} domains, "
            f"{sum(map(len, runtime.keys.values()))} keys; {runtime.digest[:12]}"
        )
