"""Facts before judgement: what is unreadable is a fact, what is our fault goes up."""

import pytest

from sealgate.app.gather import gather
from sealgate.app.ports import PortError, UnreadableError
from sealgate.checks.facts import Known, Unknown
from sealgate.mail.headers import Headers
from sealgate.mail.message import Envelope, Message, Session
from sealgate.mail.mime import Body, TextPart
from sealgate.mail.visible import View

HEAVY = b"<p>" * 2000


def message(*contents: tuple[str, bytes]) -> Message:
    parts = tuple(TextPart(str(n), subtype, "utf-8", content) for n, (subtype, content) in enumerate(contents))
    return Message("X", 0.0, Session("s", "", 1), Envelope(b"<>"), Headers(()), Body(0, parts))


class Reader:
    def __init__(self, answer: View | Exception) -> None:
        self.answer = answer
        self.asked = 0

    def read(self, html: bytes, charset: str) -> View:
        self.asked += 1
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def test_only_heavy_html_goes_to_the_reader_process() -> None:
    reader = Reader(View("elsewhere"))
    facts = gather(message(("plain", b"one"), ("html", b"<p>two"), ("html", HEAVY)), reader, frozenset({"from"}))
    assert [fact.value.text for fact in facts.views if isinstance(fact, Known)] == ["one", "two", "elsewhere"]
    assert (reader.asked, facts.sealed) == (1, frozenset({"from"}))


def test_what_the_reader_dies_on_is_unknown_and_the_rest_is_still_read() -> None:
    facts = gather(message(("html", HEAVY), ("plain", b"one")), Reader(UnreadableError("it died")), frozenset())
    assert facts.views == (Unknown("it died"), Known(View("one")))


def test_a_reader_that_does_not_answer_is_our_fault() -> None:
    with pytest.raises(PortError):
        gather(message(("html", HEAVY)), Reader(PortError("no answer in time")), frozenset())


def test_what_killed_the_reader_is_not_tried_again_with_the_next_part() -> None:
    reader = Reader(UnreadableError("it died"))
    facts = gather(message(*[("html", HEAVY)] * 50), reader, frozenset())
    assert (reader.asked, set(facts.views)) == (1, {Unknown("it died")})


def test_all_parts_together_have_one_deadline() -> None:
    """A hundred parts of two seconds would hold up a thread, and the MTA, for minutes."""
    ticks = iter(range(1000))
    reader = Reader(View("slow"))
    with pytest.raises(PortError):
        gather(message(*[("html", HEAVY)] * 50), reader, frozenset(), clock=lambda: float(next(ticks)))
    assert reader.asked < 10


def test_parts_that_are_small_and_slow_have_one_budget() -> None:
    slow = "".join(f"<b {n}><p>" for n in range(495)).encode()
    facts = gather(message(*[("html", slow)] * 300), Reader(View("")), frozenset())
    assert isinstance(facts.views[0], Known)
    assert isinstance(facts.views[-1], Unknown)
