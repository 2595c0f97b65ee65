"""Rules: do people have to log in, by what, and is what they say protected on its way?"""

from collections.abc import Iterator
from shlex import quote
from typing import Final

from sealgate.doctor.finding import Told, fine, rule, unknown, warning, wrong
from sealgate.doctor.host import Host, Postfix, Sasl, Service
from sealgate.doctor.paste import in_service, where_it_is
from sealgate.doctor.services import is_let_pass, is_wrapped_port, is_yes, listener, submissions, takes_logins, where
from sealgate.profile.principal import realm_spelled

_PASSWORD: Final = frozenset({"PLAIN", "LOGIN"})
_CERTIFICATES: Final = ("smtpd_tls_chain_files", "smtpd_tls_cert_file", "smtpd_tls_eccert_file", "smtpd_tls_dcert_file")
_MISMATCH: Final = ("reject_sender_login_mismatch", "reject_authenticated_sender_login_mismatch")


@rule(
    "postfix.auth",
    "postconf(5) smtpd_sasl_auth_enable; SASL_README; RFC 6409 4.3",
    "without a login the gate knows no principal and refuses all mail of the service",
)
def auth(host: Host) -> Iterator[Told]:
    """Whether each submission service lets people log in (`smtpd_sasl_auth_enable`)."""
    if (postfix := host.postfix) is None:
        return
    for service in submissions(postfix):
        place = where(service, "smtpd_sasl_auth_enable")
        if is_let_pass(host, service):
            continue
        if takes_logins(postfix, service):
            yield fine(place, "takes logins")
        else:
            yield wrong(
                place,
                "smtpd_sasl_auth_enable = no on a submission service",
                *in_service(postfix, service, "smtpd_sasl_auth_enable", "yes"),
            )


@rule(
    "postfix.sasl-path",
    "postconf(5) smtpd_sasl_type, smtpd_sasl_path, cyrus_sasl_config_path; SASL_README",
    "where the library finds no server or file, every login fails with 454 or anything is offered",
)
def sasl_path(host: Host) -> Iterator[Told]:
    """Whether `smtpd_sasl_type` and `smtpd_sasl_path` lead somewhere: Dovecot's socket, or Cyrus' smtpd.conf."""
    if (postfix := host.postfix) is None:
        return
    for service in _with_logins(postfix):
        kind, path = postfix.of(service, "smtpd_sasl_type"), postfix.of(service, "smtpd_sasl_path")
        place, seen = where(service, "smtpd_sasl_type"), host.sasl.get(f"{kind}:{path}")
        if kind not in ("cyrus", "dovecot"):
            yield wrong(
                place,
                f"smtpd_sasl_type = {kind or '(empty)'}",
                *where_it_is(postfix, service, "smtpd_sasl_type", "cyrus"),
                "# or dovecot; `postconf -a` lists what this Postfix was built with",
            )
        elif seen is not None and seen.is_there is None:
            yield unknown(place, f"{seen.file} may not be looked at", "# run sealgate doctor as root")
        elif kind == "dovecot" and seen is not None and not seen.is_there:
            yield wrong(
                where(service, "smtpd_sasl_path"),
                f"no socket of Dovecot at {seen.file}",
                *where_it_is(postfix, service, "smtpd_sasl_path", "private/auth"),
                "# and Dovecot's `service auth` must listen there: doc/sasl.md",
            )
        elif kind == "cyrus" and seen is not None:
            yield _cyrus(place, seen)
        else:
            yield fine(place, f"{kind}, {path}")


def _cyrus(place: str, seen: Sasl) -> Told:
    if not seen.is_there:
        return wrong(
            place,
            f"there is no {seen.file}: Cyrus SASL offers every mechanism that is installed",
            f"mkdir -p {quote(seen.file.rpartition('/')[0])}",
            f"echo 'mech_list: GSSAPI' > {quote(seen.file)}",
        )
    if seen.mechanisms is None:
        return wrong(
            place,
            f"{seen.file} has no mech_list: Cyrus SASL offers every mechanism that is installed",
            f"echo 'mech_list: GSSAPI' >> {quote(seen.file)}",
        )
    return fine(place, f"cyrus, {' '.join(seen.mechanisms)} by {seen.file}")


