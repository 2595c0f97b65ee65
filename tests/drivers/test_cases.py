"""Every case of the corpus, through every driver."""

import pytest

from sealgate.app.runtime import Runtime
from sealgate.checks.rules import RULES
from tests.drivers import core, postfix
from tests.drivers import socket as milter_socket
from tests.drivers.cases import Case, all_cases
from tests.lab.gate import Gate
from tests.lab.realm import Realm
from tests.lab.relay import Relay

# One profile after the other, so that the running gate is reloaded a few times and not once a case.
CASES = [pytest.param(case, id=case.name) for case in sorted(all_cases(), key=lambda c: c.profile)]
# Rules that no ordinary message can meet; each has a test of its own elsewhere.
ELSEWHERE = {
    "form.header-limit",
    "form.over-limits",
    "canspam.unread",
    "identity.envelope-syntax",
    "form.field-name",
    "form.hidden-line",
}


def test_the_corpus_meets_every_rule() -> None:
    """A rule without a case is a promise without a proof."""
    met = {rule for case in all_cases() for rule in case.expect.get("rules", ())}
    assert met | ELSEWHERE == set(RULES)


@pytest.mark.parametrize("case", CASES)
def test_core(case: Case, runtimes: dict[str, Runtime]) -> None:
    assert case.differences(core.run(case, runtimes[case.profile])) == []


@pytest.mark.daemon
@pytest.mark.parametrize("case", CASES)
def test_socket(case: Case, gate: Gate) -> None:
    assert case.differences(milter_socket.run(case, gate)) == []


@pytest.mark.relay
@pytest.mark.parametrize("case", CASES)
def test_postfix(case: Case, relay: Relay, realm: Realm, gate: Gate) -> None:
    if "postfix" in case.skip:
        pytest.skip(f"not through Postfix: {case.skip['postfix']}")
    assert case.differences(postfix.run(case, relay, realm, gate)) == []
