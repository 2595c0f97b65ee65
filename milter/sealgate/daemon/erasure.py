"""What is erased of the state folder, by hand or by age: the keys of quarters, and salts with their values.

The lines of the record are never touched. They hold hashes only, which mean nothing any more once key or salt is gone,
and the chain over them stays whole. Under a legal hold nothing may be erased: `hold_of` says so, and whoever calls the
rest asks it first.

What can fail: whatever a disk does, another process that erases (`PortError`); a profile that cannot be read leaves it
open whether there is a hold (`PortError` too).
"""

import json
import os
import pwd
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, Final

from sealgate import __version__
from sealgate.adapters import epochs, erasing, files, personal, profilestore
from sealgate.adapters.writer import WriterClient
from sealgate.app.ports import PortError
from sealgate.audit.forgetting import (
    Forgetting,
    epoch_bounds,
    moment_of_id,
    without_address,
    without_anything,
    without_older,
)
from sealgate.audit.personal import epoch_of, is_epoch
from sealgate.audit.record import VERSION, moment
from sealgate.profile.lint import check_profile
from sealgate.profile.model import Record
from sealgate.profile.settings import Settings
from sealgate.wiring import SETTABLE_RULES

KIND: Final = "forgotten"
_DEADLINE: Final = 5.0  # seconds for the line about it


@dataclass(frozen=True, slots=True)
class Forgotten:
    """What went.

    Attributes:
        values: how many salts with their values.
        epochs: the quarters they were of.
        keys: the quarters whose key went.
    """

    values: int = 0
    epochs: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()

    def __add__(self, other: "Forgotten") -> "Forgotten":
        epochs_too = tuple(sorted({*self.epochs, *other.epochs}))
        return Forgotten(self.values + other.values, epochs_too, tuple(sorted({*self.keys, *other.keys})))

    @property
    def is_anything(self) -> bool:
        """Whether anything went."""
        return bool(self.values or self.epochs or self.keys)


def record_of(settings: Settings) -> Record:
    """What the profile on disk says of the record.

    Raises:
        PortError: it cannot be read, or has errors.
    """
    text = files.read_policy(Path(settings.profile))
    profile, problems = check_profile(text, settings.profile, known_rules=SETTABLE_RULES)
    if profile is None:
        raise PortError(next((str(problem) for problem in problems if problem.is_error), "the profile cannot be used"))
    return profile.record


