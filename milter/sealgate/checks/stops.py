"""Where the reading of a message stopped before its end, and what that means.

There are caps on the header, on the MIME structure, on the text and on what HTML may cost. Beyond one of them the
checks of the content stop; the signature covers the whole message all the same. What is declared commercial is then
refused, though all elements of the law may stand in what was read: what a recipient is shown beside them nobody knows
(16 CFR 316.3). Anybody else's mail is judged by what is known, and the stop is recorded.

A deadline by the clock is no stop: it defers the message (`PortError`), because a slow host is no fault of the sender.
"""

from typing import Final

from sealgate.checks.caller import Caller
from sealgate.checks.facts import Facts, Unknown, is_content_judged
from sealgate.checks.finding import Finding
from sealgate.checks.rules import RULES
from sealgate.checks.sights import MAX_PARTS
from sealgate.mail.message import Message
from sealgate.mail.mime import OVER_LIMITS
from sealgate.mail.reply import printable
from sealgate.profile.model import MailClass

HEADER_FIELDS: Final = 1_000  # ordinary mail has thirty; beyond twice as many it cannot be kept (`app.intake`)
HEADER_OCTETS: Final = 256_000  # ordinary mail has five thousand
_UNREAD: Final = "canspam.unread"


def of_header(message: Message) -> str:
    """Why the content is not read after such a header, or an empty string."""
    fields = message.headers.fields
    if len(fields) > HEADER_FIELDS:
        return f"the header has more than {HEADER_FIELDS} fields"
    if sum([len(field.value) for field in fields]) > HEADER_OCTETS:
        return f"the header has more than {HEADER_OCTETS} octets"
    return ""


def check(
    message: Message, facts: Facts, caller: Caller, in_header: str, findings: tuple[Finding, ...]
) -> tuple[Finding, ...]:
    """Find where the reading stopped.

    Args:
        message: what is sent.
        facts: its views, in the order of `message.body.parts`.
        caller: who sends it.
        in_header: what `of_header` said.
        findings: what the law's check found; a stop that it named is not named again.
    """
    # Of many parts the last ones are looked at, which is no stop: they alone must hold what the law demands.
    is_judged = is_content_judged(caller.identity)  # else nothing was stopped, though somebody may have looked
    views = [view.why for view in facts.views[-MAX_PARTS:] if is_judged and isinstance(view, Unknown)]
    stops = [in_header] if in_header else list(dict.fromkeys(views))[:3]
    found = [Finding(RULES["form.over-limits"], printable("; ".join(stops), 400), "message")] if stops else []
    identity = caller.identity
    if identity is not None and identity.mail_class is MailClass.COMMERCIAL:
        cut = [defect for defect in message.body.defects if defect in OVER_LIMITS]
        if (stops or cut) and not any(one.rule.code == _UNREAD for one in findings):
            found.append(Finding(RULES[_UNREAD], printable("; ".join([*stops, *cut]), 400), "message"))
    return tuple(found)
