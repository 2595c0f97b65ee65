"""Rules: does the mail that is to be judged reach the gate, and no other, and what if the gate does not answer?"""

from collections.abc import Iterator
from typing import Final

from sealgate.doctor.finding import Told, fine, rule, unknown, warning, wrong
from sealgate.doctor.host import Host, Postfix, Service
from sealgate.doctor.milterlist import Milter, milters, ours_for
from sealgate.doctor.paste import in_main, in_service, listed, where_it_is
from sealgate.doctor.services import (
    cleanup,
    gated,
    handling,
    is_incoming,
    is_let_pass,
    is_submission,
    listener,
    of_service,
    ours_among,
    smtpds,
    submissions,
    takes_logins,
    where,
)
from sealgate.profile.model import Handling

_SIGNERS: Final = ("dkim", ":8891", ":8892")  # OpenDKIM's and dkimpy-milter's usual sockets
SHUTDOWN_SINCE: Final = (3, 11)


@rule(
    "postfix.milter-named",
    "postconf(5) smtpd_milters; MILTER_README, Configuring Postfix",
    "mail of a service without the gate leaves unjudged and unsigned",
)
def milter_named(host: Host) -> Iterator[Told]:
    """Whether each service that takes submissions or logins names the gate in `smtpd_milters`, by `-o` or main.cf."""
    if (postfix := host.postfix) is None:
        return
    services = [each for each in smtpds(postfix) if is_submission(postfix, each) or takes_logins(postfix, each)]
    if not services:
        yield warning(
            f"{postfix.folder}/master.cf",
            "no service takes submissions: nobody can log in and send",
            "# uncomment `submission` in master.cf, or see doc/postfix.md",
        )
    for service in services:
        found = of_service(host, service)
        place = where(service, "smtpd_milters")
        if is_let_pass(host, service):
            yield fine(place, f"the profile lets {listener(postfix, service)} pass")
        elif ours_among(host, found, service) >= 0:
            yield fine(place, f"passes the gate: {listed(found)}")
        else:
            named = f"names {listed(found)}" if found else "is empty"
            yield wrong(
                place,
                f"takes logins and its smtpd_milters {named}: not the gate at {_both(host)}",
                *_named(host, postfix, service, found),
            )


@rule(
    "postfix.incoming",
    "postconf(5) smtpd_milters; RFC 6409 3.1",
    "strangers do not log in, so their mail would be refused; the gate is for what our own people send",
)
def incoming(host: Host) -> Iterator[Told]:
    """Whether port 25 (or the smtpd behind postscreen) runs the gate for mail from outside."""
    if (postfix := host.postfix) is None:
        return
    for service in smtpds(postfix):
        if not is_incoming(service) or (takes_logins(postfix, service) and handling(host, service) is not None):
            continue
        found = of_service(host, service)
        place, at = where(service, "smtpd_milters"), ours_among(host, found, service)
        if at < 0 or is_let_pass(host, service):
            yield fine(place, "mail from outside is not judged")
            continue
        rest = (*found[:at], *found[at + 1 :])
        yield wrong(
            place,
            "mail from outside passes the gate, which refuses whoever has not logged in",
            *in_service(postfix, service, "smtpd_milters", listed(rest)),
        )


@rule(
    "postfix.milter-order",
    "MILTER_README, Configuring Postfix; RFC 6376 5.1",
    "what a later filter changes breaks the signature, and what an earlier one signs is signed before it was judged",
)
def milter_order(host: Host) -> Iterator[Told]:
    """Whether the gate stands last among the milters, and no other one signs before it."""
    if (postfix := host.postfix) is None:
        return
    for service in gated(host):
        found, place = of_service(host, service), where(service, "smtpd_milters")
        at = ours_among(host, found, service)
        after = found[at + 1 :]
        signers = [each for each in found[:at] if any(sign in each.socket for sign in _SIGNERS)]
        seals = host.gate.profile is None or host.gate.profile.seal
        mended = where_it_is(postfix, service, "smtpd_milters", listed((*found[:at], *after, found[at])))
        # Without a seal the other one goes on signing, behind the gate.
        others, behind = [each for each in found if each not in signers], () if seals else signers
        if after and seals:
            yield warning(place, f"{listed(after)} comes after the gate", *mended)
        for signer in signers:
            yield warning(
                place,
                f"{signer.socket} looks like a signer, before the gate has judged",
                *where_it_is(postfix, service, "smtpd_milters", listed((*others, *behind))),
            )
        if not signers and not (after and seals):
            yield fine(
                place, "the gate is the last of its milters" if not after else "a signer follows, as `seal: off`"
            )


