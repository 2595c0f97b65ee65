"""`sealgate who`: what a principal may send as, or who may send as an address, with the line that says so."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from sealgate.checks.caller import of_principal
from sealgate.cli import EX_USAGE, Stop
from sealgate.cli.loading import profile_or_stop, settings_option, settings_or_stop
from sealgate.mail.address import Address, AddressError, parse_address
from sealgate.mail.reply import printable
from sealgate.profile.holders import holders
from sealgate.profile.model import Identity, Principal, Profile
from sealgate.profile.principal import parse_principal
from sealgate.profile.rights import grants
from sealgate.wiring import account_of, build, read_settings

Answer = dict[str, Any]


@click.command("who")
@click.argument("name", metavar="PRINCIPAL|ADDRESS")
@settings_option
@click.option("--profile", "profile_path", type=click.Path(path_type=Path), help="Another profile to ask.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a meaning of the name.")
@click.pass_context
def command(ctx: click.Context, name: str, settings_path: Path, profile_path: Path | None, as_json: bool) -> None:
    """Say what a principal may send as, or who may send as an address.

    A name can be both, where a realm is spelled like a mail domain: then both are answered. Exit 1 where nobody may.

    \b
    sealgate who alice@EXAMPLE.TEST
    sealgate who sales@example.test
    """
    path = profile_path or Path(settings_or_stop(settings_path).profile)
    profile = build(profile_or_stop(path, account_of(read_settings(settings_path)[0]))).profile
    answers = _answers(name, profile)
    if not answers:
        raise Stop(EX_USAGE, f"{printable(name)} is neither user@REALM nor an address{_with_a_realm(name, profile)}")
    click.echo("\n".join(json.dumps(answer) if as_json else _told(answer) for answer in answers))
    ctx.exit(0 if any(answer["rights"] or answer.get("is_forwarder") for answer in answers) else 1)


def _answers(name: str, profile: Profile) -> list[Answer]:
    principal, address = _principal(name), _address(name)
    found: list[Answer] = []
    if principal is not None and principal.realm in profile.realms:
        found.append(_of_principal(principal, profile))
    if address is not None:
        answer = _of_address(address, profile)
        if answer["rights"] or (answer["is_ours"] and not found):
            found.append(answer)
    if found:
        return found
    # Neither realm nor domain is known here: realms are written in capitals.
    if principal is not None and (address is None or principal.realm == principal.realm.upper()):
        return [_of_principal(principal, profile)]
    return [_of_address(address, profile)] if address is not None else []


def _with_a_realm(name: str, profile: Profile) -> str:
    """Ask whether a name without a realm was meant with one of the profile's."""
    if "@" in name or not name.strip():
        return ""
    meant = [f"{name}@{realm}" for realm in profile.realms]
    return f": did you mean {printable(' or '.join(meant), 400)}?" if any(map(_principal, meant)) else ""


def _principal(name: str) -> Principal | None:
    try:
        return parse_principal(name)
    except ValueError:
        return None


def _address(name: str) -> Address | None:
    try:
        return parse_address(name.encode("utf-8", "surrogateescape"))
    except AddressError:
        return None


def _of_principal(principal: Principal, profile: Profile) -> Answer:
    caller = of_principal(principal, profile)
    identity = caller.identity
    rights = [asdict(g) for g in grants(profile, identity, caller.principal)] if identity else []
    return {
        "principal": str(caller.principal),
        "identity": identity.name if identity else "",
        "kind": str(identity.kind) if identity else "",
        "class": str(identity.mail_class) if identity else "",
        "place": identity.place if identity else "",
        "demands": _demands(identity) if identity else [],
        "rights": rights,
        "is_forwarder": caller.is_forwarder,
        "is_foreign": bool(profile.realms) and caller.principal is not None and principal.realm not in profile.realms,
    }


def _of_address(address: Address, profile: Profile) -> Answer:
    return {
        "address": str(address),
        "is_ours": address.domain in profile.domains,
        "rights": [{"who": h.who, "identity": h.identity} | asdict(h.grant) for h in holders(profile, address)],
    }


def _demands(identity: Identity) -> list[str]:
    found: list[str] = []
    if identity.mechanisms:
        found.append(f"log in by {', '.join(identity.mechanisms)}")
    if identity.min_cipher_bits:
        found.append(f"use TLS with {identity.min_cipher_bits} bits or more")
    if identity.only_from:
        found.append(f"come from {', '.join(map(str, identity.only_from))}")
    return found


def _told(answer: Answer) -> str:
    if "address" in answer:
        return _told_of_address(answer)
    who = printable(answer["principal"])
    if not answer["identity"]:
        if answer["is_foreign"]:
            realm = printable(answer["principal"].rpartition("@")[2])
            return f"{who}: realm {realm} is not listed in the profile: its mail is refused"
        return f"{who} stands in no identity of the profile: its mail is refused"
    lines = [f"{who} is {answer['identity']} ({answer['kind']}, {answer['class']}), {answer['place']}"]
    lines += [f"  must {demand}" for demand in answer["demands"]]
    foreign = "foreign authors, unsealed" if answer["is_forwarder"] else ""
    if not answer["rights"]:
        return "\n".join((*lines, f"  may send as {foreign or 'nobody'}"))
    table = _table([[right["pattern"], *_reason(right)] for right in answer["rights"]])
    return "\n".join((*lines, "  may send as", *table, *([f"    and {foreign}"] if foreign else [])))


def _told_of_address(answer: Answer) -> str:
    address = printable(answer["address"])
    if not answer["rights"]:
        ours = "" if answer["is_ours"] else ", and its domain is not one of the profile's"
        return f"nobody may send as {address}{ours}"
    rows = [[right["who"], *_reason(right)] for right in answer["rights"]]
    return "\n".join((f"{address} may be used by", *_table(rows)))


def _reason(right: dict[str, Any]) -> list[str]:
    condition = "with a Sender field of its own" if right["needs_sender"] else ""
    return [right["source"], right["place"], condition]


def _table(rows: list[list[str]]) -> list[str]:
    """Columns as wide as their widest cell; cells are escaped, for files may hold anything."""
    cells = [[printable(cell, 200) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return [
        ("    " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))).rstrip()
        for row in cells
    ]
