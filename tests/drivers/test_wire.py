"""The MTA side of the milter protocol, against a scripted filter, against OpenDKIM, and against the gate.

The scripted filter records each packet, so the rules of Postfix's milter8(3) are held octet by octet; OpenDKIM says
whether libmilter agrees, and dkimpy whether the delivered copy is what was signed. The gate is then led by MTAs that
are not Postfix: of other versions, with other macros, waiting for each answer, or handing their connection on.
"""

import contextlib
import re
import shutil
import socket
import struct
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Self

import dkim
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.bench.messages import newsletter
from tests.bench.ratio import BenchError, OpenDkim, Served, judged, load_program, measure
from tests.drivers.cases import profile_text
from tests.drivers.wire import ACTIONS, HDR_LEADSPC, STEPS, Copy, Edit, Transaction, Wire, WireError
from tests.lab.gate import Gate
from tests.lab.verify import dkimpy_verdict

NR_HEADER, NR_ALL = 0x80, 0xFF080
MESSAGE = b"From: a@example.test\r\nSubject:  two\r\n\tfolds\r\nEmpty:\r\n\r\nHello\r\n"
Packet = tuple[str, bytes]


def packet(octet: bytes, data: bytes = b"") -> bytes:
    return struct.pack("!I", 1 + len(data)) + octet + data


class Scripted:
    """A filter on a Unix socket that answers `c`, or what `says` has for a command, and records what it hears."""

    def __init__(
        self,
        folder: Path,
        says: Mapping[str, bytes] | None = None,
        *,
        steps: int = 0,
        actions: int = 0x11,
        lists: bytes = b"",
        unanswered: str = "DAQ",
    ) -> None:
        self.heard: list[Packet] = []
        self.endpoint = f"unix:{folder}/scripted.sock"
        self._says = dict(says or {})
        self._offer = packet(b"O", struct.pack("!III", 6, actions, steps) + lists)
        self._unanswered = unanswered
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.bind(self.endpoint[5:])
        self._socket.listen()
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def commands(self) -> str:
        """All commands but macros and negotiation, after the MTA said good-bye."""
        self._thread.join(10)
        return "".join(octet for octet, _ in self.heard if octet not in "DO")

    def data(self, command: str) -> list[bytes]:
        return [data for octet, data in self.heard if octet == command]

    def macros(self, command: str) -> dict[bytes, bytes]:
        """The macros of the last packet for this command."""
        words = [d[1:] for d in self.data("D") if d[:1] == command.encode()][-1].split(b"\0")
        return dict(zip(words[::2], words[1::2], strict=False))

    def _serve(self) -> None:
        try:
            link = self._socket.accept()[0]
        except OSError:
            return
        with link, link.makefile("rb") as stream:
            while len(head := stream.read(4)) == 4:
                data = stream.read(struct.unpack("!I", head)[0])
                octet = data[:1].decode()
                self.heard.append((octet, data[1:]))
                if octet == "O":
                    link.sendall(self._offer)
                elif octet in self._says:
                    if not self._says[octet]:
                        return  # hang up
                    link.sendall(self._says[octet])
                elif octet not in self._unanswered:
                    link.sendall(packet(b"c"))
                if octet == "Q":
                    return


def greeted(filter_: Scripted, **options: int) -> Wire:
    wire = Wire(filter_.endpoint, timeout=5, **options)  # type: ignore[arg-type]
    wire.negotiate()
    wire.connect()
    wire.helo()
    return wire


# -- what is sent ------------------------------------------------------------------------------------------------------


def test_the_steps_come_in_order_and_an_abort_follows_each_message(tmp_path: Path) -> None:
    with Scripted(tmp_path) as scripted:
        with greeted(scripted) as wire:
            for _ in range(2):
                assert wire.transact("<a@example.test>", ["<b@example.net>", "<c@example.net>"], MESSAGE).stage == "end"
        assert scripted.commands() == "CH" + "MRRTLLLNBEA" * 2 + "Q"
    assert struct.unpack("!III", scripted.data("O")[0]) == (6, 0x1FF, 0x1FFFFF)
    assert scripted.data("C") == [b"client.example.test\x004\x9c\x40192.0.2.7\0"]


