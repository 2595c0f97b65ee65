"""What to do about a profile that is no YAML: the traps that people meet, each with its way out.

Pure text: the line where the parser gave up, and its words, in; one hint, or an empty string, out. PyYAML's two loaders
word some problems differently, so what is looked for stands in the words of both.
"""

import re
from collections.abc import Sequence
from typing import Final

_NEIGHBOURS: Final = "indent this line like its neighbours"
# What YAML says, and what to do about it; the first that fits. `{opened}` is the line where what is broken began.
_PROBLEMS: Final = (
    (
        "mapping values are not allowed",
        "indent like the lines beside it, put a blank behind the colon, or quote a text with `: ` in it",
    ),
    ("could not find expected ':'", "a colon is missing in line {opened}"),
    ("',' or ']'", "the [ opened in line {opened} is not closed"),
    ("',' or '}'", "the { opened in line {opened} is not closed"),
    ("quoted scalar", "the quote opened in line {opened} is not closed"),
    ("expected '-' indicator", _NEIGHBOURS),
    ("did not find expected key", _NEIGHBOURS),
    ("expected <block end>", _NEIGHBOURS),
)
# Where a quote would open: at the beginning, or behind a blank or a sign that a value may follow.
_TYPOGRAPHIC: Final = re.compile("(?:\\A|(?<=[ \\[{,:-]))[\u2018-\u201f\u00ab\u00bb\u2039\u203a]")


def quote_hint(text: str) -> str:
    """Name a quote that word processors write and YAML takes for a letter; an empty string where there is none."""
    found = _TYPOGRAPHIC.search(text)
    return f'{found[0]} (U+{ord(found[0]):04X}) is no quote to YAML but part of the text: write "' if found else ""


def syntax_hint(lines: Sequence[str], line: int, column: int, said: str, opened: int) -> str:
    """Name the way out of a syntax error.

    Args:
        lines: the whole file.
        line: where the parser gave up, from 1, with `column`.
        column: from 1.
        said: the parser's own words, context first.
        opened: the line on which what is broken began.
    """
    text = lines[line - 1] if line <= len(lines) else ""
    index = column - 1
    here = text[index : index + 1]
    if here == "\t":
        return "indent with blanks, not with tabs"
    if hint := quote_hint(text.partition(" #")[0]):
        return hint
    if "escape character" in said:
        return "put a text with a backslash in single quotes"
    if "scanning an alias" in said:
        return 'write "*": to YAML a * without quotes begins an alias'
    if text[:index].endswith("{user}"):
        return 'put a text with {user} in double quotes: "{user}@EXAMPLE.TEST"'
    if "mapping values" in said and (number := _without_colon(lines, line)):
        return f"a colon is missing in line {number}"
    for problem, hint in _PROBLEMS:
        if problem in said:
            return hint.replace("{opened}", str(opened))
    if here and here in "@`%:*&!":
        return f"put a text that begins with {here} in double quotes"
    return ""


def _without_colon(lines: Sequence[str], line: int) -> int:
    """The number of the line above, where it has no colon, else 0: YAML reads on as if both were one text."""
    for number in range(line - 1, 0, -1):
        above = lines[number - 1].strip()
        if above and not above.startswith("#"):
            return number if ":" not in above and above[0] not in "-[{" else 0
    return 0
