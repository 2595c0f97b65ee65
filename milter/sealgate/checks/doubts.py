"""What is doubtful about the elements of a commercial message, beside what is missing.

Each doubt is a rule of its own that by default reports only, but for an ambiguous structure: what two readers could
understand differently must not be commercial mail. None is a proof; the details say what was seen.
"""

from collections.abc import Iterator

from sealgate.checks import optout
from sealgate.checks.alternatives import pairs
from sealgate.checks.element import Elements, Remark, redacted
from sealgate.checks.hosts import host_of, is_approved
from sealgate.checks.optout import OptOut, State
from sealgate.checks.postal_fakes import unfilled
from sealgate.checks.sights import Sight
from sealgate.mail.address import AddressError, parse_mailboxes
from sealgate.mail.message import Message
from sealgate.mail.mime import AMBIGUOUS
from sealgate.profile.model import Identity, Profile

_COMPARED = 12  # links with the opt-out's target that are looked at


def of(
    message: Message, seen: tuple[Sight, ...], elements: Elements, identity: Identity, profile: Profile
) -> tuple[Remark, ...]:
    """Everything doubtful about one commercial message."""
    return (
        *_ambiguous(message),
        *_foreign_author(message, profile),
        *_unfilled(seen, elements),
        *_opt_out(seen, elements, identity, profile),
        *_inconspicuous(seen, elements),
        *_differing(message, seen, elements),
    )


def _ambiguous(message: Message) -> Iterator[Remark]:
    met = [defect for defect in message.body.defects if defect in AMBIGUOUS]
    if met:
        yield Remark("canspam.ambiguous", ", ".join(met), "body")


def _foreign_author(message: Message, profile: Profile) -> Iterator[Remark]:
    if not profile.domains:
        return
    for field in message.headers.every(b"from")[:2]:
        try:
            mailboxes = parse_mailboxes(field.value)
        except AddressError:
            continue  # identity.from-syntax says so
        for mailbox in mailboxes:
            if mailbox.address.domain not in profile.domains:
                yield Remark("canspam.foreign-author", f"domain {mailbox.address.domain}", "From")
                return


def _unfilled(seen: tuple[Sight, ...], elements: Elements) -> Iterator[Remark]:
    if elements.postal_address is None:
        return
    for sight in reversed(seen):
        hole = unfilled(sight.view.text)
        if hole is not None:
            words = redacted(" ".join(sight.view.text[hole.start : hole.end].split()))
            yield Remark("canspam.unfilled-address", f"{hole.why}: {words}", sight.path)
            return


# -- the opt-out -------------------------------------------------------------------------------------------------------
def _opt_out(seen: tuple[Sight, ...], elements: Elements, identity: Identity, profile: Profile) -> Iterator[Remark]:
    element = elements.opt_out
    sight = next((s for s in seen if element is not None and element.is_met and s.path == element.where), None)
    if sight is None:
        return
    found, excerpt = sight.opt_out, redacted(sight.opt_out.phrase)
    if found.why:
        yield Remark("canspam.opt-out-burden", f"{found.why}: {excerpt}", sight.path)
    if found.is_choice:
        yield Remark("canspam.preferences-only", excerpt, sight.path)
    if found.state is not State.LIVE:
        return
    host = host_of(found.href)
    if host and not is_approved(host, identity, profile):
        yield Remark("canspam.opt-out-host", f"host {host}", sight.path)
    offer = _same_offer(sight, found)
    if offer is not None:
        yield Remark("canspam.opt-out-is-offer", f"the same target as the link {redacted(offer)!r}", sight.path)


def _same_offer(sight: Sight, found: OptOut) -> str | None:
    """The words of another link with the target of the opt-out, where neither they nor those beside it say so."""
    target = found.href.strip().partition("#")[0]
    if found.how != "link" or target[:4].lower() != "http":
        return None
    text, compared = sight.view.text, 0
    for link in sight.view.links:
        if (
            not link.href.startswith(target)
            or link.href.partition("#")[0].strip() != target
            or found.start <= link.offset <= found.end
        ):
            continue
        end = link.offset + len(link.text)
        around = text[max(0, link.offset - 120) : end + 120]
        compared += 1
        if compared > _COMPARED:
            return None
        if abs(link.offset - found.start) > 250 and not optout.names(around):
            return link.text or "(a picture)"
    return None


# -- how it is shown ---------------------------------------------------------------------------------------------------
def _inconspicuous(seen: tuple[Sight, ...], elements: Elements) -> Iterator[Remark]:
    for element in (elements.postal_address, elements.opt_out):
        if element is None:
            continue
        if "alternative text" in element.why:
            yield Remark("canspam.inconspicuous", f"{element.name}: {element.why}", element.where)
        sight = next((s for s in seen if s.path == element.where), None)
        if sight is None or not element.is_met:
            continue
        place = sight.place if element is elements.postal_address else sight.opt_out
        why = sight.concealed(place.start, place.end) if place is not None else ""
        if why:
            yield Remark("canspam.inconspicuous", f"{element.name}: {why}", element.where)


def _differing(message: Message, seen: tuple[Sight, ...], elements: Elements) -> Iterator[Remark]:
    """Alternatives of which one lacks what the other shows; a reader is shown one of them."""
    by_path = {sight.path: sight for sight in seen}
    for first, second in pairs(message.body.parts):
        plain, html = (by_path.get(message.body.parts[number].path) for number in (first, second))
        if plain is None or html is None:
            continue
        for name, element, has in (
            ("postal address", elements.postal_address, _has_address),
            ("opt-out", elements.opt_out, _has_opt_out),
        ):
            if element is not None and has(plain) != has(html):
                lacks, shows = (html, plain) if has(plain) else (plain, html)
                detail = f"part {lacks.path} ({lacks.subtype}) lacks the {name} of part {shows.path} ({shows.subtype})"
                yield Remark("canspam.alternatives-differ", detail, lacks.path)


def _has_address(sight: Sight) -> bool:
    return sight.place is not None and not sight.place.is_foreign


def _has_opt_out(sight: Sight) -> bool:
    return sight.opt_out.state in (State.LIVE, State.BURDENED)
