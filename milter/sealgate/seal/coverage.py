"""What a signature guards of a message, whether or not it verifies.

`coverage` says of each field that a reader sees or a parser obeys whether it is signed, and whether another one could
be put in beside it. `align` says whether the signing domain is the author's, as DMARC asks (RFC 7489 3.1.1). Pure;
nothing raises.
"""

import enum
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from sealgate.mail.headers import Headers
from sealgate.seal.plan import OVERSIGNED, OVERSIGNED_COMMERCIAL, SIGNED
from sealgate.seal.signature import Signature

_SINGLE: Final = frozenset(name.lower() for name in (*OVERSIGNED, *OVERSIGNED_COMMERCIAL))
_ONE_CLICK: Final = (b"list-unsubscribe", b"list-unsubscribe-post")


class Alignment(enum.StrEnum):
    """How the signing domain stands to the author's."""

    STRICT = "strict"  # they are the same
    RELAXED = "relaxed"  # one is under the other
    SIBLING = "sibling"  # both are under a third: it depends on whether that is the organisational domain
    NONE = "none"
    UNKNOWN = "unknown"  # From does not name exactly one domain

    @property
    def is_aligned(self) -> bool:
        """Whether a pass counts for the author's domain under DMARC's usual, relaxed rule."""
        return self in (Alignment.STRICT, Alignment.RELAXED)


@dataclass(frozen=True, slots=True)
class Coverage:
    """Names of fields, as in `seal.plan.SIGNED`.

    Attributes:
        signed: how many fields of the message are signed.
        unsigned: names of which the message has a field that is not signed.
        open: names of signed or absent fields of which another could be put in without harm to the signature.
        guarded: names of which none can be put in (oversigned).
        has_one_click: List-Unsubscribe and List-Unsubscribe-Post are there and all signed (RFC 8058 4); None: the
            message has no List-Unsubscribe-Post, so it offers no one-click.
    """

    signed: int
    unsigned: tuple[str, ...]
    open: tuple[str, ...]
    guarded: tuple[str, ...]
    has_one_click: bool | None


def coverage(signature: Signature, headers: Headers) -> Coverage:
    """Say what of a message a signature guards."""
    named = signature.counts()
    present: dict[bytes, int] = {}
    for field in headers:
        present[field.key] = present.get(field.key, 0) + 1
    unsigned, loose, guarded = [], [], []
    for name in SIGNED:
        key, text = name.lower(), name.decode("ascii")
        there, signed = present.get(key, 0), named.get(key, 0)
        if signed < there:
            unsigned.append(text)
        elif signed > there:
            guarded.append(text)
        elif key in _SINGLE and (there or key not in _ONE_CLICK):
            loose.append(text)
    has_one_click = None
    if present.get(_ONE_CLICK[1]):
        has_one_click = all(0 < present.get(key, 0) <= named.get(key, 0) for key in _ONE_CLICK)
    count = sum(min(times, present.get(key, 0)) for key, times in named.items())
    return Coverage(count, tuple(unsigned), tuple(loose), tuple(guarded), has_one_click)


def align(domain: str, authors: Iterable[str], organisation: str = "") -> Alignment:
    """Say how a signing domain stands to the author's domain.

    Args:
        domain: `d=` in lower case.
        authors: the domains of the addresses in From, in lower-case A-label form.
        organisation: the organisational domain of both, where somebody knows it; siblings under it are aligned.
    """
    only = frozenset(authors)
    if len(only) != 1:
        return Alignment.UNKNOWN
    (author,) = only
    if domain == author:
        return Alignment.STRICT
    if "." in domain and (author.endswith(f".{domain}") or domain.endswith(f".{author}")):
        return Alignment.RELAXED
    if organisation and all(name == organisation or name.endswith(f".{organisation}") for name in (domain, author)):
        return Alignment.RELAXED
    return Alignment.SIBLING if len(shared(domain, author).split(".")) > 1 else Alignment.NONE


def shared(one: str, other: str) -> str:
    """The labels at the end that two domains have in common."""
    labels: list[str] = []
    for left, right in zip(reversed(one.split(".")), reversed(other.split(".")), strict=False):
        if left != right:
            break
        labels.append(left)
    return ".".join(reversed(labels))
