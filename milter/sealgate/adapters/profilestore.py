"""Every version of the profile that was ever in force, kept by its digest, so that a line can be judged again.

`STATE/profiles/DIGEST.json.gz` holds the text and its file's name, and for each file of senders its path and digest;
`STATE/profiles/tables/DIGEST.gz` the table itself, as the profile's reader makes it. What is there is never written
again, and what is read is held against its digest. Keys are not kept. What can fail: whatever a disk does, and a file
that was changed (`PortError`).
"""

import gzip
import hashlib
import json
import os
import re
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sealgate.app.ports import PortError

Write = Callable[[Path, bytes, int], None]
FOLDER: Final = "profiles"
MAX_OCTETS: Final = 256 * 1024 * 1024  # unpacked
_DIGEST: Final = re.compile("[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class KeptTable:
    """A file of senders: what the profile says of it, the file's digest, and the table (`profile.senders.dumped`)."""

    path: str
    format: str
    realm: str
    digest: str
    data: bytes


@dataclass(frozen=True, slots=True)
class KeptProfile:
    """A version of the profile."""

    file: str
    text: str
    tables: tuple[KeptTable, ...] = ()


def keep(state: Path, digest: str, profile: KeptProfile, write: Write) -> bool:
    """Keep a version under its digest; whether it is a new one.

    Args:
        state: the state folder.
        digest: of the profile, as lines name it.
        profile: the version.
        write: puts a file in its place whole (`adapters.files.replace`).

    Raises:
        PortError: it cannot be written.
    """
    path = _path(state, digest)
    if path.exists():
        return False
    try:
        for folder in (path.parent, path.parent / "tables"):
            folder.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise PortError(f"{path.parent}: {error.strerror}") from error
    for table in profile.tables:
        if not (there := _table_path(state, table.digest)).exists():
            write(there, gzip.compress(table.data, mtime=0), 0o600)
    document = {
        "file": profile.file,
        "text": profile.text,
        "tables": [[t.path, t.format, t.realm, t.digest, _sha256(t.data)] for t in profile.tables],
    }
    write(path, gzip.compress(json.dumps(document).encode(), mtime=0), 0o600)
    return True


def read(state: Path, digest: str) -> KeptProfile:
    """Return a version by its digest, or by the beginning of one.

    Raises:
        PortError: there is none, several begin so, it cannot be read, or it was changed.
    """
    if not digest or digest.strip("0123456789abcdef"):
        raise PortError(f"{digest[:80]!r} is no digest of a profile")
    found = [name for name in kept(state) if name.startswith(digest)]
    if len(found) != 1:
        raise PortError(f"{'no' if not found else 'more than one'} kept profile has a digest that begins {digest[:64]}")
    path = _path(state, found[0])
    try:
        raw = json.loads(_unpacked(path))
        tables = tuple(_table(state, row) for row in raw["tables"])
        profile = KeptProfile(str(raw["file"]), str(raw["text"]), tables)
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise PortError(f"{path} holds no profile: {error}") from error
    if digest_of(profile) != found[0]:
        raise PortError(f"{path} was changed: what it holds has another digest")
    return profile


def digest_of(profile: KeptProfile) -> str:
    """The digest under which a version is kept and which its lines name: that of `wiring.Ingredients`."""
    total = hashlib.sha256(profile.text.encode("utf-8", "surrogatepass"))
    for table in profile.tables:
        total.update(f"\0{table.path}\0{table.digest}".encode("utf-8", "surrogatepass"))
    return total.hexdigest()


def kept(state: Path) -> tuple[str, ...]:
    """The digests of all versions, in no order that means anything.

    Raises:
        PortError: the folder cannot be read.
    """
    try:
        return tuple(sorted(n.removesuffix(".json.gz") for n in os.listdir(state / FOLDER) if n.endswith(".json.gz")))
    except FileNotFoundError:
        return ()
    except OSError as error:
        raise PortError(f"{state / FOLDER}: {error.strerror}") from error


def _table(state: Path, row: list[str]) -> KeptTable:
    path, form, realm, digest, sha256 = row
    if not _DIGEST.fullmatch(digest):
        raise ValueError("a table has no digest")
    data = _unpacked(_table_path(state, digest))
    if _sha256(data) != sha256:
        raise PortError(f"{_table_path(state, digest)} was changed: what it holds has another digest")
    return KeptTable(path, form, realm, digest, data)


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _path(state: Path, digest: str) -> Path:
    return state / FOLDER / f"{digest}.json.gz"


def _table_path(state: Path, digest: str) -> Path:
    return state / FOLDER / "tables" / f"{digest}.gz"


def _unpacked(path: Path) -> bytes:
    try:
        with gzip.open(path, "rb") as file:
            data = file.read(MAX_OCTETS + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise PortError(f"{path}: {getattr(error, 'strerror', None) or error}") from error
    if len(data) > MAX_OCTETS:
        raise PortError(f"{path} is larger than {MAX_OCTETS} octets")
    return data
