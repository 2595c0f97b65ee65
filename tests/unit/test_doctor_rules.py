"""Each rule of the doctor fires on the mistake it is for, is silent on a host in health, and says what to paste."""

from dataclasses import replace
from typing import Any

import pytest

from sealgate.doctor.catalogue import RULES, examine
from sealgate.doctor.finding import Finding, Level
from sealgate.doctor.host import Host, Sasl, Step, Tried
from sealgate.doctor.ours import Clock, GateState, Key, Room
from sealgate.profile.model import Problem
from tests.unit.doctored import (
    FOLDER,
    SENDMAIL_CF,
    SOCKET,
    gate,
    host,
    postfix,
    profile,
    reach,
    sendmail_host,
    settings,
    steps,
)

POSTCONF = f"postconf -c {FOLDER}"
WRONG, WARNING, UNKNOWN = Level.WRONG, Level.WARNING, Level.UNKNOWN


def with_main(_overrides: str = "", _version: str = "", _master: str = "", **main: str) -> Host:
    return host(postfix=postfix(main, _overrides, _master, _version))


def submission(name: str, value: str) -> Host:
    """The submission service with one parameter of its own changed."""
    return with_main(f"submission/inet/{name} = {value}\n")


def with_gate(**changes: Any) -> Host:
    return host(gate=gate(**changes))


def with_cf(old: str, new: str) -> Host:
    assert old in SENDMAIL_CF
    return sendmail_host(SENDMAIL_CF.replace(old, new))


def in_run() -> Host:
    """The gate listens outside of the chroot in which smtpd looks for it."""
    return with_gate(settings=settings("socket: unix:/run/sealgate/sealgate.sock\n"))


FIX_MILTERS = f"{POSTCONF} -P submission/inet/smtpd_milters="

