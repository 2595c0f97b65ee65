"""saslauthd, which checks passwords against Kerberos for Cyrus SASL's PLAIN, for one `with` block.

`Saslauthd` runs `saslauthd -a kerberos5` on a socket of its own; `cyrus` has the lines that Postfix's smtpd.conf needs
to ask it. It proves the KDC with the key of `smtp/<this host's name>`, so it is started in a UTS namespace in which the
host bears the lab's name. It wants root; `why_unavailable` says what is missing.
"""

import os
import shutil
import signal
import subprocess
import time
from pathlib import Path
from typing import Self

from tests.lab.postfix import HOSTNAME
from tests.lab.realm import Realm, program


class SaslauthdError(RuntimeError):
    """saslauthd did not start; the text holds its log."""


def why_unavailable() -> str:
    """Return why saslauthd cannot run here, or an empty string."""
    missing = {
        "sasl2-bin": program("saslauthd"),
        "libsasl2-modules": any(Path("/usr/lib").glob("*/sasl2/libplain.so*")),
        "util-linux": program("unshare"),
    }
    if packages := sorted(name for name, found in missing.items() if not found):
        return f"PLAIN logins need the Debian packages {', '.join(packages)}"
    return "" if os.geteuid() == 0 else "saslauthd must run as root: it is given a host name of its own"


class Saslauthd:
    """One saslauthd. `folder` must be one that every account may enter (`reachable_folder`)."""

    def __init__(self, folder: Path, realm: Realm) -> None:
        self.folder = folder
        self._realm = realm
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def cyrus(self) -> dict[str, str]:
        """The lines of smtpd.conf: PLAIN and LOGIN, with passwords checked here."""
        return {
            "mech_list": "PLAIN LOGIN",
            "pwcheck_method": "saslauthd",
            "saslauthd_path": f"{self.folder}/run/mux",
        }

    def __enter__(self) -> Self:
        """Start it and wait for its socket.

        Raises:
            SaslauthdError: it did not start.
        """
        (self.folder / "run").mkdir(exist_ok=True)
        (self.folder / "run").chmod(0o711)
        keytab = self.folder / "saslauthd.keytab"
        shutil.copyfile(self._realm.keytab(f"smtp/{HOSTNAME}"), keytab)
        keytab.chmod(0o600)
        conf = self.folder / "saslauthd.conf"
        # A service's name; the host part is the host's own.
        conf.write_text(f"krb5_keytab: {keytab}\nkrb5_verify_principal: smtp\n")
        # -d keeps it in the foreground.
        command = f'hostname {HOSTNAME} && exec "$@"'
        daemon = [program("saslauthd") or "saslauthd", "-d", "-a", "kerberos5", "-n", "1"]
        with (self.folder / "saslauthd.log").open("wb") as log:
            self._process = subprocess.Popen(
                [
                    program("unshare") or "unshare", "--uts", "sh", "-c", command, "sh",
                    *daemon, "-m", f"{self.folder}/run", "-O", str(conf),
                ],
                env={**os.environ, **self._realm.environment, "KRB5RCACHENAME": "none:"},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )  # fmt: skip
        end = time.monotonic() + 20
        while not (self.folder / "run" / "mux").exists():
            if self._process.poll() is not None or time.monotonic() > end:
                said = self.log()
                self._stop()
                raise SaslauthdError(f"saslauthd does not answer: {said}")
            time.sleep(0.02)
        return self

    def __exit__(self, *_: object) -> None:
        """Stop it."""
        self._stop()

    def log(self) -> str:
        """The end of what it said."""
        path = self.folder / "saslauthd.log"
        return path.read_text(errors="replace")[-3000:] if path.exists() else ""

    def _stop(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        os.killpg(process.pid, signal.SIGTERM)  # the session is its own: only it and its workers
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
