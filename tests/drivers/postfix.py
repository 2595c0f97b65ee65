"""The third driver: a real Postfix with Kerberos logins in front of the running gate, delivering over SMTP.

What the client was answered is compared with what the audit line says; a message that left is fetched from the sink,
and its signatures are verified on that copy by dkimpy.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from tests.drivers.cases import LOCAL, Case, Seen, profile_text, seen_in
from tests.lab.gate import Gate
from tests.lab.realm import Realm
from tests.lab.relay import Relay
from tests.lab.submit import submit
from tests.lab.verify import dkimpy_verdict


class DriverError(AssertionError):
    """Postfix, record and delivered copy do not tell one story."""


def run(case: Case, relay: Relay, realm: Realm, gate: Gate) -> Seen:
    """Send a case through the relay and return what came of it, as client, record and recipient saw it."""
    gate.use(profile_text(case.profile))
    with _new_decision(gate, case) as decisions:
        if case.listener == LOCAL:
            relay.sendmail(case.message, case.mail_from, [case.rcpt])
            relay.sink.wait_for(case.message_id)  # pickup(8) takes it in its own time
            code, text = 250, ""
        else:
            port = relay.submission_port if case.listener == "submission" else relay.plain_port
            answer = submit(
                port,
                realm.ticket(case.login.rpartition("@")[0]) if case.login else None,
                case.mail_from,
                [case.rcpt],
                case.message,
                tls=case.listener == "submission",
                realm_environment=realm.environment,
            )
            code, text = answer.code, answer.text
    if case.expect["action"] == "pass":
        relay.sink.wait_for(case.message_id)
        if decisions:
            raise DriverError(f"a passing listener was judged: {decisions}")
        return Seen("pass")
    if not decisions and not case.sasl[1] and code >= 400:  # who has not logged in is only counted
        return Seen("reject" if code >= 500 else "tempfail", f"{code} {text}")
    if len(decisions) != 1:
        raise DriverError(f"{len(decisions)} decisions recorded for one message; client heard {code} {text}")
    seen = seen_in(decisions[0])
    _agree(seen, code, text)
    if seen.action == "accept":
        delivered = relay.sink.wait_for(case.message_id).data
        verdicts = dkimpy_verdict(delivered, gate.records)
        if len(verdicts) != len(seen.signed or ()) or not all(verdicts):
            raise DriverError(f"recorded {seen.signed}, verified on the delivered copy {verdicts}")
        if left := case.left_in(delivered):
            raise DriverError(f"still there on the delivered copy: {left}")
    return seen


@contextmanager
def _new_decision(gate: Gate, case: Case) -> Iterator[list[dict[str, object]]]:
    before = len(gate.events("decision"))
    found: list[dict[str, object]] = []
    yield found
    found.extend(gate.events("decision")[before:])


def _agree(seen: Seen, code: int, text: str) -> None:
    """The client must have heard what the record says it was answered."""
    wanted = {"accept": 250, "quarantine": 250}.get(seen.action) or int((seen.reply or "0")[:3])
    heard = " ".join(text.split())
    if code != wanted or (seen.reply and code >= 400 and heard not in (seen.reply, seen.reply[4:])):
        raise DriverError(f"recorded {seen.reply!r}, the client heard {code} {heard!r}")
    if code >= 400 and (seen.reference or "") not in heard:
        raise DriverError(f"the id {seen.reference} is not in {heard!r}")