# code, level, host, a line to paste (its beginning)
CASES: list[tuple[str, Level, Host, str]] = [
    ("socket.chroot", WRONG, in_run(), f"{POSTCONF} -P submission/inet/smtpd_milters=unix:/run/sealgate/sealgate.sock"),
    ("socket.chroot", WRONG, in_run(), f"{POSTCONF} -F submission/inet/chroot=n"),
    ("socket.chroot", WRONG, in_run(), f"{POSTCONF} -F cleanup/unix/chroot=n"),
    (
        "socket.chroot",
        WRONG,
        submission("smtpd_milters", f"unix:{SOCKET}"),
        f"{FIX_MILTERS}unix:sealgate/sealgate.sock",
    ),
    (
        "socket.permissions",
        WRONG,
        host(reaches=(reach(steps=steps(Step(SOCKET, "socket", 0o600, "sealgate", "postfix", False))),)),
        f"chmod g+rw {SOCKET}",
    ),
    (
        "socket.permissions",
        WRONG,
        host(reaches=(reach(steps=steps(Step(SOCKET, "socket", 0o660, "sealgate", "sealgate", False))),)),
        "usermod -a -G sealgate postfix",
    ),
    (
        "socket.permissions",
        WRONG,
        host(reaches=(reach(steps=(Step("/run/a b", "folder", 0o700, "root", "root", False),)),)),
        "chgrp postfix '/run/a b'",
    ),
    ("socket.permissions", WRONG, host(reaches=(reach(steps=(Step(SOCKET, "missing"),)),)), "# start the gate"),
    ("socket.permissions", WRONG, host(reaches=(reach(steps=(Step(SOCKET, "other"),)),)), "# look at"),
    (
        "socket.permissions",
        UNKNOWN,
        host(reaches=(reach(steps=(Step(SOCKET, "unseen"),)),)),
        "# run sealgate doctor as",
    ),
    (
        "socket.answers",
        WRONG,
        host(reaches=(reach(tried=Tried("postfix", "Connection refused")),)),
        "# sealgate status",
    ),
    ("socket.answers", UNKNOWN, host(reaches=(reach(tried=None),)), "#"),
    ("socket.tcp", WARNING, with_gate(settings=settings("socket: inet:8894@127.0.0.1\n")), "# in sealgate.yaml"),
    ("socket.tcp", WRONG, with_gate(settings=settings("socket: inet:8894@192.0.2.1\n")), "# in sealgate.yaml"),
    ("socket.tcp", WARNING, with_gate(settings=settings(f"socket: unix:{SOCKET}\nsocket_mode: 0666\n")), "#"),
    ("postfix.milter-named", WRONG, submission("smtpd_milters", ""), f"{FIX_MILTERS}unix:sealgate/sealgate.sock"),
    (
        "postfix.milter-named",
        WRONG,
        submission("smtpd_milters", "inet:localhost:11332"),
        f"{FIX_MILTERS}inet:localhost:11332,unix:sealgate/sealgate.sock",
    ),
    (
        "postfix.milter-named",
        WRONG,
        with_main("smtp/inet/smtpd_sasl_auth_enable = yes\n"),
        f"{POSTCONF} -P smtp/inet/smtpd_sasl_auth_enable=no",
    ),
    ("postfix.milter-named", WARNING, host(postfix=replace(postfix(), services=())), "# uncomment"),
    (
        "postfix.incoming",
        WRONG,
        with_main(smtpd_milters="inet:a:1, unix:sealgate/sealgate.sock"),
        f"{POSTCONF} -P smtp/inet/smtpd_milters=inet:a:1",
    ),
    (
        "postfix.incoming",
        WRONG,
        with_main("smtpd/pass/smtpd_milters = unix:sealgate/sealgate.sock\n", _master="smtpd pass - - y - - smtpd\n"),
        f"{POSTCONF} -P smtpd/pass/smtpd_milters=",
    ),
    (
        "postfix.milter-order",
        WARNING,
        submission("smtpd_milters", "unix:sealgate/sealgate.sock inet:a:11332"),
        f"{FIX_MILTERS}inet:a:11332,unix:sealgate/sealgate.sock",
    ),
    (
        "postfix.milter-order",
        WARNING,
        submission("smtpd_milters", "inet:a:8891, unix:sealgate/sealgate.sock"),
        f"{FIX_MILTERS}unix:sealgate/sealgate.sock",
    ),
    (
        "postfix.default-action",
        WRONG,
        with_main(milter_default_action="accept"),
        f"{POSTCONF} -e 'milter_default_action = tempfail'",
    ),
    (
        "postfix.default-action",
        WRONG,
        submission("smtpd_milters", "{ unix:sealgate/sealgate.sock, default_action=accept, connect_timeout=30s }"),
        f"{POSTCONF} -e 'submission_smtpd_milters = {{ unix:sealgate/sealgate.sock, default_action=tempfail, ",
    ),
    (
        "postfix.default-action",
        WARNING,
        submission("milter_default_action", "quarantine"),
        f"{POSTCONF} -P submission/inet/milter_default_action=tempfail",
    ),
    ("postfix.default-action", WARNING, with_main(milter_default_action="reject"), f"{POSTCONF} -e"),
    ("postfix.default-action", WRONG, with_main(milter_default_action="shutdown"), f"{POSTCONF} -e"),
    (
        "postfix.daemon-name",
        WRONG,
        submission("milter_macro_daemon_name", "ORIGINATING"),
        f"{POSTCONF} -P submission/inet/milter_macro_daemon_name=submission",
    ),
    ("postfix.daemon-name", UNKNOWN, with_gate(profile=None), "# mend the profile"),
    (
        "postfix.local-submission",
        WRONG,
        with_main(non_smtpd_milters=""),
        f"{POSTCONF} -e 'non_smtpd_milters = unix:sealgate/sealgate.sock'",
    ),
    (
        "postfix.local-submission",
        WARNING,
        host(postfix=postfix({"non_smtpd_milters": ""}), gate=gate(profile=None)),
        f"{POSTCONF} -e",
    ),
    (
        "postfix.no-milters",
        WRONG,
        submission("receive_override_options", "no_milters, no_address_mappings"),
        f"{POSTCONF} -P submission/inet/receive_override_options=no_address_mappings",
    ),
    (
        "postfix.no-milters",
        WARNING,
        with_main(content_filter="smtp:[127.0.0.1]:10025"),
        f"# have it work as a milter before the gate; then: {POSTCONF} -P submission/inet/content_filter=",
    ),
    ("postfix.protocol", WRONG, with_main(milter_protocol="2"), f"{POSTCONF} -e 'milter_protocol = 6'"),
    ("postfix.protocol", WRONG, submission("smtpd_milters", "{ unix:sealgate/sealgate.sock, protocol=4 }"), "# take"),
    (
        "postfix.macros",
        WRONG,
        with_main(milter_protocol="4", milter_mail_macros="i {mail_addr}"),
        f"{POSTCONF} -e 'milter_mail_macros = i {{mail_addr}} {{auth_type}} {{auth_authen}}'",
    ),
    (
        "postfix.macros",
        WARNING,
        with_main(milter_macro_v="Sendmail"),
        f"{POSTCONF} -e 'milter_macro_v = $mail_name $mail_version'",
    ),
    (
        "postfix.timeouts",
        WRONG,
        with_main(milter_content_timeout="5s"),
        f"{POSTCONF} -e 'milter_content_timeout = 300s'",
    ),
    (
        "postfix.timeouts",
        WARNING,
        with_main(milter_command_timeout="9"),
        f"{POSTCONF} -e 'milter_command_timeout = 30s'",
    ),
    (
        "postfix.timeouts",
        WRONG,
        submission("smtpd_milters", "{ unix:sealgate/sealgate.sock, content_timeout=3s }"),
        "#",
    ),
    (
        "postfix.queue-ids",
        WARNING,
        with_main(enable_long_queue_ids="no"),
        f"{POSTCONF} -e 'enable_long_queue_ids = yes'",
    ),
    (
        "postfix.auth",
        WRONG,
        submission("smtpd_sasl_auth_enable", "no"),
        f"{POSTCONF} -P submission/inet/smtpd_sasl_auth_enable=yes",
    ),
    ("postfix.sasl-path", WRONG, with_main(smtpd_sasl_type="gnu"), f"{POSTCONF} -e 'smtpd_sasl_type = cyrus'"),
    ("postfix.sasl-path", WRONG, host(sasl={"cyrus:smtpd": Sasl("/etc/x y/smtpd.conf", False)}), "mkdir -p '/etc/x y'"),
    (
        "postfix.sasl-path",
        WRONG,
        host(sasl={"cyrus:smtpd": Sasl("/etc/smtpd.conf", True)}),
        "echo 'mech_list: GSSAPI' >>",
    ),
    ("postfix.sasl-path", UNKNOWN, host(sasl={"cyrus:smtpd": Sasl("/etc/smtpd.conf", None)}), "# run"),
    (
        "postfix.sasl-path",
        WRONG,
        host(
            postfix=postfix({"smtpd_sasl_type": "dovecot"}),
            sasl={"dovecot:smtpd": Sasl("/var/spool/postfix/smtpd", False)},
        ),
        f"{POSTCONF} -e 'smtpd_sasl_path = private/auth'",
    ),
    (
        "postfix.sasl-anonymous",
        WRONG,
        with_main(smtpd_sasl_security_options="noplaintext"),
        f"{POSTCONF} -e 'smtpd_sasl_security_options = noanonymous,noplaintext'",
    ),
    ("postfix.sasl-anonymous", WRONG, with_main(smtpd_sasl_tls_security_options=""), f"{POSTCONF} -e"),
    (
        "postfix.sasl-realm",
        WRONG,
        with_main(smtpd_sasl_local_domain="PARTNER.TEST"),
        f"{POSTCONF} -e 'smtpd_sasl_local_domain = EXAMPLE.TEST'",
    ),
    ("postfix.sasl-realm", WARNING, with_main(smtpd_sasl_local_domain=""), f"{POSTCONF} -e"),
    ("postfix.sasl-realm", UNKNOWN, host(default_realm=""), "# write"),
    (
        "postfix.tls",
        WARNING,
        submission("smtpd_tls_security_level", "may"),
        f"{POSTCONF} -P submission/inet/smtpd_tls_security_level=encrypt",
    ),
    (
        "postfix.tls",
        WRONG,
        with_main("submissions/inet/smtpd_tls_wrappermode = no\n"),
        f"{POSTCONF} -P submissions/inet/smtpd_tls_wrappermode=yes",
    ),
    (
        "postfix.tls",
        WRONG,
        submission("smtpd_tls_wrappermode", "yes"),
        f"{POSTCONF} -P submission/inet/smtpd_tls_wrappermode=no",
    ),
    ("postfix.tls", WRONG, with_main(smtpd_tls_chain_files=""), "# postconf"),
    (
        "postfix.relay-rights",
        WRONG,
        submission("smtpd_relay_restrictions", "reject"),
        f"{POSTCONF} -P submission/inet/smtpd_relay_restrictions=permit_sasl_authenticated,reject",
    ),
    (
        "postfix.relay-rights",
        WARNING,
        submission("smtpd_relay_restrictions", "permit_mynetworks permit_sasl_authenticated"),
        f"{POSTCONF} -P submission/inet/smtpd_relay_restrictions=permit_sasl_authenticated,reject",
    ),
    (
        "postfix.sender-login-maps",
        WRONG,
        submission("smtpd_sender_restrictions", "reject_unknown_sender_domain, reject_sender_login_mismatch"),
        f"{POSTCONF} -P submission/inet/smtpd_sender_restrictions=reject_unknown_sender_domain",
    ),
    (
        "postfix.missing-headers",
        WARNING,
        with_main(always_add_missing_headers="no"),
        f"{POSTCONF} -e 'always_add_missing_headers = yes'",
    ),
    (
        "postfix.bare-newline",
        WARNING,
        with_main(smtpd_forbid_bare_newline="no"),
        f"{POSTCONF} -e 'smtpd_forbid_bare_newline = yes'",
    ),
    (
        "postfix.bare-newline",
        WARNING,
        with_main(_version="3.9.1", smtpd_forbid_bare_newline="no"),
        f"{POSTCONF} -e 'smtpd_forbid_bare_newline = normalize'",
    ),
    (
        "postfix.bare-newline",
        UNKNOWN,
        host(postfix=replace(postfix(), main={"mail_version": "3.4.0", "queue_directory": "/q"})),
        "# upgrade",
    ),
    (
        "postfix.mime-conversion",
        WARNING,
        with_main(disable_mime_output_conversion="no"),
        f"{POSTCONF} -e 'disable_mime_output_conversion = yes'",
    ),
    (
        "postfix.mime-conversion",
        WARNING,
        with_main(disable_mime_output_conversion="no", force_mime_input_conversion="no"),
        f"{POSTCONF} -e 'force_mime_input_conversion = yes'",
    ),
    (
        "postfix.rewriting",
        WARNING,
        with_main(smtp_generic_maps="hash:/etc/generic"),
        f"# rewrite before the gate (canonical_maps, header_checks); then: {POSTCONF} -e 'smtp_generic_maps ='",
    ),
    (
        "postfix.rewriting",
        WARNING,
        with_main("smtp/unix/smtp_header_checks = pcre:/x\n"),
        f"# rewrite before the gate (canonical_maps, header_checks); then: {POSTCONF} -P smtp/unix/smtp_header_checks=",
    ),
    (
        "postfix.line-length",
        WARNING,
        with_main(smtp_line_length_limit="512"),
        f"{POSTCONF} -e 'smtp_line_length_limit = 998'",
    ),
    (
        "postfix.mynetworks",
        WARNING,
        with_main(smtpd_relay_restrictions="permit_mynetworks permit_sasl_authenticated defer_unauth_destination"),
        f"{POSTCONF} -P smtp/inet/smtpd_relay_restrictions=permit_sasl_authenticated,defer_unauth_destination",
    ),
    (
        "postfix.mynetworks",
        WARNING,
        with_main(smtpd_relay_restrictions="", smtpd_recipient_restrictions="permit_mynetworks"),
        f"{POSTCONF} -P smtp/inet/smtpd_relay_restrictions=reject_unauth_destination",
    ),
    ("sendmail.filter-named", WRONG, with_cf("S=local:/run/sealgate", "S=local:/run/other"), "# in sendmail.mc"),
    ("sendmail.filter-named", WRONG, with_cf("InputFilter=spam;sealgate", "InputFilter=spam"), "# in sendmail.mc"),
    ("sendmail.filter-flag", WRONG, with_cf("sealgate.sock, F=T", "sealgate.sock"), "# in sendmail.mc"),
    ("sendmail.filter-flag", WARNING, with_cf("sealgate.sock, F=T", "sealgate.sock, F=R"), "# in sendmail.mc"),
    ("sendmail.filter-order", WARNING, with_cf("spam;sealgate", "sealgate;spam"), "# in sendmail.mc"),
    ("sendmail.timeouts", WRONG, with_cf("S:30s", "S:4s"), "# in sendmail.mc"),
    ("sendmail.timeouts", WARNING, with_cf("R:30s", "R:9s"), "# in sendmail.mc"),
    ("sendmail.macros", WARNING, with_cf("envfrom=i, {auth_type}, {auth_authen}", "envfrom=i"), "# in sendmail.mc"),
    ("sendmail.listener-name", WRONG, with_cf("Name=submission", "Name=MSA"), "# in the profile"),
    (
        "sendmail.listener-name",
        UNKNOWN,
        sendmail_host(gate=gate(settings=settings("socket: local:/run/sealgate/sealgate.sock\n"), profile=None)),
        "# mend",
    ),
    ("sendmail.incoming", WRONG, with_cf("Port=smtp, InputFilter=spam", "Port=smtp, InputFilter=sealgate"), "#"),
    ("sendmail.auth", WARNING, with_cf("M=Ea", "M=E"), "# in sendmail.mc"),
    ("sendmail.auth", WARNING, with_cf("O AuthOptions=A p y\n", ""), "# in sendmail.mc"),
    ("sendmail.auth", WARNING, with_cf("O AuthMechanisms=GSSAPI PLAIN\n", ""), "# in sendmail.mc"),
    ("gate.profile", WRONG, with_gate(problems=(Problem("p.yaml", 3, 1, "bad", "write better"),)), "# write better"),
    ("gate.profile", WARNING, with_gate(problems=(Problem("p.yaml", 0, 1, "odd", "", is_error=False),)), ""),
    ("gate.running", WRONG, with_gate(state=GateState(is_running=False)), "# systemctl start sealgate"),
    ("gate.running", WRONG, with_gate(state=GateState(True, ("no keys",))), "# sealgate status"),
    ("gate.running", WARNING, with_gate(state=GateState(True, (), ("old",))), "# sealgate status"),
    ("gate.running", UNKNOWN, with_gate(state=GateState(False, unread="may not be read")), "# run"),
    ("gate.dns", WRONG, with_gate(keys=(Key("d/s", "missing", "not there", "publish it"),)), "# publish it"),
    ("gate.dns", UNKNOWN, with_gate(keys=(Key("d/s", "unknown", "no answer"),)), ""),
    ("gate.dns", UNKNOWN, with_gate(keys=None, keys_unread="no servers"), "# sealgate keys test"),
    ("gate.room", WRONG, with_gate(room=Room("/var", 0, 10**9)), "# sealgate audit rotate"),
    ("gate.room", WARNING, with_gate(room=Room("/var", 10**6, 10**9)), "# sealgate audit rotate"),
    ("gate.room", WARNING, with_gate(room=Room("/var", 10**12, 10**13, 1, 1000)), "# sealgate audit rotate"),
    ("gate.room", WRONG, with_gate(room=None), "# install -d"),
    ("gate.clock", WRONG, with_gate(clock=Clock(1e9, 1e9 + 9999, "audit.jsonl", True)), "# timedatectl"),
    ("gate.clock", WARNING, with_gate(clock=Clock(1e9, 1e9, "x", False)), "# timedatectl"),
    ("gate.clock", UNKNOWN, with_gate(clock=Clock(1e9, 1e9, "x", None)), "# timedatectl"),
]


