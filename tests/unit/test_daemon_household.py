"""Who is told to go, and what the next program takes over; the processes themselves are in tests/drivers."""

import os
import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("milter", reason="pymilter is not installed")

from sealgate.daemon.channel import Channel
from sealgate.daemon.children import WORKER, Child, Family
from sealgate.daemon.doors import Doors, open_doors
from sealgate.daemon.handover import VARIABLE, Handover, leave, take, withdraw
from sealgate.daemon.household import Household
from sealgate.profile.settings import Settings, Socket


class Log:
    """Keeps what was logged."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def __getattr__(self, level: str) -> Any:
        return lambda event, **_: self.said.append(event)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    (tmp_path / "run").mkdir()
    return Settings(socket=Socket("unix", str(tmp_path / "mta.sock")), runtime=str(tmp_path / "run"))


@pytest.fixture
def places(settings: Settings) -> tuple[Path, Path]:
    return Path(settings.runtime) / "w.sock", Path(settings.runtime) / "r.sock"


@pytest.fixture
def doors(settings: Settings, places: tuple[Path, Path]) -> Iterator[Doors]:
    made = open_doors(settings, places, None, Log())
    yield made
    for one in (made.milter, made.writing, made.reading):
        one.close()


def test_who_leaves_is_told_once_however_often_everybody_is_up(settings: Settings, places: tuple[Path, Path]) -> None:
    """It reads no more once it drains: a few hundred words more would fill its channel, and it would be killed."""
    family = Family()
    house = Household(family, settings, places, 0.0, Log(), lambda: pytest.fail("nobody is started"))
    ours, theirs = socket.socketpair()
    with ours, theirs:
        family.children[os.getpid()] = Child(os.getpid(), WORKER, Channel(ours), leaving=True)
        for _ in range(3):
            house.let_drain()
        theirs.setblocking(False)
        assert theirs.recv(100) == b"\0\0\0\x01D"


def test_the_next_program_takes_over_the_same_listeners(
    settings: Settings, places: tuple[Path, Path], doors: Doors
) -> None:
    handover = Household(Family(), settings, places, 0.0, Log(), lambda: pytest.fail("nobody is started")).hand_over(
        doors
    )
    assert handover == Handover(f"unix:{settings.socket.path}", settings.runtime, doors.descriptors, ())
    leave(handover)
    assert all(os.get_inheritable(each) for each in doors.descriptors)
    taken = take()
    assert taken == handover
    assert not any(os.get_inheritable(each) for each in doors.descriptors)
    assert VARIABLE not in os.environ


def test_it_knows_whose_the_socket_is_and_an_older_program_did_not(doors: Doors) -> None:
    handover = Handover("unix:/x", "/run", doors.descriptors, (), is_activated=True)
    leave(handover)
    assert '"activated": true' in os.environ[VARIABLE]
    older = os.environ[VARIABLE].replace(', "activated": true', "")
    assert take() == handover
    os.environ[VARIABLE] = older
    assert take() == replace(handover, is_activated=False)
    withdraw(handover)


def test_at_the_end_our_sockets_go_and_systemds_stay(settings: Settings, doors: Doors, tmp_path: Path) -> None:
    place, pages = Path(settings.socket.path), tmp_path / "pages.sock"
    pages.touch()
    replace(doors, is_activated=True).remove(Socket("unix", str(pages)))
    assert (place.exists(), pages.exists()) == (True, False)
    doors.remove(None)
    assert not place.exists()
    doors.remove(settings.socket)  # gone already
