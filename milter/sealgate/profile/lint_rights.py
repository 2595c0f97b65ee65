"""Lint of rights: whose an address is, once identities, delegations, subaddresses and protected names are put together.

Pure: a profile in, problems out. Part of `profile.lint`. What files of senders hold is not looked at, so what could be
found only there is not said.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from sealgate.profile.lint_identities import placed_senders
from sealgate.profile.model import (
    USER,
    Delegation,
    Identity,
    Place,
    Profile,
    ReplyTo,
    SenderFile,
    SenderPattern,
)
from sealgate.profile.nodes import Problems, place_of, shown
from sealgate.profile.parse_senders import ANYBODY

NOWHERE: Final = Place(0, 0)


def lint_rights(profile: Profile, problems: Problems) -> None:
    """Judge the rights to addresses that the profile gives, all together."""
    _foreign_domains(profile, problems)
    _merged_realms(profile, problems)
    if profile.recipient_delimiter or profile.protected:
        owned = _owned(profile)
        _subaddresses(profile, owned, problems)
        _protected(profile, owned, problems)
    _several_authors(profile, problems)
    _files(profile, problems)
    if profile.reply_to is ReplyTo.DOMAINS and not profile.domains:
        problems.warning(
            profile.places.get("reply_to", NOWHERE),
            "`reply_to: domains` and no `domains`: no Reply-To can be right",
            "list your domains under `domains:`, with `sign: no` if need be",
        )


def _written(profile: Profile) -> Iterator[tuple[SenderPattern, Place, Identity | Delegation]]:
    """Every pattern that gives somebody an address: with its place, and who gets it."""
    for identity in profile.identities:
        for pattern, place in placed_senders(identity):
            yield pattern, place, identity
    for delegation in profile.delegations:
        for pattern in delegation.senders:
            yield pattern, place_of(delegation.place), delegation


def _merged_realms(profile: Profile, problems: Problems) -> None:
    """Find users of two realms who get one address by their name, though they may be two people. One a domain."""
    wholes: dict[str, tuple[str, Identity]] = {}  # domain of `{user}@domain` -> a realm all of whose users have it
    for realm, identity in profile.by_realm.items():
        for pattern in identity.senders:
            if pattern.local == USER:
                wholes.setdefault(pattern.domain, (realm, identity))
    told: set[str] = set()
    for identity in profile.identities if wholes else ():
        for pattern, place in placed_senders(identity):
            if pattern.local != USER or pattern.domain not in wholes or pattern.domain in told:
                continue
            realm, other = wholes[pattern.domain]
            mine = [*identity.realms, *(principal.realm for principal in identity.principals if principal.user)]
            second = next((r for r in mine if r != realm), "")
            if second:
                told.add(pattern.domain)
                whose = "too" if other is identity else f"of identity {shown(other.name)}"
                problems.warning(
                    place,
                    f"alice of realm {shown(second)} and alice of realm {shown(realm)} {whose} may both send as"
                    f" alice@{pattern.domain}",
                    "right only if they are always the same person; else give each realm a domain of its own",
                )


def _foreign_domains(profile: Profile, problems: Problems) -> None:
    """Find senders of a domain that is not ours: misspelt, or with the seal on unsigned. One problem a domain."""
    found: dict[str, tuple[Place, int]] = {}
    for pattern, place, _ in _written(profile):
        if pattern != ANYBODY and pattern.domain not in profile.domains:
            first, count = found.get(pattern.domain, (place, 0))
            found[pattern.domain] = (first, count + 1)
    for domain, (place, count) in found.items():
        if profile.signer_of(domain) is not None or _is_signed_by_a_row(domain, profile):
            continue
        twin = next((ours for ours in profile.domains if _is_misspelt(domain, ours)), "") if len(found) <= 100 else ""
        if not twin and not profile.seal:
            continue
        leaves = "its mail leaves unsigned" if profile.seal else f"it is spelled almost like {twin}"
        more = f" ({count} senders)" if count > 1 else ""
        add = f"add {domain} under `domains:` with a key, or with `sign: no` to say that it is meant"
        problems.warning(
            place,
            f"domain {domain} of this sender is not under `domains`: {leaves}{more}",
            f"did you mean {shown(twin)}? Else {add}" if twin else add,
        )


def _is_signed_by_a_row(domain: str, profile: Profile) -> bool:
    """Whether a row of `signatures` names authors of a domain."""
    return any(
        pattern.domain == domain or (pattern.domain[:1] == "." and domain.endswith(pattern.domain))
        for row in profile.signatures
        for pattern in row.authors
    )


def _is_misspelt(one: str, other: str) -> bool:
    """Whether two domains differ by one slip in a label, or by a dot. Labels under four letters differ on purpose."""
    if one == other:
        return False
    if one.replace(".", "") == other.replace(".", ""):
        return True
    mine, theirs = one.split("."), other.split(".")
    differing = [pair for pair in zip(mine, theirs, strict=False) if pair[0] != pair[1]]
    return len(mine) == len(theirs) and len(differing) == 1 and _is_slip(*differing[0])


def _is_slip(one: str, other: str) -> bool:
    """Whether two labels differ by a letter more, less or another, or by two neighbours that changed places."""
    if min(len(one), len(other)) < 4:
        return False
    start = next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
    mine, theirs = one[start:], other[start:]
    is_swapped = mine[:2] == theirs[1::-1] and mine[2:] == theirs[2:]
    return mine[1:] == theirs[1:] or mine[1:] == theirs or mine == theirs[1:] or is_swapped


@dataclass(slots=True)
class _Owned:
    """Every address that somebody may use, by what is written."""

    owners: dict[tuple[str, str], list[str]] = field(default_factory=dict)  # local, domain -> up to two
    sources: list[tuple[str, str, Place, str]] = field(default_factory=list)  # local, domain, place, owner
    whole: set[str] = field(default_factory=set)  # domains any address of which somebody may use
    domains: set[str] = field(default_factory=set)
    has_anybody: bool = False


def _owned(profile: Profile) -> _Owned:
    found = _Owned()
    for pattern, place, owner in _written(profile):
        if pattern == ANYBODY:
            found.has_anybody = True
            continue
        found.domains.add(pattern.domain)
        if not pattern.local or (pattern.local == USER and isinstance(owner, Identity) and owner.realms):
            found.whole.add(pattern.domain)
        label = f"{'identity' if isinstance(owner, Identity) else 'delegation'} {shown(owner.name)}"
        for local in _locals(profile, owner, pattern):
            owners = found.owners.setdefault((local, pattern.domain), [])
            if label not in owners and len(owners) < 2:
                owners.append(label)
            found.sources.append((local, pattern.domain, place, label))
    return found


def _locals(profile: Profile, owner: Identity | Delegation, pattern: SenderPattern) -> list[str]:
    """The local parts that a pattern stands for, as they are compared; none for a whole domain."""
    if pattern.local == USER:
        users = (principal.user for principal in owner.principals) if isinstance(owner, Identity) else ()
        return [user for user in users if user and user == _compared(profile, user)]
    return [_compared(profile, pattern.local)] if pattern.local else []


def _compared(profile: Profile, local: str) -> str:
    return local if profile.exact_local_parts else local.lower()


def _subaddresses(profile: Profile, owned: _Owned, problems: Problems) -> None:
    """Find addresses that belong to somebody else as well, as a subaddress of theirs. One problem, with a count."""
    delimiter = profile.recipient_delimiter
    if not delimiter:
        return
    found: list[tuple[Place, str]] = []
    for local, domain, place, label in owned.sources:
        at = local.find(delimiter, 1)
        while at > 0:
            other = next((o for o in owned.owners.get((local[:at], domain), ()) if o != label), "")
            if other:
                address = shown(f"{local}@{domain}")
                found.append((place, f"{address} of {label} is a subaddress of {local[:at][:40]}@{domain} of {other}"))
                break
            at = local.find(delimiter, at + 1)
    if found:
        more = f" ({len(found)} such addresses)" if len(found) > 1 else ""
        problems.warning(
            found[0][0],
            f"{found[0][1]}, who may use it too{more}",
            f"rename it, or leave `recipient_delimiter` out if {delimiter} sets nothing off here",
        )
    elif delimiter in "-_." and owned.whole:
        problems.warning(
            profile.places.get("recipient_delimiter", NOWHERE),
            f"with {shown(delimiter)} as delimiter, bob may send as bob{delimiter}smith, who may be somebody else",
            'write "+", or make sure that the MTA delivers bob' + delimiter + "smith to bob",
        )


def _protected(profile: Profile, owned: _Owned, problems: Problems) -> None:
    """Find protected names whose senders nobody may use: a slip, which would refuse the right person's mail."""
    if owned.has_anybody or any(identity.sender_file for identity in profile.identities):
        return
    for protected in profile.protected:
        for pattern in protected.senders:
            if pattern.domain in owned.whole:
                continue
            if (_compared(profile, pattern.local), pattern.domain) in owned.owners or _is_sub(profile, owned, pattern):
                continue
            if not pattern.local and pattern.domain in owned.domains:
                continue
            problems.warning(
                place_of(protected.place),
                f"protected name {shown(protected.name)} is for {shown(str(pattern))}, which nobody may use",
                "add it to the `senders:` of whom it belongs to, or mend it here",
            )
            break


