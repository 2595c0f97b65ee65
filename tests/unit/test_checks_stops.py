"""Beyond a cap the content is not judged: commercial mail is refused with the reason, other mail sealed and noted."""

from pathlib import Path

import pytest

from sealgate.app.intake import Intake
from sealgate.app.ports import Budget, UnreadableError
from sealgate.app.runtime import Runtime
from sealgate.app.screen import Outcome, at_end, at_mail
from sealgate.mail.message import Envelope, Session
from sealgate.mail.mime import Limits
from sealgate.mail.visible import View
from sealgate.wiring import build, read_profile
from tests.drivers.cases import profile_text
from tests.lab.gate import make_keys

SENDERS = {
    "commercial": ("svc/newsletter@EXAMPLE.TEST", b"news@example.test"),
    "personal": ("alice@EXAMPLE.TEST", b"alice@example.test"),
    "undeclared": ("svc/portal@EXAMPLE.TEST", b"portal@example.test"),
}
LAWFUL = (
    b"<p>This is an advertisement of chairs.</p><p>Example Inc., 12 Main Street, Springfield, IL 62701</p>"
    b"<a href='https://www.example.test/u/1'>Unsubscribe</a>\r\n"
)
PART = b"--b\r\nContent-Type: text/html\r\n\r\n"
PLAIN = b"--b\r\nContent-Type: text/plain\r\n\r\n"
HEAVY = b"<p>\r\n" * 2_000
MIXED = b' multipart/mixed; boundary="b"'
HTML = b" text/html; charset=utf-8"
WITHIN = Limits()


class Dying:
    """A reader process that every HTML is too much for."""

    def read(self, html: bytes, charset: str, budget: Budget | None = None) -> View:
        raise UnreadableError("the reader process gave up: it died")


@pytest.fixture(scope="module")
def runtime(tmp_path_factory: pytest.TempPathFactory) -> Runtime:
    folder = tmp_path_factory.mktemp("stops")
    make_keys(folder / "keys")
    path: Path = folder / "profile.yaml"
    path.write_text(profile_text("enforce").replace("{keys}", str(folder / "keys")))
    ingredients, _ = read_profile(path)
    assert ingredients is not None
    return build(ingredients)


def judged(runtime: Runtime, kind: str, content_type: bytes, body: bytes, *more: tuple[bytes, bytes]) -> Outcome:
    login, author = SENDERS[kind]
    session = Session("submission", "192.0.2.1", 40_000, auth_mechanism="GSSAPI", auth_name=login)
    envelope = Envelope(b"<" + author + b">")
    caller = at_mail(session, envelope, runtime, "R", 0.0).caller
    intake = Intake(runtime.profile.body_forms)
    usual = ((b"From", b" " + author), (b"Subject", b" News"), (b"Date", b" Sat, 21 Nov 2026 09:00:00 +0000"))
    for name, value in (*usual, (b"Message-ID", b" <x@example.test>"), (b"Content-Type", content_type), *more):
        intake.header(name, value)
    intake.body(body)
    message, hashes = intake.finish(reference="R", received_at=0.0, session=session, envelope=envelope)
    return at_end(message, hashes, runtime, Dying(), caller, over_limit=intake.is_over_limit)


def deep(levels: int) -> bytes:
    return b"".join(
        b'--b%s\r\nContent-Type: multipart/mixed; boundary="b%s"\r\n\r\n' % (b"x" * n, b"x" * (n + 1))
        for n in range(levels)
    )


STOPS = {
    "text": (MIXED, PART + LAWFUL + PLAIN + (b"word " * 100 + b"\r\n") * 2_100 + b"--b--\r\n", ()),
    "parts": (MIXED, PART + LAWFUL + b"--b\r\nContent-Type: image/png\r\n\r\n" * (WITHIN.parts + 1), ()),
    "depth": (MIXED, PART + LAWFUL + deep(WITHIN.depth + 1), ()),
    "part header": (MIXED, PART + LAWFUL + b"--b\r\n" + b"X: y\r\n" * 11_000 + b"\r\nx\r\n--b--\r\n", ()),
    "part headers": (MIXED, PART + LAWFUL + (b"--b\r\n" + b"X: y\r\n" * 9_000 + b"\r\nx\r\n") * 10 + b"--b--\r\n", ()),
    "fields": (HTML, LAWFUL, ((b"X", b" y"),) * 1_000),
    "header": (HTML, LAWFUL, ((b"X", b" " + b"y" * 900),) * 290),
    "reader": (MIXED, PART + HEAVY + b"\r\n" + PART + LAWFUL + b"--b--\r\n", ()),
    "tags": (MIXED, PART + (b"<p\r\n" * 100_001) + b"\r\n" + PART + LAWFUL + b"--b--\r\n", ()),
}
WHY = {
    "text": "text-cut", "parts": "too-many-parts", "depth": "too-deep", "part header": "long-part-header",
    "part headers": "long-part-header", "fields": "more than 1000 fields", "header": "more than 256000 octets",
    "reader": "it died", "tags": "more than 100000 tags",
}  # fmt: skip


def test_within_the_caps_it_is_lawful(runtime: Runtime) -> None:
    outcome = judged(runtime, "commercial", MIXED, PART + LAWFUL + b"--b--\r\n")
    assert outcome.verdict.is_accepted, outcome.verdict


@pytest.mark.parametrize("stop", STOPS)
def test_commercial_mail_is_refused_with_the_reason_though_all_elements_are_there(runtime: Runtime, stop: str) -> None:
    content_type, body, more = STOPS[stop]
    outcome = judged(runtime, "commercial", content_type, body, *more)
    found = {judged.finding.rule.code: judged.finding.detail for judged in outcome.verdict.judged}
    reply = outcome.verdict.reply
    assert reply is not None
    assert reply.code == "550"
    assert WHY[stop] in found["canspam.unread"]
    assert not {code for code in found if code.startswith("canspam.no-")} or stop in ("fields", "header")
    assert not outcome.inserts


@pytest.mark.parametrize("kind", ["personal", "undeclared"])
@pytest.mark.parametrize("stop", STOPS)
def test_other_mail_is_sealed_and_the_stop_is_recorded(runtime: Runtime, stop: str, kind: str) -> None:
    content_type, body, more = STOPS[stop]
    outcome = judged(runtime, kind, content_type, body, *more)
    assert outcome.verdict.is_accepted, outcome.verdict
    assert [name for name, _ in outcome.inserts] == ["DKIM-Signature", "DKIM-Signature"]
    is_read = kind != "personal" or stop not in ("reader", "tags")  # what a person writes is not read at all
    assert ("form.over-limits" in _codes(outcome)) is is_read
    details = [finding["detail"] for finding in outcome.event["findings"] if finding["rule"] == "form.over-limits"]
    assert any(WHY[stop] in detail for detail in details) is is_read


def test_a_stop_is_named_once(runtime: Runtime) -> None:
    outcome = judged(runtime, "commercial", HTML, HEAVY)
    assert _codes(outcome).count("canspam.unread") == 1


def _codes(outcome: Outcome) -> list[str]:
    return [judged.finding.rule.code for judged in outcome.verdict.judged]
