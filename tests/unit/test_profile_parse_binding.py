"""What binds addresses to people in the profile's form: realms, senders, certificates, limits, delegations, names."""

import time
from ipaddress import ip_network

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sealgate.profile.form import CANNOT_BE, CHOICES, KNOWN_KEYS
from sealgate.profile.lint import check_profile
from sealgate.profile.model import (
    Certificate,
    Delegation,
    Handling,
    Principal,
    Problem,
    Profile,
    Protected,
    ReplyTo,
    SenderFile,
    SenderFormat,
    SenderPattern,
)
from sealgate.profile.parse import parse_profile

HEAD = "version: 1\n"
ROWS = """\
version: 1
logins:
  - {listener: s, mechanism: GSSAPI, spelled: "{user}@R", principal: "{user}@R"}
  - {listener: s, mechanism: GSSAPI, spelled: "{user}@AD", principal: "{user}@AD"}
"""
ALICE = Principal("alice", "R")


def parsed(text: str) -> Profile:
    profile, problems = parse_profile(text, "p.yaml")
    assert profile is not None, "\n".join(map(str, problems))
    return profile


def warned(text: str) -> list[tuple[int, int, str]]:
    profile, problems = parse_profile(text, "p.yaml")
    assert profile is not None, "\n".join(map(str, problems))
    return [(p.line, p.column, f"{p.message} {p.suggestion}") for p in problems]


def only(text: str) -> Problem:
    profile, problems = parse_profile(text, "p.yaml")
    assert profile is None
    assert len(problems) == 1, "\n".join(map(str, problems))
    return problems[0]


def refused_at(text: str, line: int, column: int, *words: str) -> None:
    problem = only(text)
    assert (problem.line, problem.column) == (line, column), str(problem)
    said = f"{problem.message} {problem.suggestion}"
    assert all(word in said for word in words), said


# -- listeners and rules --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("word", CHOICES["listeners.*"])
def test_a_listener_and_local_submission_may_have_a_handling_of_their_own(word: str) -> None:
    p = parsed(f"{HEAD}listeners: {{submission: {word}}}\nlocal_submission: {word}\n")
    assert p.listeners["submission"] is p.local_submission is Handling(word)
    assert p.local_submission.is_judged == (word != "pass")


def test_local_submission_is_no_listener() -> None:
    refused_at(f"{HEAD}listeners: {{local_submission: judge}}\n", 2, 13, "sendmail(1)", "top level")


def test_a_rule_may_have_a_mode_by_listener() -> None:
    rule = "a.b: {mode: enforce, action: remove, listeners: {relay: report, local_submission: off}}"
    p = parsed(f"{HEAD}listeners: {{relay: judge}}\nrules:\n  {rule}\n")
    assert (p.rules["a.b"].mode, p.rules["a.b"].action, p.rules["a.b"].place) == ("enforce", "remove", "p.yaml:4")
    assert dict(p.rules["a.b"].listeners) == {"relay": "report", "local_submission": "off"}


def test_a_rule_cannot_have_a_mode_for_a_listener_that_is_not_there() -> None:
    text = f"{HEAD}listeners: {{submission: judge}}\nrules: {{a.b: {{listeners: {{submision: off}}}}}}\n"
    refused_at(text, 3, 27, "`submision`", "did you mean `submission`?")


def test_a_mode_by_listener_is_one_of_the_modes() -> None:
    text = f"{HEAD}listeners: {{s: judge}}\nrules: {{a.b: {{listeners: {{s: judge}}}}}}\n"
    refused_at(text, 3, 30, "off, report, enforce")


# -- realms ---------------------------------------------------------------------------------------------------------


def test_without_a_list_the_realms_are_those_that_logins_lead_to_and_have_case() -> None:
    assert dict(parsed(ROWS).realms) == {"R": False, "AD": False}


