"""What an MTA would change after the gate, so that the signature breaks, or add, so that it never covered it.

Only mail that is to be signed is looked at. What a service's program does can be mended there, so it is refused; what a
person's mail program does is reported unless the profile says more (`Rule.people`). Long lines of header fields are
folded before they are signed (`seal.refold`), and address fields written as Sendmail writes them (`seal.settle`); only
those of which that cannot be had are found here.
"""

from typing import Final

from sealgate.checks.caller import Caller
from sealgate.checks.facts import Facts
from sealgate.checks.finding import Finding
from sealgate.checks.rules import RULES
from sealgate.mail.lines import CLEAN
from sealgate.mail.message import Message
from sealgate.profile.model import Kind

_TIMED: Final = frozenset((b"date", b"message-id"))


def check_end(message: Message, facts: Facts, caller: Caller) -> tuple[Finding, ...]:
    """Find what would not arrive as it is signed."""
    if not facts.sealed:
        return ()
    lines = message.lines
    if lines == CLEAN and not facts.stuck and not facts.unsettled and _TIMED.issubset(message.headers.keys):
        return ()  # the usual case
    met = [
        (lines.is_long, "transit.long-line", "a line of the body has more than 998 octets", "body"),
        (lines.is_bare, "transit.bare-line-end", "a CR or LF of the body stands alone", "body"),
        (lines.has_nul, "transit.nul", "the body holds an octet zero", "body"),
        (lines.is_eight_bit, "transit.eight-bit", "the body holds octets above 127", "body"),
        *((True, "transit.long-field", "a line over 998 octets: one long word, or no UTF-8", name.decode("latin-1"))
          for name in facts.stuck),
        *((True, "transit.rewritten", "Sendmail writes it anew behind its milters", name.decode("latin-1"))
          for name in facts.unsettled),
        *((not message.headers.every(name.lower().encode()), code, "the field is missing", name)
          for name, code in (("Date", "transit.no-date"), ("Message-ID", "transit.no-message-id"))),
    ]  # fmt: skip
    is_program = caller.identity is not None and caller.identity.kind is Kind.SERVICE
    return tuple(
        Finding(RULES[code], detail, where, mode=None if is_program else RULES[code].people)
        for is_met, code, detail, where in met
        if is_met
    )
