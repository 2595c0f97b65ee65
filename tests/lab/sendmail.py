"""A private Sendmail that lives as long as a `with` block.

`Sendmail` runs Debian's Sendmail from a folder that its packages were unpacked into, so that it can stand beside a
Postfix: `packaging/prepare test` makes that folder, `sendmail` beside the Python that runs the tests. Its configuration
is the one of doc/sendmail.md, word by word but for ports, paths and the gate's address; queue, keytab and certificate
are its own, all is on 127.0.0.1, and what it accepts goes to a `Sink`. Sendmail finds its keytab by /etc/krb5.conf
alone and its own name by /etc/hosts, so it runs in a mount and UTS namespace with others in their place. That wants
root; where that or a package is missing `SendmailUnavailable` says so, which a test may turn into a skip.
"""

import contextlib
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final, Self

from tests.lab.gate import ROOT
from tests.lab.ports import answers
from tests.lab.postfix import HOSTNAME
from tests.lab.realm import Realm, RealmError, program
from tests.lab.sink import Sink

GUIDE: Final = ROOT / "doc" / "sendmail.md"
_BLOCK: Final = re.compile(r"^```m4\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_PLACES: Final = ("usr/libexec/sendmail/sendmail", "usr/share/sendmail/cf/m4/cf.m4")

# What a site's sendmail.mc has before the lines of the guide; here all of it lies in the folder of the test.
_HEAD: Final = """\
divert(0)dnl
VERSIONID(`lab')dnl
OSTYPE(`linux')dnl
define(`confDOMAIN_NAME', `{host}')dnl
define(`QUEUE_DIR', `{folder}/queue')dnl
define(`confPID_FILE', `{folder}/pid')dnl
define(`STATUS_FILE', `{folder}/statistics')dnl
define(`HELP_FILE', `{folder}/help')dnl
define(`ALIAS_FILE', `{folder}/aliases')dnl
define(`confSERVICE_SWITCH_FILE', `{folder}/switch')dnl
define(`confCW_FILE', `-o {folder}/names')dnl
define(`confHOST_STATUS_DIRECTORY', `')dnl
define(`confTO_IDENT', `0')dnl
define(`confDEF_USER_ID', `8:8')dnl
define(`confBAD_RCPT_THROTTLE', `0')dnl
define(`SMART_HOST', `esmtp:[127.0.0.1]')dnl
define(`MAIL_HUB', `esmtp:[127.0.0.1]')dnl
define(`LOCAL_RELAY', `esmtp:[127.0.0.1]')dnl
define(`ESMTP_MAILER_ARGS', `TCP $h {sink}')dnl
FEATURE(`accept_unresolvable_domains')dnl
"""
_TAIL: Final = "MAILER(`smtp')dnl\n"

# What in /etc it shall see instead of the host's: no name server is asked for anything.
_REPLACED: Final = ("hosts", "krb5.conf", "nsswitch.conf", "resolv.conf")
# Sendmail opens no key and no socket below a folder that others may write to, as /tmp: it sees its own elsewhere.
_SEEN_AT: Final = Path("/mnt")
_INSIDE: Final = (
    f'hostname "$2" && mount --bind "$1" {_SEEN_AT} && '
    + "".join(f'mount --bind "$1/{name}" /etc/{name} && ' for name in _REPLACED)
    + 'shift 2 && exec "$@"'
)


class SendmailError(RuntimeError):
    """Sendmail, or a program beside it, failed."""


class SendmailUnavailable(SendmailError):
    """This host cannot run it; the text says what to do."""


def unpacked() -> Path | None:
    """The folder that holds Sendmail's packages: `$LAB_SENDMAIL`, the one that was prepared, or the host's own root."""
    given = os.environ.get("LAB_SENDMAIL")
    choices = [Path(given)] if given else [Path(sys.prefix) / "sendmail", Path("/")]
    return next((each for each in choices if all((each / place).exists() for place in _PLACES)), None)


def why_unavailable() -> str:
    """Return why no Sendmail can run here, as advice to the user, or an empty string."""
    folder = unpacked()
    if folder is None:
        return "Debian's sendmail-bin and sendmail-cf are not unpacked; packaging/prepare test does it"
    wanted = {"unshare": "util-linux", "mount": "mount", "openssl": "openssl", "hostname": "hostname"}
    missing = {package for name, package in wanted.items() if not program(name)}
    if not _m4(folder):
        missing.add("m4")
    if missing:
        return f"the test relay needs the Debian packages {', '.join(sorted(missing))}"
    if os.geteuid() != 0:
        return "Sendmail must run as root, in namespaces of its own"
    if absent := [name for name in _REPLACED if not Path("/etc", name).exists()]:
        return f"/etc has no {', '.join(absent)} that another one could take the place of"
    said = subprocess.run(["ldd", str(folder / _PLACES[0])], capture_output=True, text=True, check=False).stdout
    if lacking := re.findall(r"(\S+) => not found", said):
        return f"Sendmail lacks the libraries {', '.join(lacking)}"
    return ""


def guide() -> str:
    """The lines for sendmail.mc of the guide."""
    return "".join(_BLOCK.findall(GUIDE.read_text(encoding="utf-8")))


def sendmail_mc(folder: Path, milter: str, ports: tuple[int, int, int], settings: str = "") -> str:
    """Return the whole sendmail.mc of the lab.

    Args:
        folder: where its files are.
        milter: the gate's address as Sendmail writes it, `inet:port@host` or `unix:/path`.
        ports: of the submission listener, the plain listener and the sink.
        settings: further lines, which come last and win.
    """
    submission, plain, sink = ports
    text = guide()
    for old, new in (
        ("Addr=0.0.0.0, Port=587", f"Addr=127.0.0.1, Port={submission}"),
        ("Addr=0.0.0.0, Port=25", f"Addr=127.0.0.1, Port={plain}"),
        ("S=inet:8894@127.0.0.1", f"S={milter}"),
        ("/etc/ssl/certs/ca-certificates.crt", f"{folder}/cert.pem"),
        ("/etc/ssl/certs'", f"{folder}'"),
        ("/etc/mail/tls/cert.pem", f"{folder}/cert.pem"),
        ("/etc/mail/tls/key.pem", f"{folder}/key.pem"),
    ):
        if text.count(old) != 1:
            raise SendmailError(f"the guide does not say {old!r} once")
        text = text.replace(old, new)
    return _HEAD.format(folder=folder, host=HOSTNAME, sink=sink) + text + settings + _TAIL


def made_cf(mc: Path) -> bytes:
    """Return the sendmail.cf that m4 makes of a sendmail.mc.

    Raises:
        SendmailUnavailable: Sendmail's packages are not there.
        SendmailError: m4 failed.
    """
    root = unpacked()
    if root is None or not _m4(root):
        raise SendmailUnavailable(why_unavailable())
    cf = root / "usr/share/sendmail/cf"
    made = subprocess.run(
        [_m4(root), f"-D_CF_DIR_={cf}/", str(cf / "m4/cf.m4"), str(mc)], capture_output=True, check=False
    )
    if made.returncode or b"ERROR" in made.stderr:
        raise SendmailError(f"m4: {made.stderr.decode(errors='replace')}")
    return made.stdout


class Sendmail:
    """One Sendmail and its sink, for one `with` block.

    Attributes:
        folder: configuration and queue; any folder will do.
        sink: where everything is delivered.
        submission_port: the listener `{daemon_name}` submission: a GSSAPI login is demanded.
        plain_port: the listener `{daemon_name}` smtpd.
    """

    def __init__(
        self,
        folder: Path,
        realm: Realm,
        milter: str,
        *,
        submission_port: int,
        plain_port: int,
        sink_port: int,
        settings: str = "",
        sink_extensions: tuple[str, ...] = ("8BITMIME",),
    ) -> None:
        """Describe it; nothing starts before `with`.

        Args:
            folder: made if it is not there.
            realm: a running realm; the principal `smtp/mail.example.test` is added if it is not there.
            milter: as Sendmail writes it, `inet:PORT@127.0.0.1` or `unix:/path`.
            submission_port: TCP port on 127.0.0.1.
            plain_port: TCP port on 127.0.0.1.
            sink_port: TCP port on 127.0.0.1.
            settings: lines of m4 behind those of the guide.
            sink_extensions: what the sink's EHLO offers.
        """
        self.folder = folder.resolve()
        self.realm = realm
        self.milter = milter
        self.submission_port = submission_port
        self.plain_port = plain_port
        self._sink_port = sink_port
        self._sink_extensions = sink_extensions
        self._settings = settings
        self._daemon: subprocess.Popen[bytes] | None = None
        self._stack = contextlib.ExitStack()
        self.sink: Sink

    def __enter__(self) -> Self:
        """Write the configuration, start the sink and Sendmail, wait for both listeners.

        Raises:
            SendmailUnavailable: not root, or a package is missing.
            SendmailError: it did not start.
        """
        if why := why_unavailable():
            raise SendmailUnavailable(why)
        with contextlib.ExitStack() as stack:
            self.sink = stack.enter_context(Sink(self._sink_port, self._sink_extensions))
            self._configure()
            stack.callback(self._stop)
            self._start()
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop Sendmail and the sink."""
        self._stack.close()

    @property
    def config(self) -> Path:
        """Its sendmail.cf."""
        return self.folder / "sendmail.cf"

    def command(self, *arguments: str) -> list[str]:
        """The command line that runs this Sendmail with these arguments, in namespaces of its own."""
        root = unpacked()
        assert root is not None
        inside = [str(self.folder), HOSTNAME, str(root / _PLACES[0]), "-C", f"{_SEEN_AT}/sendmail.cf", *arguments]
        return [program("unshare") or "unshare", "--mount", "--uts", "--", "/bin/sh", "-c", _INSIDE, "sh", *inside]

    def run(self, *arguments: str, stdin: bytes = b"") -> str:
        """Run sendmail with these arguments on this instance and return what it printed.

        Raises:
            SendmailError: it ended with another code than 0, or after a minute.
        """
        done = subprocess.run(
            self.command(*arguments),
            input=stdin,
            env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=60,
            check=False,
        )
        said = done.stdout.decode(errors="replace")
        if done.returncode:
            raise SendmailError(f"sendmail {' '.join(arguments)} ended with {done.returncode}: {said}")
        return said

    def wait_for(self, octets: bytes, after: int = 0, seconds: float = 20) -> bytes:
        """Wait for a message that holds these octets, behind the first `after` of the sink's, and return it.

        Raises:
            TimeoutError: it did not come.
        """
        end = time.monotonic() + seconds
        while True:
            for message in self.sink.messages[after:]:
                if octets in message.data:
                    return message.data
            if time.monotonic() > end:
                raise TimeoutError(f"no message with {octets!r} came; {self.log()}")
            time.sleep(0.01)

    def log(self) -> str:
        """What Sendmail printed, and the end of the SMTP dialogues."""
        names = ("out", "dialogues")
        return "\n".join((self.folder / name).read_text(errors="replace")[-3000:] for name in names)

    def _configure(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.folder.chmod(0o755)
        queue = self.folder / "queue"
        queue.mkdir(mode=0o700, exist_ok=True)
        for name, text in self._files().items():
            (self.folder / name).write_text(text)
            (self.folder / name).chmod(0o644)
        keytab = self.folder / "keytab"
        keytab.touch(mode=0o600)
        shutil.copyfile(self._service_keytab(), keytab)
        self._certificate()
        self.config.write_bytes(made_cf(self.folder / "sendmail.mc"))
        self.config.chmod(0o644)

    def _files(self) -> Mapping[str, str]:
        ports = self.submission_port, self.plain_port, self.sink.port
        krb5 = Path(self.realm.environment["KRB5_CONFIG"]).read_text()
        return {
            "sendmail.mc": sendmail_mc(_SEEN_AT, self.milter, ports, self._settings),
            "switch": "hosts files\naliases files\n",
            "aliases": "",
            "help": "",
            "hosts": f"127.0.0.1 {HOSTNAME} {HOSTNAME.partition('.')[0]} localhost\n",
            "nsswitch.conf": "passwd: files\ngroup: files\nhosts: files\n",
            "resolv.conf": "nameserver 127.0.0.1\noptions timeout:1 attempts:1\n",
            "krb5.conf": re.sub(r"(?m)^(\s*default_keytab_name =).*", rf"\1 FILE:{_SEEN_AT}/keytab", krb5),
        }

    def _service_keytab(self) -> Path:
        service = f"smtp/{HOSTNAME}"
        try:
            return self.realm.keytab(service)
        except RealmError:
            self.realm.add(service)
            return self.realm.keytab(service)

    def _certificate(self) -> None:
        key = self.folder / "key.pem"
        key.touch(mode=0o600)
        done = subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
             "-subj", f"/CN={HOSTNAME}", "-keyout", str(key), "-out", str(self.folder / "cert.pem")],
            capture_output=True,
            check=False,
        )  # fmt: skip
        if done.returncode:
            raise SendmailError(f"openssl: {done.stderr.decode(errors='replace')}")

    def _start(self) -> None:
        with (self.folder / "out").open("wb") as out:
            # Every step of the chain is an exec, so this process's id becomes sendmail's.
            self._daemon = subprocess.Popen(
                self.command("-bD", "-X", f"{_SEEN_AT}/dialogues"),
                env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8"},
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        end = time.monotonic() + 30
        while not (answers(self.submission_port) and answers(self.plain_port)):
            if self._daemon.poll() is not None or time.monotonic() > end:
                raise SendmailError(f"sendmail does not listen: {(self.folder / 'out').read_text(errors='replace')}")
            time.sleep(0.05)

    def _stop(self) -> None:
        daemon, self._daemon = self._daemon, None
        if daemon is None:
            return
        daemon.terminate()
        try:
            daemon.wait(10)
        except subprocess.TimeoutExpired:
            daemon.kill()
            daemon.wait()


def _m4(folder: Path) -> str:
    own = folder / "usr/bin/m4"
    return str(own) if own.exists() else program("m4") or ""