def test_listed_realms_say_whether_their_names_have_case() -> None:
    p = parsed(f"{HEAD}realms: {{R: exact, AD: fold}}\n")
    assert dict(p.realms) == {"R": False, "AD": True}
    assert p.places["realms.AD"] == (2, 20)


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        ("realms: {R: exact}\nidentities: {a: {principals: [x@S]}}\n", (3, 31), ["`S`", "not under `realms:`"]),
        ("realms: {EX.TEST: exact}\nidentities: {a: {principals: [x@EX.TST]}}\n", (3, 31), ["did you mean `EX.TEST`"]),
        ("realms: {EX.TEST: exact}\nidentities: {a: {principals: [x@ex.test]}}\n", (3, 31), ["Realms have case"]),
        ('realms: {R: exact}\nidentities: {a: {principals: ["{user}@S"]}}\n', (3, 31), ["`S`"]),
        ("realms: {R: exact}\ngroups: {g: [x@S]}\n", (3, 14), ["`S`"]),
        (
            'realms: {R: exact}\nlogins: [{listener: s, mechanism: PLAIN, spelled: "{user}", principal: "{user}@S"}]\n',
            (3, 61),
            ["`S`", "refused"],
        ),
        (
            "realms: {R: exact}\nidentities: {a: {senders: {file: /f, realm: S}}}\n",
            (3, 38),
            ["`S`"],
        ),
        (
            "realms: {R: exact}\ndelegations: {d: {senders: [a@b.test], members: [x@S]}}\n",
            (3, 50),
            ["`S`"],
        ),
    ],
)
def test_a_realm_that_is_not_listed_is_refused_wherever_it_is_named(
    text: str, place: tuple[int, int], words: list[str]
) -> None:
    refused_at(HEAD + text, *place, *words)


@pytest.mark.parametrize("name", ["a@b", "' R'", "'R@'"])
def test_what_is_no_realm_cannot_be_listed(name: str) -> None:
    refused_at(f"{HEAD}realms: {{{name}: exact}}\n", 2, 10, "no realm")


def test_principals_of_a_realm_without_case_are_found_in_lower_case() -> None:
    p = parsed(f"""{HEAD}realms: {{R: exact, AD: fold}}
identities: {{a: {{principals: [Alice@AD, HTTP/Web@AD, Bob@R]}}}}
groups: {{g: [CAROL@AD]}}
delegations: {{d: {{senders: [s@b.test], members: [g, ALICE@AD, Bob@R]}}}}
""")
    assert set(p.by_principal) == {Principal("alice", "AD"), Principal("http/web", "AD"), Principal("Bob", "R")}
    assert set(p.delegated) == {Principal("carol", "AD"), Principal("alice", "AD"), Principal("Bob", "R")}


def test_two_principals_of_a_realm_without_case_that_differ_in_case_are_one() -> None:
    text = f"{HEAD}realms: {{AD: fold}}\nidentities:\n  a: {{principals: [x@AD]}}\n  b: {{principals: [X@AD]}}\n"
    refused_at(text, 5, 20, "`X@AD`", "identity `a`", "p.yaml:4:20")


def test_an_identity_may_be_every_user_of_a_realm() -> None:
    p = parsed(f'{HEAD}identities: {{a: {{principals: ["{{user}}@R", svc/x@R]}}, b: {{principals: [bob@R]}}}}\n')
    a, b = p.identities
    assert (a.realms, a.principals) == (("R",), (Principal("svc/x", "R"),))
    assert dict(p.by_realm) == {"R": a}
    assert p.by_principal[Principal("bob", "R")] is b


def test_two_identities_cannot_be_every_user_of_one_realm() -> None:
    text = f'{HEAD}identities:\n  a: {{principals: ["{{user}}@R"]}}\n  b: {{principals: ["{{user}}@R"]}}\n'
    refused_at(text, 4, 20, "every user of realm `R`", "identity `a`", "p.yaml:3:20")


@pytest.mark.parametrize(
    "principal",
    ["{user}/admin@R", "x{user}@R", "{usr}@R", "*@R", "*/admin@R", "*", "{user}@{user}", "{user}@", "{user}"],
)
def test_no_other_pattern_of_principals_is_read(principal: str) -> None:
    problem = only(f'{HEAD}identities: {{a: {{principals: ["{principal}"]}}}}\n')
    assert (problem.line, problem.column) == (2, 31)


# -- senders --------------------------------------------------------------------------------------------------------


def test_senders_may_be_addresses_domains_the_own_name_and_anybody() -> None:
    p = parsed(f'{HEAD}identities: {{a: {{senders: [a@B.test, "@b.test", "{{user}}@B.test", "*"]}}}}\n')
    assert p.identities[0].senders == (
        SenderPattern("a", "b.test"),
        SenderPattern("", "b.test"),
        SenderPattern("{user}", "b.test"),
        SenderPattern("*", "*"),
    )
    assert [str(s) for s in p.identities[0].senders] == ["a@b.test", "@b.test", "{user}@b.test", "*"]