@rule(
    "postfix.sasl-anonymous",
    "postconf(5) smtpd_sasl_security_options, smtpd_sasl_tls_security_options",
    "an anonymous login is no principal, and may still be enough for permit_sasl_authenticated",
)
def sasl_anonymous(host: Host) -> Iterator[Told]:
    """Whether `noanonymous` is among the security options, without and with TLS."""
    if (postfix := host.postfix) is None:
        return
    for service in _with_logins(postfix):
        for name in ("smtpd_sasl_security_options", "smtpd_sasl_tls_security_options"):
            words = postfix.of(service, name).replace(",", " ").split()
            if "noanonymous" in words:
                yield fine(where(service, name), " ".join(words))
            else:
                yield wrong(
                    where(service, name),
                    f"{name} = {' '.join(words) or '(empty)'}",
                    *where_it_is(postfix, service, name, ",".join(("noanonymous", *words))),
                )


@rule(
    "postfix.sasl-realm",
    "postconf(5) smtpd_sasl_local_domain; krb5.conf(5) default_realm",
    "Cyrus SASL cuts the host's own realm off, and puts whatever stands here behind the name instead",
)
def sasl_realm(host: Host) -> Iterator[Told]:
    """Whether `smtpd_sasl_local_domain` is the Kerberos realm of this host, so that a login is `user@REALM`."""
    if (postfix := host.postfix) is None:
        return
    for service in _with_logins(postfix):
        if postfix.of(service, "smtpd_sasl_type") != "cyrus":
            continue
        value, place = (
            postfix.of(service, "smtpd_sasl_local_domain"),
            where(service, "smtpd_sasl_local_domain"),
        )
        if not host.default_realm:
            yield unknown(
                place,
                "krb5.conf names no default_realm, so nobody knows what Cyrus SASL cuts off",
                "# write default_realm under [libdefaults] of krb5.conf",
            )
        elif value == host.default_realm:
            yield fine(place, f"{value}, as default_realm")
        elif not value and _is_spelled_without_realm(host, postfix, service):
            yield fine(
                place, f"is empty, and the profile takes a ticket's name without a realm for {host.default_realm}"
            )
        else:
            tell = wrong if value else warning
            was = f"= {value}" if value else "is empty"
            yield tell(
                place,
                f"smtpd_sasl_local_domain {was}, and the realm of this host is {host.default_realm}",
                *where_it_is(postfix, service, "smtpd_sasl_local_domain", host.default_realm),
                '# and rows of `logins:` spelled "{user}@' + host.default_realm + '"',
            )


@rule(
    "postfix.tls",
    "postconf(5) smtpd_tls_security_level, smtpd_tls_wrappermode, smtpd_tls_auth_only, smtpd_tls_chain_files; "
    "RFC 8314 3",
    "without TLS the password, or after a GSSAPI login the whole session, can be read and taken over on its way",
)
def tls(host: Host) -> Iterator[Told]:
    """Whether submission demands TLS: `encrypt` on 587, wrapper mode on 465, a certificate, no login before it."""
    if (postfix := host.postfix) is None:
        return
    for service in submissions(postfix):
        troubles = [*_tls_mode(postfix, service), *_tls_demanded(postfix, service), *_certificate(postfix, service)]
        yield from troubles
        if not troubles:
            yield fine(service.label, "TLS is demanded")


def _tls_mode(postfix: Postfix, service: Service) -> Iterator[Told]:
    name = "smtpd_tls_wrappermode"
    wrapped, place = is_yes(postfix.of(service, name)), where(service, name)
    if is_wrapped_port(service) and not wrapped:
        yield wrong(
            place,
            "TLS does not begin with the connection, as clients of this port expect",
            *in_service(postfix, service, name, "yes"),
        )
    elif wrapped and service.port in ("submission", "587"):
        yield wrong(
            place,
            "TLS begins with the connection, and clients of this port wait for a greeting",
            *in_service(postfix, service, name, "no"),
        )


def _tls_demanded(postfix: Postfix, service: Service) -> Iterator[Told]:
    level = postfix.of(service, "smtpd_tls_security_level")
    if is_wrapped_port(service) or is_yes(postfix.of(service, "smtpd_tls_wrappermode")) or level == "encrypt":
        return
    if is_yes(postfix.of(service, "smtpd_tls_auth_only")) and level == "may":
        return
    place = where(service, "smtpd_tls_security_level")
    yield warning(
        place,
        f"smtpd_tls_security_level = {level or '(empty)'}: people can log in without TLS",
        *in_service(postfix, service, "smtpd_tls_security_level", "encrypt"),
    )


