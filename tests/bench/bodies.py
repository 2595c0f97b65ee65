"""What single steps of the signing path cost: bodies of 5 MB, ordinary and hostile, large headers, and a ledger.

    python -m tests.bench.bodies memory

prints what 5 MB of body add to a process of its own. All else is called by `tests.bench.sealing`: each function runs
every piece once a round, in turn, and returns medians, so that a busy moment of the machine is shared by all.
"""

import json
import os
import random
import statistics
import subprocess
import sys
import textwrap
import time
import tracemalloc
from base64 import b64encode, encodebytes
from collections.abc import Callable, Mapping
from pathlib import Path
from quopri import encodestring
from typing import Any, Final

from sealgate.app.intake import Intake
from sealgate.mail.headers import Field, Headers
from sealgate.mail.lines import LineScan
from sealgate.mail.message import Envelope, Session
from sealgate.mail.mime import Splitter
from sealgate.profile.model import Form, KeyType
from sealgate.seal.canonical import RelaxedBody, SimpleBody
from sealgate.seal.keys import SigningKey, generate, load
from sealgate.seal.plan import SealPlan, Signer, signed_names
from sealgate.seal.refold import refold
from sealgate.seal.sign import _raw_signature, field_digests, selections, sign
from tests.bench import signers
from tests.bench.ratio import DOMAIN

OCTETS: Final = 5_120_000
SESSION: Final = Session("submission", "192.0.2.1", 40_000)
ENVELOPE: Final = Envelope(b"<news@example.test>")
_MIXED: Final = Field(b"Content-Type", b' multipart/mixed; boundary="=_mix"')
_SENTENCES: Final = """\
the garden gets water every morning before breakfast and after the evening news because roses dislike dry soil while
tomatoes want more sun than shade and a neighbour with patience who knows which seeds were planted in February"""
_WORDS: Final = _SENTENCES.split()


def _prose() -> bytes:
    pick = random.Random(6376)
    text = " ".join(pick.choice(_WORDS) for _ in range(20_000))
    return "\r\n".join(textwrap.wrap(text, 72)).encode() + b"\r\n"


def _accented() -> bytes:
    text = _prose().replace(b"\r\n", b"\n").replace(b"ea", "é".encode()).replace(b"ou", "ü=".encode())
    return encodestring(text).replace(b"\n", b"\r\n")


def _indented() -> bytes:
    lines = _prose().split(b"\r\n")
    return b"".join(b" " * (2 * (i % 9)) + b"<td>" + line + b"</td>\r\n" for i, line in enumerate(lines))


ORDINARY: Final = {
    "base64": lambda: encodebytes(random.Random(3).randbytes(57 * 1_000)).replace(b"\n", b"\r\n"),
    "prose": _prose,
    "quoted-printable": _accented,
    "indented HTML": _indented,
}
"""Texts that mail is made of, repeated to 5 MB."""

HOSTILE: Final = {
    "blanks": b" ",
    "tabs": b"\t",
    "empty lines": b"\r\n",
    "a blank a line": b" \r\n",
    "two blanks a line": b"  \r\n",
    "blank and tab a line": b" \t\r\n",
    "a letter, three blanks": b"a   ",
    "a letter, nine blanks": b"a" + b" " * 9,
    "a letter, a tab": b"a\t",
    "carriage returns": b"\r",
    "blank, carriage return": b" \r",
    "line feeds": b"\n",
    "two CR, one LF": b"\r\r\n",
    "64 KB of empty lines, a letter": b"\r\n" * 32_000 + b"a",
    "half prose, half blanks": None,  # 32 KB each
}


