"""The catalogue: every reason for which a message may be refused, deferred, held or reported.

Nothing else in the package writes a reply for a refusal. `says` and `remedy` are read by the person or program that
sent the message; what we found, in detail, is in the finding and goes to log and record only.
"""

from types import MappingProxyType
from typing import Final

from sealgate.checks.finding import Action, Mode, Rule

_CATALOGUE: Final = (
    # -- who is it, and may they -------------------------------------------------------------------------------------
    Rule(
        "listener.unnamed", "profile: listeners", Mode.ENFORCE, Action.TEMPFAIL, "451", "4.3.5",
        "this relay has not been told whether mail from this listener is to be judged",
        "the postmaster adds the listener to the profile",
    ),
    Rule(
        "identity.no-login", "RFC 6409 4.3", Mode.ENFORCE, Action.REJECT, "550", "5.7.1",
        "this listener takes mail from logged-in senders only",
        "log in, or use the submission service",
    ),
    Rule(
        "identity.unmapped-login", "profile: logins", Mode.ENFORCE, Action.TEMPFAIL, "451", "4.7.0",
        "the login cannot be matched to a principal",
        "the postmaster adds a line under logins: in the profile; the log has it ready to paste",
    ),
    Rule(
        "identity.unknown-principal", "profile: identities", Mode.ENFORCE, Action.REJECT, "550", "5.7.1",
        "the principal that logged in is not listed as a sender",
        "ask the postmaster for an identity in the profile",
    ),
    Rule(
        "identity.envelope-syntax", "RFC 5321 4.1.2", Mode.ENFORCE, Action.REJECT, "553", "5.1.7",
        "the envelope sender is not one plain address",
        "write MAIL FROM:<local-part@domain>, without a route and with its domain",
    ),
    Rule(
        "identity.envelope-sender", "RFC 6409 6.1", Mode.ENFORCE, Action.REJECT, "553", "5.7.1",
        "the envelope sender does not belong to the principal that logged in",
        "send from an address of yours, or ask the postmaster to list this one",
    ),
    Rule(
        "identity.from-count", "RFC 5322 3.6", Mode.ENFORCE, Action.REJECT, "550", "5.7.1",
        "the message must have exactly one From field",
        "write one From field with one address",
    ),
    Rule(
        "identity.from-syntax", "RFC 5322 3.4", Mode.ENFORCE, Action.REJECT, "550", "5.7.1",
        "the From field is not one plain mailbox",
        "write From: Name <local-part@domain>, and put special characters of the name in double quotes",
    ),
    Rule(
        "identity.header-from", "15 USC 7704(a)(1)", Mode.ENFORCE, Action.REJECT, "550", "5.7.1",
        "the From address does not belong to the principal that logged in",
        "send from an address of yours, or ask the postmaster to list this one",
    ),
    Rule(
        "identity.foreign-author", "profile: kind forwarder", Mode.REPORT, Action.REJECT, "550", "5.7.1",
        "a forwarder passed on mail of a foreign author",
        "nothing to mend",
    ),
    # -- what the law demands of commercial mail ---------------------------------------------------------------------
    Rule(
        "canspam.no-postal-address", "15 USC 7704(a)(5)(A)(iii)", Mode.ENFORCE, Action.REJECT, "550", "5.7.1",
        "commercial mail must show a valid physical postal address of the sender, and none was found",
        "put the sender's street address, P.O. box or registered private mailbox into the visible text",
    ),
    Rule(
        "canspam.unregistered-address", "16 CFR 316.2(p)", Mode.REPORT, Action.REJECT, "550", "5.7.1",
        "the postal address shown is none of those registered for this sender",
        "show an address that the profile lists, or have this one listed",
    ),
    Rule(
        "canspam.no-opt-out", "15 USC 7704(a)(3)(A), (a)(5)(A)(ii)", Mode.ENFORCE, Action.REJECT, "550", "5.7.1",
        "commercial mail must say clearly how to opt out, and no such notice was found",
        "add a visible sentence with a working unsubscribe link or reply address",
    ),
    Rule(
        "canspam.dead-opt-out", "15 USC 7704(a)(3)(A)", Mode.ENFORCE, Action.REJECT, "550", "5.7.1",
        "the opt-out link of this commercial mail cannot work",
        "put a real https or mailto address behind it; an unfilled template tag is the usual cause",
    ),
    Rule(
        "canspam.looks-commercial", "16 CFR 316.3", Mode.REPORT, Action.REJECT, "550", "5.7.1",
        "the message reads like an advertisement, and its sender is not declared commercial",
        "declare the identity commercial, or send advertisements as one that is",
    ),
    Rule(
        "canspam.unread", "16 CFR 316.3", Mode.ENFORCE, Action.REJECT, "550", "5.7.1",
        "the text of this commercial mail could not be read within the limits",
        "send simpler or smaller HTML",
    ),
    # -- form --------------------------------------------------------------------------------------------------------
    Rule(
        "mime.ambiguous", "RFC 2046 5.1", Mode.REPORT, Action.REJECT, "550", "5.6.0",
        "the MIME structure can be read in more than one way",
        "send each part with one Content-Type, one boundary and its closing line",
    ),
    Rule(
        "form.over-limits", "RFC 5321 4.5.3", Mode.REPORT, Action.REJECT, "552", "5.3.4",
        "the message is larger or deeper than what can be judged",
        "send fewer or smaller header fields and parts",
    ),
    Rule(
        "form.header-limit", "RFC 5321 4.5.3", Mode.ENFORCE, Action.REJECT, "552", "5.3.4",
        "the header of the message is larger than what can be kept and signed",
        "send fewer or smaller header fields",
        always=True,
    ),
    # -- the seal ----------------------------------------------------------------------------------------------------
    Rule(
        "seal.no-key", "RFC 6376 5", Mode.ENFORCE, Action.TEMPFAIL, "451", "4.7.5",
        "the key that signs for this domain is not available",
        "the postmaster adds a key for the domain or says sign: no; the message is retried until then",
        always=True,
    ),
)  # fmt: skip

RULES: Final = MappingProxyType({rule.code: rule for rule in _CATALOGUE})
