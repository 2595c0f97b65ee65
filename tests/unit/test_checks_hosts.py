"""Hosts of links: which of them the profile names, and what of a target may be kept."""

from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealgate.checks.hosts import PLACEHOLDER, dead, host_of, is_approved, is_named, redacted
from sealgate.profile.model import Domain, Identity, Kind, MailClass, Profile

SHOP = Identity("shop", Kind.SERVICE, MailClass.COMMERCIAL, opt_out_hosts=("lists.esp.example",))
OURS = Profile(domains={"corp.example": Domain("corp.example", sign=False)}, tracking_hosts=(".track.example",))


@pytest.mark.parametrize(
    ("href", "host"),
    [
        ("https://News.Corp.example:8443/u?x#y", "news.corp.example"),
        ("http://corp.example.", "corp.example"),
        ("www.corp.example/u", "www.corp.example"),
        ("mailto:leave@lists.Corp.example?subject=u", "lists.corp.example"),
        ("https://user@evil.example/corp.example", "evil.example"),
        ("#", ""),
        ("", ""),
        ("http://[::1", ""),
    ],
)
def test_the_host_of_a_target(href: str, host: str) -> None:
    assert host_of(href) == host


@pytest.mark.parametrize(
    ("host", "is_ours"),
    [
        ("corp.example", True),
        ("a.b.corp.example", True),
        ("lists.esp.example", True),
        ("x.lists.esp.example", False),
        ("track.example", True),
        ("c.track.example", True),
        ("corp.example.evil.example", False),
        ("evilcorp.example", False),
        ("eviltrack.example", False),
        ("", False),
    ],
)
def test_domains_with_all_below_and_hosts_as_listed_are_approved(host: str, *, is_ours: bool) -> None:
    assert is_approved(host, SHOP, OURS) is is_ours


def test_where_nothing_is_listed_nothing_is_foreign() -> None:
    assert is_approved("any.example", Identity("x", Kind.SERVICE, MailClass.COMMERCIAL), Profile())


def test_a_leading_dot_stands_for_all_below() -> None:
    assert is_named("a.b.example", (".b.example",))
    assert not is_named("a.b.example", ("b.example",))


@pytest.mark.parametrize(
    ("href", "kept"),
    [
        ("https://corp.example/u/8f3a?t=secret", "https://corp.example/..."),
        ("https://corp.example?t=secret", "https://corp.example/..."),
        ("mailto:leave-kim@corp.example?subject=kim", "mailto:...@corp.example"),
        ("{{unsubscribe}}", "{{unsubscribe}}"),
        ("#kim", "#kim"),
    ],
)
def test_what_tells_recipients_apart_is_left_out(href: str, kept: str) -> None:
    assert redacted(href) == kept


@given(st.text(max_size=60))
def test_no_target_raises(href: str) -> None:
    host_of(href)
    assert len(redacted(f"https://{href}")) <= 200


# -- what is looked at only where it can be met ------------------------------------------------------------------------
PIECES = st.lists(
    st.sampled_from(["http://", "HTTPS://", "a.example", "/", "?", "#", "@", "[", "]", "{", "}", "%", "*|", "|*", "<%",
                     "%7B", "NAME", "unsubscribe_link", "Unsubscribe-URL", "url", "\t", "\n", ":", ".", "ſ", "\\"]),
    max_size=8,
).map("".join)  # fmt: skip


@given(PIECES)
def test_no_placeholder_is_passed_over(tail: str) -> None:
    target = f"https://news.example/{tail}".strip()
    if "%7" not in target:
        assert dead(target).startswith("unfilled") is bool(PLACEHOLDER.search(target))


@given(PIECES)
def test_the_host_is_that_of_the_whole_url(tail: str) -> None:
    url = f"https://{tail}".strip()
    try:
        whole = (urlsplit(url).hostname or "").rstrip(".")
    except ValueError:
        whole = ""
    assert host_of(url) == whole
