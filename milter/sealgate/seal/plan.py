"""What to sign: which domain, which keys, which header fields.

`plan` is asked before the checks run, because the names in `h=` are a fact some of them need (RFC 8058 4 wants the
unsubscribe fields signed). Its answer is a `SealPlan`, a reason why there is nothing to sign on purpose (`Skipped`), or
`NoKey`: this mail should be signed and cannot be, which must never pass as harmless. Nothing here raises.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from sealgate.mail.headers import Headers
from sealgate.profile.model import Profile
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
class SealPlan:
    """A seal to make.

    Attributes:
        domain: the signing domain (`d=`).
        keys: every key that signs, in the order of the signatures.
        names: the names of `h=`: as in the message, in its order, then once more those that are oversigned.
    """

    domain: str
    keys: tuple[SigningKey, ...]
    names: tuple[bytes, ...]

    @property
    def covers(self) -> frozenset[str]:
        """The signed names in lower case, those of absent but oversigned fields too."""
        return frozenset(name.decode("ascii").lower() for name in self.names)

    @property
    def selectors(self) -> tuple[str, ...]:
        """The selectors (`s=`) in the order of the signatures."""
        return tuple(key.selector for key in self.keys)


@dataclass(frozen=True, slots=True)
class Skipped:
    """Nothing is to be signed, on purpose: `seal-off`, `no-author-domain`, `foreign-author` or `domain-says-no`."""

    reason: str


@dataclass(frozen=True, slots=True)
class NoKey:
    """The profile wants mail of `domain` signed, and no key of it is loaded."""

    domain: str


def plan(
    headers: Headers,
    author_domain: str,
    profile: Profile,
    keys: Mapping[str, tuple[SigningKey, ...]],
    *,
    commercial: bool,
) -> SealPlan | Skipped | NoKey:
    """Say what to sign of one message.

    Args:
        headers: its header block, as sent.
        author_domain: the domain of its From field in lower-case A-label form, or "" where there is none to read.
        profile: says which domains are ours and whether their mail is sealed.
        keys: the loaded keys by domain.
        commercial: whether the unsubscribe fields must be guarded against additions too.
    """
    if not profile.seal:
        return Skipped("seal-off")
    if not author_domain:
        return Skipped("no-author-domain")
    domain = profile.domains.get(author_domain)
    if domain is None:
        return Skipped("foreign-author")
    if not domain.sign:
        return Skipped("domain-says-no")
    ours = keys.get(domain.name, ())
    if not ours:
        return NoKey(domain.name)
    return SealPlan(domain.name, ours, signed_names(headers, commercial=commercial))


def signed_names(headers: Headers, *, commercial: bool) -> tuple[bytes, ...]:
    """Return the names of `h=` for a header block: each signed field in order and case, then the oversigned names.

    An oversigned name is written as the message writes it, or as in `OVERSIGNED` where the message has none.
    """
    present = [field for field in headers if field.key in _SIGNED_KEYS]
    written = {field.key: field.name.rstrip(b" \t") for field in reversed(present)}
    oversigned = OVERSIGNED + OVERSIGNED_COMMERCIAL if commercial else OVERSIGNED
    once_more = (written.get(name.lower(), name) for name in oversigned)
    return (*(field.name.rstrip(b" \t") for field in present), *once_more)
