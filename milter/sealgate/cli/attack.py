"""`sealgate attack`: hostile and honest mail through a relay of one's own, to oneself.

Shows what a relay lets through, whatever gate it has. Everything goes to one recipient, whom the user names and
confirms. Exit 0 if no hostile shape was accepted and no honest one refused, 1 otherwise, 69 if there is no relay.
"""

import json
import secrets
import shutil
import ssl
import sys
from dataclasses import dataclass, replace
from email.utils import formatdate
from pathlib import Path
from typing import Any, Final

import click

from sealgate.attack.catalogue import SHAPES, chosen, completed
from sealgate.attack.shape import Cast, Needs, Shape
from sealgate.cli import EX_DATAERR, EX_UNAVAILABLE, EX_USAGE, Stop
from sealgate.cli.loading import progress
from sealgate.cli.outcomes import Sent, as_json, described, left_out, listed, row, summary
from sealgate.cli.sending import Login, Relay, UnreachableError
from sealgate.mail.address import Address, AddressError, parse_address
from sealgate.mail.reply import printable

FIRST: Final = next(shape for shape in SHAPES if shape.code == "ok-plain")
_LOOPBACK: Final = ("127.0.0.1", "::1", "localhost")


@dataclass(frozen=True, slots=True)
class Asked:
    """The options, by the names they have below."""

    submission: str | None
    rcpt: str | None
    own: str | None
    victim: str | None
    mechanism: str
    user: str
    password_file: Path | None
    gssapi_host: str
    no_tls: bool
    ca: Path | None
    insecure: bool
    only: tuple[str, ...]
    victim_name: str
    brand: str
    reply_to: str
    foreign_names: bool
    delimiter: str
    own_idn: str
    authserv_id: str
    rcpt_elsewhere: bool
    is_list: bool
    as_json: bool
    yes: bool

    @property
    def has(self) -> frozenset[Needs]:
        """What the site has set, as far as the options say; everything for a list."""
        said = {
            Needs.PROTECTED: self.victim_name,
            Needs.BRAND: self.brand,
            Needs.CLOSED_REPLY_TO: self.reply_to == "owned",
            Needs.OPEN_REPLY_TO: self.reply_to == "off",
            Needs.FOREIGN_NAMES: self.foreign_names,
            Needs.DELIMITER: self.delimiter,
            Needs.IDN: self.own_idn,
        }
        return frozenset(need for need, value in said.items() if value or self.is_list)


@click.command("attack")
@click.option("--submission", metavar="HOST:PORT", help="The relay's submission service; port 465 means TLS at once.")
@click.option("--rcpt", metavar="ME", help="Where everything goes: a mailbox of your own.")
@click.option("--from", "own", metavar="OWN", help="The address that your login owns.  [default: that of --rcpt]")
@click.option("--victim", help="An address of the same domain that your login does not own.  [default: ceo@ it]")
@click.option(
    "--mechanism",
    type=click.Choice(["GSSAPI", "PLAIN", "LOGIN", "NONE"], case_sensitive=False),
    default="GSSAPI",
    show_default=True,
    help="How to log in; GSSAPI takes the ticket that kinit got.",
)
@click.option("--user", default="", help="Whom to log in as, by PLAIN or LOGIN.  [default: OWN]")
@click.option("--password-file", type=click.Path(path_type=Path), help="Its first line; without it you are asked.")
@click.option("--gssapi-host", default="", help="Host of the service principal smtp/HOST.  [default: the relay's]")
@click.option("--no-tls", is_flag=True, help="No STARTTLS; passwords then go to this very host only.")
@click.option("--ca", type=click.Path(path_type=Path), help="A file of certificates to trust instead of the system's.")
@click.option("--insecure", is_flag=True, help="Trust any certificate.")
@click.option("--only", multiple=True, metavar="FAMILY|CODE", help="Only these shapes; may be given again.",
              shell_complete=lambda _, __, incomplete: [*completed(incomplete)])  # fmt: skip
@click.option("--victim-name", default="", help="A name that the relay protects; without it those shapes stay out.")
@click.option("--brand", default="", help="A department or brand that the relay protects.")
@click.option("--reply-to", type=click.Choice(["off", "domains", "owned"]), default="off", show_default=True,
              help="What the relay lets Reply-To name.")  # fmt: skip
