"""Rules: what sendmail.cf says of the gate, of listeners and of logins.

The documentation is Sendmail's Installation and Operation Guide (op) and its libmilter documentation.
"""

from collections.abc import Iterator
from types import MappingProxyType
from typing import Final

from sealgate.doctor.finding import Told, fine, rule, unknown, warning, wrong
from sealgate.doctor.host import Daemon, Filter, Host, Sendmail
from sealgate.doctor.rules_protocol import MARGIN, seconds
from sealgate.profile.model import Handling
from sealgate.profile.settings import parse_socket

_INCOMING: Final = frozenset({"smtp", "25"})
_NEEDED: Final = MappingProxyType(
    {
        "connect": ("j", "v", "{daemon_name}"),
        "envfrom": ("{auth_type}", "{auth_authen}", "{mail_addr}"),
        "eom": ("i",),
    }
)
_USUAL: Final = MappingProxyType({"C": "5m", "S": "10s", "R": "10s", "E": "5m"})  # op, X lines


@rule(
    "sendmail.filter-named",
    "op, X -- Mail Filter (Milter) Definitions: InputMailFilters",
    "a filter that no list names is never asked: mail leaves unjudged and unsigned",
)
def filter_named(host: Host) -> Iterator[Told]:
    """Whether an `X` line has the gate's socket, and each listener for submission asks that filter."""
    if (sendmail := host.sendmail) is None:
        return
    ours = _ours(host, sendmail)
    if ours is None:
        socket = host.gate.socket
        yield wrong(
            sendmail.file,
            f"no X line has {socket.for_sendmail} (as Postfix writes it: {socket.for_postfix})",
            f"# in sendmail.mc: INPUT_MAIL_FILTER(`sealgate', `S={_spelled(host)}, F=T, T=S:30s;R:30s;E:5m')dnl",
            "# then: make -C /etc/mail && systemctl restart sendmail",
        )
        return
    for daemon in _submissions(sendmail):
        asked = _asked(sendmail, daemon)
        if ours.name in asked:
            yield fine(_label(daemon), f"asks {', '.join(asked)}")
        elif not _passes(host, daemon):
            yield wrong(
                _label(daemon),
                f"does not ask {ours.name}",
                f"# in sendmail.mc: DAEMON_OPTIONS(`Name={daemon.name}, Port={daemon.port}, M=Ea, "
                f"InputFilter={ours.name}')dnl",
            )


@rule(
    "sendmail.filter-flag",
    "op, X -- Mail Filter (Milter) Definitions: F= of X lines",
    "without F=T mail goes on when the gate does not answer: an open gate",
)
def filter_flag(host: Host) -> Iterator[Told]:
    """What Sendmail does when the gate does not answer: `F=T` defers, `F=4` closes with 421, none lets mail go."""
    if (sendmail := host.sendmail) is None or (ours := _ours(host, sendmail)) is None:
        return
    mend = f"# in sendmail.mc: INPUT_MAIL_FILTER(`{ours.name}', `S={ours.socket}, F=T, T=S:30s;R:30s;E:5m')dnl"
    if ours.flag in ("T", "4"):
        yield fine(f"X{ours.name}", f"F={ours.flag}: without the gate mail waits")
    elif ours.flag == "R":
        yield warning(f"X{ours.name}", "F=R: a restart of the gate refuses mail for good", mend)
    else:
        yield wrong(f"X{ours.name}", f"F={ours.flag or '(none)'}: when the gate is down, mail leaves unjudged", mend)


@rule(
    "sendmail.filter-order",
    "op, X -- Mail Filter (Milter) Definitions: InputMailFilters; RFC 6376 5.1",
    "what a later filter changes breaks the signature",
)
def filter_order(host: Host) -> Iterator[Told]:
    """Whether the gate is the last filter that each listener asks."""
    if (sendmail := host.sendmail) is None or (ours := _ours(host, sendmail)) is None:
        return
    for daemon in _daemons(sendmail):
        asked = _asked(sendmail, daemon)
        if ours.name not in asked:
            continue
        after = asked[asked.index(ours.name) + 1 :]
        if after and (host.gate.profile is None or host.gate.profile.seal):
            order = ", ".join((*(name for name in asked if name != ours.name), ours.name))
            yield warning(
                _label(daemon),
                f"{', '.join(after)} comes after the gate",
                f"# in sendmail.mc: define(`confINPUT_MAIL_FILTERS', `{order}')dnl",
            )
        else:
            yield fine(_label(daemon), "the gate is the last of its filters")


