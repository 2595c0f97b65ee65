"""OpenDKIM's data sets: lists and files of keys and values, with KeyTable and SigningTable made of them.

`read_dataset` takes the value of an option (`/path`, `file:/path`, `refile:/path`, `csl:a,b`, `a,b`), `read_keys` and
`read_signing` make rows of the two tables. All keep the line that each row stood on. Data sets that want a server or a
library (`db:`, `ldap:`, `dsn:`, `lua:` ...) are named as unsupported. Nothing raises.
"""

import re
from dataclasses import dataclass
from typing import Final

from sealgate.profile.nodes import shown
from sealgate.profile.opendkim import Configuration, Files, Remarks, Spot, UnreadableError

MAX_ROWS: Final = 100_000  # of one data set
MAX_LINE: Final = 1_023  # octets; what is longer OpenDKIM reads as two lines
_ELSEWHERE: Final = "write it out as a file, which `file:` or `refile:` names, and import that"
_KNOWN: Final = ("db", "dsn", "ldap", "lua", "memcache", "mdb", "socket", "erlang", "repute")
_SPACE: Final = " \t\r\n\v\f"


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a data set; `value` is empty where there is only a key."""

    key: str
    value: str
    at: Spot


@dataclass(frozen=True, slots=True)
class DataSet:
    """What an option names: `patterns` says that its keys have wildcards (`refile:`)."""

    rows: tuple[Row, ...]
    patterns: bool = False


@dataclass(frozen=True, slots=True)
class TableKey:
    """A row of the KeyTable, with `%` as it was written.

    Attributes:
        path: absolute.
    """

    name: str
    domain: str
    selector: str
    path: str
    at: Spot


@dataclass(frozen=True, slots=True)
class SigningRow:
    """A row of the SigningTable: which key signs for the authors that `pattern` fits; `signer` is for `i=`."""

    pattern: str
    key: str
    signer: str
    at: Spot


def read_dataset(name: str, conf: Configuration, files: Files, remarks: Remarks) -> DataSet | None:
    """Read what an option names.

    Returns:
        The data set, or None where there is none: the option is not given, or a remark says why it cannot be read.
    """
    value, at = conf.text(name), conf.at(name)
    if not value:
        return None
    kind, rest = _typed(value)
    if kind == "csl":
        return DataSet(tuple(_listed(rest, at)))
    if kind in ("file", "refile"):
        path = absolute(rest, conf)
        try:
            text = files.text(path)
        except UnreadableError as error:
            remarks.stop(at, f"{name}: {error}")
            return None
        rows = tuple(_rows(text, path, remarks))
        if len(rows) > MAX_ROWS:
            remarks.stop(at, f"{name}: {path} has more than {MAX_ROWS:,} rows")
            return None
        return DataSet(rows, patterns=kind == "refile")
    if kind in _KNOWN:
        remarks.stop(at, f"{name}: data sets of the type {kind}: are not supported", _ELSEWHERE)
    else:
        hint = "begin a list with csl: where its first entry has a colon"
        remarks.stop(at, f"{name}: {shown(kind)} is no type of data set, so OpenDKIM would not start", hint)
    return None


def absolute(path: str, conf: Configuration) -> str:
    """A path as OpenDKIM opens it: under BaseDirectory where it is relative and that is given."""
    base = conf.text("BaseDirectory")
    return path if path.startswith("/") or not base else f"{base.rstrip('/')}/{path.removeprefix('./')}"


def read_keys(data: DataSet, conf: Configuration, remarks: Remarks) -> dict[str, TableKey]:
    """Make keys by name of the rows of a KeyTable; of two with one name the first counts."""
    found: dict[str, TableKey] = {}
    for row in data.rows:
        parts = row.value.split(":", 2)
        if len(parts) < 3 or not all(parts):
            remarks.stop(row.at, f"key {shown(row.key)} is not written as name domain:selector:/path")
        elif row.key in found:
            remarks.note(
                row.at, f"key {shown(row.key)} was given before at {found[row.key].at}: this row has no effect"
            )
        elif not parts[2].startswith(("/", "./", "../")):
            hint = "write the key to a file of mode 0600 and its path here"
            remarks.stop(row.at, f"key {shown(row.key)} stands in the table itself", hint)
        else:
            found[row.key] = TableKey(row.key, parts[0].lower(), parts[1], absolute(parts[2], conf), row.at)
    return found


def read_signing(data: DataSet, remarks: Remarks) -> tuple[SigningRow, ...]:
    """Make rows of a SigningTable, in the order in which OpenDKIM tries them.

    A `refile:` is tried line by line. Of the others the address is looked up first, then its host, then `user@.domain`
    and `.domain` for each domain above, the nearest first, then `user@*`, then `*`; of equal keys the first counts.
    """
    found: list[SigningRow] = []
    for row in data.rows:
        key, _, signer = row.value.partition(":")
        if not key:
            hint = "name a key of the KeyTable behind it"
            remarks.stop(row.at, f"{shown(row.key)} names no key: OpenDKIM ends at the first message it fits", hint)
            continue
        found.append(SigningRow(row.key, key, signer, row.at))
    if data.patterns:
        return tuple(found)
    first: dict[str, SigningRow] = {}
    for each in found:
        kept = first.setdefault(each.pattern.lower(), each)
        if kept is not each:
            remarks.note(each.at, f"{shown(each.pattern)} was given before at {kept.at}: this row has no effect")
    return tuple(sorted(first.values(), key=lambda each: _rank(each.pattern)))


def _rank(pattern: str) -> tuple[int, int, int]:
    """Where a key of a table without wildcards comes in the order of look-ups."""
    local, at, host = pattern.rpartition("@")
    if pattern == "*":
        return 4, 0, 0
    if at and host == "*":
        return 3, 0, 0
    if host.startswith("."):
        return 2, -host.count("."), 0 if local else 1
    return (0, 0, 0) if at else (1, 0, 0)


def _typed(value: str) -> tuple[str, str]:
    """Split the type off a data set's name as dkimf_db_open does."""
    colon, comma = value.find(":"), value.find(",")
    if colon >= 0 and not 0 <= comma < colon:
        return value[:colon].lower(), value[colon + 1 :]
    if value.endswith(".db"):
        return "db", value
    return ("file" if value.startswith("/") else "csl"), value


def _listed(text: str, at: Spot) -> list[Row]:
    pairs = (entry.partition("=") for entry in text.split(",") if entry)
    return [Row(key.strip(_SPACE), value.strip(_SPACE), at) for key, _, value in pairs if key.strip(_SPACE)]


def _rows(text: str, path: str, remarks: Remarks) -> list[Row]:
    found: list[Row] = []
    for number, line in enumerate(text.split("\n"), 1):
        spot = Spot(path, number)
        if len(line.encode("utf-8", "surrogateescape")) > MAX_LINE:
            remarks.stop(spot, f"the line is longer than {MAX_LINE:,} octets: OpenDKIM reads it as two")
            continue
        words = re.split(f"[{_SPACE}]+", line.partition("#")[0].strip(_SPACE), maxsplit=1)
        if words[0]:
            found.append(Row(words[0], words[1] if len(words) > 1 else "", spot))
        if len(found) > MAX_ROWS:
            break
    return found
