"""`sealgate import opendkim --compare`: the same message to OpenDKIM and to a profile, and a table of what each signs.

Each message goes four ways: after a login, from a trusted host, by sendmail(1) on this host, and from a stranger, whose
mail neither may sign. OpenDKIM is the installed program with the given configuration, on a socket of its own; see
`adapters.opendkim`.
"""

import json
import re
import signal
import sys
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email.utils import getaddresses
from ipaddress import IPv4Address, ip_address
from pathlib import Path
from typing import Any, Final

import click

from sealgate.adapters.opendkim import Answer, Client, OpenDkim
from sealgate.app.ports import PortError
from sealgate.cli import EX_DATAERR, EX_UNAVAILABLE, Stop
from sealgate.cli.loading import progress
from sealgate.mail.headers import Headers
from sealgate.mail.message import Session
from sealgate.mail.reply import printable
from sealgate.profile.model import Profile
from sealgate.profile.opendkim_hosts import Block, is_here
from sealgate.profile.opendkim_profile import Import
from sealgate.screening.mailfiles import Item, items, listed
from sealgate.screening.screener import author_of
from sealgate.screening.signing import Letter, Signed, Signing, read_letter

_MANY: Final = 60  # messages; of more only those that differ are shown
_MAX_RECIPIENTS: Final = 100
_DOCUMENTATION: Final = ("203.0.113.77", "198.51.100.77", "192.0.2.77", "2001:db8::77")  # RFC 5737, RFC 3849
_TAG: Final = re.compile(rb"(?:^|;)\s*([ds])\s*=\s*([^;\s]+)")
_HEADS: Final = ("MESSAGE", "SENT BY", "OPENDKIM", "SEALGATE")
_YES: Final = click.style("yes", fg="green")
_NO: Final = click.style("NO", fg="red", bold=True)
_DONE: Final = ("accept", "continue")


@dataclass(frozen=True, slots=True)
class Way:
    """How a message comes in: its name in the table, and what OpenDKIM and we are told of it."""

    name: str
    client: Client
    session: Session


@dataclass(frozen=True, slots=True)
class Row:
    """A message by one way."""

    message: str
    way: str
    theirs: Signed
    ours: Signed

    @property
    def is_same(self) -> bool:
        """Whether both let it go on with the same signatures; a key that is named twice signs once here."""
        return self.theirs.action == self.ours.action and set(self.theirs.signatures) == set(self.ours.signatures)

    @property
    def as_json(self) -> dict[str, Any]:
        """For a program."""
        sides = {"opendkim": self.theirs, "sealgate": self.ours}
        told = {name: {"action": s.action, "signatures": list(s.signatures)} for name, s in sides.items()}
        return {"message": self.message, "sent_by": self.way, **told, "same": self.is_same}


def compare(found: Import, profile: Profile, messages: Iterable[Path], *, as_json: bool, every: bool) -> int:
    """Compare, print, and return the exit status.

    Raises:
        Stop: OpenDKIM is not installed, or cannot be asked.
    """
    rows: list[Row] = []
    unreadable: list[Item] = []
    try:
        with _ending_by_signal(), OpenDkim(found.asking) as daemon, Signing(profile) as signing:
            for item in _all(messages):
                if item.fault or item.subtype:
                    unreadable.append(item)
                else:
                    rows += _asked(item, daemon, signing, tuple(_ways(found.networks)))
    except PortError as error:
        raise Stop(EX_UNAVAILABLE, str(error)) from error
    for item in unreadable:
        fault = item.fault or "it is a template, not a message"
        click.echo(f"sealgate: {printable(item.name)}: {printable(fault)}", err=True)
    if as_json:
        for row in rows:
            click.echo(json.dumps(row.as_json))
    else:
        _print(rows, every=every)
    if any(not row.is_same for row in rows):
        return 1
    return EX_DATAERR if unreadable or not rows else 0


