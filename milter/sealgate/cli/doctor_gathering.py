"""Gathers what the doctor's rules look at: the MTA, the ways to the socket, and what our own verbs know.

What cannot be found out becomes a value that says so; only an MTA that was named and is not here ends the command.
The connections are tried first, because they fork and the questions to the DNS start threads.
"""

import functools
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from sealgate.adapters import machine, mta, postconf, reaching
from sealgate.app.ports import PortError
from sealgate.cli import EX_UNAVAILABLE, Stop
from sealgate.cli.asking import resolver
from sealgate.cli.keys_held import held_keys
from sealgate.cli.keys_testing import examine as examine_keys
from sealgate.cli.status import look
from sealgate.doctor.host import Host, Postfix, Reach, Sendmail, Service
from sealgate.doctor.milterlist import Milter, is_ours, milters, opened
from sealgate.doctor.ours import Gate, GateState, Key
from sealgate.doctor.services import cleanup, smtpds
from sealgate.profile.model import Problem, Profile
from sealgate.profile.settings import Settings, Socket
from sealgate.profile.spelling import judge_spelling
from sealgate.wiring import account_of, build, read_profile, read_settings

SECONDS = 5.0  # for one program


@dataclass(frozen=True, slots=True)
class Asked:
    """What the command line said; empty: nothing."""

    mta: str
    config: str
    krb5_config: str
    settings_path: Path
    profile_path: Path | None
    servers: tuple[str, ...]
    asks_dns: bool = True


@dataclass(frozen=True, slots=True)
class _Mta:
    """The MTA that was found."""

    name: Literal["", "postfix", "sendmail"] = ""
    postfix: Postfix | None = None
    sendmail: Sendmail | None = None
    unread: str = ""


def gather(asked: Asked) -> Host:
    """Find everything out.

    Raises:
        Stop: the MTA that was named is not here.
    """
    found = _mta(asked)
    settings, problems = read_settings(asked.settings_path)
    used = settings or Settings()
    path = asked.profile_path or Path(used.profile)
    ingredients, more = read_profile(path, account=account_of(settings))
    profile = build(ingredients).profile if ingredients is not None else None
    account = _account(found)
    reaches = tuple(_reaches(found, used.socket, account))
    # A folder that was named wrongly was told of already: postconf would only say it again.
    looked = mta.read_mta(asked.config if found.postfix else "", krb5_config=asked.krb5_config)
    spelling = judge_spelling(looked.settings, profile) if profile is not None and found.postfix else ()
    kerberos = looked.settings.kerberos
    realm = kerberos.default_realm if kerberos is not None else None
    return Host(
        mta=found.name,
        unread=found.unread,
        postfix=found.postfix,
        sendmail=found.sendmail,
        reaches=reaches,
        sasl=postconf.read_sasl(found.postfix) if found.postfix is not None else {},
        default_realm=realm.value if realm is not None else "",
        account=account,
        gate=_gate(asked, used, profile, (*problems, *more, *_beyond_rules(spelling))),
    )


def _mta(asked: Asked) -> _Mta:
    run = functools.partial(mta.said, seconds=SECONDS)
    why = ""
    if asked.mta != "sendmail":
        try:
            return _Mta("postfix", postconf.read_postfix(run, asked.config))
        except FileNotFoundError as error:
            if asked.mta:
                raise Stop(EX_UNAVAILABLE, "there is no postconf here: is Postfix on this host?") from error
            why = "there is no postconf, and no sendmail.cf"
        except PortError as error:
            return _Mta("postfix", unread=str(error))
    try:
        return _Mta("sendmail", sendmail=postconf.read_sendmail(asked.config))
    except FileNotFoundError as error:
        if asked.mta:
            raise Stop(EX_UNAVAILABLE, f"{error.filename}: no such file; name it with --config") from error
    except (OSError, PortError) as error:
        return _Mta("sendmail", unread=str(error))
    return _Mta(unread=why)


def _account(found: _Mta) -> str:
    if found.postfix is not None:
        return found.postfix.main.get("mail_owner") or "postfix"
    return "root" if found.sendmail is not None else "postfix"


# -- the ways to the socket --------------------------------------------------------------------------------------------


def _reaches(found: _Mta, ours: Socket, account: str) -> Iterator[Reach]:
    """Each way that leads to our socket; where none does, the socket itself, so that it is tried at all."""
    who = reaching.account(account)
    ways = dict.fromkeys(_ways(found.postfix, ours)) if found.postfix is not None else {}
    for milter, root in ways or {(ours.for_sendmail, ""): None}:
        steps = reaching.walk(ours.path, who) if ours.family == "unix" else ()
        where = Socket("unix", ours.path.removeprefix(root)) if ours.family == "unix" else ours
        yield Reach(milter, root, steps, reaching.try_connection(where, who, root))


def _ways(postfix: Postfix, ours: Socket) -> Iterator[tuple[str, str]]:
    """The gate as each daemon names it, with that daemon's chroot; a name that leads elsewhere is a rule's affair."""
    for service, milter in _mentions(postfix, ours):
        if ours.family != "unix" or opened(milter, postfix, service) == ours.path:
            yield milter.socket, postfix.queue if postfix.is_chrooted(service) else ""


def _mentions(postfix: Postfix, ours: Socket) -> Iterator[tuple[Service, Milter]]:
    lists = [(service, "smtpd_milters") for service in smtpds(postfix)]
    if (local := cleanup(postfix)) is not None:
        lists.append((local, "non_smtpd_milters"))
    for service, name in lists:
        for milter in milters(postfix.of(service, name)):
            if is_ours(milter, ours, postfix, service):
                yield service, milter


# -- our own side ------------------------------------------------------------------------------------------------------


def _beyond_rules(spelling: tuple[Problem, ...]) -> tuple[Problem, ...]:
    """What no rule of the doctor says with a command already (postfix.sasl-realm)."""
    return tuple(each for each in spelling if not each.suggestion.startswith("smtpd_sasl_local_domain"))


def _gate(asked: Asked, settings: Settings, profile: Profile | None, problems: tuple[Problem, ...]) -> Gate:
    keys, unread = _keys(asked) if profile is not None and profile.seal and asked.asks_dns else (None, "")
    record = Path(settings.audit_log)
    ours = (asked.settings_path, asked.profile_path or Path(settings.profile), record)
    return Gate(
        settings,
        profile,
        problems,
        _state(Path(settings.runtime)),
        keys,
        unread,
        machine.room(record.parent),
        machine.clock(time.time(), ours),
    )


def _state(folder: Path) -> GateState:
    try:
        seen = look(folder, time.time())
    except Stop as stop:
        return GateState(is_running=False, unread=stop.message)
    return GateState(seen.is_running, seen.reasons, seen.warnings)


def _keys(asked: Asked) -> tuple[tuple[Key, ...] | None, str]:
    try:
        held = held_keys(asked.settings_path, asked.profile_path)[1]
        tested = examine_keys(held, resolver(asked.servers, asked.settings_path), int(time.time()))
    except Stop as stop:
        return None, stop.message
    return tuple(Key(each.key.name, str(each.state), each.says, each.remedy) for each in tested), ""
