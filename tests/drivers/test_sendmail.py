"""The gate behind a real Sendmail: what leaves is what was signed, and all else holds that holds behind Postfix.

Sendmail writes address fields anew behind its milters. Letter by letter it is shown that the copy that arrives verifies
with three foreign verifiers, in both forms of DKIM, and that what the gate cannot settle it says so of.
"""

import random
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from tests.drivers.cases import Case, all_cases, profile_text
from tests.drivers.sendmail import run, spelled, why_not
from tests.lab.gate import Gate
from tests.lab.judges import Judges, all_say
from tests.lab.ports import free_ports
from tests.lab.realm import Realm
from tests.lab.relay import reachable_folder
from tests.lab.sendmail import Sendmail, why_unavailable
from tests.lab.submit import Client, wire_form
from tests.lab.verify import VerifyUnavailable, dkimpy_verdict

pytestmark = pytest.mark.relay

CASES = [pytest.param(case, id=case.name) for case in sorted(all_cases(), key=lambda c: c.profile)]
JUDGED = spelled(profile_text("enforce"))
SIMPLE = JUDGED.replace("    sign: yes\n", "    sign: yes\n    canonicalization: simple/simple\n", 1)
DATE = b"Date: Sat, 21 Nov 2026 09:00:00 +0000\r\n"
TO = b"To: reader@example.org\r\n"
ALICE = b"From: alice@example.test\r\n"
MANY = b", ".join(b"Reader %d <reader%d@example.org>" % (i, i) for i in range(100))


@pytest.fixture(scope="module")
def gate() -> Iterator[Gate]:
    """A gate of this file's own: it listens as Sendmail's guide has it."""
    pytest.importorskip("milter", reason="pymilter is not installed")
    (port,) = free_ports(1)
    with reachable_folder() as folder, Gate(folder, JUDGED, socket=f"inet:127.0.0.1:{port}") as running:
        yield running


@pytest.fixture(scope="module")
def sendmail(realm: Realm, gate: Gate) -> Iterator[Sendmail]:
    """A Sendmail in front of it."""
    if why := why_unavailable():
        pytest.skip(why)
    submission, plain, sink = free_ports(3)
    milter = f"inet:{gate.address.rpartition(':')[2]}@127.0.0.1"
    with (
        reachable_folder() as folder,
        Sendmail(
            folder / "sendmail", realm, milter, submission_port=submission, plain_port=plain, sink_port=sink
        ) as running,
    ):
        yield running


@pytest.fixture(scope="module")
def judges(gate: Gate) -> Iterator[Judges]:
    try:
        with Judges(gate.records) as running:
            yield running
    except VerifyUnavailable as error:
        pytest.skip(str(error))


class Sender:
    """Sends messages as alice, octet for octet, on one connection."""

    def __init__(self, client: Client, sendmail: Sendmail, gate: Gate) -> None:
        self._client, self._sendmail, self._gate = client, sendmail, gate
        self._number = 0

    def send(self, wire: bytes) -> tuple[dict[str, Any], bytes]:
        """Give the decision, and the copy that arrived."""
        self._number += 1
        before, arrived = len(self._gate.events("decision")), len(self._sendmail.sink.messages)
        mark = b"X-Number: %d\r\n" % self._number
        assert self._client.mail("alice@example.test", "" if wire.isascii() else "BODY=8BITMIME").accepted
        assert self._client.rcpt("reader@example.org").accepted
        answer = self._client.data(wire_form(mark + wire))
        assert answer.code == 250, answer
        (decision,) = self._gate.events("decision")[before:]
        return decision, self._sendmail.wait_for(mark, arrived)


@pytest.fixture
def sender(sendmail: Sendmail, realm: Realm, gate: Gate) -> Iterator[Sender]:
    with Client(sendmail.submission_port, realm_environment=realm.environment) as client:
        assert client.login(realm.ticket("alice")).accepted
        yield Sender(client, sendmail, gate)


# -- the corpus, as through the other three drivers --------------------------------------------------------------------


@pytest.mark.parametrize("case", CASES)
def test_case(case: Case, sendmail: Sendmail, realm: Realm, gate: Gate) -> None:
    if why := why_not(case):
        pytest.skip(f"not through Sendmail: {why}")
    assert case.differences(run(case, sendmail, realm, gate)) == []


