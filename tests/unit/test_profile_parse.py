"""The profile's YAML form: what is written is what is meant, and every problem is named at once with its place."""

import time
from ipaddress import ip_network
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from sealgate.profile import nodes
from sealgate.profile.model import (
    Domain,
    Handling,
    KeySource,
    Kind,
    Login,
    MailClass,
    PostalAddress,
    Principal,
    Problem,
    Profile,
    RuleSetting,
    SenderPattern,
)
from sealgate.profile.nodes import MAX_DEPTH, MAX_PROBLEMS, Listing, Problems, Scalar, Table, read_tree
from sealgate.profile.parse import parse_profile

WHOLE = """\
version: 1
mode: enforce
seal: on
listeners: {submission: judge, smtpd: pass}
local_submission: judge
unnamed_listeners: pass
logins:
  - {listener: submission, mechanism: GSSAPI, spelled: "{user}@EXAMPLE.TEST", principal: "{user}@EXAMPLE.TEST"}
  - listener: submission
    mechanism: [gssapi, PLAIN]
    spelled: "{user}"
    principal: "{user}@EXAMPLE.TEST"
    encoding: xtext
domains:
  Example.TEST:
    sign: yes
    keys:
      - {selector: s2026, file: /etc/sealgate/keys/a.pem}
postal_addresses:
  head-office: |
    Example Inc., 12 Main Street,
    Springfield, IL 62701
local_parts: exact
identities:
  alice:
    principals: [alice@EXAMPLE.TEST]
    senders: [alice@Example.test, "@lab.example.test"]
  newsletter:
    principals: [svc/newsletter@EXAMPLE.TEST]
    kind: service
    class: commercial
    senders: [news@example.test]
    postal_addresses: [head-office]
  monitoring:
    kind: service
    networks: [192.0.2.0/24, 2001:db8::7]
  cron:
    local: yes
rules:
  canspam.no-postal-address: {mode: enforce, action: tempfail}
  mime.ambiguous: {mode: off}
"""


def parsed(text: str, **known: Any) -> Profile:
    profile, problems = parse_profile(text, "p.yaml", **known)
    assert profile is not None, "\n".join(map(str, problems))
    return profile


def refused(text: str, **known: Any) -> tuple[Problem, ...]:
    profile, problems = parse_profile(text, "p.yaml", **known)
    assert profile is None
    assert any(p.is_error for p in problems)
    return problems


def only(text: str, **known: Any) -> Problem:
    problems = refused(text, **known)
    assert len(problems) == 1, "\n".join(map(str, problems))
    return problems[0]


def test_a_whole_profile_is_read_field_by_field() -> None:
    p = parsed(WHOLE)
    assert p.enforce
    assert p.seal
    assert dict(p.listeners) == {"submission": Handling.JUDGE, "smtpd": Handling.PASS}
    assert p.local_submission is Handling.JUDGE
    assert p.unnamed_listeners is Handling.PASS
    assert p.exact_local_parts
    full, bare = "{user}@EXAMPLE.TEST", "{user}"
    assert p.logins == (
        Login("submission", ("GSSAPI",), full, full, "plain", "p.yaml:8"),
        Login("submission", ("GSSAPI", "PLAIN"), bare, full, "xtext", "p.yaml:9"),
    )
    key = KeySource("s2026", "/etc/sealgate/keys/a.pem", "p.yaml:18")
    assert dict(p.domains) == {"example.test": Domain("example.test", True, (key,), place="p.yaml:15")}
    assert dict(p.rules) == {
        "canspam.no-postal-address": RuleSetting("enforce", "tempfail"),
        "mime.ambiguous": RuleSetting("off", ""),
    }


