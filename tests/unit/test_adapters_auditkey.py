"""The audit key: made once, the same for all, and never half."""

import multiprocessing
from pathlib import Path

import pytest

from sealgate.adapters import auditkey
from sealgate.app.ports import PortError
from sealgate.audit.note import quickly_signed
from sealgate.audit.verifier import Frontier, Key, Note, leaf_hash


def _kept(place: str, host: str) -> str:
    return auditkey.keep(Path(place), host).public.text


def test_a_key_is_made_once_and_kept_under_its_first_name(tmp_path: Path) -> None:
    key = auditkey.keep(tmp_path, "relay1.example.test")
    assert key.origin == "relay1.example.test/sealgate"
    assert (tmp_path / "audit.key").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "audit.pub").stat().st_mode & 0o777 == 0o644
    assert (tmp_path / "audit.pub").read_text() == f"{key.public.text}\n"
    again = auditkey.keep(tmp_path, "renamed.example.test")
    assert again.public == key.public == auditkey.public(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["audit.key", "audit.pub"]


def test_many_processes_get_the_same_key(tmp_path: Path) -> None:
    for turn in range(5):
        folder = tmp_path / str(turn)
        folder.mkdir()
        with multiprocessing.get_context("fork").Pool(4) as pool:
            found = pool.starmap(_kept, [(str(folder), f"host{number}") for number in range(8)])
        assert len(set(found)) == 1
        assert sorted(path.name for path in folder.iterdir()) == ["audit.key", "audit.pub"]


def test_a_start_that_ended_between_the_two_halves_is_finished_by_the_next(tmp_path: Path) -> None:
    key = auditkey.keep(tmp_path, "one")
    (tmp_path / "audit.pub").unlink()
    assert auditkey.public(tmp_path) is None
    again = auditkey.keep(tmp_path, "two")
    assert again.public.public == key.public.public
    assert again.origin == "two/sealgate"


def test_a_lost_or_foreign_half_is_never_replaced(tmp_path: Path) -> None:
    auditkey.keep(tmp_path, "one")
    before = (tmp_path / "audit.pub").read_bytes()
    pem = (tmp_path / "audit.key").read_bytes()
    (tmp_path / "audit.key").unlink()
    with pytest.raises(PortError, match="is gone: bring it back"):
        auditkey.keep(tmp_path, "one")
    assert not (tmp_path / "audit.key").exists()
    (tmp_path / "other").mkdir()
    auditkey.keep(tmp_path / "other", "one")
    (tmp_path / "other" / "audit.key").rename(tmp_path / "audit.key")
    with pytest.raises(PortError, match="belongs to another key"):
        auditkey.keep(tmp_path, "one")
    (tmp_path / "audit.key").write_bytes(pem)
    assert auditkey.keep(tmp_path, "one").public.text.encode() in before


def test_a_key_that_others_can_read_is_refused(tmp_path: Path) -> None:
    auditkey.keep(tmp_path, "one")
    (tmp_path / "audit.key").chmod(0o640)
    with pytest.raises(PortError, match="chmod 0600"):
        auditkey.keep(tmp_path, "one")


@pytest.mark.parametrize("content", [b"", b"x", b"\xff", b"a+b+c\n"])
@pytest.mark.parametrize("name", ["audit.key", "audit.pub"])
def test_what_is_no_key_is_said(tmp_path: Path, name: str, content: bytes) -> None:
    auditkey.keep(tmp_path, "one")
    (tmp_path / name).write_bytes(content)
    with pytest.raises(PortError, match="key"):
        auditkey.keep(tmp_path, "one")
    assert (tmp_path / name).read_bytes() == content


def test_links_fifos_bad_hosts_and_absent_folders_are_refused(tmp_path: Path) -> None:
    with pytest.raises(PortError, match="No such file"):
        auditkey.keep(tmp_path / "nowhere", "one")
    with pytest.raises(PortError, match="name of an audit key"):
        auditkey.keep(tmp_path, "two words")
    (tmp_path / "linked").mkdir()
    (tmp_path / "linked" / "audit.key").symlink_to(tmp_path / "audit.key")
    with pytest.raises(PortError, match="symbolic links"):
        auditkey.keep(tmp_path / "linked", "one")
    auditkey.keep(tmp_path, "one")
    with pytest.raises(PortError, match="symbolic links"):
        auditkey.keep(tmp_path / "linked", "one")


def test_the_newest_checkpoint_is_replaced_as_a_whole(tmp_path: Path) -> None:
    key = auditkey.keep(tmp_path, "one")
    assert auditkey.latest(tmp_path) is None
    frontier = Frontier()
    for number in range(3):
        auditkey.publish(tmp_path, key.signed(frontier))
        note = Note.parse(auditkey.latest(tmp_path) or "")
        assert note.size == number
        assert note.is_signed_by(Key.parse((tmp_path / "audit.pub").read_text()), quickly_signed)
        frontier.append(leaf_hash(b"x"))
    assert (tmp_path / "checkpoint").stat().st_mode & 0o777 == 0o644
    assert sorted(path.name for path in tmp_path.iterdir()) == ["audit.key", "audit.pub", "checkpoint"]
    with pytest.raises(PortError, match="No such file"):
        auditkey.publish(tmp_path / "nowhere", "x")
    (tmp_path / "busy" / "checkpoint").mkdir(parents=True)
    with pytest.raises(PortError, match="directory"):
        auditkey.publish(tmp_path / "busy", "x")
    assert [path.name for path in (tmp_path / "busy").iterdir()] == ["checkpoint"]
