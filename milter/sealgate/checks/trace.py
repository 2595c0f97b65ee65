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
_LOOKED_FOR: Final = frozenset((b"authentication-results", b"dkim-signature", *_RESERVED, *_ARC))
_WORD = re.compile(r"[a-z0-9._-]+")
_FIELD_NAME = re.compile(rb"[!-9;-~]+")  # what is none cannot be named to an MTA; `form.field-name` finds it
_BLANKS = re.compile(rb"[\s]+")
MAX_LOOKED_AT: Final = 4_000  # characters of a value: the name stands at its beginning, behind comments at most


def check_end(message: Message, profile: Profile, caller: Caller) -> tuple[Finding, ...]:
    """Find the trace fields that this message may not bring."""
    if caller.is_forwarder:
        return ()
    headers = message.headers
    if not any(name in _LOOKED_FOR or name.startswith(_OUR_PREFIX) for name in headers.keys):
        return ()  # the usual case
    found: dict[str, list[tuple[bytes, int]]] = {}
    for name, index, field in _numbered(headers):
        if name == b"authentication-results" and _is_our_result(field, profile):
            found.setdefault("trace.authentication-results", []).append((name, index))
        elif name == b"dkim-signature" and _signs_as_us(field, profile):
            found.setdefault("trace.dkim-signature", []).append((name, index))
        elif name in _RESERVED or (name.startswith(_OUR_PREFIX) and _FIELD_NAME.fullmatch(name)):
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
    for field, name in zip(headers.fields, headers.keys, strict=True):
        counts[name] = counts.get(name, 0) + 1
        found.append((name, counts[name], field))
    return found


def _is_our_result(field: Field, profile: Profile, *, skip: int = 0) -> bool:
    """Whether the authserv-id (RFC 8601 2.5) is one of ours, or cannot be told.

    Args:
        field: Authentication-Results or ARC-Authentication-Results.
        profile: for our names.
        skip: statements before it: one in ARC (RFC 8617 4.1.1: `i=1; authserv-id; ...`).
    """
    text = unfolded(field.value[: 4 * MAX_LOOKED_AT])[:MAX_LOOKED_AT].decode("latin-1").lower()
    statements = _statements(text, skip + 1)
    if statements is None or len(statements) <= skip or not statements[skip].isascii():
        return True
    words = [word.strip(".") for word in _WORD.findall(statements[skip])]
    return not words or any(word in profile.authserv_ids or profile.owns(word) for word in words)


def _statements(text: str, wanted: int) -> list[str] | None:
    """The first statements of a value, parted by `;`, without comments and with quotes and quoted pairs resolved.

    None where they do not end within the text: RFC 5322 3.2.2 lets a comment be long and hold semicolons.
    """
    found: list[str] = []
    kept: list[str] = []
    depth = 0
    is_quoted = False
    pieces = iter(text)
    for c in pieces:
        if c == "\\":
            escaped = next(pieces, "")
            kept.append("" if depth else escaped)
        elif is_quoted or (c == '"' and not depth):
            is_quoted ^= c == '"'
            kept.append("" if c == '"' else c)
        elif c in "()":
            depth = depth + 1 if c == "(" else max(0, depth - 1)
            kept.append(" ")
        elif c == ";" and not depth:
            found.append("".join(kept))
            kept.clear()
            if len(found) == wanted:
                return found
        elif not depth:
            kept.append(c)
    if depth or is_quoted or len(text) >= MAX_LOOKED_AT:
        return None
    return [*found, "".join(kept)]


def _has_our_arc(headers: Headers, profile: Profile) -> bool:
    for name, _, field in _numbered(headers):
        if name in _ARC[:2] and _signs_as_us(field, profile):
            return True
        if name == _ARC[2] and _is_our_result(field, profile, skip=1):
            return True
    return False


def _signs_as_us(field: Field, profile: Profile) -> bool:
    """Whether a tag `d=` (RFC 6376 3.5) names one of our domains or a part of one."""
    for tag in field.value.split(b";"):
        name, _, value = tag.partition(b"=")
        if _BLANKS.sub(b"", name).lower() == b"d":
            domain = _BLANKS.sub(b"", value).decode("latin-1").lower().strip(".")
            if profile.owns(domain):
                return True
    return False
