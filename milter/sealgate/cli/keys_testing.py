"""`sealgate keys test`: each key held against its record in the DNS, and a message signed and verified with both.

Three things are told apart: the key's file cannot be used, the DNS says something else (or nothing) about the key, and
the DNS gave no answer, in which case nothing is known. Whether DNSSEC vouches for the answer is said beside, in words
that nobody takes for the mode of a file.
"""

import json
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import click

from sealgate.adapters import verifier
from sealgate.app.ports import Dns, PortError, Txt
from sealgate.cli import EX_TEMPFAIL, EX_USAGE, Stop
from sealgate.cli.asking import resolver
from sealgate.cli.keys_held import Held, chosen, held, held_keys, split
from sealgate.cli.keys_testmsg import sealed
from sealgate.cli.loading import settings_option
from sealgate.mail.filed import Filed
from sealgate.mail.headers import Field, Headers
from sealgate.profile.model import Domain, KeySource
from sealgate.seal.keys import SigningKey, public_record
from sealgate.seal.published import State, compare
from sealgate.wiring import account_of, read_settings

BAD_FILE: Final = "bad-file"
UNKNOWN: Final = "unknown"
NOT_VERIFIED: Final = "not-verified"
_AT_ONCE: Final = 8  # questions; a host's resolver bears that
_COLOUR: Final = {State.OK: "green", State.TESTING: "yellow", UNKNOWN: "yellow"}


@dataclass(frozen=True, slots=True)
class Tested:
    """What came of one key.

    Attributes:
        state: a `State`, or `bad-file`, `unknown`, `not-verified`.
        says: a sentence for a person.
        remedy: what to do.
        answer: of the DNS, where there was one.
    """

    key: Held
    state: str
    says: str
    remedy: str = ""
    answer: Txt | None = None

    @property
    def is_in_order(self) -> bool:
        """Whether mail that the key signs verifies."""
        return self.state in (State.OK, State.TESTING)


@click.command("test")
@click.argument("names", nargs=-1, metavar="[DOMAIN[/SELECTOR]]...")
@click.option("--key", "key_file", type=click.Path(path_type=Path), help="Test this file, which no profile names yet.")
@click.option("--server", "servers", multiple=True, metavar="ADDR[:PORT]", help="Ask this DNS server; may be repeated.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a key.")
@click.option("--profile", "profile_path", type=click.Path(path_type=Path), help="Another profile than this host's.")
@settings_option
@click.pass_context
def test(
    ctx: click.Context,
    names: tuple[str, ...],
    key_file: Path | None,
    servers: tuple[str, ...],
    as_json: bool,
    profile_path: Path | None,
    settings_path: Path,
) -> None:
    """Hold the profile's keys, or those that are named, against the DNS; sign a message with each and verify it.

    Exit 0 if all are in order, 1 if something is wrong, 75 if the DNS gave no answer and nothing else is wrong.

    \b
    sealgate keys test
    sealgate keys test example.test --server 192.0.2.53
    sealgate keys test example.test/s2026 --key /etc/sealgate/keys/example.test.s2026.pem
    """
    if key_file is not None:
        keys: tuple[Held, ...] = (_not_in_the_profile(names, key_file, settings_path),)
    else:
        keys = chosen(held_keys(settings_path, profile_path)[1], names)
    if not keys:
        click.echo("The profile names no keys; `sealgate keys new DOMAIN` makes one.", err=True)
    results = examine(keys, resolver(servers, settings_path), int(time.time()))
    for result in results:
        click.echo(json.dumps(_as_json(result)) if as_json else _told(result))
    if not as_json and any(r.answer is not None and not r.answer.is_secure for r in results):
        click.echo(_about_dnssec(results), err=True)
    if any(not r.is_in_order and r.state != UNKNOWN for r in results):
        ctx.exit(1)
    ctx.exit(EX_TEMPFAIL if any(r.state == UNKNOWN for r in results) else 0)


def examine(keys: Sequence[Held], dns: Dns, now: int) -> tuple[Tested, ...]:
    """Test keys, some at a time; the results are in their order."""
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return tuple(pool.map(lambda key: _examine(key, dns, now), keys))


