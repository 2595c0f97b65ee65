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
from typing import Final, NamedTuple, Protocol, TypeAlias

from sealgate.mail.address import Address

Network: TypeAlias = IPv4Network | IPv6Network
_ASCII_LOWER: Final = {upper: upper + 32 for upper in range(ord("A"), ord("Z") + 1)}
USER: Final = "{user}"  # in a template or pattern: the name of the principal


class Place(NamedTuple):
    """Where something stands in a file of ours, both from 1."""

    line: int
    column: int


class Handling(enum.StrEnum):
    """What is done with the mail of a listener."""

    JUDGE = "judge"  # in the mode of the whole profile
    REPORT = "report"  # judged and recorded, never refused, whatever the profile's mode
    ENFORCE = "enforce"  # judged, and refusals are answered, whatever the profile's mode
    PASS = "pass"  # noqa: S105 - not a password: the message passes untouched
    TEMPFAIL = "tempfail"  # only for listeners that the profile does not name: it waits until somebody decides

    @property
    def is_judged(self) -> bool:
        """Whether mail of such a listener is looked at."""
        return self in (Handling.JUDGE, Handling.REPORT, Handling.ENFORCE)


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

    @property
    def user(self) -> str:
        """The name that `{user}` stands for in `senders`: one component without escapes, else empty.

        `alice/admin`, `svc/news` and `bob\\@corp.example` get addresses by being written out, never by a rule.
        """
        return "" if "/" in self.name or "\\" in self.name else self.name

    @property
    def folded(self) -> "Principal":
        """The principal as it is compared in a realm whose names have no case.

        Only ASCII letters lose theirs: `str.lower` makes a plain k of the Kelvin sign, and so one person of two.
        """
        return Principal(self.name.translate(_ASCII_LOWER), self.realm)

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


def unextended(local: str, delimiter: str) -> str:
    """The local part whose subaddress `local` is, or an empty string where it is none.

    As Postfix's split_addr cuts: at the first delimiter, and not within names that have another meaning.
    """
    if not delimiter or delimiter not in local:
        return ""
    lower = local.lower()
    if lower in ("mailer-daemon", "double-bounce"):
        return ""
    if delimiter == "-" and (lower.startswith("owner-") or lower.endswith("-request")):  # owner_request_special
        return ""
    return local.partition(delimiter)[0]


@dataclass(frozen=True, slots=True)
class SenderPattern:
    """What `senders` may hold: an address, `@domain`, `{user}@domain`, or `*`.

    `local` is empty for every address of exactly that domain, `{user}` for the address named like the principal, and
    `*` (with `domain` `*`) for every address there is.
    """

    local: str
    domain: str

    def matches(self, address: Address, *, user: str = "", exact_case: bool = False, delimiter: str = "") -> bool:
        """Whether `address` may be used under this pattern.

        Args:
            address: what is to be used.
            user: `Principal.user` of who wants to use it; a Kerberos name keeps its case, so of the two principals
                `Alice` and `alice` only the second owns `Alice@example.test`.
            exact_case: whether local parts compare with their case.
            delimiter: what sets a subaddress off (RFC 5233), such as `+`; empty: subaddresses are other addresses.
        """
        if self.domain == "*":
            return True
        if self.domain != address.domain:
            return False
        if not self.local:
            return True
        local = address.local if exact_case else address.local.lower()
        owned = user if self.local == USER else self.local if exact_case else self.local.lower()
        # A principal `ceo+x` does not own what is a subaddress of ceo's.
        if not owned or (self.local == USER and unextended(user, delimiter)):
            return False
        return owned in (local, unextended(local, delimiter))

    def __str__(self) -> str:
        return "*" if self.domain == "*" else f"{self.local}@{self.domain}"


class SenderFormat(enum.StrEnum):
    """How a file of senders is written."""

    LOGINS = "logins"  # a line a principal: its addresses
    TEXTHASH = "texthash"  # Postfix's smtpd_sender_login_maps: a line an address: its logins
    REGEXP = "regexp"  # the same with POSIX expressions, regexp_table(5)


