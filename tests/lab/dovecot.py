"""Dovecot as Postfix's SASL server, for one `with` block.

`Dovecot` runs Dovecot's login service and nothing else of it, in a folder of its own, on a loopback port that Postfix
asks with `smtpd_sasl_type = dovecot` (`settings` has all it needs). Logins are by Kerberos ticket only. It runs as
root, because Dovecot changes to users of its own; `why_unavailable` says what is missing, and a Dovecot that does not
start raises `DovecotError` with its log.
"""

import os
import shutil
import subprocess
import time
from pathlib import Path
from typing import Self

from tests.lab.ports import answers, free_ports
from tests.lab.postfix import HOSTNAME
from tests.lab.realm import Realm, program

# A static passdb takes any password: `mechanisms` keeps it to tickets, which GSSAPI has proven before it is asked.
_CONF = """\
base_dir = {folder}/run
state_dir = {folder}/state
instance_name = lab
log_path = {folder}/dovecot.log
protocols =
listen = 127.0.0.1
ssl = no
import_environment = TZ KRB5_CONFIG={folder}/krb5.conf KRB5RCACHENAME=none:
auth_mechanisms = gssapi
auth_krb5_keytab = {folder}/keytab
auth_gssapi_hostname = {hostname}
auth_default_realm = {default_realm}
auth_username_format = {username_format}
auth_username_chars =
auth_failure_delay = 0
passdb {{
  driver = static
  args = nopassword=y
  mechanisms = gssapi
}}
userdb {{
  driver = static
  args = uid=nobody gid=nogroup home=/nonexistent
}}
service auth {{
  inet_listener {{
    address = 127.0.0.1
    port = {port}
  }}
}}
service anvil {{
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
"""


class DovecotError(RuntimeError):
    """Dovecot did not start or stop; the text holds its log."""


def why_unavailable() -> str:
    """Return why Dovecot cannot run here, or an empty string."""
    has_gssapi = any(Path("/usr/lib/dovecot").glob("**/libmech_gssapi.so")) or any(
        Path("/usr/lib").glob("*/dovecot/**/libmech_gssapi.so")
    )
    missing = {"dovecot-core": program("dovecot"), "dovecot-gssapi": has_gssapi}
    if packages := sorted(name for name, found in missing.items() if not found):
        return f"Dovecot SASL needs the Debian packages {', '.join(packages)}"
    return "" if os.geteuid() == 0 else "Dovecot must run as root: it changes to its own users"


class Dovecot:
    """One Dovecot that only logs in.

    Attributes:
        port: where Postfix asks, on 127.0.0.1.
        config: its configuration file.
    """

    def __init__(
        self, folder: Path, realm: Realm, *, username_format: str = "%u", default_realm: str | None = None
    ) -> None:
        """Describe it; nothing starts before `with`.

        Args:
            folder: one that every account may enter (`reachable_folder`).
            realm: a running realm with the principal `smtp/mail.example.test`.
            username_format: auth_username_format.
            default_realm: auth_default_realm; `None`: the realm's name.
        """
        self.folder = folder
        self.config = folder / "dovecot.conf"
        self.port = 0
        self._realm = realm
        self._format = username_format
        self._default_realm = realm.name if default_realm is None else default_realm
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def settings(self) -> dict[str, str]:
        """What main.cf needs to ask this Dovecot."""
        return {
            "smtpd_sasl_type": "dovecot",
            "smtpd_sasl_path": f"inet:127.0.0.1:{self.port}",
            "smtpd_sasl_local_domain": "",
        }

    def __enter__(self) -> Self:
        """Start Dovecot and wait until it listens.

        Raises:
            DovecotError: it did not start; with its log.
        """
        (self.port,) = free_ports(1)
        for name in ("run", "state"):
            (self.folder / name).mkdir(exist_ok=True)
        krb5_conf, keytab = self.folder / "krb5.conf", self.folder / "keytab"
        shutil.copy(self._realm.environment["KRB5_CONFIG"], krb5_conf)
        krb5_conf.chmod(0o644)
        keytab.touch(mode=0o600)
        shutil.copyfile(self._realm.keytab(f"smtp/{HOSTNAME}"), keytab)
        shutil.chown(keytab, "root", "dovecot")
        keytab.chmod(0o640)
        self.config.write_text(
            _CONF.format(
                folder=self.folder,
                hostname=HOSTNAME,
                default_realm=self._default_realm,
                username_format=self._format,
                port=self.port,
            )
        )
        self._process = subprocess.Popen(
            [program("dovecot") or "dovecot", "-F", "-c", str(self.config)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=(self.folder / "dovecot.err").open("wb"),
            start_new_session=True,
        )
        end = time.monotonic() + 20
        while not answers(self.port):
            if self._process.poll() is not None or time.monotonic() > end:
                said = self.log()
                self._stop()
                raise DovecotError(f"Dovecot does not answer on 127.0.0.1:{self.port}: {said}")
            time.sleep(0.02)
        return self

    def __exit__(self, *_: object) -> None:
        """Stop Dovecot."""
        self._stop()

    def log(self) -> str:
        """The end of what it logged."""
        paths = (self.folder / "dovecot.err", self.folder / "dovecot.log")
        return "".join(path.read_text(errors="replace")[-3000:] for path in paths if path.exists())

    def _stop(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.terminate()  # the master ends its processes
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise DovecotError(f"Dovecot did not end: {self.log()}") from None
