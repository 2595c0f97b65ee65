"""Signals of the supervisor: a byte in a pipe for each, which its loop selects on; no handler does anything itself."""

import contextlib
import os
import signal
from collections.abc import Iterator
from typing import Final

WORDS: Final = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR2)


def catch_signals() -> int:
    """Catch what the supervisor obeys, and the end of its children; return the descriptor that says which came."""
    wake_read, wake_write = os.pipe()
    os.set_blocking(wake_read, False)
    os.set_blocking(wake_write, False)
    signal.set_wakeup_fd(wake_write)
    for number in (*WORDS, signal.SIGCHLD):
        signal.signal(number, lambda *_: None)  # the wake-up descriptor says which
    # Those that came while this program replaced another one have waited until now.
    signal.pthread_sigmask(signal.SIG_UNBLOCK, WORDS)
    return wake_read


def caught(wake: int) -> bytes:
    """The numbers of the signals that came since the last time."""
    with contextlib.suppress(BlockingIOError):
        return os.read(wake, 4096)
    return b""


@contextlib.contextmanager
def held_back() -> Iterator[None]:
    """Hold them back: over exec one would be lost, or would end the new program, as nobody catches it yet."""
    signal.pthread_sigmask(signal.SIG_BLOCK, WORDS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, WORDS)
