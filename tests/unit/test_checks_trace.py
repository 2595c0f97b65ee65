"""Fields that only a relay may write, written by a client."""

from types import MappingProxyType

import pytest

from sealgate.checks.caller import Caller
from sealgate.checks.finding import Action
from sealgate.checks.trace import check_end
from sealgate.mail.headers import Field, Headers
from sealgate.mail.message import Envelope, Message, Session
from sealgate.mail.mime import Body
from sealgate.profile.model import Domain, Identity, Kind, MailClass, Profile
from sealgate.verdict import decide

PROFILE = Profile(
    enforce=True,
    domains=MappingProxyType({"example.test": Domain("example.test", sign=True)}),
    authserv_ids=("results.partner.test",),
)
PERSON = Caller(identity=Identity("alice", Kind.PERSON, MailClass.PERSONAL), via="login")
LISTS = Caller(identity=Identity("lists", Kind.FORWARDER, MailClass.AUTO), via="login")


def message(*fields: tuple[bytes, bytes]) -> Message:
    headers = Headers(tuple(Field(*f) for f in fields))
    return Message("X", 0.0, Session("s", "", 1), Envelope(b"<>"), headers, Body(0))


def codes(*fields: tuple[bytes, bytes], caller: Caller = PERSON) -> list[str]:
    return [f.rule.code for f in check_end(message(*fields), PROFILE, caller)]


@pytest.mark.parametrize(
    "value",
    [
        b" mail.example.test; spf=pass",
        b" MAIL.Example.TEST 1; spf=pass",
        b" (x) mail.example.test; spf=pass",
        b"\r\n mail.example.test;\r\n spf=pass",
        b' "mail.example.test"; none',
        b" example.test",
        b" results.partner.test; none",
        b" mail.example.test.; none",
        b"",
        b" ; none",
        b" m\xc3\xa4il.example.test; none",
        b" (((mail.example.test; none",
    ],
)
def test_results_in_our_name_are_found(value: bytes) -> None:
    assert codes((b"Authentication-Results", value)) == ["trace.authentication-results"]
    assert codes((b"AUTHENTICATION-results ", value)) == ["trace.authentication-results"]


def test_results_of_others_pass() -> None:
    assert codes((b"Authentication-Results", b" mx.elsewhere.test; spf=pass smtp.mailfrom=x@example.test")) == []
    assert codes((b"Authentication-Results", b" partner.test; none")) == []


@pytest.mark.parametrize(
    "value",
    [b" v=1; d=example.test; s=x", b" v=1; D = EXAMPLE.test ;", b" d=\r\n\texample.test", b"d=mail.example.test",
     b" v=1; d=exam\r\n ple.test", b" d=elsewhere.test; d=example.test"],
)  # fmt: skip
def test_signatures_in_our_name_are_found(value: bytes) -> None:
    assert codes((b"DKIM-Signature", value)) == ["trace.dkim-signature"]


def test_signatures_of_others_pass() -> None:
    assert codes((b"DKIM-Signature", b" v=1; d=elsewhere.test; i=@example.test; h=from:d=example.test")) == []
    assert codes((b"DKIM-Signature", b" v=1; d=notexample.test")) == []


def test_an_arc_set_in_our_name_goes_as_a_whole() -> None:
    fields = (
        (b"ARC-Seal", b" i=1; d=elsewhere.test"),
        (b"ARC-Message-Signature", b" i=1; d=elsewhere.test"),
        (b"ARC-Authentication-Results", b" i=1; mail.example.test; spf=pass"),
    )
    (found,) = check_end(message(*fields), PROFILE, PERSON)
    assert found.rule.code == "trace.arc"
    assert len(found.fields) == 3
    assert codes(*fields[:2], (fields[2][0], b" i=1; mx.elsewhere.test; spf=pass")) == []


def test_what_an_mta_writes_at_delivery_is_not_a_clients_to_write() -> None:
    for name in (b"Return-Path", b"X-Mailbox-Line", b"Received-SPF", b"X-Sealgate-Verdict", b"x-SEALGATE-id "):
        assert codes((name, b" x")) == ["trace.reserved-field"]


def test_a_forwarders_mail_keeps_its_traces() -> None:
    assert codes((b"Authentication-Results", b" mail.example.test; spf=pass"), caller=LISTS) == []


