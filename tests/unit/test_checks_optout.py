"""Opt-out notices: a phrase and a mechanism that can work belong together, and what cannot work is named."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealgate.checks import optout_phrases as phrases
from sealgate.checks.optout import MAX_EXCERPT, State, dead, find, mentioned
from sealgate.checks.optout_reading import places, rows
from sealgate.mail.visible import Link, View

LIVE = "https://news.corp.example/u/8f3a"


def view(text: str) -> View:
    """A view from text in which `[words](target)` is a link."""
    out, links, rest = "", [], text
    while "](" in rest:
        before, _, tail = rest.partition("](")
        lead, _, label = before.rpartition("[")
        target, _, rest = tail.partition(")")
        out += lead
        links.append(Link(label, target, len(out)))
        out += label
    return View(out + rest, tuple(links))


SENTENCES = {
    "en": (
        "If you no longer want to get these updates, you can [unsubscribe here]({})",
        "This is a promotional message. [Opt-Out]({})",
        "We hate to see you go, but you can [leave this list]({}) any time.",
        "Prefer not to receive these? [Unsubscribe]({})",
        "Not finding these emails useful? [Turn them off]({})",
        "If this isn't relevant, [tell us to stop]({})",
        "Please click [here]({}) if you do not want to receive future e-mails",
        "Too much mail? [Update your email frequency]({})",
        "Was this sent in error? [Remove my address]({})",
        "[Unsubscribe]({})",
        "If you'd prefer not to hear from us, [let us know]({}).",
        "Don't want these emails? [Click here]({}).",
        "Tired of these emails? [Leave the list]({})",
        "[Stop these emails]({})",
        "To opt out of future mailings, follow [this link]({}).",
        "You can [opt-out at any time]({}).",
        "Click [here]({}) to be removed from our mailing list.",
        "[Turn off these notifications]({})",
        "Too many emails? [Change how often you hear from us]({})",
        "[Remove me from this list]({})",
        "Not interested anymore? [Unsubscribe instantly]({})",
        "[Manage email preferences]({})",
        "Want fewer emails? You can [update your preferences]({}) or [unsubscribe from this list]({}).",
        "[Safely unsubscribe]({}) from ACME",
        "[No longer interested? Opt out here]({})",
        "If you do not wish to receive marketing communications, [click here]({})",
        "[Email me less]({}) | [Never email me again]({})",
        "[Cancel this subscription]({})",
    ),
    "de": (
        "Wenn Sie den Newsletter nicht mehr beziehen möchten, [klicken Sie bitte hier]({}).",
        "Sie können den Newsletter jederzeit [hier abbestellen]({})",
        "Möchten Sie diese Mails künftig nicht mehr? Dann melden Sie sich [hier]({}) ab.",
        "[Newsletter abbestellen]({})",
        "[Vom Newsletter abmelden]({})",
        "Wenn Sie diese E-Mail nicht mehr empfangen möchten, können Sie diese [hier]({}) kostenlos abbestellen.",
        "Sie möchten keine Werbung mehr von uns? [Hier austragen]({})",
        "[Aus dem Verteiler löschen]({})",
        "Falls Sie künftig keine Angebote mehr bekommen möchten, klicken Sie bitte [hier]({}).",
    ),
    "fr": (
        "Pour vous désabonner, [suivez ce lien]({})",
        "Vous ne désirez plus recevoir nos e-mails ? [Cliquez ici]({})",
        "[Me désinscrire]({})",
        "Si vous ne souhaitez plus recevoir nos offres, [cliquez ici]({}).",
        "[Se désabonner de cette liste]({})",
        "Vous pouvez vous désinscrire [en cliquant ici]({})",
        "[Gérer mes abonnements]({})",
    ),
    "es": (
        "Puede darse de baja [en este enlace]({})",
        "¿No quieres recibir más emails? [Haz clic aquí]({})",
        "[Cancelar suscripción]({})",
        "Si no deseas seguir recibiendo nuestros correos, [pincha aquí]({})",
        "[Date de baja aquí]({})",
        "Para dejar de recibir estos mensajes haz clic [aquí]({})",
        "[Anular mi suscripción]({})",
        "Si ya no quiere recibir este boletín, [elimine su correo]({})",
    ),
    "pt": (
        "Caso não queira mais receber este informativo, [clique aqui]({})",
        "Se você não quiser mais receber, [descadastre-se]({})",
        "[Cancelar inscrição]({})",
        "Não quer mais receber nossos e-mails? [Clique aqui]({})",
        "[Descadastrar]({})",
        "Se não deseja receber mais mensagens, [clique aqui]({})",
        "[Cancelar a subscrição]({})",
        "Para remover o seu e-mail da nossa lista, clique [aqui]({})",
    ),
    "it": (
        "Per cancellarti [clicca qui]({})",
        "Se non desidera più ricevere comunicazioni [clicchi qui]({})",
        "[Disiscriviti]({})",
        "Per non ricevere più queste email [clicca qui]({})",
        "[Cancella iscrizione]({})",
        "Se non vuoi più ricevere la newsletter, [clicca qui]({})",
        "[Annulla l'iscrizione]({})",
    ),
    "nl": (
        "Geen nieuwsbrief meer ontvangen? [Meld u hier af]({})",
        "[Uitschrijven]({}) | [Gegevens wijzigen]({})",
        "[Afmelden]({})",
        "Wilt u deze nieuwsbrief niet meer ontvangen? [Klik hier]({})",
        "[Uitschrijven voor deze nieuwsbrief]({})",
        "U kunt zich [hier]({}) afmelden.",
    ),
    "sv": (
        "Om du inte vill ha fler mejl från oss [klicka här]({})",
        "[Avregistrera dig]({})",
        "Vill du inte längre ha våra utskick? [Klicka här]({})",
        "[Avsluta prenumerationen]({})",
    ),
    "no": (
        "For å melde deg av dette nyhetsbrevet, klikk på denne [koblingen]({})",
        "[Meld deg av nyhetsbrevet]({})",
        "Ønsker du ikke å motta flere e-poster? [Klikk her]({})",
    ),
    "da": (
        "[Frameld nyhedsbrev]({})",
        "[Afmeld nyhedsbrevet]({})",
        "Vil du ikke længere modtage vores nyhedsbrev? [Klik her]({})",
    ),
    "fi": (
        "Voit peruuttaa tilauksen [tästä]({})",
        "[Peruuta uutiskirje]({})",
        "Jos et halua enää vastaanottaa viestejä, [klikkaa tästä]({})",
        "[Poistu postituslistalta]({})",
    ),
    "pl": (
        "Aby zrezygnować z newslettera, [kliknij tutaj]({})",
        "[Wypisz się z newslettera]({})",
        "Jeśli nie chcesz otrzymywać wiadomości, [kliknij tutaj]({})",
        "[Zrezygnuj z subskrypcji]({})",
    ),
    "cs": (
        "Pro odhlášení z odběru [klikněte zde]({})",
        "[Odhlásit se z odběru]({})",
        "Pokud si nepřejete dostávat tyto e-maily, [klikněte zde]({})",
    ),
    "sk": ("[Odhlásiť sa z odberu]({})",),
    "hu": (
        "[Leiratkozás a hírlevélről]({})",
        "Ha nem szeretne több levelet kapni, [kattintson ide]({})",
    ),
    "ro": (
        "[Dezabonare]({})",
        "Dacă nu mai doriți să primiți mesaje, [click aici]({})",
    ),
    "bg": ("[Отпишете се]({})",),
    "ru": (
        "Чтобы отписаться, перейдите по [ссылке]({})",
        "[Отписаться]({})",
        "Если вы не хотите получать наши письма, [нажмите здесь]({})",
        "[Отказаться от рассылки]({})",
    ),
    "uk": ("[Відписатися від розсилки]({})",),
    "el": (
        "[Διαγραφή από τη λίστα]({})",
        "Αν δεν επιθυμείτε να λαμβάνετε μηνύματα, πατήστε [εδώ]({})",
    ),
    "tr": (
        "Bültenden çıkmak için [tıklayınız]({})",
        "[Abonelikten çık]({})",
        "Bu e-postaları almak istemiyorsanız [tıklayın]({})",
        "[Listeden ayrıl]({})",
    ),
    "ar": (
        "[إلغاء الاشتراك]({})",
        "إذا كنت لا ترغب في تلقي رسائلنا [اضغط هنا]({})",
    ),
    "he": ("[הסרה מרשימת התפוצה]({})",),
    "fa": ("[لغو اشتراک]({})",),
    "ja": (
        "メルマガの配信停止は[こちら]({})からお願いします",
        "[配信停止]({})",
        "メールの配信を希望されない方は[こちら]({})",
        "[メルマガ解除]({})",
    ),
    "zh": (
        "如需退订,请[点击这里]({})",
        "[退订]({})",
        "如果您不想再收到此类邮件,请点击[这里]({})",
        "[取消訂閱]({})",
    ),
    "ko": (
        "수신을 원치 않으시면 [여기]({})를 눌러주세요",
        "[수신거부]({})",
        "메일 수신을 원하지 않으시면 [여기]({})를 클릭하세요",
    ),
    "vi": (
        "[Hủy đăng ký]({})",
        "Nếu không muốn nhận email, [bấm vào đây]({})",
    ),
    "id": ("[Berhenti berlangganan]({})",),
    "ms": ("[Nyahlanggan]({})",),
    "th": ("[ยกเลิกการรับข่าวสาร]({})",),
    "hi": ("[सदस्यता समाप्त करें]({})",),
    "hr": ("[Odjavite se]({})",),
    "sl": ("[Odjava od novic]({})",),
    "sr": ("[Одјавите се]({})",),
    "lt": ("[Atsisakyti naujienlaiškio]({})",),
    "lv": ("[Atrakstīties]({})",),
    "et": ("[Loobu uudiskirjast]({})",),
    "ca": ("[Donar-se de baixa]({})",),
}
NO_SENTENCES = (
    "Read our guide on how to opt out of cookies in your browser.",
    "You are subscribed as kim@corp.example. [Visit the shop]({})",
    "Keine Werbung, nur Tipps: [jetzt lesen]({})",
    "No longer available: the [blue chair]({})",
    "Don't want to wait? Get your order by mail tomorrow: [Express]({})",
    "We no longer ship by mail to Spain. [See countries]({})",
    "Not interested in chairs? [See our lamps]({})",
    "Manage your account, view updates or messages in [My Account]({})",
    "Ya no esperes más, [compra]({})",
    "Non vuoi perderti le novità? [Segui]({})",
    "[Subscribe now]({}) to our channel",
    "You are receiving this because you subscribed at our shop. [Privacy policy]({})",
    "[Manage your booking]({})",
    "[View your order]({})",
    "Cancel your order any time: [my orders]({})",
    "Remove stains with our new cleaner. [Shop now]({})",
    "[Stop the clock: last chance]({})",
    "No more dirty floors! [See the robot]({})",
    "[Kündigen Sie Ihr altes Konto und wechseln Sie]({})",
    "[Update your payment method]({})",
    "Reply to this mail with any question.",
    "Opt for the best. [Choose a plan]({})",
    "[Cancel anytime: try the premium subscription]({})",
    "Please do not reply. [Contact us]({})",
    "Ablehnen oder annehmen? [Zum Angebot]({})",
    "Don't miss out! [Get the deal]({})",
    "We miss you. [Come back]({})",
    "Stop paying for shipping. [Join the club]({})",
    "Nunca mais pague frete. [Compre]({})",
    "No te pierdas la oferta. [Ver]({})",
)


@pytest.mark.parametrize(
    ("language", "text"), [(language, text) for language, found in SENTENCES.items() for text in found]
)
def test_sentences_of_many_languages_are_read(language: str, text: str) -> None:
    around = "Our spring collection is here.\n[Shop now](https://shop.corp.example/spring)\n"
    found = find((view(f"{around}{text.replace('{}', LIVE)}\n[Privacy](https://corp.example/p)"),))
    assert (found.state, found.href, found.how) == (State.LIVE, LIVE, "link"), language


@pytest.mark.parametrize("text", NO_SENTENCES)
def test_sentences_of_other_matters_are_none(text: str) -> None:
    assert find((view("Our spring collection is here.\n" + text.format(LIVE)),)).state is State.NONE


@pytest.mark.parametrize(
    "text",
    [
        "[Manage your subscription preferences]({})",
        "[Email settings]({})",
        "[Gérer mes préférences]({})",
        "[Newsletter verwalten]({})",
    ],
)
def test_a_page_of_preferences_alone_is_told(text: str) -> None:
    found = find((view(text.format(LIVE)),))
    assert (found.state, found.is_choice) == (State.LIVE, True)
    better = find((view(f"{text.format(LIVE)}\n[Unsubscribe]({LIVE}?u)"),))
    assert (better.is_choice, better.href) == (False, f"{LIVE}?u")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("To be removed from our list, log in to your account and untick the box.", "login"),
        ("To be removed call toll-free 1-800-555-0100 any time.", "telephone"),
        ("For removal send a letter to 4100 Harbor Avenue, Springfield, NY 10003.", "letter"),
        ("Um sich abzumelden, schreiben Sie uns: Abmeldung nur schriftlich an Hafenstraße 12, 50968 Köln.", "letter"),
    ],
)
def test_a_way_out_that_asks_too_much_is_told(text: str, why: str) -> None:
    found = find((View(text),))
    assert found.state is State.BURDENED
    assert why in found.why


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("[Unsubscribe](https://corp.example/login?next=u)", "login"),
        ("Please log in to [unsubscribe](https://corp.example/u)", "login"),
        ("[Unsubscribe](https://corp.example/u) for a fee of $5", "fee"),
    ],
)
def test_a_link_that_asks_too_much_lives_and_is_told(text: str, why: str) -> None:
    found = find((view(text),))
    assert found.state is State.LIVE
    assert why in found.why


def test_one_that_can_be_seen_is_preferred() -> None:
    text = f"[Unsubscribe]({LIVE}?first) and\n\n[unsubscribe]({LIVE}?last)"
    assert find((view(text),)).href == f"{LIVE}?last"
    assert find((view(text),), lambda found: "first" in found.href).href == f"{LIVE}?first"
    assert find((view(text),), lambda found: False).state is State.LIVE


def test_words_alone_are_named() -> None:
    assert "Unsubscribe" in mentioned("Hello.\nUnsubscribe here")
    assert mentioned("Hello.") == ""


@pytest.mark.parametrize(
    "text",
    [
        "[Unsubscribe]({})",
        "[UNSUBSCRIBE]({}) | [Privacy](https://corp.example/p)",
        "[Opt out]({})",
        "To stop these, click [here]({}) to unsubscribe.",
        "If you no longer wish to receive our mail, [let us know]({}).",
        "If you no longer wish\nto receive our mail, please [click here]({}).",
        "[Manage preferences]({})",
        "[Abbestellen]({})",
        "Newsletter abmelden: [hier klicken]({})",
        "Wenn Sie keine weiteren E-Mails möchten, klicken Sie [hier]({}).",
        "[Se désabonner]({})",
        "Pour ne plus recevoir nos messages, cliquez [ici]({})",
        "Si no desea recibir más correos, haga clic [aquí]({})",
        "[Darse de baja]({})",
        "Caso não deseje mais receber, clique [aqui]({})",
        "[Descadastre-se]({})",
        "[Annulla l'iscrizione]({})",
        "[Uitschrijven]({})",
        "[Avregistrera]({})",
        "[Afmeld nyhedsbrev]({})",
        "[Meld deg av]({})",
        "[Peruuta tilaus]({})",
        "[Wypisz się]({})",
        "[Отписаться от рассылки]({})",
        "[Odhlásit odběr]({})",
        "[Leiratkozás]({})",
        "[Dezabonare]({})",
        "[Abonelikten çık]({})",
        "[配信停止はこちら]({})",
        "[退订]({})",
        "[取消訂閱]({})",
        "[수신거부]({})",
        "[إلغاء الاشتراك]({})",
    ],
)
def test_a_phrase_with_a_live_link_is_live(text: str) -> None:
    found = find((view("Our new things are here.\n" + text.format(LIVE)),))
    assert (found.state, found.href, found.where) == (State.LIVE, LIVE, 0)


@pytest.mark.parametrize(
    "text",
    [
        f"Unsubscribe: {LIVE}",
        f"{LIVE}\nto unsubscribe",
        "To unsubscribe, write to leave@news.corp.example",
        "To be removed, reply to this message with the word REMOVE",
        "Reply with STOP to opt out",
        'Reply "unsubscribe" and we shall stop',
        "Put REMOVE in the subject line",
        'Para deixar de receber comunicados me resposta "PARAR"',
    ],
)
def test_words_with_an_address_or_an_instruction_are_live(text: str) -> None:
    assert find((View(text),)).state is State.LIVE


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Read our news.",
        "Unsubscribe",
        "Unsubscribe\n[Privacy](https://corp.example/privacy)",
        "Privacy | [Terms](https://corp.example/terms) | Unsubscribe",
        "This message was sent to kim@corp.example. Unsubscribe",
        "Please do not reply to this message. To unsubscribe, use your account.",
        "Subject to availability, see our terms and how to unsubscribe",
        "[Shop now](https://corp.example/unsubscribe)",  # a target alone tells a reader nothing
        "[.](https://corp.example/optout)",
    ],
)
def test_words_without_a_mechanism_and_links_without_words_are_none(text: str) -> None:
    assert find((view(text),)).state is State.NONE


@pytest.mark.parametrize(
    "href",
    [
        "",
        " ",
        "#",
        "#top",
        "javascript:void(0)",
        "tel:+15550100",
        "unsubscribe.html",
        "/u?id=1",
        "unsubscribe-link",
        "http://",
        "https://localhost/u",
        "https://mail.localhost/u",
        "http://127.0.0.1/u",
        "http://10.1.2.3:8080/u",
        "http://[::1]/u",
        "https://intranet/u",
        "https://lists.internal/u",
        "https:/https://corp.example/u",
        "mailto:",
        "mailto:leave",
        "{{unsubscribe_url}}",
        "{{{unsubscribe}}}",
        "https://corp.example/u?e={{ email }}",
        "https://corp.example/u?e=%7B%7Bemail%7D%7D",
        "{unsubscribe_url}",
        "*|UNSUB|*",
        "%%unsub_center_url%%",
        "%unsubscribe%",
        "[Unsubscribe]",
        "[UNSUB_URL]",
        "<%asm_group_unsubscribe_url%>",
        "${unsubscribe}",
        "%{link}",
        "http://[unsubscribe]",
        "http://[::1",
    ],
)
def test_a_link_that_cannot_work_is_dead(href: str) -> None:
    assert dead(href)
    found = find((View("Unsubscribe", (Link("Unsubscribe", href, 0),)),))
    assert (found.state, found.href) == (State.DEAD, href)
    assert found.why


@pytest.mark.parametrize(
    "href",
    [
        LIVE,
        "http://t.corp.example/?a[]=1&data[user][email]=x",
        "https://corp.example/u?q=%20foo%20&d=%7B%22a%22%3A%7B%22b%22%3A1%7D%7D",
        "https://corp.example/{9F1C0A44-2B0E-4C0A-9F00-000000000001}/u",
        "https://corp.example/u?e=a%2Bb%40corp.example&x=%C3%A9%aa",
        "https://93.184.216.34/u",
        "mailto:leave@corp.example?subject=unsubscribe",
        "www.corp.example/u",
        "HTTPS://CORP.EXAMPLE/U",
    ],
)
def test_a_link_that_can_work_is_not_dead(href: str) -> None:
    assert dead(href) == ""


def test_the_nearest_link_is_the_mechanism() -> None:
    shop = "https://www.corp.example/chairs"
    text = f"Chairs are 20 % off: {shop}\nExample Inc.\nTo unsubscribe, open {LIVE}"
    links = tuple(Link(target, target, text.index(target)) for target in (shop, LIVE))
    assert find((View(text, links),)).href == LIVE


def test_one_live_among_dead_ones_counts() -> None:
    found = find((view(f"[Unsubscribe](unsubscribe-link) or later\n\n[Unsubscribe]({LIVE})"),))
    assert (found.state, found.href) == (State.LIVE, LIVE)


def test_a_dead_link_is_not_saved_by_its_neighbour() -> None:
    found = find((view("[Unsubscribe](#) [Click here](https://shop.corp.example/) for more."),))
    assert (found.state, found.why) == (State.DEAD, "empty link")


def test_a_placeholder_left_in_plain_text_is_dead() -> None:
    assert find((View("Para cancelar inscrição use o link %{link}"),)).state is State.DEAD


def test_any_view_suffices() -> None:
    plain, html = View("Just text"), view(f"[Unsubscribe]({LIVE})")
    assert find((html, plain)).where == 0
    assert find((plain, html)).where == 1


@pytest.mark.parametrize("word", ["Unsubsсribe", "Ｕｎｓｕｂｓｃｒｉｂｅ", "𝗨𝗻𝘀𝘂𝗯𝘀𝗰𝗿𝗶𝗯𝗲"])
def test_look_alike_letters_are_read_like_what_they_show(word: str) -> None:
    assert find((view(f"[{word}]({LIVE})"),)).state is State.LIVE


def test_an_opt_out_far_above_the_end_is_found() -> None:
    found = find((view(f"[Unsubscribe]({LIVE})\n" + "More news. " * 2_000),))
    assert found.state is State.LIVE


def test_the_excerpt_is_short() -> None:
    found = find((view("word " * 200 + f"[Unsubscribe]({LIVE})" + " word" * 200),))
    assert "Unsubscribe" in found.phrase
    assert len(found.phrase) <= MAX_EXCERPT


LINKS = st.builds(Link, st.text(max_size=12), st.text(max_size=40), st.integers(0, 300))


@given(st.text(max_size=300), st.lists(LINKS, max_size=5))
def test_no_view_raises(text: str, links: list[Link]) -> None:
    ordered = tuple(sorted(links, key=lambda link: link.offset))
    assert find((View(text + " unsubscribe " + text, ordered),)).where in (-1, 0)


@given(st.text(max_size=80))
def test_no_target_raises(href: str) -> None:
    dead(href)
    dead(f"https://{href}")
    dead(f"mailto:{href}")


@pytest.mark.parametrize(
    "piece",
    ["unsubscribe ", "a@", "reply ", "a.b@c.d.", "{{", "%a", "no longer wish to receive ", "İ", "http://x ", "．"],
)
def test_time_is_linear_in_hostile_text(piece: str) -> None:
    text = piece * (300_000 // len(piece))
    links = tuple(Link("x", "#", place) for place in range(0, 300_000, 10))
    before = time.process_time()
    find((View(text, links),))
    dead(piece * 30_000)
    assert time.process_time() - before < 3.0


@given(st.lists(st.sampled_from([*phrases.NAMES[::7], *phrases.REFUSALS[::5], "no", "x", " ", "ü", "退"]), max_size=9))
def test_each_phrase_that_stands_in_a_text_is_found_and_no_other(words: list[str]) -> None:
    """Phrases are looked for by how they begin; the answer is that of a search for each."""
    text = " ".join(words)
    is_ascii = text.isascii()
    for listed in (phrases.NAMES, phrases.REFUSALS, phrases.PREFERENCES):
        found = {text[start:end] for start, end in places(text, rows(listed))}
        assert found == {phrase for phrase in listed if phrase in text and (phrase[:4].isascii() or not is_ascii)}


# -- which link goes with the words ------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "text",
    [
        (
            "Garden chairs: [https://shop.corp.example/c](https://shop.corp.example/c)\nTo unsubscribe, open "
            "[http://localhost/u/1](http://localhost/u/1)"
        ),
        (
            "See the chairs here: [https://shop.corp.example/c](https://shop.corp.example/c) To unsubscribe, open "
            "[http://localhost/u/1](http://localhost/u/1)"
        ),
        (
            "Unsubscribe: [http://localhost/u/1](http://localhost/u/1)\nShop: "
            "[https://shop.corp.example/c](https://shop.corp.example/c)"
        ),
        "[Click here for the chairs](https://shop.corp.example/c)\nTo unsubscribe, [click here](#)",
        "To unsubscribe, open [this page](#) or [visit our shop](https://shop.corp.example/c)",
        "If you no longer wish to receive our mail, [click here]() or visit [our shop](https://shop.corp.example/c).",
        "Chairs: [https://shop.corp.example/c](https://shop.corp.example/c)\nUnsubscribe: *|UNSUB|*",
        "Chairs: [https://shop.corp.example/c](https://shop.corp.example/c)\nUnsubscribe: {{unsubscribe}}",
        "Unsubscribe: <%= unsubscribe_url %> or shop at [https://corp.example/c](https://corp.example/c)",
    ],
)
def test_an_offer_beside_a_dead_opt_out_lends_it_no_life(text: str) -> None:
    assert find((view(text),)).state is State.DEAD


@pytest.mark.parametrize(
    "text",
    [
        "[Click here to shop](https://shop.corp.example/c)\nUnsubscribe",
        "Shop: [https://shop.corp.example/c](https://shop.corp.example/c)\nUnsubscribe",
        "Shop: www.corp.example\nTo unsubscribe, see our catalogue",
    ],
)
def test_an_offer_in_the_line_before_is_no_opt_out(text: str) -> None:
    assert find((view(text),)).state is State.NONE


@pytest.mark.parametrize(
    "text",
    [
        f"[Visit us]() To unsubscribe, click [here]({LIVE})",
        f"[This page](#) Unsubscribe [here]({LIVE})",
        f"[Top of this page](#)\nTo unsubscribe, click [here]({LIVE})",
        f"To unsubscribe [follow this link]({LIVE}) or [visit us]()",
        f"[CLICK HERE]({LIVE})\nTO UNSUBSCRIBE",
        f"[Click here]({LIVE})\nto unsubscribe",
        f"To unsubscribe, please use the link below.\n[{LIVE}]({LIVE})",
        f"To stop these e-mails please go to the page below.\n\n[{LIVE}]({LIVE})",
        "To unsubscribe [log in](), or [send us a mail](mailto:leave@corp.example)",
        "Sent to kim@client.example\nTo unsubscribe send a blank email to leave@corp.example",
    ],
)
def test_the_link_that_goes_with_the_words_is_found_among_others(text: str) -> None:
    found = find((view(text),))
    assert (found.state, found.href) in ((State.LIVE, LIVE), (State.LIVE, "mailto:leave@corp.example"))


@pytest.mark.parametrize("fill", range(0, 120, 7))
def test_an_excerpt_never_ends_within_a_word(fill: int) -> None:
    text = f"Unsubscribe [here]({LIVE}) {'x ' * (fill // 2)}sent to kim.doe.of.long.name@client.example today"
    last = find((view(text),)).phrase.split()[-1]
    assert last in view(text).text.split()
