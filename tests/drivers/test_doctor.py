"""`sealgate doctor` on real Postfix configurations, and the guides' own configurations at work.

Each mistake is made by Postfix's own postconf in a folder of its own; the doctor finds it, its commands are given to a
shell, and then it finds it no more. The pieces of doc/postfix.md and doc/sasl.md log in with real tickets, sign, and
leave the doctor nothing to say.
"""

import contextlib
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("milter", reason="pymilter is not installed")
pytest.importorskip("gssapi", reason="gssapi is not installed")

from tests.drivers.cases import all_cases, profile_text
from tests.lab import dovecot
from tests.lab.command import sealgate
from tests.lab.documented import Documented, pieces, queue_with, settings
from tests.lab.dovecot import Dovecot
from tests.lab.gate import Gate
from tests.lab.ports import free_ports
from tests.lab.realm import Realm, RealmError
from tests.lab.relay import reachable_folder, why_unavailable
from tests.lab.submit import Answer, Client, submit
from tests.lab.verify import dkimpy_verdict

pytestmark = pytest.mark.relay

POSTFIX, SASL = pieces("postfix"), pieces("sasl")
CASE = next(case for case in all_cases() if case.name == "personal-mail")
# What the lab does otherwise than a host: passed on by the rules of this file, each with its reason.
PROFILE = profile_text("enforce").replace("  submission: judge\n", "  submission: judge\n  submissions: judge\n")
PROFILE = PROFILE.replace(
    "logins:\n",
    'logins:\n  - {listener: submissions, mechanism: GSSAPI, spelled: "{user}@EXAMPLE.TEST", principal: '
    '"{user}@EXAMPLE.TEST"}\n',
)


class Stage:
    """A relay by the guides, with the gate behind it."""

    def __init__(self, relay: Documented, gate: Gate, realm: Realm) -> None:
        self.relay, self.gate, self.realm = relay, gate, realm

    def doctor(self, config: Path | None = None, *more: str) -> list[dict[str, Any]]:
        krb5 = self.realm.environment["KRB5_CONFIG"]
        done = sealgate(
            "doctor", "--settings", self.gate.settings_path, "--config", config or self.relay.config,
            "--krb5-config", krb5, "--no-dns", "--json", *more,
        )  # fmt: skip
        assert done.stderr == "", done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]

    def commands(self, config: Path) -> str:
        krb5 = self.realm.environment["KRB5_CONFIG"]
        done = sealgate(
            "doctor",
            "--settings",
            self.gate.settings_path,
            "--config",
            config,
            "--krb5-config",
            krb5,
            "--no-dns",
            "--fix",
        )
        return done.stdout

    def send(self, port: int, *, tls: bool = True) -> Answer:
        return submit(
            port, self.realm.ticket("alice"), "alice@example.test", ["jane@example.net"], CASE.message, tls=tls,
            realm_environment=self.realm.environment,
        )  # fmt: skip


