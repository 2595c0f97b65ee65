"""One transaction, judged: at MAIL what is known then, at end of message everything.

`at_mail` and `at_end` are the whole gate without an MTA around it: the milter adapter and `sealgate screen` call the
same two functions. The order at the end is fixed: plan the seal (its `h=` is a fact), gather, check, decide, sign.
What comes out is an `Outcome`: the verdict, the header fields to add, and the event for the record, which must be on
disk before anything is answered.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from sealgate.app.gather import gather
from sealgate.app.ports import Reader
from sealgate.app.runtime import Runtime
from sealgate.audit.record import VERSION, answer, capped, moment, text_of, transaction
from sealgate.checks import canspam, classify, hygiene, identity, listfields, oneclick, stops, subject, trace, transit
from sealgate.checks.caller import Caller, handling, identify, listener_of
from sealgate.checks.element import Elements, as_record
from sealgate.checks.facts import Facts, is_content_judged
from sealgate.checks.finding import Finding
from sealgate.checks.rules import RULES
from sealgate.mail.headers import unfolded
from sealgate.mail.message import Envelope, Message, Session
from sealgate.profile.model import Form, MailClass, Mta, Profile
from sealgate.seal.plan import DEFAULT_LIST_VERSION, NoKey, SealPlan, Skipped, plan
from sealgate.seal.refold import Refolded, refold
from sealgate.seal.settle import Relay, Settled, settle
from sealgate.seal.sign import field_digests, selections, sign
from sealgate.verdict import Verdict, decide

MAX_DIGESTS: Final = 100  # of signed fields in a record; ordinary mail has twenty


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a transaction.

    Attributes:
        verdict: the answer.
        edits: header fields to write anew, (name, index from 1 among those of that name, value) with folds as newline
            and blank, the blank behind the colon included.
        inserts: header fields to put on top of the message one after the other, so that the last stands first; (name,
            value) with folds as newline + tab.
        event: the record, complete but for what the journal adds.
        caller: who it was.
        facts: what was asked of the world; nothing at MAIL.
        seal: what was planned to be signed; `None` at MAIL.
    """

    verdict: Verdict
    inserts: tuple[tuple[str, str], ...]
    event: dict[str, Any]
    caller: Caller
    facts: Facts = field(default_factory=Facts)
    seal: SealPlan | Skipped | NoKey | None = None
    edits: tuple[tuple[str, int, str], ...] = ()


def at_mail(session: Session, envelope: Envelope, runtime: Runtime, reference: str, now: float) -> Outcome:
    """Judge what is known at MAIL. An accepting outcome has no event: the end decides, and records."""
    caller = identify(session, runtime.profile)
    findings = identity.check_mail(envelope, runtime.profile, caller)
    verdict = _decide(findings, session, runtime, reference, now)
    if verdict.is_accepted:
        return Outcome(verdict, (), {}, caller)
    event = _event("mail", session, runtime, reference, now) | transaction(session, envelope, caller) | answer(verdict)
    return Outcome(verdict, (), event, caller)


def at_end(
    message: Message,
    body_hashes: Mapping[Form, bytes],
    runtime: Runtime,
    reader: Reader,
    caller: Caller,
    *,
    over_limit: bool,
    reads_all: bool = False,
    lap: Callable[[], object] = bool,
) -> Outcome:
    """Judge, and where it is accepted seal, one whole message.

    Args:
        message: as the MTA handed it over.
        body_hashes: SHA-256 of its body in each form that the profile's domains use, and relaxed.
        runtime: the one taken at MAIL.
        reader: for HTML too heavy for this process.
        caller: who was found at MAIL.
        over_limit: whether header fields had to be dropped on the way in.
        reads_all: whether the text is read even where no check looks at it, to be shown to somebody.
        lap: called when the message is read, when it is judged, and when it is sealed, for a stopwatch.

    Raises:
        Exception: any fault of ours; the caller's guard answers 451.
    """
    profile = runtime.profile
    seal = _plan(message, caller, runtime)
    settling = Settled(message.headers)
    if isinstance(seal, SealPlan) and _is_sendmail(message.session, profile):
        settling = _settle(message, seal)
        if settling.is_longer:
            seal = _plan(replace(message, headers=settling.headers), caller, runtime)
    covers = seal.covers if isinstance(seal, SealPlan) else frozenset[str]()
    leaving = refold(settling.headers, seal.keys if isinstance(seal, SealPlan) else frozenset())
    is_read = reads_all or is_content_judged(caller.identity)
    beyond = stops.of_header(message)
    facts = gather(message, reader, covers, stuck=leaving.stuck, is_read=is_read, stop=beyond)
    if settling.unsettled:
        facts = replace(facts, unsettled=settling.unsettled)
    lap()
    elements = canspam.read_elements(message, facts, caller.identity, profile)
    findings: tuple[Finding, ...] = (
        *identity.check_end(message, profile, caller),
        *trace.check_end(message, profile, caller),
        *(lawful := canspam.check(elements, caller.identity)),
        *stops.check(message, facts, caller, beyond, lawful),
        *oneclick.check(message, facts, caller.identity, profile),
        *classify.check(message, facts, caller.identity),
        *subject.check(message, facts, caller.identity),
        *listfields.check(message, caller.identity),
        *hygiene.check_end(message, caller),
        *transit.check_end(
            replace(message, headers=settling.headers) if settling.is_longer else message, facts, caller
        ),
    )
    if over_limit:
        findings += (Finding(RULES["form.header-limit"], "header fields beyond the cap were not kept"),)
    if isinstance(seal, NoKey):
        findings += (Finding(RULES["seal.no-key"], f"no key is loaded for {seal.domain}", seal.domain),)
    verdict = _decide(findings, message.session, runtime, message.reference, message.received_at)
    lap()
    inserts: tuple[tuple[str, str], ...] = ()
    edits: tuple[tuple[str, int, str], ...] = ()
    signed: tuple[bytes, ...] = ()
    if verdict.is_accepted and isinstance(seal, SealPlan):
        signed = tuple(selections(seal.names, leaving.headers))
        inserts = sign(seal, leaving.headers, body_hashes, int(message.received_at), relaxed=signed)
        edits = tuple(
            (name.decode("ascii"), i, text_of(value).replace("\r\n", "\n"))
            for name, i, value in settling.edits + leaving.edits
        )
    lap()
    event = (
        _event("end", message.session, runtime, message.reference, message.received_at)
        | transaction(message.session, message.envelope, caller)
        | answer(verdict)
        | {"elements": _elements(elements, message, caller), "seal": _sealed(seal, signed, leaving, settling)}
        | _content(message, body_hashes[Form.RELAXED])
    )
    return Outcome(verdict, inserts, event, caller, facts, seal, edits)


