"""Opt-out notices in what a reader sees (15 USC 7704(a)(3)(A) and (a)(5)(A)(ii)).

`find` looks for a phrase such as "unsubscribe" in some twenty languages and for the mechanism that belongs to it: a
link, a mail address to write to, or an instruction to reply. Nothing is ever fetched: LIVE says that the mechanism can
work, not that it does. The end of a text is looked at first, where such notices stand, then the rest up to a cap; time
is linear in the text. A phrase in a language that is not listed is missed, and a picture of one is no notice.
"""

import enum
import re
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final
from unicodedata import normalize
from urllib.parse import urlsplit

from sealgate.mail.visible import Link, View

MAX_EXCERPT: Final = 200  # characters of an excerpt
_TAIL: Final = 3_000
_MOST: Final = 150_000  # characters of a text that are looked at, from its end
_NEAR: Final = 120  # characters between a phrase and what belongs to it
_TRIES: Final = 6  # places of one phrase that are looked at


class State(enum.StrEnum):
    """What was found: a notice that can work, only such as cannot, or none."""

    LIVE = "live"
    DEAD = "dead"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class OptOut:
    """The best opt-out of a message.

    Attributes:
        state: LIVE where one can work.
        phrase: the words with what stands around them, at most 200 characters, blanks folded.
        href: the target of the link or the address to write to, as written; empty for a reply instruction.
        where: index of the view, -1 for none.
        why: for DEAD, what is wrong with the link.
    """

    state: State
    phrase: str = ""
    href: str = ""
    where: int = -1
    why: str = ""


