"""May they send as this: what the cases through the drivers do not show."""

from dataclasses import replace
from ipaddress import ip_network
from types import MappingProxyType

import pytest

from sealgate.checks.caller import Caller, identify
from sealgate.checks.identity import authors, check_end, check_mail
from sealgate.mail.headers import Field, Headers
from sealgate.mail.message import Envelope, Message, Session
from sealgate.mail.mime import Body
from sealgate.profile.model import (
    Delegation,
    Domain,
    Handling,
    Identity,
    Kind,
    Login,
    MailClass,
    Principal,
    Profile,
    Protected,
    ReplyTo,
    SenderPattern,
)

ALICE = Identity(
    "alice", Kind.PERSON, MailClass.PERSONAL, (Principal("alice", "EXAMPLE.TEST"),),
    senders=(SenderPattern("alice", "example.test"),),
)  # fmt: skip
NETWORK = Identity("net", Kind.SERVICE, MailClass.AUTO, networks=(ip_network("192.0.2.0/24"),))
PROFILE = Profile(
    enforce=True,
    listeners=MappingProxyType({"submission": Handling.JUDGE}),
    local_submission=Handling.JUDGE,
    logins=(Login("submission", ("GSSAPI",), "{user}@EXAMPLE.TEST", "{user}@EXAMPLE.TEST"),),
    identities=(ALICE, NETWORK),
    by_principal=MappingProxyType({ALICE.principals[0]: ALICE}),
)
SESSION = Session("submission", "198.51.100.1", 4711, auth_mechanism="GSSAPI", auth_name="alice@EXAMPLE.TEST")


def test_the_reading_of_the_mta_counts_too() -> None:
    caller = identify(SESSION, PROFILE)
    agreed = check_mail(Envelope(b"<Alice@Example.TEST>", "alice@example.test"), PROFILE, caller)
    differs = check_mail(Envelope(b"<alice@example.test>", "bob@example.test"), PROFILE, caller)
    assert agreed == ()
    assert [f.rule.code for f in differs] == ["identity.envelope-sender"]


def test_routes_and_addresses_without_a_domain_are_refused() -> None:
    caller = identify(SESSION, PROFILE)
    for said in (b"<@relay.test:alice@example.test>", b"<alice>", b"< alice@example.test >"):
        found = check_mail(Envelope(said, "alice@example.test"), PROFILE, caller)
        assert [f.rule.code for f in found] == ["identity.envelope-syntax"]


def test_local_parts_compare_without_case_unless_the_profile_says_exact() -> None:
    caller = identify(SESSION, PROFILE)
    envelope = Envelope(b"<ALICE@example.test>")
    assert check_mail(envelope, PROFILE, caller) == ()
    exact = replace(PROFILE, exact_local_parts=True)
    assert [f.rule.code for f in check_mail(envelope, exact, caller)] == ["identity.envelope-sender"]


def test_whoever_is_let_in_unknown_cannot_use_our_domains() -> None:
    """A profile that only reports `identity.no-login` does not lend our domains to everybody."""
    headers = Headers((Field(b"From", b"alice@example.test"),))
    stranger = replace(SESSION, auth_name="")
    message = Message("X", 0.0, stranger, Envelope(b"<x@elsewhere.test>"), headers, Body(0))
    ours = replace(PROFILE, domains=MappingProxyType({"example.test": Domain("example.test", sign=True)}))
    codes = [f.rule.code for f in check_end(message, ours, identify(stranger, ours))]
    assert codes == ["identity.no-login", "identity.header-from"]
    foreign = replace(message, headers=Headers((Field(b"From", b"x@elsewhere.test"),)))
    assert [f.rule.code for f in check_end(foreign, ours, identify(stranger, ours))] == ["identity.no-login"]


DOMAINS = MappingProxyType({"example.test": Domain("example.test", sign=True)})
OURS = replace(PROFILE, domains=DOMAINS)
ALICE_CALLING = Caller(ALICE.principals[0], ALICE, "login")
LISTS = Identity("lists", Kind.FORWARDER, MailClass.AUTO, senders=(SenderPattern("", "lists.example.test"),))
FORWARDING = Caller(Principal("svc/lists", "EXAMPLE.TEST"), LISTS, "login")


def judged(*fields: tuple[str, str], profile: Profile = OURS, caller: Caller = ALICE_CALLING) -> list[str]:
    """The codes that a message of these fields meets."""
    return [f.rule.code for f in check_end(message_of(*fields), profile, caller)]