@dataclass(frozen=True, slots=True)
class SenderFile:
    """`senders: {file: ...}`: the addresses of many principals, in a file beside the profile.

    Attributes:
        realm: what a login without a realm belongs to; empty: such a login is an error.
    """

    path: str
    format: SenderFormat = SenderFormat.LOGINS
    realm: str = ""
    place: str = field(default="", compare=False)


class SenderTable(Protocol):
    """What a `SenderFile` holds, read. `profile.senders` makes it."""

    def line_for(self, principal: Principal, address: Address, *, exact_case: bool, delimiter: str) -> int:
        """The line (from 1) that lets `principal` use `address`, or 0."""

    def of(self, principal: Principal) -> tuple[tuple[str, int], ...]:
        """Every pattern written for `principal`, as text, with its line."""

    def holders(self, address: Address, *, exact_case: bool, delimiter: str) -> tuple[tuple[str, int], ...]:
        """Every principal, as text, that may use `address`, with the line that says so."""


@dataclass(frozen=True, slots=True)
class PostalAddress:
    """A registered postal address of the sender (16 CFR 316.2(p)): `name` in the profile and the text itself."""

    name: str
    text: str


class OneClick(enum.StrEnum):
    """Whether commercial mail of an identity must carry the one-click pair of RFC 8058."""

    REQUIRED = "required"
    RECOMMENDED = "recommended"
    OFF = "off"


@dataclass(frozen=True, slots=True)
class Certificate:
    """A client certificate as the MTA tells of it: names only, and only where it trusted the chain."""

    subject: str  # {cert_subject}: the common name with Postfix, the whole name with Sendmail
    issuer: str  # {cert_issuer}


