"""Spellings under which a text passes for another, or is read as it by some programs and not by others.

Each function takes a plain text and gives the octets that stand in a header field for it. They are pure, total on any
text, and deliberately wrong in the way their name says; nothing but the attack shapes may use them.
"""

import base64
from typing import Final

# Letters of other scripts that most fonts draw like the Latin ones (Unicode TR 39, confusables).
_LOOKALIKES: Final = str.maketrans(
    {"a": "а", "c": "с", "e": "е", "i": "і", "o": "о", "p": "р", "s": "ѕ", "x": "х", "y": "у"}
    | {"A": "А", "B": "В", "C": "С", "E": "Е", "H": "Н", "K": "К", "M": "М", "O": "О", "P": "Р", "T": "Т"}
)
_SOFT_HYPHEN: Final = "\u00ad"


def base64_text(text: str) -> bytes:
    """For a B encoded-word (RFC 2047 4.1)."""
    return base64.b64encode(text.encode())


def quoted_text(text: str) -> bytes:
    """For a Q encoded-word (RFC 2047 4.2), with every octet written as `=XX`."""
    return "".join(f"={octet:02X}" for octet in text.encode()).encode()


def two_octets(text: str) -> bytes:
    """For a B encoded-word in UTF-16: no ASCII letter of the text is left, even decoded."""
    return base64.b64encode(text.encode("utf-16-be"))


def seven_bit(text: str) -> bytes:
    """UTF-7 (RFC 2152) with the @ shifted, so that a search for @ finds none."""
    return text.encode("utf-7").replace(b"@", b"+AEA-")


def wide(text: str) -> bytes:
    """Full-width forms, which NFKC folds to ASCII."""
    return "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in text).encode()


def bold(text: str) -> bytes:
    """Mathematical bold letters, which NFKC folds to ASCII."""
    bold_capital, bold_small = 0x1D400, 0x1D41A
    made = (
        chr(bold_capital + ord(c) - 65) if "A" <= c <= "Z" else chr(bold_small + ord(c) - 97) if "a" <= c <= "z" else c
        for c in text
    )
    return "".join(made).encode()


def raised(text: str) -> bytes:
    """Code points 256 too high, which programs that keep one octet a character cut back to the text."""
    return quoted_text("".join(chr(ord(c) + 0x100) for c in text))


def overlong(text: str) -> bytes:
    """Two octets for each ASCII character, which RFC 3629 3 forbids and careless decoders read."""
    return b"".join(bytes((0xC0 | ord(c) >> 6, 0x80 | ord(c) & 0x3F)) if c.isascii() else c.encode() for c in text)


def soft(text: str) -> bytes:
    """A soft hyphen after each character, which is not drawn."""
    return _SOFT_HYPHEN.join(text).encode()


def lookalike(text: str) -> bytes:
    """Cyrillic letters for the Latin ones they look like; where there are none, a dot above the first letter."""
    made = text.translate(_LOOKALIKES)
    return (made if made != text else f"{text[:1]}\u0307{text[1:]}").encode()


def punycode(domain: str) -> bytes:
    """A domain of look-alikes as A-labels (RFC 5890): valid, registrable, and another one."""
    labels = lookalike(domain.rpartition(".")[0] or domain).decode().split(".")
    tail = domain.rpartition(".")[2]
    return b".".join(b"xn--" + label.encode("punycode") for label in labels) + b"." + tail.encode()


def backwards(text: str) -> bytes:
    """The text from its end to its beginning, for use behind a right-to-left override."""
    return text[::-1].encode()
