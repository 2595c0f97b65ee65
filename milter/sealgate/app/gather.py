"""Facts before judgement: everything that has to be asked is asked here, once, with a deadline.

What no check looks at is not asked: a person's mail is not read. Content that cannot be read within the limits gives
`Unknown(why)`; what that means is the checks' business. A port that does not answer is a fault of ours: its `PortError`
goes up, and the message is deferred.

The limits are those of the whole message: HTML that is slow to read costs little to send, a hundred parts of it too.

Campaigns repeat their parts, so what was read is **kept in memory**, and nowhere else: a part that comes a second time
in the same octets is kept, with its view, until 64 others or 4 MB of others have been used since, or the process ends.
Of a part that came once nothing is kept but numbers that cannot be turned back. HTML that differs from other HTML by a
name or a token alone is not read either, once that is known: see `campaigns`.
"""

import threading
import time
from collections.abc import Callable
from typing import Final

from sealgate.app.campaigns import Campaigns
from sealgate.app.ports import Budget, PortError, Reader, UnreadableError
from sealgate.checks.facts import NOT_ASKED, Facts, Known, Unknown
from sealgate.checks.sights import MAX_PARTS
from sealgate.mail.message import Message
from sealgate.mail.mime import TextPart
from sealgate.mail.visible import HEAVY_OCTETS, View, is_heavy, read_html, read_plain

INLINE_SECONDS: Final = 0.1  # of processor time; ordinary HTML takes a fiftieth of it. The rest goes to the reader
READER_SECONDS: Final = 4.0  # by the clock; after that no further part is handed to the reader process
MAX_TAGS: Final = 100_000  # of one part, before it is parsed; 1 MB of ordinary HTML has half of that
_MANY_PARTS: Final = Unknown(f"one of more than {MAX_PARTS} text parts")
_USED_UP: Final = "the HTML parts before took all the processor time that one message may take"
KEPT_VIEWS: Final = 64
KEPT_OCTETS: Final = 4_000_000  # of parts and views together, roughly
_SEEN_ONCE: Final = 256  # hashes of parts
_LINK_OCTETS: Final = 200  # of a link in a view, beside its target


class Kept:
    """The views of parts that come again and again, the least used dropped first. Any thread may use it."""

    def __init__(self, views: int = KEPT_VIEWS, octets: int = KEPT_OCTETS) -> None:
        self._views = views
        self._octets = octets
        self._lock = threading.Lock()
        self._found: dict[tuple[bytes, str, str], tuple[View, int]] = {}  # in order of use
        self._once: dict[int, None] = {}
        self.octets = 0
        self.campaigns = Campaigns()

    def read(self, part: TextPart) -> View:
        """Read a part that is not heavy, or take what it was read as before."""
        return self.found(part) or self.read_anew(part)

    def found(self, part: TextPart) -> View | None:
        """Return the view of a part that need not be read."""
        if len(part.content) > HEAVY_OCTETS:
            return None
        key = part.content, part.charset, part.subtype
        with self._lock:
            found = self._found.pop(key, None)
            if found is not None:
                self._found[key] = found
                return found[0]
        view = self.campaigns.read(part) if part.subtype == "html" else None
        if view is not None:
            with self._lock:
                self._note(key, view)
        return view

    def read_anew(self, part: TextPart) -> View:
        """Read a part that is not heavy, and keep the view if the part came before."""
        view = _read(part)
        if len(part.content) <= HEAVY_OCTETS:
            with self._lock:
                self._note((part.content, part.charset, part.subtype), view)
        return view

    def _note(self, key: tuple[bytes, str, str], view: View) -> None:
        number = hash(key)  # of a secret seed that is another one in each process
        if number not in self._once:
            self._once[number] = None
            if len(self._once) > _SEEN_ONCE:
                del self._once[next(iter(self._once))]
            return
        size = _octets_of(key[0], view)
        if key in self._found or size > self._octets // 4:
            return
        self._found[key] = view, size
        self.octets += size
        while len(self._found) > self._views or self.octets > self._octets:
            self.octets -= self._found.pop(next(iter(self._found)))[1]

    def __len__(self) -> int:
        return len(self._found)


