"""`sealgate serve`: the daemon, in the foreground."""

import os
from pathlib import Path
from typing import Final

import click

from sealgate.app.ports import PortError
from sealgate.cli import EX_CANTCREAT, EX_UNAVAILABLE, Stop
from sealgate.cli.loading import profile_or_stop, settings_option, settings_or_stop
from sealgate.wiring import now, read_override

_PYMILTER: Final = (
    "apt install python3-milter; or, in a virtual environment, apt install gcc libmilter-dev python3-dev (Fedora: gcc "
    "sendmail-milter-devel python3-devel), then pip install 'sealgate[milter]'"
)


@click.command("serve")
@settings_option
@click.pass_context
def command(ctx: click.Context, settings_path: Path) -> None:
    """Serve the MTA until SIGTERM. SIGHUP reloads the profile, SIGUSR2 replaces the program without a pause.

    \b
    sealgate serve                                  as systemd starts it
    sealgate serve --settings ./sealgate.yaml       by hand
    """
    settings = settings_or_stop(settings_path)
    ingredients = profile_or_stop(Path(settings.profile))
    for folder in (settings.runtime, settings.state):
        if not os.access(folder, os.W_OK | os.X_OK):
            raise Stop(EX_CANTCREAT, f"{folder} is missing or cannot be written by uid {os.getuid()}")
    try:
        import milter  # noqa: PLC0415 - only this verb needs libmilter
    except ImportError as error:
        raise Stop(EX_UNAVAILABLE, f"pymilter is missing ({error}): {_PYMILTER}") from error
    if not hasattr(milter, "opensocket"):  # a folder of that name is importable
        raise Stop(EX_UNAVAILABLE, f"pymilter is missing: {_PYMILTER}")
    from sealgate.daemon.listening import ListenError  # noqa: PLC0415
    from sealgate.daemon.supervisor import Plan, Supervisor  # noqa: PLC0415

    try:
        override = read_override(Path(settings.state), now())
    except PortError as error:
        raise Stop(EX_CANTCREAT, str(error)) from error
    ingredients = ingredients.under(override)
    try:
        ctx.exit(Supervisor(Plan(settings, settings_path, ingredients)).run())
    except ListenError as error:
        raise Stop(EX_UNAVAILABLE, str(error)) from error
    except PortError as error:
        raise Stop(EX_CANTCREAT, str(error)) from error
