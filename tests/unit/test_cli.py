"""The command, as a shell sees it: exit statuses, what is printed, and that it says what to do."""

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from sealgate.seal.keys import load
from tests.drivers.cases import all_cases, profile_text
from tests.lab.command import sealgate, started
from tests.lab.gate import ROOT, make_keys

VERBS = [
    (),
    ("audit",),
    ("check",),
    ("keys", "new"),
    ("mode",),
    ("screen",),
    ("serve",),
    ("who",),
    ("audit", "suggest"),
    ("import", "sender-login-maps"),
]


@pytest.fixture(scope="module")
def profile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cli")
    make_keys(folder / "keys")
    path = folder / "profile.yaml"
    path.write_text(profile_text("enforce").replace("{keys}", str(folder / "keys")))
    return path


def message(name: str) -> bytes:
    return next(case.message for case in all_cases() if case.name == name)


@pytest.mark.parametrize("verb", VERBS)
def test_help_names_the_options_and_shows_examples(verb: tuple[str, ...]) -> None:
    done = sealgate(*verb, "--help")
    assert done.returncode == 0
    assert "Usage: sealgate" in done.stdout
    if verb not in ((), ("audit",)):
        assert f"sealgate {' '.join(verb)} " in done.stdout.partition("Usage")[2].partition("\n")[2]


@pytest.mark.parametrize(
    "arguments", [("frobnicate",), ("check", "--frobnicate"), ("screen",), ("mode", "report", "--for", "9y")]
)
def test_wrong_usage_is_64(arguments: tuple[str, ...]) -> None:
    assert sealgate(*arguments).returncode == 64


# What a process of its own shows, and no other.


def test_a_shell_sees_the_same(profile: Path) -> None:
    assert "Usage: sealgate" in started("--help").stdout
    assert started("check", "--frobnicate").returncode == 64
    alice = ("--as", "alice@EXAMPLE.TEST", "--profile", profile)
    done = started("screen", "-", *alice, "--from", "bob@example.test", stdin=message("personal-mail"))
    assert done.returncode == 1
    assert "identity.envelope-sender" in done.stdout