@pytest.mark.parametrize(
    ("arg", "wanted"),
    [
        ("<a@example.test> SIZE=10 BODY=8BITMIME", b"<a@example.test>\0SIZE=10\0BODY=8BITMIME\0"),
        ('<"a b"@example.test>', b'<"a b"@example.test>\0'),
        ("< a@example.test >", b"< a@example.test >\0"),
        ("<>", b"<>\0"),
        ("", b"\0"),  # a bounce of Postfix's own
    ],
)
def test_an_argument_is_cut_at_blanks_outside_of_the_address(tmp_path: Path, arg: str, wanted: bytes) -> None:
    with Scripted(tmp_path) as scripted:
        with greeted(scripted) as wire:
            wire.mail(arg)
        scripted.commands()
    assert scripted.data("M") == [wanted]


@pytest.mark.parametrize(
    ("steps", "wanted"),
    [(0, [b"a@example.test", b" two\n\tfolds", b""]), (HDR_LEADSPC, [b" a@example.test", b"  two\n\tfolds", b""])],
)
def test_one_leading_space_is_eaten_unless_negotiated_and_folds_are_lf(
    tmp_path: Path, steps: int, wanted: list[bytes]
) -> None:
    with Scripted(tmp_path, steps=steps) as scripted:
        with greeted(scripted) as wire:
            wire.transact("<a@example.test>", ["<b@example.net>"], MESSAGE)
        scripted.commands()
    assert [data.split(b"\0")[1] for data in scripted.data("L")] == wanted


def test_a_body_is_cut_at_65535_octets_and_ends_in_a_line_end(tmp_path: Path) -> None:
    body = b"x" * 998 + b"\r\n"
    with Scripted(tmp_path) as scripted:
        with greeted(scripted) as wire:
            wire.transact("<a@example.test>", ["<b@example.net>"], b"From: a@example.test\n\n" + body * 70 + b"end")
        scripted.commands()
    assert [len(chunk) for chunk in scripted.data("B")] == [65535, 70_000 + 5 - 65535]
    assert b"".join(scripted.data("B")) == body * 70 + b"end\r\n"


# -- negotiated steps --------------------------------------------------------------------------------------------------


def test_steps_without_an_answer_are_not_waited_for(tmp_path: Path) -> None:
    """The filter answers at the end of the message only: waiting for it at any other step would hang."""
    with Scripted(tmp_path, {"E": packet(b"a")}, steps=NR_ALL & ~0x20000, unanswered="DAQCHMRTLNB") as scripted:
        with greeted(scripted) as wire:
            assert wire.transact("<a@example.test>", ["<b@example.net>"], MESSAGE).code == "250"
        assert scripted.commands() == "CHMRTLLLNBEAQ"


def test_steps_that_are_not_wanted_are_not_sent_but_their_macros_are(tmp_path: Path) -> None:
    with Scripted(tmp_path, steps=0x2 | 0x10 | 0x20 | 0x40 | 0x200) as scripted:
        with greeted(scripted) as wire:
            wire.transact("<a@example.test>", ["<b@example.net>"], MESSAGE)
        assert scripted.commands() == "CMREAQ"
    assert [data[:1] for data in scripted.data("D")] == [
        b"C",
        b"H",
        b"M",
        b"R",
        b"T",
        b"L",
        b"L",
        b"L",
        b"N",
        b"B",
        b"E",
    ]


def test_after_skip_no_more_of_the_body_is_sent(tmp_path: Path) -> None:
    with Scripted(tmp_path, {"B": packet(b"s")}) as scripted:
        with greeted(scripted) as wire:
            for _ in range(2):
                wire.transact("<a@example.test>", ["<b@example.net>"], MESSAGE + b"x" * 200_000)
        assert scripted.commands().count("B") == 2  # one a message


def test_a_filter_that_takes_more_than_was_offered_is_an_error(tmp_path: Path) -> None:
    with (
        Scripted(tmp_path, actions=0x11) as scripted,
        Wire(scripted.endpoint, actions=0x10) as wire,
        pytest.raises(WireError, match="more than was offered"),
    ):
        wire.negotiate()


# -- macros ------------------------------------------------------------------------------------------------------------


