"""Files of senders: what each format means, that a bad row is found when the file is read, and that nothing is slow."""

import re
import shutil
import subprocess
import time
from pathlib import Path

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from sealgate.mail.address import AddressError, parse_address
from sealgate.profile.expression_tree import ExpressionError
from sealgate.profile.expressions import MAX_SUBJECT, read_expression
from sealgate.profile.model import Principal, Problem, SenderFile, SenderFormat, SenderPattern
from sealgate.profile.principal import parse_principal
from sealgate.profile.sender_rows import entries, find, joined, packed
from sealgate.profile.senders import Table, dumped, loaded, parse_sender_table

ALICE, BOB = Principal("alice", "EXAMPLE.TEST"), Principal("bob", "EXAMPLE.TEST")


def read(
    text: str, form: str = "logins", *, realm: str = "EXAMPLE.TEST", fold: frozenset[str] = frozenset()
) -> tuple[Table | None, tuple[Problem, ...]]:
    return parse_sender_table(text, SenderFile("senders", SenderFormat(form), realm), fold_realms=fold)


def good(text: str, form: str = "logins", *, realm: str = "EXAMPLE.TEST", fold: frozenset[str] = frozenset()) -> Table:
    table, problems = read(text, form, realm=realm, fold=fold)
    assert table is not None, [str(p) for p in problems]
    return table


def line(table: Table, principal: Principal, address: str, *, exact: bool = False, delimiter: str = "") -> int:
    return table.line_for(principal, parse_address(address.encode()), exact_case=exact, delimiter=delimiter)


def holders(table: Table, address: str, *, exact: bool = False, delimiter: str = "") -> list[str]:
    found = table.holders(parse_address(address.encode()), exact_case=exact, delimiter=delimiter)
    return [name for name, _ in found]


# -- our own format ----------------------------------------------------------------------------------------------------

LOGINS = """\
# who may send as what
alice@EXAMPLE.TEST  alice@example.test, A.Example@Example.Test
bob\t@lists.example.test bob@example.test,,
  # a comment between a row and what continues it

\tsales@example.test
svc/news@EXAMPLE.TEST news@xn--mnchen-3ya.example, b\u00fccher@m\u00fcnchen.example
"""


def test_a_row_is_a_principal_with_its_addresses_and_domains() -> None:
    table = good(LOGINS)
    assert line(table, ALICE, "alice@example.test") == 2
    assert line(table, ALICE, "a.example@example.test") == 2
    assert line(table, ALICE, "bob@example.test") == 0
    assert line(table, BOB, "sales@example.test") == 3, "a line that begins with a blank continues a row"
    assert line(table, BOB, "anybody@lists.example.test") == 3
    assert line(table, BOB, "x@sub.lists.example.test") == 0
    assert line(table, parse_principal("svc/news@EXAMPLE.TEST"), "news@m\u00fcnchen.example") == 7
    assert table.of(BOB) == (("@lists.example.test", 3), ("bob@example.test", 3), ("sales@example.test", 3))
    assert table.of(Principal("carol", "EXAMPLE.TEST")) == ()
    assert holders(table, "x@lists.example.test") == ["bob@EXAMPLE.TEST"]
    assert holders(table, "B\u00dcCHER@xn--mnchen-3ya.example") == ["svc/news@EXAMPLE.TEST"]
    assert holders(table, "ampl@e.test") == []


def test_case_and_subaddresses_are_as_the_profile_says() -> None:
    table = good("alice  Alice@example.test\n")
    assert line(table, ALICE, "aLICE@example.test") == 1
    assert line(table, ALICE, "aLICE@example.test", exact=True) == 0
    assert line(table, ALICE, "Alice@example.test", exact=True) == 1
    assert line(table, ALICE, "alice+x+y@example.test") == 0
    assert line(table, ALICE, "alice+x+y@example.test", delimiter="+") == 1
    assert holders(table, "alice+x@example.test", delimiter="+") == ["alice@EXAMPLE.TEST"]


def test_principals_are_compared_exactly_unless_the_realm_folds() -> None:
    text = "Alice@EXAMPLE.TEST alice@example.test\n"
    assert line(good(text), ALICE, "alice@example.test") == 0
    assert line(good(text), Principal("alice", "example.test"), "alice@example.test") == 0
    table = good(text, fold=frozenset({"EXAMPLE.TEST"}))
    assert line(table, ALICE, "alice@example.test") == 1
    assert line(table, Principal("ALICE", "EXAMPLE.TEST"), "alice@example.test") == 1


