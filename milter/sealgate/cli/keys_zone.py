"""`sealgate keys zone`: the records to publish, as a zone file, for nsupdate(1), or for a web form.

All keys that were asked for are printed or none: a zone file that lacks one key would take it out of the DNS.
"""

from pathlib import Path

import click

from sealgate.cli import EX_USAGE, Stop
from sealgate.cli.keys_held import chosen, held_keys, split, usable
from sealgate.cli.loading import settings_option
from sealgate.profile.settings import parse_server
from sealgate.seal.keys import SigningKey, public_record, quoted_strings, zone_line


@click.command("zone")
@click.argument("names", nargs=-1, metavar="[DOMAIN[/SELECTOR]]...")
@click.option("--nsupdate", is_flag=True, help="Print commands for nsupdate(1).")
@click.option("--one-string", is_flag=True, help="Print each record for a web form: in one piece, without quotes.")
@click.option("--ttl", type=click.IntRange(0, 2**31 - 1), help="Seconds.  [default: the zone's; --nsupdate: 3600]")
@click.option("--server", metavar="ADDR[:PORT]", help="With --nsupdate: the server.  [default: nsupdate finds it]")
@click.option("--zone", "zone_name", metavar="NAME", help="With --nsupdate: the zone.  [default: nsupdate finds it]")
@click.option("--replace", is_flag=True, help="With --nsupdate: put the record in the place of what stands there.")
@click.option("--profile", "profile_path", type=click.Path(path_type=Path), help="Another profile than this host's.")
@settings_option
def zone(
    names: tuple[str, ...],
    nsupdate: bool,
    one_string: bool,
    ttl: int | None,
    server: str | None,
    zone_name: str | None,
    replace: bool,
    profile_path: Path | None,
    settings_path: Path,
) -> None:
    """Print the TXT records of the profile's keys, or of those that are named, for the DNS.

    With --nsupdate a key whose name has a TXT record already is refused by the server (YXRRSET): two records at one
    name are none (RFC 6376 3.6.2.2). --replace deletes what stands there in the same step.

    \b
    sealgate keys zone >> db.example.test
    sealgate keys zone example.test --nsupdate | nsupdate -k /etc/bind/update.key
    sealgate keys zone example.test/s2026 --one-string
    """
    if nsupdate and one_string:
        raise Stop(EX_USAGE, "say --nsupdate or --one-string, not both")
    if not nsupdate and (server or zone_name or replace):
        raise Stop(EX_USAGE, "--server, --zone and --replace are for --nsupdate")
    head = _head(server, zone_name)
    keys = usable(chosen(held_keys(settings_path, profile_path)[1], names))
    if not keys:
        click.echo("The profile names no keys.", err=True)
    for key in keys:
        if nsupdate:
            click.echo(head + _update(key, 3600 if ttl is None else ttl, replace=replace))
        elif one_string:
            click.echo(web_form(key))
        else:
            click.echo(zone_line(key.selector, key.domain, public_record(key), ttl))


def web_form(key: SigningKey) -> str:
    """What the web form of a DNS hoster asks for: the name below the domain, the type and the bare text."""
    return f"name:  {key.selector}._domainkey    (below {key.domain})\ntype:  TXT\nvalue: {public_record(key)}\n"


def _head(server: str | None, zone_name: str | None) -> str:
    lines = ""
    if server:
        try:
            address, port = parse_server(server)
        except ValueError as error:
            raise Stop(
                EX_USAGE, f"--server: {error}; an IP address, such as 192.0.2.53 or [2001:db8::53]:53"
            ) from error
        lines += f"server {address} {port}\n"
    if zone_name:
        lines += f"zone {split(zone_name)[0]}\n"
    return lines


def _update(key: SigningKey, ttl: int, *, replace: bool) -> str:
    """One update of its own, so that one key's refusal stops no other."""
    name = f"{key.record_name}."
    first = f"update delete {name} TXT" if replace else f"prereq nxrrset {name} TXT"
    return f"{first}\nupdate add {name} {ttl} TXT {' '.join(quoted_strings(public_record(key)))}\nsend"
