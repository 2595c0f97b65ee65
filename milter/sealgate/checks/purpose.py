"""What a message is for: the primary-purpose test of 16 CFR 316.3, by evidence that can be told in words.

The test asks what a recipient takes from the subject line, what stands at the beginning of the body, and what the body
is as a whole. `checks.purpose_evidence` collects what speaks for an advertisement and what speaks against it; each kind
has a weight and a cap in `WEIGHTS`, and the sum decides. Transactional or relationship content (15 USC 7702(17)) in the
subject or at the beginning takes most of the weight from what follows it: recommendations below an order confirmation
make no advertisement of it. A footer that claims "this is not a marketing email" is no evidence, and the form of a
message alone, header fields least of all, makes it no advertisement. A sum of words knows neither consent nor irony:
what is guessed here is reported by default, and refuses nothing.
"""

import enum
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from sealgate.checks.purpose_evidence import Evidence


class Purpose(enum.StrEnum):
    """What a message is for."""

    COMMERCIAL = "commercial"
    TRANSACTIONAL = "transactional"
    PERSONAL = "personal"
    LIST = "list"  # a discussion list
    OTHER = "other"  # politics, charity, news, fraud: no product is advertised (316.3, footnote 1)


THRESHOLD: Final = 1.5  # a sum from here on is called commercial
TOLD: Final = 0.4  # at least so much of it must be words, prices or pictures: form alone makes no advertisement

# What one piece of evidence adds, and how many of its kind count. Advertising is above nought. The weights were set by
# hand and then moved a little by a regression over labelled mail; they are small round numbers on purpose.
WEIGHTS: Final = MappingProxyType({
    "subject offer": (1.6, 2),
    "subject praise": (0.65, 2),
    "subject call": (1.0, 1),
    "subject price": (0.9, 1),
    "shouting": (0.5, 1),
    "beginning offer": (0.7, 3),
    "beginning praise": (0.4, 3),
    "beginning call": (0.7, 2),
    "beginning price": (0.45, 2),
    "exclamation": (0.15, 2),
    "body offer": (0.4, 4),
    "body praise": (0.1, 4),
    "body call": (0.35, 3),
    "body price": (0.25, 3),
    "opt-out": (1.1, 1),
    "web version": (0.7, 1),
    "links": (0.3, 1),
    "many links": (0.2, 1),
    "pictures": (0.7, 1),
    "tracked links": (0.45, 1),
    "pictures only": (1.0, 1),
    "bulk fields": (0.5, 2),
    "sender sells": (0.5, 1),
    "subject transaction": (-2.2, 2),
    "subject account": (-1.8, 2),
    "beginning transaction": (-0.8, 3),
    "beginning account": (-1.0, 3),
    "body transaction": (-0.2, 3),
    "body account": (-0.2, 3),
    "number": (-0.15, 2),
    "sender serves": (-0.5, 1),
    "automatic": (-0.4, 1),
    "subject cause": (-1.2, 2),
    "beginning cause": (-0.65, 3),
    "body cause": (-0.35, 4),
    "subject fraud": (-1.6, 1),
    "beginning fraud": (-1.1, 2),
    "body fraud": (-0.7, 2),
    "subject talk": (-0.6, 1),
    "beginning talk": (-0.55, 2),
    "body talk": (-0.3, 3),
    "denial": (0.0, 1),
    "first person": (-0.1, 4),
    "no links": (-0.3, 1),
    "answer": (-1.8, 1),
    "tag": (-1.0, 1),
    "quotation": (-1.8, 1),
    "list fields": (-1.8, 1),
    "answer fields": (-1.0, 1),
})  # fmt: skip
_FIRST: Final = ("subject transaction", "subject account", "beginning transaction", "beginning account")
_FOLLOWS: Final = frozenset({
    "body offer", "body praise", "body call", "body price", "opt-out", "web version", "links", "many links", "pictures",
    "tracked links", "pictures only",
})  # fmt: skip
_FORM: Final = frozenset({"bulk fields", "opt-out", "web version", "links", "many links", "tracked links"})
_FIRST_ENOUGH: Final = -2.0  # a transaction of this weight in subject and beginning is what the message is about
_AFTER: Final = 0.3  # what then remains of the weight of what follows


@dataclass(frozen=True, slots=True)
class Guess:
    """What a message looks like.

    Attributes:
        purpose: the class.
        score: the sum; from `THRESHOLD` on the purpose is commercial.
        shares: what each kind of evidence adds, and what was met of it.
    """

    purpose: Purpose
    score: float
    shares: tuple[tuple[str, float, tuple[str, ...]], ...] = ()

    @property
    def is_commercial(self) -> bool:
        """Whether the primary purpose looks commercial."""
        return self.purpose is Purpose.COMMERCIAL

    @property
    def reasons(self) -> tuple[str, ...]:
        """Such as `subject offer +3.2 (sale, % off)`, the weightiest first."""
        ordered = sorted(self.shares, key=lambda share: -abs(share[1]))
        return tuple(_reason(*share) for share in ordered)


def weigh(evidence: Evidence) -> Guess:
    """Add the evidence up and say what it comes to."""
    shares = {name: _share(name, met) for name, met in evidence.items() if name in WEIGHTS}
    if sum(shares.get(name, 0.0) for name in _FIRST) <= _FIRST_ENOUGH:  # 16 CFR 316.3(a)(2)
        shares = {name: share * _AFTER if name in _FOLLOWS else share for name, share in shares.items()}
    if "list fields" in shares:  # the footer and the fields of a discussion list are not its author's
        shares = {name: share for name, share in shares.items() if name not in ("opt-out", "bulk fields")}
    if len(evidence.get("bulk fields", ())) >= 2:  # a mailer that writes such fields answers nobody
        shares.pop("answer fields", None)
    score = round(sum(shares.values()), 2)
    told = sum(share for name, share in shares.items() if share > 0 and name not in _FORM)
    purpose = Purpose.COMMERCIAL if score >= THRESHOLD and told >= TOLD else _rest(evidence, shares)
    return Guess(purpose, score, tuple((name, share, tuple(evidence[name][:4])) for name, share in shares.items()))


def _share(name: str, met: list[str]) -> float:
    each, most = WEIGHTS[name]
    return each * min(len(met), most)


def _reason(name: str, share: float, met: tuple[str, ...]) -> str:
    samples = ", ".join(dict.fromkeys(met))
    return f"{name} {share:+.1f}" + (f" ({samples})" if samples != name else "")


def _rest(evidence: Evidence, shares: dict[str, float]) -> Purpose:
    """Which of the classes that are not commercial: a list's mail, a transaction, a letter, or something else."""

    def total(*kinds: str) -> float:
        return -sum(share for name, share in shares.items() if name.endswith(kinds) and share < 0)

    deal, other = total("transaction", "account", "number", "serves", "automatic"), total("cause", "fraud")
    talk = total("talk", "person", "answer", "answer fields", "tag", "quotation")
    if "list fields" in evidence and deal < 2 + talk:
        return Purpose.LIST
    if deal >= 1.5 and deal >= max(other, talk):
        return Purpose.TRANSACTIONAL
    if other > talk and other >= 1:
        return Purpose.OTHER
    if talk >= 0.5 or not {"opt-out", "bulk fields", "links"} & shares.keys():
        return Purpose.PERSONAL
    return Purpose.OTHER
