"""The audit key of this host, its public half and the newest checkpoint, as files of the state folder.

`STATE/audit.key` (PEM, mode 0600) is made once. `STATE/audit.pub` holds the public half in one line, with the name
under which the key signs: the host's name when the key was made, and `/sealgate`. A host that is renamed goes on under
the old name, because a checkpoint that was kept elsewhere must stay comparable. `STATE/checkpoint` holds the newest
signed checkpoint.

Several processes may call `keep` at once: all get the same key. What can fail: the folder cannot be read or written;
the key can be read by others; one half is of another key than the other. Nothing is then made or replaced.
"""

import os
import stat
import tempfile
from pathlib import Path
from typing import Final

from sealgate.app.ports import PortError
from sealgate.audit.note import AuditKey, generate, load
from sealgate.audit.verifier import Key, Note

PRIVATE: Final = "audit.key"
PUBLIC: Final = "audit.pub"
CHECKPOINT: Final = "checkpoint"
_MAX: Final = 1 << 16  # octets of any of these files


def keep(state: Path, host: str) -> AuditKey:
    """Return the audit key; where there is none yet, it is made.

    Args:
        state: the state folder.
        host: the name of this host, for the name of a new key.

    Raises:
        PortError: see above; or the host's name cannot stand in the name of a key.
    """
    try:
        pem = _read(state / PRIVATE, is_secret=True)
        if pem is None:
            pem = _new_pem(state)
        text = _read(state / PUBLIC)
        if text is None:
            made = load(pem, f"{host or 'localhost'}/sealgate")
            text = _made(state / PUBLIC, f"{made.public.text}\n".encode(), 0o644)
        public = Key.parse(text.decode())
        key = load(pem, public.name)
    except ValueError as error:
        raise PortError(f"the audit key in {state}: {error}") from error
    except OSError as error:
        raise PortError(f"{error.filename or state}: {error.strerror}") from error
    if key.public != public:
        raise PortError(
            f"{state / PUBLIC} belongs to another key than {state / PRIVATE}: "
            "bring the old key back, or move both away to begin with a new one"
        )
    return key


def public(state: Path) -> Key | None:
    """Return the public half; None where there is none yet.

    Raises:
        PortError: it cannot be read, or is none.
    """
    text = _told(state / PUBLIC)
    try:
        return None if text is None else Key.parse(text)
    except ValueError as error:
        raise PortError(f"{state / PUBLIC}: {error}") from error


def publish(state: Path, note: str) -> None:
    """Replace the newest checkpoint; readers see the old one or the new one, never half.

    Raises:
        PortError: the folder cannot be written.
    """
    path = state / CHECKPOINT
    try:
        made = _written(path, note.encode(), 0o644)
        try:
            os.replace(made, path)
        except OSError:
            made.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise PortError(f"{path}: {error.strerror}") from error


def latest(state: Path) -> str | None:
    """Return the newest checkpoint as it was published; None where there is none yet.

    Raises:
        PortError: it cannot be read.
    """
    return _told(state / CHECKPOINT)


def covered(state: Path) -> int:
    """How many lines the newest checkpoint covers; 0 where there is none that can be read."""
    try:
        return Note.parse(latest(state) or "").size
    except (PortError, ValueError):
        return 0


def _told(path: Path) -> str | None:
    try:
        text = _read(path)
    except OSError as error:
        raise PortError(f"{path}: {error.strerror}") from error
    return None if text is None else text.decode("utf-8", "replace")


def _new_pem(state: Path) -> bytes:
    if (state / PUBLIC).exists():
        # Whoever makes the two makes the private half first, so it is there by now, or is lost.
        pem = _read(state / PRIVATE, is_secret=True)
        if pem is None:
            raise PortError(
                f"{state / PRIVATE} is gone: bring it back, or move {state / PUBLIC} away to begin with a new key"
            )
        return pem
    return _made(state / PRIVATE, generate(), 0o600)


def _made(path: Path, content: bytes, mode: int) -> bytes:
    """Make a file that is whole from the first moment; where another process was faster, return its content."""
    made = _written(path, content, mode)
    try:
        os.link(made, path)
    except FileExistsError:
        found = _read(path, is_secret=mode == 0o600)
        if found is None:
            raise PortError(f"{path} comes and goes: another hand is at work in {path.parent}") from None
        content = found
    finally:
        made.unlink()
    fd = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
    return content


def _written(path: Path, content: bytes, mode: int) -> Path:
    """Write a file beside the one that is meant, under a name of its own."""
    fd, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # mode 0600 from the first moment
    try:
        with os.fdopen(fd, "wb") as file:
            os.fchmod(fd, mode)
            file.write(content)
            file.flush()
            os.fsync(fd)
    except OSError:
        Path(name).unlink(missing_ok=True)
        raise
    return Path(name)


def _read(path: Path, *, is_secret: bool = False) -> bytes | None:
    try:
        # Without O_NONBLOCK, opening a FIFO would wait for a writer.
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    except FileNotFoundError:
        return None
    with os.fdopen(fd, "rb") as file:
        status = os.fstat(fd)
        if not stat.S_ISREG(status.st_mode):
            raise PortError(f"{path} is not a regular file")
        if is_secret and status.st_mode & 0o077:
            raise PortError(f"{path} can be read by others than its owner: chmod 0600 {path}")
        return file.read(_MAX)