@pytest.mark.parametrize(
    ("sender", "words"),
    [
        ("{user}+x@b.test", "must be all that stands before"),
        ("x.{user}@b.test", "must be all that stands before"),
        ("{usr}@b.test", "in braces"),
        ("{user}", "{user}@example.test"),
        ("{user}@", "no sender"),
        ("@", "no sender"),
        ("*@b.test", '"@example.test"'),
        ("a@*.b.test", "no sender"),
        ("**", "no sender"),
    ],
)
def test_no_other_pattern_of_senders_is_read(sender: str, words: str) -> None:
    refused_at(f'{HEAD}identities: {{a: {{senders: ["{sender}"]}}}}\n', 2, 28, words)


def test_the_own_name_without_quotes_is_told_of_the_quotes() -> None:
    refused_at(f"{HEAD}identities:\n  a:\n    senders:\n      - {{user}}\n", 5, 9, "double quotes")


def test_senders_may_stand_in_a_file() -> None:
    p = parsed(f"{HEAD}identities: {{a: {{senders: {{file: /etc/s, format: texthash, realm: R}}}}}}\n")
    assert p.identities[0].senders == ()
    assert p.identities[0].sender_file == SenderFile("/etc/s", SenderFormat.TEXTHASH, "R")
    assert p.identities[0].sender_file.place == "p.yaml:2"


def test_one_file_may_stand_among_the_senders() -> None:
    p = parsed(
        f'{HEAD}identities:\n  a:\n    senders:\n      - a@b.test\n      - {{file: /etc/s}}\n      - "@c.test"\n'
    )
    assert p.identities[0].sender_file == SenderFile("/etc/s")
    assert p.identities[0].senders == (SenderPattern("a", "b.test"), SenderPattern("", "c.test"))
    assert p.identities[0].sender_places == ((5, 9), (7, 9))


@pytest.mark.parametrize(
    ("senders", "column", "words"),
    [
        ("{file: etc/s}", 28, "absolute path"),
        ("{format: logins}", 27, "needs `file`"),
        ("{file: /s, format: hash}", 46, "logins, texthash, regexp"),
        ("{file: /s, path: /t}", 38, "no field `path`"),
        ("[{file: /s}, {file: /t}]", 40, "one file"),
        ("a@b.test", 27, "write [a@b.test]"),
    ],
)
def test_a_file_of_senders_must_be_said_rightly(senders: str, column: int, words: str) -> None:
    refused_at(f"{HEAD}identities: {{a: {{senders: {senders}}}}}\n", 2, column, words)


# -- certificates and limits ----------------------------------------------------------------------------------------


def test_an_identity_may_be_known_by_certificates_and_limited() -> None:
    p = parsed(f"""{HEAD}identities:
  a:
    principals: [x@R]
    certificates: [{{subject: app1.b.test, issuer: Example CA}}]
    only_from: [192.0.2.0/24]
    mechanisms: [gssapi, GSSAPI, plain]
    min_cipher_bits: 128
""")
    a = p.identities[0]
    assert a.certificates == (Certificate("app1.b.test", "Example CA"),)
    assert a.only_from == (ip_network("192.0.2.0/24"),)
    assert a.mechanisms == ("GSSAPI", "PLAIN")
    assert a.min_cipher_bits == 128
    assert a.networks == ()


@pytest.mark.parametrize("certificate", ["{subject: a}", "{issuer: b}"])
def test_a_certificate_is_known_by_subject_and_issuer(certificate: str) -> None:
    refused_at(f"{HEAD}identities: {{a: {{certificates: [{certificate}]}}}}\n", 2, 33, "`subject` and `issuer`")


def test_a_certificate_leads_to_one_identity() -> None:
    one = "certificates: [{subject: s, issuer: i}]"
    text = f"{HEAD}identities:\n  a: {{{one}}}\n  b: {{{one}}}\n  c: {{{one.replace('issuer: i', 'issuer: j')}}}\n"
    refused_at(text, 4, 22, "`s` of `i`", "identity `a`", "p.yaml:3:22")


