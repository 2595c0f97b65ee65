"""Lint: contradictions that no single line shows, each named at the line that should change."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealgate.profile.lint import check_profile, lint
from sealgate.profile.model import Profile
from sealgate.profile.parse import parse_profile

ROW = '  - {listener: submission, mechanism: GSSAPI, spelled: "{user}", principal: "{user}@R"}\n'
GOOD = f"""\
version: 1
listeners: {{submission: judge}}
logins:
{ROW}identities:
  a: {{principals: [a@R], senders: [a@b.test]}}
"""


def found(text: str) -> list[tuple[int, bool, str]]:
    profile, problems = parse_profile(text, "p.yaml")
    assert profile is not None, "\n".join(map(str, problems))
    judged = lint(profile, "p.yaml")
    assert all(p.suggestion for p in judged), judged  # every problem says what to write instead
    return [(p.line, p.is_error, p.message + " " + p.suggestion) for p in judged]


def test_a_sound_profile_has_no_problem() -> None:
    assert found(GOOD) == []


def test_a_sender_rule_that_is_not_enforced_is_warned_of_at_its_line() -> None:
    text = GOOD + "rules:\n  identity.no-login: {mode: report}\n"
    assert [(line, is_error) for line, is_error, said in found(text) if "identity.no-login" in said] == [
        (text.count("\n"), False)
    ]


def test_a_person_cannot_be_declared_commercial() -> None:
    """A person's mail is never refused for what the law demands of commercial mail."""
    text = GOOD + "  b: {principals: [b@R], class: commercial, senders: [a@b.test], postal_addresses: []}\n"
    assert any(is_error and "is a person" in said for _, is_error, said in found(text))


def test_a_forwarder_cannot_be_declared_commercial() -> None:
    """Its mail is of other authors."""
    text = GOOD + "  b: {principals: [b@R], kind: forwarder, class: commercial}\n"
    assert any(is_error and "is a forwarder and commercial" in said for _, is_error, said in found(text))


def rows(*rest: str) -> str:
    listed = "".join(f"  - {{listener: submission, {row}}}\n" for row in rest)
    return f"version: 1\nlisteners: {{submission: judge}}\nlogins:\n{listed}"


G = "mechanism: GSSAPI, "
USER_R = 'principal: "{user}@R"'


