"""What the content check of a newsletter costs: processor time of one thread, medians.

    python -m tests.bench.content [ROUNDS]

`app.screen.at_end` judges whole newsletters and, beside them, the same mail without text and list fields; the
difference is what content costs: reading what a reader sees, the elements of the law, the class, one-click, subject. A
relay does one of the two, by what is declared: commercial mail has its elements looked for, undeclared mail its
purpose. Each message has tokens of its own, as in a campaign; a further figure is for one message over and over.
"""

import gc
import hashlib
import itertools
import statistics
import sys
import time
from collections.abc import Callable
from typing import Final

from sealgate.app.gather import gather
from sealgate.app.intake import Intake
from sealgate.app.runtime import Override, Runtime
from sealgate.app.screen import at_end
from sealgate.checks.caller import Caller
from sealgate.mail.headers import parse_block
from sealgate.mail.message import Envelope, Message, Session
from sealgate.profile.model import Domain, Form, Identity, Kind, MailClass, PostalAddress, Profile, SenderPattern
from tests.bench import messages
from tests.lab.inline import InlineReader

_SENDERS: Final = (SenderPattern("news", "example.test"),)
_HQ: Final = PostalAddress("head-office", messages.ADDRESS)
_IDENTITIES: Final = tuple(
    Identity(mail_class, Kind.SERVICE, mail_class, senders=_SENDERS, postal_addresses=(_HQ,))
    for mail_class in (MailClass.COMMERCIAL, MailClass.AUTO)
)
_READER: Final = InlineReader()
SIZES: Final = {20: 20_480, 100: 102_400}  # KB: octets of body
_WARM: Final = 20  # messages before any is timed
_NUMBERS: Final = itertools.count()
Work = Callable[[Message], object]


def newsletter(octets: int, number: int) -> Message:
    """A newsletter of about so many octets of body, filled in for reader `number`."""
    body = messages._alternative(octets)
    text = f'{messages._HEAD}Content-Type: multipart/alternative; boundary="=_alt"\n\n{body}'
    token = hashlib.sha256(b"%d" % number).hexdigest()[: len(messages.TOKEN)]
    return _message(
        text.replace(messages.TOKEN, token)
        .replace(messages.NUMBER, f"{number:010}")
        .replace(messages.NAME, f"Reader{number % 100:02}")
    )


def empty() -> Message:
    """The same mail with nothing in it to judge."""
    lines = [line for line in messages._HEAD.splitlines() if not line.startswith((" ", "List-"))]
    return _message("\n".join([*lines, "", ""]))


def _message(text: str) -> Message:
    head, _, rest = text.encode("ascii").replace(b"\n", b"\r\n").partition(b"\r\n\r\n")
    intake = Intake()
    for field in parse_block(head.split(b"\r\n")):
        intake.header(field.name, field.value)
    intake.body(rest)
    session, envelope = Session("submission", "192.0.2.1", 40_000), Envelope(b"<news@example.test>")
    return intake.finish(reference="BENCH00000000000", received_at=0.0, session=session, envelope=envelope)[0]


def judged_as(identity: Identity) -> Work:
    """`at_end` for mail of an identity, without a seal."""
    domains = {"example.test": Domain("example.test", sign=False)}
    runtime = Runtime(Profile(identities=_IDENTITIES, domains=domains), "", {}, Override(True, float("inf"), "bench"))
    caller = Caller(None, identity, "name")
    return lambda message: at_end(message, {Form.RELAXED: bytes(32)}, runtime, _READER, caller, over_limit=False)


def read(message: Message) -> object:
    """What a reader sees, alone."""
    return gather(message, _READER, frozenset())


def median_ms(work: Work, batch: list[Message]) -> tuple[float, float]:
    """Processor time of one call in milliseconds, over a batch of messages: the median, and that of the best tenth.

    Where others use the machine too, the second says more: shared caches and cores make the same work slower.
    """
    for message in batch[:_WARM]:
        work(message)
    took = []
    gc.collect()
    gc.disable()
    try:
        for message in batch[_WARM:]:
            start = time.process_time_ns()
            work(message)
            took.append(time.process_time_ns() - start)
    finally:
        gc.enable()
    return statistics.median(took) / 1e6, statistics.quantiles(took, n=10)[0] / 1e6


def measured(octets: int, rounds: int) -> dict[str, tuple[float, float]]:
    """Median and best tenth for one size: `read`, `commercial`, `auto`, and `again` (one commercial mail repeated)."""
    count = rounds + _WARM
    found = {"read": median_ms(read, _batch(octets, count))}
    for identity in _IDENTITIES:
        work = judged_as(identity)
        without = median_ms(work, [empty()] * count)
        found[identity.name] = _less(median_ms(work, _batch(octets, count)), without)
        if identity.mail_class is MailClass.COMMERCIAL:
            found["again"] = _less(median_ms(work, _batch(octets, 1) * count), without)
    return found


def _batch(octets: int, count: int) -> list[Message]:
    """Messages that none was like: parts that come again are not read again."""
    return [newsletter(octets, next(_NUMBERS)) for _ in range(count)]


def _less(whole: tuple[float, float], part: tuple[float, float]) -> tuple[float, float]:
    return whole[0] - part[0], whole[1] - part[1]


def main(rounds: int = 300) -> int:
    """Print a line a size."""
    print("processor time in ms: median (best tenth)")
    for kilobytes, octets in SIZES.items():
        ms = measured(octets, max(30, rounds * 20 // kilobytes))
        said = {name: f"{median:.3f} ({tenth:.3f})" for name, (median, tenth) in ms.items()}
        print(
            f"content check of {kilobytes:>3} KB: declared commercial {said['commercial']}, undeclared {said['auto']};"
            f" of it reading {said['read']}; one commercial message again {said['again']}"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:2])))
