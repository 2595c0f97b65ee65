"""Reading a large record: memory that does not grow with it, and how fast it goes. Prints what was measured."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from sealgate.adapters import personal
from sealgate.adapters.journal import JournalFile
from sealgate.audit.chain import canonical, cut
from sealgate.audit.looking import event_of
from sealgate.profile.model import Showing
from tests.lab.gate import ROOT
from tests.lab.recorder import Recorder

pytestmark = pytest.mark.nightly
OCTETS, MEMORY = 200_000_000, 100 * 1024  # KiB
RUN = (
    "import re, sys, time; from click.testing import CliRunner; from sealgate.cli import cli\n"
    "b = time.process_time(); r = CliRunner().invoke(cli, sys.argv[1:])\n"
    "peak = re.search(r'VmHWM:\\s+(\\d+)', open('/proc/self/status').read())[1]\n"
    "print(r.exit_code, time.process_time() - b, peak)"
)


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """200 MB of one newsletter's lines, in two files."""
    folder = tmp_path_factory.mktemp("large")
    with Recorder(folder, recipients=Showing.HASHED) as record:
        record.send()
    event: dict[str, Any] = {
        name: value for name, value in event_of(record.path.read_bytes().splitlines()[0]).items()
        if name not in ("prev", "seq", "w")
    }  # fmt: skip
    (folder / "audit.jsonl").unlink()
    number = 0
    side = personal.file_of(folder / "state", "2026q4")
    with patch("os.fdatasync", lambda _: None), side.open("wb") as values:
        for name in ("audit.jsonl.1", "audit.jsonl"):
            journal = JournalFile(str(folder / "audit.jsonl"))
            while number % 1000 != 0 or (folder / "audit.jsonl").stat().st_size < OCTETS // 2:
                batch = []
                for _ in range(500):
                    number += 1
                    queue_id, message_id = f"4Q{number:09}", f"<{number}@example.test>"
                    header = event["header"] | {"message_id": message_id}
                    readers = [[bytes(16).hex(), f"{'jane' if number == 1000 else number}@example.org"]]
                    values.write(canonical({"epoch": "2026q4", "id": f"06{number:014}", "rcpt": readers}) + b"\n")
                    batch.append(cut(event | {"id": f"06{number:014}", "queue_id": queue_id, "header": header}))
                journal.append(batch)
            journal.close()
            if name != "audit.jsonl":
                (folder / "audit.jsonl").rename(folder / name)
    return folder


@pytest.mark.parametrize(("arguments", "status", "least"), [
    (["find", "--message-id", "<1000@example.test>"], 0, 100),
    (["find", "--principal", "nobody@EXAMPLE.TEST"], 1, 100),
    (["find", "--rcpt", "jane@other.test"], 1, 100),
    (["find", "--rcpt", "jane@example.org"], 0, 30),  # every line goes to that domain, and has to be looked at
    (["find", "--principal", "svc/newsletter", "--verdict", "reject"], 1, 100),
    (["explain", "4Q000001000"], 0, 100),
], ids=lambda value: " ".join(value) if isinstance(value, list) else str(value))  # fmt: skip
def test_a_large_record_is_read_fast_and_in_little_room(
    large: Path, arguments: list[str], status: int, least: int
) -> None:
    size = sum(path.stat().st_size for path in large.glob("audit.jsonl*"))
    where = ["--log", str(large / "audit.jsonl"), "--state", str(large / "state"), "--settings", "/nowhere"]
    done = subprocess.run(
        [sys.executable, "-c", RUN, "audit", *arguments, *where],
        capture_output=True, text=True, check=True, env=os.environ | {"PYTHONPATH": str(ROOT / "milter")},
    )  # fmt: skip
    code, seconds, memory = (float(one) for one in done.stdout.split())
    speed = size / 1e6 / seconds
    told = f"{size / 1e6:.0f} MB in {seconds:.2f} s of processor time, {speed:.0f} MB/s, {memory / 1024:.0f} MiB"
    print(f"{' '.join(arguments)}: {told}")
    assert int(code) == status
    assert memory < MEMORY
    assert speed >= least
