"""The frames between worker and writer say what was meant, and a client tells what is certain from what is not."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealgate.adapters import writer
from sealgate.adapters.writer import LENGTH, MAX_LINE, WriterClient, packed, read_refusal, unpacked
from sealgate.app.ports import PortError
from sealgate.audit.chain import OWN_KINDS, Cut, canonical, cut

PIECE = st.binary(max_size=30).map(lambda piece: piece.replace(b"\n", b""))
LINES = st.lists(st.builds(Cut, PIECE, PIECE, PIECE, PIECE), max_size=4)
SIDE = st.lists(st.tuples(st.sampled_from(["2026q4", "2027q1"]), PIECE), max_size=3)


@given(LINES, SIDE)
def test_a_frame_holds_what_was_put_into_it(lines, side):
    frame = packed(lines, side)
    assert LENGTH.unpack_from(frame)[0] == len(frame) - LENGTH.size
    if lines or side:
        assert unpacked(frame[LENGTH.size :]) == (tuple(lines), tuple(side), b"")


def test_a_frame_may_hold_one_counted_refusal():
    frame = packed((), counted=canonical({"kind": "refusal", "n": 1}))
    lines, side, counted = unpacked(frame[LENGTH.size :])
    assert (lines, side, read_refusal(counted)) == ((), (), {"kind": "refusal", "n": 1})


@given(st.binary(max_size=60) | st.builds(lambda a, b: packed(a, b)[LENGTH.size :], LINES, SIDE), st.data())
def test_no_octets_are_worse_than_a_value_error(octets, data):
    if octets:
        at = data.draw(st.integers(0, len(octets) - 1))
        octets = octets[:at] + data.draw(st.binary(max_size=3)) + octets[at + 1 :]
    try:
        lines, _, counted = unpacked(octets)
        if counted:
            read_refusal(counted)
    except ValueError:
        return
    for line in lines:
        assert b"\n" not in line.join(1, "0" * 64, "w")


@pytest.mark.parametrize("counted", [b"", b"[]", b"nul", b"\xff", b"[" * 100_000, b'{"a":1', b"7"])
def test_a_refusal_that_is_no_map_is_a_value_error(counted):
    with pytest.raises(ValueError):  # noqa: PT011
        read_refusal(counted)


def test_more_lines_than_one_can_not_be_had_by_a_newline():
    with pytest.raises(ValueError, match="no line"):
        unpacked(packed([Cut(b'"a":1}\n{"b":2,', b"", b"", b"")])[LENGTH.size :])
    with pytest.raises(ValueError, match="no line"):
        unpacked(packed([], [("2026q4", b"{}\n{}")])[LENGTH.size :])


def test_a_line_that_could_hide_the_files_end_is_refused_on_either_side(monkeypatch):
    line = cut({"a": "x" * MAX_LINE})
    with pytest.raises(PortError, match="more than"):
        packed([line])
    monkeypatch.setattr(writer, "MAX_LINE", 2 * MAX_LINE)
    frame = packed([line])
    monkeypatch.undo()
    with pytest.raises(ValueError, match="no line"):
        unpacked(frame[LENGTH.size :])


def test_more_than_a_frame_is_a_port_error():
    with pytest.raises(PortError, match="more than"):
        packed([cut({"a": "x" * (MAX_LINE - 100)})] * 5)


# -- the client --------------------------------------------------------------------------------------------------------


@contextmanager
def serving(folder: Path, answer: Callable[[socket.socket, bytes], None]) -> Iterator[WriterClient]:
    """A writer that does with each request what it is told."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(str(folder / "writer.sock"))
    listener.listen(8)

    def serve(one: socket.socket) -> None:
        with one, suppress(OSError):
            while head := one.recv(LENGTH.size, socket.MSG_WAITALL):
                size = LENGTH.unpack(head)[0]
                answer(one, one.recv(size, socket.MSG_WAITALL) if size else b"")

    def accept() -> None:
        while True:
            try:
                one, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=serve, args=(one,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    client = WriterClient(str(folder / "writer.sock"), 1.0)
    yield client
    client.close()
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()


def said(text: bytes) -> bytes:
    return LENGTH.pack(len(text)) + text


def test_the_number_of_the_last_line_comes_back(tmp_path):
    frames = []
    with serving(tmp_path, lambda one, frame: (frames.append(frame), one.sendall(said(b"+12")))) as client:
        more = [{"kind": "recipients", "part": 1}]
        assert client.append({"kind": "decision"}, more=more, side=[{"epoch": "2026q4", "id": "ID"}]) == 12
        client.ask()
    lines, side, _ = unpacked(frames[0])
    assert [line.join(1, "", "") for line in lines] == [
        cut(event).join(1, "", "") for event in ({"kind": "decision"}, *more)
    ]
    assert side == (("2026q4", b'{"epoch":"2026q4","id":"ID"}'),)
    assert frames[1] == b""


@pytest.mark.parametrize(
    ("answer", "what"),
    [(b"-the disk", "the disk"), (b"?", "no answer"), (b"", "no answer"), (b"+", "no answer"), (b"+1x", "no answer"),
     (b"-\xff\x1b", "\ufffd")],
)  # fmt: skip
def test_any_other_answer_is_a_port_error(tmp_path, answer, what):
    with serving(tmp_path, lambda one, _: one.sendall(said(answer))) as client, pytest.raises(PortError, match=what):
        client.append({})


def test_an_answer_in_pieces_is_put_together(tmp_path):
    def slowly(one: socket.socket, _: bytes) -> None:
        for octet in said(b"+1234567"):
            one.sendall(bytes([octet]))
            time.sleep(0.01)

    with serving(tmp_path, slowly) as client:
        assert [client.append({}) for _ in range(3)] == [1234567] * 3


def test_the_deadline_is_for_all_of_it_also_on_a_connection_used_before(tmp_path):
    pauses = [0.0, 0.6, 0.6, 5.0]

    def late(one: socket.socket, _: bytes) -> None:
        time.sleep(pauses.pop(0))
        one.sendall(said(b"+1"))

    with serving(tmp_path, late) as client:
        for _ in range(3):
            assert client.append({}) == 1
        began = time.monotonic()
        with pytest.raises(PortError, match="may or may not"):
            client.append({})
        assert 0.9 < time.monotonic() - began < 4.5  # the answer comes after 5


def test_one_that_never_ends_its_answer_is_left(tmp_path):
    def endless(one: socket.socket, _: bytes) -> None:
        one.sendall(LENGTH.pack(1 << 30) + b"+" * 100_000)

    with serving(tmp_path, endless) as client, pytest.raises(PortError, match="may or may not"):
        client.append({})


def test_a_writer_that_leaves_took_nothing_and_the_next_is_asked(tmp_path):
    asked: list[bytes] = []

    def leave(one: socket.socket, frame: bytes) -> None:
        asked.append(frame)
        one.sendall(said(b"!" if len(asked) == 2 else b"+%d" % len(asked)))

    with serving(tmp_path, leave) as client:
        assert client.append({"a": 1}) == 1
        assert client.append({"a": 2}) == 3
    assert asked[1] == asked[2]


def test_a_good_bye_right_behind_an_answer_spoils_neither_it_nor_the_next(tmp_path):
    """A writer that leaves answers what it has written, and says so to all in the same moment."""
    numbers = iter(range(1, 9))
    with serving(tmp_path, lambda one, _: one.sendall(said(b"+%d" % next(numbers)) + said(b"!"))) as client:
        assert [client.append({}) for _ in range(3)] == [1, 2, 3]


def test_a_writer_that_reads_nothing_is_given_up_at_the_deadline(tmp_path):
    with serving(tmp_path, lambda *_: time.sleep(5)) as client:
        began = time.monotonic()
        with pytest.raises(PortError, match="no answer in time"):
            client.append({"a": "x" * (MAX_LINE - 100)}, more=[{"a": "x" * (MAX_LINE - 100)}] * 2)
        assert time.monotonic() - began < 4.5  # it goes on after 5


@pytest.mark.parametrize("kind", sorted(OWN_KINDS))
def test_kinds_of_the_writer_are_not_taken_from_anybody(tmp_path, kind):
    client = WriterClient(str(tmp_path / "none"), 1.0)
    with pytest.raises(PortError, match="kind"):
        client.append({"kind": kind})
    with pytest.raises(PortError, match="kind"):
        client.append({"kind": "decision"}, more=[{"kind": kind}])


@pytest.mark.parametrize("event", [{"a": 1.5}, {"a": b"x"}, {"seq": 1}, {"prev": ""}, {"w": ""}, {1: 1}])
def test_what_has_no_line_is_a_port_error_before_anything_is_sent(tmp_path, event):
    client = WriterClient(str(tmp_path / "none"), 1.0)
    for how in ({"event": event}, {"event": {}, "more": [event]}):
        with pytest.raises(PortError, match="audit event"):
            client.append(**how)


@pytest.mark.parametrize("value", [{}, {"epoch": 7}, {"epoch": "2026q4x"}, {"epoch": "2026q5"}])
def test_a_value_without_its_quarter_is_a_port_error(tmp_path, value):
    with pytest.raises(PortError, match="quarter"):
        WriterClient(str(tmp_path / "none"), 1.0).append({}, side=[value])
