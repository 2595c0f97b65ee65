"""The AppArmor profile is sound to the parser, and the unit asks for it by its name.

No kernel here enforces it, so that it is enough for the gate, and no more than enough, is not shown.
"""

import re
import shutil
import subprocess

import pytest

from tests.lab.gate import ROOT

PROFILE = ROOT / "packaging/apparmor/usr.bin.sealgate"
PARSER = shutil.which("apparmor_parser") or shutil.which("/usr/sbin/apparmor_parser")
needs_parser = pytest.mark.skipif(PARSER is None, reason="apparmor is not installed")


def parsed(*options: str) -> subprocess.CompletedProcess[bytes]:
    # The features of a kernel: that of the tests may have none, and then the parser would leave rules out.
    features = ("-M", "/etc/apparmor.d/abi/3.0")
    return subprocess.run([str(PARSER), "-Q", "-K", *features, *options, PROFILE], capture_output=True, check=False)


@needs_parser
def test_the_parser_takes_it() -> None:
    done = parsed("-S")
    assert done.returncode == 0, done.stderr
    assert len(done.stdout) > 10_000
    assert b"error" not in done.stderr.lower(), done.stderr


@needs_parser
def test_no_rule_of_it_contradicts_another() -> None:
    done = parsed("-W", "all", "-S")
    ours = [line for line in done.stderr.decode().splitlines() if "usr.bin.sealgate" in line and "cache" not in line]
    assert not ours, ours


def test_the_units_ask_for_the_profile_that_is_there() -> None:
    name = re.search(r"^profile (\S+) ", PROFILE.read_text(), re.MULTILINE)
    assert name
    for unit in ("sealgate.service", "sealgate@.service"):
        assert f"\nAppArmorProfile=-{name[1]}\n" in (ROOT / "systemd" / unit).read_text()
    # Attached to no path: a command that root types reads what root reads.
    assert not re.search(r"^profile \S+ /", PROFILE.read_text(), re.MULTILINE)


def test_nothing_that_rules_the_gate_can_be_written_and_no_right_is_given() -> None:
    rules = [line.strip() for line in PROFILE.read_text().splitlines() if not line.strip().startswith("#")]
    for rule in rules:
        if rule.startswith(("/etc/", "@{run}/credentials", "/usr/")):
            assert not set(rule.rstrip(",").split()[-1]) & set("wacul"), rule
    assert not [rule for rule in rules if rule.startswith(("capability", "ptrace", "mount", "change_profile"))]
