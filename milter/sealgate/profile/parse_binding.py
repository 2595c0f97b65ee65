"""What binds addresses beside identities: `groups:`, `delegations:`, `protected:` names, and the settings about them.

A delegation or name with an error in it is left out of what is returned, and every error is noted with its place. What
can be seen only together with the identities (a member that nobody logs in as) is noted here too, where places are
known.
"""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Final

from sealgate.mail.address import AddressError, normal_domain
from sealgate.profile.fields import Fields, kind_of, read_fields
from sealgate.profile.form import CHOICES, KNOWN_KEYS
from sealgate.profile.model import USER, Delegation, Identity, Place, Principal, Protected
from sealgate.profile.nodes import Node, Scalar, near, shown
from sealgate.profile.parse_identities import IdentitiesRead
from sealgate.profile.parse_realms import Realms
from sealgate.profile.parse_senders import SenderReader, has_entries

DELIMITERS: Final = "+-=_.#~^"  # what may stand in a local part and sets nothing else off
MIN_LETTERS: Final = 4  # of a protected name: fewer are met in every other display name
_TOKEN: Final = re.compile(r"[!#$%&'*+\-.^_`{|}~0-9A-Za-z]{1,253}")  # RFC 2045 5.1, as RFC 8601 2.2 asks for

Members = dict[Principal, Place]


def read_delegations(
    top: Fields, realms: Realms, senders: SenderReader, identities: IdentitiesRead
) -> tuple[tuple[Delegation, ...], Mapping[Principal, tuple[Delegation, ...]]]:
    """Read `groups:` and `delegations:`; return the delegations, and an index of them by member."""
    groups, places = _groups(top, realms)
    used: set[str] = set()
    found: list[Delegation] = []
    index: defaultdict[Principal, list[Delegation]] = defaultdict(list)
    for key, value in top.table("delegations"):
        before = top.problems.errors
        label = f"delegation {shown(key.text)}"
        fields = read_fields(value, KNOWN_KEYS["delegations.*"], label, top.problems)
        members = _members(fields, groups, used, realms)
        delegation = Delegation(
            name=key.text,
            senders=senders.plain(fields),
            members=frozenset(members),
            needs_sender=fields.choice("sender_field", CHOICES["delegations.*.sender_field"], "optional") == "required",
            place=top.problems.line(key.place),
        )
        _refuse_empty(key, fields, members)
        if top.problems.errors > before:
            continue
        _warn_of_members(fields, delegation, members, identities)
        found.append(delegation)
        for principal in members:
            index[principal].append(delegation)
    for name, place in places.items():
        if name not in used and not top.problems.errors:
            top.problems.warning(place, f"no delegation names group {shown(name)}", "name it under `members:`")
    return tuple(found), MappingProxyType({p: tuple(delegations) for p, delegations in index.items()})


def _groups(top: Fields, realms: Realms) -> tuple[dict[str, Members], dict[str, Place]]:
    view = top.words("groups", "groups")
    found: dict[str, Members] = {}
    for name in view.nodes:
        if "@" in name:
            hint = "a name with an @ among `members:` is a principal"
            top.problems.error(view.at(name), f"{shown(name)} cannot be the name of a group", hint)
            continue
        found[name] = _principals(_not_nested(view, name), realms)
        if not has_entries(view, name):
            top.problems.warning(view.at(name), f"group {shown(name)} has no members", "list principals, or remove it")
    return found, {name: view.at(name) for name in found}


def _not_nested(view: Fields, name: str) -> Iterator[tuple[str, Place]]:
    """The entries of a group but for other groups, each of which is noted."""
    for text, place in view.texts(name):
        if text in view.nodes:
            hint = f"write the principals of {shown(text)} out, or name both groups under `members:`"
            view.problems.error(place, f"{shown(text)} is a group: groups hold principals only", hint)
        else:
            yield text, place


def _principals(texts: Iterable[tuple[str, Place]], realms: Realms) -> Members:
    read = ((realms.principal(text, place), place) for text, place in texts)
    return {principal: place for principal, place in read if principal is not None}


def _members(fields: Fields, groups: Mapping[str, Members], used: set[str], realms: Realms) -> Members:
    """Write the members of a delegation out: principals, and those of the groups it names, each with its place."""
    found: Members = {}
    for text, place in fields.texts("members"):
        if "@" in text:
            found.update(_principals([(text, place)], realms))
        elif text in groups:
            used.add(text)
            found.update({principal: at for principal, at in groups[text].items() if principal not in found})
        else:
            hint = near(text, groups) or "a principal has a realm (carol@EXAMPLE.TEST); groups stand under `groups:`"
            fields.problems.error(place, f"there is no group {shown(text)}", hint)
    return found


def _refuse_empty(key: Scalar, fields: Fields, members: Members) -> None:
    lacking = [name for name in ("senders", "members") if not has_entries(fields, name)]
    if not lacking and not members and not fields.problems.errors:
        lacking = ["members"]  # only groups without anybody in them
    if lacking and fields.nodes:
        missing = " and no ".join(f"`{name}`" for name in lacking)
        example = "{senders: [sales@example.test], members: [alice@EXAMPLE.TEST]}"
        fields.problems.error(key.place, f"delegation {shown(key.text)} has no {missing}", f"write {example}")