@pytest.mark.parametrize("limit", ["only_from: [192.0.2.1]", "mechanisms: [GSSAPI]"])
def test_what_limits_logins_needs_principals(limit: str) -> None:
    refused_at(f"{HEAD}identities: {{a: {{{limit}, networks: [10.0.0.1]}}}}\n", 2, 18, "limits logins", "`principals`")
    parsed(f'{HEAD}identities: {{a: {{{limit}, principals: ["{{user}}@R"]}}}}\n')


@pytest.mark.parametrize(
    ("limit", "column", "words"),
    [
        ("only_from: [0.0.0.0/0]", 49, "leave `only_from` out"),
        ("only_from: [10.0.0.1/8]", 49, "did you mean 10.0.0.0/8?"),
        ("mechanisms: [GS SAPI]", 50, "no SASL mechanism"),
        ("min_cipher_bits: 513", 54, "from 0 to 512"),
        ("min_cipher_bits: -1", 54, "from 0 to 512"),
        ("min_cipher_bits: strong", 54, "whole number"),
    ],
)
def test_a_limit_that_cannot_be_is_refused(limit: str, column: int, words: str) -> None:
    refused_at(f"{HEAD}identities: {{a: {{principals: [x@R], {limit}}}}}\n", 2, column, words)


@pytest.mark.parametrize("name", sorted(CANNOT_BE["identities.*"]))
def test_a_field_that_no_mta_can_serve_is_refused_with_the_reason(name: str) -> None:
    why, instead = CANNOT_BE["identities.*"][name]
    refused_at(f"{HEAD}identities: {{a: {{{name}: 1}}}}\n", 2, 18, f"cannot have `{name}`", why, instead)
    assert name not in KNOWN_KEYS["identities.*"]


@pytest.mark.parametrize(
    ("name", "reason", "instead"),
    [
        ("min_ssf", "{auth_ssf}", "min_cipher_bits"),
        ("fingerprint", "common names", "certificates"),
        ("uid", "which account", "local: yes"),
    ],
)
def test_the_reason_names_what_is_missing_and_what_there_is(name: str, reason: str, instead: str) -> None:
    refused_at(f"{HEAD}identities: {{a: {{{name}: 1}}}}\n", 2, 18, reason, instead)


# -- settings about addresses ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("written", ['"+"', "+", '"-"', '"#"', '"."', "_", "="])
def test_a_delimiter_is_one_character(written: str) -> None:
    assert parsed(f"{HEAD}recipient_delimiter: {written}\n").recipient_delimiter == written.strip('"')


def test_no_delimiter_may_be_said_as_in_postfix() -> None:
    assert parsed(f'{HEAD}recipient_delimiter: ""\n').recipient_delimiter == ""


@pytest.mark.parametrize(
    ("written", "words"),
    [('"+-"', "`+-`"), ('"@"', "`@`"), ("a", "`a`"), ("#", "begins a comment"), ("[+]", "a list"), ("", "nothing")],
)
def test_what_is_no_delimiter_is_refused(written: str, words: str) -> None:
    problem = only(f"{HEAD}recipient_delimiter: {written}\n")
    assert problem.line == 2
    assert words in problem.message


@pytest.mark.parametrize("word", list(ReplyTo))
def test_reply_to_is_a_word_even_where_it_is_off(word: str) -> None:
    assert parsed(f"{HEAD}reply_to: {word}\n").reply_to is ReplyTo(word)


def test_several_authors_is_yes_or_no() -> None:
    assert parsed(f"{HEAD}several_authors: yes\n").several_authors
    assert not parsed(f"{HEAD}several_authors: no\n").several_authors
    refused_at(f"{HEAD}several_authors: 2\n", 2, 18, "yes or no")


def test_authserv_ids_are_compared_in_lower_case_and_as_a_labels() -> None:
    p = parsed(f"{HEAD}authserv_ids: [Mail.Example.TEST, mail.example.test, gate7, bücher.example]\n")
    assert p.authserv_ids == ("mail.example.test", "gate7", "xn--bcher-kva.example")


@pytest.mark.parametrize("name", ["a b", "a;b", "'mail.example.test.'", "'Ünreal domain'", "x" * 300, '"a@b"'])
def test_what_is_no_authserv_id_is_refused(name: str) -> None:
    refused_at(f"{HEAD}authserv_ids: [{name}]\n", 2, 16, "no authserv-id")


# -- groups and delegations -----------------------------------------------------------------------------------------

