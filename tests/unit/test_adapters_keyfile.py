"""Key files: who may write a step on the way, who may read the key, and what mends it."""

import grp
import os
import shutil
import signal
import socket
import stat
import struct
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from sealgate.adapters.keyfile import MAX_KEY, Account, read_key
from sealgate.adapters.keyfile.account import other_readers
from sealgate.app.ports import PortError

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="gives files to other accounts, which only root can")
OURS, EVE = 64_001, 64_002  # accounts without names
TEAM, CROWD = 64_010, 64_011  # a group we are in, and one we are not in
US: Final = Account(OURS, OURS, frozenset((OURS, TEAM)))
ROOT: Final = Account(0, 0, frozenset((0,)))


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that all accounts can enter, which pytest's own is not."""
    path = Path(tempfile.mkdtemp(prefix="sealgate-key-")).resolve()
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)


def put(path: Path, mode: int = 0o600, uid: int = -1, gid: int = -1, *, data: bytes = b"secret") -> Path:
    path.write_bytes(data)
    os.chown(path, uid, gid)
    path.chmod(mode)
    return path


def below(path: Path, mode: int = 0o755, uid: int = -1, gid: int = -1) -> Path:
    path.mkdir()
    os.chown(path, uid, gid)
    path.chmod(mode)  # mkdir's mode would be cut by the umask
    return path


def refusal(path: Path, account: Account | None = None) -> str:
    with pytest.raises(PortError) as caught:
        read_key(path, account)
    return str(caught.value)


def as_account(account: Account, path: Path) -> str:
    """What a process of that account gets: the key, or the refusal behind `!`."""
    reading, writing = os.pipe()
    if (child := os.fork()) == 0:
        text = "!died"
        try:
            os.setgroups(list(account.gids))
            os.setresgid(account.gid, account.gid, account.gid)
            os.setresuid(account.uid, account.uid, account.uid)
            text = read_key(path).decode()
        except PortError as error:
            text = f"!{error}"
        finally:
            os.write(writing, text.encode())
            os._exit(0)
    os.close(writing)
    os.waitpid(child, 0)
    with os.fdopen(reading, "rb") as pipe:
        return pipe.read().decode()


def acl(path: Path, *named: tuple[str, int, int], mask: int) -> None:
    """Give a file an ACL as setfacl(1) does: "u" or "g", number and bits. Its own group has nothing then."""
    mode, none = stat.S_IMODE(path.stat().st_mode), 0xFFFFFFFF
    users = [(2, bits, number) for kind, number, bits in named if kind == "u"]
    groups = [(8, bits, number) for kind, number, bits in named if kind == "g"]
    rows = [(1, mode >> 6, none), *users, (4, 0, none), *groups, (16, mask, none), (32, mode & 7, none)]
    raw = struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *row) for row in rows)
    try:
        os.setxattr(path, "system.posix_acl_access", raw)
    except OSError as error:
        pytest.skip(f"no ACLs on this file system: {error}")


# -- the file --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", [0o400, 0o600, 0o700])
def test_a_key_of_ours_is_read(folder: Path, mode: int) -> None:
    assert read_key(put(folder / "key.pem", mode)) == b"secret"


@pytest.mark.parametrize(
    ("mode", "why"),
    [
        (0o644, "can be read by others than its owner (mode 0644)"),
        (0o604, "can be read by others than its owner (mode 0604)"),
        (0o622, "can be written by everybody (mode 0622)"),
        (0o602, "can be written by everybody (mode 0602)"),
    ],
)
def test_a_key_of_ours_that_is_open_is_refused_with_the_command(folder: Path, mode: int, why: str) -> None:
    path = put(folder / "key.pem", mode)
    assert refusal(path) == f"{path} {why}: chmod 0600 {path}"
    path.chmod(0o444)
    assert refusal(path).endswith(f": chmod 0400 {path}")


