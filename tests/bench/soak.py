"""Does the gate stay as it is? Two hundred thousand mixed messages through its socket, and what it holds meanwhile.

    python -m tests.bench.soak [--messages 200000] [--step 10000] [--connections 8] [--folder FOLDER] [--json]

Newsletters of three sizes, mail of a person, mail that is refused, and hostile markup and header fields go through a
gate of their own at the same time, by the load generator. After each step: memory that belongs to each process alone,
open descriptors, threads, rate, the time of a newsletter, the size of the folders. At the end the record is verified as
an operator does it, and must hold a line for each message.

Status 1 if after the first quarter the memory of a process grows by more than 1 KB per 1,000 messages (the median of
the slopes between all pairs of steps) or its descriptors increase, a process was replaced, a message was deferred or
answered otherwise than it must be, a fault was recorded, or the record is not whole.
"""

import argparse
import contextlib
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path
from typing import Any, Final

from sealgate.audit.looking import event_of
from sealgate.audit.verifier import lines_of
from tests.bench import messages
from tests.bench.ratio import BenchError, load_program
from tests.drivers.cases import profile_text
from tests.lab.gate import ROOT, Gate
from tests.lab.hostile import HOSTILE

MOST_GROWTH: Final = 1.0  # KB per 1,000 messages
_SETTLING: Final = 0.25  # of the messages: caches fill
_HOSTILE_OCTETS: Final = 66_000  # of a hostile message
_SINCE_CLOSED: Final = 1.0  # seconds after the last connection was closed, before descriptors are counted

_LETTER: Final = b"""\
From: Alice Example <news@example.test>
To: %%NAME%% <reader%%NUMBER%%@example.net>
Subject: Re: lunch with %%NAME%%
Date: Fri, 20 Nov 2026 09:00:00 +0000
Message-ID: <%%NUMBER%%.%%TOKEN%%%%%%%%%%%%%%%%%%%%%%%%%@example.test>

On Thu, 19 Nov 2026 %%NAME%% wrote:
> Are you coming at noon?
Yes, and I bring number %%NUMBER%% along.
"""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of message: its share, connections, login, templates, and what must become of it."""

    name: str
    share: float
    connections: float
    login: str
    templates: bytes
    outcome: str  # accepted, refused, or either


@dataclass(slots=True)
class Step:
    """What was seen after so many messages. `memory` is in KB; these three are by process, such as `worker 2`."""

    messages: int
    rate: float
    p50_ms: float
    p99_ms: float
    memory: dict[str, int] = field(default_factory=dict)
    descriptors: dict[str, int] = field(default_factory=dict)
    threads: dict[str, int] = field(default_factory=dict)
    folders: dict[str, int] = field(default_factory=dict)  # KB


def main(arguments: Sequence[str] | None = None) -> int:
    """Run it and print it; return the exit status."""
    options = _options().parse_args(arguments)
    try:
        with contextlib.ExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="soak-", dir=options.folder)))
            gate = stack.enter_context(Gate(folder, _profile(), workers=2))
            steps, sent, faults = _soak(gate, options, folder)
            faults += _judged(gate, sent, steps)
    except BenchError as error:
        print(error, file=sys.stderr)
        return 1
    if options.json:
        print(json.dumps({"steps": [_plain(step) for step in steps], "faults": faults}))
    else:
        print("\n".join([*_growth(steps), *(f"FAULT: {fault}" for fault in faults)] or ["nothing is wrong"]))
    return 1 if faults else 0


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.soak", description="Does the gate stay as it is?")
    parser.add_argument("--messages", type=int, default=200_000)
    parser.add_argument("--step", type=int, default=10_000, help="messages between two measurements")
    parser.add_argument("--connections", type=int, default=8)
    parser.add_argument("--folder", type=Path, help="where the gate's folder is made: the record takes 3 KB a message")
    parser.add_argument("--json", action="store_true", help="one JSON object at the end instead of the table")
    return parser


def _profile() -> str:
    """The enforcing profile less its second key; a person may send from the address that the load generator says."""
    lines = [line for line in profile_text("enforce").splitlines(keepends=True) if "selector: ed" not in line]
    return "".join(lines).replace("senders: [alice@example.test,", "senders: [alice@example.test, news@example.test,")


# -- what is sent ------------------------------------------------------------------------------------------------------


def kinds() -> tuple[Kind, ...]:
    """What is mixed, and in which shares."""
    small, usual, large = (messages.newsletter(size) for size in ("0.5", "20", "200"))
    newsletters = _mbox([usual] * 6 + [small] * 3 + [large])
    refused = usual.replace(b"Main Street", b"Nowhere").replace(b"unsubscribe", b"ask").replace(b"Unsubscribe", b"Ask")
    letters = _mbox([_LETTER, _LETTER.replace(b"along.", b"along.\n" + b"It is a long story, told again.\n" * 400)])
    return (
        Kind("newsletter", 0.60, 0.5, "svc/newsletter@EXAMPLE.TEST", newsletters, "accepted"),
        Kind("letter", 0.27, 0.25, "alice@EXAMPLE.TEST", letters, "accepted"),
        Kind("refused", 0.12, 0.125, "svc/newsletter@EXAMPLE.TEST", _mbox([refused]), "refused"),
        Kind("hostile", 0.01, 0.125, "svc/newsletter@EXAMPLE.TEST", _mbox(list(_hostile())), "either"),
    )


def _mbox(made: Sequence[bytes]) -> bytes:
    return b"".join(b"From soak\n" + each.rstrip(b"\n") + b"\n" for each in made)


def _hostile() -> Iterator[bytes]:
    """Those of the hostile messages that are small, for their number is what counts here."""
    for name, make in HOSTILE.items():
        if name.startswith(("html", "css", "From", "Content-Type", "Subject", "List", "DKIM")):
            bomb = make()
            fields = bomb.whole(b"news@example.test")
            head = b"".join(key + b":" + value.replace(b"\n", b"\n ") + b"\n" for key, value in fields)
            if len(head) + len(bomb.body) < _HOSTILE_OCTETS and b"\0" not in head + bomb.body:
                yield head + b"\n" + bomb.body.replace(b"\nFrom ", b"\n>From ")


def _sent(gate: Gate, folder: Path, base: int, count: int, connections: int) -> dict[str, dict[str, Any]]:
    """Send a step, all kinds at once; return the generator's figures by kind."""
    running: dict[str, subprocess.Popen[str]] = {}
    made = kinds_of(folder)
    turn = base // max(count, 1) % len(made)  # whoever comes first meets the worker that is awake: each worker sees all
    for kind in (*made[turn:], *made[:turn]):
        amount = max(1, round(count * kind.share))
        command = [str(load_program()), "-s", gate.socket, "-t", str(folder / f"{kind.name}.mbox"), "-n", str(amount)]
        command += ["-c", str(max(1, round(connections * kind.connections))), "-b", str(base)]
        command += ["-m", f"auth_authen={kind.login}"]
        running[kind.name] = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    said: dict[str, dict[str, Any]] = {}
    for name, process in running.items():
        out, error = process.communicate()
        if process.returncode != 0:
            raise BenchError(f"load ({name}): {error.strip()}\n{gate.log()[-2000:]}")
        said[name] = json.loads(out)
    return said


