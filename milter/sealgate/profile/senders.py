"""Files of senders: `senders: {file: ...}` read into a table, whatever its format.

Text in, a `SenderTable` and every problem out, each with its line and column; nothing here raises on any text or opens
a file. A row that names no valid address or login is an error when the file is read, never when the first message
comes. `dumped` and `loaded` carry a table that was read to another process without judging it again.

This module reads our own format, `logins`: a principal, blanks, and its addresses or `@domain` patterns. Postfix's
formats are in `sender_maps` and `sender_rules`.
"""

import re
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Final, TypeAlias

from sealgate.mail.address import Address, AddressError, normal_domain, parse_address
from sealgate.profile.model import Place, Principal, Problem, SenderFile, SenderFormat, unextended
from sealgate.profile.nodes import Problems, shown
from sealgate.profile.sender_logins import (
    QUICK_ADDRESS,
    QUICK_NAME,
    QUICK_REALM,
    Logins,
    folded,
    warn_of_twins,
    with_lower_domains,
)
from sealgate.profile.sender_maps import MapTable, parse_map
from sealgate.profile.sender_rows import RawRow, Token, find, holding, joined, listed, packed, raw_rows, twice
from sealgate.profile.sender_rules import RuleTable, parse_rules

_QUICK = re.compile(
    rf"({QUICK_NAME})(?:@({QUICK_REALM}))?[ \t]++({QUICK_ADDRESS}(?:[ \t,]++{QUICK_ADDRESS})*)[ \t\r,]*+"
)
_ROW: Final = {
    SenderFormat.LOGINS: "write rows such as: alice@EXAMPLE.TEST  alice@example.test",
    SenderFormat.TEXTHASH: "write rows such as: alice@example.test  alice",
    SenderFormat.REGEXP: "write rows such as: /^alice@example\\.test$/  alice",
}
_SEPARATORS = re.compile(r"[ \t,]+")


@dataclass(frozen=True, slots=True)
class LoginTable:
    """A file in the format `logins`: by principal, its patterns."""

    rows: bytes
    fold_realms: frozenset[str]

    def line_for(self, principal: Principal, address: Address, *, exact_case: bool, delimiter: str) -> int:
        """The line (from 1) that lets `principal` use `address`, or 0."""
        entry = find(self.rows, str(folded(principal, self.fold_realms)))
        if entry is None:
            return 0
        values = entry.values if exact_case else entry.values.lower()
        wanted = _patterns(address, exact_case=exact_case, delimiter=delimiter)
        return entry.line if any(f",{pattern}," in values for pattern in wanted) else 0

    def of(self, principal: Principal) -> tuple[tuple[str, int], ...]:
        """Every pattern written for `principal`, with its line."""
        entry = find(self.rows, str(folded(principal, self.fold_realms)))
        return tuple((pattern, entry.line) for pattern in entry.split()) if entry else ()

    def holders(self, address: Address, *, exact_case: bool, delimiter: str) -> tuple[tuple[str, int], ...]:
        """Every principal that may use `address`, with its line. Reads the whole table."""
        wanted = _patterns(address, exact_case=exact_case, delimiter=delimiter)
        found = holding(self.rows, wanted, exact_case=exact_case)
        return tuple(
            (e.key, e.line)
            for e in found
            if any(f",{p}," in (e.values if exact_case else e.values.lower()) for p in wanted)
        )


Table: TypeAlias = LoginTable | MapTable | RuleTable


def _patterns(address: Address, *, exact_case: bool, delimiter: str) -> tuple[str, ...]:
    """Every pattern that covers an address, as `SenderPattern.matches` has it: itself, what it extends, its domain."""
    local = address.local if exact_case else address.local.lower()
    base = unextended(local, delimiter)
    return tuple(f"{each}@{address.domain}" for each in ((local, base, "") if base else (local, "")))


def parse_sender_table(
    text: str, source: SenderFile, *, fold_realms: AbstractSet[str]
) -> tuple[Table | None, tuple[Problem, ...]]:
    """Read a file of senders.

    Args:
        text: what it holds.
        source: its format, the realm of logins without one, and the path for messages.
        fold_realms: realms whose names have no case; the principals that are looked up are folded likewise.

    Returns:
        The table, or None where there is an error; and the problems, a hundred at most with a count of the others.
    """
    problems = Problems(source.path)
    table = draft_sender_table(text, source, problems, fold_realms=fold_realms)
    if not problems.errors and not rows_of(table):
        problems.warning(Place(0, 0), "this file has no row: it gives nobody an address", _ROW[source.format])
    return (None if problems.errors else table), listed(problems)


def draft_sender_table(text: str, source: SenderFile, problems: Problems, *, fold_realms: AbstractSet[str]) -> Table:
    """Read what can be read and leave out the rows with an error in them. Never serve from such a table."""
    if source.format is SenderFormat.LOGINS:
        return _parse_logins(text, source, frozenset(fold_realms), problems)
    read = parse_map if source.format is SenderFormat.TEXTHASH else parse_rules
    return read(text, source, frozenset(fold_realms), problems)


