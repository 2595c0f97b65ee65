"""What is remembered, or seen at once, is what the long way gives: shortcuts of checks, seal, mail layer and log.

Each property asks twice, because the second answer is the remembered one, and compares with the function that
remembers nothing, or with the plain rule written out here.
"""

import gc
import io
import json
import re
import weakref
from collections.abc import Callable
from dataclasses import replace
from urllib.parse import urlsplit

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from sealgate.adapters import log as logs
from sealgate.checks import caller as callers
from sealgate.checks import element, hygiene, identity, listfields, oneclick, postal_fakes, subject
from sealgate.checks.caller import Caller
from sealgate.checks.optout_reading import Reading
from sealgate.mail import address, headers, mimefield, quoting
from sealgate.mail.address import AddressError
from sealgate.mail.headers import Field, Headers
from sealgate.mail.message import Envelope, Message, Session
from sealgate.mail.mime import Body
from sealgate.mail.reply import printable
from sealgate.mail.visible import View
from sealgate.profile.model import (
    Domain,
    Identity,
    Kind,
    Login,
    MailClass,
    Principal,
    Profile,
    ReplyTo,
    SenderPattern,
)
from sealgate.profile.same import Same, remembered
from sealgate.seal import plan as plans

_NAMES = (b"From", b"from ", b"Sender", b"To", b"Reply-To", b"Resent-From", b"Subject", b"List-Id", b"Precedence")
_VALUES = (
    b" News <news@example.test>", b" news@example.test", b" a@example.net, b@example.test", b" Bob (x) <b@example.org>",
    b" =?utf-8?q?N=C3=A9ws?= <news@example.test>", b" broken <", b" <list.example.test>", b" bulk", b"", b"\r\n folded",
)  # fmt: skip
_fields = st.builds(Field, st.sampled_from(_NAMES), st.one_of(st.sampled_from(_VALUES), st.binary(max_size=40)))
_blocks = st.lists(_fields, max_size=12).map(lambda fields: Headers(tuple(fields)))
_NEWS = Identity("news", Kind.SERVICE, MailClass.COMMERCIAL, senders=(SenderPattern("news", "example.test"),))
_DOMAINS = {"example.test": Domain("example.test", sign=True)}
_PROFILES = (
    Profile(identities=(_NEWS,), domains=_DOMAINS, seal=True),
    Profile(identities=(_NEWS,), domains=_DOMAINS, reply_to=ReplyTo.OWNED, several_authors=True),
)
_CALLERS = (Caller(Principal("news", "EXAMPLE.TEST"), _NEWS, "login"), Caller())


def _message(block: Headers, sender: bytes = b"<news@example.test>") -> Message:
    return Message("R", 0.0, Session("submission", "192.0.2.1", 1), Envelope(sender), block, Body(0))


def _said(function: Callable[[bytes], object], value: bytes) -> object:
    try:
        return function(value)
    except AddressError as error:
        return str(error)


@given(_blocks, st.sampled_from((*_NAMES, b"cc")))
def test_fields_are_found_by_name_as_by_looking_at_each(block: Headers, name: bytes) -> None:
    key = name.strip().lower()
    same = tuple(field for field in block.fields if field.key == key)
    assert block.every(key) == same
    assert block.text(key) == (headers.decoded(same[0].value) if same else "")
    assert block.keys == tuple(field.key for field in block.fields)
    assert block == Headers(block.fields)


@given(st.binary(max_size=60))
def test_a_value_without_folds_is_unfolded_like_any(value: bytes) -> None:
    assert headers.unfolded(value) == re.sub(rb"\r?\n(?=[ \t])", b"", value).strip(b" \t\r\n")


@given(st.one_of(st.sampled_from(_VALUES), st.binary(max_size=40), st.text(max_size=30).map(str.encode)))
def test_an_address_is_read_the_second_time_as_the_first(value: bytes) -> None:
    for remembers, plain in (
        (address.parse_mailbox, address._one),
        (address.parse_mailboxes, address._several),
        (address.parse_path, address._path),
        (address.parse_address, address._bare),
    ):
        assert _said(remembers, value) == _said(remembers, value) == _said(plain, value)


@given(st.lists(st.tuples(st.sampled_from((b"Content-Type", b"content-transfer-encoding", b"Content-Disposition")),
                          st.one_of(st.sampled_from((b" text/html; charset=utf-8", b" base64", b" attachment",
                                                     b' multipart/mixed; boundary="=_x"')), st.binary(max_size=30))),
                max_size=4))  # fmt: skip
def test_mime_fields_are_read_the_second_time_as_the_first(fields: list[tuple[bytes, bytes]]) -> None:
    block = b"".join(name + b":" + value + b"\r\n" for name, value in fields)
    for _ in range(2):
        assert mimefield.read_block(block) == mimefield._read_block(block, "text/plain", 70)
    values = [[v for n, v in fields if n.lower() == name] for name in mimefield._NAMES]
    whole = Headers(tuple(Field(name, value) for name, value in fields))
    for _ in range(2):
        assert mimefield.read_headers(whole) == mimefield.read_fields(*values)


