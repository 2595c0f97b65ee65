"""Fixtures of the drivers: a realm, a relay, gates, started once and only where a test asks for them."""

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from sealgate.app.runtime import Runtime
from sealgate.wiring import build, read_profile
from tests.drivers.cases import EPOCHS, profile_text
from tests.lab.gate import Gate, make_keys
from tests.lab.ports import free_ports
from tests.lab.realm import Realm, RealmUnavailable
from tests.lab.relay import Relay, reachable_folder, why_unavailable

PRINCIPALS = ("alice", "bob", "guest", "svc/newsletter", "svc/shop", "svc/portal", "svc/lists")


@pytest.fixture(scope="session")
def runtimes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Runtime]:
    """The profiles of the corpus as Runtimes, with fresh keys."""
    folder = tmp_path_factory.mktemp("core")
    make_keys(folder / "keys")
    made: dict[str, Runtime] = {}
    for name in ("enforce", "report", "strict", "beside-opendkim", "binding", "lawful", "seal"):
        path = folder / f"{name}.yaml"
        path.write_text(profile_text(name).replace("{keys}", str(folder / "keys")))
        ingredients, problems = read_profile(path)
        assert ingredients is not None, [str(p) for p in problems]
        made[name] = replace(build(ingredients), epochs=EPOCHS)
    return made


@pytest.fixture(scope="session")
def gate() -> Iterator[Gate]:
    """A gate with the enforcing profile; tests that change it put it back."""
    pytest.importorskip("milter", reason="pymilter is not installed")
    with reachable_folder() as folder, Gate(folder, profile_text("enforce")) as running:
        yield running


@pytest.fixture(scope="session")
def realm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Realm]:
    """A Kerberos realm with everybody who logs in."""
    try:
        with Realm(tmp_path_factory.mktemp("realm")) as running:
            for principal in PRINCIPALS:
                running.add(principal)
            yield running
    except RealmUnavailable as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def relay(realm: Realm, gate: Gate, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Relay]:
    """A Postfix in front of the gate."""
    if why := why_unavailable():
        pytest.skip(why)
    submission, plain, sink = free_ports(3)
    with Relay(
        tmp_path_factory.mktemp("relay"),
        realm,
        gate.address,
        submission_port=submission,
        plain_port=plain,
        sink_port=sink,
    ) as running:
        yield running


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that the unprivileged users of other daemons may enter."""
    with reachable_folder() as made:
        yield made


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The relay wants root; say so instead of failing."""
    if os.geteuid() == 0:
        return
    skip = pytest.mark.skip(reason="Postfix's master process needs root")
    for item in items:
        if item.get_closest_marker("relay"):
            item.add_marker(skip)