def test_identities_are_read_with_their_places_and_found_by_principal() -> None:
    p = parsed(WHOLE)
    alice, newsletter, monitoring, cron = p.identities
    assert (alice.name, alice.kind, alice.mail_class, alice.place) == (
        "alice",
        Kind.PERSON,
        MailClass.PERSONAL,
        "p.yaml:25",
    )
    assert alice.senders == (SenderPattern("alice", "example.test"), SenderPattern("", "lab.example.test"))
    assert alice.sender_places == ((27, 15), (27, 35))
    assert newsletter.mail_class is MailClass.COMMERCIAL
    head = PostalAddress("head-office", "Example Inc., 12 Main Street, Springfield, IL 62701")
    assert newsletter.postal_addresses == (head,)
    assert monitoring.mail_class is MailClass.AUTO
    assert monitoring.networks == (ip_network("192.0.2.0/24"), ip_network("2001:db8::7/128"))
    assert cron.local
    assert dict(p.by_principal) == {
        Principal("alice", "EXAMPLE.TEST"): alice,
        Principal("svc/newsletter", "EXAMPLE.TEST"): newsletter,
    }


def test_what_is_not_said_is_safe() -> None:
    p = parsed("version: 1\n")
    assert p == Profile()
    assert (p.enforce, p.seal, p.unnamed_listeners) == (False, False, Handling.TEMPFAIL)


def test_fields_left_empty_are_empty() -> None:
    assert parsed("version: 1\nlisteners:\nlogins:\ndomains:\nidentities:\nrules:\n") == Profile()


@pytest.mark.parametrize(
    ("word", "seal"),
    [("on", True), ("yes", True), ("true", True), ("On", True), ("off", False), ("no", False), ("FALSE", False)],
)
def test_yes_and_no_are_read_only_where_they_are_asked_for(word: str, seal: bool) -> None:
    assert parsed(f"version: 1\nseal: {word}\n").seal is seal


def test_an_identity_may_be_called_no_or_010_or_null() -> None:
    p = parsed("version: 1\nidentities:\n  no: {local: yes}\n  010: {local: no}\n  null: {}\n")
    assert [i.name for i in p.identities] == ["no", "010", "null"]


def test_every_problem_is_named_at_once_in_the_order_of_the_file() -> None:
    problems = refused("""\
version: 2
mode: enforced
seal: maybe
moed: report
listeners: {submission: reject}
logins:
  - {listener: submission, mechanism: "GS SAPI", spelled: "{user}", principal: "{user}"}
domains:
  bad_domain: {sign: yes}
  example.test: {}
identities:
  alice: {principals: [alice], senders: [nobody], networks: [10.0.0.1/8], kind: robot, local: 1}
rules:
  no.such: {mode: on}
""", known_rules=frozenset({"mime.ambiguous"}))  # fmt: skip
    assert [p.line for p in problems] == [1, 2, 3, 4, 5, 7, 7, 9, 10, 12, 12, 12, 12, 12, 14, 14]
    assert all(p.is_error for p in problems)