def test_forged_fields_are_taken_out_from_the_last_to_the_first() -> None:
    """A removal shifts the fields behind it; by rising index every second one would stay."""
    ours, theirs = (b"Authentication-Results", b" example.test; x"), (b"authentication-results", b" other.test; y")
    findings = check_end(message(ours, theirs, ours, (b"From", b"x"), ours), PROFILE, PERSON)
    verdict = decide(findings, PROFILE, "X", enforce=True)
    assert verdict.action is Action.ACCEPT
    assert verdict.removals == (
        (b"authentication-results", 4), (b"authentication-results", 3), (b"authentication-results", 1),
    )  # fmt: skip
    assert decide(findings, PROFILE, "X", enforce=False).removals == ()


def test_the_finding_says_how_many_fields_of_which_names() -> None:
    ours = b" example.test; none"
    (found,) = check_end(message((b"Authentication-Results", ours), (b"AUTHENTICATION-RESULTS", ours)), PROFILE, PERSON)
    assert (found.detail, found.where) == ("2 written by the client: authentication-results", "header")
    (found,) = check_end(message((b"Return-Path", b" x"), (b"X-Sealgate-Id", b" x")), PROFILE, PERSON)
    assert (found.detail, found.where) == ("2 written by the client: return-path, x-sealgate-id", "header")


def test_only_what_stands_before_the_first_semicolon_names_the_host_of_results() -> None:
    assert codes((b"Authentication-Results", b" mx.elsewhere.test; none; example.test; none")) == []


def test_an_arc_set_of_others_may_tell_of_our_signatures() -> None:
    assert codes((b"ARC-Authentication-Results", b" i=1; mx.elsewhere.test; dkim=pass; d=example.test")) == []


@pytest.mark.parametrize(
    "value", [b" d=example.test.", b" d=.example.test", b" d=x=y.example.test", b" d =example.test"]
)
def test_signatures_in_our_name_are_found_however_oddly_the_domain_is_written(value: bytes) -> None:
    assert codes((b"DKIM-Signature", value)) == ["trace.dkim-signature"]
    assert codes((b"ARC-Seal", b" i=1;" + value)) == ["trace.arc"]
    assert codes((b"ARC-Message-Signature", b" i=1;" + value)) == ["trace.arc"]


def test_every_kind_of_forged_field_is_found_and_numbered_among_those_of_its_name() -> None:
    theirs, ours = b" i=1; d=elsewhere.test", b" i=1; d=example.test"
    found = check_end(
        message(
            (b"DKIM-Signature", theirs), (b"Return-Path", b" x"), (b"DKIM-Signature", ours), (b"ARC-Seal", theirs),
            (b"ARC-Seal", ours), (b"X-ARC-Seal", ours), (b"dkim-SIGNATURE ", ours), (b"Received-SPF", b" pass"),
            (b"Authentication-Results", b" mx.elsewhere.test; none"), (b"Authentication-Results", b" example.test"),
        ),
        PROFILE, PERSON,
    )  # fmt: skip
    assert {f.rule.code: f.fields for f in found} == {
        "trace.dkim-signature": ((b"dkim-signature", 2), (b"dkim-signature", 3)),
        "trace.reserved-field": ((b"return-path", 1), (b"received-spf", 1)),
        "trace.authentication-results": ((b"authentication-results", 2),),
        "trace.arc": ((b"arc-seal", 1), (b"arc-seal", 2)),
    }


def test_a_name_counts_as_ours_at_label_boundaries_and_within_what_is_looked_at() -> None:
    def results(value: bytes) -> list[str]:
        return codes((b"Authentication-Results", value))

    assert results(b" " + b"a." * 19 + b"example.test; none") == ["trace.authentication-results"]
    assert results(b" notexample.test; none") == []
    assert results(b" example.test.elsewhere.test; none") == []
    assert results(b" x" + b" " * 400 + b"example.test; none") == ["trace.authentication-results"]


def test_a_name_that_only_begins_like_ours_is_not_ours() -> None:
    assert codes((b"X-Sealgateway", b" x"), (b"X-Sealgate", b" x"), (b"Return-Path-X", b" x")) == []
