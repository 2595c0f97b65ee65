"""Header blocks that end before From, and mail without any author.

MTAs end the header at the first line that is no field and put an empty line in; the rest becomes text, and an author
may be added by whoever misses one (Postfix: always_add_missing_headers).
"""

from dataclasses import replace
from typing import Final

from sealgate.attack.shape import Shape, hostile

_OWN: Final = b"From: {own}\r\n"
_VICTIM: Final = b"From: {victim_name} <{victim}>\r\n"

# Once an MTA has ended the header and added the own address, the victim is plain text.
SHAPES: Final[tuple[Shape, ...]] = tuple(
    replace(shape, may_be_mended=True)
    for shape in hostile(
        "header ends early",
        ("none-at-all", b"Subject: Invoice\r\n", "There is no author: the next host or the reader makes one up."),
        ("none-signed-name", b"Subject: {victim_name} <{victim}>\r\n", "No author, and the Subject names one."),
        ("none-x-from", b"X-From: {victim}\r\nX-Sender: {victim}\r\n", "No author but in fields of old readers."),
        ("early-blank", b"\r\n" + _VICTIM, "The message begins with an empty line: lenient readers skip it."),
        ("early-space-line", b" \r\n" + _VICTIM, "The first line is one blank."),
        ("early-fold-first", b" " + _VICTIM + _OWN, "The first line begins with a blank, and names the victim."),
        ("early-fold-from", b"X-A: b\r\nFrom\r\n : {victim}\r\n" + _OWN, "The field's name is folded."),
        ("early-no-colon", b"Hello there\r\n" + _VICTIM, "A line without colon ends the header; some skip it."),
        ("early-colon-first", b": x\r\n" + _VICTIM, "A field without a name ends the header; some skip it."),
        ("early-8bit-name", b"X-\xc3\xa4: x\r\n" + _VICTIM, "A name that is not ASCII ends the header."),
        ("early-nul-line", b"\0\r\n" + _VICTIM, "A line of one NUL: empty to some."),
        ("early-cr-line", b"\r\r\n" + _VICTIM, "A line of one CR: empty to some."),
        ("early-space-name", b"X Y: x\r\n" + _VICTIM, "A name with a blank in it ends the header; some skip it."),
        ("early-own-then", _OWN + b"no field\r\n" + _VICTIM, "The victim stands behind a line without colon."),
        ("early-own-blank", _OWN + b" \r\n\r\n" + _VICTIM, "The header ends, and text that looks like one follows."),
        ("early-dash", b"--\r\n" + _VICTIM, "A line of dashes before the header."),
        ("mbox-line", b"From {victim} Mon Nov  2 10:00:00 2026\r\n" + _OWN, "An mbox line: archives file it by that."),
        ("mbox-only", b"From {victim} Mon Nov  2 10:00:00 2026\r\n", "An mbox line and no author."),
        ("mbox-escaped", b">From {victim} Mon Nov  2 10:00:00 2026\r\n" + _VICTIM, "An escaped mbox line."),
        ("mbox-spaced", b"From : {victim}\r\n" + _OWN, "As first line, Postfix takes `From :` for an mbox line."),
        ("mbox-field", b"X-Mailbox-Line: From {victim} Mon Nov  2 10:00:00 2026\r\n" + _OWN,
         "What Postfix makes of an mbox line, sent as a field."),
    )
)  # fmt: skip
