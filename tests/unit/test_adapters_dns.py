"""The resolver against servers that lie, stall and babble; real name servers are asked in tests/drivers/test_dns.py."""

import contextlib
import os
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealgate.adapters.dns import MAX_ALIASES, MAX_NEGATIVE, MAX_SECONDS, Resolver
from sealgate.app.ports import PortError, Txt
from tests.lab.bind import free_port

HERE = "127.0.0.1"
NAME = "s._domainkey.example.test"
SOA = "example.test. 60 IN SOA ns.example.test. root.example.test. 1 2 3 4 30"
# What a server does with a question: the datagrams to send back, in order.
Answerer = Callable[[dns.message.Message], list[bytes]]


def reply(
    query: dns.message.Message, *lines: str, flags: int = 0, rcode: int = 0, soa: str = SOA
) -> dns.message.Message:
    """An answer with these records; the authority section holds `soa`."""
    answer = dns.message.make_response(query, recursion_available=True)
    answer.flags |= flags
    answer.set_rcode(dns.rcode.Rcode(rcode))
    for line in lines:
        name, ttl, _, kind, rest = line.split(" ", 4)
        answer.answer.append(dns.rrset.from_text(name, int(ttl), "IN", kind, rest))
    if soa:
        name, ttl, _, kind, rest = soa.split(" ", 4)
        answer.authority.append(dns.rrset.from_text(name, int(ttl), "IN", kind, rest))
    return answer


def told(*lines: str, **more: object) -> Answerer:
    return lambda query: [reply(query, *lines, **more).to_wire(max_size=65_535)]  # type: ignore[arg-type]


@contextlib.contextmanager
def server(
    over_udp: Answerer, over_tcp: Callable[[socket.socket, dns.message.Message], None] | None = None
) -> Iterator[int]:
    """A name server of a test's own making; ends with the block."""
    port, stop = free_port(), threading.Event()
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    tcp = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    for each in (udp, tcp):
        each.bind((HERE, port))
        each.settimeout(0.05)
    tcp.listen()

    def serve_udp() -> None:
        while not stop.is_set():
            with contextlib.suppress(TimeoutError):
                octets, peer = udp.recvfrom(65_535)
                for datagram in over_udp(dns.message.from_wire(octets)):
                    udp.sendto(datagram, peer)

    def serve_tcp() -> None:
        while not stop.is_set():
            with contextlib.suppress(TimeoutError, ConnectionError, BrokenPipeError):
                wire, _ = tcp.accept()
                with wire:
                    wire.settimeout(5)
                    length = struct.unpack("!H", wire.recv(2, socket.MSG_WAITALL))[0]
                    query = dns.message.from_wire(wire.recv(length, socket.MSG_WAITALL))
                    assert over_tcp is not None
                    over_tcp(wire, query)

    threads = [threading.Thread(target=serve_udp), *([threading.Thread(target=serve_tcp)] if over_tcp else [])]
    for thread in threads:
        thread.start()
    try:
        yield port
    finally:
        stop.set()
        for thread in threads:
            thread.join()
        udp.close()
        tcp.close()


def ask(over_udp: Answerer, name: str = NAME, seconds: float = 3.0) -> Txt:
    with server(over_udp) as port:
        return Resolver((HERE,), port, seconds).txt(name)


def test_strings_are_joined_and_the_ttl_is_capped() -> None:
    assert ask(told(f'{NAME}. 60 IN TXT "v=DKIM1; " "p=\\000\\255"')) == Txt((b"v=DKIM1; p=\x00\xff",), False, 60)
    assert ask(told(f'{NAME}. 999999 IN TXT "a"')).seconds == MAX_SECONDS


def test_all_records_are_returned() -> None:
    found = ask(lambda q: [_with_two(q)])
    assert sorted(found.records) == [b"one", b"two"]


def _with_two(query: dns.message.Message) -> bytes:
    answer = reply(query)
    answer.answer.append(dns.rrset.from_text(f"{NAME}.", 60, "IN", "TXT", '"one"', '"two"'))
    return answer.to_wire()


@pytest.mark.parametrize("code", [dns.rcode.NOERROR, dns.rcode.NXDOMAIN])
def test_what_is_not_there_is_an_answer(code: dns.rcode.Rcode) -> None:
    assert ask(told(rcode=code)) == Txt((), False, 30)


def test_an_absence_is_kept_no_longer_than_our_cap_and_not_at_all_without_an_soa() -> None:
    assert ask(told(rcode=3, soa=SOA.replace(" 60 IN", " 9000 IN").replace("4 30", "4 9000"))).seconds == MAX_NEGATIVE
    assert ask(told(rcode=3, soa="")) == Txt((), False, 0)


def test_ad_is_asked_for_and_believed() -> None:
    asked: list[int] = []

    def answer(query: dns.message.Message) -> list[bytes]:
        asked.append(query.flags)
        return told(f'{NAME}. 60 IN TXT "a"', flags=dns.flags.AD)(query)

    assert ask(answer).is_secure
    assert asked[0] & dns.flags.AD
    assert asked[0] & dns.flags.RD


