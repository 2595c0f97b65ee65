"""What a display name shows beside its address.

Most readers show the name and hide the address, so a name is where deceit goes once addresses are bound. An address of
our domains, or one that belongs to a protected person or brand, may stand in a name only where the sender may use it;
other addresses in names are told of (`"bob@example.org via Tickets"` is honest). A name that reads like a protected one
(`mail.namesakes`) may be borne by the addresses that the profile lists for it, and by whoever owns one of them. A
comment behind the address is part of the name: some readers show both.

What is made of the profile for comparing is made once. Nothing here raises.
"""

import unicodedata
from collections import defaultdict
from collections.abc import Mapping
from functools import lru_cache
from typing import Final

from sealgate.checks.caller import Caller
from sealgate.checks.finding import Finding
from sealgate.checks.rules import RULES
from sealgate.mail.address import Address, AddressError, Mailbox, parse_address
from sealgate.mail.namesakes import Known
from sealgate.mail.reply import printable
from sealgate.mail.skeleton import domain_keys
from sealgate.mail.within import MAX_FOUND, Shown, addresses_within, shown_within
from sealgate.profile.model import Domain, Profile, Protected, SenderPattern
from sealgate.profile.rights import grant_for, own_grant
from sealgate.profile.same import Same

MAX_FINDINGS: Final = 20  # of one name: its record must not grow with its sender's zeal
_MAX_LABELS: Final = 20  # of what may be a domain


def check_name(mailbox: Mailbox, where: str, profile: Profile, caller: Caller) -> tuple[Finding, ...]:
    """Judge one display name of an author field.

    Args:
        mailbox: the name as a reader sees it, and its address.
        where: the field, for the finding.
        profile: for domains and protected names.
        caller: who sends.

    Returns:
        Each finding once, what is refused before what is told of; at most 20.
    """
    name = f"{mailbox.name} ({mailbox.comment})" if mailbox.comment else mailbox.name
    if not name:
        return ()
    findings = _protected_name(name, mailbox.address, where, profile, caller)
    within = shown_within(name)
    for shown in within:
        findings += _judge(shown, mailbox.address, where, profile, caller)
    written = {shown.address for shown in within}
    for text in addresses_within(_in_octets(name)) if not name.isascii() else ():
        if text not in written and profile.owns(text.rpartition("@")[2]):
            findings.append(
                _found("identity.display-address", f"read in octets the name shows {printable(text)}", where, text)
            )
    if len(within) >= MAX_FOUND:  # behind so many there may be one of ours that was not looked at
        about = within[-1].address or within[-1].drawn
        findings.append(_found("identity.display-address", f"{MAX_FOUND} addresses in one name", where, about))
    findings.sort(key=lambda finding: finding.rule.code == "identity.display-foreign")
    return tuple(dict.fromkeys(findings))[:MAX_FINDINGS]


def _judge(shown: Shown, bearer: Address, where: str, profile: Profile, caller: Caller) -> list[Finding]:
    """Judge what stands around one @ of a name."""
    text = shown.address
    if not text:
        if not _holds_ours(shown.drawn, profile):
            return []
        text, is_bound = f"{shown.local}@{shown.drawn}", True  # whose it is, a reader sees without a local part
    else:
        try:
            address = parse_address(text.encode())
        except AddressError:
            is_bound = _is_drawn_like_ours(shown.drawn, shown.domain, profile)
        else:
            if str(address).lower() == str(bearer).lower():
                return []
            if caller.identity and grant_for(profile, caller.identity, caller.principal, address) is not None:
                return []
            is_bound = _is_protected(address, profile) or _is_drawn_like_ours(shown.drawn, address.domain, profile)
    # A list that puts its own address into From names the author beside it: `"bob@example.test via Talk" <talk@...>`.
    code = "identity.display-address" if is_bound and not caller.is_forwarder else "identity.display-foreign"
    return [_found(code, f"the name shows {printable(text)}, the address is {bearer}", where, text)]


def _protected_name(name: str, bearer: Address, where: str, profile: Profile, caller: Caller) -> list[Finding]:
    if not profile.protected:
        return []
    found: list[Finding] = []
    for index in _known(Same(profile.protected)).borne_in(name):
        each = profile.protected[index]
        if not _may_bear(each, bearer, profile, caller):
            detail = f"the name {printable(name)} reads like {printable(each.name)}, who is not {bearer}"
            found.append(_found("identity.protected-name", detail, where, each.name))
    return found[:MAX_FINDINGS]


