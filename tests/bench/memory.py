"""What the gate holds: memory of a worker after many messages, whether it grows, and what idle connections cost.

`grown` sends newsletters that differ to a gate with one worker, whose memory in RAM (RSS, with what it shares with
others, proc(5)) is read twenty times. What fills in the beginning, memories with a number of entries, is no growth:
the slope is that of a straight line through the readings of the second half. `idle` opens connections that have said
who they are and then keep silent, as smtpd(8) keeps one to its milter open while its client waits, and reads the
workers' memory before and after.
"""

import contextlib
import itertools
import resource
import socket
import statistics
import struct
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from tests.bench import contenders, messages, ratio
from tests.bench.ratio import BenchError
from tests.lab.gate import Gate

SIZE: Final = "20"  # KB
CONNECTIONS: Final = 8
READINGS: Final = 20
SPARE: Final = 200  # descriptors beside the connections
_NEGOTIATE: Final = b"O" + struct.pack("!III", 6, 0x1FF, 0x1FFFFF)
_CONNECT: Final = b"Cclient.example.test\x004\x9c\x40" + b"192.0.2.7\0"  # family 4, port 40000
_HELO: Final = b"Hclient.example.test\0"
_NO_CONNECT, _NO_CONNECT_ANSWER, _NO_HELO, _NO_HELO_ANSWER = 0x1, 0x1000, 0x2, 0x2000


def grown(folder: Path, count: int) -> dict[str, float]:
    """Send `count` messages to one worker; return its MB at the end, and the KB that it gained for each thousand.

    Raises:
        BenchError: a message was not accepted and signed, or the worker is another one than in the beginning.
    """
    template = folder / "template-memory"
    messages.write(template, SIZE)
    readings: list[tuple[float, float]] = []
    step = max(count // READINGS, CONNECTIONS)
    with contenders.started(folder / "grown", workers=1) as gate:
        workers = _workers(gate)
        served = ratio.Served(gate.socket, gate.pid)
        for sent in itertools.count(0, step):
            if sent >= count:
                break
            ratio.judged(ratio.measure(served, template, step, CONNECTIONS, sent), step)
            readings.append((float(sent + step), rss(workers)))
        if _workers(gate) != workers:
            raise BenchError("the worker died while its memory was measured")
    return {
        "memory_messages": readings[-1][0],
        "memory_mb": readings[-1][1] / 1024,
        "memory_first_mb": readings[0][1] / 1024,
        "memory_slope_kb": slope(readings[len(readings) // 2 :]) * 1000,
    }


def idle(folder: Path, count: int) -> dict[str, float]:
    """Open `count` connections to a gate with two workers; return the MB that its workers gained.

    Raises:
        BenchError: the gate refuses one, or descriptors are too few.
    """
    template = folder / "template-idle"
    messages.write(template, SIZE)
    with contenders.started(folder / "idle", workers=2) as gate:
        served = ratio.Served(gate.socket, gate.pid)
        ratio.judged(ratio.measure(served, template, 400, CONNECTIONS), 400)
        workers = _workers(gate)
        before = rss(workers)
        with connections(gate.socket.removeprefix("unix:"), count):
            time.sleep(1.0)
            after = rss(workers)
            ratio.judged(ratio.measure(served, template, 40, CONNECTIONS, 1000), 40)  # it serves beside them
    return {"idle_connections": float(count), "idle_mb": (after - before) / 1024}


@contextlib.contextmanager
def connections(path: str, count: int) -> Iterator[None]:
    """Connections that have negotiated and told client and HELO, and say no more."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if 0 <= hard < count + SPARE:
        raise BenchError(f"{count} connections want a higher limit of descriptors than {hard}")
    if 0 <= soft < count + SPARE:
        resource.setrlimit(resource.RLIMIT_NOFILE, (count + SPARE, hard))
    with contextlib.ExitStack() as stack:
        for _ in range(count):
            _introduce(stack.enter_context(_dial(path)))
        yield


def _dial(path: str) -> socket.socket:
    deadline = time.monotonic() + 10
    while True:
        made = socket.socket(socket.AF_UNIX)
        made.settimeout(10)
        try:
            made.connect(path)
        except BlockingIOError:  # its queue of new connections is full
            made.close()
            if time.monotonic() > deadline:
                raise BenchError("the gate takes no more connections") from None
            time.sleep(0.01)
        else:
            return made


def _introduce(peer: socket.socket) -> None:
    steps = struct.unpack("!I", _asked(peer, _NEGOTIATE)[9:13])[0]
    for packet, unwanted, silent in (
        (_CONNECT, _NO_CONNECT, _NO_CONNECT_ANSWER),
        (_HELO, _NO_HELO, _NO_HELO_ANSWER),
    ):
        if packet == _CONNECT:
            _send(peer, b"DC{daemon_name}\0submission\0v\0Postfix 3.7.11\0")
        if steps & unwanted:
            continue
        if steps & silent:
            _send(peer, packet)
        elif _asked(peer, packet)[:1] != b"c":
            raise BenchError("the gate refuses a connection")


def _send(peer: socket.socket, packet: bytes) -> None:
    peer.sendall(struct.pack("!I", len(packet)) + packet)


def _asked(peer: socket.socket, packet: bytes) -> bytes:
    _send(peer, packet)
    length = struct.unpack("!I", _read(peer, 4))[0]
    return _read(peer, length)


def _read(peer: socket.socket, length: int) -> bytes:
    data = b""
    while len(data) < length:
        got = peer.recv(length - len(data))
        if not got:
            raise BenchError("the gate hung up on an idle connection")
        data += got
    return data


def _workers(gate: Gate) -> tuple[int, ...]:
    return tuple(gate.status()["workers"])


def rss(pids: Sequence[int]) -> float:
    """Memory in RAM of processes, in KB: what they share is counted for each."""
    total = 0.0
    for pid in pids:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
        total += next(float(line.split()[1]) for line in lines if line.startswith("VmRSS:"))
    return total


def slope(readings: Sequence[tuple[float, float]]) -> float:
    """The slope of the straight line that comes nearest to the readings; 0 for one reading."""
    if len(readings) < 2:
        return 0.0
    return statistics.linear_regression(*zip(*readings, strict=True)).slope
