"""Which sockets a process holds: what a drain waits for, and what it must not use up."""

import os
import resource
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

pytest.importorskip("milter", reason="pymilter is not installed")

from sealgate.daemon.listening import has_accepted, listen, own_name
from sealgate.profile.settings import Socket


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


@pytest.fixture(params=["unix", "inet"])
def listener(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[socket.socket]:
    where = Socket("unix", str(tmp_path / "s")) if request.param == "unix" else Socket("inet", host="127.0.0.1")
    with listen(where, 0o600) as made:
        yield made


def test_an_accepted_connection_is_found_while_it_is_open(listener: socket.socket, tmp_path: Path) -> None:
    place = str(tmp_path / "s") if listener.family == socket.AF_UNIX else listener.getsockname()
    name = own_name(listener)
    assert not has_accepted(name)
    with socket.socket(listener.family) as client:
        client.connect(place)
        assert not has_accepted(name), "it waits in the backlog"
        accepted, _ = listener.accept()
        with accepted:
            assert has_accepted(name)
            accepted.setblocking(False)
            with pytest.raises(BlockingIOError):
                accepted.recv(1)  # looked at, and left as it was
        assert not has_accepted(name)


def test_looking_for_hours_uses_up_no_descriptor(listener: socket.socket, tmp_path: Path) -> None:
    """It is done twenty times a second for up to a day. Files and pipes are no sockets: what is left of them counts."""
    with ExitStack() as stack:
        for end in os.pipe():
            stack.callback(os.close, end)
        stack.enter_context((tmp_path / "file").open("wb"))
        before = descriptors()
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        stack.callback(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        resource.setrlimit(resource.RLIMIT_NOFILE, (before + 40, hard))
        for _ in range(200):
            has_accepted(own_name(listener))
        assert descriptors() == before
