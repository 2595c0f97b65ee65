"""All shapes in one tuple, family by family, hostile ones first; the order is that of sending."""

from typing import Final

from sealgate.attack import (
    author_fields,
    broken,
    encoded,
    envelope,
    honest,
    mailboxes,
    names,
    paths,
    quoting,
    several_from,
    spelling,
    trace,
)
from sealgate.attack.shape import Needs, Shape

SHAPES: Final[tuple[Shape, ...]] = (
    *several_from.SHAPES,
    *mailboxes.SHAPES,
    *quoting.SHAPES,
    *encoded.SHAPES,
    *paths.SHAPES,
    *spelling.SHAPES,
    *author_fields.SHAPES,
    *envelope.SHAPES,
    *broken.SHAPES,
    *names.SHAPES,
    *trace.SHAPES,
    *honest.SHAPES,
)


def chosen(wanted: tuple[str, ...] = (), has: frozenset[Needs] = frozenset()) -> tuple[Shape, ...]:
    """The shapes to send.

    Args:
        wanted: codes or families, case-blind, a family also with hyphens for its blanks; empty: all.
        has: what the site has set.

    Raises:
        KeyError: a word of `wanted` is neither code nor family.
    """
    words = {word.lower().replace(" ", "-") for word in wanted}
    if unknown := words - {*_words()}:
        raise KeyError(sorted(unknown)[0])
    able = has | {Needs.NOTHING}
    return tuple(
        shape
        for shape in SHAPES
        if shape.needs in able and (not words or shape.code in words or _hyphened(shape.family) in words)
    )


def completed(beginning: str) -> tuple[str, ...]:
    """The words for `chosen` that begin so: families with hyphens for their blanks, then codes."""
    return tuple(word for word in _words() if word.startswith(beginning.lower().replace(" ", "-")))


def _words() -> dict[str, None]:
    return dict.fromkeys((*(_hyphened(shape.family) for shape in SHAPES), *(shape.code for shape in SHAPES)))


def _hyphened(family: str) -> str:
    return family.lower().replace(" ", "-")