def message_of(*fields: tuple[str, str]) -> Message:
    headers = Headers(tuple(Field(name.encode(), f" {value}".encode()) for name, value in fields))
    return Message("X", 0.0, SESSION, Envelope(b"<alice@example.test>"), headers, Body(0))


OWN = ("From", "alice@example.test")


def test_sender_must_be_the_callers_own() -> None:
    assert judged(OWN, ("Sender", "Alice <alice@example.test>")) == []
    assert judged(OWN, ("Sender", "ceo@example.test")) == ["identity.sender-field"]
    assert judged(OWN, ("Sender", "x@elsewhere.test")) == ["identity.sender-field"]
    assert judged(OWN, ("Sender", "a@example.test, b@example.test")) == ["identity.sender-syntax"]
    assert judged(OWN, ("Sender", "")) == ["identity.sender-syntax"]
    assert judged(OWN, ("Sender", "alice@example.test"), ("sender ", "alice@example.test")) == [
        "identity.sender-syntax"
    ]


def test_every_resent_field_must_be_the_callers_own() -> None:
    assert judged(OWN, ("Resent-From", "alice@example.test"), ("Resent-Sender", "alice@example.test")) == []
    assert judged(OWN, ("Resent-From", "ceo@example.test")) == ["identity.resent-field"]
    assert judged(OWN, ("Resent-Sender", "ceo@example.test")) == ["identity.resent-field"]
    assert judged(OWN, ("Resent-From", "alice@example.test"), ("RESENT-FROM", "ceo@example.test")) == [
        "identity.resent-field"
    ]
    assert judged(OWN, ("Resent-From", "Group: ceo@example.test;")) == ["identity.resent-syntax"]


def test_reply_to_follows_the_profile() -> None:
    elsewhere, colleague = ("Reply-To", "x@elsewhere.test"), ("Reply-To", "bob@example.test, alice@example.test")
    domains, owned = (replace(OURS, reply_to=policy) for policy in (ReplyTo.DOMAINS, ReplyTo.OWNED))
    assert judged(OWN, elsewhere) == []
    assert judged(OWN, elsewhere, profile=domains) == ["identity.reply-to"]
    assert judged(OWN, colleague, profile=domains) == []
    assert judged(OWN, colleague, profile=owned) == ["identity.reply-to"]
    assert judged(OWN, ("Reply-To", "alice@example.test"), profile=owned) == []
    assert judged(OWN, ("Reply-To", "alice@example.test,"), profile=owned) == ["identity.reply-to"]
    assert judged(OWN, ("Reply-To", "alice@example.test"), ("Reply-To", "alice@example.test"), profile=owned) == [
        "identity.reply-to"
    ]


def delegating(*, needs_sender: bool) -> Profile:
    sales = Delegation(
        "sales", (SenderPattern("sales", "example.test"),), frozenset(ALICE.principals), needs_sender, "profile:9"
    )
    return replace(OURS, delegations=(sales,), delegated=MappingProxyType({ALICE.principals[0]: (sales,)}))


def test_a_delegated_address_may_be_used_with_or_without_sender_as_the_profile_says() -> None:
    sales = ("From", "Sales <sales@example.test>")
    assert judged(sales, profile=OURS) == ["identity.header-from"]
    assert judged(sales, profile=delegating(needs_sender=False)) == []
    strict = delegating(needs_sender=True)
    assert judged(sales, profile=strict) == ["identity.sender-missing"]
    assert judged(sales, ("Sender", "alice@example.test"), profile=strict) == []
    # The delegated address itself does not say who sends.
    assert judged(sales, ("Sender", "sales@example.test"), profile=strict) == ["identity.sender-missing"]


def test_several_authors_need_the_profiles_leave_a_right_to_each_and_a_sender() -> None:
    both = ("From", "alice@example.test, sales@example.test")
    sender = ("Sender", "alice@example.test")
    profile = replace(delegating(needs_sender=False), several_authors=True)
    assert judged(both, sender, profile=replace(profile, several_authors=False)) == ["identity.from-syntax"]
    assert judged(both, profile=profile) == ["identity.sender-missing"]
    assert judged(both, sender, profile=profile) == []
    assert judged(("From", "alice@example.test, ceo@example.test"), sender, profile=profile) == ["identity.header-from"]
    assert judged(("From", "alice@example.test, x@elsewhere.test"), sender, profile=profile) == ["identity.header-from"]
    assert [str(m.address) for m in authors(message_of(both))] == ["alice@example.test", "sales@example.test"]


