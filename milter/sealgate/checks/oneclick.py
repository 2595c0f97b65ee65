"""One-click unsubscription as one property: List-Unsubscribe and List-Unsubscribe-Post together (RFC 2369, RFC 8058).

`read` says of a message whether the pair is there and sound, `check` turns that into findings for an identity that is
declared commercial. Both fields must stand once; the first must hold bracketed URIs only, exactly one of them web, and
that one https; the second is the one pair of words that the standard gives. Both must be covered by our signature, and
the host be one that the profile names. Nothing is fetched: whether the address answers a POST, without a redirect and
for how long, is not known here. Time is linear in the two fields.
"""

import enum
import re
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import Final
from urllib.parse import urlsplit

from sealgate.checks.facts import Facts
from sealgate.checks.finding import Finding
from sealgate.checks.hosts import dead, is_approved
from sealgate.checks.rules import RULES
from sealgate.mail.bracketed import bracketed
from sealgate.mail.headers import unfolded
from sealgate.mail.message import Message
from sealgate.mail.reply import printable
from sealgate.profile.model import Identity, MailClass, OneClick, Profile

LIST: Final = "List-Unsubscribe"
POST: Final = "List-Unsubscribe-Post"
ONE_CLICK: Final = b"List-Unsubscribe=One-Click"  # RFC 8058 3.1

_URI: Final = re.compile(r"[A-Za-z0-9._~:/?#@!$&'()*+,;=%\[\]-]+")  # RFC 3986 2
_HOST: Final = re.compile(r"[a-z0-9._-]{1,253}|\[?[0-9a-f:.]{2,45}\]?")
_TELLING: Final = re.compile(r"[0-9@]|[^/?&=.;,_-]{16}")  # a number, an address, or a run too long for a word
_AUTHORITY: Final = re.compile(r"[A-Za-z]+://[^/?#]*")  # RFC 3986 3.2: these three end it
_LONG: Final = 300  # characters; what is longer is not remembered
_DIGIT: Final = re.compile(r"[0-9]")


class State(enum.StrEnum):
    """What the two fields come to."""

    ABSENT = "absent"
    MALFORMED = "malformed"
    SOUND = "sound"


@dataclass(frozen=True, slots=True)
class Pair:
    """The one-click pair of one message.

    Attributes:
        state: SOUND where mailbox providers can take it for one.
        why: what is missing or wrong, or what is remarkable about a sound one.
        where: the field that is at fault, or the first one.
        host: the host of the https URI, lower case; empty where there is none.
    """

    state: State
    why: str = ""
    where: str = LIST
    host: str = ""


_RULES: Final = MappingProxyType(
    {
        (OneClick.REQUIRED, State.ABSENT): "oneclick.required",
        (OneClick.REQUIRED, State.MALFORMED): "oneclick.required",
        (OneClick.RECOMMENDED, State.ABSENT): "oneclick.missing",
        (OneClick.RECOMMENDED, State.MALFORMED): "oneclick.malformed",
        (OneClick.OFF, State.MALFORMED): "oneclick.malformed",
    }
)


def check(message: Message, facts: Facts, identity: Identity | None, profile: Profile) -> tuple[Finding, ...]:
    """Judge the pair as `identity.one_click` demands it; nothing for an identity that is not declared commercial."""
    if identity is None or identity.mail_class is not MailClass.COMMERCIAL:
        return ()
    pair = read(message)
    if pair.state is not State.SOUND:
        code = _RULES.get((identity.one_click, pair.state), "")
        return (_found(code, f"{pair.state}: {pair.why}", pair.where),) if code else ()
    if identity.one_click is OneClick.OFF:
        return ()
    found = []
    if why := _unsealed(facts, profile):
        found.append(_found("oneclick.unsealed", why, LIST))
    if not is_approved(pair.host, identity, profile):
        found.append(_found("oneclick.host", f"host {pair.host}", LIST))
    return tuple(found)


def as_record(pair: Pair) -> dict[str, str | int]:
    """The pair for the audit line, in the form of an element; of the URI its host only, since the rest is a token."""
    target = f"https://{pair.host}/..." if pair.host else ""
    return {
        "name": "one-click",
        "state": str(pair.state),
        "where": "header",
        "offset": -1,
        "excerpt": "",
        "digest": "",
        "target": printable(target, 200),
        "how": "",
        "why": printable(pair.why, 200),
    }


def read(message: Message) -> Pair:
    """Read the two fields of a message."""
    lists = [field.value for field in message.headers.every(b"list-unsubscribe")]
    posts = [field.value for field in message.headers.every(b"list-unsubscribe-post")]
    return _read(tuple(lists), tuple(posts))