def kinds_of(folder: Path) -> tuple[Kind, ...]:
    """The kinds, with their templates in files of the folder."""
    made = kinds()
    for kind in made:
        path = folder / f"{kind.name}.mbox"
        if not path.exists():
            path.write_bytes(kind.templates)
    return made


# -- what is seen ------------------------------------------------------------------------------------------------------


def _soak(gate: Gate, options: argparse.Namespace, folder: Path) -> tuple[list[Step], int, list[str]]:
    steps: list[Step] = []
    faults: list[str] = []
    processes = _processes(gate)
    sent, of = 0, {kind.name: kind for kind in kinds_of(folder)}
    print(_heading(processes), flush=True)
    while sent < options.messages:
        count = min(options.step, options.messages - sent)
        began = time.monotonic()
        said = _sent(gate, folder, sent, count, options.connections)
        took = time.monotonic() - began
        sent += sum(figures["messages"] for figures in said.values())
        for name, figures in said.items():
            faults += _answered(of[name], figures, sent)
        time.sleep(_SINCE_CLOSED)
        if _processes(gate) != processes:
            faults.append(f"after {sent:,} messages the processes are {_processes(gate)}; they were {processes}")
            break
        news = said["newsletter"]
        steps.append(_seen(gate, processes, Step(sent, count / took, news["whole_p50_ms"], news["whole_p99_ms"])))
        print(_row(steps[-1]), flush=True)
    return steps, sent, faults


def _answered(kind: Kind, figures: Mapping[str, Any], sent: int) -> list[str]:
    refused = figures["rejected"] + figures["replycoded"]
    wrong = figures["tempfailed"] + figures["discarded"]
    if kind.outcome == "accepted" and (figures["accepted"] != figures["messages"] or figures["quarantined"]):
        wrong += figures["messages"] - figures["accepted"]
    if kind.outcome == "refused":
        wrong += figures["messages"] - refused
    if kind.outcome == "either" and refused and str(figures["first_reply"])[:1] == "4":
        wrong += 1
    return [f"up to {sent:,}: {wrong} of {kind.name} were answered otherwise: {figures}"] if wrong else []