def test_a_forwarder_passes_foreign_authors_and_none_of_ours_that_is_not_listed_for_it() -> None:
    foreign, ours = ("From", "x@elsewhere.test"), ("From", "ceo@example.test")
    told = {"identity.foreign-author"}
    listed = ("Sender", "talk-bounces@lists.example.test")
    at_mail = ["identity.envelope-sender"]  # alice@example.test is not the list's either
    assert set(judged(foreign, listed, caller=FORWARDING)) == {*told, *at_mail}
    assert judged(ours, listed, caller=FORWARDING) == [*at_mail, "identity.header-from"]
    assert judged(foreign, ("Sender", "ceo@example.test"), caller=FORWARDING).count("identity.sender-field") == 1
    assert judged(foreign, ("Resent-From", "ceo@example.test"), caller=FORWARDING).count("identity.resent-field") == 1


def test_a_forwarders_envelope_that_cannot_be_read_passes_only_where_its_domain_is_surely_foreign() -> None:
    def codes(path: bytes) -> list[str]:
        return [f.rule.code for f in check_mail(Envelope(path), OURS, FORWARDING)]

    assert codes(b"<bounce%x=y@elsewhere.test>") == []
    assert codes(b"<ceo%x@example.test>") == ["identity.envelope-syntax"]
    assert codes(b"<ceo%x@EXAMPLE.test>") == ["identity.envelope-syntax"]
    assert codes(b"<ceo%x@example.test.>") == ["identity.envelope-syntax"]
    assert codes(b"<ceo>") == ["identity.envelope-syntax"]


def test_a_refusal_tells_the_sender_who_it_is_and_what_it_may_use_and_why_a_field_cannot_be_read() -> None:
    def tells(value: str) -> str:
        return check_end(message_of(("From", value)), OURS, ALICE_CALLING)[0].tells

    assert tells("ceo@example.test") == "alice@EXAMPLE.TEST may send as alice@example.test"
    assert tells("a@b.test, c@d.test").startswith("the field names more than one mailbox")
    many = tuple(SenderPattern(f"a{n}", "example.test") for n in range(9))
    caller = Caller(None, replace(ALICE, senders=many), "network")
    found = check_end(message_of(("From", "ceo@example.test")), OURS, caller)
    assert found[0].tells == (
        "alice (network) may send as a0@example.test, a1@example.test, a2@example.test and others"
    )


def test_no_author_no_from() -> None:
    assert judged(("To", "x@example.org")) == ["identity.from-count"]
    assert judged(OWN, ("FROM\t", "ceo@example.test")) == ["identity.from-count"]
    assert authors(message_of(("To", "x@example.org"))) == ()
    assert authors(message_of(("From", "nobody"))) == ()


def told(
    *fields: tuple[str, str], profile: Profile = OURS, caller: Caller = ALICE_CALLING
) -> list[tuple[str, str, str, str, str]]:
    """Every finding, whole: code, detail, where, tells, about."""
    found = check_end(message_of(*fields), profile, caller)
    return [(f.rule.code, f.detail, f.where, f.tells, f.about) for f in found]


MAY = "alice@EXAMPLE.TEST may send as alice@example.test"
NOT_AS_CEO = "alice@EXAMPLE.TEST may not send as ceo@example.test"


@pytest.mark.parametrize(
    ("field", "code", "syntax_code"),
    [
        ("From", "identity.header-from", "identity.from-syntax"),
        ("Sender", "identity.sender-field", "identity.sender-syntax"),
        ("Resent-From", "identity.resent-field", "identity.resent-syntax"),
        ("Resent-Sender", "identity.resent-field", "identity.resent-syntax"),
    ],
)
def test_a_foreign_author_is_told_with_its_field_its_address_and_the_senders_own_rights(
    field: str, code: str, syntax_code: str
) -> None:
    own = () if field == "From" else (OWN,)
    assert told(*own, (field, "ceo@example.test")) == [(code, NOT_AS_CEO, field, MAY, "ceo@example.test")]
    for value, reason, shown in (
        ("x@\x7f", "the field holds the control or invisible character U+007F", " x@?"),
        ("a@b.test, c@d.test", "the field names more than one mailbox", " a@b.test, c@d.test"),
    ):
        assert told(*own, (field, value)) == [(syntax_code, f"{reason}: {shown}", field, reason, "")]


def test_a_foreign_envelope_is_told_like_a_foreign_author() -> None:
    def told_at_mail(envelope: Envelope) -> tuple[str, str, str, str, str]:
        (f,) = check_mail(envelope, OURS, ALICE_CALLING)
        return f.rule.code, f.detail, f.where, f.tells, f.about

    assert told_at_mail(Envelope(b"<ceo@example.test>")) == (
        "identity.envelope-sender", NOT_AS_CEO, "MAIL FROM", MAY, "ceo@example.test",
    )  # fmt: skip
    reason = "the address has no @ and domain"
    assert told_at_mail(Envelope(b"<alice>")) == (
        "identity.envelope-syntax", f"{reason}: <alice>", "MAIL FROM", reason, "",
    )  # fmt: skip


