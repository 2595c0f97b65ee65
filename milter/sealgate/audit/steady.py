"""A line as other programs can index it: each name has one type of value, and every text can be encoded.

In the record a value that was cut or hashed is a map where it else is a text; stores such as Elasticsearch refuse the
second of two types under one name. So texts that were cut become texts again, with `...` at their end, and length and
digest go to `cut`; a recipient is always a map, and so is the Subject. Lone surrogates become U+FFFD. Pure; nothing
raises on a line of any kind.
"""

from collections.abc import Mapping
from ipaddress import ip_address
from typing import Any, Final

from sealgate.checks.rules import RULES
from sealgate.mail.address import AddressError, parse_mailboxes, parse_path

Event = dict[str, Any]
_CUT: Final = {"begins", "length", "sha256"}


def steady(event: Mapping[str, Any]) -> Event:
    """Return a line in steady types, with what was cut under `cut` where there is any."""
    cuts: list[Event] = []
    made: Event = _steady(dict(event), "", cuts)
    for holder in (made, made.get("envelope")):
        if isinstance(holder, dict) and isinstance(holder.get("rcpt"), list):
            holder["rcpt"] = [_recipient(one) for one in holder["rcpt"]]
    header = made.get("header")
    if isinstance(header, dict) and isinstance(header.get("subject"), str):
        header["subject"] = {"text": header["subject"]}
    if cuts:
        made["cut"] = cuts
    return made


def _steady(value: Any, place: str, cuts: list[Event]) -> Any:
    kind = type(value)  # of JSON's few; asking so is what keeps this quick
    if kind is str:
        return value if value.isascii() else whole(value)
    if kind is list:
        return [_steady(one, place, cuts) for one in value]
    if kind is not dict:
        return value
    if len(value) == 3 and value.keys() == _CUT and isinstance(value["begins"], str):
        cuts.append({"field": place, "length": value["length"], "sha256": value["sha256"]})
        return f"{whole(value['begins'])}..."
    made: Event = {}
    for name, one in value.items():
        if type(one) is str and one.isascii():
            made[name if name.isascii() else whole(name)] = one
        else:
            made[whole(name)] = _steady(one, f"{place}.{name}" if place else name, cuts)
    return made


def whole(text: str) -> str:
    """A text that can be encoded: U+FFFD in place of lone surrogates."""
    return text if text.isascii() else text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _recipient(value: Any) -> Any:
    if isinstance(value, str):
        return {"address": value}
    if isinstance(value, dict) and "h" in value:
        return {"domain": value.get("d"), "hash": value["h"], "key": value.get("k")}
    return value


def addresses(field: Any) -> list[str]:
    """The addresses of a header field as the record holds it; none where it was cut or cannot be read for certain."""
    if not isinstance(field, str) or not field:
        return []
    try:
        return [whole(str(box.address)) for box in parse_mailboxes(_octets(field))]
    except AddressError:
        return []


def path(argument: Any) -> str:
    """The address of a MAIL or RCPT argument; empty where there is none, or a hash."""
    try:
        return whole(str(parse_path(_octets(argument)))) if isinstance(argument, str) else ""
    except AddressError:
        return ""


def _octets(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape" if not any("\ud800" <= c <= "\udbff" for c in text) else "replace")


def address_of(client: Mapping[str, Any]) -> str:
    """The address of a client; empty where it is none."""
    try:
        return str(ip_address(str(client.get("ip"))))
    except ValueError:
        return ""


def deciding(event: Mapping[str, Any]) -> Event:
    """The finding that decided: code, family and sentence of its rule; empty where none did."""
    for finding in event.get("findings", ()):
        if finding.get("mode") == "enforce" and finding.get("action") == event.get("verdict") != "accept":
            code = str(finding.get("rule"))
            rule = RULES.get(code)
            return {
                "code": code,
                "family": code.partition(".")[0],
                "says": f"{rule.says} ({rule.cites})" if rule else str(finding.get("cites")),
            }
    return {}