def test_macros_come_at_the_stages_of_postfix_and_the_queue_id_after_the_first_recipient(tmp_path: Path) -> None:
    login = {"{auth_type}": "GSSAPI", "auth_authen": "svc/newsletter@EXAMPLE.TEST", "{client_ptr}": "x"}
    with Scripted(tmp_path) as scripted:
        with Wire(scripted.endpoint) as wire:
            wire.negotiate()
            wire.connect(macros={"{daemon_name}": "submission"})
            wire.helo()
            wire.transact("<News@Example.TEST>", ["<b@example.net>", "<c@example.net>"], MESSAGE, login)
        scripted.commands()
    assert scripted.macros("C")[b"{daemon_name}"] == b"submission"
    assert scripted.macros("M") == {
        b"{auth_type}": b"GSSAPI",
        b"{auth_authen}": b"svc/newsletter@EXAMPLE.TEST",
        b"{mail_addr}": b"news@example.test",
        b"{mail_host}": b"example.test",
        b"{mail_mailer}": b"smtp",
    }  # no queue id yet
    first, second = (data for data in scripted.data("D") if data[:1] == b"R")
    assert not first.startswith(b"Ri\0")
    assert second.startswith(b"Ri\0")
    assert scripted.macros("E")[b"i"] == scripted.macros("L")[b"i"] == second.split(b"\0")[1]


def test_naming_one_list_empties_all_others_and_cleanup_knows_another_daemon_name(tmp_path: Path) -> None:
    lists = struct.pack("!I", 5) + b"i {daemon_name} {auth_authen} {mail_addr}\0"
    with Scripted(tmp_path, lists=lists) as scripted:
        with Wire(scripted.endpoint) as wire:
            wire.negotiate()
            wire.connect(macros={"{daemon_name}": "submission"})
            wire.transact("<a@example.test>", ["<b@example.net>"], MESSAGE, {"auth_authen": "alice"})
            assert wire.asked == {"end": ("i", "{daemon_name}", "{auth_authen}", "{mail_addr}")}
        scripted.commands()
    assert [data for data in scripted.data("D") if data[:1] in b"CMRTLN"] == [b"C", b"M", b"R", b"T", *[b"L"] * 3, b"N"]
    end = scripted.macros("E")
    assert end[b"{daemon_name}"] == b"mail.example.test"
    assert end[b"{auth_authen}"] == b"alice"
    assert b"{mail_addr}" not in end


def test_local_submission_has_a_queue_id_from_the_first_step_on(tmp_path: Path) -> None:
    with Scripted(tmp_path) as scripted:
        with Wire(scripted.endpoint) as wire:
            wire.negotiate()
            wire.connect("localhost", "127.0.0.1", 0)
            wire.mail("alice@example.test")
        scripted.commands()
    assert scripted.data("C")[0].endswith(b"4\0\x00127.0.0.1\0")
    assert scripted.macros("M")[b"i"] == b"4TstLOCAL"


# -- answers -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "code", "text"),
    [
        (packet(b"r"), "550", "5.7.1 Command rejected"),
        (packet(b"t"), "451", "4.7.1 Service unavailable - try again later"),
        (packet(b"y", b"554 5.7.1 100%% no\0"), "554", "5.7.1 100% no"),
        (packet(b"y", b"450-4.7.1 one\r\n450 4.7.1 two\0"), "450", "4.7.1 one\n4.7.1 two"),
        (packet(b"p") * 3 + packet(b"a"), "250", ""),
        (packet(b"d"), "250", ""),
    ],
)
@pytest.mark.parametrize(
    ("command", "stage"), [("M", "mail"), ("R", "rcpt"), ("T", "data"), ("L", "header"), ("E", "end")]
)
def test_an_answer_decides_at_its_stage(
    tmp_path: Path, answer: bytes, code: str, text: str, command: str, stage: str
) -> None:
    with Scripted(tmp_path, {command: answer}) as scripted:
        with greeted(scripted) as wire:
            seen = wire.transact("<a@example.test>", ["<b@example.net>"], MESSAGE)
        commands = scripted.commands()
    assert (seen.stage, seen.code, seen.text) == (stage, code, text)
    assert bool(seen.delivered) == (code == "250" and answer != packet(b"d"))
    assert commands.endswith(f"{command}AQ")


def test_a_refused_recipient_is_left_out_and_the_rest_goes_on(tmp_path: Path) -> None:
    with Scripted(tmp_path, {"R": packet(b"c")}) as scripted, greeted(scripted) as wire:
        wire.mail("<a@example.test>")
        assert wire.rcpt("<b@example.net>").action == "continue"
        scripted._says["R"] = packet(b"y", b"550 5.1.1 unknown\0")
        wire.abort()
        seen = wire.transact("<a@example.test>", ["<b@example.net>"], MESSAGE)
        assert (seen.stage, seen.code, [name for name, _ in seen.refused]) == ("rcpt", "550", ["<b@example.net>"])