def test_a_reading_of_the_mta_that_is_no_utf8_is_refused() -> None:
    found = check_mail(Envelope(b"<alice@example.test>", "alice\udcff@example.test"), OURS, ALICE_CALLING)
    assert [(f.rule.code, f.tells) for f in found] == [("identity.envelope-syntax", "the field is not valid UTF-8")]


def test_fields_that_stand_twice_are_told_with_their_number() -> None:
    twice, wrong = (OWN, OWN), ("header",)
    assert told(*twice) == [("identity.from-count", "2 From fields", *wrong, "it has 2", "")]
    assert told() == [("identity.from-count", "0 From fields", *wrong, "it has 0", "")]
    senders = (OWN, ("Sender", "alice@example.test"), ("Sender", "alice@example.test"))
    assert told(*senders) == [("identity.sender-syntax", "2 Sender fields", *wrong, "there are several", "")]
    answers = (OWN, ("Reply-To", "alice@example.test"), ("Reply-To", "alice@example.test"))
    closed = replace(OURS, reply_to=ReplyTo.OWNED)
    assert told(*answers, profile=closed) == [
        ("identity.reply-to", "2 Reply-To fields", *wrong, "there are several", "")
    ]


def test_an_answer_that_goes_elsewhere_is_told_once_and_by_its_first_address() -> None:
    closed = replace(OURS, reply_to=ReplyTo.OWNED)
    field = ("Reply-To", "alice@example.test, x@elsewhere.test, y@elsewhere.test")
    detail = "answers would go to x@elsewhere.test; the profile says reply_to: owned"
    assert told(OWN, field, profile=closed) == [
        ("identity.reply-to", detail, "Reply-To", "Reply-To may name your own addresses only", "x@elsewhere.test")
    ]
    reason = "there is no address in the field, or none after the last comma"
    assert told(OWN, ("Reply-To", "x@elsewhere.test,"), profile=closed) == [
        ("identity.reply-to", f"{reason}:  x@elsewhere.test,", "Reply-To", reason, "")
    ]


def test_a_missing_sender_is_told_with_what_demands_it() -> None:
    sales = ("From", "Sales <sales@example.test>")
    strict = delegating(needs_sender=True)
    (missing,) = told(sales, profile=strict)
    code, detail, where, tells, about = missing
    assert (code, where, about) == ("identity.sender-missing", "header", "")
    assert "sales@example.test" in tells
    assert "delegation sales" in tells
    assert detail == f"alice@EXAMPLE.TEST: {tells}"
    assert missing in told(sales, ("Sender", "a@b.test, c@d.test"), profile=strict)  # one that nobody can read
    assert missing in told(sales, ("Sender", "alice@example.test"), ("Sender", "alice@example.test"), profile=strict)
    several = replace(delegating(needs_sender=False), several_authors=True)
    both = ("From", "alice@example.test, sales@example.test")
    assert "several authors" in told(both, profile=several)[0][3]


def test_a_field_that_is_right_does_not_hide_another_that_is_wrong() -> None:
    own = "alice@example.test"
    right = (("Sender", own), ("Resent-From", own), ("Resent-Sender", own), ("Reply-To", own))
    closed = replace(OURS, reply_to=ReplyTo.OWNED)
    assert judged(OWN, *right, profile=closed) == []
    assert judged(("From", "ceo@example.test"), *right, profile=closed) == ["identity.header-from"]
    wrong = (("From", "ceo@example.test"), *((name, "ceo@example.test") for name, _ in right))
    assert judged(*wrong, profile=closed) == [
        "identity.header-from", "identity.sender-field", "identity.resent-field", "identity.resent-field",
        "identity.reply-to",
    ]  # fmt: skip


@pytest.mark.parametrize("field", ["From", "Sender", "Resent-From", "Resent-Sender", "Reply-To"])
def test_the_name_in_every_field_is_judged_and_told_with_its_field(field: str) -> None:
    own = () if field == "From" else (OWN,)
    found = told(
        *own, (field, '"ceo@example.test" <alice@example.test>'), profile=replace(OURS, reply_to=ReplyTo.OWNED)
    )
    detail = "the name shows ceo@example.test, the address is alice@example.test"
    assert found == [("identity.display-address", detail, field, "", "ceo@example.test")]