_LINES = (
    *("> quoted", "Alice wrote:", "On Monday, 1 June 2026, Bob wrote:", "From: bob", "Subject: x", "To: me", "Sent: 2"),
    *(
        "-----Original Message-----",
        "____",
        "",
        "* a bullet",
        "** b",
        "== c",
        "–– d",
        "plain",
        "https://example.test/:",
        "发件人：x",
        "— x",
    ),
)
_texts = st.lists(st.one_of(st.sampled_from(_LINES), st.text(alphabet="> :：-\nab", max_size=30)), max_size=12)


@given(_texts.map("\n".join))
def test_quotes_are_looked_for_where_a_look_at_each_line_would(text: str) -> None:
    lines = text.split("\n")
    may = any(line[:1] and line[0] in quoting._SIGNS for line in lines)
    may = may or any(line[-1:] and line[-1] in quoting._COLONS for line in lines)
    heads = [line[: line.index(c)] for c in ":：" for line in lines if c in line[:24]]
    may = may or any(head.strip(quoting._AROUND).lower() in quoting._FROM for head in heads)
    assert quoting.may_quote(text, lines) == may


@given(_texts.map("\n".join))
def test_no_line_that_is_passed_over_begins_a_quote(text: str) -> None:
    lines = text.split("\n")
    for number, line in enumerate(lines):
        if quoting._is_prose(line):
            assert line[:1] != ">"
            assert not quoting._begins_message(lines, number)
            assert quoting._is_wrote(lines, number) < 0


@given(st.text(alphabet="a@%4 0.:/?[]{}*|,\nadres ", max_size=80))
def test_excerpts_and_holes_are_remembered_as_they_are(text: str) -> None:
    for _ in range(2):
        assert element.redacted(text) == element._redacted(text)
        assert postal_fakes.unfilled(text) == postal_fakes._hole.__wrapped__(text)
    long = "x" * 2_000 + "\n" + text
    hole = postal_fakes._hole.__wrapped__(long[-1_500:])
    low = len(long) - 1_500
    assert postal_fakes.unfilled(long) == (hole and replace(hole, start=low + hole.start, end=low + hole.end))


@given(_blocks)
def test_hidden_lines_are_found_by_the_look_at_once_as_by_the_look_at_each_field(block: Headers) -> None:
    met = any(
        hygiene._BREAK.search(f.value)
        or hygiene._wide_break(f.value)
        or (b"=?" in f.value and hygiene._FIELD_AFTER_BREAK.search(headers.decoded(f.value)))
        for f in block.fields
    )
    assert bool(hygiene._hidden_lines(_message(block))) == met


@given(_blocks)
def test_list_fields_are_judged_the_second_time_as_the_first(block: Headers) -> None:
    plain = [
        listfields._finding(key, fault)
        for key in dict.fromkeys(block.keys)
        if key in listfields._FORMS and (fault := listfields._judged(key, [f.value for f in block.every(key)]))
    ]
    personal = replace(_NEWS, mail_class=MailClass.TRANSACTIONAL)
    for _ in range(2):
        assert list(listfields.check(_message(block), personal)) == plain


@given(st.one_of(
    st.sampled_from(("https://e.test/u?t=1", "https://e.test", "http://1.e.test/unsub", "https://e.test/abc#1",
                     "https://u@e.test/", "https://e.test:x/", "https://[::1]/9", "HTTPS://E.test?x=y&z")),
    st.text(alphabet="htps:/.e@?#[]19-", max_size=30).map(lambda rest: f"https://e{rest}"),
))  # fmt: skip
def test_an_unsubscribe_uri_is_judged_as_if_it_were_parsed_whole(uri: str) -> None:
    found = oneclick._target(uri)
    assert found == oneclick._target(uri)
    if found.fault or found.scheme == "mailto":
        return
    parts = urlsplit(uri)
    assert found.host == (parts.hostname or "").rstrip(".")
    tells = oneclick._TELLING.search(f"{parts.path}?{parts.query}") or re.search(r"[0-9]", parts.netloc.split(".")[0])
    assert found.note == ("" if tells else oneclick._NAMES_NOBODY)


@given(_blocks, st.sampled_from((b"<news@example.test>", b"<x@example.net>", b"<>", b"broken")),
       st.sampled_from(_PROFILES), st.sampled_from(_CALLERS))  # fmt: skip
