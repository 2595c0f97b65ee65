"""Logins as sender files write them, made into principals in the one spelling in which they are compared.

A login without a realm gets the file's, a realm whose names have no case (`realms: {R: fold}`) has them lower-cased,
and everything else stays exactly as written: Kerberos names keep their case. What is legal and hardly ever meant (a
realm in lower case, two logins that differ in case only) is warned of.
"""

import re
from collections.abc import Callable, Iterable
from collections.abc import Set as AbstractSet
from typing import Final

from sealgate.mail.address import AddressError, normal_domain
from sealgate.profile.model import Place, Principal, SenderFile
from sealgate.profile.nodes import Problems, shown
from sealgate.profile.principal import parse_principal

MAX_WARNINGS: Final = 20  # of one kind

# What a row is made of nearly always; all else is read by the strict parsers. Only single sets are possessive: groups
# that are so match what they should not before Python 3.11.5. What these
# let through besides (dots in wrong places, domains that are none) is found by `Logins.are_quick`.
QUICK_NAME: Final = r"[A-Za-z0-9._-]{1,100}+(?:/[A-Za-z0-9._-]{1,100}+)?"
QUICK_REALM: Final = r"[A-Za-z0-9.-]{1,200}+"
QUICK_ADDRESS: Final = r"(?:[A-Za-z0-9_+'&/~=-][A-Za-z0-9._+'&/~=-]{0,63}+)?@[A-Za-z0-9.-]{1,253}+"
_DOMAIN = re.compile(r"@[^,]+")


def folded(principal: Principal, fold_realms: AbstractSet[str]) -> Principal:
    """The principal as it is compared: in a realm whose names have no case, in lower case."""
    if principal.realm in fold_realms:
        return principal.folded
    return principal


def with_lower_domains(addresses: str) -> str:
    """Lower the domains of addresses joined by commas."""
    if addresses.islower():
        return addresses
    return _DOMAIN.sub(lambda m: m[0].lower(), addresses)


def _is_plain(domain: str) -> bool:
    try:
        return normal_domain(domain) == domain.lower()
    except AddressError:
        return False


class Logins:
    """Reads the logins of one file and remembers what is to be warned of."""

    def __init__(self, source: SenderFile, fold_realms: AbstractSet[str]) -> None:
        self.realm = source.realm
        self.fold_realms = fold_realms
        self._realms: dict[str, int] = {}  # -> the first line that names it
        self._domains: dict[str, bool] = {}  # as written -> whether lower case is all it needs

    def quick(self, name: str, realm: str | None, line: int) -> str:
        """A login that `QUICK_NAME` and `QUICK_REALM` matched, in the spelling in which it is compared."""
        realm = realm or self.realm
        if realm not in self._realms:
            self._realms[realm] = line
        return f"{name.lower() if realm in self.fold_realms else name}@{realm}"

    def are_quick(self, addresses: str) -> bool:
        """Whether addresses that `QUICK_ADDRESS` matched, joined by commas, need nothing but lower-case domains."""
        if ".." in addresses or ".@" in addresses:
            return False
        for address in addresses.split(","):
            domain = address[address.index("@") + 1 :]
            known = self._domains.get(domain)
            if known is None:
                known = self._domains[domain] = _is_plain(domain)
            if not known:
                return False
        return True

    def read(self, text: str, line: int) -> Principal:
        """Read any login.

        Raises:
            ValueError: it is no principal, also where it has no realm and the file gives none.
        """
        if "," in text or any(c.isspace() for c in text):
            raise ValueError("commas and blanks cannot be part of a login here")
        try:
            principal = parse_principal(text)
        except ValueError as error:
            if not self.realm:
                raise
            try:
                principal = parse_principal(f"{text}@{self.realm}")
            except ValueError as with_realm:
                raise (error if "@" in text else with_realm) from None
        if principal.realm not in self._realms:
            self._realms[principal.realm] = line
        return folded(principal, self.fold_realms)

    def warn_of_realms(self, problems: Problems) -> None:
        """Name each realm that is written in lower case: a mail domain in most cases, and then it never matches."""
        for realm, line in self._realms.items():
            if realm == realm.upper() or realm == self.realm or realm in self.fold_realms:
                continue
            if problems.unlisted == 0:
                problems.warning(
                    Place(line, 1),
                    f"the realm {shown(realm)} is not in upper case; realms are compared exactly",
                    f"if the realm is {shown(realm.upper())}, write it so in every row",
                )


def warn_of_twins(names: Iterable[tuple[str, int]], line_of: Callable[[str], int], problems: Problems) -> None:
    """Name pairs of logins that differ in case only.

    Args:
        names: logins as compared whose name is not in lower case, with their lines.
        line_of: the line of a login as compared, or 0.
        problems: where they are noted.
    """
    seen: dict[str, tuple[str, int]] = {}
    count = 0
    for text, line in names:
        name, _, realm = text.rpartition("@")
        plain = f"{name.lower()}@{realm}"
        twin, first = seen.setdefault(plain, (text, line))
        if twin == text:
            twin, first = plain, line_of(plain)
        if not first:
            continue
        count += 1
        if count <= MAX_WARNINGS:
            low, high = sorted((first, line))
            problems.warning(
                Place(high, 1),
                f"logins {shown(text)} and {shown(twin)} (line {low}) differ in case only",
                "Kerberos names are case-sensitive: these are two, unless the realm says `fold` under `realms:`",
            )
