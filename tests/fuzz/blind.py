"""Mutation without a guide: for where atheris cannot be had, for the short run in every day's tests, for packets.

`mutated` makes one input of some that are known, by a generator of random numbers: with the same numbers it makes the
same. It knows nothing of what the input does; whoever wants coverage wants `guided`.
"""

import random
from collections.abc import Sequence
from typing import Final

_ODD: Final = (b"\0", b"\xff", b"\r", b"\n", b"\r\n", b" ", b"\t", b'"', b"\\", b"<", b"(", b"\x80", b"\xed\xa0\x80")


def mutated(known: Sequence[bytes], words: Sequence[bytes], longest: int, chance: random.Random) -> bytes:
    """Make an input out of a known one, by one to eight changes.

    Args:
        known: inputs; at least one.
        words: what is put in, besides odd octets.
        longest: octets that it may have.
        chance: decides.
    """
    made = bytearray(chance.choice(known))
    for _ in range(1 + int(chance.expovariate(0.5)) % 8):
        at = chance.randrange(len(made) + 1)
        end = min(len(made), at + int(chance.expovariate(0.1)))
        match chance.randrange(7):
            case 0:
                made[at:at] = chance.choice(words) if words else bytes((chance.randrange(256),))
            case 1:
                made[at:end] = chance.choice(words) if words else b""
            case 2:
                made[at:at] = chance.choice(_ODD)
            case 3:
                del made[at:end]
            case 4:
                made[at:at] = made[at:end] * chance.choice((1, 2, 5, 30))
            case 5 if at < len(made):
                made[at] ^= 1 << chance.randrange(8)
            case _:
                other = chance.choice(known)
                begin = chance.randrange(len(other) + 1)
                made[at:end] = other[begin : begin + int(chance.expovariate(0.03))]
    return bytes(made[:longest])
