"""Nothing of one message is left for the next: every order of commands, on the milter socket and through Postfix.

One connection carries many messages, with RSET, refusals, lost connections and new logins between them. Each decision
must name the principal, the envelope and the header of its own message and of no other. The same for what a session
brings beside a login: client certificates, ciphers, networks.
"""

import contextlib
import itertools
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

pytest.importorskip("milter", reason="pymilter is not installed")

import milter
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from sealgate.adapters.log import operational
from sealgate.adapters.pymilter import Gate as Adapter
from sealgate.app.runtime import Runtime
from sealgate.profile.parse import parse_profile
from tests.drivers.cases import EPOCHS
from tests.drivers.wire import Wire, WireError
from tests.lab.gate import Gate
from tests.lab.inline import InlineReader
from tests.lab.ports import free_ports
from tests.lab.realm import Realm, RealmUnavailable
from tests.lab.relay import Relay, reachable_folder, why_unavailable
from tests.lab.submit import Answer, Client

PROFILE = """
version: 1
mode: enforce
listeners: {submission: judge}
realms: {EXAMPLE.TEST: exact}
logins:
  - {listener: submission, mechanism: [GSSAPI, PLAIN], spelled: "{user}@EXAMPLE.TEST", principal: "{user}@EXAMPLE.TEST"}
domains: {example.test: {sign: no}}
identities:
  alice: {principals: [alice@EXAMPLE.TEST], senders: [alice@example.test]}
  bob: {principals: [bob@EXAMPLE.TEST], senders: [bob@example.test]}
  robot: {certificates: [{subject: robot, issuer: Lab CA}], kind: service, senders: [robot@example.test]}
  vault: {principals: [svc/vault@EXAMPLE.TEST], min_cipher_bits: 256, kind: service, senders: [vault@example.test]}
  desk: {principals: [svc/desk@EXAMPLE.TEST], mechanisms: [PLAIN], kind: service, senders: [desk@example.test]}
  here: {principals: [svc/here@EXAMPLE.TEST], only_from: [127.0.0.0/8], kind: service, senders: [here@example.test]}
  there: {principals: [svc/there@EXAMPLE.TEST], only_from: [192.0.2.0/24], kind: service, senders: [there@example.test]}
"""
PEOPLE = ("alice", "bob")


@dataclass(frozen=True)
class Attempt:
    """One message: who is logged in, as whom it is sent, and what must come of it."""

    login: str
    sender: str
    author: str
    rules: tuple[str, ...] = ()
    at_mail: bool = False

    def message(self, number: int) -> bytes:
        head = f"From: {self.author}\nTo: x@elsewhere.test\nDate: Sat, 21 Nov 2026 09:00:00 +0000\n"
        return f"{head}Message-ID: <s{number}@lab>\n\nnumber {number}\n".encode()

    @property
    def is_counted(self) -> bool:
        """Nobody proved who they are: the refusal is counted and has no line of its own."""
        return self.rules == ("identity.no-login",)

    @property
    def macros(self) -> dict[str, str]:
        return {"auth_type": "GSSAPI", "auth_authen": self.login} if self.login else {}


ALICE, BOB = "alice@EXAMPLE.TEST", "bob@EXAMPLE.TEST"
GOOD = Attempt(ALICE, "<alice@example.test>", "alice@example.test")
OTHER = Attempt(BOB, "<bob@example.test>", "bob@example.test")
NULL = Attempt(BOB, "<>", "bob@example.test")
FORGED_ENVELOPE = Attempt(ALICE, "<bob@example.test>", "bob@example.test", ("identity.envelope-sender",), True)
FORGED_AUTHOR = Attempt(ALICE, "<alice@example.test>", "bob@example.test", ("identity.header-from",))
NOBODY = Attempt("", "<alice@example.test>", "alice@example.test", ("identity.no-login",), True)
UNMAPPED = Attempt("alice", "<alice@example.test>", "alice@example.test", ("identity.unmapped-login",), True)
STRANGER = Attempt(
    "alice@PARTNER.TEST", "<alice@example.test>", "alice@example.test", ("identity.foreign-realm",), True
)
ATTEMPTS = (GOOD, OTHER, FORGED_ENVELOPE, FORGED_AUTHOR, NOBODY, UNMAPPED)


def principal_of(login: str) -> str:
    return login if login.endswith("@EXAMPLE.TEST") else ""


def holds(event: Mapping[str, Any], attempt: Attempt, number: int, recipients: list[str] | None = None) -> None:
    """The decision is that of this message and of nothing else."""
    assert event["auth"]["name"] == attempt.login
    assert event["auth"]["principal"] == principal_of(attempt.login)
    assert event["envelope"]["from"] == attempt.sender
    assert [finding["rule"] for finding in event["findings"]] == list(attempt.rules)
    assert event["stage"] == ("mail" if attempt.at_mail else "end")
    if not attempt.at_mail:
        assert event["envelope"]["rcpt"] == (recipients or [f"<r{number}@elsewhere.test>"])
        assert event["header"]["from"] == attempt.author
        assert event["header"]["message_id"] == f"<s{number}@lab>"
        assert event["message"]["fields"] == 4