def rows_of(table: Table) -> int:
    """How many rows a table has; those of `if` and `endif` count as well."""
    return len(table.rules) if isinstance(table, RuleTable) else table.rows.count(b"\n")


def dumped(table: Table) -> bytes:
    """A table as octets, for `loaded`."""
    return table.text.encode() if isinstance(table, RuleTable) else table.rows


def loaded(data: bytes, source: SenderFile, *, fold_realms: AbstractSet[str]) -> Table:
    """The inverse of `dumped`, for the same source and realms. Rows are taken as they are: they were judged before."""
    fold = frozenset(fold_realms)
    if source.format is SenderFormat.LOGINS:
        return LoginTable(data, fold)
    if source.format is SenderFormat.TEXTHASH:
        return MapTable(data, fold)
    return parse_rules(data.decode(), source, fold, Problems(source.path))


def _parse_logins(text: str, source: SenderFile, fold: frozenset[str], problems: Problems) -> LoginTable:
    logins = Logins(source, fold)
    rows: list[str] = []
    odd: list[tuple[str, int]] = []  # logins with upper case in the name
    of_rows = Problems(problems.file)
    count, turned = 0, list[RawRow]()
    for row in raw_rows(text, problems):
        count += 1
        before = of_rows.errors
        key, values = _quick_row(row, logins) or _read_row(row, logins, of_rows)
        name, _, realm = key.rpartition("@")
        if (of_rows.errors > before or realm != realm.upper()) and _is_turned(row):
            turned.append(row)
        if not values:
            continue
        rows.append(packed(key, row.line, values))
        if name != name.lower():
            odd.append((key, row.line))
    table = LoginTable(joined(rows), fold)
    if len(turned) * 2 > count:
        problems.error(
            turned[0].place,
            f"{len(turned)} of {count} rows are turned round: the address comes first, and its logins behind it",
            "`format: texthash`? In the format `logins` the login comes first, then its addresses",
        )
        return table
    problems.take(of_rows)
    for key, first, line in twice(rows):
        problems.error(
            Place(line, 1),
            f"login {shown(key)} already stands in line {first}",
            "write all its addresses into one row; a line that begins with a blank continues a row",
        )
    warn_of_twins(odd, lambda login: entry.line if (entry := find(table.rows, login)) else 0, problems)
    logins.warn_of_realms(problems)
    return table


def _is_turned(row: RawRow) -> bool:
    """Whether a row reads like one of Postfix's maps: a mail address, and behind it what can only be logins."""
    key, words = row.words()
    domain = key.text.rpartition("@")[2]
    if "@" not in key.text or domain == domain.upper():
        return False
    behind = (word.text.rpartition("@") for word in words)
    return any(not at or (realm == realm.upper() != realm.lower()) for _, at, realm in behind)


def _quick_row(row: RawRow, logins: Logins) -> tuple[str, str] | None:
    """What `_read_row` would say of a row as most are; None of any other."""
    match = None if row.more else _QUICK.fullmatch(row.text)
    if not match:
        return None
    name, realm, values = match.groups()
    values = values.replace(", ", ",")
    if " " in values or "\t" in values or ",," in values:
        values = _SEPARATORS.sub(",", values)
    if not (realm or logins.realm) or not logins.are_quick(values):
        return None
    return logins.quick(name, realm, row.line), with_lower_domains(values)


def _read_row(row: RawRow, logins: Logins, problems: Problems) -> tuple[str, str]:
    """Read a row strictly: the principal, and its patterns joined by commas; empty where nothing is left of it."""
    key, words = row.words()
    login, patterns = "", list[str]()
    try:
        login = str(logins.read(key.text, row.line))
    except ValueError as error:
        hint = "the login comes first, then its addresses; or say `realm:` beside `file:` in the profile"
        problems.error(key.place, f"{shown(key.text)} is no principal: {error}", hint)
    if not words:
        problems.error(key.place, f"no address stands behind {shown(key.text)}", "write user@example.test behind it")
    for word in words:
        try:
            patterns.append(read_pattern(word.text))
        except AddressError as error:
            problems.error(word.place, f"{shown(word.text)} is no sender: {error}", _hint(word))
    return login, ",".join(patterns) if login else ""


def read_pattern(text: str) -> str:
    """Read an address or `@domain` of a sender file; return it with its domain in normal form.

    Raises:
        AddressError: it is anything else, a wildcard or template of other places included.
    """
    if text[:1] == "@":
        return f"@{normal_domain(text[1:])}"
    address = parse_address(text.encode("utf-8", "surrogateescape"))
    if set("*{}") & set(address.local):
        raise AddressError("wildcards and templates are not read here")
    return str(address)


def _hint(word: Token) -> str:
    if word.text.startswith("#"):
        return "a comment stands on a line of its own"
    return "write user@example.test, or @example.test for every address of exactly that domain"