def _may_bear(protected: Protected, bearer: Address, profile: Profile, caller: Caller) -> bool:
    """Whether an address may bear a protected name: one that is listed, or one that its owner may use as well."""
    if any(_matches(pattern, bearer, profile) for pattern in protected.senders):
        return True
    if caller.identity is None or caller.is_forwarder:
        return False
    return grant_for(profile, caller.identity, caller.principal, bearer) is not None and any(
        _is_own(pattern, profile, caller) for pattern in protected.senders
    )


def _is_own(pattern: SenderPattern, profile: Profile, caller: Caller) -> bool:
    """Whether the caller owns what a protected name is borne by; what is delegated to them makes nobody its owner."""
    if caller.identity is None:
        return False
    if not pattern.local or pattern.domain == "*":
        return pattern in caller.identity.senders
    address = Address(pattern.local, pattern.domain)
    return own_grant(profile, caller.identity, caller.principal, address) is not None


def _in_octets(name: str) -> str:
    """The name as a program shows it that keeps one octet of each character."""
    return "".join(chr(ord(c) & 0xFF) for c in name)


def _is_drawn_like_ours(drawn: str, domain: str, profile: Profile) -> bool:
    """Whether a domain is ours or below one of ours, or cannot be told from such a one on a screen (UTS 39)."""
    if profile.owns(domain):
        return True
    ours = _drawn_domains(Same(profile.domains))
    for key in domain_keys(drawn) | domain_keys(_letters(domain)):
        labels = key.split(".")[-_MAX_LABELS:]
        if any(".".join(labels[at:]) in ours for at in range(len(labels))):
            return True
    return False


def _holds_ours(drawn: str, profile: Profile) -> bool:
    """Whether a text that is no plain domain shows one of ours, whatever stands around it."""
    ours = _drawn_domains(Same(profile.domains))
    for key in domain_keys(drawn):
        labels = "".join(c if c.isalnum() or c in "-." or unicodedata.category(c)[0] == "M" else " " for c in key)
        for run in labels.split():
            parts = run.strip("-.").split(".")[:_MAX_LABELS]
            ends = range(len(parts) + 1)
            if any(".".join(parts[start:end]) in ours for start in ends for end in ends[start + 1 :]):
                return True
    return False


def _letters(domain: str) -> str:
    """A domain as a reader draws it: A-labels as the letters they stand for (RFC 3492)."""
    if "xn--" not in domain:
        return domain
    try:
        return ".".join(
            label[4:].encode("ascii").decode("punycode") if label.startswith("xn--") else label
            for label in domain.split(".")
        )
    except UnicodeError:
        return domain


def _is_protected(address: Address, profile: Profile) -> bool:
    patterns = _protected_senders(Same(profile.protected))
    return any(
        _matches(pattern, address, profile) for domain in (address.domain, "*") for pattern in patterns.get(domain, ())
    )


def _matches(pattern: SenderPattern, address: Address, profile: Profile) -> bool:
    return pattern.matches(address, exact_case=profile.exact_local_parts, delimiter=profile.recipient_delimiter)


@lru_cache(maxsize=8)
def _known(protected: Same[tuple[Protected, ...]]) -> Known:
    return Known(each.name for each in protected.value)


@lru_cache(maxsize=8)
def _protected_senders(protected: Same[tuple[Protected, ...]]) -> Mapping[str, tuple[SenderPattern, ...]]:
    """What protected names are borne by, by domain."""
    found: dict[str, list[SenderPattern]] = defaultdict(list)
    for each in protected.value:
        for pattern in each.senders:
            found[pattern.domain].append(pattern)
    return {domain: tuple(patterns) for domain, patterns in found.items()}


@lru_cache(maxsize=8)
def _drawn_domains(domains: Same[Mapping[str, Domain]]) -> frozenset[str]:
    """The keys of our domains, as they are drawn in small letters and in capitals."""
    drawn = [_letters(domain) for domain in domains.value]
    return frozenset(key for each in drawn for key in domain_keys(each) | domain_keys(each.upper()))


def _found(code: str, detail: str, where: str, about: str) -> Finding:
    return Finding(RULES[code], detail, where, about=about)
