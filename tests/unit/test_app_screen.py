"""Which mail is read: a person's content is nobody's business, its structure and sender are judged all the same."""

import pytest

from sealgate.app.intake import Intake
from sealgate.app.ports import UnreadableError
from sealgate.app.runtime import Override, Runtime
from sealgate.app.screen import Outcome, at_end
from sealgate.checks.caller import Caller
from sealgate.checks.facts import NOT_ASKED
from sealgate.mail.message import Envelope, Session
from sealgate.mail.visible import View
from sealgate.profile.model import Domain, Identity, Kind, MailClass, Profile, SenderPattern

HEAVY = b"<p>" * 2000
SENDERS = (SenderPattern("", "example.test"),)
AMBIGUOUS = b'multipart/alternative; boundary="a"; boundary="b"'


class Reader:
    """The process that reads heavy HTML: it notes that it was asked, and dies."""

    def __init__(self) -> None:
        self.asked = 0

    def read(self, html: bytes, charset: str, budget: object = None) -> View:
        self.asked += 1
        raise UnreadableError("it died")


def judged(reader: Reader, kind: Kind, mail_class: MailClass, *, reads_all: bool = False) -> Outcome:
    intake = Intake()
    for name, value in (
        (b"From", b" alice@example.test"),
        (b"Subject", b" Re: Your order has shipped"),
        (b"Content-Type", b" text/html"),
    ):
        intake.header(name, value)
    intake.body(HEAVY)
    return ended(intake, reader, kind, mail_class, reads_all=reads_all)


def ended(intake: Intake, reader: Reader, kind: Kind, mail_class: MailClass, *, reads_all: bool = False) -> Outcome:
    message, digest = intake.finish(
        reference="X", received_at=0.0, session=Session("s", "", 1), envelope=Envelope(b"<alice@example.test>")
    )
    identity = Identity("alice", kind, mail_class, senders=SENDERS)
    profile = Profile(identities=(identity,), domains={"example.test": Domain("example.test", sign=False)})
    runtime = Runtime(profile, "", {}, Override(True, float("inf"), "test"))
    caller = Caller(None, identity, "name")
    return at_end(message, digest, runtime, reader, caller, over_limit=False, reads_all=reads_all)


def codes(outcome: Outcome) -> list[str]:
    return [finding["rule"] for finding in outcome.event["findings"]]


@pytest.mark.parametrize("kind", [Kind.PERSON, Kind.FORWARDER])
def test_heavy_html_of_a_person_is_never_handed_to_the_reader(kind: Kind) -> None:
    reader = Reader()
    outcome = judged(reader, kind, MailClass.PERSONAL)
    assert (reader.asked, outcome.facts.views) == (0, (NOT_ASKED,))
    judged(reader, Kind.SERVICE, MailClass.COMMERCIAL)
    assert reader.asked == 1


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("mail_class", MailClass)
def test_what_is_not_read_would_have_changed_nothing(kind: Kind, mail_class: MailClass) -> None:
    lazy, read = (judged(Reader(), kind, mail_class, reads_all=reads_all) for reads_all in (False, True))
    assert (codes(lazy), lazy.verdict, lazy.event["elements"]) == (codes(read), read.verdict, read.event["elements"])


def test_an_ambiguous_structure_of_a_person_is_reported_though_nothing_is_read() -> None:
    intake, reader = Intake(), Reader()
    intake.header(b"From", b" alice@example.test")
    intake.header(b"Content-Type", b" " + AMBIGUOUS)
    intake.body(b"--a\r\nContent-Type: text/html\r\n\r\n" + HEAVY + b"\r\n--a--\r\n")
    outcome = ended(intake, reader, Kind.PERSON, MailClass.PERSONAL)
    assert "mime.ambiguous" in codes(outcome)
    assert reader.asked == 0