@rule(
    "postfix.default-action",
    "postconf(5) milter_default_action, smtpd_milters; MILTER_README, What to do when a Milter fails",
    "whatever stops the gate must make mail wait; `accept` is an open gate",
)
def default_action(host: Host) -> Iterator[Told]:
    """What Postfix does when the gate does not answer: `milter_default_action`, or the milter's own in braces."""
    if (postfix := host.postfix) is None:
        return
    for service, parameter, each in _own_milters(host, postfix):
        place = where(service, parameter)
        action = each.own.get("default_action")
        if action is None:
            action = postfix.of(service, "milter_default_action")
            mended = where_it_is(postfix, service, "milter_default_action", "tempfail")
        else:
            found = milters(postfix.of(service, parameter))
            tempfail = Milter(each.socket, {**each.own, "default_action": "tempfail"})
            fixed = listed([tempfail if other == each else other for other in found])
            mended = where_it_is(postfix, service, parameter, fixed)
        yield _action(place, action, mended, postfix)


def _action(place: str, action: str, mended: tuple[str, ...], postfix: Postfix) -> Told:
    if action == "accept":
        return wrong(place, "milter_default_action = accept: when the gate is down, mail leaves unjudged", *mended)
    if action == "quarantine":
        return warning(
            place,
            "milter_default_action = quarantine: mail unjudged and unsigned waits in the hold queue, "
            "and whoever releases it sends it so",
            *mended,
        )
    if action == "reject":
        return warning(place, "milter_default_action = reject: a restart of the gate refuses mail for good", *mended)
    if action == "shutdown" and postfix.version >= SHUTDOWN_SINCE:
        return fine(place, "shutdown: without the gate the client gets a 421 and the connection ends; it tries again")
    if action != "tempfail":
        return wrong(
            place,
            f"milter_default_action = {action} is nothing that Postfix {postfix.main.get('mail_version', '')} knows",
            *mended,
        )
    return fine(place, "tempfail: without the gate mail waits at the client (451)")


@rule(
    "postfix.daemon-name",
    "postconf(5) milter_macro_daemon_name; profile: listeners",
    "the profile says by this name whether mail is judged; mail of a name it does not know waits",
)
def daemon_name(host: Host) -> Iterator[Told]:
    """Whether the profile's `listeners:` know each service that passes the gate, by `milter_macro_daemon_name`."""
    if (postfix := host.postfix) is None:
        return
    if (profile := host.gate.profile) is None:
        yield unknown(
            postfix.folder,
            "without a profile nobody knows which listeners it names",
            "# mend the profile first: sealgate check",
        )
        return
    for service in gated(host):
        name, place = listener(postfix, service), where(service, "milter_macro_daemon_name")
        if name in profile.listeners:
            yield fine(place, f"{name}: {profile.listeners[name]}")
            continue
        judged = next((known for known, each in profile.listeners.items() if each.is_judged), "submission")
        passes = profile.unnamed_listeners is Handling.PASS
        yield wrong(
            place,
            f"is called {name}, which is not under `listeners:`: its mail "
            f"{'passes unjudged' if passes else 'is deferred (451)'}",
            *in_service(postfix, service, "milter_macro_daemon_name", judged),
        )