DELEGATIONS = """\
version: 1
identities:
  alice: {principals: [alice@R], senders: [alice@b.test]}
  bob: {principals: [bob@R], senders: [bob@b.test]}
groups: {team: [alice@R, bob@R]}
delegations:
  sales: {senders: [sales@B.test, "@s.test"], members: [team]}
  press: {senders: [press@b.test], members: [team, alice@R], sender_field: required}
"""


def test_delegations_hold_their_members_written_out_and_are_found_by_member() -> None:
    p = parsed(DELEGATIONS)
    both = frozenset({ALICE, Principal("bob", "R")})
    sales = Delegation(
        "sales", (SenderPattern("sales", "b.test"), SenderPattern("", "s.test")), both, False, "p.yaml:7"
    )
    press = Delegation("press", (SenderPattern("press", "b.test"),), both, True, "p.yaml:8")
    assert p.delegations == (sales, press)
    assert dict(p.delegated) == {ALICE: (sales, press), Principal("bob", "R"): (sales, press)}
    assert warned(DELEGATIONS) == []


@pytest.mark.parametrize(
    ("section", "place", "words"),
    [
        ("groups: {team: [a@R]}\ndelegations: {d: {senders: [a@b.test], members: [taem]}}", (3, 50), "mean `team`"),
        ("delegations: {d: {senders: [a@b.test], members: [alice]}}", (2, 50), "carol@EXAMPLE.TEST"),
        ("delegations: {d: {members: [a@R]}}", (2, 15), "no `senders`"),
        ("delegations: {d: {senders: [a@b.test]}}", (2, 15), "no `members`"),
        ("delegations: {d: {senders: [], members: }}", (2, 15), "no `senders` and no `members`"),
        ("delegations: {d: {senders: [a@b.test], members: a@R}}", (2, 49), "must be a list"),
        ("delegations: {d: [a@R]}", (2, 18), "must be a mapping"),
        ('delegations: {d: {senders: ["{user}@b.test"], members: [a@R]}}', (2, 29), "nobody's address"),
        ('delegations: {d: {senders: ["*"], members: [a@R]}}', (2, 29), "nobody's address"),
        ('delegations: {d: {senders: [a@b.test], members: ["{user}@R"]}}', (2, 50), "no single principal"),
        ("delegations: {d: {senders: [a@b.test], members: [a@R], sender_field: yes}}", (2, 70), "optional, required"),
        ("groups: {a@R: [b@R]}", (2, 10), "name of a group"),
        ("groups: {g: [b]}", (2, 14), "no realm"),
        ("groups: {g: b@R}", (2, 13), "must be a list"),
    ],
)  # fmt: skip
def test_a_delegation_that_cannot_work_is_refused(section: str, place: tuple[int, int], words: str) -> None:
    refused_at(f"{HEAD}{section}\n", *place, words)


def test_a_delegation_to_a_group_without_members_is_refused() -> None:
    text = f"{HEAD}groups: {{g: []}}\ndelegations: {{d: {{senders: [a@b.test], members: [g]}}}}\n"
    _, problems = parse_profile(text, "p.yaml")
    assert [(p.line, p.column, p.is_error) for p in problems] == [(2, 10, False), (3, 15, True)]


def test_a_group_that_nobody_names_is_a_warning() -> None:
    ((line, column, said),) = warned(DELEGATIONS.replace("team: [alice@R, bob@R]", "team: [alice@R], rest: [bob@R]"))
    assert (line, column) == (5, 27)
    assert "`rest`" in said


def test_members_that_no_identity_knows_are_one_warning_with_a_near_one() -> None:
    ((line, column, said),) = warned(DELEGATIONS.replace("members: [team]", "members: [team, alise@R, carol@R]"))
    assert (line, column) == (7, 63)
    assert "`alise@R`" in said
    assert "(and 1 more)" in said
    assert "did you mean `alice@R`?" in said


def test_a_user_of_a_whole_realm_is_a_member_that_can_be_met_and_an_instance_is_not() -> None:
    whole = DELEGATIONS.replace("principals: [bob@R]", 'principals: ["{user}@R"]')
    assert warned(whole) == []
    assert "bob/admin" in warned(whole.replace("alice@R, bob@R]", "alice@R, bob/admin@R]"))[0][2]


def test_a_member_without_an_address_of_its_own_cannot_fill_in_the_sender_field() -> None:
    ((line, column, said),) = warned(DELEGATIONS.replace(", senders: [bob@b.test]", ""))
    assert (line, column) == (5, 26)
    assert "`press`" in said
    assert "identity `bob`" in said


