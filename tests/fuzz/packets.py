"""The socket: a running gate hears conversations of the milter protocol that were made worse.

A conversation is what an MTA sends on one connection, frame by frame. Frames are left out, doubled, put elsewhere and
filled with other octets; lengths lie, and a connection ends anywhere. The gate may hang up and may say anything that
the protocol knows. What it must not do is found out after each `_ROUND` conversations: every connection was answered
or closed, no worker died or was replaced, no fault was recorded or logged, and a good message on a new connection is
sealed.

When that fails, each conversation of the round is said again to a new gate, and the first that does it alone is written
to a file; where none does it alone, all of them are, one after the other.
"""

import contextlib
import hashlib
import json
import random
import socket
import struct
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

from tests.drivers.cases import all_cases, profile_text
from tests.drivers.socket import transact
from tests.drivers.wire import Wire, WireError
from tests.fuzz.blind import mutated
from tests.fuzz.seeds import seeds_of
from tests.lab.gate import Gate

Frame = tuple[bytes, bytes]
"""The octet of a command, and what follows it."""

_ROUND: Final = 250
_AT_ONCE: Final = 8  # connections that are open side by side
_PATIENCE: Final = 30.0  # seconds until the gate must have closed a connection that we have ended
_MOST: Final = 1 << 20  # octets of a conversation
_ANSWERS: Final = frozenset(b"Ohimq+2-ebacdrst4yp")
_LONGEST_ANSWER: Final = 1 << 20
_GOOD: Final = "lawful-newsletter"
_DISORDER: Final = "the MTA left the order of the protocol"
_STEPS: Final = b"OCHMRTLNBEDAUQK\0Zs"


class _Broken(Exception):
    """The gate did what it must not do."""


def run(seconds: float, failed: Path, say: Callable[[str], None] = print) -> tuple[int, float, str, int, Path | None]:
    """Talk to a gate for some time; return conversations, seconds, a word on them, seeds, and the file of a failure."""
    chance, began, count = random.Random(), time.monotonic(), 0
    known = tuple(conversations())
    with _gate() as gate:
        watch = _Watch(gate)
        watch.look()
        while time.monotonic() - began < seconds:
            spoken = [worse(known, chance) for _ in range(_ROUND)]
            try:
                _speak(gate, spoken)
                watch.look()
            except _Broken as error:
                say("")
                print(f"{error}\n{gate.log()[-3000:]}")
                return count, time.monotonic() - began, "", len(known), _written(_culprits(spoken), failed)
            count += len(spoken)
            say(f"packets: {count:,} conversations, {watch.octets:,} octets of answers")
        say("")
        memory = max(_peak(pid) for pid in watch.workers)
    return count, time.monotonic() - began, f"workers {memory} MB", len(known), None


def repeat(path: Path) -> int:
    """Say what a file holds to a new gate; return the exit status."""
    data, spoken, at = path.read_bytes(), [], 0
    while at < len(data):
        (length,) = struct.unpack_from("!I", data, at)
        spoken.append(data[at + 4 : at + 4 + length])
        at += 4 + length
    with _gate() as gate:
        watch = _Watch(gate)
        try:
            watch.look()
            _speak(gate, spoken)
            watch.look()
        except _Broken as error:
            print(f"{error}\n{gate.log()[-6000:]}")
            return 1
    print("nothing is wrong with it")
    return 0


# -- what is said ------------------------------------------------------------------------------------------------------


def conversations() -> Iterator[tuple[Frame, ...]]:
    """Good conversations, one with each seed as its message, in the ways in which MTAs hold them."""
    for number, message in enumerate(seeds_of("packets")):
        login = (b"svc/newsletter@EXAMPLE.TEST", b"alice@EXAMPLE.TEST", b"", b"nobody@OTHER.TEST")[number % 4]
        author = (b"news@example.test", b"alice@example.test", b"root@example.test", b"x@y.test")[number % 4]
        yield (
            (b"O", struct.pack("!III", 6, 0x1FF, 0x1FFFFF)),
            *_opening(),
            *_message(login, author, message),
            (b"A", b""),
            *_message(login, author, message),
            (b"A", b""),
            (b"Q", b""),
        )
        if not number:
            yield ((b"O", struct.pack("!III", 2, 0x3D, 0x7F)), *_opening(), *_message(login, author, message))
            yield ((b"O", struct.pack("!III", 6, 0x1FF, 0x1FFFFF)), (b"K", b""), *_opening(), (b"Q", b""))


