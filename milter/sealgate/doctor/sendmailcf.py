"""sendmail.cf, as far as milters, listeners and logins go.

Reads options (`O Name=value`), milters (`Xname, S=..., F=..., T=...`) and macros of one letter (`DZ8.17.1`); a line
that begins with a blank continues the one before (Sendmail Installation and Operation Guide, 5). Linear in the text;
what makes no sense is left out, nothing raises.
"""

import re
from collections.abc import Iterator
from types import MappingProxyType
from typing import Final

from sealgate.doctor.host import Daemon, Filter, Sendmail

MAX_LINES: Final = 50_000
_OPTION: Final = re.compile(r"O\s?([A-Za-z][A-Za-z0-9._]{0,80})\s*=\s*(.*)", re.DOTALL)


def read(text: str, file: str) -> Sendmail:
    """Read the text of a sendmail.cf."""
    options: dict[str, str] = {}
    filters: list[Filter] = []
    daemons: list[Daemon] = []
    version = ""
    for line in _joined(text):
        if found := _OPTION.fullmatch(line):
            name, value = found[1].lower(), found[2].strip()
            if name == "daemonportoptions":
                daemons.append(_daemon(value))
            options[name] = value
        elif line.startswith("X") and len(line) > 1:
            filters.append(_filter(line[1:]))
        elif line.startswith("DZ"):
            version = line[2:].strip()
    return Sendmail(file, version, MappingProxyType(options), tuple(filters), tuple(daemons))


def _joined(text: str) -> Iterator[str]:
    pending: list[str] = []
    for raw in text.split("\n")[:MAX_LINES]:
        line = raw.rstrip("\r")
        if line[:1] in (" ", "\t"):
            if pending:
                pending.append(line.strip())
            continue
        if pending:
            yield " ".join(pending)
        pending = [line] if line and not line.startswith("#") else []
    if pending:
        yield " ".join(pending)


def _fields(text: str) -> dict[str, str]:
    """`K=value, Kword=value`: only the first letter of a key counts, as in Sendmail itself."""
    found: dict[str, str] = {}
    for part in text.split(","):
        key, equals, value = part.partition("=")
        if equals and key.strip():
            found.setdefault(key.strip()[0].upper(), value.strip())
    return found


def _filter(text: str) -> Filter:
    name, _, rest = text.partition(",")
    fields = _fields(rest)
    times = {}
    for part in fields.get("T", "").split(";"):
        key, colon, value = part.partition(":")
        if colon and key.strip():
            times[key.strip()[0].upper()] = value.strip()
    return Filter(name.strip(), fields.get("S", ""), fields.get("F", ""), MappingProxyType(times))


def _daemon(text: str) -> Daemon:
    fields = _fields(text)
    own = fields.get("I")
    names = None if own is None else tuple(word for each in own.split(";") if (word := each.strip()))
    return Daemon(fields.get("N", ""), fields.get("P", "smtp"), fields.get("M", ""), names)