@pytest.mark.parametrize(
    ("text", "line", "is_error", "words"),
    [
        pytest.param(
            rows(f'{G}spelled: "{{user}}", {USER_R}', f'{G}spelled: "{{user}}", principal: "{{user}}@S"'),
            5,
            True,
            ["some-user@R", "some-user@S", "p.yaml:4"],
            id="one spelling, two realms",
        ),
        pytest.param(
            rows(
                f'{G}spelled: "{{user}}", {USER_R}',
                'mechanism: [PLAIN, GSSAPI], spelled: "{user}", principal: "{user}@S"',
            ),
            5,
            True,
            ["some-user@S"],
            id="mechanisms overlap",
        ),
        pytest.param(
            rows(f'{G}spelled: "{{user}}", {USER_R}', f"{G}spelled: robot, principal: svc/robot@R"),
            5,
            True,
            ["`robot`", "svc/robot@R"],
            id="a fixed login that {user} reads otherwise",
        ),
        pytest.param(
            rows(f'{G}spelled: "{{user}}", {USER_R}', f'{G}spelled: "{{user}}", {USER_R}, encoding: xtext'),
            5,
            True,
            ["plain text and as xtext"],
            id="two encodings",
        ),
        pytest.param(
            rows(f'{G}spelled: "{{user}}", {USER_R}', f'{G}spelled: "{{user}}", {USER_R}'),
            5,
            False,
            ["repeats", "p.yaml:4"],
            id="a row twice",
        ),
        pytest.param(
            rows(f'{G}spelled: "{{user}}@mail.b.test", {USER_R}'),
            4,
            False,
            ["@mail.b.test", "`R`", "smtpd_sasl_local_domain"],
            id="a spelled realm that is another",
        ),
        pytest.param(
            rows(f'mechanism: XCLIENT, spelled: "{{user}}", {USER_R}'), 4, False, ["XCLIENT", "proxy"], id="XCLIENT"
        ),
        pytest.param(
            GOOD.replace("submission: judge", "submission: judge, smtpd: pass").replace(
                "identities:", ROW.replace("submission", "smtpd") + "identities:"
            ),
            5,
            False,
            ["`smtpd`", "not judged"],
            id="a row for a listener that passes",
        ),
        pytest.param(
            GOOD.replace("identities:", ROW.replace("submission", "submision") + "identities:"),
            5,
            False,
            ["`submision`", "did you mean `submission`?"],
            id="a row for a listener that is not there",
        ),
        pytest.param(
            GOOD.replace("submission: judge", "submission: judge, relay: judge"),
            2,
            False,
            ["`relay`", "nobody can send", "listener: relay"],
            id="a judged listener without a row",
        ),
        pytest.param(GOOD + "unnamed_listeners: pass\n", 7, False, ["passes unjudged"], id="unnamed listeners pass"),
        pytest.param("version: 1\nlisteners: {smtpd: pass}\n", 2, False, ["nothing is judged"], id="nothing judged"),
        pytest.param(
            GOOD + "local_submission: judge\n", 7, False, ["local: yes"], id="local submission without identity"
        ),
        pytest.param(
            GOOD + "  c: {local: yes, senders: [a@b.test]}\n", 7, False, ["never met"], id="local, not judged"
        ),
        pytest.param(
            GOOD + "  b: {senders: [a@b.test]}\n", 7, True, ["is nobody", "networks"], id="an identity that is nobody"
        ),
        pytest.param(
            GOOD + "  b: {principals: [b@R]}\n", 7, False, ["can send nothing"], id="an identity without senders"
        ),
        pytest.param(
            GOOD + "  b: {principals: [b@R], kind: service, class: commercial, senders: [a@b.test]}\n",
            7,
            False,
            ["commercial", "316.2(p)"],
            id="commercial without postal address",
        ),
        pytest.param(
            GOOD + "  b:\n    senders: [a@b.test]\n    principals:\n      - b@S\n",
            10,
            False,
            ["`b@S`", '"{user}@S"'],
            id="a principal that no row produces",
        ),
        pytest.param(
            GOOD + "  b: {principals: [A@R], senders: [a@b.test]}\n",
            7,
            False,
            ["only in case", "`a@R`", "p.yaml:6"],
            id="principals that differ in case",
        ),
        pytest.param(
            GOOD + "  b: {networks: [10.0.0.0/8], senders: [a@b.test]}\n"
            "  c: {networks: [10.9.0.0/16], senders: [a@b.test]}\n",
            8,
            True,
            ["10.9.0.0/16", "10.0.0.0/8", "p.yaml:7"],
            id="overlapping networks",
        ),
        pytest.param(
            GOOD + "seal: on\ndomains:\n  b.test:\n    sign: yes\n",
            9,
            False,
            ["no key", "451", "sign: no"],
            id="no key",
        ),
        pytest.param(GOOD + "seal: on\n", 6, False, ["b.test", "unsigned"], id="a sender of a domain not listed"),
    ],
)
def test_each_contradiction_is_found_once_at_its_line(text: str, line: int, is_error: bool, words: list[str]) -> None:
    problems = found(text)
    assert [(at, error) for at, error, _ in problems] == [(line, is_error)], problems
    assert all(word in problems[0][2] for word in words), problems


def test_rows_that_merge_two_realms_are_an_error() -> None:
    text = rows(f'{G}spelled: "{{user}}@R", {USER_R}', f'{G}spelled: "{{user}}@PARTNER", {USER_R}')
    assert [(line, error) for line, error, _ in found(text)] == [(5, False), (5, True)]


def test_a_bare_row_beside_one_of_a_foreign_realm_merges_them_too() -> None:
    text = rows(f'{G}spelled: "{{user}}", {USER_R}', f'{G}spelled: "{{user}}@PARTNER", {USER_R}')
    assert (5, True) in [(line, error) for line, error, _ in found(text)]


@pytest.mark.parametrize(
    "second",
    [
        f'{G}spelled: "{{user}}@R", {USER_R}',
        f'{G}spelled: "{{user}}@r", {USER_R}',
        f'{G}spelled: "{{user}}@S", principal: "{{user}}@S"',
        'mechanism: PLAIN, spelled: "{user}", principal: "{user}@S"',
        f"{G}spelled: a, principal: a@R",
    ],
)
def test_rows_that_agree_are_no_problem(second: str) -> None:
    assert found(rows(f'{G}spelled: "{{user}}", {USER_R}', second)) == []


