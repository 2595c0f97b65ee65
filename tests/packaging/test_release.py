"""`packaging/release`, in a clone of its own: what it refuses, and that what it builds is the same each time.

The quick parts are built, wheel and source archive; the Debian package and the RPMs have tests of their own. The commit
that is released holds the files of this tree as they lie, with a date in CHANGELOG.md; but for the tests, which are
half of them and take no part.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import pytest

import sealgate
from tests.lab.gate import ROOT
from tests.packaging.once import once

VERSION: Final = sealgate.__version__
WHEEL: Final = f"sealgate-{VERSION}-py3-none-any.whl"
SDIST: Final = f"sealgate-{VERSION}.tar.gz"
SBOM: Final = f"sealgate-{VERSION}.cdx.json"
EPOCH: Final = "1770091506"  # 2026-02-03T04:05:06Z
GIT: Final = {
    "GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@example.test", "GIT_COMMITTER_NAME": "a",
    "GIT_COMMITTER_EMAIL": "a@example.test", "GIT_AUTHOR_DATE": "2026-02-03T04:05:06Z",
    "GIT_COMMITTER_DATE": "2026-02-03T04:05:06Z", "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_SYSTEM": "/dev/null",
}  # fmt: skip
schema = pytest.mark.skipif(find_spec("cyclonedx") is None, reason="cyclonedx-python-lib is not installed")


class Clone:
    """A clone whose one commit can be released."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def git(self, *arguments: str) -> str:
        return subprocess.run(
            ["git", "-C", self.folder, *arguments], env=os.environ | GIT, capture_output=True, text=True, check=True
        ).stdout

    def change(self, name: str, pattern: str, text: str) -> None:
        """Put a text in the place of a pattern that must be there, and commit."""
        path = self.folder / name
        changed, count = re.subn(pattern, text, path.read_text(), count=1, flags=re.MULTILINE)
        assert count == 1, f"{pattern} is not in {name}"
        path.write_text(changed)
        self.git("commit", "-q", "-a", "-m", "changed")

    def release(self, *arguments: str | Path, **environment: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, self.folder / "packaging/release", *arguments],
            env=os.environ | GIT | environment, capture_output=True, text=True, check=False,
        )  # fmt: skip


def committed(folder: Path) -> None:
    """Make the clone that the others are copies of."""
    names = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if names.returncode:
        pytest.skip("this tree is no clone")
    for name in filter(None, names.stdout.split("\0")):
        if (ROOT / name).is_file() and (not name.startswith("tests/") or name == "tests/conftest.py"):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    log = folder / "CHANGELOG.md"
    log.write_text(log.read_text().replace(f"## [{VERSION}] - unreleased", f"## [{VERSION}] - 2026-02-03"))
    clone = Clone(folder)
    clone.git("init", "-q")
    clone.git("add", "-A")
    clone.git("commit", "-q", "-m", "all of it")


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return once(tmp_path_factory, "clone", committed)


@pytest.fixture
def clone(original: Path, tmp_path: Path) -> Clone:
    subprocess.run(["git", "clone", "-q", original, tmp_path / "clone"], check=True)
    return Clone(tmp_path / "clone")


# -- what is refused ---------------------------------------------------------------------------------------------------


def test_a_tree_with_changes_is_refused(clone: Clone) -> None:
    (clone.folder / "README.md").write_text("something else")
    (clone.folder / "new").touch()
    done = clone.release("--only", "wheel")
    assert (done.returncode, done.stdout) == (65, "")
    assert "the tree has changes (2 files, such as README.md)" in done.stderr
    assert not (clone.folder / "dist").exists()


@pytest.mark.parametrize(
    ("file", "pattern", "text", "words"),
    [
        ("CHANGELOG.md", rf"^## \[{VERSION}\] - .*$", "## [0.0.9] - 2026-01-01", "has no section"),
        ("CHANGELOG.md", r"2026-02-03$", "unreleased", "says of .* 'unreleased': give the date"),
        ("CHANGELOG.md", r"2026-02-03\n", "2026-02-03\n\n## [0.0.9] - 2026-01-01\n", "says nothing of"),
        ("packaging/debian/changelog", r"\(.*?-", "(9.9-", "debian/changelog says 9.9, the program"),
        ("packaging/rpm/sealgate.spec", r"^Version: .*$", "Version: 9.8", "sealgate.spec says 9.8, the program"),
        ("pyproject.toml", r'^name = "sealgate"$', 'name = "sealgate"\nversion = "9.7"', "pyproject.toml says 9.7"),
    ],
)  # fmt: skip
def test_files_that_do_not_agree_are_refused(clone: Clone, file: str, pattern: str, text: str, words: str) -> None:
    clone.change(file, pattern, text)
    done = clone.release("--only", "wheel")
    assert done.returncode == 65
    assert re.search(words, done.stderr), done.stderr
    assert "tree has changes" not in done.stderr


