"""Sender binding as a whole: rules that no single module holds, each once broken by somebody who tried.

They stand together because each goes through several modules: callers, rights, checks, verdict and what is proposed.
"""

import time
from dataclasses import replace
from types import MappingProxyType

import pytest
import yaml

from sealgate.app.intake import Intake
from sealgate.audit.suggest import suggest
from sealgate.checks import hygiene, identity, trace
from sealgate.checks.caller import Caller, handling, identify
from sealgate.checks.finding import Finding
from sealgate.cli.suggesting import _yaml_lines
from sealgate.mail.address import parse_address
from sealgate.mail.headers import Field, Headers
from sealgate.mail.message import Envelope, Message, Session
from sealgate.mail.mime import Body
from sealgate.profile.holders import holders
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
    RuleSetting,
    SenderFile,
    SenderFormat,
    SenderPattern,
)
from sealgate.profile.parse import parse_profile
from sealgate.profile.principal import match_login
from sealgate.profile.senders import parse_sender_table
from sealgate.verdict import decide

ALICE = Identity(
    "alice", Kind.PERSON, MailClass.PERSONAL, (Principal("alice", "EXAMPLE.TEST"),),
    senders=(SenderPattern("alice", "example.test"),),
)  # fmt: skip
CALLER = Caller(ALICE.principals[0], ALICE, "login")
LISTS = Identity("lists", Kind.FORWARDER, MailClass.AUTO, senders=(SenderPattern("", "lists.example.test"),))
FORWARDING = Caller(Principal("svc/lists", "EXAMPLE.TEST"), LISTS, "login")
PROFILE = Profile(
    enforce=True,
    domains=MappingProxyType({"example.test": Domain("example.test", sign=True)}),
    protected=(
        Protected("Carol Chief", (SenderPattern("carol", "example.test"),)),
        Protected("Big Bank", (SenderPattern("", "bigbank.test"),)),
    ),
)
OWN = (b"From", b" Alice <alice@example.test>")


def message(*fields: tuple[bytes, bytes]) -> Message:
    headers = Headers(tuple(Field(*each) for each in fields))
    return Message("X", 0.0, Session("submission", "", 1), Envelope(b"<alice@example.test>"), headers, Body(0))


def judged(*fields: tuple[bytes, bytes], profile: Profile = PROFILE, caller: Caller = CALLER) -> list[str]:
    return [f.rule.code for f in identity.check_end(message(*fields), profile, caller)]


def seconds(*fields: tuple[bytes, bytes], profile: Profile) -> float:
    """How long the checks of a header take, at best of two."""
    intake, taken = Intake(), []
    for name, value in fields:
        intake.header(name, value)
    session = Session("submission", "192.0.2.1", 1)
    whole, _ = intake.finish(
        reference="X", received_at=0.0, session=session, envelope=Envelope(b"<alice@example.test>")
    )
    for _ in range(2):
        start = time.process_time()
        identity.check_end(whole, profile, CALLER)
        trace.check_end(whole, profile, CALLER)
        hygiene.check_end(whole, CALLER)
        taken.append(time.process_time() - start)
    return min(taken)


# -- who is it ---------------------------------------------------------------------------------------------------------


def test_a_client_whose_port_is_not_known_is_no_local_submission() -> None:
    """Port 0 alone does not make a session local: Postfix tells it for XCLIENT PORT=[UNAVAILABLE] too.

    Such a session names a listener of the profile and a client elsewhere. Read as local submission, which passes
    unless the profile says otherwise, everybody behind that proxy sends as whoever they like, unjudged and unrecorded.
    """
    profile = replace(PROFILE, listeners=MappingProxyType({"submission": Handling.ENFORCE}))
    session = Session("submission", "192.0.2.9", 0, auth_mechanism="GSSAPI", auth_name="alice@EXAMPLE.TEST")
    assert handling(session, profile) is Handling.ENFORCE


