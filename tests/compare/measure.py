"""Sends the catalogue of shapes through one gate behind a real Postfix, and says what became of each.

`measured` starts gate, Postfix and sink, logs in as alice with a Kerberos ticket once a shape (a connection each, so
that no gate can carry anything over from one message to the next), sends every shape to a recipient of its own and
judges the answer and the copy that arrived. The judge knows nothing of the gates: it reads the reply, the sink and the
DNS records, and asks the oracle of the attack suite. What a gate or Postfix does wrong is an outcome, not an
exception; only what does not start is one.
"""

import datetime
import re
import smtplib
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from email.utils import format_datetime
from enum import StrEnum
from pathlib import Path
from typing import Final

from sealgate.attack.shape import Mail, Needs, Shape
from tests.compare.gates import Kind
from tests.drivers.attack import cast_of
from tests.drivers.oracle import carries_victim, header_of
from tests.lab.ports import free_ports
from tests.lab.realm import Realm
from tests.lab.relay import Relay
from tests.lab.sink import Delivered
from tests.lab.submit import Answer, Client
from tests.lab.verify import dkimpy_verdict

LOGIN: Final = "alice"
# What sealgate's profile of the attack suite has set; shapes that need anything else are sent to nobody.
SITE: Final = frozenset(
    {Needs.PROTECTED, Needs.BRAND, Needs.FOREIGN_NAMES, Needs.CLOSED_REPLY_TO, Needs.DELIMITER, Needs.IDN}
)
CLIENTS: Final = 4  # connections at a time
# A gate that is silent for so long is taken for dead, and the message is deferred; Postfix would wait for minutes.
_SETTINGS: Final = {"milter_command_timeout": "20s", "milter_content_timeout": "20s"}
ARRIVAL: Final = 20.0  # seconds without any arrival after which the rest is taken for held


class Outcome(StrEnum):
    """What became of one message."""

    REFUSED = "refused"  # 5xx
    DEFERRED = "deferred"  # 4xx, or a connection that broke
    HELD = "held"  # 250, and it never arrived
    HARMLESS = "harmless"  # it arrived without what made it hostile
    UNSIGNED = "unsigned"
    SIGNED = "signed"  # for our domain, and the signature verifies on the copy that arrived


@dataclass(frozen=True, slots=True)
class Result:
    """One shape and what became of it; `answer` is the reply that the client heard."""

    shape: Shape
    outcome: Outcome
    answer: str


@dataclass(frozen=True, slots=True)
class Row:
    """One gate and all its results, in the order of the catalogue."""

    kind: Kind
    version: str
    results: tuple[Result, ...]
    seconds: float

    def count(self, is_hostile: bool, *outcomes: Outcome) -> int:
        """How many hostile or honest shapes came out as one of these."""
        return sum(r.shape.is_hostile is is_hostile and r.outcome in outcomes for r in self.results)


def measured(
    kind: Kind,
    shapes: Sequence[Shape],
    realm: Realm,
    folder: Path,
    tick: Callable[[], None] = lambda: None,
) -> Row:
    """Measure one gate.

    Args:
        kind: the gate.
        shapes: what to send.
        realm: a running realm that knows alice.
        folder: an empty folder that every account may enter.
        tick: called once a shape.

    Raises:
        Missing: the gate is not installed.
        GateFailed: it did not start.
        RelayError: Postfix did not.
    """
    version, started = kind.version(), time.monotonic()
    (folder / "gate").mkdir(mode=0o711)
    submission, plain, sink = free_ports(3)
    with (
        kind.start(folder / "gate") as running,
        Relay(
            folder / "relay",
            realm,
            running.milter,
            submission_port=submission,
            plain_port=plain,
            sink_port=sink,
            settings={**_SETTINGS, **running.settings},
        ) as relay,
    ):
        ticket = realm.ticket(LOGIN)

        def send(shape: Shape) -> Answer:
            try:
                return _sent(shape, submission, ticket, realm.environment)
            finally:
                tick()

        pool = ThreadPoolExecutor(CLIENTS)
        try:
            answers = list(pool.map(send, shapes))
        finally:  # on Ctrl-C nobody waits for an answer: Postfix goes, and the connections break
            pool.shutdown(wait=False, cancel_futures=True)
        arrived = _arrivals(relay, {shape.code for shape, a in zip(shapes, answers, strict=True) if a.accepted})
    results = tuple(
        Result(shape, outcome(shape, answer.code, arrived.get(shape.code, ()), running.records), _said(answer))
        for shape, answer in zip(shapes, answers, strict=True)
    )
    return Row(kind, version, results, time.monotonic() - started)


