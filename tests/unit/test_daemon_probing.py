"""The gate's look at its own door, against doors that answer, hang, lie and break off."""

import os
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from sealgate.daemon.probing import NotAllowedError, ProbeError, Prober, probe
from sealgate.profile.settings import Socket

OFFER = struct.pack("!III", 6, 0, 0)


def packet(command: bytes, data: bytes = b"") -> bytes:
    return struct.pack("!I", 1 + len(data)) + command + data


@contextmanager
def door(path: Path, answers: Callable[[socket.socket], None]) -> Iterator[Socket]:
    """A listener whose connections `answers` serves, one after the other."""

    def serve() -> None:
        while True:
            try:
                wire, _ = listener.accept()
            except OSError:
                return
            with wire, suppress(OSError):  # the other end may break off
                answers(wire)

    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield Socket("unix", str(path))
        listener.shutdown(socket.SHUT_RDWR)
    thread.join(5)


def milter(wire: socket.socket, heard: list[bytes], verdict: bytes = b"c") -> None:
    """Answers as libmilter does, in crumbs; hears until the end."""
    stream = wire.makefile("rb")
    while head := stream.read(4):
        (length,) = struct.unpack("!I", head)
        heard.append(stream.read(length))
        answer = {b"O": packet(b"O", OFFER), b"C": packet(verdict)}.get(heard[-1][:1], b"")
        for at in range(0, len(answer), 5):
            wire.sendall(answer[at : at + 5])


@pytest.mark.parametrize("verdict", [b"c", b"a"])
def test_a_milter_answers_and_hears_a_good_bye(tmp_path: Path, verdict: bytes) -> None:
    heard: list[bytes] = []
    with door(tmp_path / "s", lambda wire: milter(wire, heard, verdict)) as where:
        probe(where, 5)
    assert [said[:1] for said in heard] == [b"O", b"C", b"Q"]
    assert heard[1] == b"Clocalhost\0U"
    version, actions, steps = struct.unpack("!III", heard[0][1:])
    assert (version, actions & 0x31, steps) == (6, 0x31, 0x100000)  # header edits, quarantine; blanks kept


@pytest.mark.parametrize("verdict", [b"r", b"t", b"4"])
def test_a_gate_that_refuses_the_connection_is_no_answer(tmp_path: Path, verdict: bytes) -> None:
    with (
        door(tmp_path / "s", lambda wire: milter(wire, [], verdict)) as where,
        pytest.raises(ProbeError, match="refus"),
    ):
        probe(where, 5)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (b"", "hung up"),
        (b"\0\0", "hung up"),
        (packet(b"O", OFFER), "hung up"),  # to CONNECT nothing
        (b"220 smtp\r\n", "no milter"),
        (struct.pack("!I", 0) + b"O", "no milter"),
        (packet(b"r"), "no milter"),
    ],
)
def test_whatever_else_answers_is_said(tmp_path: Path, answer: bytes, said: str) -> None:
    def lie(wire: socket.socket) -> None:
        wire.recv(17)
        wire.sendall(answer)
        wire.shutdown(socket.SHUT_WR)
        while wire.recv(4096):
            pass

    with door(tmp_path / "s", lie) as where, pytest.raises(ProbeError, match=said):
        probe(where, 5)


def test_one_that_hangs_or_drips_is_given_up_in_time(tmp_path: Path) -> None:
    over = threading.Event()

    def drip(wire: socket.socket) -> None:
        answer = iter(packet(b"O", OFFER * 1000))
        while not over.wait(0.05):
            wire.sendall(bytes((next(answer),)))

    began = time.monotonic()
    with door(tmp_path / "s", drip) as where:
        with pytest.raises(ProbeError, match=r"no answer within 0\.5 s"):
            probe(where, 0.5)
        over.set()
    assert time.monotonic() - began < 3


def test_nobody_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(ProbeError, match="No such file"):
        probe(Socket("unix", str(tmp_path / "gone")))
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        with pytest.raises(ProbeError, match="refused"):
            probe(Socket("inet", host="127.0.0.1", port=closed.getsockname()[1]))


def test_the_prober_says_since_when_and_why_and_begins_anew(tmp_path: Path) -> None:
    prober = Prober(Socket("unix", str(tmp_path / "s")), 1.0)
    prober.once()
    assert (prober.count, prober.fault) == (0, "No such file or directory")
    time.sleep(0.01)
    assert prober.unanswered_for() > 0
    with door(tmp_path / "s", lambda wire: milter(wire, [])):
        prober.once()
    assert (prober.count, prober.fault, prober.unanswered_for()) == (1, "", 0.0)


def test_a_door_closed_to_this_account_is_a_warning_and_no_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The MTA's group may be let in where the gate's own account is not."""
    where = Socket("unix", str(tmp_path / "s"))
    with door(tmp_path / "s", lambda wire: milter(wire, [])):
        (tmp_path / "s").chmod(0)
        if os.geteuid() == 0:  # whom no mode shuts out

            def refuse(*_: object) -> None:
                raise PermissionError(13, "Permission denied")

            monkeypatch.setattr(socket.socket, "connect", refuse)
        with pytest.raises(NotAllowedError, match="may not connect"):
            probe(where)
        prober = Prober(where, 1.0)
        prober.once()
        monkeypatch.undo()
    assert (prober.count, prober.fault) == (1, "")
    assert "may not connect" in prober.warning
