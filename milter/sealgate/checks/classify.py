"""A guess whether a message is commercial, after the primary-purpose test of 16 CFR 316.3.

The test asks what a reader would take from the subject line, what stands at the beginning of the body, and what the
body is as a whole; so these three are scored apart. Words of an order, a delivery or an account at the beginning pull
down, and what follows such a beginning weighs less; offers, prices and calls to buy pull up. A footer that claims "this
is not a marketing email" is no evidence. The guess is for identities of class `auto` and by default only reported: it
counts words of a few languages and knows neither consent nor pictures.
"""

import re
from dataclasses import dataclass
from typing import Final
from unicodedata import normalize

from sealgate.checks import optout
from sealgate.checks.facts import Facts, Known
from sealgate.checks.finding import Finding
from sealgate.checks.rules import RULES
from sealgate.mail.message import Message
from sealgate.mail.reply import printable
from sealgate.mail.visible import View
from sealgate.profile.model import Identity, Kind, MailClass

THRESHOLD: Final = 1.5  # scores from here on are called commercial
_BEGINNING: Final = 500  # characters of a body that count as its beginning (16 CFR 316.3(a)(2)(ii))
_BODY: Final = 3_000  # characters that are looked at in all
_WORD = re.compile(r"[^\W\d_]+")
_PRICE = re.compile(r"[$€£¥₹] ?\d[\d.,]{0,9}")
_AMOUNT = re.compile(r"\d ?(?:[%€£]|EUR\b|USD\b|zł|kr\b)")


class _Words:
    """A list of words, and of phrases and stems that are looked for as they stand."""

    __slots__ = ("phrases", "single")

    def __init__(self, listed: str) -> None:
        items = [item for item in listed.split("|") if item]
        self.single = frozenset(item for item in items if _WORD.fullmatch(item) and item < "\u3000")
        self.phrases = tuple(item for item in items if item not in self.single)

    def met(self, lower: str, words: frozenset[str]) -> list[str]:
        """Which of them stand in a text, given in lower case and as its set of words."""
        return sorted(self.single & words) + [phrase for phrase in self.phrases if phrase in lower]


