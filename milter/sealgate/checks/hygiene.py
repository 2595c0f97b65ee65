"""Form: structures that can be read in more than one way, and messages beyond what can be judged."""

from sealgate.checks.finding import Finding
from sealgate.checks.rules import RULES
from sealgate.mail.message import Message
from sealgate.mail.mime import AMBIGUOUS, OVER_LIMITS


def check_end(message: Message) -> tuple[Finding, ...]:
    """Turn the defects that the MIME splitter named into findings, one a kind."""
    defects = message.body.defects
    kinds = (("mime.ambiguous", AMBIGUOUS), ("form.over-limits", OVER_LIMITS))
    met = ((code, [d for d in defects if d in kind]) for code, kind in kinds)
    return tuple(Finding(RULES[code], ", ".join(names), "body") for code, names in met if names)
