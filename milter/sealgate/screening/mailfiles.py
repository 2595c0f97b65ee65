"""Messages out of files: `.eml`, `.mbox`, rendered templates, folders of all these, standard input.

A mailbox is read message by message, so its size does not matter; a message beyond the cap is told as such and skipped.
What a file is says its name, and where that is another one, its beginning: `From ` is a mailbox (mboxrd, whose
`>From ` loses one `>`), `<` an HTML template, all else a message. What cannot be read comes as an `Item` with a fault.
"""

import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from sealgate.screening.letters import is_template
from sealgate.screening.screener import MAX_OCTETS

SUFFIXES: Final = (".eml", ".mbox", ".html")  # what is taken out of a folder
_TEMPLATES: Final = {".html": "html", ".htm": "html", ".txt": "plain"}
_LINE: Final = 1 << 20  # octets that are read at once of a line without end


@dataclass(frozen=True, slots=True)
class Item:
    """One message or template.

    Attributes:
        name: the file, for a mailbox with the number of the message from 1: `post.mbox:3`.
        octets: what it holds; empty with a fault.
        subtype: `html` or `plain` where the file is a template by its name.
        fault: why it cannot be screened.
        read: octets of its file up to its end, for showing progress.
    """

    name: str
    octets: bytes = b""
    subtype: str = ""
    fault: str = ""
    read: int = 0


def listed(paths: Iterable[Path]) -> list[Path]:
    """The files, with what folders hold at any depth in order of their names. `-` stays as it is."""
    found: list[Path] = []
    for path in paths:
        if str(path) != "-" and path.is_dir():
            inside = (one for one in path.rglob("*") if one.suffix.lower() in SUFFIXES and one.is_file())
            found += sorted(inside)
        else:
            found.append(path)
    return found


def total_octets(paths: Iterable[Path]) -> int:
    """The size of all files together, as far as it can be told."""
    total = 0
    for path in paths:
        try:
            status = path.stat()
        except OSError:
            continue
        total += status.st_size if stat.S_ISREG(status.st_mode) else 0
    return total


def items(path: Path, standard_input: BinaryIO) -> Iterator[Item]:
    """The messages of one file."""
    if str(path) == "-":
        yield from _inside("standard input", standard_input, "")
        return
    try:
        if path.is_dir() or (path.exists() and not path.is_file() and not path.is_fifo()):
            yield Item(str(path), fault="it is neither a file nor a folder with mail in it")
            return
        with path.open("rb") as file:
            yield from _inside(str(path), file, path.suffix.lower())
    except OSError as error:
        yield Item(str(path), fault=error.strerror or str(error))


def _inside(name: str, file: BinaryIO, suffix: str) -> Iterator[Item]:
    first = file.readline(_LINE)
    if suffix == ".mbox" or (suffix not in _TEMPLATES and first.startswith(b"From ")):
        yield from _mailbox(name, file, first)
        return
    octets = first + file.read(MAX_OCTETS + 1 - len(first))
    subtype = _TEMPLATES.get(suffix, "")
    if len(octets) > MAX_OCTETS:
        yield Item(name, fault=f"it is larger than {MAX_OCTETS >> 20} MiB", read=len(octets))
    elif not octets.strip():
        yield Item(name, fault="it is empty", read=len(octets))
    else:
        yield Item(name, octets, subtype or ("html" if is_template(octets) else ""), read=len(octets))


def _mailbox(name: str, file: BinaryIO, first: bytes) -> Iterator[Item]:
    """Each message between lines that begin with `From ` and stand at the start or behind an empty line."""
    number = read = size = 0
    lines: list[bytes] = []
    was_empty, begins_line, line = True, True, first
    while line:
        read += len(line)
        if begins_line and was_empty and line.startswith(b"From "):
            if number:
                yield _one(name, number, lines, size, read - len(line))
            number, lines, size = number + 1, [], 0
        elif number:
            size += len(line)
            if size <= MAX_OCTETS:
                quoted = begins_line and line.startswith(b">") and line.lstrip(b">").startswith(b"From ")
                lines.append(line[1:] if quoted else line)
            else:
                lines.clear()
        elif line.strip():  # something before the first message
            yield Item(name, fault="it is no mailbox: it does not begin with a line `From `", read=read)
            return
        was_empty = begins_line and line in (b"\n", b"\r\n")
        begins_line = line.endswith(b"\n")
        line = file.readline(_LINE)
    if number:
        yield _one(name, number, lines, size, read)
    else:
        yield Item(name, fault="it is empty", read=read)


def _one(name: str, number: int, lines: list[bytes], size: int, read: int) -> Item:
    if size > MAX_OCTETS:
        return Item(f"{name}:{number}", fault=f"it is larger than {MAX_OCTETS >> 20} MiB", read=read)
    if lines and lines[-1] in (b"\n", b"\r\n"):  # the empty line belongs to the mailbox
        lines = lines[:-1]
    octets = b"".join(lines)
    return Item(f"{name}:{number}", octets, fault="" if octets.strip() else "it is empty", read=read)
