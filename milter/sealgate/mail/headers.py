"""The header fields of a message, exactly as sent.

A `Field` keeps the raw octets of name and value (folds as CRLF + blank); look-ups are case-blind (RFC 5322 1.2.2).
`unfolded` and `decoded` are readings of a value and never change what is signed. Nothing here raises on any input.
"""

import binascii
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from sealgate.mail.charset import codec_of, to_text

_FOLD = re.compile(rb"\r?\n(?=[ \t])")
# RFC 2047 2: an encoded-word is at most 75 octets and holds no blanks; the caps keep the search linear.
_ENCODED_WORD = re.compile(r"=\?([!-<>@-~]{1,40}?)(?:\*[!-<>@-~]{0,20})?\?([bBqQ])\?([!->@-~]{0,600}?)\?=")
_BETWEEN_WORDS = re.compile(r"(\?=)[ \t]+(?==\?)")  # RFC 2047 6.2: blanks between encoded-words are not displayed
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
    """The fields of one header block in the order they were sent."""

    fields: tuple[Field, ...]

    def __iter__(self) -> Iterator[Field]:
        return iter(self.fields)

    def every(self, name: bytes) -> tuple[Field, ...]:
        """All fields called `name` (given in lower case), first to last."""
        return tuple(f for f in self.fields if f.key == name)

    def text(self, name: bytes) -> str:
        """The decoded value of the first field called `name` (in lower case), or an empty string."""
        for f in self.fields:
            if f.key == name:
                return decoded(f.value)
        return ""


def unfolded(value: bytes) -> bytes:
    """Take the folds out of a field value (RFC 5322 2.2.3) and the blanks around it."""
    return _FOLD.sub(b"", value).strip(b" \t\r\n")


def decoded(value: bytes) -> str:
    """Read a field value as a mail reader shows it: unfolded, RFC 2047 words decoded, never raising.

    Octets that are no UTF-8 become U+FFFD; an encoded-word that cannot be decoded stays as it is.
    """
    text = unfolded(value[:MAX_DECODED]).decode("utf-8", "replace")
    if "=?" not in text:
        return text
    return _ENCODED_WORD.sub(_decode_word, _BETWEEN_WORDS.sub(r"\1", text))


def _decode_word(match: re.Match[str]) -> str:
    charset, encoding, payload = match.groups()
    if codec_of(charset) is None:
        return match.group(0)
    data = payload.encode("ascii", "replace")
    try:
        if encoding in "bB":
            raw = binascii.a2b_base64(data + b"=" * (-len(data) % 4))
        else:
            raw = binascii.a2b_qp(data, header=True)
    except binascii.Error:
        return match.group(0)
    return to_text(raw, charset)


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
