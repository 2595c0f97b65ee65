"""What the MTA and SASL of a host say is read from their own programs and files, and what is not there is unknown."""

import os
import shutil
import time
from pathlib import Path

import pytest

from sealgate.adapters.mta import MAX_FILES, Looked, read_krb5, read_mta
from sealgate.app.ports import PortError
from sealgate.profile.spelling import Kerberos, SaslSettings, Setting

MAIN = """\
import_environment = MAIL_CONFIG TZ {environment} LANG=C
config_directory = /etc/lab
milter_macro_daemon_name = mail.example.test
smtpd_authorized_xclient_hosts =
smtpd_sasl_auth_enable = no
smtpd_sasl_local_domain = EXAMPLE.TEST
smtpd_sasl_type = cyrus
milter_default_action = accept
non_smtpd_milters =
smtpd_milters = inet:127.0.0.1:11332
"""
MASTER = """\
smtp       inet  n       -       n       -       -       smtpd
587        inet  n       -       n       -       -       smtpd -o smtpd_sasl_auth_enable=yes -o x=y
pickup     unix  n       -       n       60      1       pickup
"""
OVERRIDES = """\
587/inet/milter_macro_daemon_name = submission
587/inet/smtpd_sasl_auth_enable = yes
587/inet/smtpd_sasl_local_domain =
587/inet/smtpd_milters = unix:sealgate.sock
relay/unix/syslog_name = postfix/relay
"""
DOVECONF = """\
passdb {
  args = nopassword=y
  driver = static
}
auth_username_format = %Lu
auth_default_realm =
auth_realms = A.TEST B.TEST
"""


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A PATH of this test's own, and none of the host's programs or of its sbin folders."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    real = shutil.which
    monkeypatch.setattr(shutil, "which", lambda name, path: real(name, path=path.partition(":")[0]))
    return folder


def script(folder: Path, name: str, body: str) -> None:
    (folder / name).write_text(f"#!/bin/sh\n{body}\n")
    (folder / name).chmod(0o755)


def postconf(folder: Path, environment: str = "") -> None:
    for name, text in (("main", MAIN.format(environment=environment)), ("master", MASTER), ("overrides", OVERRIDES)):
        (folder / name).write_text(text)
    cat = f"/bin/cat {folder}"
    script(folder, "postconf", f'case "$*" in *-M*) {cat}/master;; *-P*) {cat}/overrides;; *) {cat}/main;; esac')


def krb5(folder: Path, text: str = "[libdefaults]\n default_realm = EXAMPLE.TEST\n") -> str:
    path = folder / "krb5.conf"
    path.write_text(text)
    return str(path)


def test_what_is_not_here_is_unknown_and_said_so(programs: Path) -> None:
    looked = read_mta(krb5_config=str(programs / "none"))
    assert looked.settings == SaslSettings()
    assert looked.absent == ("postfix", "dovecot", "krb5.conf")
    assert str(looked).startswith("not here: postfix, dovecot, krb5.conf")


def test_a_services_own_options_stand_over_main_cf(programs: Path) -> None:
    postconf(programs)
    looked = read_mta(krb5_config=krb5(programs))
    incoming, submission = looked.settings.smtpds or ()
    assert (incoming.service, incoming.listener, incoming.takes_logins) == ("smtp/inet", "mail.example.test", False)
    assert (incoming.local_domain.value, incoming.local_domain.file) == ("EXAMPLE.TEST", "/etc/lab/main.cf")
    assert (submission.listener, submission.takes_logins, submission.sasl_type) == ("submission", True, "cyrus")
    assert (submission.local_domain.value, submission.local_domain.file) == ("", "/etc/lab/master.cf")
    krb5_conf = programs / "krb5.conf"
    assert str(looked) == f"looked at: postfix (/etc/lab), krb5.conf ({krb5_conf}); not here: dovecot"


