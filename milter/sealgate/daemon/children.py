"""The supervisor's children: started by fork, known by pid, replaced when they die.

Nothing here starts a thread: forking beside threads hung one child in eight. A fresh child closes every descriptor of
the supervisor that is not its own, so that the end of a control channel means the end of the supervisor.
"""

import contextlib
import os
import signal
import socket
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, NoReturn

from sealgate.daemon.channel import Channel

TELL_SECONDS: Final = 10.0  # a worker that has not taken a frame by then is frozen
WORKER: Final = "worker"
WRITER: Final = "writer"
READER: Final = "reader"
HEALTH: Final = "health"


@dataclass(slots=True)
class Child:
    """One child process.

    Attributes:
        digest: the profile a worker said it has in force; empty before it is up, "-" for one before that in force.
        heard: when it last said something. The health process speaks by itself, workers are asked.
        asked: when a worker was asked for a sign of life that has not come yet; 0: none is awaited.
        owed: profiles that a worker was given and has not acknowledged; the one it was started with counts.
        leaving: told to end; its death is no fault.
        is_told: whether one that leaves was told so over its channel.
    """

    pid: int
    kind: str
    channel: Channel | None = None
    started: float = field(default_factory=time.monotonic)
    digest: str = ""
    heard: float = field(default_factory=time.monotonic)
    asked: float = 0.0
    owed: int = 1
    leaving: bool = False
    is_told: bool = False


class Family:
    """All children. `start` forks one; `reap` returns those that ended."""

    def __init__(self) -> None:
        self.children: dict[int, Child] = {}
        self.deaths: Counter[str] = Counter()  # by kind, of those that were not told to end

    def of_kind(self, kind: str, *, leaving: bool | None = None) -> list[Child]:
        """The children of a kind, oldest first."""
        return [c for c in self.children.values() if c.kind == kind and leaving in (None, c.leaving)]

    def start(self, kind: str, run: Callable[[Channel | None], object], *, with_channel: bool = False) -> Child:
        """Fork a child that runs `run` and never returns."""
        ours, theirs = socket.socketpair() if with_channel else (None, None)
        sys.stdout.flush()
        sys.stderr.flush()
        pid = os.fork()
        if pid == 0:
            self._become(run, ours, theirs)
        if theirs is not None:
            theirs.close()
        if ours is not None:
            ours.settimeout(TELL_SECONDS)
        child = Child(pid, kind, Channel(ours) if ours is not None else None)
        self.children[pid] = child
        return child

    def reap(self) -> list[tuple[Child, int]]:
        """Collect children that ended, with their exit status (negative: killed by that signal)."""
        ended: list[tuple[Child, int]] = []
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return ended
            if pid == 0:
                return ended
            child = self.children.pop(pid, None)
            if child is None:
                continue
            if child.channel is not None:
                child.channel.close()
            self.deaths[child.kind] += not child.leaving
            ended.append((child, os.waitstatus_to_exitcode(status)))

    def tell(self, child: Child, kind: bytes, payload: bytes = b"") -> bool:
        """Send a frame to a worker; false where it is gone already. One that does not take it is killed."""
        if child.channel is None:
            return False
        try:
            child.channel.send(kind, payload)
        except TimeoutError:  # half a frame may be in there: the channel is of no use any more, and nor is the worker
            with contextlib.suppress(ProcessLookupError):
                os.kill(child.pid, signal.SIGKILL)
            return False
        except OSError:
            return False
        return True

    def kill(self, kind: str, number: signal.Signals) -> None:
        """Signal all children of a kind, by pid."""
        for child in self.of_kind(kind):
            child.leaving = True
            with contextlib.suppress(ProcessLookupError):
                os.kill(child.pid, number)

    def _become(
        self, run: Callable[[Channel | None], object], ours: socket.socket | None, theirs: socket.socket | None
    ) -> NoReturn:
        status = 70  # EX_SOFTWARE
        try:
            signal.set_wakeup_fd(-1)
            for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGUSR2, signal.SIGCHLD, signal.SIGINT):
                signal.signal(number, signal.SIG_DFL)
            if ours is not None:
                ours.close()
            for sibling in self.children.values():
                if sibling.channel is not None:
                    sibling.channel.close()
            run(Channel(theirs) if theirs is not None else None)
            status = 0
        except SystemExit as end:
            status = end.code if isinstance(end.code, int) else 70
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(status)
