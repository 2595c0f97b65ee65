"""The fourth driver: a real Sendmail with Kerberos logins in front of the running gate, delivering over SMTP.

As with Postfix, what the client was answered is compared with what the audit line says, and the signatures of what left
are verified on the copy that arrived. Sendmail spells logins its own way, so the profiles of the corpus are read with
that spelling; what cannot go through it is named in `SKIPPED`, with the reason.
"""

import re
from typing import Final

from tests.drivers.cases import LOCAL, Case, Seen, profile_text, seen_in
from tests.lab.gate import Gate
from tests.lab.realm import Realm
from tests.lab.sendmail import Sendmail
from tests.lab.submit import submit
from tests.lab.verify import dkimpy_verdict

SKIPPED: Final = {
    "no-login": "its listener asks for a login before the gate is asked (M=a)",
    "bound-foreign-realm": "a login of a second realm is a test of its own",
    "transit-bare-line-end": "it answers 421 to a CR that stands alone, before a filter is asked",
    "transit-long-line-person": "it cuts the line and breaks the seal",
    "transit-no-date": "the gate adds one, as it would itself",
    "transit-no-message-id": "the gate adds one, as it would itself",
    "trusted-network": "all its clients come from 127.0.0.1",
    "unmapped-login": "every login of its realm is spelled alike",
    "unnamed-listener": "both its listeners are named",
    "xclient-login": "it knows no XCLIENT",
}
# At MAIL Sendmail puts the address between the enhanced status code and the text.
_ABOUT: Final = re.compile(r"<[^>]*>\.\.\. ")


class DriverError(AssertionError):
    """Sendmail, record and delivered copy do not tell one story."""


def why_not(case: Case) -> str:
    """Why a case cannot go through Sendmail, or an empty string."""
    if case.listener == LOCAL:
        return "sendmail(1) hands mail to the daemon by SMTP: it has no listener of its own"
    return SKIPPED.get(case.name, "")


def spelled(profile: str) -> str:
    """A profile of the corpus for the logins of Sendmail: without the realm where it is the host's own, in xtext."""
    return profile.replace(
        'spelled: "{user}@EXAMPLE.TEST", principal: "{user}@EXAMPLE.TEST"}',
        'spelled: "{user}", principal: "{user}@EXAMPLE.TEST", encoding: xtext}',
    )


def run(case: Case, relay: Sendmail, realm: Realm, gate: Gate) -> Seen:
    """Send a case through Sendmail and return what came of it, as client, record and recipient saw it."""
    gate.use(spelled(profile_text(case.profile)))
    before = len(gate.events("decision"))
    is_submission = case.listener == "submission"
    answer = submit(
        relay.submission_port if is_submission else relay.plain_port,
        realm.ticket(case.login.rpartition("@")[0]) if case.login else None,
        case.mail_from,
        [case.rcpt],
        case.message,
        tls=is_submission,
        realm_environment=realm.environment,
    )
    decisions = gate.events("decision")[before:]
    if case.expect["action"] == "pass":
        relay.sink.wait_for(case.message_id)
        if decisions:
            raise DriverError(f"a passing listener was judged: {decisions}")
        return Seen("pass")
    if not decisions and not case.sasl[1] and answer.code >= 400:  # who has not logged in is only counted
        return Seen("reject" if answer.code >= 500 else "tempfail", f"{answer.code} {answer.text}")
    if len(decisions) != 1:
        raise DriverError(f"{len(decisions)} decisions recorded for one message; client heard {answer}")
    seen = seen_in(decisions[0])
    _agree(seen, answer.code, answer.text)
    if seen.action == "accept":
        delivered = relay.sink.wait_for(case.message_id).data
        verdicts = dkimpy_verdict(delivered, gate.records)
        if len(verdicts) != len(seen.signed or ()) or not all(verdicts):
            raise DriverError(f"recorded {seen.signed}, verified on the delivered copy {verdicts}")
        if left := case.left_in(delivered):
            raise DriverError(f"still there on the delivered copy: {left}")
    return seen


def _agree(seen: Seen, code: int, text: str) -> None:
    """The client must have heard what the record says it was answered."""
    wanted = {"accept": 250, "quarantine": 250}.get(seen.action) or int((seen.reply or "0")[:3])
    heard = _ABOUT.sub("", " ".join(text.split()), count=1)
    if code != wanted or (seen.reply and code >= 400 and heard not in (seen.reply, seen.reply[4:])):
        raise DriverError(f"recorded {seen.reply!r}, the client heard {code} {heard!r}")
    if code >= 400 and (seen.reference or "") not in heard:
        raise DriverError(f"the id {seen.reference} is not in {heard!r}")