def test_what_an_erroneous_identity_holds_is_not_said_to_be_unknown() -> None:
    refused_at(DELEGATIONS.replace("senders: [bob@b.test]", "senders: [bob]"), 4, 40, "no sender")


# -- protected names ------------------------------------------------------------------------------------------------


def test_protected_names_hold_who_may_bear_them() -> None:
    p = parsed(f'{HEAD}protected:\n  Carol  Chief: {{senders: [carol@B.test, "@brand.test"]}}\n')
    senders = (SenderPattern("carol", "b.test"), SenderPattern("", "brand.test"))
    assert p.protected == (Protected("Carol Chief", senders, "p.yaml:3"),)


@pytest.mark.parametrize("name", ["Bob", "B o b", "'123456'", "R2D2"])
def test_a_short_name_cannot_be_protected(name: str) -> None:
    refused_at(f"{HEAD}protected: {{{name}: {{senders: [a@b.test]}}}}\n", 2, 13, "fewer than 4 letters")


@pytest.mark.parametrize("name", ["Anna", "王小明", "Jürg"])
def test_a_name_of_four_letters_or_of_a_few_syllable_signs_can_be_protected(name: str) -> None:
    assert parsed(f"{HEAD}protected: {{{name}: {{senders: [a@b.test]}}}}\n").protected[0].name == name


def test_a_protected_name_is_given_once() -> None:
    text = f"{HEAD}protected:\n  Carol Chief: {{senders: [a@b.test]}}\n  carol chief: {{senders: [b@b.test]}}\n"
    refused_at(text, 4, 3, "already given at p.yaml:3:3")


def test_a_protected_name_without_senders_is_a_warning() -> None:
    ((line, column, said),) = warned(f"{HEAD}protected: {{Carol Chief: {{}}}}\n")
    assert (line, column) == (2, 13)
    assert "nobody may bear it" in said


@pytest.mark.parametrize("sender", ["*", "{user}@b.test"])
def test_a_protected_name_is_for_plain_addresses(sender: str) -> None:
    refused_at(f'{HEAD}protected: {{Carol Chief: {{senders: ["{sender}"]}}}}\n', 2, 37, "nobody's address")


# -- all of it ------------------------------------------------------------------------------------------------------

LINES = (
    ROWS
    + DELEGATIONS.removeprefix(HEAD)
    + """\
realms: {R: exact, AD: fold}
protected: {Carol Chief: {senders: [carol@b.test, "@b.test"]}, X: {}}
authserv_ids: [a, "b c"]
recipient_delimiter: "-"
several_authors: yes
reply_to: domains
  staff: {principals: ["{user}@AD", Bob@AD], senders: ["{user}@b.test", "*", {file: /f}], kind: service}
  app: {certificates: [{subject: a, issuer: b}, {}], only_from: [10.0.0.0/8], mechanisms: [X, "y z"], uid: 1}
rules: {identity.x: {mode: off, listeners: {s: report, t: off}}}
listeners: {s: report}
"""
)


