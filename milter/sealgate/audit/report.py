"""A tally as a document for counsel: sections with sentences and tables, which each format renders as it can.

`document` is the only place that decides what is said and which numbers stand where, so that HTML, Markdown, CSV and
text cannot differ. Everything in a cell is a plain text or a whole number; whoever renders escapes it. Pure; nothing
raises.
"""

from dataclasses import dataclass
from itertools import groupby
from typing import Final

from sealgate.audit.report_words import (
    CLASSES,
    ELEMENTS,
    INCIDENTS,
    LIMITS,
    STATES,
    VERDICTS,
    WAYS,
)
from sealgate.audit.tally import LACKING, MAX_EVENTS, MAX_NAMES, Counts, Tally
from sealgate.checks.rules import RULES
from sealgate.seal.plan import SKIPS

Cell = str | int
TROUBLE: Final = frozenset({"gap", "recovered", "jump", "fault", "correction", "clock", "full", "worker-died", "mode"})
_MAX_BARS: Final = 62


@dataclass(frozen=True, slots=True)
class Chart:
    """Numbers to be drawn; all of them also stand in the table of the section.

    Attributes:
        title: what it shows, in a sentence: it is also what a reader who sees no picture is told.
        series: names of the numbers of a bar, from the axis outwards.
        bars: label and numbers of each.
        is_over_time: bars stand side by side along time; else they lie one below the other.
    """

    title: str
    series: tuple[str, ...]
    bars: tuple[tuple[str, tuple[int, ...]], ...]
    is_over_time: bool = True


@dataclass(frozen=True, slots=True)
class Table:
    """Rows below a head. Columns of numbers are those whose every cell is a number.

    Attributes:
        rest: what is left out, or how to read it.
    """

    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    rest: str = ""


@dataclass(frozen=True, slots=True)
class Section:
    """A heading, sentences, charts and tables."""

    title: str
    says: tuple[str, ...] = ()
    tables: tuple[Table, ...] = ()
    chart: Chart | None = None


@dataclass(frozen=True, slots=True)
class Document:
    """The whole report."""

    title: str
    about: tuple[tuple[str, str], ...]
    sections: tuple[Section, ...]


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
        _volume(tally),
        _senders(tally, top),
        _refusals(tally),
        _commercial(tally, top),
        _signatures(tally, top),
        _nobody(tally, top),
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
        ("Refused or deferred without a line of their own: the client had not logged in", _total(tally.counted)),
    ]
    says = [
        "A message that went on was handed back to the mail server for delivery. What became of it is not known here."
    ]
    if reported := tally.modes["report"]:
        says.append(
            f"{reported:,} messages were judged in report mode, in which refusals are written down and not answered. "
            f"Of these {sum(tally.would.values()):,} would not have gone on: {_listed(tally.would)}."
            if tally.would
            else f"{reported:,} messages were judged in report mode; enforce mode would have answered them alike."
        )
    if corrected := tally.kinds["correction"]:
        says.append(f"{corrected:,} of the answers above were later corrected to a deferral; each is listed below.")
    if tally.unreadable:
        says.append(f"{tally.unreadable:,} lines were not of a form that this program writes, and are not counted.")
    if not tally.lines:
        says.append("THE RECORD HOLDS NO LINE OF THIS SPAN.")
    return Section("Summary", tuple(says), (Table("", ("What was answered", "Messages"), tuple(rows)),))


def _trouble(tally: Tally) -> Section:
    found = [incident for incident in tally.incidents if incident.kind in TROUBLE or "note:" in incident.detail]
    counts = {kind: tally.kinds[kind] or sum(i.kind == kind for i in found) for kind in TROUBLE}
    counts |= {"jump": tally.jumps}
    said = tuple(f"{INCIDENTS[kind]} ({count:,})." for kind, count in sorted(counts.items()) if count)
    if not found:
        none = "None: no gap, no recovery, no fault, no correction, no clock that was set, no full disk, no crash, no switch."
        return Section("What casts doubt, or needs an explanation", (none,))
    left = sum(count for kind, count in tally.unlisted.items() if kind in TROUBLE)
    rest = f"{left:,} more are not listed: of each kind the first {MAX_EVENTS:,} are." if left else ""
    rows = tuple((_second(i.moment), i.kind, i.detail, i.seq) for i in found)
    table = Table("Each of them", ("Time (UTC)", "What", "As recorded", "Line"), rows, rest)
    return Section("What casts doubt, or needs an explanation", said, (table,))


