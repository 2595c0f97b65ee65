"""The RPM: what is in it, that rpmlint is silent, that two builds are the same octets, and that it lives on a system.

`--with wheel` is built, which spares the minute that the HTML parser takes to compile; `make rpm` compiles it. For want
of Fedora the package is installed into an empty root, where its files are looked at and the daemon starts, and on a
booted copy of this Debian, where its scriptlets run and systemd starts, upgrades and removes it. That its dependencies
exist on Fedora and EL10 is not tried here.
"""

import base64
import hashlib
import json
import os
import re
import shutil
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import yaml

import sealgate
from tests.drivers.cases import all_cases, profile_text
from tests.drivers.socket import transact
from tests.drivers.wire import Wire
from tests.lab.gate import ROOT, make_keys
from tests.packaging import booted, units

FOLDER = ROOT / "packaging/rpm"
SPEC = FOLDER / "sealgate.spec"
PYTHON = Path("/usr/bin/python3")

# What must be there, by its mode and owner: what an operator keeps is not overwritten, what is secret not readable.
WANTED = {
    "/etc/sealgate": "drwxr-xr-x root root",
    "/etc/sealgate/keys": "drwxr-x--- root sealgate",
    "/etc/sealgate/profile.yaml": "-rw-r----- root sealgate",
    "/etc/sealgate/sealgate.yaml": "-rw-r--r-- root root",
    "/usr/bin/sealgate": "-rwxr-xr-x root root",
    "/usr/lib/sysusers.d/sealgate.conf": "-rw-r--r-- root root",
    "/usr/share/bash-completion/completions/sealgate": "-rw-r--r-- root root",
    "/var/lib/sealgate": "drwxr-x--- sealgate sealgate",
    "/var/log/sealgate": "drwxr-x--- sealgate sealgate",
}


# -- on paper ----------------------------------------------------------------------------------------------------------


def test_the_spec_has_the_version_of_the_program() -> None:
    found = re.search(r"^Version: +(\S+)$", SPEC.read_text(), re.MULTILINE)
    assert found
    assert found[1] == sealgate.__version__


def test_what_is_carried_has_a_digest_and_is_debians() -> None:
    digests = {name: digest for digest, name in map(str.split, (FOLDER / "carried.sha256").read_text().splitlines())}
    carried = dict(re.findall(r"^%global (selectolax|structlog)_version (\S+)$", SPEC.read_text(), re.MULTILINE))
    assert {f"{name}-{version}.tar.gz" for name, version in carried.items()} == set(digests)
    debian = ROOT / "packaging/debian/vendored"
    if debian.exists():
        line = next(line for line in debian.read_text().splitlines() if line.startswith("selectolax"))
        name, version, digest = line.split()
        assert digests[f"{name}-{version}.tar.gz"] == digest


def test_the_spec_asks_for_the_libraries_that_the_program_asks_for() -> None:
    """The names are Fedora's; a library with a bound in pyproject.toml has the same bound here, or is carried."""
    text = SPEC.read_text()
    wanted = re.search(r"^dependencies = \[(.*?)\]", (ROOT / "pyproject.toml").read_text(), re.MULTILINE | re.DOTALL)
    assert wanted
    names = {"dnspython": "dns", "prometheus-client": "prometheus_client", "PyYAML": "pyyaml"}
    for name, bound in re.findall(r'"([A-Za-z-]+)>=([0-9.]+)"', wanted[1]):
        is_asked = f"python3-{names.get(name, name)} >= {bound}\n" in text
        assert is_asked != (f"bundled(python3dist({name}))" in text), name


# -- built -------------------------------------------------------------------------------------------------------------