@pytest.mark.parametrize(
    ("text", "place", "message", "suggestion"),
    [
        ("", (1, 1), "empty", "version: 1"),
        ("mode: report\n", (1, 1), "version", "version: 1"),
        ("version: 3\n", (1, 1), "version 1 only", ""),
        ("- a\n", (1, 1), "must be a mapping", ""),
        ("version: 1\nidentitys: {}\n", (2, 1), "no field `identitys`", "did you mean `identities`? known here:"),
        ("version: 1\nmode: enforced\n", (2, 7), "report, enforce", "did you mean `enforce`?"),
        ("version: 1\nmode: Report\n", (2, 7), "report, enforce", "did you mean `report`?"),
        ("version: 1\nmode: [report]\n", (2, 7), "not a list", ""),
        ("version: 1\nunnamed_listeners: report\n", (2, 20), "tempfail, pass, judge", ""),
        ("version: 1\nlisteners: [submission]\n", (2, 12), "must be a mapping", ""),
        ("version: 1\nlogins: {a: b}\n", (2, 9), "must be a list", "- "),
        ("version: 1\nlogins: [{}]\n", (2, 10), "empty row", ""),
        ("version: 1\nidentities: {a: {senders: a@b.test}}\n", (2, 27), "must be a list", "[a@b.test]"),
        ("version: 1\nidentities: {a: {sender: [a@b.test]}}\n", (2, 18), "no field", "did you mean `senders`?"),
        ('version: 1\nidentities: {a: {senders: ["*@b.test"]}}\n', (2, 28), "no sender", '"@example.test"'),
        ('version: 1\nidentities: {a: {senders: ["@.b.test"]}}\n', (2, 28), "no sender", "exactly that domain"),
        ("version: 1\nidentities: {a: {principals: [alice]}}\n", (2, 31), "no realm", ""),
        ("version: 1\nidentities: {a: {networks: [10.0.0.1/8]}}\n", (2, 29), "no network", "did you mean 10.0.0.0/8?"),
        ("version: 1\nidentities: {a: {networks: [0.0.0.0/0]}}\n", (2, 29), "every address", ""),
        ('version: 1\nidentities: {a: {networks: ["::ffff:192.0.2.1"]}}\n', (2, 29), "IPv4", "as IPv4"),
        ("version: 1\nidentities: {a: {postal_addresses: [hq]}}\n", (2, 37), "no postal address", "top level"),
        ("version: 1\nidentities: {a: yes}\n", (2, 17), "must be a mapping", ""),
        ('version: 1\nidentities: {"": {}}\n', (2, 14), "is empty", ""),
        ("version: 1\ndomains: {a.test: }\n", (2, 19), "must be a mapping", "sign"),
        ("version: 1\ndomains: {a.test: {}}\n", (2, 11), "does not say whether it signs", "sign: no"),
        ("version: 1\ndomains: {a.test: {keys: []}}\n", (2, 11), "does not say whether it signs", "sign: no"),
        ("version: 1\ndomains: {a.test: {sign: yes, keys: [{selector: s}]}}\n", (2, 38), "needs `file`", ""),
        ("version: 1\ndomains: {a.test: {sign: yes, keys: [{selector: s%, file: /k}]}}\n", (2, 39), "no selector", ""),
        ("version: 1\ndomains: {a.test: {sign: yes, keys: [{selector: s, file: k}]}}\n", (2, 52), "absolute", ""),
        ("version: 1\ndomains:\n  a.test: {sign: no}\n  A.test: {sign: no}\n", (4, 3), "given at p.yaml:3:3", ""),
        ("version: 1\nrules: {a.b: off}\n", (2, 14), "must be a mapping", "{mode: ...}"),
        ("version: 1\nrules: {a.b: {action: accept}}\n", (2, 23), "reject, tempfail, quarantine", ""),
    ],
)  # fmt: skip
def test_a_problem_names_its_place_and_what_to_write(
    text: str, place: tuple[int, int], message: str, suggestion: str
) -> None:
    problem = only(text)
    assert ((problem.line, problem.column), problem.file) == (place, "p.yaml")
    assert message in problem.message
    assert suggestion in problem.suggestion


@pytest.mark.parametrize(
    ("row", "column", "message"),
    [
        ('{mechanism: GSSAPI, spelled: "{user}", principal: "{user}@R"}', 5, "needs `listener`"),
        ('{listener: s, spelled: "{user}", principal: "{user}@R"}', 5, "needs `mechanism`"),
        ('{listener: s, mechanism: [], spelled: "{user}", principal: "{user}@R"}', 19, "needs `mechanism`"),
        ('{listener: s, mechanism: GSSAPI, principal: "{user}@R"}', 5, "needs `spelled`"),
        ('{listener: s, mechanism: GSSAPI, spelled: "{user}"}', 5, "needs `principal`"),
        ('{listener: s, mechanism: GSSAPI, spelled: "{user}", principal: "{user}"}', 57, "no realm"),
        ('{listener: s, mechanism: GSSAPI, spelled: "{user}", principal: "a@R"}', 57, "everybody"),
        ('{listener: s, mechanism: GSSAPI, spelled: "{usr}", principal: "a@R"}', 38, "in braces"),
        ('{listener: s, mechanism: GSSAPI, spelled: {user}, principal: "{user}@R"}', 47, "must be text, not a mapping"),
        (
            '{listener: s, mechanism: GSSAPI, spelled: "{user}", principal: "{user}@R", encoding: utf7}',
            90,
            "plain, xtext",
        ),
    ],
)
def test_a_login_row_that_cannot_work_is_refused(row: str, column: int, message: str) -> None:
    problem = only(f"version: 1\nlogins:\n  - {row}\n")
    assert (problem.line, problem.column) == (3, column)
    assert message in problem.message