@needs_root
@pytest.mark.parametrize(
    ("uid", "gid", "mode"),
    [
        (OURS, OURS, 0o600), (OURS, CROWD, 0o600), (OURS, CROWD, 0o400), (OURS, OURS, 0o640), (OURS, TEAM, 0o440),
        (0, TEAM, 0o640), (0, TEAM, 0o440), (0, OURS, 0o440),
    ],
)  # fmt: skip
def test_owner_and_groups_of_ours_may_read(folder: Path, uid: int, gid: int, mode: int) -> None:
    path = put(folder / "key.pem", mode, uid, gid)
    assert read_key(path, US) == b"secret"
    assert as_account(US, path) == "secret"


@needs_root
@pytest.mark.parametrize(
    ("uid", "gid", "mode", "why", "command"),
    [
        (OURS, CROWD, 0o640, "can be read by group 64011, in which uid 64001 is not (mode 0640)", "chmod 0600 {}"),
        (OURS, 0, 0o440, "can be read by group root, in which uid 64001 is not (mode 0440)", "chmod 0400 {}"),
        (OURS, OURS, 0o660, "can be written by group 64001 (mode 0660)", "chmod 0600 {}"),
        (0, TEAM, 0o660, "can be written by group 64010 (mode 0660)", "chmod 0640 {}"),
        (0, TEAM, 0o644, "can be read by others than its owner (mode 0644)", "chmod 0640 {}"),
        (0, 0, 0o644, "can be read by others than its owner (mode 0644)", "chown 64001 {} && chmod 0600 {}"),
        (EVE, OURS, 0o640, "belongs to uid 64002, who can read and replace it", "chown 64001 {} && chmod 0600 {}"),
        (EVE, EVE, 0o604, "belongs to uid 64002, who can read and replace it", "chown 64001 {} && chmod 0600 {}"),
    ],
)
def test_what_others_can_read_or_write_is_refused(
    folder: Path, uid: int, gid: int, mode: int, why: str, command: str
) -> None:
    path = put(folder / "key.pem", mode, uid, gid)
    told = f"{path} {why}: {command.replace('{}', str(path))}"
    assert refusal(path, US) == told
    assert as_account(US, path) == f"!{told}"


@needs_root
@pytest.mark.parametrize(("uid", "gid", "mode"), [(0, 0, 0o600), (0, CROWD, 0o400), (0, TEAM, 0o600)])
def test_what_its_account_cannot_read_is_told_to_root_as_to_that_account(
    folder: Path, uid: int, gid: int, mode: int
) -> None:
    path = put(folder / "key.pem", mode, uid, gid)
    group = grp.getgrgid(gid).gr_name if gid == 0 else gid
    told = (
        f"{path} cannot be read by uid 64001: it belongs to root (uid 0) and group {group}, mode {mode:04o}: "
        f"chown 64001 {path} && chmod 0600 {path}"
    )
    assert refusal(path, US) == told
    assert as_account(US, path) == f"!{told}"


@needs_root
def test_root_takes_no_key_of_another_for_its_own(folder: Path) -> None:
    path = put(folder / "key.pem", 0o600, OURS, OURS)
    assert "belongs to uid 64001" in refusal(path, ROOT)


@needs_root
def test_the_commands_mend_what_they_are_printed_for(folder: Path) -> None:
    """From the worst there is, each command is run as printed until the key can be used."""
    keys = below(below(folder / "a b", 0o777, EVE) / "keys", 0o2777, EVE, CROWD)
    path = put(keys / "key.pem", 0o666, EVE, CROWD)
    link = folder / "key.pem"
    link.symlink_to(path)
    seen = []
    while (told := as_account(US, link)).startswith("!"):
        seen.append(told)
        assert len(seen) < 9, seen
        subprocess.run(told.rpartition(": ")[2], shell=True, check=True)
    assert told == "secret"
    assert len(seen) == 5  # two folders, each for its owner and its mode, and the file