@given(st.permutations(LINES.splitlines(keepends=True)), st.integers(0, 12))
@settings(max_examples=settings().max_examples // 4)
def test_no_shuffle_of_bindings_makes_parser_or_lint_raise(lines: list[str], cut: int) -> None:
    profile, problems = check_profile("".join(lines[cut:]), "p.yaml")
    assert (profile is None) == any(p.is_error for p in problems)
    assert all(p.suggestion or p.is_error or p.line for p in problems)


VALUES = st.sampled_from(
    ["{user}", '"{user}@b.test"', '"{user}@R"', "a@b.test", '"@b.test"', "x@R", "X@AD", '"*"', "[]", "{}", "", "[[]]",
     "{user: }", "{file: /f}", "off", "'\\\\'", "'a\\@b@R'", "512", "\u00e9", "{a: [x@R]}",
     "{a: {senders: [], members: [g]}}"]
)  # fmt: skip
KEYS = st.sampled_from([*KNOWN_KEYS[""], *KNOWN_KEYS["identities.*"], *KNOWN_KEYS["delegations.*"]])
ENTRIES = st.lists(st.tuples(KEYS, st.lists(VALUES, max_size=3), st.booleans()), max_size=6, unique_by=lambda e: e[0])


@given(st.sampled_from(["", "identities: {a: ", "delegations: {a: ", "protected: {Anna: ", "groups: {g: "]), ENTRIES)
def test_no_value_in_any_field_makes_parser_or_lint_raise(
    around: str, entries: list[tuple[str, list[str], bool]]
) -> None:
    fields = [f"{key}: " + (f"[{', '.join(v)}]" if listed else " ".join(v[:1])) for key, v, listed in entries]
    text = f"{HEAD}{around}{{{', '.join(fields)}}}}}\n" if around else HEAD + "\n".join(fields) + "\n"
    profile, problems = check_profile(text, "p.yaml")
    assert (profile is None) == any(p.is_error for p in problems)


def test_delegations_to_thousands_take_well_under_seconds() -> None:
    people = [f"u{i}@R" for i in range(5_000)]
    lines = [HEAD, "identities:\n"]
    lines += [f"  u{i}: {{principals: [{p}], senders: [u{i}@b.test]}}\n" for i, p in enumerate(people)]
    lines += [
        f"groups: {{all: [{', '.join(people)}, {', '.join(f'v{i}@R' for i in range(5_000))}]}}\n",
        "delegations:\n",
    ]
    lines += [f"  d{i}: {{senders: [d{i}@b.test], members: [all]}}\n" for i in range(10)]
    started = time.process_time()
    assert len(parsed("".join(lines)).delegated) == 10_000
    assert time.process_time() - started < 10  # takes about 1.5: a quadratic step would take minutes


# -- slips, each named once and where it is ---------------------------------------------------------------------------

LOWER = """\
version: 1
realms: {example.test: exact}
logins: [{listener: s, mechanism: GSSAPI, spelled: "{user}@example.test", principal: "{user}@REALM"}]
groups: {desk: [x@REALM, y@REALM]}
identities:
  a: {principals: [a@REALM, "{user}@REALM"], senders: [a@example.test]}
  b: {principals: [b@REALM], senders: [b@example.test]}
delegations: {d: {senders: [d@example.test], members: [desk, z@REALM]}}
"""


def test_a_realm_listed_in_small_letters_is_one_error_where_it_is_listed() -> None:
    profile, problems = parse_profile(LOWER.replace("REALM", "EXAMPLE.TEST"), "p.yaml")
    assert profile is None
    (error,) = [p for p in problems if p.is_error]
    assert (error.line, error.column) == (2, 10)
    assert "write EXAMPLE.TEST: Kerberos realms have case" in error.suggestion


def test_a_realm_in_small_letters_everywhere_is_legal_and_warned_of() -> None:
    profile, problems = parse_profile(LOWER.replace("REALM", "example.test"), "p.yaml")
    assert profile is not None, problems
    assert [p.line for p in problems if "capitals" in p.message] == [2]
    assert dict(profile.realms) == {"example.test": False}


def test_a_realm_in_small_letters_beside_its_twin_is_another_realm() -> None:
    text = LOWER.replace("REALM", "EXAMPLE.TEST").replace("exact}", "exact, EXAMPLE.TEST: exact}")
    profile, problems = parse_profile(text, "p.yaml")
    assert profile is not None, problems
    assert set(profile.realms) == {"example.test", "EXAMPLE.TEST"}


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        ("identities: {a: {senders: [a@b.test c@b.test]}}\n", (2, 28), ["more than one @", "a comma between them?"]),
        ("identities: {a: {principals: [a@R b@R]}}\n", (2, 31), ["a comma between them?"]),
        ("identities: {a: {senders: [\u201ca@b.test\u201d]}}\n", (2, 28), ["\u201c (U+201C)", 'write "']),
        ("identities: {a: {principals: [\u201eanna@R\u201c]}}\n", (2, 31), ["\u201e (U+201E)"]),
        ("mode: \u2018enforce\u2019\n", (2, 7), ["\u2018 (U+2018)"]),
        ("groups: {g: [x@R], h: [g, y@R]}\n", (2, 24), ["`g` is a group", "groups hold principals only"]),
        ("groups: {g: [x@R]}\nidentities: {a: {principals: [g]}}\n", (3, 31), ["`g`", "groups are for `members:`"]),
    ],
)  # fmt: skip
def test_a_slip_is_told_with_the_way_out(text: str, place: tuple[int, int], words: list[str]) -> None:
    refused_at(HEAD + text, *place, *words)
