"""OpenDKIM's rules as the shortest `domains:` and `signatures:` that say the same.

Most sites sign each domain's mail with that domain's own keys, which `domains:` says alone. `plan_signing` finds the
domains for which that is the whole truth; every other rule becomes a row of `signatures:`, in its place, and a domain
that only lends its keys says `sign: no`, so that no author falls back on them.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from sealgate.profile.nodes import shown
from sealgate.profile.opendkim import Remarks
from sealgate.profile.opendkim_authors import EVERYBODY, Authors, above
from sealgate.profile.opendkim_signing import KeyUse, Rule, Rules


@dataclass(frozen=True, slots=True)
class DomainPlan:
    """An entry of `domains:`. `auid` is a word of the profile, or empty."""

    name: str
    sign: bool
    keys: tuple[KeyUse, ...]
    subdomains: bool = False
    auid: str = ""


@dataclass(frozen=True, slots=True)
class RowPlan:
    """A row of `signatures:`. `auid` is a fixed value of `i=`, or empty."""

    authors: tuple[str, ...]
    keys: tuple[str, ...]
    last: bool
    auid: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """Both sections."""

    domains: tuple[DomainPlan, ...]
    rows: tuple[RowPlan, ...]


def plan_signing(rules: Rules, remarks: Remarks) -> Plan:
    """Say the rules in the profile's words."""
    kept = tuple(rule for rule in rules.rules if rule.authors.below or rule.authors.domain not in rules.exempt)
    uses: dict[str, dict[KeyUse, None]] = defaultdict(dict)
    for rule in kept:
        uses[rule.use.domain][rule.use] = None
    plain, wide = _simple(kept, rules, uses)
    auids = _auids(kept, remarks)
    below = plain if rules.subdomains else wide
    domains = [
        DomainPlan(name, name in plain, tuple(found), name in below, auids.get(name, ""))
        for name, found in uses.items()
    ]
    domains += [DomainPlan(name, False, ()) for name in rules.exempt if name not in uses]
    rest = [r for r in kept if r.authors.local or r.authors.domain not in (wide if r.authors.below else plain)]
    rows = list(_rows(rest, last=not rules.every_match))
    shut = tuple(f"@{name}" for name in rules.exempt if any(r.authors.admits(name) for r in rest))
    if shut:
        rows.insert(0, RowPlan(shut, ("own",), True))  # own keys of a domain that says `sign: no`: none
    return Plan(tuple(domains), tuple(rows))


def _simple(
    kept: tuple[Rule, ...], rules: Rules, uses: dict[str, dict[KeyUse, None]]
) -> tuple[frozenset[str], frozenset[str]]:
    """Domains that sign their own mail with all their keys, and those of them that do so for the hosts below.

    Begins with all that might, and takes out whatever another rule reaches, until nothing changes.
    """
    by_authors: dict[Authors, list[Rule]] = defaultdict(list)
    for rule in kept:
        by_authors[rule.authors].append(rule)
    if EVERYBODY in by_authors:
        return frozenset(), frozenset()
    own = {name: set(found) for name, found in uses.items()}
    able = [a for a in by_authors if not a.local and _all_own(by_authors[a], own.get(a.domain, set()), a.domain)]
    plain = {a.domain for a in able if not a.below} - set(rules.exempt)
    if rules.every_match:
        plain -= {a.domain for a in by_authors if a.local}  # of whom the domain's own keys sign as well
    reach = _Reach(by_authors, uses, rules)
    wide = {a.domain for a in able if a.below and not any(up in reach.open for up in above(a.domain))}
    while True:
        better_wide = {name for name in wide & plain if reach.leaves(name, plain)}
        better_plain = {n for n in plain if all(up in better_wide for up in above(n) if up in reach.open)}
        if better_wide == wide and better_plain == plain:
            return frozenset(plain), frozenset(wide)
        plain, wide = better_plain, better_wide