def _opening() -> Iterator[Frame]:
    yield b"D", b"C" + _strings(b"j", b"mail.example.test", b"{daemon_name}", b"submission", b"v", b"Postfix 3.7.11")
    yield b"C", b"client.example.test\0" + b"4" + struct.pack("!H", 40_000) + b"192.0.2.7\0"
    yield b"D", b"H" + _strings(b"{tls_version}", b"TLSv1.3", b"{cipher_bits}", b"256")
    yield b"H", b"client.example.test\0"


def _message(login: bytes, author: bytes, message: bytes) -> Iterator[Frame]:
    head, _, body = message.partition(b"\n\n")
    macros = _strings(b"{auth_type}", b"GSSAPI", b"{auth_authen}", login, b"{mail_addr}", author) if login else b""
    yield b"D", b"M" + macros
    yield b"M", b"<" + author + b">\0SIZE=1000\0"
    yield b"D", b"R" + _strings(b"{rcpt_addr}", b"reader@example.net")
    yield b"R", b"<reader@example.net>\0"
    yield b"D", b"T" + _strings(b"i", b"4TstFUZZ")
    yield b"T", b""
    for line in head.replace(b"\n ", b"\1 ").split(b"\n"):
        name, _, value = line.partition(b":")
        yield b"L", name + b"\0" + value.replace(b"\1", b"\n") + b"\0"
    yield b"N", b""
    wire = body.replace(b"\n", b"\r\n")
    yield b"B", wire[: len(wire) // 2]
    yield b"B", wire[len(wire) // 2 :]
    yield b"D", b"E" + _strings(b"i", b"4TstFUZZ")
    yield b"E", b""


def _strings(*texts: bytes) -> bytes:
    return b"".join(text + b"\0" for text in texts)


def worse(known: Sequence[tuple[Frame, ...]], chance: random.Random) -> bytes:
    """Make one conversation worse, and give it as octets."""
    frames = list(chance.choice(known))
    for _ in range(1 + int(chance.expovariate(0.4))):
        at = chance.randrange(len(frames)) if frames else 0
        command, content = frames[at] if frames else (b"O", b"")
        match chance.randrange(8):
            case 0:
                del frames[at : at + 1]
            case 1:
                frames[at:at] = [(command, content)] * chance.choice((1, 1, 3, 60))
            case 2:
                frames.insert(chance.randrange(len(frames) + 1), (command, content))
            case 3:
                frames[at : at + 1] = [(bytes((chance.choice(_STEPS),)), content)]
            case 4:
                other = chance.choice(chance.choice(known))
                frames.insert(at, other)
            case 5:
                frames[at : at + 1] = [(command, content * chance.choice((0, 3, 200)))]
            case _:
                words = [each for _, each in chance.choice(known)[:12]]
                frames[at : at + 1] = [(command, mutated([content], words, 70_000, chance))]
    octets = bytearray()
    for command, given in frames[:2_000]:
        content = _in_pairs(given) if command == b"D" else given
        length = 1 + len(content)
        if command != b"D" and chance.random() < 0.004:
            length = chance.choice((0, 1, length - 1, length + 1, 0xFFFF, 0x00FFFFFF, 0x7FFFFFFF, 0xFFFFFFFF))
        octets += struct.pack("!I", length) + command + content
    if chance.random() < 0.1:
        del octets[chance.randrange(len(octets) + 1) :]
    return bytes(octets[:_MOST])


def _in_pairs(macros: bytes) -> bytes:
    """Macros of which each has a value. libmilter reads on behind a name that has none until the process dies of it."""
    names = macros[1:].removesuffix(b"\0").split(b"\0") if macros[1:] else []
    return (macros[:1] or b"C") + _strings(*names, *([b""] if len(names) % 2 else []))


# -- what came of it ---------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def _gate() -> Iterator[Gate]:
    with tempfile.TemporaryDirectory(prefix="fuzz-") as folder, Gate(Path(folder), profile_text("enforce")) as gate:
        yield gate


class _Watch:
    """Looks at a gate between rounds. `workers` are those that it had in the beginning."""

    def __init__(self, gate: Gate) -> None:
        self.workers = sorted(gate.status()["workers"])
        self.octets = 0
        self._gate = gate
        self._seen = {gate.audit_log: 0, gate.folder / "gate.log": 0}
        self._case = next(case for case in all_cases() if case.name == _GOOD)

    def look(self) -> None:
        """Raise `_Broken` where something is wrong."""
        try:
            with Wire(self._gate.socket, timeout=_PATIENCE) as wire:
                wire.negotiate()
                wire.connect("localhost", "127.0.0.1", 40_000, {"daemon_name": "submission"})
                wire.helo()
                answer = transact(wire, self._case)
        except (WireError, OSError) as error:
            raise _Broken(f"a good message is not answered: {error}") from error
        if answer.code[0] != "2" or not any(edit.name == b"DKIM-Signature" for edit in answer.edits):
            raise _Broken(f"a good message is answered {answer}")
        if (now := sorted(self._gate.status()["workers"])) != self.workers:
            raise _Broken(f"the workers were {self.workers} and are {now}")
        for path, at in self._seen.items():
            with path.open("rb") as file:
                file.seek(at)
                new = file.read()
            whole = new.rpartition(b"\n")[0] + b"\n"
            self._seen[path] = at + len(whole) if b"\n" in new else at
            for line in whole.splitlines():
                _look_at(line)


def _look_at(line: bytes) -> None:
    try:
        event = json.loads(line) if line[:1] == b"{" else {}
    except ValueError as error:
        raise _Broken(f"a line that is no JSON: {line[:300]!r}") from error
    kind = event.get("kind") or event.get("event")
    if kind == "fault" and _DISORDER in event.get("why", event.get("error", "")):
        return  # deferred, and said to the operator: as it is meant
    if (
        kind in ("fault", "worker-died", "correction", "gap")
        or b"Traceback" in line
        or event.get("level") == "critical"
    ):
        raise _Broken(f"it says: {line[:2000]!r}")


def _speak(gate: Gate, spoken: Sequence[bytes]) -> None:
    """Say conversations, some at once; each connection must be closed by the gate in the end."""
    path = gate.socket.removeprefix("unix:")
    for start in range(0, len(spoken), _AT_ONCE):
        with contextlib.ExitStack() as stack:
            open_now = [
                (_begun(stack.enter_context(socket.socket(socket.AF_UNIX)), path, each), each)
                for each in spoken[start : start + _AT_ONCE]
            ]
            for one, said in open_now:
                _look_at_answers(_heard(one), said)


def _begun(one: socket.socket, path: str, said: bytes) -> socket.socket:
    one.settimeout(_PATIENCE)
    try:
        one.connect(path)
        one.sendall(said)
        one.shutdown(socket.SHUT_WR)
    except TimeoutError as error:
        raise _Broken(f"the gate takes nothing any more: {said[:80]!r}") from error
    except OSError:
        pass  # it hung up in the middle
    return one


def _heard(one: socket.socket) -> bytes:
    heard = bytearray()
    try:
        while piece := one.recv(65_536):
            heard += piece
    except TimeoutError as error:
        raise _Broken(f"a connection that was ended is not closed; heard {bytes(heard[-200:])!r}") from error
    except OSError:
        pass
    return bytes(heard)


def _look_at_answers(heard: bytes, said: bytes) -> None:
    at = 0
    while at + 4 < len(heard):
        (length,) = struct.unpack_from("!I", heard, at)
        if not 0 < length <= _LONGEST_ANSWER or heard[at + 4] not in _ANSWERS:
            raise _Broken(f"no answer of the protocol: {heard[at : at + 60]!r} to {said[:300]!r}")
        if heard[at + 4 : at + 5] == b"y" and not heard[at + 5 : at + 4 + length].rstrip(b"\0").isascii():
            raise _Broken(f"a reply beyond ASCII: {heard[at : at + 200]!r}")
        at += 4 + length


def _culprits(spoken: Sequence[bytes]) -> Sequence[bytes]:
    """The first conversation that does it alone; all where none does."""
    with contextlib.suppress(_Broken), _gate() as gate:
        watch = _Watch(gate)
        for each in spoken:
            try:
                _speak(gate, [each])
                watch.look()
            except _Broken:
                return [each]
    return spoken


def _written(spoken: Sequence[bytes], folder: Path) -> Path:
    data = b"".join(struct.pack("!I", len(each)) + each for each in spoken)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"packets-{hashlib.sha256(data).hexdigest()[:16]}"
    path.write_bytes(data)
    return path


def _peak(pid: int) -> int:
    """MB that a process ever had."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) // 1024
