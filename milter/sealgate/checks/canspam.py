"""What CAN-SPAM demands in commercial mail: a postal address of the sender, a way to opt out, and that it shows itself.

`read_elements` looks for them, once, in what a reader sees; `check` turns what is missing or doubtful into findings,
and `as_record` writes down what was found, which is what proves compliance later. Only mail of an identity that is
declared commercial is looked at; which elements are demanded, `checks.packs` says. Any part that a reader is shown
satisfies an element, text or HTML; what is quoted from others, hidden, or said by pictures only does not. Where a part
could not be read, or was cut by a limit, a missing element is said to be unread, not absent: the sender must not be
told an untruth. What cannot be seen at send time (whether the address exists, whether the link works for 30 days) is
not promised.
"""

from dataclasses import replace

from sealgate.checks import doubts, label, optout, postal
from sealgate.checks.element import Element, Elements, as_record, digest_of, redacted
from sealgate.checks.facts import Facts, Known
from sealgate.checks.finding import Finding
from sealgate.checks.hosts import redacted as redacted_target
from sealgate.checks.optout import State
from sealgate.checks.packs import PACKS
from sealgate.checks.postal_fakes import unfilled
from sealgate.checks.rules import RULES
from sealgate.checks.sights import MAX_PARTS, Sight, sights
from sealgate.mail.message import Message
from sealgate.mail.reply import printable
from sealgate.profile.model import Identity, MailClass, Profile

__all__ = ["Element", "Elements", "as_record", "check", "read_elements", "redacted"]

_UNSEEN = "only in text that no reader is shown"
_PICTURE = "only in a picture's alternative text"
_FOREIGN_TEXT = "only in a plain text that has nothing to do with the HTML beside it"


def read_elements(
    message: Message, facts: Facts, identity: Identity | None, profile: Profile | None = None
) -> Elements:
    """Look for what the law demands of this message, in what a reader sees of it.

    Args:
        message: what is sent.
        facts: its views, in the order of `message.body.parts`.
        identity: who sends it; nothing is looked for where it is not declared commercial.
        profile: the law, and which domains and hosts are ours; without it the law is `us` and of hosts nothing is said.
    """
    if identity is None or identity.mail_class is not MailClass.COMMERCIAL:
        return Elements()
    profile = profile or Profile()
    pack = PACKS[profile.law]
    seen = sights(message, facts, identity.postal_addresses)
    unread = _unread(message, facts)
    found = Elements(
        _postal(seen, unread) if "postal-address" in pack.elements else None,
        _opt_out(seen, unread) if "opt-out" in pack.elements else None,
        _label(message, seen, unread, identity.consent and "label" in pack.waived_by_consent)
        if "label" in pack.elements
        else None,
    )
    return replace(found, remarks=doubts.of(message, seen, found, identity, profile))


def check(elements: Elements, identity: Identity | None) -> tuple[Finding, ...]:
    """Turn what is missing, dead, unread or doubtful into findings."""
    findings = []
    address, opt_out, shown = elements.postal_address, elements.opt_out, elements.label
    if address is not None:
        if address.state in ("absent", "unfilled"):
            why = f": {address.why}" if address.why else ""
            findings.append(_found("canspam.no-postal-address", f"no postal address in any part that was read{why}"))
        if address.state == "recognised" and identity is not None and identity.postal_addresses:
            findings.append(_found("canspam.unregistered-address", address.excerpt, address.where))
    if opt_out is not None:
        if opt_out.state == "absent":
            words = f"words without a link or instruction: {opt_out.excerpt}" if opt_out.excerpt else ""
            detail = opt_out.why or words or "no opt-out in any part that was read"
            findings.append(_found("canspam.no-opt-out", detail, opt_out.where))
        if opt_out.state == "dead":
            detail = f"{opt_out.why} ({opt_out.target}): {opt_out.excerpt}"
            findings.append(_found("canspam.dead-opt-out", detail, opt_out.where))
    if shown is not None and shown.state == "absent":
        findings.append(_found("canspam.no-label", "no word of advertising or selling in the subject or the text"))
    unread = [e for e in elements.all() if e.state == "unread" and e.name != "label"]
    if unread:
        names = " and ".join(element.name for element in unread)
        findings.append(_found("canspam.unread", f"{names} not found in what could be read; {unread[0].why}"))
    findings += (_found(remark.code, remark.detail, remark.where) for remark in elements.remarks)
    return tuple(findings)


