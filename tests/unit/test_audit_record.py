"""What an audit line holds, and that nothing of a sender can break it."""

import json

from hypothesis import given
from hypothesis import strategies as st

from sealgate.audit.chain import canonical
from sealgate.audit.record import MAX_VALUE, capped, moment, text_of, transaction
from sealgate.checks.caller import Caller
from sealgate.mail.message import Envelope, Session


def test_moments_are_utc_with_microseconds() -> None:
    assert moment(1_795_000_000.25) == "2026-11-18T11:06:40.250000Z"


def test_a_long_value_keeps_its_beginning_length_and_digest() -> None:
    cut = capped("x" * (MAX_VALUE + 1))
    assert isinstance(cut, dict)
    assert (len(cut["begins"]), cut["length"], len(cut["sha256"])) == (MAX_VALUE, MAX_VALUE + 1, 64)


def test_recipients_are_never_cut() -> None:
    recipients = tuple(f"<{n}@example.org>".encode() for n in range(5000))
    event = transaction(Session("s", "", 1), Envelope(b"<>", "", recipients), Caller())
    assert len(event["envelope"]["rcpt"]) == 5000


@given(st.binary(max_size=200), st.text(max_size=200), st.text(max_size=200))
def test_any_sender_makes_one_line_of_printable_ascii(sender: bytes, helo: str, name: str) -> None:
    session = Session("s", "192.0.2.1", 1, helo=helo, auth_name=name, auth_mechanism="X")
    line = canonical(transaction(session, Envelope(sender, "", (sender,)), Caller()))
    assert all(0x20 <= octet <= 0x7E for octet in line)
    assert json.loads(line)["envelope"]["rcpt"] == [text_of(sender)]
