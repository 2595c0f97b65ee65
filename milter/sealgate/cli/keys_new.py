"""`sealgate keys new`: a private key for a domain, and the record to publish.

An existing file is never touched. The file has mode 0600 from its first moment, and a folder that was missing 0700; for
root, who makes keys for the gate's account, both are given to that account (the owner of the state folder). Standard
output holds the record alone, so it can be piped; what to do next is said on standard error.
"""

import time
from pathlib import Path
from typing import Final, Literal, TypeAlias

import click

from sealgate.adapters import files
from sealgate.adapters.keyfile import Account
from sealgate.app.ports import PortError
from sealgate.cli import EX_CANTCREAT, EX_USAGE, Stop
from sealgate.cli.keys_zone import web_form
from sealgate.cli.loading import settings_option
from sealgate.mail.address import AddressError, normal_domain
from sealgate.mail.reply import printable
from sealgate.seal.keys import KeyRefused, SigningKey, generate, load, public_record, zone_line
from sealgate.wiring import account_of, read_settings

Type: TypeAlias = Literal["rsa2048", "rsa4096", "ed25519"]
_TYPES: Final = ("rsa2048", "rsa4096", "ed25519", "both")
_FOLDER: Final = Path("/etc/sealgate/keys")


@click.command("new")
@click.argument("domain")
@click.option("--selector", "-s", help="Name of the key in the DNS.  [default: s and today's date; for Ed25519 e]")
@click.option(
    "--type", "kind", type=click.Choice(_TYPES), default="rsa2048", show_default=True,
    help="rsa4096 takes about seven times as long to sign; `both` makes rsa2048 and ed25519, under two selectors.",
)  # fmt: skip
@click.option("--folder", "-D", type=click.Path(path_type=Path), default=_FOLDER, show_default=True)
@click.option("--one-string", is_flag=True, help="Print the record for a web form: in one piece, without quotes.")
@settings_option
def new(
    domain: str, selector: str | None, kind: str, folder: Path, one_string: bool, settings_path: Path
) -> None:  # fmt: skip
    """Write a private key (mode 0600) and print the TXT record to publish, split at 255 octets.

    All mailbox providers verify RSA, and few Ed25519: use Ed25519 beside an RSA key, never alone.

    \b
    sealgate keys new example.test
    sealgate keys new example.test --type both
    sealgate keys new example.test -s s2026 --one-string
    """
    name, selectors = _names(domain, selector, kind)
    folder = folder.absolute()  # as the profile wants it
    made = {
        path: _made(type_, name, each) for each, type_ in selectors.items() if (path := folder / f"{name}.{each}.pem")
    }
    for path in made:
        if path.exists() or path.is_symlink():
            raise Stop(
                EX_CANTCREAT, f"{path} is there already, and a key is never overwritten: choose another --selector"
            )
    account = account_of(read_settings(settings_path)[0])
    owner = None if account == Account.of_process() else (account.uid, account.gid)
    try:
        files.make_private_folder(folder, owner)
        for path, (pem, _) in made.items():
            files.write_new(path, pem, owner=owner)
            click.echo(f"Wrote {path}" + (f", which belongs to {account}" if owner else ""), err=True)
    except PortError as error:
        raise Stop(EX_CANTCREAT, str(error)) from error
    click.echo("\n1. Publish this:\n", err=True)
    for _, key in made.values():
        record = public_record(key)
        click.echo(web_form(key) if one_string else zone_line(key.selector, key.domain, record))
    _say_what_is_next(name, {path: key for path, (_, key) in made.items()})


def _names(domain: str, selector: str | None, kind: str) -> tuple[str, dict[str, Type]]:
    """The domain in A-labels, and the selectors with the type of key that each is for."""
    name = _normal(domain, "no domain")
    chosen = _normal(selector, "no selector, which is one or more labels of a DNS name") if selector else ""
    today = time.strftime("%Y%m%d")
    if kind == "both":
        second = f"{chosen}-ed" if chosen else f"e{today}"
        return name, {chosen or f"s{today}": "rsa2048", second: "ed25519"}
    if kind == "ed25519":
        return name, {chosen or f"e{today}": "ed25519"}
    return name, {chosen or f"s{today}": "rsa4096" if kind == "rsa4096" else "rsa2048"}


def _normal(text: str, what: str) -> str:
    try:
        return normal_domain(text)
    except AddressError as error:
        raise Stop(EX_USAGE, f"{printable(text)!r} is {what}") from error


def _made(kind: Type, domain: str, selector: str) -> tuple[bytes, SigningKey]:
    pem = generate(kind)
    try:
        return pem, load(pem, domain, selector)
    except KeyRefused as error:
        raise Stop(EX_USAGE, str(error)) from error


def _say_what_is_next(domain: str, made: dict[Path, SigningKey]) -> None:
    asks = "\n".join(f"   sealgate keys test {domain}/{key.selector} --key {path}" for path, key in made.items())
    rows = "\n".join(f"       - {{selector: {key.selector}, file: {path}}}" for path, key in made.items())
    click.echo(
        f"\n2. Wait until the DNS has it; this says when:\n{asks}\n"
        f"3. Add it to `domains:` in the profile, then reload (systemctl reload sealgate):\n"
        f"   {domain}:\n     sign: yes\n     keys:\n{rows}",
        err=True,
    )
