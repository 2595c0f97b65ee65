"""What the lines of a span of time add up to, for a report to counsel: one pass, and memory that does not grow.

`Tally.take` is given every line as octets, in the order of the files; the attributes of the tally are the sums. Counts
are exact. Names that an attacker or a large realm could multiply are counted one by one up to `bounded.MAX_NAMES` of a
sort, and what comes later is counted together (`Counts.rest`); events that a person must see one by one are kept up to
`MAX_EVENTS` of a kind, and counted beyond. Pure. Lines may be anybody's: what is no line of ours is counted
(`unreadable`), and nothing raises.
"""

import json
from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Final

from sealgate.audit.bounded import Counts, Span, seen
from sealgate.audit.incidents import told

MAX_EVENTS: Final = 1_000
VERDICTS: Final = ("accept", "reject", "tempfail", "quarantine")
CLASSES: Final = ("commercial", "other", "unseen")
"""`unseen`: refused or deferred before the message was sent, so that nothing can be said of it."""

LACKING: Final = frozenset({"absent", "unread", "unfilled", "dead", "malformed"})
"""States of an element in which the law's demand, or that of mailbox providers, is not met as far as can be seen."""

SEEN_ONE_BY_ONE: Final = frozenset(
    {
        "gap", "recovered", "fault", "correction", "clock", "full", "worker-died", "mode", "reload", "key", "start",
        "stop", "restart", "forgotten", "anchored",
    }
)  # fmt: skip
CRASHED: Final = "no stop was recorded before it"
_MAX_NAME: Final = 256
_LATEST: Final = "9999"
_DECODE: Final = json.JSONDecoder().decode
Event = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Incident:
    """One event that a person must see."""

    moment: str
    kind: str
    detail: str
    seq: int


@dataclass(slots=True)
class Checkpoints:
    """The signed roots in the record."""

    lines: int = 0
    first: str = ""
    last: str = ""
    size: int = 0


