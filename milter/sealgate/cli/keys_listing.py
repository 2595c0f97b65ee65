"""`sealgate keys list`: the profile's keys, whose mail each signs, and whether its file can be used."""

import json
from pathlib import Path

import click

from sealgate.cli.keys_held import Held, held_keys
from sealgate.cli.loading import settings_option


@click.command("list")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a key.")
@click.option("--profile", "profile_path", type=click.Path(path_type=Path), help="Another profile than this host's.")
@settings_option
@click.pass_context
def list_keys(ctx: click.Context, as_json: bool, profile_path: Path | None, settings_path: Path) -> None:
    """Show the keys of the profile, whose mail they sign, and whether their files can be used. Asks no DNS.

    Exit 1 where a file cannot be used.

    \b
    sealgate keys list
    sealgate keys list --json | jq -r .file
    """
    profile, keys = held_keys(settings_path, profile_path)
    if as_json:
        for key in keys:
            click.echo(json.dumps(_row(key)))
    elif keys:
        click.echo(_table(keys))
    else:
        click.echo("The profile names no keys; `sealgate keys new DOMAIN` makes one.", err=True)
    if not as_json and not profile.seal:
        click.echo("The profile says `seal: off`: no mail is signed.", err=True)
    ctx.exit(1 if any(key.key is None for key in keys) else 0)


def _row(key: Held) -> dict[str, object]:
    return {
        "domain": key.domain.name,
        "selector": key.source.selector,
        "algorithm": str(key.key.algorithm) if key.key is not None else "",
        "bits": key.key.bits if key.key is not None else 0,
        "file": key.source.file,
        "place": key.source.place,
        "signs_for": list(key.signs_for),
        "usable": key.key is not None,
        "fault": key.fault,
    }


def _table(keys: tuple[Held, ...]) -> str:
    head = ("DOMAIN", "SELECTOR", "KEY", "FILE", "STATE", "SIGNS FOR")
    rows = [
        (
            k.domain.name,
            k.source.selector,
            k.described,
            k.source.file,
            "ok" if k.key else "BAD",
            ", ".join(k.signs_for) or "nobody",
        )
        for k in keys
    ]
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    lines = [click.style(_line(head, widths), bold=True)]
    for key, row in zip(keys, rows, strict=True):
        line = _line(tuple("".join(c if c.isprintable() else "?" for c in cell) for cell in row), widths)
        lines.append(line if key.key is not None else click.style(line, fg="red"))
        if key.fault:
            lines.append(f"    {key.fault}")
    return "\n".join(lines)


def _line(cells: tuple[str, ...], widths: list[int]) -> str:
    return "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip()
