"""Hosts for tests of the doctor: one in perfect health, and the same with something changed."""

from dataclasses import replace
from typing import Any

from sealgate.doctor import postconf, sendmailcf
from sealgate.doctor.host import Host, Postfix, Reach, Sasl, Step, Tried
from sealgate.doctor.ours import Clock, Gate, GateState, Key, Room
from sealgate.profile.model import Profile
from sealgate.profile.parse import draft_profile
from sealgate.profile.settings import Settings, parse_settings

SOCKET = "/var/spool/postfix/sealgate/sealgate.sock"
FOLDER = "/etc/lab"
MAIN = """\
always_add_missing_headers = yes
compatibility_level = 3.6
config_directory = /etc/postfix
content_filter =
cyrus_sasl_config_path = /etc/lab/sasl
disable_mime_output_conversion = yes
enable_long_queue_ids = yes
local_header_rewrite_clients = permit_inet_interfaces
mail_owner = postfix
mail_version = 3.7.11
milter_command_timeout = 30s
milter_connect_macros = j {daemon_name} {daemon_addr} v _
milter_connect_timeout = 30s
milter_content_timeout = 300s
milter_default_action = tempfail
milter_end_of_data_macros = i
milter_macro_daemon_name = mail.example.test
milter_macro_v = Postfix 3.7.11
milter_mail_macros = i {auth_type} {auth_authen} {auth_author} {mail_addr} {mail_host} {mail_mailer}
milter_protocol = 6
mynetworks = 127.0.0.0/8
non_smtpd_milters = unix:sealgate/sealgate.sock
queue_directory = /var/spool/postfix
receive_override_options =
smtp_generic_maps =
smtp_header_checks =
smtp_line_length_limit = 998
smtpd_forbid_bare_newline = yes
smtpd_milters =
smtpd_proxy_filter =
smtpd_recipient_restrictions =
smtpd_relay_restrictions = permit_sasl_authenticated, defer_unauth_destination
smtpd_sasl_auth_enable = no
smtpd_sasl_local_domain = EXAMPLE.TEST
smtpd_sasl_path = smtpd
smtpd_sasl_security_options = noanonymous
smtpd_sasl_tls_security_options = noanonymous
smtpd_sasl_type = cyrus
smtpd_sender_login_maps =
smtpd_sender_restrictions =
smtpd_tls_auth_only = no
smtpd_tls_chain_files = /etc/lab/mail.pem
smtpd_tls_security_level = may
smtpd_tls_wrappermode = no
"""
MASTER = """\
smtp       inet  n       -       y       -       -       smtpd
submission inet  n       -       y       -       -       smtpd -o x=y
submissions inet n       -       y       -       -       smtpd -o x=y
pickup     unix  n       -       y       60      1       pickup
cleanup    unix  n       -       y       -       0       cleanup
smtp       unix  -       -       y       -       -       smtp
"""
OVERRIDES = """\
submission/inet/smtpd_tls_security_level = encrypt
submission/inet/smtpd_sasl_auth_enable = yes
submission/inet/smtpd_relay_restrictions = permit_sasl_authenticated,reject
submission/inet/milter_macro_daemon_name = submission
submission/inet/smtpd_milters = unix:sealgate/sealgate.sock
submissions/inet/smtpd_tls_wrappermode = yes
submissions/inet/smtpd_sasl_auth_enable = yes
submissions/inet/smtpd_relay_restrictions = permit_sasl_authenticated,reject
submissions/inet/milter_macro_daemon_name = submissions
submissions/inet/smtpd_milters = unix:sealgate/sealgate.sock
"""
SENDMAIL_CF = """\
# a comment
DZ8.17.1.9
O DaemonPortOptions=Name=MTA-v4, Family=inet, Port=smtp, InputFilter=spam
O DaemonPortOptions=Name=submission, Family=inet, Port=submission, M=Ea,
	InputFilter=spam;sealgate
O InputMailFilters=spam
O AuthMechanisms=GSSAPI PLAIN
O AuthOptions=A p y
O Milter.macros.connect=j, _, {daemon_name}, v
O Milter.macros.envfrom=i, {auth_type}, {auth_authen}, {mail_addr}
O Milter.macros.eom=i
Xspam, S=inet:11332@127.0.0.1, F=T
Xsealgate, S=local:/run/sealgate/sealgate.sock, F=T, T=S:30s;R:30s;E:5m
"""
PROFILE = """\
version: 1
mode: enforce
seal: {seal}
local_submission: {local}
listeners: {{submission: judge, submissions: judge{listeners}}}
logins:
  - {{listener: submission, mechanism: GSSAPI, spelled: "{{user}}@EXAMPLE.TEST", principal: "{{user}}@EXAMPLE.TEST"}}
identities:
  alice: {{principals: [alice@EXAMPLE.TEST], kind: person, senders: [alice@example.test]}}
"""


