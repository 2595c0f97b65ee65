"""The gates that are compared: how each is configured, started in a folder of its own, and stopped.

A gate is a milter that signs for example.test with an RSA-2048 key of its own. `GATES` names them all; `Kind.start`
runs one for a `with` block and says where it listens, which DNS records publish its key and which settings its Postfix
has beside the lab's. Each is configured as its Debian package's sample suggests: only paths, domain and key are filled
in, and what wants a network is switched off. The host's own instances are neither read nor touched. A program that is
not installed raises `Missing` with its name, one that does not listen `GateFailed`.
"""

import contextlib
import os
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import sealgate
from sealgate.seal.keys import generate, load, public_record
from tests.drivers.cases import profile_text
from tests.lab.gate import DOMAIN, Gate, GateError
from tests.lab.postfix import HOSTNAME
from tests.lab.realm import program

SELECTOR: Final = "rsa"
IDN: Final = "xn--bcher-kva.test"  # where alice has a second address
PATIENCE: Final = 30.0  # seconds until a gate listens, on a busy machine

_OPENDKIM: Final = """\
Syslog no
Mode s
Canonicalization relaxed/simple
OversignHeaders From
KeyTable {folder}/keytable
SigningTable refile:{folder}/signingtable
InternalHosts 127.0.0.1
RequireSafeKeys no
UMask 000
Socket local:{socket}
"""
_DKIMPY: Final = """\
Syslog no
Mode s
AuthservID {host}
Domain csl:{domain},{idn}
Selector {selector}
KeyFile {folder}/key.pem
InternalHosts 127.0.0.1
PidFile {folder}/pid
UserID dkimpy-milter
UMask 000
Socket local:{socket}
"""
# What Debian's configuration of rspamd is overridden with, file by file. No name server is asked: there is none at
# 127.0.0.1 on this port, and what would ask one is off.
_RSPAMD: Final = {
    "worker-normal.inc": "enabled = false;\n",
    "worker-controller.inc": "enabled = false;\n",
    "worker-fuzzy.inc": "enabled = false;\n",
    "worker-proxy.inc": 'bind_socket = "{socket} mode=0666";\nupstream "local" {{ default = yes; self_scan = yes; }}\n',
    "options.inc": 'filters = "chartable,dkim,regexp";\ndisable_hyperscan = true;\n'  # it is only quicker
    'dns {{ nameserver = ["127.0.0.1:9"]; timeout = 0.1s; retransmits = 1; }}\n'
    'control_socket = "{folder}/control.sock mode=0600";\n',
    "dkim_signing.conf": 'sign_authenticated = true;\nselector = "{selector}";\npath = "{folder}/key.pem";\n',
    "logging.inc": 'type = "file";\nfilename = "{folder}/rspamd.log";\n',
}
_NEEDS_A_NETWORK: Final = ("arc", "asn", "dmarc", "elastic", "fuzzy_check", "phishing", "rbl", "spf", "whitelist")
# Postfix's own answer to forged senders, which sees the envelope only: postconf(5), smtpd_sender_login_maps.
_LOGIN_MAPS: Final = {
    "smtpd_sender_login_maps": "inline:{{alice@example.test = alice@EXAMPLE.TEST},"
    " {alice@xn--bcher-kva.test = alice@EXAMPLE.TEST}, {alice@bücher.test = alice@EXAMPLE.TEST}}",
    "recipient_delimiter": "+",
    "smtpd_sender_restrictions": "reject_sender_login_mismatch",
}


class Missing(RuntimeError):
    """A gate is not installed; the text is the name of its package."""


class GateFailed(RuntimeError):
    """A gate did not start; the text holds what it said."""


@dataclass(frozen=True, slots=True)
class Running:
    """A gate that listens.

    Attributes:
        milter: its socket as Postfix writes it, or None: Postfix alone.
        records: names and texts of the TXT records that publish its keys.
        settings: main.cf parameters of the Postfix in front of it.
    """

    milter: str | None
    records: Mapping[str, str] = field(default_factory=dict)
    settings: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Kind:
    """One row of the table.

    Attributes:
        code: its name on the command line.
        title: its name in the table.
        package: the Debian package that it comes from; empty: this project.
        start: starts it in a folder, for a `with` block.
    """

    code: str
    title: str
    package: str
    start: Callable[[Path], contextlib.AbstractContextManager[Running]]

    def version(self) -> str:
        """The package's version, as Debian writes it.

        Raises:
            Missing: it is not installed.
        """
        if not self.package:
            return sealgate.__version__
        asked = ["dpkg-query", "-W", "-f", "${db:Status-Status} ${Version}", self.package]
        try:
            done = subprocess.run(asked, capture_output=True, text=True, check=False)
        except FileNotFoundError:
            raise Missing(self.package) from None
        status, _, version = done.stdout.partition(" ")
        if status != "installed":
            raise Missing(self.package)
        return version


@contextlib.contextmanager
def _nothing(folder: Path) -> Iterator[Running]:
    """Postfix alone: what it refuses by itself, it refuses in every row."""
    yield Running(None)


