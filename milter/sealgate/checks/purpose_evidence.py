"""The evidence of what a message is for: words, prices, links, pictures and header fields, by kind.

`read` looks at the subject, at the beginning of the body and at the rest of it apart, as 16 CFR 316.3 does, and answers
with what was met of each kind; `checks.purpose` weighs it. What a message quotes or forwards is not its sender's and is
left out, so are URLs written out. Everything is capped: a long text is looked at in front and at its end.
"""

import re
from typing import Final, TypeAlias
from unicodedata import normalize

from sealgate.checks.purpose_other_words import FIRST_PERSON, SENDER_SELLS, SENDER_SERVES
from sealgate.checks.purpose_signs import folded, signs
from sealgate.checks.purpose_words import Sign
from sealgate.mail.headers import Headers
from sealgate.mail.visible import View

Evidence: TypeAlias = dict[str, list[str]]  # by the name of its kind: what was met of it

SUBJECT: Final = 400  # characters of a subject that are looked at
BEGINNING: Final = 500  # characters that count as the beginning of a body (16 CFR 316.3(a)(2)(ii))
BODY: Final = 1_800  # characters that are looked at from the front
TAIL: Final = 400  # and from the end, where the opt-out stands
MARKUP: Final = 20_000  # characters of HTML that was sent as plain text
ALTERNATIVES: Final = 400  # characters of what pictures say in their place
LITTLE: Final = 300  # a text of fewer characters is not what the message is for
LINKS: Final = 30  # links that are looked at

_TAGS = re.compile(r"<[^<>]{0,2000}>")
_WEB: Final = ("http", "HTTP", "Http")
_REPLY = re.compile(
    r"\s{0,9}(?:re|fwd?|aw|wg|sv|vs|vb|tr|rif|rv|enc|antw|odp|отв)(?:\[\d{1,3}\])?\s?[:：]", re.IGNORECASE
)
_TAG = re.compile(r"(?:\w{1,3}: ?){0,2}\[[\w .:/-]{2,30}\] ")
_EMOJI = re.compile("[\u2600-\u27bf\U0001f300-\U0001faff]")
_LONG_NUMBER = re.compile(r"\d[\d-]{5,}")
_TRACKED: Final = ("utm_", "click", "track", "/ls/", "/c/", "redirect", "lnk")
_BULK: Final = frozenset(
    {b"list-unsubscribe", b"list-unsubscribe-post", b"feedback-id", b"x-csa-complaints", b"x-campaign", b"x-campaignid",
     b"x-campaign-id", b"x-mc-user", b"x-sg-eid", b"x-mailgun-sid", b"x-mailgun-tag", b"x-report-abuse", b"x-job",
     b"x-sfmc-stack", b"x-mailer-recptid", b"x-mailer-sid", b"x-smtpapi", b"cfbl-address"}
)  # fmt: skip
_ANYWHERE: Final = frozenset({Sign.OPT_OUT.value, Sign.BROWSER.value, Sign.DENIAL.value})
_LIST: Final = frozenset({b"list-post", b"mailing-list", b"x-beenthere", b"x-mailman-version"})
_ANSWER: Final = frozenset({b"in-reply-to", b"references"})
_SELLS: Final = frozenset(SENDER_SELLS.split())
_SERVES: Final = frozenset(SENDER_SERVES.split())
_FIRST_PERSON: Final = frozenset(FIRST_PERSON.split())


def read(subject: str, headers: Headers, views: tuple[View, ...]) -> Evidence:
    """Collect the evidence of a message: subject (decoded), beginning and rest of the body, form, header fields."""
    subject = normalize("NFKC", subject[:SUBJECT])
    view = shown(views)
    own = own_text(view)
    evidence: Evidence = {}
    _text(evidence, "subject", subject)
    _text(evidence, "beginning", own[:BEGINNING])
    _text(evidence, "body", f"{own[BEGINNING:]} {_instead(view, own, views)}")
    _form(evidence, subject, view, own)
    _fields(evidence, headers)
    return evidence


def _instead(view: View, own: str, views: tuple[View, ...]) -> str:
    """What stands in for pictures: their alternative text, and where there is little else, the other alternative."""
    others = [own_text(other)[:BODY] for other in views if other is not view] if len(own) < LITTLE else []
    return " ".join((view.alternatives[:ALTERNATIVES], *others[:2]))


def is_answer(subject: str) -> bool:
    """Whether a subject begins like an answer or a forward, in any of the usual languages."""
    return bool(_REPLY.match(subject))


def shown(views: tuple[View, ...]) -> View:
    """The alternative that most readers are shown: the one with text and with the most links."""
    return max(views, key=lambda v: (bool(v.text.strip()), len(v.links), len(v.text)), default=View(""))