def test_the_same_rows_on_two_listeners_are_no_problem() -> None:
    text = GOOD.replace("submission: judge", "submission: judge, other: judge").replace(
        "identities:", ROW.replace("submission", "other") + "identities:"
    )
    assert found(text) == []


def test_two_identities_cannot_both_be_local_submission() -> None:
    text = (
        GOOD
        + "  c: {local: yes, senders: [a@b.test]}\n  d: {local: yes, senders: [a@b.test]}\nlocal_submission: judge\n"
    )
    ((line, is_error, message),) = found(text)
    assert (line, is_error) == (8, True)
    assert "p.yaml:7" in message


@pytest.mark.parametrize("other", ["10.0.0.0/8", "10.1.2.3", "10.1.0.0/16", "0.0.0.0/1"])
def test_networks_of_two_identities_overlap_however_deep_one_lies_in_the_other(other: str) -> None:
    text = GOOD + (
        "  b: {networks: [10.0.0.0/8, 10.1.0.0/16, 192.0.2.0/24], senders: [a@b.test]}\n"
        f"  c: {{networks: [{other}], senders: [a@b.test]}}\n"
    )
    assert any(error and "overlaps" in message for _, error, message in found(text))


def test_neighbouring_networks_and_both_families_do_not_overlap() -> None:
    text = GOOD + (
        "  b: {networks: [10.0.0.0/9, 10.0.0.0/16, '::a00:0/104'], senders: [a@b.test]}\n"
        "  c: {networks: [10.128.0.0/9, 11.0.0.0/8, 9.255.255.255, '2001:db8::/32'], senders: [a@b.test]}\n"
    )
    assert found(text) == []


def test_a_judged_listener_may_be_for_trusted_networks_only() -> None:
    assert (
        found("version: 1\nlisteners: {relay: judge}\nidentities: {b: {networks: [10.0.0.1], senders: [a@b.test]}}\n")
        == []
    )


def test_a_forwarder_needs_no_senders() -> None:
    assert found(GOOD + "  l: {principals: [l@R], kind: forwarder}\n") == []


def test_many_principals_of_one_realm_without_a_row_are_one_problem() -> None:
    many = "".join(f"  u{i}: {{principals: [u{i}@S], senders: [a@b.test]}}\n" for i in range(50))
    ((line, _, message),) = found(GOOD + many)
    assert line == 7
    assert "49 more" in message


def test_a_fixed_row_produces_only_its_own_principal() -> None:
    text = rows(f"{G}spelled: robot, principal: svc/robot@R") + (
        "identities:\n  a: {principals: [svc/robot@R], senders: [a@b.test]}\n"
        "  b: {principals: [b@R], senders: [a@b.test]}\n"
    )
    assert [line for line, _, _ in found(text)] == [7]


# -- binding: realms, rights, delegations, protected names ----------------------------------------------------------

REALM = GOOD.replace("  a: {principals: [a@R]", '  a: {principals: ["{user}@R"]')


def with_sender(sender: str, more: str = "") -> str:
    return GOOD.replace("senders: [a@b.test]", f'senders: ["{sender}"]{more}')


@pytest.mark.parametrize("word", ["judge", "report", "enforce"])
def test_every_handling_but_pass_is_judged(word: str) -> None:
    text = GOOD.replace("submission: judge", f"submission: {word}")
    assert found(text) == []
    local = f"local_submission: {word}\n"
    assert found(text + "  c: {local: yes, senders: [a@b.test]}\n" + local) == []
    assert ["local: yes" in said for _, _, said in found(text + local)] == [True]


EVERYTHING = """\
version: 1
listeners: {submission: judge}
realms: {R: exact, AD: fold}
logins:
  - {listener: submission, mechanism: [GSSAPI, PLAIN], spelled: "{user}", principal: "{user}@R"}
  - {listener: submission, mechanism: GSSAPI, spelled: "{user}@AD", principal: "{user}@AD"}
identities:
  a: {principals: [a@R], senders: [a@b.test]}
  b: {principals: [B@AD], mechanisms: [PLAIN], only_from: [10.0.0.0/8], senders: ["{user}@b.test"], kind: service}
  staff: {principals: ["{user}@R"], senders: ["{user}@c.test"]}
  app: {certificates: [{subject: s, issuer: i}], min_cipher_bits: 128, senders: [app@b.test], kind: service}
  only-delegated: {principals: [d@R]}
groups: {team: [a@R, b@AD]}
delegations: {sales: {senders: [sales@b.test], members: [team, d@R]}}
protected: {Carol Chief: {senders: [anybody@c.test, "@b.test", B@b.test, a+x@b.test, sales@b.test]}}
recipient_delimiter: "+"
several_authors: yes
reply_to: owned
rules:
  identity.header-from: {mode: enforce, listeners: {submission: enforce}}
  identity.protected-name: {mode: report}
"""


