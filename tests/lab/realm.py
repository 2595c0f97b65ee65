"""A Kerberos realm that lives as long as a `with` block.

`Realm` makes a database, keytabs and a KDC (MIT krb5) in one folder, all on 127.0.0.1. The host's own Kerberos set-up
is neither read nor changed: every program is given its own krb5.conf and kdc.conf by environment. It needs no root.
The same KDC can serve partner realms; they and the first trust each other, as two companies do that share a directory.
It fails with `RealmUnavailable` if the programs are not installed, and with `RealmError` if one of them fails.
"""

import os
import shutil
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote

from tests.lab.ports import answers, free_ports

_PACKAGES = {
    "kdb5_util": "krb5-kdc",
    "krb5kdc": "krb5-kdc",
    "kadmin.local": "krb5-admin-server",
    "kinit": "krb5-user",
}

# udp_preference_limit makes clients use TCP; the two dns_ lines and rdns keep them from asking any name server.
_KRB5_CONF = """\
[libdefaults]
    default_realm = {name}
    default_ccache_name = FILE:{folder}/no-default-ccache
    default_keytab_name = FILE:{folder}/no-default-keytab
    dns_lookup_realm = false
    dns_lookup_kdc = false
    dns_canonicalize_hostname = false
    rdns = false
    udp_preference_limit = 1
    ticket_lifetime = 10h
    renew_lifetime = 7d
[realms]
{realms}
[domain_realm]
    .{domain} = {name}
    {domain} = {name}
"""

_KRB5_REALM = """\
    {name} = {{
        kdc = 127.0.0.1:{port}
{rules}    }}
"""

_KDC_CONF = """\
[kdcdefaults]
    kdc_listen = 127.0.0.1:{port}
    kdc_tcp_listen = 127.0.0.1:{port}
[realms]
{realms}
[logging]
    kdc = FILE:{folder}/kdc.log
    admin_server = FILE:{folder}/kadmin.log
    default = FILE:{folder}/krb5.log
"""


_KDC_REALM = """\
    {name} = {{
        database_name = {folder}/principal{suffix}
        key_stash_file = {folder}/stash{suffix}
        kdc_listen = 127.0.0.1:{port}
        kdc_tcp_listen = 127.0.0.1:{port}
        max_life = 10h
        max_renewable_life = 7d
    }}
"""


class RealmError(RuntimeError):
    """A Kerberos program failed; the text holds its last words."""


class RealmUnavailable(RealmError):
    """A program is missing; the text says what to install."""


def program(name: str) -> str | None:
    """Return the path of a program, also from the sbin folders that an ordinary user's PATH leaves out."""
    return shutil.which(name, path=os.environ.get("PATH", os.defpath) + ":/usr/local/sbin:/usr/sbin:/sbin")