def of(code: str, found: tuple[Finding, ...]) -> list[Finding]:
    return [each for each in found if each.code == code and each.level is not Level.FINE]


@pytest.mark.parametrize("healthy", [host(), sendmail_host()], ids=["postfix", "sendmail"])
def test_a_host_in_health_is_told_nothing_but_that(healthy: Host) -> None:
    found = examine(healthy)
    assert {each.level for each in found} == {Level.FINE}, of_all(found)
    said = {each.code for each in found}
    skipped = "sendmail." if healthy.postfix else "postfix."
    # Of what is not there nothing is said; the maps of senders are not written here.
    silent = {"postfix.sender-login-maps", "socket.chroot"} if healthy.sendmail else {"postfix.sender-login-maps"}
    assert {each.code for each in RULES if not each.code.startswith(skipped)} - said <= silent


def of_all(found: tuple[Finding, ...]) -> list[Finding]:
    return [each for each in found if each.level is not Level.FINE]


@pytest.mark.parametrize(
    ("code", "level", "sick", "paste"), CASES, ids=[f"{code}-{number}" for number, (code, *_) in enumerate(CASES)]
)
def test_each_mistake_is_found_and_its_remedy_said(code: str, level: Level, sick: Host, paste: str) -> None:
    found = [each for each in of(code, examine(sick)) if each.level is level]
    assert found, of_all(examine(sick))
    assert not paste or any(line.startswith(paste) for each in found for line in each.paste), found


