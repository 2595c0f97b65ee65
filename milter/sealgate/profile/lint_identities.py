"""Lint of identities: nobody's, mute or too mighty ones, and two that claim one source.

Pure: a profile in, problems out. Part of `profile.lint`.
"""

from collections.abc import Iterator

from sealgate.profile.model import (
    USER,
    Identity,
    Kind,
    MailClass,
    Network,
    Place,
    Principal,
    Profile,
    SenderPattern,
)
from sealgate.profile.nodes import Problems, place_of, shown
from sealgate.profile.parse_senders import ANYBODY


def lint_identities(profile: Profile, problems: Problems) -> None:
    """Judge every identity, and all of them together."""
    delegated_realms = {principal.realm for principal in profile.delegated}
    for identity in profile.identities:
        _identity(identity, problems)
        _commercial(identity, problems)
        _whole_realm(identity, problems)
        _mute(profile, identity, delegated_realms, problems)
        _own_name(profile, identity, problems)
        _catch_all(identity, problems)
    _networks(profile.identities, problems)
    _case_twins(profile.identities, problems)


def placed_senders(identity: Identity) -> Iterator[tuple[SenderPattern, Place]]:
    """Every pattern of an identity with its place; the identity's own where none is known."""
    places = identity.sender_places or (place_of(identity.place),) * len(identity.senders)
    return zip(identity.senders, places, strict=True)


def _identity(identity: Identity, problems: Problems) -> None:
    here, name = place_of(identity.place), shown(identity.name)
    has_session = identity.principals or identity.realms or identity.networks or identity.certificates
    if not has_session and not identity.local:
        hint = "say who it is: `principals:`, `networks:`, `certificates:`, or `local: yes`"
        problems.error(here, f"identity {name} is nobody", hint)
    if identity.local and identity.min_cipher_bits and not has_session:
        problems.warning(
            here,
            f"`min_cipher_bits` means nothing to identity {name}: local submission has no TLS",
            "leave `min_cipher_bits` out",
        )


def _commercial(identity: Identity, problems: Problems) -> None:
    if identity.mail_class is not MailClass.COMMERCIAL:
        return
    here, name = place_of(identity.place), shown(identity.name)
    if identity.kind is Kind.PERSON:
        problems.error(
            here,
            f"identity {name} is a person: a person's mail is never refused for what commercial mail must carry",
            "declare what sends advertisements as `kind: service`, with a principal of its own",
        )
    if identity.kind is Kind.FORWARDER:
        problems.error(
            here,
            f"identity {name} is a forwarder and commercial: mail of other authors would be refused for its content",
            "declare what sends advertisements as `kind: service`, with a principal of its own",
        )
    if not identity.postal_addresses:
        problems.warning(
            here,
            f"identity {name} is commercial and names no `postal_addresses`: an address can only be guessed at",
            "register the sender's address under `postal_addresses:` (16 CFR 316.2(p)) and name it here",
        )


def _whole_realm(identity: Identity, problems: Problems) -> None:
    """Judge an identity that is every user of a realm: what it may do, everybody may."""
    if not identity.realms:
        return
    here, name, realm = place_of(identity.place), shown(identity.name), identity.realms[0]
    if identity.kind is Kind.FORWARDER:
        problems.error(
            here,
            f"identity {name} is a forwarder and every user of realm {shown(realm)}: anybody could send as anybody",
            "write the principal of the forwarding service out, such as svc/lists@EXAMPLE.TEST",
        )
    elif identity.mail_class is MailClass.COMMERCIAL and identity.kind is not Kind.PERSON:
        problems.warning(
            here,
            f"identity {name} is commercial and every user of realm {shown(realm)}: all their mail is held to that law",
            "write the principal of the service that sends advertisements out",
        )
    for pattern, place in placed_senders(identity):
        if not pattern.local:
            problems.warning(
                place,
                f"every user of realm {shown(realm)} may send as anybody at {pattern.domain}",
                f'write "{USER}@{pattern.domain}" for the address that is named like the user',
            )
    if identity.kind is not Kind.FORWARDER:
        _shared_by_all(identity, problems)


def _shared_by_all(identity: Identity, problems: Problems) -> None:
    """Find addresses written out under an identity that is everybody: they are everybody's. One problem, a count."""
    found = [pair for pair in placed_senders(identity) if pair[0].local not in ("", USER) and pair[0] != ANYBODY]
    if not found:
        return
    pattern, place = found[0]
    more = f" (and as {len(found) - 1} more written out here)" if len(found) > 1 else ""
    problems.warning(
        place,
        f"every user of realm {shown(identity.realms[0])} may send as {shown(str(pattern))}{more}",
        "if only some may, take it out here and write a delegation: "
        f"{{senders: [{str(pattern)[:100]}], members: [alice@{identity.realms[0][:100]}]}}",
    )


