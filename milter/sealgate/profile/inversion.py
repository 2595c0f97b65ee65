"""Postfix's sender login maps turned around: by address into by principal, without giving anybody more than before.

In a map the most specific row decides alone (texthash), or the first one (regexp); in our format every pattern of a
principal counts. So a row is left out, with the reason, where turned around it would say more than it did: `@domain`
for a login that some address of that domain was withheld from, an expression that is neither one address nor one
domain. Pure: tables in, rows and problems out.
"""

import re
from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import Final

from sealgate.mail.address import Address, AddressError, parse_address
from sealgate.profile.model import Place
from sealgate.profile.nodes import Problems, shown
from sealgate.profile.sender_rows import Entry
from sealgate.profile.sender_rules import Rule, RuleTable
from sealgate.profile.senders import read_pattern

_ANYTHING: Final = (r"^.*@", r"^.+@", r"^(.*)@", r"^(.+)@", r"^[^@]*@", r"^[^@]+@", r"^([^@]*)@", r"^([^@]+)@")
_LITERAL = re.compile(r"(?:[A-Za-z0-9_@=~'&/-]|\\[.+@/_=~'&-])+")


@dataclass(frozen=True, slots=True)
class Owner:
    """A principal with its patterns, and the line of the map that each came from."""

    principal: str
    patterns: tuple[tuple[str, int], ...]


class MapInverter:
    """Turns the rows of a texthash around: give it all rows first, then take each, then ask for the owners."""

    def __init__(self, rows: list[Entry], problems: Problems) -> None:
        self._problems = problems
        self._owned: defaultdict[str, list[tuple[str, int]]] = defaultdict(list)
        self._in_domain: Counter[str] = Counter()  # rows of addresses, by domain
        self._held: Counter[tuple[str, str]] = Counter()  # the same by domain and login
        self._rows = {row.key: row for row in rows}
        self._times = Counter(row.key for row in rows)
        self._is_whole = not problems.errors
        for row in rows:
            local, _, domain = row.key.rpartition("@")
            if local:
                self._in_domain[domain] += 1
                self._held.update((domain, login) for login in set(row.split()))

    def take(self, row: Entry) -> None:
        """Turn one row around."""
        local, _, domain = row.key.rpartition("@")
        if self._times[row.key] > 1:
            return  # which of them is meant nobody knows; it was named when they were read
        if not local and not self._is_whole:
            message = f"left out: rows that could not be read may give addresses of @{domain} to others"
            self._problems.warning(Place(row.line, 1), message, "mend the errors first")
            return
        for login in dict.fromkeys(row.split()):
            if not local and self._held[domain, login] < self._in_domain[domain]:
                self._problems.warning(
                    Place(row.line, 1),
                    f"left out: @{domain} of {shown(login)} would take in addresses that other rows give to others"
                    f"{self._witness(domain, login)}",
                    "list the addresses that this login uses",
                )
                continue
            self._owned[login].append((row.written or row.key, row.line))
        base = f"{local.partition('+')[0]}@{domain}"
        if "+" in local[1:] and base in self._rows and set(self._rows[base].split()) - set(row.split()):
            self._problems.warning(
                Place(row.line, 1),
                f'with `recipient_delimiter: "+"` who holds {shown(base)} may use {shown(row.key)} as well',
                "in a map the longer row decides alone; in our format it does not",
            )

    def owners(self) -> tuple[Owner, ...]:
        """Every principal with what is its own, by name."""
        return _sorted(self._owned)

    def _witness(self, domain: str, login: str) -> str:
        if self._problems.unlisted:
            return ""
        for row in self._rows.values():
            if row.key.endswith(f"@{domain}") and row.key[0] != "@" and login not in row.split():
                return f", such as {shown(row.key)} in line {row.line}"
        return ""


def inverted_rules(table: RuleTable, problems: Problems) -> tuple[Owner, ...]:
    """Turn the rows of a regexp_table around."""
    owned: defaultdict[str, list[tuple[str, int]]] = defaultdict(list)
    before: list[tuple[Rule, str, set[str]]] = []  # the rows so far, what each stands for, and its logins
    depth = 0
    broken = min((p.line for p in problems.listed() if p.is_error), default=0)
    for rule in table.rules:
        if rule.expression is None or rule.end >= 0:
            depth += 1 if rule.end >= 0 else -1
            if rule.end >= 0:
                before.append((rule, "", set()))
            continue
        pattern = "" if rule.is_negated else _stands_for(rule)
        logins = {f"{''.join(map(str, t.parts))}@{t.realm}" for t in rule.logins}
        why = _why_not(rule, pattern, depth, table, before, logins)
        if broken and rule.line > broken:
            why = f"comes after line {broken}, which could not be read"
        if why:
            problems.warning(Place(rule.line, 1), f"left out: {shown(rule.written)} {why}")
        else:
            for login in sorted(logins):
                owned[login].append((pattern, rule.line))
        before.append((rule, pattern, logins))
    return _sorted(owned)


def _sorted(owned: dict[str, list[tuple[str, int]]]) -> tuple[Owner, ...]:
    return tuple(
        Owner(login, tuple(sorted(set(owned[login]), key=lambda pair: (pair[1], pair[0])))) for login in sorted(owned)
    )


def _stands_for(rule: Rule) -> str:
    """The address or `@domain` that an expression matches and nothing else, or an empty string."""
    closing = rule.written.rindex(rule.written[0])
    body = rule.written[1:closing]
    if not body.endswith("$") or body.endswith(r"\$"):
        return ""
    prefix = next((p for p in _ANYTHING if body.startswith(p)), "")
    rest = "@" + body[len(prefix) : -1] if prefix else body.removeprefix("^")[:-1]
    is_domain = rest.startswith("@") and (bool(prefix) or not body.startswith("^"))
    is_address = body.startswith("^") and not prefix and not rest.startswith("@")
    if not _LITERAL.fullmatch(rest) or not (is_domain or is_address):
        return ""
    try:
        return read_pattern(rest.replace("\\", ""))
    except AddressError:
        return ""


def _why_not(
    rule: Rule,
    pattern: str,
    depth: int,
    table: RuleTable,
    before: list[tuple[Rule, str, set[str]]],
    logins: set[str],
) -> str:
    """Why a row cannot be turned around, or an empty string."""
    if any(isinstance(part, int) for template in rule.logins for part in template.parts):
        return 'is for whoever it matches: write "{user}@example.test" under `senders` in the profile'
    if not pattern:
        return r"is neither one address (^user@example\.test$, dots escaped) nor one domain (@example\.test$)"
    if pattern[0] != "@":
        decides = table.holders(_address(pattern), exact_case=False, delimiter="")
        line = decides[0][1] if decides else 0
        return "" if line == rule.line else f"is never reached: line {line} decides" if line else "is never reached"
    if depth:
        return "stands inside an `if`"
    for other, what, theirs in before:
        if what == pattern:
            return f"is never reached: line {other.line} decides"
        if not what:
            return f"comes after line {other.line}, which takes some addresses out, and which cannot be told"
        if what.endswith(pattern) and not logins <= theirs:
            return f"would take in {what}, which line {other.line} gives to others"
    return ""


def _address(pattern: str) -> Address:
    return parse_address(pattern.encode())