@contextmanager
def _ending_by_signal() -> Iterator[None]:
    """End in order on SIGTERM and SIGHUP: the OpenDKIM that was started shall not outlive us."""

    def end(number: int, frame: object) -> None:
        del frame
        raise SystemExit(128 + number)

    if threading.current_thread() is not threading.main_thread():
        yield  # only there may handlers be set
        return
    before = {number: signal.signal(number, end) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _all(messages: Iterable[Path]) -> Iterator[Item]:
    for path in progress(listed(messages), "asking OpenDKIM"):
        yield from items(path, sys.stdin.buffer)


def _ways(networks: tuple[Block, ...]) -> Iterator[Way]:
    outside = next((a for a in _DOCUMENTATION if not _is_in(a, networks)), "")
    name = "client.example.test"
    macros = {"auth_type": "PLAIN", "auth_authen": "somebody", "auth_author": "somebody@example.test"}
    address = outside or _DOCUMENTATION[0]
    yield Way("login", Client(name, address, macros=macros), _session(address, 40000, ("PLAIN", "somebody")))
    if networks:
        trusted = str(networks[0].network_address)
        yield Way("trusted host", Client(name, trusted), _session(trusted, 40000))
    if is_here(networks):
        yield Way("this host", Client("localhost", "127.0.0.1", 0), _session("127.0.0.1", 0))
    if outside:
        yield Way("stranger", Client(name, outside), _session(outside, 40000))


def _session(address: str, port: int, login: tuple[str, str] = ("", "")) -> Session:
    """As the MTA of `adapters.opendkim` tells of it: a service without a name of its own."""
    return Session("mail.example.test", address, port, mta="Postfix", auth_mechanism=login[0], auth_name=login[1])


def _is_in(address: str, networks: Iterable[Block]) -> bool:
    client = ip_address(address)
    return any(client in each for each in networks if each.version == (4 if isinstance(client, IPv4Address) else 6))


def _asked(item: Item, daemon: OpenDkim, signing: Signing, ways: tuple[Way, ...]) -> Iterator[Row]:
    letter = read_letter(item.octets)
    author = author_of(item.octets)
    sender = f"<{author}>".encode("utf-8", "replace") if author else b"<>"
    recipients = _recipients(letter.headers)
    fields = [(field.name, field.value) for field in letter.headers]
    for way in ways:
        theirs = _read(daemon.ask(way.client, sender, recipients, fields, letter.body))
        yield Row(item.name, way.name, theirs, _ours(signing, letter, way, sender, recipients))


def _ours(signing: Signing, letter: Letter, way: Way, sender: bytes, recipients: tuple[bytes, ...]) -> Signed:
    return signing.of(letter, way.session, sender, recipients)


def _read(answer: Answer) -> Signed:
    """OpenDKIM's answer; to go on and to accept is the same at the end."""
    found = []
    for name, value in answer.added:
        if name.lower() == b"dkim-signature":
            tags = dict(_TAG.findall(value))
            found.append(printable(b"/".join((tags.get(b"d", b"?"), tags.get(b"s", b"?"))).decode("ascii", "replace")))
    return Signed("accept" if answer.action in _DONE else answer.action, tuple(found))


def _recipients(headers: Headers) -> tuple[bytes, ...]:
    """Whom To and Cc name, as sendmail -t takes them; OpenDKIM has options that mind recipients."""
    values = [f.value.decode("utf-8", "replace") for name in (b"to", b"cc") for f in headers.every(name)]
    named = [address for _, address in getaddresses(values) if address.count("@") == 1 and address.isprintable()]
    return tuple(f"<{a}>".encode() for a in named[:_MAX_RECIPIENTS]) or (b"<somebody@example.invalid>",)


def _print(rows: list[Row], *, every: bool) -> None:
    """A table; ways of one message with one result are one line."""
    by_message = _by_message(rows)
    lines: list[tuple[tuple[str, str, str, str], bool]] = []
    for message, found in by_message.items():
        groups: dict[tuple[str, str, bool], list[str]] = {}
        for row in found:
            groups.setdefault((_shown(row.theirs), _shown(row.ours), row.is_same), []).append(row.way)
        name = printable(message)
        for (theirs, ours, is_same), ways in groups.items():
            if every or len(by_message) <= _MANY or not is_same:
                lines.append(((name, ", ".join(ways), theirs, ours), is_same))
                name = ""
    if lines:
        widths = [max(map(len, column)) for column in zip(_HEADS, *(cells for cells, _ in lines), strict=True)]
        click.echo(f"{_padded(_HEADS, widths)}  SAME")
        for cells, is_same in lines:
            click.echo(f"{_padded(cells, widths)}  {_YES if is_same else _NO}")
    other = len({row.message for row in rows if not row.is_same})
    told = "all are signed alike" if not other else f"{other:,} signed otherwise"
    click.echo(f"{len(by_message):,} message{'s' * (len(by_message) != 1)}, {len(rows):,} ways to send: {told}")


def _padded(cells: Iterable[str], widths: Iterable[int]) -> str:
    return "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True))


def _by_message(rows: list[Row]) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {}
    for row in rows:
        found.setdefault(row.message, []).append(row)
    return found


def _shown(signed: Signed) -> str:
    if signed.action != "accept":
        return signed.action
    return ", ".join(dict.fromkeys(signed.signatures)) or "-"