class Realm:
    """A KDC with its principals, for one `with` block.

    Attributes:
        name: the realm, such as `EXAMPLE.TEST`.
        folder: where all its files are.
        port: the KDC's TCP and UDP port on 127.0.0.1.
        partners: further realms of the same KDC, which trust the first and are trusted by it.
        local_names: auth_to_local rules of krb5.conf, by which principals become accounts of this host.
    """

    def __init__(
        self, folder: Path, name: str = "EXAMPLE.TEST", *, partners: Sequence[str] = (), local_names: Sequence[str] = ()
    ) -> None:
        self.folder = folder.resolve()
        self.name = name
        self.partners = tuple(partners)
        self.local_names = tuple(local_names)
        self.port = 0
        self._programs: dict[str, str] = {}
        self._kdc: subprocess.Popen[bytes] | None = None

    @property
    def environment(self) -> dict[str, str]:
        """The variables that point Kerberos programs and libraries at this realm."""
        return {"KRB5_CONFIG": str(self.folder / "krb5.conf"), "KRB5_KDC_PROFILE": str(self.folder / "kdc.conf")}

    def __enter__(self) -> Self:
        """Create the database and start the KDC.

        Raises:
            RealmUnavailable: a package is missing.
            RealmError: a program failed.
        """
        self._programs = {name: found for name in _PACKAGES if (found := program(name))}
        if missing := sorted({package for name, package in _PACKAGES.items() if name not in self._programs}):
            raise RealmUnavailable(f"the test realm needs the Debian packages {', '.join(missing)}")
        self.folder.mkdir(parents=True, exist_ok=True)
        ports = free_ports(1 + len(self.partners))
        self.port = ports[0]
        self._configure(dict(zip((self.name, *self.partners), ports, strict=True)))
        # The master password protects nothing: the database lives as long as the folder, and the stash lies beside it.
        for realm in (self.name, *self.partners):
            self._run("kdb5_util", "-r", realm, "create", "-s", "-P", "throwaway")
        for partner in self.partners:
            self._trust(partner)
        try:
            self._start_kdc()
        except BaseException:
            self._stop_kdc()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop the KDC."""
        self._stop_kdc()

    def add(self, principal: str, password: str = "") -> None:
        r"""Create a principal with a random key, or with a password, and its keytab.

        Args:
            principal: as MIT krb5 writes it, with or without the realm: `alice`, `smtp/mail.example.test`, `bob\@corp`,
                `alice@PARTNER.TEST`.
            password: empty: none.

        Raises:
            RealmError: it exists already, or kadmin.local failed.
        """
        keytab, realm = self._file(principal, "keytab"), self._realm_of(principal)
        key = ("-pw", password) if password else ("-randkey",)
        self._run("kadmin.local", "-r", realm, "addprinc", *key, principal)
        # Without -norandkey, ktadd would replace what the password gave.
        keep = ("-norandkey",) if password else ()
        self._run("kadmin.local", "-r", realm, "ktadd", *keep, "-k", str(keytab), principal)
        if not keytab.exists():  # kadmin.local ends with 0 after many of its failures
            raise RealmError(f"kadmin.local made no keytab for {principal!r}")

    def keytab(self, principal: str) -> Path:
        """Return the keytab that `add` made.

        Raises:
            RealmError: the principal was not added.
        """
        path = self._file(principal, "keytab")
        if not path.exists():
            raise RealmError(f"{principal!r} was not added to the realm {self.name}")
        return path

    def ticket(self, principal: str, lifetime: int | None = None) -> Path:
        """Get a ticket with the principal's keytab and return the credentials cache, a file of its own.

        Args:
            principal: one that was added.
            lifetime: seconds, or None for ten hours.

        Raises:
            RealmError: the principal was not added, or kinit failed.
        """
        cache = self._file(principal, "ccache")
        life = () if lifetime is None else ("-l", f"{lifetime}s")
        self._run("kinit", *life, "-k", "-t", str(self.keytab(principal)), "-c", f"FILE:{cache}", principal)
        return cache

    def _file(self, principal: str, kind: str) -> Path:
        # Quoted, so that `svc/relay` makes no folder and `..` does not climb.
        return self.folder / f"for-{quote(principal, safe='')}.{kind}"

    def _realm_of(self, principal: str) -> str:
        name, at, realm = principal.rpartition("@")
        return realm if at and not name.endswith("\\") else self.name

    def _configure(self, ports: Mapping[str, int]) -> None:
        """Write krb5.conf and kdc.conf for these realms, the first of which is the default."""
        values = {"name": self.name, "domain": self.name.lower(), "folder": self.folder, "port": self.port}
        rules = "".join(f"        auth_to_local = {rule}\n" for rule in self.local_names)
        known = "".join(
            _KRB5_REALM.format(name=name, port=port, rules=rules if name == self.name else "")
            for name, port in ports.items()
        )
        served = "".join(
            _KDC_REALM.format(name=name, port=port, folder=self.folder, suffix="" if name == self.name else f"-{name}")
            for name, port in ports.items()
        )
        (self.folder / "krb5.conf").write_text(_KRB5_CONF.format(**values, realms=known))
        (self.folder / "kdc.conf").write_text(_KDC_CONF.format(**values, realms=served))

    def _trust(self, partner: str) -> None:
        """Make the two realms trust each other: each direction is a key that both databases hold."""
        for one, other in ((self.name, partner), (partner, self.name)):
            for database in (self.name, partner):
                secret = f"from-{other}-to-{one}"
                self._run("kadmin.local", "-r", database, "addprinc", "-pw", secret, f"krbtgt/{one}@{other}")

    def _environment(self) -> dict[str, str]:
        clean = {key: value for key, value in os.environ.items() if not key.startswith("KRB5")}
        return {**clean, **self.environment, "LC_ALL": "C.UTF-8"}

    def _run(self, name: str, *arguments: str) -> None:
        done = subprocess.run(
            [self._programs[name], *arguments],
            env=self._environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=60,
            check=False,
        )
        # kadmin.local reports a principal that exists already on stderr only, and ends with 0.
        said = done.stdout.decode(errors="replace")
        if done.returncode or "already exists" in said:
            raise RealmError(f"{name} {' '.join(arguments)} ended with {done.returncode}: {said.strip()}")

    def _start_kdc(self) -> None:
        """Run krb5kdc in the foreground of a session of its own, so that Ctrl-C does not reach it before us."""
        realms = (self.name, *self.partners)
        with (self.folder / "kdc.out").open("wb") as out:
            self._kdc = subprocess.Popen(
                [self._programs["krb5kdc"], "-n", *(word for realm in realms for word in ("-r", realm))],
                env=self._environment(),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        end = time.monotonic() + 20
        while not answers(self.port):
            if self._kdc.poll() is not None or time.monotonic() > end:
                said = "".join(
                    path.read_text(errors="replace")[-2000:]
                    for path in (self.folder / "kdc.out", self.folder / "kdc.log")
                    if path.exists()
                )
                raise RealmError(f"krb5kdc does not answer on 127.0.0.1:{self.port}: {said}")
            time.sleep(0.01)

    def _stop_kdc(self) -> None:
        kdc, self._kdc = self._kdc, None
        if kdc is None:
            return
        kdc.terminate()
        try:
            kdc.wait(10)
        except subprocess.TimeoutExpired:
            kdc.kill()
            kdc.wait()
