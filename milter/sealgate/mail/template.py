"""A campaign's HTML with places for what differs from reader to reader, and its view with the same places.

A `Template` answers with the view of a part that is made of its constants with safe values between them, without
reading it: exactly what `visible.read_html` would answer, or None where it cannot tell. It is made by
`template_proof.prove` alone, and rests on this argument:

- The HTML tokenizer (HTML 13.2.5) is in the data, RCDATA, comment or attribute value state where a value begins, since
  the value of the trial came out of the parser as text, in a comment or as an attribute's value, and none begins behind
  what could be the begin of a tag, a declaration or a reference. A safe value is not empty, its first character is no
  blank, and it holds nothing that leaves these states, so it is followed by the same state whatever it is.
- The tree builder (13.2.6) tells blanks from other text, and looks at the values of a few attributes: at none of those
  where a value is allowed, `href` of `a`, `src` and `alt` of `img`. To compare formatting elements it looks at all
  (13.2.4.3, three equal ones), of which no more than one is ever an `a`: the proof refuses documents that clone them.
- The walk and the flow over the tree tell blanks from other text, take no notice of the values of those attributes but
  to hand them on, and count characters only in unseen text, where the proof leaves room.
- What lines say of quoting is asked again where a value may have changed it.

Nothing here raises; time is linear in the part. Values are not kept.
"""

import re
from dataclasses import dataclass
from itertools import accumulate
from typing import Final

from sealgate.mail.element import EVENT
from sealgate.mail.quoting import Span, may_quote, quotes_of
from sealgate.mail.visible import HEAVY_ATTRIBUTES, HEAVY_OCTETS, Link, Look, View

MAX_VALUE: Final = 300  # octets of one value
STOP_OCTETS: Final = 12  # by which the end of a value is found

# Printable ASCII without `&`, `<` and `>`; letters beyond it that take room and are no blanks. One blank between words.
_ASCII_WORD: Final = "[!-%'-;=?-~]++"
_LETTERS: Final = "\xa1-\xac\xae-\u024f\u0370-\u0482\u048a-\u052f\u3041-\u3096\u4e00-\u9fff\uac00-\ud7a3"
_WIDE_WORD: Final = f"[!-%'-;=?-~{_LETTERS}]++"
# No quotation marks either; not `=` at the begin, which behind a quotation mark looks like another attribute.
_ATTRIBUTE_VALUE: Final = "[!#-%(-;?-~][!#-%(-;=?-~]*+"
# What ends a comment begins with `-` and has a `>`.
_COMMENT_VALUE: Final = "[A-Za-z0-9](?:[!#-%(-;=?-~]*[A-Za-z0-9])?"


def _lines_of(value: str) -> re.Pattern[str]:
    return re.compile(f"{value}(?:\n{value})*")


_TEXT: Final = _lines_of(f"{_ASCII_WORD}(?: {_ASCII_WORD})*")
_WIDE_TEXT: Final = _lines_of(f"{_WIDE_WORD}(?: {_WIDE_WORD})*")
_ATTRIBUTES: Final = _lines_of(_ATTRIBUTE_VALUE)
_COMMENTS: Final = _lines_of(_COMMENT_VALUE)


Place = tuple[int, int]
"""An offset into a view's text: that into its constant pieces alone, and how many values stand before it."""


@dataclass(frozen=True, slots=True)
class Kinds:
    """The numbers of the values that stand in text, in attributes and in comments."""

    text: tuple[int, ...]
    attributes: tuple[int, ...]
    comments: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Gaps:
    """A view with places.

    Attributes:
        pieces: of all texts of the view, one behind the other with `EVENT` between: text, unseen, alternatives, those
            lines of the text that hold values, and the targets of the links.
        numbers: of the values that stand between the pieces.
        in_text: of those that stand in the text, in reading order.
        titles: the texts of the links; varied: number, begin and end of those that hold values.
        begins: of the links.
        looks: begin, end, size, contrast; quotes: those that the markup gave.
        is_doubtful: as in `View`.
        may_quote: whether the lines without values may quote.
    """

    pieces: tuple[str, ...]
    numbers: tuple[int, ...]
    in_text: tuple[int, ...]
    titles: tuple[str, ...]
    varied: tuple[tuple[int, Place, Place], ...]
    begins: tuple[Place, ...]
    looks: tuple[tuple[Place, Place, float, float], ...]
    quotes: tuple[tuple[Place, Place], ...]
    is_doubtful: bool
    may_quote: bool


