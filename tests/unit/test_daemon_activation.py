"""The MTA's listener from systemd: what is taken, and what is refused with words that help."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("milter", reason="pymilter is not installed")

from sealgate.adapters.systemd import Passed
from sealgate.app.ports import PortError
from sealgate.daemon import activation
from sealgate.daemon.activation import place_of, take_listener
from sealgate.daemon.listening import ListenError
from sealgate.profile.settings import Socket


class Manager:
    """Passes sockets as systemd does, without its fixed numbers, which belong to pytest here."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._patch = monkeypatch

    def passes(self, *named: tuple[str, int]) -> None:
        passed = tuple(Passed(descriptor, name) for name, descriptor in named)
        self._patch.setattr(activation, "passed_sockets", lambda: passed)


@pytest.fixture
def manager(monkeypatch: pytest.MonkeyPatch) -> Manager:
    return Manager(monkeypatch)


@pytest.fixture
def listener(tmp_path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(tmp_path / "mta.sock"))
        made.listen()
        yield made


def test_nothing_passed_is_nothing_taken(manager: Manager) -> None:
    manager.passes()
    assert take_listener() is None


@pytest.mark.parametrize("name", ["milter", "sealgate.socket", "unknown", "connection"])
def test_the_only_one_is_the_mtas_whatever_its_name(
    manager: Manager, listener: socket.socket, tmp_path: Path, name: str
) -> None:
    manager.passes((name, socket.dup(listener.fileno())))
    taken = take_listener()
    assert taken is not None
    with taken:
        assert not taken.getblocking()
        assert place_of(taken) == Socket("unix", str(tmp_path / "mta.sock"))


def test_of_several_the_name_decides(manager: Manager, listener: socket.socket) -> None:
    with socket.socket() as other:
        other.listen()
        manager.passes(("pages", other.fileno()), ("milter", socket.dup(listener.fileno())))
        taken = take_listener()
        assert taken is not None
        with taken:
            assert taken.family == socket.AF_UNIX


@pytest.mark.parametrize("names", [("a", "b"), ("milter", "milter"), ("milter", "sealgate.socket")])
def test_several_without_one_name_are_refused_and_listed(
    manager: Manager, listener: socket.socket, names: tuple[str, str]
) -> None:
    manager.passes(*((name, listener.fileno()) for name in names))
    with pytest.raises(ListenError, match=f"2 sockets .{names[0]}, {names[1]}.*FileDescriptorName=milter"):
        take_listener()


def test_tcp_gets_nodelay_and_an_address(manager: Manager) -> None:
    with socket.create_server(("127.0.0.1", 0)) as made:
        port = made.getsockname()[1]
        manager.passes(("milter", socket.dup(made.fileno())))
        taken = take_listener()
        assert taken is not None
        with taken:
            assert taken.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
            assert str(place_of(taken)) == f"inet:{port}@127.0.0.1"


def test_what_does_not_listen_is_refused(manager: Manager, tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as idle, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as datagrams:
        datagrams.bind(str(tmp_path / "d"))
        for one in (idle, datagrams):
            manager.passes(("milter", socket.dup(one.fileno())))
            with pytest.raises(ListenError, match="ListenStream="):
                take_listener()


def test_what_is_no_socket_is_refused(manager: Manager, tmp_path: Path) -> None:
    with (tmp_path / "file").open("wb") as file:
        manager.passes(("milter", file.fileno()))
        with pytest.raises(ListenError, match="no socket"):
            take_listener()


def test_an_abstract_name_is_refused(manager: Manager) -> None:
    with socket.socket(socket.AF_UNIX) as made:
        made.bind("")  # Linux gives it an abstract name (unix(7))
        made.listen()
        manager.passes(("milter", socket.dup(made.fileno())))
        with pytest.raises(ListenError, match="ListenStream=/path"):
            take_listener()


def test_a_broken_variable_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> tuple[Passed, ...]:
        raise PortError("LISTEN_FDS is 'x'")

    monkeypatch.setattr(activation, "passed_sockets", broken)
    with pytest.raises(ListenError, match="LISTEN_FDS is 'x'"):
        take_listener()
