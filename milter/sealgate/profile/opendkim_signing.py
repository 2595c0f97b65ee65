"""Which keys sign whose mail in an OpenDKIM configuration, as rows of our own patterns.

`read_rules` reads the tables or the single key, and gives one `Rule` for each pair of authors and key in the order in
which OpenDKIM tries them, with `%` filled in. What cannot be said is a remark that stops the import.
"""

from collections import defaultdict
from dataclasses import dataclass, field

from sealgate.mail.address import AddressError, normal_domain
from sealgate.profile.nodes import shown
from sealgate.profile.opendkim import Configuration, Files, Remarks, Spot
from sealgate.profile.opendkim_authors import Authors, NeverError, UnsayableError, author_of
from sealgate.profile.opendkim_tables import (
    DataSet,
    SigningRow,
    TableKey,
    absolute,
    read_dataset,
    read_keys,
    read_signing,
)

_A_ROW_EACH = "write a row for each domain"


@dataclass(frozen=True, slots=True)
class KeyUse:
    """A key as a signature names it, and where it lies."""

    domain: str
    selector: str
    path: str


@dataclass(frozen=True, slots=True)
class Rule:
    """One key for some authors; `signer` is what `i=` is made of, with `%` for the author's domain."""

    authors: Authors
    use: KeyUse
    at: Spot
    signer: str = ""


@dataclass(frozen=True, slots=True)
class Rules:
    """All of them, in order.

    Attributes:
        every_match: whether each rule that fits signs; else the first alone.
        subdomains: whether hosts below an `@domain` that have none of their own are meant as well (SubDomains).
        exempt: domains whose mail is left alone.
    """

    rules: tuple[Rule, ...] = ()
    every_match: bool = False
    subdomains: bool = False
    exempt: tuple[str, ...] = ()


@dataclass(slots=True)
class _Reader:
    conf: Configuration
    files: Files
    remarks: Remarks
    keys: dict[str, TableKey] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)
    paths: dict[tuple[str, str], tuple[str, Spot]] = field(default_factory=dict)


def read_rules(conf: Configuration, files: Files, remarks: Remarks) -> Rules:
    """Read what signs what."""
    reader = _Reader(conf, files, remarks)
    exempt = tuple(_exact("ExemptDomains", reader))
    if not conf.text("KeyTable"):
        for name in set(exempt) & set(_exact("Domain", reader)) if conf.says("SubDomains") else ():
            message = f"{name} is exempt and hosts below it are signed by SubDomains, which cannot be said here"
            remarks.stop(conf.at("ExemptDomains"), message, f"take {name} out of Domain or of ExemptDomains")
        return Rules(tuple(_single(reader)), subdomains=conf.says("SubDomains"), exempt=exempt)
    for name in ("Domain", "KeyFile", "Selector", "SubDomains"):
        if conf.text(name):
            remarks.note(conf.at(name), f"{name} has no effect where there is a KeyTable")
    rules = tuple(_by_tables(reader))
    every = conf.says("MultipleSignatures")
    if every:
        _tell_of_three(rules, remarks)
        return Rules(rules, every, exempt=exempt)
    return Rules(tuple(_first_of_each(rules, remarks)), exempt=exempt)


def _single(reader: _Reader) -> list[Rule]:
    """Domain, KeyFile and Selector: one key for all of the domains."""
    conf = reader.conf
    for name in ("Domain", "KeyFile", "Selector"):
        if not conf.text(name):
            what = "neither KeyTable nor all of Domain, KeyFile and Selector" if name == "Domain" else f"no {name}"
            reader.remarks.stop(Spot(conf.file), f"there is {what}: nothing is signed")
            return []
    path = absolute(conf.text("KeyFile"), conf)
    return [
        Rule(Authors("", domain), use, conf.at("Domain"))
        for domain in _exact("Domain", reader)
        if (use := _use(domain, conf.text("Selector"), path, conf.at("KeyFile"), reader)) is not None
    ]


def _exact(name: str, reader: _Reader) -> list[str]:
    """The domains of a data set that can be written out."""
    data = read_dataset(name, reader.conf, reader.files, reader.remarks)
    found: dict[str, None] = {}
    for row in data.rows if data else ():
        if "*" in row.key:
            message = f"{name} {shown(row.key)} means domains that are not known"
            reader.remarks.stop(row.at, message, "write every domain out")
            continue
        try:
            found[normal_domain(row.key)] = None
        except AddressError as error:
            reader.remarks.stop(row.at, f"{name}: {shown(row.key)} is no mail domain: {error}")
    return list(found)


def _by_tables(reader: _Reader) -> list[Rule]:
    conf, remarks = reader.conf, reader.remarks
    keys = read_dataset("KeyTable", conf, reader.files, remarks)
    table = read_dataset("SigningTable", conf, reader.files, remarks)
    if not conf.text("SigningTable"):
        remarks.stop(conf.at("KeyTable"), "there is a KeyTable and no SigningTable: nothing is signed without a script")
    if keys is None or table is None:
        return []
    if keys.patterns:
        remarks.stop(conf.at("KeyTable"), "a KeyTable with wildcards (refile:) is not supported", "write the names out")
        return []
    reader.keys = read_keys(keys, conf, remarks)
    found = [rule for row in read_signing(table, remarks) for rule in _rules_of(row, table, reader)]
    for name, key in reader.keys.items():
        if name not in reader.used:
            remarks.note(key.at, f"key {shown(name)} signs nothing: no row of the SigningTable names it")
    return found


