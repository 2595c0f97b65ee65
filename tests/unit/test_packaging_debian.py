"""The lists of the Debian package against the tree: what `make deb` would only find after minutes, or not at all.

Nothing is built. The package itself is tried in tests/packaging.
"""

import configparser
import re
import subprocess
import tomllib
from pathlib import Path
from typing import Final

import pytest

from sealgate import __version__

ROOT: Final = Path(__file__).resolve().parents[2]
DEBIAN: Final = ROOT / "packaging/debian"
# Where Debian's name is not python3- and the name of PyPI.
NAMES: Final = {"dkimpy": "python3-dkim", "pyyaml": "python3-yaml", "pymilter": "python3-milter"}


def relations(field: str) -> set[str]:
    """What a field of debian/control lists, one relation each."""
    text = (DEBIAN / "control").read_text()
    found = re.search(rf"(?m)^{field}:((?:.*\n)(?:[ \t].+\n)*)", text)
    assert found is not None
    return {each.strip() for each in found[1].split(",")}


def vendored() -> tuple[str, str, str]:
    name, version, digest = (DEBIAN / "vendored").read_text().splitlines()[-1].split()
    return name, version, digest


def test_the_version_is_the_program_s() -> None:
    newest = re.match(r"sealgate \((.+)-(\d+)\) \S+; urgency=\w+\n", (DEBIAN / "changelog").read_text())
    assert newest is not None
    assert newest[1] == __version__
    assert f"## [{__version__}]" in (ROOT / "CHANGELOG.md").read_text()


def test_every_library_is_asked_for_with_its_bound() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    private, version, _ = vendored()
    for each in (*project["dependencies"], *project["optional-dependencies"]["milter"]):
        name, bound = re.fullmatch(r"([A-Za-z0-9-]+)>=([0-9.]+)", each).groups()  # type: ignore[union-attr]
        if name == private:
            assert tuple(map(int, version.split("."))) >= tuple(map(int, bound.split(".")))
            continue
        debian = NAMES.get(name.lower(), f"python3-{name.lower()}")
        assert f"{debian} (>= {bound})" in relations("Depends")


def test_what_is_private_is_pinned_and_found_by_nobody_else() -> None:
    name, _, digest = vendored()
    assert re.fullmatch("[0-9a-f]{64}", digest)
    patch = (DEBIAN / "patches/private-parser.patch").read_text()
    removed = re.search(r"(?m)^-(from selectolax.*)$", patch)
    assert removed is not None
    imports = {
        (path.relative_to(ROOT), line)
        for path in (ROOT / "milter").rglob("*.py")
        for line in path.read_text().splitlines()
        if re.match(rf"\s*(from|import) {name}\b", line)
    }
    assert imports == {(Path("milter/sealgate/mail/tree.py"), removed[1])}
    assert f"\n+from sealgate.vendor.{removed[1].removeprefix('from ')}\n" in patch


def test_the_patch_applies(tmp_path: Path) -> None:
    target = tmp_path / "milter/sealgate/mail/tree.py"
    target.parent.mkdir(parents=True)
    target.write_text((ROOT / "milter/sealgate/mail/tree.py").read_text())
    patch = DEBIAN / "patches/private-parser.patch"
    said = subprocess.run(["git", "apply", patch], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert said.returncode == 0, said.stderr
    assert "from sealgate.vendor.selectolax.lexbor import" in target.read_text()


@pytest.mark.parametrize("script", ["sealgate.postinst", "sealgate.postrm", "tests/installed", "../deb"])
def test_scripts_are_read_by_a_shell(script: str) -> None:
    path = DEBIAN / script
    said = subprocess.run(["sh", "-n", path], capture_output=True, text=True, check=False)
    assert said.stderr == ""
    assert re.search(r"(?m)^set -eu?$", path.read_text())
    if script.startswith("sealgate."):
        assert "\n#DEBHELPER#\n" in path.read_text()


def test_lines_that_the_build_replaces_are_there() -> None:
    assert len(re.findall(r"(?m)^socket: unix:", (ROOT / "conf/sealgate.yaml").read_text())) == 1
    assert len(re.findall(r"(?m)^ *\S*sealgate audit rotate", (ROOT / "conf/logrotate").read_text())) == 1
    for name in ("systemd/sealgate.service", "systemd/sealgate.sysusers", "conf/profile-fresh.yaml"):
        assert (ROOT / name).is_file()


def test_folders_have_the_modes_of_the_unit() -> None:
    unit = configparser.ConfigParser(strict=False, interpolation=None)
    unit.optionxform = str  # type: ignore[assignment, method-assign]
    unit.read(ROOT / "systemd/sealgate.service")
    service = unit["Service"]
    rows = [line.split() for line in (DEBIAN / "sealgate.tmpfiles").read_text().splitlines() if line[:1] == "d"]
    modes = {row[1]: (row[2], row[3], row[4]) for row in rows}
    owner = (service["User"], service["Group"])
    assert modes[f"/var/log/{service['LogsDirectory']}"] == (service["LogsDirectoryMode"], *owner)
    assert modes[f"/var/lib/{service['StateDirectory']}"] == (service.get("StateDirectoryMode", "0750"), *owner)
    # The gate reads keys, and cannot put others in their place; Postfix comes to the socket by the group.
    assert modes["/etc/sealgate/keys"] == ("0750", "root", service["Group"])
    assert modes["/var/spool/postfix/sealgate"] == ("2750", *owner)
    assert service["ReadWritePaths"] == "-/var/spool/postfix/sealgate"