@pytest.mark.parametrize(("answer", "code"), [(packet(b"a"), "250"), (packet(b"r"), "550")])
def test_what_is_decided_at_connect_holds_for_the_connection(tmp_path: Path, answer: bytes, code: str) -> None:
    with Scripted(tmp_path, {"C": answer}) as scripted:
        with greeted(scripted) as wire:
            assert wire.transact("<a@example.test>", ["<b@example.net>"], MESSAGE).code == code
        assert scripted.commands() == "CQ"


@pytest.mark.parametrize(
    "says",
    [
        {"E": b""},
        {"M": b""},
        {"M": packet(b"z")},
        {"M": packet(b"i", b"\0\0\0\0a\0b\0")},
        {"M": packet(b"y", b"250 fine\0")},
    ],
)
def test_a_filter_that_hangs_up_or_talks_nonsense_is_an_error(tmp_path: Path, says: dict[str, bytes]) -> None:
    with Scripted(tmp_path, says) as scripted, greeted(scripted) as wire, pytest.raises(WireError):
        wire.transact("<a@example.test>", ["<b@example.net>"], MESSAGE)


# -- edits -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("steps", "gap"), [(0, b" "), (HDR_LEADSPC, b"")])
def test_a_space_follows_the_colon_of_an_edit_unless_leading_blanks_were_negotiated(
    tmp_path: Path, steps: int, gap: bytes
) -> None:
    says = (
        packet(b"i", b"\0\0\0\0Top\0one\n two\0") + packet(b"h", b"Last\0x\0") + packet(b"m", b"\0\0\0\1sUbject\0new\0")
    )
    says += packet(b"q", b"held\0") + packet(b"a")
    with Scripted(tmp_path, {"E": says}, steps=steps) as scripted, greeted(scripted) as wire:
        seen = wire.transact("<a@example.test>", ["<b@example.net>"], MESSAGE)
    assert seen.delivered == b"".join([
        b"Top:%sone\r\n two\r\nFrom: a@example.test\r\nsUbject:%snew\r\nEmpty:\r\nLast:%sx\r\n" % (gap, gap, gap),
        b"\r\nHello\r\n",
    ])  # fmt: skip
    assert seen.edits[-1] == Edit("quarantine", value=b"held")


def test_insert_counts_the_own_trace_field_and_change_does_not() -> None:
    copy = Copy.read(b"Received: old\nA: 1\nA: 2\n\nbody\n", b"Received: ours")
    edits = [Edit("insert", b"X", b"x", 1), Edit("change", b"received", b"new", 1), Edit("delete", b"a", b"", 1)]
    assert copy.edited(edits, b" ") == b"Received: ours\r\nX: x\r\nreceived: new\r\nA: 2\r\n\r\nbody\r\n"
    assert copy.edited([Edit("insert", b"X", b"x", 9)], b" ").startswith(
        b"Received: ours\r\nReceived: old\r\nA: 1\r\nA: 2\r\nX"
    )
    assert b"A: 2\r\nB: new\r\n\r\n" in copy.edited([Edit("change", b"B", b"new", 1)], b" ")  # a missing one is added


def test_an_edit_cannot_smuggle_in_a_field() -> None:
    copied = Copy.read(b"A: 1\n\nb\n").edited([Edit("insert", b"X", b"x\r\nBcc: y\nZ: z", 0)], b" ")
    assert copied == b"X: x\r\n\tBcc: y\r\n\tZ: z\r\nA: 1\r\n\r\nb\r\n"


@pytest.mark.parametrize(
    ("raw", "wanted"),
    [
        (b"A : 1\nno field\nB: 2\n", b"A : 1\r\n\r\nno field\r\nB: 2\r\n"),
        (b" A: 1\n\nb\n", b"\r\n A: 1\r\n\r\nb\r\n"),
        (b"A: 1\nBcc: x\nReturn-Path: <y>\n\n", b"A: 1\r\n\r\n"),
        (b"A: 1\n", b"A: 1\r\n"),
        (b"A: x\0y\nB: u\rv\n\nn\0l\n", b"A: x\r\nB: u v\r\n\r\nn\0l\r\n"),
        (b"From me today\nA: 1\n\nb", b"X-Mailbox-Line: From me today\r\nA: 1\r\n\r\nb\r\n"),
        (b"A: " + b"x" * 70_000 + b"\n\n", b"A: " + b"x" * 59_997 + b"\r\n\r\n"),
    ],
)
def test_a_message_is_read_as_postfix_reads_it(raw: bytes, wanted: bytes) -> None:
    assert Copy.read(raw).edited((), b"") == wanted


