"""What one audit line holds.

`decision` turns a judged message into an event: plain strings, whole numbers, lists and maps, every value of a sender
capped, with a digest of the full value where it was cut. Recipients are never cut. The journal adds sequence number,
link and writing time and renders the line. `schema.json` describes each field, and is closed: what is new must be added
there first; `doc/audit.md` is made of it.
"""

import hashlib
from datetime import UTC, datetime
from typing import Any, Final

from sealgate.checks.caller import Caller
from sealgate.mail.message import Envelope, Session
from sealgate.verdict import Judged, Verdict

VERSION: Final = 1
MAX_VALUE: Final = 512  # characters of one value


def moment(seconds: float) -> str:
    """RFC 3339 in UTC with microseconds."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def capped(value: str, limit: int = MAX_VALUE) -> str | dict[str, Any]:
    """The value itself, or its beginning with length and SHA-256 of the whole."""
    if len(value) <= limit:
        return value
    digest = hashlib.sha256(value.encode("utf-8", "surrogatepass")).hexdigest()
    return {"begins": value[:limit], "length": len(value), "sha256": digest}


def text_of(raw: bytes) -> str:
    """Octets of a sender as text for the record; what is no UTF-8 stays visible as lone surrogates."""
    return raw.decode("utf-8", "surrogateescape")


def transaction(session: Session, envelope: Envelope, caller: Caller) -> dict[str, Any]:
    """The part of a line that says who, from where, to whom."""
    return {
        "listener": capped(session.listener),
        "client": {
            "ip": session.client_address,
            "port": session.client_port,
            "name": capped(session.client_name),
            "helo": capped(session.helo),
            "tls": session.tls_version,
            "cipher_bits": session.cipher_bits,
            "certificate": capped(session.certificate_subject),
        },
        "auth": {
            "mechanism": capped(session.auth_mechanism),
            "name": capped(session.auth_name),
            "principal": str(caller.principal) if caller.principal else "",
            "identity": caller.identity.name if caller.identity else "",
            "class": str(caller.identity.mail_class) if caller.identity else "",
            "via": caller.via,
        },
        "envelope": {
            "from": capped(text_of(envelope.sender)),
            "rcpt": [text_of(r) for r in envelope.recipients],
        },
    }


def answer(verdict: Verdict) -> dict[str, Any]:
    """The part of a line that says what was found and what was answered."""
    return {
        "verdict": str(verdict.action),
        "would": str(verdict.would),
        "reply": str(verdict.reply) if verdict.reply else "",
        "findings": [_finding(j) for j in verdict.judged],
        "removed": [f"{name.decode('latin-1')}:{index}" for name, index in verdict.removals],
    }


def _finding(judged: Judged) -> dict[str, Any]:
    finding = judged.finding
    return {
        "rule": finding.rule.code,
        "cites": finding.rule.cites,
        "mode": str(judged.mode),
        "action": str(judged.action),
        "detail": capped(finding.detail),
        "where": capped(finding.where),
        "about": capped(finding.about),
    }
