"""Verified signatures told to people and to programs: one block a signature: verdict, why, what to do.

Everything of the message, of the DNS and of the audit file goes through `printable`, so that nothing in them can drive
a terminal.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, Final

import click

from sealgate.app.verification import Judged, Result, Verified
from sealgate.audit.matching import recorded_fields, veiled_fields
from sealgate.cli.advising import advice
from sealgate.mail.reply import printable
from sealgate.seal.coverage import Alignment, shared
from sealgate.seal.diagnose import Change, ChangeKind, compare_fields

_COLOUR: Final = {
    Result.PASS: "green", Result.FAIL: "red", Result.PERMANENT: "red", Result.TEMPORARY: "yellow",
    Result.SKIPPED: "yellow",
}  # fmt: skip
_INDENT: Final = " " * 11
_DATED: Final = 253_402_300_800  # seconds; the year 10000, beyond which there is no date to write
_WITHIN: Final = re.compile(rb"^(?:> ?)?DKIM-Signature:", re.MULTILINE | re.IGNORECASE)  # in a bounce, a forwarded copy
_READ_BY_ALL: Final = ("From", "To", "Cc", "Subject", "Date", "Message-ID", "Reply-To", "MIME-Version", "Content-Type")


@dataclass(frozen=True, slots=True)
class Told:
    """One message to tell of.

    Attributes:
        name: of its file.
        verified: what was judged.
        body_hash: SHA-256 of its relaxed body, in hex.
        line: its audit line, where there is one.
        is_offline: whether keys were given, and no DNS asked.
        now: seconds since the epoch, UTC.
        lacks_nacl: whether dkimpy could not verify Ed25519, so that our own reading did.
        veil: what veils the digests of its header fields; None: key or salt is not there.
    """

    name: str
    verified: Verified
    body_hash: str
    line: dict[str, Any] | None
    is_offline: bool
    now: int
    lacks_nacl: bool = False
    veil: Callable[[str], str] | None = None

    @property
    def changes(self) -> tuple[Change, ...]:
        """What became of the recorded fields; nothing without a line."""
        return compare_fields(recorded_fields(self.line or {}), self.verified.filed.headers, self.veil)


def told(story: Told) -> str:
    """The whole story of one message."""
    verified = story.verified
    authors = ", ".join(printable(name, 60) for name in verified.authors) or "an author that cannot be read"
    number = f"{verified.total} signature{'s' * (verified.total != 1)}"
    lines = [click.style(f"{printable(story.name, 200)}: mail of {authors}, {number}", bold=True)]
    lines += [f"           note: {note}" for note in verified.filed.notes]
    for judged in verified.judged:
        lines.append(_verdict(judged, verified.total))
        lines += [_INDENT + line for line in _block(judged, story)]
    if verified.total > len(verified.judged):
        lines.append(f"           {verified.total - len(verified.judged)} more signatures were not looked at")
    lines += _record(story)
    lines.append(_sum(verified))
    return "\n".join(lines) + "\n"


def as_json(story: Told) -> dict[str, Any]:
    """What a program reads of one message; the strings of the message are as they are, within JSON's escapes."""
    verified = story.verified
    line = story.line
    return {
        "file": story.name,
        "authors": list(verified.authors),
        "is_in_order": verified.is_in_order,
        "signatures": verified.total,
        "notes": list(verified.filed.notes),
        "judged": [_judged_as_json(judged) for judged in verified.judged],
        "record": None
        if line is None
        else {"id": line.get("id"), "seq": line.get("seq"), "t": line.get("t"),
              "has_body": isinstance(line.get("message"), dict)
              and line["message"].get("body_sha256") == story.body_hash,
              "changes": [asdict(change) for change in story.changes]},
    }  # fmt: skip