def test_folding_a_realm_merges_no_two_principals_that_differ_in_more_than_case() -> None:
    """In a realm that folds, KELVIN SIGN + `arol` is not karol: only ASCII letters lose their case.

    `str.lower()` maps U+212A to `k`, the one letter beyond ASCII that becomes a whole ASCII one, and U+212B to U+00E5.
    """
    karol = Identity("karol", Kind.PERSON, MailClass.PERSONAL, (Principal("karol", "AD.TEST"),))
    profile = Profile(
        listeners=MappingProxyType({"submission": Handling.JUDGE}),
        realms=MappingProxyType({"AD.TEST": True}),
        logins=(Login("submission", ("GSSAPI",), "{user}@AD.TEST", "{user}@AD.TEST"),),
        identities=(karol,),
        by_principal=MappingProxyType({karol.principals[0]: karol}),
    )
    session = Session("submission", "192.0.2.9", 9, auth_mechanism="GSSAPI", auth_name="\u212aarol@AD.TEST")
    assert identify(session, profile).identity is None


def test_a_login_that_is_no_utf8_is_no_principal() -> None:
    """The adapter gives U+FFFD for a login that is no UTF-8 ("no login"), whatever its realm was: no row fits it."""
    assert match_login(Login("submission", ("PLAIN",), "{user}", "{user}@EXAMPLE.TEST"), "\ufffd") is None


# -- rights ------------------------------------------------------------------------------------------------------------


def test_a_delegated_resender_names_its_writer_too() -> None:
    """`sender_field: required` binds the address in every author field: not From only, also Resent-From and Sender."""
    office = Delegation("office", (SenderPattern("office", "example.test"),), frozenset(ALICE.principals), True)
    profile = replace(PROFILE, delegated=MappingProxyType({ALICE.principals[0]: (office,)}))
    assert judged(OWN, (b"Resent-From", b"office@example.test"), profile=profile) != []


def test_a_forwarder_does_not_pass_authors_of_our_subdomains() -> None:
    """What lies below a domain of ours is ours: a forwarder passes it only where its senders list it.

    `trace` counts subdomains as ours; DMARC readers do by the organisational domain (RFC 7489 3.2).
    """
    assert "identity.header-from" in judged((b"From", b"ceo@mail.example.test"), caller=FORWARDING)


def test_a_texthash_is_not_split_where_postfix_does_not_split() -> None:
    """With `-` as delimiter `owner-staff`, `staff-request` and `mailer-daemon` are whole (split_addr of Postfix)."""
    source = SenderFile("/x", SenderFormat.TEXTHASH, "EXAMPLE.TEST")
    table, _ = parse_sender_table(
        "owner@example.test mallory\nmailer@example.test mallory\n", source, fold_realms=frozenset()
    )
    assert table is not None
    for address in (b"owner-staff@example.test", b"mailer-daemon@example.test"):
        assert table.holders(parse_address(address), exact_case=False, delimiter="-") == ()


def test_who_names_only_principals_whom_the_gate_would_let() -> None:
    """A file names dave, but dave is another identity, which has no such file: `who` must not call him a holder."""
    source = SenderFile("/x", SenderFormat.LOGINS, "EXAMPLE.TEST")
    table, _ = parse_sender_table("dave x@example.test\nerin x@example.test\n", source, fold_realms=frozenset())
    assert table is not None
    staff = Identity("staff", Kind.PERSON, MailClass.PERSONAL, (Principal("erin", "EXAMPLE.TEST"),), sender_file=source)
    other = Identity("other", Kind.PERSON, MailClass.PERSONAL, (Principal("dave", "EXAMPLE.TEST"),))
    profile = Profile(
        identities=(staff, other),
        by_principal=MappingProxyType({staff.principals[0]: staff, other.principals[0]: other}),
        sender_tables=MappingProxyType({source: table}),
    )
    assert [h.who for h in holders(profile, parse_address(b"x@example.test"))] == ["erin@EXAMPLE.TEST"]


def test_who_folds_the_names_of_a_realm_without_case() -> None:
    """In a realm that folds, with `local_parts: exact`, nobody holds `Bob@`: its principal is `bob`."""
    profile, _ = parse_profile(
        """
version: 1
listeners: {submission: judge}
realms: {AD.TEST: fold}
logins: [{listener: submission, mechanism: GSSAPI, spelled: "{user}@AD.TEST", principal: "{user}@AD.TEST"}]
domains: {example.test: {sign: no}}
local_parts: exact
identities: {staff: {principals: ["{user}@AD.TEST"], senders: ["{user}@example.test"]}}
""",
        "p.yaml",
    )
    assert profile is not None
    assert list(holders(profile, parse_address(b"Bob@example.test"))) == []


