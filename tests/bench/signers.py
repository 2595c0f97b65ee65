"""Who signs, as processes of their own: the signing path by function calls, and dkimpy, under either set of libraries.

    python -m tests.bench.signers path|dkimpy

reads one JSON line a measurement (`{"size": "20", "threads": 4, "count": 100}`) and answers with one (`seconds`,
`cpu`). The work of `path` is what the gate does to sign a message and nothing else: the body hashed in chunks of 64 KB
as libmilter delivers them, the names of `h=`, the canonical header fields, an RSA-2048 signature by a key that was read
once. That of `dkimpy` is one call of `dkim.sign`, which wants the whole message, and reads the key each time. Both sign
relaxed/relaxed. A measurement in which something raises ends the process, and `Signer.measure` says so.
"""

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final, Self

from sealgate.mail.headers import Headers, parse_block
from sealgate.profile.model import Form
from sealgate.seal.canonical import RelaxedBody
from sealgate.seal.keys import SigningKey, load
from sealgate.seal.plan import SealPlan, signed_names
from sealgate.seal.plan import Signer as By
from sealgate.seal.sign import sign
from tests.bench import messages
from tests.bench.ratio import DOMAIN, SELECTOR, BenchError

ROOT: Final = Path(__file__).resolve().parents[2]
CHUNK: Final = 65_535  # octets: MILTER_CHUNK_SIZE
PEM: Final = (ROOT / "tests" / "unit" / "keys" / "rsa2048.pem").read_bytes()
Work = Callable[[], object]


@dataclass(frozen=True, slots=True)
class Kind:
    """Something that signs by function calls: its name in tables, its work, and the Python that has its libraries."""

    name: str
    work: str
    python: Path


KINDS: Final = (
    Kind("signing path", "path", Path(sys.executable)),
    Kind("signing path, Debian's libraries", "path", ROOT / ".venv-debian" / "bin" / "python"),
    Kind("dkimpy", "dkimpy", Path(sys.executable)),
    Kind("dkimpy of Debian", "dkimpy", ROOT / ".venv-debian" / "bin" / "python"),
)


class Signer:
    """One running signer, for one `with` block."""

    def __init__(self, kind: Kind) -> None:
        self.kind = kind
        self.versions = ""
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        """Start it.

        Raises:
            BenchError: it does not start.
        """
        self._process = subprocess.Popen(
            [str(self.kind.python), "-m", "tests.bench.signers", self.kind.work],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env=os.environ | {"PYTHONPATH": f"{ROOT / 'milter'}:{ROOT}", "PYTHONDONTWRITEBYTECODE": "1"},
        )
        self.versions = str(self._answer()["versions"])
        return self

    def __exit__(self, *_: object) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.communicate()  # the end of its input ends it

    def measure(self, size: str, threads: int, count: int) -> tuple[float, float]:
        """Return the seconds that `count` signatures take, divided among so many threads, and those of processors.

        Args:
            size: a key of `messages.SIZES`.
            threads: how many at a time.
            count: messages in all.

        Raises:
            BenchError: the process ended.
        """
        assert self._process is not None
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"size": size, "threads": threads, "count": count}) + "\n")
        self._process.stdin.flush()
        answer = self._answer()
        return float(answer["seconds"]), float(answer["cpu"])

    def _answer(self) -> dict[str, str]:
        assert self._process is not None
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise BenchError(f"{self.kind.name} ended")
        answer: dict[str, str] = json.loads(line)
        return answer


@cache
def message(size: str) -> tuple[bytes, Headers, tuple[bytes, ...]]:
    """A newsletter: whole, its header fields, and its body in chunks."""
    whole = messages.newsletter(size)
    head, _, body = whole.partition(b"\r\n\r\n")
    return whole, parse_block(head.split(b"\r\n")), cut(body)


def cut(body: bytes) -> tuple[bytes, ...]:
    """A body in the chunks that libmilter delivers."""
    return tuple(body[at : at + CHUNK] for at in range(0, len(body), CHUNK))


@cache
def key() -> SigningKey:
    """The RSA-2048 key that all sign with."""
    return load(PEM, DOMAIN, SELECTOR)


def signing_path(size: str) -> Work:
    """The gate's way to a signature."""
    _, headers, chunks = message(size)
    signers = (By(key()),)

    def work() -> object:
        body = RelaxedBody()
        for chunk in chunks:
            body.feed(chunk)
        seal = SealPlan(signers, signed_names(headers, commercial=True))
        return sign(seal, headers, {Form.RELAXED: body.digest()}, 1_790_000_000)

    return work


def dkimpy(size: str) -> Work:
    """`dkim.sign` with its own choice of header fields."""
    import dkim  # noqa: PLC0415 - the path's own process shall not hold it

    whole = message(size)[0]
    form = (b"relaxed", b"relaxed")
    return lambda: dkim.sign(whole, SELECTOR.encode(), DOMAIN.encode(), PEM, canonicalize=form)


WORKS: Final = {"path": signing_path, "dkimpy": dkimpy}


def timed(work: Work, threads: int, count: int) -> dict[str, float]:
    """Seconds for `count` times `work` in so many threads, by the clock and of processors."""
    shares = [count // threads + (each < count % threads) for each in range(threads)]
    failed: list[BaseException] = []

    def share(times: int) -> None:
        try:
            for _ in range(times):
                work()
        except Exception as error:  # told below
            failed.append(error)

    crew = [threading.Thread(target=share, args=(times,)) for times in shares]
    began, used = time.perf_counter(), time.process_time()
    for thread in crew:
        thread.start()
    for thread in crew:
        thread.join()
    took = {"seconds": time.perf_counter() - began, "cpu": time.process_time() - used}
    if failed:
        raise failed[0]
    return took


def versions(work: str) -> str:
    """The libraries that matter to a kind of work."""
    from importlib.metadata import version  # noqa: PLC0415

    name = {"path": "cryptography", "dkimpy": "dkimpy"}[work]
    return f"{name} {version(name)}, Python {sys.version.split()[0]}"


def main(work: str) -> None:
    """Answer measurements until the input ends."""
    print(json.dumps({"versions": versions(work)}), flush=True)
    ready: dict[str, Work] = {}
    for line in sys.stdin:
        asked = json.loads(line)
        if asked["size"] not in ready:
            ready[asked["size"]] = WORKS[work](asked["size"])
            ready[asked["size"]]()
        print(json.dumps(timed(ready[asked["size"]], asked["threads"], asked["count"])), flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