# -- on the milter socket ----------------------------------------------------------------------------------------------


class Watched(Gate):
    """A gate that tells each decision once, without reading its record from the beginning again."""

    _at = 0

    def decisions(self) -> list[dict[str, Any]]:
        """Those that were not told yet."""
        if not self.audit_log.exists():
            return []
        with self.audit_log.open("rb") as file:
            file.seek(self._at)
            lines = file.readlines()
            self._at = file.tell()
        events = [json.loads(line) for line in lines]
        return [event for event in events if event["kind"] == "decision"]


@pytest.fixture(scope="module")
def served() -> Iterator[Watched]:
    with reachable_folder() as folder, Watched(folder, PROFILE, workers=1) as running:
        yield running


@pytest.fixture
def gate(served: Watched) -> Watched:
    """With nothing left to tell of the test before."""
    served.decisions()
    return served


@contextlib.contextmanager
def wired(gate: Watched, timeout: float = 30.0, **connect: Any) -> Iterator[Wire]:
    with Wire(gate.socket, timeout=timeout) as wire:
        wire.negotiate()
        opened = wire.connect(macros={"daemon_name": "submission"}, **connect)
        assert opened.action == "continue"
        wire.helo()
        yield wire


def sent(wire: Wire, gate: Watched, attempt: Attempt, number: int) -> None:
    """Send one message on an open connection and hold its decision against it."""
    answer = wire.transact(attempt.sender, [f"<r{number}@elsewhere.test>"], attempt.message(number), attempt.macros)
    events = gate.decisions()
    assert len(events) == (not attempt.is_counted)
    for event in events:
        holds(event, attempt, number)
    assert (answer.code[0] == "2") == (not attempt.rules), answer
    assert answer.stage == ("mail" if attempt.at_mail else "end")


def begun(wire: Wire, attempt: Attempt, until: str) -> None:
    """Begin a message and stop after a step; whatever is said at MAIL and RCPT is never ACCEPT."""
    assert wire.mail(attempt.sender, attempt.macros).action == "continue"
    if until != "mail":
        assert wire.rcpt("<lost@elsewhere.test>").action == "continue"
    if until in ("data", "header", "body"):
        wire.data()
    if until in ("header", "body"):
        wire.header(b"From", b" lost@elsewhere.test")
        wire.header(b"X-Lost", b" yes")
    if until == "body":
        wire.eoh()
        wire.body(b"lost body\r\n" * 100)


STEPS = ("mail", "rcpt", "data", "header", "body")


@pytest.mark.daemon
def test_messages_of_different_fates_share_a_connection(gate: Watched) -> None:
    for order in itertools.permutations(ATTEMPTS, 3):
        with wired(gate) as wire:
            for number, attempt in enumerate((*order, GOOD)):
                sent(wire, gate, attempt, number)


@pytest.mark.daemon
@pytest.mark.parametrize("until", STEPS)
@pytest.mark.parametrize("after", [OTHER, NULL, FORGED_AUTHOR, NOBODY, STRANGER], ids=lambda a: a.rules or a.sender)
def test_an_aborted_message_leaves_nothing(gate: Watched, until: str, after: Attempt) -> None:
    with wired(gate) as wire:
        for aborts in (1, 2):
            begun(wire, GOOD, until)
            for _ in range(aborts):
                wire.abort()
            sent(wire, gate, after, aborts)


@pytest.mark.daemon
@pytest.mark.parametrize("until", STEPS)
def test_a_mail_without_abort_begins_anew(gate: Watched, until: str) -> None:
    with wired(gate) as wire:
        begun(wire, GOOD, until)
        sent(wire, gate, OTHER, 1)
        begun(wire, OTHER, until)
        sent(wire, gate, FORGED_ENVELOPE, 2)


@pytest.mark.daemon
@pytest.mark.parametrize("before", [None, GOOD, FORGED_ENVELOPE, FORGED_AUTHOR], ids=lambda a: str(a and a.rules))
def test_a_message_without_a_mail_that_was_accepted_goes_nowhere(gate: Watched, before: Attempt | None) -> None:
    """No MTA does this. libmilter takes no such step to us and answers nothing, so its MTA defers."""
    with wired(gate, timeout=0.5) as wire:
        if before is not None:
            sent(wire, gate, before, 0)
        wire.rcpt("<x@elsewhere.test>")
        wire.data()
        wire.header(b"From", b" alice@example.test")
        wire.eoh()
        wire.body(b"hi\r\n")
        with pytest.raises(WireError, match="timed out"):
            wire.end()
    assert gate.decisions() == []
    with wired(gate) as wire:
        sent(wire, gate, OTHER, 1)


