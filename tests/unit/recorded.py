"""Lines of every kind for tests: decisions as the gate makes them of the cases, and one event of each other kind."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from sealgate.app.recording import recorded
from sealgate.app.runtime import Runtime
from sealgate.audit.chain import cut, digest
from sealgate.profile.model import Record, Showing
from sealgate.wiring import build, read_profile
from tests.drivers import core
from tests.drivers.cases import EPOCHS, all_cases, profile_text
from tests.lab.gate import make_keys

Event = dict[str, Any]
NOW = "2026-11-18T11:06:40.000000Z"
HIDDEN = Record(recipients=Showing.HASHED, subject=Showing.HASHED)
CLEAR = Record(recipients=Showing.CLEAR, subject=Showing.CLEAR)

_OWN: Event = {"v": 1, "t": NOW, "host": "relay1"}
_PROGRAM: Event = {**_OWN, "software": "sealgate 1.2"}
_HEX = "ab" * 32
_VOID: Event = {"why": "No space left on device", "octets": 7, "sha256": _HEX, "peaks": [_HEX]}
OTHERS: tuple[Event, ...] = (
    {**_OWN, "kind": "recipients", "of": "ID", "part": 1, "rcpt": ["<a@b.test>"]},
    {
        **_OWN, "kind": "refusals", "from": NOW, "until": NOW, "network": "192.0.2.0/24", "listener": "submission",
        "rule": "identity.no-login", "verdict": "reject", "count": 41, "first": "A", "last": "B",
    },
    {**_PROGRAM, "kind": "fault", "id": "ID", "step": "end", "verdict": "tempfail", "why": "MemoryError()"},
    {**_PROGRAM, "kind": "correction", "id": "ID", "verdict": "tempfail", "why": "the journal did not answer"},
    {**_PROGRAM, "kind": "start", "pid": 7, "restarted": False, "profile": _HEX},
    {**_PROGRAM, "kind": "restart", "pid": 7},
    {**_PROGRAM, "kind": "stop", "pid": 7},
    {**_PROGRAM, "kind": "reload", "result": "done", "profile": _HEX, "before": "cd" * 32},
    {**_PROGRAM, "kind": "reload", "result": "failed", "profile": _HEX, "problems": ["profile.yaml:3:1: no"]},
    {**_PROGRAM, "kind": "mode", "mode": "report", "by": "root", "why": "INC-4711", "until": NOW},
    {**_PROGRAM, "kind": "mode", "mode": "enforce", "by": "", "why": "", "until": ""},
    {**_PROGRAM, "kind": "key", "result": "kept", "key": "ed._domainkey.example.test", "why": "gone"},
    {**_PROGRAM, "kind": "worker-died", "pid": 8, "status": -9},
    {
        **_PROGRAM, "kind": "forgotten", "what": "recipient", "reason": "2026-117", "by": "root (uid 0)", "values": 3,
        "epochs": ["2026q4"], "keys": [], "before": "",
    },
    {
        **_PROGRAM, "kind": "forgotten", "what": "lines", "reason": "keep_lines", "by": "root (uid 0)",
        "files": ["audit.jsonl-20211101.gz"], "first_line": 1, "last_line": 9,
    },
    {**_PROGRAM, "kind": "anchored", "way": "syslog", "place": "", "size": 12, "root": _HEX},
    {
        **_OWN, "kind": "checkpoint", "size": 12, "root": _HEX, "peaks": [_HEX, _HEX],
        "note": f"relay1/sealgate\n12\n{'A' * 43}=\n\n\u2014 relay1/sealgate AAAA\n",
    },
    {**_OWN, **_VOID, "kind": "recovered"},
    {**_OWN, **_VOID, "kind": "gap", "synced": {"seq": 3, "digest": _HEX}},
    {**_OWN, "kind": "rotated", "peaks": [_HEX]},
    {**_OWN, "kind": "full", "over": False, "peaks": [_HEX]},
    {**_OWN, "kind": "clock", "why": "the last line is of a later time", "before": NOW},
    {**_OWN, "kind": "clock", "why": "the clock was set", "milliseconds": -2500},
)  # fmt: skip


def runtimes(folder: Path) -> dict[str, Runtime]:
    """The profiles of the cases."""
    make_keys(folder / "keys")
    made = {}
    for name in {case.profile for case in all_cases()}:
        path = folder / f"{name}.yaml"
        path.write_text(profile_text(name).replace("{keys}", str(folder / "keys")))
        ingredients, problems = read_profile(path)
        assert ingredients is not None, problems
        made[name] = replace(build(ingredients), epochs=EPOCHS, host="relay1", software="sealgate 1.2")
    return made


def showing(runtime: Runtime, record: Record) -> Runtime:
    """A runtime with another section `record:`."""
    return replace(runtime, profile=replace(runtime.profile, record=record))


def decisions(known: dict[str, Runtime], record: Record = HIDDEN) -> Iterator[tuple[str, Event]]:
    """The line of each case that has one, with the name of the case."""
    for case in all_cases():
        runtime = showing(known[case.profile], record)
        outcome = core.judged(case, runtime)
        done = recorded(outcome.event, runtime) if outcome is not None else None
        if done is not None and done.kind == "decision":
            yield case.name, {"kind": "decision", **done.event}


def chained(events: Iterable[Event], moment: str = NOW) -> list[bytes]:
    """The events as lines of one chain, without newlines."""
    lines: list[bytes] = []
    previous = "0" * 64
    for seq, event in enumerate(events, 1):
        lines.append(cut(event).join(seq, previous, moment))
        previous = digest(lines[-1])
    return lines
