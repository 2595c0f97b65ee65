"""Text for troff with the man macros, as groff and mandoc both take it: escapes, paragraphs, lists, examples.

Whatever is given comes out as ASCII in which nothing is taken for a request by accident.
"""

import re
from collections.abc import Iterable, Sequence

_TYPED = {"\\": "\\e", "-": "\\-", "'": "\\(aq", "`": "\\(ga", "^": "\\(ha", "~": "\\(ti", '"': "\\(dq"}
_CODE = re.compile(r"(`[^`]+`)")


def typed(text: str) -> str:
    """What is to be read letter by letter, and may be pasted into a shell: no quote becomes another one."""
    return "".join(_TYPED.get(c, c if c.isascii() else f"\\[u{ord(c):04X}]") for c in text)


def prose(text: str) -> str:
    """A paragraph's text in one line; what stands in backquotes becomes bold."""
    text = " ".join(text.split())
    said = "".join(
        f"\\fB{typed(each[1:-1])}\\fR" if each[:1] == "`" else typed(each) for each in _CODE.split(text) if each
    )
    return f"\\&{said}" if said[:1] in (".", "'") else said


def paragraphs(texts: Iterable[str]) -> list[str]:
    """Each text as a paragraph of its own."""
    return [line for text in texts for line in (".PP", prose(text))]


def verbatim(lines: Sequence[str]) -> list[str]:
    """Lines kept as they are, indented."""
    kept = [f"\\&{typed(line)}" if line[:1] in (".", "'") else typed(line) for line in lines]
    return [".PP", ".RS 4", ".EX", *(line or "\\&" for line in kept), ".EE", ".RE"]


def item(tags: Sequence[str], texts: Sequence[str]) -> list[str]:
    """One entry of a list: what it is called, bold, and what it is."""
    out = [".TP", f".B {typed(tags[0])}"]
    for tag in tags[1:]:
        out += [".TQ", f".B {typed(tag)}"]
    for at, text in enumerate(texts or ["\\&"]):
        out += ([".IP"] if at else []) + [prose(text) if text != "\\&" else text]
    return out


def head(name: str, section: int, about: str) -> list[str]:
    """Title and NAME of a page."""
    return [
        f'.TH {typed(name.upper())} {section} "" sealgate',
        '.\\" Made from what the program says of itself: python3 -m tests.unit.test_doc_man',
        '.\\" No path or option is parted at the end of a line, and no gaps are put between words.',
        ".nh",
        ".ad l",
        ".SH NAME",
        f"{typed(name)} \\- {typed(about)}",
    ]


def seen(pages: Iterable[tuple[str, int]]) -> list[str]:
    """SEE ALSO, with a comma behind each page but the last."""
    listed = list(pages)
    ends = [
        ",",
    ] * (len(listed) - 1) + [""]
    return [
        ".SH SEE ALSO",
        *(f".BR {typed(name)} ({section}){end}" for (name, section), end in zip(listed, ends, strict=True)),
    ]
