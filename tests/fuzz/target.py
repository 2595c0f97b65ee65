"""What a target is, and how one input is tried on it.

`attempt` runs a target on some octets and measures what that costs. Of one input in `_STRETCHED` a piece is repeated
until the whole has 64 KB, and the target is run on that as well: what is worse than linear shows there, and an input
that is kept stays small. Which input and which piece follows from its octets alone, so a failure comes back each time.
"""

import importlib
import time
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Final

LARGE: Final = 65_536  # octets
_STRETCHED: Final = 64


class Failure(AssertionError):
    """Something is not as it is promised."""


@dataclass(frozen=True, slots=True)
class Target:
    """What is fuzzed.

    Attributes:
        name: of the target and of the folder of its seeds.
        where: the module and the function that takes any octets and raises whatever is wrong; it is imported when it is
            wanted, for a guide counts the branches of all that is imported.
        seconds: of processor time that an input of 64 KB may take, on a slow machine and with counters in every branch;
            a smaller one may take its share and a quarter of a second.
        longest: octets of an input that are worth trying.
        stretch: whether inputs are stretched.
        words: what mutations put in, besides octets.
    """

    name: str
    where: str
    seconds: float = 4.0
    longest: int = 4_096
    stretch: bool = True
    words: tuple[bytes, ...] = ()

    @property
    def run(self) -> Callable[[bytes], None]:
        """The function."""
        return _function(self.where)


@cache
def _function(where: str) -> Callable[[bytes], None]:
    module, _, name = where.partition(".")
    function: Callable[[bytes], None] = getattr(importlib.import_module(f"tests.fuzz.{module}"), name)
    return function


_warm: set[str] = set()


def attempt(target: Target, data: bytes) -> None:
    """Try one input, and perhaps what it is stretched to.

    Raises:
        Failure: it took too long, or two ways to read it disagree.
        Exception: whatever the target's functions let out.
    """
    if target.name not in _warm:  # keys are made and tables built once
        _warm.add(target.name)
        target.run(b"")
    _timed(target, data)
    if target.stretch and data and (number := zlib.crc32(data)) % _STRETCHED == 0:
        _timed(target, stretched(data, number // _STRETCHED))


def stretched(data: bytes, number: int) -> bytes:
    """Repeat a piece of some octets, which a number chooses, until there are 64 KB."""
    begin = number % len(data)
    length = 1 + number // len(data) % min(64, len(data) - begin)
    unit = data[begin : begin + length]
    return (data[:begin] + unit * ((LARGE - len(data)) // length + 2) + data[begin + length :])[:LARGE]


def _timed(target: Target, data: bytes) -> None:
    """Run it once, and twice more where that took too long: the first time may have paid for others."""
    took = float("inf")
    for _ in range(3):
        began = time.thread_time()
        target.run(data)
        took = min(took, time.thread_time() - began)
        if took <= 0.25 + target.seconds * len(data) / LARGE:
            return
    raise Failure(f"{len(data)} octets took {took:.2f} s of processor time")


def must(holds: object, *said: object) -> None:
    """Fail unless something holds.

    Raises:
        Failure: it does not.
    """
    if not holds:
        raise Failure(" | ".join(repr(each)[:600] for each in said))


def same(one: object, two: object, *said: object) -> None:
    """Fail unless two values are equal.

    Raises:
        Failure: they are not.
    """
    must(one == two, one, two, *said)
