"""Address fields in the form that Sendmail leaves as it is.

Sendmail writes From, To and their like anew on the way out, behind its milters: it puts a name with a dot or an
apostrophe in quotes, parts mailboxes by comma and blank, moves comments, completes an address without a domain. A
signature over the form before that is broken on arrival. `settled` gives the form that comes out of Sendmail as it went
in (seen with 8.17 and its ruleset of m4), with the same addresses, names and comments in it; or None where there is
none, or where it could not be told from another address. Pure, linear; nothing raises.
"""

import re
from collections.abc import Iterator
from typing import Final

MAX_ITEM: Final = 240  # octets between two commas; from 250 on Sendmail drops the name or the end (MAXNAME)
MAX_VALUE: Final = 60_000  # octets; Postfix lets no field be longer when milters are on, and Sendmail none above 32 KB
_WIDTH: Final = 78  # columns to which Sendmail fills the lines of a list (RFC 5322 2.1.1)
_INDENT: Final = b"        "

SENDERS: Final = frozenset((b"from", b"sender", b"reply-to", b"resent-from", b"resent-sender"))
RECIPIENTS: Final = frozenset((b"to", b"cc", b"resent-to", b"resent-cc"))

_FOLD: Final = re.compile(rb"\r?\n(?=[ \t])")
_CONTROL: Final = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")
# RFC 5322 3.2: blanks, quoted strings, comments that hold no others, addresses in brackets, words, marks. Each begins
# with an octet of its own, so that no piece is tried twice.
_PIECE: Final = re.compile(
    rb'(?P<blank>[ \t]+)|(?P<quoted>"(?:[^"\\]|\\.)*")|(?P<comment>\((?:[^()\\]|\\.)*\))'
    rb'|(?P<angle><(?:[^<>"\\(),:;]|"(?:[^"\\]|\\.)*")*>)|(?P<word>[^ \t"(),:;<>\\]+)|(?P<mark>[,:;])'
)
_LOCAL: Final = rb'(?:[^ \t"(),:;<>@\[\]\\]+|"(?:[^"\\]|\\.)*")'
_ADDRESS: Final = re.compile(
    rb"[ \t]*(?P<local>" + _LOCAL + rb")[ \t]*@[ \t]*(?P<domain>[^ \t\"(),:;<>@\[\]\\]*[^ \t\"(),:;<>@\[\]\\.]"
    rb"|\[[^ \t\"(),;<>@\[\]\\]{1,100}\])[ \t]*"
)
_ALONE: Final = re.compile(rb"[ \t]*(?P<local>[A-Za-z0-9][A-Za-z0-9._+'-]{0,63})[ \t]*")
_ENCODED: Final = re.compile(rb"=\?([A-Za-z0-9*_-]{1,60})\?([bBqQ])\?([^?]*)\?=")  # RFC 2047 2
_PARENTHESES: Final = re.compile(rb"\\.|[()]")
_MUST_QUOTE: Final = re.compile(rb"[@,;:\\()\[\].']")  # Sendmail's MustQuoteChars

_Piece = tuple[str, bytes]


def settled(name: bytes, value: bytes, host: bytes) -> bytes | None:
    """Return the value of an address field as Sendmail would write it, folds as CRLF and blanks.

    Args:
        name: of the field, as sent.
        value: all behind the colon, folds as CRLF and blank.
        host: the name that Sendmail puts behind an address without a domain; empty: none is put there.

    Returns:
        None where Sendmail would change addresses, or does what is not foreseen here.
    """
    if len(value) > MAX_VALUE:
        return None
    text = _FOLD.sub(b"", value).strip(b" \t")
    if not text:
        return value
    pieces = _pieces(text)
    items = None if pieces is None or _CONTROL.search(text) else _items(pieces, host)
    return None if items is None else _filled(name, items)


def _filled(name: bytes, items: list[bytes]) -> bytes:
    """Part the items by commas, and fold as Sendmail does."""
    out: list[bytes] = [b" "]
    column = len(name) + 2
    for i, item in enumerate(items):
        column += len(item) + (2 if i else 0)
        if i and column > _WIDTH:
            out.append(b",\r\n" + _INDENT)
            column = len(_INDENT) + len(item)
        elif i:
            out.append(b", ")
        out.append(item)
    return b"".join(out)


def _pieces(text: bytes) -> list[_Piece] | None:
    """Cut a field into pieces; None where something has no end, or a backslash or bracket stands alone."""
    found: list[_Piece] = []
    at = 0
    while at < len(text):
        match = _PIECE.match(text, at)
        if match is not None:
            found.append((match.lastgroup or "", match[0]))
            at = match.end()
            continue
        end = _end_of_comment(text, at) if text[at : at + 1] == b"(" else -1
        if end < 0:
            return None
        found.append(("comment", text[at:end]))
        at = end
    return found


def _end_of_comment(text: bytes, start: int) -> int:
    """The place behind a comment that holds others, or -1; the rest of the field is looked at once only."""
    depth = 0
    for match in _PARENTHESES.finditer(text, start):
        depth += {b"(": 1, b")": -1}.get(match[0], 0)
        if not depth:
            return match.end()
    return -1


