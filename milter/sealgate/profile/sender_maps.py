"""Postfix's smtpd_sender_login_maps as a texthash file: a row an address, with the logins that may use it.

Read and looked up as Postfix does (postmap(1), access of smtpd(8)): keys have no case; the whole address is looked up,
then the address without its extension where `recipient_delimiter` is set, then `@domain`. The most specific row there
is decides alone: what a wider row says is not added. A bare local part as key is an error, not a row to be skipped:
Postfix applies it to domains that only Postfix knows, and without it a wider row would let others in.
"""

import re
from dataclasses import dataclass
from typing import Final

from sealgate.mail.address import Address, AddressError, normal_domain, parse_address
from sealgate.profile.model import Place, Principal, SenderFile, unextended
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
from sealgate.profile.sender_rows import Entry, RawRow, find, holding, joined, packed, raw_rows, twice

_LOGIN: Final = rf"{QUICK_NAME}(?:@{QUICK_REALM})?"
_QUICK = re.compile(rf"({QUICK_ADDRESS})[ \t]++({_LOGIN}(?:[ \t,]++{_LOGIN})*)[ \t\r,]*+")
_SEPARATORS = re.compile(r"[ \t,]+")


@dataclass(frozen=True, slots=True)
class MapTable:
    """A file in the format `texthash`: by address in lower case, its logins."""

    rows: bytes
    fold_realms: frozenset[str]

    def line_for(self, principal: Principal, address: Address, *, exact_case: bool, delimiter: str) -> int:
        """The line (from 1) that lets `principal` use `address`, or 0."""
        entry = self._deciding(address, exact_case=exact_case, delimiter=delimiter)
        wanted = f",{folded(principal, self.fold_realms)},"
        return entry.line if entry and wanted in entry.values else 0

    def of(self, principal: Principal) -> tuple[tuple[str, int], ...]:
        """Every key written for `principal`, with its line. Reads the whole table."""
        found = holding(self.rows, (str(folded(principal, self.fold_realms)),), exact_case=True)
        return tuple((e.written or e.key, e.line) for e in found)

    def holders(self, address: Address, *, exact_case: bool, delimiter: str) -> tuple[tuple[str, int], ...]:
        """Every principal that may use `address`, with the line that says so."""
        entry = self._deciding(address, exact_case=exact_case, delimiter=delimiter)
        return tuple((login, entry.line) for login in entry.split()) if entry else ()

    def _deciding(self, address: Address, *, exact_case: bool, delimiter: str) -> Entry | None:
        locals_ = [address.local]
        if base := unextended(address.local, delimiter):
            locals_.append(base)
        for local in locals_:
            entry = find(self.rows, f"{local.lower()}@{address.domain}")
            if entry and (not exact_case or (entry.written or entry.key) == f"{local}@{address.domain}"):
                return entry
        return find(self.rows, f"@{address.domain}")


def parse_map(text: str, source: SenderFile, fold: frozenset[str], problems: Problems) -> MapTable:
    """Read a texthash file; rows with an error in them are noted and left out."""
    logins = Logins(source, fold)
    rows: list[str] = []
    named: dict[str, int] = {}  # login -> its first line
    for row in raw_rows(text, problems):
        key, found = _quick_row(row, logins) or _read_row(row, logins, problems)
        if not key or not found:
            continue
        lower = key.lower()
        rows.append(packed(lower, row.line, ",".join(found), "" if key == lower else key))
        for login in found:
            named.setdefault(login, row.line)
    table = MapTable(joined(rows), fold)
    for key, first, line in twice(rows):
        problems.error(
            Place(line, 1),
            f"{shown(key)} already stands in line {first}",
            "keep one row for an address; Postfix would take one of them and only warn",
        )
    odd = ((login, line) for login, line in named.items() if (n := login.rpartition("@")[0]) != n.lower())
    warn_of_twins(odd, lambda login: named.get(login, 0), problems)
    logins.warn_of_realms(problems)
    return table


def _quick_row(row: RawRow, logins: Logins) -> tuple[str, list[str]] | None:
    """What `_read_row` would say of a row as most are; None of any other."""
    match = None if row.more else _QUICK.fullmatch(row.text)
    if not match or not logins.are_quick(match[1]):
        return None
    found: list[str] = []
    for word in _SEPARATORS.split(match[2]):
        name, _, realm = word.partition("@")
        if not (realm or logins.realm):
            return None
        found.append(logins.quick(name, realm, row.line))
    return with_lower_domains(match[1]), found


def _read_row(row: RawRow, logins: Logins, problems: Problems) -> tuple[str, list[str]]:
    """Read a row strictly: its key with the domain in normal form, and its logins; either may be empty."""
    key, words = row.words()
    pattern, found = "", list[str]()
    try:
        if key.text[:1] == "@":
            pattern = f"@{normal_domain(key.text[1:])}"
        else:
            pattern = str(parse_address(key.text.encode("utf-8", "surrogateescape")))
    except AddressError as error:
        problems.error(key.place, f"{shown(key.text)} is no address and no @domain: {error}", _hint(key.text))
    if not words:
        problems.error(key.place, f"no login stands behind {shown(key.text)}", "write user@REALM behind it")
    for word in words:
        try:
            found.append(str(logins.read(word.text, word.place.line)))
        except ValueError as error:
            hint = "" if logins.realm else "or say `realm:` beside `file:` in the profile"
            problems.error(word.place, f"{shown(word.text)} is no principal: {error}", hint)
    return pattern, found


def _hint(key: str) -> str:
    if "@" not in key:
        return f"write {shown(key + '@example.test')} for each domain that Postfix has in $myorigin and $mydestination"
    if key[-1:] == "@":
        return "write the domain as well"
    return ""
