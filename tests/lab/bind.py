"""A real BIND, thrown away afterwards: an authoritative server for zones of a test, and a validating resolver.

`Bind` runs `named` in a folder of its own on a port of 127.0.0.1, without recursion and without a control channel. Each
zone may be changed by `update`, which runs the real `nsupdate` with a TSIG key (RFC 8945), so only whoever holds the
key can. Zones in `signed` are signed with DNSSEC; `Validator` is a second `named` that holds their keys for trust
anchors and sets AD on what it checked. Both fail with `BindError`, which carries the log, where `named` does not start:
a system whose AppArmor profile keeps it out of temporary folders is one reason.
"""

import shutil
import subprocess
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import dns.exception
import dns.flags
import dns.message
import dns.query
import dns.rcode
import dns.rdatatype

from tests.lab.ports import free_ports

PATIENCE: Final = 30.0  # seconds that a start may take on a busy machine
_PATH: Final = "/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/sbin:/usr/local/bin"

_OPTIONS = """\
options {{
    directory "{folder}";
    pid-file "{folder}/named.pid";
    session-keyfile "{folder}/session.key";
    listen-on port {port} {{ 127.0.0.1; }};
    listen-on-v6 {{ none; }};
    minimal-responses no-auth-recursive;
    notify no;
    empty-zones-enable no;
    {more}
}};
controls {{ }};
"""
_ZONE = 'zone "{name}" {{ type primary; file "{file}"; allow-update {{ key lab; }}; {more} }};\n'
_SIGNED = "dnssec-policy default; inline-signing yes;"
_START = """\
$ORIGIN {name}.
$TTL 60
@ SOA ns.{name}. hostmaster.{name}. 1 3600 600 86400 30
@ NS ns.{name}.
ns A 127.0.0.1
{lines}
"""


class BindError(RuntimeError):
    """`named` did not do what was waited for; the text holds its log."""


def why_unavailable() -> str:
    """Which programs are missing; empty if all are there."""
    programs = ("named", "nsupdate", "tsig-keygen", "named-checkzone")
    missing = [name for name in programs if program(name) == ""]
    return f"not installed: {', '.join(missing)} (bind9, bind9-utils, bind9-dnsutils)" if missing else ""


def program(name: str) -> str:
    """The path of a program that may lie where only root looks; empty if there is none."""
    return shutil.which(name, path=_PATH) or ""


def zone_text(name: str, lines: str) -> str:
    """A whole zone file: SOA and NS of the lab's own, then `lines`."""
    return _START.format(name=name, lines=lines)


