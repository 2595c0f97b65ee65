"""The sections `domains:` and `signatures:` of a profile: whose mail is signed, with which keys, in which form.

Nothing here raises or opens a file; what is wrong is noted with its place, and left out.
"""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from sealgate.mail.address import AddressError, normal_domain, parse_address
from sealgate.profile.fields import Fields, read_fields
from sealgate.profile.form import CHOICES, KNOWN_KEYS
from sealgate.profile.model import (
    OWN_KEYS,
    Auid,
    AuthorPattern,
    Domain,
    Form,
    Identity,
    KeySource,
    Place,
    SignatureRow,
)
from sealgate.profile.nodes import Node, Problems, Scalar, Table, near, shown

MAX_ROWS: Final = 10_000  # of `signatures`; each message is held against all of them
MAX_SIGNATURES: Final = 10  # by one row; each costs the time of one, and receivers look at few (RFC 6376 8.4)
MAX_TTL: Final = 10 * 365 * 86_400  # seconds; longer is a slip of the pen

# RFC 6376 3.1: sub-domain *("." sub-domain), and underscores, which are in use and which verifiers take. `seal.keys`
# reads no other.
_LABEL: Final = r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_SELECTOR: Final = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
_MAX_SELECTOR: Final = 63  # octets
_SPAN: Final = re.compile(r"([0-9]{1,9})([smhd])")
_SECONDS: Final = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}


def read_domains(top: Fields) -> MappingProxyType[str, Domain]:
    """Read the section `domains`."""
    found: dict[str, tuple[Domain, Place]] = {}
    for key, value in top.table("domains"):
        before = top.problems.errors
        name = ""
        try:
            name = normal_domain(key.text)
        except AddressError as error:
            top.problems.error(key.place, f"{shown(key.text)} is no mail domain: {error}")
        if name in found:
            top.problems.error(key.place, f"domain {name} was already given at {top.problems.at(found[name][1])}")
        domain = _domain(name, key, value, top.problems)
        if top.problems.errors == before:
            found[name] = (domain, key.place)
    return MappingProxyType({name: domain for name, (domain, _) in found.items()})


def read_signatures(
    top: Fields, domains: Mapping[str, Domain], identities: tuple[Identity, ...]
) -> tuple[SignatureRow, ...]:
    """Read the section `signatures`, after the two that its rows name."""
    rows = top.items("signatures")
    if len(rows) > MAX_ROWS:
        top.problems.error(rows[MAX_ROWS].place, f"more than {MAX_ROWS} rows of signatures")
    names = frozenset(identity.name for identity in identities)
    found = (_row(node, domains, names, top.problems) for node in rows[:MAX_ROWS])
    return tuple(row for row in found if row is not None)


def _domain(name: str, key: Scalar, value: Node, problems: Problems) -> Domain:
    fields = read_fields(value, KNOWN_KEYS["domains.*"], f"domain {shown(key.text)}", problems)
    if "sign" not in fields and isinstance(value, Table):
        problems.error(
            key.place, f"domain {shown(key.text)} does not say whether it signs", "write `sign: yes` or `sign: no`"
        )
    sign = fields.yes_no("sign", default=False)
    nodes = fields.items("keys")
    keys = tuple(_key(node, problems) for node in nodes)
    seen: dict[str, Place] = {}
    for node, source in zip(nodes, keys, strict=True):
        # Two keys under one DNS name cannot both be published (RFC 6376 3.6.2.2).
        first = seen.setdefault(source.selector.lower(), node.place)
        if source.selector and first != node.place:
            problems.error(node.place, f"selector {source.selector} was already given at {problems.at(first)}")
    head, _, body = fields.choice(
        "canonicalization", CHOICES["domains.*.canonicalization"], "relaxed/relaxed"
    ).partition("/")
    return Domain(
        name=name,
        sign=sign,
        keys=keys,
        subdomains=fields.yes_no("subdomains", default=False),
        header_form=Form(head),
        body_form=Form(body),
        auid=Auid(fields.choice("auid", CHOICES["domains.*.auid"], Auid.NONE)),
        timestamp=fields.yes_no("timestamp", default=True),
        ttl=_span(fields, "signature_ttl"),
        place=problems.line(key.place),
    )


def _key(node: Node, problems: Problems) -> KeySource:
    fields = read_fields(node, KNOWN_KEYS["domains.*.keys[]"], "a key", problems)
    if not isinstance(node, Table):
        return KeySource("", "")
    selector, file = fields.need_text("selector"), fields.need_text("file")
    if selector and (len(selector) > _MAX_SELECTOR or not _SELECTOR.fullmatch(selector)):
        problems.error(
            fields.at("selector"), f"{shown(selector)} is no selector", "letters, digits and hyphens, such as s2026"
        )
    if file and not file.startswith("/"):
        problems.error(fields.at("file"), "the key file must be an absolute path", "such as /etc/sealgate/keys/...")
    return KeySource(selector, file, problems.line(fields.at("file")))


