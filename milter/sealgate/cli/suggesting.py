"""`sealgate audit suggest`: what a trial in report mode teaches, as a piece of a profile for a person to accept."""

import json
import sys
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO, Final

import click

from sealgate.audit.suggest import Suggestion, Use, suggest
from sealgate.cli import EX_DATAERR, Stop
from sealgate.cli.loading import settings_option, settings_or_stop
from sealgate.cli.telling import parsed
from sealgate.mail.address import parse_address
from sealgate.mail.reply import printable
from sealgate.profile.holders import holders
from sealgate.profile.model import Profile
from sealgate.wiring import account_of, build, read_profile, read_settings

_LONG: Final = 20_000_000  # octets of a record that takes long enough for a bar


@click.command("suggest")
@settings_option
@click.option("--log", "log_path", type=click.Path(path_type=Path), help="Another audit file.")
@click.option(
    "--least", default=1, show_default=True, type=click.IntRange(1), help="Leave out what was seen less often."
)
@click.option("--since", type=click.DateTime(["%Y-%m-%d"]), help="Leave out what is older.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a use.")
def command(settings_path: Path, log_path: Path | None, least: int, since: datetime | None, as_json: bool) -> None:
    """Propose identities and rights that would have let the mail of the record pass.

    Read every line before you take it over: a forger's tries are in the record like everybody else's mail. Counts,
    dates and numbers of clients stand beside each proposal.

    \b
    sealgate audit suggest --least 3
    sealgate audit suggest --since 2026-11-01 > proposal.yaml
    """
    path = log_path or Path(settings_or_stop(settings_path).audit_log)
    try:
        with path.open("rb") as file:
            found = suggest(_events(file, since.strftime("%Y-%m-%d") if since else "", path), least=least)
    except OSError as error:
        raise Stop(EX_DATAERR, f"{path}: {error.strerror}") from error
    of = _Owners(settings_path)
    for line in _json_lines(found, of) if as_json else _yaml_lines(found, of):
        click.echo(line)


def _events(file: BinaryIO, since: str, path: Path) -> Iterator[dict[str, Any]]:
    size = path.stat().st_size
    if size < _LONG or not sys.stderr.isatty():
        yield from _wanted(file, since)
        return
    with click.progressbar(length=size, label="reading", file=sys.stderr) as bar:
        while lines := file.readlines(1 << 20):
            yield from _wanted(lines, since)
            bar.update(sum(map(len, lines)))


def _wanted(lines: Iterable[bytes], since: str) -> Iterator[dict[str, Any]]:
    for line in lines:
        event = parsed(line)
        if str(event.get("t") or "") >= since:
            yield event


class _Owners:
    """Whose an address is by the profile in force; says nothing where there is no profile that can be read."""

    def __init__(self, settings_path: Path) -> None:
        self._profile: Profile | None = None
        settings, _ = read_settings(settings_path)
        ingredients = read_profile(Path(settings.profile), account=account_of(settings))[0] if settings else None
        if ingredients is not None:
            self._profile = build(ingredients).profile

    def __call__(self, text: str) -> str:
        if self._profile is None:
            return ""
        address = parse_address(text.encode())
        owner = next(holders(self._profile, address), None)
        if owner is not None:
            return f"belongs to {owner.who}"
        return "" if self._profile.owns(address.domain) else "not a domain of yours"


def _json_lines(found: Suggestion, of: Callable[[str], str]) -> Iterator[str]:
    for use in _all(found):
        yield json.dumps(
            {
                "principal": str(use.principal or ""),
                "identity": use.identity,
                "address": use.address,
                "messages": use.messages,
                "first": use.first,
                "last": use.last,
                "clients": len(use.clients),
                "places": dict(use.places),
                "note": of(use.address),
            }
        )


def _all(found: Suggestion) -> Iterator[Use]:
    for uses in (*found.identities.values(), *found.sources.values(), *found.rights.values()):
        yield from uses


def _yaml_lines(found: Suggestion, of: Callable[[str], str]) -> Iterator[str]:
    yield f"# From {found.messages} decisions of the record. Accept line by line; none of this has been granted."
    if found.identities or found.sources:
        yield "identities:"
    for name, uses in found.sources.items():
        yield f"  {_quoted(name)}:  # exists: add to its senders"
        yield "    senders:"
        yield from (f"      - {_quoted(use.address)}  # {_counted(use, of)}" for use in uses)
    for principal, uses in found.identities.items():
        yield f"  {_quoted(str(principal))}:  # stands in no identity yet"
        yield f"    principals: [{_quoted(str(principal))}]"
        yield "    senders:"
        yield from (f"      - {_quoted(use.address)}  # {_counted(use, of)}" for use in uses)
    if found.rights:
        yield "delegations:  # or, where an identity is one person, an entry of its senders"
    for address, uses in found.rights.items():
        yield f"  {_quoted(address)}:"
        yield f"    senders: [{_quoted(address)}]"
        yield "    members:"
        for use in uses:
            yield f"      - {_quoted(str(use.principal))}  # identity {printable(use.identity)}: {_counted(use, of)}"
    for why, count in found.passed_over.items():
        yield f"# passed over: {count} times {why}"
    for code, count in found.others.items():
        yield f"# no right would prevent: {printable(code)}, {count} times"


def _counted(use: Use, of: Callable[[str], str]) -> str:
    places = ", ".join(printable(place) for place in use.places)
    clients = len(use.clients)
    note = of(use.address)
    return (
        f"{use.messages} message{'s' * (use.messages > 1)}, {printable(use.first[:10])} to {printable(use.last[:10])}, "
        f"{clients} client{'s' * (clients > 1)}, {places}"
        f"{'; ' if note else ''}{printable(note)}"
    )


def _quoted(text: str) -> str:
    """A YAML double-quoted scalar (a JSON string is one): every character comes back, and none is read as a sign."""
    return json.dumps(text)
