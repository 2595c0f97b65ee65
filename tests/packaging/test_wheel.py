"""The wheel and the source archive: what is in them, and that the wheel alone, as pip installs it, is a command line.

The wheel is installed once, with what PyPI gives for its dependencies and without libmilter, into a virtual environment
that knows nothing of this tree; every command runs in a folder of its own. Skipped where PyPI cannot be reached, and in
the environment on the distribution's libraries: those are what the Debian package is tried with.
"""

import os
import subprocess
import sys
import tarfile
import tomllib
import venv
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

import sealgate
from sealgate.adapters import auditkey
from tests.lab.gate import ROOT
from tests.packaging.once import once
from tests.unit.test_audit_verifier import Written, decision

LETTER: Final = """From: alice@example.test
To: bob@example.net
Subject: lunch
Date: Sat, 21 Nov 2026 12:00:00 +0000
Message-ID: <lunch.1@example.test>

Noon?
"""


@dataclass(frozen=True, slots=True)
class Installed:
    """The command of the wheel, and a host's settings for it.

    Attributes:
        folder: a virtual environment.
        host: settings, a profile and the folders that they name.
    """

    folder: Path
    host: Path

    def sealgate(self, *arguments: str | Path) -> "subprocess.CompletedProcess[str]":
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
        return subprocess.run(
            [self.folder / "bin/sealgate", *arguments],
            cwd=self.host, env=environment, capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip


def build(folder: Path) -> None:
    """Build what lies in the tree."""
    done = subprocess.run(
        [ROOT / "packaging/wheel", "--as-it-lies", folder], capture_output=True, text=True, check=False
    )
    if done.returncode == 69:
        pytest.skip(done.stderr.strip().splitlines()[-1])
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def archives(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = once(tmp_path_factory, "dist", build)
    return next(folder.glob("*.whl")), next(folder.glob("*.tar.gz"))


@pytest.fixture(scope="module")
def installed(archives: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Installed:
    if "include-system-site-packages = true" in (Path(sys.prefix) / "pyvenv.cfg").read_text():
        pytest.skip("the wheel is tried with PyPI's libraries")
    folder = once(tmp_path_factory, "venv", lambda folder: install(archives[0], folder))
    host = tmp_path_factory.mktemp("host")
    for name in ("state", "run", "keys"):
        (host / name).mkdir()
    (host / "profile.yaml").write_text((ROOT / "conf/profile-fresh.yaml").read_text())
    (host / "sealgate.yaml").write_text(
        f"profile: {host}/profile.yaml\naudit_log: {host}/audit.jsonl\nstate: {host}/state\nruntime: {host}/run\n"
    )
    (host / "letter.eml").write_text(LETTER)
    return Installed(folder, host)


def install(wheel: Path, folder: Path) -> None:
    """Have pip install a wheel, and what it asks for, into a virtual environment of its own."""
    venv.create(folder)
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", folder / "bin/python")
    done = subprocess.run(
        [*pip, "install", "-q", "--no-compile", "--prefer-binary", wheel], capture_output=True, text=True, check=False
    )
    if any(word in done.stderr for word in ("NewConnectionError", "ConnectionError", "Temporary failure in name")):
        pytest.skip("PyPI cannot be reached")
    assert done.returncode == 0, done.stderr


# -- what is in them ---------------------------------------------------------------------------------------------------


def test_the_wheel_holds_the_package_with_its_data_and_nothing_else(archives: tuple[Path, Path]) -> None:
    with zipfile.ZipFile(archives[0]) as wheel:
        names = {name for name in wheel.namelist() if ".dist-info/" not in name}
        metadata = {name.partition(".dist-info/")[2] for name in set(wheel.namelist()) - names}
    with tarfile.open(archives[1]) as sdist:
        paths = [member.name.partition("/milter/")[2] for member in sdist if member.isfile()]
    assert names == {path for path in paths if path.startswith("sealgate/")}
    assert {"sealgate/audit/schema.json", "sealgate/py.typed", "sealgate/cli/import_.py"} <= names
    assert {"licenses/LICENSE", "entry_points.txt", "METADATA"} <= metadata


def test_the_source_archive_holds_what_packagers_need(archives: tuple[Path, Path]) -> None:
    with tarfile.open(archives[1]) as sdist:
        members = sdist.getmembers()
    top = f"sealgate-{sealgate.__version__}/"
    names = {member.name.removeprefix(top) for member in members}
    for name in (
        "LICENSE", "README.md", "CHANGELOG.md", "Makefile", "pyproject.toml", "conf/sealgate.yaml", "conf/profile.yaml",
        "conf/profile-fresh.yaml", "doc/install.md", "doc/man/sealgate-rules.7", "systemd/sealgate.service",
        "packaging/debian/control", "packaging/rpm/sealgate.spec", "packaging/wheel", "tests/conftest.py",
    ):  # fmt: skip
        assert name in names, name
    assert not [name for name in names if name.endswith((".pyc", "~")) or "__pycache__" in name]
    assert len({member.mtime for member in members}) == 1
    assert {(member.uid, member.gid, member.uname) for member in members} == {(0, 0, "")}
    modes = {member.name.removeprefix(top): member.mode & 0o777 for member in members}
    assert modes["packaging/wheel"] == 0o755
    assert modes["LICENSE"] == 0o644


def test_only_what_is_needed_comes_along(archives: tuple[Path, Path]) -> None:
    """Each dependency is in pyproject.toml; libmilter is asked for by nobody who did not ask for `milter`."""
    with zipfile.ZipFile(archives[0]) as wheel:
        (name,) = (name for name in wheel.namelist() if name.endswith("METADATA"))
        lines = wheel.read(name).decode().splitlines()
    asked = [line.partition(": ")[2] for line in lines if line.startswith("Requires-Dist: ")]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert [one for one in asked if "extra ==" not in one] == project["dependencies"]
    assert [one for one in asked if one.startswith("pymilter")] == ['pymilter>=1.0.5; extra == "milter"']


# -- the wheel alone ---------------------------------------------------------------------------------------------------


def test_it_is_the_wheels_own_and_there_is_no_libmilter(installed: Installed) -> None:
    python = installed.folder / "bin/python"
    code = "import importlib.util as u; print(u.find_spec('sealgate').origin, u.find_spec('milter'))"
    done = subprocess.run([python, "-I", "-c", code], capture_output=True, text=True, check=True, cwd=installed.host)
    origin, milter = done.stdout.split()
    assert Path(origin).is_relative_to(installed.folder)
    assert milter == "None"


def test_it_says_its_version(installed: Installed) -> None:
    done = installed.sealgate("--version")
    assert (done.returncode, done.stdout) == (0, f"sealgate, version {sealgate.__version__}\n")


def test_every_verb_is_there(installed: Installed) -> None:
    """Its file and all that it imports are in the wheel, and none wants libmilter."""
    code = "import click; from sealgate.cli import cli; c = click.Context(cli)\n"
    code += "for name in cli.list_commands(c): print(name, cli.get_command(c, name).name)"
    done = subprocess.run(
        [installed.folder / "bin/python", "-I", "-c", code], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    verbs = dict(line.split() for line in done.stdout.splitlines())
    assert all(name == verb for name, verb in verbs.items())
    assert {"audit", "check", "doctor", "keys", "screen", "serve"} <= set(verbs)


def test_it_checks_the_sample_profile(installed: Installed) -> None:
    done = installed.sealgate("check", "--settings", "sealgate.yaml", "--no-mta")
    assert done.returncode == 0, done.stderr
    assert "in order; mode report" in done.stdout


@pytest.mark.parametrize(
    ("login", "status", "words"), [("alice", 0, "would leave"), ("mallory", 1, "would be refused")]
)
def test_it_screens_mail(installed: Installed, login: str, status: int, words: str) -> None:
    done = installed.sealgate("screen", "letter.eml", "--as", f"{login}@EXAMPLE.TEST", "--settings", "sealgate.yaml")
    assert (done.returncode, done.stderr) == (status, "")
    assert words in done.stdout


def test_it_makes_keys(installed: Installed) -> None:
    done = installed.sealgate(
        "keys", "new", "example.test", "-s", "s1", "--type", "ed25519", "-D", "keys", "--settings", "sealgate.yaml"
    )
    assert done.returncode == 0, done.stderr
    assert '"v=DKIM1; k=ed25519; p=' in done.stdout
    assert (installed.host / "keys/example.test.s1.pem").stat().st_mode & 0o777 == 0o600


def test_it_verifies_a_record(installed: Installed) -> None:
    written = Written(auditkey.keep(installed.host / "state", "relay1.example.test"))
    for number in range(5):
        written.add(decision(number))
    auditkey.publish(installed.host / "state", written.checkpoint())
    log = installed.host / "audit.jsonl"
    log.write_bytes(b"".join(line + b"\n" for line in written.lines))
    done = installed.sealgate("audit", "verify", "--settings", "sealgate.yaml")
    assert done.returncode == 0, done.stdout + done.stderr
    log.write_bytes(log.read_bytes().replace(b"accept", b"reject", 1))
    assert installed.sealgate("audit", "verify", "--settings", "sealgate.yaml").returncode == 1
    log.unlink()


def test_the_daemon_says_what_it_lacks(installed: Installed) -> None:
    done = installed.sealgate("serve", "--settings", "sealgate.yaml")
    assert done.returncode == 69
    for word in (
        "pymilter is missing",
        "apt install python3-milter",
        "libmilter-dev",
        "pip install 'sealgate[milter]'",
    ):
        assert word in done.stderr