@pytest.mark.parametrize(
    ("row", "where", "says"),
    [
        ("alice@EXAMPLE.TEST\n", "1:1", "no address"),
        ("alice@EXAMPLE.TEST  alice\n", "1:21", "no @"),
        ("alice@EXAMPLE.TEST  a@x.test, b@y..test\n", "1:31", "host name"),
        ("# x\nalice  a@x.test\n   b@\n", "3:4", "host name"),
        ("alice *@example.test\n", "1:7", "wildcards"),
        ("alice {user}@example.test\n", "1:7", "templates"),
        ("alice *\n", "1:7", "no @"),
        ("alice a@x.test # mine\n", "1:16", "no @"),
        ("alice, a@x.test\n", "1:1", "commas"),
        ("alice@ a@x.test\n", "1:1", "realm"),
        ("a@b@C a@x.test\n", "1:1", "two @"),
        ("/alice a@x.test\n", "1:1", "component"),
        ("alice .a@x.test\n", "1:7", "local part"),
        ("alice a@-x.test\n", "1:7", "host name"),
        (f"alice a@{'x' * 64}.test\n", "1:7", "host name"),
        (f"alice {'a' * 65}@x.test\n", "1:7", "local part"),
        ("alice a@x.test\nbob b@x.test\nalice@EXAMPLE.TEST c@x.test\n", "3:1", "already stands in line 1"),
        ("  alice a@x.test\n", "1:1", "continues"),
        ("alice a@x.test\x00\n", "1:7", "U+0000"),
    ],
)
def test_a_bad_row_is_an_error_with_its_place(row: str, where: str, says: str) -> None:
    table, problems = read(row)
    assert table is None
    assert any(str(p).startswith(f"senders:{where}: error: ") and says in p.message for p in problems), problems


def test_a_login_without_realm_is_an_error_where_the_file_gives_none() -> None:
    assert read("alice a@x.test\n", realm="")[0] is None
    assert read("a@x.test alice\n", "texthash", realm="")[0] is None
    assert read("/x/ alice\n", "regexp", realm="")[0] is None


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("Alice a@x.test\nalice b@x.test\n", "logins"),
        ("a@x.test Alice\nb@x.test alice\n", "texthash"),
        ("/^a@/ Alice\n/^b@/ alice\n", "regexp"),
    ],
)
def test_logins_that_differ_in_case_only_are_warned_of(text: str, form: str) -> None:
    table, problems = read(text, form)
    assert table is not None
    assert [(p.line, p.is_error) for p in problems] == [(2, False)]
    assert "differ in case only" in problems[0].message
    folded, problems = read(text, form, fold=frozenset({"EXAMPLE.TEST"}))
    assert (folded is None) is (form == "logins"), "in one row a login, in the others one login of two rows"


def test_a_realm_in_lower_case_is_warned_of_once() -> None:
    text = "".join(f"u{n}@example.test u{n}@example.test\n" for n in range(50))
    table, problems = read(text, realm="")
    assert table is not None
    assert len(problems) == 1
    assert "EXAMPLE.TEST" in problems[0].suggestion


def test_a_hundred_problems_are_listed_and_the_others_counted() -> None:
    text = "".join(f"u{n} nonsense\n" for n in range(5_000))
    _, problems = read(text)
    assert len(problems) == 101
    assert problems[0].line == 1
    assert problems[-1].message.startswith("4900 more")
    assert problems[-1].is_error


_WORD = st.text(st.sampled_from("ab.-+_@,/ '\t*AB=\u00e9"), max_size=12)
_ADDRESS = st.builds(
    lambda a, b: f"{a}@{b}",
    st.text(st.sampled_from("aB.+-_'="), max_size=6),
    st.text(st.sampled_from("aB.-x"), max_size=8),
)