def rpm(*arguments: str | Path) -> str:
    done = subprocess.run(["rpm", *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def build(folder: Path) -> Path:
    environment = os.environ | {"PYTHON": shutil.which("python3") or "python3"}
    done = subprocess.run(
        [FOLDER / "build", "--wheel", folder], capture_output=True, text=True, timeout=600, check=False, env=environment
    )
    if "could not fetch" in done.stderr:
        pytest.skip("the carried libraries cannot be fetched")
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if shutil.which("rpmbuild") is None:
        pytest.skip("rpmbuild is not installed")
    if not Path("/usr/share/selinux/devel/Makefile").exists():
        pytest.skip("selinux-policy-dev is not installed")
    return build(tmp_path_factory.mktemp("rpm"))


@pytest.fixture(scope="module")
def package(built: Path) -> Path:
    return next(path for path in built.glob("sealgate-[0-9]*.rpm") if not path.name.endswith(".src.rpm"))


pack = pytest.mark.packaging


@pack
def test_the_same_sources_make_the_same_octets(built: Path, tmp_path: Path) -> None:
    def digests(folder: Path) -> dict[str, str]:
        return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.glob("*.rpm")}

    assert len(digests(built)) == 3
    assert digests(build(tmp_path)) == digests(built)


@pack
def test_rpmlint_has_nothing_to_say(built: Path) -> None:
    if shutil.which("rpmlint") is None:
        pytest.skip("rpmlint is not installed")
    command = ["rpmlint", "-c", FOLDER / "rpmlint.toml", *built.glob("*.rpm"), SPEC]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "0 errors, 0 warnings" in done.stdout, done.stdout
    assert done.returncode == 0


@pack
def test_what_is_in_it(package: Path) -> None:
    lines = rpm("-qp", "--qf", "[%{FILENAMES} %{FILEMODES:perms} %{FILEUSERNAME} %{FILEGROUPNAME}\\n]", package)
    found = dict(line.split(" ", 1) for line in lines.splitlines())
    assert {path: found.get(path) for path in WANTED} == WANTED
    shipped = {path.name for kind in ("service", "socket", "timer") for path in units.SYSTEMD.glob(f"*.{kind}")}
    assert {Path(path).name for path in found if path.startswith("/usr/lib/systemd/system/")} == shipped
    assert not [path for path in found if re.search(r"\.(pyx|pxd|pxi|c|h|orig)$|/tests?/|/__editable", path)]
    assert sum(path.endswith(".so") for path in found) == 1
    # Fedora's group of a folder is enough for an account that reads: nothing is writable for others.
    assert not [path for path, what in found.items() if what[8] == "w" and not what.startswith("l")]


@pack
def test_settings_are_the_operators(package: Path) -> None:
    kept = "/etc/sealgate/profile.yaml\n/etc/sealgate/sealgate.yaml\n"
    assert rpm("-qpc", package) == kept
    flags = rpm("-qp", "--qf", "[%{FILENAMES} %{FILEFLAGS:fflags}\\n]", package)
    assert {line for line in flags.splitlines() if line.startswith("/etc") and line.split(" ", 1)[1]} == {
        f"{path} cn" for path in kept.split()
    }


@pack
def test_the_carried_libraries_are_nobody_elses(package: Path) -> None:
    assert "selectolax" not in rpm("-qp", "--requires", package)
    provides = rpm("-qp", "--provides", package)
    assert "bundled(python3dist(selectolax))" in provides
    assert "libc.so" not in provides
    assert "lexbor.cpython" not in provides


@pack
def test_it_installs_into_an_empty_root_and_serves_from_there(package: Path, tmp_path: Path) -> None:
    """Without scriptlets, as there is no shell. The program is this system's Python, its code the root's."""
    if os.geteuid() != 0:
        pytest.skip("only root can install into a root")
    root = tmp_path / "root"
    root.mkdir()
    rpm("--root", root, "-i", "--nodeps", "--noscripts", package)
    assert (root / "usr/bin/sealgate").stat().st_mode & 0o777 == 0o755
    assert stat.S_IMODE((root / "etc/sealgate/keys").stat().st_mode) == 0o750
    yaml.safe_load((root / "etc/sealgate/sealgate.yaml").read_text())
    if why := units.why_not():
        pytest.skip(why)
    code, carried = next((root / "usr/lib").glob("python3*/site-packages")), next((root / "usr").glob("lib*/sealgate"))
    work = tmp_path / "work"
    for name in ("run", "state"):
        (work / name).mkdir(parents=True)
    make_keys(work / "keys")
    (work / "profile.yaml").write_text(profile_text("enforce").replace("{keys}", str(work / "keys")))
    settings = work / "sealgate.yaml"
    settings.write_text(
        f"socket: unix:{work}/s\nworkers: 1\nprofile: {work}/profile.yaml\naudit_log: {work}/audit.jsonl\n"
        f"state: {work}/state\nruntime: {work}/run\ndns_servers: [127.0.0.1:9]\n"
    )
    where = f"{code}:{carried}"
    asked = [
        PYTHON,
        "-P",
        "-c",
        "import selectolax, structlog, sealgate; print(selectolax.__file__, sealgate.__file__)",
    ]
    said = subprocess.run(asked, capture_output=True, text=True, check=True, env={"PYTHONPATH": where}).stdout
    assert said.count(str(root)) == 2, said
    with (work / "log").open("wb") as log:
        process = subprocess.Popen(
            [PYTHON, "-P", "-m", "sealgate", "serve", "--settings", settings],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/",
            env={"PYTHONPATH": where, "PYTHONDONTWRITEBYTECODE": "1", "PATH": "/usr/bin:/bin"},
        )  # fmt: skip
    try:
        deadline = time.monotonic() + 60
        while not (work / "run/status.json").exists():
            assert process.poll() is None, (work / "log").read_text()
            assert time.monotonic() < deadline, (work / "log").read_text()
            time.sleep(0.05)
        with Wire(f"unix:{work}/s") as wire:
            wire.negotiate()
            wire.connect("localhost", "127.0.0.1", 40000, {"daemon_name": "submission"})
            wire.helo()
            answer = transact(wire, next(case for case in all_cases() if case.name == "personal-mail"))
        assert (answer.code, answer.delivered.lower().count(b"dkim-signature:")) == ("250", 2)
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0


# -- alive -------------------------------------------------------------------------------------------------------------

_PROBE = """
import json, os, subprocess, sys, time
from pathlib import Path
sys.path.insert(0, "/results")
from wire import Wire
import base64
LETTER = json.loads(Path("/results/letters.json").read_text())["letter"]
SEEN = {}

def run(*command):
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    print(*command, "->", done.returncode, done.stdout, done.stderr, flush=True)
    return done

def package(*arguments):
    return run("rpm", "--force-debian", "--nodeps", *arguments).returncode

def show(*names):
    return run("systemctl", "show", "sealgate", "-p", ",".join(names), "--value").stdout.split()

def send():
    with Wire("unix:/run/sealgate/sealgate.sock") as wire:
        wire.negotiate()
        wire.connect("localhost", "127.0.0.1", 40000, {"daemon_name": "submission"})
        wire.helo()
        login = {"auth_type": LETTER["sasl"][0], "auth_authen": LETTER["sasl"][1]}
        done = wire.transact("<" + LETTER["mail_from"] + ">", ["<" + LETTER["rcpt"] + ">"],
                             base64.b64decode(LETTER["message"]), login, {"i": "4TstBOOT"})
    return f"{done.code} {done.delivered.lower().count(b'dkim-signature:')}"

def children():
    pid = show("MainPID")[0]
    return set(Path(f"/proc/{pid}/task/{pid}/children").read_text().split())

NAME = next(str(path) for path in Path("/results").glob("*.rpm"))
SEEN["install"] = package("-i", NAME)
SEEN["account"] = run("getent", "passwd", "sealgate").stdout.split(":")[-1].strip()
SEEN["verify"] = run("rpm", "-V", "--nodeps", "sealgate").stdout
SEEN["owners"] = run("stat", "-c", "%U:%G", "/var/log/sealgate", "/etc/sealgate/keys").stdout.split()
SEEN["fresh check"] = run("/usr/bin/sealgate", "check", "--no-mta").returncode
SEEN["fresh start"] = run("systemctl", "start", "sealgate").returncode
SEEN["fresh stop"] = run("systemctl", "stop", "sealgate").returncode
run("sh", "-c", "cp /results/etc/* /etc/sealgate/; cp /results/keys/* /etc/sealgate/keys/; "
    "chown sealgate /etc/sealgate/keys/*; chmod 0600 /etc/sealgate/keys/*; chmod 0640 /etc/sealgate/profile.yaml; "
    "chgrp sealgate /etc/sealgate/profile.yaml")
SEEN["enable"] = run("systemctl", "enable", "--now", "sealgate", "sealgate-rotate.timer").returncode
SEEN["first"] = send()
pid, before = show("MainPID")[0], children()
SEEN["upgrade"] = package("-U", "--replacepkgs", "--replacefiles", "--oldpackage", NAME)
deadline = time.monotonic() + 60
while before & children() and time.monotonic() < deadline:
    time.sleep(0.1)
SEEN["same process"], SEEN["new workers"] = show("MainPID")[0] == pid, not before & children()
SEEN["second"] = send()
SEEN["operator's settings kept"] = "dns_servers: [127.0.0.1:9]" in Path("/etc/sealgate/sealgate.yaml").read_text()
SEEN["remove"] = package("-e", "sealgate")
SEEN["after"] = run("systemctl", "is-active", "sealgate", "sealgate-rotate.timer").stdout.split()
SEEN["enabled"] = [path.name for path in Path("/etc/systemd/system").glob("*.wants/sealgate*")]
SEEN["gone"] = not Path("/usr/bin/sealgate").exists()
log = Path("/var/log/sealgate/audit.jsonl")
SEEN["record"] = log.read_text().count('"kind":"decision"') if log.exists() else 0
SEEN["keys kept"] = sorted(path.name for path in Path("/etc/sealgate/keys").glob("*"))
SEEN["account kept"] = run("getent", "passwd", "sealgate").returncode == 0
with open("/results/journal", "wb") as journal:
    subprocess.run(["journalctl", "--no-pager"], stdout=journal, check=False)
Path("/results/result.json").write_text(json.dumps(SEEN))
"""


@pytest.fixture(scope="module")
def lived(package: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The package's life on a booted copy of this system: install, configure, upgrade, remove."""
    if why := booted.why_not() or units.why_not():
        pytest.skip(why)
    home = tmp_path_factory.mktemp("rpm-boot")
    stage, results = home / "stage", home / "results"
    for folder in (stage, results, results / "etc"):
        folder.mkdir(mode=0o755)
    # This Debian's Python looks elsewhere than Fedora's; nothing else is put in its way.
    version = ".".join(map(str, sys.version_info[:2]))
    packages = stage / "usr/lib/python3/dist-packages"
    packages.mkdir(parents=True)
    (packages / "fedora.pth").write_text(f"/usr/lib/python{version}/site-packages\n")
    make_keys(results / "keys")
    (results / "etc/sealgate.yaml").write_text(units.SETTINGS)
    (results / "etc/profile.yaml").write_text(profile_text("enforce").replace("{keys}", "/etc/sealgate/keys"))
    shutil.copy(ROOT / "tests/drivers/wire.py", results)
    case = next(case for case in all_cases() if case.name == "personal-mail")
    letter = {
        "message": base64.b64encode(case.message).decode(), "sasl": case.sasl, "mail_from": case.mail_from,
        "rcpt": case.rcpt,
    }  # fmt: skip
    (results / "letters.json").write_text(json.dumps({"letter": letter}))
    shutil.copy(package, results)
    found = booted.boot(home, _PROBE)
    found["log"] = (results / "probe.log").read_text() + (results / "journal").read_text()[-6000:]
    return found


@pack
def test_installed_it_has_an_account_and_a_profile_that_refuses_nothing(lived: dict[str, Any]) -> None:
    wanted = {
        "install": 0, "account": "/sbin/nologin", "verify": "", "fresh check": 0, "fresh start": 0, "fresh stop": 0,
        "owners": ["sealgate:sealgate", "root:sealgate"],
    }  # fmt: skip
    assert {name: lived.get(name) for name in wanted} == wanted, lived["log"]


@pack
def test_an_upgrade_replaces_the_program_and_keeps_the_settings(lived: dict[str, Any]) -> None:
    wanted = {
        "enable": 0, "first": "250 2", "upgrade": 0, "same process": True, "new workers": True, "second": "250 2",
        "operator's settings kept": True,
    }  # fmt: skip
    assert {name: lived.get(name) for name in wanted} == wanted, lived["log"]


@pack
def test_removed_it_leaves_the_record_the_keys_and_the_account(lived: dict[str, Any]) -> None:
    wanted = {
        "remove": 0, "after": ["inactive", "inactive"], "enabled": [], "gone": True, "record": 2,
        "keys kept": ["example.test.ed.pem", "example.test.rsa.pem"], "account kept": True,
    }  # fmt: skip
    assert {name: lived.get(name) for name in wanted} == wanted, lived["log"]
