"""The lab itself: a ticket opens the submission listener, mail reaches the sink as it was sent, and the verifiers tell
a good signature from a bad one. Where the host lacks what these need, they are skipped with the reason."""

import base64
import contextlib
import time
from collections.abc import Iterator
from pathlib import Path

import dkim
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from gssapi.raw.misc import GSSError

from tests.lab.ports import answers, free_ports
from tests.lab.realm import Realm, RealmError, RealmUnavailable
from tests.lab.relay import Relay, RelayError, reachable_folder, why_unavailable
from tests.lab.sink import Sink
from tests.lab.submit import Answer, Client, submit, wire_form
from tests.lab.verify import Resolver, VerifyUnavailable, dkimpy_verdict, tool_verdicts, zone_text

pytestmark = pytest.mark.relay

LETTER = b"""\
From: Alice <alice@example.test>
To: bob@elsewhere.test
Subject: dots and octets
Date: Mon, 06 May 2024 10:00:00 +0000
Message-ID: <%s@example.test>

.one dot
..two dots
\xe4\xff\x80 eight bits
end
"""


@pytest.fixture(scope="module")
def realm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Realm]:
    with contextlib.ExitStack() as stack:
        try:
            made = stack.enter_context(Realm(tmp_path_factory.mktemp("realm")))
        except RealmUnavailable as reason:
            pytest.skip(str(reason))
        made.add("alice")
        yield made


@pytest.fixture(scope="module")
def relay(realm: Realm, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Relay]:
    if reason := why_unavailable():
        pytest.skip(reason)
    submission, plain, sink = free_ports(3)
    folder = tmp_path_factory.mktemp("relay")
    with Relay(folder, realm, None, submission_port=submission, plain_port=plain, sink_port=sink) as running:
        yield running


def by_alice(relay: Relay, realm: Realm, message: bytes, ccache: Path | None) -> Answer:
    return submit(
        relay.submission_port,
        ccache,
        "alice@example.test",
        ["bob@elsewhere.test"],
        message,
        realm_environment=realm.environment,
    )


def test_a_ticket_opens_the_submission_listener_and_the_octets_arrive(relay: Relay, realm: Realm) -> None:
    answer = by_alice(relay, realm, LETTER % b"ticket", realm.ticket("alice"))
    assert (answer.stage, answer.code) == ("data", 250)
    assert answer.queue_id
    delivered = relay.sink.wait_for("<ticket@example.test>")
    assert delivered.sender == "alice@example.test"
    assert delivered.recipients == ("bob@elsewhere.test",)
    assert delivered.data.endswith((LETTER % b"ticket").replace(b"\n", b"\r\n"))
    assert delivered.data.startswith(b"Received: ")
    assert b"with ESMTPSA" in delivered.data  # RFC 3848: TLS and a login


def test_the_login_is_the_principal_with_its_realm(relay: Relay, realm: Realm) -> None:
    answer = by_alice(relay, realm, LETTER % b"name", realm.ticket("alice"))
    line = relay.wait_for_log(f"{answer.queue_id}: client=")
    assert line.endswith("sasl_method=GSSAPI, sasl_username=alice@EXAMPLE.TEST")


def test_without_a_ticket_the_submission_listener_refuses(relay: Relay, realm: Realm) -> None:
    answer = by_alice(relay, realm, LETTER % b"nobody", None)
    assert (answer.stage, answer.code) == ("rcpt", 554)


def test_a_ticket_of_another_realm_with_the_same_name_is_refused(relay: Relay, tmp_path: Path) -> None:
    with Realm(tmp_path) as impostor:
        impostor.add("alice")
        impostor.add("smtp/mail.example.test")
        answer = by_alice(relay, impostor, LETTER % b"impostor", impostor.ticket("alice"))
    assert answer.stage == "auth"
    assert answer.code in (454, 535)


def test_the_submission_listener_demands_tls(relay: Relay) -> None:
    with Client(relay.submission_port, tls=False) as client:
        answer = client.mail("alice@example.test")
    assert answer.code == 530


