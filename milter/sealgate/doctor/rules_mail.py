"""Rules: what Postfix does to mail before and after the gate that the signature or the judgement does not survive."""

import re
from collections.abc import Iterator
from typing import Final

from sealgate.doctor.finding import Told, fine, rule, unknown, warning
from sealgate.doctor.host import Host, Postfix, Service
from sealgate.doctor.paste import in_main, in_service, where_it_is
from sealgate.doctor.services import gated, is_gated, is_let_pass, is_submission, is_yes, smtpds, where

_AFTER: Final = (
    "milter_header_checks",
    "smtp_body_checks",
    "smtp_generic_maps",
    "smtp_header_checks",
    "smtp_mime_header_checks",
    "smtp_nested_header_checks",
)
MAX_LINE: Final = 998  # RFC 5322 2.1.1


@rule(
    "postfix.missing-headers",
    "postconf(5) always_add_missing_headers, local_header_rewrite_clients; RFC 6376 5.4",
    "a Date or Message-ID that is added after the signature, or not at all, makes receivers doubt the mail",
)
def missing_headers(host: Host) -> Iterator[Told]:
    """Whether Postfix adds a missing Date and Message-ID before the gate sees the message, also for remote clients."""
    if (postfix := host.postfix) is None:
        return
    place = f"{postfix.folder}/main.cf"
    if is_yes(postfix.main.get("always_add_missing_headers", "")):
        yield fine(place, "missing Date and Message-ID are added before the gate")
    elif "permit_sasl_authenticated" in postfix.main.get("local_header_rewrite_clients", ""):
        yield fine(place, "missing fields are added for whoever has logged in")
    else:
        yield warning(
            place,
            "always_add_missing_headers = no: mail of remote clients may lack Date and Message-ID",
            in_main(postfix, "always_add_missing_headers", "yes"),
        )


@rule(
    "postfix.bare-newline",
    "postconf(5) smtpd_forbid_bare_newline; CVE-2023-51764",
    "an end of message that only one host takes for one smuggles a second message in, which no other has judged",
)
def bare_newline(host: Host) -> Iterator[Told]:
    """Whether Postfix refuses or mends bare line feeds in SMTP."""
    if (postfix := host.postfix) is None:
        return
    name = "smtpd_forbid_bare_newline"
    if not postfix.knows(name):
        yield unknown(
            f"{postfix.folder}/main.cf",
            f"Postfix {postfix.main.get('mail_version', '')} has no {name}",
            "# upgrade Postfix",
        )
        return
    best = "normalize" if postfix.version >= (3, 9) else "yes"
    for service in gated(host):
        value = postfix.of(service, name)
        if value in ("yes", "normalize", "reject"):
            yield fine(where(service, name), f"{name} = {value}")
        else:
            yield warning(where(service, name), f"{name} = {value}", *where_it_is(postfix, service, name, best))


@rule(
    "postfix.mime-conversion",
    "postconf(5) force_mime_input_conversion, disable_mime_output_conversion; RFC 6376 5.3",
    "where the next host lacks 8BITMIME, Postfix recodes 8-bit mail after it was signed, and the signature breaks",
)
def mime_conversion(host: Host) -> Iterator[Told]:
    """Whether 8-bit mail is recoded before the gate (Postfix 3.9 and newer), or left alone when it is delivered."""
    if (postfix := host.postfix) is None:
        return
    place = f"{postfix.folder}/main.cf"
    for name in ("force_mime_input_conversion", "disable_mime_output_conversion"):
        if is_yes(postfix.main.get(name, "")):
            yield fine(place, f"{name} = yes")
            return
    best = "force_mime_input_conversion"
    name = best if postfix.knows(best) else "disable_mime_output_conversion"
    yield warning(
        place, "8-bit mail is recoded when it is delivered to a host without 8BITMIME", in_main(postfix, name, "yes")
    )


@rule(
    "postfix.rewriting",
    "postconf(5) smtp_generic_maps, smtp_header_checks, smtp_body_checks, milter_header_checks; RFC 6376 5.1",
    "what smtp(8) rewrites was signed before, and milter_header_checks may take the signature itself away",
)
def rewriting(host: Host) -> Iterator[Told]:
    """Whether something rewrites mail behind the gate, when it is delivered."""
    if (postfix := host.postfix) is None:
        return
    places: list[tuple[Service | None, str, str]] = [
        (None, name, value) for name in _AFTER if (value := postfix.main.get(name))
    ]
    for client in postfix.services:
        if client.command == "smtp":
            places += [(client, name, value) for name in _AFTER if (value := client.options.get(name))]
    for service, name, value in places:
        place = f"{postfix.folder}/main.cf" if service is None else where(service, name)
        empty = in_main(postfix, name, "") if service is None else in_service(postfix, service, name, "")[0]
        yield warning(
            place,
            f"{name} = {value} works behind the gate",
            f"# rewrite before the gate (canonical_maps, header_checks); then: {empty}",
        )
    if not places:
        yield fine(f"{postfix.folder}/main.cf", "nothing rewrites mail behind the gate")


@rule(
    "postfix.line-length",
    "postconf(5) smtp_line_length_limit; RFC 5322 2.1.1",
    "smtp(8) breaks longer lines after they were signed",
)
def line_length(host: Host) -> Iterator[Told]:
    """Whether smtp(8) leaves lines of up to 998 octets whole."""
    if (postfix := host.postfix) is None:
        return
    text = postfix.main.get("smtp_line_length_limit", "998")
    limit = int(text) if re.fullmatch(r"[0-9]{1,9}", text) else 0
    place = f"{postfix.folder}/main.cf"
    if limit and limit < MAX_LINE:
        yield warning(place, f"smtp_line_length_limit = {text}", in_main(postfix, "smtp_line_length_limit", "998"))
    else:
        yield fine(place, f"smtp_line_length_limit = {text}")


@rule(
    "postfix.mynetworks",
    "postconf(5) smtpd_relay_restrictions, mynetworks; SMTPD_ACCESS_README",
    "a host of mynetworks, by default every program of this host, sends there without login and without the gate",
)
def mynetworks(host: Host) -> Iterator[Told]:
    """Whether a service without the gate relays mail for `mynetworks`, or for logins."""
    if (postfix := host.postfix) is None:
        return
    for service in smtpds(postfix):
        if service.kind == "unix" or is_gated(host, service) or is_let_pass(host, service):
            continue
        if is_submission(postfix, service):
            continue  # postfix.milter-named says it
        name = "smtpd_relay_restrictions"
        rights = postfix.of(service, name) or postfix.of(service, "smtpd_recipient_restrictions")
        place, networks = where(service, name), postfix.of(service, "mynetworks")
        if "permit_mynetworks" in rights and networks.strip():
            yield warning(place, f"relays for {networks} and does not pass the gate", *_unrelayed(postfix, service))
        else:
            yield fine(place, "relays for nobody past the gate")


def _unrelayed(postfix: Postfix, service: Service) -> tuple[str, ...]:
    if "no_milters" in postfix.of(service, "receive_override_options") or "content_filter" in service.options:
        # A filter hands mail back here (FILTER_README): to close the door would stop all mail.
        return (f"# mail comes back from a filter here: let nobody else connect to {service.name}",)
    words = postfix.of(service, "smtpd_relay_restrictions").replace(",", " ").split()
    kept = [word for word in words if word != "permit_mynetworks"]
    return in_service(postfix, service, "smtpd_relay_restrictions", ",".join(kept or ["reject_unauth_destination"]))
