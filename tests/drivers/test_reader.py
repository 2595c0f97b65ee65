"""The reader process and its client: heavy HTML is read outside the workers, and a bomb costs one message."""

import os
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from sealgate.adapters.reader import MAX_HTML, ReaderClient
from sealgate.app.ports import Budget, PortError, UnreadableError
from sealgate.mail.visible import read_html

ROOT = Path(__file__).resolve().parents[2] / "milter"
SCRIPT = """
import socket, sys
from sealgate.daemon.reading import run_reader
run_reader(socket.socket(fileno=int(sys.argv[1])), int(sys.argv[2]), float(sys.argv[3]))
"""
PAGE = '<title>t</title><p>Hallo <a href="https://example.com/?a=1&amp;b=2">Wörld</a> \u2028 end'.encode()
STYLED = (
    b"<style>@media (x){.m{display:block!important}}.s{font-size:8px;color:#ccc}</style><p hidden>no</p><img alt=alt>"
    b"<p class=s>small</p><p class=m style='display:none'>some</p><blockquote type=cite>theirs</blockquote>"
)
# Each <p> closes the one before and with it all <b>, which the next text opens again: 14 KB make 1.8 million elements.
BOMB = b"<p>" + b"".join(b"<b %d>" % n for n in range(900)) + b"<p>x" * 2000


class Bench:
    """A listening socket and the reader on it; a dead reader is replaced, as the supervisor does."""

    def __init__(self, folder: Path) -> None:
        self.address = str(folder / "reader.sock")
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.listener.bind(self.address)
        self.listener.listen(128)
        self.reader: subprocess.Popen[bytes] | None = None

    def start(self, memory_mb: int = 400, cpu_seconds: float = 1.5) -> subprocess.Popen[bytes]:
        fd = self.listener.fileno()
        words = [sys.executable, "-c", SCRIPT, str(fd), str(memory_mb), str(cpu_seconds)]
        self.stop()
        self.reader = subprocess.Popen(words, pass_fds=[fd], env={**os.environ, "PYTHONPATH": str(ROOT)})
        ReaderClient(self.address, 20.0).read(b"<p>up", "utf-8")
        return self.reader

    def stop(self) -> None:
        if self.reader is not None:
            self.reader.kill()
            self.reader.wait()


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(tmp_path)
    yield bench
    bench.stop()
    bench.listener.close()


def memory_mb(pid: int, what: str) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith(what)) / 1024


