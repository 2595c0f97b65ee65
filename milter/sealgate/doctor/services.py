"""Which services of master.cf take mail from whom, as the rules speak of them."""

from collections.abc import Iterator
from typing import Final

from sealgate.doctor.host import Host, Postfix, Service
from sealgate.doctor.milterlist import Milter, is_ours, milters
from sealgate.profile.model import Handling

_SUBMISSION: Final = frozenset({"submission", "587", "submissions", "smtps", "465"})  # RFC 6409 3.1, RFC 8314 3.3
_WRAPPED: Final = frozenset({"submissions", "smtps", "465"})
_INCOMING: Final = frozenset({"smtp", "25"})


def smtpds(postfix: Postfix) -> Iterator[Service]:
    """Every smtpd(8)."""
    return (service for service in postfix.services if service.command == "smtpd")


def is_yes(value: str) -> bool:
    """Whether a boolean parameter is on."""
    return value.strip().lower() == "yes"


def takes_logins(postfix: Postfix, service: Service) -> bool:
    """Whether SASL is on."""
    return is_yes(postfix.of(service, "smtpd_sasl_auth_enable"))


def is_incoming(service: Service) -> bool:
    """Whether strangers deliver here: port 25, or behind postscreen(8)."""
    return service.kind == "pass" or (service.kind == "inet" and service.port in _INCOMING)


def is_submission(postfix: Postfix, service: Service) -> bool:
    """Whether our own people and programs send here: a port of submission, or any other one that takes logins."""
    if service.kind != "inet" or is_incoming(service):
        return False
    return service.port in _SUBMISSION or takes_logins(postfix, service)


def is_wrapped_port(service: Service) -> bool:
    """Whether TLS begins with the connection by this port's definition (RFC 8314 3.3)."""
    return service.port in _WRAPPED


def submissions(postfix: Postfix) -> Iterator[Service]:
    """The services of `is_submission`."""
    return (service for service in smtpds(postfix) if is_submission(postfix, service))


def of_service(host: Host, service: Service) -> tuple[Milter, ...]:
    """Its milters, in order."""
    return milters(host.postfix.of(service, "smtpd_milters")) if host.postfix is not None else ()


def ours_among(host: Host, found: tuple[Milter, ...], service: Service | None) -> int:
    """Where in a list the gate stands; -1: nowhere."""
    if host.postfix is None:
        return -1
    ours = host.gate.socket
    return next((n for n, each in enumerate(found) if is_ours(each, ours, host.postfix, service)), -1)


def is_gated(host: Host, service: Service) -> bool:
    """Whether mail that comes in here passes the gate."""
    return ours_among(host, of_service(host, service), service) >= 0


def gated(host: Host) -> Iterator[Service]:
    """Every smtpd(8) whose mail passes the gate."""
    if host.postfix is not None:
        yield from (service for service in smtpds(host.postfix) if is_gated(host, service))


def listener(postfix: Postfix, service: Service) -> str:
    """The name by which the profile knows a service: milter_macro_daemon_name."""
    return postfix.of(service, "milter_macro_daemon_name")


def handling(host: Host, service: Service) -> Handling | None:
    """What the profile says of a service; `None` where there is no profile, or it does not name the service."""
    if host.postfix is None or host.gate.profile is None:
        return None
    return host.gate.profile.listeners.get(listener(host.postfix, service))


def is_let_pass(host: Host, service: Service) -> bool:
    """Whether the profile says in so many words that mail from here passes unjudged."""
    return handling(host, service) is Handling.PASS


def where(service: Service, name: str) -> str:
    """The place of a parameter for a finding: the service, and the file in which the value stands."""
    return f"{service.label} ({'master.cf' if name in service.options else 'main.cf'})"


def cleanup(postfix: Postfix) -> Service | None:
    """Find the service that pickup(8) hands local mail to."""
    return next((each for each in postfix.services if each.command == "cleanup" and each.name == "cleanup"), None)
