"""Screened messages told to people and to programs: a line, the whole story, JSON, the sum, and a bar for many."""

import shutil
import sys
from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import Any, Final

import click

from sealgate.checks.finding import Action
from sealgate.screening import Screening
from sealgate.screening.explaining import explain, headline
from sealgate.screening.footer import shown
from sealgate.screening.mailfiles import Item

_COLOUR: Final[dict[str, dict[str, Any]]] = {
    "found": {"fg": "black", "bg": "green"},
    "bad": {"fg": "red", "bold": True},
    "dim": {"dim": True},
    Action.ACCEPT: {"fg": "green", "bold": True},
    Action.REJECT: {"fg": "red", "bold": True},
    Action.TEMPFAIL: {"fg": "yellow", "bold": True},
    Action.QUARANTINE: {"fg": "yellow", "bold": True},
}
_BAR: Final = 24  # columns
_MANY_FILES, _MANY_OCTETS = 20, 4_000_000  # less is done before a bar could be read


def width_of() -> int:
    """Columns to write in: those of the terminal, 60 to 110."""
    return max(60, min(110, shutil.get_terminal_size((100, 24)).columns))


def row(name: str, screening: Screening) -> str:
    """One line."""
    return f"{shown(name)}: {headline(screening, _paint)}"


def full(name: str, screening: Screening, *, width: int, show: bool) -> str:
    """Everything, with an empty line behind it."""
    # Where nobody sees colours the marks of a footer are brackets.
    paint = _paint if sys.stdout.isatty() else None
    return f"{click.style(shown(name), bold=True)}\n{explain(screening, width=width, paint=paint, show=show)}\n"


def unreadable(item: Item) -> str:
    """What could not be screened, and why."""
    return f"sealgate: {shown(item.name)}: {shown(item.fault)}"


def as_json(name: str, screening: Screening) -> dict[str, Any]:
    """What a program reads of one message: what the audit line would hold, and the words of the rules."""
    kept = ("header", "message")
    return {
        "file": name,
        "is_lawful": screening.is_lawful,
        "would": str(screening.would),
        **{key: screening.record.get(key, {}) for key in kept},
        "verdict": str(screening.would),
        "reply": screening.reply,
        "identity": screening.identity,
        "class": str(screening.mail_class or ""),
        "author": screening.author,
        "findings": [asdict(remark) | {"rule": remark.code, "stops": remark.stops} for remark in screening.findings],
        "elements": [asdict(element) | {"where": element.part} for element in screening.elements],
        "looked": [
            {
                "part": looked.part,
                "kind": looked.kind,
                "seen": len(looked.view.text) if looked.view else None,
                "unseen": len(looked.view.unseen) if looked.view else None,
                "links": len(looked.view.links) if looked.view else None,
                "why": looked.why,
            }
            for looked in screening.looked
        ],
        "seal": asdict(screening.seal),
        "left_out": screening.left_out,
        "fault": screening.fault,
    }


@dataclass(slots=True)
class Tally:
    """How many of what."""

    messages: int = 0
    stopped: int = 0
    unreadable: int = 0
    by_rule: Counter[str] = field(default_factory=Counter)
    reported: Counter[str] = field(default_factory=Counter)

    def add(self, said: Screening | Item) -> None:
        """Count one."""
        if isinstance(said, Item):
            self.unreadable += 1
            return
        self.messages += 1
        self.stopped += not said.is_lawful
        self.by_rule.update({remark.code for remark in said.findings if remark.stops})
        self.reported.update({remark.code for remark in said.findings if not remark.stops})

    def summary(self) -> str:
        """The last lines."""
        lines = [f"{self.messages:,} message{'s' * (self.messages != 1)}, {self.stopped:,} would not leave"]
        if self.unreadable:
            lines[0] += f"; {self.unreadable:,} could not be screened"
        lines += [f"  {count:>6,}  {code}" for code, count in self.by_rule.most_common()]
        lines += [f"  {count:>6,}  {code} (reported)" for code, count in self.reported.most_common()]
        return "\n".join(lines)


class Progress:
    """A bar on standard error, where somebody watches and there is much to do. Clear it before anything is printed."""

    def __init__(self, octets: int, files: int) -> None:
        self._octets = max(1, octets)
        self._is_on = sys.stderr.isatty() and (files >= _MANY_FILES or octets >= _MANY_OCTETS)
        self._read = 0
        self._last = ""

    def advance(self, octets: int) -> None:
        """Count octets that were read."""
        self._read += octets

    def draw(self, tally: Tally) -> None:
        """Show how far it is."""
        if not self._is_on:
            return
        part = min(1.0, self._read / self._octets)
        line = f"[{'#' * int(part * _BAR):<{_BAR}}] {part:4.0%}  {tally.messages:,} messages, {tally.stopped:,} stopped"
        if line != self._last:
            click.echo(f"\r\x1b[K{line}", nl=False, err=True)
            self._last = line

    def clear(self) -> None:
        """Take it away."""
        if self._last:
            click.echo("\r\x1b[K", nl=False, err=True)
            self._last = ""


def _paint(text: str, what: str) -> str:
    return click.style(text, **_COLOUR.get(what, {}))
