"""`sealgate import opendkim`: what it writes, where, and what it exits with. tests/drivers ask OpenDKIM itself."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from sealgate.cli.import_opendkim import Disk
from sealgate.profile.opendkim import UnreadableError
from sealgate.seal.keys import generate
from tests.lab.command import sealgate as run
from tests.lab.gate import ROOT


@pytest.fixture
def conf(tmp_path: Path) -> Path:
    """A configuration with a key that is there."""
    key = tmp_path / "s1.pem"
    key.touch(mode=0o600)
    key.write_bytes(generate("ed25519"))
    path = tmp_path / "opendkim.conf"
    path.write_text(f"Mode s\nSyslog yes\nDomain example.test\nSelector s1\nKeyFile {key}\n")
    return path


def test_the_profile_is_one_that_check_takes(conf: Path, tmp_path: Path) -> None:
    profile = tmp_path / "profile.yaml"
    done = run("import", "opendkim", conf, "--output", profile)
    assert (done.returncode, done.stdout) == (0, "")
    assert f"{conf}:2: note: Syslog is needless: " in done.stderr
    assert f"{profile} written; next: sealgate check --profile {profile}" in done.stderr
    checked = run("check", "--profile", profile, "--no-mta")
    assert checked.returncode == 0, checked.stderr
    assert "in order; mode report, seal on" in checked.stdout
    assert "error" not in checked.stderr
    assert run("import", "opendkim", conf, "-o", profile).returncode == 73
    assert run("import", "opendkim", conf).stdout == profile.read_text()


def test_what_would_sign_otherwise_is_written_by_force_alone(conf: Path) -> None:
    conf.write_text(conf.read_text() + "DontSignMailTo x@example.test\n")
    done = run("import", "opendkim", conf)
    assert (done.returncode, done.stdout) == (65, "")
    assert f"{conf}:6: error: DontSignMailTo changes what is signed, and is not supported\n    " in done.stderr
    assert "one thing would be signed otherwise" in done.stderr
    forced = run("import", "opendkim", conf, "--force")
    assert forced.returncode == 1
    assert "version: 1\n" in forced.stdout


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    done = run("import", "opendkim", tmp_path / "gone")
    assert done.returncode == 65
    assert done.stderr == f"sealgate: {tmp_path / 'gone'}: No such file or directory\n"


@pytest.mark.parametrize("words", [["letters"], ["--compare"], ["--json"], ["-v"], ["--profile", "x"]])
def test_options_that_need_others(conf: Path, words: list[str]) -> None:
    assert run("import", "opendkim", conf, *words).returncode == 64


def test_without_opendkim_nothing_can_be_compared(conf: Path, tmp_path: Path) -> None:
    code = (
        "import sys; from sealgate.adapters import opendkim as asked; asked.PROGRAM = 'no-such-opendkim';"
        "from sealgate.cli import main; main()"
    )
    letter = tmp_path / "letter.eml"
    letter.write_text("From: u@example.test\n\nhi\n")
    done = subprocess.run(
        [sys.executable, "-c", code, "import", "opendkim", str(conf), "--compare", str(letter)],
        capture_output=True, text=True, timeout=60, check=False, env=os.environ | {"PYTHONPATH": str(ROOT / "milter")},
    )  # fmt: skip
    assert done.returncode == 69
    assert "opendkim is not installed (Debian: apt-get install opendkim)" in done.stderr


def test_what_a_percent_sign_stands_for_is_looked_up(tmp_path: Path) -> None:
    for name in ("a.test", "b.test"):
        (tmp_path / name).mkdir()
        (tmp_path / name / f"{name}.pem").touch()
    (tmp_path / "c.test").mkdir()
    (tmp_path / "c.test" / "other.pem").touch()
    assert Disk().filled(f"{tmp_path}/%/%.pem") == ("a.test", "b.test")
    assert Disk().filled(f"{tmp_path}/%/other.pem") == ("c.test",)
    assert Disk().filled(f"{tmp_path}/gone/%") == ()


def test_a_file_is_read_with_the_care_of_a_policy(tmp_path: Path) -> None:
    path = tmp_path / "conf"
    path.write_bytes(b"Selector \xff\n")
    with pytest.raises(UnreadableError, match="not UTF-8"):
        Disk().text(str(path))
    with pytest.raises(UnreadableError) as error:
        Disk().text("/gone/\x1b[31m")
    assert str(error.value).isprintable()
    with pytest.raises(UnreadableError):
        Disk().text("/gone/\0")