# Words that name the opt-out. Alone they say nothing: the link they stand in, or one beside them, must.
_NAMES: Final = (
    "unsubscri|opt out|opt-out|optout|unsub |remove me|remove yourself|be removed|mail preferences|"
    "communication preferences|subscription preferences|notification preferences|manage preference|"
    "your preferences|update preferences|my preferences|preference center|"
    "alert preferences|subscription options|manage subscription|manage my subscription|manage your subscription|"
    "cancel your subscription|cancel subscription|cancel my subscription|email settings|mailing list options|"
    "do not email|unlist|take me off|removal link|remove link|descadastr|desinscr|remover inscri|cancelar inscri|"
    "cancele sua inscri|cancelar a sua inscri|cancele a sua inscri|cancelar minha inscri|cancelar assinatura|"
    "cancele a assinatura|cancelar a assinatura|cancelar subscri|anular subscri|sair da lista|remover da lista|"
    "remover meu e|remova meu e|darse de baja|darme de baja|date de baja|dese de baja|dar de baja|cancelar suscrip|"
    "cancelar la suscrip|desuscrib|anular suscrip|cancelar mi suscrip|désabonn|désinscri|desabonn|abmelden|abbestell|"
    "austragen|newsletter abmeld|abmeldelink|abzumelden|abmeldung|uitschrijv|uit te schrijven|schrijf je uit|"
    "meld je af|disiscri|cancellati da|cancellarti da|cancellarsi da|cancella l'iscrizione|annulla l'iscrizione|"
    "annulla iscrizione|cancellazione da|avregistrera|avprenumerera|avsluta prenumeration|avanmäl|afmeld|avmeld|"
    "meld deg av|meld av|frameld|peruuta tilaus|peruuta uutiskirje|lopeta tilaus|wypisz|wypisa|zrezygnuj z|"
    "rezygnacja z sub|rezygnacja z news|rezygnacja z otrz|odsubskrybuj|anuluj subskryp|odhlásit|odhlaste|odhlásenie|"
    "odhlásiť|leiratkoz|dezabon|odjavi|abonelikten|listeden çık|üyelikten çık|отписаться|отказаться от рассыл|"
    "відписатися|отпиши|διαγραφή|κατάργηση εγγραφής|配信停止|配信解除|登録解除|購読解除|退订|退訂|取消订阅|取消訂閱|"
    "수신거부|구독 취소|구독취소|إلغاء الاشتراك|הסר|ยกเลิกการ|hủy đăng ký|huỷ đăng ký|berhenti berlangganan|"
    "सदस्यता समाप्त"
)
# Clauses that say it in a sentence: any link of the sentence is the mechanism.
_CLAUSES: Final = (
    "no longer wish to receive|no longer wish to be|no longer wish to get|no longer want to receive|"
    "no longer want to get|no longer want these|no longer want our|no longer would like to|no longer like to|"
    "not wish to receive|not want to receive|don't want to receive|don't wish to receive|prefer not to receive|"
    "rather not receive|not like to receive|longer receive|stop receiving|stop getting|stop these e|stop these mail|"
    "discontinue receipt|discontinue receiving|cease receiving|to be excluded|off our list|off this list|off the list|"
    "from our list|from this list|from the list of|from our mailing|from this mailing|from the mailing|"
    "from our e-mail|from our email|no further email|no more email|to quit,|out of the loop|change your mailing|"
    "mais receber|deixar de receber|não quer receber|não deseja receber|dejar de recibir|no desea recibir|"
    "no deseas recibir|no quieres recibir|no quiere recibir|no recibir más|recibir más correos|ne plus recevoir|"
    "ne souhaitez plus|keine weiteren e-mail|keine weiteren mail|keine weiteren news|keine weiteren inform|"
    "nicht mehr erhalten|keine e-mails mehr|nicht länger erhalten|keinen newsletter mehr|kein interesse mehr|"
    "niet meer ontvangen|geen e-mail meer|geen mail meer|geen nieuwsbrief meer|niet langer ontvang|non ricevere più|"
    "più ricevere|non desideri più|inte längre vill|inte längre få|vill inte ha|ikke længere|ikke lenger|ikke ønsker|"
    "nie chcesz otrzymywać|nie chcesz już|не получать|не хотите получать|en halua enää|už nechcete|nem szeretne"
)
_PHRASES: Final = tuple((p, words is _CLAUSES) for words in (_NAMES, _CLAUSES) for p in words.split("|"))
_TOKEN = re.compile(
    r"unsub|opt[_-]?out|preferences|/remov|[=_-]remove|removal|descadastr|desinscr|abmeld|desabon", re.I
)
_POINTER = re.compile(
    r"here|click|link|this|below|page|visit|go to|tap|follow|https?:|www\.|@|remove|"
    r"aqui|clique|aquí|clic|ici|hier|klik|qui|tutaj|här|her|тут|здесь|こちら|这里|點此|点击|여기",
    re.IGNORECASE,
)
_STOP = re.compile(r"[.!?…](?=\s)|[|•·]|。")
_ADDRESS = re.compile(r"(?:https?://|www\.)[^\s<>\"]{4,}|[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}", re.I)
_WRITE = re.compile(
    r"\b(?:e-?mail|mail|write|send|reply|contact|schreib|schick|sende|escr|envi|écri|scriv|stuur)", re.I
)
_REPLY: Final = (
    "reply|respond|return e-mail|return email|subject line|the subject|subject of|subject: |with subject|blank e-mail|"
    "blank email|respost|respuesta|antwort|répond|rispond|beantwoord|svar|odpowiedz|ответ|返信|asunto|assunto|betreff"
)
_REPLY_WITH = re.compile(
    r"[\"'“”«„‘’]\s?(?:remove|stop|unsub\w*|cancel|opt[ -]?out|parar|pare|sair|remover|excluir|baja|stopp?|abmelden|"
    r"désabonner|cancella|afmelden)\b|\b(?:REMOVE|STOP|UNSUBSCRIBE|OPT[ -]?OUT|PARAR|PARE|SAIR|REMOVER|BAJA|ABMELDEN|"
    r"STOPP)\b|\b(?:to|with|of|and|word|as) (?:be )?(?:removed?|unsubscribe|opt out)",
)
_NOT_REPLY = re.compile(r"(?:not|n't|no|cannot|never|não|nicht|pas|niet|non)[ -]?$")
# What mail-merge programs leave behind when a template was not filled in.
_PLACEHOLDER = re.compile(
    r"\{\{\{?\s?[A-Za-z_#$.]|\{% ?(?![0-9A-F]{2})[a-z]|\*\||\|\*|%%|[$%#@!]\{|<%|%>|<tr:|\[\[|<<|"
    r"\{(?![0-9A-Fa-f-]{8,38}\})[A-Za-z_$][\w .|-]{0,60}\}|"
    r"(?<![\w\]])\[(?:unsub|opt|link|url|remove)[\w -]{0,40}\]|(?<![\w\]])(?-i:\[[A-Z]{3}[A-Z_ ]{0,40}\])|"
    r"(?<![%\w])%(?![0-9A-F]{2})[A-Z_][\w.-]{2,60}%|"
    r"^(?:https?://)?(?:[<{%*]|\[(?![0-9A-F:]{2,40}\]))|unsubscribe[_-](?:link|url)$",
    re.IGNORECASE,
)
_ENCODED = re.compile(r"%7[bcd]", re.IGNORECASE)  # braces and the bar
_PRIVATE = re.compile(r"(?:^|\.)(?:localhost|local|localdomain|internal|intranet|lan|invalid|home\.arpa)$")


