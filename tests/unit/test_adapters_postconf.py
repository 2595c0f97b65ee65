"""The doctor's view of an MTA is asked from postconf and read from files, and nothing is taken for granted."""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from sealgate.adapters.machine import clock, room
from sealgate.adapters.postconf import MAX_FILE, read_postfix, read_sasl, read_sendmail
from sealgate.app.ports import PortError
from tests.unit.doctored import MAIN, MASTER, OVERRIDES, SENDMAIL_CF, postfix


def asked(*arguments: str) -> str:
    assert arguments[0] == "postconf"
    return MASTER if "-M" in arguments else OVERRIDES if "-P" in arguments else MAIN


def test_postfix_is_what_postconf_says() -> None:
    found = read_postfix(asked, "/etc/lab")
    assert (found.folder, found.is_default, found.version) == ("/etc/lab", False, (3, 7))
    assert [each.label for each in found.services][:3] == ["smtp/inet", "submission/inet", "submissions/inet"]
    submission = found.services[1]
    assert found.of(submission, "smtpd_milters") == "unix:sealgate/sealgate.sock"
    assert found.of(found.services[0], "smtpd_milters") == ""
    assert found.of(submission, "milter_protocol") == "6"
    usual = read_postfix(asked)
    assert (usual.folder, usual.is_default) == ("/etc/postfix", True)


def test_sendmail_is_what_its_file_says(tmp_path: Path) -> None:
    file = tmp_path / "sendmail.cf"
    file.write_text(SENDMAIL_CF)
    assert read_sendmail(str(file)) == read_sendmail(str(tmp_path))
    assert len(read_sendmail(str(file)).filters) == 2
    with pytest.raises(FileNotFoundError):
        read_sendmail(str(tmp_path / "other"))
    with file.open("r+b") as huge:
        huge.truncate(MAX_FILE + 1)
    with pytest.raises(PortError, match="more than"):
        read_sendmail(str(file))


@pytest.mark.parametrize(
    ("text", "there", "mechanisms"),
    [("mech_list: GSSAPI PLAIN\n", True, ("GSSAPI", "PLAIN")), ("keytab: /x\n", True, None), (None, False, None)],
)
def test_what_cyrus_reads_is_looked_at(
    tmp_path: Path, text: str | None, there: bool, mechanisms: tuple[str, ...] | None
) -> None:
    if text is not None:
        (tmp_path / "smtpd.conf").write_text(text)
    found = read_sasl(postfix({"cyrus_sasl_config_path": str(tmp_path)}))["cyrus:smtpd"]
    assert (found.file, found.is_there, found.mechanisms) == (f"{tmp_path}/smtpd.conf", there, mechanisms)


def test_dovecots_socket_lies_in_the_queue_folder(tmp_path: Path) -> None:
    main = {"queue_directory": str(tmp_path), "smtpd_sasl_type": "dovecot", "smtpd_sasl_path": "private/auth"}
    here = postfix(main)
    assert read_sasl(here)["dovecot:private/auth"].is_there is False
    (tmp_path / "private").mkdir()
    (tmp_path / "private" / "auth").touch()
    assert read_sasl(here)["dovecot:private/auth"].is_there is True
    absolute = postfix({**main, "smtpd_sasl_path": "unix:/private/auth"})
    assert read_sasl(absolute)["dovecot:unix:/private/auth"].is_there is True, "the chroot's root is the queue folder"
    free = replace(absolute, services=tuple(replace(each, chroot="n") for each in absolute.services))
    assert read_sasl(free)["dovecot:unix:/private/auth"].file == "/private/auth"
    assert read_sasl(postfix({**main, "smtpd_sasl_path": "inet:127.0.0.1:1"})) == {}


def test_room_and_clock_are_the_hosts(tmp_path: Path) -> None:
    found = room(tmp_path)
    assert found is not None
    assert 0 < found.free <= found.size
    assert room(tmp_path / "none") is None
    (tmp_path / "old").touch()
    (tmp_path / "new").touch()
    os.utime(tmp_path / "new", (2e9, 2e9))
    seen = clock(1e9, (tmp_path / "old", tmp_path / "new", tmp_path / "none"))
    assert (seen.now, seen.newest, seen.newest_file) == (1e9, 2e9, f"{tmp_path}/new")
    assert seen.is_kept in (True, False, None)