def profile(*, seal: str = "on", local: str = "judge", listeners: str = "") -> Profile:
    text = PROFILE.format(seal=seal, local=local, listeners=listeners)
    found, problems = draft_profile(text, "profile.yaml")
    assert found is not None
    # The domains' keys are another matter.
    assert not [each for each in problems if "keys" not in each.message and each.is_error], problems
    return found


def settings(text: str = "") -> Settings:
    found, problems = parse_settings(text or f"socket: unix:{SOCKET}\n", "sealgate.yaml")
    assert found is not None, problems
    return found


def postfix(main: dict[str, str] | None = None, overrides: str = "", master: str = "", version: str = "") -> Postfix:
    """A Postfix with parameters changed in main.cf, lines put before the overrides, lines added to master.cf."""
    text = MAIN
    for name, value in (main or {}).items():
        text = f"{name} = {value}\n{text}"
    if version:
        text = f"mail_version = {version}\n{text}"
    return postconf.read(text, MASTER + master, overrides + OVERRIDES, FOLDER)


def steps(*changed: Step) -> tuple[Step, ...]:
    usual = [
        Step("/", "folder", 0o755, "root", "root", True),
        Step("/var/spool/postfix/sealgate", "folder", 0o2750, "sealgate", "postfix", True),
        Step(SOCKET, "socket", 0o660, "sealgate", "postfix", True),
    ]
    by_path = {each.path: each for each in changed}
    return tuple(by_path.get(each.path, each) for each in usual)


def reach(**changes: Any) -> Reach:
    good = Reach("unix:sealgate/sealgate.sock", "/var/spool/postfix", steps(), Tried("postfix in the chroot"))
    return replace(good, **changes)


def gate(**changes: Any) -> Gate:
    good = Gate(
        settings(), profile(), (), GateState(is_running=True), (Key("example.test/s1", "ok", "published"),), "",
        Room("/var/log/sealgate", 50 * 1024**3, 100 * 1024**3, 1000, 1000), Clock(1e9, 1e9 - 5, "x", True),
    )  # fmt: skip
    return replace(good, **changes)


def host(**changes: Any) -> Host:
    """A host with Postfix on which nothing is wrong."""
    good = Host(
        "postfix", "", postfix(), None, (reach(),),
        {"cyrus:smtpd": Sasl("/etc/lab/sasl/smtpd.conf", True, ("GSSAPI",))}, "EXAMPLE.TEST", "postfix", gate(),
    )  # fmt: skip
    return replace(good, **changes)


def sendmail_host(text: str = SENDMAIL_CF, **changes: Any) -> Host:
    """A host with Sendmail on which nothing is wrong."""
    ours = gate(settings=settings("socket: local:/run/sealgate/sealgate.sock\n"))
    good = Host(
        "sendmail", "", None, sendmailcf.read(text, "/etc/mail/sendmail.cf"), (reach(),), account="root", gate=ours
    )
    return replace(good, **changes)
