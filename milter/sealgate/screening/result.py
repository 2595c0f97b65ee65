"""What screening one message answers: values only, in words that a template's author can use.

A `Screening` is the gate's own outcome taken apart: each rule that was met with its law and its remedy, each element of
the law with the place where it was found, what was looked at, and what would be signed. Nothing here can fail.
"""

from dataclasses import dataclass, field

from sealgate.checks.finding import Action, Mode
from sealgate.mail.visible import View
from sealgate.profile.model import MailClass


@dataclass(frozen=True, slots=True)
class Remark:
    """A rule that the message met.

    Attributes:
        code: its name, such as `canspam.no-postal-address`.
        law: the statute or RFC it rests on.
        says: the sentence that a refused sender reads.
        remedy: how to mend the message.
        detail: what was found.
        where: the place: a field's name, a part.
        mode, action: what the profile makes of the rule.
        status: the reply's codes, such as `550 5.7.1`; empty where no reply would be given.
    """

    code: str
    law: str
    says: str
    remedy: str
    detail: str
    where: str
    mode: Mode
    action: Action
    status: str = ""

    @property
    def stops(self) -> bool:
        """Whether it keeps the message from leaving: refused, deferred or held."""
        return self.mode is Mode.ENFORCE and self.action not in (Action.ACCEPT, Action.REMOVE)


@dataclass(frozen=True, slots=True)
class ElementSeen:
    """One thing that the law demands of commercial mail, and what was found of it.

    Attributes:
        name: `postal-address`, `opt-out` or `label` (identification as an advertisement).
        state: as in the record, such as `registered`, `live`, `dead`, `absent`, `unread`.
        part: path of the part it was found in, or `Subject`; empty where nothing was.
        offset: where it begins, in characters of the text that a reader sees of that part; -1 where nobody knows.
        excerpt: the words, without what tells recipients apart.
        target: an opt-out's scheme and host, or the name of a registered address.
        why: what is wrong with it, or what could not be read.
    """

    name: str
    state: str
    part: str = ""
    offset: int = -1
    excerpt: str = ""
    target: str = ""
    why: str = ""

    @property
    def is_missing(self) -> bool:
        """Whether nothing was found that could count."""
        return self.state in ("absent", "unread")


@dataclass(frozen=True, slots=True)
class Looked:
    """A part that was looked at: its path, its type, and what a reader sees of it (`None`: it could not be read)."""

    part: str
    kind: str  # text/plain or text/html
    view: View | None = field(repr=False)
    why: str = ""  # it could not be read


@dataclass(frozen=True, slots=True)
class Sealing:
    """What would be signed.

    Attributes:
        domain: `d=`; empty where nothing would be.
        selectors: one a signature, as the profile names them.
        names: the fields of the message that `h=` covers, as written, each once.
        absent: fields that it has not got and `h=` names nevertheless, so that none can be added.
        why: why nothing would be signed, such as `seal-off`, `domain-says-no`, `foreign-author`.
    """

    domain: str = ""
    selectors: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()
    why: str = ""


@dataclass(frozen=True, slots=True)
class Screening:
    """What the gate would answer to one message.

    Attributes:
        would: `accept`, `reject`, `tempfail` or `quarantine`.
        findings: every rule that was met, also those that are only reported.
        elements: what the law demands of commercial mail, found or missing; empty for other mail.
        looked: every text part.
        seal: what would be signed.
        reply: the SMTP reply of a refusal, without the id that the gate would put behind it.
        identity: the identity of the profile that it was judged as; empty where that is nobody.
        mail_class: what that identity is declared to send.
        author: the address in From, empty where it cannot be read.
        left_out: what could not be judged, and why, in a sentence; empty where all was.
        fault: what broke in the gate itself; it would answer 451.
        record: the audit line that the gate would write, but for signatures.
    """

    would: Action
    findings: tuple[Remark, ...] = ()
    elements: tuple[ElementSeen, ...] = ()
    looked: tuple[Looked, ...] = ()
    seal: Sealing = Sealing()
    reply: str = ""
    identity: str = ""
    mail_class: MailClass | None = None
    author: str = ""
    left_out: str = ""
    fault: str = ""
    record: dict[str, object] = field(default_factory=dict, repr=False)

    @property
    def is_lawful(self) -> bool:
        """Whether it would leave: no rule that the profile enforces stops it."""
        return self.would is Action.ACCEPT

    @property
    def explanation(self) -> str:
        """Everything above as text for a person, 100 columns wide."""
        from sealgate.screening.explaining import explain  # noqa: PLC0415 - it reads this module's values

        return explain(self)
