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
from typing import Any, Final

from selectolax.lexbor import LexborHTMLParser

from sealgate.mail.charset import to_text


@dataclass(frozen=True, slots=True)
class Link:
    """A link a reader can follow: its visible text, its target as written, and where its text begins in `View.text`.

    `view.text[link.offset : link.offset + len(link.text)] == link.text`. A link around an image without alternative
    text has no text: its offset is where the image stands.
    """

    text: str
    href: str
    offset: int


@dataclass(frozen=True, slots=True)
class View:
    """What a reader sees of one part: the text in reading order, blanks folded, and the links in it.

    Blocks, rows and `<br>` begin a new line, cells are parted by a blank, runs of either are one. Characters that take
    no room (soft hyphen, joiners, variation selectors) are left out.
    """

    text: str
    links: tuple[Link, ...] = ()


HEAVY_OCTETS: Final = 65_536
HEAVY_TAGS: Final = 1_000
HEAVY_ATTRIBUTES: Final = 2_000

# Marks put into the tree as text. The source cannot hold them: control characters and references to them are taken out.
_LINK, _LINK_END, _HIDDEN, _HIDDEN_END, _BREAK = "\x01", "\x02", "\x03", "\x04", "\x05"
_CONTROLS: Final = bytes(c for c in range(32) if c not in b"\t\n\f\r") + b"\x7f"
_CONTROL_REFERENCE = re.compile(rb"&#(?:0*(?:[0-8]|11|1[4-9]|2[0-9]|3[01])(?![0-9])|[xX]0*(?:[0-8bBeEfF]|1[0-9a-fA-F])(?![0-9a-fA-F]));?")
# Unicode's default ignorable characters, as far as mail has them, and the other format characters (Cf).
_INVISIBLE = re.compile(
    "[\x00\x06-\x08\x0b\x0e-\x1f\x7f-\x84\x86-\x9f\u00ad\u034f\u0600-\u0605\u061c\u06dd\u070f\u115f\u1160\u17b4\u17b5"
    "\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]+"
)
_BREAKS = re.compile(f" ?{_BREAK}[ {_BREAK}]*")
_LINK_MARKS = re.compile(f"([{_LINK}{_LINK_END}])")
_HIDING_MARKS = re.compile(f"([{_HIDDEN}{_HIDDEN_END}])")
_HIDING_STYLE = re.compile(
    r"(?:^|[;{}\s])(?:display\s{0,99}:\s{0,99}none|visibility\s{0,99}:\s{0,99}(?:hidden|collapse))(?![\w-])", re.I
)
_BLOCK_STYLE = re.compile(r"(?:^|[;{}\s])display\s{0,99}:\s{0,99}(?:block|table|flex|grid|list-item)", re.I)
_CSS_COMMENT = re.compile(r"/\*(?:[^*]|\*(?!/))*\*/")
_URL_BLANKS = re.compile(r"[\t\n\r]+")
