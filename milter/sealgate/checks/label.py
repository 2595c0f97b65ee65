"""Whether anything tells a reader that a message is an advertisement (15 USC 7704(a)(5)(A)(i)).

No wording is prescribed, and what plainly offers something for sale identifies itself: a price, a discount, words of
buying and offering in a dozen languages are enough. So `find` is lenient on purpose; it answers where the first is.
"""

import re
from typing import Final

from sealgate.mail.visible import View

_REACH: Final = 6_000  # characters of the beginning of each part


def _listed(words: str) -> frozenset[str]:
    return frozenset(words.split())


_WORD = re.compile(r"[^\W\d_]+")
_WORDS: Final = _listed(
    "advertisement advertising advertiser sponsored sponsor promotion promotional promo marketing "
    "commercial solicitation "
    "sale sales offer offers deal deals discount discounts coupon coupons voucher vouchers save savings "
    "buy shop store "
    "order orders price prices pricing free trial subscribe upgrade webinar bonus casino collection product products "
    "service services customer customers solution solutions register business company exclusive gift gifts "
    "anzeige werbung angebot angebote rabatt rabatte gutschein kaufen bestellen sparen preis preise "
    "kostenlos neuheiten "
    "publicité offre offres soldes remise acheter prix gratuit gratuite promotions oferta ofertas descuento comprar "
    "publicidad precio grátis gratis desconto promoção promoções preço aproveite publicidade compre contrate planos "
    "pubblicità offerta offerte sconto acquista prezzo novità korting aanbieding koop prijs reclame "
    "tilbud erbjudande "
    "köp pris reklam reklame tarjous osta hinta promocja rabat kup cena reklama sleva nabídka akce akció kedvezmény "
    "ofertă reducere indirim kampanya fırsat έκπτωση προσφορά diskon реклама скидка скидки акция купить цена цены "
    "ціна знижка خصم عرض מבצע הנחה"
)
_STEMS: Final = (
    "adv:", "book now", "sign up", "get started", "request a demo", "join us", "learn more", "try it", "new arrival",
    "広告", "セール", "割引", "特価", "キャンペーン", "广告", "廣告", "优惠", "折扣", "促销", "優惠",
    "特價", "광고", "할인",
    "특가",
    "ลดราคา", "giảm giá", "khuyến mãi", "छूट",
)  # fmt: skip
_PRICE = re.compile(r"[$€£¥₹]\s?\d|\d\s?[%€£]")


def find(subject: str, views: tuple[tuple[str, View], ...]) -> tuple[str, int, str] | None:
    """Return where something identifies an advertisement, the offset, and it.

    The place is a part's path or `Subject`.
    """
    for path, view in views:  # the usual case, and the cheapest
        lower = view.text[:800].lower()
        word = next((word for word in lower.split() if word in _WORDS), "")
        if word:
            return path, lower.find(word), word
    for where, text in (("Subject", subject), *((path, view.text[:_REACH]) for path, view in views)):
        lower = text.lower()
        word = next((w for w in _WORD.findall(lower) if w in _WORDS), "") or next((s for s in _STEMS if s in lower), "")
        if word:
            return where, lower.find(word), word
        price = _PRICE.search(text)
        if price:
            return where, price.start(), price[0]
    return None
