"""The keys that hide personal values in the record, one a calendar quarter, and their making and erasing.

`STATE/epochs/2026q4.key` holds 32 random octets, mode 0600. Destroying one makes every hash of its quarter mean nothing
for ever. `keep` makes the keys of this quarter and of the next one, so that nobody waits for one at midnight.
"""

import os
import tempfile
from pathlib import Path
from typing import Final

from sealgate.app.ports import PortError
from sealgate.audit.personal import KEY_OCTETS, is_epoch

FOLDER: Final = "epochs"
_SUFFIX: Final = ".key"


def keep(state: Path, epochs: tuple[str, ...]) -> dict[str, bytes]:
    """Return the keys of some quarters; those that are not there are made.

    Raises:
        PortError: the state folder cannot be read or written, or holds something else under such a name.
    """
    folder = state / FOLDER
    try:
        folder.mkdir(mode=0o700, parents=False, exist_ok=True)
        return {epoch: _read(folder / f"{epoch}{_SUFFIX}") or _make(folder, epoch) for epoch in epochs}
    except OSError as error:
        raise PortError(f"{error.filename or folder}: {error.strerror}") from error


def read(state: Path) -> dict[str, bytes]:
    """Return every key there is, by quarter, the oldest first.

    Raises:
        PortError: one cannot be read, or is none.
    """
    folder = state / FOLDER
    try:
        names = sorted(name.removesuffix(_SUFFIX) for name in os.listdir(folder) if name.endswith(_SUFFIX))
        found = {name: _read(folder / f"{name}{_SUFFIX}") for name in names if is_epoch(name)}
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise PortError(f"{error.filename or folder}: {error.strerror}") from error
    return {name: key for name, key in found.items() if key is not None}


def destroy(state: Path, epoch: str) -> bool:
    """Overwrite and remove the key of a quarter; whether there was one.

    Raises:
        PortError: it cannot be removed.
    """
    path = state / FOLDER / f"{epoch}{_SUFFIX}"
    try:
        fd = os.open(path, os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            os.write(fd, bytes(KEY_OCTETS))  # of little use on a copying file system, and harmless
            os.fsync(fd)
        finally:
            os.close(fd)
        path.unlink()
        _sync(path.parent)
    except FileNotFoundError:
        return False
    except OSError as error:
        raise PortError(f"{path}: {error.strerror}") from error
    return True


def _read(path: Path) -> bytes | None:
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    except FileNotFoundError:
        return None
    try:
        key = os.read(fd, KEY_OCTETS + 1)
    finally:
        os.close(fd)
    if len(key) != KEY_OCTETS:
        raise PortError(f"{path} holds no key of {KEY_OCTETS} octets")
    return key


def _make(folder: Path, epoch: str) -> bytes:
    """Make a key under another name first: a key of half its length would be kept for ever."""
    key = os.urandom(KEY_OCTETS)
    fd, name = tempfile.mkstemp(dir=folder, prefix=f".{epoch}.")  # mode 0600 from the first moment
    made = Path(name)
    try:
        os.write(fd, key)
        os.fsync(fd)
    finally:
        os.close(fd)
    path = folder / f"{epoch}{_SUFFIX}"
    try:
        os.link(made, path)  # another process may have made it meanwhile; then that one counts
    except FileExistsError:
        key = _read(path) or key
    finally:
        made.unlink()
    _sync(folder)
    return key


def _sync(folder: Path) -> None:
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