@given(st.lists(st.tuples(st.one_of(_WORD, _ADDRESS), st.lists(st.one_of(_ADDRESS, _WORD), max_size=3)), max_size=4))
@example([("alice", ["a@xn--a.test"])])
@example([("alice", ["a@x--y.test", "a@ab--y.test"])])
def test_the_quick_way_says_what_the_strict_one_says(rows: list[tuple[str, list[str]]]) -> None:
    """A row that is continued is never read the quick way."""
    for form in ("logins", "texthash"):
        plain = "".join(f"{key} {', '.join(words)}\n" for key, words in rows)
        slow = "".join(f"{key}\n {', '.join(words)}\n" for key, words in rows)
        one, _ = read(plain, form)
        other, _ = read(slow, form)
        assert (one is None) == (other is None), plain
        if one is not None and other is not None:
            assert _without_lines(one) == _without_lines(other), plain


def _without_lines(table: Table) -> list[tuple[str, str, str]]:
    return [(e.key, e.values, e.written) for e in entries(dumped(table))]


@given(_ADDRESS, _ADDRESS, st.booleans(), st.sampled_from(["", "+", "-"]))
def test_a_pattern_of_a_file_means_what_it_means_in_the_profile(
    pattern: str, used: str, exact: bool, delimiter: str
) -> None:
    table, _ = read(f"alice {pattern}\n")
    try:
        address = parse_address(used.encode())
    except AddressError:
        return
    if table is None:
        return
    local, _, domain = table.of(ALICE)[0][0].rpartition("@")
    meant = SenderPattern(local, domain).matches(address, exact_case=exact, delimiter=delimiter)
    assert (table.line_for(ALICE, address, exact_case=exact, delimiter=delimiter) == 1) is meant
    assert (table.holders(address, exact_case=exact, delimiter=delimiter) != ()) is meant


@given(st.text(max_size=200), st.sampled_from(list(SenderFormat)))
def test_no_text_makes_it_raise(text: str, form: SenderFormat) -> None:
    table, problems = read(text, form)
    assert (table is None) is any(p.is_error for p in problems)
    assert all(p.line >= 0 and p.column >= 0 for p in problems)


@given(
    st.dictionaries(
        st.text(st.sampled_from("ab@.\u00e9\U0001f600"), min_size=1, max_size=5), st.integers(1, 99), max_size=30
    )
)
def test_every_row_is_found_and_no_other(rows: dict[str, int]) -> None:
    table = joined([packed(key, number, "v") for key, number in rows.items()])
    assert {key: entry.line for key in rows if (entry := find(table, key))} == rows
    for other in ("", "a", "ab", "\uffff", "~"):
        assert (find(table, other) is not None) is (other in rows)


@pytest.mark.parametrize(
    ("text", "form"), [(LOGINS, "logins"), ("a@x.test alice\n", "texthash"), ("/^(.*)@x\\.test$/ $1\n", "regexp")]
)
def test_a_table_survives_the_way_to_another_process(text: str, form: str) -> None:
    source = SenderFile("senders", SenderFormat(form), "EXAMPLE.TEST")
    table = good(text, form)
    assert loaded(dumped(table), source, fold_realms=frozenset()).of(ALICE) == table.of(ALICE) != ()


# -- Postfix's maps ----------------------------------------------------------------------------------------------------

MAP = """\
alice@example.test  alice
Sales@Example.test  alice, bob
sales+eu@example.test   bob
@example.test       svc/desk@EXAMPLE.TEST
"""


def test_in_a_map_the_most_specific_row_decides_alone() -> None:
    table = good(MAP, "texthash")
    assert line(table, ALICE, "sales@example.test") == 2
    assert line(table, ALICE, "sales+eu@example.test") == 0
    assert line(table, BOB, "sales+eu@example.test", delimiter="+") == 3
    assert line(table, ALICE, "sales+us@example.test", delimiter="+") == 2
    assert line(table, ALICE, "sales+us@example.test") == 0
    desk = parse_principal("svc/desk@EXAMPLE.TEST")
    assert line(table, desk, "alice@example.test") == 0
    assert line(table, desk, "other@example.test") == 4
    assert line(table, desk, "other@sub.example.test") == 0
    assert table.of(ALICE) == (("alice@example.test", 1), ("Sales@example.test", 2))
    assert holders(table, "SALES@example.test") == ["alice@EXAMPLE.TEST", "bob@EXAMPLE.TEST"]
    assert holders(table, "SALES@example.test", exact=True) == ["svc/desk@EXAMPLE.TEST"]


