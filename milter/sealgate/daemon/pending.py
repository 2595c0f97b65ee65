"""Service settings that were changed on disk and wait for a restart: a reload swaps the profile, and no more.

`changed_settings` reads the file again and names each setting that differs from the one in force, so that whoever
reloads is told what the reload has not done. It raises nothing: a file that cannot be used would hold up the next
restart, and that is said instead.
"""

from dataclasses import fields
from pathlib import Path
from typing import Final

from sealgate.mail.reply import printable
from sealgate.profile.settings import Settings
from sealgate.wiring import read_settings

_LONGEST: Final = 120  # characters of a value that are shown
REMEDY: Final = "systemctl kill -s SIGUSR2 sealgate"


def changed_settings(in_force: Settings, path: Path) -> tuple[str, ...]:
    """Name what the file asks for and the running gate does not do, such as `workers: 2 is in force, 4 is asked for`.

    Args:
        in_force: what this program was started with.
        path: the settings' file.
    """
    asked, problems = read_settings(path)
    if asked is None:
        first = next((str(problem) for problem in problems if problem.is_error), "see `sealgate check`")
        return (f"they cannot be used, and a restart would be refused: {first}",)
    return tuple(
        f"{each.name}: {_shown(each.name, old)} is in force, {_shown(each.name, new)} is asked for"
        for each in fields(Settings)
        if (old := getattr(in_force, each.name)) != (new := getattr(asked, each.name))
    )


def _shown(name: str, value: object) -> str:
    """A value as the file would have it."""
    if name == "socket_mode" and isinstance(value, int):
        return f"{value:04o}"
    if isinstance(value, tuple):
        return ", ".join(f"{address} port {port}" for address, port in value) or "nothing"
    return "off" if value is None else printable(str(value), _LONGEST)