@pytest.mark.daemon
@pytest.mark.parametrize("until", STEPS)
def test_a_lost_connection_leaves_nothing(gate: Watched, until: str) -> None:
    with wired(gate) as wire:
        begun(wire, GOOD, until)
        wire._flush()
        wire._socket.close()
    with wired(gate) as wire:
        assert gate.decisions() == [], "a message that never ended was decided"
        sent(wire, gate, OTHER, 1)


@pytest.mark.daemon
def test_two_connections_in_step_do_not_touch(gate: Watched) -> None:
    with wired(gate) as one, wired(gate) as two:
        pair = ((one, GOOD, 1), (two, OTHER, 2))
        for wire, attempt, _ in pair:
            assert wire.mail(attempt.sender, attempt.macros).action == "continue"
        for wire, _, number in pair:
            assert wire.rcpt(f"<r{number}@elsewhere.test>").action == "continue"
        for wire, attempt, number in pair:
            wire.data()
            for line in attempt.message(number).split(b"\n\n")[0].split(b"\n"):
                name, _, value = line.partition(b":")
                wire.header(name, value)
        for wire, _, _ in pair:
            wire.eoh()
        for wire, _, _ in reversed(pair):
            assert not wire.end().reply.is_refusal
    events = gate.decisions()
    holds(events[0], OTHER, 2)
    holds(events[1], GOOD, 1)


@pytest.mark.daemon
@pytest.mark.parametrize(
    ("macros", "address", "rules"),
    [
        ({"auth_authen": "svc/vault@EXAMPLE.TEST", "cipher_bits": "256"}, "127.0.0.1", []),
        ({"auth_authen": "svc/vault@EXAMPLE.TEST", "cipher_bits": "128"}, "127.0.0.1", ["identity.weak-session"]),
        ({"auth_authen": "svc/vault@EXAMPLE.TEST", "cipher_bits": ""}, "127.0.0.1", ["identity.weak-session"]),
        ({"auth_authen": "svc/vault@EXAMPLE.TEST", "cipher_bits": "-256"}, "127.0.0.1", ["identity.weak-session"]),
        ({"auth_authen": "svc/vault@EXAMPLE.TEST", "cipher_bits": "9" * 5000}, "::1", ["identity.weak-session"]),
        ({"auth_authen": "svc/desk@EXAMPLE.TEST", "auth_type": "PLAIN"}, "127.0.0.1", []),
        ({"auth_authen": "svc/desk@EXAMPLE.TEST", "auth_type": "plain"}, "127.0.0.1", []),
        ({"auth_authen": "svc/desk@EXAMPLE.TEST"}, "127.0.0.1", ["identity.mechanism"]),
        ({"auth_authen": "svc/there@EXAMPLE.TEST"}, "192.0.2.9", []),
        ({"auth_authen": "svc/there@EXAMPLE.TEST"}, "192.0.3.9", ["identity.client-network"]),
        ({"auth_authen": "svc/there@EXAMPLE.TEST"}, "2001:db8::1", ["identity.client-network"]),
    ],
)
def test_a_session_keeps_what_its_identity_demands(
    gate: Watched, macros: dict[str, str], address: str, rules: list[str]
) -> None:
    name = macros["auth_authen"].partition("@")[0].rpartition("/")[2]
    with wired(gate, address=address) as wire:
        message = f"From: {name}@example.test\n\nhi\n".encode()
        answer = wire.transact(
            f"<{name}@example.test>", ["<x@elsewhere.test>"], message, {"auth_type": "GSSAPI", **macros}
        )
    (event,) = gate.decisions()
    assert [finding["rule"] for finding in event["findings"]] == rules, event
    assert (answer.stage, answer.code) == (("mail", "550") if rules else ("end", "250"))


@pytest.mark.daemon
@pytest.mark.parametrize(
    ("mta", "shown", "is_known"),
    [
        ("Postfix 3.7.11", {"cert_subject": "robot", "cert_issuer": "Lab CA"}, True),
        ("Postfix 3.7.11", {"cert_subject": "robot", "cert_issuer": "Lab CA 2"}, False),
        ("Postfix 3.7.11", {"cert_subject": "Robot", "cert_issuer": "Lab CA"}, False),
        ("Postfix 3.7.11", {"cert_subject": "", "cert_issuer": ""}, False),
        ("8.17.1", {"cert_subject": "robot", "cert_issuer": "Lab CA", "verify": "OK"}, True),
        ("8.17.1", {"cert_subject": "robot", "cert_issuer": "Lab CA", "verify": "FAIL"}, False),
        ("8.17.1", {"cert_subject": "robot", "cert_issuer": "Lab CA", "verify": "NO"}, False),
        ("8.17.1", {"cert_subject": "robot", "cert_issuer": "Lab CA"}, False),
    ],
)
def test_a_certificate_counts_where_the_mta_trusted_it(
    gate: Watched, mta: str, shown: dict[str, str], is_known: bool
) -> None:
    with Wire(gate.socket) as wire:
        wire.negotiate()
        wire.connect(macros={"daemon_name": "submission", "v": mta})
        wire.helo()
        message = b"From: robot@example.test\n\nhi\n"
        answer = wire.transact("<robot@example.test>", ["<x@elsewhere.test>"], message, shown)
        # What a certificate gives ends with the session's words: the next message has none.
        after = wire.transact("<robot@example.test>", ["<x@elsewhere.test>"], message, {})
    # Who is nobody is refused and counted: such a refusal has no line of its own.
    assert [event["auth"]["via"] for event in gate.decisions()] == ["certificate"] * is_known
    assert answer.code == ("250" if is_known else "550")
    assert (after.code, after.stage) == ("550", "mail")


