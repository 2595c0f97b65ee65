"""`sealgate screen` as a shell sees it: what it takes, what it tells, and its exit status."""

import io
import json
import os
import pty
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import pytest

from sealgate.cli import main
from tests.drivers.cases import all_cases, profile_text
from tests.lab.gate import ROOT
from tests.unit.test_screening import ADDRESS, LAWFUL


@dataclass
class Done:
    returncode: int
    stdout: str
    stderr: str


def screen(*arguments: object, stdin: bytes = b"", columns: int = 100) -> Done:
    """The command in this process: a process of its own for each call would take most of the time."""
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8") for _ in range(2))
    with pytest.MonkeyPatch.context() as here, redirect_stdout(out), redirect_stderr(err):
        here.setattr(sys, "argv", ["sealgate", "screen", *map(str, arguments)])
        here.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        here.setenv("COLUMNS", str(columns))
        with pytest.raises(SystemExit) as end:
            main()
    out.flush()
    err.flush()
    return Done(int(end.value.code or 0), out.buffer.getvalue().decode(), err.buffer.getvalue().decode())


@pytest.fixture(scope="module")
def profile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("screen") / "profile.yaml"
    path.write_text(profile_text("enforce").replace("{keys}", str(path.parent / "not-here")))
    return path


def message(name: str) -> bytes:
    return next(case.message for case in all_cases() if case.name == name)


def test_a_lawful_message_is_explained_and_passes_without_keys(profile: Path, tmp_path: Path) -> None:
    (tmp_path / "good.eml").write_bytes(message("lawful-newsletter"))
    done = screen(tmp_path / "good.eml", "--profile", profile)
    assert done.returncode == 0, done.stdout + done.stderr
    for words in ("would leave", "identity newsletter", "postal address", "opt-out", "seal", "by example.test"):
        assert words in done.stdout, words


def test_a_refusal_says_rule_law_remedy_and_where_it_looked(profile: Path) -> None:
    done = screen("-", "--profile", profile, stdin=message("newsletter-without-address"))
    assert done.returncode == 1
    text = " ".join(done.stdout.split())
    for words in (
        "550 5.7.1 canspam.no-postal-address (15 USC 7704(a)(5)(A)(iii))",
        "mend: put the sender's street address",
        "postal address: absent; looked in part 1 and 2",
        "looked at part 2, text/html",
    ):
        assert words in text, words


def test_templates_are_taken_by_name_and_by_their_beginning(profile: Path, tmp_path: Path) -> None:
    (tmp_path / "spring.html").write_text(LAWFUL)
    (tmp_path / "spring.txt").write_text(f"Chairs!\n{ADDRESS}\nTo unsubscribe: https://www.example.test/u/k3j9\n")
    for name in ("spring.html", "spring.txt"):
        done = screen(tmp_path / name, "--identity", "newsletter", "--profile", profile)
        assert done.returncode == 0, done.stdout + done.stderr
        assert "not judged" in done.stdout
    assert screen("-", "--profile", profile, stdin=LAWFUL.encode()).returncode == 0


def test_show_renders_the_end_of_the_visible_text(profile: Path, tmp_path: Path) -> None:
    hidden = '<div style="display:none">Only for machines</div>'
    (tmp_path / "a.html").write_text(LAWFUL.replace("<body>", "<body>" + hidden))
    done = screen(tmp_path / "a.html", "--profile", profile, "--show", columns=80)
    assert "  | " in done.stdout
    assert ADDRESS in done.stdout.replace("[[", "").replace("]]", "").replace("\n  | ", " ")
    assert "Only for machines" not in done.stdout
    assert max(map(len, done.stdout.splitlines()[1:])) <= 80  # the first is the name of the file


def test_folders_and_mailboxes_give_a_line_each_and_a_sum(profile: Path, tmp_path: Path) -> None:
    good, bad = message("lawful-newsletter"), message("newsletter-without-address")
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "b.eml").write_bytes(good)
    (tmp_path / "in" / "a.mbox").write_bytes(b"".join(b"From x@y Thu\n" + one + b"\n" for one in (good, bad, good)))
    done = screen(tmp_path / "in", "--profile", profile)
    assert done.returncode == 1
    lines = done.stdout.splitlines()
    assert lines[0].startswith(f"{tmp_path}/in/a.mbox:1: would leave")
    assert "4 messages, 1 would not leave" in done.stdout
    assert "1  canspam.no-postal-address" in done.stdout
    brief = screen(tmp_path / "in", "--profile", profile, "--brief").stdout
    assert [line.partition(": ")[2].partition(":")[0] for line in brief.splitlines()[:4]] == [
        "would leave", "would be refused", "would leave", "would leave"
    ]  # fmt: skip
    rows = [json.loads(line) for line in screen(tmp_path / "in", "--profile", profile, "--json").stdout.splitlines()]
    assert [row["file"].rpartition("/")[2] for row in rows] == ["a.mbox:1", "a.mbox:2", "a.mbox:3", "b.eml"]
    assert [row["verdict"] for row in rows] == ["accept", "reject", "accept", "accept"]


