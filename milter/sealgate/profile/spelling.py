"""Settings of the MTA, of SASL and of Kerberos under which two people would arrive under one name.

The gate is told by the MTA who logged in, and the MTA by its SASL library, which may cut the realm off, fold the name
to lower case, or put another realm behind it. `judge_spelling` holds such settings, gathered by somebody who may open
files, against the rows of `logins:` and names each that makes one name of two people, with the setting to write
instead. Pure; everything it finds is a warning, because the profile itself is in order. What is not known (an MTA that
is not on this host) is `None` and is not judged.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from sealgate.profile.model import USER, Login, Problem, Profile
from sealgate.profile.nodes import shown
from sealgate.profile.principal import realm_spelled

# A variable of Dovecot's: `%Lu`, `%{user}`, `%L{user}`, and since 2.4 with filters: `%{user | username | lower}`.
_VARIABLE: Final = re.compile(r"%([LUTRHMNEX0-9.+-]{0,20})(?:\{([^{}]{0,200})\}|([a-z%]))")
_KEEPS_REALM: Final = frozenset({"u", "d", "user", "domain", "userdomain", "auth_user", "auth_domain"})
_PASSWORDS: Final = frozenset({"PLAIN", "LOGIN"})


@dataclass(frozen=True, slots=True)
class Setting:
    """A value and where it was written; line 0 where only the file is known."""

    value: str
    file: str
    line: int = 0


@dataclass(frozen=True, slots=True)
class Smtpd:
    """One smtpd(8) service of Postfix with the settings in force for it: master.cf's `-o` over main.cf.

    Attributes:
        service: as master.cf names it, such as `submission/inet`.
        listener: milter_macro_daemon_name, by which the profile knows it.
        takes_logins: smtpd_sasl_auth_enable.
        sasl_type: `cyrus` or `dovecot`.
        local_domain: smtpd_sasl_local_domain; with Cyrus it is put behind names without a realm.
        xclient_hosts: smtpd_authorized_xclient_hosts; those clients choose the login that is told to the milter.
        milters: smtpd_milters; `None`: not known.
        default_action: milter_default_action.
    """

    service: str
    listener: str
    takes_logins: bool
    sasl_type: str
    local_domain: Setting
    xclient_hosts: Setting
    milters: Setting | None = None
    default_action: Setting | None = None


@dataclass(frozen=True, slots=True)
class Dovecot:
    """Dovecot's SASL server.

    Attributes:
        file: its configuration file.
        username_format: auth_username_format.
        default_realm: auth_default_realm (2.3) or auth_default_domain (2.4).
        realm_parameter: which of the two this version knows.
        realms: auth_realms.
        gives_principals: whether a passdb sets k5principals.
    """

    file: str
    username_format: str = "%Lu"
    default_realm: str = ""
    realm_parameter: str = "auth_default_realm"
    realms: tuple[str, ...] = ()
    gives_principals: bool = False


@dataclass(frozen=True, slots=True)
class Kerberos:
    """krb5.conf with what it includes.

    Attributes:
        file: the file it began with.
        default_realm: of [libdefaults]; `None` where it is not written.
        realms: names under [realms].
        mappings: each auth_to_local and auth_to_local_names of [realms], `REALM: rule`, except the rule DEFAULT.
    """

    file: str
    default_realm: Setting | None = None
    realms: tuple[str, ...] = ()
    mappings: tuple[Setting, ...] = ()


@dataclass(frozen=True, slots=True)
class SaslSettings:
    """All that is known of how logins are spelled on this host, and of what its mail passes; `None`: not known."""

    smtpds: tuple[Smtpd, ...] | None = None
    dovecot: Dovecot | None = None
    kerberos: Kerberos | None = None
    non_smtpd_milters: Setting | None = None


def judge_spelling(settings: SaslSettings, profile: Profile) -> tuple[Problem, ...]:
    """Name every setting under which two principals of this profile would be told to the gate by one name.

    Returns:
        Warnings, each once, at the file where the setting is.
    """
    found: dict[Problem, None] = {}
    for smtpd in settings.smtpds or ():
        rows = tuple(row for row in profile.logins if row.listener == smtpd.listener)
        found |= dict.fromkeys(_xclient(smtpd, rows))
        if not smtpd.takes_logins:
            continue
        if smtpd.sasl_type == "cyrus":
            found |= dict.fromkeys(_local_domain(smtpd, rows, settings.kerberos, profile))
            found |= dict.fromkeys(_free_spelling(smtpd, rows))
            found |= dict.fromkeys(_cut_off(smtpd, rows, settings.kerberos))
        if _may_lack_realm(smtpd, settings.dovecot):
            found |= dict.fromkeys(_without_realm(rows, settings.kerberos, profile))
    if settings.dovecot is not None and _uses_dovecot(settings.smtpds):
        found |= dict.fromkeys(_format(settings.dovecot, profile))
        found |= dict.fromkeys(_local_names(settings.dovecot, settings.kerberos))
    return tuple(found)


def _warning(at: Setting, message: str, suggestion: str) -> Problem:
    return Problem(at.file, at.line, 1, message, suggestion, is_error=False)


def _uses_dovecot(smtpds: tuple[Smtpd, ...] | None) -> bool:
    """Without a word of Postfix a Dovecot that somebody pointed at is taken to be the one."""
    return smtpds is None or any(each.takes_logins and each.sasl_type == "dovecot" for each in smtpds)


def _may_lack_realm(smtpd: Smtpd, dovecot: Dovecot | None) -> bool:
    """Whether a name without a realm can reach the gate: Cyrus cuts the host's own off, Dovecot as the client asks."""
    if smtpd.sasl_type == "cyrus":
        return not smtpd.local_domain.value
    return smtpd.sasl_type == "dovecot" and dovecot is not None and not dovecot.default_realm


