"""An SMTP reply that can be sent as it is.

A `Reply` is checked when it is made: code and enhanced code agree, the text is one line of printable ASCII without
`%` and short enough for every MTA. So nothing that a sender wrote can break a reply, wherever it was put in, as long as
it went through `printable` first.
"""

import re
from dataclasses import dataclass
from typing import Final

MAX_TEXT: Final = 480  # octets; RFC 5321 4.5.3.1.5 allows 512 with code and CRLF, libmilter 980
_TEXT = re.compile(r"[\x20-\x24\x26-\x7e]+")  # printable ASCII but "%": libmilter formats replies (smfi_setreply)
_CODE = re.compile(r"[45][0-9]{2}")
_ENHANCED = re.compile(r"[45]\.[0-9]{1,3}\.[0-9]{1,3}")  # RFC 3463 2


@dataclass(frozen=True, slots=True)
class Reply:
    """A negative SMTP reply (RFC 5321 4.2, RFC 3463).

    Raises:
        ValueError: code and enhanced code disagree, or the text holds what may not be sent.
    """

    code: str
    enhanced: str
    text: str

    def __post_init__(self) -> None:
        if not _CODE.fullmatch(self.code) or not _ENHANCED.fullmatch(self.enhanced) or self.code[0] != self.enhanced[0]:
            raise ValueError(f"reply code {self.code!r} and enhanced code {self.enhanced!r} do not agree")
        if not _TEXT.fullmatch(self.text) or len(self.text) > MAX_TEXT:
            raise ValueError(f"reply text cannot be sent: {self.text!r}")

    def __str__(self) -> str:
        return f"{self.code} {self.enhanced} {self.text}"


def printable(text: str, limit: int = 120) -> str:
    """Return `text` as printable ASCII without `%`, at most `limit` characters, everything else as `?`.

    For what a sender wrote, before it goes into a reply or a terminal.
    """
    cut = text if len(text) <= limit else text[: limit - 3] + "..."
    if cut.isascii() and cut.isprintable() and "%" not in cut:
        return cut  # the usual case
    return "".join(c if " " <= c <= "~" and c != "%" else "?" for c in cut)
