"""Opt-out notices: a phrase and a mechanism that can work belong together, and what cannot work is named."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealgate.checks.optout import MAX_EXCERPT, State, dead, find
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
