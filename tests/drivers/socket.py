"""The second driver: the running gate behind its milter socket, with an MTA that behaves as Postfix does."""

from sealgate.checks.finding import Action
from tests.drivers.cases import LOCAL, Case, Seen, profile_text, seen_in
from tests.drivers.wire import Transaction, Wire
from tests.lab.gate import Gate
from tests.lab.verify import dkimpy_verdict

RECEIVED = b"Received: by mail.example.test (Postfix) id 4TstWIRE; Sat, 21 Nov 2026 09:00:00 +0000"


class DriverError(AssertionError):
    """Reply, record and delivered copy do not tell one story."""


def run(case: Case, gate: Gate) -> Seen:
    """Send a case over a connection of its own and return what came of it."""
    gate.use(profile_text(case.profile))
    before = len(gate.events("decision"))
    with Wire(gate.socket, received=RECEIVED) as wire:
        wire.negotiate()
        listener = "mail.example.test" if case.listener == LOCAL else case.listener
        host = "localhost" if case.client == "127.0.0.1" else "client.example.test"
        opened = wire.connect(host, case.client, case.client_port, {"daemon_name": listener})
        if opened.action == "accept":
            return Seen("pass")
        wire.helo()
        answer = transact(wire, case)
    decisions = gate.events("decision")[before:]
    if not decisions and not case.sasl[1] and answer.code[0] in "45":  # who has not logged in is only counted
        action = "reject" if answer.code[0] == "5" else "tempfail"
        return Seen(action, f"{answer.code} {answer.text}", stage=answer.stage)
    if len(decisions) != 1:
        raise DriverError(f"{len(decisions)} decisions recorded for one message; answered {answer}")
    seen = seen_in(decisions[0])
    _agree(seen, answer)
    if Action(seen.action) in (Action.ACCEPT, Action.QUARANTINE):
        verdicts = dkimpy_verdict(answer.delivered, gate.records)
        if len(verdicts) != len(seen.signed or ()) or not all(verdicts):
            raise DriverError(f"recorded {seen.signed}, verified {verdicts}")
        if left := case.left_in(answer.delivered):
            raise DriverError(f"still there: {left}")
    return seen


def transact(wire: Wire, case: Case) -> Transaction:
    """Send the message of a case on an open connection."""
    mechanism, name = case.sasl
    login = {"auth_type": mechanism, "auth_authen": name} if name else {}
    brackets = ("", "") if case.listener == LOCAL else ("<", ">")  # cleanup(8) emulates MAIL without them
    mail, rcpt = (f"{brackets[0]}{address}{brackets[1]}" for address in (case.mail_from, case.rcpt))
    return wire.transact(mail, [rcpt], case.message, login, {"i": "4TstWIRE"})


def _agree(seen: Seen, answer: Transaction) -> None:
    kinds = [edit.kind for edit in answer.edits]
    if seen.action == "quarantine" and "quarantine" not in kinds:
        raise DriverError(f"recorded as held, but the edits are {kinds}")
    if seen.action in ("accept", "quarantine"):
        if answer.code[0] not in "2":
            raise DriverError(f"recorded {seen.action}, answered {answer.code} {answer.text}")
        return
    heard = f"{answer.code} {answer.text}"
    if heard != seen.reply or (seen.reference or "") not in heard:
        raise DriverError(f"recorded {seen.reply!r}, answered {heard!r}")
    if answer.stage != seen.stage:
        raise DriverError(f"recorded at {seen.stage}, answered at {answer.stage}")
