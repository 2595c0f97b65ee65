"""A writer process on files of its own, and threads that append to it until told to stop.

For tests of the writer without a gate around it: `Bench` holds the listening socket and the file, and starts writers,
`Load` remembers what was acknowledged and what failed.
"""

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

from sealgate.adapters.writer import WriterClient
from sealgate.app.ports import PortError
from sealgate.audit.verifier import Report, parse, verify

ROOT: Final = Path(__file__).resolve().parents[2] / "milter"
_SCRIPT: Final = """
import resource, socket, sys
from pathlib import Path
from sealgate.daemon.writing import Keeping, run_writer
fd, path, linger, limit, state, durability = sys.argv[1:]
if int(limit):
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(limit), resource.RLIM_INFINITY))
keeping = Keeping(path, Path(state) if state else None, durability, "relay1")
run_writer(socket.socket(fileno=int(fd)), keeping, linger=float(linger))
"""


class Bench:
    """One listening socket, one audit file, and the writers started on them.

    Args:
        folder: for the socket.
        files: for the audit file, if not the same.
        state: the state folder; None: no checkpoints and no personal values.
    """

    def __init__(self, folder: Path, files: Path | None = None, state: Path | None = None) -> None:
        self.address = str(folder / "writer.sock")
        self.path = (files or folder) / "audit.jsonl"
        self.state = state
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.listener.bind(self.address)
        self.listener.listen(1024)
        self.started: list[subprocess.Popen[bytes]] = []

    def start(
        self,
        linger: float = 10.0,
        limit: int = 0,
        durability: str = "before-verdict",
        under: Sequence[str] = (),
    ) -> subprocess.Popen[bytes]:
        """Start a writer, perhaps under another program; `limit` is the largest file it may write, in octets."""
        fd = self.listener.fileno()
        words = [sys.executable, "-c", _SCRIPT, str(fd), str(self.path), str(linger), str(limit)]
        words = [*under, *words, str(self.state or ""), durability]
        writer = subprocess.Popen(words, pass_fds=[fd], env={**os.environ, "PYTHONPATH": str(ROOT)})
        self.started.append(writer)
        return writer

    def close(self) -> None:
        """End whatever still runs."""
        self.listener.close()
        for writer in self.started:
            writer.kill()
            writer.wait()

    def events(self, *older: Path) -> list[dict[str, Any]]:
        """What is in the file, and in older ones."""
        return events_in(*older, self.path)

    def report(self, *older: Path) -> Report:
        """What `verify` says of the files."""
        return report_of(*older, self.path)


def events_in(*paths: Path) -> list[dict[str, Any]]:
    """The lines of files, oldest first, without what is no line."""
    return [event for line in octets_of(*paths) if (event := parse(line.removesuffix(b"\n"))) is not None]


def report_of(*paths: Path) -> Report:
    """What `verify` says of files."""
    return verify(octets_of(*paths))


def octets_of(*paths: Path) -> Iterator[bytes]:
    """The lines of files, oldest first."""
    for path in paths:
        with path.open("rb") as file:
            yield from file


@contextmanager
def bench_in(folder: Path, files: Path | None = None, state: Path | None = None) -> Iterator[Bench]:
    """A bench for one `with` block."""
    bench = Bench(folder, files, state)
    try:
        yield bench
    finally:
        bench.close()


class Load:
    """Threads that append until told to stop, and remember what was acknowledged and what failed."""

    def __init__(
        self, client: WriterClient, threads: int, each: int = 10**9, name: str = "", fill: int = 300, rest: float = 0.0
    ) -> None:
        self.acknowledged: dict[str, int] = {}
        self.failed: list[str] = []
        self.reasons: set[str] = set()
        self._rest = rest
        self._ends = threading.Event()
        self._threads = [
            threading.Thread(target=self._run, args=(client, f"{name}{n}", each, fill), daemon=True)
            for n in range(threads)
        ]
        for thread in self._threads:
            thread.start()

    def _run(self, client: WriterClient, thread: str, each: int, fill: int) -> None:
        for number in range(each):
            if self._ends.is_set():
                return
            name = f"{thread}-{number}"
            try:
                self.acknowledged[name] = client.append({"kind": "decision", "id": name, "subject": "x" * fill})
            except PortError as error:
                self.failed.append(name)
                self.reasons.add(str(error))
                time.sleep(0.002)
            if self._rest:
                time.sleep(self._rest)

    def wait(self) -> None:
        """Wait until all have done their part."""
        for thread in self._threads:
            thread.join()

    def end(self) -> None:
        """Let each finish what it is at."""
        self._ends.set()
        self.wait()


def writer_of(supervisor: int, path: Path) -> int:
    """The child that has a file open; 0: none has."""
    for pid in children_of(supervisor):
        with suppress(OSError):  # it may be gone by now
            if any(one.resolve() == path for one in Path(f"/proc/{pid}/fd").iterdir()):
                return pid
    return 0


def children_of(pid: int) -> list[int]:
    """The child processes of a process that has one thread."""
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def wait_for(what: Callable[[], bool], seconds: float = 30.0) -> None:
    """Wait until something holds."""
    until = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < until, "it did not come to pass"
        time.sleep(0.01)
