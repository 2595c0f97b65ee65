"""The text of an HTML document in one piece, with marks in it where blocks, links and hidden elements begin and end.

The tree is the one that a browser would build (HTML5, through selectolax's lexbor). A walk over its nodes in Python
would cost more than everything else, so marks are put into the tree as text nodes and the text is taken out at once.
Nothing here raises. Time and memory are those of the HTML5 parser: see `visible.is_heavy`.
"""

import re
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from selectolax.lexbor import LexborHTMLParser

# Marks that are put into the tree as text. A source that holds them itself, or references to them, is cleaned first.
LINK, LINK_END, HIDDEN, HIDDEN_END, BREAK = "\x01", "\x02", "\x03", "\x04", "\x05"
MARKS: Final = b"\x01\x02\x03\x04\x05"
_MARK_REFERENCE = re.compile(rb"&#(?:0*[1-5](?![0-9])|[xX]0*[1-5](?![0-9a-fA-F]));?")
_DECLARATION = re.compile(r"(?:^|[;{}\s])(display|visibility)\s*:\s*([a-z-]+)\s*(!\s*important)?", re.IGNORECASE)
_CSS_COMMENT = re.compile(r"/\*(?:[^*]|\*(?!/))*\*/")
_URL_BLANKS = re.compile(r"[\t\n\r]+")


def _tag_ids(names: str, inside: str = "") -> frozenset[int]:
    """Ask lexbor for its own numbers of elements: they differ between versions, and compare faster than names."""
    return frozenset(LexborHTMLParser(f"{inside}<{name}>").css(name)[0].tag_id for name in names.split())


_NO_MARKS: Final = ("", "")
_MARKS: Final = MappingProxyType(
    {
        number: marks
        for names, inside, marks in (
            (
                (
                    "address article aside blockquote center dd details dialog dir div dl dt fieldset figcaption figure"
                    " footer form h1 h2 h3 h4 h5 h6 header hgroup legend listing main menu nav ol p plaintext pre"
                    " section summary table ul xmp"
                ),
                "",
                (BREAK, BREAK),
            ),
            ("caption", "<table>", (BREAK, BREAK)),
            ("br hr li option", "", (BREAK, "")),  # what follows these begins a line anyway, or should not
            ("tr", "<table>", (BREAK, "")),
            ("td th", "<table><tr>", (" ", "")),
            ("script style template head title iframe noembed noframes datalist rp", "", (HIDDEN, HIDDEN_END)),
            ("a", "", (LINK, LINK_END)),
            ("area", "", (LINK, "")),
        )
        for number in _tag_ids(names, inside)
    }
)


@dataclass(frozen=True, slots=True)
class Marked:
    """The shown text of a document, with `LINK`, `LINK_END` (nested well) and `BREAK` in it.

    `targets` has one entry for each `LINK`, in order.
    """

    text: str
    targets: tuple[str, ...]


def marked_text(source: bytes) -> Marked:
    """Read a document given as UTF-8."""
    text, targets, is_sound = _read(source)
    if not is_sound:
        # The sender wrote characters that serve as marks. No letter is lost with them: readers show nothing for them.
        text, targets, _ = _read(_MARK_REFERENCE.sub(b" ", source.translate(None, MARKS)))
    return _without_hidden(text, targets)


def _read(source: bytes) -> tuple[str, list[str], bool]:
    """Return the marked text with hidden parts, all link targets, and whether every mark in the text is ours."""
    tree = LexborHTMLParser(source)
    if tree.root is None:
        return "", [], True
    hidden = _mark_hidden(tree, source.lower())
    targets, unseen = _mark_elements(tree)
    for image in tree.css("a[href] img[alt]") if targets else ():
        image.insert_before(f" {image.attributes['alt'] or ''} ")
    text = tree.root.text()
    is_sound = (
        text.count(LINK) == text.count(LINK_END) == len(targets)
        and text.count(HIDDEN) == text.count(HIDDEN_END) == hidden + unseen
    )
    return text, targets, is_sound


def _mark_hidden(tree: Any, source: bytes) -> int:
    """Mark elements that an attribute of their own hides; return how many.

    Not `html` and `body`: clients that show mail inside a page of their own drop both and show what was in them.
    """
    selectors = ["[hidden]", '[style*="display" i][style*="none" i]']
    if b"visibility" in source:
        selectors.append('[style*="visibility" i]')
    # More than there are tags: the parser repeats formatting elements that were never closed, each within each. What
    # a reader then sees is anybody's guess, and marking them all would take seconds.
    nodes = tree.css(",".join(selectors))[: source.count(b"<") * len(selectors)]  # an element comes once a selector
    hidden = 0
    for node in nodes:
        attributes = node.attributes
        style = _declared(attributes.get("style") or "")
        is_hidden = style.get("display") == "none" or style.get("visibility") in ("hidden", "collapse")
        if ("hidden" in attributes or is_hidden) and node.tag not in ("html", "body"):
            hidden += 1
            node.insert_before(HIDDEN)
            node.insert_after(HIDDEN_END)
    return hidden


def _declared(style: str) -> dict[str, str]:
    """Read `display` and `visibility` out of a style attribute: the last one holds, `!important` before others."""
    weak: dict[str, str] = {}
    strong: dict[str, str] = {}
    for name, value, important in _DECLARATION.findall(_CSS_COMMENT.sub(" ", style)):
        (strong if important else weak)[name.lower()] = value.lower()
    return weak | strong


def _mark_elements(tree: Any) -> tuple[list[str], int]:
    """Mark blocks, cells, links and unseen elements; return the targets in the order of their marks, and how many."""
    targets: list[str] = []
    unseen = 0
    for node in tree.css("*"):
        before, after = _MARKS.get(node.tag_id, _NO_MARKS)
        if before is LINK:
            attributes = node.attributes
            if "href" not in attributes:
                continue
            targets.append(_target(attributes["href"] or ""))
            if not after:  # an area has no content
                before = f"{LINK} {attributes.get('alt') or ''} {LINK_END}"
        elif before is HIDDEN:
            unseen += 1
        if before:
            node.insert_before(before)
        if after:
            node.insert_after(after)
    return targets, unseen


def _target(href: str) -> str:
    """Take off and out what every reader does (URL Standard 4.4 1 and 3): blanks around it, line ends inside."""
    href = href.strip(" \t\n\r\f")
    return href if href.isprintable() else _URL_BLANKS.sub("", href)


def _without_hidden(text: str, targets: list[str]) -> Marked:
    """Leave out what stands between marks of hiding, and the links in it."""
    first, *others = text.split(HIDDEN)
    number = first.count(LINK)
    seen, left = [first], targets[:number]
    depth = 0
    for other in others:
        depth += 1
        for index, piece in enumerate(other.split(HIDDEN_END)):
            depth -= index > 0
            links = piece.count(LINK)
            if depth == 0:
                seen.append(piece)
                left += targets[number : number + links]
            number += links
    return Marked("".join(seen), tuple(left))
