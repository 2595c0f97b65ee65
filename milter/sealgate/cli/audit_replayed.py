"""Two judgements of one message side by side: what the record holds or an old profile says, and what another one says.

Findings are the same where rule and place are; a changed mode or action of the rule is told as a change. Their words
are not compared: they may be another version's. Nothing here raises.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, Final

import click

from sealgate.mail.reply import printable
from sealgate.screening import Screening

_COLOUR: Final = {"accept": "green", "reject": "red", "tempfail": "yellow", "quarantine": "yellow"}
_NAME: Final = 12  # columns
_LEFT: Final = 34


@dataclass(frozen=True, slots=True)
class Met:
    """A rule that was met, where, and what came of it."""

    rule: str
    where: str
    mode: str
    action: str

    @property
    def weight(self) -> str:
        """What the profile makes of the rule."""
        return self.action if self.mode == "enforce" else f"{self.action}, only reported"


@dataclass(frozen=True, slots=True)
class Side:
    """One judgement.

    Attributes:
        title: what it is: `recorded`, `judged again`.
        profile: its digest or its file.
        would: the verdict in enforce mode.
        identity: as whom; empty: nobody.
        met: the findings.
        notes: what was not as it was, or could not be judged.
    """

    title: str
    profile: str
    would: str
    identity: str = ""
    met: tuple[Met, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Change:
    """A finding that is not on both sides alike; `then` or `now` is empty where it is on the other side only."""

    rule: str
    where: str
    then: str
    now: str


def side_of_line(event: dict[str, Any]) -> Side:
    """What a line of the record says."""
    auth = event.get("auth")
    found = event.get("findings")
    rows = [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []
    met = tuple(Met(_text(one, "rule"), _text(one, "where"), _text(one, "mode"), _text(one, "action")) for one in rows)
    notes = []
    if event.get("stage") == "mail":
        notes.append("it was refused at MAIL: header and body were never seen, and their rules not asked")
    if event.get("mode") == "report":
        notes.append(f"in report mode; answered {_text(event, 'verdict')}")
    identity = _text(auth, "identity") if isinstance(auth, dict) else ""
    return Side("recorded", _text(event, "profile"), _text(event, "would"), identity, met, tuple(notes))


def side_of(screening: Screening, title: str, profile: str) -> Side:
    """What the gate would answer."""
    met = tuple(Met(one.code, one.where, str(one.mode), str(one.action)) for one in screening.findings)
    notes = tuple(filter(None, (screening.left_out and f"not judged: {screening.left_out}", screening.fault)))
    return Side(title, profile, str(screening.would), screening.identity, met, notes)


def changes(then: Side, now: Side) -> tuple[Change, ...]:
    """Every finding that differs, in the order of the old side, then of the new one."""
    mine, others = Counter(then.met), Counter(now.met)
    gone, come = list((mine - others).elements()), list((others - mine).elements())
    found = []
    for one in gone:
        same = next((other for other in come if (other.rule, other.where) == (one.rule, one.where)), None)
        if same is not None:
            come.remove(same)
        found.append(Change(one.rule, one.where, one.weight, same.weight if same is not None else ""))
    return (*found, *(Change(one.rule, one.where, "", one.weight) for one in come))


def is_same(then: Side, now: Side) -> bool:
    """Whether verdict and findings are the same."""
    return then.would == now.would and not changes(then, now)


def told(name: str, then: Side, now: Side, notes: tuple[str, ...]) -> Iterator[str]:
    """Both sides in columns, for a person."""
    yield click.style(printable(name), bold=True)
    for note in notes:
        yield f"  {printable(note, 400)}"
    yield f"  {'':{_NAME}}{then.title:{_LEFT}}{now.title}"
    yield f"  {'profile':{_NAME}}{_short(then.profile):{_LEFT}}{_short(now.profile)}"
    yield f"  {'identity':{_NAME}}{_cell(then.identity or '-')}{printable(now.identity or '-')}"
    left = _cell(then.would)
    yield f"  {'verdict':{_NAME}}{_paint(left, then.would)}{_paint(now.would, now.would)}"
    differing = changes(then, now)
    for one in then.met:
        if not any((one.rule, one.where) == (change.rule, change.where) for change in differing):
            yield f"  {'= finding':{_NAME}}{printable(f'{one.rule} {one.where}'.strip(), 200)}: {one.weight}"
    for change in differing:
        yield f"  {'! finding':{_NAME}}{printable(f'{change.rule} {change.where}'.strip(), 200)}"
        yield f"  {'':{_NAME}}{_cell(change.then or 'not met')}{printable(change.now or 'not met')}"
    for side in (then, now):
        for note in side.notes:
            yield f"  {side.title}: {printable(note, 400)}"
    yield "the same" if is_same(then, now) else click.style("not the same", fg="yellow", bold=True)


def as_document(name: str, then: Side, now: Side, notes: tuple[str, ...]) -> dict[str, Any]:
    """Both sides for a program."""
    return {
        "file": name,
        "same": is_same(then, now),
        "then": asdict(then),
        "now": asdict(now),
        "changes": [asdict(change) for change in changes(then, now)],
        "notes": list(notes),
    }


def _cell(text: str) -> str:
    return f"{printable(text, _LEFT - 2):{_LEFT}}"


def _short(profile: str) -> str:
    is_digest = len(profile) == 64 and not profile.strip("0123456789abcdef")
    return profile[:16] if is_digest else printable(profile[-(_LEFT - 2) :]) or "-"


def _paint(text: str, verdict: str) -> str:
    return click.style(printable(text), fg=_COLOUR.get(verdict), bold=True)


def _text(of: dict[str, Any], name: str) -> str:
    value = of.get(name)
    value = value.get("begins") if isinstance(value, dict) else value
    return value if isinstance(value, str) else ""
