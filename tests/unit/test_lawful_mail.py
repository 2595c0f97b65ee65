"""Whole messages of commercial senders through the gate: lawful ones leave, whatever mailer made them; what has no
address or no live opt-out does not; and the audit line holds the evidence, short, stable, and without the recipient.
"""

import base64
import json
import quopri
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sealgate.profile.model import Domain, Handling, Identity, Kind, MailClass, PostalAddress, Profile, SenderPattern
from sealgate.profile.parse import parse_profile
from sealgate.screening import Screener, Screening

HQ = "Example Widgets Inc., 4100 Harbor Avenue, Suite 210, Springfield, NY 10003"
U = "https://news.example.test/u/t0k3n"
SHOP = "https://shop.example.test/chairs"
OFFER = f'<p>Garden chairs, 20 % off until Sunday. <a href="{SHOP}">Shop the chairs</a></p>'
OUT = f'<p><a href="{U}">Unsubscribe</a></p>'
ADDRESS = f"<p>{HQ}</p>"
WHOLE = OFFER + ADDRESS + OUT
HEAD = (
    b"From: News <news@example.test>\r\nTo: kim.doe@client.example\r\nSubject: Spring offers\r\n"
    b"Date: Sat, 21 Nov 2026 09:00:00 +0000\r\nMessage-ID: <a1@example.test>\r\n"
    b"List-Unsubscribe: <https://news.example.test/u/t0k3n>\r\n"
    b"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\nMIME-Version: 1.0\r\n"
)
PROFILE = """
version: 1
mode: enforce
seal: on
listeners: {submission: judge}
domains: {example.test: {sign: no}}
tracking_hosts: [.click.mailer.test]
postal_addresses: {office: %s}
identities:
  news:
    principals: [svc/news@EXAMPLE.TEST]
    kind: service
    class: commercial
    senders: [news@example.test]
    postal_addresses: [office]
"""


def part(text: str, subtype: str, charset: str = "utf-8", encoding: str = "quoted-printable") -> bytes:
    raw = text.encode(charset, "xmlcharrefreplace" if subtype == "html" else "strict")
    body = {"base64": base64.encodebytes, "quoted-printable": quopri.encodestring}.get(encoding, bytes)(raw)
    head = f'Content-Type: text/{subtype}; charset="{charset}"\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n'
    return head.encode() + body.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def html(text: str, charset: str = "utf-8", encoding: str = "quoted-printable") -> bytes:
    return part(text, "html", charset, encoding)


def plain(text: str) -> bytes:
    return part(text, "plain")


def multi(kind: str, *parts: bytes) -> bytes:
    mark = f"--=_{kind}".encode()
    head = f'Content-Type: multipart/{kind}; boundary="=_{kind}"\r\n\r\n'.encode()
    return head + b"".join(b"\r\n" + mark + b"\r\n" + one for one in parts) + b"\r\n" + mark + b"--\r\n"


PICTURE = b"Content-Type: image/png\r\nContent-Transfer-Encoding: base64\r\n\r\niVBORw0KGgo=\r\n"


def screener(address: str) -> Screener:
    return Screener(parse_profile(PROFILE % json.dumps(address, ensure_ascii=False), "p.yaml")[0])


@pytest.fixture(scope="module")
def office() -> Iterator[Screener]:
    with screener(HQ) as one:
        yield one


def stops(said: Screening) -> list[str]:
    assert not said.fault
    return [f"{found.code}: {found.detail}" for found in said.findings if found.stops]


def is_evident(said: Screening) -> bool:
    """Whether address and opt-out are told with part, offset and words that stand there."""
    found = [one for one in said.elements if one.name in ("postal-address", "opt-out")]
    return len(found) == 2 and all(one.part and one.offset >= 0 and one.excerpt for one in found)


