"""Facts before judgement: everything that has to be asked is asked here, once, with a deadline.

Content that cannot be read within the limits gives `Unknown(why)`; what that means is the checks' business. A port that
does not answer is a fault of ours: its `PortError` goes up, and the message is deferred.

The limits are those of the whole message: HTML that is slow to read costs little to send, a hundred parts of it too.
"""

import time
from collections.abc import Callable
from typing import Final

from sealgate.app.ports import PortError, Reader, UnreadableError
from sealgate.checks.facts import Facts, Known, Unknown
from sealgate.mail.message import Message
from sealgate.mail.mime import TextPart
from sealgate.mail.visible import View, is_heavy, read_html, read_plain

INLINE_SECONDS: Final = 1.0  # of processor time; ordinary HTML takes less than a thousandth of it
READER_SECONDS: Final = 4.0  # after that no further part is handed to the reader process


def gather(
    message: Message,
    reader: Reader,
    sealed: frozenset[str],
    *,
    cpu: Callable[[], float] = time.thread_time,
    clock: Callable[[], float] = time.monotonic,
) -> Facts:
    """Ask for what a reader sees of each text part, and put the planned seal beside it.

    Raises:
        PortError: the reader process does not answer, or not for all parts in time.
    """
    look = _Look(reader, cpu, clock)
    return Facts(tuple(look.view(part) for part in message.body.parts), sealed)


class _Look:
    """One message's text parts, read one after the other until its time is up."""

    def __init__(self, reader: Reader, cpu: Callable[[], float], clock: Callable[[], float]) -> None:
        self._reader = reader
        self._cpu = cpu
        self._clock = clock
        self._inline = 0.0
        self._handed = 0.0
        self._failed = ""

    def view(self, part: TextPart) -> Known[View] | Unknown:
        if part.subtype != "html":
            return Known(read_plain(part.content, part.charset))
        return self._hand_over(part) if is_heavy(part.content) else self._read(part)

    def _read(self, part: TextPart) -> Known[View] | Unknown:
        if self._inline >= INLINE_SECONDS:
            return Unknown("the HTML parts before took all the time that one message may take")
        start = self._cpu()
        try:
            return Known(read_html(part.content, part.charset))
        finally:
            self._inline += self._cpu() - start

    def _hand_over(self, part: TextPart) -> Known[View] | Unknown:
        if self._failed:  # what killed the reader once will not be tried on it again and again
            return Unknown(self._failed)
        if self._handed >= READER_SECONDS:
            raise PortError("the reader process did not read all parts in time")
        start = self._clock()
        try:
            return Known(self._reader.read(part.content, part.charset))
        except UnreadableError as error:
            self._failed = str(error)
            return Unknown(self._failed)
        finally:
            self._handed += self._clock() - start
