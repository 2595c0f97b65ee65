"""What a display name shows beside its address.

Most readers show the name and hide the address, so a name is where deceit goes once addresses are bound. An address of
our domains, or one that belongs to a protected person or brand, may stand in a name only where the sender may use it;
other addresses in names are told of (`"bob@example.org via Tickets"` is honest). A name that looks like a protected
one (UTS 39 skeletons) may be borne only by the addresses the profile lists for it.
"""

from functools import lru_cache
from typing import Final

from sealgate.checks.caller import Caller
from sealgate.checks.finding import Finding
from sealgate.checks.rules import RULES
from sealgate.mail.address import Address, AddressError, Mailbox, addresses_within, parse_address
from sealgate.mail.reply import printable
from sealgate.mail.skeleton import readings, skeleton
from sealgate.mail.within import MAX_FOUND
from sealgate.profile.model import Profile, Protected
from sealgate.profile.rights import grant_for

MAX_WORDS: Final = 200  # of a name; a name is at most a line or two


def check_name(mailbox: Mailbox, where: str, profile: Profile, caller: Caller) -> tuple[Finding, ...]:
    """Judge one display name of an author field.

    Args:
        mailbox: the name as a reader sees it, and its address.
        where: the field, for the finding.
        profile: for domains and protected names.
        caller: who sends.
    """
    if not mailbox.name:
        return ()
    within = addresses_within(mailbox.name)
    findings = [f for text in within for f in _address_in_name(text, mailbox, where, profile, caller)]
    for text in addresses_within(_in_octets(mailbox.name)):
        if text not in within and text.rpartition("@")[2] in profile.domains:
            findings.append(
                _found("identity.display-address", f"read in octets the name shows {printable(text)}", where, text)
            )
    if len(within) >= MAX_FOUND:  # behind so many there may be one of ours that was not looked at
        findings.append(_found("identity.display-address", f"{MAX_FOUND} addresses in one name", where, within[-1]))
    findings += _protected_name(mailbox, where, profile)
    return tuple(dict.fromkeys(findings))


def _address_in_name(text: str, mailbox: Mailbox, where: str, profile: Profile, caller: Caller) -> tuple[Finding, ...]:
    try:
        address = parse_address(text.encode())
    except AddressError:
        is_bound = _is_drawn_like_ours(text.rpartition("@")[2], profile)
    else:
        if str(address).lower() == str(mailbox.address).lower():
            return ()
        if caller.identity is not None and grant_for(profile, caller.identity, caller.principal, address) is not None:
            return ()
        is_protected = any(_belongs(address, each, profile) for each in profile.protected)
        is_bound = is_protected or _is_drawn_like_ours(address.domain, profile)
    # A list that puts its own address into From names the author beside it: `"bob@example.test via Talk" <talk@...>`.
    code = "identity.display-address" if is_bound and not caller.is_forwarder else "identity.display-foreign"
    return (_found(code, f"the name shows {printable(text)}, the address is {mailbox.address}", where, text),)


def _protected_name(mailbox: Mailbox, where: str, profile: Profile) -> list[Finding]:
    if not profile.protected:
        return []
    seen = _words(mailbox.name)
    found: list[Finding] = []
    for each in profile.protected:
        is_alike = any(_bears(words, wanted) for words in seen for wanted in _wanted(each.name))
        if is_alike and not _belongs(mailbox.address, each, profile):
            detail = (
                f"the name {printable(mailbox.name)} reads like {printable(each.name)}, who is not {mailbox.address}"
            )
            found.append(_found("identity.protected-name", detail, where, each.name))
    return found


def _in_octets(name: str) -> str:
    """The name as a program shows it that keeps one octet of each character; empty where that changes nothing."""
    return "" if name.isascii() else "".join(chr(ord(c) & 0xFF) for c in name)


def _is_drawn_like_ours(domain: str, profile: Profile) -> bool:
    """Whether a domain is one of ours, or cannot be told from one on a screen (UTS 39)."""
    return domain in profile.domains or skeleton(_shown(domain)) in {skeleton(_shown(ours)) for ours in profile.domains}


def _shown(domain: str) -> str:
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


def _words(name: str) -> list[tuple[str, ...]]:
    """The words of a name, in each reading by which names are to be compared."""
    return [tuple(key.split()[:MAX_WORDS]) for key in readings(name)]


@lru_cache(maxsize=1_024)  # the same few names with every message
def _wanted(name: str) -> list[tuple[str, ...]]:
    return _words(name)


def _bears(seen: tuple[str, ...], wanted: tuple[str, ...]) -> bool:
    """Whether the words of a protected name stand in a name, in any order: `Chief, Carol` reads like `Carol Chief`.

    Words that were run together, or drawn apart letter by letter, are found as well.
    """
    if not wanted:
        return False
    if set(wanted) <= set(seen):
        return True
    whole = "".join(wanted)
    for start in range(len(seen)):
        run = ""
        for word in seen[start:]:
            run += word
            if len(run) >= len(whole):
                break
        if run == whole:
            return True
    return False


def _belongs(address: Address, protected: Protected, profile: Profile) -> bool:
    exact, delimiter = profile.exact_local_parts, profile.recipient_delimiter
    return any(p.matches(address, exact_case=exact, delimiter=delimiter) for p in protected.senders)


def _found(code: str, detail: str, where: str, about: str) -> Finding:
    return Finding(RULES[code], detail, where, about=about)