@dataclass(frozen=True, slots=True)
class Template:
    """Constants with values between them, and the view of it all.

    Attributes:
        first: what the part begins with; others: what follows each value, and the octets by which it is found.
        kinds: of the values.
        is_wide: whether values may hold letters beyond ASCII: the part is UTF-8.
        attributes: how many `=` the constants have.
        gaps: the view.
        octets: about what this takes in memory.
    """

    first: bytes
    others: tuple[tuple[bytes, bytes], ...]
    kinds: Kinds
    is_wide: bool
    attributes: int
    gaps: Gaps
    octets: int

    def read(self, content: bytes) -> View | None:
        """Return what `read_html` would say of a part of the same charset, or None where this template cannot tell.

        A heavy part (`visible.is_heavy`) gives None: values begin no tag, so their octets and `=` are all to count.
        """
        values = self._values(content)
        return None if values is None else self.filled(values)

    def _values(self, content: bytes) -> list[str] | None:
        """Take the values out and look whether they are safe."""
        if not content.startswith(self.first) or not content.endswith(self.others[-1][1]):
            return None
        at = len(self.first)
        found: list[bytes] = []
        for stop, constant in self.others:
            end = content.find(stop, at, at + MAX_VALUE + len(stop))
            if end <= at or not content.startswith(constant, end):
                return None
            found.append(content[at:end])
            at = end + len(constant)
        whole = b"\n".join(found)
        if at != len(content) or at > HEAVY_OCTETS or self.attributes + whole.count(b"=") > HEAVY_ATTRIBUTES:
            return None
        try:
            values = whole.decode("utf-8" if self.is_wide else "ascii").split("\n")
        except UnicodeDecodeError:
            return None
        return values if len(values) == len(found) and self._are_safe(values) else None

    def _are_safe(self, values: list[str]) -> bool:
        for numbers, pattern in (
            (self.kinds.text, _WIDE_TEXT if self.is_wide else _TEXT),
            (self.kinds.attributes, _ATTRIBUTES),
            (self.kinds.comments, _COMMENTS),
        ):
            if numbers and not pattern.fullmatch("\n".join([values[number] for number in numbers])):
                return False
        # Runs with the same look are one where a single character stands between them.
        return not self.gaps.looks or all(len(values[number]) > 1 for number in self.gaps.in_text)

    def filled(self, values: list[str]) -> View:
        """Return the view with these values, which are safe, in their places."""
        gaps = self.gaps
        out = [""] * (2 * len(gaps.pieces) - 1)
        out[::2] = gaps.pieces
        out[1::2] = [values[number] for number in gaps.numbers]
        text, unseen, alternatives, lines, *targets = "".join(out).split(EVENT)
        shifts = [0, *accumulate([len(values[number]) for number in gaps.in_text])]

        def offset(place: Place) -> int:
            return place[0] + shifts[place[1]]

        titles = list(gaps.titles)
        for number, begin, end in gaps.varied:
            titles[number] = text[offset(begin) : offset(end)]
        begins = [begin + shifts[count] for begin, count in gaps.begins]
        quotes: tuple[Span, ...] = tuple([(offset(begin), offset(end)) for begin, end in gaps.quotes])
        if quotes or gaps.may_quote or may_quote(lines, lines.split("\n")):
            quotes = quotes_of(text, quotes)
        looks = tuple([Look(offset(begin), offset(end), *look) for begin, end, *look in gaps.looks])
        links = tuple(map(Link, titles, targets, begins))
        return View(text, links, looks, alternatives, unseen, quotes, gaps.is_doubtful)
