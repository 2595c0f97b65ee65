"""The profile's `identities:` and `postal_addresses:`, read from the node tree.

An identity with an error in it is left out of what is returned, and every error is noted with its place. A principal
that two identities claim is found here, where both places are known.
"""

from dataclasses import dataclass, field, replace
from ipaddress import ip_network
from types import MappingProxyType
from typing import Final

from sealgate.mail.address import AddressError, normal_domain, parse_address
from sealgate.profile.fields import Fields, read_fields, text_of
from sealgate.profile.form import CHOICES, KNOWN_KEYS
from sealgate.profile.model import (
    Identity,
    Kind,
    MailClass,
    Network,
    Place,
    PostalAddress,
    Principal,
    SenderPattern,
)
from sealgate.profile.nodes import Node, Problems, Scalar, near, shown
from sealgate.profile.principal import parse_principal

MAX_POSTAL: Final = 500  # characters of one postal address


def _postal_addresses(top: Fields) -> dict[str, tuple[PostalAddress, Place]]:
    found: dict[str, tuple[PostalAddress, Place]] = {}
    for key, value in top.table("postal_addresses"):
        written = Scalar(" ".join(value.text.split()), False, value.place) if isinstance(value, Scalar) else value
        text = text_of(written, f"postal address {shown(key.text)}", top.problems)
        if text is None:
            continue
        if len(text) > MAX_POSTAL:
            top.problems.error(value.place, f"a postal address is longer than {MAX_POSTAL} characters")
        elif len(text) < 15 or not any(c.isdecimal() for c in text):
            top.problems.warning(
                value.place,
                f"postal address {shown(key.text)} looks too short to be one",
                "street address, P.O. box or registered private mailbox, with town and postal code (16 CFR 316.2(p))",
            )
        found[key.text] = (PostalAddress(key.text, text), key.place)
    return found


@dataclass(slots=True)
class _Roll:
    """What is known while identities are read: postal addresses, and principals and domains met so far."""

    problems: Problems
    postal: dict[str, tuple[PostalAddress, Place]]
    principals: dict[Principal, tuple[str, Place]] = field(default_factory=dict)
    domains: dict[str, str] = field(default_factory=dict)  # `@domain` as written -> normal form
    used_postal: set[str] = field(default_factory=set)


def read_identities(top: Fields) -> tuple[tuple[Identity, ...], MappingProxyType[Principal, Identity]]:
    """Read identities and the postal addresses they name; return them with an index by principal."""
    roll = _Roll(top.problems, _postal_addresses(top))
    found: list[Identity] = []
    for key, value in top.table("identities"):
        before = top.problems.errors
        identity = _identity(key, value, roll)
        if top.problems.errors == before:
            found.append(identity)
    for name, (_, place) in roll.postal.items():
        if name not in roll.used_postal and not top.problems.errors:
            top.problems.warning(place, f"no identity names postal address {shown(name)}")
    return tuple(found), MappingProxyType({p: identity for identity in found for p in identity.principals})


def _identity(key: Scalar, value: Node, roll: _Roll) -> Identity:
    fields = read_fields(value, KNOWN_KEYS["identities.*"], f"identity {shown(key.text)}", roll.problems)
    kind = Kind(fields.choice("kind", CHOICES["identities.*.kind"], "person"))
    usual = MailClass.PERSONAL if kind is Kind.PERSON else MailClass.AUTO
    identity = Identity(
        name=key.text,
        kind=kind,
        mail_class=MailClass(fields.choice("class", CHOICES["identities.*.class"], usual)),
        networks=_networks(fields),
        local=fields.yes_no("local", default=False),
        postal_addresses=_postal_names(fields, roll),
        place=roll.problems.line(key.place),
    )
    principals = _principals(key.text, fields, roll)
    senders = _senders(fields, roll)
    return replace(
        identity,
        principals=tuple(p for p, _ in principals),
        principal_places=tuple(place for _, place in principals),
        senders=tuple(s for s, _ in senders),
        sender_places=tuple(place for _, place in senders),
    )


def _principals(name: str, fields: Fields, roll: _Roll) -> list[tuple[Principal, Place]]:
    found: list[tuple[Principal, Place]] = []
    for text, place in fields.texts("principals"):
        try:
            principal = parse_principal(text)
        except ValueError as error:
            roll.problems.error(place, f"{shown(text)} is no principal: {error}")
            continue
        if principal in roll.principals:
            owner, first = roll.principals[principal]
            which = "this identity" if owner == name else f"identity {shown(owner)}"
            message = f"principal {shown(text)} already belongs to {which}, at {roll.problems.at(first)}"
            roll.problems.error(place, message, "a login must lead to one identity; two identities may share a sender")
            continue
        roll.principals[principal] = (name, place)
        found.append((principal, place))
    return found


def _senders(fields: Fields, roll: _Roll) -> list[tuple[SenderPattern, Place]]:
    found: list[tuple[SenderPattern, Place]] = []
    for text, place in fields.texts("senders"):
        try:
            found.append((_sender(text, roll), place))
        except AddressError as error:
            hint = ""
            if text.startswith(("@*", "@.")) or "*" in text or "@" not in text:
                hint = 'write user@example.test, or "@example.test" for every address of exactly that domain'
            roll.problems.error(place, f"{shown(text)} is no sender: {error}", hint)
    return found


def _sender(text: str, roll: _Roll) -> SenderPattern:
    if not text.startswith("@"):
        address = parse_address(text.encode("utf-8"))
        if "*" in address.local:  # atext, but nobody who writes it means the character
            raise AddressError("wildcards are not read")
        return SenderPattern(address.local, address.domain)
    if text not in roll.domains:
        roll.domains[text] = normal_domain(text[1:])
    return SenderPattern("", roll.domains[text])


def _networks(fields: Fields) -> tuple[Network, ...]:
    found: list[Network] = []
    for text, place in fields.texts("networks"):
        try:
            network = ip_network(text)
        except ValueError:
            _refuse_network(text, place, fields.problems)
            continue
        if network.version == 6 and network.network_address.ipv4_mapped is not None:
            fields.problems.error(place, f"{shown(text)} is an IPv4 network in IPv6 clothes", "write it as IPv4")
        elif network.prefixlen == 0:
            fields.problems.error(place, f"{shown(text)} is every address there is: anybody could send without a login")
        else:
            found.append(network)
    return tuple(found)


def _refuse_network(text: str, place: Place, problems: Problems) -> None:
    try:
        hint = f"did you mean {ip_network(text, strict=False)}?"
    except ValueError:
        hint = "write 192.0.2.0/24, 2001:db8::/32, or one address"
    problems.error(place, f"{shown(text)} is no network", hint)


def _postal_names(fields: Fields, roll: _Roll) -> tuple[PostalAddress, ...]:
    found: list[PostalAddress] = []
    for name, place in fields.texts("postal_addresses"):
        if name not in roll.postal:
            hint = near(name, roll.postal) or "the names stand under `postal_addresses:` on the top level"
            roll.problems.error(place, f"there is no postal address {shown(name)}", hint)
            continue
        roll.used_postal.add(name)
        found.append(roll.postal[name][0])
    return tuple(found)
