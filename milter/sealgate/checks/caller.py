"""Who is sending: a session turned into a principal, and the principal into an identity of the profile.

Nothing is guessed. A login becomes a principal by a row of `logins:` or not at all; a client without a login is known
by its certificate, by local submission or by its network. Whoever is not found is named by a finding, and so is a
session that does not keep what its identity demands (mechanism, cipher, network).
"""

from dataclasses import dataclass, replace
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Final

from sealgate.checks.finding import Finding
from sealgate.checks.rules import RULES
from sealgate.mail.message import Session
from sealgate.mail.reply import printable
from sealgate.profile.model import Handling, Identity, Kind, Network, Principal, Profile
from sealgate.profile.principal import match_login, parse_principal
from sealgate.profile.same import remembered

LOCAL_SUBMISSION = "local_submission"  # how the profile names it where it names listeners
_KEPT: Final = 512  # callers that are remembered: of one session every message has the same
_KEPT_CHARACTERS: Final = 1_000  # of the session's words; where they are longer, the caller is found each time


@dataclass(frozen=True, slots=True)
class Caller:
    """Who stands behind a session, and what speaks against it before a message was seen.

    Attributes:
        via: `login`, `certificate`, `network`, `local`, or empty where nobody was recognised.
    """

    principal: Principal | None = None
    identity: Identity | None = None
    via: str = ""
    findings: tuple[Finding, ...] = ()

    @property
    def is_forwarder(self) -> bool:
        """Whether foreign authors are this identity's job."""
        return self.identity is not None and self.identity.kind is Kind.FORWARDER

    @property
    def shown(self) -> str:
        """Its name for a person: the principal, or the identity and how it was recognised."""
        if self.principal is not None:
            return printable(str(self.principal))
        return f"{printable(self.identity.name)} ({self.via})" if self.identity else "nobody"


def handling(session: Session, profile: Profile) -> Handling:
    """What the profile says of the listener that a session came through."""
    if session.is_local:
        return profile.local_submission
    return profile.listeners.get(session.listener, profile.unnamed_listeners)


def listener_of(session: Session) -> str:
    """The name under which the profile's rules may treat this session's listener apart."""
    return LOCAL_SUBMISSION if session.is_local else session.listener


def identify(session: Session, profile: Profile) -> Caller:
    """Find the identity behind a session: by login, else by certificate, local submission or client network.

    An empty `{auth_authen}` counts as absent. XCLIENT's word counts only where a `logins:` row names that mechanism:
    the name was chosen by the proxy, not by SASL.
    """
    said = len(session.helo) + len(session.client_name) + len(session.auth_name) + len(session.certificate_subject)
    said += len(session.certificate_issuer) + len(session.listener) + len(session.mta) + len(session.auth_mechanism)
    return _identify(session, profile) if said > _KEPT_CHARACTERS else _kept(profile, session)


@remembered(_KEPT)
def _kept(profile: Profile, session: Session) -> Caller:
    return _identify(session, profile)


def _identify(session: Session, profile: Profile) -> Caller:
    if handling(session, profile) is Handling.TEMPFAIL:
        line = f"listeners: {{{printable(session.listener)}: judge}}   # or: pass"
        return Caller(findings=(_found("listener.unnamed", f"add to the profile: {line}", session.listener),))
    if session.auth_name and (session.auth_mechanism != "XCLIENT" or _declares(profile, session)):
        return _held_to(_by_login(session, profile), session)
    found = _without_login(session, profile)
    if found is None:
        where = f"client {session.client_address}:{session.client_port}"
        return Caller(findings=(_found("identity.no-login", where),))
    return _held_to(found, session)


def of_principal(principal: Principal, profile: Profile) -> Caller:
    """The caller that a proven principal is: its own identity before that of its whole realm."""
    if profile.realms.get(principal.realm):  # a realm whose names have no case, such as Active Directory's
        principal = principal.folded
    found = profile.by_principal.get(principal)
    if found is None and principal.user:
        found = profile.by_realm.get(principal.realm)
    if found is None:
        who = printable(str(principal))
        detail = f"{who} logged in and stands in no identity of the profile"
        finding = _found("identity.unknown-principal", detail, tells=f"you logged in as {who}", about=str(principal))
        return Caller(principal, via="login", findings=(finding,))
    return Caller(principal, found, "login")


