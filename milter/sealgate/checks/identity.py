"""May they send as this? Every author of a message held against the rights of whoever logged in.

The promise is that nobody who logged in as A sends as B. Envelope sender, From, Sender and Resent-* must each be one
address that the profile grants to the caller; Reply-To follows the profile's `reply_to`. A message is judged at MAIL
as far as it is known then and again, whole, at end of message, where it decides. `<>` from a login (read receipts) is
judged by its From alone. What a name shows beside its address is judged by `checks.display`.
"""

from itertools import islice
from typing import Final

from sealgate.checks import display
from sealgate.checks.caller import Caller
from sealgate.checks.finding import Finding
from sealgate.checks.rules import RULES
from sealgate.mail.address import (
    Address,
    AddressError,
    Mailbox,
    normal_domain,
    parse_address,
    parse_mailbox,
    parse_mailboxes,
    parse_path,
)
from sealgate.mail.headers import Field, Headers
from sealgate.mail.message import Envelope, Message
from sealgate.mail.reply import printable
from sealgate.profile.model import Profile, ReplyTo
from sealgate.profile.rights import grant_for, grants, own_grant
from sealgate.profile.same import Same, remembered

_RESENT: Final = {b"resent-from": "Resent-From", b"resent-sender": "Resent-Sender"}
# Where answers go besides Reply-To: RFC 822 had Resent-Reply-To, mutt, Gnus and others follow the rest.
_ANSWERS: Final = {
    b"reply-to": "Reply-To",
    b"resent-reply-to": "Resent-Reply-To",
    b"mail-reply-to": "Mail-Reply-To",
    b"mail-followup-to": "Mail-Followup-To",
}
_REPLY_TO: Final = {ReplyTo.DOMAINS: "addresses of this site only", ReplyTo.OWNED: "your own addresses only"}
MAX_RESENT: Final = 20  # fields of resending that are looked at: nobody resends a message more often
MAX_NAMES: Final = 200  # names beside addresses that are looked at in one message
MAX_DISPLAY: Final = 20  # findings about names in one message: its record must not grow with its sender's zeal
_TOLD: Final = 3  # how many of its rights a refusal tells the sender
_JUDGED: Final = frozenset((b"from", b"sender", b"author", *_RESENT, *_ANSWERS))  # the fields that are looked at
# A campaign's messages have one author: what was judged of the same octets for the same caller is not judged again.
_KEPT: Final = 512  # judgements
_KEPT_OCTETS: Final = 2_000  # of what each was made of; longer ones are judged each time


def check_mail(envelope: Envelope, profile: Profile, caller: Caller) -> tuple[Finding, ...]:
    """Judge what is known at MAIL: the caller and the envelope sender."""
    if caller.identity is None or envelope.is_null:
        return caller.findings
    is_short = len(envelope.sender) + len(envelope.mail_addr) <= _KEPT_OCTETS
    check = _kept_path if is_short else _check_path
    return check(profile, envelope.sender, envelope.mail_addr, Same(caller))


def _check_path(profile: Profile, sender: bytes, mail_addr: str, same: Same[Caller]) -> tuple[Finding, ...]:
    caller = same.value
    try:
        said = [parse_path(sender)]
        # The MTA's own reading may differ (case, routes, myorigin): what leaves must hold in both.
        if mail_addr:
            said.append(parse_address(mail_addr.encode("utf-8", "surrogateescape")))
    except AddressError as error:
        if caller.is_forwarder and _is_surely_foreign(sender, profile):
            return caller.findings  # VERP and bang paths of others are not ours to correct; From is still judged
        detail = f"{error}: {_shown(sender)}"
        return (*caller.findings, _found("identity.envelope-syntax", detail, "MAIL FROM", tells=str(error)))
    for address in said:
        if found := _judge(address, "identity.envelope-sender", "MAIL FROM", profile, caller):
            return (*caller.findings, *found)
    return caller.findings


def check_end(message: Message, profile: Profile, caller: Caller) -> tuple[Finding, ...]:
    """Judge the whole message: what MAIL judged, and every author that a reader may be shown."""
    headers = message.headers
    judged = tuple([(k, f.value) for k, f in zip(headers.keys, headers.fields, strict=True) if k in _JUDGED])
    check = _kept_fields if sum([len(value) for _, value in judged]) <= _KEPT_OCTETS else _check_fields
    return (*check_mail(message.envelope, profile, caller), *check(profile, judged, Same(caller)))


def _check_fields(profile: Profile, judged: tuple[tuple[bytes, bytes], ...], same: Same[Caller]) -> tuple[Finding, ...]:
    """Judge the fields that name authors; `judged` are their names (lower case) and values, in order."""
    caller = same.value
    headers = Headers(tuple([Field(name, value) for name, value in judged]))
    shown: list[tuple[str, Mailbox]] = []  # every mailbox whose name a reader sees, with its field
    findings = _check_from(headers, profile, caller, shown)
    findings += _check_sender(headers.every(b"sender"), profile, caller, shown)
    findings += _check_author(headers.every(b"author"), profile, caller, shown)
    findings += _check_resent(headers, profile, caller, shown)
    if profile.reply_to is not ReplyTo.OFF:
        for key, where in _ANSWERS.items():
            findings += _check_reply_to(headers.every(key), where, profile, caller, shown)
    return (*findings, *_check_names(shown, profile, caller))