def _volume(tally: Tally) -> Section:
    days = sorted(tally.days.rows.items())
    names = tuple(VERDICTS[verdict] for verdict in VERDICTS)
    bars = tuple((day, tuple(row)) for day, row in days)
    if len(bars) > _MAX_BARS:
        months = groupby(bars, key=lambda bar: bar[0][:7])
        bars = tuple((m, tuple(map(sum, zip(*(row for _, row in of), strict=True)))) for m, of in months)
    chart = Chart("Messages by day and by what was answered", names, bars) if bars else None
    by_class = Table(
        "By class",
        ("Class", *names, "All"),
        tuple(
            (
                words,
                *(tally.classes[name, verdict] for verdict in VERDICTS),
                sum(tally.classes[name, v] for v in VERDICTS),
            )
            for name, words in CLASSES.items()
        ),
    )
    by_day = Table("By day", ("Day (UTC)", *names, "All"), tuple((day, *row, sum(row)) for day, row in days))
    says = (
        "Commercial is what an identity sends that the profile declares commercial. An advertisement that somebody else "
        "sends is counted with the other mail, unless a rule found it.",
    )
    return Section("Volume", says, (by_class, by_day), chart)


def _senders(tally: Tally, top: int) -> Section:
    names = tuple(VERDICTS[verdict] for verdict in VERDICTS)

    def table(title: str, of: str, counts: Counts, nobody: str) -> Table:
        ranked, rest = counts.top(top)
        rows = [(str(name) or nobody, *row, sum(row)) for name, row in ranked]
        if any(rest):
            rows.append((f"all others ({max(0, len(counts.rows) - top):,} or more)", *rest, sum(rest)))
        note = (
            f"More than {MAX_NAMES:,} names: who first appeared after that is among the others."
            if any(counts.rest)
            else ""
        )
        return Table(title, (of, *names, "All"), tuple(rows), note)

    return Section(
        "Who sent",
        (
            "An identity is a sender that the profile names; a principal is the account that proved itself by logging in.",
        ),
        (
            table("By identity", "Identity", tally.identities, "none: not recognised"),
            table("By principal", "Principal", tally.principals, "none: recognised without a login, or not at all"),
            table("By listener", "Listener", tally.listeners, "unnamed"),
        ),
    )


def _refusals(tally: Tally) -> Section:
    ranked, _ = tally.rules.top(MAX_NAMES)
    ranked.sort(key=lambda item: (-sum(item[1][:3]), -item[1][3], item[0]))
    rows = []
    for code, (refused, deferred, held, met) in ranked:
        rule = RULES.get(code)
        says = f"{rule.says}; {rule.remedy}" if rule else "a rule of another version of the program"
        rows.append((code, tally.cites.get(code, rule.cites if rule else ""), says, refused, deferred, held, met))
    head = (
        "Rule",
        "Law or standard",
        "What the sender was told",
        "Refused",
        "Deferred",
        "Held",
        "Met without deciding",
    )
    bars = tuple((str(row[0]), (int(row[3]), int(row[4]), int(row[5]))) for row in rows if row[3] or row[4] or row[5])[
        :12
    ]
    words = tuple(VERDICTS[verdict] for verdict in ("reject", "tempfail", "quarantine"))
    chart = Chart("Rules that refused, deferred or held mail, the most frequent first", words, bars, is_over_time=False)
    says = (
        "A message that met several rules is counted under each. Met without deciding: the rule only reports, or another "
        "answered, or the gate was in report mode.",
    )
    return Section("Refusals by rule", says, (Table("", head, tuple(rows)),), chart if bars else None)


