"""`sealgate audit tail` while the file grows and is rotated, as a process of its own."""

import json
import os
import subprocess
import sys
from pathlib import Path

from sealgate.adapters.journal import JournalFile
from sealgate.audit.chain import cut
from tests.lab.gate import ROOT


def put(journal: JournalFile, *notes: str) -> None:
    journal.append([cut({"kind": "reload", "t": "2026-11-21T09:00:00Z", "note": note}) for note in notes])


def test_tail_follows_over_rotations_and_misses_nothing(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    journal = JournalFile(str(path))
    put(journal, "old", "0")
    command = [sys.executable, "-m", "sealgate", "audit", "tail", "--json", "-n", "1", "--log", str(path)]
    environment = os.environ | {"PYTHONPATH": str(ROOT / "milter")}
    seen = []
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as tail:
        assert tail.stdout is not None
        seen.append(json.loads(tail.stdout.readline())["note"])
        for number in range(1, 40):
            put(journal, str(number))
            if number % 5 == 0:
                path.rename(tmp_path / f"audit.jsonl.{100 - number}")
        while seen[-1] != "39":
            if note := json.loads(tail.stdout.readline()).get("note"):
                seen.append(note)
        tail.terminate()
    journal.close()
    assert seen == [str(number) for number in range(40)]
