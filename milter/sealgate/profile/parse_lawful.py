"""What the profile says of commercial mail: the law, the hosts of opt-outs and tracking, consent, one-click.

The fields of an identity mean something for `class: commercial` only; on another one they are warned of where they
stand, since somebody believes that they do something. Nothing here raises; what is wrong is noted with its place.
"""

from dataclasses import dataclass
from typing import Final

from sealgate.mail.address import AddressError, normal_domain
from sealgate.profile.fields import Fields
from sealgate.profile.form import CHOICES
from sealgate.profile.model import MailClass, OneClick
from sealgate.profile.nodes import shown

MAX_HOSTS: Final = 500  # of one list; every opt-out link is compared with each
COMMERCIAL_ONLY: Final = ("consent", "one_click", "sexually_explicit", "opt_out_hosts")


@dataclass(frozen=True, slots=True)
class Lawful:
    """What one identity says of its commercial mail, as `Identity` has it."""

    consent: bool
    one_click: OneClick
    is_sexually_explicit: bool
    opt_out_hosts: tuple[str, ...]


def read_lawful(fields: Fields, mail_class: MailClass) -> Lawful:
    """Read the fields of one identity that bear on commercial mail."""
    if mail_class is not MailClass.COMMERCIAL:
        for key in COMMERCIAL_ONLY:
            if key in fields:
                message = f"{shown(key)} means nothing to {fields.label}: its class is {mail_class}, not commercial"
                fields.problems.warning(
                    fields.at(key), message, f"write `class: commercial`, or leave {shown(key)} out"
                )
    return Lawful(
        consent=fields.yes_no("consent", default=False),
        one_click=OneClick(fields.choice("one_click", CHOICES["identities.*.one_click"], OneClick.RECOMMENDED)),
        is_sexually_explicit=fields.yes_no("sexually_explicit", default=False),
        opt_out_hosts=read_hosts(fields, "opt_out_hosts"),
    )


def read_hosts(fields: Fields, key: str) -> tuple[str, ...]:
    """Read names of hosts in lower-case A-label form, each once; a leading dot stands for the host and all below."""
    found: dict[str, None] = {}
    for number, (text, place) in enumerate(fields.texts(key)):
        if number == MAX_HOSTS:
            fields.problems.error(
                place, f"more than {MAX_HOSTS} hosts", "write .example.test for that host and all below"
            )
            break
        dot, name = ("." if text[:1] == "." else ""), text.removeprefix(".")
        try:
            host = normal_domain(name)
        except AddressError as error:
            fields.problems.error(place, f"{shown(text)} is no host: {error}", _instead(text))
            continue
        labels = host.split(".")
        if len(labels) < 2 or labels[-1].isdecimal():  # a whole top-level domain, or an IPv4 address
            message = f"{shown(text)} is no host of anybody's: a name with at least one dot in it is meant"
            fields.problems.error(place, message, _instead(text))
            continue
        found[dot + host] = None
    return tuple(found)


def _instead(text: str) -> str:
    """Name the way out of what people write for a host: a URL, a wildcard."""
    if text.startswith("*."):
        return f"write {shown(text[1:])} for the host and all below"
    if "/" in text or ":" in text:
        return "write the host alone, without scheme, port and path"
    return "such as www.example.test, or .example.test for that host and all below"