# -- how footers are written: the registered address, the footer, the charset ------------------------------------------
FOOTERS = {
    "cells": (
        HQ,
        (
            "<table><tr><td>Example Widgets</td></tr><tr><td>4100 Harbor Ave</td><td>Ste "
            "210</td></tr><tr><td>Springfield"
            "</td><td>New York</td><td>10003-1234</td></tr></table><a href='{}'>Unsubscribe</a>"
        ),
        "utf-8",
    ),
    "spans": (
        HQ,
        (
            "<em>Copyright &copy; 2026 Example Widgets</em><br><b>Our mailing address is:</b>"
            "<div>Example Widgets Inc.</div>"
            "<div>4100 Harbor Avenue</div><div>#210</div><span>Springfield</span>, <span>NY</span> "
            "<span>10003</span><br>"
            "You can <a href='https://e.click.mailer.test/profile?u=1'>update your preferences</a> or "
            "<a href='https://e.click.mailer.test/unsubscribe?u=1'>unsubscribe from this list</a>."
        ),
        "us-ascii",
    ),
    "bo": (
        "Example Widgets, PO Box 1234, Springfield, Illinois 62701",
        "Example Widgets | P.O. Box 1234 | Springfield, IL 62701<br>No longer want these? <a href='{}'>Opt out</a>",
        "utf-8",
    ),
    "mailbo": (
        "2520 Venture Oaks Way # 118, Sacramento, California 95833",
        (
            "2520 Venture Oaks Way<br>PMB&nbsp;118<br>Sacramento, CA 95833<br>To leave, <a "
            "href='{}'>click here</a>, and "
            "you will be removed from our list."
        ),
        "utf-8",
    ),
    "invisible": (
        HQ,
        (
            "Example Widgets Inc. | 4100 Harb&shy;or Ave&zwnj;nue<wbr> &bull; Suite 210 &bull; Spring&#8203;field, "
            "<a href='#' style='color:#999999'>NY 10003</a><br>Un&shy;sub&shy;scribe <a href='{}'>here</a>"
        ),
        "utf-8",
    ),
    "by mail": (HQ, HQ + "<br><a href='mailto:leave@example.test?subject=t0k3n'>Unsubscribe by mail</a>", "utf-8"),
    "all": (
        HQ,
        HQ + "<br><a href='https://news.example.test/prefs'>Manage preferences</a> or <a href='{}'>unsubscribe from "
        "all</a>",
        "utf-8",
    ),
    "london": (
        "Example Ltd, 221b Baker Street, London NW16XE, United Kingdom",
        (
            "Example Ltd is registered in England No. 01234567. Registered office: 1st Floor, 221B Baker St, London, "
            "NW1 6XE"
            "<p>You can <a href='{}'>unsubscribe</a> at any time.</p>"
        ),
        "utf-8",
    ),
    "german": (
        "Beispiel GmbH, Königstraße 12a, 70173 Stuttgart, Deutschland",
        (
            "Impressum: Beispiel GmbH · Königstr. 12 a · D-70173 Stuttgart<p>Wenn Sie keine weiteren E-Mails erhalten "
            "möchten, können Sie sich <a href='{}'>hier abmelden</a>.</p>"
        ),
        "iso-8859-1",
    ),
    "french": (
        "Exemple SARL, 55 bis rue d'Amsterdam, 75008 Paris, France",
        "Exemple SARL<br>55 bis, rue d&#39;Amsterdam<br>75008 PARIS<br><a href='{}'>Se désinscrire</a>",
        "iso-8859-15",
    ),
    "canadian": (
        "Example Corp., 1000 rue De La Gauchetière O, Bureau 2400, Montréal QC H3B 4W5",
        (
            "Example Corp.<br>1000, rue De La Gauchetière Ouest<br>Bureau 2400<br>Montréal (Québec) H3B4W5<p>"
            "<a href='{}'>Se désabonner / Unsubscribe</a></p>"
        ),
        "utf-8",
    ),
    "australian": (
        "Example Pty Ltd, Level 5, 126 Phillip Street, Sydney NSW 2000",
        (
            "Example Pty Ltd ABN 12 345 678 901<br>Level 5, 126 Phillip St<br>Sydney New South Wales 2000<br>"
            "<a href='{}'>Unsubscribe</a>"
        ),
        "utf-8",
    ),
    "indian": (
        "Example Pvt Ltd, 42, 2nd Floor, MG Road, Bengaluru 560001, Karnataka",
        (
            "Example Pvt. Ltd., No. 42, 2nd Floor, M.G. Road, Bengaluru – 560 001, Karnataka, "
            "India<p>To stop receiving "
            "these emails, <a href='{}'>click here</a>.</p>"
        ),
        "utf-8",
    ),
    "spanish": (
        "Ejemplo S.L., Calle Gran Vía 28, 28013 Madrid, España",
        (
            "Ejemplo S.L. – C/ Gran Vía, 28, 3º izq. – 28013 Madrid<p>Si no desea recibir más correos, puede "
            "<a href='{}'>darse de baja aquí</a>.</p>"
        ),
        "iso-8859-1",
    ),
    "portuguese": (
        "Exemplo Ltda, Avenida Paulista, 1578, Bela Vista, São Paulo, SP, 01310-200, Brasil",
        (
            "Exemplo Ltda. Av. Paulista, 1578 - 4º andar - Bela Vista, São Paulo - SP, "
            "01310-200<p>Caso não queira mais "
            "receber nossos e-mails, <a href='{}'>clique aqui</a>.</p>"
        ),
        "utf-8",
    ),
    "dutch": (
        "Voorbeeld B.V., Keizersgracht 123, 1015CJ Amsterdam, Nederland",
        "Voorbeeld BV, Keizersgracht 123-II, 1015 CJ Amsterdam<p><a href='{}'>Uitschrijven</a></p>",
        "utf-8",
    ),
    "italian": (
        "Esempio S.r.l., Via Verdi 10, 20121 Milano, Italia",
        (
            "Esempio S.r.l. – Sede legale: Via Verdi, 10 – 20121 Milano (MI)<p>Se non desideri più "
            "ricevere queste email "
            "<a href='{}'>cancellati qui</a></p>"
        ),
        "utf-8",
    ),
    "polish": (
        "Przykład sp. z o.o., ul. Marszałkowska 84/92, 00-514 Warszawa, Polska",
        (
            "Przykład Sp. z o.o., Marszałkowska 84/92 lok. 5, 00-514 Warszawa<p>Jeśli nie chcesz "
            "otrzymywać wiadomości, "
            "<a href='{}'>wypisz się</a>.</p>"
        ),
        "iso-8859-2",
    ),
    "swedish": (
        "Exempel AB, Drottninggatan 71C, 11136 Stockholm, Sverige",
        "Exempel AB, Drottninggatan 71 C, 111 36 Stockholm<p><a href='{}'>Avsluta prenumerationen</a></p>",
        "utf-8",
    ),
    "russian": (
        "ООО Пример, 119021, Москва, ул. Льва Толстого, 16",
        (
            "ООО «Пример», 119021, г. Москва, улица Льва Толстого, д. 16<p>"
            "Чтобы отписаться, <a href='{}'>нажмите здесь</a>"
        ),
        "windows-1251",
    ),
    "hebrew": (
        'דוגמה בע"מ, הרצל 15, תל אביב-יפו, 6688315',
        "<div dir=rtl>דוגמה בע\"מ, רחוב הרצל 15, תל אביב-יפו 6688315<p><a href='{}'>להסרה מרשימת התפוצה</a></p></div>",
        "windows-1255",
    ),
    "arabic": (
        "شركة مثال، شارع الشيخ زايد 12، ص.ب. 7500، دبي",
        (
            "<div dir=rtl>شركة مثال، شارع الشيخ زايد ١٢، ص.ب. ٧٥٠٠، دبي، الإمارات"
            "<p>لإلغاء الاشتراك <a href='{}'>اضغط هنا</a>"
            "</div>"
        ),
        "utf-8",
    ),
    "japanese": (
        "株式会社サンプル 〒150-0002 東京都渋谷区渋谷2-21-1",
        "株式会社サンプル<br>〒150-0002<br>東京都渋谷区渋谷２丁目２１－１<p>配信停止は<a href='{}'>こちら</a></p>",
        "shift_jis",
    ),
    "chinese": (
        "示例有限公司，上海市浦东新区世纪大道100号，200120",
        (
            "示例有限公司 上海市浦东新区世纪大道100号 邮编 200120"
            "<p>如果您不想再收到此类邮件，请点击<a href='{}'>退订</a></p>"
        ),
        "gb18030",
    ),
}
SHELLS = {
    "columns of no size": (
        "<!doctype html><html><head><title>Spring</title><style>body{{margin:0}} @media only screen and "
        "(min-width:480px)"
        "{{.c{{width:100%!important}}}} @media "
        "(prefers-color-scheme:dark){{.d{{color:#fff!important;background:#000}}}}"
        '</style></head><body><div style="display:none;font-size:1px;color:#ffffff;max-height:0;overflow:hidden">Pre'
        '&#847;&zwnj;&nbsp;&#847;</div><table><tr><td style="font-size:0px;padding:20px 0"><div class="c" '
        'style="font-size:0px;display:inline-block"><div style="font-size:16px">{0}</div><div class="d" '
        'style="font-size:12px;color:#666666">{1}</div></div></td></tr></table></body></html>'
    ),
    "one for telephones": (
        "<style>.m{{display:none}} @media (max-width:600px){{.m{{display:block!important}} "
        ".w{{display:none!important}}}}"
        '</style>{0}<div class="w">{1}</div><div class="m" style="max-height:0;overflow:hidden">{1}</div>'
    ),
    "after the end": "<html><body style='background:#111111;color:#eeeeee'>{0}</body></html><div>{1}</div>",
}


