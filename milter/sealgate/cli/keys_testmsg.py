"""`sealgate keys testmsg`: a message from standard input, signed by the keys of one domain, on standard output.

Planned and signed by the code of the gate, with the domain's settings: only rules, rows of `signatures:` and logins are
left out. `sealed` is that part, for other verbs too.
"""

import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Final

import click

from sealgate.cli import EX_DATAERR, Stop
from sealgate.cli.keys_held import chosen, held_keys, split, usable
from sealgate.cli.loading import settings_option
from sealgate.mail.address import Address, AddressError, parse_mailboxes
from sealgate.mail.filed import Filed, read_filed
from sealgate.mail.headers import Headers
from sealgate.profile.model import AuthorPattern, Domain, Form, Profile, SignatureRow
from sealgate.seal.canonical import RelaxedBody, SimpleBody
from sealgate.seal.keys import SigningKey
from sealgate.seal.plan import SKIPS, NoKey, Skipped, plan
from sealgate.seal.refold import refold
from sealgate.seal.sign import sign

_ANYBODY: Final = (AuthorPattern("", "*"),)


class Unsealed(ValueError):  # noqa: N818 - says what became of the message
    """The message cannot be signed, for the reason in `str()`."""


@click.command("testmsg")
@click.argument("domain")
@click.argument("selectors", nargs=-1, metavar="[SELECTOR]...")
@click.option("--profile", "profile_path", type=click.Path(path_type=Path), help="Another profile than this host's.")
@settings_option
def testmsg(domain: str, selectors: tuple[str, ...], profile_path: Path | None, settings_path: Path) -> None:
    """Sign the message on standard input with the keys of DOMAIN, or with those that are named.

    Signs whatever it is given, for whoever can read the keys; line ends stay as they are, LF or CRLF.

    \b
    sealgate keys testmsg example.test < letter.eml > signed.eml
    sealgate keys testmsg example.test s2026 < letter.eml | sealgate verify -
    """
    name, _ = split(domain)
    profile, keys = held_keys(settings_path, profile_path)
    used = usable(chosen(keys, [f"{name}/{each}" for each in selectors] or [name]))
    octets = sys.stdin.buffer.read()
    filed = read_filed(octets)
    if filed is None:
        raise Stop(EX_DATAERR, "what is on standard input does not begin with a header field, so it is no message")
    for note in filed.notes:
        click.echo(f"sealgate: {note}", err=True)
    try:
        signed = sealed(filed, profile.domains[name], used, int(time.time()))
    except Unsealed as error:
        raise Stop(EX_DATAERR, str(error)) from error
    first = octets.find(b"\n")
    sys.stdout.buffer.write(signed if octets[max(first - 1, 0) : first] == b"\r" else signed.replace(b"\r\n", b"\n"))


def sealed(filed: Filed, domain: Domain, keys: Sequence[SigningKey], now: int) -> bytes:
    """Return the message with a signature of each key on top, as it would leave the gate, with CRLF line ends.

    Args:
        filed: the message.
        domain: says the form of the signatures.
        keys: its keys.
        now: seconds since the epoch, UTC.

    Raises:
        Unsealed: its From names nobody that could be signed for.
    """
    row = SignatureRow(keys=tuple((domain.name, key.selector) for key in keys), authors=_ANYBODY)
    profile = Profile(seal=True, domains=MappingProxyType({domain.name: domain}), signatures=(row,))
    planned = plan(filed.headers, _author(filed.headers), profile, {domain.name: tuple(keys)})
    if isinstance(planned, Skipped | NoKey):
        raise Unsealed(SKIPS[planned.reason if isinstance(planned, Skipped) else "no-key"])
    leaving = refold(filed.headers, {name.encode("ascii") for name in planned.covers})
    bodies: dict[Form, RelaxedBody | SimpleBody] = {Form.RELAXED: RelaxedBody(), Form.SIMPLE: SimpleBody()}
    for body in bodies.values():
        body.feed(filed.body)
    hashes = {form: body.digest() for form, body in bodies.items()}
    fields = [
        f"{name}: {value}".replace("\n", "\r\n").encode("ascii")
        for name, value in sign(planned, leaving.headers, hashes, now)
    ]
    fields += [field.name + b":" + field.value for field in leaving.headers]
    return b"\r\n".join((*fields, b"", filed.body))


def _author(headers: Headers) -> Address | None:
    fields = headers.every(b"from")
    try:
        return parse_mailboxes(fields[0].value)[0].address if fields else None
    except AddressError:
        return None
