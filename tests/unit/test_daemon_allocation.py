"""Threads share one arena, and what is large is given back."""

import subprocess
import sys
from pathlib import Path

import pytest

from sealgate.daemon.allocation import save_memory

ROOT = Path(__file__).resolve().parents[2] / "milter"
# Each thread frees what it took, but for one piece at the end: glibc keeps the arena.
SCRIPT = """
import re, sys, threading
from sealgate.daemon.allocation import save_memory
if sys.argv[1] == "saving":
    assert save_memory()
together = threading.Barrier(6)
def work():
    for _ in range(40):
        together.wait()
        kept = [bytes(3000) for _ in range(300)]
    together.wait()
threads = [threading.Thread(target=work) for _ in range(6)]
[t.start() for t in threads]
[t.join() for t in threads]
arenas = [m for m in open("/proc/self/maps") if re.match(r"[0-9a-f]+0000000-", m) and " rw-p 00000000 00:00 0" in m]
print(len(arenas))
"""


def arenas(how: str) -> int:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, how], capture_output=True, text=True, check=True, env={"PYTHONPATH": str(ROOT)}
    )
    return int(done.stdout)


def test_threads_have_no_arenas_of_their_own():
    if not save_memory():
        pytest.skip("the C library has no mallopt")
    assert arenas("saving") < arenas("not saving")
