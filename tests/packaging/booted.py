"""This machine's Debian, booted a second time in namespaces of its own, with systemd as process 1 and our units.

The only proof that a unit works is systemd itself: sandbox, credentials, watchdog and account are all its work. `boot`
lays a tmpfs over a read-only view of `/`, puts files of the caller's into it, starts systemd there with nothing but the
journal, runs one Python script as root, and gives what that script wrote. No daemon of this host is started, no network
but a loopback of its own is there, and nothing of it is left behind.

What can fail: no root, no namespaces, no cgroup hierarchy to write in (`why_not` says so); a boot that does not end
within its time, as `BootError` with the journal.
"""

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any, Final

SYSTEMD: Final = Path("/usr/lib/systemd/systemd")
UNITS: Final = Path("/usr/lib/systemd/system")
PATIENCE: Final = 150.0  # seconds for all of it, on a busy machine
# Of what would come up on its own, the journal alone is wanted.
_KEPT: Final = ("systemd-journald", "systemd-tmpfiles-setup.service")
_TARGETS: Final = ("sysinit", "basic", "sockets", "timers", "local-fs", "paths", "slices")
_CGROUPS: Final = (Path("/sys/fs/cgroup/unified"), Path("/sys/fs/cgroup"))

_PROBE: Final = """[Unit]
Description=The test
SuccessAction=exit
FailureAction=exit
[Service]
Type=oneshot
ExecStart=/usr/bin/python3 /results/probe.py
Environment=PYTHONDONTWRITEBYTECODE=1
StandardOutput=append:/results/probe.log
StandardError=append:/results/probe.log
TimeoutStartSec=140
"""

# $1: a folder of ours; it holds `stage`, to be laid over /, and takes `results`.
_INIT: Final = """set -eu
home=$1
mount -t tmpfs -o mode=755 boot "$home/mnt"
mkdir "$home/mnt/upper" "$home/mnt/work" "$home/mnt/root"
mount -t overlay -o lowerdir=/,upperdir="$home/mnt/upper",workdir="$home/mnt/work" boot "$home/mnt/root"
cp -a "$home/stage/." "$home/mnt/root/"
cd "$home/mnt/root"
mkdir -p results
mount --bind "$home/results" results
mount -t proc proc proc
mount -t sysfs sysfs sys
mount -t cgroup2 cgroup2 sys/fs/cgroup
mount -t tmpfs -o mode=755 dev dev
mkdir dev/pts dev/shm
mount -t devpts -o newinstance,ptmxmode=0666,mode=620 devpts dev/pts
mount -t tmpfs shm dev/shm
for node in null:3 zero:5 full:7 random:8 urandom:9; do mknod -m 666 "dev/${node%:*}" c 1 "${node#*:}"; done
mknod -m 666 dev/tty c 5 0
ln -s pts/ptmx dev/ptmx
ln -s /proc/self/fd dev/fd
mount -t tmpfs -o mode=755 run run
mount -t tmpfs -o mode=1777 tmp tmp
pivot_root . .
umount -l .
cd /
# As process 1 does where no container manager started it: credentials are mounted in a namespace below.
mount --make-rshared /
systemd-sysusers
[ ! -x /results/prepare ] || /results/prepare
exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin container=test \
    /usr/lib/systemd/systemd --system --unit=probe.service --log-target=journal --show-status=no
"""


class BootError(RuntimeError):
    """The boot came to no end, or the script in it failed; the text holds what was said."""


def why_not() -> str:
    """Say why nothing can be booted here, or return an empty string."""
    if os.geteuid() != 0:
        return "only root can boot a system in namespaces"
    if not SYSTEMD.exists():
        return "systemd is not installed"
    if _cgroups() is None:
        return "there is no cgroup v2 hierarchy to write in"
    for name in ("unshare", "pivot_root", "systemd-sysusers"):
        if shutil.which(name) is None and shutil.which(f"/usr/sbin/{name}") is None:
            return f"{name} is not installed"
    tried = ["unshare", "--mount", "--pid", "--net", "--uts", "--ipc", "--cgroup", "--fork", "true"]
    if subprocess.run(tried, capture_output=True, check=False).returncode != 0:
        return "namespaces are forbidden here"
    return ""


def boot(home: Path, probe: str) -> dict[str, Any]:
    """Boot what lies in `home/stage` over this system's files, and run `probe` in it as root.

    Args:
        home: a folder of the caller's. `stage` in it is laid over `/`; `results` in it is `/results` there: the script
            writes `result.json` into it, and an executable `prepare` runs before systemd does.
        probe: the Python script, for /usr/bin/python3.

    Raises:
        BootError: there is no result.
    """
    results = home / "results"
    for name in ("mnt", "results", "stage/etc/systemd/system"):
        (home / name).mkdir(parents=True, exist_ok=True)
    (results / "probe.py").write_text(probe)
    (home / "init.sh").write_text(_INIT)
    _quieten(home / "stage/etc/systemd/system")
    top = _cgroups()
    if top is None:
        raise BootError("there is no cgroup hierarchy")
    group = top / f"sealgate-boot-{os.getpid()}"
    group.mkdir()
    command = (
        'echo $$ > "$1/cgroup.procs" && exec unshare --mount --pid --net --uts --ipc --cgroup --fork --kill-child '
        '--propagation private /bin/sh "$2/init.sh" "$2"'
    )
    try:
        with (home / "init.log").open("wb") as log:
            subprocess.run(
                ["/bin/sh", "-c", command, "sh", str(group), str(home)],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, timeout=PATIENCE, check=False,
            )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        raise BootError(f"no end within {PATIENCE:g} seconds\n{_said(home)}") from error
    finally:
        _remove(group)
    try:
        found: dict[str, Any] = json.loads((results / "result.json").read_text())
    except (OSError, ValueError) as error:
        raise BootError(f"no result\n{_said(home)}") from error
    return found


def _cgroups() -> Path | None:
    return next((path for path in _CGROUPS if (path / "cgroup.procs").exists() and os.access(path, os.W_OK)), None)


def _quieten(folder: Path) -> None:
    """Mask what this host's system would start, and put the test in."""
    for target in _TARGETS:
        for place in (UNITS, Path("/etc/systemd/system")):
            for wanted in (place / f"{target}.target.wants").glob("*"):
                if not wanted.name.startswith(_KEPT) and not (folder / wanted.name).is_symlink():
                    (folder / wanted.name).symlink_to("/dev/null")
    (folder / "probe.service").write_text(_PROBE)


def _said(home: Path) -> str:
    texts = [(home / name) for name in ("init.log", "results/probe.log", "results/journal")]
    return "\n".join(f"-- {path.name}\n{path.read_text(errors='replace')[-6000:]}" for path in texts if path.exists())


def _remove(group: Path) -> None:
    """A cgroup goes when those in it are gone; what the end of its process 1 killed may take a moment."""
    for path in sorted(group.rglob("*"), reverse=True):
        if path.is_dir():
            path.rmdir()
    group.rmdir()
