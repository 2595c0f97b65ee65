"""The header fields of a message, exactly as sent.

A `Field` keeps the raw octets of name and value (folds as CRLF + blank); look-ups are case-blind (RFC 5322 1.2.2).
`unfolded` and `decoded` are readings of a value and never change what is signed. Nothing here raises on any input.
"""

import binascii
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from sealgate.mail.charset import NOT_FOR_FIELDS, codec_of, to_text

_FOLD = re.compile(rb"\r?\n(?=[ \t])")
# RFC 2047 2: an encoded-word is at most 75 octets and holds no blanks; the caps keep the search linear.
_ENCODED_WORD = re.compile(r"=\?([!-<>@-~]{1,40}?)(?:\*[!-<>@-~]{0,20})?\?([bBqQ])\?([!->@-~]{0,600}?)\?=")
_BETWEEN_WORDS = re.compile(r"(\?=)[ \t]+(?==\?)")  # RFC 2047 6.2: blanks between encoded-words are not displayed
_BASE64 = re.compile(rb"[A-Za-z0-9+/]*={0,2}")
_QUOTED = re.compile(rb"(?:[^=]|=[0-9A-Fa-f]{2})*")
_UNREADABLE: Final = "an encoded-word of the name cannot be read (RFC 2047 4)"
_CUT: Final = "an encoded-word of the name ends within a character (RFC 2047 5)"
MAX_DECODED: Final = 60_000  # octets; Postfix caps a header here when milters are on (KLUDGE_HEADER_LIMIT)


@dataclass(frozen=True, slots=True)
class Field:
    """One header field: `name` without the colon, `value` as everything after it, both as raw octets."""

    name: bytes
    value: bytes

    @property
    def key(self) -> bytes:
        """The name for comparison: lower case, without trailing blanks (`From :` is From to every reader)."""
        return self.name.rstrip(b" \t").lower()


@dataclass(frozen=True, slots=True)
class Headers:
    """The fields of one header block in the order they were sent.

    Attributes:
        keys: `Field.key` of each, in the same order.
    """

    fields: tuple[Field, ...]
    keys: tuple[bytes, ...] = field(init=False, repr=False, compare=False)
    # Made once: a message is asked for its fields by name some twenty times.
    _named: dict[bytes, tuple[Field, ...]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        keys = tuple([f.name.rstrip(b" \t").lower() for f in self.fields])
        named: dict[bytes, list[Field]] = {}
        for key, one in zip(keys, self.fields, strict=True):
            named.setdefault(key, []).append(one)
        object.__setattr__(self, "keys", keys)
        object.__setattr__(self, "_named", {key: tuple(same) for key, same in named.items()})

    def __iter__(self) -> Iterator[Field]:
        return iter(self.fields)

    def every(self, name: bytes) -> tuple[Field, ...]:
        """All fields called `name` (given in lower case), first to last."""
        return self._named.get(name, ())

    def text(self, name: bytes) -> str:
        """The decoded value of the first field called `name` (in lower case), or an empty string."""
        same = self._named.get(name)
        return decoded(same[0].value) if same else ""


def unfolded(value: bytes) -> bytes:
    """Take the folds out of a field value (RFC 5322 2.2.3) and the blanks around it."""
    return (_FOLD.sub(b"", value) if b"\n" in value else value).strip(b" \t\r\n")


def decoded(value: bytes) -> str:
    """Read a field value as a mail reader shows it: unfolded, RFC 2047 words decoded, never raising.

    Octets that are no UTF-8 become U+FFFD; an encoded-word that cannot be decoded stays as it is.
    """
    return decoded_with_fault(value)[0]


def decoded_with_fault(value: bytes) -> tuple[str, str]:
    """`decoded`, and why other readers show something else, or an empty string.

    Many readers join neighbouring words before they decode them, drop what they cannot read, or show it as it is.
    """
    text = unfolded(value[:MAX_DECODED]).decode("utf-8", "replace")
    if "=?" not in text:
        return text, ""
    words = _Words()
    return _ENCODED_WORD.sub(words.read, _BETWEEN_WORDS.sub(r"\1", text)), words.fault


class _Words:
    """The encoded-words of one value, decoded in order; `fault` says why other readers show something else."""

    __slots__ = ("_end", "_is_cut", "_is_guessed", "fault")

    def __init__(self) -> None:
        self.fault = ""
        self._end = -1  # where the word before ended
        self._is_cut = False  # whether it is base64 that goes on in the next word
        self._is_guessed = False  # whether its last octet is a letter in one charset, and in another part of one

    def read(self, match: re.Match[str]) -> str:
        charset, encoding, payload = match.groups()
        codec = codec_of(charset)
        if codec is None:
            return match.group(0)
        data = payload.encode("ascii", "replace")
        is_base64 = encoding in "bB"
        try:
            if is_base64:
                raw = binascii.a2b_base64(data + b"=" * (-len(data) % 4))
            else:
                raw = binascii.a2b_qp(data, header=True)
        except binascii.Error:
            return match.group(0)
        text = to_text(raw, charset)
        form = _BASE64 if is_base64 else _QUOTED
        self.fault = self.fault or _fault(codec, raw, text) or ("" if form.fullmatch(data) else _UNREADABLE)
        if match.start() == self._end and (
            (self._is_cut and is_base64) or (self._is_guessed and codec == "ascii" and raw[:1] > b"\x7f")
        ):
            self.fault = self.fault or _CUT
        self._end = match.end()
        self._is_cut = is_base64 and len(data) % 4 != 0
        self._is_guessed = codec == "ascii" and raw[-1:] > b"\x7f"
        return text


def _fault(codec: str, raw: bytes, text: str) -> str:
    """Why not every reader shows these octets as this text, or an empty string."""
    if codec in NOT_FOR_FIELDS:
        return "an encoded-word of the name is in a charset that header fields do not have (RFC 2781 4.1)"
    if "\ufffd" in text and text.count("\ufffd") != raw.count(b"\xef\xbf\xbd"):
        return _UNREADABLE
    if codec == "iso2022_jp_2" and b"\x1b" in raw:  # RFC 1468: the text ends in ASCII
        escape = raw.rindex(b"\x1b")
        if raw[escape : escape + 3] not in (b"\x1b(B", b"\x1b(J"):
            return _CUT
    return ""


def parse_block(lines: Iterable[bytes]) -> Headers:
    """Build `Headers` from the lines of a header block (without line ends), as an MTA would read them.

    A line that is neither a field nor a fold is dropped: callers that must keep it find it in the body instead.
    """
    found: list[tuple[bytes, list[bytes]]] = []
    for line in lines:
        if line[:1] in (b" ", b"\t") and found:
            found[-1][1].append(line)
            continue
        name, colon, value = line.partition(b":")
        if colon and name.strip():
            found.append((name, [value]))
    # Joined once at the end: thousands of folds in one field must not cost their square.
    return Headers(tuple(Field(name, b"\r\n".join(pieces)) for name, pieces in found))