def _warn_of_members(fields: Fields, delegation: Delegation, members: Members, identities: IdentitiesRead) -> None:
    """Note members that no identity knows, and those that could never name themselves as the Sender."""
    if fields.problems.errors:
        return  # identities with an error are left out: whom they hold is not known
    label = f"delegation {shown(delegation.name)}"
    known = {principal: identity for principal in members if (identity := identities.of(principal))}
    unknown = [principal for principal in members if principal not in known]
    if unknown:
        fields.problems.warning(
            members[unknown[0]],
            f"{label} has member {shown(str(unknown[0]))}{_more(unknown)}, who is never met: no identity holds it",
            _near_member(unknown[0], identities) or "add it to the `principals:` of an identity",
        )
    mute = [principal for principal, identity in known.items() if not _has_own(identity, principal)]
    if mute and delegation.needs_sender:
        fields.problems.warning(
            members[mute[0]],
            f"{label} wants a Sender field, and {shown(str(mute[0]))}{_more(mute)} has no address of its own for it",
            f"give identity {shown(known[mute[0]].name)} `senders:`, or write `sender_field: optional`",
        )


def _more(found: list[Principal]) -> str:
    return f" (and {len(found) - 1} more)" if len(found) > 1 else ""


def _near_member(principal: Principal, identities: IdentitiesRead) -> str:
    same = (str(p) for p in identities.by_principal if p.name[:1].casefold() == principal.name[:1].casefold())
    return near(str(principal), same)


def _has_own(identity: Identity, principal: Principal) -> bool:
    own = any(pattern.local != USER or principal.user for pattern in identity.senders)
    return own or identity.sender_file is not None


def read_protected(top: Fields, senders: SenderReader) -> tuple[Protected, ...]:
    """Read the names that only some addresses may bear."""
    found: dict[str, tuple[Protected, Place]] = {}
    for key, value in top.table("protected"):
        before = top.problems.errors
        label = f"protected name {shown(key.text)}"
        fields = read_fields(value, KNOWN_KEYS["protected.*"], label, top.problems)
        name = " ".join(key.text.split())
        if _letters(name) < MIN_LETTERS:
            hint = "write the full name: a short one is found in the names of other people"
            top.problems.error(key.place, f"{label} has fewer than {MIN_LETTERS} letters", hint)
        if (same := name.casefold()) in found:
            at = top.problems.at(found[same][1])
            top.problems.error(key.place, f"{label} was already given at {at}", "put the senders of both in one")
        patterns = senders.plain(fields)
        if not patterns and top.problems.errors == before:
            top.problems.warning(key.place, f"{label} has no `senders`: nobody may bear it", "list its addresses")
        if top.problems.errors == before:
            found[same] = (Protected(name, patterns, top.problems.line(key.place)), key.place)
    return tuple(protected for protected, _ in found.values())


def _letters(name: str) -> int:
    """Count letters; a character of a script that writes whole syllables or words counts as two."""
    return sum(1 + (unicodedata.east_asian_width(c) in "WF") for c in name if c.isalpha())


def read_delimiter(top: Fields) -> str:
    """Read `recipient_delimiter`: one character, or empty where it is not given or is \"\"."""
    node = top.nodes.get("recipient_delimiter")
    if node is None or (isinstance(node, Scalar) and not node.text and not node.plain):
        return ""
    if isinstance(node, Scalar) and len(node.text) == 1 and node.text in DELIMITERS:
        return node.text
    hint = "as Postfix's parameter of this name; of several characters the one that your addresses have"
    message = f"`recipient_delimiter` must be one of {' '.join(DELIMITERS)} in double quotes; not {_named(node)}"
    top.problems.error(node.place, message, hint)
    return ""


def _named(node: Node) -> str:
    """Name a node; `#` without quotes begins a comment, which YAML reads as nothing."""
    named = kind_of(node)
    return "nothing (# without quotes begins a comment)" if named == "nothing" else named


def read_authserv_ids(top: Fields) -> tuple[str, ...]:
    """Read the names under which our own hosts write results (RFC 8601 2.5), in lower case and each once."""
    found: dict[str, None] = {}
    for text, place in top.texts("authserv_ids"):
        try:
            # Beyond ASCII it is a domain (RFC 8616 5), compared as its A-labels.
            name = text.lower() if text.isascii() else normal_domain(text)
        except AddressError as error:
            top.problems.error(place, f"{shown(text)} is no authserv-id: {error}", "such as mail.example.test")
            continue
        if not _TOKEN.fullmatch(name) or name != name.strip("."):
            hint = "a host name as a rule, without a dot at its end, such as mail.example.test (RFC 8601 2.5)"
            top.problems.error(place, f"{shown(text)} is no authserv-id", hint)
            continue
        found[name] = None
    return tuple(found)
