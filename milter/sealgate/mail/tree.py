"""An HTML document as a browser would build it, written down again in order: tags and texts that need no parser.

The tree is lexbor's (HTML5, through selectolax). A walk over its nodes in Python would cost more than all else, so it
is written out as HTML by lexbor itself: every element that has an end has its end tag, attributes stand in double
quotes, and no text holds a `<`. Elements whose text is written as it is (scripts, styles and the like) are taken out
before. Nothing here raises. Time and memory are those of the HTML5 parser: see `visible.is_heavy`.
"""

import re
from dataclasses import dataclass
from typing import Any, Final

from selectolax.lexbor import LexborHTMLParser

from sealgate.mail.element import BREAK, EVENT, VOID
from sealgate.mail.sheet import medium

# What must be taken out before the tree is written: else its text would be read as tags. Of the rare, two are seen.
_RAW: Final = "script,style,template"
_RARE: Final = "xmp,iframe,noembed,noframes,plaintext"
_MARKS: Final = {ord(EVENT): None, ord(BREAK): None}
# A `>` stands in the value of an attribute only where lexbor is older than the HTML standard of 2025.
_PIECES = re.compile(
    r"(<!--(?s:.*?)-->|<[^>]*+>)"
    if "&gt;" in (LexborHTMLParser("<p title='>'>").html or "")
    else r"(<!--(?s:.*?)-->|<[^\s>]*+(?:\s=?[^\s=>]*+=\"[^\"]*+\")*[^>]*+>)"
)
_VOID_ENDS = re.compile(f"</(?:{'|'.join(sorted(VOID))})>")


@dataclass(frozen=True, slots=True)
class Document:
    """A document in order.

    Attributes:
        pieces: text, tag, text, tag ... text. Text is as written in HTML, with `&amp;`, `&lt;`, `&gt;` and `&nbsp;`.
        css: what stands in its `style` elements, those of media without readers left out.
    """

    pieces: list[str]
    css: str


def read_document(source: bytes, *, is_odd: bool = False) -> Document:
    """Read a document given as UTF-8.

    Args:
        source: the document.
        is_odd: whether it may hold elements that `element.ODD` names; to look for them costs time.
    """
    tree = LexborHTMLParser(source)
    root = tree.root
    if root is None:
        return Document([""], "")
    css = _without_raw(tree, f"{_RAW},{_RARE}" if is_odd else _RAW)
    html = root.html or ""
    if EVENT in html or BREAK in html:
        html = html.translate(_MARKS)  # no letter is lost with them: readers show nothing for them
    if is_odd:
        html = _VOID_ENDS.sub("", html)  # a foreign `link` has an end
    return Document(_PIECES.split(html), css)


def comments_around(source: bytes) -> list[str]:
    """Return the comments before and behind the `html` element, which are no pieces of the document."""
    node = LexborHTMLParser(source).root
    while node is not None and node.prev is not None:
        node = node.prev
    found: list[str] = []
    while node is not None:
        if node.tag == "-comment":
            found.append(node.html or "")
        node = node.next
    return found


def _without_raw(tree: Any, names: str) -> str:
    """Take the elements out whose text is no text; return the style sheets."""
    sheets: list[str] = []
    for node in reversed(tree.css(names)):  # what stands inside another before the other
        name = node.tag
        if name == "style":
            media = medium(node.attributes.get("media") or "")
            text = node.text()
            text += "}" * max(0, text.count("{") - text.count("}"))  # its end closes what is open
            sheets.append(text if media == "all" else f"@media (some){{{text}}}" if media == "some" else "")
        elif name in ("xmp", "plaintext"):
            shown = tree.create_node("pre")
            shown.insert_child(node.text())
            node.insert_before(shown)
        node.decompose()
    return "\n".join(sheets[::-1])