def dead(href: str) -> str:
    """Say why a link cannot work for a reader elsewhere, or return an empty string. Nothing is fetched."""
    target = href.strip()
    if not target or target.startswith("#"):
        return "empty link"
    target = _ENCODED.sub(lambda found: chr(int(found[0][1:], 16)), target)
    tag = _PLACEHOLDER.search(target)
    if tag:
        return f"unfilled placeholder {target[tag.start() : tag.start() + 24]}"
    scheme, colon, rest = target.partition(":")
    match scheme.lower() if colon else "":
        case "mailto":
            name, at, host = rest.partition("?")[0].rpartition("@")
            return "" if name and at and "." in host else "mailto without an address"
        case "http" | "https":
            return _dead_host(target)
        case _ if target[:4].lower() == "www." or target.startswith("//"):
            return _dead_host(f"http://{target.lstrip('/')}")
        case _:
            return "no http, https or mailto link"


def _dead_host(url: str) -> str:
    try:
        host = (urlsplit(url).hostname or "").rstrip(".")
    except ValueError:
        return "link without a host"
    if not host:
        return "link without a host"
    if host.replace(".", "").isdecimal() or ":" in host:
        try:
            return "" if ip_address(host).is_global else "private host"
        except ValueError:
            return "link without a host"
    return "private host" if "." not in host or _PRIVATE.search(host) else ""


def find(views: tuple[View, ...]) -> OptOut:
    """Return the best opt-out in `views`: the first that can work, else the first that cannot, else NONE."""
    best = OptOut(State.NONE)
    for is_end in (True, False):
        for where in range(len(views) - 1, -1, -1):  # the last alternative is the one mostly shown (RFC 2046 5.1.4)
            size = len(views[where].text)
            tail = max(0, size - _TAIL)
            low, high = (tail, size) if is_end else (max(0, size - _MOST), tail and tail + _NEAR)
            if low >= high:
                continue
            for found in _in_span(_Reading(views[where], where, low, _lower(views[where].text[low:high]))):
                if found.state is State.LIVE:
                    return found
                if best.state is State.NONE and (found.state is State.DEAD or not best.phrase):
                    best = found
    return best


@dataclass(frozen=True, slots=True)
class _Reading:
    """A piece of a view's text in lower case with the same offsets, `low` being where it begins."""

    view: View
    where: int
    low: int
    lower: str

    def excerpt(self, start: int, end: int) -> str:
        """The words with what stands around them."""
        return " ".join(self.view.text[max(0, start - 60) : end + 100].split())[:MAX_EXCERPT]


def _in_span(reading: _Reading) -> Iterator[OptOut]:
    for lower in _readings(reading.lower):
        for phrase, is_clause in _PHRASES:
            place = len(lower)
            for _ in range(_TRIES):
                place = lower.rfind(phrase, 0, place)
                if place < 0:
                    break
                start = reading.low + place
                yield _judge(reading, start, start + len(phrase), is_clause=is_clause)
        yield from _replies(reading, lower)


