"""The form of the fields that lists and programs write about their mail.

List-Id (RFC 2919), the fields of RFC 2369, Feedback-ID (as Gmail documents it), Precedence (no standard; RFC 2076 names
its three words) and Auto-Submitted (RFC 3834, RFC 5436). One finding for each field that is not of its form; a field
that is not there is no fault. Whether what it says is true is not known. People's mail is left alone, and so is what a
forwarder passes on: neither wrote the field. Time is linear in the fields looked at, and their size is capped.
"""

import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from types import MappingProxyType
from typing import Final

from sealgate.checks.finding import Finding
from sealgate.checks.rules import RULES
from sealgate.mail.bracketed import bracketed
from sealgate.mail.headers import unfolded
from sealgate.mail.message import Message
from sealgate.mail.reply import printable
from sealgate.mail.tokens import tokens
from sealgate.profile.model import Identity, Kind, MailClass

MAX_FIELD: Final = 2_000  # octets; two lines of 998 (RFC 5322 2.1.1)
MAX_LIST_ID: Final = 255  # octets, RFC 2919 6
SENDER_ID: Final = (5, 15)  # characters of the last field of Feedback-ID
MAX_FEEDBACK: Final = 4  # fields of Feedback-ID that are read
_KEPT_OCTETS: Final = 300  # of fields whose judgement is remembered

_DOT_ATOM = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]+")  # RFC 5322 3.2.3, with its dots
_TOKEN = re.compile(r"[!#$%&'*+.^_`{|}~0-9A-Za-z-]+")  # RFC 2045 5.1
_SUBMITTED: Final = frozenset({"no", "auto-generated", "auto-replied", "auto-notified"})
_PRECEDENCE: Final = frozenset({"bulk", "list", "junk"})


def check(message: Message, identity: Identity | None) -> tuple[Finding, ...]:
    """Find fields that are not of their form. Of commercial mail, List-Unsubscribe is judged by `checks.oneclick`."""
    if identity is None or identity.kind is not Kind.SERVICE:
        return ()
    headers = message.headers
    found = {key: [field.value for field in headers.every(key)] for key in headers.keys if key in _FORMS}
    if identity.mail_class is MailClass.COMMERCIAL:
        found.pop(b"list-unsubscribe", None)
    return tuple(_finding(key, fault) for key, values in found.items() if (fault := _fault(key, values)))


def _fault(key: bytes, values: list[bytes]) -> str:
    if sum([len(value) for value in values]) <= _KEPT_OCTETS:
        return _kept(key, tuple(values))
    return _judged(key, values)


@lru_cache(maxsize=512)  # most of these fields are the same in each message of a list
def _kept(key: bytes, values: tuple[bytes, ...]) -> str:
    return _judged(key, values)


def _judged(key: bytes, values: Sequence[bytes]) -> str:
    if len(values) > 1:
        return f"{len(values)} fields of this name; one may be there"
    if len(values[0]) > MAX_FIELD and key not in _URI_FIELDS:
        return "the field is too long"
    return _FORMS[key](values[0])


def _list_id(value: bytes) -> str:
    """RFC 2919 2: an optional phrase, then the identifier in angle brackets, and nothing behind it."""
    pieces = [(kind, text) for kind, text in tokens(_text(value)) if kind not in ("blank", "comment")]
    wrong = next((text for kind, text in pieces if kind == "bad"), "")
    if wrong:
        return f"the phrase before the identifier, or its brackets: {wrong}"
    if not pieces or pieces[-1][0] != "angle" or any(kind not in ("word", "quoted") for kind, _ in pieces[:-1]):
        return "an identifier in angle brackets must stand at the end, and a phrase without commas before it"
    name = pieces[-1][1].strip()
    labels = name.split(".")
    if len(name) > MAX_LIST_ID:
        return f"the identifier is longer than {MAX_LIST_ID} characters"
    if not _DOT_ATOM.fullmatch(name) or len(labels) < 2 or not all(labels):
        return "the identifier is not a label, a dot and a domain"
    return ""


def _feedback_id(value: bytes) -> str:
    text = _text(value)
    fields = text.split(":")
    low, high = SENDER_ID
    if len(fields) > MAX_FEEDBACK:
        return f"{len(fields)} fields parted by colons; {MAX_FEEDBACK} are read"
    if not text.isascii() or any(c.isspace() for c in text):
        return "a field of it holds blanks or characters beyond ASCII"
    if not low <= len(fields[-1]) <= high:
        return f"the last field, which names the sender, must have {low} to {high} characters"
    return ""


def _precedence(value: bytes) -> str:
    return "" if _text(value).lower() in _PRECEDENCE else "none of bulk, list and junk"


def _auto_submitted(value: bytes) -> str:
    """RFC 3834 5: a word, then parameters as a Content-Type has them; comments may stand between."""
    text, fault = _without_comments(_text(value))
    if fault:
        return fault
    word, *parameters = _parted(text)
    if word.strip().lower() not in _SUBMITTED:
        return "none of no, auto-generated, auto-replied and auto-notified"
    for parameter in parameters:
        name, equals, content = parameter.strip().partition("=")
        quoted = len(content) > 1 and content[0] == content[-1] == '"'
        if not equals or not _TOKEN.fullmatch(name) or not (quoted or _TOKEN.fullmatch(content)):
            return "a parameter is not name=value"
    return ""


def _parted(text: str) -> list[str]:
    """Cut at semicolons that stand in no quoted string."""
    found, quoted, start = [], False, 0
    for at, c in enumerate(text):
        if c == '"' and text[at - 1 : at] != "\\":
            quoted = not quoted
        elif c == ";" and not quoted:
            found.append(text[start:at])
            start = at + 1
    return [*found, text[start:]]


def _without_comments(text: str) -> tuple[str, str]:
    """Leave out comments (RFC 5322 3.2.2), nested ones too; the text, and what is wrong with it."""
    kept: list[str] = []
    depth, quoted = 0, False
    for c in text:
        if c == '"' and not depth:
            quoted = not quoted
        if c == "(" and not quoted:
            depth += 1
        elif c == ")" and not quoted:
            depth -= 1
            if depth < 0:
                return "", "a ) stands without its ("
        elif not depth:
            kept.append(c)
    return "".join(kept), "a comment is not closed" if depth else ""


def _uris(value: bytes) -> str:
    return bracketed(value).fault


def _list_post(value: bytes) -> str:
    """RFC 2369 3.4: URIs, or NO where nobody may post."""
    text = _text(value[:MAX_FIELD])
    if text[:2].upper() == "NO" and not _without_comments(text[2:])[0].strip():
        return ""
    return bracketed(value).fault


def _text(value: bytes) -> str:
    return unfolded(value).decode("utf-8", "replace")


_URI_FIELDS: Final = frozenset(
    {b"list-help", b"list-subscribe", b"list-unsubscribe", b"list-owner", b"list-archive", b"list-post"}
)
_FORMS: Final = MappingProxyType[bytes, Callable[[bytes], str]](
    {
        b"list-id": _list_id,
        b"feedback-id": _feedback_id,
        b"precedence": _precedence,
        b"auto-submitted": _auto_submitted,
        **dict.fromkeys(_URI_FIELDS, _uris),
        b"list-post": _list_post,
    }
)
_NAMES: Final = MappingProxyType({b"list-id": "List-Id", b"feedback-id": "Feedback-ID"})


def _finding(key: bytes, fault: str) -> Finding:
    name = _NAMES.get(key) or key.decode("ascii").title()
    return Finding(RULES["list.form"], printable(f"{name}: {fault}", 400), name)
