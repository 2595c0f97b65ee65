"""Where a link leads, judged without following it: whether it can lead anywhere, and whether the profile names it.

`dead` names what is provably wrong with a target: nothing in it, a template tag, a host of nobody's. `is_approved`
compares a host with what the profile lists. Nothing is looked up or fetched: a GET alone may unsubscribe somebody (RFC
8058 1).
"""

import re
from collections.abc import Iterable
from functools import lru_cache
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

from sealgate.profile.model import Identity, Profile

# What mail-merge programs leave behind when a template was not filled in.
PLACEHOLDER = re.compile(
    r"\{\{\{?\s?[A-Za-z_#$.]|\{% ?(?![0-9A-F]{2})[a-z]|\*\||\|\*|%%|[$%#@!]\{|<%|%>|<tr:|\[\[|<<|"
    r"\{(?![0-9A-Fa-f-]{8,38}\})[A-Za-z_$][\w .|-]{0,60}\}|"
    r"(?<![\w\]])\[(?:unsub|opt|link|url|remove)[\w -]{0,40}\]|(?<![\w\]])(?-i:\[[A-Z]{3}[A-Z_ ]{0,40}\])|"
    r"(?<![%\w])%(?![0-9A-F]{2})[A-Z_][\w.-]{2,60}%|"
    r"^(?:https?://)?(?:[<{%*]|\[(?![0-9A-F:]{2,40}\]))|"
    r"^(?:https?://)?unsubscribe[_-](?:link|url)$",
    re.IGNORECASE,
)
# Every alternative above needs one of these characters, or a whole target that is a name of a slot.
_OF_PLACEHOLDERS: Final = frozenset("{*%<[")
_SLOTS: Final = ("unsubscribe_link", "unsubscribe-link", "unsubscribe_url", "unsubscribe-url")
_ENCODED = re.compile(r"%7[bcd]", re.IGNORECASE)  # braces and the bar
_AUTHORITY = re.compile(r"https?://[^/?#]*+", re.IGNORECASE)  # RFC 3986 3.2: these three end it
_BEHIND_TAG = re.compile(r"(?<!^)[&?]|(?<=[\w}\]%>])/")  # what follows may tell the recipient
_ENDS = re.compile(r"[?/&]")
_LONG: Final = 300  # characters; what is longer is not kept
_PRIVATE = re.compile(r"(?:^|\.)(?:localhost|local|localdomain|internal|intranet|lan|invalid|home\.arpa)$")


def dead(href: str) -> str:
    """Say why a link cannot work for a reader elsewhere, or return an empty string. Nothing is fetched."""
    target = href.strip()
    if not target or target.startswith("#"):
        return "empty link"
    if "%7" in target:
        target = _ENCODED.sub(lambda found: chr(int(found[0][1:], 16)), target)
    may_hold = not _OF_PLACEHOLDERS.isdisjoint(target) or target[-16:].lower().endswith(_SLOTS) or not target.isascii()
    if may_hold and (tag := PLACEHOLDER.search(target)):
        return f"unfilled placeholder {_BEHIND_TAG.split(target[tag.start() : tag.start() + 24])[0]}"
    scheme, colon, rest = target.partition(":")
    match scheme.lower() if colon else "":
        case "mailto":
            name, at, host = rest.partition("?")[0].rpartition("@")
            return _dead_host(f"http://{host}") if name and at and "." in host else "mailto without an address"
        case "http" | "https":
            return _dead_host(target)
        case _ if target[:4].lower() == "www." or target.startswith("//"):
            return _dead_host(f"http://{target.lstrip('/')}")
        case _:
            return "no http, https or mailto link"


def _dead_host(url: str) -> str:
    host = _host(url)
    if not host:
        return "link without a host"
    if host.replace(".", "").isdecimal() or ":" in host:
        try:
            return "" if ip_address(host).is_global else "private host"
        except ValueError:
            return "link without a host"
    return "private host" if "." not in host or _PRIVATE.search(host) else ""


def host_of(href: str) -> str:
    """The host of an http, https or mailto target in lower case, empty where there is none."""
    target = href.strip()
    if target[:7].lower() == "mailto:":
        return target[7:].partition("?")[0].rpartition("@")[2].rstrip(".").lower()
    return _host(f"http://{target}" if target[:4].lower() == "www." else target)


def _host(url: str) -> str:
    """The host of a URL in lower case, empty where it has none or cannot be read.

    What tells a recipient stands behind the host, so that the part before is the same from link to link.
    """
    found = _AUTHORITY.match(url)
    return _read_host(url) if found is None or len(found[0]) > _LONG else _kept_host(found[0])


def _read_host(url: str) -> str:
    try:
        return (urlsplit(url).hostname or "").rstrip(".")
    except ValueError:
        return ""


_kept_host = lru_cache(maxsize=1024)(_read_host)


def is_named(host: str, listed: Iterable[str]) -> bool:
    """Whether `host` is one of `listed`; an entry with a leading dot stands for every host below it, and for itself."""
    return any(host == one or (one[:1] == "." and (host.endswith(one) or host == one[1:])) for one in listed)


def redacted(href: str) -> str:
    """Scheme and host of a target; what tells the recipient (path, query, local part) is left out."""
    target = href.strip()
    scheme, colon, rest = target.partition(":")
    if colon and scheme.lower() == "mailto":
        _, at, host = rest.partition("?")[0].rpartition("@")
        return f"mailto:...@{host}"[:200] if at else "mailto:..."
    if colon and scheme.lower() in ("http", "https"):
        host, slash, path = rest.lstrip("/").partition("/")
        host, asked, _ = host.rpartition("@")[2].partition("?")
        return f"{scheme}://{host}{'/...' if path or asked else slash}"[:200]
    return f"{scheme[:20]}:..." if colon and scheme.isalnum() else _ENDS.split(target)[0][:60]


def is_approved(host: str, identity: Identity, profile: Profile) -> bool:
    """Whether mail of `identity` may point to `host`: our domains and all below them, and the hosts the profile lists.

    Where the profile names neither domains nor hosts, nothing can be said, and every host is.
    """
    listed = (*identity.opt_out_hosts, *profile.tracking_hosts)
    if not listed and not profile.domains:
        return True
    ours = profile.domains
    return host in ours or any(host.endswith(f".{name}") for name in ours) or is_named(host, listed)
