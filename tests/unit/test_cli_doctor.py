"""`sealgate doctor`, as a shell sees it: exit statuses, a page, commands that a shell takes, JSON."""

import json
import os
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.lab.command import sealgate
from tests.unit.doctored import MAIN, MASTER, OVERRIDES, SENDMAIL_CF


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with settings, a profile and programs of its own."""
    for name in ("run", "log", "bin"):
        (tmp_path / name).mkdir()
    (tmp_path / "sealgate.yaml").write_text(
        f"socket: unix:{tmp_path}/gate.sock\nprofile: {tmp_path}/profile.yaml\nruntime: {tmp_path}/run\n"
        f"state: {tmp_path}\naudit_log: {tmp_path}/log/audit.jsonl\n"
    )
    (tmp_path / "profile.yaml").write_text(
        "version: 1\nlisteners: {submission: judge, submissions: judge}\nidentities:\n"
        "  alice: {principals: [alice@EXAMPLE.TEST], kind: person, senders: [alice@example.test]}\n"
        "domains: {example.test: {sign: no}}\n"
    )
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    real = shutil.which
    monkeypatch.setattr(shutil, "which", lambda name, path: real(name, path=path.partition(":")[0]))
    return tmp_path


def postconf(here: Path, main: str = MAIN) -> None:
    for name, text in (("main", main), ("master", MASTER), ("overrides", OVERRIDES)):
        (here / name).write_text(text)
    script = here / "bin" / "postconf"
    cat = f"/bin/cat {here}"
    script.write_text(f'#!/bin/sh\ncase "$*" in *-M*) {cat}/master;; *-P*) {cat}/overrides;; *) {cat}/main;; esac\n')
    script.chmod(0o755)


def doctor(here: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    krb5 = here / "krb5.conf"
    krb5.write_text("[libdefaults]\ndefault_realm = EXAMPLE.TEST\n")
    return sealgate("doctor", "--settings", here / "sealgate.yaml", "--no-dns", "--krb5-config", krb5, *arguments)


def test_a_page_says_the_worst_first_and_ends_with_the_sums(here: Path) -> None:
    postconf(here, MAIN.replace("milter_default_action = tempfail", "milter_default_action = accept"))
    done = doctor(here)
    assert done.returncode == 78
    assert done.stdout.startswith("wrong ")
    assert "Postfix 3.7.11 in /etc/postfix: " in done.stdout.splitlines()[-1]
    assert "\x1b" not in done.stdout
    assert "\nfine " in done.stdout
    assert "\nfine " not in doctor(here, "--quiet").stdout


def test_the_commands_are_a_script_with_both_dialects_in_its_words(here: Path) -> None:
    postconf(here)
    done = doctor(here, "--fix")
    lines = done.stdout.splitlines()
    assert subprocess.run(["/bin/sh", "-n"], input=done.stdout.encode(), check=False).returncode == 0
    commands = [shlex.split(line) for line in lines if not line.startswith("#")]
    assert all(
        command[0] in ("postconf", "postfix", "mkdir", "echo", "chgrp", "chmod", "usermod") for command in commands
    )
    assert commands[-1] == ["postfix", "reload"]
    assert any(f"(Sendmail: unix:{here}/gate.sock)" in line for line in lines)
    assert f"postconf -P submission/inet/smtpd_milters=unix:sealgate/sealgate.sock,unix:{here}/gate.sock" in lines


def test_json_is_one_object_a_finding(here: Path) -> None:
    postconf(here)
    found = [json.loads(line) for line in doctor(here, "--json").stdout.splitlines()]
    assert set(found[0]) == {"level", "rule", "place", "what", "why", "cites", "paste"}
    assert {"wrong", "fine"} <= {each["level"] for each in found}


def test_what_a_file_says_reaches_no_terminal_raw(here: Path) -> None:
    postconf(here, MAIN.replace("smtp_generic_maps =", "smtp_generic_maps = \x1b]0;x\x07\u202e %u"))
    for more in ((), ("--fix",)):
        said = doctor(here, *more).stdout
        assert "%u" in said, "a percent sign is no danger, and Dovecot's settings have it"
        assert said.replace("\n", "").isprintable()
        assert said.isascii()


def test_sendmail_is_read_where_it_is_named(here: Path) -> None:
    (here / "sendmail.cf").write_text(SENDMAIL_CF.replace("/run/sealgate/sealgate.sock", f"{here}/gate.sock"))
    done = doctor(here, "--mta", "sendmail", "--config", str(here))
    assert "Sendmail 8.17.1.9 by " in done.stdout
    assert "sendmail.filter-named" in done.stdout
    assert "postfix." not in done.stdout


def test_a_named_mta_that_is_not_here_is_69_and_an_unnamed_one_is_not_known(here: Path) -> None:
    done = doctor(here, "--mta", "postfix")
    assert (done.returncode, done.stdout) == (69, "")
    assert "is Postfix on this host?" in done.stderr
    assert doctor(here, "--mta", "sendmail", "--config", str(here / "none")).returncode == 69
    if not os.path.exists("/etc/mail/sendmail.cf"):
        assert "unknown  mta.unread" in doctor(here).stdout


def test_a_postconf_that_fails_is_not_known_and_says_what_to_do(here: Path) -> None:
    script = here / "bin" / "postconf"
    script.write_text("#!/bin/sh\necho 'fatal: no main.cf' >&2\nexit 1\n")
    script.chmod(0o755)
    said = doctor(here).stdout
    assert "unknown  mta.unread  postfix" in said
    assert "fatal: no main.cf" in said
    assert "run sealgate doctor as root" in said


def test_a_profile_that_cannot_be_used_is_wrong_and_the_rest_is_looked_at(here: Path) -> None:
    postconf(here)
    (here / "profile.yaml").write_text("version: 1\nlisteners: {submission: judg}\n")
    said = doctor(here).stdout
    assert "gate.profile" in said
    assert "postfix.tls" in said


def test_help_has_examples_and_exit_statuses() -> None:
    said = sealgate("doctor", "--help").stdout
    assert "sealgate doctor --fix" in said
    assert "78: something is wrong" in " ".join(said.split())