_kept_path, _kept_fields = remembered(_KEPT)(_check_path), remembered(_KEPT)(_check_fields)


def authors(message: Message) -> tuple[Mailbox, ...]:
    """The authors a reader is shown; empty where there is not exactly one From field that can be read."""
    fields = message.headers.every(b"from")
    if len(fields) != 1:
        return ()
    try:
        return parse_mailboxes(fields[0].value)
    except AddressError:
        return ()


def _check_from(headers: Headers, profile: Profile, caller: Caller, shown: list[tuple[str, Mailbox]]) -> list[Finding]:
    fields = headers.every(b"from")
    if len(fields) != 1:
        return [_found("identity.from-count", f"{len(fields)} From fields", "header", tells=f"it has {len(fields)}")]
    value = fields[0].value
    try:
        mailboxes = parse_mailboxes(value) if profile.several_authors else (parse_mailbox(value),)
    except AddressError as error:
        return [_found("identity.from-syntax", f"{error}: {_shown(value)}", "From", tells=str(error))]
    shown += (("From", mailbox) for mailbox in mailboxes)
    findings: list[Finding] = []
    for mailbox in mailboxes:
        findings += _judge(mailbox.address, "identity.header-from", "From", profile, caller)
    if findings or caller.identity is None:
        return findings
    why = "From names several authors" if len(mailboxes) > 1 else ""
    for mailbox in mailboxes:
        why = _demand(mailbox.address, profile, caller) or why
    if why and not _names_itself(headers.every(b"sender"), profile, caller):
        findings.append(_found("identity.sender-missing", f"{caller.shown}: {why}", "header", tells=why))
    return findings


def _demand(address: Address, profile: Profile, caller: Caller) -> str:
    """Why the use of an address demands that a Sender field names the one who uses it; empty where nothing does."""
    if caller.identity is None:
        return ""
    grant = grant_for(profile, caller.identity, caller.principal, address)
    if grant is None or not grant.needs_sender:
        return ""
    return f"{grant.pattern} may be used with a Sender field only ({grant.source})"


def _names_itself(fields: tuple[Field, ...], profile: Profile, caller: Caller) -> bool:
    """Whether the one Sender field is an address of the caller's own, not one delegated to it (RFC 5322 3.6.2)."""
    if len(fields) != 1 or caller.identity is None:
        return False
    try:
        address = parse_mailbox(fields[0].value).address
    except AddressError:
        return False
    return own_grant(profile, caller.identity, caller.principal, address) is not None


def _check_sender(
    fields: tuple[Field, ...], profile: Profile, caller: Caller, shown: list[tuple[str, Mailbox]]
) -> list[Finding]:
    if len(fields) > 1:  # RFC 5322 3.6: at most one; readers differ on which they show
        return [_found("identity.sender-syntax", f"{len(fields)} Sender fields", "header", tells="there are several")]
    return [f for field in fields for f in _check_one(field, "Sender", "identity.sender", profile, caller, shown)]


def _check_author(
    fields: tuple[Field, ...], profile: Profile, caller: Caller, shown: list[tuple[str, Mailbox]]
) -> list[Finding]:
    """RFC 9057: Author says who wrote a message, and readers that know it show it before From."""
    if len(fields) > 1:
        return [_found("identity.author-field", f"{len(fields)} Author fields", "header", tells="there are several")]
    findings: list[Finding] = []
    for field in fields:
        try:
            mailboxes = parse_mailboxes(field.value)
        except AddressError as error:
            return [_found("identity.author-field", f"{error}: {_shown(field.value)}", "Author", tells=str(error))]
        shown += (("Author", mailbox) for mailbox in mailboxes)
        for mailbox in mailboxes:
            findings += _judge(mailbox.address, "identity.author-field", "Author", profile, caller)
    return findings[:MAX_DISPLAY]


def _check_resent(
    headers: Headers, profile: Profile, caller: Caller, shown: list[tuple[str, Mailbox]]
) -> list[Finding]:
    if not any(map(headers.every, _RESENT)):  # the usual case
        return []
    fields = [field for field, key in zip(headers.fields, headers.keys, strict=True) if key in _RESENT]
    if len(fields) > MAX_RESENT:
        return [_found("identity.resent-syntax", f"{len(fields)} fields", "header", tells=f"more than {MAX_RESENT}")]
    findings: list[Finding] = []
    for field in fields:
        before = len(shown)
        where = _RESENT[field.key]
        found = _check_one(field, where, "identity.resent", profile, caller, shown)
        why = _demand(shown[-1][1].address, profile, caller) if len(shown) > before and not found else ""
        if why and not _names_itself(headers.every(b"resent-sender"), profile, caller):
            found.append(_found("identity.sender-missing", f"{caller.shown}: {why}", where, tells=why))
        findings += found
    return findings


