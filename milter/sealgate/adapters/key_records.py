"""Key records out of a file instead of the DNS, so that signatures can be verified where no DNS is.

`read_key_records` takes one record a line in any of the forms people have them in: `NAME=RECORD`, `NAME RECORD` (as
OpenDKIM's TestPublicKeys) or a zone file's `NAME IN TXT ("..." "...")` over any number of lines, as `sealgate keys`
prints it. `KeyRecords` then answers as the DNS would. What can fail: text that is none of these (`ValueError`, with the
line), and a name that the file does not have (`PortError`: nothing is known of it).
"""

import re
from collections.abc import Iterator, Mapping
from typing import Final

from sealgate.app.ports import PortError, Txt

MAX_TEXT: Final = 16 * 1024 * 1024  # characters
_ENTRY: Final = re.compile(r"\s*([A-Za-z0-9_.-]{1,255})(?:\s*=\s*(?=v\s*=|[a-z]\s*=)|\s+)(.*)", re.DOTALL)
_ZONE: Final = re.compile(r"(?:\d+\s+)?(?:IN\s+)?TXT\s+(.*)", re.DOTALL | re.IGNORECASE)
_STRING: Final = re.compile(r'"((?:[^"\\]|\\.)*)"')


class KeyRecords:
    """Fills `app.ports.Dns` with records that are given."""

    def __init__(self, records: Mapping[str, tuple[bytes, ...]]) -> None:
        self._records = records

    def txt(self, name: str) -> Txt:
        """Return the records of a name.

        Raises:
            PortError: none was given.
        """
        try:
            return Txt(self._records[name.rstrip(".").lower()])
        except KeyError as error:
            raise PortError(f"no record of {name} was given, and the DNS was not asked") from error


def read_key_records(text: str) -> dict[str, tuple[bytes, ...]]:
    """Read records by name, in lower case without the last dot.

    Raises:
        ValueError: a line is none of the known forms, or the text is too large.
    """
    if len(text) > MAX_TEXT:
        raise ValueError(f"more than {MAX_TEXT >> 20} MiB of records")
    found: dict[str, tuple[bytes, ...]] = {}
    for number, entry in _entries(text):
        match = _ENTRY.fullmatch(entry)
        name = match[1].rstrip(".").lower() if match else ""
        if not match or "._domainkey." not in f".{name}":
            raise ValueError(f"line {number} is no key record: write SELECTOR._domainkey.DOMAIN=v=DKIM1; ...")
        found[name] = (*found.get(name, ()), _record(match[2].strip()))
    return found


def _entries(text: str) -> Iterator[tuple[int, str]]:
    """Each entry with the number of its first line; comments and empty lines left out, parentheses joined."""
    pending: list[str] = []
    begin = 0
    for number, line in enumerate(text.splitlines(), 1):
        if not pending:
            if not line.strip() or line.lstrip()[0] in "#;":
                continue
            begin = number
        pending.append(line)
        bare = _STRING.sub("", line)
        is_open = "(" in bare or len(pending) > 1
        if is_open and ")" not in bare:
            continue
        yield begin, "\n".join(pending)
        pending = []
    if pending:
        yield begin, "\n".join(pending)


def _record(text: str) -> bytes:
    zone = _ZONE.fullmatch(text)
    strings = _STRING.findall(zone[1] if zone else text)
    joined = "".join(re.sub(r"\\(.)", r"\1", each) for each in strings) if strings else (zone[1] if zone else text)
    return joined.encode("utf-8", "replace")