def _decide(findings: tuple[Finding, ...], session: Session, runtime: Runtime, reference: str, now: float) -> Verdict:
    profile = runtime.profile
    if not findings:
        return decide((), profile, reference, enforce=True)  # the usual case: the mode makes no difference
    enforce = runtime.enforces_at(now, handling(session, profile))
    return decide(findings, profile, reference, enforce=enforce, listener=listener_of(session))


def _plan(message: Message, caller: Caller, runtime: Runtime) -> SealPlan | Skipped | NoKey:
    authors = identity.authors(message)
    if not caller.via and not message.session.is_local:
        return Skipped("no-login")
    author = authors[0].address if authors else None
    return plan(message.headers, author, runtime.profile, runtime.keys, identity=caller.identity)


def _event(stage: str, session: Session, runtime: Runtime, reference: str, now: float) -> dict[str, Any]:
    return {
        "v": VERSION,
        "t": moment(now),
        "id": reference,
        "stage": stage,
        "host": runtime.host,
        "software": runtime.software,
        "profile": runtime.digest,
        "mode": "enforce" if runtime.enforces_at(now, handling(session, runtime.profile)) else "report",
    }


def _elements(elements: Elements, message: Message, caller: Caller) -> list[dict[str, Any]]:
    """The evidence that counts years later: what the law demands, and the one-click pair, with where it was found."""
    found: list[dict[str, Any]] = [*as_record(elements)]
    if caller.identity is not None and caller.identity.mail_class is MailClass.COMMERCIAL:
        found.append(oneclick.as_record(oneclick.read(message)))
    return found


def _content(message: Message, body_hash: bytes) -> dict[str, Any]:
    kept = (b"from", b"sender", b"resent-from", b"reply-to", b"message-id", b"subject")
    first = {name: message.headers.every(name)[:1] for name in kept}
    shown = {name: text_of(unfolded(fields[0].value)) if fields else "" for name, fields in first.items()}
    return {
        "queue_id": message.queue_id,
        "header": {
            "from": capped(shown[b"from"]),
            "sender": capped(shown[b"sender"]),
            "resent_from": capped(shown[b"resent-from"]),
            "reply_to": capped(shown[b"reply-to"]),
            "message_id": capped(shown[b"message-id"]),
            "subject": shown[b"subject"],  # `app.recording` hides it, or caps it
        },
        "message": {
            "octets": message.body.size,
            "body_sha256": body_hash.hex(),
            "fields": len(message.headers.fields),
            "defects": list(message.body.defects),
        },
    }


def _is_sendmail(session: Session, profile: Profile) -> bool:
    return session.is_sendmail if profile.mta is Mta.AUTO else profile.mta is Mta.SENDMAIL


def _settle(message: Message, seal: SealPlan) -> Settled:
    """The header block as Sendmail will leave it."""
    session = message.session
    relay = Relay(session.mta_host.encode("utf-8", "replace"), session.mta_masquerade.encode("utf-8", "replace"))
    ident = f"<{message.reference}@{seal.domain}>".encode("ascii", "replace")
    by_octet = any(signer.header_form is Form.SIMPLE for signer in seal.signers)
    return settle(message.headers, seal.keys, relay, message.received_at, ident, to_the_octet=by_octet)


def _sealed(
    seal: SealPlan | Skipped | NoKey, signed: tuple[bytes, ...], leaving: Refolded, settling: Settled
) -> dict[str, Any]:
    if isinstance(seal, SealPlan) and signed:
        keys = [signer.key for signer in seal.signers]
        return {
            "signed": [f"d={k.domain} s={k.selector} a={k.algorithm}" for k in keys],
            "skipped": "",
            "list": DEFAULT_LIST_VERSION,
            "fields": list(field_digests(seal.names[:MAX_DIGESTS], signed[:MAX_DIGESTS])),
            "folded": [name.decode("ascii") for name, _, _ in leaving.edits],
            **({"rewritten": [name.decode("ascii") for name, _, _ in settling.edits]} if settling.edits else {}),
        }
    reason = seal.reason if isinstance(seal, Skipped) else "no-key" if isinstance(seal, NoKey) else "not-accepted"
    return {"signed": [], "skipped": reason}
