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
        wanted: codes or families, case-blind; empty: all.
        has: what the site has set.

    Raises:
        KeyError: a word of `wanted` is neither code nor family.
    """
    words = {word.lower() for word in wanted}
    known = {shape.code for shape in SHAPES} | {shape.family.lower() for shape in SHAPES}
    if unknown := words - known:
        raise KeyError(sorted(unknown)[0])
    able = has | {Needs.NOTHING}
    return tuple(
        shape
        for shape in SHAPES
        if shape.needs in able and (not words or shape.code in words or shape.family.lower() in words)
    )
