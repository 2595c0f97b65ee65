"""OpenDKIM's InternalHosts as networks.

`read_hosts` gives the networks whose clients are trusted without a login: addresses and CIDR blocks less those that a
`!` takes out, the longer prefix first, as opendkim.conf(5) says under PeerList. Hosts by name are found there by what
DNS says of a client, and cannot be said in a profile: each is named. Nothing raises.
"""

from collections.abc import Iterable, Sequence
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Final, TypeAlias

from sealgate.profile.nodes import shown
from sealgate.profile.opendkim import Configuration, Files, Remarks
from sealgate.profile.opendkim_tables import Row, read_dataset

MAX_NETWORKS: Final = 1_000
Block: TypeAlias = IPv4Network | IPv6Network

HOST_V4: Final = IPv4Network("127.0.0.1/32")
HOST_V6: Final = IPv6Network("::1/128")
_USUAL: Final = (HOST_V4,)  # where InternalHosts is not given


def read_hosts(conf: Configuration, files: Files, remarks: Remarks) -> tuple[Block, ...]:
    """Read InternalHosts; without it, 127.0.0.1."""
    if not conf.text("InternalHosts"):
        return _USUAL
    data = read_dataset("InternalHosts", conf, files, remarks)
    if data is None:
        return ()
    if data.patterns:
        hint = "write addresses and networks, in a file without wildcards"
        remarks.stop(conf.at("InternalHosts"), "InternalHosts with wildcards (refile:) is not supported", hint)
        return ()
    within: dict[Block, bool] = {}  # whether it is in; of both, `!` is looked up first
    for row in data.rows:
        for block, is_in in _blocks(row, remarks):
            within[block] = within.get(block, True) and is_in
    found = _less(within)
    if len(found) > MAX_NETWORKS:
        remarks.stop(conf.at("InternalHosts"), f"InternalHosts comes to more than {MAX_NETWORKS:,} networks")
        return ()
    if any(not block.prefixlen for block in found):
        hint = "whoever can reach the MTA would get mail signed: name networks of yours"
        remarks.stop(conf.at("InternalHosts"), "InternalHosts trusts every address there is", hint)
        return tuple(block for block in found if block.prefixlen)
    return found


def is_here(blocks: Iterable[Block]) -> bool:
    """Whether mail by sendmail(1) on this host counts as internal: OpenDKIM sees it come from 127.0.0.1."""
    return any(isinstance(block, IPv4Network) and HOST_V4.subnet_of(block) for block in blocks)


def _blocks(row: Row, remarks: Remarks) -> Sequence[tuple[Block, bool]]:
    negated = row.key.startswith("!")
    text = row.key.removeprefix("!")
    if text.lower() == "localhost":
        remarks.note(row.at, "localhost is carried over as 127.0.0.1 and ::1")
        return [(HOST_V4, not negated), (HOST_V6, not negated)]
    address, slash, bits = text.partition("/")
    if address.startswith("[") and address.endswith("]"):
        address = address[1:-1]
    try:
        loose = ip_network(f"{address}{slash}{bits}", strict=False)
    except ValueError:
        _tell_of_name(row, text, remarks)
        return []
    # It looks up an address text by text, so a block must be written by its first address and the number of bits.
    if slash and (not bits.isdecimal() or str(loose.network_address) != address.lower()):
        remarks.note(row.at, f"{shown(row.key)} never fits in OpenDKIM, and is left out", f"do you mean {loose}?")
        return []
    if isinstance(loose, IPv6Network) and (mapped := loose.network_address.ipv4_mapped) and loose.prefixlen >= 96:
        loose = ip_network(f"{mapped}/{loose.prefixlen - 96}")
    return [(loose, not negated)]


def _tell_of_name(row: Row, text: str, remarks: Remarks) -> None:
    if "*" in text:
        remarks.note(row.at, f"{shown(row.key)} never fits in OpenDKIM, which has no wildcards here: it is left out")
        return
    what = "every host below it" if text.startswith(".") else "that host"
    hint = f"write the addresses of {what} in its place; or take it out, if these clients log in or none needs it"
    message = f"InternalHosts {shown(row.key)} is trusted by name, and a profile trusts addresses only"
    remarks.stop(row.at, message, hint)


def _less(within: dict[Block, bool]) -> tuple[Block, ...]:
    """What is in, with what a longer prefix takes out taken out."""
    found: list[Block] = []
    for block, is_in in sorted(within.items(), key=lambda pair: pair[0].prefixlen):
        if is_in:
            if not any(_holds(each, block) for each in found):
                found.append(block)
            continue
        found = [piece for each in found for piece in _without(each, block)]
        if len(found) > 10 * MAX_NETWORKS:
            break
    return tuple(sorted(found, key=lambda each: (each.version, each.network_address.packed, each.prefixlen)))


def _holds(outer: Block, inner: Block) -> bool:
    if isinstance(outer, IPv4Network) and isinstance(inner, IPv4Network):
        return inner.subnet_of(outer)
    return isinstance(outer, IPv6Network) and isinstance(inner, IPv6Network) and inner.subnet_of(outer)


def _without(outer: Block, inner: Block) -> Sequence[Block]:
    if not _holds(outer, inner):
        return [] if _holds(inner, outer) else [outer]
    if isinstance(outer, IPv4Network) and isinstance(inner, IPv4Network):
        return list(outer.address_exclude(inner))
    assert isinstance(outer, IPv6Network) and isinstance(inner, IPv6Network)  # noqa: S101, PT018 - narrows types
    return list(outer.address_exclude(inner))
