"""A line of the record in the Elastic Common Schema (ECS).

Fields that ECS has are filled as it means them; the whole line stands under `sealgate`, in steady types
(`audit.steady`). ECS leaves SMTP itself out of `email.*`, so the envelope is there only. Pure.
"""

from collections.abc import Mapping
from typing import Any, Final

from sealgate.audit.steady import address_of, addresses, deciding, steady, whole

VERSION: Final = "9.4.0"
_CATEGORIES: Final = {
    "start": ("process", "start"), "stop": ("process", "end"), "restart": ("process", "info"),
    "worker-died": ("process", "end"), "reload": ("configuration", "change"), "mode": ("configuration", "change"),
    "key": ("configuration", "info"), "gap": ("host", "info"), "recovered": ("host", "info"),
    "checkpoint": ("host", "info"), "rotated": ("host", "info"), "clock": ("host", "info"), "full": ("host", "info"),
    "forgotten": ("host", "change"), "anchored": ("host", "info"),
}  # fmt: skip
_OUTCOMES: Final = {"accept": "success", "quarantine": "success", "reject": "failure", "tempfail": "failure"}
_FAILURES: Final = frozenset({"fault", "correction", "worker-died", "gap"})
Event = dict[str, Any]


def ecs(event: Mapping[str, Any], digest: str) -> Event:
    """Convert a line.

    Args:
        event: what it says, as `schema.json` describes it.
        digest: of the line, 64 hex digits.

    Raises:
        KeyError, TypeError, AttributeError, ValueError: it is no line of ours.
    """
    line, kind = steady(event), str(event["kind"])
    category, type_ = _CATEGORIES.get(kind, ("email", "info"))
    verdict = str(event.get("verdict", ""))
    made: Event = {
        "@timestamp": event.get("t") or event["w"],
        "ecs": {"version": VERSION},
        "event": {
            "kind": "event", "category": [category], "type": [type_], "code": kind, "module": "sealgate",
            "dataset": "sealgate.audit", "provider": "sealgate", "action": verdict if kind == "decision" else kind,
            "outcome": "failure" if kind in _FAILURES or event.get("result") == "failed"
            else _OUTCOMES.get(verdict, "success"),
            "created": event["w"], "sequence": event["seq"], "hash": digest,
        },
        "observer": {"vendor": "sealgate", "product": "sealgate", "type": "mail-filter"},
        "sealgate": line,
    }  # fmt: skip
    if reference := event.get("id") or event.get("of"):
        made["event"]["id"] = whole(str(reference))
    if host := line.get("host"):
        made["host"], made["observer"]["hostname"] = {"name": host}, host
    if version := str(event.get("software", "")).rpartition(" ")[2]:
        made["observer"]["version"] = whole(version)
    if isinstance(event.get("pid"), int):
        made["process"] = {"pid": event["pid"]}
    if kind in _FAILURES and "why" in line:
        made["error"] = {"message": line["why"]}
    if kind == "decision":
        _add_mail(made, event, line)
    return made


def _add_mail(made: Event, event: Mapping[str, Any], line: Event) -> None:
    related: Event = {}
    if event["reply"]:
        made["event"]["reason"] = line["reply"]
    if rule := deciding(event):
        made["rule"] = {
            "id": rule["code"],
            "category": rule["family"],
            "description": rule["says"],
            "ruleset": "sealgate",
        }
    client, auth = line["client"], line["auth"]
    if address := address_of(client):
        made["source"] = {"ip": address, "address": address}
        related["ip"] = [address]
        if client["port"]:
            made["source"]["port"] = client["port"]
        if client["name"]:
            made["source"]["domain"] = client["name"]
    if client["tls"]:
        protocol, _, version = client["tls"].partition("v")
        made["tls"] = {"version": version or client["tls"], "version_protocol": protocol.lower()}
        if client["certificate"]:
            made["tls"]["client"] = {"subject": client["certificate"]}
    if auth["principal"]:
        name, _, realm = auth["principal"].rpartition("@")
        made["user"] = {"name": name, "domain": realm, "id": auth["principal"]}
        related["user"] = [auth["principal"]]
    if related:
        made["related"] = related
    made["email"] = {"direction": "outbound", **_email(event, line)}


def _email(event: Mapping[str, Any], line: Event) -> Event:
    """What ECS has of the header; nothing for a message that was refused before it was sent."""
    found: Event = {}
    if event.get("queue_id"):
        found["local_id"] = line["queue_id"]
    header = event.get("header")
    if header is None:
        return found
    if authors := addresses(header["from"]):
        found["from"] = {"address": authors}
    if sender := addresses(header["sender"]):
        found["sender"] = {"address": sender[0]}
    if answers := addresses(header["reply_to"]):
        found["reply_to"] = {"address": answers}
    if identifier := line["header"]["message_id"].strip("<> "):
        found["message_id"] = identifier
    if text := line["header"]["subject"].get("text"):
        found["subject"] = text
    return found
