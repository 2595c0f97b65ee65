"""What an attacker found: each test states a rule that does not hold yet.

Every test here fails against the gate as it stands and says in its docstring what should be true. Whoever mends a rule
moves its test to the module that it is about; an empty file is the aim.
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
from sealgate.checks.display import check_name
from sealgate.checks.finding import Finding
from sealgate.cli.suggesting import _yaml_lines
from sealgate.mail.address import Mailbox, parse_address, parse_mailbox
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


def shown(name: str) -> list[str]:
    mailbox = Mailbox(name, parse_address(b"alice@example.test"))
    return [f.rule.code for f in check_name(mailbox, "From", PROFILE, CALLER)]


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
        start = time.perf_counter()
        identity.check_end(whole, profile, CALLER)
        trace.check_end(whole, profile, CALLER)
        hygiene.check_end(whole, CALLER)
        taken.append(time.perf_counter() - start)
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


# -- names -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [
        "Carol Chief|CEO", "Carol Chief| CEO", "Carol|Chief", "CEO|Carol Chief", "Carol Chief\u01c0 CEO",
        "Big Bank|Service",
    ],
)  # fmt: skip
def test_a_bar_between_words_parts_them(name: str) -> None:
    """`|` is drawn like l and parts words: both readings count, or `Carol Chief|CEO` is nobody's name."""
    assert "identity.protected-name" in shown(name)


@pytest.mark.parametrize(
    "name", ["Carol Chief\u2122", "Big Bank\u2122", "Big Bank\u2120", "Big Bank\u00b2", "Big Bank\u00b9"]
)
def test_a_raised_sign_behind_a_name_is_no_part_of_it(name: str) -> None:
    """NFKD makes letters and digits of trade mark and footnote signs; `Big Bank` with one is still Big Bank."""
    assert "identity.protected-name" in shown(name)


@pytest.mark.parametrize("name", ["\u03f9AROL \u03f9HIEF", "\u03f9arol Chief"])
def test_what_a_letter_looks_like_is_asked_before_what_it_means(name: str) -> None:
    """NFKD first turns U+03F9 (drawn C) into a sigma: the eye is not asked any more."""
    assert "identity.protected-name" in shown(name)


@pytest.mark.parametrize(
    "name",
    [
        "\U0001f172\U0001f170\U0001f181\U0001f17e\U0001f17b \U0001f172\U0001f177\U0001f178\U0001f174\U0001f175",
        "\U0001f152\U0001f150\U0001f161\U0001f15e\U0001f15b \U0001f152\U0001f157\U0001f158\U0001f154\U0001f155",
        "\U0001f1e8 \U0001f1e6 \U0001f1f7 \U0001f1f4 \U0001f1f1 \U0001f1e8 \U0001f1ed \U0001f1ee \U0001f1ea \U0001f1eb",
        "\u1d04\u1d00\u0280\u1d0f\u029f \u1d04\u029c\u026a\u1d07\ua730",
        "Ca\u0280ol Chief",
    ],
    ids=["negative squared", "negative circled", "regional indicators", "small capitals", "one small capital"],
)  # fmt: skip
def test_letters_in_fancy_dress_are_letters(name: str) -> None:
    """UTS 39 has no entry for these and NFKD no decomposition, but anybody reads them: a table of ours is needed."""
    assert "identity.protected-name" in shown(name)


def test_a_cyrillic_ka_is_drawn_like_a_small_k() -> None:
    """UTS 39 sets U+043A beside U+0138, not beside k; whoever reads a name does not see the difference."""
    assert "identity.protected-name" in shown("big b\u0430n\u043a")


@pytest.mark.parametrize(
    "value",
    [
        b"Bob <alice@example.test> (Carol Chief)",
        b"Bob <alice@example.test> (=?utf-8?q?Carol_Chief?=)",
        b"Bob <alice@example.test> (ceo[at]example.test)",
    ],
)
def test_a_comment_behind_the_address_is_part_of_the_name(value: bytes) -> None:
    """Python's `parseaddr` and what is built on it show `Bob (Carol Chief)`: a comment is judged beside a name too."""
    found = check_name(parse_mailbox(value), "From", PROFILE, CALLER)
    assert found != ()


