"""Who sends a message that nobody has sent yet.

On the mail host the login says who sends. Here the user may name a principal or an identity, or neither: then the From
address says it, as long as it belongs to one identity only.

What can fail: nothing, or more than one, fits (`ScreeningError`, with the names there are).
"""

from difflib import get_close_matches
from itertools import islice

from sealgate.checks.caller import Caller, of_principal
from sealgate.mail.address import Address
from sealgate.mail.reply import printable
from sealgate.profile.model import USER, Identity, MailClass, Principal, Profile
from sealgate.profile.principal import parse_principal
from sealgate.profile.rights import grant_for, grants
from sealgate.screening.preparing import ScreeningError

_NAMED = 8  # how many identities a message lists


def cast(profile: Profile, principal: str, identity: str, author: Address | None) -> Caller:
    """Say who sends.

    Args:
        profile: where identities are.
        principal: `user[/instance]@REALM`, or empty.
        identity: the name of an identity, or empty.
        author: the address in From; `None` where there is none that can be read.

    Raises:
        ScreeningError: nobody is named and From does not tell, or who is named does not exist.
    """
    if principal:
        try:
            return of_principal(parse_principal(principal), profile)
        except ValueError as error:
            raise ScreeningError(f"principal {principal}: {error}") from error
    if identity:
        return _sending(_named(profile, identity), profile, author)
    if author is None:
        commercial = [one for one in profile.identities if one.mail_class is MailClass.COMMERCIAL]
        if len(commercial) == 1:  # a template of the only sender of such mail
            return _sending(commercial[0], profile, None)
        raise ScreeningError(f"From does not say who sends: name an identity ({_names(profile.identities)})")
    fits = [one for one in (_sending(i, profile, author) for i in profile.identities) if _may(one, profile, author)]
    narrow = [one for one in fits if one.identity and all(pattern.domain != "*" for pattern in one.identity.senders)]
    fits = narrow or fits
    if len(fits) == 1:
        return fits[0]
    if fits:
        several = _names(tuple(one.identity for one in fits if one.identity))
        raise ScreeningError(f"several identities may send as {printable(str(author))}: name one of {several}")
    known = _names(profile.identities)
    raise ScreeningError(f"no identity may send as {printable(str(author))}: name the one that sends ({known})")


def address_of(caller: Caller, profile: Profile) -> str:
    """An address that this sender may use in From; empty where the profile gives none in so many words."""
    if caller.identity is None:
        return ""
    for grant in islice(grants(profile, caller.identity, caller.principal), 20):
        local, _, domain = grant.pattern.rpartition("@")
        if domain and domain != "*":
            return f"{local or caller.identity.name}@{domain}"
    return ""


def _named(profile: Profile, name: str) -> Identity:
    found = next((one for one in profile.identities if one.name == name), None)
    if found is not None:
        return found
    near = get_close_matches(name, [one.name for one in profile.identities], 1)
    hint = f"do you mean {near[0]}?" if near else f"there are {_names(profile.identities)}"
    raise ScreeningError(f"identity {printable(name)} is not in the profile; {hint}")


def _sending(identity: Identity, profile: Profile, author: Address | None) -> Caller:
    """One of its principals, the first that may use this author; without any, the identity as such."""
    who = [*identity.principals]
    if author is not None and any(pattern.local == USER for pattern in identity.senders):
        who += (Principal(author.local, realm) for realm in identity.realms)
    callers = [Caller(principal, identity, "login") for principal in who] or [Caller(None, identity, "name")]
    fits = (one for one in callers if author is not None and _may(one, profile, author))
    return next(fits, callers[0])


def _may(caller: Caller, profile: Profile, author: Address) -> bool:
    if caller.identity is None:
        return False
    return grant_for(profile, caller.identity, caller.principal, author) is not None


def _names(identities: tuple[Identity, ...]) -> str:
    more = ", ..." if len(identities) > _NAMED else ""
    return ", ".join(printable(one.name) for one in identities[:_NAMED]) + more
