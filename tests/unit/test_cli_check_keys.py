"""`sealgate check` by root for a daemon that runs as somebody else: the keys are judged for the daemon."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from sealgate.seal.keys import generate

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="gives files to other accounts, which only root can")
DAEMON = 64_001  # an account without a name


@pytest.fixture
def folder() -> Iterator[Path]:
    path = Path(tempfile.mkdtemp(prefix="sealgate-check-")).resolve()
    path.chmod(0o755)
    (path / "state").mkdir()
    os.chown(path / "state", DAEMON, DAEMON)
    key = path / "s1.pem"
    key.touch(0o600)
    key.write_bytes(generate("ed25519"))
    (path / "profile.yaml").write_text(
        "version: 1\nseal: on\nlisteners: {smtpd: pass}\ndomains:\n  example.test:\n    sign: yes\n"
        f"    keys: [{{selector: s1, file: {key}}}]\n"
    )
    (path / "sealgate.yaml").write_text(f"profile: {path}/profile.yaml\nstate: {path}/state\n")
    yield path
    shutil.rmtree(path)


def check(folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "sealgate", "check", "--no-mta", "--settings", str(folder / "sealgate.yaml")]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_root_hears_what_the_daemon_would(folder: Path) -> None:
    key = folder / "s1.pem"
    done = check(folder)
    assert done.returncode == 78
    assert f"{key} cannot be read by uid {DAEMON}" in done.stderr
    command = f"chown {DAEMON} {key} && chmod 0600 {key}"
    assert f": {command}\n" in done.stderr
    subprocess.run(command, shell=True, check=True)
    done = check(folder)
    assert (done.returncode, "1 keys" in done.stdout) == (0, True), done.stderr


def test_a_key_of_the_daemon_is_none_for_a_gate_that_runs_as_root(folder: Path) -> None:
    os.chown(folder / "s1.pem", DAEMON, DAEMON)
    os.chown(folder / "state", 0, 0)
    assert f"belongs to uid {DAEMON}, who can read and replace it" in check(folder).stderr