def test_a_sound_profile_with_everything_in_it_has_no_problem() -> None:
    assert found(EVERYTHING) == []


@pytest.mark.parametrize(
    ("text", "line", "is_error", "words"),
    [
        pytest.param(
            GOOD.replace("submission: judge}", "submission: judge, smtpd: pass}")
            + "rules: {mime.ambiguous: {listeners: {smtpd: off}}}\n",
            7, False, ["mime.ambiguous", "`smtpd`", "not judged"], id="a mode for a listener that passes",
        ),
        pytest.param(
            GOOD + "rules: {identity.no-login: {listeners: {submission: report}}}\n",
            7, False, ["`report` on `submission`", "at the listener itself"], id="a sender rule loosened somewhere",
        ),
        pytest.param(
            GOOD + "protected: {Anna Able: {senders: [a@b.test]}}\nrules: {identity.protected-name: {mode: off}}\n",
            8, False, ["identity.protected-name", "off"], id="protected names that are not looked for",
        ),
        pytest.param(
            GOOD.replace("logins:", "realms: {R: exact, S: exact}\nlogins:"),
            3, False, ["`S`", "leads to it"], id="a realm that no row leads to",
        ),
        pytest.param(
            GOOD + '  s: {principals: ["{user}@S"], senders: ["{user}@b.test"]}\n',
            7, False, ["users of realm `S`", '"{user}@S"'], id="a whole realm that no row leads to",
        ),
        pytest.param(
            GOOD.replace("a@R]", "a@R], mechanisms: [GSSAPI, GS2-KRB5]"),
            6, False, ["GS2-KRB5", "`a`", "add a row"], id="a mechanism that no row takes",
        ),
        pytest.param(
            REALM.replace("senders", "kind: forwarder, senders"), 6, True, ["forwarder", "anybody"], id="all forward",
        ),
        pytest.param(
            REALM.replace("a@b.test", '"{user}@b.test"')
            .replace("senders: [", "kind: service, class: commercial, postal_addresses: [h], senders: [")
            + 'postal_addresses: {h: "Example Inc., 12 Main Street, Springfield"}\n',
            6, False, ["commercial", "every user"], id="a whole realm is commercial",
        ),
        pytest.param(
            REALM.replace("a@b.test", '"@b.test"'),
            6, False, ["anybody at b.test", '"{user}@b.test"'], id="a whole realm may use a whole domain",
        ),
        pytest.param(
            REALM.replace("a@b.test", '"*"').replace("senders", "kind: service, senders"),
            6, True, ["every user of realm `R`", "as anybody"], id="a whole realm may send as anybody",
        ),
        pytest.param(with_sender("*"), 6, True, ["is a person", "kind: service"], id="a person may send as anybody"),
        pytest.param(
            with_sender("*", ", kind: service"), 6, False, ["as anybody", '"@example.test"'], id="a catch-all",
        ),
        pytest.param(
            with_sender("{user}@b.test").replace("a@R", "a/web@R"),
            6, False, ["`{user}@b.test`", "nothing", "write the address out"], id="an own name of an instance",
        ),
        pytest.param(
            GOOD + '  n: {networks: [10.0.0.1], senders: ["{user}@b.test"]}\n',
            7, False, ["gives identity `n` nothing"], id="an own name without a login",
        ),
        pytest.param(
            with_sender("{user}@b.test").replace("a@R", "Anna@R"),
            6, False, ["`Anna`", "anna@b.test", "fold"], id="an own name with a capital",
        ),
        pytest.param(
            GOOD + "  n: {networks: [10.0.0.1], senders: {file: /s}}\n",
            7, False, ["file of senders", "gives it nothing"], id="a file for whom has no principal",
        ),
        pytest.param(
            GOOD + "  n: {principals: [n@R], senders: {file: /s}}\n"
            "  m: {principals: [m@R], senders: {file: /s, format: regexp}}\n",
            8, True, ["`regexp` here", "`logins` at p.yaml:7"], id="one file in two formats",
        ),
        pytest.param(
            GOOD.replace("logins:", "local_submission: judge\nlogins:")
            + "  l: {local: yes, min_cipher_bits: 1, senders: [a@b.test]}\n",
            8, False, ["no TLS"], id="TLS of local submission",
        ),
        pytest.param(
            GOOD.replace(ROW, ROW + ROW.replace("@R", "@S").replace('"{user}"', '"{user}@S"'))
            + '  s: {principals: ["{user}@S"], senders: ["{user}@b.test"]}\n'
            + '  t: {principals: [t@R], senders: ["{user}@b.test"]}\n',
            9, False, ["`R`", "`S`", "identity `s`", "alice@b.test"], id="two realms get one address by the name",
        ),
        pytest.param(
            GOOD + 'recipient_delimiter: "+"\n' + "delegations: {d: {senders: [a+d@b.test], members: [a@R]}}\n",
            8, False, ["`a+d@b.test`", "delegation `d`", "identity `a`"], id="a delegated address is a subaddress",
        ),
        pytest.param(
            GOOD + '  c: {principals: [b@R], senders: [A-b-c@b.test]}\nrecipient_delimiter: "-"\n',
            7, False, ["`a-b-c@b.test`", "a@b.test of identity `a`"], id="an address is a subaddress of another's",
        ),
        pytest.param(
            REALM.replace("a@b.test", '"{user}@b.test"') + 'recipient_delimiter: "."\n',
            7, False, ["bob.smith", 'write "+"'], id="a delimiter that stands in names",
        ),
        pytest.param(
            GOOD + "protected: {Anna Able: {senders: [a@b.test, anna@b.test]}}\n",
            7, False, ["`Anna Able`", "`anna@b.test`", "nobody may use"], id="a protected name that nobody may bear",
        ),
        pytest.param(
            GOOD + 'protected: {Anna Able: {senders: ["@c.test"]}}\n',
            7, False, ["`@c.test`"], id="a protected name of a domain that nobody uses",
        ),
        pytest.param(GOOD + "several_authors: yes\n", 7, False, ["two addresses"], id="several authors of one address"),
        pytest.param(GOOD + "reply_to: domains\n", 7, False, ["no `domains`"], id="reply to no domain"),
        pytest.param(
            GOOD + "delegations: {d: {senders: [x@c.test], members: [a@R]}}\nseal: on\ndomains: {b.test: {sign: no}}\n",
            7, False, ["c.test", "unsigned"], id="a delegated address of a domain not listed",
        ),
    ],
)  # fmt: skip
def test_each_loose_binding_is_found_once_at_its_line(text: str, line: int, is_error: bool, words: list[str]) -> None:
    problems = found(text)
    assert [(at, error) for at, error, _ in problems] == [(line, is_error)], problems
    assert all(word in problems[0][2] for word in words), problems


