"""The writer process and its client, over a real socket and a real file: what was acknowledged is in the file, once."""

import os
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sealgate.adapters.journal import JournalFile
from sealgate.adapters.writer import LENGTH, MAX_FRAME, WriterClient, packed
from sealgate.app.ports import PortError
from sealgate.audit.chain import Cut, cut
from sealgate.audit.verifier import verify
from sealgate.daemon.writing import Keeping, run_writer
from tests.drivers.writers import Bench, Load, bench_in, wait_for


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with bench_in(tmp_path) as made:
        yield made


def test_many_threads_get_every_line_once_in_one_whole_chain(bench):
    bench.start()
    load = Load(WriterClient(bench.address, 10.0), threads=8, each=200)
    load.wait()
    assert load.failed == [], load.reasons
    assert sorted(load.acknowledged.values()) == list(range(1, 1601))
    assert bench.report().is_whole
    assert {event["id"]: event["seq"] for event in bench.events()} == load.acknowledged


def test_a_line_says_when_the_writer_had_it_in_utc_to_the_microsecond(bench):
    bench.start()
    WriterClient(bench.address, 10.0).append({"kind": "start", "text": "\ud800\x7f\u2028é"})
    (event,) = bench.events()
    stamp = time.strptime(event["w"][:19], "%Y-%m-%dT%H:%M:%S")
    assert abs(time.mktime(stamp) - time.mktime(time.gmtime())) < 60
    assert event["w"][19] == "."
    assert len(event["w"]) == 27
    assert event["w"].endswith("Z")
    assert event["text"] == "\ud800\x7f\u2028é"


@pytest.mark.parametrize("after", [0.05, 0.2, 0.4])
def test_whatever_a_killed_writer_acknowledged_is_in_the_file_and_the_next_goes_on(bench, after):
    first = bench.start()
    client = WriterClient(bench.address, 5.0)
    client.append({"id": "first"})
    load = Load(client, threads=8)
    time.sleep(after)
    first.kill()
    first.wait()
    bench.start()
    count = len(load.acknowledged)
    wait_for(lambda: len(load.acknowledged) > count + 50)
    load.end()
    seen = {event["id"]: event["seq"] for event in bench.events() if "id" in event}
    assert load.acknowledged.items() <= seen.items()
    assert bench.report().is_whole
    assert len(load.failed) <= 8  # only who was waiting for an answer
    assert all("may or may not" in reason for reason in load.reasons)


def test_a_killed_writers_waiters_fail_at_once(bench):
    writer = bench.start()
    client = WriterClient(bench.address, 60.0)
    client.append({})
    writer.send_signal(signal.SIGSTOP)
    load = Load(client, threads=4, each=1)
    time.sleep(0.2)
    began = time.monotonic()
    writer.kill()
    writer.wait()
    # One of them was connected; the others wait in the backlog, and a next writer serves them.
    wait_for(lambda: len(load.failed) == 1, 10.0)
    assert time.monotonic() - began < 10.0  # they would wait for 60
    bench.start()
    load.wait()
    assert len(load.acknowledged) == 3


def test_a_change_of_writers_loses_nothing_and_doubles_nothing(bench):
    writer = bench.start()
    client = WriterClient(bench.address, 20.0)
    client.append({"id": "first"})
    load = Load(client, threads=8)
    for _ in range(5):
        count = len(load.acknowledged)
        wait_for(lambda count=count: len(load.acknowledged) > count + 8)  # by this one: the last has left
        following = bench.start()
        time.sleep(0.3)  # it waits for the lock meanwhile
        assert following.poll() is None
        writer.send_signal(signal.SIGTERM)
        assert writer.wait(10) == 0
        writer = following
    count = len(load.acknowledged)
    wait_for(lambda: len(load.acknowledged) > count + 50)
    load.end()
    assert load.failed == [], load.reasons
    seen = [event["id"] for event in bench.events() if event["id"] != "first"]
    assert len(seen) == len(set(seen))
    assert set(seen) == set(load.acknowledged)
    report = bench.report()
    assert report.is_whole
    assert report.remarks == ()


def test_a_full_disk_answers_each_event_with_an_error_until_there_is_room(bench):
    writer = bench.start(limit=4096)
    client = WriterClient(bench.address, 10.0)
    load = Load(client, threads=4, each=20)
    load.wait()
    assert load.failed
    assert "File too large" in load.reasons.pop()
    subprocess.run(["prlimit", f"--pid={writer.pid}", "--fsize=unlimited"], check=True)
    time.sleep(0.3)
    again = Load(client, threads=4, each=20)
    again.wait()
    assert again.failed == []
    assert {*load.acknowledged.values(), *again.acknowledged.values()} <= {event["seq"] for event in bench.events()}
    report = bench.report()
    assert report.is_whole
    assert report.remarks[-1].kind == "gap"


def framed(octets: bytes) -> bytes:
    return LENGTH.pack(len(octets)) + octets