# -- fields ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [b"Authentication-Results", b"ARC-Authentication-Results"])
@pytest.mark.parametrize(
    "head",
    [
        b"(a;b) mail.example.test",
        b'(\\);") mail.example.test',
        b"(" + b"a" * 1_100 + b") mail.example.test",
        b"(x)" + b"\r\n " * 1_100 + b"mail.example.test",
        b'"mail.exam\\ple.te\\st"',
        b"mail.example.test/1",
    ],
    ids=["semicolon in a comment", "quoted pair in a comment", "long comment", "folds", "quoted pairs", "version"],
)
def test_the_name_in_results_is_read_behind_comments_and_escapes(name: bytes, head: bytes) -> None:
    """Comments come before the authserv-id and may hold a semicolon or be long (RFC 8601 2.2, RFC 5322 3.2.2).

    A verifier that reads them finds our name; so must we. What is not decided within the limit counts as ours.
    """
    value = b" " + (b"i=1; " if name.startswith(b"ARC") else b"") + head + b"; dmarc=pass header.from=example.test"
    assert trace.check_end(message((name, value)), PROFILE, CALLER) != ()


def test_the_instance_of_an_arc_set_is_found_behind_a_comment() -> None:
    """RFC 8617 4.1.1 allows comments around `i=1`; a semicolon in one does not end the instance."""
    value = b" (;) i=1; mail.example.test; dmarc=pass header.from=example.test"
    assert trace.check_end(message((b"ARC-Authentication-Results", value)), PROFILE, CALLER) != ()


def test_names_of_fields_to_remove_can_be_told_to_the_mta() -> None:
    """Where `form.field-name` only reports, a name with octets beyond ASCII is not put among the removals.

    The adapter encodes it as ASCII and would defer such a message until it is returned.
    """
    profile = replace(PROFILE, rules=MappingProxyType({"form.field-name": RuleSetting("report")}))
    found = trace.check_end(message(OWN, (b"X-Sealgate-\xff", b" x")), profile, CALLER)
    assert all(name.isascii() for name, _ in decide(found, profile, "X", enforce=True).removals)


def test_author_is_an_author_field() -> None:
    """RFC 9057: Author says who wrote a message, and readers that know it show it before From."""
    assert judged(OWN, (b"Author", b" Carol Chief <ceo@example.test>")) != []


@pytest.mark.parametrize("field", [b"Mail-Reply-To", b"Mail-Followup-To", b"Resent-Reply-To"])
def test_other_fields_that_answers_follow_are_held_to_reply_to(field: bytes) -> None:
    """mutt, Gnus and KMail answer to Mail-Followup-To: with `reply_to: owned` it leads no further than Reply-To."""
    assert judged(OWN, (field, b" x@elsewhere.test"), profile=replace(PROFILE, reply_to=ReplyTo.OWNED)) != []


# -- honest mail -------------------------------------------------------------------------------------------------------


def test_a_letter_of_another_charset_is_no_line_end() -> None:
    """`C2 85` is NEL in UTF-8 only; in windows-1251 it is a letter and an ellipsis, in GBK one character."""
    subject = (b"Subject", "СКОРО В… ".encode("cp1251"))
    assert [f.rule.code for f in hygiene.check_end(message(OWN, subject), CALLER)] == []


# -- replies -----------------------------------------------------------------------------------------------------------


def test_a_reply_holds_nothing_that_the_message_brought() -> None:
    """`tells` names the delegation's pattern, not the address that stood in From (Finding.tells)."""
    office = Delegation("office", (SenderPattern("", "shared.test"),), frozenset(ALICE.principals), True)
    profile = replace(PROFILE, delegated=MappingProxyType({ALICE.principals[0]: (office,)}))
    found = identity.check_end(message((b"From", b"words.of.the.sender@shared.test")), profile, CALLER)
    assert [f.rule.code for f in found] == ["identity.sender-missing"]
    assert "words.of.the.sender" not in found[0].tells


def test_a_long_right_does_not_push_the_remedy_out_of_the_reply() -> None:
    """What is cut to 480 octets is what the profile allows, never how to mend the message."""
    many = tuple(SenderPattern("p" * 60 + str(i), "d" * 60 + ".example.test") for i in range(5))
    caller = Caller(Principal("q" * 120, "EXAMPLE.TEST"), replace(ALICE, senders=many), "login")
    found = tuple(f for f in identity.check_end(message(OWN), PROFILE, caller) if f.tells)
    reply = decide(found, PROFILE, "CORE000000000000", enforce=True).reply
    assert reply is not None
    assert found[0].rule.remedy in reply.text


