"""The plug-in in a project of its own: it fails with rule, law and remedy, and is not there where nobody asks."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from sealgate.pytest_plugin import assert_lawful
from tests.drivers.cases import profile_text
from tests.lab.gate import ROOT
from tests.unit.test_screening import ADDRESS, LAWFUL


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "profile.yaml").write_text(profile_text("enforce").replace("{keys}", "/not/here"))
    (tmp_path / "pytest.ini").write_text("[pytest]\nsealgate_profile = profile.yaml\nsealgate_identity = newsletter\n")
    (tmp_path / "good.html").write_text(LAWFUL)
    (tmp_path / "bad.html").write_text(LAWFUL.replace(ADDRESS, ""))
    return tmp_path


def run(project: Path, test: str, *options: str) -> subprocess.CompletedProcess[str]:
    (project / "test_mail.py").write_text(test)
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-p", "sealgate.pytest_plugin", *options],
        cwd=project,
        capture_output=True,
        text=True,
        env={k: v for k, v in os.environ.items() if not k.startswith("PYTEST")}
        | {
            "PYTHONPATH": str(ROOT / "milter"),
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",  # it may be installed here too, and two of it are an error
        },
        timeout=60,
        check=False,
    )


def test_the_fixture_judges_by_the_settings(project: Path) -> None:
    done = run(project, "def test_it(assert_lawful):\n    assert assert_lawful(open('good.html').read()).is_lawful\n")
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_failure_names_rule_law_remedy_and_where_it_looked(project: Path) -> None:
    done = run(project, "def test_it(assert_lawful):\n    assert_lawful(open('bad.html', 'rb').read())\n")
    assert done.returncode == 1
    for words in (
        "this message would not leave",
        "canspam.no-postal-address (15 USC 7704(a)(5)(A)(iii))",
        "mend:  put the sender's street address",
        "postal address: absent; looked in part 1",
        "test_mail.py:2: AssertionError",  # the line of the test, none of ours
    ):
        assert words in done.stdout, (words, done.stdout)
    assert "pytest_plugin.py:" not in done.stdout


def test_a_report_of_tests_with_short_tracebacks_has_it_too(project: Path) -> None:
    done = run(project, "def test_it(assert_lawful):\n    assert_lawful(open('bad.html').read())\n", "--tb=line", "-q")
    assert "would not leave" in done.stdout


def test_without_a_profile_it_says_what_to_write(project: Path) -> None:
    (project / "pytest.ini").write_text("[pytest]\n")
    done = run(project, "def test_it(assert_lawful):\n    assert_lawful('<p>x</p>')\n")
    assert done.returncode == 1
    assert "sealgate_profile = profile.yaml" in done.stdout


def test_who_does_not_ask_pays_nothing(project: Path) -> None:
    loaded = "[m for m in sys.modules if m.startswith('sealgate.')]"
    test = f"import sys\ndef test_it():\n    assert {loaded} == ['sealgate.pytest_plugin']\n"
    done = run(project, test, "--strict-config", "--strict-markers")
    assert done.returncode == 0, done.stdout


def test_it_is_a_plain_function_as_well(project: Path) -> None:
    said = assert_lawful(LAWFUL, project / "profile.yaml", identity="newsletter")
    assert said.identity == "newsletter"
    with pytest.raises(AssertionError, match=r"canspam\.no-postal-address"):
        assert_lawful(LAWFUL.replace(ADDRESS, ""), project / "profile.yaml")


def test_strict_minds_what_is_only_reported(project: Path) -> None:
    other = LAWFUL.replace(ADDRESS, "Other Inc., 99 Oak Avenue, Portland, OR 97208")
    assert_lawful(other, project / "profile.yaml")
    with pytest.raises(AssertionError, match=r"canspam\.unregistered-address"):
        assert_lawful(other, project / "profile.yaml", strict=True)