# -- directories -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mode", "who", "bits"), [(0o775, "group", "g"), (0o757, "everybody", "o"), (0o777, "everybody", "go")]
)
def test_a_directory_that_others_can_write_is_refused_with_its_own_command(
    folder: Path, mode: int, who: str, bits: str
) -> None:
    above = below(folder / "above")
    path = put(below(above / "keys") / "key.pem")
    above.chmod(mode)
    told = refusal(path)
    assert told.startswith(f"{path}: {above} can be written by {who}")
    assert told.endswith(f", who could put another key in place: chmod {bits}-w {above}")
    above.chmod(0o755)
    assert read_key(path) == b"secret"


@needs_root
def test_a_directory_of_another_is_refused_with_its_own_command(folder: Path) -> None:
    above = below(folder / "above", 0o755, EVE, EVE)
    path = put(below(above / "keys", 0o755, OURS) / "key.pem", 0o600, OURS)
    why = "belongs to uid 64002, who could put another key in place"
    assert refusal(path, US) == f"{path}: {above} {why}: chown root {above}"
    os.chown(above, 0, EVE)
    assert read_key(path, US) == b"secret"


@needs_root
@pytest.mark.parametrize("mode", [0o1777, 0o1775, 0o3777, 0o1757])
def test_in_a_sticky_directory_what_is_ours_or_of_root_is_safe(folder: Path, mode: int) -> None:
    sticky = below(folder / "sticky", mode, 0, CROWD)
    for name, uid in (("ours", OURS), ("roots", 0)):
        path = put(below(sticky / name, 0o755, uid) / "key.pem", 0o600, OURS)
        assert read_key(path, US) == b"secret"
    assert read_key(put(sticky / "key.pem", 0o600, OURS), US) == b"secret"


@needs_root
def test_in_a_sticky_directory_what_is_of_another_could_be_anything(folder: Path) -> None:
    sticky = below(folder / "sticky", 0o1777)
    directory = below(sticky / "keys", 0o755, EVE)
    key, link = put(directory / "key.pem", 0o600, OURS), sticky / "link.pem"
    link.symlink_to(put(folder / "good.pem", 0o600, OURS))
    os.lchown(link, EVE, EVE)
    why = "belongs to uid 64002 and lies where others may write, so it could be any key"
    assert refusal(key, US) == f"{key}: {directory} {why}: chown -h 64001 {directory}"
    assert refusal(link, US) == f"{link} {why}: chown -h 64001 {link}"
    os.lchown(link, OURS, OURS)
    assert read_key(link, US) == b"secret"
    sticky.chmod(0o755)
    os.lchown(link, EVE, EVE)
    assert read_key(link, US) == b"secret"  # nobody but root could exchange it, and a link cannot be changed


@needs_root
def test_the_owner_of_a_sticky_directory_may_exchange_all_in_it(folder: Path) -> None:
    sticky = below(folder / "sticky", 0o1777, EVE)
    assert f": chown root {sticky}" in refusal(put(sticky / "key.pem", 0o600, OURS), US)


@needs_root
def test_a_directory_that_does_not_let_its_account_through_is_named(folder: Path) -> None:
    above = below(folder / "above", 0o700)
    path = put(above / "key.pem", 0o600, OURS)
    told = f"{path}: {above} does not let uid 64001 through: it belongs to root (uid 0) and group "
    for mode, gid, group, command in (
        (0o700, 0, "root", f"chgrp 64001 {above} && chmod g+x {above}"),
        (0o700, TEAM, "64010", f"chmod g+x {above}"),
    ):
        os.chown(above, 0, gid)
        above.chmod(mode)
        expected = f"{told}{group}, mode {mode:04o}: {command}"
        assert refusal(path, US) == expected
        assert as_account(US, path) == f"!{expected}"
    above.chmod(0o710)
    assert read_key(path, US) == b"secret"
    assert as_account(US, path) == "secret"


@needs_root
def test_a_directory_need_not_be_listed_to_be_judged(folder: Path) -> None:
    above = below(folder / "above", 0o711)
    assert as_account(US, put(above / "key.pem", 0o600, OURS)) == "secret"