@pytest.mark.parametrize(
    ("row", "where", "says"),
    [
        ("alice  alice\n", "1:1", "no @"),
        ("alice@  alice\n", "1:1", "host name"),
        ("a@x.test\n", "1:1", "no login"),
        ("a@x.test  alice, b@c@D\n", "1:18", "two @"),
        ("a@x.test alice\nA@X.test bob\n", "2:1", "already stands in line 1"),
        ('"a b"@x.test alice\n', "1:1", "no @"),
    ],
)
def test_a_bad_row_of_a_map_is_an_error_with_its_place(row: str, where: str, says: str) -> None:
    table, problems = read(row, "texthash")
    assert table is None
    assert any(str(p).startswith(f"senders:{where}: error: ") and says in p.message for p in problems), problems


# -- expressions -------------------------------------------------------------------------------------------------------

RULES = r"""
# people
/^(ceo|cfo)@example\.test$/   carol
if /@example\.test$/
!/^[a-z.]+(\+[^@]*)?@/   svc/robot@EXAMPLE.TEST
/^([^@+]+)(\+[^@]*)?@/        $1, ${1}.work@EXAMPLE.TEST
endif
/@Other\.test$/
   alice, $$x
"""


def test_the_first_expression_that_matches_decides_alone() -> None:
    table = good(RULES, "regexp")
    assert line(table, Principal("carol", "EXAMPLE.TEST"), "CEO@example.test") == 3
    assert line(table, Principal("ceo", "EXAMPLE.TEST"), "ceo@example.test") == 0
    assert line(table, ALICE, "alice+tag@example.test") == 6
    assert line(table, Principal("alice.work", "EXAMPLE.TEST"), "Alice@example.test") == 6
    assert holders(table, "x9@example.test") == ["svc/robot@EXAMPLE.TEST"]
    assert holders(table, "any@other.test") == ["alice@EXAMPLE.TEST", "$x@EXAMPLE.TEST"]
    assert holders(table, "any@third.test") == []
    assert [number for _, number in table.of(ALICE)] == [6, 8]


def test_what_is_filled_in_is_a_name_of_one_component_and_no_realm() -> None:
    table = good("/^(.*)$/ $1\n", "regexp")
    assert holders(table, "alice@example.test") == []
    table = good(r"/^(.*)@example\.test$/ $1" + "\n", "regexp")
    assert holders(table, "alice@example.test") == ["alice@EXAMPLE.TEST"]
    assert holders(table, "alice/admin@example.test") == []
    assert line(table, Principal("Alice", "EXAMPLE.TEST"), "Alice@example.test", exact=True) == 1
    assert line(table, Principal("Alice", "EXAMPLE.TEST"), "Alice@example.test") == 0
    assert holders(good("/^(x*)a@/ $1\n", "regexp"), "a@example.test") == [], "a group that holds nothing names nobody"


@pytest.mark.parametrize(
    ("row", "where", "says"),
    [
        ("/a/\n", "1:1", "no login"),
        ("/a alice\n", "1:1", "no expression"),
        ("alice@example.test alice\n", "1:1", "no expression"),
        ("/a/q alice\n", "1:4", "flag `q`"),
        ("/a/x alice\n", "1:4", "flag `x`"),
        ("/(a/ alice\n", "1:2", "closing )"),
        ("/a)/ alice\n", "1:3", "without its ("),
        ("/[[.a.]]/ alice\n", "1:3", "[. .]"),
        ("/[[=a=]]/ alice\n", "1:3", "[= =]"),
        ("/[[:alfa:]]/ alice\n", "1:2", "no such character class"),
        ("/[z-a]/ alice\n", "1:2", "backwards"),
        (r"/(a)\1/ alice" + "\n", "1:5", "refers back"),
        (r"/\d/ alice" + "\n", "1:2", "means nothing"),
        ("/\\\u2028/ alice\n", "1:2", "means nothing"),
        ("/[\x1b-\x01]/ alice\n", "1:2", "backwards"),
        ("/a(?:b)/ alice\n", "1:3", "Perl"),
        ("/a*?/ alice\n", "1:3", "repeat of a repeat"),
        ("/*a/ alice\n", "1:2", "repeats nothing"),
        ("/a{2/ alice\n", "1:3", "begins no"),
        ("/a{3,2}/ alice\n", "1:3", "counts"),
        ("/a||b/ alice\n", "1:4", "nothing stands here"),
        ("/(a)/ $2\n", "1:7", "no $2"),
        ("!/(a)/ $1\n", "1:8", "must not match"),
        ("/(a)/ $1@$1\n", "1:7", "realm must be written out"),
        ("/(a)/ $x\n", "1:7", "number"),
        ("/(a)/ $1x\n", "1:7", "number"),
        ("/^(a|ab)c/ $1\n", "1:12", "begin alike"),
        ("if /a/\n/b/ alice\n", "1:1", "no endif"),
        ("endif\n", "1:1", "no `if`"),
        ("if /a/ alice\nendif\n", "1:1", "has no logins"),
        ("/a/ alice,\n  b@c@D\n", "2:3", "two @"),
    ],
)
def test_a_bad_expression_is_an_error_with_its_place(row: str, where: str, says: str) -> None:
    table, problems = read(row, "regexp")
    assert table is None
    assert any(str(p).startswith(f"senders:{where}: error: ") and says in str(p) for p in problems), problems
    assert all(p.message.isprintable() for p in problems)