def test_a_principal_belongs_to_one_identity_and_both_places_are_named() -> None:
    problem = only("version: 1\nidentities:\n  a: {principals: [x@R, y@R]}\n  b:\n    principals:\n      - y@R\n")
    assert (problem.line, problem.column) == (6, 9)
    assert "p.yaml:3:25" in problem.message
    assert "`a`" in problem.message


def test_a_principal_that_differs_in_case_or_realm_is_another_one() -> None:
    p = parsed("version: 1\nidentities: {a: {principals: [x@R]}, b: {principals: [X@R]}, c: {principals: [x@S]}}\n")
    assert len(p.by_principal) == 3


def test_two_identities_may_share_a_sender() -> None:
    p = parsed("version: 1\nidentities: {a: {senders: [s@b.test]}, b: {senders: [s@b.test]}}\n")
    assert p.identities[0].senders == p.identities[1].senders


def test_one_selector_is_one_key() -> None:
    keys = "[{selector: s, file: /a}, {selector: S, file: /b}]"
    problem = only(f"version: 1\ndomains:\n  a.test: {{sign: yes, keys: {keys}}}\n")
    assert problem.line == 3
    assert "already given" in problem.message


@pytest.mark.parametrize("address", ["Main Street", "somewhere in the world"])
def test_a_postal_address_that_looks_too_short_is_a_warning(address: str) -> None:
    text = f"version: 1\npostal_addresses:\n  hq: {address}\nidentities: {{a: {{postal_addresses: [hq]}}}}\n"
    profile, problems = parse_profile(text, "p.yaml")
    assert profile is not None
    assert [(p.is_error, p.line, p.column) for p in problems] == [(False, 3, 7)]
    assert "16 CFR 316.2(p)" in problems[0].suggestion


def test_a_postal_address_that_nobody_names_is_a_warning() -> None:
    profile, problems = parse_profile("version: 1\npostal_addresses: {hq: '12 Main Street, Springfield'}\n", "p.yaml")
    assert profile is not None
    assert [(p.is_error, p.line) for p in problems] == [(False, 2)]


def test_a_rule_must_be_known_where_the_rules_are() -> None:
    text = "version: 1\nrules: {mime.ambigous: {mode: off}}\n"
    assert only(text, known_rules=frozenset({"mime.ambiguous"})).suggestion == "did you mean `mime.ambiguous`?"
    assert "mime.ambigous" in parsed(text).rules


# -- the tree underneath --------------------------------------------------------------------------------------------