# Advertising: offers, urgency, what is sold.
_OFFER = _Words(
    "sale|sales|shop|shopping|store|deal|deals|discount|discounts|discounted|offer|offers|coupon|coupons|voucher|"
    "vouchers|promo|promos|promotion|promotions|promotional|bonus|bonuses|save|savings|free|exclusive|hurry|jackpot|"
    "casino|spins|webinar|seminar|introducing|announcing|premium|reward|rewards|giveaway|bargain|bargains|clearance|"
    "trial|upgrade|advertisement|advertiser|sponsored|bestseller|collection|gift|gifts|subscribers|newsletter|"
    "preorder|affordable|guaranteed|wholesale|investors|leads|prices|pricing| % off|% off|black friday|cyber monday|"
    "last chance|limited time|limited-time|special price|best price|low price|today only|don't miss|hours left|"
    "ends today|ends tonight|ends soon|new arrival|pre-order|now available|back in stock|adv:|no obligation|risk-free|"
    "act now|money back|desconto|descontos|oferta|ofertas|promoção|promoções|promocional|grátis|gratis|economize|"
    "imperdível|aproveite|cupom|preço|preços|cotação|orçamento|exclusiva|exclusivo|lançamento|vendas|novidades|"
    "parcelas|descuento|descuentos|rebajas|aprovecha|cupón|promoción|promociones|precio|precios|novedades|angebot|"
    "angebote|rabatt|rabatte|gutschein|gutscheine|sparen|spare|kostenlos|kostenlose|gewinnen|gewinn|aktion|"
    "schnäppchen|nur heute|exklusiv|exklusive|neuheiten|vorteil|geschenk|offre|offres|soldes|remise|réduction|gratuit|"
    "gratuite|profitez|cadeau|nouveautés|offerta|offerte|sconto|sconti|saldi|gratuito|approfitta|risparmia|novità|"
    "korting|aanbieding|aanbiedingen|bespaar|actie|subsidie|voordeel|erbjudande|erbjudanden|rabat|tilbud|tilbudet|"
    "promocja|promocje|wyprzedaż|скидка|скидки|акция|распродажа|бесплатно|优惠|折扣|促销|特价|免费|優惠|特價|免費|"
    "セール|割引|キャンペーン|할인|무료"
)
_CALL = _Words(
    "claim|pledge|enroll|enrol|enrolment|enrollment|shop now|buy now|order now|order today|get yours|get started|"
    "get it now|learn more|read more|find out more|discover|explore|use now|click here|sign up|register now|"
    "register today|register here|book now|book your|book a demo|try it|try now|try for free|start your|join now|"
    "join us|download now|subscribe now|view offer|see offer|request a demo|contact us today|call now|call today|"
    "for sale|visit us|add to cart|compre|comprar|saiba mais|garanta|confira|inscreva-se|peça|clique aqui|quero|"
    "jetzt kaufen|jetzt bestellen|jetzt sichern|jetzt shoppen|jetzt anmelden|jetzt entdecken|jetzt testen|"
    "mehr erfahren|entdecken|j'en profite|achetez|découvrez|commandez|en savoir plus|acquista|scopri|compra ahora|"
    "descubre|más información|bestel nu|koop nu|ontdek|shoppa|kup teraz|sprawdź|купить|подробнее|立即购买|立即購買|"
    "今すぐ|詳しくは"
)
# 15 USC 7702(17)(A): a transaction agreed to, warranty and security, changes of an account, employment, delivery.
_TRANSACTION = _Words(
    "shipped|dispatched|delivered|arriving|verification|activation|activate|invoice|receipt|username|password|reset|"
    "shipment|otp|passcode|your order|your package|your parcel|your delivery|your payment|your ticket|your booking|"
    "your reservation|your statement|your request|your registration|your subscription has|your account has|"
    "your account was|your account is|order confirmation|order number|order #|order no|tracking number|tracking id|"
    "track your|out for delivery|on its way|delivery date|delivery attempt|delivery notification|delivery update|"
    "delivery by|scheduled delivery|pickup|pick up your|verify your|verify my|verify email|confirm your|confirm my|"
    "one-time code|security alert|security code|sign-in|log-in details|new device|suspicious|payment received|"
    "payment due|terms of use|terms of service|privacy policy update|you've got tickets|unsubscribed|reminder|pedido|"
    "senha|fatura|nota fiscal|termos de|login suspeito|contraseña|factura|bestellung|sendung|rechnung|passwort|"
    "zugestellt|bestätigung|bestätigen|versandt|commande|colis|facture|mot de passe|livraison|ordine|spedito|"
    "spedizione|consegna|consegnato|fattura|nome utente|bestelling|wachtwoord|factuur|beställning|leverans|"
    "abonnementet| przesyłk| paczk| zamówieni| doręcz|faktura|заказ|пароль| доставк|ご注文|お届け|パスワード|"
    "お問い合わせ|订单|訂單|验证码|驗證碼"
)
_QUOTED = _Words(
    " wrote:|original message--|forwarded message|\n> |schrieb am|a écrit :|ha scritto:|escribió:|escreveu:"
)
_THREAD = re.compile(r"\s*(?:re|fwd?|aw|sv|wg|\[[\w .-]{2,30}\])[: ]", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Guess:
    """What a message looks like.

    Attributes:
        is_commercial: whether the score reaches `THRESHOLD`.
        score: the sum; each reason says its share.
        reasons: such as `subject offer +3.0 (sale, save)`, in the order they were counted.
    """

    is_commercial: bool
    score: float
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Share:
    """One reason and what it adds: each different word counts once, up to a number of them."""

    name: str
    value: float
    words: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.name} {self.value:+.1f} ({', '.join(self.words)})"