# -- links -----------------------------------------------------------------------------------------------------------


def test_links_are_followed_and_the_way_to_their_target_is_judged(folder: Path) -> None:
    real = below(below(folder / "real") / "deep")
    put(real / "key.pem")
    links = below(folder / "links")
    for name, target in (
        ("absolute", f"{real}/key.pem"),
        ("relative", "../real/deep/key.pem"),
        ("winding", "../links/./../real//deep/../deep/key.pem"),
        ("directory", "../real/deep"),
    ):
        (links / name).symlink_to(target)
    ways = [links / name for name in ("absolute", "relative", "winding", "directory/key.pem")]
    assert [read_key(way) for way in ways] == [b"secret"] * 4
    real.chmod(0o777)
    for way in ways:
        assert refusal(way).startswith(f"{way}: {real} can be written by everybody")
        assert refusal(way).endswith(f": chmod go-w {real}")


def test_links_that_lead_nowhere_end(folder: Path) -> None:
    ring, torn = folder / "ring", folder / "torn"
    ring.symlink_to("ring")
    torn.symlink_to("gone/key.pem")
    assert refusal(ring).startswith(f"{ring} is link number 41: ")
    assert refusal(torn) == f"{torn}: No such file or directory ({folder}/gone is missing)"


def test_a_relative_path_starts_where_we_are(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(folder / "key.pem")
    monkeypatch.chdir(folder)
    assert read_key(Path("key.pem")) == b"secret"
    folder.chmod(0o777)
    assert f"chmod go-w {folder}" in refusal(Path("key.pem"))


# -- what is no key file ---------------------------------------------------------------------------------------------


def test_what_is_no_regular_file_is_refused_without_waiting(folder: Path) -> None:
    os.mkfifo(folder / "fifo", 0o600)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(folder / "socket"))
    below(folder / "folder")
    signal.alarm(10)  # a FIFO without a writer would hold us for ever
    try:
        for kind, name in (("FIFO", "fifo"), ("socket", "socket"), ("directory", "folder")):
            told = refusal(folder / name)
            assert told == f"{folder / name} is a {kind}, not a regular file: name the file that holds the key"
        assert refusal(Path("/dev/null")).startswith("/dev/null is a device, not a regular file")
        assert refusal(Path("/")).startswith("/ is a directory")
        assert refusal(folder / "fifo" / "key.pem").startswith(
            f"{folder}/fifo/key.pem: {folder}/fifo is a FIFO, not a directory"
        )
    finally:
        signal.alarm(0)
        listener.close()


def test_a_missing_key_has_its_cause_and_names_the_first_step_that_is_missing(folder: Path) -> None:
    path = folder / "key.pem"
    with pytest.raises(PortError) as caught:
        read_key(path)
    assert str(caught.value) == f"{path}: No such file or directory"
    assert isinstance(caught.value.__cause__, FileNotFoundError)
    deep = folder / "gone" / "further" / "key.pem"
    assert refusal(deep) == f"{deep}: No such file or directory ({folder}/gone is missing)"


def test_a_file_too_large_for_a_key_is_refused(folder: Path) -> None:
    path = put(folder / "key.pem", data=b"x" * MAX_KEY)
    assert len(read_key(path)) == MAX_KEY
    path.write_bytes(b"x" * (MAX_KEY + 1))
    assert f"is larger than {MAX_KEY} octets" in refusal(path)
    path.write_bytes(b"x" * 10_000_000)
    assert f"is larger than {MAX_KEY} octets" in refusal(path)


@pytest.mark.parametrize("name", ["a\0b", "\ud800", "x" * 300, "y/" * 3000])
def test_what_is_no_path_is_refused(folder: Path, name: str) -> None:
    assert refusal(folder / name)