def _without_login(session: Session, profile: Profile) -> Caller | None:
    if session.is_local:
        return next((Caller(identity=each, via="local") for each in profile.identities if each.local), None)
    # Postfix names a certificate only where it trusts the chain; Sendmail always does, and says so apart.
    is_trusted = session.certificate_verify == "OK" or (
        not session.certificate_verify and session.mta.startswith("Postfix")
    )
    client = _address(session.client_address)
    by_network: Caller | None = None
    for each in profile.identities:
        if is_trusted and session.certificate_subject:
            shown = (session.certificate_subject, session.certificate_issuer)
            if any((c.subject, c.issuer) == shown for c in each.certificates):
                return Caller(identity=each, via="certificate")
        if by_network is None and _is_within(client, each.networks):
            by_network = Caller(identity=each, via="network")
    return by_network


def _address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(text)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def _is_within(client: IPv4Address | IPv6Address | None, networks: tuple[Network, ...]) -> bool:
    return client is not None and any(client in network for network in networks)


def _held_to(caller: Caller, session: Session) -> Caller:
    """Add what the identity demands of its sessions and this one does not keep."""
    identity = caller.identity
    if identity is None:
        return caller
    findings: list[Finding] = []
    is_login = caller.via == "login"
    if is_login and identity.mechanisms and session.auth_mechanism.upper() not in identity.mechanisms:
        allowed = ", ".join(identity.mechanisms)
        detail = f"{caller.shown} logged in by {printable(session.auth_mechanism)}, may by {allowed}"
        findings.append(_found("identity.mechanism", detail, tells=f"use {allowed}"))
    if caller.via != "local" and session.cipher_bits < identity.min_cipher_bits:
        detail = f"{caller.shown}: {session.cipher_bits} bits of {session.tls_version or 'no TLS'}"
        needed = f"use TLS with at least {identity.min_cipher_bits} bits"
        findings.append(_found("identity.weak-session", f"{detail}, needs {identity.min_cipher_bits}", tells=needed))
    if is_login and identity.only_from and not _is_within(_address(session.client_address), identity.only_from):
        detail = f"{caller.shown} logged in from {printable(session.client_address)}"
        findings.append(_found("identity.client-network", detail, tells=detail))
    return replace(caller, findings=tuple(findings)) if findings else caller


def _by_login(session: Session, profile: Profile) -> Caller:
    for row in profile.logins:
        if row.listener != session.listener or session.auth_mechanism.upper() not in row.mechanisms:
            continue
        principal = match_login(row, session.auth_name)
        if principal is not None:
            return of_principal(principal, profile)
    if foreign := _foreign_realm(session.auth_name, profile):
        detail = f"{printable(session.auth_name)} logged in, and {printable(foreign)} is no realm of the profile"
        tells = f"you logged in as {printable(session.auth_name)}"
        finding = _found("identity.foreign-realm", detail, session.listener, tells=tells, about=session.auth_name)
        return Caller(via="login", findings=(finding,))
    return Caller(via="login", findings=(_found("identity.unmapped-login", _row_to_add(session), session.listener),))


def _foreign_realm(name: str, profile: Profile) -> str:
    """The realm of a login that is certainly a foreign one, else an empty string.

    What is not in capitals is more likely a domain that a setting of the MTA appended to a name of ours
    (smtpd_sasl_local_domain): our own mistake, which defers.
    """
    try:
        realm = parse_principal(name).realm
    except ValueError:
        return ""
    return realm if profile.realms and realm not in profile.realms and realm == realm.upper() else ""


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


def _declares(profile: Profile, session: Session) -> bool:
    return any("XCLIENT" in row.mechanisms and row.listener == session.listener for row in profile.logins)


def _found(code: str, detail: str, where: str = "", *, tells: str = "", about: str = "") -> Finding:
    return Finding(RULES[code], detail, where, tells, about)
