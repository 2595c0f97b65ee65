"""Second opinions on a delivered message: do its DKIM signatures verify?

`dkimpy_verdict` asks the dkimpy library, offline, with the records it is given. `Resolver` runs two verifiers as users
have them, `dkimverify` (Debian's python3-dkim) and `opendkim-testmsg` (opendkim-tools), against real DNS: a `named` on
127.0.0.1:53 of a network and mount namespace of its own, serving the given records and nothing else. The host's
resolver, its /etc and its port 53 are not touched. That wants root, unshare(1), nsenter(1), ip(8) and bind9: where one
is missing or not permitted `VerifyUnavailable` says which, and a test may skip.
"""

import contextlib
import os
import re
import subprocess
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Self

import dkim

from tests.lab.realm import program

_PACKAGES = {
    "unshare": "util-linux",
    "nsenter": "util-linux",
    "mount": "mount",
    "ip": "iproute2",
    "named": "bind9",
    "dkimverify": "python3-dkim",
    "opendkim-testmsg": "opendkim-tools",
}
_FIELD = re.compile(rb"(?im)^DKIM-Signature[ \t]*:.*(?:\n[ \t].*)*\n?")

_NAMED_CONF = """\
options {{
    directory "{folder}";
    pid-file none;
    session-keyfile none;
    lock-file none;
    listen-on {{ 127.0.0.1; }};
    listen-on-v6 {{ none; }};
    recursion no;
    dnssec-validation no;
    empty-zones-enable no;
}};
controls {{ }};
zone "." {{ type primary; file "{folder}/zone"; }};
"""

# The root zone itself, so that one server answers for every name; a name without a record does not exist.
_ZONE_HEAD = """\
$TTL 60
. IN SOA localhost. nobody.localhost. 1 3600 600 86400 60
. IN NS localhost.
localhost. IN A 127.0.0.1
"""

_INSIDE = 'ip link set lo up && mount --bind "$1/resolv.conf" /etc/resolv.conf && exec "$2" -g -n 1 -c "$1/named.conf"'


class VerifyUnavailable(RuntimeError):
    """This host cannot run the tools; the text says what is missing or was refused."""


def dkimpy_verdict(message: bytes, records: Mapping[str, str]) -> list[bool]:
    """Verify each DKIM-Signature with dkimpy, offline.

    Args:
        message: as delivered, LF or CRLF line ends.
        records: TXT records by name (`s1._domainkey.example.test`, any case, with or without the final dot).

    Returns:
        one verdict a signature, in the order of the fields; a malformed signature is False.
    """
    known = {_name(name): text.encode() for name, text in records.items()}

    def lookup(name: bytes, timeout: int = 5) -> bytes:
        del timeout
        return known.get(_name(name.decode("utf-8", "replace")), b"")

    verdicts: list[bool] = []
    for index in range(len(_signatures(message))):
        try:
            verdicts.append(bool(dkim.DKIM(message).verify(idx=index, dnsfunc=lookup)))
        except dkim.DKIMException:
            verdicts.append(False)
    return verdicts


def tool_verdicts(message: bytes, records: Mapping[str, str]) -> dict[str, tuple[bool, str]]:
    """Verify one message with both tools; see `Resolver.verdicts`. For several messages keep a `Resolver`."""
    with Resolver(records) as resolver:
        return resolver.verdicts(message)


