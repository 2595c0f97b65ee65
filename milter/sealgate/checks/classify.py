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
from sealgate.profile.model import Identity, MailClass

THRESHOLD: Final = 1.5  # scores from here on are called commercial
_BEGINNING: Final = 500  # characters of a body that count as its beginning (16 CFR 316.3(a)(2)(ii))
_BODY: Final = 6_000  # characters that are looked at in all

# Advertising: offers, prices, urgency, calls to buy. Whole words, several languages.
_OFFER = re.compile(
    r"\b\d{1,3} ?% (?:off|discount|de desconto|de descuento|rabatt|de réduction|di sconto|korting|bonus|cheaper|mais)|"
    r"\b(?:sales?|shopping|deals?|discounts?|offers?|coupons?|vouchers?|promo\w*|bonus(?:es)?|save|savings|free|black friday|"
    r"cyber monday|last chance|limited[ -]time|exclusive|special price|best price|hurry|today only|don't miss|"
    r"hours left|ends (?:today|tonight|soon|in)|new arrivals?|giveaway|jackpot|casino|spins|webinar|seminar|"
    r"introducing|announcing|pre-?order|now available|upgrade to|premium|back in stock|gift cards?|rewards?|"
    r"descontos?|ofertas?|promoç\w*|grátis|gratis|economize|imperdível|aproveite|cupom|preços?|cotaç\w+|"
    r"condição especial|"
    r"descuentos?|rebajas|aprovecha|oferta|cupón|promoción|precio|"
    r"angebote?|rabatte?|gutscheine?|sparen|kostenlos\w*|gewinn\w*|aktion|schnäppchen|nur heute|exklusiv\w*|"
    r"offre|promotions?|soldes|remise|réduction|gratuit\w*|profitez|bon plan|cadeau|"
    r"offert[ae]|sconti?|saldi|gratuit[oa]|approfitta|risparmi\w*|"
    r"korting|aanbieding(?:en)?|bespaar|actie|subsidie|"
    r"erbjudanden?|rabat|tilbud|wyprzedaż|promocj\w+|скидк\w+|акци\w+|распродаж\w+)\b|"
    r"优惠|折扣|促销|特价|免费|優惠|特價|免費|セール|割引|キャンペーン|할인|무료|\badv:",
    re.IGNORECASE,
)
_MONEY = re.compile(r"[$€£¥₹]\s?\d|\bR\$ ?\d|\b\d[\d.,]{0,9} ?(?:€|\$|£|EUR|USD|zł|kr)\b|\b\d{1,3} ?%")
_CALL = re.compile(
    r"\b(?:shop now|shop |buy now|order now|order today|get yours|get started|get it now|learn more|"
    r"read more|find out more|use now|"
    r"click here|sign up|register (?:now|today|here)|book (?:now|your|a demo)|try (?:it )?(?:now|free|for free)|"
    r"start (?:your )?free|claim|join (?:now|us)|download now|subscribe now|view (?:offer|deal)s?|enrol\w*|pledge|"
    r"request a demo|contact us today|call (?:now|today)|for sale|"
    r"compre|comprar|saiba mais|garanta|confira|inscreva-se|peça|"
    r"jetzt (?:kaufen|bestellen|sichern|shoppen|anmelden|entdecken|testen)|mehr erfahren|"
    r"j'en profite|achetez|découvr\w+|commandez|en savoir plus|acquista|scopri|compra ahora|descubr\w+|más información|"
    r"bestel nu|koop nu|ontdek|shoppa|köp nu|kup teraz|sprawdź|купить|подробнее)\b|立即购买|立即購買|今すぐ|詳しくは",
    re.IGNORECASE,
)
# 15 USC 7702(17)(A): a transaction agreed to, warranty and security, changes of an account, employment, delivery.
_TRANSACTION = re.compile(
    r"\b(?:your (?:order|package|parcel|shipment|delivery|receipt|invoice|payment|ticket|tickets|booking|reservation|"
    r"password|statement|subscription has|request|registration|account (?:has|was|is))|order (?:confirmation|number|#)|"
    r"order ?#|order no|tracking (?:number|id|#)|track your|shipped|dispatched|delivered|"
    r"out for delivery|arriving|on its way|delivery (?:date|attempt|notification|update|by)|scheduled delivery|"
    r"pick ?up|verification|verify your|verify (?:my|email)|confirm (?:your|my)|activate your|activation|one-time|"
    r"security (?:alert|code|notice)|sign-?in|log-?in details|new device|suspicious|reset|username|password|"
    r"payment (?:received|due|of)|invoice|receipt|statement|terms of (?:use|service)|privacy policy update|"
    r"you've got tickets|requested|unsubscribed|membership reminder|"
    r"seu pedido|sua senha|termos de|confirm(?:e|ação)|nota fiscal|fatura|login suspeito|"
    r"su pedido|tu pedido|contraseña|factura|pedido|entrega|envío|"
    r"ihre? bestellung|ihr paket|sendung|rechnung|passwort|zugestellt|bestätig\w+|versandt|lieferung|"
    r"votre (?:commande|colis|facture)|mot de passe|livraison|"
    r"(?:il )?tuo ordine|spedi\w+|consegn\w+|ordine|fattura|nome utente|"
    r"uw bestelling|uw pakket|wachtwoord|factuur|din beställning|leverans|abonnementet|"
    r"przesyłk\w+|paczk\w+|zamówieni\w+|doręcz\w+|faktur\w+|заказ\w*|пароль|доставк\w+)\b|"
    r"ご注文|お届け|パスワード|お問い合わせ|订单|訂單|验证码|驗證碼",
    re.IGNORECASE,
)
_PERSONAL = re.compile(
    r"^> ?\w.*\n>|\bwrote:\s|^-+ ?(?:Original Message|Forwarded message)|^(?:Am|Le|El|Il) .{6,120}(?:schrieb|écrit)",
    re.MULTILINE,
)
_THREAD = re.compile(r"^\s*(?:re|fwd?|aw|sv|wg|\[[\w .-]{2,30}\])[: ]", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Guess:
    """What a message looks like.

    Attributes:
        is_commercial: whether the score reaches `THRESHOLD`.
        score: the sum; each reason says its share.
        reasons: such as `subject offer +3.0 (50% off)`, in the order they were counted.
    """

    is_commercial: bool
    score: float
    reasons: tuple[str, ...]


def classify(subject: str, views: tuple[View, ...]) -> Guess:
    """Guess from a decoded subject and what a reader sees whether the primary purpose is commercial."""
    view = max(views, key=lambda v: len(v.links), default=View(""))
    body = view.text[:_BODY] or "".join(v.text for v in views)[:_BODY]
    begins, follows = body[:_BEGINNING], body[_BEGINNING:]
    subject = normalize("NFKC", subject[:400]).replace("_", " ")  # styled letters are read like plain ones
    shares: list[tuple[str, float, list[str]]] = [
        _share("subject offer", 1.5, 2, _OFFER, subject),
        _share("subject price", 1.0, 1, _MONEY, subject),
        _share("subject transaction", -3.0, 2, _TRANSACTION, subject),
        _share("beginning offer", 0.8, 3, _OFFER, begins),
        _share("beginning price", 0.5, 2, _MONEY, begins),
        _share("beginning call", 0.8, 2, _CALL, begins),
        _share("beginning transaction", -1.2, 3, _TRANSACTION, begins),
    ]
    # 16 CFR 316.3(a)(2): with the transaction at the beginning, what follows makes no advertisement of it.
    weight = 0.3 if shares[2][1] + shares[6][1] <= -2 else 1.0
    shares += [
        _share("body offer", 0.3 * weight, 5, _OFFER, follows),
        _share("body call", 0.4 * weight, 3, _CALL, follows),
        _share("body price", 0.2 * weight, 4, _MONEY, follows),
        _share("quotation", -2.0, 2, _PERSONAL, body),
        _share("thread", -1.5, 1, _THREAD, subject),
    ]
    links = sum(1 for link in view.links if not link.href.startswith("mailto:"))
    if links >= 5:
        shares.append(("links", 0.8 * weight, [str(links)]))
    if optout.find(views).state is not optout.State.NONE:
        shares.append(("opt-out", 0.6 * weight, ["present"]))
    score = round(sum(share for _, share, _ in shares), 2)
    reasons = tuple(f"{name} {share:+.1f} ({', '.join(words)})" for name, share, words in shares if words)
    return Guess(score >= THRESHOLD, score, reasons)


def check(message: Message, facts: Facts, identity: Identity | None) -> tuple[Finding, ...]:
    """Report mail of an identity of class `auto` that looks like an advertisement."""
    if identity is None or identity.mail_class is not MailClass.AUTO:
        return ()
    views = tuple(fact.value for fact in facts.views if isinstance(fact, Known))
    guess = classify(message.headers.text(b"subject"), views)
    if not guess.is_commercial:
        return ()
    detail = f"score {guess.score:.1f} of {THRESHOLD:.1f}: {'; '.join(guess.reasons)}"
    return (Finding(RULES["canspam.looks-commercial"], printable(detail, 400)),)


def _share(name: str, each: float, most: int, words: re.Pattern[str], text: str) -> tuple[str, float, list[str]]:
    """The share of one kind of words: each different one counts once, up to `most`."""
    met: dict[str, None] = {}
    for found in words.finditer(text):
        met[found[0].lower()[:30]] = None
        if len(met) == most:
            break
    return name, each * len(met), list(met)