# -- the elements ------------------------------------------------------------------------------------------------------
def _postal(seen: tuple[Sight, ...], unread: str) -> Element:
    name = "postal-address"
    shown = [sight for sight in reversed(seen) if sight.place is not None and not sight.place.is_foreign]
    best = min((s for s in shown if not s.is_foreign), key=_address_rank, default=None)
    if best is not None and best.place is not None:
        place = best.place
        how = "registered" if place.address else "recognised"
        target = place.address.name if place.address else ""
        digest = digest_of(place.address.text if place.address else place.text)
        return Element(name, how, best.path, redacted(place.text), target, "", place.start, digest, how)
    if unread:
        return Element(name, "unread", why=unread)
    for sight in reversed(seen):
        hole = unfilled(sight.view.text)
        if hole is not None:
            excerpt = redacted(" ".join(sight.view.text[hole.start : hole.end].split()))
            return Element(name, "unfilled", sight.path, excerpt, "", hole.why, hole.start)
    if shown:
        return Element(name, "absent", shown[0].path, why=_FOREIGN_TEXT)
    if any(sight.place is not None for sight in seen):
        return Element(name, "absent", why="only one that is announced as somebody else's")
    for why, texts in ((_UNSEEN, [s.view.unseen for s in seen]), (_PICTURE, [s.view.alternatives for s in seen])):
        for sight, text in zip(seen, texts, strict=True):
            hidden = postal.recognise(text) if text else None
            if hidden is not None:
                return Element(name, "absent", sight.path, redacted(hidden.text), why=why)
    return Element(name, "absent")


def _address_rank(sight: Sight) -> tuple[bool, bool]:
    """Registered ones first, then those that are seen well."""
    place = sight.place
    if place is None:
        return True, True
    return place.address is None, bool(sight.concealed(place.start, place.end))


_STATES = {State.LIVE: 0, State.DEAD: 3, State.BURDENED: 2, State.NONE: 4}


def _opt_out(seen: tuple[Sight, ...], unread: str) -> Element:
    name = "opt-out"
    best = min(reversed(seen), key=_opt_out_rank, default=None)
    found = best.opt_out if best is not None else optout.OptOut(State.NONE)
    where = best.path if best is not None and found.phrase else ""
    excerpt, offset = redacted(found.phrase), found.begin if where else -1
    target = redacted(redacted_target(found.href)) if found.href else ""
    if found.state in (State.LIVE, State.BURDENED):
        target = target or ("reply" if found.how == "reply" else "")
        return Element(name, str(found.state), where, excerpt, target, found.why, offset, "", found.how)
    if unread:
        return Element(name, "unread", where, excerpt, why=unread)
    if found.state is State.DEAD:
        return Element(name, "dead", where, excerpt, target, found.why, offset, "", found.how)
    for why, texts in ((_UNSEEN, [s.view.unseen for s in seen]), (_PICTURE, [s.view.alternatives for s in seen])):
        for sight, text in zip(seen, texts, strict=True):
            words = optout.mentioned(text) if text and not excerpt else ""
            if words:
                return Element(name, "absent", sight.path, redacted(words), why=why)
    return Element(name, "absent", where, excerpt, "", "", offset)


def _opt_out_rank(sight: Sight) -> tuple[int, bool, bool]:
    found = sight.opt_out
    is_hidden = found.state is State.LIVE and bool(sight.concealed(found.start, found.end))
    return _STATES[found.state], bool(found.why) or found.is_choice or is_hidden, not found.phrase


def _label(message: Message, seen: tuple[Sight, ...], unread: str, is_waived: bool) -> Element:
    if is_waived:
        return Element("label", "waived", why="the recipients' consent is declared")
    views = tuple((sight.path, sight.view) for sight in reversed(seen))
    found = label.find(message.headers.text(b"subject"), views)
    if found is None:
        return Element("label", "unread" if unread else "absent", why=unread)
    where, offset, words = found
    return Element("label", "present", where, words, offset=offset, how="words")


def _unread(message: Message, facts: Facts) -> str:
    """Why a part was not, or not wholly, read; empty where all were."""
    for number, part in enumerate(message.body.parts):
        fact = facts.views[number] if number < len(facts.views) else None
        if not isinstance(fact, Known):
            return f"part {part.path}: {fact.why if fact is not None else 'no view'}"
        if part.truncated:
            return f"part {part.path}: longer than what is kept"
    if len(message.body.parts) > MAX_PARTS:
        return f"part {message.body.parts[0].path}: one of more than {MAX_PARTS} text parts"
    return ""


def _found(code: str, detail: str, where: str = "") -> Finding:
    return Finding(RULES[code], printable(detail, 400), where)
