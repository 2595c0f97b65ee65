"""The sections of the report about mail: how much, whose, refused why, what commercial mail held, signed by whom.

Pure; nothing raises.
"""

from itertools import groupby
from typing import Final

from sealgate.audit.bounded import MAX_NAMES, Counts
from sealgate.audit.document import Cell, Chart, Section, Table
from sealgate.audit.report_words import (
    CLASSES,
    CLASSES_ARE_DECLARED,
    COMPLETE,
    COUNTED_UNDER_EACH,
    ELEMENTS,
    MANY,
    MISSING,
    STATES,
    VERDICTS,
    WAYS,
    WHO_IS_WHO,
)
from sealgate.audit.tally import LACKING, Tally
from sealgate.checks.rules import RULES
from sealgate.seal.plan import SKIPS

_MAX_BARS: Final = 62
_MAX_RULES: Final = 12  # in the chart; the table has all
_NAMES: Final = tuple(VERDICTS.values())


def volume(tally: Tally) -> Section:
    """How much, by class and by day."""
    days = sorted(tally.days.rows.items())
    bars = tuple((day, tuple(row)) for day, row in days)
    if len(bars) > _MAX_BARS:
        months = groupby(bars, key=lambda bar: bar[0][:7])
        bars = tuple((m, tuple(map(sum, zip(*(row for _, row in of), strict=True)))) for m, of in months)
    chart = Chart("Messages by day and by what was answered", _NAMES, bars) if bars else None
    by_class = Table(
        "By class",
        ("Class", *_NAMES, "All"),
        tuple(
            (
                words,
                *(tally.classes[name, verdict] for verdict in VERDICTS),
                sum(tally.classes[name, v] for v in VERDICTS),
            )
            for name, words in CLASSES.items()
        ),
    )
    by_day = Table("By day", ("Day (UTC)", *_NAMES, "All"), tuple((day, *row, sum(row)) for day, row in days))
    return Section("Volume", (CLASSES_ARE_DECLARED,), (by_class, by_day), chart)


def senders(tally: Tally, top: int) -> Section:
    """By identity, principal and listener; the first `top` of each."""

    def table(title: str, of: str, counts: Counts, nobody: str) -> Table:
        ranked, rest = counts.top(top)
        rows: list[tuple[Cell, ...]] = [(str(name) or nobody, *row, sum(row)) for name, row in ranked]
        if any(rest):
            rows.append((f"all others ({len(counts.rows) - top:,}{' or more' * any(counts.rest)})", *rest, sum(rest)))
        return Table(title, (of, *_NAMES, "All"), tuple(rows), MANY.format(MAX_NAMES) if any(counts.rest) else "")

    return Section(
        "Who sent",
        (WHO_IS_WHO,),
        (
            table("By identity", "Identity", tally.identities, "none: not recognised"),
            table("By principal", "Principal", tally.principals, "none: recognised without a login, or not at all"),
            table("By listener", "Listener", tally.listeners, "unnamed"),
        ),
    )


def refusals(tally: Tally) -> Section:
    """Each rule that was met, with the law and what it did."""
    ranked, _ = tally.rules.top(MAX_NAMES)
    ranked.sort(key=lambda item: (-sum(item[1][:3]), -item[1][3], item[0]))
    decided: list[tuple[Cell, ...]] = []
    met: list[tuple[Cell, ...]] = []
    for code, row in ranked:
        rule = RULES.get(code)
        says = f"{rule.says}; {rule.remedy}" if rule else "a rule of another version of the program"
        front = (code, tally.cites.get(code, ""), says)
        if any(row[:3]):
            decided.append((*front, *row))
        else:
            met.append((*front, row[3]))
    bars = tuple((str(code), tuple(row[:3])) for code, row in ranked[:_MAX_RULES] if any(row[:3]))
    title = "Rules that refused, deferred or held mail, the most frequent first"
    chart = Chart(title, _NAMES[1:], bars, colour=1, is_over_time=False) if bars else None
    head = ("Rule", "Law or standard", "What the sender was told")
    tables = (
        Table("Rules that decided", (*head, *_NAMES[1:], "Met only"), tuple(decided)),
        Table("Rules that were only met", (*head[:2], "What the sender would be told", "Met only"), tuple(met)),
    )
    return Section("Refusals by rule", (COUNTED_UNDER_EACH,), tables, chart)