@pytest.mark.parametrize("footer", FOOTERS)
def test_a_lawful_newsletter_leaves_with_its_evidence(footer: str) -> None:
    address, text, charset = FOOTERS[footer]
    with screener(address) as one:
        for number, shell in enumerate(SHELLS.values()):
            page = shell.format(OFFER, text.replace("{}", U))
            content = html(page, charset, ("quoted-printable", "base64")[number % 2])
            said = one.screen(HEAD + content, identity="news")
            assert stops(said) == []
            assert is_evident(said)
            place = next(found for found in said.elements if found.name == "postal-address")
            assert (place.state, place.target) == ("registered", "office")


STRUCTURES = {
    "alternatives": multi("alternative", plain(f"Chairs: {SHOP}\n{HQ}\nUnsubscribe: {U}\n"), html(WHOLE)),
    "amp": multi(
        "alternative", plain(f"Chairs\n{HQ}\nUnsubscribe: {U}\n"), part("<html amp4email>", "x-amp-html"),
        html(WHOLE),
    ),
    "pictures and an attachment": multi(
        "mixed",
        multi("alternative", plain(f"Chairs\n{HQ}\nUnsubscribe: {U}"), multi("related", html(WHOLE), PICTURE)),
        b"Content-Type: application/pdf\r\nContent-Disposition: attachment\r\n\r\nJVBERi0=\r\n",
    ),
    "bullets": plain(f"> Chairs 20 % off\n> Tables 10 % off\n\n{HQ}\n\n>> Unsubscribe: {U}\n>> View online: {SHOP}\n"),
    "a quotation": html(f"{OFFER}<blockquote>&ldquo;Best chair!&rdquo; Kim wrote:</blockquote>{ADDRESS}{OUT}"),
    "a reply": plain(f'Chairs.\n{HQ}\nTo be removed from the list, reply to this mail with "REMOVE" as the subject.\n'),
    "first": html(f'<p style="font-size:11px">Not interested? <a href="{U}">Unsubscribe</a></p>{OFFER}{ADDRESS}'),
    "a picture behind": html(f'{OFFER}<table background="b.png"><tr><td style="color:#ffffff">{HQ}{OUT}</table>'),
    "a link of words": html(f"{OFFER}{ADDRESS}<p>If you'd rather not receive mail, <a href='{U}'>let us know</a>."),
    "a picture of the word": html(f'{OFFER}{ADDRESS}<a href="{U}"><img src="x" alt="Unsubscribe"></a>'),
}  # fmt: skip


