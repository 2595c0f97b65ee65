"""Which link, written address or template tag beside words of opting out is the mechanism that they mean.

A link belongs to the words where its target says so, or where it stands in their sentence; an offer in the line before
is none, nor is what follows in the next sentence. Offsets are those of the view's text. Nothing is fetched, nothing
raises, and what is looked at is a window of some hundred characters.
"""

import re
from bisect import bisect_left
from typing import Final

from sealgate.checks.hosts import PLACEHOLDER
from sealgate.mail.visible import Link, View

NEAR: Final = 120  # characters between a phrase and what belongs to it

TOKEN = re.compile(
    r"unsub|opt[_-]?out|preferences|/remov|[=_-]remove|removal|descadastr|desinscr|abmeld|desabon", re.IGNORECASE
)
_POINTER = re.compile(
    r"here|click|link|lien|enlace|kobling|lenke|länk|ссылк|this|below|page|visit|go to|tap|follow|let us know|"
    r"https?:|www\.|@|remove|"
    r"aqui|clique|aquí|clic|pincha|aici|ici|hier|klik|klick|qui|tutaj|här|her|tästä|zde|ide\b|buraya|tıkla|"
    r"тут|здесь|нажм|εδώ|こちら|这里|這裡|此处|此處|點此|点击|여기|هنا|כאן|đây|sini",
    re.IGNORECASE,
)
STOP = re.compile(r"[.!?…](?=\s)|[|•·]|[。？！؟]")
_LEADS = re.compile(r"[^\W\d_]{2,}[:, ]{0,2}$")  # a word that leads to the link
_ASKS = re.compile(r"\s?[?？؟]\s?(?:[^\W\d_]{1,10}[ ,]{1,2}){0,3}$")  # "No more mail? Please click"
_BELOW = re.compile(  # "please use the link below." and the link
    r"\b(?:below|following|unten|untenstehend|folgend|suivant|ci-dessous|siguiente|abajo|seguinte|abaixo|seguente|"
    r"sotto|hieronder|onderstaande|volgende|nedan|nedenfor|poniż|ниже)|下記|以下|下方|아래",
    re.IGNORECASE,
)
ADDRESS = re.compile(r"(?:https?://|www\.)[^\s<>\"]{4,}|[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}", re.IGNORECASE)
WRITE = re.compile(
    r"\b(?:e-?mail|mail|write|send|reply|contact|schreib|schick|sende|escr|envi|écri|scriv|stuur)", re.IGNORECASE
)


def links_near(view: View, start: int, end: int) -> list[Link]:
    """The links within `NEAR` characters of a phrase, in order."""
    first = bisect_left(view.links, start - 300, key=lambda link: link.offset)
    low, high = start - NEAR, end + NEAR
    return [
        link for link in view.links[first : first + 60] if link.offset <= high and low <= link.offset + len(link.text)
    ]


def belongs(text: str, link: Link, start: int, end: int, *, is_clause: bool) -> bool:
    """Whether a link beside the phrase is its mechanism: its target says so, or it is in the same sentence."""
    if TOKEN.search(link.href):
        return True
    close = link.offset + len(link.text)
    follows = link.offset >= end
    between = text[end : link.offset] if follows else text[close:start]
    stop = STOP.search(between)
    if stop:
        if follows and not between[stop.end() :].strip() and _BELOW.search(between):
            return True
        return is_clause and follows and bool(_ASKS.match(between)) and bool(_POINTER.search(link.text))
    if not follows and is_apart(between, link.text):
        return False
    if _POINTER.search(link.text):
        return True
    # "To unsubscribe, follow the [words]" is one clause; "Unsubscribe [words]" is a menu.
    return "\n" not in between and (is_clause or (follows and _LEADS.search(between) is not None))


def is_apart(between: str, before: str) -> bool:
    """Whether a new line and a new sentence begin between a link and the phrase behind it."""
    if "\n" not in between:
        return False
    rest = between.strip()
    return not rest or (rest[0].isupper() and not before.isupper())


def in_order(text: str, links: list[Link], start: int, end: int) -> list[Link]:
    """The nearest one first; one before a phrase that begins a sentence of its own comes after all that follow it."""
    if len(links) < 2:  # the usual case
        return links
    while text[end : end + 1].isalpha():  # a phrase may be the beginning of a word
        end += 1

    def place(link: Link) -> tuple[bool, int, int]:
        close = link.offset + len(link.text)
        leads = close <= start and text[close:start].strip()[:1].isupper()
        return leads, max(0, link.offset - end, start - close), 0 if close > start else 1

    return sorted(links, key=place)


def tag_before(text: str, end: int, links: list[Link]) -> str:
    """A template tag where the mechanism of the phrase that ends at `end` should be: before any link, in its line."""
    first = min((link.offset for link in links if link.offset >= end), default=len(text))
    line = text[end : min(first, end + 60)].partition("\n")[0]
    tag = PLACEHOLDER.search(line)
    return tag[0] if tag and end + tag.end() + 4 < first else ""  # right before a link it is what names it
