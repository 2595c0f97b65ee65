"""Form: what can be read in more than one way, and messages beyond what can be judged.

A forwarder's mail is not held to the form of its header fields: it did not write them, and what leaves through it in a
foreign name is not sealed.
"""

import re
from typing import Final

from sealgate.checks.caller import Caller
from sealgate.checks.finding import Finding
from sealgate.checks.rules import RULES
from sealgate.mail.headers import decoded
from sealgate.mail.message import Message
from sealgate.mail.mime import AMBIGUOUS, OVER_LIMITS
from sealgate.mail.reply import printable

_FIELD_NAME: Final = re.compile(rb"[!-9;-~]+[ \t]*")  # RFC 5322 3.6.8 ftext; blanks before the colon are 4.5's
# What some programs take for the end of a line, or of the field, and MTAs do not: C0 and DEL but TAB and the CR LF of a
# fold (RFC 5322 2.2), NEL, U+2028 and U+2029. Single octets above 0x7F are letters of many charsets and stay.
_BREAK: Final = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]|\r(?!\n)")
_NO_BREAK: Final = bytes(octet for octet in range(256) if octet in b"\t\n" or (octet >= 0x20 and octet != 0x7F))
_BREAK_UTF8: Final = re.compile(rb"\xc2\x85|\xe2\x80[\xa8\xa9]")  # in other charsets these are letters
# A line break that an encoded-word brings (RFC 2047 5 forbids it) and behind it what reads like a field.
_FIELD_AFTER_BREAK: Final = re.compile("[\r\n\v\f\x1c-\x1e\x85\u2028\u2029][ \t]*[!-9;-~]{1,70}[ \t]*:")


def check_end(message: Message, caller: Caller) -> tuple[Finding, ...]:
    """Find field names that are none and lines hidden in fields; name the defects that the MIME splitter met."""
    header = () if caller.is_forwarder else (*_field_names(message), *_hidden_lines(message))
    return (*header, *_body(message))


def _field_names(message: Message) -> tuple[Finding, ...]:
    """A name with other characters in it is one field to some readers and another, or none, to others."""
    odd = next((field for field in message.headers if not _FIELD_NAME.fullmatch(field.name)), None)
    if odd is None:
        return ()
    return (Finding(RULES["form.field-name"], printable(odd.name.decode("latin-1")), "header"),)


def _hidden_lines(message: Message) -> tuple[Finding, ...]:
    together = b"\n".join([field.value for field in message.headers.fields])
    if together.isascii() and b"=?" not in together and not together.replace(b"\r\n", b"").translate(None, _NO_BREAK):
        return ()  # the usual case, seen at once
    for field in message.headers:
        hidden = _BREAK.search(field.value) or _wide_break(field.value)
        if hidden or (b"=?" in field.value and _FIELD_AFTER_BREAK.search(decoded(field.value))):
            octets = hidden.group().hex(" ") if hidden else "a line break in an encoded-word"
            where = printable(field.name.decode("latin-1"))
            return (Finding(RULES["form.hidden-line"], f"{where} holds {octets}", where),)
    return ()


def _wide_break(value: bytes) -> re.Match[bytes] | None:
    found = None if value.isascii() else _BREAK_UTF8.search(value)
    if found is None:
        return None
    try:
        value.decode("utf-8")
    except UnicodeDecodeError:
        return None
    return found


def _body(message: Message) -> tuple[Finding, ...]:
    defects = message.body.defects
    kinds = (("mime.ambiguous", AMBIGUOUS), ("form.over-limits", OVER_LIMITS))
    met = ((code, [d for d in defects if d in kind]) for code, kind in kinds)
    return tuple(Finding(RULES[code], ", ".join(names), "body") for code, names in met if names)