@pytest.mark.parametrize("name", STRUCTURES)
def test_a_lawful_structure_leaves(office: Screener, name: str) -> None:
    said = office.screen(HEAD + STRUCTURES[name], identity="news")
    assert stops(said) == []
    assert is_evident(said)


# -- what must not leave -----------------------------------------------------------------------------------------------
NO_ADDRESS, NO_OPT_OUT, DEAD, AMBIGUOUS = (
    "canspam.no-postal-address",
    "canspam.no-opt-out",
    "canspam.dead-opt-out",
    "canspam.ambiguous",
)
HIDDEN = (
    "display:none!important", "visibility:hidden", "font-size:0", "font-size:1px", "color:#ffffff", "color:#fefefe",
    "position:absolute;left:-9999px", "text-indent:-9999px", "opacity:0", "height:0;overflow:hidden",
    "max-height:0;overflow:hidden", "color:transparent", "color:rgba(0,0,0,0)", "background:#000000;color:#000",
    "font:0/0 a", "font-size:.1em", "position:fixed;top:-5000px",
)  # fmt: skip


@pytest.mark.parametrize("style", HIDDEN)
def test_what_nobody_can_see_is_not_there(office: Screener, style: str) -> None:
    address = office.screen(HEAD + html(f'{OFFER}<div style="{style}">{HQ}</div>{OUT}'), identity="news")
    assert [one.partition(":")[0] for one in stops(address)] == [NO_ADDRESS]
    opt_out = f'<div style="{style}">To leave, <a style="{style}" href="{U}">unsubscribe here</a></div>'
    assert [
        one.partition(":")[0] for one in stops(office.screen(HEAD + html(OFFER + ADDRESS + opt_out), identity="news"))
    ] == [NO_OPT_OUT]


