"""A fresh Debian in a folder, to install a package in.

`Chroot` unpacks what debootstrap made: the smallest system of a release, kept as one archive in the user's cache folder
for `_FRESH` days; the packages that are fetched into it are kept there too. Each command runs in namespaces of its own,
so that nothing it starts outlives it, and daemons it starts listen on a loopback of their own. No service is started by
an installation: `policy-rc.d` forbids it.

What can fail: no root, no debootstrap, no mirror (`why_not`, `ChrootUnavailable`: a reason to skip); a command that
ends with another status than 0 (`CommandFailed`, with what it said).
"""

import os
import shutil
import subprocess
import time
from pathlib import Path
from typing import Final

_CACHE: Final = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "sealgate"
_FRESH: Final = 14  # days; point releases come every other month, and `apt-get update` does the rest
_PATIENCE: Final = 900.0  # seconds for one command: a slow mirror, a busy machine
_APT: Final = (
    "apt-get", "-q", "-y", "--no-install-recommends", "-o", "Dpkg::Use-Pty=0", "-o", "Acquire::Retries=2",
    "-o", "Dpkg::Options::=--force-confold",
)  # fmt: skip
# $1: the root; $2: the folder of fetched packages; the rest: the command.
_ENTER: Final = """set -eu
root=$1 fetched=$2
shift 2
ip link set lo up 2>/dev/null || true
mount --bind "$fetched" "$root/var/cache/apt/archives"
mount -t proc proc "$root/proc"
exec chroot "$root" "$@"
"""


class ChrootUnavailable(RuntimeError):
    """No fresh Debian can be had here; the text says why."""


class CommandFailed(RuntimeError):
    """A command in the chroot ended badly; the text holds the end of what it said."""


def why_not() -> str:
    """Say why no chroot can be made here, or return an empty string."""
    if os.geteuid() != 0:
        return "debootstrap and chroot need root"
    wanted = ("debootstrap", "unshare", "chroot", "ip", "tar")
    if missing := [name for name in wanted if shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin:/sbin") is None]:
        return f"not installed: {', '.join(missing)} (Debian: debootstrap, util-linux, iproute2)"
    return ""


class Chroot:
    """One fresh system.

    Args:
        folder: becomes its root; must not be there yet.
        suite: the release, `bookworm` or `trixie`.

    Raises:
        ChrootUnavailable: debootstrap cannot fetch it.
    """

    def __init__(self, folder: Path, suite: str) -> None:
        self.root = folder
        self._fetched = _CACHE / f"archives-{suite}"
        (self._fetched / "partial").mkdir(parents=True, exist_ok=True)
        folder.mkdir()
        subprocess.run(["tar", "-x", "--numeric-owner", "-C", folder, "-f", _archive(suite)], check=True)
        shutil.copy("/etc/resolv.conf", folder / "etc/resolv.conf")
        policy = folder / "usr/sbin/policy-rc.d"
        policy.write_text("#!/bin/sh\nexit 101\n")
        policy.chmod(0o755)

    def run(self, *command: str, network: bool = False) -> str:
        """Run a command as root and return what it said, on both outputs.

        Args:
            command: looked up in the chroot.
            network: with the host's network; else with a loopback of its own and nothing else.

        Raises:
            CommandFailed: its status is not 0, or it took longer than fifteen minutes.
        """
        spaces = ["--mount", "--pid", "--fork", "--kill-child", *(() if network else ("--net",))]
        try:
            done = subprocess.run(
                ["unshare", *spaces, "sh", "-c", _ENTER, "sh", self.root, self._fetched, *command],
                env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8", "DEBIAN_FRONTEND": "noninteractive"},
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                timeout=_PATIENCE, check=False, text=True, errors="replace",
            )  # fmt: skip
        except subprocess.TimeoutExpired as error:
            raise CommandFailed(f"{' '.join(command)} came to no end") from error
        if done.returncode:
            raise CommandFailed(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout[-6000:]}")
        return done.stdout

    def apt(self, *arguments: str) -> str:
        """Run apt-get, without recommended packages, answering yes, keeping changed configuration files."""
        return self.run(*_APT, *arguments, network=True)

    def path(self, inside: str) -> Path:
        """Where a path of the chroot lies on this host. Not for links that lead to an absolute path."""
        return self.root / inside.lstrip("/")

    def found(self, word: str) -> set[str]:
        """All paths with this word in them, but those of the packages' lists and of the log of the installations."""
        said = self.run("find", "/", "-xdev", "-path", "/proc", "-prune", "-o", "-path", f"*{word}*", "-print")
        ours = ("/var/lib/dpkg/", "/var/cache/apt/", "/var/log/apt/", "/proc")
        return {line for line in said.splitlines() if not line.startswith(ours)}


def _archive(suite: str) -> Path:
    """The archive of a fresh system, made where there is none or an old one."""
    kind = subprocess.run(["dpkg", "--print-architecture"], capture_output=True, text=True, check=True).stdout.strip()
    archive = _CACHE / f"debian-{suite}-{kind}.tar"
    if archive.exists() and time.time() - archive.stat().st_mtime < _FRESH * 86_400:
        return archive
    _CACHE.mkdir(parents=True, exist_ok=True)
    made = _CACHE / f".{suite}-{os.getpid()}"
    try:
        done = subprocess.run(
            ["debootstrap", "--variant=minbase", suite, made],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=_PATIENCE, check=False,
        )  # fmt: skip
        if done.returncode:
            raise ChrootUnavailable(f"debootstrap {suite} failed: {done.stdout[-300:]}")
        fresh = archive.with_suffix(f".{os.getpid()}")
        subprocess.run(
            ["tar", "-c", "-C", made, "-f", fresh, "--exclude=./var/cache/apt/archives/*.deb", "."], check=True
        )
        fresh.replace(archive)
    except subprocess.TimeoutExpired as error:
        raise ChrootUnavailable(f"debootstrap {suite} came to no end") from error
    finally:
        shutil.rmtree(made, ignore_errors=True)
    return archive