@rule(
    "sendmail.timeouts",
    "op, X -- Mail Filter (Milter) Definitions: T= of X lines; sealgate.yaml deadline_seconds",
    "when Sendmail gives up first, mail waits that the gate was about to let go",
)
def timeouts(host: Host) -> Iterator[Told]:
    """Whether Sendmail waits longer for an answer than the gate may take; its default for S and R is 10 s."""
    if (sendmail := host.sendmail) is None or (ours := _ours(host, sendmail)) is None:
        return
    deadline = host.gate.settings.deadline_seconds
    least = deadline + MARGIN
    short = False
    for key, usual in _USUAL.items():
        text = ours.timeouts.get(key, usual)
        took = seconds(text)
        if 0 < took < least:  # C:0 is the system's own limit
            short = True
            level = wrong if took <= deadline else warning
            yield level(
                f"X{ours.name}",
                f"T={key}:{text}, and the gate may take {least} s",
                f"# in sendmail.mc: INPUT_MAIL_FILTER(`{ours.name}', `S={ours.socket}, F=T, "
                f"T=S:{max(30, least)}s;R:{max(30, least)}s;E:5m')dnl",
            )
    if not short:
        yield fine(f"X{ours.name}", f"Sendmail waits at least the {least} s that the gate may take")


@rule(
    "sendmail.macros",
    "op, X -- Mail Filter (Milter) Definitions: Milter.macros.*; libmilter, smfi_setsymlist",
    "without {auth_authen} nobody has logged in, and without {daemon_name} no listener has a name",
)
def macros(host: Host) -> Iterator[Told]:
    """Whether `Milter.macros.*` hold what the gate reads; it also asks for its own lists, where Sendmail lets it."""
    if (sendmail := host.sendmail) is None or _ours(host, sendmail) is None:
        return
    for stage, needed in _NEEDED.items():
        value = sendmail.options.get(f"milter.macros.{stage}")
        if value is None:
            continue  # an old sendmail.cf, or nobody changed it: the gate's own list counts
        there = {word.strip("{} ") for word in value.split(",")}
        missing = [each for each in needed if each.strip("{}") not in there]
        if missing:
            yield warning(
                f"Milter.macros.{stage}",
                f"lacks {', '.join(missing)}",
                f"# in sendmail.mc: define(`confMILTER_MACROS_{stage.upper()}', `{', '.join((value, *missing))}')dnl",
            )
        else:
            yield fine(f"Milter.macros.{stage}", "holds what the gate reads")


@rule(
    "sendmail.listener-name",
    "op, O -- Set Option: DaemonPortOptions; profile: listeners",
    "the profile says by this name whether mail is judged; mail of a name it does not know waits",
)
def listener_name(host: Host) -> Iterator[Told]:
    """Whether the profile's `listeners:` know the name of each listener that asks the gate."""
    if (sendmail := host.sendmail) is None or (ours := _ours(host, sendmail)) is None:
        return
    if (profile := host.gate.profile) is None:
        yield unknown(
            sendmail.file,
            "without a profile nobody knows which listeners it names",
            "# mend the profile first: sealgate check",
        )
        return
    for daemon in _daemons(sendmail):
        if ours.name not in _asked(sendmail, daemon):
            continue
        name = daemon.name or "(none)"
        if daemon.name in profile.listeners:
            yield fine(_label(daemon), f"{name}: {profile.listeners[daemon.name]}")
        else:
            yield wrong(
                _label(daemon),
                f"{name} is not under `listeners:` of the profile",
                f"# in the profile: listeners: {{{daemon.name or 'submission'}: judge}}",
            )


