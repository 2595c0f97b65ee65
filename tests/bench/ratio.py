"""The gate beside OpenDKIM: messages a second, measured alternately in one run on one machine.

    python -m tests.bench.ratio [--messages 2000] [--connections 8] [--rounds 3] [--gate SOCKET] [--json]

OpenDKIM signs only: RSA-2048, relaxed/relaxed, a Unix socket, a folder of its own. The load generator `load.c` is
compiled where it is missing or older than its source. The order is A B A B ...; each figure is the median of the
rounds, the ratio is the median of the ratios round by round. A run whose messages were not all accepted, each with one
header inserted or more, is no measurement: it ends the program with status 1. Needs opendkim and a C compiler.
"""

import argparse
import contextlib
import datetime
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import Any, Final, Self

from tests.bench import messages

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

    def __init__(self, folder: Path, canonicalization: str = "relaxed/relaxed") -> None:
        """Use `folder`, which must exist, for key, configuration, socket and log."""
        self.socket = f"unix:{folder}/opendkim.sock"
        self.name = f"{SELECTOR}._domainkey.{DOMAIN}"
        self.record = ""
        self.pid = 0
        self._folder = folder
        self._canonicalization = canonicalization
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
        with (folder / "opendkim.log").open("wb") as log:
            self._process = subprocess.Popen(
                [programs[0], "-f", "-x", str(folder / "conf"), "-p", f"local:{path}"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        self.pid = self._process.pid
        deadline = time.monotonic() + 10
        while not path.exists():
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


@contextlib.contextmanager
def running(socket: str) -> Iterator[Served]:
    """A filter that somebody else started."""
    yield Served(socket, 0)


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
    filters: Sequence[tuple[str, Served]], template: Path, count: int, connections: int, rounds: int
) -> dict[str, list[Run]]:
    """Measure the filters in turn, `rounds` times, after a tenth of a round each to warm up.

    Raises:
        BenchError: see `measure` and `judged`.
    """
    runs: dict[str, list[Run]] = {name: [] for name, _ in filters}
    base = 0
    for turn in range(rounds + 1):
        size = count if turn else max(count // 10, connections)
        for name, served in filters:
            said = measure(served, template, size, connections, base)
            run = judged(said, size)
            if turn:
                runs[name].append(run)
        base += size
    return runs


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


def main(arguments: Sequence[str] | None = None, start_gate: StartGate | None = None) -> int:
    """Run the comparison and print it; return the exit status.

    Args:
        arguments: command line, the program's own where None.
        start_gate: starts a gate in a folder and says where it listens; `--gate SOCKET` goes before it.
    """
    options = _options().parse_args(arguments)
    try:
        with contextlib.ExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
            folder.chmod(0o755)
            template = folder / "template"
            messages.write(template, options.size)
            (folder / "opendkim").mkdir()
            dkim = stack.enter_context(OpenDkim(folder / "opendkim"))
            filters = [("OpenDKIM", Served(dkim.socket, dkim.pid))]
            if options.gate:
                filters.append(("gate", stack.enter_context(running(options.gate))))
            elif start_gate is not None:
                (folder / "gate").mkdir()
                filters.append(("gate", stack.enter_context(start_gate(folder / "gate"))))
            runs = compare(filters, template, options.messages, options.connections, options.rounds)
    except BenchError as error:
        print(error, file=sys.stderr)
        return 1
    report = _report(options, runs)
    print(json.dumps(report) if options.json else _table(report))
    return 0


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.ratio", description="The gate beside OpenDKIM.")
    parser.add_argument("--messages", type=int, default=2000, help="messages a round and filter")
    parser.add_argument("--connections", type=int, default=8, help="milter connections at a time")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--size", choices=sorted(messages.SIZES), default="20", help="KB a message")
    parser.add_argument("--gate", metavar="SOCKET", help="a gate that is running already: unix:/path or inet:host:port")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of the table")
    return parser


def _report(options: argparse.Namespace, runs: dict[str, list[Run]]) -> dict[str, Any]:
    report: dict[str, Any] = {
        "surroundings": surroundings(),
        "work": {
            "messages": options.messages,
            "connections": options.connections,
            "rounds": options.rounds,
            "size_kb": float(options.size),
        },
        "median": {name: median(of) for name, of in runs.items()},
        "runs": {name: [asdict(run) for run in of] for name, of in runs.items()},
    }
    if "gate" in runs:
        pairs = zip(runs["gate"], runs["OpenDKIM"], strict=True)
        report["ratio"] = statistics.median(gate.rate / dkim.rate for gate, dkim in pairs)
    return report


def _table(report: dict[str, Any]) -> str:
    work = report["work"]
    lines = [f"{name:13} {value}" for name, value in report["surroundings"].items()]
    lines.append(
        f"{'work':13} {work['messages']} messages of {work['size_kb']:g} KB on {work['connections']} connections,"
        f" median of {work['rounds']} rounds"
    )
    lines += ["", f"{'':10} {'msg/s':>8} {'CPU ms':>8} {'end ms':>15} {'message ms':>15} {'load':>7}"]
    lines.append(f"{'':10} {'':8} {'a msg':>8} {'p50':>7} {'p99':>7} {'p50':>7} {'p99':>7} {'a core':>7}")
    for name, figures in report["median"].items():
        numbers = [figures[f] for f in FIGURES]
        cpu = f"{numbers[1]:8.3f}" if numbers[1] > 0 else f"{'?':>8}"
        latencies = " ".join(f"{number:7.2f}" for number in numbers[2:6])
        lines.append(f"{name:10} {numbers[0]:8.0f} {cpu} {latencies} {numbers[6]:6.1%}")
    for name, of in report["runs"].items():
        lines.append(f"{'':10} {name}: {' '.join(format(run['rate'], '.0f') for run in of)} msg/s")
    if "ratio" in report:
        lines += ["", f"the gate is at {report['ratio']:.2f} x OpenDKIM"]
    return "\n".join(lines)


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


if __name__ == "__main__":
    sys.exit(main())
