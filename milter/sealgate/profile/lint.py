"""What no single line of the profile shows: contradictions across fields, and settings that are rarely meant.

Pure: a profile in, problems out, each at the line of what should change. Files (keys that are missing or readable by
others) are judged elsewhere. `check_profile` parses and lints in one go, so that one run names everything.
"""

from collections import defaultdict
from collections.abc import Set as AbstractSet
from itertools import combinations
from typing import Final

from sealgate.profile.model import (
    Handling,
    Identity,
    Kind,
    Login,
    MailClass,
    Network,
    Place,
    Principal,
    Problem,
    Profile,
)
from sealgate.profile.nodes import Problems, near, shown
from sealgate.profile.parse import draft_profile
from sealgate.profile.principal import USER, can_produce, collision, realm_spelled

NOWHERE: Final = Place(0, 0)


def check_profile(
    text: str, file: str, *, known_rules: AbstractSet[str] = frozenset()
) -> tuple[Profile | None, tuple[Problem, ...]]:
    """Parse and lint. Where parsing found errors, lint's errors are added and its warnings wait until those are mended.

    Returns:
        The profile, or None where there is an error, and all problems in the order of the file.
    """
    draft, problems = draft_profile(text, file, known_rules=known_rules)
    broken = any(p.is_error for p in problems)
    problems += tuple(p for p in lint(draft, file) if p.is_error or not broken)
    broken = any(p.is_error for p in problems)
    ordered = sorted(problems, key=lambda p: (p.line == 0, p.line, p.column))
    return (None if broken else draft), tuple(ordered)


def lint(profile: Profile, file: str) -> tuple[Problem, ...]:
    """Judge a parsed profile across its fields.

    Args:
        profile: as `parse_profile` made it.
        file: the name it was parsed under, for the messages.
    """
    problems = Problems(file)
    _listeners(profile, problems)
    _login_rows(profile, problems)
    _rows_against_each_other(profile.logins, problems)
    _domains(profile, problems)
    _loosened(profile, problems)
    for identity in profile.identities:
        _identity(identity, problems)
    _sources(profile, problems)
    _networks(profile.identities, problems)
    _unreachable(profile, problems)
    _case_twins(profile.identities, problems)
    _unsigned_senders(profile, problems)
    return problems.listed()


def _at(place: str) -> Place:
    """Turn the `file:line` that values carry back into a place."""
    line = place.rpartition(":")[2]
    return Place(int(line), 1) if line.isdecimal() else NOWHERE


def _listeners(profile: Profile, problems: Problems) -> None:
    judged = [name for name, handling in profile.listeners.items() if handling is Handling.JUDGE]
    with_rows = {login.listener for login in profile.logins}
    has_networks = any(identity.networks for identity in profile.identities)
    for name in judged:
        if name not in with_rows and not has_networks:
            problems.warning(
                profile.places.get(f"listeners.{name}", NOWHERE),
                f"listener {shown(name)} is judged and no row of `logins` is for it: nobody can send through it",
                f"add a row under `logins:` with `listener: {name}`",
            )
    if not judged and profile.local_submission is not Handling.JUDGE:
        problems.warning(
            profile.places.get("listeners", NOWHERE),
            "nothing is judged: no listener and no local submission",
            "write `judge` at the listener that takes submissions",
        )
    if profile.unnamed_listeners is Handling.PASS:
        problems.warning(
            profile.places.get("unnamed_listeners", NOWHERE),
            "mail from a listener that is not named passes unjudged: a new or renamed service is a way around",
            "name the listeners that may pass, and keep `unnamed_listeners: tempfail`",
        )


