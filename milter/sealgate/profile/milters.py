"""Whether the mail that the profile judges reaches the gate: Postfix's settings held against `listeners:`.

Pure, like `profile.spelling`, from which it has the settings: somebody else has asked Postfix. Everything found is a
warning, because the profile itself is in order; what is not known is not judged. Sendmail is not looked at.
"""

import re
from collections.abc import Iterator
from typing import Final

from sealgate.profile.model import Handling, Problem, Profile
from sealgate.profile.nodes import near, shown
from sealgate.profile.settings import Socket
from sealgate.profile.spelling import SaslSettings, Setting, Smtpd

# A milter in braces may have an action of its own (postconf(5), smtpd_milters).
_OWN_ACTION: Final = re.compile(r"default_action\s*=\s*([a-z]{1,20})")


def judge_milters(settings: SaslSettings, profile: Profile, socket: Socket) -> tuple[Problem, ...]:
    """Name every setting by which mail goes past the gate, or is stopped by a name that the profile does not know.

    Args:
        settings: what Postfix said.
        profile: whose `listeners` are to be judged.
        socket: where the gate listens.

    Returns:
        Warnings, each once, at the file where the setting is.
    """
    found: dict[Problem, None] = {}
    for smtpd in settings.smtpds or ():
        handling = profile.listeners.get(smtpd.listener)
        if smtpd.milters is None or handling is Handling.PASS:
            continue
        if not smtpd.milters.value:
            if smtpd.takes_logins:
                found[_unasked(smtpd, smtpd.milters, socket)] = None
        elif smtpd.takes_logins or handling is not None or _is_ours(smtpd.milters.value, socket):
            found |= dict.fromkeys(_open_gate(smtpd.milters, smtpd.default_action))
            if handling is None:
                found[_unnamed(smtpd, smtpd.milters, profile)] = None
    found |= dict.fromkeys(_local(settings.non_smtpd_milters, profile, socket))
    return tuple(found)


def _is_ours(milters: str, socket: Socket) -> bool:
    """Whether a list of milters names our socket: relative to the queue folder or not, by whatever name of the host."""
    tail = socket.path.rpartition("/")[2] if socket.family == "unix" else str(socket.port)
    return any(word.endswith((f"/{tail}", f":{tail}")) for word in re.split(r"[\s,{}]+", milters))


def _warning(at: Setting, message: str, suggestion: str) -> Problem:
    return Problem(at.file, at.line, 1, message, suggestion, is_error=False)


def _open_gate(milters: Setting, action: Setting | None) -> Iterator[Problem]:
    says = "is an open gate: whatever stops the filter lets mail through unjudged and unsigned"
    if action is not None and action.value == "accept" and not _all_have_their_own(milters.value):
        yield _warning(action, f"milter_default_action = accept {says}", "milter_default_action = tempfail")
    if "accept" in _OWN_ACTION.findall(milters.value):
        yield _warning(milters, f"default_action=accept in smtpd_milters {says}", "default_action=tempfail")


def _all_have_their_own(milters: str) -> bool:
    bare = re.sub(r"\{[^{}]*default_action[^{}]*\}", "", milters)
    return not bare.strip(" ,\t")


def _unasked(smtpd: Smtpd, milters: Setting, socket: Socket) -> Problem:
    return _warning(
        milters,
        f"{smtpd.service} takes logins and its smtpd_milters is empty: its mail leaves unjudged",
        f"smtpd_milters = {socket.for_postfix} for this service in master.cf; or `{shown(smtpd.listener).strip('`')}: "
        "pass` under `listeners:` if that is meant",
    )


def _unnamed(smtpd: Smtpd, milters: Setting, profile: Profile) -> Problem:
    passes = profile.unnamed_listeners is Handling.PASS
    judged = next((name for name, handling in profile.listeners.items() if handling.is_judged), "submission")
    return _warning(
        milters,
        f"{smtpd.service} is called {shown(smtpd.listener)} (milter_macro_daemon_name), which is not under `listeners:`"
        f": its mail {'passes unjudged' if passes else 'is deferred (451)'}",
        near(smtpd.listener, profile.listeners)
        or f"-o milter_macro_daemon_name={shown(judged).strip('`')} for this service in master.cf, or list the name",
    )


def _local(milters: Setting | None, profile: Profile, socket: Socket) -> Iterator[Problem]:
    local = next((identity for identity in profile.identities if identity.local), None)
    if milters is None or milters.value or local is None or not profile.local_submission.is_judged:
        return
    yield _warning(
        milters,
        f"non_smtpd_milters is empty: mail by sendmail(1) leaves unjudged, and identity {shown(local.name)} at "
        f"{local.place} is never met",
        f"non_smtpd_milters = {socket.for_postfix}",
    )