def _items(pieces: list[_Piece], host: bytes) -> list[bytes] | None:
    """What stands between the commas, each as Sendmail leaves it. The name of a group goes with its first member."""
    items: list[bytes] = []
    is_open = False  # within a group
    before = b""  # name of a group whose first member follows
    for item, mark in _cut(pieces):
        is_empty = all(kind == "blank" for kind, _ in item)
        if mark == b":":
            group = None if is_open or is_empty else _name(item)
            if group is None:
                return None
            is_open, before = True, group.strip(b" \t") + b":"
            continue
        if mark == b";" and not is_open:
            return None
        box = b"" if is_empty else _mailbox(item, host)
        if box is None:
            return None
        blank = b" " if before and item and item[0][0] == "blank" else b""
        text = before + blank + box
        if mark == b";":
            text = text + b";" if text or not items else b""
            if not text:  # the comma before the end of a group
                items[-1] += b";"
            is_open = False
        if text:
            items.append(text)
            before = b""
        if len(text) > MAX_ITEM:
            return None
    return None if is_open else items


def _cut(pieces: list[_Piece]) -> Iterator[tuple[list[_Piece], bytes]]:
    """The pieces before each comma, colon or semicolon, with that mark; at last those before the end."""
    item: list[_Piece] = []
    for kind, text in pieces:
        if kind == "mark":
            yield item, text
            item = []
        else:
            item.append((kind, text))
    yield item, b""


def _mailbox(item: list[_Piece], host: bytes) -> bytes | None:
    """One mailbox (RFC 5322 3.4) as Sendmail leaves it."""
    angles = [i for i, (kind, _) in enumerate(item) if kind == "angle"]
    if not angles:
        return _bare(item, host)
    at, behind = angles[0], item[angles[0] + 1 :]
    if len(angles) > 1 or any(kind not in ("blank", "comment") for kind, _ in behind):
        return None
    inside = item[at][1][1:-1]
    address = b"" if not inside.strip(b" \t") else _address(inside, host)
    name = _name(item[:at])
    if address is None or name is None:
        return None
    return name.lstrip(b" \t") + b"<" + address + b">" + b"".join(text for _, text in behind).rstrip(b" \t")


def _bare(item: list[_Piece], host: bytes) -> bytes | None:
    """An address without brackets, with comments around it."""
    solid = [i for i, (kind, _) in enumerate(item) if kind in ("word", "quoted")]
    if not solid:
        return None
    between = item[solid[0] : solid[-1] + 1]
    if any(kind == "comment" for kind, _ in between):
        return None
    address = _address(b"".join(text for _, text in between), host)
    if address is None:
        return None
    before = [text for kind, text in item[: solid[0]] if kind == "comment"]
    behind = [text for kind, text in item[solid[-1] + 1 :] if kind == "comment"]
    if len(before) > 1:  # of several before it Sendmail moves some behind it, one more each time
        before, behind = [], before + behind
    return b" ".join((*before, address, *behind))


def _address(text: bytes, host: bytes) -> bytes | None:
    """An address as Sendmail leaves it; None where that would be another one."""
    if alone := _ALONE.fullmatch(text):
        return alone["local"] + b"@" + host if host else None
    found = _ADDRESS.fullmatch(text)
    if found is None or b"=?" in text:  # no encoded-word is part of an address (RFC 2047 5)
        return None
    local, domain = found["local"], found["domain"]
    if domain.lower() == host.lower():
        domain = host  # written as Sendmail writes its own name
    elif domain.lower() in (b"localhost", host.partition(b".")[0].lower()):
        return None  # it becomes the host's full name
    return local + b"@" + domain


def _name(pieces: list[_Piece]) -> bytes | None:
    """A display name, blanks behind it included, with quotes where Sendmail would put some."""
    out: list[bytes] = []
    run: list[bytes] = []  # words and the blanks between them
    for kind, text in (*pieces, ("end", b"")):
        is_encoded = kind == "word" and _ENCODED.fullmatch(text)
        if kind == "blank" or (kind == "word" and not is_encoded):
            run.append(text)
            continue
        out.append(_quoted(b"".join(run)))
        run = []
        if is_encoded:
            word = _without_marks(text)
            if word is None:
                return None
            out.append(word)
        else:
            out.append(text)
    return b"".join(out)


def _quoted(run: bytes) -> bytes:
    """Words in quotes where they hold what must be quoted; the blanks around them stay outside."""
    if not _MUST_QUOTE.search(run):
        return run
    words = run.strip(b" \t")
    begin = run.index(words)
    return run[:begin] + b'"' + words + b'"' + run[begin + len(words) :]


def _without_marks(word: bytes) -> bytes | None:
    """An encoded-word without what Sendmail would put in quotes: within quotes nobody decodes it (RFC 2047 5)."""
    if not _MUST_QUOTE.search(word):
        return word
    found = _ENCODED.fullmatch(word)
    if found is None or found[2] not in (b"q", b"Q"):
        return None
    return b"=?%s?%s?%s?=" % (found[1], found[2], _MUST_QUOTE.sub(lambda mark: b"=%02X" % mark[0][0], found[3]))
