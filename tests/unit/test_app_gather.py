"""Facts before judgement: what is unreadable is a fact, what is our fault goes up."""

import pytest

import sealgate.app.gather as module
from sealgate.app.gather import Kept, gather
from sealgate.app.ports import Budget, PortError, UnreadableError
from sealgate.checks.facts import NOT_ASKED, Known, Unknown, is_content_judged
from sealgate.mail.headers import Headers
from sealgate.mail.message import Envelope, Message, Session
from sealgate.mail.mime import Body, TextPart
from sealgate.mail.visible import View, read_html, read_plain
from sealgate.profile.model import Identity, Kind, MailClass

HEAVY = b"<p>" * 2000


def message(*contents: tuple[str, bytes]) -> Message:
    parts = tuple(TextPart(str(n), subtype, "utf-8", content) for n, (subtype, content) in enumerate(contents))
    return Message("X", 0.0, Session("s", "", 1), Envelope(b"<>"), Headers(()), Body(0, parts))


class Reader:
    def __init__(self, answer: View | Exception) -> None:
        self.answer = answer
        self.asked = 0

    def read(self, html: bytes, charset: str, budget: Budget | None = None) -> View:
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
    facts = gather(message(*[("html", HEAVY)] * 16), reader, frozenset())
    assert (reader.asked, set(facts.views)) == (1, {Unknown("it died")})


def test_all_parts_together_have_one_deadline() -> None:
    """A hundred parts of two seconds would hold up a thread, and the MTA, for minutes."""
    ticks = iter(range(1000))
    reader = Reader(View("slow"))
    with pytest.raises(PortError):
        gather(message(*[("html", HEAVY)] * 50), reader, frozenset(), clock=lambda: float(next(ticks)))
    assert reader.asked < 10


def test_parts_that_are_small_and_slow_have_one_budget_and_then_go_to_the_reader() -> None:
    ticks = iter(float(n) / 25 for n in range(1000))
    parts = [("html", b"<p>%d" % number) for number in range(16)]
    reader = Reader(View("elsewhere"))
    facts = gather(message(*parts), reader, frozenset(), cpu=lambda: next(ticks), kept=Kept())
    texts = [fact.value.text for fact in facts.views if isinstance(fact, Known)]
    assert texts[:2] == ["0", "1"]
    assert len(texts) == 16
    assert texts[-1] == "elsewhere"
    assert 10 < reader.asked < 16


def test_of_many_text_parts_the_last_are_read() -> None:
    reader = Reader(View("elsewhere"))
    parts = [("plain", b"x")] + [("html", HEAVY)] * 3 + [("plain", b"one")] * 16
    facts = gather(message(*parts), reader, frozenset())
    assert facts.views == (Unknown("one of more than 16 text parts"),) * 4 + (Known(View("one")),) * 16
    assert reader.asked == 0


def test_beyond_a_cap_nothing_is_read() -> None:
    reader = Reader(PortError("must not be asked"))
    facts = gather(message(("plain", b"one"), ("html", HEAVY)), reader, frozenset({"from"}), stop="too large")
    assert (facts.views, facts.sealed) == ((Unknown("too large"),) * 2, frozenset({"from"}))


def test_html_of_more_tags_than_any_mail_is_not_parsed_at_all() -> None:
    reader = Reader(View("read"))
    facts = gather(message(("html", b"<p" * 100_001), ("html", b"<p" * 100_000)), reader, frozenset())
    assert facts.views == (Unknown("more than 100000 tags in one part"), Known(View("read")))


def test_the_readers_processor_time_is_that_of_all_parts_together() -> None:
    """What costs too much is the message's fault and said so; the clock alone would defer it again and again."""

    class Spending(Reader):
        def read(self, html: bytes, charset: str, budget: Budget | None = None) -> View:
            assert budget is not None
            budget.seconds -= 0.4
            return super().read(html, charset, budget)

    reader = Spending(View("slow"))
    facts = gather(message(*[("html", HEAVY)] * 16), reader, frozenset())
    assert reader.asked == 3
    assert [isinstance(view, Known) for view in facts.views] == [True] * 3 + [False] * 13


def test_what_nobody_judges_is_not_read_here_and_not_elsewhere() -> None:
    reader = Reader(PortError("must not be asked"))
    facts = gather(message(("plain", b"one"), ("html", HEAVY)), reader, frozenset({"from"}), is_read=False)
    assert (facts.views, facts.sealed, reader.asked) == ((NOT_ASKED, NOT_ASKED), frozenset({"from"}), 0)


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("mail_class", MailClass)
def test_content_is_judged_of_commercial_mail_and_of_services(kind: Kind, mail_class: MailClass) -> None:
    is_judged = mail_class is MailClass.COMMERCIAL or (kind is Kind.SERVICE and mail_class is not MailClass.PERSONAL)
    assert is_content_judged(Identity("x", kind, mail_class)) is is_judged
    assert not is_content_judged(None)


# -- views from before -------------------------------------------------------------------------------------------------
@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[tuple[bytes, str]]:
    """What was really read, each time."""
    found: list[tuple[bytes, str]] = []
    for name, function in (("read_html", read_html), ("read_plain", read_plain)):

        def noted(content: bytes, charset: str, function=function) -> View:
            found.append((content, charset))
            return function(content, charset)

        monkeypatch.setattr(module, name, noted)
    return found


def part(content: bytes, charset: str = "utf-8", subtype: str = "html") -> TextPart:
    return TextPart("1", subtype, charset, content)


def test_a_part_that_comes_again_is_read_twice_and_then_no_more(read) -> None:
    kept = Kept()
    views = [kept.read(part(b"<p>one")) for _ in range(5)]
    assert (len(read), set(views)) == (2, {View("one")})


def test_a_part_that_comes_once_is_not_kept() -> None:
    kept = Kept()
    for number in range(1000):
        kept.read(part(b"<p>%d" % number))
    assert (len(kept), kept.octets) == (0, 0)


def test_the_same_octets_in_another_charset_or_type_are_another_part() -> None:
    kept = Kept()
    for _ in range(3):
        assert kept.read(part("<p>é".encode())).text == "é"
        assert kept.read(part("<p>é".encode(), "iso-8859-1")).text == "Ã©"
        assert kept.read(part("<p>é".encode(), subtype="plain")).text == "<p>é"
    assert len(kept) == 3


def test_what_is_kept_has_bounds_and_the_least_used_goes_first(read) -> None:
    kept = Kept(views=3)
    for content in (b"a", b"b", b"c", b"a", b"b", b"c", b"a", b"d", b"d"):
        kept.read(part(content))
    assert len(kept) == 3
    read.clear()
    for content in (b"c", b"a", b"d", b"b"):
        kept.read(part(content))
    assert [content for content, _ in read] == [b"b"]


def test_what_is_kept_is_bounded_in_octets_too() -> None:
    kept = Kept(octets=100_000)
    for number in range(40):
        for _ in range(2):
            kept.read(part(b"<p>%d" % number + b"word " * 500))
            assert kept.octets <= 100_000
    assert 0 < len(kept) < 40
    kept.read(part(huge := b"x" * 70_000, subtype="plain"))
    before = len(kept)
    kept.read(part(huge, subtype="plain"))
    assert len(kept) == before