def _judged_as_json(judged: Judged) -> dict[str, Any]:
    signature, found, covers, diagnosis = judged.signature, judged.found, judged.covers, judged.diagnosis
    told: dict[str, Any] = {
        "number": judged.number,
        "result": str(judged.result),
        "why": judged.why,
        "advice": advice(judged),
        "alignment": str(judged.alignment),
        "d": judged.seen.get("d", ""), "s": judged.seen.get("s", ""), "a": judged.seen.get("a", ""),
    }  # fmt: skip
    if signature is not None:
        told |= {
            "d": signature.domain, "s": signature.selector, "a": str(signature.algorithm), "i": signature.identity,
            "c": f"{signature.header_form}/{signature.body_form}", "t": signature.signed_at,
            "x": signature.expires_at, "l": signature.length, "h": [name.decode("ascii") for name in signature.names],
        }  # fmt: skip
    if found is not None:
        told["key"] = {"kind": found.key.kind, "bits": found.key.bits, "is_secure": found.is_secure,
                       "is_testing": "y" in found.says.flags, "records": found.count}  # fmt: skip
    if covers is not None:
        told["covers"] = asdict(covers)
    if diagnosis is not None:
        told["body_fits"], told["header_fits"] = diagnosis.body_fits, diagnosis.header_fits
        told["body_cause"], told["header_cause"] = diagnosis.body_cause, diagnosis.header_cause
    return told


def _verdict(judged: Judged, total: int) -> str:
    signature = judged.signature
    domain = signature.domain if signature else judged.seen.get("d", "?")
    selector = signature.selector if signature else judged.seen.get("s", "?")
    algorithm = str(signature.algorithm) if signature else judged.seen.get("a", "?")
    word = click.style(f"{judged.result.upper():<10}", fg=_COLOUR[judged.result], bold=True)
    which = f"{judged.number} of {total}: " if total > 1 else ""
    return f"{word} {which}d={printable(domain, 100)} s={printable(selector, 63)} {printable(algorithm, 20)}"


def _block(judged: Judged, story: Told) -> Iterator[str]:
    if judged.why:
        yield printable(judged.why, 300)
    if judged.diagnosis is not None and judged.result is not Result.PASS:
        if judged.diagnosis.header_cause:
            yield f"proven: {judged.diagnosis.header_cause}"
        if judged.diagnosis.body_cause:
            yield f"proven: {judged.diagnosis.body_cause}"
        if _is_open(judged) and story.line is None:
            yield "which change it was cannot be proven from the message alone; its audit line could tell (--log)"
    if judged.signature is not None:
        yield _alignment(judged, story.verified)
    if do := advice(judged):
        yield click.style(f"do: {do}", bold=True)
    yield from _details(judged, story)


def _is_open(judged: Judged) -> bool:
    """Whether something was changed and nobody can say what."""
    said = judged.diagnosis
    if said is None or judged.result is not Result.FAIL or said.is_other_key or said.fits:
        return False
    return (not said.body_fits and not said.body_cause) or (said.header_fits is False and not said.header_cause)


def _alignment(judged: Judged, verified: Verified) -> str:
    domain = judged.signature.domain if judged.signature else ""
    author = verified.authors[0] if len(verified.authors) == 1 else ""
    match judged.alignment:
        case Alignment.STRICT:
            return "author: d= is the domain in From (DMARC: aligned, strict too)"
        case Alignment.RELAXED:
            return f"author: d= and {author} in From are of one organisation (DMARC: aligned, relaxed only)"
        case Alignment.SIBLING:
            return (
                f"author: d= and {author} in From are both under {printable(shared(domain, author), 100)}: aligned if "
                "that is an organisational domain; if so, say --organisation"
            )
        case Alignment.NONE:
            return f"author: d= is not {author} of From: it says nothing for the author (DMARC: not aligned)"
    return "author: From does not name one domain, so no signature speaks for it"


def _details(judged: Judged, story: Told) -> Iterator[str]:
    signature, found, covers = judged.signature, judged.found, judged.covers
    if signature is None:
        return
    yield f"made: {_times(judged, story.now)}; c={signature.header_form}/{signature.body_form}; i=" + printable(
        signature.identity, 100
    )
    if signature.length is not None:
        beyond = "whoever handles the message can put any text behind that, and it still passes (RFC 6376 8.2)"
        yield click.style(f"l={signature.length}: only so many octets of the body are signed; {beyond}", fg="yellow")
    if found is not None:
        yield f"key: {_key(judged, is_offline=story.is_offline)}"
        if story.lacks_nacl and found.key.kind == "ed25519":
            yield "verified by sealgate itself, which is no second opinion: dkimpy lacks PyNaCl"
        if "y" in found.says.flags:
            yield "key: its record says t=y, testing: receivers treat the mail as if it were not signed"
        if found.count > 1:
            yield f"key: {found.count} TXT records stand at its name, where one may be: receivers pick any of them"
    if covers is not None:
        yield from _covered(judged)