def test_where_a_filter_hands_mail_back_no_command_closes_the_door() -> None:
    back = with_main(
        "10025/inet/receive_override_options = no_milters\n10025/inet/smtpd_relay_restrictions = permit_mynetworks\n",
        _master="10025 inet n - n - - smtpd\n",
    )
    (finding,) = of("postfix.mynetworks", examine(back))
    assert finding.paste == ("# mail comes back from a filter here: let nobody else connect to 10025",)


def test_a_signer_before_the_gate_goes_behind_it_while_the_gate_does_not_sign() -> None:
    both = postfix(overrides="submission/inet/smtpd_milters = inet:a:8891 unix:sealgate/sealgate.sock\n")
    for seal, order in (("on", "unix:sealgate/sealgate.sock"), ("off", "unix:sealgate/sealgate.sock,inet:a:8891")):
        (finding,) = of("postfix.milter-order", examine(host(postfix=both, gate=gate(profile=profile(seal=seal)))))
        assert finding.paste == (f"{FIX_MILTERS}{order}",)


def test_every_rule_has_a_case_where_it_fires() -> None:
    assert {code for code, *_ in CASES} == {rule.code for rule in RULES}


def test_every_rule_says_what_it_looks_at_what_it_rests_on_and_why() -> None:
    for rule in RULES:
        assert rule.looks_at.endswith("."), rule.code
        assert rule.cites, rule.code
        assert rule.why, rule.code
    assert len({rule.code for rule in RULES}) == len(RULES)


