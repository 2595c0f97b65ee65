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
        "tell the postmaster this id, the mail waits: a line is missing under logins: in the profile",
    ),
    Rule(
        "identity.unknown-principal", "profile: identities", Mode.ENFORCE, Action.REJECT, "550", "5.7.1",
        "the principal that logged in is not listed as a sender",
        "ask the postmaster for an identity in the profile",
    ),
    Rule(
        "identity.foreign-realm", "profile: realms", Mode.ENFORCE, Action.REJECT, "550", "5.7.1",
        "the principal that logged in is of a realm that this relay does not serve",
        "log in with a principal of this site, or ask the postmaster to list the realm",
    ),
    Rule(
        "identity.mechanism", "profile: mechanisms", Mode.ENFORCE, Action.REJECT, "550", "5.7.9",
        "this sender may not log in by the mechanism that was used",
        "choose another authentication method in the mail program",
    ),
    Rule(
        "identity.weak-session", "RFC 8314 3", Mode.ENFORCE, Action.REJECT, "550", "5.7.10",
        "the encryption of this session is weaker than this sender's mail demands",
        "choose STARTTLS or TLS in the mail program",
    ),
    Rule(
        "identity.client-network", "profile: only_from", Mode.ENFORCE, Action.REJECT, "550", "5.7.1",
        "this sender may not log in from this network",
        "send from the host the service runs on, or ask the postmaster to list this network",
    ),
    Rule(
        "identity.envelope-syntax", "RFC 5321 4.1.2", Mode.ENFORCE, Action.REJECT, "553", "5.1.7",
        "the envelope sender is not one plain address",
        "write MAIL FROM:<local-part@domain>, without a route and with its domain",
    ),
    Rule(
        "identity.envelope-sender", "RFC 6409 6.1", Mode.ENFORCE, Action.REJECT, "553", "5.7.1",
        "you may not send as this sender address",
        "choose another From in your mail program, or ask the postmaster for the right to this address",
    ),
    Rule(
        "identity.from-count", "RFC 5322 3.6", Mode.ENFORCE, Action.REJECT, "550", "5.7.1",
        "the message must have exactly one From field",
        "write one From field with one address",
    ),
    Rule(
        "identity.from-syntax", "RFC 5322 3.4", Mode.ENFORCE, Action.REJECT, "550", "5.7.1",
        "the From field is not one plain mailbox",
        "write one name and one address, and put a name with a comma or other signs in it in double quotes",
    ),
    Rule(
        "identity.header-from", "15 USC 7704(a)(1)", Mode.ENFORCE, Action.REJECT, "550", "5.7.1",
        "you may not send as the address in From",
        "choose another From in your mail program, or ask the postmaster for the right to this address",
    ),
    Rule(
        "identity.sender-syntax", "RFC 5322 3.6.2", Mode.ENFORCE, Action.REJECT, "550", "5.7.1",
        "the Sender field is not one plain mailbox",
        "leave Sender out, or write one with one plain address of yours",
    ),
    Rule(
        "identity.sender-field", "RFC 5322 3.6.2", Mode.ENFORCE, Action.REJECT, "550", "5.7.1",
        "the Sender address is not one of yours",
        "leave Sender out, or name an address of yours",
    ),
    Rule(
        "identity.sender-missing", "RFC 5322 3.6.2", Mode.ENFORCE, Action.REJECT, "550", "5.7.1",
        "mail from this address must name you in a Sender field",
        "your mail program may call it sending on behalf of; ask the postmaster if it has no such thing",
    ),
    Rule(
        "identity.author-field", "RFC 9057 3", Mode.ENFORCE, Action.REJECT, "550", "5.7.1",
        "the Author field names an address that is not yours, or cannot be read",
        "leave Author out, or name an address of yours",
    ),
    Rule(
        "identity.resent-syntax", "RFC 5322 3.6.6", Mode.ENFORCE, Action.REJECT, "550", "5.7.1",
        "a Resent-From or Resent-Sender field is not one plain mailbox",
        "resend with one plain address of yours, or forward the message instead",
    ),
    Rule(
        "identity.resent-field", "RFC 5322 3.6.6", Mode.ENFORCE, Action.REJECT, "550", "5.7.1",
        "the Resent-From or Resent-Sender address is not one of yours",
        "resend with an address of yours, or forward the message instead",
    ),
    Rule(
        "identity.reply-to", "profile: reply_to", Mode.ENFORCE, Action.REJECT, "550", "5.7.1",
        "Reply-To leads where this relay lets no answers go",
        "empty Reply-To in the account settings of the mail program",
    ),
    Rule(
        "identity.display-address", "15 USC 7704(a)(1)", Mode.ENFORCE, Action.REJECT, "550", "5.7.1",
        "the name in front of the address contains another person's address",
        "put your own name there, in the account settings of the mail program",
    ),
    Rule(
        "identity.display-foreign", "15 USC 7704(a)(1)", Mode.REPORT, Action.REJECT, "550", "5.7.1",
        "the name beside the address shows another address",
        "write the sender's own name, without an address in it",
    ),
    Rule(
        "identity.protected-name", "UTS 39 4", Mode.REPORT, Action.REJECT, "550", "5.7.1",
        "the name in front of the address looks like one that is reserved for somebody else",
        "write your own name in the account settings, or ask the postmaster to list this address for that name",
    ),
    Rule(
        "identity.foreign-author", "profile: kind forwarder", Mode.REPORT, Action.REJECT, "550", "5.7.1",
        "a forwarder passed on mail of a foreign author",
        "nothing to mend",
    ),
    # -- fields that only a relay may write --------------------------------------------------------------------------
    Rule(
        "trace.authentication-results", "RFC 8601 5", Mode.ENFORCE, Action.REMOVE, "550", "5.7.1",
        "the message brings Authentication-Results in the name of this site",
        "send without it",
    ),
    Rule(
        "trace.arc", "RFC 8617 4.1", Mode.ENFORCE, Action.REMOVE, "550", "5.7.1",
        "the message brings an ARC set in the name of this site",
        "send without it",
    ),
    Rule(
        "trace.dkim-signature", "RFC 6376 5", Mode.ENFORCE, Action.REMOVE, "550", "5.7.1",
        "the message brings a DKIM-Signature in the name of this site",
        "send without it; this relay signs",
    ),
    Rule(
        "trace.reserved-field", "RFC 5321 4.4", Mode.ENFORCE, Action.REMOVE, "550", "5.7.1",
        "the message brings a field that only a relay writes",
        "send without Return-Path, Received-SPF and the like",
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
        "form.field-name", "RFC 5322 3.6.8", Mode.ENFORCE, Action.REJECT, "550", "5.6.0",
        "the name of a header field holds characters that no field name may hold",
        "send field names of printable ASCII without blanks",
    ),
    Rule(
        "form.hidden-line", "RFC 5322 2.2", Mode.ENFORCE, Action.REJECT, "550", "5.6.0",
        "a header field holds a character that some programs take for the end of a line",
        "send header fields without control characters and line separators",
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
