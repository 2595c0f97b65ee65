"""A rule is a row of data; a finding is a rule met by a message, with its evidence.

The same row gives the SMTP reply, the word in the audit line, the law it rests on and the sentence that says how to
mend the message. The rows are in `checks.rules`; nothing else in the package writes a reply for a refusal.
"""

import enum
from dataclasses import dataclass


class Mode(enum.StrEnum):
    """Whether a rule is looked at, written down, or acted on."""

    OFF = "off"
    REPORT = "report"
    ENFORCE = "enforce"


class Action(enum.StrEnum):
    """What happens to a message, in the words operators know from OpenDKIM's `On-…` settings."""

    ACCEPT = "accept"
    REMOVE = "remove"  # the message goes on without the header fields that the finding names
    QUARANTINE = "quarantine"
    REJECT = "reject"
    TEMPFAIL = "tempfail"


@dataclass(frozen=True, slots=True)
class Rule:
    """One thing that must hold.

    Attributes:
        code: its name in reply, log, record and profile, such as `canspam.no-postal-address`.
        cites: the statute or RFC it rests on.
        mode: the default; the profile may set another one.
        action: what `enforce` does by default.
        reply_code: three-digit SMTP code when the action is reject; tempfail always answers 451.
        enhanced: RFC 3463 code that goes with it (the class digit follows the action).
        says: the sentence the sender's side reads.
        remedy: how to mend it, read by the sender's side too.
        always: whether it binds in report mode as well and no profile can change it: our own inability to seal or to
            keep a message, where going on would break a promise.
        people: the default for mail of persons and forwarders, where it is another one than `mode`: what a program can
            be taught, a person's mail client often cannot.
        unknowable: what nobody can see when a message is sent, however it is looked at; for the reference of rules, so
            that no silence of the gate is taken for a promise.
    """

    code: str
    cites: str
    mode: Mode
    action: Action
    reply_code: str
    enhanced: str
    says: str
    remedy: str
    always: bool = False
    people: Mode | None = None
    unknowable: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """A rule that a message met, with its evidence.

    Attributes:
        rule: the row of the catalogue.
        detail: what was found, for us (log and record), never for the peer.
        where: the place: `MAIL FROM`, a field's name, a part.
        tells: what the peer may read beside the rule's own words: who logged in, what the profile allows. Nothing that
            a message brought, and nothing of other people.
        about: the address or name that the finding is about, for reports; a sender's words, to be escaped.
        fields: header fields to take out where the rule's action is `remove`: lower-case name, and index from 1 among
            those of that name.
        mode: the default in place of the rule's own (`Rule.people`).
    """

    rule: Rule
    detail: str
    where: str = ""
    tells: str = ""
    about: str = ""
    fields: tuple[tuple[bytes, int], ...] = ()
    mode: Mode | None = None