NOWHERE = {
    "a sheet": f"<style>.f{{display:none}}</style>{OFFER}<div class=f>{HQ}</div>{OUT}",
    "a sheet for screens": f"<style>@media screen{{.f{{display:none}}}}</style>{OFFER}<div class=f>{HQ}</div>{OUT}",
    "print": f"<style>.f{{display:none}}@media print{{.f{{display:inline}}}}</style>{OFFER}<i class=f>{HQ}</i>{OUT}",
    "hidden": f"{OFFER}<div hidden>{HQ}</div>{OUT}",
    "a picture": f'{OFFER}<img src="x.png" alt="{HQ}">{OUT}',
    "a comment": f"{OFFER}<!-- {HQ} --><!--[if mso]> {HQ} <![endif]-->{OUT}",
    "a title": f'<title>{HQ}</title>{OFFER}<p title="{HQ}">.</p>{OUT}',
    "a script": f"{OFFER}<script>a='{HQ}'</script><template>{HQ}</template>{OUT}",
    "a quote": f'{OFFER}{OUT}<div class="gmail_quote">On Mon, 2 Nov 2026 Kim wrote:<blockquote>{HQ}</blockquote></div>',
    "a sample": f"{OFFER}{OUT}<p>123 Main Street, Anytown, ST 12345</p>",
    "a tag": f"{OFFER}{OUT}<p>*|LIST:ADDRESSLINE|*</p>",
    "a recipient's": f"{OFFER}{OUT}<p>Shipping address: 12 Elm Street, Portland, OR 97208</p>",
    "a city": f"{OFFER}{OUT}<p>Example Widgets, New York, NY 10003. Call 1-800-555-0100</p>",
}


@pytest.mark.parametrize("name", NOWHERE)
def test_an_address_that_no_reader_is_shown_does_not_count(office: Screener, name: str) -> None:
    said = office.screen(HEAD + html(NOWHERE[name]), identity="news")
    assert [one.partition(":")[0] for one in stops(said)] == [NO_ADDRESS]


STORY = "A story of a river and a boat and a long walk in the hills where nobody was seen for days. " * 3
FOOT = f"{HQ}\nUnsubscribe: https://elsewhere.example/u/1\n"
OTHER_PARTS = {
    "attached": multi("mixed", html(OFFER), b"Content-Disposition: attachment\r\n" + plain(FOOT)),
    "a story beside": multi("alternative", plain(STORY + FOOT), html(OFFER)),
    "a story beside pictures": multi("alternative", plain(STORY + FOOT), multi("related", html(OFFER), PICTURE)),
    "a message in it": multi("mixed", html(OFFER), b"Content-Type: message/rfc822\r\n\r\nX: y\r\n\r\n" + FOOT.encode()),
    "another type": multi("alternative", html(OFFER), part(FOOT, "calendar")),
    "behind the end": multi("mixed", html(OFFER)) + FOOT.encode(),
    "a quoted mail": plain(f"Chairs.\n\nOn Mon, 2 Nov 2026 at 10:11, Kim <kim@x.example> wrote:\n> Hello\n> {FOOT}"),
}  # fmt: skip


@pytest.mark.parametrize("name", OTHER_PARTS)
def test_a_footer_in_a_part_that_is_not_the_message_does_not_count(office: Screener, name: str) -> None:
    assert {one.partition(":")[0] for one in stops(office.screen(HEAD + OTHER_PARTS[name], identity="news"))} >= {
        NO_ADDRESS
    }


