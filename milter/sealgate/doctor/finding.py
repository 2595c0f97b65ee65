"""A rule of the doctor, and what it finds.

A `Rule` is one function with its code, the documentation it rests on and the sentence that says why it matters; the
decorator `rule` makes it. A `Finding` says what is, at which place, and what to paste. Pure values; nothing raises.
"""

import enum
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from sealgate.doctor.host import Host


class Level(enum.StrEnum):
    """How bad it is."""

    WRONG = "wrong"  # mail leaves unjudged or unsigned, is refused or waits, or may be forged
    WARNING = "warning"  # works, and will one day not, or not as meant
    UNKNOWN = "unknown"  # could not be found out
    FINE = "fine"


@dataclass(frozen=True, slots=True)
class Finding:
    """What one rule found at one place.

    Attributes:
        level: how bad it is.
        code: of the rule.
        place: the service, file or key that it is about.
        what: what is, in one sentence.
        paste: lines for a shell that mend it; those that begin with `#` say what a person has to do.
        why: why it matters, in one sentence; the rule's own, filled in by `examine`.
        cites: the documentation; the rule's own, filled in by `examine`.
    """

    level: Level
    code: str
    place: str
    what: str
    paste: tuple[str, ...] = ()
    why: str = ""
    cites: str = ""


@dataclass(frozen=True, slots=True)
class Told:
    """What a rule's function says; the rule puts its code to it."""

    level: Level
    place: str
    what: str
    paste: tuple[str, ...] = ()


Judge = Callable[[Host], Iterator[Told]]


@dataclass(frozen=True, slots=True)
class Rule:
    """One thing that may be wrong.

    Attributes:
        code: such as `postfix.default-action`.
        cites: parameters and the documentation they stand in.
        why: what happens otherwise, in one sentence.
        judge: looks at a host; gives nothing where there is nothing to look at.
    """

    code: str
    cites: str
    why: str
    judge: Judge

    @property
    def looks_at(self) -> str:
        """What is looked at: the first paragraph of the function's docstring."""
        return " ".join((self.judge.__doc__ or "").partition("\n\n")[0].split())

    def examine(self, host: Host) -> Iterator[Finding]:
        """Look at a host."""
        for told in self.judge(host):
            yield Finding(told.level, self.code, told.place, told.what, told.paste, self.why, self.cites)


def rule(code: str, cites: str, why: str) -> Callable[[Judge], Rule]:
    """Make a rule of a function."""
    return lambda judge: Rule(code, cites, why, judge)


def wrong(place: str, what: str, *paste: str) -> Told:
    """Mail leaves unjudged or unsigned, is refused or waits, or may be forged."""
    return Told(Level.WRONG, place, what, paste)


def warning(place: str, what: str, *paste: str) -> Told:
    """It works, and will one day not, or not as meant."""
    return Told(Level.WARNING, place, what, paste)


def unknown(place: str, what: str, *paste: str) -> Told:
    """It could not be found out."""
    return Told(Level.UNKNOWN, place, what, paste)


def fine(place: str, what: str) -> Told:
    """As it should be."""
    return Told(Level.FINE, place, what)
