"""The gate itself, started as an operator starts it, in a folder of its own.

`Gate` writes keys, settings and a profile, runs `python -m sealgate serve`, waits until it says that it is ready, and
ends it by SIGTERM. `{keys}` in a profile stands for the folder of the keys. Two keys are made for `example.test`: an
RSA and an Ed25519 one; they are published for `mailer.test` as well.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final, Literal, Self

from sealgate.seal.keys import generate, load, public_record

ROOT: Final = Path(__file__).resolve().parents[2]
DOMAIN: Final = "example.test"
MAILER: Final = "mailer.test"  # a second domain, whose keys lie in the same files
SELECTORS: Final[dict[str, Literal["rsa2048", "ed25519"]]] = {"rsa": "rsa2048", "ed": "ed25519"}
PATIENCE: Final = 60.0  # seconds a start or a reload may take on a busy machine


class GateError(RuntimeError):
    """The gate did not do what was waited for; the text holds its log."""


def make_keys(folder: Path) -> dict[str, str]:
    """Write the key files into `folder` and return the DNS records that publish them, by name."""
    records: dict[str, str] = {}
    folder.mkdir(parents=True, exist_ok=True)
    for selector, kind in SELECTORS.items():
        path = folder / f"{DOMAIN}.{selector}.pem"
        pem = _key(kind)
        path.touch(mode=0o600)
        path.write_bytes(pem)
        for domain in (DOMAIN, MAILER):
            records[f"{selector}._domainkey.{domain}"] = public_record(load(pem, domain, selector))
    return records


@cache
def _key(kind: Literal["rsa2048", "ed25519"]) -> bytes:
    """One of each kind for all gates of this process: to make an RSA key takes as long as to judge ten messages."""
    return generate(kind)


class Gate:
    """One running gate, for one `with` block.

    Attributes:
        address: its socket in Postfix's spelling.
        records: DNS names and TXT texts of its keys.
    """

    def __init__(
        self,
        folder: Path,
        profile: str,
        *,
        socket: str | None = None,
        workers: int = 2,
        settings: str = "",
        log: int = -1,
        launcher: Sequence[str] = (),
        pass_fds: Sequence[int] = (),
    ) -> None:
        self.folder = folder
        self.socket = socket or f"unix:{folder}/gate.sock"
        self.address = self.socket
        self.records: dict[str, str] = {}
        self.audit_log = folder / "audit.jsonl"
        self.profile_path = folder / "profile.yaml"
        self.settings_path = folder / "sealgate.yaml"
        self._profile = profile
        self._workers = workers
        # Tests ask no name server of the host: nobody answers at this one.
        self._settings = settings if "dns_servers:" in settings else f"{settings}dns_servers: [127.0.0.1:9]\n"
        self._log = log  # a descriptor to log to instead of gate.log
        self._launcher = tuple(launcher)  # words in front of the command line, which execute the rest of it
        self._pass_fds = tuple(pass_fds)  # descriptors that the launcher gets
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        for name in ("run", "state"):
            (self.folder / name).mkdir(mode=0o711, exist_ok=True)
        self.records = make_keys(self.folder / "keys")
        self.write_profile(self._profile)
        self.settings_path.write_text(
            f"socket: {self.socket}\nsocket_mode: '0666'\nworkers: {self._workers}\nprofile: {self.profile_path}\n"
            f"audit_log: {self.audit_log}\nstate: {self.folder}/state\nruntime: {self.folder}/run\n{self._settings}"
        )
        with (self.folder / "gate.log").open("ab") as log:
            self._process = subprocess.Popen(
                [*self._launcher, sys.executable, "-m", "sealgate", "serve", "--settings", str(self.settings_path)],
                pass_fds=self._pass_fds,
                stdin=subprocess.DEVNULL,
                stdout=log if self._log < 0 else self._log,
                stderr=log if self._log < 0 else self._log,
                cwd=self.folder,
                env=os.environ | {"PYTHONPATH": str(ROOT / "milter")},
            )
        try:
            self.wait_until(lambda status: bool(status.get("workers")), "start")
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def pid(self) -> int:
        """The supervisor's process id."""
        if self._process is None:
            raise GateError("the gate is not running")
        return self._process.pid

    def stop(self) -> int:
        """End the gate as systemd would; return its exit status."""
        process, self._process = self._process, None
        if process is None:
            return 0
        process.send_signal(signal.SIGTERM)
        try:
            return process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            return process.wait()

    def write_profile(self, text: str) -> None:
        """Put a profile in place without telling the gate."""
        self.profile_path.write_text(text.replace("{keys}", str(self.folder / "keys")))

    def reload(self, text: str | None = None) -> dict[str, Any]:
        """Put a profile in place, send SIGHUP, and return the status the gate wrote afterwards."""
        if text is not None:
            self.write_profile(text)
        before = self.status().get("reloads", 0)
        os.kill(self.pid, signal.SIGHUP)
        return self.wait_until(lambda status: status.get("reloads", 0) > before, "reload")

    def use(self, text: str) -> None:
        """Have this profile in force, reloading only where another one is."""
        if text != self._profile:
            self.reload(text)
            self._profile = text

    def status(self) -> dict[str, Any]:
        """What the gate says of itself; empty before it is up."""
        try:
            status: dict[str, Any] = json.loads((self.folder / "run" / "status.json").read_text())
        except (OSError, ValueError):
            return {}
        return status

    def wait_until(self, holds: Any, what: str) -> dict[str, Any]:
        """Wait until `holds(status)`; raises GateError with the log where it takes too long or the gate ended."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            status = self.status()
            if holds(status):
                return status
            if self._process is not None and self._process.poll() is not None:
                break
            time.sleep(0.02)
        raise GateError(f"{what} did not happen; the log:\n{self.log()}")

    def events(self, kind: str = "") -> list[dict[str, Any]]:
        """The audit lines so far, in order, of one kind or of all but checkpoints, which come when they are due."""
        if not self.audit_log.exists():
            return []
        events = [json.loads(line) for line in self.audit_log.read_bytes().splitlines()]
        return [e for e in events if (e["kind"] == kind if kind else e["kind"] != "checkpoint")]

    def log(self) -> str:
        """The operational log so far."""
        path = self.folder / "gate.log"
        return path.read_text(errors="replace") if path.exists() else ""
