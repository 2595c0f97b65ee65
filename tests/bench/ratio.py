"""Filters beside each other: messages a second, measured alternately in one run on one machine.

The load generator `load.c` is compiled where it is missing or older than its source. The order is A B A B ...; each
figure is the median of the rounds, a ratio is the median of the ratios round by round, so that others who use the
machine disturb it little. A run whose messages were not all accepted, each with one header inserted or more, is no
measurement: `BenchError`. OpenDKIM, the peer that all is held against, signs only: RSA-2048, relaxed/relaxed, a folder
of its own. Needs opendkim and a C compiler.
"""

import contextlib
import datetime
import json
import os
import platform
import shutil
import statistics
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any, Final, Self

from tests.lab.ports import answers

HERE: Final = Path(__file__).resolve().parent
SELECTOR: Final = "s1"
DOMAIN: Final = "example.test"
FIGURES: Final = ("rate", "cpu_ms", "end_p50_ms", "end_p99_ms", "whole_p50_ms", "whole_p99_ms", "load_share")

_CONF: Final = """\
Mode s
Domain {domain}
Selector {selector}
KeyFile {folder}/{selector}.private
Canonicalization relaxed/relaxed
SignatureAlgorithm rsa-sha256
OversignHeaders From
InternalHosts {folder}/internal
RequireSafeKeys no
Syslog no
UMask 007
"""

StartGate = Callable[[Path], contextlib.AbstractContextManager["Served"]]


class BenchError(RuntimeError):
    """Something that is measured or needed did not start, or did not do its work."""


@dataclass(frozen=True, slots=True)
class Served:
    """A filter that listens: where, and the process whose CPU time (children included) counts, 0 if unknown."""

    socket: str
    pid: int = 0


@dataclass(frozen=True, slots=True)
class Run:
    """One run of the load generator against one filter, with the filter's CPU milliseconds a message beside it."""

    rate: float
    cpu_ms: float
    end_p50_ms: float
    end_p99_ms: float
    whole_p50_ms: float
    whole_p99_ms: float
    load_share: float  # of one core


