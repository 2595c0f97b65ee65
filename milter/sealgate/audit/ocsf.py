"""A line of the record in the Open Cybersecurity Schema Framework (OCSF).

A decision becomes class 4009 Email Activity, the beginning and end of the program class 6002 Application Lifecycle,
anything else the base event; what the framework has no place for stands under `unmapped`, in steady types
(`audit.steady`). A decision of which no address at all can be read cannot be an Email Activity, which demands one, and
becomes a base event too. Pure.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from sealgate.audit.steady import address_of, addresses, deciding, path, steady, whole

VERSION: Final = "1.7.0"
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LIFE: Final = {"start": 3, "stop": 4, "restart": 5}
_SEVERE: Final = {"fault": 4, "gap": 4, "recovered": 3, "worker-died": 3, "full": 4, "clock": 3, "mode": 3, "key": 3}
_ACTIONS: Final = {
    "accept": (1, 1, 1, 1),
    "reject": (2, 2, 2, 3),
    "tempfail": (2, 14, 2, 2),
    "quarantine": (99, 3, 1, 3),
}
"""By verdict: action_id, disposition_id, status_id, severity_id."""

# What OCSF takes for an address: its type email_t.
_ADDRESS: Final = re.compile(r"[a-zA-Z0-9!#$%&'*+\-/=?^_`{|}~.]{1,320}@[a-zA-Z0-9-]{1,63}\.[a-zA-Z0-9.-]{1,255}")
_TAKEN: Final = ("v", "seq", "prev", "w", "t", "host", "software", "id", "queue_id", "reply")
Event = dict[str, Any]


def ocsf(event: Mapping[str, Any], digest: str) -> Event:
    """Convert a line.

    Args:
        event: what it says, as `schema.json` describes it.
        digest: of the line, 64 hex digits.

    Raises:
        KeyError, TypeError, AttributeError, ValueError: it is no line of ours.
    """
    line, kind = steady(event), str(event["kind"])
    product = {"name": "sealgate", "vendor_name": "sealgate"}
    if version := str(event.get("software", "")).rpartition(" ")[2]:
        product["version"] = whole(version)
    when = event.get("t") or event["w"]
    made: Event = {
        "time": _milliseconds(when),
        "metadata": {
            "version": VERSION, "product": product, "log_name": "audit.jsonl", "log_version": str(event["v"]),
            "event_code": kind, "sequence": event["seq"], "original_time": when, "profiles": ["host"],
            "logged_time": _milliseconds(event["w"]), "uid": f"{line.get('host', '')}/{event['seq']}",
        },
        "raw_data_hash": {"algorithm_id": 3, "algorithm": "SHA-256", "value": digest},
        "unmapped": {name: value for name, value in line.items() if name not in _TAKEN},
    }  # fmt: skip
    if reference := event.get("id") or event.get("of"):
        made["metadata"]["correlation_uid"] = whole(str(reference))
    if host := line.get("host"):
        made["device"] = {"hostname": host, "type_id": 1, "type": "Server"}
    mail = _email(event, line) if kind == "decision" else {}
    if mail:
        return made | _activity(made, event, line, mail)
    if kind in _LIFE:
        return made | _classed(6002, 6, _LIFE[kind], 1) | {"app": product}
    made["message"] = kind if "why" not in line else f"{kind}: {line['why']}"[:1000]
    if isinstance(event.get("count"), int):
        made["count"] = event["count"]
    return made | _classed(0, 0, 99, _SEVERE.get(kind, 1)) | {"activity_name": kind}


def _classed(class_uid: int, category: int, activity: int, severity: int) -> Event:
    return {
        "class_uid": class_uid, "category_uid": category, "activity_id": activity, "severity_id": severity,
        "type_uid": class_uid * 100 + activity,
    }  # fmt: skip


def _activity(made: Event, event: Mapping[str, Any], line: Event, mail: Event) -> Event:
    action, disposition, status, severity = _ACTIONS[event["verdict"]]
    found = _classed(4009, 4, 5, severity) | {
        "direction_id": 2, "direction": "Outbound", "email": mail, "action_id": action,
        "disposition_id": disposition, "status_id": status,
        "metadata": made["metadata"] | {"profiles": ["host", "security_control"]},
        "policy": {"name": "profile", "uid": event["profile"], "is_applied": event["mode"] == "enforce"},
    }  # fmt: skip
    if action == 99:
        found["action"] = "Held"
    if event["reply"]:
        found |= {"status_code": line["reply"][:3], "status_detail": line["reply"]}
    if rule := deciding(event):
        found["firewall_rule"] = {
            "uid": rule["code"],
            "name": rule["code"],
            "category": rule["family"],
            "desc": rule["says"],
        }
    client, auth = line["client"], line["auth"]
    if address := address_of(client):
        found["src_endpoint"] = {"ip": address}
        if client["port"]:
            found["src_endpoint"]["port"] = client["port"]
        if client["name"]:
            found["src_endpoint"]["hostname"] = client["name"]
    if client["helo"]:
        found["smtp_hello"] = client["helo"]
    if auth["principal"]:
        name, _, realm = auth["principal"].rpartition("@")
        found["actor"] = {"user": {"name": name, "domain": realm, "uid": auth["principal"]}}
    if event.get("queue_id"):
        found["message_trace_uid"] = line["queue_id"]
    return found


def _email(event: Mapping[str, Any], line: Event) -> Event:
    """The message; empty where no address can be read, in which OCSF knows no mail."""
    envelope, header = event["envelope"], event.get("header") or {}
    sender = path(envelope["from"])
    recipients = _sound([path(one) for one in envelope["rcpt"]])
    authors = _sound(addresses(header.get("from")) or [sender])
    if not authors and not recipients:
        return {}
    found: Event = {"from": authors[0]} if authors else {"to": recipients}
    if _sound([sender]):
        found["smtp_from"] = sender
    if recipients:
        found["smtp_to"] = recipients
    if not header:
        return found
    if len(authors) > 1:
        found["from_list"] = authors
    if senders := _sound(addresses(header["sender"])):
        found["sender"] = senders[0]
    if answers := _sound(addresses(header["reply_to"])):
        found["reply_to"] = answers[0]
    if identifier := line["header"]["message_id"].strip("<> "):
        found["message_uid"] = identifier
    if text := line["header"]["subject"].get("text"):
        found["subject"] = text
    return found | {"size": event["message"]["octets"]}


def _sound(found: list[str]) -> list[str]:
    return [address for address in found if _ADDRESS.fullmatch(address)]


def _milliseconds(moment: str) -> int:
    return (datetime.fromisoformat(moment) - _EPOCH) // timedelta(milliseconds=1)