# -- any order that libmilter may call in ------------------------------------------------------------------------------


class Context:
    """A connection as libmilter shows it to a callback."""

    def __init__(self) -> None:
        self.private: Any = None
        self.macros: dict[str, str] = {"{daemon_name}": "submission", "v": "Postfix 3.7.11", "i": "4Tst"}
        self.replies: list[tuple[str, ...]] = []

    def getpriv(self) -> Any:
        return self.private

    def setpriv(self, value: Any) -> None:
        self.private = value

    def getsymval(self, name: str) -> str | None:
        return self.macros.get(name)

    def setsymlist(self, *_: object) -> None:
        pass

    def setreply(self, *reply: str) -> None:
        self.replies.append(reply)

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"nothing may be changed here: {name}")


class Model:
    """What the message under way on one connection is, by what was said since its MAIL."""

    def __init__(self) -> None:
        self.ctx = Context()
        self.phase = "closed"  # closed, idle, mail, data, body
        self.login = self.sender = ""
        self.recipients: list[bytes] = []
        self.headers: list[tuple[str, bytes]] = []
        self.octets = 0


_WHO = st.sampled_from((ALICE, BOB, ALICE, BOB, "", "alice", "alice@PARTNER.TEST"))
_ADDRESS = st.sampled_from((b"", b"<alice@example.test>", b"<bob@example.test>", b"<>"))  # empty: their own
_AUTHOR = st.sampled_from((b" alice@example.test", b" bob@example.test"))


def where(*phases: str) -> Any:
    """A rule is tried only where a connection is in one of these phases."""
    return precondition(lambda self: any(model.phase in phases for model in self.models))


