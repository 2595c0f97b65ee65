"""The Debian package, from the tree to the mailbox: built twice, judged by lintian, and lived with in fresh systems.

`life` installs it where there is no mail server, adds Postfix, gates mail, puts a newer package over the running gate
while mail goes on, removes, purges and installs again; the tests look at what was seen on the way. One package is tried
in each release. Needs root, debootstrap, the build's packages and Debian's mirror; without them it says so and is
skipped.
"""

import hashlib
import json
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import pytest

from tests.packaging.chroots import Chroot, ChrootUnavailable, CommandFailed, why_not

pytestmark = [pytest.mark.packaging, pytest.mark.nightly]

ROOT: Final = Path(__file__).resolve().parents[2]


@dataclass(slots=True)
class Life:
    """What was seen of a package in one system."""

    chroot: Chroot
    notes: dict[str, Any] = field(default_factory=dict)
    mail: dict[str, Any] = field(default_factory=dict)


def build(folder: Path, *options: str) -> Path:
    """Build what lies in the tree and, unless told otherwise, have lintian judge it; returns the package."""
    done = subprocess.run(
        [ROOT / "packaging/deb", "--as-it-lies", *options, folder],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
    )  # fmt: skip
    if done.returncode == 69:
        pytest.skip(done.stdout.strip().splitlines()[-1])
    assert done.returncode == 0, done.stdout
    return next(folder.glob("sealgate_*.deb"))


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("deb"), "--no-lint")


@pytest.fixture(scope="module", params=["bookworm", "trixie"])
def life(request: pytest.FixtureRequest, package: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Life]:
    if why := why_not():
        pytest.skip(why)
    folder = tmp_path_factory.mktemp(request.param)
    try:
        seen = Life(Chroot(folder / "root", request.param))
        seen.chroot.run("apt-get", "-q", "update", network=True)
    except (ChrootUnavailable, CommandFailed) as error:
        pytest.skip(str(error))
    try:
        lived(seen, package, folder)
        yield seen
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def lived(seen: Life, package: Path, folder: Path) -> None:
    """Install, use, renew, remove, purge, install again."""
    chroot, notes = seen.chroot, seen.notes
    notes["before"] = chroot.found("sealgate")
    shutil.copy(package, chroot.path("/older.deb"))
    shutil.copy(newer(package, folder), chroot.path("/newer.deb"))
    notes["install"] = chroot.apt("install", "/older.deb")
    notes["fresh"] = looked_at(chroot)
    shutil.copy(ROOT / "packaging/debian/tests/parser.py", chroot.path("/parser.py"))
    notes["parser"] = chroot.run(
        "python3", "-X", "dev", "-W", "error", "/parser.py", "sealgate.vendor.selectolax.lexbor"
    )
    chroot.apt("install", "postfix", "libsasl2-modules", "libsasl2-modules-db", "sasl2-bin")
    notes["group"] = chroot.run("id", "-nG", "postfix").split()
    shutil.copy(ROOT / "tests/packaging/deb_mail.py", chroot.path("/deb_mail.py"))
    chroot.run("python3", "/deb_mail.py")
    seen.mail = json.loads(chroot.path("/result.json").read_text())
    record = chroot.path("/var/log/sealgate/audit.jsonl")
    notes["record"] = digest(record)
    for turn in ("first", "second"):
        chroot.apt("remove", "sealgate")
        notes[f"removed {turn}"] = chroot.found("sealgate")
        chroot.apt("install", "/newer.deb")
        notes[f"edits {turn}"] = chroot.path("/etc/sealgate/sealgate.yaml").read_text()
        notes[f"purge {turn}"] = chroot.apt("purge", "sealgate")
        notes[f"purged {turn}"] = chroot.found("sealgate")
        notes[f"record {turn}"] = digest(record)
        chroot.apt("install", "/older.deb")
        notes[f"again {turn}"] = looked_at(chroot)


def newer(package: Path, folder: Path) -> Path:
    """The same package with a higher version and another sample of the settings, as the next release would bring."""
    tree = folder / "newer"
    subprocess.run(["dpkg-deb", "-R", package, tree], check=True)
    control = tree / "DEBIAN/control"
    control.write_text(control.read_text().replace("-1\n", "-2\n", 1))
    settings = tree / "etc/sealgate/sealgate.yaml"
    settings.write_text(settings.read_text() + "\n# A new line of the package.\n")
    made = folder / "newer.deb"
    subprocess.run(["dpkg-deb", "--root-owner-group", "-b", tree, made], check=True, stdout=subprocess.DEVNULL)
    return made


