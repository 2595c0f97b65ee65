"""Settings that wait for a restart are named, one by one; a file that would refuse one is said."""

from pathlib import Path

import pytest

from sealgate.daemon.pending import changed_settings
from sealgate.profile.settings import Settings, parse_settings

TEXT = "workers: 2\nsocket: unix:/run/a.sock\nsocket_mode: 0660\nhttp: inet:8895@127.0.0.1\ndns_servers: [192.0.2.1]\n"


@pytest.fixture
def in_force() -> Settings:
    settings, _ = parse_settings(TEXT, "x")
    assert settings is not None
    return settings


def changed(tmp_path: Path, in_force: Settings, text: str) -> tuple[str, ...]:
    (tmp_path / "sealgate.yaml").write_text(text)
    return changed_settings(in_force, tmp_path / "sealgate.yaml")


def test_nothing_changed_is_nothing_said(tmp_path: Path, in_force: Settings) -> None:
    assert changed(tmp_path, in_force, TEXT) == ()
    assert changed(tmp_path, in_force, "# the same\n" + TEXT.replace("unix:/run", "local:/run")) == ()


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("workers: 2", "workers: 4", "workers: 2 is in force, 4 is asked for"),
        ("a.sock", "b.sock", "socket: unix:/run/a.sock is in force, unix:/run/b.sock is asked for"),
        ("0660", "0600", "socket_mode: 0660 is in force, 0600 is asked for"),
        ("inet:8895@127.0.0.1", "off", "http: inet:8895@127.0.0.1 is in force, off is asked for"),
        ("[192.0.2.1]", "[]", "dns_servers: 192.0.2.1 port 53 is in force, nothing is asked for"),
        ("workers", "drain_max: 60\nworkers", "drain_max: 900 is in force, 60 is asked for"),
    ],
)
def test_what_changed_is_named(tmp_path: Path, in_force: Settings, old: str, new: str, said: str) -> None:
    assert changed(tmp_path, in_force, TEXT.replace(old, new)) == (said,)


def test_all_are_named_in_the_order_of_the_settings(tmp_path: Path, in_force: Settings) -> None:
    found = changed(tmp_path, in_force, TEXT.replace("workers: 2", "workers: 3").replace("a.sock", "b.sock"))
    assert [each.partition(":")[0] for each in found] == ["socket", "workers"]


def test_a_file_that_cannot_be_used_is_said(tmp_path: Path, in_force: Settings) -> None:
    (said,) = changed(tmp_path, in_force, "wrokers: 2\n")
    assert "a restart would be refused" in said
    assert "sealgate.yaml:1:1" in said
    (said,) = changed_settings(in_force, tmp_path / "gone.yaml")
    assert "a restart would be refused" in said
