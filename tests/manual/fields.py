"""sealgate.yaml(5) and sealgate-profile.yaml(5), from the comments of the samples in conf, which hold every field.

A comment is text with lists in it: a line `word: text` or `word  text`, what belongs to it further to the right. It is
read by its indentation and set as paragraphs and lists; what is no list stays text, so that no word is lost.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from sealgate.profile.form import CHOICES, KNOWN_KEYS
from sealgate.profile.settings import SETTINGS_CHOICES
from tests.manual.roff import head, item, paragraphs, prose, seen, typed, verbatim

SECTION = 5
CONF = Path(__file__).resolve().parents[2] / "conf"
_TAG = re.compile(r"( *)(\"[^\"]+\"|[^\s:]+)((?: \(default\))?)(:?)(\s+)(?=\S)")
_COLUMNS = re.compile(r"( +)(\S+(?: \S+)*)()()(\s{2,})(?=\S)")
_TOP = re.compile(r"([a-z_]+):")
_WORDS = frozenset(
    word for table in (CHOICES, SETTINGS_CHOICES) for words in table.values() for word in words
) | frozenset(key for keys in KNOWN_KEYS.values() for key in keys)


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a file, or several that share a comment: their names, the comment's lines, the sample's lines."""

    names: tuple[str, ...]
    comment: tuple[str, ...]
    sample: tuple[str, ...]


def fields(name: str) -> tuple[tuple[str, ...], tuple[Field, ...]]:
    """The comment at the head of a sample of conf, and its fields in their order."""
    blocks = [block.split("\n") for block in (CONF / name).read_text(encoding="utf-8").rstrip().split("\n\n")]
    opening: list[str] = []
    found: list[Field] = []
    for block in blocks:
        at = next((number for number, line in enumerate(block) if not line.startswith("#")), len(block))
        comment = tuple(line[2:] for line in block[:at])
        names = tuple(match[1] for line in block[at:] if (match := _TOP.match(line)))
        if names:
            found.append(Field(names, comment, tuple(block[at:])))
        elif found:  # a part of the field before, behind an empty line
            found[-1] = Field(found[-1].names, found[-1].comment, (*found[-1].sample, "", *block))
        else:
            opening += ["", *comment] if opening else comment
    return tuple(opening), tuple(found)


def _is_tag(line: str, within: int) -> re.Match[str] | None:
    """Whether an entry of a list begins here: a word of ours with a colon, or anything with a gap behind it."""
    match = _TAG.match(line)
    if match is None or not match[4] or not (match[2] in _WORDS or match[2] in ("yes", "no", "on", "off")):
        match = _COLUMNS.match(line)
    return match if match is not None and len(match[1]) >= within else None


def _split(lines: tuple[str, ...]) -> Iterator[str]:
    """Two entries in one line, with a gap of three between them, become two lines."""
    for line in lines:
        entry, gap, second = line.partition(".   ")
        yield from (f"{entry}.", second) if gap and re.match(r"[a-z]+: ", second) else (line,)


def comment(lines: tuple[str, ...], within: int = 0) -> list[str]:
    """A comment as paragraphs and lists; entries begin at the column `within` or further to the right."""
    out: list[str] = []
    text: list[str] = []
    rest = list(_split(lines))
    while rest:
        line = rest.pop(0)
        match = _is_tag(line, within)
        if match is None or not line.strip():
            text.append(line)
            if line.strip():
                continue
        if text:
            out += paragraphs([" ".join(text)]) if " ".join(text).strip() else []
            text = []
        if match is not None:
            inner = []
            while rest and rest[0].strip() and len(rest[0]) - len(rest[0].lstrip()) > len(match[1]):
                inner.append(rest.pop(0))
            out += _entry(match, line, tuple(inner))
    return out + (paragraphs([" ".join(text)]) if " ".join(text).strip() else [])


def _entry(match: re.Match[str], line: str, inner: tuple[str, ...]) -> list[str]:
    column = match.end()
    at = next((number for number, each in enumerate(inner) if _deeper(each, column)), len(inner))
    said = " ".join([line[column:], *inner[:at]])
    out = [".TP", f".B {typed(match[2] + match[3])}", prose(said)]
    return out + ([".RS", *comment(inner[at:], column + 1), ".RE"] if inner[at:] else [])


def _deeper(line: str, column: int) -> bool:
    match = _is_tag(line, column + 1)
    return match is not None


def settings_page() -> str:
    """sealgate.yaml(5)."""
    opening, found = fields("sealgate.yaml")
    lines = head("sealgate.yaml", SECTION, "settings of the host that runs sealgate")
    lines += [".SH SYNOPSIS", ".I /etc/sealgate/sealgate.yaml", ".SH DESCRIPTION", *comment(opening)[1:]]
    lines += paragraphs([SETTINGS])
    lines += [".SH FIELDS"]
    for field in found:
        lines += item(list(field.sample), ["\\&"])[:-1]
        told = comment(field.comment)
        lines += [".RS", *told[1:], ".RE"] if told[:1] == [".PP"] else [".RS", *told, ".RE"]
    return "\n".join([*lines, *seen([("sealgate", 8), ("sealgate-profile.yaml", 5), ("sealgate-check", 8)]), ""])


def profile_page() -> str:
    """sealgate-profile.yaml(5)."""
    opening, found = fields("profile.yaml")
    lines = head("sealgate-profile.yaml", SECTION, "what may be sent, by whom, in which form")
    lines += [".SH SYNOPSIS", ".I /etc/sealgate/profile.yaml", ".SH DESCRIPTION"]
    lines += paragraphs([PROFILE])[1:]
    lines += comment(opening[1:] if opening and opening[0].startswith("The profile:") else opening)
    for field in found:
        lines += [f".SH {typed(', '.join(field.names)).upper()}"]
        told = comment(field.comment)
        lines += told[1:] if told[:1] == [".PP"] else told
        lines += verbatim(field.sample)
    lines += [".SH EXAMPLES", "A first profile, which refuses nothing and signs nothing:"]
    first = (CONF / "profile-fresh.yaml").read_text(encoding="utf-8").rstrip().split("\n")
    lines += verbatim(first)
    return "\n".join([*lines, *seen([
        ("sealgate", 8), ("sealgate-check", 8), ("sealgate-who", 8), ("sealgate-rules", 7), ("sealgate.yaml", 5),
    ]), ""])  # fmt: skip


SETTINGS = """\
The file is YAML. It may be missing or empty: then every field has its default. `sealgate check` names every problem,
with line and column.
"""
PROFILE = """\
The profile is the whole policy of the gate, in YAML. Below is every field there is, in the order of the sample
`conf/profile.yaml`, with a piece of it. A first profile stands at the end of this page.
"""
