"""The audit writer alone: lines a second that are on disk before anyone is told so, and how long one takes.

    python -m tests.bench.writer [--seconds 4] [--rounds 5] [--processes 2] [--threads 16] [--durability before-verdict]

Client processes with so many threads each append one real decision of a newsletter (its recipient hashed, about 2 KB)
over and over, as workers do: they render it, and compete with the writer for the cores. One line of figures a round,
then the median: lines a second, how long one append took, processor time of writer and clients for a line, and lines to
a sync. At the end the file is verified; a file that is not whole, or an append that failed, ends the program with
status 1.

`--prepared` measures the writer itself: one process without threads holds as many connections, each with one request
under way that was rendered beforehand. `--moderate` measures one append among eight threads that rest in between.
"""

import argparse
import json
import multiprocessing
import os
import select
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from sealgate.adapters.writer import LENGTH, WriterClient, packed
from sealgate.audit.chain import canonical, cut
from sealgate.audit.verifier import verify
from tests.bench.ratio import cpu_seconds

ROOT: Final = Path(__file__).resolve().parents[2]
DEADLINE: Final = 20.0
_WRITER: Final = """
import os, socket, sys
from pathlib import Path
from sealgate.daemon.writing import Keeping, run_writer
run_writer(socket.socket(fileno=int(sys.argv[1])), Keeping(sys.argv[2], Path(sys.argv[3]), sys.argv[4]))
"""


@dataclass(frozen=True, slots=True)
class Round:
    """What one round came to; times in milliseconds, processor time in microseconds a line."""

    rate: float
    p50_ms: float
    p99_ms: float
    writer_us: float
    clients_us: float
    lines_a_sync: float


def decision(number: int) -> tuple[dict[str, Any], tuple[dict[str, Any], ...]]:
    """The record of an accepted newsletter, as `app.recording` makes it, and its values for the side file."""
    reference = f"BENCH{number:011d}"
    event = {
        "v": 1, "t": "2026-11-21T09:00:00.123456Z", "id": reference, "kind": "decision", "stage": "end",
        "host": "relay1.example.test", "software": "sealgate 0.1.0", "profile": "5f" * 32, "mode": "enforce",
        "listener": "submission", "queue_id": "4TstWR3lX7z9Kq",
        "client": {"ip": "192.0.2.7", "port": 40000, "name": "client.example.test", "helo": "client.example.test",
                   "tls": "TLSv1.3", "cipher_bits": 256, "certificate": ""},
        "auth": {"mechanism": "GSSAPI", "name": "svc/newsletter@EXAMPLE.TEST", "identity": "newsletter",
                 "principal": "svc/newsletter@EXAMPLE.TEST", "via": "login"},
        "envelope": {"from": "<news@example.test>", "rcpt_n": 1,
                     "rcpt": [{"d": "example.net", "h": f"{number:032x}", "k": "2026q4"}]},
        "header": {"from": "Example News <news@example.test>", "sender": "", "resent_from": "",
                   "reply_to": "desk@example.test", "message_id": f"<{number}.news@example.test>",
                   "subject": {"length": 41, "salted": f"{number:032x}", "k": "2026q4"}},
        "message": {"octets": 20480, "body_sha256": f"{number:064x}", "fields": 14, "defects": []},
        "elements": [
            {"what": "postal-address", "found": "head-office", "where": "text/html part 2", "octets": 61},
            {"what": "opt-out", "found": "https://lists.example.test/leave/0123456789", "where": "text/html part 2"},
            {"what": "one-click", "found": "https://lists.example.test/leave/0123456789", "where": "List-Unsubscribe"},
        ],
        "findings": [], "removed": [], "verdict": "accept", "would": "accept", "reply": "",
        "seal": {"signed": ["d=example.test s=rsa a=rsa-sha256"], "skipped": "", "list": 1, "folded": [],
                 "fields": [f"{name} {number:016x}" for name in ("From", "To", "Subject", "Date", "Message-ID",
                            "Reply-To", "MIME-Version", "Content-Type", "List-Unsubscribe", "List-Unsubscribe-Post",
                            "List-Id", "Sender")]},
    }  # fmt: skip
    side = {"epoch": "2026q4", "id": reference, "rcpt": [["ab" * 16, "reader@example.net"]],
            "subject": ["cd" * 16, "Ten things to do in the garden this week"]}  # fmt: skip
    return event, (side,)


