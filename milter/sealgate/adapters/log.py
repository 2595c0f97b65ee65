"""The operational log and the way into the audit file, both through structlog.

The log goes to standard error, one line an event, as journald wants it: queue id and reference first, everything of a
sender escaped. A log that nobody reads, or that cannot be written, holds up no mail: its lines are dropped and counted.
The audit logger's last processor hands the event to the journal instead of printing it; what it returns
is known to be on disk.
"""

import json
import logging
import os
import select
import stat
import sys
from collections.abc import MutableMapping
from datetime import UTC, datetime
from typing import Any, Final, TextIO

import structlog

from sealgate.app.ports import Journal

REST_MILLISECONDS: Final = 100  # how long the rest of a line may wait whose beginning was written
_LEVELS: Final = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}
Event = MutableMapping[str, Any]


def operational(level: str = "info", stream: TextIO | None = None) -> Any:
    """Return the logger of this process. `level` is debug, info, warning or error."""
    return structlog.wrap_logger(
        _Lines(stream or sys.stderr),
        processors=[_rendered],
        wrapper_class=structlog.make_filtering_bound_logger(_LEVELS[level]),
    )


_JSON: Final = structlog.processors.JSONRenderer(ensure_ascii=True, sort_keys=False)
_ENCODER: Final = json.JSONEncoder(ensure_ascii=True, sort_keys=False)


def _rendered(logger: Any, method: str, event: Event) -> str | bytes:
    """One line of JSON, or the text alone where `as_line` says that other programs know it so.

    In one step what four of structlog's processors do: a daemon writes two lines a message.
    """
    if event.pop("as_line", False):
        return str(event["event"])
    structlog.processors.add_log_level(logger, method, event)
    event["timestamp"] = f"{datetime.now(UTC).replace(tzinfo=None).isoformat()}Z"
    if "exc_info" in event:
        event = structlog.processors.format_exc_info(logger, method, event)
    try:
        return _ENCODER.encode(event)
    except TypeError:  # a value that JSON has no form for: structlog says what becomes of it
        return _JSON(logger, method, event)


class _Lines:
    """structlog's innermost logger: one line at a time to a descriptor. It never raises and waits for no reader."""

    def __init__(self, stream: TextIO) -> None:
        self._lost = 0
        self._is_torn = False
        try:
            self._descriptor = stream.fileno()
            is_pipe = stat.S_ISFIFO(os.fstat(self._descriptor).st_mode)
        except (OSError, ValueError, AttributeError):
            self._descriptor, is_pipe = -1, False
        # Where poll(2) calls a pipe writable, that many octets can be written at once (pipe(7)).
        self._piece = select.PIPE_BUF if is_pipe else 1 << 30
        self._stream = stream

    def msg(self, text: str) -> None:
        # JSON leaves DEL as it is.
        line = text.replace("\x7f", "\\u007f").encode("ascii", "backslashreplace") + b"\n"
        lost = self._lost
        if lost:
            line = b'{"event": "log-lost", "level": "warning", "lines": %d}\n' % lost + line
        try:
            if self._descriptor < 0:
                self._stream.write(line.decode("ascii"))
            else:
                self._put(b"\n" + line if self._is_torn else line)
        except (OSError, ValueError):
            self._lost += 1
        else:
            self._lost -= lost

    debug = info = warning = error = critical = msg

    def _put(self, line: bytes) -> None:
        waits = select.poll()
        waits.register(self._descriptor, select.POLLOUT)
        rest, patience = memoryview(line), 0
        while rest:
            if not waits.poll(patience):
                raise TimeoutError("nobody reads the log")
            rest = rest[os.write(self._descriptor, rest[: self._piece]) :]
            self._is_torn, patience = bool(rest), REST_MILLISECONDS


class _Append:
    """structlog's innermost logger: what reaches it goes to the journal."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    def msg(self, **event: Any) -> int:
        more, side = event.pop("more_lines", ()), event.pop("side_values", ())
        return self._journal.append(event, more=more, side=side)

    info = msg


def audit(journal: Journal) -> Any:
    """Return the audit logger: `audit(journal).info(kind, **fields)` returns the line's sequence number.

    Raises (when called):
        PortError: it is not certain that the line is on disk.
    """
    return structlog.wrap_logger(
        _Append(journal), processors=[_name_kind], wrapper_class=structlog.BoundLogger, cache_logger_on_first_use=True
    )


def _name_kind(_logger: Any, _method: str, event: Event) -> Event:
    event["kind"] = event.pop("event")
    return event