def complaints(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What is said of Postfix and of the way to the gate; the lab's gate has a socket for everybody, and no NTP."""
    return [
        each for each in found
        if each["level"] != "fine" and (each["rule"].startswith("postfix.") or each["rule"].startswith("socket."))
        and each["rule"] != "socket.tcp"
    ]  # fmt: skip


@contextlib.contextmanager
def staged(realm: Realm, kind: str, sasl: str, more: dict[str, str], folder: Path, gate: Gate) -> Iterator[Stage]:
    """A relay with the pieces `main.cf, KIND`, `master.cf, KIND` and `main.cf, SASL`, and settings of the lab."""
    submission, wrapped, plain, sink = free_ports(4)
    own = settings(POSTFIX[f"main.cf, {kind}"]) | settings(SASL[f"main.cf, {sasl}"]) | more
    own.pop("smtpd_tls_chain_files")  # the lab's own certificate
    with Documented(
        folder, realm, None, submission_port=submission, plain_port=plain, sink_port=sink, wrapped_port=wrapped,
        settings=own, master=POSTFIX[f"master.cf, {kind}"],
        places={"unix:/run/sealgate/sealgate.sock": gate.address},
    ) as relay:  # fmt: skip
        yield Stage(relay, gate, realm)


@pytest.fixture(scope="module")
def healthy(realm: Realm) -> Iterator[Stage]:
    """The guide's first configuration: no chroot, Cyrus SASL."""
    if why := why_unavailable():
        pytest.skip(why)
    with (
        reachable_folder() as folder,
        Gate(folder, PROFILE, workers=1) as gate,
        staged(realm, "no chroot", "cyrus", {}, folder / "relay", gate) as stage,
    ):
        yield stage


# -- the guides --------------------------------------------------------------------------------------------------------


def test_the_guides_configuration_logs_in_judges_and_signs(healthy: Stage) -> None:
    healthy.relay.sink.clear()
    answer = healthy.send(healthy.relay.submission_port)
    assert answer.code == 250, answer
    (decision,) = healthy.gate.events("decision")[-1:]
    assert (decision["auth"]["principal"], decision["auth"]["mechanism"]) == ("alice@EXAMPLE.TEST", "GSSAPI")
    delivered = healthy.relay.sink.wait_for(CASE.message_id)
    assert dkimpy_verdict(delivered.data, healthy.gate.records) == [True, True]
    with Client(healthy.relay.submission_port, realm_environment=healthy.realm.environment) as client:
        assert client.login(healthy.realm.ticket("alice")).accepted
        forged = client.send("bob@example.test", ["jane@example.net"], CASE.message)
    assert forged.code == 553, forged


def test_the_doctor_has_nothing_to_say_of_the_guides_configuration(healthy: Stage) -> None:
    found = healthy.doctor()
    assert complaints(found) == []
    said = {each["rule"] for each in found}
    assert {"socket.answers", "socket.permissions", "postfix.milter-named", "postfix.tls", "postfix.sasl-path"} <= said
    tried = [each for each in found if each["rule"] == "socket.answers"]
    assert all("answers postfix" in each["what"] for each in tried), tried


def test_the_guides_chroot_with_dovecot_logs_in_judges_and_signs(realm: Realm, monkeypatch: pytest.MonkeyPatch) -> None:
    if why := why_unavailable() or dovecot.why_unavailable():
        pytest.skip(why)
    with reachable_folder() as folder, contextlib.ExitStack() as stack:
        queue = queue_with(folder / "relay", "private", "sealgate")
        (queue / "sealgate").chmod(0o755)
        gate = stack.enter_context(Gate(folder, PROFILE, workers=1, socket=f"unix:{queue}/sealgate/sealgate.sock"))
        monkeypatch.setattr(dovecot, "_CONF", guided_dovecot(queue))
        (folder / "dovecot").mkdir()
        (folder / "dovecot").chmod(0o711)
        with contextlib.suppress(RealmError):  # another test added it already
            realm.add("smtp/mail.example.test")
        stack.enter_context(Dovecot(folder / "dovecot", realm))
        stage = stack.enter_context(staged(realm, "chroot", "dovecot", {}, folder / "relay", gate))
        answer = stage.send(stage.relay.submission_port)
        assert answer.code == 250, (answer, stage.relay.log())
        delivered = stage.relay.sink.wait_for(CASE.message_id)
        assert dkimpy_verdict(delivered.data, gate.records) == [True, True]
        assert gate.events("decision")[-1]["auth"]["principal"] == "alice@EXAMPLE.TEST"
        found = stage.doctor()
        assert complaints(found) == []
        assert any(f"in the chroot {queue}" in each["what"] for each in found if each["rule"] == "socket.answers")
        # The same with the path as people write it first: nothing is there inside the chroot.
        wrong = copy_of(stage, folder / "wrong")
        label = f"127.0.0.1:{stage.relay.submission_port}/inet"
        postconf(wrong, "-P", f"{label}/smtpd_milters=unix:{queue}/sealgate/sealgate.sock")
        assert "socket.chroot" in {each["rule"] for each in complaints(stage.doctor(wrong))}
        apply(stage.commands(wrong))
        assert complaints(stage.doctor(wrong)) == []


def guided_dovecot(queue: Path) -> str:
    """The guide's dovecot.conf with the lab's places, and with the lab's own listener beside it, by which it starts."""
    lab = dovecot._CONF
    text = SASL["dovecot.conf"].replace("{", "{{").replace("}", "}}")
    for there, here in (
        ("/etc/sasl/smtp.keytab", "{folder}/keytab"), ("mail.example.test", "{hostname}"),
        ("/var/spool/postfix", str(queue)), ("auth_username_format = %u", "auth_username_format = {username_format}"),
        ("auth_default_realm = EXAMPLE.TEST", "auth_default_realm = {default_realm}"),
    ):  # fmt: skip
        assert there in text, there
        text = text.replace(there, here)
    head = lab[: lab.index("auth_mechanisms")]
    tail = lab[lab.index("service auth") :]
    return f"{head}auth_failure_delay = 0\n{text}{tail}"


def test_the_guides_pieces_of_sasl_are_what_the_lab_runs() -> None:
    """smtpd.conf and saslauthd.conf are written by the lab with the same names and values, but for places."""
    for name, there in (("smtpd.conf, cyrus", "relay.py"), ("smtpd.conf, saslauthd", "saslauthd.py"),
                        ("saslauthd.conf", "saslauthd.py")):  # fmt: skip
        source = (Path(__file__).parents[1] / "lab" / there).read_text()
        for key, value in settings(SASL[name]).items():
            assert key in source, (name, key)
            if "/" not in value:
                assert value in source, (name, key, value)


# -- mistakes ----------------------------------------------------------------------------------------------------------


def postconf(config: Path, *arguments: str) -> None:
    subprocess.run(["postconf", "-c", str(config), *arguments], check=True, env=with_sbin())


def with_sbin() -> dict[str, str]:
    return {**os.environ, "PATH": f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin"}


def copy_of(stage: Stage, to: Path) -> Path:
    return Path(shutil.copytree(stage.relay.config, to))


def apply(commands: str) -> None:
    """Give the commands to a shell, but for the reload: no Postfix runs by a copy of its configuration."""
    script = "\n".join(line for line in commands.splitlines() if not line.startswith("postfix ")).encode()
    done = subprocess.run(["sh", "-e"], input=script, capture_output=True, check=False, env=with_sbin())
    assert done.returncode == 0, (commands, done.stderr)


# rule, what postconf is told; SUB and WRAP stand for the two services
MISTAKES: list[tuple[str, tuple[str, ...]]] = [
    ("socket.chroot", ("-F", "SUB/chroot=y")),
    ("postfix.milter-named", ("-P", "SUB/smtpd_milters=")),
    ("postfix.milter-named", ("-P", "SUB/smtpd_milters=inet:127.0.0.1:11332")),
    ("postfix.milter-named", ("-PX", "SUB/smtpd_milters")),
    ("postfix.incoming", ("-M", "smtp/inet=smtp inet n - n - - smtpd -o smtpd_milters=GATE -o mynetworks=")),
    ("postfix.milter-order", ("-P", "SUB/smtpd_milters=GATE,inet:127.0.0.1:11332")),
    ("postfix.milter-order", ("-P", "SUB/smtpd_milters=inet:127.0.0.1:8891,GATE")),
    ("postfix.default-action", ("-e", "milter_default_action=accept")),
    ("postfix.default-action", ("-P", "WRAP/milter_default_action=quarantine")),
    ("postfix.default-action", ("-e", "own={ GATE, default_action=accept }", "smtpd_milters=$own")),
    ("postfix.daemon-name", ("-P", "SUB/milter_macro_daemon_name=ORIGINATING")),
    ("postfix.local-submission", ("-e", "non_smtpd_milters=")),
    ("postfix.no-milters", ("-P", "SUB/receive_override_options=no_milters")),
    ("postfix.no-milters", ("-e", "content_filter=smtp:[127.0.0.1]:10025")),
    ("postfix.protocol", ("-e", "milter_protocol=2")),
    ("postfix.timeouts", ("-e", "milter_content_timeout=3s")),
    ("postfix.timeouts", ("-P", "SUB/milter_command_timeout=8s")),
    ("postfix.queue-ids", ("-e", "enable_long_queue_ids=no")),
    ("postfix.sasl-path", ("-e", "smtpd_sasl_type=dovecot", "smtpd_sasl_path=none")),
    ("postfix.sasl-anonymous", ("-e", "smtpd_sasl_security_options=")),
    ("postfix.sasl-realm", ("-e", "smtpd_sasl_local_domain=PARTNER.TEST")),
    ("postfix.tls", ("-P", "SUB/smtpd_tls_security_level=may")),
    ("postfix.relay-rights", ("-P", "SUB/smtpd_relay_restrictions=reject")),
    ("postfix.relay-rights", ("-P", "SUB/smtpd_relay_restrictions=reject_unauth_destination")),
    ("postfix.sender-login-maps", ("-P", "SUB/smtpd_sender_restrictions=reject_sender_login_mismatch")),
    ("postfix.missing-headers", ("-e", "always_add_missing_headers=no")),
    ("postfix.bare-newline", ("-e", "smtpd_forbid_bare_newline=no")),
    ("postfix.mime-conversion", ("-e", "disable_mime_output_conversion=no")),
    ("postfix.rewriting", ("-e", "smtp_header_checks=regexp:/etc/postfix/x")),
    ("postfix.rewriting", ("-P", "smtp/unix/smtp_generic_maps=hash:/etc/postfix/x")),
    ("postfix.line-length", ("-e", "smtp_line_length_limit=512")),
    ("postfix.mynetworks", ("-M", "smtp/inet=smtp inet n - n - - smtpd -o smtpd_relay_restrictions=permit_mynetworks")),
    ("postfix.macros", ("-e", "milter_macro_v=Sendmail")),
]  # fmt: skip
# What a person must do first: a command alone would stop logins, or switch a scanner or a rewriting off.
UNMENDED = {
    ("-e", "smtpd_sasl_type=dovecot", "smtpd_sasl_path=none"),
    ("-e", "content_filter=smtp:[127.0.0.1]:10025"),
    ("-e", "smtp_header_checks=regexp:/etc/postfix/x"),
    ("-P", "smtp/unix/smtp_generic_maps=hash:/etc/postfix/x"),
}


@pytest.mark.parametrize(("code", "told"), MISTAKES, ids=[f"{code}-{n}" for n, (code, _) in enumerate(MISTAKES)])
def test_each_mistake_is_found_and_its_commands_mend_it(
    healthy: Stage, tmp_path: Path, code: str, told: tuple[str, ...]
) -> None:
    config = copy_of(healthy, tmp_path / "postfix")
    names = {
        "SUB": f"127.0.0.1:{healthy.relay.submission_port}/inet",
        "WRAP": f"127.0.0.1:{healthy.relay.wrapped_port}/inet",
        "GATE": healthy.gate.address,
    }
    words = list(told)
    for name, value in names.items():
        words = [word.replace(name, value) for word in words]
    postconf(config, *words)
    if "$own" in words[-1]:  # the services have a list of their own, which goes before that of main.cf
        postconf(config, "-PX", f"{names['SUB']}/smtpd_milters")
    found = complaints(healthy.doctor(config))
    assert code in {each["rule"] for each in found}, found
    apply(healthy.commands(config))
    left = complaints(healthy.doctor(config))
    if told in UNMENDED:
        assert {each["rule"] for each in left} == {code}
    else:
        assert left == [], left


def test_a_way_that_is_barred_is_found_and_its_commands_open_it(realm: Realm, healthy: Stage) -> None:
    with reachable_folder() as folder:
        barred = folder / "run"
        barred.mkdir(mode=0o700)
        with Gate(folder, PROFILE, workers=1, socket=f"unix:{barred}/sealgate.sock") as gate:
            stage = Stage(healthy.relay, gate, realm)
            config = copy_of(healthy, folder / "postfix")
            for port in (healthy.relay.submission_port, healthy.relay.wrapped_port):
                postconf(config, "-P", f"127.0.0.1:{port}/inet/smtpd_milters={gate.address}")
            postconf(config, "-e", f"non_smtpd_milters={gate.address}")
            found = {each["rule"]: each["what"] for each in complaints(stage.doctor(config))}
            assert set(found) == {"socket.permissions", "socket.answers"}, found
            assert found["socket.answers"] == "tried as postfix: Permission denied"
            done = sealgate("doctor", "--settings", gate.settings_path, "--config", config, "--no-dns", "--fix")
            lines = [line for line in done.stdout.splitlines() if line.startswith(("chgrp", "chmod"))]
            assert len(lines) == 2, done.stdout
            subprocess.run(["sh", "-e"], input="\n".join(lines).encode(), check=True)
            assert complaints(stage.doctor(config)) == []
        found = {each["rule"]: each["what"] for each in complaints(stage.doctor(config))}
        assert set(found) == {"socket.permissions", "socket.answers"}, "the gate is gone"
