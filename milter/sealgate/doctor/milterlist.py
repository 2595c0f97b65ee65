"""A list of milters as Postfix writes it, taken apart, and which of them is ours.

`smtpd_milters` separates by blanks and commas; a milter in braces has settings of its own (postconf(5), smtpd_milters:
`{ inet:host:port, default_action=accept }`). Sockets are compared as the daemons would open them: a relative path, and
any path in a chroot, begins at the queue folder. Linear in the text; nothing raises.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from sealgate.doctor.host import Postfix, Service
from sealgate.profile.settings import Socket, parse_socket

_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})
_SEPARATORS: Final = re.compile(r"[\s,]+")


@dataclass(frozen=True, slots=True)
class Milter:
    """One of the list: its socket as written, and its own settings by name."""

    socket: str
    own: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    def __str__(self) -> str:
        if not self.own:
            return self.socket
        return "{ " + ", ".join((self.socket, *(f"{name}={value}" for name, value in self.own.items()))) + " }"


def milters(text: str) -> tuple[Milter, ...]:
    """Take a list apart; what makes no sense is left as it is written."""
    found: list[Milter] = []
    # Braces do not nest here, and one that is not closed goes to the end.
    for part in re.findall(r"\{[^{}]*\}?|[^{}]+", text):
        if part.startswith("{"):
            words = [word.strip() for word in part.strip("{} \t\r\n").split(",")]
            if words[0]:
                pairs = (word.partition("=") for word in words[1:] if word)
                found.append(Milter(words[0], MappingProxyType({n.strip(): v.strip() for n, _, v in pairs})))
        else:
            found += [Milter(word) for word in _SEPARATORS.split(part) if word]
    return tuple(found)


def opened(milter: Milter, postfix: Postfix, service: Service | None) -> str:
    """The path that a daemon opens, as a process outside of any chroot sees it; empty for TCP."""
    kind, colon, path = milter.socket.partition(":")
    if not colon or kind not in ("unix", "local"):
        return ""
    is_inside = not path.startswith("/") or (service is not None and postfix.is_chrooted(service))
    return f"{postfix.queue}/{path.lstrip('/')}" if is_inside else path


def is_ours(milter: Milter, ours: Socket, postfix: Postfix, service: Service | None) -> bool:
    """Whether a milter is the gate, or is meant for it: a path that leads elsewhere is judged apart (socket.chroot)."""
    if ours.family == "unix":
        kind, _, path = milter.socket.partition(":")
        if kind not in ("unix", "local"):
            return False
        return ours.path in (opened(milter, postfix, service), path) or _is_named_alike(path, ours.path)
    try:
        named = parse_socket(milter.socket)
    except ValueError:
        return False
    same_host = named.host == ours.host or {named.host.lower(), ours.host.lower()} <= _LOOPBACK
    return named.family != "unix" and named.port == ours.port and same_host


def _is_named_alike(path: str, ours: str) -> bool:
    """`sealgate/sealgate.sock` is meant for `/run/sealgate/sealgate.sock`; another filter's `milter.sock` is not."""
    (folder, name), (our_folder, our_name) = (
        (each.split("/")[-2:] if "/" in each else ["", each]) for each in (path, ours)
    )
    return name == our_name and (folder == our_folder or "sealgate" in name)


def ours_for(postfix: Postfix, ours: Socket) -> str:
    """The gate's socket as this Postfix should write it: inside the queue folder, relative to it."""
    if ours.family == "unix" and ours.path.startswith(f"{postfix.queue}/"):
        return f"unix:{ours.path.removeprefix(f'{postfix.queue}/')}"
    return ours.for_postfix if ours.family != "unix" else f"unix:{ours.path}"
