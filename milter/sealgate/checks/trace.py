"""Fields that only a relay may write, written by a client.

Authentication-Results under one of our names, an ARC set or a DKIM-Signature of one of our domains, Return-Path and
the like lend a message a standing that its sender cannot give. They are taken out (`action: remove`, the default) or
the message is refused, as the profile says. A forwarder's mail has been through relays, ours among them: it is left
as it is. Readings are lenient on purpose: what some reader could take for our word counts as our word.
"""

import re
from typing import Final

from sealgate.checks.caller import Caller
from sealgate.checks.finding import Finding
from sealgate.checks.rules import RULES
from sealgate.mail.headers import Field, Headers, unfolded
from sealgate.mail.message import Message
from sealgate.mail.reply import printable
from sealgate.profile.model import Profile

_ARC: Final = (b"arc-seal", b"arc-message-signature", b"arc-authentication-results")
# What an MTA writes at delivery (RFC 5321 4.4), what Postfix makes of an mbox "From " line, a check's result
# (RFC 7208 9.1), and our own.
_RESERVED: Final = (b"return-path", b"x-mailbox-line", b"received-spf")
_OUR_PREFIX: Final = b"x-sealgate-"
_WORD = re.compile(r"[^\s;()\"]+")
_BLANKS = re.compile(rb"[\s]+")
MAX_LOOKED_AT: Final = 1_000  # octets of a value; the names stand at its beginning


def check_end(message: Message, profile: Profile, caller: Caller) -> tuple[Finding, ...]:
    """Find the trace fields that this message may not bring."""
    if caller.is_forwarder:
        return ()
    headers = message.headers
    found: dict[str, list[tuple[bytes, int]]] = {}
    for name, index, field in _numbered(headers):
        if name == b"authentication-results" and _is_our_result(field, profile):
            found.setdefault("trace.authentication-results", []).append((name, index))
        elif name == b"dkim-signature" and _signs_as_us(field, profile):
            found.setdefault("trace.dkim-signature", []).append((name, index))
        elif name in _RESERVED or name.startswith(_OUR_PREFIX):
            found.setdefault("trace.reserved-field", []).append((name, index))
    if _has_our_arc(headers, profile):  # a set with a hole in it proves nothing: the whole of it goes
        found["trace.arc"] = [(name, index) for name, index, _ in _numbered(headers) if name in _ARC]
    return tuple(_finding(code, fields) for code, fields in found.items())


def _finding(code: str, fields: list[tuple[bytes, int]]) -> Finding:
    names = dict.fromkeys(printable(name.decode("latin-1")) for name, _ in fields)
    detail = f"{len(fields)} written by the client: {', '.join(names)}"
    return Finding(RULES[code], detail, "header", fields=tuple(fields))


def _numbered(headers: Headers) -> list[tuple[bytes, int, Field]]:
    """Each field with its name and its number among those of that name, from 1, as the milter protocol counts."""
    counts: dict[bytes, int] = {}
    found: list[tuple[bytes, int, Field]] = []
    for field in headers:
        name = field.key
        counts[name] = counts.get(name, 0) + 1
        found.append((name, counts[name], field))
    return found


def _is_our_result(field: Field, profile: Profile) -> bool:
    """Whether the authserv-id (RFC 8601 2.5) is one of ours, or cannot be told."""
    head = unfolded(field.value)[:MAX_LOOKED_AT].partition(b";")[0]
    try:
        text = head.decode("ascii").lower()
    except UnicodeDecodeError:
        return True
    words = [word.strip(".") for word in _WORD.findall(text)]  # comments lose their brackets: their words count too
    return not words or any(word in profile.authserv_ids or _is_ours(word, profile) for word in words)


def _has_our_arc(headers: Headers, profile: Profile) -> bool:
    for name, _, field in _numbered(headers):
        if name in _ARC[:2] and _signs_as_us(field, profile):
            return True
        if name == _ARC[2]:  # RFC 8617 4.1.1: `i=1; authserv-id; ...`
            after = unfolded(field.value)[:MAX_LOOKED_AT].partition(b";")[2]
            if _is_our_result(Field(name, after), profile):
                return True
    return False


def _signs_as_us(field: Field, profile: Profile) -> bool:
    """Whether a tag `d=` (RFC 6376 3.5) names one of our domains or a part of one."""
    for tag in field.value.split(b";"):
        name, _, value = tag.partition(b"=")
        if _BLANKS.sub(b"", name).lower() == b"d":
            domain = _BLANKS.sub(b"", value).decode("latin-1").lower().strip(".")
            if _is_ours(domain, profile):
                return True
    return False


def _is_ours(name: str, profile: Profile) -> bool:
    labels = name.split(".")[-20:]
    return any(".".join(labels[i:]) in profile.domains for i in range(len(labels)))