class Sessions(RuleBasedStateMachine):
    """Two connections of one worker, led through every legal order of callbacks."""

    def __init__(self) -> None:
        super().__init__()
        self.events: list[tuple[str, dict[str, Any]]] = []
        profile, problems = parse_profile(PROFILE, "p")
        assert profile is not None, problems
        self.adapter = Adapter(
            lambda: Runtime(profile, "d", epochs=EPOCHS), self._append, InlineReader(), operational("error")
        )
        self.models = (Model(), Model())
        self.seen = 0

    def _append(self, kind: str, **event: Any) -> int:
        self.events.append((kind, event))
        return len(self.events)

    def _one(self, data: st.DataObject, *phases: str) -> Model:
        return data.draw(st.sampled_from([model for model in self.models if model.phase in phases]))

    @initialize(steps=st.sampled_from((0xFFFFFFFF, milter.P_HDR_LEADSPC)))
    def begin(self, steps: int) -> None:
        self.steps = steps  # with and without leave not to answer
        self.open(self.models[0])

    def _go_on(self, answer: int) -> None:
        """No step before the end may end the judgement: Postfix would keep an ACCEPT for the next message."""
        assert answer in (milter.CONTINUE, milter.NOREPLY), answer

    @where("closed")
    @rule(data=st.data())
    def connect(self, data: st.DataObject) -> None:
        self.open(self._one(data, "closed"))

    def open(self, model: Model) -> None:
        assert self.adapter._negotiate(model.ctx, [0xFFFFFFFF, self.steps, 0, 0]) == milter.CONTINUE
        self._go_on(self.adapter._connect(model.ctx, "localhost", 2, ("127.0.0.1", 4711)))
        model.phase = "idle"

    @where("idle")
    @rule(data=st.data())
    def helo(self, data: st.DataObject) -> None:
        self._go_on(self.adapter._helo(self._one(data, "idle").ctx, "client.example.test"))

    @where("idle", "mail")  # an MTA may begin anew without abort
    @rule(data=st.data(), login=_WHO, sender=_ADDRESS)
    def mail(self, data: st.DataObject, login: str, sender: bytes) -> None:
        own = f"<{login.partition('@')[0]}@example.test>"
        self.say_mail(self._one(data, "idle", "mail"), login, sender.decode() or own)

    def say_mail(self, model: Model, login: str, sender: str) -> None:
        model.ctx.macros |= {"{auth_type}": "GSSAPI" if login else "", "{auth_authen}": login}
        model.ctx.macros["{mail_addr}"] = sender.strip("<>")
        answer = self.adapter._mail(model.ctx, sender.encode())
        model.login, model.sender, model.recipients, model.headers, model.octets = login, sender, [], [], 0
        if principal_of(login) and sender in (f"<{login.partition('@')[0]}@example.test>", "<>"):
            self._go_on(answer)
            model.phase = "mail"
            return
        assert answer in (milter.REJECT, milter.TEMPFAIL)
        self._decided(model, "mail")
        model.phase = "idle"

    @where("idle", "mail")
    @rule(data=st.data(), is_paired=st.booleans())
    def whole_messages(self, data: st.DataObject, is_paired: bool) -> None:
        """One message from MAIL to its end, or one on each connection with their steps mixed."""
        ready = [model for model in self.models if model.phase in ("idle", "mail")]
        plans = [self._plan(model, data) for model in (ready if is_paired else ready[:1])]
        while plans:
            plan = data.draw(st.sampled_from(plans))
            if next(plan, None) is None:
                plans.remove(plan)

    def _plan(self, model: Model, data: st.DataObject) -> Iterator[bool]:
        login = data.draw(_WHO)
        own = f"<{login.partition('@')[0]}@example.test>"
        self.say_mail(model, login, data.draw(st.sampled_from((own, own, "<>", "<bob@example.test>"))))
        yield True
        if model.phase != "mail":
            return
        for number in data.draw(st.lists(st.integers(0, 99), min_size=1, max_size=3)):
            self.say_rcpt(model, number)
            yield True
        self.say_data(model)
        yield True
        name = login.partition("@")[0]
        for author in data.draw(st.just([f" {name}@example.test".encode()]) | st.lists(_AUTHOR, max_size=2)):
            self.say_header(model, "From", author)
            yield True
        if data.draw(st.integers(0, 7)):
            self.say_body(model, data.draw(st.integers(0, 3)))
            yield True
            self.say_end(model)
        yield True

    @where("mail")
    @rule(data=st.data(), number=st.integers(0, 99))
    def rcpt(self, data: st.DataObject, number: int) -> None:
        self.say_rcpt(self._one(data, "mail"), number)

    def say_rcpt(self, model: Model, number: int) -> None:
        recipient = b"<r%d@elsewhere.test>" % number
        self._go_on(self.adapter._rcpt(model.ctx, recipient))
        model.recipients.append(recipient)

    @where("mail")
    @rule(data=st.data(), authors=st.lists(_AUTHOR, max_size=2))
    def data(self, data: st.DataObject, authors: list[bytes]) -> None:
        model = self._one(data, "mail")
        if not model.recipients:
            return
        self.say_data(model)
        for author in authors:
            self.say_header(model, "From", author)

    def say_data(self, model: Model) -> None:
        self._go_on(self.adapter._data(model.ctx))
        model.phase = "data"

    @where("data")
    @rule(data=st.data(), author=_AUTHOR, name=st.sampled_from(("From", "X-Other")))
    def header(self, data: st.DataObject, author: bytes, name: str) -> None:
        self.say_header(self._one(data, "data"), name, author)

    def say_header(self, model: Model, name: str, value: bytes) -> None:
        self._go_on(self.adapter._header(model.ctx, name, value))
        model.headers.append((name, value))

    @where("data")
    @rule(data=st.data(), chunks=st.integers(0, 3))
    def body(self, data: st.DataObject, chunks: int) -> None:
        self.say_body(self._one(data, "data"), chunks)

    def say_body(self, model: Model, chunks: int) -> None:
        self._go_on(self.adapter._eoh(model.ctx))
        model.phase = "body"
        for _ in range(chunks):
            self._go_on(self.adapter._body(model.ctx, b"hello\r\n"))
            model.octets += 7

    @where("data", "body")  # an empty message has no end of header
    @rule(data=st.data())
    def end(self, data: st.DataObject) -> None:
        self.say_end(self._one(data, "data", "body"))

    def say_end(self, model: Model) -> None:
        answer = self.adapter._end(model.ctx)
        authors = [value for name, value in model.headers if name == "From"]
        is_own = len(authors) == 1 and authors[0].startswith(b" " + model.login.partition("@")[0].encode() + b"@")
        assert answer == (milter.ACCEPT if is_own else milter.REJECT)
        event = self._decided(model, "end")
        assert event["verdict"] == ("accept" if is_own else "reject")
        assert event["envelope"]["rcpt"] == [recipient.decode() for recipient in model.recipients]
        assert event["message"]["fields"] == len(model.headers)
        assert event["message"]["octets"] == model.octets
        assert event["header"]["from"] == (authors[0].decode().strip() if authors else "")
        model.phase = "idle"

    @where("idle", "mail", "data", "body")
    @rule(data=st.data(), times=st.integers(1, 2))
    def abort(self, data: st.DataObject, times: int) -> None:
        model = self._one(data, "idle", "mail", "data", "body")
        for _ in range(times):
            assert self.adapter._abort(model.ctx) == milter.CONTINUE
        model.phase = "idle"

    @where("idle", "mail")
    @rule(data=st.data())
    def unknown(self, data: st.DataObject) -> None:
        self._go_on(self.adapter._unknown(self._one(data, "idle", "mail").ctx, "FROB"))

    @where("idle", "mail", "data", "body")
    @rule(data=st.data(), is_new=st.booleans())
    def close(self, data: st.DataObject, is_new: bool) -> None:
        model = self._one(data, "idle", "mail", "data", "body")
        assert self.adapter._close(model.ctx) == milter.CONTINUE
        model.phase = "closed"
        if is_new:  # libmilter makes a new context a connection; the same one must do as well
            model.ctx = Context()

    def _decided(self, model: Model, stage: str) -> dict[str, Any]:
        assert len(self.events) == self.seen + 1, "one decision a message"
        kind, event = self.events[self.seen]
        self.seen += 1
        if not model.login:  # counted, not told
            assert (kind, stage, event["rule"]) == ("refusal", "mail", "identity.no-login")
            return event
        assert kind == "decision"
        assert event["stage"] == stage
        assert event["auth"]["name"] == model.login
        assert event["auth"]["principal"] == principal_of(model.login)
        assert event["envelope"]["from"] == model.sender
        if event["verdict"] != "accept":
            assert model.ctx.replies[-1][0] == event["reply"][:3]
        return event

    @invariant()
    def nothing_else_is_recorded(self) -> None:
        assert len(self.events) == self.seen

    @invariant()
    def a_message_is_under_way_where_one_was_begun(self) -> None:
        assert self.adapter.is_busy() == any(model.phase in ("mail", "data", "body") for model in self.models)
        assert self.adapter.connections == sum(model.phase != "closed" for model in self.models)


