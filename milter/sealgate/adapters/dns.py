"""TXT records from the domain name system, with a deadline that holds whatever the far end does.

`Resolver` asks the name servers of this host, or those it is given, over UDP with EDNS (RFC 6891) and over TCP where an
answer was cut (RFC 7766). It promises one of two things within its seconds: a `Txt`, or `PortError`. A name that does
not exist, or could not, is an answer, and an empty one. Nothing is kept between two questions, so one resolver serves
any number of threads, and a descriptor is open no longer than its question. The far end is taken for hostile: an answer
of another address, port, number or question is not heard, loops and long chains of aliases end, and 64 KiB are the most
that is read. `Txt.is_secure` is the resolver's word; it is worth as much as the way to that resolver (RFC 4035 4.9.3).
"""

import socket
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

import dns.exception
import dns.flags
import dns.inet
import dns.message
import dns.name
import dns.query
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.resolver
import dns.rrset

from sealgate.app.ports import PortError, Txt

PAYLOAD: Final = 1232  # octets; what fits every path without fragments
MAX_ALIASES: Final = 8  # CNAMEs, all answers together
MAX_SECONDS: Final = 3600  # a withdrawn key shall be noticed within an hour, whatever TTL it had
MAX_NEGATIVE: Final = 300  # whoever waits for a record to appear shall not wait for our memory of its absence
_TRIES: Final = 3  # how many silent servers fit into the seconds
_LEAST: Final = 0.01  # seconds; less is no try


class _Useless(Exception):  # noqa: N818 - not an error of ours
    """A server's answer that settles nothing; the next one is asked."""


@dataclass(frozen=True, slots=True)
class _Step:
    """What one answer said: an end, or (`alias`) the name to ask for next."""

    records: tuple[bytes, ...]
    is_secure: bool
    seconds: int
    alias: dns.name.Name | None
    hops: int


class Resolver:
    """Fills `app.ports.Dns`."""

    def __init__(self, servers: tuple[str, ...] = (), port: int = 53, seconds: float = 3.0) -> None:
        """Take the servers to ask, without asking them anything.

        Args:
            servers: IPv4 or IPv6 addresses; none: those of /etc/resolv.conf as it is now.
            port: UDP and TCP port of all of them.
            seconds: for all tries of one question together, aliases included.

        Raises:
            PortError: a server is no IP address, or this host has none configured.
        """
        self._servers = servers or _configured()
        self._port = port
        self._seconds = seconds
        if bad := [server for server in self._servers if not dns.inet.is_address(server)]:
            raise PortError(f"a name server is written as an IP address, and this is none: {bad[0]!r}")

    @property
    def servers(self) -> tuple[str, ...]:
        """The addresses that are asked, in this order."""
        return self._servers

    def txt(self, name: str) -> Txt:
        """Return the TXT records of a name, aliases followed.

        Args:
            name: with or without the last dot; no character has a special meaning, and what is no ASCII has no records.

        Raises:
            PortError: no answer in time, or none that can be relied on; the text names the servers and their reasons.
        """
        asked = _wire_name(name)
        if asked is None:
            return Txt((), seconds=MAX_NEGATIVE)
        end = time.monotonic() + self._seconds
        is_secure, seconds, hops = True, MAX_SECONDS, 0
        while True:
            step = self._ask(asked, end)
            is_secure = is_secure and step.is_secure
            seconds = min(seconds, step.seconds)
            hops += step.hops
            if step.alias is None:
                return Txt(step.records, is_secure, seconds)
            if hops >= MAX_ALIASES:
                raise PortError(f"{name}: more than {MAX_ALIASES} aliases, or a loop of them")
            asked = step.alias

    def _ask(self, name: dns.name.Name, end: float) -> _Step:
        """Ask the servers in turn, and again those that were silent, until one settles it."""
        left = list(self._servers)
        reasons: dict[str, str] = {}
        while left and (rest := end - time.monotonic()) > _LEAST:
            server = left.pop(0)
            try:
                return _read(self._exchange(name, server, min(rest, self._seconds / _TRIES)), name)
            except TimeoutError:
                reasons[server] = "no answer in time"
                left.append(server)
            except _Useless as error:
                reasons[server] = str(error)
            except OSError as error:
                reasons[server] = error.strerror or str(error)
        told = ", ".join(f"{server} port {self._port}: {why}" for server, why in reasons.items())
        raise PortError(f"no usable answer from the DNS ({told or f'not within {self._seconds:g} s'})")

    def _exchange(self, name: dns.name.Name, server: str, seconds: float) -> dns.message.Message:
        """One question to one server: UDP, then TCP if the answer was cut.

        Raises:
            TimeoutError: silence.
            OSError: it cannot be reached.
            _Useless: what came over TCP is no answer to this question.
        """
        end = time.monotonic() + seconds
        query = dns.message.make_query(name, dns.rdatatype.TXT, use_edns=0, payload=PAYLOAD)
        query.flags |= dns.flags.AD  # "tell me whether you checked it", RFC 6840 5.7
        answer = _over_udp(query, server, self._port, end)
        if not answer.flags & dns.flags.TC:
            return answer
        try:
            answer = dns.query.tcp(query, server, timeout=max(end - time.monotonic(), _LEAST), port=self._port)
        except dns.exception.Timeout as error:
            raise TimeoutError from error
        except (dns.exception.DNSException, EOFError, ValueError) as error:
            raise _Useless("its answer over TCP cannot be read") from error
        if answer.flags & dns.flags.TC:
            raise _Useless("its answer is cut even over TCP")
        return answer