@pytest.mark.parametrize(
    "value",
    [
        b"=?utf-8?b?Y2VvQGV4YW1?= =?utf-8?b?wbGUudGVzdA==?= <alice@example.test>",
        b"=?utf-8?q?=EF=BC?= =?utf-8?q?=A3arol_Chief?= <alice@example.test>",
    ],
    ids=["address cut in base64", "name cut within a character"],
)
def test_neighbouring_encoded_words_are_read_joined_too(value: bytes) -> None:
    """Many readers join neighbours of one charset before they decode (base64 as text, or the octets).

    RFC 2047 5 forbids such cuts, so what comes of reading each word alone is shown by nobody who was meant to read it.
    """
    try:
        mailbox = parse_mailbox(value)
    except ValueError:
        return  # refused as not readable: as good
    assert check_name(mailbox, "From", PROFILE, CALLER) != ()


def test_a_name_in_utf_16_is_refused() -> None:
    """UTF-16 is no charset for header fields (RFC 2781 4.1): readers that do not know it there show the octets."""
    try:
        mailbox = parse_mailbox(b"=?utf-16be?q?ceo=40example.test?= <alice@example.test>")
    except ValueError:
        return
    assert check_name(mailbox, "From", PROFILE, CALLER) != ()


@pytest.mark.parametrize("domain", ["exampIe.test", "ExampIe.Test"])
def test_a_domain_in_a_name_is_compared_as_it_is_drawn(domain: str) -> None:
    """Lower case first makes an i of the I that is drawn like l; `ceo@exampIe.test` is drawn like ours."""
    assert "identity.display-address" in shown(f"ceo@{domain}")


@pytest.mark.parametrize(
    "dot", ["\u0660", "\u06d4", "\ua4f8", "\u2027", "\u2219", "\u22c5", "\u2022", "\u2e31", "\u0701"]
)
def test_whatever_is_drawn_like_a_dot_parts_a_domain(dot: str) -> None:
    """UTS 39 lists U+0660, U+06D4, U+0701 and U+A4F8 for the full stop; raised dots read like one between labels."""
    assert "identity.display-address" in shown(f"ceo@example{dot}test")


@pytest.mark.parametrize(
    "at", ["\u24d0", " \u24d0 ", "(a)", " (a) ", "@/", "@:", "@(", "@'", "@_", "@-", "@\u0338", "@\u20dd"]
)
def test_whatever_reads_like_an_at_sign_is_one(at: str) -> None:
    """`ceo(a)example.test` is the usual dress in half of Europe; signs behind an @ do not unmake an address of ours."""
    assert "identity.display-address" in shown(f"ceo{at}example.test")


@pytest.mark.parametrize("name", ["(ceo)@example.test", "\u00abceo\u00bb@example.test", "ceo/@example.test"])
def test_a_domain_of_ours_behind_an_at_sign_is_found_whatever_stands_before(name: str) -> None:
    """No local part is needed for a reader to see whose address it is."""
    assert "identity.display-address" in shown(name)


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


@pytest.mark.parametrize("charset", [b"unknown-8bit", b"x-unknown"])
def test_a_name_in_an_unknown_charset_that_says_so_is_honest(charset: bytes) -> None:
    """RFC 1428 3 names `unknown-8bit` for just that; mutt, Alpine and gateways write it. Read as windows-1252."""
    assert parse_mailbox(b"=?" + charset + b"?q?Jos=E9?= <alice@example.test>").address.local == "alice"


def test_a_protected_person_bears_the_name_on_every_address_of_hers() -> None:
    """Carol, logged in, writes as `Carol Chief <office@...>`, which is delegated to her: nobody is deceived."""
    carol = replace(ALICE, name="carol", senders=(SenderPattern("carol", "example.test"),))
    principal = Principal("carol", "EXAMPLE.TEST")
    office = Delegation("office", (SenderPattern("office", "example.test"),), frozenset((principal,)))
    profile = replace(PROFILE, delegated=MappingProxyType({principal: (office,)}))
    box = Mailbox("Carol Chief", parse_address(b"office@example.test"))
    assert check_name(box, "From", profile, Caller(principal, carol, "login")) == ()


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

WORDS = " ".join(f"{a}{b}" for a in "abcdefgh" for b in "ijklmnop") + " "
_TEN = "abcdefghij"
MANY = replace(
    PROFILE,
    protected=tuple(Protected(f"Carol {a}{b}{c} Chief", ()) for a in _TEN for b in _TEN for c in _TEN),
    several_authors=True,
)  # fmt: skip


def test_a_hundred_authors_against_a_thousand_protected_names_are_quick() -> None:
    """The cost of a name does not grow with the number of protected names: 50 ms is the aim, 500 the alarm."""
    boxes = b", ".join(b'"' + (WORDS * 2)[i : i + 120].encode() + b'" <alice@example.test>' for i in range(100))
    assert seconds((b"From", boxes), (b"Sender", b"alice@example.test"), profile=MANY) < 0.5


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
