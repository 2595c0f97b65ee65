"""Reading the profile anew while the gate runs: everything is parsed, judged and loaded before anything is swapped.

`read_anew` gives what is to be put in force, or raises `NotReloaded` with every problem, whatever a file does to us:
mail goes on under the old profile. A key whose file can no longer be used stays as it was read before, and is named.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from sealgate.app.ports import PortError
from sealgate.app.runtime import Override, Runtime
from sealgate.audit.record import moment
from sealgate.daemon.archive import equipped
from sealgate.profile.model import Problem
from sealgate.profile.settings import Settings
from sealgate.wiring import Ingredients, build, read_override, read_profile

DIGEST_OCTETS: Final = 64  # of a digest in hex, in front of what the health process gets


class NotReloaded(Exception):  # noqa: N818 - what became of it
    """The profile cannot be used; `problems` says why."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Loaded:
    """A profile that is ready to be put in force."""

    ingredients: Ingredients
    runtime: Runtime
    problems: tuple[Problem, ...]  # warnings
    override: Override | None


def read_anew(settings: Settings, previous: Ingredients) -> Loaded:
    """Read mode switch, profile and keys as they are on disk now.

    Raises:
        NotReloaded: anything of it cannot be used.
    """
    try:
        override = read_override(Path(settings.state), time.time())
        found, problems = read_profile(Path(settings.profile), override=override, previous=previous)
        if found is None:
            raise NotReloaded([str(p) for p in problems if p.is_error])
        found = equipped(found, Path(settings.state), time.time())
        return Loaded(found, build(found), problems, override)
    except PortError as error:
        raise NotReloaded([str(error)]) from error
    except NotReloaded:
        raise
    except Exception as error:  # whatever a file can do to us, mail goes on
        raise NotReloaded([f"internal fault: {error!r}"]) from error


def for_health(ingredients: Ingredients) -> bytes:
    """Pack what the health process gets: keys need no senders; without them the digest would be another."""
    return ingredients.digest.encode("ascii") + replace(ingredients, tables=(), epochs=()).pack()


def told(before: Runtime, loaded: Loaded, now: float) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield what the record says of a profile that was put in force: kind and fields of each line."""
    after, override = loaded.runtime, loaded.override
    is_switch = before.override != override
    # One reading may bring both. Where the switch is all that is new, no profile was put in force.
    if not is_switch or before.digest != after.digest:
        yield "reload", {"result": "done", "profile": after.digest, "before": before.digest}
    if is_switch:
        said = override or before.override
        yield (
            "mode",
            {
                "mode": "enforce" if after.enforces_at(now) else "report",
                "by": said.by if said else "",
                "why": said.why if said else "",
                "until": moment(override.until) if override else "",
            },
        )
    for kept in loaded.ingredients.kept:
        key, _, why = kept.partition(": ")
        yield "key", {"result": "kept", "key": key, "why": why}