def _xclient(smtpd: Smtpd, rows: tuple[Login, ...]) -> Iterator[Problem]:
    hosts = smtpd.xclient_hosts
    for row in rows:
        if hosts.value and "XCLIENT" in row.mechanisms:
            yield _warning(
                hosts,
                f"{smtpd.service}: smtpd_authorized_xclient_hosts = {shown(hosts.value)}: each of these hosts may log "
                f"in as whoever it likes, and the row at {row.place} believes it",
                "smtpd_authorized_xclient_hosts = (empty), or take XCLIENT out of the row",
            )


def _local_domain(
    smtpd: Smtpd, rows: tuple[Login, ...], kerberos: Kerberos | None, profile: Profile
) -> Iterator[Problem]:
    """Cyrus SASL cuts off the realm that equals default_realm, and then puts smtpd_sasl_local_domain behind."""
    own = kerberos.default_realm if kerberos is not None else None
    appended = smtpd.local_domain.value
    if not appended or own is None or appended == own.value:
        return
    is_a_realm = appended in profile.realms or (kerberos is not None and appended in kerberos.realms)
    is_meant = any(realm_spelled(row) == appended and _realm_of(row) == own.value for row in rows)
    if is_meant and not is_a_realm:
        return
    yield _warning(
        smtpd.local_domain,
        f"{smtpd.service}: smtpd_sasl_local_domain = {shown(appended)}, but default_realm is {shown(own.value)} "
        f"({own.file}): {shown('alice@' + own.value)} arrives as {shown('alice@' + appended)}, of another realm",
        f"smtpd_sasl_local_domain = {_plain(own.value)}",
    )


def _free_spelling(smtpd: Smtpd, rows: tuple[Login, ...]) -> Iterator[Problem]:
    """Behind saslauthd -a kerberos5, PLAIN's name is whatever the client wrote: `alice`, `alice@`, `alice@REALM`."""
    if smtpd.local_domain.value:
        return
    for row in rows:
        if not _PASSWORDS.isdisjoint(row.mechanisms) and USER in row.spelled and not realm_spelled(row):
            yield _warning(
                smtpd.local_domain,
                f"{smtpd.service}: with a password the client chooses whether its realm is told (alice, alice@REALM), "
                f"and the row at {row.place} takes every name without one for a principal of {_realm_of(row)}",
                f'smtpd_sasl_local_domain = {_realm_of(row)}, and the row spelled: "{USER}@{_realm_of(row)}"',
            )