def _examine(held_key: Held, dns: Dns, now: int) -> Tested:
    key = held_key.key
    if key is None:
        return Tested(held_key, BAD_FILE, f"the key file cannot be used: {held_key.fault}")
    try:
        answer = dns.txt(key.record_name)
    except PortError as error:
        why = _why_not(key, held_key.domain, public_record(key), now)
        remedy = "ask again, or another server: --server ADDR"
        return _broken(held_key, why) or Tested(held_key, UNKNOWN, f"not known, neither good nor bad: {error}", remedy)
    found = compare(answer.records, key, names_subdomains=held_key.names_subdomains)
    record = answer.records[0].decode("ascii", "replace") if found.is_usable else public_record(key)
    if broken := _broken(held_key, _why_not(key, held_key.domain, record, now), answer):
        return broken
    says = f"{found.says}; a signed message verifies with it" if found.is_usable else found.says
    remedy = _where_it_went(key, answer, dns) if found.state is State.MISSING else found.remedy
    return Tested(held_key, found.state, says, remedy, answer)


def _broken(held_key: Held, why: str, answer: Txt | None = None) -> Tested | None:
    if not why:
        return None
    says = f"what the key signs does not verify with its own public half: {why}"
    return Tested(held_key, NOT_VERIFIED, says, "make a new key: `sealgate keys new`", answer)


def _why_not(key: SigningKey, domain: Domain, record: str, now: int) -> str:
    """Sign a message as the gate signs, and have it verified; why it does not verify, or nothing."""
    return verifier.verify(_signed(key, domain, now), key.record_name, record)


def _signed(key: SigningKey, domain: Domain, now: int) -> bytes:
    address = f" postmaster@{domain.name}".encode("ascii")
    fields = (Field(b"From", address), Field(b"To", address), Field(b"Subject", b" test"))
    return sealed(Filed(Headers(fields), b"Test.\r\n"), domain, (key,), now)


def _where_it_went(key: SigningKey, answer: Txt, dns: Dns) -> str:
    """Web forms of DNS hosters append the domain to a name that has it already."""
    doubled = f"{key.record_name}.{key.domain}"
    try:
        if dns.txt(doubled).records:
            return f"it stands at {doubled}: enter the name as {key.selector}._domainkey, without the domain"
    except PortError:
        pass
    kept = f"; the server asked may remember its absence for {answer.seconds} s more" if answer.seconds else ""
    return f"publish it: `sealgate keys zone` prints it{kept}"


def _not_in_the_profile(names: tuple[str, ...], file: Path, settings_path: Path) -> Held:
    if len(names) != 1 or not names[0].partition("/")[2]:
        raise Stop(EX_USAGE, "with --key FILE name one DOMAIN/SELECTOR")
    domain, selector = split(names[0])
    account = account_of(read_settings(settings_path)[0])
    return held(Domain(domain, sign=True), KeySource(selector, str(file.absolute())), account)


def _told(result: Tested) -> str:
    head = click.style(f"{result.state:<12}", fg=_COLOUR.get(result.state, "red"), bold=True)
    dnssec = "" if result.answer is None else ", DNSSEC" if result.answer.is_secure else ", no DNSSEC"
    lines = [f"{head} {result.key.name}  ({result.key.described}{dnssec})", f"    {result.says}"]
    if result.remedy:
        lines.append(f"    -> {result.remedy}")
    return "\n".join(lines)


def _about_dnssec(results: Sequence[Tested]) -> str:
    bare = sum(r.answer is not None and not r.answer.is_secure for r in results)
    return (
        f"\nno DNSSEC ({bare} of {len(results)}): the server does not vouch for the answer, so it could be forged on "
        "its way.\nThat is about the DNS alone; it says nothing against a key, nor against the mode of its file."
    )


def _as_json(result: Tested) -> dict[str, Any]:
    key, answer = result.key, result.answer
    return {
        "domain": key.domain.name,
        "selector": key.source.selector,
        "name": f"{key.source.selector}._domainkey.{key.domain.name}",
        "algorithm": str(key.key.algorithm) if key.key is not None else "",
        "bits": key.key.bits if key.key is not None else 0,
        "file": key.source.file,
        "state": str(result.state),
        "in_order": result.is_in_order,
        "says": result.says,
        "remedy": result.remedy,
        "dnssec": answer.is_secure if answer is not None else None,
        "ttl": answer.seconds if answer is not None else None,
    }
