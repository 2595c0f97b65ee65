"""What postconf printed and what sendmail.cf says are read, and no text of theirs is a failure."""

import shlex
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealgate.doctor import postconf, sendmailcf
from sealgate.doctor.catalogue import examine
from sealgate.doctor.finding import Level
from sealgate.doctor.host import Daemon
from sealgate.doctor.milterlist import Milter, is_ours, milters, opened, ours_for
from sealgate.doctor.paste import in_main, in_service, listed, reload_command
from sealgate.doctor.rules_protocol import seconds
from sealgate.profile.settings import parse_socket
from tests.lab.sendmail import SendmailUnavailable, made_cf, sendmail_mc
from tests.unit.doctored import MAIN, MASTER, OVERRIDES, SENDMAIL_CF, host, postfix, profile, sendmail_host

# -- lists of milters --------------------------------------------------------------------------------------------------


def test_a_list_is_taken_apart_at_blanks_and_commas_and_braces() -> None:
    found = milters("inet:a:1, unix:b  {inet:c:2, default_action=accept,command_timeout = 3s} ,unix:d")
    assert [each.socket for each in found] == ["inet:a:1", "unix:b", "inet:c:2", "unix:d"]
    assert dict(found[2].own) == {"default_action": "accept", "command_timeout": "3s"}
    assert milters(listed(found)) == found
    assert milters("") == ()


def test_a_path_is_where_the_daemon_opens_it() -> None:
    here = postfix()
    submission = here.services[1]
    assert here.is_chrooted(submission)
    free = replace(submission, chroot="n")
    for path, service, seen in (
        ("unix:a/b", submission, "/var/spool/postfix/a/b"),
        ("unix:a/b", free, "/var/spool/postfix/a/b"),
        ("unix:/run/b", submission, "/var/spool/postfix/run/b"),
        ("unix:/run/b", free, "/run/b"),
        ("inet:a:1", free, ""),
    ):
        assert opened(Milter(path), here, service) == seen


def test_our_socket_is_known_in_every_spelling_and_another_is_not() -> None:
    here, ours = postfix(), parse_socket("inet:8894@127.0.0.1")
    assert all(is_ours(Milter(text), ours, here, None) for text in ("inet:127.0.0.1:8894", "inet:localhost:8894"))
    assert not any(
        is_ours(Milter(text), ours, here, None)
        for text in ("inet:127.0.0.1:8891", "inet:192.0.2.1:8894", "unix:a", "?")
    )
    ours = parse_socket("unix:/run/sealgate/sealgate.sock")
    assert all(is_ours(Milter(f"unix:{path}"), ours, here, None) for path in (ours.path, "sealgate/sealgate.sock"))
    assert not is_ours(Milter("unix:/run/rspamd/milter.sock"), parse_socket("unix:/run/x/milter.sock"), here, None)
    assert not is_ours(Milter("inet:localhost:8894"), ours, here, None)
    assert ours_for(here, ours) == "unix:/run/sealgate/sealgate.sock"
    assert ours_for(here, parse_socket("unix:/var/spool/postfix/a/b")) == "unix:a/b"


def test_commands_are_quoted_and_a_value_with_blanks_goes_by_main_cf() -> None:
    here = postfix()
    service = here.services[1]
    assert in_service(here, service, "a", "x") == ("postconf -c /etc/lab -P submission/inet/a=x",)
    first, second = in_service(here, service, "a", "{ x }")
    assert shlex.split(first) == ["postconf", "-c", "/etc/lab", "-e", "submission_a = { x }"]
    assert shlex.split(second)[-1] == "submission/inet/a=$submission_a"
    odd = replace(service, name="127.0.0.1:587")
    assert in_service(here, odd, "a", "x y")[0] == "postconf -c /etc/lab -e 'port_127_0_0_1_587_a = x y'"
    assert shlex.split(in_main(here, "a", "b'; rm -rf /'"))[-1] == "a = b'; rm -rf /'"
    usual = replace(here, is_default=True)
    assert (in_main(usual, "a", ""), reload_command(usual)) == ("postconf -e 'a ='", "postfix reload")


