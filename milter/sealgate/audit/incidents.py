"""One sentence for each kind of line that a person must see, for a reader who is no operator. Pure; nothing raises.

Values may be anybody's words and are not escaped here.
"""

from collections.abc import Mapping
from typing import Any, Final

MAX_SENTENCE: Final = 300
_NOT_TOLD: Final = frozenset({"v", "kind", "seq", "prev", "w", "t", "host", "software", "peaks", "sha256", "pid"})
_SENTENCES: Final = {
    "gap": "{why}; {octets} octets that are no part of the record stand before it; last acknowledged: {synced[seq]}",
    "recovered": "{why}; {octets} octets of an unfinished line stand before it",
    "fault": "message {id}, {step}: {why}",
    "correction": "message {id}: {why}",
    "worker-died": "exit status {status} (negative: the number of a signal)",
    "checkpoint": "the tree over {size} lines, signed",
    "recipients": "part {part} of the recipients of {of}",
    "rotated": "a new file begins here",
    "key": "{key} stays as it was read before: {why}",
    "anchored": "the checkpoint over {size} lines, by {way} {place}",
    "stop": "told to end",
    "restart": "about to be replaced by another version, without a pause",
}


def told(kind: str, event: Mapping[str, Any]) -> str:
    """Say what happened."""
    try:
        sentence = _special(kind, event) or _SENTENCES[kind].format_map(event)
    except (KeyError, TypeError, ValueError, IndexError, AttributeError):  # a line of another version
        rest = (f"{name}: {value}" for name, value in event.items() if name not in _NOT_TOLD)
        sentence = "; ".join(rest)
    return sentence[:MAX_SENTENCE].strip()


def _special(kind: str, event: Mapping[str, Any]) -> str:
    if kind == "mode":
        until = f" until {event['until'][:16].replace('T', ' ')}" if event["until"] else ""
        state = "only written down" if event["mode"] == "report" else "answered"
        by, why = event["by"] or "nobody", event["why"] or "no reason given"
        return f"from here on refusals are {state}{until}; by {by}: {why}"
    if kind == "full":
        return "there is room again" if event["over"] else "the disk is full; mail is deferred from here on"
    if kind == "clock":
        by = f"by {event['milliseconds'] / 1000:+.3f} seconds" if "milliseconds" in event else f"({event['before']})"
        return f"{event['why']} {by}"
    if kind == "start":
        how = "took over from another version, without a pause" if event["restarted"] else "began to serve"
        return f"{how}, under profile {str(event.get('profile'))[:12]}"
    if kind == "forgotten":
        lines = f"lines {event['first_line']} to {event['last_line']} were removed" if event["what"] == "lines" else ""
        values, keys = event.get("values", 0), len(event.get("keys", ()))
        several = f"{values} value{'s' * (values != 1)} behind hashes and {keys} key{'s' * (keys != 1)} erased"
        return f"{lines or several}; by {event['by']}: {event['reason'] or 'no reason given'}"
    if kind == "reload":
        if event["result"] == "done":
            return f"profile {event['profile'][:12]} in force, before it {event['before'][:12]}"
        return f"a new profile was not taken, {event['profile'][:12]} stays: {', '.join(event['problems'][:2])}"
    return ""