def test_aliases_within_an_answer_are_followed() -> None:
    chain = (f"{NAME}. 50 IN CNAME b.example.test.", "b.example.test. 40 IN CNAME c.other.test.")
    assert ask(told(*chain, 'c.other.test. 60 IN TXT "v"')) == Txt((b"v",), False, 40)
    assert ask(told(*chain, rcode=3)) == Txt((), False, 30), "the code is about the last name"


def test_an_alias_whose_target_is_left_out_is_asked_for() -> None:
    """The chain is as secure as its weakest answer, and lasts no longer than its shortest."""

    def answer(query: dns.message.Message) -> list[bytes]:
        if str(query.question[0].name) == f"{NAME}.":
            return told(f"{NAME}. 20 IN CNAME t.other.test.", soa="", flags=dns.flags.AD)(query)
        return told('t.other.test. 60 IN TXT "v"', flags=flag)(query)

    for flag in (dns.flags.AD, 0):
        assert ask(answer) == Txt((b"v",), bool(flag), 20)


def test_loops_and_long_chains_end() -> None:
    asked = 0

    def answer(query: dns.message.Message) -> list[bytes]:
        nonlocal asked
        asked += 1
        name = query.question[0].name.to_text()
        return told(f"{name} 9 IN CNAME x{asked}.example.test.", soa="")(query)

    with pytest.raises(PortError, match="aliases"):
        ask(answer)
    assert asked <= MAX_ALIASES + 1
    with pytest.raises(PortError, match="aliases"):
        ask(told(f"{NAME}. 9 IN CNAME b.test.", f"b.test. 9 IN CNAME {NAME}."))


@pytest.mark.parametrize("code", [dns.rcode.SERVFAIL, dns.rcode.REFUSED, dns.rcode.FORMERR, dns.rcode.NOTIMP])
def test_a_server_that_cannot_say_is_no_answer(code: dns.rcode.Rcode) -> None:
    with pytest.raises(PortError, match=dns.rcode.to_text(code)):
        ask(told(rcode=code))


def test_a_referral_is_no_absence() -> None:
    """RFC 2308 2.2: a server that does not recurse must not make a published key look missing."""
    with pytest.raises(PortError, match="no resolver"):
        ask(told(soa="example.test. 60 IN NS ns.elsewhere.test."))


def test_the_next_server_is_asked_and_the_deadline_holds_for_all() -> None:
    with server(told(f'{NAME}. 60 IN TXT "a"')) as port:
        begun = time.monotonic()
        # 127.0.0.2 has nobody on this port: refused at once.
        assert Resolver(("127.0.0.2", HERE), port, 3.0).txt(NAME).records == (b"a",)
        assert time.monotonic() - begun < 1
    with silent() as port:
        begun = time.monotonic()
        with pytest.raises(PortError, match=r"127\.0\.0\.1 port .* no answer in time"):
            Resolver((HERE, HERE, HERE), port, 0.6).txt(NAME)
        assert 0.5 < time.monotonic() - begun < 1.7  # a deadline for each of them would be 1.8


def test_nobody_there_is_told_apart_from_silence() -> None:
    with pytest.raises(PortError, match="refused"):
        Resolver((HERE,), free_port()).txt(NAME)


@contextlib.contextmanager
def silent() -> Iterator[int]:
    """A port that takes questions and never answers."""
    port = free_port()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as deaf:
        deaf.bind((HERE, port))
        yield port


def test_a_lost_datagram_is_asked_for_again() -> None:
    asked = 0

    def answer(query: dns.message.Message) -> list[bytes]:
        nonlocal asked
        asked += 1
        return [] if asked == 1 else told(f'{NAME}. 60 IN TXT "a"')(query)

    assert ask(answer, seconds=1.5).records == (b"a",)


def test_what_answers_another_question_is_not_heard() -> None:
    """Guesses of a third party neither poison the answer nor end the wait for it."""

    def answer(query: dns.message.Message) -> list[bytes]:
        other_id = reply(query, f'{NAME}. 60 IN TXT "forged"')
        other_id.id = query.id ^ 1
        other_name = dns.message.make_response(dns.message.make_query("other.test", "TXT"))
        other_name.id = query.id
        true = reply(query, f'{NAME}. 60 IN TXT "true"').to_wire()
        return [b"", b"\x00", os.urandom(40), query.to_wire(), other_id.to_wire(), other_name.to_wire(), true]

    assert ask(answer).records == (b"true",)


def test_records_of_another_name_or_class_are_not_taken() -> None:
    assert ask(told('other.test. 60 IN TXT "forged"')).records == ()


def test_a_cut_answer_is_asked_for_over_tcp() -> None:
    big = b"x" * 255

    def over_tcp(wire: socket.socket, query: dns.message.Message) -> None:
        octets = reply(query, f'{NAME}. 60 IN TXT "{big.decode()}" "{big.decode()}"').to_wire()
        wire.sendall(struct.pack("!H", len(octets)) + octets)

    whole = told(f'{NAME}. 60 IN TXT "{big.decode()}"', flags=dns.flags.TC)
    for cut in (whole, lambda query: [whole(query)[0][:100]]):  # BIND cuts between records, others within one
        with server(cut, over_tcp) as port:
            assert Resolver((HERE,), port).txt(NAME).records == (big + big,)


