"""The address parser held against two foreign ones: what ours accepts, they see as the same one address.

Python's `email.policy.default` and Perl's Email::Address::XS (Debian: libemail-address-xs-perl) read some 2,100 values,
made by hand and put together from pieces by a fixed seed. A value that ours accepts and another one reads as another
address, or as more than one, fails the test unless its class stands in `EXPLAINED` with a reason.
"""

import random
import re
import shutil
import subprocess
from collections.abc import Callable
from email.policy import default
from pathlib import Path
from typing import Final

import pytest

from sealgate.mail.address import AddressError, normal_domain, parse_mailbox
from tests.unit.test_mail_address import HOSTILE, LEGITIMATE

DRIVER: Final = Path(__file__).with_name("mailboxes.pl")

_ADDRESSES = ["alice@example.test", "dean@victim.test", "o'alice@x.example.test", "a@b", "bjørn@bücher.example"]
_NAMES = [
    "Alice", "J. R. Alice", '"Example, Alice"', "=?utf-8?q?Bj=C3=B6rn?=", "=?utf-8?b?ZGVhbkB2aWN0aW0udGVzdA==?=",
    '"dean@victim.test"', '"a\\"b"', "Björn", "(Alice)", "A & B / C", "山田", '"<dean@victim.test>"', "O'Alice", "Dr",
]  # fmt: skip
_PIECES = [
    "<", ">", "@", ",", ";", ":", '"', "\\", "(", ")", "[", "]", " ", "\t", "\r\n ", ".", "=?utf-8?q?=40?=", "%", "!",
    "()", "(x)", '""', "<>", "..", "a", "From:", "dean@victim.test", "<dean@victim.test>", ", dean@victim.test",
    "(dean@victim.test)", "@relay.test:", "\x00", "\x0b", "＠", "．", "\u200b", "\u00a0", "\u2028", "=?utf-8?q?x?=",
]  # fmt: skip

# Classes of values that we accept and another parser does not read as we do: who, pattern of value, what it says, why.
EXPLAINED: Final = [
    (
        "python",
        r"(?:^|[\s\")?])\.+<",
        ["raises AttributeError"],
        "it stumbles over a dot alone before the <: no address",
    ),
]


def _values() -> list[bytes]:
    made = [value for value, *_ in LEGITIMATE] + list(HOSTILE.values())
    dice = random.Random(2047)
    for _ in range(2_400):
        address, name = dice.choice(_ADDRESSES), dice.choice(_NAMES)
        text = dice.choice([address, f"<{address}>", f"{name} <{address}>", f"{name} {name} <{address}> (x)"])
        for _ in range(dice.choice([0, 1, 1, 1, 2, 3])):
            at = dice.randrange(len(text) + 1)
            text = text[:at] + dice.choice(_PIECES) + text[at:]
        made.append(text.encode())
    return list(dict.fromkeys(made))


VALUES: Final = _values()


def _ours(value: bytes) -> str | None:
    try:
        return str(parse_mailbox(value).address)
    except AddressError:
        return None


def _same_form(address: str) -> str:
    local, _, domain = address.rpartition("@")
    try:
        return f"{local}@{normal_domain(domain)}"
    except AddressError:
        return address


def _unfolded(value: bytes) -> str:
    return re.sub(r"\r?\n(?=[ \t])", "", value.decode("utf-8", "replace"))


def _python(values: list[bytes]) -> list[list[str]]:
    seen: list[list[str]] = []
    for value in values:
        try:
            found = default.header_factory("From", _unfolded(value)).addresses
            seen.append([_same_form(each.addr_spec) for each in found])
        except Exception as error:  # it raises many kinds, on hostile input only
            seen.append([f"raises {type(error).__name__}"])
    return seen


def _perl(values: list[bytes]) -> list[list[str]]:
    text = "\n".join(_unfolded(value).encode().hex() for value in values) + "\n"
    run = subprocess.run(["perl", DRIVER], input=text, capture_output=True, text=True, check=True, timeout=60)
    lines = run.stdout.split("\n")[:-1]
    assert len(lines) == len(values)
    return [[w if w == "?" else _same_form(bytes.fromhex(w).decode()) for w in line.split()] for line in lines]


def _has_perl() -> bool:
    perl = shutil.which("perl")
    probe = [perl or "perl", "-MEmail::Address::XS", "-e1"]
    return bool(perl) and subprocess.run(probe, capture_output=True, check=False).returncode == 0


def differences(who: str, read: Callable[[list[bytes]], list[list[str]]]) -> tuple[list[str], int, int]:
    """What is accepted and read otherwise and not explained, how much is explained, how much of it we refuse."""
    open_ones: list[str] = []
    explained = refused = 0
    for value, seen in zip(VALUES, read(VALUES), strict=True):
        ours = _ours(value)
        if ours is None:
            refused += len([each for each in seen if "@" in each]) != 1 or seen[0].count("@") != 1
        elif seen != [ours]:
            if any(by == who and said == seen and re.search(form, value.decode()) for by, form, said, _ in EXPLAINED):
                explained += 1
            else:
                open_ones.append(f"{value!r}: ours {ours}, theirs {seen}")
    return open_ones, explained, refused


def test_python_reads_what_we_accept_as_the_same_address() -> None:
    open_ones, _, _ = differences("python", _python)
    assert open_ones == []


@pytest.mark.skipif(not _has_perl(), reason="Email::Address::XS is not installed (Debian: libemail-address-xs-perl)")
def test_perl_reads_what_we_accept_as_the_same_address() -> None:
    open_ones, _, _ = differences("perl", _perl)
    assert open_ones == []


def test_the_values_tell_something() -> None:
    """Enough is accepted, and enough refused, that a difference would be seen."""
    accepted = sum(_ours(value) is not None for value in VALUES)
    assert len(VALUES) > 1_500
    assert 300 < accepted < len(VALUES) - 500