# -- what Sendmail does to fields --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Letter:
    """A header, and what must come of it.

    Attributes:
        rewritten: the fields that the gate writes anew, where blanks do not count.
        holds: what is in the copy that arrives.
        rules: what the gate finds.
        arrives: whether the signatures are good on it.
    """

    head: bytes
    rewritten: tuple[str, ...] = ()
    holds: bytes = b""
    rules: tuple[str, ...] = ()
    arrives: bool = True


def to(value: bytes, became: bytes | None = None, **more: Any) -> Letter:
    """A letter with this To."""
    return Letter(
        ALICE + DATE + b"To: " + value + b"\r\n",
        ("To",) if became is not None else (),
        b"To: " + (value if became is None else became) + b"\r\n",
        **more,
    )


def author(value: bytes, became: bytes | None = None) -> Letter:
    """A letter with this From."""
    return Letter(
        b"From: " + value + b"\r\n" + DATE + TO,
        ("From",) if became is not None else (),
        b"From: " + (value if became is None else became) + b"\r\n",
    )


LETTERS = {
    "an address": author(b"alice@example.test"),
    "brackets": author(b"<alice@example.test>"),
    "a name": author(b"Alice Smith <alice@example.test>"),
    "dots": author(b"J. R. Alice <alice@example.test>", b'"J. R. Alice" <alice@example.test>'),
    "an apostrophe": author(b"Alice O'Neill <alice@example.test>", b'"Alice O\'Neill" <alice@example.test>'),
    "quotes already": author(b'"Alice O\'Neill" <alice@example.test>'),
    "quotes in quotes": author(b'"Alice \\"Al\\" Smith" <alice@example.test>'),
    "a comment behind": author(b"alice@example.test (Alice Smith)"),
    "a comment stuck to it": author(b"alice@example.test(Alice Smith)", b"alice@example.test (Alice Smith)"),
    "a comment before": author(b"(Alice Smith) alice@example.test"),
    "a comment in the name": author(b"Alice J. (work) <alice@example.test>", b'"Alice J." (work) <alice@example.test>'),
    "a comment behind a name": author(b"Alice <alice@example.test> (work)"),
    "an encoded-word": author(b"=?utf-8?q?J=C3=B6rg?= <alice@example.test>"),
    "a dot in an encoded-word": author(
        b"=?utf-8?Q?J._R=C3=B6sli?= <alice@example.test>", b"=?utf-8?Q?J=2E_R=C3=B6sli?= <alice@example.test>"
    ),
    "an encoded-word and an apostrophe": author(
        b"=?utf-8?q?J=C3=B6rg?= O'Neill <alice@example.test>", b'=?utf-8?q?J=C3=B6rg?= "O\'Neill" <alice@example.test>'
    ),
    "octets above 127": author("Jörg Á à <alice@example.test>".encode()),
    "octets above 127 and a dot": author(
        "Jörg J. <alice@example.test>".encode(), '"Jörg J." <alice@example.test>'.encode()
    ),
    "blanks in brackets": to(b"Reader < reader@example.org >", b"Reader <reader@example.org>"),
    "blanks around the at": to(b"reader @ example.org", b"reader@example.org"),
    "no blank behind a comma": to(b"a@example.org,b@example.org", b"a@example.org, b@example.org"),
    "an empty place": to(b"a@example.org,, b@example.org,", b"a@example.org, b@example.org"),
    "a long list": Letter(
        ALICE + DATE + b"To: " + MANY + b"\r\n", (), b", Reader 99 <reader99@example.org>\r\n"
    ),
    "a long list without blanks": Letter(
        ALICE + DATE + b"To: " + MANY.replace(b", ", b",") + b"\r\n", ("To",), b"Reader 99 <reader99@example.org>\r\n"
    ),
    "a list folded otherwise": Letter(ALICE + DATE + b"To: " + MANY.replace(b", ", b",\r\n\t") + b"\r\n"),
    "names with dots in a list": to(
        b"A <a@example.org>, Dr. B <b@example.org>,O'C <c@example.org>",
        b'A <a@example.org>, "Dr. B" <b@example.org>, "O\'C" <c@example.org>',
    ),
    "a comma in quotes": to(b'"Reader, A." <reader@example.org>'),
    "a group": to(b"Friends: a@example.org, b@example.org;"),
    "a group with names": to(b"Friends: J. R. <a@example.org>;", b'Friends: "J. R." <a@example.org>;'),
    "nobody": to(b"undisclosed-recipients:;"),
    "no domain": to(b"reader", b"reader@mail.example.test"),
    "a name and no domain": to(b"Reader <reader>", b"Reader <reader@mail.example.test>"),
    "a quoted local part": to(b'"the reader"@example.org'),
    "its own name in capitals": to(b"reader@MAIL.Example.Test", b"reader@mail.example.test"),
    "To in another spelling": Letter(
        ALICE + DATE + b"tO: Dr. A <a@example.org>\r\n", ("tO",), b'tO: "Dr. A" <a@example.org>'
    ),
    "a blank before the colon": Letter(ALICE + DATE + b"To : a@example.org\r\n", (), b"To: a@example.org\r\n"),
    "Cc and Reply-To": Letter(
        ALICE + DATE + TO + b"Cc: O'C <c@example.org>\r\nReply-To: Dr. D <alice@example.test>\r\n",
        ("Cc", "Reply-To"), b'Cc: "O\'C" <c@example.org>\r\nReply-To: "Dr. D" <alice@example.test>\r\n',
    ),
    "Sender": Letter(
        ALICE + DATE + TO + b"Sender: O'A <alice@example.test>\r\n", ("Sender",), b'Sender: "O\'A" <alice@example.test>'
    ),
    "Resent fields": Letter(
        ALICE + DATE + TO + b"Resent-From: O'A <alice@example.test>\r\nResent-To: Dr. A <a@example.org>\r\n"
        + b"Resent-" + DATE,
        ("Resent-From", "Resent-To"), b'Resent-To: "Dr. A" <a@example.org>\r\n',
    ),
    "an empty Cc": Letter(ALICE + DATE + TO + b"Cc:\r\n"),
    "Bcc": Letter(ALICE + DATE + TO + b"Bcc: secret@example.org\r\n"),
    "no Date": Letter(ALICE + TO, ("Date",), b"\r\nDate: "),
    "an empty Date": Letter(ALICE + b"Date:\r\n" + TO, ("Date",), b"Date: "),
    "a long subject": Letter(ALICE + DATE + TO + b"Subject: " + b"word " * 300 + b"\r\n"),
    "a subject of one word that just fits": Letter(ALICE + DATE + TO + b"Subject: " + b"y" * 989 + b"\r\n"),
    "long References": Letter(
        ALICE + DATE + TO + b"References: " + b" ".join(b"<m.%d@lists.example.test>" % i for i in range(80)) + b"\r\n"
    ),
    "octets above 127 in a subject": Letter(ALICE + DATE + TO + "Subject: Grüße Á\r\n".encode()),
    # What cannot be settled is said, and is broken indeed.
    "another name of the host": to(b"reader@localhost", rules=("transit.rewritten",), arrives=False),
    "no end of quotes": to(b'"Reader <reader@example.org>', rules=("transit.rewritten",), arrives=False),
    "words behind": to(b'Reader <reader@example.org> "x"', rules=("transit.rewritten",), arrives=False),
    "a name too long": to(b'"' + b"x" * 300 + b'" <a@example.org>', rules=("transit.rewritten",), arrives=False),
    "a comma in an encoded-word": to(
        b"=?utf-8?Q?Reader,_A?= <a@example.org>", rules=("transit.rewritten",), arrives=False
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", LETTERS)
def test_what_arrives_is_what_was_signed(name: str, gate: Gate, sender: Sender, judges: Judges) -> None:
    gate.use(JUDGED)
    letter = LETTERS[name]
    ident = f"Message-ID: <{name.replace(' ', '-')}@example.test>\r\n".encode()
    decision, arrived = sender.send(letter.head + ident + b"\r\nHello\r\n")
    assert [finding["rule"] for finding in decision["findings"]] == list(letter.rules)
    assert decision["seal"].get("rewritten", []) == list(letter.rewritten)
    assert judges.of(arrived) == all_say(letter.arrives, letter.arrives)
    if letter.arrives:
        assert letter.holds in arrived


def test_in_the_simple_form_too(gate: Gate, sender: Sender) -> None:
    """Blanks and folds count there: the gate folds lists where Sendmail does."""
    gate.use(SIMPLE)
    broken = []
    for name in [name for name, letter in LETTERS.items() if letter.arrives]:
        _, arrived = sender.send(LETTERS[name].head + b"\r\nHello\r\n")
        if dkimpy_verdict(arrived, gate.records) != [True, True]:
            broken.append(name)
    assert broken == []


def test_a_message_id_is_put_in_and_signed(gate: Gate, sender: Sender, judges: Judges) -> None:
    gate.use(JUDGED)
    decision, arrived = sender.send(ALICE + TO + b"\r\nHello\r\n")
    assert decision["findings"] == []
    assert decision["seal"]["rewritten"] == ["Date", "Message-Id"]
    assert len(re.findall(rb"(?im)^message-id:", arrived)) == len(re.findall(rb"(?im)^date:", arrived)) == 1
    assert f"\r\nMessage-Id: <{decision['id']}@example.test>\r\n".encode() in arrived
    assert judges.of(arrived) == all_say(True, True)


def test_switched_off_sendmail_breaks_what_was_signed(gate: Gate, sender: Sender) -> None:
    """`mta: postfix`: nothing is written anew, and the letters that Sendmail changes arrive broken."""
    gate.use(JUDGED + "mta: postfix\n")
    broken = set()
    for name, letter in LETTERS.items():
        _, arrived = sender.send(letter.head + b"Message-ID: <off@example.test>\r\n\r\nHello\r\n")
        if not all(dkimpy_verdict(arrived, gate.records)):
            broken.add(name)
    unchanged = {"its own name in capitals"}  # changed only without FEATURE(nocanonify)
    changed = {name for name, letter in LETTERS.items() if letter.rewritten or not letter.arrives}
    assert broken == changed - unchanged


# -- that all else holds behind Sendmail too ---------------------------------------------------------------------------


def test_the_queue_id_is_in_the_record_and_in_the_copy(gate: Gate, sender: Sender) -> None:
    gate.use(JUDGED)
    decision, arrived = sender.send(LETTERS["dots"].head + b"Message-ID: <queue@example.test>\r\n\r\nHello\r\n")
    assert decision["queue_id"]
    assert f" id {decision['queue_id']}".encode() in arrived


def test_who_logged_in_is_read_from_xtext(sendmail: Sendmail, realm: Realm, gate: Gate) -> None:
    gate.use(JUDGED)
    realm.add("odd+tag")
    with Client(sendmail.submission_port, realm_environment=realm.environment) as client:
        assert client.login(realm.ticket("odd+tag")).accepted
        answer = client.mail("alice@example.test")
    assert (answer.code, answer.text[:5]) == (550, "5.7.1")
    assert gate.events("decision")[-1]["auth"]["principal"] == "odd+tag@EXAMPLE.TEST"


def test_without_a_login_nobody_submits(sendmail: Sendmail, gate: Gate) -> None:
    """Sendmail's own modifier M=a, before the gate is asked."""
    gate.use(JUDGED)
    before = len(gate.events())
    with Client(sendmail.submission_port) as client:
        assert client.mail("alice@example.test").code == 530
    assert len(gate.events()) == before


def test_no_message_of_one_connection_is_taken_for_another(sendmail: Sendmail, realm: Realm, gate: Gate) -> None:
    """A refused one, one broken off, and a good one between them, each for itself."""
    gate.use(JUDGED)
    with Client(sendmail.submission_port, realm_environment=realm.environment) as client:
        assert client.login(realm.ticket("alice")).accepted
        assert client.send("bob@example.test", ["reader@example.org"], b"From: bob@example.test\n\nx\n").code == 553
        assert client.mail("alice@example.test").accepted
        assert client.command("RSET").accepted
        good = client.send(
            "alice@example.test", ["a@example.org", "b@example.org"], ALICE + b"To: A. <a@b.test>\r\n\r\nx\n"
        )
        assert good.code == 250
        forged = client.send("alice@example.test", ["a@example.org"], b"From: bob@example.test\nTo: a@b.test\n\nx\n")
    assert forged.code == 550
    assert [d["verdict"] for d in gate.events("decision")[-3:]] == ["reject", "accept", "reject"]
    assert gate.events("decision")[-2]["envelope"]["rcpt"] == ["<a@example.org>", "<b@example.org>"]


def test_what_is_held_is_shown_and_let_go(sendmail: Sendmail, realm: Realm, gate: Gate, judges: Judges) -> None:
    """As the guide has it: quarantined by Sendmail's own queue, sealed before."""
    held = next(case for case in all_cases() if case.name == "undeclared-advertisement-held")
    gate.use(spelled(profile_text(held.profile)))
    wire = held.message.replace(b"<held@", b"<letgo@")
    with Client(sendmail.submission_port, realm_environment=realm.environment) as client:
        assert client.login(realm.ticket("svc/portal")).accepted
        assert client.send(held.mail_from, [held.rcpt], wire).code == 250
    decision = gate.events("decision")[-1]
    assert decision["verdict"] == "quarantine"
    assert f"sealgate {decision['id']}" in sendmail.run("-bp", "-qQ")
    sendmail.run("-qQ", f"-qI{decision['queue_id']}", "-Q")
    sendmail.run(f"-qI{decision['queue_id']}")
    assert judges.of(sendmail.sink.wait_for("<letgo@example.test>").data) == all_say(True, True)


def test_sendmail_without_its_daemon_goes_around_the_gate(sendmail: Sendmail, gate: Gate) -> None:
    """As the guide warns: only what comes by SMTP is shown to milters."""
    before = len(gate.events())
    wire = ALICE + TO + b"Message-ID: <around@example.test>\r\n\r\nHello\r\n"
    sendmail.run(
        "-Am", "-odi", "-i", "-f", "alice@example.test", "reader@example.org", stdin=wire.replace(b"\r\n", b"\n")
    )
    assert b"DKIM-Signature" not in sendmail.sink.wait_for("<around@example.test>").data
    assert len(gate.events()) == before


def test_a_gate_that_does_not_answer_defers(realm: Realm) -> None:
    """F=T of the guide."""
    if why := why_unavailable():
        pytest.skip(why)
    nobody, submission, plain, sink = free_ports(4)
    with (
        reachable_folder() as folder,
        Sendmail(
            folder, realm, f"inet:{nobody}@127.0.0.1", submission_port=submission, plain_port=plain, sink_port=sink
        ) as relay,
        Client(relay.plain_port, tls=False) as client,
    ):  # fmt: skip
        assert client.mail("alice@example.test").code == 451 or client.opening.code == 451


def test_fields_of_all_kinds_arrive_as_they_were_signed(gate: Gate, sender: Sender) -> None:
    """What is put together at random: whatever the gate does not report arrives whole."""
    gate.use(JUDGED)
    chance = random.Random(20261121)
    broken = []
    for _ in range(FIELDS):
        value = _field(chance).encode()
        wire = ALICE + DATE + b"To:" + value + b"\r\nMessage-ID: <many@example.test>\r\n\r\nHello\r\n"
        decision, arrived = sender.send(wire)
        if not decision["findings"] and dkimpy_verdict(arrived, gate.records) != [True, True]:
            broken.append(value)
    assert broken == []


FIELDS = 60
_WORDS = (
    "Ann", "J.", "R.", "O'Neill", '"Q. R."', '"a \\"b\\""', "=?utf-8?q?J=C3=B6?=", "=?utf-8?Q?J._R?=", "é", "東京",
    "[x]", "A@B", "(work)", "(a (b) c)", "(J. R.)", "&", "...", "'x'",
)  # fmt: skip
_BLANKS = (*[" "] * 6, "", "  ", "\t", "\r\n ")


def _field(chance: random.Random) -> str:
    """The value of an address field, ordinary or odd."""

    def address() -> str:
        local = chance.choice(("ann", "o'neil", "x+t", '"q q"', "a%b", "é", "ann ", "J_1"))
        host = chance.choice(("@example.org", "@EXAMPLE.Org", "@mail.example.test", " @ b.test", "@[192.0.2.1]", ""))
        return local + host

    def box() -> str:
        if chance.random() < 0.3:
            return address() + chance.choice(("", "(c)", " (c)(d)", "\t(J. R.)"))
        words = "".join(chance.choice(_WORDS) + chance.choice(_BLANKS) for _ in range(chance.randint(0, 4)))
        return f"{words}<{address()}>{chance.choice(('', '', '', ' (c)', '(d)'))}"

    boxes = chance.choice((", ", ",", " , ", ",\r\n\t")).join(box() for _ in range(chance.choice((1, 1, 2, 3, 8, 30))))
    if chance.random() < 0.1:
        boxes = f"{chance.choice(('Friends', 'J. R.', 'A (c)'))}{chance.choice((':', ' : '))}{boxes};"
    return chance.choice(_BLANKS) + boxes