def _mute(profile: Profile, identity: Identity, delegated_realms: set[str], problems: Problems) -> None:
    """Find what can send nothing, neither as itself nor by a delegation."""
    if identity.senders or identity.sender_file or identity.kind is Kind.FORWARDER:
        return
    if any(principal in profile.delegated for principal in identity.principals):
        return
    if not delegated_realms.isdisjoint(identity.realms):
        return
    name = shown(identity.name)
    problems.warning(
        place_of(identity.place), f"identity {name} has no `senders`: it can send nothing", "list its addresses"
    )


def _own_name(profile: Profile, identity: Identity, problems: Problems) -> None:
    """Find what is given by the name of a principal to an identity that has no such name."""
    here, name = place_of(identity.place), shown(identity.name)
    if identity.sender_file and not identity.principals and not identity.realms:
        problems.warning(
            here,
            f"identity {name} has a file of senders and no `principals`: the file gives it nothing",
            "list its addresses under `senders:`",
        )
    found = next(((pattern, place) for pattern, place in placed_senders(identity) if pattern.local == USER), None)
    if found is None or identity.realms:
        return
    pattern, place = found
    users = [principal.user for principal in identity.principals if principal.user]
    if not users:
        problems.warning(
            place,
            f"{shown(str(pattern))} gives identity {name} nothing: only a principal without instance has such a name",
            f"write the address out, such as {identity.name[:40]}@{pattern.domain}",
        )
    elif not profile.exact_local_parts and (capital := next((u for u in users if u != u.lower()), "")):
        problems.warning(
            place,
            f"{shown(str(pattern))} gives principal {shown(capital)} of identity {name} nothing: local parts are"
            " compared in lower case, and Kerberos names keep theirs",
            f"write {capital.lower()[:64]}@{pattern.domain} out, or say `fold` of its realm under `realms:`",
        )


def _catch_all(identity: Identity, problems: Problems) -> None:
    """Judge `*`: every address there is."""
    place = next((place for pattern, place in placed_senders(identity) if pattern == ANYBODY), None)
    if place is None:
        return
    name = shown(identity.name)
    if identity.realms:
        problems.error(
            place,
            f"identity {name} is every user of realm {shown(identity.realms[0])} and may send as anybody",
            f'write "{USER}@example.test" for the address that is named like the user',
        )
    elif identity.kind is Kind.PERSON:
        problems.error(
            place,
            f"identity {name} is a person and may send as anybody",
            "list its addresses; for a service that must send as others, say `kind: service` or `kind: forwarder`",
        )
    else:
        problems.warning(
            place,
            f"identity {name} may send as anybody: whoever gets at it can take every name there is",
            'list its addresses, or "@example.test" for each domain it sends for',
        )


def _networks(identities: tuple[Identity, ...], problems: Problems) -> None:
    """Find networks of two identities that overlap. CIDR blocks overlap only by containment: sort, and keep a stack."""
    every = [(network, identity) for identity in identities for network in identity.networks]
    every.sort(key=lambda pair: (pair[0].version, int(pair[0].network_address), pair[0].prefixlen))
    around: list[tuple[Network, Identity]] = []
    for network, identity in every:
        while around and not _holds(around[-1][0], network):
            around.pop()
        # Within the stack each block holds the next, so one owner that differs is enough to name.
        other = next((pair for pair in reversed(around) if pair[1] is not identity), None)
        if other is not None:
            problems.error(
                place_of(identity.place),
                f"network {network} of identity {shown(identity.name)} overlaps {other[0]} of {shown(other[1].name)}"
                f" at {other[1].place}",
                "a client must lead to one identity",
            )
        around.append((network, identity))


def _holds(outer: Network, inner: Network) -> bool:
    if outer.version != inner.version or outer.prefixlen > inner.prefixlen:
        return False
    return int(outer.network_address) == int(inner.network_address) & int(outer.netmask)


def _case_twins(identities: tuple[Identity, ...], problems: Problems) -> None:
    """Find principals of two identities that differ in case only: legal in Kerberos, and a slip nearly always."""
    seen: dict[str, tuple[Principal, Identity]] = {}
    for identity in identities:
        for index, principal in enumerate(identity.principals):
            twin, owner = seen.setdefault(str(principal).casefold(), (principal, identity))
            if twin != principal:
                place = identity.principal_places[index] if identity.principal_places else place_of(identity.place)
                problems.warning(
                    place,
                    f"principal {shown(str(principal))} differs only in case from {shown(str(twin))}"
                    f" of identity {shown(owner.name)} at {owner.place}",
                    "Kerberos names are case-sensitive: these are two; in Active Directory, where they are one,"
                    " say `fold` of the realm under `realms:`",
                )
