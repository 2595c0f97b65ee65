"""A third opinion on signatures: rspamd, which has canonical forms and a parser of its own.

`Rspamd` runs Debian's rspamd with nothing but its DKIM module, beside the name server of a `verify.Resolver` and in a
folder of its own; the host's instance is neither read nor touched. It is asked over a Unix socket, some milliseconds a
message. Where it is not installed, `VerifyUnavailable` says so.
"""

import contextlib
import http.client
import json
import os
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Final, Self

from tests.lab.realm import program
from tests.lab.verify import Resolver, VerifyUnavailable, alone, signature_count

_PATIENCE: Final = 30.0  # seconds until it listens, on a busy machine

# `url_tld`: its own list of suffixes takes ten seconds to compile, and says nothing about signatures.
_CONF: Final = """\
options {{
    filters = "dkim"; url_tld = "{folder}/suffixes"; hs_cache_dir = "{folder}"; tempdir = "{folder}";
    control_socket = "{folder}/control mode=0600"; local_addrs = [];
    dns {{ nameserver = ["127.0.0.1:53"]; timeout = 5s; }}
}}
logging {{ type = "file"; filename = "{folder}/log"; }}
worker "normal" {{ bind_socket = "{folder}/socket mode=0666"; count = 1; task_timeout = 20s; }}
dkim {{ check_local = true; check_authed = true; trusted_only = false; }}
"""


class Rspamd:
    """One rspamd, for one `with` block inside that of its `Resolver`."""

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver
        self._socket = ""
        self._stack = contextlib.ExitStack()

    def __enter__(self) -> Self:
        """Start it and wait until it listens.

        Raises:
            VerifyUnavailable: it is not installed, or does not start; with the end of its log.
        """
        if (found := program("rspamd")) is None:
            raise VerifyUnavailable("the third verifier needs the Debian package rspamd")
        with contextlib.ExitStack() as stack:
            folder = Path(
                stack.enter_context(tempfile.TemporaryDirectory(prefix="lab-rspamd-", ignore_cleanup_errors=True))
            )
            folder.chmod(0o777)  # it becomes _rspamd
            (folder / "suffixes").write_text("test\nexample\n")
            (folder / "conf").write_text(_CONF.format(folder=folder))
            command = [*self._resolver.enter, found, "-f", "-u", "_rspamd", "-g", "_rspamd", "-c", str(folder / "conf")]
            for variable in ("DBDIR", "RUNDIR", "LOGDIR"):
                command += ["--var", f"{variable}={folder}"]
            with (folder / "out").open("wb") as out:
                process = subprocess.Popen(
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=out,
                    stderr=out,
                    env={"PATH": f"{os.defpath}:/usr/sbin:/sbin", "LC_ALL": "C.UTF-8"},
                    start_new_session=True,
                )
            stack.callback(_end, process)
            self._socket = str(folder / "socket")
            self._wait(process, folder)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop it."""
        self._stack.close()

    def verdict(self, message: bytes) -> list[bool]:
        """Verify each DKIM-Signature.

        Args:
            message: as on the wire, CRLF line ends.

        Returns:
            one verdict a signature, in the order of the fields.
        """
        return [self._asked(alone(message, index)) for index in range(signature_count(message))]

    def _asked(self, message: bytes) -> bool:
        connection = _Local(self._socket)
        try:
            connection.request("POST", "/checkv2", message, {"IP": "192.0.2.1"})
            answer = json.loads(connection.getresponse().read())
        finally:
            connection.close()
        return "R_DKIM_ALLOW" in answer["symbols"]

    def _wait(self, process: "subprocess.Popen[bytes]", folder: Path) -> None:
        end = time.monotonic() + _PATIENCE
        while time.monotonic() < end and process.poll() is None:
            with contextlib.suppress(OSError, http.client.HTTPException, ValueError):
                self._asked(b"Subject: x\r\n\r\n")
                return
            time.sleep(0.02)
        said = "".join(path.read_text(errors="replace") for name in ("out", "log") if (path := folder / name).exists())
        raise VerifyUnavailable(f"rspamd did not start: {said[-1500:]}")


class _Local(http.client.HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=30)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(30)
        self.sock.connect(self._path)


def _end(process: "subprocess.Popen[bytes]") -> None:
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
