"""The text that a reader sees of one part, and the links in it.

`read_html` builds the tree that a browser would build (HTML5, through selectolax's lexbor) and reads it in order;
`read_plain` reads plain text. Both answer with a `View` for any octets and any charset, and raise nothing.

What counts as seen in HTML, on purpose without a style engine: content after `</html>` and in `noscript` is (mail
clients run no scripts); `script`, `style`, `head` and the like, elements with `hidden`, and those whose own `style`
says `display:none` or `visibility:hidden` are not, with all they hold. Pitfalls that stay: style sheets are not read (a
class may hide a text, a media query may show what is hidden inline), `font-size:0` is no hiding (layout tables use it
and set the size again inside), neither are white letters on white, and a child of `visibility:hidden` that makes itself
visible again is taken for hidden. The alternative text of an image is text only inside a link, where it names the link.

**Memory**: a few kilobytes of unclosed formatting elements make lexbor, like every HTML5 parser, build gigabytes, and
no thread can be stopped meanwhile. HTML for which `is_heavy` holds belongs into a process with a limit.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from sealgate.mail.charset import to_text, to_utf8
from sealgate.mail.tree import BREAK, LINK, LINK_END, MARKS, marked_text


@dataclass(frozen=True, slots=True)
class Link:
    """A link a reader can follow: its visible text, its target as written, and where its text begins in `View.text`.

    `view.text[link.offset : link.offset + len(link.text)] == link.text`. A link around an image without alternative
    text has no text: its offset is where the text goes on.
    """

    text: str
    href: str
    offset: int


@dataclass(frozen=True, slots=True)
class Look:
    """How a run of `View.text` is drawn where it is not drawn plainly: small, or hardly apart from its background.

    Attributes:
        start, end: the run, as offsets into `View.text`.
        size: effective font size in CSS pixels; 0 where nothing said so.
        contrast: of the letters against their background (WCAG 2.1, 1.4.3), 1 to 21; 0 where it cannot be told.
    """

    start: int
    end: int
    size: float = 0.0
    contrast: float = 0.0


@dataclass(frozen=True, slots=True)
class View:
    """What a reader sees of one part: the text in reading order, blanks folded, and the links in it.

    Blocks, rows and `<br>` begin a new line; cells, and links side by side, are parted by a blank; runs of either are
    one. Characters that take no room (soft hyphen, joiners, variation selectors) are left out.

    Attributes:
        looks: runs that are drawn smaller than 9 pixels or with a contrast below 3, in order; all else is plain.
        alternatives: what images that stand in no link say in their place, one a line; weak evidence.
        unseen: text that no reader is shown (preheaders, `display:none` and the like), one run a line, capped.
        quotes: runs of `text` that quote or forward somebody else's message, in order.
        is_doubtful: whether a style sheet shows some of it to some readers only (media queries).
    """

    text: str
    links: tuple[Link, ...] = ()
    looks: tuple[Look, ...] = ()
    alternatives: str = ""
    unseen: str = ""
    quotes: tuple[tuple[int, int], ...] = ()
    is_doubtful: bool = False


HEAVY_OCTETS: Final = 65_536
HEAVY_TAGS: Final = 1_000
HEAVY_ATTRIBUTES: Final = 2_000

_OTHER_CONTROLS: Final = b"\x00\x06\x07\x08\x0b\x0e\x0f" + bytes(range(16, 32)) + b"\x7f"
_ASCII: Final = bytes(range(128))
# Unicode's default ignorable characters, as far as mail has them, and the other format characters (Cf).
_INVISIBLE = re.compile(
    "[\x80-\x84\x86-\x9f\u00ad\u034f\u0600-\u0605\u061c\u06dd\u070f\u115f\u1160\u17b4\u17b5"
    "\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
_URL = re.compile(r"[^\s<>\"\x00-\x20]+")
_ANGLE_ADDRESS = re.compile(r"<([^\s<>@\"]{1,64}@[^\s<>@\"]{1,255})>")


def is_heavy(html: bytes) -> bool:
    """Whether HTML is too large or has too many tags or attributes to be read inside a thread that serves mail.

    Within these bounds the worst input found takes some hundred megabytes and a third of a second.
    """
    return len(html) > HEAVY_OCTETS or html.count(b"<") > HEAVY_TAGS or html.count(b"=") > HEAVY_ATTRIBUTES


def read_html(html: bytes, charset: str) -> View:
    """Read HTML as a reader sees it."""
    marked = marked_text(to_utf8(html, charset))
    return _view(marked.text, marked.targets)


def read_plain(content: bytes, charset: str) -> View:
    """Read plain text. Its links are what mail readers make one of: http, https and mailto URLs, `<local@domain>`."""
    text = _without_invisible(to_text(content, charset), _OTHER_CONTROLS + MARKS)
    text = "\n".join([line for raw in text.splitlines() if (line := " ".join(raw.split()))])
    return View(text, tuple(sorted(_plain_links(text), key=lambda link: link.offset)))


def _without_invisible(text: str, controls: bytes = _OTHER_CONTROLS) -> str:
    """Delete what takes no room. The few characters beyond ASCII are looked at apart: one search over all is slow."""
    octets = text.encode("utf-8").translate(None, controls)
    text = octets.decode("utf-8")
    if text.isascii():
        return text
    found = set(_INVISIBLE.findall(octets.translate(None, _ASCII).decode("utf-8")))
    if len(found) > 8:
        return _INVISIBLE.sub("", text)
    for character in found:
        text = text.replace(character, "")
    return text


def _view(marked: str, targets: tuple[str, ...]) -> View:
    """Fold blanks and turn the marks of links into offsets."""
    folded = " ".join(_without_invisible(marked).split())
    folded = "\n".join([line for part in folded.split(BREAK) if (line := part.strip(" "))])
    text = _Text(len(targets))
    for index, run in enumerate(folded.split(LINK)):
        if index:
            text.begin_link()
        for inner, piece in enumerate(run.split(LINK_END)):
            if inner:
                text.end_link()
            if piece:
                text.add(piece)
    return text.view(targets)


class _Text:
    """The text of a view as it grows. Blanks wait until a word follows, so that no link begins or ends with one."""

    __slots__ = ("begins", "closed_at", "empty", "ends", "gap", "length", "opened", "pieces", "started")

    def __init__(self, links: int) -> None:
        self.pieces: list[str] = []
        self.length = 0
        self.gap = ""  # the blank or line end that stands before the next word, whatever marks stand between
        self.begins = [0] * links
        self.ends = [0] * links
        self.started = 0
        self.closed_at = -1  # where the last link ended
        self.opened: list[int] = []
        self.empty: list[int] = []  # links without text so far, open or not: they begin where text goes on

    def begin_link(self) -> None:
        if self.closed_at == self.length and not self.gap:
            self.gap = " "  # buttons and menus are links side by side, parted by style only
        self.opened.append(self.started)
        self.empty.append(self.started)
        self.started += 1

    def end_link(self) -> None:
        self.ends[self.opened.pop()] = self.closed_at = self.length

    def add(self, piece: str) -> None:
        words = piece.strip(" \n")
        if piece[0] in " \n":
            self.gap = "\n" if "\n" in (self.gap, piece[0]) else " "
        if not words:
            return
        if self.gap and self.length:
            self.pieces.append(self.gap)
            self.length += 1
        for link in self.empty:
            self.begins[link] = self.length
        self.empty.clear()
        self.pieces.append(words)
        self.length += len(words)
        self.gap = piece[-1] if piece[-1] in " \n" else ""

    def view(self, targets: tuple[str, ...]) -> View:
        for link in self.empty:
            self.begins[link] = self.length
        whole = "".join(self.pieces)
        spans = zip(self.begins, self.ends, targets, strict=True)
        return View(whole, tuple([Link(whole[begin:end], target, begin) for begin, end, target in spans]))


def _plain_links(text: str) -> Iterator[Link]:
    """Find the links of a plain text, in no order."""
    at = text.find(":")
    while at >= 0:
        head = text[max(0, at - 6) : at].lower()
        scheme = next((s for s in ("https", "http", "mailto") if head.endswith(s)), "")
        web = text.startswith("//", at + 1)
        if scheme and web == (scheme != "mailto") and (url := _URL.match(text, at + 1)):
            start = at - len(scheme)
            shown = text[start : url.end()].rstrip(".,;:!?'*_)]}")
            if len(shown) > len(scheme) + 1 + 2 * web:
                yield Link(shown, shown, start)
            at = url.end() - 1
        at = text.find(":", at + 1)
    for match in _ANGLE_ADDRESS.finditer(text):
        if ":" not in match[1]:
            yield Link(match[1], f"mailto:{match[1]}", match.start(1))
