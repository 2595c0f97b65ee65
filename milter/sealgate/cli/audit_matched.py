"""A copy and its line in the record, told to people and to programs: which line, and what is not as it was.

Everything of the copy and of the record goes through `printable`.
"""

import textwrap
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, Final

import click

from sealgate.adapters.auditfiles import Line
from sealgate.audit.differences import SAME, Differences, ElementState, FieldState
from sealgate.audit.looking import text_at
from sealgate.audit.matching import Candidate, Traces
from sealgate.cli.telling import harmless, row
from sealgate.mail.reply import printable

_WIDTH: Final = 100
_LABEL: Final = 9
_COLOUR: Final = {"same": "green", "like": "green", "unknown": "yellow"}  # else red


@dataclass(frozen=True, slots=True)
class Matched:
    """What came of it.

    Attributes:
        notes: what was assumed of the file.
        traces: of the copy.
        candidates: the best lines, the first being taken for the right one.
        ties: how many weigh as much as the first.
        differences: of the copy from that line; None where there is none.
        subject: as the erasable file has it; empty: not known.
        went_to: whom the copy names as readers and who was among the recipients.
        lacks_recipients: whether recipients are hidden that nobody can name any more, or not to us.
    """

    notes: tuple[str, ...]
    traces: Traces
    candidates: tuple[Candidate[Line], ...] = ()
    ties: int = 0
    differences: Differences | None = None
    subject: str = ""
    went_to: tuple[str, ...] = ()
    lacks_recipients: bool = False


_Row = tuple[str, str, str]  # label, text, colour


def told(matched: Matched, *, width: int = 0) -> str:
    """The whole answer; `width` in columns, 0: a usual number."""
    room = min(width or _WIDTH, 110)
    lines: list[str] = []
    for label, text, colour in _rows(matched):
        pieces = textwrap.wrap(text, max(20, room - _LABEL - 2), break_on_hyphens=False) or [""]
        for number, piece in enumerate(pieces):
            painted = click.style(piece, fg=colour, bold=colour == "red") if colour else piece
            lines.append(f"  {label if not number else '':<{_LABEL}}{painted}".rstrip())
    return "\n".join((_title(matched), *lines))


def as_document(matched: Matched) -> dict[str, Any]:
    """What a program reads."""
    found = matched.differences
    return {
        "notes": list(matched.notes),
        "candidates": [
            {
                "id": one.found.event.get("id"), "queue_id": one.found.event.get("queue_id"),
                "t": one.found.event.get("t"), "seq": one.found.event.get("seq"),
                "file": str(one.found.lines[0].path), "line": one.found.lines[0].number,
                "points": one.evidence.points, "is_strong": one.evidence.is_strong, **asdict(one.evidence),
            }
            for one in matched.candidates
        ],
        "ties": matched.ties,
        "differences": asdict(found) | {"is_same": found.is_same} if found is not None else None,
        "went_to": list(matched.went_to),
        "not_known": list(_unknown(matched)),
    }  # fmt: skip


def _title(matched: Matched) -> str:
    if not matched.candidates:
        return click.style("NOT IN THE RECORD: no line of it is of this message", fg="red", bold=True)
    event, found = matched.candidates[0].found.event, matched.differences
    word = "UNCHANGED" if found is not None and found.is_same else "CHANGED"
    sure = "" if matched.candidates[0].evidence.is_strong and matched.ties == 1 else ", if this is its line"
    colour = "green" if word == "UNCHANGED" else "red"
    return click.style(f"{printable(text_at(event, 'id'), 40)}: {word} on its way{sure}", fg=colour, bold=True)


def _rows(matched: Matched) -> Iterator[_Row]:
    for note in matched.notes:
        yield "note", printable(note, 300), ""
    if not matched.candidates or matched.differences is None:
        yield from _nothing(matched)
        return
    best = matched.candidates[0]
    event = best.found.event
    line = best.found.lines[0]
    when = printable(text_at(event, "t"), 40)
    yield (
        "line",
        f"{printable(line.path.name, 100)}:{line.number}, {when}, answered {printable(text_at(event, 'verdict'), 20)}",
        "",
    )
    who = text_at(event, "auth", "principal") or text_at(event, "auth", "identity") or "nobody that was recognised"
    yield "who", printable(who), ""
    yield "because", "; ".join(best.evidence.told()), "" if best.evidence.is_strong else "yellow"
    if matched.ties > 1:
        yield "", f"{matched.ties} lines have as much for them; the likeliest others:", "yellow"
        for other in matched.candidates[1:]:
            yield "", row(harmless(other.found.event), is_dated=True), ""
    if matched.went_to:
        yield "to", f"{printable(', '.join(matched.went_to), 300)}: among the recipients", ""
    yield from _body(matched.differences)
    yield from _header(matched)
    yield from _elements(matched.differences.elements)
    for label, text in zip(("unknown", *[""] * 20), _unknown(matched), strict=False):
        yield label, text, ""
    yield "see also", f"sealgate audit explain {printable(text_at(event, 'id'), 40)}", ""


