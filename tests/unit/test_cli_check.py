"""`sealgate check` and the MTA of this host: looked at where it is here, said in one line, never a reason to fail."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from tests.drivers.cases import profile_text
from tests.lab.command import sealgate
from tests.lab.gate import make_keys

OTHER = "[libdefaults]\ndefault_realm = PARTNER.TEST\n"
DOVECONF = "auth_username_format = %n\nauth_default_realm = \npassdb {\n}\n"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A profile, and a host whose Postfix takes logins through Dovecot."""
    made = tmp_path_factory.mktemp("check")
    make_keys(made / "keys")
    (made / "profile.yaml").write_text(profile_text("enforce").replace("{keys}", str(made / "keys")))
    (made / "krb5.conf").write_text(OTHER)
    programs = made / "bin"
    programs.mkdir()
    rows = "587 inet n - n - - smtpd"
    main = "config_directory = /etc/lab\n"
    main += "smtpd_sasl_auth_enable = yes\nsmtpd_sasl_type = dovecot\nmilter_macro_daemon_name = submission\n"
    for name, body in (
        ("postconf", f"case \"$*\" in *-M*) printf '{rows}\\n';; *-P*) :;; *) printf '{main}';; esac"),
        ("doveconf", "printf '" + DOVECONF.replace("%", "%%") + "'"),
    ):
        (programs / name).write_text(f'#!/bin/sh\necho "{name} $*" >> {made}/asked\n{body}\n')
        (programs / name).chmod(0o755)
    return made


def check(folder: Path, *options: object) -> subprocess.CompletedProcess[str]:
    (folder / "asked").write_text("")
    path = {"PATH": f"{folder}/bin:{os.environ['PATH']}"}
    return sealgate("check", "--profile", folder / "profile.yaml", *options, env=path)


def test_warnings_of_the_mta_keep_status_0_and_say_what_to_write(folder: Path) -> None:
    done = check(folder, "--krb5-config", folder / "krb5.conf")
    assert done.returncode == 0, done.stderr
    assert "warning: auth_username_format = `%n` drops the realm" in done.stderr
    assert "auth_username_format = %u" in done.stderr
    assert (
        f"looked at: postfix (/etc/lab), dovecot (/etc/dovecot/dovecot.conf), krb5.conf ({folder}/krb5.conf)\n"
        in done.stdout
    )
    assert "mode enforce, seal on" in done.stdout


def test_the_mta_can_be_left_out(folder: Path) -> None:
    done = check(folder, "--no-mta")
    assert done.returncode == 0
    assert "looked at" not in done.stdout
    assert "auth_username_format" not in done.stderr
    assert (folder / "asked").read_text() == ""


def test_other_instances_can_be_chosen(folder: Path) -> None:
    dovecot = folder / "d.conf"
    dovecot.touch()
    done = check(folder, "--postfix-config", folder, "--dovecot-config", dovecot)
    asked = (folder / "asked").read_text()
    assert f"postconf -c {folder} " in asked
    assert f"doveconf -c {dovecot} " in asked
    assert f"{dovecot}: warning:" in done.stderr
    assert check(folder, "--krb5-config", folder / "none").returncode == 64


def test_as_json_there_are_only_problems(folder: Path) -> None:
    done = check(folder, "--json", "--krb5-config", folder / "krb5.conf")
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 0
    assert any("drops the realm" in row["message"] and not row["is_error"] for row in rows)


def test_a_profile_with_errors_is_told_without_asking_the_mta(folder: Path, tmp_path: Path) -> None:
    bad = tmp_path / "bad.yaml"
    bad.write_text((folder / "profile.yaml").read_text().replace("mode: enforce", "mode: enforse"))
    done = check(folder, "--profile", bad)
    assert done.returncode == 78
    assert (folder / "asked").read_text() == ""


def test_a_service_that_asks_no_milter_is_warned_of(folder: Path) -> None:
    done = check(folder, "--krb5-config", folder / "krb5.conf")
    assert "/etc/lab/main.cf:" in done.stderr or "/etc/lab/main.cf: " in done.stderr
    assert "587/inet takes logins and its smtpd_milters is empty" in done.stderr


def test_a_file_of_senders_is_checked_before_it_is_put_in_place(folder: Path, tmp_path: Path) -> None:
    new = tmp_path / "senders.new"
    new.write_text("alice@example.test  alice\n")
    done = check(folder, "--senders", new)
    assert done.returncode == 78
    assert f"{new}:1:1: error: 1 of 1 rows are turned round" in done.stderr
    assert "`format: texthash`?" in done.stderr
    done = check(folder, "--senders", new, "--format", "texthash", "--realm", "EXAMPLE.TEST")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"{new}: in order; 1 rows, read as texthash, realm EXAMPLE.TEST\n"
    assert (folder / "asked").read_text() == "", "the MTA has nothing to do with it"
    new.write_text("")
    done = check(folder, "--senders", new, "--json")
    assert done.returncode == 0
    assert "has no row" in json.loads(done.stdout)["message"]
    assert check(folder, "--format", "texthash").returncode == 64


def test_a_file_of_senders_that_the_profile_names_is_read_as_it_says(folder: Path, tmp_path: Path) -> None:
    senders = tmp_path / "map"
    senders.write_text("alice@example.test  alice\n")
    profile = tmp_path / "profile.yaml"
    text = f"{{file: {senders}, format: texthash, realm: EXAMPLE.TEST}}"
    profile.write_text(f"version: 1\nidentities: {{a: {{principals: [alice@EXAMPLE.TEST], senders: {text}}}}}\n")
    done = check(folder, "--profile", profile, "--senders", senders)
    assert (done.returncode, done.stderr) == (0, "")
    assert "read as texthash, realm EXAMPLE.TEST" in done.stdout
