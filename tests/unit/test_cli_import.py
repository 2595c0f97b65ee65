"""`sealgate import`: a map turned around gives nobody more than it did, and says what it left out."""

import json
import subprocess
from pathlib import Path

import pytest

from sealgate.mail.address import parse_address
from sealgate.profile.model import SenderFile, SenderFormat
from sealgate.profile.parse import draft_profile
from sealgate.profile.senders import parse_sender_table
from tests.lab.command import sealgate

MAP = """\
alice@example.test      alice
Sales@Example.test      alice, bob
sales+eu@example.test   bob
news@other.test         svc/news@EXAMPLE.TEST, desk
@example.test           desk
@other.test             desk
"""
RULES = r"""
/^ceo@example\.test$/   carol
/^(.*)@people\.test$/   $1
/^ceo@example\.test$/   mallory
/^.*@lists\.test$/      svc/lists
/@example\.test$/       desk
/^a.c@third\.test$/     alice
"""


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    return sealgate("import", *arguments)


def turn(folder: Path, text: str, *options: str) -> subprocess.CompletedProcess[str]:
    path = folder / "map"
    path.write_text(text)
    return run("sender-login-maps", path, "--realm", "EXAMPLE.TEST", *options)


def test_help_shows_examples() -> None:
    done = run("sender-login-maps", "--help")
    assert done.returncode == 0
    assert "sealgate import sender-login-maps /etc/postfix/sender_logins --realm" in done.stdout


def test_a_map_becomes_a_file_of_logins_that_gives_nobody_more(tmp_path: Path) -> None:
    done = turn(tmp_path, MAP)
    assert done.returncode == 1, done.stderr
    assert done.stdout.splitlines() == [
        "alice@EXAMPLE.TEST  alice@example.test, Sales@example.test",
        "bob@EXAMPLE.TEST  Sales@example.test, sales+eu@example.test",
        "desk@EXAMPLE.TEST  news@other.test, @other.test",
        "svc/news@EXAMPLE.TEST  news@other.test",
    ]
    assert "map:5:1: warning: left out: @example.test of `desk@EXAMPLE.TEST`" in done.stderr
    assert "recipient_delimiter" in done.stderr
    before, _ = parse_sender_table(MAP, SenderFile("x", SenderFormat.TEXTHASH, "EXAMPLE.TEST"), fold_realms=frozenset())
    after, problems = parse_sender_table(done.stdout, SenderFile("x"), fold_realms=frozenset())
    assert before is not None
    assert after is not None, problems
    for text in ("alice@example.test", "sales@example.test", "sales+eu@example.test", "x@other.test", "x@example.test"):
        address = parse_address(text.encode())
        had = {name for name, _ in before.holders(address, exact_case=False, delimiter="")}
        has = {name for name, _ in after.holders(address, exact_case=False, delimiter="")}
        assert has <= had, text
        assert has == had or text == "x@example.test"


def test_a_row_with_an_error_is_named_and_keeps_domains_out(tmp_path: Path) -> None:
    """Postfix gives `ceo` to carol alone; without that row `@example.test` would give it to desk."""
    done = turn(
        tmp_path, "ceo carol\n@example.test desk\nalice@example.test alice\nalice@example.test bob\nb@x.test b\n"
    )
    assert done.returncode == 1
    assert done.stdout == "b@EXAMPLE.TEST  b@x.test\n"
    assert "map:1:1: error" in done.stderr
    assert "map:2:1: warning: left out" in done.stderr
    assert "map:4:1: error" in done.stderr


def test_expressions_become_addresses_and_domains_or_are_left_out_with_the_reason(tmp_path: Path) -> None:
    done = turn(tmp_path, RULES, "--format", "regexp")
    assert done.returncode == 1
    assert done.stdout.splitlines() == ["carol@EXAMPLE.TEST  ceo@example.test", "svc/lists@EXAMPLE.TEST  @lists.test"]
    for line, reason in (
        (3, "{user}@example.test"),
        (4, "never reached: line 2 decides"),
        (6, "would take in ceo@example.test"),
        (7, "dots escaped"),
    ):
        assert any(f"map:{line}:1: warning: left out" in row and reason in row for row in done.stderr.splitlines()), (
            line
        )
    hidden = "if /x/\n/^a@x/ a\nendif\n/@x\\.test$/ desk\n"
    assert "comes after line 1" in turn(tmp_path, hidden, "--format", "regexp").stderr


def test_the_fragment_for_a_profile_is_read_as_one(tmp_path: Path) -> None:
    done = turn(tmp_path, MAP, "--as", "profile")
    profile, problems = draft_profile("version: 1\n" + done.stdout, "x")
    assert not [p for p in problems if p.is_error], problems
    assert {str(i.principals[0]): [str(s) for s in i.senders] for i in profile.identities}["desk@EXAMPLE.TEST"] == [
        "news@other.test",
        "@other.test",
    ]


def test_json_is_an_object_a_principal(tmp_path: Path) -> None:
    rows = [json.loads(line) for line in turn(tmp_path, MAP, "--json").stdout.splitlines()]
    assert rows[0] == {
        "principal": "alice@EXAMPLE.TEST", "senders": ["alice@example.test", "Sales@example.test"], "lines": [1, 2]
    }  # fmt: skip


@pytest.mark.parametrize(("text", "status"), [("a@x.test a\n", 0), ("", 65), ("nonsense\n", 65)])
def test_statuses_are_those_of_sysexits(tmp_path: Path, text: str, status: int) -> None:
    assert turn(tmp_path, text).returncode == status


def test_usage_and_missing_files(tmp_path: Path) -> None:
    assert run("sender-login-maps", tmp_path / "none", "--realm", "R").returncode == 65
    assert run("sender-login-maps", tmp_path / "none").returncode == 64
    assert run("sender-login-maps", tmp_path / "none", "--realm", "@").returncode == 64


def test_a_realm_in_small_letters_is_warned_of(tmp_path: Path) -> None:
    done = turn(tmp_path, "alice@example.test  alice\n", "--realm", "example.test")
    assert done.returncode == 0
    assert "--realm example.test is not in capitals" in done.stderr
    assert "EXAMPLE.TEST" in done.stderr
    assert "capitals" not in turn(tmp_path, "alice@example.test  alice\n").stderr
