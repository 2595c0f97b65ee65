"""From findings to one answer.

`decide` is the only place that knows report mode, the profile's word on a rule, and which action outranks which. A
further finding can make a verdict harder, never softer.
"""

from dataclasses import dataclass
from typing import Final

from sealgate.checks.finding import Action, Finding, Mode
from sealgate.mail.reply import MAX_TEXT, Reply, printable
from sealgate.profile.model import Profile

_LEAST_TOLD: Final = 20  # characters; less tells nothing
# A refusal outranks a deferral: what is wrong with a message stays wrong however often it is tried again.
# A removal lets the message go on, so it ranks with acceptance and is told apart (`Verdict.removals`).
_RANK: Final = {Action.ACCEPT: 0, Action.REMOVE: 0, Action.QUARANTINE: 1, Action.TEMPFAIL: 2, Action.REJECT: 3}


@dataclass(frozen=True, slots=True)
class Judged:
    """A finding with what the profile makes of its rule."""

    finding: Finding
    mode: Mode
    action: Action


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer to one message.

    Attributes:
        action: what happens now.
        would: what would happen in enforce mode; the same as `action` there.
        reply: the SMTP reply of a rejection or deferral, else `None`.
        judged: every finding that was looked at, first check first.
        removals: header fields to take out of an accepted message, (lower-case name, index from 1 among those of that
            name), the highest index first: a removal shifts those behind it.
    """

    action: Action
    would: Action
    reply: Reply | None
    judged: tuple[Judged, ...]
    removals: tuple[tuple[bytes, int], ...] = ()

    @property
    def is_accepted(self) -> bool:
        """Whether the message goes on, be it to the hold queue."""
        return self.action in (Action.ACCEPT, Action.QUARANTINE)


_CLEAN: Final = Verdict(Action.ACCEPT, Action.ACCEPT, None, ())


def decide(
    findings: tuple[Finding, ...], profile: Profile, reference: str, *, enforce: bool, listener: str = ""
) -> Verdict:
    """Turn findings into one verdict.

    Args:
        findings: in the order of the checks; of equal actions the first one speaks.
        profile: for what it says of each rule.
        reference: the id that reply, log and record share.
        enforce: whether refusals are answered at all. Report mode (`enforce` false) refuses nothing, except what a
            rule marked `always` stops: our own inability to seal.
        listener: the listener's name, for rules that the profile sets apart for it.
    """
    if not findings:
        return _CLEAN  # the usual case
    judged = tuple(j for j in (_weigh(f, profile, listener) for f in findings) if j.mode is not Mode.OFF)
    would = _hardest(judged)
    action = would if enforce else _hardest(tuple(j for j in judged if j.finding.rule.always))
    if action not in (Action.REJECT, Action.TEMPFAIL):
        return Verdict(action, would, None, judged, _removals(judged) if enforce else ())
    speaking = [j for j in judged if j.mode is Mode.ENFORCE and j.action is action]
    if not enforce:
        speaking = [j for j in speaking if j.finding.rule.always]
    return Verdict(action, would, _reply(action, speaking, reference), judged)


def _weigh(finding: Finding, profile: Profile, listener: str) -> Judged:
    rule, usual = finding.rule, finding.mode or finding.rule.mode
    setting = profile.rules.get(rule.code)
    if rule.always or setting is None:
        return Judged(finding, rule.mode if rule.always else usual, rule.action)
    mode = Mode(setting.listeners.get(listener) or setting.mode or usual)
    return Judged(finding, mode, Action(setting.action or rule.action))


def _hardest(judged: tuple[Judged, ...]) -> Action:
    enforced = [j.action for j in judged if j.mode is Mode.ENFORCE and _RANK[j.action]]
    return max(enforced, key=_RANK.__getitem__, default=Action.ACCEPT)


def _removals(judged: tuple[Judged, ...]) -> tuple[tuple[bytes, int], ...]:
    named = {f for j in judged if j.mode is Mode.ENFORCE and j.action is Action.REMOVE for f in j.finding.fields}
    return tuple(sorted(named, key=lambda field: (field[0], -field[1])))


def _reply(action: Action, speaking: list[Judged], reference: str) -> Reply:
    """Say the first reason in full, name the others, and give the id last, where a person looks for it."""
    rule = speaking[0].finding.rule
    more = [code for code in dict.fromkeys(j.finding.rule.code for j in speaking) if code != rule.code]
    also = f"; also {', '.join(more)}" if more else ""
    end = f"; refusal {reference}"
    head, tail = f"{rule.code}: {rule.says} ({rule.cites})", f"; {rule.remedy}{also}"
    tells, room = speaking[0].finding.tells, MAX_TEXT - len(head) - len(tail) - len(end) - 2
    # What is cut, where the whole is too long, is what the profile allows, never how to mend the message.
    text = f"{head}; {printable(tells, room)}{tail}" if tells and room >= _LEAST_TOLD else head + tail
    text = printable(text, MAX_TEXT - len(end)) + end
    if action is Action.TEMPFAIL:
        return Reply("451", f"4{rule.enhanced[1:]}", text)
    if rule.reply_code[0] == "5":
        return Reply(rule.reply_code, rule.enhanced, text)
    return Reply("550", f"5{rule.enhanced[1:]}", text)
