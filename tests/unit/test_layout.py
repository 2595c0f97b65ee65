"""Traps of the layout that a machine should watch."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import sealgate

ROOT = Path(__file__).resolve().parents[2]


def test_the_source_root_is_no_package() -> None:
    """`milter/__init__.py` would shadow pymilter's C module of the same name."""
    assert not (ROOT / "milter" / "__init__.py").exists()


def test_pymilter_is_found_from_the_root_of_the_repository() -> None:
    code = "import milter, sys; sys.exit(0 if hasattr(milter, 'opensocket') else 1)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


def test_every_module_opens_with_a_paragraph() -> None:
    for path in sorted((ROOT / "milter").rglob("*.py")):
        assert path.read_text().lstrip("r").startswith('"""'), path


def test_no_name_says_nothing() -> None:
    empty = re.compile(r"(utils?|helpers?|manager|base|common|misc)\.py")
    assert [p for p in (ROOT / "milter").rglob("*.py") if empty.fullmatch(p.name)] == []


def test_the_changelog_knows_the_version() -> None:
    assert f"## [{sealgate.__version__}]" in (ROOT / "CHANGELOG.md").read_text()


def test_the_tools_of_the_readme_are_there() -> None:
    readme = (ROOT / "README.md").read_text()
    assert "make run" in readme
    assert "make test" in readme
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]
    assert scripts == {"sealgate": "sealgate.cli:main"}


def test_no_possessive_group_is_used() -> None:
    """Python before 3.11.5 mis-matches `(...)*+` and the like (Debian 12 has 3.11.2); single sets are sound."""
    possessive = re.compile(r"\)(?:\*|\+|\?|\{[0-9,]+\})\+|\(\?>")
    character_set = re.compile(r"\[(?:\\.|[^\]\\])*\]")  # in a set these signs are characters
    found = [
        f"{path.name}:{number}"
        for path in sorted((ROOT / "milter").rglob("*.py"))
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if possessive.search(character_set.sub("x", line))
    ]
    assert found == []