def _login_rows(profile: Profile, problems: Problems) -> None:
    for login in profile.logins:
        here = _at(login.place)
        if profile.listeners.get(login.listener) is not Handling.JUDGE:
            why = "is not judged" if login.listener in profile.listeners else "is not named under `listeners`"
            hint = near(login.listener, profile.listeners) or f"write `{login.listener}: judge` under `listeners:`"
            problems.warning(here, f"this row is never read: listener {shown(login.listener)} {why}", hint)
        if "XCLIENT" in login.mechanisms:
            problems.warning(
                here, "XCLIENT is no login: the name is the word of whoever may send XCLIENT, a proxy as a rule"
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
                problems.error(_at(second.place), f"{message} (the other row: {first.place})", "keep one of the two")
            elif (first.spelled, first.principal, first.encoding) == (
                second.spelled,
                second.principal,
                second.encoding,
            ):
                told.add((first.place, second.place))
                problems.warning(_at(second.place), f"this row repeats the one at {first.place}")


def _disagreement(first: Login, second: Login) -> str:
    if found := collision(first, second):
        return found
    realms = [(realm_spelled(row) or row.principal.rpartition("@")[2]).upper() for row in (first, second)]
    if USER in first.spelled and first.principal == second.principal and realms[0] != realms[1]:
        return f"users of {shown(realms[0])} and of {shown(realms[1])} would be the same principals"
    return ""


def _domains(profile: Profile, problems: Problems) -> None:
    for domain in profile.domains.values():
        if profile.seal and domain.sign and not domain.keys:
            problems.warning(
                _at(domain.place),
                f"domain {domain.name} says `sign: yes` and has no key: with `seal: on` its mail is deferred (451)",
                "add a key under `keys:`, or write `sign: no`",
            )


def _loosened(profile: Profile, problems: Problems) -> None:
    """Find sender rules that the profile does not enforce: with the seal on, what they find leaves signed."""
    for code, setting in profile.rules.items():
        if code.startswith("identity.") and setting.mode in ("off", "report") and code != "identity.foreign-author":
            problems.warning(
                _at(setting.place),
                f"rule {code} is set to `{setting.mode}`: mail it finds leaves, and with `seal: on` it leaves signed",
                "set `mode: report` of the whole profile for a trial, and enforce this rule",
            )


def _identity(identity: Identity, problems: Problems) -> None:
    here, name = _at(identity.place), shown(identity.name)
    if not identity.principals and not identity.networks and not identity.local:
        problems.error(here, f"identity {name} is nobody", "say who it is: `principals:`, `networks:`, or `local: yes`")
    if not identity.senders and identity.kind is not Kind.FORWARDER:
        problems.warning(here, f"identity {name} has no `senders`: it can send nothing", "list its addresses")
    if identity.mail_class is MailClass.COMMERCIAL and identity.kind is Kind.PERSON:
        problems.error(
            here,
            f"identity {name} is a person: a person's mail is never refused for what commercial mail must carry",
            "declare what sends advertisements as `kind: service`, with a principal of its own",
        )
    if identity.mail_class is MailClass.COMMERCIAL and not identity.postal_addresses:
        problems.warning(
            here,
            f"identity {name} is commercial and names no `postal_addresses`: an address can only be guessed at",
            "register the sender's address under `postal_addresses:` (16 CFR 316.2(p)) and name it here",
        )


def _sources(profile: Profile, problems: Problems) -> None:
    local = [identity for identity in profile.identities if identity.local]
    for identity in local[1:]:
        problems.error(
            _at(identity.place),
            f"identity {shown(identity.name)} says `local: yes`; so does {shown(local[0].name)} at {local[0].place}",
            "local submission is one identity",
        )
    if local and profile.local_submission is not Handling.JUDGE:
        problems.warning(
            _at(local[0].place),
            f"identity {shown(local[0].name)} is never met: local submission is not judged",
            "write `local_submission: judge` on the top level",
        )
    if not local and profile.local_submission is Handling.JUDGE:
        problems.warning(
            profile.places.get("local_submission", NOWHERE),
            "local submission is judged and no identity says `local: yes`: nobody can send by it",
        )


def _networks(identities: tuple[Identity, ...], problems: Problems) -> None:
    """Find networks of two identities that overlap. CIDR blocks overlap only by containment: sort, and keep a stack."""
    every = [(network, identity) for identity in identities for network in identity.networks]
    every.sort(key=lambda pair: (pair[0].version, int(pair[0].network_address), pair[0].prefixlen))
    around: list[tuple[Network, Identity]] = []
    for network, identity in every:
        while around and not _holds(around[-1][0], network):
            around.pop()
        # Within the stack each block holds the next, so one owner that differs is enough to name.
        other = next((pair for pair in reversed(around) if pair[1] is not identity), None)
        if other is not None:
            problems.error(
                _at(identity.place),
                f"network {network} of identity {shown(identity.name)} overlaps {other[0]} of {shown(other[1].name)}"
                f" at {other[1].place}",
                "a client must lead to one identity",
            )
        around.append((network, identity))


def _holds(outer: Network, inner: Network) -> bool:
    if outer.version != inner.version or outer.prefixlen > inner.prefixlen:
        return False
    return int(outer.network_address) == int(inner.network_address) & int(outer.netmask)


def _unreachable(profile: Profile, problems: Problems) -> None:
    """Find principals that no row of `logins` can produce; one problem a realm, with a count."""
    rows = [row for row in profile.logins if profile.listeners.get(row.listener) is Handling.JUDGE]
    fixed = {row.principal for row in rows if USER not in row.principal}
    templates = list({row.principal: row for row in rows if USER in row.principal}.values())
    lost: defaultdict[str, list[tuple[Principal, Place]]] = defaultdict(list)
    for identity in profile.identities:
        places = identity.principal_places or (_at(identity.place),) * len(identity.principals)
        for principal, place in zip(identity.principals, places, strict=True):
            if str(principal) not in fixed and not any(can_produce(row, principal) for row in templates):
                lost[principal.realm].append((principal, place))
    for realm, found in lost.items():
        more = f" (nor {len(found) - 1} more of this realm)" if len(found) > 1 else ""
        problems.warning(
            found[0][1],
            f"no row of `logins` can produce principal {shown(str(found[0][0]))}{more}",
            f'add a row with principal: "{{user}}@{realm[:100]}"',
        )


def _case_twins(identities: tuple[Identity, ...], problems: Problems) -> None:
    """Find principals of two identities that differ in case only: legal in Kerberos, and a slip nearly always."""
    seen: dict[str, tuple[Principal, Identity]] = {}
    for identity in identities:
        for index, principal in enumerate(identity.principals):
            twin, owner = seen.setdefault(str(principal).casefold(), (principal, identity))
            if twin != principal:
                place = identity.principal_places[index] if identity.principal_places else _at(identity.place)
                problems.warning(
                    place,
                    f"principal {shown(str(principal))} differs only in case from {shown(str(twin))}"
                    f" of identity {shown(owner.name)} at {owner.place}",
                    "Kerberos names are case-sensitive: these are two",
                )


def _unsigned_senders(profile: Profile, problems: Problems) -> None:
    """With the seal on, find senders of a domain that is not ours: their mail leaves unsigned. One problem a domain."""
    if not profile.seal:
        return
    found: dict[str, tuple[Place, int]] = {}
    for identity in profile.identities:
        places = identity.sender_places or (_at(identity.place),) * len(identity.senders)
        for pattern, place in zip(identity.senders, places, strict=True):
            if pattern.domain not in profile.domains:
                first, count = found.get(pattern.domain, (place, 0))
                found[pattern.domain] = (first, count + 1)
    for domain, (place, count) in found.items():
        more = f" ({count} senders)" if count > 1 else ""
        problems.warning(
            place,
            f"domain {domain} of this sender is not under `domains`: its mail leaves unsigned{more}",
            f"add {domain} under `domains:` with a key, or with `sign: no` to say that it is meant",
        )