def _sent(shape: Shape, port: int, ticket: Path, environment: Mapping[str, str]) -> Answer:
    now = format_datetime(datetime.datetime.now(datetime.UTC))
    cast = cast_of(shape)
    try:
        with _Octets(port, realm_environment=environment) as client:
            if not client.opening.accepted:
                return client.opening
            if not (answer := client.login(ticket)).accepted:
                return answer
            return client.deliver(shape.mail(cast, f"{shape.code}.1@example.test", now), cast.recipient)
    except (smtplib.SMTPException, OSError) as error:
        return Answer("connect", 421, f"the connection broke: {error}")


def _said(answer: Answer) -> str:
    return f"{answer.code} {' '.join(answer.text.split())}"


class _Octets(Client):
    """A client that sends a sender of any octets."""

    def deliver(self, mail: Mail, recipient: str) -> Answer:
        """Send one message up to the first refusal, which QUIT follows."""
        eight = b"" if mail.content.isascii() or b"BODY=" in mail.sender.upper() else b" BODY=8BITMIME"
        self._smtp.send(b"MAIL FROM:" + mail.sender + eight + b"\r\n")
        code, text = self._smtp.getreply()
        answer = Answer("mail", code, text.decode(errors="replace"))
        if answer.accepted and (answer := self.rcpt(recipient)).accepted:
            answer = self.data(mail.framed)
        return answer


def _arrivals(relay: Relay, wanted: set[str]) -> dict[str, list[Delivered]]:
    """Wait for the copies that were promised, by shape; what does not come in time is left out.

    One message may come as several: a line end that is read in two ways smuggles a second one in (CVE-2023-51764).
    """
    deadline, found = time.monotonic() + ARRIVAL, dict[str, list[Delivered]]()
    while len(found) < len(wanted) and time.monotonic() < deadline:
        time.sleep(0.05)
        before, found = len(found), {}
        for copy in relay.sink.messages:
            if (code := copy.recipients[0].partition("@")[0]) in wanted:
                found.setdefault(code, []).append(copy)
        if len(found) > before:
            deadline = time.monotonic() + ARRIVAL
    return found


def outcome(shape: Shape, code: int, copies: Sequence[Delivered], records: Mapping[str, str]) -> Outcome:
    """Say what became of a shape.

    Args:
        shape: what was sent.
        code: the SMTP reply that the client heard last.
        copies: what arrived.
        records: the TXT records that publish the gate's keys.
    """
    if code >= 400:
        return Outcome.REFUSED if code >= 500 else Outcome.DEFERRED
    if not copies:
        return Outcome.HELD
    if shape.is_hostile and all(is_harmless(shape, copy) for copy in copies):
        return Outcome.HARMLESS
    return Outcome.SIGNED if any(is_signed(copy.data, records) for copy in copies) else Outcome.UNSIGNED


def is_harmless(shape: Shape, copy: Delivered) -> bool:
    """Whether neither envelope nor header of the copy that arrived speaks for anybody but the sender.

    Results and signatures in our name count if they came with the message; those that a gate wrote, even broken ones,
    are its own.
    """
    cast = cast_of(shape)
    if copy.sender.lower() not in ("", cast.own):
        return False
    sent = {(name, value) for name, value, _ in _fields(shape.mail(cast, "", "").content)}
    arrived = [f for f in _fields(copy.data) if f[0] != b"authentication-results" or f[:2] in sent]
    header = b"\r\n".join(raw for _, _, raw in arrived)
    if carries_victim(header, cast, reply_to=shape.needs is Needs.CLOSED_REPLY_TO):
        return False
    ours = b"d=" + cast.own.rpartition("@")[2].encode()
    return not any(f[0] == b"dkim-signature" and ours in f[1] and f[:2] in sent for f in arrived)


def _fields(message: bytes) -> list[tuple[bytes, bytes, bytes]]:
    """Name in small letters, value without any blank, and the field as it is."""
    fields = re.split(rb"\r?\n(?![ \t])", header_of(message))
    parts = ((field.partition(b":"), field) for field in fields)
    return [(name.strip().lower(), b"".join(value.split()), raw) for (name, _, value), raw in parts]


def is_signed(copy: bytes, records: Mapping[str, str]) -> bool:
    """Whether a signature on it verifies by these records, which are all of our domain; a forged one does not."""
    try:
        return any(dkimpy_verdict(copy, records))
    except Exception:  # the verifier is foreign, and the message hostile
        return False