# -- what a message may cost -------------------------------------------------------------------------------------------


def test_many_resent_fields_are_quick() -> None:
    """Nobody resends a thousand times: the number of resent blocks that are looked at has an end."""
    names = " ".join(f"q{i}@d{i}.elsewhere.test" for i in range(19)).encode()
    fields = [(b"Resent-From", b' "' + names + b'%d" <alice@example.test>' % i) for i in range(1_000)]
    assert seconds(OWN, *fields, profile=PROFILE) < 0.5


def test_the_findings_of_one_message_have_an_end() -> None:
    """A record of one message must not be made megabytes long by its sender: findings of a rule are capped."""
    names = " ".join(f"q{i}@d{i}.elsewhere.test" for i in range(19)).encode()
    fields = [(b"Resent-From", b' "' + names + b'" <alice@example.test>')] * 200
    found: tuple[Finding, ...] = identity.check_end(message(OWN, *fields), PROFILE, CALLER)
    distinct = [(b"Resent-From", b' "%d@d.elsewhere.test" <alice@example.test>' % i) for i in range(200)]
    found += identity.check_end(message(OWN, *distinct), PROFILE, CALLER)
    assert len(found) < 200


def test_bare_carriage_returns_cost_no_square() -> None:
    """60,000 CR before a fold: the search for hidden line ends looks at each once."""
    assert seconds(OWN, (b"X", b"\r" * 60_000 + b"\n x"), profile=PROFILE) < 0.5


# -- what a trial proposes ---------------------------------------------------------------------------------------------


def event(principal: str, about: str, identity_name: str) -> dict[str, object]:
    return {
        "kind": "decision",
        "t": "2026-11-21T00:00:00Z",
        "auth": {"principal": principal, "identity": identity_name},
        "client": {"ip": "192.0.2.1"},
        "findings": [{"rule": "identity.header-from", "about": about, "where": "From"}],
    }


def proposal(*events: dict[str, object]) -> str:
    return "\n".join(_yaml_lines(suggest(events), lambda _: ""))


def test_a_proposal_gives_nobody_what_another_member_used() -> None:
    """`staff` is everybody of a realm: what mallory tried must not be proposed for all of staff.

    Only somebody who is alone in an identity can be given an address by it; anybody else by a delegation of their own.
    """
    read = yaml.safe_load(proposal(event("mallory@EXAMPLE.TEST", "ceo@example.test", "staff")))
    assert "staff" not in read.get("identities", {})
    assert [d["members"] for d in read["delegations"].values()] == [["mallory@EXAMPLE.TEST"]]


@pytest.mark.parametrize("address", ["{user}@example.test", "*@example.test", "a{b}@example.test"])
def test_an_address_that_the_profile_reads_as_a_pattern_is_passed_over(address: str) -> None:
    """Braces and stars are atext: pasted, `{user}@example.test` is a right for everybody of the identity."""
    assert suggest([event("mallory@EXAMPLE.TEST", address, "alice")]).rights == {}


def test_a_principal_that_the_profile_reads_as_a_pattern_is_passed_over() -> None:
    """A principal called `{user}` pasted as `{user}@EXAMPLE.TEST` is everybody of the realm."""
    assert not suggest([event("{user}@EXAMPLE.TEST", "z@example.test", "")]).identities


def test_a_principal_cannot_write_lines_of_the_proposal() -> None:
    """U+2028 may stand in a principal and ends a YAML comment: what is told beside a proposal is escaped, too."""
    principal = "m\u2028      - x: y #\u2028z@EXAMPLE.TEST"
    (delegation,) = yaml.safe_load(proposal(event(principal, "q@example.test", "alice")))["delegations"].values()
    assert delegation == {"senders": ["q@example.test"], "members": [principal]}


@pytest.mark.parametrize("address", ["m\u00fcller@example.test"])
def test_a_proposal_is_never_for_another_address_than_was_used(address: str) -> None:
    """What cannot be printed is not replaced by `?`, which is atext too: `m?ller@example.test` is somebody else's."""
    assert "'m?ller@example.test'" not in proposal(event("mallory@EXAMPLE.TEST", address, "alice"))
