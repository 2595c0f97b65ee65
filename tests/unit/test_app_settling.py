"""Whose mail is written as Sendmail writes it: by what the MTA calls itself, or by what the profile says."""

import pytest

from sealgate.app.intake import Intake
from sealgate.app.runtime import Override, Runtime
from sealgate.app.screen import Outcome, at_end
from sealgate.checks.caller import Caller
from sealgate.mail.message import Envelope, Session
from sealgate.profile.model import Domain, Identity, Kind, MailClass, Mta, Profile, SenderPattern
from sealgate.seal.keys import generate, load, public_record
from tests.lab.inline import InlineReader
from tests.lab.verify import dkimpy_verdict

KEY = load(generate("ed25519"), "example.test", "s")
SENDMAIL, POSTFIX = "8.17.1.9", "Postfix 3.7.11"
WHOLE = ((b"Date", b" Sat, 21 Nov 2026 09:00:00 +0000"), (b"Message-ID", b" <a@example.test>"))


def judged(
    *fields: tuple[bytes, bytes], mta: str, said: Mta = Mta.AUTO, seal: bool = True, kind: Kind = Kind.PERSON
) -> Outcome:
    intake = Intake()
    for name, value in ((b"From", b" O'Neill <alice@example.test>"), *fields):
        intake.header(name, value)
    message, hashes = intake.finish(
        reference="REF",
        received_at=1_795_251_600.0,
        session=Session("submission", "192.0.2.1", 1, mta=mta, mta_host="mail.example.test"),
        envelope=Envelope(b"<alice@example.test>"),
    )
    identity = Identity("alice", kind, MailClass.PERSONAL, senders=(SenderPattern("", "example.test"),))
    domains = {"example.test": Domain("example.test", sign=True)}
    profile = Profile(seal=seal, identities=(identity,), domains=domains, mta=said)
    runtime = Runtime(profile, "", {"example.test": (KEY,)}, Override(True, float("inf"), "test"))
    return at_end(message, hashes, runtime, InlineReader(), Caller(None, identity, "name"), over_limit=False)


@pytest.mark.parametrize(
    ("mta", "said", "is_settled"),
    [
        (SENDMAIL, Mta.AUTO, True),
        ("Sendmail 9", Mta.AUTO, True),
        (POSTFIX, Mta.AUTO, False),
        ("", Mta.AUTO, False),
        ("Exim 4.96", Mta.AUTO, False),
        (POSTFIX, Mta.SENDMAIL, True),
        (SENDMAIL, Mta.POSTFIX, False),
    ],
)
def test_by_what_the_mta_is(mta: str, said: Mta, is_settled: bool) -> None:
    outcome = judged(*WHOLE, mta=mta, said=said)
    edits = (("From", 1, ' "O\'Neill" <alice@example.test>'),)
    assert outcome.edits == (edits if is_settled else ())
    assert outcome.event["seal"].get("rewritten", []) == (["From"] if is_settled else [])


def test_what_is_not_signed_is_not_touched() -> None:
    assert judged(*WHOLE, mta=SENDMAIL, seal=False).edits == ()


def test_a_refused_message_is_not_touched() -> None:
    outcome = judged(*WHOLE, (b"To", b" a@localhost"), mta=SENDMAIL, kind=Kind.SERVICE)
    assert [finding["rule"] for finding in outcome.event["findings"]] == ["transit.rewritten"]
    assert (outcome.edits, outcome.inserts) == ((), ())


def test_the_record_has_the_address_as_it_was_sent() -> None:
    assert judged(*WHOLE, mta=SENDMAIL).event["header"]["from"] == "O'Neill <alice@example.test>"


def test_what_is_added_is_signed_and_no_longer_missed() -> None:
    outcome = judged(mta=SENDMAIL, kind=Kind.SERVICE)
    assert outcome.event["findings"] == []
    assert [name for name, _, _ in outcome.edits] == ["From", "Date", "Message-Id"]
    copy = [(name, " " + value) for name, value in reversed(outcome.inserts)]
    copy += [(name, value) for name, _, value in outcome.edits]
    wire = "".join(f"{name}:{value}\n" for name, value in copy).encode() + b"\n"
    records = {"s._domainkey.example.test": public_record(KEY)}
    assert dkimpy_verdict(wire.replace(b"\n", b"\r\n"), records) == [True]
    assert dkimpy_verdict(wire.replace(b"<REF@", b"<other@").replace(b"\n", b"\r\n"), records) == [False]
    missed = judged(mta=POSTFIX, kind=Kind.SERVICE).event["findings"]
    assert [finding["rule"] for finding in missed] == ["transit.no-date", "transit.no-message-id"]