@pytest.fixture(params=["libyaml", "pure"])
def _either_loader(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "pure":
        monkeypatch.setattr(nodes, "_LOADER", yaml.SafeLoader)
    elif not yaml.__with_libyaml__:
        pytest.skip("PyYAML was built without libyaml")


@pytest.mark.usefixtures("_either_loader")
@pytest.mark.parametrize(
    ("text", "place", "message", "suggestion"),
    [
        ("version: 1\nmode: report\nmode: enforce\n", (3, 1), "already given at p.yaml:2:1", ""),
        ('version: 1\n"mode": report\nmode: enforce\n', (3, 1), "already given at p.yaml:2:1", ""),
        ("version: 1\nidentities:\n  a: {local: no, local: yes}\n", (3, 18), "already given at p.yaml:3:7", ""),
        ("version: 1\nidentities: &all {}\n", (2, 13), "anchor &all", "write the value out"),
        ("version: 1\nmode: !!str report\n", (2, 7), "tag", ""),
        ("version: 1\nmode: !x report\n", (2, 7), "tag", ""),
        ("version: 1\n<<: {}\n", (2, 1), "merge keys", "write the fields out"),
        ("version: 1\n[a]: b\n", (2, 1), "key must be a plain text", ""),
        ("version: 1\n---\nversion: 1\n", (2, 1), "second document", "one"),
        ("version: 1\nmode: \"re\\0port\"\n", (2, 7), "control characters", ""),
        ("version: 1\nmode: \x07\n", (2, 7), "U+0007", ""),
        ("version: 1\nmode: [\n", None, "not YAML", ""),
        ("version: 1\nidentities: {a: {senders: [@b.test]}}\n", (2, 28), "not YAML", "double quotes"),
        ("version: 1\nidentities:\n\ta: {}\n", (3, 1), "not YAML", "tabs"),
        ("version: 1\nidentities: {a: {principals: [\"b\\@c@R\"]}}\n", None, "not YAML", "single quotes"),
        ("version: 1\nlogins:\n  - {spelled: {user}@R}\n", (3, 21), "not YAML", '"{user}@EXAMPLE.TEST"'),
        ("version: 1\nidentities: {a: {senders: [*]}}\n", (2, 29), "not YAML", 'write "*"'),
        ("version: 1\nidentities: {a: {senders: *}}\n", None, "not YAML", 'write "*"'),
        ("version: 1\nidentities:\n  a: x\n    b: y\n", (4, 6), "not YAML", "indent like the lines beside it"),
        ("version: 1\nmode: a: b\n", (2, 8), "not YAML", "quote a text with `: ` in it"),
        ("version: 1\nseal on\nmode: report\n", (3, 1), "not YAML", "a colon is missing in line 2"),
        ("version: 1\nrules: [a,\n  b\nmode: x\n", (4, 5), "not YAML", "the [ opened in line 2 is not closed"),
        ("version: 1\nrules: {a: b,\n  c: d\nmode: x\n", None, "not YAML", "the { opened in line 2 is not closed"),
        ("version: 1\nmode: 'x\n\nseal: on\n", None, "not YAML", "the quote opened in line 2 is not closed"),
        ("version: 1\nidentities:\n   a: {}\n  b: {}\n", (4, 3), "not YAML", "indent this line like its neighbours"),
        ("version: 1\nlogins:\n  - a\n b\n", (4, 2), "not YAML", "indent this line like its neighbours"),
        ("version: 1\nmode: x\n? a\nb\n", None, "not YAML", "a colon is missing"),
        ("version: 1\nlogins: [{spelled: \u201c{user}\u201d}]\n", None, "not YAML", "\u201c (U+201C) is no quote"),
    ],
)  # fmt: skip
def test_yaml_that_says_a_thing_twice_elsewhere_or_not_at_all_is_refused(
    text: str, place: tuple[int, int] | None, message: str, suggestion: str
) -> None:
    problems = refused(text)
    problem = next(p for p in problems if message in p.message)
    assert place is None or (problem.line, problem.column) == place
    assert problem.line >= 2
    assert suggestion in problem.suggestion


@pytest.mark.usefixtures("_either_loader")
def test_an_alias_is_refused_where_it_stands() -> None:
    problems = refused("version: 1\nmode: &m report\nlocal_parts: *m\n")
    assert [(p.line, p.column) for p in problems if "alias" in p.message] == [(3, 14)]


@pytest.mark.usefixtures("_either_loader")
@pytest.mark.parametrize("opening", ["[", "{a: ", "- "])
def test_nesting_is_capped_and_cannot_exhaust_the_stack(opening: str) -> None:
    problem = only(opening * 100_000)
    assert f"more than {MAX_DEPTH} deep" in problem.message


def test_an_alias_bomb_is_never_expanded() -> None:
    bomb = "a: &a [x, x]\n" + "".join(f"b{i}: &b{i} [*a, *a]\n" for i in range(20))
    assert all(
        "alias" in p.message or "anchor" in p.message or "field" in p.message for p in refused("version: 1\n" + bomb)
    )


def test_more_values_than_the_cap_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nodes, "MAX_NODES", 10)
    assert "more than 10 values" in only("version: 1\nlogins: [a, b, c, d, e, f, g, h]\n").message


