"""What to sign: which domain, which keys, which header fields.

`plan` is asked before the checks run, because the names in `h=` are a fact some of them need (RFC 8058 4 wants the
unsubscribe fields signed). Its answer is a `SealPlan`, a reason why there is nothing to sign on purpose (`Skipped`), or
`NoKey`: this mail should be signed and cannot be, which must never pass as harmless. Nothing here raises.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import Final

from sealgate.mail.address import Address
from sealgate.mail.headers import Headers
from sealgate.profile.model import OWN_KEYS, Auid, Domain, Form, Identity, MailClass, Profile, SignatureRow
from sealgate.profile.same import Same, remembered
from sealgate.seal.keys import SigningKey

DEFAULT_LIST_VERSION: Final = 1
"""Goes up by one with each change of the lists below, so that a record can say by which list a message was signed."""

OVERSIGNED: Final = (
    # What a reader sees or a parser obeys: one more of them put in later would win (RFC 6376 8.15).
    b"From", b"To", b"Cc", b"Subject", b"Date", b"Message-ID", b"Reply-To",
    b"MIME-Version", b"Content-Type", b"Content-Transfer-Encoding",
)  # fmt: skip
"""Named in `h=` once more than they occur, so that none can be added, absent ones too."""

OVERSIGNED_COMMERCIAL: Final = (b"List-Unsubscribe", b"List-Unsubscribe-Post")
"""Oversigned in commercial mail as well: the way out must be the one the sender gave (RFC 8058 4)."""

SIGNED: Final = (
    *OVERSIGNED,
    *OVERSIGNED_COMMERCIAL,
    # RFC 6376 5.4.1
    b"Resent-Date", b"Resent-From", b"Resent-To", b"Resent-Cc", b"In-Reply-To", b"References",
    b"List-Id", b"List-Help", b"List-Subscribe", b"List-Post", b"List-Owner", b"List-Archive",
    # The rest of who speaks and how the content is read: RFC 5322 3.6.2 and 3.6.6, RFC 2045 7 and 8, RFC 2183, RFC 3282
    b"Sender", b"Resent-Sender", b"Resent-Message-ID",
    b"Content-ID", b"Content-Description", b"Content-Disposition", b"Content-Language",
    # Mailbox providers report complaints by it, and only if it is signed.
    b"Feedback-ID",
)  # fmt: skip
"""Signed where present, each time they occur. Left out on purpose: trace fields, Bcc and what others sign or rewrite
(Return-Path, Received, DKIM-Signature, Authentication-Results: RFC 6376 5.4.1, 5.4.2)."""

_SIGNED_KEYS: Final = frozenset(name.lower() for name in SIGNED)


@dataclass(frozen=True, slots=True)
class Signer:
    """A key, and the form of the signature it makes.

    Attributes:
        auid: the value of `i=`, dkim-quoted-printable already; empty: the tag is left out.
        timestamp: whether `t=` is said.
        ttl: seconds from `t=` to `x=`; 0: no `x=`.
    """

    key: SigningKey
    header_form: Form = Form.RELAXED
    body_form: Form = Form.RELAXED
    auid: str = ""
    timestamp: bool = True
    ttl: int = 0


# A sender's messages have the same fields in the same order: what follows of them alone is remembered.
_KEPT: Final = 256
_KEPT_NAMES: Final = 100  # fields of a message, where there are more it is made each time
_KEPT_OCTETS: Final = 3_000  # of all their names


@lru_cache(maxsize=_KEPT)
def _covered(names: tuple[bytes, ...]) -> tuple[frozenset[str], frozenset[bytes]]:
    """The names in lower case, as text and as octets."""
    keys = frozenset(name.lower() for name in names)
    return frozenset(key.decode("ascii") for key in keys), keys


@dataclass(frozen=True, slots=True)
class SealPlan:
    """A seal to make.

    Attributes:
        signers: what signs, in the order of the signatures; never empty.
        names: the names of `h=`: as in the message, in its order, then once more those that are oversigned.
    """

    signers: tuple[Signer, ...]
    names: tuple[bytes, ...]

    @property
    def domain(self) -> str:
        """The signing domain (`d=`) of the first signature."""
        return self.signers[0].key.domain

    @property
    def covers(self) -> frozenset[str]:
        """The signed names in lower case, those of absent but oversigned fields too."""
        return _covered(self.names)[0]

    @property
    def keys(self) -> frozenset[bytes]:
        """`covers` as octets."""
        return _covered(self.names)[1]

    @property
    def selectors(self) -> tuple[str, ...]:
        """The selectors (`s=`) in the order of the signatures."""
        return tuple(signer.key.selector for signer in self.signers)


SKIPS: Final = MappingProxyType(
    {
        "seal-off": "the profile says `seal: off`",
        "no-author-domain": "there is no author whose domain could be read",
        "foreign-author": "the author's domain is none of the profile's",
        "subdomain-not-signed": "the author is at a host below a domain that does not say `subdomains: yes`",
        "domain-says-no": "the profile says `sign: no` for the author's domain",
        "no-login": "nobody known sent it (report mode): whoever is not logged in gets no signature",
        "not-accepted": "the message was refused or deferred",
        "no-key": "a key that should sign is not loaded; the message was deferred",
    }
)
"""Every reason for which a message has no signature, as the record names it, and what it means."""


@dataclass(frozen=True, slots=True)
class Skipped:
    """Nothing is to be signed, on purpose: a key of `SKIPS`."""

    reason: str


@dataclass(frozen=True, slots=True)
class NoKey:
    """The profile wants mail signed by `domain`, and no key of it is loaded."""

    domain: str


def plan(
    headers: Headers,
    author: Address | None,
    profile: Profile,
    keys: Mapping[str, tuple[SigningKey, ...]],
    *,
    identity: Identity | None = None,
) -> SealPlan | Skipped | NoKey:
    """Say what to sign of one message.

    Args:
        headers: its header block, as sent.
        author: the address of its From field, or None where there is none to read.
        profile: says which domains are ours, whether their mail is sealed, and by which keys.
        keys: the loaded keys by domain.
        identity: who sends; commercial mail has its unsubscribe fields guarded against additions too.
    """
    if not profile.seal:
        return Skipped("seal-off")
    if author is None or not author.domain:
        return Skipped("no-author-domain")
    signers = _kept_signers(keys, author, Same(identity), Same(profile))
    if isinstance(signers, Skipped | NoKey):
        return signers
    commercial = identity is not None and identity.mail_class is MailClass.COMMERCIAL
    return SealPlan(signers, signed_names(headers, commercial=commercial))


@remembered(_KEPT)
def _kept_signers(
    keys: Mapping[str, tuple[SigningKey, ...]],
    author: Address,
    identity: Same[Identity | None],
    profile: Same[Profile],
) -> tuple[Signer, ...] | Skipped | NoKey:
    return _signers(author, identity.value, profile.value, keys)


def _signers(
    author: Address, identity: Identity | None, profile: Profile, keys: Mapping[str, tuple[SigningKey, ...]]
) -> tuple[Signer, ...] | Skipped | NoKey:
    """What signs for an author, in order; never empty."""
    chosen = _chosen(author, identity, profile)
    if isinstance(chosen, Skipped):
        return chosen
    signers: dict[tuple[str, str], Signer] = {}  # each key signs once, whatever names it
    for domain, selector, fixed in chosen:
        ours = [key for key in keys.get(domain.name, ()) if selector in ("", key.selector)]
        if not ours:
            return NoKey(domain.name)
        auid = _fixed(domain, fixed) if fixed else _auid(domain, author)
        for key in ours:
            signer = Signer(key, domain.header_form, domain.body_form, auid, domain.timestamp, domain.ttl)
            signers.setdefault((key.domain, key.selector), signer)
    return tuple(signers.values())


def _chosen(author: Address, identity: Identity | None, profile: Profile) -> list[tuple[Domain, str, str]] | Skipped:
    """Domains, selectors and fixed `i=` that sign for an author: by the rows that fit, else the author's own domain."""
    own = profile.signer_of(author.domain)
    references: dict[tuple[str, str], str] = {}
    for row in profile.signatures:
        if _fits(row, author, identity):
            for reference in row.keys:
                references.setdefault(reference, row.auid)
            if row.is_last:
                break
    if not references:
        references[OWN_KEYS, ""] = ""
    found: list[tuple[Domain, str, str]] = []
    skipped = ""
    for (name, selector), auid in references.items():
        if name != OWN_KEYS:
            found.append((profile.domains[name], selector, auid))
        elif own is None:
            skipped = "subdomain-not-signed" if profile.owns(author.domain) else "foreign-author"
        elif not own.sign:
            skipped = "domain-says-no"
        else:
            found.append((own, "", auid))
    return found or Skipped(skipped)


