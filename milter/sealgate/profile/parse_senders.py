"""What `senders:` may hold, read: addresses, `@domain`, `{user}@domain`, `*`, and one file of senders.

The forms that stand for other people's addresses are for identities only; delegations and protected names take plain
addresses and `@domain`. Nothing here raises; what is wrong is noted with its place. What a file of senders holds is
read elsewhere.
"""

from dataclasses import dataclass, field
from typing import Final

from sealgate.mail.address import AddressError, normal_domain, parse_address
from sealgate.profile.fields import Fields, kind_of, read_fields, text_of
from sealgate.profile.form import CHOICES, KNOWN_KEYS
from sealgate.profile.model import USER, Place, SenderFile, SenderFormat, SenderPattern
from sealgate.profile.nodes import Listing, Node, Problems, Scalar, Table, shown
from sealgate.profile.parse_realms import Realms
from sealgate.profile.syntax import quote_hint

ANYBODY: Final = SenderPattern("*", "*")
_PLAIN: Final = 'write user@example.test, or "@example.test" for every address of exactly that domain'
_OWN: Final = f'write "{USER}@example.test" for the address that is named like who logs in'


def _sender_hint(text: str) -> str:
    if hint := quote_hint(text):
        return hint
    if text.count("@") > 1:
        return "a comma between them?" if len(text.split()) > 1 or ";" in text else "write one address"
    if USER in text:
        return _OWN
    return _PLAIN if "*" in text or "@" not in text or text[0] == "@" else ""


@dataclass(slots=True)
class SenderReader:
    """Reads patterns; the domains met so far are kept, since a profile names few of them many times."""

    problems: Problems
    _domains: dict[str, str] = field(default_factory=dict)  # as written -> normal form

    def pattern(self, text: str, place: Place) -> SenderPattern | None:
        """Read an address, `@domain`, `{user}@domain` or `*`; None, with a problem noted, where it is none."""
        try:
            return self._pattern(text)
        except AddressError as error:
            self.problems.error(place, f"{shown(text)} is no sender: {error}", _sender_hint(text))
            return None

    def plain(self, fields: Fields) -> tuple[SenderPattern, ...]:
        """Read a list `senders` of addresses and `@domain` only."""
        found: list[SenderPattern] = []
        for text, place in fields.texts("senders"):
            pattern = self.pattern(text, place)
            if pattern is None:
                continue
            if pattern == ANYBODY or pattern.local == USER:
                self.problems.error(place, f"{shown(text)} cannot stand here: it is nobody's address", _PLAIN)
            elif pattern not in found:
                found.append(pattern)
        return tuple(found)

    def _pattern(self, text: str) -> SenderPattern:
        if text == "*":
            return ANYBODY
        local, at, domain = text.rpartition("@")
        if at and local in ("", USER):
            if domain not in self._domains:
                self._domains[domain] = normal_domain(domain)
            return SenderPattern(local, self._domains[domain])
        address = parse_address(text.encode("utf-8"))
        if USER in address.local:
            raise AddressError(f"{USER} must be all that stands before the @")
        # "*", "{" and "}" are atext (RFC 5322 3.2.3), but nobody who writes them here means the character.
        if "*" in address.local:
            raise AddressError("wildcards are not read")
        if "{" in address.local or "}" in address.local:
            raise AddressError(f"only {USER} may stand in braces")
        return SenderPattern(address.local, address.domain)


@dataclass(slots=True)
class SendersRead:
    """`senders` of one identity."""

    patterns: list[tuple[SenderPattern, Place]] = field(default_factory=list)
    file: SenderFile | None = None


def read_senders(fields: Fields, reader: SenderReader, realms: Realms) -> SendersRead:
    """Read the `senders` of an identity: a list that may hold one file among its patterns, or a file alone."""
    found = SendersRead()
    node = fields.nodes.get("senders")
    nodes = (node,) if isinstance(node, Table) else fields.items("senders")
    for entry in nodes:
        if isinstance(entry, Table) and not _is_unquoted_user(entry):
            source = _sender_file(entry, realms)
            if found.file is not None:
                fields.problems.error(entry.place, "an identity may have one file of senders", "put both in one file")
            found.file = found.file or source
            continue
        text = text_of(entry, "an entry of `senders`", fields.problems)
        pattern = reader.pattern(text, entry.place) if text is not None else None
        if pattern is not None:
            found.patterns.append((pattern, entry.place))
    return found


def _is_unquoted_user(node: Table) -> bool:
    """Whether this is `{user}` without quotes, which YAML takes for a mapping."""
    (key, value), *rest = node.pairs or ((Scalar("", True, node.place), node),)
    return not rest and key.text == "user" and isinstance(value, Scalar) and not value.text


def _sender_file(node: Node, realms: Realms) -> SenderFile:
    problems = realms.problems
    fields = read_fields(node, KNOWN_KEYS["identities.*.senders"], "a file of senders", problems)
    path = fields.need_text("file")
    if path and not path.startswith("/"):
        problems.error(
            fields.at("file"), "the file of senders must be an absolute path", "such as /etc/sealgate/senders"
        )
    realm = fields.text("realm")
    if realm:
        realms.admits(realm, fields.at("realm"))
    written = fields.choice("format", CHOICES["identities.*.senders.format"], SenderFormat.LOGINS)
    return SenderFile(path, SenderFormat(written), realm, problems.line(node.place))


def has_entries(fields: Fields, key: str) -> bool:
    """Whether anything was written under `key`, right or wrong."""
    node = fields.nodes.get(key)
    if isinstance(node, Listing):
        return bool(node.nodes)
    return isinstance(node, Table) or (node is not None and kind_of(node) != "nothing")