def text(name: str) -> bytes:
    """5 MB of one of the texts."""
    if name in ORDINARY:
        unit = ORDINARY[name]()
    else:
        unit = HOSTILE[name] or _prose()[:32_000] + b" " * 32_000
    return (unit * (OCTETS // len(unit) + 1))[:OCTETS]


class _Whole:
    """All that is done with a body while it arrives."""

    def __init__(self) -> None:
        self._intake = Intake()
        self._intake.header(_MIXED.name, _MIXED.value)
        self.feed = self._intake.body


COLUMNS: Final[Mapping[str, Callable[[], Any]]] = {
    "relaxed hash": RelaxedBody,
    "simple hash": SimpleBody,
    "line scan": LineScan,
    "splitter": lambda: Splitter(Headers((_MIXED,))),
    "all while it arrives": _Whole,
}


def milliseconds(names: tuple[str, ...], rounds: int) -> dict[str, dict[str, float]]:
    """Processor time of 5 MB of each text by column: medians."""
    runs: dict[str, dict[str, list[float]]] = {name: {column: [] for column in COLUMNS} for name in names}
    for _ in range(rounds):
        for name in names:  # one text at a time: all at once would be 100 MB
            chunks = signers.cut(text(name))
            for column, make in COLUMNS.items():
                runs[name][column].append(_fed(make, chunks))
    return {name: {column: statistics.median(took) for column, took in of.items()} for name, of in runs.items()}


def _fed(make: Callable[[], Any], chunks: tuple[bytes, ...]) -> float:
    sink = make()
    began = time.process_time_ns()
    for chunk in chunks:
        sink.feed(chunk)
    return (time.process_time_ns() - began) / 1e6


def _fields(*more: Field) -> Headers:
    return Headers(signers.message("20")[1].fields + more)


def _large() -> dict[str, Headers]:
    many = [Field(b"To", b" reader%d@example.net" % i) for i in range(1_980)]
    listed = b",\r\n".join(b" Reader %d <reader%d@example.net>" % (i, i) for i in range(1_500))
    return {
        "2,000 fields, all To": _fields(*many),
        "1 MB, To of 58 KB each": _fields(*[Field(b"To", listed)] * 17),
        "1 MB of blanks in one": _fields(Field(b"Subject", b" a  " * 250_000)),
        "1 MB of folds in one": _fields(Field(b"Subject", b"\r\n a" * 250_000)),
    }


LARGE: Final = ("2,000 fields, all To", "1 MB, To of 58 KB each", "1 MB of blanks in one", "1 MB of folds in one")


class _Instant:
    """A private key whose mathematics takes no time."""

    def sign(self, *_: object) -> bytes:
        return bytes(256)


_FREE: Final = SigningKey(DOMAIN, "s1", KeyType.RSA_SHA256, _Instant())  # type: ignore[arg-type]


def large_headers(rounds: int) -> dict[str, float]:
    """Milliseconds from a large header block to the signature, without the mathematics."""
    works: dict[str, Callable[[], object]] = {}
    for name, headers in _large().items():
        works[name] = _headers_only(headers)
    return {name: micro / 1e3 for name, micro in _microseconds(works, rounds).items()}


def _headers_only(headers: Headers) -> Callable[[], object]:
    def work() -> object:
        seal = SealPlan((Signer(_FREE),), signed_names(headers, commercial=True))
        leaving = refold(headers, {name.lower() for name in seal.names})
        relaxed = tuple(selections(seal.names, leaving.headers))
        field_digests(seal.names[:100], relaxed[:100])
        return sign(seal, leaving.headers, {Form.RELAXED: bytes(32)}, 0, relaxed=relaxed)

    return work


def ledger(rounds: int) -> dict[str, float]:
    """Microseconds of each step for one newsletter of 20 KB."""
    _, headers, chunks = signers.message("20")
    names = signed_names(headers, commercial=True)
    covers = {name.lower() for name in names}
    relaxed = tuple(selections(names, headers))
    seal, hashes = SealPlan((Signer(_FREE),), names), {Form.RELAXED: bytes(32)}
    ed = load(generate("ed25519"), DOMAIN, "s2")
    raw = b"".join(relaxed)

    def fed(make: Callable[[], Any]) -> Callable[[], object]:
        def work() -> None:
            sink = make()
            for chunk in chunks:
                sink.feed(chunk)

        return work

    return _microseconds(
        {
            "body hash": fed(RelaxedBody),
            "line scan": fed(LineScan),
            "splitter": fed(lambda: Splitter(headers)),
            "names of `h=`": lambda: signed_names(headers, commercial=True),
            "long lines": lambda: refold(headers, covers),
            "field selection, canonical": lambda: tuple(selections(names, headers)),
            "field digests for the record": lambda: field_digests(names, relaxed),
            "tags, base64, folds": lambda: sign(seal, headers, hashes, 0, relaxed=relaxed),
            "RSA-2048": lambda: _raw_signature(signers.key(), raw),
            "Ed25519": lambda: _raw_signature(ed, raw),
        },
        rounds,
    )


STEPS: Final = (
    "body hash", "line scan", "splitter", "names of `h=`", "long lines", "field selection, canonical",
    "field digests for the record", "tags, base64, folds", "RSA-2048", "Ed25519",
)  # fmt: skip


def _microseconds(works: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Medians of processor time, each work for about 20 ms a round."""
    times = {}
    for name, work in works.items():
        work()
        began = time.process_time_ns()
        work()
        times[name] = max(1, int(20e6 / max(1, time.process_time_ns() - began)))
    runs: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(rounds):
        for name, work in works.items():
            began = time.process_time_ns()
            for _ in range(times[name]):
                work()
            runs[name].append((time.process_time_ns() - began) / times[name] / 1e3)
    return {name: statistics.median(took) for name, took in runs.items()}


def memory() -> dict[str, float]:
    """Kilobytes that 5 MB of attachment need beyond what is kept: Python's own peak, and that of a process's memory."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench.bodies", "memory"],
        capture_output=True,
        text=True,
        check=True,
        cwd=signers.ROOT,
        env=os.environ | {"PYTHONPATH": f"{signers.ROOT / 'milter'}:{signers.ROOT}"},
    )
    said: dict[str, float] = json.loads(done.stdout)
    return said


def _memory() -> dict[str, float]:
    chunk = (b64encode(bytes(range(54))) + b"\r\n") * 900
    chunk = chunk[: signers.CHUNK]

    def take(count: int, *, traced: bool) -> float:
        intake = Intake()
        intake.header(_MIXED.name, _MIXED.value)
        intake.body(b"--=_mix\r\nContent-Type: text/plain\r\n\r\n" + b"Good day.\r\n" * 2_000)
        intake.body(b"--=_mix\r\nContent-Type: image/jpeg\r\n\r\n")
        if traced:
            tracemalloc.start()
        for _ in range(count):
            intake.body(bytes(bytearray(chunk)))  # a new object each, as libmilter's are
        peak = tracemalloc.get_traced_memory()[1] / 1024 if traced else 0.0
        tracemalloc.stop()
        intake.finish(reference="X", received_at=0.0, session=SESSION, envelope=ENVELOPE)
        return peak

    take(1, traced=False)
    Path("/proc/self/clear_refs").write_text("5")  # proc(5): the peak begins anew
    before = _status("VmRSS")
    take(OCTETS // len(chunk), traced=False)
    grown = _status("VmHWM") - before
    return {"tracemalloc": take(OCTETS // len(chunk), traced=True), "rss": grown}


def _status(name: str) -> float:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(float(line.split()[1]) for line in lines if line.startswith(f"{name}:"))


if __name__ == "__main__":
    print(json.dumps(_memory()))