def test_a_version_that_was_released_is_refused(clone: Clone) -> None:
    clone.git("tag", f"v{VERSION}")
    clone.change("README.md", r"\A", "More.\n")
    done = clone.release("--only", "wheel")
    assert done.returncode == 65
    assert f"the tag v{VERSION} is at another commit" in done.stderr


def test_missing_tools_are_named_before_anything_is_built(clone: Clone, tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/git").symlink_to(shutil.which("git") or "/usr/bin/git")
    done = clone.release(PATH=str(tmp_path / "bin"))
    assert done.returncode == 69
    assert "apt install" in done.stderr
    assert {"debhelper", "dpkg-dev", "lintian", "rpm"} <= set(re.split(r"[ ;]", done.stderr))


def test_an_unknown_part_is_wrong_usage(clone: Clone) -> None:
    assert clone.release("--only", "wheel,snap").returncode == 64


def test_builds_that_differ_are_not_released(clone: Clone) -> None:
    """A builder that writes down where it ran: its archive is another one in the second clone."""
    builder = clone.folder / "packaging/wheel"
    builder.write_text(
        'import sys\nfrom pathlib import Path\nout = Path(sys.argv[-1])\nout.mkdir(exist_ok=True)\n'
        '(out / "sealgate-0-py3-none-any.whl").write_text(__file__)\n'
    )  # fmt: skip
    (clone.folder / "packaging/sbom").write_text("print('{}')\n")
    clone.git("commit", "-q", "-a", "-m", "a builder that cannot be trusted")
    done = clone.release("--only", "wheel")
    assert done.returncode == 70
    assert "differ, nothing is released: sealgate-0-py3-none-any.whl" in done.stderr
    assert not (clone.folder / "dist").exists()


# -- what is released --------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def released(original: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the quick parts of a release."""

    def make(folder: Path) -> None:
        done = Clone(original).release("--only", "wheel,sdist", folder)
        if done.returncode == 69:
            pytest.skip(done.stderr.strip().splitlines()[-1])
        assert done.returncode == 0, done.stderr

    return once(tmp_path_factory, "released", make)


@schema
def test_the_sums_are_those_of_the_files(released: Path) -> None:
    assert sorted(file.name for file in released.iterdir()) == sorted(["SHA256SUMS", WHEEL, SDIST, SBOM])
    subprocess.run(["sha256sum", "--quiet", "--strict", "-c", "SHA256SUMS"], cwd=released, check=True)
    assert len((released / "SHA256SUMS").read_text().splitlines()) == 3


@schema
def test_the_source_archive_makes_the_same_wheel(released: Path, tmp_path: Path) -> None:
    """As a distribution would build it: from what is in the archive, under another umask and in another place."""
    shutil.unpack_archive(released / SDIST, tmp_path, "gztar")
    tree = tmp_path / SDIST.removesuffix(".tar.gz")
    subprocess.run(["git", "init", "-q"], cwd=tree, check=True)
    done = subprocess.run(
        [tree / "packaging/wheel", "--as-it-lies", "--only", "wheel", tmp_path / "out"],
        env=os.environ | {"SOURCE_DATE_EPOCH": EPOCH, "TZ": "Asia/Tokyo"}, umask=0o027,
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out" / WHEEL).read_bytes() == (released / WHEEL).read_bytes()


@schema
def test_the_sbom_fits_its_schema_and_names_everything(released: Path) -> None:
    from cyclonedx.schema import SchemaVersion  # noqa: PLC0415
    from cyclonedx.validation.json import JsonStrictValidator  # noqa: PLC0415

    text = (released / SBOM).read_text()
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    document: dict[str, Any] = json.loads(text)
    assert document["metadata"]["timestamp"] == "2026-02-03T04:05:06+00:00"
    assert document["metadata"]["component"]["version"] == VERSION
    parts = {part["bom-ref"]: part for part in document["components"]}
    project = re.search(r"^dependencies = \[(.*?)\]", (ROOT / "pyproject.toml").read_text(), re.MULTILINE | re.DOTALL)
    assert project
    asked = {name.lower() for name in re.findall(r'"([A-Za-z-]+)', project[1])} | {"pymilter"}
    named = {ref.removeprefix("pkg:pypi/").partition("@")[0] for ref in parts}
    assert asked <= named
    assert "cffi" in named, "what the libraries ask for is a part too"
    (parser,) = (part for ref, part in parts.items() if ref.startswith("carried:selectolax@"))
    digest = parser["hashes"][0]["content"]
    assert f"selectolax {parser['version']} {digest}" in (ROOT / "packaging/debian/vendored").read_text()
    assert any(ref.startswith("carried:lexbor@") for ref in parts)
    (ours,) = (row for row in document["dependencies"] if row["ref"] == f"pkg:pypi/sealgate@{VERSION}")
    assert asked <= {ref.removeprefix("pkg:pypi/").partition("@")[0] for ref in ours["dependsOn"]}
    assert all(ref in parts for row in document["dependencies"] for ref in row["dependsOn"])