def _read(part: TextPart) -> View:
    return (read_html if part.subtype == "html" else read_plain)(part.content, part.charset)


def _octets_of(content: bytes, view: View) -> int:
    """About what a part and its view take; a character takes up to four octets."""
    text = len(view.text) + len(view.alternatives) + len(view.unseen) + sum(len(link.text) for link in view.links)
    targets = sum(len(link.href) for link in view.links)
    rest = len(view.links) + len(view.looks) + len(view.quotes)
    return len(content) + 4 * (text + targets) + _LINK_OCTETS * rest


_KEPT: Final = Kept()


def gather(
    message: Message,
    reader: Reader,
    sealed: frozenset[str],
    *,
    stuck: tuple[bytes, ...] = (),
    is_read: bool = True,
    stop: str = "",
    cpu: Callable[[], float] = time.thread_time,
    clock: Callable[[], float] = time.monotonic,
    kept: Kept = _KEPT,
) -> Facts:
    """Ask for what a reader sees of each text part, and put the planned seal beside it.

    Args:
        message: whose parts are read.
        reader: for HTML too heavy for this process.
        sealed: names of the fields that the seal will cover.
        stuck: names of those that cannot be folded.
        is_read: whether any check looks at the text; without it every view is `NOT_ASKED`.
        stop: why nothing is to be read, such as a cap that the message is beyond; empty where there is no reason.
        cpu: processor time of this thread in seconds.
        clock: seconds that only grow.
        kept: views from before.

    Raises:
        PortError: the reader process does not answer, or not for all parts in time.
    """
    if not is_read:
        return Facts((NOT_ASKED,) * len(message.body.parts), sealed, stuck)
    parts = message.body.parts
    if stop:
        return Facts((Unknown(stop),) * len(parts), sealed, stuck)
    look = _Look(reader, cpu, clock, kept)
    many = (_MANY_PARTS,) * (len(parts) - MAX_PARTS)  # no check looks at these
    return Facts((*many, *[look.view(part) for part in parts[-MAX_PARTS:]]), sealed, stuck)


class _Look:
    """One message's text parts, read one after the other until its time is up."""

    def __init__(self, reader: Reader, cpu: Callable[[], float], clock: Callable[[], float], kept: Kept) -> None:
        self._reader = reader
        self._cpu = cpu
        self._clock = clock
        self._kept = kept
        self._inline = 0.0
        self._handed = 0.0
        self._budget = Budget()
        self._failed = ""

    def view(self, part: TextPart) -> Known[View] | Unknown:
        if part.subtype != "html":
            return Known(self._kept.read(part))
        if (found := self._kept.found(part)) is not None:
            return Known(found)
        return self._hand_over(part) if is_heavy(part.content) else self._read(part)

    def _read(self, part: TextPart) -> Known[View] | Unknown:
        if self._inline >= INLINE_SECONDS:
            return self._hand_over(part)
        start = self._cpu()
        try:
            view = self._kept.read_anew(part)
        finally:
            took = self._cpu() - start
            self._inline += took
        self._kept.campaigns.learn(part, view, took, self._cpu)
        return Known(view)

    def _hand_over(self, part: TextPart) -> Known[View] | Unknown:
        if self._failed:  # what killed the reader once will not be tried on it again and again
            return Unknown(self._failed)
        if part.content.count(b"<") > MAX_TAGS:
            return Unknown(f"more than {MAX_TAGS} tags in one part")
        if self._budget.seconds <= 0:  # processor time: a fault of the message, wherever it is read
            return Unknown(_USED_UP)
        if self._handed >= READER_SECONDS:
            raise PortError("the reader process did not read all parts in time")
        start = self._clock()
        try:
            return Known(self._reader.read(part.content, part.charset, self._budget))
        except UnreadableError as error:
            self._failed = str(error)
            return Unknown(self._failed)
        finally:
            self._handed += self._clock() - start
