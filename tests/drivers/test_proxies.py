"""Proxies in front of Postfix (XCLIENT): what they say of a client does not make it another one."""

import contextlib
import smtplib
from pathlib import Path

import pytest

from tests.lab.gate import Gate
from tests.lab.ports import free_ports
from tests.lab.realm import Realm
from tests.lab.relay import Relay, reachable_folder, why_unavailable

pytest.importorskip("milter", reason="pymilter is not installed")
pytestmark = pytest.mark.relay

PROFILE = """
version: 1
mode: enforce
listeners: {smtpd: judge}
realms: {EXAMPLE.TEST: exact}
logins:
  - {listener: smtpd, mechanism: XCLIENT, spelled: "{user}@EXAMPLE.TEST", principal: "{user}@EXAMPLE.TEST"}
domains: {example.test: {sign: no}}
identities:
  alice: {principals: [alice@EXAMPLE.TEST], senders: [alice@example.test]}
"""


@pytest.mark.parametrize("port", ["4711", "[UNAVAILABLE]"])
def test_a_proxy_that_knows_no_port_does_not_make_a_local_submission(realm: Realm, tmp_path: Path, port: str) -> None:
    """XCLIENT PORT=[UNAVAILABLE] reaches the milter as port 0, as sendmail(1) does (smtpd_milters of smtpd.c).

    The listener is named in the profile and judged; a login as alice must not send as somebody else through it.
    The case with a port holds already and shows that nothing else lets the message through.
    """
    if why := why_unavailable():
        pytest.skip(why)
    submission, plain, sink = free_ports(3)
    with contextlib.ExitStack() as stack:
        gate = stack.enter_context(Gate(stack.enter_context(reachable_folder()), PROFILE))
        stack.enter_context(
            Relay(
                tmp_path,
                realm,
                gate.address,
                submission_port=submission,
                plain_port=plain,
                sink_port=sink,
                settings={"smtpd_authorized_xclient_hosts": "127.0.0.1"},
            )
        )
        client = stack.enter_context(smtplib.SMTP("127.0.0.1", plain, local_hostname="client.example.test"))
        client.ehlo()
        # The address is the loopback's only because the lab relays for no other.
        xclient = f"ADDR=127.0.0.1 NAME=proxied.example.test PORT={port} LOGIN=alice@EXAMPLE.TEST"
        assert client.docmd("XCLIENT", xclient)[0] == 220
        client.ehlo()
        assert client.docmd("MAIL", "FROM:<ceo@example.test>")[0] == 553
