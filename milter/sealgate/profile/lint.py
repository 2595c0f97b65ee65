"""What no single line of the profile shows: contradictions across fields, and settings that are rarely meant.

Pure: a profile in, problems out, each at the line of what should change. Files (keys that are missing or readable by
others) are judged elsewhere. `check_profile` parses and lints in one go, so that one run names everything.
"""

from collections.abc import Set as AbstractSet
from typing import Final

from sealgate.profile.lint_identities import lint_identities
from sealgate.profile.lint_lawful import lint_lawful
from sealgate.profile.lint_logins import lint_logins
from sealgate.profile.lint_rights import lint_rights
from sealgate.profile.model import Handling, Place, Problem, Profile, RuleSetting
from sealgate.profile.nodes import Problems, place_of, shown
from sealgate.profile.parse import LOCAL_SUBMISSION, draft_profile

NOWHERE: Final = Place(0, 0)
_PROTECTED_NAME: Final = "identity.protected-name"
# What a site may choose to look at only: foreign authors of forwarders, and what goes by the looks of a name.
_MAY_BE_LOOSE: Final = frozenset({"identity.foreign-author", "identity.display-foreign", _PROTECTED_NAME})


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
    _local_submission(profile, problems)
    lint_logins(profile, problems)
    _domains(profile, problems)
    _rules(profile, problems)
    lint_identities(profile, problems)
    lint_lawful(profile, problems)
    lint_rights(profile, problems)
    return problems.listed()


def _listeners(profile: Profile, problems: Problems) -> None:
    judged = [name for name, handling in profile.listeners.items() if handling.is_judged]
    with_rows = {login.listener for login in profile.logins}
    has_others = any(identity.networks or identity.certificates for identity in profile.identities)
    for name in judged:
        if name not in with_rows and not has_others:
            problems.warning(
                profile.places.get(f"listeners.{name}", NOWHERE),
                f"listener {shown(name)} is judged and no row of `logins` is for it: nobody can send through it",
                f"add a row under `logins:` with `listener: {name}`",
            )
    if not judged and not profile.local_submission.is_judged:
        problems.warning(
            profile.places.get("listeners", NOWHERE),
            "nothing is judged: no listener and no local submission",
            "write `judge` at the listener that takes submissions",
        )
    if profile.unnamed_listeners is Handling.PASS:  # `judge` lets nobody around the gate
        problems.warning(
            profile.places.get("unnamed_listeners", NOWHERE),
            "mail from a listener that is not named passes unjudged: a new or renamed service is a way around",
            "name the listeners that may pass, and keep `unnamed_listeners: tempfail`",
        )


def _local_submission(profile: Profile, problems: Problems) -> None:
    local = [identity for identity in profile.identities if identity.local]
    for identity in local[1:]:
        problems.error(
            place_of(identity.place),
            f"identity {shown(identity.name)} says `local: yes`; so does {shown(local[0].name)} at {local[0].place}",
            "local submission is one identity",
        )
    if local and not profile.local_submission.is_judged:
        problems.warning(
            place_of(local[0].place),
            f"identity {shown(local[0].name)} is never met: local submission is not judged",
            "write `local_submission: judge` on the top level",
        )
    if not local and profile.local_submission.is_judged:
        problems.warning(
            profile.places.get("local_submission", NOWHERE),
            "local submission is judged and no identity says `local: yes`: nobody can send by it",
            "add an identity with `local: yes`, or write `local_submission: pass`",
        )


def _domains(profile: Profile, problems: Problems) -> None:
    lenders = {name for row in profile.signatures for name, _ in row.keys}
    for domain in profile.domains.values():
        if profile.seal and domain.sign and not domain.keys:
            problems.warning(
                place_of(domain.place),
                f"domain {domain.name} says `sign: yes` and has no key: with `seal: on` its mail is deferred (451)",
                "add a key under `keys:`, or write `sign: no`",
            )
        if domain.keys and not domain.sign and domain.name not in lenders:
            problems.warning(
                place_of(domain.place),
                f"domain {domain.name} has keys and says `sign: no`: they are not used",
                "name them in a row of `signatures:`, or take them out",
            )
        if domain.ttl and not domain.timestamp:
            problems.warning(
                place_of(domain.place),
                f"signatures of {domain.name} expire and do not say when they were made",
                "write `timestamp: yes`, so that a reader can see both ends (RFC 6376 3.5)",
            )


def _rules(profile: Profile, problems: Problems) -> None:
    for code, setting in profile.rules.items():
        _loosened(profile, code, setting, problems)
        for listener in setting.listeners:
            handling = profile.listeners.get(listener, profile.local_submission)
            if not handling.is_judged:
                problems.warning(
                    place_of(setting.place),
                    f"rule {shown(code)} says a mode for {shown(listener)}, whose mail is not judged",
                    "take it out there, or write `judge` where the listener is named",
                )

    looked_for = profile.rules.get(_PROTECTED_NAME, RuleSetting())
    if profile.protected and looked_for.mode == "off" and not looked_for.listeners:
        problems.warning(
            place_of(looked_for.place),
            f"rule {_PROTECTED_NAME} is off: the names under `protected:` are not looked for",
            "write `mode: report` or `mode: enforce`",
        )


def _loosened(profile: Profile, code: str, setting: RuleSetting, problems: Problems) -> None:
    """Find sender rules that the profile does not enforce: with the seal on, what they find leaves signed."""
    if not code.startswith("identity.") or code in _MAY_BE_LOOSE:
        return
    leaves = "mail it finds leaves, and with `seal: on` it leaves signed"
    loose = {name: mode for name, mode in setting.listeners.items() if mode in ("off", "report")}
    judged = [name for name, handling in profile.listeners.items() if handling.is_judged]
    judged += [LOCAL_SUBMISSION] if profile.local_submission.is_judged else []
    if setting.mode in ("off", "report") and not all(setting.listeners.get(name) == "enforce" for name in judged):
        problems.warning(
            place_of(setting.place),
            f"rule {code} is set to `{setting.mode}`: {leaves}",
            "set `mode: report` of the whole profile for a trial, and enforce this rule",
        )
    elif loose:
        named = ", ".join(f"`{mode}` on {shown(name)}" for name, mode in loose.items())
        problems.warning(
            place_of(setting.place),
            f"rule {code} is set to {named}: {leaves}",
            "write `report` at the listener itself for a trial, and enforce this rule",
        )