@pytest.mark.parametrize("steps", [0xFFFFFFFF, milter.P_HDR_LEADSPC], ids=["silent", "answered"])
@pytest.mark.parametrize("was_refused", [False, True])
def test_a_step_without_a_mail_is_a_451_and_the_next_message_is_whole(steps: int, was_refused: bool) -> None:
    machine = Sessions()
    machine.begin(steps)
    adapter, model = machine.adapter, machine.models[0]
    if was_refused:
        machine.say_mail(model, ALICE, "<bob@example.test>")
    adapter._rcpt(model.ctx, b"<x@elsewhere.test>")
    adapter._header(model.ctx, "From", b" alice@example.test")
    assert adapter._end(model.ctx) == milter.TEMPFAIL
    assert model.ctx.replies[-1][0] == "451"
    assert "decision" not in [kind for kind, _ in machine.events[machine.seen :]]
    adapter._abort(model.ctx)
    machine.seen = len(machine.events)
    machine.say_mail(model, BOB, "<bob@example.test>")
    adapter._rcpt(model.ctx, b"<r7@elsewhere.test>")
    model.recipients.append(b"<r7@elsewhere.test>")
    machine.say_header(model, "From", b" bob@example.test")
    machine.say_end(model)
    machine.a_message_is_under_way_where_one_was_begun()


TestSessions = Sessions.TestCase
TestSessions.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)


# -- through Postfix ---------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def realm() -> Iterator[Realm]:
    pytest.importorskip("gssapi", reason="gssapi is not installed")
    try:
        with reachable_folder() as folder, Realm(folder) as running:
            for name in (*PEOPLE, *(f"svc/{each}" for each in ("vault", "desk", "here", "there"))):
                running.add(name)
            yield running
    except RealmUnavailable as error:
        pytest.skip(str(error))