def own_text(view: View) -> str:
    """The front and the end of what the sender wrote: without what it quotes, and without URLs written out."""
    text = view.text
    if view.quotes:
        pieces, at = [], 0
        for start, end in view.quotes:
            pieces.append(text[at:start])
            at = max(at, end)
        text = "\n".join((*pieces, text[at:]))
    if text[:1] == "<" and "</" in text[:MARKUP]:
        text = _TAGS.sub(" ", text[:MARKUP].rpartition("</style>")[2])
    if len(text) > BODY + TAIL:
        text = f"{text[:BODY]} {text[-TAIL:]}"
    if "://" in text:
        text = " ".join([word for word in text.split(" ") if "://" not in word])
    return text


def _text(evidence: Evidence, place: str, text: str) -> None:
    for kind, met in signs(text).items():
        evidence.setdefault(kind if kind in _ANYWHERE else f"{place} {kind}", []).extend(met)
    if amounts := _amounts(text):
        evidence[f"{place} price"] = amounts


def _amounts(text: str) -> list[str]:
    """Sums of money and percentages, at most four of each sign."""
    found = []
    for symbol in "%$€£¥₹":
        at = -1
        for _ in range(4):
            at = text.find(symbol, at + 1)
            if at < 0:
                break
            near = text[max(0, at - 2) : at + 3]
            if any(c.isdigit() for c in near):
                found.append(" ".join(near.split()))
    return found


def _form(evidence: Evidence, subject: str, view: View, own: str) -> None:
    web = [link for link in view.links[:LINKS] if link.href.startswith(_WEB)]
    targets = "\n".join([link.href[:200] for link in web]).lower()
    pictures = sum(1 for link in web if not link.text) + min(view.alternatives.count("\n"), 20)
    numbers = _LONG_NUMBER.findall(own[:BEGINNING])
    persons = [word for word in own[:BEGINNING].lower().split() if word in _FIRST_PERSON]
    facts = {
        "links": len(web) >= 5,
        "many links": len(web) >= 15,
        "no links": not web,
        "pictures": pictures >= 2,
        "tracked links": sum(map(targets.count, _TRACKED)) >= 2,
        "opt-out": "opt-out" not in evidence and any(map(targets.__contains__, ("unsub", "optout", "opt-out"))),
        "pictures only": len(own) < LITTLE and any(not link.text for link in web),
        "shouting": "!" in subject or _is_loud(subject) or bool(_EMOJI.search(subject)),
        "answer": is_answer(subject),
        "tag": bool(_TAG.match(subject)),
        "quotation": _quotes(view),
    }
    evidence.update({name: [name] for name, is_so in facts.items() if is_so})
    for name, met in (
        ("exclamation", ["!"] * own[:BEGINNING].count("!")),
        ("number", numbers),
        ("first person", persons),
    ):
        if met:
            evidence[name] = met


def _quotes(view: View) -> bool:
    """Whether a good part of a text is quoted, as in answers and forwards; advertisements quote a customer or two."""
    quoted = sum(end - start for start, end in view.quotes)
    return quoted * 4 > len(view.text) or view.text.count("\n>", 0, BODY) >= 2


def _is_loud(subject: str) -> bool:
    """Whether most letters are capitals."""
    return sum(c.isupper() for c in subject) > 2 * sum(c.islower() for c in subject) + 6


def _fields(evidence: Evidence, headers: Headers) -> None:
    keys = {field.key for field in headers.fields}
    kinds = (("bulk fields", keys & _BULK), ("list fields", keys & _LIST), ("answer fields", keys & _ANSWER))
    for name, met in kinds:
        if met:
            evidence[name] = sorted(key.decode() for key in met)
    if b"precedence" in keys and headers.text(b"precedence").strip().lower() == "list":
        evidence.setdefault("list fields", []).append("precedence")
    if b"auto-submitted" in keys:
        evidence["automatic"] = ["auto-submitted"]
    _sender(evidence, headers.text(b"from")[:400])


def _sender(evidence: Evidence, author: str) -> None:
    """What the author calls itself: `Deals <offers@...>`, `no-reply@...`."""
    name, _, address = author.rpartition("<")
    words = frozenset(folded(f"{name} {address.partition('@')[0]}").split())
    for kind, listed in (("sender sells", _SELLS), ("sender serves", _SERVES)):
        if met := words & listed:
            evidence[kind] = sorted(met)


def before_transaction(views: tuple[View, ...]) -> str:
    """What is offered above the first word of a transaction, where both are at the beginning; empty where nothing is.

    One word is no offer, so that "Free delivery | Your orders" in the head of a confirmation is none: it takes two, or
    one with a price or a call to buy.
    """
    begins = folded(own_text(shown(views))[:BEGINNING])
    met = signs(begins)
    served = [*met.get(Sign.DEAL.value, ()), *met.get(Sign.ACCOUNT.value, ())]
    first = min((at for at in (begins.find(words) for words in served) if at >= 0), default=0)
    above = signs(begins[:first])
    offers, calls = above.get(Sign.OFFER.value, []), above.get(Sign.CALL.value, [])
    prices = [mark for mark in "%$" if mark in begins[:first]]
    return ", ".join((offers + calls + prices)[:4]) if offers and len(offers) + len(calls) + len(prices) >= 2 else ""