def test_times_are_seconds() -> None:
    assert [seconds(each) for each in ("30s", "5m", "1h", "7", " 2d ", "x", "-1", "9" * 30)] == [
        30, 300, 3600, 7, 172_800, -1, -1, -1,
    ]  # fmt: skip


# -- sendmail.cf -------------------------------------------------------------------------------------------------------


def test_filters_listeners_and_options_of_sendmail_are_read() -> None:
    found = sendmailcf.read(SENDMAIL_CF, "x")
    assert found.version == "8.17.1.9"
    assert found.daemons == (
        Daemon("MTA-v4", "smtp", "", ("spam",)), Daemon("submission", "submission", "Ea", ("spam", "sealgate")),
    )  # fmt: skip
    spam, ours = found.filters
    assert (spam.name, ours.socket, ours.flag) == ("spam", "local:/run/sealgate/sealgate.sock", "T")
    assert dict(ours.timeouts) == {"S": "30s", "R": "30s", "E": "5m"}
    assert found.asked == ("spam",)
    assert found.options["authmechanisms"] == "GSSAPI PLAIN"


def test_the_sendmail_guide_leaves_the_doctor_nothing_to_say(tmp_path: Path) -> None:
    mc = tmp_path / "sendmail.mc"
    mc.write_text(sendmail_mc(tmp_path, "unix:/run/sealgate/sealgate.sock", (587, 25, 2525)))
    try:
        text = made_cf(mc).decode()
    except SendmailUnavailable as reason:
        pytest.skip(str(reason))
    usual = sendmail_host(text)
    here = replace(usual, gate=replace(usual.gate, profile=profile(listeners=", smtpd: pass")))
    found = [each for each in examine(here) if each.code.startswith("sendmail.")]
    assert {each.level for each in found} == {Level.FINE}, found
    assert len({each.code for each in found}) == 8


# -- nothing fails -----------------------------------------------------------------------------------------------------

LINES = st.lists(
    st.one_of(
        st.text(max_size=60),
        st.sampled_from([*MAIN.splitlines(), *MASTER.splitlines(), *OVERRIDES.splitlines(), *SENDMAIL_CF.splitlines()]),
        st.tuples(st.sampled_from([each.partition(" ")[0] for each in MAIN.splitlines()]), st.text(max_size=40)).map(
            " = ".join
        ),
        st.tuples(st.sampled_from(["submission/inet/smtpd_milters", "smtp/inet/smtpd_milters", "a/b/c"]),
                  st.text("{}, =:/abu%$\t'\"\\", max_size=40)).map(" = ".join),
    ),
    max_size=30,
).map("\n".join)  # fmt: skip


@given(LINES, LINES, LINES)
def test_no_text_of_postconf_is_a_failure(main: str, listed_services: str, overrides: str) -> None:
    found = postconf.read(main, f"{listed_services}\n{MASTER}", overrides)
    for finding in examine(host(postfix=found)):
        assert all("\n" not in line for line in finding.paste)
        for line in finding.paste:
            if not line.startswith("#"):
                assert shlex.split(line)[0] in ("postconf", "mkdir", "echo", "usermod", "chgrp", "chmod")


@given(LINES)
def test_no_text_of_sendmail_cf_is_a_failure(text: str) -> None:
    for finding in examine(replace(sendmail_host(), sendmail=sendmailcf.read(f"{text}\n{SENDMAIL_CF}", "x"))):
        assert all(line.startswith("#") for line in finding.paste if "sendmail" in finding.code)


@given(st.text("{}, =:/abu\t\n", max_size=80))
def test_no_list_of_milters_is_a_failure(text: str) -> None:
    assert all(each.socket for each in milters(text))