def test_a_realm_without_case_is_reached_by_rows_in_any_case() -> None:
    text = GOOD.replace("logins:", "realms: {R: fold}\nlogins:").replace("a@R", "ANNA@R")
    text = text.replace('spelled: "{user}", principal: "{user}@R"', "spelled: anna, principal: Anna@R")
    assert found(text) == []


def test_in_a_realm_without_case_the_own_name_has_none() -> None:
    text = with_sender("{user}@b.test").replace("logins:", "realms: {R: fold}\nlogins:").replace("a@R", "ANNA@R")
    assert found(text) == []


def test_a_rule_that_every_judged_listener_enforces_is_not_loosened() -> None:
    rule = "rules: {identity.no-login: {mode: report, listeners: {submission: enforce}}}\n"
    assert found(GOOD + rule) == []
    assert len(found(GOOD.replace("judge}", "judge, other: report}").replace(
        "identities:", ROW.replace("submission", "other") + "identities:") + rule)) == 1  # fmt: skip


def test_two_users_of_two_realms_may_share_an_address_that_is_written_out() -> None:
    text = GOOD.replace(ROW, ROW + ROW.replace("@R", "@S").replace('"{user}"', '"{user}@S"'))
    assert found(text + "  b: {principals: [a@S], senders: [a@b.test]}\n") == []


def test_who_may_bear_a_protected_name_is_not_judged_where_a_file_or_anybody_may_hold_the_address() -> None:
    protected = "protected: {Anna Able: {senders: [anna@b.test]}}\n"
    assert found(GOOD.replace("[a@b.test]", "[a@b.test, {file: /s}]") + protected) == []
    assert found(with_sender("@b.test") + protected) == []


