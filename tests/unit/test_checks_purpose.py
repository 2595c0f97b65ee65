"""What a message is for: short messages of each class in many languages, each with the reason that must be told."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealgate.checks.classify import classify
from sealgate.checks.purpose import THRESHOLD, WEIGHTS, Guess, Purpose
from sealgate.checks.purpose_evidence import BEGINNING, own_text, read
from sealgate.checks.purpose_other_words import OTHER_ROWS
from sealgate.checks.purpose_signs import folded, signs
from sealgate.checks.purpose_words import SELLING_ROWS, Sign
from sealgate.mail.headers import Field, Headers
from sealgate.mail.visible import Link, View

AD, DEAL, LETTER, LIST, OTHER = (
    Purpose.COMMERCIAL, Purpose.TRANSACTIONAL, Purpose.PERSONAL, Purpose.LIST, Purpose.OTHER,
)  # fmt: skip

MESSAGES = [
    # advertisements
    (AD, "Save 30% this weekend", "subject price",
        "Our autumn sale is on. 30% off all lamps until Sunday. Shop now.\nUnsubscribe"),
    (AD, "New arrivals are here", "beginning offer",
        "The linen collection has landed. Discover jackets from $89. Free shipping over $50."),
    (AD, "You're invited: product webinar on Tuesday", "beginning call",
        "Join us for a live demo of our platform. Register now, seats are limited.\nUnsubscribe"),
    (AD, "Lower your energy bill", "beginning offer",
        ("Homeowners save with solar panels. Get a free quote today, no obligation.\nTo stop receiving "
        "these emails click here")),
    (AD, "Quick question", "beginning offer",
        ("Hi, we are a web design agency. We help you rank on the first page of google. Would you be "
        "interested in a free consultation? Reply to this email and I will send prices.")),
    (AD, "toner cartridges at wholesale prices", "subject offer",
        ("Lowest prices on toner and ink for all printers. Order by phone, call toll free. Visa accepted. "
        "To be removed reply with remove.")),
    (AD, "WORK FROM HOME", "shouting",
        ("Earn money from your kitchen table! Extra income guaranteed, no experience. Click below to get "
        "started. To be removed from our list click here.")),
    (AD, "Ihr Gutschein wartet", "subject offer",
        "Nur heute: 20 % Rabatt auf alle Schuhe. Jetzt bestellen und sparen.\nVom Newsletter abmelden"),
    (AD, "Neue Herbstkollektion", "beginning offer",
        "Entdecken Sie unsere neue Kollektion. Jacken ab 49 €, versandkostenfrei. Zum Shop\nAbbestellen"),
    (AD, "Soldes : jusqu'à -50 %", "subject offer",
        "Profitez de nos offres sur toute la boutique. Livraison gratuite. J'en profite !\nSe désabonner"),
    (AD, "Votre mutuelle moins chère", "beginning offer",
        "Comparez gratuitement les assurances et profitez d'une remise. Cliquez ici.\nSe désinscrire"),
    (AD, "Só hoje: 40% de desconto", "subject offer",
        "Aproveite as ofertas da semana. Compre agora por R$ 19,90, frete grátis.\nDescadastrar"),
    (AD, "Faça já a sua cotação", "beginning offer",
        ("Plano de saúde com condições especiais. Solicite um orçamento sem compromisso pelo WhatsApp.\n"
        "Se não deseja mais receber, clique aqui")),
    (AD, "Rebajas de verano", "subject offer",
        "Hasta 60 % de descuento en zapatos. Compra ahora con envío gratis.\nDarse de baja"),
    (AD, "Último día", "beginning offer",
        "Es la última oportunidad: vuelos por solo 29 €. Reserva ahora.\nCancelar suscripción"),
    (AD, "Saldi: fino al 50%", "subject offer",
        "Scopri le offerte della settimana e risparmia. Acquista ora, spedizione gratuita.\nDisiscriviti"),
    (AD, "Mis het niet: korting op alles", "subject offer",
        "Alleen vandaag 25% korting. Bestel nu in onze winkel.\nUitschrijven"),
    (AD, "Helgens erbjudande", "subject offer",
        "Upp till 40 % rabatt på skor. Shoppa nu, fri frakt.\nAvregistrera"),
    (AD, "Tilbud kun i dag", "subject offer",
        "Spar 30 % på alle møbler. Køb nu i butikken.\nAfmeld nyhedsbrev"),
    (AD, "Wyprzedaż! Rabaty do -70%", "subject offer",
        "Tylko dziś promocja na buty. Kup teraz, darmowa dostawa.\nWypisz się"),
    (AD, "Скидка 30% только сегодня", "subject offer",
        "Распродажа обуви в нашем магазине. Успейте купить!\nОтписаться"),
    (AD, "限时优惠", "subject offer",
        "全场特价，买一送一，免费配送优惠券。立即购买。退订"),
    (AD, "週末セール", "subject offer",
        "対象商品が20%割引。期間限定クーポンで送料無料。今すぐ購入。配信停止"),
    (AD, "주말 특가", "subject offer",
        "전 상품 할인, 무료 배송 쿠폰. 지금 구매하기. 수신거부"),
    (AD, "Sepette %20 indirim", "subject offer",
        "Yeni sezon ürünler şimdi indirimli. Hemen al, kargo bedava.\nAbonelikten çık"),
    (AD, "Alennus vain tänään", "subject offer",
        "Tarjous: kengät -40 %. Osta nyt, ilmainen toimitus.\nPeruuta tilaus"),
    (AD, "Slevy až 50 %", "subject offer",
        "Velký výprodej bot. Koupit můžete jen dnes, doprava zdarma.\nOdhlásit"),
    (AD, "\U0001d5e6\U0001d5ee\U0001d5f9\U0001d5f2 ends tonight", "subject offer",
        "Buy now and save."),
    (AD, "Mega bоnus", "beginning offer",  # Cyrillic letters
        "400% wеlcome bоnus and free spins at our cаsino. Claim your bonus."),
    # transactions and relationships, 15 USC 7702(17)
    (DEAL, "Your order has shipped", "beginning transaction",
        "Your order 48110 has shipped. Tracking number 1Z00. Out for delivery on Monday."),
    (DEAL, "Receipt for your payment", "beginning transaction",
        "We received your payment of $42.00. Invoice 20291 is attached. Thank you for your order."),
    (DEAL, "Verify your email", "beginning account",
        ("Your verification code is 114 902. It expires in 10 minutes. If this wasn't you, ignore this "
        "message.")),
    (DEAL, "Password reset", "account",
        ("Somebody asked to reset your password. Click here to choose a new one. If you did not request "
        "this, do nothing.")),
    (DEAL, "Changes to our terms of service", "account",
        "We are updating our terms. The changes to your account take effect on 1 May."),
    (DEAL, "Safety recall of your kettle", "beginning transaction",
        ("Your order of 3 March is part of a recall. Return it for a refund. Your refund is paid within a "
        "week.")),
    (DEAL, "Your appointment tomorrow", "transaction",
        ("This is a reminder of your appointment at 10:30. To reschedule, call the desk. Do not reply to "
        "this automated message.")),
    (DEAL, "Payroll: your payslip for May", "account",
        "Your payslip is ready. Log in to your employee account to see it."),
    (DEAL, "New login to your account", "account",
        "We noticed a new login from a new device. If it wasn't you, reset your password."),
    (DEAL, "Ihre Bestellung ist unterwegs", "transaction",
        "Ihre Sendung wurde versandt. Sendungsnummer 00340. Zustellung morgen."),
    (DEAL, "Ihre Rechnung", "transaction",
        "Anbei die Rechnung Nr. 8812 zu Ihrer Bestellung vom 3. Mai."),
    (DEAL, "Passwort zurücksetzen", "account",
        "Sie haben ein neues Passwort angefordert. Ihr Bestätigungscode lautet 5512."),
    (DEAL, "Votre commande est expédiée", "transaction",
        "Votre colis est en route. Numéro de suivi 8R0012. Livraison prévue jeudi."),
    (DEAL, "Seu pedido foi enviado", "transaction",
        "Seu pedido 1102 saiu para entrega. Código de rastreio BR12. A nota fiscal segue anexa."),
    (DEAL, "Tu pedido ha sido entregado", "transaction",
        "Tu paquete ha sido entregado hoy. Número de pedido 7712."),
    (DEAL, "Il tuo ordine è stato spedito", "transaction",
        "Il pacco è in transito. Traccia il tuo pacco. Consegna prevista lunedì."),
    (DEAL, "Uw bestelling is verzonden", "transaction",
        "Uw pakket is onderweg. Bezorging morgen tussen 10 en 12. Bestelnummer 991."),
    (DEAL, "Din beställning är på väg", "transaction",
        "Paketet levereras i morgon. Kollinummer 88120. Orderbekräftelse bifogas."),
    (DEAL, "Twoja paczka jest w drodze", "transaction",
        "Kurier dostarczy przesyłkę jutro. Numer zamówienia 5512."),
    (DEAL, "Ваш заказ доставлен", "transaction",
        "Посылка ждёт вас. Номер заказа 4412. Оплата получена."),
    (DEAL, "ご注文の発送", "transaction",
        "お荷物を発送しました。お届けは明日です。お支払いありがとうございます。"),
    (DEAL, "您的订单已发货", "transaction",
        "快递明天送达，包裹单号 88120。发票随附。"),
    # letters
    (LETTER, "Lunch on Thursday?", "talk",
        "Shall we meet at noon? I will be in the office. Cheers, Kim"),
    (LETTER, "Re: the old printer", "answer",
        "Yes, I think it is still in the cellar. See you on Friday.\nKim"),
    (LETTER, "Minutes", "talk",
        "Please find attached the minutes of Monday. Best regards, Kim"),
    (LETTER, "Urlaub", "talk",
        "Hallo zusammen, ich bin bis Freitag nicht im Büro. Viele Grüße, Kim"),
    (LETTER, "Samedi", "talk",
        "Je suis en retard, on se voit à huit heures ? Bises, Kim"),
    (LETTER, "La reunión", "talk",
        "Hola a todos, adjunto las notas. Un saludo, Kim"),
    (LETTER, "打ち合わせ", "talk",
        "お世話になっております。資料を添付します。よろしくお願いいたします。"),
    (LETTER, "Встреча", "talk",
        "Привет, я опоздаю на десять минут. С уважением, Ким"),
    # discussion lists
    (LIST, "[parser-dev] Re: buffer size", "list fields",
        "I tried the patch and it works, thanks.\nTo unsubscribe send mail to the list"),
    (LIST, "[chess] tournament on Sunday", "list fields",
        "Who is coming? I can bring two boards.\nUnsubscribe here"),
    # politics, charity, news, fraud
    (OTHER, "They voted against us", "beginning cause",
        ("Senator Doe needs your help before the election. Chip in $5 to reach voters. Donate now.\n"
        "Unsubscribe")),
    (OTHER, "Children need you", "beginning cause",
        ("Our charity feeds refugees. Your donation is tax deductible. Volunteers leave on Monday.\n"
        "Unsubscribe")),
    (OTHER, "Morning briefing", "beginning cause",
        "Top stories: parliament debates the budget. Editors' picks, headlines and opinion.\nUnsubscribe"),
    (OTHER, "Spenden für Flüchtlinge", "beginning cause",
        "Bitte spenden Sie. Unser Spendenkonto finden Sie unten. Das Ehrenamt braucht Sie.\nAbmelden"),
    (OTHER, "Elecciones", "beginning cause",
        "El gobierno convoca elecciones. Firma la petición. Periodismo sin publicidad.\nDarse de baja"),
    (OTHER, "Attention dear", "beginning fraud",
        ("I am barrister Doe. The beneficiary of the inheritance died; you are next of kin to eight "
        "million dollars.")),
]  # fmt: skip


def fields(purpose: Purpose) -> Headers:
    listed = (
        Field(b"List-Post", b" <mailto:talk@lists.example>"),
        Field(b"List-Unsubscribe", b" <mailto:x@lists.example>"),
    )
    return Headers(listed if purpose is LIST else ())


@pytest.mark.parametrize(("purpose", "subject", "reason", "text"), MESSAGES, ids=[m[1] for m in MESSAGES])
def test_each_message_is_read_for_what_it_is(purpose: Purpose, subject: str, reason: str, text: str) -> None:
    guess = classify(subject, (View(text),), fields(purpose))
    assert guess.purpose is purpose, guess
    assert any(reason in each for each in guess.reasons), guess


def test_the_messages_are_many() -> None:
    assert len(MESSAGES) >= 60


# -- 16 CFR 316.3 ------------------------------------------------------------------------------------------------------
OFFER = "Autumn sale: 30% off all lamps, today only. Shop now and save up to $40 with this coupon. Free shipping.\n"
ORDER = "Your order 48110 has shipped. Tracking number 1Z00. Out for delivery on Monday. View your invoice.\n"
FILLER = "The lamp is made of steel and stands on three legs of different length in any room. " * 8


def test_what_follows_a_transaction_weighs_less() -> None:
    below = classify("Your order has shipped", (View(ORDER + FILLER + OFFER),))
    above = classify("News", (View(OFFER + FILLER + ORDER),))
    assert (below.purpose, above.purpose) == (DEAL, AD)


@pytest.mark.parametrize(
    "denial", ["This is not a marketing email.", "This is not an advertisement.", "Dies ist keine Werbung."]
)
def test_a_footer_that_denies_is_no_evidence(denial: str) -> None:
    for text in (OFFER, "The minutes of Monday."):
        assert classify("News", (View(text + denial),)).score == classify("News", (View(text),)).score


def test_header_fields_and_form_alone_make_no_advertisement() -> None:
    bulk = Headers(tuple(Field(n, b" x") for n in (b"List-Unsubscribe", b"List-Unsubscribe-Post", b"Feedback-ID")))
    links = tuple(Link("a", "https://click.example/track?utm_source=x", 0) for _ in range(20))
    assert not classify("Minutes", (View("The minutes are on the page.\nUnsubscribe", links),), bulk).is_commercial
    assert classify("Save 30%", (View(OFFER),), bulk).score > classify("Save 30%", (View(OFFER),)).score


def test_an_answer_lowers_the_score() -> None:
    answer = Headers((Field(b"In-Reply-To", b" <a@corp.example>"), Field(b"References", b" <a@corp.example>")))
    text = "Shall we take the 30% offer? The coupon ends on Sunday."
    assert classify("Re: lamps", (View(text),), answer).score < classify("lamps", (View(text),)).score - 2


def test_what_is_quoted_is_not_the_senders() -> None:
    text = "Have a look, I think this is for you. Kim\n" + OFFER * 5
    quoted = View(text, quotes=((text.index("Autumn"), len(text)),))
    assert classify("lamps", (View(text),)).is_commercial
    assert classify("lamps", (quoted,)).purpose is LETTER
    assert own_text(quoted).strip() == "Have a look, I think this is for you. Kim"


def test_urls_written_out_are_no_words() -> None:
    assert own_text(View("see https://shop.example/sale/coupon now")) == "see now"


def test_html_sent_as_plain_text_is_read_without_its_tags() -> None:
    html = "<html><style>p {color: red}</style><p>Save 30% off today only</p></html>"
    assert own_text(View(html)).split() == ["Save", "30%", "off", "today", "only"]


def test_a_picture_with_little_text_counts_where_words_say_the_rest() -> None:
    picture = (Link("", "https://shop.example/a", 0),)
    assert classify("Weekend sale", (View("Unsubscribe", picture),)).is_commercial
    assert not classify("Our cellar", (View("", picture),)).is_commercial


def test_what_stands_for_a_picture_is_weak_evidence() -> None:
    bare, told = (
        classify("Hello", (View("Hi", alternatives=text),)).score for text in ("", "30% off\nShop now\nFree shipping")
    )
    assert bare < told < THRESHOLD + 0.5


def test_no_view_leaves_the_subject() -> None:
    assert classify("Sale: save 50% today only", ()).is_commercial
    assert classify("", ()).purpose is LETTER


def test_reasons_say_what_was_counted_the_weightiest_first() -> None:
    guess = classify("Save 30% with this coupon", (View("Hello, your coupon. Shop now."),))
    assert guess.reasons[0].startswith("subject offer +1.6 (coupon)")
    assert Guess(AD, 0.0).reasons == ()


# -- the words as data -------------------------------------------------------------------------------------------------
def test_every_kind_of_evidence_has_a_weight_and_every_weight_its_evidence() -> None:
    places = ("subject", "beginning", "body")
    anywhere = {Sign.OPT_OUT, Sign.BROWSER, Sign.DENIAL}
    for sign in Sign:
        names = [sign.value] if sign in anywhere else [f"{place} {sign.value}" for place in places]
        assert set(names) <= set(WEIGHTS), sign


def test_words_are_written_as_texts_are_folded() -> None:
    for _, text in (*SELLING_ROWS, *OTHER_ROWS):
        for item in text.strip().replace("\n", "|").split("|"):
            assert folded(item) == item.strip(), item


@pytest.mark.parametrize(
    ("text", "kind", "words"),
    [
        ("It’s here — don’t miss it", "offer", "don t miss"),
        ("just €19.99", "offer", "just $"),
        ("up to 50% off", "offer", "up to % off"),
        ("BLACK FRIDAY", "offer", "black friday"),
        ("black cats on friday", "offer", ""),
        ("free delivery", "transaction", ""),
        ("today is the last\nchance", "offer", "last chance"),
        ("bis zu 30 % gespart", "offer", "bis zu %"),
        ("ｓａｌｅ", "offer", "sale"),
        ("今週の割引", "offer", "割引"),
    ],
)
def test_phrases_are_found_across_marks_breaks_and_letters_that_look_alike(text: str, kind: str, words: str) -> None:
    assert (words in signs(text).get(kind, [])) if words else not signs(text).get(kind)


# -- hostile text ------------------------------------------------------------------------------------------------------
@given(st.text(max_size=120), st.text(max_size=600), st.integers(0, 600), st.integers(0, 600))
def test_no_text_raises(subject: str, text: str, start: int, end: int) -> None:
    guess = classify(subject, (View(text, quotes=((start, end),)),))
    assert guess.is_commercial is (guess.purpose is AD)


def test_surrogates_do_no_harm() -> None:
    classify("\ud800", (View("\udfff sale \ud83d"),))


@pytest.mark.parametrize(
    "piece", ["sale ", "> ", "$1 ", "1%", "re: ", "\ufdfa", "<a ", "ᵃ", "last chance ", "[x", "://"]
)
def test_time_is_bounded_in_hostile_text(piece: str) -> None:
    text = piece * 200_000
    links = tuple(Link("a", "https://corp.example", n) for n in range(10_000))
    before = time.process_time()
    classify(text, (View(text, links, text),))
    assert time.process_time() - before < 1.0


def test_only_the_front_and_the_end_of_a_long_text_are_looked_at() -> None:
    evidence = read("", Headers(()), (View("word " * 2_000 + "coupon " + "word " * 2_000 + "unsubscribe"),))
    assert "opt-out" in evidence
    assert "body offer" not in evidence
    assert BEGINNING == 500
