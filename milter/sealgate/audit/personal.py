"""Personal values in the record: a hash in the line, the value and its salt in a file that can be erased.

A value in a line is `commitment(key, salt, value)`. The key belongs to a calendar quarter (its epoch), the salt to one
value of one message. Who has key, salt and value can prove what a line says; once either of key and salt is destroyed,
nobody can find the value by guessing (a plain hash of an address can be guessed), and the chain of lines still holds,
because only the hash was ever part of it. Pure; nothing raises.
"""

import hashlib
import hmac
import re
from collections.abc import Callable
from typing import Final

KEY_OCTETS: Final = 32
SALT_OCTETS: Final = 16
VEILED: Final = "~"
"""Stands in front of the digest of a header field that was made with key and salt (`veil`)."""

_EPOCH: Final = re.compile(r"[0-9]{4}q[1-4]")


def epoch_of(moment: str) -> str:
    """The calendar quarter of an RFC 3339 time in UTC, such as `2026q4`."""
    return f"{moment[:4]}q{(int(moment[5:7]) + 2) // 3}"


def is_epoch(name: str) -> bool:
    """Whether this is the name of a quarter."""
    return _EPOCH.fullmatch(name) is not None


def plain_address(argument: str) -> str:
    """An address as it is hashed and looked for: without brackets, in lower case.

    Local parts may differ by case (RFC 5321 2.4) and hardly ever do; who looks for an address should find it.
    """
    return argument.strip().removeprefix("<").removesuffix(">").strip().lower()


def domain_of(argument: str) -> str:
    """The domain of an address, which stays in clear; empty where there is none. At most 255 characters."""
    return plain_address(argument).rpartition("@")[2][:255] if "@" in argument else ""


def commitment(key: bytes, salt: bytes, value: str) -> str:
    """Return the 32 hex digits that stand for a value: the first 16 octets of HMAC-SHA-256 over salt and value."""
    return hmac.new(key, salt + value.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()[:32]


def veil(key: bytes, salt: bytes) -> Callable[[str], str]:
    """Return what makes of the digest of a header field another 16 hex digits, with `VEILED` in front.

    The plain digest of `To: bob@example.net` or of a Subject can be guessed as well as a plain hash of the value can.

    Args:
        key: of the quarter.
        salt: of one message.
    """
    own = hmac.digest(key, salt + b"header fields", "sha256")
    return lambda digest: VEILED + hashlib.sha256(own + digest.encode("ascii", "replace")).hexdigest()[:16]