@dataclass(slots=True)
class Tally:
    """The sums.

    Attributes:
        since, until: RFC 3339 in UTC; `until` itself is not meant any more. Empty: no bound.
        lines, unreadable: of the span; of all that was given.
        jumps: how often a line's number did not follow the one before.
        first, last: numbers of the first and last line of the span; 0: none.
        begins, ends: their times.
        recipients: of accepted mail.
        modes: decisions by mode. `would`: accepted ones that enforce mode would have refused, by what it would be.
        classes: decisions by (class, verdict).
        days: by day, a number a verdict. `identities`, `principals`, `listeners`: likewise.
        rules: by code: refused, deferred, held, met without deciding.
        cites: the law by code of the rule, as the lines say.
        commercial: decisions on commercial mail: that went on, that did not.
        elements: by (name, state): in mail that went on, in other mail. `places`: by (name, how, where), where found.
        seals: signatures by `d= s= a=`. `unsigned`: mail that went on or is held, by reason.
        counted: refusals of clients without a login by (rule, verdict). `networks`: by network.
        profiles, programs, hosts: by digest, version, name.
        incidents: in the order of the lines; `unlisted`: how many more of a kind there were.
    """

    since: str = ""
    until: str = ""
    lines: int = 0
    unreadable: int = 0
    jumps: int = 0
    first: int = 0
    last: int = 0
    begins: str = ""
    ends: str = ""
    recipients: int = 0
    modes: Counter[str] = field(default_factory=Counter)
    would: Counter[str] = field(default_factory=Counter)
    classes: Counter[tuple[str, str]] = field(default_factory=Counter)
    days: Counts = field(default_factory=lambda: Counts(4))
    identities: Counts = field(default_factory=lambda: Counts(4))
    principals: Counts = field(default_factory=lambda: Counts(4))
    listeners: Counts = field(default_factory=lambda: Counts(4))
    rules: Counts = field(default_factory=lambda: Counts(4))
    cites: dict[str, str] = field(default_factory=dict)
    commercial: list[int] = field(default_factory=lambda: [0, 0])
    elements: Counts = field(default_factory=lambda: Counts(2))
    places: Counts = field(default_factory=Counts)
    seals: Counts = field(default_factory=Counts)
    unsigned: Counts = field(default_factory=Counts)
    counted: Counts = field(default_factory=Counts)
    networks: Counts = field(default_factory=Counts)
    checkpoints: Checkpoints = field(default_factory=Checkpoints)
    profiles: dict[str, Span] = field(default_factory=dict)
    programs: dict[str, Span] = field(default_factory=dict)
    hosts: dict[str, Span] = field(default_factory=dict)
    incidents: list[Incident] = field(default_factory=list)
    kinds: Counter[str] = field(default_factory=Counter)
    unlisted: Counter[str] = field(default_factory=Counter)
    _listed: Counter[str] = field(default_factory=Counter)
    _seq: int = 0
    _is_running: bool = False

    def take(self, octets: bytes) -> None:
        """Add one line, without its newline. Lines of other times are passed over without being read."""
        seq, moment = peek(octets)
        if moment and not self.since <= moment < (self.until or _LATEST):
            self._seq = seq or self._seq
            return
        try:
            event = _DECODE(octets.decode("ascii"))
            if _number(event["seq"]) != seq:
                raise ValueError("it has two numbers")
            if not moment:
                raise ValueError("it has no time")
            self._count(event, moment)
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            self.unreadable += 1

    def _count(self, event: Event, moment: str) -> None:
        kind, seq = str(event["kind"])[:_MAX_NAME], event["seq"]
        if kind == "decision":
            self._decision(event, moment)
        elif kind == "refusals":
            number = _number(event["count"])
            self.counted.add((_name(event["rule"]), _name(event["verdict"])), count=number)
            self.networks.add(_name(event["network"]), count=number)
        elif kind == "checkpoint":
            self._checkpoint(event, moment)
        elif kind in SEEN_ONE_BY_ONE:
            self._incident(event, kind, moment)
        if self._seq and seq != self._seq + 1:
            self.jumps += 1
            self._list(Incident(moment, "jump", f"line {seq} stands behind line {self._seq}", seq))
        self._seq = seq
        self.kinds[kind if kind in self.kinds or len(self.kinds) < _MAX_NAME else "other"] += 1
        self.lines += 1
        self.last, self.ends = seq, moment
        if not self.first:
            self.first, self.begins = seq, moment
        seen(self.hosts, event.get("host"), moment)
        seen(self.programs, event.get("software"), moment)
        seen(self.profiles, event.get("profile"), moment)

    def _decision(self, event: Event, moment: str) -> None:
        at = VERDICTS.index(event["verdict"])
        auth, elements, seal = event["auth"], event.get("elements", ()), event.get("seal")
        is_commercial, is_sent = bool(elements), at == 0
        identity, principal, listener = _name(auth["identity"]), _name(auth["principal"]), _name(event["listener"])
        findings = {(f["rule"], f["mode"], f["action"], f["cites"]) for f in event["findings"]}
        envelope, mode, would = event["envelope"], str(event["mode"]), str(event["would"])
        self.modes[mode if mode == "report" else "enforce"] += 1
        if would != event["verdict"] and would in VERDICTS:
            self.would[would] += 1
        seen = CLASSES[not is_commercial] if "elements" in event else "unseen"
        self.classes[seen, VERDICTS[at]] += 1
        self.days.add(moment[:10], at)
        self.identities.add(identity, at)
        self.principals.add(principal, at)
        self.listeners.add(listener, at)
        if is_sent:
            self.recipients += _number(envelope.get("rcpt_n", len(envelope["rcpt"])))
        for code, rule_mode, action, cites in findings:
            rule, decides = _name(code), at and rule_mode == "enforce" and action == event["verdict"]
            self.rules.add(rule, at - 1 if decides else 3)
            if rule not in self.cites and len(self.cites) < MAX_EVENTS:
                self.cites[rule] = _name(cites)
        if is_commercial:
            self.commercial[not is_sent] += 1
            self._elements(elements, is_sent=is_sent)
        if VERDICTS[at] in ("accept", "quarantine") and seal is not None:
            self._seal(seal)

    def _elements(self, elements: list[Event], *, is_sent: bool) -> None:
        for element in elements:
            name, state = _name(element["name"]), _name(element["state"])
            self.elements.add((name, state), not is_sent)
            if state not in LACKING and state != "waived":
                self.places.add((name, _name(element["how"]) or state, _name(element["where"])))

    def _seal(self, seal: Event) -> None:
        for signature in seal["signed"]:
            self.seals.add(_name(signature))
        if not seal["signed"]:
            self.unsigned.add(_name(seal["skipped"]))

    def _checkpoint(self, event: Event, moment: str) -> None:
        found = self.checkpoints
        found.size = max(found.size, _number(event["size"]))
        found.lines += 1
        found.first, found.last = found.first or moment, moment

    def _incident(self, event: Event, kind: str, moment: str) -> None:
        sentence = told(kind, event)
        if kind == "start" and self._is_running and not event.get("restarted"):
            sentence += f"; {CRASHED}"
        self._is_running = (self._is_running or kind == "start") and kind != "stop"
        self._list(Incident(moment, kind, sentence, event["seq"]))

    def _list(self, incident: Incident) -> None:
        if self._listed[incident.kind] < MAX_EVENTS:
            self._listed[incident.kind] += 1
            self.incidents.append(incident)
        else:
            self.unlisted[incident.kind] += 1


def peek(octets: bytes) -> tuple[int, str]:
    """Number and time of a line as it is written, without reading it; 0 and empty where they are not in their form.

    Within a string a quote has a backslash before it, so these octets are no string's.
    """
    at = octets.find(b',"seq":')
    number = octets[at + 7 : at + 27].partition(b",")[0] if at >= 0 else b""
    at = octets.rfind(b',"t":"')
    if at < 0:
        at = octets.rfind(b',"w":"')
    moment = octets[at + 6 : at + 33].decode("latin-1") if at >= 0 else ""
    is_time = len(moment) == 27 and moment[10] == "T" and moment[26] == "Z"
    return int(number) if number.isdigit() else 0, moment if is_time else ""


def _name(value: Any) -> str:
    """A value as a name to count under: text, or the beginning of text that was cut."""
    if isinstance(value, dict):
        value = f"{value.get('begins')}..."
    return value[:_MAX_NAME] if isinstance(value, str) else ""


def _number(value: Any) -> int:
    if type(value) is not int or value < 0:
        raise ValueError("this is no count")
    return int(value)
