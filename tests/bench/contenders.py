"""What is measured: the gate in several forms, and dkimpy-milter of Debian, each with folder and socket of its own.

`gate` starts the gate as an operator does, with the enforcing profile of the case corpus: every message is judged,
bound to its login, signed and recorded durably. `dkimpy_milter` starts the real program, configured as its sample
suggests; it signs only, as OpenDKIM does (see `ratio.OpenDkim`). Each is a context manager that yields where it
listens. What is not installed raises `Absent`, whose text says what to do; what does not start raises `BenchError`.
"""

import contextlib
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from sealgate.seal.keys import generate
from tests.bench.ratio import DOMAIN, SELECTOR, BenchError, Served
from tests.drivers.cases import profile_text
from tests.lab.gate import Gate, GateError
from tests.lab.realm import program

ACCOUNT: Final = "dkimpy-milter"  # of the package; it changes to it
PATIENCE: Final = 30.0  # seconds until a filter listens, on a busy machine
_DKIMPY: Final = """\
Syslog no
Mode s
AuthservID mail.{domain}
Domain {domain}
Selector {selector}
KeyFile {folder}/key.pem
Canonicalization relaxed/relaxed
InternalHosts 192.0.2.7
PidFile {folder}/pid
UserID {account}
UMask 000
Socket local:{folder}/dkimpy.sock
"""


class Absent(BenchError):
    """A peer cannot run here; the text says why, as advice."""


def profile(*, both_keys: bool = False, from_loopback: bool = False) -> str:
    """The enforcing profile of the case corpus, as OpenDKIM is configured beside it: one RSA-2048 key.

    Args:
        both_keys: sign with its Ed25519 key too (RFC 8463).
        from_loopback: the newsletter's source is known by its network, 127.0.0.1, for a client that does not log in;
            nothing else changes: the message is bound, read, sealed and recorded.
    """
    text = profile_text("enforce")
    if not both_keys:
        text = "".join(line for line in text.splitlines(keepends=True) if "selector: ed" not in line)
    if from_loopback:
        login = "    principals: [svc/newsletter@EXAMPLE.TEST]\n"
        text = text.replace("  smtpd: pass\n", "  smtpd: judge\n")
        text = text.replace(login, f"{login}    networks: [127.0.0.1/32]\n")
    return text


@contextlib.contextmanager
def gate(folder: Path, *, both_keys: bool = False, workers: int = 2, port: int = 0) -> Iterator[Served]:
    """A gate on a Unix socket, or on a port of 127.0.0.1: see `started`."""
    with started(folder, both_keys=both_keys, workers=workers, port=port) as running:
        yield Served(running.socket, running.pid)


@contextlib.contextmanager
def started(
    folder: Path, *, both_keys: bool = False, from_loopback: bool = False, workers: int = 2, port: int = 0
) -> Iterator[Gate]:
    """A gate whose processes can be looked at.

    Args:
        folder: made if it is not there.
        both_keys: see `profile`.
        from_loopback: see `profile`.
        workers: how many processes serve.
        port: of 127.0.0.1; 0 for a Unix socket.

    Raises:
        BenchError: it does not start.
    """
    folder.mkdir(exist_ok=True)
    socket = f"inet:127.0.0.1:{port}" if port else None
    gate = Gate(folder, profile(both_keys=both_keys, from_loopback=from_loopback), workers=workers, socket=socket)
    try:
        gate.__enter__()
    except GateError as error:
        raise BenchError(f"the gate: {error}") from error
    try:
        yield gate
    finally:
        gate.stop()


@contextlib.contextmanager
def dkimpy_milter(folder: Path) -> Iterator[Served]:
    """dkimpy-milter on a Unix socket, signing with an RSA-2048 key of its own.

    Raises:
        Absent: the package is not installed, or we are not root, whom it must leave for its own account.
        BenchError: it does not listen.
    """
    found = program("dkimpy-milter")
    if found is None:
        raise Absent("the Debian package dkimpy-milter is not installed")
    if os.geteuid() != 0:
        raise Absent("dkimpy-milter must be started as root")
    folder.mkdir(exist_ok=True)
    key = folder / "key.pem"
    key.touch(mode=0o600)
    key.write_bytes(generate("rsa2048"))
    conf = folder / "conf"
    conf.write_text(_DKIMPY.format(folder=folder, domain=DOMAIN, selector=SELECTOR, account=ACCOUNT))
    shutil.chown(folder, ACCOUNT)  # it makes its socket after it has become this account
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [found, str(conf)], stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=folder, start_new_session=True
        )
    try:
        deadline = time.monotonic() + PATIENCE
        while not (folder / "dkimpy.sock").exists():
            if process.poll() is not None or time.monotonic() > deadline:
                raise BenchError(f"dkimpy-milter does not listen: {(folder / 'log').read_text()[-800:]}")
            time.sleep(0.02)
        yield Served(f"unix:{folder}/dkimpy.sock", process.pid)
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
