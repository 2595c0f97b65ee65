"""Target: the whole judgement in this process, from the octets of a message to verdict, seal and record."""

import atexit
import shutil
import tempfile
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Final

from sealgate.app.intake import Intake
from sealgate.app.ports import Budget, UnreadableError
from sealgate.app.runtime import Runtime
from sealgate.app.screen import Outcome, at_end, at_mail
from sealgate.audit.chain import canonical
from sealgate.audit.verifier import parse
from sealgate.mail.headers import parse_block
from sealgate.mail.message import Envelope, Session
from sealgate.mail.visible import View, is_heavy, read_html
from sealgate.seal.plan import SealPlan
from sealgate.wiring import build, read_profile
from tests.drivers.cases import EPOCHS, profile_text
from tests.fuzz.target import Failure, must
from tests.lab.gate import make_keys

_SENDERS: Final = (
    ("svc/newsletter@EXAMPLE.TEST", "news@example.test"),
    ("alice@EXAMPLE.TEST", "alice@example.test"),
    ("svc/portal@EXAMPLE.TEST", "portal@example.test"),
    ("svc/shop@EXAMPLE.TEST", "orders@example.test"),
    ("svc/lists@EXAMPLE.TEST", "owner@lists.example.test"),
)
_PROFILES: Final = ("enforce", "strict", "lawful", "binding")


class _NotHeavy:
    """A reader that dies of what is heavy, as the gate's does of the worst."""

    def read(self, html: bytes, charset: str, budget: Budget | None = None) -> View:
        """What a reader sees."""
        if is_heavy(html):
            raise UnreadableError("the reader died")
        return read_html(html, charset)


def message(data: bytes) -> None:
    """One octet that chooses who sends, MAIL's argument and an LF, RCPT's and an LF, then the message."""
    choice = data[0] if data else 0
    sender, _, rest = data[1:].partition(b"\n")
    rcpt, _, wire = rest.partition(b"\n")
    login, own = _SENDERS[choice % len(_SENDERS)]
    runtime = _runtime(_PROFILES[choice // 8 % len(_PROFILES)])
    session = Session("submission", "192.0.2.7", 40_000, auth_mechanism="GSSAPI", auth_name=login)
    argument = sender or f"<{own}>".encode()
    envelope = Envelope(argument, argument.decode("utf-8", "surrogateescape").strip("<>"), (rcpt,))
    first = at_mail(session, envelope, runtime, "FUZZ000000000000", 1_795_000_000.0)
    if not first.verdict.is_accepted:
        _is_sound(first)
        return
    head, _, body = wire.partition(b"\r\n\r\n")
    intake = Intake(runtime.profile.body_forms)
    for field in parse_block(head.split(b"\r\n")):
        intake.header(field.name, field.value)
    for at in range(0, len(body), 65_535):
        intake.body(body[at : at + 65_535])
    read, digest = intake.finish(
        reference="FUZZ000000000000", received_at=1_795_000_000.0, session=session, envelope=envelope
    )
    outcome = at_end(read, digest, runtime, _NotHeavy(), first.caller, over_limit=intake.is_over_limit)
    _is_sound(outcome)
    is_to_be_sealed = outcome.verdict.is_accepted and isinstance(outcome.seal, SealPlan)
    must(outcome.inserts or not is_to_be_sealed, outcome)


def _is_sound(outcome: Outcome) -> None:
    """Whether it can be answered, put into a header and recorded."""
    line = canonical({**outcome.event, "seq": 1, "prev": "0" * 64})
    must(parse(line) is not None and len(line) < 1 << 20, line)
    reply = outcome.verdict.reply
    must(reply is None or len(str(reply)) <= 510, reply)
    for name, value in outcome.inserts:
        must(name.isascii() and "\r" not in value and all(part[:1] in "\t " for part in value.split("\n")[1:]), value)


@cache
def _runtime(name: str) -> Runtime:
    folder = Path(tempfile.mkdtemp(prefix="fuzz-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    make_keys(folder / "keys")
    path = folder / f"{name}.yaml"
    path.write_text(profile_text(name).replace("{keys}", str(folder / "keys")))
    ingredients, problems = read_profile(path)
    if ingredients is None:
        raise Failure([str(each) for each in problems])
    return replace(build(ingredients), epochs=EPOCHS)
