"""What postconf(1) printed, as values. Linear in the text; what makes no sense is left out, nothing raises."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from sealgate.doctor.host import EMPTY, Postfix, Service

MAX_LINES: Final = 20_000


def pairs(text: str) -> Mapping[str, str]:
    """Read `name = value` lines (`postconf -x`); of a name that comes twice the first counts."""
    found: dict[str, str] = {}
    for line in text.split("\n")[:MAX_LINES]:
        name, equals, value = line.partition("=")
        if equals and not line[:1].isspace() and name.strip():
            found.setdefault(name.strip(), value.strip())
    return MappingProxyType(found)


def services(listed: str, overrides: str) -> tuple[Service, ...]:
    """Read `postconf -M` and `postconf -P -x`: each service on a line, and its options as `name/type/parameter = x`."""
    options: dict[str, dict[str, str]] = {}
    for name, value in pairs(overrides).items():
        label, slash, parameter = name.rpartition("/")
        if slash:
            options.setdefault(label, {})[parameter] = value
    found = []
    for line in listed.split("\n")[:MAX_LINES]:
        fields = line.split(None, 8)
        if len(fields) < 8:
            continue
        own = options.get(f"{fields[0]}/{fields[1]}")
        found.append(
            Service(fields[0], fields[1], fields[4], fields[7], MappingProxyType(own) if own is not None else EMPTY)
        )
    return tuple(found)


def read(main: str, listed: str, overrides: str, folder: str = "") -> Postfix:
    """Put what `postconf -x`, `-M` and `-P -x` printed together.

    Args:
        main: of `postconf -x`.
        listed: of `postconf -M`.
        overrides: of `postconf -P -x`.
        folder: which one was asked about; empty: Postfix's default, which it names itself.
    """
    found = pairs(main)
    return Postfix(
        folder or found.get("config_directory", "/etc/postfix"), not folder, found, services(listed, overrides)
    )
