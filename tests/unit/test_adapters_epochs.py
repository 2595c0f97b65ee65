"""Keys of quarters: made once, read by all, gone for good."""

import threading
from pathlib import Path

import pytest

from sealgate.adapters import epochs
from sealgate.app.ports import PortError


def test_a_key_is_made_once_and_read_by_all(tmp_path: Path) -> None:
    made: list[dict[str, bytes]] = []
    makers = [
        threading.Thread(target=lambda: made.append(epochs.keep(tmp_path, ("2026q4", "2027q1")))) for _ in range(8)
    ]
    for maker in makers:
        maker.start()
    for maker in makers:
        maker.join()
    assert len(made) == 8
    assert len({tuple(each.items()) for each in made}) == 1
    assert epochs.read(tmp_path) == made[0]
    assert [len(key) for key in made[0].values()] == [32, 32]
    folder = tmp_path / epochs.FOLDER
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}
    assert sorted(path.name for path in folder.iterdir()) == ["2026q4.key", "2027q1.key"]


def test_a_destroyed_key_does_not_come_back(tmp_path: Path) -> None:
    before = epochs.keep(tmp_path, ("2026q4",))
    assert epochs.destroy(tmp_path, "2026q4")
    assert not epochs.destroy(tmp_path, "2026q4")
    assert epochs.read(tmp_path) == {}
    assert epochs.keep(tmp_path, ("2026q4",)) != before


def test_what_is_no_key_is_said(tmp_path: Path) -> None:
    (tmp_path / epochs.FOLDER).mkdir()
    (tmp_path / epochs.FOLDER / "2026q4.key").write_bytes(b"short")
    with pytest.raises(PortError, match="32 octets"):
        epochs.keep(tmp_path, ("2026q4",))
    with pytest.raises(PortError, match=r"nowhere"):
        epochs.keep(tmp_path / "nowhere", ("2026q4",))