@pytest.mark.parametrize(
    "frame",
    [
        LENGTH.pack(MAX_FRAME + 1),
        framed(b"x"),
        framed(b"\0\1\0\0"),
        framed(b"\0\1\0\0" + b"\xff" * 16),
        framed(packed([cut({"a": 1})])[4:] + b"more"),
        packed([Cut(b'"a":1}\n{', b"", b"", b"")]),
        packed((), counted=b"[]"),
        packed((), counted=b"[" * 100_000),
        packed((), counted=b"\xff\xfe"),
    ],
)
def test_nonsense_costs_only_its_own_connection(bench, frame):
    bench.start()
    client = WriterClient(bench.address, 10.0)
    client.append({})
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as other:
        other.settimeout(5)
        other.connect(bench.address)
        other.sendall(frame)
        assert other.recv(100) == b""
    assert client.append({}) == 2


def test_a_frame_in_single_octets_and_two_frames_at_once_are_both_read(bench):
    bench.start()
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as other:
        other.settimeout(5)
        other.connect(bench.address)
        for octet in packed([cut({"a": 1})]):
            other.sendall(bytes([octet]))
            time.sleep(0.001)
        assert _answer(other) == b"+1"
        other.sendall(2 * packed([cut({"a": 2})]))
        assert [_answer(other), _answer(other)] == [b"+2", b"+3"]
        frame = packed([cut({"a": "x" * 3_000_000})])  # and one that does not come in one piece
        other.settimeout(20)
        other.sendall(frame)
        assert _answer(other) == b"+4"
    assert [len(event["a"]) for event in bench.events()[3:]] == [3_000_000]


