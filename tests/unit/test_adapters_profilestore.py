"""Kept profiles: by their content, once, whole or named as damaged, and nothing else is ever read or written."""

import gzip
import json
import os
import threading
from pathlib import Path

import pytest

from sealgate.adapters import profilestore
from sealgate.adapters.files import replace
from sealgate.adapters.profilestore import KeptProfile, KeptTable, digest_of, keep, kept, read
from sealgate.app.ports import PortError

TABLE = KeptTable("/etc/sealgate/senders", "logins", "EXAMPLE.TEST", "c3" * 32, b"alice alice@example.test\n")
OTHER = KeptProfile("other.yaml", "version: 1\n", (TABLE,))
PROFILE = KeptProfile("/etc/sealgate/profile.yaml", "version: 1\n# Grüße \U0001f4ec\n", (TABLE,))
A, B = digest_of(PROFILE), digest_of(OTHER)


def test_what_was_kept_is_read_back_by_any_beginning_of_its_digest(tmp_path: Path) -> None:
    assert keep(tmp_path, A, PROFILE, replace)
    keep(tmp_path, B, OTHER, replace)
    assert kept(tmp_path) == tuple(sorted((A, B)))
    for digest in (A, A[:12], A[:4]):
        assert read(tmp_path, digest) == PROFILE
    assert read(tmp_path, B) == OTHER


def test_what_is_there_is_never_written_again(tmp_path: Path) -> None:
    keep(tmp_path, A, PROFILE, replace)
    before = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in tmp_path.rglob("*") if path.is_file()}
    assert not keep(tmp_path, A, KeptProfile("x", "another text", ()), replace)
    assert {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in before} == before
    assert read(tmp_path, A) == PROFILE


def test_a_table_that_two_versions_share_is_kept_once(tmp_path: Path) -> None:
    keep(tmp_path, A, PROFILE, replace)
    keep(tmp_path, B, OTHER, replace)
    assert len(list((tmp_path / "profiles" / "tables").iterdir())) == 1
    assert read(tmp_path, B).tables == (TABLE,)


def test_only_its_owner_can_read_it(tmp_path: Path) -> None:
    old = os.umask(0)
    try:
        keep(tmp_path, A, PROFILE, replace)
    finally:
        os.umask(old)
    modes = {path.stat().st_mode & 0o777 for path in tmp_path.rglob("*") if path.is_file()}
    assert modes == {0o600}
    assert (tmp_path / "profiles" / "tables").stat().st_mode & 0o777 == 0o700


def test_a_table_of_17_megabytes_comes_back_octet_for_octet(tmp_path: Path) -> None:
    row = b"user%06d@EXAMPLE.TEST user%06d@example.test,sales%06d@lists.example.test\n"
    data = b"".join(row % (n, n, n) for n in range(230_000))
    assert len(data) > 17_000_000
    large = KeptProfile("p", "t", (KeptTable("f", "logins", "", "d4" * 32, data),))
    keep(tmp_path, digest_of(large), large, replace)
    assert read(tmp_path, digest_of(large)) == large


def test_what_unpacks_to_more_than_the_cap_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keep(tmp_path, A, PROFILE, replace)
    monkeypatch.setattr(profilestore, "MAX_OCTETS", 50)
    with pytest.raises(PortError, match="larger than 50"):
        read(tmp_path, A)


@pytest.mark.parametrize(
    "digest",
    ["", "../../etc/passwd", "A1", "a1/..", "a1.json.gz", "*", "a\n", "\0", "é", "a" * 65, "a1 ", "x" * 10_000],
)
def test_no_argument_leads_out_of_the_folder(tmp_path: Path, digest: str) -> None:
    keep(tmp_path, A, PROFILE, replace)
    with pytest.raises(PortError) as error:
        read(tmp_path, digest)
    assert len(str(error.value)) < 300
    assert "\n" not in str(error.value)
    assert "\0" not in str(error.value)


def test_a_beginning_that_several_have_is_refused(tmp_path: Path) -> None:
    keep(tmp_path, A, PROFILE, replace)
    keep(tmp_path, A[:2] + B[2:], OTHER, replace)
    with pytest.raises(PortError, match="more than one"):
        read(tmp_path, A[:2])
    assert read(tmp_path, A) == PROFILE


def test_nothing_kept_is_nothing_found(tmp_path: Path) -> None:
    assert kept(tmp_path) == ()
    with pytest.raises(PortError, match="no kept profile"):
        read(tmp_path, A)


@pytest.mark.parametrize(
    "octets",
    [
        b"",
        b"no gzip",
        gzip.compress(b"{}", mtime=0),
        gzip.compress(b"[]", mtime=0),
        gzip.compress(b"\xff", mtime=0),
        gzip.compress(b'{"file":"f","text":"t","tables":[1]}', mtime=0),
        gzip.compress(b'{"file":"f","text":"t","tables":[["a","b"]]}', mtime=0),
        gzip.compress(json.dumps({"file": "f", "text": "t", "tables": []}).encode(), mtime=0)[:-9],
        gzip.compress(b"[" * 100_000, mtime=0),
        gzip.compress(b'{"file":"f","text":"t","tables":[["p","logins","","../../../x","00"]]}', mtime=0),
        gzip.compress(b'{"file":"f","text":"another text","tables":[]}', mtime=0),
        gzip.compress(b'{"file":"f","text":"\\ud800","tables":[]}', mtime=0),
    ],
)
def test_a_damaged_file_is_named(tmp_path: Path, octets: bytes) -> None:
    keep(tmp_path, A, PROFILE, replace)
    path = tmp_path / "profiles" / f"{A}.json.gz"
    path.write_bytes(octets)
    with pytest.raises(PortError) as error:
        read(tmp_path, A)
    assert str(path) in str(error.value)


def test_a_table_that_was_changed_is_named(tmp_path: Path) -> None:
    keep(tmp_path, A, PROFILE, replace)
    path = tmp_path / "profiles" / "tables" / f"{TABLE.digest}.gz"
    path.write_bytes(gzip.compress(TABLE.data.replace(b"alice", b"mallory")))
    with pytest.raises(PortError, match="was changed") as error:
        read(tmp_path, A)
    assert str(path) in str(error.value)


def test_a_missing_table_is_named(tmp_path: Path) -> None:
    keep(tmp_path, A, PROFILE, replace)
    path = tmp_path / "profiles" / "tables" / f"{TABLE.digest}.gz"
    path.unlink()
    with pytest.raises(PortError) as error:
        read(tmp_path, A)
    assert str(path) in str(error.value)


def test_a_folder_that_cannot_be_written_is_a_port_error(tmp_path: Path) -> None:
    (tmp_path / "profiles").write_text("a file")
    for action in (lambda: keep(tmp_path, A, PROFILE, replace), lambda: kept(tmp_path)):
        with pytest.raises(PortError, match="profiles"):
            action()


def test_two_at_once_keep_one_whole_version(tmp_path: Path) -> None:
    keepers = [threading.Thread(target=keep, args=(tmp_path, A, PROFILE, replace)) for _ in range(8)]
    for keeper in keepers:
        keeper.start()
    for keeper in keepers:
        keeper.join()
    assert read(tmp_path, A) == PROFILE
    assert not [path for path in tmp_path.rglob(".*") if path.is_file()]