def test_the_milters_of_each_service_and_of_sendmail_are_read(programs: Path) -> None:
    postconf(programs)
    looked = read_mta(krb5_config=krb5(programs)).settings
    incoming, submission = looked.smtpds or ()
    assert (incoming.milters, submission.milters) == (
        Setting("inet:127.0.0.1:11332", "/etc/lab/main.cf"), Setting("unix:sealgate.sock", "/etc/lab/master.cf"),
    )  # fmt: skip
    assert submission.default_action == Setting("accept", "/etc/lab/main.cf")
    assert looked.non_smtpd_milters == Setting("", "/etc/lab/main.cf")


def test_krb5_conf_is_the_one_that_postfix_gives_its_daemons(programs: Path) -> None:
    own = krb5(programs)
    postconf(programs, f"KRB5_KTNAME=FILE:/x KRB5_CONFIG={own}")
    kerberos = read_mta().settings.kerberos
    assert kerberos is not None
    assert (kerberos.file, kerberos.default_realm and kerberos.default_realm.value) == (own, "EXAMPLE.TEST")


def test_dovecot_is_asked_in_both_dialects(programs: Path) -> None:
    (programs / "said").write_text(DOVECONF)
    script(programs, "doveconf", f"/bin/cat {programs}/said")
    dovecot = read_mta(dovecot_config="/etc/d.conf").settings.dovecot
    assert dovecot is not None
    assert (dovecot.file, dovecot.username_format, dovecot.default_realm) == ("/etc/d.conf", "%Lu", "")
    assert dovecot.realms == ("A.TEST", "B.TEST")
    assert not dovecot.gives_principals
    (programs / "said").write_text("auth_username_format = %{user | lower}\nauth_default_domain = EXAMPLE.TEST\n")
    script(programs, "doveconf", f'case "$*" in *auth_default_realm*) exit 89;; *) /bin/cat {programs}/said;; esac')
    newer = read_mta().settings.dovecot
    assert newer is not None
    assert (newer.default_realm, newer.realm_parameter) == ("EXAMPLE.TEST", "auth_default_domain")
    (programs / "said").write_text(DOVECONF.replace("nopassword=y", "nopassword=y k5principals=bob@B.TEST"))
    script(programs, "doveconf", f"/bin/cat {programs}/said")
    third = read_mta().settings.dovecot
    assert third is not None
    assert third.gives_principals


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ("echo fatal: no main.cf >&2; exit 1", "postconf ended with 1: fatal: no main.cf"),
        ("exit 139", "ended with 139"),
    ],
)
def test_a_program_that_fails_leaves_its_part_unknown(programs: Path, body: str, why: str) -> None:
    script(programs, "postconf", body)
    looked = read_mta(krb5_config=krb5(programs))
    assert looked.settings.smtpds is None
    assert looked.settings.kerberos is not None
    assert any(why in each for each in looked.unread), looked


def test_a_program_that_hangs_is_ended_with_what_it_started(programs: Path) -> None:
    script(programs, "postconf", f"echo $$ > {programs}/pid; /bin/sleep 60 & /bin/sleep 60")
    start = time.monotonic()
    looked = read_mta(krb5_config=krb5(programs), seconds=0.5)
    assert time.monotonic() - start < 5
    assert "did not end within 0.5 s" in str(looked)
    group = int((programs / "pid").read_text())
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return
        time.sleep(0.05)
    pytest.fail("something of it is still there")


def test_odd_output_is_no_failure(programs: Path) -> None:
    script(programs, "postconf", r"printf 'smtp\n=\n \377\n submission inet\n\n'")
    script(programs, "doveconf", r"printf '\377\0 = {{{\n'")
    assert read_mta(krb5_config=krb5(programs)).settings.smtpds == ()


# -- krb5.conf ---------------------------------------------------------------------------------------------------------


def read(folder: Path, text: str) -> Kerberos:
    return read_krb5(krb5(folder, text))


def test_the_first_default_realm_counts_and_its_line_is_kept(tmp_path: Path) -> None:
    found = read(tmp_path, "# a\n[libdefaults]\n\tdefault_realm = A.TEST\n\n[libdefaults]\ndefault_realm = B.TEST\n")
    assert found.default_realm is not None
    assert (found.default_realm.value, found.default_realm.line) == ("A.TEST", 3)
    assert read(tmp_path, "[realms]\ndefault_realm = A.TEST\n").default_realm is None
    assert read(tmp_path, '[libdefaults]\ndefault_realm = "A.TEST"\n').default_realm.value == "A.TEST"  # type: ignore[union-attr]


