"""Logins as real SASL libraries spell them, through a real Postfix: who reaches the gate, and what is answered.

Two realms that trust each other, every kind of principal, and Cyrus, Dovecot and saslauthd behind the submission
listener. The rule: a login becomes the principal whose ticket or password it was, or it sends nothing.
"""

import contextlib
import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("milter", reason="pymilter is not installed")
pytest.importorskip("gssapi", reason="gssapi is not installed")

from sealgate.adapters.mta import read_mta
from sealgate.profile.model import Problem, Profile
from sealgate.profile.parse import parse_profile
from sealgate.profile.spelling import judge_spelling
from tests.lab import dovecot, saslauthd
from tests.lab.dovecot import Dovecot
from tests.lab.gate import Gate
from tests.lab.ports import free_ports
from tests.lab.realm import Realm, RealmUnavailable
from tests.lab.relay import Relay, reachable_folder, why_unavailable
from tests.lab.saslauthd import Saslauthd
from tests.lab.submit import Answer, Client

pytestmark = pytest.mark.relay

HOME, PARTNER = "EXAMPLE.TEST", "PARTNER.TEST"
OURS = {  # principal without the realm -> its one address
    "alice": "alice@example.test",
    "bob": "bob@example.test",
    "alice/admin": "root@example.test",
    "svc/newsletter": "news@example.test",
    "host/app1.example.test": "app1@example.test",
    "Alice.Mixed": "mixed@example.test",
    r"bob\@corp.example": "corp@example.test",
}
STRANGER = f"alice@{PARTNER}"
PASSWORDS = {f"alice@{HOME}": "at home", STRANGER: "abroad"}


def profile_text(*, partner: bool = False, xclient: bool = False) -> str:
    """Everybody has one address; the partner's alice has one too, where her realm is listed."""
    mechanisms = "[GSSAPI, PLAIN, XCLIENT]" if xclient else "[GSSAPI, PLAIN]"
    identities = {f"{name}@{HOME}": address for name, address in OURS.items()}
    realms = {HOME: ("{user}", f"{{user}}@{HOME}")}
    if partner:
        identities[STRANGER] = "partner@example.test"
        realms[PARTNER] = (f"{{user}}@{PARTNER}",)
    lines = ["version: 1", "mode: enforce", "listeners: {submission: judge}", "realms:"]
    lines += [f"  {realm}: exact" for realm in realms]
    lines += ["domains: {example.test: {sign: no}}", "logins:"]
    for realm, spellings in realms.items():
        for spelled in spellings:
            lines.append(
                f'  - {{listener: submission, mechanism: {mechanisms}, spelled: "{spelled}", '
                f'principal: "{{user}}@{realm}"}}'
            )
    lines.append("identities:")
    for number, (principal, address) in enumerate(identities.items()):
        lines.append(f"  i{number}: {{principals: ['{principal}'], kind: service, senders: [{address}]}}")
    return "\n".join(lines) + "\n"


@dataclass(frozen=True)
class Heard:
    """What came of one attempt: the deciding answer, and the audit line if there is one."""

    answer: Answer
    event: dict[str, Any]

    @property
    def rules(self) -> list[str]:
        return [finding["rule"] for finding in self.event.get("findings", ())]

    @property
    def principal(self) -> str:
        return str(self.event.get("auth", {}).get("principal", ""))

    @property
    def name(self) -> str:
        return str(self.event.get("auth", {}).get("name", ""))