def _is_sub(profile: Profile, owned: _Owned, pattern: SenderPattern) -> bool:
    """Whether an address is a subaddress of one that somebody may use."""
    delimiter, local = profile.recipient_delimiter, _compared(profile, pattern.local)
    cuts = [i for i, c in enumerate(local) if c == delimiter]
    return any((local[:cut], pattern.domain) in owned.owners for cut in cuts)


def _several_authors(profile: Profile, problems: Problems) -> None:
    if not profile.several_authors or not profile.identities or profile.delegations:
        return
    if any(_has_two(identity) for identity in profile.identities):
        return
    problems.warning(
        profile.places.get("several_authors", NOWHERE),
        "`several_authors: yes` and nobody may use two addresses: every author must be the sender's own",
        "leave `several_authors` out, or give somebody a second address",
    )


def _has_two(identity: Identity) -> bool:
    """Whether one sender may use two addresses."""
    is_wide = any(not pattern.local or pattern == ANYBODY for pattern in identity.senders)
    return is_wide or len(identity.senders) > 1 or identity.sender_file is not None


def _files(profile: Profile, problems: Problems) -> None:
    """Find one file of senders that is read in two ways."""
    seen: dict[str, SenderFile] = {}
    for identity in profile.identities:
        source = identity.sender_file
        if source is None:
            continue
        first = seen.setdefault(source.path, source)
        if first.format is not source.format:
            problems.error(
                place_of(source.place),
                f"file {shown(source.path)} is read as `{source.format}` here and as `{first.format}` at {first.place}",
                "say one `format:` in both places",
            )
