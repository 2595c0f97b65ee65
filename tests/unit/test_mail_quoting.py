"""Quotes and forwards: which runs of a text are somebody else's."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealgate.mail.quoting import quotes_of
from sealgate.mail.visible import View, read_html, read_plain


def quoted(view: View) -> list[str]:
    return [view.text[start:end] for start, end in view.quotes]


def plain(text: str) -> list[str]:
    return quoted(read_plain(text.encode(), "utf-8"))


BLOCK = "From: Shop <shop@example.net>\nSent: Monday\nTo: Ann\nSubject: Sale"


@pytest.mark.parametrize(
    ("text", "quotes"),
    [
        ("Yes.\n\nOn Mon, 2 Mar 2026 at 10:00, Bo <bo@example.org> wrote:\n> a\n> b\n\nBye", 1),
        ("Yes.\nOn Mon, 2 Mar 2026 at 10:00, Bo Longname\n<bo@example.org> wrote:\n> a\nBye", 1),
        ("Ja.\nAm 02.03.2026 um 10:00 schrieb Bo <bo@example.org>:\n> a\nBye", 1),
        ("Oui.\nLe lun. 2 mars 2026 à 10:00, Bo a écrit :\n> a\nBye", 1),
        ("Sí.\nEl lun, 2 mar 2026 a las 10:00, Bo (<bo@example.org>) escribió:\n> a\nBye", 1),
        ("Sim.\nEm seg., 2 de mar. de 2026 às 10:00, Bo <bo@example.org> escreveu:\n> a\nBye", 1),
        ("Sì.\nIl giorno lun 2 mar 2026 alle ore 10:00 Bo <bo@example.org> ha scritto:\n> a\nBye", 1),
        ("Ja.\nOp ma 2 mrt 2026 om 10:00 schreef Bo <bo@example.org>:\n> a\nBye", 1),
        ("Tak.\npon., 2 mar 2026 o 10:00 Bo <bo@example.org> napisał(a):\n> a\nBye", 1),
        ("Да.\n2 марта 2026 г. Bo написал:\n> a\nBye", 1),
        ("はい。\n2026年3月2日 Bo のメール:\n> a\nBye", 1),
        ("> a\n> a\nNo.\n> b\nBye", 2),
    ],
)
def test_marked_lines_with_who_wrote_them(text: str, quotes: int) -> None:
    found = plain(text)
    assert len(found) == quotes
    assert all("Bye" not in quote and "No." not in quote for quote in found)
    assert not any(quote.startswith("Yes") for quote in found)
    assert "2026" not in text or "2026" in found[0]


@pytest.mark.parametrize(
    "head",
    [
        "-----Original Message-----",
        "-----Ursprüngliche Nachricht-----",
        "-----Message d'origine-----",
        "----- Mensaje original -----",
        "---------- Forwarded message ---------",
        "---------- Forwarded message ---------\nFrom: A <a@example.net>",
        "Begin forwarded message:",
        "Anfang der weitergeleiteten Nachricht:",
        "----- Forwarded by Bo/Example on 03/02/2026 -----",
        BLOCK,
        f"________________________________\n{BLOCK}",
        "Von: A <a@example.net>\nGesendet: Montag\nAn: B\nBetreff: Neu",
        "De : A\nEnvoyé : lundi\nÀ : B\nObjet : Neuf",
        "De: A\nEnviado el: lunes\nPara: B\nAsunto: Nuevo",
        "De: A\nEnviada em: segunda\nPara: B\nAssunto: Novo",
        "Da: A\nInviato: lunedì\nA: B\nOggetto: Nuovo",
        "Van: A\nVerzonden: maandag\nAan: B\nOnderwerp: Nieuw",
        "Od: A\nWysłano: poniedziałek\nDo: B\nTemat: Nowe",
        "Från: A\nSkickat: måndag\nTill: B\nÄmne: Nytt",
        "От: A\nОтправлено: понедельник\nКому: B\nТема: Новое",
        "差出人: A\n送信日時: 2026\n宛先: B\n件名: C",
        "发件人：A\n发送时间：2026\n收件人：B\n主题：C",
        "*From:* A\n*Date:* Monday\n*Subject:* C",
        "On Mon, 2 Mar 2026 at 10:00, Bo <bo@example.org> wrote:",
    ],
)
def test_all_behind_such_a_head_is_forwarded(head: str) -> None:
    found = plain(f"See below.\n\n{head}\n\nBig sale\nUnsubscribe")
    assert len(found) == 1
    assert found[0].startswith(head.partition("\n")[0])
    assert found[0].endswith("Unsubscribe")


@pytest.mark.parametrize(
    "text",
    [
        "Hello\nFrom: Paris\nTo: Lyon\nDate: Monday\nhave a good trip",
        "As Mark Twain wrote:\nTravel is fatal to prejudice.",
        "-----\nOur offers:\n* one\n- two",
        "Subject: what we do\nnothing more",
        "From: 10 $ on",
        "a > b\nNote:\nx",
        "Offers\n> spades\nand\n>> rakes\nBuy now",
    ],
)
def test_what_only_looks_like_it(text: str) -> None:
    assert plain(text) == []


@pytest.mark.parametrize(
    "html",
    [
        "<blockquote type=cite>theirs</blockquote>",
        "<blockquote cite='mid:x'>theirs</blockquote>",
        "<div class='gmail_quote'>theirs</div>",
        "<div class='x gmail_quote gmail_quote_container'>theirs</div>",
        "<div id=yahoo_quoted_12 class=yahoo_quoted>theirs</div>",
        "<div class=moz-cite-prefix>theirs</div>",
        "<span id=OLK_SRC_BODY_SECTION>theirs</span>",
        "<div class=gmail_quote><blockquote type=cite>theirs</blockquote></div>",
        "<div class=protonmail_quote>theirs</div>",
    ],
)
def test_elements_that_quote(html: str) -> None:
    assert quoted(read_html(f"<p>mine</p>{html}<p>mine</p>".encode(), "utf-8")) == ["theirs"]


@pytest.mark.parametrize("name", ["divRplyFwdMsg", "x_divRplyFwdMsg", "appendonsend"])
def test_all_behind_the_mark_of_outlook_is_forwarded(name: str) -> None:
    html = f"<p>mine</p><div id={name}></div><p>theirs</p><div>theirs</div>"
    assert quoted(read_html(html.encode(), "utf-8")) == ["theirs\ntheirs"]


def test_who_wrote_a_quoted_element_belongs_to_it() -> None:
    html = "mine<br>On 2 Mar 2026, Bo wrote:<br><blockquote type=cite>theirs</blockquote>mine"
    assert quoted(read_html(html.encode(), "utf-8")) == ["On 2 Mar 2026, Bo wrote:\ntheirs"]


def test_a_drawn_quotation_is_the_senders_own() -> None:
    assert read_html(b"<blockquote>The best shop</blockquote><div class=quote>x</div>", "utf-8").quotes == ()


def test_the_header_of_a_forward_in_html() -> None:
    html = "<p>see</p><p><b>From:</b> A<br><b>Sent:</b> Monday<br><b>To:</b> B<br><b>Subject:</b> C</p><p>sale</p>"
    assert quoted(read_html(html.encode(), "utf-8")) == ["From: A\nSent: Monday\nTo: B\nSubject: C\nsale"]


LINES = st.sampled_from(
    [
        "> a",
        "On 1.1.2026, x wrote:",
        "wrote:",
        "-----Original Message-----",
        "From: a",
        "To: b",
        "Subject: c",
        "____",
        "Date: 1",
        "x",
        ":",
        ">",
        "-",
        "a：",
        "Begin forwarded message:",
        "ß: İ",
    ]
)


@given(st.lists(LINES, max_size=12), st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), max_size=3))
def test_runs_are_in_order_and_apart(lines: list[str], known: list[tuple[int, int]]) -> None:
    text = "\n".join(lines)
    inside = sorted((min(a, b), max(a, b)) for a, b in known if max(a, b) <= len(text))
    spans = quotes_of(text, inside)
    assert all(0 <= begin < end <= len(text) for begin, end in spans)
    assert all(before[1] < after[0] for before, after in pairwise(spans))