@contextmanager
def writer(folder: Path, durability: str) -> Iterator[tuple[str, int]]:
    """A writer process of its own on a file in `folder`; gives its address and process id."""
    (folder / "state").mkdir()
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(str(folder / "writer.sock"))
    listener.listen(1024)
    words = [sys.executable, "-c", _WRITER, str(listener.fileno()), f"{folder}/audit.jsonl", f"{folder}/state"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    process = subprocess.Popen([*words, durability], pass_fds=[listener.fileno()], env=environment)
    try:
        yield str(folder / "writer.sock"), process.pid
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(20)
        listener.close()


def _client(address: str, threads: int, until: float, rest: float, results: Any) -> None:
    """One worker: threads that append until the time is over, and tell how long each append took."""
    client, took, failed = WriterClient(address, DEADLINE), [], []
    began = time.process_time()

    def run(first: int) -> None:
        number = first
        while (start := time.monotonic()) < until:
            event, side = decision(number)
            try:
                client.append(event, side=side)
            except Exception as error:
                failed.append(repr(error))
                return
            took.append(time.monotonic() - start)
            number += 1
            if rest:
                time.sleep(rest)

    running = [threading.Thread(target=run, args=(os.getpid() * 10**8 + n * 10**6,)) for n in range(threads)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()
    results.put((took, failed, time.process_time() - began))


def _prepared(address: str, connections: int, until: float, _: float, results: Any) -> None:
    """So many workers in one thread, each with one request under way, rendered before the time counts."""
    frames = []
    for number in range(2 * connections):
        event, side = decision(number)
        frames.append(packed([cut(event)], [(value["epoch"], canonical(value)) for value in side]))
    poll, asked, took, failed = select.epoll(), {}, [], []
    began = time.process_time()
    for number in range(connections):
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.connect(address)
        poll.register(connection.fileno(), select.EPOLLIN)
        asked[connection.fileno()] = (connection, time.monotonic())
        connection.sendall(frames[number])
    while asked:
        ready = poll.poll(DEADLINE)
        if not ready:
            failed.append("no answer in time")
            break
        for fd, _events in ready:
            connection, start = asked[fd]
            answer, now = connection.recv(4_096), time.monotonic()
            took.append(now - start)
            if answer[LENGTH.size : LENGTH.size + 1] != b"+":
                failed.append(repr(answer))
            elif now < until:
                asked[fd] = (connection, now)
                connection.sendall(frames[len(took) % len(frames)])
                continue
            del asked[fd]
            connection.close()
    results.put((took, failed, time.process_time() - began))


def measure(
    processes: int, threads: int, seconds: float, durability: str, rest: float, where: str | None, client: Any = _client
) -> Round:
    """Run one round.

    Raises:
        SystemExit: an append failed, or the file is not whole, or lacks a line that was acknowledged.
    """
    with tempfile.TemporaryDirectory(prefix="bench-", dir=where) as name:
        folder = Path(name)
        with writer(folder, durability) as (address, pid):
            WriterClient(address, DEADLINE).ask()
            before, begins = cpu_seconds(pid), time.monotonic()
            results: Any = multiprocessing.Queue()
            workers = [
                multiprocessing.Process(target=client, args=(address, threads, begins + seconds, rest, results))
                for _ in range(processes)
            ]
            for worker in workers:
                worker.start()
            told = [results.get() for _ in workers]
            lasted = time.monotonic() - begins
            for worker in workers:
                worker.join()
            writer_cpu = cpu_seconds(pid) - before
        took = sorted(one for times, _, _ in told for one in times)
        failed = [reason for _, reasons, _ in told for reason in reasons]
        lines = (folder / "audit.jsonl").read_bytes().splitlines()
    report = verify(lines)
    decisions = [line for line in lines if b'"kind":"decision"' in line]
    if failed or not report.is_whole or len(decisions) != len(took):
        sys.exit(f"not sound: {failed[:3]}, {report.broken}, {len(decisions)} lines for {len(took)} answers")
    moments = {line.rpartition(b'"w":"')[2][:27] for line in decisions}
    return Round(
        len(took) / lasted, took[len(took) // 2] * 1000, took[len(took) * 99 // 100] * 1000,
        writer_cpu / len(took) * 1e6, sum(cpu for _, _, cpu in told) / len(took) * 1e6, len(took) / len(moments),
    )  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.writer", description="The audit writer alone.")
    parser.add_argument("--seconds", type=float, default=4.0, help="of one round")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--processes", type=int, default=2, help="client processes")
    parser.add_argument("--threads", type=int, default=16, help="of each client process")
    parser.add_argument("--durability", choices=("before-verdict", "interval", "none"), default="before-verdict")
    parser.add_argument("--moderate", action="store_true", help="one process, eight threads that rest 5 ms in between")
    parser.add_argument("--prepared", action="store_true", help="one process, no threads, requests made beforehand")
    parser.add_argument("--folder", help="where the files are; the usual folder for temporary files if not said")
    options = parser.parse_args(arguments)
    processes, threads, rest = (1, 8, 0.005) if options.moderate else (options.processes, options.threads, 0.0)
    client = _client
    if options.prepared:
        client, processes, threads = _prepared, 1, processes * threads
    event = decision(0)[0]
    what = "connections" if options.prepared else "threads"
    print(f"{processes} x {threads} {what}, {options.durability}, {len(json.dumps(event))} octets an event")
    rounds = []
    for _ in range(options.rounds):
        rounds.append(measure(processes, threads, options.seconds, options.durability, rest, options.folder, client))
        _tell("", rounds[-1])
    figures = {name: statistics.median(getattr(one, name) for one in rounds) for name in Round.__slots__}
    _tell("median: ", Round(**figures))
    return 0


def _tell(before: str, one: Round) -> None:
    print(
        f"{before}{one.rate:.0f} lines/s, one append {one.p50_ms:.2f} ms (p99 {one.p99_ms:.2f}); a line costs the "
        f"writer {one.writer_us:.1f} us and clients {one.clients_us:.1f} us; {one.lines_a_sync:.1f} lines a sync",
        flush=True,
    )


if __name__ == "__main__":
    sys.exit(main())