def looked_at(chroot: Chroot) -> dict[str, Any]:
    """The system as the package leaves it."""
    folders = ("/var/log/sealgate", "/var/lib/sealgate", "/etc/sealgate/keys", "/var/spool/postfix/sealgate")
    return {
        "check": chroot.run("sealgate", "check"),
        "version": chroot.run("sealgate", "--version"),
        "account": chroot.run("getent", "passwd", "sealgate").strip(),
        "folders": chroot.run("stat", "-c", "%a %U:%G %n", *folders).splitlines(),
        "conffiles": chroot.run("dpkg-query", "-W", "-f", "${Conffiles}", "sealgate"),
        "files": set(chroot.run("dpkg", "-L", "sealgate").splitlines()),
    }


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_lintian_finds_nothing_and_two_builds_give_the_same_octets(package: Path, tmp_path: Path) -> None:
    again = build(tmp_path)
    for kind in ("*.deb", "*.orig*", "*.debian.tar.xz", "*.dsc"):
        names = {each.name: digest(each) for each in package.parent.glob(kind)}
        assert names
        assert {each.name: digest(each) for each in again.parent.glob(kind)} == names


def test_installs_where_there_is_no_mail_server(life: Life) -> None:
    fresh = life.notes["fresh"]
    assert life.notes["before"] == set()
    assert fresh["account"].startswith("sealgate:")
    assert fresh["account"].endswith("/nologin")
    assert fresh["folders"] == [
        "750 sealgate:sealgate /var/log/sealgate",
        "750 sealgate:sealgate /var/lib/sealgate",
        "750 root:sealgate /etc/sealgate/keys",
        "2750 sealgate:sealgate /var/spool/postfix/sealgate",
    ]
    for name in ("/etc/sealgate/sealgate.yaml", "/etc/sealgate/profile.yaml", "/etc/logrotate.d/sealgate"):
        assert f" {name} " in fresh["conffiles"]
    for end in (
        "/systemd/system/sealgate.service", "/sysusers.d/sealgate.conf", "/tmpfiles.d/sealgate.conf",
        "/man7/sealgate-rules.7.gz", "/completions/sealgate", "/_sealgate", "/sealgate.fish", "/bin/sealgate",
    ):  # fmt: skip
        assert [path for path in fresh["files"] if path.endswith(end)], end
    assert life.notes["parser"] == ""


def test_postfix_is_admitted_though_it_came_later(life: Life) -> None:
    assert "sealgate" in life.notes["group"]


def test_what_leaves_is_sealed_and_recorded(life: Life) -> None:
    mail = life.mail
    assert mail["letter"][0] == mail["html"][0] == 250, mail
    assert mail["forged"][0] == 550
    assert "identity.header-from" in mail["forged"][1]
    assert "\nDKIM-Signature: " in mail["delivered"]
    assert "d=example.test" in mail["delivered"]
    assert mail["verdicts"]["accept"] == mail["accepted"]
    assert mail["verdicts"]["reject"] == 1
    assert mail["line"]["auth"]["principal"] == "alice@EXAMPLE.TEST"
    assert mail["stopped"] == 0


def test_an_upgrade_defers_nothing_and_keeps_edits(life: Life) -> None:
    upgrade = life.mail["upgrade"]
    assert set(upgrade["codes"]) == {"250"}, upgrade
    assert upgrade["codes"]["250"] > 20
    assert upgrade["same_process"]
    # Removed and installed again before it was purged: the edits are there still, and the package's new line is not.
    assert "An edit of the operator" in life.notes["edits first"]
    assert "A new line of the package" not in life.notes["edits first"]
    assert "A new line of the package" in life.notes["edits second"]


@pytest.mark.parametrize("turn", ["first", "second"])
def test_a_purge_leaves_the_record_and_the_keys_alone(life: Life, turn: str) -> None:
    left = life.notes[f"purged {turn}"]
    kept = ("/var/log/sealgate", "/var/lib/sealgate", "/etc/sealgate")
    assert {path for path in left if not path.startswith(kept)} == set()
    key = "/etc/sealgate/keys/example.test.s1.pem"
    assert {path for path in left if path.startswith("/etc/sealgate/")} == {"/etc/sealgate/keys", key}
    assert life.notes[f"record {turn}"] == life.notes["record"]
    assert "is left" in life.notes[f"purge {turn}"]
    assert life.notes[f"again {turn}"]["folders"] == life.notes["fresh"]["folders"]