def test_a_row_of_a_listener_that_passes_leads_nobody_anywhere() -> None:
    text = GOOD.replace("submission: judge", "submission: judge, smtpd: pass")
    text = text.replace("identities:", ROW.replace("submission", "smtpd").replace("@R", "@S") + "identities:")
    said = [message for _, _, message in found(text + "  b: {principals: [b@S], senders: [b@b.test]}\n")]
    assert any("no row of `logins` can produce principal `b@S`" in message for message in said)


def test_a_listed_realm_whose_principals_have_no_row_is_one_problem() -> None:
    text = GOOD.replace("logins:", "realms: {R: exact, S: exact}\nlogins:")
    ((line, _, _),) = found(text + "  b: {principals: [b@S], senders: [b@b.test]}\n")
    assert line == 8


def test_a_whole_realm_may_send_by_a_delegation_alone() -> None:
    text = GOOD + '  b: {principals: ["{user}@R"]}\n'
    assert [line for line, _, _ in found(text)] == [7]
    assert found(text + "delegations: {d: {senders: [d@b.test], members: [dora@R]}}\n") == []


def test_with_exact_local_parts_an_own_name_may_have_a_capital() -> None:
    assert found(with_sender("{user}@b.test").replace("a@R", "Anna@R") + "local_parts: exact\n") == []


def test_a_subaddress_of_an_address_that_its_owner_shares_is_anothers_as_well() -> None:
    text = GOOD.replace("[a@b.test]", "[a@b.test, a+x@b.test]") + "  b: {principals: [b@R], senders: [a@b.test]}\n"
    ((line, _, message),) = found(text + 'recipient_delimiter: "+"\n')
    assert line == 6
    assert "identity `b`" in message


def test_a_catch_all_is_of_no_domain_that_could_be_listed() -> None:
    text = with_sender("*", ", kind: service") + "seal: on\ndomains: {b.test: {sign: no}}\n"
    assert ["unsigned" in message for _, _, message in found(text)] == [False]


def test_a_judged_listener_may_be_for_certificates_only() -> None:
    text = "version: 1\nlisteners: {relay: judge}\nidentities: {b: {certificates: [{subject: s, issuer: i}], "
    assert found(text + "senders: [a@b.test]}}\n") == []


def test_five_thousand_identities_are_judged_in_seconds() -> None:
    lines = [GOOD, 'recipient_delimiter: "-"\nseal: on\nprotected: {Anna Able: {senders: [anna@b.test]}}\n']
    lines.insert(
        1,
        "".join(
            f"  u{i}: {{principals: [u{i}@R, u{i}/admin@R], senders: [u{i}@b.test, x-{i}@b.test]}}\n"
            for i in range(5_000)
        ),
    )
    profile, _ = parse_profile("".join(lines), "p.yaml")
    assert profile is not None
    started = time.process_time()
    lint(profile, "p.yaml")
    assert time.process_time() - started < 4  # takes 0.2: a quadratic step would take minutes


def test_lint_of_a_profile_made_without_a_file_does_not_raise() -> None:
    assert all(p.file == "p.yaml" for p in lint(Profile(), "p.yaml"))


# -- parse and lint in one go ---------------------------------------------------------------------------------------


def test_one_run_names_errors_of_both_kinds_in_the_order_of_the_file() -> None:
    text = GOOD + "  b: {senders: [a@b.test]}\n  c: {principals: [c]}\nmode: maybe\n"
    profile, problems = check_profile(text, "p.yaml")
    assert profile is None
    assert [(p.line, p.is_error) for p in problems] == [(7, True), (8, True), (9, True)]


def test_what_parsing_left_out_does_not_cause_further_problems() -> None:
    _, problems = check_profile(GOOD.replace("mechanism: GSSAPI", 'mechanism: "GS SAPI"'), "p.yaml")
    assert [p.line for p in problems] == [4]


def test_a_profile_with_warnings_can_be_used() -> None:
    profile, problems = check_profile(GOOD + "unnamed_listeners: pass\n", "p.yaml")
    assert profile is not None
    assert [p.is_error for p in problems] == [False]


def test_an_error_of_lint_refuses_the_profile() -> None:
    profile, problems = check_profile(GOOD + "  b: {senders: [a@b.test]}\n", "p.yaml")
    assert profile is None
    assert [p.line for p in problems] == [7]


