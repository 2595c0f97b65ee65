"""The text that a reader sees of one part, and the links in it.

`read_html` builds the tree that a browser would build (HTML5, through selectolax's lexbor), works out the styles that
matter to whether a text is seen, and reads the tree in order; `read_plain` reads plain text. Both answer with a `View`
for any octets and any charset, and raise nothing.

What is seen of HTML: content after `</html>` and in `noscript` is (mail clients run no scripts); `script`, `style`,
`head` and the like are not. Neither is what a style attribute, a `style` element or an attribute of old takes away,
with all it holds: `display:none`, `opacity:0`, no height or width with `overflow:hidden`, a place off the screen; nor
letters that `visibility`, a size of 2 pixels or less, or a colour like that of the ground take away, until an element
within says otherwise. `mso-hide` hides from one client only, and nothing here. What `@media` shows to some readers is
seen, and the view is doubtful. The alternative text of an image is text only inside a link, where it names the link.

Pitfalls that stay: pictures behind a text make its contrast unknown; text moved by layout, covered, or clipped by other
means is taken for seen; selectors with siblings and states are not read, nor sheets elsewhere.

**Memory**: a few kilobytes of unclosed formatting elements make lexbor, like every HTML5 parser, build gigabytes, and
no thread can be stopped meanwhile. HTML for which `is_heavy` holds belongs into a process with a limit.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from sealgate.mail.charset import to_text, to_utf8
from sealgate.mail.flow import Flow, folded_lines, without_invisible, without_references
from sealgate.mail.quoting import quotes_of
from sealgate.mail.shown import MAX_UNSEEN, Shown, shown_of


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
        is_doubtful: whether some of it is shown to some readers only: a style sheet shows it under conditions (media
            queries), the sheet was too large to be read in full, or it is HTML that is declared to be plain text.
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
HEAVY_FORMATTING: Final = 200  # of all newsletters seen that are not heavy otherwise, none had a hundred

_UNENDED: Final = 150  # more tags without an end than with one: sloppy, or a bomb
# HTML 12.2.4.3, the list of active formatting elements
_FORMATTING = re.compile(
    rb"<(?:[aAbBiIsSuU]|[bB][iI][gG]|[cC][oO][dD][eE]|[eE][mM]|[fF][oO][nN][tT]|[nN][oO][bB][rR]|[sS][mM][aA][lL][lL]"
    rb"|[sS][tT][rR][iI][kK][eE]|[sS][tT][rR][oO][nN][gG]|[tT][tT])[\s/>]"
)
# What begins a link in plain text, found by its colon: the search runs at the speed of memchr.
_SCHEME = re.compile(
    r":(?://(?:(?<=[hH][tT][tT][pP]:..)|(?<=[hH][tT][tT][pP][sS]:..))|(?!//)(?<=[mM][aA][iI][lL][tT][oO]:))"
)
_URL = re.compile(r"[^\s<>\"\x00-\x20]+")
_ANGLE_ADDRESS = re.compile(r"<([^\s<>@\"]{1,64}@[^\s<>@\"]{1,255})>")
_MARKUP: Final = ("<html", "<!doctype html", "<head>", "<body")


def is_heavy(html: bytes) -> bool:
    """Whether HTML is too large or has too many tags or attributes to be read inside a thread that serves mail.

    Formatting elements that are left open are opened again in each block, so they cost their number times that of the
    blocks: what has many tags without an end is looked at for them. Within these bounds the worst input found takes
    some tens of megabytes and a fifteenth of a second.
    """
    tags = html.count(b"<")
    if len(html) > HEAVY_OCTETS or tags > HEAVY_TAGS or html.count(b"=") > HEAVY_ATTRIBUTES:
        return True
    return (
        tags > 2 * HEAVY_FORMATTING
        and tags - 2 * html.count(b"</") > _UNENDED
        and len(_FORMATTING.findall(html)) > HEAVY_FORMATTING
    )


def read_html(html: bytes, charset: str) -> View:
    """Read HTML as a reader sees it."""
    shown = shown_of(to_utf8(html, charset))
    return view_of(shown, Flow(shown))


def view_of(shown: Shown, flow: Flow) -> View:
    """Put together what the walk over a document found, and the text that was made of it."""
    text = flow.text
    links: list[Link] = []
    for number, (begin, end, target) in enumerate(zip(flow.begins, flow.ends, shown.targets, strict=True)):
        if begin < end or not shown.faded[number] or shown.pictures[number]:  # else nothing of it can be seen
            links.append(Link(text[begin:end], target, begin))
    return View(
        text,
        tuple(links),
        tuple([Look(*look) for look in flow.looks]),
        _lines(shown.alternatives),
        _lines(shown.unseen),
        quotes_of(text, flow.quotes),
        shown.is_doubtful,
    )


def _lines(runs: list[str]) -> str:
    return "\n".join(folded_lines(runs))[:MAX_UNSEEN] if runs else ""


def read_plain(content: bytes, charset: str) -> View:
    """Read plain text. Its links are what mail readers make one of: http, https and mailto URLs, `<local@domain>`."""
    text = without_invisible(without_references(to_text(content, charset)))
    text = "\n".join([line for raw in text.splitlines() if (line := " ".join(raw.split()))])
    links = tuple(sorted(_plain_links(text), key=lambda link: link.offset))
    is_markup = text[:20].lower().startswith(_MARKUP)
    return View(text, links, quotes=quotes_of(text), is_doubtful=is_markup)


def _plain_links(text: str) -> Iterator[Link]:
    """Find the links of a plain text, in no order."""
    at = 0
    while found := _SCHEME.search(text, at):
        colon, at = found.start(), found.start() + 1
        if url := _URL.match(text, at):
            web = found.end() > at  # "//" behind the colon
            scheme = 6 if not web else 5 if text[colon - 1] in "sS" else 4
            shown = text[colon - scheme : url.end()].rstrip(".,;:!?'*_)]}")
            if len(shown) > scheme + 1 + 2 * web:
                yield Link(shown, shown, colon - scheme)
            at = url.end()
    for match in _ANGLE_ADDRESS.finditer(text):
        if ":" not in match[1]:
            yield Link(match[1], f"mailto:{match[1]}", match.start(1))