@given(st.binary(max_size=300))
def test_reading_what_was_delivered_changes_nothing(raw: bytes) -> None:
    once = Copy.read(raw).edited((), b"")
    assert Copy.read(once).edited((), b"") == once


# -- a real filter -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module", params=["relaxed/relaxed", "simple/simple"])
def opendkim(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenDkim]:
    if shutil.which("opendkim", path="/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin") is None:
        pytest.skip("opendkim is not installed")
    with OpenDkim(tmp_path_factory.mktemp("opendkim"), request.param) as running:
        yield running


def verifies(message: bytes, signer: OpenDkim) -> bool:
    def lookup(name: bytes, timeout: int = 5) -> bytes:
        return signer.record.encode() if name.decode().rstrip(".") == signer.name else b""

    return bool(dkim.verify(message, dnsfunc=lookup))


@pytest.mark.daemon
@pytest.mark.parametrize(
    "received", [b"", b"Received: by mail.example.test (Postfix)\n\tid 4Tst; Fri, 20 Nov 2026 09:00:00 +0000"]
)
def test_opendkim_signs_and_dkimpy_verifies_the_delivered_copy(opendkim: OpenDkim, received: bytes) -> None:
    """Leading blanks and folds arrive as they were sent: else `simple` would not verify."""
    big = MESSAGE + b"".join(b"line %d .\r\n" % n for n in range(20_000))
    with Wire(opendkim.socket, received=received) as wire:
        wire.negotiate()
        assert wire.connect().action == "continue"
        assert wire.helo().action == "continue"
        for message in (MESSAGE, newsletter("0.5"), newsletter("20"), big):
            seen = wire.transact("<a@example.test>", ["<b@example.net>"], message)
            assert (seen.stage, seen.code) == ("end", "250")
            assert [edit.name.lower() for edit in seen.edits].count(b"dkim-signature") == 1
            assert verifies(seen.delivered, opendkim)
            assert not verifies(re.sub(rb"(?m)^From: .*$", b"From: eve@example.test\r", seen.delivered), opendkim)


@pytest.mark.daemon
def test_opendkim_survives_an_abort_in_the_middle_of_a_body(opendkim: OpenDkim) -> None:
    with Wire(opendkim.socket) as wire:
        wire.negotiate()
        wire.connect()
        wire.mail("<a@example.test>")
        wire.rcpt("<b@example.net>")
        wire.data()
        wire.header(b"From", b" other@example.test")
        wire.eoh()
        wire.body(b"half a")
        wire.abort()
        assert verifies(wire.transact("<a@example.test>", ["<b@example.net>"], MESSAGE).delivered, opendkim)


# -- the gate, and an MTA that is not Postfix --------------------------------------------------------------------------

LETTER = b"".join([
    b"From: alice@example.test\r\nTo: bob@example.net\r\nDate: Sat, 21 Nov 2026 09:00:00 +0000\r\n",
    b"Message-ID: <wire@example.test>\r\nSubject:  two\r\n\tfolds\r\n\r\nHello\r\n",
])  # fmt: skip
ALICE = {"auth_type": "GSSAPI", "auth_authen": "alice@EXAMPLE.TEST"}
ANSWERING = pytest.mark.parametrize(
    "steps", [HDR_LEADSPC, HDR_LEADSPC | NR_HEADER, STEPS], ids=["every answer", "no answer to headers", "few answers"]
)
SETSYMLIST, QUARANTINE = 0x100, 0x20


@contextlib.contextmanager
def served(gate: Gate, *, actions: int = ACTIONS, steps: int = STEPS) -> Iterator[Wire]:
    gate.use(profile_text("enforce"))
    with Wire(gate.socket, actions=actions, steps=steps, timeout=10) as wire:
        wire.negotiate()
        yield wire


def come_in(wire: Wire, **macros: str) -> None:
    """Connect from where nobody is known without a login."""
    reply = wire.connect(address="198.51.100.7", macros={"daemon_name": "submission"} | macros)
    assert (reply.action, wire.helo().action) == ("continue", "continue")


