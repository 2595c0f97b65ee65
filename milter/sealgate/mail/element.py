"""What a start tag says, as lexbor writes it: the marks it leaves in the text, and its own styles.

What differs from one link or picture to the next, the target and the alternative text, is apart: all else of a tag
comes again and again within a message and from message to message, and is read once. Nothing here raises.
"""

import re
from collections.abc import Mapping
from html import unescape
from types import MappingProxyType
from typing import Any, Final

from sealgate.mail.colour import legacy_colour
from sealgate.mail.style import Declared, declared, size_of

EVENT, BREAK = "\x01", "\x02"
"""Marks in the text: something of the list of events happens here; a line ends. No document holds them itself."""

BOX, VOID_BOX, SPECIAL, NOWHERE, ODD = range(5)
"""Kinds of elements, for the walk: a box, with or without an end; a link, an image or a quote; what is never drawn, or
meant to be; and what is written otherwise than all else, for which the document is to be read with more care."""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_ATTRIBUTE = re.compile(r'\s(=?[^\s=>]*+)="([^"]*+)"')
_NAME = re.compile(r"<([^\s>]*+)")
_URL_BLANKS = re.compile(r"[\t\n\r]+")
_BLOCK: Final = (BREAK, BREAK)
_BLOCKS: Final = (
    "address article aside blockquote center dd details dialog dir div dl dt fieldset figcaption figure footer form"
    " h1 h2 h3 h4 h5 h6 header hgroup legend listing main menu nav ol p pre section summary table ul caption"
)
_MARKS: Final = MappingProxyType(
    {
        name: marks
        for names, marks in (
            (_BLOCKS, _BLOCK),
            ("br hr li option tr", (BREAK, "")),  # what follows these begins a line anyway, or should not
            ("td th", (" ", "")),
        )
        for name in names.split()
    }
)
_NOWHERE: Final = _words("head title datalist rp script style template iframe noembed noframes")
_ODD: Final = _words("xmp iframe noembed noframes plaintext svg math")
VOID: Final = _words(
    "area base basefont bgsound br col embed frame hr img input keygen link meta param source track wbr"
)
_SIZES: Final = MappingProxyType(  # HTML, 15.3.4 and 15.3.7
    {
        "small": (5 / 6, True),
        "sub": (5 / 6, True),
        "sup": (5 / 6, True),
        "big": (1.2, True),
        "h1": (2.0, True),
        "h2": (1.5, True),
        "h3": (1.17, True),
        "h5": (0.83, True),
        "h6": (0.67, True),
    }
)
_FONT_SIZES: Final = (10.0, 13.0, 16.0, 18.0, 24.0, 32.0, 48.0)
_QUOTES: Final = re.compile(
    r"\b(?:x_)*(?:gmail_quote|gmail_attr|gmail_extra|yahoo_quoted|moz-cite-prefix|moz-forward-container"
    r"|moz-email-headers-table|protonmail_quote|tutanota_quote|zmail_extra|OutlookMessageHeader|OLK_SRC_BODY_SECTION"
    r"|replyforwardmessage|bloop_original_html|messageReplySection|mail-editor-reference-message-container"
    r"|ms-outlook-mobile-reference-message|WPQuote)(?!\w)"
)
_QUOTES_FROM_HERE: Final = re.compile(r"\b(?:x_)*(?:divRplyFwdMsg|appendonsend|stopSpelling)(?!\w)")
_NOTHING: Final[Declared] = ({}, {})