LINES = (
    GOOD
    + "  b: {networks: [10.0.0.0/8, '::/1'], kind: forwarder}\n  c: {local: yes, kind: service, class: commercial}\n"
    + "  d: {principals: [A@S]}\n"
    + ROW.replace("@R", "@S")
    + ROW.replace("GSSAPI", "XCLIENT")
    + "seal: on\nlocal_submission: judge\ndomains: {b.test: {sign: yes}}\n"
)


@given(st.permutations(LINES.splitlines(keepends=True)), st.integers(0, 14))
def test_no_profile_that_can_be_read_makes_lint_raise(lines: list[str], cut: int) -> None:
    profile, problems = check_profile("".join(lines[cut:]), "p.yaml")
    assert (profile is None) == any(p.is_error for p in problems)


def test_a_thousand_rows_are_compared_in_seconds() -> None:
    many = [f"mechanism: GSSAPI, spelled: robot{i}, principal: svc/robot{i}@R" for i in range(999)]
    started = time.process_time()
    assert found(rows(f'{G}spelled: "{{user}}@R", {USER_R}', *many)) == []
    assert time.process_time() - started < 15


def test_an_address_written_out_under_a_whole_realm_is_everybodys_and_told_once() -> None:
    text = REALM.replace("a@b.test", '"{user}@b.test", registry@b.test, dean@b.test')
    ((line, is_error, said),) = found(text)
    assert (line, is_error) == (6, False)
    assert "every user of realm `R` may send as `registry@b.test` (and as 1 more written out here)" in said
    assert "delegation: {senders: [registry@b.test], members: [alice@R]}" in said
    assert found(GOOD.replace("[a@b.test]", "[a@b.test, registry@b.test]")) == []


OURS = "domains: {example.test: {sign: no}, lists.example.test: {sign: no}}\n"


@pytest.mark.parametrize("seal", ["on", "off"])
@pytest.mark.parametrize(
    ("written", "meant"),
    [("exmaple.test", "example.test"), ("exampl.test", "example.test"), ("examplee.test", "example.test"),
     ("exanple.test", "example.test"), ("listsexample.test", "lists.example.test"), ("example.tset", "example.test")],
)  # fmt: skip
def test_a_domain_spelled_almost_like_one_of_ours_is_asked_about(written: str, meant: str, seal: str) -> None:
    text = GOOD.replace("b.test", written).replace("version: 1\n", f"version: 1\nseal: {seal}\n") + OURS
    ((line, is_error, said),) = found(text)
    assert (line, is_error) == (7, False)
    assert f"did you mean `{meant}`?" in said
    assert f"add {written} under `domains:`" in said


@pytest.mark.parametrize("other", ["example.org", "sub.example.test", "example.com", "a.test", "sample.test"])
def test_a_domain_that_is_plainly_another_is_not_asked_about(other: str) -> None:
    assert found(GOOD.replace("b.test", other) + OURS) == []


def test_many_misspelt_domains_take_no_time() -> None:
    senders = ", ".join(f"a@host{n}x.test" for n in range(3000))
    ours = "domains:\n" + "".join(f"  host{n}.test: {{sign: no}}\n" for n in range(3000))
    start = time.process_time()
    found(GOOD.replace("a@b.test", senders) + ours)
    assert time.process_time() - start < 5


@pytest.mark.parametrize(
    ("seal", "is_told"),
    [
        ("domains: {a.test: {sign: yes, keys: [KEY]}}", True),
        ("domains: {a.test: {sign: yes, subdomains: yes, keys: [KEY]}}", False),
        ('domains: {a.test: {sign: no, keys: [KEY]}}\nsignatures: [{authors: "@news.a.test", keys: a.test}]', False),
        ('domains: {a.test: {sign: no, keys: [KEY]}}\nsignatures: [{authors: "@.a.test", keys: a.test}]', False),
    ],
)
def test_a_sender_whom_a_row_or_a_parent_signs_does_not_leave_unsigned(seal: str, is_told: bool) -> None:
    text = f"version: 1\nseal: on\n{seal.replace('KEY', '{selector: s, file: /k}')}\n"
    text += "identities: {n: {principals: [n@A.TEST], senders: [n@news.a.test]}}\n"
    _, problems = check_profile(text, "p.yaml")
    assert any("leaves unsigned" in p.message for p in problems) == is_told