@rule(
    "sendmail.incoming",
    "op, O -- Set Option: DaemonPortOptions InputFilter; RFC 6409 3.1",
    "strangers do not log in, so their mail would be refused; the gate is for what our own people send",
)
def incoming(host: Host) -> Iterator[Told]:
    """Whether port 25 asks the gate about mail from outside: InputMailFilters counts for listeners without a list."""
    if (sendmail := host.sendmail) is None or (ours := _ours(host, sendmail)) is None:
        return
    for daemon in _daemons(sendmail):
        if daemon.port not in _INCOMING:
            continue
        if ours.name in _asked(sendmail, daemon) and not _passes(host, daemon):
            rest = ";".join(name for name in _asked(sendmail, daemon) if name != ours.name)
            yield wrong(
                _label(daemon),
                "asks the gate, which refuses whoever has not logged in",
                f"# in sendmail.mc: DAEMON_OPTIONS(`Name={daemon.name or 'MTA'}, Port=smtp, InputFilter={rest}')dnl",
            )
        else:
            yield fine(_label(daemon), "mail from outside is not judged")


@rule(
    "sendmail.auth",
    "op, O -- Set Option: AuthMechanisms, AuthOptions, DaemonPortOptions M=; RFC 6409 4.3, RFC 8314 3",
    "without a login the gate knows no principal, and a password without TLS can be read on its way",
)
def auth(host: Host) -> Iterator[Told]:
    """Whether submission demands a login (`M=a`), which mechanisms are taken, none in the clear (`AuthOptions=p`)."""
    if (sendmail := host.sendmail) is None:
        return
    for daemon in _submissions(sendmail):
        if "a" in daemon.modifiers or _passes(host, daemon):
            yield fine(_label(daemon), f"M={daemon.modifiers}")
        else:
            yield warning(
                _label(daemon),
                f"M={daemon.modifiers or '(none)'}: does not demand a login",
                f"# in sendmail.mc: DAEMON_OPTIONS(`Name={daemon.name}, Port={daemon.port}, M={daemon.modifiers}a')dnl",
            )
    mechanisms = sendmail.options.get("authmechanisms", "").split()
    if not mechanisms:
        yield warning(
            sendmail.file,
            "AuthMechanisms is not written: every mechanism that is installed is offered",
            "# in sendmail.mc: define(`confAUTH_MECHANISMS', `GSSAPI')dnl",
        )
    elif {"PLAIN", "LOGIN"} & set(mechanisms) and "p" not in sendmail.options.get("authoptions", ""):
        yield warning(
            sendmail.file,
            "AuthOptions has no p: a password may go in the clear",
            "# in sendmail.mc: define(`confAUTH_OPTIONS', `A p y')dnl",
        )
    else:
        yield fine(sendmail.file, f"AuthMechanisms = {' '.join(mechanisms)}")


def _ours(host: Host, sendmail: Sendmail) -> Filter | None:
    wanted = host.gate.socket
    for each in sendmail.filters:
        try:
            found = parse_socket(each.socket)
        except ValueError:
            continue
        if found == wanted or (
            found.family == wanted.family != "unix"
            and found.port == wanted.port
            and found.is_loopback
            and wanted.is_loopback
        ):
            return each
    return None


def _spelled(host: Host) -> str:
    """As X lines have it: Sendmail's own word for a Unix socket is `local`, and `unix` is understood as well."""
    ours = host.gate.socket
    return f"local:{ours.path}" if ours.family == "unix" else ours.for_sendmail


def _daemons(sendmail: Sendmail) -> tuple[Daemon, ...]:
    return sendmail.daemons or (Daemon("Daemon0"),)


def _submissions(sendmail: Sendmail) -> Iterator[Daemon]:
    return (daemon for daemon in _daemons(sendmail) if daemon.port not in _INCOMING)


def _asked(sendmail: Sendmail, daemon: Daemon) -> tuple[str, ...]:
    return sendmail.asked if daemon.filters is None else daemon.filters


def _passes(host: Host, daemon: Daemon) -> bool:
    profile = host.gate.profile
    return profile is not None and profile.listeners.get(daemon.name) is Handling.PASS


def _label(daemon: Daemon) -> str:
    return f"{daemon.name or '(no name)'}, port {daemon.port}"