def test_problems_beyond_the_cap_are_counted() -> None:
    problems = refused("version: 1\n" + "".join(f"x{i}: 1\n" for i in range(MAX_PROBLEMS + 5)))
    assert len(problems) == MAX_PROBLEMS + 1
    assert "5 more problems" in problems[-1].message


def test_errors_beyond_the_cap_still_refuse_the_file() -> None:
    addresses = "".join(f"  a{i}: short\n" for i in range(MAX_PROBLEMS + 5))
    problems = refused("version: 1\npostal_addresses:\n" + addresses + "rules: {a: 1}\n")
    assert problems[-1].is_error


def test_a_scalar_stays_the_string_that_was_written() -> None:
    problems = Problems("p.yaml")
    root = read_tree("{a: no, b: 010, c: 1e3, d: ~, e: '', f: 2026-01-01, g: 0x1F}", problems)
    assert isinstance(root, Table)
    assert [v.text for _, v in root.pairs if isinstance(v, Scalar)] == [
        "no",
        "010",
        "1e3",
        "~",
        "",
        "2026-01-01",
        "0x1F",
    ]
    assert not problems.errors


def _same(one: nodes.Node | None, other: nodes.Node | None) -> bool:
    if isinstance(one, Table) and isinstance(other, Table):
        return len(one.pairs) == len(other.pairs) and all(
            _same(a, c) and _same(b, d) for (a, b), (c, d) in zip(one.pairs, other.pairs, strict=True)
        )
    if isinstance(one, Listing) and isinstance(other, Listing):
        return len(one.nodes) == len(other.nodes) and all(map(_same, one.nodes, other.nodes))
    return isinstance(one, Scalar) and isinstance(other, Scalar) and (one.text, one.place) == (other.text, other.place)


def test_both_loaders_give_the_same_tree(monkeypatch: pytest.MonkeyPatch) -> None:
    first = read_tree(WHOLE, Problems("p.yaml"))
    monkeypatch.setattr(nodes, "_LOADER", yaml.SafeLoader)
    assert _same(first, read_tree(WHOLE, Problems("p.yaml")))


PIECES = """
version:|identities:|logins:|domains:|principals|senders|keys|x@b.test| a:|- |{|}|[|]|,|: |&a |*a |!!x |<<|"|'|\\|\\U|
FFFFFFFF|>|#|%YAML 9.9|---|...|? |@
"""
HOSTILE = ("\n", "\n  ", "|\n", "\t", "\r", "\ufeff", "\x85", "\u2028", "\ud800", "\x00", "9" * 5000, "version: 1\n")
YAMLISH = st.lists(st.sampled_from([*PIECES.replace("\n", "").split("|"), *HOSTILE]), max_size=25).map("".join)


@given(st.text(max_size=300) | YAMLISH)
def test_no_text_makes_the_parser_raise(text: str) -> None:
    profile, problems = parse_profile(text, "p.yaml", known_rules=frozenset({"a.b"}))
    assert (profile is None) == any(p.is_error for p in problems)
    for problem in problems:
        assert problem.line >= 0
        assert "\x1b" not in str(problem)


@given(YAMLISH)
def test_no_text_makes_the_pure_loader_raise(text: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(nodes, "_LOADER", yaml.SafeLoader)
        profile, problems = parse_profile(text, "p.yaml")
    assert (profile is None) == any(p.is_error for p in problems)


@given(st.lists(st.sampled_from(WHOLE.splitlines(keepends=True)), max_size=40).map("".join))
def test_no_shuffle_of_the_lines_of_a_profile_makes_the_parser_raise(text: str) -> None:
    profile, problems = parse_profile(text, "p.yaml")
    assert (profile is None) == any(p.is_error for p in problems)


def test_a_thousand_identities_take_well_under_seconds() -> None:
    lines = ["version: 1", "identities:"]
    for i in range(1_000):
        lines += [f"  u{i}:", f"    principals: [u{i}@R]", f"    senders: [u{i}@b.test, first.last{i}@b.test]"]
    started = time.process_time()
    assert len(parsed("\n".join(lines)).identities) == 1_000
    assert time.process_time() - started < 5  # takes 0.1 to 0.6: a quadratic step would take minutes