class _Named:
    """One `named` process for one `with` block."""

    def __init__(self, folder: Path, configuration: str, port: int) -> None:
        self.folder = folder
        self.port = port
        self._configuration = configuration
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        (self.folder / "named.conf").write_text(self._configuration)
        with (self.folder / "log").open("wb") as log:
            self._process = subprocess.Popen(
                [program("named"), "-g", "-n", "1", "-U", "1", "-c", str(self.folder / "named.conf")],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )  # fmt: skip
        try:
            self.wait_until_ready()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def wait_until_ready(self) -> None:
        """Wait until it serves what it is there for."""
        raise NotImplementedError

    def wait_for(self, is_so: Callable[[], bool], what: str) -> None:
        """Wait until something is so.

        Raises:
            BindError: the process ended, or it took longer than `PATIENCE`.
        """
        end = time.monotonic() + PATIENCE
        while not is_so():
            if self._process is None or self._process.poll() is not None or time.monotonic() > end:
                log = (self.folder / "log").read_text(errors="replace")[-4000:]
                raise BindError(f"no {what} from named:\n{log}")
            time.sleep(0.05)

    def ask(self, name: str, kind: dns.rdatatype.RdataType, *, dnssec: bool = False) -> dns.message.Message | None:
        """Its answer to one question, or nothing where there is none yet."""
        query = dns.message.make_query(name, kind, want_dnssec=dnssec)
        try:
            return dns.query.tcp(query, "127.0.0.1", timeout=2, port=self.port)
        except (OSError, EOFError, dns.exception.DNSException):
            return None

    def stop(self) -> None:
        """End the process; a second call does nothing."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None


class Bind(_Named):
    """An authoritative server.

    Attributes:
        port: UDP and TCP, on 127.0.0.1.
        key_file: the TSIG key, as `nsupdate -k` reads it.
        zones, signed: the names of all zones that are served, and of the signed ones.
    """

    def __init__(
        self, folder: Path, zones: Mapping[str, str], *, signed: Iterable[str] = (), broken: Iterable[str] = ()
    ) -> None:
        """Write everything down; `with` starts it.

        Args:
            folder: an empty one, for this server alone.
            zones: by name, the lines of each beside SOA and NS, relative to it.
            signed: those of them that are signed.
            broken: more zones, which cannot be loaded: questions about them end in SERVFAIL.
        """
        self.key_file = folder / "update.key"
        self.zones = tuple(zones)
        self.signed = tuple(signed)
        made = subprocess.run([program("tsig-keygen"), "lab"], capture_output=True, text=True, check=True, timeout=20)
        self.key_file.write_text(made.stdout)
        configuration = made.stdout + _OPTIONS.format(folder=folder, port=(port := free_port()), more="recursion no;")
        for name, lines in zones.items():
            (folder / f"{name}.zone").write_text(zone_text(name, lines))
            more = _SIGNED if name in self.signed else ""
            configuration += _ZONE.format(name=name, file=f"{name}.zone", more=more)
        for name in broken:
            configuration += _ZONE.format(name=name, file=f"{name}.missing", more="")
        super().__init__(folder, configuration, port)

    def wait_until_ready(self) -> None:
        """Wait until every zone is served, and every signature made."""
        for name in self.zones:
            self.wait_for(lambda name=name: self._serves(name), f"zone {name}")  # type: ignore[misc]

    def update(self, commands: str) -> subprocess.CompletedProcess[str]:
        """Run `nsupdate` with the key on these commands, as a person would."""
        return subprocess.run(
            [program("nsupdate"), "-k", str(self.key_file)],
            input=commands, capture_output=True, text=True, timeout=30, check=False,
        )  # fmt: skip

    def _serves(self, name: str) -> bool:
        answer = self.ask(name, dns.rdatatype.SOA, dnssec=True)
        if answer is None or answer.rcode() != dns.rcode.NOERROR:
            return False
        return name not in self.signed or any(r.rdtype == dns.rdatatype.RRSIG for r in answer.answer)


class Validator(_Named):
    """A resolver that asks a `Bind`, and trusts the keys of its signed zones.

    Attributes:
        port: UDP and TCP, on 127.0.0.1.
    """

    def __init__(self, folder: Path, source: Bind, *, trust: Mapping[str, str] | None = None) -> None:
        """Write everything down; `with` starts it.

        Args:
            folder: an empty one, for this server alone.
            source: a running server.
            trust: instead of the zones' own keys these, by zone: `flags protocol algorithm "base64"`. A wrong one makes
                all answers of its zone SERVFAIL.
        """
        self._known = source.zones[0]
        # Nothing is asked beyond this host: what the source does not serve is refused, and ends in SERVFAIL.
        more = f"dnssec-validation yes; forward only; forwarders {{ 127.0.0.1 port {source.port}; }};"
        configuration = _OPTIONS.format(folder=folder, port=(port := free_port()), more=f"recursion yes; {more}")
        anchors = {name: _anchor(source, name) for name in source.signed} | dict(trust or {})
        lines = "".join(f'    "{name}." static-key {key};\n' for name, key in anchors.items())
        configuration += f"trust-anchors {{\n{lines}}};\n"
        super().__init__(folder, configuration, port)

    def wait_until_ready(self) -> None:
        """Wait until it answers."""
        self.wait_for(lambda: self.ask(self._known, dns.rdatatype.SOA) is not None, "an answer")


def _anchor(source: Bind, name: str) -> str:
    answer = source.ask(name, dns.rdatatype.DNSKEY)
    keys = [key for rrset in answer.answer for key in rrset] if answer is not None else []
    entry = next(key for key in keys if key.flags & 1)  # the secure entry point, RFC 4034 2.1.1
    fields = entry.to_text().split(" ", 3)
    return f'{fields[0]} {fields[1]} {fields[2]} "{fields[3].replace(" ", "")}"'


def free_port() -> int:
    """A port of 127.0.0.1 that is free for UDP and TCP alike."""
    return free_ports(1)[0]
