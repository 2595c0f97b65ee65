"""The profile: what may be sent, by whom, in which form.

Frozen values without behaviour beyond look-ups. `profile.parse` makes them from YAML and reports every problem at
once; `profile.lint` judges what no single line shows. The profile holds policy only: paths of sockets, worker counts
and the like are `profile.settings`.
"""

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network
from types import MappingProxyType
from typing import NamedTuple, TypeAlias

from sealgate.mail.address import Address

Network: TypeAlias = IPv4Network | IPv6Network


class Place(NamedTuple):
    """Where something stands in a file of ours, both from 1."""

    line: int
    column: int


class Handling(enum.StrEnum):
    """What is done with the mail of a listener."""

    JUDGE = "judge"
    PASS = "pass"  # noqa: S105 - not a password: the message passes untouched
    TEMPFAIL = "tempfail"  # only for listeners that the profile does not name


class Kind(enum.StrEnum):
    """What an identity is."""

    PERSON = "person"
    SERVICE = "service"
    FORWARDER = "forwarder"  # lists, Sieve redirect, smarthost customers: foreign authors are their job


class MailClass(enum.StrEnum):
    """What kind of mail an identity sends, by declaration (16 CFR 316.3 decides what is commercial)."""

    COMMERCIAL = "commercial"
    TRANSACTIONAL = "transactional"
    PERSONAL = "personal"
    AUTO = "auto"  # a detector guesses; by default it only reports


@dataclass(frozen=True, slots=True, order=True)
class Principal:
    """A Kerberos principal, `user[/instance]@REALM`, kept in the form `name@REALM` of krb5_unparse_name.

    Compared exactly: Kerberos names are case-sensitive and two realms are two worlds.
    """

    name: str  # before the last unescaped "@"; escapes kept as they are
    realm: str

    def __str__(self) -> str:
        return f"{self.name}@{self.realm}"


@dataclass(frozen=True, slots=True)
class Login:
    """A row of `logins:`: how SASL spells a principal on one listener, and which principal that is.

    `spelled` and `principal` are templates in which `{user}` stands for one name without an unescaped `@`.
    """

    listener: str
    mechanisms: tuple[str, ...]  # upper case, such as GSSAPI; XCLIENT only where somebody wrote it here
    spelled: str
    principal: str
    encoding: str = "plain"  # plain | xtext (Sendmail, RFC 3461 4)
    place: str = ""  # file:line of the row, for messages


@dataclass(frozen=True, slots=True)
class SenderPattern:
    """An address, or `@domain` for every address of exactly that domain (`local` is then empty)."""

    local: str
    domain: str

    def matches(self, address: Address, *, exact_case: bool = False) -> bool:
        """Whether `address` may be used under this pattern. Local parts compare without case unless told."""
        if self.domain != address.domain:
            return False
        if not self.local:
            return True
        return self.local == address.local if exact_case else self.local.lower() == address.local.lower()

    def __str__(self) -> str:
        return f"{self.local}@{self.domain}"


@dataclass(frozen=True, slots=True)
class PostalAddress:
    """A registered postal address of the sender (16 CFR 316.2(p)): `name` in the profile and the text itself."""

    name: str
    text: str


@dataclass(frozen=True, slots=True)
class Identity:
    """Who sends, and what they may send."""

    name: str
    kind: Kind
    mail_class: MailClass
    principals: tuple[Principal, ...] = ()
    networks: tuple[Network, ...] = ()  # a trusted source without a login
    local: bool = False  # local submission is this identity
    senders: tuple[SenderPattern, ...] = ()
    postal_addresses: tuple[PostalAddress, ...] = ()
    place: str = ""
    # Where each of `principals` and `senders` was written, in the same order: for messages only.
    principal_places: tuple[Place, ...] = field(default=(), repr=False, compare=False)
    sender_places: tuple[Place, ...] = field(default=(), repr=False, compare=False)

    def may_use(self, address: Address, *, exact_case: bool = False) -> bool:
        """Whether this identity may put `address` into MAIL FROM or a From field."""
        return any(p.matches(address, exact_case=exact_case) for p in self.senders)


class KeyType(enum.StrEnum):
    """Signature algorithms (RFC 8301: SHA-1 must not be used; RFC 8463)."""

    RSA_SHA256 = "rsa-sha256"
    ED25519_SHA256 = "ed25519-sha256"


@dataclass(frozen=True, slots=True)
class KeySource:
    """Where a signing key is: selector and file. The algorithm is the key's own."""

    selector: str
    file: str
    place: str = ""


@dataclass(frozen=True, slots=True)
class Domain:
    """A mail domain of ours. `sign` false says that its mail leaves unsigned on purpose."""

    name: str  # A-label form, lower case
    sign: bool
    keys: tuple[KeySource, ...] = ()
    place: str = ""


@dataclass(frozen=True, slots=True)
class RuleSetting:
    """What the profile says of one rule; empty strings keep the rule's own default."""

    mode: str = ""
    action: str = ""
    place: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Profile:
    """The whole policy. `enforce` false is report mode: judge and record, refuse nothing."""

    enforce: bool = False
    seal: bool = False
    listeners: Mapping[str, Handling] = field(default_factory=lambda: MappingProxyType({}))
    local_submission: Handling = Handling.PASS
    unnamed_listeners: Handling = Handling.TEMPFAIL
    logins: tuple[Login, ...] = ()
    domains: Mapping[str, Domain] = field(default_factory=lambda: MappingProxyType({}))
    identities: tuple[Identity, ...] = ()
    rules: Mapping[str, RuleSetting] = field(default_factory=lambda: MappingProxyType({}))
    exact_local_parts: bool = False
    # Indexes over `identities`, filled by profile.parse.
    by_principal: Mapping[Principal, Identity] = field(
        default_factory=lambda: MappingProxyType({}), repr=False, compare=False
    )
    # Where a top-level field (`seal`) or a listener (`listeners.submission`) was written: for messages only.
    places: Mapping[str, Place] = field(default_factory=lambda: MappingProxyType({}), repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class Problem:
    """Something wrong in a file of ours: where, what, and what to write instead."""

    file: str
    line: int  # from 1; 0 where no line is known
    column: int  # from 1
    message: str
    suggestion: str = ""
    is_error: bool = True  # False: a warning, the profile can be used

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}:{self.column}" if self.line else self.file
        kind = "error" if self.is_error else "warning"
        hint = f"\n    {self.suggestion}" if self.suggestion else ""
        return f"{place}: {kind}: {self.message}{hint}"