def test_an_address_of_ours_used_by_nobody_who_is_known_is_told_without_any_rights() -> None:
    detail = "nobody who is known may send as alice@example.test"
    expected = [
        ("identity.header-from", detail, "From", "", "alice@example.test"),
        ("identity.sender-field", detail, "Sender", "", "alice@example.test"),
    ]
    assert told(OWN, ("Sender", "alice@example.test"), caller=Caller()) == expected
    assert told(("From", "x@elsewhere.test"), ("Sender", "y@elsewhere.test"), caller=Caller()) == []


def test_a_foreign_author_is_told_with_its_forwarder() -> None:
    listed = (("Sender", "talk@lists.example.test"), ("From", "x@elsewhere.test"))
    detail = "svc/lists@EXAMPLE.TEST forwards mail of x@elsewhere.test"
    assert ("identity.foreign-author", detail, "From", "", "") in told(*listed, caller=FORWARDING)
    nothing = Caller(None, replace(ALICE, senders=()), "network")
    assert told(OWN, caller=nothing)[-1][3] == "alice (network) may send as nobody"


def test_answers_to_a_foreign_author_are_a_forwarders_job_and_answers_to_one_of_ours_are_not() -> None:
    for policy in (ReplyTo.OWNED, ReplyTo.DOMAINS):
        profile = replace(OURS, reply_to=policy)
        fields = (("From", "talk@lists.example.test"), ("Reply-To", "x@elsewhere.test"))
        assert "identity.reply-to" not in judged(*fields, profile=profile, caller=FORWARDING)
        assert "identity.reply-to" in judged(*fields, profile=profile)
    ours = (("From", "talk@lists.example.test"), ("Reply-To", "ceo@example.test"))
    assert "identity.reply-to" in judged(*ours, profile=replace(OURS, reply_to=ReplyTo.OWNED), caller=FORWARDING)
    assert "identity.reply-to" not in judged(*ours, profile=replace(OURS, reply_to=ReplyTo.DOMAINS), caller=FORWARDING)
    assert "identity.reply-to" in judged(
        OWN, ("Reply-To", "alice@example.test"), profile=replace(OURS, reply_to=ReplyTo.OWNED), caller=Caller()
    )


def test_a_refusal_names_three_rights_delegated_ones_among_them_and_says_whether_there_are_more() -> None:
    def tells(count: int) -> str:
        profile = delegating(needs_sender=False)
        own = tuple(SenderPattern(f"a{n}", "example.test") for n in range(count))
        return told(
            ("From", "ceo@example.test"),
            profile=profile,
            caller=replace(ALICE_CALLING, identity=replace(ALICE, senders=own)),
        )[0][3]

    assert tells(1) == "alice@EXAMPLE.TEST may send as a0@example.test, sales@example.test"
    assert tells(2) == "alice@EXAMPLE.TEST may send as a0@example.test, a1@example.test, sales@example.test"
    assert tells(3) == "alice@EXAMPLE.TEST may send as a0@example.test, a1@example.test, a2@example.test and others"


def test_the_domain_of_a_forwarders_envelope_is_what_follows_the_last_at() -> None:
    def codes(path: bytes) -> list[str]:
        return [f.rule.code for f in check_mail(Envelope(path), OURS, FORWARDING)]

    assert codes(b'<"ceo@example.test"@elsewhere.test>') == []
    assert codes(b'<"x@elsewhere.test"@example.test>') == ["identity.envelope-syntax"]
    assert codes(b"<ceo%x@example.testX>") == []


def many(count: int, stem: str) -> str:
    return '"' + " ".join(f"{stem}{n}@x{n}.elsewhere.test" for n in range(count)) + '" <alice@example.test>'


def test_foreign_addresses_in_names_do_not_hide_a_protected_name_behind_them() -> None:
    protected = replace(OURS, protected=(Protected("Carol Chief", (SenderPattern("carol", "example.test"),)),))
    fields = (("From", many(15, "a")), ("Sender", many(15, "b")), ("Resent-From", "Carol Chief <alice@example.test>"))
    found = judged(*fields, profile=protected)
    assert "identity.protected-name" in found
    assert found.count("identity.display-foreign") == 20


def test_more_names_than_are_looked_at_are_refused() -> None:
    boxes = ", ".join(f"N{n} <alice@example.test>" for n in range(100))
    several = replace(OURS, several_authors=True)
    fields = (("From", boxes), ("Sender", "alice@example.test"), ("Author", boxes))
    assert judged(*fields, profile=several) == ["identity.display-address"]
    assert judged(fields[0], fields[1], profile=several) == []
