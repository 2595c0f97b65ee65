"""Opt-out notices in what a reader sees (15 USC 7704(a)(3)(A) and (a)(5)(A)(ii)).

`find` looks for words such as "unsubscribe" in some thirty languages (`checks.optout_phrases`) and for the mechanism
that belongs to them: a link, a mail address to write to, or an instruction to reply. Nothing is ever fetched: LIVE says
that the mechanism can work, not that it does. The end of a text is looked at first, where such notices stand, then the
rest up to a cap; time is linear in the text. Words in a language that is not listed are missed, and a picture of them
is no notice.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Final

from sealgate.checks import optout_phrases as phrases
from sealgate.checks.hosts import PLACEHOLDER, dead
from sealgate.checks.optout_links import (
    ADDRESS,
    NEAR,
    STOP,
    TOKEN,
    WRITE,
    belongs,
    in_order,
    is_apart,
    links_near,
    tag_before,
)
from sealgate.checks.optout_reading import (
    MAX_EXCERPT,
    MOST,
    OptOut,
    Reading,
    State,
    lowered,
    places,
    readings,
    rows,
    spans,
)
from sealgate.mail.visible import Link, View

__all__ = ["MAX_EXCERPT", "OptOut", "State", "dead", "find", "mentioned", "names"]


Plain = Callable[[OptOut], bool]  # whether a reader can see it well


def _any(_: OptOut) -> bool:
    return True


def find(views: tuple[View, ...], is_plain: Plain = _any) -> OptOut:
    """Return the best opt-out in `views`.

    That is a LIVE one that `is_plain` holds for, else a LIVE one, a page of preferences, a DEAD one, a BURDENED one,
    words without a mechanism, NONE.
    """
    best = OptOut(State.NONE)
    for is_choice in (False, True):
        for reading in spans(views):
            for found in _choices(reading) if is_choice else _in_span(reading):
                if found.state is State.LIVE and not found.why and is_plain(found):
                    return found
                if _RANK[found.state] > _RANK[best.state] or (not best.phrase and found.phrase):
                    best = found
        if best.state is State.LIVE:
            break
    return best


_RANK: Final = {State.NONE: 0, State.BURDENED: 1, State.DEAD: 2, State.LIVE: 3}


def mentioned(text: str) -> str:
    """The first words of opting out in a text that no link belongs to, or an empty string."""
    for lower in readings(lowered(text[-MOST:])):
        for start, end in places(lower, _NAMES):
            return " ".join(text[-MOST:][max(0, start - 60) : end + 60].split())[:MAX_EXCERPT]
    return ""


def names(text: str) -> bool:
    """Whether words of opting out, or of a page of preferences, stand in a short text."""
    lower = lowered(text)
    return any(True for words in (_NAMES, _PREFERENCES, _CLAUSES) for _ in places(lower, words))


_NAMES, _CLAUSES, _REFUSALS, _PREFERENCES = map(
    rows, (phrases.NAMES, phrases.CLAUSES, phrases.REFUSALS, phrases.PREFERENCES)
)


def _in_span(reading: Reading) -> Iterator[OptOut]:
    for words, is_clause in ((_NAMES, False), (_CLAUSES, True)):
        for start, end in places(reading.lower, words):
            yield _judge(reading, reading.low + start, reading.low + end, is_clause=is_clause)
    for start, end in places(reading.lower, _REFUSALS):
        stop = _clause_end(reading, end)
        sentence = reading.lower[max(0, start - 60) : stop]
        more = phrases.MORE.get(sentence[min(60, start) :][:4], ())
        if more and not any(word in sentence for word in more):
            continue
        if phrases.MAIL.search(sentence) and not phrases.MISSING.search(sentence):
            yield _judge(reading, reading.low + start, reading.low + stop, is_clause=True)
    yield from _replies(reading)
    if reading.low + len(reading.lower) == len(reading.view.text):
        yield from _burdens(reading)


def _choices(reading: Reading) -> Iterator[OptOut]:
    for start, end in places(reading.lower, _PREFERENCES):
        found = _judge(reading, reading.low + start, reading.low + end, is_clause=False)
        yield replace(found, is_choice=found.state is State.LIVE)


def _clause_end(reading: Reading, end: int) -> int:
    """Where the clause that goes on at `end` stops, at most 90 characters on: with its sentence, or the line.

    A line of wrapped plain text that does not yet say what is refused goes on in the next one.
    """
    lower, most = reading.lower, min(len(reading.lower), end + 90)
    stop = STOP.search(lower, end, most)
    most = stop.start() if stop else most
    what = phrases.MAIL.search(lower, end, most)
    said = what.end() if what else most
    line = reading.view.text.find("\n", reading.low + said, reading.low + most)
    return most if line < 0 else line - reading.low


# -- the mechanism -----------------------------------------------------------------------------------------------------
_LOGIN = re.compile(r"/(?:log-?in|sign-?in|account/login|auth)\b", re.IGNORECASE)


def _judge(reading: Reading, start: int, end: int, *, is_clause: bool) -> OptOut:
    """What the phrase at `start` comes to: its own link decides, else the first one that goes with it, else words.

    Where that one cannot work, or a template tag stands in its place, another link beside it lends it no life unless
    that says by itself that it is one: an offer next to a dead opt-out is no way out.
    """
    text = reading.view.text
    links = links_near(reading.view, start, end)
    own = [link for link in links if link.offset < end and start < link.offset + len(link.text)]
    beside = own or [link for link in links if belongs(text, link, start, end, is_clause=is_clause)]
    beside = in_order(text, beside, start, end)
    bad = words = reading.words(start, end)
    tag = None if own else tag_before(text, end, beside)
    if tag:
        bad = _tagged(bad, tag)
    for link in beside:
        if bad.state is State.DEAD and not _says_so(link):
            continue
        low, high = min(start, link.offset), max(end, link.offset + len(link.text))
        why = dead(link.href)
        if not why:
            why = _asks_too_much(reading, start, end, link.href)
            first, last = (link.offset, link.offset + len(link.text)) if own else (start, end)
            return OptOut(State.LIVE, words.phrase, link.href, words.where, why, words.begin, first, last, "link")
        if bad.state is State.NONE:
            bad = replace(bad, state=State.DEAD, href=link.href, why=why, start=low, end=high, how="link")
    if own or bad.state is State.DEAD:
        return bad
    return _in_words(reading, start, end, bad)


def _says_so(link: Link) -> bool:
    """Whether a link is an opt-out whatever stands beside it."""
    return bool(TOKEN.search(link.href)) or link.href[:7].lower() == "mailto:" or names(link.text)


def _tagged(words: OptOut, tag: str) -> OptOut:
    return replace(words, state=State.DEAD, href=tag, why="unfilled placeholder", how="address")


def _in_words(reading: Reading, start: int, end: int, none: OptOut) -> OptOut:
    """A mail address or URL written out beside the phrase, or a template tag left where one should be."""
    text = reading.view.text
    low, high = max(0, start - NEAR), min(len(text), end + NEAR)
    for found in ADDRESS.finditer(text, low, high):
        follows = found.start() >= end
        between = text[end : found.start()] if follows else text[found.end() : start]
        if STOP.search(between) or (not follows and is_apart(between, found[0])):
            continue
        is_mail = "@" in found[0] and "/" not in found[0]
        if not is_mail or WRITE.search(text, low, high):
            href = f"mailto:{found[0]}" if is_mail else found[0]
            why = dead(href)
            return replace(none, state=State.DEAD if why else State.LIVE, href=href, why=why, how="address")
    tag = PLACEHOLDER.search(text[start : min(len(text), end + 60)])
    return _tagged(none, tag[0]) if tag else none


# -- replies and burdens -----------------------------------------------------------------------------------------------
_REPLY: Final = (
    "reply|respond|return e-mail|return email|subject line|the subject|subject of|subject: |with subject|"
    "blank e-mail|"
    "blank email|respost|respuesta|antwort|répond|rispond|beantwoord|svar|odpowiedz|ответ|返信|asunto|assunto|betreff"
)
_REPLIES: Final = rows(tuple(_REPLY.split("|")))
_REPLY_WITH = re.compile(
    r"[\"'“”«„‘’]\s?(?:remove|stop|unsub\w*|cancel|opt[ -]?out|parar|pare|sair|remover|excluir|baja|stopp?|abmelden|"
    r"désabonner|cancella|afmelden)\b|\b(?:REMOVE|STOP|UNSUBSCRIBE|OPT[ -]?OUT|PARAR|PARE|SAIR|REMOVER|BAJA|ABMELDEN|"
    r"STOPP)\b|\b(?:to|with|of|and|word|as) (?:be )?(?:removed?|unsubscribe|opt out)",
)
_NOT_REPLY = re.compile(r"(?:not|n't|no|cannot|never|não|nicht|pas|niet|non)[ -]?$")


def _replies(reading: Reading) -> Iterator[OptOut]:
    """Instructions to reply: "reply with STOP", "put REMOVE in the subject"; not "do not reply"."""
    text = reading.view.text
    for place, stop in places(reading.lower, _REPLIES):
        start, end = reading.low + place, reading.low + stop
        what = _REPLY_WITH.search(text, max(0, start - 80), end + 100)
        between = (text[end : what.start()] or text[what.end() : start]) if what else "."
        if what and not STOP.search(between) and not _NOT_REPLY.search(reading.lower[max(0, place - 8) : place]):
            yield reading.words(start, end, State.LIVE, how="reply")


def _asks_too_much(reading: Reading, start: int, end: int, href: str) -> str:
    """What a mechanism seems to ask beyond one page or one reply (16 CFR 316.5), empty where nothing."""
    if _LOGIN.search(href):
        return "its link leads to a login"
    begin = max(0, start - reading.low - 80)
    sentence = reading.lower[begin : end - reading.low + 100]
    if any(map(sentence.__contains__, phrases.MANDATE)):
        return "it asks for a login"
    costs = any(map(sentence.__contains__, phrases.COSTS)) and phrases.FEE.search(sentence)
    return "it asks for a fee" if costs else ""


def _burdens(reading: Reading) -> Iterator[OptOut]:
    """Ways out that are no mechanism on the Internet, or need an account: looked for where nothing else is."""
    lower = reading.lower
    for found in phrases.REMOVAL.finditer(lower):
        sentence = lower[max(0, found.start() - 100) : found.end() + 120]
        kinds = (
            ("it asks for a login", any(word in sentence for word in phrases.MANDATE)),
            ("only by telephone", phrases.TELEPHONE.search(sentence) and _PHONE_NUMBER.search(sentence)),
            ("only by letter", phrases.LETTER.search(sentence)),
        )
        why = next((name for name, met in kinds if met), "")
        if why:
            yield reading.words(reading.low + found.start(), reading.low + found.end(), State.BURDENED, why=why)
            return


_PHONE_NUMBER = re.compile(r"\d[\d ().-]{6,}\d")