class Stage:
    """A relay with one kind of SASL in front of the gate."""

    _numbers = itertools.count(1)

    def __init__(self, relay: Relay, gate: Gate, realm: Realm) -> None:
        self.relay, self.gate, self.realm = relay, gate, realm

    def by_ticket(self, who: str, sender: str, identity: bytes = b"") -> Heard:
        with self._client() as client:
            if not (answer := client.login(self.realm.ticket(who), identity)).accepted:
                return Heard(answer, {})
            return self.send(client, sender)

    def by_password(self, who: str, sender: str, password: str, identity: str = "") -> Heard:
        with self._client() as client:
            if not (answer := client.plain(who, password, identity)).accepted:
                return Heard(answer, {})
            return self.send(client, sender)

    def send(self, client: Client, sender: str, author: str = "") -> Heard:
        before = len(self.gate.events("decision"))
        message = f"From: {author or sender}\nTo: b@elsewhere.test\nMessage-ID: <l{next(self._numbers)}@lab>\n\nhi\n"
        answer = client.send(sender, ["b@elsewhere.test"], message.encode())
        decisions = self.gate.events("decision")[before:]
        assert len(decisions) == 1, (answer, decisions)
        return Heard(answer, decisions[0])

    def _client(self) -> Client:
        return Client(self.relay.submission_port, realm_environment=self.realm.environment)


@pytest.fixture(scope="module")
def realm() -> Iterator[Realm]:
    with contextlib.ExitStack() as stack:
        try:
            made = stack.enter_context(Realm(stack.enter_context(reachable_folder()), partners=(PARTNER,)))
        except RealmUnavailable as reason:
            pytest.skip(str(reason))
        for name in ("smtp/mail.example.test", *OURS):
            made.add(name, PASSWORDS.get(f"{name}@{HOME}", ""))
        made.add(STRANGER, PASSWORDS[STRANGER])
        yield made


@pytest.fixture(scope="module")
def gate() -> Iterator[Gate]:
    with reachable_folder() as folder, Gate(folder, profile_text(), workers=1) as running:
        yield running


@contextlib.contextmanager
def staged(realm: Realm, gate: Gate, **options: Any) -> Iterator[Stage]:
    if why := why_unavailable():
        pytest.skip(why)
    submission, plain, sink = free_ports(3)
    with (
        reachable_folder() as folder,
        Relay(
            folder / "relay",
            realm,
            gate.address,
            submission_port=submission,
            plain_port=plain,
            sink_port=sink,
            **options,
        ) as relay,
    ):
        yield Stage(relay, gate, realm)


@contextlib.contextmanager
def with_dovecot(realm: Realm, gate: Gate, **options: Any) -> Iterator[tuple[Stage, Dovecot]]:
    if why := dovecot.why_unavailable():
        pytest.skip(why)
    with (
        reachable_folder() as folder,
        Dovecot(folder, realm, **options) as running,
        staged(realm, gate, settings=running.settings) as stage,
    ):
        yield stage, running


@pytest.fixture(scope="module", params=["cyrus", "cyrus-local-domain", "dovecot"])
def by_ticket(request: pytest.FixtureRequest, realm: Realm, gate: Gate) -> Iterator[Stage]:
    """The three ways in which a ticket can be told by a full name, or by none that could be another's."""
    with contextlib.ExitStack() as stack:
        if request.param == "dovecot":
            yield stack.enter_context(with_dovecot(realm, gate))[0]
        else:
            domain = HOME if request.param == "cyrus-local-domain" else ""
            settings = {"smtpd_sasl_local_domain": domain}
            yield stack.enter_context(staged(realm, gate, settings=settings))


@contextlib.contextmanager
def with_passwords(realm: Realm, gate: Gate, local_domain: str) -> Iterator[Stage]:
    if why := saslauthd.why_unavailable():
        pytest.skip(why)
    with reachable_folder() as folder, Saslauthd(folder, realm) as daemon:
        settings = {"smtpd_sasl_local_domain": local_domain}
        with staged(realm, gate, settings=settings, cyrus=daemon.cyrus) as stage:
            yield stage


# -- tickets -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("who", OURS)
def test_a_ticket_is_its_principal_and_sends_as_nobody_else(by_ticket: Stage, who: str) -> None:
    by_ticket.gate.use(profile_text())
    own = by_ticket.by_ticket(who, OURS[who])
    assert (own.answer.code, own.principal) == (250, f"{who}@{HOME}"), own
    assert own.event["auth"]["mechanism"] == "GSSAPI"
    for other in {address for name, address in OURS.items() if name != who}:
        heard = by_ticket.by_ticket(who, other)
        assert (heard.answer.code, heard.rules, heard.principal) == (
            553,
            ["identity.envelope-sender"],
            f"{who}@{HOME}",
        ), heard
        break  # one stranger will do, the unit tests have all


