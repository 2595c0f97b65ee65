"""One message's whole story, from login to answer, in a form that a person reads at night.

Everything of a sender goes through `printable`; events are harmless already (`telling.harmless`). A line of another
version, or anybody's, is shown as it is.
"""

import json
import textwrap
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import click

from sealgate.cli.audit_hidden import Values
from sealgate.cli.telling import Event, shown
from sealgate.mail.reply import printable

_HERE: Final = ("", "127.0.0.1", "::1")
_RECIPIENTS: Final = 20  # that are named; --json gives all
_COLOUR: Final = {"accept": "green", "reject": "red", "tempfail": "yellow", "quarantine": "magenta"}
_WIDTH: Final = 100  # where nobody watches
_LABEL: Final = 9


@dataclass(frozen=True, slots=True)
class Context:
    """What is known beside the decision itself.

    Attributes:
        place: of its line: file and number.
        later: corrections and faults of the same id.
        values: what stands behind its hashes.
        kept: whether the profile's version is kept, in words.
    """

    place: str = ""
    later: tuple[Event, ...] = ()
    values: Values = field(default_factory=Values)
    kept: str = ""


def story(event: Event, context: Context | None = None, *, width: int = 0) -> str:
    """One message, or one line of another kind.

    Args:
        event: harmless, with all of its recipients.
        context: what else is known.
        width: columns to write in; 0: a usual number.
    """
    room = min(width or _WIDTH, 110)
    try:
        rows = _decision(event, context or Context()) if event.get("kind") == "decision" else _other(event)
        return "\n".join(_wrapped(rows, room))
    except (KeyError, TypeError, AttributeError, ValueError):
        return "\n".join(_wrapped(_other(event | {"kind": "unreadable"}), room))


_Row = tuple[str, str]


def _wrapped(rows: Iterable[_Row], width: int) -> Iterator[str]:
    """Label and text; an empty label goes on under the one before, a title stands alone."""
    for label, text in rows:
        if label == "title":
            yield text
            continue
        inset = " " * (len(text) - len(text.lstrip(" ")))
        room = max(20, width - _LABEL - 2)
        lines = textwrap.wrap(text, room, break_on_hyphens=False, subsequent_indent=inset) or [""]
        for number, line in enumerate(lines):
            yield f"  {label if not number else '':<{_LABEL}}{line}".rstrip()


def _other(event: Event) -> Iterator[_Row]:
    kind, moment = printable(str(event.get("kind")), 20), printable(str(event.get("t", "")), 40)
    if kind in ("correction", "fault"):
        yield "title", f"{shown(event.get('id'), 40)}  {moment}"
        yield from _afterwards([event])
        return
    yield "title", f"{moment} {kind}"
    yield "", printable(json.dumps(event), 1000)


def _decision(event: Event, context: Context) -> Iterator[_Row]:
    yield from _title(event, context)
    yield from _who(event)
    yield from _recipients(event, context.values)
    yield from _content(event, context.values)
    yield from _judgement(event)
    yield from _sealed(event)
    yield from _afterwards(context.later)
    kept = f" ({context.kept})" if context.kept else ""
    yield "under", f"profile {shown(event['profile'], 64)[:12]}{kept}, in {shown(event['mode'], 20)} mode"
    written = f", written {shown(event.get('w'), 40)}" if event.get("w") else ""
    place = f" of the record ({printable(context.place, 200)})" if context.place else ""
    yield "recorded", f"as line {shown(event.get('seq', '?'), 20)}{place}{written}"


def _title(event: Event, context: Context) -> Iterator[_Row]:
    word = _answer(event, context)
    moment = shown(event["t"], 40)
    when = f"{moment[:10]} {moment[11:19]} UTC" if moment.endswith("Z") else moment
    title = f"{shown(event['id'], 40)}  {when}  {word.upper()}"
    yield "title", click.style(title, bold=True, fg=_COLOUR.get(word))
    queue_id = shown(event.get("queue_id") or "none yet: judged at MAIL", 40)
    yield "at", f"{shown(event['host'])}, queue id {queue_id}, {shown(event.get('software') or 'unknown version', 60)}"


def _answer(event: Event, context: Context) -> str:
    """What was answered in the end."""
    last = context.later[-1].get("verdict") if context.later else None
    return shown(last or event["verdict"], 20)


def _who(event: Event) -> Iterator[_Row]:
    auth = event["auth"]
    who = shown(auth["principal"] or "nobody that was recognised")
    identity = f", identity {shown(auth['identity'])}" if auth["identity"] else ""
    name = auth.get("name")
    said = f"; SASL said {shown(name)}" if name and name != auth["principal"] else ""
    how = f"{shown(auth['via'] or 'nothing', 40)} {shown(auth['mechanism'], 40)}".rstrip()
    yield "who", f"{who}{identity}, by {how}{said}"
    yield "came", _way(event)
    yield "sent as", shown(event["envelope"]["from"], 300)


def _way(event: Event) -> str:
    """How a message came in; sendmail(1)'s has no connection that is worth telling of."""
    client, auth = event["client"], event["auth"]
    # As `Session.is_local` has it: Postfix emulates a client with port 0.
    is_local = client.get("port") == 0 and not auth["name"] and client["ip"] in _HERE
    if auth["via"] == "local" or is_local:
        return "through local submission, by sendmail(1)"
    helo = f", HELO {shown(client['helo'])}" if client.get("helo") else ""
    return f"through {shown(event['listener'])} from {shown(client['ip'])} ({shown(client['tls'] or 'no TLS')}){helo}"


