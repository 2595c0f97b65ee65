"""Placeholder of the reader's view values; the reading itself follows."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Link:
    """A link a reader can follow: its visible text, its target as written, and where its text begins in `View.text`."""

    text: str
    href: str
    offset: int


@dataclass(frozen=True, slots=True)
class View:
    """What a reader sees of one part: the text in reading order, blanks folded, and the links in it."""

    text: str
    links: tuple[Link, ...] = ()