def _rules_of(row: SigningRow, table: DataSet, reader: _Reader) -> list[Rule]:
    """One row: one rule, or several where `%` is filled in."""
    try:
        authors = author_of(row.pattern, wildcards=table.patterns)
    except NeverError as error:
        reader.remarks.note(row.at, f"{shown(row.pattern)} fits no address, and is left out: {error}")
        return []
    except UnsayableError as error:
        reader.remarks.stop(row.at, f"{shown(row.pattern)} cannot be said here: {error.args[0]}", error.args[1])
        return []
    if "xn--" in authors.domain:
        told = f"{authors} means both spellings of the domain here; OpenDKIM compares the text"
        reader.remarks.note(row.at, told)
    if row.key != "%":
        key = reader.keys.get(row.key)
        if key is None:
            reader.remarks.stop(row.at, f"there is no key {shown(row.key)} in the KeyTable: OpenDKIM defers such mail")
            return []
        return _with_key(authors, row, key, reader)
    if not authors.is_open:
        return _named(authors, row, [authors.domain], reader)
    names = [name for name in reader.keys if authors.admits(name)]
    told = f"the key is named like the author's domain: carried over for the {len(names)} of the KeyTable"
    reader.remarks.note(row.at, f"{told}; OpenDKIM defers mail of other domains here, which is not done")
    return _named(None, row, names, reader)


def _named(authors: Authors | None, row: SigningRow, names: list[str], reader: _Reader) -> list[Rule]:
    """Rules with keys that are named like domains."""
    found: list[Rule] = []
    for name in names:
        key = reader.keys.get(name)
        if key is None:
            reader.remarks.stop(row.at, f"there is no key {shown(name)} in the KeyTable: OpenDKIM defers such mail")
        else:
            found += _with_key(authors or Authors("", name), row, key, reader)
    return found


def _with_key(authors: Authors, row: SigningRow, key: TableKey, reader: _Reader) -> list[Rule]:
    reader.used.add(key.name)
    if key.domain != "%":
        pairs = [(authors, key.domain)]
    elif not authors.is_open:
        pairs = [(authors, authors.domain)]
    elif "%" not in key.path:
        message = f"key {shown(key.name)} signs with d= of whatever domain the author has, which cannot be said here"
        reader.remarks.stop(row.at, message, _A_ROW_EACH)
        return []
    else:
        filled = (name.lower() for name in reader.files.filled(key.path))
        domains = [name for name in filled if "." in name and authors.admits(name) and _is_domain(name)]
        if not domains:
            reader.remarks.stop(row.at, f"there is no file {key.path} for any domain", _A_ROW_EACH)
        told = f"carried over for the {len(domains)} domains that have a file {key.path}"
        reader.remarks.note(row.at, f"{told}; OpenDKIM defers mail of other domains here, which is not done")
        pairs = [(Authors("", name), name) for name in domains]
    uses = ((who, _use(domain, key.selector, key.path, key.at, reader)) for who, domain in pairs)
    return [Rule(who, use, row.at, row.signer) for who, use in uses if use is not None]


def _use(domain: str, selector: str, path: str, at: Spot, reader: _Reader) -> KeyUse | None:
    try:
        name = normal_domain(domain)
    except AddressError as error:
        reader.remarks.stop(at, f"{shown(domain)} is no mail domain: {error}")
        return None
    path = path.replace("%", name)
    if not path.startswith("/"):
        reader.remarks.stop(at, f"{shown(path)} is not absolute", "write the whole path, or set BaseDirectory")
        return None
    first, where = reader.paths.setdefault((name, selector.lower()), (path, at))
    if first != path:
        message = f"{selector}._domainkey.{name} has another key file at {where}"
        reader.remarks.stop(at, message, "one name in the DNS has one key (RFC 6376 3.6.2.2): keep one of them")
        return None
    return KeyUse(name, selector, path)


def _tell_of_three(rules: tuple[Rule, ...], remarks: Remarks) -> None:
    """Name authors whom three rows fit: OpenDKIM 2.11 loses all signatures between the first and the last."""
    by_authors: dict[Authors, list[KeyUse]] = defaultdict(list)
    for rule in rules:
        by_authors[rule.authors].append(rule.use)
    for rule in rules:
        each = rule.authors
        uses = [use for other in (each, *each.wider()) for use in by_authors.get(other, ())]
        if len(uses) > 2 and len(set(uses)) > 1:
            told = f"{len(uses)} rows sign for {each}; OpenDKIM 2.11 signs by the first and the last alone"
            remarks.note(rule.at, told, "here all of them sign, as its manual says: take out what you do not want")
            return


def _is_domain(name: str) -> bool:
    try:
        return normal_domain(name) == name
    except AddressError:
        return False


def _first_of_each(rules: tuple[Rule, ...], remarks: Remarks) -> list[Rule]:
    """Leave out what never has its turn where the first rule that fits ends the search."""
    found: list[Rule] = []
    seen: dict[Authors, Rule] = {}
    for rule in rules:
        above = next((seen[each] for each in (rule.authors, *rule.authors.wider()) if each in seen), None)
        if above is not None:
            told = f"{rule.authors} has no effect: {above.authors} at {above.at} comes before it"
            remarks.note(rule.at, f"{told}, and MultipleSignatures is off")
            continue
        seen[rule.authors] = rule
        found.append(rule)
    return found