# -- what is allowed ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "allowed"),
    [
        ("postfix.default-action", with_main(_version="3.11.0", milter_default_action="shutdown")),
        ("postfix.macros", with_main(milter_mail_macros="i")),  # the gate asks for its own
        ("postfix.bare-newline", with_main(smtpd_forbid_bare_newline="normalize")),
        ("postfix.mime-conversion", with_main(disable_mime_output_conversion="no", force_mime_input_conversion="yes")),
        (
            "postfix.sender-login-maps",
            with_main(
                "submission/inet/smtpd_sender_restrictions = reject_sender_login_mismatch\n",
                smtpd_sender_login_maps="hash:/m",
            ),
        ),
        ("postfix.tls", with_main("submission/inet/smtpd_tls_security_level = may\n", smtpd_tls_auth_only="yes")),
        (
            "postfix.milter-order",
            host(
                postfix=postfix(overrides="submission/inet/smtpd_milters = unix:sealgate/sealgate.sock inet:a:8891\n"),
                gate=gate(profile=profile(seal="off")),
            ),
        ),
        (
            "postfix.local-submission",
            host(postfix=postfix({"non_smtpd_milters": ""}), gate=gate(profile=profile(local="pass"))),
        ),
        (
            "postfix.incoming",
            host(
                postfix=postfix(
                    overrides="smtp/inet/smtpd_milters = unix:sealgate/sealgate.sock\n"
                    "smtp/inet/milter_macro_daemon_name = mx\n"
                ),
                gate=gate(profile=profile(listeners=", mx: pass")),
            ),
        ),
    ],
)
def test_what_is_meant_or_harmless_is_not_complained_of(code: str, allowed: Host) -> None:
    assert of(code, examine(allowed)) == []