@pytest.mark.parametrize("how", ["drip", "hang", "close", "junk", "other", "cut"])
def test_a_hostile_tcp_server_cannot_hold_us(how: str) -> None:
    def over_tcp(wire: socket.socket, query: dns.message.Message) -> None:
        if how == "drip":
            wire.sendall(b"\xff\xff")
            with contextlib.suppress(OSError):
                for _ in range(40):
                    wire.sendall(b"\x00")
                    time.sleep(0.05)
        elif how == "hang":
            time.sleep(1.5)
        elif how == "junk":
            wire.sendall(b"\x00\x20" + os.urandom(32))
        elif how in ("other", "cut"):
            answer = reply(query, f'{NAME}. 60 IN TXT "forged"', flags=dns.flags.TC if how == "cut" else 0)
            answer.id ^= how == "other"
            wire.sendall(struct.pack("!H", len(answer.to_wire())) + answer.to_wire())

    with server(told(flags=dns.flags.TC), over_tcp) as port:
        begun = time.monotonic()
        with pytest.raises(PortError):
            Resolver((HERE,), port, 0.9).txt(NAME)
        assert time.monotonic() - begun < 1.45  # the shortest of what they do takes 1.5


def test_a_huge_answer_does_no_harm() -> None:
    line = b"\xc0\x0c\x00\x10\x00\x01\x00\x00\x00\x3c\x00\x05\x04"  # a TXT record of the name in question

    def over_tcp(wire: socket.socket, query: dns.message.Message) -> None:
        head = bytearray(dns.message.make_response(query).to_wire()[:12])
        question = query.to_wire()[12 : 12 + len(dns.name.from_text(NAME).to_wire()) + 4]
        records = [line + struct.pack("!I", i) for i in range(3800)]
        head[4:12] = struct.pack("!HHHH", 1, len(records), 0, 0)
        octets = bytes(head) + question + b"".join(records)
        wire.sendall(struct.pack("!H", len(octets)) + octets)

    with server(told(flags=dns.flags.TC), over_tcp) as port:
        begun = time.process_time()
        assert len(Resolver((HERE,), port).txt(NAME).records) == 3800
        assert time.process_time() - begun < 2


@pytest.mark.parametrize(
    "name", ["", ".", "a..b", "x" * 64, ".".join(["a" * 60] * 5), "bücher.example.test", "\ud800.test", "a\\.b..c"]
)
def test_a_name_that_cannot_be_has_no_records(name: str) -> None:
    with silent() as port:
        assert Resolver((HERE,), port, 0.3).txt(name) == Txt((), seconds=MAX_NEGATIVE)


def test_names_are_taken_literally() -> None:
    asked: list[tuple[bytes, ...]] = []

    def answer(query: dns.message.Message) -> list[bytes]:
        asked.append(query.question[0].name.labels)
        return told(rcode=3)(query)

    ask(answer, "a\\046b \x00.test.")
    assert asked == [(b"a\\046b \x00", b"test", b"")]


@given(st.text(max_size=300))
def test_no_name_raises_anything_else(name: str) -> None:
    with contextlib.suppress(PortError):
        Resolver((HERE,), 1, 0.02).txt(name)


def test_no_datagram_raises_anything_else() -> None:
    """Answers with the right head, and anything behind it."""

    @given(st.binary(max_size=200), st.integers(0, 65_535), st.integers(0, 3), st.integers(0, 3))
    def fuzz(tail: bytes, flags: int, answers: int, authorities: int) -> None:
        junk.append((tail, flags, answers, authorities))
        with contextlib.suppress(PortError):
            Resolver((HERE,), port, 0.03).txt(NAME)

    def answer(query: dns.message.Message) -> list[bytes]:
        tail, flags, answers, authorities = junk[-1]
        wire = query.to_wire()
        question = wire[12 : 12 + len(dns.name.from_text(NAME).to_wire()) + 4]
        return [wire[:2] + struct.pack("!HHHHH", flags | 0x8000, 1, answers, authorities, 0) + question + tail]

    junk: list[tuple[bytes, int, int, int]] = []
    with server(answer) as port:
        fuzz()


def test_servers_are_addresses() -> None:
    with pytest.raises(PortError, match=r"'ns\.example\.test'"):
        Resolver(("ns.example.test",))
    assert Resolver(("::1", HERE)).servers == ("::1", HERE)


def test_without_servers_those_of_the_host_are_asked() -> None:
    try:
        assert Resolver().servers
    except PortError as error:
        assert "resolv.conf" in str(error)  # noqa: PT017 - a host without any


def test_no_descriptor_is_left_open() -> None:
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(20):
        with contextlib.suppress(PortError):
            Resolver((HERE,), 1, 0.02).txt(NAME)
    assert len(os.listdir("/proc/self/fd")) == before