def _span(fields: Fields, key: str) -> int:
    """Read a span of time in seconds, such as 14d; 0 where it is not given."""
    text = fields.text(key)
    if not text:
        return 0
    match = _SPAN.fullmatch(text)
    seconds = int(match[1]) * _SECONDS[match[2]] if match else 0
    if not 0 < seconds <= MAX_TTL:
        hint = "a number and s, m, h or d, such as 14d"
        fields.problems.error(fields.nodes[key].place, f"{shown(key)} must be a span of time, not {shown(text)}", hint)
        return 0
    return seconds


def _row(
    node: Node, domains: Mapping[str, Domain], identities: frozenset[str], problems: Problems
) -> SignatureRow | None:
    before = problems.errors
    fields = read_fields(node, KNOWN_KEYS["signatures[]"], "a row of `signatures`", problems)
    authors, named = _whom(node, fields, identities)
    nodes = fields.texts("keys", one_will_do=True)
    if fields.nodes and not nodes and problems.errors == before:
        problems.error(node.place, "a row of `signatures` needs `keys`", f"such as [{OWN_KEYS}]")
    if len(nodes) > MAX_SIGNATURES:
        problems.error(nodes[MAX_SIGNATURES][1], f"more than {MAX_SIGNATURES} keys for one message")
    keys = [_key_reference(text, place, domains, problems) for text, place in nodes]
    auid = _auid(fields, problems)
    host = auid.rpartition("@")[2]
    for key in keys:
        if auid and key is not None and key[0] != OWN_KEYS and not f".{host}".endswith(f".{key[0]}"):
            message = f"{shown(auid)} does not lie in {key[0]}, and i= must lie in d= (RFC 6376 3.5)"
            problems.error(fields.at("auid"), message)
    row = SignatureRow(
        keys=tuple(dict.fromkeys(key for key in keys if key is not None)),
        authors=authors,
        identities=named,
        auid=auid,
        is_last=fields.yes_no("last", default=False),
        place=problems.line(node.place),
    )
    return row if problems.errors == before and row.keys else None


def _whom(node: Node, fields: Fields, identities: frozenset[str]) -> tuple[tuple[AuthorPattern, ...], tuple[str, ...]]:
    """Read whom a row is for; an empty list, which would be everybody, was hardly meant so."""
    problems = fields.problems
    if fields.nodes and "authors" not in fields and "identities" not in fields:
        problems.error(node.place, "a row of `signatures` fits nobody", "say `authors:`, `identities:` or both")
    authors, named = (fields.texts(key, one_will_do=True) for key in ("authors", "identities"))
    for key in ("authors", "identities"):
        if key in fields and not fields.items(key, one_will_do=True):
            problems.error(fields.at(key), f"{shown(key)} names nobody", "leave it out, or name somebody")
    for name, place in named:
        if name not in identities:
            problems.error(place, f"there is no identity {shown(name)}", near(name, tuple(identities)))
    patterns = (_author(text, place, problems) for text, place in authors)
    return tuple(p for p in patterns if p is not None), tuple(name for name, _ in named)


def _auid(fields: Fields, problems: Problems) -> str:
    """Read an address or `@domain`; empty where it is not given."""
    text = fields.text("auid")
    if not text:
        return ""
    try:
        local, at, domain = text.rpartition("@")
        if at and not local:
            return f"@{normal_domain(domain)}"
        address = parse_address(text.encode("utf-8"))
    except AddressError as error:
        problems.error(fields.at("auid"), f"{shown(text)} cannot be i=: {error}", "an address, or @domain")
        return ""
    return f"{address.local}@{address.domain}" if address.local.isascii() else f"@{address.domain}"


def _author(text: str, place: Place, problems: Problems) -> AuthorPattern | None:
    hint = 'an address, "@example.test", "@.example.test" for the hosts below, or "*"'
    if text == "*":
        return AuthorPattern("", "*")
    try:
        local, at, domain = text.rpartition("@")
        if at and not local:
            return AuthorPattern("", ("." if domain[:1] == "." else "") + normal_domain(domain.removeprefix(".")))
        address = parse_address(text.encode("utf-8"))
        if "*" in address.local:
            raise AddressError("wildcards are not read")
    except AddressError as error:
        problems.error(place, f"{shown(text)} is no author: {error}", hint)
        return None
    return AuthorPattern(address.local.lower(), address.domain)


def _key_reference(
    text: str, place: Place, domains: Mapping[str, Domain], problems: Problems
) -> tuple[str, str] | None:
    """Read `own`, `domain` or `domain/selector`; the domain and its key must be under `domains:`."""
    if text == OWN_KEYS:
        return OWN_KEYS, ""
    written, _, selector = text.partition("/")
    try:
        domain = domains.get(normal_domain(written))
    except AddressError:
        domain = None
    if domain is None:
        hint = near(written, tuple(domains)) or f"{OWN_KEYS}, a domain, or domain/selector"
        problems.error(place, f"{shown(text)} names no domain under `domains:`", hint)
        return None
    known = [source.selector for source in domain.keys]
    if selector and selector not in known:
        hint = near(selector, known) or (f"its keys are {', '.join(known)}" if known else "it has none")
        problems.error(place, f"domain {domain.name} has no key {shown(selector)}", hint)
        return None
    return domain.name, selector
