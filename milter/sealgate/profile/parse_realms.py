"""The profile's `realms:`, and every principal that is written in it.

A profile that lists its realms refuses every other one, wherever a principal is named: cross-realm trust lets users
of a partner's KDC log in, and whether they may send is said here, never guessed. A realm that is marked `fold` has
names without case, as Active Directory has; its principals are kept in lower case, so that two spellings are one key.
Nothing here raises; what is wrong is noted with its place.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from sealgate.profile.fields import Fields
from sealgate.profile.form import CHOICES
from sealgate.profile.model import USER, Login, Place, Principal
from sealgate.profile.nodes import Listing, Problems, Scalar, near, shown
from sealgate.profile.principal import parse_principal
from sealgate.profile.syntax import quote_hint

_WITNESS: Final = "some-user"  # stands for {user} where only the realm matters
_BRACES: Final = re.compile(r"[{}]")


@dataclass(frozen=True, slots=True)
class Realms:
    """The realms that principals may be of.

    Attributes:
        folds: realm -> whether its names have no case.
        are_listed: whether the profile lists them; otherwise every realm may be named, and all have case.
        places: where each was written, as `realms.NAME`.
    """

    problems: Problems
    folds: Mapping[str, bool] = field(default_factory=lambda: MappingProxyType({}))
    are_listed: bool = False
    places: Mapping[str, Place] = field(default_factory=lambda: MappingProxyType({}))

    def principal(self, text: str, place: Place) -> Principal | None:
        """Read one principal in the form that the indexes hold; None, with a problem noted, where it cannot be one."""
        if text == "*" or _BRACES.search(text) or text.startswith(("*@", "*/")):
            hint = f'every user of a realm is "{USER}@REALM", under `principals:` of one identity only'
            self.problems.error(place, f"{shown(text)} is no single principal", hint)
            return None
        try:
            found = parse_principal(text)
        except ValueError as error:
            self.problems.error(place, f"{shown(text)} is no principal: {error}", quote_hint(text) or _comma_hint(text))
            return None
        if hint := quote_hint(text):
            self.problems.error(place, f"{shown(text)} is no principal: it begins with a quote", hint)
            return None
        return self.canonical(found) if self.admits(found.realm, place) else None

    def whole(self, text: str, place: Place) -> str:
        """Read the realm of `{user}@REALM`; empty, with a problem noted, where it cannot be one."""
        try:
            realm = parse_principal(text.replace(USER, _WITNESS, 1)).realm
        except ValueError as error:
            self.problems.error(place, f"{shown(text)} names no realm: {error}", quote_hint(text))
            return ""
        if _BRACES.search(realm):
            self.problems.error(place, f"{shown(text)} names no realm: {USER} may stand once")
            return ""
        return realm if self.admits(realm, place) else ""

    def admits(self, realm: str, place: Place) -> bool:
        """Whether principals may be of `realm`; a problem is noted where they may not."""
        if not self.are_listed or realm in self.folds:
            return True
        twin = next((known for known in self.folds if known.casefold() == realm.casefold()), "")
        hint = f"did you mean {shown(twin)}? Realms have case" if twin else near(realm, self.folds)
        self.problems.error(
            place,
            f"realm {shown(realm)} is not under `realms:`",
            hint or "list it there if its users are to send here; what is not listed is refused",
        )
        return False

    def canonical(self, principal: Principal) -> Principal:
        """Return the form in which the indexes of the profile hold a principal."""
        return principal.folded if self.folds.get(principal.realm) else principal


def _comma_hint(text: str) -> str:
    return "a comma between them?" if text.count("@") > 1 and len(text.split()) > 1 else ""


def read_realms(top: Fields) -> Realms:
    """Read `realms:`. Without it every realm may be named, until `realms_of` is told what `logins` lead to.

    A realm in lower case is a slip where every principal writes it in capitals: one error, here, and the realm that is
    meant counts as listed. Elsewhere it is legal (MIT Kerberos compares realms as they are written) and warned of.
    """
    if "realms" not in top:
        return Realms(top.problems)
    table = top.words("realms", "realms")
    named = _realms_named(top) if any(name != name.upper() for name in table.nodes) else frozenset()
    folds: dict[str, bool] = {}
    places: dict[str, Place] = {}
    for name in table.nodes:
        place = table.at(name)
        try:
            parsed = parse_principal(f"{_WITNESS}@{name}")
        except ValueError as error:
            top.problems.error(place, f"{shown(name)} is no realm: {error}", "such as EXAMPLE.TEST")
            continue
        realm = _as_meant(parsed.realm, place, table, named)
        folds[realm] = table.choice(name, CHOICES["realms.*"], "exact") == "fold"
        places[f"realms.{realm}"] = place
    return Realms(top.problems, MappingProxyType(folds), True, MappingProxyType(places))


def _as_meant(realm: str, place: Place, table: Fields, named: frozenset[str]) -> str:
    """Return a listed realm, or its twin in capitals where only that is named; what is not in capitals is noted."""
    capitals = realm.upper()
    if realm == capitals or capitals in table.nodes:
        return realm
    problems = table.problems
    if capitals in named and realm not in named:
        message = f"realm {shown(realm)} is written {shown(capitals)} wherever a principal is named"
        problems.error(place, message, f"write {capitals[:100]}: Kerberos realms have case, and are in capitals")
        return capitals
    hint = f"write {capitals[:100]}, here and in every principal, unless the KDC really spells it in lower case"
    problems.warning(place, f"realm {shown(realm)} is not in capitals, as Kerberos realms are", hint)
    return realm


def _realms_named(top: Fields) -> frozenset[str]:
    """The text behind the last @ of everything that names principals, without judging it."""
    nodes = [top.nodes[key] for key in ("identities", "groups", "delegations", "logins") if key in top]
    found: set[str] = set()
    while nodes:
        node = nodes.pop()
        if isinstance(node, Scalar):
            found.add(node.text.rpartition("@")[2] if "@" in node.text else "")
        elif isinstance(node, Listing):
            nodes += node.nodes
        else:
            nodes += (value for key, value in node.pairs if key.text not in ("senders", "spelled"))
    return frozenset(found)


def realm_of(template: str) -> str:
    """Return the realm of the `principal` of a row of `logins`; empty where it is none."""
    try:
        return parse_principal(template.replace(USER, _WITNESS)).realm
    except ValueError:
        return ""


def realms_of(listed: Realms, logins: Iterable[Login]) -> Mapping[str, bool]:
    """Return the realms of the profile: those it lists, else those that its `logins` lead to, all with case."""
    if listed.are_listed:
        return listed.folds
    return MappingProxyType({realm: False for login in logins if (realm := realm_of(login.principal))})