def test_lines_of_one_request_stand_together(bench):
    bench.start()
    client = WriterClient(bench.address, 10.0)
    threads = [
        threading.Thread(
            target=lambda n=n: [
                client.append({"id": f"{n}-{i}"}, more=[{"of": f"{n}-{i}", "part": p} for p in range(1, 4)])
                for i in range(20)
            ]
        )
        for n in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    events = bench.events()
    assert len(events) == 8 * 20 * 4
    for at in range(0, len(events), 4):
        first, *rest = events[at : at + 4]
        assert [(one["of"], one["part"]) for one in rest] == [(first["id"], p) for p in (1, 2, 3)]


def test_a_refusal_without_a_login_is_counted_and_written_at_a_handover(bench):
    writer = bench.start()
    client = WriterClient(bench.address, 10.0)
    for number in range(30):
        said = {"kind": "refusal", "id": f"ID{number}", "network": "192.0.2.0/24", "listener": "smtp", "rule": "x"}
        assert client.append(said) == 0
    assert bench.events() == []
    writer.send_signal(signal.SIGTERM)
    writer.wait(10)
    (line,) = bench.events()
    assert (line["kind"], line["count"], line["first"], line["last"]) == ("refusals", 30, "ID0", "ID29")


def test_how_the_writer_does_can_be_asked(bench):
    writer = bench.start()
    client = WriterClient(bench.address, 10.0)
    client.ask()
    subprocess.run(["prlimit", f"--pid={writer.pid}", "--fsize=0:unlimited"], check=True)
    with pytest.raises(PortError, match="File too large"):
        client.append({})
    with pytest.raises(PortError, match="File too large"):
        client.ask()
    subprocess.run(["prlimit", f"--pid={writer.pid}", "--fsize=unlimited"], check=True)
    time.sleep(1)
    client.append({})
    client.ask()


def _answer(connection: socket.socket) -> bytes:
    size = LENGTH.unpack(connection.recv(4, socket.MSG_WAITALL))[0]
    return connection.recv(size, socket.MSG_WAITALL)


def test_an_event_that_cannot_be_written_does_not_spoil_its_batch(bench):
    writer = bench.start()
    client = WriterClient(bench.address, 10.0)
    client.append({})
    writer.send_signal(signal.SIGSTOP)  # so that all of them make one batch
    answers: list[Any] = []

    def ask(event: dict[str, Any]) -> None:
        try:
            answers.append(client.append(event))
        except PortError as error:
            answers.append(str(error))

    threads = [
        threading.Thread(target=ask, args=(event,)) for event in ({"a": 1}, {"seq": 7}, {"kind": "gap"}, {"b": 2})
    ]
    for thread in threads:
        thread.start()
    time.sleep(0.2)
    writer.send_signal(signal.SIGCONT)
    for thread in threads:
        thread.join()
    assert sorted(answer for answer in answers if isinstance(answer, int)) == [2, 3]
    assert len([answer for answer in answers if isinstance(answer, str)]) == 2
    assert bench.report().is_whole


@pytest.mark.parametrize("event", [{"a": 1.5}, {"a": b"x"}, {"a": "x" * MAX_FRAME}])
def test_what_has_no_line_is_a_port_error_before_anything_is_sent(bench, event):
    with pytest.raises(PortError, match="audit event"):
        WriterClient(bench.address, 0.2).append(event)


def test_nobody_there_is_a_port_error_at_once(bench):
    bench.listener.close()
    for address in (bench.address, bench.address + ".none"):
        with pytest.raises(PortError, match="cannot be reached"):
            WriterClient(address, 60.0).append({})


def test_no_answer_is_a_port_error_at_the_deadline_and_a_late_one_is_never_taken_for_another(bench):
    client = WriterClient(bench.address, 0.3)
    began = time.monotonic()
    with pytest.raises(PortError, match="no answer in time"):
        client.append({"id": "late"})
    assert 0.25 < time.monotonic() - began < 3.0
    bench.start()
    wait_for(
        lambda: bench.path.exists() and len(bench.events()) == 1
    )  # the writer found it in the backlog all the same
    patient = WriterClient(bench.address, 10.0)
    assert patient.append({"id": "next"}) == 2
    assert client.append({"id": "after"}) == 3


def test_a_full_backlog_is_waited_for_until_the_deadline(bench):
    bench.listener.listen(0)
    load = Load(WriterClient(bench.address, 10.0), threads=8, each=1)
    time.sleep(0.2)
    bench.start()
    load.wait()
    assert len(load.acknowledged) == 8


def test_a_forked_child_has_its_own_connections(bench):
    bench.start()
    client = WriterClient(bench.address, 10.0)
    client.append({"id": "parent"})
    children = []
    for child in range(4):
        pid = os.fork()
        if pid == 0:
            try:
                for number in range(50):
                    client.append({"id": f"{child}-{number}"})
                os._exit(0)
            except BaseException:
                os._exit(1)
        children.append(pid)
    for number in range(50):
        client.append({"id": f"parent-{number}"})
    assert [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in children] == [0] * 4
    assert len({event["id"] for event in bench.events()}) == 251
    assert bench.report().is_whole


def test_rotation_by_renaming_under_load_loses_no_line(bench):
    bench.start()
    client = WriterClient(bench.address, 10.0)
    client.append({"id": "first"})
    load = Load(client, threads=8)
    old = []
    for number in range(5):
        time.sleep(0.1)
        old.append(bench.path.with_name(f"audit.jsonl.{number}"))
        bench.path.rename(old[-1])
        wait_for(bench.path.exists)
    load.end()
    assert load.failed == [], load.reasons
    report = bench.report(*old)
    assert report.is_whole
    assert report.remarks == ()
    assert report.lines == len(load.acknowledged) + 1 + 5  # the first line of each new file
    assert all(verify(path.read_bytes().splitlines(), None).is_whole for path in (*old, bench.path))


def _orphan(bench: Bench, linger: float) -> int:
    """Start a writer whose parent dies at once; return its process id."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            child = os.fork()
            if child == 0:
                os.setsid()
                parent = os.getppid()
                os.close(reading)
                os.write(writing, str(os.getpid()).encode())
                run_writer(bench.listener, Keeping(str(bench.path)), linger=linger, parent=parent)
            else:
                time.sleep(0.5)
        finally:
            os._exit(0)
    os.close(writing)
    child = int(os.read(reading, 20))
    os.close(reading)
    os.waitpid(pid, 0)
    return child


def _lives(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


def test_without_a_supervisor_it_serves_who_is_connected_and_then_ends(bench):
    client = WriterClient(bench.address, 10.0)
    pid = _orphan(bench, linger=0.5)
    try:
        client.append({})
        time.sleep(2.5)
        assert _lives(pid)
        assert client.append({}) == 2
        client.close()
        wait_for(lambda: not _lives(pid), 5.0)
    finally:
        if _lives(pid):
            os.kill(pid, signal.SIGKILL)
    JournalFile(str(bench.path), wait=0.0).close()


def test_a_terminals_signals_are_the_supervisors_business(bench):
    writer = bench.start()
    client = WriterClient(bench.address, 10.0)
    client.append({})
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2):
        writer.send_signal(number)
    assert client.append({}) == 2


def test_idle_it_ends_on_sigterm_at_once(bench):
    took = []
    while len(took) < 3 and not (took and min(took) < 0.5):  # on a busy machine the first time may be slow by chance
        writer = bench.start()
        client = WriterClient(bench.address, 10.0)
        client.append({})
        began = time.monotonic()
        writer.send_signal(signal.SIGTERM)
        assert writer.wait(5) == 0
        took.append(time.monotonic() - began)
    assert min(took) < 0.5


def test_running_out_of_descriptors_neither_ends_it_nor_makes_it_spin(bench):
    writer = bench.start()
    client = WriterClient(bench.address, 10.0)
    client.append({})
    subprocess.run(["prlimit", f"--pid={writer.pid}", "--nofile=16:16"], check=True)
    others = []
    for _ in range(30):
        others.append(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM))
        others[-1].connect(bench.address)
    before = _cpu_seconds(writer.pid)
    time.sleep(0.7)
    assert _cpu_seconds(writer.pid) - before < 0.1
    assert client.append({}) == 2
    for other in others:
        other.close()
    assert WriterClient(bench.address, 10.0).append({}) == 3


def _cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