def _covered(judged: Judged) -> Iterator[str]:
    covers = judged.covers
    if covers is None or judged.signature is None:
        return
    yield f"signed: {covers.signed} fields, by {len(judged.signature.names)} names in h="
    if covers.unsigned:
        yield click.style(f"not signed: {', '.join(covers.unsigned)}: anybody may change or add these", fg="yellow")
    loose = [name for name in covers.open if name in _READ_BY_ALL]
    if loose:
        yield f"not oversigned: {', '.join(loose)}: another one could be put in"
    if covers.has_one_click is not None:
        said = "both signed" if covers.has_one_click else "NOT both signed, so providers do not offer it"
        yield f"one-click: List-Unsubscribe and List-Unsubscribe-Post are {said} (RFC 8058 4)"


def _key(judged: Judged, *, is_offline: bool) -> str:
    found = judged.found
    if found is None:
        return ""
    size = f"{found.key.kind}, {found.key.bits} bits"
    if found.key.kind == "rsa" and found.key.bits < 2_048:
        size += ", which is short: make one of 2048"
    if is_offline:
        return f"{size}; it was given, no DNS was asked"
    vouched = "is vouched for by DNSSEC" if found.is_secure else "is not vouched for by DNSSEC"
    return f"{size}; the answer of the DNS {vouched}"


def _times(judged: Judged, now: int) -> str:
    signature = judged.signature
    if signature is None:
        return ""
    made, ends = signature.signed_at, signature.expires_at
    said = "it does not say when" if made is None else _moment(made)
    if made is not None and made > now:
        said += f", {_span(made - now)} in the future"
    if ends is None:
        return said + ", does not expire"
    if ends < now:
        return f"{said}, EXPIRED {_moment(ends)}, {_span(now - ends)} ago"
    return f"{said}, expires {_moment(ends)}, in {_span(ends - now)}"


def _moment(seconds: int) -> str:
    if seconds >= _DATED:
        return "after the year 9999"
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def _span(seconds: int) -> str:
    for size, unit in ((86_400, "days"), (3_600, "hours"), (60, "minutes")):
        if seconds >= 2 * size:
            return f"{seconds // size} {unit}"
    return f"{seconds} seconds"


def _record(story: Told) -> Iterator[str]:
    """What the audit line adds: each field that is not as it was sealed, and whether the body is."""
    line = story.line
    if line is None:
        return
    seq, at, id_ = (printable(str(line.get(name, "?")), 40) for name in ("seq", "t", "id"))
    yield f"record     line {seq} of {at}, id {id_}"
    message = line.get("message")
    was = message.get("body_sha256") if isinstance(message, dict) else None
    if was:
        yield f"{_INDENT}the body {'is as it was' if was == story.body_hash else 'was changed since it was'} sealed"
    unknown = ", ".join(veiled_fields(line)) if story.veil is None else ""
    if not recorded_fields(line):
        yield f"{_INDENT}it holds no digests of fields, so fields cannot be compared"
    elif not story.changes:
        yield f"{_INDENT}all {'other ' * bool(unknown)}signed fields are as they were sealed"
    if unknown:
        yield f"{_INDENT}of {printable(unknown, 300)} nothing is known: key and salt are not there, or not for you"
    for change in story.changes:
        yield _INDENT + _changed(change)


def _changed(change: Change) -> str:
    name = printable(change.name, 60)
    many = f"{change.count} {name} fields" if change.count > 1 else f"field {name}"
    if change.kind is ChangeKind.REORDERED:
        return f"{many} stand in another order"
    said = f"{many} {'were' if change.count > 1 else 'was'} {change.kind} since it was sealed"
    return said + (", which the signature does not mind" if change.is_harmless else "")


def _sum(verified: Verified) -> str:
    if not verified.total:
        hint = (
            "\n           a message within it has one: save that one as a file"
            if _WITHIN.search(verified.filed.body)
            else ""
        )
        return f"NONE       the message bears no DKIM-Signature field{hint}"
    if verified.is_in_order:
        return click.style("OK", fg="green", bold=True) + "         receivers can rely on it for the author's domain"
    if any(judged.result is Result.TEMPORARY and judged.alignment.is_aligned for judged in verified.judged):
        return click.style("NOT KNOWN", fg="yellow", bold=True) + "  it depends on a key that could not be looked up"
    return click.style("NOT OK", fg="red", bold=True) + "     no signature that passes speaks for the author's domain"