class Element:
    """A start tag, all but where it leads and what stands for a picture.

    Attributes:
        name, attributes, classes: as written, the name in lower case; values without references.
        before, after: marks that its begin and end leave in the text.
        is_link, is_image, is_void, is_nowhere: nowhere: nothing in it is ever drawn, or meant to be.
        is_quote, is_quote_from_here: it holds somebody else's message; that begins here and goes on to the end.
        target, alternative: where a link leads, and what stands for a picture, where they were not cut out before.
        kind: one of those above.
        is_special: it is a link, an image or a quote.
        own: its hints (HTML, 15) and the declarations of its `style`.
    """

    __slots__ = (
        *(
            "kind",
            "after",
            "alternative",
            "attributes",
            "before",
            "classes",
            "is_image",
            "is_link",
            "is_nowhere",
            "is_quote",
        ),
        *("is_quote_from_here", "is_special", "is_void", "name", "own", "target"),
    )

    def __init__(self, name: str, written: Mapping[str, str]) -> None:
        attributes = {key: unescape(value) if "&" in value else value for key, value in written.items()}
        self.name = name
        self.attributes: Mapping[str, str] = attributes
        self.classes = frozenset(attributes.get("class", "").split())
        self.before, self.after = _MARKS.get(name, ("", ""))
        self.is_void = name in VOID
        self.is_nowhere = name in _NOWHERE
        self.is_image = name == "img"
        self.is_link = name in ("a", "area") and "href" in attributes
        self.target = target_of(written.get("href", "")) if self.is_link else ""
        self.alternative = alternative_of(written.get("alt", "")) if name in ("img", "area") else ""
        self.is_quote, self.is_quote_from_here = _quoting(name, attributes)
        self.is_special = self.is_image or self.is_link or self.is_quote or self.is_quote_from_here
        self.kind = (
            ODD
            if name in _ODD
            else NOWHERE
            if self.is_nowhere
            else SPECIAL
            if self.is_special
            else VOID_BOX
            if self.is_void
            else BOX
        )
        self.own: tuple[Mapping[str, Any], Declared] = (
            _hints(name, attributes),
            declared(attributes["style"]) if "style" in attributes else _NOTHING,
        )


def name_of(tag: str) -> str:
    """Read the name of a start tag."""
    match = _NAME.match(tag)
    return match[1].lower() if match else ""


def attributes_of(tag: str) -> dict[str, str]:
    """Read the attributes of a start tag, values as written."""
    return dict(_ATTRIBUTE.findall(tag))


def target_of(href: str) -> str:
    """Read where a link leads. What every reader does (URL Standard 4.4): no blanks around it, no line ends inside."""
    if "&" in href:
        is_plain = href.count("&") == href.count("&amp;")
        href = href.replace("&amp;", "&") if is_plain else unescape(href)
    href = href.strip(" \t\n\r\f")
    return href if href.isprintable() else _URL_BLANKS.sub("", href)


def alternative_of(alt: str) -> str:
    """Read what stands for a picture, as text is written in HTML."""
    return " ".join(alt.replace("&quot;", '"').split()) if alt else ""


def _quoting(name: str, attributes: Mapping[str, str]) -> tuple[bool, bool]:
    """Whether the element is a quote, and whether one begins here that no element ends."""
    if not attributes or name in ("a", "img"):
        return False, False
    words = " ".join([attributes[key] for key in ("class", "id", "name") if key in attributes])[:1_000]
    if words and _QUOTES_FROM_HERE.search(words):
        return False, True
    if name == "blockquote" and ("cite" in (attributes.get("type", "").lower(), *attributes)):
        return True, False
    return bool(words and _QUOTES.search(words)), False


def _hints(name: str, attributes: Mapping[str, str]) -> Mapping[str, Any]:
    """Read presentational attributes; what the element's own styles say comes before them."""
    if not attributes and name not in _SIZES:
        return {}
    hints: dict[str, Any] = {}
    if name in _SIZES:
        hints["font-size"] = _SIZES[name]
    if "hidden" in attributes:
        hints["display"] = "none"
    if (value := attributes.get("bgcolor")) and (colour := legacy_colour(value)):
        hints["background-color"] = colour
    if attributes.get("background", "").strip():
        hints["background-image"] = True
    value = attributes.get({"font": "color", "body": "text"}.get(name, ""), "")
    if value and (colour := legacy_colour(value)):
        hints["color"] = colour
    elif name == "a" and "href" in attributes:
        hints["color"] = "unknown"  # each client has its own colour of links
    if name == "font" and (size := _font_size(attributes.get("size", ""))):
        hints["font-size"] = size
    return hints


def _font_size(value: str) -> tuple[float, bool] | None:
    value = value.strip()
    digits = value.lstrip("+-")[:3]
    if not (digits.isascii() and digits.isdigit()):
        return size_of(value.lower())  # HTML knows no "12px" here, and some clients do
    number = int(digits)
    number = 3 + number if value[0] == "+" else 3 - number if value[0] == "-" else number
    return _FONT_SIZES[min(7, max(1, number)) - 1], False
