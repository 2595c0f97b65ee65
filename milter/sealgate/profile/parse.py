"""The profile's YAML form, version 1, made into a `Profile`.

Takes text, gives a value and every problem at once, each with its line and column; it never raises and opens no file.
What no single field shows (a realm that two rows would merge, a domain without a key) is judged by `profile.lint`.
"""

from collections.abc import Collection
from collections.abc import Set as AbstractSet
from types import MappingProxyType
from typing import Final

from sealgate.profile.fields import Fields, read_fields
from sealgate.profile.form import CHOICES, KNOWN_KEYS, VERSION
from sealgate.profile.model import Handling, Login, Mta, Place, Problem, Profile, ReplyTo, RuleSetting
from sealgate.profile.nodes import Node, Problems, Table, near, read_tree, shown
from sealgate.profile.parse_binding import read_authserv_ids, read_delegations, read_delimiter, read_protected
from sealgate.profile.parse_identities import read_identities, read_mechanisms
from sealgate.profile.parse_lawful import read_hosts
from sealgate.profile.parse_realms import Realms, read_realms, realm_of, realms_of
from sealgate.profile.parse_record import read_record
from sealgate.profile.parse_seal import read_domains, read_signatures
from sealgate.profile.parse_senders import SenderReader
from sealgate.profile.principal import template_fault

MAX_LOGINS: Final = 1_000  # rows; each login is tried against the rows of its listener

LOCAL_SUBMISSION: Final = "local_submission"  # what `rules.*.listeners` calls mail by sendmail(1)


def parse_profile(
    text: str, file: str, *, known_rules: AbstractSet[str] = frozenset()
) -> tuple[Profile | None, tuple[Problem, ...]]:
    """Read a profile.

    Args:
        text: the YAML text.
        file: its name, for the messages.
        known_rules: codes that `rules:` may name; empty: any.

    Returns:
        The profile, or None where there is an error, and all problems in the order of the file.
    """
    draft, problems = draft_profile(text, file, known_rules=known_rules)
    return (None if any(p.is_error for p in problems) else draft), problems


def draft_profile(
    text: str, file: str, *, known_rules: AbstractSet[str] = frozenset()
) -> tuple[Profile, tuple[Problem, ...]]:
    """Read a profile as far as it can be read, for lint: parts with an error in them are left out.

    Never serve from a draft: use `parse_profile`.
    """
    problems = Problems(file)
    root = read_tree(text, problems)
    if root is None:
        if not problems.errors:
            problems.error(Place(1, 1), "the file is empty", f"a profile begins with `version: {VERSION}`")
        return Profile(), problems.listed()
    top = read_fields(root, KNOWN_KEYS[""], "the profile", problems)
    if not isinstance(root, Table):
        return Profile(), problems.listed()
    if "version" not in top:
        problems.error(top.place, "the profile does not say its version", f"write `version: {VERSION}` on top")
    elif top.text("version") != str(VERSION):
        problems.error(top.at("version"), f"this sealgate reads version {VERSION} only")
    return _profile(top, known_rules), problems.listed()


def _profile(top: Fields, known_rules: AbstractSet[str]) -> Profile:
    listeners, places = _listeners(top)
    realms = read_realms(top)
    logins = _logins(top, realms)
    senders = SenderReader(top.problems)
    read = read_identities(top, realms, senders)
    delegations, delegated = read_delegations(top, realms, senders, read)
    domains = read_domains(top)
    return Profile(
        enforce=top.choice("mode", CHOICES["mode"], "report") == "enforce",
        seal=top.yes_no("seal", default=False, words=("on", "off")),
        listeners=listeners,
        local_submission=Handling(top.choice("local_submission", CHOICES["local_submission"], "pass")),
        unnamed_listeners=Handling(top.choice("unnamed_listeners", CHOICES["unnamed_listeners"], "tempfail")),
        logins=logins,
        domains=domains,
        signatures=read_signatures(top, domains, read.identities),
        identities=read.identities,
        rules=_rules(top, known_rules, listeners),
        exact_local_parts=top.choice("local_parts", CHOICES["local_parts"], "fold") == "exact",
        recipient_delimiter=read_delimiter(top),
        realms=realms_of(realms, logins),
        delegations=delegations,
        several_authors=top.yes_no("several_authors", default=False),
        reply_to=ReplyTo(top.choice("reply_to", CHOICES["reply_to"], ReplyTo.OFF)),
        protected=read_protected(top, senders),
        record=read_record(top),
        mta=Mta(top.choice("mta", CHOICES["mta"], Mta.AUTO)),
        law=top.choice("law", CHOICES["law"], "us"),
        tracking_hosts=read_hosts(top, "tracking_hosts"),
        authserv_ids=read_authserv_ids(top),
        by_principal=read.by_principal,
        by_realm=read.by_realm,
        delegated=delegated,
        places=MappingProxyType({**top.key_places, **places, **realms.places}),
    )


