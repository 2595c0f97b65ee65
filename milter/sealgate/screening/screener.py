"""One message, or many, through the gate's own function, and what came of it as a `Screening`.

The way is that of the milter: header fields and body into an `Intake`, the whole into `app.screen.at_end`. What breaks
on that way would be answered 451 by the gate, and is told here as `fault`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from traceback import extract_tb
from types import TracebackType
from typing import Any, Final, Self

from sealgate.app.intake import Intake
from sealgate.app.screen import Outcome, at_end
from sealgate.checks.caller import Caller
from sealgate.checks.facts import Facts, Known
from sealgate.checks.finding import Action
from sealgate.checks.rules import RULES
from sealgate.mail.address import Address, AddressError, parse_mailboxes
from sealgate.mail.headers import Headers, parse_block
from sealgate.mail.message import Envelope, Message, Session
from sealgate.mail.reply import printable
from sealgate.profile.model import Form, Profile
from sealgate.screening.casting import address_of, cast
from sealgate.screening.letters import Letter, is_template, octets_of, wrapped
from sealgate.screening.limited import LimitedReader
from sealgate.screening.preparing import Prepared, ScreeningError, prepared, without_rules
from sealgate.screening.result import ElementSeen, Looked, Remark, Screening, Sealing
from sealgate.seal.plan import SealPlan, Skipped
from sealgate.verdict import Judged
from sealgate.wiring import now

MAX_OCTETS: Final = 64 * 1024 * 1024  # of one message
REFERENCE: Final = "0" * 16  # no transaction, no id

# What hangs on header fields, which a template has not got, and on who may use an address that we put there.
_OF_THE_HEADER: Final = frozenset(
    code
    for code in RULES
    if code.startswith(("oneclick.", "list.", "identity.", "transit."))
    or code in ("canspam.deceptive-subject", "canspam.sexually-explicit", "canspam.foreign-author")
)
# What a message of the `email` package often gets from whoever sends it.
_OF_SENDING: Final = frozenset(("transit.no-date", "transit.no-message-id"))
_OF_RIGHTS: Final = frozenset(("identity.envelope-sender", "identity.header-from", "identity.reply-to")) | {
    code for code in RULES if code in ("identity.sender-field", "identity.resent-field")
}


class Screener:
    """A profile that many messages are judged by. A context manager: leaving it ends the process that reads odd HTML.

    Args:
        profile: the path of a profile, or one that was parsed.

    Raises:
        ScreeningError: the profile cannot be used.
    """

    def __init__(self, profile: str | Path | Profile) -> None:
        self._prepared: Prepared = prepared(profile)
        self._reader = LimitedReader()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """End what was started."""
        self._reader.close()

    def expects(self, *, principal: str = "", identity: str = "") -> None:
        """Check that these names can be meant, before any message is read.

        Raises:
            ScreeningError: the principal is none, or the profile has no such identity.
        """
        if principal or identity:
            cast(self._prepared.runtime.profile, principal, identity, None)

    @property
    def problems(self) -> tuple[str, ...]:
        """Warnings about the profile."""
        return tuple(str(problem) for problem in self._prepared.problems)

    def screen(
        self,
        message: Letter,
        *,
        principal: str = "",
        identity: str = "",
        sender: str | None = None,
        recipients: tuple[str, ...] = (),
        subtype: str = "",
    ) -> Screening:
        """Say what the gate would answer.

        Args:
            message: octets or text of a message or of an HTML template, or a message of the `email` package.
            principal: who would log in, `user[/instance]@REALM`.
            identity: or the identity of the profile that sends; without both, the From address decides.
            sender: the envelope sender; empty: `<>`; `None`: the From address.
            recipients: the envelope recipients.
            subtype: `html` or `plain`: the message is the text of a template, whatever it looks like.

        Raises:
            ScreeningError: the profile does not say who sends this, or the message is larger than 64 MiB.
        """
        try:
            octets = octets_of(message)
        except ValueError as error:
            raise ScreeningError(str(error)) from error
        if len(octets) > MAX_OCTETS:
            raise ScreeningError(f"the message has {len(octets)} octets; more than {MAX_OCTETS} are not screened")
        profile = self._prepared.runtime.profile
        if subtype or is_template(octets):
            caller = cast(profile, principal, identity, None)
            octets = wrapped(octets, address_of(caller, profile) or "sender@example.invalid", subtype or "html")
            left_out = "the header: a template has none, so only its text was judged"
            said = self._judge(octets, caller, None, (), _OF_THE_HEADER, left_out)
            return replace(said, seal=replace(said.seal, names=(), absent=()))  # the fields were ours
        caller = cast(profile, principal, identity, author_of(octets))
        missing = caller.identity.sender_file if caller.identity else None
        if missing in self._prepared.missing:
            left_out = f"which addresses may be used: {missing.path if missing else ''} is not on this machine"
            return self._judge(octets, caller, sender, recipients, _OF_RIGHTS, left_out)
        if not isinstance(message, bytes | str):
            return self._judge(octets, caller, sender, recipients, _OF_SENDING)
        return self._judge(octets, caller, sender, recipients)

    def _judge(
        self,
        octets: bytes,
        caller: Caller,
        sender: str | None,
        recipients: tuple[str, ...],
        off: frozenset[str] = frozenset(),
        left_out: str = "",
    ) -> Screening:
        runtime = self._prepared.runtime
        runtime = without_rules(runtime, off) if off else runtime
        try:
            message, hashes, over_limit = _taken_in(octets, sender, recipients, runtime.profile.body_forms)
            outcome = at_end(message, hashes, runtime, self._reader, caller, over_limit=over_limit, reads_all=True)
        except Exception as error:  # whatever it is, the gate would defer
            at = extract_tb(error.__traceback__)[-1]
            fault = printable(f"{type(error).__name__}: {error} ({Path(at.filename).name}:{at.lineno})", 400)
            return Screening(Action.TEMPFAIL, identity=_name(caller), left_out=left_out, fault=fault)
        return _told(message, outcome, left_out)


def screen(
    message: Letter,
    profile: str | Path | Profile,
    *,
    principal: str = "",
    identity: str = "",
    sender: str | None = None,
) -> Screening:
    """Say what the gate would answer to one message; see `Screener.screen`.

    A profile that is given by its path is read once, and again when that file changes; files of senders with it.

    Raises:
        ScreeningError: the profile cannot be used, or does not say who sends.
    """
    if isinstance(profile, Profile):
        with Screener(profile) as screener:
            return screener.screen(message, principal=principal, identity=identity, sender=sender)
    path = Path(profile)
    try:
        status = path.stat()
    except OSError as error:
        raise ScreeningError(f"the profile {path} cannot be read: {error.strerror}") from error
    kept = _kept(path.absolute(), status.st_mtime_ns, status.st_size)
    return kept.screen(message, principal=principal, identity=identity, sender=sender)


def author_of(octets: bytes) -> Address | None:
    """The first address in From of a message, `None` where it cannot be read."""
    head = octets[:1_000_000].replace(b"\r\n", b"\n").partition(b"\n\n")[0]
    fields = parse_block(head.split(b"\n")).every(b"from")
    try:
        return parse_mailboxes(fields[0].value)[0].address if fields else None
    except (AddressError, IndexError):
        return None


@lru_cache(maxsize=4)
def _kept(path: Path, changed: int, size: int) -> Screener:
    del changed, size  # they are the key
    return Screener(path)


def _taken_in(
    octets: bytes, sender: str | None, recipients: tuple[str, ...], forms: Iterable[Form]
) -> tuple[Message, Mapping[Form, bytes], bool]:
    """The message as the MTA would hand it over: CRLF line ends, header fields one by one."""
    data = octets.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    head, _, body = data.partition(b"\r\n\r\n")
    headers = parse_block(head.split(b"\r\n"))
    intake = Intake(forms)
    for field in headers:
        intake.header(field.name, field.value)
    intake.body(body)
    path = f"<{sender}>".encode("utf-8", "replace") if sender is not None else _path_of(headers)
    envelope = Envelope(path, "", tuple(f"<{r}>".encode("utf-8", "replace") for r in recipients))
    message, hashes = intake.finish(
        reference=REFERENCE, received_at=now(), session=Session("screen", "", -1), envelope=envelope
    )
    return message, hashes, intake.is_over_limit


def _path_of(headers: Headers) -> bytes:
    try:
        return f"<{parse_mailboxes(headers.every(b'from')[0].value)[0].address}>".encode()
    except (AddressError, IndexError):
        return b"<>"  # the From field is refused by its own rule


def _name(caller: Caller) -> str:
    return caller.identity.name if caller.identity else ""


def _told(message: Message, outcome: Outcome, left_out: str) -> Screening:
    verdict, identity = outcome.verdict, outcome.caller.identity
    author = author_of(b"From:" + fields[0].value) if (fields := message.headers.every(b"from")) else None
    looked = _looked(message, outcome.facts)
    return Screening(
        would=verdict.would,
        findings=tuple(map(_remark, verdict.judged)),
        elements=tuple(_element(row, looked) for row in outcome.event["elements"]),
        looked=looked,
        seal=_sealing(message, outcome),
        reply=str(verdict.reply or "").replace(f"; refusal {REFERENCE}", ""),
        identity=_name(outcome.caller),
        mail_class=identity.mail_class if identity else None,
        author=str(author or ""),
        left_out=left_out,
        record=outcome.event | {"seal": {"signed": [], "skipped": "screened"}},  # stand-ins signed, which means nothing
    )


def _remark(judged: Judged) -> Remark:
    finding, rule = judged.finding, judged.finding.rule
    status = ""
    if judged.action is Action.REJECT:
        status = f"{rule.reply_code} {rule.enhanced}" if rule.reply_code[0] == "5" else f"550 5{rule.enhanced[1:]}"
    elif judged.action is Action.TEMPFAIL:
        status = f"451 4{rule.enhanced[1:]}"
    return Remark(
        rule.code, rule.cites, rule.says, rule.remedy, finding.detail, finding.where, judged.mode, judged.action, status
    )


def _element(row: dict[str, Any], looked: tuple[Looked, ...]) -> ElementSeen:
    """An element as the record has it; where that gives no offset, the excerpt is looked for."""
    known = {name: str(row.get(name, "")) for name in ("name", "state", "excerpt", "target", "why")}
    part, offset = str(row.get("where", "")), int(row.get("offset", -1))
    words = known["excerpt"].partition("...")[0]
    view = next((one.view for one in looked if one.part == part), None)
    if offset < 0 and view is not None and words:
        offset = view.text.replace("\n", " ").find(words.replace("\n", " "))
    return ElementSeen(**known, part=part, offset=offset)


def _looked(message: Message, facts: Facts) -> tuple[Looked, ...]:
    found = []
    for part, fact in zip(message.body.parts, facts.views, strict=False):
        view, why = (fact.value, "") if isinstance(fact, Known) else (None, fact.why)
        found.append(Looked(part.path, f"text/{part.subtype}", view, why))
    return tuple(found)


def _sealing(message: Message, outcome: Outcome) -> Sealing:
    seal = outcome.seal
    if isinstance(seal, Skipped) or seal is None:
        return Sealing(why=seal.reason if seal else "")
    if not isinstance(seal, SealPlan):
        return Sealing(seal.domain, why="no-key")
    names = dict.fromkeys(name.decode("ascii") for name in seal.names)
    there = {field.key for field in message.headers}
    absent = tuple(name for name in names if name.lower().encode() not in there)
    return Sealing(seal.domain, seal.selectors, tuple(name for name in names if name not in absent), absent)
