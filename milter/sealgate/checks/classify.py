"""Mail that reads like an advertisement and is not declared to be one (16 CFR 316.3).

What a message is, its identity says first: only mail of an identity of class `auto`, or one declared transactional, is
read here, never a person's and never a forwarder's. `classify` guesses the purpose; for a transactional sender the rule
of 316.3(a)(2) decides: an advertisement is what has a subject that reads like one, or does not begin with its
transaction. Recommendations below an order confirmation keep it transactional, a coupon above it does not. Both rules
report by default: a guess that refuses a password reset does more harm than an advertisement that passes.
"""

from typing import Final

from sealgate.checks import purpose_evidence
from sealgate.checks.facts import Facts, Known
from sealgate.checks.finding import Finding
from sealgate.checks.purpose import THRESHOLD, WEIGHTS, Guess, weigh
from sealgate.checks.purpose_evidence import Evidence
from sealgate.checks.rules import RULES
from sealgate.mail.headers import Headers
from sealgate.mail.message import Message
from sealgate.mail.reply import printable
from sealgate.mail.visible import View
from sealgate.profile.model import Identity, Kind, MailClass

__all__ = ["THRESHOLD", "Guess", "check", "classify"]

_NO_FIELDS: Final = Headers(())
_SUBJECT_SELLS: Final = 2.0  # a subject whose words come to this reads like an advertisement by itself
_SELLING: Final = ("subject offer", "subject praise", "subject call", "subject price")
_SERVING: Final = ("subject transaction", "subject account", "subject cause", "answer")


def classify(subject: str, views: tuple[View, ...], headers: Headers = _NO_FIELDS) -> Guess:
    """Guess what a message is for.

    Args:
        subject: decoded.
        views: what a reader sees of each text part; alternatives are several views of one text.
        headers: the fields of the message, whose form is weak evidence; without them only words and links count.
    """
    return weigh(purpose_evidence.read(subject, headers, views))


def check(message: Message, facts: Facts, identity: Identity | None) -> tuple[Finding, ...]:
    """Report mail of an `auto` or a transactional identity that reads like an advertisement."""
    if identity is None or identity.kind is not Kind.SERVICE:
        return ()
    if identity.mail_class not in (MailClass.AUTO, MailClass.TRANSACTIONAL):
        return ()
    views = tuple(fact.value for fact in facts.views if isinstance(fact, Known))
    evidence = purpose_evidence.read(message.headers.text(b"subject"), message.headers, views)
    guess = weigh(evidence)
    if identity.mail_class is MailClass.AUTO:
        return (_found("canspam.looks-commercial", guess),) if guess.is_commercial else ()
    why = _advertises(evidence, guess, views)
    return (_found("canspam.transactional-advertises", guess, why),) if why else ()


def _advertises(evidence: Evidence, guess: Guess, views: tuple[View, ...]) -> str:
    """Why a transactional sender's message is an advertisement under 316.3(a)(2), or nothing."""
    if _sum(evidence, _SELLING) + _sum(evidence, _SERVING) >= _SUBJECT_SELLS:
        return "the subject reads like an advertisement"
    begins = "beginning transaction" in evidence or "beginning account" in evidence
    if guess.is_commercial and not begins:
        return "no transaction at the beginning"
    above = purpose_evidence.before_transaction(views) if begins else ""
    return f"an offer above the transaction ({above})" if above else ""


def _sum(evidence: Evidence, names: tuple[str, ...]) -> float:
    weights = ((WEIGHTS[name], len(evidence.get(name, ()))) for name in names)
    return sum(each * min(count, most) for (each, most), count in weights)


def _found(code: str, guess: Guess, why: str = "") -> Finding:
    score = f"score {guess.score:.1f}, commercial from {THRESHOLD:.1f}: {'; '.join(guess.reasons)}"
    return Finding(RULES[code], printable(f"{why}; {score}" if why else score, 400))