class Authority:
    """A certificate authority of the lab: `issue` gives PEM files with key and certificate."""

    def __init__(self, folder: Path, name: str = "Lab CA") -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self.file = folder / f"ca-{id(self)}.pem"
        self.file.write_bytes(self._signed(self._name, self._key, is_authority=True).public_bytes(_PEM))
        self.file.chmod(0o644)

    def issue(self, subject: str, *, days: int = 2) -> Path:
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)])
        private = key.private_bytes(_PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        path = self._folder / f"{subject}-{id(key)}.pem"
        path.write_bytes(private + self._signed(name, key, days=days).public_bytes(_PEM))
        return path

    def _signed(
        self, subject: x509.Name, key: ec.EllipticCurvePrivateKey, *, is_authority: bool = False, days: int = 2
    ) -> x509.Certificate:
        now = datetime.now(UTC)
        builder = x509.CertificateBuilder().subject_name(subject).issuer_name(self._name).public_key(key.public_key())
        builder = builder.serial_number(x509.random_serial_number()).not_valid_before(now - timedelta(days=9))
        builder = builder.not_valid_after(now + timedelta(days=days))
        constraints = x509.BasicConstraints(ca=is_authority, path_length=None)
        return builder.add_extension(constraints, critical=True).sign(self._key, hashes.SHA256())


_PEM = serialization.Encoding.PEM


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def relay(
    realm: Realm, served: Watched, authority: Authority, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Relay]:
    if why := why_unavailable():
        pytest.skip(why)
    submission, plain, sink = free_ports(3)
    with (
        reachable_folder() as folder,
        Relay(
            tmp_path_factory.mktemp("relay"),
            realm,
            served.address,
            submission_port=submission,
            plain_port=plain,
            sink_port=sink,
            settings={
                "lab_submission_tls": "may",
                "lab_submission_relay": "permit_sasl_authenticated,permit_tls_all_clientcerts,reject",
                "smtpd_tls_ask_ccert": "yes",
                "smtpd_tls_CAfile": str(_copied(authority.file, folder)),
                "smtpd_authorized_xclient_hosts": "127.0.0.1",
            },
        ) as running,
    ):
        yield running


def _copied(file: Path, folder: Path) -> Path:
    copy = folder / "ca.pem"
    copy.write_bytes(file.read_bytes())
    copy.chmod(0o644)
    return copy


class Line:
    """One SMTP connection whose decisions are held against what was sent."""

    _numbers = itertools.count(1000)

    def __init__(self, client: Client, gate: Watched, realm: Realm) -> None:
        self.client, self._gate, self._realm = client, gate, realm
        self.last: dict[str, Any] = {}

    def login(self, who: str) -> Answer:
        return self.client.login(self._realm.ticket(who))

    def send(self, attempt: Attempt) -> Answer:
        number = next(self._numbers)
        answer = self.client.send(attempt.sender.strip("<>"), [f"r{number}@elsewhere.test"], attempt.message(number))
        events = self._gate.decisions()
        assert len(events) == (not attempt.is_counted)
        for event in events:
            holds(event, attempt, number)
            self.last = event
        assert answer.accepted == (not attempt.rules), answer
        return answer

    def decided(self) -> list[dict[str, Any]]:
        """What was decided that `send` did not look at."""
        return self._gate.decisions()


@contextlib.contextmanager
def dialled(relay: Relay, gate: Watched, realm: Realm, **options: Any) -> Iterator[Line]:
    with Client(relay.submission_port, realm_environment=realm.environment, **options) as client:
        assert client.opening.accepted, client.opening
        yield Line(client, gate, realm)


def as_alice(attempt: Attempt) -> Attempt:
    """The same message, when it is alice who is logged in."""
    return Attempt(ALICE, attempt.sender, attempt.author, attempt.rules, attempt.at_mail)


ALICES = (GOOD, as_alice(Attempt("", "<>", "alice@example.test")), FORGED_ENVELOPE, FORGED_AUTHOR)


@pytest.mark.relay
@pytest.mark.parametrize("order", list(itertools.permutations(ALICES)), ids=lambda _: "")
def test_one_smtp_session_carries_messages_of_all_fates(
    relay: Relay, gate: Watched, realm: Realm, order: tuple[Attempt, ...]
) -> None:
    with dialled(relay, gate, realm) as line:
        assert line.login("alice").accepted
        for attempt in (*order, order[0]):
            line.send(attempt)


@pytest.mark.relay
@pytest.mark.parametrize("ending", ["RSET", "EHLO again.example.test", "HELO again.example.test"])
@pytest.mark.parametrize("until", ["mail", "rcpt", "nothing", "refusal"])
def test_a_reset_leaves_nothing_but_the_login(
    relay: Relay, gate: Watched, realm: Realm, ending: str, until: str
) -> None:
    with dialled(relay, gate, realm) as line:
        assert line.login("alice").accepted
        if until == "refusal":
            assert line.client.mail("bob@example.test").code == 553
        elif until != "nothing":
            assert line.client.mail("alice@example.test").accepted
        if until == "rcpt":
            assert line.client.rcpt("lost@elsewhere.test").accepted
        assert line.client.command(ending).accepted
        assert line.client.command("DATA").code in (503, 554)
        assert len(line.decided()) == (until == "refusal")
        for attempt in (GOOD, FORGED_AUTHOR, FORGED_ENVELOPE, GOOD):
            line.send(attempt)


@pytest.mark.relay
def test_a_login_cannot_be_changed(relay: Relay, gate: Watched, realm: Realm) -> None:
    with dialled(relay, gate, realm) as line:
        assert line.login("alice").accepted
        assert line.client.command("AUTH GSSAPI").code == 503
        assert line.client.plain("bob", "x").code == 503
        assert line.client.mail("alice@example.test").accepted
        assert line.client.command("AUTH GSSAPI").code == 503
        assert line.client.mail("bob@example.test").code == 503
        assert line.decided() == []
        assert line.client.command("RSET").accepted
        assert line.client.command("EHLO again.example.test").accepted
        assert line.client.command("AUTH GSSAPI").code == 503
        line.send(GOOD)
        line.send(FORGED_ENVELOPE)


@pytest.mark.relay
def test_a_refused_login_is_nobody(relay: Relay, gate: Watched, realm: Realm) -> None:
    with dialled(relay, gate, realm) as line:
        assert line.client.login(realm.ticket("alice"), b"bob").code == 535
        line.send(NOBODY)
        assert line.login("bob").accepted
        line.send(OTHER)


@pytest.mark.relay
def test_tls_after_a_login_ends_the_login(relay: Relay, gate: Watched, realm: Realm) -> None:
    with dialled(relay, gate, realm, tls=False) as line:
        assert line.login("alice").accepted
        line.send(GOOD)
        assert line.client.starttls().accepted
        line.send(NOBODY)
        assert line.login("bob").accepted
        line.send(OTHER)
        line.send(Attempt(BOB, GOOD.sender, GOOD.author, ("identity.envelope-sender",), True))


@pytest.mark.relay
def test_after_a_refused_mail_there_is_no_message(relay: Relay, gate: Watched, realm: Realm) -> None:
    with dialled(relay, gate, realm) as line:
        assert line.login("alice").accepted
        assert line.client.mail("bob@example.test").code == 553
        assert len(line.decided()) == 1
        assert line.client.rcpt("x@elsewhere.test").code == 503
        assert line.client.command("DATA").code == 503
        assert line.decided() == []
        line.send(GOOD)


@pytest.mark.relay
def test_a_connection_lost_in_data_decides_nothing(relay: Relay, gate: Watched, realm: Realm) -> None:
    with dialled(relay, gate, realm) as line:
        assert line.login("alice").accepted
        assert line.client.mail("alice@example.test").accepted
        assert line.client.rcpt("lost@elsewhere.test").accepted
        assert line.client.command("DATA").code == 354
        line.client.write(b"From: alice@example.test\r\nX-Lost: yes\r\n\r\nhalf")
        line.client.drop()
    relay.wait_for_log("lost connection after DATA")
    with dialled(relay, gate, realm) as line:
        assert line.decided() == []
        line.send(NOBODY)
    with dialled(relay, gate, realm) as line:
        assert line.login("bob").accepted
        line.send(OTHER)


@pytest.mark.relay
def test_xclient_takes_the_login_away(relay: Relay, gate: Watched, realm: Realm) -> None:
    with dialled(relay, gate, realm) as line:
        assert line.login("alice").accepted
        line.send(GOOD)
        assert line.client.xclient(login=BOB).accepted
        assert line.client.mail("alice@example.test").code == 550
        assert line.client.mail("bob@example.test").code == 550
        assert [event["auth"]["principal"] for event in line.decided()] == ["", ""]


@pytest.mark.relay
def test_a_certificate_that_postfix_trusts_is_an_identity_without_a_login(
    relay: Relay, gate: Watched, realm: Realm, authority: Authority
) -> None:
    robot = Attempt("", "<robot@example.test>", "robot@example.test")
    with dialled(relay, gate, realm, certificate=authority.issue("robot")) as line:
        line.send(robot)
        assert (line.last["auth"]["identity"], line.last["auth"]["via"]) == ("robot", "certificate")
        line.send(Attempt("", GOOD.sender, GOOD.author, ("identity.envelope-sender",), True))
        line.send(Attempt("", robot.sender, GOOD.author, ("identity.header-from",)))
        # Whoever logs in is who logged in, whatever the certificate says.
        assert line.login("alice").accepted
        line.send(GOOD)
        line.send(Attempt(ALICE, robot.sender, robot.author, ("identity.envelope-sender",), True))


@pytest.mark.relay
@pytest.mark.parametrize("kind", ["none", "another name", "same names, another key", "run out", "an issuer's"])
def test_a_certificate_that_proves_nothing_is_nobody(
    relay: Relay, gate: Watched, realm: Realm, authority: Authority, tmp_path: Path, kind: str
) -> None:
    certificate = {
        "none": lambda: None,
        "another name": lambda: authority.issue("alice"),
        "same names, another key": lambda: Authority(tmp_path).issue("robot"),
        "run out": lambda: authority.issue("robot", days=-1),
        "an issuer's": lambda: Authority(tmp_path, "robot").issue("Lab CA"),
    }[kind]()
    with dialled(relay, gate, realm, certificate=certificate) as line:
        line.send(Attempt("", "<robot@example.test>", "robot@example.test", ("identity.no-login",), True))
        line.send(NOBODY)


@pytest.mark.relay
@pytest.mark.parametrize(
    ("who", "options", "rules"),
    [
        ("vault", {"ciphers": "ECDHE+AESGCM+AES256"}, ()),
        ("vault", {"ciphers": "ECDHE+AESGCM+AES128:!AES256"}, ("identity.weak-session",)),
        ("vault", {"tls": False}, ("identity.weak-session",)),
        ("desk", {}, ("identity.mechanism",)),
        ("here", {}, ()),
        ("there", {}, ("identity.client-network",)),
    ],
)
def test_a_real_session_keeps_what_its_identity_demands(
    relay: Relay, gate: Watched, realm: Realm, who: str, options: dict[str, Any], rules: tuple[str, ...]
) -> None:
    with dialled(relay, gate, realm, **options) as line:
        assert line.login(f"svc/{who}").accepted
        login, address = f"svc/{who}@EXAMPLE.TEST", f"{who}@example.test"
        answer = line.send(Attempt(login, f"<{address}>", address, rules, bool(rules)))
        assert answer.stage == ("mail" if rules else "data")