def _commercial(tally: Tally, top: int) -> Section:
    sent, stopped = tally.commercial
    rows, states = [], []
    for name, (what, law) in ELEMENTS.items():
        of = {state: row for (element, state), row in tally.elements.rows.items() if element == name}
        lacking = [row for state, row in of.items() if state in LACKING]
        looked = sum(map(sum, of.values()))
        left, kept = sum(row[0] for row in lacking), sum(row[1] for row in lacking)
        rows.append((what, law, looked, looked - left - kept, left, kept))
        for state, row in sorted(of.items(), key=lambda item: -sum(item[1])):
            states.append((what, STATES.get(state, state), row[0], row[1]))
    ranked, rest = tally.places.top(2 * top)
    places = [
        (ELEMENTS.get(n, (n,))[0], WAYS.get(how, how), where or "not said", row[0]) for (n, how, where), row in ranked
    ]
    if any(rest):
        places.append(("others", "", "", rest[0]))
    says = [
        f"{sent:,} commercial messages went on, and {stopped:,} did not. What the law demands of each was looked for."
    ]
    without = sum(int(row[4]) for row in rows[:3])
    says.append(
        f"In mail that went on, something that the law demands was not found {without:,} times."
        if without
        else "In no commercial message that went on was anything missing that the law demands."
    )
    if not sent + stopped:
        return Section("Commercial mail", ("No message of an identity that is declared commercial was judged.",))
    head = ("Element", "Law", "Messages", "Found or waived", "Missing, and it went on", "Missing, and it did not")
    return Section(
        "Commercial mail",
        tuple(says),
        (
            Table("What the law demands", head, tuple(rows)),
            Table("What was found", ("Element", "Finding", "Went on", "Did not"), tuple(states)),
            Table("Where it was found", ("Element", "How", "Part of the message", "Messages"), tuple(places)),
        ),
    )


def _signatures(tally: Tally, top: int) -> Section:
    ranked, rest = tally.seals.top(5 * top)
    rows = [(*_tags(str(name)), row[0]) for name, row in ranked]
    if any(rest):
        rows.append(("others", "", "", rest[0]))
    unsigned, _ = tally.unsigned.top(top)
    why = tuple((SKIPS.get(str(reason), str(reason) or "not said"), row[0]) for reason, row in unsigned)
    return Section(
        "Signatures",
        ("DKIM signatures (RFC 6376) of messages that went on. One message may have several.",),
        (
            Table("Signed", ("Domain", "Selector", "Algorithm", "Signatures"), tuple(rows)),
            Table("Went on unsigned, and why", ("Reason", "Messages"), why),
        ),
    )


def _nobody(tally: Tally, top: int) -> Section:
    rules, more = tally.counted.top(top)
    rows = [(rule or "not said", VERDICTS.get(verdict, verdict), row[0]) for (rule, verdict), row in rules]
    networks, rest = tally.networks.top(top)
    sources = [(str(name) or "not known", row[0]) for name, row in networks]
    if any(more):
        rows.append(("others", "", more[0]))
    if any(rest):
        sources.append(("all others", rest[0]))
    if not rows:
        return Section("Refusals without a login", ("None.",))
    return Section(
        "Refusals without a login",
        ("Clients that had not proven who they are. They are counted by network and minute and have no line each.",),
        (
            Table("By rule", ("Rule", "Answer", "Tries"), tuple(rows)),
            Table("By network", ("Network", "Tries"), tuple(sources)),
        ),
    )


def _operation(tally: Tally) -> Section:
    marks = tally.checkpoints
    said = (
        f"{marks.lines:,} signed checkpoints, the first of {_second(marks.first)}, the last of {_second(marks.last)}, over "
        f"{marks.size:,} lines." if marks.lines else "NO SIGNED CHECKPOINT IN THIS SPAN.",
        f"{tally.kinds['anchored']:,} times one was handed to a place outside of this host."
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


def _total(counts: Counts) -> int:
    return sum(map(sum, counts.rows.values())) + sum(counts.rest)


def _tags(signature: str) -> tuple[str, str, str]:
    tags = dict(tag.partition("=")[::2] for tag in signature.split(" "))
    return tags.get("d", ""), tags.get("s", ""), tags.get("a", "")


def _listed(counts: dict[str, int]) -> str:
    return ", ".join(f"{VERDICTS.get(name, name).lower()} {count:,}" for name, count in sorted(counts.items()))


def _day(moment: str) -> str:
    return moment[:10] if moment[11:19] == "00:00:00" else _minute(moment)


def _minute(moment: str) -> str:
    return f"{moment[:10]} {moment[11:16]}"


def _second(moment: str) -> str:
    return f"{moment[:10]} {moment[11:19]}"
