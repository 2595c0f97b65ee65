"""What a relay made of the attack shapes, told to people and to programs.

Replies are a stranger's words and go through `printable`, or through JSON; the rest is ours.
"""

from collections import Counter
from dataclasses import dataclass
from typing import Any, Final

import click

from sealgate.attack.catalogue import SHAPES
from sealgate.attack.shape import Needs, Shape
from sealgate.cli.sending import Answer
from sealgate.mail.reply import printable

_COLOUR: Final = {"refused": "green", "accepted": "green", "ACCEPTED": "red", "REFUSED": "red"}
_WHOLE: Final = 2_000  # characters of a reply that is not cut
_ASIDE: Final = (("look", "to be looked at"), ("deferred", "deferred"), ("not sent", "not sent"))


@dataclass(frozen=True, slots=True)
class Sent:
    """One shape and what the relay said."""

    shape: Shape
    answer: Answer

    @property
    def word(self) -> str:
        """The outcome in a word; in capitals where it should not be."""
        code = self.answer.code
        if not code:
            return "not sent"
        if code >= 400:
            if code < 500:
                return "deferred"
            return "refused" if self.shape.is_hostile else "REFUSED"
        if not self.shape.is_hostile:
            return "accepted"
        return "look" if self.shape.may_be_mended else "ACCEPTED"

    @property
    def is_failure(self) -> bool:
        """Whether the relay should have answered otherwise: hostile mail taken, or honest mail not."""
        return self.word in ("ACCEPTED", "REFUSED") or (self.word == "deferred" and not self.shape.is_hostile)


def row(sent: Sent, width: int = 0) -> str:
    """A line of the table: outcome, shape, family, reply. The reply is cut at `width` columns; 0: it is whole."""
    word = click.style(f"{sent.word:<9}", fg=_COLOUR.get(sent.word, "yellow"), bold=sent.is_failure)
    rest = f" {sent.shape.code:<22} {sent.shape.family:<20} {sent.answer.code or '-'!s:<3} "
    room = max(10, width - 9 - len(rest)) if width else _WHOLE
    return f"{word}{rest}{printable(sent.answer.text, room)}".rstrip()


def as_json(sent: Sent, tag: str) -> dict[str, Any]:
    """What a program reads of one shape that was sent."""
    shape = sent.shape
    return described(shape) | {
        "subject": f"sealgate attack {shape.code} {tag}",
        "answer": sent.word.lower(),
        "is_failure": sent.is_failure,
        "code": sent.answer.code,
        "reply": sent.answer.text,
    }


def described(shape: Shape) -> dict[str, Any]:
    """What a program reads of a shape."""
    return {
        "shape": shape.code,
        "family": shape.family,
        "is_hostile": shape.is_hostile,
        "may_be_mended": shape.may_be_mended,
        "needs": shape.needs.value,
        "says": shape.says,
    }


def summary(results: list[Sent], tag: str) -> str:
    """The last line: how many of which outcome, and how to find the copies."""
    hostile = Counter(sent.word for sent in results if sent.shape.is_hostile)
    good = Counter(sent.word for sent in results if not sent.shape.is_hostile)
    parts = [f"{hostile.total()} hostile: {hostile['refused']} refused, {hostile['ACCEPTED']} accepted"]
    parts += [f"{hostile[word]} {said}" for word, said in _ASIDE if hostile[word]]
    parts[-1] += f"; {good.total()} honest: {good['accepted']} accepted, {good['REFUSED']} refused"
    parts += [f"{good[word]} {said}" for word, said in _ASIDE if good[word]]
    return f"{', '.join(parts)}. Subjects end in {tag}."


def left_out(has: frozenset[Needs]) -> str:
    """Which shapes were not sent because nobody said that the site has what they need; empty: all were."""
    missing = Counter(shape.needs.value for shape in SHAPES if shape.needs and shape.needs not in has)
    if not missing:
        return ""
    each = ", ".join(f"{need} ({count})" for need, count in missing.items())
    return f"Left out, for want of what the options do not say: {each}.\n"


def listed(shape: Shape) -> str:
    """A shape on one line of the list."""
    kind = click.style("hostile", fg="red") if shape.is_hostile else click.style("honest ", fg="green")
    return f"{kind} {shape.family:<20} {shape.code:<22} {shape.says}"
