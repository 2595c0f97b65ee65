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
        unknowable="whether mail sent there arrives, and whose address it is; an address in a picture",
    ),
    Rule(
        "canspam.unregistered-address", "16 CFR 316.2(p)", Mode.REPORT, Action.REJECT, "550", "5.7.1",
        "the postal address shown is none of those registered for this sender",
        "show an address that the profile lists, or have this one listed",
        unknowable="whether the post or the agency knows the box or mailbox under the sender's name",
    ),
    Rule(
        "canspam.unfilled-address", "16 CFR 316.2(p)", Mode.REPORT, Action.REJECT, "550", "5.7.1",
        "the postal address of this commercial mail is a sample or an unfilled template tag",
        "fill in the sender's real address",
        unknowable="whether an address that looks real exists",
    ),
    Rule(
        "canspam.no-opt-out", "15 USC 7704(a)(3)(A), (a)(5)(A)(ii)", Mode.ENFORCE, Action.REJECT, "550", "5.7.1",
        "commercial mail must say clearly how to opt out, and no such notice was found",
        "add a visible sentence with a working unsubscribe link or reply address",
        unknowable="whether readers find the notice clear; one in a picture, or in a language that is not listed",
    ),
    Rule(
        "canspam.dead-opt-out", "15 USC 7704(a)(3)(A)", Mode.ENFORCE, Action.REJECT, "550", "5.7.1",
        "the opt-out link of this commercial mail cannot work",
        "put a real https or mailto address behind it; an unfilled template tag is the usual cause",
        unknowable="whether the link answers and works for 30 days, and opt-outs are honoured; nothing is fetched",
    ),
    Rule(
        "canspam.opt-out-is-offer", "15 USC 7704(a)(3)(A)", Mode.REPORT, Action.REJECT, "550", "5.7.1",
        "the opt-out link leads where the offer of this commercial mail leads",
        "give the opt-out an address of its own",
        unknowable="whether the page behind both offers an opt-out as well",
    ),
    Rule(
        "canspam.opt-out-host", "15 USC 7704(a)(3)(A)(ii)", Mode.REPORT, Action.REJECT, "550", "5.7.1",
        "the opt-out link leads to a host that the profile does not name",
        "use a host of the sender's own, or have this one listed under opt_out_hosts or tracking_hosts",
        unknowable="who runs a host, and where it leads on to",
    ),
    Rule(
        "canspam.opt-out-burden", "16 CFR 316.5", Mode.REPORT, Action.REJECT, "550", "5.7.1",
        "opting out seems to ask for a login, a fee, a letter or a call",
        "let one reply or one page be enough, and ask for nothing but the address",
        unknowable="what the page behind the link asks for",
    ),
    Rule(
        "canspam.preferences-only", "15 USC 7704(a)(3)(B)", Mode.REPORT, Action.REJECT, "550", "5.7.1",
        "the only opt-out shown is a page of preferences",
        "make sure that the page can stop all commercial mail, and say so in the message",
        unknowable="whether the page has a choice that stops all commercial mail",
    ),
    Rule(
        "canspam.inconspicuous", "15 USC 7704(a)(3)(A), (a)(5)(A)", Mode.REPORT, Action.REJECT, "550", "5.7.1",
        "the postal address or the opt-out of this commercial mail is hard to see",
        "use letters of at least 9 pixels in a colour that stands out, in the text and not only in a picture",
        unknowable="how a mail program draws it: its own style, dark mode, pictures behind the text",
    ),
    Rule(
        "canspam.alternatives-differ", "15 USC 7704(a)(5)(A)", Mode.REPORT, Action.REJECT, "550", "5.7.1",
        "one alternative of this commercial mail lacks what the other one shows",
        "put postal address and opt-out into the plain text and into the HTML",
        unknowable="which alternative the reader's program shows",
    ),
    Rule(
        "canspam.no-label", "15 USC 7704(a)(5)(A)(i)", Mode.REPORT, Action.REJECT, "550", "5.7.1",
        "nothing identifies this commercial mail as an advertisement, and no consent is declared",
        "say that it is an advertisement, or declare the recipients' consent in the profile",
        unknowable="whether the recipients gave consent, which waives it; whether readers see an advertisement in it",
    ),
    Rule(
        "canspam.deceptive-subject", "15 USC 7704(a)(2)", Mode.REPORT, Action.REJECT, "550", "5.7.1",
        "the subject claims an answer, an order or a receipt that this commercial mail does not hold",
        "say in the subject what the message is about",
        unknowable="whether a reasonable reader would be misled, and whether the claim is true",
    ),
    Rule(
        "canspam.unfilled-template", "15 USC 7704(a)(2)", Mode.REPORT, Action.REJECT, "550", "5.7.1",
        "a template tag was left unfilled in the subject or the text",
        "fill in the tag, or mend the mailer's data",
        unknowable="whether a tag was filled with the wrong value",
    ),
    Rule(
        "canspam.sexually-explicit", "16 CFR 316.4", Mode.REPORT, Action.REJECT, "550", "5.7.1",
        "the subject of sexually oriented mail must begin with SEXUALLY-EXPLICIT: and a blank",
        "begin the subject with these 19 characters",
        unknowable="what pictures show, and what is seen first, before scrolling",
    ),
    Rule(
        "canspam.foreign-author", "15 USC 7704(a)(1)", Mode.REPORT, Action.REJECT, "550", "5.7.1",
        "the From address of this commercial mail is not of a domain of this site",
        "send commercial mail from a domain that the profile lists",
        unknowable="whose business the mail promotes",
    ),
    Rule(
        "canspam.looks-commercial", "16 CFR 316.3", Mode.REPORT, Action.REJECT, "550", "5.7.1",
        "the message reads like an advertisement, and its sender is not declared commercial",
        "declare the identity commercial, or send advertisements as one that is",
        unknowable="the primary purpose itself: it is guessed from words and links",
    ),
    Rule(
        "canspam.transactional-advertises", "16 CFR 316.3(a)(2)", Mode.REPORT, Action.REJECT, "550", "5.7.1",
        "the message of a transactional sender reads like an advertisement",
        "put the transaction first and into the subject, or send advertisements as a commercial sender",
        unknowable="whether the recipient agreed to a transaction that the mail is about",
    ),
    Rule(
        "canspam.unread", "16 CFR 316.3", Mode.ENFORCE, Action.REJECT, "550", "5.7.1",
        "the text of this commercial mail could not be read within the limits",
        "send simpler or smaller HTML",
        unknowable="what stands in the part that was not read",
    ),
    Rule(
        "canspam.ambiguous", "RFC 2046 5.1", Mode.ENFORCE, Action.REJECT, "550", "5.6.0",
        "the MIME structure of this commercial mail can be read in more than one way",
        "send each part with one Content-Type, one boundary and its closing line",
        unknowable="which reading the reader's program takes",
    ),
    # -- one-click and the fields of lists ---------------------------------------------------------------------------
    Rule(
        "oneclick.missing", "RFC 8058 3.1", Mode.REPORT, Action.REJECT, "550", "5.7.1",
        "commercial mail of this sender should carry List-Unsubscribe and List-Unsubscribe-Post",
        "add both fields; large mailbox providers demand them",
        unknowable="whether the volume is such that a provider demands the pair",
    ),
    Rule(
        "oneclick.required", "RFC 8058 3.1", Mode.ENFORCE, Action.REJECT, "550", "5.7.1",
        "commercial mail of this sender must carry a one-click pair, and it is missing or malformed",
        "send one List-Unsubscribe with one https URI and one List-Unsubscribe-Post: List-Unsubscribe=One-Click",
        unknowable="whether the address takes a POST, answers without a redirect and tells recipients apart",
    ),
    Rule(
        "oneclick.malformed", "RFC 8058 3.1, RFC 2369 3.2", Mode.REPORT, Action.REJECT, "550", "5.7.1",
        "the one-click pair is not what mailbox providers take for one",
        "send one List-Unsubscribe with one https URI and one List-Unsubscribe-Post: List-Unsubscribe=One-Click",
        unknowable="whether the address takes a POST, answers without a redirect and tells recipients apart",
    ),
    Rule(
        "oneclick.unsealed", "RFC 8058 4", Mode.REPORT, Action.REJECT, "550", "5.7.1",
        "the one-click pair is not covered by the signature of this relay",
        "the postmaster turns the seal on for this domain",
        unknowable="whether a program behind this relay signs both fields",
    ),
    Rule(
        "oneclick.host", "RFC 8058 3.1", Mode.REPORT, Action.REJECT, "550", "5.7.1",
        "the one-click address is on a host that the profile does not name",
        "use a host of the sender's own, or have this one listed under opt_out_hosts or tracking_hosts",
        unknowable="who runs a host, and where it leads on to",
    ),
    Rule(
        "list.form", "RFC 2369 2, RFC 2919 2, RFC 3834 5", Mode.REPORT, Action.REJECT, "550", "5.7.1",
        "a field that speaks for a list or a program, such as List-Id, is not of the form that its standard gives",
        "mend the field or leave it out",
        unknowable="whether what the field says is true",
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
    # -- what would not arrive as it is signed -----------------------------------------------------------------------
    Rule(
        "transit.long-line", "RFC 5322 2.1.1", Mode.ENFORCE, Action.REJECT, "550", "5.6.0",
        "a line of the body has more than 998 octets: it would be cut on its way, and the signature broken",
        "encode the text as quoted-printable or base64, or break its lines",
        people=Mode.REPORT,
    ),
    Rule(
        "transit.long-field", "RFC 5322 2.1.1", Mode.ENFORCE, Action.REJECT, "550", "5.6.0",
        "a line of a header field has more than 998 octets and no place to fold it at",
        "fold long header fields, and put blanks between their parts",
        people=Mode.REPORT,
    ),
    Rule(
        "transit.rewritten", "RFC 5322 3.4", Mode.ENFORCE, Action.REJECT, "550", "5.6.0",
        "an address field is written in a way that the relay changes behind the gate: the signature would be broken",
        "write names in double quotes, addresses in full as <user@host.example>, with commas between them",
        people=Mode.REPORT,
    ),
    Rule(
        "transit.bare-line-end", "RFC 5321 2.3.8", Mode.ENFORCE, Action.REJECT, "550", "5.6.0",
        "the body holds a CR or LF that stands alone: it would be changed on its way",
        "end lines with CR LF, and encode binary data as base64",
        people=Mode.REPORT,
    ),
    Rule(
        "transit.nul", "RFC 5322 3.5", Mode.ENFORCE, Action.REJECT, "550", "5.6.0",
        "the body holds an octet zero: it may be dropped on its way",
        "encode binary data as base64",
        people=Mode.REPORT,
    ),
    Rule(
        "transit.no-date", "RFC 5322 3.6", Mode.ENFORCE, Action.REJECT, "550", "5.6.0",
        "the message has no Date, and one that is added later would break the signature",
        "write a Date field, or let the relay add one before the gate (Postfix: local_header_rewrite_clients)",
        people=Mode.REPORT,
    ),
    Rule(
        "transit.no-message-id", "RFC 5322 3.6.4", Mode.ENFORCE, Action.REJECT, "550", "5.6.0",
        "the message has no Message-ID, and one that is added later would break the signature",
        "write a Message-ID, or let the relay add one before the gate (Postfix: local_header_rewrite_clients)",
        people=Mode.REPORT,
    ),
    Rule(
        "transit.eight-bit", "RFC 6152 3", Mode.REPORT, Action.REJECT, "550", "5.6.0",
        "the body holds octets above 127: where a later host takes none, it is encoded and the signature broken",
        "encode the text as quoted-printable or base64, or set force_mime_input_conversion in Postfix 3.9 and newer",
        unknowable="whether each host on the way takes such octets (8BITMIME)",
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