def classify(subject: str, views: tuple[View, ...]) -> Guess:
    """Guess from a decoded subject and what a reader sees whether the primary purpose is commercial."""
    view = max(views, key=lambda v: (bool(v.text.strip()), len(v.links)), default=View(""))
    body = view.text[:_BODY]
    subject = normalize("NFKC", subject[:400]).replace("_", " ")  # styled letters are read like plain ones
    title = _piece("subject", subject, offer=(1.5, 2), price=(1.0, 1), call=(0.8, 1), transaction=(-3.0, 2))
    begins = _piece(
        "beginning", body[:_BEGINNING], offer=(0.8, 3), price=(0.5, 2), call=(0.8, 2), transaction=(-1.2, 3)
    )
    # 16 CFR 316.3(a)(2): with the transaction at the beginning, what follows makes no advertisement of it.
    weight = 0.3 if title[-1].value + begins[-1].value <= -2 else 1.0
    follows = _piece(
        "body", body[_BEGINNING:], offer=(0.3 * weight, 5), price=(0.2 * weight, 4), call=(0.4 * weight, 3)
    )
    shares = [*title, *begins, *follows, *_form(subject, body, view, weight)]
    if optout.find(views).state is not optout.State.NONE:
        shares.append(_Share("opt-out", 0.6 * weight, ("present",)))
    score = round(sum(share.value for share in shares), 2)
    return Guess(score >= THRESHOLD, score, tuple(str(share) for share in shares if share.words))


def check(message: Message, facts: Facts, identity: Identity | None) -> tuple[Finding, ...]:
    """Report mail of an identity of class `auto` that looks like an advertisement; a person's is never looked at."""
    if identity is None or identity.mail_class is not MailClass.AUTO or identity.kind is Kind.PERSON:
        return ()
    views = tuple(fact.value for fact in facts.views if isinstance(fact, Known))
    guess = classify(message.headers.text(b"subject"), views)
    if not guess.is_commercial:
        return ()
    detail = f"score {guess.score:.1f}, commercial from {THRESHOLD:.1f}: {'; '.join(guess.reasons)}"
    return (Finding(RULES["canspam.looks-commercial"], printable(detail, 400)),)


def _piece(
    name: str,
    text: str,
    *,
    offer: tuple[float, int],
    price: tuple[float, int],
    call: tuple[float, int],
    transaction: tuple[float, int] = (0.0, 0),
) -> list[_Share]:
    """The shares of one piece of text; the last is that of transactions."""
    lower = f" {text.lower()} ".replace("’", "'")
    words = frozenset(_WORD.findall(lower))
    prices = sorted({found[0] for scan in (_PRICE, _AMOUNT) for found in scan.finditer(text)})
    kinds = (("offer", _OFFER, offer), ("call", _CALL, call), ("transaction", _TRANSACTION, transaction))
    shares = [_share(f"{name} price", prices, price)]
    shares += [
        _share(f"{name} {kind}", listed.met(lower, words) if rate[1] else [], rate) for kind, listed, rate in kinds
    ]
    return shares


def _share(name: str, met: list[str], rate: tuple[float, int]) -> _Share:
    each, most = rate
    counted = tuple(met[:most])
    return _Share(name, each * len(counted), counted)


def _form(subject: str, body: str, view: View, weight: float) -> list[_Share]:
    """What the form of a message says: quotations and threads are of persons, many links of campaigns."""
    links = sum(1 for link in view.links if not link.href.startswith("mailto:"))
    return [
        _share("quotation", _QUOTED.met(body.lower(), frozenset()), (-2.0, 2)),
        _share("thread", ["subject"] if _THREAD.match(subject) else [], (-1.5, 1)),
        _share("links", [str(links)] if links >= 5 else [], (0.8 * weight, 1)),
    ]
