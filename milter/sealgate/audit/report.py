"""A tally as a document for counsel: what is said, and which numbers stand where.

This is the only place that decides it, so that HTML, Markdown, CSV and text cannot differ. Pure; nothing raises.
"""

from typing import Final

from sealgate.audit.document import Cell, Document, Section, Table
from sealgate.audit.report_mail import commercial, missing, nobody, refusals, senders, signatures, volume
from sealgate.audit.report_words import INCIDENTS, LIMITS, NONE, VERDICTS, WENT_ON
from sealgate.audit.tally import CRASHED, MAX_EVENTS, Tally

TROUBLE: Final = frozenset(
    {"gap", "recovered", "jump", "fault", "correction", "clock", "full", "worker-died", "mode", "forgotten"}
)


def document(tally: Tally, made: str, top: int = 20) -> Document:
    """Make the report.

    Args:
        tally: the sums of the span.
        made: when, RFC 3339.
        top: how many identities, principals and networks have a row of their own.
    """
    span = f"{_day(tally.since) or 'the beginning'} to {_day(tally.until) or 'the end'} (UTC, the end not included)"
    about = (
        ("Span", span),
        ("Host", ", ".join(sorted(tally.hosts)[:5]) or "none named"),
        ("Lines", f"{tally.lines:,}" + (f", numbers {tally.first:,} to {tally.last:,}" if tally.lines else "")),
        ("First and last", f"{_minute(tally.begins)} and {_minute(tally.ends)}" if tally.lines else "none"),
        ("Made", _minute(made)),
    )
    sections = (
        _summary(tally),
        _trouble(tally),
        volume(tally),
        senders(tally, top),
        refusals(tally),
        commercial(tally, top),
        signatures(tally, top),
        nobody(tally, top),
        _operation(tally),
        Section("What this record does not prove", LIMITS),
    )
    return Document("Outbound mail: what the gate let go, and what it refused", about, sections)


def _sum(tally: Tally, verdict: str) -> int:
    return sum(count for (_, found), count in tally.classes.items() if found == verdict)


def _summary(tally: Tally) -> Section:
    rows: list[tuple[Cell, ...]] = [(VERDICTS[verdict], _sum(tally, verdict)) for verdict in VERDICTS]
    rows += [
        ("All messages judged", sum(tally.classes.values())),
        ("Recipients of the messages that went on", tally.recipients),
        ("Commercial messages that went on", tally.commercial[0]),
        ("Times that something the law demands was missing in them", missing(tally)),
        ("Refused or deferred without a line of their own: the client had not logged in", tally.counted.total),
    ]
    says = [WENT_ON]
    if reported := tally.modes["report"]:
        says.append(
            f"{reported:,} messages were judged in report mode, in which refusals are written down and not answered. "
            f"Of these {sum(tally.would.values()):,} would not have gone on: {_listed(tally.would)}."
            if tally.would
            else f"{reported:,} messages were judged in report mode; enforce mode would have answered them alike."
        )
    if corrected := tally.kinds["correction"]:
        says.append(f"Answers above that later became a deferral: {corrected:,}; each is listed below.")
    if tally.unreadable:
        says.append(
            f"Lines that are not of a form that this program writes, and are not counted: {tally.unreadable:,}."
        )
    if not tally.lines:
        says.append("THE RECORD HOLDS NO LINE OF THIS SPAN.")
    return Section("Summary", tuple(says), (Table("", ("What was answered", "Messages"), tuple(rows)),))


def _trouble(tally: Tally) -> Section:
    found = [incident for incident in tally.incidents if incident.kind in TROUBLE or CRASHED in incident.detail]
    counts = {kind: tally.kinds[kind] or sum(i.kind == kind for i in found) for kind in TROUBLE}
    counts |= {"jump": tally.jumps, "start": sum(i.kind == "start" for i in found)}
    said = tuple(f"{INCIDENTS[kind]} ({count:,})." for kind, count in sorted(counts.items()) if count)
    if not found:
        return Section("What casts doubt, or needs an explanation", (NONE,))
    left = sum(count for kind, count in tally.unlisted.items() if kind in TROUBLE)
    rest = f"{left:,} more are not listed: of each kind the first {MAX_EVENTS:,} are." if left else ""
    rows = tuple((_second(i.moment), i.kind, i.detail, i.seq) for i in found)
    table = Table("Each of them", ("Time (UTC)", "What", "As recorded", "Line"), rows, rest)
    return Section("What casts doubt, or needs an explanation", said, (table,))


def _operation(tally: Tally) -> Section:
    marks = tally.checkpoints
    said = (
        f"{marks.lines:,} signed checkpoints, the first of {_second(marks.first)}, the last of {_second(marks.last)}, "
        f"over {marks.size:,} lines." if marks.lines else "NO SIGNED CHECKPOINT IN THIS SPAN.",
        f"Checkpoints handed to a place outside of this host: {tally.kinds['anchored']:,}."
        if tally.kinds["anchored"]
        else "No checkpoint was handed to a place outside of this host, as far as the record says.",
    )  # fmt: skip
    events = tuple((_second(i.moment), i.kind, i.detail, i.seq) for i in tally.incidents if i.kind not in TROUBLE)
    left = sum(count for kind, count in tally.unlisted.items() if kind not in TROUBLE)
    spans = (
        ("Version of the profile (SHA-256)", "Profiles in force", tally.profiles),
        ("Version of the program", "Programs", tally.programs),
    )
    tables = tuple(
        Table(
            title,
            (of, "From", "Until", "Lines"),
            tuple((n, _second(s.first), _second(s.last), s.lines) for n, s in found.items()),
        )
        for of, title, found in spans
    )
    rest = f"{left:,} more are not listed." if left else ""
    listed = Table("Starts, stops, reloads, keys, anchors", ("Time (UTC)", "What", "As recorded", "Line"), events, rest)
    return Section("Checkpoints, versions, operation", said, (*tables, listed))


def _listed(counts: dict[str, int]) -> str:
    return ", ".join(f"{VERDICTS.get(name, name).lower()} {count:,}" for name, count in sorted(counts.items()))


def _day(moment: str) -> str:
    return moment[:10] if moment[11:19] in ("", "00:00:00") else _minute(moment)


def _minute(moment: str) -> str:
    return f"{moment[:10]} {moment[11:16]}"


def _second(moment: str) -> str:
    return f"{moment[:10]} {moment[11:19]}"
