"""Who is sending, and may they?

The login is turned into a principal, the principal into an identity, and both are held against envelope sender and
From.

The promise is that nobody who logged in as A sends as B. A message is judged at MAIL as far as it is known then and
again, whole, at end of message, where it decides. `<>` from a login (read receipts) is judged by its From alone.
"""

from dataclasses import dataclass
from ipaddress import ip_address

from sealgate.checks.finding import Finding
from sealgate.checks.rules import RULES
from sealgate.mail.address import Address, AddressError, Mailbox, parse_address, parse_mailbox, parse_path
from sealgate.mail.message import Envelope, Message, Session
from sealgate.mail.reply import printable
from sealgate.profile.model import Handling, Identity, Kind, Principal, Profile
from sealgate.profile.principal import match_login


@dataclass(frozen=True, slots=True)
class Caller:
    """Who stands behind a session: what was found out, or the finding that says why it was not.

    Attributes:
        via: `login`, `network`, `local`, or empty where nobody was recognised.
    """

    principal: Principal | None = None
    identity: Identity | None = None
    via: str = ""
    finding: Finding | None = None

    @property
    def is_forwarder(self) -> bool:
        """Whether foreign authors are this identity's job."""
        return self.identity is not None and self.identity.kind is Kind.FORWARDER


def handling(session: Session, profile: Profile) -> Handling:
    """What the profile says of the listener that a session came through."""
    if session.is_local:
        return profile.local_submission
    return profile.listeners.get(session.listener, profile.unnamed_listeners)


def identify(session: Session, profile: Profile) -> Caller:
    """Find the identity behind a session: by login, else by local submission or client network.

    An empty `{auth_authen}` counts as absent. XCLIENT's word counts only where a `logins:` row names that mechanism:
    the name was chosen by the proxy, not by SASL.
    """
    if handling(session, profile) is Handling.TEMPFAIL:
        line = f"listeners: {{{printable(session.listener)}: judge}}   # or: pass"
        return Caller(finding=_found("listener.unnamed", f"add to the profile: {line}", session.listener))
    if session.auth_name and (session.auth_mechanism != "XCLIENT" or _declares(profile, session)):
        return _by_login(session, profile)
    if session.is_local:
        for identity in profile.identities:
            if identity.local:
                return Caller(identity=identity, via="local")
    elif session.client_address:
        try:
            client = ip_address(session.client_address)
        except ValueError:
            client = None
        for identity in profile.identities:
            if client is not None and any(client in network for network in identity.networks):
                return Caller(identity=identity, via="network")
    return Caller(finding=_found("identity.no-login", f"client {session.client_address}:{session.client_port}"))


def of_principal(principal: Principal, profile: Profile) -> Caller:
    """The caller that a proven principal is."""
    found = profile.by_principal.get(principal)
    if found is None:
        detail = f"{printable(str(principal))} logged in and stands in no identity of the profile"
        return Caller(principal, via="login", finding=_found("identity.unknown-principal", detail))
    return Caller(principal, found, "login")


def check_mail(envelope: Envelope, profile: Profile, caller: Caller) -> tuple[Finding, ...]:
    """Judge what is known at MAIL: the caller and the envelope sender."""
    if caller.finding is not None:
        return (caller.finding,)
    if envelope.is_null:
        return ()
    try:
        said = [parse_path(envelope.sender)]
        # The MTA's own reading may differ (case, routes, myorigin): what leaves must hold in both.
        if envelope.mail_addr:
            said.append(parse_address(envelope.mail_addr.encode("utf-8", "surrogateescape")))
    except AddressError as error:
        if caller.is_forwarder:
            return ()  # foreign envelope senders are not ours to correct; From is still judged
        return (_found("identity.envelope-syntax", f"{error}: {_shown(envelope.sender)}", "MAIL FROM"),)
    for address in said:
        found = _judge(address, "identity.envelope-sender", "MAIL FROM", profile, caller)
        if found:
            return found
    return ()


def check_end(message: Message, profile: Profile, caller: Caller) -> tuple[Finding, ...]:
    """Judge the whole message: what MAIL judged, and the author the reader is shown."""
    findings = check_mail(message.envelope, profile, caller)
    fields = message.headers.every(b"from")
    if len(fields) != 1:
        return (*findings, _found("identity.from-count", f"{len(fields)} From fields", "header"))
    try:
        author = parse_mailbox(fields[0].value)
    except AddressError as error:
        return (*findings, _found("identity.from-syntax", f"{error}: {_shown(fields[0].value)}", "From"))
    return (*findings, *_judge(author.address, "identity.header-from", "From", profile, caller))


def author(message: Message) -> Mailbox | None:
    """The one author a reader is shown, or `None` where there is not exactly one that can be read."""
    fields = message.headers.every(b"from")
    if len(fields) != 1:
        return None
    try:
        return parse_mailbox(fields[0].value)
    except AddressError:
        return None


def _by_login(session: Session, profile: Profile) -> Caller:
    for row in profile.logins:
        if row.listener != session.listener or session.auth_mechanism.upper() not in row.mechanisms:
            continue
        principal = match_login(row, session.auth_name)
        if principal is None:
            continue
        return of_principal(principal, profile)
    return Caller(via="login", finding=_found("identity.unmapped-login", _row_to_add(session), session.listener))


def _row_to_add(session: Session) -> str:
    """The `logins:` row that would map this spelling, ready to paste but for the realm where SASL dropped it."""
    at, realm = session.auth_name.rpartition("@")[1:]
    spelled = f"{{user}}@{realm}" if at else "{user}"
    target = realm.upper() if at and realm else "YOUR.REALM"
    row = (
        f"- {{listener: {printable(session.listener)}, mechanism: {printable(session.auth_mechanism)}, "
        f'spelled: "{printable(spelled)}", principal: "{{user}}@{printable(target)}"}}'
    )
    return f"login {printable(session.auth_name)} is mapped by no row; if it is one of yours add under logins: {row}"


def _judge(address: Address, code: str, where: str, profile: Profile, caller: Caller) -> tuple[Finding, ...]:
    identity = caller.identity
    if identity is None:
        # Only where the profile does not enforce the rule that says so: our own domains are still nobody's to use.
        is_ours = address.domain in profile.domains
        return (_found(code, f"nobody who is known may send as {address}", where),) if is_ours else ()
    if identity.may_use(address, exact_case=profile.exact_local_parts):
        return ()
    who = printable(str(caller.principal)) if caller.principal else f"{identity.name} ({caller.via})"
    if caller.is_forwarder and address.domain not in profile.domains:
        return (_found("identity.foreign-author", f"{who} forwards mail of {address}", where),)
    return (_found(code, f"{who} may not send as {address}", where),)


def _declares(profile: Profile, session: Session) -> bool:
    return any("XCLIENT" in row.mechanisms and row.listener == session.listener for row in profile.logins)


def _found(code: str, detail: str, where: str = "") -> Finding:
    return Finding(RULES[code], detail, where)


def _shown(raw: bytes) -> str:
    return printable(raw.decode("utf-8", "replace"))