def test_several_messages_share_a_connection_and_a_refused_one_does_not_end_it(relay: Relay, realm: Realm) -> None:
    with Client(relay.submission_port, realm_environment=realm.environment) as client:
        assert client.login(realm.ticket("alice")).code == 235
        assert client.send("alice@example.test", ["b ad@elsewhere.test"], LETTER % b"s0").stage == "rcpt"
        for name in (b"s1", b"s2"):
            assert client.send("alice@example.test", ["bob@elsewhere.test"], LETTER % name).code == 250
    assert relay.sink.wait_for("s1@example.test").data != relay.sink.wait_for("s2@example.test").data


def test_the_plain_listener_takes_the_null_sender_without_a_login(relay: Relay) -> None:
    answer = submit(
        relay.plain_port, None, "", ["bob@elsewhere.test"], LETTER % b"null", tls=False, realm_environment={}
    )
    assert answer.code == 250
    assert relay.sink.wait_for("<null@example.test>").sender == ""


def test_sendmail_delivers_through_the_same_relay(relay: Relay) -> None:
    relay.sendmail(LETTER % b"local", "alice@example.test", ["bob@elsewhere.test", "carol@elsewhere.test"])
    delivered = relay.sink.wait_for("local@example.test")
    assert set(delivered.recipients) == {"bob@elsewhere.test", "carol@elsewhere.test"}
    assert b"from userid" in delivered.data


def test_a_milter_that_is_away_defers_mail(realm: Realm, tmp_path: Path) -> None:
    if reason := why_unavailable():
        pytest.skip(reason)
    submission, plain, nobody = free_ports(3)
    milter = f"inet:127.0.0.1:{nobody}"
    with Relay(tmp_path, realm, milter, submission_port=submission, plain_port=plain, sink_port=0) as relay:
        answer = submit(plain, None, "a@example.test", ["b@x.test"], LETTER % b"m", tls=False, realm_environment={})
        assert answer.code == 451
        assert relay.sink.messages == []


def test_a_relay_that_cannot_start_shows_its_log_and_leaves_nothing_behind(realm: Realm, tmp_path: Path) -> None:
    if reason := why_unavailable():
        pytest.skip(reason)
    (plain,) = free_ports(1)
    with Sink() as squatter:
        relay = Relay(tmp_path, realm, None, submission_port=squatter.port, plain_port=plain, sink_port=0)
        with pytest.raises(RelayError, match=f"port {squatter.port}.*Address already in use"), relay:
            pass
    assert not answers(plain)


def test_an_expired_ticket_opens_nothing(relay: Relay, realm: Realm) -> None:
    realm.add("brief")
    ticket = realm.ticket("brief", lifetime=1)
    time.sleep(2.1)  # Kerberos counts whole seconds, and the last one is still good
    with pytest.raises(GSSError):
        by_alice(relay, realm, LETTER % b"expired", ticket)


def test_the_realm_stops_its_kdc_and_reports_what_it_does_not_know(tmp_path: Path) -> None:
    with contextlib.ExitStack() as stack:
        try:
            realm = stack.enter_context(Realm(tmp_path, "OTHER.TEST"))
        except RealmUnavailable as reason:
            pytest.skip(str(reason))
        realm.add("svc/relay")
        assert realm.ticket("svc/relay").exists()
        with pytest.raises(RealmError, match="already exists"):
            realm.add("svc/relay")
        with pytest.raises(RealmError, match="was not added"):
            realm.ticket("mallory")
        assert answers(realm.port)
    assert not answers(realm.port)


def test_everyone_may_enter_a_reachable_folder_and_it_goes(tmp_path: Path) -> None:
    with reachable_folder() as folder:
        assert folder.stat().st_mode & 0o777 == 0o711
        (folder / "file").touch()
    assert not folder.exists()


