"""`sealgate keys`: signing keys."""

import time
from pathlib import Path
from typing import Literal

import click

from sealgate.adapters import files
from sealgate.app.ports import PortError
from sealgate.cli import EX_CANTCREAT, EX_USAGE, Stop
from sealgate.mail.address import AddressError, normal_domain
from sealgate.seal.keys import generate, load, public_record, zone_line


@click.group("keys")
def command() -> None:
    """Make signing keys."""


@command.command("new")
@click.argument("domain")
@click.option("--selector", "-s", help="Name of the key in DNS.  [default: s and today's date]")
@click.option("--type", "kind", type=click.Choice(["rsa2048", "ed25519"]), default="rsa2048", show_default=True)
@click.option("--folder", "-D", type=click.Path(path_type=Path), default=Path("/etc/sealgate/keys"), show_default=True)
def new(domain: str, selector: str | None, kind: Literal["rsa2048", "ed25519"], folder: Path) -> None:
    """Write a private key (mode 0600) and print the TXT record to publish, split at 255 octets.

    \b
    sealgate keys new example.test
    sealgate keys new example.test --selector e2026 --type ed25519
    """
    try:
        name = normal_domain(domain)
        chosen = normal_domain(selector) if selector else time.strftime("s%Y%m%d")
    except AddressError as error:
        raise Stop(EX_USAGE, f"{domain} or selector {selector}: {error}") from error
    pem = generate(kind)
    path = folder / f"{name}.{chosen}.pem"
    try:
        files.write_new(path, pem)
    except PortError as error:
        raise Stop(EX_CANTCREAT, f"{error}; an existing key is never overwritten") from error
    click.echo(f"Wrote {path}. Publish this, then add the key to the profile:\n", err=True)
    click.echo(zone_line(chosen, name, public_record(load(pem, name, chosen))))
    click.echo(f"\n    {name}:\n      sign: yes\n      keys:\n        - {{selector: {chosen}, file: {path}}}", err=True)