def test_senders_are_bound_the_second_time_as_the_first(
    block: Headers, sender: bytes, profile: Profile, caller: Caller
) -> None:
    judged = tuple((f.key, f.value) for f in block.fields if f.key in identity._JUDGED)
    same = Same(caller)
    at_mail = identity._check_path(profile, sender, "", same) if caller.identity and sender != b"<>" else ()
    plain = (*at_mail, *identity._check_fields(profile, judged, same))
    for _ in range(2):
        assert identity.check_end(_message(block, sender), profile, caller) == plain


@given(st.sampled_from(("", "news@EXAMPLE.TEST", "eve")), st.sampled_from(("GSSAPI", "XCLIENT")), st.integers(0, 2))
def test_a_caller_is_found_the_second_time_as_the_first(name: str, mechanism: str, port: int) -> None:
    row = Login("submission", ("GSSAPI",), "{user}@EXAMPLE.TEST", "{user}@EXAMPLE.TEST")
    profile = Profile(logins=(row,), identities=(_NEWS,), by_principal={Principal("news", "EXAMPLE.TEST"): _NEWS})
    session = Session("submission", "127.0.0.1", port, auth_mechanism=mechanism, auth_name=name)
    for _ in range(2):
        assert callers.identify(session, profile) == callers._identify(session, profile)


@given(_blocks, st.booleans())
def test_the_names_to_sign_are_the_same_the_second_time(block: Headers, commercial: bool) -> None:
    names = plans._signed(tuple(field.name for field in block.fields), commercial=commercial)
    assert plans.signed_names(block, commercial=commercial) == names
    assert plans.signed_names(block, commercial=commercial) == names
    made = plans.SealPlan((), names)
    assert made.covers == {name.decode().lower() for name in names}
    assert made.keys == {name.lower() for name in names}


@given(st.text(alphabet="your order has shipd final ,", max_size=60))
def test_a_claim_of_a_subject_is_missed_by_no_shortcut(text: str) -> None:
    words = f" {subject.folded(text)} "
    if any(f" {claim} " in words for claim in subject._CLAIMS):
        assert not subject._CLAIM_BEGINS.isdisjoint(words.split())


@given(st.text(alphabet="Hello, \tdear\n", max_size=40))
def test_a_greeting_of_nobody_is_missed_by_no_shortcut(text: str) -> None:
    if subject._NOBODY.search(text):
        assert " ," in text or "\t," in text


@given(st.text(max_size=200))
def test_what_is_printable_is_told_as_it_is(text: str) -> None:
    cut = text if len(text) <= 120 else text[:117] + "..."
    assert printable(text) == "".join(c if " " <= c <= "~" and c != "%" else "?" for c in cut)


@given(st.text(alphabet="ab \n", min_size=80, max_size=200), st.integers(0, 70))
def test_an_excerpt_begins_with_a_whole_word(text: str, start: int) -> None:
    begin = max(0, start - 60)
    if begin:
        begin = next((at + 1 for at in range(begin, start) if text[at] in " \n"), start)
    assert Reading(View(text), 0, 0, text).words(start, start + 3).begin == begin


class _Part:
    def __init__(self, number: int) -> None:
        self.number = number


def test_what_is_remembered_of_one_value_is_never_said_of_another_and_goes_with_it() -> None:
    asked = []

    @remembered(2)
    def sum_of(part: _Part, more: int) -> int:
        asked.append((part.number, more))
        return part.number + more

    first, second = _Part(1), _Part(10)
    assert [sum_of(first, 1), sum_of(first, 1), sum_of(second, 1), sum_of(second, 1)] == [2, 2, 11, 11]
    assert asked == [(1, 1), (10, 1)]
    gone = weakref.ref(first)
    del first
    gc.collect()
    assert gone() is None  # a reload must leave no old keys behind
    assert [sum_of(second, n) for n in (2, 3, 1)] == [12, 13, 11]
    assert len(asked) == 5  # the least used answer was dropped


@pytest.mark.parametrize("more", [{"findings": [], "reply": ""}, {"error": "x\x7f\u2028"}, {"odd": {1}}, {"exc": True}])
def test_a_line_of_the_log_is_the_one_that_structlog_would_write(more: dict[str, object]) -> None:
    def written(make: Callable[[io.StringIO], object]) -> str:
        stream = io.StringIO()
        log = make(stream)
        try:
            raise ValueError("why")
        except ValueError as error:
            told = {**more, "exc_info": error} if "exc" in more else more
            log.info("accept", queue_id="4T", **told)  # type: ignore[attr-defined]
        return re.sub(r'"timestamp": "[-0-9T:.]+Z"', '"timestamp": ""', stream.getvalue())

    def plain(stream: io.StringIO) -> object:
        steps = (
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(ensure_ascii=True, sort_keys=False),
        )
        return structlog.wrap_logger(logs._Lines(stream), processors=list(steps))

    line = written(lambda stream: logs.operational("info", stream))
    assert json.loads(line)["timestamp"] == ""
    assert line == written(plain)