def commercial(tally: Tally, top: int) -> Section:
    """What the law demands of commercial mail: found how and where, and how often missing."""
    sent, stopped = tally.commercial
    if not sent + stopped:
        return Section("Commercial mail", ("No message of an identity that is declared commercial was judged.",))
    rows, states = _elements(tally)
    ranked, rest = tally.places.top(2 * top)
    places: list[tuple[Cell, ...]] = [
        (ELEMENTS.get(n, (n,))[0], WAYS.get(how, how), where or "not said", row[0]) for (n, how, where), row in ranked
    ]
    if any(rest):
        places.append(("others", "", "", rest[0]))
    without = missing(tally)
    says = (
        f"{sent:,} commercial messages went on, and {stopped:,} did not. What the law demands of each was looked for.",
        MISSING.format(without) if without else COMPLETE,
    )
    head = ("Element", "Law", "Messages", "Found or waived", "Missing, and it went on", "Missing, and it did not")
    tables = (
        Table("What the law demands", head, rows),
        Table("What was found", ("Element", "Finding", "Went on", "Did not"), states),
        Table("Where it was found", ("Element", "How", "MIME part or field", "Messages"), tuple(places)),
    )
    return Section("Commercial mail", says, tables)


def missing(tally: Tally) -> int:
    """How often something that the law demands (which is not one-click) was missing in mail that went on."""
    found = tally.elements.rows.items()
    return sum(row[0] for (name, state), row in found if state in LACKING and name != "one-click")


def _elements(tally: Tally) -> tuple[tuple[tuple[Cell, ...], ...], tuple[tuple[Cell, ...], ...]]:
    """Rows by element, and rows by element and finding."""
    rows: list[tuple[Cell, ...]] = []
    states: list[tuple[Cell, ...]] = []
    for name, (what, law) in ELEMENTS.items():
        of = {state: row for (element, state), row in tally.elements.rows.items() if element == name}
        lacking = [row for state, row in of.items() if state in LACKING]
        left, kept = sum(row[0] for row in lacking), sum(row[1] for row in lacking)
        looked = sum(map(sum, of.values()))
        rows.append((what, law, looked, looked - left - kept, left, kept))
        ranked = sorted(of.items(), key=lambda item: (-sum(item[1]), item[0]))
        states += [(what, STATES.get(state, state), *row) for state, row in ranked]
    return tuple(rows), tuple(states)


def signatures(tally: Tally, top: int) -> Section:
    """Signatures by domain and algorithm; what went on unsigned, and why."""
    ranked, rest = tally.seals.top(5 * top)
    rows = [(*_tags(str(name)), row[0]) for name, row in ranked]
    if any(rest):
        rows.append(("others", "", "", rest[0]))
    unsigned, _ = tally.unsigned.top(top)
    why = tuple(
        (SKIPS.get(str(reason), str(reason) or "not said").replace("`", ""), row[0]) for reason, row in unsigned
    )
    return Section(
        "Signatures",
        ("DKIM signatures (RFC 6376) of messages that went on or are held. One message may have several.",),
        (
            Table("Signed", ("Domain", "Selector", "Algorithm", "Signatures"), tuple(rows)),
            Table("Unsigned, and why", ("Reason", "Messages"), why),
        ),
    )


def nobody(tally: Tally, top: int) -> Section:
    """Refusals of clients without a login, which are only counted."""
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


def _tags(signature: str) -> tuple[str, str, str]:
    tags = dict(tag.partition("=")[::2] for tag in signature.split(" "))
    return tags.get("d", ""), tags.get("s", ""), tags.get("a", "")
