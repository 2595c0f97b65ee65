"""URIs in angle brackets, as the list fields of a message hold them (RFC 2369 2): `<uri>, <uri> (a comment)`.

`bracketed` reads one unfolded value strictly: anything beside bracketed URIs, commas, blanks and comments ends the
reading with a fault in words, because mail programs stop there too and do not agree on what they make of it. One pass
from left to right; it raises nothing.
"""

from dataclasses import dataclass
from typing import Final

MAX_VALUE: Final = 8_000  # octets; more than eight lines of 998 (RFC 5322 2.1.1) name no few URIs
MAX_URIS: Final = 20
_BLANKS: Final = " \t\r\n"


@dataclass(frozen=True, slots=True)
class Bracketed:
    """What a list field names.

    Attributes:
        uris: the URIs in their order, without brackets and without the blanks that folding left in them.
        fault: what is wrong with the form of the field, in words that name nothing of the message; empty: nothing.
    """

    uris: tuple[str, ...] = ()
    fault: str = ""


def bracketed(value: bytes) -> Bracketed:
    """Read the value of a list field, folded or not."""
    if len(value) > MAX_VALUE:
        return Bracketed(fault="the field is too long")
    if not value.isascii():
        return Bracketed(fault="the field holds characters beyond ASCII, which no URI has (RFC 3986 2)")
    return _read(value.decode("ascii"))


def _read(text: str) -> Bracketed:
    uris: list[str] = []
    at, parted = 0, True  # whether a comma, or the beginning, stands before what comes
    while at < len(text):
        c = text[at]
        if c in _BLANKS:
            at += 1
        elif c == ",":
            at, parted = at + 1, True
        elif c == "(":
            at = _after_comment(text, at)
            if not at:
                return Bracketed(tuple(uris), "a comment is not closed")
        elif c != "<":
            return Bracketed(tuple(uris), _stray(text, at))
        else:
            end = text.find(">", at)
            uri = "".join(text[at + 1 : end].split()) if end > 0 else ""  # RFC 2369 2: blanks inside do not count
            fault = _fault(uri, closed=end > 0, parted=parted)
            if not fault and len(uris) == MAX_URIS:
                fault = f"the field names more than {MAX_URIS} URIs"
            if fault:
                return Bracketed(tuple(uris), fault)
            uris.append(uri)
            at, parted = end + 1, False
    return Bracketed(tuple(uris), "" if uris else "the field is empty")


def _fault(uri: str, *, closed: bool, parted: bool) -> str:
    if not closed:
        return "the closing > is missing"
    if not parted:
        return "no comma stands between two URIs"
    if not uri:
        return "nothing stands between < and >"
    return "a < stands inside the brackets" if "<" in uri else ""


def _stray(text: str, at: int) -> str:
    if text.startswith("=?", at):
        return "an encoded-word stands where a URI in angle brackets must (RFC 2047 5)"
    if "<" not in text:
        return "no URI stands in angle brackets"
    return "something beside URIs in angle brackets stands in the field"


def _after_comment(text: str, start: int) -> int:
    """Where the text goes on after a comment, nested ones included (RFC 5322 3.2.2); 0 where it is not closed."""
    depth, at = 0, start
    while at < len(text):
        c = text[at]
        if c == "\\":
            at += 1
        elif c == "(":
            depth += 1
        elif c == ")":
            depth -= 1
            if not depth:
                return at + 1
        at += 1
    return 0
