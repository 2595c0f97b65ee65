"""The reader process: reads hostile HTML under limits that no libmilter thread could have.

One thread, one message at a time. The whole process may hold only so much memory (RLIMIT_AS), and each message may use
only so much processor time, in all its parts: the client says how much of it is left, and is told what each part took.
A parser in C cannot be interrupted by a Python handler, so the timer's signal keeps its default action: the process
ends, the one client that waits for this message sees it, and the supervisor starts another. Whoever waits in the
backlog is served by that one. Idle, the process sleeps; the timer runs only while it works.

The frames are described in `adapters.reader`. What can fail: all of it, by design; nothing is kept here.
"""

import json
import os
import resource
import select
import signal
import socket
import time
from contextlib import suppress
from dataclasses import fields
from typing import Any, Final

from sealgate.adapters.reader import MAX_HEADER, MAX_HTML, MAX_REPLY, REPLY, REQUEST
from sealgate.app.ports import READER_CPU_SECONDS
from sealgate.mail.visible import View, read_html

TICK: Final = 5.0  # seconds between two looks whether the supervisor lives
PATIENCE: Final = 5.0  # seconds for a client to send its request or to take the reply: the host may be busy
_CHUNK: Final = 1 << 18
_NO_LIMIT: Final = 1e6  # seconds, where the client says nothing: then ours alone holds
_SHORTEST: Final = 0.01  # seconds of processor time: a timer of none would never ring
_TOO_MUCH: Final = json.dumps({"error": "it shows more text and links than one part may show"}).encode()
_NO_MEMORY: Final = json.dumps({"error": "it needs more memory than one message may use"}).encode()


class _Gone(Exception):  # noqa: N818  # an event, and no error of ours
    """The client left, or does not speak as described."""


def run_reader(
    listener: socket.socket,
    memory_mb: int = 400,
    cpu_seconds: float = READER_CPU_SECONDS,
    *,
    parent: int = 0,
) -> None:
    """Read HTML for whoever connects, until SIGTERM; the caller then ends the process.

    To be called in the main thread of a process of its own. SIGTERM lets the message at hand be finished. SIGINT,
    SIGHUP, SIGUSR1 and SIGUSR2 are ignored: the supervisor alone answers them.

    Args:
        listener: a listening Unix stream socket, which may be shared with other processes. It is closed at the end.
        memory_mb: address space of the whole process, in MiB, with what it had before the call.
        cpu_seconds: processor time of one message.
        parent: the supervisor's process id; 0: the parent at the time of the call. Once the parent is another one,
            the reader ends when nobody has come for `TICK` seconds.
    """
    parent = parent or os.getppid()
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2):
        signal.signal(number, signal.SIG_IGN)
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    _lower(resource.RLIMIT_AS, memory_mb << 20)
    _lower(resource.RLIMIT_CORE, 0)  # a core file would hold mail
    awake, wakes = socket.socketpair()
    wakes.setblocking(False)
    listener.setblocking(False)
    # Without this the wait would go on after the handler has run (PEP 475).
    signal.set_wakeup_fd(wakes.fileno())
    is_leaving = False

    def leave(*_: object) -> None:
        nonlocal is_leaving
        is_leaving = True

    signal.signal(signal.SIGTERM, leave)
    poll = select.poll()
    poll.register(listener, select.POLLIN)
    poll.register(awake, select.POLLIN)
    try:
        while not is_leaving:
            ready = poll.poll(TICK * 1000)
            if not ready and os.getppid() != parent:
                return
            if ready and not is_leaving:
                _accept(listener, cpu_seconds)
    finally:
        signal.set_wakeup_fd(-1)
        listener.close()
        awake.close()
        wakes.close()


def _accept(listener: socket.socket, cpu_seconds: float) -> None:
    try:
        connection, _ = listener.accept()
    except OSError:  # another reader was faster, or the client left
        return
    with connection, suppress(OSError, _Gone):
        connection.settimeout(PATIENCE)
        charset, seconds, html = _request(connection)
        if _has_left(connection):
            return
        signal.setitimer(signal.ITIMER_PROF, max(_SHORTEST, min(cpu_seconds, seconds)))
        try:
            reply = _reply(html, charset)
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)
        connection.sendall(REPLY.pack(len(reply)) + reply)
        if reply is _NO_MEMORY:
            os._exit(1)


def _reply(html: bytes, charset: str) -> bytes:
    """Read the HTML. Where memory ran out the process is not to be trusted any more, and ends after its answer."""
    began = time.process_time()
    try:
        return _rendered(read_html(html, charset), began)
    except MemoryError:
        return _NO_MEMORY
    except Exception as error:
        return json.dumps({"error": f"{type(error).__name__}: {error}"[:500]}).encode()


def _rendered(view: View, began: float) -> bytes:
    reply: dict[str, Any] = {field.name: getattr(view, field.name) for field in fields(View)}
    reply["links"] = [(link.text, link.href, link.offset) for link in view.links]
    reply["looks"] = [(look.start, look.end, look.size, look.contrast) for look in view.looks]
    reply["seconds"] = time.process_time() - began
    octets = json.dumps(reply, ensure_ascii=False).encode()
    return octets if len(octets) <= MAX_REPLY else _TOO_MUCH


def _request(connection: socket.socket) -> tuple[str, float, bytes]:
    """Take one request: charset, seconds of processor time, HTML.

    Raises:
        OSError: the client is too slow, or gone.
        _Gone: it ended within the request, or the request is not of the form described.
    """
    header_size, size = REQUEST.unpack(_receive(connection, REQUEST.size))
    if header_size > MAX_HEADER or size > MAX_HTML:
        raise _Gone
    try:
        header = json.loads(_receive(connection, header_size))
        charset, seconds = header["charset"], float(header.get("seconds", _NO_LIMIT))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise _Gone from error
    if not isinstance(charset, str) or not 0 <= seconds <= _NO_LIMIT:
        raise _Gone
    return charset, seconds, _receive(connection, size)


def _receive(connection: socket.socket, size: int) -> bytes:
    octets = bytearray()
    while len(octets) < size:
        piece = connection.recv(min(_CHUNK, size - len(octets)))
        if not piece:
            raise _Gone
        octets += piece
    return bytes(octets)


def _has_left(connection: socket.socket) -> bool:
    """Whether the client stopped waiting while its request stood in the backlog; then nobody needs the answer."""
    poll = select.poll()
    poll.register(connection, 0)
    return bool(poll.poll(0))


def _lower(limit: int, value: int) -> None:
    """Set a limit, or leave it where it is stricter already."""
    _, hard = resource.getrlimit(limit)
    value = value if hard == resource.RLIM_INFINITY else min(value, hard)
    resource.setrlimit(limit, (value, value))