def test_every_verb_starts_with_nothing_of_ours_imported_before() -> None:
    """Only so does a circle of imports show. The libraries are imported once, then one process a verb is forked."""
    code = (
        "import os, sys, click, cryptography.x509, dkim, dns.resolver, selectolax.lexbor, structlog, yaml\n"
        "for words in sys.argv[1:]:\n"
        "    if not os.fork():\n"
        "        from sealgate.cli import main\n"
        "        sys.argv[1:] = [*words.split(), '--help']\n"
        "        main()\n"
        "    if os.wait()[1]:\n"
        "        sys.exit(words)\n"
        "sys.exit([name for name in sys.modules if name.startswith('sealgate')] or 0)\n"
    )
    words = [" ".join(verb) for verb in VERBS if verb]
    environment = os.environ | {"PYTHONPATH": str(ROOT / "milter")}
    done = subprocess.run(
        [sys.executable, "-c", code, *words], capture_output=True, text=True, env=environment, timeout=60, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.count("Usage: ") == len(words)


def test_check_passes_a_good_profile(profile: Path) -> None:
    done = sealgate("check", "--profile", profile)
    assert done.returncode == 0, done.stderr
    assert "mode enforce, seal on" in done.stdout
    assert "2 keys" in done.stdout


def test_check_names_every_problem_at_once_with_its_place(profile: Path, tmp_path: Path) -> None:
    bad = tmp_path / "bad.yaml"
    text = profile.read_text().replace("mode: enforce", "mode: enforse").replace("kind: forwarder", "kind: list")
    bad.write_text(
        text.replace("local: yes", "local: yes\n    colour: red").replace("sign: no", "sign: no\n    sign: yes")
    )
    done = sealgate("check", "--profile", bad)
    assert done.returncode == 78
    for word in ("enforse", "list", "colour", "sign"):
        assert any(word in line and f"{bad}:" in line for line in done.stderr.splitlines()), word
    rows = [json.loads(line) for line in sealgate("check", "--profile", bad, "--json").stdout.splitlines()]
    assert all(row["line"] > 0 and row["column"] > 0 for row in rows if row["is_error"])


def test_check_refuses_a_key_that_others_can_read_and_says_how_to_mend_it(tmp_path: Path) -> None:
    make_keys(tmp_path / "keys")
    path = tmp_path / "profile.yaml"
    path.write_text(profile_text("enforce").replace("{keys}", str(tmp_path / "keys")))
    key = tmp_path / "keys" / "example.test.rsa.pem"
    key.chmod(0o644)
    done = sealgate("check", "--profile", path)
    assert done.returncode == 78
    assert f"chmod 0600 {key}" in done.stderr
    assert f"{path}:" in done.stderr
    key.unlink()
    assert "No such file" in sealgate("check", "--profile", path).stderr


def test_screen_answers_as_the_gate_would(profile: Path, tmp_path: Path) -> None:
    good, bad = tmp_path / "good.eml", tmp_path / "bad.eml"
    good.write_bytes(message("lawful-newsletter"))
    bad.write_bytes(message("newsletter-without-address"))
    news = ("--as", "svc/newsletter@EXAMPLE.TEST", "--profile", profile)
    assert sealgate("screen", good, *news).returncode == 0
    done = sealgate("screen", good, bad, *news)
    assert done.returncode == 1
    assert "550 5.7.1 canspam.no-postal-address" in done.stdout
    assert "15 USC 7704(a)(5)(A)(iii)" in done.stdout
    rows = [json.loads(line) for line in sealgate("screen", good, bad, *news, "--json").stdout.splitlines()]
    assert [row["verdict"] for row in rows] == ["accept", "reject"]


def test_screen_reads_standard_input_and_takes_an_envelope(profile: Path) -> None:
    alice = ("--as", "alice@EXAMPLE.TEST", "--profile", profile)
    assert sealgate("screen", "-", *alice, stdin=message("personal-mail")).returncode == 0
    other = sealgate("screen", "-", *alice, "--from", "bob@example.test", stdin=message("personal-mail"))
    assert "identity.envelope-sender" in other.stdout
    null = sealgate("screen", "-", *alice, "--from", "", stdin=message("forged-from-null-sender"))
    assert "identity.header-from" in null.stdout


def test_screen_refuses_what_is_no_principal(profile: Path) -> None:
    assert sealgate("screen", "-", "--as", "alice", "--profile", profile, stdin=b"").returncode == 64


def test_keys_new_writes_0600_and_prints_what_to_publish(tmp_path: Path) -> None:
    done = sealgate("keys", "new", "Example.TEST", "--selector", "s1", "--folder", tmp_path)
    path = tmp_path / "example.test.s1.pem"
    assert done.returncode == 0, done.stderr
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert load(path.read_bytes(), "example.test", "s1").algorithm == "rsa-sha256"
    assert done.stdout.startswith("s1._domainkey.example.test.")
    strings = done.stdout.split('"')[1::2]
    assert len(strings) > 1
    assert all(len(s) <= 255 for s in strings)
    assert "".join(strings).startswith("v=DKIM1; k=rsa; p=")
    again = sealgate("keys", "new", "example.test", "--selector", "s1", "--folder", tmp_path)
    assert again.returncode == 73


def test_keys_new_makes_ed25519(tmp_path: Path) -> None:
    done = sealgate("keys", "new", "example.test", "-s", "e1", "--type", "ed25519", "-D", tmp_path)
    assert "k=ed25519; p=" in done.stdout


def test_mode_says_when_no_daemon_runs(tmp_path: Path) -> None:
    for name in ("run", "state"):
        (tmp_path / name).mkdir()
    settings = tmp_path / "sealgate.yaml"
    settings.write_text(f"state: {tmp_path}/state\nruntime: {tmp_path}/run\n")
    done = sealgate("mode", "report", "--settings", settings)
    assert done.returncode == 69
    assert "not running" in done.stderr


def test_completion_is_printed() -> None:
    assert "_SEALGATE_COMPLETE" in sealgate("completion", "bash").stdout
