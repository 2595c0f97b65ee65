"""One-click is one property: both fields once, one https URI, the exact words, sealed, on a host that is named."""

import time
from types import MappingProxyType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sealgate.checks.facts import Facts
from sealgate.checks.finding import Finding
from sealgate.checks.oneclick import LIST, POST, State, as_record, check, read
from sealgate.mail.headers import Field, Headers
from sealgate.mail.message import Envelope, Message, Session
from sealgate.mail.mime import Body
from sealgate.profile.model import Domain, Identity, Kind, MailClass, OneClick, Profile

URI = "https://www.example.test/u/k3j9"
ONE = "List-Unsubscribe=One-Click"
SEALED = Facts((), frozenset({"from", "list-unsubscribe", "list-unsubscribe-post"}))
PROFILE = Profile(seal=True, domains=MappingProxyType({"example.test": Domain("example.test", True)}))


def message(*fields: tuple[str, str]) -> Message:
    headers = Headers(tuple(Field(name.encode(), b" " + value.encode()) for name, value in fields))
    return Message("r1", 0.0, Session("s", "", 0), Envelope(b"<n@example.test>"), headers, Body(0))


def pair(listed: str = f"<{URI}>", post: str = ONE) -> Message:
    return message((LIST, listed), (POST, post))


def sender(one_click: OneClick = OneClick.RECOMMENDED, mail_class: MailClass = MailClass.COMMERCIAL) -> Identity:
    return Identity("news", Kind.SERVICE, mail_class, one_click=one_click)


def judged(sent: Message, who: Identity | None = None, facts: Facts = SEALED) -> tuple[Finding, ...]:
    return check(sent, facts, who or sender(), PROFILE)


def codes(sent: Message, who: Identity | None = None, facts: Facts = SEALED) -> list[str]:
    return [finding.rule.code for finding in judged(sent, who, facts)]


@pytest.mark.parametrize(
    "sent",
    [
        pair(),
        pair(f"<mailto:u-k3j9@example.test>, <{URI}>"),
        pair(f"(click) <{URI}> (or write), <mailto:u-k3j9@example.test?subject=stop>, <mailto:v@example.test>"),
        pair("<HTTPS://WWW.EXAMPLE.TEST/u/k3j9>"),
        pair("<https://www.example.test:8443/u?t=k3j9>"),
        pair(f"<{URI[:15]}\r\n\t{URI[15:]}>"),
        pair(post=f"  {ONE} \t"),
        pair(post=f"\r\n {ONE}"),
        message(("list-unsubscribe", f"<{URI}>"), ("LIST-UNSUBSCRIBE-POST ", ONE)),
    ],
)
def test_a_sound_pair_has_no_finding(sent: Message) -> None:
    assert read(sent).state is State.SOUND
    for word in OneClick:
        assert codes(sent, sender(word)) == []


ABSENT = [message(), message((LIST, f"<{URI}>")), message((LIST, "<mailto:u@example.test>"))]
MALFORMED = [
    (message((POST, ONE)), "stands without"),
    (message((LIST, f"<{URI}>"), (LIST, f"<{URI}>"), (POST, ONE)), "2 fields"),
    (message((LIST, f"<{URI}>"), (POST, ONE), (POST, ONE)), "2 fields"),
    (pair(URI), "angle brackets"),
    (pair(f"<{URI}"), "closing >"),
    (pair(f"<{URI}> or write to us"), "beside URIs"),
    (pair("=?us-ascii?Q?=3Chttps=3A//www.example.test/u=3E?="), "encoded-word"),
    (pair(""), "empty"),
    (pair("<3.MGLQ4ZTB@host.example.test>"), "no http, https or mailto"),
    (pair("<www.example.test/u/1>"), "no URI"),
    (pair("<//www.example.test/u/1>"), "no URI"),
    (pair("<javascript:alert(1)>"), "no http, https or mailto"),
    (pair("<http://www.example.test/u/1>"), "http only"),
    (pair("<mailto:u@example.test>"), "mailto only"),
    (pair(f"<{URI}>, <https://www.example.test/u/2>"), "2 web addresses"),
    (pair(f"<{URI}>, <http://www.example.test/u/2>"), "2 web addresses"),
    (pair("<https://www.example.test/{{token}}>"), "placeholder"),
    (pair("<https://www.example.test/u?t=*|UNIQID|*>"), "placeholder"),
    (pair(f"<{URI}>, <mailto:[UNSUB]@example.test>"), "placeholder"),
    (pair("<https://localhost/u/1>"), "private host"),
    (pair("<https://10.1.2.3/u/1>"), "private host"),
    (pair("<https://[::1]/u/1>"), "private host"),
    (pair("<https://mailer.lan/u/1>"), "private host"),
    (pair("<https:///u/1>"), "without a host"),
    (pair("<https://[www/u/1>"), "placeholder"),
    (pair("<https://user:pw@www.example.test/u/1>"), "user name"),
    (pair("<https://www.example.test:port/u/1>"), "cannot be read"),
    (pair("<https://www.ex%41mple.test/u/1>"), "no plain name"),
    (pair('<https://www.example.test/u"1>'), "character"),
    (pair("<https://www.example.test/ü>"), "ASCII"),
    (pair(post=""), "is not"),
    (pair(post="One-Click"), "is not"),
    (pair(post=f"{ONE}; {ONE}"), "is not"),
    (pair(post=ONE.lower()), "other capitals"),
]


@pytest.mark.parametrize("sent", ABSENT)
def test_a_pair_that_is_not_there_is_as_bad_as_the_profile_says(sent: Message) -> None:
    """RFC 2369 alone is lawful: without List-Unsubscribe-Post nobody claims one-click."""
    assert codes(sent, sender(OneClick.REQUIRED)) == ["oneclick.required"]
    assert codes(sent) == ["oneclick.missing"]
    assert codes(sent, sender(OneClick.OFF)) == []