def _nothing(matched: Matched) -> Iterator[_Row]:
    traces = matched.traces
    signed = ", ".join(f"d={one.domain} s={one.selector}" for one in traces.signatures)
    yield "looked", "for its body, the bodies and times of its signatures, its Message-ID; then by author and date", ""
    yield "has", f"signatures: {printable(signed, 300) or 'none that can be read'}", ""
    yield "", f"Message-ID: {printable(traces.message_id, 300) or 'none'}", ""
    why = "it did not leave through this host, or its line is in files that are not here (--log), or all that tells it"
    need = "was changed: ask for a copy with its whole header, and its DKIM-Signature most of all"
    yield "so", f"{why} {need}", ""


def _body(found: Differences) -> Iterator[_Row]:
    cause = f": {printable(found.body_cause, 300)} (proven)" if found.body_cause else ""
    text = {
        SAME: "the same as was sealed, but for blanks at line ends and the like (relaxed form)",
        "changed": f"CHANGED{cause or ': the hash is another one; which change it was cannot be proven'}",
    }.get(found.body, "unknown: the line has no hash of the body")
    yield "body", text, _COLOUR.get(found.body, "red")


def _header(matched: Matched) -> Iterator[_Row]:
    found = matched.differences
    if found is None:
        return
    same = [field.name for field in found.fields if field.what == SAME]
    label = "header"
    for field in found.fields:
        if field.what in (SAME, "unknown"):
            continue
        yield label, _field(field, matched.subject), "yellow" if field.is_harmless else "red"
        label = ""
    if same:
        yield label, f"{len(same)} the same: {printable(', '.join(same), 600)}", "green"
        label = ""
    if found.unsigned:
        yield label, f"not signed, so nothing is known of: {printable(', '.join(found.unsigned), 600)}", ""


def _field(field: FieldState, subject: str) -> str:
    was = _was(field, subject)
    text = f"{printable(field.name, 60)} was {field.what}"
    if was:
        text += f'; recorded: "{printable(was, 200)}"'
    if field.now:
        text += f'; now: "{printable(field.now, 200)}"'
    return text + (" (above the signed one, which still holds)" if field.is_harmless else "")


def _was(field: FieldState, subject: str) -> str:
    return field.was or (subject if field.name.lower() == "subject" else "")


_WHAT: Final = {
    "same": "the same", "like": "the same as far as was recorded", "changed": "CHANGED", "gone": "GONE",
    "added": "added", "unknown": "unknown",
}  # fmt: skip


def _elements(elements: tuple[ElementState, ...]) -> Iterator[_Row]:
    label = "by law"
    for one in elements:
        text = f"{printable(one.name, 40)}: {_WHAT.get(one.what, one.what)}"
        if one.what not in ("same", "like"):
            text += f"; recorded: {printable(one.was, 300) or 'none'}; now: {printable(one.now, 300) or 'none'}"
        else:
            text += f", {printable(one.was, 300)}"
        if one.why:
            text += f" ({printable(one.why, 200)})"
        yield label, text, _COLOUR.get(one.what, "red")
        label = ""


def _unknown(matched: Matched) -> Iterator[str]:
    """What nobody can tell from copy and record."""
    found = matched.differences
    if found is None:
        return
    if any(one.what == "like" and one.why for one in found.elements):
        yield "whether a link leads to the very page it did: the record has scheme and host of a link, not the rest"
    if found.body == "changed" and not found.body_cause:
        yield "what the body said before: the record has its hash only"
    if any(field.what == "changed" and not _was(field, matched.subject) for field in found.fields):
        yield "what the changed fields said before, where it is not shown"
    if matched.lacks_recipients and not matched.went_to:
        yield "whether this reader was a recipient: the values behind the hashes are not there, or not for you"
    if not found.is_same:
        yield "who made the changes: a host on the way, or who handed in the copy"
    yield "whether a link works, and whether somebody who opted out was written to again"
