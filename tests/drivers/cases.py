"""The corpus of cases: a message, how it was sent, and what must come of it.

Each file in `tests/cases` is run by three drivers: the pure core, the milter socket, a real Postfix with Kerberos
logins. What a driver saw comes back as one `Seen`; `Case.differences` says where that is not what the file demands.
A difference between two drivers is an adapter's fault.
"""

import re
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Final

import yaml

FOLDER: Final = Path(__file__).resolve().parents[1] / "cases"
LOCAL: Final = "local"  # as a listener: sendmail(1)
# A key for the personal values of whatever quarter a test runs in.
EPOCHS: Final = {f"{year}q{quarter}": bytes(32) for year in range(1970, 2101) for quarter in range(1, 5)}


@dataclass(frozen=True)
class Seen:
    """What came of a message, as far as the driver can see it; `None` where it cannot."""

    action: str  # accept, reject, tempfail, quarantine; pass: never judged
    reply: str | None = ""
    rules: tuple[str, ...] | None = None
    would: str | None = None
    stage: str | None = None
    signed: tuple[str, ...] | None = None  # the algorithm of each signature
    seals: tuple[str, ...] | None = None  # the same with domain and selector, as the record has them
    skipped: str | None = None
    reference: str | None = None


@dataclass(frozen=True)
class Case:
    """One file of the corpus."""

    name: str
    says: str
    message: bytes
    mail_from: str
    rcpt: str
    expect: dict[str, Any]
    profile: str = "enforce"
    listener: str = "submission"
    login: str | None = None
    auth_name: str = ""
    auth_mechanism: str = ""
    client: str = "127.0.0.1"
    skip: dict[str, str] = field(default_factory=dict)
    gone: tuple[str, ...] = ()  # what must not be in the copy that leaves
    there: tuple[str, ...] = ()  # what must be, as regular expressions; of the core: in the fields it puts in

    def left_in(self, delivered: bytes) -> list[str]:
        """What should have been taken out and is still there, and what should be there and is not."""
        missing = [text for text in self.there if not re.search(text.encode(), delivered)]
        return [text for text in self.gone if text.encode() in delivered] + missing

    @property
    def sasl(self) -> tuple[str, str]:
        """Mechanism and name as SASL would hand them over."""
        name = self.auth_name or self.login or ""
        return (self.auth_mechanism or "GSSAPI") if name else "", name

    @property
    def client_port(self) -> int:
        """0 for local submission, as Postfix emulates it."""
        return 0 if self.listener == LOCAL else 40_000

    @property
    def message_id(self) -> str:
        """The Message-ID, to find the delivered copy by."""
        return next(
            line.partition(b":")[2].strip().decode()
            for line in self.message.split(b"\n")
            if line.lower().startswith(b"message-id:")
        )

    @property
    def wire(self) -> bytes:
        """The message with CRLF line ends."""
        return self.message.replace(b"\n", b"\r\n")

    def differences(self, seen: Seen) -> list[str]:
        """What was demanded and is not so."""
        found: list[str] = []
        for key, wanted in self.expect.items():
            got = getattr(seen, key)
            if got is None:
                continue
            if key == "reply":
                if not got.startswith(wanted):
                    found.append(f"reply {got!r} does not begin with {wanted!r}")
            elif isinstance(wanted, list):
                if sorted(got) != sorted(wanted):
                    found.append(f"{key} {sorted(got)} instead of {sorted(wanted)}")
            elif got != wanted:
                found.append(f"{key} {got!r} instead of {wanted!r}")
        return found


@cache
def all_cases() -> tuple[Case, ...]:
    """Every case, by name."""
    return tuple(_read(path) for path in sorted(FOLDER.glob("*.yaml")))


def profile_text(name: str) -> str:
    """A profile of the corpus, with `{keys}` for the folder of the keys."""
    return (FOLDER / "profiles" / f"{name}.yaml").read_text()


def seen_in(event: dict[str, Any]) -> Seen:
    """What an audit event says."""
    seal = event.get("seal", {})
    return Seen(
        action=event["verdict"],
        reply=event["reply"],
        rules=tuple(f["rule"] for f in event["findings"]),
        would=event["would"],
        stage=event["stage"],
        signed=tuple(s.rpartition("a=")[2] for s in seal.get("signed", ())),
        seals=tuple(seal.get("signed", ())),
        skipped=seal.get("skipped"),
        reference=event["id"],
    )


def _read(path: Path) -> Case:
    raw = yaml.safe_load(path.read_text())
    raw["message"] = raw["message"].encode()
    return Case(name=path.stem, **raw)
