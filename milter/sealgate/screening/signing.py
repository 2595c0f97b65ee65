"""What a profile would sign, asked message by message without a key of it.

`Signing` takes a profile as the gate would, in its own mode, with stand-ins for its keys; `of` says for one message on
one session which signatures it would leave with. It is the gate's own function that is asked, so what it refuses has
none. What can fail: nothing but a fault of ours, which is told as `tempfail`, as the gate would answer it.
"""

from dataclasses import dataclass, replace
from types import TracebackType
from typing import Self

from sealgate.app.intake import Intake
from sealgate.app.screen import at_end, at_mail
from sealgate.checks.caller import handling
from sealgate.mail.headers import Headers, parse_block
from sealgate.mail.message import Envelope, Session
from sealgate.profile.model import Profile
from sealgate.screening.limited import LimitedReader
from sealgate.screening.preparing import prepared
from sealgate.screening.screener import REFERENCE
from sealgate.wiring import now


@dataclass(frozen=True, slots=True)
class Letter:
    """A message apart: header fields, and a body with CRLF line ends."""

    headers: Headers
    body: bytes


@dataclass(frozen=True, slots=True)
class Signed:
    """What became of a message: `action` in the words of the milter protocol, and its signatures as `d=`/`s=`."""

    action: str
    signatures: tuple[str, ...] = ()


def read_letter(octets: bytes) -> Letter:
    """Take a message apart as the MTA hands it over."""
    data = octets.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    head, _, body = data.partition(b"\r\n\r\n")
    return Letter(parse_block(head.split(b"\r\n")), body)


class Signing:
    """A profile to ask. A context manager: leaving it ends the process that reads odd HTML."""

    def __init__(self, profile: Profile) -> None:
        self._runtime = replace(prepared(profile).runtime, override=None)
        self._reader = LimitedReader()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._reader.close()

    def of(self, letter: Letter, session: Session, sender: bytes, recipients: tuple[bytes, ...]) -> Signed:
        """Say what the gate would sign of a message that comes by this session."""
        profile = self._runtime.profile
        if not handling(session, profile).is_judged:
            return Signed("accept")
        envelope = Envelope(sender, "", recipients)
        begun = at_mail(session, envelope, self._runtime, REFERENCE, now())
        if not begun.verdict.is_accepted:
            return Signed(str(begun.verdict.action))
        intake = Intake(profile.body_forms)
        for field in letter.headers:
            intake.header(field.name, field.value)
        intake.body(letter.body)
        try:
            message, hashes = intake.finish(reference=REFERENCE, received_at=now(), session=session, envelope=envelope)
            outcome = at_end(
                message, hashes, self._runtime, self._reader, begun.caller, over_limit=intake.is_over_limit
            )
        except Exception:  # whatever it is, the gate would defer
            return Signed("tempfail")
        signed = (dict(pair.split("=", 1) for pair in text.split()) for text in outcome.event["seal"]["signed"])
        return Signed(str(outcome.verdict.action), tuple(f"{one['d']}/{one['s']}" for one in signed))