def _certificate(postfix: Postfix, service: Service) -> Iterator[Told]:
    if any(postfix.of(service, name) not in ("", "none") for name in _CERTIFICATES):
        return
    yield wrong(
        where(service, "smtpd_tls_chain_files"),
        "no certificate is named: TLS is offered to nobody",
        "# postconf -e 'smtpd_tls_chain_files = /etc/postfix/mail.pem'   (key first, then the chain)",
    )


@rule(
    "postfix.sender-login-maps",
    "postconf(5) smtpd_sender_login_maps, reject_sender_login_mismatch",
    "beside the gate this check does no harm, but without a table it refuses every sender who has logged in",
)
def sender_login_maps(host: Host) -> Iterator[Told]:
    """Whether `reject_sender_login_mismatch` has a table to look at."""
    if (postfix := host.postfix) is None:
        return
    for service in submissions(postfix):
        name = "smtpd_sender_restrictions"
        words = [
            word
            for each in (name, "smtpd_recipient_restrictions", "smtpd_relay_restrictions")
            for word in postfix.of(service, each).replace(",", " ").split()
            if word in _MISMATCH
        ]
        maps = postfix.of(service, "smtpd_sender_login_maps")
        if words and not maps:
            yield wrong(
                where(service, name),
                f"{words[0]} and no smtpd_sender_login_maps: nobody who has logged in may send",
                *_without(postfix, service, frozenset(words)),
                "# the gate binds senders, the header's too; doc/binding.md",
            )
        elif maps:
            yield fine(
                where(service, "smtpd_sender_login_maps"),
                "binds the envelope sender too; `sealgate import sender-login-maps` reads it",
            )


def _without(postfix: Postfix, service: Service, words: frozenset[str]) -> Iterator[str]:
    for name in ("smtpd_sender_restrictions", "smtpd_recipient_restrictions", "smtpd_relay_restrictions"):
        found = postfix.of(service, name).replace(",", " ").split()
        if words & set(found):
            rest = ",".join(word for word in found if word not in words)
            yield from in_service(postfix, service, name, rest)


@rule(
    "postfix.relay-rights",
    "postconf(5) smtpd_relay_restrictions; SMTPD_ACCESS_README",
    "whoever may relay without a login is refused by the gate, one message after the other",
)
def relay_rights(host: Host) -> Iterator[Told]:
    """Whether a submission service lets senders relay by their login, and not by their network."""
    if (postfix := host.postfix) is None:
        return
    for service in submissions(postfix):
        name = "smtpd_relay_restrictions"
        rights = postfix.of(service, name) or postfix.of(service, "smtpd_recipient_restrictions")
        words, place = rights.replace(",", " ").split(), where(service, name)
        by_network = "permit_mynetworks" in words and bool(postfix.of(service, "mynetworks").strip())
        if is_let_pass(host, service) or ("permit_sasl_authenticated" in words and not (by_network and _refuses(host))):
            yield fine(place, " ".join(words) or "(empty)")
        elif "permit_sasl_authenticated" not in words:
            yield wrong(
                place,
                f"{name} = {' '.join(words) or '(empty)'}: a login gives no right to relay",
                *in_service(postfix, service, name, "permit_sasl_authenticated,reject"),
            )
        else:
            yield warning(
                place,
                "permit_mynetworks: hosts that have not logged in may relay, and the gate refuses them",
                *in_service(postfix, service, name, "permit_sasl_authenticated,reject"),
            )


def _is_spelled_without_realm(host: Host, postfix: Postfix, service: Service) -> bool:
    """Whether the profile knows names without a realm, and no password may come with one (`alice`, `alice@REALM`)."""
    profile, name = host.gate.profile, listener(postfix, service)
    rows = [row for row in profile.logins if row.listener == name and not realm_spelled(row)] if profile else []
    return bool(rows) and all(_PASSWORD.isdisjoint(row.mechanisms) for row in rows)


def _refuses(host: Host) -> bool:
    """Whether the profile knows no sender by its network."""
    profile = host.gate.profile
    return profile is None or not any(identity.networks for identity in profile.identities)


def _with_logins(postfix: Postfix) -> Iterator[Service]:
    return (service for service in submissions(postfix) if takes_logins(postfix, service))