def _cut_off(smtpd: Smtpd, rows: tuple[Login, ...], kerberos: Kerberos | None) -> Iterator[Problem]:
    """Cyrus SASL cuts the host's own realm off: rows that all wait for a realm take none of its users."""
    own = kerberos.default_realm if kerberos is not None else None
    if smtpd.local_domain.value or not rows or not all(realm_spelled(row) for row in rows):
        return
    if kerberos is not None and (own is None or own.value not in map(_realm_of, rows)):
        return  # without a default_realm nothing is cut off
    realm = own.value if own is not None else _realm_of(rows[0])
    yield _warning(
        smtpd.local_domain,
        f"{smtpd.service}: smtpd_sasl_local_domain is empty: {shown('alice@' + realm)} arrives as `alice`, and every "
        f"row of listener {shown(smtpd.listener)} waits for a realm: nobody of that realm can send (451)",
        f"smtpd_sasl_local_domain = {_plain(realm)}",
    )


def _without_realm(rows: tuple[Login, ...], kerberos: Kerberos | None, profile: Profile) -> Iterator[Problem]:
    """A name without a realm is one of the host's default_realm: the row must say the same realm."""
    own = kerberos.default_realm if kerberos is not None else None
    if own is None:
        return
    for row in rows:
        if USER not in row.spelled or realm_spelled(row):
            continue
        if _realm_of(row) != own.value:
            yield _warning(
                own,
                f"default_realm is {shown(own.value)}, so a login without a realm is one of its principals; the row at "
                f"{row.place} makes it one of {shown(_realm_of(row))}: two realms merge",
                f'default_realm = {_realm_of(row)} here, or the row principal: "{USER}@{own.value}"',
            )
        elif profile.realms and own.value not in profile.realms:
            yield _warning(
                own,
                f"default_realm {shown(own.value)} is not among the profile's `realms`, and the row at {row.place} "
                "takes logins without a realm for its principals",
                f"write {shown(own.value + ': exact')} under `realms:` of the profile, or mend default_realm",
            )


def _format(dovecot: Dovecot, profile: Profile) -> Iterator[Problem]:
    here = Setting(dovecot.username_format, dovecot.file)
    loses_realm, folds_case = _read_format(dovecot.username_format)
    if loses_realm:
        yield _warning(
            here,
            f"auth_username_format = {shown(here.value)} drops the realm: alice of every realm arrives as alice",
            "auth_username_format = %u",
        )
    # An Active Directory has no case: where all realms are such, folding loses nothing.
    if folds_case and not (profile.realms and all(profile.realms.values())):
        yield _warning(
            here,
            f"auth_username_format = {shown(here.value)} folds case: the principals Alice and alice arrive as one",
            "auth_username_format = %u, and `spelled` with the realm in upper case; or `REALM: fold` under `realms:`",
        )


def _read_format(text: str) -> tuple[bool, bool]:
    """Whether a format loses the realm, and whether it folds case. An empty one changes nothing."""
    if not text:
        return False, False
    keeps = folds = False
    for modifiers, long, short in _VARIABLE.findall(text):
        name, *filters = (word.strip() for word in (long or short).split("|"))
        keeps = keeps or (name in _KEEPS_REALM and "username" not in filters)
        folds = folds or "L" in modifiers or "U" in modifiers or not {"lower", "upper"}.isdisjoint(filters)
    return not keeps, folds


def _local_names(dovecot: Dovecot, kerberos: Kerberos | None) -> Iterator[Problem]:
    """Dovecot tells the name that the client asked for, where Kerberos' mapping to local names lets it.

    `auth_default_realm` makes that name one with a realm, which the mapping then does not know.
    """
    if dovecot.gives_principals:
        yield _warning(
            Setting("", dovecot.file),
            "a passdb gives k5principals: those principals log in under another's name, and the gate is told that one",
            "take k5principals out, and give the principals an address each under `delegations:` of the profile",
        )
    if dovecot.default_realm or kerberos is None:
        return
    realm = _plain(kerberos.default_realm.value) if kerberos.default_realm is not None else "YOUR.REALM"
    for mapping in kerberos.mappings:
        yield _warning(
            mapping,
            f"{shown(mapping.value)}: a principal that this maps logs in to Dovecot as the local name, "
            "one of a foreign realm too",
            f"{dovecot.realm_parameter} = {realm} in {dovecot.file}",
        )


def _realm_of(row: Login) -> str:
    return row.principal.rpartition("@")[2]


def _plain(value: str) -> str:
    return shown(value).strip("`")
