"""Lint of logins: rows that are never read or contradict each other, and principals, realms and mechanisms without one.

Pure: a profile in, problems out. Part of `profile.lint`.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations

from sealgate.profile.model import USER, Identity, Login, Place, Principal, Profile
from sealgate.profile.nodes import Problems, near, place_of, shown
from sealgate.profile.parse_realms import realm_of
from sealgate.profile.principal import can_produce, collision, realm_spelled


def lint_logins(profile: Profile, problems: Problems) -> None:
    """Judge the rows of `logins`, and whether every principal has one."""
    _rows(profile, problems)
    _rows_against_each_other(profile.logins, problems)
    rows = [row for row in profile.logins if _is_judged(profile, row)]
    _unreachable(profile, rows, problems)
    _mechanisms(profile, rows, problems)


def _is_judged(profile: Profile, row: Login) -> bool:
    return row.listener in profile.listeners and profile.listeners[row.listener].is_judged


def _rows(profile: Profile, problems: Problems) -> None:
    for login in profile.logins:
        here = place_of(login.place)
        if not _is_judged(profile, login):
            why = "is not judged" if login.listener in profile.listeners else "is not named under `listeners`"
            hint = near(login.listener, profile.listeners) or f"write `{login.listener}: judge` under `listeners:`"
            problems.warning(here, f"this row is never read: listener {shown(login.listener)} {why}", hint)
        if "XCLIENT" in login.mechanisms:
            problems.warning(
                here,
                "XCLIENT is no login: the name is the word of whoever may send XCLIENT, a proxy as a rule",
                "leave XCLIENT out, unless every host in smtpd_authorized_xclient_hosts may send as anybody",
            )
        spelled, realm = realm_spelled(login), login.principal.rpartition("@")[2]
        if spelled and spelled.upper() != realm.upper():
            problems.warning(
                here,
                f"a login spelled with {shown('@' + spelled)} becomes a principal of realm {shown(realm)}",
                "right only if the MTA itself appends that name (smtpd_sasl_local_domain); else two realms merge",
            )


def _rows_against_each_other(logins: tuple[Login, ...], problems: Problems) -> None:
    """Find two rows of one listener and mechanism that disagree about a spelling, or merge two realms."""
    groups: defaultdict[tuple[str, str], list[Login]] = defaultdict(list)
    for login in logins:
        for mechanism in login.mechanisms:
            groups[login.listener, mechanism].append(login)
    told: set[tuple[str, str]] = set()
    for rows in groups.values():
        for first, second in combinations(rows, 2):
            if (first.place, second.place) in told:
                continue
            if message := _disagreement(first, second):
                told.add((first.place, second.place))
                problems.error(
                    place_of(second.place), f"{message} (the other row: {first.place})", "keep one of the two"
                )
            elif (first.spelled, first.principal, first.encoding) == (
                second.spelled,
                second.principal,
                second.encoding,
            ):
                told.add((first.place, second.place))
                problems.warning(place_of(second.place), f"this row repeats the one at {first.place}", "remove it")


def _disagreement(first: Login, second: Login) -> str:
    if found := collision(first, second):
        return found
    realms = [(realm_spelled(row) or row.principal.rpartition("@")[2]).upper() for row in (first, second)]
    if USER in first.spelled and first.principal == second.principal and realms[0] != realms[1]:
        return f"users of {shown(realms[0])} and of {shown(realms[1])} would be the same principals"
    return ""


def _unreachable(profile: Profile, rows: list[Login], problems: Problems) -> None:
    """Find principals and realms that no row of `logins` can produce; one problem a realm, with a count."""
    folded = [_folded(row, profile) for row in rows]
    fixed = {row.principal for row in folded if USER not in row.principal}
    templates = list({row.principal: row for row in folded if USER in row.principal}.values())
    lost: defaultdict[str, list[tuple[str, Place]]] = defaultdict(list)
    for identity in profile.identities:
        for principal, place in _principals(identity):
            if str(principal) not in fixed and not any(can_produce(row, principal) for row in templates):
                lost[principal.realm].append((f"principal {shown(str(principal))}", place))
        for realm in identity.realms:
            if f"{USER}@{realm}" not in {row.principal for row in templates}:
                lost[realm].append((f"the users of realm {shown(realm)}", place_of(identity.place)))
    for realm, found in lost.items():
        more = f" (nor {len(found) - 1} more of this realm)" if len(found) > 1 else ""
        problems.warning(
            found[0][1],
            f"no row of `logins` can produce {found[0][0]}{more}",
            f'add a row with principal: "{{user}}@{realm[:100]}"',
        )
    led_to = {realm_of(row.principal) for row in rows}
    for realm in profile.realms:
        written = profile.places.get(f"realms.{realm}")
        if written and realm not in led_to and realm not in lost:
            problems.warning(
                written,
                f"realm {shown(realm)} is listed and no row of `logins` leads to it: nobody of it can log in",
                f'add a row with principal: "{{user}}@{realm[:100]}", or remove the realm',
            )


def _folded(row: Login, profile: Profile) -> Login:
    """Write a row's principal as the indexes hold it: in lower case where names of the realm have no case."""
    name, _, realm = row.principal.rpartition("@")
    return replace(row, principal=f"{name.lower()}@{realm}") if profile.realms.get(realm) else row


def _principals(identity: Identity) -> Iterator[tuple[Principal, Place]]:
    places = identity.principal_places or (place_of(identity.place),) * len(identity.principals)
    return zip(identity.principals, places, strict=True)


def _mechanisms(profile: Profile, rows: list[Login], problems: Problems) -> None:
    """Find mechanisms that identities are limited to and that no row takes; one problem a mechanism, with a count."""
    taken = {mechanism for row in rows for mechanism in row.mechanisms}
    lost: defaultdict[str, list[Identity]] = defaultdict(list)
    for identity in profile.identities:
        for mechanism in identity.mechanisms:
            if mechanism not in taken:
                lost[mechanism].append(identity)
    for mechanism, found in lost.items():
        more = f" (nor do {len(found) - 1} more identities have one)" if len(found) > 1 else ""
        problems.warning(
            place_of(found[0].place),
            f"identity {shown(found[0].name)} may log in by {mechanism}, and no row of `logins` takes it{more}",
            near(mechanism, sorted(taken)) or f"add a row with `mechanism: {mechanism}`, or leave {mechanism} out",
        )