TARGETS = (
    "", "#", "#top", "javascript:void(0)", "http://localhost/u", "http://192.168.1.4/u", "https:///u", "/unsubscribe",
    "about:blank", "tel:+15550100", "mailto:", "mailto:leave", "mailto:u@localhost", "mailto:u@shop.local",
    "mailto:u@[127.0.0.1]", "https://shop.local/u", "http://[::1]/u", "http://a@localhost/u", "None", "undefined",
    "*|UNSUB|*", "%%unsub_center_url%%", "{{unsubscribe}}", "{{{unsubscribe}}}",
    "&lt;%asm_group_unsubscribe_raw_url%&gt;",
    "[unsubscribe]", "{unsubscribe_url}", "%unsubscribe_url%", "{% unsubscribe %}", "{$unsubscribe}",
    "%UNSUBSCRIBELINK%", "&lt;%= unsubscribe_url %&gt;", "${unsubscribeUrl}", "#{unsubscribe_url}", "{!remove_web}",
    "[[remove]]", "{{${set_user_to_unsubscribed_url}}}", "[VR_OPTOUT_LINK]", "%7B%7Bunsubscribe%7D%7D",
    "https://{{domain}}/u", "https://news.example.test/u?e={{email}}", "unsubscribe_url",
)  # fmt: skip


@pytest.mark.parametrize("target", TARGETS)
def test_a_link_that_cannot_work_is_no_opt_out(office: Screener, target: str) -> None:
    said = office.screen(HEAD + html(f'{OFFER}{ADDRESS}<p><a href="{target}">Unsubscribe</a></p>'), identity="news")
    assert [one.partition(":")[0] for one in stops(said)] == [DEAD]


