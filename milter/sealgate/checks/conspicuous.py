"""Whether a reader can well see what the law wants clear and conspicuous (15 USC 7704(a)(3)(A), (a)(5)(A)).

The statute gives no figures. What is reported is what nobody would call clear: letters below 9 pixels, a contrast below
3 to the background, or text after a screen of nothing. Pictures, dark mode and the reader's own style are not known.
"""

from bisect import bisect_right
from typing import Final

from sealgate.mail.mime import TextPart
from sealgate.mail.visible import View, is_heavy, read_html, read_plain

MIN_PIXELS: Final = 9.0
MIN_CONTRAST: Final = 3.0
BLANK_LINES: Final = 40  # more than a screen
_SHARE: Final = 0.8  # of the words that must be hard to see
_EMPTY_PLAIN: Final = (b"\n" * BLANK_LINES, b"\r\n" * BLANK_LINES)
_EMPTY_PARAGRAPH: Final = b"<p>&nbsp;</p>"
_EMPTY_HTML: Final = tuple(
    tag * BLANK_LINES
    for tag in (
        b"<br>",
        b"<br/>",
        b"<br />",
        b"<br>\r\n",
        b"<br>\n",
        b"<br/>\r\n",
        _EMPTY_PARAGRAPH,
        _EMPTY_PARAGRAPH + b"\r\n",
    )
)


def hard_to_see(view: View, start: int, end: int) -> str:
    """Say how the words of `view.text[start:end]` are drawn where that is hard to see, else return an empty string."""
    if not view.looks or start >= end:
        return ""
    covered, worst = 0, ""
    first = max(0, bisect_right(view.looks, start, key=lambda look: look.start) - 1)
    for look in view.looks[first:]:
        if look.start >= end:
            break
        overlap = min(end, look.end) - max(start, look.start)
        is_small, is_faint = 0 < look.size < MIN_PIXELS, 0 < look.contrast < MIN_CONTRAST
        if overlap > 0 and (is_small or is_faint):
            covered += overlap
            said = [f"letters of {look.size:g} px"] * is_small + [f"contrast {look.contrast:.1f}"] * is_faint
            worst = worst or " and ".join(said)
    return worst if covered >= _SHARE * (end - start) else ""


def blank_before(part: TextPart) -> int:
    """Where in what a reader sees of `part` a text begins again after a screen of blank lines, or -1.

    Only lines that are wholly blank count in plain text, and only breaks and empty paragraphs in HTML.
    """
    is_html = part.subtype == "html"
    if part.content.count(b"<br" if is_html else b"\n") < BLANK_LINES and not (
        # One of them first: to look for all in a row takes longer.
        is_html and _EMPTY_PARAGRAPH in part.content and _EMPTY_PARAGRAPH * BLANK_LINES in part.content
    ):
        return -1
    for needle in _EMPTY_HTML if is_html else _EMPTY_PLAIN:
        at = part.content.find(needle)
        if at >= 0:
            head = part.content[:at]
            if is_html and is_heavy(head):
                return -1
            return len((read_html if is_html else read_plain)(head, part.charset).text)
    return -1