@dataclass(frozen=True, slots=True)
class Identity:
    """Who sends, and what they may send.

    Attributes:
        realms: realms all of whose users (`{user}@REALM`, no instances) are this identity.
        networks: clients that are this identity without a login.
        only_from: where its logins must come from; empty: anywhere.
        mechanisms: SASL mechanisms its logins may use, upper case; empty: any that `logins` names.
        min_cipher_bits: what TLS must give its sessions ({cipher_bits}); 0: nothing.
        consent: whether its recipients asked for its mail, which waives the label of an advertisement and no more.
    """

    name: str
    kind: Kind
    mail_class: MailClass
    principals: tuple[Principal, ...] = ()
    networks: tuple[Network, ...] = ()  # a trusted source without a login
    local: bool = False  # local submission is this identity
    senders: tuple[SenderPattern, ...] = ()
    sender_file: SenderFile | None = None
    realms: tuple[str, ...] = ()
    certificates: tuple[Certificate, ...] = ()
    only_from: tuple[Network, ...] = ()
    mechanisms: tuple[str, ...] = ()
    min_cipher_bits: int = 0
    consent: bool = False  # its recipients gave affirmative consent (15 USC 7702(1), 7704(a)(5)(B))
    one_click: OneClick = OneClick.RECOMMENDED
    is_sexually_explicit: bool = False  # 16 CFR 316.4
    opt_out_hosts: tuple[
        str, ...
    ] = ()  # hosts its opt-out links may have besides our domains; a leading dot: all below
    postal_addresses: tuple[PostalAddress, ...] = ()
    place: str = ""
    # Where each of `principals` and `senders` was written, in the same order: for messages only.
    principal_places: tuple[Place, ...] = field(default=(), repr=False, compare=False)
    sender_places: tuple[Place, ...] = field(default=(), repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class Delegation:
    """Addresses that several principals may use beside their own ("alice and bob may send as sales@").

    Attributes:
        members: the principals, groups written out.
        needs_sender: whether a Sender field must name an address of the member's own (RFC 5322 3.6.2).
    """

    name: str
    senders: tuple[SenderPattern, ...]
    members: frozenset[Principal]
    needs_sender: bool = False
    place: str = ""


@dataclass(frozen=True, slots=True)
class Protected:
    """A person or brand whose name only some addresses may bear."""

    name: str
    senders: tuple[SenderPattern, ...]
    place: str = ""


class Mta(enum.StrEnum):
    """Which MTA the gate stands in: what it does to header fields behind its milters."""

    AUTO = "auto"  # by what it calls itself in each session
    POSTFIX = "postfix"  # nothing
    SENDMAIL = "sendmail"  # it writes addresses anew, and adds Date and Message-ID


class ReplyTo(enum.StrEnum):
    """What Reply-To may name."""

    OFF = "off"  # anything
    DOMAINS = "domains"  # addresses of the profile's domains
    OWNED = "owned"  # addresses that the sender may use as author


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


class Form(enum.StrEnum):
    """A canonicalization of DKIM (RFC 6376 3.4)."""

    RELAXED = "relaxed"
    SIMPLE = "simple"


class Auid(enum.StrEnum):
    """What `i=` of a signature names, the agent or user on whose behalf it is made (RFC 6376 3.5)."""

    NONE = "none"  # the tag is left out, which means @ and the signing domain
    DOMAIN = "domain"  # @ and the author's domain
    AUTHOR = "author"  # the author's address, which the gate has bound to who logged in


@dataclass(frozen=True, slots=True)
class Domain:
    """A mail domain of ours. `sign` false says that its mail leaves unsigned on purpose.

    Attributes:
        subdomains: whether its keys also sign for authors at the hosts below it that have no entry of their own.
        header_form, body_form: the canonicalizations of its signatures (`c=`).
        timestamp: whether they say when they were made (`t=`).
        ttl: seconds after which they expire (`x=`); 0: never.
    """

    name: str  # A-label form, lower case
    sign: bool
    keys: tuple[KeySource, ...] = ()
    subdomains: bool = False
    header_form: Form = Form.RELAXED
    body_form: Form = Form.RELAXED
    auid: Auid = Auid.NONE
    timestamp: bool = True
    ttl: int = 0
    place: str = ""


OWN_KEYS: Final = "own"  # in a row of `signatures:`: the keys of the author's own domain


@dataclass(frozen=True, slots=True)
class AuthorPattern:
    """Authors in a row of `signatures:`: an address, `@domain`, `@.domain` (every host below) or `*`."""

    local: str  # lower case; empty: every address
    domain: str  # A-labels; with a leading dot every host below; `*` any

    def matches(self, address: Address) -> bool:
        """Whether an author's address is meant; local parts compare without case, as OpenDKIM's tables do."""
        if self.local and self.local != address.local.lower():
            return False
        if self.domain.startswith("."):
            return address.domain.endswith(self.domain)
        return self.domain in ("*", address.domain)

    def __str__(self) -> str:
        return "*" if self.domain == "*" else f"{self.local}@{self.domain}"


@dataclass(frozen=True, slots=True)
class SignatureRow:
    """A row of `signatures:`: which keys sign the mail of some authors or identities.

    Attributes:
        authors: whom it is for; empty: any author.
        identities: names of the identities it is for; empty: any.
        keys: (domain, selector) of each; an empty selector for all keys of the domain, `OWN_KEYS` without a selector
            for those of the author's own domain.
        auid: a fixed address, or `@domain`, for `i=` of its signatures; empty: what their domains say.
        is_last: whether the rows behind it are not looked at once it fits.
    """

    keys: tuple[tuple[str, str], ...]
    authors: tuple[AuthorPattern, ...] = ()
    identities: tuple[str, ...] = ()
    auid: str = ""
    is_last: bool = False
    place: str = field(default="", compare=False)


class Showing(enum.StrEnum):
    """How a value of personal data stands in the record."""

    CLEAR = "clear"
    HASHED = "hashed"  # under a key and a salt that can be erased


YEAR: Final = 366 * 86_400  # seconds, and so a day longer than most
MONTH: Final = 31 * 86_400


@dataclass(frozen=True, slots=True)
class Record:
    """What the audit file keeps of personal data, and for how long.

    Attributes:
        keep_lines: seconds that the lines are kept. Five years: the period within which the United States can ask for
            a civil penalty (28 USC 2462).
        keep_personal: seconds that the values behind hashes are kept.
        legal_hold: whether nothing may be erased, whatever its age.
    """

    recipients: Showing = Showing.CLEAR
    subject: Showing = Showing.HASHED
    keep_lines: int = 5 * YEAR
    keep_personal: int = 13 * MONTH
    legal_hold: bool = False


DEFAULT_RECORD: Final = Record()


@dataclass(frozen=True, slots=True)
class RuleSetting:
    """What the profile says of one rule; empty strings keep the rule's own default."""

    mode: str = ""
    action: str = ""
    listeners: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))  # mode by listener, over `mode`
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
    signatures: tuple[SignatureRow, ...] = ()
    identities: tuple[Identity, ...] = ()
    rules: Mapping[str, RuleSetting] = field(default_factory=lambda: MappingProxyType({}))
    exact_local_parts: bool = False
    recipient_delimiter: str = ""  # sets subaddresses off, such as "+"; empty: they are other addresses
    realms: Mapping[str, bool] = field(default_factory=lambda: MappingProxyType({}))  # ours; True: names have no case
    delegations: tuple[Delegation, ...] = ()
    several_authors: bool = False  # whether From may hold several mailboxes
    reply_to: ReplyTo = ReplyTo.OFF
    protected: tuple[Protected, ...] = ()
    record: Record = DEFAULT_RECORD
    mta: Mta = Mta.AUTO
    law: str = "us"  # the pack of `checks.packs` that commercial mail is judged by
    tracking_hosts: tuple[str, ...] = ()  # hosts of ours or of our mailer that links are counted by; as opt_out_hosts
    authserv_ids: tuple[str, ...] = ()  # RFC 8601 2.5: the names under which our own hosts write results, lower case
    # What the files of `senders: {file: ...}` hold; filled by whoever may open files.
    sender_tables: Mapping[SenderFile, SenderTable] = field(
        default_factory=lambda: MappingProxyType({}), repr=False, compare=False
    )
    # Indexes over `identities`, filled by profile.parse.
    by_principal: Mapping[Principal, Identity] = field(
        default_factory=lambda: MappingProxyType({}), repr=False, compare=False
    )
    by_realm: Mapping[str, Identity] = field(default_factory=lambda: MappingProxyType({}), repr=False, compare=False)
    delegated: Mapping[Principal, tuple[Delegation, ...]] = field(
        default_factory=lambda: MappingProxyType({}), repr=False, compare=False
    )
    # Where a top-level field (`seal`) or a listener (`listeners.submission`) was written: for messages only.
    places: Mapping[str, Place] = field(default_factory=lambda: MappingProxyType({}), repr=False, compare=False)

    @property
    def body_forms(self) -> frozenset[Form]:
        """The canonicalizations by which a body may have to be hashed; relaxed always, for the record."""
        return frozenset((Form.RELAXED, *(d.body_form for d in self.domains.values())))

    def signer_of(self, domain: str) -> Domain | None:
        """The domain of ours whose keys sign for authors at `domain`: itself, or the nearest one above that says so."""
        own = self.domains.get(domain)
        if own is not None:
            return own
        labels = domain.split(".")[-40:]
        above = (self.domains.get(".".join(labels[i:])) for i in range(1, len(labels)))
        return next((d for d in above if d is not None and d.subdomains), None)

    def owns(self, domain: str) -> bool:
        """Whether a domain (A-labels, lower case) is one of `domains` or lies below one: no stranger writes for it."""
        labels = domain.split(".")[-40:]
        return any(".".join(labels[i:]) in self.domains for i in range(len(labels)))


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
