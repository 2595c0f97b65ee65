"""The text of a view as it grows: blanks folded, and marks turned into offsets.

Nothing here raises; time is linear in the text.
"""

import re
from html import unescape
from typing import Final

from sealgate.mail.element import BREAK, EVENT
from sealgate.mail.shown import LINK, LINK_END, LOOK, PLAIN, QUOTE, Shown

CONTROLS: Final = b"\x00\x01\x02\x03\x04\x05\x06\x07\x08\x0b\x0e\x0f" + bytes(range(16, 32)) + b"\x7f"
_CONTROLS_BUT_MARKS: Final = CONTROLS.translate(None, (EVENT + BREAK).encode())
_ASCII: Final = bytes(range(128))
# Unicode's default ignorable characters, as far as mail has them, and the other format characters (Cf).
_INVISIBLE = re.compile(
    "[\x80-\x84\x86-\x9f\u00ad\u034f\u0600-\u0605\u061c\u06dd\u070f\u115f\u1160\u17b4\u17b5"
    "\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
# References that were encoded twice, or stand in plain text: nobody means these to be read.
_BLANKS = re.compile(r"&(?:nbsp|ensp|emsp|thinsp|#160|#[xX]0*[aA]0);")
_NOTHINGS = re.compile(r"&(?:zwnj|zwj|shy|#8203|#8204|#8205|#173|#847|#65279);")


def without_invisible(text: str, controls: bytes = CONTROLS) -> str:
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


def without_references(text: str) -> str:
    """Read references to blanks and to nothing that stand in text."""
    if "&" not in text or ";" not in text:
        return text
    return _NOTHINGS.sub("", _BLANKS.sub(" ", text))


def from_html(text: str) -> str:
    """Read the text of lexbor's HTML."""
    if "&" not in text:
        return text
    text = text.replace("&nbsp;", " ").replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    return without_references(text)


def folded_lines(runs: list[str]) -> list[str]:
    """Read runs of text from lexbor's HTML, or of attributes, as a line each, and leave out what is blank."""
    text = BREAK.join([unescape(run) if "&" in run else run for run in runs])
    lines = without_invisible(text, _CONTROLS_BUT_MARKS).split(BREAK)
    return [line for raw in lines if (line := " ".join(raw.split()))]


class Flow:
    """A folded text, with its links, looks and quotes.

    Attributes:
        text: the text.
        begins, ends: of each link.
        looks: begin, end, size and contrast; quotes: begin and end.
    """

    __slots__ = (
        *("begins", "closed_at", "depth", "empty", "ends", "gap", "length", "look", "looks", "opened", "pieces"),
        *("quoted_from", "quotes", "started", "text"),
    )

    def __init__(self, shown: Shown) -> None:
        links = len(shown.targets)
        self.pieces: list[str] = []
        self.length = 0
        self.gap = ""  # the blank or line end that stands before the next word, whatever marks stand between
        self.begins = [0] * links
        self.ends = [0] * links
        self.started = 0
        self.closed_at = -1  # where the last link ended
        self.opened: list[int] = []
        self.empty: list[int] = []  # links without text so far, open or not: they begin where text goes on
        self.look: tuple[float, float] | None = None
        self.looks: list[tuple[int, int, float, float]] = []
        self.depth = 0  # of quotes
        self.quoted_from = -1
        self.quotes: list[tuple[int, int]] = []
        self.text = ""
        self._read(shown)

    def _read(self, shown: Shown) -> None:
        text = without_invisible(from_html(shown.text), _CONTROLS_BUT_MARKS)
        text = " ".join(text.split())
        text = "\n".join([line for part in text.split(BREAK) if (line := part.strip(" "))])
        first, *others = text.split(EVENT)
        if first:
            self._add(first)
        for (kind, look), piece in zip(shown.events, others, strict=True):
            if kind == LINK:
                if self.closed_at == self.length and not self.gap:
                    self.gap = " "  # buttons and menus are links side by side, parted by style only
                self.opened.append(self.started)
                self.empty.append(self.started)
                self.started += 1
            elif kind == LINK_END:
                self.ends[self.opened.pop()] = self.closed_at = self.length
            else:
                self._turn(kind, look)
            if piece:
                self._add(piece)
        for link in self.empty:
            self.begins[link] = self.length
        if self.depth and 0 <= self.quoted_from < self.length:
            self.quotes.append((self.quoted_from, self.length))
        self.text = "".join(self.pieces)

    def _turn(self, kind: int, look: tuple[float, float] | None) -> None:
        if kind in (LOOK, PLAIN):
            self.look = look
        elif kind == QUOTE:
            self.depth += 1
        else:
            self.depth -= 1
            if not self.depth and self.quoted_from >= 0:
                self.quotes.append((self.quoted_from, self.length))
                self.quoted_from = -1

    def _add(self, piece: str) -> None:
        words = piece.strip(" \n")
        if piece[0] in " \n":
            self.gap = "\n" if "\n" in (self.gap, piece[0]) else " "
        if not words:
            return
        if self.gap and self.length:
            self.pieces.append(self.gap)
            self.length += 1
        begin = self.length
        for link in self.empty:
            self.begins[link] = begin
        self.empty.clear()
        self.pieces.append(words)
        self.length += len(words)
        self.gap = piece[-1] if piece[-1] in " \n" else ""
        if self.look is not None:
            self._draw(begin, *self.look)
        if self.depth and self.quoted_from < 0:
            self.quoted_from = begin

    def _draw(self, begin: int, size: float, contrast: float) -> None:
        if self.looks and self.looks[-1][1] >= begin - 1 and self.looks[-1][2:] == (size, contrast):
            begin = self.looks.pop()[0]
        self.looks.append((begin, self.length, size, contrast))