def test_names_can_neither_command_a_terminal_nor_break_a_command(folder: Path) -> None:
    odd = below(folder / "\x1b[2J; rm -r '$HOME'\n")
    path = put(odd / "key.pem")
    odd.chmod(0o777)
    told = refusal(path)
    assert told.isprintable()
    plain = below(folder / "it's; here")
    put(plain / "key.pem", 0o666)
    command = refusal(plain / "key.pem").rpartition(": ")[2]
    subprocess.run(command, shell=True, check=True)
    assert read_key(plain / "key.pem") == b"secret"


# -- races -----------------------------------------------------------------------------------------------------------


def at_open(monkeypatch: pytest.MonkeyPatch, name: str, when: int, do: Callable[[], Any]) -> None:
    """Do something just before the `when`-th time that an entry of that name is opened."""
    real, seen = os.open, [0]

    def opened(path: Any, flags: int, *args: Any, **more: Any) -> int:
        if path == name:
            seen[0] += 1
            if seen[0] == when:
                do()
        return real(path, flags, *args, **more)

    monkeypatch.setattr(os, "open", opened)


@pytest.mark.parametrize("when", [1, 2])
def test_a_directory_that_becomes_a_link_under_way_changes_nothing(
    folder: Path, monkeypatch: pytest.MonkeyPatch, when: int
) -> None:
    keys, evil = below(folder / "keys"), below(folder / "evil")
    path = put(keys / "key.pem")
    put(evil / "key.pem", data=b"of another")

    def swap() -> None:
        keys.rename(folder / "keys.old")
        keys.symlink_to(evil)

    at_open(monkeypatch, "key.pem", when, swap)
    assert read_key(path) == b"secret"
    assert read_key(path) == b"of another"  # the swap took place


