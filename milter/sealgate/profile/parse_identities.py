"""The profile's `identities:` and `postal_addresses:`, read from the node tree.

An identity with an error in it is left out of what is returned, and every error is noted with its place. A principal,
a realm or a client certificate that two identities claim is found here, where both places are known.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_network
from types import MappingProxyType
from typing import Final, TypeVar

from sealgate.profile.fields import Fields, read_fields, text_of
from sealgate.profile.form import CANNOT_BE, CHOICES, KNOWN_KEYS
from sealgate.profile.model import (
    USER,
    Certificate,
    Identity,
    Kind,
    MailClass,
    Network,
    Place,
    PostalAddress,
    Principal,
)
from sealgate.profile.nodes import Node, Problems, Scalar, Table, near, shown
from sealgate.profile.parse_lawful import read_lawful
from sealgate.profile.parse_realms import Realms
from sealgate.profile.parse_senders import SenderReader, read_senders

MAX_POSTAL: Final = 500  # characters of one postal address
MAX_CIPHER_BITS: Final = 512  # no cipher of TLS has more than 256
MECHANISM: Final = re.compile(r"[A-Z0-9_-]{1,20}")  # RFC 4422 3.1

Claim = TypeVar("Claim", Principal, Certificate, str)


@dataclass(frozen=True, slots=True)
class IdentitiesRead:
    """All identities without an error, found by principal and by realm."""

    identities: tuple[Identity, ...]
    by_principal: Mapping[Principal, Identity]
    by_realm: Mapping[str, Identity]

    def of(self, principal: Principal) -> Identity | None:
        """The identity that a principal leads to: by its name, else by its realm (which has no instances)."""
        return self.by_principal.get(principal) or (self.by_realm.get(principal.realm) if principal.user else None)


@dataclass(slots=True)
class _Roll:
    """What is known while identities are read: realms, postal addresses, and what was claimed so far."""

    problems: Problems
    realms: Realms
    postal: dict[str, tuple[PostalAddress, Place]]
    senders: SenderReader
    groups: frozenset[str] = frozenset()  # their names, for who writes one where a principal must stand
    claims: dict[Principal | Certificate | str, tuple[str, Place]] = field(default_factory=dict)
    used_postal: set[str] = field(default_factory=set)

    def claimed(self, claim: Claim, name: str, place: Place, what: str, hint: str) -> bool:
        """Note that identity `name` claims something, or the problem that it was claimed before."""
        owner, first = self.claims.setdefault(claim, (name, place))
        if first == place:
            return True
        which = "this identity" if owner == name else f"identity {shown(owner)}"
        self.problems.error(place, f"{what} already belongs to {which}, at {self.problems.at(first)}", hint)
        return False


def read_identities(top: Fields, realms: Realms, senders: SenderReader) -> IdentitiesRead:
    """Read identities and the postal addresses they name."""
    roll = _Roll(top.problems, realms, _postal_addresses(top), senders, _group_names(top))
    found: list[Identity] = []
    for key, value in top.table("identities"):
        before = top.problems.errors
        identity = _identity(key, value, roll)
        if top.problems.errors == before:
            found.append(identity)
    for name, (_, place) in roll.postal.items():
        if name not in roll.used_postal and not top.problems.errors:
            top.problems.warning(place, f"no identity names postal address {shown(name)}")
    return IdentitiesRead(
        tuple(found),
        MappingProxyType({p: identity for identity in found for p in identity.principals}),
        MappingProxyType({realm: identity for identity in found for realm in identity.realms}),
    )


def _identity(key: Scalar, value: Node, roll: _Roll) -> Identity:
    label = f"identity {shown(key.text)}"
    fields = read_fields(value, KNOWN_KEYS["identities.*"], label, roll.problems, CANNOT_BE["identities.*"])
    kind = Kind(fields.choice("kind", CHOICES["identities.*.kind"], "person"))
    usual = MailClass.PERSONAL if kind is Kind.PERSON else MailClass.AUTO
    principals, realms = _principals(key.text, fields, roll)
    senders = read_senders(fields, roll.senders, roll.realms)
    mail_class = MailClass(fields.choice("class", CHOICES["identities.*.class"], usual))
    lawful = read_lawful(fields, mail_class)
    identity = Identity(
        name=key.text,
        kind=kind,
        mail_class=mail_class,
        principals=tuple(p for p, _ in principals),
        networks=_networks(fields, "networks", "anybody could send without a login"),
        local=fields.yes_no("local", default=False),
        senders=tuple(s for s, _ in senders.patterns),
        sender_file=senders.file,
        realms=realms,
        certificates=_certificates(key.text, fields, roll),
        only_from=_networks(fields, "only_from", "leave `only_from` out for logins from anywhere"),
        mechanisms=read_mechanisms(fields, "mechanisms"),
        min_cipher_bits=fields.whole("min_cipher_bits", 0, MAX_CIPHER_BITS, 0),
        consent=lawful.consent,
        one_click=lawful.one_click,
        is_sexually_explicit=lawful.is_sexually_explicit,
        opt_out_hosts=lawful.opt_out_hosts,
        postal_addresses=_postal_names(fields, roll),
        place=roll.problems.line(key.place),
        principal_places=tuple(place for _, place in principals),
        sender_places=tuple(place for _, place in senders.patterns),
    )
    for limit in ("only_from", "mechanisms"):
        if limit in fields and not fields.items("principals"):
            message = f"`{limit}` limits logins, and {label} has no `principals`"
            roll.problems.error(fields.at(limit), message, f"add `principals:`, or leave `{limit}` out")
    return identity


def _principals(name: str, fields: Fields, roll: _Roll) -> tuple[list[tuple[Principal, Place]], tuple[str, ...]]:
    """Read `principals`: single ones, and realms all of whose users are meant."""
    found: list[tuple[Principal, Place]] = []
    realms: list[str] = []
    hint = "a login must lead to one identity; two identities may share a sender"
    for text, place in fields.texts("principals"):
        if text.startswith(f"{USER}@"):
            realm = roll.realms.whole(text, place)
            if realm and roll.claimed(realm, name, place, f"every user of realm {shown(realm)}", hint):
                realms.append(realm)
            continue
        if text in roll.groups:
            where = "groups are for `members:` of a delegation; list the principals here"
            roll.problems.error(place, f"{shown(text)} is a group and no principal", where)
            continue
        principal = roll.realms.principal(text, place)
        if principal and roll.claimed(principal, name, place, f"principal {shown(text)}", hint):
            found.append((principal, place))
    return found, tuple(realms)


def _group_names(top: Fields) -> frozenset[str]:
    groups = top.nodes.get("groups")
    return (
        frozenset(key.text for key, _ in groups.pairs if "@" not in key.text)
        if isinstance(groups, Table)
        else frozenset()
    )


def _certificates(name: str, fields: Fields, roll: _Roll) -> tuple[Certificate, ...]:
    found: list[Certificate] = []
    for node in fields.items("certificates"):
        before = roll.problems.errors
        row = read_fields(node, KNOWN_KEYS["identities.*.certificates[]"], "a certificate", roll.problems)
        certificate = Certificate(row.text("subject"), row.text("issuer"))
        if roll.problems.errors > before:
            continue
        if not certificate.subject or not certificate.issuer:
            hint = "both: a name alone is whatever any trusted authority signs for anybody"
            roll.problems.error(node.place, "a certificate needs `subject` and `issuer`", hint)
            continue
        what = f"certificate {shown(certificate.subject)} of {shown(certificate.issuer)}"
        if roll.claimed(certificate, name, node.place, what, "a certificate must lead to one identity"):
            found.append(certificate)
    return tuple(found)


def read_mechanisms(fields: Fields, key: str) -> tuple[str, ...]:
    """Read names of SASL mechanisms, one or a list, in upper case and each once."""
    found: dict[str, None] = {}
    for word, place in fields.texts(key, one_will_do=True):
        if MECHANISM.fullmatch(word.upper()):
            found[word.upper()] = None
        else:
            fields.problems.error(
                place, f"{shown(word)} is no SASL mechanism", "such as GSSAPI or PLAIN (RFC 4422 3.1)"
            )
    return tuple(found)


def _networks(fields: Fields, key: str, if_all: str) -> tuple[Network, ...]:
    found: list[Network] = []
    for text, place in fields.texts(key):
        try:
            network = ip_network(text)
        except ValueError:
            _refuse_network(text, place, fields.problems)
            continue
        if network.version == 6 and network.network_address.ipv4_mapped is not None:
            fields.problems.error(place, f"{shown(text)} is an IPv4 network in IPv6 clothes", "write it as IPv4")
        elif network.prefixlen == 0:
            fields.problems.error(place, f"{shown(text)} is every address there is: {if_all}")
        else:
            found.append(network)
    return tuple(found)


def _refuse_network(text: str, place: Place, problems: Problems) -> None:
    try:
        hint = f"did you mean {ip_network(text, strict=False)}?"
    except ValueError:
        hint = "write 192.0.2.0/24, 2001:db8::/32, or one address"
    problems.error(place, f"{shown(text)} is no network", hint)


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
