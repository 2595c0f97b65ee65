"""Runs as root in a chroot where sealgate and Postfix were installed from packages: mail goes through both.

Configures Postfix as README.md says, with Debian's chroot for smtpd, and a login of Cyrus SASL; starts the gate by the
command line of its unit, as its account; sends mail; installs `/newer.deb` over the running gate while mail goes on;
and writes what was seen to `/result.json`. It needs the standard library alone, and raises where a step fails.
"""

import json
import re
import smtplib
import subprocess
import threading
import time
from collections import Counter
from pathlib import Path

PORT = 587
PASSWORD = "correct horse"
KEY_ROW = "s1._domainkey.example.test"
RUN = Path("/run/sealgate")
STATUS = RUN / "status.json"
MAILBOX = Path("/var/mail/bob")
PROFILE = """version: 1
mode: enforce
seal: on
listeners: {submission: judge, smtpd: pass}
logins:
  - {listener: submission, mechanism: PLAIN, spelled: "{user}@EXAMPLE.TEST", principal: "{user}@EXAMPLE.TEST"}
  - {listener: submission, mechanism: PLAIN, spelled: "{user}", principal: "{user}@EXAMPLE.TEST"}
domains:
  example.test:
    sign: yes
    keys: [{selector: s1, file: /etc/sealgate/keys/example.test.s1.pem}]
identities:
  alice:
    principals: [alice@EXAMPLE.TEST]
    senders: [alice@example.test]
"""
MAIN = {
    "myhostname": "mail.example.test",
    "mydestination": "example.net",
    "inet_interfaces": "127.0.0.1",
    "inet_protocols": "ipv4",
    "mynetworks": "127.0.0.1/32",
    "maillog_file": "/var/log/mail.log",
    "alias_maps": "",
    "smtpd_sasl_local_domain": "EXAMPLE.TEST",
    "milter_default_action": "tempfail",
    "always_add_missing_headers": "yes",
}
SUBMISSION = {
    "smtpd_sasl_auth_enable": "yes",
    "smtpd_relay_restrictions": "permit_sasl_authenticated,reject",
    "milter_macro_daemon_name": "submission",
    "smtpd_milters": "unix:sealgate/sealgate.sock",
}


def run(*command: str, stdin: str = "") -> str:
    done = subprocess.run(command, input=stdin, capture_output=True, text=True, check=False, timeout=120)
    if done.returncode:
        raise RuntimeError(f"{command} ended with {done.returncode}: {done.stdout}{done.stderr}")
    return done.stdout


def wait_for(what: str, holds, seconds: float = 60):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := holds():
            return found
        time.sleep(0.05)
    raise RuntimeError(f"{what} did not happen; the log:\n{Path('/gate.log').read_text()[-4000:]}")


def status() -> dict:
    try:
        return json.loads(STATUS.read_text())
    except (OSError, ValueError):
        return {}


def configure() -> str:
    """Profile, key, login and Postfix; returns the record of the key."""
    Path("/etc/sealgate/profile.yaml").write_text(PROFILE.replace("keys: [", "# keys: ["))
    said = run("sealgate", "keys", "new", "example.test", "-s", "s1", "--one-string")
    record = said.partition("value: ")[2].strip()
    Path("/etc/sealgate/profile.yaml").write_text(PROFILE)
    with Path("/etc/sealgate/sealgate.yaml").open("a") as settings:
        settings.write("\n# An edit of the operator: nobody answers here.\n")
    text = Path("/etc/sealgate/sealgate.yaml").read_text()
    text = text.replace("dns_servers: []", "dns_servers: [127.0.0.1:9]").replace("workers: 0", "workers: 2")
    Path("/etc/sealgate/sealgate.yaml").write_text(text)
    run("useradd", "-m", "bob")
    Path("/etc/postfix/sasl").mkdir(exist_ok=True)
    Path("/etc/postfix/sasl/smtpd.conf").write_text(
        "pwcheck_method: auxprop\nauxprop_plugin: sasldb\nmech_list: PLAIN\n"
    )
    base = "/var/spool/postfix/etc/sasldb2"  # smtpd reads it in its chroot
    Path(base).parent.mkdir(exist_ok=True)
    run("saslpasswd2", "-p", "-c", "-f", base, "-u", "EXAMPLE.TEST", "alice", stdin=PASSWORD)
    run("chgrp", "postfix", base)
    run("chmod", "0640", base)
    run("postconf", *(f"{name}={value}" for name, value in MAIN.items()))
    run("postconf", "-M", "submission/inet=submission inet n - y - - smtpd")
    run("postconf", "-P", *(f"submission/inet/{name}={value}" for name, value in SUBMISSION.items()))
    return record