def test_json_holds_what_was_looked_at_found_and_planned(profile: Path) -> None:
    done = screen("-", "--profile", profile, "--json", stdin=message("newsletter-without-address"))
    (row,) = [json.loads(line) for line in done.stdout.splitlines()]
    finding = next(one for one in row["findings"] if one["stops"])
    assert (finding["code"], finding["law"]) == ("canspam.no-postal-address", "15 USC 7704(a)(5)(A)(iii)")
    assert {"says", "remedy", "detail", "where"} <= set(finding)
    assert {(one["name"], one["state"]) for one in row["elements"]} >= {
        ("postal-address", "absent"),
        ("opt-out", "live"),
    }
    assert [one["kind"] for one in row["looked"]] == ["text/plain", "text/html"]
    assert row["seal"]["domain"] == "example.test"
    assert "List-Unsubscribe" in row["seal"]["names"]


def test_what_cannot_be_read_is_65_and_the_rest_is_told(profile: Path, tmp_path: Path) -> None:
    good = tmp_path / "good.eml"
    good.write_bytes(message("lawful-newsletter"))
    done = screen(tmp_path / "none.eml", good, "--profile", profile)
    assert done.returncode == 65
    assert "none.eml: No such file" in done.stderr
    assert "would leave" in done.stdout
    bad = tmp_path / "bad.eml"
    bad.write_bytes(message("newsletter-without-address"))
    assert screen(tmp_path / "none.eml", bad, "--profile", profile).returncode == 1
    (tmp_path / "empty").mkdir()
    done = screen(tmp_path / "empty", "--profile", profile)
    assert done.returncode == 65
    assert "no *.eml, *.mbox or *.html in" in done.stderr


def test_a_sender_that_nobody_knows_is_asked_for(profile: Path) -> None:
    done = screen("-", "--profile", profile, stdin=b"From: x@elsewhere.example\n\nHello\n")
    assert done.returncode == 65
    assert "say --identity NAME or --as PRINCIPAL" in done.stderr
    assert "newsletter" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--as", "alice"), "no realm: write user@REALM"),
        (("--identity", "newsleter"), "do you mean newsletter?"),
        (("--identity", "alice", "--as", "alice@EXAMPLE.TEST"), "not both"),
    ],
)
def test_wrong_usage_is_64_and_says_what_to_do(profile: Path, arguments: tuple[str, ...], says: str) -> None:
    done = screen("-", "--profile", profile, *arguments, stdin=LAWFUL.encode())
    assert done.returncode == 64
    assert says in done.stderr


def test_a_missing_profile_is_78(tmp_path: Path) -> None:
    done = screen("-", "--profile", tmp_path / "none.yaml", stdin=b"x")
    assert done.returncode == 78
    assert "none.yaml cannot be read" in done.stderr


def test_a_bar_is_shown_where_somebody_watches_and_is_taken_away(profile: Path, tmp_path: Path) -> None:
    for number in range(30):
        (tmp_path / f"{number}.eml").write_bytes(message("lawful-newsletter"))
    master, slave = pty.openpty()
    try:
        done = subprocess.run(
            [sys.executable, "-m", "sealgate", "screen", str(tmp_path), "--profile", str(profile), "-q"],
            stdout=subprocess.PIPE,
            stderr=slave,
            env=os.environ | {"PYTHONPATH": str(ROOT / "milter")},
            timeout=60,
            check=False,
        )
        drawn = os.read(master, 65_536)
    finally:
        os.close(slave)
        os.close(master)
    assert done.returncode == 0
    assert b"100%  30 messages, 0 stopped" in drawn
    assert drawn.endswith(b"\r\x1b[K")
    assert b"\x1b" not in done.stdout
    assert done.stdout.count(b"would leave") == 30


def test_a_terminal_without_unicode_breaks_nothing(profile: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "sealgate", "screen", "-", "--profile", str(profile), "--show"],
        input=LAWFUL.replace("Garden", "Gärten 花").encode(),
        capture_output=True,
        env=os.environ | {"PYTHONPATH": str(ROOT / "milter"), "PYTHONIOENCODING": "latin-1"},
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "Gärten ? chairs".encode("latin-1") in done.stdout