@rule(
    "postfix.local-submission",
    "postconf(5) non_smtpd_milters; MILTER_README, Non-SMTP-only Milter applications; profile: local_submission",
    "mail by sendmail(1) passes no smtpd and no login: without this list it leaves unjudged",
)
def local_submission(host: Host) -> Iterator[Told]:
    """Whether mail by sendmail(1) passes the gate (`non_smtpd_milters`), as the profile's `local_submission` wants."""
    if (postfix := host.postfix) is None:
        return
    service = cleanup(postfix)
    found = milters(postfix.of(service, "non_smtpd_milters"))
    place = f"{postfix.folder}/main.cf" if service is None else where(service, "non_smtpd_milters")
    has_gate = ours_among(host, found, service) >= 0
    profile = host.gate.profile
    passes = profile is not None and not profile.local_submission.is_judged
    if has_gate:
        yield fine(place, "sendmail(1) passes the gate" + (", and the profile lets it pass unjudged" if passes else ""))
        return
    what = "mail by sendmail(1) does not pass the gate: non_smtpd_milters "
    what += f"= {listed(found)}" if found else "is empty"
    mended = ours_for(postfix, host.gate.socket)
    value = listed((*found, Milter(mended)))
    paste = (
        where_it_is(postfix, service, "non_smtpd_milters", value)
        if service is not None
        else (in_main(postfix, "non_smtpd_milters", value),)
    )
    if profile is not None and profile.local_submission.is_judged:
        yield wrong(place, f"{what}, and the profile says `local_submission: {profile.local_submission}`", *paste)
    elif profile is not None and "local_submission" in profile.places:
        yield fine(place, "sendmail(1) is left out, as the profile says")
    else:
        yield warning(
            place,
            what,
            *paste,
            "# and in the profile `local_submission: judge`, with an identity that has `local: yes`; or write "
            "`local_submission: pass` there: then this is meant",
        )


@rule(
    "postfix.no-milters",
    "postconf(5) receive_override_options, content_filter, smtpd_proxy_filter; FILTER_README",
    "no_milters turns the gate off, and a content filter changes mail after it was signed",
)
def no_milters(host: Host) -> Iterator[Told]:
    """Whether `receive_override_options` turns milters off where they are needed, and content filters that follow."""
    if (postfix := host.postfix) is None:
        return
    for service in submissions(postfix):
        place = where(service, "receive_override_options")
        words = postfix.of(service, "receive_override_options").replace(",", " ").split()
        troubles = list(_filters(postfix, service))
        if "no_milters" in words and not is_let_pass(host, service):
            rest = ",".join(word for word in words if word != "no_milters")
            yield wrong(
                place,
                "receive_override_options has no_milters: the gate is never asked",
                *where_it_is(postfix, service, "receive_override_options", rest),
            )
        elif not troubles:
            yield fine(place, "milters are on, and no content filter follows")
        yield from troubles


def _filters(postfix: Postfix, service: Service) -> Iterator[Told]:
    for name in ("content_filter", "smtpd_proxy_filter"):
        if value := postfix.of(service, name):
            yield warning(
                where(service, name),
                f"{name} = {value} sees mail after it was signed; what it changes breaks the signature",
                f"# have it work as a milter before the gate; then: {in_service(postfix, service, name, '')[-1]}",
            )


def _own_milters(host: Host, postfix: Postfix) -> Iterator[tuple[Service, str, Milter]]:
    """Each mention of the gate: the service, the parameter, the milter."""
    for service in gated(host):
        found = of_service(host, service)
        yield service, "smtpd_milters", found[ours_among(host, found, service)]
    if (local := cleanup(postfix)) is not None:
        found = milters(postfix.of(local, "non_smtpd_milters"))
        if (at := ours_among(host, found, local)) >= 0:
            yield local, "non_smtpd_milters", found[at]


def _both(host: Host) -> str:
    """Our socket in the dialects of Postfix and of Sendmail."""
    ours = host.gate.socket
    return f"{ours_for(host.postfix, ours) if host.postfix else ours.for_postfix} (Sendmail: {ours.for_sendmail})"


def _named(host: Host, postfix: Postfix, service: Service, found: tuple[Milter, ...]) -> tuple[str, ...]:
    if is_incoming(service):
        return (
            *in_service(postfix, service, "smtpd_sasl_auth_enable", "no"),
            "# logins belong to submission (RFC 6409 3.1)",
        )
    value = listed((*found, Milter(ours_for(postfix, host.gate.socket))))
    return in_service(postfix, service, "smtpd_milters", value)
