"""libmilter's pool with and without nudges, in a process of its own, as a process has one libmilter.

Without nudges a hundred callbacks of 0.3 s that begin together take many seconds on Debian's libmilter: the pool starts
a few threads only, which serve one after the other.
"""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from sealgate.adapters.nudging import Nudge
from tests.lab.gate import ROOT

pytest.importorskip("milter", reason="pymilter is not installed")

SCRIPT = """
import os, socket, struct, sys, threading, time
from pathlib import Path
import milter
from sealgate.adapters.nudging import Nudge
from sealgate.daemon.listening import dial_oneself, lend_to_libmilter, listen_unix

folder, nudge, entered = Path(sys.argv[1]), Nudge(), []
door = folder / "door"
listener = listen_unix(door, 0o600)

def helo(ctx, name):
    entered.append(name)
    until = time.monotonic() + 0.3
    while time.monotonic() < until:
        time.sleep(0.01)
        nudge()
    return milter.CONTINUE

milter.set_helo_callback(helo)
milter.register("nudged")
lend_to_libmilter(listener, folder)
threading.Thread(target=milter.main, daemon=True).start()
while nudge.is_lacking:
    own = dial_oneself(str(door), socket.AF_UNIX, 3.0)
    assert own is not None
    nudge.use(own)
assert sorted(os.listdir(folder)) == ["door"]
listener.close()
offer = struct.pack("!IcIII", 13, b"O", 6, 0x1FF, 0x1FFFFF)

def opened():
    one = socket.socket(socket.AF_UNIX)
    one.settimeout(8)
    one.connect(str(door))
    one.sendall(offer)
    return one

crowd = [opened() for _ in range(100)]
for one in crowd:
    assert one.recv(100)
began = time.monotonic()
for one in crowd:
    one.sendall(b"\\0\\0\\0\\3Hx\\0")
for one in crowd:
    assert one.recv(100) == b"\\0\\0\\0\\1c"
took = time.monotonic() - began
assert len(entered) == 100  # a nudge calls nobody
halves = []
for _ in range(60):
    halves.append(socket.socket(socket.AF_UNIX))
    halves[-1].connect(str(door))
    halves[-1].sendall(b"\\0\\0")
late = opened()
late.settimeout(0.003)
waited = time.monotonic()
while True:
    nudge()
    try:
        assert late.recv(100)
        break
    except TimeoutError:
        assert time.monotonic() < waited + 8
print(took, time.monotonic() - waited)
os._exit(0)
"""


def test_a_hundred_callbacks_that_wait_together_wait_at_the_same_time(tmp_path: Path) -> None:
    run = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(tmp_path)], capture_output=True, text=True, timeout=60, check=False,
        env=os.environ | {"PYTHONPATH": f"{ROOT}/milter:{ROOT}"},
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    crowd, late = map(float, run.stdout.split())
    assert crowd < 3.0  # 0.4 on a quiet machine; all one after the other: 30
    assert late < 3.0


def test_a_nudge_is_said_once_in_a_moment_and_raises_nothing() -> None:
    ours, theirs = socket.socketpair()
    nudge = Nudge()
    nudge()  # nobody is there to hear it
    nudge.use(ours)
    for _ in range(100):
        nudge()
    said = theirs.recv(65_536)
    assert said.startswith(b"\0\0\0\x0eDC")
    assert len(said) < 100 * 18
    theirs.close()
    for _ in range(3):
        nudge._last = 0.0
        nudge()
    ours.close()


def test_a_pool_that_takes_nothing_holds_up_nobody() -> None:
    ours, theirs = socket.socketpair()
    nudge = Nudge()
    nudge.use(ours)
    for _ in range(20_000):
        nudge._last = 0.0
        nudge()
    assert len(theirs.recv(1 << 20)) % 18 == 0  # what was said was said whole
    nudge._last = 0.0
    nudge()  # there is room again
    assert nudge._connections == (ours,)
    ours.close()
    theirs.close()
