"""Settings and profile for a verb: found, read, and every problem printed before the verb gives up."""

import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TypeVar

import click

from sealgate.adapters.keyfile import Account
from sealgate.cli import EX_CONFIG, Stop
from sealgate.profile.model import Problem
from sealgate.profile.settings import Settings
from sealgate.wiring import DEFAULT_SETTINGS, Ingredients, read_profile, read_settings

T = TypeVar("T")

settings_option = click.option(
    "--settings",
    "settings_path",
    type=click.Path(path_type=Path),
    default=DEFAULT_SETTINGS,
    show_default=True,
    help="The service settings of this host.",
)


def settings_or_stop(path: Path) -> Settings:
    """Read the settings.

    Raises:
        Stop: they cannot be used; the problems were printed.
    """
    settings, problems = read_settings(path)
    if settings is None:
        show(problems)
        raise Stop(EX_CONFIG, f"{path} cannot be used")
    return settings


def profile_or_stop(path: Path, account: Account | None = None) -> Ingredients:
    """Read the profile and its keys, which are for `account`: by default that of this process.

    Raises:
        Stop: it cannot be used; the problems were printed.
    """
    ingredients, problems = read_profile(path, account=account)
    if ingredients is None:
        show(problems)
        raise Stop(EX_CONFIG, f"{path} cannot be used")
    return ingredients


def progress(items: Sequence[T], label: str, *, least: int = 20) -> Iterator[T]:
    """Hand the items on, with a bar on standard error where somebody watches and there are at least `least`."""
    if len(items) < least or not sys.stderr.isatty():
        yield from items
        return
    with click.progressbar(items, label=label, file=sys.stderr) as bar:
        yield from bar


def show(problems: Iterable[Problem], *, as_json: bool = False) -> None:
    """Print problems in the order of the file, on standard error or as JSON lines on standard output."""
    ordered = sorted(problems, key=lambda p: (p.file, p.line, p.column))
    for problem in ordered:
        if as_json:
            click.echo(json.dumps(asdict(problem)))
            continue
        head, _, hint = str(problem).partition("\n")
        click.echo(click.style(head, fg="red" if problem.is_error else "yellow"), err=True)
        if hint:
            click.echo(hint, err=True)
