"""A file of many senders through the running gate: taken whole, kept where the next one is bad, quick and small.

Run by itself (`python -m tests.drivers.test_senders_reload`) it prints what a reload of 200,000 rows takes.
"""

import statistics
import sys
import tempfile
import time
from pathlib import Path

import pytest

from tests.drivers.wire import Wire
from tests.lab.gate import Gate

pytestmark = pytest.mark.daemon

PROFILE = """\
version: 1
mode: enforce
seal: on
listeners: {submission: judge}
local_submission: pass
logins:
  - {listener: submission, mechanism: GSSAPI, spelled: "{user}@EXAMPLE.TEST", principal: "{user}@EXAMPLE.TEST"}
domains:
  example.test:
    sign: yes
    keys: [{selector: rsa, file: "{keys}/example.test.rsa.pem"}]
realms: {EXAMPLE.TEST: exact}
identities:
  staff:
    principals: ["{user}@EXAMPLE.TEST"]
    senders: {file: FOLDER/senders, format: FORMAT}
"""


def rows(count: int, form: str = "logins", *, first: int = 0) -> str:
    """That many people with two addresses each, or that many addresses of a map."""
    people = ((f"user{n:06d}", f"first{n % 997}.last{n:06d}") for n in range(first, first + count))
    if form == "logins":
        return "".join(f"{u}@EXAMPLE.TEST  {u}@example.test, {a}@example.test\n" for u, a in people)
    return "".join(f"{u}@example.test  {u}@EXAMPLE.TEST, svc/desk@EXAMPLE.TEST\n" for u, _ in people)


def profile(folder: Path, form: str) -> str:
    return PROFILE.replace("FOLDER", str(folder)).replace("FORMAT", form)


def may(gate: Gate, user: str, address: str) -> bool:
    """Whether MAIL is taken, on a connection of its own."""
    with Wire(gate.socket) as wire:
        wire.negotiate()
        wire.connect("localhost", "127.0.0.1", 40000, {"daemon_name": "submission"})
        wire.helo()
        answer = wire.mail(f"<{address}>", {"auth_type": "GSSAPI", "auth_authen": f"{user}@EXAMPLE.TEST"})
    return answer.code not in ("451", "550", "553")


def resident(pid: int) -> int:
    """MB of memory in use by a process now."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) // 1024


@pytest.mark.parametrize(
    ("count", "form"),
    [
        (20_000, "logins"),
        (20_000, "texthash"),
        pytest.param(200_000, "logins", marks=pytest.mark.nightly),
        pytest.param(200_000, "texthash", marks=pytest.mark.nightly),
    ],
)
def test_a_good_file_is_taken_and_a_bad_one_keeps_the_last_good(folder: Path, count: int, form: str) -> None:
    pytest.importorskip("milter", reason="pymilter is not installed")
    senders = folder / "senders"
    senders.write_text(rows(count, form))
    last, new = f"user{count - 1:06d}", f"user{count:06d}"
    with Gate(folder, profile(folder, form)) as gate:
        before = gate.status()["profile"]
        assert may(gate, last, f"{last}@example.test")
        assert not may(gate, last, "user000000@example.test")
        assert not may(gate, new, f"{new}@example.test")

        senders.write_text(rows(count, form, first=1))
        status = gate.reload()
        assert (status["problems"], status["profile"] == before) == ([], False)
        assert may(gate, new, f"{new}@example.test")
        assert not may(gate, "user000000", "user000000@example.test")
        good = status["profile"]
        assert gate.events("reload")[-1]["profile"] == good

        senders.write_text(rows(count, form) + "nobody nothing\n")
        status = gate.reload()
        assert status["profile"] == good
        assert any(f"{senders}:{count + 1}:" in problem for problem in status["problems"])
        assert "old profile is in force" in status["last"]
        assert "reload-failed" in gate.log()
        assert gate.events("reload")[-1]["result"] == "failed"
        assert may(gate, new, f"{new}@example.test")

        senders.unlink()
        assert gate.reload()["problems"]
        assert may(gate, new, f"{new}@example.test")

        senders.write_text(rows(count, form))
        assert gate.reload()["profile"] == before
        assert not may(gate, new, f"{new}@example.test")
        for pid in (gate.pid, *gate.status()["workers"]):
            assert resident(pid) < 300, "MB"


def measure(folder: Path, form: str, count: int = 200_000, turns: int = 3) -> str:
    """Seconds of a reload until every worker has acknowledged, and the memory of all processes behind it."""
    senders = folder / "senders"
    senders.write_text(rows(count, form))
    with Gate(folder, profile(folder, form)) as gate:
        seconds: list[float] = []
        for turn in range(turns):
            senders.write_text(rows(count, form, first=turn + 1))
            start = time.monotonic()
            gate.reload()
            seconds.append(time.monotonic() - start)
        sizes = [resident(pid) for pid in (gate.pid, *gate.status()["workers"])]
    size = senders.stat().st_size / 1e6
    return (
        f"{form}: {count} rows, {size:.1f} MB: {statistics.median(seconds):.2f} s median of {turns}; "
        f"supervisor {sizes[0]} MB, workers {sizes[1:]} MB"
    )


if __name__ == "__main__":
    for name in ("logins", "texthash"):
        with tempfile.TemporaryDirectory() as made:
            sys.stdout.write(measure(Path(made), name) + "\n")
