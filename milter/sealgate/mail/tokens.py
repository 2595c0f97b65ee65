"""The pieces of an address field (RFC 5322 3.2 to 3.4): blanks, comments, quoted strings, `<...>`, words, commas.

One pass from left to right, nothing is looked at twice. What no strict reader takes ends the pieces with one of kind
`bad`, whose content says why in words for the field's writer; so nothing here raises.
"""

import re
from collections.abc import Iterator
from typing import Final

_WORD: Final = re.compile(r'[^ \t"(),:;<>\[\]\\]+')  # atoms, dots and @, up to a blank or another special
_PLAIN_QUOTED: Final = re.compile(r'"([^"\\]*)"')
_SPECIALS: Final = {
    ":": "groups are not accepted, and a colon of the name belongs in double quotes",
    ";": "groups are not accepted, and a semicolon of the name belongs in double quotes",
    ">": "a > stands without its <",
    ")": "a ) stands without its (",
}
_OTHER_SPECIAL: Final = "a bracket or backslash of the name is not in double quotes"


def tokens(text: str) -> Iterator[tuple[str, str]]:
    """Cut a field into pieces of kind `blank`, `comment`, `quoted`, `angle`, `word`, `comma` or, at last, `bad`.

    The content is without brackets and quotes; quoted pairs of a quoted string are resolved.
    """
    i, end = 0, len(text)
    while i < end:
        c = text[i]
        if c in " \t":
            i += 1
            yield "blank", " "
        elif match := _WORD.match(text, i):
            i = match.end()
            yield "word", match[0]
        elif c == ",":
            i += 1
            yield "comma", c
        else:
            kind, content, i = _enclosed(text, i)
            yield kind, content
            if kind == "bad":
                return


def _enclosed(text: str, start: int) -> tuple[str, str, int]:
    """Read what begins with a special character: kind, content, where the rest begins."""
    opening = text[start]
    if opening == '"':
        return _quoted(text, start)
    if opening not in "<(":
        return "bad", _SPECIALS.get(opening, _OTHER_SPECIAL), start
    closing = ">" if opening == "<" else ")"
    end = text.find(closing, start)
    if end < 0:
        return "bad", f"the closing {closing} is missing", start
    content = text[start + 1 : end]
    if opening == "<":
        return ("angle", content, end + 1) if content else ("bad", "there is nothing between < and >", start)
    if any(c in content for c in '(\\@<>"'):
        # Nested comments and quoted pairs (RFC 5322 3.2.2) too: readers disagree where such a comment ends.
        return "bad", "a comment holds brackets, quotes, a backslash or an @", start
    return "comment", content, end + 1


def _quoted(text: str, start: int) -> tuple[str, str, int]:
    """Read a quoted-string (RFC 5322 3.2.4)."""
    if match := _PLAIN_QUOTED.match(text, start):
        return "quoted", match[1], match.end()
    out: list[str] = []
    i = start + 1
    while i < len(text):
        c = text[i]
        if c == '"':
            return "quoted", "".join(out), i + 1
        if c == "\\":
            i += 1
            c = text[i : i + 1]
        out.append(c)
        i += 1
    return "bad", 'the closing " is missing', start
