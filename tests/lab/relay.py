"""A private Postfix that lives as long as a `with` block.

`Relay` starts Postfix with configuration, queue, data folder and log file of its own, on 127.0.0.1 only: a submission
listener (TLS, GSSAPI login through Cyrus SASL), a plain listener for the loopback, and local submission by sendmail(1).
All pass through the milter under test and are delivered by smtp(8) to a `Sink`. The host's own Postfix is neither read
nor touched. Postfix wants root; without it, or without the packages, entering raises `RelayUnavailable`, which a test
may turn into a skip. A Postfix that does not start raises `RelayError` with the end of its log.
"""

import contextlib
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Self

from tests.lab.postfix import HOSTNAME, Places, main_cf, master_cf
from tests.lab.realm import Realm, RealmError, program
from tests.lab.sink import Sink

_SASL_PLUGINS = (  # Debian's libsasl2-modules-gssapi-mit and -heimdal put it in one of these
    "/usr/lib/*/sasl2/libgssapiv2.so*",
    "/usr/lib*/sasl2/libgssapiv2.so*",
)


class RelayError(RuntimeError):
    """Postfix, or a program beside it, failed; the text holds the end of the log."""


class RelayUnavailable(RelayError):
    """This host cannot run the relay; the text says what to install or to do."""


@contextlib.contextmanager
def reachable_folder() -> Iterator[Path]:
    """Make a folder that every account can enter but not list, and remove it at the end.

    For what the unprivileged user `postfix` must open: a keytab, or a milter's Unix socket. A folder of pytest's
    `tmp_path` will not do, all of them lie below one that only its owner may enter.
    """
    folder = Path(tempfile.mkdtemp(prefix="lab-"))
    try:
        folder.chmod(0o711)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def why_unavailable() -> str:
    """Return why no relay can run here, as advice to the user, or an empty string."""
    missing = {
        "postfix": program("postfix"),
        "openssl": program("openssl"),
        "libsasl2-modules-gssapi-mit": any(any(Path("/").glob(each[1:])) for each in _SASL_PLUGINS),
    }
    if packages := sorted(name for name, found in missing.items() if not found):
        return f"the test relay needs the Debian packages {', '.join(packages)}"
    if os.geteuid() != 0:
        return "the test relay must run as root: Postfix changes to its own users"
    return ""


