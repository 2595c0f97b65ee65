"""Lint of what commercial mail is held to: a one-click pair that no signature can cover, rules that undo a field.

Pure: a profile in, problems out. Part of `profile.lint`.
"""

from typing import Final

from sealgate.profile.model import Identity, MailClass, OneClick, Profile, RuleSetting
from sealgate.profile.nodes import Problems, place_of, shown

_REQUIRED: Final = "oneclick.required"
_LABEL: Final = "canspam.sexually-explicit"


def lint_lawful(profile: Profile, problems: Problems) -> None:
    """Judge every commercial identity."""
    for identity in profile.identities:
        if identity.mail_class is MailClass.COMMERCIAL:
            _one_click(profile, identity, problems)
            _sexually_explicit(profile, identity, problems)


def _one_click(profile: Profile, identity: Identity, problems: Problems) -> None:
    """Find a required pair that nobody signs (RFC 8058 4), or that nobody looks for."""
    if identity.one_click is not OneClick.REQUIRED:
        return
    here, name = place_of(identity.place), shown(identity.name)
    what = f"identity {name} must carry a one-click pair, and no signature of this relay can cover it (RFC 8058 4)"
    if not profile.seal:
        hint = "write `seal: on`, or `one_click: recommended` where another program signs behind this one"
        problems.warning(here, f"{what}: the seal is off", hint)
    else:
        for domain in dict.fromkeys(pattern.domain for pattern in identity.senders):
            ours = profile.domains.get(domain)
            if ours is not None and not ours.sign:
                hint = "write `sign: yes` and add a key there, or let it send from a domain that is signed"
                problems.warning(here, f"{what}: domain {domain} says `sign: no`", hint)
    _undone(profile, _REQUIRED, identity, "one_click: required", problems)


def _sexually_explicit(profile: Profile, identity: Identity, problems: Problems) -> None:
    if not identity.is_sexually_explicit:
        return
    if identity.consent:
        problems.warning(
            place_of(identity.place),
            f"identity {shown(identity.name)} says `sexually_explicit: yes` and `consent: yes`: mail to recipients who"
            " asked for it needs no such subject (15 USC 7704(d)(2))",
            "keep the one that holds for all of its recipients; two identities can send to two lists",
        )
    _undone(profile, _LABEL, identity, "sexually_explicit: yes", problems)


def _undone(profile: Profile, code: str, identity: Identity, field: str, problems: Problems) -> None:
    """Find a rule that is off everywhere while an identity asks for what it looks at."""
    setting = profile.rules.get(code, RuleSetting())
    if setting.mode == "off" and not setting.listeners:
        problems.warning(
            place_of(setting.place),
            f"rule {code} is off: what identity {shown(identity.name)} says by `{field}` is not looked at",
            "write `mode: report` or `mode: enforce`",
        )