def _listeners(top: Fields) -> tuple[MappingProxyType[str, Handling], dict[str, Place]]:
    found: dict[str, Handling] = {}
    places: dict[str, Place] = {}
    view = top.words("listeners", "listeners")
    for name in view.nodes:
        if name == LOCAL_SUBMISSION:
            hint = f"write `{LOCAL_SUBMISSION}: judge` on the top level"
            top.problems.error(view.at(name), f"{shown(name)} is no listener: it is mail by sendmail(1)", hint)
            continue
        found[name] = Handling(view.choice(name, CHOICES["listeners.*"], "judge"))
        places[f"listeners.{name}"] = view.at(name)
    return MappingProxyType(found), places


def _logins(top: Fields, realms: Realms) -> tuple[Login, ...]:
    rows = top.items("logins")
    if len(rows) > MAX_LOGINS:
        top.problems.error(rows[MAX_LOGINS].place, f"more than {MAX_LOGINS} rows of logins", "use {user} in a row")
    found = (_login(row, realms) for row in rows[:MAX_LOGINS])
    return tuple(login for login in found if login is not None)


def _login(node: Node, realms: Realms) -> Login | None:
    problems = realms.problems
    before = problems.errors
    row = read_fields(node, KNOWN_KEYS["logins[]"], "a row of `logins`", problems)
    if not row.nodes:
        if problems.errors == before:
            problems.error(node.place, "an empty row of `logins`")
        return None
    mechanisms = read_mechanisms(row, "mechanism")
    if not mechanisms and problems.errors == before:
        problems.error(row.at("mechanism"), "a row of `logins` needs `mechanism`", "such as GSSAPI")
    login = Login(
        listener=row.need_text("listener"),
        mechanisms=mechanisms,
        spelled=row.need_text("spelled"),
        principal=row.need_text("principal"),
        encoding=row.choice("encoding", CHOICES["logins[].encoding"], "plain"),
        place=problems.line(node.place),
    )
    if login.spelled and login.principal and (fault := template_fault(login.spelled, login.principal)):
        place = row.at("spelled" if "`spelled`" in fault and "`principal`" not in fault else "principal")
        problems.error(place, fault)
    elif realm := realm_of(login.principal):
        realms.admits(realm, row.at("principal"))
    return login if problems.errors == before else None


def _rules(top: Fields, known: AbstractSet[str], listeners: Collection[str]) -> MappingProxyType[str, RuleSetting]:
    found: dict[str, RuleSetting] = {}
    for key, value in top.table("rules"):
        if known and key.text not in known:
            hint = near(key.text, sorted(known)) or f"the rules are {', '.join(sorted(known))}"
            top.problems.error(key.place, f"there is no rule {shown(key.text)} that a profile can set", hint)
        fields = read_fields(value, KNOWN_KEYS["rules.*"], f"rule {shown(key.text)}", top.problems)
        mode = fields.choice("mode", CHOICES["rules.*.mode"], "")
        action = fields.choice("action", CHOICES["rules.*.action"], "")
        modes = _modes(fields, listeners)
        found[key.text] = RuleSetting(mode, action, modes, top.problems.line(key.place))
    return MappingProxyType(found)


def _modes(fields: Fields, listeners: Collection[str]) -> MappingProxyType[str, str]:
    """Read the modes of a rule by listener; `local_submission` is one of them."""
    view = fields.words("listeners", "listeners")
    found: dict[str, str] = {}
    for name in view.nodes:
        if name != LOCAL_SUBMISSION and name not in listeners:
            hint = (
                near(name, (*listeners, LOCAL_SUBMISSION)) or f"known here: {', '.join((*listeners, LOCAL_SUBMISSION))}"
            )
            fields.problems.error(view.at(name), f"there is no listener {shown(name)} under `listeners:`", hint)
            continue
        found[name] = view.choice(name, CHOICES["rules.*.listeners.*"], "")
    return MappingProxyType(found)