@click.option("--foreign-names", is_flag=True, help="The relay refuses another's address as the name beside one's own.")
@click.option("--delimiter", default="", help="Sets off subaddresses that are yours, such as +.")
@click.option("--own-idn", default="", help="A further address of yours, in an internationalised domain.")
@click.option("--authserv-id", default="", help="The relay's name in Authentication-Results.  [default: as in EHLO]")
@click.option("--rcpt-elsewhere", is_flag=True, help="Allow a --rcpt outside the domain of --from.")
@click.option("--list", "is_list", is_flag=True, help="Say what there is, and send nothing.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a shape.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_context
def command(ctx: click.Context, /, **said: Any) -> None:
    """Try to send as somebody else through a relay of your own, delivering only to yourself.

    An honest letter goes first; if that is refused nothing else is sent. An accepted shape that an MTA or gate may have
    made harmless on the way (cut at a NUL, a forged field removed) is marked `look`: find its copy in your mailbox by
    the Subject, which is also the last line of the text, such as `sealgate attack from-nul-name 3f2a`.

    Exit 0 if no hostile shape was accepted and no honest one refused, 1 otherwise, 69 if the relay cannot be used.

    \b
    sealgate attack --list
    kinit alice && sealgate attack --submission mail.example.test:587 --rcpt alice@example.test
    sealgate attack --submission localhost:587 --rcpt alice@example.test --only display-names --json
    """
    asked = Asked(**said)
    try:
        shapes = chosen(asked.only, asked.has)
    except KeyError as error:
        raise Stop(EX_USAGE, f"--only {error.args[0]}: neither a code nor a family; see --list") from error
    if asked.is_list:
        for shape in shapes:
            click.echo(json.dumps(described(shape)) if asked.as_json else listed(shape))
        return
    if not shapes:
        raise Stop(EX_USAGE, f"no shape is left to send. {left_out(asked.has).strip()}")
    cast = _cast(asked)
    relay = _relay(asked, cast)
    _confirm(asked, shapes, cast)
    tag = secrets.token_hex(2)
    results, trouble = _run(relay, shapes, cast, tag, asked.authserv_id)
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else 0
    for sent in results:
        click.echo(json.dumps(as_json(sent, tag)) if asked.as_json else row(sent, width))
    if results[:1] and results[0].shape is FIRST and results[0].is_failure:
        click.echo(
            "sealgate: an honest letter was not accepted, so refusals would prove nothing: no more sent", err=True
        )
    elif results and not asked.as_json:
        click.echo(summary(results, tag))
        click.echo("" if asked.only else left_out(asked.has), nl=False)
    if trouble:
        raise Stop(EX_UNAVAILABLE, trouble)
    ctx.exit(1 if any(sent.is_failure for sent in results) else 0)


def _cast(asked: Asked) -> Cast:
    """The people, from the options.

    Raises:
        Stop: a word is missing, or an address is none.
    """
    if not asked.submission or not asked.rcpt:
        raise Stop(EX_USAGE, "say --submission HOST:PORT and --rcpt ME, or --list")
    own, recipient = asked.own or asked.rcpt, asked.rcpt
    domain = _address(own, "--from").domain
    victim = asked.victim or f"ceo@{domain}"
    if _address(victim, "--victim").domain != domain or victim.lower() == own.lower():
        raise Stop(EX_USAGE, f"--victim {victim}: name another address of {domain}")
    if _address(recipient, "--rcpt").domain != domain and not asked.rcpt_elsewhere:
        raise Stop(
            EX_USAGE, f"--rcpt {recipient} is not in {domain}; if that is a mailbox of yours say --rcpt-elsewhere"
        )
    if asked.own_idn:
        _address(asked.own_idn, "--own-idn")
    cast = Cast(own, victim, recipient, delimiter=asked.delimiter or "+")
    given = {"victim_name": asked.victim_name, "brand": asked.brand, "own_idn": asked.own_idn}
    return replace(cast, **{name: value for name, value in given.items() if value})


def _address(text: str, option: str) -> Address:
    try:
        return parse_address(text.encode())
    except AddressError as error:
        raise Stop(EX_USAGE, f"{option} {text}: {error}") from error


def _relay(asked: Asked, cast: Cast) -> Relay:
    """The relay, from the options.

    Raises:
        Stop: no HOST:PORT, a password would go out in clear, or a file cannot be read.
    """
    host, _, port = (asked.submission or "").rpartition(":")
    if not host or not port.isdigit() or not 0 < int(port) < 65_536:
        raise Stop(EX_USAGE, f"--submission {asked.submission}: write HOST:PORT, such as mail.example.test:587")
    host = host.strip("[]")
    needs_password = asked.mechanism in ("PLAIN", "LOGIN")
    if needs_password and asked.no_tls and host not in _LOOPBACK:
        raise Stop(EX_USAGE, "a password is not sent to another host without TLS")
    try:
        context = None if asked.no_tls else _context(asked)
        password = _password(asked.password_file) if needs_password else ""
    except (OSError, ValueError) as error:
        raise Stop(EX_DATAERR, f"--ca or --password-file: {error}") from error
    login = Login(asked.mechanism, asked.user or cast.own, password, asked.gssapi_host)
    return Relay(host, int(port), login, context)


def _context(asked: Asked) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=str(asked.ca) if asked.ca else None)
    if asked.insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _password(path: Path | None) -> str:
    if path is None:
        prompted: str = click.prompt("Password", hide_input=True, err=True)
        return prompted
    return (path.read_text().splitlines() or [""])[0]


def _confirm(asked: Asked, shapes: tuple[Shape, ...], cast: Cast) -> None:
    hostile = sum(shape.is_hostile for shape in shapes)
    count = len(shapes) + (FIRST not in shapes)  # an honest letter goes first, asked for or not
    question = (
        f"Send {count} messages ({hostile} hostile) through {asked.submission} as {cast.own} to {cast.recipient}?"
    )
    if not asked.yes:
        click.confirm(question, abort=True, err=True)


def _run(relay: Relay, shapes: tuple[Shape, ...], cast: Cast, tag: str, authserv_id: str) -> tuple[list[Sent], str]:
    """Send the honest letter, then everything; return what was heard, and why it ended early, if it did."""
    results: list[Sent] = []
    try:
        with relay:
            people = replace(cast, authserv_id=authserv_id or relay.name)
            first = _sent(relay, FIRST, people, tag)
            if first.is_failure:  # refusals of hostile mail would prove nothing
                return [first], ""
            if FIRST in shapes:
                results.append(first)
            for shape in progress([shape for shape in shapes if shape is not FIRST], "sending"):
                results.append(_sent(relay, shape, people, tag))
    except UnreachableError as error:
        return results, printable(str(error), 400)
    except KeyboardInterrupt:
        return results, "interrupted"
    return results, ""


def _sent(relay: Relay, shape: Shape, cast: Cast, tag: str) -> Sent:
    message_id = f"{shape.code}.{tag}.{secrets.token_hex(8)}@{cast.own.rpartition('@')[2]}"
    mail = shape.mail(cast, message_id, formatdate(localtime=True), f"sealgate attack {shape.code} {tag}")
    return Sent(shape, relay.send(mail, cast.recipient))