@pytest.mark.parametrize(
    ("message", "wire"),
    [
        (b"", b".\r\n"),
        (b"a\nb", b"a\r\nb\r\n.\r\n"),
        (b"a\r\nb\r\n", b"a\r\nb\r\n.\r\n"),
        (b".\n..\n", b"..\r\n...\r\n.\r\n"),
        (b"a\rb\n", b"a\rb\r\n.\r\n"),
    ],
)
def test_line_ends_and_dots_on_the_wire(message: bytes, wire: bytes) -> None:
    assert wire_form(message) == wire


# ---------------------------------------------------------------- verifiers


@pytest.fixture(scope="module")
def key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


@pytest.fixture(scope="module")
def records(key: rsa.RSAPrivateKey) -> dict[str, str]:
    public = key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return {"s1._domainkey.example.test": f"v=DKIM1; k=rsa; p={base64.b64encode(public).decode()}"}


def signed(message: bytes, key: rsa.RSAPrivateKey, domain: bytes = b"example.test") -> bytes:
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )
    field: bytes = dkim.sign(message, b"s1", domain, pem, canonicalize=(b"relaxed", b"relaxed"))
    return field + message


def test_a_long_key_record_is_cut_into_strings_of_255(records: dict[str, str]) -> None:
    (line,) = (each for each in zone_text(records).splitlines() if "TXT" in each)
    strings = line.split('"')[1::2]
    assert len(strings) == 2
    assert all(len(each) <= 255 for each in strings)
    assert "".join(strings) == records["s1._domainkey.example.test"]


def test_both_tools_accept_a_good_message_and_refuse_a_changed_one(
    key: rsa.RSAPrivateKey, records: dict[str, str]
) -> None:
    good = signed((LETTER % b"dkim").replace(b"\n", b"\r\n"), key)
    twice = signed(good, key)
    changed = good.replace(b"end\r\n", b"End\r\n")
    unsigned = (LETTER % b"dkim").replace(b"\n", b"\r\n")
    stranger = signed(unsigned, key, b"unknown.test")
    half = changed.replace(b"dots and", b"Dots and")
    try:
        with Resolver(records) as resolver:
            for message, wanted in [(good, True), (twice, True), (changed, False), (unsigned, False)]:
                verdicts = resolver.verdicts(message)
                assert {tool: good for tool, (good, _) in verdicts.items()} == dict.fromkeys(
                    ("dkimverify", "opendkim-testmsg"), wanted
                ), verdicts
            for message in (stranger, half):
                assert not any(good for good, _ in resolver.verdicts(message).values())
    except VerifyUnavailable as reason:
        pytest.skip(str(reason))


def test_one_good_signature_does_not_hide_a_bad_one(key: rsa.RSAPrivateKey, records: dict[str, str]) -> None:
    message = (LETTER % b"dkim").replace(b"\n", b"\r\n")
    bad = signed(message.replace(b"end\r\n", b"End\r\n"), key).split(b"From: ", 1)[0]
    both = bad + signed(message, key)
    assert dkimpy_verdict(both, records) == [False, True]
    try:
        verdicts = tool_verdicts(both, records)
    except VerifyUnavailable as reason:
        pytest.skip(str(reason))
    assert not any(good for good, _ in verdicts.values())


def test_dkimpy_judges_each_signature_offline(key: rsa.RSAPrivateKey, records: dict[str, str]) -> None:
    message = LETTER % b"dkim"
    assert dkimpy_verdict(message, records) == []
    good = signed(message, key)
    assert dkimpy_verdict(good, records) == [True]
    assert dkimpy_verdict(good, {}) == [False]
    assert dkimpy_verdict(good.replace(b"one dot", b"one Dot"), records) == [False]


def test_a_signed_message_still_verifies_behind_the_relay(
    relay: Relay, realm: Realm, key: rsa.RSAPrivateKey, records: dict[str, str]
) -> None:
    message = signed((LETTER % b"sealed").replace(b"\n", b"\r\n"), key)
    assert by_alice(relay, realm, message, realm.ticket("alice")).code == 250
    assert dkimpy_verdict(relay.sink.wait_for("sealed@example.test").data, records) == [True]
