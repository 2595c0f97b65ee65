"""Files read with care and written atomically."""

import os
import stat
from pathlib import Path

import pytest

from sealgate.adapters.files import read_policy, replace, write_new
from sealgate.app.ports import PortError


def test_a_policy_that_everybody_can_write_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "profile.yaml"
    path.write_text("version: 1\n")
    assert read_policy(path) == "version: 1\n"
    path.chmod(0o666)
    with pytest.raises(PortError, match="chmod o-w"):
        read_policy(path)


def test_what_is_no_regular_file_is_refused_without_waiting(tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo, 0o600)
    for path in (fifo, tmp_path, tmp_path / "missing"):
        with pytest.raises(PortError):
            read_policy(path)


def test_a_new_file_has_its_mode_whatever_the_umask_and_is_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "key.pem"
    before = os.umask(0o777)
    try:
        write_new(path, b"x")
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with pytest.raises(PortError, match="exists"):
        write_new(path, b"y")


def test_replacing_leaves_no_other_file(tmp_path: Path) -> None:
    path = tmp_path / "status"
    replace(path, b"one")
    replace(path, b"two")
    assert path.read_bytes() == b"two"
    assert list(tmp_path.iterdir()) == [path]
