"""Runs the gate's own function over labelled messages and counts hits and misses.

A folder holds `labels.tsv` (tab-separated, with a header row) and one `.eml` a row. Each message is judged three
times, as a relay would that enforces: sent by an identity declared commercial (its elements), by a service that
declares nothing (its class), and by a person. Rows with AMBIG in their notes are left out. A message whose file name
has a CRC-32 divisible by three is held out: nobody tunes on it, and its figures stand beside the others.
"""

import csv
import os
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from sealgate.app.intake import Intake
from sealgate.app.runtime import Override, Runtime
from sealgate.app.screen import Outcome, at_end
from sealgate.checks.caller import Caller
from sealgate.mail.headers import parse_block
from sealgate.mail.message import Envelope, Session
from sealgate.profile.model import Identity, Kind, MailClass, Profile, SenderPattern
from sealgate.screening.limited import LimitedReader

NAME: Final = "SEALGATE_CORPUS"
BESIDE: Final = Path(__file__).resolve().parents[3] / "shared" / "corpus"
CONTENT: Final = ("canspam.", "oneclick.", "list.", "mime.")  # rules on what a message says, not on who may say it
_ANYBODY: Final = (SenderPattern("*", "*"),)
_COMMERCIAL: Final = Identity("commercial", Kind.SERVICE, MailClass.COMMERCIAL, senders=_ANYBODY)
_SERVICE: Final = Identity("service", Kind.SERVICE, MailClass.AUTO, senders=_ANYBODY)
_PERSON: Final = Identity("person", Kind.PERSON, MailClass.PERSONAL, senders=_ANYBODY)
_NOT_FOUND: Final = ("absent", "unread", "unfilled")


@dataclass(frozen=True)
class Sample:
    """A labelled message and what the gate made of it."""

    name: str
    labels: dict[str, str]
    states: dict[str, str]  # of each element, as from an identity declared commercial
    is_called_commercial: bool
    stops: dict[str, tuple[str, ...]] = field(default_factory=dict)  # by sender: rules on content that stop it

    @property
    def is_held_out(self) -> bool:
        """Whether rules may not be tuned on it."""
        return zlib.crc32(self.name.encode()) % 3 == 0

    @property
    def mail_class(self) -> str:
        """As labelled."""
        return self.labels["class"]

    def has(self, label: str) -> bool:
        """Whether a person saw it."""
        return self.labels[label] == "y"

    def shows(self, element: str) -> bool:
        """Whether the gate found it, alive or dead."""
        return self.states.get(element, "absent") not in _NOT_FOUND


@dataclass(frozen=True)
class Score:
    """One row of the table for one part of the messages."""

    right: int
    found: int
    wanted: int
    misses: tuple[str, ...] = ()  # wanted and not found
    extras: tuple[str, ...] = ()  # found and not wanted

    @property
    def recall(self) -> float:
        """Of what is there, how much was found."""
        return self.right / self.wanted if self.wanted else 1.0

    @property
    def precision(self) -> float:
        """Of what was found, how much is there."""
        return self.right / self.found if self.found else 1.0


@dataclass(frozen=True)
class Question:
    """A row: what is asked, of which messages, what a person said and what the gate says."""

    name: str
    among: Callable[[Sample], bool]
    wanted: Callable[[Sample], bool]
    found: Callable[[Sample], bool]

    def score(self, samples: list[Sample]) -> Score:
        """Count."""
        asked = [s for s in samples if self.among(s)]
        wanted, found = {s.name for s in asked if self.wanted(s)}, {s.name for s in asked if self.found(s)}
        return Score(
            len(wanted & found), len(found), len(wanted), tuple(sorted(wanted - found)), tuple(sorted(found - wanted))
        )


def _is_commercial(sample: Sample) -> bool:
    return sample.mail_class == "commercial"


QUESTIONS: Final = (
    Question(
        "opt-out, commercial mail",
        _is_commercial,
        lambda s: s.has("has_unsubscribe_link_or_text"),
        lambda s: s.shows("opt-out"),
    ),
    Question(
        "postal address, commercial mail in English",
        lambda s: _is_commercial(s) and s.labels["language"].startswith("en"),
        lambda s: s.has("has_postal_address"),
        lambda s: s.shows("postal-address"),
    ),
    Question(
        "postal address, all commercial mail",
        _is_commercial,
        lambda s: s.has("has_postal_address"),
        lambda s: s.shows("postal-address"),
    ),
    Question("commercial against the rest", lambda _: True, _is_commercial, lambda s: s.is_called_commercial),
)


def folder_of(given: str = "") -> Path | None:
    """The folder of labelled mail: the one given, that of the environment, or one beside the clone."""
    for place in (given, os.environ.get(NAME, ""), str(BESIDE)):
        if place:
            return Path(place) if Path(place, "labels.tsv").is_file() else None
    return None


def samples_of(folder: Path) -> Iterator[Sample]:
    """Judge each message that is labelled beyond doubt."""
    runtime = _runtime()
    reader = LimitedReader()
    try:
        with (folder / "labels.tsv").open(encoding="utf-8") as table:
            for row in csv.DictReader(table, delimiter="\t", quoting=csv.QUOTE_NONE):
                if "AMBIG" not in row["notes"]:
                    yield _sample(row, (folder / row["file"]).read_bytes(), runtime, reader)
    finally:
        reader.close()


def refused(samples: list[Sample], mail_class: str, sender: str) -> tuple[str, ...]:
    """Messages of a class whose content stops them when this sender sends them, with the rules."""
    return tuple(
        f"{s.name}: {', '.join(s.stops[sender])}" for s in samples if s.mail_class == mail_class and s.stops[sender]
    )


def _runtime() -> Runtime:
    profile = Profile(enforce=True, identities=(_COMMERCIAL, _SERVICE, _PERSON))
    return Runtime(profile, "", MappingProxyType({}), Override(True, float("inf"), "corpus"))


def _sample(row: dict[str, str], raw: bytes, runtime: Runtime, reader: LimitedReader) -> Sample:
    outcomes = {i.name: _outcome(raw, i, runtime, reader) for i in (_COMMERCIAL, _SERVICE, _PERSON)}
    elements: list[dict[str, Any]] = outcomes["commercial"].event["elements"]
    looks = {f["rule"] for f in outcomes["service"].event["findings"]}
    return Sample(
        name=row["file"],
        labels=row,
        states={element["name"]: element["state"] for element in elements},
        is_called_commercial="canspam.looks-commercial" in looks,
        stops={name: _stops(outcome) for name, outcome in outcomes.items()},
    )


def _stops(outcome: Outcome) -> tuple[str, ...]:
    findings = outcome.event["findings"]
    codes = (f["rule"] for f in findings if f["mode"] == "enforce" and f["action"] not in ("accept", "remove"))
    return tuple(dict.fromkeys(code for code in codes if code.startswith(CONTENT)))


def _outcome(raw: bytes, identity: Identity, runtime: Runtime, reader: LimitedReader) -> Outcome:
    if raw.startswith(b"From "):  # kept as it lay in a mailbox
        raw = raw.partition(b"\n")[2]
    head, _, body = raw.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n").partition(b"\r\n\r\n")
    intake = Intake()
    for each in parse_block(head.split(b"\r\n")):
        intake.header(each.name, each.value)
    intake.body(body)
    message, digest = intake.finish(
        reference="CORPUS0000000000", received_at=0.0, session=Session("corpus", "", -1), envelope=Envelope(b"<>")
    )
    return at_end(message, digest, runtime, reader, Caller(None, identity, "name"), over_limit=False)
