"""What would not arrive as it is signed: who is refused, who is told, and what is folded before."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealgate.checks import transit
from sealgate.checks.caller import Caller
from sealgate.checks.facts import Facts
from sealgate.checks.finding import Mode
from sealgate.mail.headers import Field, Headers
from sealgate.mail.lines import CLEAN, Lines, LineScan
from sealgate.mail.message import Envelope, Message, Session
from sealgate.mail.mime import Body
from sealgate.profile.model import Identity, Kind, MailClass

WHOLE = Headers((Field(b"Date", b" today"), Field(b"message-id", b" <a@b>")))
SEALED = frozenset(("from",))
OURS = Facts(sealed=SEALED)


def caller(kind: Kind) -> Caller:
    return Caller(None, Identity("x", kind, MailClass.PERSONAL), "login")


def met(
    lines: Lines = CLEAN, headers: Headers = WHOLE, kind: Kind = Kind.SERVICE, facts: Facts = OURS
) -> list[tuple[str, Mode | None]]:
    message = Message("X", 0.0, Session("s", "", 1), Envelope(b"<>"), headers, Body(0), "", lines)
    return [(finding.rule.code, finding.mode) for finding in transit.check_end(message, facts, caller(kind))]


ALL = Lines(is_long=True, is_bare=True, has_nul=True, is_eight_bit=True)


def test_each_property_has_its_rule() -> None:
    assert met() == []
    assert [code for code, _ in met(ALL)] == [
        "transit.long-line", "transit.bare-line-end", "transit.nul", "transit.eight-bit",
    ]  # fmt: skip
    assert met(facts=Facts(sealed=SEALED, stuck=(b"References",))) == [("transit.long-field", None)]
    assert [code for code, _ in met(headers=Headers(()))] == ["transit.no-date", "transit.no-message-id"]


@pytest.mark.parametrize("kind", [Kind.PERSON, Kind.FORWARDER])
def test_what_a_person_cannot_mend_is_reported(kind: Kind) -> None:
    assert {mode for code, mode in met(ALL, Headers(()), kind) if code != "transit.eight-bit"} == {Mode.REPORT}


def test_mail_that_is_not_signed_cannot_break() -> None:
    assert met(ALL, Headers(()), facts=Facts(stuck=(b"To",))) == []


PIECES = st.sampled_from([b"\r\n", b"\r", b"\n", b"x" * 300, b"y" * 998, b"z", b"\0", b"\xe4", b""])


@given(st.lists(PIECES, max_size=12).map(b"".join), st.lists(st.integers(0, 4000), max_size=6))
def test_lines_are_seen_however_the_body_is_cut(body: bytes, cuts: list[int]) -> None:
    edges = sorted({0, len(body), *(cut % (len(body) + 1) for cut in cuts)})
    scan = LineScan()
    for start, end in pairwise(edges):
        scan.feed(body[start:end])
    seen = scan.finish()
    rest = body.replace(b"\r\n", b"")
    assert seen.is_bare == (b"\r" in rest or b"\n" in rest)
    assert (seen.has_nul, seen.is_eight_bit) == (b"\0" in body, not body.isascii())
    if not seen.is_bare:
        assert seen.is_long == any(len(line) > 998 for line in body.split(b"\r\n"))