def start_gate() -> subprocess.Popen:
    unit = next(
        p for p in map(Path, ("/usr/lib/systemd/system", "/lib/systemd/system")) if (p / "sealgate.service").exists()
    )
    command = re.search(r"(?m)^ExecStart=(.*)$", (unit / "sealgate.service").read_text())
    assert command is not None
    run("install", "-d", "-o", "sealgate", "-g", "sealgate", str(RUN))  # RuntimeDirectory=
    with Path("/gate.log").open("ab") as log:
        gate = subprocess.Popen(
            command[1].split(),
            user="sealgate",
            group="sealgate",
            extra_groups=[],
            umask=0o027,
            cwd="/",
            env={"PATH": "/usr/bin:/bin"},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
    wait_for("the start", lambda: status().get("workers"))
    return gate


def letter(subject: str, sender: str = "alice@example.test", body: str = "See you.", kind: str = "plain") -> str:
    return (
        f"From: {sender}\r\nTo: bob@example.net\r\nSubject: {subject}\r\nMIME-Version: 1.0\r\n"
        f"Content-Type: text/{kind}; charset=utf-8\r\n\r\n{body}\r\n"
    )


def send(text: str) -> tuple[int, str]:
    """Send one message by a connection of its own; the last answer."""
    try:
        with smtplib.SMTP("127.0.0.1", PORT, "client.example.test", timeout=60) as client:
            client.login("alice", PASSWORD)
            client.sendmail("alice@example.test", ["bob@example.net"], text)
    except smtplib.SMTPRecipientsRefused as error:
        return next(iter(error.recipients.values()))[0], str(error)
    except smtplib.SMTPResponseException as error:
        return error.smtp_code, str(error.smtp_error)
    return 250, ""


class Traffic(threading.Thread):
    """Sends letters, one after the other, until it is told to end."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.codes: Counter[int] = Counter()
        self.said: set[str] = set()
        self.ending = threading.Event()

    def run(self) -> None:
        while not self.ending.wait(0.02):
            code, said = send(letter(f"Under way {self.codes.total()}"))
            self.codes[code] += 1
            if code != 250:
                self.said.add(said)


def upgrade(gate: subprocess.Popen) -> dict:
    """Install the newer package over the running gate while mail goes on."""
    old = status()
    traffic = [Traffic(), Traffic()]
    for each in traffic:
        each.start()
    time.sleep(1)
    said = run("dpkg", "-i", "--force-confold", "/newer.deb")
    wait_for("the replacement", lambda: is_replaced(old, status()))
    time.sleep(1)
    for each in traffic:
        each.ending.set()
    for each in traffic:
        each.join(60)
    return {
        "dpkg": said,
        "codes": sum((each.codes for each in traffic), Counter()),
        "said": sorted(set().union(*(each.said for each in traffic))),
        "same_process": gate.poll() is None and RUN.joinpath("sealgate.pid").read_text().strip() == str(gate.pid),
    }


def is_replaced(old: dict, new: dict) -> bool:
    """Whether another program serves, and no worker of the one before has a connection left."""
    if not new or new["born"] == old["born"] or new["starting"] or new["draining"]:
        return False
    return len(new["workers"]) == new["wanted"] and not set(new["workers"]) & set(old["workers"])


def main() -> None:
    record = configure()
    seen: dict = {"check": run("sealgate", "check")}
    gate = start_gate()
    run("postfix", "start")
    heavy = "<p>Dear Bob,</p>" + "<p>see <b>you</b> soon</p>" * 4_000  # beyond 64 KB: the reader process reads it
    seen["letter"] = send(letter("A letter"))
    seen["html"] = send(letter("A long one", body=heavy, kind="html"))
    seen["forged"] = send(letter("Forged", sender="carol@example.test"))
    seen["upgrade"] = upgrade(gate)
    accepted = 2 + seen["upgrade"]["codes"][250]
    wait_for("delivery", lambda: MAILBOX.exists() and MAILBOX.read_bytes().count(b"\nDKIM-Signature:") >= accepted)
    seen["accepted"] = accepted
    seen["delivered"] = MAILBOX.read_text().split("\nFrom ", 1)[0]
    seen["verify"] = run("sealgate", "verify", str(MAILBOX), "--key", f"{KEY_ROW}={record}")[-2000:]
    run("postfix", "stop")
    gate.terminate()
    seen["stopped"] = gate.wait(30)
    lines = [json.loads(line) for line in Path("/var/log/sealgate/audit.jsonl").read_text().splitlines()]
    seen["verdicts"] = Counter(line["verdict"] for line in lines if line.get("verdict"))
    seen["kinds"] = Counter(line["kind"] for line in lines)
    seen["line"] = next(line for line in lines if line.get("verdict") == "accept")
    seen["proof"] = run("sealgate", "audit", "verify")
    Path("/result.json").write_text(json.dumps(seen))


if __name__ == "__main__":
    main()