def _check_one(
    field: Field, where: str, family: str, profile: Profile, caller: Caller, shown: list[tuple[str, Mailbox]]
) -> list[Finding]:
    try:
        mailbox = parse_mailbox(field.value)
    except AddressError as error:
        return [_found(f"{family}-syntax", f"{error}: {_shown(field.value)}", where, tells=str(error))]
    shown.append((where, mailbox))
    return list(_judge(mailbox.address, f"{family}-field", where, profile, caller))


def _check_reply_to(
    fields: tuple[Field, ...], where: str, profile: Profile, caller: Caller, shown: list[tuple[str, Mailbox]]
) -> list[Finding]:
    if len(fields) > 1:
        return [_found("identity.reply-to", f"{len(fields)} {where} fields", "header", tells="there are several")]
    for field in fields:
        try:
            mailboxes = parse_mailboxes(field.value)
        except AddressError as error:
            return [_found("identity.reply-to", f"{error}: {_shown(field.value)}", where, tells=str(error))]
        shown += ((where, mailbox) for mailbox in mailboxes)
        other = next((box.address for box in mailboxes if not _may_answer_to(box.address, profile, caller)), None)
        if other is not None:
            detail = f"answers would go to {other}; the profile says reply_to: {profile.reply_to}"
            tells = f"{where} may name {_REPLY_TO[profile.reply_to]}"
            return [_found("identity.reply-to", detail, where, tells=tells, about=str(other))]
    return []


def _check_names(shown: list[tuple[str, Mailbox]], profile: Profile, caller: Caller) -> list[Finding]:
    bound: list[Finding] = []
    told: list[Finding] = []  # capped apart: many foreign addresses must not hide one of ours
    for where, mailbox in dict.fromkeys(shown[:MAX_NAMES]):
        for finding in display.check_name(mailbox, where, profile, caller):
            (told if finding.rule.code == "identity.display-foreign" else bound).append(finding)
        if len(bound) >= MAX_DISPLAY:
            break
    if len(shown) > MAX_NAMES:
        detail = f"{len(shown)} names, and {MAX_NAMES} are looked at"
        bound.insert(0, _found("identity.display-address", detail, "header", tells="it names too many people"))
    return [*bound[:MAX_DISPLAY], *told[:MAX_DISPLAY]]


def _may_answer_to(address: Address, profile: Profile, caller: Caller) -> bool:
    if caller.is_forwarder and not profile.owns(address.domain):
        return True
    if profile.reply_to is ReplyTo.DOMAINS:
        return address.domain in profile.domains
    return caller.identity is not None and (grant_for(profile, caller.identity, caller.principal, address) is not None)


def _judge(address: Address, code: str, where: str, profile: Profile, caller: Caller) -> tuple[Finding, ...]:
    identity = caller.identity
    if identity is None:
        # Only where the profile does not enforce the rule that says so: our own domains are still nobody's to use.
        is_ours = profile.owns(address.domain)
        detail = f"nobody who is known may send as {address}"
        return (_found(code, detail, where, about=str(address)),) if is_ours else ()
    if grant_for(profile, identity, caller.principal, address) is not None:
        return ()
    if caller.is_forwarder and not profile.owns(address.domain):
        return (_found("identity.foreign-author", f"{caller.shown} forwards mail of {address}", where),)
    detail = f"{caller.shown} may not send as {address}"
    return (_found(code, detail, where, tells=_rights(profile, caller), about=str(address)),)


def _rights(profile: Profile, caller: Caller) -> str:
    """What the profile allows to the caller, in a few words that its own side may read."""
    if caller.identity is None:
        return ""
    patterns = list(islice((g.pattern for g in grants(profile, caller.identity, caller.principal)), _TOLD + 1))
    if not patterns:
        return f"{caller.shown} may send as nobody"
    more = " and others" if len(patterns) > _TOLD else ""
    return f"{caller.shown} may send as {', '.join(map(printable, patterns[:_TOLD]))}{more}"


def _is_surely_foreign(path: bytes, profile: Profile) -> bool:
    """Whether an envelope sender that cannot be read as an address ends in a domain that is certainly not ours."""
    _, at, domain = path.strip().strip(b"<>").rpartition(b"@")
    try:
        return bool(at) and not profile.owns(normal_domain(domain.decode("ascii")))
    except (AddressError, UnicodeDecodeError):
        return False


def _found(code: str, detail: str, where: str = "", *, tells: str = "", about: str = "") -> Finding:
    return Finding(RULES[code], detail, where, tells, about)


def _shown(raw: bytes) -> str:
    return printable(raw.decode("utf-8", "replace"))
