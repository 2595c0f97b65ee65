"""Templates of the campaigns that are under way, learnt from their HTML as it comes, for any thread to use.

The messages of a campaign differ in a name, a number and a token. `Campaigns.read` answers for a part that fits a
template with exactly the view that reading it would give, in about a twelfth of the time. A template is sought from the
third part on that has the same number of tags; it holds what at least two parts had in common, in memory only, until 16
others or 4 MB of others have been used since. Of what differed nothing is kept (see `mail.template_sample`).

Learning may not become a burden, whatever is sent: over time it takes no more than an eighth of the time that reading
takes, one part is learnt from at a time, none that is slow to read, and parts that give no template are tried less and
less often. Nothing here raises.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from sealgate.mail.mime import TextPart
from sealgate.mail.template import Template
from sealgate.mail.template_proof import prove
from sealgate.mail.template_sample import Sample
from sealgate.mail.visible import View

TEMPLATES: Final = 16
OCTETS: Final = 4_000_000  # of templates together, roughly
_SHAPES: Final = 64
_SAMPLES: Final = 8  # of up to `template_sample.MAX_WORDS` words
_SHARE: Final = 0.125  # of the time that reading takes
_FIRST_CREDIT: Final = 0.1  # seconds of processor time
_MOST_CREDIT: Final = 0.5
SLOW: Final = 0.012  # seconds; to prove a template costs about five readings
_LONGEST_PAUSE: Final = 8  # as a power of two: parts between two trials

Shape = tuple[str, int, int]
"""Charset, and how many `<` and `>` a part has."""


@dataclass(slots=True)
class _Seen:
    """What is known of parts of one shape: what is common to them, trials so far, parts to let pass before the next."""

    sample: Sample | None = None
    trials: int = 0
    pause: int = 0


class Campaigns:
    """The templates in use, the least used dropped first.

    Attributes:
        octets: what they take, roughly.
        seconds: that were spent on learning.
    """

    def __init__(self, templates: int = TEMPLATES, octets: int = OCTETS) -> None:
        self._most = templates
        self._most_octets = octets
        self._lock = threading.Lock()
        self._templates: tuple[tuple[Shape, Template], ...] = ()  # the one used last first
        self._seen: dict[Shape, _Seen] = {}  # in order of use
        self._credit = _FIRST_CREDIT
        self._is_learning = False
        self.octets = 0
        self.seconds = 0.0

    def read(self, part: TextPart) -> View | None:
        """Return the view of an HTML part that fits a template; a part that `visible.is_heavy` never does."""
        for number, (shape, template) in enumerate(self._templates):
            if shape[0] == part.charset and (view := template.read(part.content)) is not None:
                if number:
                    self._use(shape, template)
                return view
        return None

    def learn(self, part: TextPart, view: View, seconds: float, cpu: Callable[[], float] = time.thread_time) -> None:
        """Look whether an HTML part that had to be read belongs to a campaign.

        Args:
            part: not heavy.
            view: what was read of it.
            seconds: of processor time that this took.
            cpu: processor time of this thread in seconds.
        """
        shape = part.charset, part.content.count(b"<"), part.content.count(b">")
        with self._lock:
            self._credit = min(_MOST_CREDIT, self._credit + _SHARE * seconds)
            seen = self._seen.pop(shape, None)
            self._seen[shape] = seen or _Seen()
            if len(self._seen) > _SHAPES:
                del self._seen[next(iter(self._seen))]
            if seen is None or self._is_learning or self._credit < 0 or seconds > SLOW:
                return
            if seen.pause:
                seen.pause -= 1
                return
            self._is_learning = True
        start = cpu()
        try:
            self._try(shape, seen, part, view)
        finally:
            took = cpu() - start
            with self._lock:
                self._credit -= took
                self.seconds += took
                self._is_learning = False

    def _try(self, shape: Shape, seen: _Seen, part: TextPart, view: View) -> None:
        """Take a sample, or compare with the one that was taken."""
        met = seen.sample.met(part.content) if seen.sample is not None else None
        seen.sample = Sample.of(part.content) if met is None else met[0]
        seen.pause = 2**seen.trials - 1
        seen.trials = min(_LONGEST_PAUSE, seen.trials + 1)
        template = prove(met[1], part.charset, part.content, view) if met is not None else None
        with self._lock:
            sampled = [other for other in self._seen.values() if other.sample is not None and other is not seen]
            for other in sampled[: -(_SAMPLES - 1)]:
                other.sample = None
            if template is not None:
                self._put(shape, template)

    def _use(self, shape: Shape, template: Template) -> None:
        """Put a template first, if it is still there."""
        with self._lock:
            used = shape, template
            if used in self._templates:
                self._templates = used, *[other for other in self._templates if other != used]

    def _put(self, shape: Shape, template: Template) -> None:
        """Take a template up, instead of the one of the same shape."""
        found = [(shape, template), *[other for other in self._templates if other[0] != shape]][: self._most]
        while found and sum(each.octets for _, each in found) > self._most_octets:
            found.pop()
        self._templates = tuple(found)
        self.octets = sum(each.octets for _, each in found)

    def __len__(self) -> int:
        return len(self._templates)