def _fits(row: SignatureRow, author: Address, identity: Identity | None) -> bool:
    if row.identities and (identity is None or identity.name not in row.identities):
        return False
    return not row.authors or any(pattern.matches(author) for pattern in row.authors)


def _fixed(domain: Domain, auid: str) -> str:
    """A fixed value of `i=`, where it lies at or below `d=`."""
    local, _, host = auid.rpartition("@")
    return f"{_quoted(local)}@{host}" if f".{host}".endswith(f".{domain.name}") else ""


def _auid(domain: Domain, author: Address) -> str:
    """The value of `i=`, which must lie at or below `d=` (RFC 6376 3.5): else the tag is left out."""
    below = author.domain == domain.name or author.domain.endswith(f".{domain.name}")
    if domain.auid is Auid.NONE or not below:
        return ""
    # A local part beyond ASCII could be written (RFC 8616 4), and some verifiers could not read it.
    local = author.local if domain.auid is Auid.AUTHOR and author.local.isascii() else ""
    return f"{_quoted(local)}@{author.domain}"


def _quoted(local: str) -> str:
    """An ASCII local part in dkim-quoted-printable (RFC 6376 2.11): blanks, `;`, `=` and controls as =XX."""
    return "".join(c if "!" <= c <= "~" and c not in ";=" else f"={ord(c):02X}" for c in local)


def signed_names(headers: Headers, *, commercial: bool) -> tuple[bytes, ...]:
    """Return the names of `h=` for a header block: each signed field in order and case, then the oversigned names.

    An oversigned name is written as the message writes it, or as in `OVERSIGNED` where the message has none.
    """
    names = tuple([field.name for field in headers.fields])
    if len(names) > _KEPT_NAMES or sum(map(len, names)) > _KEPT_OCTETS:
        return _signed(names, commercial=commercial)
    return _kept_names(names, commercial)


@lru_cache(maxsize=_KEPT)
def _kept_names(fields: tuple[bytes, ...], commercial: bool) -> tuple[bytes, ...]:
    return _signed(fields, commercial=commercial)


def _signed(fields: tuple[bytes, ...], *, commercial: bool) -> tuple[bytes, ...]:
    """`signed_names` of the names of a header block."""
    names = [name.rstrip(b" \t") for name in fields]
    present = [name for name in names if name.lower() in _SIGNED_KEYS]
    written = {name.lower(): name for name in reversed(present)}
    oversigned = OVERSIGNED + OVERSIGNED_COMMERCIAL if commercial else OVERSIGNED
    return (*present, *(written.get(name.lower(), name) for name in oversigned))
