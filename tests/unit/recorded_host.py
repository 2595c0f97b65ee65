"""A host with a record, as the gate leaves it: hashed recipients of some quarters, their keys, salts and values.

Everything is written by the gate's own parts; only the clock is ours.
"""

import json
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sealgate.adapters import auditkey, epochs
from sealgate.adapters.auditfiles import files_of
from sealgate.adapters.journal import JournalFile
from sealgate.adapters.personal import SideFiles, file_of
from sealgate.app.recording import recorded
from sealgate.app.runtime import Runtime
from sealgate.audit.chain import canonical, cut
from sealgate.audit.personal import commitment, epoch_of, plain_address
from sealgate.audit.verifier import Report, lines_of, unpacked, verify
from sealgate.profile.model import Profile, Record, Showing

PROFILE = "version: 1\nmode: report\nrecord: {{recipients: {recipients}, legal_hold: {hold}}}\n"
_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def reference_at(moment: datetime, number: int = 0) -> str:
    """An id as the milter makes it, of a time, with a number in place of the random bits."""
    value = int(moment.timestamp() * 1000) << 32 | number
    return "".join(_CROCKFORD[value >> shift & 31] for shift in range(75, -1, -5))


def day(text: str) -> datetime:
    """Noon of a day, UTC."""
    return datetime.fromisoformat(f"{text}T12:00:00+00:00").astimezone(UTC)


@dataclass
class Host:
    """The folders of a gate that does not run."""

    folder: Path
    sent: list[tuple[str, tuple[str, ...]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        for name in ("state", "run", "log"):
            (self.folder / name).mkdir()
        self.say()
        self.settings.write_text(
            f"audit_log: {self.log}\nstate: {self.state}\nruntime: {self.folder}/run\nprofile: {self.profile}\n"
        )

    @property
    def state(self) -> Path:
        return self.folder / "state"

    @property
    def log(self) -> Path:
        return self.folder / "log" / "audit.jsonl"

    @property
    def profile(self) -> Path:
        return self.folder / "profile.yaml"

    @property
    def settings(self) -> Path:
        return self.folder / "sealgate.yaml"

    def say(self, recipients: str = "hashed", hold: str = "no") -> None:
        """Put a profile in place."""
        self.profile.write_text(PROFILE.format(recipients=recipients, hold=hold))

    def send(self, moment: datetime, *addresses: str, subject: str = "Your results") -> str:
        """Record one message as the gate would have at that time; return its id."""
        epoch = epoch_of(moment.isoformat())
        keys = epochs.keep(self.state, (epoch,))
        reference = reference_at(moment, len(self.sent))
        event: dict[str, Any] = {
            "v": 1, "t": moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ"), "id": reference, "host": "relay",
            "stage": "end", "verdict": "accept", "would": "accept", "listener": "submission",
            "client": {"ip": "192.0.2.77"}, "findings": [], "auth": {"name": "alice", "via": "login"},
            "envelope": {"from": "<alice@example.test>", "rcpt": [f"<{one}>" for one in addresses]},
            "header": {"subject": subject},
        }  # fmt: skip
        profile = Profile(record=Record(recipients=Showing.HASHED, subject=Showing.HASHED))
        done = recorded(event, Runtime(profile, "0" * 64, epochs=keys))
        side = SideFiles(self.state)
        side.append([(value["epoch"], canonical(value)) for value in done.side])
        side.close()
        self.append({"kind": "decision", **done.event}, *done.more)
        self.sent.append((reference, addresses))
        return reference

    def append(self, *events: dict[str, Any]) -> None:
        """Put lines into the record."""
        journal = self.journal()
        journal.append([cut(event) for event in events])
        journal.close()

    def journal(self) -> JournalFile:
        """The record, open for writing."""
        key = auditkey.keep(self.state, "relay.example.test")
        return JournalFile(str(self.log), mark={"host": "relay"}, note=key.signed)

    def report(self, *, start: Any = None) -> Report:
        """What `verify` says of all files there are."""
        key = auditkey.public(self.state)
        return verify([(path.name, lines_at(path)) for path in files_of(self.log)], start, key=key)

    def lines(self) -> list[dict[str, Any]]:
        """Every line of all files, oldest first."""
        return [json.loads(line) for path in files_of(self.log) for line in lines_at(path)]

    def values(self, epoch: str) -> dict[str, dict[str, Any]]:
        """What the file of a quarter still has, by id."""
        with suppress(FileNotFoundError):
            lines = file_of(self.state, epoch).read_bytes().splitlines()
            return {one["id"]: one for one in map(json.loads, lines)}
        return {}

    def proves(self, reference: str, address: str) -> bool:
        """Whether anybody who has key, salt and value can show that a line means this address."""
        decision = next(line for line in self.lines() if line.get("id") == reference)
        keys = epochs.read(self.state)
        hashes = {(one["k"], one["h"]) for one in decision["envelope"]["rcpt"]}
        for epoch, key in keys.items():
            for salt, value in self.values(epoch).get(reference, {}).get("rcpt", ()):
                is_meant = value == plain_address(address)
                if is_meant and (epoch, commitment(key, bytes.fromhex(salt), value)) in hashes:
                    return True
        return False


def lines_at(path: Path) -> list[bytes]:
    """The lines of a file, packed or not."""
    with path.open("rb") as file:
        return list(lines_of(unpacked(file)))


def everything(folder: Path) -> bytes:
    """The octets of all files below a folder: what a search for an address would see."""
    return b"".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())