@pytest.mark.parametrize("who", ["alice", "Alice.Mixed", r"bob\@corp.example"])
def test_with_an_empty_envelope_sender_the_author_decides(by_ticket: Stage, who: str) -> None:
    by_ticket.gate.use(profile_text())
    with by_ticket._client() as client:
        assert client.login(by_ticket.realm.ticket(who)).accepted
        assert by_ticket.send(client, "", OURS[who]).answer.code == 250
        assert by_ticket.send(client, "", OURS["bob"]).rules == ["identity.header-from"]


def test_a_trusted_realm_that_the_profile_does_not_list_is_refused(by_ticket: Stage) -> None:
    by_ticket.gate.use(profile_text())
    for sender in ("alice@example.test", "partner@example.test", ""):
        heard = by_ticket.by_ticket(STRANGER, sender)
        assert (heard.answer.stage, heard.answer.code) == ("mail", 550), heard
        assert (heard.rules, heard.principal, heard.name) == (["identity.foreign-realm"], "", STRANGER)


def test_a_listed_realm_is_another_world_and_both_alices_stay_apart(by_ticket: Stage) -> None:
    by_ticket.gate.use(profile_text(partner=True))
    there, here = by_ticket.by_ticket(STRANGER, "partner@example.test"), by_ticket.by_ticket("alice", OURS["alice"])
    assert (there.answer.code, there.principal) == (250, STRANGER), there
    assert (here.answer.code, here.principal) == (250, f"alice@{HOME}"), here
    assert by_ticket.by_ticket(STRANGER, OURS["alice"]).rules == ["identity.envelope-sender"]
    assert by_ticket.by_ticket("alice", "partner@example.test").rules == ["identity.envelope-sender"]


@pytest.mark.parametrize("wanted", [b"bob", b"bob@EXAMPLE.TEST", b"ALICE", b"alice@PARTNER.TEST", b"root"])
def test_a_ticket_may_not_act_as_somebody_else(by_ticket: Stage, wanted: bytes) -> None:
    heard = by_ticket.by_ticket("alice", OURS["alice"], identity=wanted)
    assert (heard.answer.stage, heard.answer.code) == ("auth", 535), heard


@pytest.mark.parametrize("wanted", [b"alice", b"bob"])
def test_a_foreign_ticket_may_not_act_as_one_of_ours(by_ticket: Stage, wanted: bytes) -> None:
    by_ticket.gate.use(profile_text())
    heard = by_ticket.by_ticket(STRANGER, OURS["alice"], identity=wanted)
    assert heard.answer.stage == "auth" or heard.rules == ["identity.foreign-realm"], heard
    assert heard.answer.code >= 500


def test_a_ticket_may_name_itself(by_ticket: Stage) -> None:
    by_ticket.gate.use(profile_text())
    heard = by_ticket.by_ticket("alice", OURS["alice"], identity=b"alice")
    assert (heard.answer.code, heard.principal) == (250, f"alice@{HOME}"), heard


# -- passwords ---------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def by_password(realm: Realm, gate: Gate) -> Iterator[Stage]:
    with with_passwords(realm, gate, "") as stage:
        yield stage


@pytest.mark.parametrize("spelled", ["alice", f"alice@{HOME}"])
def test_a_password_is_its_principal_however_the_client_spells_it(by_password: Stage, spelled: str) -> None:
    by_password.gate.use(profile_text())
    heard = by_password.by_password(spelled, OURS["alice"], "at home")
    assert (heard.answer.code, heard.principal, heard.name) == (250, f"alice@{HOME}", spelled), heard
    assert heard.event["auth"]["mechanism"] == "PLAIN"
    assert by_password.by_password(spelled, OURS["bob"], "at home").rules == ["identity.envelope-sender"]


