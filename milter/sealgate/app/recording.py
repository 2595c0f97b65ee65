"""From the event of a decision to the lines that are written: personal values hidden, long lists continued.

`recorded` is called for each decision just before the journal. What it gives is one or several lines, and the values
behind their hashes for the file that can be erased. A refusal of somebody without a login becomes an event that the
writer only counts: scanners must not fill a file that is kept for years.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from typing import Any, Final

from sealgate.app.ports import PortError
from sealgate.app.runtime import Runtime
from sealgate.audit.personal import SALT_OCTETS, commitment, domain_of, epoch_of, plain_address, veil
from sealgate.audit.record import capped
from sealgate.checks.finding import Action, Mode
from sealgate.profile.model import Showing

LINE_RECIPIENTS: Final = 100  # in one line; the rest goes on in lines of kind `recipients` right behind it
_TITLES: Final = frozenset({"subject", "thread-topic"})
_OPEN: Final = frozenset({
    "from", "sender", "resent-from", "reply-to", "message-id", "date", "resent-date", "mime-version", "content-type",
    "content-transfer-encoding", *_TITLES,
})  # fmt: skip
"""Fields that name no recipient, or that the line has in clear anyway."""

Event = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Recorded:
    """What is written of one decision.

    Attributes:
        kind: `decision`, or `refusal` for what is only counted.
        event: the first line.
        more: the lines that must stand right behind it.
        side: salts and values for the file of its epoch.
    """

    kind: str
    event: Event
    more: tuple[Event, ...] = ()
    side: tuple[Event, ...] = ()


def recorded(event: Event, runtime: Runtime, salts: Callable[[int], bytes] = os.urandom) -> Recorded:
    """Make the lines of a decision.

    Raises:
        PortError: values must be hidden, and there is no key for this quarter.
    """
    if _is_counted(event):
        return Recorded("refusal", _counted(event))
    policy = runtime.profile.record
    hider = _Hider(runtime, epoch_of(event["t"]), salts)
    arguments: list[str] = event["envelope"]["rcpt"]
    recipients: list[Any] = list(arguments)
    if policy.recipients is Showing.HASHED:
        recipients = [hider.address(argument) for argument in arguments]
    envelope = event["envelope"] | {"rcpt": recipients[:LINE_RECIPIENTS], "rcpt_n": len(recipients)}
    first = event | {"envelope": envelope}
    if subject := event.get("header", {}).get("subject"):
        shown = capped(subject) if policy.subject is Showing.CLEAR else hider.subject(subject)
        first["header"] = event["header"] | {"subject": shown}
    if digests := event.get("seal", {}).get("fields"):
        first["seal"] = event["seal"] | {"fields": hider.digests(digests)}
    rest = range(LINE_RECIPIENTS, len(recipients), LINE_RECIPIENTS)
    about = {name: event[name] for name in ("v", "t", "host")}
    more = tuple(
        about | {"kind": "recipients", "of": event["id"], "part": part, "rcpt": recipients[at : at + LINE_RECIPIENTS]}
        for part, at in enumerate(rest, 1)
    )
    return Recorded("decision", first, more, hider.side(event["id"]))


class _Hider:
    """Replaces values by their commitments, and keeps what stands behind them."""

    def __init__(self, runtime: Runtime, epoch: str, salts: Callable[[int], bytes]) -> None:
        self._runtime = runtime
        self._epoch = epoch
        self._salts = salts
        self._recipients: list[list[str]] = []
        self._subject: list[str] = []
        self._fields = ""

    def address(self, argument: str) -> Event:
        plain = plain_address(argument)
        hashed, salt = self._hidden(plain)
        self._recipients.append([salt, plain])
        return {"d": domain_of(argument), "h": hashed, "k": self._epoch}

    def subject(self, text: str) -> Event:
        hashed, salt = self._hidden(text)
        self._subject = [salt, text]
        return {"length": len(text), "salted": hashed, "k": self._epoch}

    def digests(self, fields: list[str]) -> list[str]:
        """Veil those by which a hidden value could be guessed: a To field often holds one address and no more."""
        if not self._recipients and not self._subject:
            return fields
        salt = self._salts(SALT_OCTETS)
        self._fields, veiled = salt.hex(), veil(self._key(), salt)
        made = []
        for field in fields:
            name, _, digest = field.partition(" ")
            is_title = name.lower() in _TITLES
            is_hidden = bool(self._subject) if is_title else bool(self._recipients) and name.lower() not in _OPEN
            made.append(f"{name} {veiled(digest)}" if is_hidden and digest != "-" else field)
        return made

    def side(self, reference: str) -> tuple[Event, ...]:
        found: Event = {"fields": self._fields} if self._fields else {}
        if self._recipients:
            found["rcpt"] = self._recipients
        if self._subject:
            found["subject"] = self._subject
        return ({"epoch": self._epoch, "id": reference, **found},) if found else ()

    def _hidden(self, value: str) -> tuple[str, str]:
        key, salt = self._key(), self._salts(SALT_OCTETS)
        return commitment(key, salt, value), salt.hex()

    def _key(self) -> bytes:
        key = self._runtime.epochs.get(self._epoch)
        if key is None:
            raise PortError(f"there is no key for personal values of {self._epoch}")
        return key


def _is_counted(event: Event) -> bool:
    auth = event["auth"]
    return not auth["name"] and not auth["via"] and event["verdict"] in (Action.REJECT, Action.TEMPFAIL)


def _counted(event: Event) -> Event:
    enforced = [f["rule"] for f in event["findings"] if f["mode"] == Mode.ENFORCE and f["action"] == event["verdict"]]
    return {
        "v": event["v"],
        "t": event["t"],
        "host": event["host"],
        "id": event["id"],
        "network": _network(event["client"]["ip"]),
        "listener": event["listener"],
        "rule": enforced[0] if enforced else "",
        "verdict": event["verdict"],
    }


def _network(client: str) -> str:
    """The network of a client, as wide as one site usually has: /24, /64."""
    try:
        address = ip_address(client)
    except ValueError:
        return ""
    return str(ip_network((address, 24 if address.version == 4 else 64), strict=False))
