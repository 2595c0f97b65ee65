"""Rules: can the MTA's daemons reach the gate's socket, and does what answers there speak the milter protocol?

For Postfix: smtpd(8) and cleanup(8) run as `mail_owner` with all groups of that account, and in the chroot where
column 5 of master.cf says so.
"""

from collections.abc import Iterator
from shlex import quote

from sealgate.doctor.finding import Told, fine, rule, unknown, warning, wrong
from sealgate.doctor.host import Host, Postfix, Reach, Service, Step
from sealgate.doctor.milterlist import Milter, milters, opened, ours_for
from sealgate.doctor.paste import listed, unchrooted, where_it_is
from sealgate.doctor.services import cleanup, gated, of_service, ours_among, where


@rule(
    "socket.chroot",
    "master(5) chroot; MILTER_README, Configuring Postfix; profile: socket",
    "a chrooted daemon looks for the socket below the queue folder, and finds nothing: all its mail waits",
)
def chroot(host: Host) -> Iterator[Told]:
    """Whether the path in the list of milters leads to the gate's socket from where the daemon stands."""
    if (postfix := host.postfix) is None or host.gate.socket.family != "unix":
        return
    ours = host.gate.socket.path
    for service, parameter, milter, found in _mentions(host, postfix):
        seen, place = opened(milter, postfix, service), where(service, parameter)
        inside = f" in the chroot {postfix.queue}" if postfix.is_chrooted(service) else ""
        if seen == ours:
            yield fine(place, f"{milter.socket} is {ours}{inside}")
            continue
        what = f"{milter.socket}{inside} is {seen}, and the gate listens at {ours}"
        better = Milter(ours_for(postfix, host.gate.socket), milter.own)
        value = listed([better if each == milter else each for each in found])
        renamed = where_it_is(postfix, service, parameter, value) if better != milter else ()
        if not postfix.is_chrooted(service) or ours.startswith(f"{postfix.queue}/"):
            yield wrong(place, what, *renamed)
        else:
            yield wrong(
                place,
                what,
                *renamed,
                unchrooted(postfix, service),
                f"# or keep the chroot and move the socket: `socket: unix:{postfix.queue}/sealgate/sealgate.sock` in "
                f"sealgate.yaml, {parameter} = unix:sealgate/sealgate.sock",
            )


@rule(
    "socket.permissions",
    "path_resolution(7); unix(7), Pathname socket ownership and permissions; postconf(5) mail_owner",
    "the MTA's account must pass every folder on the way and may write to the socket, or all its mail waits",
)
def permissions(host: Host) -> Iterator[Told]:
    """Owner, group and mode of each folder on the way to the socket, and of the socket, for the MTA's account."""
    for reach in host.reaches:
        stopped = next((step for step in reach.steps if step.kind not in ("socket", "folder")), None)
        barred = [step for step in reach.steps if step.may is False]
        for step in barred:
            yield _barred(step, host.account)
        if stopped is not None and stopped.kind == "unseen":
            yield unknown(stopped.path, "this account may not look there", "# run sealgate doctor as root")
        elif stopped is not None:
            yield _stopped(stopped, reach)
        elif not barred and reach.steps:
            last = reach.steps[-1]
            yield fine(last.path, f"{host.account} may connect: {last.owner}:{last.group} {last.mode:04o}")


def _stopped(step: Step, reach: Reach) -> Told:
    if step.kind == "missing":
        return wrong(
            step.path,
            f"does not exist, so {reach.milter} leads nowhere",
            "# start the gate: systemctl start sealgate; and see that `socket` in sealgate.yaml is this path",
        )
    return wrong(
        step.path,
        f"stands on the way to {reach.milter} and is no " + ("socket" if step is reach.steps[-1] else "folder"),
        f"# look at {step.path} and move it away; then: systemctl restart sealgate",
    )


def _barred(step: Step, account: str) -> Told:
    what = f"{step.owner}:{step.group} {step.mode:04o} keeps {account} out"
    bit, verb = ("x", "pass") if step.kind == "folder" else ("rw", "connect")
    bits = 0o010 if step.kind == "folder" else 0o060
    if step.mode & bits == bits and step.group not in ("root", "0"):
        return wrong(
            step.path,
            f"{what}; its group may {verb}",
            f"usermod -a -G {quote(step.group)} {quote(account)}",
            "# and restart the MTA: a process has the groups that its account had when it was started",
        )
    path = quote(step.path)
    more = ("# and `socket_mode: 0660` in sealgate.yaml, or the next start undoes it",) if step.kind == "socket" else ()
    return wrong(step.path, what, f"chgrp {quote(account)} {path}", f"chmod g+{bit} {path}", *more)


@rule(
    "socket.answers",
    "Milter protocol, SMFIC_OPTNEG; postconf(5) milter_connect_timeout",
    "a path that looks right and does not answer defers all mail",
)
def answers(host: Host) -> Iterator[Told]:
    """A real connection to the gate as the MTA's account, from its chroot, and a negotiation of the milter protocol."""
    for reach in host.reaches:
        tried = reach.tried
        if tried is None:
            yield unknown(reach.milter, "no connection was tried", "# run sealgate doctor on the host of the MTA")
        elif not tried.error:
            yield fine(reach.milter, f"answers {tried.who}, and negotiates")
        else:
            yield wrong(
                reach.milter,
                f"tried as {tried.who}: {tried.error}",
                "# sealgate status; journalctl -u sealgate -n 50; systemctl start sealgate",
            )


@rule(
    "socket.tcp",
    "unix(7); profile: socket",
    "a TCP peer is not authenticated: any local account could claim a login through this socket",
)
def tcp(host: Host) -> Iterator[Told]:
    """Whether the gate listens at a Unix socket with a mode that keeps others out."""
    ours, mode = host.gate.socket, host.gate.settings.socket_mode
    if ours.family != "unix":
        level = warning if ours.is_loopback else wrong
        reach = "any local account" if ours.is_loopback else "whoever reaches that address"
        yield level(
            str(ours),
            f"{reach} can connect and claim any login",
            "# in sealgate.yaml `socket: unix:/run/sealgate/sealgate.sock`, `socket_mode: 0660`",
        )
    elif mode & 0o007:
        yield warning(
            str(ours),
            f"mode {mode:04o}: any local account can connect and claim any login",
            "# in sealgate.yaml `socket_mode: 0660`, and the MTA's account in the socket's group",
        )
    else:
        yield fine(str(ours), f"mode {mode:04o}")


def _mentions(host: Host, postfix: Postfix) -> Iterator[tuple[Service, str, Milter, tuple[Milter, ...]]]:
    """Each mention of the gate: the service, the parameter, the milter, the list it stands in."""
    for service in gated(host):
        found = of_service(host, service)
        yield service, "smtpd_milters", found[ours_among(host, found, service)], found
    if (local := cleanup(postfix)) is not None:
        found = milters(postfix.of(local, "non_smtpd_milters"))
        if (at := ours_among(host, found, local)) >= 0:
            yield local, "non_smtpd_milters", found[at], found