class OpenDkim:
    """OpenDKIM signing for example.test, for one `with` block; `record` is the TXT record that publishes its key."""

    def __init__(self, folder: Path, canonicalization: str = "relaxed/relaxed", port: int = 0) -> None:
        """Use `folder`, which must exist, for key, configuration, socket and log; with a port, listen there instead."""
        self.socket = f"inet:127.0.0.1:{port}" if port else f"unix:{folder}/opendkim.sock"
        self.name = f"{SELECTOR}._domainkey.{DOMAIN}"
        self.record = ""
        self.pid = 0
        self._folder = folder
        self._canonicalization = canonicalization
        self._port = port
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        """Make the key and start the filter.

        Raises:
            BenchError: opendkim or opendkim-genkey is not installed, or it did not listen within ten seconds.
        """
        folder = self._folder
        programs = [_program("opendkim"), _program("opendkim-genkey")]
        subprocess.run(
            [programs[1], "-b", "2048", "-s", SELECTOR, "-d", DOMAIN, "-D", str(folder)],
            check=True,
            capture_output=True,
        )
        # A zone line: name IN TXT ( "part" "part" ) ; comment
        self.record = "".join((folder / f"{SELECTOR}.txt").read_text().split('"')[1::2])
        (folder / "internal").write_text("0.0.0.0/0\n::/0\n")
        conf = _CONF.format(domain=DOMAIN, selector=SELECTOR, folder=folder)
        (folder / "conf").write_text(conf.replace("relaxed/relaxed", self._canonicalization))
        path = folder / "opendkim.sock"
        where = f"inet:{self._port}@127.0.0.1" if self._port else f"local:{path}"
        with (folder / "opendkim.log").open("wb") as log:
            self._process = subprocess.Popen(
                [programs[0], "-f", "-x", str(folder / "conf"), "-p", where],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        self.pid = self._process.pid
        deadline = time.monotonic() + 10
        while not (answers(self._port) if self._port else path.exists()):
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.__exit__()
                raise BenchError(f"opendkim does not listen: {(folder / 'opendkim.log').read_text()[-800:]}")
            time.sleep(0.02)
        return self

    def __exit__(self, *_: object) -> None:
        """Stop the filter; libmilter takes up to five seconds for it."""
        process, self._process = self._process, None
        if process is None:
            return
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def load_program() -> Path:
    """Return the compiled load generator, building it where it is missing or older than its source.

    Raises:
        BenchError: no C compiler, or it does not compile.
    """
    source, program = HERE / "load.c", HERE / "load"
    if not program.exists() or program.stat().st_mtime < source.stat().st_mtime:
        command = [_program("cc"), "-O2", "-Wall", "-Wextra", "-std=c11", "-o", str(program), str(source)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise BenchError(f"load.c does not compile: {done.stderr}")
    return program


def measure(served: Served, template: Path, count: int, connections: int, base: int = 0) -> dict[str, Any]:
    """Send `count` messages and return the generator's figures, with `cpu_seconds` of the filter added.

    Args:
        served: the filter.
        template: a file written by `tests.bench.messages`.
        count: messages in all.
        connections: how many milter connections at a time.
        base: number of the first message; another base means other recipients, tokens and bodies.

    Raises:
        BenchError: the generator failed.
    """
    command = [str(load_program()), "-s", served.socket, "-n", str(count), "-c", str(connections)]
    before = cpu_seconds(served.pid)
    done = subprocess.run([*command, "-t", str(template), "-b", str(base)], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise BenchError(f"load: {done.stderr.strip()}")
    said: dict[str, Any] = json.loads(done.stdout)
    said["cpu_seconds"] = cpu_seconds(served.pid) - before
    return said


def judged(said: dict[str, Any], count: int) -> Run:
    """Turn the generator's figures into a `Run`.

    Raises:
        BenchError: not every message was accepted and edited, so this was not the work that is compared.
    """
    if said["accepted"] != count or said["inserted"] < count:
        raise BenchError(f"not every message was accepted and signed: {json.dumps(said)}")
    return Run(
        rate=said["rate"],
        cpu_ms=said["cpu_seconds"] / count * 1000,
        end_p50_ms=said["end_p50_ms"],
        end_p99_ms=said["end_p99_ms"],
        whole_p50_ms=said["whole_p50_ms"],
        whole_p99_ms=said["whole_p99_ms"],
        load_share=said["load_share"],
    )


def compare(
    filters: Mapping[str, Served], template: Path, counts: Mapping[str, int], connections: int, rounds: int
) -> dict[str, list[Run]]:
    """Measure the filters in turn, `rounds` times, after a tenth of a round each to warm up.

    Args:
        filters: what is measured, by name.
        template: see `measure`.
        counts: messages a round, by the same names: a slow filter need not be waited for.
        connections: how many milter connections at a time.
        rounds: how often.

    Raises:
        BenchError: see `measure` and `judged`.
    """
    runs: dict[str, list[Run]] = {name: [] for name in filters}
    base = 0
    for turn in range(rounds + 1):
        for name, served in filters.items():
            size = counts[name] if turn else max(counts[name] // 10, connections)
            run = judged(measure(served, template, size, connections, base), size)
            if turn:
                runs[name].append(run)
        base += max(counts.values())
    return runs


def times(runs: Mapping[str, Sequence[Run]], ours: str, theirs: str) -> float | None:
    """How many times the rate of `theirs`: the median of the rounds; None where one was not measured."""
    if not runs.get(ours) or not runs.get(theirs):
        return None
    return statistics.median(a.rate / b.rate for a, b in zip(runs[ours], runs[theirs], strict=True))


def median(runs: Sequence[Run]) -> dict[str, float]:
    """The median of each figure."""
    return {name: statistics.median(getattr(run, name) for run in runs) for name in FIGURES}


def surroundings() -> dict[str, str]:
    """Say machine, versions and date."""
    said = subprocess.run([_program("opendkim"), "-V"], capture_output=True, text=True, check=False).stdout
    model = next(
        (
            line.partition(":")[2].strip()
            for line in _read("/proc/cpuinfo").splitlines()
            if line.startswith("model name")
        ),
        platform.machine(),
    )
    return {
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "machine": f"{model}, {len(os.sched_getaffinity(0))} cores",
        "system": f"{_os_name()}, Linux {platform.release()}",
        "python": platform.python_version(),
        "opendkim": (said.splitlines() or ["unknown"])[0],
        "openssl": next((line.split("with ")[-1] for line in said.splitlines() if "OpenSSL" in line), "unknown"),
        "pymilter": _version("pymilter"),
        "cryptography": _version("cryptography"),
    }


def cpu_seconds(pid: int) -> float:
    """User and system time of a process and its living descendants; 0 for pid 0."""
    if not pid:
        return 0.0
    tick = os.sysconf("SC_CLK_TCK")
    parents: dict[int, tuple[int, float]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and (text := _read(entry / "stat")):
            words = text.rpartition(")")[2].split()  # from the state on: proc(5)
            parents[int(entry.name)] = (int(words[1]), sum(map(int, words[11:15])) / tick)
    total, wave = 0.0, {pid}
    while wave:
        total += sum(parents[each][1] for each in wave if each in parents)
        wave = {child for child, (parent, _) in parents.items() if parent in wave}
    return total


def _program(name: str) -> str:
    found = shutil.which(name, path=os.environ.get("PATH", os.defpath) + ":/usr/sbin:/sbin")
    if found is None:
        raise BenchError(f"{name} is not installed")
    return found


def _read(path: str | Path) -> str:
    try:
        return Path(path).read_text(errors="replace")
    except OSError:
        return ""


def _os_name() -> str:
    for line in _read("/etc/os-release").splitlines():
        if line.startswith("PRETTY_NAME="):
            return line.partition("=")[2].strip('"')
    return "unknown system"


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "not installed"
