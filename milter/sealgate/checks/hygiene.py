"""Form: structures that can be read in more than one way, and messages beyond what can be judged."""

import re
from typing import Final

from sealgate.checks.finding import Finding
from sealgate.checks.rules import RULES
from sealgate.mail.message import Message
from sealgate.mail.mime import AMBIGUOUS, OVER_LIMITS
from sealgate.mail.reply import printable

_FIELD_NAME: Final = re.compile(rb"[!-9;-~]+[ \t]*")  # RFC 5322 3.6.8 ftext; blanks before the colon are 4.5's


def check_end(message: Message) -> tuple[Finding, ...]:
    """Find field names that are none, and turn the defects that the MIME splitter named into findings, one a kind."""
    return (*_field_names(message), *_body(message))


def _field_names(message: Message) -> tuple[Finding, ...]:
    """A name with other characters in it is one field to some readers and another, or none, to others."""
    odd = next((field for field in message.headers if not _FIELD_NAME.fullmatch(field.name)), None)
    if odd is None:
        return ()
    return (Finding(RULES["form.field-name"], printable(odd.name.decode("latin-1")), "header"),)


def _body(message: Message) -> tuple[Finding, ...]:
    defects = message.body.defects
    kinds = (("mime.ambiguous", AMBIGUOUS), ("form.over-limits", OVER_LIMITS))
    met = ((code, [d for d in defects if d in kind]) for code, kind in kinds)
    return tuple(Finding(RULES[code], ", ".join(names), "body") for code, names in met if names)