@pytest.mark.parametrize(("sent", "words"), MALFORMED)
def test_a_malformed_pair_is_found_whatever_the_profile_says(sent: Message, words: str) -> None:
    for word, code in (
        (OneClick.REQUIRED, "oneclick.required"),
        (OneClick.RECOMMENDED, "oneclick.malformed"),
        (OneClick.OFF, "oneclick.malformed"),
    ):
        (finding,) = judged(sent, sender(word))
        assert finding.rule.code == code
        assert words in finding.detail.replace("not a plain", "no plain")
        assert finding.where in (LIST, POST)


@pytest.mark.parametrize("mail_class", [c for c in MailClass if c is not MailClass.COMMERCIAL])
def test_only_declared_commercial_mail_is_asked_for_it(mail_class: MailClass) -> None:
    assert codes(message(), sender(OneClick.REQUIRED, mail_class)) == []
    assert check(message(), SEALED, None, PROFILE) == ()


def test_both_names_must_be_sealed() -> None:
    """RFC 8058 4: the signature must cover both fields."""
    for covered in ({"list-unsubscribe"}, {"list-unsubscribe-post"}):
        (finding,) = judged(pair(), facts=Facts((), frozenset(covered)))
        assert finding.rule.code == "oneclick.unsealed"
        lacking = POST if covered == {"list-unsubscribe"} else LIST
        assert finding.detail.endswith(f"cover {lacking}")


def test_an_unsealed_pair_says_why() -> None:
    (off,) = check(pair(), Facts(), sender(), Profile())
    assert (off.rule.code, "the seal is off" in off.detail) == ("oneclick.unsealed", True)
    (no,) = judged(pair(), facts=Facts())
    assert "sign: no" in no.detail
    assert codes(pair(), sender(OneClick.OFF), Facts()) == []


@pytest.mark.parametrize(
    ("host", "is_named"),
    [
        ("example.test", True),
        ("a.b.example.test", True),
        ("example.test.", True),
        ("notexample.test", False),
        ("example.test.evil.test", False),
        ("clicks.example.net", True),
        ("x.clicks.example.net", False),
        ("eu.mailer.example", True),
        ("mailer.example", True),
        ("notmailer.example", False),
        ("prefs.example.org", True),
    ],
)
def test_the_host_must_be_one_that_the_profile_names(host: str, is_named: bool) -> None:
    profile = Profile(
        seal=True, domains=PROFILE.domains, tracking_hosts=("clicks.example.net", ".mailer.example")
    )  # fmt: skip
    who = Identity("n", Kind.SERVICE, MailClass.COMMERCIAL, opt_out_hosts=("prefs.example.org",))
    found = [finding.rule.code for finding in check(pair(f"<https://{host}/u/1>"), SEALED, who, profile)]
    assert found == ([] if is_named else ["oneclick.host"])


def test_without_any_host_in_the_profile_every_host_will_do() -> None:
    assert check(pair("<https://elsewhere.example/u/1>"), SEALED, sender(), Profile(seal=True)) == ()


def test_a_uri_that_names_nobody_is_noted_and_held_against_nobody() -> None:
    """RFC 8058 3.1: whether a URI tells recipients apart cannot be seen in one message."""
    plain = read(pair("<https://www.example.test/unsubscribe>"))
    assert plain.state is State.SOUND
    assert "tell one recipient from another" in plain.why
    for token in ("u/k3j9", "u?e=a@b.test", "u/abcdefghijklmnopqrst"):
        assert read(pair(f"<https://www.example.test/{token}>")).why == ""
    assert read(pair("<https://k3j9.example.test/unsubscribe>")).why == ""


def test_the_record_holds_no_token() -> None:
    record = as_record(read(pair("<https://www.example.test/u/secret?t=secret>")))
    assert record["state"] == "sound"
    assert record["target"] == "https://www.example.test/..."
    assert "secret" not in str(record)
    for sent, _ in MALFORMED:
        assert all(str(value).isascii() for value in as_record(read(sent)).values())


def test_no_finding_repeats_a_token() -> None:
    for listed in ("<http://www.example.test/secret>", "<https://u:secret@www.example.test/>", "https://a.test/secret"):
        assert all("secret" not in finding.detail for finding in judged(pair(listed)))


@settings(max_examples=settings().max_examples // 4)
@given(
    st.one_of(st.binary(max_size=90), st.text("<>(),htps:/@[]{}%.?#=\\ a1-é\r\n\t", max_size=70).map(str.encode)),
    st.sampled_from([ONE.encode(), b"", b"\xff"]),
)
def test_nothing_raises_and_every_answer_is_printable(listed: bytes, post: bytes) -> None:
    headers = Headers((Field(b"List-Unsubscribe", listed), Field(b"List-Unsubscribe-Post", post)))
    sent = Message("r1", 0.0, Session("s", "", 0), Envelope(b"<>"), headers, Body(0))
    for finding in check(sent, SEALED, sender(), PROFILE):
        assert finding.detail.isascii()
        assert finding.detail.isprintable()


@pytest.mark.parametrize("piece", ["<https://a.test/1>,", "(", "<", "[[", "{a", "%7b", "<https://[", "@", "a."])
def test_time_does_not_grow_with_the_square(piece: str) -> None:
    sent = pair((piece * 60_000)[:60_000])
    short = pair("<https://www.example.test/" + (piece * 8_000).replace("<", "").replace(">", "")[:7_900] + ">")
    start = time.process_time()
    for _ in range(5):
        judged(sent)
        judged(short)
    assert time.process_time() - start < 1.0
