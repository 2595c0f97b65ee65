"""The operational log and the way into the audit file, both through structlog.

The log goes to standard error, one line an event, as journald wants it: queue id and reference first, everything of a
sender escaped. The audit logger's last processor hands the event to the journal instead of printing it; what it returns
is known to be on disk.
"""

import logging
import sys
from collections.abc import MutableMapping
from typing import Any, Final, TextIO

import structlog

from sealgate.app.ports import Journal

_LEVELS: Final = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}
Event = MutableMapping[str, Any]


def operational(level: str = "info", stream: TextIO | None = None) -> Any:
    """Return the logger of this process. `level` is debug, info, warning or error."""
    target = stream or sys.stderr
    return structlog.wrap_logger(
        structlog.PrintLogger(file=target),
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(ensure_ascii=True, sort_keys=False),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(_LEVELS[level]),
    )


class _Append:
    """structlog's innermost logger: what reaches it goes to the journal."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    def msg(self, **event: Any) -> int:
        return self._journal.append(event)

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