@pytest.mark.parametrize(
    "expression",
    [
        "^.*[a-z]*.*[a-z]*@x$",
        "(a+)+$", "(a*)*b", "(a|a)*b", "(a|ab)*c", "([a-z]+)*x", "^(.*.*)*@", "(a?)*b", "((a*)b?)+c",
        "a?" * 30 + "a" * 30,
        "^.*.*.*@x$", ".*@.*[.].*[.]test$", "(x+x+)+y", "(.|[a-z])+@", "^(a{0,9}){0,9}b", "(([a-z])+.)+[A-Z]([a-z])+$",
        "[a-z]+[a-z0-9]+[a-z._]+@", "(a|b|ab){30}c", "^(a?){255}b",
    ],
)  # fmt: skip
def test_an_expression_that_a_sender_could_make_slow_is_refused(expression: str) -> None:
    with pytest.raises(ExpressionError):
        read_expression(expression, ignores_case=True)


SUBJECTS = ("a" * 320, "a." * 160, "a" * 64 + "@" + "a." * 127, "ab" * 160, "a+" * 32 + "@" + "a" * 253, "@" * 320)


@pytest.mark.parametrize(
    "expression",
    [
        r"^(.*)@(.*)\.example\.test$", "(.*)@(.*)", r"^([^@+]+)(\+[^@]*)?@example\.test$", r"@example\.test$",
        "^[a-z.]*[a-z]*x$", "[a-z]*x[0-9]", r"^(news|shop|help)-[0-9]{1,5}@example\.test$",
        "^((a|b)c)*d$", "[[:alnum:]._-]+@x", "^.*[a-z]*[.][0-9]*@[0-9]$", r"^[a-z]+\.[a-z]+@example\.(com|org|test)$",
    ],
)  # fmt: skip
def test_what_is_let_through_is_quick_on_the_worst_addresses(expression: str) -> None:
    read_ = read_expression(expression, ignores_case=True)
    start = time.process_time()
    for subject in SUBJECTS:
        read_.pattern.search(subject[:MAX_SUBJECT])
    assert time.process_time() - start < 0.3


def test_capitals_that_count_are_warned_of() -> None:
    table, problems = read("/^CEO@/i carol\n/^CFO@/ carol\n", "regexp")
    assert table is not None
    assert [(p.line, p.column, p.is_error) for p in problems] == [(1, 2, False)]


def test_expressions_that_are_slow_together_are_refused() -> None:
    table, problems = read("/^.*[a-z].*x@y/ alice\n" * 200, "regexp")
    assert table is None
    assert sum("together" in p.message for p in problems) == 1


# Nothing here may be slow for the machine that tests it: `regcomp` has its own ideas of time.
_PIECES = (
    "a",
    "b",
    r"\.",
    ".",
    "[ab]",
    "[^a]",
    "[]a]",
    r"[\.b]",
    "[[:alpha:]]",
    "(a)",
    "(b|ca)",
    "a*",
    "b+",
    "[ab]?",
    "c{1,2}",
    "@",
)


@given(st.lists(st.sampled_from(_PIECES), min_size=1, max_size=6), st.text(st.sampled_from("abc.@\\]"), max_size=8))
def test_our_translation_matches_as_the_same_text_in_python_would(pieces: list[str], subject: str) -> None:
    """For pieces that both languages share; brackets are spelled out for Python."""
    own = "".join(pieces)
    spelled = {"[]a]": r"[\]a]", r"[\.b]": r"[\\.b]", "[[:alpha:]]": "[A-Za-z]"}
    theirs = "".join(spelled.get(piece, piece) for piece in pieces)
    try:
        found = read_expression(own, ignores_case=False).pattern.search(subject)
    except ExpressionError:
        assume(False)
    expected = re.search(theirs, subject)
    assert (found and found.groups()) == (expected and expected.groups())