BROKEN = {
    "two types": b"Content-Type: text/html\r\nContent-Type: text/plain\r\n\r\n" + WHOLE.encode(),
    "two boundaries": b"Content-Type: multipart/mixed; boundary=a; boundary=b\r\n\r\n--a\r\n"
    + html(OFFER)
    + b"\r\n--a--\r\n",
    "a boundary in pieces": b'Content-Type: multipart/mixed; boundary*0="a"; boundary*1="b"\r\n\r\n--ab\r\n'
    + html(WHOLE)
    + b"\r\n--ab--\r\n",
    "a part behind the end": b"Content-Type: multipart/mixed; boundary=a\r\n\r\n--a\r\n"
    + html(OFFER)
    + b"\r\n--a--\r\n--a\r\n"
    + html(ADDRESS + OUT)
    + b"\r\n--a--\r\n",
    "one boundary for two": b"Content-Type: multipart/mixed; boundary=a\r\n\r\n--a\r\n"
    b"Content-Type: multipart/alternative;"
    b" boundary=a\r\n\r\n--a\r\n" + html(WHOLE) + b"\r\n--a--\r\n--a--\r\n",
    "an encoding of its own": b"Content-Type: text/html\r\nContent-Transfer-Encoding: x-uu\r\n\r\n" + WHOLE.encode(),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_two_readers_would_read_in_two_ways_does_not_leave(office: Screener, name: str) -> None:
    assert AMBIGUOUS in [one.partition(":")[0] for one in stops(office.screen(HEAD + BROKEN[name], identity="news"))]


def test_a_false_charset_hides_nothing_and_shows_nothing(office: Screener) -> None:
    lie = b"Content-Type: text/html; charset=utf-16\r\n\r\n" + WHOLE.encode()
    assert stops(office.screen(HEAD + lie, identity="news"))


# -- the audit line ----------------------------------------------------------------------------------------------------
TELLING = (
    "sent to kim.doe@client.example", 'sent to "kim.doe"@client.example', f"sent to {'k' * 70}kim.doe@client.example",
    "o'kim.doe@client.example", "kim.doe%40client.example", "https://news.example.test/u/t0k3n",
    "www.news.example.test/u/t0k3n", "news.example.test/u/t0k3n", "mailto:leave@example.test?subject=t0k3n",
    "https://kim.doe:t0k3n@news.example.test/u", "https://news.example.test?t=t0k3n", "(https://a.example.test/(a)t0k3n)",
)  # fmt: skip


@pytest.mark.parametrize("words", TELLING)
def test_the_record_tells_neither_recipient_nor_token(office: Screener, words: str) -> None:
    texts = [f"Chairs.\n{HQ}\nUnsubscribe {'x ' * fill}{words}\n" for fill in range(0, 60, 3)]
    texts.append(
        f"Chairs.\nExample Widgets Inc. {words} 4100 Harbor Avenue, Suite 210, Springfield, NY 10003\nUnsubscribe: {U}"
    )
    texts.append(f"Chairs.\n{words}\n12 Elm Street, {words} Portland, OR 97208\nUnsubscribe: {U}")
    for text in texts:
        record = office.screen(HEAD + plain(text), identity="news").record
        told = json.dumps([record["elements"], record["findings"]])
        assert "kim.doe" not in told
        assert "t0k3n" not in told


@pytest.mark.parametrize(
    "target",
    ["{{unsub}}&t=t0k3n", "https://{{domain}}/t0k3n", "javascript:go(t0k3n)", "/t0k3n", "http://kim.doe@localhost/",
     "mailto:kim.doe", "mailto:a@b.test,kim.doe@client.example?t0k3n", "//kim.doe@news.example.test/", "tel:t0k3n"],
)  # fmt: skip
def test_a_target_is_told_without_what_tells_the_recipient(office: Screener, target: str) -> None:
    offer, leave = (f'<a href="{target}">{words}</a>' for words in ("Offer for kim.doe@client.example", "Unsubscribe"))
    page = f"{offer}{'<p>word</p>' * 60}{ADDRESS}{leave}"
    record = office.screen(HEAD + html(page), identity="news").record
    told = json.dumps([record["elements"], record["findings"]])
    assert "kim.doe" not in told
    assert "t0k3n" not in told


def test_the_record_of_a_message_is_short_and_the_same_each_time(office: Screener) -> None:
    long = "<p>" + "Unsubscribe {{x}} 123 Main Street, Anytown " * 2_000 + "</p>"
    for content in (html(long), html(OFFER + long + ADDRESS + OUT), multi("mixed", *[html(OFFER + long)] * 20)):
        first, second = (office.screen(HEAD + content, identity="news").record for _ in range(2))
        del first["t"], second["t"]
        assert first == second
        assert len(json.dumps(first)) <= 8_192


# -- who is never refused for what is written --------------------------------------------------------------------------
WORDS = st.sampled_from(
    (OFFER, ADDRESS, OUT, '<a href="">Unsubscribe</a>', '<a href="{{u}}">Opt out</a>', "{{ first_name }}", "*|FNAME|*",
     "Hello ,", "SALE 90 % OFF", "Your order #12 has shipped", "<b>Buy now!</b>", "123 Main St, Anytown", "\x00\xff")
)  # fmt: skip
SUBJECTS = st.sampled_from(("Re: sale", "Your order has shipped", "{{subject}}", "SALE", "SEXUALLY-EXPLICIT: x", ""))
KINDS = st.sampled_from(
    ("text/html", "text/plain", "text/html\r\nContent-Type: text/plain", "multipart/mixed; boundary=a; boundary=b",
     "multipart/alternative", "text/html; charset=x", "message/rfc822")
)  # fmt: skip


def _profile(kind: Kind, mail_class: MailClass) -> Profile:
    sender = SenderPattern("news", "example.test")
    one = Identity(
        "news", kind, mail_class, senders=(sender,), postal_addresses=(PostalAddress("hq", HQ),)
        if mail_class is MailClass.COMMERCIAL else (),
    )  # fmt: skip
    return Profile(
        enforce=True,
        listeners={"submission": Handling.JUDGE},
        domains={"example.test": Domain("example.test", sign=False)},
        identities=(one,),
    )


PROTECTED = [
    (Kind.PERSON, MailClass.PERSONAL),
    (Kind.PERSON, MailClass.AUTO),
    (Kind.PERSON, MailClass.TRANSACTIONAL),
    (Kind.FORWARDER, MailClass.PERSONAL),
    (Kind.FORWARDER, MailClass.AUTO),
    (Kind.SERVICE, MailClass.TRANSACTIONAL),
    (Kind.SERVICE, MailClass.AUTO),
    (Kind.SERVICE, MailClass.PERSONAL),
]


@pytest.mark.parametrize(("kind", "mail_class"), PROTECTED)
@settings(max_examples=settings().max_examples // 4)
@given(words=st.lists(WORDS, max_size=5), subject=SUBJECTS, content_type=KINDS)
def test_mail_that_is_not_declared_commercial_is_never_refused_for_its_content(
    kind: Kind, mail_class: MailClass, words: list[str], subject: str, content_type: str
) -> None:
    message = (
        f"From: news@example.test\r\nSubject: {subject}\r\nList-Unsubscribe: nowhere\r\n"
        f"List-Unsubscribe-Post: yes\r\nContent-Type: {content_type}\r\n\r\n{''.join(words)}\r\n"
    )
    with Screener(_profile(kind, mail_class)) as one:
        said = one.screen(message.encode("utf-8", "replace"), identity="news")
    assert not said.fault
    met = [found.code for found in said.findings if found.stops]
    assert [code for code in met if code.startswith(("canspam.", "oneclick.", "list.", "mime."))] == []