def _processes(gate: Gate) -> dict[str, int]:
    """The process ids by name."""
    found = {"supervisor": gate.pid}
    for kind, pids in gate.status()["processes"].items():
        found |= {f"{kind} {n}" if len(pids) > 1 else kind: pid for n, pid in enumerate(sorted(pids), 1)}
    return found


def _seen(gate: Gate, processes: Mapping[str, int], step: Step) -> Step:
    for name, pid in processes.items():
        status = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
        step.memory[name] = int(status["RssAnon"].split()[0])
        step.threads[name] = int(status["Threads"])
        step.descriptors[name] = len(list(Path(f"/proc/{pid}/fd").iterdir()))
    for name in ("run", "state"):
        step.folders[name] = _size(gate.folder / name) // 1024
    step.folders["audit"] = gate.audit_log.stat().st_size // 1024
    return step


def _size(folder: Path) -> int:
    return sum(path.lstat().st_size for path in folder.rglob("*") if path.is_file())


# -- what is judged ----------------------------------------------------------------------------------------------------


def growth(steps: Sequence[Step], name: str) -> float:
    """KB per 1,000 messages by which a process grows: the median of the slopes between all pairs of steps."""
    settled = settled_of(steps)
    slopes = [(b.memory[name] - a.memory[name]) / (b.messages - a.messages) * 1000 for a, b in combinations(settled, 2)]
    return statistics.median(slopes) if slopes else 0.0


def settled_of(steps: Sequence[Step]) -> Sequence[Step]:
    """The steps after the first quarter."""
    return [step for step in steps if step.messages >= steps[-1].messages * _SETTLING]


def _growth(steps: Sequence[Step]) -> list[str]:
    return [f"{name}: {growth(steps, name):+.2f} KB per 1,000 messages" for name in steps[-1].memory] if steps else []


def _judged(gate: Gate, sent: int, steps: Sequence[Step]) -> list[str]:
    faults = []
    settled = settled_of(steps)
    for name in settled[0].memory if settled else ():
        if len(settled) > 3 and growth(steps, name) > MOST_GROWTH:
            faults.append(f"{name} grows by {growth(steps, name):.2f} KB per 1,000 messages")
        half = len(settled) // 2
        early, late = ([step.descriptors[name] for step in part] for part in (settled[:half], settled[half:]))
        if early and min(late) > max(early):
            faults.append(f"{name} had {max(early)} descriptors, and has {min(late)}")
    gate.stop()  # its last lines
    with gate.audit_log.open("rb") as file:
        counted = Counter(str(event_of(line).get("kind", "none")) for line in lines_of(file.read))
    print(f"record: {dict(counted)}")
    if counted["decision"] != sent:
        faults.append(f"{sent:,} messages were sent, and {counted['decision']:,} are recorded")
    faults += [f"{counted[kind]} lines of the kind {kind}" for kind in ("fault", "gap", "correction") if counted[kind]]
    done = subprocess.run(
        [sys.executable, "-m", "sealgate", "audit", "verify", "--settings", str(gate.settings_path), "--from-start"],
        env={"PYTHONPATH": str(ROOT / "milter")},
        capture_output=True,
        text=True,
        check=False,
    )
    print(done.stdout.strip())
    if done.returncode != 0:
        faults.append(f"the record is not whole: {done.stdout[-500:]} {done.stderr[-500:]}")
    return faults


# -- what is shown -----------------------------------------------------------------------------------------------------


def _heading(processes: Mapping[str, int]) -> str:
    each = " ".join(f"{name:>20}" for name in processes)
    under = " ".join(f"{'KB fd thr':>20}" for _ in processes)
    return (
        f"{'messages':>9} {'msg/s':>6} {'p50 ms':>7} {'p99 ms':>8} {each} {'run':>6} {'state':>7} {'audit MB':>8}\n"
        f"{'':33} {under}"
    )


def _row(step: Step) -> str:
    each = " ".join(
        f"{step.memory[name]:>12} {step.descriptors[name]:>3} {step.threads[name]:>3}" for name in step.memory
    )
    folders = f"{step.folders['run']:6} {step.folders['state']:7} {step.folders['audit'] / 1024:8.0f}"
    return f"{step.messages:9,} {step.rate:6.0f} {step.p50_ms:7.1f} {step.p99_ms:8.1f} {each} {folders}"


def _plain(step: Step) -> dict[str, Any]:
    return {name: getattr(step, name) for name in Step.__dataclass_fields__}


if __name__ == "__main__":
    sys.exit(main())
