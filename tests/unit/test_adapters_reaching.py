"""The way to the gate's socket is walked, and what answers there is tried for real."""

import os
import socket
import struct
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from sealgate.adapters.reaching import Who, account, try_connection, walk
from sealgate.profile.settings import Socket
from tests.lab.ports import free_ports
from tests.lab.relay import reachable_folder

GOOD = struct.pack("!IBIII", 13, ord("O"), 6, 0x31, 0x100000)


@pytest.fixture
def folder() -> Iterator[Path]:
    with reachable_folder() as made:
        yield made


def answering(folder: Path, answer: bytes) -> Socket:
    """A socket at which one connection is answered with these octets, and closed."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(folder / "s"))
    (folder / "s").chmod(0o666)
    listener.listen()

    def serve() -> None:
        with listener, listener.accept()[0] as peer:
            peer.recv(100)
            peer.sendall(answer)

    threading.Thread(target=serve, daemon=True).start()
    return Socket("unix", str(folder / "s"))


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (GOOD, ""),
        (b"", "accepted the connection and closed it"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "does not speak the milter protocol"),
        (struct.pack("!IB", 1, ord("c")), "does not speak the milter protocol"),
        (struct.pack("!IBIII", 13, ord("O"), 6, 0x1, 0), "a milter answers that is not sealgate"),
        (struct.pack("!IBIII", 13, ord("O"), 2, 0x31, 0x100000), "a milter answers that is not sealgate"),
        (struct.pack("!IB", 2**32 - 1, ord("O")) + b"x" * 9, "closed it"),
    ],
)
def test_what_answers_is_told_apart(folder: Path, answer: bytes, says: str) -> None:
    tried = try_connection(answering(folder, answer), None)
    assert says in tried.error, tried
    assert bool(says) == bool(tried.error), tried


def test_nobody_there_and_a_silent_one_are_told(folder: Path) -> None:
    assert try_connection(Socket("unix", f"{folder}/none"), None).error == "No such file or directory"
    (port,) = free_ports(1)
    assert "refused" in try_connection(Socket("inet", host="127.0.0.1", port=port), None).error
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(f"{folder}/silent")
        silent.listen()
        assert "no answer within 0.3 s" in try_connection(Socket("unix", f"{folder}/silent"), None, seconds=0.3).error


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_the_connection_is_made_by_the_mtas_account_in_its_chroot(folder: Path) -> None:
    nobody = account("nobody")
    assert nobody is not None
    where = answering(folder, GOOD)
    inside = Socket("unix", "/s")
    assert try_connection(inside, nobody, str(folder)).error == ""
    (folder / "s").chmod(0o600)
    tried = try_connection(where, nobody)
    assert (tried.who, tried.error) == ("nobody", "Permission denied")
    tried = try_connection(Socket("unix", where.path), nobody, str(folder))
    assert (tried.who, tried.error) == (f"nobody in the chroot {folder}", "No such file or directory")
    assert os.geteuid() == 0


def test_each_folder_on_the_way_is_judged_for_the_account(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir(mode=0o700)
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(tmp_path / "a" / "s"))
    (tmp_path / "a").chmod(0o700)
    (tmp_path / "a" / "s").chmod(0o660)
    gid = (tmp_path / "a").stat().st_gid
    grouped, other = Who("y", 54321, gid, frozenset({gid})), Who("z", 54321, 54321, frozenset({54321}))
    by = {who.name: {step.path: step for step in walk(f"{tmp_path}/a/s", who)} for who in (grouped, other)}
    here, sock = f"{tmp_path}/a", f"{tmp_path}/a/s"
    assert (by["y"][here].may, by["z"][here].may) == (False, False)
    assert (by["y"][sock].may, by["z"][sock].may) == (True, False)
    (tmp_path / "a").chmod(0o2741)
    assert [walk(sock, who)[-2].may for who in (grouped, other)] == [False, True], "of the classes the first counts"
    assert walk(sock, None)[-1].may is None
    assert walk(sock, Who("root", 0, 0, frozenset()))[-1].may is True


def test_a_way_ends_where_there_is_nothing_or_no_folder(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert [step.kind for step in walk(f"{tmp_path}/none/s", None)][-2:] == ["folder", "missing"]
    assert walk(f"{tmp_path}/file/s", None)[-1].kind == "other"
    assert walk(f"{tmp_path}/file", None)[-1].kind == "other"
    assert walk(str(tmp_path), None)[-1].kind == "other"
    assert account("no such account") is None
