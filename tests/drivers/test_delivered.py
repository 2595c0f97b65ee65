"""The seal on the copy that arrives, judged by foreign verifiers with real DNS.

What a real Postfix does to a message before the gate sees it and after is shown here message by message, and with it
that each `transit` rule says the truth: what it reports does break, what it lets pass does not.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from tests.drivers.cases import all_cases, profile_text
from tests.lab.gate import Gate
from tests.lab.judges import Judges, all_say
from tests.lab.ports import free_ports
from tests.lab.realm import Realm
from tests.lab.relay import Relay
from tests.lab.submit import Client, submit
from tests.lab.verify import Resolver, VerifyUnavailable, dkimpy_verdict

pytestmark = pytest.mark.relay

NEWSLETTER = next(case for case in all_cases() if case.name == "lawful-newsletter")


@pytest.fixture(scope="module")
def resolver(gate: Gate) -> Iterator[Resolver]:
    try:
        with Resolver(gate.records) as running:
            yield running
    except VerifyUnavailable as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def arrived(relay: Relay, realm: Realm, gate: Gate) -> bytes:
    """The newsletter as the next hop got it."""
    gate.use(profile_text("enforce"))
    wire = NEWSLETTER.message.replace(b"<lawful@", b"<delivered@")
    answer = submit(
        relay.submission_port,
        realm.ticket("svc/newsletter"),
        NEWSLETTER.mail_from,
        [NEWSLETTER.rcpt],
        wire,
        realm_environment=realm.environment,
    )
    assert answer.code == 250, answer
    return relay.sink.wait_for("<delivered@example.test>").data


def test_both_tools_accept_both_signatures(arrived: bytes, resolver: Resolver) -> None:
    assert arrived.count(b"DKIM-Signature:") == 2
    assert {tool: good for tool, (good, _) in resolver.verdicts(arrived).items()} == {
        "dkimverify": True,
        "opendkim-testmsg": True,
    }


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"Subject: Spring offers", b"Subject: Winter offers"),
        (b"garden chairs are", b"garden tables are"),
        (b"From: Example News", b"From: dean@example.test\r\nFrom: Example News"),
        (b"List-Unsubscribe: <https://www.example.test/u/k3j9>", b"List-Unsubscribe: <https://evil.test/u>"),
        (b"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n", b""),
        (b"MIME-Version: 1.0", b"List-Unsubscribe: <https://evil.test/u>\r\nMIME-Version: 1.0"),
    ],
)
def test_both_tools_refuse_a_changed_copy(arrived: bytes, resolver: Resolver, old: bytes, new: bytes) -> None:
    assert old in arrived
    changed = arrived.replace(old, new, 1)
    assert {tool: good for tool, (good, _) in resolver.verdicts(changed).items()} == {
        "dkimverify": False,
        "opendkim-testmsg": False,
    }


# -- what Postfix does to all kinds of mail ----------------------------------------------------------------------------

HEAD = b"From: alice@example.test\r\nDate: Sat, 21 Nov 2026 09:00:00 +0000\r\n"
TO = b"To: reader@example.org\r\n"
PLAIN = HEAD + TO + b"Subject: x\r\n"
EIGHT_BIT = b"MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n"
IDS = b" ".join(b"<message.%d@lists.example.test>" % i for i in range(80))
MANY = b"To: " + b", ".join(b"Reader %d <reader%d@example.org>" % (i, i) for i in range(100)) + b"\r\n"


@dataclass(frozen=True)
class Letter:
    """A message of alice's, and what must come of it.

    Attributes:
        rules: what the gate finds.
        arrives: whether the signatures are good on the copy that arrives.
        folded: the fields that the gate folds.
        holds: what is in the copy that arrives.
        lacks: what is not.
    """

    wire: bytes
    rules: tuple[str, ...] = ()
    arrives: bool = True
    folded: tuple[str, ...] = ()
    holds: bytes = b""
    lacks: bytes = b"\xff\xff"


LETTERS = {
    "plain": Letter(PLAIN + b"\r\nHello\r\n"),
    "odd folds": Letter(HEAD + TO + b"Subject: a\r\n\tb\r\n   c  d \r\n\t \te\r\n\r\nHello\r\n"),
    "a fold before anything": Letter(HEAD + TO + b"Subject:\r\n x\r\n\r\nHello\r\n"),
    "a line of blanks in a field": Letter(HEAD + TO + b"Subject: x\r\n \r\n y\r\n\r\nHello\r\n"),
    # Before any filter sees it, and to no harm (`test_seal_judges`: two verifiers could not read it).
    "a blank before the colon": Letter(
        HEAD + TO + b"Subject : x\r\n\r\nHello\r\n", holds=b"Subject: x\r\n", lacks=b"Subject :"
    ),
    "a tab before the colon": Letter(HEAD + TO + b"Subject\t:\tx\r\n\r\nHello\r\n", holds=b"Subject:\tx\r\n"),
    "no blank behind the colon": Letter(HEAD + TO + b"Subject:x\r\n\r\nHello\r\n", holds=b"Subject:x\r\n"),
    "tabs": Letter(HEAD + TO + b"Subject:\tx\ty\t\r\n\r\nHello\t\r\n", holds=b"Hello\t\r\n"),
    "blanks at the ends": Letter(HEAD + TO + b"Subject: x  \r\n\r\nHello  \r\n"),
    "an empty field": Letter(HEAD + TO + b"Subject:\r\n\r\nHello\r\n"),
    "a field of one blank": Letter(HEAD + TO + b"Subject: \r\n\r\nHello\r\n"),
    "names in odd case": Letter(HEAD.replace(b"From", b"fROM") + TO + b"sUBJECT: x\r\n\r\nHello\r\n"),
    "long References": Letter(
        PLAIN + b"References: " + IDS + b"\r\n\r\nHello\r\n", folded=("References",), holds=IDS[-40:]
    ),
    "long References with a blank before the colon": Letter(
        PLAIN + b"References : " + IDS + b"\r\n\r\nHello\r\n", folded=("References",), holds=IDS[-40:]
    ),
    "a long list in To": Letter(HEAD + MANY + b"Subject: x\r\n\r\nHello\r\n", folded=("To",)),
    "a long list in To without blanks": Letter(
        HEAD + re.sub(rb"(?<!:) ", b"", MANY) + b"Subject: x\r\n\r\nHello\r\n", folded=("To",)
    ),
    "long References without blanks": Letter(
        PLAIN + b"References: " + IDS.replace(b" ", b"") + b"\r\n\r\nHello\r\n", folded=("References",)
    ),
    # Some of them only, in other spellings: an edit names a field by its number.
    "several long fields of one name": Letter(
        PLAIN
        + MANY.replace(b"To:", b"Resent-To:")
        + b"resent-to: a@example.org\r\n"
        + MANY.replace(b"To:", b"RESENT-TO:")
        + b"\r\nHello\r\n",
        folded=("Resent-To", "RESENT-TO"),
    ),
    "a field as long as Postfix lets one be": Letter(
        HEAD + TO + b"Subject: " + b"word " * 11_900 + b"\r\n\r\nHello\r\n", folded=("Subject",)
    ),
    "a long subject that is no UTF-8": Letter(
        HEAD + TO + b"Subject: " + b"caf\xe9s, " * 250 + b"\r\n\r\nHello\r\n", ("transit.long-field",), arrives=False
    ),
    "a long subject beyond ASCII": Letter(
        HEAD + TO + b"Subject: " + "žluť ".encode() * 200 + b"\r\n\r\nHello\r\n", folded=("Subject",)
    ),
    "a subject of one word that just fits": Letter(HEAD + TO + b"Subject: " + b"y" * 989 + b"\r\n\r\nHello\r\n"),
    "a subject of one word too long": Letter(
        HEAD + TO + b"Subject: " + b"y" * 990 + b"\r\n\r\nHello\r\n", ("transit.long-field",), arrives=False
    ),
    "octets above 127 to a host that takes them": Letter(
        PLAIN + EIGHT_BIT + "\r\nGrüße\r\n".encode(), ("transit.eight-bit",), holds="Grüße".encode()
    ),
    "a line of 998 octets": Letter(PLAIN + b"\r\n" + b"x" * 998 + b"\r\n", holds=b"x" * 998 + b"\r\n"),
    "a line of 999 octets": Letter(
        PLAIN + b"\r\n" + b"x" * 999 + b"\r\n", ("transit.long-line",), arrives=False, lacks=b"x" * 999
    ),
    "a line of 1500 octets": Letter(
        PLAIN + b"\r\n" + b"x" * 1_500 + b"\r\n", ("transit.long-line",), arrives=False, lacks=b"x" * 999
    ),
    # Postfix itself hands it on; others may not (RFC 5322 4.1), so the rule says no more than that it may be dropped.
    "an octet zero": Letter(PLAIN + b"\r\na\0b\r\n", ("transit.nul",), holds=b"a\0b\r\n"),
    # What stands alone is mended before any filter sees it (cleanup_replace_stray_cr_lf, and smtpd for a lone LF).
    "a lone CR": Letter(PLAIN + b"\r\na\rb\r\n", holds=b"a b\r\n"),
    "a lone LF": Letter(PLAIN + b"\r\na\nb\r\n", holds=b"a\r\nb\r\n"),
    "CR before a line end": Letter(PLAIN + b"\r\na\r\r\nb\r\n", lacks=b"\r\r"),
    "lines of blanks and empty lines at the end": Letter(PLAIN + b"\r\nHello\r\n\r\n \r\n\r\n"),
    "no body": Letter(PLAIN + b"\r\n"),
    "dots": Letter(PLAIN + b"\r\n.\r\n..\r\n.a\r\nFrom x\r\n", holds=b"\r\n\r\n.\r\n..\r\n.a\r\nFrom x\r\n"),
    "an octet zero in a field": Letter(HEAD + TO + b"Subject: a\0b\r\n\r\nHello\r\n"),
    "a lone CR in a field": Letter(HEAD + TO + b"Subject: a\rb\r\n\r\nHello\r\n", lacks=b"a\rb"),
}
Sender = Callable[[Relay, Letter, str], tuple[dict[str, Any], bytes]]


def in_form(form: str) -> str:
    return profile_text("enforce").replace("    sign: yes\n", f"    sign: yes\n    canonicalization: {form}\n", 1)


@pytest.fixture(scope="module")
def judges(gate: Gate) -> Iterator[Judges]:
    try:
        with Judges(gate.records) as running:
            yield running
    except VerifyUnavailable as error:
        pytest.skip(str(error))


@pytest.fixture
def sent(realm: Realm, gate: Gate) -> Sender:
    """Sends a letter as alice, octet for octet; gives the decision and the copy that arrived."""

    def send(relay: Relay, letter: Letter, name: str) -> tuple[dict[str, Any], bytes]:
        before = len(gate.events("decision"))
        wire = letter.wire.replace(b"Date:", f"Message-ID: <{name}@example.test>\r\nDate:".encode(), 1)
        with Client(relay.submission_port, realm_environment=realm.environment) as client:
            assert client.login(realm.ticket("alice")).accepted
            assert client.mail("alice@example.test", "" if wire.isascii() else "BODY=8BITMIME").accepted
            assert client.rcpt("reader@example.org").accepted
            answer = client.data(re.sub(rb"(?m)^\.", b"..", wire) + b".\r\n")
        assert answer.code == 250, answer
        (decision,) = gate.events("decision")[before:]
        return decision, relay.sink.wait_for(f"<{name}@example.test>").data

    return send


@pytest.mark.parametrize("name", LETTERS)
@pytest.mark.parametrize("form", ["simple/simple", "relaxed/relaxed"])
def test_what_arrives_and_what_was_said_of_it(
    relay: Relay, gate: Gate, judges: Judges, sent: Sender, form: str, name: str
) -> None:
    gate.use(in_form(form))
    letter = LETTERS[name]
    decision, arrived = sent(relay, letter, f"{name} {form}".replace(" ", "-").replace("/", "."))
    assert [finding["rule"] for finding in decision["findings"]] == list(letter.rules)
    assert decision["seal"]["folded"] == list(letter.folded)
    assert judges.of(arrived) == all_say(letter.arrives, letter.arrives)
    assert letter.holds in arrived
    assert letter.lacks not in arrived
    assert max(map(len, arrived.split(b"\r\n"))) <= 998


@pytest.fixture(scope="module")
def elsewhere(realm: Realm, gate: Gate, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Relay]:
    """A Postfix that leaves lone CRs as they are, in front of a host that takes no octets above 127."""
    submission, plain, sink = free_ports(3)
    with Relay(
        tmp_path_factory.mktemp("elsewhere"),
        realm,
        gate.address,
        submission_port=submission,
        plain_port=plain,
        sink_port=sink,
        sink_extensions=(),
        settings={"cleanup_replace_stray_cr_lf": "no"},
    ) as running:
        yield running


def test_a_host_that_takes_no_octets_above_127_gets_other_octets(
    elsewhere: Relay, gate: Gate, judges: Judges, sent: Sender
) -> None:
    """RFC 6152 3: Postfix encodes them on the way out, behind the gate; that is what transit.eight-bit warns of."""
    gate.use(profile_text("enforce"))
    decision, arrived = sent(elsewhere, LETTERS["octets above 127 to a host that takes them"], "seven-bits")
    assert [finding["rule"] for finding in decision["findings"]] == ["transit.eight-bit"]
    assert b"Gr=C3=BC=C3=9Fe" in arrived
    assert judges.of(arrived) == all_say(False, False)
    _, arrived = sent(elsewhere, LETTERS["plain"], "seven-bits-plain")
    assert judges.of(arrived) == all_say(True, True)


def test_a_lone_cr_that_nobody_mends_is_read_in_two_ways(
    elsewhere: Relay, gate: Gate, judges: Judges, sent: Sender
) -> None:
    """It arrives as it was signed, and two of three verifiers see a line end there: transit.bare-line-end is right."""
    gate.use(profile_text("enforce"))
    decision, arrived = sent(elsewhere, LETTERS["a lone CR"], "lone-cr")
    assert [finding["rule"] for finding in decision["findings"]] == ["transit.bare-line-end"]
    assert b"\r\na\rb\r\n" in arrived
    assert judges.of(arrived) == all_say(False, False) | {"dkimpy": [True, True]}


def test_what_is_held_was_sealed_before(relay: Relay, realm: Realm, gate: Gate, judges: Judges) -> None:
    """Who releases it calls no filter: postsuper -H."""
    held = next(case for case in all_cases() if case.name == "undeclared-advertisement-held")
    gate.use(profile_text(held.profile))
    ticket, wire = realm.ticket("svc/portal"), held.message.replace(b"<held@", b"<released@")
    answer = submit(
        relay.submission_port, ticket, held.mail_from, [held.rcpt], wire, realm_environment=realm.environment
    )
    assert answer.code == 250, answer
    assert gate.events("decision")[-1]["verdict"] == "quarantine"
    assert f"{answer.queue_id}!" in relay.run("postqueue", "-p")  # postqueue(1): on hold
    relay.run("postsuper", "-H", answer.queue_id)
    relay.run("postqueue", "-f")
    arrived = relay.sink.wait_for("<released@example.test>").data
    assert judges.of(arrived) == all_say(True, True)


def test_in_report_mode_whoever_is_not_logged_in_gets_no_seal(relay: Relay, gate: Gate) -> None:
    """A signature says that the domain answers for its author, and here nobody knows who wrote it."""
    gate.use(profile_text("report").replace("smtpd: pass", "smtpd: judge"))
    wire = LETTERS["plain"].wire.replace(b"Date:", b"Message-ID: <nobody@example.test>\r\nDate:")
    answer = submit(
        relay.plain_port, None, "alice@example.test", ["reader@example.org"], wire, tls=False, realm_environment={}
    )
    assert answer.code == 250, answer
    decision = gate.events("decision")[-1]
    assert (decision["verdict"], decision["would"]) == ("accept", "reject")
    assert decision["seal"] == {"signed": [], "skipped": "no-login"}
    arrived = relay.sink.wait_for("<nobody@example.test>").data
    assert b"DKIM-Signature" not in arrived
    assert dkimpy_verdict(arrived, gate.records) == []