class _Reach:
    """Which rules reach authors below a domain."""

    def __init__(self, by_authors: Iterable[Authors], uses: Iterable[str], rules: Rules) -> None:
        self.open = {a.domain for a in by_authors if a.below}
        self._order = {authors: number for number, authors in enumerate(by_authors)}
        self._rules = rules
        self._below: dict[str, list[Authors]] = defaultdict(list)
        self._keys: dict[str, list[str]] = defaultdict(list)
        for authors in by_authors:
            for name in above(authors.domain):
                if name in self.open:
                    self._below[name].append(authors)
        for domain in uses:
            for name in above(domain):
                if name in self.open:
                    self._keys[name].append(domain)

    def leaves(self, name: str, plain: set[str]) -> bool:
        """Whether all that is said of authors below a domain goes before its own word, as an entry or a row does."""
        mine = self._order[Authors("", name, below=True)]
        for authors in self._below[name]:
            if self._rules.every_match or authors.below or self._order[authors] > mine:
                return False
            if not authors.local and authors.domain not in plain:
                return False
        return all(each in plain or each in self._rules.exempt for each in self._keys[name])


def _all_own(found: list[Rule], own: set[KeyUse], name: str) -> bool:
    is_plain = not any(_fixed(rule) for rule in found)  # else it takes a row to say so
    return is_plain and {rule.use for rule in found} == own and all(use.domain == name for use in own)


def _rows(rules: Iterable[Rule], *, last: bool) -> Iterator[RowPlan]:
    """Rows in order; neighbours with one key, or of one author, are written as one."""
    authors: list[str] = []
    keys: list[str] = []
    auid = ""
    for rule in rules:
        who, key, fixed = str(rule.authors), f"{rule.use.domain}/{rule.use.selector}", _fixed(rule)
        if keys == [key] and auid == fixed:
            if who not in authors[-1:]:
                authors.append(who)
            continue
        if authors == [who] and auid == fixed and not last:
            if key not in keys:
                keys.append(key)
            continue
        if authors:
            yield RowPlan(tuple(authors), tuple(keys), last, auid)
        authors, keys, auid = [who], [key], fixed
    if authors:
        yield RowPlan(tuple(authors), tuple(keys), last, auid)


def _auids(rules: Iterable[Rule], remarks: Remarks) -> dict[str, str]:
    """What `auid` says for each signing domain, where all of its rules agree on something that can be said."""
    wanted: dict[str, dict[str, Rule]] = defaultdict(dict)
    for rule in rules:
        word = "" if "%" not in rule.signer else "domain" if rule.signer == "@%" else "?"
        if word == "?" and rule.authors.is_open:
            told = f"`i=` of {rule.authors} is not carried over: {shown(rule.signer)}"
            remarks.note(rule.at, told, "`auid` of a domain says none, @domain or the author's address")
        if not _fixed(rule) and (rule.authors.is_open or rule.authors.domain != rule.use.domain):
            wanted[rule.use.domain].setdefault("" if word == "?" else word, rule)
    for name, words in wanted.items():
        if len(words) > 1:
            told = f"some signatures of {name} name the author's domain in `i=` and some do not: none will"
            remarks.note(words["domain"].at, told)
    return {name: next(iter(words)) for name, words in wanted.items() if len(words) == 1}


def _fixed(rule: Rule) -> str:
    """What `i=` of a rule's signatures is whoever the author; empty where that is nothing of its own.

    Left out it means @ and d= (RFC 6376 3.5); what does not lie in d= is left out by OpenDKIM too.
    """
    if rule.signer == "@%" or (rule.authors.is_open and "%" in rule.signer):
        return ""
    found = rule.signer.replace("%", rule.authors.domain)
    local, at, host = found.rpartition("@")
    is_within = f".{host.lower()}".endswith(f".{rule.use.domain}")
    return found if at and is_within and (local or host.lower() != rule.use.domain) else ""