@lru_cache(maxsize=4)  # a message is asked for its pair twice: by the rules, and by the record
def _read(lists: tuple[bytes, ...], posts: tuple[bytes, ...]) -> Pair:
    if not lists:
        if posts:
            return Pair(State.MALFORMED, f"{POST} stands without {LIST}", POST)
        return Pair(State.ABSENT, f"neither {LIST} nor {POST} is there")
    if len(lists) > 1:
        return Pair(State.MALFORMED, f"{len(lists)} fields {LIST}; one may be there (RFC 2369 3)")
    listed = bracketed(lists[0])
    if listed.fault:
        return Pair(State.MALFORMED, f"{LIST}: {listed.fault}")
    targets = tuple(map(_target, listed.uris))
    if fault := next((target.fault for target in targets if target.fault), ""):
        return Pair(State.MALFORMED, f"{LIST}: {fault}")
    web = [target for target in targets if target.scheme != "mailto"]
    host = web[0].host if len(web) == 1 and web[0].scheme == "https" else ""
    if not posts:
        return Pair(State.ABSENT, f"{LIST} stands without {POST}", POST, host)
    if fault := _post_fault([unfolded(value) for value in posts]):
        return Pair(State.MALFORMED, fault, POST, host)
    if not host:
        return Pair(State.MALFORMED, f"{LIST}: {_web_fault(web)}")
    return Pair(State.SOUND, web[0].note, LIST, host)


@dataclass(frozen=True, slots=True)
class _Target:
    """One URI: its scheme and host, or what is wrong with it."""

    fault: str = ""
    scheme: str = ""
    host: str = ""
    note: str = ""


def _target(uri: str) -> _Target:
    if why := dead(uri):
        return _Target(why)
    scheme = uri.partition(":")[0].lower()
    if scheme not in ("https", "http", "mailto"):
        return _Target("no URI with http, https or mailto stands in the brackets")
    if not _URI.fullmatch(uri):
        return _Target("a URI holds a character that none may hold (RFC 3986 2)")
    if scheme == "mailto":
        return _Target(scheme=scheme)
    found = _AUTHORITY.match(uri)
    # What tells a recipient stands behind the host, so that the part before is the same from message to message.
    site = found[0] if found else uri
    site_target = (_kept_site if len(site) <= _LONG else _site)(site)
    if site_target.fault:
        return site_target
    rest = uri[len(site) :].partition("#")[0]  # path and query (RFC 3986 3)
    if site_target.note and not _TELLING.search(rest):
        return site_target
    return _Target("", scheme, site_target.host)


def _site(uri: str) -> _Target:
    """Judge a URI up to its host; the note where nothing in the host tells recipients apart."""
    try:
        parts = urlsplit(uri)
        host, _ = (parts.hostname or "").rstrip("."), parts.port
    except ValueError:
        return _Target("a URI cannot be read")
    if "@" in parts.netloc:
        return _Target("a URI holds a user name before its host")
    if not _HOST.fullmatch(host):
        return _Target("the host of a URI is not a plain name")
    is_telling = bool(_DIGIT.search(parts.netloc.partition(".")[0]))
    return _Target("", parts.scheme, host, "" if is_telling else _NAMES_NOBODY)


_kept_site = lru_cache(maxsize=512)(_site)
_NAMES_NOBODY: Final = "nothing in the URI seems to tell one recipient from another, as RFC 8058 3.1 demands"


def _post_fault(values: list[bytes]) -> str:
    if len(values) > 1:
        return f"{len(values)} fields {POST}; one may be there (RFC 8058 3.1)"
    if values[0] == ONE_CLICK:
        return ""
    if values[0].lower() == ONE_CLICK.lower():
        return f"{POST} writes List-Unsubscribe=One-Click with other capitals than RFC 8058 3.1"
    return f"{POST} is not List-Unsubscribe=One-Click"


def _web_fault(web: list[_Target]) -> str:
    if not web:
        return "mailto only; one-click needs one https URI"
    if len(web) == 1:
        return "http only; one-click needs one https URI"
    return f"{len(web)} web addresses; one-click needs exactly one, and that https"


def _unsealed(facts: Facts, profile: Profile) -> str:
    """Say why our signature will not cover both fields (RFC 8058 4); empty where it does."""
    if not profile.seal:
        return "nothing is signed: the seal is off in the profile"
    if not facts.sealed:
        return "no signature is planned: the author's domain says `sign: no`, is not ours, or has no key"
    lacking = [name for name in (LIST, POST) if name.lower() not in facts.sealed]
    return f"the signature will not cover {' and '.join(lacking)}" if lacking else ""


def _found(code: str, detail: str, where: str) -> Finding:
    return Finding(RULES[code], printable(detail, 400), where)