def test_a_name_with_an_empty_realm_is_nobody(by_password: Stage) -> None:
    """saslauthd takes `alice@` for alice; what no row spells is deferred, never guessed."""
    by_password.gate.use(profile_text())
    heard = by_password.by_password("alice@", OURS["alice"], "at home")
    assert (heard.answer.code, heard.rules, heard.principal) == (451, ["identity.unmapped-login"], ""), heard
    assert heard.name == "alice@"


def test_the_partners_password_is_the_partners_alice(by_password: Stage) -> None:
    by_password.gate.use(profile_text())
    heard = by_password.by_password(STRANGER, OURS["alice"], "abroad")
    assert (heard.answer.code, heard.rules, heard.principal) == (550, ["identity.foreign-realm"], ""), heard
    by_password.gate.use(profile_text(partner=True))
    assert by_password.by_password(STRANGER, OURS["alice"], "abroad").rules == ["identity.envelope-sender"]
    assert by_password.by_password(STRANGER, "partner@example.test", "abroad").principal == STRANGER


@pytest.mark.parametrize(
    ("spelled", "password"),
    [("Alice", "at home"), ("alice@example.test", "at home"), ("alice", "abroad"), (STRANGER, "at home"), ("bob", "x")],
)
def test_a_wrong_name_or_password_is_no_login(by_password: Stage, spelled: str, password: str) -> None:
    assert by_password.by_password(spelled, OURS["alice"], password).answer.code == 535


def test_a_password_login_may_not_act_as_somebody_else(by_password: Stage) -> None:
    assert by_password.by_password("alice", OURS["bob"], "at home", identity="bob").answer.code == 535


def test_with_the_realm_appended_passwords_are_told_by_their_full_name(realm: Realm, gate: Gate) -> None:
    gate.use(profile_text())
    with with_passwords(realm, gate, HOME) as stage:
        assert stage.by_password("alice", OURS["alice"], "at home").name == f"alice@{HOME}"
        assert stage.by_password("alice@", OURS["alice"], "at home").answer.code == 451


# -- XCLIENT -----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def behind_a_proxy(realm: Realm, gate: Gate) -> Iterator[Stage]:
    with staged(realm, gate, settings={"smtpd_authorized_xclient_hosts": "127.0.0.1"}) as stage:
        yield stage


@pytest.mark.parametrize("login", ["alice", f"alice@{HOME}", "alice@"])
def test_the_word_of_a_proxy_is_no_login(behind_a_proxy: Stage, login: str) -> None:
    behind_a_proxy.gate.use(profile_text())
    with behind_a_proxy._client() as client:
        assert client.xclient(login=login).accepted
        heard = behind_a_proxy.send(client, OURS["alice"])
    assert (heard.answer.code, heard.rules, heard.principal) == (550, ["identity.no-login"], ""), heard
    assert heard.event["auth"]["mechanism"] == "XCLIENT"


def test_the_word_of_a_proxy_counts_where_a_row_names_it(behind_a_proxy: Stage) -> None:
    behind_a_proxy.gate.use(profile_text(xclient=True))
    with behind_a_proxy._client() as client:
        assert client.xclient(login=f"alice@{HOME}").accepted
        assert behind_a_proxy.send(client, OURS["alice"]).principal == f"alice@{HOME}"
        assert behind_a_proxy.send(client, OURS["bob"]).rules == ["identity.envelope-sender"]


def test_a_proxys_word_ends_the_login_before_it(behind_a_proxy: Stage) -> None:
    behind_a_proxy.gate.use(profile_text())
    with behind_a_proxy._client() as client:
        assert client.login(behind_a_proxy.realm.ticket("alice")).accepted
        assert behind_a_proxy.send(client, OURS["alice"]).principal == f"alice@{HOME}"
        assert client.xclient(login="bob").accepted
        for sender in (OURS["alice"], OURS["bob"]):
            assert behind_a_proxy.send(client, sender).rules == ["identity.no-login"]