def _judge(reading: _Reading, start: int, end: int, *, is_clause: bool) -> OptOut:
    """What the phrase at `start` comes to: its own link decides, else one beside it, else words."""
    where, excerpt, text = reading.where, reading.excerpt(start, end), reading.view.text
    links = _links_near(reading.view, start, end)
    own = [link for link in links if link.offset < end and start < link.offset + len(link.text)]
    beside = own or [link for link in links if _belongs(text, link, start, end, is_clause=is_clause)]
    bad = OptOut(State.NONE, excerpt, where=where)
    for link in beside:
        why = dead(link.href)
        if not why:
            return OptOut(State.LIVE, excerpt, link.href, where)
        if bad.state is State.NONE:
            bad = OptOut(State.DEAD, excerpt, link.href, where, why)
    if own or bad.state is State.DEAD:
        return bad
    return _in_words(text, start, end, bad)


def _in_words(text: str, start: int, end: int, none: OptOut) -> OptOut:
    """A mail address or URL written out beside the phrase, or a template tag left where one should be."""
    low, high = max(0, start - _NEAR), min(len(text), end + _NEAR)
    for found in _ADDRESS.finditer(text, low, high):
        between = text[end : found.start()] if found.start() >= end else text[found.end() : start]
        if _STOP.search(between):
            continue
        is_mail = "@" in found[0] and "/" not in found[0]
        if not is_mail or _WRITE.search(text, low, high):
            href = f"mailto:{found[0]}" if is_mail else found[0]
            why = dead(href)
            return OptOut(State.DEAD if why else State.LIVE, none.phrase, href, none.where, why)
    tag = _PLACEHOLDER.search(text[start : min(len(text), end + 60)])
    if tag:
        return OptOut(State.DEAD, none.phrase, tag[0], none.where, "unfilled placeholder")
    return none


def _links_near(view: View, start: int, end: int) -> list[Link]:
    first = bisect_left(view.links, start - 300, key=lambda link: link.offset)
    low, high = start - _NEAR, end + _NEAR
    return [
        link for link in view.links[first : first + 60] if link.offset <= high and low <= link.offset + len(link.text)
    ]


def _belongs(text: str, link: Link, start: int, end: int, *, is_clause: bool) -> bool:
    """Whether a link beside the phrase is its mechanism: its target says so, or it is in the same sentence."""
    if _TOKEN.search(link.href):
        return True
    close = link.offset + len(link.text)
    between = text[end : link.offset] if link.offset >= end else text[close:start]
    if _STOP.search(between):
        return False
    return bool(_POINTER.search(link.text)) or (is_clause and "\n" not in between)


def _replies(reading: _Reading, lower: str) -> Iterator[OptOut]:
    """Instructions to reply: "reply with STOP", "put REMOVE in the subject"; not "do not reply"."""
    text = reading.view.text
    for word in _REPLY.split("|"):
        place = len(lower)
        for _ in range(_TRIES):
            place = lower.rfind(word, 0, place)
            if place < 0:
                break
            start = reading.low + place
            end = start + len(word)
            what = _REPLY_WITH.search(text, max(0, start - 80), end + 100)
            between = (text[end : what.start()] or text[what.end() : start]) if what else "."
            if what and not _STOP.search(between) and not _NOT_REPLY.search(lower[max(0, place - 8) : place]):
                yield OptOut(State.LIVE, reading.excerpt(start, end), "", reading.where)


_ODD = re.compile("[\u0370-\u04ff\uff01-\uff5e\U0001d400-\U0001d7ff]")
_LOOKS = dict(zip("аеорсухѕіјԁһԛԝмтвкнοαινρτυκ", "aeopcyxsijdhqwmtbkhoaivptuk", strict=True))
_STYLED = {c: normalize("NFKC", chr(c)) for r in (range(0xFF01, 0xFF5F), range(0x1D400, 0x1D800)) for c in r}
_FOLD: Final = {ord(k): v for k, v in _LOOKS.items()} | {c: v.lower() for c, v in _STYLED.items() if len(v) == 1}


def _lower(text: str) -> str:
    """Lower case of the same length, line breaks as blanks and one kind of apostrophe."""
    return text.replace("\u0130", "I").lower().replace("\n", " ").replace("’", "'").replace("_", " ")


def _readings(lower: str) -> Iterator[str]:
    """The text itself and, where letters of other scripts stand in it, the one with their Latin look-alikes."""
    yield lower
    if _ODD.search(lower):
        yield lower.translate(_FOLD)
