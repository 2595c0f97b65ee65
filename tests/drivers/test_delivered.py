"""The seal on the copy that arrives, judged by foreign verifiers: dkimverify and opendkim-testmsg with real DNS."""

from collections.abc import Iterator

import pytest

from tests.drivers.cases import all_cases, profile_text
from tests.lab.gate import Gate
from tests.lab.realm import Realm
from tests.lab.relay import Relay
from tests.lab.submit import submit
from tests.lab.verify import Resolver, VerifyUnavailable

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
