"""Audit lines told to people: one row each, to skim. `cli.audit_story` tells one message's whole story.

Everything of a sender goes through `printable`, so that nothing in a message can drive a terminal.
"""

import json
import re
from typing import Any, Final

import click

from sealgate.audit import incidents
from sealgate.mail.reply import printable

Event = dict[str, Any]

# C0, DEL, C1, direction marks, lone surrogates; the rest is escaped by `printable` where it is shown.
_OBEYED: Final = re.compile("[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
_COLOUR: Final = {"accept": "green", "reject": "red", "tempfail": "yellow", "quarantine": "magenta"}
_HINT: Final = re.compile("[\n?] {4}")  # what parts a problem from its hint, also once line feeds are taken out
NOISE: Final = (b'"kind":"checkpoint"', b'"kind":"recipients"', b'"kind":"anchored"')
"""What no person wants to see among decisions."""

_TROUBLE: Final = frozenset({"gap", "recovered", "full", "clock", "worker-died", "key"})


def parsed(line: bytes) -> Event:
    """Read one line; a line that is no JSON object becomes an event of kind `unreadable`.

    Its strings are free of what a terminal obeys: the file may be anybody's.
    """
    try:
        event = harmless(json.loads(line))
    except (ValueError, RecursionError):
        return {"kind": "unreadable"}
    return event if isinstance(event, dict) else {"kind": "unreadable"}


def unharmed(line: bytes) -> str:
    """A line as it is, but for what a terminal obeys; our writer escapes all of that."""
    return _OBEYED.sub("?", line.rstrip(b"\n").decode("ascii", "replace"))


def row(event: Event, *, width: int = 0, is_dated: bool = False) -> str:
    """One line for a tired eye: time, verdict, who, from, to, why, id.

    Args:
        event: harmless.
        width: columns of the terminal; where a line does not fit, it becomes two. 0: there is none, one line.
        is_dated: whether the day is shown too.
    """
    try:
        return _row(event, width, is_dated=is_dated)
    except (KeyError, TypeError, AttributeError, ValueError):  # a decision of another version
        return _row(event | {"kind": "unreadable"}, width, is_dated=is_dated)


def harmless(value: Any) -> Any:
    """The same value, all of its strings free of what a terminal obeys."""
    if isinstance(value, str):
        return _OBEYED.sub("?", value)
    if isinstance(value, list):
        return [harmless(one) for one in value]
    if isinstance(value, dict):
        return {harmless(key): harmless(one) for key, one in value.items()}
    return value


def _row(event: Event, width: int, *, is_dated: bool) -> str:
    moment = printable(str(event.get("t", "")), 40)
    clock = f"{moment[:10]} {moment[11:19]}" if is_dated else moment[11:19]
    room = (width or 200) - len(clock) - 1
    if event.get("kind") == "reload" and event.get("result") == "failed":
        first = _HINT.split(str((event.get("problems") or ("",))[0]), maxsplit=1)[0]
        told = (
            f"{clock} {'reload':<10} FAILED, the old profile stays in force{': ' * bool(first)}{printable(first, 300)}"
        )
        return click.style(told, fg="red", bold=True)
    if event.get("kind") == "refusals":
        return f"{clock} {_counted(event, room)}"
    if event.get("kind") in ("correction", "fault"):
        return f"{clock} {_afterwards(event, room)}"
    if event.get("kind") != "decision":
        kind = str(event.get("kind", "?"))
        told = f"{clock} {printable(kind, 20):<10} {printable(incidents.told(kind, event), max(20, room - 11))}"
        return click.style(told, fg="yellow", bold=True) if kind in _TROUBLE else click.style(told, dim=True)
    word = printable(str(event["verdict"]), 12)
    head = click.style(f"{word:<10}", fg=_COLOUR.get(word), bold=True)
    auth = event["auth"]
    # Who was not recognised is known by the name that SASL gave, which is nobody's proven one.
    who = shown(auth["principal"] or auth["identity"] or auth.get("name") or event["client"]["ip"], 40)
    would = f" (would {shown(event['would'], 12)})" if event["would"] != word else ""
    codes = ", ".join(dict.fromkeys(shown(f["rule"], 60) for f in event["findings"]))
    why = codes or _sealing(event)
    route = f"{shown(event['envelope']['from'], 40).strip('<>') or '<>'} -> {_recipients(event['envelope'])}"
    reference = shown(event["id"], 40)
    one = f"{who:<30} {route}  {why}{would}  {reference}"
    if not width or len(one) + 11 <= room:
        return f"{clock} {head} {one}"
    first = printable(f"{why}{would}", max(10, room - 11 - len(reference) - 2))
    gap = max(2, room - 11 - len(first) - len(reference))
    indent = " " * 9
    return f"{clock} {head} {first}{' ' * gap}{reference}\n{indent}{printable(f'{who}  {route}', width - 9)}"


def _afterwards(event: Event, room: int) -> str:
    """A correction, or a fault of ours."""
    word = printable(str(event.get("verdict")), 12)
    what = "its answer became this" if event["kind"] == "correction" else f"fault at {shown(event.get('step'), 40)}"
    reference = shown(event.get("id"), 40)
    told = printable(f"{what}: {event.get('why')}", max(20, room - 11 - len(reference) - 2))
    return f"{click.style(f'{word:<10}', fg=_COLOUR.get(word), bold=True)} {told}  {reference}"


def _counted(event: Event, room: int) -> str:
    word = printable(str(event.get("verdict")), 12)
    client = shown(event.get("network") or "no address", 60)
    told = f"{event.get('count')} times {shown(event.get('rule') or '-', 60)}, without a login, from {client}"
    return f"{click.style(f'{word:<10}', fg=_COLOUR.get(word), dim=True)} {printable(told, max(20, room - 11))}"


def _sealing(event: Event) -> str:
    seal = event.get("seal", {})
    signed = [dict(tag.split("=", 1) for tag in one.split(" ")) for one in seal.get("signed", ())]
    if not signed:
        return f"unsigned: {shown(seal.get('skipped') or '-', 40)}"
    algorithms = "+".join(one["a"].partition("-")[0] for one in signed)
    return f"sealed {shown(signed[0]['d'], 100)} {printable(algorithms, 40)}"


def _recipients(envelope: Event) -> str:
    recipients = envelope["rcpt"]
    number = max(len(recipients), int(envelope.get("rcpt_n") or 0))
    if not recipients:
        return "-"
    first = recipients[0]
    named = f"...@{first.get('d', '')}" if isinstance(first, dict) else str(first).strip("<>")
    more = f" +{number - 1}" if number > 1 else ""
    return printable(named, 40) + more


def shown(value: Any, limit: int = 120) -> str:
    """A value of the record, which is a map with its beginning where it was cut."""
    return printable(f"{value['begins']}..." if isinstance(value, dict) else str(value), limit)
