"""The verbs of the record as a shell and a terminal have them: pipes that close, full disks, colour, completion."""

import os
import pty
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab.gate import ROOT
from tests.lab.recorder import NEWSLETTER, Recorder

ENVIRONMENT = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "TERM")} | {
    "PYTHONPATH": str(ROOT / "milter"), "TERM": "xterm",
}  # fmt: skip
SEALGATE = (sys.executable, "-m", "sealgate", "audit")
READING = {
    "tail": ("tail", "--no-follow", "-n", "1000"), "find": ("find", "--principal", "svc/newsletter"),
    "export": ("export", "--format", "jsonl"), "report": ("report", "--since", "2026-11-01"),
    "report in parts": ("report", "--since", "2026-11-01", "--format", "html"), "verify": ("verify",),
    "explain": ("explain", "4REUSED", "--json"),
}  # fmt: skip


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("terminal")
    with Recorder(folder) as record:
        for minute in range(40):
            record.send(NEWSLETTER, ["a@b.test"], at=f"2026-11-21T09:{minute:02}:00Z", queue_id="4REUSED")
    return folder / "audit.jsonl"


@pytest.mark.parametrize("verb", READING)
def test_a_reader_that_goes_away_is_no_fault(log: Path, verb: str) -> None:
    command = [*SEALGATE, *READING[verb], "--log", str(log)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=ENVIRONMENT) as done:
        assert done.stdout is not None
        assert done.stderr is not None
        done.stdout.close()  # before a word was said, as `head -0`
        errors = done.stderr.read().decode()
        assert (done.wait(30), errors) == (0, "")


@pytest.mark.parametrize("verb", READING)
def test_what_cannot_be_written_out_is_no_answer(log: Path, verb: str) -> None:
    """1 would say that the record is not whole, or that nothing was found."""
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [*SEALGATE, *READING[verb], "--log", str(log)],
            stdout=full, stderr=subprocess.PIPE, env=ENVIRONMENT, timeout=60, check=False,
        )  # fmt: skip
    said = "sealgate: what there is to say could not be written out: No space left on device\n"
    assert (done.returncode, done.stderr.decode()) == (74, said)


def on_a_terminal(*command: str, **more: str) -> str:
    """What a command writes on a terminal of 80 columns."""
    ours, its = pty.openpty()
    with subprocess.Popen(command, stdout=its, stderr=its, env=ENVIRONMENT | {"COLUMNS": "80"} | more) as done:
        os.close(its)
        written = b"".join(_read(ours))
        assert done.wait(30) == 0
    os.close(ours)
    return written.decode()


def _read(terminal: int) -> Iterator[bytes]:
    while True:
        try:
            octets = os.read(terminal, 4096)
        except OSError:  # EIO: the other end is closed
            return
        if not octets:
            return
        yield octets


@pytest.mark.parametrize(
    ("environment", "has_colour"), [({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)]
)
def test_colour_is_for_terminals_that_want_it(log: Path, environment: dict[str, str], has_colour: bool) -> None:
    told = on_a_terminal(*SEALGATE, "tail", "--no-follow", "-n", "3", "--log", str(log), **environment)
    assert ("\x1b[" in told) is has_colour
    rows = re.sub("\x1b\\[[0-9;]*m", "", told).split("\r\n")[:-1]
    assert len(rows) == 6
    assert max(map(len, rows)) <= 80


def test_a_shell_completes_verbs_options_and_words() -> None:
    def completed(*words: str) -> set[str]:
        told = subprocess.run(
            [sys.executable, "-c", "from sealgate.cli import main; main()"],
            env=ENVIRONMENT | {
                "_SEALGATE_COMPLETE": "bash_complete", "COMP_WORDS": " ".join(("sealgate", *words)),
                "COMP_CWORD": str(len(words)),
            },
            capture_output=True, text=True, timeout=60, check=True,
        )  # fmt: skip
        return {line.partition(",")[2] for line in told.stdout.splitlines()}

    assert completed("audit", "ver") == {"verify", "verifier"}
    assert completed("audit", "export", "--format", "") == {"ecs", "ocsf", "jsonl"}
    assert "--verdict" in completed("audit", "tail", "--ver")
