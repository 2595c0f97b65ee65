"""Who may send as what: every address a principal may use, and the line of the profile that says so.

The one place where an identity's own senders, its file of senders and the delegations to a principal come together.
The checks ask `grant_for`; the refusal at MAIL, and people, are told what `grants` lists.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from sealgate.mail.address import Address
from sealgate.profile.model import USER, Identity, Principal, Profile, SenderPattern


@dataclass(frozen=True, slots=True)
class Grant:
    """A right to use addresses.

    Attributes:
        pattern: `alice@example.test`, `{user}@example.test`, `@example.test` or `*`.
        source: `identity alice`, `delegation sales`, `file /etc/sealgate/senders`.
        place: `file:line` of the words that give it.
        needs_sender: whether the mail needs a Sender field that names an address of the sender's own.
    """

    pattern: str
    source: str
    place: str
    needs_sender: bool = False


def grant_for(profile: Profile, identity: Identity, principal: Principal | None, address: Address) -> Grant | None:
    """What lets this sender use `address`: a right of its own before a delegated one; None: nothing does."""
    return own_grant(profile, identity, principal, address) or _delegated(profile, principal, address)


def own_grant(profile: Profile, identity: Identity, principal: Principal | None, address: Address) -> Grant | None:
    """What lets this sender use `address` as its own, without any delegation; None: nothing does."""
    user = principal.user if principal else ""
    exact, delimiter = profile.exact_local_parts, profile.recipient_delimiter
    for index, pattern in enumerate(identity.senders):
        if pattern.matches(address, user=user, exact_case=exact, delimiter=delimiter):
            return Grant(str(pattern), f"identity {identity.name}", _place(identity, index))
    source = identity.sender_file
    if source is not None and principal is not None:
        table = profile.sender_tables.get(source)
        line = table.line_for(principal, address, exact_case=exact, delimiter=delimiter) if table else 0
        if line:
            return Grant(str(address), f"file {source.path}", f"{source.path}:{line}")
    return None


def grants(profile: Profile, identity: Identity, principal: Principal | None) -> Iterator[Grant]:
    """Everything this sender may use: own senders, then those of its file, then delegations.

    `{user}` is filled in, and left out where it gives this principal nothing.
    """
    for index, pattern in enumerate(identity.senders):
        if shown := _filled_in(pattern, profile, principal):
            yield Grant(shown, f"identity {identity.name}", _place(identity, index))
    source = identity.sender_file
    if source is not None and principal is not None and (table := profile.sender_tables.get(source)):
        for text, line in table.of(principal):
            yield Grant(text, f"file {source.path}", f"{source.path}:{line}")
    for delegation in profile.delegated.get(principal, ()) if principal else ():
        for pattern in delegation.senders:
            yield Grant(str(pattern), f"delegation {delegation.name}", delegation.place, delegation.needs_sender)


def _filled_in(pattern: SenderPattern, profile: Profile, principal: Principal | None) -> str:
    if pattern.local != USER:
        return str(pattern)
    user = principal.user if principal else ""
    local = user if profile.exact_local_parts else user.lower()
    exact, delimiter = profile.exact_local_parts, profile.recipient_delimiter
    is_owned = pattern.matches(Address(local, pattern.domain), user=user, exact_case=exact, delimiter=delimiter)
    return f"{local}@{pattern.domain}" if is_owned else ""


def _delegated(profile: Profile, principal: Principal | None, address: Address) -> Grant | None:
    exact, delimiter = profile.exact_local_parts, profile.recipient_delimiter
    found: Grant | None = None
    for delegation in profile.delegated.get(principal, ()) if principal else ():
        for pattern in delegation.senders:
            if pattern.matches(address, exact_case=exact, delimiter=delimiter):
                grant = Grant(str(pattern), f"delegation {delegation.name}", delegation.place, delegation.needs_sender)
                if not grant.needs_sender:
                    return grant
                found = found or grant
    return found


def _place(identity: Identity, index: int) -> str:
    if index >= len(identity.sender_places):
        return identity.place
    file = identity.place.rpartition(":")[0]
    return f"{file}:{identity.sender_places[index].line}"