def hold_of(settings: Settings) -> str:
    """Why nothing may be erased, in a sentence; empty where it may.

    The hold of the file counts from the moment it is written, and that of the profile in force until another one is.

    Raises:
        PortError: one of them cannot be read, so nobody knows.
    """
    if record_of(settings).legal_hold:
        return f"{settings.profile} says legal_hold: yes"
    try:
        status = json.loads((Path(settings.runtime) / "status.json").read_text("utf-8"))
        in_force = str(status["profile"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""  # the gate does not run
    kept = profilestore.read(Path(settings.state), in_force)
    profile, _ = check_profile(kept.text, kept.file, known_rules=SETTABLE_RULES)
    if profile is not None and profile.record.legal_hold:
        return "the profile in force says legal_hold: yes; reload the gate with the changed one first"
    return ""


def forget_epoch(state: Path, epoch: str, *, is_trial: bool = False) -> Forgotten:
    """Destroy the key of a quarter that is over, and all its salts and values.

    Raises:
        PortError: it could not be done, or not all of it.
    """
    if not (state / personal.FOLDER).is_dir():
        return _key_gone(state, epoch, is_trial=is_trial)
    with erasing.alone(state / personal.FOLDER):
        path = personal.file_of(state, epoch)
        was_there, values = path.exists(), _count(path, without_anything)[0]
        gone = _key_gone(state, epoch, is_trial=is_trial)
        if was_there and not is_trial:
            erasing.remove(path, _hold(state))
        return gone + Forgotten(values, (epoch,) if was_there else ())


def forget_address(state: Path, address: str, *, is_trial: bool = False) -> Forgotten:
    """Take salt and value of a recipient out of every quarter; other recipients of the same messages stay.

    Raises:
        PortError: it could not be done, or not everywhere; it can be done again.
    """
    total = Forgotten()
    if not (state / personal.FOLDER).is_dir():
        return total
    with erasing.alone(state / personal.FOLDER):
        for epoch in personal.epochs_of(state):
            total += _rewritten(state, epoch, without_address(address), is_trial=is_trial)
    return total


def forget_before(
    state: Path, before: datetime, slack: timedelta = timedelta(0), *, is_trial: bool = False
) -> Forgotten:
    """Erase what is older than a moment: quarters that were over by then whole, and of that one its older part.

    Args:
        state: the state folder.
        before: with a zone.
        slack: how much older than `before` the oldest value of a quarter must be for its file to be written anew.
        is_trial: only count.

    Raises:
        PortError: it could not be done, or not all of it.
    """
    total = Forgotten()
    for epoch in sorted({*personal.epochs_of(state), *epochs.read(state)}):
        begin, end = epoch_bounds(epoch)
        if end <= before:
            total += forget_epoch(state, epoch, is_trial=is_trial)
        elif begin < before and _oldest(state, epoch, end) < before - slack:
            with erasing.alone(state / personal.FOLDER):
                total += _rewritten(state, epoch, without_older(before), is_trial=is_trial)
    return total


def is_over(epoch: str, now: float) -> bool:
    """Whether a quarter has ended: the key of one that has not is in use, and would be made anew."""
    return is_epoch(epoch) and epoch < epoch_of(datetime.fromtimestamp(now, UTC).isoformat())


def tell(settings: Settings, what: str, reason: str, **more: Any) -> str:
    """Say in the record that something was erased; return why that could not be, empty where it was."""
    event = {
        "kind": KIND, "v": VERSION, "t": moment(time.time()), "host": os.uname().nodename,
        "software": f"sealgate {__version__}", "what": what, "reason": reason, "by": whoever(), **more,
    }  # fmt: skip
    try:
        client = WriterClient(str(Path(settings.runtime) / "writer.sock"), _DEADLINE)
        client.append(event)
        client.close()
    except PortError as error:
        return str(error)
    return ""


def whoever() -> str:
    """Who we are to the system; the environment (`LOGNAME`, `USER`) is the caller's own word."""
    try:
        name = pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        name = "?"
    return f"{name} (uid {os.getuid()})"


def _key_gone(state: Path, epoch: str, *, is_trial: bool) -> Forgotten:
    was_there = epoch in epochs.read(state) if is_trial else epochs.destroy(state, epoch)
    return Forgotten(keys=(epoch,)) if was_there else Forgotten()


def _hold(state: Path) -> Callable[[], AbstractContextManager[None]]:
    return partial(_held, state)


@contextmanager
def _held(state: Path) -> Iterator[None]:
    """Keep the writer out; a lock file that root makes for it must be its own, or it could never write again."""
    folder = state / personal.FOLDER
    with personal.held(state, alone=True):
        owner = folder.stat()
        if os.geteuid() == 0 and owner.st_uid:
            for path in folder.glob(".lock"):
                os.chown(path, owner.st_uid, owner.st_gid, follow_symlinks=False)
        yield


def _rewritten(state: Path, epoch: str, forgetting: Forgetting, *, is_trial: bool) -> Forgotten:
    path = personal.file_of(state, epoch)
    values, is_less = _count(path, forgetting)
    if is_less and not is_trial:
        erasing.rewrite(path, lambda line: forgetting(line).line, _hold(state))
    return Forgotten(values, (epoch,) if values else ())


def _count(path: Path, forgetting: Forgetting) -> tuple[int, bool]:
    """How many values would go, and whether anything would."""
    values, is_less = 0, False
    for line in erasing.each(path):
        kept = forgetting(line)
        values += kept.values
        is_less = is_less or kept.line != line
    return values, is_less


def _oldest(state: Path, epoch: str, otherwise: datetime) -> datetime:
    """When the first decision of a quarter was made that the file has values of."""
    for line in erasing.each(personal.file_of(state, epoch)):
        try:
            found = moment_of_id(str(json.loads(line)["id"]))
        except (ValueError, KeyError, TypeError):
            continue
        if found is not None:
            return found
    return otherwise
