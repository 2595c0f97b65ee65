"""A record as a gate would have written it, made in this process by the gate's own functions.

`Recorder` judges and seals messages under the profile `lawful` of the corpus, records them through
`app.recording.recorded`, and writes lines and hidden values as the writer process does. What `send` gives back is the
copy that leaves, as a reader would have it.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, Self
from unittest.mock import patch

from sealgate.adapters import auditkey, epochs
from sealgate.adapters.journal import JournalFile
from sealgate.adapters.personal import SideFiles
from sealgate.adapters.pymilter import new_reference
from sealgate.app.intake import Intake
from sealgate.app.recording import recorded
from sealgate.app.screen import Outcome, at_end, at_mail
from sealgate.audit.chain import canonical, cut
from sealgate.audit.personal import epoch_of
from sealgate.audit.record import moment
from sealgate.mail.filed import read_filed
from sealgate.mail.message import Envelope, Session
from sealgate.profile.model import Form, Record, Showing
from sealgate.screening.preparing import prepared
from tests.drivers.cases import all_cases, profile_text
from tests.lab.inline import InlineReader

NEWSLETTER = next(case.message for case in all_cases() if case.name == "lawful-newsletter")
PERSONAL = b"From: alice@example.test\nTo: bob@example.org\nSubject: Tea\nMessage-ID: <tea@example.test>\n\nAt four?\n"


class Recorder:
    """Writes `FOLDER/audit.jsonl` and `FOLDER/state`, for one `with` block; signed checkpoints only `is_signed`."""

    def __init__(
        self,
        folder: Path,
        *,
        recipients: Showing = Showing.CLEAR,
        subject: Showing = Showing.HASHED,
        is_signed: bool = False,
    ) -> None:
        self._is_signed = is_signed
        self.path = folder / "audit.jsonl"
        self.state = folder / "state"
        self.state.mkdir(exist_ok=True)
        profile = folder / "profile.yaml"
        profile.write_text(profile_text("lawful").replace("{keys}", str(folder / "keys")))
        runtime = prepared(profile).runtime
        record = Record(recipients=recipients, subject=subject)
        self._runtime = replace(
            runtime, profile=replace(runtime.profile, record=record), host="relay1", software="sealgate test"
        )

    def __enter__(self) -> Self:
        note = auditkey.keep(self.state, "relay1").signed if self._is_signed else None
        publish = partial(auditkey.publish, self.state) if self._is_signed else lambda _: None
        self._journal = JournalFile(str(self.path), mark={"host": "relay1"}, note=note, publish=publish)
        self._side = SideFiles(self.state)
        return self

    def __exit__(self, *_: object) -> None:
        self._journal.close()
        self._side.close()

    def send(
        self,
        message: bytes = NEWSLETTER,
        rcpt: Sequence[str] = ("reader@example.org",),
        *,
        login: str = "svc/newsletter",
        sender: str = "news@example.test",
        at: str = "2026-11-21T09:00:00Z",
        queue_id: str = "4TstWIRE",
    ) -> bytes:
        """Record one message; return the copy that leaves, empty where none does."""
        now = datetime.fromisoformat(at).timestamp()
        self.reference = new_reference(now)
        filed = read_filed(message)
        assert filed is not None
        session = Session(
            "submission", "192.0.2.7", 40_000, helo="client.example.test", tls_version="TLSv1.3",
            auth_mechanism="GSSAPI" if login else "", auth_name=f"{login}@EXAMPLE.TEST" if login else "",
        )  # fmt: skip
        envelope = Envelope(f"<{sender}>".encode(), "", tuple(f"<{one}>".encode() for one in rcpt))
        first = at_mail(session, envelope, self._runtime, self.reference, now)
        if not first.verdict.is_accepted:
            self._write(first, {})
            return b""
        intake = Intake((Form.RELAXED,))
        for field in filed.headers:
            intake.header(field.name, field.value)
        intake.body(filed.body)
        taken, hashes = intake.finish(
            reference=self.reference, received_at=now, session=session, envelope=envelope, queue_id=queue_id
        )
        outcome = at_end(taken, hashes, self._runtime, InlineReader(), first.caller, over_limit=False)
        self._write(outcome, {"queue_id": queue_id})
        if not outcome.verdict.is_accepted:
            return b""
        top = b"".join(f"{n}: {v}\n".encode().replace(b"\n", b"\r\n") for n, v in outcome.inserts)
        head = b"".join(f.name + b":" + f.value + b"\r\n" for f in filed.headers)
        return top + head + b"\r\n" + filed.body

    def write(self, kind: str, at: str = "2026-11-21T09:00:01Z", **event: Any) -> None:
        """Write one line of another kind."""
        now = moment(datetime.fromisoformat(at).timestamp())
        self._append(now, [{"v": 1, "kind": kind, "t": now, "host": "relay1", **event}])

    def rotate(self, suffix: str) -> None:
        """Rename the file as logrotate does; the next line goes into a new one."""
        self.path.rename(self.path.with_name(f"audit.jsonl{suffix}"))

    def _write(self, outcome: Outcome, more: dict[str, Any]) -> None:
        event = outcome.event | more
        keys = epochs.keep(self.state, (epoch_of(event["t"]),))
        done = recorded(event, replace(self._runtime, epochs=keys))
        assert done.kind == "decision"
        self._side.append([(value["epoch"], canonical(value)) for value in done.side])
        self._append(event["t"], [one | {"kind": one.get("kind", done.kind)} for one in (done.event, *done.more)])

    def _append(self, now: str, events: Sequence[dict[str, Any]]) -> None:
        """Write lines at a time that the test says; the journal's own clock would say that of the test."""
        with patch("sealgate.adapters.journal.batch.timestamp", lambda: now):
            self._journal.append([cut(event) for event in events])