class Resolver:
    """A name server in a namespace of its own, and the tools run beside it, for one `with` block."""

    def __init__(self, records: Mapping[str, str]) -> None:
        """Name the TXT records it will serve: `s1._domainkey.example.test` -> `v=DKIM1; ...`; any length."""
        self._records = dict(records)
        self._programs: dict[str, str] = {}
        self._named: subprocess.Popen[bytes] | None = None
        self._stack = contextlib.ExitStack()

    def __enter__(self) -> Self:
        """Start the name server.

        Raises:
            VerifyUnavailable: a package is missing, not root, or namespaces are not permitted here.
        """
        self._programs = {name: found for name in _PACKAGES if (found := program(name))}
        if missing := sorted({package for name, package in _PACKAGES.items() if name not in self._programs}):
            raise VerifyUnavailable(f"the verifying tools need the Debian packages {', '.join(missing)}")
        with contextlib.ExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="lab-dns-")))
            (folder / "resolv.conf").write_text("nameserver 127.0.0.1\noptions timeout:2 attempts:2\n")
            (folder / "named.conf").write_text(_NAMED_CONF.format(folder=folder))
            (folder / "zone").write_text(zone_text(self._records), encoding="ascii")
            stack.callback(self._stop)
            self._start(folder)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop the name server; its namespaces go with it."""
        self._stack.close()

    def verdicts(self, message: bytes) -> dict[str, tuple[bool, str]]:
        """Verify every signature with both tools.

        A tool judges one signature a run: `dkimverify` by its `--index`; `opendkim-testmsg` is content with the first
        good one, so it is given the message with one DKIM-Signature field at a time.

        Returns:
            by tool, whether it found at least one signature and all of them good, and what it printed.
        """
        # Both read Unix line ends from a pipe, as a local delivery agent hands them over.
        text = message.replace(b"\r\n", b"\n")
        count = len(_signatures(text))
        dkimverify = [self._ask(["dkimverify", "--index", str(index)], text) for index in range(max(count, 1))]
        testmsg = [self._ask(["opendkim-testmsg"], alone(text, index)) for index in range(max(count, 1))]
        return {
            tool: (count > 0 and all(good for good, _ in answers), "\n".join(said for _, said in answers))
            for tool, answers in (("dkimverify", dkimverify), ("opendkim-testmsg", testmsg))
        }

    def opendkim_verdict(self, message: bytes) -> list[bool]:
        """Verify each DKIM-Signature with OpenDKIM's library, by `opendkim-testmsg`, which is told to change no octet.

        Args:
            message: as on the wire, CRLF line ends.

        Returns:
            one verdict a signature, in the order of the fields.
        """
        each = range(len(_signatures(message)))
        return [self._ask(["opendkim-testmsg", "-C"], alone(message, index))[0] for index in each]

    @property
    def enter(self) -> list[str]:
        """The beginning of a command line that runs beside the name server, where 127.0.0.1:53 is it."""
        assert self._named is not None
        return [self._programs["nsenter"], "--target", str(self._named.pid), "--net", "--mount", "--"]

    def _ask(self, command: list[str], text: bytes) -> tuple[bool, str]:
        done = subprocess.run(
            [*self.enter, self._programs[command[0]], *command[1:]],
            input=text,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={"PATH": os.defpath, "LC_ALL": "C.UTF-8"},
            timeout=60,
            check=False,
        )
        said = done.stdout.decode(errors="replace").strip()
        return done.returncode == 0, said or f"ended with {done.returncode}"

    def _start(self, folder: Path) -> None:
        log = folder / "named.log"
        with log.open("wb") as out:
            # Every step of the chain is an exec, so this process's id becomes named's.
            self._named = subprocess.Popen(
                [self._programs["unshare"], "--net", "--mount", "--", "/bin/sh", "-c", _INSIDE, "sh", str(folder),
                 self._programs["named"]],
                env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8"},
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )  # fmt: skip
        end = time.monotonic() + 30
        while not re.search(r" running$", said := log.read_text(errors="replace"), re.MULTILINE):
            if self._named.poll() is not None or time.monotonic() > end:
                raise VerifyUnavailable(f"no name server in a namespace of its own (root is needed): {said[-1500:]}")
            time.sleep(0.01)

    def _stop(self) -> None:
        named, self._named = self._named, None
        if named is None:
            return
        named.terminate()
        try:
            named.wait(10)
        except subprocess.TimeoutExpired:
            named.kill()
            named.wait()


def zone_text(records: Mapping[str, str]) -> str:
    """Return a root zone with these TXT records, each cut into strings of at most 255 octets (RFC 1035 3.3.14)."""
    lines = [_ZONE_HEAD]
    for name, text in records.items():
        raw = text.encode()
        parts = [raw[at : at + 255] for at in range(0, len(raw), 255)] or [b""]
        lines.append(f"{_name(name)}. IN TXT {' '.join(_quoted(part) for part in parts)}\n")
    return "".join(lines)


def _quoted(part: bytes) -> str:
    # RFC 1035 5.1: \DDD stands for an octet.
    return '"' + "".join(chr(c) if 32 <= c < 127 and c not in b'"\\' else f"\\{c:03d}" for c in part) + '"'


def _name(name: str) -> str:
    return name.rstrip(".").lower()


def _split(message: bytes) -> tuple[bytes, bytes]:
    end = re.search(rb"\n(\r?\n)", message)
    return (message[: end.start(1)], message[end.start(1) :]) if end else (message, b"")


def _signatures(message: bytes) -> list[re.Match[bytes]]:
    return list(_FIELD.finditer(_split(message)[0]))


def signature_count(message: bytes) -> int:
    """How many DKIM-Signature fields a message has."""
    return len(_signatures(message))


def alone(message: bytes, index: int) -> bytes:
    """Return the message without its other DKIM-Signature fields."""
    head, rest = _split(message)
    for at, field in reversed(list(enumerate(_FIELD.finditer(head)))):
        if at != index:
            head = head[: field.start()] + head[field.end() :]
    return head + rest
