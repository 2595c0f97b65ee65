"""Header fields and chunks in, one message out: caps, chunking, nothing lost."""

import hashlib
from collections.abc import Mapping
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from sealgate.app.intake import MAX_FIELDS, MAX_HEADER_OCTETS, Intake
from sealgate.mail.message import Envelope, Session
from sealgate.profile.model import Form

SESSION, ENVELOPE = Session("submission", "127.0.0.1", 1), Envelope(b"<>")


def finished(intake: Intake) -> tuple[object, Mapping[Form, bytes]]:
    return intake.finish(reference="X", received_at=0.0, session=SESSION, envelope=ENVELOPE)


def test_a_message_without_a_body_has_the_hash_of_an_empty_one() -> None:
    intake = Intake()
    intake.header(b"From", b" a@b.test")
    assert finished(intake)[1] == {Form.RELAXED: hashlib.sha256(b"").digest()}
    both = Intake(Form)
    assert finished(both)[1][Form.SIMPLE] == hashlib.sha256(b"\r\n").digest()  # RFC 6376 3.4.3


@given(st.binary(max_size=400), st.lists(st.integers(0, 400), max_size=8))
def test_where_the_chunks_are_cut_makes_no_difference(body: bytes, cuts: list[int]) -> None:
    whole, pieces = Intake(Form), Intake(Form)
    for intake in (whole, pieces):
        intake.header(b"Content-Type", b' multipart/mixed; boundary="b"')
    whole.body(body)
    edges = [0, *sorted(cut % (len(body) + 1) for cut in cuts), len(body)]
    for start, end in pairwise(edges):
        pieces.body(body[start:end])
    assert finished(whole) == finished(pieces)


def test_header_fields_beyond_the_cap_are_not_kept_and_it_shows() -> None:
    many, large = Intake(), Intake()
    for _ in range(MAX_FIELDS + 1):
        many.header(b"X", b"y")
    for _ in range(3):
        large.header(b"X", b"y" * (MAX_HEADER_OCTETS // 2))
    assert many.is_over_limit
    assert large.is_over_limit
    message, _ = many.finish(reference="X", received_at=0.0, session=SESSION, envelope=ENVELOPE)
    assert len(message.headers.fields) == MAX_FIELDS