# -- what `sealgate check` warns of is so ------------------------------------------------------------------------------


def warned(stage: Stage, text: str, dovecot_config: Path | None = None) -> list[Problem]:
    profile, problems = parse_profile(text, "profile.yaml")
    assert isinstance(profile, Profile), problems
    looked = read_mta(str(stage.relay.config), str(dovecot_config or ""))
    assert looked.settings.smtpds is not None, looked
    assert looked.settings.kerberos is not None, looked
    return list(judge_spelling(looked.settings, profile))


def test_a_good_relay_is_not_warned_of(realm: Realm, gate: Gate) -> None:
    with staged(realm, gate) as stage:
        assert warned(stage, profile_text()) == []
    with with_dovecot(realm, gate) as (stage, running):
        assert warned(stage, profile_text(), running.config) == []


def test_a_format_without_realm_makes_both_alices_one_and_is_warned_of(realm: Realm, gate: Gate) -> None:
    gate.use(profile_text())
    with with_dovecot(realm, gate, username_format="%n") as (stage, running):
        assert stage.by_ticket(STRANGER, OURS["alice"]).principal == f"alice@{HOME}", "or the warning can go"
        (problem,) = warned(stage, profile_text(), running.config)
        assert "drops the realm" in problem.message
        assert problem.file == str(running.config)


def test_dovecots_default_folds_and_is_warned_of_and_nothing_leaves(realm: Realm, gate: Gate) -> None:
    gate.use(profile_text())
    with with_dovecot(realm, gate, username_format="%Lu", default_realm="") as (stage, running):
        for who, name in (("alice", "alice@example.test"), (STRANGER, "alice@partner.test")):
            heard = stage.by_ticket(who, OURS["alice"])
            assert (heard.answer.code, heard.rules, heard.name) == (451, ["identity.unmapped-login"], name), heard
        assert any("folds case" in problem.message for problem in warned(stage, profile_text(), running.config))


def test_a_local_domain_of_another_realm_renames_our_alice_and_is_warned_of(realm: Realm, gate: Gate) -> None:
    gate.use(profile_text(partner=True))
    with staged(realm, gate, settings={"smtpd_sasl_local_domain": PARTNER}) as stage:
        assert stage.by_ticket("alice", "partner@example.test").principal == STRANGER, "or the warning can go"
        (problem,) = warned(stage, profile_text(partner=True))
        assert problem.file == str(stage.relay.config / "main.cf")
        assert problem.suggestion == f"smtpd_sasl_local_domain = {HOME}"


def test_a_rule_for_local_names_lets_a_stranger_in_and_is_warned_of(gate: Gate) -> None:
    """`daemon` is an account of every host: Dovecot asks libkrb5 whether the partner's daemon may act as it."""
    gate.use(profile_text())
    stranger = f"daemon@{PARTNER}"
    rule = r"RULE:[1:$1@$0](.*@PARTNER\.TEST)s/@.*//"
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(reachable_folder())
        try:
            realm = stack.enter_context(Realm(folder, partners=(PARTNER,), local_names=(rule, "DEFAULT")))
        except RealmUnavailable as reason:
            pytest.skip(str(reason))
        for name in ("smtp/mail.example.test", stranger):
            realm.add(name)
        with with_dovecot(realm, gate, default_realm="") as (stage, running):
            heard = stage.by_ticket(stranger, "daemon@example.test", b"daemon")
            assert heard.principal == f"daemon@{HOME}", "or the warning can go"
            problems = warned(stage, profile_text(), running.config)
            (problem,) = [each for each in problems if "auth_to_local" in each.message]
            assert problem.suggestion == f"auth_default_realm = {HOME} in {running.config}"
        with with_dovecot(realm, gate) as (stage, running):
            heard = stage.by_ticket(stranger, "daemon@example.test", b"daemon")
            assert heard.answer.code in (535, 550), heard
            assert heard.principal == ""
            assert warned(stage, profile_text(), running.config) == []
