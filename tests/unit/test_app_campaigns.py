"""Templates learnt while mail goes through: the same views as reading, within bounds of time and memory."""

import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache

import pytest

import sealgate.app.campaigns as module
from sealgate.app.campaigns import Campaigns
from sealgate.app.gather import Kept, gather
from sealgate.checks.facts import Known
from sealgate.mail.headers import Headers
from sealgate.mail.message import Envelope, Message, Session
from sealgate.mail.mime import Body, TextPart
from sealgate.mail.template_sample import Sample
from sealgate.mail.visible import View, read_html
from tests.lab.inline import InlineReader

QUICK = 0.002  # seconds, as if a part had taken these
NAMES = ("Anna", "Mary Ann", "Bo", "O'Neill", "Jürgen", "Zoë")


def part(number: int, campaign: str = "garden", charset: str = "utf-8") -> TextPart:
    name = NAMES[number % len(NAMES)]
    rows = "".join(f"<tr><td><a href='https://x.test/{row}?r={number}'>{campaign}</a></td></tr>" for row in range(9))
    html = f"<p>Dear {name}, no. {number}</p><table>{rows}</table><p hidden>{campaign}</p>" + "<hr>" * len(campaign)
    return TextPart("1", "html", charset, html.encode())


read = lru_cache(maxsize=None)(read_html)


def taken(campaigns: Campaigns, each: TextPart, seconds: float = QUICK, ticks: float = 0.0) -> View | None:
    """What the templates say, or else the part is learnt from, which takes so much time."""
    view = campaigns.read(each)
    if view is None:
        now = iter((0.0, ticks))
        campaigns.learn(each, read(each.content, each.charset), seconds, lambda: next(now))
    else:
        assert view == read(each.content, each.charset)
    return view


@pytest.fixture
def proofs(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """The parts with which a proof was tried."""
    found: list[bytes] = []
    prove = module.prove

    def noted(constants, charset, content, view):
        found.append(content)
        return prove(constants, charset, content, view)

    monkeypatch.setattr(module, "prove", noted)
    return found


def test_the_third_part_of_a_campaign_gives_a_template() -> None:
    campaigns = Campaigns()
    views = [taken(campaigns, part(number)) for number in range(100, 200)]
    assert views[:3] == [None, None, None]
    assert sum(view is None for view in views) < 12  # names of more words are met one after the other
    assert all(view is not None for view in views[-50:])
    assert len(campaigns) == 1


def test_campaigns_that_come_in_turns_have_each_their_own() -> None:
    campaigns = Campaigns()
    words = ("a", "bb", "ccc", "dddd", "eeeee")
    views = [taken(campaigns, part(100 + number, words[number % 5])) for number in range(150)]
    assert len(campaigns) == 5
    assert all(view is not None for view in views[-40:])


def test_what_comes_in_another_charset_is_another_campaign() -> None:
    campaigns = Campaigns()
    for number in range(100, 160):
        taken(campaigns, part(number))
    assert campaigns.read(part(999)) is not None
    assert campaigns.read(part(999, charset="iso-8859-1")) is None
    assert campaigns.read(part(999, charset="utf-16")) is None


def test_templates_have_bounds_and_the_least_used_goes_first() -> None:
    campaigns = Campaigns(templates=2)
    for word in ("a", "bb", "ccc"):
        for number in range(100, 130):
            taken(campaigns, part(number, word))
            campaigns.read(part(number, "a"))
    assert len(campaigns) == 2
    assert [campaigns.read(part(999, word)) is not None for word in ("a", "bb", "ccc")] == [True, False, True]


def test_templates_are_bounded_in_octets_too() -> None:
    one = Campaigns()
    for number in range(100, 130):
        taken(one, part(number))
    campaigns = Campaigns(octets=one.octets + one.octets // 2)
    for word in ("garden", "kitchen", "bath"):
        for number in range(100, 130):
            taken(campaigns, part(number, word))
            assert campaigns.octets <= one.octets + one.octets // 2
    assert len(campaigns) == 1


def test_learning_takes_an_eighth_of_the_time_at_most(proofs) -> None:
    """Each part is of a campaign of its own, so that all are worth a look, and none is worth a template."""
    campaigns = Campaigns()
    for number in range(900):
        taken(campaigns, part(number // 60 % 3, "x" * (1 + number % 60)), ticks=0.01)
    assert campaigns.seconds <= 0.1 + 0.01 + 900 * QUICK / 8


def test_what_gives_no_template_is_tried_less_and_less_often(proofs) -> None:
    campaigns = Campaigns()
    for number in range(500):
        content = b"<style>.x%d{display:none}</style><p class=x%d>a" % (number, number) + b"<i>b</i>" * 9
        assert taken(campaigns, TextPart("1", "html", "utf-8", content)) is None
    assert 5 < len(proofs) < 20
    assert len(campaigns) == 0


def test_what_is_slow_to_read_is_not_learnt_from(proofs) -> None:
    campaigns = Campaigns()
    for number in range(100, 130):
        taken(campaigns, part(number), seconds=0.05)
    assert (proofs, campaigns.seconds) == ([], 0.0)


def test_what_is_remembered_of_parts_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_SHARE", 1e9)
    campaigns = Campaigns()
    for number in range(300):
        taken(campaigns, part(number % 2, "x" * (1 + number // 2)))
    seen = campaigns._seen
    assert len(seen) <= 64
    assert sum(each.sample is not None for each in seen.values()) <= 8


def test_nothing_of_a_single_reader_is_kept() -> None:
    campaigns = Campaigns()
    for number in range(100, 110):
        taken(campaigns, TextPart("1", "html", "utf-8", b"<p>Dear Secret%d,</p><b>end</b>" % number))
    assert len(campaigns) == 1
    assert "Secret" not in repr(campaigns._templates)
    assert "Secret" not in repr(campaigns._seen)
    assert isinstance(next(iter(campaigns._seen.values())).sample, Sample)


def test_threads_share_templates() -> None:
    campaigns = Campaigns()
    barrier = threading.Barrier(4)
    words = ("a", "bb", "ccc")

    def work(first: int) -> int:
        barrier.wait()
        return sum(taken(campaigns, part(100 + number, words[number % 3])) is not None for number in range(first, 200))

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        with ThreadPoolExecutor(4) as pool:
            known = list(pool.map(work, range(4)))
    finally:
        sys.setswitchinterval(interval)
    assert len(campaigns) == 3
    assert campaigns.octets == sum(template.octets for _, template in campaigns._templates)
    assert sum(known) > 200


def test_gathering_learns_and_says_the_same() -> None:
    kept = Kept()
    for number in range(100, 160):
        message = Message(
            "X", 0.0, Session("s", "", 1), Envelope(b"<>"), Headers(()), Body(0, (part(number), part(number, "bath")))
        )
        views = gather(message, InlineReader(), frozenset(), kept=kept).views
        assert views == tuple([Known(read_html(each.content, "utf-8")) for each in message.body.parts])
    assert len(kept.campaigns) == 2
    assert kept.found(part(500)) is not None


def test_the_same_part_again_needs_no_template() -> None:
    kept = Kept()
    for number in range(100, 130):
        kept.campaigns.learn(part(number), kept.read(part(number)), QUICK)
    assert len(kept.campaigns) == 1
    before = len(kept)
    view = kept.read(part(777))
    assert (kept.read(part(777)), len(kept)) == (view, before + 1)
    assert kept.found(part(777)) is kept.found(part(777))
