"""The rights read backwards: who may send as one address, and which line of the profile says so.

The counterpart of `profile.rights`, for people who ask (`sealgate who sales@example.test`). It goes through the whole
profile, so it is not for the path of a message.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from sealgate.mail.address import Address
from sealgate.profile.model import USER, Identity, Principal, Profile, SenderPattern, unextended
from sealgate.profile.principal import parse_principal
from sealgate.profile.rights import Grant


@dataclass(frozen=True, slots=True)
class Holder:
    """Somebody who may use an address.

    Attributes:
        who: a principal, `every user of REALM`, or the identity and how it is recognised where it has no login.
        identity: the name of the identity in the profile; empty where no identity knows the principal.
        grant: the right, with its place.
    """

    who: str
    identity: str
    grant: Grant


def holders(profile: Profile, address: Address) -> Iterator[Holder]:
    """Everybody who may use `address` in MAIL FROM or as an author, identities first, then delegations."""
    for identity in profile.identities:
        yield from _by_patterns(profile, identity, address)
        yield from _by_file(profile, identity, address)
    for delegation in profile.delegations:
        for pattern in delegation.senders:
            if _matches(pattern, address, profile):
                grant = Grant(str(pattern), f"delegation {delegation.name}", delegation.place, delegation.needs_sender)
                for principal in sorted(delegation.members):
                    found = identity_of(profile, principal)
                    yield Holder(str(principal), found.name if found else "", grant)


def identity_of(profile: Profile, principal: Principal) -> Identity | None:
    """The identity a principal is: its own before that of its whole realm."""
    found = profile.by_principal.get(principal)
    return found or (profile.by_realm.get(principal.realm) if principal.user else None)


def _by_patterns(profile: Profile, identity: Identity, address: Address) -> Iterator[Holder]:
    for index, pattern in enumerate(identity.senders):
        places = identity.sender_places
        line = f"{identity.place.rpartition(':')[0]}:{places[index].line}" if index < len(places) else identity.place
        grant = Grant(str(pattern), f"identity {identity.name}", line)
        for principal in identity.principals:
            if _matches(pattern, address, profile, principal.user):
                yield Holder(str(principal), identity.name, grant)
        if pattern.local == USER:
            yield from _users(profile, identity, pattern, address, grant)
        elif _matches(pattern, address, profile):
            for who in (*(f"every user of {realm}" for realm in identity.realms), *_without_login(identity)):
                yield Holder(who, identity.name, grant)


def _users(
    profile: Profile, identity: Identity, pattern: SenderPattern, address: Address, grant: Grant
) -> Iterator[Holder]:
    """The users of whole realms whose own name the address bears, with and without a subaddress."""
    local = address.local if profile.exact_local_parts else address.local.lower()
    base = unextended(local, profile.recipient_delimiter)
    for realm in identity.realms:
        for name in (local, base) if base else (local,):
            principal = Principal(name, realm).folded if profile.realms.get(realm) else Principal(name, realm)
            is_its_own = principal.user and identity_of(profile, principal) is identity
            if is_its_own and _matches(pattern, address, profile, principal.user):
                yield Holder(str(principal), identity.name, grant)


def _by_file(profile: Profile, identity: Identity, address: Address) -> Iterator[Holder]:
    source = identity.sender_file
    table = profile.sender_tables.get(source) if source else None
    if source is None or table is None:
        return
    exact, delimiter = profile.exact_local_parts, profile.recipient_delimiter
    for who, line in table.holders(address, exact_case=exact, delimiter=delimiter):
        if identity_of(profile, parse_principal(who)) is not identity:
            continue  # the file names somebody whom this identity does not hold: the row gives nothing
        yield Holder(who, identity.name, Grant(str(address), f"file {source.path}", f"{source.path}:{line}"))


def _without_login(identity: Identity) -> Iterator[str]:
    if identity.local:
        yield f"{identity.name} (local submission)"
    for network in identity.networks:
        yield f"{identity.name} (client in {network})"
    for certificate in identity.certificates:
        yield f"{identity.name} (certificate {certificate.subject} of {certificate.issuer})"


def _matches(pattern: SenderPattern, address: Address, profile: Profile, user: str = "") -> bool:
    exact, delimiter = profile.exact_local_parts, profile.recipient_delimiter
    return pattern.matches(address, user=user, exact_case=exact, delimiter=delimiter)