def test_a_socket_outside_a_chroot_is_fine_where_there_is_no_chroot() -> None:
    named = "".join(
        f"{name}/inet/smtpd_milters = unix:/run/sealgate/sealgate.sock\n" for name in ("submission", "submissions")
    )
    own = postfix({"non_smtpd_milters": "unix:/run/sealgate/sealgate.sock"}, named)
    free = replace(own, services=tuple(replace(each, chroot="n") for each in own.services))
    assert of("socket.chroot", examine(replace(in_run(), postfix=own))) != []
    assert of("socket.chroot", examine(replace(in_run(), postfix=free))) == []


def test_the_default_of_the_chroot_column_depends_on_the_version() -> None:
    for version, level, is_chrooted in (("3.7.11", "3.6", False), ("3.7.11", "0", True), ("2.11.0", "", True)):
        found = postfix({"compatibility_level": level}, version=version)
        assert found.is_chrooted(replace(found.services[0], chroot="-")) is is_chrooted, version


def test_an_mta_that_told_nothing_is_not_known_and_says_what_to_do() -> None:
    found = examine(Host("postfix", "postconf ended with 1: no main.cf", gate=gate()))
    (first,) = of("mta.unread", found)
    assert (first.level, first.what) == (Level.UNKNOWN, "postconf ended with 1: no main.cf")
    assert "as root" in first.paste[0]


def test_the_worst_comes_first_and_nothing_twice() -> None:
    found = examine(with_main(milter_default_action="accept", enable_long_queue_ids="no"))
    levels = [list(Level).index(each.level) for each in found]
    assert levels == sorted(levels)
    assert len(set(found)) == len(found)
