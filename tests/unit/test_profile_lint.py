"""Lint: contradictions that no single line shows, each named at the line that should change."""

import time

import pytest
from hypothesis import given, settings
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
    return [(p.line, p.is_error, p.message + " " + p.suggestion) for p in lint(profile, "p.yaml")]


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
@settings(deadline=None)
def test_no_profile_that_can_be_read_makes_lint_raise(lines: list[str], cut: int) -> None:
    profile, problems = check_profile("".join(lines[cut:]), "p.yaml")
    assert (profile is None) == any(p.is_error for p in problems)


def test_a_thousand_rows_are_compared_in_seconds() -> None:
    many = [f"mechanism: GSSAPI, spelled: robot{i}, principal: svc/robot{i}@R" for i in range(999)]
    started = time.process_time()
    assert found(rows(f'{G}spelled: "{{user}}@R", {USER_R}', *many)) == []
    assert time.process_time() - started < 15
