"""The first driver: the pure core in this process, without MTA, socket or file."""

import re

from sealgate.app.intake import Intake
from sealgate.app.runtime import Runtime
from sealgate.app.screen import Outcome, at_end, at_mail
from sealgate.checks.caller import handling
from sealgate.mail.headers import parse_block
from sealgate.mail.message import Envelope, Session
from sealgate.profile.model import Handling
from tests.drivers.cases import LOCAL, Case, Seen, seen_in
from tests.lab.inline import InlineReader

NOW = 1_795_000_000.0
REFERENCE = "CORE000000000000"


def run(case: Case, runtime: Runtime) -> Seen:
    """Judge a case as the milter adapter would."""
    outcome = judged(case, runtime)
    return seen_in(outcome.event) if outcome is not None else Seen("pass")


def judged(case: Case, runtime: Runtime) -> Outcome | None:
    """What comes of a case, with its record; `None` where its listener is not judged."""
    mechanism, name = case.sasl
    session = Session(
        listener="" if case.listener == LOCAL else case.listener,
        client_address=case.client,
        client_port=case.client_port,
        auth_mechanism=mechanism,
        auth_name=name,
    )
    if handling(session, runtime.profile) is Handling.PASS:
        return None
    envelope = Envelope(f"<{case.mail_from}>".encode(), case.mail_from.lower(), (f"<{case.rcpt}>".encode(),))
    first = at_mail(session, envelope, runtime, REFERENCE, NOW)
    if not first.verdict.is_accepted:
        return first
    head, _, body = case.wire.partition(b"\r\n\r\n")
    intake = Intake(runtime.profile.body_forms)
    for field in parse_block(head.split(b"\r\n")):
        intake.header(field.name, field.value)
    intake.body(body)
    message, digest = intake.finish(reference=REFERENCE, received_at=NOW, session=session, envelope=envelope)
    outcome = at_end(message, digest, runtime, InlineReader(), first.caller, over_limit=False)
    put_in = "".join(f"{name}: {value}\n" for name, value in outcome.inserts)
    assert not (missing := [text for text in case.there if not re.search(text, put_in)]), f"{missing} not in {put_in}"
    return outcome