def sent(wire: Wire, login: Mapping[str, str] | None = None) -> Transaction:
    return wire.transact("<alice@example.test>", ["<bob@example.net>"], LETTER, login)


def is_sealed(answer: Transaction, gate: Gate) -> bool:
    return answer.code == "250" and dkimpy_verdict(answer.delivered, gate.records) == [True, True]


@pytest.mark.daemon
@ANSWERING
def test_the_gate_answers_each_step_that_waits_and_the_end_with_accept(gate: Gate, steps: int) -> None:
    with served(gate, steps=steps) as wire:
        assert wire.steps & ~steps == 0
        come_in(wire)
        for _ in range(2):
            replies = [wire.unknown("XFIRST"), wire.mail("<alice@example.test>", ALICE), wire.rcpt("<bob@example.net>")]
            replies += [wire.unknown("XAGAIN"), wire.data()]
            replies += [wire.header(name, value) for name, _, value in Copy.read(LETTER).fields]
            replies += [wire.eoh(), wire.body(b"Hello\r\n")]
            assert {reply.action for reply in replies} == {"continue"}
            end = wire.end()
            assert (end.reply.action, [edit.kind for edit in end.edits]) == ("accept", ["insert", "insert"])
            assert {(edit.name, edit.index) for edit in end.edits} == {(b"DKIM-Signature", 0)}
        assert is_sealed(sent(wire, ALICE), gate)


@pytest.mark.daemon
@pytest.mark.parametrize(
    ("version", "actions", "steps", "agreed"),
    [
        (1, 0xF, 0x1F, 0),
        (2, 0x3F, 0x7F, 0),  # Sendmail 8.13
        (3, 0x3F, 0x1FF, 0),
        (4, 0x3F, 0x3FF, 0),
        (6, ACTIONS, STEPS & ~HDR_LEADSPC, 0),
        (6, ACTIONS & ~QUARANTINE, STEPS, 0),
        (6, ACTIONS & ~0x1, STEPS, 0),  # no headers added
        (2, 0x3F, 0x7F | HDR_LEADSPC, 2),
        (6, ACTIONS, STEPS, 6),
        (7, ACTIONS << 1 | 1, STEPS << 1 | 1, 6),  # one to come
    ],
)
def test_an_mta_is_served_for_what_it_can_do(gate: Gate, version: int, actions: int, steps: int, agreed: int) -> None:
    """Where it cannot keep blanks, change headers or hold mail, the gate hangs up: the MTA's default action follows."""
    with Wire(gate.socket, timeout=10) as wire:
        wire._put(b"O", struct.pack("!III", version, actions, steps))
        if agreed:
            command, offer = wire._packet()
            assert (command, *struct.unpack_from("!I", offer)) == (b"O", agreed)
            assert struct.unpack_from("!I", offer, 4)[0] & ~actions == 0
            assert struct.unpack_from("!I", offer, 8)[0] & HDR_LEADSPC
        else:
            with pytest.raises(WireError, match="hung up"):
                wire._packet()


@pytest.mark.daemon
@pytest.mark.parametrize("stage", ["connect", "helo", "mail"])
def test_a_login_counts_at_whatever_stage_an_mta_tells_it(gate: Gate, stage: str) -> None:
    """It tells no macros of any other stage, the end included: what was said once holds."""
    with served(gate) as wire:
        wire.asked = {"connect": ("{daemon_name}",)}
        wire.asked[stage] = (*wire.asked.get(stage, ()), "{auth_type}", "{auth_authen}", "i")
        come_in(wire, i="4TstEARLY", **ALICE)
        assert is_sealed(sent(wire), gate)
    decision = gate.events("decision")[-1]
    assert (decision["auth"]["name"], decision["queue_id"]) == ("alice@EXAMPLE.TEST", "4TstEARLY")


@pytest.mark.daemon
def test_an_mta_that_cannot_be_asked_for_macros_tells_its_own(gate: Gate) -> None:
    with served(gate, actions=ACTIONS & ~SETSYMLIST) as wire:
        assert wire.asked == {}
        come_in(wire)
        assert is_sealed(sent(wire, ALICE), gate)
        assert sent(wire).code == "550"  # the login was of the message before


