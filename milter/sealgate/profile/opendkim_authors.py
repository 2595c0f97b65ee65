"""The first column of OpenDKIM's SigningTable in the words of our `signatures:`.

`author_of` turns one pattern into an `Authors` where it can be said: one address, every address of a domain, every host
below a domain, or everybody. `NeverError` says that the pattern fits no address in OpenDKIM either, `UnsayableError`
that it fits addresses which no single pattern of ours stands for; both say what to write instead.
"""

import re
from dataclasses import dataclass
from typing import Final

from sealgate.mail.address import AddressError, normal_domain, parse_address

_EXPRESSION: Final = re.compile(r"[\[\](){}?|^$\\]")  # a `refile:` pattern is a POSIX expression but for * + .


class NeverError(ValueError):
    """The pattern fits no address."""


class UnsayableError(ValueError):
    """No pattern of ours fits the same addresses. `args`: why, and what to do instead."""


@dataclass(frozen=True, slots=True)
class Authors:
    """An address, `@domain`, `@.domain` for every host below, or `*`.

    Attributes:
        local: lower case; empty: every address.
        domain: A-labels; `*`: any.
        below: whether the hosts below `domain` are meant rather than itself.
    """

    local: str
    domain: str
    below: bool = False

    def __str__(self) -> str:
        return "*" if self.domain == "*" else f"{self.local}@{'.' * self.below}{self.domain}"

    @property
    def is_open(self) -> bool:
        """Whether the domains of its authors are not known."""
        return self.below or self.domain == "*"

    def wider(self) -> "tuple[Authors, ...]":
        """Every pattern that means these authors and others too, the nearest first."""
        if self.domain == "*":
            return ()
        whole = (Authors("", self.domain),) if self.local else ()
        return (*whole, *(Authors("", name, below=True) for name in above(self.domain)), EVERYBODY)

    def admits(self, domain: str) -> bool:
        """Whether some author at exactly `domain` is meant."""
        return self.domain == "*" or (domain.endswith(f".{self.domain}") if self.below else domain == self.domain)


EVERYBODY: Final = Authors("", "*")


def above(domain: str) -> tuple[str, ...]:
    """The domains that a domain lies below, the nearest first."""
    labels = domain.split(".")
    return tuple(".".join(labels[at:]) for at in range(1, len(labels)))


def author_of(pattern: str, *, wildcards: bool) -> Authors:
    """Turn a pattern into ours.

    Args:
        pattern: as it stands in the table.
        wildcards: whether the table is a `refile:`, in which `*` stands for any text.

    Raises:
        NeverError: it fits no address.
        UnsayableError: it fits addresses that no pattern of ours stands for.
    """
    return _wild(pattern) if wildcards else _plain(pattern)


def _plain(pattern: str) -> Authors:
    """`user@host`, `host`, `user@.domain`, `.domain`, `user@*`, `*`: opendkim.conf(5), SigningTable."""
    if pattern == "*":
        return EVERYBODY
    local, at, host = pattern.rpartition("@")
    if at and not local:
        raise NeverError(f"in a table without wildcards a domain stands without @: write {host}")
    if at and host == "*":
        raise UnsayableError("one name at any domain", f"write an address of {local}'s a row")
    if at and host.startswith("."):
        raise UnsayableError("one name at every host below a domain", f"write an address of {local}'s a row")
    if "*" in pattern:
        raise NeverError("the table has no wildcards: refile: is the type that has")
    if at:
        return _address(local, host)
    return Authors("", _domain(host.removeprefix(".")), below=host.startswith("."))


def _wild(pattern: str) -> Authors:
    if _EXPRESSION.search(pattern):
        raise UnsayableError("a regular expression", "write an address or a domain a row")
    local, at, host = pattern.rpartition("@")
    if not at:
        if set(pattern) == {"*"}:
            return EVERYBODY
        if pattern.startswith("*."):
            return Authors("", _fixed(pattern[2:]), below=True)
        if pattern.startswith("*"):
            rest = pattern.lstrip("*")
            raise UnsayableError("it fits other domains that end so as well", f"write *@{rest}, and *@*.{rest}")
        raise NeverError("a pattern without @ or * fits no address")
    if not local:
        raise NeverError(f"with wildcards every address of a domain is *@{host}")
    everybody = set(local) == {"*"}
    if host == "*" and everybody:
        return EVERYBODY
    if "*" in local and not everybody:
        raise UnsayableError("a wildcard within a name", "write an address a row")
    if host.startswith("*.") and everybody:
        return Authors("", _fixed(host[2:]), below=True)
    if host.startswith("*") and everybody:
        rest = host.lstrip("*")
        raise UnsayableError("it fits other domains that end so as well", f"write *@{rest}, and *@*.{rest}")
    if "*" in host and not everybody:
        raise UnsayableError("one name at many domains", f"write an address of {local}'s a row")
    return Authors("", _fixed(host)) if everybody else _address(local, host)


def _fixed(domain: str) -> str:
    if "*" in domain:
        raise UnsayableError("a wildcard within a domain", "write a domain a row")
    return _domain(domain)


def _domain(text: str) -> str:
    try:
        return normal_domain(text)
    except AddressError as error:
        raise UnsayableError(f"no domain that can be written: {error}", "mend the row") from error


def _address(local: str, domain: str) -> Authors:
    try:
        found = parse_address(f"{local}@{domain}".encode())
    except (AddressError, UnicodeEncodeError) as error:
        raise UnsayableError(f"no address that can be written: {error}", "mend the row") from error
    return Authors(found.local.lower(), found.domain)