REALMS = r"""
[libdefaults]
default_realm = EXAMPLE.TEST
[realms]
EXAMPLE.TEST = {
    kdc = k1
    auth_to_local = RULE:[1:$1@$0](.*@PARTNER\.TEST)s/@.*//
    auth_to_local = DEFAULT
    auth_to_local_names = {
        fred = alice
    }
}
PARTNER.TEST =
{
    auth_to_local = RULE:[1:$1]
    ; a comment
}
[domain_realm]
    .example.test = EXAMPLE.TEST
"""


def test_the_rules_of_the_default_realm_and_all_names_are_kept(tmp_path: Path) -> None:
    found = read(tmp_path, REALMS)
    assert found.realms == ("EXAMPLE.TEST", "PARTNER.TEST")
    assert [(each.value, each.line) for each in found.mappings] == [
        (r"auth_to_local = RULE:[1:$1@$0](.*@PARTNER\.TEST)s/@.*//", 7),
        ("auth_to_local_names: fred = alice", 10),
    ]
    without = read(tmp_path, REALMS.replace("default_realm", "other"))
    assert [each.line for each in without.mappings] == [7, 10, 15], "with no default realm, any may be it"


def test_includes_are_followed_in_order_and_odd_names_left_out(tmp_path: Path) -> None:
    folder = tmp_path / "d"
    folder.mkdir()
    for name, realm in (("b", "B.TEST"), ("a.conf", "A.TEST"), ("0.txt", "TXT.TEST"), (".h.conf", "HIDDEN.TEST")):
        (folder / name).write_text(f"[libdefaults]\ndefault_realm = {realm}\n[realms]\n{realm} = {{\n kdc = k\n}}\n")
    extra = tmp_path / "extra"
    extra.write_text("default_realm = NOWHERE.TEST\n[realms]\nE.TEST = {\nkdc = k\n}\n")
    text = f"[libdefaults]\ninclude {extra}\nincludedir {folder}\ndefault_realm = LAST.TEST\n"
    found = read(tmp_path, text)
    assert found.default_realm is not None
    assert (found.default_realm.value, found.default_realm.file) == ("A.TEST", str(folder / "a.conf"))
    assert found.realms == ("E.TEST", "A.TEST", "B.TEST")
    # After an include the includer's section goes on.
    assert read(tmp_path, f"[libdefaults]\ninclude {extra}\ndefault_realm = X\n").default_realm.value == "X"  # type: ignore[union-attr]


def test_includes_without_end_stop(tmp_path: Path) -> None:
    path = tmp_path / "krb5.conf"
    with pytest.raises(PortError, match="one within the other"):
        read(tmp_path, f"include {path}\n" * 3)
    folder = tmp_path / "many"
    folder.mkdir()
    for number in range(MAX_FILES + 5):
        (folder / f"f{number}").touch()
    with pytest.raises(PortError, match="files"):
        read(tmp_path, f"includedir {folder}\n")


def test_a_file_too_large_or_that_cannot_be_read_is_told(tmp_path: Path, programs: Path) -> None:
    path = tmp_path / "huge"
    with path.open("wb") as file:
        file.truncate(5 * 1024 * 1024)
    looked = read_mta(krb5_config=str(path))
    assert looked.settings.kerberos is None
    assert "octets" in str(looked)
    assert "krb5.conf" in str(read_mta(krb5_config=str(tmp_path)))
    assert isinstance(looked, Looked)


@pytest.mark.parametrize(
    "text", ["}}}}", "= = =", "[", "{", "a = {\n" * 5000, "[x\n}\n}\na=b", "\0\xff", "[libdefaults]\n="]
)
def test_odd_text_is_no_failure(tmp_path: Path, text: str) -> None:
    assert read(tmp_path, text).default_realm is None