def _recipients(event: Event, values: Values) -> Iterator[_Row]:
    envelope = event["envelope"]
    listed: list[Any] = envelope["rcpt"]
    number = max(len(listed), int(envelope.get("rcpt_n") or 0))
    hashed = [one for one in listed if isinstance(one, dict)]
    lacking = f", of which the record lacks {number - len(listed)}" if number > len(listed) else ""
    yield "to", f"{number} recipient{'s' * (number != 1)}{', hashed' if hashed else ''}{lacking}"
    place = 0
    for one in listed[:_RECIPIENTS]:
        if isinstance(one, dict):
            value = values.of(place, str(one.get("h")))
            place += 1
            proven = "" if values.is_proven else ", not proven: the key is not readable"
            mark = f"(from the erasable file{proven})" if value else f"(hash {shown(one.get('h'), 32)})"
            hidden = f"...@{shown(one.get('d'))}"
            yield "", f"  {shown(value, 300) if value else hidden} {mark}"
        else:
            yield "", f"  {shown(one, 300)}"
    if len(listed) > _RECIPIENTS:
        yield "", f"  and {len(listed) - _RECIPIENTS} more (--json gives all)"
    if hashed and values.why:
        yield "", f"  {printable(values.why, 300)}"


def _content(event: Event, values: Values) -> Iterator[_Row]:
    if header := event.get("header"):
        yield "shows", f"From: {shown(header['from'], 300)}"
        for name, key in (("Sender", "sender"), ("Resent-From", "resent_from"), ("Reply-To", "reply_to")):
            if header.get(key):
                yield "", f"{name}: {shown(header[key], 300)}"
        if header.get("subject"):
            yield "", f"Subject: {_subject(header['subject'], values)}"
        yield "", f"Message-ID: {shown(header['message_id'], 300)}"
    if message := event.get("message"):
        defects = ", ".join(printable(str(one), 60) for one in message.get("defects") or ())
        size = f"{shown(message['octets'], 20)} octets, {shown(message['fields'], 20)} header fields"
        body = f"body SHA-256 {shown(message['body_sha256'], 64)[:16]}..."
        yield "has", f"{size}; {body}{'; ' * bool(defects)}{defects}"
    label = "found"
    for element in event.get("elements", ()):
        where = f" in part {shown(element['where'], 40)}" if element.get("where") not in ("", "header", None) else ""
        target = f" -> {shown(element['target'])}" if element.get("target") else ""
        excerpt = f': "{printable(str(element["excerpt"]), 200)}"' if element.get("excerpt") else ""
        why = f" ({printable(str(element['why']), 200)})" if element.get("why") else ""
        yield label, f"{shown(element['name'], 40)}: {shown(element['state'], 40)}{target}{where}{excerpt}{why}"
        label = ""


def _subject(subject: Any, values: Values) -> str:
    if not isinstance(subject, dict) or "salted" not in subject:
        return shown(subject, 300)
    length = f"hashed, {shown(subject.get('length'), 10)} characters"
    return f"{printable(values.subject, 300)} (from the erasable file)" if values.subject else f"({length})"


def _judgement(event: Event) -> Iterator[_Row]:
    label = "rules"
    for finding in event["findings"]:
        head = f"{shown(finding['rule'], 60)} ({shown(finding['cites'], 100)}), {shown(finding['mode'], 20)}"
        does = " ->" if finding["mode"] == "enforce" else " only: would"
        action = f"{does} {shown(finding['action'], 20)}" if finding.get("action") else ""
        where = f", in {shown(finding['where'], 60)}" if finding.get("where") else ""
        yield label, f"{head}{action}{where}"
        yield "", f"  {shown(finding['detail'], 400)}"
        label = ""
    would = f" (in enforce mode: {shown(event['would'], 20)})" if event["would"] != event["verdict"] else ""
    yield "answered", f"{shown(event['verdict'], 20)}{would} {printable(event['reply'], 512)}".rstrip()


def _sealed(event: Event) -> Iterator[_Row]:
    seal = event.get("seal", {})
    label = "sealed"
    for signature in seal.get("signed", ()):
        yield label, printable(str(signature), 300)
        label = ""
    if seal.get("signed"):
        named = {one.rpartition(" ")[0] for one in seal.get("fields") or ()}
        yield "", f"{len(named)} names of fields, by list version {shown(seal.get('list', '?'), 10)}"
    if seal.get("skipped"):
        yield "unsealed", shown(seal["skipped"], 60)
    if folded := seal.get("folded"):
        yield "folded", ", ".join(printable(str(name), 60) for name in folded)
    if rewritten := seal.get("rewritten"):
        yield "rewritten", ", ".join(printable(str(name), 60) for name in rewritten)
    if removed := event.get("removed"):
        yield "removed", ", ".join(printable(str(name), 100) for name in removed)


def _afterwards(later: Iterable[Event]) -> Iterator[_Row]:
    for event in later:
        moment = printable(str(event.get("t") or event.get("w") or ""), 40)
        why = printable(str(event.get("why", "")), 300)
        if event.get("kind") == "correction":
            verdict = printable(str(event.get("verdict")), 20)
            yield "later", f"CORRECTED {moment}: the answer became {verdict} 451 after its line was written: {why}"
        else:
            step = printable(str(event.get("step", "?")), 40)
            yield "later", f"FAULT {moment}, in step {step}: {why}; answered 451"
