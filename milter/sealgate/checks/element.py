"""What was found of each thing that a law demands, with the evidence that proves it years later.

An `Element` says where it was found (part, offset), the words, by which means, and what is wrong with it. What tells
who a message went to is left out (addresses of recipients, tokens of links); an address is kept by the digest of its
words as well, so that two records can be compared without keeping more of the text.
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from typing import Final

from sealgate.checks.postal_words import words_of

MAX_EXCERPT: Final = 200  # characters
_READ: Final = 1_000  # characters of which an excerpt is made
_MAIL = re.compile(r"(?:\"[^\"\n]{1,64}\"|[^\s<>()\[\],;:\"@]{1,320})(?:@|%40)(?=[\w\[-])")
_USER = re.compile(r"(https?://)[^\s/?#@]{1,255}@", re.IGNORECASE)
_URL = re.compile(
    r"((?:https?://|www\.)[^/\s?#]{1,255}|\b(?:[a-z\d-]{1,63}\.){1,8}[a-z]{2,24}(?=[/?#]\S{4}))[/?#][^\s>\"]+",
    re.IGNORECASE,
)
_QUERY = re.compile(r"(@[\w.-]{1,255})\?[^\s>\")]+")


@dataclass(frozen=True, slots=True)
class Element:
    """One thing the law demands, and what was found of it.

    Attributes:
        name: `postal-address`, `opt-out` or `label`.
        state: `absent` or `unread` for any; `registered`, `recognised` or `unfilled` for an address; `live`, `burdened`
            or `dead` for an opt-out; `present` or `waived` for a label.
        where: the path of the part it was found in, empty where nothing was.
        excerpt: the words themselves, at most 200 characters.
        target: for an opt-out, scheme and host of its link; for an address, the name of the registered one.
        why: what is wrong with it, or what could not be read.
        offset: where the excerpt begins in what a reader sees of the part, in characters; -1 where nothing was found.
        digest: SHA-256 of an address's normalised words, hexadecimal, else empty.
        how: by which means: `registered`, `recognised`; `link`, `address`, `reply`; `words`.
    """

    name: str
    state: str
    where: str = ""
    excerpt: str = ""
    target: str = ""
    why: str = ""
    offset: int = -1
    digest: str = ""
    how: str = ""

    @property
    def is_met(self) -> bool:
        """Whether the law's demand is met, as far as anybody can see."""
        return self.state in ("registered", "recognised", "live", "burdened", "present", "waived")


@dataclass(frozen=True, slots=True)
class Remark:
    """A rule that was met beside what is simply missing: its code, what was found, and the part."""

    code: str
    detail: str
    where: str = ""


@dataclass(frozen=True, slots=True)
class Elements:
    """What was looked for in one message; all are `None` where the law demands nothing."""

    postal_address: Element | None = None
    opt_out: Element | None = None
    label: Element | None = None
    remarks: tuple[Remark, ...] = ()

    def all(self) -> tuple[Element, ...]:
        """Those that were looked for."""
        return tuple(e for e in (self.postal_address, self.opt_out, self.label) if e is not None)


def as_record(elements: Elements) -> list[dict[str, str | int]]:
    """The elements for the audit line, one map each; an empty list where none was looked for."""
    return [
        {
            "name": e.name,
            "state": e.state,
            "where": e.where,
            "offset": e.offset,
            "excerpt": e.excerpt,
            "digest": e.digest,
            "target": e.target,
            "how": e.how,
            "why": e.why,
        }
        for e in elements.all()
    ]


@lru_cache(maxsize=512)
def digest_of(address: str) -> str:
    """The digest of an address that does not depend on case, punctuation and abbreviations."""
    return sha256(" ".join(words_of(address)).encode()).hexdigest()


def redacted(text: str) -> str:
    """Leave out who a message went to: local parts of mail addresses, paths and queries of URLs (all may hold tokens).

    At most 200 characters come back.
    """
    return _redacted(text) if len(text) > _READ else _kept_redacted(text)


def _redacted(text: str) -> str:
    if len(text) > _READ:
        text = text[:_READ].rpartition(" ")[0] or text[:MAX_EXCERPT]
    text = _URL.sub(r"\1/...", _USER.sub(r"\1", text))
    if "@" in text or "%40" in text:
        text = _QUERY.sub(r"\1?...", _MAIL.sub("...@", text))
    return text[:MAX_EXCERPT]


_kept_redacted = lru_cache(maxsize=512)(
    _redacted
)  # a footer is the same in each message of a campaign, and asked twice