# -- the same files, asked by Postfix itself ---------------------------------------------------------------------------


ASKED = [
    "alice@example.test", "alice+tag@example.test", "ceo@example.test", "x9@example.test", "a.b@example.test",
    "any@other.test", "sales@example.test", "sales+eu@example.test", "q@example.test.evil.test", "ab-1@example.test",
    "under_score@x.test", "aa@x.test", "aaa@x.test", "b@x.test", "abcb@y.test",
]  # fmt: skip


TABLES = {
    "rules": ("regexp", RULES),
    "intervals": ("regexp", "/^a{2}@/ two\n/^a{1,}@/ many\n/^[]]@/ bracket\n/^[[:alnum:]_]+@x/ word\n"),
    "negated": ("regexp", "!/^a/ nota\n/^(a|b)(.*)@example/ $1, $2\n/./ rest\n"),
    "nested": ("regexp", "if !/example/\nif /x/\n/^(a)(b)?/ $1.$2.x\nendif\n/y/ y\nendif\n/^([^@]*)@/ e.$(1)\n"),
    "delimiters": ("regexp", "|^ab.*\\||  pipe\n/^ab-[0-9]@/ digits\n/\\.evil\\./ evil\n"),
    "map": ("texthash", MAP),
}


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, str]]:
    """What postmap answers, by table and key; all asked at once, since it takes its time to start."""
    if shutil.which("postmap") is None:
        pytest.skip("postmap is not installed")
    folder = tmp_path_factory.mktemp("postfix")
    (folder / "main.cf").write_text(
        f"queue_directory = {folder}\ndata_directory = {folder}\n"
        "command_directory = /usr/sbin\ncompatibility_level = 3.6\n"
    )
    running: dict[str, subprocess.Popen[str]] = {}
    for name, (form, text) in TABLES.items():
        (folder / name).write_text(text)
        running[name] = subprocess.Popen(
            ["postmap", "-c", str(folder), "-q", "-", f"{form}:{folder}/{name}"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
    found: dict[str, dict[str, str]] = {}
    for name, process in running.items():
        output, _ = process.communicate("\n".join(ASKED) + "\n", timeout=60)
        assert "warning" not in output, output
        found[name] = dict(answer.split("\t", 1) for answer in output.splitlines())
    return found


@pytest.mark.parametrize("name", TABLES)
def test_tables_decide_as_postfix_says(said: dict[str, dict[str, str]], name: str) -> None:
    """For a map, of what is found at the first look: the others are smtpd's."""
    form, text = TABLES[name]
    table = good(text, form)
    assert said[name]
    for key in ASKED if form == "regexp" else said[name]:
        logins = [login for login in re.split(r"[,\s]+", said[name].get(key, "")) if login]
        ours = [name.removesuffix("@EXAMPLE.TEST") for name in holders(table, key)]
        assert ours == [login.removesuffix("@EXAMPLE.TEST") for login in logins], key


# -- the manual --------------------------------------------------------------------------------------------------------

MANUAL = (Path(__file__).resolve().parents[2] / "doc" / "senders.md").read_text()
AD = """\
dn: CN=Alice Example,OU=People,DC=example,DC=test
sAMAccountName: Alice
mail: Alice.Example@example.test
proxyAddresses: SMTP:alice.example@example.test
proxyAddresses: smtp:alice@example.test
proxyAddresses: X500:/o=Example/ou=x/cn=alice

# refldap://elsewhere.example.test/DC=elsewhere

dn:: Q049QsO2Yg==
proxyAddresses: smtp:bob@example.test
sAMAccountName: bob

dn: CN=Without address
sAMAccountName: carol

dn: CN=Base64
sAMAccountName: dora
mail:: ZG9yYUBtw7xuY2hlbi5leGFtcGxl
proxyAddresses: SMTP:dora@example.test

dn: CN=Odd name
sAMAccountName: e f
mail: ef@example.test
"""
IPA = """\
dn: uid=alice,cn=users,cn=accounts,dc=example,dc=test
krbPrincipalName: alice@EXAMPLE.TEST
krbPrincipalName: a.example@EXAMPLE.TEST
krbPrincipalName: alice\\@corp.example@EXAMPLE.TEST
mail: alice@example.test
mail: a.example@example.test

dn: uid=bob,cn=users,cn=accounts,dc=example,dc=test
mail: bob@example.test
krbPrincipalName: bob@EXAMPLE.TEST
"""


def awk(script: str, ldif: str, *options: str) -> subprocess.CompletedProcess[str]:
    if shutil.which("awk") is None:
        pytest.skip("awk is not installed")
    return subprocess.run(["awk", *options, script], input=ldif, capture_output=True, text=True, check=False)


def test_the_awk_scripts_of_the_manual_write_files_that_are_read() -> None:
    ad, ipa = re.findall(r"```awk\n(.*?)```", MANUAL, re.S)
    done = awk(ad, AD, "-v", "realm=EXAMPLE.TEST")
    assert done.returncode == 1
    assert "base64" in done.stderr
    assert "CN=Base64" in done.stderr
    assert "e f" in done.stderr
    table = good(done.stdout, realm="", fold=frozenset({"EXAMPLE.TEST"}))
    assert [p for p, _ in table.of(ALICE)] == ["Alice.Example@example.test", "alice@example.test"]
    assert [p for p, _ in table.of(BOB)] == ["bob@example.test"]
    assert [p for p, _ in table.of(Principal("dora", "EXAMPLE.TEST"))] == ["dora@example.test"]
    assert len(done.stdout.splitlines()) == 3
    assert awk(ad, AD.partition("dn: CN=Base64")[0].replace("\n", "\r\n"), "-v", "realm=R").returncode == 0
    assert "ldif-wrap=no" in awk(ad, "dn: x\nmail: a@\n example.test\n", "-v", "realm=R").stderr
    done = awk(ipa, IPA)
    assert (done.returncode, done.stderr) == (0, "")
    table = good(done.stdout, realm="")
    for name in ("alice", "a.example", "alice\\@corp.example"):
        found = [pattern for pattern, _ in table.of(Principal(name, "EXAMPLE.TEST"))]
        assert found == ["alice@example.test", "a.example@example.test"], name
    assert [p for p, _ in table.of(BOB)] == ["bob@example.test"]


def test_the_examples_of_the_manual_are_in_order() -> None:
    formats = re.findall(r"^## `(\w+)`.*?```\n(.*?)```", MANUAL, re.S | re.M)
    assert {form for form, _ in formats} == set(SenderFormat)
    for form, text in formats:
        assert not read(text, form)[1], form


# -- files that are not what they were taken for -----------------------------------------------------------------------


@pytest.mark.parametrize("form", ["logins", "texthash", "regexp"])
@pytest.mark.parametrize("text", ["", "\n# alice@EXAMPLE.TEST  alice@example.test\n\n"])
def test_a_file_without_a_row_is_warned_of(text: str, form: str) -> None:
    table, problems = read(text, form)
    assert table is not None
    ((message, is_error),) = [(p.message, p.is_error) for p in problems]
    assert "has no row" in message
    assert not is_error


@pytest.mark.parametrize(
    "text",
    [
        "# by address\nalice@example.test  alice\nsales@example.test  alice, bob\n@lists.test  svc/lists\n",
        "\nalice@example.test  alice@EXAMPLE.TEST\nbob@example.test  bob@EXAMPLE.TEST\n",
    ],
)
def test_a_map_by_address_read_as_logins_is_one_error_that_names_the_format(text: str) -> None:
    table, problems = read(text)
    assert table is None
    (problem,) = problems
    assert (problem.line, problem.is_error) == (2, True)
    assert "`format: texthash`?" in problem.suggestion


def test_a_few_rows_turned_round_are_told_each_among_good_ones() -> None:
    _, problems = read("a@EXAMPLE.TEST  a@example.test\nb  b@example.test\nc@example.test  c\n")
    assert [(p.line, p.is_error) for p in problems if p.is_error] == [(3, True)]
    assert not any("texthash" in p.suggestion for p in problems)


def test_a_realm_in_lower_case_is_not_taken_for_a_map() -> None:
    table, problems = read("alice@example.test  alice@example.test\n")
    assert table is not None, problems