@pytest.mark.parametrize("kind", ["file", "link", "fifo"])
def test_a_file_that_is_exchanged_between_look_and_open_is_refused(
    folder: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    path, other = put(folder / "key.pem"), put(folder / "other.pem", data=b"of another")

    def swap() -> None:
        if kind == "file":
            other.replace(path)
            return
        path.unlink()
        path.symlink_to(other) if kind == "link" else os.mkfifo(path, 0o600)

    at_open(monkeypatch, "key.pem", 2, swap)
    signal.alarm(10)
    try:
        told = refusal(path)
    finally:
        signal.alarm(0)
    assert ("symbolic links" if kind == "link" else "was replaced while it was read") in told


def test_no_descriptor_is_left_open(folder: Path) -> None:
    path = put(below(folder / "keys") / "key.pem")
    (folder / "link").symlink_to(path)
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(3):
        read_key(folder / "link")
        refusal(folder / "keys")
        refusal(folder / "gone" / "key.pem")
    assert len(os.listdir("/proc/self/fd")) == before


# -- ACLs and credentials of systemd ---------------------------------------------------------------------------------


@needs_root
def test_a_credential_with_an_acl_is_read(folder: Path) -> None:
    """As systemd 254 makes it: all is root's, the user comes in by an ACL, whose mask shows as the group's bits."""
    unit = below(below(folder / "credentials") / "sealgate.service", 0o500)
    path = put(unit / "key", 0o400)
    acl(unit, ("u", OURS, 5), mask=5)
    acl(path, ("u", OURS, 4), mask=4)
    assert [stat.S_IMODE(p.stat().st_mode) for p in (unit, path)] == [0o550, 0o440]
    assert read_key(path, US) == b"secret"
    assert as_account(US, path) == "secret"
    eve = Account(EVE, EVE, frozenset((EVE,)))
    assert f"{unit} does not let uid 64002 through" in as_account(eve, path)
    assert f"{unit} does not let uid 64002 through" in refusal(path, eve)


@needs_root
def test_a_credential_of_ours_is_read(folder: Path) -> None:
    """As systemd makes it without ACLs, such as on ramfs: all is the user's, and read-only."""
    unit = below(below(folder / "credentials") / "sealgate.service", 0o500, OURS, OURS)
    path = put(unit / "key", 0o400, OURS, OURS)
    assert read_key(path, US) == b"secret"
    assert as_account(US, path) == "secret"


@needs_root
def test_an_acl_for_another_is_refused_with_its_own_command(folder: Path) -> None:
    path = put(folder / "key.pem", 0o600, OURS)
    acl(path, ("u", EVE, 4), mask=4)
    assert refusal(path, US) == f"{path} can be read by uid 64002 through its ACL: setfacl -x u:64002 {path}"
    acl(path, ("g", CROWD, 4), mask=4)
    why = "can be read by group 64011, in which uid 64001 is not (mode 0640)"
    assert refusal(path, US) == f"{path} {why}: setfacl -x g:64011 {path}"
    acl(path, ("u", OURS, 6), mask=6)
    assert refusal(path, US).endswith(f": chmod 0600 {path}")
    for harmless in (("u", EVE, 0), ("g", CROWD, 0), ("u", 0, 4), ("g", TEAM, 4)):
        acl(path, harmless, mask=4)
        assert read_key(path, US) == b"secret"
    acl(path, ("u", EVE, 4), mask=4)
    path.chmod(0o600)  # takes the mask away, and with it all that is named
    assert read_key(path, US) == b"secret"


# -- Secrets of Kubernetes -------------------------------------------------------------------------------------------


def secret(folder: Path, *, fs_group: int = 0, mode: int = 0o644, data: bytes = b"secret") -> Path:
    """A volume as kubelet makes it: tmpfs of mode 1777, and with fsGroup 3777; what is in it is linked twice.

    AtomicWriter gives the dated folder 0755 and files `defaultMode`; an fsGroup adds setgid and its group's reading.
    """
    volume = below(folder / "volume", 0o3777 if fs_group else 0o1777, 0, fs_group)
    dated(volume, "..2026_11_21_08_00_00.1", fs_group=fs_group, mode=mode, data=data)
    (volume / "..data").symlink_to("..2026_11_21_08_00_00.1")
    (volume / "key.pem").symlink_to("..data/key.pem")
    for link in ("..data", "key.pem"):
        os.lchown(volume / link, 0, fs_group)
    return volume / "key.pem"


def dated(volume: Path, name: str, *, fs_group: int, mode: int, data: bytes) -> None:
    folder = below(volume / name, 0o2755 if fs_group else 0o755, 0, fs_group)
    put(folder / "key.pem", mode | 0o440 if fs_group else mode, 0, fs_group, data=data)


@needs_root
def test_a_secret_with_fs_group_is_read(folder: Path) -> None:
    path = secret(folder, fs_group=TEAM, mode=0o400)
    assert stat.S_IMODE(path.stat().st_mode) == 0o440
    assert read_key(path, US) == b"secret"
    assert as_account(US, path) == "secret"


@needs_root
def test_a_secret_is_read_by_root_without_fs_group(folder: Path) -> None:
    assert read_key(secret(folder, mode=0o400), ROOT) == b"secret"


@needs_root
def test_a_secret_that_all_can_read_is_told_with_the_line_for_the_pod(folder: Path) -> None:
    path = secret(folder, fs_group=TEAM)
    real = path.resolve()
    line = "write `defaultMode: 0400` at the volume's `secret` in the pod"
    assert refusal(path, US) == f"{path}: {real} can be read by others than its owner (mode 0644): {line}"


@needs_root
def test_a_secret_without_fs_group_is_told_with_the_line_for_the_pod(folder: Path) -> None:
    path = secret(folder, mode=0o400)
    told = (
        f"{path}: {path.resolve()} cannot be read by uid 64001: it belongs to root (uid 0) and group root, mode 0400: "
        "write `fsGroup: 64001` at the pod's `securityContext`"
    )
    assert refusal(path, US) == told
    assert as_account(US, path) == f"!{told}"


@needs_root
@pytest.mark.parametrize(("mode", "bits"), [(0o2777, "go"), (0o2775, "g"), (0o777, "go")])
def test_a_volume_that_others_could_exchange_is_no_secret(folder: Path, mode: int, bits: str) -> None:
    """What looks like a Secret and lacks kubelet's sticky bit is a copy that the group can change."""
    path = secret(folder, fs_group=TEAM, mode=0o400)
    path.parent.chmod(mode)
    assert refusal(path, US).endswith(f": chmod {bits}-w {path.parent}")


@needs_root
@pytest.mark.parametrize("step", ["key.pem", "..data", "..2026_11_21_08_00_00.1"])
def test_a_step_of_another_in_the_volume_is_refused(folder: Path, step: str) -> None:
    path = secret(folder, fs_group=TEAM, mode=0o400)
    os.lchown(path.parent / step, EVE, -1)
    assert f"{path.parent / step} belongs to uid 64002" in refusal(path, US)


@needs_root
def test_a_new_secret_takes_the_place_of_the_old(folder: Path) -> None:
    path = secret(folder, fs_group=TEAM, mode=0o400)
    volume = path.parent
    dated(volume, "..2026_11_22_08_00_00.2", fs_group=TEAM, mode=0o400, data=b"newer")
    (volume / "..data_tmp").symlink_to("..2026_11_22_08_00_00.2")
    (volume / "..data_tmp").rename(volume / "..data")
    assert read_key(path, US) == b"newer"


# -- accounts --------------------------------------------------------------------------------------------------------


def test_the_account_of_the_process_has_its_groups() -> None:
    ours = Account.of_process()
    assert (ours.uid, ours.gid) == (os.geteuid(), os.getegid())
    assert ours.gids >= {os.getegid()}


@needs_root
def test_the_account_of_a_folder_is_its_owner(folder: Path) -> None:
    assert Account.of_owner(folder / "missing") == Account.of_process()
    assert Account.of_owner(folder) == Account.of_process()
    assert Account.of_owner(below(folder / "a", 0o755, OURS, TEAM)) == Account(OURS, TEAM, frozenset((TEAM,)))
    daemon = Account.of_owner(below(folder / "b", 0o755, 1, CROWD))
    assert (daemon.uid, CROWD in daemon.gids) == (1, False)
    assert daemon.gid in daemon.gids


@needs_root
def test_a_group_that_cannot_be_told_from_others_is_not_ours(folder: Path) -> None:
    """In a user namespace, as PrivateUsers=yes makes one, each group that is not mapped has the number of nobody's."""
    path = put(folder / "key.pem", 0o640, 0, TEAM)
    ours = put(folder / "ours.pem", 0o640, 0, 0)
    code = (
        "import sys; from pathlib import Path; from sealgate.adapters.keyfile import read_key\n"
        "from sealgate.app.ports import PortError\n"
        "for name in sys.argv[1:]:\n"
        "    try: print(read_key(Path(name)).decode())\n"
        "    except PortError as error: print(error)\n"
    )
    python = [sys.executable, "-c", code, str(ours), str(path)]
    done = subprocess.run(
        ["unshare", "--user", "--map-root-user", *python],
        capture_output=True, text=True, check=False, extra_groups=[TEAM],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2] / "milter")},
    )  # fmt: skip
    if "unshare failed" in done.stderr:
        pytest.skip(done.stderr.strip())
    read, refused = done.stdout.splitlines()
    assert read == "secret"
    assert "in which root (uid 0) is not" in refused


@needs_root
def test_others_in_the_group_of_a_key_are_told(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = put(folder / "key.pem", 0o640, 0, TEAM)
    assert other_readers(path, US) == ()
    team = grp.struct_group(("team", "x", TEAM, ["root", "postfix", "64001"]))
    monkeypatch.setattr(grp, "getgrgid", lambda gid: team if gid == TEAM else grp.struct_group(("x", "x", gid, [])))
    assert other_readers(path, US) == ("postfix",)
    path.chmod(0o600)
    assert other_readers(path, US) == ()
    assert other_readers(folder / "missing", US) == ()
    os.chown(path, 0, 65_534)
    path.chmod(0o640)
    assert "nobody" in other_readers(path, Account(OURS, 65_534, frozenset((65_534,))))  # by its primary group