def processor_seconds(pid: int) -> float:
    """What a process has used up to now, also one that has ended and was not waited for yet."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@pytest.mark.parametrize(
    ("html", "charset"),
    [
        (PAGE, "utf-8"),
        (STYLED, "utf-8"),
        ("<p>café".encode("latin-1"), "iso-8859-1"),
        (b"", ""),
        (b"\xff\xfe\0<p>", "no-such-charset"),
        (b"<p>" + b"word " * 200_000, "us-ascii"),
        (b"".join(b'<a href="https://example.com/%d">n%d</a> ' % (n, n) for n in range(5000)), "utf-8"),
    ],
    ids=["page", "styled", "latin-1", "empty", "unknown charset", "long", "many links"],
)
def test_the_view_is_the_same_as_when_read_here(bench, html, charset):
    bench.start()
    assert ReaderClient(bench.address, 10.0).read(html, charset) == read_html(html, charset)


def test_every_field_of_a_view_is_told(bench):
    bench.start()
    view = ReaderClient(bench.address, 10.0).read(STYLED, "utf-8")
    assert view.looks
    assert view.quotes
    assert (view.alternatives, view.unseen, view.is_doubtful) == ("alt", "no", True)


def test_a_bomb_is_over_within_the_deadline_and_the_next_message_is_read(bench):
    """Its own limits end it: the client would wait for a minute. What it may take is the two seconds a worker waits."""
    reader = bench.start()
    for _ in range(5):
        before = processor_seconds(reader.pid)
        with pytest.raises(UnreadableError, match="gave up"):
            ReaderClient(bench.address, 60.0).read(BOMB, "utf-8")
        assert processor_seconds(reader.pid) - before < 2.0
        if reader.poll() is not None:  # met by the memory limit the parser gives up, by the timer the process dies
            reader = bench.start()
        assert ReaderClient(bench.address, 20.0).read(PAGE, "utf-8") == read_html(PAGE, "utf-8")


def test_processor_time_is_limited_a_message(bench):
    reader = bench.start(memory_mb=8000, cpu_seconds=0.1)
    client = ReaderClient(bench.address, 60.0)
    light = b"<p>word " * 2000
    for _ in range(200):  # together more than the limit, which is for each
        client.read(light, "utf-8")
    before = processor_seconds(reader.pid)
    with pytest.raises(PortError, match="the reader process gave up: it died"):
        client.read(BOMB, "utf-8")
    assert processor_seconds(reader.pid) - before < 0.5
    assert reader.wait(5) == -signal.SIGPROF


def test_processor_time_is_that_of_all_parts_of_a_message(bench):
    bench.start(memory_mb=8000, cpu_seconds=30.0)
    client = ReaderClient(bench.address, 30.0)
    page = b"<p><a href=x>word</a> " * 5_000
    budget = Budget(20.0)
    client.read(page, "utf-8", budget)
    once = 20.0 - budget.seconds
    client.read(page, "utf-8", budget)
    assert once > 0.001
    assert budget.seconds < 20.0 - 1.2 * once
    budget.seconds = 0.02
    with pytest.raises(UnreadableError, match="it died"):
        client.read(BOMB, "utf-8", budget)


def test_a_reader_that_somebody_killed_is_no_fault_of_the_message(bench):
    """Such as a kernel without memory: the next reader is asked before the message is blamed."""
    reader = bench.start()
    reader.send_signal(signal.SIGSTOP)
    views: list[Any] = []
    thread = threading.Thread(
        target=lambda: views.append(ReaderClient(bench.address, 20.0).read(PAGE, "utf-8", Budget(60.0)))
    )
    thread.start()
    time.sleep(0.1)
    reader.send_signal(signal.SIGCONT)
    while not views and thread.is_alive() and reader.poll() is None:
        reader.kill()
    bench.start()
    thread.join()
    assert views == [read_html(PAGE, "utf-8")]


def test_a_message_that_two_readers_died_of_is_to_blame(bench):
    deaths: list[int] = []

    def die() -> None:
        for _ in range(2):
            connection, _ = bench.listener.accept()
            with connection:
                connection.recv(1 << 16)
            deaths.append(1)

    thread = threading.Thread(target=die)
    thread.start()
    with pytest.raises(UnreadableError, match="it died"):
        ReaderClient(bench.address, 10.0).read(PAGE, "utf-8", Budget(60.0))
    thread.join()
    assert len(deaths) == 2


def test_what_shows_more_than_one_part_may_is_refused_and_the_reader_lives(bench):
    """Links within links show the same text again and again: their square would fill a worker."""
    reader = bench.start(cpu_seconds=30.0)
    nested = b"".join(b"<a href=%d><object>" % n for n in range(500)) + b"word " * 8_000
    with pytest.raises(UnreadableError, match="more text and links"):
        ReaderClient(bench.address, 30.0).read(nested, "utf-8")
    assert ReaderClient(bench.address, 30.0).read(PAGE, "utf-8").text
    assert reader.poll() is None


def test_memory_is_limited(bench):
    reader = bench.start(memory_mb=200, cpu_seconds=60.0)
    peak = 0.0
    failed: list[PortError] = []

    def read() -> None:
        try:
            ReaderClient(bench.address, 30.0).read(BOMB, "utf-8")
        except PortError as error:
            failed.append(error)

    thread = threading.Thread(target=read)
    thread.start()
    while thread.is_alive() and reader.poll() is None:
        peak = max(peak, memory_mb(reader.pid, "VmSize"))
        time.sleep(0.005)
    thread.join()
    assert failed
    assert 100 < peak <= 200


def test_only_the_message_that_kills_the_reader_sees_its_death(bench):
    reader = bench.start(memory_mb=8000, cpu_seconds=0.2)
    answers: list[Any] = []

    def read(html: bytes) -> None:
        try:
            answers.append(ReaderClient(bench.address, 20.0).read(html, "utf-8"))
        except PortError as error:
            answers.append(error)

    reader.send_signal(signal.SIGSTOP)
    threads = []
    for html in (BOMB, PAGE, PAGE, PAGE):
        threads.append(threading.Thread(target=read, args=(html,)))
        threads[-1].start()
        time.sleep(0.05)
    reader.send_signal(signal.SIGCONT)
    reader.wait(10)
    assert reader.returncode == -signal.SIGPROF
    bench.start()
    for thread in threads:
        thread.join()
    assert isinstance(answers[0], PortError)
    assert answers[1:] == [read_html(PAGE, "utf-8")] * 3


def test_no_answer_is_a_port_error_at_the_deadline_and_nobodys_html_is_not_read(bench):
    reader = bench.start(memory_mb=8000, cpu_seconds=60.0)
    reader.send_signal(signal.SIGSTOP)
    began = time.monotonic()
    for _ in range(3):
        with pytest.raises(PortError, match="no answer in time"):
            ReaderClient(bench.address, 0.2).read(BOMB, "utf-8")
    assert time.monotonic() - began < 3.0
    reader.send_signal(signal.SIGCONT)
    assert ReaderClient(bench.address, 2.0).read(PAGE, "utf-8") == read_html(PAGE, "utf-8")


def test_nobody_there_is_a_port_error_at_once(bench):
    bench.listener.close()
    for address in (bench.address, bench.address + ".none"):
        with pytest.raises(PortError, match="cannot be reached"):
            ReaderClient(address, 60.0).read(PAGE, "utf-8")


def test_more_than_the_cap_is_refused_before_it_is_sent(bench):
    with pytest.raises(PortError, match="more than"):
        ReaderClient(bench.address, 60.0).read(bytes(MAX_HTML + 1), "utf-8")


@pytest.mark.parametrize(
    "request_octets",
    [
        b"",
        b"GET / HTTP/1.1\r\n\r\n",
        struct.pack(">II", 2, 0) + b"{}",
        struct.pack(">II", 2, 0) + b"[]",
        struct.pack(">II", 2, 3) + b"{x<p>",
        struct.pack(">II", 1000, 3) + b"[" * 1000,
        struct.pack(">II", 13, 1 << 31) + b'{"charset":1}',
        struct.pack(">II", 13, 10) + b'{"charset":1}',
        struct.pack(">II", 16, 10) + b'{"charset": "x"}short',
    ],
)
def test_nonsense_costs_only_its_own_connection(bench, request_octets):
    reader = bench.start()
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as other:
        other.settimeout(5)
        other.connect(bench.address)
        other.sendall(request_octets)
        other.shutdown(socket.SHUT_WR)
        with suppress(ConnectionResetError):  # it did not read all of it
            assert other.recv(100) == b""
    assert ReaderClient(bench.address, 5.0).read(PAGE, "utf-8").text
    assert reader.poll() is None


@pytest.mark.parametrize(
    "reply",
    [
        b"",
        b"\0\0",
        struct.pack(">I", 2) + b"{}",
        struct.pack(">I", 2) + b"[]",
        struct.pack(">I", 4) + b"null",
        struct.pack(">I", 5) + b"{nope",
        struct.pack(">I", 0xFFFFFFFF),
        struct.pack(">I", 26) + b'{"text": "", "links": [[]]}'[:26],
        struct.pack(">I", 27) + b'{"text": "", "links": [[]]}',
        struct.pack(">I", 15) + b'{"error": "no"}',
    ],
)
def test_an_odd_reply_is_a_port_error(bench, reply):
    def answer() -> None:
        connection, _ = bench.listener.accept()
        with connection:
            connection.recv(1 << 16)
            connection.sendall(reply)

    thread = threading.Thread(target=answer)
    thread.start()
    with pytest.raises(PortError, match="gave up"):
        ReaderClient(bench.address, 5.0).read(PAGE, "utf-8")
    thread.join()


def test_told_to_end_it_finishes_the_message_at_hand_and_leaves_the_backlog_to_the_next(bench):
    first = bench.start(memory_mb=8000, cpu_seconds=90.0)
    heavy = b"".join(b'<p><a href="https://example.com/%d">n%d</a> ' % (n, n) for n in range(60_000))
    views: list[Any] = []
    clients = [
        threading.Thread(target=lambda: views.append(ReaderClient(bench.address, 120.0).read(heavy, "utf-8")))
        for _ in range(3)
    ]
    for client in clients:
        client.start()
    time.sleep(0.05)
    first.send_signal(signal.SIGTERM)
    assert first.wait(90) == 0
    bench.start(memory_mb=8000, cpu_seconds=90.0)
    for client in clients:
        client.join()
    assert len(views) == 3
    assert len(set(views)) == 1


def test_idle_it_ends_on_sigterm_at_once_and_ignores_a_terminals_signals(bench):
    took = []
    while len(took) < 3 and not (took and min(took) < 0.5):  # on a busy machine the first time may be slow by chance
        reader = bench.start()
        for number in (signal.SIGINT, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2):
            reader.send_signal(number)
        assert ReaderClient(bench.address, 5.0).read(PAGE, "utf-8").text
        began = time.monotonic()
        reader.send_signal(signal.SIGTERM)
        assert reader.wait(5) == 0
        took.append(time.monotonic() - began)
    assert min(took) < 0.5