class Relay:
    """One Postfix instance and its sink, for one `with` block.

    Attributes:
        folder: configuration, queue and log; any folder will do.
        sink: where everything is delivered.
        submission_port: the listener `{daemon_name}` submission: TLS and a GSSAPI login are demanded.
        plain_port: the listener `{daemon_name}` smtpd: no login, loopback only.
    """

    def __init__(
        self,
        folder: Path,
        realm: Realm,
        milter: str | None,
        *,
        submission_port: int,
        plain_port: int,
        sink_port: int,
        settings: Mapping[str, str] | None = None,
        sink_extensions: tuple[str, ...] = ("8BITMIME", "SMTPUTF8"),
        cyrus: Mapping[str, str] | None = None,
    ) -> None:
        """Describe the relay; nothing starts before `with`.

        Args:
            folder: made if it is not there.
            realm: a running realm; the principal `smtp/mail.example.test` is added if it is not there.
            milter: as Postfix writes it, `inet:127.0.0.1:PORT` or `unix:/path`, or None for no milter.
            submission_port: TCP port on 127.0.0.1.
            plain_port: TCP port on 127.0.0.1.
            sink_port: TCP port on 127.0.0.1; 0 for any free one.
            settings: main.cf parameters, added to the lab's or in place of them. `lab_submission_tls` and
                `lab_submission_relay` are the submission listener's smtpd_tls_security_level (`encrypt`) and
                smtpd_relay_restrictions (`permit_sasl_authenticated,reject`).
            sink_extensions: what the sink's EHLO offers.
            cyrus: lines of Cyrus SASL's smtpd.conf, added to the lab's or in place of them, such as `mech_list`.
        """
        self.folder = folder.resolve()
        self.realm = realm
        self.milter = milter
        self.submission_port = submission_port
        self.plain_port = plain_port
        self.config = self.folder / "postfix"
        self.log_file = self.folder / "postfix.log"
        self._sink_port = sink_port
        self._sink_extensions = sink_extensions
        self._settings = dict(settings or {})
        self._cyrus = dict(cyrus or {})
        self._stack = contextlib.ExitStack()
        self.sink: Sink

    def __enter__(self) -> Self:
        """Write the configuration, start the sink and Postfix, wait for both listeners.

        Raises:
            RelayUnavailable: not root, or a package is missing.
            RelayError: Postfix did not start; with the end of its log.
            OSError: the sink's port is taken.
        """
        if why := why_unavailable():
            raise RelayUnavailable(why)
        with contextlib.ExitStack() as stack:
            self.sink = stack.enter_context(Sink(self._sink_port, self._sink_extensions))
            self._configure(stack.enter_context(reachable_folder()))
            stack.callback(self._stop)
            self._start()
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop Postfix and the sink."""
        self._stack.close()

    def sendmail(self, message: bytes, sender: str, recipients: Sequence[str]) -> None:
        """Submit a message by sendmail(1), as a program on this host does; the milter sees it after this returns.

        Args:
            message: LF or CRLF line ends; nothing but the line ends is changed here.
            sender: envelope sender, an empty string for the null sender.
            recipients: envelope recipients.

        Raises:
            RelayError: sendmail failed.
        """
        self.run("sendmail", "-i", "-f", sender, "--", *recipients, stdin=message)

    def run(self, name: str, *arguments: str, stdin: bytes = b"") -> str:
        """Run one of Postfix's programs on this instance (`postqueue -f`, `postconf`, ...) and return what it printed.

        Raises:
            RelayError: it ended with another code than 0, or after a minute.
        """
        found = program(name)
        if found is None:
            raise RelayUnavailable(f"{name} is not installed")
        done = subprocess.run(
            [found, *arguments],
            input=stdin,
            env={**os.environ, "MAIL_CONFIG": str(self.config), "LC_ALL": "C.UTF-8"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=60,
            check=False,
        )
        said = done.stdout.decode(errors="replace")
        if done.returncode:
            raise RelayError(f"{name} {' '.join(arguments)} ended with {done.returncode}: {said}\n{self.log()}")
        return said

    def log(self, lines: int = 40) -> str:
        """Return the last lines of Postfix's log."""
        text = self.log_file.read_text(errors="replace") if self.log_file.exists() else ""
        return "\n".join(text.splitlines()[-lines:])

    def wait_for_log(self, text: str, seconds: float = 20) -> str:
        """Wait for a log line with this text and return the line.

        Raises:
            TimeoutError: it was not written; with the end of the log.
        """
        end = time.monotonic() + seconds
        while True:
            written = self.log_file.read_text(errors="replace").splitlines()
            for line in written:
                if text in line:
                    return line
            if time.monotonic() > end:
                raise TimeoutError(f"the log has no {text!r}; its end is:\n{self.log()}")
            time.sleep(0.02)

    def _configure(self, open_folder: Path) -> None:
        """Write everything Postfix reads; `open_folder` is for what its unprivileged user must open."""
        queue, sasl = self.folder / "queue", self.config / "sasl"
        sasl.mkdir(parents=True, exist_ok=True)
        queue.mkdir(exist_ok=True)  # Postfix makes and checks what is in it
        # The lock and the caches in data_directory belong to postfix, and so must the folder.
        data = open_folder / "data"
        data.mkdir(mode=0o700)
        shutil.chown(data, "postfix")
        krb5_conf = open_folder / "krb5.conf"
        shutil.copy(self.realm.environment["KRB5_CONFIG"], krb5_conf)
        krb5_conf.chmod(0o644)
        keytab = open_folder / "keytab"
        keytab.touch(mode=0o600)
        shutil.copyfile(self._service_keytab(), keytab)
        shutil.chown(keytab, "postfix")
        lines = {"mech_list": "GSSAPI", "keytab": str(keytab), **self._cyrus}
        (sasl / "smtpd.conf").write_text("".join(f"{name}: {value}\n" for name, value in lines.items()))
        self._certificate()
        places = Places(self.config, queue, data, self.log_file, krb5_conf)
        main = self.config / "main.cf"
        main.write_text(main_cf(places, self.realm.name, self.milter, self.sink.port, self._settings), encoding="utf-8")
        # Postfix does not read a main.cf that is younger than two seconds: it waits, somebody may still be writing it.
        os.utime(main, (0, 0))
        (self.config / "master.cf").write_text(master_cf(self.submission_port, self.plain_port))
        self.log_file.touch()

    def _service_keytab(self) -> Path:
        service = f"smtp/{HOSTNAME}"
        try:
            return self.realm.keytab(service)
        except RealmError:
            self.realm.add(service)
            return self.realm.keytab(service)

    def _certificate(self) -> None:
        curve = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")  # quicker to make than RSA
        self.run("openssl", "req", "-x509", *curve, "-days", "2", "-subj", f"/CN={HOSTNAME}",
                 "-addext", f"subjectAltName=DNS:{HOSTNAME},DNS:localhost,IP:127.0.0.1",
                 "-keyout", str(self.config / "key.pem"), "-out", str(self.config / "cert.pem"))  # fmt: skip

    def _start(self) -> None:
        # Ends when the master listens on all ports; nothing is sent to them here, the milter would count a session.
        self.run("postfix", "-c", str(self.config), "start")

    def _stop(self) -> None:
        """Stop Postfix, if it runs; one that does not end is an error."""
        try:
            self.run("postfix", "-c", str(self.config), "status")
        except RelayError:
            return
        self.run("postfix", "-c", str(self.config), "stop")