@pytest.mark.daemon
@ANSWERING
@pytest.mark.parametrize("begun", range(1, 7))
def test_nothing_of_a_message_given_up_is_in_the_next(gate: Gate, steps: int, begun: int) -> None:
    with served(gate, steps=steps) as wire:
        come_in(wire)
        for step in (
            lambda: wire.mail("<alice@example.test>", ALICE),
            lambda: wire.rcpt("<lost@example.net>"),
            wire.data,
            lambda: wire.header(b"From", b" lost@example.test"),
            wire.eoh,
            lambda: wire.body(b"half a bo"),
        )[:begun]:
            assert step().action == "continue"
        wire.abort()
        assert sent(wire).code == "550"
        assert is_sealed(sent(wire, ALICE), gate)
    decision = gate.events("decision")[-1]
    assert (decision["envelope"]["rcpt"], decision["message"]["fields"]) == (["<bob@example.net>"], 5)


@pytest.mark.daemon
@ANSWERING
def test_a_connection_that_is_handed_on_begins_anew(gate: Gate, steps: int) -> None:
    """SMFIC_QUIT_NC: another client follows, without another negotiation, and brings its own login or none."""
    with served(gate, steps=steps) as wire:
        come_in(wire)
        assert is_sealed(sent(wire, ALICE), gate)
        wire.unknown(
            "XNEXT"
        )  # libmilter takes QUIT_NC after this, and passes over it after a message that was accepted
        wire._put(b"K")
        come_in(wire)
        assert sent(wire).code == "550"
        assert is_sealed(sent(wire, ALICE), gate)


# -- the load generator speaks the same ------------------------------------------------------------------------------


def needs_compiler() -> None:
    try:
        load_program()
    except BenchError as error:
        pytest.skip(str(error))


@pytest.mark.parametrize("steps", [0, HDR_LEADSPC, NR_HEADER | 0x80000, 0x20 | 0x10])
def test_the_load_generator_sends_what_wire_sends(tmp_path: Path, steps: int) -> None:
    """Octet by octet but for macros, on a body of several chunks with a slot across their border."""
    needs_compiler()
    body = b"A%%NUMBER%% b\r\n" + b"x" * (65535 - 20) + b"%%TOKEN%%%%%%%%%%%%%%%%%%%%%%%%%\r\n" + b"y\r\n" * 30_000
    template = tmp_path / "template"
    template.write_bytes(b"From: news@example.test\r\nSubject:  %%NAME%%\r\n\tfolded\r\n\r\n" + body)
    unanswered = "DAQ" + ("LB" if steps & NR_HEADER else "")
    with Scripted(
        tmp_path, {"E": packet(b"h", b"X\0y\0") + packet(b"a")}, steps=steps, unanswered=unanswered
    ) as loaded:
        said = measure(Served(loaded.endpoint), template, 1, 1, base=42)
        loaded.commands()
    token = b"".join(loaded.data("B"))[65535 - 20 + 15 :][:32]
    name = b"".join(loaded.data("L")).rpartition(b"\n")[0][-8:]
    message = template.read_bytes().replace(b"%%NUMBER%%", b"0000000042").replace(b"%%NAME%%", name)
    message = message.replace(b"%%TOKEN%%%%%%%%%%%%%%%%%%%%%%%%%", token)
    assert b"%%" not in b"".join(data for _, data in loaded.heard)
    (tmp_path / "scripted.sock").unlink()
    with Scripted(tmp_path, steps=steps, unanswered=unanswered) as spoken:
        with greeted(spoken) as wire:
            wire.transact("<news@example.test>", ["<reader0000000042@example.net>"], message)
        spoken.commands()
    assert [p for p in loaded.heard if p[0] != "D"] == [p for p in spoken.heard if p[0] != "D"]
    assert (said["accepted"], said["inserted"]) == (1, 1)


def test_the_load_generators_messages_differ_and_its_counts_add_up(tmp_path: Path) -> None:
    needs_compiler()
    template = tmp_path / "template"
    template.write_bytes(newsletter("0.5"))
    with Scripted(tmp_path, {"E": packet(b"y", b"550 5.7.1 no\0")}) as scripted:
        said = measure(Served(scripted.endpoint), template, 50, 1)
        scripted.commands()
    assert (said["messages"], said["replycoded"], said["accepted"], said["first_reply"][:9]) == (50, 50, 0, "550 5.7.1")
    assert len(set(scripted.data("B"))) == len(set(scripted.data("R"))) == 50
    with pytest.raises(BenchError, match="not every message"):
        judged(said, 50)