def _over_udp(query: dns.message.Message, server: str, port: int, end: float) -> dns.message.Message:
    """Send, and hear the first answer to this question.

    The socket is connected, so the kernel drops what comes from elsewhere; what bears another number or question, or
    cannot be read, is waited past: whoever guesses must not be able to end the wait either.
    """
    family = dns.inet.af_for_address(server)
    with socket.socket(family, socket.SOCK_DGRAM) as wire:
        wire.settimeout(max(end - time.monotonic(), _LEAST))
        wire.connect(dns.inet.low_level_address_tuple((server, port), family))
        wire.send(query.to_wire())
        while (rest := end - time.monotonic()) > 0:
            wire.settimeout(rest)
            octets = wire.recv(65_535)
            with suppress(dns.exception.DNSException, ValueError, IndexError):
                answer = _parsed(octets)
                if query.is_response(answer):
                    return answer
    raise TimeoutError


def _parsed(octets: bytes) -> dns.message.Message:
    try:
        return dns.message.from_wire(octets, ignore_trailing=True)
    except (dns.message.Truncated, dns.exception.FormError, ValueError, IndexError):
        # A server may cut within a record: the head alone then says that TCP is to be used.
        if len(octets) > 12 and octets[2] & 0x02:
            return dns.message.from_wire(octets, question_only=True, ignore_trailing=True)
        raise


def _read(answer: dns.message.Message, name: dns.name.Name) -> _Step:
    """Follow the aliases within one answer to the records, to their absence, or to where it stops.

    Raises:
        _Useless: nothing follows from it.
    """
    code = answer.rcode()
    if code not in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN):
        raise _Useless(dns.rcode.to_text(code))
    is_secure = bool(answer.flags & dns.flags.AD)
    seconds, hops = MAX_SECONDS, 0
    while True:
        if records := _rrset(answer, name, dns.rdatatype.TXT):
            found = tuple(b"".join(record.strings) for record in records)
            return _Step(found, is_secure, min(seconds, records.ttl), None, hops)
        alias = _rrset(answer, name, dns.rdatatype.CNAME)
        if alias is None or hops >= MAX_ALIASES:
            break
        name, hops, seconds = alias[0].target, hops + 1, min(seconds, alias.ttl)
    if hops >= MAX_ALIASES:
        return _Step((), is_secure, seconds, name, hops)
    authority = {rrset.rdtype: rrset for rrset in answer.authority}
    soa = authority.get(dns.rdatatype.SOA)
    # RFC 6604 3: the code is about the last name of the chain.
    if code == dns.rcode.NOERROR and soa is None:
        if hops:
            return _Step((), is_secure, seconds, name, hops)
        if dns.rdatatype.NS in authority and not answer.flags & dns.flags.AA:  # RFC 2308 2.2: a referral, no absence
            raise _Useless("it knows only who else to ask; it is no resolver")
    lasts = min(soa.ttl, soa[0].minimum, MAX_NEGATIVE) if soa else 0  # RFC 2308 5
    return _Step((), is_secure, min(seconds, lasts), None, hops)


def _rrset(answer: dns.message.Message, name: dns.name.Name, kind: dns.rdatatype.RdataType) -> dns.rrset.RRset | None:
    return answer.get_rrset(answer.answer, name, dns.rdataclass.IN, kind)


def _wire_name(name: str) -> dns.name.Name | None:
    """The name as labels, taken literally: a backslash is a backslash. `None`: the DNS has no such names."""
    try:
        labels = name.removesuffix(".").encode("ascii").split(b".")
        return dns.name.Name((*labels, b""))
    except (UnicodeEncodeError, dns.exception.DNSException):  # an empty label or a long one, or all of it too long
        return None


def _configured() -> tuple[str, ...]:
    try:
        servers = dns.resolver.Resolver().nameservers
    except (dns.exception.DNSException, OSError) as error:
        raise PortError("this host has no name server configured: /etc/resolv.conf") from error
    return tuple(str(server) for server in servers)
