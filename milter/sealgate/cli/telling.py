"""Audit lines told to people: one row to skim, or one message's whole story.

Everything of a sender goes through `printable`, so that nothing in a message can drive a terminal.
"""

import json
import re
from typing import Any, Final

import click

from sealgate.mail.reply import printable

Event = dict[str, Any]

# C0, DEL, C1, direction marks, lone surrogates; the rest is escaped by `printable` where it is shown.
_OBEYED: Final = re.compile("[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
_COLOUR: Final = {"accept": "green", "reject": "red", "tempfail": "yellow", "quarantine": "magenta"}
_HINT: Final = re.compile("[\n?] {4}")  # what parts a problem from its hint, also once line feeds are taken out
_HERE: Final = ("", "127.0.0.1", "::1")
_ABOUT_THE_LINE: Final = ("kind", "t", "w", "v", "seq", "prev", "host", "software")


def parsed(line: bytes) -> Event:
    """Read one line; a line that is no JSON object becomes an event of kind `unreadable`.

    Its strings are free of what a terminal obeys: the file may be anybody's.
    """
    try:
        event = _unharmed(json.loads(line))
    except (ValueError, RecursionError):
        return {"kind": "unreadable"}
    return event if isinstance(event, dict) else {"kind": "unreadable"}


def unharmed(line: bytes) -> str:
    """A line as it is, but for what a terminal obeys; our writer escapes all of that."""
    return _OBEYED.sub("?", line.rstrip(b"\n").decode("ascii", "replace"))


def row(event: Event) -> str:
    """One line for a tired eye: time, verdict, who, from, to, why, id."""
    try:
        return _row(event)
    except (KeyError, TypeError, AttributeError, ValueError):  # a decision of another version
        return _row(event | {"kind": "unreadable"})


def story(event: Event) -> str:
    """One message from login to answer, in sentences."""
    try:
        return _story(event)
    except (KeyError, TypeError, AttributeError, ValueError):
        return _story(event | {"kind": "unreadable"})


def _unharmed(value: Any) -> Any:
    if isinstance(value, str):
        return _OBEYED.sub("?", value)
    if isinstance(value, list):
        return [_unharmed(one) for one in value]
    if isinstance(value, dict):
        return {_unharmed(key): _unharmed(one) for key, one in value.items()}
    return value


def _row(event: Event) -> str:
    clock = str(event.get("t", ""))[11:19]
    if event.get("kind") == "reload" and event.get("result") == "failed":
        first = _HINT.split(str((event.get("problems") or ("",))[0]), maxsplit=1)[0]
        told = (
            f"{clock} {'reload':<10} FAILED, the old profile stays in force{': ' * bool(first)}{printable(first, 300)}"
        )
        return click.style(told, fg="red", bold=True)
    if event.get("kind") != "decision":
        rest = {k: v for k, v in event.items() if k not in _ABOUT_THE_LINE}
        return click.style(f"{clock} {event.get('kind', '?'):<10} {printable(json.dumps(rest), 160)}", dim=True)
    word = event["verdict"]
    head = click.style(f"{word:<10}", fg=_COLOUR.get(word), bold=True)
    auth = event["auth"]
    # Who was not recognised is known by the name that SASL gave, which is nobody's proven one.
    who = _shown(auth["principal"] or auth["identity"] or auth.get("name") or event["client"]["ip"], 40)
    would = f" (would {event['would']})" if event["would"] != word else ""
    why = ", ".join(dict.fromkeys(f["rule"] for f in event["findings"])) or _sealing(event)
    route = f"{_shown(event['envelope']['from'], 40)} -> {_recipients(event['envelope']['rcpt'])}"
    return f"{clock} {head} {who:<30} {route}  {why}{would}  {event['id']}"


def _story(event: Event) -> str:
    if event.get("kind") != "decision":
        return f"{event.get('t', '')} {event.get('kind')}: {printable(json.dumps(event), 1000)}"
    return "\n".join((*_origin(event), *_content(event), *_judgement(event)))


def _origin(event: Event) -> list[str]:
    auth, envelope = event["auth"], event["envelope"]
    who = printable(auth["principal"] or auth["identity"] or "nobody that was recognised")
    return [
        f"{event['id']} at {event['t']} on {event['host']}, queue id {event.get('queue_id') or '-'}",
        f"  judged   at {event['stage']} under profile {event['profile'][:12]} in {event['mode']} mode",
        f"  came     {_way(event)}",
        f"  proven   {who} by {auth['via'] or 'nothing'} {_shown(auth['mechanism'])}".rstrip(),
        f"  sent as  {_shown(envelope['from'])} to {len(envelope['rcpt'])} recipients",
    ]


def _way(event: Event) -> str:
    """How a message came in; sendmail(1)'s has no connection that is worth telling of."""
    client, auth = event["client"], event["auth"]
    # As `Session.is_local` has it: Postfix emulates a client with port 0.
    is_local = client.get("port") == 0 and not auth["name"] and client["ip"] in _HERE
    if auth["via"] == "local" or is_local:
        return "through local submission, by sendmail(1)"
    return f"through {_shown(event['listener'])} from {client['ip']} ({client['tls'] or 'no TLS'})"


def _content(event: Event) -> list[str]:
    lines: list[str] = []
    if header := event.get("header"):
        lines.append(f"  shows    From: {_shown(header['from'])}")
        lines.append(f"           Message-ID: {_shown(header['message_id'])}")
    for element in event.get("elements", ()):
        excerpt = printable(str(element["excerpt"]), 160)
        lines.append(f"  found    {element['name']}: {element['state']} {excerpt}".rstrip())
    return lines


def _judgement(event: Event) -> list[str]:
    lines = [
        f"  {finding['mode']:<8} {finding['rule']} ({finding['cites']}): {_shown(finding['detail'], 300)}"
        for finding in event["findings"]
    ]
    lines += [f"  removed  {printable(field)}" for field in event.get("removed", ())]
    seal = event.get("seal", {})
    lines += [f"  sealed   {printable(signature)}" for signature in seal.get("signed", ())]
    if seal.get("skipped"):
        lines.append(f"  unsealed {seal['skipped']}")
    would = f" (in enforce mode: {event['would']})" if event["would"] != event["verdict"] else ""
    lines.append(f"  answered {event['verdict']}{would} {printable(event['reply'], 512)}".rstrip())
    lines.append(f"  recorded as line {event.get('seq', '?')}")
    return lines


def _sealing(event: Event) -> str:
    seal = event.get("seal", {})
    signed = [dict(tag.split("=", 1) for tag in one.split(" ")) for one in seal.get("signed", ())]
    if not signed:
        return f"unsigned: {seal.get('skipped') or '-'}"
    return f"sealed {signed[0]['d']} {'+'.join(one['a'].partition('-')[0] for one in signed)}"


def _recipients(recipients: list[str]) -> str:
    if not recipients:
        return "-"
    more = f" +{len(recipients) - 1}" if len(recipients) > 1 else ""
    return printable(recipients[0], 40) + more


def _shown(value: Any, limit: int = 120) -> str:
    """A value of the record, which is a map with its beginning where it was cut."""
    return printable(f"{value['begins']}..." if isinstance(value, dict) else str(value), limit)