@contextlib.contextmanager
def _opendkim(folder: Path) -> Iterator[Running]:
    records = _new_key(folder)
    domains = (DOMAIN, IDN)
    (folder / "keytable").write_text("".join(f"{d} {d}:{SELECTOR}:{folder}/key.pem\n" for d in domains))
    (folder / "signingtable").write_text("".join(f"*@{d} {d}\n" for d in domains))
    conf, socket = _written(folder, _OPENDKIM)
    with _daemon([_program("opendkim"), "-f", "-x", str(conf)], folder, socket):
        yield Running(f"unix:{socket}", records)


@contextlib.contextmanager
def _opendkim_and_login_maps(folder: Path) -> Iterator[Running]:
    with _opendkim(folder) as running:
        yield Running(running.milter, running.records, _LOGIN_MAPS)


@contextlib.contextmanager
def _dkimpy(folder: Path) -> Iterator[Running]:
    records = _new_key(folder)
    conf, socket = _written(folder, _DKIMPY)
    shutil.chown(folder, "dkimpy-milter")  # it makes its socket after it has become this user
    with _daemon([_program("dkimpy-milter"), str(conf)], folder, socket):
        yield Running(f"unix:{socket}", records)


@contextlib.contextmanager
def _rspamd(folder: Path) -> Iterator[Running]:
    records = _new_key(folder)
    socket = folder / "gate.sock"
    override = folder / "override.d"
    override.mkdir()
    for name, text in _RSPAMD.items():
        (override / name).write_text(text.format(folder=folder, socket=socket, selector=SELECTOR))
    for name in _NEEDS_A_NETWORK:
        (override / f"{name}.conf").write_text("enabled = false;\n")
    (folder / "local.d").mkdir()
    (folder / "key.pem").chmod(0o600)
    for path in (folder, folder / "key.pem"):
        shutil.chown(path, "_rspamd")
    command = [_program("rspamd"), "-f", "-u", "_rspamd", "-g", "_rspamd"]
    for variable in ("LOCAL_CONFDIR", "DBDIR", "RUNDIR", "LOGDIR"):
        command += ["--var", f"{variable}={folder}"]
    with _daemon(command, folder, socket):
        yield Running(f"unix:{socket}", records)


@contextlib.contextmanager
def _sealgate(folder: Path) -> Iterator[Running]:
    try:
        with Gate(folder, profile_text("attack")) as gate:
            yield Running(gate.address, of_both_domains(gate.records))
    except GateError as error:
        raise GateFailed(str(error)) from error


GATES: Final = (
    Kind("postfix", "Postfix, no milter", "postfix", _nothing),
    Kind("opendkim", "OpenDKIM", "opendkim", _opendkim),
    Kind("opendkim-maps", "OpenDKIM and smtpd_sender_login_maps", "opendkim", _opendkim_and_login_maps),
    Kind("dkimpy-milter", "dkimpy-milter", "dkimpy-milter", _dkimpy),
    Kind("rspamd", "rspamd", "rspamd", _rspamd),
    Kind("sealgate", "sealgate", "", _sealgate),
)


def _new_key(folder: Path) -> dict[str, str]:
    pem = generate("rsa2048")
    path = folder / "key.pem"
    path.touch(mode=0o600)
    path.write_bytes(pem)
    return of_both_domains({f"{SELECTOR}._domainkey.{DOMAIN}": public_record(load(pem, DOMAIN, SELECTOR))})


def of_both_domains(records: Mapping[str, str]) -> dict[str, str]:
    """The records of the first domain, and the same for the second, which is signed with the same key."""
    return {**records, **{name.replace(DOMAIN, IDN): text for name, text in records.items()}}


def _written(folder: Path, text: str) -> tuple[Path, Path]:
    conf, socket = folder / "conf", folder / "gate.sock"
    conf.write_text(text.format(folder=folder, socket=socket, host=HOSTNAME, domain=DOMAIN, idn=IDN, selector=SELECTOR))
    return conf, socket


def _program(name: str) -> str:
    found = program(name)
    if found is None:
        raise Missing(name)
    return found


@contextlib.contextmanager
def _daemon(command: list[str], folder: Path, socket: Path) -> Iterator[None]:
    """Run a program until the end of the block, in a session of its own: Ctrl-C shall not reach it before us."""
    out = folder / "out"
    environment = {"PATH": f"{os.defpath}:/usr/sbin:/sbin", "LC_ALL": "C.UTF-8"}
    with out.open("wb") as log:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=folder,
            env=environment,
            start_new_session=True,
        )
    try:
        end = time.monotonic() + PATIENCE
        while not socket.exists():
            if process.poll() is not None or time.monotonic() > end:
                raise GateFailed(f"{command[0]} does not listen: {_last_words(folder)}")
            time.sleep(0.02)
        yield
        if process.poll() is not None:
            raise GateFailed(f"{command[0]} ended with {process.returncode}: {_last_words(folder)}")
    finally:
        process.terminate()
        try:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(10)
        finally:  # also where Ctrl-C comes while we wait
            if process.poll() is None:
                process.kill()
                process.wait()


def _last_words(folder: Path) -> str:
    logs = (folder / "out", *folder.glob("*.log"))
    return re.sub(r"\s+", " ", "".join(path.read_text(errors="replace")[-1500:] for path in logs if path.exists()))
